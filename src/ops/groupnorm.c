/* groupnorm.c - group normalisation: each sample by itself, a few channels together. */
#include "normalise.h"

#define FIELDS(F)                                                                                                      \
    F(groupnorm, INT, groups, .positional = true, .min = 1, .max = FV_MANY, .standard = 32,                            \
      .help = "parts of the channels, each with its mean and variance")                                                \
    FV_NORMALISE_FIELDS(F, groupnorm)
FV_DEFINE_FIELDS(groupnorm, FIELDS)

static fv_status infer(fv_infer *infer) {
    const struct groupnorm *f = infer->fields;
    int64_t channels;
    fv_status status = fv_infer_normalise(infer, &channels);
    if (status) return status;
    if (channels % f->groups)
        return fv_infer_fail(infer, "groups=%lld must divide the input's %lld channels", (long long)f->groups,
                             (long long)channels);
    FV_INFER_SCALE_AND_BIAS(infer, f, channels);
    return FV_OK;
}

static void forward(fv_emit *e) {
    const struct groupnorm *f = fv_emit_fields(e);
    fv_emit_group_norm(e, f->groups, f->epsilon);
}

static void backward(fv_emit *e) {
    const struct groupnorm *f = fv_emit_fields(e);
    fv_emit_group_norm_back(e, f->groups, f->epsilon);
}

const fv_op fv_op_groupnorm = {
    .name = "groupnorm",
    .summary = "normalisation of each sample by groups of its channels",
    .details = "y = scale[c] * (x - mean) / sqrt(variance + epsilon) + bias[c], where mean and (biased) variance are "
               "those of a group of C/groups neighbouring channels over all pixels of one sample (Wu and He 2018). "
               "Nothing depends on the batch, so training and use are the same, and small batches do no harm.\n\n"
               "groups=1 normalises a whole picture; a group for each channel is instancenorm; layernorm is over the "
               "channels of each pixel by itself. Keras's epsilon is 1e-3.",
    FV_FIELDS(groupnorm),
    .ports = {{"x", FV_INPUT, "channels along the last dimension", false},
              {"scale", FV_WEIGHT, "[C]", true},
              {"bias", FV_WEIGHT, "[C]", true}},
    .onnx = "GroupNormalization",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "two groups of one map each: 1 1 3 3 and 10 30 10 30",
             .fields = "2 epsilon=0",
             .in = {"1x4x2: 1 10 ; 1 30 ; 3 10 ; 3 30"},
             .weight = {"2: 1 2", "2: 0 5"},
             .out = {"1x4x2: -1 3 ; -1 7 ; 1 3 ; 1 7"}},
            {.title = "one group: mean 4, variance 5",
             .fields = "1 epsilon=0 scale=no bias=no",
             .in = {"1x2x2: 1 3 ; 5 7"},
             .out = {"1x2x2: -1.3416407865 -0.4472135955 ; 0.4472135955 1.3416407865"}},
            {.fields = "3", .in = {"3x4x5x6"}, .weight = {"6: 1.5 -2 0.7 1 -1 2", "6: 0.3 1 -1 0 0 1"}},
            {.fields = "1 scale=no epsilon=0.1", .in = {"2x5x4"}},
            {.fields = "2 bias=no activation=tanh", .in = {"2x3x2x5x8"}},
            {.fields = "4", .in = {"fixed 3x12"}},
        },
};
