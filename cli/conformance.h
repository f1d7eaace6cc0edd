/* conformance.h - one test of a suite of ONNX tests: a model with inputs and the outputs that belong to them. */
#ifndef FV_CLI_CONFORMANCE_H
#define FV_CLI_CONFORMANCE_H

#include "fovea.h"

typedef enum cli_verdict { CLI_PASSED, CLI_UNSUPPORTED, CLI_WRONG, CLI_VERDICTS } cli_verdict;
extern const char *const cli_verdict_names[CLI_VERDICTS]; /* "passed", "unsupported", "failed" */

typedef struct cli_trial {
    double rtol, atol;
    int seconds;   /* a test that runs for longer has failed */
    int64_t bytes; /* of memory that it may have */
} cli_trial;

typedef struct cli_outcome {
    cli_verdict verdict;
    char message[600];    /* of one that has not passed */
    char operators[1200]; /* of its model, "Conv,Relu" */
} cli_outcome;

/* Runs the test in that folder (model.onnx, test_data_set_*) in a process of its own, so that nothing it does can end this one. */
void cli_run_trial(const char *folder, const cli_trial *trial, cli_outcome *out);

#endif
