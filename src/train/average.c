/* average.c - weights averaged over the steps (Polyak and Juditsky 1992, as an exponential mean): validated, saved and handed back in
 * place of the last ones. */
#include <string.h>

#include "train.h"

fv_status fv_average_begin(fv_average *a, fv_model *model, double keep, fv_error *error) {
    memset(a, 0, sizeof *a);
    if (!(keep > 0)) return FV_OK;
    a->model = model, a->keep = keep;
    a->of = fv_alloc_array((size_t)model->weight_count + 1, sizeof *a->of);
    if (!a->of) return fv_fail_memory(error, "averaged weights", 0);
    for (int i = 0; i < model->weight_count; i++) {
        int value = model->weight_values[i];
        if (model->net->values[value].kind != FV_KIND_WEIGHT) continue;
        const fv_tensor *weight = &model->weights.of[value];
        size_t bytes = (size_t)fv_shape_count(&weight->shape) * sizeof(float);
        a->of[i] = fv_alloc_aligned(bytes);
        if (!a->of[i]) return fv_fail_memory(error, "averaged weights", bytes);
        memcpy(a->of[i], weight->data, bytes);
    }
    return FV_OK;
}

void fv_average_step(fv_average *a, int64_t step) {
    if (!a->of) return;
    double early = (double)(1 + step) / (double)(10 + step), keep = a->keep < early ? a->keep : early;
    float part = (float)(1 - keep);
    for (int i = 0; i < a->model->weight_count; i++) {
        if (!a->of[i]) continue;
        const fv_tensor *weight = &a->model->weights.of[a->model->weight_values[i]];
        const float *now = weight->data;
        float *mean = a->of[i];
        int64_t count = fv_shape_count(&weight->shape);
        for (int64_t k = 0; k < count; k++) mean[k] += part * (now[k] - mean[k]);
    }
}

void fv_average_swap(fv_average *a) {
    for (int i = 0; a->of && i < a->model->weight_count; i++) {
        if (!a->of[i]) continue;
        fv_tensor *weight = &a->model->weights.of[a->model->weight_values[i]];
        float *other = weight->data;
        weight->data = a->of[i];
        a->of[i] = other;
    }
}

void fv_average_take(fv_average *a) {
    for (int i = 0; a->of && i < a->model->weight_count; i++) {
        if (!a->of[i]) continue;
        fv_tensor *weight = &a->model->weights.of[a->model->weight_values[i]];
        memcpy(weight->data, a->of[i], (size_t)fv_shape_count(&weight->shape) * sizeof(float));
    }
    if (a->of) fv_model_touch(a->model);
}

void fv_average_end(fv_average *a) {
    for (int i = 0; a->of && i < a->model->weight_count; i++) fv_free_aligned(a->of[i]);
    fv_free(a->of);
    memset(a, 0, sizeof *a);
}
