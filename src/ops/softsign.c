/* softsign.c - x / (1 + |x|). */
#include "support.h"

static fv_epilogue as_epilogue(const void *fields) {
    (void)fields;
    return (fv_epilogue){FV_U_SOFTSIGN, 0, 0};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_softsign = {
    .name = "softsign",
    .summary = "x / (1 + |x|)",
    .details = "y = x / (1 + |x|): like tanh, with slower tails (Bergstra et al. 2009).",
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Softsign",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "towards 1 and -1", .fields = "", .in = {"1x4: -1 0 1 3"}, .out = {"1x4: -1/2 0 1/2 3/4"}},
            {.fields = "", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
