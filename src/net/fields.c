/* fields.c - an operator's fields: from arguments or an options struct to a resolved struct, and back to text. */
#include "graph.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FIELDS = 64 };

/* Whose fields are being read, and where the mistake would be. */
typedef struct reader {
    const fv_op *op;
    const char *layer;           /* NULL: the operator alone is named */
    const fv_argument *argument; /* NULL: none */
    fv_arena *arena;
    fv_error *error;
} reader;

FV_PRINTF(3, 4) static fv_status wrong(const reader *r, fv_status status, const char *format, ...) {
    char message[400];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    int line = r->argument ? r->argument->line : 0, column = r->argument ? r->argument->column : 0;
    if (!r->layer) return fv_fail_at(r->error, status, NULL, line, column, "%s: %s", r->op->name, message);
    return fv_fail_at(r->error, status, NULL, line, column, "%s (%s): %s", r->layer, r->op->name, message);
}

static fv_status short_of_memory(const reader *r) {
    return fv_fail_memory(r->error, "the fields of a layer", r->op->fields_size);
}

/* ---- one field in a struct -------------------------------------------------------------------------------------- */

static int element_count(const fv_field *f) { return f->kind == FV_FIELD_SIZES ? 3 : 8; }

static int word_count(const fv_choices *choices) {
    int n = 0;
    while (choices && n < (int)(sizeof choices->words / sizeof choices->words[0]) && choices->words[n]) n++;
    return n;
}

static int find_word(const fv_choices *choices, const char *word) {
    for (int i = 0; i < word_count(choices); i++)
        if (!strcmp(choices->words[i], word)) return i;
    return -1;
}

/* Writes the field's default to `at`. */
static void set_default(const fv_field *f, void *at) {
    switch (f->kind) {
    case FV_FIELD_INT: *(int64_t *)at = (int64_t)f->standard; break;
    case FV_FIELD_FLOAT: *(double *)at = f->standard; break;
    case FV_FIELD_BOOL: *(bool *)at = f->standard != 0; break;
    case FV_FIELD_CHOICE: *(int *)at = 0; break;
    case FV_FIELD_TEXT: *(const char **)at = f->standard_text; break;
    case FV_FIELD_SIZES:
    case FV_FIELD_LIST:
        for (int i = 0; i < element_count(f); i++) ((int64_t *)at)[i] = FV_UNSET;
        if (f->kind == FV_FIELD_SIZES) *(int64_t *)at = (int64_t)f->standard;
        break;
    }
}

static void set_defaults(const fv_op *op, void *fields) {
    for (int i = 0; i < op->field_count; i++) set_default(&op->fields[i], (char *)fields + op->fields[i].offset);
}

/* Both bounds 0: any number. An upper bound of 0 alone is none, so that a list may say `.min = 1` and no more. */
static fv_status check_range(const reader *r, const fv_field *f, double value) {
    bool low = f->min != 0 || f->max != 0, high = f->max != 0 && f->max >= f->min;
    char got[32], min[32], max[32];
    if (isfinite(value) && !(low && value < f->min) && !(high && value > f->max)) return FV_OK;
    fv_print_double(value, got);
    fv_print_double(f->min, min);
    fv_print_double(f->max, max);
    if (!isfinite(value)) return wrong(r, FV_E_ARGUMENT, "%s must be finite, got %s", f->name, got);
    if (low && high && f->max < 1e9)
        return wrong(r, FV_E_ARGUMENT, "%s must be between %s and %s, got %s", f->name, min, max, got);
    if (value < f->min) return wrong(r, FV_E_ARGUMENT, "%s must be at least %s, got %s", f->name, min, got);
    return wrong(r, FV_E_ARGUMENT, "%s must be at most %s, got %s", f->name, max, got);
}

/* ---- text to field ---------------------------------------------------------------------------------------------- */

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static fv_status unknown_word(const reader *r, const fv_field *f, const char *value, const char *also) {
    const char *near = fv_nearest(value, f->choices->words, sizeof f->choices->words[0], word_count(f->choices));
    if (near) return wrong(r, FV_E_ARGUMENT, "%s cannot be \"%.60s\"; did you mean \"%s\"?", f->name, value, near);
    fv_text words = {0};
    for (int i = 0; i < word_count(f->choices); i++)
        fv_text_printf(&words, "%s%s", i ? ", " : "", f->choices->words[i]);
    fv_status status = wrong(r, FV_E_ARGUMENT, "%s must be %sone of %s, got \"%.60s\"", f->name, also,
                             words.data ? words.data : "its words", value);
    fv_text_free(&words);
    return status;
}

