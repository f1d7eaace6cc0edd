/* rules_products.c - Gemm. */
#include "import.h"

/* Gemm with a known matrix is a dense layer: its weight [in][out] lies in B as it is or turned, times alpha. A flattened picture
 * that lies with its channels last stays so: the rows of the weight are taken in that order instead. */
static fv_import_weight dense_weight(const fv_onnx_node *node, fv_known *b, const fv_imported *a) {
    static const int turned[] = {1, 0};
    fv_import_weight w = fv_import_permuted(b, fv_onnx_int(node, "transB", 0) ? turned : NULL);
    w.scale = fv_onnx_float(node, "alpha", 1);
    if (!a->flat) return w;
    int64_t in = w.stride[0], out = w.stride[1], units = w.dim[1], cells = 1;
    int rank = a->picture.rank;
    w.rank = 3; /* cells, channels, units */
    for (int d = 2; d < rank; d++) cells *= a->picture.dim[d];
    w.dim[0] = cells, w.dim[1] = a->picture.dim[1], w.dim[2] = units;
    w.stride[0] = in, w.stride[1] = in * cells, w.stride[2] = out;
    return w;
}

/* C as a bias: one number for each unit, or one for all. */
static bool is_bias(const fv_imported *c, int64_t units) {
    int rank = c->shape.rank;
    if (!c->known || rank > 2 || (rank == 2 && c->shape.dim[0] != 1)) return false;
    int64_t columns = rank == 0 ? 1 : c->shape.dim[rank - 1];
    return columns == units || columns == 1;
}

/* y + beta * C for a C that is no bias. */
static fv_status add_matrix(fv_import *im, const fv_onnx_node *node, fv_value *y, double beta) {
    fv_imported c;
    fv_status status = fv_import_operand(im, node, 2, &c);
    if (status) return status;
    if (fv_import_type(*y).shape.dim[0] == FV_BATCH && c.shape.rank == 2 && c.shape.dim[0] != 1 &&
        c.shape.dim[0] != FV_BATCH)
        return fv_import_mixes(im, node, "C has a row for each sample");
    if (c.shape.rank == 2 && c.shape.dim[0] == 1 && c.known) c.known->shape = (fv_shape){1, {c.shape.dim[1]}};
    status = fv_import_value(im, node, 2, FV_ORDER_ONNX, &c);
    if (!status && beta != 1) {
        fv_known *factor = fv_import_new_known(im, FV_F32, &(fv_shape){0}, &(float){(float)beta});
        fv_value pair[2] = {c.value};
        status = factor ? fv_import_constant(im, node, factor, NULL, &pair[1]) : FV_E_MEMORY;
        if (!status) status = fv_import_apply(im, node, &c.value, "multiply", pair, 2, " ");
    }
    const fv_value pair[2] = {*y, c.value};
    return status ? status : fv_import_apply(im, node, y, "add", pair, 2, " ");
}

static fv_status read_a(fv_import *im, const fv_onnx_node *node, fv_imported *a) {
    bool turn = fv_onnx_int(node, "transA", 0) != 0;
    fv_status status = turn ? fv_import_value(im, node, 0, FV_ORDER_ONNX, a) : fv_import_any(im, node, 0, a);
    if (status) return status;
    if (a->shape.rank != 2) return fv_import_wrong(im, node, "A has rank %d, expected a matrix", a->shape.rank);
    if (turn && a->shape.dim[0] == FV_BATCH) return fv_import_mixes(im, node, "transA");
    if (turn) status = fv_import_apply(im, node, &a->value, "transpose", &a->value, 1, "axes=1,0");
    if (!status && a->flat) status = fv_import_apply(im, node, &a->value, "flatten", &a->value, 1, " ");
    return status;
}

fv_status fv_rule_gemm(fv_import *im, const fv_onnx_node *node) {
    fv_known *b;
    fv_imported a, c;
    fv_value y;
    double beta = fv_onnx_float(node, "beta", 1);
    bool third = fv_import_has(node, 2) && beta != 0, turn = fv_onnx_int(node, "transB", 0) != 0;
    fv_import_weight weights[2] = {{0}};
    fv_status status = read_a(im, node, &a);
    if (!status) status = fv_import_known(im, node, 1, "matrix B", &b);
    if (!status && third) status = fv_import_operand(im, node, 2, &c);
    if (status) return status;
    if (b->shape.rank != 2) return fv_import_wrong(im, node, "B has rank %d, expected a matrix", b->shape.rank);
    int64_t units = b->shape.dim[turn ? 0 : 1];
    if (fv_onnx_float(node, "alpha", 1) == 0) return fv_import_refuse(im, node, "alpha of 0");
    if (third && !c.known && c.input) status = fv_import_known(im, node, 2, "matrix C", &c.known);
    if (status) c.known = NULL;
    bool bias = third && is_bias(&c, units);
    weights[0] = dense_weight(node, b, &a);
    if (bias) {
        weights[1] = (fv_import_weight){.known = c.known, .rank = 1, .dim = {units}, .stride = {1}, .scale = beta};
        if (fv_shape_count(&c.shape) == 1) weights[1].stride[0] = 0;
    }
    status = fv_import_apply_weights(im, node, &y, "dense", &a.value, 1, weights, 1 + bias, "units=%lld bias=%s",
                                     (long long)units, bias ? "yes" : "no");
    if (!status && third && !bias) status = add_matrix(im, node, &y, beta);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}
