/* lang_parse.c - reads the text of a network into statements; indentation nests. */
#include "lang.h"

#include "error.h"

#include <ctype.h>
#include <string.h>

typedef fv_lang_cursor cursor;
typedef fv_lang_statement statement;

typedef struct text_line {
    char *text; /* without comment, indentation and blanks at the end */
    int indent, number;
} text_line;

typedef struct reader {
    const fv_net *net;
    fv_lang_program *program;
    fv_arena *arena;
    fv_error *error;
    text_line *lines;
    int count, capacity, at;
    fv_lang_block *blocks; /* the newest first */
    fv_lang_block *inside; /* the block being read, or NULL */
} reader;

static void *take(reader *r, size_t bytes) {
    void *memory = fv_arena_take(r->arena, bytes);
    if (!memory) fv_fail_memory(r->error, "the network's text", bytes);
    return memory;
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

/* Ends the line before its comment; a # in quotes is none. */
static void drop_comment(char *line) {
    bool quoted = false;
    for (char *s = line; *s; s++) {
        if (quoted && *s == '\\' && s[1])
            s++;
        else if (*s == '"')
            quoted = !quoted;
        else if (*s == '#' && !quoted) {
            *s = 0;
            return;
        }
    }
}

static fv_status add_line(reader *r, char *line, int number) {
    int indent = 0;
    while (line[indent] == ' ') indent++;
    drop_comment(line);
    size_t length = strlen(line);
    if (length > FV_LANG_MAX_LINE)
        return fv_fail_at(r->error, FV_E_SYNTAX, r->program->name, number, 1, "the line is longer than %d bytes",
                          FV_LANG_MAX_LINE);
    while (length > 0 && isspace((unsigned char)line[length - 1])) line[--length] = 0;
    if (!length) return FV_OK;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ')
            return fv_fail_at(r->error, FV_E_SYNTAX, r->program->name, number, (int)i + 1,
                              line[i] == '\t' ? "a tab; blanks are expected" : "a control character");
    if (!fv_grow((void *)&r->lines, &r->capacity, r->count, sizeof *r->lines))
        return fv_fail_memory(r->error, "the network's text", length);
    r->lines[r->count++] = (text_line){line, indent, number};
    return FV_OK;
}

static fv_status split_lines(reader *r, char *text) {
    int number = 1;
    for (char *line = text; line; number++) {
        char *end = strchr(line, '\n');
        if (end) *end = 0;
        fv_status status = add_line(r, line, number);
        if (status) return status;
        line = end ? end + 1 : NULL;
    }
    return FV_OK;
}

/* The comment lines that the text starts with, without their marks. */
static fv_status leading_comment(reader *r, const char *text) {
    fv_text comment = {0};
    while (*text == '#') {
        text += text[1] == ' ' ? 2 : 1;
        size_t n = strcspn(text, "\r\n");
        if (comment.length) fv_text_add(&comment, "\n");
        fv_text_add_n(&comment, text, n);
        text += n;
        text += *text == '\r';
        text += *text == '\n';
    }
    if (comment.failed) return fv_fail_memory(r->error, "the network's text", comment.length);
    if (comment.data && !(r->program->comment = fv_arena_text(r->arena, comment.data, comment.length)))
        return fv_fail_memory(r->error, "the network's text", comment.length);
    fv_text_free(&comment);
    return FV_OK;
}

static cursor start(reader *r, const text_line *line) {
    return (cursor){.name = r->program->name,
                    .start = line->text,
                    .at = line->text + line->indent,
                    .line = line->number,
                    .arena = r->arena,
                    .error = r->error};
}

/* ---- names and arguments ---------------------------------------------------------------------------------------- */

static bool arrow(const cursor *c) { return strncmp(c->at, "<-", 2) == 0; }

/* `a, "b c", d.e`; stops behind the last. */
static bool read_names(cursor *c, bool with_as, const fv_lang_name **out) {
    const fv_lang_name **tail = out;
    for (int count = 0;; count++) {
        fv_lang_name *name = fv_arena_take(c->arena, sizeof *name);
        if (!name || count >= FV_LANG_MAX_ITEMS) return fv_lang_fail(c, "too many names"), false;
        fv_lang_skip_blanks(c);
        name->line = c->line;
        name->column = fv_lang_column(c);
        for (;;) {
            name->quoted = *c->at == '"';
            name->text = name->quoted ? fv_lang_quoted(c) : fv_lang_word(c, true);
            if (!name->text && !name->quoted) fv_lang_fail(c, "expected the name of a value, got %s", fv_lang_here(c));
            if (!name->text) return false;
            fv_lang_skip_blanks(c);
            if (!with_as || name->as || *c->at != '=') break;
            name->as = name->text;
            c->at++;
            fv_lang_skip_blanks(c);
        }
        *tail = name;
        tail = (const fv_lang_name **)&name->next;
        if (*c->at != ',') return true;
        c->at++;
    }
}

/* `key=value` or `value`, until `<-` or the end of the line. */
static fv_status read_arguments(cursor *c, const fv_lang_argument **out) {
    const fv_lang_argument **tail = out;
    for (int count = 0;; count++) {
        fv_lang_skip_blanks(c);
        if (!*c->at || arrow(c)) return FV_OK;
        if (count >= FV_LANG_MAX_ITEMS) return fv_lang_fail(c, "too many arguments");
        fv_lang_argument *argument = fv_arena_take(c->arena, sizeof *argument);
        if (!argument) return fv_fail_memory(c->error, "the network's text", sizeof *argument);
        argument->line = c->line;
        argument->column = fv_lang_column(c);
        const char *before = c->at, *key = fv_lang_word(c, false), *behind = c->at;
        while (*behind == ' ') behind++;
        if (key && *behind == '=' && behind[1] != '=') {
            c->at = behind + 1;
            fv_lang_skip_blanks(c);
            argument->key = key;
        } else {
            c->at = before;
        }
        if (!(argument->value = fv_lang_read_argument(c))) return FV_E_SYNTAX;
        *tail = argument;
        tail = (const fv_lang_argument **)&argument->next;
    }
}

/* `<- a, b` and the end of the line. */
static fv_status read_rest(cursor *c, const fv_lang_name **reads) {
    fv_lang_skip_blanks(c);
    if (reads && arrow(c)) {
        c->at += 2;
        fv_lang_skip_blanks(c);
        if (!read_names(c, false, reads)) return FV_E_SYNTAX;
    }
    fv_lang_skip_blanks(c);
    return *c->at ? fv_lang_fail(c, "expected the end of the line, got %s", fv_lang_here(c)) : FV_OK;
}

/* ---- statements ------------------------------------------------------------------------------------------------- */

static fv_status read_body(reader *r, int indent, int depth, const statement **out);

/* The lines below a `block`, `repeat` or `when`, further in than it. */
static fv_status read_nested(reader *r, const text_line *head, const char *word, int depth, const statement **out) {
    if (depth >= FV_LANG_MAX_DEPTH)
        return fv_fail_at(r->error, FV_E_SYNTAX, r->program->name, head->number, head->indent + 1, "nested too deeply");
    if (r->at >= r->count || r->lines[r->at].indent <= head->indent)
        return fv_fail_at(r->error, FV_E_SYNTAX, r->program->name, head->number, head->indent + 1,
                          "expected indented lines below '%s'", word);
    return read_body(r, r->lines[r->at].indent, depth + 1, out);
}

/* in -> 1, in3 -> 3, anything else 0 */
static int input_number(const char *name) {
    if (strcmp(name, "in") == 0) return 1;
    int64_t n;
    return strncmp(name, "in", 2) == 0 && isdigit((unsigned char)name[2]) && fv_parse_i64(name + 2, &n) && n >= 1 &&
                   n <= 64
               ? (int)n
               : 0;
}

/* How many inputs the block has: the highest `inN` that its lines name. */
static void count_input(reader *r, const char *word) {
    char name[8];
    size_t n = strcspn(word, ".");
    if (!r->inside || n >= sizeof name) return;
    memcpy(name, word, n);
    name[n] = 0;
    int number = input_number(name);
    if (number > r->inside->inputs) r->inside->inputs = number;
}

static void count_in_expression(reader *r, const fv_lang_expression *e) {
    for (; e; e = e->next) {
        if (e->kind == FV_LANG_WORD) count_input(r, e->text);
        if (e->a) count_in_expression(r, e->a);
        if (e->b) count_in_expression(r, e->b);
    }
}

static void count_inputs(reader *r, const statement *s) {
    for (const fv_lang_name *n = s->reads; n; n = n->next)
        if (!n->quoted) count_input(r, n->text);
    for (const fv_lang_argument *a = s->arguments; a; a = a->next) count_in_expression(r, a->value);
    count_in_expression(r, s->expression);
}

static fv_status check_names(reader *r, const cursor *c, const fv_lang_name *names) {
    for (const fv_lang_name *n = names; n; n = n->next)
        if (!n->quoted && (strcmp(n->text, "it") == 0 || input_number(n->text)))
            return fv_fail_at(r->error, FV_E_SYNTAX, c->name, n->line, n->column, "'%s' cannot be given as a name",
                              n->text);
    return FV_OK;
}

static fv_status unknown_word(reader *r, const cursor *c, const char *word, int column) {
    static const char *const words[] = {"block",  "repeat", "when",       "param",   "input",
                                        "output", "loss",   "preprocess", "augment", "train"};
    fv_lang_table names = {0};
    bool ok = true;
    for (int i = 0; i < fv_op_count(); i++) ok = ok && fv_lang_put(&names, fv_op_name(i), 0, 0);
    for (int i = 0; i < r->net->custom_count; i++) ok = ok && fv_lang_put(&names, r->net->custom[i]->name, 0, 0);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) ok = ok && fv_lang_put(&names, words[i], 0, 0);
    for (const fv_lang_block *b = r->blocks; b; b = b->next) ok = ok && fv_lang_put(&names, b->name, 0, 0);
    const char *near = ok ? fv_lang_nearest(&names, word) : NULL;
    fv_status status =
        fv_fail_at(r->error, FV_E_SYNTAX, c->name, c->line, column, "there is no operator or block '%s'%s%s%s", word,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    fv_lang_table_free(&names);
    return status;
}

static const fv_lang_block *find_block(const reader *r, const char *name) {
    for (const fv_lang_block *b = r->blocks; b; b = b->next)
        if (strcmp(b->name, name) == 0) return b;
    return NULL;
}

static fv_status read_apply(reader *r, cursor *c, statement *s) {
    s->kind = FV_LANG_APPLY;
    s->block = find_block(r, s->word);
    s->op = s->block ? NULL : fv_net_find_op(r->net, s->word);
    if (!s->block && !s->op) return unknown_word(r, c, s->word, s->column);
    fv_status status = read_arguments(c, &s->arguments);
    return status ? status : read_rest(c, &s->reads);
}

/* loss crossentropy smoothing=0.1 weight=0.3 <- logits; loss weight=0.3 <- value */
static fv_status read_loss(reader *r, cursor *c, statement *s) {
    s->kind = FV_LANG_LOSS;
    fv_lang_skip_blanks(c);
    const char *before = c->at;
    int column = fv_lang_column(c);
    s->word = fv_lang_word(c, false);
    if (s->word && *c->at == '=') {
        s->word = NULL;
        c->at = before;
    }
    s->op = s->word ? fv_net_find_op(r->net, s->word) : NULL;
    if (s->word && (!s->op || !(s->op->traits & FV_T_LOSS))) {
        const char *losses[64];
        int count = 0;
        for (int i = 0; i < fv_op_count() && count < 64; i++)
            if (fv_find_op(fv_op_name(i))->traits & FV_T_LOSS) losses[count++] = fv_op_name(i);
        const char *near = fv_nearest(s->word, losses, sizeof *losses, count);
        return fv_fail_at(r->error, FV_E_SYNTAX, c->name, c->line, column, "there is no loss '%s'%s%s%s", s->word,
                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    fv_status status = read_arguments(c, &s->arguments);
    return status ? status : read_rest(c, &s->reads);
}

static fv_status need_keys(reader *r, const cursor *c, const statement *s, const char *what) {
    if (!s->arguments) return fv_lang_fail(c, "expected %s behind '%s'", what, s->word);
    for (const fv_lang_argument *a = s->arguments; a; a = a->next)
        if (!a->key) return fv_fail_at(r->error, FV_E_SYNTAX, c->name, a->line, a->column, "expected %s", what);
    return FV_OK;
}

static fv_status read_output(cursor *c, statement *s) {
    s->kind = FV_LANG_OUTPUT;
    fv_lang_skip_blanks(c);
    if (!read_names(c, true, &s->reads)) return FV_E_SYNTAX;
    return read_rest(c, NULL);
}

static fv_status read_keys(reader *r, cursor *c, statement *s, bool param) {
    s->kind = param ? FV_LANG_PARAM : FV_LANG_SETTING;
    fv_status status = read_arguments(c, &s->arguments);
    if (!status) status = read_rest(c, NULL);
    if (!status && strcmp(s->word, "augment") == 0 && s->arguments) return FV_OK; /* augment hflip shift(2) */
    return status ? status : need_keys(r, c, s, param ? "name=default" : "key=value");
}

static fv_status read_header(reader *r, cursor *c, statement *s, const text_line *line, bool repeat, int depth) {
    s->kind = repeat ? FV_LANG_REPEAT : FV_LANG_WHEN;
    if (!(s->expression = fv_lang_read_condition(c))) return FV_E_SYNTAX;
    return read_nested(r, line, s->word, depth, &s->body);
}

static bool file_level_only(const char *word) {
    static const char *const words[] = {"input", "param", "loss", "preprocess", "augment", "train", "block"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0) return true;
    return false;
}

static fv_status read_by_word(reader *r, cursor *c, statement *s, const text_line *line, int depth) {
    const char *w = s->word;
    if (r->inside && file_level_only(w))
        return fv_fail_at(r->error, FV_E_SYNTAX, c->name, c->line, s->column, "'%s' cannot stand in a block", w);
    if (strcmp(w, "block") == 0 && !s->names)
        return fv_fail_at(r->error, FV_E_SYNTAX, c->name, c->line, s->column, "'block' cannot stand below other lines");
    if (strcmp(w, "input") == 0) {
        s->kind = FV_LANG_INPUT;
        fv_status status = read_arguments(c, &s->arguments);
        return status ? status : read_rest(c, NULL);
    }
    if (s->names) return read_apply(r, c, s);
    if (strcmp(w, "repeat") == 0 || strcmp(w, "when") == 0) return read_header(r, c, s, line, *w == 'r', depth);
    if (strcmp(w, "output") == 0) return read_output(c, s);
    if (strcmp(w, "loss") == 0) return read_loss(r, c, s);
    if (strcmp(w, "param") == 0 && depth > 0)
        return fv_fail_at(r->error, FV_E_SYNTAX, c->name, c->line, s->column, "'param' cannot stand below other lines");
    if (strcmp(w, "param") == 0) return read_keys(r, c, s, true);
    if (strcmp(w, "preprocess") == 0 || strcmp(w, "augment") == 0 || strcmp(w, "train") == 0)
        return read_keys(r, c, s, false);
    return read_apply(r, c, s);
}

static fv_status read_statement(reader *r, const text_line *line, int depth, statement **out) {
    cursor c = start(r, line);
    statement *s = take(r, sizeof *s);
    if (!s) return FV_E_MEMORY;
    *out = s;
    s->line = line->number;
    /* `a, b = ...` */
    fv_error ignored;
    const char *before = c.at;
    c.error = &ignored;
    bool named = read_names(&c, false, &s->names) && *c.at == '=';
    c.error = r->error;
    if (named)
        c.at++;
    else {
        c.at = before;
        s->names = NULL;
    }
    fv_lang_skip_blanks(&c);
    s->column = fv_lang_column(&c);
    s->word = fv_lang_word(&c, false);
    if (!s->word) return fv_lang_fail(&c, "expected an operator or a block, got %s", fv_lang_here(&c));
    fv_status status = check_names(r, &c, s->names);
    if (!status) status = read_by_word(r, &c, s, line, depth);
    if (!status) count_inputs(r, s);
    return status;
}

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

static fv_status read_parameters(cursor *c, fv_lang_block *block) {
    const fv_lang_argument **tail = &block->parameters;
    fv_lang_skip_blanks(c);
    if (*c->at != '(') return read_rest(c, NULL);
    c->at++;
    fv_lang_skip_blanks(c);
    for (int count = 0; *c->at != ')'; count++) {
        fv_lang_argument *p = fv_arena_take(c->arena, sizeof *p);
        if (!p || count >= FV_LANG_MAX_ITEMS) return fv_lang_fail(c, "too many parameters");
        p->line = c->line;
        p->column = fv_lang_column(c);
        if (!(p->key = fv_lang_word(c, false))) return fv_lang_fail(c, "expected a parameter, got %s", fv_lang_here(c));
        for (const fv_lang_argument *q = block->parameters; q; q = q->next)
            if (strcmp(q->key, p->key) == 0) return fv_lang_fail(c, "the parameter '%s' is there twice", p->key);
        fv_lang_skip_blanks(c);
        if (*c->at == '=') {
            c->at++;
            fv_lang_skip_blanks(c);
            if (!(p->value = fv_lang_read_default(c))) return FV_E_SYNTAX;
        }
        *tail = p;
        tail = (const fv_lang_argument **)&p->next;
        fv_lang_skip_blanks(c);
        if (*c->at == ',') {
            c->at++;
            fv_lang_skip_blanks(c);
        } else if (*c->at != ')') {
            return fv_lang_fail(c, "expected ',' or ')', got %s", fv_lang_here(c));
        }
    }
    c->at++;
    return read_rest(c, NULL);
}

/* block cbr(filters, size, stride=1): known to the lines behind it only, so no block can use itself. */
static fv_status read_block(reader *r, const text_line *line) {
    cursor c = start(r, line);
    fv_lang_block *block = take(r, sizeof *block);
    if (!block) return FV_E_MEMORY;
    c.at += strlen("block");
    fv_lang_skip_blanks(&c);
    int column = fv_lang_column(&c);
    if (!(block->name = fv_lang_word(&c, false)))
        return fv_lang_fail(&c, "expected the name of the block, got %s", fv_lang_here(&c));
    const fv_lang_block *old = find_block(r, block->name);
    if (old)
        return fv_fail_at(r->error, FV_E_SYNTAX, c.name, c.line, column, "there is a block '%s' already, in line %d",
                          block->name, old->line);
    if (file_level_only(block->name) || strcmp(block->name, "repeat") == 0 || strcmp(block->name, "when") == 0 ||
        strcmp(block->name, "output") == 0)
        return fv_fail_at(r->error, FV_E_SYNTAX, c.name, c.line, column, "a block cannot be named '%s'", block->name);
    block->line = line->number;
    block->inputs = 1;
    fv_status status = read_parameters(&c, block);
    r->inside = block;
    if (!status) status = read_nested(r, line, "block", 0, &block->body);
    r->inside = NULL;
    block->next = r->blocks;
    r->blocks = block;
    return status;
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static bool starts_block(const text_line *line) {
    const char *s = line->text + line->indent;
    if (strncmp(s, "block", 5) != 0 || (s[5] != ' ' && s[5] != 0)) return false;
    s += 5 + strspn(s + 5, " ");
    return *s != '='; /* else `block = conv ...`, a name */
}

static fv_status read_body(reader *r, int indent, int depth, const statement **out) {
    const statement **tail = out;
    while (r->at < r->count && r->lines[r->at].indent >= indent) {
        const text_line *line = &r->lines[r->at];
        if (line->indent > indent)
            return fv_fail_at(r->error, FV_E_SYNTAX, r->program->name, line->number, line->indent + 1,
                              "unexpected indentation: expected %d blanks, got %d", indent, line->indent);
        r->at++;
        fv_status status;
        if (depth == 0 && starts_block(line)) {
            if ((status = read_block(r, line)) != FV_OK) return status;
            continue;
        }
        statement *s;
        if ((status = read_statement(r, line, depth, &s)) != FV_OK) return status;
        *tail = s;
        tail = (const statement **)&s->next;
    }
    return FV_OK;
}

fv_lang_program *fv_lang_read(const fv_net *net, const char *text, const char *name, fv_arena *arena, fv_error *error) {
    size_t length = strnlen(text, FV_LANG_MAX_TEXT + 1);
    if (length > FV_LANG_MAX_TEXT) {
        fv_fail_at(error, FV_E_SYNTAX, name, 0, 0, "the text is longer than %d MiB", FV_LANG_MAX_TEXT >> 20);
        return NULL;
    }
    reader r = {.net = net, .arena = arena, .error = error};
    r.program = fv_arena_take(arena, sizeof *r.program);
    char *copy = fv_arena_text(arena, text, length);
    if (!r.program || !copy) {
        fv_fail_memory(error, "the network's text", length);
        return NULL;
    }
    r.program->name = name;
    fv_status status = leading_comment(&r, text);
    if (!status) status = split_lines(&r, copy);
    if (!status) status = read_body(&r, 0, 0, &r.program->body);
    fv_free(r.lines);
    return status ? NULL : r.program;
}
