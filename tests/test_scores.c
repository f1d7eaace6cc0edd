/* Classes one by one: precision, recall, F1, confusion, ROC, committees, mistakes - each worked out by hand. */
#include "check.h"

#include "files.h"
#include "train.h"

/* ---- counting --------------------------------------------------------------------------------------------------- */

static const int truths[] = {0, 0, 0, 0, 1, 1, 1, 2, 2, 2}, answers[] = {0, 0, 0, 1, 1, 1, 0, 2, 1, 2};

static fv_tally counted(void) {
    fv_tally tally;
    fv_error error = {0};
    if (fv_tally_begin(&tally, 3, &error)) fail_msg("%s", error.message);
    for (int i = 0; i < 10; i++) fv_tally_answer(&tally, truths[i], answers[i]);
    return tally;
}

static void classes_have_precision_recall_and_f1(void **state) {
    (void)state;
    fv_tally t = counted();
    const double precision[] = {3.0 / 4, 2.0 / 4, 2.0 / 2}, recall[] = {3.0 / 4, 2.0 / 3, 2.0 / 3},
                 f1[] = {3.0 / 4, 4.0 / 7, 4.0 / 5};
    for (int c = 0; c < 3; c++) {
        check_near("precision", fv_tally_precision(&t, c), precision[c], 1e-15);
        check_near("recall", fv_tally_recall(&t, c), recall[c], 1e-15);
        check_near("F1", fv_tally_f1(&t, c), f1[c], 1e-15);
    }
    check_near("accuracy", fv_tally_accuracy(&t), 0.7, 1e-15);
    check_near("mean precision", fv_tally_mean(&t, fv_tally_precision, false), 3.0 / 4, 1e-15);
    check_near("mean recall", fv_tally_mean(&t, fv_tally_recall, false), 25.0 / 36, 1e-15);
    check_near("mean F1", fv_tally_mean(&t, fv_tally_f1, false), 99.0 / 140, 1e-15);
    check_near("weighted precision", fv_tally_mean(&t, fv_tally_precision, true), 3.0 / 4, 1e-15);
    check_near("weighted recall is accuracy", fv_tally_mean(&t, fv_tally_recall, true), 0.7, 1e-15);
    check_near("weighted F1", fv_tally_mean(&t, fv_tally_f1, true), 249.0 / 350, 1e-15);
    const int64_t matrix[] = {3, 1, 0, /**/ 1, 2, 0, /**/ 0, 1, 2};
    assert_memory_equal(t.matrix, matrix, sizeof matrix);
    fv_tally_end(&t);
}

static void nothing_through_nothing_is_nothing(void **state) {
    (void)state;
    fv_tally t;
    fv_error error = {0};
    assert_int_equal(fv_tally_begin(&t, 3, &error), FV_OK);
    assert_true(isnan(fv_tally_accuracy(&t)) && isnan(fv_tally_mean(&t, fv_tally_f1, false)));
    fv_tally_answer(&t, 0, 0);
    fv_tally_answer(&t, 0, 1); /* class 1 is answered, but has no sample; class 2 does not occur */
    check_near("precision of a class without samples", fv_tally_precision(&t, 1), 0, 0);
    check_near("recall of it", fv_tally_recall(&t, 1), 0, 0);
    check_near("mean over the two that occur", fv_tally_mean(&t, fv_tally_precision, false), 0.5, 0);
    check_near("weighted: all samples are of the first", fv_tally_mean(&t, fv_tally_precision, true), 1, 0);
    fv_tally_answer(&t, 1, -1);
    check_near("no answer is a wrong one", fv_tally_accuracy(&t), 1.0 / 3, 1e-15);
    fv_tally_reset(&t);
    assert_true(isnan(fv_tally_accuracy(&t)));
    fv_tally_end(&t);
    assert_int_equal(fv_tally_begin(&t, 5000, &error), FV_OK);
    assert_null(t.matrix);
    fv_tally_answer(&t, 4999, 4999);
    check_near("many classes have no matrix, but counts", fv_tally_f1(&t, 4999), 1, 0);
    fv_tally_end(&t);
}

