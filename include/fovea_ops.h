/* fovea_ops.h - made by scripts/ops_header.c from the operators; do not edit.
 *
 * One builder for every operator: fv_conv(x, .filters = 32, .kernel = {3, 3}, .activation = FV_RELU). What is not given,
 * or 0, takes its default; FV_ZERO asks for the number 0. `name` names the layer and its weights. */
#ifndef FOVEA_OPS_H
#define FOVEA_OPS_H

#include "fovea.h"

#ifdef __cplusplus
extern "C" {
#endif

/* instead of a number */
typedef enum fv_padding {
    FV_VALID = 0,
    FV_SAME = -1,
    FV_FULL = -2,
    FV_SAME_LOWER = -3
} fv_padding;

/* one of these words */
typedef enum fv_data_format {
    FV_CHANNELS_LAST = 0,
    FV_CHANNELS_FIRST = 1
} fv_data_format;

/* one of these words */
typedef enum fv_activation {
    FV_NO_ACTIVATION = 0,
    FV_RELU = 1,
    FV_LEAKY_RELU = 2,
    FV_SIGMOID = 3,
    FV_TANH = 4,
    FV_SCALED_TANH = 5,
    FV_ELU = 6,
    FV_GELU = 7,
    FV_SOFTPLUS = 8,
    FV_SWISH = 9,
    FV_SOFTMAX = 10,
    FV_RELU6 = 11,
    FV_HARD_SIGMOID = 12,
    FV_HARD_SWISH = 13,
    FV_MISH = 14,
    FV_SELU = 15,
    FV_CELU = 16,
    FV_SOFTSIGN = 17,
    FV_THRESHOLDED_RELU = 18,
    FV_SHRINK = 19,
    FV_CLIP = 20
} fv_activation;

/* one of these words */
typedef enum fv_subsample_mode {
    FV_SUBSAMPLE_SUM = 0,
    FV_SUBSAMPLE_MEAN = 1
} fv_subsample_mode;

/* one of these words */
typedef enum fv_resize_mode {
    FV_RESIZE_NEAREST = 0,
    FV_RESIZE_BILINEAR = 1
} fv_resize_mode;

/* one of these words */
typedef enum fv_pad_mode {
    FV_PAD_CONSTANT = 0,
    FV_PAD_REFLECT = 1,
    FV_PAD_EDGE = 2
} fv_pad_mode;

/* one of these words */
typedef enum fv_numbers_dtype {
    FV_NUMBERS_F32 = 0,
    FV_NUMBERS_I32 = 1,
    FV_NUMBERS_I64 = 2,
    FV_NUMBERS_U8 = 3,
    FV_NUMBERS_BOOL = 4
} fv_numbers_dtype;

/* one of these words */
typedef enum fv_resample_mode {
    FV_RESAMPLE_NEAREST = 0,
    FV_RESAMPLE_LINEAR = 1,
    FV_RESAMPLE_CUBIC = 2
} fv_resample_mode;

/* one of these words */
typedef enum fv_resample_places {
    FV_RESAMPLE_PLACES_HALF_PIXEL = 0,
    FV_RESAMPLE_PLACES_HALF_PIXEL_OR_FIRST = 1,
    FV_RESAMPLE_PLACES_HALF_PIXEL_CENTRED = 2,
    FV_RESAMPLE_PLACES_CORNERS = 3,
    FV_RESAMPLE_PLACES_ASYMMETRIC = 4,
    FV_RESAMPLE_PLACES_HALF_PIXEL_SHIFTED = 5,
    FV_RESAMPLE_PLACES_CROP = 6
} fv_resample_places;

/* one of these words */
typedef enum fv_resample_rounding {
    FV_RESAMPLE_ROUND_HALF_DOWN = 0,
    FV_RESAMPLE_ROUND_HALF_UP = 1,
    FV_RESAMPLE_ROUND_DOWN = 2,
    FV_RESAMPLE_ROUND_UP = 3
} fv_resample_rounding;

/* one of these words */
typedef enum fv_grid_sample_mode {
    FV_GRID_SAMPLE_LINEAR = 0,
    FV_GRID_SAMPLE_NEAREST = 1,
    FV_GRID_SAMPLE_CUBIC = 2
} fv_grid_sample_mode;

/* one of these words */
typedef enum fv_grid_sample_beyond {
    FV_GRID_SAMPLE_BEYOND_ZERO = 0,
    FV_GRID_SAMPLE_BEYOND_EDGE = 1,
    FV_GRID_SAMPLE_BEYOND_REFLECT = 2
} fv_grid_sample_beyond;

/* one of these words */
typedef enum fv_roi_align_mode {
    FV_ROI_ALIGN_MEAN = 0,
    FV_ROI_ALIGN_MAX = 1
} fv_roi_align_mode;

/* one of these words */
typedef enum fv_pad_axes_mode {
    FV_PAD_AXES_CONSTANT = 0,
    FV_PAD_AXES_REFLECT = 1,
    FV_PAD_AXES_EDGE = 2,
    FV_PAD_AXES_WRAP = 3
} fv_pad_axes_mode;

/* one of these words */
typedef enum fv_reduction_kind {
    FV_SCATTER_BY_NO_REDUCTION_KIND = 0,
    FV_SCATTER_BY_ADD = 1,
    FV_SCATTER_BY_MUL = 2,
    FV_SCATTER_BY_MAX = 3,
    FV_SCATTER_BY_MIN = 4
} fv_reduction_kind;

/* one of these words */
typedef enum fv_modulo_sign {
    FV_MODULO_DIVISOR = 0,
    FV_MODULO_DIVIDEND = 1
} fv_modulo_sign;

/* one of these words */
typedef enum fv_math_function {
    FV_MATH_EXP = 0,
    FV_MATH_LOG = 1,
    FV_MATH_SQRT = 2,
    FV_MATH_ABS = 3,
    FV_MATH_NEGATIVE = 4,
    FV_MATH_SIGN = 5,
    FV_MATH_RECIPROCAL = 6,
    FV_MATH_FLOOR = 7,
    FV_MATH_CEIL = 8,
    FV_MATH_ROUND = 9,
    FV_MATH_SIN = 10,
    FV_MATH_COS = 11,
    FV_MATH_TAN = 12,
    FV_MATH_ASIN = 13,
    FV_MATH_ACOS = 14,
    FV_MATH_ATAN = 15,
    FV_MATH_SINH = 16,
    FV_MATH_COSH = 17,
    FV_MATH_ASINH = 18,
    FV_MATH_ACOSH = 19,
    FV_MATH_ATANH = 20,
    FV_MATH_ERF = 21,
    FV_MATH_SQUARE = 22
} fv_math_function;

/* one of these words */
typedef enum fv_cast_type {
    FV_CAST_F32 = 0,
    FV_CAST_I32 = 1,
    FV_CAST_I64 = 2,
    FV_CAST_U8 = 3,
    FV_CAST_BOOL = 4
} fv_cast_type;

/* one of these words */
typedef enum fv_comparison {
    FV_COMPARE_EQUAL = 0,
    FV_COMPARE_NOT_EQUAL = 1,
    FV_COMPARE_LESS = 2,
    FV_COMPARE_LESS_EQUAL = 3,
    FV_COMPARE_GREATER = 4,
    FV_COMPARE_GREATER_EQUAL = 5
} fv_comparison;

/* one of these words */
typedef enum fv_is_kind {
    FV_IS_NAN = 0,
    FV_IS_INFINITE = 1,
    FV_IS_POSITIVE_INFINITE = 2,
    FV_IS_NEGATIVE_INFINITE = 3
} fv_is_kind;

/* one of these words */
typedef enum fv_logic_kind {
    FV_LOGIC_AND = 0,
    FV_LOGIC_OR = 1,
    FV_LOGIC_XOR = 2,
    FV_LOGIC_NOT = 3,
    FV_LOGIC_SHIFT_LEFT = 4,
    FV_LOGIC_SHIFT_RIGHT = 5
} fv_logic_kind;

/* one of these words */
typedef enum fv_reduce_kind {
    FV_REDUCE_SUM = 0,
    FV_REDUCE_MEAN = 1,
    FV_REDUCE_MAX = 2,
    FV_REDUCE_MIN = 3,
    FV_REDUCE_PRODUCT = 4,
    FV_REDUCE_L1 = 5,
    FV_REDUCE_L2 = 6,
    FV_REDUCE_SUM_SQUARES = 7,
    FV_REDUCE_LOG_SUM = 8,
    FV_REDUCE_LOG_SUM_EXP = 9
} fv_reduce_kind;

/* one of these words */
typedef enum fv_gelu_form {
    FV_GELU_ERF = 0,
    FV_GELU_TANH = 1
} fv_gelu_form;

/* one of these words */
typedef enum fv_rbf_form {
    FV_RBF_MAP = 0,
    FV_RBF_PLAIN = 1
} fv_rbf_form;

/* convolution with trainable kernels over sequences, pictures or volumes. `fovea help conv` says more. */
typedef struct fv_conv_options {
    size_t size;
    fv_value x;                          /* sequence, picture or volume */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t filters;                     /* number of output channels; required; at least 1 */
    int64_t kernel[3];                   /* size of the kernel; required; at least 1 */
    int64_t stride[3];                   /* cells between neighbouring windows; default 1; at least 1 */
    /* zeros around the input, on each side, or a word; default valid; at least 0; or fv_padding */
    int64_t padding[3];
    /* zeros behind the input where they differ from those before it; default as padding; at least 0 */
    int64_t padding_end[3];
    int64_t dilation[3];                 /* cells between neighbouring taps; default 1; at least 1 */
    /* parts of the channels that do not see each other; as many as channels: depthwise; default 1; at least 1 */
    int64_t groups;
    /* for each filter the input maps that feed it, "012 123" or "0,1,12 1,2,13": LeNet's table; default none */
    const char *connections;
    bool flipped;                        /* true convolution: the kernel is turned by 180 degrees; default no */
    /* where the channels of input and result are; default channels_last; an fv_data_format */
    int data_format;
    bool no_bias;                        /* do not add a trainable number to every output channel */
    const char *kernel_initializer;      /* how the weight starts; default glorot_uniform */
    const char *bias_initializer;        /* how the bias starts; default zeros */
    /* penalty on the weight: l1(0.01), l2(0.01), l1_l2(0.01, 0.01); default none */
    const char *kernel_regularizer;
    const char *bias_regularizer;        /* penalty on the bias; default none */
    const char *activity_regularizer;    /* penalty on the result, a mean over the samples; default none */
    /* kept after every step: max_norm(2), non_negative, unit_norm; default none */
    const char *kernel_constraint;
    const char *bias_constraint;         /* kept after every step by the bias; default none */
    int activation;                      /* operator applied to the result; default none; an fv_activation */
} fv_conv_options;
FV_API fv_value fv_conv_with(const fv_conv_options *options);

/* transposed convolution: the adjoint of conv, from small maps to large ones. `fovea help conv_transpose` says more. */
typedef struct fv_conv_transpose_options {
    size_t size;
    fv_value x;                          /* sequence, picture or volume */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t filters;                     /* number of output channels; required; at least 1 */
    int64_t kernel[3];                   /* size of the kernel; required; at least 1 */
    /* cells of the result from one cell of the input to the next; default 1; at least 1 */
    int64_t stride[3];
    /* cells cut off the result on each side, or a word: what conv's padding adds, this takes away; default valid; at least 0; or fv_padding */
    int64_t padding[3];
    /* cells cut off behind where they differ from those before; default as padding; at least 0 */
    int64_t padding_end[3];
    /* further cells behind, less than the stride: which of the sizes that conv maps to the input's is meant; default 0; at least 0 */
    int64_t output_padding[3];
    int64_t dilation[3];                 /* cells between neighbouring taps; default 1; at least 1 */
    int64_t groups;                      /* parts of the channels that do not see each other; default 1; at least 1 */
    bool flipped;                        /* the adjoint of conv with flipped=yes: the kernel is turned; default no */
    bool no_bias;                        /* do not add a trainable number to every output channel */
    const char *kernel_initializer;      /* how the weight starts; default glorot_uniform */
    const char *bias_initializer;        /* how the bias starts; default zeros */
    /* penalty on the weight: l1(0.01), l2(0.01), l1_l2(0.01, 0.01); default none */
    const char *kernel_regularizer;
    const char *bias_regularizer;        /* penalty on the bias; default none */
    const char *activity_regularizer;    /* penalty on the result, a mean over the samples; default none */
    /* kept after every step: max_norm(2), non_negative, unit_norm; default none */
    const char *kernel_constraint;
    const char *bias_constraint;         /* kept after every step by the bias; default none */
    int activation;                      /* operator applied to the result; default none; an fv_activation */
} fv_conv_transpose_options;
FV_API fv_value fv_conv_transpose_with(const fv_conv_transpose_options *options);

/* fully connected layer: every output sees every input. `fovea help dense` says more. */
typedef struct fv_dense_options {
    size_t size;
    fv_value x;                          /* vectors along the last dimension */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t units;                       /* number of outputs; required; at least 1 */
    bool no_bias;                        /* do not add a trainable number to every output channel */
    const char *kernel_initializer;      /* how the weight starts; default glorot_uniform */
    const char *bias_initializer;        /* how the bias starts; default zeros */
    /* penalty on the weight: l1(0.01), l2(0.01), l1_l2(0.01, 0.01); default none */
    const char *kernel_regularizer;
    const char *bias_regularizer;        /* penalty on the bias; default none */
    const char *activity_regularizer;    /* penalty on the result, a mean over the samples; default none */
    /* kept after every step: max_norm(2), non_negative, unit_norm; default none */
    const char *kernel_constraint;
    const char *bias_constraint;         /* kept after every step by the bias; default none */
    int activation;                      /* operator applied to the result; default none; an fv_activation */
} fv_dense_options;
FV_API fv_value fv_dense_with(const fv_dense_options *options);

/* the largest value of each window. `fovea help maxpool` says more. */
typedef struct fv_maxpool_options {
    size_t size;
    fv_value x;                          /* sequence, picture or volume */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t window[3];                   /* size of the window; required; at least 1 */
    /* cells between neighbouring windows; smaller than the window: they overlap; default the window; at least 1 */
    int64_t stride[3];
    /* cells around the input, on each side, or a word; they never win and add nothing; default valid; at least 0; or fv_padding */
    int64_t padding[3];
    /* cells behind the input where they differ from those before it; default as padding; at least 0 */
    int64_t padding_end[3];
    bool ceil;                           /* also windows that reach over the end; default no */
    int64_t dilation[3];                 /* cells between a window's cells; default 1; at least 1 */
} fv_maxpool_options;
FV_API fv_value fv_maxpool_with(const fv_maxpool_options *options);

/* the mean of each window. `fovea help avgpool` says more. */
typedef struct fv_avgpool_options {
    size_t size;
    fv_value x;                          /* sequence, picture or volume */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t window[3];                   /* size of the window; required; at least 1 */
    /* cells between neighbouring windows; smaller than the window: they overlap; default the window; at least 1 */
    int64_t stride[3];
    /* cells around the input, on each side, or a word; they never win and add nothing; default valid; at least 0; or fv_padding */
    int64_t padding[3];
    /* cells behind the input where they differ from those before it; default as padding; at least 0 */
    int64_t padding_end[3];
    bool ceil;                           /* also windows that reach over the end; default no */
    int64_t dilation[3];                 /* cells between a window's cells; default 1; at least 1 */
    bool count_padding;                  /* divide by the whole window also at the border; default no */
} fv_avgpool_options;
FV_API fv_value fv_avgpool_with(const fv_avgpool_options *options);

/* the mean of each channel over the whole picture. `fovea help globalavgpool` says more. */
typedef struct fv_globalavgpool_options {
    size_t size;
    fv_value x;                          /* sequence, picture or volume */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    bool keep_dims;                      /* keep the spatial dimensions, each of size 1; default no */
} fv_globalavgpool_options;
FV_API fv_value fv_globalavgpool_with(const fv_globalavgpool_options *options);

/* the largest value of each channel over the whole picture. `fovea help globalmaxpool` says more. */
typedef struct fv_globalmaxpool_options {
    size_t size;
    fv_value x;                          /* sequence, picture or volume */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    bool keep_dims;                      /* keep the spatial dimensions, each of size 1; default no */
} fv_globalmaxpool_options;
FV_API fv_value fv_globalmaxpool_with(const fv_globalmaxpool_options *options);

/* LeNet's trainable subsampling: window sums times a coefficient, plus a bias. `fovea help subsample` says more. */
typedef struct fv_subsample_options {
    size_t size;
    fv_value x;                          /* sequence, picture or volume */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t window[3];                   /* size of the window; required; at least 1 */
    int64_t stride[3];                   /* cells between neighbouring windows; default the window; at least 1 */
    /* what of the window is multiplied by the coefficient; default sum; an fv_subsample_mode */
    int mode;
    /* how the coefficients start; 0.25 makes 2x2 sums means; default constant(0.25) */
    const char *coefficient_initializer;
    const char *bias_initializer;        /* how the biases start; default zeros */
    int activation;                      /* operator applied to the result; default none; an fv_activation */
} fv_subsample_options;
FV_API fv_value fv_subsample_with(const fv_subsample_options *options);

/* puts values back where max pooling found its maxima. `fovea help unpool` says more. */
typedef struct fv_unpool_options {
    size_t size;
    fv_value value;                      /* what is to be placed, of the shape of pooled */
    fv_value x;                          /* what the pooling read */
    fv_value pooled;                     /* what the pooling gave */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t window[3];                   /* size of the window; required; at least 1 */
    /* cells between neighbouring windows; smaller than the window: they overlap; default the window; at least 1 */
    int64_t stride[3];
    /* cells around the input, on each side, or a word; they never win and add nothing; default valid; at least 0; or fv_padding */
    int64_t padding[3];
    /* cells behind the input where they differ from those before it; default as padding; at least 0 */
    int64_t padding_end[3];
    bool ceil;                           /* also windows that reach over the end; default no */
    int64_t dilation[3];                 /* cells between a window's cells; default 1; at least 1 */
} fv_unpool_options;
FV_API fv_value fv_unpool_with(const fv_unpool_options *options);

/* what one picture holds where another is largest in each window. `fovea help pool_pick` says more. */
typedef struct fv_pool_pick_options {
    size_t size;
    fv_value x;                          /* sequence, picture or volume that says where */
    fv_value from;                       /* the same shape, what is taken */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t window[3];                   /* size of the window; required; at least 1 */
    /* cells between neighbouring windows; smaller than the window: they overlap; default the window; at least 1 */
    int64_t stride[3];
    /* cells around the input, on each side, or a word; they never win and add nothing; default valid; at least 0; or fv_padding */
    int64_t padding[3];
    /* cells behind the input where they differ from those before it; default as padding; at least 0 */
    int64_t padding_end[3];
    bool ceil;                           /* also windows that reach over the end; default no */
    int64_t dilation[3];                 /* cells between a window's cells; default 1; at least 1 */
} fv_pool_pick_options;
FV_API fv_value fv_pool_pick_with(const fv_pool_pick_options *options);

/* pictures made larger or smaller. `fovea help resize` says more. */
typedef struct fv_resize_options {
    size_t size;
    fv_value x;                          /* sequence, picture or volume */
    fv_value like;                       /* what has the size that is wanted */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* spatial size of the result; default by scale, or that of the second input; at least 1 */
    int64_t shape[3];
    /* how many times as large every dimension becomes, rounded down; default by shape; 1e-06 to 1e+06 */
    double scale;
    int mode;                            /* what a new cell shows; default nearest; an fv_resize_mode */
    /* the outermost cells lie on each other, instead of the outer edges; default no */
    bool align_corners;
} fv_resize_options;
FV_API fv_value fv_resize_with(const fv_resize_options *options);

/* cells, or whole feature maps, around what is there. `fovea help pad` says more. */
typedef struct fv_pad_options {
    size_t size;
    fv_value x;                          /* sequence, picture or volume */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* cells before and behind the input in each dimension; default 0; at least 0 */
    int64_t padding[3];
    /* cells behind the input where they differ from those before it; default as padding; at least 0 */
    int64_t padding_end[3];
    int64_t channels;                    /* feature maps before and behind those of the input; default 0; at least 0 */
    /* feature maps behind where they differ from those before; default as channels; at least 0 */
    int64_t channels_end;
    int mode;                            /* what the new cells hold; default constant; an fv_pad_mode */
    double value;                        /* the number of mode=constant; default 0 */
} fv_pad_options;
FV_API fv_value fv_pad_with(const fv_pad_options *options);

/* a part of a picture, cut out. `fovea help crop` says more. */
typedef struct fv_crop_options {
    size_t size;
    fv_value x;                          /* sequence, picture or volume */
    fv_value like;                       /* what has the size that is wanted */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t shape[3];                    /* spatial size of the result; default that of the second input; at least 1 */
    int64_t at[3];                       /* first cell that stays, in each dimension; default the centre; at least 0 */
} fv_crop_options;
FV_API fv_value fv_crop_with(const fv_crop_options *options);

/* squared distances to trainable or fixed codes, LeNet-5's output layer. `fovea help rbf` says more. */
typedef struct fv_rbf_options {
    size_t size;
    fv_value x;                          /* one vector a sample */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t units;                       /* number of codes; required; at least 1 */
    bool fixed;                          /* the codes are counted but not trained; default no */
    /* how the codes start; lenet5_digits: the ten 7x12 bitmaps of the paper; default uniform(-1, 1) */
    const char *kernel_initializer;
} fv_rbf_options;
FV_API fv_value fv_rbf_with(const fv_rbf_options *options);

/* numbers that belong to the net. `fovea help numbers` says more. */
typedef struct fv_numbers_options {
    size_t size;
    fv_net *net;                         /* the net that it belongs to */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t shape[8];                    /* its sizes; it has no batch; default one number alone; at least 0 */
    int dtype;                           /* the type of its elements; default f32; an fv_numbers_dtype */
    /* its elements, row by row, "1 2 3"; without them it is a weight of the model (f32); default none */
    const char *values;
    bool trainable;                      /* training changes it; default no */
    const char *initializer;             /* how the weight starts; default zeros */
} fv_numbers_options;
FV_API fv_value fv_numbers_with(const fv_numbers_options *options);

/* a picture as one long vector. `fovea help flatten` says more. */
typedef struct fv_flatten_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_flatten_options;
FV_API fv_value fv_flatten_with(const fv_flatten_options *options);

/* the same elements under another shape. `fovea help reshape` says more. */
typedef struct fv_reshape_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* sizes of one sample, without the batch; one may be -1: what is left; default one number alone; at least -1 */
    int64_t shape[8];
} fv_reshape_options;
FV_API fv_value fv_reshape_with(const fv_reshape_options *options);

