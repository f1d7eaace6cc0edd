/* conv.c - convolution over sequences, pictures and volumes: everything the system knows about it. */
#include "connections.h"
#include "spatial.h"

#include <string.h>

static const fv_choices data_formats = {"fv_data_format", "FV_", {"channels_last", "channels_first"}};

#define FIELDS(F)                                                                                                      \
    F(conv, INT, filters, .positional = true, .required = true, .min = 1, .max = FV_MANY,                              \
      .help = "number of output channels")                                                                             \
    F(conv, SIZES, kernel, .positional = true, .required = true, .min = 1, .max = FV_MANY,                             \
      .help = "size of the kernel")                                                                                    \
    F(conv, SIZES, stride, .min = 1, .max = FV_MANY, .standard = 1, .help = "cells between neighbouring windows")      \
    F(conv, SIZES, padding, .max = FV_MANY, .choices = &fv_padding_choices, .standard_text = "valid",                  \
      .help = "zeros around the input, on each side, or a word")                                                       \
    F(conv, SIZES, padding_end, .max = FV_MANY, .standard = (double)FV_UNSET, .standard_text = "as padding",           \
      .help = "zeros behind the input where they differ from those before it")                                         \
    F(conv, SIZES, dilation, .min = 1, .max = FV_MANY, .standard = 1, .help = "cells between neighbouring taps")       \
    F(conv, INT, groups, .min = 1, .max = FV_MANY, .standard = 1,                                                      \
      .help = "parts of the channels that do not see each other; as many as channels: depthwise")                      \
    F(conv, TEXT, connections,                                                                                         \
      .help = "for each filter the input maps that feed it, \"012 123\" or \"0,1,12 1,2,13\": LeNet's table")          \
    F(conv, BOOL, flipped, .help = "true convolution: the kernel is turned by 180 degrees")                            \
    F(conv, CHOICE, data_format, .choices = &data_formats, .help = "where the channels of input and result are")       \
    FV_WEIGHT_FIELDS(F, conv)
FV_DEFINE_FIELDS(conv, FIELDS)

enum { WEIGHT, BIAS };
enum { SAVED_WEIGHT, SAVED_X }; /* operands that backward needs again */

static fv_status resolve(const struct conv *f, fv_infer *infer, const fv_type *in, fv_spatial *s) {
    fv_window window = {.noun = "kernel",
                        .size = f->kernel,
                        .stride = f->stride,
                        .padding = f->padding,
                        .padding_end = f->padding_end,
                        .dilation = f->dilation,
                        .channels_first = f->data_format == 1};
    return fv_spatial_resolve(infer, in, &window, s);
}

/* [kd][kh][kw][last two] without the dimensions that the input lacks; with a connection table the last two are one. */
static fv_shape weight_shape(const fv_spatial *s, int64_t inputs, int64_t outputs) {
    fv_shape shape = {.rank = s->rank};
    memcpy(shape.dim, s->kernel + 3 - s->rank, (size_t)s->rank * sizeof shape.dim[0]);
    if (inputs) shape.dim[shape.rank++] = inputs;
    shape.dim[shape.rank++] = outputs;
    return shape;
}

static fv_status infer_connections(fv_infer *infer, const struct conv *f, const fv_spatial *s) {
    static const char *const axes[] = {"", "kn", "kkn", "kkkn"};
    char problem[200];
    int64_t count = 0;
    if (f->groups != 1)
        return fv_infer_fail(infer, "connections and groups exclude each other, got groups=%lld", (long long)f->groups);
    if (fv_mul_saturated(s->channels, f->filters) > INT32_MAX)
        return fv_infer_fail(infer, "too many channels for a connection table");
    if (!fv_connections_read(f->connections, s->channels, f->filters, NULL, &count, problem))
        return fv_infer_fail(infer, "%s", problem);
    FV_INFER_WEIGHT(infer, f, weight_shape(s, 0, count), axes[s->rank], f->filters);
    return FV_OK;
}

