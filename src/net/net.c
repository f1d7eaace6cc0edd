/* net.c - a network's life, its values, inputs, outputs, losses and settings. */
#include "graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- life ------------------------------------------------------------------------------------------------------- */

fv_net *fv_net_new(void) {
    fv_net *net = fv_alloc(sizeof *net);
    if (!net) return NULL;
    net->references = 1;
    net->arena = fv_arena_new();
    if (net->arena && fv_names_open(net)) return net;
    fv_net_free(net);
    return NULL;
}

fv_net *fv_net_keep(fv_net *net) {
    net->references++;
    return net;
}

void fv_net_free(fv_net *net) {
    if (!net || --net->references > 0) return;
    fv_names_close(net);
    fv_free(net->nodes);
    fv_free(net->values);
    fv_free(net->outputs);
    fv_free(net->losses);
    fv_free(net->settings);
    fv_free(net->custom);
    fv_arena_free(net->arena);
    fv_free(net);
}

const fv_op *fv_net_find_op(const fv_net *net, const char *name) {
    const fv_op *op = fv_find_op(name);
    for (int i = 0; !op && net && name && i < net->custom_count; i++)
        if (!strcmp(net->custom[i]->name, name)) op = net->custom[i];
    return op;
}

const char *fv_net_nearest_op(const fv_net *net, const char *name) {
    const char *nearest = fv_op_nearest(name);
    int best = nearest ? fv_edit_distance(name, nearest) : 0;
    for (int i = 0; net && i < net->custom_count; i++) {
        const char *own = net->custom[i]->name;
        if (!fv_nearest(name, &own, sizeof own, 1)) continue;
        int distance = fv_edit_distance(name, own);
        if (!nearest || distance < best) {
            nearest = own;
            best = distance;
        }
    }
    return nearest;
}

/* ---- errors ----------------------------------------------------------------------------------------------------- */

fv_status fv_net_report(fv_net *net, const fv_error *reason, fv_error *error) {
    if (net && net->error.status == FV_OK) net->error = *reason;
    if (error && error != reason) *error = *reason;
    return reason->status;
}

