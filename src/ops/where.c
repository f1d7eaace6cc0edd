/* where.c - from one value where a condition holds, from another elsewhere. */
#include "cells.h"

enum { CONDITION, X, Y };

static fv_status infer(fv_infer *infer) {
    fv_status status = fv_infer_dtype(infer, CONDITION, FV_TRUTH);
    return status ? status : fv_infer_cells(infer, X, FV_CELLS, &infer->out[0]);
}

static void forward(fv_emit *e) {
    fv_emit_select(e, fv_out_type(e, 0), fv_out(e, 0), fv_in_type(e, CONDITION), fv_in(e, CONDITION), fv_in_type(e, X),
                   fv_in(e, X), fv_in_type(e, Y), fv_in(e, Y));
}

static void backward(fv_emit *e) {
    const fv_type *out = fv_out_type(e, 0), one = {FV_F32, {0, {0}}};
    fv_operand zero = fv_temp(e, &one), d = fv_d_out(e, 0);
    fv_emit_fill(e, &one, zero, 0);
    for (int i = X; i <= Y; i++) {
        if (!fv_wants_d_in(e, i)) continue;
        fv_operand part = fv_temp(e, out);
        fv_emit_select(e, out, part, fv_in_type(e, CONDITION), fv_in(e, CONDITION), i == X ? out : &one,
                       i == X ? d : zero, i == X ? &one : out, i == X ? zero : d);
        fv_emit_gradient(e, i, part);
    }
}

const fv_op fv_op_where = {
    .name = "where",
    .summary = "from one value where a condition holds, from another elsewhere",
    .details =
        "out = condition ? x : y, element by element, with the broadcasting of add over all three. x and y are of one type.",
    .ports = {{"condition", FV_INPUT, "truth values", false},
              {"x", FV_INPUT, "taken where the condition holds", false},
              {"y", FV_INPUT, "taken elsewhere", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY,
    .onnx = "Where",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "each from its side",
             .fields = "",
             .in = {"bool 1x4: 1 0 0 1", "1x4: 1 2 3 4", "1x4: 10 20 30 40"},
             .out = {"1x4: 1 20 30 4"}},
            {.title = "a number for what is masked",
             .fields = "",
             .in = {"bool fixed 2x2: 1 0 ; 1 1", "i64 fixed 2x2: 1 2 ; 3 4", "i64 fixed scalar: -9"},
             .out = {"i64 fixed 2x2: 1 -9 ; 3 4"}},
            {.fields = "", .in = {"bool 3x4: 1 0 1 1 0 0 1 0 1 0 1 1", "3x2x4", "fixed 2x1"}},
            {.fields = "", .in = {"bool fixed 2x1: 1 0", "fixed 3", "fixed 1x3"}},
        },
};
