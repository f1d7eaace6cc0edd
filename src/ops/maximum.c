/* maximum.c - the largest of values, cell by cell. */
#include "extreme.h"

static void forward(fv_emit *e) { fv_emit_extreme(e, FV_B_MAX); }

const fv_op fv_op_maximum = {
    .name = "maximum",
    .summary = "the largest of two or more values",
    .details =
        "Element by element, with the broadcasting of add. Where several share the largest, they share its gradient.",
    .ports = {{"x", FV_INPUT, "two or more values, all of one type", false}},
    .variadic = true,
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY,
    .onnx = "Max",
    .infer = fv_infer_extreme,
    .forward = forward,
    .backward = fv_emit_extreme_back,
    .examples =
        {
            {.title = "of three",
             .fields = "",
             .in = {"1x3: 1 5 3", "1x3: 2 4 3", "1x3: 7 6 0"},
             .out = {"1x3: 7 6 3"}},
            {.title = "whole numbers",
             .fields = "",
             .in = {"i32 fixed 2: 1 2", "i32 fixed 1: -1"},
             .out = {"i32 fixed 2: 1 2"}},
            {.fields = "", .in = {"3x2x4", "fixed 4", "3x2x1"}},
            {.fields = "", .in = {"fixed 5"}},
        },
};
