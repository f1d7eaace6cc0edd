/* rules_reduce.c - reductions, places of extremes, running sums, norms, and products of matrices. */
#include "rules_values.h"

#include <string.h>

/* ---- reductions --------------------------------------------------------------------------------------------------- */

/* Which axes the node names, as an attribute or (from some version on) as operand 1. */
static fv_status named_axes(fv_import *im, const fv_onnx_node *node, int rank, bool axes[FV_MAX_RANK], int *count) {
    int64_t numbers[FV_MAX_RANK];
    const int64_t *given = fv_onnx_ints(node, "axes", count);
    fv_status status = FV_OK;
    memset(axes, 0, FV_MAX_RANK * sizeof *axes);
    if (fv_import_has(node, 1)) {
        status = fv_import_ints(im, node, 1, "axes", numbers, FV_MAX_RANK, count);
        given = numbers;
    }
    for (int i = 0; i < *count && !status; i++) {
        int axis;
        status = fv_import_axis(im, node, given[i], rank, &axis);
        if (!status) axes[axis] = true;
    }
    return status;
}

/* Do the axes that are left lie in a form that a value may have: as ONNX says, or with the channels last? */
static bool well_ordered(const fv_imported *x, const bool axes[FV_MAX_RANK], bool keep) {
    bool spatial = false;
    for (int d = 2; d < x->shape.rank; d++) spatial = spatial || !axes[d];
    return !x->last || keep || axes[1] || !spatial || !axes[0];
}

/* Is the result's channels-last? */
static bool still_last(const fv_imported *x, const bool axes[FV_MAX_RANK], bool keep) {
    bool spatial = false;
    for (int d = 2; d < x->shape.rank; d++) spatial = spatial || !axes[d];
    return x->last && (keep || (!axes[1] && spatial));
}

/* x in an order in which these axes can go, and their list in memory. */
static fv_status reducible(fv_import *im, const fv_onnx_node *node, fv_imported *x, const bool axes[FV_MAX_RANK],
                           bool keep, char *list, size_t size) {
    int64_t numbers[FV_MAX_RANK];
    int count = 0;
    fv_status status = FV_OK;
    if (axes[0] && x->shape.rank > 0 && x->shape.dim[0] == FV_BATCH)
        return fv_import_mixes(im, node, "it reduces over the samples");
    if (!well_ordered(x, axes, keep)) status = fv_import_reorder(im, node, x, FV_ORDER_ONNX);
    for (int d = 0; d < x->shape.rank; d++)
        if (axes[d]) numbers[count++] = fv_import_axis_in(x, d);
    fv_import_list(numbers, count, list, size);
    return status;
}

/* What a reduction over no axes does to a cell; NULL: nothing. */
static const char *over_nothing(const char *kind) {
    static const char *const words[][2] = {
        {"l1", "abs"}, {"l2", "abs"}, {"sum_squares", "square"}, {"log_sum", "log"}, {NULL, NULL}};
    return fv_rule_word(words, kind);
}

fv_status fv_rule_reduce(fv_import *im, const fv_onnx_node *node) {
    static const char *const words[][2] = {{"ReduceSum", "sum"},
                                           {"ReduceMean", "mean"},
                                           {"ReduceMax", "max"},
                                           {"ReduceMin", "min"},
                                           {"ReduceProd", "product"},
                                           {"ReduceL1", "l1"},
                                           {"ReduceL2", "l2"},
                                           {"ReduceSumSquare", "sum_squares"},
                                           {"ReduceLogSum", "log_sum"},
                                           {"ReduceLogSumExp", "log_sum_exp"},
                                           {NULL, NULL}};
    const char *kind = fv_rule_word(words, node->op);
    bool axes[FV_MAX_RANK], keep = fv_onnx_int(node, "keepdims", 1);
    char list[64];
    fv_imported x;
    fv_value y;
    int count = 0;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (!status) status = named_axes(im, node, x.shape.rank, axes, &count);
    if (status) return status;
    bool none = count == 0 && fv_onnx_int(node, "noop_with_empty_axes", 0);
    if (none || x.shape.rank == 0) {
        const char *function = over_nothing(kind);
        return function ? fv_rule_function(im, node, "math", function) : fv_import_bind_same(im, node, 0, 0);
    }
    for (int d = 0; d < x.shape.rank && count == 0; d++) axes[d] = true;
    status = reducible(im, node, &x, axes, keep, list, sizeof list);
    if (!status)
        status =
            fv_import_apply(im, node, &y, "reduce", &x.value, 1, "%s axes=%s keep=%s", kind, list, keep ? "yes" : "no");
    return status ? status : fv_import_bind(im, node, 0, y, still_last(&x, axes, keep));
}

