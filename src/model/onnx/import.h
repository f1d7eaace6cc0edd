/* import.h - from the operators of an .onnx file to those of a net: the contract between the driver and the rules.
 *
 * A rule is one function for one ONNX operator, found in rules.def:
 *
 *     RULE(Relu, fv_rule_relu)
 *
 *     fv_status fv_rule_relu(fv_import *im, const fv_onnx_node *node) {
 *         fv_imported x;
 *         fv_value y;
 *         fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
 *         if (!status) status = fv_import_apply(im, node, &y, "relu", &x.value, 1, "");
 *         return status ? status : fv_import_bind(im, node, 0, y, x.last);
 *     }
 *
 * How to write one.
 *
 * Operands. fv_import_operand says what operand i is without making anything; fv_import_value makes it a value of the net;
 * fv_import_tensor, fv_import_ints and fv_import_dims read one that is known at import (an initializer, a Constant, something
 * folded, or a graph input for which a value was given). `fv_import_has` tells whether an optional one is there. The driver has
 * checked that operand 0 is there where the operator has any.
 *
 * Order. `x.shape` is always the shape that ONNX speaks of, and attributes (axes, permutations) count its axes. `x.last` says
 * that the value lies in memory with its channels last: axis 1 stands behind all others; only values of rank 3 and more do.
 * Ask for FV_ORDER_LAST in front of convolution, pooling and their kind; for FV_ORDER_ONNX where the logical order is needed
 * (reshape); for FV_ORDER_ANY where it does not matter (elementwise), and bind the result with the same tag. An operator with
 * axes can often take any order: fv_import_axis_in says where logical axis a lies in memory. Several operands that are
 * broadcast against each other: fv_import_together. Transposes appear where an order is asked for that a value lacks, and only
 * there.
 *
 * The batch. shape.dim[0] is FV_BATCH for a value with samples; such a value has a batch in the net, too (the type of
 * x.value says so: fv_import_type). Other values are whole. An operator that would mix samples (reduce over axis 0,
 * transpose axis 0 away) ends in fv_import_mixes: the driver then imports anew without any batch, every value whole, axis 0 an axis
 * like the others, if the sizes are known. `im->batched` is false in that attempt. Axes in the fields of operators count over the
 * whole shape of the value in memory, the batch included as axis 0.
 *
 * Numbers that depend on the batch (what Shape and its arithmetic give) are known values, too: fv_import_dims gives
 * times * batch + plus for each; fv_import_ints refuses them as mixing samples.
 *
 * Constants. A node all of whose operands are known is folded by the driver: its rule is run on a net of its own, in which they are
 * inputs, so rules do nothing for it. A rule may also bind a known result itself (Shape): fv_import_bind_known.
 *
 * Weights of an operator (the kernel of conv) that are known go into the model's weights straight from the file:
 * fv_import_apply_weights with how each lies there. Other constants become values of the net in fv_import_value.
 *
 * Refusing. Everything that a rule does not do it refuses: fv_import_refuse (valid, not done here), fv_import_wrong (the file is
 * wrong). Attributes that a rule does not look at must not be able to change the result. `node->version` is the opset.
 * Never a wrong result. */
#ifndef FV_ONNX_IMPORT_H
#define FV_ONNX_IMPORT_H

#include "net.h"
#include "onnx_file.h"

typedef struct fv_import fv_import;
typedef fv_status (*fv_onnx_rule)(fv_import *im, const fv_onnx_node *node);

/* A tensor that is known at import. */
typedef struct fv_known {
    const char *name;
    fv_dtype dtype;
    fv_shape shape;
    const fv_onnx_tensor *file; /* where it lies in the file, or NULL */
    const void *data;           /* or its elements of `dtype`; NULL until somebody reads them */
    /* Depends on the batch: its elements at the further probes (import_state.h); NULL: it does not. */
    const void *at[2];
    bool initializer; /* one of the file's own weights */
    int last_fill;    /* 1 + the last weight of the net that is filled from it; 0: none */
} fv_known;

