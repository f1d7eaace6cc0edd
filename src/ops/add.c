/* add.c - the sum of values, with broadcasting: the shortcut of residual networks. */
#include "cells.h"

static fv_status infer(fv_infer *infer) {
    if (infer->inputs < 2) return fv_infer_fail(infer, "expects at least two inputs, got %d", infer->inputs);
    return fv_infer_cells(infer, 0, FV_NUMBERS, &infer->out[0]);
}

static void forward(fv_emit *e) {
    const fv_type *out = fv_out_type(e, 0), *sum_type = fv_in_type(e, 0);
    fv_operand sum = fv_in(e, 0);
    for (int i = 1; i < fv_emit_inputs(e); i++) {
        fv_operand next = i == fv_emit_inputs(e) - 1 ? fv_out(e, 0) : fv_temp(e, out);
        fv_emit_binary(e, FV_B_ADD, out, next, sum_type, sum, fv_in_type(e, i), fv_in(e, i));
        sum = next;
        sum_type = out;
    }
}

static void backward(fv_emit *e) {
    const fv_type *out = fv_out_type(e, 0);
    for (int i = 0; i < fv_emit_inputs(e); i++) {
        if (!fv_wants_d_in(e, i)) continue;
        if (fv_shape_equal(&fv_in_type(e, i)->shape, &out->shape))
            fv_d_in_is(e, i, fv_d_out(e, 0));
        else
            fv_emit_unbroadcast(e, fv_in_type(e, i), fv_d_in(e, i), out, fv_d_out(e, 0));
    }
}

const fv_op fv_op_add = {
    .name = "add",
    .summary = "the sum of two or more values",
    .details = "Element by element. Sizes must be equal or 1, aligned at the last dimension as in NumPy; the batch "
               "stays in front, and a value "
               "without a batch counts for every sample.",
    .ports = {{"x", FV_INPUT, "two or more values", false}},
    .variadic = true,
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY,
    .onnx = "Add",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "a shortcut",
             .fields = "",
             .in = {"1x2x2x1: 1 2 ; 3 4", "1x2x2x1: 10 20 ; 30 40"},
             .out = {"1x2x2x1: 11 22 ; 33 44"}},
            {.title = "a number for each channel",
             .fields = "",
             .in = {"2x1x2: 1 2 ; 3 4", "fixed 2: 10 20"},
             .out = {"2x1x2: 11 22 ; 13 24"}},
            {.fields = "", .in = {"3x2x5x3", "3x3", "fixed 5x1"}},
            {.fields = "", .in = {"2x4x1x3", "2x4x5x3"}},
            {.fields = "", .in = {"fixed 3", "fixed 2x3"}},
        },
};
