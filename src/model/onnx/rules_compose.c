/* rules_compose.c - operators that are compositions of ours: norms over any axes, pools of powers, what training computes. */
#include "rules_compose.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rules_window.h"

/* ---- steps ---------------------------------------------------------------------------------------------------------- */

fv_value fv_step(fv_steps *s, const char *op, fv_value a, fv_value b, const char *format, ...) {
    char fields[500];
    fv_value pair[2] = {a, b}, y = {0};
    va_list values;
    va_start(values, format);
    vsnprintf(fields, sizeof fields, format, values);
    va_end(values);
    if (!s->status) s->status = fv_import_apply(s->im, s->node, &y, op, pair, b.net ? 2 : 1, "%s", fields);
    return y;
}

fv_value fv_step_number(fv_steps *s, double number) {
    fv_value y = {0};
    fv_known *known = fv_import_new_known(s->im, FV_F32, &(fv_shape){0}, &(float){(float)number});
    if (!s->status)
        s->status = known ? fv_import_constant(s->im, s->node, known, NULL, &y)
                          : fv_import_refuse(s->im, s->node, "there is not enough memory");
    return y;
}

fv_value fv_step_mean(fv_steps *s, fv_value x, const int64_t *axes, int count) {
    char list[100];
    return fv_step(s, "reduce", x, FV_NOTHING, "kind=mean axes=%s keep=yes",
                   fv_import_list(axes, count, list, sizeof list));
}

fv_value fv_step_channels(fv_steps *s, int operand, const char *what, int rank) {
    fv_value y = {0};
    fv_known *known = NULL;
    if (!s->status) s->status = fv_import_known(s->im, s->node, operand, what, &known);
    if (s->status) return y;
    fv_known *shaped = fv_import_memory(s->im, sizeof *shaped);
    if (!shaped || known->shape.rank != 1) {
        s->status = fv_import_wrong(s->im, s->node, "its %s must be one number for each channel", what);
        return y;
    }
    *shaped = *known;
    while (shaped->shape.rank < rank - 1) shaped->shape.dim[shaped->shape.rank++] = 1;
    s->status = fv_import_constant(s->im, s->node, shaped, NULL, &y);
    return y;
}

/* x - mean over the axes, and the mean of its square. */
static fv_value centred(fv_steps *s, fv_value x, const int64_t *axes, int count, fv_value *mean, fv_value *variance) {
    *mean = fv_step_mean(s, x, axes, count);
    fv_value apart = fv_step(s, "subtract", x, *mean, " ");
    *variance = fv_step_mean(s, fv_step(s, "math", apart, FV_NOTHING, "square"), axes, count);
    return apart;
}

static fv_value inverse_root(fv_steps *s, fv_value variance, double epsilon) {
    fv_value root =
        fv_step(s, "math", fv_step(s, "add", variance, fv_step_number(s, epsilon), " "), FV_NOTHING, "sqrt");
    return fv_step(s, "math", root, FV_NOTHING, "reciprocal");
}

/* ---- layer normalisation ---------------------------------------------------------------------------------------------- */

/* Axes from `axis` to the last, and how many elements they have together. */
static fv_status trailing(fv_import *im, const fv_onnx_node *node, const fv_imported *x, int64_t axes[FV_MAX_RANK],
                          int *count, int64_t *elements) {
    int axis;
    fv_status status = fv_import_axis(im, node, fv_onnx_int(node, "axis", -1), x->shape.rank, &axis);
    if (status) return status;
    if (x->shape.dim[axis] == FV_BATCH) return fv_import_mixes(im, node, "axis 0");
    *count = 0;
    *elements = 1;
    for (int d = axis; d < x->shape.rank; d++) {
        axes[(*count)++] = d;
        if (x->shape.dim[d] < 0 || !fv_mul_i64(*elements, x->shape.dim[d], elements))
            return fv_import_refuse(im, node, "open sizes");
    }
    return FV_OK;
}

