/* export_values.c - dense layers, element functions, norms and what joins values. */
#include <math.h>
#include <string.h>

#include "export.h"

/* With channels where ONNX wants them: axis 1. */
static fv_exported by_channel(fv_export *ex, const fv_node *node) {
    const fv_type *type = fv_export_type(ex, node->value_in[0]);
    return fv_export_in(ex, node, 0, type->shape.rank >= 3 ? FV_EXPORT_FIRST : FV_EXPORT_OURS);
}

/* ---- products --------------------------------------------------------------------------------------------------- */

/* The weight as [in][out], for values with more than one vector a sample. */
static fv_status dense_of_many(fv_export *ex, const fv_node *node) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_OURS);
    const float *numbers = fv_export_numbers(ex, node, 0);
    const fv_shape *shape = &fv_export_type(ex, node->value_in[node->inputs])->shape;
    const char *weight = fv_export_floats(ex, node, 0, shape, numbers), *bias = fv_export_weight(ex, node, 1, NULL);
    bool biased = bias && *bias;
    const char *product =
        fv_export_call(ex, node, "MatMul", biased ? NULL : fv_export_bind_order(ex, node, false), x.name, weight, NULL);
    if (biased) fv_export_call(ex, node, "Add", fv_export_bind_order(ex, node, false), product, bias, NULL);
    return fv_export_status(ex);
}

fv_status fv_export_dense(fv_export *ex, const fv_node *node) {
    const fv_type *type = fv_export_type(ex, node->value_in[0]);
    if (type->shape.rank != 2) return dense_of_many(ex, node);
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_ANY);
    const char *weight = fv_export_weight(ex, node, 0, &x), *bias = fv_export_weight(ex, node, 1, NULL);
    fv_export_begin(ex, node, "Gemm");
    fv_export_input(ex, x.name);
    fv_export_input(ex, weight);
    if (bias && *bias) fv_export_input(ex, bias);
    fv_export_output(ex, fv_export_bind_order(ex, node, false));
    fv_export_int(ex, "transB", 1);
    fv_export_end(ex);
    return fv_export_status(ex);
}

/* Squared distances to the codes: sum over i of (x_i - w_ij)^2. */
fv_status fv_export_rbf(fv_export *ex, const fv_node *node) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_OURS);
    const int64_t behind = 2, over = 1;
    const fv_shape *shape = &fv_export_type(ex, node->value_in[node->inputs])->shape;
    const char *codes = fv_export_floats(ex, node, 0, shape, fv_export_numbers(ex, node, 0));
    const char *column =
        fv_export_call(ex, node, "Unsqueeze", NULL, x.name, fv_export_wholes(ex, node, &behind, 1), NULL);
    const char *apart = fv_export_call(ex, node, "Sub", NULL, column, codes, NULL);
    const char *squares = fv_export_call(ex, node, "Mul", NULL, apart, apart, NULL),
               *axes = fv_export_wholes(ex, node, &over, 1);
    fv_export_begin(ex, node, "ReduceSum");
    fv_export_input(ex, squares);
    fv_export_input(ex, axes);
    fv_export_output(ex, fv_export_bind_order(ex, node, false));
    fv_export_int(ex, "keepdims", 0);
    fv_export_end(ex);
    return fv_export_status(ex);
}

/* ---- element functions ------------------------------------------------------------------------------------------ */

static fv_status simple(fv_export *ex, const fv_node *node, const char *op) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_ANY);
    fv_export_simple(ex, node, op, &x);
    return fv_export_status(ex);
}

fv_status fv_export_relu(fv_export *ex, const fv_node *node) { return simple(ex, node, "Relu"); }
fv_status fv_export_sigmoid(fv_export *ex, const fv_node *node) { return simple(ex, node, "Sigmoid"); }
fv_status fv_export_tanh(fv_export *ex, const fv_node *node) { return simple(ex, node, "Tanh"); }
fv_status fv_export_softplus(fv_export *ex, const fv_node *node) { return simple(ex, node, "Softplus"); }

