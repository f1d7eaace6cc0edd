/* layernorm.c - layer normalisation: the channels of every pixel by themselves. */
#include "normalise.h"

#define FIELDS(F) FV_NORMALISE_FIELDS(F, layernorm)
FV_DEFINE_FIELDS(layernorm, FIELDS)

enum { SAVED_MEAN, SAVED_VARIANCE, SAVED_STANDARD };

static fv_status infer(fv_infer *infer) {
    int64_t channels;
    fv_status status = fv_infer_normalise(infer, &channels);
    if (status) return status;
    FV_INFER_SCALE_AND_BIAS(infer, (const struct layernorm *)infer->fields, channels);
    return FV_OK;
}

static int64_t channels_of(const fv_type *t) { return t->shape.dim[t->shape.rank - 1]; }

/* Every pixel is a group of its own, of one pixel with all channels of the picture behind each other. */
static fv_geom pixel_geom(const fv_emit *e) {
    const fv_type *in = fv_in_type(e, 0);
    int64_t each = fv_type_each(in);
    fv_geom geom = fv_geom_for(e, in);
    geom.norm = (fv_norm_geom){.pixels = 1,
                               .c = each,
                               .groups = each / channels_of(in),
                               .epsilon = ((const struct layernorm *)fv_emit_fields(e))->epsilon};
    return geom;
}

/* scale*x + bias: a frozen normalisation by mean 0 and variance 1. */
static fv_geom affine_geom(const fv_emit *e, fv_operand *zero, fv_operand *one) {
    const fv_type *in = fv_in_type(e, 0);
    fv_emit *emit = (fv_emit *)e;
    fv_type channels = {FV_F32, {1, {channels_of(in)}}};
    fv_geom geom = fv_geom_for(e, in);
    geom.norm = (fv_norm_geom){.pixels = fv_type_each(in) / channels_of(in), .c = channels_of(in), .frozen = true};
    *zero = fv_temp(emit, &channels);
    *one = fv_temp(emit, &channels);
    fv_emit_fill(emit, &channels, *zero, 0);
    fv_emit_fill(emit, &channels, *one, 1);
    return geom;
}

static bool is_affine(const fv_emit *e) {
    const struct layernorm *f = fv_emit_fields(e);
    return f->scale || f->bias;
}

static void forward(fv_emit *e) {
    const fv_type *in = fv_in_type(e, 0);
    fv_geom geom = pixel_geom(e);
    fv_type statistics = fv_type_make(FV_F32, fv_type_batched(in), 1, &geom.norm.groups);
    fv_operand mean = fv_temp(e, &statistics), variance = fv_temp(e, &statistics), zero, one;
    fv_operand standard = is_affine(e) ? fv_temp(e, in) : fv_out(e, 0);
    fv_save(e, SAVED_MEAN, mean);
    fv_save(e, SAVED_VARIANCE, variance);
    fv_save(e, SAVED_STANDARD, standard);
    FV_CALL(e, FV_R_NORM_STATS, &geom, mean, variance, fv_in(e, 0));
    FV_CALL(e, FV_R_NORM, &geom, standard, fv_in(e, 0), mean, variance, FV_NO_OPERAND, FV_NO_OPERAND);
    if (!is_affine(e)) return;
    fv_geom affine = affine_geom(e, &zero, &one);
    FV_CALL(e, FV_R_NORM, &affine, fv_out(e, 0), standard, zero, one, fv_weight(e, FV_NORMALISE_SCALE),
            fv_weight(e, FV_NORMALISE_BIAS));
}

static void backward(fv_emit *e) {
    fv_operand dy = fv_d_out(e, 0), standard = fv_saved(e, SAVED_STANDARD), zero, one;
    bool scale = fv_wants_d_weight(e, FV_NORMALISE_SCALE), bias = fv_wants_d_weight(e, FV_NORMALISE_BIAS);
    if (is_affine(e)) {
        fv_geom affine = affine_geom(e, &zero, &one);
        fv_type channels = {FV_F32, {1, {affine.norm.c}}};
        if (scale || bias)
            FV_CALL(e, FV_R_NORM_SUMS, &affine, scale ? fv_d_weight(e, FV_NORMALISE_SCALE) : fv_temp(e, &channels),
                    bias ? fv_d_weight(e, FV_NORMALISE_BIAS) : fv_temp(e, &channels), dy, standard, zero, one);
        if (!fv_wants_d_in(e, 0)) return;
        dy = fv_temp(e, fv_in_type(e, 0));
        FV_CALL(e, FV_R_NORM_BACK, &affine, dy, fv_d_out(e, 0), standard, zero, one, fv_weight(e, FV_NORMALISE_SCALE),
                FV_NO_OPERAND, FV_NO_OPERAND);
    }
    fv_geom geom = pixel_geom(e);
    if (fv_wants_d_in(e, 0))
        FV_CALL(e, FV_R_NORM_BACK, &geom, fv_d_in(e, 0), dy, fv_in(e, 0), fv_saved(e, SAVED_MEAN),
                fv_saved(e, SAVED_VARIANCE), FV_NO_OPERAND, FV_NO_OPERAND, FV_NO_OPERAND);
}

const fv_op fv_op_layernorm = {
    .name = "layernorm",
    .summary = "normalisation of the channels of every pixel by themselves",
    .details =
        "y = scale[c] * (x - mean) / sqrt(variance + epsilon) + bias[c] with mean and (biased) variance over the "
        "last dimension alone (Ba et al. 2016), as PyTorch's LayerNorm(C) and Keras's LayerNormalization do; "
        "Keras's epsilon is 1e-3. A whole picture at once is groupnorm 1.",
    FV_FIELDS(layernorm),
    .ports = {{"x", FV_INPUT, "channels along the last dimension", false},
              {"scale", FV_WEIGHT, "[C]", true},
              {"bias", FV_WEIGHT, "[C]", true}},
    .onnx = "LayerNormalization",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "two pixels, each by itself",
             .fields = "epsilon=0",
             .in = {"1x2x4: 1 1 3 3 ; 30 10 10 30"},
             .weight = {"4: 1 1 1 2", "4: 0 0 0 5"},
             .out = {"1x2x4: -1 -1 1 7 ; 1 -1 -1 7"}},
            {.title = "without scale and bias: mean 4, variance 5",
             .fields = "epsilon=0 scale=no bias=no",
             .in = {"1x4: 1 3 5 7"},
             .out = {"1x4: -1.3416407865 -0.4472135955 0.4472135955 1.3416407865"}},
            {.fields = "", .in = {"3x4x5x6"}, .weight = {"6: 1.5 -2 0.7 1 -1 2", "6: 0.3 1 -1 0 0 1"}},
            {.fields = "scale=no epsilon=0.1", .in = {"2x5x4"}},
            {.fields = "bias=no activation=sigmoid", .in = {"3x17"}},
            {.fields = "scale=no bias=no", .in = {"2x3x7"}},
        },
};
