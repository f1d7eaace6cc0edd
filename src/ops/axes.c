/* axes.c - axes of whole values (the batch is axis 0), and copies along them. */
#include "axes.h"

#include <string.h>

int fv_axis_of(int64_t axis, int rank) {
    if (axis < 0) axis += rank;
    return axis >= 0 && axis < rank ? (int)axis : -1;
}

fv_status fv_infer_axis(fv_infer *infer, int i, int64_t axis, int *out) {
    char shape[128];
    *out = fv_axis_of(axis, infer->in[i].shape.rank);
    if (*out >= 0) return FV_OK;
    return fv_infer_fail(infer, "axis=%lld is no axis of %s", (long long)axis,
                         fv_shape_text(&infer->in[i].shape, shape, sizeof shape));
}

fv_status fv_infer_own_axis(fv_infer *infer, int i, int64_t axis, int *out) {
    char shape[128];
    fv_status status = fv_infer_axis(infer, i, axis, out);
    if (status || *out >= fv_type_batched(&infer->in[i])) return status;
    return fv_infer_fail(infer, "axis=%lld of %s is the batch: samples are not mixed", (long long)axis,
                         fv_shape_text(&infer->in[i].shape, shape, sizeof shape));
}

int fv_list_count(const int64_t list[8]) {
    int count = 0;
    while (count < 8 && list[count] != FV_UNSET) count++;
    return count;
}

void fv_strides(const fv_type *t, int64_t strides[FV_MAX_RANK]) {
    int64_t stride = 1;
    for (int d = t->shape.rank - 1; d >= 0; d--) {
        strides[d] = stride;
        stride *= t->shape.dim[d];
    }
}

int64_t fv_outer(const fv_type *t, int axis) {
    int64_t count = 1;
    for (int d = fv_type_batched(t); d < axis; d++) count *= t->shape.dim[d];
    return count;
}

int64_t fv_inner(const fv_type *t, int axis) {
    int64_t count = 1;
    for (int d = axis + 1; d < t->shape.rank; d++) count *= t->shape.dim[d];
    return count;
}

fv_geom fv_copy_over(const fv_emit *e, const fv_type *t) {
    fv_geom geom = fv_geom_for(e, t);
    geom.copy.walk.rank = t->shape.rank;
    for (int d = 0; d < t->shape.rank; d++) geom.copy.walk.dim[d] = fv_extent(&geom, t, d);
    fv_strides(t, geom.copy.walk.y);
    return geom;
}

void fv_emit_spread(fv_emit *e, const fv_type *t, fv_operand to, fv_operand from) {
    fv_geom geom = fv_copy_over(e, t);
    FV_CALL(e, FV_R_COPY, &geom, to, from);
}

void fv_emit_zeros(fv_emit *e, const fv_type *t, fv_operand to) {
    static const int64_t zero = 0; /* zero bytes in every type */
    const fv_type scalar = {t->dtype, {0, {0}}};
    fv_emit_spread(e, t, to, fv_constant(e, &scalar, &zero));
}

void fv_emit_copy(fv_emit *e, const fv_type *t, fv_operand to, fv_operand from) {
    fv_geom geom = fv_copy_over(e, t);
    memcpy(geom.copy.walk.a, geom.copy.walk.y, sizeof geom.copy.walk.a);
    FV_CALL(e, FV_R_COPY, &geom, to, from);
}
