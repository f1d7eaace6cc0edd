/* subsample.c - LeNet's trainable subsampling: the sum of each window times a coefficient of the map, plus its bias. */
#include "spatial.h"

static const fv_choices modes = {"fv_subsample_mode", "FV_SUBSAMPLE_", {"sum", "mean"}};

#define FIELDS(F)                                                                                                      \
    F(subsample, SIZES, window, .positional = true, .required = true, .min = 1, .max = FV_MANY,                        \
      .help = "size of the window")                                                                                    \
    F(subsample, SIZES, stride, .min = 1, .max = FV_MANY, .standard = (double)FV_UNSET, .standard_text = "the window", \
      .help = "cells between neighbouring windows")                                                                    \
    F(subsample, CHOICE, mode, .choices = &modes, .help = "what of the window is multiplied by the coefficient")       \
    F(subsample, TEXT, coefficient_initializer, .standard_text = "constant(0.25)",                                     \
      .help = "how the coefficients start; 0.25 makes 2x2 sums means")                                                 \
    F(subsample, TEXT, bias_initializer, .standard_text = "zeros", .help = "how the biases start")                     \
    FV_ACTIVATION_FIELD(F, subsample)
FV_DEFINE_FIELDS(subsample, FIELDS)

enum { COEFFICIENT, BIAS };
enum { SAVED_POOLED, SAVED_ZERO, SAVED_ONE };

static fv_status resolve(const struct subsample *f, fv_infer *infer, const fv_type *in, fv_spatial *s) {
    static const int64_t none[3] = {0, FV_UNSET, FV_UNSET}, unset[3] = {FV_UNSET, FV_UNSET, FV_UNSET};
    fv_window window = {.noun = "window",
                        .size = f->window,
                        .stride = f->stride,
                        .padding = none,
                        .padding_end = unset,
                        .inside = true};
    return fv_spatial_resolve(infer, in, &window, s);
}

static fv_pooling kind(const fv_emit *e) {
    return ((const struct subsample *)fv_emit_fields(e))->mode == 1 ? FV_POOL_MEAN : FV_POOL_SUM;
}

static fv_status infer(fv_infer *infer) {
    const struct subsample *f = infer->fields;
    fv_spatial s;
    fv_status status = fv_infer_real(infer, 0);
    if (!status) status = resolve(f, infer, &infer->in[0], &s);
    if (status) return status;
    infer->out[0] = fv_spatial_type(&s, &infer->in[0], s.channels, false);
    infer->parameter[COEFFICIENT] =
        (fv_parameter){.shape = {1, {s.channels}}, .initializer = f->coefficient_initializer, .axes = "c"};
    infer->parameter[BIAS] =
        (fv_parameter){.shape = {1, {s.channels}}, .initializer = f->bias_initializer, .axes = "c"};
    return FV_OK;
}

static void cost(const fv_site *site, fv_cost *cost) {
    fv_spatial s;
    if (!resolve(site->fields, NULL, &site->in[0], &s)) fv_spatial_growth(&s, cost);
}

/* coefficient*x + bias is a frozen normalisation by mean 0 and variance 1. */
static fv_geom affine_geom(const fv_emit *e, const fv_spatial *s) {
    fv_geom geom = fv_geom_for(e, fv_out_type(e, 0));
    geom.norm = (fv_norm_geom){.pixels = fv_spatial_cells(s->out), .c = s->channels, .frozen = true};
    return geom;
}

