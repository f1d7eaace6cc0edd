/* rbf.c - LeNet-5's output layer: squared distances to codes of the classes. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(rbf, INT, units, .positional = true, .required = true, .min = 1, .max = FV_MANY, .help = "number of codes")      \
    F(rbf, BOOL, fixed, .help = "the codes are counted but not trained")                                               \
    F(rbf, TEXT, kernel_initializer, .standard_text = "uniform(-1, 1)",                                                \
      .help = "how the codes start; lenet5_digits: the ten 7x12 bitmaps of the paper")
FV_DEFINE_FIELDS(rbf, FIELDS)

static fv_status infer(fv_infer *infer) {
    const struct rbf *f = infer->fields;
    char shape[128];
    int64_t inputs, size;
    fv_status status = fv_infer_real(infer, 0);
    if (!status) status = fv_infer_last(infer, 0, &inputs);
    if (status) return status;
    if (fv_sample_rank(&infer->in[0]) != 1)
        return fv_infer_fail(infer, "expects one vector a sample, got %s; flatten it first",
                             fv_shape_text(&infer->in[0].shape, shape, sizeof shape));
    if (!fv_mul_i64(inputs, f->units, &size)) return fv_infer_fail(infer, "the weight has too many elements");
    infer->out[0] = fv_type_make(FV_F32, fv_type_batched(&infer->in[0]), 1, &f->units);
    infer->parameter[0] = (fv_parameter){
        .fixed = f->fixed, .shape = {2, {inputs, f->units}}, .initializer = f->kernel_initializer, .axes = "io"};
    return FV_OK;
}

static void cost(const fv_site *site, fv_cost *cost) {
    const struct rbf *f = site->fields;
    cost->macs = fv_mul_saturated(fv_type_each(&site->in[0]), f->units);
    cost->extent = cost->stride = 0;
}

static fv_geom rbf_geom(const fv_emit *e) {
    const struct rbf *f = fv_emit_fields(e);
    fv_geom geom = fv_geom_for(e, fv_in_type(e, 0));
    geom.rbf = (fv_rbf_geom){fv_type_each(fv_in_type(e, 0)), f->units};
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = rbf_geom(e);
    FV_CALL(e, FV_R_RBF, &geom, fv_out(e, 0), fv_in(e, 0), fv_weight(e, 0));
}

static void backward(fv_emit *e) {
    fv_geom geom = rbf_geom(e);
    if (fv_wants_d_in(e, 0))
        FV_CALL(e, FV_R_RBF_DATA, &geom, fv_d_in(e, 0), fv_d_out(e, 0), fv_in(e, 0), fv_weight(e, 0));
    if (fv_wants_d_weight(e, 0))
        FV_CALL(e, FV_R_RBF_WEIGHTS, &geom, fv_d_weight(e, 0), fv_d_out(e, 0), fv_in(e, 0), fv_weight(e, 0));
}

const fv_op fv_op_rbf = {
    .name = "rbf",
    .summary = "squared distances to trainable or fixed codes, LeNet-5's output layer",
    .details = "y_j = sum_i (x_i - weight_ij)^2 (LeCun et al. 1998, equation 7): the smaller, the nearer to code j. In "
               "LeNet-5 the codes are "
               "7x12 pictures of the digits in -1 and 1 and stay as they are: rbf 10 kernel_initializer=lenet5_digits "
               "fixed=yes, 840 fixed "
               "parameters. Its loss is rbf_loss.",
    FV_FIELDS(rbf),
    .ports = {{"x", FV_INPUT, "one vector a sample", false}, {"weight", FV_WEIGHT, "[in][units]", false}},
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "distances to two codes",
             .fields = "2",
             .in = {"1x2: 1 -1"},
             .weight = {"2x2: 1 -1 ; -1 1"},
             .out = {"1x2: 0 8"}},
            FV_FIGURES("LeNet-5 output, 84 to 10", "10 fixed=yes", "1x84", "1x10", 840, 840),
            {.fields = "7", .in = {"5x11"}},
            {.fields = "3 fixed=yes", .in = {"2x4"}},
        },
};
