/* unary.c - element functions of one argument, and fills. */
#include "pieces.h"
#include "vmath.h"

FV_INLINE void apply(fv_unary kind, float a, float b, const float *x, float *y, int64_t count) {
    FV_EACH_VECTOR(count, i, lanes, vf_store_lanes(y + i, vf_unary(kind, a, b, vf_load_lanes(x + i, lanes)), lanes););
}

/* x or y is NULL when the derivative does not read it. */
FV_INLINE void apply_slope(fv_unary kind, float a, float b, const float *dy, const float *x, const float *y, float *dx,
                           int64_t count) {
    FV_EACH_VECTOR(count, i, lanes, {
        vf at = x ? vf_load_lanes(x + i, lanes) : vf_zero();
        vf result = y ? vf_load_lanes(y + i, lanes) : vf_zero();
        vf_store_lanes(dx + i, vf_load_lanes(dy + i, lanes) * vf_unary_slope(kind, a, b, at, result), lanes);
    });
}

/* A loop of its own for every kind: the compiler warns when one is missing. */
#define EACH_KIND(DO)                                                                                                  \
    DO(COPY)                                                                                                           \
    DO(RELU)                                                                                                           \
    DO(LEAKY_RELU) DO(SIGMOID) DO(TANH) DO(ELU) DO(GELU) DO(GELU_TANH) DO(SOFTPLUS) DO(SWISH) DO(EXP) DO(LOG) DO(SQRT) \
        DO(ABS) DO(NEG) DO(SQUARE) DO(SIGN) DO(RECIPROCAL) DO(SCALE) DO(CLIP) DO(FLOOR) DO(CEIL) DO(ROUND) DO(SIN)     \
            DO(COS) DO(TAN) DO(ASIN) DO(ACOS) DO(ATAN) DO(SINH) DO(COSH) DO(ASINH) DO(ACOSH) DO(ATANH) DO(ERF)         \
                DO(HARD_SIGMOID) DO(HARD_SWISH) DO(MISH) DO(SELU) DO(CELU) DO(SOFTSIGN) DO(THRESHOLDED_RELU)           \
                    DO(SHRINK)

void FV_SYMBOL(unary_run)(fv_unary kind, double a, double b, const float *x, float *y, int64_t count) {
    switch (kind) {
#define DO(KIND)                                                                                                       \
    case FV_U_##KIND: apply(FV_U_##KIND, (float)a, (float)b, x, y, count); break;
        EACH_KIND(DO)
#undef DO
    case FV_U_COUNT: break;
    }
}

static void slope_range(const fv_unary_geom *g, const float *dy, const float *x, const float *y, float *dx,
                        int64_t count) {
    float a = (float)g->a, b = (float)g->b;
    switch (g->kind) {
#define DO(KIND)                                                                                                       \
    case FV_U_##KIND: apply_slope(FV_U_##KIND, a, b, dy, x, y, dx, count); break;
        EACH_KIND(DO)
#undef DO
    case FV_U_COUNT: break;
    }
}

typedef struct job {
    const fv_call *call;
    int64_t count, size; /* elements, or rows */
    int64_t run;         /* elements that lie one behind the other for sure: 1, or a row */
    int64_t step[4];     /* of every argument, from run to run */
} job;

/* The piece's first run of argument k. */
FV_INLINE float *argument(const job *j, int k, int64_t first) {
    return j->call->arg[k] ? (float *)j->call->arg[k] + first * j->step[k] : NULL;
}

/* Of the piece's runs those that are done as one: all of them where nothing lies between. */
FV_INLINE int64_t together(const job *j, int64_t count) { return j->call->geom->unary.row ? 1 : count; }

static void unary_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_unary_geom *g = &j->call->geom->unary;
    int64_t first = piece * j->size, count = j->count - first < j->size ? j->count - first : j->size;
    float *y = argument(j, 0, first);
    const float *x = argument(j, 1, first);
    const int64_t some = together(j, count);
    for (int64_t i = 0; i < count; i += some, y += j->step[0], x += j->step[1])
        FV_SYMBOL(unary_run)(g->kind, g->a, g->b, x, y, some * j->run);
}

static void slope_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    int64_t first = piece * j->size, count = j->count - first < j->size ? j->count - first : j->size;
    unsigned reads = fv_unary_reads(j->call->geom->unary.kind);
    float *dx = argument(j, 0, first);
    const float *dy = argument(j, 1, first), *x = reads & FV_READS_X ? argument(j, 2, first) : NULL,
                *y = reads & FV_READS_Y ? argument(j, 3, first) : NULL;
    const int64_t some = together(j, count);
    for (int64_t i = 0; i < count; i += some) {
        slope_range(&j->call->geom->unary, dy, x, y, dx, some * j->run);
        dx += j->step[0], dy += j->step[1];
        if (x) x += j->step[2];
        if (y) y += j->step[3];
    }
}

/* Rows of the call in pieces, or its elements where they are dense. */
static fv_status run(const fv_call *call, int64_t each, fv_piece piece) {
    job j = {.call = call, .count = call->n * each, .run = 1, .step = {1, 1, 1, 1}};
    int64_t pieces = fv_cut(j.count, 1, &j.size);
    fv_pool_run(call->pool, pieces, piece, &j);
    return FV_OK;
}

static fv_status run_rows(const fv_call *call, fv_piece piece) {
    const fv_unary_geom *g = &call->geom->unary;
    if (!g->row) return run(call, g->each, piece);
    job j = {.call = call, .count = call->n * g->each / g->row, .run = g->row};
    for (int k = 0; k < 4; k++) j.step[k] = fv_pixel(g->pixel[k], g->row);
    int64_t pieces = fv_cut(j.count, g->row, &j.size);
    fv_pool_run(call->pool, pieces, piece, &j);
    return FV_OK;
}

static fv_status run_unary(const fv_call *call) { return run_rows(call, unary_piece); }
static fv_status run_unary_back(const fv_call *call) { return run_rows(call, slope_piece); }

static void fill_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_fill_geom *g = &j->call->geom->fill;
    float *y = (float *)j->call->arg[0] + piece * j->size;
    int64_t count = j->count - piece * j->size < j->size ? j->count - piece * j->size : j->size;
    vf value = vf_all((float)(g->over_n ? g->value / (double)j->call->n : g->value));
    FV_EACH_VECTOR(count, i, lanes, vf_store_lanes(y + i, value, lanes););
}

static fv_status run_fill(const fv_call *call) { return run(call, call->geom->fill.each, fill_piece); }

const fv_kernel FV_SYMBOL(kernel_unary) = {.name = "unary.vector", .run = run_unary};
const fv_kernel FV_SYMBOL(kernel_unary_back) = {.name = "unary_back.vector", .run = run_unary_back};
const fv_kernel FV_SYMBOL(kernel_fill) = {.name = "fill.vector", .run = run_fill};
