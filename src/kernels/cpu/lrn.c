/* lrn.c - local response normalisation, vectors along the channels. A pixel's squares lie in scratch with a border of
 * zeros, so that the sums over neighbours are sums of shifted rows. */
#include "pieces.h"
#include "vmath.h"

typedef struct job {
    const fv_call *call;
    int64_t pixels, size;
} job;

/* Floats of one bordered row, so that rows of several threads do not share a cache line. */
static int64_t row_floats(const fv_lrn_geom *g) { return (g->c + g->window - 1 + 15) / 16 * 16; }

static void need(const fv_geom *geom, int threads, fv_need *need) {
    need->scratch = (size_t)threads * (size_t)row_floats(&geom->lrn) * sizeof(float);
}

/* The thread's row, its border cleared. Returns where channel 0 lies. */
static float *bordered_row(const job *j, int thread) {
    const fv_lrn_geom *g = &j->call->geom->lrn;
    float *row = (float *)j->call->scratch + thread * row_floats(g);
    memset(row, 0, (size_t)row_floats(g) * sizeof *row);
    return row + g->window / 2;
}

/* The sum over the channels around c of a bordered row. */
FV_INLINE vf around(const fv_lrn_geom *g, const float *row, int64_t c, int64_t lanes) {
    vf sum = vf_load_lanes(row + c - g->window / 2, lanes);
    for (int64_t j = 1 - g->window / 2; j <= g->window / 2; j++) sum += vf_load_lanes(row + c + j, lanes);
    return sum;
}

static void square_row(const fv_lrn_geom *g, const float *x, float *row) {
    FV_EACH_VECTOR(g->c, c, lanes, {
        vf v = vf_load_lanes(x + c, lanes);
        vf_store_lanes(row + c, v * v, lanes);
    });
}

static void forward_pixel(const fv_lrn_geom *g, const float *x, float *y, float *row) {
    square_row(g, x, row);
    FV_EACH_VECTOR(g->c, c, lanes, {
        vf s = (float)g->k + (float)g->alpha * around(g, row, c, lanes);
        vf_store_lanes(y + c, vf_load_lanes(x + c, lanes) * vf_exp((float)-g->beta * vf_log(s)), lanes);
    });
}

/* dx is s first, then dy / s^beta; by then the row holds dx * x / s instead of squares. */
static void back_pixel(const fv_lrn_geom *g, const float *dy, const float *x, float *dx, float *row) {
    const float twice = (float)(2 * g->alpha * g->beta);
    square_row(g, x, row);
    FV_EACH_VECTOR(g->c, c, lanes, {
        vf s = (float)g->k + (float)g->alpha * around(g, row, c, lanes);
        vf_store_lanes(dx + c, s, lanes);
    });
    FV_EACH_VECTOR(g->c, c, lanes, {
        vf s = vf_load_lanes(dx + c, lanes);
        vf part = vf_load_lanes(dy + c, lanes) * vf_exp((float)-g->beta * vf_log(s));
        vf_store_lanes(dx + c, part, lanes);
        vf_store_lanes(row + c, part * vf_load_lanes(x + c, lanes) / s, lanes);
    });
    FV_EACH_VECTOR(g->c, c, lanes, {
        vf less = twice * vf_load_lanes(x + c, lanes) * around(g, row, c, lanes);
        vf_store_lanes(dx + c, vf_load_lanes(dx + c, lanes) - less, lanes);
    });
}

static void forward_piece(void *context, int64_t piece, int thread) {
    const job *j = context;
    const fv_lrn_geom *g = &j->call->geom->lrn;
    float *row = bordered_row(j, thread);
    int64_t end = (piece + 1) * j->size < j->pixels ? (piece + 1) * j->size : j->pixels;
    for (int64_t p = piece * j->size; p < end; p++)
        forward_pixel(g, (const float *)j->call->arg[1] + p * g->c, (float *)j->call->arg[0] + p * g->c, row);
}

static void back_piece(void *context, int64_t piece, int thread) {
    const job *j = context;
    const fv_lrn_geom *g = &j->call->geom->lrn;
    float *row = bordered_row(j, thread);
    int64_t end = (piece + 1) * j->size < j->pixels ? (piece + 1) * j->size : j->pixels;
    for (int64_t p = piece * j->size; p < end; p++)
        back_pixel(g, (const float *)j->call->arg[1] + p * g->c, (const float *)j->call->arg[2] + p * g->c,
                   (float *)j->call->arg[0] + p * g->c, row);
}

static fv_status run(const fv_call *call, fv_piece piece) {
    const fv_lrn_geom *g = &call->geom->lrn;
    job j = {call, call->n * g->pixels, 0};
    int64_t pieces = fv_cut(j.pixels, g->c * 4, &j.size);
    fv_pool_run(call->pool, pieces, piece, &j);
    return FV_OK;
}

static fv_status run_lrn(const fv_call *call) { return run(call, forward_piece); }
static fv_status run_lrn_back(const fv_call *call) { return run(call, back_piece); }

const fv_kernel FV_SYMBOL(kernel_lrn) = {.name = "lrn.channels", .need = need, .run = run_lrn};
const fv_kernel FV_SYMBOL(kernel_lrn_back) = {.name = "lrn_back.channels", .need = need, .run = run_lrn_back};
