/* divide.c - the quotient of two values. */
#include "cells.h"

static fv_status infer(fv_infer *infer) { return fv_infer_pair(infer, FV_NUMBERS); }

static void forward(fv_emit *e) {
    fv_emit_binary(e, FV_B_DIV, fv_out_type(e, 0), fv_out(e, 0), fv_in_type(e, 0), fv_in(e, 0), fv_in_type(e, 1),
                   fv_in(e, 1));
}

/* d x = d / y; d y = -(d / y) * (x / y) */
static void backward(fv_emit *e) {
    const fv_type *out = fv_out_type(e, 0);
    fv_operand part = fv_temp(e, out);
    fv_emit_binary(e, FV_B_DIV, out, part, out, fv_d_out(e, 0), fv_in_type(e, 1), fv_in(e, 1));
    if (fv_wants_d_in(e, 0)) fv_emit_gradient(e, 0, part);
    if (!fv_wants_d_in(e, 1)) return;
    fv_operand product = fv_temp(e, out), negative = fv_temp(e, out);
    fv_emit_binary(e, FV_B_MUL, out, product, out, part, out, fv_out(e, 0));
    fv_emit_unary(e, FV_U_NEG, 0, 0, out, negative, product);
    fv_emit_gradient(e, 1, negative);
}

const fv_op fv_op_divide = {
    .name = "divide",
    .summary = "the quotient of two values",
    .details =
        "x / y, element by element, with the broadcasting of add. Quotients of whole numbers are cut towards zero; what is divided by the "
        "whole number 0 is 0.",
    .ports = {{"x", FV_INPUT, "any shape", false}, {"y", FV_INPUT, "the divisor", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY,
    .onnx = "Div",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "element by element",
             .fields = "",
             .in = {"1x3: 1 2 3", "1x3: 4 -2 2"},
             .out = {"1x3: 1/4 -1 3/2"}},
            {.title = "whole numbers are cut",
             .fields = "",
             .in = {"i64 fixed 4: 7 -7 7 7", "i64 fixed 4: 2 2 -2 0"},
             .out = {"i64 fixed 4: 3 -3 -3 0"}},
            {.fields = "", .in = {"3x2x5x3", "fixed 5x1"}},
            {.fields = "", .in = {"fixed 3", "2x4x3"}},
        },
};
