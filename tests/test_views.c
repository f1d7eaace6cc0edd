/* Test-time augmentation: what a model answers is the mean over mirrored and shifted views, in prediction, evaluation, scores and
 * validation alike. */
#include "check.h"
#include "files.h"

#include "train.h"

static const float picture[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static fv_model *model_of(const char *text) {
    fv_net *net = fv_net_parse(text, "views.net", NULL, 0, &problem);
    fv_model *model = net ? fv_model_new(net, 5, &problem) : NULL;
    if (!model) fail_msg("%s", problem.message);
    fv_net_free(net);
    return model;
}

static fv_data *data_of(const float *pictures, int count, int32_t *classes) {
    fv_tensor target = {FV_I32, {1, {count}}, classes};
    fv_data *data = fv_data_from_arrays((fv_tensor){FV_F32, {4, {count, 3, 3, 1}}, (void *)(uintptr_t)pictures},
                                        classes ? target : (fv_tensor){0}, &problem);
    if (!data) fail_msg("%s", problem.message);
    return data;
}

/* What the net answers to a picture as it is. */
static void answer(fv_model *model, const float *x, double *out, int count) {
    fv_run *run = fv_run_new(model, &problem, .batch = 1);
    if (!run) fail_msg("%s", problem.message);
    memcpy(fv_run_input(run, NULL).data, x, sizeof picture);
    check_ok(fv_run_go(run, 1, &problem));
    for (int i = 0; i < count; i++) out[i] = ((const float *)fv_run_output(run, NULL).data)[i];
    fv_run_free(run);
}

/* (x, y) of the view is (x + step, y + step) of the picture, or of its mirror image; outside the nearest pixel. */
static void make_view(int step, bool mirrored, float *out) {
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++) {
            int u = x + step, v = y + step;
            u = u < 0 ? 0 : u > 2 ? 2 : u, v = v < 0 ? 0 : v > 2 ? 2 : v;
            out[y * 3 + x] = picture[v * 3 + (mirrored ? 2 - u : u)];
        }
}

/* Jordan 2024: the untranslated views count half, those moved up left and down right the other half, each with its mirror image. */
static void expected_answer(fv_model *model, double *mean, int count) {
    memset(mean, 0, (size_t)count * sizeof *mean);
    for (int k = 0; k < 6; k++) {
        float view[9];
        double one[16];
        int step = k / 2 == 0 ? 0 : k / 2 == 1 ? 1 : -1;
        make_view(step, k % 2, view);
        answer(model, view, one, count);
        for (int i = 0; i < count; i++) mean[i] += (step ? 0.125 : 0.25) * one[i];
    }
}

static void numbers_are_the_mean_of_six_views(void **state) {
    (void)state;
    fv_model *model = model_of("input 3x3x1\nflatten\ndense 4 activation=tanh\nloss mse\n");
    fv_data *data = data_of(picture, 1, NULL);
    fv_tensor out;
    double expected[4];
    expected_answer(model, expected, 4);
    const fv_predict_options wish = {.size = sizeof wish, .tta = "hflip shift(1)"};
    check_ok(fv_predict_with(model, data, 0, 1, &out, &problem, &wish));
    for (int i = 0; i < 4; i++) check_near("mean", ((float *)out.data)[i], expected[i], 1e-5);
    fv_free(out.data);
    check_ok(fv_predict(model, data, 0, 1, &out, &problem));
    answer(model, picture, expected, 4);
    for (int i = 0; i < 4; i++) check_near("as it is", ((float *)out.data)[i], expected[i], 1e-6);
    fv_free(out.data);
    fv_data_free(data);
    fv_model_free(model);
}

static void softmax_of(double *x, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) sum += x[i] = exp(x[i]);
    for (int i = 0; i < count; i++) x[i] /= sum;
}

