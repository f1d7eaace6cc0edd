/* test_picture_fit.c - pictures of any size into the one that a net reads. */
#include "files.h"
#include "picture.h"

static void places_as_the_rule_says(void **state) {
    (void)state;
    const struct {
        const char *name;
        int64_t height, width, to_height, to_width;
        fv_fitting fit;
        double crop;
        fv_placement expected;
    } cases[] = {
        {"stretch", 300, 200, 224, 224, FV_FIT_STRETCH, 0, {{224, 224, 0, 0, 224, 224}, 0, 0}},
        {"crop a wide one", 300, 400, 224, 224, FV_FIT_CROP, 0, {{224, 298, 0, 37, 224, 224}, 0, 0}},
        {"crop 224 out of 256", 300, 400, 224, 224, FV_FIT_CROP, 0.875, {{256, 341, 16, 58, 224, 224}, 0, 0}},
        {"crop a tall one", 400, 300, 224, 224, FV_FIT_CROP, 0.875, {{341, 256, 58, 16, 224, 224}, 0, 0}},
        {"crop to a wide one", 100, 100, 50, 100, FV_FIT_CROP, 0, {{100, 100, 25, 0, 50, 100}, 0, 0}},
        {"letterbox a wide one", 300, 400, 224, 224, FV_FIT_LETTERBOX, 0, {{168, 224, 0, 0, 168, 224}, 28, 0}},
        {"letterbox a tall one", 400, 300, 224, 224, FV_FIT_LETTERBOX, 0, {{224, 168, 0, 0, 224, 168}, 0, 28}},
        {"letterbox a line", 1, 100000, 8, 8, FV_FIT_LETTERBOX, 0, {{1, 8, 0, 0, 1, 8}, 4, 0}},
        {"crop the same size", 32, 32, 32, 32, FV_FIT_CROP, 0, {{32, 32, 0, 0, 32, 32}, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_placement got = fv_picture_place(cases[i].height, cases[i].width, cases[i].to_height, cases[i].to_width,
                                            cases[i].fit, cases[i].crop);
        const fv_window *g = &got.window, *e = &cases[i].expected.window;
        if (memcmp(&got, &cases[i].expected, sizeof got) != 0)
            fail_msg(
                "%s: expected %lldx%lld, part %lldx%lld from %lld, %lld, got %lldx%lld, part %lldx%lld from %lld, %lld",
                cases[i].name, (long long)e->all_height, (long long)e->all_width, (long long)e->height,
                (long long)e->width, (long long)e->top, (long long)e->left, (long long)g->all_height,
                (long long)g->all_width, (long long)g->height, (long long)g->width, (long long)g->top,
                (long long)g->left);
    }
}

/* A window is bit for bit what cutting the resized picture gives. */
static void a_window_is_a_part_of_the_whole(void **state) {
    (void)state;
    unsigned char pixels[37 * 53 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)(i * i / 7);
    fv_tensor picture = {FV_U8, {3, {37, 53, 3}}, pixels}, whole;
    const fv_window windows[] = {{20, 31, 3, 5, 11, 17}, {90, 110, 40, 60, 16, 16}, {1, 1, 0, 0, 1, 1}};
    for (int i = 0; i < 3; i++) {
        const fv_window *w = &windows[i];
        unsigned char part[20 * 20 * 3];
        check_ok(fv_picture_resize(&picture, w->all_height, w->all_width, &whole, &problem));
        check_ok(fv_picture_resize_window(&picture, w, part, w->width * 3, &problem));
        for (int64_t y = 0; y < w->height; y++)
            assert_memory_equal(part + y * w->width * 3,
                                (unsigned char *)whole.data + ((w->top + y) * w->all_width + w->left) * 3,
                                (size_t)w->width * 3);
        fv_free(whole.data);
    }
}

static void a_picture_of_the_right_size_keeps_its_bytes(void **state) {
    (void)state;
    unsigned char pixels[] = {0, 50, 100, 150, 200, 250}, out[6];
    fv_tensor picture = {FV_U8, {3, {2, 3, 1}}, pixels}, fitted = {FV_U8, {3, {2, 3, 1}}, out};
    for (int fit = FV_FIT_STRETCH; fit <= FV_FIT_LETTERBOX; fit++) {
        memset(out, 1, sizeof out);
        check_ok(fv_picture_fit(&picture, (fv_fitting)fit, 0, &fitted, &problem));
        assert_memory_equal(out, pixels, sizeof out);
    }
}

static void letterbox_leaves_grey(void **state) {
    (void)state;
    unsigned char pixels[8 * 4], out[8 * 8 * 3];
    memset(pixels, 255, sizeof pixels);
    fv_tensor picture = {FV_U8, {3, {8, 4, 1}}, pixels}, fitted = {FV_U8, {3, {8, 8, 3}}, out};
    check_ok(fv_picture_fit(&picture, FV_FIT_LETTERBOX, 0, &fitted, &problem));
    for (int i = 0; i < 8 * 8 * 3; i++) assert_int_equal(out[i], i / 3 % 8 >= 2 && i / 3 % 8 < 6 ? 255 : 127);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_as_the_rule_says),
        cmocka_unit_test(a_window_is_a_part_of_the_whole),
        cmocka_unit_test(a_picture_of_the_right_size_keeps_its_bytes),
        cmocka_unit_test(letterbox_leaves_grey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
