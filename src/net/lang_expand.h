/* lang_expand.h - what the files that carry statements out share: blocks in use, names, the line at hand. */
#ifndef FV_LANG_EXPAND_H
#define FV_LANG_EXPAND_H

#include "lang.h"

enum { FV_LANG_MAX_INPUTS = 64 };

typedef struct fv_lang_parameter {
    const char *name;
    fv_lang_value value;
    struct fv_lang_parameter *next;
} fv_lang_parameter;

/* A block in use, or the file. */
typedef struct fv_lang_frame {
    const fv_lang_block *block;
    struct fv_lang_frame *outer;
    int depth;
    fv_lang_parameter *parameters;
    fv_lang_table values;   /* names given to values */
    fv_lang_table ordinals; /* how often a name was given in repeats */
    int repeats;            /* open ones */
    fv_value it;
    bool has_it;
    fv_value in[FV_LANG_MAX_INPUTS];
    int inputs;
    fv_value out[FV_MAX_OUTPUTS]; /* of a block with an output line */
    int outputs;
} fv_lang_frame;

typedef struct fv_lang_expander {
    const fv_lang_program *program;
    fv_net *net;
    fv_arena *arena;
    fv_error *error;
    const fv_setting *settings;
    int setting_count;
    fv_lang_frame *frame;
    int64_t work;
    fv_lang_table paths; /* names of the net's values */
    int paths_seen;
} fv_lang_expander;

#define FV_LANG_FAIL_AT(x, where, ...)                                                                                 \
    fv_fail_at((x)->error, FV_E_SYNTAX, (x)->program->name, (where)->line, (where)->column, __VA_ARGS__)

/* ---- lang_scope.c ----------------------------------------------------------------------------------------------- */

/* Hands the error of a builder on, with the place in the text if it has none; returns its status. */
fv_status fv_lang_at_statement(fv_lang_expander *x, const fv_error *reason, const fv_lang_statement *s);
/* The same for a builder that only tells the net. */
fv_status fv_lang_net_status(fv_lang_expander *x, const fv_lang_statement *s);

fv_lang_context fv_lang_context_of(fv_lang_expander *x);
const fv_lang_value *fv_lang_find_parameter(void *expander, const char *word);
fv_status fv_lang_resolve(fv_lang_expander *x, const fv_lang_name *name, fv_value *out);
fv_status fv_lang_unknown_value(fv_lang_expander *x, const fv_lang_name *name);

/* Are the names left of `=` free? Outside of repeats a name is given once. */
fv_status fv_lang_check_names(fv_lang_expander *x, const fv_lang_statement *s);
fv_status fv_lang_give_name(fv_lang_expander *x, const fv_lang_name *name, fv_value value);
/* The name for what the line makes, NULL if it gives none; in a repeat it is numbered, as the names of operators are. */
const char *fv_lang_application_name(fv_lang_expander *x, const fv_lang_statement *s);

/* What the line reads: behind `<-`, or the line above. */
fv_status fv_lang_gather(fv_lang_expander *x, const fv_lang_statement *s, fv_value **out, int *count);
/* The arguments as text. The argument `except` is left out (may be NULL) and its value handed back. */
fv_status fv_lang_compute_arguments(fv_lang_expander *x, const fv_lang_statement *s, const char *except,
                                    const char **excepted, fv_argument **out, int *count);

/* ---- lang_lines.c: lines that are no operators ------------------------------------------------------------------ */

fv_status fv_lang_run_input(fv_lang_expander *x, const fv_lang_statement *s);
fv_status fv_lang_run_output(fv_lang_expander *x, const fv_lang_statement *s);
fv_status fv_lang_run_loss(fv_lang_expander *x, const fv_lang_statement *s);
fv_status fv_lang_run_setting(fv_lang_expander *x, const fv_lang_statement *s);
fv_status fv_lang_run_param(fv_lang_expander *x, const fv_lang_statement *s);

#endif
