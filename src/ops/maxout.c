/* maxout.c - the largest of every k feature maps. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(maxout, INT, maps, .positional = true, .min = 1, .max = FV_MANY, .standard = 2,                                  \
      .help = "feature maps that compete for one of the result")
FV_DEFINE_FIELDS(maxout, FIELDS)

static fv_status infer(fv_infer *infer) {
    const struct maxout *f = infer->fields;
    int64_t channels;
    fv_status status = fv_infer_last(infer, 0, &channels);
    if (!status) status = fv_infer_like_input(infer);
    if (status) return status;
    if (channels < 1 || channels % f->maps)
        return fv_infer_fail(infer, "maps=%lld must divide the input's %lld channels", (long long)f->maps,
                             (long long)channels);
    infer->out[0].shape.dim[infer->out[0].shape.rank - 1] = channels / f->maps;
    return FV_OK;
}

/* Pooling over windows of k neighbours in a row of all numbers of a sample. */
static fv_geom pool_geom(const fv_emit *e) {
    const struct maxout *f = fv_emit_fields(e);
    const fv_type *in = fv_in_type(e, 0);
    fv_geom geom = fv_geom_for(e, in);
    int64_t each = fv_type_each(in);
    geom.pool = (fv_pool_geom){.in = {1, 1, each},
                               .out = {1, 1, each / f->maps},
                               .window = {1, 1, f->maps},
                               .stride = {1, 1, f->maps},
                               .dilation = {1, 1, 1},
                               .c = 1,
                               .x_pixel = 1,
                               .y_pixel = 1,
                               .kind = FV_POOL_MAX};
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = pool_geom(e);
    FV_CALL(e, FV_R_POOL, &geom, fv_out(e, 0), fv_in(e, 0));
}

static void backward(fv_emit *e) {
    if (!fv_wants_d_in(e, 0)) return;
    fv_geom geom = pool_geom(e);
    FV_CALL(e, FV_R_POOL_BACK, &geom, fv_d_in(e, 0), fv_d_out(e, 0), fv_in(e, 0), fv_out(e, 0));
}

const fv_op fv_op_maxout = {
    .name = "maxout",
    .summary = "the largest of every k feature maps",
    .details = "y_c = max over j < k of x_(c*k + j): k neighbouring maps compete, as in a dense or conv layer of k "
               "times as many filters before it (Goodfellow et al. 2013). C channels become C/k. The gradient goes to "
               "the first of the largest.",
    FV_FIELDS(maxout),
    .ports = {{"x", FV_INPUT, "channels along the last dimension", false}},
    .onnx = "Reshape, ReduceMax",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "two times two maps",
             .fields = "2",
             .in = {"1x2x4: 1 2 7 -3 ; -5 -4 0 1"},
             .out = {"1x2x2: 2 7 ; -4 1"}},
            {.title = "three maps become one", .fields = "3", .in = {"2x3: 1 3 2 ; -1 -3 -2"}, .out = {"2x1: 3 ; -1"}},
            {.fields = "4", .in = {"3x2x5x8"}},
            {.fields = "", .in = {"fixed 6"}},
        },
};
