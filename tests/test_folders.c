/* test_folders.c - a folder of pictures for each class, and what may be wrong with it. */
#include "picture_sets.h"

#include <fcntl.h>
#include <stdatomic.h>

#include "memory.h"
#include "pool.h"
#include "source.h"

static void classes_are_the_folders_sorted_by_bytes(void **state) {
    (void)state;
    write_grey("set/train/dog/b.pgm", 4, 4, 20);
    write_grey("set/train/dog/a.pgm", 4, 4, 21);
    write_grey("set/train/Cat/deep/er/x.pgm", 4, 4, 10);
    write_text("set/train/Cat/notes.txt", "not a picture, passed over");
    write_grey("set/test/dog/t.pgm", 4, 4, 22);
    fv_data *data = open_set(temp_path("set"), NULL);
    const int expected[3][2] = {{10, 0}, {21, 1}, {20, 1}};
    assert_int_equal(fv_data_count(data), 3);
    assert_int_equal(fv_data_class_count(data), 2);
    assert_string_equal(fv_data_class_name(data, 0), "Cat");
    for (int i = 0; i < 3; i++) {
        int class_number;
        assert_int_equal(first_byte(data, i, &class_number), expected[i][0]);
        assert_int_equal(class_number, expected[i][1]);
    }
    assert_true(fv_data_has_part(data, "test"));
    assert_false(fv_data_has_part(data, "validation"));
    fv_data_free(data);
    char spec[600];
    snprintf(spec, sizeof spec, "%s:test", temp_path("set"));
    data = open_set(spec, NULL);
    int class_number;
    assert_int_equal(first_byte(data, 0, &class_number), 22);
    assert_int_equal(class_number, 1); /* the numbers of the training part */
    fv_data_free(data);
    write_grey("set/valid/dog/v.pgm", 4, 4, 33);
    char other[600];
    snprintf(other, sizeof other, "%s:val", temp_path("set")); /* by any of its names */
    data = open_set(other, NULL);
    assert_int_equal(first_byte(data, 0, NULL), 33);
    fv_data_free(data);
    write_grey("set/test/bird/t.pgm", 4, 4, 22);
    check_refused(spec, NULL, "no class folder of this name in the training part");
}

/* Without parts every fifth picture of a class is the test part; both together are all, and none is in both. */
static void a_set_without_parts_is_split(void **state) {
    (void)state;
    bool seen[2][64] = {{false}};
    char spec[600];
    for (int i = 0; i < 23; i++) {
        char name[64];
        snprintf(name, sizeof name, "set/%s/%d.pgm", i < 11 ? "a" : "b", i);
        write_grey(name, 2, 2, i);
    }
    for (int part = 0; part < 2; part++) {
        snprintf(spec, sizeof spec, "%s/:%s", temp_path("set"), part ? "test" : "train");
        fv_data *data = open_set(spec, NULL);
        assert_int_equal(fv_data_count(data), part ? 4 : 19);
        assert_non_null(strstr(fv_data_description(data), "fifth"));
        for (int64_t i = 0; i < fv_data_count(data); i++) {
            int class_number, value = first_byte(data, i, &class_number);
            assert_int_equal(class_number, value >= 11);
            assert_false(seen[0][value] || seen[1][value]);
            seen[part][value] = true;
        }
        fv_data_free(data);
    }
    for (int i = 0; i < 23; i++) assert_true(seen[0][i] || seen[1][i]);
    /* The same without the slash, and still the same with one more picture: others stay where they were. */
    write_grey("set/a/zz.pgm", 2, 2, 60);
    snprintf(spec, sizeof spec, "%s:test", temp_path("set"));
    fv_data *data = open_set(spec, NULL);
    int moved = 0;
    for (int64_t i = 0; i < fv_data_count(data); i++) moved += !seen[1][first_byte(data, i, NULL)];
    assert_true(moved <= 1);
    fv_data_free(data);
    snprintf(spec, sizeof spec, "%s:all", temp_path("set"));
    data = open_set(spec, NULL);
    assert_int_equal(fv_data_count(data), 24);
    fv_data_free(data);
}

static void pictures_of_all_sizes_get_one(void **state) {
    (void)state;
    write_grey("set/train/a/1.pgm", 8, 4, 100);
    write_grey("set/train/a/2.pgm", 30, 50, 100);
    write_grey("set/train/b/3.pgm", 1, 1, 100);
    fv_data *data = open_set(temp_path("set"), NULL);
    assert_true(fv_shape_equal(&fv_data_field_at(data, 0)->shape, &(fv_shape){3, {8, 4, 1}}));
    fv_data_free(data);
    fv_data_options options = {.size = sizeof options, .height = 6, .channels = 3, .fit = FV_FIT_LETTERBOX};
    data = open_set(temp_path("set"), &options);
    assert_true(fv_shape_equal(&fv_data_field_at(data, 0)->shape, &(fv_shape){3, {6, 6, 3}}));
    unsigned char picture[6 * 6 * 3];
    int32_t number;
    void *out[] = {picture, &number};
    for (int64_t i = 0; i < 3; i++) check_ok(fv_data_read(data, i, out, &problem));
    assert_int_equal(picture[0], 100);
    check_ok(fv_data_read(data, 0, out, &problem));
    assert_int_equal(picture[0], 127); /* a tall picture leaves grey at its sides */
    assert_int_equal(picture[9], 100);
    fv_data_free(data);
}

