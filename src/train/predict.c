/* predict.c - the net's answer for samples and for picture files, as probabilities where it is about classes. */
#include <string.h>

#include "picture.h"
#include "train.h"

/* ---- probabilities ---------------------------------------------------------------------------------------------- */

static fv_status call_kernel(fv_routine routine, const fv_geom *geom, float *y, const float *x, fv_pool *pool,
                             fv_error *error) {
    const fv_kernel *kernel = fv_choose_kernel(fv_kernels(), routine, geom);
    fv_need need = {0};
    if (kernel->need) kernel->need(geom, fv_pool_threads(pool), &need);
    void *scratch = need.scratch ? fv_alloc_aligned(need.scratch) : NULL;
    if (need.scratch && !scratch) return fv_fail_memory(error, "probabilities", need.scratch);
    fv_call call = {.geom = geom, .n = geom->n, .arg = {y, (void *)(uintptr_t)x}, .scratch = scratch, .pool = pool};
    fv_status status = kernel->run(&call);
    fv_free_aligned(scratch);
    return status ? fv_fail(error, status, "probabilities could not be computed") : FV_OK;
}

fv_status fv_to_probabilities(const fv_reading *reading, fv_tensor *out, fv_pool *pool, fv_error *error) {
    bool done = reading->answer == FV_ANSWER_NUMBERS || reading->scores != reading->output;
    int64_t n = out->shape.dim[0], count = fv_shape_count(&out->shape), columns = out->shape.dim[out->shape.rank - 1];
    if (done || out->dtype != FV_F32 || out->shape.rank < 2) return FV_OK;
    float *x = out->data;
    float *y = fv_alloc_aligned((size_t)count * sizeof *y);
    if (!y) return fv_fail_memory(error, "probabilities", (size_t)count * sizeof *y);
    if (reading->answer == FV_ANSWER_DISTANCES)
        for (int64_t i = 0; i < count; i++) x[i] = -x[i];
    fv_geom geom = {.n = n, .batched = true};
    bool binary = reading->answer == FV_ANSWER_BINARY;
    if (binary)
        geom.unary = (fv_unary_geom){.kind = FV_U_SIGMOID, .each = count / n};
    else
        geom.rows = (fv_rows_geom){.rows = count / columns / n, .cols = columns};
    fv_status status = call_kernel(binary ? FV_R_UNARY : FV_R_SOFTMAX, &geom, y, x, pool, error);
    if (!status) memcpy(x, y, (size_t)count * sizeof *y);
    fv_free_aligned(y);
    return status;
}

/* ---- samples ---------------------------------------------------------------------------------------------------- */

static fv_status predict_batches(fv_run *run, fv_feed *feed, fv_views *views, int output, int64_t first, int64_t count, int64_t batch,
                                 fv_tensor *out, fv_error *error) {
    fv_tensor result = fv_run_operand(run, fv_run_plan(run)->of_value[output]);
    fv_shape shape = result.shape;
    shape.dim[0] = count;
    *out = fv_tensor_new(result.dtype, &shape);
    if (!out->data)
        return fv_fail_memory(error, "the answers", (size_t)fv_shape_count(&shape) * fv_dtype_size(result.dtype));
    size_t row = (size_t)(fv_shape_count(&shape) / count) * fv_dtype_size(result.dtype);
    int64_t order[64];
    fv_status status = FV_OK;
    for (int64_t at = 0; at < count && !status; at += batch) {
        int64_t n = count - at < batch ? count - at : batch;
        for (int64_t i = 0; i < n; i++) order[i] = first + at + i;
        status = fv_views_go(views, feed, run, order, 0, n, error);
        if (!status) memcpy((char *)out->data + (size_t)at * row, result.data, (size_t)n * row);
    }
    return status;
}

/* What was asked about the first picture that the net is to see. */
static fv_status look_at_input(const fv_model *model, fv_feed *feed, int64_t first, const fv_predict_options *wish,
                               fv_error *error) {
    if (wish->doubt) *wish->doubt = NULL;
    if (!wish->doubt && !wish->show_input) return FV_OK;
    fv_status status = fv_feed_batch(feed, &first, 0, 1, error);
    if (!status && wish->show_input) status = fv_feed_show(feed, wish->show_input, error);
    if (!status && wish->doubt) *wish->doubt = fv_feed_doubt(model, feed);
    return status;
}

