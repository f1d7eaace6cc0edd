/* trial.h - a worked example of an operator as a net of one layer: what selftest runs, and what the checks that are
 * derived from the records start from. */
#ifndef FV_NET_TRIAL_H
#define FV_NET_TRIAL_H

#include "example.h"
#include "plan.h"

/* One thing that the operator reads. */
typedef struct fv_trial_operand {
    const char *name; /* "x", "weight" */
    int value;        /* of the net */
    fv_role role;
    fv_example_tensor text;
    double *numbers; /* each is a float, too; NULL when the example only shows figures */
} fv_trial_operand;

typedef struct fv_trial {
    const fv_op *op;
    const fv_example *example;
    fv_net *net;
    fv_value y;                                 /* behind the activation, if there is one */
    fv_trial_operand operand[FV_MAX_PORTS + 4]; /* inputs, then the parameters that are there */
    int operands;
    int64_t batch;
    fv_weights weights;
} fv_trial;

/* `op` need not be a registered operator. On failure there is nothing to free. */
fv_status fv_trial_new(const fv_op *op, const fv_example *example, fv_trial *trial, fv_error *error);
void fv_trial_free(fv_trial *trial);

/* A run over the example's numbers, not gone yet. With `gradients` it also differentiates sum(seed * y) by every real
 * operand; the seed is the run's input "d:" and the name of y. */
fv_run *fv_trial_run(const fv_trial *trial, const fv_table *table, bool gradients, fv_error *error);

/* Copies an operand's numbers (again) to where the runs read them; weights: before the first go. */
void fv_trial_load(const fv_trial *trial, fv_run *run);

/* Runs the example and compares with its `out`, to 1e-5; or counts, where it shows figures. FV_E_NUMBER and the first
 * difference in *error if it differs. What came out is added to `result` (may be NULL). */
fv_status fv_trial_check(const fv_trial *trial, const fv_table *table, fv_text *result, fv_error *error);

#endif
