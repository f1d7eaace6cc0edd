/* conv_rows.c - convolution forward and backward to its input: bands of pixels through the rows x panel tile.
 *
 * Every result is one chain of multiply-adds over (kernel depth, row, column, channel), however bands and tiles are
 * cut: the bits do not depend on the batch, the threads or the width of a vector.
 */
#include "conv_shape.h"
#include "pairs.h"
#include "vmath.h"

enum { BAND_PIXELS = 1024, PIECES = 8 };

typedef struct rows_run {
    const conv_shape *shape;
    const conv_job *job;
    conv_band band;
    fv_epilogue epilogue;
    const float *packed, *bias; /* bias: padded like a row of panels, for all groups */
    const float *from, *add;
    float *to;
    int64_t n;
    char *areas; /* working memory, one area a thread */
    size_t area;
} rows_run;

/* A thread's working memory, for one band. */
typedef struct rows_area {
    const float **x; /* pixels' addresses */
    int64_t *y;      /* their results, in floats from the destination */
    int64_t *runs;
    float *copy;
} rows_area;

static size_t aligned(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

static int64_t band_pixels(const conv_job *job, const conv_band *b) {
    return b->count[0] * b->count[1] * b->count[2] * job->axis[2].count;
}

/* Bytes of an area; with `memory` also its parts. */
static size_t area_of(const conv_shape *s, const conv_job *job, const conv_band *band, char *memory, rows_area *area) {
    const int64_t pixels = band_pixels(job, band);
    const size_t x = aligned((size_t)pixels * sizeof(float *)), y = aligned((size_t)pixels * sizeof(int64_t));
    const size_t runs = aligned((size_t)job->taps * sizeof(int64_t));
    const size_t copy = aligned((size_t)conv_band_floats(job, band, s->from_c) * sizeof(float));
    if (area)
        *area = (rows_area){(void *)memory, (void *)(memory + x), (void *)(memory + x + y),
                            (void *)(memory + x + y + runs)};
    return x + y + runs + copy;
}

/* ---- lists: the band's pixels and the runs that each of them reads ---------------------------------------------- */

static void list_pixels(const conv_shape *s, const conv_job *job, const conv_place *p, const conv_view *v,
                        rows_area *area) {
    const conv_axis *a = job->axis;
    int64_t m = 0;
    for (int64_t i = 0; i < p->count[0]; i++)
        for (int64_t z = 0; z < p->count[1]; z++)
            for (int64_t y = 0; y < p->count[2]; y++) {
                const int64_t to_z = a[0].start + (p->first[1] + z) * a[0].step,
                              to_y = a[1].start + (p->first[2] + y) * a[1].step;
                int64_t to = ((p->first[0] + i) * s->to[0] + to_z) * s->to[1] + to_y;
                to = (to * s->to[2] + a[2].start) * s->to_pixel;
                const float *from = v->base + i * v->image + z * a[0].stride * v->plane + y * a[1].stride * v->row;
                for (int64_t x = 0; x < a[2].count; x++, m++) {
                    area->x[m] = from + x * a[2].stride * v->pixel;
                    area->y[m] = to + x * a[2].step * s->to_pixel;
                }
            }
}

/* A kernel row is one run where its pixels touch; else every tap is one. */
static int64_t list_runs(const conv_shape *s, const conv_job *job, const conv_view *v, int64_t *runs, int64_t *length) {
    const conv_axis *a = job->axis;
    const bool touch = s->groups == 1 && v->pixel == s->from_c && (a[2].dilation == 1 || a[2].taps == 1);
    const int64_t columns = touch ? conv_min(a[2].taps, 1) : a[2].taps;
    *length = touch ? a[2].taps * s->from_c : s->from_each;
    int64_t count = 0;
    for (int64_t z = 0; z < a[0].taps; z++)
        for (int64_t y = 0; y < a[1].taps; y++)
            for (int64_t x = 0; x < columns; x++)
                runs[count++] =
                    z * a[0].dilation * v->plane + y * a[1].dilation * v->row + x * a[2].dilation * v->pixel;
    return job->taps ? count : 0;
}

/* ---- activations that take more than registers ---------------------------------------------------------------------
 */

static bool in_registers(fv_unary act) { return act == FV_U_COPY || act == FV_U_RELU || act == FV_U_LEAKY_RELU; }

/* Columns first .. first+count-1 of the band's results, while they are in the cache; neighbours together. */
static void activate_band(const rows_run *r, const rows_area *area, int64_t pixels, int64_t first, int64_t count) {
    for (int64_t i = 0, j; i < pixels; i = j) {
        const int64_t step = i + 1 < pixels ? area->y[i + 1] - area->y[i] : count;
        for (j = i + 1; j < pixels && area->y[j] == area->y[j - 1] + step; j++) continue;
        unary_in_place(&r->epilogue, r->to + area->y[i] + first, j - i, count, step);
    }
}

/* ---- the work ------------------------------------------------------------------------------------------------------
 */

/* How many panels from `panel` on, `left` at most, are done together. */
static int64_t panels_together(const conv_shape *s, int64_t panel, int64_t left, int64_t pixels) {
    const bool whole = left >= TILE_WIDE && (panel + TILE_WIDE) * s->panel <= s->columns;
    return pixels == 1 && whole ? TILE_WIDE : 1;
}

/* Does every pixel read cells of its own, in place? */
static bool reads_alone(const rows_run *r) {
    const conv_axis *a = r->job->axis;
    for (int d = 0; d < 3; d++)
        if (a[d].taps > a[d].stride) return false;
    return !r->band.copies;
}

/* What the next tile reads of such pixels, which lie in as many streams as the tile has rows, and more. */
FV_INLINE void fetch(const tile_rows *t, const float *const *x, int64_t count) {
    for (int64_t run = 0; run < t->run_count; run++)
        for (int64_t i = 0; i < count; i++)
            for (int64_t k = 0; k < t->run_length; k += 16) __builtin_prefetch(x[i] + t->x_offset + t->runs[run] + k);
}

static void panel_tiles(const rows_run *r, const rows_area *area, tile_rows *t, int64_t group, int64_t panel,
                        int64_t together, int64_t pixels) {
    const conv_shape *s = r->shape;
    const int64_t column = panel * s->panel, columns = conv_panel_columns(s, panel);
    const int64_t channel = group * s->to_each + column; /* pixels made together begin at channel 0 */
    t->x_offset = group * s->from_each;
    t->panel = r->packed + r->job->taps * s->from_each * (group * s->padded_columns + column);
    t->bias = r->bias + group * s->padded_columns + column;
    t->y = r->to + channel;
    t->add = r->add ? r->add + channel : NULL;
    t->last = conv_last_lanes(columns);
    if (together > 1) {
        tile_row_wide[s->cells != CONV_NUMBERS](t, area->x[0], area->y[0], r->job->taps * s->from_each * s->panel);
        return;
    }
    const tile_rows_fn *tile = tile_rows_dense[s->cells != CONV_NUMBERS][conv_vectors(columns) - 1];
    const bool fetches = panel == 0 && reads_alone(r);
    for (int64_t i = 0, left = tile_count(pixels), height; i < pixels; i += height) {
        height = tile_height(pixels - i, &left);
        if (fetches) fetch(t, area->x + i + height, conv_min(height, pixels - i - height));
        tile[height - 1](t, area->x + i, area->y + i);
    }
}

/* One band, one part of the panels. Parts are the slower index: neighbouring pieces share panels. */
static void run_piece(void *context, int64_t piece, int thread) {
    const rows_run *r = context;
    const conv_shape *s = r->shape;
    const int64_t bands = conv_bands(&r->band), part = piece / bands;
    rows_area area;
    area_of(s, r->job, &r->band, r->areas + (size_t)thread * r->area, &area);
    const conv_place place = conv_place_of(r->job, &r->band, 0, r->n, piece % bands);
    const conv_view view = conv_look(s, r->job, &r->band, &place, r->from, 0, s->from_c, area.copy);
    list_pixels(s, r->job, &place, &view, &area);
    const int64_t pixels = place.count[0] * place.count[1] * place.count[2] * r->job->axis[2].count;

    const bool fused = in_registers(r->epilogue.act);
    tile_rows t = {.runs = area.runs, .act = fused ? r->epilogue.act : FV_U_COPY, .slope = (float)r->epilogue.a};
    t.run_count = list_runs(s, r->job, &view, area.runs, &t.run_length);
    const int64_t panels = s->groups * s->panels, end = (part + 1) * panels / r->band.parts;
    for (int64_t p = part * panels / r->band.parts, together; p < end; p += together) {
        const int64_t group = p / s->panels, panel = p % s->panels;
        together = panels_together(s, panel, end - p, pixels);
        panel_tiles(r, &area, &t, group, panel, together, pixels);
        const int64_t columns = together > 1 ? together * s->panel : conv_panel_columns(s, panel);
        if (!fused) activate_band(r, &area, pixels, group * s->to_each + panel * s->panel, columns);
    }
}

/* The bias laid out as panels lie: for each group its columns, padded; once for each pixel made together. */
static void spread_bias(const conv_shape *s, const float *bias, float *to) {
    memset(to, 0, (size_t)(s->groups * s->padded_columns) * sizeof(float));
    if (!bias) return;
    for (int64_t g = 0; g < s->groups; g++)
        for (int64_t i = 0; i < s->pixels; i++)
            memcpy(to + g * s->padded_columns + i * s->to_each, bias + g * s->to_each,
                   (size_t)s->to_each * sizeof(float));
}

static bool empty(const conv_job *job) {
    return job->axis[0].count == 0 || job->axis[1].count == 0 || job->axis[2].count == 0;
}

static void run_rows(const fv_call *call, const conv_shape *s) {
    const fv_conv_geom *g = &call->geom->conv;
    float *bias = call->scratch;
    spread_bias(s, call->arg[3], bias);
    char *areas = (char *)call->scratch + aligned((size_t)(s->groups * s->padded_columns) * sizeof(float));
    const float *packed = call->packed;
    for (int64_t phase = 0; phase < s->phases; phase++) {
        const conv_job job = conv_job_of(s, g, phase);
        if (!empty(&job)) {
            rows_run r = {s,
                          &job,
                          conv_band_of(s, &job, call->n, BAND_PIXELS, PIECES),
                          g->epilogue,
                          packed,
                          bias,
                          call->arg[1],
                          s->backward || !g->add ? NULL : call->arg[4],
                          call->arg[0],
                          call->n,
                          areas,
                          0};
            r.area = area_of(s, &job, &r.band, NULL, NULL);
            const int64_t results = call->n * job.axis[0].count * job.axis[1].count * job.axis[2].count;
            fv_pool *pool = conv_pool(call->pool, results * (conv_packed_floats(s, &job) + s->to_c));
            fv_pool_run(pool, conv_bands(&r.band) * r.band.parts, run_piece, &r);
        }
        packed += conv_packed_floats(s, &job);
    }
}

static void need_rows(const fv_geom *geom, int threads, fv_need *need, const conv_shape *s) {
    size_t area = 0;
    int64_t packed = 0;
    for (int64_t phase = 0; phase < s->phases; phase++) {
        const conv_job job = conv_job_of(s, &geom->conv, phase);
        packed += conv_packed_floats(s, &job);
        if (empty(&job)) continue;
        const conv_band largest = conv_band_of(s, &job, geom->n, BAND_PIXELS, 1);
        const size_t bytes = area_of(s, &job, &largest, NULL, NULL);
        if (bytes > area) area = bytes;
    }
    need->scratch = aligned((size_t)(s->groups * s->padded_columns) * sizeof(float)) + area * (size_t)threads;
    need->packed = (size_t)packed * sizeof(float);
    need->packed_arg = 2;
}

/* ---- the kernels ---------------------------------------------------------------------------------------------------
 */

/* A kernel for one pass and one kind of products. */
#define ROWS(symbol, kernel, name, can, shape_of, backward)                                                            \
    static void symbol##_need(const fv_geom *geom, int threads, fv_need *need) {                                       \
        const conv_shape s = shape_of(&geom->conv, backward);                                                          \
        need_rows(geom, threads, need, &s);                                                                            \
    }                                                                                                                  \
    static fv_status symbol##_pack(const fv_geom *geom, const void *weights, void *packed, fv_pool *pool) {            \
        const conv_shape s = shape_of(&geom->conv, backward);                                                          \
        conv_pack(&s, &geom->conv, weights, packed, pool);                                                             \
        return FV_OK;                                                                                                  \
    }                                                                                                                  \
    static fv_status symbol##_run(const fv_call *call) {                                                               \
        const conv_shape s = shape_of(&call->geom->conv, backward);                                                    \
        run_rows(call, &s);                                                                                            \
        return FV_OK;                                                                                                  \
    }                                                                                                                  \
    const fv_kernel FV_SYMBOL(kernel) = {name, can, symbol##_need, symbol##_pack, symbol##_run};

ROWS(forward, kernel_conv, "conv.band", NULL, conv_shape_of, false)
ROWS(backward, kernel_conv_data, "conv_data.phases", NULL, conv_shape_of, true)
#if FV_PAIRS
/* Few channels are not worth it; with few results most lanes are empty, and what makes floats fill them is not there for pairs. */
static bool can_pair(const fv_geom *geom, bool backward) {
    if (!geom->bf16 || !pairs_are_fast() || geom->conv.groups != 1) return false;
    const conv_shape s = conv_shape_of(&geom->conv, backward);
    return s.numbers > 1 && s.to_c >= FV_LANES;
}

static bool forward_in_pairs_can(const fv_geom *geom) { return can_pair(geom, false); }
static bool backward_in_pairs_can(const fv_geom *geom) { return can_pair(geom, true); }

ROWS(forward_in_pairs, kernel_conv_bf16, "conv.band_bf16", forward_in_pairs_can, conv_shape_in_pairs, false)
ROWS(backward_in_pairs, kernel_conv_data_bf16, "conv_data.phases_bf16", backward_in_pairs_can, conv_shape_in_pairs,
     true)
#endif
