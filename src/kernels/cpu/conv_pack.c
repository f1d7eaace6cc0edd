/* conv_pack.c - weights as panels: for each phase, group and panel [taps][source channels][columns]. */
#include "conv_shape.h"
#include "pairs.h"

typedef struct packing {
    const conv_shape *shape;
    const fv_conv_geom *geom;
    const conv_job *job;
    const float *weights;
    float *packed;
} packing;

int64_t conv_packed_floats(const conv_shape *s, const conv_job *job) {
    return job->taps * s->from_each * s->groups * s->padded_columns;
}

/* The canonical weights [c/groups][f] of the kernel position of taps (z, y, x), or NULL outside the kernel. */
static const float *weights_at(const packing *p, int64_t z, int64_t y, int64_t x) {
    const conv_axis *a = p->job->axis;
    const fv_conv_geom *g = p->geom;
    const int64_t k[3] = {a[0].first_tap + z * a[0].tap_step, a[1].first_tap + y * a[1].tap_step,
                          a[2].first_tap + x * a[2].tap_step};
    if (k[2] < 0 || k[2] >= g->kernel[2]) return NULL;
    return p->weights + ((k[0] * g->kernel[1] + k[1]) * g->kernel[2] + k[2]) * (g->c / g->groups) * g->f;
}

/* Forward: rows of source channels are rows of the weights. */
static void pack_forward(const float *w, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t width) {
    for (int64_t r = 0; r < rows; r++) conv_copy(to + r * width, w + r * stride, columns);
}

/* Halves interleaved: lanes a0 b0 a1 b1 ... of the low or the high half of both. */
#if FV_LANES == 16
#define INTERLEAVE(a, b, h)                                                                                            \
    __builtin_shufflevector(a, b, h, h + 16, h + 1, h + 17, h + 2, h + 18, h + 3, h + 19, h + 4, h + 20, h + 5,        \
                            h + 21, h + 6, h + 22, h + 7, h + 23)
#elif FV_LANES == 8
#define INTERLEAVE(a, b, h) __builtin_shufflevector(a, b, h, h + 8, h + 1, h + 9, h + 2, h + 10, h + 3, h + 11)
#else
#define INTERLEAVE(a, b, h) __builtin_shufflevector(a, b, h, h + 4, h + 1, h + 5)
#endif

/* As often as two divides the lanes, row i and row i + FV_LANES/2 become rows 2i and 2i + 1. */
FV_INLINE void transpose_vectors(vf a[FV_LANES]) {
    vf b[FV_LANES];
    FV_UNROLL
    for (int step = 1; step < FV_LANES; step *= 2) {
        FV_UNROLL
        for (int i = 0; i < FV_LANES / 2; i++) {
            b[2 * i] = INTERLEAVE(a[i], a[i + FV_LANES / 2], 0);
            b[2 * i + 1] = INTERLEAVE(a[i], a[i + FV_LANES / 2], FV_LANES / 2);
        }
        FV_UNROLL
        for (int i = 0; i < FV_LANES; i++) a[i] = b[i];
    }
}

FV_INLINE void transpose_square(const float *from, int64_t stride, float *to, int64_t width) {
    vf a[FV_LANES];
    FV_UNROLL
    for (int i = 0; i < FV_LANES; i++) a[i] = vf_load(from + i * stride);
    transpose_vectors(a);
    FV_UNROLL
    for (int i = 0; i < FV_LANES; i++) vf_store(to + i * width, a[i]);
}

void conv_transpose(const float *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t width) {
    int64_t r = 0;
    for (; r + FV_LANES <= rows; r += FV_LANES) {
        int64_t c = 0;
        for (; c + FV_LANES <= columns; c += FV_LANES)
            transpose_square(from + r * stride + c, stride, to + c * width + r, width);
        for (; c < columns; c++)
            for (int64_t i = r; i < r + FV_LANES; i++) to[c * width + i] = from[i * stride + c];
    }
    for (; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) to[c * width + r] = from[r * stride + c];
}

