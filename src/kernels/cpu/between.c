/* between.c - numbers read between cells, vectors along the channels: grids, regions, displaced columns. */
#include "between.h"
#include "pieces.h"

#include <stdatomic.h>

typedef struct job {
    const fv_call *call;
    int64_t count, size;
    _Atomic bool failed;
} job;

static int64_t job_end(const job *j, int64_t piece) {
    return (piece + 1) * j->size < j->count ? (piece + 1) * j->size : j->count;
}

static fv_status run_job(const fv_call *call, int64_t count, int64_t each, fv_piece f) {
    job j = {.call = call, .count = count};
    int64_t pieces = fv_cut(count, each, &j.size);
    if (count > 0) fv_pool_run(call->pool, pieces, f, &j);
    return j.failed ? FV_E_ARGUMENT : FV_OK;
}

/* What a cell is mixed of: pixels (as offsets of their first channel) and weights. */
typedef struct mix {
    int count;
    int64_t pixel[FV_MOST_TAPS];
    double weight[FV_MOST_TAPS];
} mix;

static void mix_read(const mix *m, const float *x, int64_t c, float *y) {
    FV_EACH_VECTOR(c, i, lanes, {
        vf sum = vf_zero();
        for (int k = 0; k < m->count; k++) sum += (float)m->weight[k] * vf_load_lanes(x + m->pixel[k] * c + i, lanes);
        vf_store_lanes(y + i, sum, lanes);
    });
}

/* x += factor * weight * y for every pixel. */
static void mix_add(const mix *m, float *x, int64_t c, const float *y, float factor) {
    for (int k = 0; k < m->count; k++) {
        float *to = x + m->pixel[k] * c, weight = factor * (float)m->weight[k];
        FV_EACH_VECTOR(
            c, i, lanes,
            vf_store_lanes(to + i, vf_load_lanes(to + i, lanes) + weight * vf_load_lanes(y + i, lanes), lanes););
    }
}

/* ---- grids ------------------------------------------------------------------------------------------------------ */

static void grid_mix(const fv_grid_geom *g, const float *grid, int64_t cell, mix *m) {
    fv_taps t[3];
    for (int d = 0; d < g->dims; d++)
        t[d] = fv_taps_at(g->between, g->beyond, g->aligned, g->in[2 - d],
                          fv_grid_place((double)grid[cell * g->dims + d], g->in[2 - d], g->aligned));
    m->count = fv_mix_taps(t, g->dims, g->in, m->pixel, m->weight);
}

static void grid_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_grid_geom *g = &j->call->geom->grid;
    int64_t in = g->in[0] * g->in[1] * g->in[2] * g->c;
    mix m;
    for (int64_t cell = piece * j->size; cell < job_end(j, piece); cell++) {
        grid_mix(g, j->call->arg[2], cell, &m);
        mix_read(&m, (const float *)j->call->arg[1] + cell / g->out * in, g->c, (float *)j->call->arg[0] + cell * g->c);
    }
}

static fv_status run_grid(const fv_call *call) {
    const fv_grid_geom *g = &call->geom->grid;
    return run_job(call, call->n * g->samples * g->out, 8 * g->c + 64, grid_piece);
}

/* Samples are pieces: the cells of one add into its pixels. */
static void grid_back_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_grid_geom *g = &j->call->geom->grid;
    int64_t in = g->in[0] * g->in[1] * g->in[2] * g->c;
    mix m;
    for (int64_t s = piece * j->size; s < job_end(j, piece); s++) {
        float *dx = (float *)j->call->arg[0] + s * in;
        memset(dx, 0, (size_t)in * sizeof *dx);
        for (int64_t cell = s * g->out; cell < (s + 1) * g->out; cell++) {
            grid_mix(g, j->call->arg[2], cell, &m);
            mix_add(&m, dx, g->c, (const float *)j->call->arg[1] + cell * g->c, 1);
        }
    }
}