/* ---- along one axis ----------------------------------------------------------------------------------------------- */

fv_status fv_rule_argmax(fv_import *im, const fv_onnx_node *node) {
    bool axes[FV_MAX_RANK] = {false}, keep = fv_onnx_int(node, "keepdims", 1);
    char list[64];
    fv_imported x;
    fv_value y;
    int axis;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (!status) status = fv_import_axis(im, node, fv_onnx_int(node, "axis", 0), x.shape.rank, &axis);
    if (status) return status;
    axes[axis] = true;
    status = reducible(im, node, &x, axes, keep, list, sizeof list);
    if (!status)
        status = fv_import_apply(im, node, &y, "argmax", &x.value, 1, "axis=%s keep=%s smallest=%s last=%s", list,
                                 keep ? "yes" : "no", strcmp(node->op, "ArgMin") ? "no" : "yes",
                                 fv_onnx_int(node, "select_last_index", 0) ? "yes" : "no");
    return status ? status : fv_import_bind(im, node, 0, y, still_last(&x, axes, keep));
}

fv_status fv_rule_cumsum(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_value y;
    int64_t number;
    int axis, count = 0;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (!status) status = fv_import_ints(im, node, 1, "axis", &number, 1, &count);
    if (!status && count != 1) return fv_import_wrong(im, node, "axis: expected one number, got %d", count);
    if (!status) status = fv_import_axis(im, node, number, x.shape.rank, &axis);
    if (status) return status;
    if (x.shape.dim[axis] == FV_BATCH) return fv_import_mixes(im, node, "it sums over the samples");
    status = fv_import_apply(im, node, &y, "cumsum", &x.value, 1, "axis=%d exclusive=%s reverse=%s",
                             fv_import_axis_in(&x, axis), fv_onnx_int(node, "exclusive", 0) ? "yes" : "no",
                             fv_onnx_int(node, "reverse", 0) ? "yes" : "no");
    return status ? status : fv_import_bind(im, node, 0, y, x.last);
}

/* x / its norm along an axis; 0 where all is 0. */
fv_status fv_rule_lp_normalization(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_value norm;
    int axis;
    int64_t p = fv_onnx_int(node, "p", 2);
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (!status) status = fv_import_axis(im, node, fv_onnx_int(node, "axis", -1), x.shape.rank, &axis);
    if (status) return status;
    if (p != 1 && p != 2) return fv_import_wrong(im, node, "p: expected 1 or 2, got %lld", (long long)p);
    if (x.shape.dim[axis] == FV_BATCH) return fv_import_mixes(im, node, "along axis 0");
    status = fv_import_apply(im, node, &norm, "reduce", &x.value, 1, "l%d axes=%d keep=yes", (int)p,
                             fv_import_axis_in(&x, axis));
    if (!status) status = fv_import_apply(im, node, &norm, "clip", &norm, 1, "low=1e-37");
    if (!status) status = fv_rule_join(im, node, &x.value, "divide", norm);
    return status ? status : fv_import_bind(im, node, 0, x.value, x.last);
}

