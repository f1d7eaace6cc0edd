/* spec.c - reads choices in text, see spec.h. */
#include "spec.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "text.h"

static const char *skip_blanks(const char *s) {
    while (isspace((unsigned char)*s)) s++;
    return s;
}

/* Copies the word between two places without the blanks around it; false when it does not fit. */
static bool copy_word(char *out, size_t size, const char *from, const char *to) {
    from = skip_blanks(from);
    while (to > from && isspace((unsigned char)to[-1])) to--;
    size_t length = to > from ? (size_t)(to - from) : 0;
    if (length >= size) return false;
    memcpy(out, from, length);
    out[length] = 0;
    return true;
}

static bool is_name(const char *s) {
    if (!isalpha((unsigned char)*s)) return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '_') return false;
    return true;
}

/* One "key=value" or "value" between two places. */
static bool parse_argument(const char *from, const char *to, fv_spec *out) {
    if (out->count == FV_SPEC_ARGUMENTS) return false;
    const char *equals = memchr(from, '=', (size_t)(to - from));
    char *key = out->key[out->count], *value = out->value[out->count];
    key[0] = 0;
    if (equals && (!copy_word(key, FV_SPEC_WORD, from, equals) || !is_name(key))) return false;
    if (!copy_word(value, FV_SPEC_WORD, equals ? equals + 1 : from, to) || !*value) return false;
    out->count++;
    return true;
}

fv_status fv_spec_parse(const char *text, const char *what, fv_spec *out, fv_error *error) {
    memset(out, 0, sizeof *out);
    size_t length = strlen(text);
    if (!copy_word(out->text, sizeof out->text, text, text + length))
        return fv_fail(error, FV_E_ARGUMENT, "%s: a text of %zu characters is too long", what, length);
    const char *open = strchr(out->text, '('), *end = out->text + strlen(out->text);
    bool good = copy_word(out->name, sizeof out->name, out->text, open ? open : end) && is_name(out->name);
    if (good && open) {
        good = end[-1] == ')';
        const char *from = open + 1;
        bool empty = good && *skip_blanks(from) == ')' && skip_blanks(from) == end - 1;
        while (good && !empty && from < end) {
            const char *to = from + strcspn(from, ",)");
            good = parse_argument(from, to, out) && (*to == ',' || to == end - 1);
            from = to + 1;
        }
    }
    if (good) return FV_OK;
    return fv_fail(error, FV_E_ARGUMENT, "%s '%s': expected NAME or NAME(number, name=number, ...)", what, out->text);
}

bool fv_spec_next(const char **list, const char *separators, const char *what, fv_spec *out, fv_status *status,
                  fv_error *error) {
    *status = FV_OK;
    const char *from = *list;
    while (*from && (isspace((unsigned char)*from) || strchr(separators, *from))) from++;
    if (!*from) return false;
    const char *to = from;
    for (int depth = 0; *to && (depth > 0 || !strchr(separators, *to)); to++) depth += (*to == '(') - (*to == ')');
    *list = to;
    char one[sizeof out->text];
    if (!copy_word(one, sizeof one, from, to)) {
        *status = fv_fail(error, FV_E_ARGUMENT, "%s: a text of %zu characters is too long", what, (size_t)(to - from));
        return false;
    }
    *status = fv_spec_parse(one, what, out, error);
    return *status == FV_OK;
}

static int find_name(const char *name, const void *base, size_t stride, int count) {
    for (int i = 0; i < count; i++)
        if (!strcmp(name, *(const char *const *)((const char *)base + (size_t)i * stride))) return i;
    return -1;
}

