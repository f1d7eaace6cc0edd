/* conv_groups_weights.c - the gradient of the weights of narrow groups: a lane for each result channel, summed over pixels.
 *
 * Slots of samples (kernels.h) are summed side by side, each in the order of its pixels, and added up in order.
 */
#include "conv_groups.h"

enum {
    BAND_FLOATS = 48 * 1024, /* of x and dy: a small part of the second-level cache */
    BAND_PANELS = 8,
    TILE = TILE_ROWS > 8 ? 14 : 12, /* taps summed at once */
    ADD_PANELS = 4
};

/* ---- tiles ---------------------------------------------------------------------------------------------------------
 */

typedef struct sum_tile {
    const float *x, *dy; /* what tap 0 of the band's first pixel reads; its gradient */
    int64_t rows, pixels, x_row, dy_row;
    group_lanes lanes;
    int32_t channel; /* of the group's source channels */
    bool go_on;      /* add to what is there */
} sum_tile;

FV_INLINE void tile(const int height, const sum_tile *t, const int64_t *runs, float *sums) {
    vf acc[TILE];
    int64_t at[TILE];
    FV_UNROLL
    for (int r = 0; r < height; r++) {
        acc[r] = t->go_on ? vf_load(sums + r * FV_LANES) : vf_zero();
        at[r] = runs[r];
    }
    const vi index = group_index(&t->lanes) + vi_all(t->channel);
    for (int64_t y = 0; y < t->rows; y++) {
        const float *x = t->x + y * t->x_row, *dy = t->dy + y * t->dy_row;
        for (int64_t i = 0; i < t->pixels; i++, x += FV_LANES, dy += FV_LANES) {
            const vf d = vf_load(dy);
            FV_UNROLL
            for (int r = 0; r < height; r++) acc[r] = vf_pick(vf_load(x + at[r]), index) * d + acc[r];
        }
    }
    FV_UNROLL
    for (int r = 0; r < height; r++) vf_store(sums + r * FV_LANES, acc[r]);
}

typedef void (*sum_tile_fn)(const sum_tile *t, const int64_t *runs, float *sums);

#define SIZE(h)                                                                                                        \
    static void tile_##h(const sum_tile *t, const int64_t *runs, float *sums) { tile(h, t, runs, sums); }
#define HEIGHTS_12(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12)
#if TILE_ROWS > 8
#define HEIGHTS(F) HEIGHTS_12(F) F(13) F(14)
#else
#define HEIGHTS(F) HEIGHTS_12(F)
#endif
#define ENTRY(h) tile_##h,
HEIGHTS(SIZE)
static const sum_tile_fn tiles[TILE] = {HEIGHTS(ENTRY)};

/* ---- how the work is cut -------------------------------------------------------------------------------------------
 */

typedef struct gradient {
    const fv_conv_geom *geom;
    conv_shape shape;
    conv_job job;   /* how results read x */
    conv_job plain; /* how dy is copied: every position once, no border */
    group_lanes lanes;
    group_source x, dy;
    int64_t rows, bands, panels, parts;
    int64_t n;
    float *dw, *dbias;
    float *sums; /* [FV_SLOTS][panels] of sums_each floats: [source channels][taps][FV_LANES], then the bias */
    int64_t sums_each;
    char *areas;
    size_t area;
} gradient;

static conv_job plain_job(const conv_job *job) {
    conv_job p = {.taps = 1};
    for (int d = 0; d < 3; d++)
        p.axis[d] = (conv_axis){
            .size = job->axis[d].count, .count = job->axis[d].count, .stride = 1, .dilation = 1, .taps = 1, .step = 1};
    return p;
}

/* Floats of one panel's band. */
static int64_t band_floats(const gradient *d, int64_t rows) {
    return group_copy_of(&d->job, rows).floats + group_copy_of(&d->plain, rows).floats;
}