static fv_status run_grid_back(const fv_call *call) {
    const fv_grid_geom *g = &call->geom->grid;
    return run_job(call, call->n * g->samples, g->out * (8 * g->c + 64), grid_back_piece);
}

/* ---- regions ---------------------------------------------------------------------------------------------------- */

typedef struct region {
    fv_region_axis axis[2];
    int64_t sample, places;
} region;

/* false: there is no sample of that number. */
static bool region_of(const fv_call *call, int first, int64_t r, region *out) {
    const fv_region_geom *g = &call->geom->region;
    const float *at = (const float *)call->arg[first] + 4 * r;
    const double corners[4] = {(double)at[0], (double)at[1], (double)at[2], (double)at[3]};
    for (int d = 0; d < 2; d++) out->axis[d] = fv_region_along(g, corners, d);
    out->places = out->axis[0].points * out->axis[1].points;
    out->sample = fv_index_at(call->arg[first + 1], g->wide, r);
    return out->sample >= 0 && out->sample < g->samples;
}

static void region_mix(const fv_region_geom *g, const region *r, int64_t o, int64_t i, mix *m) {
    const int64_t in[3] = {1, g->in[0], g->in[1]};
    fv_taps t[3];
    t[1] = fv_region_taps(g, &r->axis[0], 0, o / g->out[1], i / r->axis[1].points);
    t[0] = fv_region_taps(g, &r->axis[1], 1, o % g->out[1], i % r->axis[1].points);
    m->count = fv_mix_taps(t, 2, in, m->pixel, m->weight);
}

static void region_mean(const fv_region_geom *g, const region *r, int64_t o, const float *x, float *y) {
    mix m;
    memset(y, 0, (size_t)g->c * sizeof *y);
    for (int64_t i = 0; i < r->places; i++) {
        region_mix(g, r, o, i, &m);
        for (int k = 0; k < m.count; k++)
            FV_EACH_VECTOR(g->c, c, lanes,
                           vf_store_lanes(y + c,
                                          vf_load_lanes(y + c, lanes) +
                                              (float)m.weight[k] * vf_load_lanes(x + m.pixel[k] * g->c + c, lanes),
                                          lanes););
    }
    float part = r->places > 0 ? 1 / (float)r->places : 0;
    for (int64_t c = 0; c < g->c; c++) y[c] *= part;
}

/* ONNX takes the greatest of the weighted pixels. */
static void region_highest(const fv_region_geom *g, const region *r, int64_t o, const float *x, float *y) {
    mix m;
    bool any = false;
    memset(y, 0, (size_t)g->c * sizeof *y);
    for (int64_t i = 0; i < r->places; i++) {
        region_mix(g, r, o, i, &m);
        for (int k = 0; k < m.count; k++, any = true)
            for (int64_t c = 0; c < g->c; c++) {
                float term = (float)m.weight[k] * x[m.pixel[k] * g->c + c];
                y[c] = !any || term > y[c] ? term : y[c];
            }
    }
}

static void region_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    job *j = context;
    const fv_region_geom *g = &j->call->geom->region;
    int64_t cells = g->out[0] * g->out[1];
    region r;
    for (int64_t k = piece * j->size; k < job_end(j, piece); k++) {
        if (!region_of(j->call, 2, k / cells, &r)) {
            atomic_store_explicit(&j->failed, true, memory_order_relaxed);
            continue;
        }
        const float *x = (const float *)j->call->arg[1] + r.sample * g->in[0] * g->in[1] * g->c;
        (g->maximum ? region_highest : region_mean)(g, &r, k % cells, x, (float *)j->call->arg[0] + k * g->c);
    }
}

static fv_status run_region(const fv_call *call) {
    const fv_region_geom *g = &call->geom->region;
    int64_t points = g->points ? g->points : 2;
    return run_job(call, g->regions * g->out[0] * g->out[1], points * points * (8 * g->c + 64), region_piece);
}

/* ---- displaced columns ------------------------------------------------------------------------------------------ */