/* values side by side along one dimension. `fovea help concat` says more. */
typedef struct fv_concat_options {
    size_t size;
    const fv_value *values;              /* two or more values */
    int64_t count;                       /* of values */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* dimension to join, the batch being 0; negative: from the end; default -1; -8 to 7 */
    int64_t axis;
} fv_concat_options;
FV_API fv_value fv_concat_with(const fv_concat_options *options);

/* one axis made longer or shorter, by any rule of reading between cells. `fovea help resample` says more. */
typedef struct fv_resample_options {
    size_t size;
    fv_value x;                          /* any value */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t length;                      /* cells of the result; required; at least 1 */
    int64_t axis;                        /* the axis, the batch being 0; negative: from the end; default -2; -8 to 7 */
    /* cells of the result for one of the input, where rounding made it another number; default length by cells of the input; 1e-06 to 1e+06 */
    double scale;
    int mode;                            /* what a new cell shows; default nearest; an fv_resample_mode */
    int places;                          /* where the new cells lie; default half_pixel; an fv_resample_places */
    int rounding;                        /* which cell is nearest; default half_down; an fv_resample_rounding */
    double sharpness;                    /* a of the cubic; default -0.75; -1e+01 to 1e+01 */
    /* cells outside weigh nothing, instead of being like the outermost; default no */
    bool inside;
    bool smooth;                         /* making shorter averages over what a new cell covers; default no */
    double from;                         /* start of the crop as part of the axis; default 0; at least -1e+09 */
    double to;                           /* its end; default 1; at least -1e+09 */
    double outside;                      /* the number of cells that a crop has beyond the input; default 0 */
} fv_resample_options;
FV_API fv_value fv_resample_with(const fv_resample_options *options);

