/* emit.c - what an operator says to the planner while it emits its calls (the functions of op.h). */
#include "emit.h"

#include "hash.h"

#include <string.h>

static const fv_node *node_of(const fv_emit *e) { return &e->plan->net->nodes[e->node]; }

static void fail(fv_emit *e, const char *what, int index) {
    if (e->status) return;
    const fv_node *node = node_of(e);
    e->status =
        fv_fail(e->error, FV_E_UNSUPPORTED, "%s (%s): the operator %s %d", node->name, node->op->name, what, index);
}

const void *fv_emit_fields(const fv_emit *e) { return node_of(e)->fields; }
bool fv_emit_training(const fv_emit *e) { return e->options->training; }
int fv_emit_inputs(const fv_emit *e) { return node_of(e)->inputs; }
int fv_emit_outputs(const fv_emit *e) { return node_of(e)->outputs; }
uint64_t fv_emit_key(const fv_emit *e) { return fv_hash_text(node_of(e)->name); }

/* ---- values --------------------------------------------------------------------------------------------------------
 */

/* The value behind port `port` (inputs, then parameters), -1 if absent. */
static int read_value(const fv_emit *e, int port) {
    const fv_node *node = node_of(e);
    return port >= 0 && port < node->inputs + node->parameters ? node->value_in[port] : -1;
}

static int weight_port(const fv_emit *e, int k) { return k < 0 ? -1 : node_of(e)->inputs + k; }

static int made_value(const fv_emit *e, int i) {
    const fv_node *node = node_of(e);
    return i >= 0 && i < node->outputs ? node->value_out[i] : -1;
}

static const fv_type *type_of(const fv_emit *e, int value) {
    static const fv_type none = {FV_NO_DTYPE, {0, {0}}};
    return value >= 0 ? &e->plan->types[value] : &none;
}

const fv_type *fv_in_type(const fv_emit *e, int i) { return type_of(e, read_value(e, i)); }
const fv_type *fv_out_type(const fv_emit *e, int i) { return type_of(e, made_value(e, i)); }
const fv_type *fv_weight_type(const fv_emit *e, int k) { return type_of(e, read_value(e, weight_port(e, k))); }

static fv_operand operand_of(const fv_emit *e, int value) {
    return value < 0 ? FV_NO_OPERAND : e->plan->of_value[value];
}

fv_operand fv_in(const fv_emit *e, int i) {
    return i < node_of(e)->inputs ? operand_of(e, read_value(e, i)) : FV_NO_OPERAND;
}
fv_operand fv_weight(const fv_emit *e, int k) { return operand_of(e, read_value(e, weight_port(e, k))); }

/* Operators see a plan that they cannot change but through these calls; making an output's operand on first mention is
 * one of them, hence the cast. */
fv_operand fv_out(const fv_emit *emit, int i) {
    fv_emit *e = (fv_emit *)emit;
    int value = made_value(e, i);
    if (value < 0) return FV_NO_OPERAND;
    if (e->plan->of_value[value] == FV_NO_OPERAND && !e->backward)
        e->plan->of_value[value] = fv_plan_operand(
            e, &(fv_operand_info){.home = FV_HOME_ARENA, .type = e->plan->types[value], .value = value});
    return e->plan->of_value[value];
}

void fv_out_is(fv_emit *e, int i, fv_operand operand) {
    int value = made_value(e, i);
    if (value < 0 || operand < 0 || operand >= e->plan->operand_count) {
        fail(e, "gives away an operand that is not there as output", i);
        return;
    }
    e->plan->of_value[value] = fv_plan_view(e, operand, &e->plan->types[value]);
}

/* ---- gradients -----------------------------------------------------------------------------------------------------
 */

fv_operand fv_d_out(const fv_emit *e, int i) {
    int value = made_value(e, i);
    return value < 0 ? FV_NO_OPERAND : e->plan->gradient_of[value];
}

static bool wants(const fv_emit *e, int port) {
    int value = read_value(e, port);
    return value >= 0 && e->wants && e->wants[value];
}

bool fv_wants_d_in(const fv_emit *e, int i) { return i < node_of(e)->inputs && wants(e, i); }
bool fv_wants_d_weight(const fv_emit *e, int k) { return wants(e, weight_port(e, k)); }

static fv_operand contribution(fv_emit *e, int port) {
    int value = read_value(e, port);
    if (value < 0 || !e->backward) return FV_NO_OPERAND;
    if (e->d_port[port] == FV_NO_OPERAND)
        e->d_port[port] =
            fv_plan_operand(e, &(fv_operand_info){.home = FV_HOME_ARENA, .type = e->plan->types[value], .value = -1});
    return e->d_port[port];
}

fv_operand fv_d_in(fv_emit *e, int i) { return contribution(e, i); }
fv_operand fv_d_weight(fv_emit *e, int k) { return contribution(e, weight_port(e, k)); }

void fv_d_in_is(fv_emit *e, int i, fv_operand operand) {
    int value = read_value(e, i);
    if (value < 0 || !e->backward || operand < 0 || operand >= e->plan->operand_count)
        fail(e, "gives away an operand that is not there as gradient of input", i);
    else
        e->d_port[i] = fv_plan_view(e, operand, &e->plan->types[value]);
}

