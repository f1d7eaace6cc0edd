/* conv_depthwise_weights.c - the gradient of depthwise weights: a vector of channels, straight from x and dy.
 *
 * A tile holds taps of one vector over a band of rows: all taps of rows that find every kernel row inside the source, else
 * those of one kernel row. Every entry is a sum over the pixels in their order, with taps in the border left out; slots of
 * samples (kernels.h) are summed side by side and then added up in order.
 */
#include "conv_groups.h"

enum {
    PIECES = 8,
    BAND_FLOATS = 128 * 1024, /* of x and dy: they stay in the second-level cache from vector to vector */
    TAPS = TILE_ROWS > 8 ? 14 : 12,
    ADD_FLOATS = 4096
};

/* ---- tiles ---------------------------------------------------------------------------------------------------------
 */

/* Places of taps: in x from what the kernel's first tap reads, along the row, in the sums. */
typedef struct tap_list {
    int64_t x[TAPS], column[TAPS], w[TAPS];
    int64_t count;
} tap_list;

typedef struct sum_tile {
    const float *x, *dy; /* what the kernel's first tap reads for the first row's pixel 0; that pixel's gradient */
    int64_t rows, count, x_row, dy_row, x_step, dy_step;
    int64_t first, last; /* pixels first ... last-1 of a row find all taps inside */
    const conv_axis *axis;
    const tap_list *taps;
    int64_t exist; /* lanes that exist, of a last vector */
} sum_tile;

FV_INLINE vf load_whole(const bool whole, const float *p, int64_t lanes) {
    return whole ? vf_load(p) : vf_load_part(p, lanes);
}

/* A pixel some of whose taps lie in the border. */
FV_INLINE void border(const int taps, const bool whole, const sum_tile *t, int64_t o, const float *x, const float *dy,
                      vf acc[TAPS]) {
    const vf d = load_whole(whole, dy, t->exist);
    FV_UNROLL
    for (int k = 0; k < taps; k++) {
        const int64_t in = o * t->axis->stride - t->axis->pad + t->taps->column[k];
        if (in >= 0 && in < t->axis->size) acc[k] = load_whole(whole, x + t->taps->x[k], t->exist) * d + acc[k];
    }
}

FV_INLINE void tile(const int taps, const bool whole, const sum_tile *t, int64_t c, float *sums) {
    vf acc[TAPS];
    int64_t at[TAPS];
    const int64_t x_step = t->x_step, dy_step = t->dy_step, exist = t->exist;
    FV_UNROLL
    for (int k = 0; k < taps; k++) {
        acc[k] = load_whole(whole, sums + t->taps->w[k], exist);
        at[k] = t->taps->x[k];
    }
    for (int64_t row = 0; row < t->rows; row++) {
        const float *x = t->x + row * t->x_row + c, *dy = t->dy + row * t->dy_row + c;
        int64_t o = 0;
        for (; o < t->first; o++, x += x_step, dy += dy_step) border(taps, whole, t, o, x, dy, acc);
        for (; o < t->last; o++, x += x_step, dy += dy_step) {
            const vf d = load_whole(whole, dy, exist);
            __builtin_prefetch(dy + FV_LANES); /* the next vector's, which the processor does not foresee */
            __builtin_prefetch(x + at[taps - 1] + FV_LANES);
            FV_UNROLL
            for (int k = 0; k < taps; k++) acc[k] = load_whole(whole, x + at[k], exist) * d + acc[k];
        }
        for (; o < t->count; o++, x += x_step, dy += dy_step) border(taps, whole, t, o, x, dy, acc);
    }
    FV_UNROLL
    for (int k = 0; k < taps; k++) {
        if (whole)
            vf_store(sums + t->taps->w[k], acc[k]);
        else
            vf_store_part(sums + t->taps->w[k], acc[k], exist);
    }
}

typedef void (*sum_tile_fn)(const sum_tile *t, int64_t c, float *sums);

#define SIZE(k)                                                                                                        \
    static void whole_##k(const sum_tile *t, int64_t c, float *sums) { tile(k, true, t, c, sums); }                    \
    static void part_##k(const sum_tile *t, int64_t c, float *sums) { tile(k, false, t, c, sums); }
