/* Schedules: the factor of the learning rate at given steps. */
#include "check.h"

#include "train.h"

static double at(const char *text, int64_t step, int64_t steps, int64_t epochs) {
    fv_rate_plan plan;
    fv_error error;
    if (fv_rate_plan_read(text, &plan, &error)) fail_msg("%s: %s", text, error.message);
    return fv_rate_factor(&plan, step, steps, epochs);
}

/* 10 epochs of 10 steps. */
static void factors_are_as_documented(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t step;
        double factor;
    } cases[] = {{"constant", 0, 1},
                 {"constant", 99, 1},
                 {"constant(0.5)", 7, 0.5},
                 {"step(every=3, factor=0.1)", 0, 1},
                 {"step(every=3, factor=0.1)", 29, 1},
                 {"step(every=3, factor=0.1)", 30, 0.1},
                 {"step(every=3, factor=0.1)", 59, 0.1},
                 {"step(every=3, factor=0.1)", 90, 0.001},
                 {"step(3, 0.1)", 30, 0.1},
                 {"linear", 0, 1},
                 {"linear", 25, 0.75},
                 {"linear(floor=0.2)", 50, 0.6},
                 {"linear(epochs=4)", 10, 0.75},
                 {"linear(epochs=4)", 40, 0},
                 {"linear(epochs=4)", 99, 0},
                 {"cosine", 0, 1},
                 {"cosine", 50, 0.5},
                 {"cosine", 25, 0.85355339},
                 {"cosine", 75, 0.14644661},
                 {"cosine(floor=0.2)", 50, 0.6},
                 {"onecycle", 0, 0.04},
                 {"onecycle", 15, 0.52},
                 {"onecycle", 30, 1},
                 {"onecycle", 65, 0.500002},
                 {"warmup(epochs=2)+constant", 0, 0.05},
                 {"warmup(epochs=2)+constant", 9, 0.5},
                 {"warmup(epochs=2)+constant", 19, 1},
                 {"warmup(epochs=2)+constant", 20, 1},
                 {"warmup(epochs=2)+constant", 99, 1},
                 {"warmup(2)+cosine", 20, 1},
                 {"warmup(2)+cosine", 60, 0.5},
                 {"warmup", 4, 0.5},
                 {"warmup", 50, 1},
                 /* LeNet-5's: by hand, a few passes each */
                 {"constant(epochs=2)+constant(0.4, epochs=3)+constant(0.2)", 19, 1},
                 {"constant(epochs=2)+constant(0.4, epochs=3)+constant(0.2)", 20, 0.4},
                 {"constant(epochs=2)+constant(0.4, epochs=3)+constant(0.2)", 49, 0.4},
                 {"constant(epochs=2)+constant(0.4, epochs=3)+constant(0.2)", 50, 0.2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[100];
        snprintf(name, sizeof name, "%s at step %d", cases[i].text, (int)cases[i].step);
        check_near(name, at(cases[i].text, cases[i].step, 10, 10), cases[i].factor, 1e-7);
    }
}

static void a_cosine_ends_near_its_floor(void **state) {
    (void)state;
    double last = at("cosine", 99999, 1000, 100);
    if (!(last >= 0 && last < 1e-8)) fail_msg("cosine at the last step: expected nearly 0, got %g", last);
    for (int64_t s = 1; s < 1000; s++) {
        double before = at("cosine", s - 1, 10, 100), now = at("cosine", s, 10, 100);
        if (!(now < before)) fail_msg("cosine at step %d: expected a fall, got %.17g after %.17g", (int)s, now, before);
    }
}

static void mistakes_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {{"cosin", "unknown schedule 'cosin'; did you mean 'cosine'?"},
                 {"constant+cosine", "schedule: constant before '+' needs epochs="},
                 {"", "schedule: expected a name, got nothing"},
                 {"step(every=0)", "schedule step: expected every > 0, got 0"},
                 {"onecycle(rise=1)", "schedule onecycle: expected rise below 1, got 1"},
                 {"cosine(-1)", "schedule cosine: expected no number below 0, got -1"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_rate_plan plan;
        fv_error error = {0};
        if (!fv_rate_plan_read(cases[i].text, &plan, &error)) fail_msg("'%s': expected an error", cases[i].text);
        if (strcmp(error.message, cases[i].message))
            fail_msg("'%s': expected \"%s\", got \"%s\"", cases[i].text, cases[i].message, error.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(factors_are_as_documented),
                                       cmocka_unit_test(a_cosine_ends_near_its_floor),
                                       cmocka_unit_test(mistakes_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
