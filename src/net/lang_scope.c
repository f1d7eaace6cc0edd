/* lang_scope.c - what words and names mean where they stand, and where a mistake is. */
#include "lang_expand.h"

#include "error.h"
#include "graph.h"

#include <stdio.h>
#include <string.h>

typedef fv_lang_statement statement;

/* The error of a builder, with the place in the text if it has none. */
fv_status fv_lang_at_statement(fv_lang_expander *x, const fv_error *reason, const statement *s) {
    if (x->error) {
        *x->error = *reason;
        if (!x->error->line) {
            x->error->line = s->line;
            x->error->column = s->column;
        }
        snprintf(x->error->file, sizeof x->error->file, "%s", x->program->name);
    }
    return reason->status;
}

fv_status fv_lang_net_status(fv_lang_expander *x, const statement *s) {
    return x->net->error.status ? fv_lang_at_statement(x, &x->net->error, s) : FV_OK;
}

/* ---- words and names -------------------------------------------------------------------------------------------- */

const fv_lang_value *fv_lang_find_parameter(void *user, const char *word) {
    fv_lang_expander *x = user;
    fv_lang_frame *outermost = x->frame;
    for (const fv_lang_parameter *p = x->frame->parameters; p; p = p->next)
        if (strcmp(p->name, word) == 0) return &p->value;
    while (outermost->outer) outermost = outermost->outer;
    for (const fv_lang_parameter *p = outermost->parameters; p && outermost != x->frame; p = p->next)
        if (strcmp(p->name, word) == 0) return &p->value;
    return NULL;
}

/* in -> 0, in2 -> 1, anything else -1 */
static int input_index(const char *name) {
    int64_t n;
    if (strcmp(name, "in") == 0) return 0;
    return strncmp(name, "in", 2) == 0 && fv_parse_i64(name + 2, &n) && n >= 1 && n <= FV_LANG_MAX_INPUTS ? (int)n - 1
                                                                                                          : -1;
}

/* The value of that name in the open block, without paths; id -1 if there is none. */
static fv_value local_value(const fv_lang_expander *x, const char *name, bool quoted) {
    const fv_lang_frame *f = x->frame;
    fv_value none = {x->net, -1};
    int index = quoted ? -1 : input_index(name);
    if (index >= 0 && f->block) return index < f->inputs ? f->in[index] : none;
    if (!quoted && strcmp(name, "it") == 0) return f->has_it ? f->it : none;
    const struct fv_lang_entry *e = fv_lang_find(&f->values, name);
    return e ? (fv_value){x->net, (int32_t)e->value} : none;
}

/* The net's value of that full name. */
static fv_value value_of_path(fv_lang_expander *x, const char *path) {
    for (; x->paths_seen < x->net->value_count; x->paths_seen++)
        if (!fv_lang_put(&x->paths, x->net->values[x->paths_seen].name, x->paths_seen, 0)) break;
    const struct fv_lang_entry *e = fv_lang_find(&x->paths, path);
    return (fv_value){x->net, e ? (int32_t)e->value : -1};
}

/* `conv1.weight`: what belongs to the application behind a named value, else a full name. `conv1.y` is what the
 * operator itself gives, before its activation. */
static fv_value path_value(fv_lang_expander *x, const char *name, bool quoted) {
    const char *point = strrchr(name, '.');
    const char *first = point ? fv_arena_text(x->arena, name, (size_t)(point - name)) : NULL;
    if (first) {
        fv_value named = local_value(x, first, quoted);
        int owner = fv_value_owner(named.id >= 0 ? named : value_of_path(x, first));
        const fv_node *node = owner < 0 ? NULL : &x->net->nodes[owner];
        if (node && node->outputs == 1 && strcmp(point, ".y") == 0) return (fv_value){x->net, node->value_out[0]};
        const char *path = node ? fv_arena_printf(x->arena, "%s%s", node->name, point) : NULL;
        fv_value value = path ? value_of_path(x, path) : (fv_value){x->net, -1};
        if (value.id >= 0) return value;
    }
    return value_of_path(x, name);
}

