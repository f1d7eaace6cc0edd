/* custom.c - an operator of the user's own becomes one like the others: its record says how to infer shapes, and its
 * forward and backward emit FV_R_CUSTOM calls that hand the user's functions plain tensors. */
#include "emit.h"

#include <string.h>

/* One call of the user's function: where in the call's arguments each tensor is. */
typedef struct fv_custom_site {
    const fv_custom_op *op;
    bool backward;
    int reads; /* inputs and parameters */
    fv_dtype real;
    fv_type type[FV_MAX_PORTS], out;
    int in_arg[FV_MAX_PORTS], d_in_arg[FV_MAX_PORTS], out_arg, d_out_arg; /* -1: not there */
} fv_custom_site;

static fv_tensor tensor_at(const fv_custom_site *site, const fv_call *call, const fv_type *type, int arg) {
    fv_tensor tensor = {type->dtype == FV_F32 ? site->real : type->dtype, type->shape, arg < 0 ? NULL : call->arg[arg]};
    if (fv_type_batched(type)) tensor.shape.dim[0] = call->n;
    return tensor;
}

static void run_custom(const fv_call *call, const void *self) {
    const fv_custom_site *site = self;
    fv_tensor in[FV_MAX_PORTS], d_in[FV_MAX_PORTS];
    fv_tensor out = tensor_at(site, call, &site->out, site->out_arg);
    fv_tensor d_out = tensor_at(site, call, &site->out, site->d_out_arg);
    for (int i = 0; i < site->reads; ++i) {
        in[i] = tensor_at(site, call, &site->type[i], site->in_arg[i]);
        d_in[i] = tensor_at(site, call, &site->type[i], site->d_in_arg[i]);
    }
    fv_custom_call users = {.n = call->n, .inputs = in, .output = &out, .user = site->op->user};
    if (site->backward) {
        users.d_output = &d_out;
        users.d_inputs = d_in;
        site->op->backward(&users);
    } else {
        site->op->forward(&users);
    }
}

/* ---- the record ----------------------------------------------------------------------------------------------------
 */

static const fv_custom_op *record(const fv_emit *e) { return e->plan->net->nodes[e->node].op->self; }

static fv_operand port_operand(const fv_emit *e, const fv_custom_op *op, int i) {
    return i < op->inputs ? fv_in(e, i) : fv_weight(e, i - op->inputs);
}

static fv_custom_site *new_site(fv_emit *e, bool backward) {
    fv_custom_site *site = fv_arena_take(e->plan->memory, sizeof *site);
    if (!site) {
        e->status = fv_fail_memory(e->error, "a plan", sizeof *site);
        return NULL;
    }
    site->op = record(e);
    site->backward = backward;
    site->reads = site->op->inputs + site->op->parameters;
    site->real = e->plan->table->real;
    site->out = *fv_out_type(e, 0);
    site->out_arg = site->d_out_arg = -1;
    for (int i = 0; i < site->reads; ++i) {
        site->type[i] = i < site->op->inputs ? *fv_in_type(e, i) : *fv_weight_type(e, i - site->op->inputs);
        site->in_arg[i] = site->d_in_arg[i] = -1;
    }
    return site;
}

static void emit_site(fv_emit *e, fv_custom_site *site, const fv_operand *args, int count, int results) {
    fv_geom geom = fv_geom_for(e, &site->out);
    geom.custom = (fv_custom_geom){.run = run_custom, .self = site, .results = results};
    fv_emit_call(e, FV_R_CUSTOM, &geom, args, count);
}

static void forward(fv_emit *e) {
    fv_custom_site *site = new_site(e, false);
    if (!site) return;
    fv_operand args[FV_MAX_ARGS];
    int count = 0;
    site->out_arg = count;
    args[count++] = fv_out(e, 0);
    for (int i = 0; i < site->reads; ++i) site->in_arg[i] = count, args[count++] = port_operand(e, site->op, i);
    emit_site(e, site, args, count, 1);
}

static void backward(fv_emit *e) {
    fv_custom_site *site = new_site(e, true);
    if (!site) return;
    const fv_custom_op *op = site->op;
    fv_operand args[FV_MAX_ARGS];
    int count = 0;
    for (int i = 0; i < site->reads; ++i) {
        bool input = i < op->inputs;
        if (!(input ? fv_wants_d_in(e, i) : fv_wants_d_weight(e, i - op->inputs))) continue;
        site->d_in_arg[i] = count;
        args[count++] = input ? fv_d_in(e, i) : fv_d_weight(e, i - op->inputs);
    }
    int results = count;
    site->d_out_arg = count;
    args[count++] = fv_d_out(e, 0);
    for (int i = 0; i < site->reads; ++i) site->in_arg[i] = count, args[count++] = port_operand(e, op, i);
    site->out_arg = count;
    args[count++] = fv_out(e, 0);
    emit_site(e, site, args, count, results);
}

