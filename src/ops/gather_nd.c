/* gather_nd.c - slices by tuples of numbers. */
#include "picking.h"

#define FIELDS(F)                                                                                                      \
    F(gather_nd, INT, lead, .positional = true, .max = FV_MAX_RANK - 1,                                                \
      .help = "leading axes that both inputs share, the batch included")
FV_DEFINE_FIELDS(gather_nd, FIELDS)

enum { X, INDEX };

static fv_status infer(fv_infer *infer) {
    const struct gather_nd *f = infer->fields;
    return fv_infer_pick_tuples(infer, X, INDEX, f->lead, &infer->out[0]);
}

static fv_geom picks(const fv_emit *e) {
    const struct gather_nd *f = fv_emit_fields(e);
    return fv_pick_tuples(e, fv_in_type(e, X), fv_in_type(e, INDEX), (int)f->lead);
}

static void forward(fv_emit *e) {
    fv_geom geom = picks(e);
    fv_emit_gather(e, &geom, fv_out(e, 0), fv_in(e, X), fv_in(e, INDEX));
}

static void backward(fv_emit *e) {
    if (!fv_wants_d_in(e, X)) return;
    fv_geom geom = picks(e);
    fv_emit_gather_back(e, &geom, fv_in_type(e, X), fv_d_in(e, X), fv_d_out(e, 0), fv_in(e, INDEX));
}

const fv_op fv_op_gather_nd = {
    .name = "gather_nd",
    .summary = "slices by tuples of numbers",
    .details =
        "The last axis of the index holds tuples, which count along the axes behind the first `lead` ones: "
        "y[b.., i..] = x[b.., index[b.., i.., 0], index[b.., i.., 1], .., ..]. Negative numbers count from the end.",
    FV_FIELDS(gather_nd),
    .ports = {{"x", FV_INPUT, "any value", false}, {"index", FV_INPUT, "whole numbers", false}},
    .traits = FV_T_EMPTY,
    .onnx = "GatherND",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "of each picture two pixels",
             .fields = "1",
             .in = {"1x2x2x1: 1 2 ; 3 4", "i32 1x2x2: 0 0 ; 1 -1"},
             .out = {"1x2x1: 1 4"}},
            {.title = "rows, for each sample others",
             .fields = "",
             .in = {"fixed 2x2: 1 2 ; 3 4", "i32 2x1: 1 ; 0"},
             .out = {"2x2: 3 4 ; 1 2"}},
            {.fields = "1", .in = {"2x3x4x2", "i32 2x2x1: 0 2 1 1"}},
            {.fields = "", .in = {"fixed 3x4", "i32 fixed 3x2: 0 1 2 3 0 1"}},
        },
};
