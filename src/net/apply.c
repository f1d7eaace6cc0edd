/* apply.c - applying operators: from an operator, inputs and fields to a node with its parameters and results. */
#include "graph.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* ---- a draft becomes a node ------------------------------------------------------------------------------------- */

/* What is to be appended once nothing can fail any more. */
typedef struct additions {
    fv_node node;
    fv_value_info parameters[FV_MAX_PORTS], results[FV_MAX_OUTPUTS];
    bool make[FV_MAX_PORTS]; /* parameter k is new */
} additions;

FV_PRINTF(3, 4) static fv_status wrong(const fv_draft *d, fv_error *error, const char *format, ...) {
    char message[400];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    return fv_fail(error, FV_E_ARGUMENT, "%s (%s): %s", d->name, d->op->name, message);
}

static fv_status short_of_memory(fv_error *error) { return fv_fail_memory(error, "a layer", sizeof(fv_node)); }

static const fv_port *parameter_port(const fv_op *op, int k) { return &op->ports[fv_op_inputs(op) + k]; }

/* How many of the given values are data inputs; the others are parameters. */
static fv_status count_inputs(fv_draft *d, fv_error *error) {
    int ports = fv_op_inputs(d->op), needed = 0;
    for (int i = 0; i < ports; i++)
        if (!d->op->ports[i].optional) needed = i + 1;
    d->inputs = d->count < ports || d->op->variadic ? d->count : ports;
    if (d->inputs < needed)
        return wrong(d, error, "expected %s%d input%s, got %d", ports > needed || d->op->variadic ? "at least " : "",
                     needed, needed == 1 ? "" : "s", d->count);
    for (int i = 0; i < d->count; i++) {
        const fv_value *v = &d->values[i];
        if (!v->net && i >= d->inputs) continue; /* a parameter that is to be made */
        if (!v->net) return wrong(d, error, "input %d is missing", i + 1);
        if (v->net != d->net) return wrong(d, error, "input %d belongs to another net", i + 1);
        if (!fv_value_info_of(*v)) return wrong(d, error, "input %d does not exist", i + 1);
    }
    return FV_OK;
}

static fv_status ask(fv_draft *d, fv_error *error) {
    fv_type *in = fv_alloc_array((size_t)(d->inputs ? d->inputs : 1), sizeof *in);
    if (!in) return short_of_memory(error);
    for (int i = 0; i < d->inputs; i++) in[i] = d->net->values[d->values[i].id].type;
    d->infer =
        (fv_infer){.op = d->op, .fields = d->fields, .layer = d->name, .inputs = d->inputs, .in = in, .error = error};
    fv_status status = fv_infer_ask(&d->infer);
    d->infer.in = NULL;
    d->infer.error = NULL;
    fv_free(in);
    return status;
}

/* Does the value that was given for parameter k fit? */
static fv_status check_parameter(const fv_draft *d, int k, const fv_value_info *given, fv_error *error) {
    const fv_port *port = parameter_port(d->op, k);
    const fv_shape *expected = &d->infer.parameter[k].shape;
    char a[96], b[96];
    if (given->type.dtype != FV_F32 || !fv_shape_equal(&given->type.shape, expected))
        return fv_fail(error, FV_E_SHAPE, "%s (%s): expected f32 %s as %s, got %s %s (%s)", d->name, d->op->name,
                       fv_shape_text(expected, a, sizeof a), port->name, fv_dtype_name(given->type.dtype),
                       fv_shape_text(&given->type.shape, b, sizeof b), given->name);
    if (port->role == FV_STATE && given->kind != FV_KIND_STATE)
        return wrong(d, error, "%s is written in training, so it must be the running statistic of a layer, not %s",
                     port->name, given->name);
    return FV_OK;
}

/* Fills value_in's parameters: given ones in order of the ports that are there, the others as new values. */
static fv_status attach_parameters(const fv_draft *d, additions *a, fv_error *error) {
    int given = d->inputs, next = d->net->value_count;
    for (int k = 0; k < a->node.parameters; k++) {
        const fv_port *port = parameter_port(d->op, k);
        int *slot = &a->node.value_in[d->inputs + k];
        *slot = -1;
        if (d->infer.parameter[k].absent) continue;
        if (given < d->count && d->values[given++].net) {
            *slot = d->values[given - 1].id;
            fv_status status = check_parameter(d, k, &d->net->values[*slot], error);
            if (status) return status;
            continue;
        }
        a->make[k] = true;
        *slot = next++;
        a->parameters[k] = (fv_value_info){.kind = port->role == FV_STATE ? FV_KIND_STATE : FV_KIND_WEIGHT,
                                           .type = {FV_F32, d->infer.parameter[k].shape},
                                           .node = d->net->node_count,
                                           .index = k,
                                           .parameter = d->infer.parameter[k]};
        a->parameters[k].name = fv_arena_printf(d->net->arena, "%s.%s", d->name, port->name);
        if (!a->parameters[k].name) return short_of_memory(error);
    }
    if (given < d->count) return wrong(d, error, "%d values were given, but it takes no more than %d", d->count, given);
    for (int i = 0; i < a->node.outputs; i++) a->node.value_out[i] = next++;
    return FV_OK;
}