/* pictures read at places that another value says. `fovea help grid_sample` says more. */
typedef struct fv_grid_sample_options {
    size_t size;
    fv_value x;                          /* pictures or volumes */
    fv_value grid;                       /* places */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* how a number between cells is read; default linear; an fv_grid_sample_mode */
    int mode;
    int beyond;                          /* what lies beyond the picture; default zero; an fv_grid_sample_beyond */
    /* -1 and 1 are the centres of the outermost cells, instead of the edges; default no */
    bool align_corners;
} fv_grid_sample_options;
FV_API fv_value fv_grid_sample_with(const fv_grid_sample_options *options);

/* regions of pictures as small pictures of one size. `fovea help roi_align` says more. */
typedef struct fv_roi_align_options {
    size_t size;
    fv_value x;                          /* pictures, samples x H x W x C */
    fv_value regions;                    /* regions x 4 */
    fv_value of;                         /* the sample of each region (i32 or i64) */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t height;                      /* rows of the result; default 1; 1 to 65535 */
    int64_t width;                       /* its columns; default 1; 1 to 65535 */
    /* places in every cell, in each dimension; default one for each pixel that the cell covers; 0 to 1024 */
    int64_t points;
    double scale;                        /* from the regions' coordinates to pixels; default 1; 1e-06 to 1e+06 */
    int mode;                            /* what a cell shows of its places; default mean; an fv_roi_align_mode */
    bool half_pixel;                     /* coordinates are of edges: pixel centres lie half a pixel on; default no */
} fv_roi_align_options;
FV_API fv_value fv_roi_align_with(const fv_roi_align_options *options);

/* what a convolution reads at displaced places, as columns for a product. `fovea help deform_columns` says more. */
typedef struct fv_deform_columns_options {
    size_t size;
    fv_value x;                          /* pictures */
    fv_value offset;                     /* how far every place is moved */
    fv_value mask;                       /* how much it counts; 1 where left out */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t kernel[3];                   /* size of the kernel; required; 1 to 65535 */
    int64_t stride[3];                   /* cells between neighbouring results; default 1; at least 1 */
    int64_t padding[3];                  /* zeros before the input in each dimension; default 0; at least 0 */
    int64_t padding_end[3];              /* zeros behind it; default as padding; at least 0 */
    int64_t dilation[3];                 /* cells from one position of the kernel to the next; default 1; at least 1 */
    /* groups of the convolution: columns are sorted by them; default 1; at least 1 */
    int64_t groups;
    int64_t parts;                       /* parts of the channels with offsets of their own; default 1; at least 1 */
} fv_deform_columns_options;
FV_API fv_value fv_deform_columns_with(const fv_deform_columns_options *options);

/* columns of windows put back where they came from, and added up. `fovea help col2im` says more. */
typedef struct fv_col2im_options {
    size_t size;
    fv_value x;                          /* columns */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t shape[8];                    /* spatial size of the result; required; at least 1 */
    int64_t window[8];                   /* size of the windows; required; at least 1 */
    int64_t stride[8];                   /* cells between neighbouring windows; default 1; at least 1 */
    int64_t padding[8];                  /* cells before the picture that windows reach over; default 0; at least 0 */
    int64_t padding_end[8];              /* cells behind it; default as padding; at least 0 */
    int64_t dilation[8];                 /* cells from one of a window to its next; default 1; at least 1 */
} fv_col2im_options;
FV_API fv_value fv_col2im_with(const fv_col2im_options *options);

/* cells around a value along any axis. `fovea help pad_axes` says more. */
typedef struct fv_pad_axes_options {
    size_t size;
    fv_value x;                          /* any value */
    fv_value fill;                       /* the number of mode=constant */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* cells in front along each axis, the batch (0) being the first; required; at least 0 */
    int64_t before[8];
    int64_t behind[8];                   /* cells behind along each axis; default as before; at least 0 */
    int mode;                            /* what the new cells hold; default constant; an fv_pad_axes_mode */
    double value;                        /* the number of mode=constant; default 0 */
} fv_pad_axes_options;
FV_API fv_value fv_pad_axes_with(const fv_pad_axes_options *options);

/* the axes of a value in another order. `fovea help transpose` says more. */
typedef struct fv_transpose_options {
    size_t size;
    fv_value x;                          /* any value */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* the axes of the input in their new order, the batch being 0; required; 0 to 7 */
    int64_t axes[8];
} fv_transpose_options;
FV_API fv_value fv_transpose_with(const fv_transpose_options *options);

/* a part of a value along chosen axes. `fovea help slice` says more. */
typedef struct fv_slice_options {
    size_t size;
    fv_value x;                          /* any value */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* first cell along each of the axes; negative: from the end; required; at least -1e+09 */
    int64_t starts[8];
    /* the cell behind the last one; negative: from the end; what lies beyond is cut; required; at least -1e+09 */
    int64_t ends[8];
    /* the axes, the batch being 0; negative: from the end; default 0,1,...; -8 to 7 */
    int64_t axes[8];
    int64_t steps[8];                    /* from cell to cell; negative: backwards; default 1; at least -1e+09 */
} fv_slice_options;
FV_API fv_value fv_slice_with(const fv_slice_options *options);

/* a value cut into parts along one axis. `fovea help split` says more. */
typedef struct fv_split_options {
    size_t size;
    fv_value x;                          /* any value */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* how many parts: all equal, the last one smaller where they cannot be; default as sizes says; 0 to 8 */
    int64_t parts;
    int64_t sizes[8];                    /* size of each part instead; default none; at least 0 */
    /* axis to cut, the batch being 0; negative: from the end; default -1; -8 to 7 */
    int64_t axis;
} fv_split_options;
FV_API fv_value fv_split_with(const fv_split_options *options);

