/* axes.h - axes of whole values (the batch is axis 0), and copies along them. */
#ifndef FV_OPS_AXES_H
#define FV_OPS_AXES_H

#include "support.h"

/* `axis`, negative ones from the end, of `rank`; -1 if there is no such. */
int fv_axis_of(int64_t axis, int rank);
/* The same for input i; fails if there is no such axis. */
fv_status fv_infer_axis(fv_infer *infer, int i, int64_t axis, int *out);
/* And if it is the batch: samples are not mixed. */
fv_status fv_infer_own_axis(fv_infer *infer, int i, int64_t axis, int *out);
/* Numbers given in a LIST field. */
int fv_list_count(const int64_t list[8]);

/* How many cells axis d has in this plan: the batch counts as geom->n. */
static inline int64_t fv_extent(const fv_geom *geom, const fv_type *t, int d) {
    return t->shape.dim[d] == FV_BATCH ? geom->n : t->shape.dim[d];
}
/* Elements from cell to cell along each axis of a dense value. */
void fv_strides(const fv_type *t, int64_t strides[FV_MAX_RANK]);
/* Elements of one sample before `axis` (the batch does not count) and behind it. */
int64_t fv_outer(const fv_type *t, int axis);
int64_t fv_inner(const fv_type *t, int axis);

/* A walk over all cells of a type, y dense; a is for the caller to fill. */
fv_geom fv_copy_over(const fv_emit *e, const fv_type *t);
/* Every element of `to` (of this type) is the one element of `from`. */
void fv_emit_spread(fv_emit *e, const fv_type *t, fv_operand to, fv_operand from);
/* Zeros of any type. */
void fv_emit_zeros(fv_emit *e, const fv_type *t, fv_operand to);
/* to = from, both of this type. */
void fv_emit_copy(fv_emit *e, const fv_type *t, fv_operand to, fv_operand from);

#endif
