/* test_digits.c - the built-in handwritten digits. */
#include "source.h"
#include "digits.h"
#include "hash.h"
#include "pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static fv_data *open_data(const char *spec, uint64_t seed, int64_t limit) {
    fv_error error = {0};
    fv_data *data = fv_data_open(spec, &error, .seed = seed, .limit = limit);
    if (!data) fail_msg("%s: %s", spec, error.message);
    return data;
}

static void sizes_and_fields(void **state) {
    (void)state;
    const struct {
        const char *spec;
        int64_t count;
    } cases[] = {{"digits", 60000}, {"digits:train", 60000}, {"digits:test", 10000}};
    for (int i = 0; i < 3; i++) {
        fv_data *data = open_data(cases[i].spec, 0, 0);
        assert_int_equal(fv_data_count(data), cases[i].count);
        assert_int_equal(fv_data_field_count(data), 2);
        const fv_data_field *picture = fv_data_field_at(data, 0), *class_field = fv_data_field_at(data, 1);
        assert_string_equal(picture->name, "picture");
        assert_int_equal(picture->dtype, FV_U8);
        assert_true(fv_shape_equal(&picture->shape, &(fv_shape){3, {28, 28, 1}}));
        assert_false(picture->target);
        assert_string_equal(class_field->name, "class");
        assert_int_equal(class_field->dtype, FV_I32);
        assert_int_equal(class_field->shape.rank, 0);
        assert_true(class_field->target);
        assert_int_equal(fv_data_class_count(data), 10);
        assert_string_equal(fv_data_class_name(data, 7), "7");
        assert_true(fv_data_has_part(data, "train") && fv_data_has_part(data, "test"));
        assert_false(fv_data_has_part(data, "validation"));
        fv_data_free(data);
    }
}

static void every_ten_samples_have_all_ten_digits(void **state) {
    (void)state;
    int ascending = 0;
    for (int64_t block = 0; block < 200; block++) {
        int seen = 0, sorted = 1;
        for (int64_t i = 0; i < 10; i++) {
            int digit = fv_digit_class(3, 0, block * 10 + i);
            seen |= 1 << digit;
            sorted &= digit == i;
        }
        assert_int_equal(seen, 1023);
        ascending += sorted;
    }
    assert_in_range(ascending, 0, 2); /* the order is drawn */
}

static uint64_t hash_of(const char *spec, uint64_t seed, int64_t first, int64_t count) {
    fv_data *data = open_data(spec, seed, 0);
    uint64_t hash = FV_HASH_START;
    for (int64_t i = first; i < first + count; i++) {
        unsigned char picture[784];
        int32_t digit;
        fv_error error;
        assert_int_equal(fv_data_read(data, i, (void *[]){picture, &digit}, &error), FV_OK);
        hash = fv_hash(hash, picture, sizeof picture);
        hash = fv_hash(hash, &digit, sizeof digit);
    }
    fv_data_free(data);
    return hash;
}

static void a_sample_is_a_function_of_seed_part_and_index(void **state) {
    (void)state;
    assert_true(hash_of("digits", 0, 500, 20) == hash_of("digits:train", 0, 500, 20));
    assert_true(hash_of("digits", 0, 500, 20) != hash_of("digits", 1, 500, 20));
    assert_true(hash_of("digits", 0, 500, 20) != hash_of("digits:test", 0, 500, 20));
    assert_true(hash_of("digits", 0, 500, 20) != hash_of("digits", 0, 520, 20));
    unsigned char once[784], again[784];
    fv_digit_draw(9, 1, 77, 4, once);
    fv_digit_draw(9, 1, 78, 4, again);
    assert_memory_not_equal(once, again, 784);
    fv_digit_draw(9, 1, 77, 4, again);
    assert_memory_equal(once, again, 784);
}

typedef struct shared {
    fv_data *data;
    uint64_t hashes[8];
} shared;

static void hash_all(void *context, int64_t piece, int thread) {
    shared *s = context;
    uint64_t hash = FV_HASH_START;
    (void)thread;
    for (int64_t i = 0; i < 300; i++) {
        unsigned char picture[784];
        int32_t digit;
        fv_data_read(s->data, i, (void *[]){picture, &digit}, NULL);
        hash = fv_hash(hash, picture, sizeof picture);
    }
    s->hashes[piece] = hash;
}

