/* test_data.c - sets of samples: names, arrays, callbacks, NumPy files, subsets, splits, batches. */
#include "source.h"
#include "memory.h"
#include "store.h"
#include "files.h"

#include <time.h>

/* ---- names ---------------------------------------------------------------------------------------------------------
 */

static void specs_have_a_path_a_part_and_a_sample(void **state) {
    (void)state;
    write_temp("with:colon", "x", 1);
    char with_colon[200], with_both[200];
    snprintf(with_colon, sizeof with_colon, "%s/with:colon", temp_folder);
    snprintf(with_both, sizeof with_both, "%s/with:colon:test:3", temp_folder);
    const struct {
        const char *spec, *path, *part;
        int64_t sample;
    } cases[] = {{"digits", "digits", "", -1},
                 {"digits:test", "digits", "test", -1},
                 {"digits:test:7", "digits", "test", 7},
                 {"digits:12", "digits", "", 12},
                 {"digits::12", "digits", "", 12},
                 {"nowhere:train", "nowhere", "train", -1},
                 {"nowhere:train:4", "nowhere", "train", 4},
                 {with_colon, with_colon, "", -1},
                 {with_both, with_colon, "test", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_data_spec spec;
        check_ok(fv_data_parse_spec(cases[i].spec, &spec, &problem));
        if (strcmp(spec.path, cases[i].path) != 0 || strcmp(spec.part, cases[i].part) != 0 ||
            spec.sample != cases[i].sample)
            fail_msg("\"%s\": expected \"%s\" \"%s\" %d, got \"%s\" \"%s\" %d", cases[i].spec, cases[i].path,
                     cases[i].part, (int)cases[i].sample, spec.path, spec.part, (int)spec.sample);
    }
}

static void bad_specs_are_refused(void **state) {
    (void)state;
    fv_data_spec spec;
    char *long_spec = malloc(6000);
    memset(long_spec, 'a', 5999);
    long_spec[5999] = 0;
    check_fails(fv_data_parse_spec("", &spec, &problem), FV_E_ARGUMENT, "no data set given");
    check_fails(fv_data_parse_spec(NULL, &spec, &problem), FV_E_ARGUMENT, "no data set given");
    check_fails(fv_data_parse_spec(":test", &spec, &problem), FV_E_ARGUMENT, "no path");
    check_fails(fv_data_parse_spec("digits:test:x", &spec, &problem), FV_E_ARGUMENT, "number of a sample");
    check_fails(fv_data_parse_spec("digits:test:-1", &spec, &problem), FV_E_ARGUMENT, "number of a sample");
    check_fails(fv_data_parse_spec("digits:99999999999999999999", &spec, &problem), FV_E_ARGUMENT,
                "number of a sample");
    check_fails(fv_data_parse_spec("nowhere:a:1:2", &spec, &problem), FV_E_ARGUMENT, "more colons");
    check_fails(fv_data_parse_spec(long_spec, &spec, &problem), FV_E_ARGUMENT, "longer than");
    memcpy(long_spec, "digits:", 7);
    long_spec[100] = 0;
    check_fails(fv_data_parse_spec(long_spec, &spec, &problem), FV_E_ARGUMENT, "part is too long");
    free(long_spec);
    assert_null(
        fv_data_open_with("digits", &problem, &(fv_data_options){.size = sizeof(fv_data_options), .limit = -2}));
    assert_string_equal(problem.message, "limit: expected at least 1, got -2");
}

static void every_source_has_a_name_and_a_help(void **state) {
    (void)state;
    for (int i = 0; i < fv_source_count(); i++) {
        const fv_source *source = fv_source_at(i);
        assert_true(source->name && source->help && source->recognises && source->open);
    }
    assert_null(fv_source_at(-1));
    assert_null(fv_source_at(fv_source_count()));
}

/* ---- arrays and callbacks ------------------------------------------------------------------------------------------
 */

static uint8_t bytes[6][2][3]; /* grey pictures */
static int64_t numbers[6] = {2, 0, 1, 0, 2, 0};

static fv_tensor byte_pictures(void) {
    for (int i = 0; i < 36; i++) (&bytes[0][0][0])[i] = (uint8_t)(i * 7);
    return (fv_tensor){FV_U8, {3, {6, 2, 3}}, bytes};
}

static fv_tensor class_numbers(void) { return (fv_tensor){FV_I64, {1, {6}}, numbers}; }

static fv_data *from_arrays(fv_tensor inputs, fv_tensor targets) {
    fv_data *data = fv_data_from_arrays(inputs, targets, &problem);
    if (!data) fail_msg("arrays: %s", problem.message);
    return data;
}

static void arrays_of_bytes_are_grey_pictures(void **state) {
    (void)state;
    fv_data *data = from_arrays(byte_pictures(), class_numbers());
    assert_int_equal(fv_data_count(data), 6);
    assert_true(fv_shape_equal(&fv_data_field_at(data, 0)->shape, &(fv_shape){3, {2, 3, 1}}));
    assert_string_equal(fv_data_field_at(data, 0)->name, "picture");
    assert_string_equal(fv_data_field_at(data, 1)->name, "class");
    assert_int_equal(fv_data_field_at(data, 1)->dtype, FV_I32);
    assert_int_equal(fv_data_class_count(data), 3);
    assert_true(data->scale == 1.0 / 255);
    uint8_t picture[6];
    int32_t number;
    check_ok(fv_data_read(data, 4, (void *[]){picture, &number}, &problem));
    assert_memory_equal(picture, bytes[4], 6);
    assert_int_equal(number, 2);
    assert_null(fv_data_class_name(data, 3));
    assert_null(fv_data_field_at(data, 2));
    check_fails(fv_data_read(data, 6, (void *[]){picture, &number}, &problem), FV_E_ARGUMENT,
                "no sample 6: there are 6");
    check_fails(fv_data_read(data, -1, (void *[]){picture, &number}, &problem), FV_E_ARGUMENT, "no sample -1");
    fv_data_free(data);
}

static void numeric_targets_and_no_targets(void **state) {
    (void)state;
    float x[4][2] = {{0, 1}, {2, 3}, {4, 5}, {6, 7}}, y[4][1] = {{1}, {2}, {3}, {4}};
    fv_data *data = from_arrays((fv_tensor){FV_F32, {2, {4, 2}}, x}, (fv_tensor){FV_F32, {2, {4, 1}}, y});
    assert_string_equal(fv_data_field_at(data, 0)->name, "input");
    assert_string_equal(fv_data_field_at(data, 1)->name, "target");
    assert_int_equal(fv_data_class_count(data), 0);
    assert_int_equal(fv_data_class_of(data, 0, NULL), -1);
    fv_data_free(data);
    data = from_arrays((fv_tensor){FV_F32, {2, {4, 2}}, x}, (fv_tensor){0});
    assert_int_equal(fv_data_field_count(data), 1);
    fv_data_free(data);
}

static fv_status arrays_status(fv_tensor inputs, fv_tensor targets) {
    fv_data *data = fv_data_from_arrays(inputs, targets, &problem);
    fv_data_free(data);
    return data ? FV_OK : problem.status;
}

static void arrays_that_do_not_fit_are_refused(void **state) {
    (void)state;
    fv_tensor pictures = byte_pictures(), classes = class_numbers(), other = classes;
    check_fails(arrays_status((fv_tensor){0}, classes), FV_E_ARGUMENT, "no inputs");
    other.shape.dim[0] = 5;
    check_fails(arrays_status(pictures, other), FV_E_SHAPE, "6 samples but 5 targets");
    pictures.shape.rank = 0;
    check_fails(arrays_status(pictures, classes), FV_E_SHAPE, "rank 1 to 7");
    pictures = byte_pictures();
    pictures.shape.dim[0] = other.shape.dim[0] = 0;
    check_fails(arrays_status(pictures, other), FV_E_FORMAT, "no samples");
    int64_t bad[6] = {0, 1, -4, 0, 0, 0};
    other = (fv_tensor){FV_I64, {1, {6}}, bad};
    check_fails(arrays_status(byte_pictures(), other), FV_E_FORMAT, "label out of range: sample 2 has class -1");
    bad[2] = INT64_C(1) << 40;
    check_fails(arrays_status(byte_pictures(), other), FV_E_FORMAT, "label out of range: sample 2");
}

static int count_up(void *user, int64_t index, void *const *out) {
    float *picture = out[0];
    for (int i = 0; i < 4; i++) picture[i] = (float)(index * 10 + i);
    *(int32_t *)out[1] = (int32_t)(index % 3);
    return index == *(int64_t *)user ? 5 : 0;
}

static fv_data *from_callback(int64_t count, int64_t *refuse) {
    const fv_data_field fields[] = {{"picture", FV_F32, {3, {2, 2, 1}}, false}, {"class", FV_I32, {0, {0}}, true}};
    fv_data *data = fv_data_from_callback(count, fields, 2, count_up, refuse, &problem);
    if (!data) fail_msg("callback: %s", problem.message);
    return data;
}

static void callbacks_give_samples(void **state) {
    (void)state;
    int64_t refuse = 7;
    fv_data *data = from_callback(9, &refuse);
    float picture[4];
    int32_t number;
    check_ok(fv_data_read(data, 5, (void *[]){picture, &number}, &problem));
    assert_true(picture[3] == 53 && number == 2);
    assert_int_equal(fv_data_class_of(data, 5, &problem), 2);
    check_fails(fv_data_read(data, 7, (void *[]){picture, &number}, &problem), FV_E_CANCELLED,
                "refused sample 7 with code 5");
    fv_data_free(data);
    const fv_data_field huge[] = {{"picture", FV_F32, {2, {INT64_MAX / 2, 8}}, false}};
    assert_null(fv_data_from_callback(9, huge, 1, count_up, &refuse, &problem));
    assert_int_equal(problem.status, FV_E_SHAPE);
    assert_null(fv_data_from_callback(0, huge, 0, count_up, &refuse, &problem));
    assert_null(fv_data_from_callback(9, huge, 1, NULL, &refuse, &problem));
}

/* ---- NumPy files ---------------------------------------------------------------------------------------------------
 */

static void write_npy(const char *name, fv_tensor tensor) {
    check_ok(fv_npy_write(temp_path(name), &tensor, &problem));
}

static fv_status open_status(const char *spec) {
    fv_data *data = fv_data_open_with(spec, &problem, NULL);
    fv_data_free(data);
    return data ? FV_OK : problem.status;
}

static void npy_files_with_labels_beside(void **state) {
    (void)state;
    write_npy("set.npy", byte_pictures());
    fv_data *data = fv_data_open_with(temp_path("set.npy"), &problem, NULL);
    assert_non_null(data);
    assert_int_equal(fv_data_field_count(data), 1);
    fv_data_free(data);
    for (int i = 0; i < 2; i++) {
        write_npy(i ? "set_labels.npy" : "labels.npy", class_numbers());
        fv_data_options options = {.size = sizeof options, .limit = 4};
        data = fv_data_open_with(temp_path("set.npy"), &problem, &options);
        assert_non_null(data);
        assert_int_equal(fv_data_count(data), 4);
        assert_int_equal(fv_data_class_of(data, 2, NULL), 1);
        fv_data_free(data);
    }
    char spec[300];
    snprintf(spec, sizeof spec, "%s:test", temp_path("set.npy"));
    check_fails(open_status(spec), FV_E_ARGUMENT, "no part \"test\" (there is: only the whole)");
    write_temp("bad.npy", "nonsense", 8);
    check_fails(open_status(temp_path("bad.npy")), FV_E_FORMAT, "is no NPY file");
}

static void npy_folders_with_and_without_parts(void **state) {
    (void)state;
    char spec[300];
    write_npy("x.npy", byte_pictures());
    write_npy("y.npy", class_numbers());
    check_ok(open_status(temp_folder));
    clean_temp(NULL);
    const char *names[] = {"x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"};
    for (int i = 0; i < 4; i++) write_npy(names[i], i % 2 ? class_numbers() : byte_pictures());
    const char *parts[] = {"", ":train", ":test", ":test:5"};
    for (int i = 0; i < 4; i++) {
        snprintf(spec, sizeof spec, "%s%s", temp_folder, parts[i]);
        check_ok(open_status(spec));
    }
    fv_data *data = fv_data_open_with(temp_folder, &problem, NULL);
    assert_true(fv_data_has_part(data, "test") && !fv_data_has_part(data, "other"));
    fv_data_free(data);
    snprintf(spec, sizeof spec, "%s:trian", temp_folder);
    check_fails(open_status(spec), FV_E_ARGUMENT, "did you mean \"train\"");
    fv_tensor five = class_numbers();
    five.shape.dim[0] = 5;
    write_npy("y_train.npy", five);
    check_fails(open_status(temp_folder), FV_E_SHAPE, "6 samples but 5 targets");
}

/* ---- subsets and splits --------------------------------------------------------------------------------------------
 */

static void subsets_renumber(void **state) {
    (void)state;
    fv_data *base = from_arrays(byte_pictures(), class_numbers());
    const int64_t indices[] = {5, 2, 2};
    fv_data *data = fv_data_subset(base, indices, 3, &problem);
    assert_non_null(data);
    uint8_t picture[6];
    int32_t number;
    check_ok(fv_data_read(data, 1, (void *[]){picture, &number}, &problem));
    assert_memory_equal(picture, bytes[2], 6);
    assert_int_equal(number, 1);
    assert_int_equal(fv_data_class_of(data, 0, NULL), 0);
    assert_int_equal(fv_data_class_count(data), 3);
    fv_data_free(data);
    assert_null(fv_data_subset(base, (const int64_t[]){0, 6}, 2, &problem));
    assert_non_null(strstr(problem.message, "no sample 6"));
    assert_null(fv_data_subset(base, indices, 0, &problem));
    fv_data_free(base);
}

static void check_split(const fv_data *data, double part, bool tail, int64_t *counts) {
    int64_t *lists[2], sizes[2], seen = 0;
    check_ok(fv_data_split(data, part, tail, 1, &lists[0], &sizes[0], &lists[1], &sizes[1], &problem));
    assert_int_equal(sizes[0] + sizes[1], fv_data_count(data));
    assert_int_equal(sizes[1], (int64_t)((double)fv_data_count(data) * part + 0.5));
    unsigned char *mark = calloc((size_t)fv_data_count(data), 1);
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < sizes[k]; i++) {
            assert_true(i == 0 || lists[k][i] > lists[k][i - 1]);
            assert_false(mark[lists[k][i]]++);
            seen++;
        }
    assert_int_equal(seen, fv_data_count(data));
    for (int i = 0; counts && i < 10; i++) counts[i] = 0;
    for (int64_t i = 0; counts && i < sizes[1]; i++) counts[fv_data_class_of(data, lists[1][i], NULL)]++;
    if (tail && sizes[1] > 0) assert_int_equal(lists[1][0], sizes[0]);
    free(mark);
    fv_free(lists[0]);
    fv_free(lists[1]);
}

