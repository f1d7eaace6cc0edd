/* test_npz.c - NumPy's NPZ, also such as unpack to more than anybody has. Without libarchive: the word what to install. */
#include "picture_sets.h"

#include "npz.h"

#ifndef FOVEA_ARCHIVE

static void says_what_to_install(void **state) {
    (void)state;
    fv_tensor t;
    check_fails(fv_npz_read(write_temp("a.npz", "PK\3\4", 4), "x", 1000, &t, &problem), FV_E_UNSUPPORTED,
                "install libarchive");
    check_refused(temp_path("a.npz"), NULL, "install libarchive");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(says_what_to_install, NULL, clean_temp)};
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}

#else

/* ---- a small writer of zip archives ----------------------------------------------------------------------------- */

typedef struct zip {
    unsigned char *bytes, directory[4096];
    size_t size, directory_size;
    int entries;
} zip;

static void put(unsigned char **to, uint64_t value, int length) {
    for (int i = 0; i < length; i++) *(*to)++ = (unsigned char)(value >> 8 * i);
}

/* `packed` as it is to lie in the file; method 0 or 8 (deflate). */
static void add_packed(zip *z, const char *name, int method, const unsigned char *packed, size_t packed_size,
                       size_t size, uint32_t sum) {
    size_t length = strlen(name), at = z->size;
    z->bytes = realloc(z->bytes, z->size + 30 + length + packed_size + sizeof z->directory + 22);
    unsigned char *to = z->bytes + z->size, *entry = z->directory + z->directory_size;
    put(&to, 0x04034b50, 4), put(&to, 20, 2), put(&to, 0, 2), put(&to, (uint64_t)method, 2), put(&to, 0, 4),
        put(&to, sum, 4);
    put(&to, packed_size, 4), put(&to, size, 4), put(&to, length, 2), put(&to, 0, 2);
    memcpy(to, name, length);
    memcpy(to + length, packed, packed_size);
    z->size += 30 + length + packed_size;
    put(&entry, 0x02014b50, 4), put(&entry, 20, 2), put(&entry, 20, 2), put(&entry, 0, 2),
        put(&entry, (uint64_t)method, 2);
    put(&entry, 0, 4), put(&entry, sum, 4), put(&entry, packed_size, 4), put(&entry, size, 4), put(&entry, length, 2);
    put(&entry, 0, 8), put(&entry, 0, 4), put(&entry, at, 4);
    memcpy(entry, name, length);
    z->directory_size += 46 + length;
    z->entries++;
}

