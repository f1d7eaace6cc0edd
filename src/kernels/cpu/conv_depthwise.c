/* conv_depthwise.c - every channel on its own, forward and backward to the input: vectors along the channels, straight from
 * the source, as such layers are bound by memory. Taps that lie in the border are left out; so are copies, packed weights
 * and pixels without a place. A result is the chain of multiply-adds over the taps that are left, in their order.
 */
#include "conv_groups.h"
#include "vmath.h"

enum {
    PIECES = 16,
    VECTORS = 2,
    TILE = TILE_ROWS > 6 ? 7 : 6 /* results side by side: the accumulators leave registers for weights and a source */
};

bool depthwise_can(const fv_geom *geom) {
    const fv_conv_geom *g = &geom->conv;
    return g->groups > 1 && g->groups == g->c && g->groups == g->f;
}

/* ---- tiles ---------------------------------------------------------------------------------------------------------
 */

/* What the results of a row have in common, or one result at the border. */
typedef struct taps_list {
    int64_t count;
    int64_t *x, *w; /* where the source and the weights of each tap are */
} taps_list;

typedef struct depth_tile {
    taps_list taps;
    const float *w, *bias;         /* bias NULL: none */
    int64_t x_step, y_step, ahead; /* from result to result; to what will be read next of the source */
    int64_t exist;                 /* lanes that exist, of a last vector */
    bool relu;
} depth_tile;

FV_INLINE vf load_whole(const bool whole, const float *p, int64_t lanes) {
    return whole ? vf_load(p) : vf_load_part(p, lanes);
}

FV_INLINE void tile(const int height, const int vectors, const bool whole, const depth_tile *t, const float *x,
                    int64_t c, float *y, const float *add) {
    vf acc[TILE][VECTORS];
    const int64_t x_step = t->x_step, y_step = t->y_step, exist = t->exist;
    FV_UNROLL
    for (int r = 0; r < height; r++) FV_UNROLL
    for (int v = 0; v < vectors; v++) acc[r][v] = vf_zero();
    if (t->bias) {
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++) acc[r][v] = load_whole(whole, t->bias + c + v * FV_LANES, exist);
    }
    x += c;
    FV_UNROLL
    for (int r = 0; r < height; r++) FV_UNROLL
    for (int v = 0; v < vectors; v++) __builtin_prefetch(x + t->ahead + r * x_step + v * FV_LANES);
    for (int64_t k = 0; k < t->taps.count; k++) {
        const float *from = x + t->taps.x[k], *weights = t->w + t->taps.w[k] + c;
        vf w[VECTORS];
        FV_UNROLL
        for (int v = 0; v < vectors; v++) w[v] = load_whole(whole, weights + v * FV_LANES, exist);
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++)
            acc[r][v] = load_whole(whole, from + r * x_step + v * FV_LANES, exist) * w[v] + acc[r][v];
    }
    if (add) {
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++) acc[r][v] += load_whole(whole, add + c + r * y_step + v * FV_LANES, exist);
    }
    if (t->relu) {
        FV_UNROLL
        for (int r = 0; r < height; r++) FV_UNROLL
        for (int v = 0; v < vectors; v++) acc[r][v] = vf_max(vf_zero(), acc[r][v]); /* not a number stays so */
    }
    FV_UNROLL
    for (int r = 0; r < height; r++) FV_UNROLL
    for (int v = 0; v < vectors; v++) {
        float *to = y + c + r * y_step + v * FV_LANES;
        if (whole)
            vf_store(to, acc[r][v]);
        else
            vf_store_part(to, acc[r][v], exist);
    }
}

typedef void (*depth_tile_fn)(const depth_tile *t, const float *x, int64_t c, float *y, const float *add);

#define SIZE(h)                                                                                                        \
    static void two_##h(const depth_tile *t, const float *x, int64_t c, float *y, const float *add) {                  \
        tile(h, 2, true, t, x, c, y, add);                                                                             \
    }                                                                                                                  \
    static void one_##h(const depth_tile *t, const float *x, int64_t c, float *y, const float *add) {                  \
        tile(h, 1, true, t, x, c, y, add);                                                                             \
    }                                                                                                                  \
    static void part_##h(const depth_tile *t, const float *x, int64_t c, float *y, const float *add) {                 \
        tile(h, 1, false, t, x, c, y, add);                                                                            \
    }
