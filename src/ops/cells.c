/* cells.c - what operators on values of every type share. */
#include "cells.h"

#include <stdio.h>
#include <string.h>

/* ---- types ---------------------------------------------------------------------------------------------------------- */

fv_status fv_infer_dtype(fv_infer *infer, int i, unsigned types) {
    char names[64] = "";
    size_t used = 0;
    if (types >> infer->in[i].dtype & 1) return FV_OK;
    for (int t = FV_F32; t <= FV_BOOL; t++)
        if (types >> t & 1)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                                     fv_dtype_name((fv_dtype)t));
    return fv_infer_fail(infer, "input %d must be of type %s, got %s", i + 1, names, fv_dtype_name(infer->in[i].dtype));
}

fv_status fv_infer_cells(fv_infer *infer, int first, unsigned types, fv_type *out) {
    fv_status status = FV_OK;
    for (int i = first; i < infer->inputs && !status; i++) {
        status = fv_infer_dtype(infer, i, types);
        if (!status && infer->in[i].dtype != infer->in[first].dtype)
            return fv_infer_fail(infer, "inputs must be of one type, got %s and %s; cast one of them",
                                 fv_dtype_name(infer->in[first].dtype), fv_dtype_name(infer->in[i].dtype));
    }
    if (!status) status = fv_infer_broadcast_shape(infer, out);
    out->dtype = infer->in[first].dtype;
    return status;
}

fv_status fv_infer_pair(fv_infer *infer, unsigned types) { return fv_infer_cells(infer, 0, types, &infer->out[0]); }

/* ---- calls ---------------------------------------------------------------------------------------------------------- */

void fv_emit_element(fv_emit *e, fv_element kind, const fv_type *ty, fv_operand y, const fv_type *ta, fv_operand a,
                     const fv_type *tb, fv_operand b) {
    fv_geom geom = fv_geom_for(e, ty);
    geom.elements =
        (fv_elements_geom){.kind = kind, .dtype = ta->dtype, .result = ty->dtype, .walk = fv_walk_over(&geom, ty)};
    fv_walk_strides(ty, ty, geom.elements.walk.y);
    fv_walk_strides(ty, ta, geom.elements.walk.a);
    if (tb) fv_walk_strides(ty, tb, geom.elements.walk.b);
    FV_CALL(e, FV_R_ELEMENTS, &geom, y, a, b);
}

void fv_emit_select(fv_emit *e, const fv_type *ty, fv_operand y, const fv_type *tc, fv_operand c, const fv_type *ta,
                    fv_operand a, const fv_type *tb, fv_operand b) {
    fv_geom geom = fv_geom_for(e, ty);
    geom.select = (fv_select_geom){.walk = fv_walk_over(&geom, ty)};
    fv_walk_strides(ty, ty, geom.select.walk.y);
    fv_walk_strides(ty, ta, geom.select.walk.a);
    fv_walk_strides(ty, tb, geom.select.walk.b);
    fv_walk_strides(ty, tc, geom.select.c);
    FV_CALL(e, FV_R_SELECT, &geom, y, c, a, b);
}

void fv_emit_unary(fv_emit *e, fv_unary kind, double a, double b, const fv_type *type, fv_operand y, fv_operand x) {
    fv_geom geom = fv_geom_for(e, type);
    geom.unary = (fv_unary_geom){.kind = kind, .a = a, .b = b, .each = fv_type_each(type)};
    FV_CALL(e, FV_R_UNARY, &geom, y, x);
}

void fv_emit_gradient(fv_emit *e, int i, fv_operand d) {
    const fv_type *out = fv_out_type(e, 0), *in = fv_in_type(e, i);
    if (fv_shape_equal(&in->shape, &out->shape))
        fv_d_in_is(e, i, d);
    else
        fv_emit_unbroadcast(e, in, fv_d_in(e, i), out, d);
}

