/* rules_ours.c - operators of ours that ONNX has only as several (import_patterns.c). */
#include "import.h"

#include <string.h>

fv_status fv_rule_scaled_tanh(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (!status) status = fv_import_apply(im, node, &y, "scaled_tanh", &x.value, 1, "%s", "");
    return status ? status : fv_import_bind(im, node, 0, y, x.last);
}

/* A number to multiply by and one to add, for each channel: a batch norm whose statistics are 0 and 1. */
fv_status fv_rule_affine(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_import_weight weights[2] = {{0}};
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_LAST, &x);
    for (int k = 0; k < 2 && !status; k++) {
        fv_known *known;
        status = fv_import_known(im, node, k + 1, k ? "bias" : "scale", &known);
        if (!status && fv_shape_count(&known->shape) != x.shape.dim[1])
            status = fv_import_wrong(im, node, "expected numbers for %lld channels", (long long)x.shape.dim[1]);
        if (!status) weights[k] = fv_import_plain(known);
    }
    if (!status)
        status = fv_import_apply_weights(im, node, &y, "batchnorm", &x.value, 1, weights, 2, "frozen=yes epsilon=0");
    return status ? status : fv_import_bind(im, node, 0, y, true);
}

/* The weight lies as ours does, [in][out]. */
fv_status fv_rule_dense(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_import_weight weights[2];
    fv_known *weight, *bias;
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (!status) status = fv_import_known(im, node, 1, "weight", &weight);
    if (!status) status = fv_import_known(im, node, 2, "bias", &bias);
    if (status) return status;
    if (x.shape.rank < 1 || x.shape.dim[x.shape.rank - 1] != weight->shape.dim[0])
        return fv_import_wrong(im, node, "its vectors must have %lld numbers", (long long)weight->shape.dim[0]);
    weights[0] = fv_import_plain(weight);
    weights[1] = fv_import_plain(bias);
    status = fv_import_apply_weights(im, node, &y, "dense", &x.value, 1, weights, 2, "%lld",
                                     (long long)weight->shape.dim[1]);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

/* LeNet-5's squared distances to codes. */
fv_status fv_rule_distances(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_known *codes;
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (!status) status = fv_import_known(im, node, 1, "codes", &codes);
    if (status) return status;
    if (x.shape.rank != 2 || x.shape.dim[1] != codes->shape.dim[0])
        return fv_import_wrong(im, node, "its vectors and codes must be of one length");
    fv_import_weight weight = fv_import_plain(codes);
    status =
        fv_import_apply_weights(im, node, &y, "rbf", &x.value, 1, &weight, 1, "%lld", (long long)codes->shape.dim[1]);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}
