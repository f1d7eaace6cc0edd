/* math.c - functions of one number that are no activations. */
#include "cells.h"

static const fv_choices functions = {
    "fv_math_function", "FV_MATH_", {"exp",  "log",   "sqrt",  "abs",   "negative", "sign", "reciprocal", "floor",
                                     "ceil", "round", "sin",   "cos",   "tan",      "asin", "acos",       "atan",
                                     "sinh", "cosh",  "asinh", "acosh", "atanh",    "erf",  "square"}};

/* In the order of the words. */
static const fv_unary kinds[] = {FV_U_EXP,        FV_U_LOG,   FV_U_SQRT,  FV_U_ABS,   FV_U_NEG,   FV_U_SIGN,
                                 FV_U_RECIPROCAL, FV_U_FLOOR, FV_U_CEIL,  FV_U_ROUND, FV_U_SIN,   FV_U_COS,
                                 FV_U_TAN,        FV_U_ASIN,  FV_U_ACOS,  FV_U_ATAN,  FV_U_SINH,  FV_U_COSH,
                                 FV_U_ASINH,      FV_U_ACOSH, FV_U_ATANH, FV_U_ERF,   FV_U_SQUARE};

#define FIELDS(F)                                                                                                      \
    F(math, CHOICE, function, .positional = true, .required = true, .choices = &functions, .help = "which function")
FV_DEFINE_FIELDS(math, FIELDS)

/* The kind for whole numbers; FV_EL_COUNT where there is none. */
static fv_element whole_kind(fv_unary kind) {
    return kind == FV_U_ABS ? FV_EL_ABS : kind == FV_U_NEG ? FV_EL_NEG : kind == FV_U_SIGN ? FV_EL_SIGN : FV_EL_COUNT;
}

static fv_unary kind_of(const void *fields) { return kinds[((const struct math *)fields)->function]; }

static fv_status infer(fv_infer *infer) {
    infer->out[0] = infer->in[0];
    return fv_infer_dtype(infer, 0, whole_kind(kind_of(infer->fields)) < FV_EL_COUNT ? FV_NUMBERS : FV_REALS);
}

static void forward(fv_emit *e) {
    fv_unary kind = kind_of(fv_emit_fields(e));
    const fv_type *in = fv_in_type(e, 0);
    if (in->dtype == FV_F32)
        fv_emit_activation(e, (fv_epilogue){kind, 1, 1});
    else
        fv_emit_element(e, whole_kind(kind), in, fv_out(e, 0), in, fv_in(e, 0), NULL, FV_NO_OPERAND);
}

static void backward(fv_emit *e) { fv_emit_activation_back(e, (fv_epilogue){kind_of(fv_emit_fields(e)), 1, 1}); }

const fv_op fv_op_math = {
    .name = "math",
    .summary = "functions of one number: exp, log, sqrt, floor, sin, ...",
    .details =
        "y = function(x), element by element. round takes halves to the even number (round 2.5 is 2). The gradient of "
        "sign, floor, ceil and round is 0. abs, negative and sign take whole numbers, too; the smallest one of a type "
        "stays as it is.",
    FV_FIELDS(math),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY,
    .onnx = "Exp, Log, Sqrt, Abs, Neg, Sign, Reciprocal, Floor, Ceil, Round, Sin ... Atanh, Erf",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "halves go to the even number",
             .fields = "round",
             .in = {"1x6: -3/2 -1/2 1/2 3/2 5/2 2.6"},
             .out = {"1x6: -2 0 0 2 2 3"},
             .no_gradient = true},
            {.title = "down and up",
             .fields = "floor",
             .in = {"1x4: -3/2 -1 1/2 2"},
             .out = {"1x4: -2 -1 0 2"},
             .no_gradient = true},
            {.title = "sine", .fields = "sin", .in = {"1x3: 0 1 -100"}, .out = {"1x3: 0 0.8414709848 0.5063656411"}},
            {.title = "the error function",
             .fields = "erf",
             .in = {"1x3: 0 1/2 -2"},
             .out = {"1x3: 0 0.5204998778 -0.9953222650"}},
            {.title = "whole numbers", .fields = "abs", .in = {"i64 fixed 3: -7 0 5"}, .out = {"i64 fixed 3: 7 0 5"}},
            {.title = "nothing of nothing", .fields = "exp", .in = {"fixed 2x0"}, .out = {"fixed 2x0"}},
            {.fields = "exp", .in = {"3x5"}},
            {.fields = "abs", .in = {"3x5"}},
            {.fields = "negative", .in = {"3x5"}},
            {.fields = "reciprocal", .in = {"3x5"}},
            {.fields = "sin", .in = {"3x5"}},
            {.fields = "cos", .in = {"3x5"}},
            {.fields = "tan", .in = {"3x5"}},
            {.fields = "asin", .in = {"2x2x3"}},
            {.fields = "acos", .in = {"2x2x3"}},
            {.fields = "atan", .in = {"3x5"}},
            {.fields = "sinh", .in = {"3x5"}},
            {.fields = "cosh", .in = {"3x5"}},
            {.fields = "asinh", .in = {"3x5"}},
            {.fields = "atanh", .in = {"2x2x3"}},
            {.fields = "erf", .in = {"3x5"}},
            {.fields = "log", .in = {"1x4: 1/4 1 2 5"}, .given = true},
            {.fields = "sqrt", .in = {"1x4: 1/4 1 2 5"}, .given = true},
            {.fields = "acosh", .in = {"1x3: 1.5 2 5"}, .given = true},
            {.fields = "square", .in = {"fixed 11"}},
            {.fields = "sign", .in = {"fixed 11"}},
            {.title = "logarithm",
             .fields = "log",
             .in = {"1x2: 1 2.718281828459045"},
             .out = {"1x2: 0 1"},
             .no_gradient = true,
             .given = true},
            {.title = "hyperbolic",
             .fields = "acosh",
             .in = {"1x2: 1.5 2"},
             .out = {"1x2: 0.9624236501 1.3169578969"},
             .no_gradient = true,
             .given = true},
        },
};
