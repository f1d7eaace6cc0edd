/* instancenorm.c - instance normalisation: every map of every sample by itself. */
#include "normalise.h"

#define FIELDS(F) FV_NORMALISE_FIELDS(F, instancenorm)
FV_DEFINE_FIELDS(instancenorm, FIELDS)

static fv_status infer(fv_infer *infer) {
    int64_t channels;
    fv_status status = fv_infer_normalise(infer, &channels);
    if (status) return status;
    FV_INFER_SCALE_AND_BIAS(infer, (const struct instancenorm *)infer->fields, channels);
    return FV_OK;
}

static int64_t channels_of(const fv_type *t) { return t->shape.dim[t->shape.rank - 1]; }

static void forward(fv_emit *e) {
    fv_emit_group_norm(e, channels_of(fv_in_type(e, 0)), ((const struct instancenorm *)fv_emit_fields(e))->epsilon);
}

static void backward(fv_emit *e) {
    fv_emit_group_norm_back(e, channels_of(fv_in_type(e, 0)),
                            ((const struct instancenorm *)fv_emit_fields(e))->epsilon);
}

const fv_op fv_op_instancenorm = {
    .name = "instancenorm",
    .summary = "normalisation of every feature map of each sample by itself",
    .details =
        "y = scale[c] * (x - mean) / sqrt(variance + epsilon) + bias[c] with mean and (biased) variance over the "
        "pixels of one map of one sample (Ulyanov et al. 2016, for style transfer): contrast and brightness of "
        "the map are gone. PyTorch's InstanceNorm2d has neither scale nor bias unless affine=True: scale=no "
        "bias=no.",
    FV_FIELDS(instancenorm),
    .ports = {{"x", FV_INPUT, "channels along the last dimension", false},
              {"scale", FV_WEIGHT, "[C]", true},
              {"bias", FV_WEIGHT, "[C]", true}},
    .onnx = "InstanceNormalization",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "two pictures become alike",
             .fields = "epsilon=0",
             .in = {"2x4x1: 1 1 3 3 ; 10 10 30 30"},
             .weight = {"1: 2", "1: 5"},
             .out = {"2x4x1: 3 3 7 7 ; 3 3 7 7"}},
            {.fields = "", .in = {"3x4x5x3"}, .weight = {"3: 1.5 -2 0.7", "3: 0.3 1 -1"}},
            {.fields = "scale=no bias=no epsilon=0.1", .in = {"2x7x4"}},
        },
};
