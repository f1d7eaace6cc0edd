/* conv_groups.c - convolution in narrow groups, forward and backward to its input. See conv_groups.h.
 *
 * Every result is the same chain of multiply-adds, over (kernel depth, row, column, channel), as in conv_rows.c: the same
 * bits, at every level.
 */
#include "conv_groups.h"
#include "vmath.h"

enum {
    BAND_FLOATS = 64 * 1024, /* of a copy: a part of the second-level cache */
    BAND_PANELS = 8,         /* read together: whole stretches of each pixel */
    BAND_ROWS = 8,           /* fewer rows share too little of what is copied */
    PIECES = 8,
    TILE = TILE_ROWS > 8 ? 14 : 12 /* accumulators, besides a weight, an index and a source vector */
};

/* ---- shape and copies, shared with the weight gradient -------------------------------------------------------------
 */

bool group_can(const fv_geom *geom) {
    const fv_conv_geom *g = &geom->conv;
    return g->groups > 1 && !depthwise_can(geom) && 2 * (g->c / g->groups) <= FV_LANES &&
           2 * (g->f / g->groups) <= FV_LANES;
}

group_lanes group_lanes_of(const conv_shape *s, const fv_conv_geom *g) {
    group_lanes l = {.from_each = s->from_c / g->groups, .to_each = s->to_c / g->groups};
    const int64_t groups = conv_min(g->groups, FV_LANES / conv_max(l.from_each, l.to_each));
    l.from_width = groups * l.from_each;
    l.to_width = groups * l.to_each;
    l.panels = conv_ceil(g->groups, groups);
    return l;
}

static int64_t extent(const conv_axis *a, int64_t count) {
    return a->taps ? (count - 1) * a->stride + (a->taps - 1) * a->dilation + 1 : 0;
}

group_copy group_copy_of(const conv_job *job, int64_t rows) {
    const conv_axis *a = job->axis;
    group_copy c = {extent(&a[0], 1), extent(&a[1], rows), extent(&a[2], a[2].count), conv_max(1, a[2].stride), 0, 0};
    c.phase = conv_ceil(c.width, c.stride);
    c.floats = conv_row(c.depth * c.height * c.stride * c.phase * FV_LANES);
    return c;
}

/* Positions of `panels` panels, the last of `last` channels, a step of source floats apart. */
FV_INLINE void take_positions(const bool whole, const group_source *from, const group_copy *c, const float *channel,
                              int64_t step, int64_t count, int64_t panels, int64_t last, float *to) {
    const int64_t each = whole ? FV_LANES : from->each, floats = c->floats;
    const int64_t ahead = from->size[2] * from->pixel; /* a row: the processor does not foresee what is read of it */
    for (int64_t i = 0; i < count; i++, channel += step, to += FV_LANES) {
        const float *source = channel;
        float *pixel = to;
        for (int64_t p = whole ? 0 : 1; p < panels; p++, source += each, pixel += floats) {
            __builtin_prefetch(source + ahead, 0, 2);
            vf_store(pixel, whole ? vf_load(source) : vf_load_part(source, each));
        }
        if (!whole) vf_store(pixel, vf_load_part(source, last));
    }
}

static void clear_positions(const group_copy *c, int64_t count, int64_t panels, float *to) {
    for (int64_t p = 0; p < panels; p++) memset(to + p * c->floats, 0, (size_t)(count * FV_LANES) * sizeof(float));
}

/* One row of positions from x on, `panels` panels from channel `first` on; row NULL: all of it is border. */
static void take_row(const group_source *from, const group_copy *c, const float *row, int64_t x, int64_t first,
                     int64_t panels, float *to) {
    const int64_t last = conv_min(from->each, from->channels - first - (panels - 1) * from->each);
    for (int64_t phase = 0; phase < c->stride; phase++, to += c->phase * FV_LANES) {
        const int64_t at = x + phase; /* of the phase's position 0; inside from begin to end-1 */
        int64_t begin = conv_min(c->phase, at < 0 ? conv_ceil(-at, c->stride) : 0);
        int64_t end = conv_min(c->phase, at < from->size[2] ? conv_ceil(from->size[2] - at, c->stride) : 0);
        if (!row || end <= begin) begin = end = 0;
        clear_positions(c, begin, panels, to);
        clear_positions(c, c->phase - end, panels, to + end * FV_LANES);
        if (begin == end) continue;
        const float *channel = row + (at + begin * c->stride) * from->pixel + first;
        if (last == FV_LANES)
            take_positions(true, from, c, channel, c->stride * from->pixel, end - begin, panels, last,
                           to + begin * FV_LANES);
        else
            take_positions(false, from, c, channel, c->stride * from->pixel, end - begin, panels, last,
                           to + begin * FV_LANES);
    }
}