/* a value repeated along axes where it has one cell. `fovea help expand` says more. */
typedef struct fv_expand_options {
    size_t size;
    fv_value x;                          /* any value */
    fv_value like;                       /* what has the shape that is wanted */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* sizes of one sample, without the batch, aligned at the last; 1: as they are; default that of the second input; at least 0 */
    int64_t shape[8];
} fv_expand_options;
FV_API fv_value fv_expand_with(const fv_expand_options *options);

/* a value repeated whole, side by side. `fovea help tile` says more. */
typedef struct fv_tile_options {
    size_t size;
    fv_value x;                          /* any value */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* how often along each axis, the batch (once) being the first; required; at least 0 */
    int64_t repeats[8];
} fv_tile_options;
FV_API fv_value fv_tile_with(const fv_tile_options *options);

/* slices along one axis by their numbers. `fovea help gather` says more. */
typedef struct fv_gather_options {
    size_t size;
    fv_value table;                      /* any value */
    fv_value index;                      /* whole numbers */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* axis of the table to pick along, the batch being 0; negative: from the end; default 0; -8 to 7 */
    int64_t axis;
} fv_gather_options;
FV_API fv_value fv_gather_with(const fv_gather_options *options);

/* element by element from one axis. `fovea help gather_elements` says more. */
typedef struct fv_gather_elements_options {
    size_t size;
    fv_value x;                          /* any value */
    fv_value index;                      /* whole numbers */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* axis to pick along, the batch being 0; negative: from the end; default -1; -8 to 7 */
    int64_t axis;
} fv_gather_elements_options;
FV_API fv_value fv_gather_elements_with(const fv_gather_elements_options *options);

/* slices by tuples of numbers. `fovea help gather_nd` says more. */
typedef struct fv_gather_nd_options {
    size_t size;
    fv_value x;                          /* any value */
    fv_value index;                      /* whole numbers */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* leading axes that both inputs share, the batch included; default 0; 0 to 7 */
    int64_t lead;
} fv_gather_nd_options;
FV_API fv_value fv_gather_nd_with(const fv_gather_nd_options *options);

/* a value with single elements replaced, or added to, along one axis. `fovea help scatter_elements` says more. */
typedef struct fv_scatter_elements_options {
    size_t size;
    fv_value x;                          /* any value */
    fv_value index;                      /* whole numbers */
    fv_value updates;                    /* of the index's shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* axis that the index counts along, the batch being 0; negative: from the end; default -1; -8 to 7 */
    int64_t axis;
    /* what an update does to what is there: takes its place, or; default none; an fv_reduction_kind */
    int reduction;
} fv_scatter_elements_options;
FV_API fv_value fv_scatter_elements_with(const fv_scatter_elements_options *options);

/* a value with slices replaced, or added to, by tuples of numbers. `fovea help scatter_nd` says more. */
typedef struct fv_scatter_nd_options {
    size_t size;
    fv_value x;                          /* any value */
    fv_value index;                      /* whole numbers */
    fv_value updates;                    /* slices */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* leading axes that all inputs share, the batch included; default 0; 0 to 7 */
    int64_t lead;
    /* what an update does to what is there: takes its place, or; default none; an fv_reduction_kind */
    int reduction;
} fv_scatter_nd_options;
FV_API fv_value fv_scatter_nd_with(const fv_scatter_nd_options *options);

/* numbers of classes as rows with one value at the class and another elsewhere. `fovea help one_hot` says more. */
typedef struct fv_one_hot_options {
    size_t size;
    fv_value index;                      /* numbers of classes (i32 or i64) */
    fv_value values;                     /* two numbers */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t depth;                       /* number of classes; required; at least 1 */
    /* where the classes' axis stands in the result; negative: from the end; default -1; -8 to 7 */
    int64_t axis;
} fv_one_hot_options;
FV_API fv_value fv_one_hot_with(const fv_one_hot_options *options);

/* of the cells along an axis the first few in order, with their numbers. `fovea help top` says more. */
typedef struct fv_top_options {
    size_t size;
    fv_value x;                          /* numbers of any type */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t k;                           /* how many; required; at least 0 */
    /* axis to order, the batch being 0; negative: from the end; default -1; -8 to 7 */
    int64_t axis;
    bool least;                          /* the smallest first, instead of the greatest; default no */
} fv_top_options;
FV_API fv_value fv_top_with(const fv_top_options *options);

/* the upper or lower triangle of matrices, zeros elsewhere. `fovea help trilu` says more. */
typedef struct fv_trilu_options {
    size_t size;
    fv_value x;                          /* matrices */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* the outermost diagonal that stays: 0 the main one, positive ones to the right; default 0; at least -1e+09 */
    int64_t diagonal;
    bool lower;                          /* the lower triangle, instead of the upper; default no */
} fv_trilu_options;
FV_API fv_value fv_trilu_with(const fv_trilu_options *options);

/* of boxes that cover each other the one with the best score. `fovea help nms` says more. */
typedef struct fv_nms_options {
    size_t size;
    fv_value boxes;                      /* samples x boxes x 4 */
    fv_value scores;                     /* samples x classes x boxes */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t most;                        /* boxes of one class and sample at most; required; at least 0 */
    /* a box goes whose intersection with a chosen one is more than this part of their union; default 0; 0 to 1 */
    double overlap;
    double score;                        /* only boxes whose score is greater; default any; at least -1e+30 */
    /* boxes are (x, y, width, height) around their centre, instead of two corners (y, x, y, x); default no */
    bool centred;
} fv_nms_options;
FV_API fv_value fv_nms_with(const fv_nms_options *options);

