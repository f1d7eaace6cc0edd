/* pool_global.c - pooling over whole pictures: several vectors of channels walk the pixels together, so that sums do not wait
 * for one another and each pixel's channels are read in stretches. Windows may be as large as they like. The same sums in
 * the same order as in pool.c. */
#include "pieces.h"

enum { VECTORS = 4, BLOCK = VECTORS * FV_LANES }; /* of channels */

typedef struct job {
    const fv_call *call;
    const fv_pool_geom *g;
    int64_t pixels, blocks, pieces, size; /* pixels of a picture; blocks of channels; how many of both a piece takes */
    int64_t dx_pixel, dy_pixel;
} job;

static bool can_global(const fv_geom *geom) {
    const fv_pool_geom *g = &geom->pool;
    if (g->add) return false;
    for (int d = 0; d < 3; d++)
        if (g->out[d] != 1 || g->window[d] != g->in[d] || g->pad[d] != 0 || g->dilation[d] != 1) return false;
    return g->in[0] * g->in[1] * g->in[2] > 0;
}

static job job_new(const fv_call *call) {
    const fv_pool_geom *g = &call->geom->pool;
    job j = {.call = call, .g = g, .pixels = g->in[0] * g->in[1] * g->in[2], .blocks = (g->c + BLOCK - 1) / BLOCK};
    j.dx_pixel = fv_pixel(g->dx_pixel, g->x_pixel), j.dy_pixel = fv_pixel(g->dy_pixel, g->y_pixel);
    j.pieces = fv_cut(call->n * j.blocks, j.pixels * BLOCK, &j.size);
    return j;
}

static float divisor(const job *j) { return j->g->kind == FV_POOL_SUM ? 1.0f : (float)j->pixels; }

