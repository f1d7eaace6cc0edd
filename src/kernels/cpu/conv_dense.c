/* conv_dense.c - dense layers without packed weights: those that change with every step, and those of inference that
 * are too large for caches.
 *
 * Packing the weights of a dense layer takes as long as half of a pass over 64 samples, and writes as many bytes as it
 * reads; in inference it would hold them twice. Here a block of weights becomes panels in the second-level cache and
 * meets all rows (samples) at once. Forward, few samples meet the weights where they lie: a few rows of weights at a
 * time, read from left to right. A result is the same chain of multiply-adds as with packed weights,
 * whatever the number of samples: between blocks it waits in working memory.
 */
#include "conv_shape.h"
#include "vmath.h"

enum {
    BLOCK_DEPTH = 256, /* source channels */
    BLOCK_PANELS = 8,
    BLOCK_ROWS = 128, /* samples: with more the weights are brought into panels again */
    ROWS_AHEAD = 8,
    PIECES = 8,
    STREAM_ROWS = 32,     /* samples for which weights stay in place, */
    STREAM_COLUMNS = 512, /* the most columns of a piece then, */
    STREAM_ALONE = 2048,  /* of one sample, */
    STREAM_DEPTH = 8,     /* and rows of weights at a time */
    SUMS_PACKED = BLOCK_ROWS * (BLOCK_PANELS * TILE_COLUMNS + 16),
    SUMS_STREAM = STREAM_ROWS * (STREAM_COLUMNS + 16),
    LARGE = 256 * 1024, /* weights that do not stay in the second-level cache from run to run */
    ALIASING = 256      /* rows so many floats apart share a few lines of the first-level cache */
};

typedef struct dense {
    const float *weights, *x, *add, *bias; /* bias: padded to whole panels */
    float *y;
    fv_epilogue epilogue;
    int64_t n, depth, columns, x_row, y_row;
    int64_t stride;                /* of the weights' rows, which are source channels; results when backward */
    bool backward, stays;          /* the weights stay in place */
    int64_t panels, groups, bands; /* panels of a piece, pieces along them, and along the samples */
    int64_t block;                 /* source channels of a block */
    char *areas;
    size_t area;
} dense;

typedef struct dense_area {
    const float *x[BLOCK_ROWS];
    int64_t at[BLOCK_ROWS];
    float FV_ALIGNED panels[BLOCK_PANELS * BLOCK_DEPTH * TILE_COLUMNS];
    float FV_ALIGNED sums[SUMS_PACKED > SUMS_STREAM ? SUMS_PACKED : SUMS_STREAM];
    float FV_ALIGNED copy[BLOCK_ROWS * (BLOCK_DEPTH + 16)];
} dense_area;

/* Panels of a piece. Memory gives most to long rows, a stretch of them for each thread. */
static int64_t panels_of(const dense *d, int64_t panels, int threads) {
    if (!d->stays) return conv_min(BLOCK_PANELS, conv_ceil(panels, PIECES));
    const int64_t most = d->n == 1 ? STREAM_ALONE : STREAM_COLUMNS;
    return conv_min(most / TILE_COLUMNS, conv_ceil(panels, threads));
}

static dense dense_of(const fv_conv_geom *g, int64_t n, int threads, bool backward) {
    dense d = {.epilogue = g->epilogue, .n = n, .stride = g->f, .backward = backward};
    d.depth = backward ? g->f : g->c;
    d.columns = backward ? g->c : g->f;
    d.x_row = backward ? g->y_pixel : g->x_pixel;
    d.y_row = backward ? g->x_pixel : g->y_pixel;
    const int64_t panels = conv_ceil(d.columns, TILE_COLUMNS);
    d.stays = !backward && n <= STREAM_ROWS;
    d.panels = panels_of(&d, panels, threads);
    d.groups = conv_ceil(panels, d.panels);
    d.bands = conv_ceil(n, BLOCK_ROWS);
    d.block = (conv_ceil(d.depth, conv_ceil(d.depth, BLOCK_DEPTH)) + 15) / 16 * 16;
    return d;
}

