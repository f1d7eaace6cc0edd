/* rules_spatial.c - windows over pictures: convolution and pooling, with channels last. */
#include "rules_window.h"

#include <stdio.h>
#include <string.h>

/* Weight [F][C/g][k...] as ours, [k...][C/g][F]. */
static fv_import_weight conv_weight(fv_known *known) {
    int perm[FV_MAX_RANK], rank = known->shape.rank;
    for (int d = 0; d < rank - 2; d++) perm[d] = d + 2;
    perm[rank - 2] = 1;
    perm[rank - 1] = 0;
    return fv_import_permuted(known, perm);
}

/* The weight of a convolution over x. */
static fv_status read_weight(fv_import *im, const fv_onnx_node *node, const fv_imported *x, fv_known **weight) {
    fv_status status = fv_import_known(im, node, 1, "weight", weight);
    if (status) return status;
    if ((*weight)->shape.rank != x->shape.rank || x->shape.rank < 3)
        return fv_import_wrong(im, node, "a weight of rank %d for a value of rank %d", (*weight)->shape.rank,
                               x->shape.rank);
    for (int d = 0; d < (*weight)->shape.rank; d++)
        if ((*weight)->shape.dim[d] < 1) return fv_import_wrong(im, node, "the weight is empty");
    return FV_OK;
}

static fv_status read_bias(fv_import *im, const fv_onnx_node *node, int64_t filters, fv_import_weight *out,
                           bool *there) {
    fv_known *bias;
    *there = fv_import_has(node, 2);
    if (!*there) return FV_OK;
    fv_status status = fv_import_known(im, node, 2, "bias", &bias);
    if (status) return status;
    if (bias->shape.rank != 1 || bias->shape.dim[0] != filters)
        return fv_import_wrong(im, node, "the bias must have one number for each of %lld filters", (long long)filters);
    *out = fv_import_plain(bias);
    return FV_OK;
}

fv_status fv_rule_conv(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_known *weight;
    fv_onnx_window w;
    fv_import_weight weights[2] = {{0}};
    fv_value y;
    bool bias;
    char kernel[100], fields[400];
    int64_t groups = fv_onnx_int(node, "group", 1);
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_LAST, &x);
    if (!status) status = read_weight(im, node, &x, &weight);
    if (!status) status = fv_onnx_read_window(im, node, &x, weight->shape.dim + 2, &w);
    if (!status) status = read_bias(im, node, weight->shape.dim[0], &weights[1], &bias);
    if (status) return status;
    int64_t filters = weight->shape.dim[0], channels = weight->shape.dim[1];
    if (groups < 1 || groups > filters || x.shape.dim[1] != groups * channels)
        return fv_import_wrong(im, node, "group %lld does not go with a weight for %lld channels and %lld of the input",
                               (long long)groups, (long long)channels, (long long)x.shape.dim[1]);
    weights[0] = conv_weight(weight);
    status = fv_import_apply_weights(im, node, &y, "conv", &x.value, 1, weights, 1 + bias,
                                     "filters=%lld kernel=%s %s groups=%lld bias=%s", (long long)filters,
                                     fv_onnx_sizes(&w, w.kernel, 1, kernel), fv_onnx_window_fields(&w, true, fields),
                                     (long long)groups, bias ? "yes" : "no");
    return status ? status : fv_import_bind(im, node, 0, y, true);
}

fv_status fv_rule_maxpool(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_onnx_window w;
    fv_value y;
    char kernel[100], fields[400];
    if (node->output_count > 1 && *node->outputs[1]) return fv_import_refuse(im, node, "Indices");
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_LAST, &x);
    if (!status) status = fv_onnx_read_window(im, node, &x, NULL, &w);
    if (!status)
        status = fv_import_apply(im, node, &y, "maxpool", &x.value, 1, "window=%s %s ceil=%s",
                                 fv_onnx_sizes(&w, w.kernel, 1, kernel), fv_onnx_window_fields(&w, true, fields),
                                 fv_onnx_int(node, "ceil_mode", 0) ? "yes" : "no");
    return status ? status : fv_import_bind(im, node, 0, y, true);
}
