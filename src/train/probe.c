/* probe.c - a step in which nothing is lost: every value and gradient stays readable. It explains a loss that is no number, and
 * measures layer by layer how large activations and gradients are. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train.h"

/* ---- the run ---------------------------------------------------------------------------------------------------- */

/* Running statistics that this run may write. */
static fv_status copy_states(fv_probe *p, fv_error *error) {
    const fv_model *model = p->model;
    size_t values = (size_t)model->net->value_count;
    p->weights.of = fv_alloc_array(values + 1, sizeof *p->weights.of);
    if (!p->weights.of) return fv_fail_memory(error, "a look at the layers", values * sizeof *p->weights.of);
    memcpy(p->weights.of, model->weights.of, values * sizeof *p->weights.of);
    for (int i = 0; i < model->weight_count; i++) {
        int value = model->weight_values[i];
        if (model->net->values[value].kind != FV_KIND_STATE) continue;
        size_t bytes = (size_t)fv_shape_count(&model->weights.of[value].shape) * sizeof(float);
        p->weights.of[value].data = fv_alloc_aligned(bytes);
        if (!p->weights.of[value].data) return fv_fail_memory(error, "a look at the layers", bytes);
    }
    return FV_OK;
}

static void refresh_states(fv_probe *p) {
    const fv_model *model = p->model;
    for (int i = 0; i < model->weight_count; i++) {
        int value = model->weight_values[i];
        const fv_tensor *from = &model->weights.of[value];
        if (model->net->values[value].kind == FV_KIND_STATE)
            memcpy(p->weights.of[value].data, from->data, (size_t)fv_shape_count(&from->shape) * sizeof(float));
    }
    p->weights.version++;
}

/* Results of layers: no losses, no targets, no class numbers. */
static bool looked_at(const fv_net *net, int value) {
    const fv_value_info *info = &net->values[value];
    return info->kind == FV_KIND_RESULT && info->type.dtype == FV_F32 && !info->of_target &&
           !fv_net_is_loss(net, value);
}

/* Units can be dead behind an activation that ends at 0. */
static bool has_units(const fv_net *net, int value) {
    const fv_op *op = net->nodes[net->values[value].node].op;
    return (op->traits & FV_T_ACTIVATION) && (op->traits & FV_T_ELEMENTWISE);
}

static int64_t channels_of(const fv_tensor *tensor) {
    return tensor->shape.rank > 1 ? tensor->shape.dim[tensor->shape.rank - 1] : 1;
}

static fv_status build(fv_probe *p, const fv_data *data, int64_t batch, int threads, fv_error *error) {
    const fv_net *net = p->model->net;
    int *list = fv_alloc_array((size_t)net->value_count + 1, sizeof *list), count = 0;
    if (!list) return fv_fail_memory(error, "a look at the layers", 0);
    for (int v = 0; v < net->value_count; v++)
        if (looked_at(net, v)) list[count++] = v;
    fv_shape shape;
    fv_plan_options options = {.batch = batch,
                               .input = fv_feed_shape(net, data, &shape),
                               .training = true,
                               .losses = true,
                               .gradients = true,
                               .wanted = list,
                               .wanted_count = count,
                               .by = list,
                               .by_count = count,
                               .threads = threads,
                               .no_passes = true};
    p->run = fv_run_build(p->model->net, &p->weights, &options, error);
    fv_free(list);
    return p->run ? FV_OK : fv_failed(error);
}

static fv_status make_sums(fv_probe *p, fv_error *error) {
    const fv_plan *plan = fv_run_plan(p->run);
    size_t values = (size_t)plan->value_count;
    p->sums = fv_alloc_array(2 * values + 1, sizeof *p->sums);
    p->alive = fv_alloc_array(values + 1, sizeof *p->alive);
    if (!p->sums || !p->alive) return fv_fail_memory(error, "a look at the layers", values * 24);
    for (int v = 0; v < plan->value_count; v++) {
        if (!looked_at(plan->net, v) || !has_units(plan->net, v)) continue;
        fv_tensor tensor = fv_run_operand(p->run, plan->of_value[v]);
        if (!tensor.data) continue;
        p->alive[v] = fv_alloc((size_t)channels_of(&tensor));
        if (!p->alive[v]) return fv_fail_memory(error, "a look at the layers", (size_t)channels_of(&tensor));
    }
    return FV_OK;
}

