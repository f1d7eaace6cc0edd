/* rules_shape.c - constants, and the same elements under other shapes. */
#include "import.h"

#include <string.h>

/* ---- constants ---------------------------------------------------------------------------------------------------- */

static fv_status constant_tensor(fv_import *im, const fv_onnx_node *node, const fv_onnx_tensor *tensor) {
    fv_dtype dtype = tensor->dtype;
    if (dtype == FV_NO_DTYPE) return fv_import_refuse(im, node, "a value of a type that this program lacks");
    void *data = fv_import_memory(im, tensor->count * fv_dtype_size(dtype));
    fv_error reason = {0};
    if (!data) return fv_import_refuse(im, node, "a value that does not fit into memory");
    if (fv_onnx_tensor_read(tensor, data, &reason)) return fv_import_wrong(im, node, "%.200s", reason.message);
    return fv_import_bind_known(im, node, 0, dtype, &tensor->shape, data);
}

fv_status fv_rule_constant(fv_import *im, const fv_onnx_node *node) {
    int count;
    const fv_onnx_attribute *a;
    const fv_shape scalar = {0};
    if ((a = fv_onnx_find(node, "value")) && a->kind == FV_ONNX_TENSOR) return constant_tensor(im, node, a->tensor);
    if ((a = fv_onnx_find(node, "value_int")) && a->kind == FV_ONNX_INT)
        return fv_import_bind_known(im, node, 0, FV_I64, &scalar, &a->whole);
    if ((a = fv_onnx_find(node, "value_float")) && a->kind == FV_ONNX_FLOAT)
        return fv_import_bind_known(im, node, 0, FV_F32, &scalar, &(float){(float)a->number});
    const int64_t *wholes = fv_onnx_ints(node, "value_ints", &count);
    if (wholes || (fv_onnx_find(node, "value_ints") && count == 0))
        return fv_import_bind_known(im, node, 0, FV_I64, &(fv_shape){1, {count}}, wholes);
    const double *numbers = fv_onnx_floats(node, "value_floats", &count);
    if (!numbers) return fv_import_refuse(im, node, "a constant that is neither numbers nor a tensor of them");
    float *data = fv_import_memory(im, (size_t)count * sizeof *data);
    for (int i = 0; data && i < count; i++) data[i] = (float)numbers[i];
    return data ? fv_import_bind_known(im, node, 0, FV_F32, &(fv_shape){1, {count}}, data)
                : fv_import_refuse(im, node, "a value that does not fit into memory");
}

fv_status fv_rule_identity(fv_import *im, const fv_onnx_node *node) { return fv_import_bind_same(im, node, 0, 0); }

/* ---- other shapes --------------------------------------------------------------------------------------------------- */

/* Product of dims[from..to-1]; -1 where one is open or symbolic. */
static int64_t product(const fv_shape *shape, int from, int to) {
    int64_t p = 1;
    for (int d = from; d < to; d++)
        if (shape->dim[d] < 0 || !fv_mul_i64(p, shape->dim[d], &p)) return -1;
    return p;
}

