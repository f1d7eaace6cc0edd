/* lang_expand.c - carries statements out on a net: blocks, repeats and conditions become applications of operators. */
#include "lang.h"

#include "error.h"
#include "graph.h"

#include <stdio.h>
#include <string.h>

typedef fv_lang_statement statement;

enum { MAX_INPUTS = 64 };

typedef struct parameter {
    const char *name;
    fv_lang_value value;
    struct parameter *next;
} parameter;

/* A block in use, or the file. */
typedef struct frame {
    const fv_lang_block *block;
    struct frame *outer;
    int depth;
    parameter *parameters;
    fv_lang_table values;   /* names given to values */
    fv_lang_table ordinals; /* how often a name was given in repeats */
    int repeats;            /* open ones */
    fv_value it;
    bool has_it;
    fv_value in[MAX_INPUTS];
    int inputs;
    fv_value out[FV_MAX_OUTPUTS]; /* of a block with an output line */
    int outputs;
} frame;

typedef struct expander {
    const fv_lang_program *program;
    fv_net *net;
    fv_arena *arena;
    fv_error *error;
    const fv_setting *settings;
    int setting_count;
    frame *frame;
    int64_t work;
    fv_lang_table paths; /* names of the net's values */
    int paths_seen;
} expander;

#define FAIL_AT(x, where, ...)                                                                                         \
    fv_fail_at((x)->error, FV_E_SYNTAX, (x)->program->name, (where)->line, (where)->column, __VA_ARGS__)