fv_status fv_probe_begin(fv_probe *p, fv_model *model, const fv_data *data, int64_t batch, int threads,
                         fv_error *error) {
    memset(p, 0, sizeof *p);
    p->model = model;
    fv_status status = copy_states(p, error);
    if (!status) status = build(p, data, batch, threads, error);
    if (!status) status = fv_feed_begin(&p->feed, model, data, p->run, true, error);
    if (!status) status = make_sums(p, error);
    return status;
}

fv_status fv_probe_go(fv_probe *p, const int64_t *order, int64_t first, int64_t n, const fv_moment *moment,
                      fv_error *error) {
    refresh_states(p);
    fv_run_set_moment(p->run, moment);
    fv_status status = fv_feed_batch(&p->feed, order, first, n, error);
    return status ? status : fv_run_go(p->run, n, error);
}

void fv_probe_end(fv_probe *p) {
    int values = p->run ? fv_run_plan(p->run)->value_count : 0;
    for (int v = 0; p->alive && v < values; v++) fv_free(p->alive[v]);
    fv_free(p->alive);
    fv_free(p->sums);
    fv_feed_end(&p->feed);
    fv_run_free(p->run);
    for (int i = 0; p->weights.of && i < p->model->weight_count; i++) {
        int value = p->model->weight_values[i];
        if (p->model->net->values[value].kind == FV_KIND_STATE) fv_free_aligned(p->weights.of[value].data);
    }
    fv_free(p->weights.of);
    memset(p, 0, sizeof *p);
}

/* ---- what went wrong -------------------------------------------------------------------------------------------- */

static bool is_finite(const fv_tensor *tensor) {
    return !tensor->data || tensor->dtype != FV_F32 || fv_all_finite(tensor->data, fv_shape_count(&tensor->shape));
}

/* The sample whose row holds it. */
static int64_t bad_row(const fv_tensor *tensor) {
    int64_t rows = tensor->shape.rank ? tensor->shape.dim[0] : 1,
            each = fv_shape_count(&tensor->shape) / (rows ? rows : 1);
    for (int64_t r = 0; r < rows; r++)
        if (!fv_all_finite((const float *)tensor->data + r * each, each)) return r;
    return 0;
}

static bool bad_input(const fv_probe *p, const int64_t *order, int64_t first, char *text, size_t size) {
    const fv_plan *plan = fv_run_plan(p->run);
    for (int v = 0; v < plan->value_count; v++) {
        if (plan->net->values[v].kind != FV_KIND_INPUT || plan->of_value[v] == FV_NO_OPERAND) continue;
        fv_tensor tensor = fv_run_operand(p->run, plan->of_value[v]);
        if (is_finite(&tensor)) continue;
        snprintf(text, size, "the data's '%s' of sample %lld", plan->net->values[v].name,
                 (long long)order[first + bad_row(&tensor)]);
        return true;
    }
    return false;
}

static bool bad_weight(const fv_probe *p, char *text, size_t size) {
    for (int i = 0; i < p->model->weight_count; i++) {
        int value = p->model->weight_values[i];
        bool trained = p->model->net->values[value].kind == FV_KIND_WEIGHT; /* the step wrote statistics already */
        if (!trained || is_finite(&p->model->weights.of[value])) continue;
        snprintf(text, size, "the weight %s", p->model->net->values[value].name);
        return true;
    }
    return false;
}

/* Forward in the order of the layers, backward against it. */
static bool bad_value(const fv_probe *p, bool backward, char *text, size_t size) {
    const fv_plan *plan = fv_run_plan(p->run);
    const fv_net *net = plan->net;
    for (int i = 0; i < net->node_count; i++) {
        int k = backward ? net->node_count - 1 - i : i;
        const fv_node *node = &net->nodes[k];
        for (int o = 0; o < node->outputs; o++) {
            int value = node->value_out[o];
            if (value >= plan->value_count || (!looked_at(net, value) && backward)) continue;
            fv_operand operand = backward ? plan->gradient_of[value] : plan->of_value[value];
            fv_tensor tensor = operand == FV_NO_OPERAND ? (fv_tensor){0} : fv_run_operand(p->run, operand);
            if (is_finite(&tensor)) continue;
            snprintf(text, size, "the %s of %s (%s)", backward ? "gradient by the output" : "output", node->name,
                     node->op->name);
            return true;
        }
        for (int w = 0; backward && w < node->parameters; w++) {
            int value = node->value_in[node->inputs + w];
            fv_operand operand = value < 0 || value >= plan->value_count ? FV_NO_OPERAND : plan->gradient_of[value];
            fv_tensor tensor = operand == FV_NO_OPERAND ? (fv_tensor){0} : fv_run_operand(p->run, operand);
            if (is_finite(&tensor)) continue;
            snprintf(text, size, "the gradient by %s", net->values[value].name);
            return true;
        }
    }
    return false;
}

