/* rules_loss.c - losses over classes, composed: the truth's cell is where its number stands along the classes. */
#include "rules_values.h"

#include <string.h>

/* One loss in the making. Classes lie along the last axis in memory; `rows` are all others. */
typedef struct loss {
    fv_import *im;
    const fv_onnx_node *node;
    fv_value scores;          /* logarithms of probabilities */
    fv_value truth, is_truth; /* the target with a last axis of size 1; where along the classes it stands */
    fv_dtype number;          /* of the target */
    int rank;
    int64_t classes;
} loss;

/* The sum along the classes of `of` at the truth: one number for each row. */
static fv_status picked(const loss *l, fv_value of, fv_value *out) {
    fv_value zero;
    fv_status status = fv_rule_scalar(l->im, l->node, FV_F32, 0, &zero);
    fv_value values[3] = {l->is_truth, of, zero};
    if (!status) status = fv_import_apply(l->im, l->node, out, "where", values, 3, " ");
    return status ? status : fv_import_apply(l->im, l->node, out, "reduce", out, 1, "sum axes=-1");
}

/* The target beside the classes. */
static fv_status place_truth(loss *l, const fv_imported *target) {
    int64_t sizes[FV_MAX_RANK + 1];
    char list[160];
    fv_value numbers = {0};
    int rank = target->shape.rank, from = rank > 0 && target->shape.dim[0] == FV_BATCH;
    if (target->dtype != FV_I32 && target->dtype != FV_I64)
        return fv_import_wrong(l->im, l->node, "the target must be i32 or i64, got %s", fv_dtype_name(target->dtype));
    if (rank != l->rank - 1)
        return fv_import_wrong(l->im, l->node, "the target must have rank %d, got %d", l->rank - 1, rank);
    for (int d = from; d < rank; d++)
        if (target->shape.dim[d] < 0) return fv_import_refuse(l->im, l->node, "a target of open sizes");
    if (from != (fv_import_type(l->scores).shape.dim[0] == FV_BATCH))
        return fv_import_mixes(l->im, l->node, "a target for other samples than those of the scores");
    memcpy(sizes, target->shape.dim, (size_t)rank * sizeof *sizes);
    sizes[rank] = 1;
    l->number = target->dtype;
    fv_status status = fv_import_apply(l->im, l->node, &l->truth, "reshape", &target->value, 1, "%s",
                                       fv_import_list(sizes + from, rank + 1 - from, list, sizeof list));
    if (!status) status = fv_rule_count_up(l->im, l->node, l->number, l->classes, 1, 0, &numbers);
    fv_value both[2] = {l->truth, numbers};
    return status ? status : fv_import_apply(l->im, l->node, &l->is_truth, "compare", both, 2, "equal");
}

/* Scores of operand 0 (log-probabilities if `softmax`) and the target. */
static fv_status begin(loss *l, bool softmax, bool *last) {
    fv_imported x, target;
    fv_status status = fv_import_operand(l->im, l->node, 0, &x);
    if (status) return status;
    *last = x.shape.rank > 2;
    if (x.shape.rank < 2) return fv_import_wrong(l->im, l->node, "scores of rank %d", x.shape.rank);
    status = fv_import_value(l->im, l->node, 0, *last ? FV_ORDER_LAST : FV_ORDER_ONNX, &x);
    if (!status) status = fv_import_value(l->im, l->node, 1, FV_ORDER_ONNX, &target);
    if (status) return status;
    l->rank = x.shape.rank;
    l->classes = x.shape.dim[1];
    l->scores = x.value;
    if (l->classes < 1) return fv_import_refuse(l->im, l->node, "an open number of classes");
    if (softmax) status = fv_import_apply(l->im, l->node, &l->scores, "log_softmax", &x.value, 1, " ");
    return status ? status : place_truth(l, &target);
}

/* What each row weighs: its class's weight, 0 where the target is to be ignored; net NULL where all rows are alike. */
static fv_status weigh(const loss *l, fv_value *weight) {
    fv_status status = FV_OK;
    *weight = (fv_value){NULL, -1};
    if (fv_import_has(l->node, 2)) {
        fv_imported given;
        status = fv_import_value(l->im, l->node, 2, FV_ORDER_ONNX, &given);
        if (!status && (given.shape.rank != 1 || given.shape.dim[0] != l->classes))
            return fv_import_wrong(l->im, l->node, "expected one weight for each of %lld classes",
                                   (long long)l->classes);
        if (!status) status = picked(l, given.value, weight);
    }
    if (status || !fv_onnx_find(l->node, "ignore_index")) return status;
    fv_value ignored, valid;
    status = fv_rule_scalar(l->im, l->node, l->number, (double)fv_onnx_int(l->node, "ignore_index", 0), &ignored);
    fv_value both[2] = {l->truth, ignored};
    if (!status) status = fv_import_apply(l->im, l->node, &valid, "compare", both, 2, "not_equal");
    if (!status) status = fv_import_apply(l->im, l->node, &valid, "cast", &valid, 1, "f32");
    if (!status) status = fv_import_apply(l->im, l->node, &valid, "reduce", &valid, 1, "sum axes=-1");
    if (!status && weight->net) return fv_rule_join(l->im, l->node, weight, "multiply", valid);
    *weight = valid;
    return status;
}

/* Over all rows, the samples too. */
static fv_status total(const loss *l, const char *kind, fv_value *y) {
    int64_t axes[FV_MAX_RANK];
    char list[64];
    for (int d = 0; d < l->rank - 1; d++) axes[d] = d;
    return fv_import_apply(l->im, l->node, y, "reduce", y, 1, "%s axes=%s", kind,
                           fv_import_list(axes, l->rank - 1, list, sizeof list));
}

static fv_status finish(const loss *l) {
    const char *reduction = fv_onnx_text(l->node, "reduction", "mean");
    bool none = !strcmp(reduction, "none"), mean = !strcmp(reduction, "mean");
    fv_value y, weight;
    if (!none && !mean && strcmp(reduction, "sum"))
        return fv_import_wrong(l->im, l->node, "reduction: expected mean, sum or none, got \"%.40s\"", reduction);
    fv_status status = picked(l, l->scores, &y);
    if (!status) status = fv_import_apply(l->im, l->node, &y, "math", &y, 1, "negative");
    if (!status) status = weigh(l, &weight);
    if (!status && weight.net) status = fv_rule_join(l->im, l->node, &y, "multiply", weight);
    if (!status && !none) status = total(l, mean && !weight.net ? "mean" : "sum", &y);
    if (!status && mean && weight.net) {
        status = total(l, "sum", &weight);
        if (!status) status = fv_rule_join(l->im, l->node, &y, "divide", weight);
    }
    return status ? status : fv_import_bind(l->im, l->node, 0, y, false);
}

fv_status fv_rule_nll_loss(fv_import *im, const fv_onnx_node *node) {
    loss l = {.im = im, .node = node};
    bool last;
    fv_status status = begin(&l, false, &last);
    return status ? status : finish(&l);
}

fv_status fv_rule_softmax_cross_entropy(fv_import *im, const fv_onnx_node *node) {
    loss l = {.im = im, .node = node};
    bool last;
    fv_status status = begin(&l, true, &last);
    if (!status) status = finish(&l);
    if (status || node->output_count < 2 || !*node->outputs[1]) return status;
    return fv_import_bind(im, node, 1, l.scores, last);
}
