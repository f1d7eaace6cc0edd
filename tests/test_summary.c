/* test_summary.c - what a net costs, against the lectures' worked answers. */
#include "check.h"

#include "net.h"

/* ---- building from a list of lines "op fields" ------------------------------------------------------------------ */

static fv_value chain(fv_value x, const char *const lines[]) {
    for (int i = 0; lines[i]; i++) {
        char op[32] = "";
        size_t length = strcspn(lines[i], " ");
        assert_in_range(length, 1, sizeof op - 1);
        memcpy(op, lines[i], length);
        x = fv_apply(x.net, op, &x, 1, lines[i] + length, NULL);
    }
    return x;
}

static fv_value picture(fv_net *net, int64_t side, int64_t channels) {
    return fv_input(net, .height = side, .width = side, .channels = channels);
}

static fv_summary *summarize(fv_net *net, const fv_shape *input) {
    fv_error error = {0};
    fv_summary *summary = fv_summarize(net, input, &error);
    if (!summary) fail_msg("summary: %s", error.message);
    return summary;
}

typedef struct row {
    const char *name, *output, *working;
    int64_t parameters, macs, receptive_field, jump;
} row;

static void check_rows(const fv_summary *summary, const row *rows, int count) {
    assert_int_equal(fv_summary_count(summary), count);
    for (int i = 0; i < count; i++) {
        const fv_layer *l = fv_summary_layer(summary, i);
        char output[64], got[400], expected[400];
        fv_shape_text(&l->output, output, sizeof output);
        const char *form = "%s: output %s, parameters %lld = \"%s\", macs %lld, field %lld, jump %lld";
        snprintf(got, sizeof got, form, l->name, output, (long long)l->parameters, l->working, (long long)l->macs,
                 (long long)l->receptive_field, (long long)l->jump);
        snprintf(expected, sizeof expected, form, rows[i].name, rows[i].output, (long long)rows[i].parameters,
                 rows[i].working, (long long)rows[i].macs, (long long)rows[i].receptive_field, (long long)rows[i].jump);
        if (strcmp(got, expected)) fail_msg("row %d\nexpected %s\ngot      %s", i, expected, got);
    }
}

/* ---- the lectures' networks ------------------------------------------------------------------------------------- */

static void mnist_cnn(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    chain(picture(net, 28, 1),
          (const char *[]){"conv 32 3x3 activation=relu", "maxpool 2x2", "conv 64 3x3 activation=relu", "maxpool 2x2",
                           "conv 64 3x3 activation=relu", "flatten", "dense 64 activation=relu",
                           "dense 10 activation=softmax", NULL});
    fv_summary *s = summarize(net, NULL);
    check_rows(s,
               (row[]){{"conv1", "Nx26x26x32", "3x3x1x32 + 32", 320, 194688, 3, 1},
                       {"maxpool1", "Nx13x13x32", "", 0, 0, 4, 2},
                       {"conv2", "Nx11x11x64", "3x3x32x64 + 64", 18496, 2230272, 8, 2},
                       {"maxpool2", "Nx5x5x64", "", 0, 0, 10, 4},
                       {"conv3", "Nx3x3x64", "3x3x64x64 + 64", 36928, 331776, 18, 4},
                       {"flatten1", "Nx576", "", 0, 0, 0, 0},
                       {"dense1", "Nx64", "576x64 + 64", 36928, 36864, 0, 0},
                       {"dense2", "Nx10", "64x10 + 10", 650, 640, 0, 0}},
               8);
    fv_layer total = fv_summary_total(s);
    assert_int_equal(total.parameters, 93322);
    assert_int_equal(total.trainable, 93322);
    assert_int_equal(total.macs, 194688 + 2230272 + 331776 + 36864 + 640);
    assert_int_equal(total.bytes, 4 * (26 * 26 * 32 + 13 * 13 * 32 + 11 * 11 * 64 + 5 * 5 * 64 + 576 + 576 + 64 + 10));
    assert_string_equal(fv_summary_layer(s, 0)->detail, "32 3x3 activation=relu");
    assert_string_equal(fv_summary_layer(s, 0)->op, "conv");
    assert_int_equal(fv_summary_layer(s, 0)->bytes, 4 * 26 * 26 * 32);
    assert_null(fv_summary_layer(s, 8));
    assert_null(fv_summary_layer(s, -1));
    fv_net_free(net);
    assert_string_equal(fv_summary_layer(s, 7)->name, "dense2"); /* outlives the net */
    fv_summary_free(s);
}

static const char c3[] =
    "conv 16 5x5 connections=\"012 123 234 345 045 015 0123 1234 2345 0345 0145 0125 0134 1245 0235 012345\"";

