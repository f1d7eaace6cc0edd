/* cumsum.c - running sums along an axis. */
#include "cells.h"

#define FIELDS(F)                                                                                                      \
    F(cumsum, INT, axis, .positional = true, .standard = -1, .min = -FV_MAX_RANK, .max = FV_MAX_RANK - 1,              \
      .help = "the axis, the batch being 0; negative ones count from the end")                                         \
    F(cumsum, BOOL, exclusive, .help = "without the element itself: the first sum is 0")                               \
    F(cumsum, BOOL, reverse, .help = "from the end")
FV_DEFINE_FIELDS(cumsum, FIELDS)

static fv_status infer(fv_infer *infer) {
    const struct cumsum *f = infer->fields;
    char shape[128];
    infer->out[0] = infer->in[0];
    if (fv_axis_of(f->axis, infer->in[0].shape.rank) < 0)
        return fv_infer_fail(infer, "there is no axis %lld in %s", (long long)f->axis,
                             fv_shape_text(&infer->in[0].shape, shape, sizeof shape));
    return fv_infer_dtype(infer, 0, FV_NUMBERS);
}

static void emit(fv_emit *e, fv_operand y, fv_operand x, bool back) {
    const struct cumsum *f = fv_emit_fields(e);
    const fv_type *in = fv_in_type(e, 0);
    fv_emit_scan(e, in, fv_axis_of(f->axis, in->shape.rank), y, x, false, f->exclusive, f->reverse != back);
}

static void forward(fv_emit *e) { emit(e, fv_out(e, 0), fv_in(e, 0), false); }

/* An element is part of the sums on the other side. */
static void backward(fv_emit *e) {
    if (fv_wants_d_in(e, 0)) emit(e, fv_d_in(e, 0), fv_d_out(e, 0), true);
}

const fv_op fv_op_cumsum = {
    .name = "cumsum",
    .summary = "running sums along an axis",
    .details = "y_i = x_0 + ... + x_i. Whole numbers wrap.",
    FV_FIELDS(cumsum),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_EMPTY,
    .onnx = "CumSum",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "running sums", .fields = "", .in = {"1x4: 1 2 3 4"}, .out = {"1x4: 1 3 6 10"}},
            {.title = "from the end, without the element",
             .fields = "exclusive=yes reverse=yes",
             .in = {"1x4: 1 2 3 4"},
             .out = {"1x4: 9 7 4 0"}},
            {.title = "whole numbers, down the columns",
             .fields = "0",
             .in = {"i32 fixed 2x2: 1 2 ; 3 4"},
             .out = {"i32 fixed 2x2: 1 2 ; 4 6"}},
            {.fields = "1", .in = {"3x4x5"}},
            {.fields = "0 reverse=yes", .in = {"3x4x5"}},
            {.fields = "-1 exclusive=yes", .in = {"fixed 4x5"}},
        },
};
