/* rules_moves.h - what rules that move numbers share. Axes, sizes and cells here are those in memory, the batch (FV_BATCH)
 * included; *x is replaced by what the operator makes. */
#ifndef FV_ONNX_RULES_MOVES_H
#define FV_ONNX_RULES_MOVES_H

#include "import.h"

bool fv_onnx_batched(const fv_imported *x);
/* Different axes of x as ONNX names them (NULL: the first `count`), made positive. */
fv_status fv_onnx_axes(fv_import *im, const fv_onnx_node *node, const int64_t *given, int count, const fv_imported *x,
                       int out[FV_MAX_RANK]);
fv_status fv_onnx_turn(fv_import *im, const fv_onnx_node *node, fv_value *x, const int64_t *axes, int count);
fv_status fv_onnx_reshape(fv_import *im, const fv_onnx_node *node, fv_value *x, const int64_t *sizes, int count);
/* steps NULL: 1 */
fv_status fv_onnx_slice(fv_import *im, const fv_onnx_node *node, fv_value *x, const int *axes, const int64_t *starts,
                        const int64_t *ends, const int64_t *steps, int count);
/* Negative numbers of cells are cut off, first. fill NULL: `number`. */
fv_status fv_onnx_pad(fv_import *im, const fv_onnx_node *node, fv_value *x, int rank, const int64_t *before,
                      const int64_t *behind, const char *mode, const fv_value *fill, double number);

#endif
