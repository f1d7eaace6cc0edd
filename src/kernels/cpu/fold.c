/* fold.c - reductions of cells of any type, places of extremes, and running sums: plain loops, cut by result. */
#include "integers.h"
#include "walk.h"

#include <math.h>

/* ---- reductions --------------------------------------------------------------------------------------------------- */

typedef struct job {
    const fv_call *call;
    fv_walk kept, reduced;
    int64_t results, size;
} job;

FV_INLINE int64_t whole_start(fv_reduction kind, fv_dtype dtype) {
    return kind == FV_MAXIMUM   ? fv_whole_lowest(dtype)
           : kind == FV_MINIMUM ? fv_whole_highest(dtype)
           : kind == FV_PRODUCT ? 1
                                : 0;
}

FV_INLINE int64_t whole_join(fv_reduction kind, int64_t sum, int64_t x) {
    switch (kind) {
    case FV_MAXIMUM: return x > sum ? x : sum;
    case FV_MINIMUM: return x < sum ? x : sum;
    case FV_PRODUCT: return fv_wrap_mul(sum, x);
    case FV_SUM_SQUARES: return fv_wrap_add(sum, fv_wrap_mul(x, x));
    case FV_SUM_ABS: return fv_wrap_add(sum, fv_whole_element(FV_EL_ABS, x, 0));
    case FV_SUM:
    case FV_MEAN: break;
    }
    return fv_wrap_add(sum, x);
}

/* The statements for every cell of the reduced walk, `at` being where it lies from the first, `number` its number. */
#define EACH_REDUCED(w, ...)                                                                                           \
    do {                                                                                                               \
        int last = (w)->rank - 1;                                                                                      \
        int64_t cols = (w)->dim[last], rows = cols > 0 ? walk_cells(w) / cols : 0, number = 0;                         \
        walk_place p = walk_row(w, 0);                                                                                 \
        for (int64_t r = 0; r < rows; r++, walk_next_row(w, &p))                                                       \
            for (int64_t i = 0; i < cols; i++, number++) {                                                             \
                int64_t at = p.a + i * (w)->a[last];                                                                   \
                __VA_ARGS__                                                                                            \
            }                                                                                                          \
    } while (0)

static int64_t whole_fold(const fv_fold_geom *g, const fv_walk *w, const void *x, int64_t offset) {
    int64_t sum = whole_start(g->kind, g->dtype);
    EACH_REDUCED(w, sum = whole_join(g->kind, sum, fv_whole_load(g->dtype, x, offset + at)););
    return g->kind == FV_MEAN ? fv_whole_div(sum, walk_cells(w)) : sum;
}

/* Other kinds of reals are REDUCE's. */
static float real_product(const fv_walk *w, const float *x) {
    float product = 1;
    EACH_REDUCED(w, product *= x[at];);
    return product;
}

static int64_t whole_place(const fv_fold_geom *g, const fv_walk *w, const void *x, int64_t offset) {
    int64_t best = 0, place = 0;
    bool smallest = g->kind == FV_MINIMUM;
    EACH_REDUCED(w, {
        int64_t now = fv_whole_load(g->dtype, x, offset + at);
        if (number == 0 || (smallest ? now < best : now > best) || (g->last && now == best)) best = now, place = number;
    });
    return place;
}

static int64_t real_place(const fv_fold_geom *g, const fv_walk *w, const float *x) {
    float best = 0;
    int64_t place = 0;
    bool smallest = g->kind == FV_MINIMUM;
    EACH_REDUCED(w, {
        float now = x[at];
        if (number == 0 || (smallest ? now < best : now > best) || (g->last && now == best)) best = now, place = number;
    });
    return place;
}

