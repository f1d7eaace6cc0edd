/* views.c - test-time augmentation: a run sees every sample in several views, and what it answers is their weighted mean. */
#include <string.h>

#include "memory.h"
#include "train.h"

const char *fv_model_views(const fv_model *model, const char *asked) {
    const char *text = asked ? asked : fv_model_note(model, "train.tta");
    if (!text) text = fv_net_find_setting(model->net, "train", "tta");
    return text && *text && strcmp(text, "none") ? text : NULL;
}

static float *floats(size_t count, fv_status *status, fv_error *error) {
    float *memory = *status ? NULL : fv_alloc_array(count, sizeof *memory);
    if (!memory && !*status) *status = fv_fail_memory(error, "test-time augmentation", count * sizeof *memory);
    return memory;
}

/* A value of the run that is averaged. */
static fv_status begin_mean(fv_views *v, int k, fv_run *run, int value, fv_error *error) {
    fv_tensor of = fv_run_operand(run, fv_run_plan(run)->of_value[value]);
    if (!of.data || of.dtype != FV_F32 || of.shape.rank < 1)
        return fv_fail(error, FV_E_UNSUPPORTED, "test-time augmentation: the net's answer is not f32 for each sample");
    fv_status status = FV_OK;
    v->of[k] = of;
    v->mean[k] = floats((size_t)fv_shape_count(&of.shape), &status, error);
    return status;
}

fv_status fv_views_begin(fv_views *v, const char *text, const fv_feed *feed, fv_run *run, const fv_reading *reading,
                         fv_error *error) {
    fv_augment_plan plan;
    memset(v, 0, sizeof *v);
    if (!text) return FV_OK;
    fv_status status = fv_augment_read(text, &plan, error);
    if (status || !plan.count) return status;
    status = fv_augment_begin(&v->augmenting, &plan, feed->data, feed->preprocess, feed->into, 0, error);
    if (!status) status = fv_augment_views(&v->augmenting, v->view, &v->count, error);
    for (int i = 0; i < feed->data->field_count && !status; i++)
        if (v->augmenting.follows[i] == FV_PICTURE && !feed->data->fields[i].target)
            v->base[i] = floats((size_t)fv_shape_count(&feed->into[i].shape), &status, error);
    v->reading = *reading;
    if (!status) status = begin_mean(v, 0, run, reading->scores, error);
    if (!status && reading->output != reading->scores) status = begin_mean(v, 1, run, reading->output, error);
    if (status) v->count = 0;
    return status;
}

static int64_t row_floats(const fv_tensor *tensor) { return fv_shape_count(&tensor->shape) / tensor->shape.dim[0]; }

/* Samples as they are, kept; or from there back into the run. */
static void copy_base(const fv_views *v, const fv_feed *feed, int64_t n, bool back) {
    for (int i = 0; i < feed->data->field_count; i++) {
        if (!v->base[i]) continue;
        size_t bytes = (size_t)(n * row_floats(&feed->into[i])) * sizeof(float);
        memcpy(back ? feed->into[i].data : v->base[i], back ? v->base[i] : feed->into[i].data, bytes);
    }
}

static void add(fv_views *v, int64_t n, double weight, bool first) {
    for (int k = 0; k < 2; k++) {
        const float *from = v->of[k].data;
        float *to = v->mean[k], share = (float)weight;
        int64_t count = to ? n * row_floats(&v->of[k]) : 0;
        for (int64_t i = 0; i < count; i++) to[i] = (first ? 0 : to[i]) + share * from[i];
    }
}

/* What is read of the run from now on are the means; probabilities are those of the mean logits. */
static fv_status hand_over(fv_views *v, fv_run *run, int64_t n, double loss, fv_error *error) {
    for (int k = 0; k < 2; k++)
        if (v->mean[k]) memcpy(v->of[k].data, v->mean[k], (size_t)(n * row_floats(&v->of[k])) * sizeof(float));
    fv_run_set_loss(run, loss);
    if (!v->mean[1] || v->reading.answer == FV_ANSWER_NUMBERS || row_floats(&v->of[0]) != row_floats(&v->of[1]))
        return FV_OK;
    fv_tensor output = v->of[1];
    fv_reading anew = {.answer = v->reading.answer};
    output.shape.dim[0] = n;
    memcpy(output.data, v->mean[0], (size_t)(n * row_floats(&v->of[0])) * sizeof(float));
    return fv_to_probabilities(&anew, &output, fv_run_pool(run), error);
}

fv_status fv_views_go(fv_views *v, fv_feed *feed, fv_run *run, const int64_t *order, int64_t first, int64_t n,
                      fv_error *error) {
    fv_status status = fv_feed_batch(feed, order, first, n, error);
    if (status || v->count < 2) return status ? status : fv_run_go(run, n, error);
    double loss = 0;
    copy_base(v, feed, n, false);
    for (int k = 0; k < v->count && !status; k++) {
        if (k) copy_base(v, feed, n, true);
        status = fv_augment_look(&v->augmenting, &v->view[k], feed->into, n, error);
        if (!status) status = fv_run_go(run, n, error);
        if (status) return status;
        add(v, n, v->view[k].weight, k == 0);
        loss += v->view[k].weight * fv_run_loss(run);
    }
    return status ? status : hand_over(v, run, n, loss, error);
}

void fv_views_end(fv_views *v) {
    for (int i = 0; i < FV_MAX_FIELDS; i++) fv_free(v->base[i]);
    fv_free(v->mean[0]), fv_free(v->mean[1]);
    fv_augment_end(&v->augmenting);
    memset(v, 0, sizeof *v);
}
