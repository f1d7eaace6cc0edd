/* import_state.h - what the files of the driver share. Rules see import.h alone. */
#ifndef FV_ONNX_IMPORT_STATE_H
#define FV_ONNX_IMPORT_STATE_H

#include "import.h"
#include "model.h"

/* Batches at which known numbers that depend on the batch are worked out: linear in it, or they mix samples. Divisible by what
 * shape arithmetic divides by. */
enum { FV_PROBES = 3 };
extern const int64_t fv_probe_batch[FV_PROBES];

typedef struct fv_named_value {
    const char *name;
    fv_imported *what;
} fv_named_value;

/* A value of the net (a weight, or an input of a net that folds) that gets its elements from a known tensor. */
typedef struct fv_import_fill {
    int value;
    int next; /* 1 + the one before it that is filled from the same tensor; 0: none */
    fv_import_weight from;
} fv_import_fill;

struct fv_import {
    const fv_onnx_file *file;
    fv_net *net;
    fv_arena *arena;
    fv_error *error;
    bool batched;     /* axis 0 of the data is the batch */
    bool folding;     /* known operands are inputs of the net */
    bool exact;       /* computed once, as it says */
    bool mixes;       /* failed because samples were mixed */
    bool spatial;     /* pictures come with channels last */
    int64_t declared; /* the batch that the file's first input names; 0: symbolic */
    const fv_onnx_given *given;
    int given_count;
    fv_named_value *table; /* open addressing */
    size_t slots, used;
    fv_import_fill *fills;
    int fill_count, fill_capacity;
    int *fill_of; /* by value: 1 + its fill; 0: none */
    int fill_of_count;
    int *input_value;             /* net value of each graph input, -1 while none */
    const fv_onnx_node **instead; /* by node: what is imported in its place and that of its group; NULL: itself */
    bool *passed_over;            /* by node: belongs to such a group */
};

/* What a rule is, in the list. */
typedef enum fv_rule_kind { FV_RULE_PLAIN, FV_RULE_SAMPLES, FV_RULE_SPATIAL } fv_rule_kind;
/* The kind of the operator's rule; false if there is none. */
bool fv_onnx_rule_kind(const char *domain, const char *op, fv_rule_kind *kind);

/* Fills `instead` and `passed_over` (import_patterns.c). */
fv_status fv_import_find_patterns(fv_import *im);

/* Folds the node, all of whose operands are known (import_fold.c). */
fv_status fv_import_fold(fv_import *im, const fv_onnx_node *node);
/* Runs the net as it stands for the given inputs and reads a value: data that shapes depend on. */
fv_status fv_import_evaluate(fv_import *im, const fv_onnx_node *node, fv_imported *x);

/* A flattened picture becomes what ONNX says it is; everything else stays. */
fv_status fv_import_settle(fv_import *im, const fv_onnx_node *node, fv_imported *x);

/* Writes the given inputs where a run of the net as it stands reads them. */
fv_status fv_import_feed(fv_import *im, fv_run *run);

/* The slot of that name; NULL if nothing is called so. */
fv_imported *fv_import_lookup(const fv_import *im, const char *name);
/* A new one; a second of a name is an error. */
fv_status fv_import_define(fv_import *im, const fv_onnx_node *node, const char *name, const fv_imported *what);
fv_status fv_import_add_fill(fv_import *im, int value, const fv_import_weight *from);
/* The tensor's elements of its dtype, read when first asked for; `probe` 0 for those that do not depend on the batch. */
fv_status fv_known_data(fv_import *im, fv_known *known, int probe, const void **out);
/* Copies as the weight says into `out` of dtype known->dtype (f32 for weights). */
fv_status fv_fill_copy(fv_import *im, const fv_import_weight *from, int probe, void *out);
/* The net's input for a graph input that is used for the first time. */
fv_status fv_import_make_input(fv_import *im, const fv_onnx_node *node, fv_imported *x);
/* A name that the net accepts and that nothing has; NULL when memory is short. */
const char *fv_import_free_name(fv_import *im, const char *name, const char *otherwise);
/* A model around the net with all weights filled. */
fv_model *fv_import_model(fv_import *im);

bool fv_import_start(fv_import *im, fv_error *error);
void fv_import_end(fv_import *im);

#endif
