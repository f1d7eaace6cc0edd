/* differentiate.c - backward calls: reverse mode over the graph, towards any chosen values.
 *
 * Only applications on a path from what is differentiated by to a target are visited. A gradient is a single-assignment
 * operand like any other; each further contribution is added into a fresh one, in a fixed order (last reader first),
 * and the layout lets the sum take the place of a term that dies there. */
#include "emit.h"

static bool real(const fv_plan *plan, int value) { return plan->types[value].dtype == FV_F32; }

/* ---- which gradients -----------------------------------------------------------------------------------------------
 */

/* Values that depend on something to be differentiated by. */
static void mark_dependent(const fv_plan *plan, const fv_plan_options *options, const bool *needed, bool *depends) {
    const fv_net *net = plan->net;
    if (options->gradients)
        for (int v = 0; v < net->value_count; ++v)
            if (net->values[v].kind == FV_KIND_WEIGHT && !net->values[v].parameter.fixed) depends[v] = needed[v];
    for (int i = 0; i < options->by_count; ++i) depends[options->by[i]] = needed[options->by[i]];
    for (int k = 0; k < net->node_count; ++k) {
        const fv_node *node = &net->nodes[k];
        bool any = false;
        for (int i = 0; i < node->inputs + node->parameters; ++i)
            any = any || (node->value_in[i] >= 0 && depends[node->value_in[i]] && real(plan, node->value_in[i]));
        for (int i = 0; any && i < node->outputs; ++i)
            if (needed[node->value_out[i]] && real(plan, node->value_out[i])) depends[node->value_out[i]] = true;
    }
}

/* Values that a target is computed from. */
static void mark_reaching(const fv_plan *plan, const fv_plan_options *options, const bool *needed, bool *reaches) {
    const fv_net *net = plan->net;
    for (int i = 0; i < options->seed_count; ++i) reaches[options->seeds[i]] = true;
    for (int i = 0; !options->seed_count && i < net->loss_count; ++i) reaches[net->losses[i].value] = true;
    for (int k = net->node_count - 1; k >= 0; --k) {
        const fv_node *node = &net->nodes[k];
        bool any = false;
        for (int i = 0; i < node->outputs; ++i)
            any = any || (reaches[node->value_out[i]] && needed[node->value_out[i]] && real(plan, node->value_out[i]));
        for (int i = 0; any && i < node->inputs + node->parameters; ++i)
            if (node->value_in[i] >= 0) reaches[node->value_in[i]] = true;
    }
}

fv_status fv_mark_gradients(const fv_plan *plan, const fv_plan_options *options, const bool *needed, bool *wants,
                            fv_error *error) {
    size_t values = (size_t)plan->net->value_count;
    bool *reaches = fv_alloc(values + 1);
    if (!reaches) return fv_fail_memory(error, "differentiation", values);
    mark_dependent(plan, options, needed, wants);
    mark_reaching(plan, options, needed, reaches);
    for (size_t v = 0; v < values; ++v) wants[v] = wants[v] && reaches[v] && real(plan, (int)v);
    fv_free(reaches);
    return FV_OK;
}

/* ---- the backward calls --------------------------------------------------------------------------------------------
 */

/* sum = a + b, both of the value's type */
static fv_operand add(fv_emit *e, const fv_type *type, fv_operand a, fv_operand b) {
    fv_geom geom = fv_geom_for(e, type);
    geom.binary.kind = FV_B_ADD;
    fv_walk *walk = &geom.binary.walk;
    walk->rank = 2;
    walk->dim[0] = geom.n;
    walk->dim[1] = fv_type_each(type);
    walk->y[0] = walk->a[0] = walk->b[0] = walk->dim[1];
    walk->y[1] = walk->a[1] = walk->b[1] = 1;
    fv_operand sum = fv_temp(e, type);
    FV_CALL(e, FV_R_BINARY, &geom, sum, a, b);
    return sum;
}

static void accumulate(fv_emit *e, int value, fv_operand contribution) {
    if (contribution == FV_NO_OPERAND || !e->wants[value]) return;
    fv_operand *gradient = &e->plan->gradient_of[value];
    *gradient = *gradient == FV_NO_OPERAND ? contribution : add(e, &e->plan->types[value], *gradient, contribution);
}

/* seed * weight of its sample, for a loss of `each` numbers a sample. */
static fv_operand weigh(fv_emit *e, const fv_type *type, fv_operand seed) {
    fv_geom geom = fv_geom_for(e, type);
    geom.binary.kind = FV_B_MUL;
    fv_walk *walk = &geom.binary.walk;
    walk->rank = 2;
    walk->dim[0] = geom.n;
    walk->dim[1] = fv_type_each(type);
    walk->y[0] = walk->a[0] = walk->dim[1];
    walk->y[1] = walk->a[1] = walk->b[0] = 1;
    fv_operand weighted = fv_temp(e, type);
    FV_CALL(e, FV_R_BINARY, &geom, weighted, seed, e->plan->sample_weights);
    return weighted;
}

/* d total / d loss: weight / n for each sample, or the weight itself for a loss without a batch. */
static void seed_losses(fv_emit *e) {
    const fv_net *net = e->plan->net;
    for (int i = 0; i < net->loss_count; ++i) {
        int value = net->losses[i].value;
        if (!e->wants[value]) continue;
        const fv_type *type = &e->plan->types[value];
        fv_geom geom = fv_geom_for(e, type);
        geom.fill = (fv_fill_geom){net->losses[i].weight, geom.batched, fv_type_each(type)};
        fv_operand seed = fv_temp(e, type);
        FV_CALL(e, FV_R_FILL, &geom, seed);
        bool weighted = e->plan->weighted_loss == i + 1 && e->plan->sample_weights >= 0 && geom.batched;
        accumulate(e, value, weighted ? weigh(e, type, seed) : seed);
    }
}

static fv_status visit(fv_emit *e, int k) {
    const fv_node *node = &e->plan->net->nodes[k];
    bool arrives = false, leaves = false;
    for (int i = 0; i < node->outputs; ++i) arrives = arrives || e->plan->gradient_of[node->value_out[i]] >= 0;
    int ports = node->inputs + node->parameters;
    for (int i = 0; i < ports; ++i) leaves = leaves || (node->value_in[i] >= 0 && e->wants[node->value_in[i]]);
    if (!arrives || !leaves) return e->status;
    if (!node->op->backward)
        return fv_fail(e->error, FV_E_UNSUPPORTED, "%s (%s): this operator cannot be differentiated", node->name,
                       node->op->name);
    e->node = k;
    for (int i = 0; i < ports; ++i) e->d_port[i] = FV_NO_OPERAND;
    node->op->backward(e);
    e->node = -1;
    for (int i = 0; i < ports && !e->status; ++i)
        if (node->value_in[i] >= 0) accumulate(e, node->value_in[i], e->d_port[i]);
    return e->status;
}

fv_status fv_emit_backward(fv_emit *e, const bool *needed) {
    fv_plan *plan = e->plan;
    const fv_net *net = plan->net;
    e->backward = true;
    e->node = -1;
    if (plan->seed_count)
        for (int i = 0; i < plan->seed_count; ++i) accumulate(e, plan->seed_values[i], plan->seeds[i]);
    else
        seed_losses(e);
    for (int k = net->node_count - 1; k >= 0 && !e->status; --k) {
        bool any = false;
        for (int i = 0; i < net->nodes[k].outputs; ++i) any = any || needed[net->nodes[k].value_out[i]];
        if (any && visit(e, k)) return e->status ? e->status : FV_E_UNSUPPORTED;
    }
    return e->status;
}