void conv_transpose_pairs(const float *from, int64_t stride, int64_t rows, int64_t numbers, float *to, int64_t width) {
    for (int64_t r = 0; r < rows; r += FV_LANES)
        for (int64_t n = 0; n < numbers; n += 2 * FV_LANES) {
            const int64_t high = conv_min(FV_LANES, rows - r), left = conv_min(2 * FV_LANES, numbers - n);
            vf a[FV_LANES] = {{0}};
            for (int64_t i = 0; i < high; i++) {
                const float *row = from + (r + i) * stride + n;
                a[i] = pairs_join(vf_load_part(row, conv_min(FV_LANES, left)),
                                  left > FV_LANES ? vf_load_part(row + FV_LANES, left - FV_LANES) : vf_zero());
            }
            transpose_vectors(a);
            for (int64_t i = 0; i < pairs_of(left); i++) vf_store_part(to + (n / 2 + i) * width + r, a[i], high);
        }
}

void conv_zip_rows(const float *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t width) {
    for (int64_t r = 0; r < rows; r += 2, from += 2 * stride, to += width)
        for (int64_t c = 0; c < columns; c += FV_LANES) {
            const int64_t lanes = conv_min(FV_LANES, columns - c);
            const vf next = r + 1 < rows ? vf_load_part(from + stride + c, lanes) : vf_zero();
            vf_store(to + c, pairs_zip(vf_load_part(from + c, lanes), next));
        }
}

/* `columns` destination channels from number `column` on of group `group`, for one tap. */
static void pack_tap(const packing *p, const float *w, int64_t group, int64_t column, int64_t columns, float *to,
                     int64_t width) {
    const conv_shape *s = p->shape;
    if (s->cells == CONV_CHANNEL_PAIRS && s->backward)
        conv_transpose_pairs(w + column * p->geom->f, p->geom->f, columns, s->numbers, to, width);
    else if (s->cells == CONV_CHANNEL_PAIRS)
        conv_zip_rows(w + column, p->geom->f, s->numbers, columns, to, width);
    else if (s->backward)
        conv_transpose(w + column * p->geom->f + group * s->from_each, p->geom->f, columns, s->from_each, to, width);
    else
        pack_forward(w + group * s->to_each + column, p->geom->f, s->from_each, columns, to, width);
}

static void pack_panel(void *context, int64_t piece, int thread) {
    (void)thread;
    const packing *p = context;
    const conv_shape *s = p->shape;
    const conv_axis *a = p->job->axis;
    const int64_t group = piece / s->panels, panel = piece % s->panels, columns = conv_panel_columns(s, panel);
    const int64_t width = conv_vectors(columns) * FV_LANES, depth = p->job->taps * s->from_each;
    float *to = p->packed + depth * (group * s->padded_columns + panel * s->panel);
    if (columns < width || s->pixels > 1) memset(to, 0, (size_t)(depth * width) * sizeof(float));
    for (int64_t z = 0; z < a[0].taps; z++)
        for (int64_t y = 0; y < a[1].taps; y++)
            for (int64_t x = 0; x < a[2].taps; x++, to += s->from_each * width)
                for (int64_t i = 0; i < s->pixels; i++) { /* pixel i of those made together begins i strides later */
                    const int64_t tap = x - i * a[2].stride / s->pixels;
                    const float *w = tap < 0 ? NULL : weights_at(p, z, y, tap);
                    if (!w) continue;
                    if (s->pixels > 1)
                        pack_tap(p, w, group, 0, s->to_each, to + i * s->to_each, width);
                    else
                        pack_tap(p, w, group, panel * s->panel, columns, to, width);
                }
}

void conv_pack(const conv_shape *s, const fv_conv_geom *g, const float *weights, float *packed, fv_pool *pool) {
    for (int64_t phase = 0; phase < s->phases; phase++) {
        const conv_job job = conv_job_of(s, g, phase);
        packing p = {s, g, &job, weights, packed};
        const int64_t floats = conv_packed_floats(s, &job);
        if (job.taps) fv_pool_run(conv_pool(pool, floats), s->groups * s->panels, pack_panel, &p);
        packed += floats;
    }
}
