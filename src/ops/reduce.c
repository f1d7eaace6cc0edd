/* reduce.c - sums, means, extremes and norms over some axes. */
#include "cells.h"

#include <float.h>

typedef enum kind { SUM, MEAN, MAX, MIN, PRODUCT, L1, L2, SUM_SQUARES, LOG_SUM, LOG_SUM_EXP } kind;

static const fv_choices words = {
    "fv_reduce_kind",
    "FV_REDUCE_",
    {"sum", "mean", "max", "min", "product", "l1", "l2", "sum_squares", "log_sum", "log_sum_exp"}};

#define FIELDS(F)                                                                                                      \
    F(reduce, CHOICE, kind, .positional = true, .choices = &words, .help = "what becomes of the elements")             \
    F(reduce, LIST, axes, .positional = true, .min = -FV_MAX_RANK, .max = FV_MAX_RANK - 1,                             \
      .standard_text = "all but the batch",                                                                            \
      .help = "axes that vanish, the batch being 0; negative ones count from the end")                                 \
    F(reduce, BOOL, keep, .help = "leave them, with size 1")
FV_DEFINE_FIELDS(reduce, FIELDS)

enum { LOGARITHM_OF }; /* saved: the sum whose logarithm the result is */

/* ---- types ---------------------------------------------------------------------------------------------------------- */

/* Which axes; false if one is not there or twice. */
static bool axes_of(const struct reduce *f, const fv_type *in, fv_reduced *over) {
    int rank = in->shape.rank;
    *over = (fv_reduced){{false}};
    for (int i = 0; i < 8 && f->axes[i] != FV_UNSET; i++) {
        int axis = fv_axis_of(f->axes[i], rank);
        if (axis < 0 || over->axis[axis]) return false;
        over->axis[axis] = true;
    }
    for (int d = fv_type_batched(in); d < rank && f->axes[0] == FV_UNSET; d++) over->axis[d] = true;
    return true;
}

static fv_status infer(fv_infer *infer) {
    const struct reduce *f = infer->fields;
    char shape[128];
    fv_reduced over;
    bool reals = f->kind == L2 || f->kind == LOG_SUM || f->kind == LOG_SUM_EXP;
    bool truth = f->kind == MAX || f->kind == MIN;
    fv_status status = fv_infer_dtype(infer, 0, reals ? FV_REALS : truth ? FV_CELLS : FV_NUMBERS);
    if (status) return status;
    if (!axes_of(f, &infer->in[0], &over))
        return fv_infer_fail(infer, "axes must be different ones of the %d of %s", infer->in[0].shape.rank,
                             fv_shape_text(&infer->in[0].shape, shape, sizeof shape));
    infer->out[0] = fv_reduced_type(&infer->in[0], &over, f->keep);
    return FV_OK;
}

static void cost(const fv_site *site, fv_cost *cost) {
    (void)site;
    cost->extent = -1;
    cost->stride = 1;
}

/* ---- one application, as its calls are emitted ---------------------------------------------------------------------- */

typedef struct task {
    fv_emit *e;
    const struct reduce *f;
    const fv_type *in;
    fv_type left; /* the result's type with the axes dropped: keeping them changes no bytes */
    fv_reduced over;
} task;

static task task_of(fv_emit *e) {
    task t = {.e = e, .f = fv_emit_fields(e), .in = fv_in_type(e, 0)};
    axes_of(t.f, t.in, &t.over);
    t.left = fv_reduced_type(t.in, &t.over, false);
    return t;
}

static fv_operand reduced(const task *t, fv_reduction kind, fv_operand x) {
    fv_operand y = fv_temp(t->e, &t->left);
    fv_emit_reduce(t->e, kind, t->in, &t->over, y, x);
    return y;
}

static fv_operand mapped(const task *t, fv_unary kind, double a, double b, const fv_type *type, fv_operand x) {
    fv_operand y = fv_temp(t->e, type);
    fv_emit_unary(t->e, kind, a, b, type, y, x);
    return y;
}

