/* trial.c - a worked example of an operator as a net of one layer. */
#include "trial.h"

#include "graph.h"
#include "integers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- from a record to a net -----------------------------------------------------------------------------------------
 */

static fv_status add_operand(fv_trial *t, const char *name, fv_role role, const fv_example_tensor *text, int value,
                             fv_error *error) {
    fv_trial_operand *o = &t->operand[t->operands];
    *o = (fv_trial_operand){.name = name, .value = value, .role = role, .text = *text};
    if (t->example->figures) return t->operands++, FV_OK;
    o->numbers = fv_alloc_array((size_t)text->count + 1, sizeof *o->numbers);
    if (!o->numbers) return fv_fail_memory(error, "an example", (size_t)text->count * sizeof *o->numbers);
    t->operands++;
    return fv_example_numbers(text, (uint64_t)t->operands, o->numbers, error);
}

static fv_status add_input(fv_trial *t, int i, fv_value *value, fv_error *error) {
    fv_example_tensor text;
    char name[16];
    fv_status status = fv_example_read(t->example->in[i], true, &text, error);
    if (status) return status;
    int lead = text.batch > 0;
    if (lead && t->batch && t->batch != text.batch) return fv_fail(error, FV_E_SYNTAX, "example: two batch sizes");
    if (lead) t->batch = text.batch;
    fv_input_options options = {.size = sizeof options, .name = name, .dtype = text.type.dtype, .no_batch = !lead};
    for (int d = lead; d < text.type.shape.rank; d++) options.shape.dim[options.shape.rank++] = text.type.shape.dim[d];
    snprintf(name, sizeof name, "in%d", i);
    *value = fv_input_with(t->net, &options);
    if (value->id < 0) return fv_net_check(t->net, error);
    return add_operand(t, t->net->values[value->id].name, FV_INPUT, &text, value->id, error);
}

/* Numbers of a parameter: the example's, else small drawn ones; a running statistic keeps those of a fresh one. */
static fv_status add_parameter(fv_trial *t, const fv_node *node, int k, fv_error *error) {
    const fv_port *port = &t->op->ports[fv_op_inputs(t->op) + k];
    int value = node->value_in[node->inputs + k];
    const char *given = k < 4 ? t->example->weight[k] : NULL;
    fv_example_tensor text = {0};
    if (value < 0) return FV_OK;
    const fv_type *type = &t->net->values[value].type;
    fv_status status = given ? fv_example_read(given, false, &text, error) : FV_OK;
    if (status) return status;
    if (given && !fv_shape_equal(&text.type.shape, &type->shape)) {
        char a[96], b[96];
        return fv_fail(error, FV_E_SHAPE, "example: expected %s as %s, got %s",
                       fv_shape_text(&type->shape, a, sizeof a), port->name,
                       fv_shape_text(&text.type.shape, b, sizeof b));
    }
    text.type = *type;
    text.count = fv_shape_count(&type->shape);
    status = add_operand(t, port->name, port->role, &text, value, error);
    const char *initializer = t->net->values[value].parameter.initializer;
    if (status || given || port->role != FV_STATE || t->example->figures) return status;
    for (int64_t i = 0; i < text.count; i++)
        t->operand[t->operands - 1].numbers[i] = initializer && !strcmp(initializer, "ones");
    return FV_OK;
}

static fv_status build(fv_trial *t, fv_error *error) {
    fv_value in[4];
    int inputs = 0, count;
    fv_argument *arguments;
    for (; inputs < 4 && t->example->in[inputs]; inputs++) {
        fv_status status = add_input(t, inputs, &in[inputs], error);
        if (status) return status;
    }
    fv_status status = fv_fields_split(t->example->fields, t->net->arena, &arguments, &count, error);
    if (status) return status;
    t->y = fv_net_apply(t->net, t->op, NULL, in, inputs, arguments, count, error);
    if (t->y.id < 0) return fv_net_check(t->net, error);
    if (!t->batch) t->batch = 1;
    const fv_node *node = &t->net->nodes[0];
    for (int k = 0; k < node->parameters && !status; k++) status = add_parameter(t, node, k, error);
    return status;
}

