/* rules_activations.c - functions of one value, cell by cell, and the softmax family. */
#include "import.h"

#include <string.h>

/* y = op(x), x in whatever form it has. */
static fv_status unary(fv_import *im, const fv_onnx_node *node, const char *op) {
    fv_imported x;
    fv_value y;
    fv_status status = fv_import_any(im, node, 0, &x);
    if (!status) status = fv_import_apply(im, node, &y, op, &x.value, 1, " ");
    return status ? status : fv_import_bind_like(im, node, 0, y, &x);
}

/* The same with one number, an attribute there and a field here. */
static fv_status unary_with(fv_import *im, const fv_onnx_node *node, const char *op, const char *attribute,
                            double standard, const char *field) {
    fv_imported x;
    fv_value y;
    fv_status status = fv_import_any(im, node, 0, &x);
    if (!status)
        status =
            fv_import_apply(im, node, &y, op, &x.value, 1, "%s=%.17g", field, fv_onnx_float(node, attribute, standard));
    return status ? status : fv_import_bind_like(im, node, 0, y, &x);
}

fv_status fv_rule_relu(fv_import *im, const fv_onnx_node *node) { return unary(im, node, "relu"); }
fv_status fv_rule_sigmoid(fv_import *im, const fv_onnx_node *node) { return unary(im, node, "sigmoid"); }
fv_status fv_rule_tanh(fv_import *im, const fv_onnx_node *node) { return unary(im, node, "tanh"); }
fv_status fv_rule_softplus(fv_import *im, const fv_onnx_node *node) { return unary(im, node, "softplus"); }

fv_status fv_rule_leaky_relu(fv_import *im, const fv_onnx_node *node) {
    return unary_with(im, node, "leaky_relu", "alpha", 0.01, "slope");
}

fv_status fv_rule_elu(fv_import *im, const fv_onnx_node *node) {
    return unary_with(im, node, "elu", "alpha", 1, "alpha");
}

/* ---- softmax ------------------------------------------------------------------------------------------------------ */

/* Softmax works on the last axis in memory: x with `axis` there, and back again. */
static fv_status along(fv_import *im, const fv_onnx_node *node, const char *op, fv_imported *x, int axis) {
    int64_t axes[FV_MAX_RANK];
    char list[64];
    int rank = x->shape.rank, at = fv_import_axis_in(x, axis);
    fv_value y = x->value;
    fv_status status = FV_OK;
    if (at == 0 && x->shape.dim[0] == FV_BATCH) return fv_import_mixes(im, node, "along axis 0");
    for (int d = 0; d < rank; d++) axes[d] = d == at ? rank - 1 : d == rank - 1 ? at : d; /* its own inverse */
    fv_import_list(axes, rank, list, sizeof list);
    if (at != rank - 1) status = fv_import_apply(im, node, &y, "transpose", &y, 1, "axes=%s", list);
    if (!status) status = fv_import_apply(im, node, &y, op, &y, 1, " ");
    if (!status && at != rank - 1) status = fv_import_apply(im, node, &y, "transpose", &y, 1, "axes=%s", list);
    return status ? status : fv_import_bind(im, node, 0, y, x->last);
}

/* Before version 13 all axes from `axis` on are one. */
static fv_status along_rest(fv_import *im, const fv_onnx_node *node, const char *op, int axis) {
    fv_imported x;
    fv_value y;
    int64_t sizes[FV_MAX_RANK], columns = 1;
    char list[160];
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (status) return status;
    int rank = x.shape.rank, from = x.shape.dim[0] == FV_BATCH;
    if (axis < from) return fv_import_mixes(im, node, "over the samples");
    for (int d = 0; d < rank; d++) {
        sizes[d] = x.shape.dim[d];
        if (d >= axis) columns *= sizes[d];
        if (d >= from && sizes[d] < 0) return fv_import_refuse(im, node, "open sizes");
    }
    fv_import_list(sizes + from, rank - from, list, sizeof list);
    sizes[axis] = columns;
    char flat[160];
    fv_import_list(sizes + from, axis + 1 - from, flat, sizeof flat);
    status = fv_import_apply(im, node, &y, "reshape", &x.value, 1, "%s", flat);
    if (!status) status = fv_import_apply(im, node, &y, op, &y, 1, " ");
    if (!status) status = fv_import_apply(im, node, &y, "reshape", &y, 1, "%s", list);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

static fv_status softmax(fv_import *im, const fv_onnx_node *node, const char *op) {
    fv_imported x;
    int axis;
    bool old = node->version < 13;
    fv_status status = fv_import_operand(im, node, 0, &x);
    if (!status) status = fv_import_axis(im, node, fv_onnx_int(node, "axis", old ? 1 : -1), x.shape.rank, &axis);
    if (status) return status;
    int64_t behind = 1;
    for (int d = axis + 1; d < x.shape.rank; d++) behind = x.shape.dim[d] == 1 ? behind : 0;
    if (old && behind != 1) return along_rest(im, node, op, axis);
    status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    return status ? status : along(im, node, op, &x, axis);
}

fv_status fv_rule_softmax(fv_import *im, const fv_onnx_node *node) { return softmax(im, node, "softmax"); }
fv_status fv_rule_log_softmax(fv_import *im, const fv_onnx_node *node) { return softmax(im, node, "log_softmax"); }
