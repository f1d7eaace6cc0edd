/* matmul.c - the product of matrices, any number of them at once. */
#include "cells.h"

#include <string.h>

/* ---- shapes --------------------------------------------------------------------------------------------------------- */

/* The axes of a value in front of its matrix; a vector is a matrix of one row (x) or one column (y). */
typedef struct side {
    int lead;
    int64_t rows, cols;
} side;

static side side_of(const fv_type *t, bool first) {
    int rank = t->shape.rank;
    if (rank == 1) return first ? (side){0, 1, t->shape.dim[0]} : (side){0, t->shape.dim[0], 1};
    return (side){rank - 2, t->shape.dim[rank - 2], t->shape.dim[rank - 1]};
}

/* Size in front of the matrix, axis d from the end of the leading ones; 1 where there is none. */
static int64_t lead_size(const fv_type *t, const side *s, int d) {
    return d < s->lead ? t->shape.dim[s->lead - 1 - d] : 1;
}

static fv_status unfit(fv_infer *infer, const char *why) {
    char a[128], b[128];
    return fv_infer_fail(infer, "%s and %s: %s", fv_shape_text(&infer->in[0].shape, a, sizeof a),
                         fv_shape_text(&infer->in[1].shape, b, sizeof b), why);
}

/* The leading axes of both, broadcast as whole shapes; the batch must stay in front. */
static fv_status infer_lead(fv_infer *infer, const side *x, const side *y, fv_type *out) {
    int lead = x->lead > y->lead ? x->lead : y->lead;
    out->shape.rank = lead;
    for (int d = 0; d < lead; d++) {
        int64_t a = lead_size(&infer->in[0], x, d), b = lead_size(&infer->in[1], y, d), size = a == 1 ? b : a;
        if (size == FV_OPEN && b != 1) size = b;
        if (size == FV_BATCH && d != lead - 1) return unfit(infer, "the samples must stay in front");
        bool open = a == FV_OPEN || b == FV_OPEN;
        if (a != b && a != 1 && b != 1 && !(open && a != FV_BATCH && b != FV_BATCH))
            return unfit(infer, "sizes in front of the matrices must be equal or 1, aligned at the last");
        out->shape.dim[lead - 1 - d] = size;
    }
    return FV_OK;
}

static fv_status infer(fv_infer *infer) {
    fv_type *out = &infer->out[0];
    fv_status status = fv_infer_dtype(infer, 0, FV_NUMBERS);
    if (status) return status;
    if (infer->in[0].dtype != infer->in[1].dtype) return unfit(infer, "they must be of one type");
    if (infer->in[0].shape.rank < 1 || infer->in[1].shape.rank < 1) return unfit(infer, "a number is no matrix");
    side x = side_of(&infer->in[0], true), y = side_of(&infer->in[1], false);
    bool open = x.cols == FV_OPEN || y.rows == FV_OPEN;
    if (x.cols == FV_BATCH || y.rows == FV_BATCH || y.cols == FV_BATCH)
        return unfit(infer, "the samples must be rows of the first, or number the matrices");
    if (x.cols != y.rows && !open) return unfit(infer, "as many columns on the left as rows on the right are needed");
    *out = (fv_type){infer->in[0].dtype, {0, {0}}};
    if ((status = infer_lead(infer, &x, &y, out))) return status;
    if (x.rows == FV_BATCH && out->shape.rank > 0) return unfit(infer, "the samples must stay in front");
    if (infer->in[0].shape.rank > 1) out->shape.dim[out->shape.rank++] = x.rows;
    if (infer->in[1].shape.rank > 1) out->shape.dim[out->shape.rank++] = y.cols;
    return FV_OK;
}

static void cost(const fv_site *site, fv_cost *cost) {
    side y = side_of(&site->in[1], false);
    side x = side_of(&site->in[0], true);
    int64_t rows = x.rows == FV_BATCH ? 1 : x.rows;
    int64_t matrices = rows * y.cols > 0 ? fv_type_each(&site->out[0]) / (rows * y.cols) : 0;
    cost->macs = fv_mul_saturated(fv_mul_saturated(matrices, rows), fv_mul_saturated(x.cols, y.cols));
    cost->extent = cost->stride = 0;
}

/* ---- one matrix on the right: a dense layer ------------------------------------------------------------------------- */

static bool one_matrix(const fv_emit *e) {
    const fv_type *y = fv_in_type(e, 1);
    side s = side_of(y, false);
    int64_t matrices = 1;
    for (int d = 0; d < s.lead; d++) matrices *= y->shape.dim[d] == FV_BATCH ? 0 : y->shape.dim[d];
    return matrices == 1 && y->dtype == FV_F32 && s.rows > 0 && s.cols > 0;
}

