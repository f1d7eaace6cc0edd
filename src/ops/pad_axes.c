/* pad_axes.c - cells around a value along any axis. */
#include "picking.h"

static const fv_choices modes = {"fv_pad_axes_mode", "FV_PAD_AXES_", {"constant", "reflect", "edge", "wrap"}};
enum { CONSTANT, REFLECT, EDGE, WRAP };

#define FIELDS(F)                                                                                                      \
    F(pad_axes, LIST, before, .positional = true, .required = true, .max = FV_MANY,                                    \
      .help = "cells in front along each axis, the batch (0) being the first")                                         \
    F(pad_axes, LIST, behind, .max = FV_MANY, .standard_text = "as before", .help = "cells behind along each axis")    \
    F(pad_axes, CHOICE, mode, .choices = &modes, .help = "what the new cells hold")                                    \
    F(pad_axes, FLOAT, value, .help = "the number of mode=constant")
FV_DEFINE_FIELDS(pad_axes, FIELDS)

enum { X, FILL };

static int64_t before(const struct pad_axes *f, int d) { return f->before[d]; }
static int64_t behind(const struct pad_axes *f, int d) {
    return f->behind[0] == FV_UNSET ? f->before[d] : f->behind[d];
}

static fv_status infer(fv_infer *infer) {
    const struct pad_axes *f = infer->fields;
    const fv_type *x = &infer->in[X];
    int rank = x->shape.rank, behinds = fv_list_count(f->behind);
    char shape[128];
    if (fv_list_count(f->before) != rank || (behinds && behinds != rank))
        return fv_infer_fail(infer, "before and behind must have a number for each axis of %s",
                             fv_shape_text(&x->shape, shape, sizeof shape));
    if (fv_type_batched(x) && (before(f, 0) || behind(f, 0))) return fv_infer_fail(infer, "the batch cannot be padded");
    if (infer->inputs > FILL && (infer->in[FILL].dtype != x->dtype || fv_shape_count(&infer->in[FILL].shape) != 1 ||
                                 fv_type_batched(&infer->in[FILL])))
        return fv_infer_fail(infer, "the second input must be one number of type %s", fv_dtype_name(x->dtype));
    infer->out[0] = *x;
    for (int d = 0; d < rank; d++) {
        int64_t *size = &infer->out[0].shape.dim[d];
        if (*size < 0) continue;
        if (f->mode != CONSTANT && *size == 0 && before(f, d) + behind(f, d) > 0)
            return fv_infer_fail(infer, "axis %d has no cells to repeat", d);
        if (!fv_add_i64(*size, before(f, d) + behind(f, d), size))
            return fv_infer_fail(infer, "the result is too large");
    }
    return FV_OK;
}

/* ---- a constant around: filled, then the value laid into it ---------------------------------------------------- */

static void swap_sides(fv_walk *w) {
    for (int d = 0; d < w->rank; d++) {
        int64_t y = w->y[d];
        w->y[d] = w->a[d], w->a[d] = y;
    }
    int64_t offset = w->y_offset;
    w->y_offset = w->a_offset, w->a_offset = offset;
}

/* A walk over the input: y strides in it, a strides and offset in the padded one. */
static fv_geom inside(const fv_emit *e) {
    const struct pad_axes *f = fv_emit_fields(e);
    fv_geom geom = fv_copy_over(e, fv_in_type(e, X));
    fv_strides(fv_out_type(e, 0), geom.copy.walk.a);
    for (int d = 0; d < geom.copy.walk.rank; d++) geom.copy.walk.a_offset += before(f, d) * geom.copy.walk.a[d];
    return geom;
}

