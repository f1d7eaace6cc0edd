/* tile.c - the register tiles, one function for each height and width. See tile.h. */
#include "tile.h"

/* Whole vectors are loaded as such: with masked loads throughout, weight gradients took 10% longer even on AVX-512. */
FV_INLINE vf load_last(const float *p, int64_t lanes) {
    return lanes == FV_LANES ? vf_load(p) : vf_load_part(p, lanes);
}

/* Partial stores in AVX2 go through halves: its masked store is slow on many processors. */
FV_INLINE void store_last(float *p, vf v, int64_t lanes) {
#if FV_LANES == 8
    if (lanes == FV_LANES) {
        vf_store(p, v);
        return;
    }
    __m128 part = _mm256_castps256_ps128((__m256)v);
    if (lanes & 4) {
        _mm_storeu_ps(p, part);
        part = _mm256_extractf128_ps((__m256)v, 1);
        p += 4;
    }
    if (lanes & 2) {
        _mm_storel_pi((__m64 *)(void *)p, part);
        part = _mm_movehl_ps(part, part);
        p += 2;
    }
    if (lanes & 1) _mm_store_ss(p, part);
#else
    if (lanes == FV_LANES)
        vf_store(p, v);
    else
        vf_store_part(p, v, lanes);
#endif
}

/* ---- rows x panel --------------------------------------------------------------------------------------------------
 */

/* Adds, activates and stores `acc`. */
FV_INLINE void finish_rows(const int height, const int vectors, const tile_rows *t, vf acc[TILE_ROWS][TILE_VECTORS],
                           const int64_t *y) {
    const int edge = vectors - 1;
    if (t->add) {
        FV_UNROLL
        for (int r = 0; r < height; r++) {
            const float *add = t->add + y[r];
            FV_UNROLL
            for (int v = 0; v < edge; v++) acc[r][v] += vf_load(add + v * FV_LANES);
            acc[r][edge] += load_last(add + edge * FV_LANES, t->last);
        }
    }
    if (t->act == FV_U_RELU) {
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++) acc[r][v] = vf_max(vf_zero(), acc[r][v]); /* not a number stays so */
    } else if (t->act == FV_U_LEAKY_RELU) {
        const vf slope = vf_all(t->slope);
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++) acc[r][v] = vf_select(acc[r][v] > vf_zero(), acc[r][v], acc[r][v] * slope);
    }
    FV_UNROLL
    for (int r = 0; r < height; r++) {
        float *to = t->y + y[r];
        FV_UNROLL
        for (int v = 0; v < edge; v++) vf_store(to + v * FV_LANES, acc[r][v]);
        store_last(to + edge * FV_LANES, acc[r][edge], t->last);
    }
}

FV_INLINE void dense_rows(const int height, const int vectors, const tile_rows *t, const float *const *x,
                          const int64_t *y) {
    vf acc[TILE_ROWS][TILE_VECTORS];
    FV_UNROLL
    for (int r = 0; r < height; r++) FV_UNROLL
    for (int v = 0; v < vectors; v++) acc[r][v] = vf_load(t->bias + v * FV_LANES);
    if (t->from) {
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++)
            acc[r][v] = load_last(t->from + y[r] + v * FV_LANES, v < vectors - 1 ? FV_LANES : t->last);
    }
    const float *panel = t->panel;
    for (int64_t run = 0; run < t->run_count; run++) {
        int64_t at = t->runs[run] + t->x_offset;
        const int64_t end = at + t->run_length;
        /* Two steps at a time: one vector of sums a row is too little for as many addresses as rows. */
        for (; vectors == 1 && at + 1 < end; at += 2, panel += 2 * FV_LANES) {
            const vf w[2] = {vf_load(panel), vf_load(panel + FV_LANES)};
            FV_UNROLL
            for (int r = 0; r < height; r++) {
                acc[r][0] = vf_all(x[r][at]) * w[0] + acc[r][0];
                acc[r][0] = vf_all(x[r][at + 1]) * w[1] + acc[r][0];
            }
        }
        for (; at < end; at++, panel += vectors * FV_LANES) {
            vf w[TILE_VECTORS];
            FV_UNROLL
            for (int v = 0; v < vectors; v++) w[v] = vf_load(panel + v * FV_LANES);
            FV_UNROLL
            for (int r = 0; r < height; r++) FV_UNROLL
            for (int v = 0; v < vectors; v++) acc[r][v] = vf_all(x[r][at]) * w[v] + acc[r][v];
        }
    }
    finish_rows(height, vectors, t, acc, y);
}

