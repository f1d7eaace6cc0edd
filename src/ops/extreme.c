/* extreme.c - the largest or least of several values, cell by cell. */
#include "extreme.h"

fv_status fv_infer_extreme(fv_infer *infer) {
    if (infer->inputs < 1) return fv_infer_fail(infer, "expects at least one input");
    return fv_infer_cells(infer, 0, FV_NUMBERS, &infer->out[0]);
}

void fv_emit_extreme(fv_emit *e, fv_binary kind) {
    const fv_type *out = fv_out_type(e, 0), *type = fv_in_type(e, 0);
    fv_operand best = fv_in(e, 0);
    if (fv_emit_inputs(e) == 1) fv_out_is(e, 0, best);
    for (int i = 1; i < fv_emit_inputs(e); i++) {
        fv_operand next = i == fv_emit_inputs(e) - 1 ? fv_out(e, 0) : fv_temp(e, out);
        fv_emit_binary(e, kind, out, next, type, best, fv_in_type(e, i), fv_in(e, i));
        best = next;
        type = out;
    }
}

/* How many inputs have the extreme, cell by cell. */
static fv_operand sharers(fv_emit *e) {
    const fv_type *out = fv_out_type(e, 0);
    fv_operand count = FV_NO_OPERAND;
    for (int i = 0; i < fv_emit_inputs(e); i++) {
        fv_operand same = fv_emit_same(e, out, fv_out(e, 0), fv_in_type(e, i), fv_in(e, i)), sum = same;
        if (i > 0) fv_emit_binary(e, FV_B_ADD, out, sum = fv_temp(e, out), out, count, out, same);
        count = sum;
    }
    return count;
}

void fv_emit_extreme_back(fv_emit *e) {
    const fv_type *out = fv_out_type(e, 0);
    fv_operand share = fv_temp(e, out);
    fv_emit_binary(e, FV_B_DIV, out, share, out, fv_d_out(e, 0), out, sharers(e));
    for (int i = 0; i < fv_emit_inputs(e); i++) {
        if (!fv_wants_d_in(e, i)) continue;
        fv_operand same = fv_emit_same(e, out, fv_out(e, 0), fv_in_type(e, i), fv_in(e, i)), d = fv_temp(e, out);
        fv_emit_binary(e, FV_B_MUL, out, d, out, share, out, same);
        fv_emit_gradient(e, i, d);
    }
}
