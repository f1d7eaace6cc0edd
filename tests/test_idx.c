/* test_idx.c - MNIST's IDX files: the format, folders of them, everything that can be wrong with them. */
#include "idx.h"
#include "source.h"
#include "files.h"

#include <unistd.h>

/* Two grey pictures of 2x3 and their labels. */
static const unsigned char pictures[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2,  0,  0,
                                         0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 3};

static fv_data *opened(const char *spec) {
    fv_data *data = fv_data_open_with(spec, &problem, NULL);
    if (!data) fail_msg("%s: %s: %s", spec, problem.file, problem.message);
    return data;
}

static fv_status open_status(const char *spec) {
    fv_data *data = fv_data_open_with(spec, &problem, NULL);
    fv_data_free(data);
    return data ? FV_OK : problem.status;
}

static void check_two_pictures(fv_data *data) {
    unsigned char picture[6];
    int32_t label;
    assert_int_equal(fv_data_count(data), 2);
    assert_int_equal(fv_data_field_count(data), 2);
    assert_true(fv_shape_equal(&fv_data_field_at(data, 0)->shape, &(fv_shape){3, {2, 3, 1}}));
    assert_string_equal(fv_data_field_at(data, 1)->name, "class");
    check_ok(fv_data_read(data, 1, (void *[]){picture, &label}, &problem));
    assert_memory_equal(picture, pictures + 22, 6);
    assert_int_equal(label, 3);
    assert_int_equal(fv_data_class_count(data), 4);
    assert_string_equal(fv_data_class_name(data, 3), "3");
}

static void opens_a_folder_by_parts(void **state) {
    (void)state;
    size_t size;
    unsigned char *packed = gzip(pictures, sizeof pictures, &size);
    write_temp("train-images-idx3-ubyte.gz", packed, size);
    write_temp("train-labels-idx1-ubyte", labels, sizeof labels);
    write_temp("t10k-images.idx3-ubyte", pictures, sizeof pictures);
    write_temp("t10k-labels.idx1-ubyte", labels, sizeof labels);
    free(packed);
    const char *parts[] = {"", ":train", ":test"};
    for (int i = 0; i < 3; i++) {
        char spec[200];
        snprintf(spec, sizeof spec, "%s%s", temp_folder, parts[i]);
        fv_data *data = opened(spec);
        check_two_pictures(data);
        assert_true(fv_data_has_part(data, "train") && fv_data_has_part(data, "test"));
        fv_data_free(data);
    }
    char spec[200];
    snprintf(spec, sizeof spec, "%s:valid", temp_folder);
    check_fails(open_status(spec), FV_E_ARGUMENT, "no part \"valid\" (there is: test, train)");
}

static void opens_one_file(void **state) {
    (void)state;
    write_temp("my-labels-idx1-ubyte", labels, sizeof labels);
    const char *path = write_temp("my-images-idx3-ubyte", pictures, sizeof pictures);
    fv_data *data = opened(path);
    check_two_pictures(data);
    fv_data_free(data);
    data = opened(write_temp("lonely", pictures, sizeof pictures)); /* known by content; without labels */
    assert_int_equal(fv_data_field_count(data), 1);
    assert_int_equal(fv_data_class_count(data), 0);
    fv_data_free(data);
    check_fails(open_status(write_temp("numbers", labels, sizeof labels)), FV_E_FORMAT, "expected pictures");
}

static void refuses_a_wrong_magic_number(void **state) {
    (void)state;
    unsigned char bad[sizeof pictures];
    memcpy(bad, pictures, sizeof bad);
    bad[2] = 7;
    check_fails(open_status(write_temp("train-images-idx3-ubyte", bad, sizeof bad)), FV_E_FORMAT,
                "wrong magic number 0x00000703");
    bad[2] = 8, bad[3] = 1; /* labels where pictures should be: 2 labels, 20 bytes */
    check_fails(open_status(temp_folder), FV_E_FORMAT, "wrong magic");
    write_temp("train-images-idx3-ubyte", bad, sizeof bad);
    check_fails(open_status(temp_folder), FV_E_FORMAT, "the header claims 2 elements");
}

static void refuses_a_header_that_lies(void **state) {
    (void)state;
    fv_tensor tensor;
    unsigned char bad[sizeof pictures];
    for (int at = 4; at < 16; at++) {
        memcpy(bad, pictures, sizeof bad);
        bad[at] += 1;
        check_fails(fv_idx_parse(bad, sizeof bad, "bad", &tensor, &problem), FV_E_FORMAT,
                    "the file has 12 bytes behind it");
    }
    memcpy(bad + 4, "\xfa\x00\x10\x0d\xff\x00\x00\x00\0\0\0", 12); /* 0 in all, but 2^64 on the way */
    check_fails(fv_idx_parse(bad, 16, "bad", &tensor, &problem), FV_E_FORMAT, "more than");
    memset(bad + 4, 0xff, 12); /* more than a size_t can count */
    check_fails(fv_idx_parse(bad, sizeof bad, "bad", &tensor, &problem), FV_E_FORMAT, "more than");
    for (size_t n = 0; n < sizeof pictures; n++)
        check_fails(fv_idx_parse(pictures, n, "cut", &tensor, &problem), FV_E_FORMAT, "");
    memcpy(bad, pictures, sizeof bad);
    unsigned char longer[sizeof pictures + 1] = {0};
    memcpy(longer, pictures, sizeof pictures);
    check_fails(fv_idx_parse(longer, sizeof longer, "long", &tensor, &problem), FV_E_FORMAT, "the file has 13 bytes");
}

