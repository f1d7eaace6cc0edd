/* run_fixture.h - small nets with drawn weights and inputs, for the tests of plans and runs. */
#ifndef FV_TESTS_RUN_FIXTURE_H
#define FV_TESTS_RUN_FIXTURE_H

#include "check.h"

#include "emit.h"
#include "hash.h"
#include "philox.h"

/* One application with up to three inputs; fails the test with the net's message when it cannot be. */
#define apply(net, op, fields, ...)                                                                                    \
    apply_values(net, op, fields, (const fv_value[]){__VA_ARGS__},                                                     \
                 (int)(sizeof((const fv_value[]){__VA_ARGS__}) / sizeof(fv_value)))
static inline fv_value apply_values(fv_net *net, const char *op, const char *fields, const fv_value *in, int count) {
    fv_error error;
    fv_value y = fv_apply(net, op, in, count, fields, &error);
    if (y.id < 0) fail_msg("%s %s: %s", op, fields, error.message);
    return y;
}

/* Numbers in -1 .. 1 that depend on the name and the seed only. */
static inline void draw(fv_tensor tensor, const char *name, uint64_t seed) {
    fv_stream stream = fv_stream_new(seed, FV_FOR_TEST, 0, fv_hash_text(name));
    int64_t count = fv_shape_count(&tensor.shape);
    for (int64_t i = 0; i < count; i++) {
        double x = 2 * fv_uniform(&stream) - 1;
        if (tensor.dtype == FV_F32) ((float *)tensor.data)[i] = (float)x;
        if (tensor.dtype == FV_F64) ((double *)tensor.data)[i] = (float)x;
        if (tensor.dtype == FV_I32) ((int32_t *)tensor.data)[i] = (int32_t)(i % 3);
    }
}

/* Weights for every weight and state of the net; running variances start at 1. */
static inline fv_weights drawn_weights(const fv_net *net, uint64_t seed) {
    fv_weights weights = {calloc((size_t)net->value_count + 1, sizeof(fv_tensor)), 1};
    for (int v = 0; v < net->value_count; v++) {
        const fv_value_info *value = &net->values[v];
        if (value->kind != FV_KIND_WEIGHT && value->kind != FV_KIND_STATE) continue;
        weights.of[v] = fv_tensor_new(FV_F32, &value->type.shape);
        draw(weights.of[v], value->name, seed);
        for (int64_t i = 0; value->kind == FV_KIND_STATE && i < fv_shape_count(&value->type.shape); i++)
            ((float *)weights.of[v].data)[i] = 1;
    }
    return weights;
}

static inline void free_weights(const fv_net *net, fv_weights *weights) {
    for (int v = 0; v < net->value_count; v++) fv_free(weights->of[v].data);
    free(weights->of);
}

static inline fv_run *build_run(fv_net *net, const fv_weights *weights, const fv_plan_options *options) {
    fv_error error;
    fv_run *run = fv_run_build(net, weights, options, &error);
    if (!run) fail_msg("run: %s", error.message);
    return run;
}

/* Draws every input and seed of a run. */
static inline void draw_inputs(fv_run *run, uint64_t seed) {
    const fv_plan *plan = fv_run_plan(run);
    for (int o = 0; o < plan->operand_count; o++) {
        const fv_operand_info *info = &plan->operands[o];
        if (info->given)
            draw(fv_run_operand(run, o), info->value >= 0 ? plan->net->values[info->value].name : "seed", seed);
    }
}

static inline void go(fv_run *run, int64_t n) {
    fv_error error;
    if (fv_run_go(run, n, &error)) fail_msg("go: %s", error.message);
}

static inline void fill(fv_tensor tensor, const float *numbers) {
    assert_int_equal(tensor.dtype, FV_F32);
    memcpy(tensor.data, numbers, (size_t)fv_shape_count(&tensor.shape) * sizeof *numbers);
}

static inline double number(fv_tensor tensor, int64_t i) {
    return tensor.dtype == FV_F64 ? ((double *)tensor.data)[i] : ((float *)tensor.data)[i];
}

static inline void check_numbers(const char *name, fv_tensor got, const double *expected, int count) {
    char label[200];
    if (!got.data) fail_msg("%s: there is no such tensor", name);
    if (fv_shape_count(&got.shape) != count)
        fail_msg("%s: expected %d numbers, got %d", name, count, (int)fv_shape_count(&got.shape));
    for (int i = 0; i < count; i++) {
        snprintf(label, sizeof label, "%s[%d]", name, i);
        check_near(label, number(got, i), expected[i], 1e-5 * (1 + fabs(expected[i])));
    }
}

static inline void check_same_bits(const char *name, fv_tensor a, fv_tensor b) {
    if (!a.data || !b.data) fail_msg("%s: there is no such tensor", name);
    if (!fv_shape_equal(&a.shape, &b.shape)) fail_msg("%s: the shapes differ", name);
    int64_t count = fv_shape_count(&a.shape);
    for (int64_t i = 0; i < count; i++)
        if (memcmp((char *)a.data + i * (int64_t)fv_dtype_size(a.dtype),
                   (char *)b.data + i * (int64_t)fv_dtype_size(b.dtype), fv_dtype_size(a.dtype)))
            fail_msg("%s[%d]: expected %.9g, got %.9g", name, (int)i, number(a, i), number(b, i));
}

#endif