static void splits_are_complete_and_stratified(void **state) {
    (void)state;
    fv_data_options options = {.size = sizeof options, .limit = 1000};
    fv_data *data = fv_data_open_with("digits:test", &problem, &options);
    int64_t counts[10];
    check_split(data, 0.1, false, counts);
    for (int i = 0; i < 10; i++) assert_int_equal(counts[i], 10);
    check_split(data, 0.123, false, counts);
    for (int i = 0; i < 10; i++) assert_in_range(counts[i], 12, 13);
    check_split(data, 0.25, true, NULL);
    check_split(data, 0, false, NULL);
    check_split(data, 1, false, NULL);
    int64_t *a, *b, *c, *d, n, m;
    check_ok(fv_data_split(data, 0.2, false, 5, &a, &n, &b, &m, &problem));
    fv_free(a);
    check_ok(fv_data_split(data, 0.2, false, 5, &a, &n, &c, &m, &problem));
    fv_free(a);
    check_ok(fv_data_split(data, 0.2, false, 6, &a, &n, &d, &m, &problem));
    fv_free(a);
    assert_memory_equal(b, c, (size_t)m * sizeof *b);
    assert_memory_not_equal(b, d, (size_t)m * sizeof *b);
    fv_free(b);
    fv_free(c);
    fv_free(d);
    check_fails(fv_data_split(data, 1.5, false, 5, &a, &n, &b, &m, &problem), FV_E_ARGUMENT,
                "expected 0 to 1, got 1.5");
    check_fails(fv_data_split(data, 0.0 / 0.0, false, 5, &a, &n, &b, &m, &problem), FV_E_ARGUMENT, "expected 0 to 1");
    fv_data_free(data);
}

