/* thresholded_relu.c - x above a threshold, else 0. */
#include "support.h"

#define FIELDS(F) F(thresholded_relu, FLOAT, threshold, .standard = 1, .help = "what is not above becomes 0")
FV_DEFINE_FIELDS(thresholded_relu, FIELDS)

static fv_epilogue as_epilogue(const void *fields) {
    const struct thresholded_relu *f = fields;
    return (fv_epilogue){FV_U_THRESHOLDED_RELU, f->threshold, 0};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_thresholded_relu = {
    .name = "thresholded_relu",
    .summary = "x above a threshold, else 0",
    .details = "y = x for x > threshold, else 0 (Konda et al. 2014).",
    FV_FIELDS(thresholded_relu),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "ThresholdedRelu",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "above 1",
             .fields = "",
             .in = {"1x4: -2 1 3/2 4"},
             .out = {"1x4: 0 0 3/2 4"},
             .no_gradient = true},
            {.fields = "threshold=0.05", .in = {"3x5x7x2"}},
            {.fields = "threshold=-0.05", .in = {"fixed 11"}},
        },
};
