/* Models: weights, notes, classes, preprocessing; and files: round trips to the bit, and files that lie. */
#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "model.h"
#include "store.h"

static char folder[] = "fovea_model_XXXXXX";
static char file[64];

static const char *const text = "# a small net\n"
                                "input 6x6x2\n"
                                "conv 3 3x3 kernel_initializer=he_normal\n"
                                "batchnorm\n"
                                "relu\n"
                                "flatten\n"
                                "dense 4 activation=softmax\n"
                                "loss crossentropy smoothing=0.1\n"
                                "preprocess scale=1/255 mean=0.5,0.25 deviation=0.5\n";

static fv_model *model_of(const char *net_text, uint64_t seed) {
    fv_error error = {0};
    fv_net *net = fv_net_parse(net_text, "test.net", NULL, 0, &error);
    fv_model *model = net ? fv_model_new(net, seed, &error) : NULL;
    char line[1024];
    if (!model) fail_msg("%s", fv_error_text(&error, line, sizeof line));
    fv_net_free(net);
    return model;
}

static void save(const fv_model *model) {
    fv_error error = {0};
    if (fv_model_save(model, file, &error)) fail_msg("%s", error.message);
}

static fv_model *load(const char *path) {
    fv_error error = {0};
    char line[1024];
    fv_model *model = fv_model_load(path, &error);
    if (!model) fail_msg("%s", fv_error_text(&error, line, sizeof line));
    return model;
}

static void weights_are_drawn_by_seed_and_name(void **state) {
    (void)state;
    fv_model *a = model_of(text, 1), *b = model_of(text, 1), *c = model_of(text, 2);
    assert_true(fv_model_hash(a) == fv_model_hash(b));
    assert_true(fv_model_hash(a) != fv_model_hash(c));
    /* The dense layer of a net that has other layers before it starts the same. */
    fv_model *d = model_of("input 48\nrelu\nflatten\nrelu\ndense 4\n", 1);
    fv_tensor x = fv_model_weight(a, fv_model_find_weight(a, "dense1.weight")), y = fv_model_weight(d, 0);
    assert_string_equal(fv_model_weight_name(d, 0), "dense1.weight");
    assert_memory_equal(x.data, y.data, sizeof(float) * 4);
    fv_model_free(a), fv_model_free(b), fv_model_free(c), fv_model_free(d);
}

static void weights_are_listed_and_found(void **state) {
    (void)state;
    fv_model *model = model_of(text, 1);
    static const char *const names[] = {"conv1.weight", "conv1.bias", "batchnorm1.scale", "batchnorm1.bias"};
    for (int i = 0; i < 4; i++) assert_int_equal(fv_model_find_weight(model, names[i]), i);
    assert_int_equal(fv_model_weight_count(model), 8);
    assert_int_equal(fv_model_find_weight(model, "conv2.weight"), -1);
    assert_null(fv_model_weight_name(model, 8));
    assert_null(fv_model_weight(model, -1).data);
    uint64_t before = fv_model_hash(model);
    *(float *)fv_model_weight(model, 1).data = 5;
    fv_model_touch(model);
    assert_true(fv_model_hash(model) != before);
    fv_model_free(model);
}

static void preprocessing_comes_from_the_net(void **state) {
    (void)state;
    fv_model *model = model_of(text, 1);
    fv_preprocess p = fv_model_preprocess(model);
    check_near("scale", p.scale, 1.0 / 255, 1e-12);
    assert_int_equal(p.channels, 2);
    check_near("mean 0", p.mean[0], 0.5, 0);
    check_near("mean 1", p.mean[1], 0.25, 0);
    check_near("deviation 1", p.deviation[1], 0.5, 0);
    fv_model_free(model);
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"preprocess size=3", "preprocess: unknown 'size'; there are scale, mean, deviation, fit, crop and order"},
        {"preprocess mean=1,2 deviation=1,2,3", "preprocess: 2 means but 3 deviations"},
        {"preprocess fit=shrink", "preprocess fit: expected stretch, crop or letterbox, got 'shrink'"},
        {"preprocess crop=2", "preprocess crop: expected more than 0, at most 1, got '2'"},
        {"preprocess order=gbr", "preprocess order: expected rgb or bgr, got 'gbr'"},
        {"preprocess deviation=0", "preprocess deviation: expected more than 0, got 0"},
        {"preprocess mean=dark", "preprocess mean: expected up to 16 numbers separated by commas, got 'dark'"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char bad[200];
        fv_error error = {0};
        snprintf(bad, sizeof bad, "input 4\ndense 2\n%s\n", cases[i].line);
        fv_net *net = fv_net_parse(bad, "test.net", NULL, 0, &error);
        fv_model *none = net ? fv_model_new(net, 0, &error) : NULL;
        assert_null(none);
        if (strcmp(error.message, cases[i].message))
            fail_msg("%s: expected \"%s\", got \"%s\"", cases[i].line, cases[i].message, error.message);
        fv_net_free(net);
    }
}