/* the sum of two or more values. `fovea help add` says more. */
typedef struct fv_add_options {
    size_t size;
    const fv_value *values;              /* two or more values */
    int64_t count;                       /* of values */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_add_options;
FV_API fv_value fv_add_with(const fv_add_options *options);

/* the product of two or more values. `fovea help multiply` says more. */
typedef struct fv_multiply_options {
    size_t size;
    const fv_value *values;              /* two or more values */
    int64_t count;                       /* of values */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_multiply_options;
FV_API fv_value fv_multiply_with(const fv_multiply_options *options);

/* the difference of two values. `fovea help subtract` says more. */
typedef struct fv_subtract_options {
    size_t size;
    fv_value x;                          /* any shape */
    fv_value y;                          /* what is taken away */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_subtract_options;
FV_API fv_value fv_subtract_with(const fv_subtract_options *options);

/* the quotient of two values. `fovea help divide` says more. */
typedef struct fv_divide_options {
    size_t size;
    fv_value x;                          /* any shape */
    fv_value y;                          /* the divisor */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_divide_options;
FV_API fv_value fv_divide_with(const fv_divide_options *options);

/* one value to the power of another. `fovea help power` says more. */
typedef struct fv_power_options {
    size_t size;
    fv_value x;                          /* the base */
    fv_value y;                          /* the exponent, of the same type */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_power_options;
FV_API fv_value fv_power_with(const fv_power_options *options);

/* what a division leaves over. `fovea help modulo` says more. */
typedef struct fv_modulo_options {
    size_t size;
    fv_value x;                          /* the dividend */
    fv_value y;                          /* the divisor, of the same type */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* whose sign the result has: y's or x's; default divisor; an fv_modulo_sign */
    int sign;
} fv_modulo_options;
FV_API fv_value fv_modulo_with(const fv_modulo_options *options);

/* the least of two or more values. `fovea help minimum` says more. */
typedef struct fv_minimum_options {
    size_t size;
    const fv_value *values;              /* two or more values, all of one type */
    int64_t count;                       /* of values */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_minimum_options;
FV_API fv_value fv_minimum_with(const fv_minimum_options *options);

/* the largest of two or more values. `fovea help maximum` says more. */
typedef struct fv_maximum_options {
    size_t size;
    const fv_value *values;              /* two or more values, all of one type */
    int64_t count;                       /* of values */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_maximum_options;
FV_API fv_value fv_maximum_with(const fv_maximum_options *options);

/* functions of one number: exp, log, sqrt, floor, sin, .... `fovea help math` says more. */
typedef struct fv_math_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int function;                        /* which function; required; an fv_math_function */
} fv_math_options;
FV_API fv_value fv_math_with(const fv_math_options *options);

/* numbers kept between two bounds. `fovea help clip` says more. */
typedef struct fv_clip_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double low;                          /* lower bound; default -inf */
    double high;                         /* upper bound; default inf */
} fv_clip_options;
FV_API fv_value fv_clip_with(const fv_clip_options *options);

/* the same numbers as another type. `fovea help cast` says more. */
typedef struct fv_cast_options {
    size_t size;
    fv_value x;                          /* any shape and type */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int to;                              /* the type of the result; required; an fv_cast_type */
} fv_cast_options;
FV_API fv_value fv_cast_with(const fv_cast_options *options);

/* equal, less or greater: truth values. `fovea help compare` says more. */
typedef struct fv_compare_options {
    size_t size;
    fv_value x;                          /* any shape and type */
    fv_value y;                          /* of the same type */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int kind;                            /* what is asked of x and y; required; an fv_comparison */
} fv_compare_options;
FV_API fv_value fv_compare_with(const fv_compare_options *options);

/* which numbers are infinite or no numbers: truth values. `fovea help is` says more. */
typedef struct fv_is_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int kind;                            /* what is asked of x; required; an fv_is_kind */
} fv_is_options;
FV_API fv_value fv_is_with(const fv_is_options *options);

/* and, or, xor and not of truth values or of bits. `fovea help logic` says more. */
typedef struct fv_logic_options {
    size_t size;
    fv_value x;                          /* truth values or whole numbers */
    fv_value y;                          /* of the same type; not: none */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int kind;                            /* which one; required; an fv_logic_kind */
} fv_logic_options;
FV_API fv_value fv_logic_with(const fv_logic_options *options);

/* from one value where a condition holds, from another elsewhere. `fovea help where` says more. */
typedef struct fv_where_options {
    size_t size;
    fv_value condition;                  /* truth values */
    fv_value x;                          /* taken where the condition holds */
    fv_value y;                          /* taken elsewhere */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_where_options;
FV_API fv_value fv_where_with(const fv_where_options *options);

/* the product of two matrices, or of many at once. `fovea help matmul` says more. */
typedef struct fv_matmul_options {
    size_t size;
    fv_value x;                          /* matrices on the left */
    fv_value y;                          /* matrices on the right, of the same type */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_matmul_options;
FV_API fv_value fv_matmul_with(const fv_matmul_options *options);

/* sums, means, extremes and norms over axes. `fovea help reduce` says more. */
typedef struct fv_reduce_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int kind;                            /* what becomes of the elements; default sum; an fv_reduce_kind */
    /* axes that vanish, the batch being 0; negative ones count from the end; default all but the batch; -8 to 7 */
    int64_t axes[8];
    bool keep;                           /* leave them, with size 1; default no */
} fv_reduce_options;
FV_API fv_value fv_reduce_with(const fv_reduce_options *options);

/* where the largest element lies along an axis. `fovea help argmax` says more. */
typedef struct fv_argmax_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* the axis, the batch being 0; negative ones count from the end; default -1; -8 to 7 */
    int64_t axis;
    bool keep;                           /* leave the axis, with size 1; default no */
    bool smallest;                       /* the smallest element instead; default no */
    bool last;                           /* of equal ones the last instead of the first; default no */
} fv_argmax_options;
FV_API fv_value fv_argmax_with(const fv_argmax_options *options);

/* running sums along an axis. `fovea help cumsum` says more. */
typedef struct fv_cumsum_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* the axis, the batch being 0; negative ones count from the end; default -1; -8 to 7 */
    int64_t axis;
    bool exclusive;                      /* without the element itself: the first sum is 0; default no */
    bool reverse;                        /* from the end; default no */
} fv_cumsum_options;
FV_API fv_value fv_cumsum_with(const fv_cumsum_options *options);

/* batch normalisation, by channel. `fovea help batchnorm` says more. */
typedef struct fv_batchnorm_options {
    size_t size;
    fv_value x;                          /* channels along the last dimension */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double epsilon;                      /* added to the variance; default 1e-05; 0 to 1 */
    double momentum;                     /* what a running statistic keeps of its old value; default 0.9; 0 to 1 */
    bool no_scale;                       /* do not multiply by a trainable number for each channel */
    bool no_bias;                        /* do not add a trainable number for each channel */
    bool no_unbiased;                    /* do not take the unbiased variance of the batch into the running one */
    /* nothing is trained, running statistics are used in training too; default no */
    bool frozen;
    const char *scale_initializer;       /* how the scale starts; default ones */
    const char *bias_initializer;        /* how the bias starts; default zeros */
    int activation;                      /* operator applied to the result; default none; an fv_activation */
} fv_batchnorm_options;
FV_API fv_value fv_batchnorm_with(const fv_batchnorm_options *options);

/* normalisation of each sample by groups of its channels. `fovea help groupnorm` says more. */
typedef struct fv_groupnorm_options {
    size_t size;
    fv_value x;                          /* channels along the last dimension */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* parts of the channels, each with its mean and variance; default 32; at least 1 */
    int64_t groups;
    double epsilon;                      /* added to the variance; default 1e-05; 0 to 1 */
    bool no_scale;                       /* do not multiply by a trainable number for each channel */
    bool no_bias;                        /* do not add a trainable number for each channel */
    const char *scale_initializer;       /* how the scale starts; default ones */
    const char *bias_initializer;        /* how the bias starts; default zeros */
    int activation;                      /* operator applied to the result; default none; an fv_activation */
} fv_groupnorm_options;
FV_API fv_value fv_groupnorm_with(const fv_groupnorm_options *options);

/* normalisation of the channels of every pixel by themselves. `fovea help layernorm` says more. */
typedef struct fv_layernorm_options {
    size_t size;
    fv_value x;                          /* channels along the last dimension */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double epsilon;                      /* added to the variance; default 1e-05; 0 to 1 */
    bool no_scale;                       /* do not multiply by a trainable number for each channel */
    bool no_bias;                        /* do not add a trainable number for each channel */
    const char *scale_initializer;       /* how the scale starts; default ones */
    const char *bias_initializer;        /* how the bias starts; default zeros */
    int activation;                      /* operator applied to the result; default none; an fv_activation */
} fv_layernorm_options;
FV_API fv_value fv_layernorm_with(const fv_layernorm_options *options);

/* normalisation of every feature map of each sample by itself. `fovea help instancenorm` says more. */
typedef struct fv_instancenorm_options {
    size_t size;
    fv_value x;                          /* channels along the last dimension */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double epsilon;                      /* added to the variance; default 1e-05; 0 to 1 */
    bool no_scale;                       /* do not multiply by a trainable number for each channel */
    bool no_bias;                        /* do not add a trainable number for each channel */
    const char *scale_initializer;       /* how the scale starts; default ones */
    const char *bias_initializer;        /* how the bias starts; default zeros */
    int activation;                      /* operator applied to the result; default none; an fv_activation */
} fv_instancenorm_options;
FV_API fv_value fv_instancenorm_with(const fv_instancenorm_options *options);

/* local response normalisation over neighbouring feature maps. `fovea help lrn` says more. */
typedef struct fv_lrn_options {
    size_t size;
    fv_value x;                          /* channels along the last dimension */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* feature maps that are summed, the one in the middle included; odd; default 5; at least 1 */
    int64_t window;
    double k;                            /* what is there without any response; default 2; at least 1e-09 */
    double alpha;                        /* how much each square counts; default 0.0001; at least 0 */
    double beta;                         /* exponent; default 0.75; at least 0 */
    /* alpha is divided by window, as PyTorch, Caffe and ONNX do: a mean instead of a sum; default no */
    bool mean;
} fv_lrn_options;
FV_API fv_value fv_lrn_with(const fv_lrn_options *options);

/* drops elements at random in training. `fovea help dropout` says more. */
typedef struct fv_dropout_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double rate;                         /* part of the elements that is dropped, below 1; default 0.5; 0 to 1 */
} fv_dropout_options;
FV_API fv_value fv_dropout_with(const fv_dropout_options *options);

/* max(x, 0). `fovea help relu` says more. */
typedef struct fv_relu_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_relu_options;
FV_API fv_value fv_relu_with(const fv_relu_options *options);

/* max(x, 0), but at most 6. `fovea help relu6` says more. */
typedef struct fv_relu6_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_relu6_options;
FV_API fv_value fv_relu6_with(const fv_relu6_options *options);

/* x, or a small part of it below 0. `fovea help leaky_relu` says more. */
typedef struct fv_leaky_relu_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double slope;                        /* factor below 0; default 0.01 */
} fv_leaky_relu_options;
FV_API fv_value fv_leaky_relu_with(const fv_leaky_relu_options *options);

/* x, or a trained slope times x below 0. `fovea help prelu` says more. */
typedef struct fv_prelu_options {
    size_t size;
    fv_value x;                          /* channels along the last dimension */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    bool shared;                         /* one slope for all channels instead of one for each; default no */
    const char *slope_initializer;       /* how the slopes start; default constant(0.25) */
} fv_prelu_options;
FV_API fv_value fv_prelu_with(const fv_prelu_options *options);

/* the largest of every k feature maps. `fovea help maxout` says more. */
typedef struct fv_maxout_options {
    size_t size;
    fv_value x;                          /* channels along the last dimension */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int64_t maps;                        /* feature maps that compete for one of the result; default 2; at least 1 */
} fv_maxout_options;
FV_API fv_value fv_maxout_with(const fv_maxout_options *options);

/* 1 / (1 + exp(-x)). `fovea help sigmoid` says more. */
typedef struct fv_sigmoid_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_sigmoid_options;
FV_API fv_value fv_sigmoid_with(const fv_sigmoid_options *options);

/* hyperbolic tangent. `fovea help tanh` says more. */
typedef struct fv_tanh_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_tanh_options;
FV_API fv_value fv_tanh_with(const fv_tanh_options *options);

/* 1.7159 tanh(2x/3), LeNet-5's squashing function. `fovea help scaled_tanh` says more. */
typedef struct fv_scaled_tanh_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_scaled_tanh_options;
FV_API fv_value fv_scaled_tanh_with(const fv_scaled_tanh_options *options);

/* x, or alpha (exp(x) - 1) below 0. `fovea help elu` says more. */
typedef struct fv_elu_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double alpha;                        /* what very negative numbers tend to, negated; default 1 */
} fv_elu_options;
FV_API fv_value fv_elu_with(const fv_elu_options *options);

/* x times the normal distribution function. `fovea help gelu` says more. */
typedef struct fv_gelu_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    int approximate;                     /* how the distribution function is computed; default erf; an fv_gelu_form */
} fv_gelu_options;
FV_API fv_value fv_gelu_with(const fv_gelu_options *options);

/* log(1 + exp(x)), a smooth relu. `fovea help softplus` says more. */
typedef struct fv_softplus_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_softplus_options;
FV_API fv_value fv_softplus_with(const fv_softplus_options *options);

/* x * sigmoid(beta x). `fovea help swish` says more. */
typedef struct fv_swish_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double beta;                         /* factor inside the sigmoid; default 1 */
} fv_swish_options;
FV_API fv_value fv_swish_with(const fv_swish_options *options);

/* a straight line between 0 and 1. `fovea help hard_sigmoid` says more. */
typedef struct fv_hard_sigmoid_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double slope;                        /* slope of the line; default 0.2 */
    double offset;                       /* what the line has at 0; default 0.5 */
} fv_hard_sigmoid_options;
FV_API fv_value fv_hard_sigmoid_with(const fv_hard_sigmoid_options *options);

/* x times a straight line between 0 and 1. `fovea help hard_swish` says more. */
typedef struct fv_hard_swish_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_hard_swish_options;
FV_API fv_value fv_hard_swish_with(const fv_hard_swish_options *options);

/* x times tanh(softplus(x)). `fovea help mish` says more. */
typedef struct fv_mish_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_mish_options;
FV_API fv_value fv_mish_with(const fv_mish_options *options);

/* an elu that keeps mean 0 and variance 1. `fovea help selu` says more. */
typedef struct fv_selu_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* what very negative numbers tend to, negated and before scale; default 1.6732631921768188 */
    double alpha;
    double scale;                        /* factor of the whole; default 1.0507010221481323 */
} fv_selu_options;
FV_API fv_value fv_selu_with(const fv_selu_options *options);