void group_take(const group_source *from, const group_copy *c, int64_t image, const int64_t at[3], int64_t panel,
                int64_t panels, float *to) {
    for (int64_t z = 0; z < c->depth; z++)
        for (int64_t y = 0; y < c->height; y++) {
            const int64_t in_z = at[0] + z, in_y = at[1] + y;
            const bool inside = in_z >= 0 && in_z < from->size[0] && in_y >= 0 && in_y < from->size[1];
            const int64_t row = ((image * from->size[0] + in_z) * from->size[1] + in_y) * from->size[2];
            take_row(from, c, inside ? from->from + row * from->pixel : NULL, at[2], panel * from->each, panels,
                     to + group_position(c, z, y, 0) * FV_LANES);
        }
}

/* ---- tiles ---------------------------------------------------------------------------------------------------------
 */

/* What the tiles of one panel have in common. */
typedef struct group_tile {
    const int64_t *runs; /* where each tap is, from the first result's position */
    int64_t taps, each;  /* source channels */
    group_lanes lanes;
    const float *panel, *bias; /* [taps][each][FV_LANES], [FV_LANES] */
    int64_t step, exist;       /* floats from result to result; lanes that exist */
    bool relu;
} group_tile;

FV_INLINE void tile(const int height, const group_tile *t, const float *x, float *y, const float *add) {
    vf acc[TILE];
    FV_UNROLL
    for (int r = 0; r < height; r++) acc[r] = vf_load(t->bias);
    const float *w = t->panel;
    const vi first = group_index(&t->lanes);
    const int64_t each = t->each;
    for (const int64_t *run = t->runs, *const end = run + t->taps; run < end; run++) {
        const float *const from = x + *run;
        vi index = first;
        for (int64_t j = 0; j < each; j++, w += FV_LANES, index += 1) {
            const vf factor = vf_load(w);
            FV_UNROLL
            for (int r = 0; r < height; r++) acc[r] = vf_pick(vf_load(from + r * FV_LANES), index) * factor + acc[r];
        }
    }
    const int64_t step = t->step, exist = t->exist;
    if (add) {
        FV_UNROLL
        for (int r = 0; r < height; r++) acc[r] += vf_load_lanes(add + r * step, exist);
    }
    if (t->relu) {
        FV_UNROLL
        for (int r = 0; r < height; r++) acc[r] = vf_max(vf_zero(), acc[r]); /* not a number stays so */
    }
    FV_UNROLL
    for (int r = 0; r < height; r++) vf_store_lanes(y + r * step, acc[r], exist);
}

typedef void (*group_tile_fn)(const group_tile *t, const float *x, float *y, const float *add);

#define SIZE(h)                                                                                                        \
    static void tile_##h(const group_tile *t, const float *x, float *y, const float *add) { tile(h, t, x, y, add); }
#define HEIGHTS_12(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12)
#if TILE_ROWS > 8
#define HEIGHTS(F) HEIGHTS_12(F) F(13) F(14)
#else
#define HEIGHTS(F) HEIGHTS_12(F)
#endif
#define ENTRY(h) tile_##h,
HEIGHTS(SIZE)
static const group_tile_fn tiles[TILE] = {HEIGHTS(ENTRY)};

/* ---- bands ---------------------------------------------------------------------------------------------------------
 */

