/* conv_depthwise_weights.c - the gradient of depthwise weights: vectors along the channels, straight from x and dy.
 *
 * A tile holds the taps of one kernel row for some vectors of channels, over a few rows of pixels. Every entry is a sum over
 * the pixels in their order, with taps in the border left out; slots of samples (kernels.h) are summed side by side and
 * then added up in order.
 */
#include "conv_groups.h"

enum {
    PIECES = 8,
    BLOCK_PIXELS = 28, /* of a tile: with fewer its sums are moved too often */
    TAPS = 7,          /* of a kernel row at once */
    MOST_VECTORS = 4,
    ADD_FLOATS = 4096
};

/* ---- tiles ---------------------------------------------------------------------------------------------------------
 */

typedef struct sum_tile {
    const float *x, *dy; /* what tap 0 of the first row's pixel 0 reads; that pixel's gradient */
    int64_t rows, count, x_row, dy_row, x_step, dy_step, x_tap;
    int64_t first, last; /* pixels first ... last-1 of a row find all taps inside */
    const conv_axis *axis;
    int64_t tap;   /* the tile's first tap of the kernel row */
    int64_t next;  /* floats from tap to tap of the sums */
    int64_t exist; /* lanes that exist, of a last vector */
} sum_tile;

FV_INLINE vf load_whole(const bool whole, const float *p, int64_t lanes) {
    return whole ? vf_load(p) : vf_load_part(p, lanes);
}

/* A pixel some of whose taps lie in the border. */
FV_INLINE void border(const int taps, const int vectors, const bool whole, const sum_tile *t, int64_t o, const float *x,
                      const float *dy, vf acc[TAPS][MOST_VECTORS]) {
    FV_UNROLL
    for (int k = 0; k < taps; k++) {
        const int64_t in = o * t->axis->stride - t->axis->pad + (t->tap + k) * t->axis->dilation;
        if (in < 0 || in >= t->axis->size) continue;
        FV_UNROLL
        for (int v = 0; v < vectors; v++)
            acc[k][v] = load_whole(whole, x + k * t->x_tap + v * FV_LANES, t->exist) *
                            load_whole(whole, dy + v * FV_LANES, t->exist) +
                        acc[k][v];
    }
}

FV_INLINE void tile(const int taps, const int vectors, const bool whole, const sum_tile *t, int64_t c, float *sums) {
    vf acc[TAPS][MOST_VECTORS];
    FV_UNROLL
    for (int k = 0; k < taps; k++) FV_UNROLL
    for (int v = 0; v < vectors; v++) acc[k][v] = load_whole(whole, sums + k * t->next + v * FV_LANES, t->exist);
    const int64_t x_step = t->x_step, dy_step = t->dy_step, x_tap = t->x_tap, exist = t->exist;
    for (int64_t row = 0; row < t->rows; row++) {
        const float *x = t->x + row * t->x_row + c, *dy = t->dy + row * t->dy_row + c;
        int64_t o = 0;
        for (; o < t->first; o++, x += x_step, dy += dy_step) border(taps, vectors, whole, t, o, x, dy, acc);
        for (; o < t->last; o++, x += x_step, dy += dy_step) {
            FV_UNROLL
            for (int v = 0; v < vectors; v++) {
                const vf d = load_whole(whole, dy + v * FV_LANES, exist);
                FV_UNROLL
                for (int k = 0; k < taps; k++)
                    acc[k][v] = load_whole(whole, x + k * x_tap + v * FV_LANES, exist) * d + acc[k][v];
            }
        }
        for (; o < t->count; o++, x += x_step, dy += dy_step) border(taps, vectors, whole, t, o, x, dy, acc);
    }
    FV_UNROLL
    for (int k = 0; k < taps; k++) FV_UNROLL
    for (int v = 0; v < vectors; v++) {
        float *to = sums + k * t->next + v * FV_LANES;
        if (whole)
            vf_store(to, acc[k][v]);
        else
            vf_store_part(to, acc[k][v], exist);
    }
}

typedef void (*sum_tile_fn)(const sum_tile *t, int64_t c, float *sums);

/* As many vectors as there are accumulators; one; a part of one. */
#define WIDE(taps) ((taps) <= 3 ? 4 : TILE_ROWS > 8 ? 2 : 1)
#define SIZE(k)                                                                                                        \
    static void wide_##k(const sum_tile *t, int64_t c, float *sums) { tile(k, WIDE(k), true, t, c, sums); }            \
    static void one_##k(const sum_tile *t, int64_t c, float *sums) { tile(k, 1, true, t, c, sums); }                   \
    static void part_##k(const sum_tile *t, int64_t c, float *sums) { tile(k, 1, false, t, c, sums); }
