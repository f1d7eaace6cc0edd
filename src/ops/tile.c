/* tile.c - a value repeated whole, side by side. */
#include "axes.h"

#define FIELDS(F)                                                                                                      \
    F(tile, LIST, repeats, .positional = true, .required = true, .max = FV_MANY,                                       \
      .help = "how often along each axis, the batch (once) being the first")
FV_DEFINE_FIELDS(tile, FIELDS)

static fv_status infer(fv_infer *infer) {
    const struct tile *f = infer->fields;
    const fv_type *in = &infer->in[0];
    char shape[128];
    if (fv_list_count(f->repeats) != in->shape.rank || (fv_type_batched(in) && f->repeats[0] != 1))
        return fv_infer_fail(infer, "repeats must have a number for each axis of %s, 1 for the batch",
                             fv_shape_text(&in->shape, shape, sizeof shape));
    infer->out[0] = *in;
    for (int d = 0; d < in->shape.rank; d++) {
        int64_t *size = &infer->out[0].shape.dim[d];
        if (*size >= 0 && !fv_mul_i64(*size, f->repeats[d], size))
            return fv_infer_fail(infer, "the result is too large");
    }
    return FV_OK;
}

/* The value before axis `axis` is repeated: the axes before it are as in the result. */
static fv_type stage(const fv_emit *e, int axis) {
    fv_type t = *fv_in_type(e, 0);
    for (int d = 0; d < axis; d++) t.shape.dim[d] = fv_out_type(e, 0)->shape.dim[d];
    return t;
}

/* Walks over the repetitions along one axis: (samples and what is before) x repeats x (the axis and what is behind). */
static fv_walk walk_along(const fv_geom *geom, const fv_type *t, int axis, int64_t repeats) {
    int64_t each = t->shape.dim[axis] * fv_inner(t, axis), outer = fv_outer(t, axis);
    return (fv_walk){.rank = 4,
                     .dim = {geom->n, outer, repeats, each},
                     .y = {outer * repeats * each, repeats * each, each, 1},
                     .a = {outer * each, each, 0, 1}};
}

static bool repeated(const fv_emit *e, int axis) {
    return ((const struct tile *)fv_emit_fields(e))->repeats[axis] != 1;
}

static int axis_after(const fv_emit *e, int axis) {
    int rank = fv_in_type(e, 0)->shape.rank;
    while (axis < rank && !repeated(e, axis)) axis++;
    return axis;
}

/* Axis by axis, each a copy; without any the whole is one. */
static void forward(fv_emit *e) {
    const struct tile *f = fv_emit_fields(e);
    fv_operand from = fv_in(e, 0);
    int rank = fv_in_type(e, 0)->shape.rank, axis = axis_after(e, 0);
    if (axis == rank) fv_emit_copy(e, fv_out_type(e, 0), fv_out(e, 0), from);
    for (int next; axis < rank; axis = next) {
        next = axis_after(e, axis + 1);
        fv_type t = stage(e, axis), larger = stage(e, next);
        fv_operand to = next == rank ? fv_out(e, 0) : fv_temp(e, &larger);
        fv_geom geom = fv_geom_for(e, &t);
        geom.copy.walk = walk_along(&geom, &t, axis, f->repeats[axis]);
        FV_CALL(e, FV_R_COPY, &geom, to, from);
        from = to;
    }
}

static void backward(fv_emit *e) {
    const struct tile *f = fv_emit_fields(e);
    if (!fv_wants_d_in(e, 0)) return;
    fv_operand from = fv_d_out(e, 0);
    int left = 0;
    for (int d = 0; d < fv_in_type(e, 0)->shape.rank; d++) left += repeated(e, d);
    if (left == 0) fv_d_in_is(e, 0, from);
    for (int axis = fv_in_type(e, 0)->shape.rank - 1; axis >= 0; axis--) {
        if (!repeated(e, axis)) continue;
        fv_type t = stage(e, axis);
        fv_operand to = --left == 0 ? fv_d_in(e, 0) : fv_temp(e, &t);
        fv_geom geom = fv_geom_for(e, &t);
        fv_walk w = walk_along(&geom, &t, axis, f->repeats[axis]);
        geom.reduce = (fv_reduce_geom){.kind = FV_SUM, .walk = w};
        for (int d = 0; d < w.rank; d++) geom.reduce.walk.y[d] = w.a[d], geom.reduce.walk.a[d] = w.y[d];
        FV_CALL(e, FV_R_REDUCE, &geom, to, from);
        from = to;
    }
}

const fv_op fv_op_tile = {
    .name = "tile",
    .summary = "a value repeated whole, side by side",
    .details = "tile 1,2,3,1 lays pictures two times below and three times beside each other. Numbers of any type.",
    FV_FIELDS(tile),
    .ports = {{"x", FV_INPUT, "any value", false}},
    .traits = FV_T_EMPTY,
    .onnx = "Tile",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "twice below, twice beside",
             .fields = "1,2,2",
             .in = {"1x1x2: 1 2"},
             .out = {"1x2x4: 1 2 1 2 ; 1 2 1 2"}},
            {.fields = "1,3,1,2", .in = {"2x2x3x2"}},
            {.fields = "1,1", .in = {"2x3"}},
            {.fields = "2,3", .in = {"fixed 3x2"}},
        },
};