/* 1 at the first largest cell along axis `at` of memory, else 0. */
static fv_status hardmax_along(fv_import *im, const fv_onnx_node *node, fv_value *y, int at, int64_t count) {
    fv_value places, numbers = {0};
    fv_type type = fv_import_type(*y);
    fv_status status = fv_import_apply(im, node, &places, "argmax", y, 1, "axis=%d keep=yes", at);
    if (!status) status = fv_rule_count_up(im, node, FV_I64, count, type.shape.rank, at, &numbers);
    fv_value both[2] = {places, numbers};
    if (!status) status = fv_import_apply(im, node, y, "compare", both, 2, "equal");
    return status ? status : fv_import_apply(im, node, y, "cast", y, 1, "f32");
}

/* Before version 13 all axes from `axis` on are one. */
fv_status fv_rule_hardmax(fv_import *im, const fv_onnx_node *node) {
    bool old = node->version < 13;
    fv_imported x;
    char list[160];
    int axis;
    fv_status status = fv_import_value(im, node, 0, old ? FV_ORDER_ONNX : FV_ORDER_ANY, &x);
    if (!status) status = fv_import_axis(im, node, fv_onnx_int(node, "axis", old ? 1 : -1), x.shape.rank, &axis);
    if (status) return status;
    int rank = x.shape.rank, from = x.shape.dim[0] == FV_BATCH;
    if (axis < from) return fv_import_mixes(im, node, "along axis 0");
    for (int d = from; d < rank; d++)
        if (x.shape.dim[d] < 0) return fv_import_refuse(im, node, "open sizes");
    int64_t sizes[FV_MAX_RANK], columns = 1;
    memcpy(sizes, x.shape.dim, sizeof sizes);
    for (int d = axis; d < rank && old; d++)
        if (!fv_mul_i64(columns, x.shape.dim[d], &columns)) return fv_import_wrong(im, node, "too many elements");
    if (!old || axis == rank - 1) {
        status = hardmax_along(im, node, &x.value, fv_import_axis_in(&x, axis), x.shape.dim[axis]);
        return status ? status : fv_import_bind(im, node, 0, x.value, x.last);
    }
    sizes[axis] = columns;
    fv_value y;
    status = fv_import_apply(im, node, &y, "reshape", &x.value, 1, "%s",
                             fv_import_list(sizes + from, axis + 1 - from, list, sizeof list));
    if (!status) status = hardmax_along(im, node, &y, axis, columns);
    if (!status)
        status = fv_import_apply(im, node, &y, "reshape", &y, 1, "%s",
                                 fv_import_list(x.shape.dim + from, rank - from, list, sizeof list));
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

/* ---- products of matrices ----------------------------------------------------------------------------------------- */

/* Would the samples be summed over, or move away from the front? */
static bool mixes(const fv_shape *a, const fv_shape *b) {
    bool samples_a = a->rank > 0 && a->dim[0] == FV_BATCH, samples_b = b->rank > 0 && b->dim[0] == FV_BATCH;
    if ((samples_a && a->rank < 2) || (samples_b && b->rank < 3)) return true;
    if (samples_a && a->rank == 2) return b->rank > 2;
    if (samples_a && samples_b) return a->rank != b->rank;
    if (samples_a) return b->rank > a->rank || (b->rank == a->rank && b->dim[0] != 1);
    return samples_b && (a->rank > b->rank || (a->rank == b->rank && a->dim[0] != 1));
}

fv_status fv_rule_matmul(fv_import *im, const fv_onnx_node *node) {
    fv_imported x[2];
    fv_value y, values[2];
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x[0]);
    if (!status) status = fv_import_value(im, node, 1, FV_ORDER_ONNX, &x[1]);
    if (status) return status;
    if (mixes(&x[0].shape, &x[1].shape)) return fv_import_mixes(im, node, "the samples are no rows of it");
    for (int i = 0; i < 2; i++) values[i] = x[i].value;
    status = fv_import_apply(im, node, &y, "matmul", values, 2, " ");
    return status ? status : fv_import_bind(im, node, 0, y, false);
}
