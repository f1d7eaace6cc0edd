/* lang.h - the network language inside: text -> lines -> statements -> applications on a net, and back to text.
 *
 * docs/language.md is the language's page. lang_expression.c reads and computes what stands in arguments, lang_parse.c
 * makes statements, lang_expand.c carries them out (with lang_scope.c and lang_lines.c), lang_names.c finds names, lang_loss.c applies losses, lang_print.c
 * writes a net as text. */
#ifndef FV_LANG_H
#define FV_LANG_H

#include "net.h"

/* Bounds that keep hostile text from taking the machine down; no honest net comes near them. */
enum {
    FV_LANG_MAX_TEXT = 16 << 20,       /* bytes of a text */
    FV_LANG_MAX_LINE = 64 << 10,       /* bytes of a line */
    FV_LANG_MAX_DEPTH = 64,            /* indentation, parentheses, blocks in blocks */
    FV_LANG_MAX_ITEMS = 1024,          /* arguments, names or values in one line */
    FV_LANG_MAX_APPLICATIONS = 100000, /* after expansion */
    FV_LANG_MAX_WORK = 50000000        /* lines carried out, expressions computed and bytes that they make */
};

/* ---- the text, read --------------------------------------------------------------------------------------------- */

typedef enum fv_lang_kind {
    FV_LANG_NUMBER, /* 64 */
    FV_LANG_TEXT,   /* 0.5, "in quotes", ? */
    FV_LANG_WORD,   /* a parameter, in.channels, or a keyword such as same */
    FV_LANG_CALL,   /* l2(0.001) */
    FV_LANG_SIZE,   /* 3x3 */
    FV_LANG_LIST,   /* 1,2,3 */
    FV_LANG_OPERATE /* a + b, not a */
} fv_lang_kind;

typedef enum fv_lang_operator {
    FV_LANG_OR,
    FV_LANG_AND,
    FV_LANG_NOT,
    FV_LANG_EQUAL,
    FV_LANG_UNEQUAL,
    FV_LANG_LESS,
    FV_LANG_AT_MOST,
    FV_LANG_GREATER,
    FV_LANG_AT_LEAST,
    FV_LANG_PLUS,
    FV_LANG_MINUS,
    FV_LANG_TIMES,
    FV_LANG_OVER,
    FV_LANG_MODULO,
    FV_LANG_NEGATE
} fv_lang_operator;

typedef struct fv_lang_expression {
    fv_lang_kind kind;
    fv_lang_operator operate;
    int line, column;
    int64_t number;
    const char *text;                 /* TEXT, WORD, CALL */
    const char *key;                  /* of an argument in a CALL, or NULL */
    struct fv_lang_expression *a, *b; /* operands; a: first part of SIZE, LIST, CALL */
    struct fv_lang_expression *next;  /* further parts */
} fv_lang_expression;

typedef struct fv_lang_argument {
    const char *key; /* NULL: positional */
    const fv_lang_expression *value;
    int line, column;
    struct fv_lang_argument *next;
} fv_lang_argument;

/* A value by name. `quoted` names are never in, in1, it. */
typedef struct fv_lang_name {
    const char *text;
    const char *as; /* in `output as = text` */
    bool quoted;
    int line, column;
    struct fv_lang_name *next;
} fv_lang_name;

typedef enum fv_lang_statement_kind {
    FV_LANG_APPLY,
    FV_LANG_INPUT,
    FV_LANG_OUTPUT,
    FV_LANG_LOSS,
    FV_LANG_SETTING,
    FV_LANG_PARAM,
    FV_LANG_REPEAT,
    FV_LANG_WHEN
} fv_lang_statement_kind;

typedef struct fv_lang_statement {
    fv_lang_statement_kind kind;
    int line, column; /* of its first word after `names =` */
    const char *word; /* operator or block (APPLY, LOSS; NULL for a loss that is a value), section (SETTING) */
    const fv_op *op;
    const struct fv_lang_block *block;
    const fv_lang_name *names;            /* left of `=` */
    const fv_lang_argument *arguments;    /* also the names and values of PARAM and SETTING */
    const fv_lang_name *reads;            /* behind `<-`; the values of OUTPUT */
    const fv_lang_expression *expression; /* REPEAT, WHEN */
    const struct fv_lang_statement *body;
    struct fv_lang_statement *next;
} fv_lang_statement;

typedef struct fv_lang_block {
    const char *name;
    int line, inputs;
    const fv_lang_argument *parameters; /* key; value NULL where there is no default */
    const fv_lang_statement *body;
    struct fv_lang_block *next;
} fv_lang_block;

typedef struct fv_lang_program {
    const char *name; /* of the text, for messages */
    const char *comment;
    const fv_lang_statement *body;
} fv_lang_program;

