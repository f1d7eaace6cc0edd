/* gelu.c - x times the normal distribution function. */
#include "support.h"

static const fv_choices approximations = {"fv_gelu_form", "FV_GELU_", {"erf", "tanh"}};

#define FIELDS(F)                                                                                                      \
    F(gelu, CHOICE, approximate, .choices = &approximations, .help = "how the distribution function is computed")
FV_DEFINE_FIELDS(gelu, FIELDS)

static fv_epilogue as_epilogue(const void *fields) {
    const struct gelu *f = fields;
    return (fv_epilogue){f->approximate ? FV_U_GELU_TANH : FV_U_GELU, 0, 0};
}

static void forward(fv_emit *e) { fv_emit_activation(e, as_epilogue(fv_emit_fields(e))); }
static void backward(fv_emit *e) { fv_emit_activation_back(e, as_epilogue(fv_emit_fields(e))); }

const fv_op fv_op_gelu = {
    .name = "gelu",
    .summary = "x times the normal distribution function",
    .details = "y = x * Phi(x) = x/2 * (1 + erf(x / sqrt(2))) (Hendrycks and Gimpel 2016). approximate=tanh takes x/2 "
               "* (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) instead.",
    FV_FIELDS(gelu),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_ELEMENTWISE | FV_T_ACTIVATION | FV_T_EMPTY,
    .onnx = "Gelu",
    .infer = fv_infer_like_input,
    .forward = forward,
    .backward = backward,
    .as_epilogue = as_epilogue,
    .examples =
        {
            {.title = "with erf", .fields = "", .in = {"1x3: 0 1 -1"}, .out = {"1x3: 0 0.8413447461 -0.1586552539"}},
            {.title = "the tanh form",
             .fields = "approximate=tanh",
             .in = {"1x2: 1 -1"},
             .out = {"1x2: 0.8411919906 -0.1588080094"}},
            {.fields = "", .in = {"3x5x7x2"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