/* The number of mode=constant in the input's type. */
static fv_operand fill_of(fv_emit *e) {
    const struct pad_axes *f = fv_emit_fields(e);
    const fv_type scalar = {fv_in_type(e, X)->dtype, {0, {0}}};
    union {
        float f32;
        int32_t i32;
        int64_t i64;
        uint8_t u8;
    } number = {0};
    if (fv_emit_inputs(e) > FILL) return fv_in(e, FILL);
    switch (scalar.dtype) {
    case FV_F32: number.f32 = (float)f->value; break;
    case FV_I32: number.i32 = (int32_t)f->value; break;
    case FV_I64: number.i64 = (int64_t)f->value; break;
    default: number.u8 = (uint8_t)f->value; break;
    }
    return fv_constant(e, &scalar, &number);
}

static void constant_forward(fv_emit *e) {
    fv_geom geom = inside(e);
    swap_sides(&geom.copy.walk);
    fv_emit_spread(e, fv_out_type(e, 0), fv_out(e, 0), fill_of(e));
    FV_CALL(e, FV_R_COPY, &geom, fv_out(e, 0), fv_in(e, X));
}

/* The number's gradient: all of dy but what went to the input. */
static void fill_backward(fv_emit *e) {
    const fv_type *number = fv_in_type(e, FILL), *whole = fv_out_type(e, 0);
    fv_geom geom = inside(e);
    swap_sides(&geom.copy.walk);
    fv_operand around = fv_temp(e, whole), zeros = fv_temp(e, fv_in_type(e, X));
    fv_emit_zeros(e, fv_in_type(e, X), zeros);
    fv_emit_copy(e, whole, around, fv_d_out(e, 0));
    FV_CALL(e, FV_R_COPY, &geom, around, zeros);
    fv_emit_unbroadcast(e, number, fv_d_in(e, FILL), whole, around);
}

static void constant_backward(fv_emit *e) {
    fv_geom geom = inside(e);
    if (fv_wants_d_in(e, X)) FV_CALL(e, FV_R_COPY, &geom, fv_d_in(e, X), fv_d_out(e, 0));
    if (fv_wants_d_in(e, FILL)) fill_backward(e);
}

/* ---- cells repeated: chosen axis by axis ------------------------------------------------------------------------ */

/* The cell that cell `at` shows: 2 1 0 1 2 1 0, or 0 0 0 1 2 2 2, or 1 2 0 1 2 0 1. */
static int64_t shown(int64_t at, int64_t size, int mode) {
    if (mode == EDGE || size == 1) return at < 0 ? 0 : at >= size ? size - 1 : at;
    int64_t period = mode == WRAP ? size : 2 * (size - 1);
    at = (at % period + period) % period;
    return at < size ? at : period - at;
}

/* The cells of the padded axis, a table of the plan; NULL when memory is short. */
static int32_t *cells_of(fv_emit *e, int axis) {
    const struct pad_axes *f = fv_emit_fields(e);
    int64_t size = fv_in_type(e, X)->shape.dim[axis], large = fv_out_type(e, 0)->shape.dim[axis];
    int32_t *cells = fv_emit_memory(e, (size_t)large * sizeof *cells + 1);
    for (int64_t o = 0; cells && o < large; o++) cells[o] = (int32_t)shown(o - before(f, axis), size, f->mode);
    return cells;
}

static int axis_after(const fv_emit *e, int axis) {
    const struct pad_axes *f = fv_emit_fields(e);
    int rank = fv_in_type(e, X)->shape.rank;
    while (axis < rank && before(f, axis) == 0 && behind(f, axis) == 0) axis++;
    return axis;
}

/* The value before axis `axis` is padded. */
static fv_type stage(const fv_emit *e, int axis) {
    fv_type t = *fv_in_type(e, X);
    for (int d = 0; d < axis; d++) t.shape.dim[d] = fv_out_type(e, 0)->shape.dim[d];
    return t;
}

