/* maxpool.c - the largest value of each window. */
#include "spatial.h"

#define FIELDS(F)                                                                                                      \
    FV_POOL_FIELDS(F, maxpool)                                                                                         \
    F(maxpool, SIZES, dilation, .min = 1, .max = FV_MANY, .standard = 1, .help = "cells between a window's cells")
FV_DEFINE_FIELDS(maxpool, FIELDS)

static fv_status resolve(const struct maxpool *f, fv_infer *infer, const fv_type *in, fv_spatial *s) {
    fv_window window = {.noun = "window",
                        .size = f->window,
                        .stride = f->stride,
                        .padding = f->padding,
                        .padding_end = f->padding_end,
                        .dilation = f->dilation,
                        .ceil = f->ceil,
                        .inside = true};
    return fv_spatial_resolve(infer, in, &window, s);
}

static fv_status infer(fv_infer *infer) {
    fv_spatial s;
    fv_status status = fv_infer_real(infer, 0);
    if (!status) status = resolve(infer->fields, infer, &infer->in[0], &s);
    if (!status) infer->out[0] = fv_spatial_type(&s, &infer->in[0], s.channels, false);
    return status;
}

static void cost(const fv_site *site, fv_cost *cost) {
    fv_spatial s;
    if (!resolve(site->fields, NULL, &site->in[0], &s)) fv_spatial_growth(&s, cost);
}

static void forward(fv_emit *e) {
    fv_spatial s;
    if (!resolve(fv_emit_fields(e), NULL, fv_in_type(e, 0), &s)) fv_emit_pool(e, &s, FV_POOL_MAX);
}

static void backward(fv_emit *e) {
    fv_spatial s;
    if (!resolve(fv_emit_fields(e), NULL, fv_in_type(e, 0), &s)) fv_emit_pool_back(e, &s, FV_POOL_MAX);
}

const fv_op fv_op_maxpool = {
    .name = "maxpool",
    .summary = "the largest value of each window",
    .details =
        "y[o] = the largest of x[o*stride - padding + k*dilation] over the window's cells inside the picture, channel "
        "by channel. "
        "The gradient goes to the first of the largest cells in row order.\n\n"
        "Sizes are floor((size + padding + padding_end - window) / stride) + 1. ceil=yes rounds up instead, and drops "
        "a window "
        "that would start behind the picture and its padding before it, as PyTorch does. padding=same is TensorFlow's "
        "(the extra cell behind), same_lower puts it before.",
    FV_FIELDS(maxpool),
    .ports = {{"x", FV_INPUT, "sequence, picture or volume", false}},
    .onnx = "MaxPool",
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "2x2 of the vertical edges",
             .fields = "2x2",
             .in = {"1x2x2x1: 2 -2 ; -1 1"},
             .out = {"1x1x1x1: 2"}},
            {.title = "2x2 of the horizontal edges",
             .fields = "2x2",
             .in = {"1x2x2x1: -1 -1/2 ; 7/2 4"},
             .out = {"1x1x1x1: 4"}},
            {.title = "overlapping windows, 3x3 with stride 2",
             .fields = "3x3 stride=2",
             .in = {"1x5x5x1: 1 2 3 4 5 ; 6 7 8 9 10 ; 11 12 13 14 15 ; 16 17 18 19 20 ; 21 22 23 24 25"},
             .out = {"1x2x2x1: 13 15 ; 23 25"}},
            {.title = "ceil mode keeps the last column",
             .fields = "2x2 ceil=yes",
             .in = {"1x2x3x1: 1 2 3 ; 4 5 6"},
             .out = {"1x1x2x1: 5 6"}},
            FV_FIGURES("pooling 3x4 of 96x96", "3x4", "1x96x96x100", "1x32x24x100", 0, 0),
            {.fields = "3x3 stride=2 padding=1", .in = {"2x7x6x3"}},
            {.fields = "2 stride=3 padding=same", .in = {"2x7x5x2"}},
            {.fields = "3x2 stride=2x1 dilation=2x3 ceil=yes", .in = {"2x8x7x5"}},
            {.fields = "3 stride=2 padding=1 padding_end=0", .in = {"3x9x2"}},
            {.fields = "2", .in = {"1x4x5x6x2"}},
        },
};
