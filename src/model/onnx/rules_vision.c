/* rules_vision.c - pictures read at other places: grids, regions, displaced convolution, columns and pooled cells put back. */
#include "rules_moves.h"

#include <stdio.h>
#include <string.h>

/* A word of theirs as one of ours; NULL where it is none of `count`. */
static const char *one_of(const char *theirs, const char *const (*words)[2], int count) {
    for (int i = 0; i < count; i++)
        if (!strcmp(words[i][0], theirs)) return words[i][1];
    return NULL;
}

/* ---- grids ------------------------------------------------------------------------------------------------------------ */

fv_status fv_rule_grid_sample(fv_import *im, const fv_onnx_node *node) {
    static const char *const modes[][2] = {
        {"bilinear", "linear"}, {"linear", "linear"}, {"nearest", "nearest"}, {"bicubic", "cubic"}, {"cubic", "cubic"}};
    static const char *const paddings[][2] = {{"zeros", "zero"}, {"border", "edge"}, {"reflection", "reflect"}};
    const char *mode = one_of(fv_onnx_text(node, "mode", "linear"), modes, 5),
               *beyond = one_of(fv_onnx_text(node, "padding_mode", "zeros"), paddings, 3);
    fv_imported x, grid;
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_LAST, &x);
    if (!status) status = fv_import_value(im, node, 1, FV_ORDER_ONNX, &grid);
    if (status) return status;
    if (!mode || !beyond) return fv_import_refuse(im, node, "a mode or padding_mode of another name");
    if (fv_onnx_batched(&x) != fv_onnx_batched(&grid)) return fv_import_mixes(im, node, "one grid for all samples");
    status = fv_import_apply(im, node, &y, "grid_sample", (fv_value[]){x.value, grid.value}, 2,
                             "mode=%s beyond=%s align_corners=%s", mode, beyond,
                             fv_onnx_int(node, "align_corners", 0) ? "yes" : "no");
    return status ? status : fv_import_bind(im, node, 0, y, true);
}

/* Places of all cells, the last dimension's coordinate first, then a 1: the rows that an affine map is applied to. */
static float *base_grid(fv_import *im, const int64_t *sizes, int dims, bool aligned, int64_t *count) {
    *count = 1;
    for (int d = 0; d < dims; d++)
        if (sizes[d] < 1 || !fv_mul_i64(*count, sizes[d], count) || *count > INT32_MAX) return NULL;
    float *base = fv_import_memory(im, (size_t)(*count * (dims + 1)) * sizeof *base), *to = base;
    for (int64_t i = 0; base && i < *count; i++) {
        int64_t left = i;
        for (int d = dims - 1; d >= 0; d--) { /* the fastest first */
            int64_t at = left % sizes[d];
            double edge = (2 * (double)at + 1) / (double)sizes[d] - 1;
            double centre = sizes[d] > 1 ? 2 * (double)at / (double)(sizes[d] - 1) - 1 : 0;
            *to++ = (float)(aligned ? centre : edge);
            left /= sizes[d];
        }
        *to++ = 1;
    }
    return base;
}

/* The grid is the base times the map turned over. */
fv_status fv_rule_affine_grid(fv_import *im, const fv_onnx_node *node) {
    fv_imported theta;
    fv_import_dim size[5];
    int64_t spatial[3], result[5], cells;
    int count;
    fv_value base, y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &theta);
    if (!status) status = fv_import_dims(im, node, 1, "size", size, 5, &count);
    if (status) return status;
    int dims = count - 2;
    if (dims < 2 || theta.shape.rank != 3 || theta.shape.dim[1] != dims || theta.shape.dim[2] != dims + 1)
        return fv_import_wrong(im, node, "%d sizes for maps of rank %d", count, theta.shape.rank);
    result[0] = theta.shape.dim[0], result[dims + 1] = dims;
    for (int d = 0; d < dims; d++) {
        if (size[2 + d].times) return fv_import_mixes(im, node, "a size depends on the batch");
        spatial[d] = result[1 + d] = size[2 + d].plus;
    }
    float *data = base_grid(im, spatial, dims, fv_onnx_int(node, "align_corners", 0) != 0, &cells);
    fv_known *known = data ? fv_import_new_known(im, FV_F32, &(fv_shape){2, {cells, dims + 1}}, data) : NULL;
    if (!known) return fv_import_refuse(im, node, "a grid of this size");
    status = fv_import_constant(im, node, known, NULL, &base);
    if (!status) status = fv_onnx_turn(im, node, &theta.value, (const int64_t[]){0, 2, 1}, 3);
    if (!status) status = fv_import_apply(im, node, &y, "matmul", (fv_value[]){base, theta.value}, 2, " ");
    if (!status) status = fv_onnx_reshape(im, node, &y, result, dims + 2);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