typedef struct group_run {
    const conv_shape *shape;
    const conv_job *job;
    group_lanes lanes;
    group_source source;
    fv_epilogue epilogue;
    int64_t rows, bands; /* rows of a band; bands of a plane */
    int64_t panels, parts;
    const float *packed, *bias; /* bias: [panels][FV_LANES] */
    const float *add;
    float *to;
    char *areas;
    size_t area;
} group_run;

static int64_t rows_that_fit(const conv_job *job, int64_t panels) {
    int64_t low = 1;
    for (int64_t high = job->axis[1].count; low < high;) {
        const int64_t rows = (low + high + 1) / 2;
        if (panels * group_copy_of(job, rows).floats <= BAND_FLOATS)
            low = rows;
        else
            high = rows - 1;
    }
    return low;
}

static void cut(group_run *r) {
    const int64_t count = r->job->axis[1].count;
    r->panels = conv_min(BAND_PANELS, r->lanes.panels);
    while (r->panels > 1 && (rows_that_fit(r->job, r->panels) < conv_min(count, BAND_ROWS))) r->panels /= 2;
    r->rows = rows_that_fit(r->job, r->panels);
    while (r->panels > 1 && conv_ceil(count, r->rows) * conv_ceil(r->lanes.panels, r->panels) < PIECES) r->panels /= 2;
    r->bands = conv_ceil(count, r->rows);
    r->rows = conv_ceil(count, r->bands);
    r->bands = conv_ceil(count, r->rows);
    r->parts = conv_ceil(r->lanes.panels, r->panels);
}

static size_t area_of(const group_run *r) {
    return group_aligned((size_t)r->job->taps * sizeof(int64_t)) +
           (size_t)(r->panels * group_copy_of(r->job, r->rows).floats) * sizeof(float);
}

static group_run run_of(const conv_shape *s, const conv_job *job, const fv_conv_geom *g) {
    group_run r = {.shape = s, .job = job, .lanes = group_lanes_of(s, g), .epilogue = g->epilogue};
    r.source = (group_source){.pixel = s->from_pixel,
                              .channels = s->from_c,
                              .each = r.lanes.from_width,
                              .size = {s->from[0], s->from[1], s->from[2]}};
    cut(&r);
    r.area = area_of(&r);
    return r;
}

static void list_runs(const conv_job *job, const group_copy *c, int64_t *runs) {
    const conv_axis *a = job->axis;
    for (int64_t z = 0; z < a[0].taps; z++)
        for (int64_t y = 0; y < a[1].taps; y++)
            for (int64_t x = 0; x < a[2].taps; x++)
                *runs++ = FV_LANES * group_position(c, z * a[0].dilation, y * a[1].dilation, x * a[2].dilation);
}

/* ---- the work ------------------------------------------------------------------------------------------------------
 */

static bool in_registers(fv_unary act) { return act == FV_U_COPY || act == FV_U_RELU; }

static void activate(const group_run *r, const group_tile *t, float *y, int64_t count) {
    const float a = (float)r->epilogue.a, b = (float)r->epilogue.b;
    for (int64_t i = 0; i < count; i++, y += t->step)
        vf_store_lanes(y, vf_unary(r->epilogue.act, a, b, vf_load_lanes(y, t->exist)), t->exist);
}

/* One row of results of one panel. */
static void run_row(const group_run *r, const group_tile *t, const float *x, int64_t at) {
    const int64_t count = r->job->axis[2].count;
    float *const y = r->to + at;
    for (int64_t i = 0, left = conv_ceil(count, TILE), height; i < count; i += height) {
        height = tile_height(count - i, &left);
        tiles[height - 1](t, x + i * FV_LANES, y + i * t->step, r->add ? r->add + at + i * t->step : NULL);
    }
    if (!in_registers(r->epilogue.act)) activate(r, t, y, count);
}