static void notes_and_classes_can_be_set(void **state) {
    (void)state;
    fv_model *model = model_of(text, 1);
    assert_null(fv_model_note(model, "a"));
    assert_int_equal(fv_model_set_note(model, "a", "1", NULL), FV_OK);
    assert_int_equal(fv_model_set_note(model, "b", "2", NULL), FV_OK);
    assert_int_equal(fv_model_set_note(model, "a", "3", NULL), FV_OK);
    assert_string_equal(fv_model_note(model, "a"), "3");
    assert_int_equal(fv_model_set_note(model, "a", NULL, NULL), FV_OK);
    assert_null(fv_model_note(model, "a"));
    assert_string_equal(fv_model_note(model, "b"), "2");
    assert_int_equal(fv_model_class_count(model), 0);
    assert_int_equal(fv_model_set_classes(model, (const char *const[]){"cat", "dog"}, 2, NULL), FV_OK);
    assert_int_equal(fv_model_set_classes(model, (const char *const[]){"x", "y", "z"}, 3, NULL), FV_OK);
    assert_string_equal(fv_model_class_name(model, 2), "z");
    assert_null(fv_model_class_name(model, 3));
    fv_model_free(model);
}

static void one_pass(fv_model *model, float out[4]) {
    fv_error error = {0};
    fv_run *run = fv_run_new(model, &error, .batch = 1);
    if (!run) fail_msg("%s", error.message);
    float *x = fv_run_input(run, NULL).data;
    for (int i = 0; i < 72; i++) x[i] = (float)(i % 7) / 7;
    if (fv_run_go(run, 1, &error)) fail_msg("%s", error.message);
    memcpy(out, fv_run_output(run, NULL).data, 4 * sizeof(float));
    fv_run_free(run);
}

static void a_saved_model_comes_back_whole(void **state) {
    (void)state;
    fv_model *model = model_of(text, 3);
    const char *const names[] = {"cat", "dog \"rex\"", "\xc3\xa4rger", ""};
    fv_model_set_classes(model, names, 4, NULL);
    fv_model_set_note(model, "how", "by hand\nand slowly", NULL);
    save(model);
    fv_model *back = load(file);
    assert_true(fv_model_hash(model) == fv_model_hash(back));
    char *was = fv_net_text(fv_model_net(model)), *is = fv_net_text(fv_model_net(back));
    assert_string_equal(was, is);
    fv_free(was), fv_free(is);
    assert_int_equal(fv_model_net(back)->loss_count, 1);
    for (int i = 0; i < 4; i++) assert_string_equal(fv_model_class_name(back, i), names[i]);
    assert_string_equal(fv_model_note(back, "how"), "by hand\nand slowly");
    fv_preprocess p = fv_model_preprocess(back), q = fv_model_preprocess(model);
    assert_memory_equal(&p, &q, sizeof p);
    float a[4], b[4];
    one_pass(model, a), one_pass(back, b);
    assert_memory_equal(a, b, sizeof a);
    fv_model_free(model), fv_model_free(back);
}