static void the_area_counts_pairs_in_order(void **state) {
    (void)state;
    const fv_lean all[] = {{0.9, true},  {0.6, true},  {0.6, true}, {0.3, true},
                           {0.8, false}, {0.6, false}, {0.2, false}};
    fv_error error = {0};
    for (int batch = 1; batch <= 7; batch++) {
        fv_tally t;
        assert_int_equal(fv_tally_begin(&t, 2, &error), FV_OK);
        assert_true(isnan(fv_tally_auc(&t)));
        for (int i = 0; i < 7; i += batch) {
            fv_lean some[7];
            int n = i + batch > 7 ? 7 - i : batch;
            memcpy(some, all + i, (size_t)n * sizeof *some);
            fv_tally_leans(&t, some, n);
        }
        /* 0.9 is above all three; each 0.6 above one and level with one; 0.3 above one: 3 + 1.5 + 1.5 + 1 of 12 */
        check_near("area", fv_tally_auc(&t), 7.0 / 12, 1e-15);
        fv_tally_leans(&t, &(fv_lean){NAN, false}, 1);
        assert_true(isnan(fv_tally_auc(&t)));
        fv_tally_end(&t);
    }
}

static void counts_go_into_a_checkpoint_and_back(void **state) {
    (void)state;
    fv_tally t, back;
    fv_error error = {0};
    fv_lean leans[] = {{0.5, true}, {-1, false}, {0.25, false}};
    assert_int_equal(fv_tally_begin(&t, 2, &error), FV_OK);
    fv_tally_answer(&t, 1, 1);
    fv_tally_answer(&t, 0, 1);
    fv_tally_leans(&t, leans, 3);
    fv_store *store = fv_store_new();
    assert_int_equal(fv_tally_save(&t, store, "tally", &error), FV_OK);
    assert_int_equal(fv_tally_begin(&back, 2, &error), FV_OK);
    assert_int_equal(fv_tally_restore(&back, store, "tally", &error), FV_OK);
    assert_memory_equal(back.samples, t.samples, t.cells * sizeof *t.samples);
    check_near("area", fv_tally_auc(&back), fv_tally_auc(&t), 0);
    assert_int_equal(fv_tally_restore(&back, store, "other", &error), FV_E_FORMAT);
    fv_tally_end(&back);
    assert_int_equal(fv_tally_begin(&back, 7, &error), FV_OK);
    assert_int_equal(fv_tally_restore(&back, store, "tally", &error), FV_E_FORMAT);
    fv_tally_end(&back), fv_tally_end(&t), fv_store_free(store);
}

/* ---- models: what is asked is one of three inputs, the weights are a table of the answers ----------------------- */

static fv_model *model_of(const char *text) {
    fv_error error = {0};
    fv_net *net = fv_net_parse(text, "test.net", NULL, 0, &error);
    fv_model *model = net ? fv_model_new(net, 1, &error) : NULL;
    if (!model) fail_msg("%s", error.message);
    fv_net_free(net);
    return model;
}

/* Answers input i with the probabilities in row i; sees its inputs through `scale`. */
static fv_model *table_of(const double table[3][3], double scale) {
    fv_model *model = model_of("input 3\ndense 3 bias=no\n");
    float *weight = fv_model_weight(model, 0).data;
    for (int i = 0; i < 9; i++) weight[i] = (float)(log(table[i / 3][i % 3]) / scale);
    fv_model_touch(model);
    fv_model_set_preprocess(model, &(fv_preprocess){.scale = scale});
    return model;
}

static const double first_table[3][3] = {{0.6, 0.3, 0.1}, {0.1, 0.5, 0.4}, {0.2, 0.2, 0.6}},
                    second_table[3][3] = {{0.1, 0.6, 0.3}, {0.5, 0.1, 0.4}, {0.7, 0.2, 0.1}};
