/* tile_columns.c - the columns x panel tiles, one function for each height and width. See tile.h. */
#include "tile_edges.h"

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
        acc[r][vectors - 1] = tile_load(from + (vectors - 1) * FV_LANES, t->last);
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
            acc[r][edge] = tile_load(plus + edge * FV_LANES, t->last) + acc[r][edge];
        }
    }
    FV_UNROLL
    for (int r = 0; r < height; r++) {
        float *to = t->to + w_row[r];
        FV_UNROLL
        for (int v = 0; v < edge; v++) vf_store(to + v * FV_LANES, acc[r][v]);
        tile_store(to + edge * FV_LANES, acc[r][edge], t->last);
    }
}

/* Spread tiles are for few rows: each pixel of dy is read by few tiles, and mostly comes from memory. */
enum { PIXELS_AHEAD = 24 };

FV_INLINE void columns(const int height, const int vectors, const bool spread, const bool pairs, const tile_columns *t,
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
        d[vectors - 1] = tile_load(dy + (vectors - 1) * FV_LANES, last);
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++)
            acc[r][v] = tile_product(pairs, spread ? x[r] + *at : pixel + r, d[v], acc[r][v]);
    }
    finish_columns(height, vectors, t, acc, w_row);
}

/* Slots of few pixels: the sums of a slot and those before it share the registers. */
FV_INLINE void folded_columns(const int height, const int vectors, const bool pairs, const tile_columns *t,
                              const int64_t *x_row, const int64_t *w_row) {
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
            d[vectors - 1] = tile_load(dy + (vectors - 1) * FV_LANES, last);
            FV_UNROLL
            for (int r = 0; r < height; r++) FV_UNROLL
            for (int v = 0; v < vectors; v++) acc[r][v] = tile_product(pairs, pixel + r, d[v], acc[r][v]);
        }
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++) total[r][v] += acc[r][v];
    }
    finish_columns(height, vectors, t, total, w_row);
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
        sum[k][edge] += tile_load(dy + edge * FV_LANES, last);
    }
    FV_UNROLL
    for (int k = 0; k < 3; k++, i++, dy += t->dy_step) {
        if (i >= t->pixels) break;
        FV_UNROLL
        for (int v = 0; v < edge; v++) sum[k][v] += vf_load(dy + v * FV_LANES);
        sum[k][edge] += tile_load(dy + edge * FV_LANES, last);
    }
    FV_UNROLL
    for (int v = 0; v < vectors; v++, column += FV_LANES) {
        const int64_t lanes = v == edge ? last : FV_LANES;
        vf total = (sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v]);
        if (t->from) total = tile_load(t->from + column, lanes) + total;
        if (t->plus) total = tile_load(t->plus + column, lanes) + total;
        tile_store(t->to + column, total, lanes);
    }
}

void tile_pixel_sums(const tile_columns *t, int64_t columns) {
    enum { WIDE = TILE_ROWS > 8 ? 4 : 2 }; /* as many sums as there are registers */
    int64_t c = 0;
    for (; columns - c >= WIDE * FV_LANES; c += WIDE * FV_LANES) sum_vectors(WIDE, t, c, FV_LANES);
    for (; c < columns; c += FV_LANES) sum_vectors(1, t, c, columns - c < FV_LANES ? columns - c : FV_LANES);
}

#define SIZE(h, v, name, spread, pairs)                                                                                \
    static void name##_##h##_##v(const tile_columns *t, const int64_t *x, const int64_t *w) {                          \
        columns(h, v, spread, pairs, t, x, w);                                                                         \
    }
#define FOLDED(h, v, name, pairs)                                                                                      \
    static void name##_##h##_##v(const tile_columns *t, const int64_t *x, const int64_t *w) {                          \
        folded_columns(h, v, pairs, t, x, w);                                                                          \
    }

#define FLOATS(h)                                                                                                      \
    SIZE(h, 1, floats, false, false)                                                                                   \
    SIZE(h, 1, floats_spread, true, false) SIZE(h, 2, floats, false, false) SIZE(h, 2, floats_spread, true, false)
#define FLOATS_HALF(h) FOLDED(h, 1, floats_folded, false) FOLDED(h, 2, floats_folded, false)
#define FLOATS_1(h) floats_##h##_1
#define FLOATS_2(h) floats_##h##_2
#define FLOATS_SPREAD_1(h) floats_spread_##h##_1
#define FLOATS_SPREAD_2(h) floats_spread_##h##_2
#define FLOATS_FOLDED_1(h) floats_folded_##h##_1
#define FLOATS_FOLDED_2(h) floats_folded_##h##_2
TILE_HEIGHTS(TILE_DEFINE, FLOATS)
TILE_HALF_HEIGHTS(TILE_DEFINE, FLOATS_HALF)
#if FV_PAIRS
#define PAIRS(h)                                                                                                       \
    SIZE(h, 1, pairs, false, true)                                                                                     \
    SIZE(h, 1, pairs_spread, true, true) SIZE(h, 2, pairs, false, true) SIZE(h, 2, pairs_spread, true, true)
#define PAIRS_HALF(h) FOLDED(h, 1, pairs_folded, true) FOLDED(h, 2, pairs_folded, true)
#define PAIRS_1(h) pairs_##h##_1
#define PAIRS_2(h) pairs_##h##_2
#define PAIRS_SPREAD_1(h) pairs_spread_##h##_1
#define PAIRS_SPREAD_2(h) pairs_spread_##h##_2
#define PAIRS_FOLDED_1(h) pairs_folded_##h##_1
#define PAIRS_FOLDED_2(h) pairs_folded_##h##_2
TILE_HEIGHTS(TILE_DEFINE, PAIRS)
TILE_HALF_HEIGHTS(TILE_DEFINE, PAIRS_HALF)
#endif

#define ENTRIES(m)                                                                                                     \
    { TILE_HEIGHTS(TILE_ENTRY, m) }
#define HALF_ENTRIES(m)                                                                                                \
    { TILE_HALF_HEIGHTS(TILE_ENTRY, m) }
const tile_columns_fn tile_columns_dense[1 + FV_PAIRS][TILE_VECTORS][TILE_ROWS] = {
    {ENTRIES(FLOATS_1), ENTRIES(FLOATS_2)},
#if FV_PAIRS
    {ENTRIES(PAIRS_1), ENTRIES(PAIRS_2)},
#endif
};
const tile_columns_fn tile_columns_spread[1 + FV_PAIRS][TILE_VECTORS][TILE_ROWS] = {
    {ENTRIES(FLOATS_SPREAD_1), ENTRIES(FLOATS_SPREAD_2)},
#if FV_PAIRS
    {ENTRIES(PAIRS_SPREAD_1), ENTRIES(PAIRS_SPREAD_2)},
#endif
};
const tile_columns_fn tile_columns_folded[1 + FV_PAIRS][TILE_VECTORS][TILE_FOLDED_ROWS] = {
    {HALF_ENTRIES(FLOATS_FOLDED_1), HALF_ENTRIES(FLOATS_FOLDED_2)},
#if FV_PAIRS
    {HALF_ENTRIES(PAIRS_FOLDED_1), HALF_ENTRIES(PAIRS_FOLDED_2)},
#endif
};
