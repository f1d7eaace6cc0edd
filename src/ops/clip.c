/* clip.c - numbers kept between two bounds. */
#include "support.h"

#include <math.h>

#define FIELDS(F)                                                                                                      \
    F(clip, FLOAT, low, .standard = -INFINITY, .standard_text = "-inf", .help = "lower bound")                         \
    F(clip, FLOAT, high, .standard = INFINITY, .standard_text = "inf", .help = "upper bound")
FV_DEFINE_FIELDS(clip, FIELDS)

static fv_epilogue as_epilogue(const void *fields) {
    const struct clip *f = fields;
    return (fv_epilogue){FV_U_CLIP, f->low, f->high};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_clip = {
    .name = "clip",
    .summary = "numbers kept between two bounds",
    .details = "y = min(max(x, low), high). The gradient is 0 outside and on the bounds.",
    FV_FIELDS(clip),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Clip",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "between -1 and 2",
             .fields = "low=-1 high=2",
             .in = {"1x4: -3 -1/2 1 5"},
             .out = {"1x4: -1 -1/2 1 2"}},
            {.title = "a lower bound alone", .fields = "low=1", .in = {"1x3: 0 2 9"}, .out = {"1x3: 1 2 9"}},
            {.fields = "low=-0.05 high=0.05", .in = {"3x5x7x2"}},
            {.fields = "high=2", .in = {"fixed 11"}},
        },
};
