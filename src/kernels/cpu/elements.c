/* elements.c - functions of one or two cells of any type over walks, and choices between cells. */
#include "integers.h"
#include "vmath_lanes.h"
#include "walk.h"

typedef struct job {
    const fv_call *call;
    fv_walk walk;
    int64_t cells, size;
} job;

/* ---- a run of cells: sy, sa and sb elements apart ------------------------------------------------------------------ */

typedef struct run {
    void *y;
    const void *a, *b;
    int64_t sy, sa, sb, count;
} run;

FV_INLINE float real_modulo(float a, float b) {
    float r = __builtin_fmodf(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/* The kinds whose result is real; `kind` is a constant at each call. */
FV_INLINE float real_element(fv_element kind, float a, float b) {
    switch (kind) {
    case FV_EL_ABS: return __builtin_fabsf(a);
    case FV_EL_NEG: return -a;
    case FV_EL_SIGN: return (float)((a > 0) - (a < 0));
    case FV_EL_ADD: return a + b;
    case FV_EL_SUB: return a - b;
    case FV_EL_MUL: return a * b;
    case FV_EL_DIV: return a / b;
    case FV_EL_MAX: return a > b ? a : b;
    case FV_EL_MIN: return a < b ? a : b;
    case FV_EL_POW: return (float)lane_pow((double)a, (double)b);
    case FV_EL_MODULO: return real_modulo(a, b);
    case FV_EL_REMAINDER: return __builtin_fmodf(a, b);
    default: return a;
    }
}

/* The kinds whose result is a truth value. */
FV_INLINE uint8_t real_truth(fv_element kind, float a, float b) {
    switch (kind) {
    case FV_EL_IS_NAN: return a != a;
    case FV_EL_IS_INF: return a == INFINITY || a == -INFINITY;
    case FV_EL_IS_POSITIVE_INF: return a == INFINITY;
    case FV_EL_IS_NEGATIVE_INF: return a == -INFINITY;
    case FV_EL_EQUAL: return a == b;
    case FV_EL_NOT_EQUAL: return a != b;
    case FV_EL_LESS: return a < b;
    case FV_EL_LESS_EQUAL: return a <= b;
    case FV_EL_GREATER: return a > b;
    case FV_EL_GREATER_EQUAL: return a >= b;
    default: return 0;
    }
}

#define EACH_CELL(r, T, R, VALUE)                                                                                      \
    for (int64_t i = 0; i < (r)->count; i++) {                                                                         \
        T a = ((const T *)(r)->a)[i * (r)->sa], b = ((const T *)(r)->b)[i * (r)->sb];                                  \
        (void)b;                                                                                                       \
        ((R *)(r)->y)[i * (r)->sy] = (R)(VALUE);                                                                       \
    }

/* One loop a kind, dense ones apart: the compiler makes vectors of those. */
#define CELLS(r, T, R, VALUE)                                                                                          \
    do {                                                                                                               \
        run dense = *(r);                                                                                              \
        dense.sy = dense.sa = dense.sb = 1;                                                                            \
        if ((r)->sy == 1 && (r)->sa == 1 && (r)->sb == 1)                                                              \
            EACH_CELL(&dense, T, R, VALUE)                                                                             \
        else                                                                                                           \
            EACH_CELL(r, T, R, VALUE)                                                                                  \
    } while (0)

#define ARITHMETIC_KINDS(DO)                                                                                           \
    DO(ABS) DO(NEG) DO(SIGN) DO(ADD) DO(SUB) DO(MUL) DO(DIV) DO(MAX) DO(MIN) DO(POW) DO(MODULO) DO(REMAINDER)
#define BIT_KINDS(DO) DO(NOT) DO(AND) DO(OR) DO(XOR) DO(SHIFT_LEFT) DO(SHIFT_RIGHT)
#define COMPARISONS(DO) DO(EQUAL) DO(NOT_EQUAL) DO(LESS) DO(LESS_EQUAL) DO(GREATER) DO(GREATER_EQUAL)
#define REAL_TESTS(DO) DO(IS_NAN) DO(IS_INF) DO(IS_POSITIVE_INF) DO(IS_NEGATIVE_INF)

static void real_run(fv_element kind, const run *r) {
    switch (kind) {
#define DO(KIND)                                                                                                       \
    case FV_EL_##KIND: CELLS(r, float, float, real_element(FV_EL_##KIND, a, b)); break;
        ARITHMETIC_KINDS(DO)
#undef DO
#define DO(KIND)                                                                                                       \
    case FV_EL_##KIND: CELLS(r, float, uint8_t, real_truth(FV_EL_##KIND, a, b)); break;
        COMPARISONS(DO)
        REAL_TESTS(DO)
#undef DO
            default : break;
    }
}

#define WHOLE_RUN(name, T)                                                                                             \
    static void name(fv_element kind, const run *r) {                                                                  \
        switch (kind) {                                                                                                \
            ARITHMETIC_KINDS(DO_WHOLE_##T)                                                                             \
            BIT_KINDS(DO_WHOLE_##T)                                                                                    \
            COMPARISONS(DO_TRUTH_##T)                                                                                  \
        default: break;                                                                                                \
        }                                                                                                              \
    }
#define DO_WHOLE(KIND, T, R)                                                                                           \
    case FV_EL_##KIND:                                                                                                 \
        CELLS(r, T, R, fv_whole_element(FV_EL_##KIND, a, b));                                                          \
        break;
#define DO_WHOLE_int32_t(KIND) DO_WHOLE(KIND, int32_t, int32_t)
#define DO_TRUTH_int32_t(KIND) DO_WHOLE(KIND, int32_t, uint8_t)
#define DO_WHOLE_int64_t(KIND) DO_WHOLE(KIND, int64_t, int64_t)
#define DO_TRUTH_int64_t(KIND) DO_WHOLE(KIND, int64_t, uint8_t)
#define DO_WHOLE_uint8_t(KIND) DO_WHOLE(KIND, uint8_t, uint8_t)
#define DO_TRUTH_uint8_t(KIND) DO_WHOLE(KIND, uint8_t, uint8_t)
WHOLE_RUN(i32_run, int32_t)
WHOLE_RUN(i64_run, int64_t)
WHOLE_RUN(u8_run, uint8_t)

/* Truth values: a byte is 0 or 1. */
static void bool_run(fv_element kind, const run *r) {
    switch (kind) {
#define DO(KIND)                                                                                                       \
    case FV_EL_##KIND: CELLS(r, uint8_t, uint8_t, fv_whole_element(FV_EL_##KIND, a, b) & 1); break;
        ARITHMETIC_KINDS(DO)
        BIT_KINDS(DO) COMPARISONS(DO)
#undef DO
            default : break;
    }
}

#define CAST_RUN(name, T, FROM_REAL)                                                                                   \
    static void name(fv_dtype to, const run *r) {                                                                      \
        switch (to) {                                                                                                  \
        case FV_F32: CELLS(r, T, float, a); break;                                                                     \
        case FV_I32: CELLS(r, T, int32_t, FROM_REAL ? fv_whole_from_real(FV_I32, (double)a) : (int64_t)a); break;      \
        case FV_I64: CELLS(r, T, int64_t, FROM_REAL ? fv_whole_from_real(FV_I64, (double)a) : (int64_t)a); break;      \
        case FV_U8: CELLS(r, T, uint8_t, FROM_REAL ? fv_whole_from_real(FV_U8, (double)a) : (int64_t)a); break;        \
        default: CELLS(r, T, uint8_t, a != 0); break;                                                                  \
        }                                                                                                              \
    }
CAST_RUN(cast_real, float, true)
CAST_RUN(cast_i32, int32_t, false)
CAST_RUN(cast_i64, int64_t, false)
CAST_RUN(cast_u8, uint8_t, false)

static void run_cells(const fv_elements_geom *g, const run *r) {
    bool cast = g->kind == FV_EL_CAST;
    switch (g->dtype) {
    case FV_F32: cast ? cast_real(g->result, r) : real_run(g->kind, r); break;
    case FV_I32: cast ? cast_i32(g->result, r) : i32_run(g->kind, r); break;
    case FV_I64: cast ? cast_i64(g->result, r) : i64_run(g->kind, r); break;
    case FV_BOOL: cast ? cast_u8(g->result, r) : bool_run(g->kind, r); break;
    default: cast ? cast_u8(g->result, r) : u8_run(g->kind, r); break;
    }
}

/* ---- over walks --------------------------------------------------------------------------------------------------- */

static void elements_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_walk *w = &j->walk;
    const fv_elements_geom *g = &j->call->geom->elements;
    int64_t from = (int64_t)fv_dtype_size(g->dtype), to = (int64_t)fv_dtype_size(g->result);
    int64_t first = piece * j->size, count = j->cells - first < j->size ? j->cells - first : j->size;
    int last = w->rank - 1;
    int64_t cols = w->dim[last], col = first % cols;
    const char *a = j->call->arg[1], *b = j->call->arg[2] ? j->call->arg[2] : a;
    walk_place p = walk_row(w, first / cols);
    for (; count > 0; count -= cols - col, col = 0, walk_next_row(w, &p)) {
        int64_t now = cols - col < count ? cols - col : count;
        bool two = j->call->arg[2];
        run r = {.y = (char *)j->call->arg[0] + (p.y + col * w->y[last]) * to,
                 .a = a + (p.a + col * w->a[last]) * from,
                 .b = two ? b + (p.b + col * w->b[last]) * from : a + (p.a + col * w->a[last]) * from,
                 .sy = w->y[last],
                 .sa = w->a[last],
                 .sb = two ? w->b[last] : w->a[last],
                 .count = now};
        run_cells(g, &r);
    }
}

static fv_status run_elements(const fv_call *call) {
    const fv_walk *planned = &call->geom->elements.walk;
    job j = {.call = call, .walk = walk_simplify(call, planned)};
    j.walk.y_offset = planned->y_offset, j.walk.a_offset = planned->a_offset, j.walk.b_offset = planned->b_offset;
    j.cells = walk_cells(&j.walk);
    int64_t pieces = fv_cut(j.cells, 1, &j.size);
    if (j.cells > 0) fv_pool_run(call->pool, pieces, elements_piece, &j);
    return FV_OK;
}

/* ---- choices ------------------------------------------------------------------------------------------------------ */

#define SELECT_CELLS(T)                                                                                                \
    for (int64_t i = 0; i < cols; i++) {                                                                               \
        const T *from = c[i * sc] ? (const T *)a + i * sa : (const T *)b + i * sb;                                     \
        ((T *)y)[i * sy] = *from;                                                                                      \
    }

/* A row of the walk as it was planned: its last dimension. */
static void select_row(const fv_select_geom *g, const fv_walk *w, char *y, const uint8_t *c, const char *a,
                       const char *b) {
    int last = w->rank - 1;
    int64_t cols = w->dim[last], sy = w->y[last], sa = w->a[last], sb = w->b[last], sc = g->c[last];
    if (g->element == 4)
        SELECT_CELLS(uint32_t)
    else if (g->element == 8)
        SELECT_CELLS(uint64_t)
    else
        SELECT_CELLS(uint8_t)
}

static void select_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_walk *w = &j->walk;
    const fv_select_geom *g = &j->call->geom->select;
    int64_t first = piece * j->size, end = j->cells - first < j->size ? j->cells : first + j->size;
    walk_place p = walk_row(w, first);
    for (int64_t row = first; row < end; row++, walk_next_row(w, &p)) {
        int64_t c = 0;
        for (int d = 0; d < w->rank - 1; d++) c += p.at[d] * g->c[d];
        select_row(g, w, (char *)j->call->arg[0] + p.y * g->element, (const uint8_t *)j->call->arg[1] + c,
                   (const char *)j->call->arg[2] + p.a * g->element, (const char *)j->call->arg[3] + p.b * g->element);
    }
}

/* cells: rows. The fourth walk keeps the dimensions from being joined. */
static fv_status run_select(const fv_call *call) {
    job j = {.call = call, .walk = call->geom->select.walk};
    if (call->geom->batched && j.walk.rank > 0) j.walk.dim[0] = call->n;
    if (j.walk.rank == 0) j.walk.rank = 1, j.walk.dim[0] = 1;
    int64_t cols = j.walk.dim[j.walk.rank - 1], all = walk_cells(&j.walk);
    if (all == 0) return FV_OK;
    j.cells = all / cols;
    int64_t pieces = fv_cut(j.cells, cols, &j.size);
    fv_pool_run(call->pool, pieces, select_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_elements) = {.name = "elements.cells", .run = run_elements};
const fv_kernel FV_SYMBOL(kernel_select) = {.name = "select.cells", .run = run_select};