static void says_what_is_wrong_with_a_folder(void **state) {
    (void)state;
    mkdir(temp_path("empty"), 0777);
    check_refused(temp_path("empty"), NULL, "the folder is empty");
    write_grey("one/cats/1.pgm", 2, 2, 1);
    check_refused(temp_path("one"), NULL, "only one class folder (\"cats\")");
    write_text("one/dogs/readme.txt", "none yet");
    check_refused(temp_path("one"), NULL, "dogs: the class folder holds no pictures");
    write_text("text/a.txt", "x");
    check_refused(temp_path("text"), NULL, "no known data in this folder");
    char deep[400] = "deep/a";
    for (int i = 0; i < 40; i++) strcat(deep, "/d");
    strcat(deep, "/1.pgm");
    write_grey(deep, 2, 2, 1);
    write_grey("deep/b/1.pgm", 2, 2, 1);
    check_refused(temp_path("deep"), NULL, "folders in each other");
}

static void a_limit_takes_from_every_class(void **state) {
    (void)state;
    char name[64];
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "limited/%c/%d.pgm", i < 6 ? 'a' : 'b', i);
        write_grey(name, 4, 4, 10 * i);
    }
    fv_data *data = open_set(temp_path("limited:all"), &(fv_data_options){.size = sizeof(fv_data_options), .limit = 3});
    int class_number, classes[2] = {0, 0};
    assert_int_equal(fv_data_count(data), 3);
    for (int i = 0; i < 3; i++) {
        first_byte(data, i, &class_number);
        classes[class_number]++;
    }
    if (classes[0] != 2 || classes[1] != 1)
        fail_msg("expected 2 of a and 1 of b, got %d and %d", classes[0], classes[1]);
    fv_data_free(data);
}

static void links_make_no_loops(void **state) {
    (void)state;
    write_grey("set/a/1.pgm", 2, 2, 1);
    write_grey("set/b/1.pgm", 2, 2, 2);
    assert_int_equal(symlink("..", temp_path("set/a/up")), 0); /* within a class: not entered */
    assert_int_equal(symlink("1.pgm", temp_path("set/a/2.pgm")), 0);
    char spec[600];
    snprintf(spec, sizeof spec, "%s:all", temp_path("set"));
    fv_data *data = open_set(spec, NULL);
    assert_int_equal(fv_data_count(data), 3);
    fv_data_free(data);
    assert_int_equal(symlink(".", temp_path("set/c")), 0);
    check_refused(spec, NULL, "is a link to a folder that contains it");
    unlink(temp_path("set/c"));
    assert_int_equal(symlink("c", temp_path("set/c")), 0); /* a link to itself is no folder */
    data = open_set(spec, NULL);
    assert_int_equal(fv_data_class_count(data), 2);
    fv_data_free(data);
}

static void names_that_are_no_text_are_escaped(void **state) {
    (void)state;
    write_grey("set/train/caf\xe9\n/1.pgm", 2, 2, 1);
    write_grey("set/train/caf\xc3\xa9/1.pgm", 2, 2, 2);
    write_text("set/train/caf\xe9\n/2\x1b[31m.png", "no picture");
    fv_data *data = open_set(temp_path("set"), NULL);
    assert_string_equal(fv_data_class_name(data, 0), "caf\xc3\xa9");
    assert_string_equal(fv_data_class_name(data, 1), "caf\\xE9\\x0A");
    unsigned char picture[4];
    int32_t number;
    void *out[] = {picture, &number};
    check_fails(fv_data_read(data, 2, out, &problem), FV_E_FORMAT, "is no picture that can be read");
    assert_non_null(strstr(problem.file, "caf\\xE9\\x0A/2\\x1B[31m.png"));
    fv_data_free(data);
}

/* ---- bad files -------------------------------------------------------------------------------------------------- */

static void make_bad_set(void) {
    write_grey("set/train/a/1.pgm", 4, 4, 1);
    write_text("set/train/a/2.png", "");
    write_grey("set/train/a/3.pgm", 4, 4, 3);
    write_text("set/train/b/0.webp", "RIFFxxxxWEBP");
    write_text("set/train/b/1.pgm", "P5 40 40 255\ntoo short");
    write_grey("set/train/b/2.pgm", 4, 4, 2);
    if (symlink("nowhere.pgm", temp_path("set/train/b/3.pgm")) != 0) fail();
}

