/* pass_fuse_back.c - the gradient of a ReLU without a pass over memory of its own: max pooling before it in the backward
 * passes nothing on where the maximum is 0, the normalisation behind it sees from its own input what the ReLU left. And the
 * sum of two gradients where max pooling makes one of them, as on the left side of a U-Net.
 *
 * Convolutions do not take it: what they would read of the ReLU's result comes in many short streams between their own
 * work, and costs them as long (Winograd's results, 16.8 MB: 1.4 ms) as the pass over memory that it saves (1.0 ms). */
#include "emit.h"

static fv_operand root_of(const fv_plan *plan, const fv_planned_call *call, int arg) {
    return arg < call->args ? fv_operand_root(plan, call->arg[arg]) : FV_NO_OPERAND;
}

/* Is it an operand of the plan's own that nothing but one call writes and `reads` calls read? */
static bool passing(const fv_plan *plan, const fv_use *uses, fv_operand root, int reads) {
    return root >= 0 && plan->operands[root].home == FV_HOME_ARENA && !plan->operands[root].pinned &&
           uses[root].writes == 1 && uses[root].reads == reads;
}

/* Call i is dx = dy times the slope of a ReLU with result y. */
enum { DX, DY, X, Y };
static bool relu_back(const fv_planned_call *call) {
    return call->routine == FV_R_UNARY_BACK && call->geom.unary.kind == FV_U_RELU && call->arg[Y] >= 0;
}

/* The backward of a max pooling that makes argument `arg` of call i, and makes it for this alone; NULL if none does. */
static fv_planned_call *pool_of(fv_plan *plan, const fv_use *uses, int i, int arg) {
    const fv_planned_call *call = &plan->calls[i];
    const fv_operand made = root_of(plan, call, arg);
    if (!passing(plan, uses, made, 1)) return NULL;
    fv_planned_call *pool = &plan->calls[uses[made].writer];
    const fv_pool_geom *g = &pool->geom.pool;
    if (pool->routine != FV_R_POOL_BACK || g->kind != FV_POOL_MAX || g->relu || root_of(plan, pool, 0) != made)
        return NULL;
    return pool->geom.batched == call->geom.batched && pool->backward ? pool : NULL;
}

/* The pooling does as the geometry says from now on, and makes the result of call i. */
static bool give_pool(fv_plan *plan, fv_use *uses, fv_planned_call *pool, const fv_geom *fused, int i) {
    const fv_operand was = root_of(plan, pool, 0), now = root_of(plan, &plan->calls[i], 0);
    if (uses[now].writes != 1 || fv_choose_kernel(plan->table, pool->routine, fused) !=
                                     fv_choose_kernel(plan->table, pool->routine, &pool->geom))
        return false;
    pool->geom = *fused;
    pool->arg[0] = plan->calls[i].arg[0];
    uses[now].writer = (int)(pool - plan->calls);
    uses[was].writes = uses[was].reads = 0;
    return true;
}

/* dy is made by the backward of a max pooling of y. */
static bool into_pool(fv_plan *plan, fv_use *uses, int i) {
    fv_planned_call *pool = pool_of(plan, uses, i, DY);
    if (!pool || root_of(plan, pool, 2) != root_of(plan, &plan->calls[i], Y)) return false;
    fv_geom fused = pool->geom;
    fused.pool.relu = true;
    return give_pool(plan, uses, pool, &fused, i);
}

/* Call i is a sum, argument `side` of it made by the backward of a max pooling; the other one is there before. */
static bool add_into_pool(fv_plan *plan, fv_use *uses, int i, int side) {
    const fv_planned_call *sum = &plan->calls[i];
    fv_planned_call *pool = pool_of(plan, uses, i, side);
    if (!pool || pool->geom.pool.add) return false;
    const fv_pool_geom *g = &pool->geom.pool;
    const fv_operand other = sum->arg[3 - side], root = root_of(plan, sum, 3 - side);
    if (!fv_call_dense_sum(sum, pool->geom.n * g->in[0] * g->in[1] * g->in[2] * g->c)) return false;
    if (root < 0 || uses[root].writer >= (int)(pool - plan->calls)) return false;
    fv_geom fused = pool->geom;
    fused.pool.add = true;
    if (!give_pool(plan, uses, pool, &fused, i)) return false;
    pool->arg[4] = other;
    pool->args = 5;
    return true;
}

