/* col2im.c - columns of windows put back where they came from, and added up. */
#include "picking.h"

#define FIELDS(F)                                                                                                      \
    F(col2im, LIST, shape, .positional = true, .required = true, .min = 1, .max = FV_MANY,                             \
      .help = "spatial size of the result")                                                                            \
    F(col2im, LIST, window, .positional = true, .required = true, .min = 1, .max = FV_MANY,                            \
      .help = "size of the windows")                                                                                   \
    F(col2im, LIST, stride, .min = 1, .max = FV_MANY, .standard_text = "1",                                            \
      .help = "cells between neighbouring windows")                                                                    \
    F(col2im, LIST, padding, .max = FV_MANY, .standard_text = "0",                                                     \
      .help = "cells before the picture that windows reach over")                                                      \
    F(col2im, LIST, padding_end, .max = FV_MANY, .standard_text = "as padding", .help = "cells behind it")             \
    F(col2im, LIST, dilation, .min = 1, .max = FV_MANY, .standard_text = "1",                                          \
      .help = "cells from one of a window to its next")
FV_DEFINE_FIELDS(col2im, FIELDS)

enum { MOST = 6 };

/* Windows over a picture, dimension by dimension. */
typedef struct windows {
    int rank;
    int64_t size[MOST], window[MOST], stride[MOST], pad[MOST], dilation[MOST], places[MOST];
    int64_t cells, block, count; /* of the picture, of a window, windows */
} windows;

static int64_t number(const int64_t list[8], int i, int64_t standard) {
    return list[0] == FV_UNSET ? standard : list[i];
}

/* false where the fields do not go together, or windows do not fit. */
static bool windows_of(const struct col2im *f, windows *w) {
    const int64_t *const lists[] = {f->window, f->stride, f->padding, f->padding_end, f->dilation};
    *w = (windows){.rank = fv_list_count(f->shape), .cells = 1, .block = 1, .count = 1};
    if (w->rank < 1 || w->rank > MOST) return false;
    for (int i = 0; i < 5; i++)
        if (fv_list_count(lists[i]) != w->rank && (i == 0 || fv_list_count(lists[i]))) return false;
    for (int d = 0; d < w->rank; d++) {
        w->size[d] = f->shape[d], w->window[d] = f->window[d];
        w->stride[d] = number(f->stride, d, 1), w->dilation[d] = number(f->dilation, d, 1);
        w->pad[d] = number(f->padding, d, 0);
        int64_t room = w->size[d] + w->pad[d] + number(f->padding_end, d, w->pad[d]);
        int64_t extent = (w->window[d] - 1) * w->dilation[d] + 1;
        if (room < extent) return false;
        w->places[d] = (room - extent) / w->stride[d] + 1;
        if (!fv_mul_i64(w->cells, w->size[d], &w->cells) || !fv_mul_i64(w->block, w->window[d], &w->block) ||
            !fv_mul_i64(w->count, w->places[d], &w->count))
            return false;
    }
    return w->cells < INT32_MAX;
}

static fv_status infer(fv_infer *infer) {
    const struct col2im *f = infer->fields;
    const fv_type *x = &infer->in[0];
    windows w;
    char shape[128];
    fv_status status = fv_infer_real(infer, 0);
    if (status) return status;
    if (!windows_of(f, &w))
        return fv_infer_fail(infer, "shape, window, stride, padding and dilation do not go together");
    if (x->shape.rank != 3 || x->shape.dim[1] < 1 || x->shape.dim[1] % w.block || x->shape.dim[2] != w.count)
        return fv_infer_fail(infer, "expects samples x (channels times %lld) x %lld, got %s", (long long)w.block,
                             (long long)w.count, fv_shape_text(&x->shape, shape, sizeof shape));
    infer->out[0] = (fv_type){FV_F32, {2 + w.rank, {x->shape.dim[0], x->shape.dim[1] / w.block}}};
    for (int d = 0; d < w.rank; d++) infer->out[0].shape.dim[2 + d] = w.size[d];
    return FV_OK;
}

/* The cell that number `inside` of window number `at` lies on; one that does not exist where it lies outside. */
static int32_t cell_of(const windows *w, int64_t inside, int64_t at) {
    int64_t cell = 0, step = 1;
    for (int d = w->rank - 1; d >= 0; d--) {
        int64_t place = at % w->places[d] * w->stride[d] + inside % w->window[d] * w->dilation[d] - w->pad[d];
        if (place < 0 || place >= w->size[d]) return INT32_MAX;
        cell += place * step;
        step *= w->size[d];
        at /= w->places[d], inside /= w->window[d];
    }
    return (int32_t)cell;
}

/* Every column element as a pick of its cell, the same for all samples and channels. */
static bool picks(fv_emit *e, fv_geom *geom, fv_operand *index) {
    const fv_shape *x = &fv_in_type(e, 0)->shape;
    windows w;
    if (!windows_of(fv_emit_fields(e), &w)) return false;
    int64_t each = w.block * w.count, channels = x->dim[1] / w.block;
    const fv_type type = {FV_I32, {1, {each}}};
    int32_t *table = fv_emit_memory(e, (size_t)each * sizeof *table);
    if (!table) return false;
    for (int64_t i = 0; i < each; i++) table[i] = cell_of(&w, i / w.count, i % w.count);
    *index = fv_constant(e, &type, table);
    *geom = fv_geom_for(e, fv_in_type(e, 0));
    int64_t samples = geom->batched ? geom->n : x->dim[0];
    geom->pick = (fv_pick_geom){.walk = {.rank = 3,
                                         .dim = {samples, channels, each},
                                         .y = {channels * each, each, 1},
                                         .a = {channels * w.cells, w.cells, 0},
                                         .b = {0, 0, 1}},
                                .inner = 1,
                                .tuple = 1,
                                .size = {w.cells},
                                .step = {1},
                                .dtype = FV_F32,
                                .loose = true,
                                .apart = 2};
    return true;
}

static void forward(fv_emit *e) {
    fv_geom geom;
    fv_operand index;
    if (picks(e, &geom, &index)) fv_emit_gather_back(e, &geom, fv_out_type(e, 0), fv_out(e, 0), fv_in(e, 0), index);
}

static void backward(fv_emit *e) {
    fv_geom geom;
    fv_operand index;
    if (fv_wants_d_in(e, 0) && picks(e, &geom, &index)) fv_emit_gather(e, &geom, fv_d_in(e, 0), fv_d_out(e, 0), index);
}

const fv_op fv_op_col2im = {
    .name = "col2im",
    .summary = "columns of windows put back where they came from, and added up",
    .details =
        "The input is samples x (channels times cells of a window) x windows, as im2col makes it with channels in front; the result "
        "samples x channels x shape. Cells where windows overlap are sums; what lies on the padding is dropped.",
    FV_FIELDS(col2im),
    .ports = {{"x", FV_INPUT, "columns", false}},
    .onnx = "Col2Im",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "windows of two that overlap",
             .fields = "3 2",
             .in = {"1x2x2: 1 2 ; 3 4"},
             .out = {"1x1x3: 1 5 4"}},
            {.fields = "4,3 2,2 stride=2,1 padding=0,1", .in = {"2x8x8"}},
            {.fields = "5 3 dilation=2", .in = {"fixed 2x6x1"}},
        },
};
