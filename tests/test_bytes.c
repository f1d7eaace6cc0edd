/* test_bytes.c - whole files in and out: bounds, gzip, all or nothing. */
#include "bytes.h"
#include "files.h"

#include <zlib.h>

static void reads_what_was_written(void **state) {
    (void)state;
    const char *path = temp_path("plain.bin");
    fv_part parts[] = {{"abc", 3}, {"", 0}, {"defg", 4}};
    check_ok(fv_write_bytes(path, parts, 3, &problem));
    unsigned char *bytes;
    size_t size;
    check_ok(fv_read_bytes(path, 7, &bytes, &size, &problem));
    assert_int_equal(size, 7);
    assert_memory_equal(bytes, "abcdefg", 8); /* with the closing zero */
    fv_free(bytes);
    check_ok(fv_write_bytes(path, parts, 0, &problem)); /* replaced by an empty one */
    check_ok(fv_read_bytes(path, 7, &bytes, &size, &problem));
    assert_int_equal(size, 0);
    assert_int_equal(bytes[0], 0);
    fv_free(bytes);
    assert_int_equal(files_in_temp(), 1); /* no temporary file is left */
}

static void refuses_more_than_the_limit(void **state) {
    (void)state;
    unsigned char *bytes;
    size_t size;
    const char *path = write_temp("large.bin", "0123456789", 10);
    check_fails(fv_read_bytes(path, 9, &bytes, &size, &problem), FV_E_FORMAT, "more than the 9 bytes");
}

static void says_why_a_file_cannot_be_read_or_written(void **state) {
    (void)state;
    unsigned char *bytes;
    size_t size;
    check_fails(fv_read_bytes(temp_path("absent"), 9, &bytes, &size, &problem), FV_E_FILE, "No such file");
    check_fails(fv_read_bytes(temp_path(""), 9, &bytes, &size, &problem), FV_E_FILE, "is a folder");
    fv_part part = {"x", 1};
    check_fails(fv_write_bytes(temp_path("no/such/folder"), &part, 1, &problem), FV_E_FILE, "No such file");
    check_fails(fv_write_bytes("/dev/null", &part, 1, &problem), FV_E_FILE, "not a regular file");
    check_fails(fv_write_bytes(temp_path(""), &part, 1, &problem), FV_E_FILE, "not a regular file");
}

static void undoes_gzip(void **state) {
    (void)state;
    static unsigned char content[300000];
    for (size_t i = 0; i < sizeof content; i++) content[i] = (unsigned char)(i * i >> 7);
    size_t packed_size, size;
    unsigned char *packed = gzip(content, sizeof content, &packed_size), *bytes;
    const char *path = write_temp("a.gz", packed, packed_size);
    check_ok(fv_read_bytes(path, sizeof content, &bytes, &size, &problem));
    assert_int_equal(size, sizeof content);
    assert_memory_equal(bytes, content, size);
    fv_free(bytes);
    check_fails(fv_read_bytes(path, sizeof content - 1, &bytes, &size, &problem), FV_E_FORMAT, "more than");
    check_ok(fv_read_raw_bytes(path, SIZE_MAX / 4, &bytes, &size, &problem)); /* as it lies there */
    assert_int_equal(size, packed_size);
    fv_free(bytes);
    unsigned char start[4];
    assert_int_equal(fv_read_start(path, start, 4), 4);
    assert_memory_equal(start, content, 4);
    free(packed);
}

static void reads_gzip_members_in_a_row(void **state) {
    (void)state;
    size_t a_size, b_size, size;
    unsigned char *a = gzip("first ", 6, &a_size), *b = gzip("second", 6, &b_size), *bytes, both[200];
    memcpy(both, a, a_size);
    memcpy(both + a_size, b, b_size);
    check_ok(fv_gunzip_bytes(both, a_size + b_size, 100, "both", &bytes, &size, &problem));
    assert_string_equal((char *)bytes, "first second");
    fv_free(bytes);
    free(a);
    free(b);
}

static void bounds_a_gzip_bomb(void **state) {
    (void)state;
    enum { ZEROS = 20000000 };
    unsigned char *zeros = calloc(ZEROS, 1), *bytes;
    size_t packed_size, size;
    unsigned char *packed = gzip(zeros, ZEROS, &packed_size);
    assert_true(packed_size < 30000);
    check_fails(fv_gunzip_bytes(packed, packed_size, 100000, "bomb", &bytes, &size, &problem), FV_E_FORMAT,
                "more than the 100000 bytes");
    free(zeros);
    free(packed);
}

static void refuses_damaged_gzip(void **state) {
    (void)state;
    size_t packed_size, size;
    unsigned char *packed = gzip("The quick brown fox jumps over the lazy dog", 43, &packed_size), *bytes, longer[200];
    for (size_t n = 2; n < packed_size; n++) {
        const char *path = write_temp("cut.gz", packed, n);
        fv_status status = fv_read_bytes(path, 1000, &bytes, &size, &problem);
        if (status != FV_E_FORMAT)
            fail_msg("cut after %zu of %zu bytes: expected a format error, got status %d", n, packed_size, status);
    }
    memcpy(longer, packed, packed_size);
    memcpy(longer + packed_size, "junk", 4);
    check_fails(fv_gunzip_bytes(longer, packed_size + 4, 1000, "x", &bytes, &size, &problem), FV_E_FORMAT,
                "4 bytes of something else");
    packed[packed_size - 6] ^= 1; /* the checksum */
    check_fails(fv_gunzip_bytes(packed, packed_size, 1000, "x", &bytes, &size, &problem), FV_E_FORMAT, "damaged gzip");
    free(packed);
}

static void knows_extensions(void **state) {
    (void)state;
    const char *cases[][2] = {{"a/b.PNG", "png"}, {"a.b/c", ""},     {"x.tar.gz", "gz"},
                              {".hidden", ""},    {"a/.hidden", ""}, {"plain", ""}};
    for (int i = 0; i < 6; i++) assert_string_equal(fv_extension(cases[i][0]), cases[i][1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(refuses_more_than_the_limit),
        cmocka_unit_test(says_why_a_file_cannot_be_read_or_written),
        cmocka_unit_test(undoes_gzip),
        cmocka_unit_test(reads_gzip_members_in_a_row),
        cmocka_unit_test(bounds_a_gzip_bomb),
        cmocka_unit_test(refuses_damaged_gzip),
        cmocka_unit_test(knows_extensions),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
