/* rules_products.c - Gemm. */
#include "import.h"

#include <string.h>

/* Gemm with a known matrix is a dense layer: its weight [in][out] lies in B as it is or turned, times alpha. */
static fv_status dense(fv_import *im, const fv_onnx_node *node, fv_known *b, fv_known *c) {
    static const int turned[] = {1, 0};
    bool turn = fv_onnx_int(node, "transB", 0) != 0;
    double alpha = fv_onnx_float(node, "alpha", 1), beta = fv_onnx_float(node, "beta", 1);
    fv_import_weight weights[2] = {fv_import_permuted(b, turn ? turned : NULL)};
    fv_imported x;
    fv_value y;
    int64_t units = b->shape.dim[turn ? 0 : 1];
    weights[0].scale = alpha;
    if (c) { /* a number, a row, or a row of one number that counts for all */
        weights[1] = (fv_import_weight){.known = c, .rank = 1, .dim = {units}, .stride = {1}, .scale = beta};
        if (fv_shape_count(&c->shape) == 1) weights[1].stride[0] = 0;
    }
    if (alpha == 0 || (c && beta == 0)) return fv_import_refuse(im, node, "alpha or beta of 0");
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (!status)
        status = fv_import_apply_weights(im, node, &y, "dense", &x.value, 1, weights, c ? 2 : 1, "units=%lld bias=%s",
                                         (long long)units, c ? "yes" : "no");
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

fv_status fv_rule_gemm(fv_import *im, const fv_onnx_node *node) {
    fv_known *b, *c = NULL;
    fv_imported a;
    fv_status status = fv_import_operand(im, node, 0, &a);
    if (!status) status = fv_import_known(im, node, 1, "matrix B", &b);
    if (!status && fv_import_has(node, 2)) status = fv_import_known(im, node, 2, "matrix C", &c);
    if (status) return status;
    if (a.shape.rank != 2 || b->shape.rank != 2) return fv_import_wrong(im, node, "expected matrices");
    if (fv_onnx_int(node, "transA", 0)) return fv_import_refuse(im, node, "transA");
    int64_t units = b->shape.dim[fv_onnx_int(node, "transB", 0) ? 0 : 1];
    bool row = c && c->shape.rank <= 2 && (c->shape.rank < 2 || c->shape.dim[0] == 1) &&
               (fv_shape_count(&c->shape) == units || fv_shape_count(&c->shape) == 1);
    if (c && !row) return fv_import_refuse(im, node, "a C with more than one row");
    return dense(im, node, b, c);
}
