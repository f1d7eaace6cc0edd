/* The base room: errors, memory, random numbers, text, hashes, shapes. */
#include "check.h"

#include "error.h"
#include "hash.h"
#include "memory.h"
#include "philox.h"
#include "text.h"

static void an_error_is_one_sentence_with_its_place(void **state) {
    (void)state;
    fv_error error;
    char text[600];
    assert_int_equal(fv_fail_at(&error, FV_E_SYNTAX, "a.net", 3, 7, "unknown key '%s'", "kernl"), FV_E_SYNTAX);
    assert_string_equal(fv_error_text(&error, text, sizeof text), "a.net:3:7: unknown key 'kernl'");
    fv_fail(&error, FV_E_SHAPE, "plain");
    assert_string_equal(fv_error_text(&error, text, sizeof text), "plain");
    assert_int_equal(fv_fail(NULL, FV_E_FILE, "nobody listens"), FV_E_FILE);
    assert_string_equal(fv_status_name(FV_E_SHAPE), "shape error");
}

static void sizes_are_checked(void **state) {
    (void)state;
    size_t size;
    int64_t number;
    assert_false(fv_mul_size(SIZE_MAX / 2, 3, &size));
    assert_true(fv_mul_size(3, 5, &size) && size == 15);
    assert_false(fv_mul_i64(INT64_MAX, 2, &number));
    assert_false(fv_mul_i64(-3, 2, &number));
    assert_false(fv_add_i64(INT64_MAX, 1, &number));
}

static void the_nth_allocation_can_fail(void **state) {
    (void)state;
    fv_alloc_fail_after(1);
    void *first = fv_alloc(8), *second = fv_alloc(8), *third = fv_alloc(8);
    fv_alloc_fail_after(-1);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    fv_free(first);
    fv_free(third);
}

static void an_arena_gives_zeroed_aligned_memory(void **state) {
    (void)state;
    fv_arena *arena = fv_arena_new();
    for (int i = 0; i < 2000; i++) {
        unsigned char *memory = fv_arena_take(arena, (size_t)i);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 16, 0);
        for (int k = 0; k < i; k++) assert_int_equal(memory[k], 0);
        memset(memory, 0xff, (size_t)i);
    }
    assert_string_equal(fv_arena_printf(arena, "%s%d", "conv", 12), "conv12");
    fv_arena_free(arena);
}

/* The known answers of the Random123 library, tests/kat_vectors, philox4x32 with 10 rounds. */
static void philox_gives_its_known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], expected[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t out[4];
        fv_philox(cases[i].key, cases[i].counter, out);
        for (int k = 0; k < 4; k++) assert_int_equal(out[k], cases[i].expected[k]);
    }
}

static void streams_have_the_moments_of_their_distribution(void **state) {
    (void)state;
    fv_stream s = fv_stream_new(7, FV_FOR_TEST, 0, 0);
    enum { DRAWS = 100000 };
    double uniform = 0, normal = 0, squares = 0;
    for (int i = 0; i < DRAWS; i++) {
        double u = fv_uniform(&s), z = fv_normal(&s);
        assert_true(u >= 0 && u < 1);
        uniform += u;
        normal += z;
        squares += z * z;
    }
    check_near("mean of uniform", uniform / DRAWS, 0.5, 0.005);
    check_near("mean of normal", normal / DRAWS, 0, 0.015);
    check_near("variance of normal", squares / DRAWS, 1, 0.02);
}

static void streams_of_different_names_differ(void **state) {
    (void)state;
    fv_stream a = fv_stream_new(1, FV_FOR_TEST, 0, 5), b = fv_stream_new(1, FV_FOR_TEST, 1, 5);
    fv_stream c = fv_stream_new(1, FV_FOR_SPLIT, 0, 5), d = fv_stream_new(2, FV_FOR_TEST, 0, 5);
    fv_stream e = fv_stream_new(1, FV_FOR_TEST, 0, UINT64_C(5) << 32);
    uint32_t first = fv_next(&a);
    assert_int_not_equal(first, fv_next(&b));
    assert_int_not_equal(first, fv_next(&c));
    assert_int_not_equal(first, fv_next(&d));
    assert_int_not_equal(first, fv_next(&e));
}

