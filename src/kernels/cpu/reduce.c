/* reduce.c - sums, means and extremes over some dimensions of a walk.
 *
 * The walk is taken apart into what is kept (y) and what is reduced. A unit of work is one run of results: either neighbouring
 * results along a kept last dimension, a vector of them at a time, or one result over a reduced last dimension.
 * Over samples, every slot makes results of its own, which are then joined in order. */
#include "walk.h"

#include <math.h>

enum { RUN = 256 }; /* results of a unit when the last dimension is kept */

typedef struct job {
    const fv_call *call;
    fv_reduction kind;
    fv_walk kept, reduced; /* offsets 0; `reduced` of a whole call, all samples */
    bool last_kept;
    bool slots;
    int64_t sample_stride; /* of x, when over samples */
    int64_t units, size;   /* of one slot; of a piece */
    int64_t results;
    float *y;
    const float *x;
} job;

FV_INLINE float start_of(fv_reduction kind) {
    return kind == FV_MAXIMUM ? -INFINITY : kind == FV_MINIMUM ? INFINITY : 0.0f;
}

FV_INLINE vf term(fv_reduction kind, vf x) {
    return kind == FV_SUM_SQUARES ? x * x : kind == FV_SUM_ABS ? vf_abs(x) : x;
}

FV_INLINE vf joined(fv_reduction kind, vf a, vf b) {
    if (kind == FV_MAXIMUM) return vf_max(b, a);
    return kind == FV_MINIMUM ? vf_min(b, a) : a + b;
}

FV_INLINE float joined_one(fv_reduction kind, float a, float b) {
    if (kind == FV_MAXIMUM) return b > a ? b : a;
    return kind == FV_MINIMUM ? (b < a ? b : a) : a + b;
}

FV_INLINE float across(fv_reduction kind, vf v) {
    if (kind == FV_MAXIMUM) return vf_highest(v);
    return kind == FV_MINIMUM ? -vf_highest(-v) : vf_sum(v);
}

/* One row of `count` cells, `stride` apart, into one number. */
FV_INLINE float reduce_row(fv_reduction kind, const float *x, int64_t count, int64_t stride) {
    if (stride != 1) {
        float sum = start_of(kind);
        for (int64_t i = 0; i < count; i++) sum = joined_one(kind, sum, term(kind, vf_all(x[i * stride]))[0]);
        return sum;
    }
    vf sum = vf_all(start_of(kind)), more = sum;
    int64_t i = 0;
    for (; i + 2 * FV_LANES <= count; i += 2 * FV_LANES) {
        sum = joined(kind, sum, term(kind, vf_load(x + i)));
        more = joined(kind, more, term(kind, vf_load(x + i + FV_LANES)));
    }
    sum = joined(kind, sum, more);
    for (; i < count; i += FV_LANES) {
        int64_t lanes = count - i < FV_LANES ? count - i : FV_LANES;
        vf v = term(kind, vf_load_lanes(x + i, lanes));
        sum = joined(kind, sum, vf_select(vi_lanes() < vi_all((int32_t)lanes), v, vf_all(start_of(kind))));
    }
    return across(kind, sum);
}

/* One result: over all rows of the reduced walk. */
FV_INLINE float reduce_one(fv_reduction kind, const fv_walk *w, const float *x) {
    int64_t cols = w->dim[w->rank - 1], rows = cols > 0 ? walk_cells(w) / cols : 0; /* 0: a slot without samples */
    float sum = start_of(kind);
    walk_place p = walk_row(w, 0);
    for (int64_t r = 0; r < rows; r++, walk_next_row(w, &p))
        sum = joined_one(kind, sum, reduce_row(kind, x + p.a, cols, w->a[w->rank - 1]));
    return sum;
}

