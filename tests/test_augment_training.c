/* A training with augmentation: the same bits at any number of threads and after a stop, labels that are mixed. */
#include "check.h"
#include "files.h"

#include "train.h"

static const char *const net_text = "input 28x28x1\nmaxpool 4x4\nflatten\ndense 10\n";
static const char *const everything =
    "hflip altflip vflip shift crop resized_crop(0.5) rotate zoom shear perspective elastic "
    "brightness contrast noise blur mixup";
static const char *const short_list = "rotate elastic brightness noise cutout mixup cutmix(chance=0.5)";

typedef struct run {
    const char *list, *folder;
    int threads;
    bool ahead, resume;
    int64_t stop;
} run;

static int stop_after(void *user, const fv_event *event) {
    int64_t *left = user;
    return event->kind == FV_EVENT_STEP && --*left == 0;
}

static fv_model *new_model(const char *text) {
    fv_net *net = fv_net_parse(text, "test.net", NULL, 0, &problem);
    fv_model *model = net ? fv_model_new(net, 1, &problem) : NULL;
    if (!model) fail_msg("model: %s", problem.message);
    fv_net_free(net);
    return model;
}

static uint64_t trained(run r) {
    fv_data *data = fv_data_open("digits", &problem, .limit = 80);
    fv_model *model = new_model(net_text);
    int64_t left = r.stop ? r.stop : -1;
    fv_history *history =
        r.resume ? fv_fit(model, data, &problem, .folder = r.folder, .resume = true, .threads = r.threads)
                 : fv_fit(model, data, &problem, .epochs = 2, .batch_size = 16, .seed = 3, .augment = r.list,
                          .threads = r.threads, .no_prefetch = !r.ahead, .folder = r.folder, .save_seconds = FV_ZERO,
                          .on_event = stop_after, .user = &left);
    if (!history) fail_msg("fit: %s", problem.message);
    uint64_t hash = fv_model_hash(model);
    fv_history_free(history), fv_model_free(model), fv_data_free(data);
    return hash;
}

static void the_bits_do_not_depend_on_threads(void **state) {
    (void)state;
    static const char *const *const lists[] = {&everything, &short_list};
    for (int l = 0; l < 2; l++) {
        uint64_t one = trained((run){.list = *lists[l], .threads = 1});
        for (int threads = 2; threads <= 5; threads++)
            assert_int_equal(trained((run){.list = *lists[l], .threads = threads, .ahead = threads % 2}), one);
    }
}

static void a_stopped_training_goes_on(void **state) {
    (void)state;
    uint64_t whole = trained((run){.list = short_list, .threads = 1});
    for (int64_t stop = 2; stop < 10; stop += 3) {
        trained((run){.list = short_list, .threads = 2, .folder = temp_folder, .stop = stop});
        assert_int_equal(trained((run){.resume = true, .threads = 1, .folder = temp_folder}), whole);
        clean_temp(NULL);
    }
}

/* The option, and a line of the net, are the same. */
/* A student that is its teacher has nothing to learn from it, if only both see the same picture. */
static void teacher_and_student_see_the_same(void **state) {
    (void)state;
    fv_data *data = fv_data_open("digits", &problem, .limit = 64);
    fv_model *teacher = new_model(net_text), *student = new_model(net_text);
    fv_model_set_preprocess(teacher, &(fv_preprocess){.scale = 1.0 / 255}); /* as the student takes it from the data */
    fv_history *history =
        fv_fit(student, data, &problem, .epochs = 2, .batch_size = 16, .optimizer = "sgd(rate=1)",
               .augment = "hflip(1) shift(6) noise mixup(1)", .teacher = teacher, .teacher_weight = 1);
    if (!history) fail_msg("fit: %s", problem.message);
    int index = fv_model_find_weight(teacher, "dense1.weight");
    fv_tensor before = fv_model_weight(teacher, index), after = fv_model_weight(student, index);
    for (int64_t i = 0; i < fv_shape_count(&before.shape); i++)
        check_near("weight", ((float *)after.data)[i], ((float *)before.data)[i], 1e-4);
    fv_history_free(history);
    fv_model_free(teacher), fv_model_free(student);
    fv_data_free(data);
}

static void lines_of_a_net_are_the_option(void **state) {
    (void)state;
    uint64_t hash[3];
    static const char *const texts[] = {
        "input 28x28x1\nmaxpool 4x4\nflatten\ndense 10\naugment rotate\naugment mixup(0.4)\n",
        "input 28x28x1\nmaxpool 4x4\nflatten\ndense 10\n"};
    for (int i = 0; i < 3; i++) {
        fv_data *data = fv_data_open("digits", &problem, .limit = 64);
        fv_model *model = new_model(texts[i > 0]);
        fv_history *history = fv_fit(model, data, &problem, .epochs = 1, .batch_size = 16, .seed = 3,
                                     .augment = i == 1 ? "rotate mixup(0.4)" : NULL);
        if (!history) fail_msg("fit: %s", problem.message);
        hash[i] = fv_model_hash(model);
        fv_history_free(history), fv_model_free(model), fv_data_free(data);
    }
    assert_int_equal(hash[0], hash[1]);
    assert_int_not_equal(hash[0], hash[2]);
}

/* The loss of class numbers becomes one of distributions, with its own arguments; validation and evaluation know no difference. */
static void mixed_labels_need_distributions(void **state) {
    (void)state;
    fv_data *data = fv_data_open("digits", &problem, .limit = 200);
    fv_model *model = new_model(net_text);
    fv_history *history =
        fv_fit(model, data, &problem, .epochs = 5, .learning_rate = 0.02, .loss = "crossentropy(smoothing=0.1)",
               .augment = "mixup(0.2)", .validation_data = data, .batch_size = 20);
    if (!history) fail_msg("fit: %s", problem.message);
    int last = fv_history_epochs(history) - 1;
    double accuracy = fv_history_get(history, "val_accuracy", last);
    assert_true(accuracy > 0.5);
    fv_history *evaluated = fv_evaluate(model, data, &problem, .batch_size = 20);
    check_near("evaluation says what validation said", fv_history_get(evaluated, "accuracy", 0), accuracy, 1e-12);
    check_near("its loss, too", fv_history_get(evaluated, "loss", 0), fv_history_get(history, "val_loss", last), 1e-12);
    fv_history_free(history), fv_history_free(evaluated), fv_model_free(model), fv_data_free(data);
}

static void some_losses_cannot_mix(void **state) {
    (void)state;
    fv_data *data = fv_data_open("digits", &problem, .limit = 20);
    fv_model *model = new_model("input 28x28x1\nflatten\nrbf 10\n");
    assert_null(fv_fit(model, data, &problem, .epochs = 1, .augment = "mixup"));
    assert_int_equal(problem.status, FV_E_UNSUPPORTED);
    assert_non_null(strstr(problem.message, "takes class numbers alone"));
    fv_model_free(model), fv_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bits_do_not_depend_on_threads),
        cmocka_unit_test(teacher_and_student_see_the_same),
        cmocka_unit_test_teardown(a_stopped_training_goes_on, clean_temp),
        cmocka_unit_test(lines_of_a_net_are_the_option),
        cmocka_unit_test(mixed_labels_need_distributions),
        cmocka_unit_test(some_losses_cannot_mix),
    };
    return cmocka_run_group_tests_name("augment training", tests, make_temp, remove_temp);
}
