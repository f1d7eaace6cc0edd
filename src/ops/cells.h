/* cells.h - what operators on values of every type share: which types they take, typed calls over broadcast values, and
 * reductions. Axes count over the whole shape of a value, the batch being axis 0. */
#ifndef FV_OPS_CELLS_H
#define FV_OPS_CELLS_H

#include "axes.h"

/* ---- types ---------------------------------------------------------------------------------------------------------- */

enum {
    FV_REALS = 1u << FV_F32,
    FV_WHOLE = 1u << FV_I32 | 1u << FV_I64 | 1u << FV_U8,
    FV_TRUTH = 1u << FV_BOOL,
    FV_NUMBERS = FV_REALS | FV_WHOLE,
    FV_CELLS = FV_NUMBERS | FV_TRUTH
};

/* Fails unless input i is of one of these types. */
fv_status fv_infer_dtype(fv_infer *infer, int i, unsigned types);
/* Inputs `first` .. are of one type among these, and all inputs broadcast; *out is that type and the common shape. */
fv_status fv_infer_cells(fv_infer *infer, int first, unsigned types, fv_type *out);
/* An operator of exactly `count` such inputs whose result is of their type. */
fv_status fv_infer_pair(fv_infer *infer, unsigned types);

/* ---- calls ---------------------------------------------------------------------------------------------------------- */

/* y = kind(a, b), of any type; b FV_NO_OPERAND (and tb NULL) for functions of one cell. */
void fv_emit_element(fv_emit *e, fv_element kind, const fv_type *ty, fv_operand y, const fv_type *ta, fv_operand a,
                     const fv_type *tb, fv_operand b);
/* y = c ? a : b */
void fv_emit_select(fv_emit *e, const fv_type *ty, fv_operand y, const fv_type *tc, fv_operand c, const fv_type *ta,
                    fv_operand a, const fv_type *tb, fv_operand b);
/* y = act(x), both of this type of reals. */
void fv_emit_unary(fv_emit *e, fv_unary kind, double a, double b, const fv_type *type, fv_operand y, fv_operand x);
/* The gradient of input i, whose broadcasting it undoes, is `d`, of the shape of output 0. */
void fv_emit_gradient(fv_emit *e, int i, fv_operand d);
/* 1 where a = b, else 0: a temporary of reals of type t. */
fv_operand fv_emit_same(fv_emit *e, const fv_type *t, fv_operand a, const fv_type *tb, fv_operand b);

/* ---- reductions ----------------------------------------------------------------------------------------------------- */

/* Which axes a reduction is over. */
typedef struct fv_reduced {
    bool axis[FV_MAX_RANK];
} fv_reduced;
/* The type that is left, of the input's dtype; kept axes have size 1. */
fv_type fv_reduced_type(const fv_type *in, const fv_reduced *over, bool keep);
/* The walk of a reduction: y strides 0 along reduced axes, a dense. */
fv_walk fv_reduced_walk(const fv_emit *e, const fv_type *in, const fv_reduced *over);
void fv_emit_reduce(fv_emit *e, fv_reduction kind, const fv_type *in, const fv_reduced *over, fv_operand y,
                    fv_operand x);
/* y = kind(a, b) of reals where b is of the reduced type and counts for all cells it was reduced from. */
void fv_emit_with_reduced(fv_emit *e, fv_binary kind, const fv_type *in, const fv_reduced *over, fv_operand y,
                          fv_operand a, fv_operand b);
/* Running sums (or products) along an axis, see fv_scan_geom. */
void fv_emit_scan(fv_emit *e, const fv_type *type, int axis, fv_operand y, fv_operand x, bool product, bool exclusive,
                  bool reverse);

#endif
