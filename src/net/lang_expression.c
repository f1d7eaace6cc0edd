/* lang_expression.c - reads what stands in the arguments of a line: numbers, sizes, words, calls, lists, arithmetic. */
#include "lang.h"

#include "error.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- the cursor ------------------------------------------------------------------------------------------------- */

int fv_lang_column(const fv_lang_cursor *cursor) { return (int)(cursor->at - cursor->start) + 1; }

fv_status fv_lang_fail(const fv_lang_cursor *cursor, const char *format, ...) {
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return fv_fail_at(cursor->error, FV_E_SYNTAX, cursor->name, cursor->line, fv_lang_column(cursor), "%s", message);
}

static void *take(fv_lang_cursor *cursor, size_t bytes) {
    void *memory = fv_arena_take(cursor->arena, bytes);
    if (!memory) fv_fail_memory(cursor->error, "the network's text", bytes);
    return memory;
}

static const char *copy(fv_lang_cursor *cursor, const char *text, size_t length) {
    const char *copied = fv_arena_text(cursor->arena, text, length);
    if (!copied) fv_fail_memory(cursor->error, "the network's text", length);
    return copied;
}

void fv_lang_skip_blanks(fv_lang_cursor *cursor) {
    while (*cursor->at == ' ' || *cursor->at == '\t') cursor->at++;
}

const char *fv_lang_here(const fv_lang_cursor *cursor) {
    if (!*cursor->at) return "the end of the line";
    size_t n = 1;
    while (n < 40 && cursor->at[n] && !isspace((unsigned char)cursor->at[n]) && !strchr("()<=,", cursor->at[n])) n++;
    const char *text = fv_arena_printf(cursor->arena, "'%.*s'", (int)n, cursor->at);
    return text ? text : "something else";
}

static bool letter(char c) { return isalpha((unsigned char)c) || c == '_'; }
static bool part(char c) { return isalnum((unsigned char)c) || c == '_'; }

static size_t word_length(const char *s, bool dots) {
    if (!letter(*s)) return 0;
    size_t n = 1;
    while (part(s[n]) || (dots && s[n] == '.' && part(s[n + 1]))) n++;
    return n;
}

const char *fv_lang_word(fv_lang_cursor *cursor, bool dots) {
    size_t n = word_length(cursor->at, dots);
    if (!n) return NULL;
    const char *word = copy(cursor, cursor->at, n);
    if (word) cursor->at += n;
    return word;
}

bool fv_lang_is_word(const char *text, bool dots) { return *text && word_length(text, dots) == strlen(text); }

const char *fv_lang_quoted(fv_lang_cursor *cursor) {
    const char *from = cursor->at + 1, *end = from;
    while (*end && *end != '"') end += *end == '\\' && end[1] ? 2 : 1;
    if (!*end) {
        fv_lang_fail(cursor, "the text in quotes has no end");
        return NULL;
    }
    char *text = fv_arena_take(cursor->arena, (size_t)(end - from) + 1), *to = text;
    if (!text) {
        fv_fail_memory(cursor->error, "the network's text", (size_t)(end - from));
        return NULL;
    }
    for (const char *s = from; s < end; s++) {
        if (*s == '\\') s++;
        *to++ = *s;
    }
    *to = 0;
    cursor->at = end + 1;
    return text;
}

/* ---- expressions ------------------------------------------------------------------------------------------------ */

static fv_lang_expression *read_or(fv_lang_cursor *c);

static fv_lang_expression *make(fv_lang_cursor *c, fv_lang_kind kind, int column) {
    fv_lang_expression *e = take(c, sizeof *e);
    if (!e) return NULL;
    e->kind = kind;
    e->line = c->line;
    e->column = column;
    return e;
}

static fv_lang_expression *operate(fv_lang_cursor *c, fv_lang_operator operate, int column, fv_lang_expression *a,
                                   fv_lang_expression *b) {
    fv_lang_expression *e = make(c, FV_LANG_OPERATE, column);
    if (!e) return NULL;
    e->operate = operate;
    e->a = a;
    e->b = b;
    return e;
}

static void blanks(fv_lang_cursor *c) {
    if (c->blanks > 0) fv_lang_skip_blanks(c);
}

/* 64, 0.5, .5, 1e-3 */
static fv_lang_expression *read_number(fv_lang_cursor *c) {
    const char *s = c->at, *from = s;
    while (isdigit((unsigned char)*s)) s++;
    bool whole = true;
    if (*s == '.' && !letter(s[1])) {
        whole = false;
        for (s++; isdigit((unsigned char)*s);) s++;
    }
    if (*s == 'e' || *s == 'E') {
        const char *digits = s + 1 + (s[1] == '-' || s[1] == '+');
        if (isdigit((unsigned char)*digits)) {
            whole = false;
            for (s = digits; isdigit((unsigned char)*s);) s++;
        }
    }
    fv_lang_expression *e = make(c, whole ? FV_LANG_NUMBER : FV_LANG_TEXT, fv_lang_column(c));
    if (!e || !(e->text = copy(c, from, (size_t)(s - from)))) return NULL;
    if (whole && !fv_parse_i64(e->text, &e->number)) {
        fv_lang_fail(c, "the number %s is too large", e->text);
        return NULL;
    }
    c->at = s;
    return e;
}

