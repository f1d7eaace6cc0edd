/* prelu.c - x, or a trained slope times x below 0. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(prelu, BOOL, shared, .help = "one slope for all channels instead of one for each")                               \
    F(prelu, TEXT, slope_initializer, .standard_text = "constant(0.25)", .help = "how the slopes start")
FV_DEFINE_FIELDS(prelu, FIELDS)

enum { SLOPE };
enum { SAVED_POSITIVE, SAVED_NEGATIVE };

static fv_status infer(fv_infer *infer) {
    const struct prelu *f = infer->fields;
    int64_t channels;
    fv_status status = fv_infer_last(infer, 0, &channels);
    if (!status) status = fv_infer_like_input(infer);
    if (status) return status;
    if (channels < 1) return fv_infer_fail(infer, "the input has no channels");
    infer->parameter[SLOPE] =
        (fv_parameter){.shape = {1, {f->shared ? 1 : channels}}, .initializer = f->slope_initializer, .axes = "c"};
    return FV_OK;
}

static const fv_epilogue relu = {FV_U_RELU, 0, 0};

/* max(x, 0) + slope * (x - max(x, 0)): the parts are kept, both gradients are made of them. */
static void forward(fv_emit *e) {
    const fv_type *type = fv_in_type(e, 0);
    fv_operand positive = fv_temp(e, type), negative = fv_temp(e, type), scaled = fv_temp(e, type);
    fv_geom geom = fv_geom_for(e, type);
    geom.unary = (fv_unary_geom){.kind = relu.act, .a = relu.a, .b = relu.b, .each = fv_type_each(type)};
    fv_save(e, SAVED_POSITIVE, positive);
    fv_save(e, SAVED_NEGATIVE, negative);
    FV_CALL(e, FV_R_UNARY, &geom, positive, fv_in(e, 0));
    fv_emit_binary(e, FV_B_SUB, type, negative, type, fv_in(e, 0), type, positive);
    fv_emit_binary(e, FV_B_MUL, type, scaled, type, negative, fv_weight_type(e, SLOPE), fv_weight(e, SLOPE));
    fv_emit_binary(e, FV_B_ADD, type, fv_out(e, 0), type, positive, type, scaled);
}

static void backward_x(fv_emit *e, const fv_type *type) {
    fv_operand above = fv_temp(e, type), below = fv_temp(e, type), scaled = fv_temp(e, type);
    fv_geom geom = fv_geom_for(e, type);
    geom.unary = (fv_unary_geom){.kind = relu.act, .a = relu.a, .b = relu.b, .each = fv_type_each(type)};
    FV_CALL(e, FV_R_UNARY_BACK, &geom, above, fv_d_out(e, 0), FV_NO_OPERAND, fv_saved(e, SAVED_POSITIVE));
    fv_emit_binary(e, FV_B_SUB, type, below, type, fv_d_out(e, 0), type, above);
    fv_emit_binary(e, FV_B_MUL, type, scaled, type, below, fv_weight_type(e, SLOPE), fv_weight(e, SLOPE));
    fv_emit_binary(e, FV_B_ADD, type, fv_d_in(e, 0), type, above, type, scaled);
}

static void backward(fv_emit *e) {
    const fv_type *type = fv_in_type(e, 0);
    if (fv_wants_d_in(e, 0)) backward_x(e, type);
    if (!fv_wants_d_weight(e, SLOPE)) return;
    fv_operand product = fv_temp(e, type);
    fv_emit_binary(e, FV_B_MUL, type, product, type, fv_d_out(e, 0), type, fv_saved(e, SAVED_NEGATIVE));
    fv_emit_unbroadcast(e, fv_weight_type(e, SLOPE), fv_d_weight(e, SLOPE), type, product);
}

const fv_op fv_op_prelu = {
    .name = "prelu",
    .summary = "x, or a trained slope times x below 0",
    .details =
        "y = x for x > 0, else slope[c]*x with a slope for each channel (He et al. 2015), or one for all with "
        "shared=yes, PyTorch's default. At 0 the slope counts. Keras's PReLU has a slope for every pixel, unless "
        "shared_axes says otherwise.",
    FV_FIELDS(prelu),
    .ports = {{"x", FV_INPUT, "channels along the last dimension", false}, {"slope", FV_WEIGHT, "[C], or [1]", false}},
    .traits = FV_T_ELEMENTWISE,
    .onnx = "PRelu",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "a slope for each channel",
             .fields = "",
             .in = {"1x2x2: -2 -2 ; 3 -4"},
             .weight = {"2: 1/2 -1"},
             .out = {"1x2x2: -1 2 ; 3 4"}},
            {.title = "slopes start at 1/4",
             .fields = "shared=yes",
             .in = {"1x3: -4 0 4"},
             .weight = {"1: 1/4"},
             .out = {"1x3: -1 0 4"},
             .no_gradient = true},
            {.fields = "", .in = {"3x5x4x7"}},
            {.fields = "shared=yes", .in = {"3x5x7"}},
            {.fields = "", .in = {"fixed 11"}},
        },
};