/* The forward normalisation that y is the result of, behind its ReLU; -1 if there is none. */
static int norm_of(const fv_plan *plan, const fv_use *uses, fv_operand y) {
    if (y < 0 || uses[y].writes != 1) return -1;
    const fv_planned_call *norm = &plan->calls[uses[y].writer];
    const fv_norm_geom *g = &norm->geom.norm;
    return norm->routine == FV_R_NORM && g->epilogue.act == FV_U_RELU && !g->add ? uses[y].writer : -1;
}

/* Does the call read dx as the gradient of that normalisation's result? */
static bool back_of(const fv_plan *plan, const fv_planned_call *call, const fv_planned_call *norm, fv_operand dx) {
    const int dy = call->routine == FV_R_NORM_SUMS ? 2 : call->routine == FV_R_NORM_BACK ? 1 : -1;
    if (dy < 0 || root_of(plan, call, dy) != dx) return false;
    for (int k = 1; k < 4; ++k) /* x, mean, variance */
        if (root_of(plan, call, dy + k) != root_of(plan, norm, k)) return false;
    return true;
}

/* From now on the call reads the gradient behind the ReLU. */
static void take_relu(fv_planned_call *call, const fv_planned_call *norm, fv_operand dy) {
    const bool sums = call->routine == FV_R_NORM_SUMS;
    const int bias = sums ? 7 : 8;
    for (int k = call->args; k <= bias; ++k) call->arg[k] = FV_NO_OPERAND;
    call->args = bias + 1;
    call->geom.norm.relu = true;
    call->arg[sums ? 2 : 1] = dy;
    if (sums) call->arg[6] = norm->args > 4 ? norm->arg[4] : FV_NO_OPERAND;
    call->arg[bias] = norm->args > 5 ? norm->arg[5] : FV_NO_OPERAND;
}

/* dx is read by the backward of the normalisation that made y, and by nothing else. */
static bool into_norm(fv_plan *plan, fv_use *uses, int i) {
    const fv_planned_call *relu = &plan->calls[i];
    const fv_operand dx = root_of(plan, relu, DX), dy = root_of(plan, relu, DY);
    const int forward = norm_of(plan, uses, root_of(plan, relu, Y));
    if (forward < 0 || dx < 0 || !passing(plan, uses, dx, uses[dx].reads)) return false;
    const fv_planned_call *norm = &plan->calls[forward];
    int readers = 0;
    for (int j = i + 1; j < plan->call_count; ++j) readers += back_of(plan, &plan->calls[j], norm, dx);
    if (readers == 0 || readers != uses[dx].reads) return false;
    for (int j = i + 1; j < plan->call_count; ++j)
        if (back_of(plan, &plan->calls[j], norm, dx)) take_relu(&plan->calls[j], norm, relu->arg[DY]);
    if (dy >= 0) uses[dy].reads += readers - 1;
    return true;
}

fv_status fv_pass_fuse_back(fv_plan *plan, fv_error *error) {
    fv_use *uses = fv_plan_uses(plan);
    if (!uses) return fv_fail_memory(error, "a plan", sizeof *uses * (size_t)plan->operand_count);
    for (int i = 0; i < plan->call_count; ++i)
        if (add_into_pool(plan, uses, i, 1) || add_into_pool(plan, uses, i, 2) ||
            (relu_back(&plan->calls[i]) && (into_norm(plan, uses, i) || into_pool(plan, uses, i))))
            plan->calls[i].routine = FV_R_COUNT;
    fv_free(uses);
    fv_plan_compact(plan);
    return FV_OK;
}
