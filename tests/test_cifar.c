/* test_cifar.c - CIFAR-10 and CIFAR-100 in binary form. */
#include "picture_sets.h"

#include "cifar.h"
#include "source.h"

/* Records whose pixel (y, x) is record + y, record + x, record + 100. */
static const char *write_records(const char *name, int label_bytes, int first, int count) {
    static unsigned char bytes[8 * (2 + FV_CIFAR_PIXELS)];
    unsigned char *to = bytes;
    for (int i = first; i < first + count; i++) {
        if (label_bytes == 2) *to++ = 19;
        *to++ = (unsigned char)(label_bytes == 2 ? 99 - i : i % 10);
        for (int plane = 0; plane < 3; plane++)
            for (int k = 0; k < 1024; k++)
                *to++ = (unsigned char)(i + (plane == 0 ? k / 32 : plane == 1 ? k % 32 : 100));
    }
    make_folders(name);
    return write_temp(name, bytes, (size_t)(to - bytes));
}

static void check_record(fv_data *data, int64_t index, int record, int expected_class) {
    unsigned char picture[FV_CIFAR_PIXELS];
    int32_t number;
    check_ok(fv_data_read(data, index, (void *[]){picture, &number}, &problem));
    assert_int_equal(number, expected_class);
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 32; x++) {
            const unsigned char *p = picture + (y * 32 + x) * 3;
            if (p[0] != record + y || p[1] != record + x || p[2] != record + 100)
                fail_msg("record %d, pixel %d, %d: got %d %d %d", record, y, x, p[0], p[1], p[2]);
        }
}

static void write_cifar_10(void) {
    for (int i = 0; i < 5; i++) {
        char name[64];
        snprintf(name, sizeof name, "set/data_batch_%d.bin", i + 1);
        write_records(name, 1, 2 * i, 2);
    }
    write_records("set/test_batch.bin", 1, 20, 3);
}

static void reads_cifar_10(void **state) {
    (void)state;
    write_cifar_10();
    fv_data *data = open_set(temp_path("set"), NULL);
    assert_int_equal(fv_data_count(data), 10);
    assert_string_equal(fv_data_class_name(data, 9), "truck");
    assert_true(fv_data_has_part(data, "test"));
    for (int i = 0; i < 10; i++) check_record(data, i, i, i);
    fv_data_free(data);
    char spec[600];
    snprintf(spec, sizeof spec, "%s:test", temp_path("set"));
    data = open_set(spec, NULL);
    assert_int_equal(fv_data_count(data), 3);
    check_record(data, 2, 22, 2);
    fv_data_free(data);
    data = open_set(temp_path("set/data_batch_2.bin"), NULL);
    check_record(data, 0, 2, 2);
    fv_data_free(data);
}

static void the_names_beside_the_data_count(void **state) {
    (void)state;
    write_cifar_10();
    write_text("set/batches.meta.txt", "A\nB\nC\nD\nE\nF\nG\nH\nI\nJ\n\n");
    fv_data *data = open_set(temp_path("set"), NULL);
    assert_string_equal(fv_data_class_name(data, 3), "D");
    fv_data_free(data);
    write_text("set/batches.meta.txt", "A\nB\n");
    check_refused(temp_path("set"), NULL, "expected 10 class names, got 2");
}

static void reads_cifar_100_by_its_fine_labels(void **state) {
    (void)state;
    write_records("set/train.bin", 2, 0, 4);
    fv_data *data = open_set(temp_path("set"), NULL);
    assert_int_equal(fv_data_class_count(data), 100);
    assert_string_equal(fv_data_class_name(data, 99), "worm");
    assert_string_equal(fv_data_class_name(data, 60), "plain");
    for (int i = 0; i < 4; i++) check_record(data, i, i, 99 - i);
    assert_false(fv_data_has_part(data, "test"));
    fv_data_free(data);
}

static void refuses_what_cannot_be_cifar(void **state) {
    (void)state;
    static unsigned char bytes[3 * 3073 + 5];
    write_cifar_10();
    write_temp("set/data_batch_3.bin", bytes, sizeof bytes);
    check_refused(temp_path("set"), NULL,
                  "data_batch_3.bin: a CIFAR-10 file has a multiple of 3073 bytes, this one has 9224 (5 too many)");
    write_temp("set/data_batch_3.bin", bytes, 0);
    check_refused(temp_path("set"), NULL, "a multiple of 3073 bytes, this one has 0");
    bytes[3073] = 10;
    write_temp("set/data_batch_3.bin", bytes, 2 * 3073);
    check_refused(temp_path("set"), NULL, "record 1 has class 10, expected 0 to 9");
    unlink(temp_path("set/data_batch_3.bin"));
    check_refused(temp_path("set"), NULL, "data_batch_3.bin is missing");
}

/* The real one, when it is there: FOVEA_CIFAR10 is a folder made by scripts/get_cifar10.sh. */
static void the_real_one_is_whole(void **state) {
    (void)state;
    const char *folder = getenv("FOVEA_CIFAR10");
    if (!folder) {
        print_message("skipped: FOVEA_CIFAR10 names no folder with CIFAR-10\n");
        skip();
        return;
    }
    char spec[600];
    for (int part = 0; part < 2; part++) {
        snprintf(spec, sizeof spec, "%s:%s", folder, part ? "test" : "train");
        fv_data *data = open_set(spec, NULL);
        int64_t counts[10] = {0};
        for (int64_t i = 0; i < fv_data_count(data); i++) counts[fv_data_class_of(data, i, NULL)]++;
        for (int i = 0; i < 10; i++) assert_int_equal(counts[i], part ? 1000 : 5000);
        fv_data_free(data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define temp_test(name) cmocka_unit_test_setup_teardown(name, NULL, clean_temp)
        temp_test(reads_cifar_10),
        temp_test(the_names_beside_the_data_count),
        temp_test(reads_cifar_100_by_its_fine_labels),
        temp_test(refuses_what_cannot_be_cifar),
        cmocka_unit_test(the_real_one_is_whole),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
