/* picking.h - picks by index, from a large value or into it: what gathering, scattering and choosing cells share. */
#ifndef FV_OPS_PICKING_H
#define FV_OPS_PICKING_H

#include "axes.h"

extern const fv_choices fv_scatter_choices; /* words in the order of fv_scatter */

/* Fails unless input i holds whole numbers (i32 or i64). */
fv_status fv_infer_index(fv_infer *infer, int i);

/* Shapes. Along `axis` of x: x with the index's shape in place of the axis. */
fv_status fv_infer_pick_along(fv_infer *infer, int x, int index, int axis, fv_type *out);
/* Element by element: x and the index of one rank, the index no larger but along the axis. */
fv_status fv_infer_pick_elements(fv_infer *infer, int x, int index, int axis);
/* By tuples that lie along the index's last axis, the first `lead` axes being those of x. */
fv_status fv_infer_pick_tuples(fv_infer *infer, int x, int index, int64_t lead, fv_type *out);

/* The geometries of these. */
fv_geom fv_pick_along(const fv_emit *e, const fv_type *x, const fv_type *index, int axis);
fv_geom fv_pick_elements(const fv_emit *e, const fv_type *x, const fv_type *index, int axis);
fv_geom fv_pick_tuples(const fv_emit *e, const fv_type *x, const fv_type *index, int lead);

void fv_emit_gather(fv_emit *e, const fv_geom *picks, fv_operand y, fv_operand x, fv_operand index);
/* y is read and written. */
void fv_emit_scatter(fv_emit *e, const fv_geom *picks, fv_scatter kind, fv_operand y, fv_operand picked,
                     fv_operand index);
/* The adjoint of gathering: dx (of type x) is 0 but for what the picks hand back. */
void fv_emit_gather_back(fv_emit *e, const fv_geom *picks, const fv_type *x, fv_operand dx, fv_operand dy,
                         fv_operand index);

/* y = the cells of x along `axis` that index[0 .. count-1] names (a table of the plan), and the adjoint. Cells of -1 are 0. */
void fv_emit_choose(fv_emit *e, const fv_type *x, int axis, const int32_t *cells, int64_t count, fv_operand y,
                    fv_operand from);
void fv_emit_choose_back(fv_emit *e, const fv_type *x, int axis, const int32_t *cells, int64_t count, fv_operand dx,
                         fv_operand dy);

#endif
