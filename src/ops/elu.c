/* elu.c - x, or alpha (exp(x) - 1) below 0. */
#include "support.h"

#define FIELDS(F) F(elu, FLOAT, alpha, .standard = 1, .help = "what very negative numbers tend to, negated")
FV_DEFINE_FIELDS(elu, FIELDS)

static fv_epilogue as_epilogue(const void *fields) {
    const struct elu *f = fields;
    return (fv_epilogue){FV_U_ELU, f->alpha, 0};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_elu = {
    .name = "elu",
    .summary = "x, or alpha (exp(x) - 1) below 0",
    .details = "y = x for x > 0, else alpha*(exp(x) - 1) (Clevert et al. 2016).",
    FV_FIELDS(elu),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Elu",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "alpha 1", .fields = "", .in = {"1x3: -1 0 2"}, .out = {"1x3: -0.6321205588 0 2"}},
            {.fields = "alpha=1.5", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