static void run_piece(void *context, int64_t piece, int thread) {
    const group_run *r = context;
    const conv_shape *s = r->shape;
    const conv_axis *a = r->job->axis;
    const int64_t part = piece % r->parts, band = piece / r->parts % r->bands;
    const int64_t z = piece / r->parts / r->bands % a[0].count, image = piece / r->parts / r->bands / a[0].count;
    const int64_t y0 = band * r->rows, rows = conv_min(r->rows, a[1].count - y0);
    const int64_t panel = part * r->panels, panels = conv_min(r->panels, r->lanes.panels - panel);
    int64_t *runs = (void *)(r->areas + (size_t)thread * r->area);
    float *copy = (void *)((char *)runs + group_aligned((size_t)r->job->taps * sizeof(int64_t)));

    const group_copy c = group_copy_of(r->job, rows);
    list_runs(r->job, &c, runs);
    const int64_t at[3] = {z * a[0].stride - a[0].pad, y0 * a[1].stride - a[1].pad, -a[2].pad};
    if (r->job->taps) group_take(&r->source, &c, image, at, panel, panels, copy);

    group_tile t = {.runs = runs, .taps = r->job->taps, .each = r->lanes.from_each, .lanes = r->lanes};
    t.step = a[2].step * s->to_pixel;
    t.relu = r->epilogue.act == FV_U_RELU;
    /* All panels of a row before the next one: what lies side by side is written soon after another. */
    for (int64_t y = 0; y < rows; y++) {
        const int64_t to_z = a[0].start + z * a[0].step, to_y = a[1].start + (y0 + y) * a[1].step;
        const int64_t row = (image * s->to[0] + to_z) * s->to[1] + to_y;
        const float *x = copy + group_position(&c, 0, y * a[1].stride, 0) * FV_LANES;
        for (int64_t p = panel; p < panel + panels; p++, x += c.floats) {
            t.panel = r->packed + p * t.taps * t.each * FV_LANES;
            t.bias = r->bias + p * FV_LANES;
            t.exist = conv_min(r->lanes.to_width, s->to_c - p * r->lanes.to_width);
            run_row(r, &t, x, (row * s->to[2] + a[2].start) * s->to_pixel + p * r->lanes.to_width);
        }
    }
}

static bool empty(const conv_job *job) {
    return job->axis[0].count == 0 || job->axis[1].count == 0 || job->axis[2].count == 0;
}

static int64_t packed_floats(const group_lanes *l, const conv_job *job) {
    return l->panels * job->taps * l->from_each * FV_LANES;
}

static void run_groups(const fv_call *call, bool backward) {
    const fv_conv_geom *g = &call->geom->conv;
    const conv_shape s = conv_shape_of(g, backward);
    const group_lanes lanes = group_lanes_of(&s, g);
    float *bias = call->scratch;
    memset(bias, 0, (size_t)(lanes.panels * FV_LANES) * sizeof(float));
    for (int64_t i = 0; i < s.to_c && call->arg[3]; i++)
        bias[i / lanes.to_width * FV_LANES + i % lanes.to_width] = ((const float *)call->arg[3])[i];
    const float *packed = call->packed;
    for (int64_t phase = 0; phase < s.phases; phase++) {
        const conv_job job = conv_job_of(&s, g, phase);
        if (!empty(&job)) {
            group_run r = run_of(&s, &job, g);
            r.packed = packed;
            r.bias = bias;
            r.source.from = call->arg[1];
            r.add = backward || !g->add ? NULL : call->arg[4];
            r.to = call->arg[0];
            r.areas = (char *)call->scratch + group_aligned((size_t)(lanes.panels * FV_LANES) * sizeof(float));
            const int64_t planes = call->n * job.axis[0].count;
            const int64_t results = planes * job.axis[1].count * job.axis[2].count;
            fv_pool *pool = conv_pool(call->pool, results * packed_floats(&lanes, &job));
            fv_pool_run(pool, planes * r.bands * r.parts, run_piece, &r);
        }
        packed += packed_floats(&lanes, &job);
    }
}

static void need_groups(const fv_geom *geom, int threads, fv_need *need, bool backward) {
    const conv_shape s = conv_shape_of(&geom->conv, backward);
    const group_lanes lanes = group_lanes_of(&s, &geom->conv);
    size_t area = 0;
    int64_t packed = 0;
    for (int64_t phase = 0; phase < s.phases; phase++) {
        const conv_job job = conv_job_of(&s, &geom->conv, phase);
        packed += packed_floats(&lanes, &job);
        if (empty(&job)) continue;
        const size_t bytes = run_of(&s, &job, &geom->conv).area;
        if (bytes > area) area = bytes;
    }
    need->scratch = group_aligned((size_t)(lanes.panels * FV_LANES) * sizeof(float)) + area * (size_t)threads;
    need->packed = (size_t)packed * sizeof(float);
    need->packed_arg = 2;
}

