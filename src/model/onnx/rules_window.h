/* rules_window.h - what convolution and pooling in ONNX share: kernel_shape, strides, pads, dilations, auto_pad. */
#ifndef FV_ONNX_RULES_WINDOW_H
#define FV_ONNX_RULES_WINDOW_H

#include "import.h"

enum { FV_ONNX_MOST_SPATIAL = 3 };

typedef struct fv_onnx_window {
    int rank;  /* spatial dimensions */
    int whole; /* 1: axis 0 is no batch, so it is a spatial dimension of our operators with a window of 1 */
    int64_t kernel[FV_ONNX_MOST_SPATIAL], stride[FV_ONNX_MOST_SPATIAL], dilation[FV_ONNX_MOST_SPATIAL];
    int64_t before[FV_ONNX_MOST_SPATIAL], behind[FV_ONNX_MOST_SPATIAL];
    const char *word; /* "same", "same_lower", or NULL: numbers */
} fv_onnx_window;

/* Reads the attributes for a value x (channels last); `kernel` (its spatial sizes) where a weight says it, else NULL. */
fv_status fv_onnx_read_window(fv_import *im, const fv_onnx_node *node, const fv_imported *x, const int64_t *kernel,
                              fv_onnx_window *out);
/* "3x3" of one number for each dimension, 1 (or `whole_size`) for axis 0 where it is no batch. */
const char *fv_onnx_sizes(const fv_onnx_window *w, const int64_t *numbers, int64_t whole_size, char out[100]);
/* "stride=1x1 padding=1x1 padding_end=0x0 dilation=1x1" */
const char *fv_onnx_window_fields(const fv_onnx_window *w, bool dilation, char out[400]);

#endif
