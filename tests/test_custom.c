/* An operator of the user's own: registered, applied, differentiated like the built-in ones. */
#include "run_fixture.h"

/* y = scale * x^2 + shift, scale and shift [channels]; `user` counts the calls. */

static fv_status shapes(void *user, const fv_shape *inputs, fv_shape *output, fv_shape *parameters, fv_error *error) {
    (void)user;
    if (inputs[0].rank < 2) return fv_fail(error, FV_E_SHAPE, "square: expected channels, got rank %d", inputs[0].rank);
    *output = inputs[0];
    parameters[0] = parameters[1] = (fv_shape){1, {inputs[0].dim[inputs[0].rank - 1]}};
    return FV_OK;
}

static double at(const fv_tensor *t, int64_t i) {
    return t->dtype == FV_F64 ? ((double *)t->data)[i] : ((float *)t->data)[i];
}
static void put(const fv_tensor *t, int64_t i, double x) {
    if (!t->data) return;
    if (t->dtype == FV_F64)
        ((double *)t->data)[i] = x;
    else
        ((float *)t->data)[i] = (float)x;
}

static void forward(const fv_custom_call *call) {
    int64_t channels = call->inputs[1].shape.dim[0], count = fv_shape_count(&call->output->shape);
    for (int64_t i = 0; i < count; i++) {
        double x = at(&call->inputs[0], i);
        put(call->output, i, at(&call->inputs[1], i % channels) * x * x + at(&call->inputs[2], i % channels));
    }
    ++*(int *)call->user;
}

static void backward(const fv_custom_call *call) {
    int64_t channels = call->inputs[1].shape.dim[0], count = fv_shape_count(&call->output->shape);
    for (int64_t c = 0; c < channels; c++) put(&call->d_inputs[1], c, 0), put(&call->d_inputs[2], c, 0);
    for (int64_t i = 0; i < count; i++) {
        double x = at(&call->inputs[0], i), d = at(call->d_output, i);
        put(&call->d_inputs[0], i, d * at(&call->inputs[1], i % channels) * 2 * x);
        if (call->d_inputs[1].data)
            put(&call->d_inputs[1], i % channels, at(&call->d_inputs[1], i % channels) + d * x * x);
        if (call->d_inputs[2].data) put(&call->d_inputs[2], i % channels, at(&call->d_inputs[2], i % channels) + d);
    }
}

static fv_custom_op square_op(int *calls) {
    return (fv_custom_op){.size = sizeof(fv_custom_op),
                          .name = "square",
                          .summary = "scaled and shifted squares",
                          .inputs = 1,
                          .parameters = 2,
                          .parameter_names = {"scale", "shift"},
                          .shape = shapes,
                          .forward = forward,
                          .backward = backward,
                          .user = calls};
}