fv_status fv_lang_unknown_value(fv_lang_expander *x, const fv_lang_name *name) {
    const fv_lang_frame *f = x->frame;
    int index = name->quoted ? -1 : input_index(name->text);
    if (index >= 0 && !f->block)
        return FV_LANG_FAIL_AT(x, name, "'%s' is the input of a block; outside of blocks values have names",
                               name->text);
    if (strcmp(name->text, "it") == 0) return FV_LANG_FAIL_AT(x, name, "'it' is the line above, but there is none");
    const char *near = fv_lang_nearest(&f->values, name->text);
    return FV_LANG_FAIL_AT(x, name, "there is no value '%s' here%s%s%s", name->text, near ? "; did you mean '" : "",
                           near ? near : "", near ? "'?" : "");
}

/* `_` stands for a parameter that is to be made as if nothing had been said: a value of no net. */
fv_status fv_lang_resolve(fv_lang_expander *x, const fv_lang_name *name, fv_value *out) {
    *out = (fv_value){NULL, -1};
    if (!name->quoted && strcmp(name->text, "_") == 0) return FV_OK;
    *out = local_value(x, name->text, name->quoted);
    if (out->id < 0) *out = path_value(x, name->text, name->quoted);
    return out->id < 0 ? fv_lang_unknown_value(x, name) : FV_OK;
}

/* in.channels and its kind */
static int find_property(void *user, const fv_lang_expression *word, int64_t *out) {
    static const char *const names[] = {"channels", "height", "width", "depth", "length", "size"};
    fv_lang_expander *x = user;
    const char *point = strrchr(word->text, '.');
    const char *prefix = fv_arena_text(x->arena, word->text, (size_t)(point - word->text));
    fv_value value = prefix ? local_value(x, prefix, false) : (fv_value){x->net, -1};
    if (value.id < 0) return 0;
    const fv_type *type = &x->net->values[value.id].type;
    const int64_t *dim = type->shape.dim + fv_type_batched(type);
    int rank = type->shape.rank - fv_type_batched(type), spatial = rank - 1, at = -1;
    const char *p = point + 1;
    if (strcmp(p, "size") == 0)
        *out = fv_type_each(type);
    else if (strcmp(p, "channels") == 0 && rank >= 1)
        at = rank - 1;
    else if (strcmp(p, "width") == 0 && spatial >= 2)
        at = spatial - 1;
    else if (strcmp(p, "height") == 0 && spatial >= 2)
        at = spatial - 2;
    else if (strcmp(p, "depth") == 0 && spatial == 3)
        at = 0;
    else if (strcmp(p, "length") == 0 && spatial == 1)
        at = 0;
    else {
        char shape[128];
        const char *near = fv_nearest(p, names, sizeof *names, sizeof names / sizeof *names);
        FV_LANG_FAIL_AT(x, word, "'%s' of shape %s has no %s%s%s%s", prefix,
                        fv_shape_text(&type->shape, shape, sizeof shape), p,
                        near && strcmp(near, p) != 0 ? "; did you mean " : "", near && strcmp(near, p) != 0 ? near : "",
                        near && strcmp(near, p) != 0 ? "?" : "");
        return -1;
    }
    if (at >= 0) *out = dim[at];
    bool open = at >= 0 && dim[at] < 0;
    for (int d = 0; d < rank; d++) open = open || (at < 0 && dim[d] < 0);
    if (!open) return 1;
    FV_LANG_FAIL_AT(x, word, "%s is open here: the size is known only when pictures come", word->text);
    return -1;
}

fv_lang_context fv_lang_context_of(fv_lang_expander *x) {
    return (fv_lang_context){x->program->name, x->arena, x->error, &x->work, fv_lang_find_parameter, find_property, x};
}

