/* conv_winograd_weights.c - the gradient of 3x3 weights by Winograd's algorithm. See winograd.h.
 *
 * Tiles are transformed some at a time, a round, for all threads; the products at every position are summed over the
 * round's tiles by the columns x panel tile. The sums of the slots of samples are folded as transformed (kernels.h), and
 * turned into the gradient at the end.
 */
#include "winograd.h"

enum {
    ROUND_FLOATS = 512 * 1024, /* of transformed tiles: they stay in the caches. At least the tiles below, */
    ROUND_LEAST = 256,         /* or sums are moved too often */
    ROUND_MOST = 512,
    MOST_ROWS = ROUND_MOST + FV_SLOTS,
    CALL_LEAST_2 = 48, /* fewer tiles do not pay for moving 16 sums of 512x512 channels, */
    CALL_LEAST_4 = 24, /* or 36, which save more products */
    PIECE_ROWS = 8,
    PIECE_PANELS = 4
};

typedef struct gradient {
    const winograd *w;
    const fv_conv_geom *geom;
    const float *x, *dy, *zero;
    float *dw, *dbias; /* dbias NULL: not wanted here */
    float *source,
        *back; /* the round's tiles: [position][row][c], [position][row][f]; a row is a tile, or two of them as pairs */
    float *total, *slot; /* sums [position][c][columns]: so far, and of a slot that takes several rounds */
    float *bias_slot;    /* [columns] */
    int64_t columns;     /* f in whole vectors */
    int64_t most, rows;  /* tiles of a round; rows that it has room for */
    /* This round's tiles, and where its sums come from and go to. */
    int64_t first, tiles;
    int slots;
    int64_t each[FV_SLOTS];      /* rows of the whole slots that it takes */
    int64_t tile[MOST_ROWS + 1]; /* first tile of each row; behind the last: `tiles` */
    int64_t at[MOST_ROWS];       /* where each row lies in `source` */
    bool folded, from_slot, plus_total, from_total, to_total;
} gradient;

static int64_t source_step(const gradient *d) { return d->rows * conv_row(d->w->from_c) + 16; }
static int64_t back_step(const gradient *d) { return d->rows * conv_row(d->w->to_c) + 16; }

/* ---- the tiles of a round ------------------------------------------------------------------------------------------
 */

/* A slot's next `count` tiles become rows. */
static void add_rows(gradient *d, int64_t count) {
    int64_t row = 0, tile = d->tiles;
    for (int s = 0; s < d->slots; s++) row += d->each[s];
    d->tiles += count;
    d->each[d->slots++] = d->w->pairs ? pairs_of(count) : count;
    for (; tile < d->tiles; tile += d->w->pairs ? 2 : 1) d->tile[row++] = tile;
    d->tile[row] = d->tiles;
}

static int64_t rows_of_round(const gradient *d) {
    int64_t rows = 0;
    for (int s = 0; s < d->slots; s++) rows += d->each[s];
    return rows;
}

/* The cells of a tile of x, and of dy. */
typedef struct tile_cells {
    const float *x[WINOGRAD_POSITIONS], *dy[WINOGRAD_POSITIONS];
} tile_cells;

FV_INLINE void find_cells(const int m, const gradient *d, int64_t tile, tile_cells *cells) {
    const winograd *w = d->w;
    const winograd_place at = winograd_place_of(w, d->first + tile);
    const float *x = d->x + at.plane * w->from[0] * w->from[1] * w->from_pixel;
    winograd_cells(m + 2, x, w->from, w->from_pixel, at.y - w->pad[0], at.x - w->pad[1], d->zero, cells->x);
    const float *dy = d->dy + at.plane * w->to[0] * w->to[1] * w->to_pixel;
    winograd_cells(m, dy, w->to, w->to_pixel, at.y, at.x, d->zero, cells->dy);
}

FV_INLINE void transform_tile(const int m, const winograd_keep keep, const gradient *d, int64_t tile, int64_t row) {
    const winograd *w = d->w;
    tile_cells cells;
    find_cells(m, d, tile, &cells);
    winograd_transform(winograd_source, m, m + 2, keep, cells.x, m * w->from_pixel, w->from_c,
                       d->source + row * conv_row(w->from_c), source_step(d));
    winograd_transform(winograd_result_back, m, m, keep, cells.dy, m * w->to_pixel, w->to_c,
                       d->back + row * conv_row(w->to_c), back_step(d));
}