/* `count` neighbouring results, whose cells are `stride` apart. */
FV_INLINE void reduce_run(fv_reduction kind, const fv_walk *w, const float *x, int64_t count, int64_t stride,
                          float *out) {
    int64_t cells = walk_cells(w);
    for (int64_t i = 0; i < count; i++) out[i] = start_of(kind);
    walk_place p = walk_row(w, 0);
    for (int64_t cell = 0, col = 0, cols = w->dim[w->rank - 1]; cell < cells; cell++) {
        const float *from = x + p.a + col * w->a[w->rank - 1];
        if (stride == 1)
            FV_EACH_VECTOR(count, i, lanes, {
                vf_store_lanes(out + i,
                               joined(kind, vf_load_lanes(out + i, lanes), term(kind, vf_load_lanes(from + i, lanes))),
                               lanes);
            });
        else
            for (int64_t i = 0; i < count; i++)
                out[i] = joined_one(kind, out[i], term(kind, vf_all(from[i * stride]))[0]);
        if (++col == cols) col = 0, walk_next_row(w, &p);
    }
}

/* Units first .. last-1 of one slot (or of the whole call) over `reduced`; x is at the slot's first sample. */
FV_INLINE void reduce_units(const job *j, fv_reduction kind, const fv_walk *reduced, const float *x, float *y,
                            bool dense, int64_t first, int64_t last) {
    const fv_walk *kept = &j->kept;
    int64_t cols = j->last_kept ? kept->dim[kept->rank - 1] : 1, runs = (cols + RUN - 1) / RUN;
    for (int64_t u = first; u < last; u++) {
        int64_t row = u / runs, col = u % runs * RUN, count = cols - col < RUN ? cols - col : RUN;
        walk_place p = walk_row(kept, row);
        int64_t to = dense ? row * cols + col : p.y + col * kept->y[kept->rank - 1];
        float out[RUN];
        if (j->last_kept)
            reduce_run(kind, reduced, x + p.a + col * kept->a[kept->rank - 1], count, kept->a[kept->rank - 1], out);
        else
            out[0] = reduce_one(kind, reduced, x + p.a);
        for (int64_t i = 0; i < count; i++) y[dense ? to + i : to + i * kept->y[kept->rank - 1]] = out[i];
    }
}

/* Slot by slot: results into scratch [slot][results], densely; else straight to y. */
static void reduce_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    int64_t pieces = (j->units + j->size - 1) / j->size, first = piece % pieces * j->size;
    int64_t last = first + j->size < j->units ? first + j->size : j->units;
    int slot = (int)(piece / pieces);
    fv_walk reduced = j->reduced;
    const float *x = j->x;
    float *y = j->slots ? (float *)j->call->scratch + slot * j->results : j->y;
    if (j->slots) {
        int64_t begin = fv_slot(j->call->n, slot);
        reduced.dim[0] = fv_slot(j->call->n, slot + 1) - begin;
        x += begin * j->sample_stride;
    }
    switch (j->kind) {
    case FV_SUM:
    case FV_MEAN: reduce_units(j, FV_SUM, &reduced, x, y, j->slots, first, last); break;
    case FV_MAXIMUM: reduce_units(j, FV_MAXIMUM, &reduced, x, y, j->slots, first, last); break;
    case FV_MINIMUM: reduce_units(j, FV_MINIMUM, &reduced, x, y, j->slots, first, last); break;
    case FV_SUM_SQUARES: reduce_units(j, FV_SUM_SQUARES, &reduced, x, y, j->slots, first, last); break;
    case FV_SUM_ABS: reduce_units(j, FV_SUM_ABS, &reduced, x, y, j->slots, first, last); break;
    case FV_PRODUCT: break; /* FOLD's */
    }
}

/* A walk of those dimensions that are kept or reduced, neighbours joined; dimension 0 stays alone when it is the samples. */
static fv_walk part_of(const fv_walk *w, bool kept, bool samples_alone) {
    fv_walk s = {0};
    for (int d = 0; d < w->rank; d++) {
        bool alone = samples_alone && d == 0;
        if ((w->y[d] != 0) != kept || (w->dim[d] == 1 && !alone)) continue;
        int last = s.rank - 1;
        bool after_samples = samples_alone && !kept && last == 0;
        bool joins =
            last >= 0 && !after_samples && s.a[last] == w->a[d] * w->dim[d] && s.y[last] == w->y[d] * w->dim[d];
        if (!joins) last = s.rank++, s.dim[last] = 1;
        s.dim[last] *= w->dim[d];
        s.y[last] = w->y[d], s.a[last] = w->a[d];
    }
    if (s.rank == 0) s.rank = 1, s.dim[0] = 1;
    return s;
}