/* ---- packing: for each phase and panel [taps][source channels][lanes] ---------------------------------------------- */

typedef struct packing {
    const conv_shape *shape;
    const fv_conv_geom *geom;
    const group_lanes *lanes;
    const conv_job *job;
    const float *weights;
    float *packed;
} packing;

/* The weights of one tap for the result channels of a panel. */
static void pack_tap(const packing *p, const float *w, int64_t panel, float *to) {
    const group_lanes *l = p->lanes;
    const int64_t first = panel * l->to_width, count = conv_min(l->to_width, p->shape->to_c - first);
    const int64_t f = p->geom->f;
    for (int64_t j = 0; j < l->from_each; j++, to += FV_LANES)
        for (int64_t i = 0; i < FV_LANES; i++) {
            const int64_t channel = first + i, group = channel / l->to_each;
            if (i >= count)
                to[i] = 0;
            else if (p->shape->backward)
                to[i] = w[channel % l->to_each * f + group * l->from_each + j];
            else
                to[i] = w[j * f + channel];
        }
}

static void pack_panel(void *context, int64_t panel, int thread) {
    (void)thread;
    const packing *p = context;
    const conv_axis *a = p->job->axis;
    const fv_conv_geom *g = p->geom;
    float *to = p->packed + panel * p->job->taps * p->lanes->from_each * FV_LANES;
    for (int64_t z = 0; z < a[0].taps; z++)
        for (int64_t y = 0; y < a[1].taps; y++)
            for (int64_t x = 0; x < a[2].taps; x++, to += p->lanes->from_each * FV_LANES) {
                int64_t tap = (a[0].first_tap + z * a[0].tap_step) * g->kernel[1] + a[1].first_tap + y * a[1].tap_step;
                tap = tap * g->kernel[2] + a[2].first_tap + x * a[2].tap_step;
                pack_tap(p, p->weights + tap * (g->c / g->groups) * g->f, panel, to);
            }
}

static fv_status pack_groups(const fv_geom *geom, const void *weights, void *packed, fv_pool *pool, bool backward) {
    const conv_shape s = conv_shape_of(&geom->conv, backward);
    const group_lanes lanes = group_lanes_of(&s, &geom->conv);
    float *to = packed;
    for (int64_t phase = 0; phase < s.phases; phase++) {
        const conv_job job = conv_job_of(&s, &geom->conv, phase);
        packing p = {&s, &geom->conv, &lanes, &job, weights, to};
        if (job.taps) fv_pool_run(conv_pool(pool, packed_floats(&lanes, &job)), lanes.panels, pack_panel, &p);
        to += packed_floats(&lanes, &job);
    }
    return FV_OK;
}

/* ---- the kernels ---------------------------------------------------------------------------------------------------
 */

static fv_status forward_run(const fv_call *call) {
    run_groups(call, false);
    return FV_OK;
}
static void forward_need(const fv_geom *geom, int threads, fv_need *need) { need_groups(geom, threads, need, false); }
static fv_status forward_pack(const fv_geom *geom, const void *weights, void *packed, fv_pool *pool) {
    return pack_groups(geom, weights, packed, pool, false);
}
const fv_kernel FV_SYMBOL(kernel_conv_groups) = {"conv.groups", group_can, forward_need, forward_pack, forward_run};

static fv_status backward_run(const fv_call *call) {
    run_groups(call, true);
    return FV_OK;
}
static void backward_need(const fv_geom *geom, int threads, fv_need *need) { need_groups(geom, threads, need, true); }
static fv_status backward_pack(const fv_geom *geom, const void *weights, void *packed, fv_pool *pool) {
    return pack_groups(geom, weights, packed, pool, true);
}
const fv_kernel FV_SYMBOL(kernel_conv_data_groups) = {"conv_data.groups", group_can, backward_need, backward_pack,
                                                      backward_run};
