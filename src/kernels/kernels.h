/* kernels.h - HOW arithmetic is done: one table of routines for a device.
 *
 * A kernel knows no nets and no names. It gets a geometry (plain numbers, fixed when a run is planned), the number of
 * samples of this call, and pointers. Everything is channels last and row-major.
 *
 * Real numbers are `real`: float in every table but the double one, which only checks use. Class numbers are int32.
 *
 * Bits. A routine's result depends on its geometry, the number of samples and its inputs, never on the number of
 * threads or on the planned batch. Every sum over samples is a left fold over FV_SLOTS slots of consecutive samples
 * (fv_slot): sum slot 0, add slot 1's sum, and so on.
 */
#ifndef FV_KERNELS_H
#define FV_KERNELS_H

#include "fovea.h"
#include "places.h"
#include "pool.h"

enum { FV_SLOTS = 8, FV_MAX_ARGS = 20 }; /* the longest: a custom operator's backward, 8 + 1 + 8 + 1 */

/* First sample of slot s of n samples; slot s ends where slot s+1 begins. */
static inline int64_t fv_slot(int64_t n, int s) { return n * s / FV_SLOTS; }

/* ---- geometries ---------------------------------------------------------------------------------------------------
 */

/* Element functions of one argument. a and b are their parameters. */
typedef enum fv_unary {
    FV_U_COPY,
    FV_U_RELU,       /* max(x, 0) */
    FV_U_LEAKY_RELU, /* x > 0 ? x : a*x */
    FV_U_SIGMOID,    /* 1 / (1 + exp(-x)) */
    FV_U_TANH,       /* a * tanh(b*x) */
    FV_U_ELU,        /* x > 0 ? x : a*(exp(x) - 1) */
    FV_U_GELU,       /* x * Phi(x), with erf */
    FV_U_GELU_TANH,  /* its tanh approximation */
    FV_U_SOFTPLUS,   /* log(1 + exp(x)) */
    FV_U_SWISH,      /* x * sigmoid(a*x) */
    FV_U_EXP,
    FV_U_LOG,
    FV_U_SQRT,
    FV_U_ABS,
    FV_U_NEG,
    FV_U_SQUARE,
    FV_U_SIGN,
    FV_U_RECIPROCAL,
    FV_U_SCALE, /* a*x + b */
    FV_U_CLIP,  /* min(max(x, a), b) */
    FV_U_FLOOR,
    FV_U_CEIL,
    FV_U_ROUND, /* to the nearest whole number, halves to the even one */
    FV_U_SIN,
    FV_U_COS,
    FV_U_TAN,
    FV_U_ASIN,
    FV_U_ACOS,
    FV_U_ATAN,
    FV_U_SINH,
    FV_U_COSH,
    FV_U_ASINH,
    FV_U_ACOSH,
    FV_U_ATANH,
    FV_U_ERF,
    FV_U_HARD_SIGMOID,     /* min(max(a*x + b, 0), 1) */
    FV_U_HARD_SWISH,       /* x * min(max(x/6 + 1/2, 0), 1) */
    FV_U_MISH,             /* x * tanh(log(1 + exp(x))) */
    FV_U_SELU,             /* b * (x > 0 ? x : a*(exp(x) - 1)) */
    FV_U_CELU,             /* x > 0 ? x : a*(exp(x/a) - 1) */
    FV_U_SOFTSIGN,         /* x / (1 + |x|) */
    FV_U_THRESHOLDED_RELU, /* x > a ? x : 0 */
    FV_U_SHRINK,           /* x > a ? x - b : x < -a ? x + b : 0 */
    FV_U_COUNT
} fv_unary;

typedef enum fv_binary { FV_B_ADD, FV_B_SUB, FV_B_MUL, FV_B_DIV, FV_B_MAX, FV_B_MIN, FV_B_COUNT } fv_binary;

typedef enum fv_reduction { FV_SUM, FV_MEAN, FV_MAXIMUM, FV_MINIMUM, FV_SUM_SQUARES, FV_SUM_ABS, FV_PRODUCT } fv_reduction;