/* "3x3" or "1,2,3": up to `most` whole numbers with `separator` between them. */
static fv_status read_numbers(const reader *r, const fv_field *f, const char *value, char separator, int64_t *at) {
    int most = element_count(f), n = 0;
    const char *form = f->kind == FV_FIELD_SIZES ? "3 or 3x3" : "1,2,3";
    for (int i = 0; i < most; i++) at[i] = FV_UNSET;
    for (const char *s = value;; s++) {
        const char *end = strchr(s, separator);
        size_t length = end ? (size_t)(end - s) : strlen(s);
        char number[24];
        if (n == most)
            return wrong(r, FV_E_ARGUMENT, "%s takes at most %d numbers, got \"%.60s\"", f->name, most, value);
        if (length < sizeof number) snprintf(number, sizeof number, "%.*s", (int)length, s);
        if (length == 0 || length >= sizeof number || !fv_parse_i64(number, &at[n]) || at[n] == FV_UNSET)
            return wrong(r, FV_E_ARGUMENT, "%s must be whole numbers such as %s, got \"%.60s\"", f->name, form, value);
        fv_status status = check_range(r, f, (double)at[n]);
        if (status) return status;
        if (f->choices && at[n] < 0) /* negative numbers stand for words */
            return wrong(r, FV_E_ARGUMENT, "%s must be at least 0, got \"%.60s\"", f->name, value);
        n++;
        if (!end) return FV_OK;
        s = end;
    }
}

static fv_status read_sizes(const reader *r, const fv_field *f, const char *value, int64_t *at) {
    int word = find_word(f->choices, value);
    if (word >= 0) {
        at[0] = -word;
        at[1] = at[2] = FV_UNSET;
        return FV_OK;
    }
    if (f->choices && is_letter(value[0])) return unknown_word(r, f, value, "numbers such as 1 or 1x2, or ");
    return read_numbers(r, f, value, 'x', at);
}

static fv_status read_bool(const reader *r, const fv_field *f, const char *value, bool *at) {
    static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(value, yes[i]) && strcmp(value, no[i])) continue;
        *at = !strcmp(value, yes[i]);
        return FV_OK;
    }
    return wrong(r, FV_E_ARGUMENT, "%s must be yes or no, got \"%.60s\"", f->name, value);
}

/* Text may come with the quotes that the language needs around blanks. */
static fv_status read_text(const reader *r, const fv_field *f, const char *value, const char **at) {
    size_t length = strlen(value);
    bool quoted = length >= 2 && value[0] == '"' && value[length - 1] == '"';
    if (quoted) {
        value++;
        length -= 2;
    }
    for (size_t i = 0; i < length; i++)
        if (value[i] == '"' || (unsigned char)value[i] < ' ')
            return wrong(r, FV_E_ARGUMENT, "%s cannot hold quotes or line breaks", f->name);
    *at = fv_arena_text(r->arena, value, length);
    return *at ? FV_OK : short_of_memory(r);
}

static fv_status read_value(const reader *r, const fv_field *f, const char *value, void *at) {
    switch (f->kind) {
    case FV_FIELD_INT:
        if (!fv_parse_i64(value, at))
            return wrong(r, FV_E_ARGUMENT, "%s must be a whole number, got \"%.60s\"", f->name, value);
        return check_range(r, f, (double)*(int64_t *)at);
    case FV_FIELD_FLOAT:
        if (!fv_parse_double(value, at))
            return wrong(r, FV_E_ARGUMENT, "%s must be a number, got \"%.60s\"", f->name, value);
        return check_range(r, f, *(double *)at);
    case FV_FIELD_BOOL: return read_bool(r, f, value, at);
    case FV_FIELD_CHOICE: {
        int word = find_word(f->choices, value);
        *(int *)at = word;
        return word >= 0 ? FV_OK : unknown_word(r, f, value, "");
    }
    case FV_FIELD_SIZES: return read_sizes(r, f, value, at);
    case FV_FIELD_LIST: return read_numbers(r, f, value, ',', at);
    case FV_FIELD_TEXT: return read_text(r, f, value, at);
    }
    return FV_OK;
}

/* ---- arguments to fields ---------------------------------------------------------------------------------------- */