int fv_spec_find(fv_spec *spec, const char *what, const void *base, size_t stride, int count, fv_error *error) {
    int found = find_name(spec->name, base, stride, count);
    if (found >= 0) return found;
    size_t stem = strcspn(spec->name, "0123456789");
    if (stem > 0 && spec->name[stem] && strspn(spec->name + stem, "0123456789") == strlen(spec->name + stem) &&
        spec->count == 0) {
        char shorter[FV_SPEC_WORD];
        memcpy(shorter, spec->name, stem);
        shorter[stem] = 0;
        found = find_name(shorter, base, stride, count);
        if (found >= 0) {
            memcpy(spec->value[0], spec->name + stem, strlen(spec->name + stem) + 1);
            spec->count = 1;
            memcpy(spec->name, shorter, stem + 1);
            return found;
        }
    }
    const char *near = fv_nearest(spec->name, base, stride, count);
    if (near)
        fv_fail(error, FV_E_ARGUMENT, "unknown %s '%s'; did you mean '%s'?", what, spec->name, near);
    else {
        char names[300] = "";
        for (int i = 0; i < count; i++) {
            const char *name = *(const char *const *)((const char *)base + (size_t)i * stride);
            if (strlen(names) + strlen(name) + 3 >= sizeof names) break;
            if (i) strcat(names, ", ");
            strcat(names, name);
        }
        fv_fail(error, FV_E_ARGUMENT, "unknown %s '%s'; there are: %s", what, spec->name, names);
    }
    return -1;
}

/* The i-th "name=default" of an argument list. */
static bool argument_at(const char *arguments, int index, char name[FV_SPEC_WORD], double *standard) {
    const char *s = skip_blanks(arguments);
    for (; index > 0 && *s; index--) s = skip_blanks(s + strcspn(s, " "));
    if (!*s) return false;
    size_t length = strcspn(s, "=");
    char number[FV_SPEC_WORD];
    const char *value = s + length + 1, *end = s + strcspn(s, " ");
    return copy_word(name, FV_SPEC_WORD, s, s + length) && copy_word(number, sizeof number, value, end) &&
           fv_parse_double(number, standard);
}

int fv_spec_argument(const char *arguments, const char *name) {
    char word[FV_SPEC_WORD];
    double standard;
    for (int i = 0; argument_at(arguments, i, word, &standard); i++)
        if (!strcmp(word, name)) return i;
    return -1;
}

static bool read_number(const char *text, double *out) {
    if (!strcmp(text, "yes")) return *out = 1, true;
    if (!strcmp(text, "no")) return *out = 0, true;
    return fv_parse_double(text, out) && isfinite(*out);
}

fv_status fv_spec_numbers(const fv_spec *spec, const char *what, const char *arguments, double out[FV_SPEC_ARGUMENTS],
                          fv_error *error) {
    char word[FV_SPEC_WORD];
    int known = 0;
    bool given[FV_SPEC_ARGUMENTS] = {false};
    while (known < FV_SPEC_ARGUMENTS && argument_at(arguments, known, word, &out[known])) known++;
    for (int i = 0; i < spec->count; i++) {
        int at = spec->key[i][0] ? fv_spec_argument(arguments, spec->key[i]) : i;
        if (at < 0)
            return fv_fail(error, FV_E_ARGUMENT, "%s '%s': %s has no argument '%s'; it takes: %s", what, spec->text,
                           spec->name, spec->key[i], *arguments ? arguments : "nothing");
        if (at >= known)
            return fv_fail(error, FV_E_ARGUMENT, "%s '%s': %s takes at most %d arguments: %s", what, spec->text,
                           spec->name, known, *arguments ? arguments : "nothing");
        if (given[at]) {
            double ignored;
            argument_at(arguments, at, word, &ignored);
            return fv_fail(error, FV_E_ARGUMENT, "%s '%s': '%s' is given twice", what, spec->text, word);
        }
        given[at] = true;
        if (!read_number(spec->value[i], &out[at]))
            return fv_fail(error, FV_E_ARGUMENT, "%s '%s': expected a number, got '%s'", what, spec->text,
                           spec->value[i]);
    }
    return FV_OK;
}
