/* test_picture.c - pictures: PNG and PGM/PPM in, PNG out, channels and sizes; golden files made with Pillow. */
#include "picture.h"
#include "bytes.h"
#include "memory.h"
#include "store.h"
#include "files.h"

#include <zlib.h>

static const char *golden(const char *name) {
    static char paths[2][512];
    static int next;
    const char *source = getenv("FOVEA_SOURCE");
    char *path = paths[next++ % 2];
    snprintf(path, sizeof paths[0], "%s/tests/golden/%s", source ? source : ".", name);
    return path;
}

static fv_tensor read_golden(const char *name) {
    fv_tensor t = {0};
    if (fv_picture_read(golden(name), &t, &problem) != FV_OK) fail_msg("%s: %s", name, problem.message);
    return t;
}

static int largest_difference(const fv_tensor *a, const fv_tensor *b) {
    if (!fv_shape_equal(&a->shape, &b->shape)) return 999;
    int largest = 0;
    for (int64_t i = 0; i < fv_shape_count(&a->shape); i++) {
        int difference = abs((int)((unsigned char *)a->data)[i] - (int)((unsigned char *)b->data)[i]);
        if (difference > largest) largest = difference;
    }
    return largest;
}

/* Compares and frees both. */
static void check_same(const char *name, fv_tensor a, fv_tensor b, int tolerance) {
    int difference = largest_difference(&a, &b);
    if (difference > tolerance) fail_msg("%s: differs by %d, expected at most %d", name, difference, tolerance);
    fv_free(a.data);
    fv_free(b.data);
}

static void reads_png_of_every_kind(void **state) {
    (void)state;
    fv_tensor expected, grey, wide;
    check_ok(fv_npy_read(golden("colour_expected.npy"), &expected, &problem));
    check_same("colour.png", read_golden("colour.png"), expected, 0);
    check_ok(fv_npy_read(golden("alpha_expected.npy"), &expected, &problem));
    check_same("alpha.png", read_golden("alpha.png"), expected, 0);
    check_same("palette.png", read_golden("palette.png"), read_golden("palette_expected.png"), 0);
    grey = read_golden("grey.png");
    assert_int_equal(grey.shape.dim[2], 1);
    wide = read_golden("grey16.png");
    check_same("grey16.png", wide, grey, 0);
    fv_tensor bits = read_golden("bits.png");
    for (int i = 0; i < 9 * 13; i++) assert_int_equal(((unsigned char *)bits.data)[i], (i / 13 + i % 13) % 2 * 255);
    fv_free(bits.data);
}

static fv_status parse_text(const char *text, size_t size, fv_tensor *out) {
    *out = (fv_tensor){0};
    return fv_picture_parse((const unsigned char *)text, size, "text", out, &problem);
}

