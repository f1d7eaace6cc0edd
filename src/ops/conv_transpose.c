/* conv_transpose.c - transposed convolution: the exact adjoint of conv, from small maps to large ones. */
#include "spatial.h"

#include <string.h>

#define FIELDS(F)                                                                                                      \
    F(conv_transpose, INT, filters, .positional = true, .required = true, .min = 1, .max = FV_MANY,                    \
      .help = "number of output channels")                                                                             \
    F(conv_transpose, SIZES, kernel, .positional = true, .required = true, .min = 1, .max = FV_MANY,                   \
      .help = "size of the kernel")                                                                                    \
    F(conv_transpose, SIZES, stride, .min = 1, .max = FV_MANY, .standard = 1,                                          \
      .help = "cells of the result from one cell of the input to the next")                                            \
    F(conv_transpose, SIZES, padding, .max = FV_MANY, .choices = &fv_padding_choices, .standard_text = "valid",        \
      .help = "cells cut off the result on each side, or a word: what conv's padding adds, this takes away")           \
    F(conv_transpose, SIZES, padding_end, .max = FV_MANY, .standard = (double)FV_UNSET, .standard_text = "as padding", \
      .help = "cells cut off behind where they differ from those before")                                              \
    F(conv_transpose, SIZES, output_padding, .max = FV_MANY,                                                           \
      .help = "further cells behind, less than the stride: which of the sizes that conv maps to the input's is meant") \
    F(conv_transpose, SIZES, dilation, .min = 1, .max = FV_MANY, .standard = 1,                                        \
      .help = "cells between neighbouring taps")                                                                       \
    F(conv_transpose, INT, groups, .min = 1, .max = FV_MANY, .standard = 1,                                            \
      .help = "parts of the channels that do not see each other")                                                      \
    F(conv_transpose, BOOL, flipped, .help = "the adjoint of conv with flipped=yes: the kernel is turned")             \
    FV_WEIGHT_FIELDS(F, conv_transpose)
FV_DEFINE_FIELDS(conv_transpose, FIELDS)

enum { WEIGHT, BIAS };

static fv_window window_of(const struct conv_transpose *f) {
    return (fv_window){.noun = "kernel",
                       .size = f->kernel,
                       .stride = f->stride,
                       .padding = f->padding,
                       .padding_end = f->padding_end,
                       .dilation = f->dilation};
}

/* The size that dimension i becomes: (size - 1)*stride + span - padding - padding_end + output_padding. */
static fv_status grown(const struct conv_transpose *f, fv_infer *infer, int i, int64_t size, int64_t *out) {
    int64_t stride = fv_size_at(f->stride, i), span, total, kernel = fv_size_at(f->kernel, i);
    int64_t before = fv_size_at(f->padding, i), behind = fv_size_at(f->padding_end, i);
    int64_t more = fv_size_at(f->output_padding, i);
    *out = FV_OPEN;
    if (more >= stride)
        return fv_infer_fail(infer, "output_padding must be less than the stride, got %lld and %lld", (long long)more,
                             (long long)stride);
    if (more && (before == FV_PAD_SAME || before == FV_PAD_SAME_LOWER))
        return fv_infer_fail(infer, "output_padding does not go with padding=same, which gives size*stride cells");
    if (size == FV_OPEN) return FV_OK;
    if (!fv_mul_i64(kernel - 1, fv_size_at(f->dilation, i), &span) || !fv_mul_i64(size - 1, stride, &total) ||
        !fv_add_i64(total, ++span, &total))
        return fv_infer_fail(infer, "the result is too large");
    if (before == FV_PAD_SAME || before == FV_PAD_SAME_LOWER) {
        *out = total + stride - span;
        return FV_OK;
    }
    if (before == FV_PAD_FULL) before = span - 1;
    if (behind == FV_UNSET) behind = before;
    *out = total - before - behind + more;
    if (*out >= 1) return FV_OK;
    return fv_infer_fail(infer, "nothing would be left: (%lld - 1)*%lld + %lld - %lld - %lld + %lld < 1",
                         (long long)size, (long long)stride, (long long)span, (long long)before, (long long)behind,
                         (long long)more);
}

/* The convolution that this is the adjoint of: s->in is the size of the result, s->out that of the input. */
static fv_status resolve(const struct conv_transpose *f, fv_infer *infer, const fv_type *in, fv_spatial *s) {
    fv_window window = window_of(f);
    fv_status status = fv_infer_window_counts(infer, &window, fv_sample_rank(in) - 1);
    int rank = fv_sample_rank(in);
    int64_t dims[4];
    if (!status) status = fv_infer_size_count(infer, "output_padding", f->output_padding, rank - 1);
    for (int i = 0; i < rank - 1 && !status; i++) status = grown(f, infer, i, fv_sample_dims(in)[i], &dims[i]);
    if (status) return status;
    dims[rank - 1] = f->filters;
    fv_type out = fv_type_make(FV_F32, fv_type_batched(in), rank, dims);
    return fv_spatial_resolve(infer, &out, &window, s);
}

