/* test_values.c - operators on values of every type in a net: samples that are mixed, batches that are not full, values
 * without elements, and what is refused. */
#include "check.h"

#include "graph.h"
#include "plan.h"

#include <math.h>

static fv_value apply(fv_net *net, const char *op, const fv_value *x, int count, const char *fields) {
    fv_error error = {0};
    fv_value y = fv_apply(net, op, x, count, fields, &error);
    if (y.id < 0) fail_msg("%s %s: %s", op, fields, error.message);
    return y;
}

static fv_run *run_of(fv_net *net, int64_t batch, const int *by, int by_count, const int *seeds, int seed_count) {
    fv_error error = {0};
    fv_weights none = {NULL, 1};
    fv_plan_options options = {
        .batch = batch, .by = by, .by_count = by_count, .seeds = seeds, .seed_count = seed_count};
    fv_run *run = fv_run_build(net, &none, &options, &error);
    if (!run) fail_msg("%s", error.message);
    return run;
}

static void a_mean_over_samples_counts_those_that_are_there(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .shape = {1, {2}});
    fv_value y = apply(net, "reduce", &x, 1, "mean axes=0");
    fv_output(y, "y");
    fv_run *run = run_of(net, 8, &x.id, 1, &y.id, 1);
    float *in = fv_run_input(run, NULL).data, *seed = fv_run_input(run, "d:reduce1").data;
    for (int i = 0; i < 16; i++) in[i] = (float)i;
    seed[0] = 6, seed[1] = 3;
    fv_error error = {0};
    assert_int_equal(fv_run_go(run, 3, &error), FV_OK);
    const float *out = fv_run_output(run, NULL).data, *d = fv_run_gradient(run, x).data;
    check_near("mean of 0, 2, 4", out[0], 2, 0);
    check_near("mean of 1, 3, 5", out[1], 3, 0);
    for (int i = 0; i < 6; i++) check_near("gradient", d[i], i % 2 ? 1 : 2, 1e-6);
    fv_run_free(run);
    fv_net_free(net);
}

static void whole_numbers_take_no_gradient_and_give_none(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .shape = {1, {3}}), best = apply(net, "argmax", &x, 1, "keep=yes");
    best = apply(net, "cast", &best, 1, "f32");
    const fv_value pair[] = {x, best};
    fv_value y = apply(net, "multiply", pair, 2, "");
    fv_run *run = run_of(net, 1, &x.id, 1, &y.id, 1);
    float *in = fv_run_input(run, NULL).data, *seed = fv_run_input(run, "d:multiply1").data;
    in[0] = 1, in[1] = 2, in[2] = 7;
    seed[0] = seed[1] = seed[2] = 1;
    fv_error error = {0};
    assert_int_equal(fv_run_go(run, 1, &error), FV_OK);
    for (int i = 0; i < 3; i++) check_near("x times 2", ((const float *)fv_run_gradient(run, x).data)[i], 2, 0);
    fv_run_free(run);
    fv_net_free(net);
}

static void values_without_elements_pass_through(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .shape = {2, {2, 0}}, .no_batch = true);
    fv_value y = apply(net, "math", &x, 1, "exp");
    fv_value all = apply(net, "reduce", &y, 1, "max axes=1");
    fv_output(y, "y");
    fv_output(all, "all");
    fv_run *run = run_of(net, 1, NULL, 0, NULL, 0);
    fv_error error = {0};
    assert_int_equal(fv_run_plan(run)->call_count, 1); /* exp of nothing is not planned */
    assert_int_equal(fv_run_go(run, 1, &error), FV_OK);
    fv_tensor empty = fv_run_output(run, "y"), largest = fv_run_output(run, "all");
    assert_int_equal(fv_shape_count(&empty.shape), 0);
    assert_int_equal(empty.shape.rank, 2);
    for (int i = 0; i < 2; i++) assert_true(((const float *)largest.data)[i] == -INFINITY);
    fv_run_free(run);
    fv_net_free(net);
}

static const struct mistake {
    const char *op, *fields, *says;
    fv_dtype a, b;
} mistakes[] = {
    {"subtract", "", "inputs must be of one type, got f32 and i64; cast one of them", FV_F32, FV_I64},
    {"subtract", "", "input 1 must be of type f32, i32, i64, u8, got bool", FV_BOOL, FV_BOOL},
    {"logic", "and", "input 1 must be of type i32, i64, u8, bool, got f32", FV_F32, FV_F32},
    {"logic", "not", "expected 1 input, got 2", FV_BOOL, FV_BOOL},
    {"matmul", "", "the samples must be rows of the first, or number the matrices", FV_F32, FV_F32},
};

static void mistakes_are_told(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        const struct mistake *m = &mistakes[i];
        fv_net *net = fv_net_new();
        fv_value x[2] = {fv_input(net, .dtype = m->a, .shape = {1, {3}}),
                         fv_input(net, .dtype = m->b, .shape = {1, {3}})};
        fv_error error = {0};
        fv_value y = fv_apply(net, m->op, x, 2, m->fields, &error);
        if (y.id >= 0) fail_msg("%s %s: accepted", m->op, m->fields);
        if (!strstr(error.message, m->says))
            fail_msg("%s %s: expected \"%s\", got \"%s\"", m->op, m->fields, m->says, error.message);
        fv_net_free(net);
    }
}

static void an_operator_that_wants_elements_refuses(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_error error = {0};
    fv_value x = fv_input(net, .shape = {2, {2, 0}}, .no_batch = true);
    fv_value y = fv_apply(net, "softmax", &x, 1, "", &error);
    assert_true(y.id < 0);
    if (!strstr(error.message, "input 1 cannot be 2x0: every size must be at least 1")) fail_msg("%s", error.message);
    fv_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mean_over_samples_counts_those_that_are_there),
        cmocka_unit_test(whole_numbers_take_no_gradient_and_give_none),
        cmocka_unit_test(values_without_elements_pass_through),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(an_operator_that_wants_elements_refuses),
    };
    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
