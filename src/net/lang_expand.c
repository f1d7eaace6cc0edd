/* lang_expand.c - carries statements out on a net: blocks, repeats and conditions become applications of operators. */
#include "lang_expand.h"

#include "error.h"
#include "graph.h"

#include <stdio.h>
#include <string.h>

typedef fv_lang_statement statement;

/* ---- applications ----------------------------------------------------------------------------------------------- */

static fv_status apply(fv_lang_expander *x, const statement *s, const char *name, const fv_value *inputs, int count,
                       const fv_argument *arguments, int argument_count, fv_value *out) {
    fv_error reason = {0};
    int first = x->net->node_count;
    if (first >= FV_LANG_MAX_APPLICATIONS)
        return FV_LANG_FAIL_AT(x, s, "the text expands to more than %d applications", FV_LANG_MAX_APPLICATIONS);
    *out = fv_net_apply(x->net, s->op, name, inputs, count, arguments, argument_count, &reason);
    if (out->id < 0) return fv_lang_at_statement(x, &reason, s);
    for (int i = first; i < x->net->node_count; i++) x->net->nodes[i].line = s->line;
    return FV_OK;
}

static fv_status apply_operator(fv_lang_expander *x, const statement *s) {
    fv_value *inputs, value;
    fv_argument *arguments;
    int count, argument_count;
    fv_status status = fv_lang_gather(x, s, &inputs, &count);
    if (!status) status = fv_lang_compute_arguments(x, s, NULL, NULL, &arguments, &argument_count);
    if (!status) status = apply(x, s, fv_lang_application_name(x, s), inputs, count, arguments, argument_count, &value);
    if (status) return status;
    int owner = fv_value_owner(value), outputs = x->net->nodes[owner].outputs, i = 0;
    for (const fv_lang_name *n = s->names; n && !status; n = n->next, i++) {
        if (i >= outputs)
            return FV_LANG_FAIL_AT(x, n, "'%s' has %d output%s, but there are more names", s->word, outputs,
                                   outputs == 1 ? "" : "s");
        status = fv_lang_give_name(x, n, i ? fv_output_of(value, i) : value);
    }
    x->frame->it = value;
    x->frame->has_it = true;
    return status;
}

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

static const fv_lang_argument *find_by_key(const fv_lang_argument *list, const char *key) {
    while (list && !(list->key && strcmp(list->key, key) == 0)) list = list->next;
    return list;
}