/* The vectors of a block that begins at channel c: their lanes, the last ones 0. */
FV_INLINE int64_t lanes_at(const fv_pool_geom *g, int64_t c, int v) {
    const int64_t left = g->c - c - v * FV_LANES;
    return left < 0 ? 0 : left < FV_LANES ? left : FV_LANES;
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

FV_INLINE void walk_forward(const job *j, const bool max, const bool whole, const float *x, int64_t c, float *y) {
    const fv_pool_geom *g = j->g;
    vf sum[VECTORS];
    int64_t lanes[VECTORS];
    FV_UNROLL
    for (int v = 0; v < VECTORS; v++) {
        lanes[v] = whole ? FV_LANES : lanes_at(g, c, v);
        sum[v] = whole ? vf_load(x + v * FV_LANES) : vf_load_part(x + v * FV_LANES, lanes[v]);
    }
    for (int64_t p = 1; p < j->pixels; p++) {
        x += g->x_pixel;
        FV_UNROLL
        for (int v = 0; v < VECTORS; v++) {
            const vf one = whole ? vf_load(x + v * FV_LANES) : vf_load_part(x + v * FV_LANES, lanes[v]);
            sum[v] = max ? vf_max(one, sum[v]) : sum[v] + one;
        }
    }
    const float by = divisor(j);
    FV_UNROLL
    for (int v = 0; v < VECTORS; v++) vf_store_lanes(y + v * FV_LANES, max ? sum[v] : sum[v] / by, lanes[v]);
}

static void forward_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_pool_geom *g = j->g;
    const int64_t all = j->call->n * j->blocks, end = (piece + 1) * j->size < all ? (piece + 1) * j->size : all;
    const bool max = g->kind == FV_POOL_MAX;
    for (int64_t i = piece * j->size; i < end; i++) {
        const int64_t sample = i / j->blocks, c = i % j->blocks * BLOCK;
        const float *x = (const float *)j->call->arg[1] + sample * j->pixels * g->x_pixel + c;
        float *y = (float *)j->call->arg[0] + sample * g->y_pixel + c;
        if (c + BLOCK > g->c)
            walk_forward(j, max, false, x, c, y);
        else if (max)
            walk_forward(j, true, true, x, c, y);
        else
            walk_forward(j, false, true, x, c, y);
    }
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

/* The same number for every pixel. */
FV_INLINE void walk_back_sum(const job *j, const bool whole, const float *dy, int64_t c, float *dx) {
    vf part[VECTORS];
    int64_t lanes[VECTORS];
    const float by = divisor(j);
    FV_UNROLL
    for (int v = 0; v < VECTORS; v++) {
        lanes[v] = whole ? FV_LANES : lanes_at(j->g, c, v);
        part[v] = vf_load_lanes(dy + v * FV_LANES, lanes[v]) / by;
    }
    for (int64_t p = 0; p < j->pixels; p++, dx += j->dx_pixel) {
        FV_UNROLL
        for (int v = 0; v < VECTORS; v++)
            if (whole)
                vf_store(dx + v * FV_LANES, part[v]);
            else
                vf_store_part(dx + v * FV_LANES, part[v], lanes[v]);
    }
}

/* dy to the first pixel that holds the maximum. Behind a ReLU a maximum of 0 passes nothing on. */
FV_INLINE void walk_back_max(const job *j, const bool whole, const float *dy, const float *x, const float *y, int64_t c,
                             float *dx) {
    const fv_pool_geom *g = j->g;
    vf left[VECTORS], highest[VECTORS]; /* left: 0 once it is given away */
    int64_t lanes[VECTORS];
    FV_UNROLL
    for (int v = 0; v < VECTORS; v++) {
        lanes[v] = whole ? FV_LANES : lanes_at(g, c, v);
        left[v] = vf_load_lanes(dy + v * FV_LANES, lanes[v]);
        highest[v] = vf_load_lanes(y + v * FV_LANES, lanes[v]);
        if (g->relu) left[v] = vf_passed(left[v], highest[v]);
    }
    for (int64_t p = 0; p < j->pixels; p++, x += g->x_pixel, dx += j->dx_pixel) {
        FV_UNROLL
        for (int v = 0; v < VECTORS; v++) {
            const vi here =
                (whole ? vf_load(x + v * FV_LANES) : vf_load_part(x + v * FV_LANES, lanes[v])) == highest[v];
            const vf given = (vf)((vi)left[v] & here);
            left[v] = (vf)((vi)left[v] & ~here);
            if (whole)
                vf_store(dx + v * FV_LANES, given);
            else
                vf_store_part(dx + v * FV_LANES, given, lanes[v]);
        }
    }
}

static void back_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_pool_geom *g = j->g;
    void *const *arg = j->call->arg;
    const int64_t all = j->call->n * j->blocks, end = (piece + 1) * j->size < all ? (piece + 1) * j->size : all;
    for (int64_t i = piece * j->size; i < end; i++) {
        const int64_t sample = i / j->blocks, c = i % j->blocks * BLOCK;
        const bool whole = c + BLOCK <= g->c;
        float *dx = (float *)arg[0] + sample * j->pixels * j->dx_pixel + c;
        const float *dy = (const float *)arg[1] + sample * j->dy_pixel + c;
        if (g->kind != FV_POOL_MAX) {
            if (whole)
                walk_back_sum(j, true, dy, c, dx);
            else
                walk_back_sum(j, false, dy, c, dx);
            continue;
        }
        const float *x = (const float *)arg[2] + sample * j->pixels * g->x_pixel + c;
        const float *y = (const float *)arg[3] + sample * g->y_pixel + c;
        if (whole)
            walk_back_max(j, true, dy, x, y, c, dx);
        else
            walk_back_max(j, false, dy, x, y, c, dx);
    }
}

static fv_status run_global(const fv_call *call) {
    job j = job_new(call);
    fv_pool_run(call->pool, j.pieces, forward_piece, &j);
    return FV_OK;
}

static fv_status run_global_back(const fv_call *call) {
    job j = job_new(call);
    fv_pool_run(call->pool, j.pieces, back_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_pool_global) = {.name = "pool.global", .can = can_global, .run = run_global};
const fv_kernel FV_SYMBOL(kernel_pool_back_global) = {
    .name = "pool_back.global", .can = can_global, .run = run_global_back};
