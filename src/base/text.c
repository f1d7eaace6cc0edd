#include "text.h"

#include "fovea.h"
#include "memory.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- growing text ---------------------------------------------------------------------------------------------------
 */

static bool reserve(fv_text *text, size_t more) {
    size_t wanted;
    if (text->failed) return false;
    if (!fv_add_size(text->length, more, &wanted) || !fv_add_size(wanted, 1, &wanted)) return !(text->failed = true);
    if (wanted <= text->capacity) return true;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity < wanted) capacity = capacity > SIZE_MAX / 2 ? wanted : capacity * 2;
    char *data = fv_realloc(text->data, capacity);
    if (!data) return !(text->failed = true);
    text->data = data;
    text->capacity = capacity;
    return true;
}

void fv_text_add_n(fv_text *text, const char *s, size_t n) {
    if (!reserve(text, n)) return;
    if (n) memcpy(text->data + text->length, s, n);
    text->length += n;
    text->data[text->length] = 0;
}

void fv_text_add(fv_text *text, const char *s) { fv_text_add_n(text, s, strlen(s)); }

void fv_text_printf(fv_text *text, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length >= 0 && reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    } else {
        text->failed = true;
    }
    va_end(again);
    va_end(arguments);
}

char *fv_text_take(fv_text *text) {
    fv_text_add_n(text, "", 0);
    char *data = text->data;
    if (text->failed) {
        fv_free(data);
        data = NULL;
    }
    *text = (fv_text){0};
    return data;
}

void fv_text_free(fv_text *text) {
    fv_free(text->data);
    *text = (fv_text){0};
}

/* ---- nearest names --------------------------------------------------------------------------------------------------
 */

enum { LONGEST_NAME = 63 };

static int least(int a, int b) { return a < b ? a : b; }

/* Damerau-Levenshtein distance (optimal string alignment). */
int fv_edit_distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST_NAME || m > LONGEST_NAME) return LONGEST_NAME;
    int d[LONGEST_NAME + 1][LONGEST_NAME + 1];
    for (size_t i = 0; i <= n; i++) d[i][0] = (int)i;
    for (size_t j = 0; j <= m; j++) d[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++) {
            int best = least(d[i - 1][j] + 1, d[i][j - 1] + 1);
            best = least(best, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) best = least(best, d[i - 2][j - 2] + 1);
            d[i][j] = best;
        }
    return d[n][m];
}

static bool starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

/* A name that begins with the word (or the other way round) counts as near: "kernel_size" means kernel. */
static int distance(const char *word, const char *name) {
    int d = fv_edit_distance(word, name);
    size_t shorter = strlen(word) < strlen(name) ? strlen(word) : strlen(name);
    bool prefix = shorter >= 3 && (starts_with(name, word) || starts_with(word, name));
    return prefix ? least(d, 1) : d;
}

const char *fv_nearest(const char *word, const void *base, size_t stride, int count) {
    const char *nearest = NULL;
    int best = 1 + (int)strlen(word) / 3 + 1;
    for (int i = 0; i < count; i++) {
        const char *name;
        memcpy(&name, (const char *)base + (size_t)i * stride, sizeof name);
        int d = name ? distance(word, name) : best;
        if (d < best) {
            best = d;
            nearest = name;
        }
    }
    return nearest;
}

/* ---- numbers --------------------------------------------------------------------------------------------------------
 */

bool fv_parse_i64(const char *s, int64_t *out) {
    bool negative = *s == '-';
    const char *digits = s + (*s == '-' || *s == '+');
    if (*digits == 0) return false;
    uint64_t value = 0, limit = (uint64_t)INT64_MAX + negative;
    for (const char *p = digits; *p; p++) {
        if (*p < '0' || *p > '9') return false;
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > (limit - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* The decimal point of the program's locale: strtod and printf want and give that one. */
static char locale_point(void) { return *localeconv()->decimal_point; }

static void replace(char *text, char from, char to) {
    for (char *p = text; *p; p++)
        if (*p == from) *p = to;
}

static bool parse_plain_double(const char *s, size_t length, double *out) {
    char copy[64], *end;
    if (length == 0 || length >= sizeof copy || strchr("+-.0123456789", *s) == NULL) return false;
    memcpy(copy, s, length);
    copy[length] = 0;
    if (strpbrk(copy, "xXnN")) return false; /* no hexadecimal, no nan, no inf */
    replace(copy, '.', locale_point());
    *out = strtod(copy, &end);
    return *end == 0 && isfinite(*out);
}

bool fv_parse_double(const char *s, double *out) {
    const char *slash = strchr(s, '/');
    if (!slash) return parse_plain_double(s, strlen(s), out);
    double above, below;
    if (!parse_plain_double(s, (size_t)(slash - s), &above)) return false;
    if (!parse_plain_double(slash + 1, strlen(slash + 1), &below) || below == 0) return false;
    *out = above / below;
    return isfinite(*out);
}

void fv_print_double(double value, char out[32]) {
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, value);
        if (strtod(out, NULL) == value) break;
    }
    replace(out, locale_point(), '.');
}

/* ---- names from outside ----------------------------------------------------------------------------------------- */

/* The length of the well-formed UTF-8 character at `s`, 0 if there is none (RFC 3629: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *s) {
    if (s[0] < 0x80) return s[0] >= 0x20 && s[0] != 0x7f;
    size_t length = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    bool bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
               (s[0] == 0xf4 && s[1] > 0x8f) || (s[0] == 0xc2 && s[1] < 0xa0);
    return bad ? 0 : length;
}

size_t fv_escape(const char *in, char *out, size_t size) {
    size_t at = 0;
    for (const unsigned char *s = (const unsigned char *)in; *s;) {
        char piece[8];
        size_t length = utf8_length(s), written = length;
        if (length)
            memcpy(piece, s, length);
        else
            length = 1, written = (size_t)snprintf(piece, sizeof piece, "\\x%02X", *s);
        if (at + written >= size) break;
        memcpy(out + at, piece, written);
        at += written;
        s += length;
    }
    if (size) out[at] = 0;
    return at;
}
