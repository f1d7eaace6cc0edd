/* split.c - a value cut into parts along one axis. */
#include "axes.h"

#define FIELDS(F)                                                                                                      \
    F(split, INT, parts, .positional = true, .max = FV_MAX_OUTPUTS, .standard_text = "as sizes says",                  \
      .help = "how many parts: all equal, the last one smaller where they cannot be")                                  \
    F(split, LIST, sizes, .max = FV_MANY, .help = "size of each part instead")                                         \
    F(split, INT, axis, .standard = -1, .min = -8, .max = 7,                                                           \
      .help = "axis to cut, the batch being 0; negative: from the end")
FV_DEFINE_FIELDS(split, FIELDS)

/* Sizes of the parts along the axis; returns their number, 0 if they do not make up the whole. */
static int parts_of(const struct split *f, int64_t size, int64_t out[FV_MAX_OUTPUTS]) {
    int count = fv_list_count(f->sizes);
    int64_t total = 0;
    if ((f->parts > 0) == (count > 0)) return 0;
    if (count == 0) count = (int)f->parts;
    for (int i = 0; i < count; i++) {
        int64_t each = (size + count - 1) / count, left = size - total;
        out[i] = f->parts > 0 ? (each < left ? each : left) : f->sizes[i];
        total += out[i];
    }
    return total == size ? count : 0;
}

static fv_status infer(fv_infer *infer) {
    const struct split *f = infer->fields;
    const fv_type *in = &infer->in[0];
    int64_t sizes[FV_MAX_OUTPUTS];
    char shape[128];
    int axis;
    fv_status status = fv_infer_own_axis(infer, 0, f->axis, &axis);
    if (status) return status;
    if (in->shape.dim[axis] < 0) return fv_infer_known(infer, 0);
    infer->outputs = parts_of(f, in->shape.dim[axis], sizes);
    if (infer->outputs == 0)
        return fv_infer_fail(infer, "expects either parts or sizes that make up axis %d of %s", axis,
                             fv_shape_text(&in->shape, shape, sizeof shape));
    for (int i = 0; i < infer->outputs; i++) {
        infer->out[i] = *in;
        infer->out[i].shape.dim[axis] = sizes[i];
    }
    return FV_OK;
}

/* Part i as rows that are slices of the whole's rows: y strides over the part, a strides in the whole. */
static fv_geom part_geom(const fv_emit *e, int i) {
    const fv_type *whole = fv_in_type(e, 0);
    fv_geom geom = fv_copy_over(e, fv_out_type(e, i));
    int axis = fv_axis_of(((const struct split *)fv_emit_fields(e))->axis, whole->shape.rank);
    fv_strides(whole, geom.copy.walk.a);
    for (int k = 0; k < i; k++) geom.copy.walk.a_offset += fv_out_type(e, k)->shape.dim[axis] * geom.copy.walk.a[axis];
    return geom;
}

static void forward(fv_emit *e) {
    for (int i = 0; i < fv_emit_outputs(e); i++) {
        fv_geom geom = part_geom(e, i);
        FV_CALL(e, FV_R_COPY, &geom, fv_out(e, i), fv_in(e, 0));
    }
}

static void backward(fv_emit *e) {
    if (!fv_wants_d_in(e, 0)) return;
    bool all = true;
    for (int i = 0; i < fv_emit_outputs(e); i++) all = all && fv_d_out(e, i) >= 0;
    if (!all) fv_emit_zeros(e, fv_in_type(e, 0), fv_d_in(e, 0)); /* parts that nobody reads */
    for (int i = 0; i < fv_emit_outputs(e); i++) {
        if (fv_d_out(e, i) < 0) continue;
        fv_geom geom = part_geom(e, i);
        fv_walk part = geom.copy.walk;
        for (int d = 0; d < part.rank; d++) geom.copy.walk.y[d] = part.a[d], geom.copy.walk.a[d] = part.y[d];
        geom.copy.walk.y_offset = part.a_offset, geom.copy.walk.a_offset = 0;
        FV_CALL(e, FV_R_COPY, &geom, fv_d_in(e, 0), fv_d_out(e, i));
    }
}

const fv_op fv_op_split = {
    .name = "split",
    .summary = "a value cut into parts along one axis",
    .details = "a, b = split 2 cuts the channels into halves, split sizes=1,3 axis=1 one row off four. The adjoint of "
               "concat. Numbers of any type.",
    FV_FIELDS(split),
    .ports = {{"x", FV_INPUT, "any value", false}},
    .traits = FV_T_EMPTY,
    .onnx = "Split",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "halves",
             .fields = "2",
             .in = {"1x2x4: 1 2 3 4 ; 5 6 7 8"},
             .out = {"1x2x2: 1 2 ; 5 6", "1x2x2: 3 4 ; 7 8"}},
            {.title = "one row and two",
             .fields = "sizes=1,2 axis=1",
             .in = {"1x3x2: 1 2 ; 3 4 ; 5 6"},
             .out = {"1x1x2: 1 2", "1x2x2: 3 4 ; 5 6"}},
            {.title = "a smaller one at the end", .fields = "2", .in = {"1x3: 1 2 3"}, .out = {"1x2: 1 2", "1x1: 3"}},
            {.fields = "sizes=2,1,2 axis=-2", .in = {"2x3x5x2"}},
            {.fields = "3 axis=0", .in = {"fixed 6x3"}},
        },
};
