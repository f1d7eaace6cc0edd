/* test_neighbours.c - the nearest samples: by hand, ties, both distances, bytes and reals, and what does not fit. */
#include "fovea.h"
#include "files.h"

static fv_data *set_of(fv_dtype dtype, void *numbers, int64_t count, int64_t each) {
    static const float zeros[8];
    fv_tensor inputs = {dtype, {2, {count, each}}, numbers};
    fv_tensor targets = {FV_F32, {1, {count}}, (void *)zeros};
    fv_data *data = fv_data_from_arrays(inputs, targets, &problem);
    if (!data) fail_msg("%s", problem.message);
    return data;
}

static void check_nearest(const char *name, fv_data *known, fv_data *asked, bool squares, const int32_t expected[2]) {
    int32_t got[2] = {-1, -1};
    fv_neighbours_options options = {.size = sizeof options, .count = 2, .squares = squares};
    if (fv_neighbours_with(known, asked, got, &problem, &options)) fail_msg("%s: %s", name, problem.message);
    if (got[0] != expected[0] || got[1] != expected[1])
        fail_msg("%s: expected samples %d and %d, got %d and %d", name, expected[0], expected[1], got[0], got[1]);
}

/* From (0, 0): differences 6, 5 and 6; squares 18, 25 and 36. */
static void both_distances_of_bytes_and_reals(void **state) {
    (void)state;
    unsigned char bytes[] = {3, 3, 0, 5, 6, 0}, origin[] = {0, 0};
    float reals[] = {3, -3, 0, 5, -6, 0}, zero[] = {0, 0};
    fv_data *known[] = {set_of(FV_U8, bytes, 3, 2), set_of(FV_F32, reals, 3, 2)};
    fv_data *asked[] = {set_of(FV_U8, origin, 1, 2), set_of(FV_F32, zero, 1, 2)};
    for (int i = 0; i < 2; i++) {
        check_nearest(i ? "reals, differences" : "bytes, differences", known[i], asked[i], false, (int32_t[]){1, 0});
        check_nearest(i ? "reals, squares" : "bytes, squares", known[i], asked[i], true, (int32_t[]){0, 1});
        fv_data_free(known[i]);
        fv_data_free(asked[i]);
    }
}

/* 40,000 bytes are more than one block of whole sums; the far one would win if a sum overflowed. */
static void long_samples_do_not_overflow(void **state) {
    (void)state;
    enum { EACH = 40000 };
    unsigned char *numbers = calloc(3, EACH);
    assert_non_null(numbers);
    memset(numbers, 255, EACH);
    memset(numbers + EACH, 254, EACH);
    fv_data *known = set_of(FV_U8, numbers, 2, EACH), *asked = set_of(FV_U8, numbers + (size_t)2 * EACH, 1, EACH);
    check_nearest("white and nearly white from black", known, asked, true, (int32_t[]){1, 0});
    fv_data_free(known);
    fv_data_free(asked);
    free(numbers);
}

static void what_does_not_fit_is_said(void **state) {
    (void)state;
    unsigned char bytes[] = {1, 2, 3, 4};
    float reals[] = {1, 2};
    int32_t out[8];
    fv_data *known = set_of(FV_U8, bytes, 2, 2), *other = set_of(FV_F32, reals, 1, 2),
            *longer = set_of(FV_U8, bytes, 1, 4);
    const struct {
        fv_data *asked;
        int count;
        const char *expected;
    } cases[] = {{other, 1, "expected samples of u8 2, as the known ones are, got f32 2"},
                 {longer, 1, "got u8 4"},
                 {known, 3, "expected a count of 1 to 2, got 3"},
                 {known, -1, "got -1"},
                 {NULL, 1, "missing"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_neighbours_options options = {.size = sizeof options, .count = cases[i].count};
        fv_status status = fv_neighbours_with(known, cases[i].asked, out, &problem, &options);
        if (!status || !strstr(problem.message, cases[i].expected))
            fail_msg("case %zu: expected '%s', got '%s'", i, cases[i].expected, status ? problem.message : "success");
    }
    fv_data_free(known);
    fv_data_free(other);
    fv_data_free(longer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_distances_of_bytes_and_reals),
        cmocka_unit_test(long_samples_do_not_overflow),
        cmocka_unit_test(what_does_not_fit_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