/* Behind NAME( : [key=]value, ... ) */
static bool read_call(fv_lang_cursor *c, fv_lang_expression *call) {
    fv_lang_expression **tail = &call->a;
    c->blanks++;
    blanks(c);
    for (int count = 0; *c->at != ')'; count++) {
        if (count >= FV_LANG_MAX_ITEMS) return fv_lang_fail(c, "too many arguments"), false;
        const char *key = NULL, *from = c->at;
        size_t n = word_length(from, false);
        const char *equal = from + n;
        while (*equal == ' ') equal++;
        if (n && *equal == '=' && equal[1] != '=') {
            if (!(key = copy(c, from, n))) return false;
            c->at = equal + 1;
            blanks(c);
        }
        fv_lang_expression *argument = read_or(c);
        if (!argument) return false;
        argument->key = key;
        *tail = argument;
        tail = &argument->next;
        blanks(c);
        if (*c->at == ',') {
            c->at++;
            blanks(c);
        } else if (*c->at != ')') {
            return fv_lang_fail(c, "expected ',' or ')', got %s", fv_lang_here(c)), false;
        }
    }
    c->at++;
    c->blanks--;
    return true;
}

static fv_lang_expression *read_brackets(fv_lang_cursor *c) {
    c->at++;
    c->blanks++;
    fv_lang_expression *e = read_or(c);
    if (!e) return NULL;
    blanks(c);
    if (*c->at != ')') {
        fv_lang_fail(c, "expected ')', got %s", fv_lang_here(c));
        return NULL;
    }
    c->at++;
    c->blanks--;
    return e;
}

static fv_lang_expression *read_primary(fv_lang_cursor *c) {
    int column = fv_lang_column(c);
    if (isdigit((unsigned char)c->at[*c->at == '.'])) return read_number(c);
    if (*c->at == '(') return read_brackets(c);
    if (*c->at == '?' || *c->at == '"') {
        fv_lang_expression *e = make(c, FV_LANG_TEXT, column);
        if (!e) return NULL;
        e->text = *c->at == '?' ? "?" : fv_lang_quoted(c);
        if (e->text && *c->at == '?') c->at++;
        return e->text ? e : NULL;
    }
    if (!letter(*c->at)) {
        fv_lang_fail(c, "expected a value, got %s", fv_lang_here(c));
        return NULL;
    }
    fv_lang_expression *e = make(c, FV_LANG_WORD, column);
    if (!e || !(e->text = fv_lang_word(c, true))) return NULL;
    if (*c->at == '(') {
        e->kind = FV_LANG_CALL;
        c->at++;
        if (!read_call(c, e)) return NULL;
    }
    return e;
}

/* Parts of a SIZE or LIST: primary x primary; sum , sum. */
static bool joins(const fv_lang_cursor *c, char by) {
    if (*c->at != by) return false;
    return by == ',' || isdigit((unsigned char)c->at[1]) || c->at[1] == '?' || c->at[1] == '(';
}

static fv_lang_expression *read_joined(fv_lang_cursor *c, char by, fv_lang_kind kind,
                                       fv_lang_expression *(*read)(fv_lang_cursor *)) {
    int column = fv_lang_column(c);
    fv_lang_expression *first = read(c);
    if (!first || !joins(c, by)) return first;
    fv_lang_expression *e = make(c, kind, column);
    if (!e) return NULL;
    e->a = first;
    for (int count = 1; joins(c, by); count++) {
        if (count >= FV_LANG_MAX_ITEMS) return fv_lang_fail(c, "too many numbers"), NULL;
        c->at++;
        if (!(first->next = read(c))) return NULL;
        first = first->next;
    }
    return e;
}

static fv_lang_expression *read_unary(fv_lang_cursor *c) {
    blanks(c);
    if (*c->at != '-') return read_joined(c, 'x', FV_LANG_SIZE, read_primary);
    int column = fv_lang_column(c);
    c->at++;
    if (++c->depth > FV_LANG_MAX_DEPTH) return fv_lang_fail(c, "nested too deeply"), NULL;
    fv_lang_expression *a = read_unary(c);
    c->depth--;
    return a ? operate(c, FV_LANG_NEGATE, column, a, NULL) : NULL;
}