static void cut(gradient *d) {
    const int64_t count = d->job.axis[1].count;
    d->panels = conv_min(BAND_PANELS, d->lanes.panels);
    while (d->panels > 1 && d->panels * band_floats(d, conv_min(count, 4)) > BAND_FLOATS) d->panels /= 2;
    d->parts = conv_ceil(d->lanes.panels, d->panels);
    d->rows = count;
    while (d->rows > 1 && d->panels * band_floats(d, d->rows) > BAND_FLOATS) d->rows = (d->rows + 1) / 2;
    d->bands = conv_ceil(count, d->rows);
}

static gradient gradient_of(const fv_conv_geom *g) {
    gradient d = {.geom = g, .shape = conv_shape_of(g, false)};
    const conv_shape *s = &d.shape;
    d.job = conv_job_of(s, g, 0);
    d.plain = plain_job(&d.job);
    d.lanes = group_lanes_of(s, g);
    d.x = (group_source){
        .size = {g->in[0], g->in[1], g->in[2]}, .pixel = g->x_pixel, .channels = g->c, .each = d.lanes.from_width};
    d.dy = (group_source){
        .size = {g->out[0], g->out[1], g->out[2]}, .pixel = g->y_pixel, .channels = g->f, .each = d.lanes.to_width};
    d.sums_each = (d.lanes.from_each * d.job.taps + 1) * FV_LANES;
    cut(&d);
    d.area = group_aligned((size_t)d.job.taps * sizeof(int64_t)) +
             (size_t)(d.panels * band_floats(&d, d.rows)) * sizeof(float);
    return d;
}

/* ---- one slot of some panels ---------------------------------------------------------------------------------------
 */

/* Two orders: the taps as they lie in x and, backwards where the kernel is turned, as they lie in dw. */
static void list_runs(const gradient *d, const group_copy *c, int64_t *runs) {
    const conv_axis *a = d->job.axis;
    for (int64_t z = 0; z < a[0].taps; z++)
        for (int64_t y = 0; y < a[1].taps; y++)
            for (int64_t x = 0; x < a[2].taps; x++)
                *runs++ = FV_LANES * group_position(c, z * a[0].dilation, y * a[1].dilation, x * a[2].dilation);
}

static void sum_panel(const gradient *d, sum_tile *t, const int64_t *runs, float *sums) {
    const int64_t taps = d->job.taps;
    for (int64_t j = 0; j < d->lanes.from_each; j++, sums += taps * FV_LANES) {
        t->channel = (int32_t)j;
        for (int64_t i = 0, left = conv_ceil(taps, TILE), height; i < taps; i += height) {
            height = tile_height(taps - i, &left);
            tiles[height - 1](t, runs + i, sums + i * FV_LANES);
        }
    }
    if (!d->dbias) return;
    tile_columns pixels = {.dy = t->dy, .pixels = t->rows * t->pixels, .dy_step = FV_LANES, .to = sums};
    pixels.from = t->go_on ? sums : NULL;
    tile_pixel_sums(&pixels, FV_LANES);
}

static void run_piece(void *context, int64_t piece, int thread) {
    const gradient *d = context;
    const conv_axis *a = d->job.axis;
    const int64_t slot = piece / d->parts, panel = piece % d->parts * d->panels;
    const int64_t panels = conv_min(d->panels, d->lanes.panels - panel);
    int64_t *runs = (void *)(d->areas + (size_t)thread * d->area);
    float *x = (void *)((char *)runs + group_aligned((size_t)d->job.taps * sizeof(int64_t)));
    sum_tile t = {.lanes = d->lanes, .pixels = a[2].count, .dy_row = a[2].count * FV_LANES};
    for (int64_t i = fv_slot(d->n, (int)slot); i < fv_slot(d->n, (int)slot + 1); i++)
        for (int64_t z = 0; z < a[0].count; z++)
            for (int64_t y = 0; y < a[1].count; y += d->rows) {
                t.rows = conv_min(d->rows, a[1].count - y);
                const group_copy cx = group_copy_of(&d->job, t.rows), cy = group_copy_of(&d->plain, t.rows);
                float *dy = x + panels * cx.floats;
                const int64_t at[3] = {z * a[0].stride - a[0].pad, y * a[1].stride - a[1].pad, -a[2].pad};
                group_take(&d->x, &cx, i, at, panel, panels, x);
                group_take(&d->dy, &cy, i, (int64_t[3]){z, y, 0}, panel, panels, dy);
                list_runs(d, &cx, runs);
                t.x_row = group_position(&cx, 0, a[1].stride, 0) * FV_LANES;
                for (int64_t p = 0; p < panels; p++) {
                    t.x = x + p * cx.floats;
                    t.dy = dy + p * cy.floats;
                    sum_panel(d, &t, runs, d->sums + (slot * d->lanes.panels + panel + p) * d->sums_each);
                }
                t.go_on = true;
            }
}