static void a_shuffle_is_a_permutation_and_repeats(void **state) {
    (void)state;
    int64_t one[100], two[100], seen[100] = {0};
    for (int i = 0; i < 100; i++) one[i] = two[i] = i;
    fv_stream s = fv_stream_new(3, FV_FOR_SHUFFLE, 4, 0), t = s;
    fv_shuffle(&s, one, 100);
    fv_shuffle(&t, two, 100);
    int moved = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(one[i], two[i]);
        moved += one[i] != i;
        seen[one[i]]++;
    }
    for (int i = 0; i < 100; i++) assert_int_equal(seen[i], 1);
    assert_true(moved > 80);
}

static void numbers_are_read_whole_or_not_at_all(void **state) {
    (void)state;
    int64_t i;
    double d;
    assert_true(fv_parse_i64("-9223372036854775808", &i) && i == INT64_MIN);
    assert_true(fv_parse_i64("9223372036854775807", &i) && i == INT64_MAX);
    const char *bad[] = {"", "-", "9223372036854775808", "1.5", "1x", " 1", "0x10"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) assert_false(fv_parse_i64(bad[k], &i));
    assert_true(fv_parse_double("1/4", &d) && d == 0.25);
    assert_true(fv_parse_double("-1e-3", &d) && d == -1e-3);
    const char *worse[] = {"", "nan", "inf", "0x1p3", "1e999", "1/0", "1/", "1.5.2", "1 "};
    for (size_t k = 0; k < sizeof worse / sizeof worse[0]; k++) assert_false(fv_parse_double(worse[k], &d));
}

static void doubles_are_printed_in_the_shortest_form(void **state) {
    (void)state;
    char out[32];
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"}, {1e-3, "0.001"}, {3, "3"}, {1.0 / 3, "0.3333333333333333"}, {1e300, "1e+300"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_print_double(cases[i].value, out);
        assert_string_equal(out, cases[i].text);
    }
}

static void the_nearest_name_is_one_that_could_be_meant(void **state) {
    (void)state;
    const char *names[] = {"conv", "maxpool", "batchnorm", "kernel"};
    assert_string_equal(fv_nearest("cnov", names, sizeof names[0], 4), "conv");
    assert_string_equal(fv_nearest("max_pool", names, sizeof names[0], 4), "maxpool");
    assert_string_equal(fv_nearest("kernel_size", names, sizeof names[0], 4), "kernel");
    assert_null(fv_nearest("zebra", names, sizeof names[0], 4));
}

static void growing_text_grows(void **state) {
    (void)state;
    fv_text text = {0};
    for (int i = 0; i < 1000; i++) fv_text_printf(&text, "%d,", i % 10);
    assert_int_equal(text.length, 2000);
    char *taken = fv_text_take(&text);
    assert_int_equal(strlen(taken), 2000);
    fv_free(taken);
    fv_alloc_fail_after(0);
    fv_text_add(&text, "no memory");
    fv_alloc_fail_after(-1);
    assert_null(fv_text_take(&text));
}

static void hashes_tell_bytes_apart(void **state) {
    (void)state;
    assert_true(fv_hash_text("conv1") != fv_hash_text("conv2"));
    assert_true(fv_hash(0, "\0", 1) != fv_hash(0, "\0\0", 2));
    assert_true(fv_hash_text("") == fv_hash_text(""));
}

static void shapes_are_told_as_people_write_them(void **state) {
    (void)state;
    char out[64];
    fv_shape shape = {4, {FV_BATCH, 28, FV_OPEN, 1}};
    assert_string_equal(fv_shape_text(&shape, out, sizeof out), "Nx28x?x1");
    assert_int_equal(fv_shape_count(&shape), 28);
    assert_string_equal(fv_shape_text(&(fv_shape){0}, out, sizeof out), "scalar");
    assert_int_equal(fv_dtype_from_name("u8"), FV_U8);
    assert_int_equal(fv_dtype_from_name("f8"), FV_NO_DTYPE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_one_sentence_with_its_place),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(the_nth_allocation_can_fail),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(philox_gives_its_known_answers),
        cmocka_unit_test(streams_have_the_moments_of_their_distribution),
        cmocka_unit_test(streams_of_different_names_differ),
        cmocka_unit_test(a_shuffle_is_a_permutation_and_repeats),
        cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
        cmocka_unit_test(doubles_are_printed_in_the_shortest_form),
        cmocka_unit_test(the_nearest_name_is_one_that_could_be_meant),
        cmocka_unit_test(growing_text_grows),
        cmocka_unit_test(hashes_tell_bytes_apart),
        cmocka_unit_test(shapes_are_told_as_people_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
