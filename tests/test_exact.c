/* The option `exact` reaches every run over data: validation, evaluation, scores, predictions. */
#include "check.h"

#include "plan.h"
#include "train.h"

static const char text[] = "input 28x28x1\nconv 32 3x3 padding=same activation=relu\nconv 32 3x3 padding=same bias=no\n"
                           "batchnorm\nglobalavgpool\ndense 10\n";

static fv_model *model_of_digits(fv_data **data) {
    fv_error error;
    fv_net *net = fv_net_parse(text, "exact", NULL, 0, &error);
    fv_model *model = net ? fv_compile(net, &error, .seed = 1) : NULL;
    *data = fv_data_open("digits", &error, .limit = 24);
    if (!model || !*data) fail_msg("%s", error.message);
    fv_net_free(net);
    return model;
}

/* A pass and the loss that it finds; does it use sums that round worse? */
static double pass_loss(fv_model *model, const fv_data *data, bool exact, bool *rounds) {
    fv_error error;
    fv_pass pass;
    fv_pass_options options = {.batch = 24, .exact = exact, .metrics = "accuracy"};
    if (fv_pass_begin(&pass, model, data, &options, &error)) fail_msg("%s", error.message);
    const fv_plan *plan = fv_run_plan(pass.run);
    *rounds = plan->steady_calls > 0; /* folded batch norm */
    for (int i = 0; i < plan->call_count; i++) {
        assert_int_equal(plan->calls[i].geom.exact, exact);
        *rounds = *rounds || strstr(plan->calls[i].kernel->name, "winograd4");
    }
    int64_t *order = fv_all_samples(24, &error);
    if (!order || fv_pass_run(&pass, order, 24, &error)) fail_msg("%s", error.message);
    double loss = fv_meter_value(&pass.meter, 0);
    fv_free(order);
    fv_pass_end(&pass);
    return loss;
}

static void evaluation_and_scores_can_be_exact(void **state) {
    (void)state;
    fv_data *data;
    fv_model *model = model_of_digits(&data);
    for (int exact = 0; exact < 2; exact++) {
        bool rounds;
        fv_error error;
        fv_history *history = fv_evaluate(model, data, &error, .exact = exact);
        fv_scores *scores = fv_score(&model, 1, data, &error, .exact = exact);
        if (!history || !scores) fail_msg("%s", error.message);
        double loss = pass_loss(model, data, exact, &rounds); /* the net has its loss by now */
        assert_int_equal(rounds, !exact);
        assert_true(fv_history_get(history, "loss", 0) == loss);
        assert_true(fv_history_get(fv_scores_metrics(scores), "loss", 0) == loss);
        fv_history_free(history), fv_scores_free(scores);
    }
    fv_model_free(model), fv_data_free(data);
}

static void predictions_can_be_exact(void **state) {
    (void)state;
    fv_data *data;
    fv_model *model = model_of_digits(&data);
    fv_tensor plain, same, exact;
    fv_error error;
    fv_predict_options options = {.size = sizeof options, .exact = true};
    if (fv_predict(model, data, 0, 24, &plain, &error) || fv_predict_with(model, data, 0, 24, &same, &error, NULL) ||
        fv_predict_with(model, data, 0, 24, &exact, &error, &options))
        fail_msg("%s", error.message);
    assert_memory_equal(plain.data, same.data, 240 * sizeof(float));
    assert_memory_not_equal(plain.data, exact.data, 240 * sizeof(float));
    for (int i = 0; i < 240; i++) check_near("probability", ((float *)plain.data)[i], ((float *)exact.data)[i], 1e-5);
    fv_free(plain.data), fv_free(same.data), fv_free(exact.data);
    fv_model_free(model), fv_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluation_and_scores_can_be_exact),
        cmocka_unit_test(predictions_can_be_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
