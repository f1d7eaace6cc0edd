/* top.c - of the cells along an axis the first few in order, with their numbers. */
#include "picking.h"

#define FIELDS(F)                                                                                                      \
    F(top, INT, k, .positional = true, .required = true, .max = FV_MANY, .help = "how many")                           \
    F(top, INT, axis, .standard = -1, .min = -8, .max = 7,                                                             \
      .help = "axis to order, the batch being 0; negative: from the end")                                              \
    F(top, BOOL, least, .help = "the smallest first, instead of the greatest")
FV_DEFINE_FIELDS(top, FIELDS)

enum { VALUE, INDEX };

static fv_status infer(fv_infer *infer) {
    const struct top *f = infer->fields;
    const fv_type *x = &infer->in[0];
    char shape[128];
    int axis;
    fv_status status = fv_infer_own_axis(infer, 0, f->axis, &axis);
    if (status) return status;
    if (x->shape.dim[axis] >= 0 && f->k > x->shape.dim[axis])
        return fv_infer_fail(infer, "axis %d of %s has no %lld cells", axis,
                             fv_shape_text(&x->shape, shape, sizeof shape), (long long)f->k);
    infer->outputs = 2;
    infer->out[VALUE] = infer->out[INDEX] = *x;
    infer->out[VALUE].shape.dim[axis] = infer->out[INDEX].shape.dim[axis] = f->k;
    infer->out[INDEX].dtype = FV_I64;
    return FV_OK;
}

static int axis_of(const fv_emit *e) {
    return fv_axis_of(((const struct top *)fv_emit_fields(e))->axis, fv_in_type(e, 0)->shape.rank);
}

static void forward(fv_emit *e) {
    const struct top *f = fv_emit_fields(e);
    const fv_type *x = fv_in_type(e, 0);
    int axis = axis_of(e);
    fv_geom geom = fv_geom_for(e, x);
    geom.top = (fv_top_geom){.outer = fv_outer(x, axis),
                             .size = x->shape.dim[axis],
                             .inner = fv_inner(x, axis),
                             .k = f->k,
                             .dtype = x->dtype,
                             .least = f->least};
    FV_CALL(e, FV_R_TOP, &geom, fv_out(e, VALUE), fv_out(e, INDEX), fv_in(e, 0));
}

static void backward(fv_emit *e) {
    const fv_type *x = fv_in_type(e, 0);
    if (!fv_wants_d_in(e, 0) || fv_d_out(e, VALUE) < 0) return;
    fv_geom geom = fv_pick_elements(e, x, fv_out_type(e, INDEX), axis_of(e));
    fv_emit_gather_back(e, &geom, x, fv_d_in(e, 0), fv_d_out(e, VALUE), fv_out(e, INDEX));
}

const fv_op fv_op_top = {
    .name = "top",
    .summary = "of the cells along an axis the first few in order, with their numbers",
    .details =
        "top 5 gives the five greatest of the last axis, the greatest first, and (second output, i64) where they were. Of equals "
        "the earlier one comes first; what is no number is greater than any.",
    FV_FIELDS(top),
    .ports = {{"x", FV_INPUT, "numbers of any type", false}},
    .outputs = {"value", "index"},
    .traits = FV_T_EMPTY,
    .onnx = "TopK",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "the best two", .fields = "2", .in = {"1x4: 3 9 1 7"}, .out = {"1x2: 9 7"}},
            {.title = "the smallest of each column",
             .fields = "1 axis=1 least=yes",
             .in = {"1x2x2: 3 1 ; 2 5"},
             .out = {"1x1x2: 2 1"}},
            {.fields = "3 axis=1", .in = {"2x7x3"}},
            {.fields = "5", .in = {"3x5"}},
        },
};
