/* evaluate.c - loss and metrics over all samples of a set. */
#include "train.h"

int64_t *fv_all_samples(int64_t count, fv_error *error) {
    int64_t *order = fv_alloc_array((size_t)count, sizeof *order);
    if (!order) fv_fail_memory(error, "a list of samples", (size_t)count * sizeof *order);
    for (int64_t i = 0; order && i < count; i++) order[i] = i;
    return order;
}

fv_history *fv_meter_history(const fv_meter *meter, fv_error *error) {
    fv_history *history = fv_history_new(meter->count, 1, error);
    double values[FV_MAX_METRICS + 1];
    for (int m = 0; history && m < meter->count; m++) {
        values[m] = fv_meter_value(meter, m);
        if (fv_history_name(history, m, "", meter->name[m], error)) fv_history_free(history), history = NULL;
    }
    if (history) fv_history_add(history, values);
    return history;
}

fv_history *fv_evaluate_with(fv_model *model, fv_data *data, fv_error *error, const fv_evaluate_options *given) {
    fv_evaluate_options options;
    fv_copy_options(&options, sizeof options, given, given ? given->size : 0);
    int64_t batch = options.batch_size ? options.batch_size : 64;
    if (batch < 1)
        return fv_fail(error, FV_E_ARGUMENT, "batch_size: expected 1 or more, got %lld", (long long)batch), NULL;
    if (data->count < 1) return fv_fail(error, FV_E_ARGUMENT, "evaluate: the data has no samples"), NULL;
    if (fv_set_loss(model->net, NULL, fv_target_field(data), error) || fv_model_sync(model, error)) return NULL;
    if (fv_feed_prepare(model, data, error)) return NULL;
    fv_pass pass;
    fv_history *history = NULL;
    fv_pass_options how = {.batch = batch < data->count ? batch : data->count,
                           .threads = options.threads,
                           .exact = options.exact,
                           .bf16 = options.bf16,
                           .metrics = options.metrics ? options.metrics : fv_model_metrics(model)};
    fv_status status = fv_pass_begin(&pass, model, data, &how, error);
    if (!status) status = fv_pass_views(&pass, fv_model_views(model, options.tta), error);
    int64_t *order = status ? NULL : fv_all_samples(data->count, error);
    if (order && !fv_pass_run(&pass, order, data->count, error)) history = fv_meter_history(&pass.meter, error);
    fv_free(order);
    fv_pass_end(&pass);
    return history;
}
