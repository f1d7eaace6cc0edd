/* idle.c - which calls of a plan serve nothing but gradients that nobody asks for any more. */
#include "emit.h"

/* By root operand: must it be written? What stays readable after a run, and weights (running statistics). */
static void mark_asked(const fv_plan *plan, const bool *unasked, bool *asked) {
    for (int o = 0; o < plan->operand_count; ++o)
        asked[o] = plan->operands[o].pinned || plan->operands[o].home == FV_HOME_WEIGHT;
    for (int pass = 0; pass < 2; ++pass) /* two gradients may be one operand */
        for (int v = 0; v < plan->value_count; ++v) {
            fv_operand root = fv_operand_root(plan, plan->gradient_of[v]);
            if (root >= 0 && plan->operands[root].pinned && unasked[v] == (pass == 0)) asked[root] = pass == 1;
        }
}

fv_status fv_plan_idle_calls(const fv_plan *plan, const bool *unasked, bool *idle, fv_error *error) {
    bool *asked = fv_alloc_array((size_t)plan->operand_count + 1, sizeof *asked);
    if (!asked) return fv_fail_memory(error, "a plan", (size_t)plan->operand_count);
    mark_asked(plan, unasked, asked);
    for (int i = plan->call_count - 1; i >= 0; --i) {
        const fv_planned_call *call = &plan->calls[i];
        idle[i] = call->backward;
        for (int k = 0; k < fv_call_results(call) && k < call->args; ++k) {
            fv_operand root = fv_operand_root(plan, call->arg[k]);
            if (root >= 0 && asked[root]) idle[i] = false;
        }
        for (int k = 0; k < call->args && !idle[i]; ++k) {
            fv_operand root = fv_operand_root(plan, call->arg[k]);
            if (root >= 0 && fv_call_reads(call, k)) asked[root] = true;
        }
    }
    fv_free(asked);
    return FV_OK;
}
