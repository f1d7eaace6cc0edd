/* hinge.c - hinge loss for targets -1 and 1. */
#include "support.h"

static void forward(fv_emit *e) { fv_emit_pair_loss(e, FV_L_HINGE); }
static void backward(fv_emit *e) { fv_emit_pair_loss_back(e, FV_L_HINGE); }

const fv_op fv_op_hinge = {
    .name = "hinge",
    .summary = "loss: hinge loss for targets -1 and 1",
    .details = "The mean of max(0, 1 - t*p) over a sample's elements, t being -1 or 1.",
    .ports = {{"prediction", FV_INPUT, "any shape", false}, {"target", FV_INPUT, "the same shape", false}},
    .traits = FV_T_LOSS,
    .infer = fv_infer_pair_loss,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "inside and outside of the margin",
             .fields = "",
             .in = {"1x3: 2 1/2 3", "1x3: 1 1 -1"},
             .out = {"1: 3/2"}},
            {.fields = "",
             .in = {"3x2x5",
                    "3x2x5: 1 -1 1 1 -1 ; -1 1 1 1 -1 ; 1 1 -1 -1 1 ; -1 -1 1 -1 1 ; 1 -1 -1 1 1 ; 1 1 1 -1 -1"}},
            {.fields = "", .in = {"fixed 4", "fixed 4: 1 -1 1 -1"}},
        },
};
