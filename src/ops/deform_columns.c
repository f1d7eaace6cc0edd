/* deform_columns.c - what a convolution reads at displaced places, as columns for a product. */
#include "axes.h"
#include "spatial.h"

#define FIELDS(F)                                                                                                      \
    F(deform_columns, SIZES, kernel, .positional = true, .required = true, .min = 1, .max = 65535,                     \
      .help = "size of the kernel")                                                                                    \
    F(deform_columns, SIZES, stride, .standard = 1, .min = 1, .max = FV_MANY,                                          \
      .help = "cells between neighbouring results")                                                                    \
    F(deform_columns, SIZES, padding, .max = FV_MANY, .help = "zeros before the input in each dimension")              \
    F(deform_columns, SIZES, padding_end, .max = FV_MANY, .standard = (double)FV_UNSET, .standard_text = "as padding", \
      .help = "zeros behind it")                                                                                       \
    F(deform_columns, SIZES, dilation, .standard = 1, .min = 1, .max = FV_MANY,                                        \
      .help = "cells from one position of the kernel to the next")                                                     \
    F(deform_columns, INT, groups, .standard = 1, .min = 1, .max = FV_MANY,                                            \
      .help = "groups of the convolution: columns are sorted by them")                                                 \
    F(deform_columns, INT, parts, .standard = 1, .min = 1, .max = FV_MANY,                                             \
      .help = "parts of the channels with offsets of their own")
FV_DEFINE_FIELDS(deform_columns, FIELDS)

enum { X, OFFSET, MASK };

/* Cells of the result along dimension i; 0 where the kernel does not fit. */
static int64_t out_size(const struct deform_columns *f, int64_t in, int i) {
    int64_t behind = fv_size_at(f->padding_end, i);
    int64_t room = in + fv_size_at(f->padding, i) + (behind == FV_UNSET ? fv_size_at(f->padding, i) : behind);
    int64_t extent = (fv_size_at(f->kernel, i) - 1) * fv_size_at(f->dilation, i) + 1;
    return room < extent ? 0 : (room - extent) / fv_size_at(f->stride, i) + 1;
}

static fv_status infer(fv_infer *infer) {
    const struct deform_columns *f = infer->fields;
    const fv_shape *x = &infer->in[X].shape;
    char got[128], expected[128];
    int64_t kernel = fv_size_at(f->kernel, 0) * fv_size_at(f->kernel, 1);
    for (int i = 0; i < infer->inputs; i++) {
        fv_status status = fv_infer_real(infer, i);
        if (status) return status;
    }
    if (x->rank != 4 || x->dim[1] < 0 || x->dim[2] < 0 || x->dim[3] < 0 || x->dim[3] % f->groups ||
        x->dim[3] % f->parts)
        return fv_infer_fail(infer, "expects pictures whose channels groups=%lld and parts=%lld divide, got %s",
                             (long long)f->groups, (long long)f->parts, fv_shape_text(x, got, sizeof got));
    fv_shape places = {4, {x->dim[0], out_size(f, x->dim[1], 0), out_size(f, x->dim[2], 1), 0}};
    if (places.dim[1] < 1 || places.dim[2] < 1)
        return fv_infer_fail(infer, "the kernel is larger than the padded input");
    for (int i = OFFSET; i < infer->inputs; i++) {
        if (!fv_mul_i64(f->parts * (i == OFFSET ? 2 : 1), kernel, &places.dim[3]))
            return fv_infer_fail(infer, "the result is too large");
        if (!fv_shape_equal(&infer->in[i].shape, &places))
            return fv_infer_fail(infer, "%s must be %s, got %s", infer->op->ports[i].name,
                                 fv_shape_text(&places, expected, sizeof expected),
                                 fv_shape_text(&infer->in[i].shape, got, sizeof got));
    }
    if (!fv_mul_i64(x->dim[3], kernel, &places.dim[3])) return fv_infer_fail(infer, "the result is too large");
    infer->out[0] = (fv_type){FV_F32, places};
    return FV_OK;
}

static fv_geom displaced_geom(const fv_emit *e) {
    const struct deform_columns *f = fv_emit_fields(e);
    const fv_shape *x = &fv_in_type(e, X)->shape, *y = &fv_out_type(e, 0)->shape;
    fv_geom geom = fv_geom_for(e, fv_in_type(e, X));
    geom.displaced = (fv_displaced_geom){
        .samples = geom.batched ? 1 : x->dim[0], .c = x->dim[3], .groups = f->groups, .parts = f->parts};
    for (int i = 0; i < 2; i++) {
        geom.displaced.in[i] = x->dim[1 + i];
        geom.displaced.out[i] = y->dim[1 + i];
        geom.displaced.kernel[i] = fv_size_at(f->kernel, i);
        geom.displaced.stride[i] = fv_size_at(f->stride, i);
        geom.displaced.pad[i] = fv_size_at(f->padding, i);
        geom.displaced.dilation[i] = fv_size_at(f->dilation, i);
    }
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = displaced_geom(e);
    FV_CALL(e, FV_R_DISPLACED, &geom, fv_out(e, 0), fv_in(e, X), fv_in(e, OFFSET), fv_in(e, MASK));
}

static void backward(fv_emit *e) {
    fv_geom geom = displaced_geom(e);
    fv_operand d[3];
    for (int i = 0; i < 3; i++) d[i] = fv_wants_d_in(e, i) ? fv_d_in(e, i) : FV_NO_OPERAND;
    FV_CALL(e, FV_R_DISPLACED_BACK, &geom, d[X], d[OFFSET], d[MASK], fv_d_out(e, 0), fv_in(e, X), fv_in(e, OFFSET),
            fv_in(e, MASK));
}

const fv_op fv_op_deform_columns = {
    .name = "deform_columns",
    .summary = "what a convolution reads at displaced places, as columns for a product",
    .details =
        "Deformable convolution (Dai et al. 2017; the mask: Zhu et al. 2019) is these columns times the weights, a conv 1x1 with the "
        "same groups: every cell of the result has, group by group, for each position of the kernel the channels read there, moved "
        "by an offset (rows, columns), linearly between pixels, zeros outside, times the mask. The offsets' last axis is "
        "parts x kernel x 2. The first axis is that of the samples.",
    FV_FIELDS(deform_columns),
    .ports = {{"x", FV_INPUT, "pictures", false},
              {"offset", FV_INPUT, "how far every place is moved", false},
              {"mask", FV_INPUT, "how much it counts; 1 where left out", true}},
    .onnx = "DeformConv",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "half a pixel to the right",
             .fields = "1x1",
             .in = {"1x1x2x1: 2 4", "1x1x2x2: 0 1/2 ; 0 1/2"},
             .out = {"1x1x2x1: 3 2"}},
            {.fields = "2x2 padding=1 groups=2 parts=2", .in = {"2x3x3x4", "2x4x4x16", "2x4x4x8"}},
            {.fields = "2x1 stride=2 dilation=2x1", .in = {"2x5x4x3", "2x2x2x4"}},
        },
};
