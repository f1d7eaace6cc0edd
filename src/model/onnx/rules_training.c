/* rules_training.c - what graphs of ai.onnx.preview.training hold: steps of optimizers, each a few operators of the net, and
 * gradients, taken of the net as it stands for given inputs.
 *
 * Operands of an optimizer: R (rate), T (steps so far), then for each of its tensors all X, all gradients G, all states. */
#include <math.h>
#include <string.h>

#include "import_state.h"
#include "rules_compose.h"

/* ---- optimizers ------------------------------------------------------------------------------------------------------ */

typedef struct step {
    double rate, time;
    int tensors;
} step;

static fv_status read_step(fv_import *im, const fv_onnx_node *node, int groups, step *out) {
    fv_status status = fv_import_number(im, node, 0, "rate", &out->rate);
    if (!status) status = fv_import_number(im, node, 1, "number of steps", &out->time);
    if (!status && (node->input_count < 2 + groups || (node->input_count - 2) % groups))
        return fv_import_wrong(im, node, "%d operands", node->input_count);
    out->tensors = (node->input_count - 2) / groups;
    return status;
}

/* Operand i of group g: X is group 0, G group 1. */
static fv_value operand(fv_steps *s, const step *t, int group, int i) {
    fv_imported x = {0};
    if (!s->status) s->status = fv_import_value(s->im, s->node, 2 + group * t->tensors + i, FV_ORDER_ONNX, &x);
    return x.value;
}

static fv_value scaled(fv_steps *s, fv_value x, double factor) {
    return factor == 1 ? x : fv_step(s, "multiply", x, fv_step_number(s, factor), " ");
}

static fv_value plus(fv_steps *s, fv_value a, fv_value b) { return fv_step(s, "add", a, b, " "); }

/* G + norm_coefficient * X */
static fv_value regularised(fv_steps *s, const step *t, int i) {
    double weight = fv_onnx_float(s->node, "norm_coefficient", 0);
    fv_value g = operand(s, t, 1, i);
    return weight == 0 ? g : plus(s, g, scaled(s, operand(s, t, 0, i), weight));
}

static fv_value squared(fv_steps *s, fv_value x) { return fv_step(s, "math", x, FV_NOTHING, "square"); }

/* sqrt(h) + epsilon */
static fv_value root_of(fv_steps *s, fv_value h, double epsilon) {
    return plus(s, fv_step(s, "math", h, FV_NOTHING, "sqrt"), fv_step_number(s, epsilon));
}

/* Results: all X, then all of each state. */
static void bind_group(fv_steps *s, const step *t, int group, int i, fv_value value) {
    if (!s->status) s->status = fv_import_bind(s->im, s->node, group * t->tensors + i, value, false);
}

fv_status fv_rule_adagrad(fv_import *im, const fv_onnx_node *node) {
    fv_steps s = {im, node, FV_OK};
    step t;
    s.status = read_step(im, node, 3, &t);
    double rate = s.status ? 0 : t.rate / (1 + t.time * fv_onnx_float(node, "decay_factor", 0));
    for (int i = 0; !s.status && i < t.tensors; i++) {
        fv_value g = regularised(&s, &t, i), h = plus(&s, operand(&s, &t, 2, i), squared(&s, g));
        fv_value by =
            fv_step(&s, "divide", scaled(&s, g, rate), root_of(&s, h, fv_onnx_float(node, "epsilon", 0)), " ");
        bind_group(&s, &t, 0, i, fv_step(&s, "subtract", operand(&s, &t, 0, i), by, " "));
        bind_group(&s, &t, 1, i, h);
    }
    return s.status;
}

fv_status fv_rule_adam(fv_import *im, const fv_onnx_node *node) {
    fv_steps s = {im, node, FV_OK};
    step t;
    double alpha = fv_onnx_float(node, "alpha", 0.9), beta = fv_onnx_float(node, "beta", 0.999);
    s.status = read_step(im, node, 4, &t);
    double rate = s.status || !(t.time > 0) ? t.rate : t.rate * sqrt(1 - pow(beta, t.time)) / (1 - pow(alpha, t.time));
    for (int i = 0; !s.status && i < t.tensors; i++) {
        fv_value g = regularised(&s, &t, i);
        fv_value v = plus(&s, scaled(&s, operand(&s, &t, 2, i), alpha), scaled(&s, g, 1 - alpha));
        fv_value h = plus(&s, scaled(&s, operand(&s, &t, 3, i), beta), scaled(&s, squared(&s, g), 1 - beta));
        fv_value by =
            fv_step(&s, "divide", scaled(&s, v, rate), root_of(&s, h, fv_onnx_float(node, "epsilon", 0)), " ");
        fv_value x = fv_step(&s, "subtract", operand(&s, &t, 0, i), by, " ");
        bind_group(&s, &t, 0, i, scaled(&s, x, 1 - fv_onnx_float(node, "norm_coefficient_post", 0)));
        bind_group(&s, &t, 1, i, v);
        bind_group(&s, &t, 2, i, h);
    }
    return s.status;
}

