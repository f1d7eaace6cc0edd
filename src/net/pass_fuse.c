/* pass_fuse.c - activation and residual add go into the epilogue of the call that makes their input, so that a result
 * is written once instead of two or three times.
 *
 * Only where that call's result is read by nothing else: in training this asks that no backward call needs the value
 * before the activation (fv_unary_reads). And only where the table would do the fused call by the same kernel. */
#include "emit.h"

static fv_epilogue *epilogue_of(fv_planned_call *call) {
    switch (call->routine) {
    case FV_R_CONV:
    case FV_R_CONV_DATA: return &call->geom.conv.epilogue;
    case FV_R_NORM: return &call->geom.norm.epilogue;
    default: return NULL;
    }
}

/* Elements that the producer writes for each sample, 0 where they do not lie one behind the other. */
static int64_t dense_each(const fv_planned_call *call) {
    const fv_conv_geom *conv = &call->geom.conv;
    switch (call->routine) {
    case FV_R_CONV: return conv->y_pixel == conv->f ? conv->out[0] * conv->out[1] * conv->out[2] * conv->f : 0;
    case FV_R_CONV_DATA: return conv->x_pixel == conv->c ? conv->in[0] * conv->in[1] * conv->in[2] * conv->c : 0;
    case FV_R_NORM: return call->geom.norm.pixels * call->geom.norm.c;
    default: return 0;
    }
}

/* The call that makes the operand, if it may take what its only reader, call i, does; else NULL. */
static fv_planned_call *producer(fv_plan *plan, const fv_use *uses, fv_operand operand, int i) {
    fv_operand root = fv_operand_root(plan, operand);
    if (root < 0) return NULL;
    const fv_operand_info *info = &plan->operands[root];
    const fv_use *use = &uses[root];
    if (info->home != FV_HOME_ARENA || info->pinned || use->writes != 1 || use->reads != 1 || use->writer >= i)
        return NULL;
    fv_planned_call *call = &plan->calls[use->writer];
    const fv_epilogue *epilogue = epilogue_of(call);
    const fv_geom *mine = &plan->calls[i].geom;
    if (!epilogue || epilogue->act != FV_U_COPY || fv_operand_root(plan, call->arg[0]) != root) return NULL;
    if (call->backward != plan->calls[i].backward || call->geom.batched != mine->batched || call->geom.n != mine->n)
        return NULL;
    return call;
}

/* The fused geometry must not send the call to a lesser kernel. */
static bool same_kernel(const fv_plan *plan, const fv_planned_call *call, const fv_geom *fused) {
    return fv_choose_kernel(plan->table, call->routine, fused) ==
           fv_choose_kernel(plan->table, call->routine, &call->geom);
}

/* Call i's result is written by `call` from now on. */
static void take_over(fv_plan *plan, fv_use *uses, fv_planned_call *call, const fv_geom *fused, int i) {
    fv_operand old = fv_operand_root(plan, call->arg[0]), made = plan->calls[i].arg[0];
    uses[old].writes = uses[old].reads = 0;
    call->geom = *fused;
    call->arg[0] = made;
    uses[fv_operand_root(plan, made)].writer = (int)(call - plan->calls);
    plan->calls[i].routine = FV_R_COUNT;
}

static void fuse_activation(fv_plan *plan, fv_use *uses, int i) {
    const fv_planned_call *unary = &plan->calls[i];
    const fv_unary_geom *geom = &unary->geom.unary;
    fv_operand y = fv_operand_root(plan, unary->arg[0]);
    fv_planned_call *call = producer(plan, uses, unary->arg[1], i);
    if (!call || geom->kind == FV_U_COPY || dense_each(call) != geom->each || uses[y].writes != 1) return;
    fv_geom fused = call->geom;
    fv_epilogue epilogue = {geom->kind, geom->a, geom->b};
    if (call->routine == FV_R_NORM)
        fused.norm.epilogue = epilogue;
    else
        fused.conv.epilogue = epilogue;
    if (same_kernel(plan, call, &fused)) take_over(plan, uses, call, &fused, i);
}

/* Which argument a call adds to its result, or -1; and the field that says that it does. */
static int addend(const fv_planned_call *call) {
    return call->routine == FV_R_CONV ? 4 : call->routine == FV_R_NORM ? 6 : -1;
}

static bool *adds(fv_geom *geom, fv_routine routine) {
    return routine == FV_R_CONV ? &geom->conv.add : &geom->norm.add;
}

/* y = conv(x) + other (or norm(x) + other), where `other` is there before the convolution runs. */
static bool fuse_add_side(fv_plan *plan, fv_use *uses, int i, int side) {
    const fv_planned_call *add = &plan->calls[i];
    fv_operand other = add->arg[3 - side], y = fv_operand_root(plan, add->arg[0]);
    fv_planned_call *call = producer(plan, uses, add->arg[side], i);
    const int at = call ? addend(call) : -1;
    if (at < 0 || *adds(&call->geom, call->routine) || uses[y].writes != 1) return false;
    if (!fv_call_dense_sum(add, dense_each(call) * call->geom.n)) return false;
    fv_operand root = fv_operand_root(plan, other);
    if (root < 0 || (plan->operands[root].home == FV_HOME_ARENA && uses[root].writer >= (int)(call - plan->calls)))
        return false;
    fv_geom fused = call->geom;
    *adds(&fused, call->routine) = true;
    if (!same_kernel(plan, call, &fused)) return false;
    take_over(plan, uses, call, &fused, i);
    for (int k = call->args; k < at; ++k) call->arg[k] = FV_NO_OPERAND;
    call->arg[at] = other;
    call->args = at + 1;
    if (uses[root].reader < (int)(call - plan->calls)) uses[root].reader = (int)(call - plan->calls);
    return true;
}

fv_status fv_pass_fuse(fv_plan *plan, fv_error *error) {
    fv_use *uses = fv_plan_uses(plan);
    if (!uses) return fv_fail_memory(error, "a plan", sizeof *uses * (size_t)plan->operand_count);
    for (int i = 0; i < plan->call_count; ++i) {
        const fv_planned_call *call = &plan->calls[i];
        if (call->routine == FV_R_UNARY)
            fuse_activation(plan, uses, i);
        else if (call->routine == FV_R_BINARY && call->geom.binary.kind == FV_B_ADD && !fuse_add_side(plan, uses, i, 1))
            fuse_add_side(plan, uses, i, 2);
    }
    fv_free(uses);
    fv_plan_compact(plan);
    return FV_OK;
}
