/* pass_fold_batchnorm.c - a convolution (or dense layer) followed by batch normalisation with constant statistics is
 * one convolution with other weights:
 *
 *     (conv(x, w) + b - mean) * s + beta = conv(x, w*s) + (b - mean)*s + beta,   s = scale / sqrt(var + epsilon)
 *
 * The other weights are calls over weights alone, so they run only when the weights have changed (pass_hoist.c).
 * Rounding differs from that of the two steps, nothing else. */
#include "emit.h"

#include <string.h>

typedef struct fv_fold {
    fv_emit *e;
    fv_type channels;  /* [f] */
    fv_operand factor; /* s */
} fv_fold;

static fv_operand unary(const fv_fold *fold, fv_unary kind, double a, double b, fv_operand x) {
    fv_geom geom = fv_geom_for(fold->e, &fold->channels);
    geom.unary = (fv_unary_geom){.kind = kind, .a = a, .b = b, .each = fv_type_each(&fold->channels)};
    fv_operand y = fv_temp(fold->e, &fold->channels);
    FV_CALL(fold->e, FV_R_UNARY, &geom, y, x);
    return y;
}

/* y = a kind b, where a has `type` and b is [f], repeated along all but the last axis of a. */
static fv_operand binary(const fv_fold *fold, fv_binary kind, const fv_type *type, fv_operand a, fv_operand b) {
    fv_geom geom = fv_geom_for(fold->e, type);
    int64_t f = fold->channels.shape.dim[0];
    geom.binary.kind = kind;
    geom.binary.walk = (fv_walk){.rank = 2, .dim = {fv_type_each(type) / f, f}, .y = {f, 1}, .a = {f, 1}, .b = {0, 1}};
    fv_operand y = fv_temp(fold->e, type);
    FV_CALL(fold->e, FV_R_BINARY, &geom, y, a, b);
    return y;
}

static fv_operand argument(const fv_planned_call *call, int k) { return k < call->args ? call->arg[k] : FV_NO_OPERAND; }

/* Is the operand one that no call writes? */
static bool constant(const fv_plan *plan, const fv_use *uses, fv_operand operand) {
    fv_operand root = fv_operand_root(plan, operand);
    return root < 0 || (plan->operands[root].home != FV_HOME_ARENA && uses[root].writes == 0);
}

/* The convolution whose only reader is call i, a normalisation by constants; -1 if it is none. */
static int foldable(const fv_plan *plan, const fv_use *uses, int i) {
    const fv_planned_call *norm = &plan->calls[i];
    if (norm->routine != FV_R_NORM || norm->geom.norm.groups != 0) return -1;
    for (int k = 2; k < norm->args; ++k)
        if (!constant(plan, uses, norm->arg[k])) return -1;
    fv_operand x = fv_operand_root(plan, norm->arg[1]);
    if (x < 0 || plan->operands[x].pinned || uses[x].writes != 1 || uses[x].reads != 1) return -1;
    const fv_planned_call *conv = &plan->calls[uses[x].writer];
    const fv_conv_geom *g = &conv->geom.conv;
    if (conv->routine != FV_R_CONV || g->add || g->epilogue.act != FV_U_COPY || g->y_pixel != g->f) return -1;
    if (g->f != norm->geom.norm.c || g->out[0] * g->out[1] * g->out[2] != norm->geom.norm.pixels) return -1;
    if (conv->geom.batched != norm->geom.batched || !constant(plan, uses, argument(conv, 3))) return -1;
    return uses[x].writer;
}

static void fold_pair(fv_emit *e, int c, int i) {
    fv_plan *plan = e->plan;
    const fv_planned_call norm = plan->calls[i]; /* copies: the list grows below */
    fv_planned_call conv = plan->calls[c];
    fv_fold fold = {.e = e, .channels = {FV_F32, {1, {norm.geom.norm.c}}}};
    fv_type weights = plan->operands[conv.arg[2]].type;
    fv_operand scale = argument(&norm, 4), beta = argument(&norm, 5), bias = argument(&conv, 3);
    e->node = conv.node;
    fv_operand root = unary(&fold, FV_U_SQRT, 0, 0, unary(&fold, FV_U_SCALE, 1, norm.geom.norm.epsilon, norm.arg[3]));
    fold.factor =
        scale >= 0 ? binary(&fold, FV_B_DIV, &fold.channels, scale, root) : unary(&fold, FV_U_RECIPROCAL, 0, 0, root);
    conv.arg[2] = binary(&fold, FV_B_MUL, &weights, conv.arg[2], fold.factor);
    fv_operand shift = bias >= 0 ? binary(&fold, FV_B_SUB, &fold.channels, bias, norm.arg[2])
                                 : unary(&fold, FV_U_NEG, 0, 0, norm.arg[2]);
    shift = binary(&fold, FV_B_MUL, &fold.channels, shift, fold.factor);
    conv.arg[3] = beta >= 0 ? binary(&fold, FV_B_ADD, &fold.channels, shift, beta) : shift;
    if (conv.args < 4) conv.args = 4;
    conv.arg[0] = norm.arg[0];
    conv.geom.conv.epilogue = norm.geom.norm.epilogue;
    plan->calls[c] = conv;
    plan->calls[i].routine = FV_R_COUNT;
}

/* The calls from `count` on, which read weights only, move to the front. */
static fv_status to_front(fv_plan *plan, int count, fv_error *error) {
    int added = plan->call_count - count;
    if (added == 0) return FV_OK; /* nothing was folded; a net in use may have no calls at all */
    fv_planned_call *moved = fv_alloc_array((size_t)added + 1, sizeof *moved);
    if (!moved) return fv_fail_memory(error, "a plan", sizeof *moved * (size_t)added);
    memcpy(moved, plan->calls + count, sizeof *moved * (size_t)added);
    memmove(plan->calls + added, plan->calls, sizeof *moved * (size_t)count);
    memcpy(plan->calls, moved, sizeof *moved * (size_t)added);
    fv_free(moved);
    fv_plan_compact(plan);
    return FV_OK;
}

fv_status fv_pass_fold_batchnorm(fv_emit *e) {
    fv_plan *plan = e->plan;
    fv_use *uses = fv_plan_uses(plan);
    if (!uses) return fv_fail_memory(e->error, "a plan", sizeof *uses * (size_t)plan->operand_count);
    int count = plan->call_count;
    e->backward = false;
    for (int i = 0; i < count && !e->status; ++i) {
        int conv = foldable(plan, uses, i);
        if (conv >= 0) fold_pair(e, conv, i);
    }
    e->node = -1;
    fv_free(uses);
    return e->status ? e->status : to_front(plan, count, e->error);
}
