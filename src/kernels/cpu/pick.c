/* pick.c - picks by index: rows copied from a large array or put into it, mixing along an axis, the first of an order. */
#include "between.h"
#include "walk.h"

#include <stdatomic.h>

/* ---- gather ----------------------------------------------------------------------------------------------------- */

typedef struct job {
    const fv_call *call;
    fv_walk walk;
    int64_t picks, size, first; /* first: of a slot's samples */
    size_t element;
    _Atomic bool failed;
} job;

/* Any walk, its last dimension included: a pick's place by its number. */
FV_INLINE walk_place pick_place(const fv_walk *w, int64_t number) {
    walk_place p = {.y = w->y_offset, .a = w->a_offset, .b = w->b_offset};
    for (int d = w->rank - 1; d >= 0; d--) {
        p.at[d] = number % w->dim[d];
        number /= w->dim[d];
        p.y += p.at[d] * w->y[d], p.a += p.at[d] * w->a[d], p.b += p.at[d] * w->b[d];
    }
    return p;
}

FV_INLINE void next_pick(const fv_walk *w, walk_place *p) {
    for (int d = w->rank - 1; d >= 0; d--) {
        p->y += w->y[d], p->a += w->a[d], p->b += w->b[d];
        if (++p->at[d] < w->dim[d]) return;
        p->y -= w->y[d] * w->dim[d], p->a -= w->a[d] * w->dim[d], p->b -= w->b[d] * w->dim[d];
        p->at[d] = 0;
    }
}

/* `bytes` is a constant where single elements are picked. */
FV_INLINE void gather_some(job *j, walk_place p, int64_t count, size_t bytes) {
    const fv_pick_geom *g = &j->call->geom->pick;
    for (; count > 0; count--, next_pick(&j->walk, &p)) {
        int64_t from = fv_pick_offset(g, j->call->arg[2], p.b);
        char *y = (char *)j->call->arg[0] + (size_t)p.y * j->element;
        if (from >= 0)
            memcpy(y, (const char *)j->call->arg[1] + (size_t)(p.a + from) * j->element, bytes);
        else if (g->loose)
            memset(y, 0, bytes);
        else
            atomic_store_explicit(&j->failed, true, memory_order_relaxed);
    }
}

static void gather_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    job *j = context;
    int64_t first = piece * j->size, count = j->picks - first < j->size ? j->picks - first : j->size;
    size_t bytes = (size_t)j->call->geom->pick.inner * j->element;
    walk_place p = pick_place(&j->walk, first);
    if (bytes == 4)
        gather_some(j, p, count, 4);
    else if (bytes == 8)
        gather_some(j, p, count, 8);
    else if (bytes > 0)
        gather_some(j, p, count, bytes);
}

/* Of a size of 0 nothing is walked. */
static fv_walk walk_now(const fv_call *call) {
    fv_walk w = call->geom->pick.walk;
    if (call->geom->batched) w.dim[0] = call->n;
    return w;
}

static fv_status run_gather(const fv_call *call) {
    const fv_pick_geom *g = &call->geom->pick;
    job j = {.call = call, .walk = walk_now(call), .element = fv_element_bytes(g->dtype, sizeof(float))};
    j.picks = walk_cells(&j.walk);
    int64_t pieces = fv_cut(j.picks, g->inner, &j.size);
    if (j.picks > 0) fv_pool_run(call->pool, pieces, gather_piece, &j);
    return j.failed ? FV_E_ARGUMENT : FV_OK;
}

/* ---- scatter ---------------------------------------------------------------------------------------------------- */

#define FV_SCATTER_LOOP(type, result)                                                                                  \
    do {                                                                                                               \
        type *y = to;                                                                                                  \
        const type *x = from;                                                                                          \
        for (int64_t i = 0; i < count; i++) y[i] = (type)(result);                                                     \
    } while (0)
#define FV_SCATTER_KINDS(ordered, summed)                                                                              \
    do {                                                                                                               \
        if (kind == FV_SCATTER_ADD) FV_SCATTER_LOOP(summed, y[i] + x[i]);                                              \
        if (kind == FV_SCATTER_MUL) FV_SCATTER_LOOP(summed, y[i] * x[i]);                                              \
        if (kind == FV_SCATTER_MAX) FV_SCATTER_LOOP(ordered, x[i] > y[i] ? x[i] : y[i]);                               \
        if (kind == FV_SCATTER_MIN) FV_SCATTER_LOOP(ordered, x[i] < y[i] ? x[i] : y[i]);                               \
    } while (0)

/* Sums and products of whole numbers are those of unsigned ones, which may overflow. */
static void put(const fv_pick_geom *g, void *to, const void *from, size_t element) {
    const fv_scatter kind = g->kind;
    const int64_t count = g->inner;
    if (kind == FV_SCATTER_SET) {
        if (count > 0) memcpy(to, from, (size_t)count * element);
    } else if (g->dtype == FV_F32)
        FV_SCATTER_KINDS(float, float);
    else if (g->dtype == FV_I32)
        FV_SCATTER_KINDS(int32_t, uint32_t);
    else if (g->dtype == FV_I64)
        FV_SCATTER_KINDS(int64_t, uint64_t);
    else
        FV_SCATTER_KINDS(uint8_t, uint8_t);
}

