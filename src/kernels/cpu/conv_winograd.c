/* conv_winograd.c - 3x3 convolution forward and backward to its input by Winograd's algorithm. See winograd.h.
 *
 * A piece is a block of tiles: their transforms, then for a few panels of columns at a time the products at every
 * position and the results. Every product is one chain over the channels, so how blocks are cut changes no bit.
 */
#include "vmath.h"
#include "winograd.h"

enum {
    BLOCK_TILES = 4 * TILE_ROWS > 56 ? 56 : 4 * TILE_ROWS,
    GROUP_PANELS = 2, /* whose products are made before their results: they stay in the second-level cache */
    PACK_ROWS = 16,
    LARGE = 512 * 512, /* weights a position */
    FRESH_ROWS = 128,  /* source channels whose transformed weights stay in the second-level cache, */
    FRESH_STEP = FRESH_ROWS * TILE_COLUMNS + 16 /* floats from position to position of these */
};

winograd winograd_of(const fv_conv_geom *g, int m, bool backward, bool pairs) {
    winograd w = {.m = m, .side = m + 2, .positions = (m + 2) * (m + 2), .pairs = pairs, .planes = g->in[0]};
    for (int d = 0; d < 2; d++) {
        w.from[d] = backward ? g->out[d + 1] : g->in[d + 1];
        w.to[d] = backward ? g->in[d + 1] : g->out[d + 1];
        w.pad[d] = backward ? 2 - g->pad[d + 1] : g->pad[d + 1];
    }
    w.from_c = backward ? g->f : g->c;
    w.to_c = backward ? g->c : g->f;
    w.from_pixel = backward ? g->y_pixel : g->x_pixel;
    w.to_pixel = backward ? g->x_pixel : g->y_pixel;
    w.across = conv_ceil(w.to[1], m);
    w.tiles = w.across * conv_ceil(w.to[0], m);
    w.turned = backward != g->flipped;
    return w;
}

/* With fewer channels the transforms cost more than the products save. */
enum { CHANNELS_2 = 32, CHANNELS_4 = 16, LEAST_2 = 4, LEAST_4 = 3 };

/* Does F(4x4) save at least a sixth of the products of F(2x2)? Not where its tiles stay half empty: 5x5, 6x6. */
static bool saves_products(const fv_conv_geom *g, bool backward) {
    const winograd four = winograd_of(g, 4, backward, false), two = winograd_of(g, 2, backward, false);
    return 6 * four.positions * four.tiles <= 5 * two.positions * two.tiles;
}

bool winograd_can(const fv_geom *geom, int m, bool backward) {
    const fv_conv_geom *g = &geom->conv;
    const int64_t channels = m == 4 ? CHANNELS_4 : CHANNELS_2, least = m == 4 ? LEAST_4 : LEAST_2;
    if (g->groups != 1 || g->kernel[0] != 1 || g->stride[0] != 1 || g->pad[0] != 0) return false;
    for (int d = 1; d < 3; d++)
        if (g->kernel[d] != 3 || g->stride[d] != 1 || g->dilation[d] != 1) return false;
    if (g->in[0] != g->out[0] || g->c < channels || g->f < channels) return false;
    const winograd w = winograd_of(g, m, backward, false);
    if (w.to[0] < least || w.to[1] < least) return false;
    return m == 2 || (!geom->exact && saves_products(g, backward));
}

/* Pictures of a few tiles leave little to do with each of F(4x4)'s 36 matrices of weights: batches of one, which
 * inference must do well, would spend their time reading them, and so would training with wide ones (38 MB for 512x512
 * channels). */
static bool pays(const fv_geom *geom, int m, bool backward) {
    const fv_conv_geom *g = &geom->conv;
    const winograd w = winograd_of(g, m, backward, false);
    if (m == 2 || (w.to[0] >= 10 && w.to[1] >= 10)) return true;
    return geom->training && g->c * g->f <= WINOGRAD_WIDE;
}

/* ---- weights -------------------------------------------------------------------------------------------------------
 * Packed: for each panel of columns, for each position [source channels][columns of the panel, in whole vectors].
 * Large weights of F(4x4) are not packed: their 36 matrices, 38 MB for 512 x 512 channels, are made where they are used, some
 * source channels at a time. A layer takes 40-50% longer then, VGG-16 a tenth, but holds a fifth less memory.
 */

typedef struct packing {
    const winograd *w;
    const fv_conv_geom *geom;
    bool backward;
    const float *weights; /* [3][3][c][f] */
    float *packed;
} packing;

