/* leaky_relu.c - x, or a small part of it below 0. */
#include "support.h"

#define FIELDS(F) F(leaky_relu, FLOAT, slope, .standard = 0.01, .help = "factor below 0")
FV_DEFINE_FIELDS(leaky_relu, FIELDS)

static fv_epilogue as_epilogue(const void *fields) {
    const struct leaky_relu *f = fields;
    return (fv_epilogue){FV_U_LEAKY_RELU, f->slope, 0};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_leaky_relu = {
    .name = "leaky_relu",
    .summary = "x, or a small part of it below 0",
    .details = "y = x for x > 0, else slope*x. The default slope of 0.01 is that of Maas et al. 2013 and of PyTorch; "
               "Keras takes 0.3: write slope=0.3.",
    FV_FIELDS(leaky_relu),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "LeakyRelu",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "slope 0.01", .fields = "", .in = {"1x4: -2 -1 1 3"}, .out = {"1x4: -0.02 -0.01 1 3"}},
            {.title = "Keras's slope", .fields = "slope=0.3", .in = {"1x2: -2 4"}, .out = {"1x2: -0.6 4"}},
            {.fields = "slope=0.2", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
