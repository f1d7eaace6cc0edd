/* every_builder.c - every builder of the public header in one net, as C11 and as C++20 (scripts/check_header.sh). */
#include "fovea.h"

fv_net *every_builder(void);

static fv_value activations(fv_value x) {
    x = fv_relu6(fv_relu(x));
    x = fv_prelu(fv_leaky_relu(x, .slope = 0.2), .shared = true);
    x = fv_sigmoid(x);
    x = fv_tanh(x);
    x = fv_scaled_tanh(x);
    x = fv_elu(x, .alpha = 0.5);
    x = fv_gelu(x);
    x = fv_softplus(x);
    x = fv_hard_sigmoid(fv_hard_swish(x), .slope = 0.25);
    x = fv_mish(fv_selu(fv_celu(x, .alpha = 0.5)));
    x = fv_softsign(fv_thresholded_relu(x, .threshold = 0.1));
    x = fv_clip(fv_shrink(x, .threshold = 0.01, .bias = 0.01), .low = FV_ZERO, .high = 6);
    return fv_swish(x);
}

/* Values of every type: the samples' own mean where that is less than a half. */
static fv_value arithmetic(fv_value x) {
    fv_value mean = fv_reduce(x, .kind = FV_REDUCE_MEAN, .axes = {-1}, .keep = true);
    fv_value low = fv_compare(mean, fv_power(mean, mean), .kind = FV_COMPARE_LESS);
    fv_value finite = fv_logic(fv_is(x, .kind = FV_IS_NAN), .kind = FV_LOGIC_NOT);
    fv_value best = fv_cast(fv_argmax(x, .axis = -1, .keep = true), .to = FV_CAST_F32);
    x = fv_where(fv_logic(low, .y = finite, .kind = FV_LOGIC_AND), x,
                 fv_divide(best, fv_math(mean, .function = FV_MATH_EXP)));
    x = fv_subtract(fv_cumsum(x, .axis = -1), fv_modulo(x, mean, .sign = FV_MODULO_DIVIDEND));
    const fv_value pair[] = {x, mean};
    const fv_value bounds[] = {fv_minimum(.values = pair, .count = 2), fv_maximum(.values = pair, .count = 2)};
    x = fv_add(.values = bounds, .count = 2);
    return fv_matmul(x, fv_math(fv_reduce(x, .axes = {FV_ZERO}), .function = FV_MATH_ABS));
}

static fv_value norms(fv_value x) {
    x = fv_batchnorm(x);
    x = fv_groupnorm(x, .groups = 2);
    x = fv_layernorm(fv_instancenorm(x, .no_scale = true, .no_bias = true));
    return fv_lrn(x, .window = 3, .k = 1, .mean = true);
}

/* There and back again. */
static fv_value around(fv_value x) {
    fv_value pooled = fv_pool_pick(x, x, .window = {2, 2});
    fv_value large = fv_unpool(pooled, x, .pooled = pooled, .window = {2, 2});
    large = fv_pad(large, .padding = {1, 1}, .mode = FV_PAD_REFLECT);
    large = fv_resize(fv_crop(large, .shape = {13, 13}), .like = x, .mode = FV_RESIZE_BILINEAR);
    return fv_conv_transpose(fv_maxout(large, .maps = 2), .filters = 8, .kernel = {2, 2}, .stride = {2, 2});
}

