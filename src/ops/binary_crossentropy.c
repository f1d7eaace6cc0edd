/* binary_crossentropy.c - the loss of yes and no, from logits. */
#include "support.h"

static void forward(fv_emit *e) { fv_emit_pair_loss(e, FV_L_BINARY); }

/* The loss is log(1 + exp(p)) - t*p, so d target = -p/elements * d loss. */
static void backward_target(fv_emit *e) {
    const fv_type *p = fv_in_type(e, 0);
    fv_operand scaled = fv_temp(e, p);
    fv_emit_scale(e, p, scaled, fv_in(e, 0), -1.0 / (double)fv_type_each(p), 0);
    fv_emit_times_sample(e, p, fv_d_in(e, 1), scaled, fv_d_out(e, 0));
}

static void backward(fv_emit *e) {
    fv_emit_pair_loss_back(e, FV_L_BINARY);
    if (fv_wants_d_in(e, 1)) backward_target(e);
}

const fv_op fv_op_binary_crossentropy = {
    .name = "binary_crossentropy",
    .summary = "loss: cross-entropy of yes and no, from logits",
    .details = "The mean over a sample's elements of -t*log(q) - (1-t)*log(1-q) with q = sigmoid(p), computed as "
               "max(p, 0) - t*p + "
               "log(1 + exp(-|p|)). Targets lie in 0..1. The sigmoid is part of the loss; where the loss is chosen by "
               "name for a net "
               "that ends in sigmoid, the logits before it are taken.",
    .ports = {{"prediction", FV_INPUT, "logits, any shape", false},
              {"target", FV_INPUT, "the same shape, 0 to 1", false}},
    .traits = FV_T_LOSS,
    .infer = fv_infer_pair_loss,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "no idea: log 2",
             .fields = "",
             .in = {"2x1: 0 0", "2x1: 0 1"},
             .out = {"2: 0.6931471806 0.6931471806"}},
            {.title = "logits 1 and -1", .fields = "", .in = {"1x2: 1 -1", "1x2: 1 1"}, .out = {"1: 0.8132616875"}},
            {.fields = "",
             .in = {"3x2x5", "3x2x5: 0 1 1/2 0 1 ; 1 1 0 0 1 ; 0 0 0 1 1/4 ; 1 0 1 1 0 ; 1 0 0 1 0 ; 0 1 1 3/4 0"}},
            {.fields = "", .in = {"fixed 4", "fixed 4: 1 0 1 1"}},
        },
};
