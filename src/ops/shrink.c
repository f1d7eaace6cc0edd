/* shrink.c - numbers near 0 become 0, the others move towards it. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(shrink, FLOAT, threshold, .standard = 0.5, .help = "what is between -threshold and threshold becomes 0")         \
    F(shrink, FLOAT, bias, .help = "how far the others move")
FV_DEFINE_FIELDS(shrink, FIELDS)

static fv_epilogue as_epilogue(const void *fields) {
    const struct shrink *f = fields;
    return (fv_epilogue){FV_U_SHRINK, f->threshold, f->bias};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_shrink = {
    .name = "shrink",
    .summary = "numbers near 0 become 0, the others move towards it",
    .details =
        "y = x - bias for x > threshold, x + bias for x < -threshold, else 0. With the bias 0 this is hard shrinkage, with bias = threshold soft shrinkage.",
    FV_FIELDS(shrink),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Shrink",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "hard shrinkage",
             .fields = "",
             .in = {"1x4: -2 -1/2 1/4 3"},
             .out = {"1x4: -2 0 0 3"},
             .no_gradient = true},
            {.title = "soft shrinkage",
             .fields = "threshold=1.5 bias=1.5",
             .in = {"1x5: -2 -1 0 1 2"},
             .out = {"1x5: -1/2 0 0 0 1/2"}},
            {.fields = "threshold=0.05 bias=0.05", .in = {"3x5x7x2"}},
            {.fields = "threshold=0.05", .in = {"fixed 11"}},
        },
};