/* ---- batches -------------------------------------------------------------------------------------------------------
 */

static void batches_preprocess_bytes(void **state) {
    (void)state;
    fv_data *data = from_arrays(byte_pictures(), class_numbers());
    float x[2][6];
    int32_t y[2];
    const int64_t order[] = {9, 3, 1}; /* from position 1 */
    const fv_tensor into[] = {{FV_F32, {4, {2, 2, 3, 1}}, x}, {FV_I32, {1, {2}}, y}};
    const fv_preprocess p = {.scale = 1.0 / 255, .channels = 1, .mean = {0.5}, .deviation = {0.25}};
    check_ok(fv_data_batch(data, order, 1, 2, &p, into, &problem));
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 6; k++)
            assert_true(x[i][k] == (float)((((uint8_t *)bytes[order[1 + i]])[k] * (1.0 / 255) - 0.5) / 0.25));
    assert_int_equal(y[0], 0);
    check_ok(fv_data_batch(data, order, 1, 2, NULL, (const fv_tensor[]){into[0], {0}},
                           &problem)); /* no preprocessing, no class */
    assert_true(x[1][5] == (float)bytes[1][1][2]);
    check_fails(fv_data_batch(data, order, 0, 1, &p, into, &problem), FV_E_ARGUMENT, "no sample 9");
    check_fails(fv_data_batch(data, order, 0, 3, &p, into, &problem), FV_E_SHAPE, "the buffer for 3 of them");
    const fv_preprocess three = {.scale = 1, .channels = 3};
    check_fails(fv_data_batch(data, order, 1, 1, &three, into, &problem), FV_E_SHAPE, "means for 3 channels");
    fv_data_free(data);
}