fv_operand fv_emit_same(fv_emit *e, const fv_type *t, fv_operand a, const fv_type *tb, fv_operand b) {
    fv_type truth = {FV_BOOL, t->shape};
    fv_operand same = fv_temp(e, &truth), mask = fv_temp(e, t);
    fv_emit_element(e, FV_EL_EQUAL, &truth, same, t, a, tb, b);
    fv_emit_element(e, FV_EL_CAST, t, mask, &truth, same, NULL, FV_NO_OPERAND);
    return mask;
}

/* ---- reductions ----------------------------------------------------------------------------------------------------- */

fv_type fv_reduced_type(const fv_type *in, const fv_reduced *over, bool keep) {
    fv_type out = {in->dtype, {0, {0}}};
    for (int d = 0; d < in->shape.rank; d++)
        if (!over->axis[d] || keep) out.shape.dim[out.shape.rank++] = over->axis[d] ? 1 : in->shape.dim[d];
    return out;
}

/* Strides of an array of the axes that are left, 0 along the others. */
static void reduced_strides(const fv_type *in, const fv_reduced *over, int64_t *strides) {
    int64_t stride = 1;
    for (int d = in->shape.rank - 1; d >= 0; d--) {
        strides[d] = over->axis[d] ? 0 : stride;
        if (!over->axis[d] && in->shape.dim[d] > 0) stride *= in->shape.dim[d];
    }
}

fv_walk fv_reduced_walk(const fv_emit *e, const fv_type *in, const fv_reduced *over) {
    fv_geom geom = fv_geom_for(e, in);
    fv_walk walk = fv_walk_over(&geom, in);
    fv_reduced none = {{false}};
    reduced_strides(in, over, walk.y);
    reduced_strides(in, &none, walk.a);
    return walk;
}

void fv_emit_reduce(fv_emit *e, fv_reduction kind, const fv_type *in, const fv_reduced *over, fv_operand y,
                    fv_operand x) {
    fv_geom geom = fv_geom_for(e, in);
    fv_walk walk = fv_reduced_walk(e, in, over);
    bool real = in->dtype == FV_F32 && kind != FV_PRODUCT;
    if (real)
        geom.reduce = (fv_reduce_geom){.kind = kind, .walk = walk};
    else
        geom.fold = (fv_fold_geom){.kind = kind, .dtype = in->dtype, .walk = walk};
    FV_CALL(e, real ? FV_R_REDUCE : FV_R_FOLD, &geom, y, x);
}

void fv_emit_with_reduced(fv_emit *e, fv_binary kind, const fv_type *in, const fv_reduced *over, fv_operand y,
                          fv_operand a, fv_operand b) {
    fv_geom geom = fv_geom_for(e, in);
    geom.binary = (fv_binary_geom){.kind = kind, .walk = fv_reduced_walk(e, in, over)};
    memcpy(geom.binary.walk.b, geom.binary.walk.y, sizeof geom.binary.walk.b);
    memcpy(geom.binary.walk.y, geom.binary.walk.a, sizeof geom.binary.walk.y);
    FV_CALL(e, FV_R_BINARY, &geom, y, a, b);
}

void fv_emit_scan(fv_emit *e, const fv_type *type, int axis, fv_operand y, fv_operand x, bool product, bool exclusive,
                  bool reverse) {
    fv_geom geom = fv_geom_for(e, type);
    fv_scan_geom scan = {.outer = 1,
                         .length = 1,
                         .inner = 1,
                         .dtype = type->dtype,
                         .over_samples = fv_type_batched(type) && axis == 0,
                         .product = product,
                         .exclusive = exclusive,
                         .reverse = reverse};
    for (int d = 0; d < type->shape.rank; d++) {
        int64_t size = type->shape.dim[d] == FV_BATCH ? 1 : type->shape.dim[d];
        *(d < axis ? &scan.outer : d == axis ? &scan.length : &scan.inner) *= size;
    }
    geom.scan = scan;
    FV_CALL(e, FV_R_SCAN, &geom, y, x);
}
