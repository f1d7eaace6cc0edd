/* Groups of weights: which weight is of which, by which numbers it steps, and that a training with all of it is the same bits at any
 * number of threads and when it goes on. */
#include "check.h"
#include "files.h"

#include "train.h"

static fv_weight_groups read_groups(const char *text) {
    fv_weight_groups groups;
    fv_error error = {0};
    if (fv_groups_read("sgd(rate=0.1, decay=0.5)", text, &groups, &error)) fail_msg("%s: %s", text, error.message);
    return groups;
}

static void a_text_is_read(void **state) {
    (void)state;
    fv_weight_groups g =
        read_groups(" conv*, block1.*: adam(rate=0.01) cosine(floor=0.1) rate=2 ;\n*.bias *.scale: decay=0;");
    assert_int_equal(g.count, 3);
    assert_string_equal(g.group[0].optimizer->name, "sgd");
    assert_string_equal(g.group[1].optimizer->name, "adam");
    assert_string_equal(g.group[1].names, "conv*, block1.*");
    check_near("rate of its own", g.group[1].arguments[0], 0.01, 0);
    assert_string_equal(g.group[2].optimizer->name, "sgd");
    check_near("decay times 0", g.group[2].arguments[3], 0, 0);
    check_near("decay of the others", g.group[0].arguments[3], 0.5, 0);
    g = read_groups("none");
    assert_int_equal(g.count, 1);
}

static void rates_follow_their_own_plans(void **state) {
    (void)state;
    fv_weight_groups g = read_groups("a: sgd(rate=3) linear(epochs=2); b: rate=0.5; c: constant");
    fv_rate_plan plan;
    assert_int_equal(fv_rate_plan_read("linear", &plan, NULL), FV_OK);
    for (int step = 0; step < 10; step++) { /* 5 epochs of 2 steps */
        fv_groups_set_rates(&g, &plan, 0.1, step, 2, 5);
        double all = 0.1 * (1 - step / 10.0);
        check_near("of the training", g.group[0].rate, all, 1e-12);
        check_near("own rate and own plan", g.group[1].rate, step < 4 ? 3 * (1 - step / 4.0) : 0, 1e-12);
        check_near("half of the training's", g.group[2].rate, all / 2, 1e-12);
        check_near("own plan alone", g.group[3].rate, 0.1, 1e-12);
    }
}

static void a_rate_of_zero_has_a_beginning(void **state) {
    (void)state;
    fv_weight_groups g = read_groups("a: linear(epochs=2); b: rate=0; c: constant");
    fv_rate_plan plan;
    assert_int_equal(fv_rate_plan_read("linear", &plan, NULL), FV_OK);
    fv_groups_find_ends(&g, &plan, 0.1, 3, 5); /* 5 epochs of 3 steps */
    static const int64_t over[] = {15, 6, 0, 15};
    for (int i = 0; i < g.count; i++)
        if (g.group[i].over != over[i])
            fail_msg("group %d: expected no rate from step %d on, got %d", i, (int)over[i], (int)g.group[i].over);
}

static void mistakes_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {{"conv*", "groups: expected NAMES: OPTIMIZER, SCHEDULE or factors, got 'conv*'"},
                 {"conv*:", "groups: conv*: expected something behind ':'"},
                 {": adam", "groups: expected names of 1 to 191 characters before ':'"},
                 {"a: adma", "unknown schedule 'adma'; there are: constant, step, linear, cosine, onecycle, warmup"},
                 {"a: adam(lr=1)", "optimizer 'adam(lr=1)': adam has no argument 'lr'; it takes: rate=0.001 beta1=0.9 "
                                   "beta2=0.999 epsilon=1e-8 decay=0"},
                 {"a: rates=2", "groups: expected an optimizer, a schedule, rate= or decay=, got 'rates=2'"},
                 {"a: rate=-1", "groups: expected a factor of 0 or more, got 'rate=-1'"}};
    fv_weight_groups groups;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_error error = {0};
        if (!fv_groups_read("adam", cases[i].text, &groups, &error)) fail_msg("'%s': expected an error", cases[i].text);
        if (strcmp(error.message, cases[i].message))
            fail_msg("'%s': expected \"%s\", got \"%s\"", cases[i].text, cases[i].message, error.message);
    }
}

/* ---- a training with all of it ---------------------------------------------------------------------------------- */

static const char *const net_text =
    "input 28x28x1\nfirst = conv 8 2x2 stride=2\ngelu\nmaxpool 2x2\nconv 8 3x3 bias=no kernel_initializer=identity(rest=he_normal)\n"
    "batchnorm momentum=0.6 epsilon=1e-12\ngelu\nflatten\ndense 10 bias=no\n"
    "train epochs=2 batch_size=16 optimizer=nesterov(rate=0.5,momentum=0.85) schedule=linear whiten=\"first(samples=40)\" "
    "freeze=\"*.scale\"\n"
    "train groups=\"conv*.weight: muon(rate=0.2, normalize=yes); first.bias: linear(epochs=1); *.bias: decay=0\"\n";

typedef struct outcome {
    uint64_t hash;
    float scale;
} outcome;

static int stop_after(void *user, const fv_event *event) {
    int64_t *left = user;
    return event->kind == FV_EVENT_STEP && --*left == 0;
}