/* ---- adding up the slots -------------------------------------------------------------------------------------------
 */

/* to[0..lanes) = the slots' sums at place `at` of their panel, in order. */
static void add_slots(const gradient *d, int64_t panel, int64_t at, int64_t lanes, float *to) {
    vf sum = vf_zero();
    bool any = false;
    for (int slot = 0; slot < FV_SLOTS; slot++) {
        if (fv_slot(d->n, slot) == fv_slot(d->n, slot + 1)) continue;
        const vf one = vf_load(d->sums + (slot * d->lanes.panels + panel) * d->sums_each + at * FV_LANES);
        sum = any ? sum + one : one;
        any = true;
    }
    vf_store_lanes(to, sum, lanes);
}

static void add_panels(void *context, int64_t piece, int thread) {
    (void)thread;
    const gradient *d = context;
    const conv_axis *a = d->job.axis;
    const int64_t end = conv_min((piece + 1) * ADD_PANELS, d->lanes.panels), f = d->geom->f;
    for (int64_t p = piece * ADD_PANELS; p < end; p++) {
        const int64_t column = p * d->lanes.to_width, lanes = conv_min(d->lanes.to_width, f - column);
        int64_t at = 0;
        for (int64_t j = 0; j < d->lanes.from_each; j++)
            for (int64_t z = 0; z < a[0].taps; z++)
                for (int64_t y = 0; y < a[1].taps; y++)
                    for (int64_t x = 0; x < a[2].taps; x++, at++) {
                        int64_t tap = (a[0].first_tap + z * a[0].tap_step) * d->geom->kernel[1];
                        tap = (tap + a[1].first_tap + y * a[1].tap_step) * d->geom->kernel[2];
                        tap += a[2].first_tap + x * a[2].tap_step;
                        add_slots(d, p, at, lanes, d->dw + (tap * d->lanes.from_each + j) * f + column);
                    }
        if (d->dbias) add_slots(d, p, at, lanes, d->dbias + column);
    }
}

/* ---- the kernel ----------------------------------------------------------------------------------------------------
 */

static size_t sum_bytes(const gradient *d) {
    return group_aligned((size_t)(FV_SLOTS * d->lanes.panels * d->sums_each) * sizeof(float));
}

static fv_status run(const fv_call *call) {
    gradient d = gradient_of(&call->geom->conv);
    d.n = call->n;
    d.dw = call->arg[0];
    d.dbias = call->arg[1];
    d.x.from = call->arg[2];
    d.dy.from = call->arg[3];
    d.sums = call->scratch;
    d.areas = (char *)call->scratch + sum_bytes(&d);
    const int64_t pixels = d.job.axis[0].count * d.job.axis[1].count * d.job.axis[2].count;
    fv_pool *pool = conv_pool(call->pool, call->n * pixels * d.sums_each * d.lanes.panels);
    fv_pool_run(pool, FV_SLOTS * d.parts, run_piece, &d);
    pool = conv_pool(call->pool, FV_SLOTS * d.sums_each * d.lanes.panels);
    fv_pool_run(pool, conv_ceil(d.lanes.panels, ADD_PANELS), add_panels, &d);
    return FV_OK;
}

static void need(const fv_geom *geom, int threads, fv_need *need) {
    const gradient d = gradient_of(&geom->conv);
    *need = (fv_need){.scratch = sum_bytes(&d) + d.area * (size_t)threads};
}

const fv_kernel FV_SYMBOL(kernel_conv_weights_groups) = {"conv_weights.groups", group_can, need, NULL, run};