static fv_operand combined(const task *t, fv_binary kind, const fv_type *type, fv_operand a, fv_operand b) {
    fv_operand y = fv_temp(t->e, type);
    fv_emit_binary(t->e, kind, type, y, type, a, type, b);
    return y;
}

/* kind(a, b), b counting for all cells it was reduced from; `to` FV_NO_OPERAND: a new operand. */
static fv_operand spread(const task *t, fv_binary kind, fv_operand to, fv_operand a, fv_operand b) {
    if (to == FV_NO_OPERAND) to = fv_temp(t->e, t->in);
    fv_emit_with_reduced(t->e, kind, t->in, &t->over, to, a, b);
    return to;
}

/* ---- forward -------------------------------------------------------------------------------------------------------- */

/* log sum exp(x) = m + log sum exp(x - m) with the largest x as m, kept finite. */
static void forward_log_sum_exp(const task *t) {
    fv_operand largest = reduced(t, FV_MAXIMUM, fv_in(t->e, 0));
    fv_operand m = mapped(t, FV_U_CLIP, -(double)FLT_MAX, (double)FLT_MAX, &t->left, largest);
    fv_operand x = spread(t, FV_B_SUB, FV_NO_OPERAND, fv_in(t->e, 0), m);
    fv_operand sum = reduced(t, FV_SUM, mapped(t, FV_U_EXP, 0, 0, t->in, x));
    fv_emit_binary(t->e, FV_B_ADD, &t->left, fv_out(t->e, 0), &t->left, mapped(t, FV_U_LOG, 0, 0, &t->left, sum),
                   &t->left, m);
}

static void forward(fv_emit *e) {
    static const fv_reduction direct[] = {
        [SUM] = FV_SUM,         [MEAN] = FV_MEAN,      [MAX] = FV_MAXIMUM,    [MIN] = FV_MINIMUM,
        [PRODUCT] = FV_PRODUCT, [L1] = FV_SUM_ABS,     [L2] = FV_SUM_SQUARES, [SUM_SQUARES] = FV_SUM_SQUARES,
        [LOG_SUM] = FV_SUM,     [LOG_SUM_EXP] = FV_SUM};
    task t = task_of(e);
    fv_operand sum;
    switch ((kind)t.f->kind) {
    case L2:
        sum = reduced(&t, FV_SUM_SQUARES, fv_in(e, 0));
        fv_emit_unary(e, FV_U_SQRT, 0, 0, &t.left, fv_out(e, 0), sum);
        break;
    case LOG_SUM:
        sum = reduced(&t, FV_SUM, fv_in(e, 0));
        fv_save(e, LOGARITHM_OF, sum);
        fv_emit_unary(e, FV_U_LOG, 0, 0, &t.left, fv_out(e, 0), sum);
        break;
    case LOG_SUM_EXP: forward_log_sum_exp(&t); break;
    default: fv_emit_reduce(e, direct[t.f->kind], t.in, &t.over, fv_out(e, 0), fv_in(e, 0));
    }
}

/* ---- backward ------------------------------------------------------------------------------------------------------- */

/* dx = d spread over the cells: d * 1. */
static void backward_copy(const task *t, fv_operand d) {
    fv_operand ones = fv_temp(t->e, t->in);
    fv_emit_fill(t->e, t->in, ones, 1);
    spread(t, FV_B_MUL, fv_d_in(t->e, 0), ones, d);
}

/* Where the batch is reduced the number of samples is known only when the call is made. */
static void backward_mean(const task *t, fv_operand d) {
    int64_t count = 1;
    for (int i = 0; i < t->in->shape.rank; i++)
        if (t->over.axis[i] && t->in->shape.dim[i] > 0) count *= t->in->shape.dim[i];
    fv_geom geom = fv_geom_for(t->e, t->in);
    fv_operand parts = fv_temp(t->e, t->in);
    geom.fill = (fv_fill_geom){
        .value = 1 / (double)count, .over_n = fv_type_batched(t->in) && t->over.axis[0], .each = fv_type_each(t->in)};
    FV_CALL(t->e, FV_R_FILL, &geom, parts);
    spread(t, FV_B_MUL, fv_d_in(t->e, 0), parts, d);
}

