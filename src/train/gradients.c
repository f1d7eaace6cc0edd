/* gradients.c - what happens to gradients between the backward pass and the optimizer: several batches become one step, and no
 * step gets too long. Sums run in the order of the weights, so that they are the same bits at any number of threads. */
#include <math.h>
#include <string.h>

#include "train.h"

fv_status fv_gradients_begin(fv_gradients *g, fv_descent *descent, bool accumulates, double clip_value,
                             double clip_norm, fv_error *error) {
    *g = (fv_gradients){.descent = descent, .clip_value = clip_value, .clip_norm = clip_norm};
    if (!accumulates) return FV_OK;
    g->run = fv_alloc_array((size_t)descent->count + 1, sizeof *g->run);
    if (!g->run) return fv_fail_memory(error, "sums of gradients", 0);
    for (int i = 0; i < descent->count; i++) {
        fv_trained *weight = &descent->weights[i];
        size_t bytes = (size_t)weight->each * sizeof(float);
        float *sum = fv_alloc_aligned(bytes);
        if (!sum) return fv_fail_memory(error, "sums of gradients", bytes);
        g->run[i] = weight->gradient.data;
        weight->gradient.data = sum;
    }
    return FV_OK;
}

void fv_gradients_add(fv_gradients *g, double share, bool first) {
    float part = (float)share;
    for (int i = 0; g->run && i < g->descent->count; i++) {
        const fv_trained *weight = &g->descent->weights[i];
        if (weight->resting) continue;
        float *sum = weight->gradient.data;
        const float *from = g->run[i];
        if (first)
            for (int64_t k = 0; k < weight->each; k++) sum[k] = part * from[k];
        else
            for (int64_t k = 0; k < weight->each; k++) sum[k] += part * from[k];
    }
}

/* By the bits: an exponent of ones is infinity or no number. */
bool fv_all_finite(const float *numbers, int64_t count) {
    uint32_t bad = 0;
    for (int64_t k = 0; k < count; k++) {
        uint32_t bits;
        memcpy(&bits, &numbers[k], sizeof bits);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return !bad;
}

int fv_gradients_bad(const fv_gradients *g) {
    for (int i = 0; i < g->descent->count; i++) {
        const fv_trained *weight = &g->descent->weights[i];
        if (!weight->resting && !fv_all_finite(weight->gradient.data, weight->each)) return i;
    }
    return -1;
}

static void clip_values(const fv_trained *weight, float most) {
    float *numbers = weight->gradient.data;
    for (int64_t k = 0; k < weight->each; k++)
        numbers[k] = numbers[k] > most ? most : numbers[k] < -most ? -most : numbers[k];
}

static double sum_of_squares(const fv_trained *weight) {
    const float *numbers = weight->gradient.data;
    double sum = 0;
    for (int64_t k = 0; k < weight->each; k++) sum += (double)numbers[k] * (double)numbers[k];
    return sum;
}

void fv_gradients_clip(fv_gradients *g) {
    const fv_descent *d = g->descent;
    for (int i = 0; g->clip_value > 0 && i < d->count; i++)
        if (!d->weights[i].resting) clip_values(&d->weights[i], (float)g->clip_value);
    if (!(g->clip_norm > 0)) return;
    double sum = 0;
    for (int i = 0; i < d->count; i++) sum += sum_of_squares(&d->weights[i]);
    double norm = sqrt(sum);
    if (norm <= g->clip_norm) return;
    float factor = (float)(g->clip_norm / norm);
    for (int i = 0; i < d->count; i++) {
        float *numbers = d->weights[i].gradient.data;
        for (int64_t k = 0; k < d->weights[i].each; k++) numbers[k] *= factor;
    }
}

void fv_gradients_end(fv_gradients *g) {
    for (int i = 0; g->run && i < g->descent->count; i++) {
        if (!g->run[i]) continue;
        fv_free_aligned(g->descent->weights[i].gradient.data);
        g->descent->weights[i].gradient.data = g->run[i];
    }
    fv_free(g->run);
    memset(g, 0, sizeof *g);
}
