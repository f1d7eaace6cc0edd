/* transpose.c - the axes of a value in another order. */
#include "axes.h"

#define FIELDS(F)                                                                                                      \
    F(transpose, LIST, axes, .positional = true, .required = true, .max = FV_MAX_RANK - 1,                             \
      .help = "the axes of the input in their new order, the batch being 0")
FV_DEFINE_FIELDS(transpose, FIELDS)

static fv_status infer(fv_infer *infer) {
    const struct transpose *f = infer->fields;
    const fv_type *in = &infer->in[0];
    int rank = in->shape.rank;
    unsigned seen = 0;
    char shape[128];
    for (int d = 0; d < fv_list_count(f->axes); d++) seen |= 1u << f->axes[d];
    if (fv_list_count(f->axes) != rank || seen != (1u << rank) - 1)
        return fv_infer_fail(infer, "axes must name each of the %d axes of %s once", rank,
                             fv_shape_text(&in->shape, shape, sizeof shape));
    if (fv_type_batched(in) && f->axes[0] != 0)
        return fv_infer_fail(infer, "the batch must stay axis 0: samples are not mixed");
    infer->out[0] = *in;
    for (int d = 0; d < rank; d++) infer->out[0].shape.dim[d] = in->shape.dim[f->axes[d]];
    return FV_OK;
}

static void forward(fv_emit *e) {
    const struct transpose *f = fv_emit_fields(e);
    fv_geom geom = fv_copy_over(e, fv_out_type(e, 0));
    int64_t in[FV_MAX_RANK] = {0};
    fv_strides(fv_in_type(e, 0), in);
    for (int d = 0; d < geom.copy.walk.rank; d++) geom.copy.walk.a[d] = in[f->axes[d]];
    FV_CALL(e, FV_R_COPY, &geom, fv_out(e, 0), fv_in(e, 0));
}

static void backward(fv_emit *e) {
    const struct transpose *f = fv_emit_fields(e);
    if (!fv_wants_d_in(e, 0)) return;
    fv_geom geom = fv_copy_over(e, fv_in_type(e, 0));
    int64_t out[FV_MAX_RANK] = {0};
    fv_strides(fv_out_type(e, 0), out);
    for (int d = 0; d < geom.copy.walk.rank; d++) geom.copy.walk.a[f->axes[d]] = out[d];
    FV_CALL(e, FV_R_COPY, &geom, fv_d_in(e, 0), fv_d_out(e, 0));
}

const fv_op fv_op_transpose = {
    .name = "transpose",
    .summary = "the axes of a value in another order",
    .details =
        "transpose 0,3,1,2 makes pictures (N, H, W, C) channels first. Axis d of the result is axis axes[d] of the "
        "input; the batch, where there is one, stays in front. Numbers of any type.",
    FV_FIELDS(transpose),
    .ports = {{"x", FV_INPUT, "any value", false}},
    .traits = FV_T_EMPTY,
    .onnx = "Transpose",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "rows become columns",
             .fields = "0,2,1",
             .in = {"1x2x3: 1 2 3 ; 4 5 6"},
             .out = {"1x3x2: 1 4 ; 2 5 ; 3 6"}},
            {.title = "without a batch every axis may move",
             .fields = "1,0",
             .in = {"fixed 1x2: 7 8"},
             .out = {"fixed 2x1: 7 8"}},
            {.fields = "0,3,1,2", .in = {"2x5x6x7"}},
            {.fields = "0,2,3,1", .in = {"2x7x5x6"}},
            {.fields = "2,0,1", .in = {"fixed 9x5x3"}},
            {.fields = "1,3,0,2", .in = {"fixed 3x6x2x5"}},
        },
};