/* Where reading stands in one line. */
typedef struct fv_lang_cursor {
    const char *name; /* of the text */
    const char *start, *at;
    int line;
    int blanks; /* above 0: blanks may stand between the parts of an expression */
    int depth;
    fv_arena *arena;
    fv_error *error;
} fv_lang_cursor;

fv_status fv_lang_fail(const fv_lang_cursor *cursor, const char *format, ...) FV_PRINTF(2, 3);
int fv_lang_column(const fv_lang_cursor *cursor);
void fv_lang_skip_blanks(fv_lang_cursor *cursor);
/* "what stands here", for messages: the word at the cursor in quotes, or "the end of the line". */
const char *fv_lang_here(const fv_lang_cursor *cursor);
/* A word (letters, digits, _; with `dots` also parts behind points), or NULL without moving. Memory short: NULL and
 * error set. */
const char *fv_lang_word(fv_lang_cursor *cursor, bool dots);
const char *fv_lang_quoted(fv_lang_cursor *cursor); /* text in quotes; the cursor stands on the first quote */
bool fv_lang_is_word(const char *text, bool dots);

/* One argument: arithmetic without blanks, sizes, lists, calls. NULL and the error on a mistake. */
fv_lang_expression *fv_lang_read_argument(fv_lang_cursor *cursor);
/* The default of a block's parameter: ends before a comma or bracket. */
fv_lang_expression *fv_lang_read_default(fv_lang_cursor *cursor);
/* A whole expression with blanks, comparisons, and/or/not, up to the end of the line. */
fv_lang_expression *fv_lang_read_condition(fv_lang_cursor *cursor);

/* Reads the text into statements, all in the arena. Operators are looked up in the net. */
fv_lang_program *fv_lang_read(const fv_net *net, const char *text, const char *name, fv_arena *arena, fv_error *error);

/* ---- computing -------------------------------------------------------------------------------------------------- */

typedef struct fv_lang_value {
    bool number;
    int64_t n;
    const char *text; /* always there: how it is passed on */
} fv_lang_value;

/* Where words get their meaning. `property` handles a word with a point: 1 done, 0 not a property, -1 failed. */
typedef struct fv_lang_context {
    const char *name;
    fv_arena *arena;
    fv_error *error;
    int64_t *work; /* what is left of FV_LANG_MAX_WORK */
    const fv_lang_value *(*parameter)(void *user, const char *word);
    int (*property)(void *user, const fv_lang_expression *word, int64_t *out);
    void *user;
} fv_lang_context;

fv_status fv_lang_compute(const fv_lang_context *context, const fv_lang_expression *expression, fv_lang_value *out);
/* As a whole number; as yes or no. `what` is said in messages ("the count of repeat"). */
fv_status fv_lang_compute_number(const fv_lang_context *context, const fv_lang_expression *expression, const char *what,
                                 int64_t *out);
fv_status fv_lang_compute_truth(const fv_lang_context *context, const fv_lang_expression *expression, bool *out);
fv_status fv_lang_spend(const fv_lang_context *context, const fv_lang_expression *at, size_t work);

/* ---- names ------------------------------------------------------------------------------------------------------ */

/* A table from names to numbers. Zero-initialise; the names are borrowed. */
typedef struct fv_lang_table {
    struct fv_lang_entry {
        const char *name;
        int64_t value;
        int line;
    } * entries;
    int count, capacity;
    int *slots;
    int slot_count;
} fv_lang_table;
struct fv_lang_entry *fv_lang_find(const fv_lang_table *table, const char *name);
/* Adds or replaces. False when memory is short. */
bool fv_lang_put(fv_lang_table *table, const char *name, int64_t value, int line);
void fv_lang_table_free(fv_lang_table *table);
/* The nearest name, or NULL. */
const char *fv_lang_nearest(const fv_lang_table *table, const char *name);

/* ---- carrying out ----------------------------------------------------------------------------------------------- */

/* Carries the statements out on the net. */
fv_status fv_lang_expand(const fv_lang_program *program, fv_net *net, const fv_setting *settings, int count,
                         fv_arena *arena, fv_error *error);

/* Applies a loss operator to inputs[0], the prediction, and to the target inputs[1], which is made if it is not given:
 * class numbers ("class") if the operator takes them, else numbers of the prediction's shape ("target"). Where the
 * prediction comes from the softmax or sigmoid that is part of the loss, what went into that is taken. Returns the
 * loss. */
fv_value fv_lang_apply_loss(fv_net *net, const fv_op *op, const fv_value *inputs, int count,
                            const fv_argument *arguments, int argument_count, fv_error *error);

/* Parses into a net that has its own operators and nothing else. */
fv_status fv_lang_parse_into(fv_net *net, const char *text, const char *name, const fv_setting *settings, int count,
                             fv_error *error);

#endif