static int64_t panel_width(const winograd *w, int64_t panel) {
    return conv_vectors(conv_min(TILE_COLUMNS, w->to_c - panel * TILE_COLUMNS)) * FV_LANES;
}

static int64_t panel_count(const winograd *w) { return conv_ceil(w->to_c, TILE_COLUMNS); }

/* Channels that products run over, or pairs of them. */
static int64_t depth_of(const winograd *w) { return w->pairs ? pairs_of(w->from_c) : w->from_c; }

static bool fresh(const winograd *w) { return w->m == 4 && w->from_c * w->to_c >= LARGE; }

static int64_t packed_floats(const winograd *w) {
    return w->positions * depth_of(w) * conv_vectors(w->to_c) * FV_LANES;
}

/* The transformed weights of `rows` source channels: position i goes to to[i*step]. */
FV_INLINE void transform_weights(const int m, const float *const tap[9], int64_t stride, int64_t rows, int64_t columns,
                                 float *to, int64_t step) {
    const int64_t width = conv_vectors(columns) * FV_LANES;
    for (int64_t r = 0; r < rows; r++, to += width)
        FV_EACH_VECTOR(columns, c, lanes, {
            vf g[WINOGRAD_SIDE][WINOGRAD_SIDE], made[WINOGRAD_SIDE][WINOGRAD_SIDE];
            FV_UNROLL
            for (int k = 0; k < 9; k++) g[k / 3][k % 3] = vf_load_lanes(tap[k] + r * stride + c, lanes);
            winograd_both(winograd_weights, m, 3, m + 2, g, made);
            FV_UNROLL
            for (int i = 0; i < m + 2; i++) FV_UNROLL
            for (int j = 0; j < m + 2; j++) vf_store(to + (i * (m + 2) + j) * step + c, made[i][j]);
        });
}

/* Those of at most PACK_ROWS source channels of a panel. */
static void make_weights(const packing *p, int64_t panel, int64_t row, int64_t rows, float *to, int64_t step) {
    const winograd *w = p->w;
    const int64_t f = p->geom->f, taps = p->geom->c * f, column = panel * TILE_COLUMNS;
    const int64_t columns = conv_min(TILE_COLUMNS, w->to_c - column);
    float FV_ALIGNED turned[9][PACK_ROWS * TILE_COLUMNS];
    const float *tap[9];
    for (int k = 0; k < 9; k++) {
        const float *from = p->weights + (w->turned ? 8 - k : k) * taps;
        tap[k] = p->backward ? turned[k] : from + row * f + column;
        if (p->backward) conv_transpose(from + column * f + row, f, columns, rows, turned[k], TILE_COLUMNS);
    }
    const int64_t stride = p->backward ? TILE_COLUMNS : f;
    if (w->m == 2)
        transform_weights(2, tap, stride, rows, columns, to, step);
    else
        transform_weights(4, tap, stride, rows, columns, to, step);
}

/* A piece's weights of one position. PACK_ROWS is even: a pair is of one piece. */
static void store_made(const winograd *w, float *to, const float *made, int64_t row, int64_t rows, int64_t width) {
    if (w->pairs)
        conv_zip_rows(made, width, rows, width, to + row / 2 * width, width);
    else
        memcpy(to + row * width, made, (size_t)(rows * width) * sizeof(float));
}

/* The positions of the packed weights lie a power of two apart: written as they are made, a vector at a time, they
 * would take twice as long. */
static void pack_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    enum { STEP = PACK_ROWS * TILE_COLUMNS + 16 };
    const packing *p = context;
    const winograd *w = p->w;
    const int64_t blocks = conv_ceil(w->from_c, PACK_ROWS), panel = piece / blocks, row = piece % blocks * PACK_ROWS;
    const int64_t rows = conv_min(PACK_ROWS, w->from_c - row), width = panel_width(w, panel);
    float FV_ALIGNED made[WINOGRAD_POSITIONS * STEP];
    make_weights(p, panel, row, rows, made, STEP);
    float *to = p->packed + w->positions * depth_of(w) * panel * TILE_COLUMNS;
    for (int i = 0; i < w->positions; i++)
        store_made(w, to + i * depth_of(w) * width, made + i * STEP, row, rows, width);
}

