/* gradcheck.c - gradients of an operator's worked example against signed central differences, in double. */
#include "gradcheck.h"

#include "integers.h"
#include "philox.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ELEMENTS = 40 }; /* at most so many of each operand are varied */

static const double step = 1e-5, tolerance = 1e-6;

static bool keeps_numbers(const fv_trial *t, int i) {
    const fv_trial_operand *o = &t->operand[i];
    bool target = (t->op->traits & FV_T_LOSS) && i > 0;
    bool kept = (target || t->example->given) && o->text.numbers;
    return o->text.type.dtype != FV_F32 || o->role == FV_STATE || kept;
}

void draw_trial(fv_trial *t, uint64_t seed) {
    fv_stream stream = fv_stream_new(seed, FV_FOR_TEST, 1, 0);
    int64_t total = 0, used = 0;
    for (int i = 0; i < t->operands; i++) total += keeps_numbers(t, i) ? 0 : t->operand[i].text.count;
    int64_t *order = fv_alloc_array((size_t)total + 1, sizeof *order);
    if (!order) return;
    for (int64_t k = 0; k < total; k++) order[k] = k;
    fv_shuffle(&stream, order, total);
    for (int i = 0; i < t->operands; i++)
        for (int64_t k = 0; k < t->operand[i].text.count && !keeps_numbers(t, i); k++) {
            double size = 0.1 + 0.9 * ((double)order[used++] + 0.5) / (double)total;
            t->operand[i].numbers[k] = (float)(fv_next(&stream) & 1 ? size : -size);
        }
    fv_free(order);
}

static int64_t elements(fv_tensor t) { return fv_shape_count(&t.shape); }

static double number(fv_tensor t, int64_t i) {
    return t.dtype == FV_F64   ? ((double *)t.data)[i]
           : t.dtype == FV_F32 ? ((float *)t.data)[i]
                               : (double)fv_whole_load(t.dtype, t.data, i);
}

static bool real_result(const fv_trial *t) { return t->net->values[t->y.id].type.dtype == FV_F32; }

static fv_tensor seeds_of(const fv_trial *t, fv_run *run) {
    char name[200];
    snprintf(name, sizeof name, "d:%s", t->net->values[t->y.id].name);
    return fv_run_input(run, name);
}

static fv_status draw_seeds(const fv_trial *t, fv_run *run, uint64_t seed, fv_error *error) {
    fv_tensor seeds = seeds_of(t, run);
    fv_stream stream = fv_stream_new(seed, FV_FOR_TEST, 2, 0);
    if (!seeds.data) return fv_fail(error, FV_E_ARGUMENT, "the run has no seed for %s", t->net->values[t->y.id].name);
    for (int64_t i = 0; i < elements(seeds); i++) {
        double size = 0.5 + fv_uniform(&stream);
        float value = (float)(fv_next(&stream) & 1 ? size : -size);
        if (seeds.dtype == FV_F64)
            ((double *)seeds.data)[i] = value;
        else
            ((float *)seeds.data)[i] = value;
    }
    return FV_OK;
}

/* A run with drawn numbers and seeds, gone once. */
static fv_run *start(const fv_trial *t, const fv_table *table, uint64_t seed, fv_error *error) {
    fv_run *run = fv_trial_run(t, table, real_result(t), error);
    if (!run) return NULL;
    if (!(real_result(t) && draw_seeds(t, run, seed, error)) && !fv_run_go(run, t->batch, error)) return run;
    fv_run_free(run);
    return NULL;
}

/* ---- against differences ---------------------------------------------------------------------------------------- */

static fv_status weighted_sum(const fv_trial *t, fv_run *run, double *sum, fv_error *error) {
    fv_status status = fv_run_go(run, t->batch, error);
    fv_tensor y = fv_run_value(run, t->y), seeds = seeds_of(t, run);
    *sum = 0;
    for (int64_t i = 0; i < elements(y) && !status; i++) *sum += number(seeds, i) * number(y, i);
    return status;
}

/* (f(x + step) - f(x - step)) / (2 step) for one element. */
static fv_status difference(const fv_trial *t, fv_run *run, double *at, double *slope, fv_error *error) {
    double before = *at, up, down;
    *at = before + step;
    fv_status status = weighted_sum(t, run, &up, error);
    *at = before - step;
    if (!status) status = weighted_sum(t, run, &down, error);
    *at = before;
    *slope = status ? 0 : (up - down) / (2 * step);
    return status;
}

