/* Augmentations by small pictures: what each does, that pixels which move take masks and boxes along, that every draw is a
 * function of seed, epoch, sample and place in the list, and what is refused. */
#include "check.h"
#include "files.h"

#include "augment.h"

/* ---- a picture, changed ----------------------------------------------------------------------------------------- */

enum { MOST = 64 };

/* `count` copies of one sample of f32, changed by the list in `epoch`. */
typedef struct changed {
    fv_data *data;
    float x[MOST][256];
    int64_t each;
} changed;

static changed change_copies(const char *list, const float *picture, fv_shape shape, int count, int64_t epoch,
                             const fv_preprocess *preprocess) {
    changed c = {.each = fv_shape_count(&shape)};
    fv_tensor all = {FV_F32, {shape.rank + 1, {count}}, calloc((size_t)(count * c.each), sizeof(float))};
    fv_tensor into = {FV_F32, all.shape, NULL};
    int64_t order[MOST];
    for (int d = 0; d < shape.rank; d++) into.shape.dim[d + 1] = all.shape.dim[d + 1] = shape.dim[d];
    for (int i = 0; i < count; i++)
        memcpy((float *)all.data + i * c.each, picture, (size_t)c.each * sizeof(float)), order[i] = i;
    fv_data *data = fv_data_from_arrays(all, (fv_tensor){0}, &problem);
    if (!data) fail_msg("%s", problem.message);
    float *x = malloc((size_t)(count * c.each) * sizeof(float));
    into.data = x;
    fv_augment_plan plan;
    fv_augmenting g;
    check_ok(fv_augment_read(list, &plan, &problem));
    check_ok(fv_augment_begin(&g, &plan, data, preprocess, &into, 7, &problem));
    g.epoch = epoch;
    check_ok(fv_data_batch(data, order, 0, count, preprocess, &into, &problem));
    check_ok(fv_augment_batch(&g, order, 0, count, &into, &problem));
    for (int i = 0; i < count; i++) memcpy(c.x[i], x + i * c.each, (size_t)c.each * sizeof(float));
    fv_augment_end(&g);
    fv_data_free(data);
    free(x), free(all.data);
    return c;
}

