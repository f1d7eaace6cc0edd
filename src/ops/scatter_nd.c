/* scatter_nd.c - a value with slices replaced, or added to, by tuples of numbers. */
#include "scattering.h"

#define FIELDS(F)                                                                                                      \
    F(scatter_nd, INT, lead, .max = FV_MAX_RANK - 1, .help = "leading axes that all inputs share, the batch included") \
    FV_SCATTER_FIELD(F, scatter_nd)
FV_DEFINE_FIELDS(scatter_nd, FIELDS)

static fv_status infer(fv_infer *infer) {
    const struct scatter_nd *f = infer->fields;
    const fv_type *x = &infer->in[FV_SCATTER_X];
    fv_type picked;
    fv_status status = fv_infer_pick_tuples(infer, FV_SCATTER_X, FV_SCATTER_INDEX, f->lead, &picked);
    if (!status && fv_type_batched(&infer->in[FV_SCATTER_INDEX]) != fv_type_batched(x))
        return fv_infer_fail(infer, "samples cannot put their updates into one value");
    if (!status) status = fv_infer_updates(infer, &picked.shape);
    infer->out[0] = *x;
    return status;
}

static fv_geom picks(const fv_emit *e) {
    const struct scatter_nd *f = fv_emit_fields(e);
    return fv_pick_tuples(e, fv_in_type(e, FV_SCATTER_X), fv_in_type(e, FV_SCATTER_INDEX), (int)f->lead);
}

static fv_scatter kind(const fv_emit *e) {
    return (fv_scatter)((const struct scatter_nd *)fv_emit_fields(e))->reduction;
}

static void forward(fv_emit *e) {
    fv_geom geom = picks(e);
    fv_emit_scattered(e, &geom, kind(e));
}

static void backward(fv_emit *e) {
    fv_geom geom = picks(e);
    fv_emit_scattered_back(e, &geom, kind(e));
}

const fv_op fv_op_scatter_nd = {
    .name = "scatter_nd",
    .summary = "a value with slices replaced, or added to, by tuples of numbers",
    .details =
        "The adjoint of gather_nd: y = x, then the slices that the index's tuples name become the updates, one after the "
        "other; reduction=add adds, mul multiplies, max and min keep the greater or smaller.",
    FV_FIELDS(scatter_nd),
    .ports = {{"x", FV_INPUT, "any value", false},
              {"index", FV_INPUT, "whole numbers", false},
              {"updates", FV_INPUT, "slices", false}},
    .traits = FV_T_EMPTY,
    .onnx = "ScatterND",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "a row of a table",
             .fields = "",
             .in = {"fixed 2x2: 1 2 ; 3 4", "i32 fixed 1x1: 1", "fixed 1x2: 8 9"},
             .out = {"fixed 2x2: 1 2 ; 8 9"}},
            {.fields = "lead=1", .in = {"2x3x4", "i32 2x2x1: 0 2 1 0", "2x2x4"}},
            {.fields = "reduction=add", .in = {"fixed 4x3x2", "i32 fixed 3x2: 0 1 3 2 0 1", "fixed 3x2"}},
        },
};
