/* pass_prune.c - drops calls whose results nobody reads (an unused output of an operator with several). */
#include "emit.h"

static bool dead(const fv_plan *plan, const fv_planned_call *call, const fv_use *uses) {
    for (int k = 0; k < fv_call_results(call) && k < call->args; ++k) {
        fv_operand root = fv_operand_root(plan, call->arg[k]);
        if (root < 0) continue;
        const fv_operand_info *result = &plan->operands[root];
        if (result->home != FV_HOME_ARENA || result->pinned || uses[root].reads) return false;
    }
    return true;
}

fv_status fv_pass_prune(fv_plan *plan, fv_error *error) {
    fv_use *uses = fv_plan_uses(plan);
    if (!uses) return fv_fail_memory(error, "a plan", sizeof *uses * (size_t)plan->operand_count);
    for (int i = plan->call_count - 1; i >= 0; --i) {
        fv_planned_call *call = &plan->calls[i];
        if (!dead(plan, call, uses)) continue;
        for (int k = 0; k < call->args; ++k) {
            fv_operand root = fv_operand_root(plan, call->arg[k]);
            if (root >= 0 && fv_call_reads(call, k)) uses[root].reads--;
        }
        call->routine = FV_R_COUNT;
    }
    fv_free(uses);
    fv_plan_compact(plan);
    return FV_OK;
}