static void lenet5(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    chain(picture(net, 32, 1),
          (const char *[]){"conv 6 5x5", "subsample 2x2", c3, "subsample 2x2", "conv 120 5x5", "flatten",
                           "dense 84 activation=scaled_tanh", "rbf 10 fixed=yes", NULL});
    fv_summary *s = summarize(net, NULL);
    static const int64_t parameters[] = {156, 12, 1516, 32, 48120, 0, 10164, 840},
                         fields[] = {5, 6, 14, 16, 32, 0, 0, 0};
    for (int i = 0; i < 8; i++) {
        assert_int_equal(fv_summary_layer(s, i)->parameters, parameters[i]);
        assert_int_equal(fv_summary_layer(s, i)->receptive_field, fields[i]);
    }
    assert_string_equal(fv_summary_layer(s, 2)->working, "5x5x60 + 16");
    assert_int_equal(fv_summary_layer(s, 7)->trainable, 0);
    assert_int_equal(fv_summary_total(s).trainable, 60000);
    assert_int_equal(fv_summary_total(s).parameters, 60840);
    fv_summary_free(s);
    fv_net_free(net);
}

static void lenets_with_relu(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    const char *const lines[] = {"conv 6 5x5 activation=relu",
                                 "maxpool 2x2",
                                 "conv 16 5x5 activation=relu",
                                 "maxpool 2x2",
                                 "flatten",
                                 "dense 120 activation=relu",
                                 "dense 84 activation=relu",
                                 "dense 10",
                                 NULL};
    chain(picture(net, 32, 3), lines);
    fv_summary *s = summarize(net, NULL);
    static const int64_t parameters[] = {456, 0, 2416, 0, 0, 48120, 10164, 850};
    for (int i = 0; i < 8; i++) assert_int_equal(fv_summary_layer(s, i)->parameters, parameters[i]);
    assert_int_equal(fv_summary_total(s).parameters, 62006);
    fv_summary_free(s);
    fv_net_free(net);

    net = fv_net_new();
    chain(picture(net, 28, 1), lines);
    s = summarize(net, NULL);
    assert_int_equal(fv_summary_total(s).parameters, 44426);
    assert_int_equal(fv_summary_total(s).macs, 281640);
    fv_summary_free(s);
    fv_net_free(net);
}

static void a_hundred_filters_on_a_colour_picture(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    chain(picture(net, 100, 3), (const char *[]){"conv 100 5x5", "maxpool 3x4", NULL});
    fv_summary *s = summarize(net, NULL);
    check_rows(s,
               (row[]){{"conv1", "Nx96x96x100", "5x5x3x100 + 100", 7600, 69120000, 5, 1},
                       {"maxpool1", "Nx32x24x100", "", 0, 0, 7, 3}},
               2);
    fv_summary_free(s);
    fv_net_free(net);
}

static void one_neuron_on_a_whole_picture(void **state) {
    (void)state;
    static const struct { int64_t side, channels, weights; } cases[] = {{28, 1, 785}, {32, 3, 3073}, {224, 3, 150529}};
    for (int i = 0; i < 3; i++) {
        fv_net *net = fv_net_new();
        chain(picture(net, cases[i].side, cases[i].channels), (const char *[]){"flatten", "dense 1", NULL});
        fv_summary *s = summarize(net, NULL);
        assert_int_equal(fv_summary_total(s).parameters, cases[i].weights);
        fv_summary_free(s);
        fv_net_free(net);
    }
}

static void stacked_small_kernels_see_2n_plus_1(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = picture(net, 101, 1);
    for (int n = 1; n <= 50; n++) x = fv_apply(net, "conv", &x, 1, "1 3x3", NULL);
    fv_summary *s = summarize(net, NULL);
    for (int n = 1; n <= 50; n++) assert_int_equal(fv_summary_layer(s, n - 1)->receptive_field, 2 * n + 1);
    char shape[32];
    fv_layer total = fv_summary_total(s);
    assert_string_equal(fv_shape_text(&total.output, shape, sizeof shape), "Nx1x1x1");
    fv_summary_free(s);
    fv_net_free(net);
}

/* ---- graphs ----------------------------------------------------------------------------------------------------- */

static void branches_see_what_the_widest_sees(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = picture(net, 16, 4);
    fv_value wide = fv_apply(net, "conv", &x, 1, "4 5x5 padding=2", NULL), both[] = {x, wide};
    fv_apply(net, "add", both, 2, "", NULL);
    fv_summary *s = summarize(net, NULL);
    assert_int_equal(fv_summary_layer(s, 1)->receptive_field, 5);
    assert_int_equal(fv_summary_layer(s, 1)->jump, 1);
    fv_summary_free(s);
    fv_net_free(net);
}

