/* gather.c - slices along one axis by their numbers: a table read, cells chosen. */
#include "picking.h"

#define FIELDS(F)                                                                                                      \
    F(gather, INT, axis, .min = -8, .max = 7,                                                                          \
      .help = "axis of the table to pick along, the batch being 0; negative: from the end")
FV_DEFINE_FIELDS(gather, FIELDS)

enum { X, INDEX };

static fv_status infer(fv_infer *infer) {
    const struct gather *f = infer->fields;
    int axis;
    fv_status status = fv_infer_own_axis(infer, X, f->axis, &axis);
    return status ? status : fv_infer_pick_along(infer, X, INDEX, axis, &infer->out[0]);
}

static fv_geom picks(const fv_emit *e) {
    const fv_type *x = fv_in_type(e, X);
    return fv_pick_along(e, x, fv_in_type(e, INDEX),
                         fv_axis_of(((const struct gather *)fv_emit_fields(e))->axis, x->shape.rank));
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

const fv_op fv_op_gather = {
    .name = "gather",
    .summary = "slices along one axis by their numbers",
    .details =
        "y[.., i.., ..] = table[.., index[i..], ..]: the index's shape stands in place of the axis. With a table of rows and "
        "axis=0 an embedding. Negative numbers count from the end; one outside ends the run with an error. Index: "
        "i32 or i64, table: numbers of any type.",
    FV_FIELDS(gather),
    .ports = {{"table", FV_INPUT, "any value", false}, {"index", FV_INPUT, "whole numbers", false}},
    .traits = FV_T_EMPTY,
    .onnx = "Gather",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "rows of a table for each sample",
             .fields = "",
             .in = {"fixed 3x2: 1 2 ; 3 4 ; 5 6", "i32 2x2: 0 2 ; -1 1"},
             .out = {"2x2x2: 1 2 5 6 ; 5 6 3 4"}},
            {.title = "channels in another order",
             .fields = "axis=-1",
             .in = {"1x2x3: 1 2 3 ; 4 5 6", "i32 fixed 2: 2 0"},
             .out = {"1x2x2: 3 1 ; 6 4"}},
            {.fields = "axis=1", .in = {"2x4x3", "i32 fixed 2x2: 3 0 0 1"}},
            {.fields = "", .in = {"fixed 5x17", "i32 9x2: 0 1 2 3 4 4 3 2 1 0 0 0 2 2 3 3 1 -1"}},
        },
};
