/* test_foretell.c - what is foretold of a run is what it allocates, and foretelling allocates next to nothing. */
#include "check.h"

#include <time.h>

#include "train.h"

static fv_net *load(const char *name) {
    fv_error error = {0};
    fv_net *net = fv_net_load(name, NULL, 0, &error);
    if (!net) fail_msg("%s: %s", name, error.message);
    return net;
}

static fv_foretold foretell(fv_net *net, const char *name, const fv_foretell_options *options) {
    fv_error error = {0};
    fv_foretold out;
    if (fv_foretell_with(net, &out, &error, options)) fail_msg("%s: %s", name, error.message);
    return out;
}
#define FORETELL(net, name, ...) foretell(net, name, FV_OPTIONS(fv_foretell_options, __VA_ARGS__))

static void check_bytes(const char *net, const char *what, uint64_t foretold, uint64_t got) {
    if (foretold != got)
        fail_msg("%s: %s: foretold %llu bytes, it is %llu", net, what, (unsigned long long)foretold,
                 (unsigned long long)got);
}

static uint64_t lines_of(const fv_tensor *tensor) {
    return ((uint64_t)fv_shape_count(&tensor->shape) * sizeof(float) + 63) / 64 * 64;
}

static uint64_t weights_of(const fv_model *model) {
    uint64_t sum = 0;
    for (int i = 0; i < fv_model_weight_count(model); i++) {
        fv_tensor weight = fv_model_weight(model, i);
        sum += lines_of(&weight);
    }
    return sum;
}

static const char *const small[] = {"lenet5", "mnist_cnn", "resnet20_cifar", "mlp", "densenet_bc_100_12"};

static void a_run_that_predicts(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        for (int64_t batch = 1; batch <= 3; batch += 2) {
            fv_error error = {0};
            fv_net *net = load(small[i]);
            fv_foretold told = FORETELL(net, small[i], .batch = batch);
            fv_model *model = fv_model_new(net, 1, &error);
            fv_run *run = model ? fv_run_new(model, &error, .batch = batch) : NULL;
            if (!run) fail_msg("%s: %s", small[i], error.message);
            assert_int_equal(told.batch, batch);
            check_bytes(small[i], "the run", told.arena + told.packed + told.scratch, fv_run_bytes(run));
            check_bytes(small[i], "the weights", told.weights, weights_of(model));
            check_bytes(small[i], "the optimizer", told.optimizer, 0);
            check_bytes(small[i], "all", told.total, told.weights + told.arena + told.packed + told.scratch);
            fv_run_free(run);
            fv_model_free(model);
            fv_net_free(net);
        }
}

/* Bytes of its states; no update asks for scratch. */
static uint64_t optimizer_of(const fv_descent *descent) {
    uint64_t sum = 0;
    for (int i = 0; i < descent->count; i++)
        for (int s = 0; s < FV_MAX_OPTIMIZER_STATES; s++)
            if (descent->weights[i].state[s]) sum += lines_of(&descent->weights[i].weight);
    return sum;
}

static void check_training(const char *name, const char *optimizer, int64_t batch) {
    fv_error error = {0};
    fv_net *net = load(name);
    fv_foretold told = FORETELL(net, name, .training = true, .batch = batch, .optimizer = optimizer);
    assert_int_equal(fv_set_loss(net, NULL, NULL, &error), FV_OK);
    fv_model *model = fv_model_new(net, 1, &error);
    assert_non_null(model);
    fv_reading reading = fv_net_reading(net);
    fv_plan_options options = {.batch = batch,
                               .training = true,
                               .losses = true,
                               .gradients = true,
                               .wanted = (const int[]){reading.scores, reading.output},
                               .wanted_count = 2};
    fv_run *run = fv_run_build(net, &model->weights, &options, &error);
    fv_descent descent;
    if (!run || fv_descent_begin(&descent, model, run, optimizer, NULL, &error)) fail_msg("%s: %s", name, error.message);
    check_bytes(name, "training's run", told.arena + told.packed + told.scratch, fv_run_bytes(run));
    check_bytes(name, "its weights", told.weights, weights_of(model));
    check_bytes(name, optimizer, told.optimizer, optimizer_of(&descent));
    fv_descent_end(&descent);
    fv_run_free(run);
    fv_model_free(model);
    fv_net_free(net);
}

static void a_step_of_training(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) check_training(small[i], "adam", 5);
    check_training("lenet5", "sgd", 8);
    check_training("lenet5", "sgd(momentum=0.9)", 8);
}

/* What its train line says need not be given. */
static void batch_and_optimizer_are_the_nets(void **state) {
    (void)state;
    fv_net *net = load("resnet20_cifar");
    fv_foretold told = FORETELL(net, "resnet20_cifar", .training = true);
    assert_int_equal(told.batch, 128);
    fv_foretold same =
        FORETELL(net, "resnet20_cifar", .training = true, .batch = 128, .optimizer = "sgd(momentum=0.9)");
    check_bytes("resnet20_cifar", "the same said", told.total, same.total);
    fv_foretold twice = FORETELL(net, "resnet20_cifar", .training = true, .optimizer = "adam");
    check_bytes("resnet20_cifar", "adam's state", twice.optimizer, 2 * told.optimizer);
    fv_net_free(net);
}

static void the_net_stays_as_it_is(void **state) {
    (void)state;
    fv_net *net = load("mnist_cnn");
    int values = net->value_count, losses = net->loss_count;
    FORETELL(net, "mnist_cnn", .training = true);
    assert_int_equal(net->value_count, values);
    assert_int_equal(net->loss_count, losses);
    fv_net_free(net);
}