/* x under `sizes`, of one sample where it has a batch; result 0. */
static fv_status bind_reshaped(fv_import *im, const fv_onnx_node *node, const fv_imported *x, const int64_t *sizes,
                               int rank) {
    char list[160];
    fv_value y;
    fv_import_list(sizes, rank, list, sizeof list);
    fv_status status = fv_import_apply(im, node, &y, "reshape", &x->value, 1, "%s%s", rank ? "shape=" : " ", list);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

fv_status fv_rule_flatten(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    int axis;
    fv_status status = fv_import_any(im, node, 0, &x);
    if (status) return status;
    int64_t given = fv_onnx_int(node, "axis", 1);
    axis = (int)(given < 0 ? given + x.shape.rank : given);
    if (given < -x.shape.rank || given > x.shape.rank)
        return fv_import_wrong(im, node, "axis %lld of a value of rank %d", (long long)given, x.shape.rank);
    bool batched = x.shape.rank > 0 && x.shape.dim[0] == FV_BATCH;
    if (batched && axis != 1) return fv_import_mixes(im, node, "axis %d", axis);
    if (x.flat && axis == 1) return fv_import_bind_like(im, node, 0, x.value, &x);
    if (x.last && axis == 1) return fv_import_bind_flat(im, node, 0, &x);
    if (x.flat || x.last) status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (status) return status;
    int64_t columns = product(&x.shape, axis, x.shape.rank);
    if (batched) return bind_reshaped(im, node, &x, columns < 0 ? (int64_t[]){-1} : &columns, 1);
    int64_t sizes[2] = {product(&x.shape, 0, axis), columns};
    return bind_reshaped(im, node, &x, sizes, 2);
}

/* The sizes that Reshape asks for, those it takes over (0) and the one that follows (-1) filled in. */
static fv_status target_sizes(fv_import *im, const fv_onnx_node *node, const fv_imported *x, fv_import_dim *dims,
                              int rank) {
    bool keep_zero = fv_onnx_int(node, "allowzero", 0) != 0;
    int open = -1;
    for (int d = 0; d < rank; d++) {
        if (dims[d].times == 0 && dims[d].plus == 0 && !keep_zero) {
            if (d >= x->shape.rank)
                return fv_import_wrong(im, node, "size %d is 0, but the value has rank %d", d, x->shape.rank);
            dims[d] = x->shape.dim[d] == FV_BATCH ? (fv_import_dim){1, 0} : (fv_import_dim){0, x->shape.dim[d]};
        } else if (dims[d].times == 0 && dims[d].plus == -1) {
            if (open >= 0) return fv_import_wrong(im, node, "two sizes are -1");
            open = d;
        } else if (dims[d].times == 0 && dims[d].plus < 0)
            return fv_import_wrong(im, node, "size %d is %lld", d, (long long)dims[d].plus);
    }
    return FV_OK;
}

/* Reshape of a value with samples: the first size must come out as the batch. */
static fv_status reshape_samples(fv_import *im, const fv_onnx_node *node, const fv_imported *x, fv_import_dim *dims,
                                 int rank) {
    int64_t sizes[FV_MAX_RANK] = {0}, each = product(&x->shape, 1, x->shape.rank), others = 1;
    int open = -1;
    if (rank < 1) return fv_import_mixes(im, node, "a shape without a batch");
    for (int d = 1; d < rank; d++) {
        if (dims[d].times) return fv_import_mixes(im, node, "size %d depends on the batch", d);
        sizes[d - 1] = dims[d].plus;
        if (dims[d].plus == -1)
            open = d;
        else if (!fv_mul_i64(others, dims[d].plus, &others))
            return fv_import_wrong(im, node, "the shape has too many elements");
    }
    bool batch = dims[0].times == 1 && dims[0].plus == 0;
    bool declared = dims[0].times == 0 && dims[0].plus > 0 && dims[0].plus == fv_import_declared(im);
    bool follows = dims[0].times == 0 && dims[0].plus == -1 && each >= 0 && others == each;
    if (!batch && !declared && !follows) return fv_import_mixes(im, node, "its first size is not the batch");
    if (open < 0 && each >= 0 && others != each)
        return fv_import_mixes(im, node, "%lld elements of a sample do not fill %lld", (long long)each,
                               (long long)others);
    if (rank == 2 && x->last && !x->flat) return fv_import_bind_flat(im, node, 0, x);
    fv_imported ordered;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &ordered);
    return status ? status : bind_reshaped(im, node, &ordered, sizes, rank - 1);
}

