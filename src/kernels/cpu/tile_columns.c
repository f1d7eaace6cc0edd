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

FV_INLINE void columns(const int height, const int vectors, const bool spread, const bool pairs, const tile_columns *t,
                       const int64_t *x_row, const int64_t *w_row) {
    vf acc[TILE_ROWS][TILE_VECTORS];
    const float *x[TILE_ROWS], *dy = t->dy;
    FV_UNROLL
    for (int r = 0; r < height; r++) x[r] = t->x + x_row[spread ? r : 0];
    start_columns(height, vectors, t, acc, w_row);
    const bool far = t->far;
    const int64_t dy_step = t->dy_step, last = t->last, *const end = t->x_at + t->pixels;
    for (const int64_t *at = t->x_at; at < end; at++, dy += dy_step) {
        const float *pixel = x[0] + *at;
        /* Spread tiles are for few rows: each pixel of dy is read by few tiles, and mostly comes from memory. */
        if (spread || far) FV_UNROLL
        for (int v = 0; v < vectors; v++) __builtin_prefetch(dy + TILE_AHEAD * dy_step + v * FV_LANES);
        if (far) {
            __builtin_prefetch(x[0] + at[TILE_AHEAD]);
            if (spread) __builtin_prefetch(x[height - 1] + at[TILE_AHEAD]);
        }
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

#define KIND(name) floats_##name
#define IN_PAIRS false
#include "tile_columns_kind.inc"
#if FV_PAIRS
#define KIND(name) pairs_##name
#define IN_PAIRS true
#include "tile_columns_kind.inc"
#define TABLES(name)                                                                                                   \
    { floats_##name, pairs_##name }
#else
#define TABLES(name)                                                                                                   \
    { floats_##name }
#endif

const tile_columns_fn (*const tile_columns_dense[])[TILE_ROWS] = TABLES(dense);
const tile_columns_fn (*const tile_columns_spread[])[TILE_ROWS] = TABLES(spread);
const tile_columns_fn (*const tile_columns_folded[])[TILE_FOLDED_ROWS] = TABLES(folded);
