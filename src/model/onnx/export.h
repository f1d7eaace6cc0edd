/* export.h - from the operators of a net to those of an .onnx file: the contract between the driver and the rules.
 *
 * A rule is one function for one operator of ours, found in exports.def:
 *
 *     EXPORT(relu, fv_export_relu)
 *
 *     fv_status fv_export_relu(fv_export *ex, const fv_node *node) {
 *         fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_ANY);
 *         fv_export_simple(ex, node, "Relu", &x);
 *         return fv_export_status(ex);
 *     }
 *
 * Order. ONNX's pictures have their channels first (N, C, H, W), ours last. A value lies in the file in either order
 * (fv_exported.first); a rule asks for the one that it needs and a Transpose appears where the value lacks it. What was flattened
 * from channels first is numbered channel by channel: fv_exported.picture then says from which of our shapes, and a dense layer behind
 * it has its weights turned round instead of the value.
 *
 * Errors are kept in `ex`; a rule may go on after one and return fv_export_status. */
#ifndef FV_ONNX_EXPORT_H
#define FV_ONNX_EXPORT_H

#include "model.h"
#include "spatial.h"

typedef struct fv_export fv_export;
typedef fv_status (*fv_export_rule)(fv_export *ex, const fv_node *node);

typedef enum fv_export_order {
    FV_EXPORT_ANY,
    FV_EXPORT_FIRST, /* channels first; of values of rank 2 and less, and of those without a batch, the same as OURS */
    FV_EXPORT_OURS   /* as in our memory */
} fv_export_order;

/* A value as it lies in the file. */
typedef struct fv_exported {
    const char *name; /* NULL: it could not be had */
    fv_type type;     /* ours */
    bool first;
    fv_shape picture; /* of rank 0: nothing was flattened */
} fv_exported;

/* ---- what a rule reads ------------------------------------------------------------------------------------------ */

fv_exported fv_export_in(fv_export *ex, const fv_node *node, int i, fv_export_order order);
/* All inputs in one order and of one rank, so that ONNX repeats sizes of 1 as we do; `into` has room for node->inputs. */
void fv_export_together(fv_export *ex, const fv_node *node, fv_exported *into);
const fv_net *fv_export_net(const fv_export *ex);
const fv_type *fv_export_type(const fv_export *ex, int value);
const fv_type *fv_export_out_type(const fv_export *ex, const fv_node *node);

/* Fields of the node's operator by name. */
const void *fv_export_field(const fv_node *node, const char *name);
static inline int64_t fv_export_whole(const fv_node *node, const char *name) {
    return *(const int64_t *)fv_export_field(node, name);
}
static inline double fv_export_real(const fv_node *node, const char *name) {
    return *(const double *)fv_export_field(node, name);
}
static inline bool fv_export_flag(const fv_node *node, const char *name) {
    return *(const bool *)fv_export_field(node, name);
}
static inline int fv_export_choice(const fv_node *node, const char *name) {
    return *(const int *)fv_export_field(node, name);
}
static inline const char *fv_export_words(const fv_node *node, const char *name) {
    return *(const char *const *)fv_export_field(node, name);
}

/* Parameter k in PyTorch's layout, which is ONNX's, as an initializer; its numbers may be turned round for an input that was
 * flattened. "" where the operator does without, NULL on failure. */
const char *fv_export_weight(fv_export *ex, const fv_node *node, int k, const fv_exported *input);
/* The numbers of parameter k in our layout, or NULL. */
const float *fv_export_numbers(fv_export *ex, const fv_node *node, int k);
/* An initializer with these numbers; it is called like the parameter where one is given, else by a name of its own. */
const char *fv_export_floats(fv_export *ex, const fv_node *node, int k, const fv_shape *shape, const float *numbers);
const char *fv_export_float(fv_export *ex, const fv_node *node, double number);
const char *fv_export_wholes(fv_export *ex, const fv_node *node, const int64_t *numbers, int count);
/* `count` times the same number, in a shape that stands beside channels: [C] or, channels first, [C][1][1]. */
const char *fv_export_channels(fv_export *ex, const fv_node *node, int k, const fv_exported *beside, double otherwise);
void *fv_export_memory(fv_export *ex, size_t bytes);

/* ---- what a rule writes ----------------------------------------------------------------------------------------- */

/* An operator: begin, then inputs, outputs and attributes in any order, then end. */
void fv_export_begin(fv_export *ex, const fv_node *node, const char *op);
void fv_export_input(fv_export *ex, const char *name); /* "" leaves an optional one out */
void fv_export_output(fv_export *ex, const char *name);
void fv_export_ints(fv_export *ex, const char *key, const int64_t *numbers, int count);
void fv_export_int(fv_export *ex, const char *key, int64_t number);
void fv_export_real_attribute(fv_export *ex, const char *key, double number);
void fv_export_text(fv_export *ex, const char *key, const char *text);
void fv_export_end(fv_export *ex);
/* A new name for what lies between two operators of a composition. */
const char *fv_export_between(fv_export *ex, const fv_node *node);
/* An operator without attributes; returns the name of its result, which is `to` or, where that is NULL, a new one. */
const char *fv_export_call(fv_export *ex, const fv_node *node, const char *op, const char *to, const char *a,
                           const char *b, const char *c);

/* Output 0 lies in the file under the name that this returns, in the order and with the picture of `like`. */
const char *fv_export_bind(fv_export *ex, const fv_node *node, const fv_exported *like);
const char *fv_export_bind_order(fv_export *ex, const fv_node *node, bool first);
/* It is the same as input i. */
void fv_export_bind_same(fv_export *ex, const fv_node *node, const fv_exported *x);
/* The result of an operator without attributes on one value, in its order. */
void fv_export_simple(fv_export *ex, const fv_node *node, const char *op, const fv_exported *x);

fv_status fv_export_status(const fv_export *ex);
/* "...: layer conv1 (conv): MESSAGE" */
FV_PRINTF(3, 4) fv_status fv_export_refuse(fv_export *ex, const fv_node *node, const char *format, ...);

/* ---- the list of rules ------------------------------------------------------------------------------------------ */

#define EXPORT(op, function) fv_status function(fv_export *ex, const fv_node *node);
#include "exports.def"
#undef EXPORT

#endif
