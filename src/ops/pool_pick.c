/* pool_pick.c - what one picture holds where another is largest. */
#include "spatial.h"

#define FIELDS(F)                                                                                                      \
    FV_POOL_FIELDS(F, pool_pick)                                                                                       \
    F(pool_pick, SIZES, dilation, .min = 1, .max = FV_MANY, .standard = 1, .help = "cells between a window's cells")
FV_DEFINE_FIELDS(pool_pick, FIELDS)

enum { X, FROM };
enum { SAVED_MAX };

static fv_status resolve(const struct pool_pick *f, fv_infer *infer, const fv_type *in, fv_spatial *s) {
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
    char a[128], b[128];
    fv_status status = fv_infer_real(infer, X);
    if (!status) status = fv_infer_real(infer, FROM);
    if (!status) status = resolve(infer->fields, infer, &infer->in[X], &s);
    if (status) return status;
    if (!fv_shape_equal(&infer->in[X].shape, &infer->in[FROM].shape))
        return fv_infer_fail(infer, "both pictures must have one shape, got %s and %s",
                             fv_shape_text(&infer->in[X].shape, a, sizeof a),
                             fv_shape_text(&infer->in[FROM].shape, b, sizeof b));
    infer->out[0] = fv_spatial_type(&s, &infer->in[X], s.channels, false);
    return FV_OK;
}

static void cost(const fv_site *site, fv_cost *cost) {
    fv_spatial s;
    if (!resolve(site->fields, NULL, &site->in[X], &s)) fv_spatial_growth(&s, cost);
}

static void forward(fv_emit *e) {
    fv_spatial s;
    if (resolve(fv_emit_fields(e), NULL, fv_in_type(e, X), &s)) return;
    fv_geom geom = fv_spatial_pool(e, &s, FV_POOL_MAX);
    fv_operand max = fv_temp(e, fv_out_type(e, 0));
    fv_save(e, SAVED_MAX, max);
    FV_CALL(e, FV_R_POOL, &geom, max, fv_in(e, X));
    FV_CALL(e, FV_R_POOL_PICK, &geom, fv_out(e, 0), fv_in(e, FROM), fv_in(e, X), max);
}

static void backward(fv_emit *e) {
    fv_spatial s;
    if (!fv_wants_d_in(e, FROM) || resolve(fv_emit_fields(e), NULL, fv_in_type(e, X), &s)) return;
    fv_geom geom = fv_spatial_pool(e, &s, FV_POOL_MAX);
    FV_CALL(e, FV_R_POOL_BACK, &geom, fv_d_in(e, FROM), fv_d_out(e, 0), fv_in(e, X), fv_saved(e, SAVED_MAX));
}

const fv_op fv_op_pool_pick = {
    .name = "pool_pick",
    .summary = "what one picture holds where another is largest in each window",
    .details =
        "For every window and channel the cell of `from` at the place where x has its largest value, of equal ones the "
        "first in row order: maxpool x itself where from is x. With a picture of places it says where the maxima "
        "are.\n\n"
        "Windows are those of maxpool. The gradient goes to `from`; x only guides.",
    FV_FIELDS(pool_pick),
    .ports = {{"x", FV_INPUT, "sequence, picture or volume that says where", false},
              {"from", FV_INPUT, "the same shape, what is taken", false}},
    .guides = 1u << X,
    .onnx = "MaxPool",
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "where the largest of four is",
             .fields = "2x2",
             .in = {"1x2x2x1: 2 -2 ; -1 1", "1x2x2x1: 0 1 ; 2 3"},
             .out = {"1x1x1x1: 0"}},
            {.fields = "3x3 stride=2 padding=1", .in = {"2x7x6x3", "2x7x6x3"}},
            {.fields = "3x2 stride=2x1 dilation=2x3 ceil=yes", .in = {"2x8x7x5", "2x8x7x5"}},
        },
};
