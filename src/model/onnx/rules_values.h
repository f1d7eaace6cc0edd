/* rules_values.h - what the rules of operators on values share: small steps on values that are already there. */
#ifndef FV_ONNX_RULES_VALUES_H
#define FV_ONNX_RULES_VALUES_H

#include "import.h"

/* A scalar of that type as a value: it is broadcast against anything. */
fv_status fv_rule_scalar(fv_import *im, const fv_onnx_node *node, fv_dtype dtype, double number, fv_value *out);
/* 0, 1, ... count-1 (of an integer type) along an axis of a value of this rank in memory, as a value that is broadcast. */
fv_status fv_rule_count_up(fv_import *im, const fv_onnx_node *node, fv_dtype dtype, int64_t count, int rank, int axis,
                           fv_value *out);
/* *y = op(*y, other) */
fv_status fv_rule_join(fv_import *im, const fv_onnx_node *node, fv_value *y, const char *op, fv_value other);
/* A function of operand 0, cell by cell: the fields in the text of the operator. */
fv_status fv_rule_function(fv_import *im, const fv_onnx_node *node, const char *op, const char *fields);
/* The word behind `name` in a list of pairs that NULL ends; NULL if it is not there. */
const char *fv_rule_word(const char *const (*pairs)[2], const char *name);

#endif
