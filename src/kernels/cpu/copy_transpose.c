/* copy_transpose.c - copies that turn two dimensions over: one side is dense along the last dimension of the walk, the
 * other along another. Blocks of 4x4 words go through registers, tiles of blocks stay in the first cache. */
#include "walk.h"

enum { TILE = 32 }; /* words: both sides of a tile are 4 KiB */

typedef float word4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t lane4 __attribute__((vector_size(16)));
#if defined(__clang__)
#define FV_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define FV_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (lane4){__VA_ARGS__})
#endif

/* Rows of y are columns of a: y[r*ys + c] = a[c*as + r], 4 by 4. */
FV_INLINE void turn4(float *y, int64_t ys, const float *a, int64_t as) {
    const word4 a0 = *(const word4 *)a, a1 = *(const word4 *)(a + as), a2 = *(const word4 *)(a + 2 * as),
                a3 = *(const word4 *)(a + 3 * as);
    const word4 low01 = FV_SHUFFLE(a0, a1, 0, 4, 1, 5), high01 = FV_SHUFFLE(a0, a1, 2, 6, 3, 7),
                low23 = FV_SHUFFLE(a2, a3, 0, 4, 1, 5), high23 = FV_SHUFFLE(a2, a3, 2, 6, 3, 7);
    *(word4 *)y = FV_SHUFFLE(low01, low23, 0, 1, 4, 5);
    *(word4 *)(y + ys) = FV_SHUFFLE(low01, low23, 2, 3, 6, 7);
    *(word4 *)(y + 2 * ys) = FV_SHUFFLE(high01, high23, 0, 1, 4, 5);
    *(word4 *)(y + 3 * ys) = FV_SHUFFLE(high01, high23, 2, 3, 6, 7);
}

/* The words are copied as floats of their bytes: no arithmetic touches them. */
static void turn_tile(float *y, int64_t ys, const float *a, int64_t as, int64_t rows, int64_t cols) {
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        int64_t c = 0;
        for (; c + 4 <= cols; c += 4) turn4(y + r * ys + c, ys, a + c * as + r, as);
        for (; c < cols; c++)
            for (int64_t i = r; i < r + 4; i++) memcpy(y + i * ys + c, a + c * as + i, 4);
    }
    for (; r < rows; r++)
        for (int64_t c = 0; c < cols; c++) memcpy(y + r * ys + c, a + c * as + r, 4);
}

/* The dimension along which the other side is dense, -1 if there is none. The last is dense in y, or (the other way
 * round) in a. */
static int turned(const fv_walk *w) {
    int last = w->rank - 1;
    for (int d = 0; d < last; d++)
        if (w->dim[d] > 1 && ((w->y[last] == 1 && w->a[d] == 1 && w->a[last] > 1) ||
                              (w->a[last] == 1 && w->y[d] == 1 && w->y[last] > 1)))
            return d;
    return -1;
}

static bool can_turn(const fv_geom *geom) {
    const fv_copy_geom *g = &geom->copy;
    fv_geom two = *geom; /* must not depend on the number of samples */
    two.copy.walk.dim[0] = two.batched ? 2 : two.copy.walk.dim[0];
    fv_walk w = walk_simplify(&(fv_call){.geom = &two, .n = 2}, &two.copy.walk);
    return g->element == 4 && !g->accumulate && turned(&w) > (geom->batched ? 0 : -1);
}

typedef struct job {
    const fv_call *call;
    fv_walk outer; /* the other dimensions */
    int64_t rows, cols, y_row, y_col, a_row, a_col, row_tiles, col_tiles;
} job;

static void turn_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    int64_t tile_c = piece % j->col_tiles * TILE, tile_r = piece / j->col_tiles % j->row_tiles * TILE;
    walk_place p = walk_row(&j->outer, piece / j->col_tiles / j->row_tiles);
    float *y = (float *)j->call->arg[0] + p.y + tile_r * j->y_row + tile_c * j->y_col;
    const float *a = (const float *)j->call->arg[1] + p.a + tile_r * j->a_row + tile_c * j->a_col;
    int64_t rows = j->rows - tile_r < TILE ? j->rows - tile_r : TILE,
            cols = j->cols - tile_c < TILE ? j->cols - tile_c : TILE;
    if (j->y_col == 1)
        turn_tile(y, j->y_row, a, j->a_col, rows, cols);
    else
        turn_tile(y, j->y_col, a, j->a_row, cols, rows);
}

static fv_status run_turn(const fv_call *call) {
    const fv_walk *planned = &call->geom->copy.walk;
    fv_walk w = walk_simplify(call, planned);
    int d = turned(&w), last = w.rank - 1;
    if (walk_cells(&w) == 0) return FV_OK;
    job j = {.call = call, .rows = w.dim[d], .cols = w.dim[last]};
    j.y_row = w.y[d], j.y_col = w.y[last], j.a_row = w.a[d], j.a_col = w.a[last];
    j.row_tiles = (j.rows + TILE - 1) / TILE, j.col_tiles = (j.cols + TILE - 1) / TILE;
    w.dim[d] = 1; /* walk_row goes over all dimensions but the last */
    w.y_offset = planned->y_offset, w.a_offset = planned->a_offset;
    j.outer = w;
    fv_pool_run(call->pool, walk_cells(&w) / j.cols * j.row_tiles * j.col_tiles, turn_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_copy_turn) = {.name = "copy.turn", .can = can_turn, .run = run_turn};
