/* Transposed convolution is the adjoint of convolution, to the bit where sums are of whole numbers. */
#include "run_fixture.h"

/* Whole numbers from -3 to 3 in every real tensor. */
static void draw_whole(fv_tensor t, uint64_t seed) {
    fv_stream stream = fv_stream_new(seed, FV_FOR_TEST, 0, 0);
    for (int64_t i = 0; i < fv_shape_count(&t.shape); i++) ((float *)t.data)[i] = (float)fv_below(&stream, 7) - 3;
}

typedef struct operation {
    fv_net *net;
    fv_value y;
    fv_weights weights;
    fv_run *run;
} operation;

static operation open_operation(const char *op, const char *fields, const fv_shape *input) {
    operation o = {.net = fv_net_new()};
    fv_value x = fv_input(o.net, .shape = *input);
    o.y = apply(o.net, op, fields, x);
    o.weights = drawn_weights(o.net, 1);
    draw_whole(o.weights.of[fv_parameter_of(o.y, 0).id], 5);
    o.run = build_run(o.net, &o.weights, &(fv_plan_options){.batch = 2});
    return o;
}

static void close_operation(operation *o) {
    fv_run_free(o->run);
    free_weights(o->net, &o->weights);
    fv_net_free(o->net);
}

static double inner(fv_tensor a, fv_tensor b) {
    double sum = 0;
    assert_true(fv_shape_equal(&a.shape, &b.shape));
    for (int64_t i = 0; i < fv_shape_count(&a.shape); i++) sum += number(a, i) * number(b, i);
    return sum;
}

typedef struct adjoint_case {
    fv_shape input;     /* of conv, and the result of conv_transpose */
    int filters;        /* of conv */
    const char *fields; /* of both: kernel and the rest */
    const char *output_padding;
} adjoint_case;

static const adjoint_case cases[] = {
    {{3, {6, 8, 3}}, 4, "2x2 stride=2", ""},
    {{3, {7, 9, 3}}, 4, "3x3", ""},
    {{3, {7, 9, 2}}, 5, "3x3 stride=2 padding=1", ""},
    {{3, {8, 10, 2}}, 5, "3x3 stride=2 padding=1", "output_padding=1"},
    {{3, {8, 9, 1}}, 1, "5x5 stride=3x2 padding=1x2", "output_padding=2x0"},
    {{3, {8, 6, 3}}, 4, "5x3 stride=2x3 padding=same", ""},
    {{3, {6, 6, 3}}, 4, "3x3 stride=2 padding=same_lower", ""},
    {{3, {6, 6, 3}}, 2, "1x1 stride=2 padding=same", ""},
    {{3, {5, 6, 3}}, 4, "3x2 padding=full", ""},
    {{3, {9, 9, 4}}, 6, "3x3 padding=1x2 padding_end=0x1 dilation=2x1 groups=2", ""},
    {{3, {6, 7, 4}}, 4, "3x3 padding=same groups=4 flipped=yes", ""},
    {{2, {13, 3}}, 4, "4 stride=2 dilation=2", ""},
    {{4, {4, 5, 6, 2}}, 3, "2x3x2 stride=2x1x2 padding=0x1x0", ""},
    {{3, {16, 16, 12}}, 32, "3x3 padding=1", ""}, /* from 16 channels on Winograd rounds */
};

/* <A x, y> = <x, A' y> with one weight for both. */
static void check_adjoint(const adjoint_case *c) {
    char fields[200];
    fv_shape small;
    snprintf(fields, sizeof fields, "%d %s bias=no", c->filters, c->fields);
    operation a = open_operation("conv", fields, &c->input);
    small = a.net->values[a.y.id].type.shape;
    small.rank--;
    memmove(small.dim, small.dim + 1, (size_t)small.rank * sizeof small.dim[0]);
    snprintf(fields, sizeof fields, "%lld %s %s bias=no", (long long)c->input.dim[c->input.rank - 1], c->fields,
             c->output_padding);
    operation b = open_operation("conv_transpose", fields, &small);
    fv_tensor wa = a.weights.of[fv_parameter_of(a.y, 0).id], wb = b.weights.of[fv_parameter_of(b.y, 0).id];
    char one[96], two[96];
    if (!fv_shape_equal(&wa.shape, &wb.shape))
        fail_msg("%s: weights of %s and %s", c->fields, fv_shape_text(&wa.shape, one, sizeof one),
                 fv_shape_text(&wb.shape, two, sizeof two));
    draw_whole(fv_run_input(a.run, NULL), 6);
    draw_whole(fv_run_input(b.run, NULL), 7);
    go(a.run, 2);
    go(b.run, 2);
    fv_tensor x = fv_run_input(a.run, NULL), ax = fv_run_output(a.run, NULL);
    fv_tensor y = fv_run_input(b.run, NULL), aty = fv_run_output(b.run, NULL);
    if (!fv_shape_equal(&x.shape, &aty.shape))
        fail_msg("%s: the transposed one gives %s", c->fields, fv_shape_text(&aty.shape, one, sizeof one));
    double ax_y = inner(ax, y), x_aty = inner(x, aty);
    assert_true(ax_y != 0);
    check_near(c->fields, x_aty, ax_y, 0);
    close_operation(&a);
    close_operation(&b);
}

static void it_is_the_adjoint_of_convolution(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) check_adjoint(&cases[i]);
}

/* An autoencoder with tied weights (Masci et al. 2011). */
static void both_may_share_a_weight(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 4, .width = 4, .channels = 1);
    fv_value code = apply(net, "conv", "2 2x2 stride=2 bias=no", x);
    fv_value back = apply(net, "conv_transpose", "1 2x2 stride=2 bias=no", code, fv_parameter_of(code, 0));
    fv_error error = {0};
    assert_int_equal(fv_net_check(net, &error), FV_OK);
    fv_summary *summary = fv_summarize(net, NULL, NULL);
    assert_int_equal(fv_summary_total(summary).parameters, 8);
    assert_int_equal(fv_summary_total(summary).macs, 2 * 4 * 8);
    fv_summary_free(summary);
    assert_true(fv_shape_equal(&net->values[x.id].type.shape, &net->values[back.id].type.shape));
    fv_net_free(net);
}

static const struct {
    const char *fields, *says;
} mistakes[] = {
    {"2 3x3 stride=2 output_padding=2", "output_padding must be less than the stride, got 2 and 2"},
    {"2 3x3 padding=3", "nothing would be left: (3 - 1)*1 + 3 - 3 - 3 + 0 < 1"},
    {"2 3x3 padding=same output_padding=1 stride=2", "does not go with padding=same"},
    {"2 3x3x3", "kernel has 3 numbers, but the input has 2 spatial dimensions"},
    {"2 3x3 groups=3", "groups=3 must divide the input's 4 channels and the 2 filters"},
    {"1000000000 1000000000x1000000000", "too many elements"},
};

static void mistakes_are_told(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        fv_net *net = fv_net_new();
        fv_value x = fv_input(net, .height = 3, .width = 3, .channels = 4);
        fv_error error = {0};
        fv_value y = fv_apply(net, "conv_transpose", &x, 1, mistakes[i].fields, &error);
        if (y.id >= 0) fail_msg("%s: accepted", mistakes[i].fields);
        if (!strstr(error.message, mistakes[i].says))
            fail_msg("%s: expected \"%s\", got \"%s\"", mistakes[i].fields, mistakes[i].says, error.message);
        fv_net_free(net);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_adjoint_of_convolution),
        cmocka_unit_test(both_may_share_a_weight),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
