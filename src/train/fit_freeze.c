/* fit_freeze.c - weights that a training leaves as they are: those that are asked for, and the layer that whitens. */
#include <string.h>

#include "fit.h"
#include "initializers.h"

/* ---- weights that are named ------------------------------------------------------------------------------------- */

/* A frozen batch norm goes by its running statistics, and leaves them alone. */
static void freeze_statistics(const fv_node *node) {
    const fv_field *field = fv_find_field(node->op, "frozen");
    if (field && field->kind == FV_FIELD_BOOL) *(bool *)((char *)node->fields + field->offset) = true;
}

static fv_status freeze_named(fv_training *t) {
    const char *patterns = fv_asked(t->settings.freeze);
    fv_net *net = t->model->net;
    int frozen = 0, left = 0;
    if (!patterns) return FV_OK;
    for (int k = 0; k < net->node_count; k++) {
        const fv_node *node = &net->nodes[k];
        bool layer = fv_name_matches(patterns, node->name);
        for (int w = 0; w < node->parameters; w++) {
            int value = node->value_in[node->inputs + w];
            if (value < 0 || net->values[value].kind != FV_KIND_WEIGHT) continue;
            bool now = (layer || fv_name_matches(patterns, net->values[value].name));
            if (now && !net->values[value].parameter.fixed)
                t->thawed[value] = net->values[value].parameter.fixed = true;
            frozen += now, left += !net->values[value].parameter.fixed;
        }
        if (layer) freeze_statistics(node);
    }
    if (!frozen) return fv_fail(t->error, FV_E_ARGUMENT, "freeze: no weight or layer is called '%s'", patterns);
    return left ? FV_OK : fv_fail(t->error, FV_E_ARGUMENT, "freeze: '%s' leaves nothing to train", patterns);
}

/* ---- the layer that whitens ------------------------------------------------------------------------------------- */

/* Frozen, and read once the run is there. */
static fv_status freeze_whitening(fv_training *t) {
    const char *text = fv_asked(t->settings.whiten);
    if (!text) return FV_OK;
    fv_status status = fv_whitening_read(text, t->model->net, &t->whitening, t->error);
    if (status) return status;
    fv_parameter *parameter = &t->model->net->values[t->whitening.weight].parameter;
    if (!parameter->fixed) t->thawed[t->whitening.weight] = parameter->fixed = true;
    return FV_OK;
}

/* Are the numbers of a weight those that it was drawn with? Nobody has trained or loaded it then. */
static fv_status is_fresh(fv_training *t, int value, bool *fresh) {
    const fv_value_info *info = &t->model->net->values[value];
    fv_tensor weight = t->model->weights.of[value], drawn = fv_tensor_new(FV_F32, &weight.shape);
    size_t bytes = (size_t)fv_shape_count(&weight.shape) * sizeof(float);
    if (!drawn.data) return fv_fail_memory(t->error, info->name, bytes);
    fv_status status = fv_initialize(info->parameter.initializer ? info->parameter.initializer : "zeros", drawn.data,
                                     &weight.shape, info->parameter.axes, t->model->seed, info->name, t->error);
    *fresh = !status && !memcmp(drawn.data, weight.data, bytes);
    fv_free(drawn.data);
    return status;
}

fv_status fv_fit_whiten(fv_training *t) {
    bool fresh = false;
    if (!fv_asked(t->settings.whiten) || t->options->resume) return FV_OK;
    fv_status status = is_fresh(t, t->whitening.weight, &fresh);
    if (status || !fresh) return status;
    return fv_whiten(&t->whitening, t->model, t->data, t->run, t->samples, t->sample_count, t->error);
}

fv_status fv_fit_freeze(fv_training *t) {
    size_t values = (size_t)t->model->net->value_count;
    t->thawed = fv_alloc_array(values + 1, sizeof *t->thawed);
    if (!t->thawed) return fv_fail_memory(t->error, "names of frozen weights", values);
    fv_status status = freeze_named(t);
    return status ? status : freeze_whitening(t);
}

/* ---- weights whose rate has come to 0 --------------------------------------------------------------------------- */

/* Does a step of rate 0 leave the weight as it is, bit for bit? Constraints and steps of whole weights may round; and its gradient
 * must count nowhere else. */
static bool may_rest(const fv_training *t, const fv_trained *weight) {
    return weight->kernel && !weight->constraint && !(t->gradients.clip_norm > 0);
}

fv_status fv_fit_rest(fv_training *t, int64_t step) {
    fv_descent *d = &t->descent;
    bool more = false;
    for (int i = 0; i < d->count; i++) {
        fv_trained *weight = &d->weights[i];
        if (weight->resting || step < d->groups.group[weight->group].over || !may_rest(t, weight)) continue;
        weight->resting = more = true;
    }
    if (!more) return FV_OK;
    bool *unasked = fv_alloc_array((size_t)t->model->net->value_count + 1, sizeof *unasked);
    if (!unasked) return fv_fail_memory(t->error, "weights at rest", (size_t)t->model->net->value_count);
    for (int i = 0; i < d->count; i++) unasked[d->weights[i].value] = d->weights[i].resting;
    fv_status status = fv_run_leave_out(t->run, unasked, t->error);
    fv_free(unasked);
    return status;
}