#define TAPS_12(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12)
#if TILE_ROWS > 8
#define ALL_TAPS(F) TAPS_12(F) F(13) F(14)
#else
#define ALL_TAPS(F) TAPS_12(F)
#endif
#define WHOLE(k) whole_##k,
#define PART(k) part_##k,
ALL_TAPS(SIZE)
static const sum_tile_fn whole_tiles[TAPS] = {ALL_TAPS(WHOLE)}, part_tiles[TAPS] = {ALL_TAPS(PART)};

/* ---- the work ------------------------------------------------------------------------------------------------------
 */

typedef struct gradient {
    const fv_conv_geom *geom;
    conv_job job;
    int64_t n, rows, parts, channels; /* rows of a band; pieces along the channels, and channels of each */
    const float *x, *dy;
    float *dw, *dbias;
    float *sums; /* [FV_SLOTS][taps + 1][c]; the last row is the bias's */
} gradient;

/* A band of rows of results, one piece of the channels. */
typedef struct band {
    int64_t image, z, y, rows, c, end;
} band;

/* Results first ... last-1 whose taps from number `from` to number `to` lie inside. */
static void inside(const conv_axis *a, int64_t from, int64_t to, int64_t *first, int64_t *last) {
    const int64_t end = a->size + a->pad - to * a->dilation;
    *first = conv_min(a->count, conv_max(0, conv_ceil(a->pad - from * a->dilation, a->stride)));
    *last = conv_max(*first, conv_min(a->count, end > 0 ? conv_ceil(end, a->stride) : 0));
}

/* Some taps, for rows from ... to-1 of a band. */
static void sum_taps(const gradient *d, const band *b, const tap_list *taps, int64_t from, int64_t to, float *sums) {
    const fv_conv_geom *g = d->geom;
    const conv_axis *a = d->job.axis;
    if (from >= to || taps->count == 0) return;
    sum_tile t = {.rows = to - from, .count = a[2].count, .axis = &a[2], .taps = taps, .exist = FV_LANES};
    t.x_step = a[2].stride * g->x_pixel, t.dy_step = g->y_pixel;
    t.x_row = a[1].stride * g->in[2] * g->x_pixel, t.dy_row = g->out[2] * g->y_pixel;
    inside(&a[2], 0, a[2].taps - 1, &t.first, &t.last);
    const int64_t z = b->z * a[0].stride - a[0].pad, y = from * a[1].stride - a[1].pad;
    t.x = d->x + (((b->image * g->in[0] + z) * g->in[1] + y) * g->in[2] - a[2].pad) * g->x_pixel;
    t.dy = d->dy + ((b->image * g->out[0] + b->z) * g->out[1] + from) * t.dy_row;
    int64_t c = b->c;
    for (; c + FV_LANES <= b->end; c += FV_LANES) whole_tiles[taps->count - 1](&t, c, sums + c);
    t.exist = b->end - c;
    if (c < b->end) part_tiles[taps->count - 1](&t, c, sums + c);
}

/* Adds tap (i, j, k) to a list, which is summed when it is full. */
static void add_tap(const gradient *d, int64_t i, int64_t j, int64_t k, tap_list *taps) {
    const fv_conv_geom *g = d->geom;
    const conv_axis *a = d->job.axis;
    int64_t w = (a[0].first_tap + i * a[0].tap_step) * g->kernel[1] + a[1].first_tap + j * a[1].tap_step;
    w = w * g->kernel[2] + a[2].first_tap + k * a[2].tap_step;
    taps->column[taps->count] = k * a[2].dilation;
    taps->x[taps->count] =
        ((i * a[0].dilation * g->in[1] + j * a[1].dilation) * g->in[2] + k * a[2].dilation) * g->x_pixel;
    taps->w[taps->count++] = w * g->f;
}

