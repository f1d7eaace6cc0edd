/* The option `bf16` reaches every call of every run, keeps the promises about bits, and excludes `exact`; where the machine does
 * not multiply bf16 numbers it changes nothing. */
#include "check.h"
#include "files.h"

#include "plan.h"
#include "train.h"

static const char text[] =
    "input 28x28x1\nmaxpool 2x2\nconv 32 3x3 padding=same activation=relu\nconv 32 3x3 padding=same bias=no\n"
    "batchnorm\nrelu\nmaxpool 2x2\nflatten\ndense 32 activation=relu\ndense 10\npreprocess scale=1/255\n";
enum { SAMPLES = 60, STEPS = 3, EPOCHS = 2 }; /* 48 to train on in batches of 16 */

static fv_data *open_digits(void) {
    fv_data *data = fv_data_open("digits", &problem, .limit = SAMPLES);
    if (!data) fail_msg("digits: %s", problem.message);
    return data;
}

static fv_model *new_model(uint64_t seed) {
    fv_net *net = fv_net_parse(text, "bf16", NULL, 0, &problem);
    fv_model *model = net ? fv_compile(net, &problem, .seed = seed) : NULL;
    if (!model) fail_msg("model: %s", problem.message);
    fv_net_free(net);
    return model;
}

/* Zero hash: the training failed. */
static uint64_t trained(const fv_fit_options *given) {
    fv_fit_options options = *given;
    fv_data *data = open_digits();
    fv_model *model = new_model(options.resume ? 77 : 1); /* what is gone on with has its weights from the checkpoint */
    if (!options.resume) options.epochs = EPOCHS, options.batch_size = 16, options.validation_split = 0.2;
    problem = (fv_error){0};
    fv_history *history = fv_fit_with(model, data, &problem, &options);
    uint64_t hash = history ? fv_model_hash(model) : 0;
    fv_history_free(history), fv_model_free(model), fv_data_free(data);
    return hash;
}
#define TRAINED(...) trained(FV_OPTIONS(fv_fit_options, __VA_ARGS__))

static void check_same(const char *name, uint64_t got, uint64_t expected) {
    if (!got) fail_msg("%s: %s", name, problem.message);
    if (got != expected)
        fail_msg("%s: expected weights %016llx, got %016llx", name, (unsigned long long)expected,
                 (unsigned long long)got);
}

static void the_question_agrees_with_the_level(void **state) {
    (void)state;
    static const char *const without[] = {"reference", "generic", "avx2"};
    const char *best = fv_isa();
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        if (fv_set_isa(without[i], NULL)) continue; /* another machine's */
        if (fv_has_bf16()) fail_msg("%s: expected no bf16", without[i]);
    }
    check_ok(fv_set_isa(best, &problem));
    if (fv_has_bf16()) assert_string_equal(best, "avx512");
}

/* Calls of a plan with this wish; all of them must have it. */
static void check_plan(const char *name, fv_model *model, bool training, bool bf16) {
    fv_plan_options options = {
        .batch = 4, .training = training, .losses = training, .gradients = training, .bf16 = bf16};
    fv_plan *plan = fv_plan_new(model->net, &options, &problem);
    if (!plan) fail_msg("%s: %s", name, problem.message);
    for (int i = 0; i < plan->call_count; i++)
        if (plan->calls[i].geom.bf16 != bf16)
            fail_msg("%s: call %d (%s): expected bf16 %d", name, i, fv_routine_name(plan->calls[i].routine), bf16);
    fv_plan_free(plan);
}

static void every_call_knows_it(void **state) {
    (void)state;
    fv_model *model = new_model(1);
    check_ok(fv_set_loss(model->net, "crossentropy", NULL, &problem));
    for (int bf16 = 0; bf16 < 2; bf16++) {
        check_plan("inference", model, false, bf16);
        check_plan("training", model, true, bf16);
    }
    fv_model_free(model);
}

/* How many calls of a run that predicts take another kernel with it. */
static int other_kernels(fv_model *model) {
    fv_plan_options options = {.batch = SAMPLES};
    fv_plan *f32 = fv_plan_new(model->net, &options, &problem);
    options.bf16 = true;
    fv_plan *bf16 = fv_plan_new(model->net, &options, &problem);
    if (!f32 || !bf16) fail_msg("%s", problem.message);
    int count = 0;
    assert_int_equal(f32->call_count, bf16->call_count);
    for (int i = 0; i < f32->call_count; i++) count += f32->calls[i].kernel != bf16->calls[i].kernel;
    fv_plan_free(f32), fv_plan_free(bf16);
    return count;
}

