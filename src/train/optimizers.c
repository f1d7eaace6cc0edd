/* optimizers.c - from gradients to new weights. An optimizer is a line in optimizers.def: which update of the kernel
 * table it is, and the numbers of that update for a step. */
#include <math.h>
#include <string.h>

#include "train.h"

/* x^n by repeated squaring: the same bits everywhere, which pow does not promise. */
static double power(double x, int64_t n) {
    double result = 1;
    for (; n > 0; n >>= 1, x *= x)
        if (n & 1) result *= x;
    return result;
}

static void sgd_numbers(const double *a, double rate, int64_t step, double h[8]) {
    (void)step;
    h[0] = rate, h[1] = a[1], h[2] = a[3], h[3] = a[2] != 0;
}
static void rmsprop_numbers(const double *a, double rate, int64_t step, double h[8]) {
    (void)step;
    h[0] = rate, h[1] = a[1], h[2] = a[3], h[3] = a[2];
}
static void adagrad_numbers(const double *a, double rate, int64_t step, double h[8]) {
    (void)step;
    h[0] = rate, h[2] = a[3], h[3] = a[1];
}
static void adam_numbers(const double *a, double rate, int64_t step, double h[8]) {
    h[0] = rate, h[1] = a[1], h[2] = a[4], h[3] = a[3], h[4] = a[2];
    h[5] = 1 - power(a[1], step), h[6] = 1 - power(a[2], step);
}
static void adamw_numbers(const double *a, double rate, int64_t step, double h[8]) {
    adam_numbers(a, rate, step, h);
    h[7] = 1;
}

static void muon_numbers(const double *a, double rate, int64_t step, double h[8]) {
    (void)step;
    h[0] = rate, h[1] = a[1], h[2] = a[4], h[3] = a[2] != 0;
}

static int sgd_states(const double *a) { return a[1] != 0; }
static int one_state(const double *a) { return (void)a, 1; }
static int two_states(const double *a) { return (void)a, 2; }
static double adagrad_initial(const double *a) { return a[2]; }