#define HEIGHTS_6(F) F(1) F(2) F(3) F(4) F(5) F(6)
#if TILE_ROWS > 6
#define HEIGHTS(F) HEIGHTS_6(F) F(7)
#else
#define HEIGHTS(F) HEIGHTS_6(F)
#endif
#define TWO(h) two_##h,
#define ONE(h) one_##h,
#define PART(h) part_##h,
HEIGHTS(SIZE)
static const depth_tile_fn two[TILE] = {HEIGHTS(TWO)}, one[TILE] = {HEIGHTS(ONE)}, part[TILE] = {HEIGHTS(PART)};

/* ---- rows of results -----------------------------------------------------------------------------------------------
 */

typedef struct depth_run {
    const conv_shape *shape;
    const conv_job *job;
    const fv_conv_geom *geom;
    fv_epilogue epilogue;
    int64_t rows, bands; /* rows of a band; bands of a plane */
    const float *w, *bias, *from, *add;
    float *to;
    int64_t *lists; /* four of job->taps numbers a thread */
} depth_run;

static bool in_registers(fv_unary act) { return act == FV_U_COPY || act == FV_U_RELU; }

/* `count` results side by side, all of the same taps: all channels of some before the next ones. */
static void run_results(const depth_run *r, depth_tile *t, const float *x, int64_t at, int64_t count) {
    const int64_t channels = r->shape->to_c;
    for (int64_t i = 0, left = conv_ceil(count, TILE), height; i < count; i += height) {
        height = tile_height(count - i, &left);
        const float *const from = x + i * t->x_step, *const add = r->add ? r->add + at + i * t->y_step : NULL;
        float *const to = r->to + at + i * t->y_step;
        int64_t c = 0;
        for (; c + VECTORS * FV_LANES <= channels; c += VECTORS * FV_LANES) two[height - 1](t, from, c, to, add);
        for (; c + FV_LANES <= channels; c += FV_LANES) one[height - 1](t, from, c, to, add);
        t->exist = channels - c;
        if (c < channels) part[height - 1](t, from, c, to, add);
    }
    if (!in_registers(r->epilogue.act)) unary_in_place(&r->epilogue, r->to + at, count, channels, t->y_step);
}

/* The taps of results z, y that lie inside the source: rows of taps[2] each. Places are those of the row's result 0. */
static void list_taps(const depth_run *r, int64_t z, int64_t y, taps_list *list) {
    const conv_axis *a = r->job->axis;
    const conv_shape *s = r->shape;
    list->count = 0;
    for (int64_t i = 0; i < a[0].taps; i++) {
        const int64_t in_z = z * a[0].stride - a[0].pad + i * a[0].dilation;
        for (int64_t j = 0; j < a[1].taps; j++) {
            const int64_t in_y = y * a[1].stride - a[1].pad + j * a[1].dilation;
            if (in_z < 0 || in_z >= a[0].size || in_y < 0 || in_y >= a[1].size) continue;
            const int64_t row = ((in_z * s->from[1] + in_y) * s->from[2] - a[2].pad) * s->from_pixel;
            int64_t tap = (a[0].first_tap + i * a[0].tap_step) * r->geom->kernel[1];
            tap = (tap + a[1].first_tap + j * a[1].tap_step) * r->geom->kernel[2] + a[2].first_tap;
            for (int64_t k = 0; k < a[2].taps; k++, list->count++) {
                list->x[list->count] = row + k * a[2].dilation * s->from_pixel;
                list->w[list->count] = (tap + k * a[2].tap_step) * r->geom->f;
            }
        }
    }
}

/* One result of a row whose first or last taps lie in the border. */
static void run_border(const depth_run *r, const depth_tile *row, const float *x, int64_t o, int64_t at,
                       const taps_list *own) {
    const conv_axis *a = &r->job->axis[2];
    depth_tile t = *row;
    t.taps = *own;
    t.taps.count = 0;
    for (int64_t k = 0; k < row->taps.count; k++) {
        const int64_t in = o * a->stride - a->pad + k % a->taps * a->dilation;
        if (in < 0 || in >= a->size) continue;
        t.taps.x[t.taps.count] = row->taps.x[k];
        t.taps.w[t.taps.count++] = row->taps.w[k];
    }
    run_results(r, &t, x + o * t.x_step, at + o * t.y_step, 1);
}

