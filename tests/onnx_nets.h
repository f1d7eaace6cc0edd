/* onnx_nets.h - for tests of ONNX: small networks with what no network of the zoo has, and numbers for all weights. */
#ifndef FV_TEST_ONNX_NETS_H
#define FV_TEST_ONNX_NETS_H

#include "model.h"

#include <string.h>

static const fv_setting small_nets[] = {
    {"conv_flipped", "input 7x6x3\nconv 4 3x2 flipped=yes padding=same\n"},
    {"conv_groups", "input 9x8x6\nconv 8 3x3 groups=2 dilation=2 padding=2x1 padding_end=1x3\n"},
    {"conv_same_stride",
     "input 9x8x3\nconv 5 3x3 stride=2 padding=same\nconv 4 2x2 padding=same_lower\nconv 3 3x3 padding=full\n"},
    {"conv_table", "input 8x8x3\nconv 4 3x3 connections=\"01 12 02 012\" flipped=yes\n"},
    {"sequence",
     "input 20x5\nconv 8 5 padding=2 activation=gelu\nmaxpool 2\nconv_transpose 6 4 stride=2 padding=1\nglobalmaxpool\ndense 3\n"},
    {"volume",
     "input 6x7x8x2\nconv 4 3x3x3 padding=1 activation=swish\navgpool 2x2x2 ceil=yes\nconv_transpose 3 2x2x2 stride=2\nflatten\ndense 3\n"},
    {"transposed",
     "input 5x6x4\nconv_transpose 6 3x3 stride=2 padding=1 output_padding=1 groups=2\nconv_transpose 2 4x4 stride=2 padding=same flipped=yes\n"},
    {"pools",
     "input 11x10x4\nmaxpool 3x3 stride=2 ceil=yes\navgpool 3x3 stride=2 padding=1 count_padding=yes\nmaxpool 2x2 stride=1 dilation=2 padding=same\n"},
    {"norms",
     "input 6x6x8\ngroupnorm 4 activation=relu\nlayernorm activation=elu\ninstancenorm activation=leaky_relu\nlrn 3 k=1 alpha=0.5\n"
     "batchnorm scale=no\nbatchnorm bias=no\n"},
    {"norms_of_vectors", "input 12\ndense 8\nbatchnorm\nlayernorm\nprelu\nmaxout 2\nsoftmax\n"},
    {"flat_norms", "input 4x4x3\nconv 6 3x3 padding=1\nflatten\nbatchnorm\nrelu\ndropout 0.3\ndense 5\n"},
    {"flat_end", "input 4x5x3\nconv 2 3x3\nflatten\nscaled_tanh\n"},
    {"activations",
     "input 5x4x6\nprelu\nprelu shared=yes\ngelu approximate=tanh\nsoftplus\nswish beta=1.5\nrelu6\nmaxout 3\nsigmoid\ntanh\n"},
    {"sizes",
     "input 7x6x3\npad 1x2 mode=reflect\npad 1 mode=edge\npad 0 padding_end=2 channels=1 value=0.5\nresize 13x17 mode=bilinear\n"
     "resize scale=0.5\nresize 9x9 mode=bilinear align_corners=yes\ncrop 5x6\ncrop 3x3 at=1x2\n"},
    {"excite",
     "input 6x6x8\nx = conv 8 3x3 padding=1\nglobalavgpool\ndense 4 activation=relu\ndense 8 activation=sigmoid\nmultiply <- x, it\nadd <- it, x\n"},
    {"excite_kept",
     "input 6x6x8\nx = conv 8 3x3 padding=1\nglobalavgpool keep_dims=yes\nconv 8 1x1 activation=sigmoid\nmultiply <- x, it\nsoftmax\n"},
    {"joins",
     "input 6x6x4\na = conv 3 3x3 padding=1\nb = conv 3 1x1 <- input\nconcat <- a, b\nc = conv 3 1x1\nconcat axis=1 <- a, c\ndense 5\nreshape 18,2,10\nconv 2 3x1\n"},
    {"codes", "input 3x4x2\nflatten\ndense 6 activation=tanh\nrbf 4\n"},
    {"lenet_pools", "input 8x8x3\nsubsample 2x2 activation=tanh\nsubsample 2x2 mode=mean\nflatten\ndense 2\n"},
};

static uint64_t state = 1;

/* -1 to 1 */
static inline float draw(void) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (float)((double)(state >> 40) / (1 << 23) - 1);
}

/* Running statistics and biases that say nothing (0, 1) would hide what is exchanged. */
static inline void draw_weights(fv_model *model) {
    for (int i = 0; i < fv_model_weight_count(model); i++) {
        const char *name = fv_model_weight_name(model, i), *last = strrchr(name, '.');
        fv_tensor weight = fv_model_weight(model, i);
        bool one = last && (!strcmp(last, ".scale") || !strcmp(last, ".variance"));
        bool zero = last && (!strcmp(last, ".bias") || !strcmp(last, ".mean"));
        for (int64_t k = 0; (one || zero) && k < fv_shape_count(&weight.shape); k++)
            ((float *)weight.data)[k] = one ? 1 + 0.3F * draw() : 0.1F * draw();
    }
    fv_model_touch(model);
}

/* The sample shape of the first data input, 64 where it is open. */
static inline fv_shape sample_shape(const fv_net *net) {
    fv_shape shape = {0};
    for (int v = 0; v < net->value_count && !shape.rank; v++) {
        const fv_value_info *info = &net->values[v];
        if (info->kind != FV_KIND_INPUT || info->target) continue;
        shape.rank = info->type.shape.rank - 1;
        for (int d = 0; d < shape.rank; d++)
            shape.dim[d] = info->type.shape.dim[d + 1] < 0 ? 64 : info->type.shape.dim[d + 1];
    }
    return shape;
}

#endif
