/* box.c - a box of cells within a larger one: what padding and cropping share. */
#include "box.h"

/* A walk over the small box: strides in it, and strides and offset in the large one. */
static fv_geom box_geom(const fv_emit *e, const fv_type *type, const fv_box *box, int64_t small[FV_MAX_RANK],
                        int64_t large[FV_MAX_RANK], int64_t *offset) {
    fv_geom geom = fv_geom_for(e, type);
    int64_t in_small = 1, in_large = 1;
    *offset = 0;
    geom.copy.walk.rank = box->rank + 1;
    for (int d = box->rank - 1; d >= 0; d--) {
        geom.copy.walk.dim[d + 1] = box->small[d];
        small[d + 1] = in_small;
        large[d + 1] = in_large;
        *offset += box->at[d] * in_large;
        in_small *= box->small[d];
        in_large *= box->large[d];
    }
    geom.copy.walk.dim[0] = geom.n;
    small[0] = in_small;
    large[0] = in_large;
    return geom;
}

void fv_emit_box_cut(fv_emit *e, const fv_type *type, const fv_box *box, fv_operand small, fv_operand large) {
    int64_t y[FV_MAX_RANK] = {0}, a[FV_MAX_RANK] = {0}, offset;
    fv_geom geom = box_geom(e, type, box, y, a, &offset);
    for (int d = 0; d <= box->rank; d++) geom.copy.walk.y[d] = y[d], geom.copy.walk.a[d] = a[d];
    geom.copy.walk.a_offset = offset;
    FV_CALL(e, FV_R_COPY, &geom, small, large);
}

void fv_emit_box_paste(fv_emit *e, const fv_type *type, const fv_box *box, fv_operand large, fv_operand small) {
    int64_t y[FV_MAX_RANK] = {0}, a[FV_MAX_RANK] = {0}, offset;
    fv_geom geom = box_geom(e, type, box, a, y, &offset);
    for (int d = 0; d <= box->rank; d++) geom.copy.walk.y[d] = y[d], geom.copy.walk.a[d] = a[d];
    geom.copy.walk.y_offset = offset;
    FV_CALL(e, FV_R_COPY, &geom, large, small);
}
