/* What is in a set of data: numbers, classes, what is broken, constant, sorted or there twice. */
#include "check.h"

#include "files.h"
#include "picture.h"
#include "sample_picture.h"
#include "twins.h"

static fv_data *bytes_of(int64_t count, int64_t height, int64_t width, const void *pictures, const int32_t *classes) {
    fv_tensor inputs = {FV_U8, {4, {count, height, width, 1}}, (void *)(uintptr_t)pictures},
              targets = {FV_I32, {1, {count}}, (void *)(uintptr_t)classes};
    fv_data *data = fv_data_from_arrays(inputs, targets, &problem);
    if (!data) fail_msg("%s", problem.message);
    return data;
}

static fv_data_facts *describe(fv_data *first, fv_data *second) {
    fv_data_part parts[] = {{"train", first}, {"test", second}};
    fv_data_facts *facts = fv_data_describe(parts, second ? 2 : 1, &problem);
    if (!facts) fail_msg("%s", problem.message);
    return facts;
}

static void numbers_have_a_range(void **state) {
    (void)state;
    const unsigned char pictures[2][4] = {{0, 2, 4, 6}, {8, 8, 8, 255}};
    const int32_t classes[2] = {0, 1};
    fv_data *data = bytes_of(2, 2, 2, pictures, classes);
    fv_data_facts *facts = describe(data, NULL);
    const fv_range *r = &facts->part[0].fields[0].all;
    check_near("least", r->least, 0, 0);
    check_near("most", r->most, 255, 0);
    check_near("mean", r->mean, 291.0 / 8, 1e-12);
    check_near("deviation", r->deviation, sqrt((4 + 16 + 36 + 3 * 64 + 65025) / 8.0 - 291.0 * 291 / 64), 1e-10);
    assert_int_equal(facts->part[0].fields[0].channels, 0);
    assert_int_equal(facts->part[0].class_samples[1], 1);
    fv_data_facts_free(facts), fv_data_free(data);

    static float colours[2][2][3] = {{{1, 10, 5}, {3, 20, 5}}, {{5, 30, 5}, {7, 40, NAN}}};
    data = fv_data_from_arrays((fv_tensor){FV_F32, {3, {2, 2, 3}}, colours},
                               (fv_tensor){FV_I32, {1, {2}}, (void *)(uintptr_t)classes}, &problem);
    facts = describe(data, NULL);
    assert_int_equal(facts->part[0].fields[0].channels, 3);
    const fv_range *c = facts->part[0].fields[0].channel;
    check_near("mean of the first channel", c[0].mean, 4, 1e-12);
    check_near("deviation", c[0].deviation, sqrt(5), 1e-12);
    check_near("mean of the second", c[1].mean, 25, 1e-12);
    check_near("what is not finite does not count", c[2].mean, 5, 0);
    assert_int_equal(facts->part[0].broken, 1);
    assert_int_equal(facts->part[0].first_broken, 1);
    assert_string_equal(facts->part[0].why_broken, "'input' holds numbers that are not finite");
    fv_data_facts_free(facts), fv_data_free(data);
}