/* ---- regions ---------------------------------------------------------------------------------------------------------- */

fv_status fv_rule_roi_align(fv_import *im, const fv_onnx_node *node) {
    fv_imported x[3];
    const char *mode = fv_onnx_text(node, "mode", "avg"),
               *places = node->version < 16 ? "output_half_pixel"
                                            : fv_onnx_text(node, "coordinate_transformation_mode", "half_pixel");
    int64_t height = fv_onnx_int(node, "output_height", 1), width = fv_onnx_int(node, "output_width", 1),
            points = fv_onnx_int(node, "sampling_ratio", 0);
    bool half = !strcmp(places, "half_pixel"), maximum = !strcmp(mode, "max");
    fv_value y;
    fv_status status = FV_OK;
    for (int i = 0; i < 3 && !status; i++)
        status = fv_import_value(im, node, i, i == 0 ? FV_ORDER_LAST : FV_ORDER_ONNX, &x[i]);
    if (status) return status;
    if ((!half && strcmp(places, "output_half_pixel")) || (!maximum && strcmp(mode, "avg")))
        return fv_import_refuse(im, node, "mode \"%.20s\" with \"%.30s\"", mode, places);
    for (int i = 0; i < 3; i++)
        if (fv_onnx_batched(&x[i])) return fv_import_mixes(im, node, "there are as many results as regions");
    status = fv_import_apply(im, node, &y, "roi_align", (fv_value[]){x[0].value, x[1].value, x[2].value}, 3,
                             "height=%lld width=%lld points=%lld scale=%.9g mode=%s half_pixel=%s", (long long)height,
                             (long long)width, (long long)points, fv_onnx_float(node, "spatial_scale", 1),
                             maximum ? "max" : "mean", half ? "yes" : "no");
    return status ? status : fv_import_bind(im, node, 0, y, true);
}

/* ---- deformable convolution ------------------------------------------------------------------------------------------- */

/* Two numbers of an attribute, `standard` where it is not there, as "AxB". */
static fv_status pair(fv_import *im, const fv_onnx_node *node, const char *name, int from, int all, int64_t standard,
                      int64_t out[2]) {
    int count;
    const int64_t *list = fv_onnx_ints(node, name, &count);
    if (list && count != all) return fv_import_wrong(im, node, "%s: expected %d numbers, got %d", name, all, count);
    for (int i = 0; i < 2; i++) {
        out[i] = list ? list[from + i] : standard;
        if (out[i] < 0 || out[i] > 1000000000)
            return fv_import_wrong(im, node, "%s: a number of %lld", name, (long long)out[i]);
    }
    return FV_OK;
}

static fv_status deform_fields(fv_import *im, const fv_onnx_node *node, const fv_shape *weight, char *out,
                               size_t size) {
    int64_t stride[2], dilation[2], before[2], behind[2], kernel[2];
    fv_status status = pair(im, node, "strides", 0, 2, 1, stride);
    if (!status) status = pair(im, node, "dilations", 0, 2, 1, dilation);
    if (!status) status = pair(im, node, "pads", 0, 4, 0, before);
    if (!status) status = pair(im, node, "pads", 2, 4, 0, behind);
    if (!status) status = pair(im, node, "kernel_shape", 0, 2, 0, kernel);
    if (status) return status;
    for (int i = 0; i < 2; i++)
        if (kernel[i] != 0 && kernel[i] != weight->dim[2 + i])
            return fv_import_wrong(im, node, "kernel_shape does not go with the weight");
    snprintf(out, size, "kernel=%lldx%lld stride=%lldx%lld dilation=%lldx%lld padding=%lldx%lld padding_end=%lldx%lld",
             (long long)weight->dim[2], (long long)weight->dim[3], (long long)stride[0], (long long)stride[1],
             (long long)dilation[0], (long long)dilation[1], (long long)before[0], (long long)before[1],
             (long long)behind[0], (long long)behind[1]);
    return FV_OK;
}