static fv_status unknown_field(const reader *r, const char *key) {
    if (r->op->field_count == 0) return wrong(r, FV_E_ARGUMENT, "it takes no fields, got \"%.60s\"", key);
    const char *near = fv_nearest(key, &r->op->fields[0].name, sizeof r->op->fields[0], r->op->field_count);
    if (near) return wrong(r, FV_E_ARGUMENT, "it has no field \"%.60s\"; did you mean \"%s\"?", key, near);
    fv_text names = {0};
    for (int i = 0; i < r->op->field_count; i++) fv_text_printf(&names, "%s%s", i ? ", " : "", r->op->fields[i].name);
    fv_status status =
        wrong(r, FV_E_ARGUMENT, "it has no field \"%.60s\", only %s", key, names.data ? names.data : "others");
    fv_text_free(&names);
    return status;
}

/* The field that an argument is for; positional ones take the positional fields in order. NULL and the error on a
 * mistake. */
static const fv_field *field_for(const reader *r, int *positionals) {
    const fv_argument *a = r->argument;
    if (a->key) {
        const fv_field *f = r->op->field_count ? fv_find_field(r->op, a->key) : NULL;
        if (!f) unknown_field(r, a->key);
        return f;
    }
    int n = 0;
    for (int i = 0; i < r->op->field_count; i++) {
        if (!r->op->fields[i].positional || n++ != *positionals) continue;
        ++*positionals;
        return &r->op->fields[i];
    }
    if (n == 0)
        wrong(r, FV_E_ARGUMENT, "it takes no values without a name, got \"%.60s\"", a->value);
    else
        wrong(r, FV_E_ARGUMENT, "it takes at most %d value%s without a name, \"%.60s\" is one more", n,
              n == 1 ? "" : "s", a->value);
    return NULL;
}

static fv_status check_required(const reader *r, uint64_t given) {
    for (int i = 0; i < r->op->field_count; i++)
        if (r->op->fields[i].required && !(given >> i & 1))
            return wrong(r, FV_E_ARGUMENT, "%s is missing (%s)", r->op->fields[i].name, r->op->fields[i].help);
    return FV_OK;
}

fv_status fv_fields_read(const fv_op *op, const char *layer, const fv_argument *arguments, int count, fv_arena *arena,
                         void *fields, fv_error *error) {
    reader r = {op, layer, NULL, arena, error};
    uint64_t given = 0;
    int positionals = 0;
    if (op->field_count > MAX_FIELDS) return wrong(&r, FV_E_UNSUPPORTED, "it has more than %d fields", MAX_FIELDS);
    set_defaults(op, fields);
    for (int i = 0; i < count; i++) {
        r.argument = &arguments[i];
        const fv_field *f = field_for(&r, &positionals);
        if (!f) return FV_E_ARGUMENT;
        uint64_t bit = UINT64_C(1) << (f - op->fields);
        if (given & bit) return wrong(&r, FV_E_ARGUMENT, "%s is given twice", f->name);
        given |= bit;
        fv_status status = read_value(&r, f, arguments[i].value ? arguments[i].value : "", (char *)fields + f->offset);
        if (status) return status;
    }
    r.argument = count > 0 ? &(fv_argument){.line = arguments[0].line} : NULL;
    return check_required(&r, given);
}

fv_status fv_fields_from_arguments(const fv_op *op, const fv_argument *arguments, int count, fv_arena *arena,
                                   void *fields, fv_error *error) {
    return fv_fields_read(op, NULL, arguments, count, arena, fields, error);
}

/* The end of one item of fields text: at a blank that no quote or parenthesis encloses; NULL if one is not closed. */
static const char *item_end(const char *s) {
    int depth = 0;
    bool quoted = false;
    for (; *s; s++) {
        if (*s == '"') quoted = !quoted;
        if (quoted) continue;
        if (*s == '(') depth++;
        if (*s == ')') depth--;
        if (depth == 0 && strchr(" \t\r\n", *s)) break;
    }
    return quoted || depth != 0 ? NULL : s;
}

fv_status fv_fields_split(const char *text, fv_arena *arena, fv_argument **arguments, int *count, fv_error *error) {
    const char *const blanks = " \t\r\n";
    size_t most = strlen(text) / 2 + 1;
    *count = 0;
    *arguments = most < INT32_MAX / sizeof **arguments ? fv_arena_take(arena, most * sizeof **arguments) : NULL;
    if (!*arguments) return fv_fail_memory(error, "fields", most);
    for (const char *s = text + strspn(text, blanks); *s; s += strspn(s, blanks)) {
        const char *end = item_end(s);
        if (!end) return fv_fail(error, FV_E_SYNTAX, "fields: a quote or parenthesis is not closed in \"%.80s\"", s);
        fv_argument *a = &(*arguments)[(*count)++];
        size_t key = strcspn(s, "=\"( \t\r\n"); /* an = inside quotes or parentheses is part of the value */
        bool named = key > 0 && s[key] == '=';
        const char *value = named ? s + key + 1 : s;
        a->column = (int)(s - text) + 1;
        a->key = named ? fv_arena_text(arena, s, key) : NULL;
        a->value = fv_arena_text(arena, value, (size_t)(end - value));
        if (!a->value || (named && !a->key)) return fv_fail_memory(error, "fields", strlen(text));
        s = end;
    }
    return FV_OK;
}

