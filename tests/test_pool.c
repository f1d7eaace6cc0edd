/* Threads: pieces of a job, and when help is worth its while. */
#include "check.h"

#include "pool.h"
#include "worth.h"

#include <stdatomic.h>

struct marks {
    atomic_int count[1000];
    fv_pool *pool;
};

static void mark(void *context, int64_t piece, int thread) {
    struct marks *marks = context;
    assert_true(thread >= 0 && thread < fv_pool_threads(marks->pool));
    atomic_fetch_add(&marks->count[piece], 1);
}

static void every_piece_is_done_once(void **state) {
    (void)state;
    for (int threads = 1; threads <= 5; threads++) {
        static struct marks marks;
        memset(&marks, 0, sizeof marks);
        marks.pool = fv_pool_new(threads);
        for (int round = 0; round < 2000; round++) fv_pool_run(marks.pool, round % 1000, mark, &marks);
        for (int i = 0; i < 999; i++) assert_int_equal(atomic_load(&marks.count[i]), 2 * (999 - i));
        fv_pool_free(marks.pool);
    }
}

static void run_inside(void *context, int64_t piece, int thread) {
    (void)piece;
    (void)thread;
    fv_pool_run(((struct marks *)context)->pool, 10, mark, context);
}

static void a_piece_may_run_pieces(void **state) {
    (void)state;
    static struct marks marks;
    memset(&marks, 0, sizeof marks);
    marks.pool = fv_pool_new(3);
    fv_pool_run(marks.pool, 20, run_inside, &marks);
    for (int i = 0; i < 10; i++) assert_int_equal(atomic_load(&marks.count[i]), 20);
    fv_pool_free(marks.pool);
}

static void every_span_is_shared(void **state) {
    (void)state;
    static struct marks marks;
    memset(&marks, 0, sizeof marks);
    marks.pool = fv_pool_new(4);
    assert_int_equal(fv_pool_threads(marks.pool), 4);
    for (int pieces = 0; pieces < 12; pieces++) fv_pool_run(marks.pool, pieces, mark, &marks);
    for (int i = 0; i < 11; i++) assert_int_equal(atomic_load(&marks.count[i]), 11 - i);
    fv_pool_free(marks.pool);
}

/* A caller that shares jobs: each is of 10 pieces, of which it does 5 in `work` ticks and then waits for `wait` more, on a clock of one
 * tick a nanosecond; it has a CPU for `cpu` of that time. */
struct caller {
    fv_worth worth;
    uint64_t now;
    double cpu_time;
    uintptr_t thread;
};

static const uint64_t MILLISECOND = 1000 * 1000;

static void share(struct caller *c, uint64_t work, uint64_t wait, double cpu) {
    const fv_shared_job job = {
        .begin = c->now, .worked = c->now + work, .end = c->now + work + wait, .own = 5, .pieces = 10};
    c->now = job.end;
    c->cpu_time += cpu * (double)(work + wait);
    const fv_worth_moment moment = {
        .ticks = c->now, .wall = (int64_t)c->now, .cpu = (int64_t)c->cpu_time, .thread = c->thread};
    if (fv_worth_count(&c->worth, &job)) fv_worth_judge(&c->worth, &moment);
}

/* Shares such jobs until it rests, or for a second; whether it rests. */
static bool shares_until_rest(struct caller *c, uint64_t work, uint64_t wait, double cpu) {
    const uint64_t end = c->now + 1000 * MILLISECOND;
    while (c->now < end && !fv_worth_rests(&c->worth, c->now)) share(c, work, wait, cpu);
    return fv_worth_rests(&c->worth, c->now);
}

/* Until when it rests, from now on. */
static uint64_t rest_of(struct caller *c) {
    const uint64_t begin = c->now;
    while (fv_worth_rests(&c->worth, c->now)) c->now += MILLISECOND;
    return c->now - begin;
}

static struct caller new_caller(void) { return (struct caller){.now = 7, .thread = 1}; }

static void help_that_pays_goes_on(void **state) {
    (void)state;
    struct caller c = new_caller();
    assert_false(shares_until_rest(&c, MILLISECOND, MILLISECOND / 10, 1));
    assert_false(shares_until_rest(&c, 1000, 200, 1));
}

static void one_long_wait_is_no_reason(void **state) {
    (void)state;
    struct caller c = new_caller();
    for (int i = 0; i < 1000; i++) share(&c, MILLISECOND / 10, i % 100 == 50 ? 3 * MILLISECOND : 0, 1);
    assert_false(fv_worth_rests(&c.worth, c.now));
}

static void held_up_jobs_lead_to_rests_that_grow(void **state) {
    (void)state;
    struct caller c = new_caller();
    assert_true(shares_until_rest(&c, MILLISECOND, 2 * MILLISECOND, 1));
    assert_true(c.now < 200 * MILLISECOND);
    const uint64_t first = rest_of(&c);
    assert_true(first > 50 * MILLISECOND);
    assert_true(shares_until_rest(&c, MILLISECOND, 2 * MILLISECOND, 1));
    const uint64_t second = rest_of(&c);
    assert_true(second > 3 * first / 2);
    uint64_t last = second;
    for (int i = 0; i < 20; i++) {
        assert_true(shares_until_rest(&c, MILLISECOND, 2 * MILLISECOND, 1));
        last = rest_of(&c);
    }
    assert_true(last < 2500 * MILLISECOND);
    /* What held them up has gone. */
    assert_false(shares_until_rest(&c, MILLISECOND, 0, 1));
    assert_true(shares_until_rest(&c, MILLISECOND, 2 * MILLISECOND, 1));
    assert_true(rest_of(&c) < 2 * first);
}

static void a_caller_without_cpu_rests_too(void **state) {
    (void)state;
    struct caller c = new_caller();
    assert_true(shares_until_rest(&c, MILLISECOND, 0, 0.5));
    rest_of(&c);
    assert_false(shares_until_rest(&c, MILLISECOND, 0, 0.8));
}

static void sleep_between_jobs_is_not_held_against_help(void **state) {
    (void)state;
    struct caller c = new_caller();
    for (int i = 0; i < 1000; i++) {
        share(&c, MILLISECOND, 0, 1);
        c.now += 5 * MILLISECOND;
    }
    assert_false(fv_worth_rests(&c.worth, c.now));
}

static void another_threads_watch_is_not_judged(void **state) {
    (void)state;
    struct caller c = new_caller();
    for (int i = 0; i < 1000; i++) {
        c.thread = (uintptr_t)(1 + i % 2);
        share(&c, 50 * MILLISECOND, 0, 0);
    }
    assert_false(fv_worth_rests(&c.worth, c.now));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_is_done_once),
        cmocka_unit_test(a_piece_may_run_pieces),
        cmocka_unit_test(every_span_is_shared),
        cmocka_unit_test(help_that_pays_goes_on),
        cmocka_unit_test(one_long_wait_is_no_reason),
        cmocka_unit_test(held_up_jobs_lead_to_rests_that_grow),
        cmocka_unit_test(a_caller_without_cpu_rests_too),
        cmocka_unit_test(sleep_between_jobs_is_not_held_against_help),
        cmocka_unit_test(another_threads_watch_is_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
