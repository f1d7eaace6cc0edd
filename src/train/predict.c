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

static fv_status predict_batches(fv_run *run, fv_feed *feed, fv_views *views, int output, int64_t first, int64_t count,
                                 int64_t batch, fv_tensor *out, fv_error *error) {
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

/* A run that is ready for samples of one set. */
typedef struct asking {
    fv_run *run;
    fv_feed feed;
    fv_views views;
    fv_reading reading;
    int64_t batch;
} asking;

static fv_status begin_asking(asking *a, fv_model *model, fv_data *data, int64_t batch, const fv_predict_options *wish,
                              fv_error *error) {
    memset(a, 0, sizeof *a);
    fv_status status = fv_model_sync(model, error);
    if (status) return status;
    a->reading = fv_net_reading(model->net);
    a->batch = batch;
    fv_shape shape;
    int wanted[2] = {a->reading.scores, a->reading.output};
    const char *tta = fv_model_views(model, wish->tta);
    fv_plan_options options = {.batch = batch,
                               .input = fv_feed_shape(model->net, data, &shape),
                               .wanted = wanted,
                               .wanted_count = tta ? 2 : 0,
                               .exact = wish->exact,
                               .bf16 = wish->bf16};
    if (a->reading.output < 0) return fv_fail(error, FV_E_ARGUMENT, "predict: the net has no output");
    if (!fv_type_batched(&model->net->values[a->reading.output].type))
        return fv_fail(error, FV_E_SHAPE, "predict: the net's output does not depend on samples");
    a->run = fv_run_build(model->net, &model->weights, &options, error);
    if (!a->run) return fv_failed(error);
    status = fv_feed_begin(&a->feed, model, data, a->run, false, error);
    a->feed.invert = wish->invert;
    return status ? status : fv_views_begin(&a->views, tta, &a->feed, a->run, &a->reading, error);
}

static void end_asking(asking *a) {
    fv_views_end(&a->views);
    fv_feed_end(&a->feed);
    fv_run_free(a->run);
    memset(a, 0, sizeof *a);
}

static fv_status ask(asking *a, const fv_model *model, int64_t first, int64_t count, const fv_predict_options *wish,
                     fv_tensor *out, fv_error *error) {
    fv_status status = look_at_input(model, &a->feed, first, wish, error);
    if (!status)
        status = predict_batches(a->run, &a->feed, &a->views, a->reading.output, first, count, a->batch, out, error);
    if (!status) status = fv_to_probabilities(&a->reading, out, fv_run_pool(a->run), error);
    if (status) fv_free(out->data), out->data = NULL;
    return status;
}

fv_status fv_predict_with(fv_model *model, fv_data *data, int64_t first, int64_t count, fv_tensor *out, fv_error *error,
                          const fv_predict_options *given) {
    fv_predict_options wish;
    asking a;
    fv_copy_options(&wish, sizeof wish, given, given ? given->size : 0);
    memset(out, 0, sizeof *out);
    if (first < 0 || count < 1 || first > data->count - count)
        return fv_fail(error, FV_E_ARGUMENT, "predict: expected samples within 0..%lld, got %lld from %lld on",
                       (long long)data->count - 1, (long long)count, (long long)first);
    fv_status status = begin_asking(&a, model, data, count < 64 ? count : 64, &wish, error);
    if (!status) status = ask(&a, model, first, count, &wish, out, error);
    end_asking(&a);
    return status;
}

fv_status fv_predict(fv_model *model, fv_data *data, int64_t first, int64_t count, fv_tensor *out, fv_error *error) {
    return fv_predict_with(model, data, first, count, out, error, NULL);
}

/* ---- picture files ---------------------------------------------------------------------------------------------- */

struct fv_predictor {
    fv_model *model;
    fv_predict_options wish;
    fv_tensor picture; /* the one that is asked about, as the net wants it */
    fv_data *data;     /* has that one sample */
    asking asking;     /* for pictures of its size */
};

static int copy_picture(void *user, int64_t index, void *const *out) {
    const fv_predictor *p = user;
    memcpy(out[0], p->picture.data, (size_t)fv_shape_count(&p->picture.shape));
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

fv_predictor *fv_predictor_new_with(fv_model *model, fv_error *error, const fv_predict_options *options) {
    fv_predictor *p = fv_alloc(sizeof *p);
    if (!p) return fv_fail_memory(error, "a predictor", sizeof *p), NULL;
    p->model = model;
    fv_copy_options(&p->wish, sizeof p->wish, options, options ? options->size : 0);
    return p;
}

static void forget_size(fv_predictor *p) {
    end_asking(&p->asking);
    fv_data_free(p->data);
    p->data = NULL;
}

/* The run of the last picture serves where this one has its size. */
static fv_status prepare_size(fv_predictor *p, fv_error *error) {
    if (p->data && fv_shape_equal(&p->data->fields[0].shape, &p->picture.shape)) return FV_OK;
    forget_size(p);
    fv_data_field field = {.name = "picture", .dtype = FV_U8, .shape = p->picture.shape};
    p->data = fv_data_from_callback(1, &field, 1, copy_picture, p, error);
    fv_status status = p->data ? begin_asking(&p->asking, p->model, p->data, 1, &p->wish, error) : fv_failed(error);
    if (status) forget_size(p);
    return status;
}

fv_status fv_predictor_file(fv_predictor *p, const char *path, fv_tensor *out, fv_error *error) {
    memset(out, 0, sizeof *out);
    p->picture = (fv_tensor){0};
    fv_status status = fv_picture_read(path, &p->picture, error);
    if (!status) status = fit_picture(p->model, &p->picture, error);
    if (!status) status = prepare_size(p, error);
    if (!status) status = ask(&p->asking, p->model, 0, 1, &p->wish, out, error);
    fv_free(p->picture.data);
    return status;
}

void fv_predictor_free(fv_predictor *p) {
    if (!p) return;
    forget_size(p);
    fv_free(p);
}

fv_status fv_predict_file_with(fv_model *model, const char *path, fv_tensor *out, fv_error *error,
                               const fv_predict_options *options) {
    memset(out, 0, sizeof *out);
    fv_predictor *p = fv_predictor_new_with(model, error, options);
    fv_status status = p ? fv_predictor_file(p, path, out, error) : FV_E_MEMORY;
    fv_predictor_free(p);
    return status;
}

fv_status fv_predict_file(fv_model *model, const char *path, fv_tensor *out, fv_error *error) {
    return fv_predict_file_with(model, path, out, error, NULL);
}