#define ALL_TAPS(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7)
#define WIDE_TILE(k) wide_##k,
#define ONE(k) one_##k,
#define PART(k) part_##k,
ALL_TAPS(SIZE)
static const sum_tile_fn wide[TAPS] = {ALL_TAPS(WIDE_TILE)}, one[TAPS] = {ALL_TAPS(ONE)}, part[TAPS] = {ALL_TAPS(PART)};

/* ---- the work ------------------------------------------------------------------------------------------------------
 */

typedef struct gradient {
    const fv_conv_geom *geom;
    conv_job job;
    int64_t n, parts, channels; /* pieces along the channels; channels of each */
    const float *x, *dy;
    float *dw, *dbias;
    float *sums; /* [FV_SLOTS][taps + 1][c]; the last row is the bias's */
} gradient;

/* A block of rows of results, one piece of the channels. */
typedef struct block {
    int64_t image, z, y, rows, c, end;
} block;

/* Results first ... last-1 whose tap at `from` ... `to` lies inside. */
static void inside(const conv_axis *a, int64_t from, int64_t to, int64_t *first, int64_t *last) {
    const int64_t end = a->size + a->pad - to * a->dilation;
    *first = conv_min(a->count, conv_max(0, conv_ceil(a->pad - from * a->dilation, a->stride)));
    *last = conv_max(*first, conv_min(a->count, end > 0 ? conv_ceil(end, a->stride) : 0));
}

/* Kernel row (i, j) for channels c ... end-1 of the rows that find it inside. */
static void kernel_row(const gradient *d, const block *b, int64_t i, int64_t j, float *sums) {
    const fv_conv_geom *g = d->geom;
    const conv_axis *a = d->job.axis;
    int64_t first, last;
    inside(&a[1], j, j, &first, &last);
    first = conv_max(first, b->y), last = conv_min(last, b->y + b->rows);
    const int64_t in_z = b->z * a[0].stride - a[0].pad + i * a[0].dilation;
    if (first >= last || in_z < 0 || in_z >= a[0].size) return;
    const int64_t in_y = first * a[1].stride - a[1].pad + j * a[1].dilation;
    sum_tile t = {.rows = last - first, .count = a[2].count, .axis = &a[2], .next = a[2].tap_step * g->f};
    t.x_step = a[2].stride * g->x_pixel, t.x_tap = a[2].dilation * g->x_pixel, t.dy_step = g->y_pixel;
    t.x_row = a[1].stride * g->in[2] * g->x_pixel, t.dy_row = g->out[2] * g->y_pixel;
    const float *x = d->x + (((b->image * g->in[0] + in_z) * g->in[1] + in_y) * g->in[2] - a[2].pad) * g->x_pixel;
    t.dy = d->dy + ((b->image * g->out[0] + b->z) * g->out[1] + first) * t.dy_row;
    const int64_t row = (a[0].first_tap + i * a[0].tap_step) * g->kernel[1] + a[1].first_tap + j * a[1].tap_step;
    for (t.tap = 0; t.tap < a[2].taps; t.tap += TAPS) {
        const int64_t taps = conv_min(TAPS, a[2].taps - t.tap), vectors = WIDE(taps);
        inside(&a[2], t.tap, t.tap + taps - 1, &t.first, &t.last);
        t.x = x + t.tap * t.x_tap;
        float *to = sums + (row * g->kernel[2] + a[2].first_tap + t.tap * a[2].tap_step) * g->f;
        int64_t c = b->c;
        for (; c + vectors * FV_LANES <= b->end; c += vectors * FV_LANES) wide[taps - 1](&t, c, to + c);
        for (; c + FV_LANES <= b->end; c += FV_LANES) one[taps - 1](&t, c, to + c);
        t.exist = b->end - c;
        if (c < b->end) part[taps - 1](&t, c, to + c);
    }
}

