/* gather_elements.c - element by element from one axis. */
#include "picking.h"

#define FIELDS(F)                                                                                                      \
    F(gather_elements, INT, axis, .standard = -1, .min = -8, .max = 7,                                                 \
      .help = "axis to pick along, the batch being 0; negative: from the end")
FV_DEFINE_FIELDS(gather_elements, FIELDS)

enum { X, INDEX };

static fv_status infer(fv_infer *infer) {
    const struct gather_elements *f = infer->fields;
    int axis;
    fv_status status = fv_infer_own_axis(infer, X, f->axis, &axis);
    if (!status) status = fv_infer_pick_elements(infer, X, INDEX, axis);
    infer->out[0] = (fv_type){infer->in[X].dtype, infer->in[INDEX].shape};
    return status;
}

static fv_geom picks(const fv_emit *e) {
    const struct gather_elements *f = fv_emit_fields(e);
    const fv_type *x = fv_in_type(e, X);
    return fv_pick_elements(e, x, fv_in_type(e, INDEX), fv_axis_of(f->axis, x->shape.rank));
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

const fv_op fv_op_gather_elements = {
    .name = "gather_elements",
    .summary = "element by element from one axis",
    .details =
        "y[i, j, k] = x[i, index[i, j, k], k] for axis=1: the result has the index's shape, which may be smaller than the "
        "input along the other axes. Negative numbers count from the end.",
    FV_FIELDS(gather_elements),
    .ports = {{"x", FV_INPUT, "any value", false}, {"index", FV_INPUT, "whole numbers", false}},
    .traits = FV_T_EMPTY,
    .onnx = "GatherElements",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "of each row one",
             .fields = "",
             .in = {"2x3: 1 2 3 ; 4 5 6", "i32 2x1: 2 ; -3"},
             .out = {"2x1: 3 ; 4"}},
            {.title = "from the rows",
             .fields = "axis=1",
             .in = {"1x3x2: 1 2 ; 3 4 ; 5 6", "i32 1x1x2: 0 2"},
             .out = {"1x1x2: 1 6"}},
            {.fields = "axis=1", .in = {"2x4x3", "i32 2x2x2: 0 1 3 3 2 2 1 0"}},
        },
};