static void twins_are_found_in_and_across_parts(void **state) {
    (void)state;
    const unsigned char first[5][2] = {{1, 2}, {3, 4}, {1, 2}, {5, 5}, {1, 2}}, second[3][2] = {{9, 8}, {1, 2}, {3, 4}};
    const int32_t first_classes[5] = {0, 1, 0, 1, 1}, second_classes[3] = {0, 0, 0};
    fv_data *a = bytes_of(5, 1, 2, first, first_classes), *b = bytes_of(3, 1, 2, second, second_classes);
    fv_data_facts *facts = describe(a, b);
    assert_int_equal(facts->twins[0][0], 2); /* samples 2 and 4 are sample 0 */
    assert_int_equal(facts->twins[0][1], 2);
    assert_int_equal(facts->twins[1][1], 0);
    assert_int_equal(facts->conflicts, 2); /* train 4, and test 2, which is train 1 */
    assert_int_equal(facts->shown, 4);
    const fv_twin expected[4] = {{1, 0, 1, 0, false}, {1, 0, 2, 1, true}, {0, 0, 2, 0, false}, {0, 0, 4, 0, true}};
    for (int i = 0; i < 4; i++) {
        const fv_twin *e = &expected[i], *t = &facts->shown_twin[i];
        if (t->part != e->part || t->of_part != e->of_part || t->sample != e->sample || t->of_sample != e->of_sample ||
            t->other_class != e->other_class)
            fail_msg("twin %d: expected %d:%d of %d:%d, got %d:%d of %d:%d", i, e->part, (int)e->sample, e->of_part,
                     (int)e->of_sample, t->part, (int)t->sample, t->of_part, (int)t->of_sample);
    }
    assert_int_equal(facts->part[0].constant, 1);
    assert_int_equal(facts->part[0].first_constant, 3);
    fv_data_facts_free(facts);
    /* The same between parts of one set, as training splits it. */
    const int64_t train[] = {0, 1, 3}, held[] = {2, 4};
    fv_twins twins;
    fv_sample_list lists[] = {{a, train, 3}, {a, held, 2}};
    assert_int_equal(fv_find_twins(lists, 2, &twins, &problem), FV_OK);
    assert_int_equal(twins.count[0][1], 2);
    assert_int_equal(twins.count[1][1], 1);
    assert_int_equal(twins.count[0][0], 0);
    fv_data_free(a), fv_data_free(b);
}

static void order_matters_for_a_tail_split(void **state) {
    (void)state;
    enum { N = 300 };
    static unsigned char pictures[N][2];
    static int32_t classes[N];
    const struct {
        const char *name;
        bool sorted;
        int tail_classes, tail_alone;
    } cases[] = {{"one after the other", true, 1, 0},
                 {"in turn", false, 3, 0},
                 {"the last class only there", true, 3, 1},
                 {"a rare class in front", false, 2, 0}};
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < N; i++) {
            pictures[i][0] = (unsigned char)i, pictures[i][1] = (unsigned char)(i / 256 + 1);
            classes[i] = k == 0 ? i / 100 : k == 1 ? i % 3 : k == 2 ? (i >= 290 ? 2 : i % 2) : (i < 2 ? 2 : i % 2);
        }
        fv_data *data = bytes_of(N, 1, 2, pictures, classes);
        fv_data_facts *facts = describe(data, NULL);
        const fv_part_facts *f = &facts->part[0];
        if (f->sorted != cases[k].sorted || f->tail_classes != cases[k].tail_classes ||
            f->tail_alone != cases[k].tail_alone)
            fail_msg("%s: expected %d %d %d, got %d %d %d", cases[k].name, cases[k].sorted, cases[k].tail_classes,
                     cases[k].tail_alone, f->sorted, f->tail_classes, f->tail_alone);
        fv_data_facts_free(facts), fv_data_free(data);
    }
}

static int read_badly(void *user, int64_t index, void *const *out) {
    (void)user;
    if (index == 1) return 7;
    *(float *)out[0] = (float)index;
    *(int32_t *)out[1] = index == 3 ? 99 : 0;
    return 0;
}

static void what_cannot_be_read_is_counted(void **state) {
    (void)state;
    const fv_data_field fields[] = {{.name = "x", .dtype = FV_F32}, {.name = "class", .dtype = FV_I32, .target = true}};
    fv_data *data = fv_data_from_callback(4, fields, 2, read_badly, NULL, &problem);
    if (!data) fail_msg("%s", problem.message);
    data->class_count = 2;
    fv_data_facts *facts = describe(data, NULL);
    assert_int_equal(facts->part[0].broken, 2);
    assert_int_equal(facts->part[0].first_broken, 1);
    assert_int_equal(facts->part[0].class_samples[0], 2);
    check_near("the rest counts", facts->part[0].fields[0].all.mean, 5.0 / 3, 1e-12);
    fv_data_facts_free(facts);
    fv_data_free(data);
    assert_null(fv_data_describe(NULL, 0, &problem));
    assert_string_equal(problem.message, "describe: expected 1 to 8 parts, got 0");
}