static void run_block(const gradient *d, const block *b, float *sums) {
    const fv_conv_geom *g = d->geom;
    const conv_axis *a = d->job.axis;
    for (block k = *b; k.c < b->end; k.c = k.end) { /* all kernel rows of some channels while these are in the cache */
        k.end = conv_min(b->end, k.c + MOST_VECTORS * FV_LANES);
        for (int64_t i = 0; i < a[0].taps; i++)
            for (int64_t j = 0; j < a[1].taps; j++) kernel_row(d, &k, i, j, sums);
    }
    if (!d->dbias) return;
    const int64_t row = (b->image * g->out[0] + b->z) * g->out[1] + b->y;
    tile_columns pixels = {.pixels = b->rows * g->out[2], .dy_step = g->y_pixel};
    pixels.dy = d->dy + row * g->out[2] * g->y_pixel + b->c;
    pixels.from = pixels.to = sums + d->job.taps * g->f + b->c;
    tile_pixel_sums(&pixels, b->end - b->c);
}

static void run_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const gradient *d = context;
    const conv_axis *a = d->job.axis;
    const int64_t slot = piece / d->parts, f = d->geom->f, rows = conv_max(1, BLOCK_PIXELS / a[2].count);
    block b = {.c = piece % d->parts * d->channels};
    b.end = conv_min(b.c + d->channels, f);
    float *sums = d->sums + slot * (d->job.taps + 1) * f;
    for (int64_t i = 0; i <= d->job.taps && b.c < b.end; i++)
        memset(sums + i * f + b.c, 0, (size_t)(b.end - b.c) * sizeof(float));
    for (b.image = fv_slot(d->n, (int)slot); b.image < fv_slot(d->n, (int)slot + 1); b.image++)
        for (b.z = 0; b.z < a[0].count; b.z++)
            for (b.y = 0; b.y < a[1].count; b.y += rows) {
                b.rows = conv_min(rows, a[1].count - b.y);
                run_block(d, &b, sums);
            }
}

/* A stretch of dw, or of the bias behind it, through the slots in order. */
static void add_slots(void *context, int64_t piece, int thread) {
    (void)thread;
    const gradient *d = context;
    const int64_t f = d->geom->f, weights = d->job.taps * f, each = weights + f, begin = piece * ADD_FLOATS;
    const int64_t end = conv_min(begin + ADD_FLOATS, d->dbias ? each : weights);
    int64_t lanes;
    for (int64_t i = begin; i < end; i += lanes) {
        lanes = conv_min(FV_LANES, (i < weights ? conv_min(weights, end) : end) - i);
        vf sum = vf_zero();
        bool any = false;
        for (int slot = 0; slot < FV_SLOTS; slot++) {
            if (fv_slot(d->n, slot) == fv_slot(d->n, slot + 1)) continue;
            const vf slots = vf_load_part(d->sums + slot * each + i, lanes);
            sum = any ? sum + slots : slots;
            any = true;
        }
        vf_store_part(i < weights ? d->dw + i : d->dbias + (i - weights), sum, lanes);
    }
}

/* ---- the kernel ----------------------------------------------------------------------------------------------------
 */

static fv_status run(const fv_call *call) {
    const fv_conv_geom *g = &call->geom->conv;
    const conv_shape s = conv_shape_of(g, false);
    gradient d = {.geom = g, .job = conv_job_of(&s, g, 0), .n = call->n, .sums = call->scratch};
    d.dw = call->arg[0];
    d.dbias = call->arg[1];
    d.x = call->arg[2];
    d.dy = call->arg[3];
    const int64_t vectors = conv_ceil(g->f, MOST_VECTORS * FV_LANES);
    d.parts = conv_min(vectors, conv_ceil(PIECES, conv_min(call->n, FV_SLOTS)));
    d.channels = conv_ceil(vectors, d.parts) * MOST_VECTORS * FV_LANES;
    const int64_t pixels = g->out[0] * g->out[1] * g->out[2], sums = (d.job.taps + 1) * g->f;
    fv_pool_run(conv_pool(call->pool, call->n * pixels * sums), FV_SLOTS * d.parts, run_piece, &d);
    fv_pool_run(conv_pool(call->pool, FV_SLOTS * sums), conv_ceil(sums, ADD_FLOATS), add_slots, &d);
    return FV_OK;
}

static void need(const fv_geom *geom, int threads, fv_need *need) {
    (void)threads;
    const fv_conv_geom *g = &geom->conv;
    const int64_t taps = g->kernel[0] * g->kernel[1] * g->kernel[2];
    *need = (fv_need){.scratch = (size_t)(FV_SLOTS * (taps + 1) * g->f) * sizeof(float)};
}

const fv_kernel FV_SYMBOL(kernel_conv_weights_depthwise) = {"conv_weights.depthwise", depthwise_can, need, NULL, run};