bool fv_probe_trouble(const fv_probe *p, const int64_t *order, int64_t first, char *text, size_t size) {
    return bad_input(p, order, first, text, size) || bad_weight(p, text, size) || bad_value(p, false, text, size) ||
           bad_value(p, true, text, size);
}

/* ---- how large everything is ------------------------------------------------------------------------------------ */

void fv_probe_reset(fv_probe *p) {
    const fv_plan *plan = fv_run_plan(p->run);
    memset(p->sums, 0, 2 * (size_t)plan->value_count * sizeof *p->sums);
    for (int v = 0; v < plan->value_count; v++)
        if (p->alive[v]) {
            fv_tensor tensor = fv_run_operand(p->run, plan->of_value[v]);
            memset(p->alive[v], 0, (size_t)channels_of(&tensor));
        }
    p->samples = 0;
}

static double mean_square(const fv_tensor *tensor) {
    const float *numbers = tensor->data;
    int64_t count = fv_shape_count(&tensor->shape);
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (double)numbers[i] * (double)numbers[i];
    return count ? sum / (double)count : 0;
}

static void mark_alive(unsigned char *alive, const fv_tensor *tensor) {
    const float *numbers = tensor->data;
    int64_t channels = channels_of(tensor), count = fv_shape_count(&tensor->shape);
    for (int64_t i = 0; i < count; i++) alive[i % channels] |= numbers[i] != 0;
}

/* The gradients of a go are those of the mean over its n samples; so sums are weighted by n. */
void fv_probe_add(fv_probe *p) {
    const fv_plan *plan = fv_run_plan(p->run);
    fv_tensor output = fv_run_operand(p->run, plan->of_value[plan->output_value]);
    int64_t n = output.shape.rank ? output.shape.dim[0] : 1;
    for (int v = 0; v < plan->value_count; v++) {
        bool weight = plan->net->values[v].kind == FV_KIND_WEIGHT;
        if (!weight && !looked_at(plan->net, v)) continue;
        fv_tensor value =
            weight || plan->of_value[v] == FV_NO_OPERAND ? (fv_tensor){0} : fv_run_operand(p->run, plan->of_value[v]);
        fv_tensor gradient =
            plan->gradient_of[v] == FV_NO_OPERAND ? (fv_tensor){0} : fv_run_operand(p->run, plan->gradient_of[v]);
        if (value.data) p->sums[2 * v] += (double)n * mean_square(&value);
        if (gradient.data) p->sums[2 * v + 1] += (double)n * mean_square(&gradient);
        if (value.data && p->alive[v]) mark_alive(p->alive[v], &value);
    }
    p->samples += n;
}

/* What there is to say of one layer. */
typedef struct look {
    const fv_node *node;
    double activation, gradient; /* root mean squares of its output and of the gradient by that */
    double slope;                /* of the gradient by its weights, all together; NaN: it has none */
    double weight;               /* root mean square of these weights */
    int64_t units, dead;
} look;

static look look_at(const fv_probe *p, int k) {
    const fv_plan *plan = fv_run_plan(p->run);
    const fv_node *node = &plan->net->nodes[k];
    int value = node->value_out[0];
    double samples = p->samples ? (double)p->samples : 1, slope = 0, weight = 0, count = 0;
    look l = {.node = node, .slope = NAN, .weight = NAN};
    l.activation = sqrt(p->sums[2 * value] / samples);
    l.gradient = sqrt(p->sums[2 * value + 1] / samples);
    for (int w = 0; w < node->parameters; w++) {
        int parameter = node->value_in[node->inputs + w];
        if (parameter < 0 || plan->gradient_of[parameter] == FV_NO_OPERAND) continue;
        const fv_tensor *tensor = &p->model->weights.of[parameter];
        double each = (double)fv_shape_count(&tensor->shape);
        slope += each * p->sums[2 * parameter + 1] / samples;
        weight += each * mean_square(tensor);
        count += each;
    }
    if (count > 0) l.slope = sqrt(slope / count), l.weight = sqrt(weight / count);
    fv_tensor tensor = p->alive[value] ? fv_run_operand(p->run, plan->of_value[value]) : (fv_tensor){0};
    if (tensor.data) l.units = channels_of(&tensor);
    for (int64_t c = 0; c < l.units; c++) l.dead += !p->alive[value][c];
    return l;
}