/* The panels take the place of rows. */
void tile_row_wide(const tile_rows *t, const float *x, int64_t y, int64_t panel_step) {
    vf acc[TILE_ROWS][TILE_VECTORS];
    int64_t to[TILE_WIDE];
    FV_UNROLL
    for (int k = 0; k < TILE_WIDE; k++) {
        to[k] = y + k * TILE_COLUMNS;
        FV_UNROLL
        for (int v = 0; v < TILE_VECTORS; v++) acc[k][v] = vf_load(t->bias + k * TILE_COLUMNS + v * FV_LANES);
    }
    const float *panel = t->panel;
    for (int64_t run = 0; run < t->run_count; run++) {
        const float *from = x + t->runs[run] + t->x_offset;
        for (int64_t i = 0; i < t->run_length; i++, panel += TILE_COLUMNS) {
            const vf factor = vf_all(from[i]);
            FV_UNROLL
            for (int k = 0; k < TILE_WIDE; k++) FV_UNROLL
            for (int v = 0; v < TILE_VECTORS; v++)
                acc[k][v] = factor * vf_load(panel + k * panel_step + v * FV_LANES) + acc[k][v];
        }
    }
    finish_rows(TILE_WIDE, TILE_VECTORS, t, acc, to);
}

FV_INLINE void depthwise_rows(const int height, const tile_rows *t, const float *const *x, const int64_t *y) {
    vf acc[TILE_ROWS][TILE_VECTORS];
    FV_UNROLL
    for (int r = 0; r < height; r++) acc[r][0] = vf_load(t->bias);
    for (int64_t run = 0; run < t->run_count; run++) {
        const int64_t at = t->runs[run] + t->x_offset;
        const vf w = vf_load(t->panel + run * FV_LANES);
        FV_UNROLL
        for (int r = 0; r < height; r++) acc[r][0] = load_last(x[r] + at, t->last) * w + acc[r][0];
    }
    finish_rows(height, 1, t, acc, y);
}

/* ---- columns x panel -----------------------------------------------------------------------------------------------
 */

FV_INLINE void start_columns(const int height, const int vectors, const tile_columns *t,
                             vf acc[TILE_ROWS][TILE_VECTORS], const int64_t *w_row) {
    FV_UNROLL
    for (int r = 0; r < height; r++) FV_UNROLL
    for (int v = 0; v < vectors; v++) acc[r][v] = vf_zero();
    if (!t->from) return;
    FV_UNROLL
    for (int r = 0; r < height; r++) {
        const float *from = t->from + w_row[r];
        FV_UNROLL
        for (int v = 0; v < vectors - 1; v++) acc[r][v] = vf_load(from + v * FV_LANES);
        acc[r][vectors - 1] = load_last(from + (vectors - 1) * FV_LANES, t->last);
    }
}

FV_INLINE void finish_columns(const int height, const int vectors, const tile_columns *t,
                              vf acc[TILE_ROWS][TILE_VECTORS], const int64_t *w_row) {
    const int edge = vectors - 1;
    if (t->plus) {
        FV_UNROLL
        for (int r = 0; r < height; r++) {
            const float *plus = t->plus + w_row[r];
            FV_UNROLL
            for (int v = 0; v < edge; v++) acc[r][v] = vf_load(plus + v * FV_LANES) + acc[r][v];
            acc[r][edge] = load_last(plus + edge * FV_LANES, t->last) + acc[r][edge];
        }
    }
    FV_UNROLL
    for (int r = 0; r < height; r++) {
        float *to = t->to + w_row[r];
        FV_UNROLL
        for (int v = 0; v < edge; v++) vf_store(to + v * FV_LANES, acc[r][v]);
        store_last(to + edge * FV_LANES, acc[r][edge], t->last);
    }
}

/* Spread tiles are for few rows: each pixel of dy is read by few tiles, and mostly comes from memory. */
enum { PIXELS_AHEAD = 24 };

FV_INLINE void dense_columns(const int height, const int vectors, const bool spread, const tile_columns *t,
                             const int64_t *x_row, const int64_t *w_row) {
    vf acc[TILE_ROWS][TILE_VECTORS];
    const float *x[TILE_ROWS], *dy = t->dy;
    FV_UNROLL
    for (int r = 0; r < height; r++) x[r] = t->x + x_row[spread ? r : 0];
    start_columns(height, vectors, t, acc, w_row);
    const int64_t dy_step = t->dy_step, last = t->last, *const end = t->x_at + t->pixels;
    for (const int64_t *at = t->x_at; at < end; at++, dy += dy_step) {
        const float *pixel = x[0] + *at;
        FV_UNROLL
        for (int v = 0; v < vectors && spread; v++) __builtin_prefetch(dy + PIXELS_AHEAD * dy_step + v * FV_LANES);
        vf d[TILE_VECTORS];
        FV_UNROLL
        for (int v = 0; v < vectors - 1; v++) d[v] = vf_load(dy + v * FV_LANES);
        d[vectors - 1] = load_last(dy + (vectors - 1) * FV_LANES, last);
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++) acc[r][v] = vf_all(spread ? x[r][*at] : pixel[r]) * d[v] + acc[r][v];
    }
    finish_columns(height, vectors, t, acc, w_row);
}

