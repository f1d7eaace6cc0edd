/* text.h - growing text, nearest names, numbers from text. */
#ifndef FV_BASE_TEXT_H
#define FV_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Growing text; once memory ran short `failed` stays set and further calls do nothing. Zero-initialise. */
typedef struct fv_text {
    char *data; /* always ends in 0 once anything was added */
    size_t length, capacity;
    bool failed;
} fv_text;
void fv_text_add(fv_text *text, const char *s);
void fv_text_add_n(fv_text *text, const char *s, size_t n);
void fv_text_printf(fv_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *fv_text_take(fv_text *text); /* hands over the memory (free with fv_free), or NULL if anything failed */
void fv_text_free(fv_text *text);

/* A name from outside as text that may be shown and kept: control characters and bytes that are no UTF-8 become \xHH. Writes
 * what fits into `out` of `size` bytes, an end in any case; returns its length. `in` and `out` may not overlap. */
size_t fv_escape(const char *in, char *out, size_t size);

/* Edit distance (insert, delete, replace, swap of neighbours), capped. */
int fv_edit_distance(const char *a, const char *b);
/* The nearest of `count` names if it is near enough to be meant, else NULL. names[i] is at (char*)base + i*stride, a
 * const char*. */
const char *fv_nearest(const char *word, const void *base, size_t stride, int count);

/* Whole text to a number; false if there is anything else, or out of range. The decimal point is always a point. */
bool fv_parse_i64(const char *s, int64_t *out);
bool fv_parse_double(const char *s, double *out); /* also "1/255" */

/* The shortest decimal text that reads back as the same double (or float): "0.1". At most 32 bytes with the 0. */
void fv_print_double(double value, char out[32]);

#endif
