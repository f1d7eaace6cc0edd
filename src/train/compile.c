/* compile.c - Keras's compile: a model with fresh weights that knows its optimizer, loss and metrics. What has no place
 * in the net is kept in notes, so that a saved model still knows it. */
#include "train.h"

fv_model *fv_compile_with(fv_net *net, fv_error *error, const fv_compile_options *given) {
    fv_compile_options options;
    fv_copy_options(&options, sizeof options, given, given ? given->size : 0);
    double numbers[FV_SPEC_ARGUMENTS];
    if (!net) return fv_fail(error, FV_E_ARGUMENT, "fv_compile: no net was given"), NULL;
    if (fv_net_check(net, error)) return NULL;
    if (options.optimizer && !fv_find_optimizer(options.optimizer, numbers, error)) return NULL;
    if (options.metrics && fv_metrics_check(options.metrics, error)) return NULL;
    if (options.loss && fv_set_loss(net, options.loss, NULL, error)) return NULL;
    uint64_t seed = options.seed == (uint64_t)FV_ZERO ? 0 : options.seed;
    fv_model *model = fv_model_new(net, seed, error);
    if (!model) return NULL;
    fv_status status = fv_model_set_note(model, "compile.optimizer", options.optimizer, error);
    if (!status) status = fv_model_set_note(model, "compile.metrics", options.metrics, error);
    if (!status) return model;
    fv_model_free(model);
    return NULL;
}