/* The error of a builder, with the place in the text if it has none. */
static fv_status at_statement(expander *x, const fv_error *reason, const statement *s) {
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

static fv_status net_status(expander *x, const statement *s) {
    return x->net->error.status ? at_statement(x, &x->net->error, s) : FV_OK;
}

/* ---- words and names
 * -------------------------------------------------------------------------------------------------- */

static const fv_lang_value *find_parameter(void *user, const char *word) {
    expander *x = user;
    frame *outermost = x->frame;
    for (const parameter *p = x->frame->parameters; p; p = p->next)
        if (strcmp(p->name, word) == 0) return &p->value;
    while (outermost->outer) outermost = outermost->outer;
    for (const parameter *p = outermost->parameters; p && outermost != x->frame; p = p->next)
        if (strcmp(p->name, word) == 0) return &p->value;
    return NULL;
}

/* in -> 0, in2 -> 1, anything else -1 */
static int input_index(const char *name) {
    int64_t n;
    if (strcmp(name, "in") == 0) return 0;
    return strncmp(name, "in", 2) == 0 && fv_parse_i64(name + 2, &n) && n >= 1 && n <= MAX_INPUTS ? (int)n - 1 : -1;
}

/* The value of that name in the open block, without paths; id -1 if there is none. */
static fv_value local_value(const expander *x, const char *name, bool quoted) {
    const frame *f = x->frame;
    fv_value none = {x->net, -1};
    int index = quoted ? -1 : input_index(name);
    if (index >= 0 && f->block) return index < f->inputs ? f->in[index] : none;
    if (!quoted && strcmp(name, "it") == 0) return f->has_it ? f->it : none;
    const struct fv_lang_entry *e = fv_lang_find(&f->values, name);
    return e ? (fv_value){x->net, (int32_t)e->value} : none;
}

/* The net's value of that full name. */
static fv_value value_of_path(expander *x, const char *path) {
    for (; x->paths_seen < x->net->value_count; x->paths_seen++)
        if (!fv_lang_put(&x->paths, x->net->values[x->paths_seen].name, x->paths_seen, 0)) break;
    const struct fv_lang_entry *e = fv_lang_find(&x->paths, path);
    return (fv_value){x->net, e ? (int32_t)e->value : -1};
}

/* `conv1.weight`: what belongs to the application behind a named value, else a full name. `conv1.y` is what the
 * operator itself gives, before its activation. */
static fv_value path_value(expander *x, const char *name, bool quoted) {
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

static fv_status unknown_value(expander *x, const fv_lang_name *name) {
    const frame *f = x->frame;
    int index = name->quoted ? -1 : input_index(name->text);
    if (index >= 0 && !f->block)
        return FAIL_AT(x, name, "'%s' is the input of a block; outside of blocks values have names", name->text);
    if (strcmp(name->text, "it") == 0) return FAIL_AT(x, name, "'it' is the line above, but there is none");
    const char *near = fv_lang_nearest(&f->values, name->text);
    return FAIL_AT(x, name, "there is no value '%s' here%s%s%s", name->text, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
}

/* `_` stands for a parameter that is to be made as if nothing had been said: a value of no net. */
static fv_status resolve(expander *x, const fv_lang_name *name, fv_value *out) {
    *out = (fv_value){NULL, -1};
    if (!name->quoted && strcmp(name->text, "_") == 0) return FV_OK;
    *out = local_value(x, name->text, name->quoted);
    if (out->id < 0) *out = path_value(x, name->text, name->quoted);
    return out->id < 0 ? unknown_value(x, name) : FV_OK;
}

/* in.channels and its kind */
static int find_property(void *user, const fv_lang_expression *word, int64_t *out) {
    static const char *const names[] = {"channels", "height", "width", "depth", "length", "size"};
    expander *x = user;
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
        FAIL_AT(x, word, "'%s' of shape %s has no %s%s%s%s", prefix, fv_shape_text(&type->shape, shape, sizeof shape),
                p, near && strcmp(near, p) != 0 ? "; did you mean " : "", near && strcmp(near, p) != 0 ? near : "",
                near && strcmp(near, p) != 0 ? "?" : "");
        return -1;
    }
    if (at >= 0) *out = dim[at];
    bool open = at >= 0 && dim[at] < 0;
    for (int d = 0; d < rank; d++) open = open || (at < 0 && dim[d] < 0);
    if (!open) return 1;
    FAIL_AT(x, word, "%s is open here: the size is known only when pictures come", word->text);
    return -1;
}

static fv_lang_context context(expander *x) {
    return (fv_lang_context){x->program->name, x->arena, x->error, &x->work, find_parameter, find_property, x};
}

/* Outside of repeats a name is given once. */
static fv_status check_names(expander *x, const statement *s) {
    const frame *f = x->frame;
    for (const fv_lang_name *n = s->names; n && f->repeats == 0; n = n->next) {
        const struct fv_lang_entry *old = fv_lang_find(&f->values, n->text);
        if (old) return FAIL_AT(x, n, "there is a value '%s' already, in line %d", n->text, old->line);
    }
    return FV_OK;
}

static fv_status give_name(expander *x, const fv_lang_name *name, fv_value value) {
    if (fv_lang_put(&x->frame->values, name->text, value.id, name->line)) return FV_OK;
    return fv_fail_memory(x->error, "the network's text", sizeof value);
}

/* The name for the application: in a repeat it is numbered, as the names of operators are. */
static const char *application_name(expander *x, const statement *s) {
    frame *f = x->frame;
    if (!s->names) return NULL;
    if (f->repeats == 0) return s->names->text;
    const struct fv_lang_entry *e = fv_lang_find(&f->ordinals, s->names->text);
    int64_t n = e ? e->value + 1 : 1;
    if (!fv_lang_put(&f->ordinals, s->names->text, n, s->line)) return s->names->text;
    return fv_arena_printf(x->arena, "%s%lld", s->names->text, (long long)n);
}

/* ---- applications
 * ------------------------------------------------------------------------------------------------------- */

/* What the line reads: behind `<-`, or the line above. */
static fv_status gather(expander *x, const statement *s, fv_value **out, int *count) {
    int n = 0;
    fv_status free = check_names(x, s);
    if (free) return free;
    for (const fv_lang_name *r = s->reads; r; r = r->next) n++;
    *count = n ? n : 1;
    *out = fv_arena_take(x->arena, (size_t)*count * sizeof **out);
    if (!*out) return fv_fail_memory(x->error, "the network's text", (size_t)*count * sizeof **out);
    int i = 0;
    for (const fv_lang_name *r = s->reads; r; r = r->next, i++) {
        fv_status status = resolve(x, r, &(*out)[i]);
        if (status) return status;
    }
    if (n) return FV_OK;
    if (!x->frame->has_it)
        return FAIL_AT(x, s, "'%s' reads the line above, but there is none; start with a line such as: input 28x28x1",
                       s->word ? s->word : "loss");
    (*out)[0] = x->frame->it;
    return FV_OK;
}

/* The operator's arguments as text. The argument `except` is left out (may be NULL) and its value handed back. */
static fv_status compute_arguments(expander *x, const statement *s, const char *except, const char **excepted,
                                   fv_argument **out, int *count) {
    fv_lang_context c = context(x);
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

static fv_status apply(expander *x, const statement *s, const char *name, const fv_value *inputs, int count,
                       const fv_argument *arguments, int argument_count, fv_value *out) {
    fv_error reason = {0};
    int first = x->net->node_count;
    if (first >= FV_LANG_MAX_APPLICATIONS)
        return FAIL_AT(x, s, "the text expands to more than %d applications", FV_LANG_MAX_APPLICATIONS);
    *out = fv_net_apply(x->net, s->op, name, inputs, count, arguments, argument_count, &reason);
    if (out->id < 0) return at_statement(x, &reason, s);
    for (int i = first; i < x->net->node_count; i++) x->net->nodes[i].line = s->line;
    return FV_OK;
}

static fv_status apply_operator(expander *x, const statement *s) {
    fv_value *inputs, value;
    fv_argument *arguments;
    int count, argument_count;
    fv_status status = gather(x, s, &inputs, &count);
    if (!status) status = compute_arguments(x, s, NULL, NULL, &arguments, &argument_count);
    if (!status) status = apply(x, s, application_name(x, s), inputs, count, arguments, argument_count, &value);
    if (status) return status;
    int owner = fv_value_owner(value), outputs = x->net->nodes[owner].outputs, i = 0;
    for (const fv_lang_name *n = s->names; n && !status; n = n->next, i++) {
        if (i >= outputs)
            return FAIL_AT(x, n, "'%s' has %d output%s, but there are more names", s->word, outputs,
                           outputs == 1 ? "" : "s");
        status = give_name(x, n, i ? fv_output_of(value, i) : value);
    }
    x->frame->it = value;
    x->frame->has_it = true;
    return status;
}

/* ---- blocks
 * --------------------------------------------------------------------------------------------------------------- */

static const fv_lang_argument *find_by_key(const fv_lang_argument *list, const char *key) {
    while (list && !(list->key && strcmp(list->key, key) == 0)) list = list->next;
    return list;
}

static fv_status unknown_key(expander *x, const statement *s, const fv_lang_argument *argument) {
    fv_lang_table names = {0};
    for (const fv_lang_argument *p = s->block->parameters; p; p = p->next) fv_lang_put(&names, p->key, 0, 0);
    const char *near = fv_lang_nearest(&names, argument->key);
    fv_status status = FAIL_AT(x, argument, "the block '%s' has no parameter '%s'%s%s%s", s->word, argument->key,
                               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    fv_lang_table_free(&names);
    return status;
}

/* Arguments that fit no parameter: too many, unknown, given twice. */
static fv_status check_block_arguments(expander *x, const statement *s) {
    int positions = 0, given = 0;
    for (const fv_lang_argument *p = s->block->parameters; p; p = p->next) positions++;
    for (const fv_lang_argument *a = s->arguments; a; a = a->next) {
        if (!a->key && ++given > positions)
            return FAIL_AT(x, a, "the block '%s' takes %d argument%s, got more", s->word, positions,
                           positions == 1 ? "" : "s");
        if (!a->key) continue;
        if (!find_by_key(s->block->parameters, a->key)) return unknown_key(x, s, a);
        if (find_by_key(s->arguments, a->key) != a) return FAIL_AT(x, a, "'%s' is given twice", a->key);
    }
    int i = 0;
    for (const fv_lang_argument *p = s->block->parameters; p; p = p->next, i++) {
        const fv_lang_argument *twice = i < given ? find_by_key(s->arguments, p->key) : NULL;
        if (twice) return FAIL_AT(x, twice, "'%s' is given twice: also by position", p->key);
    }
    return FV_OK;
}

/* The parameters of the block for its frame: arguments mean what they mean where it is used, defaults what they mean
 * inside. */
static fv_status bind_parameters(expander *x, const statement *s, frame *inner) {
    fv_lang_context c = context(x);
    const fv_lang_argument *position = s->arguments;
    frame *outer = x->frame;
    fv_status status = check_block_arguments(x, s);
    for (const fv_lang_argument *p = s->block->parameters; p && !status; p = p->next) {
        while (position && position->key) position = position->next;
        const fv_lang_argument *a = position ? position : find_by_key(s->arguments, p->key);
        if (position) position = position->next;
        parameter *bound = fv_arena_take(x->arena, sizeof *bound);
        if (!bound) return fv_fail_memory(x->error, "the network's text", sizeof *bound);
        if (!a && !p->value) return FAIL_AT(x, s, "the block '%s' needs '%s'", s->word, p->key);
        x->frame = a ? outer : inner;
        status = fv_lang_compute(&c, a ? a->value : p->value, &bound->value);
        x->frame = outer;
        bound->name = p->key;
        bound->next = inner->parameters;
        inner->parameters = bound;
    }
    return status;
}

static fv_status run_body(expander *x, const statement *body);

/* "... (in block 'cbr' of line 12)" */
static void say_where(expander *x, const statement *s) {
    if (!x->error) return;
    size_t length = strlen(x->error->message);
    snprintf(x->error->message + length, sizeof x->error->message - length, " (in block '%s' of line %d)", s->word,
             s->line);
}

static fv_status name_results(expander *x, const statement *s, const frame *inner) {
    fv_status status = FV_OK;
    int count = inner->outputs ? inner->outputs : 1, i = 0;
    for (const fv_lang_name *n = s->names; n && !status; n = n->next, i++) {
        if (i >= count)
            return FAIL_AT(x, n, "the block '%s' has %d output%s, but there are more names", s->word, count,
                           count == 1 ? "" : "s");
        status = give_name(x, n, inner->outputs ? inner->out[i] : inner->it);
    }
    x->frame->it = inner->outputs ? inner->out[0] : inner->it;
    x->frame->has_it = true;
    return status;
}

static fv_status apply_block(expander *x, const statement *s) {
    fv_value *inputs;
    int count;
    fv_status status = gather(x, s, &inputs, &count);
    for (int i = 0; i < count && !status; i++)
        if (inputs[i].id < 0)
            status = FAIL_AT(x, s, "'_' stands for the parameter of an operator; '%s' is a block", s->word);
    if (status) return status;
    if (count != s->block->inputs)
        return FAIL_AT(x, s, "the block '%s' has %d input%s, got %d", s->word, s->block->inputs,
                       s->block->inputs == 1 ? "" : "s", count);
    if (x->frame->depth >= FV_LANG_MAX_DEPTH) return FAIL_AT(x, s, "blocks in blocks are nested too deeply");
    frame *inner = fv_alloc(sizeof *inner);
    if (!inner) return fv_fail_memory(x->error, "the network's text", sizeof *inner);
    *inner = (frame){.block = s->block,
                     .outer = x->frame,
                     .depth = x->frame->depth + 1,
                     .it = inputs[0],
                     .has_it = true,
                     .inputs = count};
    memcpy(inner->in, inputs, (size_t)count * sizeof *inputs);
    status = bind_parameters(x, s, inner);
    const char *name = application_name(x, s);
    if (!status && name)
        fv_net_enter_named(x->net, s->word, name);
    else if (!status)
        fv_enter(x->net, s->word);
    if (!status) status = net_status(x, s);
    if (!status) {
        x->frame = inner;
        status = run_body(x, s->block->body);
        x->frame = inner->outer;
        fv_leave(x->net);
        if (status)
            say_where(x, s);
        else
            status = name_results(x, s, inner);
    }
    fv_lang_table_free(&inner->values);
    fv_lang_table_free(&inner->ordinals);
    fv_free(inner);
    return status;
}

/* ---- the other statements
 * ----------------------------------------------------------------------------------------------------- */

static fv_status read_shape(expander *x, const fv_argument *a, fv_shape *shape) {
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
        bool good = open || (n < sizeof part && fv_parse_i64(part, &size) && size >= 1);
        if (!good || shape->rank == FV_MAX_RANK - 1)
            return FAIL_AT(x, a, "expected a shape such as 28x28x1 (height, width, channels), got '%s'", a->value);
        shape->dim[shape->rank++] = open ? FV_OPEN : size;
        more = s[n] == 'x';
        s += n + more;
    }
    return FV_OK;
}

static fv_status read_yes_no(expander *x, const fv_argument *a, bool *out) {
    *out = strcmp(a->value, "yes") == 0;
    return *out || strcmp(a->value, "no") == 0 ? FV_OK
                                               : FAIL_AT(x, a, "%s: expected yes or no, got '%s'", a->key, a->value);
}

static fv_status read_input_option(expander *x, const fv_argument *a, fv_input_options *o, int *shapes) {
    static const char *const keys[] = {"dtype", "target", "batch"};
    static const char *const dtypes[] = {"f32", "i32", "i64", "u8", "bool"};
    if (!a->key) {
        if (++*shapes > 1)
            return FAIL_AT(x, a, "expected one shape such as 28x28x1, got another argument '%s'", a->value);
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
                        : FAIL_AT(x, a, "there is no dtype '%s'%s%s%s", a->value, near ? "; did you mean '" : "",
                                  near ? near : "", near ? "'?" : "");
    }
    const char *near = fv_nearest(a->key, keys, sizeof *keys, 3);
    return FAIL_AT(x, a, "input has no '%s'%s%s%s", a->key, near ? "; did you mean '" : "; it has dtype, target, batch",
                   near ? near : "", near ? "'?" : "");
}

static fv_status run_input(expander *x, const statement *s) {
    fv_argument *arguments;
    int count, shapes = 0;
    fv_input_options o = {.size = sizeof o};
    fv_status status = compute_arguments(x, s, NULL, NULL, &arguments, &count);
    for (int i = 0; i < count && !status; i++) status = read_input_option(x, &arguments[i], &o, &shapes);
    if (status) return status;
    if (!shapes) return FAIL_AT(x, s, "expected a shape behind 'input', such as 28x28x1, or scalar");
    if (s->names && s->names->next) return FAIL_AT(x, s->names->next, "an input has one name");
    if ((status = check_names(x, s)) != FV_OK) return status;
    o.name = application_name(x, s);
    fv_value value = fv_input_with(x->net, &o);
    status = net_status(x, s);
    if (!status && s->names) status = give_name(x, s->names, value);
    if (!status && !s->names && !fv_lang_find(&x->frame->values, x->net->values[value.id].name) &&
        !fv_lang_put(&x->frame->values, x->net->values[value.id].name, value.id, s->line))
        status = fv_fail_memory(x->error, "the network's text", sizeof o);
    if (status || o.target) return status;
    x->frame->it = value;
    x->frame->has_it = true;
    return FV_OK;
}

static fv_status run_output(expander *x, const statement *s) {
    frame *f = x->frame;
    for (const fv_lang_name *n = s->reads; n; n = n->next) {
        fv_value value;
        fv_status status = resolve(x, n, &value);
        if (!status && value.id < 0) status = unknown_value(x, n);
        if (status) return status;
        if (f->block) {
            if (f->outputs == FV_MAX_OUTPUTS) return FAIL_AT(x, n, "a block has at most %d outputs", FV_MAX_OUTPUTS);
            f->out[f->outputs++] = value;
            continue;
        }
        bool given = fv_lang_find(&f->values, n->text) != NULL;
        fv_output(value, n->as ? n->as : given ? n->text : NULL);
        if ((status = net_status(x, s)) != FV_OK) return status;
    }
    return FV_OK;
}

/* loss crossentropy smoothing=0.1 weight=0.3 <- logits */
static fv_status run_loss(expander *x, const statement *s) {
    fv_value *inputs, value;
    fv_argument *arguments;
    int count, argument_count;
    const char *weight = "1";
    double w;
    fv_status status = gather(x, s, &inputs, &count);
    if (!status) status = compute_arguments(x, s, "weight", &weight, &arguments, &argument_count);
    if (status) return status;
    if (!fv_parse_double(weight, &w)) return FAIL_AT(x, s, "weight: expected a number, got '%s'", weight);
    if (s->op) {
        fv_error reason = {0};
        if (x->net->node_count >= FV_LANG_MAX_APPLICATIONS)
            return FAIL_AT(x, s, "the text expands to more than %d applications", FV_LANG_MAX_APPLICATIONS);
        value = fv_lang_apply_loss(x->net, s->op, inputs, count, arguments, argument_count, &reason);
        if (value.id < 0) return at_statement(x, &reason, s);
    } else {
        if (argument_count || count != 1)
            return FAIL_AT(x, s, "expected a loss such as crossentropy, or one value behind '<-'");
        value = inputs[0];
    }
    fv_add_loss(value, w);
    return net_status(x, s);
}

static fv_status run_setting(expander *x, const statement *s) {
    fv_net *net = x->net;
    fv_argument *arguments;
    int count;
    fv_status status = compute_arguments(x, s, NULL, NULL, &arguments, &count);
    for (int i = 0; i < count && !status; i++) {
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
static fv_status override_param(expander *x, const fv_lang_argument *a, fv_lang_value *value) {
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

static fv_status run_param(expander *x, const statement *s) {
    fv_lang_context c = context(x);
    for (const fv_lang_argument *a = s->arguments; a; a = a->next) {
        if (find_parameter(x, a->key)) return FAIL_AT(x, a, "there is a param '%s' already", a->key);
        parameter *p = fv_arena_take(x->arena, sizeof *p);
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

static fv_status run_repeat(expander *x, const statement *s) {
    fv_lang_context c = context(x);
    int64_t count;
    fv_status status = fv_lang_compute_number(&c, s->expression, "repeat", &count);
    if (status) return status;
    if (count < 0) return FAIL_AT(x, s->expression, "repeat: expected a count, got %lld", (long long)count);
    x->frame->repeats++;
    for (int64_t i = 0; i < count && !status; i++) {
        status = fv_lang_spend(&c, s->expression, 16);
        if (!status) status = run_body(x, s->body);
    }
    x->frame->repeats--;
    return status;
}

static fv_status run_when(expander *x, const statement *s) {
    fv_lang_context c = context(x);
    bool yes;
    fv_status status = fv_lang_compute_truth(&c, s->expression, &yes);
    return status || !yes ? status : run_body(x, s->body);
}

static fv_status run(expander *x, const statement *s) {
    switch (s->kind) {
    case FV_LANG_APPLY: return s->block ? apply_block(x, s) : apply_operator(x, s);
    case FV_LANG_INPUT: return run_input(x, s);
    case FV_LANG_OUTPUT: return run_output(x, s);
    case FV_LANG_LOSS: return run_loss(x, s);
    case FV_LANG_SETTING: return run_setting(x, s);
    case FV_LANG_PARAM: return run_param(x, s);
    case FV_LANG_REPEAT: return run_repeat(x, s);
    case FV_LANG_WHEN: return run_when(x, s);
    }
    return FV_OK;
}

static fv_status run_body(expander *x, const statement *body) {
    fv_lang_context c = context(x);
    for (const statement *s = body; s; s = s->next) {
        fv_lang_expression where = {.line = s->line, .column = s->column};
        fv_status status = fv_lang_spend(&c, &where, 16);
        if (!status) status = run(x, s);
        if (status) return status;
    }
    return FV_OK;
}

/* ---- the whole
 * ------------------------------------------------------------------------------------------------------------------ */

/* Every setting must be that of a `param` of the text. */
static fv_status check_settings(expander *x) {
    fv_lang_table names = {0};
    fv_status status = FV_OK;
    for (const statement *s = x->program->body; s; s = s->next)
        for (const fv_lang_argument *a = s->kind == FV_LANG_PARAM ? s->arguments : NULL; a; a = a->next)
            if (!fv_lang_put(&names, a->key, 0, 0)) status = fv_fail_memory(x->error, "the network's text", sizeof *a);
    for (int i = 0; i < x->setting_count && !status; i++) {
        const char *name = x->settings[i].name;
        if (fv_lang_find(&names, name)) continue;
        const char *near = fv_lang_nearest(&names, name);
        status = fv_fail(x->error, FV_E_ARGUMENT, "%s has no param '%s'%s%s%s", x->program->name, name,
                         near          ? "; did you mean '"
                         : names.count ? ""
                                       : "; it has none",
                         near ? near : "", near ? "'?" : "");
    }
    fv_lang_table_free(&names);
    return status;
}

fv_status fv_lang_expand(const fv_lang_program *program, fv_net *net, const fv_setting *settings, int count,
                         fv_arena *arena, fv_error *error) {
    frame outermost = {0};
    expander x = {.program = program,
                  .net = net,
                  .arena = arena,
                  .error = error,
                  .settings = settings,
                  .setting_count = count,
                  .frame = &outermost,
                  .work = FV_LANG_MAX_WORK};
    fv_status status = check_settings(&x);
    if (!status) status = run_body(&x, program->body);
    if (!status && net->value_count == 0)
        status = fv_fail_at(error, FV_E_SYNTAX, program->name, 0, 0, "there is no network in the text");
    if (!status && program->comment && !(net->comment = fv_arena_printf(net->arena, "%s", program->comment)))
        status = fv_fail_memory(error, "the network's comment", strlen(program->comment));
    fv_lang_table_free(&outermost.values);
    fv_lang_table_free(&outermost.ordinals);
    fv_lang_table_free(&x.paths);
    return status;
}
