/* test_bench.c - what fv_bench says of a step fits together, and what it cannot measure it refuses. */
#include "check.h"

#include "train.h"

static fv_net *load(const char *name) {
    fv_error error = {0};
    fv_net *net = fv_net_load(name, NULL, 0, &error);
    if (!net) fail_msg("%s: %s", name, error.message);
    return net;
}

static fv_timing bench(fv_net *net, const char *name, const fv_bench_options *options) {
    fv_error error = {0};
    fv_timing out;
    if (fv_bench_with(net, &out, &error, options)) fail_msg("%s: %s", name, error.message);
    return out;
}
#define BENCH(net, name, ...) bench(net, name, FV_OPTIONS(fv_bench_options, .seconds = 0.005, __VA_ARGS__))

static void times_are_in_order(void **state) {
    (void)state;
    fv_net *net = load("lenet_mnist");
    fv_timing t = BENCH(net, "lenet_mnist", .batch = 3, .least_steps = 7, .threads = 1);
    assert_true(t.steps >= 7);
    assert_int_equal(t.batch, 3);
    assert_int_equal(t.threads, 1);
    assert_true(0 < t.least && t.least <= t.lower && t.lower <= t.median && t.median <= t.upper && t.upper <= t.most);
    assert_true(t.peak > 0);
    fv_net_free(net);
}

static void check_macs(double got, double expected) {
    if (got != expected) fail_msg("multiply-adds of a step: expected %.0f, got %.0f", expected, got);
}

static double macs_of(fv_net *net) {
    fv_summary *summary = fv_summarize(net, NULL, NULL);
    double macs = (double)fv_summary_total(summary).macs;
    fv_summary_free(summary);
    return macs;
}

/* conv1 has 24*24*6*25 multiply-adds, and nobody wants the gradient of the pictures. */
static void a_training_step_is_three_passes_but_for_the_first_layer(void **state) {
    (void)state;
    fv_net *net = load("lenet_mnist");
    const double macs = macs_of(net), first = 24 * 24 * 6 * 25;
    check_macs(BENCH(net, "inference", .batch = 2).macs, 2 * macs);
    check_macs(BENCH(net, "training", .batch = 2, .training = true).macs, 2 * (3 * macs - first));
    fv_net_free(net);
}

static void nets_with_losses_dropout_and_several_targets(void **state) {
    (void)state;
    static const char *const texts[] = {
        "input 4x4x2\nconv 3 3x3 padding=same\nbatchnorm\nrelu\ndropout 0.5\nflatten\ndense 1\n",
        "input 6x6x1\nconv 4 3x3 padding=same\nrelu\nconv 2 1x1\n",
        "input 8\ndense 3 activation=softmax\nloss crossentropy\ntrain optimizer=sgd(rate=0.1, momentum=0.9)\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fv_error error = {0};
        fv_net *net = fv_net_parse(texts[i], "net", NULL, 0, &error);
        if (!net) fail_msg("%zu: %s", i, error.message);
        char *before = fv_net_text(net);
        fv_timing t = BENCH(net, texts[i], .batch = 5, .training = true);
        assert_int_equal(t.batch, 5);
        char *behind = fv_net_text(net);
        assert_string_equal(before, behind);
        fv_free(before), fv_free(behind);
        fv_net_free(net);
    }
}

static void what_cannot_be_measured(void **state) {
    (void)state;
    fv_error error = {0};
    fv_timing t;
    fv_net *net = load("mlp"),
           *open = fv_net_parse("input ?x?x3\nconv 8 3x3\nglobalavgpool\ndense 2\n", "open", NULL, 0, &error);
    assert_int_equal(fv_bench(NULL, &t, &error, .batch = 1), FV_E_ARGUMENT);
    assert_int_equal(fv_bench(net, &t, &error, .batch = -1), FV_E_ARGUMENT);
    assert_int_equal(fv_bench(net, &t, &error, .seconds = -1), FV_E_ARGUMENT);
    assert_int_equal(fv_bench(net, &t, &error, .training = true, .optimizer = "adamm"), FV_E_ARGUMENT);
    assert_int_equal(fv_bench(open, &t, &error, .batch = 1), FV_E_SHAPE);
    assert_int_equal(fv_bench(open, &t, NULL, .batch = 1), FV_E_SHAPE);
    fv_timing opened = BENCH(open, "open", .input = {3, {9, 9, 3}});
    check_macs(opened.macs, 7 * 7 * 8 * 27 + 8 * 2);
    fv_net_free(net), fv_net_free(open);
}

static void every_level_has_a_peak(void **state) {
    (void)state;
    for (const fv_table *const *table = fv_all_tables(); *table; table++) {
        int64_t one = (*table)->peak(1);
        if (one < 1) fail_msg("%s: no multiply-adds", (*table)->name);
        assert_int_equal((*table)->peak(1000), 1000 * one);
    }
    assert_true(fv_peak_flops(1) > 1e8);
    assert_true(fv_peak_flops(0) > 1e8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_in_order), cmocka_unit_test(a_training_step_is_three_passes_but_for_the_first_layer),
        cmocka_unit_test(nets_with_losses_dropout_and_several_targets), cmocka_unit_test(what_cannot_be_measured),
        cmocka_unit_test(every_level_has_a_peak)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
