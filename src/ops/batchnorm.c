/* batchnorm.c - batch normalisation, by channel. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(batchnorm, FLOAT, epsilon, .standard = 1e-5, .max = 1, .help = "added to the variance")                          \
    F(batchnorm, FLOAT, momentum, .standard = 0.9, .max = 1,                                                           \
      .help = "what a running statistic keeps of its old value")                                                       \
    F(batchnorm, BOOL, scale, .standard = 1, .help = "multiply by a trainable number for each channel")                \
    F(batchnorm, BOOL, bias, .standard = 1, .help = "add a trainable number for each channel")                         \
    F(batchnorm, BOOL, unbiased, .standard = 1,                                                                        \
      .help = "take the unbiased variance of the batch into the running one")                                          \
    F(batchnorm, BOOL, frozen, .help = "nothing is trained, running statistics are used in training too")              \
    F(batchnorm, TEXT, scale_initializer, .standard_text = "ones", .help = "how the scale starts")                     \
    F(batchnorm, TEXT, bias_initializer, .standard_text = "zeros", .help = "how the bias starts")                      \
    FV_ACTIVATION_FIELD(F, batchnorm)
FV_DEFINE_FIELDS(batchnorm, FIELDS)

enum { SCALE, BIAS, MEAN, VARIANCE };
enum { SAVED_MEAN, SAVED_VARIANCE };

static fv_status infer(fv_infer *infer) {
    const struct batchnorm *f = infer->fields;
    int64_t channels;
    fv_status status = fv_infer_last(infer, 0, &channels);
    if (!status) status = fv_infer_like_input(infer);
    if (status) return status;
    if (channels < 1) return fv_infer_fail(infer, "the input has no channels");
    fv_shape shape = {1, {channels}};
    infer->parameter[SCALE] = (fv_parameter){
        .absent = !f->scale, .fixed = f->frozen, .shape = shape, .initializer = f->scale_initializer, .axes = "c"};
    infer->parameter[BIAS] = (fv_parameter){
        .absent = !f->bias, .fixed = f->frozen, .shape = shape, .initializer = f->bias_initializer, .axes = "c"};
    infer->parameter[MEAN] = (fv_parameter){.shape = shape, .initializer = "zeros", .axes = "c"};
    infer->parameter[VARIANCE] = (fv_parameter){.shape = shape, .initializer = "ones", .axes = "c"};
    return FV_OK;
}

static bool uses_batch(const fv_emit *e) {
    const struct batchnorm *f = fv_emit_fields(e);
    return fv_emit_training(e) && !f->frozen;
}

static fv_geom norm_geom(const fv_emit *e) {
    const struct batchnorm *f = fv_emit_fields(e);
    const fv_type *in = fv_in_type(e, 0);
    int64_t c = in->shape.dim[in->shape.rank - 1];
    fv_geom geom = fv_geom_for(e, in);
    geom.norm = (fv_norm_geom){.pixels = fv_type_each(in) / c, .c = c, .epsilon = f->epsilon, .frozen = !uses_batch(e)};
    return geom;
}

/* state = momentum*state + (1-momentum)*value */
static void emit_blend(fv_emit *e, fv_operand state, fv_operand value, bool unbiased) {
    const struct batchnorm *f = fv_emit_fields(e);
    fv_geom norm = norm_geom(e), geom = fv_geom_for(e, fv_in_type(e, 0));
    geom.blend =
        (fv_blend_geom){.each = norm.norm.c, .count = norm.norm.pixels, .keep = f->momentum, .unbiased = unbiased};
    FV_CALL(e, FV_R_BLEND, &geom, state, value);
}

static void forward(fv_emit *e) {
    const struct batchnorm *f = fv_emit_fields(e);
    fv_geom geom = norm_geom(e);
    fv_operand mean = fv_weight(e, MEAN), variance = fv_weight(e, VARIANCE);
    if (uses_batch(e)) {
        mean = fv_temp(e, fv_weight_type(e, MEAN));
        variance = fv_temp(e, fv_weight_type(e, VARIANCE));
        FV_CALL(e, FV_R_NORM_STATS, &geom, mean, variance, fv_in(e, 0));
        emit_blend(e, fv_weight(e, MEAN), mean, false);
        emit_blend(e, fv_weight(e, VARIANCE), variance, f->unbiased);
    }
    fv_save(e, SAVED_MEAN, mean);
    fv_save(e, SAVED_VARIANCE, variance);
    FV_CALL(e, FV_R_NORM, &geom, fv_out(e, 0), fv_in(e, 0), mean, variance, fv_weight(e, SCALE), fv_weight(e, BIAS));
}

