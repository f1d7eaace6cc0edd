/* lrn.c - local response normalisation: strong maps make their neighbours weaker. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(lrn, INT, window, .positional = true, .min = 1, .max = FV_MANY, .standard = 5,                                   \
      .help = "feature maps that are summed, the one in the middle included; odd")                                     \
    F(lrn, FLOAT, k, .min = 1e-9, .max = 1e9, .standard = 2, .help = "what is there without any response")             \
    F(lrn, FLOAT, alpha, .max = 1e9, .standard = 1e-4, .help = "how much each square counts")                          \
    F(lrn, FLOAT, beta, .max = 1e9, .standard = 0.75, .help = "exponent")                                              \
    F(lrn, BOOL, mean, .help = "alpha is divided by window, as PyTorch, Caffe and ONNX do: a mean instead of a sum")
FV_DEFINE_FIELDS(lrn, FIELDS)

static fv_status infer(fv_infer *infer) {
    const struct lrn *f = infer->fields;
    int64_t channels;
    fv_status status = fv_infer_last(infer, 0, &channels);
    if (!status) status = fv_infer_like_input(infer);
    if (status) return status;
    if (f->window % 2 == 0)
        return fv_infer_fail(infer, "window must be odd, as many maps on either side, got %lld", (long long)f->window);
    return channels < 1 ? fv_infer_fail(infer, "the input has no channels") : FV_OK;
}

/* Maps that are not there add nothing, so a window need not reach further than to the other end. */
static fv_geom lrn_geom(const fv_emit *e) {
    const struct lrn *f = fv_emit_fields(e);
    const fv_type *in = fv_in_type(e, 0);
    int64_t c = in->shape.dim[in->shape.rank - 1], widest = 2 * c - 1;
    fv_geom geom = fv_geom_for(e, in);
    geom.lrn = (fv_lrn_geom){.pixels = fv_type_each(in) / c,
                             .c = c,
                             .window = f->window < widest ? f->window : widest,
                             .k = f->k,
                             .alpha = f->mean ? f->alpha / (double)f->window : f->alpha,
                             .beta = f->beta};
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = lrn_geom(e);
    FV_CALL(e, FV_R_LRN, &geom, fv_out(e, 0), fv_in(e, 0));
}

static void backward(fv_emit *e) {
    if (!fv_wants_d_in(e, 0)) return;
    fv_geom geom = lrn_geom(e);
    FV_CALL(e, FV_R_LRN_BACK, &geom, fv_d_in(e, 0), fv_d_out(e, 0), fv_in(e, 0));
}

const fv_op fv_op_lrn = {
    .name = "lrn",
    .summary = "local response normalisation over neighbouring feature maps",
    .details =
        "y_i = x_i / (k + alpha * sum of x_j^2)^beta, over the `window` maps j around i at the same place "
        "(Krizhevsky et al. 2012, section 3.3; the defaults are theirs). Maps beyond the first and the last count as "
        "0.\n\n"
        "alpha multiplies the sum, as in that paper. PyTorch, Caffe and ONNX divide it by the window, and have k=1 as "
        "default: their LocalResponseNorm(5, alpha=a, k=1) is lrn 5 k=1 alpha=a mean=yes.",
    FV_FIELDS(lrn),
    .ports = {{"x", FV_INPUT, "channels along the last dimension", false}},
    .onnx = "LRN",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "neighbours count: 1/(1 + 1+4), 2/(1 + 1+4+9), 3/(1 + 4+9)",
             .fields = "3 k=1 alpha=1 beta=1",
             .in = {"1x1x3: 1 2 3"},
             .out = {"1x1x3: 1/6 2/15 3/14"}},
            {.title = "divided by the window: 2/sqrt(1 + 14/5), 3/sqrt(1 + 15/5), ...",
             .fields = "5 k=1 alpha=1 beta=0.5 mean=yes",
             .in = {"1x1x4: 2 3 1 1"},
             .out = {"1x1x4: 1.0259783521 3/2 1/2 0.5590169944"}},
            {.fields = "", .in = {"2x3x4x17"}},
            {.fields = "3 k=0.5 alpha=2 beta=0.75", .in = {"2x3x4x16"}},
            {.fields = "7 k=1 alpha=3 beta=1.5 mean=yes", .in = {"3x5x4"}},
            {.fields = "9 alpha=0.5", .in = {"3x2"}},
        },
};
