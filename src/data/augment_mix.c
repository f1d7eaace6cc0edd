/* augment_mix.c - samples of a batch are mixed with each other, and their labels with them. */
#include <string.h>

#include "augment.h"
#include "memory.h"

static int64_t row_floats(const fv_tensor *tensor) { return fv_shape_count(&tensor->shape) / tensor->shape.dim[0]; }

/* x = own * x + (1 - own) * other. */
static void overlay(float *restrict x, const float *restrict other, double own, int64_t count) {
    float a = (float)own, b = (float)(1 - own);
    for (int64_t i = 0; i < count; i++) x[i] = a * x[i] + b * other[i];
}

static void mix_picture(const fv_augmenting *g, const fv_mixing *m, float *x, const float *other, int64_t count) {
    int64_t channels = count / (g->height * g->width);
    if (m->own < 1) overlay(x, other, m->own, count);
    for (int64_t y = m->top; y < m->top + m->height; y++) {
        int64_t at = (y * g->width + m->left) * channels;
        memcpy(x + at, other + at, (size_t)(m->width * channels) * sizeof *x);
    }
}

/* Which fields are mixed, and how they were before. */
typedef struct mixture {
    fv_augmenting *g;
    float *x[FV_MAX_FIELDS];      /* the batch; NULL: stays */
    float *before[FV_MAX_FIELDS]; /* a copy of it */
    int64_t each[FV_MAX_FIELDS];
} mixture;

/* Row `row` with another one, both as they were. */
static void mix_row(const mixture *w, const fv_augment_entry *entry, int64_t sample, int64_t row, int64_t count) {
    fv_augmenting *g = w->g;
    fv_stream stream;
    fv_mixing m;
    if (!fv_augment_happens(g, entry, sample, &stream)) return;
    int64_t other = (row + 1 + (int64_t)fv_below(&stream, (uint64_t)count - 1)) % count;
    fv_augment_call call = {.a = entry->a, .stream = &stream, .epoch = g->epoch};
    call.shot = (fv_shot){.height = g->height, .width = g->width};
    entry->record->mix(&call, &m);
    double share = m.own * (1 - (double)(m.height * m.width) / (double)(g->height * g->width));
    for (int i = 0; i < g->data->field_count; i++) {
        if (!w->x[i]) continue;
        float *x = w->x[i] + row * w->each[i];
        const float *from = w->before[i] + other * w->each[i];
        if (g->follows[i] == FV_PICTURE || g->follows[i] == FV_MASK) /* distributions of a mask: one for each pixel */
            mix_picture(g, &m, x, from, w->each[i]);
        else
            overlay(x, from, share, w->each[i]);
    }
}

static size_t choose(mixture *w, const fv_tensor *into, const fv_tensor *labels, int64_t count) {
    size_t floats = 0;
    for (int i = 0; i < w->g->data->field_count; i++) {
        const fv_tensor *of = w->g->follows[i] == FV_PICTURE ? &into[i] : labels && labels[i].data ? &labels[i] : NULL;
        if (!of) continue;
        w->x[i] = of->data, w->each[i] = row_floats(of);
        floats += (size_t)(count * w->each[i]);
    }
    return floats;
}

fv_status fv_augment_mix(fv_augmenting *g, const int64_t *order, int64_t first, int64_t count, const fv_tensor *into,
                         const fv_tensor *labels, fv_error *error) {
    mixture w = {.g = g};
    if (!fv_augment_mixes(&g->plan) || count < 2) return FV_OK;
    size_t bytes = choose(&w, into, labels, count) * sizeof(float);
    float *copy = fv_room_take(&g->mixed, bytes);
    if (!copy) return fv_fail_memory(error, "mixed samples", bytes);
    for (int k = 0; k < g->plan.count; k++) {
        const fv_augment_entry *entry = &g->plan.entry[k];
        float *at = copy;
        if (!entry->record->mix) continue;
        for (int i = 0; i < g->data->field_count; i++) {
            if (!w.x[i]) continue;
            w.before[i] = memcpy(at, w.x[i], (size_t)(count * w.each[i]) * sizeof *at);
            at += count * w.each[i];
        }
        for (int64_t row = 0; row < count; row++) mix_row(&w, entry, order[first + row], row, count);
    }
    fv_room_put(&g->mixed, copy);
    return FV_OK;
}