static void backward(fv_emit *e) {
    fv_geom geom = norm_geom(e);
    fv_operand mean = fv_saved(e, SAVED_MEAN), variance = fv_saved(e, SAVED_VARIANCE), d_scale = FV_NO_OPERAND,
               d_bias = FV_NO_OPERAND;
    bool scale = fv_wants_d_weight(e, SCALE), bias = fv_wants_d_weight(e, BIAS), x = fv_wants_d_in(e, 0);
    /* with statistics of the batch dx needs both sums, whether or not anybody trains scale and bias */
    if (scale || bias || (x && uses_batch(e))) {
        const fv_type *channels = fv_weight_type(e, MEAN);
        d_scale = scale ? fv_d_weight(e, SCALE) : fv_temp(e, channels);
        d_bias = bias ? fv_d_weight(e, BIAS) : fv_temp(e, channels);
        FV_CALL(e, FV_R_NORM_SUMS, &geom, d_scale, d_bias, fv_d_out(e, 0), fv_in(e, 0), mean, variance);
    }
    if (!x) return;
    if (!uses_batch(e)) d_scale = d_bias = FV_NO_OPERAND;
    FV_CALL(e, FV_R_NORM_BACK, &geom, fv_d_in(e, 0), fv_d_out(e, 0), fv_in(e, 0), mean, variance, fv_weight(e, SCALE),
            d_scale, d_bias);
}

const fv_op fv_op_batchnorm = {
    .name = "batchnorm",
    .summary = "batch normalisation, by channel",
    .details =
        "y = scale[c] * (x - mean[c]) / sqrt(variance[c] + epsilon) + bias[c] (Ioffe and Szegedy 2015). In training "
        "mean and (biased) variance "
        "are those of the batch, over samples and pixels; running statistics follow them and are used otherwise.\n\n"
        "momentum is the weight of the old value, as in Keras: running = momentum*running + (1-momentum)*batch. "
        "PyTorch's momentum is the "
        "weight of the new value, its 0.1 is our 0.9. Defaults are PyTorch's numbers; Keras's are momentum=0.99 "
        "epsilon=1e-3.\n\n"
        "The running variance takes the batch's unbiased variance (m-1 in the denominator), as PyTorch does; "
        "unbiased=no takes the biased one, "
        "as Keras 3 does. frozen=yes makes it a fixed affine map by the running statistics, for fine-tuning.",
    FV_FIELDS(batchnorm),
    .ports = {{"x", FV_INPUT, "channels along the last dimension", false},
              {"scale", FV_WEIGHT, "[C]", true},
              {"bias", FV_WEIGHT, "[C]", true},
              {"mean", FV_STATE, "[C], running mean", false},
              {"variance", FV_STATE, "[C], running variance", false}},
    .traits = FV_T_AFFINE | FV_T_TRAINING,
    .onnx = "BatchNormalization",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "a batch of 1, 3, 1, 3",
             .fields = "epsilon=0",
             .in = {"4x1: 1 3 1 3"},
             .weight = {"1: 2", "1: 10"},
             .out = {"4x1: 8 12 8 12"},
             .training = true},
            {.title = "running mean 1 and variance 4",
             .fields = "epsilon=0",
             .in = {"1x2: 5 -1"},
             .weight = {"2: 1 3", "2: 0 1", "2: 1 1", "2: 4 4"},
             .out = {"1x2: 2 -2"}},
            {.fields = "", .in = {"3x4x5x3"}, .weight = {"3: 1.5 -2 0.7", "3: 0.3 1 -1"}, .training = true},
            {.fields = "scale=no epsilon=0.1", .in = {"5x4x2"}, .training = true},
            {.fields = "bias=no unbiased=no", .in = {"7x6"}, .weight = {"6: 1 2 3 -1 -2 -3"}, .training = true},
            {.fields = "", .in = {"3x2x5x3"}, .weight = {"3: 1.5 -2 0.7", "3: 0.3 1 -1", "3: 1 0 -1", "3: 1 2 3"}},
            {.fields = "frozen=yes",
             .in = {"3x5x2"},
             .weight = {"2: 1.5 -2", "2: 0.3 1", "2: 1 0", "2: 1 2"},
             .training = true},
        },
};
