/* dropout.c - drops elements at random in training. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(dropout, FLOAT, rate, .positional = true, .standard = 0.5, .max = 1,                                             \
      .help = "part of the elements that is dropped, below 1")
FV_DEFINE_FIELDS(dropout, FIELDS)

static double rate(const fv_emit *e) { return ((const struct dropout *)fv_emit_fields(e))->rate; }

static fv_status infer(fv_infer *infer) {
    const struct dropout *f = infer->fields;
    if (f->rate >= 1) return fv_infer_fail(infer, "rate must be below 1, got %g", f->rate);
    return fv_infer_like_input(infer);
}

static bool drops(const fv_emit *e) { return fv_emit_training(e) && rate(e) > 0; }

static fv_geom dropout_geom(const fv_emit *e) {
    fv_geom geom = fv_geom_for(e, fv_in_type(e, 0));
    geom.dropout = (fv_dropout_geom){.each = fv_type_each(fv_in_type(e, 0)), .rate = rate(e), .key = fv_emit_key(e)};
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = dropout_geom(e);
    if (drops(e))
        FV_CALL(e, FV_R_DROPOUT, &geom, fv_out(e, 0), fv_in(e, 0));
    else
        fv_out_is(e, 0, fv_in(e, 0));
}

/* The same draws again: what was dropped gets no gradient. */
static void backward(fv_emit *e) {
    fv_geom geom = dropout_geom(e);
    if (!fv_wants_d_in(e, 0)) return;
    if (drops(e))
        FV_CALL(e, FV_R_DROPOUT, &geom, fv_d_in(e, 0), fv_d_out(e, 0));
    else
        fv_d_in_is(e, 0, fv_d_out(e, 0));
}

const fv_op fv_op_dropout = {
    .name = "dropout",
    .summary = "drops elements at random in training",
    .details = "In training each element is set to 0 with probability rate and divided by 1 - rate otherwise (inverted "
               "dropout, so that nothing "
               "has to change in use; Srivastava et al. 2014). In use it does nothing and costs nothing. Draws depend "
               "on the seed, the "
               "layer's name, the epoch and the sample's position in it only.",
    FV_FIELDS(dropout),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_RANDOM | FV_T_TRAINING,
    .onnx = "Dropout",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "in use nothing is dropped", .fields = "0.5", .in = {"1x4: 1 2 3 4"}, .out = {"1x4: 1 2 3 4"}},
            {.fields = "0.4", .in = {"3x5x7"}, .training = true},
            {.fields = "0", .in = {"3x5"}, .training = true},
        },
};
