/* penalty.c - l1*|x| + l2*x^2, summed: what regularizers are made of. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(penalty, FLOAT, l1, .max = FV_MANY, .help = "factor of the sum of absolute values")                              \
    F(penalty, FLOAT, l2, .max = FV_MANY, .help = "factor of the sum of squares")
FV_DEFINE_FIELDS(penalty, FIELDS)

static fv_status infer(fv_infer *infer) {
    infer->out[0] = fv_type_make(FV_F32, fv_type_batched(&infer->in[0]), 0, NULL);
    return fv_infer_real(infer, 0);
}

static fv_geom loss_geom(const fv_emit *e) {
    const struct penalty *f = fv_emit_fields(e);
    fv_geom geom = fv_geom_for(e, fv_in_type(e, 0));
    geom.loss = (fv_loss_geom){.kind = FV_L_PENALTY, .a = f->l1, .b = f->l2, .each = fv_type_each(fv_in_type(e, 0))};
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = loss_geom(e);
    FV_CALL(e, FV_R_LOSS, &geom, fv_out(e, 0), fv_in(e, 0), FV_NO_OPERAND);
}

static void backward(fv_emit *e) {
    fv_geom geom = loss_geom(e);
    if (fv_wants_d_in(e, 0))
        FV_CALL(e, FV_R_LOSS_BACK, &geom, fv_d_in(e, 0), fv_d_out(e, 0), fv_in(e, 0), FV_NO_OPERAND);
}

const fv_op fv_op_penalty = {
    .name = "penalty",
    .summary = "loss: l1 and l2 penalty on any value",
    .details = "The sum over the elements of l1*|x| + l2*x^2, as Keras's regularizers (no factor of 1/2): one number "
               "for a weight, one a "
               "sample for a value with a batch, so that an activity penalty is a mean over the samples.",
    FV_FIELDS(penalty),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_LOSS,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "l2 of a weight", .fields = "l2=1/2", .in = {"fixed 3: 1 -2 3"}, .out = {"fixed scalar: 7"}},
            {.title = "l1 and l2 for each sample",
             .fields = "l1=1 l2=2",
             .in = {"2x2: 1 -2 ; 0 3"},
             .out = {"2: 13 21"}},
            {.fields = "l1=0.3 l2=0.2", .in = {"3x4x5"}},
            {.fields = "l1=0.3 l2=0.2", .in = {"fixed 4x5"}},
        },
};