static void refuses_a_truncated_gzip(void **state) {
    (void)state;
    size_t size;
    unsigned char *packed = gzip(pictures, sizeof pictures, &size);
    write_temp("train-images-idx3-ubyte.gz", packed, size - 5);
    write_temp("train-labels-idx1-ubyte", labels, sizeof labels);
    free(packed);
    check_fails(open_status(temp_folder), FV_E_FORMAT, "truncated gzip");
}

static void refuses_labels_that_do_not_fit(void **state) {
    (void)state;
    static const unsigned char three[] = {0, 0, 8, 1, 0, 0, 0, 3, 1, 3, 0};
    write_temp("train-images-idx3-ubyte", pictures, sizeof pictures);
    check_fails(open_status(temp_folder), FV_E_FILE, "labels that belong to it");
    write_temp("train-labels-idx1-ubyte", three, sizeof three);
    check_fails(open_status(temp_folder), FV_E_FORMAT, "3 labels for 2 pictures");
    write_temp("train-labels-idx1-ubyte", pictures, sizeof pictures);
    check_fails(open_status(temp_folder), FV_E_FORMAT, "expected labels (rank 1");
}

static void refuses_labels_out_of_range(void **state) {
    (void)state;
    write_temp("train-images-idx3-ubyte", pictures, sizeof pictures);
    write_temp("train-labels-idx1-ubyte", labels, sizeof labels);
    write_temp("classes.txt", "zero\none\r\ntwo\nthree\n\n", 21);
    fv_data *data = opened(temp_folder);
    assert_int_equal(fv_data_class_count(data), 4);
    assert_string_equal(fv_data_class_name(data, 1), "one");
    assert_string_equal(fv_data_class_name(data, 3), "three");
    fv_data_free(data);
    write_temp("classes.txt", "zero\none\ntwo\n", 13);
    check_fails(open_status(temp_folder), FV_E_FORMAT, "label out of range: sample 1 has class 3, expected 0 to 2");
    static const unsigned char negative[] = {0, 0, 9, 1, 0, 0, 0, 2, 1, 0xff}; /* i8 */
    unlink(temp_path("classes.txt"));
    write_temp("train-labels-idx1-ubyte", negative, sizeof negative);
    check_fails(open_status(temp_folder), FV_E_FORMAT, "label out of range: sample 1 has class -1");
}

static void says_what_is_wrong_with_a_path(void **state) {
    (void)state;
    check_fails(open_status(temp_folder), FV_E_FORMAT, "the folder is empty; expected IDX files");
    check_fails(open_status(temp_path("absent")), FV_E_FILE, "no such file, folder or built-in data set");
    check_fails(open_status(write_temp("notes", "hello", 5)), FV_E_FORMAT, "is no data file that is known");
    check_fails(open_status(temp_folder), FV_E_FORMAT, "no known data in this folder");
    if (geteuid() != 0) { /* root may read everything */
        chmod(temp_path("notes"), 0);
        check_fails(open_status(temp_path("notes")), FV_E_FILE, "Permission denied");
    }
}

static void reads_every_number_type(void **state) {
    (void)state;
    static const unsigned char i16[] = {0, 0, 0x0b, 1, 0, 0, 0, 2, 0xff, 0xfe, 1, 0},
                               f32[] = {0, 0, 0x0d, 1, 0, 0, 0, 1, 0x3f, 0x80, 0, 0};
    fv_tensor tensor;
    check_ok(fv_idx_parse(i16, sizeof i16, "i16", &tensor, &problem));
    assert_int_equal(tensor.dtype, FV_I32);
    assert_int_equal(((int32_t *)tensor.data)[0], -2);
    assert_int_equal(((int32_t *)tensor.data)[1], 256);
    fv_free(tensor.data);
    check_ok(fv_idx_parse(f32, sizeof f32, "f32", &tensor, &problem));
    assert_true(tensor.dtype == FV_F32 && *(float *)tensor.data == 1);
    fv_free(tensor.data);
}

static void opens_the_real_mnist(void **state) {
    (void)state;
    const char *source = getenv("FOVEA_SOURCE");
    char folder[512];
    snprintf(folder, sizeof folder, "%s/../shared/data/mnist", source ? source : ".");
    if (access(folder, R_OK) != 0) {
        print_message("skipped: %s is not there\n", folder);
        skip();
    }
    static const int expected[2][10] = {{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949},
                                        {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}};
    for (int part = 0; part < 2; part++) {
        char spec[600];
        snprintf(spec, sizeof spec, "%s:%s", folder, part ? "test" : "train");
        fv_data *data = opened(spec);
        int counts[10] = {0};
        assert_int_equal(fv_data_count(data), part ? 10000 : 60000);
        for (int64_t i = 0; i < fv_data_count(data); i++) counts[fv_data_class_of(data, i, NULL)]++;
        assert_memory_equal(counts, expected[part], sizeof counts);
        fv_data_free(data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(opens_a_folder_by_parts, clean_temp),
        cmocka_unit_test_teardown(opens_one_file, clean_temp),
        cmocka_unit_test_teardown(refuses_a_wrong_magic_number, clean_temp),
        cmocka_unit_test_teardown(refuses_a_header_that_lies, clean_temp),
        cmocka_unit_test_teardown(refuses_a_truncated_gzip, clean_temp),
        cmocka_unit_test_teardown(refuses_labels_that_do_not_fit, clean_temp),
        cmocka_unit_test_teardown(refuses_labels_out_of_range, clean_temp),
        cmocka_unit_test_teardown(says_what_is_wrong_with_a_path, clean_temp),
        cmocka_unit_test(reads_every_number_type),
        cmocka_unit_test(opens_the_real_mnist),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
