/* emit.h - a plan under construction: what operators see of it (fv_emit in op.h) and what the rest of the planner
 * shares. */
#ifndef FV_EMIT_H
#define FV_EMIT_H

#include "plan.h"

struct fv_emit {
    fv_plan *plan;
    const fv_plan_options *options;
    fv_error *error;
    fv_status status; /* of the first thing that went wrong */
    int node;         /* whose operator is speaking, -1: the planner */
    bool backward;
    const bool *wants;  /* by value: its gradient is wanted */
    fv_operand *saved;  /* FV_MAX_SAVED for each node */
    fv_operand *d_port; /* in backward: this application's contribution to the gradient of each thing it reads */
};

/* ---- plans (calls.c) -------------------------------------------------------------------------------------------- */

/* Bytes of one element: reals are as wide as the table's. */
size_t fv_plan_element(const fv_plan *plan, fv_dtype dtype);
/* Bytes of a value of this type at the planned batch; false if they do not fit in a size_t. */
bool fv_plan_type_bytes(const fv_plan *plan, const fv_type *type, size_t *bytes);
/* A new operand; `info` says home, type and the rest, bytes are worked out here. FV_NO_OPERAND and e->status on
 * failure. */
fv_operand fv_plan_operand(fv_emit *e, const fv_operand_info *info);
/* The same bytes under another type (a view; the operand itself when the type is the same). */
fv_operand fv_plan_view(fv_emit *e, fv_operand of, const fv_type *type);
/* The operand whose memory this one is in. */
fv_operand fv_operand_root(const fv_plan *plan, fv_operand operand);
/* Bytes from the beginning of that memory to the operand's. */
size_t fv_operand_offset(const fv_plan *plan, fv_operand operand);
/* How many leading arguments a call writes. */
int fv_call_results(const fv_planned_call *call);
/* Does argument `arg` get read (results of COPY with accumulate, states and the like are both)? */
bool fv_call_reads(const fv_planned_call *call, int arg);
/* Is it y = a + b of so many elements, one behind the other in all three? */
bool fv_call_dense_sum(const fv_planned_call *call, int64_t elements);
/* Removes the calls whose routine is FV_R_COUNT and counts the forward ones anew. */
void fv_plan_compact(fv_plan *plan);

/* How often the memory of each root operand is written and read, and by which call last. */
typedef struct fv_use {
    int writes, reads;
    int writer, reader; /* index of the last one, -1: none */
} fv_use;
fv_use *fv_plan_uses(const fv_plan *plan); /* operand_count entries; free with fv_free; NULL when memory is short */

/* ---- slices (strides.c) ----------------------------------------------------------------------------------------- */

/* Tells the geometry of a call that the pixels of argument `arg` (`count` a sample, of `channels` elements) are `to`
 * elements apart, not `from`; false, and perhaps a spoilt geometry, if the routine cannot have it so. */
bool fv_call_apart(fv_geom *geom, fv_routine routine, int arg, int64_t channels, int64_t count, int64_t from,
                   int64_t to);
/* Does one field of the geometry say it for both arguments? */
bool fv_call_same_apart(const fv_planned_call *call, int arg, int other);

/* Is strides[] that of a dense row-major array of the walk's dimensions? */
bool fv_walk_dense(const fv_walk *walk, const int64_t *strides);

/* "3.1 GiB"; returns out. */
const char *fv_bytes_text(size_t bytes, char out[32]);

/* ---- differentiation (differentiate.c) -------------------------------------------------------------------------- */

/* Which values' gradients are wanted: real ones on a path from what is differentiated by to a target.
 * wants[value_count]. */
fv_status fv_mark_gradients(const fv_plan *plan, const fv_plan_options *options, const bool *needed, bool *wants,
                            fv_error *error);
/* Emits the backward calls. */
fv_status fv_emit_backward(fv_emit *e, const bool *needed);

/* ---- passes: each leaves the numbers as they are (folding: up to rounding) -------------------------------------- */

/* Calls whose results nobody reads. */
fv_status fv_pass_prune(fv_plan *plan, fv_error *error);
/* Inference: batch normalisation by constants goes into the weights of the convolution before it. */
fv_status fv_pass_fold_batchnorm(fv_emit *e);
/* Activation and residual add into the producer's epilogue. */
fv_status fv_pass_fuse(fv_plan *plan, fv_error *error);
/* Parts of wider values are written and read there: the copies of concat. */
fv_status fv_pass_slice(fv_plan *plan, fv_error *error);
/* The gradient of a ReLU is taken by the calls before or behind it; max pooling adds another gradient to its own. */
fv_status fv_pass_fuse_back(fv_plan *plan, fv_error *error);
/* Inference: calls that depend on weights alone move to the front, to be run when the weights have changed. */
fv_status fv_pass_hoist(fv_plan *plan, fv_error *error);

/* ---- layout (layout.c) ------------------------------------------------------------------------------------------ */

/* Gives every operand in the arena its offset, every call its packed weights, and the plan its sizes. */
fv_status fv_plan_lay_out(fv_plan *plan, fv_error *error);

#endif
