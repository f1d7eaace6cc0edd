/* plan_text.c - a plan for people: one line a call. */
#include "emit.h"

#include "text.h"

#include <stdio.h>
#include <string.h>

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
    if (info->pixel) fv_text_printf(text, "/%lld", (long long)info->pixel); /* a slice: of so many channels */
    switch (root->home) {
    case FV_HOME_ARENA: fv_text_printf(text, "@%zu", root->offset + fv_operand_offset(plan, operand)); break;
    case FV_HOME_WEIGHT: fv_text_printf(text, "=%s", plan->net->values[root->value].name); break;
    case FV_HOME_CONSTANT: fv_text_add(text, "=constant"); break;
    case FV_HOME_VIEW: break;
    }
    if (!result) return;
    fv_text_add(text, " (");
    add_bytes(text, info->bytes);
    fv_text_add(text, ")");
}

/* ---- expected times: their proportions matter, not their size -------------------------------------------------------
 */

/* Multiply-adds in the time of a byte moved: a core of 120 per ns reads some 30 bytes per ns from the caches that
 * activations lie in. */
static const double macs_per_byte = 4;

/* Time of these variants for the multiply-adds of a direct sum, as measured on layers of 64 to 512 channels. */
static const struct {
    const char *suffix;
    double part;
} faster[] = {{".winograd4", 0.4}, {".winograd2", 0.6}, {"_bf16", 0.55}};

double fv_call_macs(const fv_planned_call *call) {
    if (call->routine != FV_R_CONV && call->routine != FV_R_CONV_DATA && call->routine != FV_R_CONV_WEIGHTS) return 0;
    const fv_conv_geom *g = &call->geom.conv;
    double macs = (double)call->geom.n * (double)g->f * (double)(g->c / g->groups);
    for (int d = 0; d < 3; ++d) macs *= (double)g->out[d] * (double)g->kernel[d];
    return macs;
}

/* In the time of so many of a direct sum. */
static double multiply_adds(const fv_planned_call *call) {
    double macs = fv_call_macs(call);
    for (size_t i = 0; i < sizeof faster / sizeof *faster; ++i)
        if (strstr(call->kernel->name, faster[i].suffix)) macs *= faster[i].part;
    return macs;
}

static double expected_time(const fv_plan *plan, const fv_planned_call *call) {
    double bytes = (double)call->packed;
    for (int k = 0; k < call->args; ++k)
        if (call->arg[k] >= 0) bytes += (double)plan->operands[call->arg[k]].bytes;
    const double macs = multiply_adds(call), moved = bytes * macs_per_byte;
    return macs > moved ? macs : moved;
}

/* ---- the text ------------------------------------------------------------------------------------------------------
 */

/* Is the result written over an argument that dies with the call? */
static bool in_place(const fv_plan *plan, const fv_planned_call *call) {
    fv_operand y = fv_operand_root(plan, call->arg[0]);
    for (int k = 1; k < call->args; ++k) {
        fv_operand x = fv_operand_root(plan, call->arg[k]);
        if (x < 0 || y < 0 || x == y || plan->operands[x].home != FV_HOME_ARENA ||
            (call->packed && k == call->packed_arg))
            continue;
        if (plan->operands[y].home == FV_HOME_ARENA && plan->operands[x].offset == plan->operands[y].offset)
            return true;
    }
    return false;
}

static void add_call(fv_text *text, const fv_plan *plan, int i, double total) {
    const fv_planned_call *call = &plan->calls[i];
    fv_text_printf(text, "%4d %s %-20s %-14s %-22s %5.1f%%", i,
                   i < plan->steady_calls ? "="
                   : call->backward       ? "<"
                                          : ">",
                   call->node >= 0 ? plan->net->nodes[call->node].name : "(plan)", fv_routine_name(call->routine),
                   call->kernel->name, total > 0 ? 100 * expected_time(plan, call) / total : 0);
    int results = fv_call_results(call);
    for (int k = 0; k < call->args; ++k) {
        if (k == results) fv_text_add(text, " <-");
        add_operand(text, plan, call->arg[k], k < results);
    }
    if (in_place(plan, call)) fv_text_add(text, "; in place");
    if (call->scratch) {
        fv_text_add(text, "; scratch ");
        add_bytes(text, call->scratch);
    }
    if (call->packed) {
        fv_text_add(text, call->pack_now ? "; packs each time " : call->packs ? "; packs " : "; shares ");
        add_bytes(text, call->packed);
    }
    fv_text_add(text, "\n");
}

char *fv_plan_to_text(const fv_plan *plan) {
    fv_text text = {0};
    double total = 0;
    for (int i = 0; i < plan->call_count; ++i) total += expected_time(plan, &plan->calls[i]);
    for (int i = 0; i < plan->call_count; ++i) add_call(&text, plan, i, total);
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

char *fv_net_plan_text_with(fv_net *net, fv_error *error, const fv_run_options *given) {
    fv_run_options options = {0};
    memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    fv_plan_options wish = {.batch = options.batch ? options.batch : 1,
                            .input = options.input.rank ? &options.input : NULL,
                            .training = options.training,
                            .losses = options.training && net->loss_count > 0,
                            .gradients = options.gradients,
                            .threads = options.threads,
                            .exact = options.exact,
                            .bf16 = options.bf16};
    fv_plan *plan = fv_plan_new(net, &wish, error);
    if (!plan) return NULL;
    char *text = fv_plan_to_text(plan);
    fv_plan_free(plan);
    if (!text) fv_fail_memory(error, "a plan's text", 0);
    return text;
}