/* Sizes of x without its batch, the last `count` of them as one. */
static const char *joined(const fv_imported *x, int count, int64_t elements, char *list, size_t size) {
    int64_t sizes[FV_MAX_RANK];
    int from = x->shape.dim[0] == FV_BATCH, rank = 0;
    for (int d = from; d < x->shape.rank - count; d++) sizes[rank++] = x->shape.dim[d];
    if (count) sizes[rank++] = elements;
    return fv_import_list(sizes, rank, list, size);
}

static fv_value normalised(fv_steps *s, const fv_imported *x, int count, int64_t elements) {
    fv_import_weight weights[2] = {{0}};
    fv_known *known;
    fv_value y = x->value;
    char list[160];
    bool bias = fv_import_has(s->node, 2);
    for (int k = 0; k < 1 + bias && !s->status; k++) {
        s->status = fv_import_known(s->im, s->node, 1 + k, k ? "bias" : "scale", &known);
        if (!s->status && fv_shape_count(&known->shape) != elements)
            s->status = fv_import_refuse(s->im, s->node, "a scale or bias of another shape than the axes");
        if (!s->status) weights[k] = fv_import_plain(known);
    }
    if (count > 1) y = fv_step(s, "reshape", y, FV_NOTHING, "%s", joined(x, count, elements, list, sizeof list));
    if (!s->status)
        s->status =
            fv_import_apply_weights(s->im, s->node, &y, "layernorm", &y, 1, weights, 1 + bias, "epsilon=%.17g bias=%s",
                                    fv_onnx_float(s->node, "epsilon", 1e-5), bias ? "yes" : "no");
    int from = x->shape.dim[0] == FV_BATCH;
    fv_import_list(x->shape.dim + from, x->shape.rank - from, list, sizeof list);
    return count > 1 ? fv_step(s, "reshape", y, FV_NOTHING, "%s", list) : y;
}

fv_status fv_rule_layernorm(fv_import *im, const fv_onnx_node *node) {
    fv_steps s = {im, node, FV_OK};
    fv_imported x;
    int64_t axes[FV_MAX_RANK], elements;
    int count;
    s.status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (!s.status) s.status = trailing(im, node, &x, axes, &count, &elements);
    if (s.status) return s.status;
    fv_value y = normalised(&s, &x, count, elements), mean, variance;
    if (!s.status) s.status = fv_import_bind(im, node, 0, y, false);
    if (s.status || (!fv_import_is_read(im, node, 1) && !fv_import_is_read(im, node, 2))) return s.status;
    centred(&s, x.value, axes, count, &mean, &variance);
    fv_value inverse = inverse_root(&s, variance, fv_onnx_float(node, "epsilon", 1e-5));
    if (!s.status) s.status = fv_import_bind(im, node, 1, mean, false);
    return s.status ? s.status : fv_import_bind(im, node, 2, inverse, false);
}

fv_status fv_rule_rmsnorm(fv_import *im, const fv_onnx_node *node) {
    fv_steps s = {im, node, FV_OK};
    fv_imported x, scale;
    int64_t axes[FV_MAX_RANK], elements;
    int count;
    s.status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (!s.status) s.status = trailing(im, node, &x, axes, &count, &elements);
    if (!s.status) s.status = fv_import_operand(im, node, 1, &scale);
    if (!s.status && scale.shape.rank > count)
        return fv_import_refuse(im, node, "a scale of more axes than are normalised");
    if (!s.status && !scale.known && scale.input) s.status = fv_import_known(im, node, 1, "scale", &scale.known);
    if (!s.status && scale.known) s.status = fv_import_constant(im, node, scale.known, NULL, &scale.value);
    if (s.status) return s.status;
    fv_value squares = fv_step_mean(&s, fv_step(&s, "math", x.value, FV_NOTHING, "square"), axes, count);
    fv_value y = fv_step(&s, "multiply", x.value, inverse_root(&s, squares, fv_onnx_float(node, "epsilon", 1e-5)), " ");
    y = fv_step(&s, "multiply", y, scale.value, " ");
    return s.status ? s.status : fv_import_bind(im, node, 0, y, false);
}