/* How pictures are fitted is a line of the net, goes into what opens a set, and comes back from the file. */
static void the_rule_for_pictures_travels_with_the_model(void **state) {
    (void)state;
    fv_model *model = model_of("input 24x32x3\nflatten\ndense 2\npreprocess fit=crop crop=0.875 order=bgr\n", 1);
    fv_error error = {0};
    save(model);
    fv_model *back = load(file);
    fv_preprocess p = fv_model_preprocess(back);
    assert_int_equal(p.fit, FV_FIT_CROP);
    check_near("crop", p.crop, 0.875, 0);
    assert_true(p.bgr);
    fv_data_options options = {.size = sizeof options}, of_net = options;
    fv_data_options_for_model(&options, back);
    assert_int_equal(fv_data_options_for(&of_net, fv_model_net(model), &error), FV_OK);
    assert_memory_equal(&options, &of_net, sizeof options);
    assert_int_equal(options.height, 24);
    assert_int_equal(options.width, 32);
    assert_int_equal(options.channels, 3);
    assert_int_equal(options.fit, FV_FIT_CROP);
    fv_model_free(back);
    fv_model_free(model);
}

static void a_folder_means_its_best(void **state) {
    (void)state;
    char best[80];
    snprintf(best, sizeof best, "%s/best.safetensors", folder);
    fv_model *model = model_of(text, 3);
    assert_int_equal(fv_model_save(model, best, NULL), FV_OK);
    fv_model *back = load(folder);
    assert_true(fv_model_hash(model) == fv_model_hash(back));
    fv_model_free(model), fv_model_free(back);
    remove(best);
    fv_error error = {0};
    assert_null(fv_model_load(folder, &error));
    assert_int_equal(error.status, FV_E_FILE);
}

/* ---- files that lie --------------------------------------------------------------------------------------------- */

/* A copy of a good file with one thing changed. */
typedef struct lie {
    const char *name;
    const char *note, *value;  /* this note says something else (NULL: it is missing) */
    const char *drop, *add;    /* tensors */
    const char *shape, *dtype; /* this tensor has another shape, another dtype */
    const char *message;
} lie;

static void write_lie(const lie *l) {
    fv_store *good = fv_safetensors_read(file, NULL), *bad = fv_store_new();
    static float zeros[1000];
    assert_non_null(good);
    for (int i = 0; i < fv_store_note_count(good); i++) {
        const char *key = fv_store_note_key(good, i), *value = fv_store_note(good, key);
        if (l->note && !strcmp(key, l->note)) value = l->value;
        if (value) assert_int_equal(fv_store_set_note(bad, key, value, NULL), FV_OK);
    }
    for (int i = 0; i < fv_store_count(good); i++) {
        const char *name = fv_store_name(good, i);
        fv_tensor tensor = fv_store_tensor(good, i);
        if (l->drop && !strcmp(name, l->drop)) continue;
        if (l->shape && !strcmp(name, l->shape)) tensor.shape = (fv_shape){1, {7}};
        if (l->dtype && !strcmp(name, l->dtype)) tensor = (fv_tensor){FV_I32, tensor.shape, zeros};
        assert_int_equal(fv_store_add(bad, name, tensor, NULL), FV_OK);
    }
    if (l->add) fv_store_add(bad, l->add, (fv_tensor){FV_F32, {1, {3}}, zeros}, NULL);
    char path[80];
    snprintf(path, sizeof path, "%s/bad.safetensors", folder);
    assert_int_equal(fv_safetensors_write(bad, path, NULL), FV_OK);
    fv_store_free(good), fv_store_free(bad);
}