/* Picks of one piece never meet those of another, and are put down in the walk's order. */
static void scatter_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    job *j = context;
    const fv_pick_geom *g = &j->call->geom->pick;
    int64_t first = piece * j->size, count = j->picks - first < j->size ? j->picks - first : j->size;
    char *large = g->shared ? j->call->scratch : j->call->arg[0];
    walk_place p = pick_place(&j->walk, first);
    for (; count > 0; count--, next_pick(&j->walk, &p)) {
        int64_t to = fv_pick_offset(g, j->call->arg[2], p.b);
        if (to >= 0)
            put(g, large + (size_t)(p.a + to) * j->element, (const char *)j->call->arg[1] + (size_t)p.y * j->element,
                j->element);
        else if (!g->loose)
            atomic_store_explicit(&j->failed, true, memory_order_relaxed);
    }
}

/* Whole groups of picks that may meet each other make a piece. */
static void scatter_walk(job *j) {
    const fv_pick_geom *g = &j->call->geom->pick;
    int64_t meeting = 1, groups = 1;
    for (int d = 0; d < j->walk.rank; d++) *(d < g->apart ? &groups : &meeting) *= j->walk.dim[d];
    j->picks = groups * meeting;
    if (j->picks == 0) return;
    int64_t pieces = fv_cut(groups, meeting * g->inner, &j->size);
    j->size *= meeting;
    fv_pool_run(j->call->pool, pieces, scatter_piece, j);
}

typedef struct sum_job {
    float *y;
    const float *part;
    int64_t count;
} sum_job;

static void sum_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const sum_job *j = context;
    int64_t first = piece * FV_PIECE, count = j->count - first < FV_PIECE ? j->count - first : FV_PIECE;
    FV_EACH_VECTOR(count, i, lanes,
                   vf_store_lanes(j->y + first + i,
                                  vf_load_lanes(j->y + first + i, lanes) + vf_load_lanes(j->part + first + i, lanes),
                                  lanes););
}

/* Samples add into one array: slot after slot is summed on its own, then added. */
static void scatter_slots(job *j) {
    const fv_pick_geom *g = &j->call->geom->pick;
    fv_walk whole = j->walk;
    for (int s = 0; s < FV_SLOTS; s++) {
        int64_t first = fv_slot(whole.dim[0], s);
        j->walk = whole;
        j->walk.dim[0] = fv_slot(whole.dim[0], s + 1) - first;
        if (j->walk.dim[0] == 0) continue;
        j->walk.y_offset += first * whole.y[0], j->walk.b_offset += first * whole.b[0];
        memset(j->call->scratch, 0, (size_t)g->shared * sizeof(float));
        scatter_walk(j);
        sum_job sum = {j->call->arg[0], j->call->scratch, g->shared};
        fv_pool_run(j->call->pool, (g->shared + FV_PIECE - 1) / FV_PIECE, sum_piece, &sum);
    }
}

static void need_scatter(const fv_geom *geom, int threads, fv_need *need) {
    (void)threads;
    need->scratch = (size_t)geom->pick.shared * sizeof(float);
}

static fv_status run_scatter(const fv_call *call) {
    const fv_pick_geom *g = &call->geom->pick;
    job j = {.call = call, .walk = walk_now(call), .element = fv_element_bytes(g->dtype, sizeof(float))};
    if (g->shared)
        scatter_slots(&j);
    else
        scatter_walk(&j);
    return j.failed ? FV_E_ARGUMENT : FV_OK;
}

/* ---- mixing along an axis --------------------------------------------------------------------------------------- */

/* Row o of line r: r counts lines of all samples. Long rows are cut, too. */
enum { MIX_ROW = 4096 };

typedef struct mix_job {
    const fv_call *call;
    int64_t rows, parts, size;
} mix_job;

static void mix_row(const fv_mix_geom *g, float *y, const float *x, int64_t o, int64_t first, int64_t count) {
    int32_t start = g->start[o], end = g->start[o + 1];
    if (start == end) {
        for (int64_t i = 0; i < count; i++) y[i] = (float)g->value;
        return;
    }
    FV_EACH_VECTOR(count, i, lanes, {
        vf sum = (float)g->weight[start] * vf_load_lanes(x + g->cell[start] * g->inner + first + i, lanes);
        for (int32_t k = start + 1; k < end; k++)
            sum += (float)g->weight[k] * vf_load_lanes(x + g->cell[k] * g->inner + first + i, lanes);
        vf_store_lanes(y + i, sum, lanes);
    });
}