static void a_sheet_shows_the_classes_in_rows(void **state) {
    (void)state;
    static unsigned char pictures[6][40][40];
    const int32_t classes[6] = {0, 1, 0, 1, 1, 1};
    for (int i = 0; i < 6; i++) memset(pictures[i], 40 * i, sizeof pictures[i]);
    fv_data *data = bytes_of(6, 40, 40, pictures, classes);
    char path[256];
    snprintf(path, sizeof path, "%s/sheet.png", temp_folder);
    if (fv_data_sheet(data, path, &problem, .columns = 2)) fail_msg("%s", problem.message);
    fv_tensor sheet;
    if (fv_picture_read(path, &sheet, &problem)) fail_msg("%s", problem.message);
    /* 16 pixels of margin, one letter of 10 and 8 beside it, two pictures of 40 with 4 between. */
    assert_int_equal(sheet.shape.dim[0], 16 + 40 + 4 + 40 + 16);
    assert_int_equal(sheet.shape.dim[1], 16 + 18 + 40 + 4 + 40 + 16);
    const int expected[2][2] = {{0, 2}, {1, 4}}; /* number 0 and 1 of 2, 0 and 2 of 4 */
    for (int row = 0; row < 2; row++)
        for (int column = 0; column < 2; column++) {
            int64_t y = 16 + 20 + 44 * row, x = 34 + 20 + 44 * column;
            assert_int_equal(((unsigned char *)sheet.data)[(y * sheet.shape.dim[1] + x) * 3],
                             40 * expected[row][column]);
        }
    fv_free(sheet.data), fv_data_free(data);
    static float vector[2][5];
    data = fv_data_from_arrays((fv_tensor){FV_F32, {2, {2, 5}}, vector},
                               (fv_tensor){FV_I32, {1, {2}}, (void *)(uintptr_t)classes}, &problem);
    assert_int_equal(fv_data_sheet(data, path, &problem, .most = 3), FV_E_SHAPE);
    fv_data_free(data);
}

static void tiles_fit_their_square(void **state) {
    (void)state;
    static float wide[1][20][50];
    static int32_t none[1];
    for (int i = 0; i < 1000; i++) wide[0][i / 50][i % 50] = (float)(i % 50 - 10);
    fv_data *data =
        fv_data_from_arrays((fv_tensor){FV_F32, {3, {1, 20, 50}}, wide}, (fv_tensor){FV_I32, {1, {1}}, none}, &problem);
    fv_tensor tile;
    assert_int_equal(fv_sample_tile(data, 0, 100, &tile, &problem), FV_OK);
    assert_int_equal(tile.shape.dim[0], 40);
    assert_int_equal(tile.shape.dim[1], 100);
    const unsigned char *pixels = tile.data;
    assert_int_equal(pixels[0], 0);            /* the least is black */
    assert_int_equal(pixels[99 * 3 + 2], 255); /* the most is white */
    fv_free(tile.data);
    assert_int_equal(fv_sample_tile(data, 0, 25, &tile, &problem), FV_OK);
    assert_int_equal(tile.shape.dim[0], 10);
    assert_int_equal(tile.shape.dim[1], 25);
    fv_free(tile.data), fv_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_have_a_range),
                                       cmocka_unit_test(twins_are_found_in_and_across_parts),
                                       cmocka_unit_test(order_matters_for_a_tail_split),
                                       cmocka_unit_test(what_cannot_be_read_is_counted),
                                       cmocka_unit_test_teardown(a_sheet_shows_the_classes_in_rows, clean_temp),
                                       cmocka_unit_test(tiles_fit_their_square)};
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
