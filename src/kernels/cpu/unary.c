/* unary.c - element functions of one argument, and fills. */
#include "pieces.h"
#include "vmath.h"

/* Elements that lie one behind the other, so many rows of them; floats from row to row of every argument. */
typedef struct rows {
    int64_t count, length, step[4];
} rows;

/* Functions computed lane by lane: so long that one body serves whole vectors and the part that is left. */
FV_INLINE bool by_lanes(fv_unary kind) { return kind >= FV_U_SIN && kind <= FV_U_ATANH; }

#define EACH_VECTOR(kind, count, i, lanes, ...)                                                                        \
    if (by_lanes(kind))                                                                                                \
        for (int64_t i = 0; i < (count); i += FV_LANES) {                                                              \
            const int64_t lanes = (count)-i < FV_LANES ? (count)-i : FV_LANES;                                         \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    else                                                                                                               \
        FV_EACH_VECTOR(count, i, lanes, __VA_ARGS__)

FV_INLINE void apply(fv_unary kind, float a, float b, const float *x, float *y, const rows *r) {
    for (int64_t k = 0; k < r->count; k++, y += r->step[0], x += r->step[1])
        EACH_VECTOR(kind, r->length, i, lanes,
                    vf_store_lanes(y + i, vf_unary(kind, a, b, vf_load_lanes(x + i, lanes)), lanes););
}

/* x or y is NULL when the derivative does not read it. */
FV_INLINE void apply_slope(fv_unary kind, float a, float b, const float *dy, const float *x, const float *y, float *dx,
                           const rows *r) {
    for (int64_t k = 0; k < r->count; k++, dx += r->step[0], dy += r->step[1]) {
        EACH_VECTOR(kind, r->length, i, lanes, {
            vf at = x ? vf_load_lanes(x + k * r->step[2] + i, lanes) : vf_zero();
            vf result = y ? vf_load_lanes(y + k * r->step[3] + i, lanes) : vf_zero();
            vf d = vf_load_lanes(dy + i, lanes);
            if (kind == FV_U_RELU) /* other kernels do it as they read */
                d = vf_passed(d, result);
            else
                d *= vf_unary_slope(kind, a, b, at, result);
            vf_store_lanes(dx + i, d, lanes);
        });
    }
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

static void unary_rows(fv_unary kind, double a, double b, const float *x, float *y, const rows *r) {
    switch (kind) {
#define DO(KIND)                                                                                                       \
    case FV_U_##KIND: apply(FV_U_##KIND, (float)a, (float)b, x, y, r); break;
        EACH_KIND(DO)
#undef DO
    case FV_U_COUNT: break;
    }
}

void unary_in_place(const fv_epilogue *e, float *y, int64_t count, int64_t length, int64_t step) {
    const bool dense = step == length;
    const rows r = {.count = dense ? 1 : count, .length = dense ? count * length : length, .step = {step, step}};
    unary_rows(e->act, e->a, e->b, y, y, &r);
}

static void slope_rows(const fv_unary_geom *g, const float *dy, const float *x, const float *y, float *dx,
                       const rows *r) {
    float a = (float)g->a, b = (float)g->b;
    switch (g->kind) {
#define DO(KIND)                                                                                                       \
    case FV_U_##KIND: apply_slope(FV_U_##KIND, a, b, dy, x, y, dx, r); break;
        EACH_KIND(DO)
#undef DO
    case FV_U_COUNT: break;
    }
}

typedef struct job {
    const fv_call *call;
    int64_t count, size; /* rows, or elements where all are dense */
} job;

/* What a piece works on, from row (or element) *first on. */
static rows rows_of(const job *j, int64_t piece, int64_t *first) {
    const fv_unary_geom *g = &j->call->geom->unary;
    *first = piece * j->size;
    int64_t count = j->count - *first < j->size ? j->count - *first : j->size;
    if (!g->row) return (rows){.count = 1, .length = count};
    rows r = {.count = count, .length = g->row};
    for (int k = 0; k < 4; k++) r.step[k] = fv_pixel(g->pixel[k], g->row);
    return r;
}

static float *argument(const job *j, const rows *r, int k, int64_t first) {
    int64_t step = j->call->geom->unary.row ? r->step[k] : 1;
    return j->call->arg[k] ? (float *)j->call->arg[k] + first * step : NULL;
}

static void unary_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_unary_geom *g = &j->call->geom->unary;
    int64_t first;
    rows r = rows_of(j, piece, &first);
    unary_rows(g->kind, g->a, g->b, argument(j, &r, 1, first), argument(j, &r, 0, first), &r);
}

static void slope_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    int64_t first;
    rows r = rows_of(j, piece, &first);
    unsigned reads = fv_unary_reads(j->call->geom->unary.kind);
    slope_rows(&j->call->geom->unary, argument(j, &r, 1, first), reads & FV_READS_X ? argument(j, &r, 2, first) : NULL,
               reads & FV_READS_Y ? argument(j, &r, 3, first) : NULL, argument(j, &r, 0, first), &r);
}

static fv_status run(const fv_call *call, int64_t each, fv_piece piece) {
    job j = {call, call->n * each, 0};
    int64_t pieces = fv_cut(j.count, 1, &j.size);
    fv_pool_run(call->pool, pieces, piece, &j);
    return FV_OK;
}

static fv_status run_rows(const fv_call *call, fv_piece piece) {
    const fv_unary_geom *g = &call->geom->unary;
    if (!g->row) return run(call, g->each, piece);
    job j = {call, call->n * g->each / g->row, 0};
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
