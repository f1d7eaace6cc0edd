/* scattering.h - what the scatter operators share: a copy of the input with picks put into it. */
#ifndef FV_OPS_SCATTERING_H
#define FV_OPS_SCATTERING_H

#include "picking.h"

enum { FV_SCATTER_X, FV_SCATTER_INDEX, FV_SCATTER_UPDATES }; /* inputs */

void fv_emit_scattered(fv_emit *e, const fv_geom *picks, fv_scatter kind);
/* For kinds none and add; the others are refused. */
void fv_emit_scattered_back(fv_emit *e, const fv_geom *picks, fv_scatter kind);
/* Fails unless the updates have the input's type and this shape. */
fv_status fv_infer_updates(fv_infer *infer, const fv_shape *shape);

#define FV_SCATTER_FIELD(F, op)                                                                                        \
    F(op, CHOICE, reduction, .choices = &fv_scatter_choices,                                                           \
      .help = "what an update does to what is there: takes its place, or")

#endif