static void add_number(fv_text *json, const char *key, double value) {
    char number[32];
    fv_print_double(value, number);
    fv_text_printf(json, ",\"%s\":%s", key, isfinite(value) ? number : "null");
}

static void add_look(fv_text *json, const look *l) {
    fv_text_printf(json, "%s{\"name\":\"%s\"", json->data && json->data[json->length - 1] != '[' ? "," : "",
                   l->node->name);
    add_number(json, "activation", l->activation);
    add_number(json, "gradient", l->gradient);
    if (!isnan(l->slope)) add_number(json, "weight_gradient", l->slope), add_number(json, "weight", l->weight);
    if (l->units) fv_text_printf(json, ",\"units\":%lld,\"dead\":%lld", (long long)l->units, (long long)l->dead);
    fv_text_add(json, "}");
}

/* A layer that learns a hundred thousand times slower than another one stands still beside it; a gradient a thousand times its
 * weights, or numbers of a million, end in no numbers at all soon. A tenth of dead units is more than chance. */
static const double far_less = 1e-5, far_more = 1e3, huge = 1e6, many_dead = 0.1;

static double pace(const look *l) { return l->weight > 0 ? l->slope / l->weight : NAN; }

static void warn_exploding(const look *l, fv_text *out) {
    if (l->activation > huge || !isfinite(l->activation))
        fv_text_printf(out, "exploding: the output of %s is %.3g in the mean\n", l->node->name, l->activation);
    if (pace(l) > far_more || (!isnan(l->slope) && !isfinite(l->slope)))
        fv_text_printf(out, "exploding: the gradient by the weights of %s is %.3g times these\n", l->node->name,
                       pace(l));
}

static void warn_dead(const look *l, int64_t samples, fv_text *out) {
    if (l->units && (double)l->dead >= many_dead * (double)l->units)
        fv_text_printf(out, "dead: %lld of %lld units of %s were 0 for all %lld samples looked at\n",
                       (long long)l->dead, (long long)l->units, l->node->name, (long long)samples);
}

static bool shown(const fv_probe *p, int k) {
    const fv_plan *plan = fv_run_plan(p->run);
    int value = plan->net->nodes[k].outputs ? plan->net->nodes[k].value_out[0] : -1;
    return value >= 0 && value < plan->value_count && looked_at(plan->net, value) &&
           plan->of_value[value] != FV_NO_OPERAND;
}

static void warn_vanishing(const fv_probe *p, const look *strongest, fv_text *out) {
    const fv_net *net = fv_run_plan(p->run)->net;
    int weak = 0;
    look first = {0}, last = {0};
    for (int k = 0; k < net->node_count; k++) {
        look l = shown(p, k) ? look_at(p, k) : (look){.slope = NAN, .weight = NAN};
        if (!(pace(&l) < far_less * pace(strongest))) continue;
        if (!weak++) first = l;
        last = l;
    }
    if (!weak) return;
    fv_text_printf(out, "vanishing: %s", first.node->name);
    if (weak > 1) fv_text_printf(out, "%s%s (%d layers)", weak > 2 ? " .. " : " and ", last.node->name, weak);
    fv_text_printf(out, " hardly learn%s: the gradient by the weights of %s is %.2g times these, of %s %.2g\n",
                   weak > 1 ? "" : "s", first.node->name, pace(&first), strongest->node->name, pace(strongest));
}

void fv_probe_report(const fv_probe *p, fv_text *json, fv_text *warnings) {
    const fv_net *net = fv_run_plan(p->run)->net;
    look strongest = {.slope = NAN, .weight = NAN};
    fv_text dead = {0}, exploding = {0};
    fv_text_add(json, "[");
    for (int k = 0; k < net->node_count; k++) {
        if (!shown(p, k)) continue;
        look l = look_at(p, k);
        add_look(json, &l);
        warn_exploding(&l, &exploding);
        warn_dead(&l, p->samples, &dead);
        if (!(pace(&l) <= pace(&strongest)) && !isnan(pace(&l))) strongest = l;
    }
    fv_text_add(json, "]");
    if (!isnan(strongest.slope)) warn_vanishing(p, &strongest, warnings);
    if (exploding.data) fv_text_add(warnings, exploding.data);
    if (dead.data) fv_text_add(warnings, dead.data);
    warnings->failed |= exploding.failed || dead.failed;
    fv_text_free(&exploding), fv_text_free(&dead);
}
