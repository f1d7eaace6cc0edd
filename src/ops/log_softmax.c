/* log_softmax.c - logarithms of probabilities along the last dimension. */
#include "support.h"

static fv_status infer(fv_infer *infer) {
    int64_t classes;
    fv_status status = fv_infer_last(infer, 0, &classes);
    return status ? status : fv_infer_like_input(infer);
}

static fv_geom rows_geom(const fv_emit *e) {
    const fv_type *in = fv_in_type(e, 0);
    int64_t cols = in->shape.dim[in->shape.rank - 1];
    fv_geom geom = fv_geom_for(e, in);
    geom.rows = (fv_rows_geom){.rows = cols > 0 ? fv_type_each(in) / cols : 0, .cols = cols, .log = true};
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = rows_geom(e);
    FV_CALL(e, FV_R_SOFTMAX, &geom, fv_out(e, 0), fv_in(e, 0));
}

static void backward(fv_emit *e) {
    fv_geom geom = rows_geom(e);
    if (fv_wants_d_in(e, 0)) FV_CALL(e, FV_R_SOFTMAX_BACK, &geom, fv_d_in(e, 0), fv_d_out(e, 0), fv_out(e, 0));
}

const fv_op fv_op_log_softmax = {
    .name = "log_softmax",
    .summary = "logarithms of probabilities along the last dimension",
    .details =
        "y_j = x_j - log(sum_k exp(x_k)), computed from x - max(x): the logarithm of softmax without its rounding. As logits "
        "the result means the same as the input.",
    .ports = {{"x", FV_INPUT, "logits along the last dimension", false}},
    .onnx = "LogSoftmax",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "logits 1, 2, 3",
             .fields = "",
             .in = {"1x3: 1 2 3"},
             .out = {"1x3: -2.4076059644 -1.4076059644 -0.4076059644"}},
            {.title = "far ones do not become minus infinity",
             .fields = "",
             .in = {"1x2: 1000 0"},
             .out = {"1x2: 0 -1000"}},
            {.fields = "", .in = {"3x2x5x7"}},
            {.fields = "", .in = {"fixed 6"}},
        },
};
