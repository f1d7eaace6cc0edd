/* rules_spatial.c - windows over pictures: convolution and pooling, with channels last. */
#include "rules_window.h"

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

/* ---- transposed convolution ----------------------------------------------------------------------------------------- */

/* Weight [C][F/g][k...] as ours, [k...][F/g][C]... the convolution that it is the adjoint of goes from F to C. */
static fv_import_weight transposed_weight(fv_known *known) {
    int perm[FV_MAX_RANK], rank = known->shape.rank;
    for (int d = 0; d < rank - 2; d++) perm[d] = d + 2;
    perm[rank - 2] = 1;
    perm[rank - 1] = 0;
    return fv_import_permuted(known, perm);
}

/* Padding from output_shape or auto_pad: total = stride*(in - 1) + output_padding + span - out. */
static fv_status padding_for(fv_import *im, const fv_onnx_node *node, const fv_imported *x, fv_onnx_window *w,
                             int64_t *more) {
    int count, extra;
    const int64_t *shape = fv_onnx_ints(node, "output_shape", &count),
                  *output_padding = fv_onnx_ints(node, "output_padding", &extra);
    bool lower = w->word && !strcmp(w->word, "same_lower");
    if (extra && extra != w->rank)
        return fv_import_wrong(im, node, "output_padding: expected %d numbers, got %d", w->rank, extra);
    if (count && count != w->rank && count != w->rank + 2)
        return fv_import_wrong(im, node, "output_shape: expected %d numbers, got %d", w->rank, count);
    for (int d = 0; d < w->rank; d++) {
        int64_t in = x->shape.dim[d + 2], span = (w->kernel[d] - 1) * w->dilation[d] + 1, total;
        more[d] = extra ? output_padding[d] : 0;
        if (more[d] < 0 || more[d] > 1000000000)
            return fv_import_wrong(im, node, "output_padding %lld", (long long)more[d]);
        if (!count && !w->word) continue;
        if (in < 0) return fv_import_refuse(im, node, "output_shape or auto_pad for open sizes");
        if (!fv_mul_i64(w->stride[d], in, &total)) return fv_import_wrong(im, node, "sizes that are too large");
        int64_t out = count ? shape[count - w->rank + d] : total;
        total = w->stride[d] * (in - 1) + more[d] + span - out;
        if (out < 1) return fv_import_wrong(im, node, "output_shape %lld", (long long)out);
        if (total < 0) more[d] -= total, total = 0; /* larger than what the windows reach: zeros behind */
        w->before[d] = w->word && !lower ? total / 2 : total - total / 2;
        w->behind[d] = total - w->before[d];
    }
    w->word = NULL;
    return FV_OK;
}

/* More zeros behind than the stride allows: those are appended. */
static fv_status grow_behind(fv_import *im, const fv_onnx_node *node, const fv_onnx_window *w, const int64_t *extra,
                             fv_value *y) {
    char pads[100];
    int64_t none[FV_ONNX_MOST_SPATIAL] = {0}, most = 0;
    char zeros[100];
    for (int d = 0; d < w->rank; d++) most = extra[d] > most ? extra[d] : most;
    if (!most) return FV_OK;
    return fv_import_apply(im, node, y, "pad", y, 1, "padding=%s padding_end=%s", fv_onnx_sizes(w, none, 0, zeros),
                           fv_onnx_sizes(w, extra, 0, pads));
}