static void reads_pgm_and_ppm(void **state) {
    (void)state;
    const struct {
        const char *text;
        size_t size;
        int channels;
        unsigned char expected[6];
    } cases[] = {{"P2\n# a comment\n2 1 # another\n15\n0 15\n", 0, 1, {0, 255}},
                 {"P3 2 1 255 1 2 3 4 5 6", 0, 3, {1, 2, 3, 4, 5, 6}},
                 {"P5 2 1 255\n\x01\xff", 13, 1, {1, 255}},
                 {"P5 2 1 255\n\n\n", 13, 1, {10, 10}},
                 {"P6 2 1 255\n\1\2\3\4\5\6", 17, 3, {1, 2, 3, 4, 5, 6}},
                 {"P5 2 1 65535\n\x80\x00\xff\xff", 17, 1, {128, 255}},
                 {"P2 2 1 1 1 0", 0, 1, {255, 0}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_tensor t;
        check_ok(parse_text(cases[i].text, cases[i].size ? cases[i].size : strlen(cases[i].text), &t));
        assert_true(fv_shape_equal(&t.shape, &(fv_shape){3, {1, 2, cases[i].channels}}));
        assert_memory_equal(t.data, cases[i].expected, 2 * (size_t)cases[i].channels);
        fv_free(t.data);
    }
}

static void refuses_damaged_pgm_and_ppm(void **state) {
    (void)state;
    const struct {
        const char *text, *words;
    } cases[] = {{"", "the file is empty"},
                 {"P4 2 1 \1", "is no picture that can be read"},
                 {"P5", "is no picture"},
                 {"P5 2", "damaged header"},
                 {"P5 2 1 255", "claims 2 x 1 pixels (2 bytes), the file has 0"},
                 {"P5 2 1 255\n1", "claims 2 x 1"},
                 {"P5 2 1 255\n123", "the file has 3 bytes"},
                 {"P5 0 1 255\n", "damaged header"},
                 {"P5 2 -1 255\n12", "damaged header"},
                 {"P5 2 1 65536\n1234", "damaged header"},
                 {"P5 2 1 0\n12", "damaged header"},
                 {"P5 2 1 100\n12\x7f", "file has 3"},
                 {"P5 1 1 100\n\x7f", "number 1 is 127, the header's maximum is 100"},
                 {"P5 268435456 268435456 255\n1", "claims"},
                 {"P6 99999999999 1 255\n1", "damaged header"},
                 {"P2 2 1 255 7", "claims"},
                 {"P2 2 1 255 7 x", "number 2 of 2 is missing"},
                 {"P2 2 1 255 7 256", "not within 0 to 255"},
                 {"P2 2 1 255 7 8 9", "something follows"},
                 {"P2 268435456 268435456 255 1", "claims"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_tensor t;
        fv_status status = parse_text(cases[i].text, strlen(cases[i].text), &t);
        if (status != FV_E_FORMAT || !strstr(problem.message, cases[i].words))
            fail_msg("%s: expected \"%s\", got %d \"%s\"", cases[i].text, cases[i].words, status, problem.message);
    }
}

static void refuses_damaged_png(void **state) {
    (void)state;
    const char *names[] = {"colour.png", "alpha.png", "palette.png", "bits.png"};
    for (int k = 0; k < 4; k++) {
        unsigned char *bytes;
        size_t size;
        fv_tensor t;
        check_ok(fv_read_bytes(golden(names[k]), 100000, &bytes, &size, &problem));
        for (size_t n = 0; n < size; n++) {
            unsigned char *cut = malloc(n ? n : 1);
            memcpy(cut, bytes, n);
            if (fv_picture_parse(cut, n, "cut", &t, &problem) != FV_E_FORMAT)
                fail_msg("%s: cut after %zu of %zu bytes is accepted", names[k], n, size);
            free(cut);
        }
        for (size_t n = 0; n < size;
             n++) { /* one wrong bit: refused, or (in what does not matter) read; never more than that */
            bytes[n] ^= 0x10;
            if (fv_picture_parse(bytes, size, "bit", &t, &problem) == FV_OK) fv_free(t.data);
            bytes[n] ^= 0x10;
        }
        fv_free(bytes);
    }
}

/* Changes the size in the header and makes its checksum right again. */
static void refuses_a_png_that_claims_too_much(void **state) {
    (void)state;
    unsigned char *bytes;
    size_t size;
    fv_tensor t;
    const struct {
        unsigned width, height;
        const char *words;
    } cases[] = {{16000, 16000, "more pixels than the file can hold"},
                 {1 << 20, 1 << 20, "more than 2^28 pixels"},
                 {0x7fffffff, 1, "damaged PNG"},
                 {0, 5, "damaged PNG"}};
    check_ok(fv_read_bytes(golden("colour.png"), 100000, &bytes, &size, &problem));
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 4; k++) {
            bytes[16 + k] = (unsigned char)(cases[i].width >> 8 * (3 - k));
            bytes[20 + k] = (unsigned char)(cases[i].height >> 8 * (3 - k));
        }
        unsigned long crc = crc32(0, bytes + 12, 17);
        for (int k = 0; k < 4; k++) bytes[29 + k] = (unsigned char)(crc >> 8 * (3 - k));
        check_fails(fv_picture_parse(bytes, size, "large", &t, &problem), FV_E_FORMAT, cases[i].words);
    }
    fv_free(bytes);
}

static void png_comes_back_as_it_was(void **state) {
    (void)state;
    const char *names[] = {"colour.png", "grey.png"};
    for (int i = 0; i < 2; i++) {
        fv_tensor picture = read_golden(names[i]), back;
        check_ok(fv_png_write(temp_path("a.png"), &picture, &problem));
        check_ok(fv_picture_read(temp_path("a.png"), &back, &problem));
        check_same(names[i], back, picture, 0);
    }
    float x[4] = {0};
    check_fails(fv_png_write(temp_path("b.png"), &(fv_tensor){FV_F32, {3, {2, 2, 1}}, x}, &problem), FV_E_SHAPE,
                "got f32 2x2x1");
    check_fails(fv_png_write(temp_path("b.png"), &(fv_tensor){FV_U8, {3, {2, 2, 2}}, x}, &problem), FV_E_SHAPE,
                "got u8 2x2x2");
    check_fails(fv_png_write(temp_path("no/b.png"), &(fv_tensor){FV_U8, {3, {2, 2, 1}}, x}, &problem), FV_E_FILE,
                "No such file");
}

