/* spec.h - a choice in text with its numbers: "adam", "normal(0, 0.05)", "step(every=10, factor=0.1)", "top3".
 *
 * Initializers, optimizers, schedules, metrics, constraints, losses and augmentations are all chosen this way: the name of a record
 * and arguments by position or by name. A record lists its arguments with their defaults: "mean=0 deviation=0.05". */
#ifndef FV_BASE_SPEC_H
#define FV_BASE_SPEC_H

#include "error.h"

enum { FV_SPEC_ARGUMENTS = 8, FV_SPEC_WORD = 48 };

/* The text taken apart; nothing is looked up yet. */
typedef struct fv_spec {
    char text[256]; /* as it was given, without the blanks around it */
    char name[FV_SPEC_WORD];
    int count;
    char key[FV_SPEC_ARGUMENTS][FV_SPEC_WORD]; /* empty: by position */
    char value[FV_SPEC_ARGUMENTS][FV_SPEC_WORD];
} fv_spec;

/* `what` says what is chosen, for messages ("optimizer"). */
fv_status fv_spec_parse(const char *text, const char *what, fv_spec *out, fv_error *error);

/* Takes the next entry of a list separated by any of `separators` outside of parentheses: moves *list behind it and
 * parses it. False at the end of the list or after a mistake (then *status says which). */
bool fv_spec_next(const char **list, const char *separators, const char *what, fv_spec *out, fv_status *status,
                  fv_error *error);

/* Which of `count` records is meant, or -1; names[i] is at (char*)base + i*stride, a const char*. A name that ends in a
 * number which no record has is the record with that number as its first argument: "top3" is "top(3)". */
int fv_spec_find(fv_spec *spec, const char *what, const void *base, size_t stride, int count, fv_error *error);

/* The numbers of a spec against the arguments of its record; `yes` and `no` count as 1 and 0. */
fv_status fv_spec_numbers(const fv_spec *spec, const char *what, const char *arguments, double out[FV_SPEC_ARGUMENTS],
                          fv_error *error);
/* Position of an argument in such a list, or -1. */
int fv_spec_argument(const char *arguments, const char *name);

#endif