static fv_geom dense_geom(const fv_emit *e) {
    const fv_type *in = fv_in_type(e, 0);
    side y = side_of(fv_in_type(e, 1), false);
    int64_t rows = fv_type_each(in) / y.rows;
    fv_geom geom = fv_geom_for(e, in);
    geom.conv = (fv_conv_geom){.in = {1, 1, rows},
                               .out = {1, 1, rows},
                               .kernel = {1, 1, 1},
                               .stride = {1, 1, 1},
                               .dilation = {1, 1, 1},
                               .c = y.rows,
                               .f = y.cols,
                               .groups = 1,
                               .x_pixel = y.rows,
                               .y_pixel = y.cols};
    return geom;
}

static void dense_backward(fv_emit *e) {
    fv_geom geom = dense_geom(e);
    if (fv_wants_d_in(e, 0))
        FV_CALL(e, FV_R_CONV_DATA, &geom, fv_d_in(e, 0), fv_d_out(e, 0), fv_in(e, 1), FV_NO_OPERAND);
    if (fv_wants_d_in(e, 1))
        FV_CALL(e, FV_R_CONV_WEIGHTS, &geom, fv_d_in(e, 1), FV_NO_OPERAND, fv_in(e, 0), fv_d_out(e, 0));
}

/* ---- many matrices -------------------------------------------------------------------------------------------------- */

/* Strides over the matrices `t` has, along the leading axes of the result; 0 where they are repeated. */
static void lead_strides(const fv_type *t, const side *s, int lead, int64_t *strides) {
    int64_t stride = s->rows * s->cols;
    for (int d = 0; d < lead; d++) {
        int64_t size = lead_size(t, s, d);
        strides[lead - 1 - d] = size == 1 ? 0 : stride;
        if (size != FV_BATCH) stride *= size;
    }
}

typedef struct product {
    fv_geom geom;
    side x, y;
    int64_t x_lead[FV_MAX_RANK], y_lead[FV_MAX_RANK], out_lead[FV_MAX_RANK]; /* strides */
    fv_type out; /* with the matrix's axes, which the result lacks where an input is a vector */
} product;

static product product_of(const fv_emit *e) {
    const fv_type *x = fv_in_type(e, 0), *y = fv_in_type(e, 1), *out = fv_out_type(e, 0);
    product p = {.geom = fv_geom_for(e, out), .x = side_of(x, true), .y = side_of(y, false), .out = *out};
    int lead = p.x.lead > p.y.lead ? p.x.lead : p.y.lead;
    p.out.shape.rank = lead + 2;
    p.out.shape.dim[lead] = p.x.rows;
    p.out.shape.dim[lead + 1] = p.y.cols;
    side s = {lead, p.x.rows, p.y.cols};
    fv_type front = {out->dtype, {lead, {0}}};
    memcpy(front.shape.dim, out->shape.dim, sizeof front.shape.dim);
    fv_walk walk = fv_walk_over(&p.geom, &front);
    p.geom.matmul = (fv_matmul_geom){.walk = walk, .dtype = out->dtype};
    lead_strides(x, &p.x, lead, p.x_lead);
    lead_strides(y, &p.y, lead, p.y_lead);
    lead_strides(&p.out, &s, lead, p.out_lead);
    return p;
}

static void forward_many(fv_emit *e) {
    product p = product_of(e);
    fv_matmul_geom *g = &p.geom.matmul;
    memcpy(g->walk.y, p.out_lead, sizeof g->walk.y);
    memcpy(g->walk.a, p.x_lead, sizeof g->walk.a);
    memcpy(g->walk.b, p.y_lead, sizeof g->walk.b);
    g->rows = p.x.rows, g->inner = p.x.cols, g->cols = p.y.cols;
    g->a_row = g->inner, g->a_inner = 1;
    g->b_inner = g->cols, g->b_col = 1;
    FV_CALL(e, FV_R_MATMUL, &p.geom, fv_out(e, 0), fv_in(e, 0), fv_in(e, 1));
}

/* d input = the product of all matrices, then summed over those that one was repeated for. */
static void collect(fv_emit *e, int i, product *p, fv_operand a, fv_operand b) {
    fv_matmul_geom *g = &p->geom.matmul;
    const side *s = i == 0 ? &p->x : &p->y;
    fv_type whole = p->out, part = *fv_in_type(e, i);
    int lead = whole.shape.rank - 2;
    whole.shape.dim[lead] = s->rows;
    whole.shape.dim[lead + 1] = s->cols;
    part.shape.rank = s->lead + 2;
    part.shape.dim[s->lead] = s->rows;
    part.shape.dim[s->lead + 1] = s->cols;
    side all = {lead, s->rows, s->cols};
    lead_strides(&whole, &all, lead, g->walk.y);
    bool same = fv_shape_equal(&whole.shape, &part.shape);
    fv_operand d = same ? fv_d_in(e, i) : fv_temp(e, &whole);
    FV_CALL(e, FV_R_MATMUL, &p->geom, d, a, b);
    if (!same) fv_emit_unbroadcast(e, &part, fv_d_in(e, i), &whole, d);
}

