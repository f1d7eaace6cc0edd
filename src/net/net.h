/* net.h - a network inside: applications of operators on values, as a list in topological order.
 *
 * Both lists only grow, and an application only reads values made before it; so ascending index is a topological order.
 */
#ifndef FV_NET_H
#define FV_NET_H

#include "memory.h"
#include "op.h"
#include "text.h"

typedef enum fv_kind {
    FV_KIND_INPUT,    /* given by the user for every batch */
    FV_KIND_WEIGHT,   /* parameter */
    FV_KIND_STATE,    /* running statistic */
    FV_KIND_CONSTANT, /* part of the net */
    FV_KIND_RESULT    /* output of an application */
} fv_kind;

typedef struct fv_value_info {
    fv_kind kind;
    fv_type type;     /* symbolic batch and open sizes */
    const char *name; /* unique */
    bool target;      /* INPUT: only losses read it */
    bool of_target;   /* a target, or computed from one: no prediction */
    bool loss;        /* was added to net->losses */
    int node, index;  /* RESULT: which output of which application. WEIGHT, STATE: which made it, and parameter index */
    fv_parameter parameter; /* WEIGHT, STATE */
    const void *constant;   /* CONSTANT */
} fv_value_info;

typedef struct fv_node {
    const fv_op *op;
    const char *name; /* path: "shrink2.cbr1.conv1" */
    void *fields;     /* resolved: every default filled in */
    int inputs, parameters, outputs;
    int *value_in; /* inputs, then parameters (-1: absent) */
    int *value_out;
    int sugar_of; /* -1, or the node whose field (activation, regularizer) made this one */
    int line;     /* in the text it came from, 0 if none */
} fv_node;

typedef struct fv_net_output {
    int value;
    const char *name;
} fv_net_output;
typedef struct fv_net_loss {
    int value;
    double weight;
} fv_net_loss;

/* One line `preprocess`, `augment` or `train` of the text: key=value pairs, kept as they stand. */
typedef struct fv_net_setting {
    const char *section, *key, *value;
} fv_net_setting;

struct fv_net {
    int references;
    fv_arena *arena; /* names, fields and small arrays live here */
    fv_node *nodes;
    int node_count, node_capacity;
    fv_value_info *values;
    int value_count, value_capacity;
    fv_net_output *outputs;
    int output_count, output_capacity;
    fv_net_loss *losses;
    int loss_count, loss_capacity;
    fv_net_setting *settings;
    int setting_count, setting_capacity;
    fv_op **custom;
    int custom_count, custom_capacity;
    const char *comment; /* the leading comment lines of its text, or NULL */
    fv_error error;      /* the first one of any builder */
    /* Naming: the open scopes ("stage1.block2.") and how often each name was used in each. */
    struct fv_scope *scope;
};

fv_net *fv_net_keep(fv_net *net); /* one more reference; fv_net_free drops one */

/* The operator of that name, the net's own ones included. */
const fv_op *fv_net_find_op(const fv_net *net, const char *name);
/* The nearest name of such an operator, or NULL when nothing is near. */
const char *fv_net_nearest_op(const fv_net *net, const char *name);

/* fv_enter with a name of the user's own instead of the ordinal of `word`: "left." */
void fv_net_enter_named(fv_net *net, const char *word, const char *name);

/* A field value as text, before it is resolved against the operator's list. key NULL: positional. */
typedef struct fv_argument {
    const char *key, *value;
    int line, column;
} fv_argument;

/* Applies an operator: resolves the arguments, infers shapes, creates the missing parameters, carries out activation
 * and regularizer fields. Returns the first output (after the activation). `name` NULL: by ordinal. Used by fv_apply,
 * by the generated builders and by the language. */
fv_value fv_net_apply(fv_net *net, const fv_op *op, const char *name, const fv_value *inputs, int count,
                      const fv_argument *arguments, int argument_count, fv_error *error);
/* The same from a generated options struct: its size, the inputs, the name, then the fields as FV_DEFINE_FIELDS lays
 * them out, 0 standing for the default and FV_ZERO for 0. What lies behind the struct's own size is taken as 0. */
fv_value fv_net_apply_options(const fv_op *op, const void *options);

/* Fields from text into a fields struct with all defaults filled in (op->fields_size bytes, strings in the arena). */
fv_status fv_fields_from_arguments(const fv_op *op, const fv_argument *arguments, int count, fv_arena *arena,
                                   void *fields, fv_error *error);
/* "64 3x3 stride=2": the fields that differ from their defaults, as the language writes them. */
void fv_fields_to_text(const fv_op *op, const void *fields, fv_text *text);

/* The value that prediction ends in (output 0), and its logits: the input of a final softmax or sigmoid, else itself.
 */
int fv_net_output_value(const fv_net *net);
int fv_net_logits_value(const fv_net *net);
/* Is the value a loss: the result of a loss operator, or one of net->losses (penalties, too)? */
bool fv_net_is_loss(const fv_net *net, int value);
/* A target input of that type ("class"), made when the net has none. */
int fv_net_target(fv_net *net, const char *name, const fv_type *type);

/* Shapes of every value with the batch symbolic and the first data input's sample shape fixed (NULL: as declared).
 * Writes value_count types. */
fv_status fv_net_infer(const fv_net *net, const fv_shape *input, fv_type *types, fv_error *error);

/* What the operator of node n says of its cost; `types` as fv_net_infer wrote them. Multiply-adds are 0 while sizes are open. */
fv_status fv_net_cost(const fv_net *net, const fv_type *types, int n, fv_cost *cost, fv_error *error);
/* Losses and what feeds on targets serve training alone: summaries and drawings leave them out. */
bool fv_net_for_training(const fv_net *net, int n);

const char *fv_net_find_setting(const fv_net *net, const char *section, const char *key); /* NULL if not set */

#endif
