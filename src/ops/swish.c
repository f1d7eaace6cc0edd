/* swish.c - x * sigmoid(beta x). */
#include "support.h"

#define FIELDS(F) F(swish, FLOAT, beta, .standard = 1, .help = "factor inside the sigmoid")
FV_DEFINE_FIELDS(swish, FIELDS)

static fv_epilogue as_epilogue(const void *fields) {
    const struct swish *f = fields;
    return (fv_epilogue){FV_U_SWISH, f->beta, 0};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_swish = {
    .name = "swish",
    .summary = "x * sigmoid(beta x)",
    .details = "y = x / (1 + exp(-beta*x)) (Ramachandran et al. 2017); with beta=1 also called SiLU.",
    FV_FIELDS(swish),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Sigmoid, Mul",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "beta 1", .fields = "", .in = {"1x3: 0 1 -1"}, .out = {"1x3: 0 0.7310585786 -0.2689414214"}},
            {.fields = "beta=0.7", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