fv_status fv_rule_conv_transpose(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_known *weight;
    fv_onnx_window w;
    fv_import_weight weights[2] = {{0}};
    fv_value y;
    bool bias;
    char kernel[100], fields[400], more[100];
    int64_t groups = fv_onnx_int(node, "group", 1), output_padding[FV_ONNX_MOST_SPATIAL],
            extra[FV_ONNX_MOST_SPATIAL] = {0};
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_LAST, &x);
    if (!status) status = read_weight(im, node, &x, &weight);
    if (!status) status = fv_onnx_read_window(im, node, &x, weight->shape.dim + 2, &w);
    if (!status) status = padding_for(im, node, &x, &w, output_padding);
    if (status) return status;
    int64_t filters;
    if (groups < 1 || !fv_mul_i64(weight->shape.dim[1], groups, &filters) || weight->shape.dim[0] % groups ||
        x.shape.dim[1] != weight->shape.dim[0])
        return fv_import_wrong(im, node, "group %lld does not go with a weight for %lld channels and %lld of the input",
                               (long long)groups, (long long)weight->shape.dim[0], (long long)x.shape.dim[1]);
    for (int d = 0; d < w.rank; d++)
        if (output_padding[d] >= w.stride[d]) extra[d] = output_padding[d], output_padding[d] = 0;
    status = read_bias(im, node, filters, &weights[1], &bias);
    weights[0] = transposed_weight(weight);
    if (!status)
        status = fv_import_apply_weights(
            im, node, &y, "conv_transpose", &x.value, 1, weights, 1 + bias,
            "filters=%lld kernel=%s %s output_padding=%s groups=%lld bias=%s", (long long)filters,
            fv_onnx_sizes(&w, w.kernel, 1, kernel), fv_onnx_window_fields(&w, true, fields),
            fv_onnx_sizes(&w, output_padding, 0, more), (long long)groups, bias ? "yes" : "no");
    if (!status) status = grow_behind(im, node, &w, extra, &y);
    return status ? status : fv_import_bind(im, node, 0, y, true);
}

/* ---- pooling ------------------------------------------------------------------------------------------------------------ */

static fv_status pool(fv_import *im, const fv_onnx_node *node, const char *op, const char *more, fv_imported *x,
                      fv_value *y) {
    fv_onnx_window w;
    char kernel[100], fields[400];
    fv_status status = fv_onnx_read_window(im, node, x, NULL, &w);
    return status ? status
                  : fv_import_apply(im, node, y, op, &x->value, 1, "window=%s %s ceil=%s%s",
                                    fv_onnx_sizes(&w, w.kernel, 1, kernel), fv_onnx_window_fields(&w, true, fields),
                                    fv_onnx_int(node, "ceil_mode", 0) ? "yes" : "no", more);
}

static fv_status pool_rule(fv_import *im, const fv_onnx_node *node, const char *op, const char *more) {
    fv_imported x;
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_LAST, &x);
    if (!status) status = pool(im, node, op, more, &x, &y);
    return status ? status : fv_import_bind(im, node, 0, y, true);
}

/* The places of x (N, spatial, C) as ONNX counts them, over the whole of (N, C, spatial): row by row, or column by column. */
static fv_status places_of(fv_import *im, const fv_onnx_node *node, const fv_imported *x, fv_value *out) {
    enum { EXACT = 1 << 24 }; /* whole numbers that floats hold */
    const fv_shape *shape = &x->shape;
    int64_t count = fv_shape_count(shape), cells = count / shape->dim[0] / shape->dim[1];
    bool columns = fv_onnx_int(node, "storage_order", 0) != 0;
    fv_shape in_memory = fv_import_type(x->value).shape;
    if (count > EXACT) return fv_import_refuse(im, node, "Indices of a value with more than 2^24 elements");
    float *places = fv_import_memory(im, (size_t)count * sizeof *places);
    if (!places) return fv_import_refuse(im, node, "there is not enough memory");
    for (int64_t i = 0; i < count; i++) {
        int64_t c = i % shape->dim[1], cell = i / shape->dim[1] % cells, n = i / shape->dim[1] / cells, place = cell;
        if (columns && shape->rank == 4) place = cell % shape->dim[3] * shape->dim[2] + cell / shape->dim[3];
        places[i] = (float)((n * shape->dim[1] + c) * cells + place);
    }
    fv_known *known = fv_import_new_known(im, FV_F32, &in_memory, places);
    return known ? fv_import_constant(im, node, known, NULL, out)
                 : fv_import_refuse(im, node, "there is not enough memory");
}