static outcome train(fv_fit_options *options) {
    problem = (fv_error){0};
    fv_data *data = fv_data_open("digits", &problem, .limit = 100);
    fv_net *net = data ? fv_net_parse(net_text, "test.net", NULL, 0, &problem) : NULL;
    fv_model *model = net ? fv_model_new(net, 1, &problem) : NULL;
    options->size = sizeof *options, options->seed = 3, options->validation_split = 0.2;
    fv_history *history = model ? fv_fit_with(model, data, &problem, options) : NULL;
    if (!history) fail_msg("fit: %s", problem.message);
    outcome out = {fv_model_hash(model),
                   *(float *)fv_model_weight(model, fv_model_find_weight(model, "batchnorm1.scale")).data};
    fv_history_free(history), fv_model_free(model), fv_net_free(net), fv_data_free(data);
    return out;
}

static void the_same_bits(void **state) {
    (void)state;
    outcome whole = train(&(fv_fit_options){.threads = 1});
    check_near("a frozen scale", whole.scale, 1, 0);
    for (int threads = 2; threads <= 5; threads++)
        if (train(&(fv_fit_options){.threads = threads}).hash != whole.hash)
            fail_msg("%d threads: expected the weights of one", threads);
    for (int64_t step = 1; step < 10; step += 2) {
        int64_t left = step;
        train(&(fv_fit_options){.folder = temp_folder, .on_event = stop_after, .user = &left});
        if (train(&(fv_fit_options){.folder = temp_folder, .resume = true, .threads = 2}).hash != whole.hash)
            fail_msg("stopped after step %d: expected the weights of the uninterrupted run", (int)step);
        clean_temp(NULL);
    }
    if (train(&(fv_fit_options){.groups = "none"}).hash == whole.hash)
        fail_msg("without groups: expected other weights");
}

/* A bound of the gradients' norm keeps all gradients: with and without them the weights are the same. */
static void weights_at_rest_change_no_bits(void **state) {
    (void)state;
    uint64_t all = train(&(fv_fit_options){.clip_norm = 1e9, .epochs = 3}).hash;
    assert_true(train(&(fv_fit_options){.epochs = 3}).hash == all);
    assert_true(train(&(fv_fit_options){.epochs = 3, .accumulate = 2, .batch_size = 8}).hash ==
                train(&(fv_fit_options){.epochs = 3, .accumulate = 2, .batch_size = 8, .clip_norm = 1e9}).hash);
}

/* The first layer's gradients are the last thing that the backward pass makes: without them it ends at the second layer's. */
static void what_serves_no_gradient_is_left_out(void **state) {
    (void)state;
    problem = (fv_error){0};
    fv_net *net = fv_net_parse("input 8x8x1\nconv 4 3x3\ntanh\nconv 4 3x3\nflatten\ndense 10\nloss crossentropy\n",
                               "test.net", NULL, 0, &problem);
    fv_plan_options options = {.batch = 2, .training = true, .losses = true, .gradients = true};
    fv_plan *plan = net ? fv_plan_new(net, &options, &problem) : NULL;
    if (!plan) fail_msg("%s", problem.message);
    bool *unasked = calloc((size_t)plan->value_count, sizeof *unasked);
    bool *idle = calloc((size_t)plan->call_count, sizeof *idle);
    for (int v = 0; v < plan->value_count; v++) unasked[v] = !strncmp(net->values[v].name, "conv1.", 6);
    assert_int_equal(fv_plan_idle_calls(plan, unasked, idle, &problem), FV_OK);
    for (int i = 0; i < plan->call_count; i++) {
        const fv_planned_call *call = &plan->calls[i];
        const char *name = call->node >= 0 ? net->nodes[call->node].name : "plan";
        bool expected = call->backward && (!strcmp(name, "conv1") || !strcmp(name, "tanh1") ||
                                           (!strcmp(name, "conv2") && call->routine == FV_R_CONV_DATA));
        if (idle[i] != expected) fail_msg("call %d, %s: expected idle %d, got %d", i, name, expected, idle[i]);
    }
    free(unasked), free(idle), fv_plan_free(plan), fv_net_free(net);
}

static void a_group_of_nothing_is_a_mistake(void **state) {
    (void)state;
    problem = (fv_error){0};
    fv_data *data = fv_data_open("digits", &problem, .limit = 20);
    fv_net *net = fv_net_parse(net_text, "test.net", NULL, 0, &problem);
    fv_model *model = fv_model_new(net, 1, &problem);
    assert_null(fv_fit(model, data, &problem, .groups = "cnov*: decay=0"));
    assert_string_equal(problem.message, "groups: no weight that is trained is called 'cnov*'");
    fv_model_free(model), fv_net_free(net), fv_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_text_is_read),
                                       cmocka_unit_test(rates_follow_their_own_plans),
                                       cmocka_unit_test(a_rate_of_zero_has_a_beginning),
                                       cmocka_unit_test(mistakes_are_named),
                                       cmocka_unit_test(the_same_bits),
                                       cmocka_unit_test(weights_at_rest_change_no_bits),
                                       cmocka_unit_test(what_serves_no_gradient_is_left_out),
                                       cmocka_unit_test(a_group_of_nothing_is_a_mistake)};
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