/* A block of weights: source channels first ... first+depth-1, columns column ... column+columns-1. */
typedef struct block {
    int64_t first, depth, column, columns;
} block;

/* Rows of weights lie far apart, which the processor does not foresee. */
FV_INLINE void fetch(const float *row, int64_t floats) {
    for (int64_t i = 0; i < floats; i += 16) __builtin_prefetch(row + i);
}

/* Rows of weights are rows of panels. */
static void fill_rows(const dense *d, const block *b, float *to) {
    const float *from = d->weights + b->first * d->stride + b->column;
    for (int64_t k = 0; k < b->depth; k++, from += d->stride) {
        if (k + ROWS_AHEAD < d->depth - b->first) fetch(from + ROWS_AHEAD * d->stride, b->columns);
        for (int64_t c = 0; c < b->columns; c += TILE_COLUMNS) {
            const int64_t columns = conv_min(TILE_COLUMNS, b->columns - c), width = conv_vectors(columns) * FV_LANES;
            float *row = to + c * BLOCK_DEPTH + k * width;
            if (columns < width) vf_store(row + width - FV_LANES, vf_zero());
            conv_copy(row, from + c, columns);
        }
    }
}

/* Rows of weights are columns of panels. */
static void fill_columns(const dense *d, const block *b, float *to) {
    const float *from = d->weights + b->column * d->stride + b->first;
    for (int64_t c = 0; c < b->columns; c += TILE_COLUMNS, to += BLOCK_DEPTH * TILE_COLUMNS) {
        const int64_t columns = conv_min(TILE_COLUMNS, b->columns - c), width = conv_vectors(columns) * FV_LANES;
        if (columns < width) memset(to, 0, (size_t)(b->depth * width) * sizeof(float));
        for (int64_t i = 0; i < columns; i += FV_LANES) {
            const float *square = from + (c + i) * d->stride;
            for (int64_t r = FV_LANES; r < conv_min(2 * FV_LANES, b->columns - c - i); r++)
                fetch(square + r * d->stride, b->depth);
            conv_transpose(square, d->stride, conv_min(FV_LANES, columns - i), b->depth, to + i, width);
        }
    }
}

/* One panel of a block against all rows. */
static void multiply(const dense *d, const block *b, dense_area *area, int64_t rows, int64_t panel) {
    static const int64_t no_offset = 0;
    const int64_t column = panel * TILE_COLUMNS, columns = conv_min(TILE_COLUMNS, b->columns - column);
    tile_rows t = {.runs = &no_offset, .run_count = 1, .run_length = b->depth, .last = FV_LANES};
    t.panel = area->panels + panel * BLOCK_DEPTH * TILE_COLUMNS;
    t.bias = d->bias + b->column + column;
    t.y = area->sums + column;
    t.from = b->first > 0 ? t.y : NULL;
    const tile_rows_fn *tile = tile_rows_dense[false][conv_vectors(columns) - 1];
    for (int64_t i = 0, left = tile_count(rows), height; i < rows; i += height) {
        height = tile_height(rows - i, &left);
        tile[height - 1](&t, area->x + i, area->at + i);
    }
}

/* ---- weights in place ----------------------------------------------------------------------------------------------
 */

