/* registry.c - the operators by name, and the choices that several of them share. */
#include "op.h"
#include "support.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FV_OP(name) extern const fv_op fv_op_##name;
#include "ops.def"
#undef FV_OP

#define FV_OP(name) &fv_op_##name,
const fv_op *const fv_ops[] = {
#include "ops.def"
    NULL};
#undef FV_OP

const fv_choices fv_activation_choices = {"fv_activation",
                                          "FV_",
                                          {"none", "relu", "leaky_relu", "sigmoid", "tanh", "scaled_tanh", "elu",
                                           "gelu", "softplus", "swish", "softmax", "relu6", "hard_sigmoid",
                                           "hard_swish", "mish", "selu", "celu", "softsign", "thresholded_relu",
                                           "shrink", "clip"}};

/* As padding, word i is the number -i; "valid" is therefore padding 0. */
const fv_choices fv_padding_choices = {"fv_padding", "FV_", {"valid", "same", "full", "same_lower"}};

int fv_ops_count(void) { return (int)(sizeof fv_ops / sizeof fv_ops[0]) - 1; }

const fv_op *fv_find_op(const char *name) {
    for (int i = 0; name && fv_ops[i]; i++)
        if (!strcmp(fv_ops[i]->name, name)) return fv_ops[i];
    return NULL;
}

const fv_field *fv_find_field(const fv_op *op, const char *name) {
    for (int i = 0; i < op->field_count; i++)
        if (!strcmp(op->fields[i].name, name)) return &op->fields[i];
    return NULL;
}

int fv_op_count(void) { return fv_ops_count(); }

const char *fv_op_name(int index) { return index >= 0 && index < fv_ops_count() ? fv_ops[index]->name : NULL; }

const char *fv_op_summary(const char *name) {
    const fv_op *op = fv_find_op(name);
    return op ? op->summary : NULL;
}

const char *fv_op_nearest(const char *name) {
    const char *names[sizeof fv_ops / sizeof fv_ops[0]];
    if (!name) return NULL;
    for (int i = 0; i < fv_ops_count(); i++) names[i] = fv_ops[i]->name;
    return fv_nearest(name, names, sizeof names[0], fv_ops_count());
}

int64_t fv_type_each(const fv_type *type) {
    int64_t each = 1;
    for (int d = 0; d < type->shape.rank; d++)
        if (type->shape.dim[d] >= 0) each = fv_mul_saturated(each, type->shape.dim[d]);
    return each;
}

fv_status fv_infer_fail(fv_infer *infer, const char *format, ...) {
    char message[400];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    if (!infer->layer) return fv_fail(infer->error, FV_E_SHAPE, "%s: %s", infer->op->name, message);
    return fv_fail(infer->error, FV_E_SHAPE, "%s (%s): %s", infer->layer, infer->op->name, message);
}