static void files_that_lie_are_refused(void **state) {
    (void)state;
    static const lie lies[] = {
        {.name = "no net",
         .note = "fovea.net",
         .message = "not a Fovea model: the metadata has no fovea.format and fovea.net"},
        {.name = "no format",
         .note = "fovea.format",
         .message = "not a Fovea model: the metadata has no fovea.format and fovea.net"},
        {.name = "a later format",
         .note = "fovea.format",
         .value = "2",
         .message = "file format '2'; this version reads '1'"},
        {.name = "a net with a mistake", .note = "fovea.net", .value = "input 6x6x2\nconv 0 3x3\n", .message = NULL},
        {.name = "another net",
         .note = "fovea.net",
         .value = "input 6x6x2\nconv 3 3x3\n",
         .message = "the net has no weight 'batchnorm1.scale'"},
        {.name = "a huge net",
         .note = "fovea.net",
         .value = "input 1000000\ndense 1000000\n",
         .message = "the weight 'dense1.weight': expected f32 1000000x1000000, got f32 48x4"},
        {.name = "a missing weight",
         .drop = "conv1.bias",
         .message = "the weight 'conv1.bias' is missing; expected f32 3"},
        {.name = "a weight too many", .add = "conv9.bias", .message = "the net has no weight 'conv9.bias'"},
        {.name = "another shape",
         .shape = "conv1.bias",
         .message = "the weight 'conv1.bias': expected f32 3, got f32 7"},
        {.name = "another type",
         .dtype = "conv1.bias",
         .message = "the weight 'conv1.bias': expected f32 3, got i32 3"},
        {.name = "classes that are no list",
         .note = "fovea.classes",
         .value = "{}",
         .message = "fovea.classes: expected a JSON array of class names"},
        {.name = "classes that are numbers",
         .note = "fovea.classes",
         .value = "[1]",
         .message = "fovea.classes: expected a JSON array of class names"},
        {.name = "preprocessing that is no object",
         .note = "fovea.preprocess",
         .value = "[]",
         .message = "fovea.preprocess: expected {\"scale\": s, \"mean\": [..], \"deviation\": [..]}"},
        {.name = "deviation 0",
         .note = "fovea.preprocess",
         .value = "{\"scale\":1,\"mean\":[0],\"deviation\":[0]}",
         .message = "fovea.preprocess: expected {\"scale\": s, \"mean\": [..], \"deviation\": [..]}"},
        {.name = "17 channels",
         .note = "fovea.preprocess",
         .value = "{\"scale\":1,\"mean\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],\"deviation\":[1]}",
         .message = "fovea.preprocess: expected {\"scale\": s, \"mean\": [..], \"deviation\": [..]}"},
        {.name = "a seed that is no number",
         .note = "fovea.seed",
         .value = "x",
         .message = "fovea.seed: expected a whole number"}};
    fv_model *model = model_of(text, 3);
    save(model);
    fv_model_free(model);
    char path[80];
    snprintf(path, sizeof path, "%s/bad.safetensors", folder);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        fv_error error = {0};
        write_lie(&lies[i]);
        fv_model *loaded = fv_model_load(path, &error);
        if (loaded) fail_msg("%s: expected an error", lies[i].name);
        if (!error.message[0] || strcmp(error.file, path))
            fail_msg("%s: expected a sentence about the file, got \"%s\"", lies[i].name, error.message);
        if (lies[i].message && strcmp(error.message, lies[i].message))
            fail_msg("%s: expected \"%s\", got \"%s\"", lies[i].name, lies[i].message, error.message);
    }
    remove(path);
}

static void no_memory_is_an_error_and_leaks_nothing(void **state) {
    (void)state;
    fv_error error = {0};
    fv_net *net = fv_net_parse(text, "test.net", NULL, 0, &error);
    int failures = 0;
    for (int n = 0; n < 1000; n++) {
        fv_alloc_fail_after(n);
        fv_model *model = fv_model_new(net, 1, &error);
        fv_alloc_fail_after(-1);
        fv_model_free(model);
        if (model) break;
        failures++;
    }
    fv_net_free(net);
    if (failures < 8 || failures > 900) fail_msg("expected a failure for each of the allocations, got %d", failures);
}

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return 1;
    snprintf(file, sizeof file, "%s/model.safetensors", folder);
    return 0;
}
static int remove_folder(void **state) {
    (void)state;
    remove(file);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(weights_are_drawn_by_seed_and_name),
                                       cmocka_unit_test(weights_are_listed_and_found),
                                       cmocka_unit_test(preprocessing_comes_from_the_net),
                                       cmocka_unit_test(the_rule_for_pictures_travels_with_the_model),
                                       cmocka_unit_test(notes_and_classes_can_be_set),
                                       cmocka_unit_test(a_saved_model_comes_back_whole),
                                       cmocka_unit_test(a_folder_means_its_best),
                                       cmocka_unit_test(files_that_lie_are_refused),
                                       cmocka_unit_test(no_memory_is_an_error_and_leaks_nothing)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
