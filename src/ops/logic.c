/* logic.c - and, or and their kind, of truth values and of the bits of whole numbers. */
#include "cells.h"

static const fv_choices words = {
    "fv_logic_kind", "FV_LOGIC_", {"and", "or", "xor", "not", "shift_left", "shift_right"}};
static const fv_element kinds[] = {FV_EL_AND, FV_EL_OR, FV_EL_XOR, FV_EL_NOT, FV_EL_SHIFT_LEFT, FV_EL_SHIFT_RIGHT};

#define FIELDS(F) F(logic, CHOICE, kind, .positional = true, .required = true, .choices = &words, .help = "which one")
FV_DEFINE_FIELDS(logic, FIELDS)

static fv_element kind_of(const void *fields) { return kinds[((const struct logic *)fields)->kind]; }

static fv_status infer(fv_infer *infer) {
    fv_element kind = kind_of(infer->fields);
    bool shift = kind == FV_EL_SHIFT_LEFT || kind == FV_EL_SHIFT_RIGHT;
    int expected = kind == FV_EL_NOT ? 1 : 2;
    if (infer->inputs != expected)
        return fv_infer_fail(infer, "expected %d input%s, got %d", expected, expected == 1 ? "" : "s", infer->inputs);
    return fv_infer_pair(infer, shift ? FV_WHOLE : FV_WHOLE | FV_TRUTH);
}

static void forward(fv_emit *e) {
    bool two = fv_emit_inputs(e) == 2;
    fv_emit_element(e, kind_of(fv_emit_fields(e)), fv_out_type(e, 0), fv_out(e, 0), fv_in_type(e, 0), fv_in(e, 0),
                    two ? fv_in_type(e, 1) : NULL, two ? fv_in(e, 1) : FV_NO_OPERAND);
}

const fv_op fv_op_logic = {
    .name = "logic",
    .summary = "and, or, xor and not of truth values or of bits",
    .details =
        "Element by element, with the broadcasting of add. Of truth values the result is one; of whole numbers "
        "every bit is. Shifts take whole numbers; bits that leave the type are lost, and a negative number stays negative to the right.",
    FV_FIELDS(logic),
    .ports = {{"x", FV_INPUT, "truth values or whole numbers", false},
              {"y", FV_INPUT, "of the same type; not: none", true}},
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY | FV_T_WHOLE,
    .onnx = "And, Or, Xor, Not, BitwiseAnd, BitwiseOr, BitwiseXor, BitwiseNot, BitShift",
    .infer = infer,
    .forward = forward,
    .examples =
        {
            {.title = "and",
             .fields = "and",
             .in = {"bool fixed 4: 0 0 1 1", "bool fixed 4: 0 1 0 1"},
             .out = {"bool fixed 4: 0 0 0 1"}},
            {.title = "not", .fields = "not", .in = {"bool fixed 2: 0 1"}, .out = {"bool fixed 2: 1 0"}},
            {.title = "either, one against many",
             .fields = "xor",
             .in = {"bool fixed 2x1: 0 1", "bool fixed 2: 0 1"},
             .out = {"bool fixed 2x2: 0 1 ; 1 0"}},
            {.title = "bits",
             .fields = "or",
             .in = {"u8 fixed 2: 12 1", "u8 fixed 2: 10 128"},
             .out = {"u8 fixed 2: 14 129"}},
            {.title = "shifts",
             .fields = "shift_left",
             .in = {"u8 fixed 3: 1 255 3", "u8 fixed scalar: 2"},
             .out = {"u8 fixed 3: 4 252 12"}},
        },
};
