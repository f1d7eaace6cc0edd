/* power.c - one value to the power of another. */
#include "cells.h"

#include <float.h>

static fv_status infer(fv_infer *infer) { return fv_infer_pair(infer, FV_NUMBERS); }

static void forward(fv_emit *e) {
    fv_emit_element(e, FV_EL_POW, fv_out_type(e, 0), fv_out(e, 0), fv_in_type(e, 0), fv_in(e, 0), fv_in_type(e, 1),
                    fv_in(e, 1));
}

/* d x = d * y * x^(y-1) */
static void backward_base(fv_emit *e) {
    const fv_type *out = fv_out_type(e, 0), *exponent = fv_in_type(e, 1);
    fv_operand less = fv_temp(e, exponent), power = fv_temp(e, out), slope = fv_temp(e, out), d = fv_temp(e, out);
    fv_emit_scale(e, exponent, less, fv_in(e, 1), 1, -1);
    fv_emit_element(e, FV_EL_POW, out, power, fv_in_type(e, 0), fv_in(e, 0), exponent, less);
    fv_emit_binary(e, FV_B_MUL, out, slope, out, power, exponent, fv_in(e, 1));
    fv_emit_binary(e, FV_B_MUL, out, d, out, fv_d_out(e, 0), out, slope);
    fv_emit_gradient(e, 0, d);
}

/* d y = d * x^y * log x */
static void backward_exponent(fv_emit *e) {
    const fv_type *out = fv_out_type(e, 0), *base = fv_in_type(e, 0);
    fv_operand above = fv_temp(e, base), log = fv_temp(e, base), slope = fv_temp(e, out), d = fv_temp(e, out);
    fv_emit_unary(e, FV_U_CLIP, (double)FLT_MIN, (double)FLT_MAX, base, above, fv_in(e, 0));
    fv_emit_unary(e, FV_U_LOG, 0, 0, base, log, above);
    fv_emit_binary(e, FV_B_MUL, out, slope, out, fv_out(e, 0), base, log);
    fv_emit_binary(e, FV_B_MUL, out, d, out, fv_d_out(e, 0), out, slope);
    fv_emit_gradient(e, 1, d);
}

static void backward(fv_emit *e) {
    if (fv_wants_d_in(e, 0)) backward_base(e);
    if (fv_wants_d_in(e, 1)) backward_exponent(e);
}

const fv_op fv_op_power = {
    .name = "power",
    .summary = "one value to the power of another",
    .details =
        "x to the power of y, element by element, with the broadcasting of add; as C's pow for reals. Whole numbers wrap, and "
        "a negative power of one is 1/x^-y cut towards zero (of 0: 0). The gradient towards y takes x to be at least the smallest ordinary float.",
    .ports = {{"x", FV_INPUT, "the base", false}, {"y", FV_INPUT, "the exponent, of the same type", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY,
    .onnx = "Pow",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "squares, roots and inverses",
             .fields = "",
             .in = {"1x4: 3 4 2 -2", "1x4: 2 1/2 -1 3"},
             .out = {"1x4: 9 2 1/2 -8"},
             .no_gradient = true,
             .given = true},
            {.fields = "", .in = {"2x3: 1/2 2 3 ; 1 1.5 4", "2x3: 2 -1 1/2 ; 3 0 -2"}, .given = true},
            {.fields = "", .in = {"2x3: 1/2 2 3 ; 1 1.5 4", "fixed 3: 2 -1 1/2"}, .given = true},
            {.title = "whole numbers",
             .fields = "",
             .in = {"i64 fixed 4: 3 -2 2 -1", "i64 fixed 4: 4 3 -1 -3"},
             .out = {"i64 fixed 4: 81 -8 0 -1"}},
        },
};
