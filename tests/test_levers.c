/* test_levers.c - what dropout, frozen batch norm and label smoothing do, by their definitions and through the public header. */
#include "check.h"

#include "fovea.h"

static fv_model *model_of(const char *text) {
    fv_error error = {0};
    fv_net *net = fv_net_parse(text, "lever.net", NULL, 0, &error);
    if (!net) fail_msg("%s", error.message);
    fv_model *model = fv_model_new(net, 1, &error);
    if (!model) fail_msg("%s", error.message);
    fv_net_free(net);
    return model;
}

static fv_run *run_of(fv_model *model, int64_t batch, bool training) {
    fv_error error = {0};
    fv_run *run = fv_run_new(model, &error, .batch = batch, .training = training);
    if (!run) fail_msg("%s", error.message);
    return run;
}

static void go(fv_run *run, int64_t n) {
    fv_error error = {0};
    if (fv_run_go(run, n, &error)) fail_msg("%s", error.message);
}

/* Inverted dropout (Srivastava et al. 2014): a part `rate` becomes 0, the rest is divided by 1-rate; in use it does nothing. */
static void dropout_drops_its_rate_and_keeps_the_mean(void **state) {
    (void)state;
    enum { UNITS = 20000 };
    fv_model *model = model_of("input 20000\ndropout 0.3\n");
    fv_run *training = run_of(model, 1, true), *use = run_of(model, 1, false);
    float *x = fv_run_input(training, NULL).data, *same = fv_run_input(use, NULL).data;
    for (int i = 0; i < UNITS; i++) x[i] = same[i] = (float)(1 + i % 7);
    go(training, 1);
    go(use, 1);
    const float *dropped = fv_run_output(training, NULL).data, *kept = fv_run_output(use, NULL).data;
    int zeros = 0;
    double before = 0, after = 0;
    for (int i = 0; i < UNITS; i++) {
        before += x[i];
        after += dropped[i];
        zeros += dropped[i] == 0;
        if (dropped[i] != 0) check_near("a unit that stays", dropped[i], x[i] / 0.7, 1e-5);
        check_near("a unit in use", kept[i], x[i], 0);
    }
    check_near("part dropped", (double)zeros / UNITS, 0.3, 0.015);
    check_near("mean after / before", after / before, 1, 0.03);
    fv_run_free(training);
    fv_run_free(use);
    fv_model_free(model);
}

static float *weight(fv_model *model, const char *name) {
    int index = fv_model_find_weight(model, name);
    assert_true(index >= 0);
    return fv_model_weight(model, index).data;
}

/* Runs two samples, 1 and 3, through a batch norm whose running mean is 1 and variance 4, in training mode. */
static void normalise_two(const char *text, float y[2], float statistics[2]) {
    fv_model *model = model_of(text);
    weight(model, "batchnorm1.mean")[0] = 1;
    weight(model, "batchnorm1.variance")[0] = 4;
    fv_model_touch(model);
    fv_run *run = run_of(model, 2, true);
    float *x = fv_run_input(run, NULL).data;
    x[0] = 1;
    x[1] = 3;
    go(run, 2);
    memcpy(y, fv_run_output(run, NULL).data, 2 * sizeof *y);
    statistics[0] = weight(model, "batchnorm1.mean")[0];
    statistics[1] = weight(model, "batchnorm1.variance")[0];
    fv_run_free(run);
    fv_model_free(model);
}

static void frozen_batch_norm_uses_and_keeps_its_running_statistics(void **state) {
    (void)state;
    float y[2], statistics[2];
    normalise_two("input 1x1x1\nbatchnorm frozen=yes epsilon=1e-12\n", y, statistics);
    check_near("frozen, sample 1", y[0], 0, 1e-6);
    check_near("frozen, sample 3", y[1], 1, 1e-6);
    check_near("frozen mean", statistics[0], 1, 0);
    check_near("frozen variance", statistics[1], 4, 0);
    normalise_two("input 1x1x1\nbatchnorm epsilon=1e-12 momentum=0.5\n", y, statistics);
    check_near("by the batch, sample 1", y[0], -1, 1e-5);
    check_near("by the batch, sample 3", y[1], 1, 1e-5);
    check_near("mean moved half way to 2", statistics[0], 1.5, 1e-6);
    check_near("variance moved half way to 2 (unbiased)", statistics[1], 3, 1e-6);
}

static double loss_at(const char *text, const float logits[3]) {
    fv_error error = {0};
    fv_model *model = model_of(text);
    fv_run *run = fv_run_new(model, &error, .batch = 1, .training = true);
    if (!run) fail_msg("%s", error.message);
    memcpy(fv_run_input(run, NULL).data, logits, 3 * sizeof *logits);
    *(int32_t *)fv_run_input(run, "class").data = 2;
    go(run, 1);
    double loss = fv_run_loss(run);
    fv_run_free(run);
    fv_model_free(model);
    return loss;
}

/* Szegedy et al. 2015: the target is (1-s) for the class and s/K for each of the K classes. */
static void label_smoothing_spreads_a_part_of_the_target(void **state) {
    (void)state;
    static const float logits[3] = {1, 2, 4};
    double denominator = log(exp(1) + exp(2) + exp(4)), each[3], expected = 0;
    for (int k = 0; k < 3; k++) {
        each[k] = denominator - logits[k];
        expected += 0.3 / 3 * each[k];
    }
    expected += 0.7 * each[2];
    check_near("no smoothing", loss_at("input 3\nloss crossentropy\n", logits), each[2], 1e-6);
    check_near("smoothing 0.3", loss_at("input 3\nloss crossentropy smoothing=0.3\n", logits), expected, 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropout_drops_its_rate_and_keeps_the_mean),
        cmocka_unit_test(frozen_batch_norm_uses_and_keeps_its_running_statistics),
        cmocka_unit_test(label_smoothing_spreads_a_part_of_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
