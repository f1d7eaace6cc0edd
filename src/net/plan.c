/* plan.c - from a net and what is wanted of it to a plan: which applications are needed, their forward and backward
 * calls, passes, a kernel for each call, and the layout. */
#include "emit.h"

#include <string.h>

/* What is needed while a plan is made. */
typedef struct fv_draft {
    fv_plan *plan;
    const fv_plan_options *options;
    fv_error *error;
    fv_arena *scratch;
    bool *needed; /* by value */
    bool *wants;  /* by value: its gradient */
    bool losses, backward;
    fv_emit emit;
} fv_draft;

/* ---- what is asked for ---------------------------------------------------------------------------------------------
 */

static fv_status check_values(const fv_net *net, const int *values, int count, const char *what, fv_error *error) {
    for (int i = 0; i < count; ++i)
        if (values[i] < 0 || values[i] >= net->value_count)
            return fv_fail(error, FV_E_ARGUMENT, "%s: value %d is not one of the net's %d", what, values[i],
                           net->value_count);
    return FV_OK;
}

/* Every run goes through here, so what excludes one another in any options is refused here. */
static fv_status check_options(const fv_net *net, const fv_plan_options *options, fv_error *error) {
    if (options->exact && options->bf16)
        return fv_fail(
            error, FV_E_ARGUMENT,
            "exact and bf16: expected one of them at most (a training that goes on keeps what it began with)");
    if (options->batch < 1 || options->batch > INT32_MAX)
        return fv_fail(error, FV_E_ARGUMENT, "batch: expected 1 .. %d, got %lld", INT32_MAX, (long long)options->batch);
    if (check_values(net, options->wanted, options->wanted_count, "wanted", error) ||
        check_values(net, options->by, options->by_count, "by", error) ||
        check_values(net, options->seeds, options->seed_count, "seeds", error))
        return FV_E_ARGUMENT;
    if (!options->seed_count && !net->loss_count && (options->losses || options->gradients || options->by_count))
        return fv_fail(error, FV_E_ARGUMENT, "the net has no loss, so there is nothing to %s",
                       options->losses ? "measure" : "differentiate");
    return FV_OK;
}

static void need(fv_draft *d, const int *values, int count) {
    for (int i = 0; i < count; ++i) d->needed[values[i]] = true;
}

/* Everything else is a dead branch: losses in inference, heads that nobody asked for. */
static void mark_needed(fv_draft *d) {
    const fv_net *net = d->plan->net;
    const fv_plan_options *options = d->options;
    for (int i = 0; i < net->output_count; ++i) d->needed[net->outputs[i].value] = true;
    if (d->plan->output_value >= 0) d->needed[d->plan->output_value] = true;
    need(d, options->wanted, options->wanted_count);
    need(d, options->by, options->by_count);
    need(d, options->seeds, options->seed_count);
    for (int i = 0; d->losses && i < net->loss_count; ++i) d->needed[net->losses[i].value] = true;
    for (int k = net->node_count - 1; k >= 0; --k) {
        const fv_node *node = &net->nodes[k];
        bool any = false;
        for (int i = 0; i < node->outputs; ++i) any = any || d->needed[node->value_out[i]];
        for (int i = 0; any && i < node->inputs + node->parameters; ++i)
            if (node->value_in[i] >= 0) d->needed[node->value_in[i]] = true;
    }
}

static fv_status check_concrete(const fv_draft *d) {
    const fv_net *net = d->plan->net;
    for (int v = 0; v < net->value_count; ++v) {
        const fv_shape *shape = &d->plan->types[v].shape;
        for (int i = 0; d->needed[v] && i < shape->rank; ++i) {
            if (shape->dim[i] >= 0 || (i == 0 && shape->dim[i] == FV_BATCH)) continue;
            char text[128];
            return fv_fail(d->error, FV_E_SHAPE, "%s has the open shape %s: a run needs the input's sizes",
                           net->values[v].name, fv_shape_text(shape, text, sizeof text));
        }
    }
    return FV_OK;
}

