/* one_hot.c - numbers of classes as rows that are one value at the class and another elsewhere. */
#include "picking.h"

#define FIELDS(F)                                                                                                      \
    F(one_hot, INT, depth, .positional = true, .required = true, .min = 1, .max = FV_MANY,                             \
      .help = "number of classes")                                                                                     \
    F(one_hot, INT, axis, .standard = -1, .min = -8, .max = 7,                                                         \
      .help = "where the classes' axis stands in the result; negative: from the end")
FV_DEFINE_FIELDS(one_hot, FIELDS)

enum { INDEX, VALUES };

static int axis_of(const struct one_hot *f, const fv_type *index) { return fv_axis_of(f->axis, index->shape.rank + 1); }

static fv_status infer(fv_infer *infer) {
    const struct one_hot *f = infer->fields;
    const fv_type *index = &infer->in[INDEX], *values = &infer->in[VALUES];
    int axis = axis_of(f, index);
    char shape[128];
    fv_status status = fv_infer_index(infer, INDEX);
    if (status) return status;
    if (values->shape.rank != 1 || values->shape.dim[0] != 2)
        return fv_infer_fail(infer, "values must be two numbers, the one elsewhere and the one at the class, got %s",
                             fv_shape_text(&values->shape, shape, sizeof shape));
    if (axis < fv_type_batched(index) || index->shape.rank == FV_MAX_RANK)
        return fv_infer_fail(infer, "axis=%lld is no place for classes in %s", (long long)f->axis,
                             fv_shape_text(&index->shape, shape, sizeof shape));
    infer->out[0] = (fv_type){values->dtype, {index->shape.rank + 1, {0}}};
    for (int d = 0; d <= index->shape.rank; d++)
        infer->out[0].shape.dim[d] = d == axis ? f->depth : index->shape.dim[d - (d > axis)];
    return FV_OK;
}

/* Every class number is a pick of one element of the result; numbers outside pick nothing. Picked values are one number
 * for all (y strides 0) or lie like the class numbers. */
static fv_geom picks(const fv_emit *e, bool one) {
    const fv_type *index = fv_in_type(e, INDEX), *out = fv_out_type(e, 0);
    int axis = axis_of(fv_emit_fields(e), index), rank = index->shape.rank;
    int64_t in_out[FV_MAX_RANK] = {0}, in_index[FV_MAX_RANK] = {0};
    fv_geom geom = fv_geom_for(e, index);
    fv_pick_geom *g = &geom.pick;
    fv_strides(out, in_out);
    fv_strides(index, in_index);
    g->walk.rank = rank;
    for (int d = 0; d < rank; d++) {
        g->walk.dim[d] = fv_extent(&geom, index, d);
        g->walk.a[d] = in_out[d + (d >= axis)];
        g->walk.b[d] = in_index[d];
        g->walk.y[d] = one ? 0 : in_index[d];
    }
    g->inner = g->tuple = 1;
    g->size[0] = out->shape.dim[axis], g->step[0] = in_out[axis];
    g->dtype = out->dtype;
    g->wide = index->dtype == FV_I64;
    g->loose = true;
    g->apart = rank;
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = picks(e, true);
    geom.pick.walk.y_offset = 1; /* the second of the values */
    fv_emit_spread(e, fv_out_type(e, 0), fv_out(e, 0), fv_in(e, VALUES));
    fv_emit_scatter(e, &geom, FV_SCATTER_SET, fv_out(e, 0), fv_in(e, VALUES), fv_in(e, INDEX));
}

/* The gradient of the number at the class is the sum of dy there, that of the other the sum of the rest. */
static void backward(fv_emit *e) {
    if (!fv_wants_d_in(e, VALUES)) return;
    const fv_type one = {FV_F32, {1, {1}}}, *out = fv_out_type(e, 0);
    fv_type at = *fv_in_type(e, INDEX);
    at.dtype = FV_F32;
    fv_geom geom = picks(e, false), place = fv_copy_over(e, &one);
    fv_operand there = fv_temp(e, &at), sum = fv_temp(e, &one), all = fv_temp(e, &one), rest = fv_temp(e, &one);
    fv_emit_gather(e, &geom, there, fv_d_out(e, 0), fv_in(e, INDEX));
    fv_emit_unbroadcast(e, &one, sum, &at, there);
    fv_emit_unbroadcast(e, &one, all, out, fv_d_out(e, 0));
    fv_emit_binary(e, FV_B_SUB, &one, rest, &one, all, &one, sum);
    FV_CALL(e, FV_R_COPY, &place, fv_d_in(e, VALUES), rest);
    place.copy.walk.y_offset = 1;
    FV_CALL(e, FV_R_COPY, &place, fv_d_in(e, VALUES), sum);
}

const fv_op fv_op_one_hot = {
    .name = "one_hot",
    .summary = "numbers of classes as rows with one value at the class and another elsewhere",
    .details =
        "The second input holds the two values, first the one elsewhere: 0 and 1 as a rule. Negative numbers count from the end; "
        "a number outside gives a row without a class.",
    FV_FIELDS(one_hot),
    .ports = {{"index", FV_INPUT, "numbers of classes (i32 or i64)", false},
              {"values", FV_INPUT, "two numbers", false}},
    .traits = FV_T_EMPTY,
    .onnx = "OneHot",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "three classes",
             .fields = "3",
             .in = {"i32 4: 1 -1 0 7", "fixed 2: 0 1"},
             .out = {"4x3: 0 1 0 ; 0 0 1 ; 1 0 0 ; 0 0 0"}},
            {.title = "classes in front",
             .fields = "2 axis=0",
             .in = {"i32 fixed 3: 1 0 1", "fixed 2: -1 5"},
             .out = {"fixed 2x3: -1 5 -1 ; 5 -1 5"}},
            {.fields = "4 axis=1", .in = {"i32 3x2: 0 3 2 1 9 0", "fixed 2"}},
        },
};