static void it_runs_forward(void **state) {
    (void)state;
    int calls = 0;
    fv_net *net = fv_net_new();
    fv_custom_op op = square_op(&calls);
    assert_int_equal(fv_net_register(net, &op, NULL), FV_OK);
    memset(&op, 0, sizeof op); /* the record was copied */
    fv_value y = apply(net, "square", "", fv_input(net, .channels = 2));
    assert_string_equal(net->values[fv_parameter_of(y, 1).id].name, "square1.shift");
    assert_string_equal(net->values[fv_parameter_of(y, 1).id].parameter.initializer, "zeros");
    fv_weights weights = drawn_weights(net, 1);
    fill(weights.of[fv_parameter_of(y, 0).id], (float[]){1, 10});
    fill(weights.of[fv_parameter_of(y, 1).id], (float[]){0, 5});
    fv_run *run = build_run(net, &weights, &(fv_plan_options){.batch = 3});
    fill(fv_run_input(run, NULL), (float[]){1, 2, 3, 4, 0, 0});
    go(run, 2);
    assert_int_equal(calls, 1);
    check_numbers("y", fv_run_output(run, NULL), (double[]){1, 45, 9, 165}, 4);
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

static void it_is_differentiated(void **state) {
    (void)state;
    int calls = 0;
    fv_net *net = fv_net_new();
    fv_custom_op op = square_op(&calls);
    assert_int_equal(fv_net_register(net, &op, NULL), FV_OK);
    fv_value x = fv_input(net, .channels = 2), inner = apply(net, "square", "", x);
    fv_value y = apply(net, "square", "", apply(net, "add", "", inner, x), fv_parameter_of(inner, 0));
    fv_add_loss(apply(net, "mse", "", y, fv_input(net, .name = "t", .channels = 2, .target = true)), 1);
    fv_weights weights = drawn_weights(net, 4);
    fv_plan_options options = {
        .batch = 3, .gradients = true, .by = &x.id, .by_count = 1, .table = fv_reference_f64(), .threads = 1};
    fv_run *run = build_run(net, &weights, &options);
    draw_inputs(run, 6);
    go(run, 3);
    const fv_plan *plan = fv_run_plan(run);
    int checked = 0;
    for (int v = 0; v < net->value_count; v++) {
        if (plan->gradient_of[v] < 0 || net->values[v].kind == FV_KIND_RESULT) continue;
        double *place = fv_run_operand(run, plan->of_value[v]).data, old = *place, h = 1e-5;
        double analytic = number(fv_run_operand(run, plan->gradient_of[v]), 0);
        *place = old + h, go(run, 3);
        double above = fv_run_loss(run);
        *place = old - h, go(run, 3);
        double below = fv_run_loss(run);
        *place = old, go(run, 3);
        check_near(net->values[v].name, analytic, (above - below) / (2 * h), 1e-7 * (1 + fabs(analytic)));
        checked++;
    }
    assert_int_equal(checked, 4); /* x, the shared scale, two shifts */
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

static void without_backward_it_cannot_be_differentiated(void **state) {
    (void)state;
    int calls = 0;
    fv_net *net = fv_net_new();
    fv_custom_op op = square_op(&calls);
    op.backward = NULL;
    assert_int_equal(fv_net_register(net, &op, NULL), FV_OK);
    fv_value y = apply(net, "square", "", fv_input(net, .channels = 2));
    fv_add_loss(apply(net, "mse", "", y, fv_input(net, .name = "t", .channels = 2, .target = true)), 1);
    fv_error error;
    assert_null(fv_plan_new(net, &(fv_plan_options){.batch = 1, .gradients = true}, &error));
    assert_int_equal(error.status, FV_E_UNSUPPORTED);
    assert_string_equal(error.message, "square1 (square): this operator cannot be differentiated");
    fv_net_free(net);
}

static void check_refused(fv_net *net, const fv_custom_op *op, const char *message) {
    fv_error error;
    assert_int_equal(fv_net_register(net, op, &error), FV_E_ARGUMENT);
    assert_string_equal(error.message, message);
}

static void a_wrong_record_is_refused(void **state) {
    (void)state;
    int calls = 0;
    fv_net *net = fv_net_new();
    fv_custom_op good = square_op(&calls), op = good;
    op.name = "conv";
    check_refused(net, &op, "custom operator conv: there is an operator of that name");
    op = good, op.name = "Square!";
    check_refused(net, &op, "custom operator: expected a name of a-z, 0-9 and _, got \"Square!\"");
    op = good, op.forward = NULL;
    check_refused(net, &op, "custom operator square: expected functions shape and forward");
    op = good, op.inputs = 7;
    check_refused(net, &op,
                  "custom operator square: expected 1 or more inputs and 8 inputs and parameters at most, got 7 and 2");
    op = good, op.parameter_names[1] = NULL;
    check_refused(net, &op, "custom operator square: parameter 1 needs a name");
    op = good, op.size = 3;
    char expected[80];
    snprintf(expected, sizeof expected, "custom operator: size 3, expected %zu", sizeof op);
    check_refused(net, &op, expected);
    fv_net_free(net);
}

static void its_shape_errors_are_the_nets(void **state) {
    (void)state;
    int calls = 0;
    fv_net *net = fv_net_new();
    fv_custom_op op = square_op(&calls);
    assert_int_equal(fv_net_register(net, &op, NULL), FV_OK);
    fv_value x = fv_input(net, .dtype = FV_F32);
    fv_error error = {0};
    fv_value y = fv_apply(net, "square", &x, 1, "", &error);
    assert_int_equal(y.id, -1);
    assert_non_null(strstr(error.message, "expected channels, got rank 1"));
    fv_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_forward),
        cmocka_unit_test(it_is_differentiated),
        cmocka_unit_test(without_backward_it_cannot_be_differentiated),
        cmocka_unit_test(a_wrong_record_is_refused),
        cmocka_unit_test(its_shape_errors_are_the_nets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
