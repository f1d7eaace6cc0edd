/* foretell.c - how much memory a net will need, known before any of it is allocated: the plan of the run that would be
 * built, and what stands beside it. */
#include <string.h>

#include "lang.h"
#include "train.h"

/* ---- the net that would be trained ------------------------------------------------------------------------------ */

/* The same net once more, to be given a loss; its operators of the user's own included. */
static fv_net *copy_of(const fv_net *net, fv_error *error) {
    char *text = fv_net_text(net);
    fv_net *copy = text ? fv_net_new() : NULL;
    fv_status status = copy ? FV_OK : fv_fail_memory(error, "a copy of a network", sizeof *copy);
    for (int i = 0; i < net->custom_count && !status; i++) status = fv_net_register(copy, net->custom[i]->self, error);
    if (!status) status = fv_lang_parse_into(copy, text, "net", NULL, 0, error);
    fv_free(text);
    if (!status) return copy;
    fv_net_free(copy);
    return NULL;
}

fv_net *fv_net_with_loss(fv_net *net, const char *loss, fv_error *error) {
    if (!loss && fv_main_loss(net) >= 0) return fv_net_keep(net);
    fv_net *copy = copy_of(net, error);
    if (!copy || !fv_set_loss(copy, loss, NULL, error)) return copy;
    fv_net_free(copy);
    return NULL;
}

/* ---- adding up -------------------------------------------------------------------------------------------------- */

/* To the whole cache lines that are allocated; the largest number where it does not fit. */
static uint64_t tensor_bytes(const fv_shape *shape) {
    int64_t bytes = sizeof(float);
    for (int d = 0; d < shape->rank; d++)
        if (!fv_mul_i64(bytes, shape->dim[d], &bytes)) return INT64_MAX;
    return bytes > INT64_MAX - 63 ? INT64_MAX : (uint64_t)(bytes + 63) / 64 * 64;
}

static void add(uint64_t *sum, uint64_t bytes, int times) {
    for (int i = 0; i < times; i++) *sum = bytes > INT64_MAX - *sum ? INT64_MAX : *sum + bytes;
}

static void add_weights(const fv_net *net, fv_foretold *out) {
    for (int v = 0; v < net->value_count; v++)
        if (net->values[v].kind == FV_KIND_WEIGHT || net->values[v].kind == FV_KIND_STATE)
            add(&out->weights, tensor_bytes(&net->values[v].type.shape), 1);
}

/* As fv_descent_begin allocates it. */
static fv_status add_optimizer(const fv_plan *plan, const fv_settings *settings, fv_foretold *out, fv_error *error) {
    fv_weight_groups groups;
    fv_status status = fv_groups_read(settings->optimizer, settings->groups, &groups, error);
    if (status) return status;
    size_t scratch = 0;
    for (int v = 0; v < plan->value_count; v++) {
        const fv_value_info *info = &plan->net->values[v];
        if (info->kind != FV_KIND_WEIGHT || info->parameter.fixed || plan->gradient_of[v] == FV_NO_OPERAND) continue;
        const fv_weight_group *group = &groups.group[fv_group_of(&groups, plan->net, v)];
        add(&out->optimizer, tensor_bytes(&info->type.shape), group->optimizer->states(group->arguments));
        size_t needs =
            fv_step_scratch(group->optimizer, plan->table, plan->threads, &info->type.shape, info->parameter.axes);
        if (needs > scratch) scratch = needs;
    }
    add(&out->optimizer, scratch, 1);
    return FV_OK;
}

static void add_plan(const fv_plan *plan, fv_foretold *out) {
    out->batch = plan->batch;
    out->arena = plan->arena_bytes;
    out->packed = plan->packed_bytes;
    out->scratch = plan->scratch_bytes;
    add_weights(plan->net, out);
}

/* ---- the two kinds of run --------------------------------------------------------------------------------------- */

static fv_status foretell_inference(fv_net *net, const fv_foretell_options *o, fv_foretold *out, fv_error *error) {
    fv_plan_options options = {.batch = o->batch ? o->batch : 1,
                               .input = o->input.rank ? &o->input : NULL,
                               .threads = o->threads,
                               .exact = o->exact,
                               .bf16 = o->bf16};
    fv_plan *plan = fv_plan_new(net, &options, error);
    if (!plan) return fv_failed(error);
    add_plan(plan, out);
    fv_plan_free(plan);
    return FV_OK;
}

/* A net without weights goes the way of a model through the settings of a training: one rule for both. */
static fv_status read_settings(fv_net *net, const fv_foretell_options *o, fv_settings *out, fv_error *error) {
    fv_model *model = fv_model_around(net, error);
    if (!model) return fv_failed(error);
    fv_fit_options fit = {.size = sizeof fit, .batch_size = o->batch, .optimizer = o->optimizer, .loss = o->loss};
    fv_status status = fv_settings_read(model, &fit, out, error); /* texts are the options' or the net's */
    fv_model_free(model);
    return status;
}

static fv_status foretell_step(fv_net *net, const fv_foretell_options *o, const fv_settings *settings, fv_foretold *out,
                               fv_error *error) {
    fv_reading reading = fv_net_reading(net);
    int wanted[2] = {reading.scores, reading.output};
    fv_plan_options options = {.batch = settings->batch_size,
                               .input = o->input.rank ? &o->input : NULL,
                               .training = true,
                               .losses = true,
                               .gradients = true,
                               .wanted = wanted,
                               .wanted_count = 2,
                               .threads = o->threads,
                               .exact = o->exact,
                               .bf16 = o->bf16};
    fv_plan *plan = fv_plan_new(net, &options, error);
    if (!plan) return fv_failed(error);
    add_plan(plan, out);
    fv_status status = add_optimizer(plan, settings, out, error);
    fv_plan_free(plan);
    return status;
}

static fv_status foretell_training(fv_net *net, const fv_foretell_options *o, fv_foretold *out, fv_error *error) {
    fv_settings settings;
    fv_status status = read_settings(net, o, &settings, error);
    if (status) return status;
    fv_net *trained = fv_net_with_loss(net, o->loss, error);
    if (!trained) return fv_failed(error);
    status = foretell_step(trained, o, &settings, out, error);
    fv_net_free(trained);
    return status;
}

fv_status fv_foretell_with(fv_net *net, fv_foretold *out, fv_error *error, const fv_foretell_options *given) {
    fv_foretell_options options;
    fv_error reason = {0}; /* the rooms below tell by it what went wrong, and the caller may not care */
    fv_copy_options(&options, sizeof options, given, given ? given->size : 0);
    memset(out, 0, sizeof *out);
    fv_status status = !net ? fv_fail(&reason, FV_E_ARGUMENT, "fv_foretell: no net was given")
                       : options.batch < 0 || options.threads < 0
                           ? fv_fail(&reason, FV_E_ARGUMENT, "fv_foretell: batch and threads: expected 0 or more")
                           : fv_net_check(net, &reason);
    if (!status) status = (options.training ? foretell_training : foretell_inference)(net, &options, out, &reason);
    if (status && error) *error = reason;
    if (status) memset(out, 0, sizeof *out);
    uint64_t parts[] = {out->weights, out->arena, out->packed, out->scratch, out->optimizer};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) add(&out->total, parts[i], 1);
    return status;
}