/* What an operand of a node is. */
typedef struct fv_imported {
    fv_dtype dtype;
    fv_shape shape;  /* as ONNX says; dim[0] may be FV_BATCH; sizes may be FV_OPEN */
    fv_known *known; /* NULL: it is computed when the net runs */
    fv_value value;  /* id -1 until somebody asks for it */
    bool last;       /* the value's channels lie last */
    /* A flattened picture whose elements still lie as `picture` with its channels last (`value` is that picture): only
     * fv_import_any gives such a thing. */
    bool flat;
    fv_shape picture;
    int input; /* 1 + the index of the graph input that it is; 0: none */
} fv_imported;

typedef enum fv_order { FV_ORDER_ANY, FV_ORDER_ONNX, FV_ORDER_LAST } fv_order;

/* ---- operands --------------------------------------------------------------------------------------------------- */

/* Is operand i given (not left out)? */
bool fv_import_has(const fv_onnx_node *node, int i);
fv_status fv_import_operand(fv_import *im, const fv_onnx_node *node, int i, fv_imported *out);
/* As a value of the net in that order. FV_ORDER_LAST wants rank 3 or more. */
fv_status fv_import_value(fv_import *im, const fv_onnx_node *node, int i, fv_order order, fv_imported *out);
/* For functions of one value, cell by cell: whatever form it has, flattened or turned; bind the result with fv_import_bind_like. */
fv_status fv_import_any(fv_import *im, const fv_onnx_node *node, int i, fv_imported *out);
/* Operands first .. first+count-1 as values that broadcast against each other as ONNX means it, all in one order and of one
 * rank (constants may have a lower one): *last says which order that is. */
fv_status fv_import_together(fv_import *im, const fv_onnx_node *node, int first, int count, fv_imported *out,
                             bool *last);
/* A known operand with its elements; `what` names it in the message when it is not known. Refuses one that depends on the batch. */
fv_status fv_import_tensor(fv_import *im, const fv_onnx_node *node, int i, const char *what, fv_tensor *out);
/* A known operand of whole numbers (any integer type), at most `room`; a scalar is one. */
fv_status fv_import_ints(fv_import *im, const fv_onnx_node *node, int i, const char *what, int64_t *out, int room,
                         int *count);
/* The same where they may depend on the batch: each is times * batch + plus. */
typedef struct fv_import_dim {
    int64_t times, plus;
} fv_import_dim;
fv_status fv_import_dims(fv_import *im, const fv_onnx_node *node, int i, const char *what, fv_import_dim *out, int room,
                         int *count);
/* A known operand as it is, for weights. */
fv_status fv_import_known(fv_import *im, const fv_onnx_node *node, int i, const char *what, fv_known **out);
/* A known scalar (or one element) as a number. */
fv_status fv_import_number(fv_import *im, const fv_onnx_node *node, int i, const char *what, double *out);

/* ---- order and axes --------------------------------------------------------------------------------------------- */

/* `axis` of a shape of this rank, from the end where negative; what is outside is an error. */
fv_status fv_import_axis(fv_import *im, const fv_onnx_node *node, int64_t axis, int rank, int *out);
/* Where axis `axis` of the logical shape lies in the value's memory. */
int fv_import_axis_in(const fv_imported *x, int axis);
/* The value in another order (a transpose where it lacks it). */
fv_status fv_import_reorder(fv_import *im, const fv_onnx_node *node, fv_imported *x, fv_order order);
/* dtype and shape of a value as it lies in memory. */
fv_type fv_import_type(fv_value value);
/* "1,2,3" for a LIST field. */
const char *fv_import_list(const int64_t *numbers, int count, char *out, size_t size);

/* ---- making ----------------------------------------------------------------------------------------------------- */

/* An operator of the net by name, its fields as in the .net language by a format. */
fv_status fv_import_apply(fv_import *im, const fv_onnx_node *node, fv_value *out, const char *op,
                          const fv_value *inputs, int count, const char *format, ...) FV_PRINTF(7, 8);
/* How a known tensor becomes a weight: the weight's elements in their order are those of a walk over `dim` with `stride` elements
 * of the tensor from one to the next. `scale` 0 counts as 1. known NULL: as the initializer draws it. */
typedef struct fv_import_weight {
    fv_known *known;
    int rank;
    int64_t dim[FV_MAX_RANK], stride[FV_MAX_RANK];
    double scale;
} fv_import_weight;
/* The same with parameters 0 .. weight_count-1 of the operator (those that are there) filled like that. */
fv_status fv_import_apply_weights(fv_import *im, const fv_onnx_node *node, fv_value *out, const char *op,
                                  const fv_value *inputs, int count, const fv_import_weight *weights, int weight_count,
                                  const char *format, ...) FV_PRINTF(9, 10);
