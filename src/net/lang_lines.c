/* lang_lines.c - lines that are no operators: input, output, loss, settings, param. */
#include "lang_expand.h"

#include "error.h"
#include "graph.h"

#include <string.h>

typedef fv_lang_statement statement;

/* ---- inputs ----------------------------------------------------------------------------------------------------- */

static fv_status read_shape(fv_lang_expander *x, const fv_argument *a, fv_shape *shape) {
    const char *s = a->value;
    *shape = (fv_shape){0};
    if (strcmp(s, "scalar") == 0) return FV_OK;
    for (bool more = true; more;) {
        char part[24];
        size_t n = strcspn(s, "x");
        int64_t size = 0;
        if (n < sizeof part) {
            memcpy(part, s, n);
            part[n] = 0;
        }
        bool open = n == 1 && *s == '?';
        bool good = open || (n < sizeof part && fv_parse_i64(part, &size) && size >= 0);
        if (!good || shape->rank == FV_MAX_RANK - 1)
            return FV_LANG_FAIL_AT(x, a, "expected a shape such as 28x28x1 (height, width, channels), got '%s'",
                                   a->value);
        shape->dim[shape->rank++] = open ? FV_OPEN : size;
        more = s[n] == 'x';
        s += n + more;
    }
    return FV_OK;
}

static fv_status read_yes_no(fv_lang_expander *x, const fv_argument *a, bool *out) {
    *out = strcmp(a->value, "yes") == 0;
    return *out || strcmp(a->value, "no") == 0
               ? FV_OK
               : FV_LANG_FAIL_AT(x, a, "%s: expected yes or no, got '%s'", a->key, a->value);
}

