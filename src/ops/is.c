/* is.c - which real numbers are no ordinary ones: truth values. */
#include "cells.h"

static const fv_choices words = {"fv_is_kind", "FV_IS_", {"nan", "infinite", "positive_infinite", "negative_infinite"}};
static const fv_element kinds[] = {FV_EL_IS_NAN, FV_EL_IS_INF, FV_EL_IS_POSITIVE_INF, FV_EL_IS_NEGATIVE_INF};

#define FIELDS(F)                                                                                                      \
    F(is, CHOICE, kind, .positional = true, .required = true, .choices = &words, .help = "what is asked of x")
FV_DEFINE_FIELDS(is, FIELDS)

static fv_status infer(fv_infer *infer) {
    infer->out[0] = (fv_type){FV_BOOL, infer->in[0].shape};
    return fv_infer_dtype(infer, 0, FV_REALS);
}

static void forward(fv_emit *e) {
    fv_element kind = kinds[((const struct is *)fv_emit_fields(e))->kind];
    fv_emit_element(e, kind, fv_out_type(e, 0), fv_out(e, 0), fv_in_type(e, 0), fv_in(e, 0), NULL, FV_NO_OPERAND);
}

const fv_op fv_op_is = {
    .name = "is",
    .summary = "which numbers are infinite or no numbers: truth values",
    .details = "Element by element. nan: the result of 0/0 and its like, which is not even equal to itself.",
    FV_FIELDS(is),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_EMPTY | FV_T_WHOLE,
    .onnx = "IsNaN, IsInf",
    .infer = infer,
    .forward = forward,
    .examples =
        {
            {.title = "ordinary numbers", .fields = "nan", .in = {"1x2: 1 0"}, .out = {"bool 1x2: 0 0"}},
            {.title = "large, but not infinite",
             .fields = "infinite",
             .in = {"1x2: 1e38 -1e38"},
             .out = {"bool 1x2: 0 0"}},
            {.fields = "positive_infinite", .in = {"fixed 2x5"}},
            {.fields = "negative_infinite", .in = {"fixed 2x5"}},
        },
};
