/* cast.c - the same numbers as another type. */
#include "cells.h"

static const fv_choices words = {"fv_cast_type", "FV_CAST_", {"f32", "i32", "i64", "u8", "bool"}};
static const fv_dtype dtypes[] = {FV_F32, FV_I32, FV_I64, FV_U8, FV_BOOL};

#define FIELDS(F)                                                                                                      \
    F(cast, CHOICE, to, .positional = true, .required = true, .choices = &words, .help = "the type of the result")
FV_DEFINE_FIELDS(cast, FIELDS)

static fv_status infer(fv_infer *infer) {
    infer->out[0] = (fv_type){dtypes[((const struct cast *)infer->fields)->to], infer->in[0].shape};
    return fv_infer_dtype(infer, 0, FV_CELLS);
}

static void forward(fv_emit *e) {
    const fv_type *in = fv_in_type(e, 0), *out = fv_out_type(e, 0);
    if (in->dtype == out->dtype)
        fv_out_is(e, 0, fv_in(e, 0));
    else
        fv_emit_element(e, FV_EL_CAST, out, fv_out(e, 0), in, fv_in(e, 0), NULL, FV_NO_OPERAND);
}

/* Reached only from reals to reals. */
static void backward(fv_emit *e) {
    if (fv_wants_d_in(e, 0)) fv_d_in_is(e, 0, fv_d_out(e, 0));
}

const fv_op fv_op_cast = {
    .name = "cast",
    .summary = "the same numbers as another type",
    .details =
        "A real number becomes a whole one by cutting towards zero; what a type cannot hold becomes the nearest that it can, what is not a "
        "number becomes 0. A whole number that a smaller type cannot hold keeps its low bits. To truth values: everything but 0 is true; "
        "from them: 1 and 0. No gradient passes through whole numbers.",
    FV_FIELDS(cast),
    .ports = {{"x", FV_INPUT, "any shape and type", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY,
    .onnx = "Cast, CastLike",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "towards zero, and no further than the type goes",
             .fields = "i32",
             .in = {"1x4: 2.9 -2.9 1e10 0"},
             .out = {"i32 1x4: 2 -2 2147483647 0"},
             .no_gradient = true},
            {.title = "truth", .fields = "bool", .in = {"i64 fixed 3: 2 0 -1"}, .out = {"bool fixed 3: 1 0 1"}},
            {.title = "and back",
             .fields = "f32",
             .in = {"bool fixed 2: 1 0"},
             .out = {"fixed 2: 1 0"},
             .no_gradient = true},
            {.title = "low bits", .fields = "u8", .in = {"i64 fixed 2: 257 -1"}, .out = {"u8 fixed 2: 1 255"}},
            {.fields = "f32", .in = {"3x5"}},
        },
};