static fv_status unknown_key(fv_lang_expander *x, const statement *s, const fv_lang_argument *argument) {
    fv_lang_table names = {0};
    for (const fv_lang_argument *p = s->block->parameters; p; p = p->next) fv_lang_put(&names, p->key, 0, 0);
    const char *near = fv_lang_nearest(&names, argument->key);
    fv_status status =
        FV_LANG_FAIL_AT(x, argument, "the block '%s' has no parameter '%s'%s%s%s", s->word, argument->key,
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    fv_lang_table_free(&names);
    return status;
}

/* Arguments that fit no parameter: too many, unknown, given twice. */
static fv_status check_block_arguments(fv_lang_expander *x, const statement *s) {
    int positions = 0, given = 0;
    for (const fv_lang_argument *p = s->block->parameters; p; p = p->next) positions++;
    for (const fv_lang_argument *a = s->arguments; a; a = a->next) {
        if (!a->key && ++given > positions)
            return FV_LANG_FAIL_AT(x, a, "the block '%s' takes %d argument%s, got more", s->word, positions,
                                   positions == 1 ? "" : "s");
        if (!a->key) continue;
        if (!find_by_key(s->block->parameters, a->key)) return unknown_key(x, s, a);
        if (find_by_key(s->arguments, a->key) != a) return FV_LANG_FAIL_AT(x, a, "'%s' is given twice", a->key);
    }
    int i = 0;
    for (const fv_lang_argument *p = s->block->parameters; p; p = p->next, i++) {
        const fv_lang_argument *twice = i < given ? find_by_key(s->arguments, p->key) : NULL;
        if (twice) return FV_LANG_FAIL_AT(x, twice, "'%s' is given twice: also by position", p->key);
    }
    return FV_OK;
}

/* The parameters of the block for its frame: arguments mean what they mean where it is used, defaults what they mean
 * inside. */
static fv_status bind_parameters(fv_lang_expander *x, const statement *s, fv_lang_frame *inner) {
    fv_lang_context c = fv_lang_context_of(x);
    const fv_lang_argument *position = s->arguments;
    fv_lang_frame *outer = x->frame;
    fv_status status = check_block_arguments(x, s);
    for (const fv_lang_argument *p = s->block->parameters; p && !status; p = p->next) {
        while (position && position->key) position = position->next;
        const fv_lang_argument *a = position ? position : find_by_key(s->arguments, p->key);
        if (position) position = position->next;
        fv_lang_parameter *bound = fv_arena_take(x->arena, sizeof *bound);
        if (!bound) return fv_fail_memory(x->error, "the network's text", sizeof *bound);
        if (!a && !p->value) return FV_LANG_FAIL_AT(x, s, "the block '%s' needs '%s'", s->word, p->key);
        x->frame = a ? outer : inner;
        status = fv_lang_compute(&c, a ? a->value : p->value, &bound->value);
        x->frame = outer;
        bound->name = p->key;
        bound->next = inner->parameters;
        inner->parameters = bound;
    }
    return status;
}

static fv_status run_body(fv_lang_expander *x, const statement *body);

/* "... (in block 'cbr' of line 12)" */
static void say_where(fv_lang_expander *x, const statement *s) {
    if (!x->error) return;
    size_t length = strlen(x->error->message);
    snprintf(x->error->message + length, sizeof x->error->message - length, " (in block '%s' of line %d)", s->word,
             s->line);
}

static fv_status name_results(fv_lang_expander *x, const statement *s, const fv_lang_frame *inner) {
    fv_status status = FV_OK;
    int count = inner->outputs ? inner->outputs : 1, i = 0;
    for (const fv_lang_name *n = s->names; n && !status; n = n->next, i++) {
        if (i >= count)
            return FV_LANG_FAIL_AT(x, n, "the block '%s' has %d output%s, but there are more names", s->word, count,
                                   count == 1 ? "" : "s");
        status = fv_lang_give_name(x, n, inner->outputs ? inner->out[i] : inner->it);
    }
    x->frame->it = inner->outputs ? inner->out[0] : inner->it;
    x->frame->has_it = true;
    return status;
}

static fv_status apply_block(fv_lang_expander *x, const statement *s) {
    fv_value *inputs;
    int count;
    fv_status status = fv_lang_gather(x, s, &inputs, &count);
    for (int i = 0; i < count && !status; i++)
        if (inputs[i].id < 0)
            status = FV_LANG_FAIL_AT(x, s, "'_' stands for the parameter of an operator; '%s' is a block", s->word);
    if (status) return status;
    if (count != s->block->inputs)
        return FV_LANG_FAIL_AT(x, s, "the block '%s' has %d input%s, got %d", s->word, s->block->inputs,
                               s->block->inputs == 1 ? "" : "s", count);
    if (x->frame->depth >= FV_LANG_MAX_DEPTH) return FV_LANG_FAIL_AT(x, s, "blocks in blocks are nested too deeply");
    fv_lang_frame *inner = fv_alloc(sizeof *inner);
    if (!inner) return fv_fail_memory(x->error, "the network's text", sizeof *inner);
    *inner = (fv_lang_frame){.block = s->block,
                             .outer = x->frame,
                             .depth = x->frame->depth + 1,
                             .it = inputs[0],
                             .has_it = true,
                             .inputs = count};
    memcpy(inner->in, inputs, (size_t)count * sizeof *inputs);
    status = bind_parameters(x, s, inner);
    const char *name = fv_lang_application_name(x, s);
    if (!status && name)
        fv_net_enter_named(x->net, s->word, name);
    else if (!status)
        fv_enter(x->net, s->word);
    if (!status) status = fv_lang_net_status(x, s);
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

static fv_status run_repeat(fv_lang_expander *x, const statement *s) {
    fv_lang_context c = fv_lang_context_of(x);
    int64_t count;
    fv_status status = fv_lang_compute_number(&c, s->expression, "repeat", &count);
    if (status) return status;
    if (count < 0) return FV_LANG_FAIL_AT(x, s->expression, "repeat: expected a count, got %lld", (long long)count);
    x->frame->repeats++;
    for (int64_t i = 0; i < count && !status; i++) {
        status = fv_lang_spend(&c, s->expression, 16);
        if (!status) status = run_body(x, s->body);
    }
    x->frame->repeats--;
    return status;
}

static fv_status run_when(fv_lang_expander *x, const statement *s) {
    fv_lang_context c = fv_lang_context_of(x);
    bool yes;
    fv_status status = fv_lang_compute_truth(&c, s->expression, &yes);
    return status || !yes ? status : run_body(x, s->body);
}

static fv_status run(fv_lang_expander *x, const statement *s) {
    switch (s->kind) {
    case FV_LANG_APPLY: return s->block ? apply_block(x, s) : apply_operator(x, s);
    case FV_LANG_INPUT: return fv_lang_run_input(x, s);
    case FV_LANG_OUTPUT: return fv_lang_run_output(x, s);
    case FV_LANG_LOSS: return fv_lang_run_loss(x, s);
    case FV_LANG_SETTING: return fv_lang_run_setting(x, s);
    case FV_LANG_PARAM: return fv_lang_run_param(x, s);
    case FV_LANG_REPEAT: return run_repeat(x, s);
    case FV_LANG_WHEN: return run_when(x, s);
    }
    return FV_OK;
}

static fv_status run_body(fv_lang_expander *x, const statement *body) {
    fv_lang_context c = fv_lang_context_of(x);
    for (const statement *s = body; s; s = s->next) {
        fv_lang_expression where = {.line = s->line, .column = s->column};
        fv_status status = fv_lang_spend(&c, &where, 16);
        if (!status) status = run(x, s);
        if (status) return status;
    }
    return FV_OK;
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

/* Every setting must be that of a `param` of the text. */
static fv_status check_settings(fv_lang_expander *x) {
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
    fv_lang_frame outermost = {0};
    fv_lang_expander x = {.program = program,
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
