/* softmax.c - numbers to probabilities along the last dimension. */
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
    geom.rows = (fv_rows_geom){.rows = cols > 0 ? fv_type_each(in) / cols : 0, .cols = cols};
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

const fv_op fv_op_softmax = {
    .name = "softmax",
    .summary = "numbers to probabilities along the last dimension",
    .details = "y_j = exp(x_j) / sum_k exp(x_k), computed from x - max(x). A loss that wants logits reads what stands "
               "before it, so a "
               "net may end in softmax without losing accuracy.",
    .ports = {{"x", FV_INPUT, "logits along the last dimension", false}},
    .traits = FV_T_ACTIVATION,
    .logits_input = 1,
    .onnx = "Softmax",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "equal logits, equal probabilities",
             .fields = "",
             .in = {"1x4: 7 7 7 7"},
             .out = {"1x4: 1/4 1/4 1/4 1/4"}},
            {.title = "logits 1, 2, 3",
             .fields = "",
             .in = {"1x3: 1 2 3"},
             .out = {"1x3: 0.0900305732 0.2447284711 0.6652409558"}},
            {.title = "large logits do not overflow", .fields = "", .in = {"1x2: 1000 1000"}, .out = {"1x2: 1/2 1/2"}},
            {.fields = "", .in = {"3x2x5x7"}},
            {.fields = "", .in = {"fixed 6"}},
        },
};