static void shared_weights_count_once(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = picture(net, 16, 4), a = fv_apply(net, "conv", &x, 1, "4 3x3", NULL);
    fv_value given[] = {a, fv_parameter_of(a, 0), fv_parameter_of(a, 1)};
    fv_apply(net, "conv", given, 3, "4 3x3", NULL);
    fv_summary *s = summarize(net, NULL);
    assert_int_equal(fv_summary_layer(s, 0)->parameters, 148);
    assert_int_equal(fv_summary_layer(s, 1)->parameters, 0);
    assert_int_equal(fv_summary_total(s).parameters, 148);
    assert_int_equal(fv_summary_total(s).macs, 14 * 14 * 144 + 12 * 12 * 144);
    fv_summary_free(s);
    fv_net_free(net);
}

static void losses_and_penalties_are_left_out(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value y = chain(picture(net, 8, 1), (const char *[]){"flatten", "dense 10 kernel_regularizer=l2(0.01)", NULL});
    fv_value pair[] = {y, fv_input(net, .name = "class", .dtype = FV_I32, .target = true)};
    fv_add_loss(fv_apply(net, "crossentropy", pair, 2, "", NULL), 1);
    fv_summary *s = summarize(net, NULL);
    assert_int_equal(fv_summary_count(s), 2);
    assert_int_equal(net->loss_count, 2);
    assert_int_equal(fv_summary_total(s).output.dim[1], 10);
    fv_summary_free(s);
    fv_net_free(net);
}

static void running_statistics_are_no_parameters(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    chain(picture(net, 8, 1), (const char *[]){"conv 6 3x3 bias=no", "batchnorm", "relu", NULL});
    fv_summary *s = summarize(net, NULL);
    assert_int_equal(fv_summary_count(s), 3);
    assert_int_equal(fv_summary_layer(s, 0)->parameters, 54);
    assert_string_equal(fv_summary_layer(s, 0)->working, "3x3x1x6");
    assert_int_equal(fv_summary_layer(s, 1)->parameters, 12);
    assert_string_equal(fv_summary_layer(s, 1)->working, "6 + 6");
    fv_summary_free(s);
    fv_net_free(net);
}

static void open_sizes_are_fixed_by_the_sample(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = FV_OPEN, .width = FV_OPEN, .channels = 3);
    chain(x, (const char *[]){"conv 8 3x3", "globalavgpool", "dense 10", NULL});
    fv_summary *s = summarize(net, NULL);
    assert_int_equal(fv_summary_total(s).parameters, 224 + 90);
    assert_int_equal(fv_summary_layer(s, 0)->macs, 0); /* not known yet */
    assert_int_equal(fv_summary_layer(s, 0)->bytes, 0);
    fv_summary_free(s);
    s = summarize(net, &(fv_shape){3, {10, 12, 3}});
    assert_int_equal(fv_summary_layer(s, 0)->macs, 8 * 10 * 216);
    assert_int_equal(fv_summary_layer(s, 0)->output.dim[2], 10);
    assert_int_equal(fv_summary_layer(s, 1)->receptive_field, 10); /* the whole picture */
    fv_summary_free(s);
    fv_error error = {0};
    assert_null(fv_summarize(net, &(fv_shape){3, {10, 12, 4}}, &error));
    assert_string_equal(error.message, "input \"input\": expected samples of ?x?x3, got 10x12x4");
    fv_net_free(net);
}

static void no_weight_is_allocated(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    /* 160 GB of weights and 40 TB of multiply-adds are only numbers here. */
    chain(picture(net, 1000, 1), (const char *[]){"flatten", "dense 40000", NULL});
    fv_summary *s = summarize(net, NULL);
    assert_int_equal(fv_summary_total(s).parameters, INT64_C(40000040000));
    fv_summary_free(s);
    fv_net_free(net);
}

static void errors_of_the_net_are_reported(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_error error = {0};
    chain(picture(net, 4, 1), (const char *[]){"conv 8 5x5", "relu", NULL});
    assert_null(fv_summarize(net, NULL, &error));
    assert_int_equal(error.status, FV_E_SHAPE);
    assert_non_null(strstr(error.message, "conv1 (conv): "));
    assert_null(fv_summarize(NULL, NULL, &error));
    assert_int_equal(fv_summary_count(NULL), 0);
    fv_summary_free(NULL);
    fv_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mnist_cnn),
        cmocka_unit_test(lenet5),
        cmocka_unit_test(lenets_with_relu),
        cmocka_unit_test(a_hundred_filters_on_a_colour_picture),
        cmocka_unit_test(one_neuron_on_a_whole_picture),
        cmocka_unit_test(stacked_small_kernels_see_2n_plus_1),
        cmocka_unit_test(branches_see_what_the_widest_sees),
        cmocka_unit_test(shared_weights_count_once),
        cmocka_unit_test(losses_and_penalties_are_left_out),
        cmocka_unit_test(running_statistics_are_no_parameters),
        cmocka_unit_test(open_sizes_are_fixed_by_the_sample),
        cmocka_unit_test(no_weight_is_allocated),
        cmocka_unit_test(errors_of_the_net_are_reported),
    };
    return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
