/* weight_names.c - the rules of weight_names.h: reading them, and translating names with them. */
#include "weight_names.h"

#include <string.h>

#include "memory.h"

enum { VARIABLES = 8, DIGITS = 9 };

typedef struct span {
    const char *at;
    size_t length;
} span;

typedef struct rule {
    span from, to;
    size_t indent;
    int parent; /* the rule that it stands under, -1 for none */
    /* What it has met so far: the last one, and how many different ones. */
    span last;
    int64_t count;
} rule;

typedef struct alias {
    span own, as;
} alias;

struct fv_weight_names {
    rule *rules;
    int count, capacity;
    alias *aliases;
    int alias_count, alias_capacity;
    fv_arena *arena; /* names by their aliases */
    char *preprocess;
};

typedef struct variable {
    span name;
    int64_t value;
} variable;

typedef struct variables {
    variable of[VARIABLES];
    int count;
} variables;

static bool same(span a, span b) { return a.length == b.length && !memcmp(a.at, b.at, a.length); }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static span trim(span s) {
    while (s.length && is_blank(s.at[0])) s.at++, s.length--;
    while (s.length && is_blank(s.at[s.length - 1])) s.length--;
    return s;
}

/* The next blank-separated word of a list; empty at its end. */
static span next_word(span *list) {
    *list = trim(*list);
    span word = {list->at, 0};
    while (word.length < list->length && !is_blank(word.at[word.length])) word.length++;
    list->at += word.length;
    list->length -= word.length;
    return word;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

/* Up to nine digits at the start of `s`: how many, 0 for none or too many. */
static size_t read_number(span s, int64_t *value) {
    size_t length = 0;
    for (*value = 0; length < s.length && is_digit(s.at[length]); length++) {
        if (length == DIGITS) return 0;
        *value = 10 * *value + (s.at[length] - '0');
    }
    return length;
}

static size_t word_length(span s) {
    size_t length = 0;
    while (length < s.length && is_letter(s.at[length])) length++;
    return length;
}

static bool find(const variables *v, span name, int64_t *value) {
    for (int i = 0; i < v->count; i++)
        if (same(v->of[i].name, name)) return *value = v->of[i].value, true;
    return false;
}

/* A name, #, or nothing (then 1) at the start of `s`; moves behind it. */
static bool read_factor(span *s, const variables *v, int64_t *value) {
    size_t length = s->length && s->at[0] == '#' ? 1 : word_length(*s);
    bool good = find(v, (span){s->at, length}, value);
    if (!length) *value = 1, good = true;
    s->at += length, s->length -= length;
    return good;
}

/* "b-1", "2#+s-3": a sum of numbers, variables, and numbers times variables. */
static bool compute(span s, const variables *v, int64_t *out) {
    *out = 0;
    for (int terms = 0; s.length && terms < VARIABLES; terms++) {
        int64_t sign = s.at[0] == '-' ? -1 : 1, times = 1, factor;
        bool has_sign = s.at[0] == '-' || s.at[0] == '+';
        if (terms && !has_sign) return false;
        if (has_sign) s.at++, s.length--;
        size_t digits = read_number(s, &times);
        if (!digits) times = 1;
        s.at += digits, s.length -= digits;
        const char *before = s.at;
        if (!read_factor(&s, v, &factor) || (!digits && s.at == before)) return false;
        *out += sign * times * factor;
    }
    return !s.length;
}

/* ---- one rule --------------------------------------------------------------------------------------------------- */

/* What stands between { and the next } at the start of `s`; false if there is none. */
static bool braces(span s, span *inside) {
    const char *end = s.length && s.at[0] == '{' ? memchr(s.at, '}', s.length) : NULL;
    if (end) *inside = (span){s.at + 1, (size_t)(end - s.at) - 1};
    return end != NULL;
}

/* How many characters at the start of `name` the pattern takes, 0 if it does not fit. */
static size_t match(span pattern, const char *name, variables *v) {
    const char *at = name;
    v->count = 0;
    while (pattern.length) {
        span inside;
        if (braces(pattern, &inside)) {
            variable *new = &v->of[v->count++];
            new->name = inside;
            size_t digits = read_number((span){at, strlen(at)}, &new->value);
            if (!digits) return 0;
            at += digits;
            pattern.at += inside.length + 2, pattern.length -= inside.length + 2;
        } else {
            if (*at != pattern.at[0]) return 0;
            at++, pattern.at++, pattern.length--;
        }
    }
    return *at == '.' || !*at ? (size_t)(at - name) : 0;
}

static bool pick(span list, int64_t index, fv_text *out) {
    span word = next_word(&list);
    for (; word.length && index > 1; index--) word = next_word(&list);
    if (!word.length || index != 1) return false;
    fv_text_add_n(out, word.at, word.length);
    return true;
}

/* What "{...}" stands for: "n: 5b 5c 5d" or a sum. */
static bool fill(span inside, const variables *v, fv_text *out) {
    const char *colon = memchr(inside.at, ':', inside.length);
    span sum = {inside.at, colon ? (size_t)(colon - inside.at) : inside.length};
    int64_t value;
    if (!compute(sum, v, &value) || value < 0) return false;
    if (colon) return pick((span){colon + 1, inside.length - sum.length - 1}, value, out);
    fv_text_printf(out, "%lld", (long long)value);
    return true;
}

static bool render(span to, const variables *v, fv_text *out) {
    while (to.length) {
        span inside;
        if (braces(to, &inside)) {
            if (!fill(inside, v, out)) return false;
            to.at += inside.length + 2, to.length -= inside.length + 2;
        } else {
            fv_text_add_n(out, to.at, 1);
            to.at++, to.length--;
        }
    }
    return true;
}

/* ---- translating ------------------------------------------------------------------------------------------------ */

void fv_weight_names_restart(fv_weight_names *names) {
    for (int i = 0; i < names->count; i++) names->rules[i].last = (span){0}, names->rules[i].count = 0;
}

/* The rule under `scope` that fits, else one further out; NULL if none does. */
static rule *find_rule(fv_weight_names *names, int scope, const char *at, size_t *taken, variables *v) {
    for (;; scope = names->rules[scope].parent) {
        for (int i = scope + 1; i < names->count; i++) {
            rule *r = &names->rules[i];
            if (r->parent == scope && (*taken = match(r->from, at, v))) return r;
        }
        if (scope < 0) return NULL;
    }
}

/* The name as the rules know it; NULL when memory is short. */
static const char *without_alias(fv_weight_names *names, const char *weight) {
    span first = {weight, strcspn(weight, ".")};
    for (int i = 0; i < names->alias_count; i++) {
        alias *a = &names->aliases[i];
        if (same(a->own, first))
            return fv_arena_printf(names->arena, "%.*s%s", (int)a->as.length, a->as.at, weight + first.length);
    }
    return weight;
}

bool fv_weight_names_translate(fv_weight_names *names, const char *weight, fv_text *out) {
    variables v;
    int scope = -1;
    weight = without_alias(names, weight);
    if (!weight) return out->failed = true, false;
    for (const char *at = weight; *at;) {
        size_t taken;
        rule *r = find_rule(names, scope, at, &taken, &v);
        if (!r) return false;
        scope = (int)(r - names->rules);
        at += taken;
        span met = {weight, (size_t)(at - weight)};
        if (!same(met, r->last)) r->last = met, r->count++;
        v.of[v.count++] = (variable){{"#", 1}, r->count};
        if (!render(r->to, &v, out)) return false;
    }
    return true;
}

/* ---- reading rules ---------------------------------------------------------------------------------------------- */

typedef struct place {
    const char *file;
    int line;
    fv_error *error;
} place;

static fv_status bad(const place *p, const char *what, span where) {
    return fv_fail_at(p->error, FV_E_SYNTAX, p->file, p->line, 0, "%s '%.*s'", what,
                      (int)(where.length < 80 ? where.length : 80), where.at);
}

/* The left side: parts joined by points, with {name} for numbers. Collects the names. */
static fv_status check_from(const place *p, span from, variables *v) {
    v->count = 0;
    for (span s = from; s.length;) {
        span inside;
        size_t step = 1;
        if (braces(s, &inside)) {
            if (v->count == VARIABLES - 1) return bad(p, "too many numbers in", from);
            if (!inside.length || word_length(inside) != inside.length)
                return bad(p, "expected a name such as {n} instead of", (span){s.at, inside.length + 2});
            v->of[v->count++] = (variable){inside, 0};
            step = inside.length + 2;
        } else if (!is_letter(s.at[0]) && !is_digit(s.at[0]) && s.at[0] != '.')
            return bad(p, "expected parts of a name joined by points, got", from);
        s.at += step, s.length -= step;
    }
    return from.length ? FV_OK : bad(p, "expected a name before '->' in", from);
}

/* The right side: any text without blanks outside of braces, and sums or lists of what the left side knows. */
static fv_status check_to(const place *p, span to, variables *v) {
    v->of[v->count++] = (variable){{"#", 1}, 0};
    for (span s = to; s.length;) {
        span inside;
        size_t step = 1;
        if (braces(s, &inside)) {
            const char *colon = memchr(inside.at, ':', inside.length);
            int64_t value;
            step = inside.length + 2;
            if (!inside.length ||
                !compute((span){inside.at, colon ? (size_t)(colon - inside.at) : inside.length}, v, &value))
                return bad(p, "expected numbers of the left side, as {n-1} or {n: a b c}, got", (span){s.at, step});
        } else if (is_blank(s.at[0]) || s.at[0] == '{' || s.at[0] == '}')
            return bad(p, "blanks and braces cannot be part of a name:", to);
        s.at += step, s.length -= step;
    }
    return FV_OK;
}

/* "middle = inception4": one part on the left. */
static fv_status read_alias(const place *p, span line, size_t equals, fv_weight_names *names) {
    alias new = {trim((span){line.at, equals}), trim((span){line.at + equals + 1, line.length - equals - 1})};
    variables v;
    fv_status status = check_from(p, new.own, &v);
    if (!status && (v.count || memchr(new.own.at, '.', new.own.length)))
        status = bad(p, "expected one part of a name before '=', got", new.own);
    if (!status) status = check_from(p, new.as, &v);
    if (!status && v.count) status = bad(p, "expected a name behind '=', got", new.as);
    if (status) return status;
    if (!fv_grow((void **)&names->aliases, &names->alias_capacity, names->alias_count, sizeof new))
        return fv_fail_memory(p->error, "rules for names", sizeof new);
    names->aliases[names->alias_count++] = new;
    return FV_OK;
}

/* The last rule that stands less far in, or -1. */
static int parent_of(const fv_weight_names *names, size_t indent) {
    int i = names->count - 1;
    while (i >= 0 && names->rules[i].indent >= indent) i = names->rules[i].parent;
    return i;
}

static fv_status read_rule(const place *p, span line, size_t indent, fv_weight_names *names) {
    span from = line, to = line;
    for (size_t i = 0; i + 1 < line.length; i++)
        if (line.at[i] == '-' && line.at[i + 1] == '>') {
            from = trim((span){line.at, i});
            to = trim((span){line.at + i + 2, line.length - i - 2});
            break;
        }
    variables v;
    fv_status status = check_from(p, from, &v);
    if (!status) status = check_to(p, to, &v);
    if (status) return status;
    if (!fv_grow((void **)&names->rules, &names->capacity, names->count, sizeof *names->rules))
        return fv_fail_memory(p->error, "rules for names", sizeof *names->rules);
    rule new = {.from = from, .to = to, .indent = indent, .parent = parent_of(names, indent)};
    names->rules[names->count++] = new;
    return FV_OK;
}

static fv_status read_line(const place *p, span whole, fv_weight_names *names) {
    static const span word = {"preprocess", 10};
    span line = trim(whole);
    if (!line.length || line.at[0] == '#') return FV_OK;
    span rest = line;
    const char *equals = memchr(line.at, '=', line.length);
    bool settings = same(next_word(&rest), word);
    if (!settings && equals) return read_alias(p, line, (size_t)(equals - line.at), names);
    if (!settings) return read_rule(p, line, (size_t)(line.at - whole.at), names);
    if (names->preprocess) return bad(p, "a second line", line);
    rest = trim(rest);
    names->preprocess = fv_alloc(rest.length + 1);
    if (!names->preprocess) return fv_fail_memory(p->error, "rules for names", rest.length);
    memcpy(names->preprocess, rest.at, rest.length);
    return FV_OK;
}

static fv_status read_lines(fv_weight_names *names, const char *text, const char *file, fv_error *error) {
    place p = {file, 0, error};
    fv_status status = FV_OK;
    while (*text && !status) {
        size_t length = strcspn(text, "\n");
        p.line++;
        status = read_line(&p, (span){text, length}, names);
        text += length + (text[length] == '\n');
    }
    return status;
}

/* What PyTorch calls the numbers of any layer. */
static const char of_layers[] = ".weight\n"
                                ".bias\n"
                                ".scale    -> .weight\n"
                                ".slope    -> .weight\n"
                                ".mean     -> .running_mean\n"
                                ".variance -> .running_var\n";

fv_weight_names *fv_weight_names_parse(const char *text, const char *file, fv_error *error) {
    fv_weight_names *names = fv_alloc(sizeof *names);
    if (names) names->arena = fv_arena_new();
    fv_status status = names && names->arena ? FV_OK : fv_fail_memory(error, "rules for names", sizeof *names);
    if (!status) status = read_lines(names, text, file, error);
    if (!status) status = read_lines(names, of_layers, "names of layers", error);
    if (!status) return names;
    fv_weight_names_free(names);
    return NULL;
}

void fv_weight_names_free(fv_weight_names *names) {
    if (!names) return;
    fv_free(names->rules);
    fv_free(names->aliases);
    fv_free(names->preprocess);
    fv_arena_free(names->arena);
    fv_free(names);
}

const char *fv_weight_names_preprocess(const fv_weight_names *names) { return names->preprocess; }
