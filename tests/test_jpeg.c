/* test_jpeg.c - JPEG: every kind of colours, which way up, and files that lie. Without libjpeg: the word what to install. */
#include "files.h"
#include "picture.h"

static fv_status parse(const unsigned char *bytes, size_t size, fv_tensor *out) {
    *out = (fv_tensor){0};
    return fv_picture_parse(bytes, size, "photo.jpg", out, &problem);
}

#ifndef FOVEA_JPEG

static void says_what_to_install(void **state) {
    (void)state;
    fv_tensor t;
    const unsigned char start[] = {0xff, 0xd8, 0xff, 0xe0, 0, 16};
    assert_true(fv_picture_is(start, sizeof start));
    check_fails(parse(start, sizeof start, &t), FV_E_UNSUPPORTED, "install libjpeg-turbo");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_what_to_install)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include "jpeg_files.h"
#include "orient.h"

#include <time.h>

enum { HEIGHT = 24, WIDTH = 40 };

/* Soft ramps, another one in every channel: JPEG keeps them to within a few steps. */
static void paint(unsigned char *pixels, int channels) {
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < channels; c++)
                *pixels++ = (unsigned char)(c == 0   ? 40 + x * 4
                                            : c == 1 ? 200 - y * 5
                                            : c == 2 ? 60 + x + y
                                                     : 30 + 2 * y);
}

static void check_close(const char *name, const fv_tensor *t, const unsigned char *expected, int tolerance) {
    for (int64_t i = 0; i < fv_shape_count(&t->shape); i++) {
        int got = ((unsigned char *)t->data)[i];
        if (abs(got - expected[i]) > tolerance)
            fail_msg("%s: byte %lld: expected %d, got %d", name, (long long)i, expected[i], got);
    }
}

static void reads_grey_and_colours(void **state) {
    (void)state;
    static unsigned char pixels[HEIGHT * WIDTH * 3];
    const jpeg_kind kinds[] = {{.channels = 1}, {.channels = 3}, {.channels = 3, .progressive = true}};
    for (int i = 0; i < 3; i++) {
        paint(pixels, kinds[i].channels);
        jpeg_file file = make_jpeg(pixels, HEIGHT, WIDTH, kinds[i]);
        fv_tensor t;
        check_ok(parse(file.bytes, file.size, &t));
        assert_true(fv_shape_equal(&t.shape, &(fv_shape){3, {HEIGHT, WIDTH, kinds[i].channels}}));
        check_close("ramps", &t, pixels, 4);
        fv_free(t.data);
        free(file.bytes);
    }
}

/* Adobe writes 255 - ink; other files the ink. Light = (255 - ink) * (255 - black) / 255. */
static void turns_inks_into_light(void **state) {
    (void)state;
    static unsigned char inks[HEIGHT * WIDTH * 4], expected[HEIGHT * WIDTH * 3];
    for (int plain = 0; plain < 2; plain++) {
        paint(inks, 4);
        for (int i = 0; i < HEIGHT * WIDTH; i++)
            for (int k = 0; k < 3; k++) {
                int light = plain ? 255 - inks[4 * i + k] : inks[4 * i + k],
                    black = plain ? 255 - inks[4 * i + 3] : inks[4 * i + 3];
                expected[3 * i + k] = (unsigned char)((light * black + 127) / 255);
            }
        jpeg_file file = make_jpeg(inks, HEIGHT, WIDTH, (jpeg_kind){.channels = 4, .plain_ink = plain});
        fv_tensor t;
        check_ok(parse(file.bytes, file.size, &t));
        assert_int_equal(t.shape.dim[2], 3);
        check_close(plain ? "inks" : "Adobe's inks", &t, expected, 4);
        fv_free(t.data);
        free(file.bytes);
    }
}

/* Stored so that turning by the EXIF orientation gives the upright picture back: (y, x) of the upright one lies at ... */
static void stored_at(int orientation, int y, int x, int *sy, int *sx) {
    int h = HEIGHT - 1 - y, w = WIDTH - 1 - x;
    const int at[9][2] = {{0, 0}, {y, x}, {y, w}, {h, w}, {h, x}, {x, y}, {w, y}, {w, h}, {x, h}};
    *sy = at[orientation][0], *sx = at[orientation][1];
}

static void stands_upright_as_exif_says(void **state) {
    (void)state;
    static unsigned char upright[HEIGHT * WIDTH], stored[HEIGHT * WIDTH];
    paint(upright, 1);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) upright[y * WIDTH + x] = (unsigned char)(20 + 3 * x + 4 * y);
    for (int orientation = 1; orientation <= 8; orientation++) {
        int height = orientation >= 5 ? WIDTH : HEIGHT, width = orientation >= 5 ? HEIGHT : WIDTH;
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                int sy, sx;
                stored_at(orientation, y, x, &sy, &sx);
                stored[sy * width + sx] = upright[y * WIDTH + x];
            }
        jpeg_file file =
            make_jpeg(stored, height, width,
                      (jpeg_kind){.channels = 1, .orientation = orientation, .big_endian = orientation % 2});
        fv_tensor t;
        char name[32];
        snprintf(name, sizeof name, "orientation %d", orientation);
        check_ok(parse(file.bytes, file.size, &t));
        assert_true(fv_shape_equal(&t.shape, &(fv_shape){3, {HEIGHT, WIDTH, 1}}));
        check_close(name, &t, upright, 3);
        fv_free(t.data);
        free(file.bytes);
    }
}

