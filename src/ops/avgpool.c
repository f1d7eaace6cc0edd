/* avgpool.c - the mean of each window. */
#include "spatial.h"

#define FIELDS(F)                                                                                                      \
    FV_POOL_FIELDS(F, avgpool)                                                                                         \
    F(avgpool, SIZES, dilation, .min = 1, .max = FV_MANY, .standard = 1, .help = "cells between a window's cells")      \
    F(avgpool, BOOL, count_padding, .help = "divide by the whole window also at the border")
FV_DEFINE_FIELDS(avgpool, FIELDS)

static fv_status resolve(const struct avgpool *f, fv_infer *infer, const fv_type *in, fv_spatial *s) {
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

static fv_pooling kind(const struct avgpool *f) { return f->count_padding ? FV_POOL_MEAN_PADDED : FV_POOL_MEAN; }

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
    if (!resolve(fv_emit_fields(e), NULL, fv_in_type(e, 0), &s)) fv_emit_pool(e, &s, kind(fv_emit_fields(e)));
}

static void backward(fv_emit *e) {
    fv_spatial s;
    if (!resolve(fv_emit_fields(e), NULL, fv_in_type(e, 0), &s)) fv_emit_pool_back(e, &s, kind(fv_emit_fields(e)));
}

const fv_op fv_op_avgpool = {
    .name = "avgpool",
    .summary = "the mean of each window",
    .details =
        "y[o] = the mean of x[o*stride - padding + k] over the window, channel by channel. At the border the sum is "
        "divided by the "
        "number of cells inside the picture, as in TensorFlow and Keras; count_padding=yes divides by the whole "
        "window, PyTorch's "
        "default (count_include_pad).\n\n"
        "Sizes are floor((size + padding + padding_end - window) / stride) + 1. ceil=yes rounds up instead, and drops "
        "a window "
        "that would start behind the picture and its padding before it, as PyTorch does. padding=same is TensorFlow's "
        "(the extra cell behind), same_lower puts it before.",
    FV_FIELDS(avgpool),
    .ports = {{"x", FV_INPUT, "sequence, picture or volume", false}},
    .onnx = "AveragePool",
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "3x3 mean of a picture",
             .fields = "3x3 stride=1",
             .in = {"1x4x4x1: .5 .3 .8 .3 ; .3 .8 .5 .3 ; .5 .8 .3 .2 ; .8 .3 .2 .2"},
             .out = {"1x2x2x1: 48/90 43/90 ; 45/90 36/90"}},
            {.title = "border cells count what is inside",
             .fields = "3x3 stride=2 padding=1",
             .in = {"1x3x3x1: 4 4 4 ; 4 4 4 ; 4 4 4"},
             .out = {"1x2x2x1: 4 4 ; 4 4"}},
            {.title = "border cells divided by the whole window",
             .fields = "3x3 stride=2 padding=1 count_padding=yes",
             .in = {"1x3x3x1: 9 9 9 ; 9 9 9 ; 9 9 9"},
             .out = {"1x2x2x1: 4 4 ; 4 4"}},
            {.fields = "3x2 stride=2x1 ceil=yes", .in = {"2x6x5x3"}},
            {.fields = "2 stride=3 padding=same", .in = {"2x7x5x2"}},
            {.fields = "3 stride=2 padding=1 padding_end=2 count_padding=yes", .in = {"3x9x2"}},
            {.fields = "3x2 dilation=2x1 stride=1 padding=1", .in = {"2x8x7x3"}},
            {.fields = "2", .in = {"1x4x5x6x2"}},
        },
};