static fv_status describe_results(const fv_draft *d, additions *a, fv_error *error) {
    bool of_target = false;
    for (int i = 0; i < d->inputs; i++) of_target = of_target || d->net->values[d->values[i].id].of_target;
    for (int i = 0; i < a->node.outputs; i++) {
        const char *own = d->op->outputs[i];
        const char *name = d->name;
        if (a->node.outputs > 1)
            name = own ? fv_arena_printf(d->net->arena, "%s.%s", d->name, own)
                       : fv_arena_printf(d->net->arena, "%s.y%d", d->name, i + 1);
        if (!name) return short_of_memory(error);
        a->results[i] = (fv_value_info){.kind = FV_KIND_RESULT,
                                        .type = d->infer.out[i],
                                        .name = name,
                                        .of_target = of_target,
                                        .node = d->net->node_count,
                                        .index = i};
    }
    return FV_OK;
}

static fv_status take_names(const fv_draft *d, const additions *a, fv_error *error) {
    fv_status status = fv_names_take(d->net, d->name, error);
    for (int k = 0; !status && k < a->node.parameters; k++)
        if (a->make[k]) status = fv_names_take(d->net, a->parameters[k].name, error);
    for (int i = 0; !status && i < a->node.outputs && a->node.outputs > 1; i++)
        status = fv_names_take(d->net, a->results[i].name, error);
    return status;
}

/* Everything that can fail, so that what follows cannot. */
static fv_status prepare(fv_draft *d, additions *a, fv_error *error) {
    fv_net *net = d->net;
    fv_node *node = &a->node;
    *node = (fv_node){.op = d->op,
                      .name = d->name,
                      .fields = d->fields,
                      .inputs = d->inputs,
                      .parameters = fv_op_parameters(d->op),
                      .outputs = d->infer.outputs,
                      .sugar_of = d->sugar_of,
                      .line = d->line};
    node->value_in = fv_arena_take(net->arena, (size_t)(node->inputs + node->parameters + 1) * sizeof(int));
    node->value_out = fv_arena_take(net->arena, (size_t)node->outputs * sizeof(int));
    if (!node->value_in || !node->value_out) return short_of_memory(error);
    for (int i = 0; i < node->inputs; i++) node->value_in[i] = d->values[i].id;
    fv_status status = attach_parameters(d, a, error);
    if (!status) status = describe_results(d, a, error);
    if (status) return status;
    if (net->value_count > INT_MAX - FV_MAX_PORTS - FV_MAX_OUTPUTS ||
        !fv_grow(&net->nodes, &net->node_capacity, net->node_count, sizeof *net->nodes) ||
        !fv_net_reserve_values(net, FV_MAX_PORTS + FV_MAX_OUTPUTS))
        return short_of_memory(error);
    return take_names(d, a, error);
}

int fv_draft_finish(fv_draft *d, fv_error *error) {
    additions a = {0};
    if (count_inputs(d, error) || ask(d, error) || prepare(d, &a, error)) return -1;
    for (int k = 0; k < a.node.parameters; k++)
        if (a.make[k]) fv_net_push_value(d->net, &a.parameters[k]);
    for (int i = 0; i < a.node.outputs; i++) fv_net_push_value(d->net, &a.results[i]);
    d->net->nodes[d->net->node_count] = a.node;
    return d->net->node_count++;
}

void *fv_draft_fields(fv_net *net, const fv_op *op) {
    return fv_arena_take(net->arena, op->fields_size ? op->fields_size : 1);
}

/* ---- the ways to apply ------------------------------------------------------------------------------------------ */

/* A draft with its name; false and *error when that fails. */
static bool start(fv_draft *d, fv_net *net, const fv_op *op, const char *name, const fv_value *values, int count,
                  fv_error *error) {
    *d = (fv_draft){.net = net, .op = op, .sugar_of = -1, .values = values, .count = count};
    d->name = name ? fv_names_given(net, op->name, name, error) : fv_names_next(net, op->name);
    if (!d->name && !name) short_of_memory(error);
    d->fields = d->name ? fv_draft_fields(net, op) : NULL;
    if (d->name && !d->fields) short_of_memory(error);
    return d->fields != NULL;
}