/* Without a batch; -1 is worked out here, so that sizes of 0 go through. */
static fv_status reshape_whole(fv_import *im, const fv_onnx_node *node, const fv_imported *x, const fv_import_dim *dims,
                               int rank) {
    int64_t sizes[FV_MAX_RANK] = {0}, count = product(&x->shape, 0, x->shape.rank), others = 1;
    int open = -1;
    for (int d = 0; d < rank; d++) {
        if (dims[d].times) return fv_import_mixes(im, node, "size %d depends on the batch", d);
        sizes[d] = dims[d].plus;
        if (sizes[d] == -1)
            open = d;
        else if (!fv_mul_i64(others, sizes[d], &others))
            return fv_import_wrong(im, node, "the shape has too many elements");
    }
    if (open >= 0) {
        if (others == 0 || count % others)
            return fv_import_wrong(im, node, "%lld elements do not fill the shape", (long long)count);
        sizes[open] = count / others;
    } else if (others != count)
        return fv_import_wrong(im, node, "%lld elements do not fill a shape of %lld", (long long)count,
                               (long long)others);
    return bind_reshaped(im, node, x, sizes, rank);
}

fv_status fv_rule_reshape(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_import_dim dims[FV_MAX_RANK];
    int rank;
    fv_status status = fv_import_any(im, node, 0, &x);
    if (!status && node->version >= 5)
        status = fv_import_dims(im, node, 1, "shape", dims, FV_MAX_RANK, &rank);
    else if (!status) {
        const int64_t *sizes = fv_onnx_ints(node, "shape", &rank);
        if (rank > FV_MAX_RANK) return fv_import_refuse(im, node, "more than %d dimensions", FV_MAX_RANK);
        for (int d = 0; d < rank; d++) dims[d] = (fv_import_dim){0, sizes[d]};
    }
    if (!status) status = target_sizes(im, node, &x, dims, rank);
    if (status) return status;
    bool batched = x.shape.rank > 0 && x.shape.dim[0] == FV_BATCH;
    if (!batched) status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (status) return status;
    return batched ? reshape_samples(im, node, &x, dims, rank) : reshape_whole(im, node, &x, dims, rank);
}

/* ---- axes of size 1 --------------------------------------------------------------------------------------------------- */

/* The axes that Squeeze and Unsqueeze name: an attribute before version 13, an operand since; *count -1: none are named. */
static fv_status read_axes(fv_import *im, const fv_onnx_node *node, int64_t *axes, int *count) {
    if (node->version >= 13) {
        *count = -1;
        return fv_import_has(node, 1) ? fv_import_ints(im, node, 1, "axes", axes, FV_MAX_RANK, count) : FV_OK;
    }
    const int64_t *given = fv_onnx_ints(node, "axes", count);
    if (!fv_onnx_find(node, "axes")) *count = -1;
    if (*count > FV_MAX_RANK) return fv_import_wrong(im, node, "%d axes", *count);
    for (int i = 0; i < *count; i++) axes[i] = given[i];
    return FV_OK;
}

/* Binds x under sizes of its whole shape, the batch in front where it has one; one may be open. */
static fv_status bind_sizes(fv_import *im, const fv_onnx_node *node, const fv_imported *x, const fv_shape *to) {
    int64_t sizes[FV_MAX_RANK] = {0};
    int rank = 0, open = 0, from = x->shape.rank > 0 && x->shape.dim[0] == FV_BATCH;
    if (from && (to->rank == 0 || to->dim[0] != FV_BATCH)) return fv_import_mixes(im, node, "axis 0");
    for (int d = from; d < to->rank; d++) {
        open += to->dim[d] < 0;
        sizes[rank++] = to->dim[d] < 0 ? -1 : to->dim[d];
    }
    if (open > 1) return fv_import_refuse(im, node, "more than one open size");
    return bind_reshaped(im, node, x, sizes, rank);
}