/* an elu with the slope 1 at 0 for every alpha. `fovea help celu` says more. */
typedef struct fv_celu_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double alpha;                        /* what very negative numbers tend to, negated; not 0; default 1 */
} fv_celu_options;
FV_API fv_value fv_celu_with(const fv_celu_options *options);

/* x / (1 + |x|). `fovea help softsign` says more. */
typedef struct fv_softsign_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_softsign_options;
FV_API fv_value fv_softsign_with(const fv_softsign_options *options);

/* x above a threshold, else 0. `fovea help thresholded_relu` says more. */
typedef struct fv_thresholded_relu_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double threshold;                    /* what is not above becomes 0; default 1 */
} fv_thresholded_relu_options;
FV_API fv_value fv_thresholded_relu_with(const fv_thresholded_relu_options *options);

/* numbers near 0 become 0, the others move towards it. `fovea help shrink` says more. */
typedef struct fv_shrink_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double threshold;                    /* what is between -threshold and threshold becomes 0; default 0.5 */
    double bias;                         /* how far the others move; default 0 */
} fv_shrink_options;
FV_API fv_value fv_shrink_with(const fv_shrink_options *options);

/* numbers to probabilities along the last dimension. `fovea help softmax` says more. */
typedef struct fv_softmax_options {
    size_t size;
    fv_value x;                          /* logits along the last dimension */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_softmax_options;
FV_API fv_value fv_softmax_with(const fv_softmax_options *options);

/* logarithms of probabilities along the last dimension. `fovea help log_softmax` says more. */
typedef struct fv_log_softmax_options {
    size_t size;
    fv_value x;                          /* logits along the last dimension */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_log_softmax_options;
FV_API fv_value fv_log_softmax_with(const fv_log_softmax_options *options);

/* loss of classification, from logits. `fovea help crossentropy` says more. */
typedef struct fv_crossentropy_options {
    size_t size;
    fv_value prediction;                 /* logits, classes along the last dimension */
    fv_value target;                     /* class numbers (i32), or probabilities (f32) */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double smoothing;                    /* part of the target spread evenly over all classes; default 0; 0 to 1 */
    double temperature;                  /* the logits are divided by it; default 1; 0.001 to 1e+03 */
} fv_crossentropy_options;
FV_API fv_value fv_crossentropy_with(const fv_crossentropy_options *options);

/* loss: cross-entropy of yes and no, from logits. `fovea help binary_crossentropy` says more. */
typedef struct fv_binary_crossentropy_options {
    size_t size;
    fv_value prediction;                 /* logits, any shape */
    fv_value target;                     /* the same shape, 0 to 1 */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_binary_crossentropy_options;
FV_API fv_value fv_binary_crossentropy_with(const fv_binary_crossentropy_options *options);

/* loss: mean squared error. `fovea help mse` says more. */
typedef struct fv_mse_options {
    size_t size;
    fv_value prediction;                 /* any shape */
    fv_value target;                     /* the same shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_mse_options;
FV_API fv_value fv_mse_with(const fv_mse_options *options);

/* loss: mean absolute error. `fovea help mae` says more. */
typedef struct fv_mae_options {
    size_t size;
    fv_value prediction;                 /* any shape */
    fv_value target;                     /* the same shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_mae_options;
FV_API fv_value fv_mae_with(const fv_mae_options *options);

/* loss: hinge loss for targets -1 and 1. `fovea help hinge` says more. */
typedef struct fv_hinge_options {
    size_t size;
    fv_value prediction;                 /* any shape */
    fv_value target;                     /* the same shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
} fv_hinge_options;
FV_API fv_value fv_hinge_with(const fv_hinge_options *options);

/* loss of LeNet-5, over distances to class codes. `fovea help rbf_loss` says more. */
typedef struct fv_rbf_loss_options {
    size_t size;
    fv_value prediction;                 /* distances, classes along the last dimension */
    fv_value target;                     /* class numbers (i32) */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    /* map also pushes the wrong classes away (eq. 9), plain does not (eq. 8); default map; an fv_rbf_form */
    int form;
    /* distance of the rubbish class in eq. 9: who is farther is pushed no more; default 0.1; 0 to 1e+03 */
    double j;
} fv_rbf_loss_options;
FV_API fv_value fv_rbf_loss_with(const fv_rbf_loss_options *options);

/* loss: l1 and l2 penalty on any value. `fovea help penalty` says more. */
typedef struct fv_penalty_options {
    size_t size;
    fv_value x;                          /* any shape */
    const char *name;                    /* of the layer; default: the operator's with its ordinal */
    double l1;                           /* factor of the sum of absolute values; default 0; at least 0 */
    double l2;                           /* factor of the sum of squares; default 0; at least 0 */
} fv_penalty_options;
FV_API fv_value fv_penalty_with(const fv_penalty_options *options);

#ifdef __cplusplus
}

#define fv_conv(X1, ...) \
    fv_conv_with(fv_address_of(fv_conv_options{.size = sizeof(fv_conv_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_conv_transpose(X1, ...) \
    fv_conv_transpose_with(fv_address_of(fv_conv_transpose_options{.size = sizeof(fv_conv_transpose_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_dense(X1, ...) \
    fv_dense_with(fv_address_of(fv_dense_options{.size = sizeof(fv_dense_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_maxpool(X1, ...) \
    fv_maxpool_with(fv_address_of(fv_maxpool_options{.size = sizeof(fv_maxpool_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_avgpool(X1, ...) \
    fv_avgpool_with(fv_address_of(fv_avgpool_options{.size = sizeof(fv_avgpool_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_globalavgpool(X1, ...) \
    fv_globalavgpool_with(fv_address_of(fv_globalavgpool_options{.size = sizeof(fv_globalavgpool_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_globalmaxpool(X1, ...) \
    fv_globalmaxpool_with(fv_address_of(fv_globalmaxpool_options{.size = sizeof(fv_globalmaxpool_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_subsample(X1, ...) \
    fv_subsample_with(fv_address_of(fv_subsample_options{.size = sizeof(fv_subsample_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_unpool(X1, X2, ...) \
    fv_unpool_with(fv_address_of(fv_unpool_options{.size = sizeof(fv_unpool_options), .value = (X1), .x = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_pool_pick(X1, X2, ...) \
    fv_pool_pick_with(fv_address_of(fv_pool_pick_options{.size = sizeof(fv_pool_pick_options), .x = (X1), .from = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_resize(X1, ...) \
    fv_resize_with(fv_address_of(fv_resize_options{.size = sizeof(fv_resize_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_pad(X1, ...) \
    fv_pad_with(fv_address_of(fv_pad_options{.size = sizeof(fv_pad_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_crop(X1, ...) \
    fv_crop_with(fv_address_of(fv_crop_options{.size = sizeof(fv_crop_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_rbf(X1, ...) \
    fv_rbf_with(fv_address_of(fv_rbf_options{.size = sizeof(fv_rbf_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_numbers(NET, ...) \
    fv_numbers_with(fv_address_of(fv_numbers_options{.size = sizeof(fv_numbers_options), .net = (NET) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_flatten(X1, ...) \
    fv_flatten_with(fv_address_of(fv_flatten_options{.size = sizeof(fv_flatten_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_reshape(X1, ...) \
    fv_reshape_with(fv_address_of(fv_reshape_options{.size = sizeof(fv_reshape_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_concat(...) fv_concat_with(FV_OPTIONS(fv_concat_options, __VA_ARGS__))
#define fv_resample(X1, ...) \
    fv_resample_with(fv_address_of(fv_resample_options{.size = sizeof(fv_resample_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_grid_sample(X1, X2, ...) \
    fv_grid_sample_with(fv_address_of(fv_grid_sample_options{.size = sizeof(fv_grid_sample_options), .x = (X1), .grid = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_roi_align(X1, X2, X3, ...) \
    fv_roi_align_with(fv_address_of(fv_roi_align_options{.size = sizeof(fv_roi_align_options), .x = (X1), .regions = (X2), .of = (X3) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_deform_columns(X1, X2, ...) \
    fv_deform_columns_with(fv_address_of(fv_deform_columns_options{.size = sizeof(fv_deform_columns_options), .x = (X1), .offset = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_col2im(X1, ...) \
    fv_col2im_with(fv_address_of(fv_col2im_options{.size = sizeof(fv_col2im_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_pad_axes(X1, ...) \
    fv_pad_axes_with(fv_address_of(fv_pad_axes_options{.size = sizeof(fv_pad_axes_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_transpose(X1, ...) \
    fv_transpose_with(fv_address_of(fv_transpose_options{.size = sizeof(fv_transpose_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_slice(X1, ...) \
    fv_slice_with(fv_address_of(fv_slice_options{.size = sizeof(fv_slice_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_split(X1, ...) \
    fv_split_with(fv_address_of(fv_split_options{.size = sizeof(fv_split_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_expand(X1, ...) \
    fv_expand_with(fv_address_of(fv_expand_options{.size = sizeof(fv_expand_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_tile(X1, ...) \
    fv_tile_with(fv_address_of(fv_tile_options{.size = sizeof(fv_tile_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_gather(X1, X2, ...) \
    fv_gather_with(fv_address_of(fv_gather_options{.size = sizeof(fv_gather_options), .table = (X1), .index = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_gather_elements(X1, X2, ...) \
    fv_gather_elements_with(fv_address_of(fv_gather_elements_options{.size = sizeof(fv_gather_elements_options), .x = (X1), .index = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_gather_nd(X1, X2, ...) \
    fv_gather_nd_with(fv_address_of(fv_gather_nd_options{.size = sizeof(fv_gather_nd_options), .x = (X1), .index = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_scatter_elements(X1, X2, X3, ...) \
    fv_scatter_elements_with(fv_address_of(fv_scatter_elements_options{.size = sizeof(fv_scatter_elements_options), .x = (X1), .index = (X2), .updates = (X3) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_scatter_nd(X1, X2, X3, ...) \
    fv_scatter_nd_with(fv_address_of(fv_scatter_nd_options{.size = sizeof(fv_scatter_nd_options), .x = (X1), .index = (X2), .updates = (X3) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_one_hot(X1, X2, ...) \
    fv_one_hot_with(fv_address_of(fv_one_hot_options{.size = sizeof(fv_one_hot_options), .index = (X1), .values = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_top(X1, ...) \
    fv_top_with(fv_address_of(fv_top_options{.size = sizeof(fv_top_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_trilu(X1, ...) \
    fv_trilu_with(fv_address_of(fv_trilu_options{.size = sizeof(fv_trilu_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_nms(X1, X2, ...) \
    fv_nms_with(fv_address_of(fv_nms_options{.size = sizeof(fv_nms_options), .boxes = (X1), .scores = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_add(...) fv_add_with(FV_OPTIONS(fv_add_options, __VA_ARGS__))
#define fv_multiply(...) fv_multiply_with(FV_OPTIONS(fv_multiply_options, __VA_ARGS__))
#define fv_subtract(X1, X2, ...) \
    fv_subtract_with(fv_address_of(fv_subtract_options{.size = sizeof(fv_subtract_options), .x = (X1), .y = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_divide(X1, X2, ...) \
    fv_divide_with(fv_address_of(fv_divide_options{.size = sizeof(fv_divide_options), .x = (X1), .y = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_power(X1, X2, ...) \
    fv_power_with(fv_address_of(fv_power_options{.size = sizeof(fv_power_options), .x = (X1), .y = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_modulo(X1, X2, ...) \
    fv_modulo_with(fv_address_of(fv_modulo_options{.size = sizeof(fv_modulo_options), .x = (X1), .y = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_minimum(...) fv_minimum_with(FV_OPTIONS(fv_minimum_options, __VA_ARGS__))
#define fv_maximum(...) fv_maximum_with(FV_OPTIONS(fv_maximum_options, __VA_ARGS__))
#define fv_math(X1, ...) \
    fv_math_with(fv_address_of(fv_math_options{.size = sizeof(fv_math_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_clip(X1, ...) \
    fv_clip_with(fv_address_of(fv_clip_options{.size = sizeof(fv_clip_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_cast(X1, ...) \
    fv_cast_with(fv_address_of(fv_cast_options{.size = sizeof(fv_cast_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_compare(X1, X2, ...) \
    fv_compare_with(fv_address_of(fv_compare_options{.size = sizeof(fv_compare_options), .x = (X1), .y = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_is(X1, ...) \
    fv_is_with(fv_address_of(fv_is_options{.size = sizeof(fv_is_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_logic(X1, ...) \
    fv_logic_with(fv_address_of(fv_logic_options{.size = sizeof(fv_logic_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_where(X1, X2, X3, ...) \
    fv_where_with(fv_address_of(fv_where_options{.size = sizeof(fv_where_options), .condition = (X1), .x = (X2), .y = (X3) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_matmul(X1, X2, ...) \
    fv_matmul_with(fv_address_of(fv_matmul_options{.size = sizeof(fv_matmul_options), .x = (X1), .y = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_reduce(X1, ...) \
    fv_reduce_with(fv_address_of(fv_reduce_options{.size = sizeof(fv_reduce_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_argmax(X1, ...) \
    fv_argmax_with(fv_address_of(fv_argmax_options{.size = sizeof(fv_argmax_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_cumsum(X1, ...) \
    fv_cumsum_with(fv_address_of(fv_cumsum_options{.size = sizeof(fv_cumsum_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_batchnorm(X1, ...) \
    fv_batchnorm_with(fv_address_of(fv_batchnorm_options{.size = sizeof(fv_batchnorm_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_groupnorm(X1, ...) \
    fv_groupnorm_with(fv_address_of(fv_groupnorm_options{.size = sizeof(fv_groupnorm_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_layernorm(X1, ...) \
    fv_layernorm_with(fv_address_of(fv_layernorm_options{.size = sizeof(fv_layernorm_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_instancenorm(X1, ...) \
    fv_instancenorm_with(fv_address_of(fv_instancenorm_options{.size = sizeof(fv_instancenorm_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_lrn(X1, ...) \
    fv_lrn_with(fv_address_of(fv_lrn_options{.size = sizeof(fv_lrn_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_dropout(X1, ...) \
    fv_dropout_with(fv_address_of(fv_dropout_options{.size = sizeof(fv_dropout_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_relu(X1, ...) \
    fv_relu_with(fv_address_of(fv_relu_options{.size = sizeof(fv_relu_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_relu6(X1, ...) \
    fv_relu6_with(fv_address_of(fv_relu6_options{.size = sizeof(fv_relu6_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_leaky_relu(X1, ...) \
    fv_leaky_relu_with(fv_address_of(fv_leaky_relu_options{.size = sizeof(fv_leaky_relu_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_prelu(X1, ...) \
    fv_prelu_with(fv_address_of(fv_prelu_options{.size = sizeof(fv_prelu_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_maxout(X1, ...) \
    fv_maxout_with(fv_address_of(fv_maxout_options{.size = sizeof(fv_maxout_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_sigmoid(X1, ...) \
    fv_sigmoid_with(fv_address_of(fv_sigmoid_options{.size = sizeof(fv_sigmoid_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_tanh(X1, ...) \
    fv_tanh_with(fv_address_of(fv_tanh_options{.size = sizeof(fv_tanh_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_scaled_tanh(X1, ...) \
    fv_scaled_tanh_with(fv_address_of(fv_scaled_tanh_options{.size = sizeof(fv_scaled_tanh_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_elu(X1, ...) \
    fv_elu_with(fv_address_of(fv_elu_options{.size = sizeof(fv_elu_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_gelu(X1, ...) \
    fv_gelu_with(fv_address_of(fv_gelu_options{.size = sizeof(fv_gelu_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_softplus(X1, ...) \
    fv_softplus_with(fv_address_of(fv_softplus_options{.size = sizeof(fv_softplus_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_swish(X1, ...) \
    fv_swish_with(fv_address_of(fv_swish_options{.size = sizeof(fv_swish_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_hard_sigmoid(X1, ...) \
    fv_hard_sigmoid_with(fv_address_of(fv_hard_sigmoid_options{.size = sizeof(fv_hard_sigmoid_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_hard_swish(X1, ...) \
    fv_hard_swish_with(fv_address_of(fv_hard_swish_options{.size = sizeof(fv_hard_swish_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_mish(X1, ...) \
    fv_mish_with(fv_address_of(fv_mish_options{.size = sizeof(fv_mish_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_selu(X1, ...) \
    fv_selu_with(fv_address_of(fv_selu_options{.size = sizeof(fv_selu_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_celu(X1, ...) \
    fv_celu_with(fv_address_of(fv_celu_options{.size = sizeof(fv_celu_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_softsign(X1, ...) \
    fv_softsign_with(fv_address_of(fv_softsign_options{.size = sizeof(fv_softsign_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_thresholded_relu(X1, ...) \
    fv_thresholded_relu_with(fv_address_of(fv_thresholded_relu_options{.size = sizeof(fv_thresholded_relu_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_shrink(X1, ...) \
    fv_shrink_with(fv_address_of(fv_shrink_options{.size = sizeof(fv_shrink_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_softmax(X1, ...) \
    fv_softmax_with(fv_address_of(fv_softmax_options{.size = sizeof(fv_softmax_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_log_softmax(X1, ...) \
    fv_log_softmax_with(fv_address_of(fv_log_softmax_options{.size = sizeof(fv_log_softmax_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_crossentropy(X1, X2, ...) \
    fv_crossentropy_with(fv_address_of(fv_crossentropy_options{.size = sizeof(fv_crossentropy_options), .prediction = (X1), .target = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_binary_crossentropy(X1, X2, ...) \
    fv_binary_crossentropy_with(fv_address_of(fv_binary_crossentropy_options{.size = sizeof(fv_binary_crossentropy_options), .prediction = (X1), .target = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_mse(X1, X2, ...) \
    fv_mse_with(fv_address_of(fv_mse_options{.size = sizeof(fv_mse_options), .prediction = (X1), .target = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_mae(X1, X2, ...) \
    fv_mae_with(fv_address_of(fv_mae_options{.size = sizeof(fv_mae_options), .prediction = (X1), .target = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_hinge(X1, X2, ...) \
    fv_hinge_with(fv_address_of(fv_hinge_options{.size = sizeof(fv_hinge_options), .prediction = (X1), .target = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_rbf_loss(X1, X2, ...) \
    fv_rbf_loss_with(fv_address_of(fv_rbf_loss_options{.size = sizeof(fv_rbf_loss_options), .prediction = (X1), .target = (X2) __VA_OPT__(, ) __VA_ARGS__}))
#define fv_penalty(X1, ...) \
    fv_penalty_with(fv_address_of(fv_penalty_options{.size = sizeof(fv_penalty_options), .x = (X1) __VA_OPT__(, ) __VA_ARGS__}))
#else
#define fv_conv(...) fv_conv_with(FV_OPTIONS(fv_conv_options, __VA_ARGS__))
#define fv_conv_transpose(...) fv_conv_transpose_with(FV_OPTIONS(fv_conv_transpose_options, __VA_ARGS__))
#define fv_dense(...) fv_dense_with(FV_OPTIONS(fv_dense_options, __VA_ARGS__))
#define fv_maxpool(...) fv_maxpool_with(FV_OPTIONS(fv_maxpool_options, __VA_ARGS__))
#define fv_avgpool(...) fv_avgpool_with(FV_OPTIONS(fv_avgpool_options, __VA_ARGS__))
#define fv_globalavgpool(...) fv_globalavgpool_with(FV_OPTIONS(fv_globalavgpool_options, __VA_ARGS__))
#define fv_globalmaxpool(...) fv_globalmaxpool_with(FV_OPTIONS(fv_globalmaxpool_options, __VA_ARGS__))
#define fv_subsample(...) fv_subsample_with(FV_OPTIONS(fv_subsample_options, __VA_ARGS__))
#define fv_unpool(...) fv_unpool_with(FV_OPTIONS(fv_unpool_options, __VA_ARGS__))
#define fv_pool_pick(...) fv_pool_pick_with(FV_OPTIONS(fv_pool_pick_options, __VA_ARGS__))
#define fv_resize(...) fv_resize_with(FV_OPTIONS(fv_resize_options, __VA_ARGS__))
#define fv_pad(...) fv_pad_with(FV_OPTIONS(fv_pad_options, __VA_ARGS__))
#define fv_crop(...) fv_crop_with(FV_OPTIONS(fv_crop_options, __VA_ARGS__))
#define fv_rbf(...) fv_rbf_with(FV_OPTIONS(fv_rbf_options, __VA_ARGS__))
#define fv_numbers(...) fv_numbers_with(FV_OPTIONS(fv_numbers_options, __VA_ARGS__))
#define fv_flatten(...) fv_flatten_with(FV_OPTIONS(fv_flatten_options, __VA_ARGS__))
#define fv_reshape(...) fv_reshape_with(FV_OPTIONS(fv_reshape_options, __VA_ARGS__))
#define fv_concat(...) fv_concat_with(FV_OPTIONS(fv_concat_options, __VA_ARGS__))
#define fv_resample(...) fv_resample_with(FV_OPTIONS(fv_resample_options, __VA_ARGS__))
#define fv_grid_sample(...) fv_grid_sample_with(FV_OPTIONS(fv_grid_sample_options, __VA_ARGS__))
#define fv_roi_align(...) fv_roi_align_with(FV_OPTIONS(fv_roi_align_options, __VA_ARGS__))
#define fv_deform_columns(...) fv_deform_columns_with(FV_OPTIONS(fv_deform_columns_options, __VA_ARGS__))
#define fv_col2im(...) fv_col2im_with(FV_OPTIONS(fv_col2im_options, __VA_ARGS__))
#define fv_pad_axes(...) fv_pad_axes_with(FV_OPTIONS(fv_pad_axes_options, __VA_ARGS__))
#define fv_transpose(...) fv_transpose_with(FV_OPTIONS(fv_transpose_options, __VA_ARGS__))
#define fv_slice(...) fv_slice_with(FV_OPTIONS(fv_slice_options, __VA_ARGS__))
#define fv_split(...) fv_split_with(FV_OPTIONS(fv_split_options, __VA_ARGS__))
#define fv_expand(...) fv_expand_with(FV_OPTIONS(fv_expand_options, __VA_ARGS__))
#define fv_tile(...) fv_tile_with(FV_OPTIONS(fv_tile_options, __VA_ARGS__))
#define fv_gather(...) fv_gather_with(FV_OPTIONS(fv_gather_options, __VA_ARGS__))
#define fv_gather_elements(...) fv_gather_elements_with(FV_OPTIONS(fv_gather_elements_options, __VA_ARGS__))
#define fv_gather_nd(...) fv_gather_nd_with(FV_OPTIONS(fv_gather_nd_options, __VA_ARGS__))
#define fv_scatter_elements(...) fv_scatter_elements_with(FV_OPTIONS(fv_scatter_elements_options, __VA_ARGS__))
#define fv_scatter_nd(...) fv_scatter_nd_with(FV_OPTIONS(fv_scatter_nd_options, __VA_ARGS__))
#define fv_one_hot(...) fv_one_hot_with(FV_OPTIONS(fv_one_hot_options, __VA_ARGS__))
#define fv_top(...) fv_top_with(FV_OPTIONS(fv_top_options, __VA_ARGS__))
#define fv_trilu(...) fv_trilu_with(FV_OPTIONS(fv_trilu_options, __VA_ARGS__))
#define fv_nms(...) fv_nms_with(FV_OPTIONS(fv_nms_options, __VA_ARGS__))
#define fv_add(...) fv_add_with(FV_OPTIONS(fv_add_options, __VA_ARGS__))
#define fv_multiply(...) fv_multiply_with(FV_OPTIONS(fv_multiply_options, __VA_ARGS__))
#define fv_subtract(...) fv_subtract_with(FV_OPTIONS(fv_subtract_options, __VA_ARGS__))
#define fv_divide(...) fv_divide_with(FV_OPTIONS(fv_divide_options, __VA_ARGS__))
#define fv_power(...) fv_power_with(FV_OPTIONS(fv_power_options, __VA_ARGS__))
#define fv_modulo(...) fv_modulo_with(FV_OPTIONS(fv_modulo_options, __VA_ARGS__))
#define fv_minimum(...) fv_minimum_with(FV_OPTIONS(fv_minimum_options, __VA_ARGS__))
#define fv_maximum(...) fv_maximum_with(FV_OPTIONS(fv_maximum_options, __VA_ARGS__))
#define fv_math(...) fv_math_with(FV_OPTIONS(fv_math_options, __VA_ARGS__))
#define fv_clip(...) fv_clip_with(FV_OPTIONS(fv_clip_options, __VA_ARGS__))
#define fv_cast(...) fv_cast_with(FV_OPTIONS(fv_cast_options, __VA_ARGS__))
#define fv_compare(...) fv_compare_with(FV_OPTIONS(fv_compare_options, __VA_ARGS__))
#define fv_is(...) fv_is_with(FV_OPTIONS(fv_is_options, __VA_ARGS__))
#define fv_logic(...) fv_logic_with(FV_OPTIONS(fv_logic_options, __VA_ARGS__))
#define fv_where(...) fv_where_with(FV_OPTIONS(fv_where_options, __VA_ARGS__))
#define fv_matmul(...) fv_matmul_with(FV_OPTIONS(fv_matmul_options, __VA_ARGS__))
#define fv_reduce(...) fv_reduce_with(FV_OPTIONS(fv_reduce_options, __VA_ARGS__))
#define fv_argmax(...) fv_argmax_with(FV_OPTIONS(fv_argmax_options, __VA_ARGS__))
#define fv_cumsum(...) fv_cumsum_with(FV_OPTIONS(fv_cumsum_options, __VA_ARGS__))
#define fv_batchnorm(...) fv_batchnorm_with(FV_OPTIONS(fv_batchnorm_options, __VA_ARGS__))
#define fv_groupnorm(...) fv_groupnorm_with(FV_OPTIONS(fv_groupnorm_options, __VA_ARGS__))
#define fv_layernorm(...) fv_layernorm_with(FV_OPTIONS(fv_layernorm_options, __VA_ARGS__))
#define fv_instancenorm(...) fv_instancenorm_with(FV_OPTIONS(fv_instancenorm_options, __VA_ARGS__))
#define fv_lrn(...) fv_lrn_with(FV_OPTIONS(fv_lrn_options, __VA_ARGS__))
#define fv_dropout(...) fv_dropout_with(FV_OPTIONS(fv_dropout_options, __VA_ARGS__))
#define fv_relu(...) fv_relu_with(FV_OPTIONS(fv_relu_options, __VA_ARGS__))
#define fv_relu6(...) fv_relu6_with(FV_OPTIONS(fv_relu6_options, __VA_ARGS__))
#define fv_leaky_relu(...) fv_leaky_relu_with(FV_OPTIONS(fv_leaky_relu_options, __VA_ARGS__))
#define fv_prelu(...) fv_prelu_with(FV_OPTIONS(fv_prelu_options, __VA_ARGS__))
#define fv_maxout(...) fv_maxout_with(FV_OPTIONS(fv_maxout_options, __VA_ARGS__))
#define fv_sigmoid(...) fv_sigmoid_with(FV_OPTIONS(fv_sigmoid_options, __VA_ARGS__))
#define fv_tanh(...) fv_tanh_with(FV_OPTIONS(fv_tanh_options, __VA_ARGS__))
#define fv_scaled_tanh(...) fv_scaled_tanh_with(FV_OPTIONS(fv_scaled_tanh_options, __VA_ARGS__))
#define fv_elu(...) fv_elu_with(FV_OPTIONS(fv_elu_options, __VA_ARGS__))
#define fv_gelu(...) fv_gelu_with(FV_OPTIONS(fv_gelu_options, __VA_ARGS__))
#define fv_softplus(...) fv_softplus_with(FV_OPTIONS(fv_softplus_options, __VA_ARGS__))
#define fv_swish(...) fv_swish_with(FV_OPTIONS(fv_swish_options, __VA_ARGS__))
#define fv_hard_sigmoid(...) fv_hard_sigmoid_with(FV_OPTIONS(fv_hard_sigmoid_options, __VA_ARGS__))
#define fv_hard_swish(...) fv_hard_swish_with(FV_OPTIONS(fv_hard_swish_options, __VA_ARGS__))
#define fv_mish(...) fv_mish_with(FV_OPTIONS(fv_mish_options, __VA_ARGS__))
#define fv_selu(...) fv_selu_with(FV_OPTIONS(fv_selu_options, __VA_ARGS__))
#define fv_celu(...) fv_celu_with(FV_OPTIONS(fv_celu_options, __VA_ARGS__))
#define fv_softsign(...) fv_softsign_with(FV_OPTIONS(fv_softsign_options, __VA_ARGS__))
#define fv_thresholded_relu(...) fv_thresholded_relu_with(FV_OPTIONS(fv_thresholded_relu_options, __VA_ARGS__))
#define fv_shrink(...) fv_shrink_with(FV_OPTIONS(fv_shrink_options, __VA_ARGS__))
#define fv_softmax(...) fv_softmax_with(FV_OPTIONS(fv_softmax_options, __VA_ARGS__))
#define fv_log_softmax(...) fv_log_softmax_with(FV_OPTIONS(fv_log_softmax_options, __VA_ARGS__))
#define fv_crossentropy(...) fv_crossentropy_with(FV_OPTIONS(fv_crossentropy_options, __VA_ARGS__))
#define fv_binary_crossentropy(...) fv_binary_crossentropy_with(FV_OPTIONS(fv_binary_crossentropy_options, __VA_ARGS__))
#define fv_mse(...) fv_mse_with(FV_OPTIONS(fv_mse_options, __VA_ARGS__))
#define fv_mae(...) fv_mae_with(FV_OPTIONS(fv_mae_options, __VA_ARGS__))
#define fv_hinge(...) fv_hinge_with(FV_OPTIONS(fv_hinge_options, __VA_ARGS__))
#define fv_rbf_loss(...) fv_rbf_loss_with(FV_OPTIONS(fv_rbf_loss_options, __VA_ARGS__))
#define fv_penalty(...) fv_penalty_with(FV_OPTIONS(fv_penalty_options, __VA_ARGS__))
#endif

#endif
