/* dense.c - the fully connected layer. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(dense, INT, units, .positional = true, .required = true, .min = 1, .max = FV_MANY, .help = "number of outputs")  \
    FV_WEIGHT_FIELDS(F, dense)
FV_DEFINE_FIELDS(dense, FIELDS)

enum { WEIGHT, BIAS };

static fv_status infer(fv_infer *infer) {
    const struct dense *f = infer->fields;
    int64_t inputs, size;
    fv_status status = fv_infer_real(infer, 0);
    if (!status) status = fv_infer_last(infer, 0, &inputs);
    if (status) return status;
    if (inputs < 1) return fv_infer_fail(infer, "the input has nothing in its last dimension");
    if (!fv_mul_i64(inputs, f->units, &size)) return fv_infer_fail(infer, "the weight has too many elements");
    infer->out[0] = infer->in[0];
    infer->out[0].shape.dim[infer->in[0].shape.rank - 1] = f->units;
    FV_INFER_WEIGHT(infer, f, ((fv_shape){2, {inputs, f->units}}), "io", f->units);
    return FV_OK;
}

static int64_t inputs_of(const fv_type *t) { return t->shape.dim[t->shape.rank - 1]; }

static void cost(const fv_site *site, fv_cost *cost) {
    const struct dense *f = site->fields;
    cost->macs = fv_mul_saturated(fv_type_each(&site->in[0]), f->units);
    /* over all that there is, the notion of a cell's surroundings ends; in each cell it goes on */
    cost->extent = cost->stride = fv_sample_rank(&site->in[0]) > 1;
}

/* A convolution whose picture is one row of all vectors of a sample. */
static fv_geom conv_geom(const fv_emit *e) {
    const struct dense *f = fv_emit_fields(e);
    const fv_type *in = fv_in_type(e, 0);
    int64_t c = inputs_of(in), rows = fv_type_each(in) / c;
    fv_geom geom = fv_geom_for(e, in);
    geom.conv = (fv_conv_geom){.in = {1, 1, rows},
                               .out = {1, 1, rows},
                               .kernel = {1, 1, 1},
                               .stride = {1, 1, 1},
                               .dilation = {1, 1, 1},
                               .c = c,
                               .f = f->units,
                               .groups = 1,
                               .x_pixel = c,
                               .y_pixel = f->units};
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = conv_geom(e);
    FV_CALL(e, FV_R_CONV, &geom, fv_out(e, 0), fv_in(e, 0), fv_weight(e, WEIGHT), fv_weight(e, BIAS), FV_NO_OPERAND);
}

static void backward(fv_emit *e) {
    fv_geom geom = conv_geom(e);
    bool weight = fv_wants_d_weight(e, WEIGHT), bias = fv_wants_d_weight(e, BIAS);
    if (fv_wants_d_in(e, 0))
        FV_CALL(e, FV_R_CONV_DATA, &geom, fv_d_in(e, 0), fv_d_out(e, 0), fv_weight(e, WEIGHT), FV_NO_OPERAND);
    if (weight || bias)
        FV_CALL(e, FV_R_CONV_WEIGHTS, &geom, weight ? fv_d_weight(e, WEIGHT) : fv_temp(e, fv_weight_type(e, WEIGHT)),
                bias ? fv_d_weight(e, BIAS) : FV_NO_OPERAND, fv_in(e, 0), fv_d_out(e, 0));
}

const fv_op fv_op_dense = {
    .name = "dense",
    .summary = "fully connected layer: every output sees every input",
    .details = "y = x * weight + bias with weight [in][out]. An input with more dimensions is treated as many vectors "
               "along its "
               "last one, as in Keras: (N, L, C) becomes (N, L, units). Pictures are usually flattened before.",
    FV_FIELDS(dense),
    .ports = {{"x", FV_INPUT, "vectors along the last dimension", false},
              {"weight", FV_WEIGHT, "[in][units]", false},
              {"bias", FV_WEIGHT, "[units]", true}},
    .traits = FV_T_EPILOGUE,
    .onnx = "Gemm",
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "one neuron: 2*1 - 1*3 + 1/2",
             .fields = "1",
             .in = {"1x2: 2 -1"},
             .weight = {"2x1: 1 3", "1: 1/2"},
             .out = {"1x1: -1/2"}},
            {.title = "two samples, three outputs",
             .fields = "3",
             .in = {"2x2: 1 2 ; 3 -1"},
             .weight = {"2x3: 1 2 3 ; 4 5 6", "3: 10 20 30"},
             .out = {"2x3: 19 32 45 ; 9 21 33"}},
            FV_FIGURES("a neuron on MNIST", "1", "1x784", "1x1", 785, 784),
            FV_FIGURES("a neuron on CIFAR-10", "1", "1x3072", "1x1", 3073, 3072),
            FV_FIGURES("a neuron on ImageNet", "1", "1x150528", "1x1", 150529, 150528),
            FV_FIGURES("mnist_cnn dense1", "64", "1x576", "1x64", 36928, 36864),
            FV_FIGURES("mnist_cnn dense2", "10", "1x64", "1x10", 650, 640),
            FV_FIGURES("LeNet-5 F6", "84", "1x120", "1x84", 10164, 10080),
            FV_FIGURES("lenet_relu output", "10", "1x84", "1x10", 850, 840),
            {.fields = "7", .in = {"5x13"}},
            {.fields = "4 bias=no", .in = {"3x2x3x5"}},
            {.fields = "3", .in = {"fixed 6"}},
        },
};
