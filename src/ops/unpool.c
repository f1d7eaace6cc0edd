/* unpool.c - puts values back where max pooling found its maxima. */
#include "spatial.h"

#define FIELDS(F)                                                                                                      \
    FV_POOL_FIELDS(F, unpool)                                                                                          \
    F(unpool, SIZES, dilation, .min = 1, .max = FV_MANY, .standard = 1, .help = "cells between a window's cells")
FV_DEFINE_FIELDS(unpool, FIELDS)

enum { VALUE, X, POOLED };
enum { SAVED_POOLED };

/* The pooling's windows over its input. */
static fv_status resolve(const struct unpool *f, fv_infer *infer, const fv_type *x, fv_spatial *s) {
    fv_window window = {.noun = "window",
                        .size = f->window,
                        .stride = f->stride,
                        .padding = f->padding,
                        .padding_end = f->padding_end,
                        .dilation = f->dilation,
                        .ceil = f->ceil,
                        .inside = true};
    return fv_spatial_resolve(infer, x, &window, s);
}

static fv_status infer(fv_infer *infer) {
    fv_spatial s;
    char a[128], b[128], c[128];
    fv_status status = fv_infer_real(infer, VALUE);
    for (int i = X; i < infer->inputs && !status; i++) status = fv_infer_real(infer, i);
    if (!status) status = resolve(infer->fields, infer, &infer->in[X], &s);
    if (status) return status;
    fv_type pooled = fv_spatial_type(&s, &infer->in[X], s.channels, false);
    for (int i = 0; i < infer->inputs; i++)
        if (i != X && !fv_shape_equal(&infer->in[i].shape, &pooled.shape))
            return fv_infer_fail(infer, "pooling %s gives %s, but %s is %s",
                                 fv_shape_text(&infer->in[X].shape, a, sizeof a),
                                 fv_shape_text(&pooled.shape, b, sizeof b), i == VALUE ? "the value" : "pooled",
                                 fv_shape_text(&infer->in[i].shape, c, sizeof c));
    infer->out[0] = infer->in[X];
    return FV_OK;
}

static void cost(const fv_site *site, fv_cost *cost) {
    fv_spatial s;
    if (!resolve(site->fields, NULL, &site->in[X], &s)) fv_spatial_growth_back(&s, cost);
}

static void forward(fv_emit *e) {
    fv_spatial s;
    if (resolve(fv_emit_fields(e), NULL, fv_in_type(e, X), &s)) return;
    fv_geom geom = fv_spatial_pool(e, &s, FV_POOL_MAX);
    fv_operand pooled = fv_emit_inputs(e) > POOLED ? fv_in(e, POOLED) : fv_temp(e, fv_in_type(e, VALUE));
    if (fv_emit_inputs(e) <= POOLED) FV_CALL(e, FV_R_POOL, &geom, pooled, fv_in(e, X));
    fv_save(e, SAVED_POOLED, pooled);
    FV_CALL(e, FV_R_POOL_BACK, &geom, fv_out(e, 0), fv_in(e, VALUE), fv_in(e, X), pooled);
}

static void backward(fv_emit *e) {
    fv_spatial s;
    if (!fv_wants_d_in(e, VALUE) || resolve(fv_emit_fields(e), NULL, fv_in_type(e, X), &s)) return;
    fv_geom geom = fv_spatial_pool(e, &s, FV_POOL_MAX);
    FV_CALL(e, FV_R_POOL_PICK, &geom, fv_d_in(e, VALUE), fv_d_out(e, 0), fv_in(e, X), fv_saved(e, SAVED_POOLED));
}

const fv_op fv_op_unpool = {
    .name = "unpool",
    .summary = "puts values back where max pooling found its maxima",
    .details =
        "unpool 2x2 <- value, x, pooled: x and pooled are what maxpool 2x2 read and gave, value has the shape of "
        "pooled. The result has the shape of x; each value stands where its window of x has its (first) maximum, all "
        "else is 0 (Zeiler and Fergus 2014; Noh et al. 2015; Badrinarayanan et al. 2017). The fields must be those of "
        "the "
        "pooling. Where windows overlap, values that meet are added.\n\n"
        "Without pooled it is computed again. No gradient goes to x and pooled: they only say where.",
    FV_FIELDS(unpool),
    .ports = {{"value", FV_INPUT, "what is to be placed, of the shape of pooled", false},
              {"x", FV_INPUT, "what the pooling read", false},
              {"pooled", FV_INPUT, "what the pooling gave", true}},
    .onnx = "MaxUnpool",
    .guides = 1u << X | 1u << POOLED,
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "back to the maxima of 2x2 windows",
             .fields = "2x2",
             .in = {"1x1x2x1: 10 20", "1x2x4x1: 1 5 8 2 ; 3 4 7 6", "1x1x2x1: 5 8"},
             .out = {"1x2x4x1: 0 10 20 0 ; 0 0 0 0"},
             .no_gradient = true},
            {.title = "the middle is the maximum of both overlapping windows",
             .fields = "2 stride=1",
             .in = {"1x2x1: 10 20", "1x3x1: 1 5 2"},
             .out = {"1x3x1: 0 30 0"},
             .no_gradient = true},
            {.fields = "2x2", .in = {"2x3x2x5", "2x6x4x5"}},
            {.fields = "3x3 stride=2 padding=1", .in = {"2x3x4x3", "2x6x7x3"}},
            {.fields = "2x1x2 stride=1x2x2 ceil=yes", .in = {"2x2x2x3x2", "2x3x3x5x2"}},
        },
};