/* Functions of cells of any type; see fv_elements_geom. Whole numbers: rules in integers.h. */
typedef enum fv_element {
    /* of one cell */
    FV_EL_CAST, /* to the result's type */
    FV_EL_ABS,
    FV_EL_NEG,
    FV_EL_SIGN,
    FV_EL_NOT,    /* truth values; of whole numbers every bit */
    FV_EL_IS_NAN, /* these: reals to truth values */
    FV_EL_IS_INF,
    FV_EL_IS_POSITIVE_INF,
    FV_EL_IS_NEGATIVE_INF,
    /* of two */
    FV_EL_ADD,
    FV_EL_SUB,
    FV_EL_MUL,
    FV_EL_DIV, /* whole numbers: towards zero */
    FV_EL_MAX,
    FV_EL_MIN,
    FV_EL_POW,
    FV_EL_MODULO,    /* with the sign of the divisor, as Python's % */
    FV_EL_REMAINDER, /* with the sign of the dividend, as C's fmod and % */
    FV_EL_AND,       /* these: truth values; of whole numbers every bit */
    FV_EL_OR,
    FV_EL_XOR,
    FV_EL_SHIFT_LEFT,
    FV_EL_SHIFT_RIGHT,
    FV_EL_EQUAL, /* these: to truth values */
    FV_EL_NOT_EQUAL,
    FV_EL_LESS,
    FV_EL_LESS_EQUAL,
    FV_EL_GREATER,
    FV_EL_GREATER_EQUAL,
    FV_EL_COUNT
} fv_element;

typedef enum fv_pooling { FV_POOL_MAX, FV_POOL_MEAN, FV_POOL_MEAN_PADDED, FV_POOL_SUM } fv_pooling;

/* An activation done on the way out of a routine. */
typedef struct fv_epilogue {
    fv_unary act; /* FV_U_COPY: none */
    double a, b;
} fv_epilogue;

/* Convolution over (depth, height, width); one- and two-dimensional ones have leading sizes of 1, dense layers all
 * sizes 1. Weights are [kd][kh][kw][c/groups][f]; group i reads channels i*c/groups.. and makes filters i*f/groups.. .
 * y[o] = sum over k: x[o*stride - pad + k*dilation] * w[k], or w[last - k] when flipped (true convolution). */
typedef struct fv_conv_geom {
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3];
    int64_t pad[3]; /* before; what lies behind follows from the sizes */
    int64_t c, f, groups;
    int64_t x_pixel, y_pixel; /* elements from pixel to pixel: c and f, or more in a slice of a concat */
    bool flipped;
    bool add; /* forward: y = act(conv + bias + add), read through argument `add` */
    fv_epilogue epilogue;
} fv_conv_geom;

typedef struct fv_pool_geom {
    int64_t in[3], out[3], window[3], stride[3], pad[3], dilation[3];
    int64_t c, x_pixel, y_pixel;
    fv_pooling kind; /* MEAN divides by the cells inside the picture, MEAN_PADDED by the window */
    int64_t dx_pixel, dy_pixel; /* backward: of the gradients; 0: as x_pixel and y_pixel */
    int64_t add_pixel;          /* 0: as dx */
    bool add;                   /* backward of MAX: another gradient of x is added, read through argument `add` */
    bool relu;                  /* backward of MAX: x came out of a ReLU, whose gradient is taken, too, last of all */
} fv_pool_geom;

typedef struct fv_unary_geom {
    fv_unary kind;
    double a, b;
    int64_t each; /* elements of one sample */
    /* Elements of a row, and from row to row of every argument (0: the row's length); row 0: all arguments are dense. */
    int64_t row, pixel[4];
} fv_unary_geom;

typedef struct fv_binary_geom {
    fv_binary kind;
    fv_walk walk;
} fv_binary_geom;

typedef struct fv_copy_geom {
    fv_walk walk;    /* y and a */
    int element;     /* bytes: 1, 4 or 8; real operands: sizeof(real) */
    bool accumulate; /* y += a (reals only) */
} fv_copy_geom;

/* y is dense over the kept dimensions (y strides; 0 where reduced). */
typedef struct fv_reduce_geom {
    fv_reduction kind;
    fv_walk walk;
} fv_reduce_geom;

