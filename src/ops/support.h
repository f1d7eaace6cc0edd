/* support.h - what many operators share: shapes of samples, elementwise calls, walks over broadcast values, losses. */
#ifndef FV_OPS_SUPPORT_H
#define FV_OPS_SUPPORT_H

#include "memory.h"
#include "op.h"

/* ---- shapes -------------------------------------------------------------------------------------------------------
 */

/* Rank and sizes of one sample: without the batch dimension where there is one. */
static inline int fv_sample_rank(const fv_type *t) { return t->shape.rank - fv_type_batched(t); }
static inline const int64_t *fv_sample_dims(const fv_type *t) { return t->shape.dim + fv_type_batched(t); }

/* A type with a batch dimension in front if `batched`. */
fv_type fv_type_make(fv_dtype dtype, bool batched, int rank, const int64_t *dims);

/* a*b, or INT64_MAX where that does not fit: for costs of absurd sizes. */
int64_t fv_mul_saturated(int64_t a, int64_t b);

/* Product of dims[0..rank-1]: false if it does not fit; FV_OPEN if one of them is open. */
bool fv_dims_product(const int64_t *dims, int rank, int64_t *product);

/* "3x4" of `count` numbers, open ones as "?". Returns out. */
const char *fv_dims_text(const int64_t *dims, int count, char *out, size_t size);

/* Fails unless input i is f32. */
fv_status fv_infer_real(fv_infer *infer, int i);
/* Fails unless the last dimension of input i is there and known; it is written to *size. */
fv_status fv_infer_last(fv_infer *infer, int i, int64_t *size);
/* Fails unless all of input i but the batch is known, so that a weight or a table can have its shape. */
fv_status fv_infer_known(fv_infer *infer, int i);

/* ---- elementwise operators -----------------------------------------------------------------------------------------
 */

/* Output 0 like input 0, which must be f32. */
fv_status fv_infer_like_input(fv_infer *infer);
/* y = act(x) and dx: the whole of an activation's forward and backward. */
void fv_emit_activation(fv_emit *e, fv_epilogue act);
void fv_emit_activation_back(fv_emit *e, fv_epilogue act);
/* to = a*from + b, both of this type. */
void fv_emit_scale(fv_emit *e, const fv_type *type, fv_operand to, fv_operand from, double a, double b);
/* Every element becomes `value`. */
void fv_emit_fill(fv_emit *e, const fv_type *type, fv_operand to, double value);

/* ---- broadcasting: aligned at the last axis, the batch in front of all ------------------------------------------ */

/* The shape that values of these types have together; fails in the operator's name. All must be f32. */
fv_status fv_infer_broadcast(fv_infer *infer, fv_type *out);
/* The same for inputs of any type; the result's is left as f32. */
fv_status fv_infer_broadcast_shape(fv_infer *infer, fv_type *out);
/* Strides that walk a value of type `t` along a result of type `out` (0 where it is repeated), for fv_walk.
 * The walk's dimensions are those of `out`. */
void fv_walk_strides(const fv_type *out, const fv_type *t, int64_t strides[FV_MAX_RANK]);
/* The walk's dimensions: those of a type, the planned samples in place of the batch. */
fv_walk fv_walk_over(const fv_geom *geom, const fv_type *t);
/* y = kind(a, b) with y of type ty, all of one type: reals or whole numbers. */
void fv_emit_binary(fv_emit *e, fv_binary kind, const fv_type *ty, fv_operand y, const fv_type *ta, fv_operand a,
                    const fv_type *tb, fv_operand b);
/* y = a * d, where d is one number a sample: the gradient of a loss. */
void fv_emit_times_sample(fv_emit *e, const fv_type *type, fv_operand y, fv_operand a, fv_operand d);
/* to (of type tt) = sum of `from` (of type tf) over what broadcasting repeated. */
void fv_emit_unbroadcast(fv_emit *e, const fv_type *tt, fv_operand to, const fv_type *tf, fv_operand from);

/* ---- losses over classes ---------------------------------------------------------------------------------------- */

/* Output: one number a sample. The prediction has its classes along the last dimension; the target is class numbers
 * (i32), one for each row of the prediction, or, if `distributions`, probabilities (f32) of the prediction's shape. */
fv_status fv_infer_class_loss(fv_infer *infer, bool distributions);

/* ---- losses over pairs of elements ------------------------------------------------------------------------------ */

/* Output: one number a sample. Prediction and target must have the same shape, both f32. */
fv_status fv_infer_pair_loss(fv_infer *infer);
void fv_emit_pair_loss(fv_emit *e, fv_pairloss kind);
/* d prediction; and d target for the kinds that are symmetric in the two (squared, absolute, hinge). */
void fv_emit_pair_loss_back(fv_emit *e, fv_pairloss kind);

/* ---- fields that several operators list ------------------------------------------------------------------------- */

#define FV_MANY 1e9 /* the most that a count or size field accepts */

#define FV_WEIGHT_FIELDS(F, op)                                                                                        \
    F(op, BOOL, bias, .standard = 1, .help = "add a trainable number to every output channel")                         \
    F(op, TEXT, kernel_initializer, .standard_text = "glorot_uniform", .help = "how the weight starts")                \
    F(op, TEXT, bias_initializer, .standard_text = "zeros", .help = "how the bias starts")                             \
    F(op, TEXT, kernel_regularizer, .help = "penalty on the weight: l1(0.01), l2(0.01), l1_l2(0.01, 0.01)")            \
    F(op, TEXT, bias_regularizer, .help = "penalty on the bias")                                                       \
    F(op, TEXT, activity_regularizer, .help = "penalty on the result, a mean over the samples")                        \
    F(op, TEXT, kernel_constraint, .help = "kept after every step: max_norm(2), non_negative, unit_norm")              \
    F(op, TEXT, bias_constraint, .help = "kept after every step by the bias")                                          \
    FV_ACTIVATION_FIELD(F, op)

/* Parameters 0 (weight) and 1 (bias) from the fields above. */
#define FV_INFER_WEIGHT(infer, f, weight_shape, weight_axes, outputs)                                                  \
    do {                                                                                                               \
        (infer)->parameter[0] = (fv_parameter){.shape = (weight_shape),                                                \
                                               .initializer = (f)->kernel_initializer,                                 \
                                               .constraint = (f)->kernel_constraint,                                   \
                                               .regularizer = (f)->kernel_regularizer,                                 \
                                               .axes = (weight_axes)};                                                 \
        (infer)->parameter[1] = (fv_parameter){.absent = !(f)->bias,                                                   \
                                               .shape = {1, {(outputs)}},                                              \
                                               .initializer = (f)->bias_initializer,                                   \
                                               .constraint = (f)->bias_constraint,                                     \
                                               .regularizer = (f)->bias_regularizer,                                   \
                                               .axes = "o"};                                                           \
    } while (0)

#endif
