/* compare.c - which numbers are equal, less or greater: truth values. */
#include "cells.h"

static const fv_choices words = {
    "fv_comparison", "FV_COMPARE_", {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}};
static const fv_element kinds[] = {FV_EL_EQUAL,      FV_EL_NOT_EQUAL, FV_EL_LESS,
                                   FV_EL_LESS_EQUAL, FV_EL_GREATER,   FV_EL_GREATER_EQUAL};

#define FIELDS(F)                                                                                                      \
    F(compare, CHOICE, kind, .positional = true, .required = true, .choices = &words,                                  \
      .help = "what is asked of x and y")
FV_DEFINE_FIELDS(compare, FIELDS)

static fv_element kind_of(const void *fields) { return kinds[((const struct compare *)fields)->kind]; }

static fv_status infer(fv_infer *infer) {
    fv_element kind = kind_of(infer->fields);
    bool any = kind == FV_EL_EQUAL || kind == FV_EL_NOT_EQUAL;
    fv_status status = fv_infer_pair(infer, any ? FV_CELLS : FV_NUMBERS);
    infer->out[0].dtype = FV_BOOL;
    return status;
}

static void forward(fv_emit *e) {
    fv_emit_element(e, kind_of(fv_emit_fields(e)), fv_out_type(e, 0), fv_out(e, 0), fv_in_type(e, 0), fv_in(e, 0),
                    fv_in_type(e, 1), fv_in(e, 1));
}

const fv_op fv_op_compare = {
    .name = "compare",
    .summary = "equal, less or greater: truth values",
    .details = "Element by element, with the broadcasting of add. Both of one type; truth values can be equal or not. "
               "What is not a number is equal to nothing.",
    FV_FIELDS(compare),
    .ports = {{"x", FV_INPUT, "any shape and type", false}, {"y", FV_INPUT, "of the same type", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY | FV_T_WHOLE,
    .onnx = "Equal, Less, LessOrEqual, Greater, GreaterOrEqual",
    .infer = infer,
    .forward = forward,
    .examples =
        {
            {.title = "less", .fields = "less", .in = {"1x3: 1 2 3", "1x3: 2 2 2"}, .out = {"bool 1x3: 1 0 0"}},
            {.title = "at least, of whole numbers and one for all",
             .fields = "greater_equal",
             .in = {"i64 fixed 3: 1 2 3", "i64 fixed scalar: 2"},
             .out = {"bool fixed 3: 0 1 1"}},
            {.title = "equal truths",
             .fields = "equal",
             .in = {"bool fixed 2x1: 1 0", "bool fixed 1x2: 1 0"},
             .out = {"bool fixed 2x2: 1 0 ; 0 1"}},
            {.fields = "not_equal", .in = {"3x2x4", "fixed 4"}},
        },
};
