/* hard_swish.c - x times a straight line between 0 and 1. */
#include "support.h"

static fv_epilogue as_epilogue(const void *fields) {
    (void)fields;
    return (fv_epilogue){FV_U_HARD_SWISH, 0, 0};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_hard_swish = {
    .name = "hard_swish",
    .summary = "x times a straight line between 0 and 1",
    .details = "y = x * min(max(x/6 + 1/2, 0), 1): a cheap stand-in for swish (Howard et al. 2019, MobileNet v3).",
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "HardSwish",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "nothing below -3, all above 3",
             .fields = "",
             .in = {"1x5: -4 -1 0 1 4"},
             .out = {"1x5: 0 -1/3 0 2/3 4"}},
            {.fields = "", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