/* y = kind(a, b), cell by cell. a and b are of `dtype`; y is of `result`: BOOL for the kinds that say so, any type for
 * CAST, else dtype. FV_F32 stands for the table's reals; truth values are bytes of 0 and 1. */
typedef struct fv_elements_geom {
    fv_element kind;
    fv_dtype dtype, result;
    fv_walk walk;
} fv_elements_geom;

/* y = c ? a : b, cell by cell, of any type; c holds truth values. */
typedef struct fv_select_geom {
    fv_walk walk;
    int64_t c[FV_MAX_RANK]; /* strides */
    int element;            /* bytes of a cell of y: 1, 4 or 8; real operands: sizeof(real) */
} fv_select_geom;

/* Reductions of cells of any type, with the walk of fv_reduce_geom. Whole numbers wrap; a mean of them is cut towards
 * zero; the extremes of nothing are the type's ends. With `index`, for MAXIMUM and MINIMUM: y (I64) is where the extreme
 * lies along the one dimension that is reduced, the first place or the `last`. Reals: PRODUCT and `index` only. */
typedef struct fv_fold_geom {
    fv_reduction kind;
    fv_dtype dtype;
    bool index, last;
    fv_walk walk;
} fv_fold_geom;

/* Running sums or products along the middle one of (outer, length, inner); of any type but truth values. */
typedef struct fv_scan_geom {
    int64_t outer, length, inner; /* of one sample */
    fv_dtype dtype;
    bool over_samples; /* the length is the samples, `length` is 1 and outer, too */
    bool product;      /* else sum */
    bool exclusive;    /* a cell is not part of its own result: the first is 0, or 1 */
    bool reverse;      /* from the end */
} fv_scan_geom;

/* Products of matrices: y[i][j] = sum over k of a[i][k] b[k][j] for every place of the walk. The steps from cell to
 * cell are free, so that transposed matrices need no copy; y is dense. dtype: F32 (reals), I32, I64 or U8; whole numbers wrap. */
typedef struct fv_matmul_geom {
    fv_walk walk; /* over the matrices */
    int64_t rows, inner, cols;
    int64_t a_row, a_inner, b_inner, b_col;
    fv_dtype dtype;
} fv_matmul_geom;

typedef struct fv_fill_geom {
    double value;
    bool over_n; /* value / n */
    int64_t each;
} fv_fill_geom;

typedef struct fv_rows_geom {
    int64_t rows, cols; /* rows of one sample */
    bool log;           /* log-softmax */
} fv_rows_geom;

/* Elements from pixel to pixel where a geometry says 0 for "one behind the other". */
static inline int64_t fv_pixel(int64_t pixel, int64_t dense) { return pixel ? pixel : dense; }

/* Normalisation of x (n, pixels, c) by mean and variance.
 * By channel (groups 0): statistics over samples and pixels, [c]. By group: over pixels and the c/groups channels of a
 * group, for each sample: [n][groups]; groups 1 is layer norm over all, groups c instance norm. */
typedef struct fv_norm_geom {
    int64_t pixels, c, groups;
    double epsilon;
    bool frozen; /* the statistics are constants: no gradient through them */
    fv_epilogue epilogue;
    bool add;  /* forward: y = act(normalised + add), add laid out like y */
    bool relu; /* backward: y went through a ReLU, whose gradient is taken, too (not with `add`) */
    /* Elements from pixel to pixel, 0: c. y_pixel is that of dy, too. */
    int64_t x_pixel, y_pixel, dx_pixel;
} fv_norm_geom;

/* state = keep*state + (1-keep)*value*correction, where correction is m/(m-1), m = n*count, if unbiased. */
typedef struct fv_blend_geom {
    int64_t each, count;
    double keep;
    bool unbiased;
} fv_blend_geom;

typedef struct fv_dropout_geom {
    int64_t each;
    double rate;  /* part dropped; what stays is divided by 1-rate */
    uint64_t key; /* names the layer */
} fv_dropout_geom;

/* Softmax cross-entropy of rows of logits: mean over a sample's rows of -sum_k t_k log softmax(sign*x)_k.
 * With `extra` finite, a further logit -extra joins the denominator (LeNet's loss, LeCun 1998 eq. 9, with sign -1). */
