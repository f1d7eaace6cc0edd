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
        DO(ABS) DO(NEG) DO(SQUARE) DO(SIGN) DO(RECIPROCAL) DO(SCALE) DO(CLIP)

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
    int64_t count, size;
} job;

static void unary_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    int64_t first = piece * j->size, count = j->count - first < j->size ? j->count - first : j->size;
    const fv_unary_geom *g = &j->call->geom->unary;
    FV_SYMBOL(unary_run)
    (g->kind, g->a, g->b, (const float *)j->call->arg[1] + first, (float *)j->call->arg[0] + first, count);
}

static void slope_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    void *const *arg = j->call->arg;
    int64_t first = piece * j->size, count = j->count - first < j->size ? j->count - first : j->size;
    unsigned reads = fv_unary_reads(j->call->geom->unary.kind);
    slope_range(&j->call->geom->unary, (const float *)arg[1] + first,
                reads & FV_READS_X ? (const float *)arg[2] + first : NULL,
                reads & FV_READS_Y ? (const float *)arg[3] + first : NULL, (float *)arg[0] + first, count);
}

static fv_status run(const fv_call *call, int64_t each, fv_piece piece) {
    job j = {call, call->n * each, 0};
    int64_t pieces = fv_cut(j.count, 1, &j.size);
    fv_pool_run(call->pool, pieces, piece, &j);
    return FV_OK;
}

static fv_status run_unary(const fv_call *call) { return run(call, call->geom->unary.each, unary_piece); }
static fv_status run_unary_back(const fv_call *call) { return run(call, call->geom->unary.each, slope_piece); }

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
