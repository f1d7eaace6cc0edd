/* crossentropy.c - the loss of classification: minus the log of the probability that the net gives to the truth. */
#include "support.h"

#include <math.h>

#define FIELDS(F)                                                                                                      \
    F(crossentropy, FLOAT, smoothing, .max = 1, .help = "part of the target spread evenly over all classes")           \
    F(crossentropy, FLOAT, temperature, .standard = 1, .min = 1e-3, .max = 1e3, .help = "the logits are divided by it")
FV_DEFINE_FIELDS(crossentropy, FIELDS)

static fv_status infer(fv_infer *infer) { return fv_infer_class_loss(infer, true); }

static fv_geom xent_geom(const fv_emit *e) {
    const struct crossentropy *f = fv_emit_fields(e);
    const fv_type *x = fv_in_type(e, 0);
    int64_t classes = x->shape.dim[x->shape.rank - 1];
    fv_geom geom = fv_geom_for(e, x);
    geom.xent = (fv_xent_geom){.rows = fv_type_each(x) / classes,
                               .classes = classes,
                               .distribution = fv_in_type(e, 1)->dtype == FV_F32,
                               .smoothing = f->smoothing,
                               .sign = 1 / f->temperature,
                               .extra = INFINITY};
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = xent_geom(e);
    FV_CALL(e, FV_R_XENT, &geom, fv_out(e, 0), fv_in(e, 0), fv_in(e, 1));
}

/* d target = -(1 - smoothing)/rows * log softmax(x) * d loss, for targets that are computed. */
static void backward_target(fv_emit *e, const fv_geom *xent) {
    const fv_type *x = fv_in_type(e, 0);
    fv_geom rows = fv_geom_for(e, x);
    rows.rows = (fv_rows_geom){xent->xent.rows, xent->xent.classes, true};
    fv_operand logs = fv_temp(e, x), scaled = fv_temp(e, x), cooled = fv_in(e, 0);
    if (xent->xent.sign != 1) {
        cooled = fv_temp(e, x);
        fv_emit_scale(e, x, cooled, fv_in(e, 0), xent->xent.sign, 0);
    }
    FV_CALL(e, FV_R_SOFTMAX, &rows, logs, cooled);
    fv_emit_scale(e, x, scaled, logs, -(1 - xent->xent.smoothing) / (double)xent->xent.rows, 0);
    fv_emit_times_sample(e, x, fv_d_in(e, 1), scaled, fv_d_out(e, 0));
}

static void backward(fv_emit *e) {
    fv_geom geom = xent_geom(e);
    if (fv_wants_d_in(e, 0)) FV_CALL(e, FV_R_XENT_BACK, &geom, fv_d_in(e, 0), fv_d_out(e, 0), fv_in(e, 0), fv_in(e, 1));
    if (fv_wants_d_in(e, 1)) backward_target(e, &geom);
}

const fv_op fv_op_crossentropy = {
    .name = "crossentropy",
    .summary = "loss of classification, from logits",
    .details =
        "For each row of logits x with target distribution t: -sum_k t_k log softmax(x)_k, and the mean over a "
        "sample's rows (a row for "
        "each pixel when the prediction is a picture). The target is class numbers (i32), one for each row, or "
        "probabilities (f32) "
        "of the prediction's shape. With smoothing s, t becomes (1-s)*t + s/classes (Szegedy et al. 2016). With a "
        "temperature T, x/T stands for x (Hinton et al. 2015).\n\n"
        "The softmax is part of the loss. A net may end in logits or in softmax: where the loss is chosen by "
        "name, the logits "
        "before a softmax are taken.",
    FV_FIELDS(crossentropy),
    .ports = {{"prediction", FV_INPUT, "logits, classes along the last dimension", false},
              {"target", FV_INPUT, "class numbers (i32), or probabilities (f32)", false}},
    .traits = FV_T_LOSS,
    .onnx = "SoftmaxCrossEntropyLoss",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "no idea among four classes: log 4",
             .fields = "",
             .in = {"1x4: 0 0 0 0", "i32 1: 2"},
             .out = {"1: 1.3862943611"}},
            {.title = "logits 1, 2, 3",
             .fields = "",
             .in = {"2x3: 1 2 3 ; 1 2 3", "i32 2: 2 0"},
             .out = {"2: 0.4076059644 2.4076059644"}},
            {.title = "a target of two halves",
             .fields = "",
             .in = {"1x3: 1 2 3", "1x3: 1/2 0 1/2"},
             .out = {"1: 1.4076059644"}},
            {.title = "smoothing 0.3",
             .fields = "smoothing=0.3",
             .in = {"1x3: 1 2 3", "i32 1: 2"},
             .out = {"1: 0.7076059644"}},
            {.title = "logits 1, 2, 3 at temperature 1/2",
             .fields = "temperature=0.5",
             .in = {"1x3: 1 2 3", "i32 1: 2"},
             .out = {"1: 0.1429316285"}},
            {.fields = "temperature=3", .in = {"3x5", "3x5"}},
            {.fields = "smoothing=0.1", .in = {"5x7", "i32 5: 0 6 3 1 5"}},
            {.fields = "", .in = {"2x2x3x4", "i32 2x2x3: 0 1 2 3 0 1 ; 3 2 1 0 3 2"}},
            {.fields = "smoothing=0.2", .in = {"3x2x5", "3x2x5"}},
            {.fields = "", .in = {"fixed 4", "fixed 4: 1/4 1/4 1/2 0"}},
        },
};