/* (x - mean) / (deviation + 1e-9) over axes that may hold the batch. */
fv_status fv_rule_mean_variance_norm(fv_import *im, const fv_onnx_node *node) {
    static const int64_t standard[] = {0, 2, 3};
    fv_steps s = {im, node, FV_OK};
    fv_imported x;
    int64_t axes[FV_MAX_RANK];
    int count, axis;
    const int64_t *given = fv_onnx_ints(node, "axes", &count);
    if (!given) given = standard, count = 3;
    s.status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (count > FV_MAX_RANK) return fv_import_wrong(im, node, "%d axes", count);
    for (int i = 0; i < count && !s.status; i++) {
        s.status = fv_import_axis(im, node, given[i], x.shape.rank, &axis);
        if (!s.status && x.shape.dim[axis] == FV_BATCH) return fv_import_mixes(im, node, "axis 0");
        if (!s.status) axes[i] = fv_import_axis_in(&x, axis);
    }
    if (s.status) return s.status;
    fv_value mean, variance, apart = centred(&s, x.value, axes, count, &mean, &variance);
    fv_value deviation =
        fv_step(&s, "add", fv_step(&s, "math", variance, FV_NOTHING, "sqrt"), fv_step_number(&s, 1e-9), " ");
    fv_value y = fv_step(&s, "divide", apart, deviation, " ");
    return s.status ? s.status : fv_import_bind(im, node, 0, y, x.last);
}

/* ---- norms with statistics of what is there ------------------------------------------------------------------------------ */

/* scale * (x - mean) / sqrt(variance + epsilon) + bias, statistics over the axes; x as ONNX orders it. */
static fv_value standardised(fv_steps *s, const fv_imported *x, const int64_t *axes, int count, fv_value *mean,
                             fv_value *variance) {
    fv_value apart = centred(s, x->value, axes, count, mean, variance);
    fv_value y =
        fv_step(s, "multiply", apart, inverse_root(s, *variance, fv_onnx_float(s->node, "epsilon", 1e-5)), " ");
    y = fv_step(s, "multiply", y, fv_step_channels(s, 1, "scale", x->shape.rank), " ");
    return fv_step(s, "add", y, fv_step_channels(s, 2, "bias", x->shape.rank), " ");
}

/* running * momentum + now * (1 - momentum), as [C]. */
static fv_value blended(fv_steps *s, int operand, const char *what, fv_value now, int64_t channels) {
    double momentum = fv_onnx_float(s->node, "momentum", 0.9);
    now = fv_step(s, "reshape", now, FV_NOTHING, "%lld", (long long)channels);
    fv_value old = fv_step(s, "multiply", fv_step_channels(s, operand, what, 2), fv_step_number(s, momentum), " ");
    return fv_step(s, "add", old, fv_step(s, "multiply", now, fv_step_number(s, 1 - momentum), " "), " ");
}

/* BatchNormalization as a step of training computes it once: all of the batch together. */
fv_status fv_rule_batchnorm_training(fv_import *im, const fv_onnx_node *node) {
    fv_steps s = {im, node, FV_OK};
    fv_imported x;
    fv_value mean, variance;
    int64_t axes[FV_MAX_RANK] = {0};
    int count = 1;
    s.status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (s.status) return s.status;
    if (x.shape.rank < 2) return fv_import_refuse(im, node, "a value of rank %d", x.shape.rank);
    if (x.shape.dim[0] == FV_BATCH) return fv_import_mixes(im, node, "training_mode");
    for (int d = 2; d < x.shape.rank; d++) axes[count++] = d;
    fv_value y = standardised(&s, &x, axes, count, &mean, &variance);
    fv_value running_mean = blended(&s, 3, "mean", mean, x.shape.dim[1]);
    fv_value running_variance = blended(&s, 4, "variance", variance, x.shape.dim[1]);
    if (!s.status) s.status = fv_import_bind(im, node, 0, y, false);
    if (!s.status) s.status = fv_import_bind(im, node, 1, running_mean, false);
    return s.status ? s.status : fv_import_bind(im, node, 2, running_variance, false);
}

