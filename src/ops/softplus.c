/* softplus.c - log(1 + exp(x)), a smooth relu. */
#include "support.h"

static fv_epilogue as_epilogue(const void *fields) {
    (void)fields;
    return (fv_epilogue){FV_U_SOFTPLUS, 0, 0};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_softplus = {
    .name = "softplus",
    .summary = "log(1 + exp(x)), a smooth relu",
    .details = "y = log(1 + exp(x)).",
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Softplus",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "log 2 at 0",
             .fields = "",
             .in = {"1x3: 0 1 -1"},
             .out = {"1x3: 0.6931471806 1.3132616875 0.3132616875"}},
            {.fields = "", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