typedef struct fv_xent_geom {
    int64_t rows, classes;
    bool distribution;  /* targets are reals [rows][classes], else int32 [rows] */
    double smoothing;   /* t = (1-s)*t + s/classes */
    double sign, extra; /* +1 and INFINITY for the usual loss */
} fv_xent_geom;

typedef enum fv_pairloss {
    FV_L_SQUARED,  /* (p-t)^2 */
    FV_L_ABSOLUTE, /* |p-t| */
    FV_L_BINARY,   /* cross-entropy of sigmoid(p) with t in 0..1 */
    FV_L_HINGE,    /* max(0, 1 - t*p), t in {-1, 1} */
    FV_L_PENALTY   /* a*|p| + b*p^2; no target */
} fv_pairloss;

/* One number a sample: the mean (sum for PENALTY) over its elements. */
typedef struct fv_loss_geom {
    fv_pairloss kind;
    double a, b;
    int64_t each;
} fv_loss_geom;

/* y_j = sum_i (x_i - w_ij)^2, w [in][out] (LeNet-5's output layer) */
typedef struct fv_rbf_geom {
    int64_t in, out;
} fv_rbf_geom;

/* y[r][j] = index[j] < 0 ? 0 : x[r][index[j]]; back adds dy[r][j] to dx[r][index[j]]. index is owned by the net. */
typedef struct fv_index_geom {
    int64_t rows, x_cols, y_cols;
    const int32_t *index;
} fv_index_geom;

/* Every cell of y is a mix of cells of x, dimension by dimension: (1 - part)*near + part*far, where near[d], far[d] and
 * part[d] have one entry for each of out[d] (bilinear resizing; with part 0 a choice of cells: nearest, reflection).
 * The tables are owned by the plan. */
typedef struct fv_sample_geom {
    int64_t in[3], out[3], c;
    const int32_t *near[3], *far[3];
    const double *part[3];
} fv_sample_geom;

/* Local response normalisation: y = x / s^beta, s = k + alpha * the sum of x^2 over `window` channels (odd) around. */
typedef struct fv_lrn_geom {
    int64_t pixels, c, window;
    double k, alpha, beta;
} fv_lrn_geom;

/* One step of an optimizer for a weight of `each` elements; h are its numbers, see each kind. g is the gradient, s and
 * t its states. All kinds first add decay*w to g, except ADAM, which subtracts rate*decay*w from w (decoupled) when
 * h[7] is 1. */
typedef enum fv_update {
    FV_UPDATE_SGD, /* h: rate, momentum, decay, nesterov(0/1).  s = momentum*s + g; w -= rate*s  (s unused if momentum
                      0) */
    FV_UPDATE_RMSPROP, /* h: rate, rho, decay, epsilon.  s = rho*s + (1-rho)*g^2; w -= rate*g/(sqrt(s)+epsilon) */
    FV_UPDATE_ADAGRAD, /* h: rate, -, decay, epsilon.  s += g^2; w -= rate*g/(sqrt(s)+epsilon) */
    FV_UPDATE_ADAM     /* h: rate, beta1, decay, epsilon, beta2, 1-beta1^t, 1-beta2^t, decoupled.
                          s = beta1*s + (1-beta1)*g; t = beta2*t + (1-beta2)*g^2; w -= rate*(s/h5)/(sqrt(t/h6)+epsilon) */
} fv_update;

typedef struct fv_update_geom {
    fv_update kind;
    int64_t each;
    double h[8];
} fv_update_geom;

/* ---- the routines -------------------------------------------------------------------------------------------------
 */

/* Arguments of each routine: results first, then what is read; [x] may be NULL.
 * Arguments never overlap, except that a result may lie exactly where an input of the same size lies: y on x in UNARY
 * and DROPOUT, dx on dy in UNARY_BACK, y on a or b in BINARY and ELEMENTS where both are walked alike. So these kernels read a cell
 * before they write it, and never read one that they have written. */
