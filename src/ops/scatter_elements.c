/* scatter_elements.c - a value with single elements replaced, or added to, along one axis. */
#include "scattering.h"

#define FIELDS(F)                                                                                                      \
    F(scatter_elements, INT, axis, .min = -8, .max = 7, .standard = -1,                                                \
      .help = "axis that the index counts along, the batch being 0; negative: from the end")                           \
    FV_SCATTER_FIELD(F, scatter_elements)
FV_DEFINE_FIELDS(scatter_elements, FIELDS)

static fv_status infer(fv_infer *infer) {
    const struct scatter_elements *f = infer->fields;
    int axis;
    fv_status status = fv_infer_own_axis(infer, FV_SCATTER_X, f->axis, &axis);
    if (!status) status = fv_infer_pick_elements(infer, FV_SCATTER_X, FV_SCATTER_INDEX, axis);
    if (!status) status = fv_infer_updates(infer, &infer->in[FV_SCATTER_INDEX].shape);
    infer->out[0] = infer->in[FV_SCATTER_X];
    return status;
}

static fv_geom picks(const fv_emit *e) {
    const struct scatter_elements *f = fv_emit_fields(e);
    const fv_type *x = fv_in_type(e, FV_SCATTER_X);
    return fv_pick_elements(e, x, fv_in_type(e, FV_SCATTER_INDEX), fv_axis_of(f->axis, x->shape.rank));
}

static fv_scatter kind(const fv_emit *e) {
    return (fv_scatter)((const struct scatter_elements *)fv_emit_fields(e))->reduction;
}

static void forward(fv_emit *e) {
    fv_geom geom = picks(e);
    fv_emit_scattered(e, &geom, kind(e));
}

static void backward(fv_emit *e) {
    fv_geom geom = picks(e);
    fv_emit_scattered_back(e, &geom, kind(e));
}

const fv_op fv_op_scatter_elements = {
    .name = "scatter_elements",
    .summary = "a value with single elements replaced, or added to, along one axis",
    .details =
        "y = x, then y[i, index[i, j, k], k] = updates[i, j, k] for axis=1, one after the other; reduction=add adds, mul "
        "multiplies, max and min keep the greater or smaller. Negative numbers count from the end.",
    FV_FIELDS(scatter_elements),
    .ports = {{"x", FV_INPUT, "any value", false},
              {"index", FV_INPUT, "whole numbers", false},
              {"updates", FV_INPUT, "of the index's shape", false}},
    .traits = FV_T_EMPTY,
    .onnx = "ScatterElements",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "two elements of a row",
             .fields = "",
             .in = {"1x4: 1 2 3 4", "i32 1x2: 0 -1", "1x2: 8 9"},
             .out = {"1x4: 8 2 3 9"}},
            {.title = "added, twice to the same",
             .fields = "reduction=add",
             .in = {"1x3: 1 2 3", "i32 1x2: 1 1", "1x2: 10 20"},
             .out = {"1x3: 1 32 3"}},
            {.fields = "axis=1", .in = {"2x4x3", "i32 2x2x2: 0 1 3 2 2 2 1 0", "2x2x2"}},
            {.fields = "axis=1 reduction=add", .in = {"2x4x3", "i32 2x2x2: 0 1 0 1 2 2 1 0", "2x2x2"}},
        },
};
