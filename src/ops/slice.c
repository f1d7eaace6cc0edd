/* slice.c - a part of a value: from where to where, and in which steps, along chosen axes. */
#include "axes.h"

#include <string.h>

#define FIELDS(F)                                                                                                      \
    F(slice, LIST, starts, .positional = true, .required = true, .min = -FV_MANY, .max = FV_MANY,                      \
      .help = "first cell along each of the axes; negative: from the end")                                             \
    F(slice, LIST, ends, .positional = true, .required = true, .min = -FV_MANY, .max = FV_MANY,                        \
      .help = "the cell behind the last one; negative: from the end; what lies beyond is cut")                         \
    F(slice, LIST, axes, .min = -8, .max = 7, .standard_text = "0,1,...",                                              \
      .help = "the axes, the batch being 0; negative: from the end")                                                   \
    F(slice, LIST, steps, .min = -FV_MANY, .max = FV_MANY, .standard_text = "1",                                       \
      .help = "from cell to cell; negative: backwards")
FV_DEFINE_FIELDS(slice, FIELDS)

/* First cell, step and number of cells along an axis. */
typedef struct range {
    int64_t first, step, count;
} range;

static int64_t clamp(int64_t at, int64_t low, int64_t high) { return at < low ? low : at > high ? high : at; }

static range range_of(int64_t size, int64_t start, int64_t end, int64_t step) {
    range r = {.step = step};
    if (start < 0) start += size;
    if (end < 0) end += size;
    r.first = step > 0 ? clamp(start, 0, size) : clamp(start, -1, size - 1);
    int64_t last = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1),
            length = (last - r.first) * (step > 0 ? 1 : -1);
    int64_t stride = step > 0 ? step : -step;
    r.count = length > 0 ? (length + stride - 1) / stride : 0;
    if (r.count == 0) r.first = 0;
    return r;
}

/* Ranges of all axes of x; false where an axis is named twice, or none. */
static bool ranges_of(const struct slice *f, const fv_type *x, range out[FV_MAX_RANK]) {
    int count = fv_list_count(f->starts);
    bool named[FV_MAX_RANK] = {false};
    for (int d = 0; d < x->shape.rank; d++) out[d] = (range){.step = 1, .count = x->shape.dim[d]};
    for (int i = 0; i < count; i++) {
        int axis = fv_axis_of(f->axes[0] == FV_UNSET ? i : f->axes[i], x->shape.rank);
        int64_t step = f->steps[0] == FV_UNSET ? 1 : f->steps[i];
        if (axis < 0 || named[axis] || step == 0) return false;
        named[axis] = true;
        if (x->shape.dim[axis] >= 0) out[axis] = range_of(x->shape.dim[axis], f->starts[i], f->ends[i], step);
        if (axis == 0 && fv_type_batched(x)) return false;
    }
    return true;
}

static fv_status infer(fv_infer *infer) {
    const struct slice *f = infer->fields;
    const fv_type *in = &infer->in[0];
    int count = fv_list_count(f->starts), axes = fv_list_count(f->axes), steps = fv_list_count(f->steps);
    range ranges[FV_MAX_RANK];
    char shape[128];
    if (fv_list_count(f->ends) != count || (axes && axes != count) || (steps && steps != count))
        return fv_infer_fail(infer, "starts, ends, axes and steps must be equally many, got %d, %d, %d and %d", count,
                             fv_list_count(f->ends), axes, steps);
    if (!ranges_of(f, in, ranges))
        return fv_infer_fail(infer, "axes must be different axes of %s but the batch, steps not 0",
                             fv_shape_text(&in->shape, shape, sizeof shape));
    infer->out[0] = *in;
    for (int d = 0; d < in->shape.rank; d++) infer->out[0].shape.dim[d] = ranges[d].count;
    return FV_OK;
}

/* The part as a walk: y strides over the part, a strides and offset in the whole. */
static fv_geom part_geom(const fv_emit *e) {
    const fv_type *whole = fv_in_type(e, 0);
    fv_geom geom = fv_copy_over(e, fv_out_type(e, 0));
    range ranges[FV_MAX_RANK];
    int64_t in[FV_MAX_RANK] = {0};
    fv_strides(whole, in);
    if (!ranges_of(fv_emit_fields(e), whole, ranges)) return geom;
    for (int d = 0; d < geom.copy.walk.rank; d++) {
        geom.copy.walk.a[d] = in[d] * ranges[d].step;
        geom.copy.walk.a_offset += in[d] * ranges[d].first;
    }
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = part_geom(e);
    FV_CALL(e, FV_R_COPY, &geom, fv_out(e, 0), fv_in(e, 0));
}

static void backward(fv_emit *e) {
    if (!fv_wants_d_in(e, 0)) return;
    fv_geom geom = part_geom(e);
    fv_walk *w = &geom.copy.walk, part = *w;
    memcpy(w->y, part.a, sizeof w->y);
    memcpy(w->a, part.y, sizeof w->a);
    w->y_offset = part.a_offset, w->a_offset = 0;
    fv_emit_zeros(e, fv_in_type(e, 0), fv_d_in(e, 0));
    FV_CALL(e, FV_R_COPY, &geom, fv_d_in(e, 0), fv_d_out(e, 0));
}

const fv_op fv_op_slice = {
    .name = "slice",
    .summary = "a part of a value along chosen axes",
    .details =
        "slice 1 3 axes=-1 keeps the channels 1 and 2. Starts and ends are as in Python: negative ones count from the "
        "end, what lies beyond is cut; a negative step goes backwards, to the very first cell with an end far "
        "below (-1000000000). Numbers of any type.",
    FV_FIELDS(slice),
    .ports = {{"x", FV_INPUT, "any value", false}},
    .traits = FV_T_EMPTY,
    .onnx = "Slice",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "the middle channels",
             .fields = "1 3 axes=-1",
             .in = {"1x2x4: 1 2 3 4 ; 5 6 7 8"},
             .out = {"1x2x2: 2 3 ; 6 7"}},
            {.title = "backwards, every second",
             .fields = "-1 -1000 axes=1 steps=-2",
             .in = {"1x5: 1 2 3 4 5"},
             .out = {"1x3: 5 3 1"}},
            {.fields = "1,0 4,-1 axes=1,2", .in = {"2x5x4x3"}},
            {.fields = "0,3 100,-100 axes=0,2 steps=2,-1", .in = {"fixed 5x2x4"}},
        },
};
