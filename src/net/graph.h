/* graph.h - how a net grows: what the files that build it share among themselves. Everyone else uses net.h. */
#ifndef FV_GRAPH_H
#define FV_GRAPH_H

#include "net.h"

/* ---- values and errors ------------------------------------------------------------------------------------------ */

static inline fv_value fv_bad_value(fv_net *net) { return (fv_value){net, -1}; }

/* What stands behind a value; NULL for a bad one. */
fv_value_info *fv_value_info_of(fv_value value);
/* The node whose layer the value belongs to: the application behind it, or that one's owner if it is sugar. -1 if none.
 */
int fv_value_owner(fv_value value);

/* Keeps *reason as the net's error if it is the first, hands it to the caller (`error` may be NULL); returns its
 * status. */
fv_status fv_net_report(fv_net *net, const fv_error *reason, fv_error *error);
/* A value that no builder made, or that is bad: reports it if nothing was reported yet; returns the bad value. */
fv_value fv_net_pass_bad(fv_net *net, const char *where, fv_error *error);

/* Room for `more` further values; what was promised cannot fail later. */
bool fv_net_reserve_values(fv_net *net, int more);
int fv_net_push_value(fv_net *net, const fv_value_info *info); /* after a reservation; returns the id */

/* One more entry of net->losses; the value must be one number a sample. */
fv_status fv_net_push_loss(fv_net *net, int value, double weight, fv_error *error);

/* ---- names.c ---------------------------------------------------------------------------------------------------- */

bool fv_names_open(fv_net *net);
void fv_names_close(fv_net *net);
/* Letters, digits and _, not starting with a digit, in parts joined by points. */
bool fv_names_valid(const char *name);
bool fv_names_used(const fv_net *net, const char *name);
/* Marks a name as used; `name` must live as long as the net. */
fv_status fv_names_take(fv_net *net, const char *name, fv_error *error);
void fv_names_release(fv_net *net, const char *name);
/* The name of the next application of `word` in the open scope ("block1.conv2"), or NULL when memory is short. */
const char *fv_names_next(fv_net *net, const char *word);
/* The full name for one that was given; counts as an application of `word`, too. NULL and *error if it cannot be had.
 */
const char *fv_names_given(fv_net *net, const char *word, const char *name, fv_error *error);

/* ---- fields.c --------------------------------------------------------------------------------------------------- */

/* fv_fields_from_arguments with the layer's name in the messages. */
fv_status fv_fields_read(const fv_op *op, const char *layer, const fv_argument *arguments, int count, fv_arena *arena,
                         void *fields, fv_error *error);
/* The same from the fields of an options struct: `bytes` bytes from `options`, the first field at `offset`. */
fv_status fv_fields_convert(const fv_op *op, const char *layer, const void *options, size_t bytes, size_t offset,
                            fv_arena *arena, void *fields, fv_error *error);
/* "filters=32 kernel=3x3" cut into arguments (in the arena). */
fv_status fv_fields_split(const char *text, fv_arena *arena, fv_argument **arguments, int *count, fv_error *error);

/* ---- apply.c, sugar.c ------------------------------------------------------------------------------------------- */

/* One application in the making. */
typedef struct fv_draft {
    fv_net *net;
    const fv_op *op;
    const char *name; /* full and unused */
    void *fields;     /* resolved, in the net's arena */
    int sugar_of, line;
    const fv_value *values; /* inputs, then given parameters */
    int count, inputs;
    fv_infer infer; /* after fv_draft_finish: what the operator said */
} fv_draft;

/* A fields struct for op in the net's arena, zeroed; NULL when memory is short. */
void *fv_draft_fields(fv_net *net, const fv_op *op);
/* Checks and types the draft and makes it a node; returns its index, or -1 and *error. */
int fv_draft_finish(fv_draft *draft, fv_error *error);

/* Carries out what fields of the finished draft ask for: activation behind it, penalties of regularizers. *value is
 * output 0 and becomes that of the activation. */
fv_status fv_sugar(const fv_draft *draft, int node, fv_value *value, fv_error *error);

/* ---- infer.c ---------------------------------------------------------------------------------------------------- */

/* Asks the operator for types and checks its answer. `infer` has op, fields, layer, inputs, in and error filled in. */
fv_status fv_infer_ask(fv_infer *infer);
/* INPUT ports of an operator; the other ports. */
int fv_op_inputs(const fv_op *op);
int fv_op_parameters(const fv_op *op);

#endif