static const float nine[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const fv_shape three = {3, {3, 3, 1}};

static void check_picture(const char *name, const float *got, const float *expected, int64_t count, double tolerance) {
    char label[128];
    for (int64_t i = 0; i < count; i++) {
        snprintf(label, sizeof label, "%s, number %d", name, (int)i);
        check_near(label, got[i], expected[i], tolerance);
    }
}

static void check_once(const char *list, const float *picture, fv_shape shape, const float *expected,
                       double tolerance) {
    changed c = change_copies(list, picture, shape, 1, 0, NULL);
    check_picture(list, c.x[0], expected, c.each, tolerance);
}

/* ---- pixels that move ------------------------------------------------------------------------------------------- */

static void mirror_images(void **state) {
    (void)state;
    check_once("hflip(1)", nine, three, (const float[]){3, 2, 1, 6, 5, 4, 9, 8, 7}, 0);
    check_once("vflip(1)", nine, three, (const float[]){7, 8, 9, 4, 5, 6, 1, 2, 3}, 0);
    check_once("hflip(1) vflip(1)", nine, three, (const float[]){9, 8, 7, 6, 5, 4, 3, 2, 1}, 0);
    check_once("hflip(1) hflip(1)", nine, three, nine, 0);
    const float colours[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    check_once("hflip(1)", colours, (fv_shape){3, {2, 2, 3}}, (const float[]){4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9},
               0);
    check_once("hflip(0)", nine, three, nine, 0);
}

static void a_flip_happens_to_half_of_the_samples(void **state) {
    (void)state;
    changed c = change_copies("hflip", nine, three, MOST, 0, NULL);
    int flipped = 0;
    for (int i = 0; i < MOST; i++) flipped += c.x[i][0] == 3;
    assert_in_range(flipped, MOST / 4, 3 * MOST / 4);
}

/* Jordan 2024: what was not mirrored in one epoch is mirrored in the next. */
static void alternating_flip_takes_turns(void **state) {
    (void)state;
    int mirrored = 0;
    changed epochs[3];
    for (int e = 0; e < 3; e++) epochs[e] = change_copies("altflip", nine, three, MOST, e, NULL);
    for (int i = 0; i < MOST; i++) {
        bool first = epochs[0].x[i][0] == 3;
        mirrored += first;
        check_near("the epoch after", epochs[1].x[i][0], first ? 1 : 3, 0);
        check_near("two epochs later", epochs[2].x[i][0], first ? 3 : 1, 0);
    }
    assert_in_range(mirrored, MOST / 4, 3 * MOST / 4);
}

/* A 3x3 picture moved by (dx, dy); `outside` says what lies at (x, y) outside of it. */
static float moved(int x, int y, int dx, int dy, const char *border) {
    int u = x + dx, v = y + dy;
    if (strcmp(border, "edge") == 0) u = u < 0 ? 0 : u > 2 ? 2 : u, v = v < 0 ? 0 : v > 2 ? 2 : v;
    if (strcmp(border, "reflect") == 0) u = u < 0 ? -u : u > 2 ? 4 - u : u, v = v < 0 ? -v : v > 2 ? 4 - v : v;
    if (u < 0 || v < 0 || u > 2 || v > 2) return strcmp(border, "black") == 0 ? 0 : 0.5f;
    return nine[v * 3 + u];
}

static void shifts_by_whole_pixels(void **state) {
    (void)state;
    static const char *const borders[] = {"edge", "reflect", "black", "0.5"}, *const names[] = {"shift", "crop"};
    for (int b = 0; b < 8; b++) {
        char list[64];
        int seen[5][5] = {{0}}, kinds = 0;
        snprintf(list, sizeof list, "%s(2, border=%s)", names[b / 4], borders[b % 4]);
        changed c = change_copies(list, nine, three, MOST, 1, NULL);
        for (int i = 0; i < MOST; i++) {
            bool found = false;
            for (int k = 0; k < 25 && !found; k++) {
                bool same = true;
                for (int p = 0; p < 9; p++)
                    same &= c.x[i][p] == moved(p % 3, p / 3, k % 5 - 2, k / 5 - 2, borders[b % 4]);
                if (same) found = true, kinds += !seen[k / 5][k % 5]++;
            }
            if (!found) fail_msg("%s: sample %d is no shifted picture", list, i);
        }
        assert_in_range(kinds, 12, 25);
    }
}

/* ---- values that change ----------------------------------------------------------------------------------------- */

static void cutout_blots_out_a_square(void **state) {
    (void)state;
    changed c = change_copies("cutout(2, fill=-1)", nine, three, MOST, 0, NULL);
    int whole = 0;
    for (int i = 0; i < MOST; i++) {
        int gone = 0;
        for (int p = 0; p < 9; p++) gone += c.x[i][p] == -1, assert_true(c.x[i][p] == -1 || c.x[i][p] == nine[p]);
        assert_in_range(gone, 1, 4); /* at the border a part of the square is outside */
        whole += gone == 4;
    }
    assert_in_range(whole, 10, MOST);
}

/* ---- masks and boxes -------------------------------------------------------------------------------------------- */

static int give_record(void *user, int64_t index, void *const *out) {
    (void)user, (void)index;
    static const float boxes[8] = {0, 1, 1, 3, 0, 0, 0, 0};
    memcpy(out[0], nine, sizeof nine);
    for (int i = 0; i < 9; i++) ((unsigned char *)out[1])[i] = (unsigned char)(10 + i);
    memcpy(out[2], boxes, sizeof boxes);
    return 0;
}

static void masks_and_boxes_go_along(void **state) {
    (void)state;
    const fv_data_field fields[] = {{"picture", FV_F32, {3, {3, 3, 1}}, false},
                                    {"mask", FV_U8, {2, {3, 3}}, true},
                                    {"boxes", FV_F32, {2, {2, 4}}, true}};
    fv_data *data = fv_data_from_callback(1, fields, 3, give_record, NULL, &problem);
    float x[9], boxes[8];
    int32_t mask[9];
    const fv_tensor into[] = {
        {FV_F32, {4, {1, 3, 3, 1}}, x}, {FV_I32, {3, {1, 3, 3}}, mask}, {FV_F32, {3, {1, 2, 4}}, boxes}};
    int64_t order = 0;
    fv_augment_plan plan;
    fv_augmenting g;
    check_ok(fv_augment_read("hflip(1) cutout(1)", &plan, &problem));
    check_ok(fv_augment_begin(&g, &plan, data, NULL, into, 1, &problem));
    check_ok(fv_data_batch(data, &order, 0, 1, NULL, into, &problem));
    check_ok(fv_augment_batch(&g, &order, 0, 1, into, &problem));
    for (int i = 0; i < 9; i++) assert_int_equal(mask[i], 10 + i / 3 * 3 + 2 - i % 3);
    check_picture("boxes", boxes, (const float[]){2, 1, 3, 3, 0, 0, 0, 0}, 8, 1e-6);
    fv_augment_end(&g);
    fv_data_free(data);
}

/* ---- draws ------------------------------------------------------------------------------------------------------ */

static void draws_depend_on_seed_epoch_sample_and_place_alone(void **state) {
    (void)state;
    const char *list = "hflip shift(1) cutout(1)";
    changed a = change_copies(list, nine, three, MOST, 4, NULL), b = change_copies(list, nine, three, MOST, 4, NULL);
    changed few = change_copies(list, nine, three, 5, 4, NULL), later = change_copies(list, nine, three, MOST, 5, NULL);
    assert_memory_equal(a.x, b.x, sizeof a.x);
    for (int i = 0; i < 5; i++) assert_memory_equal(few.x[i], a.x[i], sizeof nine);
    assert_memory_not_equal(a.x, later.x, sizeof a.x);
    int other = 0;
    for (int i = 1; i < MOST; i++) other += memcmp(a.x[i], a.x[0], sizeof nine) != 0;
    assert_in_range(other, MOST / 2, MOST);
}

/* ---- what is refused -------------------------------------------------------------------------------------------- */

static void mistakes_are_named(void **state) {
    (void)state;
    fv_augment_plan plan;
    static const char *const wrong[][2] = {
        {"hflap", "did you mean 'hflip'"},
        {"shift(2, bordr=edge)", "no argument 'bordr'; it takes: pixels=2 border=edge"},
        {"shift(2.5)", "expected pixels to be a whole number from 0 to 1000, got 2.5"},
        {"shift(1, border=edgy)", "edge, reflect, black or a number, got 'edgy'"},
        {"hflip(chance=1.5)", "expected chance to be 0 to 1, got 1.5"},
        {"hflip(", "expected NAME"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_fails(fv_augment_read(wrong[i][0], &plan, &problem), FV_E_ARGUMENT, wrong[i][1]);
    check_ok(fv_augment_read(" hflip , shift(1)  cutout", &plan, &problem));
    assert_int_equal(plan.count, 3);
    check_ok(fv_augment_read("none", &plan, &problem));
    assert_int_equal(plan.count, 0);
}

static void only_pictures_are_taken(void **state) {
    (void)state;
    float numbers[5] = {0};
    fv_tensor all = {FV_F32, {2, {1, 5}}, numbers};
    fv_data *data = fv_data_from_arrays(all, (fv_tensor){0}, &problem);
    fv_augment_plan plan;
    fv_augmenting g;
    check_ok(fv_augment_read("hflip", &plan, &problem));
    check_fails(fv_augment_begin(&g, &plan, data, NULL, &all, 0, &problem), FV_E_UNSUPPORTED, "hflip takes pictures");
    fv_data_free(data);
}

static void a_mirrored_digit_is_doubtful(void **state) {
    (void)state;
    fv_augment_plan plan;
    fv_data *data = fv_data_open("digits", &problem, .limit = 10);
    check_ok(fv_augment_read("shift(2) hflip", &plan, &problem));
    assert_string_equal(fv_augment_doubtful(&plan, data), "hflip");
    check_ok(fv_augment_read("shift(2)", &plan, &problem));
    assert_null(fv_augment_doubtful(&plan, data));
    fv_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mirror_images),
        cmocka_unit_test(a_flip_happens_to_half_of_the_samples),
        cmocka_unit_test(alternating_flip_takes_turns),
        cmocka_unit_test(shifts_by_whole_pixels),
        cmocka_unit_test(cutout_blots_out_a_square),
        cmocka_unit_test(masks_and_boxes_go_along),
        cmocka_unit_test(draws_depend_on_seed_epoch_sample_and_place_alone),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(only_pictures_are_taken),
        cmocka_unit_test(a_mirrored_digit_is_doubtful),
    };
    return cmocka_run_group_tests_name("augment", tests, NULL, NULL);
}
