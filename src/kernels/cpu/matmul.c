/* matmul.c - products of matrices that are both computed (attention and its like): every piece packs a panel of two vectors
 * of columns of b into scratch, then multiplies rows of a by it, a block of rows at a time in registers.
 *
 * A matrix of weights is better served by the dense layer's kernels, which pack it once. */
#include "walk.h"

#if FV_LANES == 16
enum { ROWS = 12 };
#else
enum { ROWS = 6 };
#endif
enum { VECTORS = 2, COLUMNS = VECTORS * FV_LANES };

typedef struct job {
    const fv_call *call;
    fv_walk walk;
    int64_t panels, pieces, size; /* panels of a matrix; work of all */
    size_t panel;                 /* bytes */
} job;

/* b's columns `first` .. as [inner][COLUMNS], what is beyond the last being 0. */
static void pack_panel(const fv_matmul_geom *g, const float *b, int64_t first, float *panel) {
    int64_t cols = g->cols - first < COLUMNS ? g->cols - first : COLUMNS;
    for (int64_t k = 0; k < g->inner; k++) {
        const float *from = b + k * g->b_inner + first * g->b_col;
        float *to = panel + k * COLUMNS;
        if (g->b_col == 1 && cols == COLUMNS)
            memcpy(to, from, COLUMNS * sizeof *to);
        else
            for (int64_t c = 0; c < COLUMNS; c++) to[c] = c < cols ? from[c * g->b_col] : 0;
    }
}

FV_INLINE void multiply_rows(const fv_matmul_geom *g, const float *a, const float *panel, float *y, int64_t cols,
                             const int rows) {
    vf sum[ROWS][VECTORS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < VECTORS; v++) sum[r][v] = vf_zero();
    for (int64_t k = 0; k < g->inner; k++) {
        vf b[VECTORS];
        FV_UNROLL
        for (int v = 0; v < VECTORS; v++) b[v] = vf_load(panel + k * COLUMNS + v * FV_LANES);
        FV_UNROLL
        for (int r = 0; r < rows; r++) {
            vf all = vf_all(a[r * g->a_row + k * g->a_inner]);
            FV_UNROLL
            for (int v = 0; v < VECTORS; v++) sum[r][v] = all * b[v] + sum[r][v];
        }
    }
    FV_UNROLL
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < VECTORS; v++) {
            int64_t left = cols - v * FV_LANES;
            if (left > 0) vf_store_lanes(y + r * g->cols + v * FV_LANES, sum[r][v], left < FV_LANES ? left : FV_LANES);
        }
}

static void multiply_panel(const fv_matmul_geom *g, const float *a, const float *panel, float *y, int64_t cols) {
    int64_t i = 0;
    for (; i + ROWS <= g->rows; i += ROWS) multiply_rows(g, a + i * g->a_row, panel, y + i * g->cols, cols, ROWS);
    for (; i < g->rows; i++) multiply_rows(g, a + i * g->a_row, panel, y + i * g->cols, cols, 1);
}

static void matmul_piece(void *context, int64_t piece, int thread) {
    const job *j = context;
    const fv_matmul_geom *g = &j->call->geom->matmul;
    void *const *arg = j->call->arg;
    float *panel = (float *)((char *)j->call->scratch + (size_t)thread * j->panel);
    int64_t end = (piece + 1) * j->size < j->pieces ? (piece + 1) * j->size : j->pieces;
    int last = j->walk.rank - 1;
    for (int64_t at = piece * j->size; at < end; at++) {
        int64_t matrix = at / j->panels, first = at % j->panels * COLUMNS, across = j->walk.dim[last];
        walk_place p = walk_row(&j->walk, matrix / across);
        int64_t place = matrix % across, cols = g->cols - first < COLUMNS ? g->cols - first : COLUMNS;
        pack_panel(g, (const float *)arg[2] + p.b + place * j->walk.b[last], first, panel);
        multiply_panel(g, (const float *)arg[1] + p.a + place * j->walk.a[last], panel,
                       (float *)arg[0] + p.y + place * j->walk.y[last] + first, cols);
    }
}

static size_t panel_bytes(const fv_matmul_geom *g) {
    size_t bytes = (size_t)(g->inner > 0 ? g->inner : 1) * COLUMNS * sizeof(float);
    return (bytes + 63) / 64 * 64;
}

static void need_matmul(const fv_geom *geom, int threads, fv_need *need) {
    need->scratch = panel_bytes(&geom->matmul) * (size_t)threads;
}

static fv_status run_matmul(const fv_call *call) {
    const fv_matmul_geom *g = &call->geom->matmul;
    job j = {.call = call, .walk = walk_simplify(call, &g->walk), .panel = panel_bytes(g)};
    j.panels = (g->cols + COLUMNS - 1) / COLUMNS;
    j.pieces = walk_cells(&j.walk) * j.panels;
    if (j.pieces == 0) return FV_OK;
    int64_t work = g->rows * g->inner * COLUMNS, pieces = fv_cut(j.pieces, work, &j.size);
    fv_pool_run(call->pool, pieces, matmul_piece, &j);
    return FV_OK;
}

static bool can_matmul(const fv_geom *geom) { return geom->matmul.dtype == FV_F32; }

const fv_kernel FV_SYMBOL(kernel_matmul) = {
    .name = "matmul.panels", .can = can_matmul, .need = need_matmul, .run = run_matmul};
