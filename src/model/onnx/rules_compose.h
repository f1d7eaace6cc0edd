/* rules_compose.h - small steps for rules that compose an operator of ours. */
#ifndef FV_ONNX_RULES_COMPOSE_H
#define FV_ONNX_RULES_COMPOSE_H

#include "import.h"

/* A net that grows step by step: after a step that failed the others do nothing and hand the bad value on. */
typedef struct fv_steps {
    fv_import *im;
    const fv_onnx_node *node;
    fv_status status;
} fv_steps;

/* op(a) or, where b is a value, op(a, b). */
FV_PRINTF(5, 6) fv_value fv_step(fv_steps *s, const char *op, fv_value a, fv_value b, const char *format, ...);
#define FV_NOTHING ((fv_value){0})
/* One number. */
fv_value fv_step_number(fv_steps *s, double number);
/* The mean over these axes of the value (negative ones from the end), which stay with size 1. */
fv_value fv_step_mean(fv_steps *s, fv_value x, const int64_t *axes, int count);
/* A known operand with one number for each channel, as [C, 1, ...] of `rank` axes, for values as ONNX orders them. */
fv_value fv_step_channels(fv_steps *s, int operand, const char *what, int rank);

/* Norms by the statistics of all that is there. */
fv_status fv_rule_batchnorm_training(fv_import *im, const fv_onnx_node *node);
fv_status fv_rule_instancenorm_whole(fv_import *im, const fv_onnx_node *node);

#endif