/* ---- operands that are there before any call -------------------------------------------------------------------- */

static fv_operand constant_operand(fv_emit *e, int value) {
    fv_operand made = fv_constant(e, &e->plan->types[value], e->plan->net->values[value].constant);
    if (made >= 0) e->plan->operands[made].value = value;
    return made;
}

static void give_operands(fv_draft *d) {
    fv_plan *plan = d->plan;
    for (int v = 0; v < plan->net->value_count && !d->emit.status; ++v) {
        if (!d->needed[v]) continue;
        fv_operand_info info = {.home = FV_HOME_WEIGHT, .type = plan->types[v], .value = v};
        switch (plan->net->values[v].kind) {
        case FV_KIND_INPUT:
            info.home = FV_HOME_ARENA;
            info.pinned = info.given = true;
            plan->of_value[v] = fv_plan_operand(&d->emit, &info);
            break;
        case FV_KIND_WEIGHT:
        case FV_KIND_STATE: plan->of_value[v] = fv_plan_operand(&d->emit, &info); break;
        case FV_KIND_CONSTANT: plan->of_value[v] = constant_operand(&d->emit, v); break;
        case FV_KIND_RESULT: break;
        }
    }
    for (int i = 0; i < plan->seed_count; ++i) {
        fv_operand_info info = {.home = FV_HOME_ARENA,
                                .type = plan->types[plan->seed_values[i]],
                                .value = -1,
                                .pinned = true,
                                .given = true};
        plan->seeds[i] = fv_plan_operand(&d->emit, &info);
    }
    if (!plan->weighted_loss) return;
    fv_operand_info info = {.home = FV_HOME_ARENA,
                            .type = {FV_F32, {1, {FV_BATCH}}},
                            .value = -1,
                            .pinned = true,
                            .given = true};
    plan->sample_weights = fv_plan_operand(&d->emit, &info);
}

/* ---- calls ---------------------------------------------------------------------------------------------------------
 */

static fv_status emit_forward(fv_draft *d) {
    fv_plan *plan = d->plan;
    for (int k = 0; k < plan->net->node_count && !d->emit.status; ++k) {
        const fv_node *node = &plan->net->nodes[k];
        bool any = false;
        for (int i = 0; i < node->outputs; ++i) any = any || d->needed[node->value_out[i]];
        if (!any) continue;
        d->emit.node = k;
        node->op->forward(&d->emit);
        for (int i = 0; i < node->outputs && !d->emit.status; ++i)
            if (d->needed[node->value_out[i]] && plan->of_value[node->value_out[i]] == FV_NO_OPERAND)
                return fv_fail(d->error, FV_E_UNSUPPORTED, "%s (%s): the operator does not make its output %d",
                               node->name, node->op->name, i);
    }
    plan->forward_calls = plan->call_count;
    return d->emit.status;
}

/* A guard against operators that read what they have not written: such memory would hold another value's numbers. */
static fv_status check_written(const fv_draft *d) {
    const fv_plan *plan = d->plan;
    bool *written = fv_arena_take(d->scratch, (size_t)plan->operand_count + 1);
    if (!written) return fv_fail_memory(d->error, "a plan", (size_t)plan->operand_count);
    for (int o = 0; o < plan->operand_count; ++o)
        written[o] = plan->operands[o].home != FV_HOME_ARENA || plan->operands[o].given || !plan->operands[o].bytes;
    for (int i = 0; i < plan->call_count; ++i) {
        const fv_planned_call *call = &plan->calls[i];
        for (int k = 0; k < call->args; ++k) {
            fv_operand root = fv_operand_root(plan, call->arg[k]);
            if (root >= 0 && fv_call_reads(call, k) && !written[root])
                return fv_fail(d->error, FV_E_UNSUPPORTED, "%s: argument %d of %s is read before it is written",
                               call->node >= 0 ? plan->net->nodes[call->node].name : "plan", k,
                               fv_routine_name(call->routine));
        }
        for (int k = 0; k < fv_call_results(call) && k < call->args; ++k)
            if (call->arg[k] >= 0) written[fv_operand_root(plan, call->arg[k])] = true;
    }
    return FV_OK;
}

