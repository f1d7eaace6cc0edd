/* lang_compute.c - computes expressions: whole-number arithmetic, comparisons, and texts that are passed on as they
 * stand. */
#include "lang.h"

#include "error.h"

#include <inttypes.h>
#include <string.h>

typedef fv_lang_context context;
typedef fv_lang_expression expression;

#define FAIL_AT(c, e, ...) fv_fail_at((c)->error, FV_E_SYNTAX, (c)->name, (e)->line, (e)->column, __VA_ARGS__)

fv_status fv_lang_spend(const context *c, const expression *at, size_t work) {
    if (work <= FV_LANG_MAX_WORK && (*c->work -= (int64_t)work) > 0) return FV_OK;
    return FAIL_AT(c, at, "the text expands to too much; is a repeat count wrong?");
}

static fv_status text_of(const context *c, char *text, fv_lang_value *out) {
    if (!text) return fv_fail_memory(c->error, "the network's text", 0);
    out->text = text;
    return FV_OK;
}

static fv_status number(const context *c, int64_t n, fv_lang_value *out) {
    out->number = true;
    out->n = n;
    return text_of(c, fv_arena_printf(c->arena, "%" PRId64, n), out);
}

static fv_status truth(bool yes, fv_lang_value *out) {
    *out = (fv_lang_value){.text = yes ? "yes" : "no"};
    return FV_OK;
}

static fv_status as_truth(const context *c, const expression *e, const fv_lang_value *value, bool *out) {
    bool yes = strcmp(value->text, "yes") == 0, no = strcmp(value->text, "no") == 0;
    if (!value->number && !yes && !no)
        return FAIL_AT(c, e, "expected yes, no, a number or a comparison, got '%s'", value->text);
    *out = value->number ? value->n != 0 : yes;
    return FV_OK;
}

static fv_status divide(const context *c, const expression *e, int64_t a, int64_t b, fv_lang_value *out) {
    if (b == 0) return FAIL_AT(c, e, "division by 0");
    if (b == -1) return a == INT64_MIN ? FAIL_AT(c, e, "the result is too large") : number(c, -a, out);
    if (a % b == 0) return number(c, a / b, out);
    /* What does not divide evenly stays a fraction, which only decimal fields take: scale=1/255. */
    return text_of(c, fv_arena_printf(c->arena, "%" PRId64 "/%" PRId64, a, b), out);
}

static fv_status arithmetic(const context *c, const expression *e, int64_t a, int64_t b, fv_lang_value *out) {
    int64_t result = 0;
    bool over = false;
    switch (e->operate) {
    case FV_LANG_PLUS: over = __builtin_add_overflow(a, b, &result); break;
    case FV_LANG_MINUS: over = __builtin_sub_overflow(a, b, &result); break;
    case FV_LANG_TIMES: over = __builtin_mul_overflow(a, b, &result); break;
    case FV_LANG_OVER: return divide(c, e, a, b, out);
    case FV_LANG_MODULO:
        if (b == 0) return FAIL_AT(c, e, "division by 0");
        result = b == -1 ? 0 : a % b;
        break;
    case FV_LANG_LESS: return truth(a < b, out);
    case FV_LANG_AT_MOST: return truth(a <= b, out);
    case FV_LANG_GREATER: return truth(a > b, out);
    case FV_LANG_AT_LEAST: return truth(a >= b, out);
    default: break;
    }
    return over ? FAIL_AT(c, e, "the result is too large") : number(c, result, out);
}

static fv_status compute_not_or_negative(const context *c, const expression *e, fv_lang_value *out) {
    fv_lang_value a;
    fv_status status = fv_lang_compute(c, e->a, &a);
    if (status) return status;
    if (e->operate == FV_LANG_NOT) {
        bool yes = false;
        status = as_truth(c, e->a, &a, &yes);
        return status ? status : truth(!yes, out);
    }
    if (!a.number) { /* -0.5 */
        double d;
        if (!fv_parse_double(a.text, &d)) return FAIL_AT(c, e->a, "expected a number, got '%s'", a.text);
        return text_of(c, fv_arena_printf(c->arena, "%s%s", *a.text == '-' ? "" : "-", a.text + (*a.text == '-')), out);
    }
    return a.n == INT64_MIN ? FAIL_AT(c, e, "the result is too large") : number(c, -a.n, out);
}

/* `and` and `or` look at their second side only where it matters. */
static fv_status compute_logic(const context *c, const expression *e, fv_lang_value *out) {
    bool yes = false;
    fv_status status = fv_lang_compute_truth(c, e->a, &yes);
    if (status) return status;
    if (yes == (e->operate == FV_LANG_OR)) return truth(yes, out);
    status = fv_lang_compute_truth(c, e->b, &yes);
    return status ? status : truth(yes, out);
}

