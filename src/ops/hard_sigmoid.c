/* hard_sigmoid.c - a straight line between 0 and 1. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(hard_sigmoid, FLOAT, slope, .standard = 0.2, .help = "slope of the line")                                        \
    F(hard_sigmoid, FLOAT, offset, .standard = 0.5, .help = "what the line has at 0")
FV_DEFINE_FIELDS(hard_sigmoid, FIELDS)

static fv_epilogue as_epilogue(const void *fields) {
    const struct hard_sigmoid *f = fields;
    return (fv_epilogue){FV_U_HARD_SIGMOID, f->slope, f->offset};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_hard_sigmoid = {
    .name = "hard_sigmoid",
    .summary = "a straight line between 0 and 1",
    .details =
        "y = min(max(slope*x + offset, 0), 1): a cheap stand-in for sigmoid. MobileNet v3 and Keras 3 take a slope of 1/6; Courbariaux et al. 2015 and ONNX 1/5.",
    FV_FIELDS(hard_sigmoid),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "HardSigmoid",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "slope 1/5",
             .fields = "",
             .in = {"1x4: -3 -1 0 5"},
             .out = {"1x4: 0 3/10 1/2 1"},
             .no_gradient = true},
            {.title = "slope 1/6", .fields = "slope=0.16666666666666666", .in = {"1x2: 1 -2"}, .out = {"1x2: 2/3 1/6"}},
            {.fields = "slope=1.5 offset=0.4", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
