/* infer.c - types and shapes: one application as its operator sees it, and the whole graph with open sizes fixed. */
#include "graph.h"

#include <stdio.h>
#include <string.h>

int fv_op_inputs(const fv_op *op) {
    int n = 0;
    for (int i = 0; i < FV_MAX_PORTS && op->ports[i].name; i++) n += op->ports[i].role == FV_INPUT;
    return n;
}

int fv_op_parameters(const fv_op *op) {
    int n = 0;
    for (int i = 0; i < FV_MAX_PORTS && op->ports[i].name; i++) n += op->ports[i].role != FV_INPUT;
    return n;
}

/* Every size known and at least `lowest`, or open or the batch where `symbolic`; the whole (with 1 for a size of 0) small
 * enough to be counted in bytes. */
static bool sound_shape(const fv_shape *s, bool symbolic, int lowest) {
    int64_t count = 1;
    if (s->rank < 0 || s->rank > FV_MAX_RANK) return false;
    for (int d = 0; d < s->rank; d++) {
        if (symbolic && (s->dim[d] == FV_OPEN || (s->dim[d] == FV_BATCH && d == 0))) continue;
        if (s->dim[d] < lowest || !fv_mul_i64(count, s->dim[d] ? s->dim[d] : 1, &count) || count > INT64_MAX / 64)
            return false;
    }
    return true;
}

/* Most operators have no use for values without elements. */
static fv_status check_empty(fv_infer *infer, const fv_type *t, const char *what, int index) {
    char shape[96];
    for (int d = 0; d < t->shape.rank && !(infer->op->traits & FV_T_EMPTY); d++)
        if (t->shape.dim[d] == 0)
            return fv_infer_fail(
                infer, "%s %d cannot be %s: every size must be at least 1, and the whole must fit into memory", what,
                index + 1, fv_shape_text(&t->shape, shape, sizeof shape));
    return FV_OK;
}

/* Operators are checked, too: a user's own may say anything. */
static fv_status check_answer(fv_infer *infer) {
    const fv_op *op = infer->op;
    char shape[96];
    if (infer->outputs < 1 || infer->outputs > FV_MAX_OUTPUTS)
        return fv_infer_fail(infer, "an operator has 1 to %d outputs, this one says %d", FV_MAX_OUTPUTS,
                             infer->outputs);
    for (int i = 0; i < infer->outputs; i++) {
        const fv_type *t = &infer->out[i];
        if (fv_dtype_size(t->dtype) == 0) return fv_infer_fail(infer, "output %d has no type", i + 1);
        if (!sound_shape(&t->shape, true, 0))
            return fv_infer_fail(infer,
                                 "output %d cannot be %s: every size must be at least 1, and the whole must fit "
                                 "into memory",
                                 i + 1, fv_shape_text(&t->shape, shape, sizeof shape));
        fv_status status = check_empty(infer, t, "output", i);
        if (status) return status;
    }
    for (int k = 0, p = fv_op_inputs(op); k < fv_op_parameters(op); k++, p++) {
        const fv_parameter *parameter = &infer->parameter[k];
        if (!parameter->absent && !sound_shape(&parameter->shape, false, !(op->traits & FV_T_EMPTY)))
            return fv_infer_fail(infer, "its %s cannot be %s: every size must be known and at least 1",
                                 op->ports[p].name, fv_shape_text(&parameter->shape, shape, sizeof shape));
    }
    return FV_OK;
}

fv_status fv_infer_ask(fv_infer *infer) {
    fv_error local = {0};
    fv_error *error = infer->error;
    infer->error = &local;
    infer->outputs = 1;
    fv_status status = FV_OK;
    for (int i = 0; i < infer->inputs && !status; i++) status = check_empty(infer, &infer->in[i], "input", i);
    if (!status) status = infer->op->infer(infer);
    if (status && local.message[0] == 0) status = fv_infer_fail(infer, "its inputs do not fit together");
    if (!status) status = check_answer(infer);
    infer->error = error;
    if (status && error) *error = local;
    return status;
}