/* Makes the node and what its fields ask for behind it. */
static fv_value finish(fv_draft *d, fv_error *error) {
    fv_value value = fv_bad_value(d->net);
    int node = fv_draft_finish(d, error);
    if (node < 0) return value;
    value.id = d->net->nodes[node].value_out[0];
    if (fv_sugar(d, node, &value, error)) return fv_bad_value(d->net);
    return value;
}

/* Did a builder before this one fail? A value of no net counts only as an input, not as a parameter left to be made. */
static bool any_bad(const fv_op *op, const fv_value *values, int count) {
    int inputs = op->variadic ? count : fv_op_inputs(op);
    for (int i = 0; i < count; i++)
        if (values[i].net ? values[i].id < 0 : i < inputs && values[i].id < 0) return true;
    return false;
}

fv_value fv_net_apply(fv_net *net, const fv_op *op, const char *name, const fv_value *inputs, int count,
                      const fv_argument *arguments, int argument_count, fv_error *error) {
    if (any_bad(op, inputs, count)) return fv_net_pass_bad(net, op->name, error);
    fv_draft draft;
    fv_error reason = {0};
    fv_value value = fv_bad_value(net);
    if (start(&draft, net, op, name, inputs, count, &reason)) {
        draft.line = argument_count > 0 ? arguments[0].line : 0;
        if (!fv_fields_read(op, draft.name, arguments, argument_count, net->arena, draft.fields, &reason))
            value = finish(&draft, &reason);
    }
    if (reason.status != FV_OK) fv_net_report(net, &reason, error);
    return value;
}

fv_value fv_apply(fv_net *net, const char *op_name, const fv_value *inputs, int count, const char *fields,
                  fv_error *error) {
    fv_error reason = {0};
    fv_argument *arguments = NULL;
    int argument_count = 0;
    if (!net || !op_name || count < 0 || (count > 0 && !inputs)) {
        fv_fail(&reason, FV_E_ARGUMENT, "fv_apply: expected a net, an operator's name and %d inputs",
                count < 0 ? 0 : count);
        fv_net_report(net, &reason, error);
        return fv_bad_value(net);
    }
    const fv_op *op = fv_net_find_op(net, op_name);
    if (!op) {
        const char *near = fv_net_nearest_op(net, op_name);
        if (near)
            fv_fail(&reason, FV_E_ARGUMENT, "there is no operator \"%.60s\"; did you mean \"%s\"?", op_name, near);
        else
            fv_fail(&reason, FV_E_ARGUMENT, "there is no operator \"%.60s\"", op_name);
    } else if (!fv_fields_split(fields ? fields : "", net->arena, &arguments, &argument_count, &reason)) {
        return fv_net_apply(net, op, NULL, inputs, count, arguments, argument_count, error);
    }
    fv_net_report(net, &reason, error);
    return fv_bad_value(net);
}

/* The inputs in front of an options struct: its ports as values, or an array and a count; sets where the name follows.
 */
static int options_inputs(const fv_op *op, const char *options, size_t bytes, fv_value ports[FV_MAX_PORTS],
                          const fv_value **values, size_t *offset) {
    *offset = sizeof(size_t);
    if (op->variadic) {
        int64_t count = 0;
        *values = NULL;
        if (*offset + sizeof *values + sizeof count <= bytes) {
            memcpy(values, options + *offset, sizeof *values);
            memcpy(&count, options + *offset + sizeof *values, sizeof count);
        }
        *offset += sizeof *values + sizeof count;
        return *values && count > 0 && count < INT_MAX / 2 ? (int)count : 0;
    }
    int given = 0;
    *values = ports;
    for (int i = 0; i < fv_op_inputs(op); i++, *offset += sizeof(fv_value)) {
        ports[i] = (fv_value){NULL, -1};
        if (*offset + sizeof(fv_value) <= bytes) memcpy(&ports[i], options + *offset, sizeof(fv_value));
        if (ports[i].net) given = i + 1;
    }
    *values = ports;
    return given;
}

fv_value fv_net_apply_options(const fv_op *op, const void *options) {
    fv_value ports[FV_MAX_PORTS];
    const fv_value *values;
    const char *name = NULL;
    size_t bytes, offset;
    fv_net *net = NULL;
    if (!options) return fv_bad_value(NULL);
    memcpy(&bytes, options, sizeof bytes);
    int count = options_inputs(op, options, bytes, ports, &values, &offset);
    for (int i = 0; i < count && !net; i++) net = values[i].net;
    if (fv_op_inputs(op) == 0) { /* the net itself stands where inputs would */
        if (offset + sizeof net <= bytes) memcpy(&net, (const char *)options + offset, sizeof net);
        offset += sizeof net;
    }
    if (!net) return fv_bad_value(NULL);
    if (any_bad(op, values, count)) return fv_net_pass_bad(net, op->name, NULL);
    if (offset + sizeof name <= bytes) memcpy(&name, (const char *)options + offset, sizeof name);
    offset += sizeof name;

    fv_draft draft;
    fv_error reason = {0};
    fv_value value = fv_bad_value(net);
    if (start(&draft, net, op, name, values, count, &reason) &&
        !fv_fields_convert(op, draft.name, options, bytes, offset, net->arena, draft.fields, &reason))
        value = finish(&draft, &reason);
    if (reason.status != FV_OK) fv_net_report(net, &reason, NULL);
    return value;
}

