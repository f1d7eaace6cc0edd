/* support.c - what many operators share: shapes of samples, elementwise calls, walks over broadcast values, losses. */
#include "cells.h"

#include <stdio.h>
#include <string.h>

/* ---- shapes -------------------------------------------------------------------------------------------------------
 */

fv_type fv_type_make(fv_dtype dtype, bool batched, int rank, const int64_t *dims) {
    fv_type t = {dtype, {0, {0}}};
    if (batched) t.shape.dim[t.shape.rank++] = FV_BATCH;
    for (int i = 0; i < rank && t.shape.rank < FV_MAX_RANK; i++) t.shape.dim[t.shape.rank++] = dims[i];
    return t;
}

int64_t fv_mul_saturated(int64_t a, int64_t b) {
    int64_t product;
    return fv_mul_i64(a, b, &product) ? product : INT64_MAX;
}

bool fv_dims_product(const int64_t *dims, int rank, int64_t *product) {
    int64_t total = 1;
    bool open = false;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0)
            open = true;
        else if (!fv_mul_i64(total, dims[i], &total))
            return false;
    }
    *product = open ? FV_OPEN : total;
    return true;
}

const char *fv_dims_text(const int64_t *dims, int count, char *out, size_t size) {
    size_t used = 0;
    out[0] = 0;
    for (int i = 0; i < count && used < size; i++) {
        const char *between = i ? "x" : "";
        int wrote = dims[i] < 0 ? snprintf(out + used, size - used, "%s?", between)
                                : snprintf(out + used, size - used, "%s%lld", between, (long long)dims[i]);
        used += (size_t)wrote;
    }
    return out;
}

/* What input i is called in messages: its port, or "input 3" of a variadic operator. */
static const char *port_name(const fv_infer *infer, int i, char out[32]) {
    const fv_port *port = &infer->op->ports[i < FV_MAX_PORTS ? i : FV_MAX_PORTS - 1];
    if (infer->op->variadic || !port->name)
        snprintf(out, 32, "input %d", i + 1);
    else
        snprintf(out, 32, "%s", port->name);
    return out;
}

fv_status fv_infer_real(fv_infer *infer, int i) {
    char name[32];
    if (infer->in[i].dtype == FV_F32) return FV_OK;
    return fv_infer_fail(infer, "%s must hold real numbers (f32), got %s", port_name(infer, i, name),
                         fv_dtype_name(infer->in[i].dtype));
}

fv_status fv_infer_last(fv_infer *infer, int i, int64_t *size) {
    const fv_type *t = &infer->in[i];
    char name[32], shape[128];
    if (fv_sample_rank(t) < 1)
        return fv_infer_fail(infer, "%s must have at least one dimension besides the batch, got %s",
                             port_name(infer, i, name), fv_shape_text(&t->shape, shape, sizeof shape));
    *size = t->shape.dim[t->shape.rank - 1];
    if (*size < 0)
        return fv_infer_fail(infer, "the last dimension of %s must be known, got %s; give the size of the net's input",
                             port_name(infer, i, name), fv_shape_text(&t->shape, shape, sizeof shape));
    return FV_OK;
}

fv_status fv_infer_known(fv_infer *infer, int i) {
    const fv_type *t = &infer->in[i];
    char name[32], shape[128];
    for (int d = 0; d < fv_sample_rank(t); d++)
        if (fv_sample_dims(t)[d] < 0)
            return fv_infer_fail(infer, "the size of %s must be known, got %s; give the size of the net's input",
                                 port_name(infer, i, name), fv_shape_text(&t->shape, shape, sizeof shape));
    return FV_OK;
}

/* ---- elementwise operators -----------------------------------------------------------------------------------------
 */

fv_status fv_infer_like_input(fv_infer *infer) {
    infer->out[0] = infer->in[0];
    return fv_infer_real(infer, 0);
}

static fv_geom unary_geom(const fv_emit *e, const fv_type *type, fv_epilogue act) {
    fv_geom geom = fv_geom_for(e, type);
    geom.unary = (fv_unary_geom){.kind = act.act, .a = act.a, .b = act.b, .each = fv_type_each(type)};
    return geom;
}

void fv_emit_activation(fv_emit *e, fv_epilogue act) {
    fv_geom geom = unary_geom(e, fv_in_type(e, 0), act);
    FV_CALL(e, FV_R_UNARY, &geom, fv_out(e, 0), fv_in(e, 0));
}

void fv_emit_activation_back(fv_emit *e, fv_epilogue act) {
    if (!fv_wants_d_in(e, 0)) return;
    fv_geom geom = unary_geom(e, fv_in_type(e, 0), act);
    unsigned reads = fv_unary_reads(act.act);
    FV_CALL(e, FV_R_UNARY_BACK, &geom, fv_d_in(e, 0), fv_d_out(e, 0), reads & FV_READS_X ? fv_in(e, 0) : FV_NO_OPERAND,
            reads & FV_READS_Y ? fv_out(e, 0) : FV_NO_OPERAND);
}

