/* The zoo: what each network costs, layer by layer, as papers and lectures say. */
#include "net.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct expected_layer {
    const char *name, *output;                 /* output NULL: any */
    int64_t parameters, macs, receptive_field; /* the field 0: any */
} expected_layer;

typedef struct expected_net {
    const char *name;
    int64_t parameters, trainable, macs;
    expected_layer layers[12];
} expected_net;

static const expected_net zoo[] = {
    {"mnist_cnn",
     93322,
     93322,
     2794240,
     {{"conv1", "Nx26x26x32", 320, 194688, 3},
      {"maxpool1", "Nx13x13x32", 0, 0, 4},
      {"conv2", "Nx11x11x64", 18496, 2230272, 8},
      {"maxpool2", "Nx5x5x64", 0, 0, 10},
      {"conv3", "Nx3x3x64", 36928, 331776, 18},
      {"dense1", "Nx64", 36928, 36864, 0},
      {"dense2", "Nx10", 650, 640, 0}}},
    {"lenet5",
     60840,
     60000,
     0,
     {{"C1", "Nx28x28x6", 156, 117600, 5},
      {"S2", "Nx14x14x6", 12, 0, 6},
      {"C3", "Nx10x10x16", 1516, 150000, 14},
      {"S4", "Nx5x5x16", 32, 0, 16},
      {"C5", "Nx1x1x120", 48120, 48000, 32},
      {"F6", "Nx84", 10164, 10080, 0},
      {"rbf1", "Nx10", 840, 0, 0}}},
    {"lenet_relu",
     62006,
     62006,
     0,
     {{"conv1", "Nx28x28x6", 456, 0, 5},
      {"conv2", "Nx10x10x16", 2416, 0, 14},
      {"dense1", "Nx120", 48120, 48000, 0},
      {"dense2", "Nx84", 10164, 10080, 0},
      {"dense3", "Nx10", 850, 840, 0}}},
    {"lenet_mnist",
     44426,
     44426,
     281640,
     {{"conv1", "Nx24x24x6", 156, 86400, 5},
      {"conv2", "Nx8x8x16", 2416, 153600, 14},
      {"dense1", "Nx120", 30840, 30720, 0},
      {"dense2", "Nx84", 10164, 10080, 0},
      {"dense3", "Nx10", 850, 840, 0}}},
    {"mlp", 636010, 636010, 635200, {{"dense1", "Nx800", 628000, 627200, 0}, {"dense2", "Nx10", 8010, 8000, 0}}},
    {"logistic", 7850, 7850, 7840, {{"dense1", "Nx10", 7850, 7840, 0}}},
};
enum { COUNT = sizeof zoo / sizeof *zoo };

static void check(const char *net, const char *what, int64_t expected, int64_t got) {
    if (expected != got) fail_msg("%s: %s: expected %" PRId64 ", got %" PRId64, net, what, expected, got);
}

static const fv_layer *find_layer(const fv_summary *summary, const char *name) {
    for (int i = 0; i < fv_summary_count(summary); i++)
        if (strcmp(fv_summary_layer(summary, i)->name, name) == 0) return fv_summary_layer(summary, i);
    fail_msg("there is no layer %s", name);
    return NULL;
}

static fv_net *load(const char *name) {
    fv_error error = {0};
    char message[900];
    fv_net *net = fv_net_load(name, NULL, 0, &error);
    if (!net) fail_msg("%s: %s", name, fv_error_text(&error, message, sizeof message));
    return net;
}

static void test_costs(void **state) {
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        fv_net *net = load(zoo[i].name);
        fv_summary *summary = fv_summarize(net, NULL, NULL);
        assert_non_null(summary);
        fv_layer total = fv_summary_total(summary);
        check(zoo[i].name, "parameters", zoo[i].parameters, total.parameters);
        check(zoo[i].name, "trainable", zoo[i].trainable, total.trainable);
        if (zoo[i].macs) check(zoo[i].name, "multiply-adds", zoo[i].macs, total.macs);
        for (const expected_layer *e = zoo[i].layers; e->name; e++) {
            char shape[128], what[200];
            const fv_layer *layer = find_layer(summary, e->name);
            snprintf(what, sizeof what, "%s %s", zoo[i].name, e->name);
            check(what, "parameters", e->parameters, layer->parameters);
            if (e->macs) check(what, "multiply-adds", e->macs, layer->macs);
            if (e->receptive_field) check(what, "receptive field", e->receptive_field, layer->receptive_field);
            assert_string_equal(fv_shape_text(&layer->output, shape, sizeof shape), e->output);
        }
        fv_summary_free(summary);
        fv_net_free(net);
    }
}

/* 1234567 -> 1,234,567 */
static void grouped(int64_t n, char out[32]) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%" PRId64, n), at = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
}