static unsigned char *deflated(const unsigned char *bytes, size_t size, size_t *packed_size) {
    z_stream s = {0};
    unsigned char *out = malloc(size / 900 + size / 8 + 200);
    deflateInit2(&s, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    s.next_in = (unsigned char *)bytes, s.avail_in = (unsigned)size;
    s.next_out = out, s.avail_out = (unsigned)(size / 900 + size / 8 + 200);
    if (deflate(&s, Z_FINISH) != Z_STREAM_END) fail();
    *packed_size = s.total_out;
    deflateEnd(&s);
    return out;
}

static void add(zip *z, const char *name, bool packs, const unsigned char *bytes, size_t size) {
    size_t packed_size = size;
    unsigned char *packed = packs ? deflated(bytes, size, &packed_size) : NULL;
    add_packed(z, name, packs ? 8 : 0, packs ? packed : bytes, packed_size, size,
               (uint32_t)crc32(0, bytes, (unsigned)size));
    free(packed);
}

static const char *finish(zip *z, const char *name) {
    unsigned char *to = z->bytes + z->size;
    memcpy(to, z->directory, z->directory_size);
    to += z->directory_size;
    put(&to, 0x06054b50, 4), put(&to, 0, 4), put(&to, (uint64_t)z->entries, 2), put(&to, (uint64_t)z->entries, 2);
    put(&to, z->directory_size, 4), put(&to, z->size, 4), put(&to, 0, 2);
    const char *path = write_temp(name, z->bytes, (size_t)(to - z->bytes));
    free(z->bytes);
    *z = (zip){0};
    return path;
}

/* Bytes of (count, rest) as NPY, `claimed` of them in the header. */
static size_t npy(unsigned char *out, const char *shape, const unsigned char *values, size_t size) {
    int length = snprintf((char *)out + 10, 118, "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }", shape);
    memset(out + 10 + length, ' ', (size_t)(118 - length));
    memcpy(out, "\x93NUMPY\1\0\x76", 10);
    out[9] = 0;
    out[127] = '\n';
    if (size) memcpy(out + 128, values, size);
    return 128 + size;
}

static void add_bytes(zip *z, const char *name, bool packs, const char *shape, const unsigned char *values,
                      size_t size) {
    unsigned char bytes[1024];
    add(z, name, packs, bytes, npy(bytes, shape, values, size));
}

/* ---- the tests -------------------------------------------------------------------------------------------------- */

static void reads_stored_and_packed_arrays(void **state) {
    (void)state;
    unsigned char values[48];
    zip z = {0};
    for (int i = 0; i < 48; i++) values[i] = (unsigned char)i;
    add_bytes(&z, "x_train.npy", true, "(4, 2, 2, 3)", values, 48);
    add_bytes(&z, "y_train.npy", false, "(4,)", (const unsigned char *)"\0\1\2\1", 4);
    add_bytes(&z, "x_test.npy", true, "(1, 2, 2, 3)", values + 12, 12);
    add_bytes(&z, "y_test.npy", false, "(1,)", (const unsigned char *)"\2", 1);
    add(&z, "readme.txt", false, (const unsigned char *)"hello", 5);
    fv_data *data = open_set(finish(&z, "set.npz"), NULL);
    int class_number = -1;
    assert_int_equal(fv_data_count(data), 4);
    assert_int_equal(first_byte(data, 2, &class_number), 24);
    assert_int_equal(class_number, 2);
    assert_true(fv_data_has_part(data, "test"));
    fv_data_free(data);
    char spec[600];
    snprintf(spec, sizeof spec, "%s:test", temp_path("set.npz"));
    data = open_set(spec, NULL);
    assert_int_equal(first_byte(data, 0, &class_number), 12);
    fv_data_free(data);
    snprintf(spec, sizeof spec, "%s:val", temp_path("set.npz"));
    check_refused(spec, NULL, "no part \"val\"");
}

static void knows_the_usual_names(void **state) {
    (void)state;
    static const char *const names[][2] = {
        {"x", "y"}, {"images", "labels"}, {"train_images", "train_labels"}, {"X_train", "y_train"}, {"arr_0", "arr_1"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        zip z = {0};
        char name[64];
        for (int k = 0; k < 2; k++) {
            snprintf(name, sizeof name, "%s.npy", names[i][k]);
            add_bytes(&z, name, false, k ? "(2,)" : "(2, 1, 1, 1)", (const unsigned char *)"\0\1", 2);
        }
        fv_data *data = open_set(finish(&z, "set.npz"), NULL);
        assert_int_equal(fv_data_class_count(data), 2);
        fv_data_free(data);
    }
    zip z = {0};
    add_bytes(&z, "weights.npy", false, "(2,)", (const unsigned char *)"\0\1", 2);
    check_refused(finish(&z, "set.npz"), NULL,
                  "expected arrays called x and y, x_train and y_train, or images and labels; it has weights");
}

/* A gibibyte of zeros in a megabyte, and a header that wants still more. */
static void bombs_are_bounded(void **state) {
    (void)state;
    enum { SIZE = 64 << 20 };
    unsigned char *zeros = calloc(SIZE, 1);
    fv_tensor t;
    npy(zeros, "(99999999999, 10)", NULL, 0);
    zip z = {0};
    add(&z, "x.npy", true, zeros, SIZE);
    const char *path = finish(&z, "bomb.npz");
    check_fails(fv_npz_read(path, "x", 1 << 20, &t, &problem), FV_E_FORMAT,
                "unpacks to more than the 1048576 bytes allowed here");
    check_refused(path, NULL, "the header claims");
    /* A size in the directory that is a lie. */
    size_t packed_size;
    unsigned char *packed = deflated(zeros, SIZE, &packed_size);
    add_packed(&z, "x.npy", 8, packed, packed_size, 100, 0);
    check_fails(fv_npz_read(finish(&z, "bomb.npz"), "x", 1 << 20, &t, &problem), FV_E_FORMAT, "");
    free(packed);
    free(zeros);
}

static void refuses_damage(void **state) {
    (void)state;
    unsigned char values[12] = {1, 2, 3}, copy[4096];
    zip z = {0};
    add_bytes(&z, "x.npy", true, "(1, 2, 2, 3)", values, 12);
    FILE *file = fopen(finish(&z, "whole.npz"), "rb");
    size_t size = fread(copy, 1, sizeof copy, file);
    fclose(file);
    for (size_t cut = 0; cut < size; cut++) {
        fv_tensor t = {0};
        if (fv_npz_read(write_temp("cut.npz", copy, cut), "x", 1 << 20, &t, &problem) == FV_OK)
            fail_msg("%zu bytes of %zu are read", cut, size);
        fv_free(t.data);
    }
    for (size_t i = 0; i < size; i++) {
        fv_tensor t = {0};
        copy[i] ^= 0x15;
        if (fv_npz_read(write_temp("flipped.npz", copy, size), "x", 1 << 20, &t, &problem) == FV_OK) fv_free(t.data);
        copy[i] ^= 0x15;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define temp_test(name) cmocka_unit_test_setup_teardown(name, NULL, clean_temp)
        temp_test(reads_stored_and_packed_arrays),
        temp_test(knows_the_usual_names),
        temp_test(bombs_are_bounded),
        temp_test(refuses_damage),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}

#endif
