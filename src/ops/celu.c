/* celu.c - an elu with the slope 1 at 0 for every alpha. */
#include "support.h"

#define FIELDS(F) F(celu, FLOAT, alpha, .standard = 1, .help = "what very negative numbers tend to, negated; not 0")
FV_DEFINE_FIELDS(celu, FIELDS)

static fv_epilogue as_epilogue(const void *fields) {
    const struct celu *f = fields;
    return (fv_epilogue){FV_U_CELU, f->alpha, 0};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_celu = {
    .name = "celu",
    .summary = "an elu with the slope 1 at 0 for every alpha",
    .details = "y = x for x > 0, else alpha*(exp(x/alpha) - 1) (Barron 2017).",
    FV_FIELDS(celu),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Celu",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "alpha 2", .fields = "alpha=2", .in = {"1x3: -2 0 3"}, .out = {"1x3: -1.2642411177 0 3"}},
            {.fields = "alpha=1.5", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