static job job_new(const fv_geom *geom, int64_t n) {
    fv_walk w = geom->reduce.walk;
    job j = {.kind = geom->reduce.kind};
    if (geom->batched && w.rank > 0) w.dim[0] = n;
    j.slots = geom->batched && w.rank > 0 && w.y[0] == 0;
    j.sample_stride = w.rank > 0 ? w.a[0] : 0;
    j.kept = part_of(&w, true, false);
    j.reduced = part_of(&w, false, j.slots);
    j.results = walk_cells(&j.kept);
    /* Which kind of run is the longer one in memory: along the results or along what is reduced? */
    int64_t kept_stride = j.kept.a[j.kept.rank - 1], reduced_stride = j.reduced.a[j.reduced.rank - 1];
    j.last_kept = kept_stride == 1 && j.results > 1 && !(reduced_stride == 1 && j.reduced.dim[j.reduced.rank - 1] > 1);
    int64_t cols = j.last_kept ? j.kept.dim[j.kept.rank - 1] : 1;
    j.units = j.results / cols * ((cols + RUN - 1) / RUN);
    if (!j.last_kept) { /* results one by one: the last kept dimension is walked as rows */
        j.kept.rank++;
        j.kept.dim[j.kept.rank - 1] = 1, j.kept.a[j.kept.rank - 1] = j.kept.y[j.kept.rank - 1] = 0;
    }
    return j;
}

static void need_reduce(const fv_geom *geom, int threads, fv_need *need) {
    (void)threads;
    job j = job_new(geom, geom->n);
    need->scratch = j.slots ? (size_t)j.results * FV_SLOTS * sizeof(float) : 0;
}

/* Joins the slots' results, makes means of sums. */
static void finish(const job *j, int64_t reduced_cells) {
    const fv_walk *kept = &j->kept;
    int64_t cols = kept->dim[kept->rank - 1];
    walk_place p = walk_row(kept, 0);
    for (int64_t i = 0, col = 0; i < j->results; i++) {
        float *y = j->y + p.y + col * kept->y[kept->rank - 1];
        const float *part = (const float *)j->call->scratch + i;
        if (j->slots) *y = part[0];
        for (int s = 1; j->slots && s < FV_SLOTS; s++) *y = joined_one(j->kind, *y, part[s * j->results]);
        if (j->kind == FV_MEAN) *y /= (float)reduced_cells;
        if (++col == cols) col = 0, walk_next_row(kept, &p);
    }
}

static fv_status run_reduce(const fv_call *call) {
    job j = job_new(call->geom, call->n);
    j.call = call;
    j.y = (float *)call->arg[0] + call->geom->reduce.walk.y_offset;
    j.x = (const float *)call->arg[1] + call->geom->reduce.walk.a_offset;
    int64_t cells = walk_cells(&j.reduced), work = j.results * cells;
    int64_t pieces = fv_cut(j.units, work / j.units / (j.slots ? FV_SLOTS : 1), &j.size);
    fv_pool_run(work < 2 * FV_PIECE ? NULL : call->pool, j.slots ? FV_SLOTS * pieces : pieces, reduce_piece, &j);
    if (j.slots || j.kind == FV_MEAN) finish(&j, cells);
    return FV_OK;
}

/* A rank of 8 leaves no room for the row of one cell that results one by one need. */
static bool can_reduce(const fv_geom *geom) { return geom->reduce.walk.rank < FV_MAX_RANK; }

const fv_kernel FV_SYMBOL(kernel_reduce) = {
    .name = "reduce.runs", .can = can_reduce, .need = need_reduce, .run = run_reduce};
