/* What the net sees, and whether it looks like what it was trained on. */
#include "check.h"
#include "files.h"

#include "train.h"

enum { SIDE = 6, SAMPLES = 40 };

/* Bright spots of many kinds on black, or colours; two classes. */
static int give_picture(void *user, int64_t index, void *const *out) {
    int channels = *(const int *)user;
    unsigned char *x = out[0];
    for (int i = 0; i < SIDE * SIDE * channels; i++)
        x[i] = (unsigned char)((i * 7 + index * 31) % 11 == 0 ? 200 - index : (i % channels) * 10);
    *(int32_t *)out[1] = (int32_t)(index % 2);
    return 0;
}

static fv_data *training(const int *channels) {
    const fv_data_field fields[] = {{"picture", FV_U8, {3, {SIDE, SIDE, *channels}}, false},
                                    {"class", FV_I32, {0}, true}};
    fv_data *data = fv_data_from_callback(SAMPLES, fields, 2, give_picture, (void *)(uintptr_t)channels, &problem);
    if (!data) fail_msg("%s", problem.message);
    return data;
}

static fv_model *trained(const int *channels) {
    char text[160];
    snprintf(text, sizeof text, "input %dx%dx%d\npreprocess scale=1/255 mean=0.25 deviation=0.5\nflatten\ndense 2\n",
             SIDE, SIDE, *channels);
    fv_net *net = fv_net_parse(text, "test.net", NULL, 0, &problem);
    fv_model *model = net ? fv_model_new(net, 1, &problem) : NULL;
    if (!model) fail_msg("%s", problem.message);
    fv_data *data = training(channels);
    fv_history *history = fv_fit(model, data, &problem, .epochs = 1);
    if (!history) fail_msg("%s", problem.message);
    fv_history_free(history), fv_data_free(data), fv_net_free(net);
    return model;
}

/* One picture of bytes. */
static fv_data *one_picture(unsigned char *x, int channels) {
    return fv_data_from_arrays((fv_tensor){FV_U8, {4, {1, SIDE, SIDE, channels}}, x}, (fv_tensor){0}, &problem);
}

static void check_doubt(fv_model *model, unsigned char *x, int channels, bool invert, const char *expected) {
    char *doubt;
    fv_tensor out;
    fv_data *data = one_picture(x, channels);
    check_ok(
        fv_predict_with(model, data, 0, 1, &out, &problem,
                        &(fv_predict_options){.size = sizeof(fv_predict_options), .invert = invert, .doubt = &doubt}));
    if (!doubt != !expected || (doubt && !strstr(doubt, expected)))
        fail_msg("expected %s, got %s", expected ? expected : "no doubt", doubt ? doubt : "no doubt");
    fv_free(doubt), fv_free(out.data), fv_data_free(data);
}

static void pictures_unlike_the_training_are_told(void **state) {
    (void)state;
    const int grey = 1, colour = 3;
    fv_model *model = trained(&grey);
    unsigned char x[SIDE * SIDE * 3];
    int32_t class_number;
    void *out[] = {x, &class_number};
    give_picture((void *)(uintptr_t)&grey, 5, out);
    check_doubt(model, x, 1, false, NULL);
    for (int i = 0; i < SIDE * SIDE; i++) x[i] = (unsigned char)(255 - x[i]);
    check_doubt(model, x, 1, false, "looks inverted");
    check_doubt(model, x, 1, true, NULL);
    for (int i = 0; i < SIDE * SIDE; i++) x[i] = (unsigned char)(90 + i);
    check_doubt(model, x, 1, false, "unlike the training's pictures");
    memset(x, 20, sizeof x);
    check_doubt(model, x, 1, false, "is blank");
    fv_model_free(model);
    model = trained(&colour);
    give_picture((void *)(uintptr_t)&colour, 5, out);
    check_doubt(model, x, 3, false, NULL);
    for (int i = 0; i < SIDE * SIDE; i++) x[3 * i] = x[3 * i + 1] = x[3 * i + 2];
    check_doubt(model, x, 3, false, "has no colour");
    fv_model_free(model);
}

