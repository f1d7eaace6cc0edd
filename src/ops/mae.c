/* mae.c - mean absolute error. */
#include "support.h"

static void forward(fv_emit *e) { fv_emit_pair_loss(e, FV_L_ABSOLUTE); }
static void backward(fv_emit *e) { fv_emit_pair_loss_back(e, FV_L_ABSOLUTE); }

const fv_op fv_op_mae = {
    .name = "mae",
    .summary = "loss: mean absolute error",
    .details = "The mean of |p - t| over a sample's elements. The gradient where they are equal is 0.",
    .ports = {{"prediction", FV_INPUT, "any shape", false}, {"target", FV_INPUT, "the same shape", false}},
    .traits = FV_T_LOSS,
    .infer = fv_infer_pair_loss,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "errors 1 and 3", .fields = "", .in = {"1x2: 2 5", "1x2: 1 8"}, .out = {"1: 2"}},
            {.fields = "", .in = {"3x2x5", "3x2x5"}},
            {.fields = "", .in = {"fixed 4", "fixed 4: 1 -1 1 -1"}},
        },
};