/* Tiles `tile` and `tile` + 1 of F(2x2). */
static void transform_two(const gradient *d, int64_t tile, int64_t row) {
    const winograd *w = d->w;
    tile_cells one, two;
    find_cells(2, d, tile, &one);
    find_cells(2, d, tile + 1, &two);
    winograd_transform_two(winograd_source, 2, 4, one.x, two.x, 4 * w->from_pixel, w->from_c,
                           d->source + row * conv_row(w->from_c), source_step(d));
    winograd_transform_two(winograd_result_back, 2, 2, one.dy, two.dy, 4 * w->to_pixel, w->to_c,
                           d->back + row * conv_row(w->to_c), back_step(d));
}

static void transform_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const gradient *d = context;
    const int64_t end = conv_min(rows_of_round(d), (piece + 1) * PIECE_ROWS);
    for (int64_t row = piece * PIECE_ROWS; row < end; row++) {
        const int64_t tile = d->tile[row];
        if (d->w->pairs && tile + 1 < d->tile[row + 1])
            transform_two(d, tile, row);
        else if (d->w->pairs)
            transform_tile(2, WINOGRAD_ALONE_IN_PAIR, d, tile, row);
        else if (d->w->m == 2)
            transform_tile(2, WINOGRAD_NUMBERS, d, tile, row);
        else
            transform_tile(4, WINOGRAD_NUMBERS, d, tile, row);
    }
}

/* ---- products ------------------------------------------------------------------------------------------------------
 */

static int64_t parts_of(const gradient *d) { return conv_ceil(conv_ceil(d->columns, TILE_COLUMNS), PIECE_PANELS); }

/* What position p of the round is summed over. */
static tile_columns round_tiles(const gradient *d, int64_t p) {
    tile_columns t = {.x = d->source + p * source_step(d), .dy = d->back + p * back_step(d), .last = FV_LANES};
    t.x_at = d->at;
    t.pixels = rows_of_round(d);
    t.dy_step = conv_row(d->w->to_c);
    t.slots = d->slots;
    t.each = d->each;
    return t;
}

/* A slot, or the part of one, of a round. */
static void aim(const gradient *d, int s, tile_columns *t, float *total, float *slot) {
    if (!d->folded) {
        t->from = d->from_slot ? slot : NULL;
        t->plus = d->plus_total ? total : NULL;
        t->to = d->to_total ? total : slot;
        return;
    }
    if (s > 0) {
        t->x_at += d->each[s - 1];
        t->dy += d->each[s - 1] * t->dy_step;
    }
    t->pixels = d->each[s];
    t->plus = s > 0 || d->from_total ? total : NULL;
    t->to = total;
}

/* The bias: position (1, 1) holds each tile's sum of dy. */
static void sum_bias(const gradient *d, tile_columns t) {
    for (int s = 0; s < d->slots; s++) {
        aim(d, s, &t, d->dbias, d->bias_slot);
        tile_pixel_sums(&t, d->w->to_c);
    }
}

static void multiply_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const gradient *d = context;
    const winograd *w = d->w;
    const int64_t p = piece / parts_of(d), part = piece % parts_of(d);
    int64_t x_row[TILE_ROWS], w_row[TILE_ROWS];
    const tile_columns tiles = round_tiles(d, p);
    const bool few = d->folded && tiles.pixels <= TILE_FEW_PIXELS * d->slots;
    if (d->dbias && part == 0 && p == w->side + 1) sum_bias(d, tiles);
    const int64_t end = conv_min(d->columns, (part + 1) * PIECE_PANELS * TILE_COLUMNS);
    for (int64_t column = part * PIECE_PANELS * TILE_COLUMNS; column < end; column += TILE_COLUMNS) {
        tile_columns column_tiles = tiles;
        const int64_t vectors = conv_min(TILE_COLUMNS, d->columns - column) / FV_LANES;
        const int64_t at = p * w->from_c * d->columns + column;
        column_tiles.dy += column;
        int64_t left = few ? tile_count_folded(w->from_c) : tile_count(w->from_c);
        for (int64_t r = 0, height; r < w->from_c; r += height) {
            height = tile_height(w->from_c - r, &left);
            for (int64_t i = 0; i < height; i++) {
                x_row[i] = r + i;
                w_row[i] = (r + i) * d->columns;
            }
            tile_columns t = column_tiles;
            if (few) {
                t.from = d->from_total ? d->total + at : NULL;
                t.to = d->total + at;
                tile_columns_folded[w->pairs][vectors - 1][height - 1](&t, x_row, w_row);
                continue;
            }
            for (int s = 0; s < d->slots; s++) { /* the tile's sums stay in the first-level cache */
                aim(d, s, &t, d->total + at, d->slot + at);
                tile_columns_dense[w->pairs][vectors - 1][height - 1](&t, x_row, w_row);
            }
        }
    }
}

