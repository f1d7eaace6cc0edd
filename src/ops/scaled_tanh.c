/* scaled_tanh.c - 1.7159 tanh(2x/3), LeNet-5's squashing function. */
#include "support.h"

static fv_epilogue as_epilogue(const void *fields) {
    (void)fields;
    return (fv_epilogue){FV_U_TANH, 1.7159, 2.0 / 3};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_scaled_tanh = {
    .name = "scaled_tanh",
    .summary = "1.7159 tanh(2x/3), LeNet-5's squashing function",
    .details = "y = 1.7159 tanh(2x/3), so that about -1 and 1 map to themselves and saturation lies beyond the targets "
               "(LeCun et al. 1998, appendix A).",
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Tanh, Mul",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "1 stays near 1",
             .fields = "",
             .in = {"1x3: 0 1 -1"},
             .out = {"1x3: 0 1.0000028545 -1.0000028545"}},
            {.fields = "", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