/* The cells that have the extreme share its gradient. */
static void backward_extreme(const task *t, fv_operand d) {
    fv_operand distance = spread(t, FV_B_SUB, FV_NO_OPERAND, fv_in(t->e, 0), fv_out(t->e, 0));
    fv_type zero = {FV_F32, {0, {0}}};
    fv_operand nothing = fv_temp(t->e, &zero);
    fv_emit_fill(t->e, &zero, nothing, 0);
    fv_operand mask = fv_emit_same(t->e, t->in, distance, &zero, nothing);
    fv_operand share = combined(t, FV_B_DIV, &t->left, d, reduced(t, FV_SUM, mask));
    spread(t, FV_B_MUL, fv_d_in(t->e, 0), mask, share);
}

/* The product of all others along one axis, from both sides, so that a 0 does no harm; then the next axis inwards. */
static void backward_product(const task *t, fv_operand d) {
    fv_operand product[FV_MAX_RANK + 1] = {fv_in(t->e, 0)};
    fv_type type[FV_MAX_RANK + 1] = {*t->in};
    int axis[FV_MAX_RANK], steps = 0;
    for (int i = 0; i < t->in->shape.rank; i++) {
        if (!t->over.axis[i]) continue;
        fv_reduced one = {{false}};
        one.axis[i] = true;
        axis[steps] = i;
        type[steps + 1] = fv_reduced_type(&type[steps], &one, true);
        product[steps + 1] = fv_temp(t->e, &type[steps + 1]);
        fv_emit_reduce(t->e, FV_PRODUCT, &type[steps], &one, product[steps + 1], product[steps]);
        steps++;
    }
    for (int s = steps - 1; s >= 0; s--) {
        const fv_type *now = &type[s];
        fv_reduced one = {{false}};
        one.axis[axis[s]] = true;
        fv_operand before = fv_temp(t->e, now), behind = fv_temp(t->e, now), others = fv_temp(t->e, now);
        fv_emit_scan(t->e, now, axis[s], before, product[s], true, true, false);
        fv_emit_scan(t->e, now, axis[s], behind, product[s], true, true, true);
        fv_emit_binary(t->e, FV_B_MUL, now, others, now, before, now, behind);
        fv_operand to = s == 0 ? fv_d_in(t->e, 0) : fv_temp(t->e, now);
        fv_emit_with_reduced(t->e, FV_B_MUL, now, &one, to, others, d);
        d = to;
    }
    if (steps == 0) fv_d_in_is(t->e, 0, d);
}

static void backward(fv_emit *e) {
    task t = task_of(e);
    fv_operand d = fv_d_out(e, 0), x = fv_in(e, 0);
    if (!fv_wants_d_in(e, 0)) return;
    switch ((kind)t.f->kind) {
    case SUM: backward_copy(&t, d); break;
    case MEAN: backward_mean(&t, d); break;
    case MAX:
    case MIN: backward_extreme(&t, d); break;
    case PRODUCT: backward_product(&t, d); break;
    case L1: spread(&t, FV_B_MUL, fv_d_in(e, 0), mapped(&t, FV_U_SIGN, 0, 0, t.in, x), d); break;
    case SUM_SQUARES: spread(&t, FV_B_MUL, fv_d_in(e, 0), mapped(&t, FV_U_SCALE, 2, 0, t.in, x), d); break;
    case L2: { /* 0 where all is 0 */
        fv_operand norm = mapped(&t, FV_U_CLIP, (double)FLT_MIN, (double)FLT_MAX, &t.left, fv_out(e, 0));
        spread(&t, FV_B_MUL, fv_d_in(e, 0), x, combined(&t, FV_B_DIV, &t.left, d, norm));
        break;
    }
    case LOG_SUM: backward_copy(&t, combined(&t, FV_B_DIV, &t.left, d, fv_saved(e, LOGARITHM_OF))); break;
    case LOG_SUM_EXP: {
        fv_operand part = mapped(&t, FV_U_EXP, 0, 0, t.in, spread(&t, FV_B_SUB, FV_NO_OPERAND, x, fv_out(e, 0)));
        spread(&t, FV_B_MUL, fv_d_in(e, 0), part, d);
    }
    }
}