static int64_t channels_of(const fv_type *t) { return t->shape.dim[t->shape.rank - 1]; }

static fv_status infer(fv_infer *infer) {
    static const char *const axes[] = {"", "koi", "kkoi", "kkkoi"};
    const struct conv_transpose *f = infer->fields;
    int64_t channels, size;
    fv_spatial s;
    fv_status status = fv_infer_real(infer, 0);
    if (!status) status = fv_infer_picture(infer, 0);
    if (!status) status = fv_infer_last(infer, 0, &channels);
    if (!status) status = resolve(f, infer, &infer->in[0], &s);
    if (status) return status;
    if (channels < 1) return fv_infer_fail(infer, "the input has no channels");
    if (channels % f->groups || f->filters % f->groups)
        return fv_infer_fail(infer, "groups=%lld must divide the input's %lld channels and the %lld filters",
                             (long long)f->groups, (long long)channels, (long long)f->filters);
    infer->out[0] = fv_type_make(FV_F32, fv_type_batched(&infer->in[0]), s.rank, s.in + 3 - s.rank);
    infer->out[0].shape.dim[infer->out[0].shape.rank++] = f->filters;
    fv_shape shape = {.rank = s.rank};
    memcpy(shape.dim, s.kernel + 3 - s.rank, (size_t)s.rank * sizeof shape.dim[0]);
    shape.dim[shape.rank++] = f->filters / f->groups;
    shape.dim[shape.rank++] = channels;
    if (!fv_dims_product(shape.dim, shape.rank, &size)) return fv_infer_fail(infer, "the weight has too many elements");
    FV_INFER_WEIGHT(infer, f, shape, axes[s.rank], f->filters);
    return FV_OK;
}

static void cost(const fv_site *site, fv_cost *cost) {
    fv_spatial s;
    if (resolve(site->fields, NULL, &site->in[0], &s)) return;
    /* every weight is used once for each cell of the input */
    int64_t weights = 1;
    for (int d = 0; d < site->parameter[WEIGHT].shape.rank; d++)
        weights = fv_mul_saturated(weights, site->parameter[WEIGHT].shape.dim[d]);
    cost->macs = fv_mul_saturated(fv_spatial_cells(s.out), weights);
    fv_spatial_growth_back(&s, cost);
}

/* The geometry of that convolution, from the result to the input. */
static bool conv_geom(const fv_emit *e, fv_geom *geom) {
    const struct conv_transpose *f = fv_emit_fields(e);
    int64_t channels = channels_of(fv_in_type(e, 0));
    fv_spatial s;
    if (resolve(f, NULL, fv_in_type(e, 0), &s)) return false;
    *geom = fv_geom_for(e, fv_in_type(e, 0));
    geom->conv = (fv_conv_geom){.c = f->filters,
                                .f = channels,
                                .groups = f->groups,
                                .x_pixel = f->filters,
                                .y_pixel = channels,
                                .flipped = f->flipped};
    memcpy(geom->conv.in, s.in, sizeof s.in);
    memcpy(geom->conv.out, s.out, sizeof s.out);
    memcpy(geom->conv.kernel, s.kernel, sizeof s.kernel);
    memcpy(geom->conv.stride, s.stride, sizeof s.stride);
    memcpy(geom->conv.dilation, s.dilation, sizeof s.dilation);
    memcpy(geom->conv.pad, s.pad, sizeof s.pad);
    return true;
}

static void forward(fv_emit *e) {
    fv_geom geom;
    if (conv_geom(e, &geom))
        FV_CALL(e, FV_R_CONV_DATA, &geom, fv_out(e, 0), fv_in(e, 0), fv_weight(e, WEIGHT), fv_weight(e, BIAS));
}

static void backward(fv_emit *e) {
    fv_geom geom;
    fv_operand dy = fv_d_out(e, 0);
    if (!conv_geom(e, &geom)) return;
    if (fv_wants_d_in(e, 0))
        FV_CALL(e, FV_R_CONV, &geom, fv_d_in(e, 0), dy, fv_weight(e, WEIGHT), FV_NO_OPERAND, FV_NO_OPERAND);
    if (fv_wants_d_weight(e, WEIGHT))
        FV_CALL(e, FV_R_CONV_WEIGHTS, &geom, fv_d_weight(e, WEIGHT), FV_NO_OPERAND, dy, fv_in(e, 0));
    if (fv_wants_d_weight(e, BIAS))
        fv_emit_unbroadcast(e, fv_weight_type(e, BIAS), fv_d_weight(e, BIAS), fv_out_type(e, 0), dy);
}