static void changes_channels(void **state) {
    (void)state;
    unsigned char colours[] = {255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255}, *data;
    fv_tensor picture = {FV_U8, {3, {2, 2, 3}}, colours}, grey, colour;
    check_ok(fv_picture_channels(&picture, 1, &grey, &problem));
    assert_memory_equal(grey.data, ((unsigned char[]){255, 76, 150, 29}), 4);
    check_ok(fv_picture_channels(&grey, 3, &colour, &problem));
    data = colour.data;
    for (int i = 0; i < 12; i++) assert_int_equal(data[i], ((unsigned char *)grey.data)[i / 3]);
    fv_free(colour.data);
    check_ok(fv_picture_channels(&grey, 1, &colour, &problem));
    assert_memory_equal(colour.data, grey.data, 4);
    fv_free(colour.data);
    check_fails(fv_picture_channels(&grey, 2, &colour, &problem), FV_E_SHAPE, "1 and 3 are known");
    fv_free(grey.data);
}

static void resizes_as_pillow_does(void **state) {
    (void)state;
    const int sizes[][2] = {{28, 28}, {45, 31}, {7, 5}, {100, 64}, {1, 1}, {46, 12}};
    fv_tensor noise = read_golden("noise.png");
    for (int i = 0; i < 6; i++) {
        char name[64];
        fv_tensor small;
        snprintf(name, sizeof name, "noise_%dx%d.png", sizes[i][0], sizes[i][1]);
        check_ok(fv_picture_resize(&noise, sizes[i][1], sizes[i][0], &small, &problem));
        check_same(name, small, read_golden(name), 1);
    }
    fv_tensor out;
    check_fails(fv_picture_resize(&noise, 0, 5, &out, &problem), FV_E_FORMAT, "5 x 0 pixels");
    check_fails(fv_picture_resize(&noise, 1 << 20, 1 << 20, &out, &problem), FV_E_FORMAT, "at most 268435456");
    fv_free(noise.data);
}

static void says_what_it_can_read(void **state) {
    (void)state;
    fv_tensor t;
    check_fails(fv_picture_read(write_temp("a.txt", "hello", 5), &t, &problem), FV_E_FORMAT,
                "is no picture that can be read (PNG, PGM/PPM, JPEG)");
    check_fails(fv_picture_read(temp_path("absent.png"), &t, &problem), FV_E_FILE, "No such file");
    assert_false(fv_picture_is((const unsigned char *)"hello", 5));
    assert_true(fv_picture_is((const unsigned char *)"P5 1", 4));
}

static void running_out_of_memory_leaks_nothing(void **state) {
    (void)state;
    for (int64_t n = 0;; n++) {
        fv_tensor picture = {0}, small = {0};
        uint64_t before = fv_alloc_count();
        fv_alloc_fail_after(n);
        fv_status status = fv_picture_read(golden("alpha.png"), &picture, &problem);
        if (status == FV_OK) status = fv_picture_resize(&picture, 5, 5, &small, &problem);
        if (status == FV_OK) status = fv_png_write(temp_path("m.png"), &small, &problem);
        fv_alloc_fail_after(-1);
        fv_free(picture.data);
        fv_free(small.data);
        if (fv_alloc_count() - before <= (uint64_t)n) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_png_of_every_kind),
        cmocka_unit_test(reads_pgm_and_ppm),
        cmocka_unit_test(refuses_damaged_pgm_and_ppm),
        cmocka_unit_test(refuses_damaged_png),
        cmocka_unit_test(refuses_a_png_that_claims_too_much),
        cmocka_unit_test(png_comes_back_as_it_was),
        cmocka_unit_test(changes_channels),
        cmocka_unit_test(resizes_as_pillow_does),
        cmocka_unit_test(says_what_it_can_read),
        cmocka_unit_test(running_out_of_memory_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