/* The product of the columns with the weight [F][C/g][kh][kw], which becomes [kh][kw][C/g][F]. */
static fv_status multiply_columns(fv_import *im, const fv_onnx_node *node, fv_known *weight, int64_t groups,
                                  fv_value *y) {
    static const int order[] = {2, 3, 1, 0};
    fv_import_weight weights[2] = {fv_import_permuted(weight, order)};
    fv_known *bias = NULL;
    bool biased = fv_import_has(node, 3);
    fv_status status = biased ? fv_import_known(im, node, 3, "bias", &bias) : FV_OK;
    if (status) return status;
    if (bias && (bias->shape.rank != 1 || bias->shape.dim[0] != weight->shape.dim[0]))
        return fv_import_wrong(im, node, "the bias does not go with %lld filters", (long long)weight->shape.dim[0]);
    if (bias) weights[1] = fv_import_plain(bias);
    return fv_import_apply_weights(im, node, y, "conv", y, 1, weights, 1 + biased,
                                   "filters=%lld kernel=1x1 groups=%lld bias=%s", (long long)weight->shape.dim[0],
                                   (long long)groups, biased ? "yes" : "no");
}

fv_status fv_rule_deform_conv(fv_import *im, const fv_onnx_node *node) {
    static const int operands[] = {0, 2, 4};
    fv_imported x[3];
    fv_value inputs[3], y;
    fv_known *weight;
    char fields[300];
    int count = 2 + fv_import_has(node, 4);
    int64_t groups = fv_onnx_int(node, "group", 1), parts = fv_onnx_int(node, "offset_group", 1);
    fv_status status = fv_import_known(im, node, 1, "weight", &weight);
    for (int i = 0; i < count && !status; i++) {
        status = fv_import_value(im, node, operands[i], FV_ORDER_LAST, &x[i]);
        inputs[i] = x[i].value;
    }
    if (status) return status;
    if (weight->shape.rank != 4 || x[0].shape.rank != 4 || groups < 1 || parts < 1 ||
        x[0].shape.dim[1] != weight->shape.dim[1] * groups || fv_shape_count(&weight->shape) < 1)
        return fv_import_wrong(im, node, "pictures and weight do not go together");
    for (int i = 0; i < count; i++)
        if (!fv_onnx_batched(&x[i])) return fv_import_mixes(im, node, "convolution works on samples");
    status = deform_fields(im, node, &weight->shape, fields, sizeof fields);
    if (!status)
        status = fv_import_apply(im, node, &y, "deform_columns", inputs, count, "%s groups=%lld parts=%lld", fields,
                                 (long long)groups, (long long)parts);
    if (!status) status = multiply_columns(im, node, weight, groups, &y);
    return status ? status : fv_import_bind(im, node, 0, y, true);
}

/* ---- put back --------------------------------------------------------------------------------------------------------- */

/* " name=1,2", or nothing where the list is not there. */
static void list_field(const char *name, const int64_t *list, int count, char *out, size_t size) {
    char numbers[160];
    out[0] = 0;
    if (list && count > 0) snprintf(out, size, " %s=%s", name, fv_import_list(list, count, numbers, sizeof numbers));
}

