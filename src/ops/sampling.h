/* sampling.h - the tables of FV_R_SAMPLE: which cells of the input every cell of the result is mixed of. */
#ifndef FV_OPS_SAMPLING_H
#define FV_OPS_SAMPLING_H

#include "support.h"

/* A geometry from pictures of one type to those of another with as many channels; its tables, at first of cell 0, belong
 * to the plan. False when memory is short, which the planner is told. */
bool fv_sampling_start(fv_emit *e, const fv_type *from, const fv_type *to, fv_geom *geom);
/* Cell o of dimension i of a sample of this rank is (1 - part) of cell `near` and part of the next one. */
void fv_sampling_set(fv_geom *geom, int rank, int i, int64_t o, int64_t near, double part);

#endif
