/* Initializers: their moments and bounds, Keras's fans, and that a weight's draw depends on (seed, name) only. */
#include "check.h"

#include "initializers.h"

enum { BIG = 40000 };

static const fv_shape square = {2, {200, 200}};

static void fill(const char *text, float *out, const fv_shape *shape, const char *axes) {
    fv_error error;
    if (fv_initialize(text, out, shape, axes, 7, "layer.weight", &error)) fail_msg("%s: %s", text, error.message);
}

typedef struct moments {
    double mean, deviation, low, high;
} moments;

static moments moments_of(const float *x, int n) {
    moments m = {0, 0, INFINITY, -INFINITY};
    for (int i = 0; i < n; i++) m.mean += x[i] / n, m.low = fmin(m.low, x[i]), m.high = fmax(m.high, x[i]);
    for (int i = 0; i < n; i++) m.deviation += (x[i] - m.mean) * (x[i] - m.mean) / n;
    m.deviation = sqrt(m.deviation);
    return m;
}

static void they_have_the_moments_they_promise(void **state) {
    (void)state;
    /* 200x200 as "io": fan_in = fan_out = 200 */
    static const struct {
        const char *text;
        double mean, deviation, bound;
    } cases[] = {{"zeros", 0, 0, 0},
                 {"ones", 1, 0, 1},
                 {"constant(2.5)", 2.5, 0, 2.5},
                 {"constant(value=-3)", -3, 0, 3},
                 {"normal", 0, 0.05, 1},
                 {"normal(1, 0.5)", 1, 0.5, 4},
                 {"normal(deviation=2)", 0, 2, 12},
                 {"truncated_normal(0, 1)", 0, 0.87962566, 2},
                 {"uniform", 0, 0.1 / 3.4641016, 0.05},
                 {"uniform(low=2, high=4)", 3, 2 / 3.4641016, 4},
                 {"glorot_uniform", 0, 0.0707107, 0.1224745},
                 {"glorot_normal", 0, 0.0707107, 0.1607739},
                 {"he_uniform", 0, 0.1, 0.1732051},
                 {"he_normal", 0, 0.1, 0.2273696},
                 {"lecun_uniform", 0, 0.0707107, 0.1224745},
                 {"lecun_normal", 0, 0.0707107, 0.1607739},
                 {"pytorch_uniform", 0, 0.0408248, 0.0707107}};
    static float x[BIG];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fill(cases[i].text, x, &square, "io");
        moments m = moments_of(x, BIG);
        check_near(cases[i].text, m.mean, cases[i].mean, 4 * cases[i].deviation / sqrt(BIG) + 1e-6);
        check_near(cases[i].text, m.deviation, cases[i].deviation, 0.02 * cases[i].deviation + 1e-6);
        double furthest = fmax(fabs(m.low), fabs(m.high));
        if (furthest > cases[i].bound * (1 + 1e-5))
            fail_msg("%s: %g is beyond %g", cases[i].text, furthest, cases[i].bound);
    }
}

static void check_fans(const char *name, fv_shape shape, const char *axes, double in, double out) {
    fv_fans fans = fv_fans_of(&shape, axes);
    check_near(name, fans.in, in, 0);
    check_near(name, fans.out, out, 0);
}

static void fans_are_those_of_keras(void **state) {
    (void)state;
    check_fans("dense 784x10", (fv_shape){2, {784, 10}}, "io", 784, 10);
    check_fans("conv 3x3x32x64", (fv_shape){4, {3, 3, 32, 64}}, "kkio", 288, 576);
    check_fans("conv without letters", (fv_shape){4, {3, 3, 32, 64}}, NULL, 288, 576);
    check_fans("other order", (fv_shape){4, {64, 32, 3, 3}}, "oikk", 288, 576);
    check_fans("bias", (fv_shape){1, {10}}, "o", 10, 10);
    check_fans("per channel", (fv_shape){3, {3, 3, 8}}, "kkc", 72, 72);
    check_fans("one number", (fv_shape){0, {0}}, "", 1, 1);
}

static void a_draw_depends_on_seed_and_name_only(void **state) {
    (void)state;
    float a[100], b[100];
    fv_shape shape = {2, {10, 10}};
    fv_initialize("he_normal", a, &shape, "io", 1, "a.weight", NULL);
    fv_initialize("he_normal", b, &shape, "io", 1, "b.weight", NULL);
    if (!memcmp(a, b, sizeof a)) fail_msg("weights of different names: expected different draws");
    fv_initialize("he_normal", b, &shape, "io", 2, "a.weight", NULL);
    if (!memcmp(a, b, sizeof a)) fail_msg("different seeds: expected different draws");
    fv_initialize("he_normal", b, &shape, "io", 1, "a.weight", NULL);
    if (memcmp(a, b, sizeof a)) fail_msg("same seed and name: expected the same bits");
}

static void check_orthogonal(const char *name, fv_shape shape, double gain) {
    float x[600];
    char text[40];
    snprintf(text, sizeof text, "orthogonal(%g)", gain);
    fill(text, x, &shape, NULL);
    int cols = (int)shape.dim[shape.rank - 1], rows = (int)fv_shape_count(&shape) / cols;
    bool tall = rows >= cols;
    int n = tall ? cols : rows, length = tall ? rows : cols;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double dot = 0;
            for (int k = 0; k < length; k++)
                dot += tall ? (double)x[k * cols + i] * x[k * cols + j] : (double)x[i * cols + k] * x[j * cols + k];
            check_near(name, dot, i == j ? gain * gain : 0, 1e-5 * gain * gain);
        }
}