static fv_status infer(fv_infer *infer) {
    static const char *const axes[] = {"", "kio", "kkio", "kkkio"};
    const struct conv *f = infer->fields;
    fv_spatial s;
    fv_status status = fv_infer_real(infer, 0);
    if (!status) status = resolve(f, infer, &infer->in[0], &s);
    if (status) return status;
    infer->out[0] = fv_spatial_type(&s, &infer->in[0], f->filters, f->data_format == 1);
    if (f->connections) return infer_connections(infer, f, &s);
    if (s.channels % f->groups || f->filters % f->groups)
        return fv_infer_fail(infer, "groups=%lld must divide the input's %lld channels and the %lld filters",
                             (long long)f->groups, (long long)s.channels, (long long)f->filters);
    fv_shape shape = weight_shape(&s, s.channels / f->groups, f->filters);
    int64_t size;
    if (s.channels < 1) return fv_infer_fail(infer, "the input has no channels");
    if (!fv_dims_product(shape.dim, shape.rank, &size)) return fv_infer_fail(infer, "the weight has too many elements");
    FV_INFER_WEIGHT(infer, f, shape, axes[s.rank], f->filters);
    return FV_OK;
}

static void cost(const fv_site *site, fv_cost *cost) {
    const struct conv *f = site->fields;
    fv_spatial s;
    if (resolve(f, NULL, &site->in[0], &s)) return;
    /* every weight is used once for each cell of the result */
    int64_t weights = 1;
    for (int d = 0; d < site->parameter[WEIGHT].shape.rank; d++)
        weights = fv_mul_saturated(weights, site->parameter[WEIGHT].shape.dim[d]);
    cost->macs = fv_mul_saturated(fv_spatial_cells(s.out), weights);
    fv_spatial_growth(&s, cost);
}

/* ---- calls --------------------------------------------------------------------------------------------------------
 */

static fv_geom conv_geom(const fv_emit *e, const fv_spatial *s) {
    const struct conv *f = fv_emit_fields(e);
    fv_geom geom = fv_geom_for(e, fv_in_type(e, 0));
    geom.conv = (fv_conv_geom){.c = s->channels,
                               .f = f->filters,
                               .groups = f->groups,
                               .x_pixel = s->channels,
                               .y_pixel = f->filters,
                               .flipped = f->flipped};
    memcpy(geom.conv.in, s->in, sizeof s->in);
    memcpy(geom.conv.out, s->out, sizeof s->out);
    memcpy(geom.conv.kernel, s->kernel, sizeof s->kernel);
    memcpy(geom.conv.stride, s->stride, sizeof s->stride);
    memcpy(geom.conv.dilation, s->dilation, sizeof s->dilation);
    memcpy(geom.conv.pad, s->pad, sizeof s->pad);
    return geom;
}

/* Copies between channels first (n, c, pixels) and channels last (n, pixels, c). */
static void emit_transpose(fv_emit *e, fv_operand to, fv_operand from, const fv_type *type, int64_t pixels, int64_t c,
                           bool to_last) {
    fv_geom geom = fv_geom_for(e, type);
    int64_t rows = to_last ? pixels : c, cols = to_last ? c : pixels;
    geom.copy.walk =
        (fv_walk){.rank = 3, .dim = {geom.n, rows, cols}, .y = {rows * cols, cols, 1}, .a = {rows * cols, 1, rows}};
    FV_CALL(e, FV_R_COPY, &geom, to, from);
}

/* `from` (of the input's or the result's type) with its channels last; itself when it has them there. */
static fv_operand channels_last(fv_emit *e, fv_operand from, const fv_type *type, const int64_t sizes[3], int64_t c) {
    const struct conv *f = fv_emit_fields(e);
    if (f->data_format == 0) return from;
    fv_operand to = fv_temp(e, type);
    emit_transpose(e, to, from, type, fv_spatial_cells(sizes), c, true);
    return to;
}

/* The table as the geometry of INDEX: [kernel cells][connections] to [kernel cells][c*f]. */
static bool index_geom(fv_emit *e, const fv_spatial *s, fv_geom *geom) {
    const struct conv *f = fv_emit_fields(e);
    char problem[200];
    int64_t count = 0;
    int32_t *index = fv_emit_memory(e, (size_t)(s->channels * f->filters) * sizeof *index);
    if (!index || !fv_connections_read(f->connections, s->channels, f->filters, index, &count, problem)) return false;
    *geom = fv_geom_for(e, fv_weight_type(e, WEIGHT));
    geom->index = (fv_index_geom){fv_spatial_cells(s->kernel), count, s->channels * f->filters, index};
    return true;
}

static fv_type dense_weight_type(const fv_spatial *s, const struct conv *f) {
    return (fv_type){FV_F32, weight_shape(s, s->channels, f->filters)};
}