const fv_op fv_op_reduce = {
    .name = "reduce",
    .summary = "sums, means, extremes and norms over axes",
    .details =
        "sum, mean, max, min, product; l1: the sum of |x|; l2: the root of the sum of squares; sum_squares; log_sum: log of the sum; "
        "log_sum_exp: log of the sum of exp(x), computed from x - max(x).\n\n"
        "Axes count over the whole shape: 0 is the batch where there is one, so that axis 0 mixes the samples and the result "
        "has no batch. Cells that share an extreme share its gradient. Over no elements a sum is 0, a product 1, max is -infinity (of whole "
        "numbers the smallest of the type), min the reverse, a mean not a number. Whole numbers wrap; their mean is cut towards zero.",
    FV_FIELDS(reduce),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_EMPTY,
    .onnx =
        "ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd, ReduceL1, ReduceL2, ReduceSumSquare, ReduceLogSum, ReduceLogSumExp",
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "the sum of a sample", .fields = "sum", .in = {"2x2x2: 1 2 3 4 ; 5 6 7 8"}, .out = {"2: 10 26"}},
            {.title = "the mean along one axis, which stays",
             .fields = "mean axes=1 keep=yes",
             .in = {"1x2x3: 1 2 3 ; 5 6 9"},
             .out = {"1x1x3: 3 4 6"}},
            {.title = "over the samples", .fields = "max 0", .in = {"2x3: 1 5 3 ; 4 2 3"}, .out = {"fixed 3: 4 5 3"}},
            {.title = "product", .fields = "product -1", .in = {"fixed 2x3: 1 2 3 ; 4 0 6"}, .out = {"fixed 2: 6 0"}},
            {.title = "the length of a vector", .fields = "l2", .in = {"1x2: 3 4"}, .out = {"1: 5"}},
            {.title = "log_sum_exp of large numbers",
             .fields = "log_sum_exp",
             .in = {"1x2: 1000 1000"},
             .out = {"1: 1000.6931471806"}},
            {.title = "whole numbers",
             .fields = "sum axes=0",
             .in = {"i64 fixed 2x2: 1 2 ; 3 4"},
             .out = {"i64 fixed 2: 4 6"}},
            {.title = "over nothing", .fields = "sum axes=1", .in = {"fixed 2x0"}, .out = {"fixed 2: 0 0"}},
            {.title = "the product of nothing",
             .fields = "product axes=1",
             .in = {"fixed 2x0x1"},
             .out = {"fixed 2x1: 1 1"}},
            {.fields = "sum axes=1,3", .in = {"3x4x2x5"}},
            {.fields = "sum axes=0", .in = {"3x4x5"}},
            {.fields = "mean axes=0,2 keep=yes", .in = {"3x4x5"}},
            {.fields = "mean", .in = {"fixed 4x5"}},
            {.fields = "max axes=-1", .in = {"3x4x5"}},
            {.fields = "min axes=0,1", .in = {"3x4x5"}},
            {.fields = "product axes=0,2", .in = {"3x4x2"}},
            {.fields = "product axes=1,2 keep=yes", .in = {"2x3x4"}},
            {.fields = "l1 axes=1", .in = {"3x4x5"}},
            {.fields = "l2 axes=-1", .in = {"3x4x5"}},
            {.fields = "sum_squares axes=1", .in = {"3x4x5"}},
            {.fields = "log_sum axes=1", .in = {"2x3: 1 2 3 ; 4 5 6"}, .given = true},
            {.fields = "log_sum_exp axes=1,2", .in = {"3x4x5"}},
        },
};