fv_value fv_net_pass_bad(fv_net *net, const char *where, fv_error *error) {
    fv_error reason = {0};
    if (net && net->error.status != FV_OK)
        reason = net->error;
    else
        fv_fail(&reason, FV_E_ARGUMENT, "%s was given a value that does not exist", where);
    fv_net_report(net, &reason, error);
    return fv_bad_value(net);
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

fv_value_info *fv_value_info_of(fv_value value) {
    if (!value.net || value.id < 0 || value.id >= value.net->value_count) return NULL;
    return &value.net->values[value.id];
}

int fv_value_owner(fv_value value) {
    const fv_value_info *info = fv_value_info_of(value);
    if (!info || info->kind == FV_KIND_INPUT || info->kind == FV_KIND_CONSTANT) return -1;
    int owner = value.net->nodes[info->node].sugar_of;
    return owner < 0 ? info->node : owner;
}

bool fv_net_reserve_values(fv_net *net, int more) {
    for (int i = 0; i < more; i++)
        if (!fv_grow(&net->values, &net->value_capacity, net->value_count + i, sizeof *net->values)) return false;
    return true;
}

int fv_net_push_value(fv_net *net, const fv_value_info *info) {
    net->values[net->value_count] = *info;
    return net->value_count++;
}

/* ---- inputs ----------------------------------------------------------------------------------------------------- */

/* The sample's shape from depth, height, width, length and channels. */
static fv_status sample_from_sizes(const fv_input_options *o, fv_shape *sample, fv_error *error) {
    if (o->length && (o->depth || o->height || o->width))
        return fv_fail(error, FV_E_ARGUMENT,
                       "input: length is for sequences, height and width are for pictures; not both");
    if (!o->height != !o->width)
        return fv_fail(error, FV_E_ARGUMENT, "input: height and width belong together; %s is missing",
                       o->height ? "width" : "height");
    if (o->depth && !o->height) return fv_fail(error, FV_E_ARGUMENT, "input: depth needs height and width, too");
    const int64_t sizes[] = {o->depth, o->height, o->width, o->length, o->channels};
    for (int i = 0; i < 5; i++)
        if (sizes[i]) sample->dim[sample->rank++] = sizes[i];
    /* Masks and sequences of numbers may do without channels; a picture without them would be read as a sequence. */
    bool real = (o->dtype == FV_NO_DTYPE || o->dtype == FV_F32) && !o->target;
    if (real && !o->channels && sample->rank > 0)
        return fv_fail(error, FV_E_ARGUMENT, "input: channels are missing (1 for grey pictures, 3 for colour)");
    return FV_OK;
}

static fv_status check_sample(const fv_type *type, fv_error *error) {
    const fv_shape *s = &type->shape;
    int64_t count = 1;
    for (int d = 0; d < s->rank; d++) {
        if (s->dim[d] == FV_BATCH && d == 0) continue;
        if (s->dim[d] == FV_OPEN && !(d > 0 && d == s->rank - 1 && type->dtype == FV_F32)) continue;
        if (s->dim[d] == FV_OPEN)
            return fv_fail(error, FV_E_ARGUMENT,
                           "input: the last size (channels) must be known; only spatial sizes may be open");
        bool fixed = s->dim[0] != FV_BATCH; /* such a value may be empty */
        if (s->dim[d] < !fixed)
            return fv_fail(error, FV_E_ARGUMENT, "input: a size must be at least %d, got %lld", !fixed,
                           (long long)s->dim[d]);
        if (!fv_mul_i64(count, s->dim[d] ? s->dim[d] : 1, &count) || count > INT64_MAX / 64)
            return fv_fail(error, FV_E_ARGUMENT, "input: the sizes are too large");
    }
    return FV_OK;
}

static fv_status input_type(const fv_input_options *o, fv_type *type, fv_error *error) {
    fv_shape sample = {0};
    if (o->shape.rank < 0 || o->shape.rank > FV_MAX_RANK)
        return fv_fail(error, FV_E_ARGUMENT, "input: the rank must be between 0 and %d, got %d", FV_MAX_RANK,
                       o->shape.rank);
    if (o->shape.rank > 0) {
        if (o->depth || o->height || o->width || o->length || o->channels)
            return fv_fail(error, FV_E_ARGUMENT, "input: give the shape or the sizes by name, not both");
        sample = o->shape;
    } else {
        fv_status status = sample_from_sizes(o, &sample, error);
        if (status) return status;
    }
    type->dtype = o->dtype == FV_NO_DTYPE ? FV_F32 : o->dtype;
    if (type->dtype == FV_F64 || fv_dtype_size(type->dtype) == 0)
        return fv_fail(error, FV_E_ARGUMENT, "input: the type must be f32, i32, i64, u8 or bool");
    if (!o->no_batch) type->shape.dim[type->shape.rank++] = FV_BATCH;
    for (int d = 0; d < sample.rank; d++) {
        if (type->shape.rank == FV_MAX_RANK)
            return fv_fail(error, FV_E_ARGUMENT, "input: at most %d dimensions, the batch included", FV_MAX_RANK);
        if (sample.dim[d] == FV_BATCH)
            return fv_fail(error, FV_E_ARGUMENT,
                           "input: the shape is that of one sample; a size must be at least 1, got -1");
        type->shape.dim[type->shape.rank++] = sample.dim[d];
    }
    return check_sample(type, error);
}

/* "input", "input2", ... whichever is free. */
static const char *free_name(fv_net *net, const char *word) {
    const char *name = fv_arena_printf(net->arena, "%s", word);
    for (int i = 2; name && fv_names_used(net, name); i++) name = fv_arena_printf(net->arena, "%s%d", word, i);
    return name;
}

static fv_status add_input(fv_net *net, const fv_input_options *o, int *id, fv_error *error) {
    fv_value_info info = {.kind = FV_KIND_INPUT, .target = o->target, .of_target = o->target, .node = -1};
    fv_status status = input_type(o, &info.type, error);
    if (status) return status;
    if (o->name && !fv_names_valid(o->name))
        return fv_fail(error, FV_E_ARGUMENT, "input: \"%.80s\" cannot be a name: letters, digits and _ are allowed",
                       o->name);
    info.name = o->name ? fv_arena_printf(net->arena, "%s", o->name) : free_name(net, o->target ? "target" : "input");
    if (!info.name || !fv_net_reserve_values(net, 1)) return fv_fail_memory(error, "an input", sizeof info);
    status = fv_names_take(net, info.name, error);
    if (!status) *id = fv_net_push_value(net, &info);
    return status;
}

fv_value fv_input_with(fv_net *net, const fv_input_options *options) {
    fv_value value = {net, -1};
    fv_input_options o = {0};
    if (!net) return value;
    if (options) memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    fv_error reason = {0};
    int id = -1;
    if (add_input(net, &o, &id, &reason)) fv_net_report(net, &reason, NULL);
    value.id = id;
    return value;
}

int fv_net_target(fv_net *net, const char *name, const fv_type *type) {
    for (int i = 0; i < net->value_count; i++) {
        const fv_value_info *v = &net->values[i];
        if (v->kind == FV_KIND_INPUT && v->target && v->type.dtype == type->dtype &&
            fv_shape_equal(&v->type.shape, &type->shape))
            return i;
    }
    fv_input_options o = {.size = sizeof o, .dtype = type->dtype, .target = true, .no_batch = !fv_type_batched(type)};
    o.name = free_name(net, name);
    for (int d = fv_type_batched(type); d < type->shape.rank; d++) o.shape.dim[o.shape.rank++] = type->shape.dim[d];
    return fv_input_with(net, &o).id;
}

/* ---- outputs and losses ----------------------------------------------------------------------------------------- */

static fv_status add_output(fv_value value, const char *name, fv_error *error) {
    fv_net *net = value.net;
    if (name && !fv_names_valid(name))
        return fv_fail(error, FV_E_ARGUMENT, "output: \"%.80s\" cannot be a name: letters, digits and _ are allowed",
                       name);
    const char *given = name ? name : fv_value_info_of(value)->name;
    for (int i = 0; i < net->output_count; i++)
        if (!strcmp(net->outputs[i].name, given))
            return fv_fail(error, FV_E_ARGUMENT, "output: the name \"%s\" is used twice", given);
    const char *copy = fv_arena_printf(net->arena, "%s", given);
    if (!copy || !fv_grow(&net->outputs, &net->output_capacity, net->output_count, sizeof *net->outputs))
        return fv_fail_memory(error, "an output", sizeof *net->outputs);
    net->outputs[net->output_count++] = (fv_net_output){value.id, copy};
    return FV_OK;
}

void fv_output(fv_value value, const char *name) {
    fv_error reason = {0};
    if (!value.net) return;
    if (!fv_value_info_of(value))
        fv_net_pass_bad(value.net, "output", NULL);
    else if (add_output(value, name, &reason))
        fv_net_report(value.net, &reason, NULL);
}

fv_status fv_net_push_loss(fv_net *net, int value, double weight, fv_error *error) {
    if (!fv_grow(&net->losses, &net->loss_capacity, net->loss_count, sizeof *net->losses))
        return fv_fail_memory(error, "a loss", sizeof *net->losses);
    net->losses[net->loss_count++] = (fv_net_loss){value, weight};
    net->values[value].loss = true;
    return FV_OK;
}

static fv_status add_loss(fv_value value, double weight, fv_error *error) {
    fv_net *net = value.net;
    const fv_value_info *info = fv_value_info_of(value);
    char shape[96];
    if (!isfinite(weight)) return fv_fail(error, FV_E_ARGUMENT, "loss %s: its weight must be finite", info->name);
    if (info->type.dtype != FV_F32 || info->type.shape.rank - fv_type_batched(&info->type) > 0)
        return fv_fail(error, FV_E_SHAPE, "loss %s: expected one real number a sample, got %s %s", info->name,
                       fv_dtype_name(info->type.dtype), fv_shape_text(&info->type.shape, shape, sizeof shape));
    return fv_net_push_loss(net, value.id, weight, error);
}

void fv_add_loss(fv_value value, double weight) {
    fv_error reason = {0};
    if (!value.net) return;
    if (!fv_value_info_of(value))
        fv_net_pass_bad(value.net, "loss", NULL);
    else if (add_loss(value, weight, &reason))
        fv_net_report(value.net, &reason, NULL);
}

bool fv_net_is_loss(const fv_net *net, int value) {
    const fv_value_info *v = &net->values[value];
    return v->loss || (v->kind == FV_KIND_RESULT && (net->nodes[v->node].op->traits & FV_T_LOSS));
}

int fv_net_output_value(const fv_net *net) {
    if (net->output_count > 0) return net->outputs[0].value;
    for (int n = net->node_count - 1; n >= 0; n--) {
        int value = net->nodes[n].value_out[0];
        if (!net->values[value].of_target && !fv_net_is_loss(net, value)) return value;
    }
    for (int i = net->value_count - 1; i >= 0; i--)
        if (net->values[i].kind == FV_KIND_INPUT && !net->values[i].target) return i;
    return -1;
}

int fv_net_logits_value(const fv_net *net) {
    int value = fv_net_output_value(net);
    if (value < 0 || net->values[value].kind != FV_KIND_RESULT) return value;
    const fv_node *node = &net->nodes[net->values[value].node];
    int input = node->op->logits_input - 1;
    return input >= 0 && input < node->inputs ? node->value_in[input] : value;
}

/* ---- settings --------------------------------------------------------------------------------------------------- */

const char *fv_net_find_setting(const fv_net *net, const char *section, const char *key) {
    for (int i = net->setting_count - 1; i >= 0; i--) /* the last one counts */
        if (!strcmp(net->settings[i].section, section) && !strcmp(net->settings[i].key, key))
            return net->settings[i].value;
    return NULL;
}
