/* test_elements.c - kernels of cells of any type: functions, choices, reductions, running sums, products of matrices;
 * and how accurate the functions are that are computed lane by lane. */
#include "integers.h"
#include "kernel_case.h"

#include <math.h>

static const fv_dtype types[] = {FV_F32, FV_I32, FV_I64, FV_U8, FV_BOOL};

/* ---- what arithmetic of whole numbers means --------------------------------------------------------------------- */

static void whole_numbers_follow_their_rules(void **state) {
    (void)state;
    static const struct {
        fv_element kind;
        int64_t a, b, y;
    } rules[] = {
        {FV_EL_ADD, INT64_MAX, 1, INT64_MIN},
        {FV_EL_SUB, INT64_MIN, 1, INT64_MAX},
        {FV_EL_NEG, INT64_MIN, 0, INT64_MIN},
        {FV_EL_ABS, INT64_MIN, 0, INT64_MIN},
        {FV_EL_DIV, INT64_MIN, -1, INT64_MIN},
        {FV_EL_DIV, -7, 2, -3},
        {FV_EL_DIV, 7, 0, 0},
        {FV_EL_MODULO, -7, 3, 2},
        {FV_EL_MODULO, 7, -3, -2},
        {FV_EL_MODULO, 7, 0, 0},
        {FV_EL_MODULO, INT64_MIN, -1, 0},
        {FV_EL_REMAINDER, -7, 3, -1},
        {FV_EL_REMAINDER, 7, -3, 1},
        {FV_EL_POW, 3, 4, 81},
        {FV_EL_POW, -2, 63, INT64_MIN},
        {FV_EL_POW, 2, -1, 0},
        {FV_EL_POW, -1, -3, -1},
        {FV_EL_POW, 0, -1, 0},
        {FV_EL_POW, 0, 0, 1},
        {FV_EL_SHIFT_LEFT, 5, 64, 0},
        {FV_EL_SHIFT_RIGHT, -5, 70, -1},
        {FV_EL_SIGN, -9, 0, -1},
        {FV_EL_LESS_EQUAL, 3, 3, 1},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        int64_t got = fv_whole_element(rules[i].kind, rules[i].a, rules[i].b);
        if (got != rules[i].y)
            fail_msg("kind %d of %lld and %lld: expected %lld, got %lld", rules[i].kind, (long long)rules[i].a,
                     (long long)rules[i].b, (long long)rules[i].y, (long long)got);
    }
}