static void mix_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const mix_job *j = context;
    const fv_mix_geom *g = &j->call->geom->mix;
    int64_t end = (piece + 1) * j->size < j->rows ? (piece + 1) * j->size : j->rows;
    for (int64_t k = piece * j->size; k < end; k++) {
        int64_t row = k / j->parts, first = k % j->parts * MIX_ROW;
        int64_t count = g->inner - first < MIX_ROW ? g->inner - first : MIX_ROW;
        mix_row(g, (float *)j->call->arg[0] + row * g->inner + first,
                (const float *)j->call->arg[1] + row / g->out * g->in * g->inner, row % g->out, first, count);
    }
}

static fv_status run_mix(const fv_call *call) {
    const fv_mix_geom *g = &call->geom->mix;
    mix_job j = {.call = call, .parts = (g->inner + MIX_ROW - 1) / MIX_ROW};
    j.rows = call->n * g->outer * g->out * j.parts;
    int64_t each = g->out > 0 ? g->inner * (1 + g->start[g->out] / g->out) : 0, pieces;
    if (j.rows == 0) return FV_OK;
    pieces = fv_cut(j.rows, each / j.parts, &j.size);
    fv_pool_run(call->pool, pieces, mix_piece, &j);
    return FV_OK;
}

/* ---- the first of an order: a heap of the k best so far, the worst on top, then sorted ----------------------------- */

typedef struct top_line {
    const fv_top_geom *g;
    const char *x;
    int64_t *heap, count;
} top_line;

/* Is element a behind element b? */
FV_INLINE bool behind(const top_line *t, int64_t a, int64_t b) {
    return fv_precedes(t->g, sizeof(float), t->x, t->g->inner, b, a);
}

static void sink(top_line *t, int64_t at) {
    int64_t moved = t->heap[at];
    for (int64_t child; (child = 2 * at + 1) < t->count; at = child) {
        if (child + 1 < t->count && behind(t, t->heap[child + 1], t->heap[child])) child++;
        if (!behind(t, t->heap[child], moved)) break;
        t->heap[at] = t->heap[child];
    }
    t->heap[at] = moved;
}

static void top_of_line(top_line *t) {
    const fv_top_geom *g = t->g;
    t->count = g->k;
    for (int64_t i = 0; i < g->k; i++) t->heap[i] = i;
    for (int64_t i = g->k / 2; i-- > 0;) sink(t, i);
    for (int64_t i = g->k; i < g->size && g->k > 0; i++)
        if (behind(t, t->heap[0], i)) t->heap[0] = i, sink(t, 0);
    while (t->count > 1) { /* the worst goes to the end */
        int64_t worst = t->heap[0];
        t->heap[0] = t->heap[--t->count];
        t->heap[t->count] = worst;
        sink(t, 0);
    }
}

typedef struct top_job {
    const fv_call *call;
    int64_t lines, size;
} top_job;

static void top_piece(void *context, int64_t piece, int thread) {
    const top_job *j = context;
    const fv_top_geom *g = &j->call->geom->top;
    size_t element = fv_element_bytes(g->dtype, sizeof(float));
    top_line t = {.g = g, .heap = (int64_t *)j->call->scratch + thread * g->k};
    int64_t end = (piece + 1) * j->size < j->lines ? (piece + 1) * j->size : j->lines;
    for (int64_t line = piece * j->size; line < end; line++) {
        int64_t outer = line / g->inner, inner = line % g->inner, to = outer * g->k * g->inner + inner;
        t.x = (const char *)j->call->arg[2] + (size_t)(outer * g->size * g->inner + inner) * element;
        top_of_line(&t);
        for (int64_t k = 0; k < g->k; k++) {
            int64_t at = to + k * g->inner;
            ((int64_t *)j->call->arg[1])[at] = t.heap[k];
            memcpy((char *)j->call->arg[0] + (size_t)at * element, t.x + (size_t)(t.heap[k] * g->inner) * element,
                   element);
        }
    }
}

static void need_top(const fv_geom *geom, int threads, fv_need *need) {
    need->scratch = (size_t)threads * (size_t)geom->top.k * sizeof(int64_t);
}

static fv_status run_top(const fv_call *call) {
    const fv_top_geom *g = &call->geom->top;
    top_job j = {.call = call, .lines = call->n * g->outer * g->inner};
    int64_t pieces = fv_cut(j.lines, 4 * g->size, &j.size);
    if (j.lines > 0 && g->k > 0) fv_pool_run(call->pool, pieces, top_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_gather) = {.name = "gather.rows", .run = run_gather};
const fv_kernel FV_SYMBOL(kernel_scatter) = {.name = "scatter.rows", .need = need_scatter, .run = run_scatter};
const fv_kernel FV_SYMBOL(kernel_mix) = {.name = "mix.rows", .run = run_mix};
const fv_kernel FV_SYMBOL(kernel_top) = {.name = "top.heap", .need = need_top, .run = run_top};