/* The first data input's type with open sizes as in `sample`. */
static fv_status fix_input(const fv_value_info *input, const fv_shape *sample, fv_type *type, fv_error *error) {
    char got[96], expected[96];
    int first = fv_type_batched(&input->type), rank = input->type.shape.rank - first;
    bool fits = sample->rank == rank;
    for (int d = 0; fits && d < rank; d++) {
        int64_t declared = input->type.shape.dim[first + d];
        fits = sample->dim[d] == declared || (declared == FV_OPEN && sample->dim[d] >= 1);
        type->shape.dim[first + d] = sample->dim[d];
    }
    if (fits && sound_shape(&type->shape, true, 0)) return FV_OK;
    fv_shape declared = {.rank = rank};
    memcpy(declared.dim, input->type.shape.dim + first, (size_t)rank * sizeof declared.dim[0]);
    return fv_fail(error, FV_E_SHAPE, "input \"%s\": expected samples of %s, got %s", input->name,
                   fv_shape_text(&declared, expected, sizeof expected), fv_shape_text(sample, got, sizeof got));
}

/* A target made for a prediction of open sizes is of the sizes that the prediction turns out to have: samples' axes are in the
 * same order in both, classes come last. */
static void settle_targets(const fv_net *net, const fv_node *node, fv_type *types) {
    if (!(node->op->traits & FV_T_LOSS) || node->inputs < 1) return;
    const fv_shape *prediction = &types[node->value_in[0]].shape;
    for (int i = 1; i < node->inputs; i++) {
        fv_shape *target = &types[node->value_in[i]].shape;
        if (!net->values[node->value_in[i]].target) continue;
        for (int d = 0; d < target->rank && d < prediction->rank; d++)
            if (target->dim[d] == FV_OPEN) target->dim[d] = prediction->dim[d];
    }
}

/* Types of one node's outputs; `in` has room for its inputs. */
static fv_status infer_node(const fv_net *net, const fv_node *node, fv_type *in, fv_type *types, fv_error *error) {
    fv_infer infer = {
        .op = node->op, .fields = node->fields, .layer = node->name, .inputs = node->inputs, .in = in, .error = error};
    char expected[96], got[96];
    settle_targets(net, node, types);
    for (int i = 0; i < node->inputs; i++) in[i] = types[node->value_in[i]];
    fv_status status = fv_infer_ask(&infer);
    if (status) return status;
    if (infer.outputs != node->outputs)
        return fv_infer_fail(&infer, "%d outputs were made, now there are %d", node->outputs, infer.outputs);
    for (int k = 0; k < node->parameters; k++) {
        int value = node->value_in[node->inputs + k];
        if (value < 0 || fv_shape_equal(&net->values[value].type.shape, &infer.parameter[k].shape)) continue;
        return fv_infer_fail(&infer, "%s is %s, but for inputs of these sizes it must be %s", net->values[value].name,
                             fv_shape_text(&net->values[value].type.shape, got, sizeof got),
                             fv_shape_text(&infer.parameter[k].shape, expected, sizeof expected));
    }
    for (int i = 0; i < node->outputs; i++) types[node->value_out[i]] = infer.out[i];
    return FV_OK;
}

fv_status fv_net_infer(const fv_net *net, const fv_shape *input, fv_type *types, fv_error *error) {
    int most = 1;
    for (int i = 0; i < net->node_count; i++)
        if (net->nodes[i].inputs > most) most = net->nodes[i].inputs;
    for (int i = 0; i < net->value_count; i++) {
        const fv_value_info *v = &net->values[i];
        types[i] = v->type;
        if (!input || v->kind != FV_KIND_INPUT || v->target) continue;
        fv_status status = fix_input(v, input, &types[i], error);
        if (status) return status;
        input = NULL; /* only the first */
    }
    fv_type *in = fv_alloc_array((size_t)most, sizeof *in);
    if (!in) return fv_fail_memory(error, "shapes", (size_t)most * sizeof *in);
    fv_status status = FV_OK;
    for (int i = 0; !status && i < net->node_count; i++) status = infer_node(net, &net->nodes[i], in, types, error);
    fv_free(in);
    return status;
}

fv_status fv_net_check(fv_net *net, fv_error *error) {
    if (!net) return fv_fail(error, FV_E_ARGUMENT, "there is no net");
    if (net->error.status != FV_OK) {
        if (error) *error = net->error;
        return net->error.status;
    }
    if (net->value_count == 0) return fv_fail(error, FV_E_ARGUMENT, "the net is empty: it needs an input and a layer");
    fv_type *types = fv_alloc_array((size_t)net->value_count, sizeof *types);
    if (!types) return fv_fail_memory(error, "shapes", (size_t)net->value_count * sizeof *types);
    fv_status status = fv_net_infer(net, NULL, types, error);
    fv_free(types);
    return status;
}
