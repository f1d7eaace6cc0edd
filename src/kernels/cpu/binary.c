/* binary.c - element functions of two arguments over walks. */
#include "walk.h"

enum { TILE = 512 }; /* floats of a short repeated operand that are laid out side by side */

typedef struct job {
    const fv_call *call;
    fv_walk walk;
    int64_t cells, size;
} job;

FV_INLINE vf binary(fv_binary kind, vf a, vf b) {
    switch (kind) {
    case FV_B_ADD: return a + b;
    case FV_B_SUB: return a - b;
    case FV_B_MUL: return a * b;
    case FV_B_DIV: return a / b;
    case FV_B_MAX: return vf_max(a, b);
    case FV_B_MIN: return vf_min(a, b);
    case FV_B_COUNT: break;
    }
    return a;
}

/* One lane, by the same arithmetic. */
FV_INLINE float binary_one(fv_binary kind, float a, float b) { return binary(kind, vf_all(a), vf_all(b))[0]; }

/* A run of cells: y is dense, a and b are dense or one value for all. */
FV_INLINE void run_of(fv_binary kind, float *y, const float *a, const float *b, int64_t count, bool one_a, bool one_b) {
    vf all_a = vf_all(one_a ? *a : 0), all_b = vf_all(one_b ? *b : 0);
    FV_EACH_VECTOR(count, i, lanes, {
        vf va = one_a ? all_a : vf_load_lanes(a + i, lanes);
        vf vb = one_b ? all_b : vf_load_lanes(b + i, lanes);
        vf_store_lanes(y + i, binary(kind, va, vb), lanes);
    });
}

FV_INLINE void run_strided(fv_binary kind, float *y, const float *a, const float *b, int64_t count, const fv_walk *w) {
    int64_t sy = w->y[w->rank - 1], sa = w->a[w->rank - 1], sb = w->b[w->rank - 1];
    if (sy == 1 && sa == 1 && sb == 1)
        run_of(kind, y, a, b, count, false, false);
    else if (sy == 1 && sa == 1 && sb == 0)
        run_of(kind, y, a, b, count, false, true);
    else if (sy == 1 && sa == 0 && sb == 1)
        run_of(kind, y, a, b, count, true, false);
    else
        for (int64_t i = 0; i < count; i++) y[i * sy] = binary_one(kind, a[i * sa], b[i * sb]);
}

/* Rows that are the walk's first dimension apart, or one row. */
FV_INLINE void run_rows(fv_binary kind, float *y, const float *a, const float *b, int64_t rows, int64_t count,
                        const fv_walk *w) {
    for (int64_t r = 0; r < rows; r++) run_strided(kind, y + r * w->y[0], a + r * w->a[0], b + r * w->b[0], count, w);
}

static void binary_run(fv_binary kind, float *y, const float *a, const float *b, int64_t rows, int64_t count,
                       const fv_walk *w) {
    switch (kind) {
    case FV_B_ADD: run_rows(FV_B_ADD, y, a, b, rows, count, w); break;
    case FV_B_SUB: run_rows(FV_B_SUB, y, a, b, rows, count, w); break;
    case FV_B_MUL: run_rows(FV_B_MUL, y, a, b, rows, count, w); break;
    case FV_B_DIV: run_rows(FV_B_DIV, y, a, b, rows, count, w); break;
    case FV_B_MAX: run_rows(FV_B_MAX, y, a, b, rows, count, w); break;
    case FV_B_MIN: run_rows(FV_B_MIN, y, a, b, rows, count, w); break;
    case FV_B_COUNT: break;
    }
}

/* Rows so short that vectors would be mostly empty, with an operand that is the same for all of them (a bias over few
 * channels): the operand is laid out several times and several rows are done as one. */
static bool repeats(const fv_walk *w, const int64_t dense[], const int64_t again[]) {
    int64_t cols = w->dim[1];
    return w->rank == 2 && cols <= TILE / 4 && w->y[1] == 1 && w->y[0] == cols && dense[1] == 1 && dense[0] == cols &&
           again[1] == 1 && again[0] == 0;
}

static void lay_out(float tile[TILE], const float *row, int64_t cols, int64_t rows) {
    for (int64_t r = 0; r < rows; r++) memcpy(tile + r * cols, row, (size_t)cols * sizeof *row);
}

/* Cells first .. first+count-1, first at the beginning of a row. */
static void repeated(const job *j, int64_t first, int64_t count, bool repeat_a) {
    fv_binary kind = j->call->geom->binary.kind;
    fv_walk whole = {.rank = 1, .y = {1}, .a = {1}, .b = {1}};
    float tile[TILE], *y = (float *)j->call->arg[0] + j->walk.y_offset + first;
    const float *a = (const float *)j->call->arg[1] + j->walk.a_offset,
                *b = (const float *)j->call->arg[2] + j->walk.b_offset;
    int64_t cols = j->walk.dim[1], step = TILE / cols * cols;
    lay_out(tile, repeat_a ? a : b, cols, TILE / cols);
    for (int64_t i = 0; i < count; i += step) {
        int64_t now = count - i < step ? count - i : step;
        binary_run(kind, y + i, repeat_a ? tile : a + first + i, repeat_a ? b + first + i : tile, 1, now, &whole);
    }
}

static void binary_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_walk *w = &j->walk;
    int64_t first = piece * j->size, count = j->cells - first < j->size ? j->cells - first : j->size;
    if (repeats(w, w->a, w->b) || repeats(w, w->b, w->a)) {
        repeated(j, first, count, repeats(w, w->b, w->a));
        return;
    }
    int64_t cols = w->dim[w->rank - 1], col = first % cols, sy = w->y[w->rank - 1], sa = w->a[w->rank - 1],
            sb = w->b[w->rank - 1];
    walk_place p = walk_row(w, first / cols);
    float *y = j->call->arg[0];
    const float *a = j->call->arg[1], *b = j->call->arg[2];
    fv_binary kind = j->call->geom->binary.kind;
    if (w->rank == 2) { /* whole rows: see how the pieces are cut */
        binary_run(kind, y + p.y, a + p.a, b + p.b, count / cols, cols, w);
        return;
    }
    for (; count > 0; count -= cols - col, col = 0, walk_next_row(w, &p)) {
        int64_t now = cols - col < count ? cols - col : count;
        binary_run(kind, y + p.y + col * sy, a + p.a + col * sa, b + p.b + col * sb, 1, now, w);
    }
}

static fv_status run_binary(const fv_call *call) {
    const fv_walk *planned = &call->geom->binary.walk;
    job j = {.call = call, .walk = walk_simplify(call, planned)};
    j.cells = walk_cells(&j.walk);
    int64_t rows, cols = j.walk.rank == 2 ? j.walk.dim[1] : 1; /* pieces begin at the beginning of a short row */
    int64_t pieces = fv_cut(j.cells / cols, cols, &rows);
    j.size = rows * cols;
    j.walk.y_offset = planned->y_offset, j.walk.a_offset = planned->a_offset, j.walk.b_offset = planned->b_offset;
    fv_pool_run(call->pool, pieces, binary_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_binary) = {.name = "binary.vector", .run = run_binary};