static fv_status make_weights(fv_trial *t, fv_error *error) {
    t->weights.version = 1;
    t->weights.of = fv_alloc_array((size_t)t->net->value_count, sizeof *t->weights.of);
    if (!t->weights.of) return fv_fail_memory(error, "an example", (size_t)t->net->value_count * sizeof *t->weights.of);
    for (int i = 0; i < t->operands; i++) {
        int value = t->operand[i].value;
        if (t->operand[i].role == FV_INPUT || t->example->figures) continue;
        t->weights.of[value] = fv_tensor_new(FV_F32, &t->net->values[value].type.shape);
        if (!t->weights.of[value].data) return fv_fail_memory(error, "an example", (size_t)t->operand[i].text.count);
    }
    return FV_OK;
}

fv_status fv_trial_new(const fv_op *op, const fv_example *example, fv_trial *trial, fv_error *error) {
    *trial = (fv_trial){.op = op, .example = example, .net = fv_net_new()};
    if (!trial->net) return fv_fail_memory(error, "an example", sizeof *trial->net);
    fv_status status = build(trial, error);
    if (!status) status = make_weights(trial, error);
    if (status) fv_trial_free(trial);
    return status;
}

void fv_trial_free(fv_trial *t) {
    for (int i = 0; i < t->operands; i++) fv_free(t->operand[i].numbers);
    for (int v = 0; t->weights.of && v < t->net->value_count; v++) fv_free(t->weights.of[v].data);
    fv_free(t->weights.of);
    fv_net_free(t->net);
    *t = (fv_trial){0};
}

/* ---- running --------------------------------------------------------------------------------------------------------
 */

static void write_numbers(fv_tensor to, const double *numbers, int64_t count) {
    for (int64_t i = 0; i < count && to.data; i++) {
        if (to.dtype == FV_F32)
            ((float *)to.data)[i] = (float)numbers[i];
        else if (to.dtype == FV_F64)
            ((double *)to.data)[i] = numbers[i];
        else
            fv_whole_store(to.dtype, to.data, i, (int64_t)numbers[i]);
    }
}

void fv_trial_load(const fv_trial *t, fv_run *run) {
    for (int i = 0; i < t->operands; i++) {
        const fv_trial_operand *o = &t->operand[i];
        fv_tensor to = o->role == FV_INPUT ? fv_run_value(run, (fv_value){t->net, o->value}) : t->weights.of[o->value];
        write_numbers(to, o->numbers, o->text.count);
    }
}

fv_run *fv_trial_run(const fv_trial *t, const fv_table *table, bool gradients, fv_error *error) {
    int by[FV_MAX_PORTS + 4], by_count = 0;
    for (int i = 0; i < t->operands; i++)
        if (t->operand[i].role != FV_STATE && t->operand[i].text.type.dtype == FV_F32)
            by[by_count++] = t->operand[i].value;
    fv_plan_options options = {.batch = t->batch,
                               .training = t->example->training,
                               .exact = true,
                               .wanted = t->net->nodes[0].value_out,
                               .wanted_count = t->net->nodes[0].outputs,
                               .table = table,
                               .threads = 1};
    if (gradients) {
        options.by = by;
        options.by_count = by_count;
        options.seeds = &t->y.id;
        options.seed_count = 1;
    }
    fv_run *run = fv_run_build(t->net, &t->weights, &options, error);
    if (run) fv_trial_load(t, run);
    return run;
}

static double number_at(fv_tensor t, int64_t i) {
    return t.dtype == FV_F64   ? ((const double *)t.data)[i]
           : t.dtype == FV_F32 ? ((const float *)t.data)[i]
                               : (double)fv_whole_load(t.dtype, t.data, i);
}