fv_status fv_rule_momentum(fv_import *im, const fv_onnx_node *node) {
    fv_steps s = {im, node, FV_OK};
    step t;
    const char *mode = fv_onnx_text(node, "mode", "standard");
    double alpha = fv_onnx_float(node, "alpha", 0);
    bool nesterov = !strcmp(mode, "nesterov");
    s.status = read_step(im, node, 3, &t);
    if (!s.status && !nesterov && strcmp(mode, "standard")) return fv_import_wrong(im, node, "mode \"%.40s\"", mode);
    for (int i = 0; !s.status && i < t.tensors; i++) {
        fv_value g = regularised(&s, &t, i);
        fv_value fresh = scaled(&s, g, t.time > 0 ? fv_onnx_float(node, "beta", 1) : 1);
        fv_value v = plus(&s, scaled(&s, operand(&s, &t, 2, i), alpha), fresh);
        fv_value by = nesterov ? plus(&s, g, scaled(&s, v, alpha)) : v;
        bind_group(&s, &t, 0, i, fv_step(&s, "subtract", operand(&s, &t, 0, i), scaled(&s, by, t.rate), " "));
        bind_group(&s, &t, 1, i, v);
    }
    return s.status;
}

/* ---- gradients ------------------------------------------------------------------------------------------------------------ */

/* The names in the attribute are values of the graph; the operands are those of xs, then zs, at which it is taken. */
static fv_status bind_gradients(fv_import *im, const fv_onnx_node *node, fv_run *run) {
    fv_status status = FV_OK;
    for (int k = 0; k < node->output_count && !status; k++) {
        const fv_imported *x = fv_import_lookup(im, node->inputs[k]);
        fv_tensor got = fv_run_gradient(run, x->value);
        if (!got.data) return fv_import_refuse(im, node, "operand %d has no gradient", k);
        status = fv_import_bind_known(im, node, k, got.dtype, &got.shape, got.data);
    }
    return status;
}

static fv_status differentiate(fv_import *im, const fv_onnx_node *node, const fv_imported *y, const int *by,
                               int count) {
    fv_model *model = fv_import_model(im);
    if (!model) return FV_E_MEMORY;
    const fv_plan_options options = {
        .batch = 1, .by = by, .by_count = count, .seeds = &y->value.id, .seed_count = 1, .threads = 1};
    fv_run *run = fv_run_build(im->net, &model->weights, &options, im->error);
    fv_status status = run ? fv_import_feed(im, run) : FV_E_UNSUPPORTED;
    if (!status) {
        fv_tensor seed = fv_run_operand(run, fv_run_plan(run)->seeds[0]);
        for (int64_t i = 0; i < fv_shape_count(&seed.shape); i++) ((float *)seed.data)[i] = 1;
        status = fv_run_go(run, 1, im->error);
    }
    if (!status) status = bind_gradients(im, node, run);
    fv_run_free(run);
    fv_model_free(model);
    return status;
}

fv_status fv_rule_gradient(fv_import *im, const fv_onnx_node *node) {
    const char *name = fv_onnx_text(node, "y", "");
    const fv_imported *y = fv_import_lookup(im, name);
    int by[FV_MAX_PORTS];
    if (im->batched) return fv_import_mixes(im, node, "a gradient of all samples together");
    if (node->output_count > FV_MAX_PORTS || node->output_count > node->input_count)
        return fv_import_refuse(im, node, "%d outputs", node->output_count);
    if (!y || y->known || y->value.id < 0 || y->dtype != FV_F32 || im->folding)
        return fv_import_refuse(im, node, "y \"%.60s\" is no result of the graph", name);
    for (int k = 0; k < node->output_count; k++) {
        fv_imported x;
        fv_status status = fv_import_value(im, node, k, FV_ORDER_ANY, &x);
        if (status) return status;
        by[k] = x.value.id;
    }
    return differentiate(im, node, y, by, node->output_count);
}