typedef enum fv_routine {
    FV_R_CONV,      /* y, x, w, [bias f], [add like y] */
    FV_R_CONV_DATA, /* dx, dy, w, [bias c]: the adjoint of CONV; with bias and epilogue it is transposed convolution */
    FV_R_CONV_WEIGHTS, /* dw, [dbias], x, dy */
    FV_R_POOL,         /* y, x */
    FV_R_POOL_BACK,    /* dx, dy, x, y, [add like dx] (x and y for MAX; ties go to the first cell in row order) */
    FV_R_UNARY,        /* y, x */
    FV_R_UNARY_BACK,   /* dx, dy, [x], [y]: see fv_unary_reads */
    FV_R_BINARY,       /* y, a, b */
    FV_R_REDUCE,       /* y, x */
    FV_R_COPY,         /* y, x */
    FV_R_FILL,         /* y */
    FV_R_SOFTMAX,      /* y, x */
    FV_R_SOFTMAX_BACK, /* dx, dy, y */
    FV_R_NORM_STATS,   /* mean, var (biased), x */
    FV_R_NORM,         /* y, x, mean, var, [scale c], [bias c], [add like y] */
    FV_R_NORM_SUMS,    /* dscale, dbias, dy, x, mean, var, [scale], [bias]  (scale, bias read: where relu) */
    FV_R_NORM_BACK, /* dx, dy, x, mean, var, [scale], [dscale], [dbias], [bias]  (dscale, dbias read: by channel, not
                       frozen; bias read: where relu) */
    FV_R_BLEND,     /* state (read and written), value */
    FV_R_DROPOUT,   /* y, x */
    FV_R_XENT,      /* loss n, logits, target */
    FV_R_XENT_BACK, /* dlogits, dloss n, logits, target */
    FV_R_LOSS,      /* loss n, p, [t] */
    FV_R_LOSS_BACK, /* dp, dloss n, p, [t] */
    FV_R_RBF,       /* y, x, w */
    FV_R_RBF_DATA,  /* dx, dy, x, w */
    FV_R_RBF_WEIGHTS, /* dw, dy, x, w */
    FV_R_INDEX,       /* y, x */
    FV_R_INDEX_BACK,  /* dx, dy */
    FV_R_UPDATE,      /* w, g, [s], [t] */
    FV_R_CUSTOM,      /* a user's own operator: see custom in fv_geom; runs on the caller's thread */
    FV_R_POOL_PICK,   /* y, from, x, max: of `from` the cells where the windows of x hold max = POOL(x); else 0 */
    FV_R_SAMPLE,      /* y, x */
    FV_R_SAMPLE_BACK, /* dx, dy */
    FV_R_LRN,         /* y, x */
    FV_R_LRN_BACK,    /* dx, dy, x */
    FV_R_GATHER,      /* y, x, index */
    FV_R_SCATTER,     /* y (read and written), picked, index */
    FV_R_MIX,         /* y, x */
    FV_R_TOP,         /* y, index i64, x */
    FV_R_NMS,         /* chosen i64 [rows][3], count i64 [1], boxes [samples][boxes][4], scores [samples][classes][boxes] */
    FV_R_GRID,        /* y, x, grid */
    FV_R_GRID_BACK,   /* dx, dy, grid */
    FV_R_REGION,      /* y, x, regions [regions][4], of [regions] */
    FV_R_REGION_BACK, /* dx, dy, x, regions, of */
    FV_R_DISPLACED,   /* y, x, offset, [mask] */
    FV_R_DISPLACED_BACK, /* [dx], [doffset], [dmask], dy, x, offset, [mask] */
    FV_R_ELEMENTS,    /* y, a, [b] */
    FV_R_SELECT,      /* y, c, a, b */
    FV_R_FOLD,        /* y, x */
    FV_R_SCAN,        /* y, x */
    FV_R_MATMUL,      /* y, a, b */
    FV_R_COUNT
} fv_routine;

typedef struct fv_call fv_call;
typedef struct fv_custom_geom {
    void (*run)(const fv_call *call, const void *self);
    const void *self;
    int results; /* leading arguments that are written */
} fv_custom_geom;

