/* Metrics: each on a few answers worked out by hand. */
#include "check.h"

#include "train.h"

static double one(const char *text, const fv_metric_view *view, int64_t sample) {
    fv_spec spec;
    double arguments[FV_SPEC_ARGUMENTS];
    fv_error error;
    if (fv_spec_parse(text, "metric", &spec, &error)) fail_msg("%s", error.message);
    int at = fv_spec_find(&spec, "metric", fv_metrics, sizeof fv_metrics[0], fv_metric_count(), &error);
    if (at < 0 || fv_spec_numbers(&spec, "metric", fv_metrics[at].arguments, arguments, &error))
        fail_msg("%s", error.message);
    return fv_metrics[at].sample(arguments, view, sample);
}

static void the_largest_score_wins(void **state) {
    (void)state;
    const float scores[] = {1, 5, 3, 2, /**/ 5, 5, 1, 0, /**/ 5, 5, 1, 0, /**/ NAN, 1, 2, 3};
    const int32_t classes[] = {1, 0, 1, 0};
    fv_metric_view view = {
        .answer = FV_ANSWER_LOGITS, .scores = scores, .output = scores, .classes = classes, .rows = 1, .columns = 4};
    check_near("the largest", one("accuracy", &view, 0), 1, 0);
    check_near("of equal ones the first", one("accuracy", &view, 1), 1, 0);
    check_near("of equal ones not the second", one("accuracy", &view, 2), 0, 0);
    check_near("no number is never right", one("accuracy", &view, 3), 0, 0);
    check_near("among two", one("top2", &view, 2), 1, 0);
    check_near("no number is not among five", one("top5", &view, 3), 0, 0);
}

static void top_k_counts_ranks(void **state) {
    (void)state;
    const float scores[] = {4, 3, 2, 1};
    for (int32_t right = 0; right < 4; right++) {
        fv_metric_view view = {.scores = scores, .output = scores, .classes = &right, .rows = 1, .columns = 4};
        check_near("top1", one("top1", &view, 0), right < 1, 0);
        check_near("top(2)", one("top(2)", &view, 0), right < 2, 0);
        check_near("top3", one("top3", &view, 0), right < 3, 0);
        check_near("top(k=4)", one("top(k=4)", &view, 0), 1, 0);
    }
}

static void the_smallest_distance_wins(void **state) {
    (void)state;
    const float distances[] = {4, 0.5f, 2};
    int32_t right = 1;
    fv_metric_view view = {.answer = FV_ANSWER_DISTANCES,
                           .scores = distances,
                           .output = distances,
                           .classes = &right,
                           .rows = 1,
                           .columns = 3};
    check_near("the nearest", one("accuracy", &view, 0), 1, 0);
    right = 2;
    check_near("the second", one("accuracy", &view, 0), 0, 0);
    check_near("among two", one("top2", &view, 0), 1, 0);
    right = 0;
    check_near("the furthest", one("top2", &view, 0), 0, 0);
}

static void rows_and_distributions_count(void **state) {
    (void)state;
    const float scores[] = {1, 2, /**/ 3, 1}; /* two pixels of one picture */
    const int32_t classes[] = {1, 1};
    fv_metric_view view = {.scores = scores, .output = scores, .classes = classes, .rows = 2, .columns = 2};
    check_near("half of the pixels", one("accuracy", &view, 0), 0.5, 0);
    const float distributions[] = {0.1f, 0.9f, /**/ 0.6f, 0.4f};
    fv_metric_view soft = {.scores = scores, .output = scores, .numbers = distributions, .rows = 2, .columns = 2};
    check_near("the largest entry is the class", one("accuracy", &soft, 0), 1, 0);
}

static void yes_and_no(void **state) {
    (void)state;
    const float logits[] = {-1, 2, 3, -4}, answers[] = {0, 1, 0, 1};
    fv_metric_view view = {.answer = FV_ANSWER_BINARY,
                           .middle = 0,
                           .scores = logits,
                           .output = logits,
                           .numbers = answers,
                           .rows = 1,
                           .columns = 4};
    check_near("each number for itself", one("accuracy", &view, 0), 0.5, 0);
    const float parts[] = {0.4f, 0.6f};
    const int32_t classes[] = {0, 0};
    fv_metric_view single = {
        .middle = 0.5, .scores = parts, .output = parts, .classes = classes, .rows = 1, .columns = 1};
    check_near("below the middle is no", one("accuracy", &single, 0), 1, 0);
    check_near("above the middle is yes", one("accuracy", &single, 1), 0, 0);
}

static void errors_are_means(void **state) {
    (void)state;
    const float output[] = {1, 2, 3, 4}, numbers[] = {1, 0, 4, 4};
    fv_metric_view view = {.scores = output, .output = output, .numbers = numbers, .rows = 1, .columns = 2};
    check_near("mae", one("mae", &view, 0), 1, 0);
    check_near("mse", one("mse", &view, 0), 2, 0);
    check_near("mae of the second", one("mae", &view, 1), 0.5, 0);
    const int32_t right = 1;
    fv_metric_view classes = {.scores = output, .output = output, .classes = &right, .rows = 1, .columns = 2};
    check_near("against one-hot", one("mse", &classes, 0), 1, 0);
}

static void mistakes_are_named(void **state) {
    (void)state;
    fv_error error;
    assert_int_equal(fv_metrics_check("accuracy, top3 top(k=2)", &error), FV_OK);
    assert_int_equal(fv_metrics_check("none", &error), FV_OK);
    assert_int_equal(fv_metrics_check("acuracy", &error), FV_E_ARGUMENT);
    assert_string_equal(error.message, "unknown metric 'acuracy'; did you mean 'accuracy'?");
    assert_int_equal(fv_metrics_check("top1 top2 top3 top4 top5 top6 top7 top8 top9", &error), FV_E_ARGUMENT);
    assert_string_equal(error.message, "metrics: at most 8");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_largest_score_wins),
                                       cmocka_unit_test(top_k_counts_ranks),
                                       cmocka_unit_test(the_smallest_distance_wins),
                                       cmocka_unit_test(rows_and_distributions_count),
                                       cmocka_unit_test(yes_and_no),
                                       cmocka_unit_test(errors_are_means),
                                       cmocka_unit_test(mistakes_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