fv_status fv_rule_squeeze(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    int64_t axes[FV_MAX_RANK];
    int count = 0, axis;
    unsigned drop = 0;
    fv_shape to = {0};
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (!status) status = read_axes(im, node, axes, &count);
    for (int i = 0; i < count && !status; i++) {
        status = fv_import_axis(im, node, axes[i], x.shape.rank, &axis);
        if (!status && x.shape.dim[axis] == FV_BATCH) return fv_import_mixes(im, node, "axis 0");
        if (!status && x.shape.dim[axis] != 1)
            return fv_import_wrong(im, node, "axis %d has another size than 1", axis);
        if (!status) drop |= 1u << axis;
    }
    for (int d = 0; d < x.shape.rank && !status; d++)
        if (!(drop >> d & 1) && !(count < 0 && x.shape.dim[d] == 1)) to.dim[to.rank++] = x.shape.dim[d];
    return status ? status : bind_sizes(im, node, &x, &to);
}

fv_status fv_rule_unsqueeze(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    int64_t axes[FV_MAX_RANK];
    int count, axis, next = 0;
    unsigned new = 0;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (!status) status = read_axes(im, node, axes, &count);
    if (status) return status;
    fv_shape to = {.rank = x.shape.rank + (count > 0 ? count : 0)};
    if (to.rank > FV_MAX_RANK) return fv_import_refuse(im, node, "more than %d dimensions", FV_MAX_RANK);
    for (int i = 0; i < count; i++) {
        if ((status = fv_import_axis(im, node, axes[i], to.rank, &axis))) return status;
        if (new >> axis & 1) return fv_import_wrong(im, node, "axis %d twice", axis);
        new |= 1u << axis;
    }
    for (int d = 0; d < to.rank; d++) to.dim[d] = new >> d & 1 ? 1 : x.shape.dim[next++];
    return bind_sizes(im, node, &x, &to);
}

/* ---- side by side ------------------------------------------------------------------------------------------------------- */

static bool is_empty(const fv_shape *shape) {
    for (int d = 0; d < shape->rank; d++)
        if (shape->dim[d] == 0) return true;
    return false;
}

/* The operands in one order, channels last where one lies so; those without elements add nothing. */
static fv_status gather_operands(fv_import *im, const fv_onnx_node *node, fv_value *values, int *count,
                                 fv_imported *like) {
    fv_imported x;
    bool last = false, samples = false;
    fv_status status = FV_OK;
    for (int i = 0; i < node->input_count && !status; i++) {
        status = fv_import_any(im, node, i, &x);
        last = last || (x.last && !x.flat);
        samples = samples || (x.shape.rank > 0 && x.shape.dim[0] == FV_BATCH);
    }
    for (int i = 0; i < node->input_count && !status; i++) {
        status = fv_import_value(im, node, i, last ? FV_ORDER_LAST : FV_ORDER_ONNX, &x);
        if (status) return status;
        if (samples && x.shape.dim[0] != FV_BATCH)
            return fv_import_mixes(im, node, "operand %d is the same for all samples", i);
        if (i == 0 || (is_empty(&like->shape) && !is_empty(&x.shape))) *like = x;
        if (!is_empty(&x.shape)) values[(*count)++] = x.value;
    }
    return status;
}

fv_status fv_rule_concat(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_value *values = fv_import_memory(im, (size_t)node->input_count * sizeof *values), y;
    int axis, count = 0;
    if (!values) return fv_import_refuse(im, node, "there is not enough memory");
    if (node->input_count == 1) return fv_import_bind_same(im, node, 0, 0);
    fv_status status = gather_operands(im, node, values, &count, &x);
    if (!status) status = fv_import_axis(im, node, fv_onnx_int(node, "axis", 1), x.shape.rank, &axis);
    if (status) return status;
    if (x.shape.dim[axis] == FV_BATCH) return fv_import_mixes(im, node, "axis 0");
    y = count ? values[0] : x.value;
    if (count > 1)
        status = fv_import_apply(im, node, &y, "concat", values, count, "axis=%d", fv_import_axis_in(&x, axis));
    return status ? status : fv_import_bind(im, node, 0, y, x.last);
}
