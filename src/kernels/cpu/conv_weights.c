/* conv_weights.c - the gradient of convolution weights and biases: the columns x panel tile over bands of pixels.
 *
 * Every entry is a left fold over the slots of samples (kernels.h), each slot's sum made from zero in the order of its
 * pixels. Two schedules give the same bits: pieces of the gradient that each walk the slots in order (wide layers,
 * dense layers), or slots in parallel, each into a buffer of its own, added up in order afterwards (small gradients of
 * many pixels). Shape and n alone decide.
 */
#include "conv_shape.h"

enum {
    BAND_PIXELS = 512, /* at about 400 x and dy stay in the second-level cache; 200 and 800 cost up to 12% */
    PIECES = 8,
    PIECE_FLOATS = 80 * 1024, /* of the gradient: it stays in the second-level cache from slot to slot */
    SLOT_BUFFER_FLOATS = 256 * 1024,
    SLOT_BUFFER_SAMPLES = 4, /* fewer samples than this make too few pieces */
    SLOT_BUFFER_PIXELS = 16,
    FOLDED_PIXELS = 64 /* of a slot */
};

typedef struct gradient {
    const fv_conv_geom *geom;
    const conv_shape *shape;
    const conv_job *job;
    conv_band band; /* for the largest slot */
    bool by_slot;
    bool folded;              /* all slots in one go of a tile: dense layers, whose slots have few pixels */
    int64_t rows, columns;    /* of dw as computed: with pixels made together it is folded afterwards */
    int64_t channels, blocks; /* source channels of a piece; pieces along them, in one group */
    int64_t panels, parts;    /* panels of a piece; pieces along them, in one group */
    int64_t n;
    const float *x, *dy;
    float *dw, *dbias; /* dbias NULL: not wanted */
    float *sums;       /* by slot: FV_SLOTS sums of (rows + 1) * columns; else sums of a slot under way, or NULL */
    char *areas;
    size_t area;
} gradient;

typedef struct gradient_area {
    int64_t *x_row, *w_row, *x_segment, *dy_segment;
    float *copy, *bias;
} gradient_area;

/* A piece: its channels and columns. */
typedef struct gradient_piece {
    int64_t group, channel, channels, panel, panels, rows;
} gradient_piece;

