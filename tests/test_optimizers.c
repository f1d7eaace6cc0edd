/* Optimizers: a few steps of each on one weight, against the formulas written out here in doubles; constraints. */
#include "check.h"

#include "train.h"

/* y = w*x with x = 1 and target 0: loss w^2, gradient 2w. */
typedef struct slope {
    fv_net *net;
    fv_model *model;
    fv_run *run;
    fv_descent descent;
} slope;

static slope make_slope(const char *optimizer, const char *fields, float start) {
    fv_error error = {0};
    slope s = {.net = fv_net_new()};
    fv_value x = fv_input(s.net, .channels = 1);
    if (fv_apply(s.net, "dense", &x, 1, fields, &error).id < 0 || fv_set_loss(s.net, "mse", NULL, &error))
        fail_msg("%s", error.message);
    s.model = fv_model_new(s.net, 1, &error);
    if (!s.model) fail_msg("%s", error.message);
    *(float *)fv_model_weight(s.model, 0).data = start;
    fv_plan_options options = {.batch = 1, .training = true, .losses = true, .gradients = true, .threads = 1};
    s.run = fv_run_build(s.net, &s.model->weights, &options, &error);
    if (!s.run) fail_msg("%s", error.message);
    *(float *)fv_run_input(s.run, NULL).data = 1;
    *(float *)fv_run_input(s.run, "target").data = 0;
    if (fv_descent_begin(&s.descent, s.model, s.run, optimizer, NULL, &error)) fail_msg("%s", error.message);
    return s;
}

static float step_of(slope *s, double rate) {
    fv_error error;
    s->descent.groups.group[0].rate = rate;
    if (fv_run_go(s->run, 1, &error) || fv_descent_step(&s->descent, &error)) fail_msg("%s", error.message);
    fv_model_touch(s->model);
    return *(float *)fv_model_weight(s->model, 0).data;
}

static void free_slope(slope *s) {
    fv_descent_end(&s->descent);
    fv_run_free(s->run);
    fv_model_free(s->model);
    fv_net_free(s->net);
}

/* The formulas. s and t are the states; returns the new weight. */
typedef double (*formula)(double w, double g, double *s, double *t, int step);

static double sgd(double w, double g, double *s, double *t, int n) { return (void)s, (void)t, (void)n, w - 0.1 * g; }
static double decayed(double w, double g, double *s, double *t, int n) { return sgd(w, g + 0.5 * w, s, t, n); }
static double momentum(double w, double g, double *s, double *t, int n) {
    (void)t, (void)n;
    *s = 0.9 * *s + g;
    return w - 0.1 * *s;
}
static double nesterov(double w, double g, double *s, double *t, int n) {
    (void)t, (void)n;
    *s = 0.9 * *s + g;
    return w - 0.1 * (g + 0.9 * *s);
}
static double rmsprop(double w, double g, double *s, double *t, int n) {
    (void)t, (void)n;
    *s = 0.8 * *s + 0.2 * g * g;
    return w - 0.1 * g / (sqrt(*s) + 1e-7);
}
static double adagrad(double w, double g, double *s, double *t, int n) {
    (void)t;
    *s = (n == 1 ? 0.1 : *s) + g * g;
    return w - 0.1 * g / (sqrt(*s) + 1e-7);
}
static double adam(double w, double g, double *s, double *t, int n) {
    *s = 0.9 * *s + 0.1 * g;
    *t = 0.99 * *t + 0.01 * g * g;
    return w - 0.1 * (*s / (1 - pow(0.9, n))) / (sqrt(*t / (1 - pow(0.99, n))) + 1e-8);
}
static double adamw(double w, double g, double *s, double *t, int n) { return adam(w, g, s, t, n) - 0.1 * 0.3 * w; }

