/* multiply.c - the product of values, with broadcasting: gates and attention over channels. */
#include "cells.h"

static fv_status infer(fv_infer *infer) {
    if (infer->inputs < 2) return fv_infer_fail(infer, "expects at least two inputs, got %d", infer->inputs);
    return fv_infer_cells(infer, 0, FV_NUMBERS, &infer->out[0]);
}

/* to = first * (every input but `skip`), all of the result's type; `first` may be FV_NO_OPERAND. */
static void emit_product(fv_emit *e, fv_operand to, fv_operand first, int skip) {
    const fv_type *out = fv_out_type(e, 0), *type = out;
    fv_operand product = first;
    int last = fv_emit_inputs(e) - 1;
    if (last == skip) last--;
    for (int i = 0; i <= last; i++) {
        if (i == skip) continue;
        if (product == FV_NO_OPERAND) {
            product = fv_in(e, i);
            type = fv_in_type(e, i);
            continue;
        }
        fv_operand next = i == last ? to : fv_temp(e, out);
        fv_emit_binary(e, FV_B_MUL, out, next, type, product, fv_in_type(e, i), fv_in(e, i));
        product = next;
        type = out;
    }
}

static void forward(fv_emit *e) { emit_product(e, fv_out(e, 0), FV_NO_OPERAND, -1); }

static void backward(fv_emit *e) {
    const fv_type *out = fv_out_type(e, 0);
    for (int i = 0; i < fv_emit_inputs(e); i++) {
        if (!fv_wants_d_in(e, i)) continue;
        bool same = fv_shape_equal(&fv_in_type(e, i)->shape, &out->shape);
        fv_operand whole = same ? fv_d_in(e, i) : fv_temp(e, out);
        emit_product(e, whole, fv_d_out(e, 0), i);
        if (!same) fv_emit_unbroadcast(e, fv_in_type(e, i), fv_d_in(e, i), out, whole);
    }
}

const fv_op fv_op_multiply = {
    .name = "multiply",
    .summary = "the product of two or more values",
    .details =
        "Element by element. Sizes must be equal or 1, aligned at the last dimension as in NumPy; the batch stays in "
        "front, and a value "
        "without a batch counts for every sample: (N, C) times (N, H, W, C) weighs the channels of each picture.",
    .ports = {{"x", FV_INPUT, "two or more values", false}},
    .variadic = true,
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY,
    .onnx = "Mul",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "element by element",
             .fields = "",
             .in = {"1x3: 1 2 3", "1x3: 4 5 -6"},
             .out = {"1x3: 4 10 -18"}},
            {.title = "weights of the channels",
             .fields = "",
             .in = {"1x2x1x2: 1 2 ; 3 4", "1x2: 10 100"},
             .out = {"1x2x1x2: 10 200 ; 30 400"}},
            {.fields = "", .in = {"3x2x5x3", "3x3", "fixed 5x1"}},
            {.fields = "", .in = {"2x4x5x3", "2x4x1x3"}},
        },
};