static fv_status infer(fv_infer *infer) {
    const fv_custom_op *op = infer->op->self;
    fv_shape in[FV_MAX_PORTS], out = {0, {0}}, parameters[FV_MAX_PORTS];
    memset(parameters, 0, sizeof parameters);
    for (int i = 0; i < op->inputs; ++i) {
        if (infer->in[i].dtype != FV_F32)
            return fv_infer_fail(infer, "input %d: expected f32, got %s", i, fv_dtype_name(infer->in[i].dtype));
        in[i] = infer->in[i].shape;
    }
    fv_status status = op->shape(op->user, in, &out, parameters, infer->error);
    if (status) return status;
    if (out.rank < 0 || out.rank > FV_MAX_RANK) return fv_infer_fail(infer, "output: rank %d", out.rank);
    infer->out[0] = (fv_type){FV_F32, out};
    for (int k = 0; k < op->parameters; ++k) {
        if (parameters[k].rank < 0 || parameters[k].rank > FV_MAX_RANK)
            return fv_infer_fail(infer, "parameter %s: rank %d", op->parameter_names[k], parameters[k].rank);
        for (int i = 0; i < parameters[k].rank; ++i)
            if (parameters[k].dim[i] < 1)
                return fv_infer_fail(infer, "parameter %s: expected sizes of 1 or more, got %lld",
                                     op->parameter_names[k], (long long)parameters[k].dim[i]);
        infer->parameter[k].shape = parameters[k];
        infer->parameter[k].initializer = parameters[k].rank > 1 ? "glorot_uniform" : "zeros";
        infer->parameter[k].axes = &"kkkkkkio"[FV_MAX_RANK - parameters[k].rank];
        if (parameters[k].rank == 1) infer->parameter[k].axes = "c";
    }
    return FV_OK;
}

/* ---- registering ------------------------------------------------------------------------------------------------ */

static bool is_name(const char *s) {
    if (!s || !((*s >= 'a' && *s <= 'z') || *s == '_')) return false;
    for (; *s; ++s)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '_')) return false;
    return true;
}

static fv_status check(const fv_net *net, const fv_custom_op *op, fv_error *error) {
    if (!is_name(op->name))
        return fv_fail(error, FV_E_ARGUMENT, "custom operator: expected a name of a-z, 0-9 and _, got \"%s\"",
                       op->name ? op->name : "");
    if (fv_net_find_op(net, op->name))
        return fv_fail(error, FV_E_ARGUMENT, "custom operator %s: there is an operator of that name", op->name);
    if (!op->shape || !op->forward)
        return fv_fail(error, FV_E_ARGUMENT, "custom operator %s: expected functions shape and forward", op->name);
    if (op->inputs < 1 || op->parameters < 0 || op->inputs > FV_MAX_PORTS - op->parameters)
        return fv_fail(
            error, FV_E_ARGUMENT,
            "custom operator %s: expected 1 or more inputs and %d inputs and parameters at most, got %d and %d",
            op->name, FV_MAX_PORTS, op->inputs, op->parameters);
    for (int k = 0; k < op->parameters; ++k)
        if (!is_name(op->parameter_names[k]))
            return fv_fail(error, FV_E_ARGUMENT, "custom operator %s: parameter %d needs a name", op->name, k);
    return FV_OK;
}

static const char *keep(fv_net *net, const char *text) { return fv_arena_text(net->arena, text, strlen(text)); }

fv_status fv_net_register(fv_net *net, const fv_custom_op *given, fv_error *error) {
    static const char *const inputs[FV_MAX_PORTS] = {"in1", "in2", "in3", "in4", "in5", "in6", "in7", "in8"};
    fv_custom_op op;
    memset(&op, 0, sizeof op);
    if (given->size < offsetof(fv_custom_op, user) || given->size > sizeof op)
        return fv_fail(error, FV_E_ARGUMENT, "custom operator: size %zu, expected %zu", given->size, sizeof op);
    memcpy(&op, given, given->size);
    fv_status status = check(net, &op, error);
    if (status) return status;
    fv_custom_op *self = fv_arena_take(net->arena, sizeof *self);
    fv_op *made = fv_arena_take(net->arena, sizeof *made);
    const char *name = keep(net, op.name), *summary = keep(net, op.summary ? op.summary : "custom operator");
    bool whole = self && made && name && summary;
    for (int k = 0; whole && k < op.parameters; ++k)
        whole = (op.parameter_names[k] = keep(net, op.parameter_names[k])) != NULL;
    if (!whole || !fv_grow((void **)&net->custom, &net->custom_capacity, net->custom_count, sizeof *net->custom))
        return fv_fail_memory(error, "a custom operator", sizeof *made);
    op.name = name;
    op.summary = summary;
    *self = op;
    fv_op new_op = {.name = name,
                    .summary = summary,
                    .infer = infer,
                    .forward = forward,
                    .self = self,
                    .backward = op.backward ? backward : NULL};
    for (int i = 0; i < op.inputs; ++i)
        new_op.ports[i] = (fv_port){.name = op.inputs == 1 ? "x" : inputs[i], .role = FV_INPUT};
    for (int k = 0; k < op.parameters; ++k)
        new_op.ports[op.inputs + k] = (fv_port){.name = op.parameter_names[k], .role = FV_WEIGHT};
    memcpy(made, &new_op, sizeof *made);
    net->custom[net->custom_count++] = made;
    return FV_OK;
}