static void fold_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_fold_geom *g = &j->call->geom->fold;
    const fv_walk *kept = &j->kept;
    void *y = j->call->arg[0];
    const void *x = j->call->arg[1];
    int last = kept->rank - 1;
    int64_t cols = kept->dim[last], first = piece * j->size;
    int64_t end = j->results - first < j->size ? j->results : first + j->size;
    for (int64_t i = first; i < end; i++) {
        walk_place p = walk_row(kept, i / cols);
        int64_t to = g->walk.y_offset + p.y + i % cols * kept->y[last];
        int64_t from = g->walk.a_offset + p.a + i % cols * kept->a[last];
        if (g->index)
            ((int64_t *)y)[to] = g->dtype == FV_F32 ? real_place(g, &j->reduced, (const float *)x + from)
                                                    : whole_place(g, &j->reduced, x, from);
        else if (g->dtype == FV_F32)
            ((float *)y)[to] = real_product(&j->reduced, (const float *)x + from);
        else
            fv_whole_store(g->dtype, y, to, whole_fold(g, &j->reduced, x, from));
    }
}

static fv_status run_fold(const fv_call *call) {
    fv_walk w = call->geom->fold.walk;
    if (call->geom->batched && w.rank > 0) w.dim[0] = call->n;
    if (w.rank == 0) w.rank = 1, w.dim[0] = 1;
    w.y_offset = w.a_offset = w.b_offset = 0;
    job j = {.call = call, .kept = w, .reduced = w};
    for (int d = 0; d < w.rank; d++) *(w.y[d] == 0 ? &j.kept.dim[d] : &j.reduced.dim[d]) = 1;
    j.results = walk_cells(&j.kept);
    int64_t pieces = fv_cut(j.results, walk_cells(&j.reduced), &j.size);
    if (j.results > 0) fv_pool_run(call->pool, pieces, fold_piece, &j);
    return FV_OK;
}

static bool can_fold(const fv_geom *geom) {
    const fv_fold_geom *g = &geom->fold;
    return g->dtype != FV_F32 || g->index || g->kind == FV_PRODUCT;
}

/* ---- running sums ------------------------------------------------------------------------------------------------- */

#define SCAN_CELLS(T, SUM, START, JOIN)                                                                                \
    do {                                                                                                               \
        SUM sum = START;                                                                                               \
        for (int64_t k = 0; k < length; k++) {                                                                         \
            int64_t at = (row * length + (g->reverse ? length - 1 - k : k)) * g->inner + i;                            \
            SUM x = ((const T *)call->arg[1])[at], next = JOIN;                                                        \
            ((T *)call->arg[0])[at] = (T)(g->exclusive ? sum : next);                                                  \
            sum = next;                                                                                                \
        }                                                                                                              \
    } while (0)
#define SCAN_WHOLE(T)                                                                                                  \
    if (g->product)                                                                                                    \
        SCAN_CELLS(T, int64_t, 1, fv_wrap_mul(sum, x));                                                                \
    else                                                                                                               \
        SCAN_CELLS(T, int64_t, 0, fv_wrap_add(sum, x));                                                                \
    break

static void scan_one(const fv_call *call, int64_t row, int64_t i, int64_t length) {
    const fv_scan_geom *g = &call->geom->scan;
    switch (g->dtype) {
    case FV_F32:
        if (g->product)
            SCAN_CELLS(float, float, 1, sum *x);
        else
            SCAN_CELLS(float, float, 0, sum + x);
        break;
    case FV_I32: SCAN_WHOLE(int32_t);
    case FV_I64: SCAN_WHOLE(int64_t);
    default: SCAN_WHOLE(uint8_t);
    }
}

typedef struct scan_job {
    const fv_call *call;
    int64_t length, sums, size;
} scan_job;

static void scan_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const scan_job *j = context;
    int64_t inner = j->call->geom->scan.inner, first = piece * j->size;
    int64_t end = j->sums - first < j->size ? j->sums : first + j->size;
    for (int64_t s = first; s < end; s++) scan_one(j->call, s / inner, s % inner, j->length);
}

static fv_status run_scan(const fv_call *call) {
    const fv_scan_geom *g = &call->geom->scan;
    scan_job j = {.call = call,
                  .length = g->over_samples ? call->n : g->length,
                  .sums = (g->over_samples ? 1 : call->n * g->outer) * g->inner};
    int64_t pieces = fv_cut(j.sums, j.length, &j.size);
    if (j.sums > 0) fv_pool_run(call->pool, pieces, scan_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_fold) = {.name = "fold.cells", .can = can_fold, .run = run_fold};
const fv_kernel FV_SYMBOL(kernel_scan) = {.name = "scan.cells", .run = run_scan};
