/* selu.c - an elu that keeps mean 0 and variance 1. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(selu, FLOAT, alpha, .standard = 1.67326319217681884765625,                                                       \
      .help = "what very negative numbers tend to, negated and before scale")                                          \
    F(selu, FLOAT, scale, .standard = 1.05070102214813232421875, .help = "factor of the whole")
FV_DEFINE_FIELDS(selu, FIELDS)

static fv_epilogue as_epilogue(const void *fields) {
    const struct selu *f = fields;
    return (fv_epilogue){FV_U_SELU, f->alpha, f->scale};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_selu = {
    .name = "selu",
    .summary = "an elu that keeps mean 0 and variance 1",
    .details =
        "y = scale * (x for x > 0, else alpha*(exp(x) - 1)) with the constants for which, behind weights that start as lecun_normal, what is normally distributed stays so (Klambauer et al. 2017).",
    FV_FIELDS(selu),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Selu",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "the standard constants",
             .fields = "",
             .in = {"1x3: -1 0 2"},
             .out = {"1x3: -1.1113307378 0 2.1014020443"}},
            {.fields = "alpha=2 scale=1.5", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