typedef struct fv_geom {
    int64_t n;     /* samples: the planned number; calls may bring fewer. 1 for values without a batch */
    bool batched;  /* false: n is always as planned */
    bool exact;    /* no variant that rounds worse than direct sums */
    bool bf16;     /* products may be of bf16 numbers, summed in f32, where this machine multiplies them */
    bool training; /* weights change between calls: packing counts */
    union {
        fv_conv_geom conv;
        fv_pool_geom pool;
        fv_unary_geom unary;
        fv_binary_geom binary;
        fv_reduce_geom reduce;
        fv_copy_geom copy;
        fv_elements_geom elements;
        fv_select_geom select;
        fv_fold_geom fold;
        fv_scan_geom scan;
        fv_matmul_geom matmul;
        fv_fill_geom fill;
        fv_rows_geom rows;
        fv_norm_geom norm;
        fv_blend_geom blend;
        fv_dropout_geom dropout;
        fv_xent_geom xent;
        fv_loss_geom loss;
        fv_rbf_geom rbf;
        fv_index_geom index;
        fv_sample_geom sample;
        fv_lrn_geom lrn;
        fv_pick_geom pick;
        fv_mix_geom mix;
        fv_top_geom top;
        fv_nms_geom nms;
        fv_grid_geom grid;
        fv_region_geom region;
        fv_displaced_geom displaced;
        fv_update_geom update;
        fv_custom_geom custom;
    };
} fv_geom;

/* Where a training stands: with a key, what every random draw is a function of. */
typedef struct fv_moment {
    uint64_t seed;
    int64_t epoch, position; /* position of the batch's first sample in the epoch */
} fv_moment;

struct fv_call {
    const fv_geom *geom;
    int64_t n; /* samples now, at most geom->n */
    void *arg[FV_MAX_ARGS];
    void *packed;  /* weights as pack made them, or NULL if the kernel wants none */
    void *scratch; /* need.scratch bytes, 64-byte aligned */
    fv_pool *pool;
    const fv_moment *now;
};

/* ---- kernels and tables -------------------------------------------------------------------------------------------
 */

typedef struct fv_need {
    size_t scratch; /* bytes of working memory during the call (all threads together) */
    size_t packed;  /* bytes of packed weights; 0: none. The kernel then reads these only: the argument may be gone */
    int packed_arg; /* which argument is packed */
} fv_need;

/* One way to do one routine. */
typedef struct fv_kernel {
    const char *name;                                              /* "conv.band" */
    bool (*can)(const fv_geom *geom);                              /* NULL: every geometry. Must not look at n */
    void (*need)(const fv_geom *geom, int threads, fv_need *need); /* NULL: nothing */
    fv_status (*pack)(const fv_geom *geom, const void *weights, void *packed, fv_pool *pool);
    fv_status (*run)(const fv_call *call);
} fv_kernel;

enum { FV_MAX_VARIANTS = 12 };

typedef struct fv_table {
    const char *name; /* "avx512" */
    fv_dtype real;    /* FV_F32 or FV_F64 */
    /* The ways to do each routine, best first, NULL after the last; every list ends in one that can do all. */
    const fv_kernel *kernels[FV_R_COUNT][FV_MAX_VARIANTS];
    void *(*alloc)(size_t bytes);
    void (*free)(void *memory);
    fv_status (*copy)(void *to, const void *from, size_t bytes);
    fv_status (*synchronise)(void);
    /* So many rounds of multiply-adds that wait for nothing, on one thread; returns how many these were. What kernels are
     * measured against. The references have the generic level's. */
    int64_t (*peak)(int64_t rounds);
} fv_table;

/* The table of the best instruction set of this machine, or of the pinned one (fv_set_isa, FOVEA_ISA). */
const fv_table *fv_kernels(void);
/* Plain loops in float and in double: the oracles. */
const fv_table *fv_reference_f32(void);
const fv_table *fv_reference_f64(void);
/* All tables of this machine, for tests and benchmarks; NULL after the last. Reference first. */
const fv_table *const *fv_all_tables(void);

/* The first variant that can; what the planner uses. */
const fv_kernel *fv_choose_kernel(const fv_table *table, fv_routine routine, const fv_geom *geom);
const char *fv_routine_name(fv_routine routine); /* "conv_weights" */

/* What the backward of an element function reads. */
typedef enum fv_reads { FV_READS_X = 1, FV_READS_Y = 2 } fv_reads;
unsigned fv_unary_reads(fv_unary kind);

#endif