/* Logits are averaged, whether the net ends in them or in softmax. */
static void probabilities_are_those_of_the_mean_logits(void **state) {
    (void)state;
    const char *texts[] = {"train tta=\"hflip shift(1)\"\ninput 3x3x1\nflatten\ndense 3\nloss crossentropy\n",
                           "train tta=\"hflip shift(1)\"\ninput 3x3x1\nflatten\ndense 3\nsoftmax\nloss crossentropy\n"};
    fv_model *logits = model_of(texts[0]);
    double expected[3];
    expected_answer(logits, expected, 3);
    softmax_of(expected, 3);
    for (int k = 0; k < 2; k++) {
        fv_model *model = model_of(texts[k]);
        fv_data *data = data_of(picture, 1, NULL);
        fv_tensor out;
        check_ok(fv_predict(model, data, 0, 1, &out, &problem)); /* as the net's line says */
        for (int i = 0; i < 3; i++) check_near("probability", ((float *)out.data)[i], expected[i], 1e-5);
        fv_free(out.data);
        const fv_predict_options none = {.size = sizeof none, .tta = "none"};
        double one[3];
        answer(logits, picture, one, 3);
        softmax_of(one, 3);
        check_ok(fv_predict_with(model, data, 0, 1, &out, &problem, &none));
        for (int i = 0; i < 3; i++) check_near("none", ((float *)out.data)[i], one[i], 1e-5);
        fv_free(out.data);
        fv_data_free(data);
        fv_model_free(model);
    }
    fv_model_free(logits);
}

/* Evaluation, scores and validation see the same: accuracy of what prediction answers. */
static void evaluation_and_validation_look_alike(void **state) {
    (void)state;
    enum { COUNT = 40 };
    float pictures[COUNT][9];
    int32_t classes[COUNT];
    for (int i = 0; i < COUNT; i++) {
        classes[i] = i * 7 % 3;
        for (int p = 0; p < 9; p++) pictures[i][p] = (float)((i * 31 + p * p * 17) % 23) / 11 - 1;
    }
    fv_model *model = model_of("input 3x3x1\nflatten\ndense 3\nloss crossentropy\n");
    fv_data *data = data_of(pictures[0], COUNT, classes);
    fv_tensor out;
    const fv_predict_options wish = {.size = sizeof wish, .tta = "hflip vflip shift(1)"};
    check_ok(fv_predict_with(model, data, 0, COUNT, &out, &problem, &wish));
    int right = 0;
    for (int i = 0; i < COUNT; i++) {
        const float *x = (const float *)out.data + 3 * i;
        int best = x[1] > x[0] ? 1 : 0;
        right += (x[2] > x[best] ? 2 : best) == classes[i];
    }
    fv_free(out.data);
    fv_history *one = fv_evaluate(model, data, &problem, .tta = wish.tta, .batch_size = 16);
    fv_scores *scores = fv_score(&model, 1, data, &problem, .tta = wish.tta);
    fv_history *fit = fv_fit(model, data, &problem, .epochs = 1, .batch_size = 8, .tta = wish.tta,
                             .validation_data = data, .learning_rate = FV_ZERO);
    if (!one || !scores || !fit) fail_msg("%s", problem.message);
    check_near("evaluate", fv_history_get(one, "accuracy", 0), (double)right / COUNT, 1e-9);
    check_near("score", fv_scores_accuracy(scores), (double)right / COUNT, 1e-9);
    check_near("validation", fv_history_get(fit, "val_accuracy", 0), (double)right / COUNT, 1e-9);
    assert_string_equal(fv_model_note(model, "train.tta"), wish.tta); /* and so from now on */
    fv_history_free(one), fv_history_free(fit);
    fv_scores_free(scores);
    fv_data_free(data);
    fv_model_free(model);
}

static void only_what_has_views(void **state) {
    (void)state;
    fv_model *model = model_of("input 3x3x1\nflatten\ndense 3\nloss crossentropy\n");
    fv_data *data = data_of(picture, 1, NULL);
    fv_tensor out;
    fv_predict_options wish = {.size = sizeof wish, .tta = "rotate(5)"};
    check_fails(fv_predict_with(model, data, 0, 1, &out, &problem, &wish), FV_E_ARGUMENT, "rotate has no fixed views");
    wish.tta = "hflip shift(1) vflip shift(2)";
    check_fails(fv_predict_with(model, data, 0, 1, &out, &problem, &wish), FV_E_ARGUMENT, "more than 16 views");
    fv_data_free(data);
    fv_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_mean_of_six_views),
        cmocka_unit_test(probabilities_are_those_of_the_mean_logits),
        cmocka_unit_test(evaluation_and_validation_look_alike),
        cmocka_unit_test(only_what_has_views),
    };
    return cmocka_run_group_tests_name("views", tests, NULL, NULL);
}