static void forward(fv_emit *e) {
    fv_spatial s;
    if (resolve(fv_emit_fields(e), NULL, fv_in_type(e, 0), &s)) return;
    const fv_type *channels = fv_weight_type(e, COEFFICIENT);
    fv_operand pooled = fv_temp(e, fv_out_type(e, 0)), zero = fv_temp(e, channels), one = fv_temp(e, channels);
    fv_geom pool = fv_spatial_pool(e, &s, kind(e)), affine = affine_geom(e, &s);
    fv_save(e, SAVED_POOLED, pooled);
    fv_save(e, SAVED_ZERO, zero);
    fv_save(e, SAVED_ONE, one);
    fv_emit_fill(e, channels, zero, 0);
    fv_emit_fill(e, channels, one, 1);
    FV_CALL(e, FV_R_POOL, &pool, pooled, fv_in(e, 0));
    FV_CALL(e, FV_R_NORM, &affine, fv_out(e, 0), pooled, zero, one, fv_weight(e, COEFFICIENT), fv_weight(e, BIAS));
}

static void backward(fv_emit *e) {
    fv_spatial s;
    if (resolve(fv_emit_fields(e), NULL, fv_in_type(e, 0), &s)) return;
    fv_geom pool = fv_spatial_pool(e, &s, kind(e)), affine = affine_geom(e, &s);
    fv_operand pooled = fv_saved(e, SAVED_POOLED), zero = fv_saved(e, SAVED_ZERO), one = fv_saved(e, SAVED_ONE),
               dy = fv_d_out(e, 0);
    bool coefficient = fv_wants_d_weight(e, COEFFICIENT), bias = fv_wants_d_weight(e, BIAS);
    const fv_type *channels = fv_weight_type(e, COEFFICIENT);
    if (coefficient || bias)
        FV_CALL(e, FV_R_NORM_SUMS, &affine, coefficient ? fv_d_weight(e, COEFFICIENT) : fv_temp(e, channels),
                bias ? fv_d_weight(e, BIAS) : fv_temp(e, channels), dy, pooled, zero, one);
    if (!fv_wants_d_in(e, 0)) return;
    fv_operand d_pooled = fv_temp(e, fv_out_type(e, 0));
    FV_CALL(e, FV_R_NORM_BACK, &affine, d_pooled, dy, pooled, zero, one, fv_weight(e, COEFFICIENT), FV_NO_OPERAND,
            FV_NO_OPERAND);
    FV_CALL(e, FV_R_POOL_BACK, &pool, fv_d_in(e, 0), d_pooled, FV_NO_OPERAND, FV_NO_OPERAND);
}

const fv_op fv_op_subsample = {
    .name = "subsample",
    .summary = "LeNet's trainable subsampling: window sums times a coefficient, plus a bias",
    .details = "y = coefficient[c] * (sum of the window) + bias[c], two parameters a map, as in layers S2 and S4 of "
               "LeNet-5 (LeCun et al. 1998: "
               "the four inputs are added, then multiplied by a trainable coefficient, and a trainable bias is added): "
               "12 and 32 parameters "
               "for 6 and 16 maps. mode=mean takes the mean of the window instead.",
    FV_FIELDS(subsample),
    .ports = {{"x", FV_INPUT, "sequence, picture or volume", false},
              {"coefficient", FV_WEIGHT, "[C]", false},
              {"bias", FV_WEIGHT, "[C]", false}},
    .onnx = "AveragePool, Mul, Add",
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "1/2 (1+2+3+4) + 1",
             .fields = "2x2",
             .in = {"1x2x2x1: 1 2 ; 3 4"},
             .weight = {"1: 1/2", "1: 1"},
             .out = {"1x1x1x1: 6"}},
            {.title = "the mean of the window",
             .fields = "2x2 mode=mean",
             .in = {"1x2x2x1: 1 2 ; 3 4"},
             .weight = {"1: 2", "1: 1"},
             .out = {"1x1x1x1: 6"}},
            FV_FIGURES("LeNet-5 S2", "2x2", "1x28x28x6", "1x14x14x6", 12, 0),
            FV_FIGURES("LeNet-5 S4", "2x2", "1x10x10x16", "1x5x5x16", 32, 0),
            {.fields = "2x3", .in = {"3x5x7x4"}},
            {.fields = "3 stride=2 mode=mean", .in = {"2x8x3"}},
        },
};