/* Without notes of a training nothing is said. */
static void an_untrained_model_has_no_doubts(void **state) {
    (void)state;
    fv_net *net = fv_net_parse("input 6x6x1\nflatten\ndense 2\n", "test.net", NULL, 0, &problem);
    fv_model *model = fv_model_new(net, 1, &problem);
    unsigned char x[SIDE * SIDE] = {0};
    check_doubt(model, x, 1, false, NULL);
    fv_model_free(model), fv_net_free(net);
}

static void the_notes_tell_light(void **state) {
    (void)state;
    const int channels = 3;
    fv_model *model = trained(&channels);
    fv_data *data = training(&channels);
    double sum[3] = {0};
    for (int64_t k = 0; k < SAMPLES; k++) {
        unsigned char x[SIDE * SIDE * 3];
        int32_t class_number;
        void *out[] = {x, &class_number};
        check_ok(fv_data_read(data, k, out, &problem));
        for (int i = 0; i < SIDE * SIDE * 3; i++) sum[i % 3] += x[i] / 255.0 / (SIDE * SIDE * SAMPLES);
    }
    char expected[96];
    snprintf(expected, sizeof expected, "%.4g,%.4g,%.4g", sum[0], sum[1], sum[2]);
    assert_string_equal(fv_model_note(model, "train.input.mean"), expected);
    assert_string_equal(fv_model_note(model, "train.input.grey"), "0");
    fv_data_free(data), fv_model_free(model);
}

/* Preprocessing and back: the bytes that went in. */
static void what_the_net_sees_can_be_shown(void **state) {
    (void)state;
    const int channels = 3;
    fv_model *model = trained(&channels);
    unsigned char x[SIDE * SIDE * 3];
    char path[256];
    fv_tensor out, shown;
    for (int i = 0; i < SIDE * SIDE * 3; i++) x[i] = (unsigned char)(i * 2 + 1);
    snprintf(path, sizeof path, "%s/shown.png", temp_folder);
    for (int invert = 0; invert < 2; invert++) {
        fv_data *data = one_picture(x, 3);
        check_ok(fv_predict_with(
            model, data, 0, 1, &out, &problem,
            &(fv_predict_options){.size = sizeof(fv_predict_options), .invert = invert, .show_input = path}));
        check_ok(fv_picture_read(path, &shown, &problem));
        for (int i = 0; i < SIDE * SIDE * 3; i++)
            assert_int_equal(((unsigned char *)shown.data)[i], invert ? 255 - x[i] : x[i]);
        fv_free(shown.data), fv_free(out.data), fv_data_free(data);
    }
    fv_model_free(model);
}

/* A row for each sample: the picture, then what the list makes of it. */
static void a_sheet_shows_samples_and_what_becomes_of_them(void **state) {
    (void)state;
    const int channels = 3;
    fv_data *data = training(&channels);
    fv_tensor sheet;
    char path[256];
    snprintf(path, sizeof path, "%s/sheet.png", temp_folder);
    check_ok(fv_data_sheet(data, path, &problem, .most = 12, .columns = 3, .augment = "grey(1) mixup"));
    check_ok(fv_picture_read(path, &sheet, &problem));
    const unsigned char *x = sheet.data;
    int64_t height = sheet.shape.dim[0], width = sheet.shape.dim[1], coloured = 0, grey = 0, half = width / 3;
    assert_true(height > width); /* 4 rows of 3 */
    for (int64_t i = 0; i < height * width; i++) {
        int64_t at = i % width;
        bool colour = x[3 * i + 2] > x[3 * i] + 8;
        if (at < half - 8) coloured += colour;
        if (at > half + 8) grey += colour;
    }
    assert_true(coloured > 0);
    assert_int_equal(grey, 0);
    fv_free(sheet.data);
    check_fails(fv_data_sheet(data, path, &problem, .augment = "gray"), FV_E_ARGUMENT, "did you mean 'grey'");
    fv_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_unlike_the_training_are_told),
        cmocka_unit_test(an_untrained_model_has_no_doubts),
        cmocka_unit_test(the_notes_tell_light),
        cmocka_unit_test_teardown(a_sheet_shows_samples_and_what_becomes_of_them, clean_temp),
        cmocka_unit_test_teardown(what_the_net_sees_can_be_shown, clean_temp),
    };
    return cmocka_run_group_tests_name("inputs", tests, make_temp, remove_temp);
}