fv_status fv_export_relu6(fv_export *ex, const fv_node *node) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_ANY);
    const char *least = fv_export_float(ex, node, 0), *most = fv_export_float(ex, node, 6);
    fv_export_call(ex, node, "Clip", fv_export_bind(ex, node, &x), x.name, least, most);
    return fv_export_status(ex);
}

static fv_status with_number(fv_export *ex, const fv_node *node, const char *op, const char *key, double number) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_ANY);
    fv_export_begin(ex, node, op);
    fv_export_input(ex, x.name);
    fv_export_output(ex, fv_export_bind(ex, node, &x));
    fv_export_real_attribute(ex, key, number);
    fv_export_end(ex);
    return fv_export_status(ex);
}

fv_status fv_export_leaky_relu(fv_export *ex, const fv_node *node) {
    return with_number(ex, node, "LeakyRelu", "alpha", fv_export_real(node, "slope"));
}

fv_status fv_export_elu(fv_export *ex, const fv_node *node) {
    return with_number(ex, node, "Elu", "alpha", fv_export_real(node, "alpha"));
}

fv_status fv_export_prelu(fv_export *ex, const fv_node *node) {
    fv_exported x = by_channel(ex, node), one = {.type.shape = {1, {1}}};
    const char *slope = fv_export_channels(ex, node, 0, fv_export_flag(node, "shared") ? &one : &x, 0);
    fv_export_call(ex, node, "PRelu", fv_export_bind(ex, node, &x), x.name, slope, NULL);
    return fv_export_status(ex);
}

static const char *times(fv_export *ex, const fv_node *node, const char *to, const char *x, double number) {
    return fv_export_call(ex, node, "Mul", to, x, fv_export_float(ex, node, number), NULL);
}

/* 1.7159 tanh(2x/3) */
fv_status fv_export_scaled_tanh(fv_export *ex, const fv_node *node) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_ANY);
    const char *inner = fv_export_call(ex, node, "Tanh", NULL, times(ex, node, NULL, x.name, 2.0 / 3), NULL, NULL);
    times(ex, node, fv_export_bind(ex, node, &x), inner, 1.7159);
    return fv_export_status(ex);
}

/* x * sigmoid(beta * x) */
fv_status fv_export_swish(fv_export *ex, const fv_node *node) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_ANY);
    double beta = fv_export_real(node, "beta");
    const char *inner = beta == 1 ? x.name : times(ex, node, NULL, x.name, beta);
    const char *part = fv_export_call(ex, node, "Sigmoid", NULL, inner, NULL, NULL);
    fv_export_call(ex, node, "Mul", fv_export_bind(ex, node, &x), x.name, part, NULL);
    return fv_export_status(ex);
}

/* x/2 * (1 + erf(x / sqrt 2)), or with tanh(sqrt(2/pi) (x + 0.044715 x^3)) for erf (Hendrycks and Gimpel 2016). */
fv_status fv_export_gelu(fv_export *ex, const fv_node *node) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_ANY);
    const char *inner, *half = times(ex, node, NULL, x.name, 0.5);
    if (fv_export_choice(node, "approximate") == 0)
        inner = fv_export_call(ex, node, "Erf", NULL, times(ex, node, NULL, x.name, sqrt(0.5)), NULL, NULL);
    else {
        const char *square = fv_export_call(ex, node, "Mul", NULL, x.name, x.name, NULL);
        const char *cube = fv_export_call(ex, node, "Mul", NULL, square, x.name, NULL);
        const char *sum = fv_export_call(ex, node, "Add", NULL, x.name, times(ex, node, NULL, cube, 0.044715), NULL);
        inner = fv_export_call(ex, node, "Tanh", NULL, times(ex, node, NULL, sum, sqrt(2 / acos(-1))), NULL, NULL);
    }
    const char *part = fv_export_call(ex, node, "Add", NULL, inner, fv_export_float(ex, node, 1), NULL);
    fv_export_call(ex, node, "Mul", fv_export_bind(ex, node, &x), half, part, NULL);
    return fv_export_status(ex);
}

