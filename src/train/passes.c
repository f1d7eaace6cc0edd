/* passes.c - going through samples without training: validation, evaluation. */
#include <string.h>

#include "train.h"

fv_status fv_pass_begin(fv_pass *pass, fv_model *model, const fv_data *data, const fv_pass_options *options,
                        fv_error *error) {
    memset(pass, 0, sizeof *pass);
    pass->batch = options->batch;
    fv_status status = fv_meter_read(&pass->meter, model->net, options->metrics, error);
    if (status) return status;
    fv_shape shape;
    int wanted[2] = {pass->meter.reading.scores, pass->meter.reading.output};
    fv_plan_options plan = {.batch = options->batch,
                            .input = fv_feed_shape(model->net, data, &shape),
                            .losses = true,
                            .wanted = wanted,
                            .wanted_count = 2,
                            .threads = options->threads,
                            .exact = options->exact,
                            .bf16 = options->bf16};
    pass->run = fv_run_build(model->net, &model->weights, &plan, error);
    if (!pass->run) return fv_failed(error);
    return fv_feed_begin(&pass->feed, model, data, pass->run, true, error);
}

fv_status fv_pass_views(fv_pass *pass, const char *tta, fv_error *error) {
    return fv_views_begin(&pass->views, tta, &pass->feed, pass->run, &pass->meter.reading, error);
}

fv_status fv_pass_run(fv_pass *pass, const int64_t *order, int64_t count, fv_error *error) {
    fv_meter_reset(&pass->meter);
    for (int64_t first = 0; first < count; first += pass->batch) {
        int64_t n = count - first < pass->batch ? count - first : pass->batch;
        fv_status status = fv_views_go(&pass->views, &pass->feed, pass->run, order, first, n, error);
        if (status) return status;
        fv_meter_add(&pass->meter, pass->run, n);
    }
    return FV_OK;
}

void fv_pass_end(fv_pass *pass) {
    fv_views_end(&pass->views);
    fv_feed_end(&pass->feed);
    fv_run_free(pass->run);
    fv_meter_end(&pass->meter);
    memset(pass, 0, sizeof *pass);
}