static void several_threads_may_read_one_set(void **state) {
    (void)state;
    shared s = {.data = open_data("digits", 11, 0)};
    fv_pool *pool = fv_pool_new(4);
    fv_pool_run(pool, 8, hash_all, &s);
    fv_pool_free(pool);
    for (int i = 1; i < 8; i++) assert_true(s.hashes[i] == s.hashes[0]);
    fv_data_free(s.data);
}

/* Golden: the drawing must not change by accident, nor differ between machines. */
static void the_drawing_is_the_same_everywhere(void **state) {
    (void)state;
    uint64_t hash = hash_of("digits", 0, 0, 1000), expected = UINT64_C(0x1b0f974cc85cbaf0);
    if (hash != expected)
        fail_msg("first 1000 digits: expected hash %016llx, got %016llx", (unsigned long long)expected,
                 (unsigned long long)hash);
}

static void pictures_have_ink_within_a_clean_border(void **state) {
    (void)state;
    int touching = 0;
    for (int64_t i = 0; i < 2000; i++) {
        unsigned char picture[784];
        fv_digit_draw(0, 0, i, fv_digit_class(0, 0, i), picture);
        int ink = 0, border = 0, dark = 0;
        for (int k = 0; k < 784; k++) {
            int x = k % 28, y = k / 28;
            ink += picture[k] > 0;
            dark += picture[k] > 120;
            if (x == 0 || y == 0 || x == 27 || y == 27) border += picture[k] > 60;
        }
        if (ink < 30 || ink > 450 || dark < 8) fail_msg("sample %d: %d pixels with ink, %d dark", (int)i, ink, dark);
        touching += border > 0;
    }
    if (touching > 60) fail_msg("%d of 2000 digits touch the border, expected at most 60", touching);
}

static void styles_are_complete(void **state) {
    (void)state;
    int styles[10] = {0};
    for (int i = 0; i < fv_digit_style_count; i++) {
        const fv_digit_style *style = &fv_digit_styles[i];
        assert_in_range(style->digit, 0, 9);
        assert_true(i == 0 || style->digit >= fv_digit_styles[i - 1].digit);
        assert_in_range(style->count, 3, FV_DIGIT_POINTS);
        assert_true(style->weight > 0);
        assert_int_equal(style->points[style->count - 1].turn, FV_LIFT);
        styles[style->digit]++;
    }
    for (int d = 0; d < 10; d++) assert_in_range(styles[d], 3, 10);
}

static void limit_and_unknown_parts(void **state) {
    (void)state;
    fv_data *data = open_data("digits:test", 0, 25);
    assert_int_equal(fv_data_count(data), 25);
    fv_data_free(data);
    fv_error error = {0};
    assert_null(fv_data_open_with("digits:tset", &error, NULL));
    assert_int_equal(error.status, FV_E_ARGUMENT);
    assert_non_null(strstr(error.message, "did you mean \"test\""));
    assert_null(fv_data_open_with("digits:holdout", &error, NULL));
    assert_non_null(strstr(error.message, "train, test"));
    assert_null(fv_data_open_with("digts", &error, NULL));
    assert_int_equal(error.status, FV_E_FILE);
    assert_non_null(strstr(error.message, "did you mean \"digits\""));
}

static void a_spec_can_name_one_sample(void **state) {
    (void)state;
    fv_data *one = open_data("digits:test:7", 0, 0), *all = open_data("digits:test", 0, 0);
    unsigned char a[784], b[784];
    int32_t x, y;
    assert_int_equal(fv_data_count(one), 1);
    assert_int_equal(fv_data_read(one, 0, (void *[]){a, &x}, NULL), FV_OK);
    assert_int_equal(fv_data_read(all, 7, (void *[]){b, &y}, NULL), FV_OK);
    assert_memory_equal(a, b, 784);
    assert_int_equal(x, y);
    fv_data_free(one);
    fv_data_free(all);
    fv_error error;
    assert_null(fv_data_open_with("digits:test:10000", &error, NULL));
    assert_non_null(strstr(error.message, "no sample 10000: there are 10000"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_fields),
        cmocka_unit_test(every_ten_samples_have_all_ten_digits),
        cmocka_unit_test(a_sample_is_a_function_of_seed_part_and_index),
        cmocka_unit_test(several_threads_may_read_one_set),
        cmocka_unit_test(the_drawing_is_the_same_everywhere),
        cmocka_unit_test(pictures_have_ink_within_a_clean_border),
        cmocka_unit_test(styles_are_complete),
        cmocka_unit_test(limit_and_unknown_parts),
        cmocka_unit_test(a_spec_can_name_one_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
