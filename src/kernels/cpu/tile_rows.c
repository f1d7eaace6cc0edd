/* tile_rows.c - the rows x panel tiles, one function for each height and width. See tile.h. */
#include "tile_edges.h"

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
            acc[r][edge] += tile_load(add + edge * FV_LANES, t->last);
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
        tile_store(to + edge * FV_LANES, acc[r][edge], t->last);
    }
}

FV_INLINE void rows(const int height, const int vectors, const bool pairs, const tile_rows *t, const float *const *x,
                    const int64_t *y) {
    vf acc[TILE_ROWS][TILE_VECTORS];
    FV_UNROLL
    for (int r = 0; r < height; r++) FV_UNROLL
    for (int v = 0; v < vectors; v++) acc[r][v] = vf_load(t->bias + v * FV_LANES);
    if (t->from) {
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++)
            acc[r][v] = tile_load(t->from + y[r] + v * FV_LANES, v < vectors - 1 ? FV_LANES : t->last);
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
                acc[r][0] = tile_product(pairs, x[r] + at, w[0], acc[r][0]);
                acc[r][0] = tile_product(pairs, x[r] + at + 1, w[1], acc[r][0]);
            }
        }
        for (; at < end; at++, panel += vectors * FV_LANES) {
            vf w[TILE_VECTORS];
            FV_UNROLL
            for (int v = 0; v < vectors; v++) w[v] = vf_load(panel + v * FV_LANES);
            FV_UNROLL
            for (int r = 0; r < height; r++) FV_UNROLL
            for (int v = 0; v < vectors; v++) acc[r][v] = tile_product(pairs, x[r] + at, w[v], acc[r][v]);
        }
    }
    finish_rows(height, vectors, t, acc, y);
}

/* The panels take the place of rows. */
FV_INLINE void row_wide(const bool pairs, const tile_rows *t, const float *x, int64_t y, int64_t panel_step) {
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
            FV_UNROLL
            for (int k = 0; k < TILE_WIDE; k++) FV_UNROLL
            for (int v = 0; v < TILE_VECTORS; v++)
                acc[k][v] = tile_product(pairs, from + i, vf_load(panel + k * panel_step + v * FV_LANES), acc[k][v]);
        }
    }
    finish_rows(TILE_WIDE, TILE_VECTORS, t, acc, to);
}

static void floats_wide(const tile_rows *t, const float *x, int64_t y, int64_t panel_step) {
    row_wide(false, t, x, y, panel_step);
}
#define SIZE(h, v, name, pairs)                                                                                        \
    static void name##_##h##_##v(const tile_rows *t, const float *const *x, const int64_t *y) {                        \
        rows(h, v, pairs, t, x, y);                                                                                    \
    }
#define FLOATS(h) SIZE(h, 1, floats, false) SIZE(h, 2, floats, false)
#define FLOATS_1(h) floats_##h##_1
#define FLOATS_2(h) floats_##h##_2
TILE_HEIGHTS(TILE_DEFINE, FLOATS)
#if FV_PAIRS
static void pairs_wide(const tile_rows *t, const float *x, int64_t y, int64_t panel_step) {
    row_wide(true, t, x, y, panel_step);
}
#define PAIRS(h) SIZE(h, 1, pairs, true) SIZE(h, 2, pairs, true)
#define PAIRS_1(h) pairs_##h##_1
#define PAIRS_2(h) pairs_##h##_2
TILE_HEIGHTS(TILE_DEFINE, PAIRS)
#endif

#define ENTRIES(m)                                                                                                     \
    { TILE_HEIGHTS(TILE_ENTRY, m) }
const tile_rows_fn tile_rows_dense[1 + FV_PAIRS][TILE_VECTORS][TILE_ROWS] = {{ENTRIES(FLOATS_1), ENTRIES(FLOATS_2)},
#if FV_PAIRS
                                                                             {ENTRIES(PAIRS_1), ENTRIES(PAIRS_2)}
#endif
};
const tile_row_wide_fn tile_row_wide[1 + FV_PAIRS] = {floats_wide,
#if FV_PAIRS
                                                      pairs_wide
#endif
};
