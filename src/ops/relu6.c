/* relu6.c - max(x, 0), but at most 6. */
#include "support.h"

static fv_epilogue as_epilogue(const void *fields) {
    (void)fields;
    return (fv_epilogue){FV_U_CLIP, 0, 6};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_relu6 = {
    .name = "relu6",
    .summary = "max(x, 0), but at most 6",
    .details = "y = min(max(x, 0), 6) (Krizhevsky 2010, section 2.1): bounded, so that few bits hold it; MobileNet's. "
               "The gradient at 0 and 6 is 0.",
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Clip",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "cut off on both sides",
             .fields = "",
             .in = {"1x5: -2 1/2 5 6 7"},
             .out = {"1x5: 0 1/2 5 6 6"},
             .no_gradient = true},
            {.fields = "", .in = {"1x5: -2 1/2 5 5.5 7"}},
            {.fields = "", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