/* ---- operands of the operator's own --------------------------------------------------------------------------------
 */

fv_operand fv_temp(fv_emit *e, const fv_type *type) {
    return fv_plan_operand(e, &(fv_operand_info){.home = FV_HOME_ARENA, .type = *type, .value = -1});
}

/* Real constants come as float; a table of doubles gets them widened. */
fv_operand fv_constant(fv_emit *e, const fv_type *type, const void *data) {
    fv_operand made = fv_plan_operand(e, &(fv_operand_info){.home = FV_HOME_CONSTANT, .type = *type, .value = -1});
    if (made < 0) return made;
    fv_operand_info *info = &e->plan->operands[made];
    void *bytes = fv_arena_take(e->plan->memory, info->bytes ? info->bytes : 1);
    if (!bytes) {
        e->status = fv_fail_memory(e->error, "a constant", info->bytes);
        return FV_NO_OPERAND;
    }
    size_t stored = fv_dtype_size(type->dtype);
    if (fv_plan_element(e->plan, type->dtype) == stored) {
        memcpy(bytes, data, info->bytes);
    } else {
        size_t count = info->bytes / sizeof(double);
        for (size_t i = 0; i < count; ++i) ((double *)bytes)[i] = ((const float *)data)[i];
    }
    info->constant = bytes;
    return made;
}

void *fv_emit_memory(fv_emit *e, size_t bytes) {
    void *memory = fv_arena_take(e->plan->memory, bytes);
    if (!memory && !e->status) e->status = fv_fail_memory(e->error, "a table of the plan", bytes);
    return memory;
}

void fv_emit_refuse(fv_emit *e, const char *why) {
    const fv_node *node = node_of(e);
    if (!e->status) e->status = fv_fail(e->error, FV_E_UNSUPPORTED, "%s (%s): %s", node->name, node->op->name, why);
}

void fv_save(fv_emit *e, int slot, fv_operand operand) {
    if (slot < 0 || slot >= FV_MAX_SAVED)
        fail(e, "saves more than there is room for: slot", slot);
    else
        e->saved[(size_t)e->node * FV_MAX_SAVED + (size_t)slot] = operand;
}

fv_operand fv_saved(const fv_emit *e, int slot) {
    return slot < 0 || slot >= FV_MAX_SAVED ? FV_NO_OPERAND : e->saved[(size_t)e->node * FV_MAX_SAVED + (size_t)slot];
}

/* ---- calls ---------------------------------------------------------------------------------------------------------
 */

fv_geom fv_geom_for(const fv_emit *e, const fv_type *type) {
    fv_geom geom;
    memset(&geom, 0, sizeof geom); /* padding too: geometries are compared as bytes */
    geom.batched = fv_type_batched(type);
    geom.n = geom.batched ? e->plan->batch : 1;
    geom.exact = e->options->exact;
    geom.bf16 = e->options->bf16;
    geom.training = e->options->training || e->options->gradients;
    return geom;
}

/* Nothing to write: every result has no elements. */
static bool empty_handed(const fv_plan *plan, const fv_planned_call *call) {
    for (int k = 0; k < fv_call_results(call) && k < call->args; ++k)
        if (call->arg[k] >= 0 && plan->operands[call->arg[k]].bytes) return false;
    return true;
}

void fv_emit_call(fv_emit *e, fv_routine routine, const fv_geom *geom, const fv_operand *args, int count) {
    fv_plan *plan = e->plan;
    if (e->status) return;
    if (count < 1 || count > FV_MAX_ARGS || routine < 0 || routine >= FV_R_COUNT) {
        fail(e, "emits a call with a wrong number of arguments:", count);
        return;
    }
    if (!fv_grow((void **)&plan->calls, &plan->call_capacity, plan->call_count, sizeof *plan->calls)) {
        e->status = fv_fail_memory(e->error, "a plan", sizeof *plan->calls * (size_t)plan->call_count);
        return;
    }
    fv_planned_call *call = &plan->calls[plan->call_count];
    memset(call, 0, sizeof *call);
    call->routine = routine;
    call->geom = *geom;
    call->args = count;
    call->node = e->node;
    call->backward = e->backward;
    for (int k = 0; k < FV_MAX_ARGS; ++k) call->arg[k] = k < count ? args[k] : FV_NO_OPERAND;
    for (int k = 0; k < count; ++k) {
        if (args[k] >= FV_NO_OPERAND && args[k] < plan->operand_count) continue;
        fail(e, "emits a call with an operand that is not there: argument", k);
        return;
    }
    /* An element function's backward keeps alive only what it reads: the less it holds, the more can be fused. */
    if (routine == FV_R_UNARY_BACK) {
        unsigned reads = fv_unary_reads(geom->unary.kind);
        if (!(reads & FV_READS_X)) call->arg[2] = FV_NO_OPERAND;
        if (!(reads & FV_READS_Y)) call->arg[3] = FV_NO_OPERAND;
    }
    if (args[0] >= 0) { /* operators do not know how wide the table's reals are */
        int element = (int)fv_plan_element(plan, plan->operands[args[0]].type.dtype);
        if (routine == FV_R_COPY) call->geom.copy.element = element;
        if (routine == FV_R_SELECT) call->geom.select.element = element;
    }
    if (!empty_handed(plan, call)) plan->call_count++;
}
