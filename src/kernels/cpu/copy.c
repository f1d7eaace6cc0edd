/* copy.c - copies over walks: whole rows where both sides are dense, else element by element. */
#include "walk.h"

typedef struct job {
    const fv_call *call;
    fv_walk walk;
    int64_t cells, size;
} job;

static void add_run(float *y, int64_t sy, const float *a, int64_t sa, int64_t count) {
    if (sy == 1 && sa == 1)
        FV_EACH_VECTOR(count, i, lanes,
                       vf_store_lanes(y + i, vf_load_lanes(y + i, lanes) + vf_load_lanes(a + i, lanes), lanes););
    else
        for (int64_t i = 0; i < count; i++) y[i * sy] += a[i * sa];
}

/* `element` is a constant at each call, so that a copy of one element is one instruction. */
FV_INLINE void copy_elements(char *y, int64_t sy, const char *a, int64_t sa, int64_t count, size_t element) {
    for (int64_t i = 0; i < count; i++) memcpy(y + i * sy * (int64_t)element, a + i * sa * (int64_t)element, element);
}

static void copy_run(char *y, int64_t sy, const char *a, int64_t sa, int64_t count, int element) {
    if (sy == 1 && sa == 1)
        memcpy(y, a, (size_t)(count * element));
    else if (element == 4)
        copy_elements(y, sy, a, sa, count, 4);
    else if (element == 1)
        copy_elements(y, sy, a, sa, count, 1);
    else
        copy_elements(y, sy, a, sa, count, 8);
}

static void copy_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_walk *w = &j->walk;
    int element = j->call->geom->copy.element;
    int64_t first = piece * j->size, count = j->cells - first < j->size ? j->cells - first : j->size;
    int64_t cols = w->dim[w->rank - 1], col = first % cols, sy = w->y[w->rank - 1], sa = w->a[w->rank - 1];
    walk_place p = walk_row(w, first / cols);
    for (; count > 0; count -= cols - col, col = 0, walk_next_row(w, &p)) {
        int64_t now = cols - col < count ? cols - col : count, y = p.y + col * sy, a = p.a + col * sa;
        if (j->call->geom->copy.accumulate)
            add_run((float *)j->call->arg[0] + y, sy, (const float *)j->call->arg[1] + a, sa, now);
        else
            copy_run((char *)j->call->arg[0] + y * element, sy, (const char *)j->call->arg[1] + a * element, sa, now,
                     element);
    }
}

static fv_status run_copy(const fv_call *call) {
    fv_walk planned = call->geom->copy.walk;
    memset(planned.b, 0, sizeof planned.b);
    job j = {.call = call, .walk = walk_simplify(call, &planned)};
    j.cells = walk_cells(&j.walk);
    int64_t pieces = fv_cut(j.cells, 1, &j.size);
    j.walk.y_offset = planned.y_offset, j.walk.a_offset = planned.a_offset;
    fv_pool_run(call->pool, pieces, copy_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_copy) = {.name = "copy.vector", .run = run_copy};