static void what_cannot_be_planned_is_refused(void **state) {
    (void)state;
    fv_error error = {0};
    fv_foretold told = {.total = 1};
    fv_net *net = load("srcnn");
    assert_int_equal(fv_foretell(net, &told, &error, .batch = 1), FV_E_SHAPE);
    assert_non_null(strstr(error.message, "a run needs the input's sizes"));
    assert_true(told.total == 0);
    assert_int_equal(fv_foretell(net, &told, NULL, .batch = -1), FV_E_ARGUMENT);
    assert_int_equal(fv_foretell(NULL, &told, NULL, .batch = 1), FV_E_ARGUMENT);
    fv_shape shape = {3, {64, 48, 1}};
    assert_int_equal(fv_foretell(net, &told, &error, .input = shape, .training = true, .optimizer = "adan"),
                     FV_E_ARGUMENT);
    assert_non_null(strstr(error.message, "did you mean 'adam'"));
    fv_net_free(net);
}

/* A target made for them is as open as they are, until the input's size is said. */
static void sizes_left_open(void **state) {
    (void)state;
    fv_net *net = load("srcnn"), *fcn = load("fcn");
    fv_shape grey = {3, {20, 30, 1}}, coloured = {3, {64, 96, 3}};
    fv_foretold told = FORETELL(net, "srcnn", .training = true, .batch = 2, .input = grey);
    assert_true(told.arena > 2 * 60 * 90 * (64 + 32) * sizeof(float)); /* its maps, three times as high and wide */
    FORETELL(fcn, "fcn", .training = true, .batch = 1, .input = coloured);
    fv_net_free(net);
    fv_net_free(fcn);
}

static fv_status one_channel(void *user, const fv_shape *inputs, fv_shape *output, fv_shape *parameters,
                             fv_error *error) {
    (void)user, (void)parameters, (void)error;
    *output = inputs[0];
    return FV_OK;
}
static void nothing(const fv_custom_call *call) { (void)call; }

static void a_net_with_an_operator_of_the_users_own(void **state) {
    (void)state;
    fv_custom_op op = {.size = sizeof op,
                       .name = "nothing",
                       .inputs = 1,
                       .shape = one_channel,
                       .forward = nothing,
                       .backward = nothing};
    fv_error error = {0};
    fv_net *net = fv_net_new();
    assert_int_equal(fv_net_register(net, &op, &error), FV_OK);
    fv_value x = fv_input(net, .height = 8, .width = 8, .channels = 1);
    x = fv_apply(net, "conv", &x, 1, "4 3x3", &error);
    x = fv_apply(net, "nothing", &x, 1, "", &error);
    x = fv_apply(net, "flatten", &x, 1, "", &error);
    fv_apply(net, "dense", &x, 1, "10", &error);
    fv_foretold told = FORETELL(net, "custom", .training = true, .batch = 2);
    assert_true(told.arena > 2 * 6 * 6 * 4 * sizeof(float));
    fv_net_free(net);
}

/* All that `fovea summary` asks of the library: for VGG-19's 548 MiB of weights and its plans of gigabytes less than 8 MiB and a
 * second of one core. */
static void a_summary_is_cheap(void **state) {
    (void)state;
    for (int i = 0; i < fv_zoo_count(); i++) {
        const char *name = fv_zoo_name(i);
        uint64_t before = fv_alloc_bytes();
        clock_t start = clock();
        fv_net *net = load(name);
        fv_summary *summary = fv_summarize(net, NULL, NULL);
        if (!summary) fail_msg("%s: no summary", name);
        fv_foretold told;
        fv_shape open = {3, {512, 512, 3}};
        const fv_shape *declared = &net->values[0].type.shape;
        bool is_open = declared->rank == 4 && declared->dim[1] == FV_OPEN;
        if (is_open) open.dim[2] = declared->dim[3];
        if (!is_open) memset(&open, 0, sizeof open);
        if (fv_foretell(net, &told, NULL, .input = open)) fail_msg("%s: a run cannot be planned", name);
        if (fv_foretell(net, &told, NULL, .input = open, .training = true)) fail_msg("%s: no training", name);
        fv_summary_free(summary);
        fv_net_free(net);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        uint64_t asked = fv_alloc_bytes() - before;
        if (asked > 16 << 20)
            fail_msg("%s: expected less than 16 MiB, got %llu bytes", name, (unsigned long long)asked);
        if (seconds > 1) fail_msg("%s: expected less than a second, got %g", name, seconds);
    }
}

/* What `fovea summary --plan --training` asks for, the net having no loss of its own. */
static void the_calls_of_a_training_are_told_without_weights(void **state) {
    (void)state;
    uint64_t before = fv_alloc_bytes();
    fv_net *net = load("vgg16"), *trained = fv_net_with_loss(net, NULL, NULL);
    assert_non_null(trained);
    fv_run_options options = {.size = sizeof options, .training = true, .gradients = true};
    char *text = fv_net_plan_text_with(trained, NULL, &options);
    assert_non_null(text);
    assert_non_null(strstr(text, "xent_back"));
    fv_free(text);
    fv_net_free(trained);
    fv_net_free(net);
    uint64_t asked = fv_alloc_bytes() - before;
    if (asked > 16 << 20) fail_msg("expected less than 16 MiB, got %llu bytes", (unsigned long long)asked);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_run_that_predicts),
                                       cmocka_unit_test(a_step_of_training),
                                       cmocka_unit_test(batch_and_optimizer_are_the_nets),
                                       cmocka_unit_test(the_net_stays_as_it_is),
                                       cmocka_unit_test(what_cannot_be_planned_is_refused),
                                       cmocka_unit_test(sizes_left_open),
                                       cmocka_unit_test(a_net_with_an_operator_of_the_users_own),
                                       cmocka_unit_test(a_summary_is_cheap),
                                       cmocka_unit_test(the_calls_of_a_training_are_told_without_weights)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