const fv_optimizer fv_optimizers[] = {
#define FV_OPTIMIZER(name, arguments, kind, numbers, states, initial, whole, help)                                     \
    {#name, help, arguments, kind, numbers, states, initial, whole},
#include "optimizers.def"
#undef FV_OPTIMIZER
};
int fv_optimizer_count(void) { return (int)(sizeof fv_optimizers / sizeof fv_optimizers[0]); }

/* Every argument but the rate must lie in 0 .. 1 (means' factors below 1), or the update would run away. */
static fv_status check_numbers(const fv_optimizer *optimizer, const double *arguments, fv_error *error) {
    static const char *const fractions[] = {"momentum", "rho", "beta1", "beta2"};
    for (int i = 0; i < 4; i++) {
        int at = fv_spec_argument(optimizer->arguments, fractions[i]);
        if (at >= 0 && !(arguments[at] >= 0 && arguments[at] < 1))
            return fv_fail(error, FV_E_ARGUMENT, "optimizer %s: expected %s in [0, 1), got %g", optimizer->name,
                           fractions[i], arguments[at]);
    }
    int steps = fv_spec_argument(optimizer->arguments, "steps");
    if (steps >= 0 && !(arguments[steps] >= 1 && arguments[steps] <= 100))
        return fv_fail(error, FV_E_ARGUMENT, "optimizer %s: expected steps in 1..100, got %g", optimizer->name,
                       arguments[steps]);
    for (int i = 0; i < FV_SPEC_ARGUMENTS; i++)
        if (arguments[i] < 0)
            return fv_fail(error, FV_E_ARGUMENT, "optimizer %s: expected no number below 0, got %g", optimizer->name,
                           arguments[i]);
    return FV_OK;
}

const fv_optimizer *fv_find_optimizer(const char *text, double arguments[FV_SPEC_ARGUMENTS], fv_error *error) {
    fv_spec spec;
    if (fv_spec_parse(text, "optimizer", &spec, error)) return NULL;
    int at = fv_spec_find(&spec, "optimizer", fv_optimizers, sizeof fv_optimizers[0], fv_optimizer_count(), error);
    if (at < 0) return NULL;
    memset(arguments, 0, FV_SPEC_ARGUMENTS * sizeof *arguments);
    if (fv_spec_numbers(&spec, "optimizer", fv_optimizers[at].arguments, arguments, error)) return NULL;
    return check_numbers(&fv_optimizers[at], arguments, error) ? NULL : &fv_optimizers[at];
}

/* ---- at work ---------------------------------------------------------------------------------------------------- */

static bool goes_whole(const fv_optimizer *optimizer, const fv_shape *shape, const char *axes) {
    return optimizer->whole && optimizer->whole->takes(shape, axes);
}

size_t fv_step_scratch(const fv_optimizer *optimizer, const fv_table *table, int threads, const fv_shape *shape,
                       const char *axes) {
    if (goes_whole(optimizer, shape, axes)) return optimizer->whole->scratch(table, threads, shape, axes);
    fv_geom geom = {.n = 1, .update = {.kind = optimizer->update, .each = fv_shape_count(shape)}};
    const fv_kernel *kernel = fv_choose_kernel(table, FV_R_UPDATE, &geom);
    fv_need need = {0};
    if (kernel->need) kernel->need(&geom, threads, &need);
    return need.scratch;
}

static fv_status begin_weight(fv_descent *d, fv_trained *weight, fv_error *error) {
    size_t bytes = (size_t)weight->each * sizeof(float);
    const fv_weight_group *group = &d->groups.group[weight->group];
    const fv_optimizer *optimizer = group->optimizer;
    float start = optimizer->initial ? (float)optimizer->initial(group->arguments) : 0;
    for (int s = 0; s < optimizer->states(group->arguments); s++) {
        weight->state[s] = fv_alloc_aligned(bytes);
        if (!weight->state[s]) return fv_fail_memory(error, "the optimizer's state", bytes);
        for (int64_t i = 0; i < weight->each; i++) weight->state[s][i] = start;
    }
    weight->update = (fv_update_geom){.kind = optimizer->update, .each = weight->each};
    fv_geom geom = {.n = 1, .update = weight->update};
    weight->kernel = goes_whole(optimizer, &weight->weight.shape, weight->axes)
                         ? NULL
                         : fv_choose_kernel(d->table, FV_R_UPDATE, &geom);
    return FV_OK;
}

static fv_status check_groups(const fv_descent *d, fv_error *error) {
    for (int g = 1; g < d->groups.count; g++) {
        int members = 0;
        for (int i = 0; i < d->count; i++) members += d->weights[i].group == g;
        if (!members)
            return fv_fail(error, FV_E_ARGUMENT, "groups: no weight that is trained is called '%s'",
                           d->groups.group[g].names);
    }
    return FV_OK;
}

static fv_status begin_weights(fv_descent *d, fv_model *model, fv_run *run, size_t *scratch, fv_error *error) {
    const fv_plan *plan = fv_run_plan(run);
    for (int i = 0; i < model->weight_count; i++) {
        int value = model->weight_values[i];
        const fv_value_info *info = &model->net->values[value];
        if (info->kind != FV_KIND_WEIGHT || info->parameter.fixed || plan->gradient_of[value] == FV_NO_OPERAND)
            continue;
        fv_trained *weight = &d->weights[d->count++];
        weight->value = value;
        weight->group = fv_group_of(&d->groups, model->net, value);
        weight->axes = info->parameter.axes;
        weight->weight = model->weights.of[value];
        weight->each = fv_shape_count(&weight->weight.shape);
        weight->gradient = fv_run_operand(run, plan->gradient_of[value]);
        fv_status status = begin_weight(d, weight, error);
        if (status) return status;
        size_t needs = fv_step_scratch(d->groups.group[weight->group].optimizer, d->table, fv_pool_threads(d->pool),
                                       &weight->weight.shape, weight->axes);
        if (needs > *scratch) *scratch = needs;
        if (!info->parameter.constraint) continue;
        weight->constraint = fv_find_constraint(info->parameter.constraint, weight->constraint_arguments, error);
        if (!weight->constraint) return FV_E_ARGUMENT;
    }
    return check_groups(d, error);
}

fv_status fv_descent_begin(fv_descent *d, fv_model *model, fv_run *run, const char *optimizer, const char *groups,
                           fv_error *error) {
    memset(d, 0, sizeof *d);
    fv_status status = fv_groups_read(optimizer, groups, &d->groups, error);
    if (status) return status;
    d->table = fv_run_plan(run)->table;
    d->pool = fv_run_pool(run);
    d->weights = fv_alloc_array((size_t)model->weight_count + 1, sizeof *d->weights);
    if (!d->weights) return fv_fail_memory(error, "the optimizer", 0);
    size_t scratch = 0;
    status = begin_weights(d, model, run, &scratch, error);
    if (status || !scratch) return status;
    d->scratch = fv_alloc_aligned(scratch);
    return d->scratch ? FV_OK : fv_fail_memory(error, "the optimizer", scratch);
}

static fv_status step_numbers(fv_descent *d, fv_trained *weight, const fv_weight_group *group) {
    memset(weight->update.h, 0, sizeof weight->update.h);
    group->optimizer->numbers(group->arguments, group->rate, d->step, weight->update.h);
    fv_geom geom = {.n = 1, .update = weight->update};
    fv_call call = {.geom = &geom,
                    .n = 1,
                    .scratch = d->scratch,
                    .pool = d->pool,
                    .arg = {weight->weight.data, weight->gradient.data, weight->state[0], weight->state[1]}};
    return weight->kernel->run(&call);
}

fv_status fv_descent_step(fv_descent *d, fv_error *error) {
    d->step++;
    for (int i = 0; i < d->count; i++) {
        fv_trained *weight = &d->weights[i];
        if (weight->resting) continue;
        const fv_weight_group *group = &d->groups.group[weight->group];
        fv_status status = weight->kernel ? step_numbers(d, weight, group)
                                          : group->optimizer->whole->step(d, weight, group->arguments, group->rate);
        if (status) return fv_fail(error, status, "the optimizer %s failed", group->optimizer->name);
        if (weight->constraint)
            weight->constraint->apply(weight->weight.data, &weight->weight.shape, weight->axes,
                                      weight->constraint_arguments);
    }
    return FV_OK;
}

void fv_descent_end(fv_descent *d) {
    for (int i = 0; i < d->count; i++)
        for (int s = 0; s < FV_MAX_OPTIMIZER_STATES; s++) fv_free_aligned(d->weights[i].state[s]);
    fv_free(d->weights);
    fv_free_aligned(d->scratch);
    memset(d, 0, sizeof *d);
}
