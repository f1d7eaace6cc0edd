/* rules_norm.c - normalisations and dropout. */
#include "rules_compose.h"

#include <string.h>

/* A known operand with one number for each channel. */
static fv_status per_channel(fv_import *im, const fv_onnx_node *node, int i, const char *what, int64_t channels,
                             fv_import_weight *out) {
    fv_known *known;
    fv_status status = fv_import_known(im, node, i, what, &known);
    if (status) return status;
    if (fv_shape_count(&known->shape) != channels)
        return fv_import_wrong(im, node, "its %s must have one number for each of %lld channels", what,
                               (long long)channels);
    *out = fv_import_plain(known);
    return FV_OK;
}

/* x with its channels last, also where there is nothing but channels. */
static fv_status with_channels(fv_import *im, const fv_onnx_node *node, fv_imported *x, int64_t *channels) {
    fv_status status = fv_import_operand(im, node, 0, x);
    if (status) return status;
    if (x->shape.rank < 2) return fv_import_refuse(im, node, "a value of rank %d", x->shape.rank);
    *channels = x->shape.dim[1];
    return fv_import_value(im, node, 0, x->shape.rank < 3 ? FV_ORDER_ONNX : FV_ORDER_LAST, x);
}

/* ---- batch normalisation -------------------------------------------------------------------------------------------- */

fv_status fv_rule_batchnorm(fv_import *im, const fv_onnx_node *node) {
    static const char *const what[] = {"", "scale", "bias", "mean", "variance"};
    fv_imported x;
    fv_import_weight weights[4] = {{0}};
    fv_value y;
    int64_t channels = 0;
    bool training = node->version >= 14 && fv_onnx_int(node, "training_mode", 0);
    if (node->version < 9 && !fv_onnx_int(node, "spatial", 1)) return fv_import_refuse(im, node, "spatial=0");
    if (node->version < 7 && !fv_onnx_int(node, "is_test", 0) && fv_import_exact(im))
        return fv_import_refuse(im, node, "is_test=0");
    if (training && fv_import_exact(im)) return fv_rule_batchnorm_training(im, node);
    for (int k = 1; k < node->output_count && !training; k++)
        if (fv_import_is_read(im, node, k)) return fv_import_refuse(im, node, "output %d without training_mode", k);
    fv_status status = with_channels(im, node, &x, &channels);
    for (int k = 0; k < 4 && !status; k++) status = per_channel(im, node, k + 1, what[k + 1], channels, &weights[k]);
    if (!status)
        status = fv_import_apply_weights(im, node, &y, "batchnorm", &x.value, 1, weights, 4,
                                         "epsilon=%.17g momentum=%.17g unbiased=no",
                                         fv_onnx_float(node, "epsilon", 1e-5), fv_onnx_float(node, "momentum", 0.9));
    return status ? status : fv_import_bind(im, node, 0, y, x.last);
}

/* ---- each sample by itself -------------------------------------------------------------------------------------------- */

fv_status fv_rule_instancenorm(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_import_weight weights[2] = {{0}};
    fv_value y;
    int64_t channels = 0;
    fv_status status = with_channels(im, node, &x, &channels);
    if (!status && x.shape.dim[0] != FV_BATCH) return fv_rule_instancenorm_whole(im, node);
    if (!status) status = per_channel(im, node, 1, "scale", channels, &weights[0]);
    if (!status) status = per_channel(im, node, 2, "bias", channels, &weights[1]);
    if (!status)
        status = fv_import_apply_weights(im, node, &y, "instancenorm", &x.value, 1, weights, 2, "epsilon=%.17g",
                                         fv_onnx_float(node, "epsilon", 1e-5));
    return status ? status : fv_import_bind(im, node, 0, y, x.last);
}

/* Scale and bias are by group before version 21, by channel since. */
static fv_status per_group(fv_import *im, const fv_onnx_node *node, int i, const char *what, int64_t channels,
                           int64_t groups, fv_import_weight *out) {
    fv_status status = per_channel(im, node, i, what, node->version < 21 ? groups : channels, out);
    if (!status && node->version < 21)
        *out = (fv_import_weight){.known = out->known, .rank = 2, .dim = {groups, channels / groups}, .stride = {1, 0}};
    return status;
}

