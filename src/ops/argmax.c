/* argmax.c - where the largest element lies along an axis. */
#include "cells.h"

#define FIELDS(F)                                                                                                      \
    F(argmax, INT, axis, .positional = true, .standard = -1, .min = -FV_MAX_RANK, .max = FV_MAX_RANK - 1,              \
      .help = "the axis, the batch being 0; negative ones count from the end")                                         \
    F(argmax, BOOL, keep, .help = "leave the axis, with size 1")                                                       \
    F(argmax, BOOL, smallest, .help = "the smallest element instead")                                                  \
    F(argmax, BOOL, last, .help = "of equal ones the last instead of the first")
FV_DEFINE_FIELDS(argmax, FIELDS)

static fv_reduced over_of(const struct argmax *f, const fv_type *in) {
    fv_reduced over = {{false}};
    int axis = fv_axis_of(f->axis, in->shape.rank);
    if (axis >= 0) over.axis[axis] = true;
    return over;
}

static fv_status infer(fv_infer *infer) {
    const struct argmax *f = infer->fields;
    const fv_type *in = &infer->in[0];
    char shape[128];
    int axis = fv_axis_of(f->axis, in->shape.rank);
    fv_status status = fv_infer_dtype(infer, 0, FV_NUMBERS);
    if (status) return status;
    if (axis < 0 || in->shape.dim[axis] == 0)
        return fv_infer_fail(infer, "there is nothing along axis %lld of %s", (long long)f->axis,
                             fv_shape_text(&in->shape, shape, sizeof shape));
    fv_reduced over = over_of(f, in);
    infer->out[0] = fv_reduced_type(in, &over, f->keep);
    infer->out[0].dtype = FV_I64;
    return FV_OK;
}

static void forward(fv_emit *e) {
    const struct argmax *f = fv_emit_fields(e);
    const fv_type *in = fv_in_type(e, 0);
    fv_reduced over = over_of(f, in);
    fv_geom geom = fv_geom_for(e, in);
    geom.fold = (fv_fold_geom){.kind = f->smallest ? FV_MINIMUM : FV_MAXIMUM,
                               .dtype = in->dtype,
                               .index = true,
                               .last = f->last,
                               .walk = fv_reduced_walk(e, in, &over)};
    FV_CALL(e, FV_R_FOLD, &geom, fv_out(e, 0), fv_in(e, 0));
}

const fv_op fv_op_argmax = {
    .name = "argmax",
    .summary = "where the largest element lies along an axis",
    .details = "Numbers from 0 (i64), one for each row along the axis: the class of logits, for instance.",
    FV_FIELDS(argmax),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_EMPTY | FV_T_WHOLE,
    .onnx = "ArgMax, ArgMin",
    .infer = infer,
    .forward = forward,
    .examples =
        {
            {.title = "classes of two samples", .fields = "", .in = {"2x3: 1 5 3 ; 7 2 7"}, .out = {"i64 2: 1 0"}},
            {.title = "the last of equal ones",
             .fields = "last=yes",
             .in = {"2x3: 1 5 3 ; 7 2 7"},
             .out = {"i64 2: 1 2"}},
            {.title = "the smallest in each column",
             .fields = "axis=0 smallest=yes keep=yes",
             .in = {"fixed 2x3: 1 5 3 ; 0 6 3"},
             .out = {"i64 fixed 1x3: 1 0 0"}},
            {.fields = "1", .in = {"3x4x5"}},
        },
};