/* dx = d y^T, dy = x^T d */
static void backward_many(fv_emit *e) {
    if (fv_wants_d_in(e, 0)) {
        product p = product_of(e);
        fv_matmul_geom *g = &p.geom.matmul;
        memcpy(g->walk.a, p.out_lead, sizeof g->walk.a);
        memcpy(g->walk.b, p.y_lead, sizeof g->walk.b);
        g->rows = p.x.rows, g->inner = p.y.cols, g->cols = p.x.cols;
        g->a_row = g->inner, g->a_inner = 1;
        g->b_inner = 1, g->b_col = p.y.cols;
        collect(e, 0, &p, fv_d_out(e, 0), fv_in(e, 1));
    }
    if (fv_wants_d_in(e, 1)) {
        product p = product_of(e);
        fv_matmul_geom *g = &p.geom.matmul;
        memcpy(g->walk.a, p.x_lead, sizeof g->walk.a);
        memcpy(g->walk.b, p.out_lead, sizeof g->walk.b);
        g->rows = p.y.rows, g->inner = p.x.rows, g->cols = p.y.cols;
        g->a_row = 1, g->a_inner = p.x.cols;
        g->b_inner = p.y.cols, g->b_col = 1;
        collect(e, 1, &p, fv_in(e, 0), fv_d_out(e, 0));
    }
}

/* ---- the operator --------------------------------------------------------------------------------------------------- */

static void forward(fv_emit *e) {
    if (!one_matrix(e)) {
        forward_many(e);
        return;
    }
    fv_geom geom = dense_geom(e);
    FV_CALL(e, FV_R_CONV, &geom, fv_out(e, 0), fv_in(e, 0), fv_in(e, 1), FV_NO_OPERAND, FV_NO_OPERAND);
}

static void backward(fv_emit *e) {
    if (one_matrix(e))
        dense_backward(e);
    else
        backward_many(e);
}

const fv_op fv_op_matmul = {
    .name = "matmul",
    .summary = "the product of two matrices, or of many at once",
    .details =
        "The last two axes are matrices, (rows, inner) times (inner, columns); those in front number them and are broadcast: sizes equal "
        "or 1, aligned at the last. A vector on the left is one row, on the right one column, and that axis is missing in the result. "
        "Axes count over the whole shape: with a batch, (N, inner) times (inner, columns) is a dense layer, and of (N, rows, inner) each "
        "sample is a matrix.",
    .ports = {{"x", FV_INPUT, "matrices on the left", false},
              {"y", FV_INPUT, "matrices on the right, of the same type", false}},
    .traits = FV_T_EMPTY,
    .onnx = "MatMul",
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "rows times columns",
             .fields = "",
             .in = {"fixed 2x2: 1 2 ; 3 4", "fixed 2x2: 5 6 ; 7 8"},
             .out = {"fixed 2x2: 19 22 ; 43 50"}},
            {.title = "one for each sample",
             .fields = "",
             .in = {"2x1x2: 1 2 ; 3 4", "2x2x1: 1 1 ; 2 -1"},
             .out = {"2x1x1: 3 2"}},
            {.title = "two vectors",
             .fields = "",
             .in = {"fixed 3: 1 2 3", "fixed 3: 4 5 6"},
             .out = {"fixed scalar: 32"}},
            {.title = "whole numbers",
             .fields = "",
             .in = {"i64 fixed 1x2: 1 2", "i64 fixed 2x2: 1 2 ; 3 4"},
             .out = {"i64 fixed 1x2: 7 10"}},
            {.title = "the sum of nothing", .fields = "", .in = {"fixed 1x0", "fixed 0x2"}, .out = {"fixed 1x2: 0 0"}},
            {.fields = "", .in = {"3x4", "fixed 4x5"}},
            {.fields = "", .in = {"3x2x4", "fixed 4x5"}},
            {.fields = "", .in = {"3x2x3x4", "3x2x4x5"}},
            {.fields = "", .in = {"3x2x3x4", "fixed 2x4x5"}},
            {.fields = "", .in = {"3x1x3x4", "fixed 2x4x5"}},
            {.fields = "", .in = {"fixed 3x4", "2x4x5"}},
            {.fields = "", .in = {"fixed 4", "fixed 2x4x5"}},
            {.fields = "", .in = {"fixed 2x3x4", "fixed 4"}},
            {.fields = "", .in = {"fixed 2x1x3x4", "fixed 3x4x2"}},
        },
};
