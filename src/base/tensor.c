/* tensor.c - element types, shapes, plain tensors. */
#include "memory.h"
#include "text.h"

#include "fovea.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [FV_NO_DTYPE] = {"none", 0}, [FV_F32] = {"f32", 4}, [FV_F64] = {"f64", 8},   [FV_I32] = {"i32", 4},
    [FV_I64] = {"i64", 8},       [FV_U8] = {"u8", 1},   [FV_BOOL] = {"bool", 1},
};
enum { DTYPES = sizeof dtypes / sizeof dtypes[0] };

size_t fv_dtype_size(fv_dtype dtype) { return (unsigned)dtype < DTYPES ? dtypes[dtype].size : 0; }
const char *fv_dtype_name(fv_dtype dtype) { return (unsigned)dtype < DTYPES ? dtypes[dtype].name : "unknown"; }

fv_dtype fv_dtype_from_name(const char *name) {
    for (unsigned i = 1; i < DTYPES; i++)
        if (strcmp(dtypes[i].name, name) == 0) return (fv_dtype)i;
    return FV_NO_DTYPE;
}

int64_t fv_shape_count(const fv_shape *shape) {
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] >= 0 && !fv_mul_i64(count, shape->dim[i], &count)) return INT64_MAX;
    return count;
}

bool fv_shape_equal(const fv_shape *a, const fv_shape *b) {
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0;
}

const char *fv_shape_text(const fv_shape *shape, char *out, size_t size) {
    size_t used = 0;
    if (size == 0) return out;
    snprintf(out, size, "%s", shape->rank ? "" : "scalar");
    for (int i = 0; i < shape->rank && used < size; i++) {
        const char *times = i ? "x" : "";
        int64_t dim = shape->dim[i];
        int wrote = dim == FV_BATCH  ? snprintf(out + used, size - used, "%sN", times)
                    : dim == FV_OPEN ? snprintf(out + used, size - used, "%s?", times)
                                     : snprintf(out + used, size - used, "%s%lld", times, (long long)dim);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    return out;
}

fv_tensor fv_tensor_new(fv_dtype dtype, const fv_shape *shape) {
    fv_tensor tensor = {.dtype = dtype, .shape = *shape};
    int64_t count = fv_shape_count(shape);
    size_t bytes;
    if (count < INT64_MAX && fv_mul_size((size_t)count, fv_dtype_size(dtype), &bytes))
        tensor.data = fv_alloc(bytes ? bytes : 1);
    return tensor;
}