void fv_emit_scale(fv_emit *e, const fv_type *type, fv_operand to, fv_operand from, double a, double b) {
    fv_geom geom = unary_geom(e, type, (fv_epilogue){FV_U_SCALE, a, b});
    FV_CALL(e, FV_R_UNARY, &geom, to, from);
}

void fv_emit_fill(fv_emit *e, const fv_type *type, fv_operand to, double value) {
    fv_geom geom = fv_geom_for(e, type);
    geom.fill = (fv_fill_geom){.value = value, .each = fv_type_each(type)};
    FV_CALL(e, FV_R_FILL, &geom, to);
}

/* ---- broadcasting ---------------------------------------------------------------------------------------------------
 */

/* Size of sample dimension d (counted from the end, from 0) of a type; 1 where it has none. */
static int64_t from_end(const fv_type *t, int d) {
    return d < fv_sample_rank(t) ? t->shape.dim[t->shape.rank - 1 - d] : 1;
}

fv_status fv_infer_broadcast(fv_infer *infer, fv_type *out) {
    fv_status status = FV_OK;
    for (int i = 0; i < infer->inputs && !status; i++) status = fv_infer_real(infer, i);
    return status ? status : fv_infer_broadcast_shape(infer, out);
}

fv_status fv_infer_broadcast_shape(fv_infer *infer, fv_type *out) {
    int rank = 0;
    bool batched = false;
    int64_t dims[FV_MAX_RANK];
    for (int i = 0; i < infer->inputs; i++) {
        if (fv_sample_rank(&infer->in[i]) > rank) rank = fv_sample_rank(&infer->in[i]);
        batched = batched || fv_type_batched(&infer->in[i]);
    }
    if (rank + batched > FV_MAX_RANK)
        return fv_infer_fail(infer, "the result would have %d dimensions, at most %d are possible", rank + batched,
                             FV_MAX_RANK);
    for (int d = 0; d < rank; d++) {
        int64_t size = 1;
        for (int i = 0; i < infer->inputs; i++) {
            int64_t other = from_end(&infer->in[i], d);
            bool open = size == FV_OPEN || other == FV_OPEN;
            if (size != other && size != 1 && other != 1 && !open) {
                char a[128], b[128];
                return fv_infer_fail(
                    infer, "input %d is %s, which does not fit %s: sizes must be equal or 1, aligned at the last",
                    i + 1, fv_shape_text(&infer->in[i].shape, a, sizeof a),
                    fv_shape_text(&infer->in[0].shape, b, sizeof b));
            }
            /* an open size stays open next to a 1, and becomes the known one next to a number */
            if (size == 1 || (size == FV_OPEN && other >= 0 && other != 1)) size = other;
        }
        dims[rank - 1 - d] = size;
    }
    *out = fv_type_make(FV_F32, batched, rank, dims);
    return FV_OK;
}

void fv_walk_strides(const fv_type *out, const fv_type *t, int64_t strides[FV_MAX_RANK]) {
    int out_rank = fv_sample_rank(out), lead = fv_type_batched(out);
    int64_t stride = 1;
    for (int d = 0; d < out_rank; d++) {
        int64_t size = from_end(t, d);
        strides[lead + out_rank - 1 - d] = size == 1 ? 0 : stride;
        stride *= size;
    }
    if (lead) strides[0] = fv_type_batched(t) ? stride : 0;
}

fv_walk fv_walk_over(const fv_geom *geom, const fv_type *t) {
    fv_walk walk = {.rank = t->shape.rank};
    for (int d = 0; d < walk.rank; d++) walk.dim[d] = t->shape.dim[d] == FV_BATCH ? geom->n : t->shape.dim[d];
    return walk;
}

void fv_emit_binary(fv_emit *e, fv_binary kind, const fv_type *ty, fv_operand y, const fv_type *ta, fv_operand a,
                    const fv_type *tb, fv_operand b) {
    static const fv_element whole[FV_B_COUNT] = {
        [FV_B_ADD] = FV_EL_ADD, [FV_B_SUB] = FV_EL_SUB, [FV_B_MUL] = FV_EL_MUL,
        [FV_B_DIV] = FV_EL_DIV, [FV_B_MAX] = FV_EL_MAX, [FV_B_MIN] = FV_EL_MIN};
    if (ty->dtype != FV_F32) {
        fv_emit_element(e, whole[kind], ty, y, ta, a, tb, b);
        return;
    }
    fv_geom geom = fv_geom_for(e, ty);
    geom.binary = (fv_binary_geom){.kind = kind, .walk = fv_walk_over(&geom, ty)};
    fv_walk_strides(ty, ty, geom.binary.walk.y);
    fv_walk_strides(ty, ta, geom.binary.walk.a);
    fv_walk_strides(ty, tb, geom.binary.walk.b);
    FV_CALL(e, FV_R_BINARY, &geom, y, a, b);
}

