/* When a short run leaves its threads alone. */
#include "check.h"

#include "solo.h"

/* A run that takes so long with all threads and alone. */
struct times {
    double shared, alone;
};

/* `goes` of them; how many went alone. */
static int alone_of(fv_solo *s, int goes, int64_t n, struct times t) {
    int count = 0;
    for (int i = 0; i < goes; i++) {
        const bool alone = fv_solo_alone(s, n);
        fv_solo_gone(s, fv_solo_timed(s) ? (alone ? t.alone : t.shared) : 0);
        count += alone;
    }
    return count;
}

static const struct times HELPS = {12e-6, 20e-6}, HURTS = {35e-6, 20e-6}, LONG = {2e-3, 1e-3};

static void help_that_pays_is_taken(void **state) {
    (void)state;
    fv_solo s = {0};
    assert_in_range(alone_of(&s, 100000, 1, HELPS), 1, 500);
}

static void help_that_hurts_is_left(void **state) {
    (void)state;
    fv_solo s = {0};
    assert_in_range(alone_of(&s, 100000, 1, HURTS), 99500, 99999);
}

static void long_runs_are_never_tried_alone(void **state) {
    (void)state;
    fv_solo s = {0};
    assert_int_equal(alone_of(&s, 100000, 1, LONG), 0);
}

static void what_changes_is_noticed(void **state) {
    (void)state;
    fv_solo s = {0};
    alone_of(&s, 100000, 1, HELPS);
    alone_of(&s, 5000, 1, HURTS);
    assert_in_range(alone_of(&s, 1000, 1, HURTS), 900, 1000);
    alone_of(&s, 5000, 1, HELPS);
    assert_in_range(alone_of(&s, 1000, 1, HELPS), 0, 100);
}

static void one_slow_go_decides_nothing(void **state) {
    (void)state;
    fv_solo s = {0};
    int alone = 0;
    for (int i = 0; i < 1000; i++) {
        alone += alone_of(&s, 99, 1, HELPS);
        alone += alone_of(&s, 1, 1, (struct times){1, 1});
    }
    assert_in_range(alone, 1, 500);
}

/* Times of other sizes are not compared. */
static void another_size_begins_anew(void **state) {
    (void)state;
    fv_solo s = {0};
    alone_of(&s, 1000, 1, HURTS);
    assert_int_equal(alone_of(&s, 8, 16, HELPS), 0);
    alone_of(&s, 8, 16, HELPS);
    assert_int_equal(alone_of(&s, 100, 16, HELPS), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_that_pays_is_taken),         cmocka_unit_test(help_that_hurts_is_left),
        cmocka_unit_test(long_runs_are_never_tried_alone), cmocka_unit_test(what_changes_is_noticed),
        cmocka_unit_test(one_slow_go_decides_nothing),     cmocka_unit_test(another_size_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