/* The weight as the kernels want it: a connection table's is spread out, with zeros where nothing is connected. */
static fv_operand dense_weight(fv_emit *e, const fv_spatial *s) {
    const struct conv *f = fv_emit_fields(e);
    fv_geom geom;
    if (!f->connections || !index_geom(e, s, &geom)) return fv_weight(e, WEIGHT);
    fv_type type = dense_weight_type(s, f);
    fv_operand dense = fv_temp(e, &type);
    FV_CALL(e, FV_R_INDEX, &geom, dense, fv_weight(e, WEIGHT));
    return dense;
}

static void forward(fv_emit *e) {
    const struct conv *f = fv_emit_fields(e);
    fv_spatial s;
    if (resolve(f, NULL, fv_in_type(e, 0), &s)) return;
    fv_geom geom = conv_geom(e, &s);
    fv_operand weight = dense_weight(e, &s), x = channels_last(e, fv_in(e, 0), fv_in_type(e, 0), s.in, s.channels);
    fv_operand y = f->data_format == 0 ? fv_out(e, 0) : fv_temp(e, fv_out_type(e, 0));
    fv_save(e, SAVED_WEIGHT, weight);
    fv_save(e, SAVED_X, x);
    FV_CALL(e, FV_R_CONV, &geom, y, x, weight, fv_weight(e, BIAS), FV_NO_OPERAND);
    if (f->data_format == 1)
        emit_transpose(e, fv_out(e, 0), y, fv_out_type(e, 0), fv_spatial_cells(s.out), f->filters, false);
}

static void backward_data(fv_emit *e, const fv_spatial *s, const fv_geom *geom, fv_operand dy) {
    const struct conv *f = fv_emit_fields(e);
    bool first = f->data_format == 1;
    fv_operand dx = first ? fv_temp(e, fv_in_type(e, 0)) : fv_d_in(e, 0);
    FV_CALL(e, FV_R_CONV_DATA, geom, dx, dy, fv_saved(e, SAVED_WEIGHT), FV_NO_OPERAND);
    if (first) emit_transpose(e, fv_d_in(e, 0), dx, fv_in_type(e, 0), fv_spatial_cells(s->in), s->channels, false);
}

static void backward_weights(fv_emit *e, const fv_spatial *s, const fv_geom *geom, fv_operand dy) {
    const struct conv *f = fv_emit_fields(e);
    bool bias = fv_weight(e, BIAS) != FV_NO_OPERAND && fv_wants_d_weight(e, BIAS);
    bool weight = fv_wants_d_weight(e, WEIGHT);
    fv_type type = dense_weight_type(s, f);
    if (!bias && !weight) return;
    bool own = weight && !f->connections;
    if (!own && !f->connections) type = *fv_weight_type(e, WEIGHT);
    fv_operand dw = own ? fv_d_weight(e, WEIGHT) : fv_temp(e, &type);
    FV_CALL(e, FV_R_CONV_WEIGHTS, geom, dw, bias ? fv_d_weight(e, BIAS) : FV_NO_OPERAND, fv_saved(e, SAVED_X), dy);
    fv_geom index;
    if (weight && f->connections && index_geom(e, s, &index))
        FV_CALL(e, FV_R_INDEX_BACK, &index, fv_d_weight(e, WEIGHT), dw);
}

static void backward(fv_emit *e) {
    const struct conv *f = fv_emit_fields(e);
    fv_spatial s;
    if (resolve(f, NULL, fv_in_type(e, 0), &s)) return;
    fv_geom geom = conv_geom(e, &s);
    fv_operand dy = channels_last(e, fv_d_out(e, 0), fv_out_type(e, 0), s.out, f->filters);
    if (fv_wants_d_in(e, 0)) backward_data(e, &s, &geom, dy);
    backward_weights(e, &s, &geom, dy);
}

/* ---- the record -----------------------------------------------------------------------------------------------------
 */

#define X_KERNEL "3x3x1x1: 1 0 1 ; 0 1 0 ; 1 0 1"
#define SQUARES "1x4x4x1: 0 0 1 1 ; 1 0 1 1 ; 0 1 1 0 ; 1 1 0 1"
#define STEPS "1x4x4x1: 0 1 0 1 ; 0 1 0 1 ; 1 1 1 1 ; 0 -2 0 -2"
#define EMBOSS "3x3x1x1: -2 -1 0 ; -1 1 1 ; 0 1 2"