static void steps_follow_the_formulas(void **state) {
    (void)state;
    static const struct {
        const char *text;
        formula formula;
    } cases[] = {{"sgd", sgd},
                 {"sgd(decay=0.5)", decayed},
                 {"sgd(momentum=0.9)", momentum},
                 {"momentum", momentum},
                 {"nesterov", nesterov},
                 {"sgd(momentum=0.9, nesterov=yes)", nesterov},
                 {"rmsprop(rho=0.8)", rmsprop},
                 {"adagrad", adagrad},
                 {"adam(beta2=0.99)", adam},
                 {"adamw(beta2=0.99, decay=0.3)", adamw}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        slope slope = make_slope(cases[i].text, "1 bias=no", 1.5f);
        double w = 1.5, s = 0, t = 0;
        for (int n = 1; n <= 5; n++) {
            char name[80];
            snprintf(name, sizeof name, "%s, step %d", cases[i].text, n);
            w = cases[i].formula(w, 2 * w, &s, &t, n);
            check_near(name, step_of(&slope, 0.1), w, 2e-6);
        }
        free_slope(&slope);
    }
}

static void constraints_hold_after_a_step(void **state) {
    (void)state;
    slope s = make_slope("sgd", "1 bias=no kernel_constraint=non_negative", 1);
    check_near("non_negative: 1 - 0.9*2 is below 0", step_of(&s, 0.9), 0, 0);
    free_slope(&s);
    s = make_slope("sgd", "1 bias=no kernel_constraint=max_norm(0.25)", 1);
    check_near("max_norm: 0.8 becomes 0.25", step_of(&s, 0.1), 0.25, 1e-7);
    check_near("max_norm: 0.2 may stay", step_of(&s, 0.1), 0.2, 1e-7);
    free_slope(&s);
    s = make_slope("sgd", "1 bias=no kernel_constraint=unit_norm", -1);
    check_near("unit_norm: -0.8 becomes -1", step_of(&s, 0.1), -1, 1e-7);
    free_slope(&s);
}

static void norms_are_those_of_one_output(void **state) {
    (void)state;
    double arguments[FV_SPEC_ARGUMENTS];
    const fv_constraint *unit = fv_find_constraint("unit_norm", arguments, NULL);
    float w[] = {3, 0, /**/ 4, 2}; /* two inputs, two outputs */
    unit->apply(w, &(fv_shape){2, {2, 2}}, "io", arguments);
    const float expected[] = {0.6f, 0, 0.8f, 1};
    for (int i = 0; i < 4; i++) check_near("last axis is the output", w[i], expected[i], 1e-7);
    float v[] = {3, 4, /**/ 0, 2};
    unit->apply(v, &(fv_shape){2, {2, 2}}, "oi", arguments);
    const float other[] = {0.6f, 0.8f, 0, 1};
    for (int i = 0; i < 4; i++) check_near("first axis is the output", v[i], other[i], 1e-7);
}

static void mistakes_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {{"adma", "unknown optimizer 'adma'; did you mean 'adam'?"},
                 {"adam(lr=1)",
                  "optimizer 'adam(lr=1)': adam has no argument 'lr'; it takes: rate=0.001 beta1=0.9 beta2=0.999 "
                  "epsilon=1e-8 decay=0"},
                 {"adam(beta1=1)", "optimizer adam: expected beta1 in [0, 1), got 1"},
                 {"sgd(-1)", "optimizer sgd: expected no number below 0, got -1"}};
    double arguments[FV_SPEC_ARGUMENTS];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_error error = {0};
        if (fv_find_optimizer(cases[i].text, arguments, &error)) fail_msg("'%s': expected an error", cases[i].text);
        if (strcmp(error.message, cases[i].message))
            fail_msg("'%s': expected \"%s\", got \"%s\"", cases[i].text, cases[i].message, error.message);
    }
    fv_error error;
    assert_null(fv_find_constraint("max_norm(0)", arguments, &error));
    assert_string_equal(error.message, "constraint 'max_norm(0)': expected a bound above 0, got 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_the_formulas), cmocka_unit_test(constraints_hold_after_a_step),
        cmocka_unit_test(norms_are_those_of_one_output), cmocka_unit_test(mistakes_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
