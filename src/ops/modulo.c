/* modulo.c - what a division leaves over. */
#include "cells.h"

static const fv_choices words = {"fv_modulo_sign", "FV_MODULO_", {"divisor", "dividend"}};

#define FIELDS(F) F(modulo, CHOICE, sign, .choices = &words, .help = "whose sign the result has: y's or x's")
FV_DEFINE_FIELDS(modulo, FIELDS)

static fv_status infer(fv_infer *infer) { return fv_infer_pair(infer, FV_NUMBERS); }

static void forward(fv_emit *e) {
    const struct modulo *f = fv_emit_fields(e);
    fv_emit_element(e, f->sign ? FV_EL_REMAINDER : FV_EL_MODULO, fv_out_type(e, 0), fv_out(e, 0), fv_in_type(e, 0),
                    fv_in(e, 0), fv_in_type(e, 1), fv_in(e, 1));
}

/* d x = d; d y = -d * the whole quotient = -d * (x - result) / y */
static void backward(fv_emit *e) {
    const fv_type *out = fv_out_type(e, 0);
    if (fv_wants_d_in(e, 0)) fv_emit_gradient(e, 0, fv_d_out(e, 0));
    if (!fv_wants_d_in(e, 1)) return;
    fv_operand whole = fv_temp(e, out), quotient = fv_temp(e, out), d = fv_temp(e, out);
    fv_emit_binary(e, FV_B_SUB, out, whole, out, fv_out(e, 0), fv_in_type(e, 0), fv_in(e, 0));
    fv_emit_binary(e, FV_B_DIV, out, quotient, out, whole, fv_in_type(e, 1), fv_in(e, 1));
    fv_emit_binary(e, FV_B_MUL, out, d, out, fv_d_out(e, 0), out, quotient);
    fv_emit_gradient(e, 1, d);
}

const fv_op fv_op_modulo = {
    .name = "modulo",
    .summary = "what a division leaves over",
    .details =
        "x - y * q, element by element, with the broadcasting of add: q is x/y rounded down (sign=divisor, as Python's %) or cut towards "
        "zero (sign=dividend, as C's fmod). Modulo the whole number 0 everything is 0.",
    FV_FIELDS(modulo),
    .ports = {{"x", FV_INPUT, "the dividend", false}, {"y", FV_INPUT, "the divisor, of the same type", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY,
    .onnx = "Mod",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "with the sign of the divisor",
             .fields = "",
             .in = {"i64 fixed 4: -4 7 5 4", "i64 fixed 4: 2 -3 8 0"},
             .out = {"i64 fixed 4: 0 -2 5 0"}},
            {.title = "with the sign of the dividend",
             .fields = "sign=dividend",
             .in = {"1x3: -4.5 7 5", "1x3: 2 -3 8"},
             .out = {"1x3: -1/2 1 5"}},
            {.fields = "", .in = {"3x4", "fixed 4"}, .no_gradient = true},
        },
};