/* Results first ... last-1 of a row find all taps inside. */
static void inside(const conv_axis *a, int64_t *first, int64_t *last) {
    const int64_t end = a->size + a->pad - (a->taps - 1) * a->dilation; /* of the places of tap 0 */
    *first = a->taps ? conv_min(a->count, conv_max(0, conv_ceil(a->pad, a->stride))) : 0;
    *last = a->taps ? conv_min(a->count, end > 0 ? conv_ceil(end, a->stride) : 0) : a->count;
    *last = conv_max(*first, *last);
}

static void run_piece(void *context, int64_t piece, int thread) {
    const depth_run *r = context;
    const conv_shape *s = r->shape;
    const conv_axis *a = r->job->axis;
    const int64_t band = piece % r->bands, z = piece / r->bands % a[0].count, image = piece / r->bands / a[0].count;
    int64_t *lists = r->lists + thread * 4 * r->job->taps;
    const taps_list own = {0, lists + 2 * r->job->taps, lists + 3 * r->job->taps};
    depth_tile t = {.taps = {0, lists, lists + r->job->taps}, .w = r->w, .bias = r->bias};
    t.x_step = a[2].stride * s->from_pixel;
    t.y_step = a[2].step * s->to_pixel;
    t.relu = r->epilogue.act == FV_U_RELU;
    const int64_t row_floats = s->from[2] * s->from_pixel;
    const float *x = r->from + image * s->from[0] * s->from[1] * row_floats;
    int64_t first, last;
    inside(&a[2], &first, &last);
    for (int64_t y = band * r->rows; y < conv_min((band + 1) * r->rows, a[1].count); y++) {
        const int64_t to_z = a[0].start + z * a[0].step, to_y = a[1].start + y * a[1].step;
        const int64_t row = (image * s->to[0] + to_z) * s->to[1] + to_y;
        const int64_t at = (row * s->to[2] + a[2].start) * s->to_pixel;
        list_taps(r, z, y, &t.taps);
        t.ahead = t.taps.count ? t.taps.x[t.taps.count - 1] + row_floats : 0;
        for (int64_t o = 0; o < first; o++) run_border(r, &t, x, o, at, &own);
        run_results(r, &t, x + first * t.x_step, at + first * t.y_step, last - first);
        for (int64_t o = last; o < a[2].count; o++) run_border(r, &t, x, o, at, &own);
    }
}

/* ---- the kernels ---------------------------------------------------------------------------------------------------
 */

static void run_depthwise(const fv_call *call, bool backward) {
    const fv_conv_geom *g = &call->geom->conv;
    const conv_shape s = conv_shape_of(g, backward);
    for (int64_t phase = 0; phase < s.phases; phase++) {
        const conv_job job = conv_job_of(&s, g, phase);
        depth_run r = {.shape = &s, .job = &job, .geom = g, .epilogue = g->epilogue, .lists = call->scratch};
        r.to = call->arg[0];
        r.from = call->arg[1];
        r.w = call->arg[2];
        r.bias = call->arg[3];
        r.add = backward || !g->add ? NULL : call->arg[4];
        const int64_t planes = call->n * job.axis[0].count, rows = job.axis[1].count;
        if (planes * rows * job.axis[2].count == 0) continue;
        r.rows = conv_max(1, conv_min(rows, planes * rows / PIECES));
        r.bands = conv_ceil(rows, r.rows);
        fv_pool *pool = conv_pool(call->pool, planes * rows * job.axis[2].count * s.to_c * (job.taps + 1));
        fv_pool_run(pool, planes * r.bands, run_piece, &r);
    }
}

static void need_depthwise(const fv_geom *geom, int threads, fv_need *need) {
    const fv_conv_geom *g = &geom->conv;
    const int64_t taps = g->kernel[0] * g->kernel[1] * g->kernel[2];
    *need = (fv_need){.scratch = (size_t)(threads * 4 * taps) * sizeof(int64_t)};
}

static fv_status forward_run(const fv_call *call) {
    run_depthwise(call, false);
    return FV_OK;
}
const fv_kernel FV_SYMBOL(kernel_conv_depthwise) = {"conv.depthwise", depthwise_can, need_depthwise, NULL, forward_run};

static fv_status backward_run(const fv_call *call) {
    run_depthwise(call, true);
    return FV_OK;
}
const fv_kernel FV_SYMBOL(kernel_conv_data_depthwise) = {"conv_data.depthwise", depthwise_can, need_depthwise, NULL,
                                                         backward_run};