fv_status fv_rule_col2im(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    int64_t shape[FV_MAX_RANK], window[FV_MAX_RANK];
    int rank, block, strides, dilations, pads;
    char fields[6][200];
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (!status) status = fv_import_ints(im, node, 1, "image_shape", shape, FV_MAX_RANK, &rank);
    if (!status) status = fv_import_ints(im, node, 2, "block_shape", window, FV_MAX_RANK, &block);
    if (status) return status;
    const int64_t *stride = fv_onnx_ints(node, "strides", &strides), *pad = fv_onnx_ints(node, "pads", &pads),
                  *dilation = fv_onnx_ints(node, "dilations", &dilations);
    if (block != rank || (stride && strides != rank) || (dilation && dilations != rank) || (pad && pads != 2 * rank))
        return fv_import_wrong(im, node, "image_shape, block_shape, strides, pads and dilations are not equally many");
    list_field("shape", shape, rank, fields[0], sizeof fields[0]);
    list_field("window", window, rank, fields[1], sizeof fields[1]);
    list_field("stride", stride, rank, fields[2], sizeof fields[2]);
    list_field("dilation", dilation, rank, fields[3], sizeof fields[3]);
    list_field("padding", pad, rank, fields[4], sizeof fields[4]);
    list_field("padding_end", pad ? pad + rank : NULL, rank, fields[5], sizeof fields[5]);
    status = fv_import_apply(im, node, &y, "col2im", &x.value, 1, "%s%s%s%s%s%s", fields[0] + 1, fields[1], fields[2],
                             fields[3], fields[4], fields[5]);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

/* The shape that pooling came from, without output_shape: (in - 1) * stride + kernel - pads. */
static fv_status unpooled(fv_import *im, const fv_onnx_node *node, const fv_imported *x, fv_shape *out) {
    int kernels, strides, pads, rank = x->shape.rank - 2;
    const int64_t *kernel = fv_onnx_ints(node, "kernel_shape", &kernels),
                  *stride = fv_onnx_ints(node, "strides", &strides), *pad = fv_onnx_ints(node, "pads", &pads);
    if (rank < 1 || kernels != rank || (stride && strides != rank) || (pad && pads != 2 * rank))
        return fv_import_wrong(im, node, "kernel_shape, strides and pads do not go with a value of rank %d",
                               x->shape.rank);
    *out = x->shape;
    for (int d = 0; d < rank; d++) {
        int64_t size = x->shape.dim[2 + d], step = stride ? stride[d] : 1, total;
        if (size < 1) return fv_import_refuse(im, node, "open sizes");
        if (step < 1 || kernel[d] < 1 || kernel[d] > 1000000000 || !fv_mul_i64(size - 1, step, &total) ||
            total > 1000000000)
            return fv_import_wrong(im, node, "a kernel of %lld and a stride of %lld", (long long)kernel[d],
                                   (long long)step);
        out->dim[2 + d] = total + kernel[d] - (pad ? pad[d] + pad[rank + d] : 0);
        if (out->dim[2 + d] < 1) return fv_import_wrong(im, node, "nothing is left of axis %d", 2 + d);
    }
    return FV_OK;
}

/* Indices count over the whole result, samples and channels included. */
static fv_status unpool(fv_import *im, const fv_onnx_node *node, const fv_imported *x, const fv_imported *index,
                        const fv_shape *shape, fv_value *y) {
    const float zero = 0;
    int64_t in = fv_shape_count(&x->shape), out = 1;
    fv_value values[3] = {{0}, index->value, x->value};
    fv_known *known = fv_import_new_known(im, FV_F32, &(fv_shape){1, {1}}, &zero);
    for (int d = 0; d < shape->rank; d++)
        if (!fv_mul_i64(out, shape->dim[d], &out)) return fv_import_wrong(im, node, "the result is too large");
    if (!known) return fv_import_refuse(im, node, "a value that does not fit into memory");
    fv_status status = fv_import_constant(im, node, known, NULL, &values[0]);
    if (!status) status = fv_import_apply(im, node, &values[0], "expand", &values[0], 1, "shape=%lld", (long long)out);
    for (int i = 1; i < 3 && !status; i++) status = fv_onnx_reshape(im, node, &values[i], &in, 1);
    if (!status) status = fv_import_apply(im, node, y, "scatter_elements", values, 3, "axis=0");
    return status ? status : fv_onnx_reshape(im, node, y, shape->dim, shape->rank);
}

fv_status fv_rule_max_unpool(fv_import *im, const fv_onnx_node *node) {
    fv_imported x, index;
    fv_shape shape;
    int64_t wanted[FV_MAX_RANK], before[FV_MAX_RANK] = {0}, behind[FV_MAX_RANK] = {0};
    int count = 0;
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (!status) status = fv_import_value(im, node, 1, FV_ORDER_ONNX, &index);
    if (!status && fv_import_has(node, 2))
        status = fv_import_ints(im, node, 2, "output_shape", wanted, FV_MAX_RANK, &count);
    if (status) return status;
    if (fv_onnx_batched(&x) || fv_onnx_batched(&index))
        return fv_import_mixes(im, node, "indices count over all samples");
    if (!fv_shape_equal(&x.shape, &index.shape) || (count && count != x.shape.rank))
        return fv_import_wrong(im, node, "indices, output_shape and value do not go together");
    if ((status = unpooled(im, node, &x, &shape))) return status;
    for (int d = 0; d < count; d++) behind[d] = wanted[d] - shape.dim[d];
    status = unpool(im, node, &x, &index, &shape, &y);
    if (!status && count) status = fv_onnx_pad(im, node, &y, count, before, behind, "constant", NULL, 0);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}