typedef struct sign {
    const char *text;
    fv_lang_operator operate;
} sign;

/* The sign that stands at the cursor, or NULL; words only where no letter follows. */
static const sign *find_sign(const fv_lang_cursor *c, const sign *signs) {
    for (; signs->text; signs++) {
        size_t n = strlen(signs->text);
        if (strncmp(c->at, signs->text, n) == 0 && !(letter(*signs->text) && part(c->at[n]))) return signs;
    }
    return NULL;
}

static fv_lang_expression *read_left(fv_lang_cursor *c, const sign *signs,
                                     fv_lang_expression *(*read)(fv_lang_cursor *)) {
    fv_lang_expression *e = read(c);
    for (int count = 0; e; count++) {
        const char *before = c->at;
        blanks(c);
        int column = fv_lang_column(c);
        const sign *found = find_sign(c, signs);
        if (!found || strncmp(c->at, "<-", 2) == 0) {
            c->at = before;
            return e;
        }
        if (count >= FV_LANG_MAX_ITEMS) return fv_lang_fail(c, "the expression is too long"), NULL;
        c->at += strlen(found->text);
        blanks(c);
        fv_lang_expression *b = read(c);
        e = b ? operate(c, found->operate, column, e, b) : NULL;
    }
    return NULL;
}

static fv_lang_expression *read_product(fv_lang_cursor *c) {
    static const sign signs[] = {{"*", FV_LANG_TIMES}, {"/", FV_LANG_OVER}, {"%", FV_LANG_MODULO}, {NULL, 0}};
    return read_left(c, signs, read_unary);
}

static fv_lang_expression *read_sum(fv_lang_cursor *c) {
    static const sign signs[] = {{"+", FV_LANG_PLUS}, {"-", FV_LANG_MINUS}, {NULL, 0}};
    return read_left(c, signs, read_product);
}

static fv_lang_expression *read_comparison(fv_lang_cursor *c) {
    static const sign signs[] = {{"==", FV_LANG_EQUAL},
                                 {"!=", FV_LANG_UNEQUAL},
                                 {"<=", FV_LANG_AT_MOST},
                                 {">=", FV_LANG_AT_LEAST},
                                 {"<", FV_LANG_LESS},
                                 {">", FV_LANG_GREATER},
                                 {NULL, 0}};
    return read_left(c, signs, read_sum);
}

static fv_lang_expression *read_not(fv_lang_cursor *c) {
    static const sign signs[] = {{"not", FV_LANG_NOT}, {NULL, 0}};
    blanks(c);
    if (!find_sign(c, signs)) return read_comparison(c);
    int column = fv_lang_column(c);
    c->at += 3;
    if (++c->depth > FV_LANG_MAX_DEPTH) return fv_lang_fail(c, "nested too deeply"), NULL;
    fv_lang_expression *a = read_not(c);
    c->depth--;
    return a ? operate(c, FV_LANG_NOT, column, a, NULL) : NULL;
}

static fv_lang_expression *read_and(fv_lang_cursor *c) {
    static const sign signs[] = {{"and", FV_LANG_AND}, {NULL, 0}};
    return read_left(c, signs, read_not);
}

static fv_lang_expression *read_or(fv_lang_cursor *c) {
    static const sign signs[] = {{"or", FV_LANG_OR}, {NULL, 0}};
    if (++c->depth > FV_LANG_MAX_DEPTH) return fv_lang_fail(c, "nested too deeply"), NULL;
    fv_lang_expression *e = read_left(c, signs, read_and);
    c->depth--;
    return e;
}

fv_lang_expression *fv_lang_read_argument(fv_lang_cursor *cursor) {
    cursor->blanks = cursor->depth = 0;
    fv_lang_expression *e = read_joined(cursor, ',', FV_LANG_LIST, read_sum);
    if (e && *cursor->at && *cursor->at != ' ' && *cursor->at != '\t' && strncmp(cursor->at, "<-", 2) != 0) {
        fv_lang_fail(cursor, "expected a blank behind the argument, got %s", fv_lang_here(cursor));
        return NULL;
    }
    return e;
}

fv_lang_expression *fv_lang_read_default(fv_lang_cursor *cursor) {
    cursor->blanks = 1;
    cursor->depth = 0;
    return read_or(cursor);
}

fv_lang_expression *fv_lang_read_condition(fv_lang_cursor *cursor) {
    cursor->blanks = 1;
    cursor->depth = 0;
    fv_lang_skip_blanks(cursor);
    fv_lang_expression *e = read_or(cursor);
    if (!e) return NULL;
    fv_lang_skip_blanks(cursor);
    if (*cursor->at) {
        fv_lang_fail(cursor, "expected the end of the line, got %s", fv_lang_here(cursor));
        return NULL;
    }
    return e;
}