static void answers_differ_a_little_where_kernels_do(void **state) {
    (void)state;
    fv_data *data = open_digits();
    fv_model *model = new_model(1);
    fv_tensor f32, bf16;
    fv_predict_options wish = {.size = sizeof wish, .bf16 = true};
    check_ok(fv_predict(model, data, 0, SAMPLES, &f32, &problem));
    check_ok(fv_predict_with(model, data, 0, SAMPLES, &bf16, &problem, &wish));
    int64_t count = fv_shape_count(&f32.shape);
    int others = other_kernels(model);
    if (!fv_has_bf16()) assert_int_equal(others, 0);
    assert_int_equal(memcmp(f32.data, bf16.data, (size_t)count * sizeof(float)) != 0, others > 0);
    for (int64_t i = 0; i < count; i++)
        check_near("probability", ((float *)bf16.data)[i], ((float *)f32.data)[i], 0.002);
    fv_free(f32.data), fv_free(bf16.data), fv_model_free(model), fv_data_free(data);
}

static fv_status status_of(bool good) { return good ? FV_OK : problem.status; }

static void exact_excludes_it(void **state) {
    (void)state;
    static const char words[] = "exact and bf16";
    fv_data *data = open_digits();
    fv_model *model = new_model(1);
    fv_net *net = fv_model_net(model);
    fv_tensor out;
    fv_timing timing;
    fv_foretold foretold;
    fv_predict_options predict = {.size = sizeof predict, .exact = true, .bf16 = true};
    check_fails(status_of(fv_run_new(model, &problem, .exact = true, .bf16 = true)), FV_E_ARGUMENT, words);
    check_fails(status_of(fv_net_plan_text(net, &problem, .exact = true, .bf16 = true)), FV_E_ARGUMENT, words);
    check_fails(fv_foretell(net, &foretold, &problem, .exact = true, .bf16 = true), FV_E_ARGUMENT, words);
    check_fails(fv_foretell(net, &foretold, &problem, .exact = true, .bf16 = true, .training = true), FV_E_ARGUMENT,
                words);
    check_fails(fv_bench(net, &timing, &problem, .exact = true, .bf16 = true), FV_E_ARGUMENT, words);
    check_fails(fv_predict_with(model, data, 0, 2, &out, &problem, &predict), FV_E_ARGUMENT, words);
    check_fails(status_of(fv_evaluate(model, data, &problem, .exact = true, .bf16 = true)), FV_E_ARGUMENT, words);
    check_fails(status_of(fv_score(&model, 1, data, &problem, .exact = true, .bf16 = true)), FV_E_ARGUMENT, words);
    check_fails(status_of(fv_fit(model, data, &problem, .exact = true, .bf16 = true)), FV_E_ARGUMENT, words);
    fv_model_free(model), fv_data_free(data);
}

static void the_bits_do_not_depend_on_threads(void **state) {
    (void)state;
    uint64_t one = TRAINED(.bf16 = true, .threads = 1);
    static const int threads[] = {1, 2, 3, 5};
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d threads", threads[i]);
        check_same(name, TRAINED(.bf16 = true, .threads = threads[i]), one);
    }
    if (!fv_has_bf16()) check_same("where the machine has none: as without", TRAINED(.threads = 1), one);
}

static int stop_after(void *user, const fv_event *event) {
    int64_t *left = user;
    return event->kind == FV_EVENT_STEP && --*left == 0;
}

/* Nobody says it again. */
static void a_run_goes_on_with_it(void **state) {
    (void)state;
    uint64_t whole = TRAINED(.bf16 = true, .threads = 1);
    for (int64_t step = 1; step < STEPS * EPOCHS; step += 2) {
        int64_t left = step;
        if (!TRAINED(.bf16 = true, .folder = temp_folder, .on_event = stop_after, .user = &left))
            fail_msg("%s", problem.message);
        check_same("stopped, then gone on with", TRAINED(.folder = temp_folder, .resume = true, .threads = 2), whole);
        clean_temp(NULL);
    }
}

static void another_kind_of_products_is_refused(void **state) {
    (void)state;
    if (!fv_has_bf16()) {
        print_message("skipped: %s multiplies no bf16 numbers on this machine\n", fv_isa());
        skip();
    }
    int64_t left = 2;
    TRAINED(.bf16 = true, .folder = temp_folder, .on_event = stop_after, .user = &left);
    check_fails(status_of(TRAINED(.exact = true, .folder = temp_folder, .resume = true)), FV_E_ARGUMENT,
                "exact and bf16");
    left = 2;
    TRAINED(.folder = temp_folder, .on_event = stop_after, .user = &left);
    check_fails(status_of(TRAINED(.bf16 = true, .folder = temp_folder, .resume = true)), FV_E_ARGUMENT,
                "another products");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_question_agrees_with_the_level),
        cmocka_unit_test(every_call_knows_it),
        cmocka_unit_test(answers_differ_a_little_where_kernels_do),
        cmocka_unit_test(exact_excludes_it),
        cmocka_unit_test(the_bits_do_not_depend_on_threads),
        cmocka_unit_test_teardown(a_run_goes_on_with_it, clean_temp),
        cmocka_unit_test_teardown(another_kind_of_products_is_refused, clean_temp),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
