/* tile.h - the two register tiles under every convolution and dense layer.
 *
 * Rows x panel: up to TILE_ROWS result pixels times one or two vectors of result channels. A result is one chain of
 * multiply-adds over R runs of L consecutive floats of its pixel, against a packed panel [R*L][vectors*FV_LANES].
 * Columns x panel: up to TILE_ROWS rows of a weight gradient times one or two vectors of result channels, summed over
 * pixels.
 *
 * Tile sizes: as many accumulators as the register file holds besides the vectors that are being loaded; measured at
 * 97-100% of the peak on AVX-512 and AVX2, and one accumulator more costs half of it.
 */
#ifndef FV_CPU_TILE_H
#define FV_CPU_TILE_H

#include "pairs.h"

#if FV_LANES == 16
#define TILE_ROWS 14
#elif defined(__aarch64__)
#define TILE_ROWS 8
#else
#define TILE_ROWS 6
#endif
enum { TILE_VECTORS = 2, TILE_COLUMNS = TILE_VECTORS * FV_LANES, TILE_FOLDED_ROWS = TILE_ROWS / 2 };
/* Slots of at most so many pixels are better off in folded tiles. Fewer registers would make them wait for their sums. */
enum { TILE_FEW_PIXELS = TILE_ROWS > 8 ? 16 : 0 };
/* Pixels that are fetched ahead. */
enum { TILE_AHEAD = 24 };

/* What the tiles of one panel have in common. */
typedef struct tile_rows {
    const int64_t *runs; /* where each run starts, from the pixel's address */
    int64_t run_count, run_length;
    int64_t x_offset; /* added to every pixel's address */
    const float *panel;
    const float *bias; /* [vectors*FV_LANES]: the sums start here */
    const float *from; /* or here: NULL, or laid out like y */
    float *y;          /* the panel's first column of result 0 */
    const float *add;  /* NULL, or laid out like y */
    int64_t last;      /* lanes of the last vector that exist */
    fv_unary act;      /* COPY, RELU or LEAKY_RELU */
    float slope;
} tile_rows;

/* x: the pixels' addresses; y: where their results go, in floats from t->y. */
typedef void (*tile_rows_fn)(const tile_rows *t, const float *const *x, const int64_t *y);

/* One pixel against several whole panels side by side, panel_step floats apart: a single row is bound by the latency of
 * its sums, or by memory, and eight sums hide the one and four streams help the other. t->panel and bias: the first's. */
enum { TILE_WIDE = 4 };
typedef void (*tile_row_wide_fn)(const tile_rows *t, const float *x, int64_t y, int64_t panel_step);
#define tile_row_wide FV_SYMBOL(tile_row_wide)
extern const tile_row_wide_fn tile_row_wide[1 + FV_PAIRS];

/* The pixels that a weight gradient is summed over: pixel i of x lies x_at[i] floats from x, that of dy i*dy_step from
 * dy. */
typedef struct tile_columns {
    const float *x, *dy;
    const int64_t *x_at;
    int64_t pixels, dy_step;
    bool far;            /* both come from memory, not from a cache; x_at has TILE_AHEAD more */
    int slots;           /* folded tiles instead of pixels: slots that follow each other, */
    const int64_t *each; /* and the pixels of each */
    int64_t last;        /* lanes of the last vector that exist */
    const float *from;   /* sums so far, NULL for none */
    const float *plus;   /* added at the end, or NULL */
    float *to;
} tile_columns;

/* x_row: what to add to a pixel's address for each row; w_row: where the row lies in from, plus and to. Spread tiles take
 * any rows; the others take rows that lie one after the other in x, which costs fewer registers. */
typedef void (*tile_columns_fn)(const tile_columns *t, const int64_t *x_row, const int64_t *w_row);

/* [pairs][vectors - 1][rows - 1]. With pairs a float of x, dy and the panels is a pair of numbers (pairs.h). */
#define tile_rows_dense FV_SYMBOL(tile_rows_dense)
#define tile_columns_dense FV_SYMBOL(tile_columns_dense)
#define tile_columns_spread FV_SYMBOL(tile_columns_spread)
#define tile_columns_folded FV_SYMBOL(tile_columns_folded)
extern const tile_rows_fn tile_rows_dense[1 + FV_PAIRS][TILE_VECTORS][TILE_ROWS];
extern const tile_columns_fn (*const tile_columns_dense[])[TILE_ROWS], (*const tile_columns_spread[])[TILE_ROWS];
/* Sums every slot from zero and adds it to the total, both in registers: to = from + slot 0 + slot 1 + ... */
extern const tile_columns_fn (*const tile_columns_folded[])[TILE_FOLDED_ROWS];

/* to[0..columns) = sum of dy over the same pixels, in an order that does not depend on FV_LANES. */
#define tile_pixel_sums FV_SYMBOL(tile_pixel_sums)
void tile_pixel_sums(const tile_columns *t, int64_t columns);

/* M(1), M(2), ... up to TILE_ROWS, or half of it: TILE_HEIGHTS(TILE_DEFINE, M) and TILE_HEIGHTS(TILE_ENTRY, M), the same
 * list for definitions and tables. */
#define TILE_HEIGHTS_3(F, s) F(1, s) F(2, s) F(3, s)
#define TILE_HEIGHTS_4(F, s) TILE_HEIGHTS_3(F, s) F(4, s)
#define TILE_HEIGHTS_6(F, s) TILE_HEIGHTS_4(F, s) F(5, s) F(6, s)
#define TILE_HEIGHTS_7(F, s) TILE_HEIGHTS_6(F, s) F(7, s)
#define TILE_HEIGHTS_8(F, s) TILE_HEIGHTS_7(F, s) F(8, s)
#if TILE_ROWS == 14
#define TILE_HEIGHTS(F, s) TILE_HEIGHTS_8(F, s) F(9, s) F(10, s) F(11, s) F(12, s) F(13, s) F(14, s)
#define TILE_HALF_HEIGHTS TILE_HEIGHTS_7
#elif TILE_ROWS == 8
#define TILE_HEIGHTS TILE_HEIGHTS_8
#define TILE_HALF_HEIGHTS TILE_HEIGHTS_4
#else
#define TILE_HEIGHTS TILE_HEIGHTS_6
#define TILE_HALF_HEIGHTS TILE_HEIGHTS_3
#endif
#define TILE_DEFINE(h, m) m(h)
#define TILE_ENTRY(h, m) m(h),

/* Cuts rows into tiles of nearly equal height: the height of the next of `left` tiles. */
static inline int64_t tile_height(int64_t count, int64_t *left) {
    int64_t height = (count + *left - 1) / *left;
    (*left)--;
    return height;
}
static inline int64_t tile_count(int64_t count) { return (count + TILE_ROWS - 1) / TILE_ROWS; }
static inline int64_t tile_count_folded(int64_t count) { return (count + TILE_FOLDED_ROWS - 1) / TILE_FOLDED_ROWS; }

#endif