static void casts_of_reals_saturate(void **state) {
    (void)state;
    static const struct {
        fv_dtype to;
        double x;
        int64_t y;
    } casts[] = {{FV_I32, 2.9, 2},           {FV_I32, -2.9, -2}, {FV_I32, 1e10, INT32_MAX},
                 {FV_I64, -1e30, INT64_MIN}, {FV_I64, NAN, 0},   {FV_I64, INFINITY, INT64_MAX},
                 {FV_U8, 300, 255},          {FV_U8, -1, 0},     {FV_BOOL, 0.25, 1},
                 {FV_BOOL, -0.0, 0},         {FV_BOOL, NAN, 1}};
    for (size_t i = 0; i < sizeof casts / sizeof casts[0]; i++)
        if (fv_whole_from_real(casts[i].to, casts[i].x) != casts[i].y)
            fail_msg("%g to %s: expected %lld", casts[i].x, fv_dtype_name(casts[i].to), (long long)casts[i].y);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static int bytes_of(fv_dtype dtype) { return dtype == FV_F32 ? 0 : (int)fv_dtype_size(dtype); }

/* Cells of any type: small numbers, so that reals are exact. */
static void cells(kernel_case *k, int index, int64_t count, fv_dtype dtype, int64_t low, int64_t high) {
    if (dtype == FV_F32) {
        float *v = case_input(k, index, count, WHOLE);
        for (int64_t i = 0; i < count; i++) v[i] = (float)draw(low, high);
        return;
    }
    void *v = case_memory(k, index, count, bytes_of(dtype), false);
    for (int64_t i = 0; i < count; i++) fv_whole_store(dtype, v, i, draw(low, high));
}

static void result(kernel_case *k, int index, int64_t count, fv_dtype dtype) {
    if (dtype == FV_F32) {
        case_result(k, index, count);
        return;
    }
    void *v = case_memory(k, index, count, bytes_of(dtype), true);
    memset(v, 0x33, (size_t)(count * bytes_of(dtype)));
}

/* Strides of a dense array over the dimensions in the mask, 0 for the others; returns its cells. */
static int64_t strides(const fv_walk *w, unsigned mask, int64_t *out) {
    int64_t cells = 1;
    for (int d = w->rank - 1; d >= 0; d--) {
        out[d] = mask >> d & 1 ? cells : 0;
        if (mask >> d & 1) cells *= w->dim[d];
    }
    return cells;
}

static fv_walk some_walk(int64_t n) {
    fv_walk w = {.rank = (int)draw(1, 4)};
    for (int d = 0; d < w.rank; d++) w.dim[d] = draw(0, 3) ? draw(1, 9) : draw(10, 40);
    if (w.rank == 1 && draw(0, 1)) w.dim[0] = draw(20000, 40000);
    if (n > 0) w.dim[0] = n;
    return w;
}

static bool truth(fv_element kind) {
    return (kind >= FV_EL_IS_NAN && kind <= FV_EL_IS_NEGATIVE_INF) || (kind >= FV_EL_EQUAL && kind < FV_EL_COUNT);
}
static bool of_reals_only(fv_element kind) { return kind >= FV_EL_IS_NAN && kind <= FV_EL_IS_NEGATIVE_INF; }
static bool of_whole_only(fv_element kind) {
    return kind == FV_EL_NOT || (kind >= FV_EL_AND && kind <= FV_EL_SHIFT_RIGHT);
}
static bool of_truth(fv_element kind) {
    return kind == FV_EL_NOT || (kind >= FV_EL_AND && kind <= FV_EL_XOR) || kind == FV_EL_EQUAL || kind == FV_EL_CAST;
}

static void check_elements(fv_element kind, fv_dtype from, fv_dtype to) {
    kernel_case k;
    int64_t n = draw(1, 5);
    case_begin(&k, FV_R_ELEMENTS, n, kind == FV_EL_POW ? 1e-6 : 0, "kind %d %s to %s", kind, fv_dtype_name(from),
               fv_dtype_name(to));
    fv_walk w = some_walk(n);
    unsigned a_mask = draw(0, 2) ? 15 : (unsigned)draw(0, 15), b_mask = draw(0, 2) ? 15 : (unsigned)draw(0, 15);
    int64_t y = strides(&w, 15, w.y), a = strides(&w, a_mask, w.a), b = strides(&w, b_mask, w.b);
    bool signs = from != FV_U8 && from != FV_BOOL;
    int64_t high = from == FV_BOOL ? 1 : 5, low = signs ? -5 : 0;
    w.dim[0] = k.geom.n;
    k.geom.elements = (fv_elements_geom){kind, from, to, w};
    result(&k, 0, y, to);
    cells(&k, 1, a, from, low, high);
    if (kind >= FV_EL_ADD) cells(&k, 2, b, from, low, high);
    if (kind >= FV_EL_ADD && from == FV_F32 && (kind == FV_EL_DIV || kind == FV_EL_MODULO || kind == FV_EL_REMAINDER))
        for (int64_t i = 0; i < b; i++) ((float *)k.arg[2].memory)[i] = draw(0, 1) ? 0.5f : -0.25f;
    check_case(&k);
}

static void functions_of_cells(void **state) {
    (void)state;
    for (int kind = 1; kind < FV_EL_COUNT; kind++)
        for (int t = 0; t < 5; t++) {
            bool real = types[t] == FV_F32,
                 skip = real ? of_whole_only((fv_element)kind) : of_reals_only((fv_element)kind);
            if (skip || (types[t] == FV_BOOL && !of_truth((fv_element)kind))) continue;
            for (int i = 0; i < 12; i++)
                check_elements((fv_element)kind, types[t], truth((fv_element)kind) ? FV_BOOL : types[t]);
        }
}

static void casts(void **state) {
    (void)state;
    for (int from = 0; from < 5; from++)
        for (int to = 0; to < 5; to++)
            for (int i = 0; i < 6; i++) check_elements(FV_EL_CAST, types[from], types[to]);
}

static void choices(void **state) {
    (void)state;
    for (int i = 0; i < 100; i++) {
        kernel_case k;
        int64_t n = draw(1, 5);
        fv_dtype dtype = types[i % 5];
        fv_walk w = some_walk(n);
        fv_select_geom g = {.element = dtype == FV_F32 ? 4 : bytes_of(dtype)};
        int64_t y = strides(&w, 15, w.y), a = strides(&w, (unsigned)draw(0, 15), w.a),
                b = strides(&w, (unsigned)draw(0, 15), w.b),
                c = strides(&w, draw(0, 1) ? 15 : (unsigned)draw(0, 15), g.c);
        case_begin(&k, FV_R_SELECT, n, 0, "%s, case %d", fv_dtype_name(dtype), i);
        w.dim[0] = k.geom.n;
        g.walk = w;
        k.geom.select = g;
        result(&k, 0, y, dtype);
        cells(&k, 1, c, FV_BOOL, 0, 1);
        cells(&k, 2, a, dtype, 0, dtype == FV_BOOL ? 1 : 99);
        cells(&k, 3, b, dtype, 0, dtype == FV_BOOL ? 1 : 99);
        check_case(&k);
    }
}

static void check_fold(fv_reduction kind, fv_dtype dtype, bool index, int i) {
    kernel_case k;
    int64_t n = draw(1, 6);
    fv_walk w = some_walk(n);
    unsigned mask = index ? 15u & ~(1u << draw(0, w.rank - 1)) : (unsigned)draw(0, 15);
    if (i % 7 == 3 && !index) w.dim[w.rank - 1] = w.rank > 1 && !(mask >> (w.rank - 1) & 1) ? 0 : w.dim[w.rank - 1];
    int64_t y = strides(&w, mask, w.y), x = strides(&w, 15, w.a);
    case_begin(&k, FV_R_FOLD, n, kind == FV_PRODUCT ? 1e-6 : 0, "%s kind %d index %d case %d", fv_dtype_name(dtype),
               kind, index, i);
    w.dim[0] = k.geom.n;
    k.geom.fold = (fv_fold_geom){.kind = kind, .dtype = dtype, .index = index, .last = i & 1, .walk = w};
    result(&k, 0, y, index ? FV_I64 : dtype);
    cells(&k, 1, x, dtype, dtype == FV_U8 || dtype == FV_BOOL ? 0 : -3, dtype == FV_BOOL ? 1 : 3);
    if (dtype == FV_F32 && kind == FV_PRODUCT) /* many factors, no overflow */
        for (int64_t j = 0; j < x; j++) ((float *)k.arg[1].memory)[j] = draw(0, 1) ? 1 : -1;
    check_case(&k);
}

static void reductions_of_cells(void **state) {
    (void)state;
    for (int t = 0; t < 5; t++)
        for (int i = 0; i < 20; i++) {
            for (int kind = FV_SUM; kind <= FV_PRODUCT; kind++)
                if (types[t] != FV_F32 || kind == FV_PRODUCT) check_fold((fv_reduction)kind, types[t], false, i);
            check_fold(FV_MAXIMUM, types[t], true, i);
            check_fold(FV_MINIMUM, types[t], true, i);
        }
}

static void running_sums(void **state) {
    (void)state;
    for (int i = 0; i < 160; i++) {
        kernel_case k;
        fv_dtype dtype = types[i % 4];
        int64_t n = draw(1, 5), outer = draw(1, 5), length = draw(0, 9), inner = draw(1, 40);
        bool over = i % 3 == 0;
        if (over) outer = length = 1;
        case_begin(&k, FV_R_SCAN, n, 1e-6, "%s case %d", fv_dtype_name(dtype), i);
        k.geom.scan = (fv_scan_geom){.outer = outer,
                                     .length = length,
                                     .inner = inner,
                                     .dtype = dtype,
                                     .over_samples = over,
                                     .product = i & 16,
                                     .exclusive = i & 4,
                                     .reverse = i & 8};
        result(&k, 0, n * outer * length * inner, dtype);
        cells(&k, 1, n * outer * length * inner, dtype, dtype == FV_U8 ? 0 : -3, 3);
        check_case(&k);
    }
}

static void check_matmul(fv_dtype dtype, fv_walk w, int64_t rows, int64_t inner, int64_t cols, int how, bool batched) {
    kernel_case k;
    int64_t matrices = strides(&w, 15, w.y), n = w.dim[0];
    int64_t a = strides(&w, how & 4 ? 1 : 15, w.a), b = strides(&w, how & 8 ? 14 : 15, w.b);
    for (int d = 0; d < w.rank; d++) w.y[d] *= rows * cols, w.a[d] *= rows * inner, w.b[d] *= inner * cols;
    case_begin(&k, FV_R_MATMUL, n, 0, "%s %lldx%lldx%lld how %d", fv_dtype_name(dtype), (long long)rows,
               (long long)inner, (long long)cols, how);
    k.geom.batched = batched;
    if (!batched) k.geom.n = k.n = 1;
    if (batched) w.dim[0] = k.geom.n;
    k.geom.matmul = (fv_matmul_geom){.walk = w,
                                     .rows = rows,
                                     .inner = inner,
                                     .cols = cols,
                                     .dtype = dtype,
                                     .a_row = how & 1 ? 1 : inner,
                                     .a_inner = how & 1 ? rows : 1,
                                     .b_inner = how & 2 ? 1 : cols,
                                     .b_col = how & 2 ? inner : 1};
    result(&k, 0, matrices * rows * cols, dtype);
    cells(&k, 1, a * rows * inner, dtype, dtype == FV_U8 ? 0 : -3, 3);
    cells(&k, 2, b * inner * cols, dtype, dtype == FV_U8 ? 0 : -3, 3);
    check_case(&k);
}

static void products_of_matrices(void **state) {
    (void)state;
    for (int how = 0; how < 16; how++) {
        for (int t = 0; t < 4; t++)
            for (int i = 0; i < 3; i++)
                check_matmul(types[t], (fv_walk){.rank = 2, .dim = {draw(1, 4), draw(1, 3)}}, draw(1, 15), draw(0, 9),
                             draw(1, 70), how, i % 2);
        check_matmul(FV_F32, (fv_walk){.rank = 3, .dim = {2, 3, 1}}, 33, 37, 65, how, true);
    }
    check_matmul(FV_F32, (fv_walk){.rank = 0}, 5, 7, 9, 0, false);
}

/* ---- accuracy ---------------------------------------------------------------------------------------------------- */

static double ulps(float got, double exact) {
    int e;
    if (same_number(got, (float)exact)) return 0;
    if (isnan(exact) || isnan(got) || isinf(got)) return INFINITY;
    frexp(exact, &e);
    return fabs((double)got - exact) / (e < -125 ? 0x1p-149 : ldexp(1, e - 24));
}

static double exact_mish(double x) { return x * tanh(x > 30 ? x : log1p(exp(x))); }

static void functions_computed_lane_by_lane_are_accurate(void **state) {
    (void)state;
    enum { COUNT = 6000 };
    static const struct {
        fv_unary kind;
        double (*exact)(double);
        double low, high, ulps;
    } accuracies[] = {
        {FV_U_SIN, sin, -1e3, 1e3, 0.51},    {FV_U_COS, cos, -1e3, 1e3, 0.51}, {FV_U_TAN, tan, -1e3, 1e3, 0.51},
        {FV_U_SIN, sin, 1e5, 3e38, 0.51},    {FV_U_COS, cos, -3e38, 0, 0.51},  {FV_U_TAN, tan, 1e6, 1e9, 0.51},
        {FV_U_ASIN, asin, -1, 1, 0.51},      {FV_U_ACOS, acos, -1, 1, 0.51},   {FV_U_ATAN, atan, -20, 20, 0.51},
        {FV_U_SINH, sinh, -88, 88, 0.51},    {FV_U_COSH, cosh, -88, 88, 0.51}, {FV_U_ASINH, asinh, -1e3, 1e3, 0.51},
        {FV_U_ACOSH, acosh, 1, 50, 0.51},    {FV_U_ATANH, atanh, -1, 1, 0.51}, {FV_U_ERF, erf, -4, 4, 3},
        {FV_U_MISH, exact_mish, -15, 30, 6},
    };
    static float x[COUNT], y[COUNT];
    for (size_t a = 0; a < sizeof accuracies / sizeof accuracies[0]; a++)
        for (const fv_table *const *table = fv_all_tables(); *table; table++) {
            if ((*table)->real != FV_F32 || *table == fv_reference_f32()) continue;
            fv_geom geom = {.n = 1};
            geom.unary = (fv_unary_geom){.kind = accuracies[a].kind, .a = 1, .b = 1, .each = COUNT};
            const fv_kernel *kernel = fv_choose_kernel(*table, FV_R_UNARY, &geom);
            for (int i = 0; i < COUNT; i++) {
                double part = fv_uniform(&case_stream); /* half of them near 0, in all sizes */
                x[i] = (float)(accuracies[a].low + (accuracies[a].high - accuracies[a].low) * part);
                if (i % 2 && accuracies[a].low <= 0 && accuracies[a].high >= 0)
                    x[i] *= (float)exp2(-30 * fv_uniform(&case_stream));
            }
            assert_int_equal(kernel->run(&(fv_call){.geom = &geom, .n = 1, .arg = {y, x}}), FV_OK);
            for (int i = 0; i < COUNT; i++)
                if (!(ulps(y[i], accuracies[a].exact((double)x[i])) <= accuracies[a].ulps))
                    fail_msg("%s: kind %d of %.9g: expected %.9g, got %.9g, %.2f ulp", (*table)->name,
                             accuracies[a].kind, (double)x[i], accuracies[a].exact((double)x[i]), (double)y[i],
                             ulps(y[i], accuracies[a].exact((double)x[i])));
        }
}

static void powers_are_those_of_c(void **state) {
    (void)state;
    static const float special[] = {0.0f, -0.0f, 1,    -1,       0.5f,      -0.5f, 2,     -2,
                                    3,    -3,    2.5f, INFINITY, -INFINITY, NAN,   1e30f, 16777216};
    float y;
    fv_geom geom = {.n = 1};
    geom.elements = (fv_elements_geom){.kind = FV_EL_POW, .dtype = FV_F32, .result = FV_F32};
    for (const fv_table *const *table = fv_all_tables(); *table; table++)
        for (int i = 0; i < 256 && (*table)->real == FV_F32; i++) {
            float a = special[i / 16], b = special[i % 16];
            const fv_kernel *kernel = fv_choose_kernel(*table, FV_R_ELEMENTS, &geom);
            assert_int_equal(kernel->run(&(fv_call){.geom = &geom, .n = 1, .arg = {&y, &a, &b}}), FV_OK);
            float expected = powf(a, b);
            bool same = ulps(y, (double)expected) <= 0.51 && !signbit(y) == !signbit(expected);
            if (!same && !(isnan(y) && isnan(expected)))
                fail_msg("%s: %g to the %g: expected %g, got %g", (*table)->name, (double)a, (double)b,
                         (double)expected, (double)y);
        }
}

static void no_variant_went_untested(void **state) {
    (void)state;
    check_all_seen(FV_R_ELEMENTS, FV_R_MATMUL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_follow_their_rules),
        cmocka_unit_test(casts_of_reals_saturate),
        cmocka_unit_test(functions_of_cells),
        cmocka_unit_test(casts),
        cmocka_unit_test(choices),
        cmocka_unit_test(reductions_of_cells),
        cmocka_unit_test(running_sums),
        cmocka_unit_test(products_of_matrices),
        cmocka_unit_test(functions_computed_lane_by_lane_are_accurate),
        cmocka_unit_test(powers_are_those_of_c),
        cmocka_unit_test(no_variant_went_untested),
    };
    return cmocka_run_group_tests_name("elements", tests, open_pools, close_pools);
}