/* ---- what stands beside a value --------------------------------------------------------------------------------- */

fv_value fv_output_of(fv_value value, int index) {
    const fv_value_info *info = fv_value_info_of(value);
    int owner = fv_value_owner(value);
    if (!info || owner < 0 || info->kind != FV_KIND_RESULT || index < 0) return fv_bad_value(value.net);
    const fv_node *node =
        &value.net->nodes[index == 0 ? info->node : owner]; /* output 0 is that after the activation */
    if (index >= node->outputs) return fv_bad_value(value.net);
    return (fv_value){value.net, node->value_out[index]};
}

fv_value fv_parameter_of(fv_value value, int index) {
    int owner = fv_value_owner(value);
    if (owner < 0) return fv_bad_value(value.net);
    const fv_node *node = &value.net->nodes[owner];
    if (index < 0 || index >= node->parameters) return fv_bad_value(value.net);
    return (fv_value){value.net, node->value_in[node->inputs + index]};
}

/* ---- renaming --------------------------------------------------------------------------------------------------- */

/* *name, with `length` characters at its start replaced by `start`, in use instead of *name. */
static fv_status replace_start(fv_net *net, const char **name, size_t length, const char *start, fv_error *error) {
    const char *renamed = fv_arena_printf(net->arena, "%s%s", start, *name + length);
    if (!renamed) return short_of_memory(error);
    fv_names_release(net, *name);
    *name = renamed;
    return fv_names_take(net, renamed, error);
}

/* The layer, its parameters and results, and the sugar behind it. */
static fv_status rename_layer(fv_net *net, int owner, const char *name, fv_error *error) {
    const char *old = net->nodes[owner].name;
    const char *point = strrchr(old, '.');
    const char *scope = point ? fv_arena_text(net->arena, old, (size_t)(point - old) + 1) : "";
    const char *full = scope ? fv_arena_printf(net->arena, "%s%s", scope, name) : NULL;
    size_t length = strlen(old);
    fv_status status = FV_OK;
    if (!full) return short_of_memory(error);
    if (!strcmp(full, old)) return FV_OK;
    if (fv_names_used(net, full)) return fv_fail(error, FV_E_ARGUMENT, "the name \"%s\" is used twice", full);
    for (int i = owner; !status && i < net->node_count; i++)
        if (i == owner || net->nodes[i].sugar_of == owner)
            status = replace_start(net, &net->nodes[i].name, length, full, error);
    for (int i = 0; !status && i < net->value_count; i++) {
        fv_value_info *v = &net->values[i];
        if (v->kind == FV_KIND_INPUT || v->kind == FV_KIND_CONSTANT) continue;
        if (v->node != owner && net->nodes[v->node].sugar_of != owner) continue;
        if (v->kind == FV_KIND_RESULT && net->nodes[v->node].outputs == 1)
            v->name = net->nodes[v->node].name;
        else
            status = replace_start(net, &v->name, length, full, error);
    }
    return status;
}

static fv_status rename_value(fv_value value, const char *name, fv_error *error) {
    fv_value_info *info = fv_value_info_of(value);
    if (!name || !fv_names_valid(name))
        return fv_fail(error, FV_E_ARGUMENT, "%s: \"%.80s\" cannot be a name: letters, digits and _ are allowed",
                       info->name, name ? name : "");
    if (info->kind == FV_KIND_WEIGHT || info->kind == FV_KIND_STATE)
        return fv_fail(error, FV_E_ARGUMENT, "%s: a parameter is named after its layer; name that", info->name);
    int owner = fv_value_owner(value);
    if (owner >= 0) return rename_layer(value.net, owner, name, error);
    if (!strcmp(info->name, name)) return FV_OK;
    if (fv_names_used(value.net, name)) return fv_fail(error, FV_E_ARGUMENT, "the name \"%s\" is used twice", name);
    return replace_start(value.net, &info->name, strlen(info->name), name, error);
}

fv_value fv_name(fv_value value, const char *name) {
    fv_error reason = {0};
    if (!value.net) return value;
    if (!fv_value_info_of(value)) return fv_net_pass_bad(value.net, "fv_name", NULL);
    if (!rename_value(value, name, &reason)) return value;
    fv_net_report(value.net, &reason, NULL);
    return fv_bad_value(value.net);
}