static void batches_preprocess_each_channel(void **state) {
    (void)state;
    uint8_t colours[1][2][2][3] = {{{{10, 20, 30}, {40, 50, 60}}, {{70, 80, 90}, {255, 0, 128}}}};
    float floats[1][2][2][3], x[12], z[12];
    for (int i = 0; i < 12; i++) (&floats[0][0][0][0])[i] = (&colours[0][0][0][0])[i];
    const fv_preprocess p = {
        .scale = 1.0 / 255, .channels = 3, .mean = {0.485, 0.456, 0.406}, .deviation = {0.229, 0.224, 0.225}};
    fv_data *of_bytes = from_arrays((fv_tensor){FV_U8, {4, {1, 2, 2, 3}}, colours}, (fv_tensor){0});
    fv_data *of_floats = from_arrays((fv_tensor){FV_F32, {4, {1, 2, 2, 3}}, floats}, (fv_tensor){0});
    const int64_t order[] = {0};
    check_ok(fv_data_batch(of_bytes, order, 0, 1, &p, &(fv_tensor){FV_F32, {4, {1, 2, 2, 3}}, x}, &problem));
    check_ok(fv_data_batch(of_floats, order, 0, 1, &p, &(fv_tensor){FV_F32, {4, {1, 2, 2, 3}}, z}, &problem));
    for (int i = 0; i < 12; i++)
        assert_true(x[i] == (float)(((&colours[0][0][0][0])[i] * p.scale - p.mean[i % 3]) / p.deviation[i % 3]));
    assert_memory_equal(x, z, sizeof x);
    fv_data_free(of_bytes);
    fv_data_free(of_floats);
}