/* Moved and picked, and as large as before. */
static fv_value moved(fv_net *net, fv_value x) {
    fv_value index = fv_input(net, .name = "index", .dtype = FV_I32, .shape = {1, {2}}, .no_batch = true);
    fv_value rows = fv_input(net, .name = "rows", .dtype = FV_I32, .shape = {2, {2, 1}});
    fv_value pair = fv_input(net, .name = "pair", .shape = {1, {2}}, .no_batch = true);
    fv_value cells = fv_input(net, .name = "cells", .dtype = FV_I32, .shape = {3, {2, 1, 1}});
    fv_value sum = fv_gather(x, index, .axis = 1), part = fv_gather_elements(x, cells, .axis = 1);
    sum = fv_scatter_nd(sum, rows, fv_gather_nd(sum, rows, .lead = 1), .lead = 1, .reduction = FV_SCATTER_BY_ADD);
    sum = fv_scatter_elements(sum, cells, part, .axis = 1);
    sum = fv_resample(fv_pad_axes(sum, .before = {FV_ZERO, 1, FV_ZERO, FV_ZERO}), .length = 8, .axis = 1,
                      .mode = FV_RESAMPLE_CUBIC);
    sum = fv_trilu(fv_tile(fv_split(sum, .parts = 2), .repeats = {1, 1, 1, 2}));
    sum = fv_transpose(fv_slice(sum, .starts = {FV_ZERO}, .ends = {2}, .axes = {1}), .axes = {FV_ZERO, 3, 2, 1});
    fv_output(fv_one_hot(index, pair, .depth = 8), "classes");
    fv_value boxes = fv_input(net, .name = "boxes", .shape = {3, {1, 6, 4}}, .no_batch = true);
    fv_value scores = fv_input(net, .name = "scores", .shape = {3, {1, 2, 6}}, .no_batch = true);
    fv_value grid = fv_input(net, .name = "grid", .shape = {3, {2, 2, 2}});
    fv_output(fv_grid_sample(x, grid, .mode = FV_GRID_SAMPLE_CUBIC), "places");
    fv_value whole = fv_input(net, .name = "whole", .shape = {4, {1, 4, 4, 1}}, .no_batch = true);
    fv_value regions = fv_input(net, .name = "regions", .shape = {2, {2, 4}}, .no_batch = true);
    fv_output(fv_roi_align(whole, regions, index, .height = 2, .width = 2), "regions");
    fv_value columns =
        fv_deform_columns(x, fv_input(net, .name = "offset", .shape = {3, {26, 26, 2}}), .kernel = {1, 1});
    fv_value windows = fv_reshape(columns, .shape = {8, 26 * 26});
    fv_output(fv_col2im(windows, .shape = {52, 26}, .window = {2, 1}, .stride = {2, 1}), "columns");
    fv_output(fv_nms(boxes, scores, .most = 3, .overlap = 0.5), "chosen");
    return fv_expand(fv_top(sum, .k = 1), .like = sum);
}

static fv_value joins(fv_value a, fv_value b) {
    const fv_value pair[] = {a, b};
    fv_value sum = fv_add(.values = pair, .count = 2);
    const fv_value product[] = {sum, fv_multiply(.values = pair, .count = 2)};
    return fv_concat(.values = product, .count = 2, .axis = -1);
}

static void losses(fv_value x, fv_value label, fv_value target) {
    fv_add_loss(fv_crossentropy(x, label, .smoothing = 0.1), 1);
    fv_add_loss(fv_binary_crossentropy(x, target), 0.5);
    fv_add_loss(fv_mse(x, target), 0.5);
    fv_add_loss(fv_mae(x, target), 0.5);
    fv_add_loss(fv_hinge(x, target), 0.5);
    fv_add_loss(fv_rbf_loss(fv_rbf(x, .units = 10), label), 0.5);
    fv_add_loss(fv_penalty(x, .l1 = 0.01, .l2 = FV_ZERO), 0.1);
}

fv_net *every_builder(void) {
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 28, .width = 28, .channels = 1);
    x = fv_conv(x, .filters = 8, .kernel = {3, 3}, .padding = {FV_SAME}, .activation = FV_RELU);
    fv_output(moved(net, x), "moved");
    x = around(norms(x));
    x = fv_maxpool(x, .window = {2, 2});
    x = fv_subsample(x, .window = {2, 2});
    x = fv_dropout(activations(x), .rate = 0.25);
    fv_value average = fv_globalavgpool(x), largest = fv_globalmaxpool(x);
    x = fv_avgpool(x, .window = {2, 2}, .stride = {1, 1});
    x = fv_reshape(fv_flatten(x), .shape = {-1});
    const fv_value shifted[] = {x, fv_numbers(net, .values = "0.5")};
    x = fv_add(.values = shifted, .count = 2);
    x = fv_dense(x, .units = 8);
    x = fv_dense(joins(x, joins(average, largest)), .units = 10);
    losses(x, fv_input(net, .name = "class", .dtype = FV_I32, .target = true),
           fv_input(net, .name = "target", .channels = 10, .target = true));
    fv_output(fv_softmax(fv_log_softmax(x)), "probabilities");
    fv_output(arithmetic(x), "numbers");
    fv_output(fv_softmax(x), "probabilities");
    return net;
}
