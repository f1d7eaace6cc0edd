/* scattering.c - what the scatter operators share: a copy of the input with picks put into it. */
#include "scattering.h"

fv_status fv_infer_updates(fv_infer *infer, const fv_shape *shape) {
    const fv_type *x = &infer->in[FV_SCATTER_X], *updates = &infer->in[FV_SCATTER_UPDATES];
    char expected[128], got[128];
    if (updates->dtype == x->dtype && fv_shape_equal(&updates->shape, shape)) return FV_OK;
    return fv_infer_fail(infer, "updates must be %s %s, got %s %s", fv_dtype_name(x->dtype),
                         fv_shape_text(shape, expected, sizeof expected), fv_dtype_name(updates->dtype),
                         fv_shape_text(&updates->shape, got, sizeof got));
}

void fv_emit_scattered(fv_emit *e, const fv_geom *picks, fv_scatter kind) {
    fv_emit_copy(e, fv_out_type(e, 0), fv_out(e, 0), fv_in(e, FV_SCATTER_X));
    fv_emit_scatter(e, picks, kind, fv_out(e, 0), fv_in(e, FV_SCATTER_UPDATES), fv_in(e, FV_SCATTER_INDEX));
}

void fv_emit_scattered_back(fv_emit *e, const fv_geom *picks, fv_scatter kind) {
    fv_operand index = fv_in(e, FV_SCATTER_INDEX), dy = fv_d_out(e, 0);
    if (kind != FV_SCATTER_SET && kind != FV_SCATTER_ADD) {
        fv_emit_refuse(e, "only reduction=none and add can be differentiated");
        return;
    }
    if (fv_wants_d_in(e, FV_SCATTER_UPDATES)) fv_emit_gather(e, picks, fv_d_in(e, FV_SCATTER_UPDATES), dy, index);
    if (!fv_wants_d_in(e, FV_SCATTER_X)) return;
    if (kind == FV_SCATTER_ADD) {
        fv_d_in_is(e, FV_SCATTER_X, dy);
        return;
    }
    const fv_type *updates = fv_in_type(e, FV_SCATTER_UPDATES);
    fv_operand zeros = fv_temp(e, updates);
    fv_emit_zeros(e, updates, zeros);
    fv_emit_copy(e, fv_out_type(e, 0), fv_d_in(e, FV_SCATTER_X), dy);
    fv_emit_scatter(e, picks, FV_SCATTER_SET, fv_d_in(e, FV_SCATTER_X), zeros, index);
}