static void batches_from_callbacks_and_other_types(void **state) {
    (void)state;
    int64_t refuse = 7, wide[2], order[] = {4, 5, 6, 7};
    float x[2][4];
    fv_data *data = from_callback(9, &refuse);
    const fv_tensor into[] = {{FV_F32, {4, {2, 2, 2, 1}}, x}, {FV_I64, {1, {2}}, wide}};
    check_ok(fv_data_batch(data, order, 1, 2, NULL, into, &problem));
    assert_true(x[1][3] == 63 && wide[0] == 2 && wide[1] == 0);
    check_fails(fv_data_batch(data, order, 2, 2, NULL, into, &problem), FV_E_CANCELLED, "refused sample 7");
    uint64_t before = fv_alloc_count();
    for (int i = 0; i < 50; i++) check_ok(fv_data_batch(data, order, 0, 2, NULL, into, &problem));
    assert_int_equal(fv_alloc_count(), before); /* the scratch memory is kept */
    const fv_tensor wrong[] = {{FV_I32, {4, {2, 2, 2, 1}}, x}, {0}};
    check_fails(fv_data_batch(data, order, 0, 2, NULL, wrong, &problem), FV_E_SHAPE,
                "is f32, which does not become i32");
    fv_data_free(data);
}

static void batches_of_bytes_are_fast(void **state) {
    (void)state;
    enum { COUNT = 64, ROUNDS = 40 };
    static uint8_t pictures[COUNT][28][28];
    static float x[COUNT][784];
    static uint8_t classes[COUNT];
    int32_t y[COUNT];
    int64_t order[COUNT];
    for (int i = 0; i < COUNT; i++) order[i] = (i * 37) % COUNT;
    fv_data *data =
        from_arrays((fv_tensor){FV_U8, {3, {COUNT, 28, 28}}, pictures}, (fv_tensor){FV_U8, {1, {COUNT}}, classes});
    const fv_tensor into[] = {{FV_F32, {4, {COUNT, 28, 28, 1}}, x}, {FV_I32, {1, {COUNT}}, y}};
    const fv_preprocess p = {.scale = 1.0 / 255};
    uint64_t before = fv_alloc_count();
    double best = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        check_ok(fv_data_batch(data, order, 0, COUNT, &p, into, &problem));
        clock_gettime(CLOCK_MONOTONIC, &b);
        double each = ((double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3) / COUNT;
        if (each < best) best = each;
    }
    assert_int_equal(fv_alloc_count(), before);
    print_message("%.2f us a sample\n", best);
    if (best > 20) fail_msg("%.2f us a sample of 28x28, expected well under 2 in an optimised build", best);
    fv_data_free(data);
}