static void run_round(gradient *d, fv_pool *pool) {
    fv_pool_run(pool, conv_ceil(rows_of_round(d), PIECE_ROWS), transform_piece, d);
    fv_pool_run(pool, d->w->positions * parts_of(d), multiply_piece, d);
}

/* ---- rounds --------------------------------------------------------------------------------------------------------
 */

static int64_t slot_tile(const gradient *d, int64_t n, int slot) {
    return fv_slot(n, slot) * d->w->planes * d->w->tiles;
}

/* As many whole slots from `slot` on as fit; returns the one after them. */
static int round_of_slots(gradient *d, int64_t n, int slot, bool any) {
    d->first = slot_tile(d, n, slot);
    d->tiles = d->slots = 0;
    for (; slot < FV_SLOTS && slot_tile(d, n, slot + 1) - d->first <= d->most; slot++) {
        const int64_t count = slot_tile(d, n, slot + 1) - slot_tile(d, n, slot);
        if (count > 0) add_rows(d, count);
    }
    d->folded = d->to_total = true;
    d->from_total = any;
    d->from_slot = d->plus_total = false;
    return slot;
}

/* Round k of a slot that takes several. */
static void round_in_slot(gradient *d, int64_t n, int slot, int64_t k, int64_t rounds, bool any) {
    const int64_t begin = slot_tile(d, n, slot), count = slot_tile(d, n, slot + 1) - begin;
    d->first = begin + k * count / rounds;
    d->tiles = d->slots = 0;
    add_rows(d, begin + (k + 1) * count / rounds - d->first);
    d->folded = d->from_total = false;
    d->from_slot = k > 0;
    d->to_total = k == rounds - 1;
    d->plus_total = d->to_total && any;
}

static void run_rounds(gradient *d, int64_t n, fv_pool *pool) {
    bool any = false;
    for (int slot = 0; slot < FV_SLOTS;) {
        const int64_t rounds = conv_ceil(slot_tile(d, n, slot + 1) - slot_tile(d, n, slot), d->most);
        if (rounds <= 1) {
            slot = round_of_slots(d, n, slot, any);
            if (d->tiles == 0) continue;
            run_round(d, pool);
        } else {
            for (int64_t k = 0; k < rounds; k++) {
                round_in_slot(d, n, slot, k, rounds, any);
                run_round(d, pool);
            }
            slot++;
        }
        any = true;
    }
}

/* ---- the gradient --------------------------------------------------------------------------------------------------
 */

FV_INLINE void finish_row(const int m, const gradient *d, int64_t c) {
    const int side = m + 2;
    const int64_t f = d->w->to_c, step = d->w->from_c * d->columns, tap = d->w->from_c * f;
    const float *sums = d->total + c * d->columns;
    FV_EACH_VECTOR(f, column, lanes, {
        vf s[WINOGRAD_SIDE][WINOGRAD_SIDE], made[WINOGRAD_SIDE][WINOGRAD_SIDE];
        FV_UNROLL
        for (int i = 0; i < side; i++) FV_UNROLL
        for (int j = 0; j < side; j++) s[i][j] = vf_load(sums + (i * side + j) * step + column);
        winograd_both(winograd_weights_back, m, side, 3, s, made);
        float *to = d->dw + c * f + column;
        FV_UNROLL
        for (int k = 0; k < 9; k++) vf_store_lanes(to + (d->w->turned ? 8 - k : k) * tap, made[k / 3][k % 3], lanes);
    });
}

static void finish_piece(void *context, int64_t c, int thread) {
    (void)thread;
    const gradient *d = context;
    if (d->w->m == 2)
        finish_row(2, d, c);
    else
        finish_row(4, d, c);
}

/* ---- the kernels ---------------------------------------------------------------------------------------------------
 */

/* Sizes and working memory for n samples; with no memory only its bytes are counted. */
static size_t gradient_of(const winograd *w, const fv_conv_geom *g, int64_t n, float *memory, gradient *d) {
    *d = (gradient){.w = w, .geom = g, .columns = conv_vectors(w->to_c) * FV_LANES};
    d->most = ROUND_FLOATS / (w->positions * (w->from_c + w->to_c));
    d->most = conv_max(ROUND_LEAST, conv_min(ROUND_MOST, d->most)) * (w->pairs ? 2 : 1);
    d->most = conv_min(d->most, n * w->planes * w->tiles);
    d->rows = w->pairs ? pairs_of(d->most) + FV_SLOTS : d->most;
    const int64_t sums = w->positions * w->from_c * d->columns, zero = conv_row(conv_max(w->from_c, w->to_c));
    const bool several = conv_ceil(n, FV_SLOTS) * w->planes * w->tiles > d->most;
    const int64_t parts[] = {zero, d->columns,        w->positions * source_step(d), w->positions * back_step(d),
                             sums, several ? sums : 0};
    float **const to[] = {NULL, &d->bias_slot, &d->source, &d->back, &d->total, &d->slot};
    int64_t floats = 0;
    for (int i = 0; i < 6; i++) {
        if (memory && i == 0) {
            memset(memory, 0, (size_t)zero * sizeof(float));
            d->zero = memory;
        } else if (memory) {
            *to[i] = memory + floats;
        }
        floats += (parts[i] + 15) / 16 * 16;
    }
    if (!several) d->slot = d->total; /* never written: every slot's sum is added as it is made */
    return (size_t)floats * sizeof(float);
}