static void repeat_forward(fv_emit *e) {
    fv_operand from = fv_in(e, X);
    int rank = fv_in_type(e, X)->shape.rank, axis = axis_after(e, 0);
    if (axis == rank) fv_emit_copy(e, fv_out_type(e, 0), fv_out(e, 0), from);
    for (int next; axis < rank; axis = next) {
        next = axis_after(e, axis + 1);
        fv_type t = stage(e, axis), larger = stage(e, next);
        fv_operand to = next == rank ? fv_out(e, 0) : fv_temp(e, &larger);
        int32_t *cells = cells_of(e, axis);
        if (!cells) return;
        fv_emit_choose(e, &t, axis, cells, larger.shape.dim[axis], to, from);
        from = to;
    }
}

static void repeat_backward(fv_emit *e) {
    if (!fv_wants_d_in(e, X)) return;
    fv_operand from = fv_d_out(e, 0);
    int first = axis_after(e, 0), rank = fv_in_type(e, X)->shape.rank;
    if (first == rank) fv_d_in_is(e, X, from);
    for (int axis = rank - 1; axis >= first; axis--) {
        if (axis_after(e, axis) != axis) continue;
        fv_type t = stage(e, axis);
        fv_operand to = axis == first ? fv_d_in(e, X) : fv_temp(e, &t);
        int32_t *cells = cells_of(e, axis);
        if (!cells) return;
        fv_emit_choose_back(e, &t, axis, cells, fv_out_type(e, 0)->shape.dim[axis], to, from);
        from = to;
    }
}

static bool constant(const fv_emit *e) { return ((const struct pad_axes *)fv_emit_fields(e))->mode == CONSTANT; }
static void forward(fv_emit *e) { (constant(e) ? constant_forward : repeat_forward)(e); }
static void backward(fv_emit *e) { (constant(e) ? constant_backward : repeat_backward)(e); }

const fv_op fv_op_pad_axes = {
    .name = "pad_axes",
    .summary = "cells around a value along any axis",
    .details =
        "pad_axes 0,1,1,0 adds a cell on every side of pictures; pad says the same of their spatial dimensions alone.\n\n"
        "mode=constant fills with value, or with the second input; reflect mirrors at the outermost cells, which are not "
        "repeated (3 2 | 1 2 3 | 2 1), as often as it takes; edge repeats them (1 1 | 1 2 3 | 3 3); wrap goes round "
        "(2 3 | 1 2 3 | 1 2). Numbers of any type.",
    FV_FIELDS(pad_axes),
    .ports = {{"x", FV_INPUT, "any value", false}, {"fill", FV_INPUT, "the number of mode=constant", true}},
    .traits = FV_T_EMPTY,
    .onnx = "Pad",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "one in front, two behind",
             .fields = "0,1 behind=0,2 value=9",
             .in = {"1x2: 1 2"},
             .out = {"1x5: 9 1 2 9 9"}},
            {.title = "reflected",
             .fields = "0,4 mode=reflect",
             .in = {"1x3: 1 2 3"},
             .out = {"1x11: 1 2 3 2 1 2 3 2 1 2 3"}},
            {.title = "the edge repeated",
             .fields = "0,2 mode=edge",
             .in = {"1x3: 1 2 3"},
             .out = {"1x7: 1 1 1 2 3 3 3"}},
            {.title = "round and round",
             .fields = "0,2 mode=wrap",
             .in = {"1x3: 1 2 3"},
             .out = {"1x7: 2 3 1 2 3 1 2"}},
            {.title = "a number that is computed",
             .fields = "0,1",
             .in = {"1x1: 1", "fixed 1: 5"},
             .out = {"1x3: 5 1 5"}},
            {.fields = "0,1,0,2 behind=0,0,1,0", .in = {"2x3x2x2"}},
            {.fields = "0,2,1 behind=0,1,3 mode=reflect", .in = {"2x3x4"}},
            {.fields = "1,0,2 mode=wrap", .in = {"fixed 2x3x2"}},
            {.fields = "0,0,2 mode=edge", .in = {"2x2x3"}},
        },
};