fv_status fv_export_softmax(fv_export *ex, const fv_node *node) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_ANY);
    fv_export_begin(ex, node, "Softmax");
    fv_export_input(ex, x.name);
    fv_export_output(ex, fv_export_bind(ex, node, &x));
    fv_export_int(ex, "axis", x.first ? 1 : -1);
    fv_export_end(ex);
    return fv_export_status(ex);
}

/* The largest of each run of maps. */
fv_status fv_export_maxout(fv_export *ex, const fv_node *node) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_OURS);
    int64_t maps = fv_export_whole(node, "maps"), sizes[FV_MAX_RANK + 1], last = -1;
    int rank = x.type.shape.rank;
    if (rank == FV_MAX_RANK) return fv_export_refuse(ex, node, "a value of rank %d is too large for it", rank);
    for (int d = 0; d < rank - 1; d++) sizes[d] = 0;
    sizes[rank - 1] = x.type.shape.dim[rank - 1] / maps;
    sizes[rank] = maps;
    const char *runs =
        fv_export_call(ex, node, "Reshape", NULL, x.name, fv_export_wholes(ex, node, sizes, rank + 1), NULL);
    fv_export_begin(ex, node, "ReduceMax");
    fv_export_input(ex, runs);
    fv_export_output(ex, fv_export_bind_order(ex, node, false));
    fv_export_ints(ex, "axes", &last, 1);
    fv_export_int(ex, "keepdims", 0);
    fv_export_end(ex);
    return fv_export_status(ex);
}

/* ---- norms ------------------------------------------------------------------------------------------------------ */

static void norm(fv_export *ex, const fv_node *node, const char *op, const char *const *inputs, int count,
                 const char *to) {
    fv_export_begin(ex, node, op);
    for (int i = 0; i < count; i++) fv_export_input(ex, inputs[i]);
    fv_export_output(ex, to);
    fv_export_real_attribute(ex, "epsilon", fv_export_real(node, "epsilon"));
    fv_export_end(ex);
}

/* Scale and bias stand as one number a channel here, whatever the order of the pixels. */
static const char *channel(fv_export *ex, const fv_node *node, int k, const fv_exported *x, double otherwise) {
    fv_exported vector = {.type = x->type};
    return fv_export_channels(ex, node, k, &vector, otherwise);
}

fv_status fv_export_batchnorm(fv_export *ex, const fv_node *node) {
    fv_exported x = by_channel(ex, node);
    const char *inputs[] = {x.name, channel(ex, node, 0, &x, 1), channel(ex, node, 1, &x, 0),
                            channel(ex, node, 2, &x, 0), channel(ex, node, 3, &x, 1)};
    const char *to = fv_export_bind(ex, node, &x);
    norm(ex, node, "BatchNormalization", inputs, 5, to);
    return fv_export_status(ex);
}

fv_status fv_export_instancenorm(fv_export *ex, const fv_node *node) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_FIRST);
    const char *inputs[] = {x.name, channel(ex, node, 0, &x, 1), channel(ex, node, 1, &x, 0)};
    norm(ex, node, "InstanceNormalization", inputs, 3, fv_export_bind(ex, node, &x));
    return fv_export_status(ex);
}

fv_status fv_export_layernorm(fv_export *ex, const fv_node *node) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_OURS);
    const char *inputs[] = {x.name, channel(ex, node, 0, &x, 1), channel(ex, node, 1, &x, 0)};
    norm(ex, node, "LayerNormalization", inputs, 3, fv_export_bind(ex, node, &x));
    return fv_export_status(ex);
}

