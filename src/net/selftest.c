/* selftest.c - the worked examples of all operators, run from the library as it was installed. */
#include "trial.h"

static bool run_example(const fv_op *op, const fv_example *example, fv_on_example on_example, void *user) {
    fv_trial trial;
    fv_error error = {0};
    fv_text result = {0};
    fv_status status = fv_trial_new(op, example, &trial, &error);
    if (!status) {
        status = fv_trial_check(&trial, fv_kernels(), &result, &error);
        fv_trial_free(&trial);
    }
    if (on_example)
        on_example(user, op->name, example->title, result.data ? result.data : "", status ? error.message : NULL);
    fv_text_free(&result);
    return !status;
}

int fv_selftest(fv_on_example on_example, void *user) {
    int failed = 0;
    for (int o = 0; fv_ops[o]; o++)
        for (int i = 0; i < FV_MAX_EXAMPLES && fv_ops[o]->examples[i].fields; i++) {
            const fv_example *example = &fv_ops[o]->examples[i];
            if (example->title && !run_example(fv_ops[o], example, on_example, user)) failed++;
        }
    return failed;
}