/* Where kernel position k of a cell reads, for one part of the channels; `place` counts places of the mask. */
typedef struct displaced {
    fv_taps row, col;
    int64_t place;
} displaced;

static displaced displaced_at(const fv_displaced_geom *g, const float *offset, int64_t cell, int64_t part, int64_t k) {
    int64_t kernel = g->kernel[0] * g->kernel[1], o = cell % (g->out[0] * g->out[1]);
    displaced d = {.place = (cell * g->parts + part) * kernel + k};
    const int64_t at[2] = {o / g->out[1], o % g->out[1]}, inside[2] = {k / g->kernel[1], k % g->kernel[1]};
    for (int i = 0; i < 2; i++) {
        double place =
            (double)(at[i] * g->stride[i] - g->pad[i] + inside[i] * g->dilation[i]) + (double)offset[2 * d.place + i];
        *(i ? &d.col : &d.row) = fv_taps_at(FV_BETWEEN_LINEAR, FV_BEYOND_ZERO, false, g->in[i], place);
    }
    return d;
}

/* Channels of a part and of a group lie side by side in both: runs of channels with one part and one group. */
typedef struct channel_run {
    int64_t first, count, part, column;
} channel_run;

static channel_run run_from(const fv_displaced_geom *g, int64_t cell, int64_t k, int64_t c) {
    int64_t kernel = g->kernel[0] * g->kernel[1], group = g->c / g->groups, part = g->c / g->parts;
    int64_t to_group = group - c % group, to_part = part - c % part;
    return (channel_run){.first = c,
                         .count = to_group < to_part ? to_group : to_part,
                         .part = c / part,
                         .column = ((cell * g->groups + c / group) * kernel + k) * group + c % group};
}

/* Adds factor * (weights of rows and columns) * pixels to y, or (`back`) factor * weights * y to the pixels. */
static void add_taps(const fv_displaced_geom *g, const displaced *d, float *x, float *y, int64_t count, float factor,
                     bool back) {
    for (int i = 0; i < 4; i++) {
        int64_t row = d->row.cell[i / 2], col = d->col.cell[i % 2];
        if (row < 0 || col < 0) continue;
        float weight = factor * (float)(d->row.weight[i / 2] * d->col.weight[i % 2]);
        float *pixel = x + (row * g->in[1] + col) * g->c, *to = back ? pixel : y, *from = back ? y : pixel;
        FV_EACH_VECTOR(
            count, c, lanes,
            vf_store_lanes(to + c, vf_load_lanes(to + c, lanes) + weight * vf_load_lanes(from + c, lanes), lanes););
    }
}

static void displaced_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_displaced_geom *g = &j->call->geom->displaced;
    int64_t in = g->in[0] * g->in[1] * g->c, cells = g->out[0] * g->out[1], kernel = g->kernel[0] * g->kernel[1];
    const float *mask = j->call->arg[3];
    for (int64_t cell = piece * j->size; cell < job_end(j, piece); cell++)
        for (int64_t k = 0; k < kernel; k++)
            for (int64_t c = 0; c < g->c;) {
                channel_run r = run_from(g, cell, k, c);
                displaced d = displaced_at(g, j->call->arg[2], cell, r.part, k);
                float *y = (float *)j->call->arg[0] + r.column;
                memset(y, 0, (size_t)r.count * sizeof *y);
                add_taps(g, &d, (float *)j->call->arg[1] + cell / cells * in + c, y, r.count, mask ? mask[d.place] : 1,
                         false);
                c += r.count;
            }
}

static fv_status run_displaced(const fv_call *call) {
    const fv_displaced_geom *g = &call->geom->displaced;
    int64_t kernel = g->kernel[0] * g->kernel[1];
    return run_job(call, call->n * g->samples * g->out[0] * g->out[1], kernel * (4 * g->c + 32), displaced_piece);
}

