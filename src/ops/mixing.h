/* mixing.h - the tables of FV_R_MIX: which cells along an axis every cell of the result is mixed of. */
#ifndef FV_OPS_MIXING_H
#define FV_OPS_MIXING_H

#include "axes.h"

/* Filled cell by cell of the result: fv_mixing_tap for each of its taps, then fv_mixing_next. */
typedef struct fv_mixing {
    int64_t in, out, cell; /* cell: the one that is being filled */
    int32_t *start, *from;
    double *weight;
    int64_t room;
} fv_mixing;

/* Tables in the plan for `taps` taps in all; false when memory is short, which the planner is told. */
bool fv_mixing_start(fv_emit *e, int64_t in, int64_t out, int64_t taps, fv_mixing *m);
void fv_mixing_tap(fv_mixing *m, int64_t from, double weight);
void fv_mixing_next(fv_mixing *m);
/* The adjoint's tables. */
bool fv_mixing_turn(fv_emit *e, const fv_mixing *m, fv_mixing *turned);
/* y = mixed x (of type x) along `axis`; `value` where a cell has no taps. */
void fv_emit_mix(fv_emit *e, const fv_type *x, int axis, const fv_mixing *m, double value, fv_operand y,
                 fv_operand from);

#endif