static void pin(fv_plan *plan, fv_operand operand) {
    fv_operand root = fv_operand_root(plan, operand);
    if (root >= 0) plan->operands[root].pinned = true;
}

/* What stays readable after a run. */
static void pin_results(fv_draft *d) {
    fv_plan *plan = d->plan;
    const fv_net *net = plan->net;
    for (int i = 0; i < net->output_count; ++i) pin(plan, plan->of_value[net->outputs[i].value]);
    if (plan->output_value >= 0) pin(plan, plan->of_value[plan->output_value]);
    for (int i = 0; i < d->options->wanted_count; ++i) pin(plan, plan->of_value[d->options->wanted[i]]);
    for (int i = 0; i < d->options->by_count; ++i) pin(plan, plan->gradient_of[d->options->by[i]]);
    for (int v = 0; d->options->gradients && v < net->value_count; ++v)
        if (net->values[v].kind == FV_KIND_WEIGHT && !net->values[v].parameter.fixed) pin(plan, plan->gradient_of[v]);
    for (int i = 0; d->losses && i < net->loss_count; ++i) {
        plan->losses[i] = plan->of_value[net->losses[i].value];
        pin(plan, plan->losses[i]);
    }
}

static fv_status choose_kernels(fv_plan *plan, fv_error *error) {
    for (int i = 0; i < plan->call_count; ++i) {
        fv_planned_call *call = &plan->calls[i];
        call->kernel = fv_choose_kernel(plan->table, call->routine, &call->geom);
        if (!call->kernel)
            return fv_fail(error, FV_E_UNSUPPORTED, "%s: table %s has no kernel for %s",
                           call->node >= 0 ? plan->net->nodes[call->node].name : "plan", plan->table->name,
                           fv_routine_name(call->routine));
    }
    return FV_OK;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------
 */

static int widest(const fv_net *net) {
    int most = 0;
    for (int k = 0; k < net->node_count; ++k) {
        int ports = net->nodes[k].inputs + net->nodes[k].parameters;
        if (ports > most) most = ports;
    }
    return most;
}

static fv_operand *no_operands(fv_arena *arena, size_t count) {
    fv_operand *operands = fv_arena_take(arena, (count + 1) * sizeof *operands);
    for (size_t i = 0; operands && i <= count; ++i) operands[i] = FV_NO_OPERAND;
    return operands;
}

static fv_status make_room(fv_draft *d) {
    fv_plan *plan = d->plan;
    const fv_plan_options *options = d->options;
    size_t values = (size_t)plan->net->value_count, seeds = (size_t)options->seed_count;
    plan->types = fv_arena_take(plan->memory, (values + 1) * sizeof *plan->types);
    plan->of_value = no_operands(plan->memory, values);
    plan->gradient_of = no_operands(plan->memory, values);
    plan->losses = no_operands(plan->memory, (size_t)plan->net->loss_count);
    plan->seeds = no_operands(plan->memory, seeds);
    int *seed_values = fv_arena_take(plan->memory, (seeds + 1) * sizeof *seed_values);
    fv_net_loss *terms = fv_arena_take(plan->memory, ((size_t)plan->loss_count + 1) * sizeof *terms);
    d->needed = fv_arena_take(d->scratch, values + 1);
    d->wants = fv_arena_take(d->scratch, values + 1);
    d->emit.saved = no_operands(d->scratch, (size_t)plan->net->node_count * FV_MAX_SAVED);
    d->emit.d_port = no_operands(d->scratch, (size_t)widest(plan->net));
    if (!plan->types || !plan->of_value || !plan->gradient_of || !plan->losses || !plan->seeds || !seed_values || !terms ||
        !d->needed || !d->wants || !d->emit.saved || !d->emit.d_port)
        return fv_fail_memory(d->error, "a plan", values * sizeof *plan->types);
    if (seeds) memcpy(seed_values, options->seeds, seeds * sizeof *seed_values);
    if (plan->loss_count) memcpy(terms, plan->net->losses, (size_t)plan->loss_count * sizeof *terms);
    plan->terms = terms;
    plan->seed_values = seed_values;
    plan->seed_count = options->seed_count;
    return FV_OK;
}

static fv_status optimise(fv_draft *d) {
    fv_plan *plan = d->plan;
    bool inference = !d->options->training && !d->backward; /* else weights change with every run */
    fv_status status = fv_pass_prune(plan, d->error);
    if (!status && inference && !d->options->exact) status = fv_pass_fold_batchnorm(&d->emit);
    if (!status) status = fv_pass_fuse(plan, d->error);
    if (!status && d->backward) status = fv_pass_fuse_back(plan, d->error);
    if (!status) status = fv_pass_slice(plan, d->error);
    if (!status && inference) status = fv_pass_hoist(plan, d->error);
    return status;
}

static fv_status build(fv_draft *d) {
    fv_plan *plan = d->plan;
    fv_status status = make_room(d);
    if (status) return status;
    if ((status = fv_net_infer(plan->net, d->options->input, plan->types, d->error))) return status;
    d->backward = d->options->gradients || d->options->by_count;
    d->losses = d->options->losses || (d->backward && !d->options->seed_count);
    mark_needed(d);
    if ((status = check_concrete(d))) return status;
    if (d->backward && (status = fv_mark_gradients(plan, d->options, d->needed, d->wants, d->error))) return status;
    d->emit.wants = d->wants;
    give_operands(d);
    if (d->emit.status) return d->emit.status;
    if ((status = emit_forward(d))) return status;
    if (d->backward && (status = fv_emit_backward(&d->emit, d->needed))) return status;
    if ((status = check_written(d))) return status;
    pin_results(d);
    if (!d->options->no_passes && (status = optimise(d))) return status;
    if ((status = choose_kernels(plan, d->error))) return status;
    return fv_plan_lay_out(plan, d->error);
}

fv_plan *fv_plan_new(fv_net *net, const fv_plan_options *options, fv_error *error) {
    if (net->error.status) {
        if (error) *error = net->error;
        return NULL;
    }
    if (check_options(net, options, error)) return NULL;
    fv_plan *plan = fv_alloc(sizeof *plan);
    fv_draft d = {.plan = plan, .options = options, .error = error, .scratch = fv_arena_new()};
    if (plan) {
        plan->net = fv_net_keep(net);
        plan->table = options->table ? options->table : fv_kernels();
        plan->batch = options->batch;
        plan->value_count = net->value_count;
        plan->loss_count = net->loss_count;
        plan->output_value = fv_net_output_value(net);
        plan->weighted_loss = options->weighted_loss;
        plan->sample_weights = FV_NO_OPERAND;
        plan->changing = options->training || options->gradients;
        plan->threads = options->threads > 0 ? options->threads : fv_threads();
        plan->memory = fv_arena_new();
    }
    d.emit = (fv_emit){.plan = plan, .options = options, .error = error, .node = -1};
    fv_status status = FV_OK;
    if (!plan || !plan->memory || !d.scratch)
        status = fv_fail_memory(error, "a plan", sizeof *plan);
    else
        status = build(&d);
    fv_arena_free(d.scratch);
    if (!status) return plan;
    fv_plan_free(plan);
    return NULL;
}

void fv_plan_free(fv_plan *plan) {
    if (!plan) return;
    fv_net_free(plan->net);
    fv_free(plan->operands);
    fv_free(plan->calls);
    fv_arena_free(plan->memory);
    fv_free(plan);
}
