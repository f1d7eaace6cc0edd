/* subtract.c - the difference of two values. */
#include "cells.h"

static fv_status infer(fv_infer *infer) { return fv_infer_pair(infer, FV_NUMBERS); }

static void forward(fv_emit *e) {
    fv_emit_binary(e, FV_B_SUB, fv_out_type(e, 0), fv_out(e, 0), fv_in_type(e, 0), fv_in(e, 0), fv_in_type(e, 1),
                   fv_in(e, 1));
}

static void backward(fv_emit *e) {
    const fv_type *out = fv_out_type(e, 0);
    if (fv_wants_d_in(e, 0)) fv_emit_gradient(e, 0, fv_d_out(e, 0));
    if (!fv_wants_d_in(e, 1)) return;
    fv_operand negative = fv_temp(e, out);
    fv_emit_unary(e, FV_U_NEG, 0, 0, out, negative, fv_d_out(e, 0));
    fv_emit_gradient(e, 1, negative);
}

const fv_op fv_op_subtract = {
    .name = "subtract",
    .summary = "the difference of two values",
    .details = "x - y, element by element, with the broadcasting of add. Whole numbers wrap.",
    .ports = {{"x", FV_INPUT, "any shape", false}, {"y", FV_INPUT, "what is taken away", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY,
    .onnx = "Sub",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "element by element", .fields = "", .in = {"1x3: 1 2 3", "1x3: 3 2 2"}, .out = {"1x3: -2 0 1"}},
            {.title = "whole numbers",
             .fields = "",
             .in = {"i32 fixed 2: 1 2", "i32 fixed 1: 5"},
             .out = {"i32 fixed 2: -4 -3"}},
            {.fields = "", .in = {"3x2x5x3", "fixed 5x1"}},
            {.fields = "", .in = {"fixed 3", "2x4x3"}},
        },
};