static void a_bad_file_stops_and_is_named(void **state) {
    (void)state;
    make_bad_set();
    fv_data *data = open_set(temp_path("set"), NULL);
    int64_t order[] = {0, 5, 4, 1};
    float pictures[4 * 16];
    int32_t classes[4];
    fv_tensor into[] = {{FV_F32, {4, {4, 4, 4, 1}}, pictures}, {FV_I32, {1, {4}}, classes}};
    check_fails(fv_data_batch(data, order, 0, 4, NULL, into, &problem), FV_E_FORMAT, "1600 bytes");
    assert_non_null(strstr(problem.file, "train/b/1.pgm")); /* the first in the order, not the first to fail */
    fv_data_free(data);
}

static void bad_files_can_be_left_out(void **state) {
    (void)state;
    make_bad_set();
    fv_data_options options = {.size = sizeof options, .skip_bad = true};
    for (int cached = 0; cached < 2; cached++) {
        options.cache_bytes = cached ? 0 : FV_ZERO;
        fv_data *data = open_set(temp_path("set"), &options);
        assert_int_equal(fv_data_count(data), 3);
        const int expected[] = {1, 3, 2};
        for (int i = 0; i < 3; i++) assert_int_equal(first_byte(data, i, NULL), expected[i]);
        assert_int_equal(fv_data_skipped_count(data), 4);
        const char *const words[][2] = {
            {"a/2.png", "empty"}, {"b/0.webp", "is no picture"}, {"b/1.pgm", "claims"}, {"b/3.pgm", "No such file"}};
        for (int i = 0; i < 4; i++)
            if (!strstr(fv_data_skipped(data, i), words[i][0]) || !strstr(fv_data_skipped(data, i), words[i][1]))
                fail_msg("expected %s: %s, got %s", words[i][0], words[i][1], fv_data_skipped(data, i));
        assert_null(fv_data_skipped(data, 4));
        fv_data_free(data);
    }
    write_text("bad/train/a/1.png", "");
    write_text("bad/train/b/1.png", "");
    check_refused(temp_path("bad"), &options, "the file is empty");
}

/* ---- several threads -------------------------------------------------------------------------------------------- */

static void batches_are_the_same_at_every_number_of_threads(void **state) {
    (void)state;
    enum { COUNT = 40 };
    float first[COUNT * 9], again[COUNT * 9];
    int32_t classes[COUNT];
    int64_t order[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, "set/train/%c/%02d.pgm", 'a' + i % 3, i);
        write_grey(name, 3 + i % 7, 5 + i % 4, i * 6);
        order[i] = (i * 7) % COUNT;
    }
    for (int threads = 1; threads <= 5; threads++)
        for (int cached = 0; cached < 2; cached++) {
            fv_data_options options = {.size = sizeof options, .height = 3, .cache_bytes = cached ? 0 : FV_ZERO};
            fv_set_threads(threads);
            fv_data *data = open_set(temp_path("set"), &options);
            fv_tensor into[] = {{FV_F32, {4, {COUNT, 3, 3, 1}}, again}, {FV_I32, {1, {COUNT}}, classes}};
            for (int pass = 0; pass < 2; pass++) {
                memset(again, 0, sizeof again);
                check_ok(fv_data_batch(data, order, 0, COUNT, NULL, into, &problem));
                if (threads == 1 && !cached && !pass) memcpy(first, again, sizeof first);
                assert_memory_equal(first, again, sizeof first);
            }
            fv_data_free(data);
        }
    fv_set_threads(0);
}

static void every_failing_allocation_is_survived(void **state) {
    (void)state;
    write_grey("set/train/a/1.pgm", 4, 4, 1);
    write_grey("set/train/b/2.pgm", 4, 4, 2);
    fv_data_options options = {.size = sizeof options, .height = 2, .skip_bad = true};
    fv_threads(); /* the pool is made */
    for (int64_t n = 0; n < 500; n++) {
        fv_alloc_fail_after(n);
        fv_data *data = fv_data_open_with(temp_path("set"), &problem, &options);
        fv_alloc_fail_after(-1);
        if (data && fv_data_skipped_count(data) == 0 && n > 60) n = 500;
        fv_data_free(data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define temp_test(name) cmocka_unit_test_setup_teardown(name, NULL, clean_temp)
        temp_test(classes_are_the_folders_sorted_by_bytes),
        temp_test(a_set_without_parts_is_split),
        temp_test(pictures_of_all_sizes_get_one),
        temp_test(says_what_is_wrong_with_a_folder),
        temp_test(a_limit_takes_from_every_class),
        temp_test(links_make_no_loops),
        temp_test(names_that_are_no_text_are_escaped),
        temp_test(a_bad_file_stops_and_is_named),
        temp_test(bad_files_can_be_left_out),
        temp_test(batches_are_the_same_at_every_number_of_threads),
        temp_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