extern const fv_kernel FV_SYMBOL(kernel_conv_weights);

/* A sum over samples depends on their number anyway: few tiles between many channels are summed directly. */
static bool few_tiles(const winograd *w, int64_t n) {
    const int64_t least = w->m == 2 ? CALL_LEAST_2 : CALL_LEAST_4;
    return n * w->planes * w->tiles < least && w->from_c * w->to_c > WINOGRAD_WIDE;
}

static fv_status run(const fv_call *call, int m, bool pairs) {
    const fv_conv_geom *g = &call->geom->conv;
    const winograd w = winograd_of(g, m, false, pairs);
    if (few_tiles(&w, call->n)) return FV_SYMBOL(kernel_conv_weights).run(call);
    gradient d;
    const size_t bytes = gradient_of(&w, g, call->n, call->scratch, &d);
    d.dw = call->arg[0];
    d.dbias = pairs ? NULL : call->arg[1];
    if (pairs && call->arg[1]) conv_bias(call, call->arg[3], (void *)((char *)call->scratch + bytes), call->arg[1]);
    d.x = call->arg[2];
    d.dy = call->arg[3];
    for (int64_t i = 0; i < d.rows; i++) d.at[i] = i * conv_row(w.from_c);
    fv_pool *pool = conv_pool(call->pool, call->n * w.planes * w.tiles * w.positions * w.from_c * w.to_c);
    run_rounds(&d, call->n, pool);
    fv_pool_run(pool, w.from_c, finish_piece, &d);
    return FV_OK;
}

static void need(const fv_geom *geom, int threads, fv_need *need, int m, bool pairs) {
    const winograd w = winograd_of(&geom->conv, m, false, pairs);
    gradient d;
    const size_t sums = pairs ? conv_bias_bytes(&geom->conv) : 0;
    const size_t bytes = gradient_of(&w, &geom->conv, geom->n, NULL, &d) + sums;
    if (few_tiles(&w, 1)) FV_SYMBOL(kernel_conv_weights).need(geom, threads, need);
    if (need->scratch < bytes) need->scratch = bytes;
}

/* F(4x4)'s transforms want enough channels on one side; sums between wide ones enough tiles. */
static inline bool pays(const fv_geom *geom, int m) {
    const fv_conv_geom *g = &geom->conv;
    if (m == 2) return true;
    if (conv_min(g->c, g->f) < 32 && conv_max(g->c, g->f) < 64) return false;
    return (g->out[1] >= 7 && g->out[2] >= 7) || g->c * g->f <= WINOGRAD_WIDE;
}

/* With fewer channels direct sums of pairs are faster. */
static inline bool pairs_pay(const fv_geom *geom) {
    return winograd_pairs_can(geom, true) && geom->conv.c >= 64 && geom->conv.f >= 64;
}

/* A kernel for one size of tiles and one kind of products. */
#define WINOGRAD(symbol, name, m, pairs)                                                                               \
    static bool symbol##_can(const fv_geom *geom) {                                                                    \
        return (!pairs || pairs_pay(geom)) && winograd_can(geom, m, false) && pays(geom, m);                           \
    }                                                                                                                  \
    static void symbol##_need(const fv_geom *geom, int threads, fv_need *wants) {                                      \
        need(geom, threads, wants, m, pairs);                                                                          \
    }                                                                                                                  \
    static fv_status symbol##_run(const fv_call *call) { return run(call, m, pairs); }                                 \
    const fv_kernel FV_SYMBOL(kernel_##symbol) = {name, symbol##_can, symbol##_need, NULL, symbol##_run};

WINOGRAD(conv_weights_winograd4, "conv_weights.winograd4", 4, false)
WINOGRAD(conv_weights_winograd2, "conv_weights.winograd2", 2, false)
#if FV_PAIRS
WINOGRAD(conv_weights_winograd2_bf16, "conv_weights.winograd2_bf16", 2, true)
#endif