void fv_emit_times_sample(fv_emit *e, const fv_type *type, fv_operand y, fv_operand a, fv_operand d) {
    fv_type sample = fv_type_make(FV_F32, fv_type_batched(type), 0, NULL);
    fv_emit_binary(e, FV_B_MUL, type, y, type, a, &sample, d);
}

void fv_emit_unbroadcast(fv_emit *e, const fv_type *tt, fv_operand to, const fv_type *tf, fv_operand from) {
    fv_geom geom = fv_geom_for(e, tf);
    geom.reduce = (fv_reduce_geom){.kind = FV_SUM, .walk = fv_walk_over(&geom, tf)};
    fv_walk_strides(tf, tt, geom.reduce.walk.y);
    fv_walk_strides(tf, tf, geom.reduce.walk.a);
    FV_CALL(e, FV_R_REDUCE, &geom, to, from);
}

/* ---- losses over classes ---------------------------------------------------------------------------------------- */

fv_status fv_infer_class_loss(fv_infer *infer, bool distributions) {
    char wanted[128], prediction[128], got[128];
    const fv_type *x = &infer->in[0], *target = &infer->in[1];
    int64_t classes;
    fv_status status = fv_infer_real(infer, 0);
    if (!status) status = fv_infer_last(infer, 0, &classes);
    if (status) return status;
    if (classes < 1) return fv_infer_fail(infer, "the prediction has no classes");
    fv_shape expected = x->shape;
    if (target->dtype == FV_I32)
        expected.rank--;
    else if (target->dtype != FV_F32 || !distributions)
        return fv_infer_fail(infer, "target must hold class numbers (i32)%s, got %s",
                             distributions ? " or probabilities (f32)" : "", fv_dtype_name(target->dtype));
    if (!fv_shape_equal(&expected, &target->shape))
        return fv_infer_fail(
            infer, "target must be %s for a prediction of %s, got %s", fv_shape_text(&expected, wanted, sizeof wanted),
            fv_shape_text(&x->shape, prediction, sizeof prediction), fv_shape_text(&target->shape, got, sizeof got));
    infer->out[0] = fv_type_make(FV_F32, fv_type_batched(x), 0, NULL);
    return FV_OK;
}

/* ---- losses over pairs of elements ------------------------------------------------------------------------------ */

fv_status fv_infer_pair_loss(fv_infer *infer) {
    char p[128], t[128];
    fv_status status = fv_infer_real(infer, 0);
    if (!status) status = fv_infer_real(infer, 1);
    if (status) return status;
    if (!fv_shape_equal(&infer->in[0].shape, &infer->in[1].shape))
        return fv_infer_fail(infer, "prediction and target must have the same shape, got %s and %s",
                             fv_shape_text(&infer->in[0].shape, p, sizeof p),
                             fv_shape_text(&infer->in[1].shape, t, sizeof t));
    infer->out[0] = fv_type_make(FV_F32, fv_type_batched(&infer->in[0]), 0, NULL);
    return FV_OK;
}

static fv_geom pair_geom(const fv_emit *e, fv_pairloss kind) {
    fv_geom geom = fv_geom_for(e, fv_in_type(e, 0));
    geom.loss = (fv_loss_geom){.kind = kind, .each = fv_type_each(fv_in_type(e, 0))};
    return geom;
}

void fv_emit_pair_loss(fv_emit *e, fv_pairloss kind) {
    fv_geom geom = pair_geom(e, kind);
    FV_CALL(e, FV_R_LOSS, &geom, fv_out(e, 0), fv_in(e, 0), fv_in(e, 1));
}

void fv_emit_pair_loss_back(fv_emit *e, fv_pairloss kind) {
    fv_geom geom = pair_geom(e, kind);
    if (fv_wants_d_in(e, 0)) FV_CALL(e, FV_R_LOSS_BACK, &geom, fv_d_in(e, 0), fv_d_out(e, 0), fv_in(e, 0), fv_in(e, 1));
    bool symmetric = kind == FV_L_SQUARED || kind == FV_L_ABSOLUTE || kind == FV_L_HINGE;
    if (symmetric && fv_wants_d_in(e, 1))
        FV_CALL(e, FV_R_LOSS_BACK, &geom, fv_d_in(e, 1), fv_d_out(e, 0), fv_in(e, 1), fv_in(e, 0));
}
