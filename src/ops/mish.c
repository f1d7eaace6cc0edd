/* mish.c - x times tanh(softplus(x)). */
#include "support.h"

static fv_epilogue as_epilogue(const void *fields) {
    (void)fields;
    return (fv_epilogue){FV_U_MISH, 0, 0};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_mish = {
    .name = "mish",
    .summary = "x times tanh(softplus(x))",
    .details = "y = x * tanh(log(1 + exp(x))) (Misra 2019).",
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Mish",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "near x above 0, near 0 far below",
             .fields = "",
             .in = {"1x4: 0 1 -1 30"},
             .out = {"1x4: 0 0.8650983883 -0.3034014613 30"}},
            {.fields = "", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