static void pack(const fv_geom *geom, int m, bool backward, bool pairs, const float *weights, float *packed,
                 fv_pool *pool) {
    const winograd w = winograd_of(&geom->conv, m, backward, pairs);
    packing p = {&w, &geom->conv, backward, weights, packed};
    fv_pool_run(conv_pool(pool, packed_floats(&w)), panel_count(&w) * conv_ceil(w.from_c, PACK_ROWS), pack_piece, &p);
}

/* ---- blocks of tiles -----------------------------------------------------------------------------------------------
 */

typedef struct winograd_run {
    const winograd *w;
    fv_epilogue epilogue;
    packing weights;                                /* where they are not packed */
    const float *packed, *from, *add, *zero, *bias; /* zero, bias: as many as the longer side's channels, padded */
    float *to;
    int64_t tiles, blocks, parts; /* blocks of tiles, parts of the panels */
    char *areas;                  /* working memory, one area a thread */
    size_t area;
} winograd_run;

/* A thread's working memory: the transformed tiles [position][tile][channels], the products [position][tile][columns of
 * a group of panels], weights transformed here [position][source channels][columns of a panel], and the lists of rows. */
typedef struct block_area {
    const float **x;
    int64_t *y;
    float *source, *product, *weights;
} block_area;

/* Floats from position to position. */
static int64_t source_step(const winograd *w) { return BLOCK_TILES * conv_row(depth_of(w)) + 16; }
enum { PRODUCT_ROW = GROUP_PANELS * TILE_COLUMNS, PRODUCT_STEP = BLOCK_TILES * PRODUCT_ROW + 16 };

static size_t area_of(const winograd *w, char *memory, block_area *area) {
    const size_t list = BLOCK_TILES * sizeof(int64_t), source = (size_t)(w->positions * source_step(w)) * sizeof(float);
    const size_t product = (size_t)w->positions * PRODUCT_STEP * sizeof(float), before = 2 * list + source + product;
    const size_t weights = fresh(w) ? (size_t)(w->positions * FRESH_STEP) * sizeof(float) : 0;
    if (area)
        *area = (block_area){(void *)memory, (void *)(memory + list), (void *)(memory + 2 * list),
                             (void *)(memory + 2 * list + source), (void *)(memory + before)};
    return (before + weights + 63) & ~(size_t)63;
}

FV_INLINE void transform_tiles(const int m, const winograd_keep keep, const winograd_run *r, int64_t first,
                               int64_t count, float *to) {
    const winograd *w = r->w;
    const float *cell[WINOGRAD_POSITIONS];
    for (int64_t i = 0; i < count; i++) {
        const winograd_place at = winograd_place_of(w, first + i);
        const float *plane = r->from + at.plane * w->from[0] * w->from[1] * w->from_pixel;
        winograd_cells(m + 2, plane, w->from, w->from_pixel, at.y - w->pad[0], at.x - w->pad[1], r->zero, cell);
        winograd_transform(winograd_source, m, m + 2, keep, cell, m * w->from_pixel, w->from_c,
                           to + i * conv_row(depth_of(w)), source_step(w));
    }
}

static void transform(const winograd_run *r, int64_t first, int64_t count, float *to) {
    if (r->w->pairs)
        transform_tiles(2, WINOGRAD_CHANNEL_PAIRS, r, first, count, to);
    else if (r->w->m == 2)
        transform_tiles(2, WINOGRAD_NUMBERS, r, first, count, to);
    else
        transform_tiles(4, WINOGRAD_NUMBERS, r, first, count, to);
}

/* The products of `depth` channels, from `first` on, with one panel's weights of them; `step` floats from position to
 * position. */
static void multiply(const winograd_run *r, const block_area *area, int64_t count, int64_t first, int64_t depth,
                     const float *weights, int64_t step, int64_t width, float *product) {
    const winograd *w = r->w;
    const int64_t run = 0;
    tile_rows t = {.runs = &run, .run_count = 1, .run_length = depth, .bias = r->zero, .last = FV_LANES};
    for (int p = 0; p < w->positions; p++) {
        t.x_offset = p * source_step(w) + first;
        t.panel = weights + p * step;
        t.y = product + p * PRODUCT_STEP;
        t.from = first > 0 ? t.y : NULL;
        for (int64_t i = 0, left = tile_count(count), height; i < count; i += height) {
            height = tile_height(count - i, &left);
            tile_rows_dense[w->pairs][width / FV_LANES - 1][height - 1](&t, area->x + i, area->y + i);
        }
    }
}