/* Each group as one channel of an instance norm, then scale and bias of the channels. */
fv_status fv_export_groupnorm(fv_export *ex, const fv_node *node) {
    fv_exported x = by_channel(ex, node);
    int64_t groups = fv_export_whole(node, "groups"), sizes[3] = {0, groups, -1};
    fv_exported group = {.type.shape = {1, {groups}}};
    const char *shape = fv_export_call(ex, node, "Shape", NULL, x.name, NULL, NULL);
    const char *grouped = fv_export_call(ex, node, "Reshape", NULL, x.name, fv_export_wholes(ex, node, sizes, 3), NULL);
    const char *inputs[] = {grouped, fv_export_channels(ex, node, -1, &group, 1),
                            fv_export_channels(ex, node, -1, &group, 0)};
    const char *normed = fv_export_between(ex, node);
    norm(ex, node, "InstanceNormalization", inputs, 3, normed);
    const char *back = fv_export_call(ex, node, "Reshape", NULL, normed, shape, NULL);
    const char *scaled = fv_export_call(ex, node, "Mul", NULL, back, fv_export_channels(ex, node, 0, &x, 1), NULL);
    const char *bias = fv_export_channels(ex, node, 1, &x, 0);
    fv_export_call(ex, node, "Add", fv_export_bind(ex, node, &x), scaled, bias, NULL);
    return fv_export_status(ex);
}

/* ONNX divides alpha by the window. */
fv_status fv_export_lrn(fv_export *ex, const fv_node *node) {
    fv_exported x = by_channel(ex, node);
    int64_t window = fv_export_whole(node, "window");
    double alpha = fv_export_real(node, "alpha");
    fv_export_begin(ex, node, "LRN");
    fv_export_input(ex, x.name);
    fv_export_output(ex, fv_export_bind(ex, node, &x));
    fv_export_int(ex, "size", window);
    fv_export_real_attribute(ex, "alpha", fv_export_flag(node, "mean") ? alpha : alpha * (double)window);
    fv_export_real_attribute(ex, "beta", fv_export_real(node, "beta"));
    fv_export_real_attribute(ex, "bias", fv_export_real(node, "k"));
    fv_export_end(ex);
    return fv_export_status(ex);
}

/* An operator for training that gives what it gets otherwise; it stays, so that the net can be trained on. */
fv_status fv_export_dropout(fv_export *ex, const fv_node *node) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_ANY);
    const char *rate = fv_export_float(ex, node, fv_export_real(node, "rate"));
    fv_export_call(ex, node, "Dropout", fv_export_bind(ex, node, &x), x.name, rate, NULL);
    return fv_export_status(ex);
}

/* ---- shapes ----------------------------------------------------------------------------------------------------- */

/* Is a vector read by nothing but dense layers, through operators that keep its places? Then they can turn their weights round. */
static bool ends_in_dense(const fv_net *net, int value) {
    bool any = false;
    for (int n = 0; n < net->node_count; n++) {
        const fv_node *node = &net->nodes[n];
        for (int k = 0; k < node->inputs; k++) {
            if (node->value_in[k] != value || fv_net_for_training(net, n)) continue;
            bool dense = !strcmp(node->op->name, "dense"), kept = !strcmp(node->op->name, "dropout");
            kept |= node->inputs == 1 && node->parameters == 0 && (node->op->traits & FV_T_ELEMENTWISE);
            if (!dense && !(kept && ends_in_dense(net, node->value_out[0]))) return false;
            any = true;
        }
    }
    return any;
}