static float inputs[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
static int32_t targets[3] = {1, 2, 2};

static fv_data *questions(void) {
    fv_error error = {0};
    fv_data *data =
        fv_data_from_arrays((fv_tensor){FV_F32, {2, {3, 3}}, inputs}, (fv_tensor){FV_I32, {1, {3}}, targets}, &error);
    if (!data) fail_msg("%s", error.message);
    return data;
}

static void a_committee_takes_the_mean_of_its_members(void **state) {
    (void)state;
    fv_error error = {0};
    fv_model *models[2] = {table_of(first_table, 1), table_of(second_table, 10)};
    fv_data *data = questions();
    for (int batch = 1; batch <= 3; batch++) {
        fv_scores *members[2];
        fv_scores *both = fv_score(models, 2, data, &error, .members = members, .mistakes = 4, .batch_size = batch,
                                   .metrics = "accuracy top2 f1");
        if (!both) fail_msg("%s", error.message);
        /* Means: 0.35 0.45 0.2; 0.3 0.3 0.4; 0.45 0.2 0.35. The right ones are 1, 2, 2. */
        check_near("first alone", fv_scores_accuracy(members[0]), 1.0 / 3, 1e-15);
        check_near("second alone", fv_scores_accuracy(members[1]), 1.0 / 3, 1e-15);
        check_near("together", fv_scores_accuracy(both), 2.0 / 3, 1e-15);
        const fv_history *metrics = fv_scores_metrics(both);
        check_near("as a metric", fv_history_get(metrics, "accuracy", 0), 2.0 / 3, 1e-15);
        check_near("among two", fv_history_get(metrics, "top2", 0), 1, 1e-15);
        /* class 0: no sample, one answer: 0; class 1: 1; class 2: precision 1, recall 1/2: 2/3 */
        check_near("F1", fv_history_get(metrics, "f1", 0), (0 + 1 + 2.0 / 3) / 3, 1e-15);
        assert_true(isnan(fv_history_get(metrics, "loss", 0)));
        check_near("loss of the first", fv_history_get(fv_scores_metrics(members[0]), "loss", 0),
                   -(log(0.3) + log(0.4) + log(0.6)) / 3, 1e-6);
        assert_int_equal(fv_scores_mistake_count(both), 1);
        fv_mistake mistake = fv_scores_mistake(both, 0);
        assert_int_equal(mistake.sample, 2);
        assert_int_equal(mistake.truth, 2);
        assert_int_equal(mistake.answer, 0);
        check_near("how sure", mistake.probability, 0.45, 1e-6);
        check_near("of the right one", mistake.right_one, 0.35, 1e-6);
        assert_int_equal(fv_scores_confusion(both, 2, 0), 1);
        assert_int_equal(fv_scores_confusion(both, 3, 0), -1);
        assert_string_equal(fv_scores_class(both, 2).name, "2");
        assert_int_equal(fv_scores_class(both, 2).samples, 2);
        fv_scores_free(both), fv_scores_free(members[0]), fv_scores_free(members[1]);
    }
    fv_model_free(models[0]), fv_model_free(models[1]), fv_data_free(data);
}

static void the_surest_mistakes_come_first(void **state) {
    (void)state;
    fv_error error = {0};
    fv_model *model = table_of(first_table, 1);
    fv_data *data = questions();
    fv_scores *scores = fv_score(&model, 1, data, &error, .mistakes = 1);
    assert_int_equal(fv_scores_mistake_count(scores), 1);
    assert_int_equal(fv_scores_mistake(scores, 0).sample, 0);
    check_near("surest", fv_scores_mistake(scores, 0).probability, 0.6, 1e-6);
    assert_int_equal(fv_scores_mistake(scores, 1).sample, -1);
    fv_scores_free(scores);
    scores = fv_score(&model, 1, data, &error, .mistakes = 9);
    assert_int_equal(fv_scores_mistake_count(scores), 2);
    assert_int_equal(fv_scores_mistake(scores, 1).sample, 1);
    check_near("next", fv_scores_mistake(scores, 1).probability, 0.5, 1e-6);
    fv_scores_free(scores), fv_model_free(model), fv_data_free(data);
}

/* One logit for yes and no, and two of a softmax: the same ROC curve. */
static void two_classes_have_an_area(void **state) {
    (void)state;
    fv_error error = {0};
    static float x[7] = {2, 0.5f, 0.5f, -1, 1, 0.5f, -2};
    static int32_t yes[7] = {1, 1, 1, 1, 0, 0, 0};
    fv_data *data =
        fv_data_from_arrays((fv_tensor){FV_F32, {2, {7, 1}}, x}, (fv_tensor){FV_I32, {1, {7}}, yes}, &error);
    fv_model *one = model_of("input 1\ndense 1 bias=no\nloss binary_crossentropy\n"),
             *two = model_of("input 1\ndense 2 bias=no\n");
    *(float *)fv_model_weight(one, 0).data = 1;
    ((float *)fv_model_weight(two, 0).data)[0] = -1, ((float *)fv_model_weight(two, 0).data)[1] = 2;
    fv_model *models[2] = {one, two};
    for (int m = 0; m < 2; m++) {
        fv_scores *scores = fv_score(&models[m], 1, data, &error, .batch_size = 3, .metrics = "accuracy auc");
        if (!scores) fail_msg("%s", error.message);
        assert_int_equal(fv_scores_class_count(scores), 2);
        check_near("area", fv_scores_auc(scores), 7.0 / 12, 1e-15);
        check_near("as a metric", fv_history_get(fv_scores_metrics(scores), "auc", 0), 7.0 / 12, 1e-15);
        check_near("accuracy", fv_scores_accuracy(scores), 4.0 / 7, 1e-15);
        check_near("recall of yes", fv_scores_class(scores, 1).recall, 3.0 / 4, 1e-15);
        check_near("precision of yes", fv_scores_class(scores, 1).precision, 3.0 / 5, 1e-15);
        fv_scores_free(scores);
    }
    fv_model_free(one), fv_model_free(two), fv_data_free(data);
}

static void numbers_are_no_classes(void **state) {
    (void)state;
    fv_error error = {0};
    static float x[2] = {1, 2}, y[2] = {2, 5};
    fv_data *data =
        fv_data_from_arrays((fv_tensor){FV_F32, {2, {2, 1}}, x}, (fv_tensor){FV_F32, {2, {2, 1}}, y}, &error);
    fv_model *first = model_of("input 1\ndense 1 bias=no\n"), *second = model_of("input 1\ndense 1 bias=no\n");
    *(float *)fv_model_weight(first, 0).data = 1, *(float *)fv_model_weight(second, 0).data = 3;
    fv_model *models[2] = {first, second};
    fv_scores *scores = fv_score(models, 2, data, &error, .metrics = "mae");
    if (!scores) fail_msg("%s", error.message);
    assert_int_equal(fv_scores_class_count(scores), 0);
    check_near("error of the means 2 and 4", fv_history_get(fv_scores_metrics(scores), "mae", 0), 0.5, 1e-6);
    assert_true(isnan(fv_scores_accuracy(scores)) && isnan(fv_scores_auc(scores)));
    assert_int_equal(fv_scores_confusion(scores, 0, 0), -1);
    fv_scores_free(scores);
    assert_null(fv_score(&first, 1, data, &error, .metrics = "f1"));
    assert_string_equal(error.message, "metric 'f1': the net does not choose between classes");
    fv_model_free(first), fv_model_free(second), fv_data_free(data);
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    fv_error error = {0};
    fv_data *data = questions();
    fv_model *models[2] = {table_of(first_table, 1), model_of("input 3\ndense 4\n")};
    fv_scores *members[2];
    assert_null(fv_score(models, 2, data, &error, .members = members));
    assert_string_equal(error.message, "committee: member 1 answers with 3x3, member 2 with 3x4");
    assert_null(members[0]);
    fv_model_free(models[1]);
    models[1] = table_of(first_table, 1);
    assert_int_equal(fv_model_set_classes(models[0], (const char *const[]){"cat", "dog", "cow"}, 3, &error), FV_OK);
    assert_int_equal(fv_model_set_classes(models[1], (const char *const[]){"cat", "cow", "dog"}, 3, &error), FV_OK);
    assert_null(fv_score(models, 2, data, &error, .threads = 1));
    assert_string_equal(error.message, "committee: class 1 is 'dog' for member 1, but 'cow' for member 2");
    assert_null(fv_score(models, 1, data, &error, .metrics = "auc"));
    assert_string_equal(error.message, "metric 'auc': expected 2 classes, the net has 3");
    assert_null(fv_score(models, 0, data, &error, .threads = 1));
    assert_string_equal(error.message, "scores: no model was given");
    fv_model_free(models[0]), fv_model_free(models[1]), fv_data_free(data);
}

/* What validation says of a class metric is what the scores say of the same samples. */
static void training_reports_class_metrics(void **state) {
    (void)state;
    fv_error error = {0};
    fv_data *data = fv_data_open("digits", &error, .limit = 90),
            *other = fv_data_open("digits:test", &error, .limit = 70);
    fv_net *net = fv_net_load("logistic", NULL, 0, &error);
    fv_model *model = fv_model_new(net, 3, &error);
    fv_history *history = fv_fit(model, data, &error, .epochs = 2, .batch_size = 16, .validation_data = other,
                                 .metrics = "f1 weighted_recall accuracy");
    if (!history) fail_msg("%s", error.message);
    fv_scores *scores = fv_score(&model, 1, other, &error, .batch_size = 50);
    check_near("F1", fv_history_get(history, "val_f1", 1), fv_scores_mean(scores, false).f1, 0);
    check_near("weighted recall", fv_history_get(history, "weighted_recall", 1), fv_history_get(history, "accuracy", 1),
               1e-12);
    fv_scores_free(scores), fv_history_free(history), fv_model_free(model), fv_net_free(net);
    fv_data_free(data), fv_data_free(other);
}

static int stop_at(void *user, const fv_event *event) {
    return event->kind == FV_EVENT_STEP && event->epoch == 2 && event->step == *(const int *)user;
}

/* Stopped in the middle of an epoch, what was counted in it is not lost. */
static void class_metrics_go_on_with_a_run(void **state) {
    (void)state;
    static float x[40];
    static int32_t yes[40];
    for (int i = 0; i < 40; i++) x[i] = (float)((i * 7) % 11) - 5, yes[i] = (i * 5) % 7 > 3;
    fv_data *data =
        fv_data_from_arrays((fv_tensor){FV_F32, {2, {40, 1}}, x}, (fv_tensor){FV_I32, {1, {40}}, yes}, &problem);
    fv_history *whole = NULL;
    for (int stop = 0; stop < 2; stop++) {
        fv_model *model = model_of("input 1\ndense 2\n");
        int at = 3;
        fv_history *history =
            fv_fit(model, data, &problem, .epochs = 2, .batch_size = 8, .metrics = "f1 auc", .folder = temp_folder,
                   .validation_split = FV_ZERO, .on_event = stop ? stop_at : NULL, .user = &at);
        if (!history) fail_msg("%s", problem.message);
        if (!stop) {
            whole = history;
            fv_model_free(model);
            continue;
        }
        fv_history_free(history), fv_model_free(model);
        model = model_of("input 1\ndense 2\n");
        history = fv_fit(model, data, &problem, .folder = temp_folder, .resume = true);
        if (!history) fail_msg("%s", problem.message);
        check_near("F1", fv_history_get(history, "f1", 1), fv_history_get(whole, "f1", 1), 0);
        check_near("area", fv_history_get(history, "auc", 1), fv_history_get(whole, "auc", 1), 0);
        fv_history_free(history), fv_model_free(model);
    }
    fv_history_free(whole), fv_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(classes_have_precision_recall_and_f1),
                                       cmocka_unit_test(nothing_through_nothing_is_nothing),
                                       cmocka_unit_test(the_area_counts_pairs_in_order),
                                       cmocka_unit_test(counts_go_into_a_checkpoint_and_back),
                                       cmocka_unit_test(a_committee_takes_the_mean_of_its_members),
                                       cmocka_unit_test(the_surest_mistakes_come_first),
                                       cmocka_unit_test(two_classes_have_an_area),
                                       cmocka_unit_test(numbers_are_no_classes),
                                       cmocka_unit_test(what_does_not_fit_is_refused),
                                       cmocka_unit_test(training_reports_class_metrics),
                                       cmocka_unit_test_teardown(class_metrics_go_on_with_a_run, clean_temp)};
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
