/* lang_loss.c - what a loss named in a text reads: the logits where it wants them, and a target. */
#include "lang.h"

#include "error.h"

#include <string.h>

/* Losses that hold the last operator of a net within themselves, because together they are exact where apart they
 * overflow. */
static const struct {
    const char *loss, *last;
} held[] = {{"crossentropy", "softmax"}, {"binary_crossentropy", "sigmoid"}};

static fv_value before_last(const fv_op *op, fv_value prediction) {
    const fv_value_info *info = &prediction.net->values[prediction.id];
    if (info->kind != FV_KIND_RESULT) return prediction;
    const fv_node *node = &prediction.net->nodes[info->node];
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        if (strcmp(op->name, held[i].loss) == 0 && strcmp(node->op->name, held[i].last) == 0 && node->op->logits_input)
            prediction.id = node->value_in[node->op->logits_input - 1];
    return prediction;
}

static bool accepts(const fv_op *op, const void *fields, const fv_type *prediction, const fv_type *target,
                    fv_error *error) {
    fv_type in[2] = {*prediction, *target};
    fv_infer infer = {.op = op, .fields = fields, .layer = "loss", .inputs = 2, .in = in, .error = error};
    return op->infer(&infer) == FV_OK;
}

/* Class numbers where the operator takes them, else numbers of the prediction's shape. */
static bool choose_target(const fv_op *op, const fv_argument *arguments, int count, const fv_type *prediction,
                          fv_type *target, const char **name, fv_error *error) {
    fv_arena *arena = fv_arena_new();
    void *fields = fv_arena_take(arena, op->fields_size ? op->fields_size : 1);
    fv_error ignored;
    bool ok = fields && fv_fields_from_arguments(op, arguments, count, arena, fields, error) == FV_OK;
    if (!fields) fv_fail_memory(error, "a loss", op->fields_size);
    *target = (fv_type){FV_I32, prediction->shape};
    target->shape.rank -= target->shape.rank > 0;
    *name = "class";
    if (ok && !accepts(op, fields, prediction, target, &ignored)) {
        *target = *prediction;
        *name = "target";
        ok = accepts(op, fields, prediction, target, error);
    }
    fv_arena_free(arena);
    return ok;
}

fv_value fv_lang_apply_loss(fv_net *net, const fv_op *op, const fv_value *inputs, int count,
                            const fv_argument *arguments, int argument_count, fv_error *error) {
    fv_value values[2] = {before_last(op, inputs[0]), {net, -1}};
    if (count > 1 || !op->ports[1].name || op->ports[1].role != FV_INPUT) {
        fv_value all[FV_MAX_PORTS];
        if (count > FV_MAX_PORTS) {
            fv_fail(error, FV_E_ARGUMENT, "%s: %d values were given, too many", op->name, count);
            return (fv_value){net, -1};
        }
        memcpy(all, inputs, (size_t)count * sizeof *all);
        all[0] = values[0];
        return fv_net_apply(net, op, NULL, all, count, arguments, argument_count, error);
    }
    fv_type target;
    const char *name;
    const fv_type prediction = net->values[values[0].id].type;
    if (!choose_target(op, arguments, argument_count, &prediction, &target, &name, error)) return values[1];
    values[1].id = fv_net_target(net, name, &target);
    if (values[1].id < 0) {
        if (error) *error = net->error;
        return values[1];
    }
    return fv_net_apply(net, op, NULL, values, 2, arguments, argument_count, error);
}