/* `vectors` of columns of a block, the last with `lanes` of it, and all `rows` of x. */
FV_INLINE void stream_tile(const int rows, const int vectors, const dense *d, const block *b, const float *weights,
                           const float *x, float *sums, int64_t sums_row, int64_t lanes) {
    vf acc[TILE_ROWS][8];
    FV_UNROLL
    for (int r = 0; r < rows; r++) FV_UNROLL
    for (int v = 0; v < vectors; v++) acc[r][v] = vf_load(sums + r * sums_row + v * FV_LANES);
    for (int64_t k = 0; k < b->depth; k++, weights += d->stride) {
        vf w[8];
        FV_UNROLL
        for (int v = 0; v < vectors; v++) {
            if (rows > 1) __builtin_prefetch(weights + STREAM_DEPTH * d->stride + v * FV_LANES);
            w[v] = vf_load_lanes(weights + v * FV_LANES, v < vectors - 1 ? FV_LANES : lanes);
        }
        FV_UNROLL
        for (int r = 0; r < rows; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++) acc[r][v] = vf_all(x[r * d->x_row + k]) * w[v] + acc[r][v];
    }
    FV_UNROLL
    for (int r = 0; r < rows; r++) FV_UNROLL
    for (int v = 0; v < vectors; v++) vf_store(sums + r * sums_row + v * FV_LANES, acc[r][v]);
}

/* The fewer rows, the more columns at once: sums that wait for each other would keep memory waiting. */
FV_INLINE void stream_block(const int rows, const dense *d, const block *b, const float *x, float *sums,
                            int64_t sums_row) {
    enum { REGISTERS = TILE_ROWS * TILE_VECTORS };
    const int vectors = rows * 8 <= REGISTERS ? 8 : rows * 4 <= REGISTERS ? 4 : 2;
    const float *weights = d->weights + b->first * d->stride + b->column;
    int64_t c = 0;
    for (; c + vectors * FV_LANES <= b->columns; c += vectors * FV_LANES)
        stream_tile(rows, vectors, d, b, weights + c, x, sums + c, sums_row, FV_LANES);
    for (; c < b->columns; c += FV_LANES)
        stream_tile(rows, 1, d, b, weights + c, x, sums + c, sums_row, conv_min(FV_LANES, b->columns - c));
}

#define STREAM(rows)                                                                                                   \
    static void stream_##rows(const dense *d, const block *b, const float *x, float *sums, int64_t sums_row) {         \
        stream_block(rows, d, b, x, sums, sums_row);                                                                   \
    }
#define STREAM_NAME(rows) stream_##rows
TILE_HEIGHTS(TILE_DEFINE, STREAM)
typedef void (*stream_fn)(const dense *d, const block *b, const float *x, float *sums, int64_t sums_row);
static const stream_fn stream[TILE_ROWS] = {TILE_HEIGHTS(TILE_ENTRY, STREAM_NAME)};

/* Rows of weights go by once, for all samples. */
static void run_stream(const dense *d, block *b, dense_area *area) {
    const int64_t row = d->panels * TILE_COLUMNS + 16;
    for (int64_t r = 0; r < d->n; r++) {
        area->at[r] = r * row;
        conv_copy(area->sums + r * row, d->bias + b->column, conv_vectors(b->columns) * FV_LANES);
    }
    for (b->first = 0; b->first < d->depth; b->first += b->depth) {
        b->depth = conv_min(STREAM_DEPTH, d->depth - b->first);
        for (int64_t i = 0, left = tile_count(d->n), height; i < d->n; i += height) {
            height = tile_height(d->n - i, &left);
            stream[height - 1](d, b, d->x + i * d->x_row + b->first, area->sums + i * row, row);
        }
    }
}

/* ---- pieces --------------------------------------------------------------------------------------------------------
 */

/* The sums of a piece are complete. */
static void store_results(const dense *d, const block *b, const dense_area *area, int64_t first, int64_t rows) {
    const fv_epilogue *e = &d->epilogue;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t to = (first + r) * d->y_row + b->column;
        const float *sums = area->sums + area->at[r];
        FV_EACH_VECTOR(b->columns, i, lanes, {
            vf v = vf_load(sums + i);
            if (d->add) v += vf_load_lanes(d->add + to + i, lanes);
            if (e->act != FV_U_COPY) v = vf_unary(e->act, (float)e->a, (float)e->b, v);
            vf_store_lanes(d->y + to + i, v, lanes);
        });
    }
}