fv_status fv_predict_with(fv_model *model, fv_data *data, int64_t first, int64_t count, fv_tensor *out, fv_error *error,
                          const fv_predict_options *given) {
    fv_predict_options wish;
    fv_copy_options(&wish, sizeof wish, given, given ? given->size : 0);
    memset(out, 0, sizeof *out);
    if (first < 0 || count < 1 || first > data->count - count)
        return fv_fail(error, FV_E_ARGUMENT, "predict: expected samples within 0..%lld, got %lld from %lld on",
                       (long long)data->count - 1, (long long)count, (long long)first);
    fv_status status = fv_model_sync(model, error);
    if (status) return status;
    fv_reading reading = fv_net_reading(model->net);
    fv_shape shape;
    int64_t batch = count < 64 ? count : 64;
    int wanted[2] = {reading.scores, reading.output};
    const char *tta = fv_model_views(model, wish.tta);
    fv_plan_options options = {.batch = batch,
                               .input = fv_feed_shape(model->net, data, &shape),
                               .wanted = wanted,
                               .wanted_count = tta ? 2 : 0,
                               .exact = wish.exact};
    if (reading.output < 0) return fv_fail(error, FV_E_ARGUMENT, "predict: the net has no output");
    if (!fv_type_batched(&model->net->values[reading.output].type))
        return fv_fail(error, FV_E_SHAPE, "predict: the net's output does not depend on samples");
    fv_run *run = fv_run_build(model->net, &model->weights, &options, error);
    if (!run) return fv_failed(error);
    fv_feed feed;
    fv_views views = {.count = 0};
    status = fv_feed_begin(&feed, model, data, run, false, error);
    feed.invert = wish.invert;
    if (!status) status = look_at_input(model, &feed, first, &wish, error);
    if (!status) status = fv_views_begin(&views, tta, &feed, run, &reading, error);
    if (!status) status = predict_batches(run, &feed, &views, reading.output, first, count, batch, out, error);
    if (!status) status = fv_to_probabilities(&reading, out, fv_run_pool(run), error);
    if (status) fv_free(out->data), out->data = NULL;
    fv_views_end(&views);
    fv_feed_end(&feed);
    fv_run_free(run);
    return status;
}

fv_status fv_predict(fv_model *model, fv_data *data, int64_t first, int64_t count, fv_tensor *out, fv_error *error) {
    return fv_predict_with(model, data, first, count, out, error, NULL);
}

/* ---- picture files ---------------------------------------------------------------------------------------------- */

static int copy_picture(void *user, int64_t index, void *const *out) {
    const fv_tensor *picture = user;
    memcpy(out[0], picture->data, (size_t)fv_shape_count(&picture->shape));
    return (int)index;
}

/* The picture as the net's input wants it: channels and size by the model's rule; open sizes take the picture's. */
static fv_status fit_picture(const fv_model *model, fv_tensor *picture, fv_error *error) {
    const fv_net *net = model->net;
    const fv_value_info *input = NULL;
    for (int v = 0; v < net->value_count && !input; v++)
        if (net->values[v].kind == FV_KIND_INPUT && !net->values[v].target) input = &net->values[v];
    const int64_t *dim = input ? input->type.shape.dim : NULL;
    if (!input || input->type.shape.rank != 4 || !(dim[3] == 1 || dim[3] == 3))
        return fv_fail(error, FV_E_SHAPE, "the net does not read pictures of 1 or 3 channels");
    int64_t height = dim[1] > 0 ? dim[1] : picture->shape.dim[0], width = dim[2] > 0 ? dim[2] : picture->shape.dim[1];
    fv_tensor fitted;
    fv_status status = fv_picture_new(height, width, (int)dim[3], "picture", &fitted, error);
    if (status) return status;
    status = fv_picture_fit(picture, model->preprocess.fit, model->preprocess.crop, &fitted, error);
    fv_free(status ? fitted.data : picture->data);
    if (!status) *picture = fitted;
    return status;
}

fv_status fv_predict_file_with(fv_model *model, const char *path, fv_tensor *out, fv_error *error,
                               const fv_predict_options *options) {
    memset(out, 0, sizeof *out);
    fv_tensor picture = {0};
    fv_status status = fv_picture_read(path, &picture, error);
    if (!status) status = fit_picture(model, &picture, error);
    if (!status) {
        fv_data_field field = {.name = "picture", .dtype = FV_U8, .shape = picture.shape};
        fv_data *data = fv_data_from_callback(1, &field, 1, copy_picture, &picture, error);
        status = data ? fv_predict_with(model, data, 0, 1, out, error, options) : fv_failed(error);
        fv_data_free(data);
    }
    fv_free(picture.data);
    return status;
}

fv_status fv_predict_file(fv_model *model, const char *path, fv_tensor *out, fv_error *error) {
    return fv_predict_file_with(model, path, out, error, NULL);
}