static void multiply_panel(const winograd_run *r, const block_area *area, int64_t count, int64_t panel,
                           float *product) {
    const winograd *w = r->w;
    const int64_t depth = depth_of(w), width = panel_width(w, panel);
    if (!fresh(w)) {
        const float *weights = r->packed + depth * w->positions * panel * TILE_COLUMNS;
        multiply(r, area, count, 0, depth, weights, depth * width, width, product);
        return;
    }
    for (int64_t first = 0, some; first < depth; first += some) {
        some = conv_min(FRESH_ROWS, depth - first);
        for (int64_t i = 0; i < some; i += PACK_ROWS)
            make_weights(&r->weights, panel, first + i, conv_min(PACK_ROWS, some - i), area->weights + i * width,
                         FRESH_STEP);
        multiply(r, area, count, first, some, area->weights, FRESH_STEP, width, product);
    }
}

FV_INLINE void store_results(const int m, const winograd_run *r, const winograd_place *at, int64_t column,
                             int64_t lanes, vf y[WINOGRAD_SIDE][WINOGRAD_SIDE]) {
    const winograd *w = r->w;
    const fv_unary act = r->epilogue.act;
    const vf bias = vf_load(r->bias + column);
    FV_UNROLL
    for (int i = 0; i < m; i++) {
        if (at->y + i >= w->to[0]) continue;
        const int64_t row = ((at->plane * w->to[0] + at->y + i) * w->to[1] + at->x) * w->to_pixel + column;
        FV_UNROLL
        for (int j = 0; j < m; j++) {
            if (at->x + j >= w->to[1]) continue;
            const int64_t to = row + j * w->to_pixel;
            vf v = y[i][j] + bias;
            if (r->add) v += vf_load_lanes(r->add + to, lanes);
            if (act == FV_U_RELU) v = vf_max(vf_zero(), v); /* not a number stays so */
            vf_store_lanes(r->to + to, v, lanes);
        }
    }
}

/* Activations that take more than a maximum. */
static void activate(int m, const winograd_run *r, const winograd_place *at, int64_t column, int64_t columns) {
    const winograd *w = r->w;
    for (int i = 0; i < m && at->y + i < w->to[0]; i++) {
        const int64_t row = ((at->plane * w->to[0] + at->y + i) * w->to[1] + at->x) * w->to_pixel + column;
        unary_in_place(&r->epilogue, r->to + row, conv_min(m, w->to[1] - at->x), columns, w->to_pixel);
    }
}

FV_INLINE void results(const int m, const winograd_run *r, const float *product, int64_t first, int64_t count,
                       int64_t column, int64_t columns) {
    const int side = m + 2;
    for (int64_t i = 0; i < count; i++, product += PRODUCT_ROW) {
        const winograd_place at = winograd_place_of(r->w, first + i);
        for (int64_t c = 0; c < columns; c += FV_LANES) {
            vf p[WINOGRAD_SIDE][WINOGRAD_SIDE], y[WINOGRAD_SIDE][WINOGRAD_SIDE];
            FV_UNROLL
            for (int k = 0; k < side; k++) FV_UNROLL
            for (int j = 0; j < side; j++) p[k][j] = vf_load(product + (k * side + j) * PRODUCT_STEP + c);
            winograd_both(winograd_result, m, side, m, p, y);
            store_results(m, r, &at, column + c, conv_min(FV_LANES, columns - c), y);
        }
        if (r->epilogue.act != FV_U_RELU && r->epilogue.act != FV_U_COPY) activate(m, r, &at, column, columns);
    }
}

static void run_piece(void *context, int64_t piece, int thread) {
    const winograd_run *r = context;
    const winograd *w = r->w;
    const int64_t part = piece / r->blocks, block = piece % r->blocks;
    const int64_t first = block * r->tiles / r->blocks, count = (block + 1) * r->tiles / r->blocks - first;
    block_area area;
    area_of(w, r->areas + (size_t)thread * r->area, &area);
    for (int64_t i = 0; i < count; i++) {
        area.x[i] = area.source + i * conv_row(depth_of(w));
        area.y[i] = i * PRODUCT_ROW;
    }
    const int64_t panels = panel_count(w), begin = part * panels / r->parts, end = (part + 1) * panels / r->parts;
    transform(r, first, count, area.source);
    for (int64_t p = begin, some; p < end; p += some) {
        some = conv_min(GROUP_PANELS, end - p);
        for (int64_t k = 0; k < some; k++) multiply_panel(r, &area, count, p + k, area.product + k * TILE_COLUMNS);
        const int64_t column = p * TILE_COLUMNS, columns = conv_min(some * TILE_COLUMNS, w->to_c - column);
        if (w->m == 2)
            results(2, r, area.product, first, count, column, columns);
        else
            results(4, r, area.product, first, count, column, columns);
    }
}