/* Kernel rows first_j ... last_j, for rows from ... to-1. */
static void sum_kernel_rows(const gradient *d, const band *b, int64_t first_j, int64_t last_j, int64_t from, int64_t to,
                            float *sums) {
    const conv_axis *a = d->job.axis;
    tap_list taps = {.count = 0};
    int64_t planes = 0;
    for (int64_t i = 0; i < a[0].taps; i++) {
        const int64_t z = b->z * a[0].stride - a[0].pad + i * a[0].dilation;
        planes += z >= 0 && z < a[0].size;
    }
    int64_t left = planes * (last_j - first_j + 1) * a[2].taps;
    int64_t tiles = conv_ceil(left, TAPS), height = left ? conv_ceil(left, tiles) : 0;
    for (int64_t i = 0; i < a[0].taps; i++) {
        const int64_t z = b->z * a[0].stride - a[0].pad + i * a[0].dilation;
        if (z < 0 || z >= a[0].size) continue;
        for (int64_t j = first_j; j <= last_j; j++)
            for (int64_t k = 0; k < a[2].taps; k++) {
                add_tap(d, i, j, k, &taps);
                if (taps.count < height) continue;
                sum_taps(d, b, &taps, from, to, sums);
                taps.count = 0;
            }
    }
    sum_taps(d, b, &taps, from, to, sums);
}

static void run_band(const gradient *d, const band *b, float *sums) {
    const fv_conv_geom *g = d->geom;
    const conv_axis *a = d->job.axis;
    int64_t first, last; /* rows that find all kernel rows inside */
    inside(&a[1], 0, a[1].taps - 1, &first, &last);
    const int64_t end = b->y + b->rows;
    first = conv_min(end, conv_max(b->y, first)), last = conv_max(first, conv_min(end, last));
    for (int64_t j = 0; j < a[1].taps; j++) {
        int64_t from, to;
        inside(&a[1], j, j, &from, &to);
        sum_kernel_rows(d, b, j, j, conv_max(b->y, from), conv_min(first, to), sums);
    }
    sum_kernel_rows(d, b, 0, a[1].taps - 1, first, last, sums);
    for (int64_t j = 0; j < a[1].taps; j++) {
        int64_t from, to;
        inside(&a[1], j, j, &from, &to);
        sum_kernel_rows(d, b, j, j, conv_max(last, from), conv_min(end, to), sums);
    }
    if (!d->dbias) return;
    const int64_t row = (b->image * g->out[0] + b->z) * g->out[1] + b->y;
    tile_columns pixels = {.pixels = b->rows * g->out[2], .dy_step = g->y_pixel};
    pixels.dy = d->dy + row * g->out[2] * g->y_pixel + b->c;
    pixels.to = sums + d->job.taps * g->f + b->c;
    pixels.from = pixels.to;
    tile_pixel_sums(&pixels, b->end - b->c);
}

static void run_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const gradient *d = context;
    const fv_conv_geom *g = d->geom;
    const conv_axis *a = d->job.axis;
    const int64_t slot = piece / d->parts, f = g->f;
    band b = {.c = piece % d->parts * d->channels};
    b.end = conv_min(b.c + d->channels, f);
    if (b.c >= f) return;
    float *sums = d->sums + slot * (d->job.taps + 1) * f;
    for (int64_t i = 0; i <= d->job.taps; i++) memset(sums + i * f + b.c, 0, (size_t)(b.end - b.c) * sizeof(float));
    for (b.image = fv_slot(d->n, (int)slot); b.image < fv_slot(d->n, (int)slot + 1); b.image++)
        for (b.z = 0; b.z < a[0].count; b.z++)
            for (b.y = 0; b.y < a[1].count; b.y += d->rows) {
                b.rows = conv_min(d->rows, a[1].count - b.y);
                run_band(d, &b, sums);
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
    const int64_t vectors = conv_ceil(g->f, FV_LANES);
    d.parts = conv_min(vectors, conv_ceil(PIECES, conv_min(call->n, FV_SLOTS)));
    d.channels = conv_ceil(vectors, d.parts) * FV_LANES;
    const int64_t row_floats = (g->in[2] * d.job.axis[1].stride + g->out[2]) * g->c;
    d.rows =
        conv_max(1, conv_min(g->out[1], BAND_FLOATS / row_floats)); /* of all channels: sums must not depend on n */
    d.rows = conv_ceil(g->out[1], conv_ceil(g->out[1], d.rows));
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