const fv_op fv_op_conv = {
    .name = "conv",
    .summary = "convolution with trainable kernels over sequences, pictures or volumes",
    .details =
        "y[o] = bias + sum over taps k and input channels: x[o*stride - padding + k*dilation] * weight[k]. This is "
        "cross-correlation, which deep learning calls convolution; flipped=yes takes weight[last - k], true "
        "convolution.\n\n"
        "The rank of the input says how many spatial dimensions there are: sequence (N, L, C), picture (N, H, W, C) or "
        "volume "
        "(N, D, H, W, C). Each size of the result is floor((size + padding + padding_end - ((kernel - 1)*dilation + "
        "1)) / "
        "stride) + 1. The weight is [kd][kh][kw][C/groups][filters] without the dimensions that the input lacks.\n\n"
        "padding: numbers count zeros on each side of a dimension. valid is 0. same gives ceil(size / stride) cells, "
        "TensorFlow's and Keras's convention: an odd number of zeros puts the extra one behind; same_lower puts it "
        "before, like "
        "ONNX's SAME_LOWER. With stride 2 this differs from PyTorch's usual padding=(kernel-1)/2, which gives other "
        "windows: "
        "write padding=1 for that. full is (kernel - 1)*dilation on each side.\n\n"
        "connections gives every filter its own choice of input maps, as in table 1 of LeCun et al. 1998. The weight "
        "is then "
        "[kh][kw][connections], filter by filter and in ascending input map, so only what exists is counted and "
        "trained. "
        "Initializers see each connection as an input map of its own.\n\n"
        "data_format=channels_first takes (N, C, H, W) and gives (N, filters, H, W); it costs a copy each way.",
    FV_FIELDS(conv),
    .ports = {{"x", FV_INPUT, "sequence, picture or volume", false},
              {"weight", FV_WEIGHT, "[kd][kh][kw][C/groups][filters]", false},
              {"bias", FV_WEIGHT, "[filters]", true}},
    .traits = FV_T_EPILOGUE,
    .onnx = "Conv",
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "vertical edges",
             .fields = "1 3x3 bias=no",
             .in = {STEPS},
             .weight = {"3x3x1x1: -1/2 1 -1/2 ; -1/2 1 -1/2 ; -1/2 1 -1/2"},
             .out = {"1x2x2x1: 2 -2 ; -1 1"}},
            {.title = "horizontal edges",
             .fields = "1 3x3 bias=no",
             .in = {STEPS},
             .weight = {"3x3x1x1: -1/2 -1/2 -1/2 ; 1 1 1 ; -1/2 -1/2 -1/2"},
             .out = {"1x2x2x1: -1 -1/2 ; 7/2 4"}},
            {.title = "a diagonal cross, valid",
             .fields = "1 3x3 bias=no",
             .in = {SQUARES},
             .weight = {X_KERNEL},
             .out = {"1x2x2x1: 2 3 ; 4 4"}},
            {.title = "a diagonal cross, same padding",
             .fields = "1 3x3 padding=same bias=no",
             .in = {SQUARES},
             .weight = {X_KERNEL},
             .out = {"1x4x4x1: 0 2 2 2 ; 2 2 3 3 ; 1 4 4 1 ; 2 2 1 2"}},
            {.title = "a diagonal cross, full padding",
             .fields = "1 3x3 padding=full bias=no",
             .in = {SQUARES},
             .weight = {X_KERNEL},
             .out = {"1x6x6x1: 0 0 1 1 1 1 ; 1 0 2 2 2 1 ; 0 2 2 3 3 1 ; 2 1 4 4 1 2 ; 0 2 2 1 2 0 ; 1 1 1 2 0 1"}},
            {.title = "emboss, cross-correlation",
             .fields = "1 3x3 bias=no",
             .in = {SQUARES},
             .weight = {EMBOSS},
             .out = {"1x2x2x1: 3 2 ; 1 1"}},
            {.title = "emboss, true convolution",
             .fields = "1 3x3 bias=no flipped=yes",
             .in = {SQUARES},
             .weight = {EMBOSS},
             .out = {"1x2x2x1: -3 0 ; 1 1"}},
            {.title = "stripes",
             .fields = "1 3x3 bias=no",
             .in = {"1x4x4x1: 2 3 2 3 ; 4 4 4 4 ; 2 3 2 3 ; 4 4 4 4"},
             .weight = {X_KERNEL},
             .out = {"1x2x2x1: 12 16 ; 19 18"}},
            {.title = "a 5x5 picture",
             .fields = "1 3x3 bias=no",
             .in = {"1x5x5x1: 1 1 1 0 0 ; 0 1 1 1 0 ; 0 0 1 1 1 ; 0 0 1 1 0 ; 0 1 1 0 0"},
             .weight = {X_KERNEL},
             .out = {"1x3x3x1: 4 3 4 ; 2 4 3 ; 2 3 4"}},
            {.title = "smoothing with 1/16 (1 2 1)",
             .fields = "1 3x3 bias=no",
             .in = {"1x4x4x1: .5 .3 .8 .3 ; .3 .8 .5 .3 ; .5 .8 .3 .2 ; .8 .3 .2 .2"},
             .weight = {"3x3x1x1: 1/16 1/8 1/16 ; 1/8 1/4 1/8 ; 1/16 1/8 1/16"},
             .out = {"1x2x2x1: .56875 .5 ; .55 .3875"}},
            {.title = "7x7 with a 3x3 kernel and stride 2 gives 3x3",
             .fields = "1 3x3 stride=2 bias=no",
             .in = {"1x7x7x1: 1 2 3 4 5 6 7 ; 0 0 0 0 0 0 0 ; 1 2 3 4 5 6 7 ; 0 0 0 0 0 0 0 ; 1 2 3 4 5 6 7 ; 0 0 0 0 "
                    "0 0 0 ; "
                    "1 2 3 4 5 6 7"},
             .weight = {X_KERNEL},
             .out = {"1x3x3x1: 8 16 24 ; 8 16 24 ; 8 16 24"}},
            {.title = "two maps to three by a connection table",
             .fields = "3 1x1 connections=\"0 1 01\"",
             .in = {"1x1x2x2: 1 10 ; 2 20"},
             .weight = {"1x1x4: 1 2 3 4", "3: 0 0 100"},
             .out = {"1x1x2x3: 1 20 143 ; 2 40 186"}},
            FV_FIGURES("7x7 with K=3 gives 5x5", "1 3 bias=no", "1x7x7x1", "1x5x5x1", 9, 225),
            FV_FIGURES("3x100x100 through 100 filters 5x5", "100 5x5", "1x100x100x3", "1x96x96x100", 7600, 69120000),
            FV_FIGURES("mnist_cnn conv1", "32 3x3", "1x28x28x1", "1x26x26x32", 320, 194688),
            FV_FIGURES("mnist_cnn conv2", "64 3x3", "1x13x13x32", "1x11x11x64", 18496, 2230272),
            FV_FIGURES("mnist_cnn conv3", "64 3x3", "1x5x5x64", "1x3x3x64", 36928, 331776),
            FV_FIGURES("LeNet-5 C1", "6 5x5", "1x32x32x1", "1x28x28x6", 156, 117600),
            FV_FIGURES(
                "LeNet-5 C3 with its connection table",
                "16 5x5 connections=\"012 123 234 345 045 015 0123 1234 2345 0345 0145 0125 0134 1245 0235 012345\"",
                "1x14x14x6", "1x10x10x16", 1516, 150000),
            FV_FIGURES("LeNet-5 C5", "120 5x5", "1x5x5x16", "1x1x1x120", 48120, 48000),
            FV_FIGURES("lenet_relu conv1", "6 5x5", "1x32x32x3", "1x28x28x6", 456, 352800),
            FV_FIGURES("lenet_relu conv2", "16 5x5", "1x14x14x6", "1x10x10x16", 2416, 240000),
            {.fields = "3 3x3", .in = {"2x7x6x2"}},
            {.fields = "5 5x3 stride=2x3 padding=same", .in = {"3x8x7x3"}},
            {.fields = "4 2x2 stride=2 padding=same_lower activation=relu", .in = {"2x5x5x3"}},
            {.fields = "6 3x3 padding=1x2 padding_end=0x1 dilation=2x1 groups=2", .in = {"2x6x5x4"}},
            {.fields = "4 3x3 padding=same groups=4 flipped=yes", .in = {"2x5x6x4"}},
            {.fields = "3 3x3 connections=\"01 12 02\" padding=1", .in = {"2x5x4x3"}},
            {.fields = "2 2x1 connections=\"0,10 1,2,11\"", .in = {"2x3x3x12"}},
            {.fields = "4 3x2 data_format=channels_first padding=1 stride=2", .in = {"2x3x5x6"}},
            {.fields = "3 4 dilation=2 padding=full", .in = {"2x9x2"}},
            {.fields = "2 2x3x2 stride=1x2x1 padding=1", .in = {"2x3x4x5x2"}},
        },
};
