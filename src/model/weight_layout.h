/* weight_layout.h - weights as PyTorch lays them out. */
#ifndef FV_WEIGHT_LAYOUT_H
#define FV_WEIGHT_LAYOUT_H

#include "net.h"

/* How to read one of our weights, row by row, from PyTorch's tensor. A rank of 0 is one number. */
typedef struct fv_weight_layout {
    fv_shape shape; /* PyTorch's */
    int rank;
    int64_t size[FV_MAX_RANK + 1];   /* our dimensions; one whose cells PyTorch counts otherwise is two here */
    int64_t stride[FV_MAX_RANK + 1]; /* of each in PyTorch's tensor, in elements */
} fv_weight_layout;

void fv_weight_layout_of(const fv_net *net, int value, fv_weight_layout *layout);
/* Of a weight of our shape with these letters (fv_parameter.axes), whose layer reads what was flattened from `picture` (NULL: from
 * nothing). */
void fv_weight_layout_for(const char *axes, const fv_shape *ours, const fv_shape *picture, fv_weight_layout *layout);
void fv_weight_layout_read(const fv_weight_layout *layout, float *out, const float *in);
/* The way back: our numbers into PyTorch's tensor. */
void fv_weight_layout_write(const fv_weight_layout *layout, float *out, const float *in);

#endif