/* ---- the kernels ---------------------------------------------------------------------------------------------------
 */

static int64_t shared_floats(const winograd *w) {
    return conv_row(conv_max(conv_max(w->from_c, w->to_c), TILE_COLUMNS));
}

static fv_status run(const fv_call *call, int m, bool backward, bool pairs) {
    const fv_conv_geom *g = &call->geom->conv;
    const winograd w = winograd_of(g, m, backward, pairs);
    const int64_t shared = shared_floats(&w);
    float *zero = call->scratch, *bias = zero + shared;
    memset(zero, 0, (size_t)(2 * shared) * sizeof(float));
    if (call->arg[3]) memcpy(bias, call->arg[3], (size_t)w.to_c * sizeof(float));
    winograd_run r = {.w = &w, .epilogue = g->epilogue, .packed = call->packed, .from = call->arg[1], .zero = zero};
    r.weights = (packing){&w, g, backward, call->arg[2], NULL};
    r.bias = bias;
    r.add = backward || !g->add ? NULL : call->arg[4];
    r.to = call->arg[0];
    r.tiles = call->n * w.planes * w.tiles;
    const int threads = fv_pool_sharing(call->pool);
    r.blocks = conv_ceil(r.tiles, BLOCK_TILES);
    if (r.blocks < 2 * threads) /* parts transform their tiles again: blocks first */
        r.blocks = conv_max(r.blocks, conv_min(2 * threads, r.tiles / (2 * TILE_ROWS)));
    r.parts = threads == 1 ? 1 : conv_min(panel_count(&w), conv_ceil(2 * threads, r.blocks));
    r.areas = (char *)(bias + shared);
    r.area = area_of(&w, NULL, NULL);
    fv_pool *pool = conv_pool(call->pool, r.tiles * packed_floats(&w));
    fv_pool_run(pool, r.blocks * r.parts, run_piece, &r);
    return FV_OK;
}

static void need(const fv_geom *geom, int threads, fv_need *need, int m, bool backward, bool pairs) {
    const winograd w = winograd_of(&geom->conv, m, backward, pairs);
    need->scratch = (size_t)(2 * shared_floats(&w)) * sizeof(float) + area_of(&w, NULL, NULL) * (size_t)threads;
    if (fresh(&w)) return;
    need->packed = (size_t)packed_floats(&w) * sizeof(float);
    need->packed_arg = 2;
}

/* A kernel for one pass, one size of tiles and one kind of products. */
#define WINOGRAD(symbol, name, m, backward, pairs)                                                                     \
    static bool symbol##_can(const fv_geom *geom) {                                                                    \
        return winograd_pairs_can(geom, pairs) && winograd_can(geom, m, backward) && pays(geom, m, backward);          \
    }                                                                                                                  \
    static void symbol##_need(const fv_geom *geom, int threads, fv_need *wants) {                                      \
        need(geom, threads, wants, m, backward, pairs);                                                                \
    }                                                                                                                  \
    static fv_status symbol##_pack(const fv_geom *geom, const void *weights, void *packed, fv_pool *pool) {            \
        pack(geom, m, backward, pairs, weights, packed, pool);                                                         \
        return FV_OK;                                                                                                  \
    }                                                                                                                  \
    static fv_status symbol##_run(const fv_call *call) { return run(call, m, backward, pairs); }                       \
    const fv_kernel FV_SYMBOL(kernel_##symbol) = {name, symbol##_can, symbol##_need, symbol##_pack, symbol##_run};

WINOGRAD(conv_winograd4, "conv.winograd4", 4, false, false)
WINOGRAD(conv_winograd2, "conv.winograd2", 2, false, false)
WINOGRAD(conv_data_winograd4, "conv_data.winograd4", 4, true, false)
WINOGRAD(conv_data_winograd2, "conv_data.winograd2", 2, true, false)
#if FV_PAIRS /* F(4x4) of rounded numbers would be wrong by 2% */
WINOGRAD(conv_winograd2_bf16, "conv.winograd2_bf16", 2, false, true)
WINOGRAD(conv_data_winograd2_bf16, "conv_data.winograd2_bf16", 2, true, true)
#endif
