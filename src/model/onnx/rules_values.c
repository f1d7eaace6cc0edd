/* rules_values.c - what the rules of operators on values share. */
#include "rules_values.h"

#include "integers.h"

#include <string.h>

fv_status fv_rule_scalar(fv_import *im, const fv_onnx_node *node, fv_dtype dtype, double number, fv_value *out) {
    unsigned char cell[sizeof(int64_t)];
    fv_shape shape = {0};
    float real = (float)number;
    if (dtype == FV_F32)
        memcpy(cell, &real, sizeof real);
    else
        fv_whole_store(dtype, cell, 0, fv_whole_from_real(dtype, number));
    fv_known *known = fv_import_new_known(im, dtype, &shape, cell);
    return known ? fv_import_constant(im, node, known, NULL, out) : FV_E_MEMORY;
}

fv_status fv_rule_count_up(fv_import *im, const fv_onnx_node *node, fv_dtype dtype, int64_t count, int rank, int axis,
                           fv_value *out) {
    fv_shape shape = {.rank = rank - axis};
    size_t bytes = 0;
    bool fits = count >= 0 && fv_mul_size((size_t)count, fv_dtype_size(dtype), &bytes);
    void *cells = fits ? fv_import_memory(im, bytes + 1) : NULL;
    if (!cells) return fv_import_refuse(im, node, "an axis of %lld", (long long)count);
    for (int64_t i = 0; i < count; i++) fv_whole_store(dtype, cells, i, i);
    for (int d = 0; d < shape.rank; d++) shape.dim[d] = d == 0 ? count : 1;
    fv_known *known = fv_import_new_known(im, dtype, &shape, cells);
    return known ? fv_import_constant(im, node, known, NULL, out) : FV_E_MEMORY;
}

fv_status fv_rule_join(fv_import *im, const fv_onnx_node *node, fv_value *y, const char *op, fv_value other) {
    fv_value both[2] = {*y, other};
    return fv_import_apply(im, node, y, op, both, 2, " ");
}

fv_status fv_rule_function(fv_import *im, const fv_onnx_node *node, const char *op, const char *fields) {
    fv_imported x;
    fv_value y;
    fv_status status = fv_import_any(im, node, 0, &x);
    if (!status) status = fv_import_apply(im, node, &y, op, &x.value, 1, "%s", fields);
    return status ? status : fv_import_bind_like(im, node, 0, y, &x);
}

const char *fv_rule_word(const char *const (*pairs)[2], const char *name) {
    for (; (*pairs)[0]; pairs++)
        if (!strcmp((*pairs)[0], name)) return (*pairs)[1];
    return NULL;
}