/* Slots of few pixels: the sums of a slot and those before it share the registers. */
FV_INLINE void folded_columns(const int height, const int vectors, const tile_columns *t, const int64_t *x_row,
                              const int64_t *w_row) {
    vf total[TILE_ROWS][TILE_VECTORS];
    start_columns(height, vectors, t, total, w_row);
    const float *dy = t->dy, *const x = t->x + x_row[0];
    const int64_t *at = t->x_at, dy_step = t->dy_step, last = t->last;
    for (int s = 0; s < t->slots; s++) {
        vf acc[TILE_ROWS][TILE_VECTORS];
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++) acc[r][v] = vf_zero();
        for (const int64_t *const end = at + t->each[s]; at < end; at++, dy += dy_step) {
            const float *pixel = x + *at;
            vf d[TILE_VECTORS];
            FV_UNROLL
            for (int v = 0; v < vectors - 1; v++) d[v] = vf_load(dy + v * FV_LANES);
            d[vectors - 1] = load_last(dy + (vectors - 1) * FV_LANES, last);
            FV_UNROLL
            for (int r = 0; r < height; r++) FV_UNROLL
            for (int v = 0; v < vectors; v++) acc[r][v] = vf_all(pixel[r]) * d[v] + acc[r][v];
        }
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++) total[r][v] += acc[r][v];
    }
    finish_columns(height, vectors, t, total, w_row);
}

FV_INLINE void depthwise_columns(const int height, const tile_columns *t, const int64_t *x_row, const int64_t *w_row) {
    vf acc[TILE_ROWS][TILE_VECTORS];
    start_columns(height, 1, t, acc, w_row);
    const int64_t last = t->last;
    const float *dy = t->dy;
    for (int64_t i = 0; i < t->pixels; i++, dy += t->dy_step) {
        const float *x = t->x + t->x_at[i];
        const vf d = load_last(dy, last);
        FV_UNROLL
        for (int r = 0; r < height; r++) acc[r][0] = load_last(x + x_row[r], last) * d + acc[r][0];
    }
    finish_columns(height, 1, t, acc, w_row);
}

/* Four sums side by side hide the latency of the additions; pixel i goes to sum i % 4. */
FV_INLINE void sum_vectors(const int vectors, const tile_columns *t, int64_t column, int64_t last) {
    const int edge = vectors - 1;
    vf sum[4][4];
    FV_UNROLL
    for (int i = 0; i < 16; i++) sum[i / 4][i % 4] = vf_zero();
    const float *dy = t->dy + column;
    int64_t i = 0;
    for (; i + 4 <= t->pixels; i += 4) FV_UNROLL
    for (int k = 0; k < 4; k++, dy += t->dy_step) {
        FV_UNROLL
        for (int v = 0; v < edge; v++) sum[k][v] += vf_load(dy + v * FV_LANES);
        sum[k][edge] += load_last(dy + edge * FV_LANES, last);
    }
    FV_UNROLL
    for (int k = 0; k < 3; k++, i++, dy += t->dy_step) {
        if (i >= t->pixels) break;
        FV_UNROLL
        for (int v = 0; v < edge; v++) sum[k][v] += vf_load(dy + v * FV_LANES);
        sum[k][edge] += load_last(dy + edge * FV_LANES, last);
    }
    FV_UNROLL
    for (int v = 0; v < vectors; v++, column += FV_LANES) {
        const int64_t lanes = v == edge ? last : FV_LANES;
        vf total = (sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v]);
        if (t->from) total = load_last(t->from + column, lanes) + total;
        if (t->plus) total = load_last(t->plus + column, lanes) + total;
        store_last(t->to + column, total, lanes);
    }
}

void tile_pixel_sums(const tile_columns *t, int64_t columns) {
    enum { WIDE = TILE_ROWS > 8 ? 4 : 2 }; /* as many sums as there are registers */
    int64_t c = 0;
    for (; columns - c >= WIDE * FV_LANES; c += WIDE * FV_LANES) sum_vectors(WIDE, t, c, FV_LANES);
    for (; c < columns; c += FV_LANES) sum_vectors(1, t, c, columns - c < FV_LANES ? columns - c : FV_LANES);
}

