/* tanh.c - hyperbolic tangent. */
#include "support.h"

static fv_epilogue as_epilogue(const void *fields) {
    (void)fields;
    return (fv_epilogue){FV_U_TANH, 1, 1};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_tanh = {
    .name = "tanh",
    .summary = "hyperbolic tangent",
    .details = "y = tanh(x), between -1 and 1.",
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Tanh",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "odd around 0",
             .fields = "",
             .in = {"1x3: 0 1 -1"},
             .out = {"1x3: 0 0.7615941560 -0.7615941560"}},
            {.fields = "", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
