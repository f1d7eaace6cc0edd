/* Each augmentation by what must hold of its pictures, whatever it draws: turned planes are planes, light that is dimmed stays in
 * proportion, mixed labels are the shares that the pictures have. */
#include "changed.h"
#include "files.h"

#include <math.h>

/* ---- pixels that move ------------------------------------------------------------------------------------------- */

enum { SIDE = 15, MIDDLE = 7 };
static const fv_shape square = {3, {SIDE, SIDE, 1}};

static const float *ramp(double x, double y) {
    static float out[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++) out[i] = (float)(x * (i % SIDE) + y * (i / SIDE));
    return out;
}

static void without_strength_nothing_moves(void **state) {
    (void)state;
    static const char *const lists[] = {"rotate(0)",
                                        "zoom(0)",
                                        "shear(0)",
                                        "perspective(0)",
                                        "elastic(0)",
                                        "crop(0)",
                                        "shift(0)",
                                        "resized_crop(1, 1, 1)",
                                        "rotate(0) zoom(0) elastic(0) shear(0)"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        check_once(lists[i], ramp(1.5, -0.25), square, ramp(1.5, -0.25), 1e-5);
}

/* How a picture that was the ramp (x, y) rises around its middle, where no border is near. */
typedef struct rise {
    double x, y;
} rise;

static rise rise_of(const char *list, const float *x) {
    const float *m = x + MIDDLE * SIDE + MIDDLE;
    rise r = {(double)(m[1] - m[-1]) / 2, (double)(m[SIDE] - m[-SIDE]) / 2};
    for (int v = -2; v <= 2; v++)
        for (int u = -2; u <= 2; u++) check_near(list, m[v * SIDE + u], (double)m[0] + u * r.x + v * r.y, 1e-4);
    return r;
}

/* A ramp that is turned, enlarged or sheared is a ramp, as steep as the matrix says. */
static void affine_maps_keep_planes(void **state) {
    (void)state;
    double most_turn = 0, least = 2, most = 0, lean = 0;
    changed turned = change_copies("rotate(25)", ramp(1, 0), square, MOST, 0, NULL);
    changed zoomed = change_copies("zoom(0.25)", ramp(1, 0), square, MOST, 0, NULL);
    changed sheared = change_copies("shear(20)", ramp(1, 0), square, MOST, 0, NULL);
    for (int i = 0; i < MOST; i++) {
        rise t = rise_of("rotate", turned.x[i]), z = rise_of("zoom", zoomed.x[i]), s = rise_of("shear", sheared.x[i]);
        check_near("a turn keeps lengths", hypot(t.x, t.y), 1, 1e-4);
        check_near("the middle stays", turned.x[i][MIDDLE * SIDE + MIDDLE], MIDDLE, 1e-4);
        check_near("a zoom leans nowhere", z.y, 0, 1e-4);
        check_near("a shear keeps rows", s.x, 1, 1e-4);
        most_turn = fmax(most_turn, fabs(atan2(t.y, t.x)));
        least = fmin(least, 1 / z.x), most = fmax(most, 1 / z.x);
        lean = fmax(lean, fabs(s.y));
    }
    const double degree = 3.14159265358979 / 180;
    assert_true(most_turn > 15 * degree && most_turn <= 25.01 * degree);
    assert_true(least >= 0.7499 && least < 0.85 && most > 1.15 && most <= 1.2501);
    assert_true(lean > 0.2 && lean <= tan(20.01 * degree));
}

/* Neighbours in a list are one resampling: a turn there and back gives the picture again, not a blurred one. */
static void neighbours_are_one_resampling(void **state) {
    (void)state;
    const double c = 0.8, s = 0.6;
    float x[SIDE * SIDE], expected[SIDE * SIDE], *room = malloc(fv_warp_room(SIDE, SIDE, 1) * sizeof *room);
    const float black = 0;
    fv_warp warp = fv_warp_affine((const double[4]){c, s, -s, c}, 1, 2, SIDE, SIDE, FV_BORDER_EDGE);
    fv_warp back =
        fv_warp_affine((const double[4]){c, -s, s, c}, -(c * 1 - s * 2), -(s * 1 + c * 2), SIDE, SIDE, FV_BORDER_EDGE);
    for (int i = 0; i < SIDE * SIDE; i++) x[i] = expected[i] = (float)((i * 7919) % 31);
    assert_true(fv_warp_then(&warp, &back));
    fv_warp_picture(&warp, x, SIDE, SIDE, 1, &black, room);
    check_picture("there and back", x, expected, SIDE * SIDE, 1e-3);
    free(room);
}

static void one_colour_stays_one_colour(void **state) {
    (void)state;
    static const char *const lists[] = {"rotate(180)",
                                        "zoom(0.5)",
                                        "shear(45)",
                                        "perspective(0.6)",
                                        "elastic(100, 3)",
                                        "resized_crop",
                                        "rotate zoom elastic perspective"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        float expected[SIDE * SIDE];
        for (int k = 0; k < SIDE * SIDE; k++) expected[k] = 3;
        changed c = change_copies(lists[i], expected, square, 4, 0, NULL);
        for (int k = 0; k < 4; k++) check_picture(lists[i], c.x[k], expected, SIDE * SIDE, 1e-5);
    }
}

/* Simard et al. 2003: neighbouring pixels move nearly alike, and by more where alpha is larger. */
static void elastic_bends_smoothly(void **state) {
    (void)state;
    double sum[2] = {0};
    for (int strength = 0; strength < 2; strength++) {
        changed c = change_copies(strength ? "elastic(34, 4)" : "elastic(8, 4)", ramp(1, 0), square, MOST, 0, NULL);
        for (int i = 0; i < MOST; i++)
            for (int x = 3; x < SIDE - 3; x++) {
                double moved = (double)c.x[i][MIDDLE * SIDE + x] - x;
                sum[strength] += moved * moved;
                assert_true(fabs((double)(c.x[i][MIDDLE * SIDE + x + 1] - c.x[i][MIDDLE * SIDE + x]) - 1) < 1.5);
            }
    }
    /* Noise of variance 1/3 under a Gaussian of deviation sigma: alpha^2 / 3 / (4 pi sigma^2), here 1.9. */
    double mean = sum[1] / (MOST * (SIDE - 6));
    assert_true(mean > 0.9 && mean < 2.9);
    assert_true(sum[0] < sum[1] / 10);
}

/* ---- masks and boxes -------------------------------------------------------------------------------------------- */

/* A lit rectangle as a picture, as a mask and as a box. */
static int give_rectangle(void *user, int64_t index, void *const *out) {
    (void)user, (void)index;
    for (int i = 0; i < SIDE * SIDE; i++) {
        bool inside = i % SIDE >= 5 && i % SIDE < 9 && i / SIDE >= 6 && i / SIDE < 10;
        ((float *)out[0])[i] = inside, ((unsigned char *)out[1])[i] = inside;
    }
    memcpy(out[2], (const float[4]){5, 6, 9, 10}, 4 * sizeof(float));
    return 0;
}

static void follow(const char *list, int64_t epoch) {
    const fv_data_field fields[] = {{"picture", FV_F32, {3, {SIDE, SIDE, 1}}, false},
                                    {"mask", FV_U8, {2, {SIDE, SIDE}}, true},
                                    {"boxes", FV_F32, {2, {1, 4}}, true}};
    fv_data *data = fv_data_from_callback(1, fields, 3, give_rectangle, NULL, &problem);
    float x[SIDE * SIDE], box[4];
    int32_t mask[SIDE * SIDE];
    const fv_tensor into[] = {
        {FV_F32, {4, {1, SIDE, SIDE, 1}}, x}, {FV_I32, {3, {1, SIDE, SIDE}}, mask}, {FV_F32, {3, {1, 1, 4}}, box}};
    int64_t order = 0;
    fv_augment_plan plan;
    fv_augmenting g;
    check_ok(fv_augment_read(list, &plan, &problem));
    check_ok(fv_augment_begin(&g, &plan, data, NULL, into, 1, &problem));
    g.epoch = epoch;
    check_ok(fv_data_batch(data, &order, 0, 1, NULL, into, &problem));
    check_ok(fv_augment_batch(&g, &order, 0, 1, into, &problem));
    for (int i = 0; i < SIDE * SIDE; i++) {
        if ((x[i] > 0.75f) && !mask[i]) fail_msg("%s: pixel %d is lit but not in the mask", list, i);
        if ((x[i] < 0.25f) && mask[i]) fail_msg("%s: pixel %d is in the mask but not lit", list, i);
        float u = (float)(i % SIDE), v = (float)(i / SIDE);
        if (mask[i] && !(u + 1 > box[0] - 0.5f && u < box[2] + 0.5f && v + 1 > box[1] - 0.5f && v < box[3] + 0.5f))
            fail_msg("%s: pixel %d is in the mask but not in the box %g %g %g %g", list, i, (double)box[0],
                     (double)box[1], (double)box[2], (double)box[3]);
    }
    fv_augment_end(&g);
    fv_data_free(data);
}

static void what_moves_takes_masks_and_boxes_along(void **state) {
    (void)state;
    static const char *const lists[] = {"rotate(90)",       "zoom(0.5)",          "shear(30)",
                                        "perspective(0.5)", "elastic(34, 4)",     "shift(4)",
                                        "hflip(1)",         "resized_crop(0.3)",  "rotate elastic(20, 4) zoom",
                                        "crop(2) vflip(1)", "hue brightness grey"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (int64_t epoch = 0; epoch < 12; epoch++) follow(lists[i], epoch);
}

/* ---- light ------------------------------------------------------------------------------------------------------ */

static const fv_shape colours = {3, {2, 2, 3}};
static const float painted[12] = {0.5f, 0.25f, 0.75f, 0.375f, 0.5f, 0.625f, 0.25f, 0.5f, 0.25f, 0.5f, 0.5f, 0.5f};

static double grey_of(const float *x) { return 0.299 * (double)x[0] + 0.587 * (double)x[1] + 0.114 * (double)x[2]; }

static void brightness_scales_light_whatever_the_net_sees_of_it(void **state) {
    (void)state;
    /* the net sees (x - 0.5) / 0.25 */
    const fv_preprocess p = {.scale = 1, .channels = 1, .mean = {0.5}, .deviation = {0.25}};
    changed c = change_copies("brightness(0.4)", painted, colours, MOST, 0, &p);
    double least = 2, most = 0;
    for (int i = 0; i < MOST; i++) {
        double factor = ((double)c.x[i][0] * 0.25 + 0.5) / 0.5;
        least = fmin(least, factor), most = fmax(most, factor);
        for (int k = 0; k < 12; k++)
            check_near("brightness", (double)c.x[i][k] * 0.25 + 0.5, factor * (double)painted[k], 1e-5);
    }
    assert_true(least >= 0.5999 && least < 0.75 && most > 1.25 && most <= 1.4001);
}

static void contrast_keeps_the_mean(void **state) {
    (void)state;
    double expected = 0;
    for (int k = 0; k < 12; k += 3) expected += grey_of(painted + k) / 4;
    changed c = change_copies("contrast(0.5)", painted, colours, MOST, 0, NULL);
    for (int i = 0; i < MOST; i++) {
        double mean = 0, factor = ((double)c.x[i][0] - expected) / ((double)painted[0] - expected);
        for (int k = 0; k < 12; k += 3) mean += grey_of(c.x[i] + k) / 4;
        check_near("mean grey", mean, expected, 1e-5);
        for (int k = 0; k < 12; k++)
            check_near("contrast", c.x[i][k], expected + factor * ((double)painted[k] - expected), 1e-4);
        assert_true(factor > 0.499 && factor < 1.501);
    }
}

static void colours_change_and_their_grey_stays(void **state) {
    (void)state;
    static const char *const lists[] = {"saturation(1)", "hue(0.5)", "grey(1)"};
    for (size_t l = 0; l < 3; l++) {
        changed c = change_copies(lists[l], painted, colours, MOST, 0, NULL);
        double moved = 0;
        for (int i = 0; i < MOST; i++)
            for (int k = 0; k < 12; k += 3) {
                const float *x = c.x[i] + k;
                check_near(lists[l], grey_of(x), grey_of(painted + k), 2e-3);
                moved += fabs((double)(x[0] - painted[k]));
                if (l == 2) assert_true(x[0] == x[1] && x[1] == x[2]);
                if (k == 9) check_near("grey has no colour to change", x[0], 0.5, 2e-3);
            }
        assert_true(moved > 1);
        const float one = 0.25f; /* grey pictures stay as they are */
        check_once(lists[l], &one, (fv_shape){3, {1, 1, 1}}, &one, 0);
    }
}

static void noise_has_the_deviation_it_was_told(void **state) {
    (void)state;
    double sum = 0, squares = 0;
    changed c = change_copies("noise(0.5)", ramp(0, 0), square, MOST, 0, NULL);
    for (int i = 0; i < MOST; i++)
        for (int k = 0; k < SIDE * SIDE; k++)
            sum += (double)c.x[i][k], squares += (double)c.x[i][k] * (double)c.x[i][k];
    double n = MOST * SIDE * SIDE;
    check_near("mean", sum / n, 0, 0.02);
    check_near("deviation", sqrt(squares / n), 0.5, 0.02);
}

static void blur_spreads_light_evenly(void **state) {
    (void)state;
    float point[SIDE * SIDE] = {[MIDDLE * SIDE + MIDDLE] = 1};
    changed c = change_copies("blur(1.5)", point, square, MOST, 0, NULL);
    for (int i = 0; i < MOST; i++) {
        const float *m = c.x[i] + MIDDLE * SIDE + MIDDLE;
        double sum = 0;
        for (int k = 0; k < SIDE * SIDE; k++) sum += (double)c.x[i][k];
        check_near("all light is still there", sum, 1, 1e-4);
        check_near("left and right", m[-1], m[1], 1e-7);
        check_near("right and below", m[1], m[SIDE], 1e-7);
        assert_true(m[0] > m[1] || m[1] == 0);
    }
}

/* ---- samples that are mixed ------------------------------------------------------------------------------------- */

enum { MIXED = 16 };

/* Sample i holds the number of its class everywhere; labels are rows of 0 and 1. Mixed together they must tell the same. */
static void mix_and_check(const char *list, bool overlaid) {
    static float x[MIXED][MIXED], labels[MIXED][MIXED], all[MIXED][MIXED];
    int64_t order[MIXED], changed_samples = 0;
    for (int i = 0; i < MIXED; i++)
        for (int k = 0; k < MIXED; k++) all[i][k] = (float)i, labels[i][k] = i == k, order[i] = i;
    const fv_tensor samples = {FV_F32, {4, {MIXED, 4, 4, 1}}, all}, into = {FV_F32, {4, {MIXED, 4, 4, 1}}, x};
    int32_t numbers[MIXED] = {0};
    fv_data *data = fv_data_from_arrays(samples, (fv_tensor){FV_I32, {1, {MIXED}}, numbers}, &problem);
    const fv_tensor both[] = {into, {FV_I32, {1, {MIXED}}, numbers}};
    const fv_tensor shares[] = {{0}, {FV_F32, {2, {MIXED, MIXED}}, labels}};
    fv_augment_plan plan;
    fv_augmenting g;
    check_ok(fv_augment_read(list, &plan, &problem));
    check_ok(fv_augment_begin(&g, &plan, data, NULL, both, 5, &problem));
    check_ok(fv_data_batch(data, order, 0, MIXED, NULL, both, &problem));
    check_ok(fv_augment_mix(&g, order, 0, MIXED, both, shares, &problem));
    for (int i = 0; i < MIXED; i++) {
        double sum = 0, told = 0, shown = 0;
        for (int k = 0; k < MIXED; k++) {
            sum += (double)labels[i][k], told += k * (double)labels[i][k], shown += (double)x[i][k] / MIXED;
            if (overlaid) check_near("every pixel is the same mixture", x[i][k], x[i][0], 1e-5);
            if (!overlaid) assert_true(x[i][k] == floorf(x[i][k]));
        }
        check_near("labels are shares", sum, 1, 1e-6);
        check_near("what the label says is what the picture shows", told, shown, 1e-4);
        changed_samples += labels[i][i] < 1;
    }
    assert_in_range(changed_samples, MIXED / 2, MIXED);
    fv_augment_end(&g);
    fv_data_free(data);
}

static void mixed_labels_are_the_shares_of_the_pictures(void **state) {
    (void)state;
    mix_and_check("mixup(1)", true);
    mix_and_check("cutmix(1)", false);
}

static void what_mixes_stands_last(void **state) {
    (void)state;
    fv_augment_plan plan;
    check_fails(fv_augment_read("mixup hflip", &plan, &problem), FV_E_ARGUMENT, "must stand behind 'hflip'");
    check_ok(fv_augment_read("hflip mixup cutmix(chance=0.5)", &plan, &problem));
    assert_true(fv_augment_mixes(&plan));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_strength_nothing_moves),
        cmocka_unit_test(affine_maps_keep_planes),
        cmocka_unit_test(neighbours_are_one_resampling),
        cmocka_unit_test(one_colour_stays_one_colour),
        cmocka_unit_test(elastic_bends_smoothly),
        cmocka_unit_test(what_moves_takes_masks_and_boxes_along),
        cmocka_unit_test(brightness_scales_light_whatever_the_net_sees_of_it),
        cmocka_unit_test(contrast_keeps_the_mean),
        cmocka_unit_test(colours_change_and_their_grey_stays),
        cmocka_unit_test(noise_has_the_deviation_it_was_told),
        cmocka_unit_test(blur_spreads_light_evenly),
        cmocka_unit_test(mixed_labels_are_the_shares_of_the_pictures),
        cmocka_unit_test(what_mixes_stands_last),
    };
    return cmocka_run_group_tests_name("augment records", tests, NULL, NULL);
}
