/* pass_hoist.c - calls that depend on weights and constants alone give the same in every run until the weights change:
 * they move to the front of the plan, as its steady calls. (Folded weights, connection tables, computed weights.) */
#include "emit.h"

#include <string.h>

/* Neither drawn, nor dependent on the number of samples, nor a user's function, which may do as it likes. */
static bool repeatable(const fv_planned_call *call) {
    return !call->geom.batched && call->routine != FV_R_DROPOUT && call->routine != FV_R_CUSTOM &&
           call->routine != FV_R_BLEND;
}

/* Is what the operand holds settled by the `written` calls so far, all of them steady? */
static bool settled(const fv_plan *plan, const fv_use *uses, const int *written, fv_operand root) {
    const fv_operand_info *info = &plan->operands[root];
    if (info->home == FV_HOME_CONSTANT) return true;
    if (info->home == FV_HOME_WEIGHT) return uses[root].writes == 0;
    return !info->given && written[root] == uses[root].writes;
}

/* Marks the steady calls and returns how many there are; `written` counts steady writes by operand. */
static int mark(const fv_plan *plan, const fv_use *uses, int *written, bool *steady) {
    int count = 0;
    for (int i = 0; i < plan->call_count; ++i) {
        const fv_planned_call *call = &plan->calls[i];
        int results = fv_call_results(call);
        steady[i] = repeatable(call);
        for (int k = 0; k < call->args && steady[i]; ++k) {
            fv_operand root = fv_operand_root(plan, call->arg[k]);
            if (root < 0) continue;
            if (k < results && plan->operands[root].home != FV_HOME_ARENA) steady[i] = false;
            if (k >= results && !settled(plan, uses, written, root)) steady[i] = false;
            if (k < results && fv_call_reads(call, k)) steady[i] = false;
        }
        count += steady[i];
        for (int k = 0; k < results && steady[i]; ++k)
            if (call->arg[k] >= 0) written[fv_operand_root(plan, call->arg[k])]++;
    }
    return count;
}

fv_status fv_pass_hoist(fv_plan *plan, fv_error *error) {
    size_t calls = (size_t)plan->call_count + 1;
    fv_use *uses = fv_plan_uses(plan);
    int *written = fv_alloc_array((size_t)plan->operand_count + 1, sizeof *written);
    bool *steady = fv_alloc_array(calls, sizeof *steady);
    fv_planned_call *sorted = fv_alloc_array(calls, sizeof *sorted);
    bool room = uses && written && steady && sorted;
    if (room) {
        int front = 0, back = mark(plan, uses, written, steady);
        plan->steady_calls = back;
        for (int i = 0; i < plan->call_count; ++i) sorted[steady[i] ? front++ : back++] = plan->calls[i];
        if (plan->call_count) memcpy(plan->calls, sorted, (size_t)plan->call_count * sizeof *sorted);
    }
    fv_free(uses);
    fv_free(written);
    fv_free(steady);
    fv_free(sorted);
    return room ? FV_OK : fv_fail_memory(error, "a plan", calls * sizeof *sorted);
}
