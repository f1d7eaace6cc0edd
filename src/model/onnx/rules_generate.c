/* rules_generate.c - tensors that are made of numbers alone: shapes, fills, ranges. All are known at import. */
#include "import.h"

#include <math.h>
#include <string.h>

/* ---- shapes of values ------------------------------------------------------------------------------------------------- */

/* Which sizes Shape takes: start and end (version 15), clamped. */
static void shape_range(const fv_onnx_node *node, int rank, int *from, int *to) {
    int64_t start = fv_onnx_int(node, "start", 0), end = fv_onnx_int(node, "end", rank);
    if (start < 0) start += rank;
    if (end < 0) end += rank;
    *from = (int)(start < 0 ? 0 : start > rank ? rank : start);
    *to = (int)(end < *from ? *from : end > rank ? rank : end);
}

static fv_status no_open_sizes(fv_import *im, const fv_onnx_node *node, const fv_imported *x) {
    for (int d = 0; d < x->shape.rank; d++)
        if (x->shape.dim[d] == FV_OPEN) return fv_import_refuse(im, node, "the shape of a value with open sizes");
    return FV_OK;
}

fv_status fv_rule_shape(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_import_dim dims[FV_MAX_RANK];
    int from, to;
    fv_status status = fv_import_operand(im, node, 0, &x);
    if (!status) status = no_open_sizes(im, node, &x);
    if (status) return status;
    shape_range(node, x.shape.rank, &from, &to);
    for (int d = from; d < to; d++)
        dims[d - from] = x.shape.dim[d] == FV_BATCH ? (fv_import_dim){1, 0} : (fv_import_dim){0, x.shape.dim[d]};
    return fv_import_bind_dims(im, node, 0, &(fv_shape){1, {to - from}}, dims);
}

fv_status fv_rule_size(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    int64_t count = 1;
    bool samples = false;
    fv_status status = fv_import_operand(im, node, 0, &x);
    if (!status) status = no_open_sizes(im, node, &x);
    for (int d = 0; d < x.shape.rank && !status; d++) {
        samples = samples || x.shape.dim[d] == FV_BATCH;
        if (x.shape.dim[d] != FV_BATCH && !fv_mul_i64(count, x.shape.dim[d], &count))
            return fv_import_wrong(im, node, "a value with too many elements");
    }
    const fv_import_dim size = {samples ? count : 0, samples ? 0 : count};
    return status ? status : fv_import_bind_dims(im, node, 0, &(fv_shape){0}, &size);
}

/* ---- fills -------------------------------------------------------------------------------------------------------------- */

/* Room for so many elements; refuses what no graph needs, so that a file of a few bytes cannot ask for gigabytes. */
static fv_status room_for(fv_import *im, const fv_onnx_node *node, const fv_shape *shape, size_t each, void **out) {
    int64_t count = 1;
    for (int d = 0; d < shape->rank; d++)
        if (shape->dim[d] < 0 || !fv_mul_i64(count, shape->dim[d], &count))
            return fv_import_wrong(im, node, "a size of %lld", (long long)shape->dim[d]);
    if (count > INT64_C(1) << 29) return fv_import_refuse(im, node, "a constant of %lld elements", (long long)count);
    *out = fv_import_memory(im, (size_t)count * each);
    return *out ? FV_OK : fv_import_refuse(im, node, "a constant that does not fit into memory");
}

fv_status fv_rule_constant_of_shape(fv_import *im, const fv_onnx_node *node) {
    fv_shape shape = {0};
    const fv_onnx_tensor *value = fv_onnx_tensor_of(node, "value");
    unsigned char one[8] = {0}, *data;
    fv_error reason = {0};
    fv_dtype dtype = value ? value->dtype : FV_F32;
    fv_status status = fv_import_ints(im, node, 0, "shape", shape.dim, FV_MAX_RANK, &shape.rank);
    if (status) return status;
    if (value && (value->count != 1 || dtype == FV_NO_DTYPE))
        return fv_import_wrong(im, node, "value must be one number");
    if (value && fv_onnx_tensor_read(value, one, &reason)) return fv_import_wrong(im, node, "%.200s", reason.message);
    size_t each = fv_dtype_size(dtype);
    status = room_for(im, node, &shape, each, (void **)&data);
    if (status) return status;
    size_t count = (size_t)fv_shape_count(&shape);
    for (size_t i = 0; i < count; i++) memcpy(data + i * each, one, each);
    return fv_import_bind_known(im, node, 0, dtype, &shape, data);
}

fv_status fv_rule_eye_like(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    unsigned char *data;
    fv_status status = fv_import_operand(im, node, 0, &x);
    if (status) return status;
    if (x.shape.rank != 2) return fv_import_wrong(im, node, "expected a matrix, got rank %d", x.shape.rank);
    if (x.shape.dim[0] < 0 || x.shape.dim[1] < 0) return fv_import_mixes(im, node, "its shape is that of the batch");
    int64_t type = fv_onnx_int(node, "dtype", 0), k = fv_onnx_int(node, "k", 0);
    fv_dtype dtype = type ? fv_onnx_dtype(type) : x.dtype;
    if (dtype == FV_NO_DTYPE) return fv_import_refuse(im, node, "dtype %s", fv_onnx_type_name(type));
    size_t each = fv_dtype_size(dtype);
    if ((status = room_for(im, node, &x.shape, each, (void **)&data))) return status;
    for (int64_t r = 0; r < x.shape.dim[0]; r++) {
        if (k < -r || k >= x.shape.dim[1] - r) continue;
        unsigned char *at = data + (size_t)(r * x.shape.dim[1] + r + k) * each;
        if (dtype == FV_F32)
            memcpy(at, &(float){1}, each);
        else
            *at = 1; /* little-endian */
    }
    return fv_import_bind_known(im, node, 0, dtype, &x.shape, data);
}

/* ---- ranges --------------------------------------------------------------------------------------------------------------- */

fv_status fv_rule_range(fv_import *im, const fv_onnx_node *node) {
    static const char *const what[] = {"start", "limit", "delta"};
    double v[3];
    fv_imported first;
    void *data;
    fv_status status = fv_import_operand(im, node, 0, &first);
    for (int i = 0; i < 3 && !status; i++) status = fv_import_number(im, node, i, what[i], &v[i]);
    if (status) return status;
    double steps = ceil((v[1] - v[0]) / v[2]);
    if (v[2] == 0 || !(steps < 1e9)) return fv_import_wrong(im, node, "from %g to %g by %g", v[0], v[1], v[2]);
    fv_shape shape = {1, {steps > 0 ? (int64_t)steps : 0}};
    if ((status = room_for(im, node, &shape, fv_dtype_size(first.dtype), &data))) return status;
    for (int64_t i = 0; i < shape.dim[0]; i++) {
        double x = v[0] + (double)i * v[2];
        switch (first.dtype) {
        case FV_F32: ((float *)data)[i] = (float)x; break;
        case FV_I32: ((int32_t *)data)[i] = (int32_t)x; break;
        case FV_I64: ((int64_t *)data)[i] = (int64_t)x; break;
        default: return fv_import_refuse(im, node, "a range of %s", fv_dtype_name(first.dtype));
        }
    }
    return fv_import_bind_known(im, node, 0, first.dtype, &shape, data);
}