static void list_rows(const dense *d, const block *b, dense_area *area, int64_t first, int64_t rows) {
    const bool copies = rows > 1 && d->x_row % ALIASING == 0;
    for (int64_t r = 0; r < rows; r++) {
        const float *x = d->x + (first + r) * d->x_row + b->first;
        area->at[r] = r * (d->panels * TILE_COLUMNS + 16);
        area->x[r] = copies ? area->copy + r * (BLOCK_DEPTH + 16) : x;
        if (copies) conv_copy(area->copy + r * (BLOCK_DEPTH + 16), x, b->depth);
    }
}

static void run_piece(void *context, int64_t piece, int thread) {
    const dense *d = context;
    dense_area *area = (void *)(d->areas + (size_t)thread * d->area);
    const int64_t band = piece / d->groups, first = band * d->n / d->bands, rows = (band + 1) * d->n / d->bands - first;
    block b = {.column = piece % d->groups * d->panels * TILE_COLUMNS};
    b.columns = conv_min(d->panels * TILE_COLUMNS, d->columns - b.column);
    const int64_t panels = conv_ceil(b.columns, TILE_COLUMNS);
    if (d->stays) {
        run_stream(d, &b, area);
        store_results(d, &b, area, first, rows);
        return;
    }
    for (b.first = 0; b.first < d->depth; b.first += b.depth) {
        b.depth = conv_min(d->block, d->depth - b.first);
        (d->backward ? fill_columns : fill_rows)(d, &b, area->panels);
        list_rows(d, &b, area, first, rows);
        for (int64_t p = 0; p < panels; p++) multiply(d, &b, area, rows, p);
    }
    store_results(d, &b, area, first, rows);
}

static size_t bias_bytes(const dense *d) {
    return (size_t)(conv_ceil(d->columns, TILE_COLUMNS) * TILE_COLUMNS) * sizeof(float);
}

static fv_status run(const fv_call *call, bool backward) {
    dense d = dense_of(&call->geom->conv, call->n, fv_pool_sharing(call->pool), backward);
    float *bias = call->scratch;
    memset(bias, 0, bias_bytes(&d));
    if (call->arg[3]) memcpy(bias, call->arg[3], (size_t)d.columns * sizeof(float));
    d.bias = bias;
    d.y = call->arg[0];
    d.x = call->arg[1];
    d.weights = call->arg[2];
    d.add = backward || !call->geom->conv.add ? NULL : call->arg[4];
    d.areas = (char *)call->scratch + (bias_bytes(&d) + 63) / 64 * 64;
    d.area = sizeof(dense_area);
    fv_pool_run(conv_pool(call->pool, d.n * d.depth * d.columns), d.groups * d.bands, run_piece, &d);
    return FV_OK;
}

static void need(const fv_geom *geom, int threads, fv_need *need, bool backward) {
    const dense d = dense_of(&geom->conv, geom->n, threads, backward);
    *need = (fv_need){.scratch = (bias_bytes(&d) + 63) / 64 * 64 + sizeof(dense_area) * (size_t)threads};
}

/* In inference weights are packed once, if they are small. */
static bool can(const fv_geom *geom) {
    const fv_conv_geom *g = &geom->conv;
    bool dense = g->groups == 1 && (geom->training || g->c * g->f >= LARGE);
    for (int d = 0; d < 3; d++) dense = dense && g->in[d] == 1 && g->out[d] == 1 && g->kernel[d] == 1 && g->pad[d] == 0;
    return dense;
}

static void forward_need(const fv_geom *geom, int threads, fv_need *wants) { need(geom, threads, wants, false); }
static fv_status forward_run(const fv_call *call) { return run(call, false); }
const fv_kernel FV_SYMBOL(kernel_conv_dense) = {"conv.dense", can, forward_need, NULL, forward_run};

static void backward_need(const fv_geom *geom, int threads, fv_need *wants) { need(geom, threads, wants, true); }
static fv_status backward_run(const fv_call *call) { return run(call, true); }
const fv_kernel FV_SYMBOL(kernel_conv_data_dense) = {"conv_data.dense", can, backward_need, NULL, backward_run};
