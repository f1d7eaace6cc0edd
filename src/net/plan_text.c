/* plan_text.c - a plan for people: one line a call. */
#include "emit.h"

#include "text.h"

#include <stdio.h>

const char *fv_bytes_text(size_t bytes, char out[32]) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double size = (double)bytes;
    int unit = 0;
    for (; size >= 1024 && unit < 5; ++unit) size /= 1024;
    snprintf(out, 32, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
    return out;
}

static void add_bytes(fv_text *text, size_t bytes) {
    char number[32];
    fv_text_add(text, fv_bytes_text(bytes, number));
}

static void add_operand(fv_text *text, const fv_plan *plan, fv_operand operand, bool result) {
    if (operand < 0) {
        fv_text_add(text, " -");
        return;
    }
    const fv_operand_info *info = &plan->operands[operand];
    const fv_operand_info *root = &plan->operands[fv_operand_root(plan, operand)];
    char shape[128];
    fv_text_printf(text, " %s", fv_shape_text(&info->type.shape, shape, sizeof shape));
    switch (root->home) {
    case FV_HOME_ARENA: fv_text_printf(text, "@%zu", root->offset + (root == info ? 0 : info->offset)); break;
    case FV_HOME_WEIGHT: fv_text_printf(text, "=%s", plan->net->values[root->value].name); break;
    case FV_HOME_CONSTANT: fv_text_add(text, "=constant"); break;
    case FV_HOME_VIEW: break;
    }
    if (!result) return;
    fv_text_add(text, " (");
    add_bytes(text, info->bytes);
    fv_text_add(text, ")");
}

static void add_call(fv_text *text, const fv_plan *plan, int i) {
    const fv_planned_call *call = &plan->calls[i];
    fv_text_printf(text, "%4d %s %-20s %-14s %-20s", i,
                   i < plan->steady_calls ? "="
                   : call->backward       ? "<"
                                          : ">",
                   call->node >= 0 ? plan->net->nodes[call->node].name : "(plan)", fv_routine_name(call->routine),
                   call->kernel->name);
    int results = fv_call_results(call);
    for (int k = 0; k < call->args; ++k) {
        if (k == results) fv_text_add(text, " <-");
        add_operand(text, plan, call->arg[k], k < results);
    }
    if (call->packed) {
        fv_text_add(text, call->packs ? "; packs " : "; shares ");
        add_bytes(text, call->packed);
    }
    fv_text_add(text, "\n");
}

char *fv_plan_to_text(const fv_plan *plan) {
    fv_text text = {0};
    for (int i = 0; i < plan->call_count; ++i) add_call(&text, plan, i);
    fv_text_printf(&text, "%d calls, batch %lld, kernels %s: values ", plan->call_count, (long long)plan->batch,
                   plan->table->name);
    add_bytes(&text, plan->arena_bytes);
    fv_text_add(&text, " + scratch ");
    add_bytes(&text, plan->scratch_bytes);
    fv_text_add(&text, " + packed weights ");
    add_bytes(&text, plan->packed_bytes);
    fv_text_add(&text, " = ");
    add_bytes(&text, fv_plan_bytes(plan));
    fv_text_add(&text, "\n");
    return fv_text_take(&text);
}