/* A known tensor as it is, or with its axes in another order (weight axis d is tensor axis perm[d]). */
fv_import_weight fv_import_plain(fv_known *known);
fv_import_weight fv_import_permuted(fv_known *known, const int *perm);
/* A further value of the net for a known tensor, its axes (NULL: as they are) in another order. */
fv_status fv_import_constant(fv_import *im, const fv_onnx_node *node, fv_known *known, const int *perm, fv_value *out);
/* A known tensor that the rule made (elements copied) and a value for it, for operands that ONNX does not have. */
fv_known *fv_import_new_known(fv_import *im, fv_dtype dtype, const fv_shape *shape, const void *data);

/* Does a later node read result k, or is it one of the graph's? Many files name results that nobody needs. */
bool fv_import_is_read(const fv_import *im, const fv_onnx_node *node, int k);
/* Result k of the node is this value; `last`: its channels lie last. Results that nobody names are passed over. */
fv_status fv_import_bind(fv_import *im, const fv_onnx_node *node, int k, fv_value value, bool last);
/* The same with the shape and form of x, whose cells it has. */
fv_status fv_import_bind_like(fv_import *im, const fv_onnx_node *node, int k, fv_value value, const fv_imported *x);
/* Result k is x with all but axis 0 flattened (x with its channels last stays as it lies until somebody asks for the order). */
fv_status fv_import_bind_flat(fv_import *im, const fv_onnx_node *node, int k, const fv_imported *x);
/* It is known; the elements are copied. */
fv_status fv_import_bind_known(fv_import *im, const fv_onnx_node *node, int k, fv_dtype dtype, const fv_shape *shape,
                               const void *data);
/* Whole numbers (i64) of that shape that may depend on the batch. */
fv_status fv_import_bind_dims(fv_import *im, const fv_onnx_node *node, int k, const fv_shape *shape,
                              const fv_import_dim *dims);
/* It is whatever operand i is. */
fv_status fv_import_bind_same(fv_import *im, const fv_onnx_node *node, int k, int i);

/* ---- memory, refusing ------------------------------------------------------------------------------------------- */

/* Zeroed memory that lives as long as the import; NULL when memory is short. */
void *fv_import_memory(fv_import *im, size_t bytes);
/* Is axis 0 of the data taken for the batch? And the size that the file (or a given value) has there: a constant size of that
 * number in front means the batch, too; 0 where it is symbolic. */
bool fv_import_batched(const fv_import *im);
/* Is the graph computed once, exactly as it says, rather than made a model that can be trained? */
bool fv_import_exact(const fv_import *im);
int64_t fv_import_declared(const fv_import *im);
FV_PRINTF(3, 4) fv_status fv_import_refuse(fv_import *im, const fv_onnx_node *node, const char *format, ...);
FV_PRINTF(3, 4) fv_status fv_import_wrong(fv_import *im, const fv_onnx_node *node, const char *format, ...);
/* "... mixes samples: ..." */
FV_PRINTF(3, 4) fv_status fv_import_mixes(fv_import *im, const fv_onnx_node *node, const char *format, ...);

/* ---- the list of rules ------------------------------------------------------------------------------------------ */

/* RULE: any operator. RULE_SAMPLES: one that works on samples: axis 0 of a graph that has it is taken for the batch (if that
 * fails, the other reading is tried). RULE_SPATIAL: the same, and pictures are wanted with their channels last: the graph's
 * inputs come so. RULE_IN: an operator of another domain than ai.onnx. */
#define RULE(op, function) fv_status function(fv_import *im, const fv_onnx_node *node);
#define RULE_SAMPLES(op, function) RULE(op, function)
#define RULE_SPATIAL(op, function) RULE(op, function)
#define RULE_IN(domain, op, function) RULE(op, function)
#include "rules.def"
#undef RULE
#undef RULE_SAMPLES
#undef RULE_SPATIAL
#undef RULE_IN
/* NULL if there is none. */
fv_onnx_rule fv_onnx_find_rule(const char *domain, const char *op);

#endif