/* A word or call, not a number of any kind. */
static bool chosen(const fv_lang_value *value) {
    return (*value->text >= 'a' && *value->text <= 'z') || (*value->text >= 'A' && *value->text <= 'Z');
}

static fv_status compute_operator(const context *c, const expression *e, fv_lang_value *out) {
    fv_lang_value a, b;
    if (e->operate == FV_LANG_NOT || e->operate == FV_LANG_NEGATE) return compute_not_or_negative(c, e, out);
    if (e->operate == FV_LANG_OR || e->operate == FV_LANG_AND) return compute_logic(c, e, out);
    fv_status status = fv_lang_compute(c, e->a, &a);
    if (!status) status = fv_lang_compute(c, e->b, &b);
    if (status) return status;
    if (e->operate == FV_LANG_EQUAL || e->operate == FV_LANG_UNEQUAL) {
        bool equal = a.number && b.number ? a.n == b.n : strcmp(a.text, b.text) == 0;
        return truth(equal == (e->operate == FV_LANG_EQUAL), out);
    }
    if (e->operate == FV_LANG_PLUS && chosen(&a) && chosen(&b)) /* schedule=warmup(epochs=1)+cosine */
        return text_of(c, fv_arena_printf(c->arena, "%s+%s", a.text, b.text), out);
    if (!a.number) return FAIL_AT(c, e->a, "expected a whole number, got '%s'", a.text);
    if (!b.number) return FAIL_AT(c, e->b, "expected a whole number, got '%s'", b.text);
    return arithmetic(c, e, a.n, b.n, out);
}

/* "3x3", "1,2,3", "l2(0.001)" from their computed parts. */
static fv_status compute_parts(const context *c, const expression *e, fv_lang_value *out) {
    fv_text text = {0};
    fv_status status = FV_OK;
    if (e->kind == FV_LANG_CALL) fv_text_printf(&text, "%s(", e->text);
    for (const expression *p = e->a; p && !status; p = p->next) {
        fv_lang_value value;
        if ((status = fv_lang_compute(c, p, &value)) != FV_OK) break;
        bool open = strcmp(value.text, "?") == 0;
        if (e->kind == FV_LANG_SIZE && !open && (!value.number || value.n < 0))
            status = FAIL_AT(c, p, "expected a whole number, got '%s'", value.text);
        if (p != e->a) fv_text_add(&text, e->kind == FV_LANG_SIZE ? "x" : ",");
        if (p->key) fv_text_printf(&text, "%s=", p->key);
        fv_text_add(&text, value.text);
        if (!status) status = fv_lang_spend(c, e, text.length);
    }
    if (e->kind == FV_LANG_CALL) fv_text_add(&text, ")");
    if (!status && text.failed) status = fv_fail_memory(c->error, "the network's text", text.length);
    if (!status) status = text_of(c, fv_arena_text(c->arena, text.data, text.length), out);
    fv_text_free(&text);
    return status;
}

static fv_status compute_word(const context *c, const expression *e, fv_lang_value *out) {
    const fv_lang_value *parameter = c->parameter(c->user, e->text);
    if (parameter) {
        *out = *parameter;
        return FV_OK;
    }
    int64_t n;
    int found = strchr(e->text, '.') ? c->property(c->user, e, &n) : 0;
    if (found < 0) return FV_E_SYNTAX;
    if (found > 0) return number(c, n, out);
    out->text = e->text;
    return FV_OK;
}

fv_status fv_lang_compute(const context *c, const expression *e, fv_lang_value *out) {
    *out = (fv_lang_value){0};
    fv_status status = fv_lang_spend(c, e, 1);
    if (status) return status;
    switch (e->kind) {
    case FV_LANG_NUMBER: *out = (fv_lang_value){.number = true, .n = e->number, .text = e->text}; return FV_OK;
    case FV_LANG_TEXT: out->text = e->text; return FV_OK;
    case FV_LANG_WORD: return compute_word(c, e, out);
    case FV_LANG_OPERATE: return compute_operator(c, e, out);
    default: return compute_parts(c, e, out);
    }
}

fv_status fv_lang_compute_number(const context *c, const expression *e, const char *what, int64_t *out) {
    fv_lang_value value;
    fv_status status = fv_lang_compute(c, e, &value);
    if (status) return status;
    if (!value.number) return FAIL_AT(c, e, "%s: expected a whole number, got '%s'", what, value.text);
    *out = value.n;
    return FV_OK;
}

fv_status fv_lang_compute_truth(const context *c, const expression *e, bool *out) {
    fv_lang_value value;
    fv_status status = fv_lang_compute(c, e, &value);
    return status ? status : as_truth(c, e, &value, out);
}