fv_status fv_rule_groupnorm(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_import_weight weights[2] = {{0}};
    fv_value y;
    int64_t channels = 0, groups = fv_onnx_int(node, "num_groups", 0);
    fv_status status = with_channels(im, node, &x, &channels);
    if (!status && x.shape.dim[0] != FV_BATCH) return fv_import_refuse(im, node, "a value without a batch");
    if (!status && (groups < 1 || channels < 1 || channels % groups))
        return fv_import_wrong(im, node, "num_groups %lld must divide %lld channels", (long long)groups,
                               (long long)channels);
    if (!status) status = per_group(im, node, 1, "scale", channels, groups, &weights[0]);
    if (!status) status = per_group(im, node, 2, "bias", channels, groups, &weights[1]);
    if (!status)
        status =
            fv_import_apply_weights(im, node, &y, "groupnorm", &x.value, 1, weights, 2, "groups=%lld epsilon=%.17g",
                                    (long long)groups, fv_onnx_float(node, "epsilon", 1e-5));
    return status ? status : fv_import_bind(im, node, 0, y, x.last);
}

fv_status fv_rule_lrn(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_value y;
    int64_t channels = 0;
    fv_status status = with_channels(im, node, &x, &channels);
    if (!status)
        status =
            fv_import_apply(im, node, &y, "lrn", &x.value, 1, "window=%lld k=%.17g alpha=%.17g beta=%.17g mean=yes",
                            (long long)fv_onnx_int(node, "size", 0), fv_onnx_float(node, "bias", 1),
                            fv_onnx_float(node, "alpha", 1e-4), fv_onnx_float(node, "beta", 0.75));
    return status ? status : fv_import_bind(im, node, 0, y, x.last);
}

/* ---- dropout ---------------------------------------------------------------------------------------------------------- */

/* Without training nothing is dropped: the mask says so. */
static fv_status bind_mask(fv_import *im, const fv_onnx_node *node, const fv_imported *x) {
    if (!fv_import_is_read(im, node, 1)) return FV_OK;
    int64_t count = 1;
    for (int d = 0; d < x->shape.rank; d++) {
        if (x->shape.dim[d] < 0) return fv_import_mixes(im, node, "its mask has a shape of the batch");
        count *= x->shape.dim[d];
    }
    bool truth = node->version >= 10;
    void *mask = fv_import_memory(im, (size_t)count * (truth ? 1 : sizeof(float)));
    if (!mask) return fv_import_refuse(im, node, "a mask that does not fit into memory");
    for (int64_t i = 0; i < count; i++) {
        if (truth)
            ((uint8_t *)mask)[i] = 1;
        else
            ((float *)mask)[i] = 1;
    }
    return fv_import_bind_known(im, node, 1, truth ? FV_BOOL : FV_F32, &x->shape, mask);
}

fv_status fv_rule_dropout(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_value y;
    double rate = fv_onnx_float(node, "ratio", 0.5), training = 0;
    fv_status status = fv_import_any(im, node, 0, &x);
    if (!status && fv_import_has(node, 1)) status = fv_import_number(im, node, 1, "ratio", &rate);
    if (!status && fv_import_has(node, 2)) status = fv_import_number(im, node, 2, "training_mode", &training);
    if (status) return status;
    if (!(rate >= 0 && rate < 1)) return fv_import_refuse(im, node, "a ratio of %g", rate);
    if (training != 0 && rate > 0 && fv_import_exact(im))
        return fv_import_refuse(im, node, "training_mode: it draws numbers");
    status = fv_import_apply(im, node, &y, "dropout", &x.value, 1, "rate=%.17g", rate);
    if (!status) status = fv_import_bind_like(im, node, 0, y, &x);
    return status ? status : bind_mask(im, node, &x);
}