static void damaged_exif_changes_nothing(void **state) {
    (void)state;
    const unsigned char good[] = {'E', 'x', 'i',  'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0,
                                  1,   0,   0x12, 1,   3, 0, 1,   0,   0,  0, 6, 0, 0, 0};
    assert_int_equal(fv_exif_orientation(good, sizeof good), 6);
    for (size_t size = 0; size < 26; size++) assert_int_equal(fv_exif_orientation(good, size), 1);
    for (size_t i = 0; i < sizeof good; i++) {
        unsigned char bad[sizeof good];
        memcpy(bad, good, sizeof good);
        for (int value = 0; value < 256; value++) {
            bad[i] = (unsigned char)value;
            int got = fv_exif_orientation(bad, sizeof bad);
            assert_true(got >= 1 && got <= 8);
        }
    }
}

static void refuses_every_truncation(void **state) {
    (void)state;
    static unsigned char pixels[HEIGHT * WIDTH * 3];
    paint(pixels, 3);
    for (int progressive = 0; progressive < 2; progressive++) {
        jpeg_file file = make_jpeg(pixels, HEIGHT, WIDTH, (jpeg_kind){.channels = 3, .progressive = progressive});
        for (size_t size = 3; size < file.size - 1; size += 1 + size / 40) {
            fv_tensor t;
            check_fails(parse(file.bytes, size, &t), FV_E_FORMAT, "damaged JPEG");
        }
        free(file.bytes);
    }
}

/* Where a marker's segment begins. */
static size_t find_marker(const jpeg_file *file, int marker, size_t from) {
    for (size_t i = from; i + 1 < file->size; i++)
        if (file->bytes[i] == 0xff && file->bytes[i + 1] == marker) return i;
    fail_msg("no marker %x", marker);
    return 0;
}

static void refuses_more_pixels_than_the_file_can_hold(void **state) {
    (void)state;
    static unsigned char pixels[HEIGHT * WIDTH * 3];
    const struct {
        int side;
        const char *words;
    } cases[] = {
        {65500, "more than 2^28 pixels"}, {16000, "claims more pixels than the file can hold"}, {0, "damaged JPEG"}};
    paint(pixels, 3);
    for (int i = 0; i < 3; i++) {
        jpeg_file file = make_jpeg(pixels, HEIGHT, WIDTH, (jpeg_kind){.channels = 3});
        size_t at = find_marker(&file, 0xc0, 0) + 5;
        for (int k = 0; k < 2; k++) {
            file.bytes[at + 2 * (size_t)k] = (unsigned char)(cases[i].side >> 8);
            file.bytes[at + 2 * (size_t)k + 1] = (unsigned char)cases[i].side;
        }
        fv_tensor t;
        check_fails(parse(file.bytes, file.size, &t), FV_E_FORMAT, cases[i].words);
        free(file.bytes);
    }
}

/* The first scan of a progressive file again and again: work without end for a few bytes each. */
static void refuses_thousands_of_scans(void **state) {
    (void)state;
    enum { TIMES = 5000 };
    static unsigned char pixels[HEIGHT * WIDTH * 3];
    paint(pixels, 3);
    jpeg_file file = make_jpeg(pixels, HEIGHT, WIDTH, (jpeg_kind){.channels = 3, .progressive = true});
    size_t scan = find_marker(&file, 0xda, 0), end = scan + 2;
    while (file.bytes[end] != 0xff || file.bytes[end + 1] == 0) end++;
    size_t length = end - scan, size = file.size + TIMES * length;
    unsigned char *bomb = malloc(size);
    memcpy(bomb, file.bytes, end);
    for (size_t k = 0; k < TIMES; k++) memcpy(bomb + end + k * length, file.bytes + scan, length);
    memcpy(bomb + end + TIMES * length, file.bytes + end, file.size - end);
    clock_t start = clock();
    fv_tensor t;
    check_fails(parse(bomb, size, &t), FV_E_FORMAT, "more than 1000 scans");
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5);
    free(bomb);
    free(file.bytes);
}

static void survives_any_flipped_byte(void **state) {
    (void)state;
    static unsigned char pixels[HEIGHT * WIDTH * 3];
    paint(pixels, 3);
    jpeg_file file = make_jpeg(pixels, HEIGHT, WIDTH, (jpeg_kind){.channels = 3, .orientation = 6});
    for (size_t i = 0; i < file.size; i++) {
        unsigned char old = file.bytes[i];
        file.bytes[i] = (unsigned char)(old ^ (1 << i % 8));
        fv_tensor t;
        if (parse(file.bytes, file.size, &t) == FV_OK) fv_free(t.data);
        file.bytes[i] = old;
    }
    free(file.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_grey_and_colours),      cmocka_unit_test(turns_inks_into_light),
        cmocka_unit_test(stands_upright_as_exif_says), cmocka_unit_test(damaged_exif_changes_nothing),
        cmocka_unit_test(refuses_every_truncation),    cmocka_unit_test(refuses_more_pixels_than_the_file_can_hold),
        cmocka_unit_test(refuses_thousands_of_scans),  cmocka_unit_test(survives_any_flipped_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