/* With Indices, which count over all samples: so the value is whole. */
static fv_status pool_places(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_value places, pair[2], largest, where;
    fv_onnx_window w;
    char kernel[100], fields[400];
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_LAST, &x);
    if (!status && x.shape.dim[0] == FV_BATCH) return fv_import_mixes(im, node, "Indices count over all samples");
    if (!status && fv_onnx_int(node, "storage_order", 0) && x.shape.rank > 4)
        return fv_import_refuse(im, node, "storage_order 1 for volumes");
    if (!status) status = fv_onnx_read_window(im, node, &x, NULL, &w);
    if (!status) status = places_of(im, node, &x, &places);
    if (!status) status = pool(im, node, "maxpool", "", &x, &largest);
    if (status) return status;
    pair[0] = x.value, pair[1] = places;
    status = fv_import_apply(im, node, &where, "pool_pick", pair, 2, "window=%s %s ceil=%s",
                             fv_onnx_sizes(&w, w.kernel, 1, kernel), fv_onnx_window_fields(&w, true, fields),
                             fv_onnx_int(node, "ceil_mode", 0) ? "yes" : "no");
    if (!status) status = fv_import_apply(im, node, &where, "cast", &where, 1, "i64");
    if (!status) status = fv_import_bind(im, node, 0, largest, true);
    return status ? status : fv_import_bind(im, node, 1, where, true);
}

fv_status fv_rule_maxpool(fv_import *im, const fv_onnx_node *node) {
    if (fv_import_is_read(im, node, 1)) return pool_places(im, node);
    return pool_rule(im, node, "maxpool", "");
}

/* A window that would start behind the input is dropped; only as much padding stays as the window before it needs. */
static fv_status needed_behind(fv_import *im, const fv_onnx_node *node, const fv_imported *x, fv_onnx_window *w,
                               int d) {
    int64_t in = x->shape.dim[d + 2], span = (w->kernel[d] - 1) * w->dilation[d] + 1, start = in + w->before[d];
    if (in < 0) return fv_import_refuse(im, node, "ceil_mode with count_include_pad for open sizes");
    int64_t room = start + w->behind[d] - span, windows = room < 0 ? 1 : (room + w->stride[d] - 1) / w->stride[d] + 1;
    if ((windows - 1) * w->stride[d] < start) return FV_OK;
    int64_t needed = (windows - 2) * w->stride[d] + span - start;
    if (needed < w->behind[d]) w->behind[d] = needed > 0 ? needed : 0;
    return FV_OK;
}

/* With ceil_mode a window counts padding, but not what it has beyond the padding: so the zeros are really there, and cells inside
 * are counted. */
static fv_status pool_padded(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_onnx_window w;
    fv_value y;
    char before[100], behind[100], kernel[100], fields[400];
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_LAST, &x);
    if (!status) status = fv_onnx_read_window(im, node, &x, NULL, &w);
    for (int d = 0; d < w.rank && !status && !w.word; d++) status = needed_behind(im, node, &x, &w, d);
    if (!status && !w.word) {
        status = fv_import_apply(im, node, &x.value, "pad", &x.value, 1, "padding=%s padding_end=%s",
                                 fv_onnx_sizes(&w, w.before, 0, before), fv_onnx_sizes(&w, w.behind, 0, behind));
        for (int d = 0; d < w.rank; d++) w.before[d] = w.behind[d] = 0;
    }
    if (!status)
        status = fv_import_apply(im, node, &y, "avgpool", &x.value, 1, "window=%s %s ceil=yes",
                                 fv_onnx_sizes(&w, w.kernel, 1, kernel), fv_onnx_window_fields(&w, true, fields));
    return status ? status : fv_import_bind(im, node, 0, y, true);
}

fv_status fv_rule_avgpool(fv_import *im, const fv_onnx_node *node) {
    bool counts = fv_onnx_int(node, "count_include_pad", 0) != 0;
    if (counts && fv_onnx_int(node, "ceil_mode", 0)) return pool_padded(im, node);
    return pool_rule(im, node, "avgpool", counts ? " count_padding=yes" : "");
}

/* Over all spatial dimensions, which stay with size 1. */
static fv_status global_pool(fv_import *im, const fv_onnx_node *node, const char *op) {
    fv_imported x;
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_LAST, &x);
    if (!status && x.shape.dim[0] != FV_BATCH) return fv_import_refuse(im, node, "a value without a batch");
    if (!status) status = fv_import_apply(im, node, &y, op, &x.value, 1, "keep_dims=yes");
    return status ? status : fv_import_bind(im, node, 0, y, true);
}

fv_status fv_rule_global_avgpool(fv_import *im, const fv_onnx_node *node) {
    return global_pool(im, node, "globalavgpool");
}
fv_status fv_rule_global_maxpool(fv_import *im, const fv_onnx_node *node) {
    return global_pool(im, node, "globalmaxpool");
}