/* ---- options struct to fields ----------------------------------------------------------------------------------- */

/* Size and alignment of a field's member in an options struct. */
static void member_layout(const fv_field *f, size_t *size, size_t *align) {
    *size = *align = 8;
    switch (f->kind) {
    case FV_FIELD_BOOL: *size = *align = sizeof(bool); break;
    case FV_FIELD_CHOICE: *size = *align = sizeof(int); break;
    case FV_FIELD_TEXT: *size = *align = sizeof(char *); break;
    case FV_FIELD_SIZES: *size = 3 * sizeof(int64_t); break;
    case FV_FIELD_LIST: *size = 8 * sizeof(int64_t); break;
    case FV_FIELD_INT:
    case FV_FIELD_FLOAT: break;
    }
}

/* Numbers of SIZES and LIST: 0 was not given, FV_ZERO is 0, -i is word i. */
static fv_status convert_numbers(const reader *r, const fv_field *f, const int64_t *from, int64_t *to, bool *given) {
    int count = element_count(f), last = -1;
    for (int i = 0; i < count; i++)
        if (from[i] != 0) last = i;
    *given = last >= 0;
    if (last > 0 && from[0] == 0 && to[0] == FV_UNSET)
        return wrong(r, FV_E_ARGUMENT, "%s: number 1 is missing; say FV_ZERO where 0 is meant", f->name);
    for (int i = 0; i <= last; i++) {
        if (from[i] == 0 && f->kind == FV_FIELD_LIST)
            return wrong(r, FV_E_ARGUMENT, "%s: number %d is 0; say FV_ZERO where 0 is meant", f->name, i + 1);
        if (from[i] == 0) { /* the default, or like the first */
            if (i > 0) to[i] = to[0];
            continue;
        }
        int64_t value = from[i] == FV_ZERO ? 0 : from[i];
        if (f->choices && value < 0 && (i > 0 || last > 0 || -value >= word_count(f->choices)))
            return wrong(r, FV_E_ARGUMENT, "%s must be at least 0 or one word of %s, got %lld", f->name,
                         f->choices->type, (long long)value);
        fv_status status = f->choices && value < 0 ? FV_OK : check_range(r, f, (double)value);
        if (status) return status;
        to[i] = value;
    }
    return FV_OK;
}

static fv_status convert_value(const reader *r, const fv_field *f, const void *from, void *to, bool *given) {
    switch (f->kind) {
    case FV_FIELD_INT: {
        int64_t value = *(const int64_t *)from;
        *given = value != 0;
        if (*given) *(int64_t *)to = value == FV_ZERO ? 0 : value;
        return *given ? check_range(r, f, (double)*(int64_t *)to) : FV_OK;
    }
    case FV_FIELD_FLOAT: {
        double value = *(const double *)from;
        *given = value != 0;
        if (*given) *(double *)to = value == (double)FV_ZERO ? 0 : value;
        return *given ? check_range(r, f, *(double *)to) : FV_OK;
    }
    case FV_FIELD_BOOL: /* no_NAME where the default is yes */
        *given = *(const bool *)from;
        if (*given) *(bool *)to = f->standard == 0;
        return FV_OK;
    case FV_FIELD_CHOICE: {
        int word = *(const int *)from;
        *given = true;
        *(int *)to = word;
        if (word >= 0 && word < word_count(f->choices)) return FV_OK;
        return wrong(r, FV_E_ARGUMENT, "%s must be one of %s, got %d", f->name, f->choices->type, word);
    }
    case FV_FIELD_SIZES:
    case FV_FIELD_LIST: return convert_numbers(r, f, from, to, given);
    case FV_FIELD_TEXT: {
        const char *value = *(const char *const *)from;
        *given = value != NULL;
        return *given ? read_text(r, f, value, to) : FV_OK;
    }
    }
    return FV_OK;
}