static size_t aligned(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* ---- how the work is cut -------------------------------------------------------------------------------------------
 */

static void cut_pieces(gradient *d) {
    const conv_shape *s = d->shape;
    d->channels = s->from_each;
    d->panels = s->panels;
    if (d->by_slot) {
        d->blocks = d->parts = 1;
        return;
    }
    d->panels = conv_min(s->panels, 4);
    d->channels = conv_max(1, conv_min(s->from_each, PIECE_FLOATS / (d->job->taps * d->panels * s->panel)));
    d->channels = conv_ceil(s->from_each, conv_ceil(s->from_each, d->channels));
    for (;;) {
        d->blocks = conv_ceil(s->from_each, d->channels);
        d->parts = conv_ceil(s->panels, d->panels);
        if (d->blocks * d->parts * s->groups >= PIECES) return;
        if (d->panels > 1)
            d->panels = (d->panels + 1) / 2;
        else if (d->channels > 2 * TILE_ROWS)
            d->channels = (d->channels + 1) / 2;
        else
            return;
    }
}

static gradient gradient_of(const fv_conv_geom *g, const conv_shape *s, const conv_job *job, int64_t n) {
    gradient d = {.geom = g, .shape = s, .job = job, .n = n};
    d.rows = job->taps * s->from_each;
    d.columns = s->to_c * s->pixels;
    const int64_t pixels = g->out[0] * g->out[1] * g->out[2];
    d.by_slot = s->pixels > 1 ||
                (n >= SLOT_BUFFER_SAMPLES && pixels >= SLOT_BUFFER_PIXELS && d.rows * d.columns <= SLOT_BUFFER_FLOATS);
    d.band = conv_band_of(s, job, conv_ceil(n, FV_SLOTS), BAND_PIXELS, 1);
    const bool in_place = job->taps == 1 && !d.band.copies && job->axis[0].stride * job->axis[1].stride == 1;
    d.folded = !d.by_slot && !s->depthwise && in_place && job->axis[2].stride == 1 &&
               conv_ceil(n, FV_SLOTS) * pixels <= FOLDED_PIXELS;
    cut_pieces(&d);
    return d;
}

/* May a slot take several bands? */
static bool many_bands(const gradient *d) { return conv_bands(&d->band) > 1; }

static size_t sum_bytes(const gradient *d) {
    if (d->by_slot) return aligned((size_t)(FV_SLOTS * (d->rows + 1) * d->columns) * sizeof(float));
    return many_bands(d) ? aligned((size_t)(d->rows * d->columns) * sizeof(float)) : 0;
}

static size_t area_of(const gradient *d, char *memory, gradient_area *area) {
    const conv_shape *s = d->shape;
    const size_t rows = aligned((size_t)(d->job->taps * d->channels) * sizeof(int64_t));
    const int64_t most = conv_max(FV_SLOTS, d->band.count[0] * d->band.count[1] * d->band.count[2]);
    const size_t segments = aligned((size_t)most * sizeof(int64_t));
    const int64_t channels = s->depthwise ? d->panels * s->panel : d->channels;
    const size_t copy = aligned((size_t)conv_band_floats(d->job, &d->band, channels) * sizeof(float));
    const size_t bias = aligned((size_t)d->columns * sizeof(float));
    if (area)
        *area = (gradient_area){(void *)memory,
                                (void *)(memory + rows),
                                (void *)(memory + 2 * rows),
                                (void *)(memory + 2 * rows + segments),
                                (void *)(memory + 2 * rows + 2 * segments),
                                (void *)(memory + 2 * rows + 2 * segments + copy)};
    return 2 * rows + 2 * segments + copy + bias;
}

/* ---- lists ---------------------------------------------------------------------------------------------------------
 */

/* Channels of x that a piece reads. */
static int64_t source_channels(const gradient *d, const gradient_piece *p) {
    const conv_shape *s = d->shape;
    return s->depthwise ? conv_min(p->panels * s->panel, s->columns - p->panel * s->panel) : p->channels;
}

/* The piece's rows of dw: where each finds its x, from a pixel's address, and where it lies in dw. */
static void list_rows(const gradient *d, const gradient_piece *p, gradient_area *area) {
    const conv_shape *s = d->shape;
    const conv_view v = conv_strides(s, d->job, &d->band, source_channels(d, p));
    const conv_axis *a = d->job->axis;
    const int64_t width = s->pixels > 1 ? a[2].taps : d->geom->kernel[2]; /* pixels made together widen the kernel */
    int64_t r = 0;
    for (int64_t z = 0; z < a[0].taps; z++)
        for (int64_t y = 0; y < a[1].taps; y++)
            for (int64_t x = 0; x < a[2].taps; x++) {
                const int64_t from =
                    z * a[0].dilation * v.plane + y * a[1].dilation * v.row + x * a[2].dilation * v.pixel;
                int64_t tap =
                    (a[0].first_tap + z * a[0].tap_step) * d->geom->kernel[1] + a[1].first_tap + y * a[1].tap_step;
                tap = tap * width + a[2].first_tap + x * a[2].tap_step;
                for (int64_t c = 0; c < p->channels; c++, r++) {
                    area->x_row[r] = from + c;
                    area->w_row[r] = (tap * s->from_each + p->channel + c) * d->columns;
                }
            }
}

/* The rows of pixels of a band; one segment if they all follow each other evenly. */
static void list_segments(const gradient *d, const conv_place *place, const conv_view *v, gradient_area *area,
                          tile_columns *t) {
    const conv_shape *s = d->shape;
    const conv_axis *a = d->job->axis;
    t->x_step = a[2].stride * v->pixel;
    t->dy_step = s->to_pixel * s->pixels;
    t->pixels = a[2].count;
    int64_t m = 0;
    bool even = true;
    for (int64_t i = 0; i < place->count[0]; i++)
        for (int64_t z = 0; z < place->count[1]; z++)
            for (int64_t y = 0; y < place->count[2]; y++, m++) {
                const int64_t row =
                    ((place->first[0] + i) * s->to[0] + place->first[1] + z) * s->to[1] + place->first[2] + y;
                area->x_segment[m] = i * v->image + z * a[0].stride * v->plane + y * a[1].stride * v->row;
                area->dy_segment[m] = row * s->to[2] * s->to_pixel;
                even = even && area->x_segment[m] == m * t->pixels * t->x_step &&
                       area->dy_segment[m] == area->dy_segment[0] + m * t->pixels * t->dy_step;
            }
    t->segments = even ? 1 : m;
    if (even) t->pixels *= m;
    t->x_segment = area->x_segment;
    t->dy_segment = area->dy_segment;
}

/* ---- one slot of one piece -----------------------------------------------------------------------------------------
 */

/* Where a band's sums come from and go to. */
typedef struct target {
    const float *from, *plus;
    float *to;
} target;

static void panel_tiles(const gradient *d, const gradient_piece *p, const gradient_area *area, const tile_columns *band,
                        const target *w, int64_t panel) {
    const conv_shape *s = d->shape;
    const int64_t column = panel * s->panel, columns = conv_panel_columns(s, panel);
    const int64_t at = p->group * s->to_each + column;
    tile_columns t = *band;
    if (s->depthwise) t.x += column - p->panel * s->panel;
    t.dy += at;
    t.last = conv_last_lanes(columns);
    t.from = w->from ? w->from + at : NULL;
    t.plus = w->plus ? w->plus + at : NULL;
    t.to = w->to + at;
    const int64_t vectors = conv_vectors(columns);
    const tile_columns_fn *tile = d->folded      ? tile_columns_folded[vectors - 1]
                                  : s->depthwise ? tile_columns_depthwise
                                                 : tile_columns_dense[vectors - 1];
    for (int64_t r = 0, left = tile_count(p->rows), height; r < p->rows; r += height) {
        height = tile_height(p->rows - r, &left);
        tile[height - 1](&t, area->x_row + r, area->w_row + r);
    }
}

static void piece_bias(const gradient *d, const gradient_piece *p, const tile_columns *band, const target *bias) {
    const conv_shape *s = d->shape;
    const int64_t column = p->panel * s->panel, at = p->group * s->to_each + column;
    tile_columns t = *band;
    t.dy += at;
    t.from = bias->from ? bias->from + at : NULL;
    t.plus = bias->plus ? bias->plus + at : NULL;
    t.to = bias->to + at;
    tile_pixel_sums(&t, conv_min(p->panels * s->panel, s->columns - column));
}

/* What band `b` of `bands` of a slot does with its sums. `total` is the gradient, `sums` the slot's. */
static target target_of(bool by_slot, bool first_slot, int64_t b, int64_t bands, float *sums, float *total) {
    target t = {.from = b > 0 ? sums : NULL, .to = sums};
    if (!by_slot && b == bands - 1) {
        t.to = total;
        t.plus = first_slot ? NULL : total;
    }
    return t;
}

/* A panel reads a few bytes of every pixel of dy, which the processor does not foresee: ask for the band as a whole. */
static void fetch(const tile_columns *t) {
    for (int64_t s = 0; s < t->segments; s++)
        for (int64_t i = 0; i < t->pixels * t->dy_step; i += 16) __builtin_prefetch(t->dy + t->dy_segment[s] + i, 0, 2);
}

static void run_slot(const gradient *d, const gradient_piece *p, gradient_area *area, int slot, bool first_slot) {
    const conv_shape *s = d->shape;
    const int64_t first = fv_slot(d->n, slot), last = fv_slot(d->n, slot + 1);
    conv_band band = d->band;
    band.bands[0] = conv_ceil(last - first, band.count[0]);
    float *sums = d->by_slot ? d->sums + slot * (d->rows + 1) * d->columns : d->sums;
    float *bias_sums = d->by_slot ? sums + d->rows * d->columns : area->bias;
    const int64_t channel = s->depthwise ? p->panel * s->panel : p->group * s->from_each + p->channel;
    const int64_t channels = source_channels(d, p);
    for (int64_t b = 0; b < conv_bands(&band); b++) {
        const conv_place place = conv_place_of(d->job, &band, first, last, b);
        const conv_view view = conv_look(s, d->job, &band, &place, d->x, channel, channels, area->copy);
        tile_columns t = {.x = view.base, .dy = d->dy};
        list_segments(d, &place, &view, area, &t);
        const target w = target_of(d->by_slot, first_slot, b, conv_bands(&band), sums, d->dw);
        const target bias = target_of(d->by_slot, first_slot, b, conv_bands(&band), bias_sums, d->dbias);
        if (d->by_slot) fetch(&t); /* else the piece reads few of the columns */
        for (int64_t panel = p->panel; panel < p->panel + p->panels; panel++) panel_tiles(d, p, area, &t, &w, panel);
        if (d->dbias && p->channel == 0) piece_bias(d, p, &t, &bias);
    }
}

/* All slots of a piece whose pixels lie evenly in x and dy. */
static void run_folded(const gradient *d, const gradient_piece *p, gradient_area *area) {
    const conv_shape *s = d->shape;
    const int64_t pixels = s->to[0] * s->to[1] * s->to[2];
    int64_t each[FV_SLOTS];
    tile_columns t = {.x = d->x + p->group * s->from_each + p->channel, .dy = d->dy, .x_step = s->from_pixel};
    t.dy_step = s->to_pixel;
    t.x_segment = area->x_segment;
    t.dy_segment = area->dy_segment;
    t.each = each;
    for (int slot = 0; slot < FV_SLOTS; slot++) {
        const int64_t first = fv_slot(d->n, slot) * pixels, count = fv_slot(d->n, slot + 1) * pixels - first;
        if (count == 0) continue;
        area->x_segment[t.segments] = first * t.x_step;
        area->dy_segment[t.segments] = first * t.dy_step;
        each[t.segments++] = count;
    }
    const target w = {.to = d->dw};
    for (int64_t panel = p->panel; panel < p->panel + p->panels; panel++) panel_tiles(d, p, area, &t, &w, panel);
    if (!d->dbias || p->channel > 0) return;
    const int64_t slots = t.segments;
    t.segments = 1;
    for (int64_t slot = 0; slot < slots; slot++, t.x_segment++, t.dy_segment++) {
        const target bias = {.plus = slot == 0 ? NULL : d->dbias, .to = d->dbias};
        t.pixels = each[slot];
        piece_bias(d, p, &t, &bias);
    }
}

static void run_piece(void *context, int64_t piece, int thread) {
    const gradient *d = context;
    const conv_shape *s = d->shape;
    gradient_area area;
    area_of(d, d->areas + (size_t)thread * d->area, &area);
    gradient_piece p = {.channels = d->channels, .panels = d->panels};
    if (d->by_slot) {
        p.rows = d->rows;
        if (fv_slot(d->n, (int)piece) == fv_slot(d->n, (int)piece + 1)) return;
        for (p.group = 0; p.group < s->groups; p.group++) {
            list_rows(d, &p, &area);
            run_slot(d, &p, &area, (int)piece, false);
        }
        return;
    }
    p.channel = piece % d->blocks * d->channels;
    p.panel = piece / d->blocks % d->parts * d->panels;
    p.group = piece / d->blocks / d->parts;
    p.channels = conv_min(d->channels, s->from_each - p.channel);
    p.panels = conv_min(d->panels, s->panels - p.panel);
    p.rows = d->job->taps * p.channels;
    list_rows(d, &p, &area);
    if (d->folded) {
        run_folded(d, &p, &area);
        return;
    }
    bool first = true;
    for (int slot = 0; slot < FV_SLOTS; slot++) {
        if (fv_slot(d->n, slot) == fv_slot(d->n, slot + 1)) continue;
        run_slot(d, &p, &area, slot, first);
        first = false;
    }
}

/* ---- adding up the slots -------------------------------------------------------------------------------------------
 */

/* to[0..count) += or = from */
static void add_row(float *to, const float *from, int64_t count, bool add) {
    if (!add) {
        memcpy(to, from, (size_t)count * sizeof(float));
        return;
    }
    int64_t i = 0;
    for (; i + FV_LANES <= count; i += FV_LANES) vf_store(to + i, vf_load(to + i) + vf_load(from + i));
    for (; i < count; i++) to[i] += from[i];
}

/* Pixels made together: the slot's sum of a row is over each pixel's columns, `stride` taps apart. */
static void fold_pixels(const gradient *d, const float *sums, float *slot) {
    const conv_shape *s = d->shape;
    const fv_conv_geom *g = d->geom;
    const int64_t wide = d->job->axis[2].taps, stride = d->job->axis[2].stride / s->pixels, f = s->to_c;
    const int64_t kernel_rows = g->kernel[0] * g->kernel[1];
    for (int64_t k = 0; k < kernel_rows; k++)
        for (int64_t x = 0; x < g->kernel[2]; x++)
            for (int64_t c = 0; c < g->c; c++) {
                float *to = slot + ((k * g->kernel[2] + x) * g->c + c) * f;
                for (int64_t i = 0; i < s->pixels; i++)
                    add_row(to, sums + ((k * wide + x + i * stride) * g->c + c) * d->columns + i * f, f, i > 0);
            }
    for (int64_t i = 0; i < s->pixels; i++)
        add_row(slot + kernel_rows * g->kernel[2] * g->c * f, sums + d->rows * d->columns + i * f, f, i > 0);
}

enum { ADD_FLOATS = 4096 };

static int64_t weight_count(const gradient *d) {
    const fv_conv_geom *g = d->geom;
    return g->kernel[0] * g->kernel[1] * g->kernel[2] * (g->c / g->groups) * g->f;
}

/* A stretch of dw, through all slots in order. The first pixel's columns of a slot's sums hold the folded sum. */
static void add_slots(void *context, int64_t piece, int thread) {
    (void)thread;
    const gradient *d = context;
    const int64_t weights = weight_count(d), begin = piece * ADD_FLOATS;
    const int64_t stretch = conv_min(ADD_FLOATS, weights - begin);
    bool add = false;
    for (int slot = 0; slot < FV_SLOTS; slot++) {
        if (fv_slot(d->n, slot) == fv_slot(d->n, slot + 1)) continue;
        const float *sums = d->sums + slot * (d->rows + 1) * d->columns;
        add_row(d->dw + begin, sums + begin, stretch, add);
        if (d->dbias && piece == 0) add_row(d->dbias, sums + weights, d->geom->f, add);
        add = true;
    }
}

/* Folds a slot's sums in place: what is written lies before what is still to be read. */
static void fold_slot(void *context, int64_t slot, int thread) {
    (void)thread;
    const gradient *d = context;
    float *sums = d->sums + slot * (d->rows + 1) * d->columns;
    if (fv_slot(d->n, (int)slot) != fv_slot(d->n, (int)slot + 1)) fold_pixels(d, sums, sums);
}

/* ---- the kernel ----------------------------------------------------------------------------------------------------
 */

static fv_status run(const fv_call *call) {
    const fv_conv_geom *g = &call->geom->conv;
    const conv_shape s = conv_shape_of(g, false);
    const conv_job job = conv_job_of(&s, g, 0);
    gradient d = gradient_of(g, &s, &job, call->n);
    d.dw = call->arg[0];
    d.dbias = call->arg[1];
    d.x = call->arg[2];
    d.dy = call->arg[3];
    d.sums = call->scratch;
    d.areas = (char *)call->scratch + sum_bytes(&d);
    d.area = area_of(&d, NULL, NULL);
    const int64_t results = call->n * job.axis[0].count * job.axis[1].count * job.axis[2].count;
    fv_pool *pool = conv_pool(call->pool, results * d.rows * d.columns);
    if (!d.by_slot) {
        fv_pool_run(pool, d.blocks * d.parts * s.groups, run_piece, &d);
        return FV_OK;
    }
    fv_pool_run(pool, FV_SLOTS, run_piece, &d);
    pool = conv_pool(call->pool, FV_SLOTS * d.rows * d.columns);
    if (s.pixels > 1) fv_pool_run(pool, FV_SLOTS, fold_slot, &d);
    fv_pool_run(pool, conv_ceil(weight_count(&d), ADD_FLOATS), add_slots, &d);
    return FV_OK;
}

static size_t scratch_for(const fv_conv_geom *g, int64_t n, int threads) {
    const conv_shape s = conv_shape_of(g, false);
    const conv_job job = conv_job_of(&s, g, 0);
    const gradient d = gradient_of(g, &s, &job, n);
    return sum_bytes(&d) + area_of(&d, NULL, NULL) * (size_t)threads;
}

/* Fewer samples than planned may take the other schedule. */
static void need(const fv_geom *geom, int threads, fv_need *need) {
    const size_t all = scratch_for(&geom->conv, geom->n, threads);
    const size_t few = scratch_for(&geom->conv, conv_min(geom->n, SLOT_BUFFER_SAMPLES - 1), threads);
    *need = (fv_need){.scratch = all > few ? all : few};
}

const fv_kernel FV_SYMBOL(kernel_conv_weights) = {"conv_weights.columns", NULL, need, NULL, run};