static fv_status read_input_option(fv_lang_expander *x, const fv_argument *a, fv_input_options *o, int *shapes) {
    static const char *const keys[] = {"dtype", "target", "batch"};
    static const char *const dtypes[] = {"f32", "i32", "i64", "u8", "bool"};
    if (!a->key) {
        if (++*shapes > 1)
            return FV_LANG_FAIL_AT(x, a, "expected one shape such as 28x28x1, got another argument '%s'", a->value);
        return read_shape(x, a, &o->shape);
    }
    if (strcmp(a->key, "target") == 0) return read_yes_no(x, a, &o->target);
    if (strcmp(a->key, "batch") == 0) {
        bool batch;
        fv_status status = read_yes_no(x, a, &batch);
        o->no_batch = !batch;
        return status;
    }
    if (strcmp(a->key, "dtype") == 0) {
        const char *near = fv_nearest(a->value, dtypes, sizeof *dtypes, 5);
        o->dtype = fv_dtype_from_name(a->value);
        return o->dtype ? FV_OK
                        : FV_LANG_FAIL_AT(x, a, "there is no dtype '%s'%s%s%s", a->value,
                                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    const char *near = fv_nearest(a->key, keys, sizeof *keys, 3);
    return FV_LANG_FAIL_AT(x, a, "input has no '%s'%s%s%s", a->key,
                           near ? "; did you mean '" : "; it has dtype, target, batch", near ? near : "",
                           near ? "'?" : "");
}

fv_status fv_lang_run_input(fv_lang_expander *x, const statement *s) {
    fv_argument *arguments;
    int count, shapes = 0;
    fv_input_options o = {.size = sizeof o};
    fv_status status = fv_lang_compute_arguments(x, s, NULL, NULL, &arguments, &count);
    for (int i = 0; i < count && !status; i++) status = read_input_option(x, &arguments[i], &o, &shapes);
    if (status) return status;
    if (!shapes) return FV_LANG_FAIL_AT(x, s, "expected a shape behind 'input', such as 28x28x1, or scalar");
    if (s->names && s->names->next) return FV_LANG_FAIL_AT(x, s->names->next, "an input has one name");
    if ((status = fv_lang_check_names(x, s)) != FV_OK) return status;
    o.name = fv_lang_application_name(x, s);
    fv_value value = fv_input_with(x->net, &o);
    status = fv_lang_net_status(x, s);
    if (!status && s->names) status = fv_lang_give_name(x, s->names, value);
    if (!status && !s->names && !fv_lang_find(&x->frame->values, x->net->values[value.id].name) &&
        !fv_lang_put(&x->frame->values, x->net->values[value.id].name, value.id, s->line))
        status = fv_fail_memory(x->error, "the network's text", sizeof o);
    if (status || o.target) return status;
    x->frame->it = value;
    x->frame->has_it = true;
    return FV_OK;
}

fv_status fv_lang_run_output(fv_lang_expander *x, const statement *s) {
    fv_lang_frame *f = x->frame;
    for (const fv_lang_name *n = s->reads; n; n = n->next) {
        fv_value value;
        fv_status status = fv_lang_resolve(x, n, &value);
        if (!status && value.id < 0) status = fv_lang_unknown_value(x, n);
        if (status) return status;
        if (f->block) {
            if (f->outputs == FV_MAX_OUTPUTS)
                return FV_LANG_FAIL_AT(x, n, "a block has at most %d outputs", FV_MAX_OUTPUTS);
            f->out[f->outputs++] = value;
            continue;
        }
        bool given = fv_lang_find(&f->values, n->text) != NULL;
        fv_output(value, n->as ? n->as : given ? n->text : NULL);
        if ((status = fv_lang_net_status(x, s)) != FV_OK) return status;
    }
    return FV_OK;
}

/* loss crossentropy smoothing=0.1 weight=0.3 <- logits */
fv_status fv_lang_run_loss(fv_lang_expander *x, const statement *s) {
    fv_value *inputs, value;
    fv_argument *arguments;
    int count, argument_count;
    const char *weight = "1";
    double w;
    fv_status status = fv_lang_gather(x, s, &inputs, &count);
    if (!status) status = fv_lang_compute_arguments(x, s, "weight", &weight, &arguments, &argument_count);
    if (status) return status;
    if (!fv_parse_double(weight, &w)) return FV_LANG_FAIL_AT(x, s, "weight: expected a number, got '%s'", weight);
    if (s->op) {
        fv_error reason = {0};
        if (x->net->node_count >= FV_LANG_MAX_APPLICATIONS)
            return FV_LANG_FAIL_AT(x, s, "the text expands to more than %d applications", FV_LANG_MAX_APPLICATIONS);
        value = fv_lang_apply_loss(x->net, s->op, inputs, count, arguments, argument_count, &reason);
        if (value.id < 0) return fv_lang_at_statement(x, &reason, s);
    } else {
        if (argument_count || count != 1)
            return FV_LANG_FAIL_AT(x, s, "expected a loss such as crossentropy, or one value behind '<-'");
        value = inputs[0];
    }
    fv_add_loss(value, w);
    return fv_lang_net_status(x, s);
}

/* What has no key is an entry of the section's list: `augment hflip shift(2)` is list="hflip shift(2)", line after line. */
static fv_status add_to_list(fv_lang_expander *x, const char *section, const char *entry) {
    fv_net *net = x->net;
    const char *before = fv_net_find_setting(net, section, "list");
    const char *text = fv_arena_printf(net->arena, "%s%s%s", before ? before : "", before ? " " : "", entry);
    for (int i = 0; text && i < net->setting_count; i++)
        if (!strcmp(net->settings[i].section, section) && !strcmp(net->settings[i].key, "list")) {
            net->settings[i].value = text;
            return FV_OK;
        }
    section = fv_arena_printf(net->arena, "%s", section);
    if (!text || !section ||
        !fv_grow((void *)&net->settings, &net->setting_capacity, net->setting_count, sizeof *net->settings))
        return fv_fail_memory(x->error, "the network's settings", sizeof *net->settings);
    net->settings[net->setting_count++] = (fv_net_setting){section, "list", text};
    return FV_OK;
}

fv_status fv_lang_run_setting(fv_lang_expander *x, const statement *s) {
    fv_net *net = x->net;
    fv_argument *arguments;
    int count;
    fv_status status = fv_lang_compute_arguments(x, s, NULL, NULL, &arguments, &count);
    for (int i = 0; i < count && !status; i++) {
        if (!arguments[i].key) {
            status = add_to_list(x, s->word, arguments[i].value);
            continue;
        }
        if (!strcmp(arguments[i].key, "list")) /* how entries without a key are kept */
            return FV_LANG_FAIL_AT(x, s, "%s: list is no key; entries of a list stand without one", s->word);
        const char *section = fv_arena_printf(net->arena, "%s", s->word);
        const char *key = fv_arena_printf(net->arena, "%s", arguments[i].key);
        const char *value = fv_arena_printf(net->arena, "%s", arguments[i].value);
        if (!section || !key || !value ||
            !fv_grow((void *)&net->settings, &net->setting_capacity, net->setting_count, sizeof *net->settings))
            return fv_fail_memory(x->error, "the network's settings", sizeof *net->settings);
        net->settings[net->setting_count++] = (fv_net_setting){section, key, value};
    }
    return status;
}

/* The value that was set from outside for a `param`, of the kind that its default has. */
static fv_status override_param(fv_lang_expander *x, const fv_lang_argument *a, fv_lang_value *value) {
    for (int i = 0; i < x->setting_count; i++) {
        if (strcmp(x->settings[i].name, a->key) != 0) continue;
        const char *text = x->settings[i].value;
        bool truth = strcmp(value->text, "yes") == 0 || strcmp(value->text, "no") == 0;
        int64_t n = 0;
        bool number = text && fv_parse_i64(text, &n);
        if (!text || (value->number && !number))
            return fv_fail(x->error, FV_E_ARGUMENT, "%s of %s: expected a whole number such as %s, got '%s'", a->key,
                           x->program->name, value->text, text ? text : "");
        if (truth && strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
            return fv_fail(x->error, FV_E_ARGUMENT, "%s of %s: expected yes or no, got '%s'", a->key, x->program->name,
                           text);
        *value = (fv_lang_value){.number = number, .n = n, .text = fv_arena_text(x->arena, text, strlen(text))};
        if (!value->text) return fv_fail_memory(x->error, "the network's text", strlen(text));
    }
    return FV_OK;
}

fv_status fv_lang_run_param(fv_lang_expander *x, const statement *s) {
    fv_lang_context c = fv_lang_context_of(x);
    for (const fv_lang_argument *a = s->arguments; a; a = a->next) {
        if (fv_lang_find_parameter(x, a->key)) return FV_LANG_FAIL_AT(x, a, "there is a param '%s' already", a->key);
        fv_lang_parameter *p = fv_arena_take(x->arena, sizeof *p);
        if (!p) return fv_fail_memory(x->error, "the network's text", sizeof *p);
        fv_status status = fv_lang_compute(&c, a->value, &p->value);
        if (!status) status = override_param(x, a, &p->value);
        if (status) return status;
        p->name = a->key;
        p->next = x->frame->parameters;
        x->frame->parameters = p;
    }
    return FV_OK;
}