fv_status fv_fields_convert(const fv_op *op, const char *layer, const void *options, size_t bytes, size_t offset,
                            fv_arena *arena, void *fields, fv_error *error) {
    reader r = {op, layer, NULL, arena, error};
    uint64_t given = 0;
    if (op->field_count > MAX_FIELDS) return wrong(&r, FV_E_UNSUPPORTED, "it has more than %d fields", MAX_FIELDS);
    set_defaults(op, fields);
    for (int i = 0; i < op->field_count; i++) {
        const fv_field *f = &op->fields[i];
        size_t size, align;
        bool here = false;
        int64_t member[8] = {0}; /* room and alignment for any kind; zero behind the caller's own size */
        member_layout(f, &size, &align);
        offset = (offset + align - 1) / align * align;
        if (offset + size <= bytes) memcpy(member, (const char *)options + offset, size);
        fv_status status = convert_value(&r, f, member, (char *)fields + f->offset, &here);
        if (status) return status;
        if (here) given |= UINT64_C(1) << i;
        offset += size;
    }
    return check_required(&r, given);
}

/* ---- fields to text --------------------------------------------------------------------------------------------- */

static bool same_value(const fv_field *f, const void *a, const void *b) {
    switch (f->kind) {
    case FV_FIELD_INT: return *(const int64_t *)a == *(const int64_t *)b;
    case FV_FIELD_FLOAT: return *(const double *)a == *(const double *)b;
    case FV_FIELD_BOOL: return *(const bool *)a == *(const bool *)b;
    case FV_FIELD_CHOICE: return *(const int *)a == *(const int *)b;
    case FV_FIELD_SIZES:
        for (int i = 0; i < 3; i++)
            if (fv_size_at(a, i) != fv_size_at(b, i)) return false;
        return true;
    case FV_FIELD_LIST: return memcmp(a, b, 8 * sizeof(int64_t)) == 0;
    case FV_FIELD_TEXT: {
        const char *s = *(const char *const *)a, *t = *(const char *const *)b;
        return s && t ? strcmp(s, t) == 0 : s == t;
    }
    }
    return false;
}

/* Quoted unless the language surely reads it as one word or call: "he_normal", "l2(0.01)". */
static void add_text(fv_text *text, const char *value) {
    bool plain = is_letter(value[0]), inside = false;
    for (const char *s = value; plain && *s; s++) {
        inside = inside || *s == '(';
        plain = is_letter(*s) || (*s >= '0' && *s <= '9') || *s == '_' || (inside && strchr(".,()", *s));
    }
    fv_text_printf(text, plain ? "%s" : "\"%s\"", value);
}

static void add_numbers(fv_text *text, const fv_field *f, const int64_t *at) {
    if (f->kind == FV_FIELD_SIZES && f->choices && at[0] < 0) {
        fv_text_add(text, f->choices->words[-at[0]]);
        return;
    }
    for (int i = 0; i < element_count(f) && at[i] != FV_UNSET; i++)
        fv_text_printf(text, "%s%lld", i == 0 ? "" : f->kind == FV_FIELD_SIZES ? "x" : ",", (long long)at[i]);
}

static void add_value(fv_text *text, const fv_field *f, const void *at) {
    char number[32];
    switch (f->kind) {
    case FV_FIELD_INT: fv_text_printf(text, "%lld", (long long)*(const int64_t *)at); break;
    case FV_FIELD_FLOAT:
        fv_print_double(*(const double *)at, number);
        fv_text_add(text, number);
        break;
    case FV_FIELD_BOOL: fv_text_add(text, *(const bool *)at ? "yes" : "no"); break;
    case FV_FIELD_CHOICE: fv_text_add(text, f->choices->words[*(const int *)at]); break;
    case FV_FIELD_SIZES:
    case FV_FIELD_LIST: add_numbers(text, f, at); break;
    case FV_FIELD_TEXT: add_text(text, *(const char *const *)at ? *(const char *const *)at : ""); break;
    }
}

void fv_fields_to_text(const fv_op *op, const void *fields, fv_text *text) {
    bool bare = true; /* positional fields go without their names up to the first that is left out */
    size_t start = text->length;
    for (int i = 0; i < op->field_count; i++) {
        const fv_field *f = &op->fields[i];
        const void *at = (const char *)fields + f->offset;
        int64_t standard[8];
        set_default(f, standard);
        if (!f->required && same_value(f, at, standard)) {
            bare = bare && !f->positional;
            continue;
        }
        if (text->length > start) fv_text_add(text, " ");
        if (!(bare && f->positional)) fv_text_printf(text, "%s=", f->name);
        add_value(text, f, at);
    }
}