/* sum over channels of dy times the mix of pixels with these weights. */
static float read_dot(const fv_displaced_geom *g, const displaced *d, const double row[4], const double col[4],
                      const float *x, const float *dy, int64_t count) {
    float total = 0;
    for (int i = 0; i < 4; i++) {
        int64_t r = d->row.cell[i / 2], c = d->col.cell[i % 2];
        if (r < 0 || c < 0) continue;
        const float *pixel = x + (r * g->in[1] + c) * g->c;
        vf sum = vf_zero();
        FV_EACH_VECTOR(count, k, lanes, sum += vf_load_lanes(pixel + k, lanes) * vf_load_lanes(dy + k, lanes););
        total += (float)(row[i / 2] * col[i % 2]) * vf_sum(sum);
    }
    return total;
}

static void displaced_back_run(const fv_call *call, int64_t cell, int64_t k, const channel_run *r) {
    const fv_displaced_geom *g = &call->geom->displaced;
    displaced d = displaced_at(g, call->arg[5], cell, r->part, k);
    int64_t first = cell / (g->out[0] * g->out[1]) * g->in[0] * g->in[1] * g->c + r->first;
    const float *x = (const float *)call->arg[4] + first, *dy = (const float *)call->arg[3] + r->column;
    float mask = call->arg[6] ? ((const float *)call->arg[6])[d.place] : 1;
    float *dx = call->arg[0], *doffset = call->arg[1], *dmask = call->arg[2];
    if (dx) add_taps(g, &d, dx + first, (float *)dy, r->count, mask, true);
    if (doffset) {
        doffset[2 * d.place] += mask * read_dot(g, &d, d.row.slope, d.col.weight, x, dy, r->count);
        doffset[2 * d.place + 1] += mask * read_dot(g, &d, d.row.weight, d.col.slope, x, dy, r->count);
    }
    if (dmask) dmask[d.place] += read_dot(g, &d, d.row.weight, d.col.weight, x, dy, r->count);
}

/* Samples are pieces. */
static void displaced_back_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_displaced_geom *g = &j->call->geom->displaced;
    int64_t in = g->in[0] * g->in[1] * g->c, cells = g->out[0] * g->out[1], kernel = g->kernel[0] * g->kernel[1];
    int64_t places = cells * g->parts * kernel;
    float *const *d = (float *const *)j->call->arg;
    for (int64_t s = piece * j->size; s < job_end(j, piece); s++) {
        if (d[0]) memset(d[0] + s * in, 0, (size_t)in * sizeof(float));
        if (d[1]) memset(d[1] + 2 * s * places, 0, (size_t)(2 * places) * sizeof(float));
        if (d[2]) memset(d[2] + s * places, 0, (size_t)places * sizeof(float));
        for (int64_t cell = s * cells; cell < (s + 1) * cells; cell++)
            for (int64_t k = 0; k < kernel; k++)
                for (int64_t c = 0; c < g->c;) {
                    channel_run r = run_from(g, cell, k, c);
                    displaced_back_run(j->call, cell, k, &r);
                    c += r.count;
                }
    }
}

static fv_status run_displaced_back(const fv_call *call) {
    const fv_displaced_geom *g = &call->geom->displaced;
    int64_t cells = g->out[0] * g->out[1], kernel = g->kernel[0] * g->kernel[1];
    return run_job(call, call->n * g->samples, cells * kernel * (16 * g->c + 32), displaced_back_piece);
}

const fv_kernel FV_SYMBOL(kernel_grid) = {.name = "grid.channels", .run = run_grid};
const fv_kernel FV_SYMBOL(kernel_grid_back) = {.name = "grid_back.channels", .run = run_grid_back};
const fv_kernel FV_SYMBOL(kernel_region) = {.name = "region.channels", .run = run_region};
const fv_kernel FV_SYMBOL(kernel_displaced) = {.name = "displaced.channels", .run = run_displaced};
const fv_kernel FV_SYMBOL(kernel_displaced_back) = {.name = "displaced_back.channels", .run = run_displaced_back};