/* What the first lines of a file say is true. */
static void test_comments_tell_the_costs(void **state) {
    (void)state;
    for (int i = 0; i < fv_zoo_count(); i++) {
        const char *name = fv_zoo_name(i);
        fv_net *net = load(name);
        fv_summary *summary = fv_summarize(net, NULL, NULL);
        fv_layer total = fv_summary_total(summary);
        char macs[32], parameters[32], fixed[32];
        grouped(total.macs, macs);
        grouped(total.trainable, parameters);
        grouped(total.parameters - total.trainable, fixed);
        if (!net->comment) fail_msg("%s has no comment", name);
        int lines = 1;
        for (const char *s = net->comment; *s; s++) lines += *s == '\n';
        if (lines < 2 || lines > 4) fail_msg("%s: expected a comment of 2 to 4 lines, got %d", name, lines);
        if (!strstr(net->comment, macs)) fail_msg("%s: the comment does not say %s multiply-adds", name, macs);
        if (!strstr(net->comment, parameters)) fail_msg("%s: the comment does not say %s parameters", name, parameters);
        if (total.parameters != total.trainable && !strstr(net->comment, fixed))
            fail_msg("%s: the comment does not say %s fixed", name, fixed);
        fv_summary_free(summary);
        fv_net_free(net);
    }
}

static void test_every_net_says_how_it_is_trained(void **state) {
    (void)state;
    for (int i = 0; i < fv_zoo_count(); i++) {
        fv_net *net = load(fv_zoo_name(i));
        if (!fv_net_find_setting(net, "preprocess", "scale")) fail_msg("%s has no preprocess line", fv_zoo_name(i));
        if (!fv_net_find_setting(net, "train", "epochs")) fail_msg("%s has no train line", fv_zoo_name(i));
        fv_net_free(net);
    }
}

static void test_the_list(void **state) {
    (void)state;
    assert_true(fv_zoo_count() >= COUNT);
    for (int i = 0; i < COUNT; i++) assert_non_null(fv_zoo_text(zoo[i].name));
    for (int i = 1; i < fv_zoo_count(); i++) assert_true(strcmp(fv_zoo_name(i - 1), fv_zoo_name(i)) < 0);
    assert_null(fv_zoo_text("lenet"));
    assert_null(fv_zoo_name(fv_zoo_count()));
    assert_null(fv_zoo_name(-1));
    assert_ptr_equal(fv_zoo_text("mlp.net"), fv_zoo_text("mlp"));
}

static void test_settings_from_outside(void **state) {
    (void)state;
    fv_net *net = fv_net_load("mlp", &(fv_setting){"hidden", "10"}, 1, NULL);
    fv_summary *summary = fv_summarize(net, NULL, NULL);
    assert_int_equal(fv_summary_total(summary).parameters, 784 * 10 + 10 + 10 * 10 + 10);
    fv_summary_free(summary);
    fv_net_free(net);
}

/* n convolutions of 3x3 on top of each other see 2n+1 pixels: 50 of them for 100. */
static void test_stacked_convolutions(void **state) {
    (void)state;
    static const int counts[] = {1, 2, 3, 50};
    for (int i = 0; i < 4; i++) {
        char text[200];
        snprintf(text, sizeof text, "input 200x200x1\nrepeat %d\n  conv 1 3x3 padding=same\n", counts[i]);
        fv_net *net = fv_net_parse(text, "stack", NULL, 0, NULL);
        fv_summary *summary = fv_summarize(net, NULL, NULL);
        const fv_layer *last = fv_summary_layer(summary, fv_summary_count(summary) - 1);
        assert_int_equal(last->receptive_field, 2 * counts[i] + 1);
        fv_summary_free(summary);
        fv_net_free(net);
    }
}

/* 3x100x100 through 100 filters of 5x5, then pooling of 3x4. */
static void test_lecture_costs(void **state) {
    (void)state;
    fv_net *net = fv_net_parse("input 100x100x3\nconv 100 5x5\nmaxpool 3x4\n", "lecture", NULL, 0, NULL);
    fv_summary *summary = fv_summarize(net, NULL, NULL);
    const fv_layer *conv = find_layer(summary, "conv1"), *pool = find_layer(summary, "maxpool1");
    char shape[128];
    assert_int_equal(conv->parameters, 7600);
    assert_int_equal(conv->macs, 69120000);
    assert_string_equal(fv_shape_text(&conv->output, shape, sizeof shape), "Nx96x96x100");
    assert_string_equal(fv_shape_text(&pool->output, shape, sizeof shape), "Nx32x24x100");
    fv_summary_free(summary);
    fv_net_free(net);
}

static void test_one_neuron(void **state) {
    (void)state;
    static const struct {
        const char *shape;
        int64_t weights;
    } cases[] = {{"28x28x1", 785}, {"32x32x3", 3073}, {"224x224x3", 150529}};
    for (int i = 0; i < 3; i++) {
        char text[100];
        snprintf(text, sizeof text, "input %s\nflatten\ndense 1\n", cases[i].shape);
        fv_net *net = fv_net_parse(text, "neuron", NULL, 0, NULL);
        fv_summary *summary = fv_summarize(net, NULL, NULL);
        assert_int_equal(fv_summary_total(summary).parameters, cases[i].weights);
        fv_summary_free(summary);
        fv_net_free(net);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_costs),
        cmocka_unit_test(test_comments_tell_the_costs),
        cmocka_unit_test(test_every_net_says_how_it_is_trained),
        cmocka_unit_test(test_the_list),
        cmocka_unit_test(test_settings_from_outside),
        cmocka_unit_test(test_stacked_convolutions),
        cmocka_unit_test(test_lecture_costs),
        cmocka_unit_test(test_one_neuron),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