static fv_status check_operand(const fv_trial *t, fv_run *run, const fv_trial_operand *o, fv_error *error) {
    fv_value value = {t->net, o->value};
    fv_status status =
        fv_run_go(run, t->batch, error); /* gradients at the numbers as they are, not at the last variation */
    if (status) return status;
    fv_tensor gradient = fv_run_gradient(run, value), x = fv_run_operand(run, fv_run_plan(run)->of_value[o->value]);
    double *analytic, scale = 1e-3;
    if (!gradient.data || !x.data) return fv_fail(error, FV_E_NUMBER, "%s has no gradient", o->name);
    if (!(analytic = fv_alloc_array((size_t)o->text.count + 1, sizeof *analytic)))
        return fv_fail_memory(error, "a gradient", (size_t)o->text.count);
    for (int64_t i = 0; i < o->text.count; i++) {
        analytic[i] = number(gradient, i);
        scale = fmax(scale, fabs(analytic[i]));
    }
    int64_t stride = o->text.count <= ELEMENTS ? 1 : o->text.count / ELEMENTS | 1;
    for (int64_t i = 0; i < o->text.count && !status; i += stride) {
        double slope;
        status = difference(t, run, (double *)x.data + i, &slope, error);
        if (!status && !(fabs(slope - analytic[i]) <= tolerance * fmax(scale, fabs(slope))))
            status = fv_fail(error, FV_E_NUMBER, "d %s[%lld]: the difference is %.9g, the gradient says %.9g", o->name,
                             (long long)i, slope, analytic[i]);
    }
    fv_free(analytic);
    return status;
}

/* Operand i is a real one that gradients go to; inputs come first among the operands. */
static bool differentiable(const fv_trial *t, int i) {
    const fv_trial_operand *o = &t->operand[i];
    bool guides = o->role == FV_INPUT && t->op->guides >> i & 1;
    return o->role != FV_STATE && o->text.type.dtype == FV_F32 && !guides;
}

fv_status gradcheck(const fv_op *op, const fv_example *example, uint64_t seed, fv_error *error) {
    fv_trial t;
    fv_status status = fv_trial_new(op, example, &t, error);
    if (status) return status;
    draw_trial(&t, seed);
    fv_run *run = start(&t, fv_reference_f64(), seed, error);
    if (!run) status = error->status;
    for (int i = 0; i < t.operands && !status; i++)
        if (differentiable(&t, i)) status = check_operand(&t, run, &t.operand[i], error);
    fv_run_free(run);
    fv_trial_free(&t);
    return status;
}

/* ---- table against table ---------------------------------------------------------------------------------------- */

static fv_status near_enough(const char *what, fv_tensor a, fv_tensor b, fv_error *error) {
    double distance = 0, size = 0;
    if (!a.data || !b.data) return fv_fail(error, FV_E_NUMBER, "%s is missing", what);
    for (int64_t i = 0; i < elements(a); i++) {
        double d = number(a, i) - number(b, i);
        distance += d * d;
        size += number(a, i) * number(a, i);
    }
    if (sqrt(distance) <= 1e-5 * sqrt(size) + 1e-7) return FV_OK;
    return fv_fail(error, FV_E_NUMBER, "%s: relative L2 distance %g", what, sqrt(distance / fmax(size, 1e-30)));
}

fv_status compare_tables(const fv_op *op, const fv_example *example, const fv_table *a, const fv_table *b,
                         uint64_t seed, fv_error *error) {
    fv_trial t;
    fv_status status = fv_trial_new(op, example, &t, error);
    if (status) return status;
    draw_trial(&t, seed);
    fv_run *first = start(&t, a, seed, error);
    if (first) fv_trial_load(&t, first); /* running statistics as they were */
    fv_run *second = first ? start(&t, b, seed, error) : NULL;
    if (!second) status = error->status;
    if (!status) status = near_enough("the result", fv_run_value(first, t.y), fv_run_value(second, t.y), error);
    for (int i = 0; i < t.operands && !status; i++) {
        const fv_trial_operand *o = &t.operand[i];
        char what[80];
        snprintf(what, sizeof what, "d %s", o->name);
        fv_value value = {t.net, o->value};
        if (real_result(&t) && differentiable(&t, i))
            status = near_enough(what, fv_run_gradient(first, value), fv_run_gradient(second, value), error);
    }
    fv_run_free(first);
    fv_run_free(second);
    fv_trial_free(&t);
    return status;
}