fv_status fv_export_flatten(fv_export *ex, const fv_node *node) {
    bool turned = ends_in_dense(fv_export_net(ex), node->value_out[0]);
    fv_exported x = fv_export_in(ex, node, 0, turned ? FV_EXPORT_ANY : FV_EXPORT_OURS);
    if (x.picture.rank) x = fv_export_in(ex, node, 0, FV_EXPORT_OURS);
    fv_exported y = {.picture = x.first ? x.type.shape : (fv_shape){.rank = 0}};
    int open = 0;
    for (int d = 1; d < y.picture.rank; d++) open += y.picture.dim[d] < 0;
    if (open) return fv_export_refuse(ex, node, "the size of its input must be known; give one");
    fv_export_call(ex, node, "Flatten", fv_export_bind(ex, node, &y), x.name, NULL, NULL);
    return fv_export_status(ex);
}

fv_status fv_export_reshape(fv_export *ex, const fv_node *node) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_OURS);
    const fv_shape *to = &fv_export_out_type(ex, node)->shape;
    int64_t sizes[FV_MAX_RANK];
    int open = 0;
    for (int d = 0; d < to->rank; d++) {
        sizes[d] = to->dim[d] == FV_BATCH ? 0 : to->dim[d] == FV_OPEN ? -1 : to->dim[d];
        open += to->dim[d] == FV_OPEN;
    }
    if (open > 1) return fv_export_refuse(ex, node, "the size of its input must be known; give one");
    const char *shape = fv_export_wholes(ex, node, sizes, to->rank);
    fv_export_call(ex, node, "Reshape", fv_export_bind_order(ex, node, false), x.name, shape, NULL);
    return fv_export_status(ex);
}

/* An operator of two values, one after the other. */
static fv_status fold(fv_export *ex, const fv_node *node, const char *op) {
    fv_exported *x = fv_export_memory(ex, (size_t)node->inputs * sizeof *x);
    if (!x) return fv_export_status(ex);
    fv_export_together(ex, node, x);
    const char *sum = x[0].name;
    for (int i = 1; i < node->inputs; i++)
        sum = fv_export_call(ex, node, op, i < node->inputs - 1 ? NULL : fv_export_bind(ex, node, &x[0]), sum,
                             x[i].name, NULL);
    if (node->inputs == 1) fv_export_bind_same(ex, node, &x[0]);
    return fv_export_status(ex);
}

fv_status fv_export_add(fv_export *ex, const fv_node *node) { return fold(ex, node, "Add"); }
fv_status fv_export_multiply(fv_export *ex, const fv_node *node) { return fold(ex, node, "Mul"); }

fv_status fv_export_concat(fv_export *ex, const fv_node *node) {
    const fv_type *type = fv_export_out_type(ex, node);
    int rank = type->shape.rank;
    int64_t axis = fv_export_whole(node, "axis");
    if (axis < 0) axis += rank;
    fv_exported *x = fv_export_memory(ex, (size_t)node->inputs * sizeof *x);
    bool first = false;
    for (int i = 0; x && i < node->inputs; i++) first |= fv_export_in(ex, node, i, FV_EXPORT_ANY).first;
    for (int i = 0; x && i < node->inputs; i++)
        x[i] = fv_export_in(ex, node, i, first ? FV_EXPORT_FIRST : FV_EXPORT_OURS);
    if (!x) return fv_export_status(ex);
    if (first && axis > 0) axis = axis == rank - 1 ? 1 : axis + 1;
    fv_export_begin(ex, node, "Concat");
    for (int i = 0; i < node->inputs; i++) fv_export_input(ex, x[i].name);
    fv_export_output(ex, fv_export_bind_order(ex, node, first));
    fv_export_int(ex, "axis", axis);
    fv_export_end(ex);
    return fv_export_status(ex);
}

/* Numbers of the net itself. */
fv_status fv_export_numbers_op(fv_export *ex, const fv_node *node) {
    if (fv_export_words(node, "values"))
        return fv_export_refuse(ex, node, "numbers that are written out are not exported");
    const char *name =
        fv_export_floats(ex, node, 0, &fv_export_out_type(ex, node)->shape, fv_export_numbers(ex, node, 0));
    fv_export_bind_same(ex, node, &(fv_exported){.name = name});
    return fv_export_status(ex);
}
