/* common.h - what several commands do in the same way. */
#ifndef FV_CLI_COMMON_H
#define FV_CLI_COMMON_H

#include <jansson.h>
#include <stdio.h>

#include "command.h"

/* "fovea train: MESSAGE" on stderr; returns CLI_FAILED. */
int cli_fail(const cli_call *call, const fv_error *error);
int cli_fail_text(const cli_call *call, const char *format, ...) FV_PRINTF(2, 3);

/* Pins instruction set and threads; 0 and NULL leave them. CLI_GOOD, or CLI_FAILED after saying why. */
int cli_set_machine(const cli_call *call, const char *isa, int64_t threads);

/* --exact and --bf16 as a command was given them, with the instruction set that it will use: CLI_USAGE after saying that they exclude
 * each other. Says on stderr where bf16 numbers are not multiplied. */
int cli_check_products(const cli_call *call, bool exact, bool bf16);

/* 1234567 -> "1,234,567"; returns out. */
const char *cli_grouped(int64_t n, char out[32]);
/* 2794240 -> "2.79 M"; bytes: 1536 -> "1.5 KiB" */
const char *cli_short(int64_t n, char out[32]);
const char *cli_bytes(int64_t n, char out[32]);
/* A metric as people read it: loss 0.0512, accuracy 98.70%. */
const char *cli_metric(const char *name, double value, char out[48]);

/* May the terminal show more than ASCII? */
bool cli_unicode(void);

/* The value of a whole-number option for a size or seed: 0 where FV_ZERO is kept. */
static inline int64_t cli_number(int64_t option) { return option == FV_ZERO ? 0 : option; }

/* DATA as given; `test`: its test part where it has parts and none is named. NULL and *error. Says on stderr which files
 * options->skip_bad left out. */
fv_data *cli_open_data(const cli_call *call, const char *spec, bool test, const fv_data_options *options,
                       fv_error *error);

/* Says on stderr which files of DATA were left out. */
void cli_tell_skipped(const cli_call *call, const char *spec, const fv_data *data);

/* Does the text behind the path name a part already? A ':' in an existing path is none. */
bool cli_names_part(const char *spec);

/* Gives `use` the net that the first operand names: of a network or, where no --set is given, of a model. Its exit code. */
int cli_with_net(const cli_call *call, const cli_settings *set, int (*use)(const cli_call *call, fv_net *net));
/* Is it the file or run folder of a model (else a network)? */
bool cli_is_model(const char *path);

/* The shape of a sample, "224x224x3"; false if it is none. */
bool cli_read_shape(const char *text, fv_shape *shape);

/* Prints the JSON value to stdout, indented, and frees it. */
int cli_print_json(const cli_call *call, json_t *json);
/* A number that JSON can hold: null where it is not finite. */
json_t *cli_json_number(double value);

#endif