const fv_op fv_op_conv_transpose = {
    .name = "conv_transpose",
    .summary = "transposed convolution: the adjoint of conv, from small maps to large ones",
    .details =
        "Every cell of the input paints its kernel into the result, `stride` cells from its neighbour's; where they "
        "overlap they add up: y[i*stride - padding + k*dilation] += x[i] * weight[k], plus the bias. It is the exact "
        "adjoint of conv with the same fields, the way its gradient goes: <conv(x), y> = <x, conv_transpose(y)>. (It "
        "is "
        "not the inverse, though it has been called deconvolution.)\n\n"
        "The size of the result is (size - 1)*stride + (kernel - 1)*dilation + 1 - padding - padding_end + "
        "output_padding; padding=same gives size*stride. Several sizes are mapped to the same one by conv with a "
        "stride; output_padding says which is meant.\n\n"
        "The weight is [kd][kh][kw][filters/groups][C]: that of the conv from `filters` channels to C, so the two may "
        "share one. Keras's Conv2DTranspose has the same layout and the same padding=same; PyTorch's ConvTranspose2d "
        "has [C][filters/groups][kh][kw] (transpose by 2,3,1,0) and the same meaning of padding, output_padding, "
        "dilation and groups.",
    FV_FIELDS(conv_transpose),
    .ports = {{"x", FV_INPUT, "sequence, picture or volume", false},
              {"weight", FV_WEIGHT, "[kd][kh][kw][filters/groups][C]", false},
              {"bias", FV_WEIGHT, "[filters]", true}},
    .traits = FV_T_EPILOGUE,
    .onnx = "ConvTranspose",
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "U-Net's up-convolution: every cell becomes 2x2",
             .fields = "1 2x2 stride=2 bias=no",
             .in = {"1x2x2x1: 1 2 ; 3 4"},
             .weight = {"2x2x1x1: 1 10 ; 100 1000"},
             .out = {"1x4x4x1: 1 10 2 20 ; 100 1000 200 2000 ; 3 30 4 40 ; 300 3000 400 4000"}},
            {.title = "kernels overlap: 1, 10+2, 20+3, 30",
             .fields = "1 2 bias=no",
             .in = {"1x3x1: 1 2 3"},
             .weight = {"2x1x1: 1 10"},
             .out = {"1x4x1: 1 12 23 30"}},
            {.title = "padding cuts off both ends of 1 10 102 20 200",
             .fields = "1 3 stride=2 padding=1 bias=no",
             .in = {"1x2x1: 1 2"},
             .weight = {"3x1x1: 1 10 100"},
             .out = {"1x3x1: 10 102 20"}},
            {.title = "output_padding gives one cell back",
             .fields = "1 3 stride=2 padding=1 output_padding=1 bias=no",
             .in = {"1x2x1: 1 2"},
             .weight = {"3x1x1: 1 10 100"},
             .out = {"1x4x1: 10 102 20 200"}},
            {.title = "padding=same: twice as many cells",
             .fields = "1 3 stride=2 padding=same bias=no",
             .in = {"1x2x1: 1 2"},
             .weight = {"3x1x1: 1 10 100"},
             .out = {"1x4x1: 1 10 102 20"}},
            {.title = "two channels to three, with bias",
             .fields = "3 1x1",
             .in = {"1x1x2x2: 1 2 ; 3 4"},
             .weight = {"1x1x3x2: 1 0 ; 0 1 ; 10 100", "3: 0 0 1000"},
             .out = {"1x1x2x3: 1 2 1210 ; 3 4 1430"}},
            {.fields = "3 2x2 stride=2", .in = {"2x3x4x2"}},
            {.fields = "4 3x3 stride=2 padding=1 output_padding=1 activation=tanh", .in = {"2x3x4x3"}},
            {.fields = "5 5x3 stride=2x3 padding=same", .in = {"2x3x4x3"}},
            {.fields = "2 2x2 stride=3 padding=same_lower", .in = {"2x3x4x3"}},
            {.fields = "6 3x3 padding=1x2 padding_end=0x1 dilation=2x1 groups=2", .in = {"2x6x5x4"}},
            {.fields = "4 3x3 padding=full groups=4 flipped=yes bias=no", .in = {"2x5x6x4"}},
            {.fields = "3 4 stride=2 dilation=2", .in = {"2x5x2"}},
            {.fields = "2 2x3x2 stride=2x1x2 padding=0x1x0", .in = {"2x2x3x2x3"}},
        },
};
