/* Muon against the same steps of PyTorch in double (two steps of a given gradient, the second one another), and what it does with
 * weights that are no matrices. */
#include "check.h"

#include "train.h"

/* A net of one layer, whose gradients are written by hand. */
typedef struct layer {
    fv_net *net;
    fv_model *model;
    fv_run *run;
    fv_descent descent;
} layer;

static layer make_layer(const char *text, const char *optimizer, int threads) {
    fv_error error = {0};
    layer l = {.net = fv_net_parse(text, "test.net", NULL, 0, &error)};
    if (!l.net || fv_set_loss(l.net, "mse", NULL, &error)) fail_msg("%s", error.message);
    l.model = fv_model_new(l.net, 1, &error);
    if (!l.model) fail_msg("%s", error.message);
    fv_plan_options options = {.batch = 1, .training = true, .losses = true, .gradients = true, .threads = threads};
    l.run = fv_run_build(l.net, &l.model->weights, &options, &error);
    if (!l.run || fv_descent_begin(&l.descent, l.model, l.run, optimizer, NULL, &error)) fail_msg("%s", error.message);
    return l;
}

static void free_layer(layer *l) {
    fv_descent_end(&l->descent);
    fv_run_free(l->run);
    fv_model_free(l->model);
    fv_net_free(l->net);
}

static double number(int64_t k, int64_t m) { return (double)(k * m % 13 - 6) / 10; }

static void two_steps(layer *l, double rate) {
    fv_error error;
    fv_trained *weight = &l->descent.weights[0];
    float *w = weight->weight.data, *g = weight->gradient.data;
    l->descent.groups.group[0].rate = rate;
    for (int64_t k = 0; k < weight->each; k++) w[k] = (float)(number(k, 5) + 0.05);
    for (int step = 0; step < 2; step++) {
        for (int64_t k = 0; k < weight->each; k++) g[k] = (float)(number(k + step, 7) * (1 + 0.01 * (double)k));
        if (fv_descent_step(&l->descent, &error)) fail_msg("%s", error.message);
    }
}

static void steps_are_those_of_pytorch(void **state) {
    (void)state;
    static const struct {
        const char *net, *optimizer;
        double rate;
        int count;
        float expected[24];
    } cases[] = {{"input 3x3x2\nconv 3 2x2 bias=no",
                  "muon(momentum=0.6, steps=3, normalize=yes)",
                  0.24,
                  24,
                  {-0.3564422f, 0.0835820f, 0.4206259f, -0.2107466f, 0.1794405f, 0.5642045f,  -0.1034861f, 0.2778527f,
                   -0.5702116f, 0.0350524f, 0.3625364f, -0.4326567f, 0.4708373f, -0.3480435f, -0.0168006f, 0.5733171f,
                   -0.2538690f, 0.0851727f, 0.7098902f, -0.1740779f, 0.2213387f, -0.4375464f, -0.0906416f, 0.3152190f}},
                 {"input 2\ndense 5 bias=no",
                  "muon(nesterov=no, decay=0.5)",
                  0.1,
                  10,
                  {-0.3802997f, 0.0169809f, 0.4666087f, -0.3110622f, 0.1380283f, 0.6140977f, -0.0983730f, 0.2754571f,
                   -0.4375510f, -0.0657756f}},
                 {"input 3\ndense 3 bias=no",
                  "muon",
                  0.02,
                  9,
                  {-0.5304647f, -0.0282425f, 0.4609031f, -0.3284204f, 0.1574998f, 0.6420782f, -0.1493132f, 0.3357353f,
                   -0.4736214f}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        layer l = make_layer(cases[i].net, cases[i].optimizer, 1);
        two_steps(&l, cases[i].rate);
        const float *w = l.descent.weights[0].weight.data;
        assert_int_equal(l.descent.weights[0].each, cases[i].count);
        for (int k = 0; k < cases[i].count; k++) {
            char name[100];
            snprintf(name, sizeof name, "%s, number %d", cases[i].optimizer, k);
            check_near(name, w[k], cases[i].expected[k], 2e-5);
        }
        free_layer(&l);
    }
}

/* Many iterations of them would come near 1: singular values of a step lie within 0.6 .. 1.25. */
static void a_step_is_nearly_orthogonal(void **state) {
    (void)state;
    layer l = make_layer("input 40\ndense 12 bias=no", "muon(momentum=0, steps=10)", 1);
    fv_trained *weight = &l.descent.weights[0];
    float *w = weight->weight.data, *g = weight->gradient.data;
    for (int k = 0; k < 480; k++) w[k] = 0, g[k] = (float)sin(k * k + 1.0);
    l.descent.groups.group[0].rate = 1;
    assert_int_equal(fv_descent_step(&l.descent, NULL), FV_OK);
    double gram[144] = {0}, values[12], vectors[144];
    for (int r = 0; r < 40; r++)
        for (int i = 0; i < 144; i++) gram[i] += (double)w[r * 12 + i / 12] * (double)w[r * 12 + i % 12];
    fv_eigenvectors(gram, 12, values, vectors);
    for (int i = 0; i < 12; i++)
        if (!(values[i] > 0.36 && values[i] < 1.6)) fail_msg("squared singular value %d: got %g", i, values[i]);
    free_layer(&l);
}

static void bits_do_not_depend_on_threads(void **state) {
    (void)state;
    static float expected[3 * 3 * 24 * 40];
    for (int threads = 1; threads <= 5; threads++) {
        layer l = make_layer("input 5x5x24\nconv 40 3x3 bias=no", "muon", threads);
        two_steps(&l, 0.1);
        if (threads == 1) memcpy(expected, l.descent.weights[0].weight.data, sizeof expected);
        if (memcmp(expected, l.descent.weights[0].weight.data, sizeof expected))
            fail_msg("%d threads: expected the bits of one", threads);
        free_layer(&l);
    }
}

/* A step along nothing leaves the weight, and a bias goes by sgd. */
static void no_gradient_and_no_matrix(void **state) {
    (void)state;
    layer l = make_layer("input 4\ndense 3", "muon(momentum=0.5)", 1);
    fv_trained *weight = &l.descent.weights[0], *bias = &l.descent.weights[1];
    assert_null(weight->kernel);
    assert_non_null(bias->kernel);
    float *w = weight->weight.data, *b = bias->weight.data;
    for (int k = 0; k < 12; k++) w[k] = (float)k, ((float *)weight->gradient.data)[k] = 0;
    for (int k = 0; k < 3; k++) b[k] = 1, ((float *)bias->gradient.data)[k] = (float)k;
    l.descent.groups.group[0].rate = 0.1;
    assert_int_equal(fv_descent_step(&l.descent, NULL), FV_OK);
    for (int k = 0; k < 12; k++) check_near("no gradient", w[k], k, 0);
    for (int k = 0; k < 3; k++) check_near("bias: 1 - 0.1*(g + 0.5*g)", b[k], 1 - 0.15 * k, 1e-6);
    free_layer(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_those_of_pytorch), cmocka_unit_test(a_step_is_nearly_orthogonal),
        cmocka_unit_test(bits_do_not_depend_on_threads), cmocka_unit_test(no_gradient_and_no_matrix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
