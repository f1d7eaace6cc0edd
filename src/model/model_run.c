/* model_run.c - a run of a model: the public options become a plan's. */
#include "model.h"

#include <string.h>

static fv_status value_ids(const fv_model *model, const fv_value *values, int count, const char *what, int *ids,
                           fv_error *error) {
    for (int i = 0; i < count; ++i) {
        if (values[i].net != model->net || values[i].id < 0 || values[i].id >= model->net->value_count)
            return fv_fail(error, FV_E_ARGUMENT, "fv_run_new: %s[%d] is not a value of the model's net", what, i);
        ids[i] = values[i].id;
    }
    return FV_OK;
}

static fv_status negative(const char *name, int64_t value, fv_error *error) {
    return value >= 0
               ? FV_OK
               : fv_fail(error, FV_E_ARGUMENT, "fv_run_new: %s: expected 0 or more, got %lld", name, (long long)value);
}

fv_run *fv_run_new_with(fv_model *model, fv_error *error, const fv_run_options *given) {
    fv_run_options options = {0};
    size_t known = given->size < sizeof options ? given->size : sizeof options;
    memcpy(&options, given, known);
    if (negative("batch", options.batch, error) || negative("threads", options.threads, error) ||
        negative("wanted_count", options.wanted_count, error) || negative("by_count", options.by_count, error))
        return NULL;
    if (fv_model_sync(model, error)) return NULL;
    size_t wanted = (size_t)options.wanted_count, by = (size_t)options.by_count;
    int *ids = fv_alloc_array(wanted + by + 1, sizeof *ids);
    if (!ids) {
        fv_fail_memory(error, "a run", (wanted + by) * sizeof *ids);
        return NULL;
    }
    fv_run *run = NULL;
    if (!value_ids(model, options.wanted, options.wanted_count, "wanted", ids, error) &&
        !value_ids(model, options.by, options.by_count, "by", ids + wanted, error)) {
        fv_plan_options plan = {.batch = options.batch ? options.batch : 1,
                                .input = options.input.rank ? &options.input : NULL,
                                .training = options.training,
                                .losses = options.training && model->net->loss_count > 0,
                                .gradients = options.gradients,
                                .wanted = ids,
                                .wanted_count = options.wanted_count,
                                .by = ids + wanted,
                                .by_count = options.by_count,
                                .threads = options.threads,
                                .exact = options.exact,
                                .bf16 = options.bf16};
        run = fv_run_build(model->net, &model->weights, &plan, error);
    }
    fv_free(ids);
    return run;
}
