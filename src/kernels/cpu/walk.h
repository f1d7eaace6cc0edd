/* walk.h - n-dimensional walks made simple: dimensions of one cell dropped, neighbouring ones joined, the rest done row
 * by row, a row being the last dimension. */
#ifndef FV_CPU_WALK_H
#define FV_CPU_WALK_H

#include "pieces.h"

/* The walk of this call: offsets at 0 (they are added to the pointers), at least one dimension. */
FV_INLINE fv_walk walk_simplify(const fv_call *call, const fv_walk *planned) {
    fv_walk w = *planned, s = {0};
    if (call->geom->batched && w.rank > 0) w.dim[0] = call->n;
    for (int d = 0; d < w.rank; d++) {
        if (w.dim[d] == 1) continue;
        int last = s.rank - 1;
        bool joins = last >= 0 && s.y[last] == w.y[d] * w.dim[d] && s.a[last] == w.a[d] * w.dim[d] &&
                     s.b[last] == w.b[d] * w.dim[d];
        if (!joins) last = s.rank++, s.dim[last] = 1;
        s.dim[last] *= w.dim[d];
        s.y[last] = w.y[d], s.a[last] = w.a[d], s.b[last] = w.b[d];
    }
    if (s.rank == 0) s.rank = 1, s.dim[0] = 1;
    return s;
}

FV_INLINE int64_t walk_cells(const fv_walk *w) {
    int64_t count = 1;
    for (int d = 0; d < w->rank; d++) count *= w->dim[d];
    return count;
}

/* A place in a walk: the coordinates of a row, and where it begins. */
typedef struct walk_place {
    int64_t at[FV_MAX_RANK], y, a, b;
} walk_place;

FV_INLINE walk_place walk_row(const fv_walk *w, int64_t row) {
    walk_place p = {.y = w->y_offset, .a = w->a_offset, .b = w->b_offset};
    for (int d = w->rank - 2; d >= 0; d--) {
        p.at[d] = row % w->dim[d];
        row /= w->dim[d];
        p.y += p.at[d] * w->y[d], p.a += p.at[d] * w->a[d], p.b += p.at[d] * w->b[d];
    }
    return p;
}

FV_INLINE void walk_next_row(const fv_walk *w, walk_place *p) {
    for (int d = w->rank - 2; d >= 0; d--) {
        p->y += w->y[d], p->a += w->a[d], p->b += w->b[d];
        if (++p->at[d] < w->dim[d]) return;
        p->y -= w->y[d] * w->dim[d], p->a -= w->a[d] * w->dim[d], p->b -= w->b[d] * w->dim[d];
        p->at[d] = 0;
    }
}

#endif