static void orthogonal_is_orthogonal(void **state) {
    (void)state;
    check_orthogonal("square", (fv_shape){2, {20, 20}}, 1);
    check_orthogonal("tall", (fv_shape){2, {30, 10}}, 1);
    check_orthogonal("wide", (fv_shape){2, {7, 30}}, 2);
    check_orthogonal("convolution", (fv_shape){4, {3, 3, 4, 8}}, 1);
}

/* PyTorch's dirac_ on the first filters. */
static void identity_copies_channels(void **state) {
    (void)state;
    float x[3 * 3 * 2 * 4], drawn[3 * 3 * 2 * 4], narrow[2 * 2 * 3 * 2];
    const fv_shape shape = {4, {3, 3, 2, 4}};
    fill("identity", x, &shape, "kkio");
    for (int k = 0; k < 72; k++) {
        bool one = k == 4 * 8 + 0 || k == 4 * 8 + 5; /* middle tap, input i, output i */
        check_near("3x3 of 2 to 4 channels", x[k], one, 0);
    }
    fill("identity(rest=he_normal)", x, &shape, "kkio");
    fill("he_normal", drawn, &shape, "kkio");
    for (int k = 0; k < 72; k++) {
        bool one = k == 4 * 8 + 0 || k == 4 * 8 + 5;
        check_near("with a rest", x[k], k % 4 >= 2 ? drawn[k] : one, 0);
    }
    fill("identity(normal)", narrow, &(fv_shape){4, {2, 2, 3, 2}}, "kkio");
    for (int k = 0; k < 24; k++) check_near("fewer outputs, even window", narrow[k], k == 18 || k == 21, 0);
    fill("identity", x, &(fv_shape){2, {3, 3}}, "io");
    for (int k = 0; k < 9; k++) check_near("dense", x[k], k % 4 == 0, 0);
    fv_error error;
    assert_int_equal(fv_initialize("identity", x, &(fv_shape){1, {3}}, "o", 0, "b", &error), FV_E_ARGUMENT);
    assert_string_equal(error.message, "identity: expected a weight from inputs to outputs, as conv and dense have");
    assert_int_equal(fv_initialize("identity(rest=identity)", x, &shape, "kkio", 0, "w", &error), FV_E_ARGUMENT);
    assert_string_equal(error.message, "initializer 'identity(rest=identity)': the rest cannot be identity again");
}

static void lenet5_digits_are_pictures(void **state) {
    (void)state;
    float x[840];
    fv_shape shape = {2, {84, 10}};
    fill("lenet5_digits", x, &shape, "io");
    for (int i = 0; i < 840; i++)
        if (x[i] != 1 && x[i] != -1) fail_msg("entry %d: expected 1 or -1, got %g", i, x[i]);
    for (int a = 0; a < 10; a++)
        for (int b = 0; b < a; b++) {
            int differ = 0;
            for (int i = 0; i < 84; i++) differ += x[i * 10 + a] != x[i * 10 + b];
            if (differ < 4) fail_msg("digits %d and %d: expected different codes, %d pixels differ", b, a, differ);
        }
    for (int i = 0; i < 7; i++) check_near("the first row is empty", x[i * 10 + 3], -1, 0);
    fv_error error;
    fv_shape wrong = {2, {84, 11}};
    assert_int_equal(fv_initialize("lenet5_digits", x, &wrong, "io", 0, "w", &error), FV_E_SHAPE);
    assert_string_equal(error.message, "lenet5_digits: expected a weight of 84x10 (pixels, digits), got 84x11");
}

static void mistakes_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"he_norml", "unknown initializer 'he_norml'; did you mean 'he_normal'?"},
        {"normal(0, x)", "initializer 'normal(0, x)': expected a number, got 'x'"},
        {"normal(0, 1, 2)", "initializer 'normal(0, 1, 2)': normal takes at most 2 arguments: mean=0 deviation=0.05"},
        {"normal(sigma=1)",
         "initializer 'normal(sigma=1)': normal has no argument 'sigma'; it takes: mean=0 deviation=0.05"},
        {"normal(0, mean=1)", "initializer 'normal(0, mean=1)': 'mean' is given twice"},
        {"normal(deviation=-1)", "normal: expected deviation >= 0, got -1"},
        {"normal(nan)", "initializer 'normal(nan)': expected a number, got 'nan'"},
        {"normal(1", "initializer 'normal(1': expected NAME or NAME(number, name=number, ...)"},
        {"normal(1))", "initializer 'normal(1))': expected NAME or NAME(number, name=number, ...)"},
        {"normal(,)", "initializer 'normal(,)': expected NAME or NAME(number, name=number, ...)"},
        {"", "initializer '': expected NAME or NAME(number, name=number, ...)"},
        {"zeros(1)", "initializer 'zeros(1)': zeros takes at most 0 arguments: nothing"}};
    float x[4];
    fv_shape shape = {2, {2, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_error error = {0};
        if (!fv_initialize(cases[i].text, x, &shape, "io", 0, "w", &error))
            fail_msg("'%s': expected an error", cases[i].text);
        if (strcmp(error.message, cases[i].message))
            fail_msg("'%s': expected \"%s\", got \"%s\"", cases[i].text, cases[i].message, error.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(they_have_the_moments_they_promise),
                                       cmocka_unit_test(fans_are_those_of_keras),
                                       cmocka_unit_test(a_draw_depends_on_seed_and_name_only),
                                       cmocka_unit_test(orthogonal_is_orthogonal),
                                       cmocka_unit_test(identity_copies_channels),
                                       cmocka_unit_test(lenet5_digits_are_pictures),
                                       cmocka_unit_test(mistakes_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