static fv_status compare(const fv_trial *t, int index, fv_tensor got, fv_error *error) {
    fv_example_tensor expected;
    char a[96], b[96];
    fv_status status = fv_example_read(t->example->out[index], true, &expected, error);
    if (status) return status;
    if (expected.batch) expected.type.shape.dim[0] = expected.batch;
    fv_dtype kind = got.dtype == FV_F64 ? FV_F32 : got.dtype;
    if (got.data && expected.type.dtype != kind)
        return fv_fail(error, FV_E_NUMBER, "expected a result of %s, got %s", fv_dtype_name(expected.type.dtype),
                       fv_dtype_name(kind));
    if (!got.data || !fv_shape_equal(&expected.type.shape, &got.shape))
        return fv_fail(error, FV_E_NUMBER, "expected a result of %s, got %s",
                       fv_shape_text(&expected.type.shape, a, sizeof a), fv_shape_text(&got.shape, b, sizeof b));
    if (!expected.numbers) return FV_OK;
    double *numbers = fv_alloc_array((size_t)expected.count + 1, sizeof *numbers);
    if (!numbers) return fv_fail_memory(error, "an example", (size_t)expected.count * sizeof *numbers);
    status = fv_example_numbers(&expected, 0, numbers, error);
    for (int64_t i = 0; i < expected.count && !status; i++) {
        double value = number_at(got, i);
        if (!(fabs(value - numbers[i]) <= 1e-5 * fabs(numbers[i]) + 1e-7))
            status = fv_fail(error, FV_E_NUMBER, "element %lld of the result: expected %.9g, got %.9g", (long long)i,
                             numbers[i], value);
    }
    fv_free(numbers);
    return status;
}

/* "1x2x2x1: 2 -2 ; -1 1": a semicolon behind each row. */
static void describe(fv_tensor y, fv_text *result) {
    enum { MOST = 40 };
    char shape[96];
    int last = y.shape.rank - 1;
    int64_t count = fv_shape_count(&y.shape);
    while (last > 0 && y.shape.dim[last] == 1) last--;
    int64_t row = last >= 0 ? y.shape.dim[last] : 1;
    fv_text_printf(result, "%s:", fv_shape_text(&y.shape, shape, sizeof shape));
    for (int64_t i = 0; i < count && i < MOST; i++)
        fv_text_printf(result, "%s%.6g", i > 0 && i % row == 0 ? " ; " : " ", number_at(y, i));
    if (count > MOST) fv_text_add(result, " ...");
}

static fv_status check_figures(const fv_trial *t, fv_text *result, fv_error *error) {
    const fv_example *x = t->example;
    fv_example_tensor expected;
    char shape[96];
    fv_status status = fv_example_read(x->out[0], true, &expected, error);
    fv_summary *summary = status ? NULL : fv_summarize(t->net, NULL, error);
    if (!summary) return FV_E_SHAPE;
    fv_layer total = fv_summary_total(summary);
    const fv_shape *y = &t->net->values[t->y.id].type.shape;
    if (!fv_shape_equal(&expected.type.shape, y) || total.parameters != x->parameters || total.macs != x->macs)
        status =
            fv_fail(error, FV_E_NUMBER, "expected %s, %lld parameters and %lld multiply-adds, got %s, %lld and %lld",
                    x->out[0], (long long)x->parameters, (long long)x->macs, fv_shape_text(y, shape, sizeof shape),
                    (long long)total.parameters, (long long)total.macs);
    if (result)
        fv_text_printf(result, "%s, %lld parameters, %lld multiply-adds", fv_shape_text(y, shape, sizeof shape),
                       (long long)total.parameters, (long long)total.macs);
    fv_summary_free(summary);
    return status;
}

fv_status fv_trial_check(const fv_trial *t, const fv_table *table, fv_text *result, fv_error *error) {
    if (t->example->figures) return check_figures(t, result, error);
    fv_run *run = fv_trial_run(t, table, false, error);
    if (!run) return error ? error->status : FV_E_ARGUMENT;
    fv_status status = fv_run_go(run, t->batch, error);
    if (!status && result) describe(fv_run_value(run, t->y), result);
    if (!status && t->example->out[0]) status = compare(t, 0, fv_run_value(run, t->y), error);
    if (!status && t->example->out[1]) status = compare(t, 1, fv_run_value(run, fv_output_of(t->y, 1)), error);
    fv_run_free(run);
    return status;
}