/* ---- memory --------------------------------------------------------------------------------------------------------
 */

static void running_out_of_memory_leaks_nothing(void **state) {
    (void)state;
    write_npy("x_train.npy", byte_pictures());
    write_npy("y_train.npy", class_numbers());
    write_temp("classes.txt", "a\nb\nc", 5);
    const char *specs[] = {"digits:test:3", temp_folder};
    for (int i = 0; i < 2; i++) {
        int failures = 0;
        for (int64_t n = 0;; n++) {
            uint64_t before = fv_alloc_count();
            fv_alloc_fail_after(n);
            fv_data *data = fv_data_open_with(specs[i], &problem, NULL);
            fv_alloc_fail_after(-1);
            if (data)
                assert_int_equal(fv_data_field_count(data), 2); /* whole, or not at all */
            else
                failures++;
            fv_data_free(data);
            if (fv_alloc_count() - before <= (uint64_t)n) break;
        }
        assert_in_range(failures, 3, 200);
    }
}

/* order=bgr: the net sees blue first, and mean and deviation have that order. */
static void colours_may_come_reversed(void **state) {
    (void)state;
    unsigned char pixels[] = {1, 2, 3, 4, 5, 6};
    float out[6];
    fv_tensor pictures = {FV_U8, {4, {1, 1, 2, 3}}, pixels}, into = {FV_F32, {4, {1, 1, 2, 3}}, out};
    fv_data *data = fv_data_from_arrays(pictures, (fv_tensor){0}, &problem);
    int64_t order = 0;
    const fv_preprocess rules[] = {{.bgr = true}, {.bgr = true, .channels = 3, .mean = {10, 20, 30}, .deviation = {1, 2, 4}},
                                   {.bgr = true, .scale = 2, .channels = 1, .mean = {1}, .deviation = {1}}};
    const float expected[3][6] = {{3, 2, 1, 6, 5, 4}, {-7, -9, -7.25f, -4, -7.5f, -6.5f}, {5, 3, 1, 11, 9, 7}};
    for (int i = 0; i < 3; i++) {
        check_ok(fv_data_batch(data, &order, 0, 1, &rules[i], &into, &problem));
        assert_memory_equal(out, expected[i], sizeof out);
    }
    fv_data_free(data);
    float numbers[] = {1, 2, 3, 4, 5, 6};
    pictures = (fv_tensor){FV_F32, {4, {1, 1, 2, 3}}, numbers};
    data = fv_data_from_arrays(pictures, (fv_tensor){0}, &problem);
    check_ok(fv_data_batch(data, &order, 0, 1, &rules[0], &into, &problem));
    assert_memory_equal(out, expected[0], sizeof out);
    fv_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_may_come_reversed),
        cmocka_unit_test_teardown(specs_have_a_path_a_part_and_a_sample, clean_temp),
        cmocka_unit_test(bad_specs_are_refused),
        cmocka_unit_test(every_source_has_a_name_and_a_help),
        cmocka_unit_test(arrays_of_bytes_are_grey_pictures),
        cmocka_unit_test(numeric_targets_and_no_targets),
        cmocka_unit_test(arrays_that_do_not_fit_are_refused),
        cmocka_unit_test(callbacks_give_samples),
        cmocka_unit_test_teardown(npy_files_with_labels_beside, clean_temp),
        cmocka_unit_test_teardown(npy_folders_with_and_without_parts, clean_temp),
        cmocka_unit_test(subsets_renumber),
        cmocka_unit_test(splits_are_complete_and_stratified),
        cmocka_unit_test(batches_preprocess_bytes),
        cmocka_unit_test(batches_preprocess_each_channel),
        cmocka_unit_test(batches_from_callbacks_and_other_types),
        cmocka_unit_test(batches_of_bytes_are_fast),
        cmocka_unit_test_teardown(running_out_of_memory_leaks_nothing, clean_temp),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