/* Outside of repeats a name is given once. */
fv_status fv_lang_check_names(fv_lang_expander *x, const statement *s) {
    const fv_lang_frame *f = x->frame;
    for (const fv_lang_name *n = s->names; n && f->repeats == 0; n = n->next) {
        const struct fv_lang_entry *old = fv_lang_find(&f->values, n->text);
        if (old) return FV_LANG_FAIL_AT(x, n, "there is a value '%s' already, in line %d", n->text, old->line);
    }
    return FV_OK;
}

fv_status fv_lang_give_name(fv_lang_expander *x, const fv_lang_name *name, fv_value value) {
    if (fv_lang_put(&x->frame->values, name->text, value.id, name->line)) return FV_OK;
    return fv_fail_memory(x->error, "the network's text", sizeof value);
}

/* The name for the application: in a repeat it is numbered, as the names of operators are. */
const char *fv_lang_application_name(fv_lang_expander *x, const statement *s) {
    fv_lang_frame *f = x->frame;
    if (!s->names) return NULL;
    if (f->repeats == 0) return s->names->text;
    const struct fv_lang_entry *e = fv_lang_find(&f->ordinals, s->names->text);
    int64_t n = e ? e->value + 1 : 1;
    if (!fv_lang_put(&f->ordinals, s->names->text, n, s->line)) return s->names->text;
    return fv_arena_printf(x->arena, "%s%lld", s->names->text, (long long)n);
}

/* ---- what a line is given --------------------------------------------------------------------------------------- */

/* What the line reads: behind `<-`, or the line above. */
fv_status fv_lang_gather(fv_lang_expander *x, const statement *s, fv_value **out, int *count) {
    int n = 0;
    fv_status free = fv_lang_check_names(x, s);
    if (free) return free;
    for (const fv_lang_name *r = s->reads; r; r = r->next) n++;
    bool reads = n || !s->op || s->op->variadic || fv_op_inputs(s->op) > 0; /* numbers of the net have no input */
    *count = n ? n : reads;
    *out = fv_arena_take(x->arena, (size_t)(*count + 1) * sizeof **out);
    if (!*out) return fv_fail_memory(x->error, "the network's text", (size_t)*count * sizeof **out);
    int i = 0;
    for (const fv_lang_name *r = s->reads; r; r = r->next, i++) {
        fv_status status = fv_lang_resolve(x, r, &(*out)[i]);
        if (status) return status;
    }
    if (n || !reads) return FV_OK;
    if (!x->frame->has_it)
        return FV_LANG_FAIL_AT(x, s,
                               "'%s' reads the line above, but there is none; start with a line such as: input 28x28x1",
                               s->word ? s->word : "loss");
    (*out)[0] = x->frame->it;
    return FV_OK;
}

/* The operator's arguments as text. The argument `except` is left out (may be NULL) and its value handed back. */
fv_status fv_lang_compute_arguments(fv_lang_expander *x, const statement *s, const char *except, const char **excepted,
                                    fv_argument **out, int *count) {
    fv_lang_context c = fv_lang_context_of(x);
    int n = 0;
    for (const fv_lang_argument *a = s->arguments; a; a = a->next) n++;
    *count = 0;
    *out = fv_arena_take(x->arena, (size_t)(n + 1) * sizeof **out);
    if (!*out) return fv_fail_memory(x->error, "the network's text", (size_t)n * sizeof **out);
    for (const fv_lang_argument *a = s->arguments; a; a = a->next) {
        fv_lang_value value;
        fv_status status = fv_lang_compute(&c, a->value, &value);
        if (!status) status = fv_lang_spend(&c, a->value, strlen(value.text) + 1);
        if (status) return status;
        if (except && a->key && strcmp(a->key, except) == 0)
            *excepted = value.text;
        else
            (*out)[(*count)++] = (fv_argument){a->key, value.text, a->line, a->column};
    }
    return FV_OK;
}