fv_status fv_rule_instancenorm_whole(fv_import *im, const fv_onnx_node *node) {
    fv_steps s = {im, node, FV_OK};
    fv_imported x;
    fv_value mean, variance;
    int64_t axes[FV_MAX_RANK];
    int count = 0;
    s.status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    for (int d = 2; d < x.shape.rank && !s.status; d++) axes[count++] = d;
    if (s.status) return s.status;
    fv_value y = standardised(&s, &x, axes, count, &mean, &variance);
    return s.status ? s.status : fv_import_bind(im, node, 0, y, false);
}

/* ---- pools of powers -------------------------------------------------------------------------------------------------------- */

static fv_value to_power(fv_steps *s, fv_value x, double p) {
    if (p == 1) return x;
    if (p == 2) return fv_step(s, "math", x, FV_NOTHING, "square");
    return fv_step(s, "power", x, fv_step_number(s, p), " ");
}

static fv_value root(fv_steps *s, fv_value x, double p) {
    if (p == 1) return x;
    if (p == 2) return fv_step(s, "math", x, FV_NOTHING, "sqrt");
    return fv_step(s, "power", x, fv_step_number(s, 1 / p), " ");
}

/* (sum of |x|^p over the window)^(1/p): the sum is the mean over the whole window, zeros around counted, times its cells. */
fv_status fv_rule_lp_pool(fv_import *im, const fv_onnx_node *node) {
    fv_steps s = {im, node, FV_OK};
    fv_imported x;
    fv_onnx_window w;
    char kernel[100], fields[400];
    double p = (double)fv_onnx_int(node, "p", 2), cells = 1;
    s.status = fv_import_value(im, node, 0, FV_ORDER_LAST, &x);
    if (!s.status) s.status = fv_onnx_read_window(im, node, &x, NULL, &w);
    if (!s.status && p < 1) return fv_import_wrong(im, node, "p %g", p);
    if (s.status) return s.status;
    for (int d = 0; d < w.rank; d++) cells *= (double)w.kernel[d];
    fv_value y = to_power(&s, fv_step(&s, "math", x.value, FV_NOTHING, "abs"), p);
    y = fv_step(&s, "avgpool", y, FV_NOTHING, "window=%s %s ceil=%s count_padding=yes",
                fv_onnx_sizes(&w, w.kernel, 1, kernel), fv_onnx_window_fields(&w, true, fields),
                fv_onnx_int(node, "ceil_mode", 0) ? "yes" : "no");
    y = root(&s, fv_step(&s, "multiply", y, fv_step_number(&s, cells), " "), p);
    return s.status ? s.status : fv_import_bind(im, node, 0, y, true);
}

fv_status fv_rule_global_lp_pool(fv_import *im, const fv_onnx_node *node) {
    fv_steps s = {im, node, FV_OK};
    fv_imported x;
    int64_t axes[FV_MAX_RANK];
    char list[100];
    int count = 0;
    double p = (double)fv_onnx_int(node, "p", 2);
    s.status = fv_import_value(im, node, 0, FV_ORDER_LAST, &x);
    if (!s.status && p < 1) return fv_import_wrong(im, node, "p %g", p);
    if (s.status) return s.status;
    for (int d = 2; d < x.shape.rank; d++) axes[count++] = d - 1; /* channels last */
    fv_value y = to_power(&s, fv_step(&s, "math", x.value, FV_NOTHING, "abs"), p);
    y = root(&s,
             fv_step(&s, "reduce", y, FV_NOTHING, "kind=sum axes=%s keep=yes",
                     fv_import_list(axes, count, list, sizeof list)),
             p);
    return s.status ? s.status : fv_import_bind(im, node, 0, y, true);
}
