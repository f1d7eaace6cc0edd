/* Runs of a model: the public door to plans. */
#include "run_fixture.h"

#include "model.h"

static fv_model *small_model(fv_net **net_out, fv_value *hidden) {
    fv_net *net = fv_net_new();
    *hidden = apply(net, "dense", "4 activation=tanh", fv_input(net, .channels = 3));
    fv_value y = apply(net, "dense", "2", *hidden);
    fv_output(y, "y");
    fv_add_loss(apply(net, "mse", "", y, fv_input(net, .name = "t", .channels = 2, .target = true)), 1);
    fv_error error;
    fv_model *model = fv_model_new(net, 1, &error);
    if (!model) fail_msg("model: %s", error.message);
    fv_net_free(net); /* the model keeps it */
    *net_out = net;
    return model;
}

static void the_default_is_inference_of_one_sample(void **state) {
    (void)state;
    fv_net *net;
    fv_value hidden;
    fv_model *model = small_model(&net, &hidden);
    fv_run *run = fv_run_new(model, NULL, .wanted = &hidden, .wanted_count = 1);
    assert_non_null(run);
    assert_int_equal(fv_run_input(run, NULL).shape.dim[0], 1);
    assert_null(fv_run_input(run, "t").data);
    fill(fv_run_input(run, "input"), (float[]){1, 2, 3});
    go(run, 1);
    assert_non_null(fv_run_value(run, hidden).data);
    assert_int_equal(fv_run_output(run, NULL).shape.dim[1], 2);
    assert_true(fv_run_bytes(run) >= (3 + 4 + 2) * sizeof(float));
    fv_run_free(run);
    fv_model_free(model);
}

/* One step down the gradient makes the loss smaller. */
static void gradients_point_uphill(void **state) {
    (void)state;
    fv_net *net;
    fv_value hidden;
    fv_model *model = small_model(&net, &hidden);
    fv_run *run = fv_run_new(model, NULL, .batch = 5, .training = true, .gradients = true, .threads = 2);
    assert_non_null(run);
    draw_inputs(run, 1);
    go(run, 5);
    double before = fv_run_loss(run);
    for (int v = 0; v < net->value_count; v++) {
        fv_tensor d = fv_run_gradient(run, (fv_value){net, v}), w = model->weights.of[v];
        for (int64_t i = 0; w.data && d.data && i < fv_shape_count(&w.shape); i++)
            ((float *)w.data)[i] -= 0.01f * ((float *)d.data)[i];
    }
    fv_model_touch(model);
    go(run, 5);
    if (!(fv_run_loss(run) < before)) fail_msg("expected a loss below %g, got %g", before, fv_run_loss(run));
    fv_run_free(run);
    fv_model_free(model);
}

static void a_value_of_another_net_is_refused(void **state) {
    (void)state;
    fv_net *net, *other = fv_net_new();
    fv_value hidden, foreign = fv_input(other, .channels = 3);
    fv_model *model = small_model(&net, &hidden);
    fv_error error;
    assert_null(fv_run_new(model, &error, .by = &foreign, .by_count = 1));
    assert_int_equal(error.status, FV_E_ARGUMENT);
    assert_string_equal(error.message, "fv_run_new: by[0] is not a value of the model's net");
    assert_null(fv_run_new(model, &error, .batch = -3));
    assert_string_equal(error.message, "fv_run_new: batch: expected 0 or more, got -3");
    fv_model_free(model);
    fv_net_free(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_inference_of_one_sample),
        cmocka_unit_test(gradients_point_uphill),
        cmocka_unit_test(a_value_of_another_net_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
