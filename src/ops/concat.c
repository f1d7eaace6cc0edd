/* concat.c - values side by side along one dimension. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(concat, INT, axis, .standard = -1, .min = -8, .max = 7,                                                          \
      .help = "dimension to join, the batch being 0; negative: from the end")
FV_DEFINE_FIELDS(concat, FIELDS)

/* The joined dimension, or -1 if there is no such (the batch cannot be joined). */
static int axis_of(const struct concat *f, const fv_type *t) {
    int64_t axis = f->axis < 0 ? f->axis + t->shape.rank : f->axis;
    return axis >= fv_type_batched(t) && axis < t->shape.rank ? (int)axis : -1;
}

static fv_status infer(fv_infer *infer) {
    const struct concat *f = infer->fields;
    char a[128], b[128];
    if (infer->inputs < 2) return fv_infer_fail(infer, "expects at least two inputs, got %d", infer->inputs);
    fv_type out = infer->in[0];
    int axis = axis_of(f, &out);
    if (axis < 0)
        return fv_infer_fail(infer, "axis=%lld is no dimension of %s that can be joined", (long long)f->axis,
                             fv_shape_text(&out.shape, a, sizeof a));
    for (int i = 1; i < infer->inputs; i++) {
        const fv_type *t = &infer->in[i];
        bool same = t->dtype == out.dtype && t->shape.rank == out.shape.rank;
        for (int d = 0; same && d < out.shape.rank; d++) same = d == axis || t->shape.dim[d] == out.shape.dim[d];
        if (!same)
            return fv_infer_fail(infer, "input %d is %s %s, which does not fit %s %s: all but dimension %d must agree",
                                 i + 1, fv_dtype_name(t->dtype), fv_shape_text(&t->shape, a, sizeof a),
                                 fv_dtype_name(out.dtype), fv_shape_text(&infer->in[0].shape, b, sizeof b), axis);
        if (out.shape.dim[axis] < 0 || t->shape.dim[axis] < 0)
            out.shape.dim[axis] = FV_OPEN;
        else if (!fv_add_i64(out.shape.dim[axis], t->shape.dim[axis], &out.shape.dim[axis]))
            return fv_infer_fail(infer, "the result is too large");
    }
    infer->out[0] = out;
    return FV_OK;
}

/* Each input as rows of its own length, which are slices of the result's rows. */
typedef struct slice {
    int64_t rows, length, whole, offset;
} slice;

static slice slice_of(const fv_emit *e, int input, int axis) {
    const fv_type *in = fv_in_type(e, input), *out = fv_out_type(e, 0);
    int64_t inner = 1, before = 0;
    for (int d = axis + 1; d < in->shape.rank; d++) inner *= in->shape.dim[d];
    for (int i = 0; i < input; i++) before += fv_in_type(e, i)->shape.dim[axis];
    slice s = {.rows = 1,
               .length = in->shape.dim[axis] * inner,
               .whole = out->shape.dim[axis] * inner,
               .offset = before * inner};
    for (int d = fv_type_batched(in); d < axis; d++) s.rows *= in->shape.dim[d];
    return s;
}

static void forward(fv_emit *e) {
    int axis = axis_of(fv_emit_fields(e), fv_out_type(e, 0));
    for (int i = 0; i < fv_emit_inputs(e); i++) {
        slice s = slice_of(e, i, axis);
        fv_geom geom = fv_geom_for(e, fv_in_type(e, i));
        geom.copy.walk = (fv_walk){.rank = 3,
                                   .dim = {geom.n, s.rows, s.length},
                                   .y = {s.rows * s.whole, s.whole, 1},
                                   .a = {s.rows * s.length, s.length, 1},
                                   .y_offset = s.offset};
        FV_CALL(e, FV_R_COPY, &geom, fv_out(e, 0), fv_in(e, i));
    }
}

static void backward(fv_emit *e) {
    int axis = axis_of(fv_emit_fields(e), fv_out_type(e, 0));
    for (int i = 0; i < fv_emit_inputs(e); i++) {
        if (!fv_wants_d_in(e, i)) continue;
        slice s = slice_of(e, i, axis);
        fv_geom geom = fv_geom_for(e, fv_in_type(e, i));
        geom.copy.walk = (fv_walk){.rank = 3,
                                   .dim = {geom.n, s.rows, s.length},
                                   .y = {s.rows * s.length, s.length, 1},
                                   .a = {s.rows * s.whole, s.whole, 1},
                                   .a_offset = s.offset};
        FV_CALL(e, FV_R_COPY, &geom, fv_d_in(e, i), fv_d_out(e, 0));
    }
}

const fv_op fv_op_concat = {
    .name = "concat",
    .summary = "values side by side along one dimension",
    .details =
        "All sizes but the joined one must agree. The last dimension is the default: feature maps behind feature maps.",
    FV_FIELDS(concat),
    .ports = {{"x", FV_INPUT, "two or more values", false}},
    .variadic = true,
    .onnx = "Concat",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "one channel and two",
             .fields = "",
             .in = {"1x2x1x1: 1 2", "1x2x1x2: 3 4 ; 5 6"},
             .out = {"1x2x1x3: 1 3 4 ; 2 5 6"}},
            {.title = "row under row",
             .fields = "axis=1",
             .in = {"1x1x2: 1 2", "1x2x2: 3 4 ; 5 6"},
             .out = {"1x3x2: 1 2 ; 3 4 ; 5 6"}},
            {.fields = "", .in = {"3x2x5x1", "3x2x5x4", "3x2x5x2"}},
            {.fields = "axis=-2", .in = {"2x4x3x5", "2x4x1x5"}},
            {.fields = "axis=0", .in = {"fixed 2x3", "fixed 4x3"}},
        },
};
