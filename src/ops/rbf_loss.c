/* rbf_loss.c - LeNet-5's loss over distances to class codes (LeCun et al. 1998, equations 8 and 9). */
#include "support.h"

#include <math.h>

static const fv_choices forms = {"fv_rbf_form", "FV_RBF_", {"map", "plain"}};

#define FIELDS(F)                                                                                                      \
    F(rbf_loss, CHOICE, form, .choices = &forms,                                                                       \
      .help = "map also pushes the wrong classes away (eq. 9), plain does not (eq. 8)")                                \
    F(rbf_loss, FLOAT, j, .standard = 0.1, .max = 1000,                                                                \
      .help = "distance of the rubbish class in eq. 9: who is farther is pushed no more")
FV_DEFINE_FIELDS(rbf_loss, FIELDS)

static fv_status infer(fv_infer *infer) { return fv_infer_class_loss(infer, false); }

static fv_geom xent_geom(const fv_emit *e, double smoothing, double extra) {
    const fv_type *x = fv_in_type(e, 0);
    int64_t classes = x->shape.dim[x->shape.rank - 1];
    fv_geom geom = fv_geom_for(e, x);
    geom.xent = (fv_xent_geom){
        .rows = fv_type_each(x) / classes, .classes = classes, .smoothing = smoothing, .sign = -1, .extra = extra};
    return geom;
}

/* Equation 8, the distance of the right class, out of cross-entropies: with L = log sum exp(-y), the loss of the class
 * number is y[t] + L and that of a target spread over all classes is mean(y) + L. So y[t] = first - second + mean(y).
 */
static void forward_plain(fv_emit *e) {
    const fv_type *x = fv_in_type(e, 0), *loss = fv_out_type(e, 0);
    fv_geom right = xent_geom(e, 0, INFINITY), all = xent_geom(e, 1, INFINITY), mean = fv_geom_for(e, x);
    int64_t each = fv_type_each(x);
    fv_operand first = fv_temp(e, loss), second = fv_temp(e, loss), third = fv_temp(e, loss),
               difference = fv_temp(e, loss);
    mean.reduce = (fv_reduce_geom){FV_MEAN, {.rank = 2, .dim = {mean.n, each}, .y = {1, 0}, .a = {each, 1}}};
    FV_CALL(e, FV_R_XENT, &right, first, fv_in(e, 0), fv_in(e, 1));
    FV_CALL(e, FV_R_XENT, &all, second, fv_in(e, 0), fv_in(e, 1));
    FV_CALL(e, FV_R_REDUCE, &mean, third, fv_in(e, 0));
    fv_emit_binary(e, FV_B_SUB, loss, difference, loss, first, loss, second);
    fv_emit_binary(e, FV_B_ADD, loss, fv_out(e, 0), loss, difference, loss, third);
}

static void backward_plain(fv_emit *e) {
    const fv_type *x = fv_in_type(e, 0), *loss = fv_out_type(e, 0);
    fv_geom right = xent_geom(e, 0, INFINITY), all = xent_geom(e, 1, INFINITY);
    fv_operand first = fv_temp(e, x), second = fv_temp(e, x), third = fv_temp(e, loss), difference = fv_temp(e, x);
    FV_CALL(e, FV_R_XENT_BACK, &right, first, fv_d_out(e, 0), fv_in(e, 0), fv_in(e, 1));
    FV_CALL(e, FV_R_XENT_BACK, &all, second, fv_d_out(e, 0), fv_in(e, 0), fv_in(e, 1));
    fv_emit_scale(e, loss, third, fv_d_out(e, 0), 1.0 / (double)fv_type_each(x), 0);
    fv_emit_binary(e, FV_B_SUB, x, difference, x, first, x, second);
    fv_emit_binary(e, FV_B_ADD, x, fv_d_in(e, 0), x, difference, loss, third);
}

static bool plain(const fv_emit *e) { return ((const struct rbf_loss *)fv_emit_fields(e))->form == 1; }

static void forward(fv_emit *e) {
    const struct rbf_loss *f = fv_emit_fields(e);
    fv_geom geom = xent_geom(e, 0, f->j);
    if (plain(e))
        forward_plain(e);
    else
        FV_CALL(e, FV_R_XENT, &geom, fv_out(e, 0), fv_in(e, 0), fv_in(e, 1));
}

static void backward(fv_emit *e) {
    const struct rbf_loss *f = fv_emit_fields(e);
    fv_geom geom = xent_geom(e, 0, f->j);
    if (!fv_wants_d_in(e, 0)) return;
    if (plain(e))
        backward_plain(e);
    else
        FV_CALL(e, FV_R_XENT_BACK, &geom, fv_d_in(e, 0), fv_d_out(e, 0), fv_in(e, 0), fv_in(e, 1));
}

const fv_op fv_op_rbf_loss = {
    .name = "rbf_loss",
    .summary = "loss of LeNet-5, over distances to class codes",
    .details = "For distances y (the outputs of rbf: the smaller, the nearer) and the right class t: y_t + log(exp(-j) "
               "+ sum_k exp(-y_k)), "
               "equation 9 of LeCun et al. 1998, the maximum a posteriori criterion. form=plain is equation 8, y_t "
               "alone; it needs fixed "
               "codes, or all of them collapse to one point. A mean over rows where the prediction has several.",
    FV_FIELDS(rbf_loss),
    .ports = {{"prediction", FV_INPUT, "distances, classes along the last dimension", false},
              {"target", FV_INPUT, "class numbers (i32)", false}},
    .traits = FV_T_LOSS,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "equation 8: the distance of the right class",
             .fields = "form=plain",
             .in = {"2x3: 1 2 3 ; 4 5 6", "i32 2: 0 2"},
             .out = {"2: 1 6"}},
            {.title = "equation 9 with j = 1: 0 + log(3 exp(-1) + 1)",
             .fields = "j=1",
             .in = {"1x3: 0 1 1", "i32 1: 0"},
             .out = {"1: 0.7436683806"}},
            {.fields = "", .in = {"5x4", "i32 5: 0 3 1 2 1"}},
            {.fields = "form=plain", .in = {"2x3x4", "i32 2x3: 0 3 1 ; 2 1 0"}},
        },
};