/* ---- one function for each size ------------------------------------------------------------------------------------
 */

#define SIZE(h)                                                                                                        \
    static void rows_##h##_1(const tile_rows *t, const float *const *x, const int64_t *y) {                            \
        dense_rows(h, 1, t, x, y);                                                                                     \
    }                                                                                                                  \
    static void rows_##h##_2(const tile_rows *t, const float *const *x, const int64_t *y) {                            \
        dense_rows(h, 2, t, x, y);                                                                                     \
    }                                                                                                                  \
    static void rows_##h##_depthwise(const tile_rows *t, const float *const *x, const int64_t *y) {                    \
        depthwise_rows(h, t, x, y);                                                                                    \
    }                                                                                                                  \
    static void columns_##h##_1(const tile_columns *t, const int64_t *x, const int64_t *w) {                           \
        dense_columns(h, 1, false, t, x, w);                                                                           \
    }                                                                                                                  \
    static void columns_##h##_2(const tile_columns *t, const int64_t *x, const int64_t *w) {                           \
        dense_columns(h, 2, false, t, x, w);                                                                           \
    }                                                                                                                  \
    static void spread_##h##_1(const tile_columns *t, const int64_t *x, const int64_t *w) {                            \
        dense_columns(h, 1, true, t, x, w);                                                                            \
    }                                                                                                                  \
    static void spread_##h##_2(const tile_columns *t, const int64_t *x, const int64_t *w) {                            \
        dense_columns(h, 2, true, t, x, w);                                                                            \
    }                                                                                                                  \
    static void columns_##h##_depthwise(const tile_columns *t, const int64_t *x, const int64_t *w) {                   \
        depthwise_columns(h, t, x, w);                                                                                 \
    }

#define FOLDED(h)                                                                                                      \
    static void folded_##h##_1(const tile_columns *t, const int64_t *x, const int64_t *w) {                            \
        folded_columns(h, 1, t, x, w);                                                                                 \
    }                                                                                                                  \
    static void folded_##h##_2(const tile_columns *t, const int64_t *x, const int64_t *w) {                            \
        folded_columns(h, 2, t, x, w);                                                                                 \
    }

#define FOLDED_1(h) folded_##h##_1
#define FOLDED_2(h) folded_##h##_2
#define SPREAD_1(h) spread_##h##_1
#define SPREAD_2(h) spread_##h##_2
#define ROWS_1(h) rows_##h##_1
#define ROWS_2(h) rows_##h##_2
#define ROWS_DEPTHWISE(h) rows_##h##_depthwise
#define COLUMNS_1(h) columns_##h##_1
#define COLUMNS_2(h) columns_##h##_2
#define COLUMNS_DEPTHWISE(h) columns_##h##_depthwise

TILE_HEIGHTS(TILE_DEFINE, SIZE)
TILE_HALF_HEIGHTS(TILE_DEFINE, FOLDED)

const tile_rows_fn tile_rows_dense[TILE_VECTORS][TILE_ROWS] = {{TILE_HEIGHTS(TILE_ENTRY, ROWS_1)},
                                                               {TILE_HEIGHTS(TILE_ENTRY, ROWS_2)}};
const tile_rows_fn tile_rows_depthwise[TILE_ROWS] = {TILE_HEIGHTS(TILE_ENTRY, ROWS_DEPTHWISE)};
const tile_columns_fn tile_columns_dense[TILE_VECTORS][TILE_ROWS] = {{TILE_HEIGHTS(TILE_ENTRY, COLUMNS_1)},
                                                                     {TILE_HEIGHTS(TILE_ENTRY, COLUMNS_2)}};
const tile_columns_fn tile_columns_spread[TILE_VECTORS][TILE_ROWS] = {{TILE_HEIGHTS(TILE_ENTRY, SPREAD_1)},
                                                                      {TILE_HEIGHTS(TILE_ENTRY, SPREAD_2)}};
const tile_columns_fn tile_columns_folded[TILE_VECTORS][TILE_FOLDED_ROWS] = {{TILE_HALF_HEIGHTS(TILE_ENTRY, FOLDED_1)},
                                                                             {TILE_HALF_HEIGHTS(TILE_ENTRY, FOLDED_2)}};
const tile_columns_fn tile_columns_depthwise[TILE_ROWS] = {TILE_HEIGHTS(TILE_ENTRY, COLUMNS_DEPTHWISE)};
