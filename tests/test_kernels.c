/* Every routine but convolution: every variant of every table against the double reference, by families. */
#include "kernel_case.h"

static int64_t product(const int64_t v[3]) { return v[0] * v[1] * v[2]; }

/* Calls the float reference, for what a backward reads of its forward. */
static void reference(fv_routine routine, const fv_geom *geom, int64_t n, void *y, void *a, void *b) {
    fv_call call = {.geom = geom, .n = n, .arg = {y, a, b}};
    assert_int_equal(fv_reference_f32()->kernels[routine][0]->run(&call), FV_OK);
}

/* ---- pooling ---------------------------------------------------------------------------------------------------- */

static void check_pool(const fv_pool_geom *g, int64_t n) {
    int64_t x = n * product(g->in) * g->x_pixel, y = n * product(g->out) * g->y_pixel;
    int64_t dx = n * product(g->in) * fv_pixel(g->dx_pixel, g->x_pixel),
            dy = n * product(g->out) * fv_pixel(g->dy_pixel, g->y_pixel);
    bool mean = g->kind == FV_POOL_MEAN || g->kind == FV_POOL_MEAN_PADDED;
    kernel_case k, back;
    case_begin(
        &k, FV_R_POOL, n, mean ? 1e-6 : 0,
        "kind %d n=%lld in %lldx%lldx%lldx%lld out %lldx%lldx%lld window %lldx%lldx%lld stride %lld,%lld,%lld pad "
        "%lld,%lld,%lld dilation %lld,%lld,%lld pixels %lld,%lld of gradients %lld,%lld add %d,%lld relu %d",
        g->kind, (long long)n, (long long)g->in[0], (long long)g->in[1], (long long)g->in[2], (long long)g->c,
        (long long)g->out[0], (long long)g->out[1], (long long)g->out[2], (long long)g->window[0],
        (long long)g->window[1], (long long)g->window[2], (long long)g->stride[0], (long long)g->stride[1],
        (long long)g->stride[2], (long long)g->pad[0], (long long)g->pad[1], (long long)g->pad[2],
        (long long)g->dilation[0], (long long)g->dilation[1], (long long)g->dilation[2], (long long)g->x_pixel,
        (long long)g->y_pixel, (long long)g->dx_pixel, (long long)g->dy_pixel, g->add, (long long)g->add_pixel,
        g->relu);
    k.geom.pool = *g;
    back = k;
    back.routine = FV_R_POOL_BACK;
    case_result(&k, 0, y);
    case_input(&k, 1, x, WHOLE);
    case_result(&back, 0, dx);
    case_input(&back, 1, dy, WHOLE);
    if (g->kind == FV_POOL_MAX) {
        memcpy(case_input(&back, 2, x, WHOLE), k.arg[1].memory, (size_t)x * 4);
        reference(FV_R_POOL, &k.geom, n, case_input(&back, 3, y, WHOLE), back.arg[2].memory, NULL);
    }
    if (g->add)
        case_input(&back, 4, n * product(g->in) * fv_pixel(g->add_pixel, fv_pixel(g->dx_pixel, g->x_pixel)), WHOLE);
    check_case(&k);
    check_case(&back);
}

static void finish_pool(fv_pool_geom *g, int64_t behind) {
    for (int d = 0; d < 3; d++) {
        int64_t extent = (g->window[d] - 1) * g->dilation[d] + 1, room = g->in[d] + g->pad[d] + (d > 0 ? behind : 0);
        if (room < extent) g->in[d] += extent - room, room = extent;
        g->out[d] = (room - extent) / g->stride[d] + 1;
    }
    if (g->x_pixel == 0) g->x_pixel = g->c;
    if (g->y_pixel == 0) g->y_pixel = g->c;
}

static void pooling_of_usual_windows(void **state) {
    (void)state;
    static const int64_t channels[] = {1, 2, 3, 5, 6, 8, 16, 17, 31, 32, 33, 64};
    static const int64_t windows[][3] = {{2, 2, 0}, {3, 2, 0}, {3, 2, 1}, {3, 1, 1}, {2, 1, 0}, {3, 3, 0}, {7, 7, 0}};
    for (int c = 0; c < 12; c++) {
        for (int w = 0; w < 7; w++) {
            int64_t s = windows[w][1], size = windows[w][0], pad = windows[w][2];
            fv_pool_geom g = {.in = {1, 9 + c % 3, 14 - c % 4},
                              .window = {1, size, size},
                              .stride = {1, s, s},
                              .pad = {0, pad, pad},
                              .dilation = {1, 1, 1},
                              .c = channels[c],
                              .kind = (fv_pooling)((c + w) % 4)};
            finish_pool(&g, pad);
            check_pool(&g, 3);
            g.kind = FV_POOL_MAX;
            g.relu = c % 2, g.add = c % 3 == 0;
            check_pool(&g, 2);
        }
    }
    fv_pool_geom g = {.in = {1, 28, 28}, .window = {1, 2, 2}, .stride = {1, 2, 2}, .dilation = {1, 1, 1}, .c = 6};
    finish_pool(&g, 0);
    check_pool(&g, 13);
}

static void pooling_of_whole_pictures(void **state) {
    (void)state;
    static const int64_t channels[] = {1, 5, 16, 31, 64, 70, 130},
                         sizes[][3] = {{1, 1, 1}, {1, 7, 7}, {2, 3, 5}, {1, 33, 34}};
    for (int i = 0; i < 28; i++) {
        const int64_t *size = sizes[i % 4], c = channels[i % 7];
        for (int kind = 0; kind < 4; kind++) {
            fv_pool_geom g = {.c = c, .kind = (fv_pooling)kind, .stride = {1, 1 + i % 2, 1}, .dilation = {1, 1, 1}};
            for (int d = 0; d < 3; d++) g.in[d] = g.window[d] = size[d];
            if (i % 3 == 1) g.x_pixel = c + 3, g.dx_pixel = c + 1;
            if (i % 3 == 2) g.y_pixel = c + 2, g.dy_pixel = c + 5;
            g.relu = kind == FV_POOL_MAX && i % 2;
            g.add = kind == FV_POOL_MAX && i % 5 == 0;
            finish_pool(&g, 0);
            check_pool(&g, 1 + i % 5);
        }
    }
}

static void pooling_of_anything(void **state) {
    (void)state;
    for (int i = 0; i < 150; i++) {
        fv_pool_geom g = {.c = draw(0, 1) ? draw(1, 9) : draw(10, 70)};
        g.kind = (fv_pooling)draw(0, 3);
        bool volume = draw(0, 3) == 0;
        for (int d = 0; d < 3; d++) {
            bool flat = d == 0 && !volume;
            g.in[d] = flat ? 1 : draw(1, 9);
            g.window[d] = flat ? 1 : draw(1, 4);
            g.stride[d] = flat ? 1 : draw(1, 4);
            g.dilation[d] = flat || draw(0, 3) ? 1 : 2;
            g.pad[d] = flat ? 0 : draw(0, 3);
        }
        if (draw(0, 2) == 0) g.x_pixel = g.c + draw(1, 5);
        if (draw(0, 2) == 0) g.y_pixel = g.c + draw(1, 5);
        if (draw(0, 2) == 0) g.dx_pixel = g.c + draw(0, 5);
        if (draw(0, 2) == 0) g.dy_pixel = g.c + draw(0, 5);
        g.relu = g.kind == FV_POOL_MAX && draw(0, 1);
        g.add = g.kind == FV_POOL_MAX && draw(0, 1);
        if (g.add && draw(0, 1)) g.add_pixel = g.c + draw(0, 5);
        finish_pool(&g, draw(0, 3));
        check_pool(&g, draw(1, 9));
    }
}

/* ---- element functions ------------------------------------------------------------------------------------------ */

static bool whole_exact(fv_unary kind) {
    return kind == FV_U_COPY || kind == FV_U_RELU || kind == FV_U_LEAKY_RELU || kind == FV_U_ABS || kind == FV_U_NEG ||
           kind == FV_U_SQUARE || kind == FV_U_SIGN || kind == FV_U_SCALE;
}

static void check_unary(fv_unary kind, int64_t each, int64_t n, bool exact) {
    kernel_data data = exact                                                              ? WHOLE
                       : kind == FV_U_LOG || kind == FV_U_SQRT || kind == FV_U_RECIPROCAL ? POSITIVE
                                                                                          : NORMAL;
    kernel_case k, back;
    case_begin(&k, FV_R_UNARY, n, exact ? 0 : 1e-6, "kind %d each %lld n=%lld", kind, (long long)each, (long long)n);
    k.geom.unary = (fv_unary_geom){.kind = kind, .a = 0.5, .b = 2, .each = each};
    back = k;
    back.routine = FV_R_UNARY_BACK;
    case_result(&k, 0, n * each);
    case_input(&k, 1, n * each, data);
    case_result(&back, 0, n * each);
    case_input(&back, 1, n * each, data);
    if (fv_unary_reads(kind) & FV_READS_X)
        memcpy(case_input(&back, 2, n * each, data), k.arg[1].memory, (size_t)(n * each) * 4);
    if (fv_unary_reads(kind) & FV_READS_Y)
        reference(FV_R_UNARY, &k.geom, n, case_input(&back, 3, n * each, data), k.arg[1].memory, NULL);
    check_case(&k);
    check_case(&back);
}

/* Rows of every argument that lie apart, as in slices of wider values. */
static void check_unary_rows(fv_unary kind, int64_t row, int64_t rows, int64_t n) {
    kernel_case k, back;
    case_begin(&k, FV_R_UNARY, n, 1e-6, "kind %d, %lld rows of %lld, n=%lld", kind, (long long)rows, (long long)row,
               (long long)n);
    k.geom.unary = (fv_unary_geom){.kind = kind, .a = 0.5, .b = 2, .each = rows * row, .row = row};
    int64_t count[4];
    for (int i = 0; i < 4; i++) {
        k.geom.unary.pixel[i] = draw(0, 3) ? row + draw(0, 9) : 0;
        count[i] = n * rows * fv_pixel(k.geom.unary.pixel[i], row);
    }
    back = k;
    back.routine = FV_R_UNARY_BACK;
    case_result(&k, 0, count[0]);
    case_input(&k, 1, count[1], POSITIVE);
    case_result(&back, 0, count[0]);
    case_input(&back, 1, count[1], NORMAL);
    if (fv_unary_reads(kind) & FV_READS_X) case_input(&back, 2, count[2], POSITIVE);
    if (fv_unary_reads(kind) & FV_READS_Y) case_input(&back, 3, count[3], POSITIVE);
    check_case(&k);
    check_case(&back);
}

static void element_functions_of_slices(void **state) {
    (void)state;
    static const int64_t rows[] = {1, 3, 12, 16, 33, 64, 100};
    for (int kind = 0; kind < FV_U_COUNT; kind++)
        for (int r = 0; r < 7; r++) check_unary_rows((fv_unary)kind, rows[r], 1 + (kind + r) % 5, 1 + r % 3);
    check_unary_rows(FV_U_RELU, 48, 500, 3);
}

static void element_functions(void **state) {
    (void)state;
    case_stream = fv_stream_new(1, FV_FOR_TEST, 0, 1); /* the same numbers whatever the tests before drew */
    static const int64_t sizes[] = {1, 3, 7, 15, 16, 17, 31, 33, 64, 65, 257, 1009};
    for (int kind = 0; kind < FV_U_COUNT; kind++) {
        for (int s = 0; s < 12; s++) {
            check_unary((fv_unary)kind, sizes[s], 1 + s % 3, false);
            if (whole_exact((fv_unary)kind)) check_unary((fv_unary)kind, sizes[s], 1 + s % 3, true);
        }
        check_unary((fv_unary)kind, 23333, 3, false);
    }
}

/* y and dx may be the memory of x and dy. */
static void element_functions_in_place(void **state) {
    (void)state;
    float x[71], y[71];
    for (const fv_table *const *table = fv_all_tables(); *table; table++) {
        if ((*table)->real != FV_F32) continue;
        for (int kind = 0; kind < FV_U_COUNT; kind++) {
            fv_geom geom = {.n = 1, .unary = {.kind = (fv_unary)kind, .a = 0.5, .b = 2, .each = 71}};
            const fv_kernel *kernel = fv_choose_kernel(*table, FV_R_UNARY, &geom);
            for (int i = 0; i < 71; i++) x[i] = (float)i / 9 + 0.1f;
            kernel->run(&(fv_call){.geom = &geom, .n = 1, .arg = {y, x}});
            kernel->run(&(fv_call){.geom = &geom, .n = 1, .arg = {x, x}});
            if (memcmp(x, y, sizeof x) != 0)
                fail_msg("%s %s: kind %d differs in place", (*table)->name, kernel->name, kind);
        }
    }
}

/* ---- accuracy of the transcendental ones ------------------------------------------------------------------------ */

static double exact_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double exact_softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
static double exact_elu(double x) { return x > 0 ? x : expm1(x); }
static double exact_gelu(double x) { return 0.5 * x * erfc(-x * 0.70710678118654752440); }
static double exact_swish(double x) { return x * exact_sigmoid(x); }

static const struct accuracy {
    fv_unary kind;
    double (*exact)(double);
    double low, high, ulps;
} accuracies[] = {
    {FV_U_EXP, exp, -110, 95, 1.5},
    {FV_U_LOG, log, 0, 3.4e38, 1.5},
    {FV_U_TANH, tanh, -20, 20, 2},
    {FV_U_SIGMOID, exact_sigmoid, -104, 40, 3},
    {FV_U_SOFTPLUS, exact_softplus, -104, 100, 3},
    {FV_U_ELU, exact_elu, -50, 50, 2},
    {FV_U_GELU, exact_gelu, -5, 50, 7},
    {FV_U_SWISH, exact_swish, -80, 80, 4},
    {FV_U_SQRT, sqrt, 0, 3.4e38, 0.51},
};

/* Distance in units of the last place of a float near `exact`. */
static double ulps(float got, double exact) {
    int e;
    if (same_number(got, (float)exact)) return 0;
    if (isnan(exact) || isnan(got) || isinf(got)) return INFINITY;
    frexp(exact, &e);
    return fabs((double)got - exact) / (e < -125 ? 0x1p-149 : ldexp(1, e - 24));
}

/* Half of them spread over the range, half over all bit patterns in it, then the extremes. */
static int numbers_in(double low, double high, float *x, int count) {
    static const float special[] = {0.0f,     -0.0f,   INFINITY,      -INFINITY,      NAN,       1e-45f,    -1e-45f,
                                    1e-39f,   -1e-39f, 3.4028235e38f, -3.4028235e38f, 88.72283f, 88.72284f, -87.33655f,
                                    -103.97f, -104.0f, 1.0f,          -1.0f,          0x1p-126f, 0.625f};
    for (int i = 0; i < count - 20; i++) {
        x[i] = (float)(low + (high - low) * fv_uniform(&case_stream));
        for (int tries = 0; i % 2 && tries < 50; tries++) {
            uint32_t bits = fv_next(&case_stream);
            float f;
            memcpy(&f, &bits, 4);
            if (f >= low && f <= high) x[i] = f, tries = 50;
        }
    }
    for (int i = 0; i < 20; i++) x[count - 20 + i] = special[i];
    return count;
}

static void transcendental_functions_are_accurate(void **state) {
    (void)state;
    static float x[30000], y[30000];
    for (size_t a = 0; a < sizeof accuracies / sizeof accuracies[0]; a++) {
        const struct accuracy *want = &accuracies[a];
        int count = numbers_in(want->low, want->high, x, 30000);
        fv_geom geom = {.n = 1, .unary = {.kind = want->kind, .a = 1, .b = 1, .each = count}};
        for (const fv_table *const *table = fv_all_tables() + 2; *table; table++) {
            const fv_kernel *kernel = fv_choose_kernel(*table, FV_R_UNARY, &geom);
            kernel->run(&(fv_call){.geom = &geom, .n = 1, .arg = {y, x}});
            for (int i = 0; i < count; i++) {
                double exact = want->exact(x[i]);
                bool special = i >= count - 20; /* there the formula of gelu and swish may say 0 times infinity */
                if (special && (isnan(exact) || (x[i] < want->low && isfinite(x[i])))) continue;
                if (!(ulps(y[i], exact) <= want->ulps))
                    fail_msg("%s %s: kind %d at %.9g: expected %.9g within %g ulp, got %.9g (%.2f ulp)", (*table)->name,
                             kernel->name, want->kind, (double)x[i], exact, want->ulps, (double)y[i],
                             ulps(y[i], exact));
            }
        }
    }
}

/* ---- walks ------------------------------------------------------------------------------------------------------ */

static void no_numbers_stay_so(void **state) {
    (void)state;
    static const fv_unary kinds[] = {FV_U_RELU,      FV_U_LEAKY_RELU, FV_U_SIGMOID, FV_U_TANH, FV_U_ELU, FV_U_GELU,
                                     FV_U_GELU_TANH, FV_U_SOFTPLUS,   FV_U_SWISH,   FV_U_EXP,  FV_U_LOG, FV_U_SQRT};
    float x[19], y[19];
    for (int i = 0; i < 19; i++) x[i] = i % 2 ? NAN : 1;
    for (const fv_table *const *table = fv_all_tables(); *table; table++) {
        for (int i = 0; i < 12 && (*table)->real == FV_F32; i++) {
            fv_geom geom = {.n = 1, .unary = {.kind = kinds[i], .a = 1, .b = 1, .each = 19}};
            fv_choose_kernel(*table, FV_R_UNARY, &geom)->run(&(fv_call){.geom = &geom, .n = 1, .arg = {y, x}});
            for (int j = 0; j < 19; j++)
                if ((j % 2 != 0) != (bool)isnan(y[j]))
                    fail_msg("%s: kind %d of %g is %g", (*table)->name, kinds[i], x[j], y[j]);
        }
    }
}

/* Dense strides over those dimensions that `mask` has, in the given order of dimensions; returns the elements. */
static int64_t dense(const fv_walk *w, unsigned mask, const int *order, int64_t stride[FV_MAX_RANK]) {
    int64_t count = 1;
    for (int i = w->rank - 1; i >= 0; i--) {
        int d = order[i];
        stride[d] = mask >> d & 1 ? count : 0;
        if (mask >> d & 1) count *= w->dim[d];
    }
    return count;
}

static const int in_order[FV_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};

/* A walk of up to four dimensions, some long; the first is the samples. */
static fv_walk draw_walk(int i) {
    fv_walk w = {.rank = (int)draw(1, 4)};
    for (int d = 0; d < w.rank; d++) w.dim[d] = draw(1, 7);
    w.dim[w.rank - 1] = i % 3 == 0 ? draw(1, 70) : draw(1, 20);
    if (i % 10 == 0) w.dim[draw(0, w.rank - 1)] = 997;
    return w;
}

static void describe(kernel_case *k, const fv_walk *w, int kind) {
    size_t used = (size_t)snprintf(k->name, sizeof k->name, "kind %d walk", kind);
    for (int d = 0; d < w->rank && used < sizeof k->name; d++)
        used += (size_t)snprintf(k->name + used, sizeof k->name - used, " %lld(%lld,%lld,%lld)", (long long)w->dim[d],
                                 (long long)w->y[d], (long long)w->a[d], (long long)w->b[d]);
}

/* The planned walk has more samples than the call brings. */
static fv_walk planned(const kernel_case *k, fv_walk w) {
    if (k->geom.batched) w.dim[0] = k->geom.n;
    return w;
}

static void check_binary(fv_binary kind, fv_walk w, unsigned a_mask, unsigned b_mask, int64_t gap) {
    kernel_case k;
    int64_t y = dense(&w, 0xff, in_order, w.y), a = dense(&w, a_mask, in_order, w.a),
            b = dense(&w, b_mask, in_order, w.b);
    for (int d = 0; gap > 0 && d < w.rank - 1; d++) w.y[d] = w.y[d] / w.dim[w.rank - 1] * (w.dim[w.rank - 1] + gap);
    if (gap > 0 && w.rank > 1) y = y / w.dim[w.rank - 1] * (w.dim[w.rank - 1] + gap);
    w.y_offset = w.rank > 1 ? gap : 0;
    case_begin(&k, FV_R_BINARY, w.dim[0], kind == FV_B_DIV ? 1e-6 : 0, "-");
    describe(&k, &w, kind);
    k.geom.batched = y % 2 == 0;
    k.geom.binary = (fv_binary_geom){kind, planned(&k, w)};
    if (!k.geom.batched) k.geom.n = k.n = 1;
    case_result(&k, 0, y + w.y_offset);
    case_input(&k, 1, a, WHOLE);
    case_input(&k, 2, b, kind == FV_B_DIV ? POSITIVE : WHOLE);
    check_case(&k);
}

static void binary_functions(void **state) {
    (void)state;
    for (int kind = 0; kind < FV_B_COUNT; kind++) {
        fv_walk picture = {.rank = 4, .dim = {3, 5, 7, 33}}, vector = {.rank = 1, .dim = {70001}};
        check_binary((fv_binary)kind, picture, 15, 15, 0);
        check_binary((fv_binary)kind, picture, 15, 8, 0);
        check_binary((fv_binary)kind, picture, 8, 15, 0);
        check_binary((fv_binary)kind, picture, 15, 1, 0);
        check_binary((fv_binary)kind, picture, 15, 0, 0);
        check_binary((fv_binary)kind, picture, 15, 9, 0);
        check_binary((fv_binary)kind, picture, 6, 9, 3);
        check_binary((fv_binary)kind, vector, 1, 1, 0);
        check_binary((fv_binary)kind, vector, 1, 0, 0);
        check_binary((fv_binary)kind, vector, 0, 1, 0);
        for (int i = 0; i < 40; i++) {
            fv_walk w = draw_walk(i);
            unsigned a = (unsigned)draw(0, 15);
            unsigned b = (unsigned)draw(0, 15);
            check_binary((fv_binary)kind, w, a, b, draw(0, 2) ? 0 : draw(1, 5));
        }
    }
}

static void check_reduce(fv_reduction kind, fv_walk w, unsigned y_mask, bool batched, bool permuted) {
    static const int backwards[4][4] = {{0}, {1, 0}, {1, 2, 0}, {3, 1, 2, 0}};
    kernel_case k;
    int64_t y = dense(&w, y_mask, in_order, w.y), x = dense(&w, 0xff, permuted ? backwards[w.rank - 1] : in_order, w.a);
    case_begin(&k, FV_R_REDUCE, w.dim[0], kind == FV_MEAN ? 1e-6 : 0, "-");
    describe(&k, &w, kind);
    k.geom.batched = batched;
    if (!batched) k.geom.n = k.n = 1;
    k.geom.reduce = (fv_reduce_geom){kind, planned(&k, w)};
    case_result(&k, 0, y);
    case_input(&k, 1, x, WHOLE);
    check_case(&k);
}

static void reductions(void **state) {
    (void)state;
    for (int kind = 0; kind <= FV_SUM_ABS; kind++) {
        fv_walk picture = {.rank = 4, .dim = {11, 5, 7, 33}};
        for (unsigned mask = 0; mask < 16; mask++)
            check_reduce((fv_reduction)kind, picture, mask, mask % 3 != 0, false);
        check_reduce((fv_reduction)kind, (fv_walk){.rank = 1, .dim = {20011}}, 0, true, false);
        check_reduce((fv_reduction)kind, (fv_walk){.rank = 2, .dim = {3, 9001}}, 1, true, false);
        check_reduce((fv_reduction)kind, (fv_walk){.rank = 2, .dim = {2003, 19}}, 2, true, false);
        for (int i = 0; i < 40; i++) {
            fv_walk w = draw_walk(i);
            unsigned mask = (unsigned)draw(0, 15);
            bool batched = draw(0, 1);
            check_reduce((fv_reduction)kind, w, mask, batched, draw(0, 2) == 0);
        }
    }
}

/* y takes a's elements in another order, or with gaps, or from its far end. */
static void check_copy(fv_walk w, int element, bool accumulate, int how, int64_t gap) {
    static const int orders[4][4] = {{0}, {1, 0}, {2, 0, 1}, {0, 3, 1, 2}};
    kernel_case k;
    int64_t a = dense(&w, how == 2 ? 0x5 : 0xff, in_order, w.a),
            y = dense(&w, 0xff, how == 1 ? orders[w.rank - 1] : in_order, w.y);
    case_begin(&k, FV_R_COPY, w.dim[0], 0, "-");
    if (how == 3) w.a_offset = w.a[w.rank - 1] * (w.dim[w.rank - 1] - 1), w.a[w.rank - 1] *= -1;
    if (how == 4)
        for (int d = 0; d < w.rank; d++) w.y[d] *= 1 + gap;
    if (how == 4) y = y * (1 + gap), w.y_offset = gap;
    if (how == 5 && w.rank > 1) /* a slice of a concat */
        for (int d = 0; d < w.rank - 1; d++) w.y[d] = w.y[d] / w.dim[w.rank - 1] * (w.dim[w.rank - 1] + gap);
    if (how == 5 && w.rank > 1) y = y / w.dim[w.rank - 1] * (w.dim[w.rank - 1] + gap);
    describe(&k, &w, element * 10 + how);
    k.geom.batched = how % 2 == 0;
    if (!k.geom.batched) k.geom.n = k.n = 1;
    k.geom.copy = (fv_copy_geom){planned(&k, w), element ? element : 4, accumulate};
    if (element) {
        memset(case_memory(&k, 0, y, element, true), 0x11, (size_t)(y * element));
        unsigned char *from = case_memory(&k, 1, a, element, false);
        for (int64_t i = 0; i < a * element; i++) from[i] = (unsigned char)draw(0, 255);
    } else {
        case_result(&k, 0, y);
        case_input(&k, 1, a, WHOLE);
    }
    check_case(&k);
}

static void copies(void **state) {
    (void)state;
    static const int elements[] = {0, 1, 8, 4};
    for (int how = 0; how < 6; how++) {
        for (int e = 0; e < 4; e++) {
            check_copy((fv_walk){.rank = 4, .dim = {2, 5, 7, 33}}, elements[e], false, how, 3);
            check_copy((fv_walk){.rank = 1, .dim = {30011}}, elements[e], false, how, 1);
            check_copy((fv_walk){.rank = 2, .dim = {411, 97}}, elements[e], false, how, 1);
            for (int i = 0; i < 12; i++) {
                fv_walk w = draw_walk(i);
                check_copy(w, elements[e], false, how, draw(1, 3));
            }
        }
        check_copy((fv_walk){.rank = 4, .dim = {2, 5, 7, 33}}, 0, true, how, 3);
        for (int i = 0; i < 12; i++) {
            fv_walk w = draw_walk(i);
            check_copy(w, 0, true, how, draw(1, 3));
        }
    }
}

static void fills(void **state) {
    (void)state;
    static const int64_t sizes[] = {1, 5, 16, 33, 1009, 40009};
    for (int i = 0; i < 12; i++) {
        kernel_case k;
        case_begin(&k, FV_R_FILL, 1 + i % 4, 1e-7, "each %lld", (long long)sizes[i % 6]);
        k.geom.fill = (fv_fill_geom){.value = -1.25, .over_n = i >= 6, .each = sizes[i % 6]};
        case_result(&k, 0, k.n * sizes[i % 6]);
        check_case(&k);
    }
}

/* ---- rows and losses -------------------------------------------------------------------------------------------- */

static void softmax_rows(void **state) {
    (void)state;
    static const int64_t cols[] = {1, 2, 3, 5, 10, 15, 16, 17, 31, 33, 64, 100, 1000};
    for (int i = 0; i < 26; i++) {
        kernel_case k, back;
        int64_t c = cols[i % 13], rows = 1 + i % 4, n = i % 5 == 0 ? 67 : 3, count = n * rows * c;
        case_begin(&k, FV_R_SOFTMAX, n, 2e-6, "rows %lld cols %lld log %d", (long long)rows, (long long)c, i >= 13);
        k.geom.rows = (fv_rows_geom){.rows = rows, .cols = c, .log = i >= 13};
        back = k;
        back.routine = FV_R_SOFTMAX_BACK;
        case_result(&k, 0, count);
        float *x = case_input(&k, 1, count, NORMAL);
        case_result(&back, 0, count);
        case_input(&back, 1, count, NORMAL);
        reference(FV_R_SOFTMAX, &k.geom, n, case_input(&back, 2, count, NORMAL), x, NULL);
        for (int64_t j = 0; j < count; j++) x[j] *= i % 3 ? 1 : 30; /* large logits must not overflow */
        back.tolerance = 1e-5;
        check_case(&k);
        check_case(&back);
    }
}

static void check_xent(const fv_xent_geom *g, int64_t n, float scale) {
    kernel_case k, back;
    int64_t rows = n * g->rows, count = rows * g->classes;
    case_begin(&k, FV_R_XENT, n, 1e-5, "rows %lld classes %lld distribution %d smoothing %g sign %g extra %g",
               (long long)g->rows, (long long)g->classes, g->distribution, g->smoothing, g->sign, g->extra);
    k.geom.xent = *g;
    back = k;
    back.routine = FV_R_XENT_BACK;
    case_result(&k, 0, n);
    float *x = case_input(&k, 1, count, NORMAL);
    for (int64_t i = 0; i < count; i++) x[i] *= scale;
    case_result(&back, 0, count);
    case_input(&back, 1, n, NORMAL);
    memcpy(case_input(&back, 2, count, NORMAL), x, (size_t)count * 4);
    for (int which = 0; which < 2; which++) {
        kernel_case *to = which ? &back : &k;
        if (g->distribution) {
            float *t = case_input(to, 2 + which, count, POSITIVE);
            for (int64_t i = 0; i < count; i++) t[i] /= 4 * (float)g->classes;
        } else {
            int32_t *t = case_memory(to, 2 + which, rows, 4, false);
            for (int64_t i = 0; i < rows; i++) t[i] = (int32_t)draw(0, g->classes - 1);
        }
    }
    check_case(&k);
    check_case(&back);
}

static fv_xent_geom xent_of(int64_t rows, int64_t classes, int how) {
    return (fv_xent_geom){.rows = rows,
                          .classes = classes,
                          .distribution = how & 1,
                          .smoothing = how & 2 ? 0.1 : 0,
                          .sign = how & 4 ? -1 : 1,
                          .extra = how & 4 ? 1 : INFINITY};
}

static void cross_entropy(void **state) {
    (void)state;
    static const int64_t classes[] = {1, 2, 3, 10, 15, 16, 17, 33, 100, 1000};
    for (int i = 0; i < 10; i++) {
        for (int how = 0; how < 8; how++) {
            fv_xent_geom g = xent_of(1 + how % 3, classes[i], how);
            check_xent(&g, how == 0 ? 65 : 3, how == 3 ? 30 : 1);
        }
    }
}

/* Segmentation: every pixel has its class. */
static void cross_entropy_of_many_places(void **state) {
    (void)state;
    static const int64_t classes[] = {1, 2, 3, 8, 9}, rows[] = {8, 16, 37, 32, 2500};
    for (int i = 0; i < 5; i++)
        for (int how = 0; how < 8; how++) {
            fv_xent_geom g = xent_of(rows[(i + how) % 5], classes[i], how);
            check_xent(&g, 1 + how % 3, how == 3 ? 30 : 1);
        }
}

static void pair_losses(void **state) {
    (void)state;
    static const int64_t sizes[] = {1, 2, 10, 16, 17, 33, 1009, 30011};
    for (int kind = 0; kind <= FV_L_PENALTY; kind++) {
        for (int i = 0; i < 8; i++) {
            kernel_case k, back;
            int64_t n = i == 7 ? 1 : 3 + i, count = n * sizes[i];
            case_begin(&k, FV_R_LOSS, n, sizes[i] > 1000 ? 1e-5 : 3e-6, "kind %d each %lld n=%lld", kind,
                       (long long)sizes[i], (long long)n);
            k.geom.loss = (fv_loss_geom){.kind = (fv_pairloss)kind, .a = 0.25, .b = 0.5, .each = sizes[i]};
            back = k;
            back.routine = FV_R_LOSS_BACK;
            case_result(&k, 0, n);
            case_result(&back, 0, count);
            case_input(&back, 1, n, NORMAL);
            for (int which = 0; which < 2; which++) {
                kernel_case *to = which ? &back : &k;
                case_input(to, 1 + which, count, NORMAL);
                float *t = kind == FV_L_PENALTY ? NULL : case_input(to, 2 + which, count, NORMAL);
                for (int64_t j = 0; t && j < count; j++) t[j] = kind == FV_L_HINGE ? (t[j] > 0 ? 1.0f : -1.0f) : t[j];
                for (int64_t j = 0; t && kind == FV_L_BINARY && j < count; j++) t[j] = (float)exact_sigmoid(t[j]);
            }
            check_case(&k);
            check_case(&back);
        }
    }
}

/* ---- normalisation ---------------------------------------------------------------------------------------------- */

static int64_t statistics(const fv_norm_geom *g, int64_t n) { return g->groups == 0 ? g->c : n * g->groups; }

static void norm_begin(kernel_case *k, fv_routine routine, const fv_norm_geom *g, int64_t n) {
    case_begin(
        k, routine, n, 3e-5,
        "pixels %lld c %lld groups %lld n=%lld frozen %d act %d add %d relu %d, from pixel to pixel %lld,%lld,%lld",
        (long long)g->pixels, (long long)g->c, (long long)g->groups, (long long)n, g->frozen, g->epilogue.act, g->add,
        g->relu, (long long)g->x_pixel, (long long)g->y_pixel, (long long)g->dx_pixel);
    k->geom.norm = *g;
}

static void check_norm(const fv_norm_geom *g, int64_t n, bool affine) {
    kernel_case k;
    int64_t s = statistics(g, n), x_count = n * g->pixels * fv_pixel(g->x_pixel, g->c),
            y_count = n * g->pixels * fv_pixel(g->y_pixel, g->c),
            dx_count = n * g->pixels * fv_pixel(g->dx_pixel, g->c);

    norm_begin(&k, FV_R_NORM_STATS, g, n);
    case_result(&k, 0, s);
    case_result(&k, 1, s);
    float *x = case_input(&k, 2, x_count, NORMAL);
    for (int64_t i = 0; i < x_count; i++) x[i] += 3; /* a mean that a one-pass variance would suffer from */
    check_case(&k);

    norm_begin(&k, FV_R_NORM, g, n);
    case_result(&k, 0, y_count);
    case_input(&k, 1, x_count, NORMAL);
    case_input(&k, 2, s, NORMAL);
    case_input(&k, 3, s, POSITIVE);
    if (affine) case_input(&k, 4, g->c, NORMAL);
    if (affine) case_input(&k, 5, g->c, NORMAL);
    if (g->add) case_input(&k, 6, y_count, NORMAL);
    check_case(&k);

    norm_begin(&k, FV_R_NORM_SUMS, g, n);
    case_result(&k, 0, g->c);
    case_result(&k, 1, g->c);
    case_input(&k, 2, y_count, NORMAL);
    case_input(&k, 3, x_count, NORMAL);
    case_input(&k, 4, s, NORMAL);
    case_input(&k, 5, s, POSITIVE);
    if (affine) case_input(&k, 6, g->c, NORMAL);
    if (affine) case_input(&k, 7, g->c, NORMAL);
    check_case(&k);

    norm_begin(&k, FV_R_NORM_BACK, g, n);
    case_result(&k, 0, dx_count);
    case_input(&k, 1, y_count, NORMAL);
    case_input(&k, 2, x_count, NORMAL);
    case_input(&k, 3, s, NORMAL);
    case_input(&k, 4, s, POSITIVE);
    if (affine) case_input(&k, 5, g->c, NORMAL);
    if (g->groups == 0 && !g->frozen) case_input(&k, 6, g->c, NORMAL);
    if (g->groups == 0 && !g->frozen) case_input(&k, 7, g->c, NORMAL);
    if (affine) case_input(&k, 8, g->c, NORMAL);
    check_case(&k);
}

static void normalisation(void **state) {
    (void)state;
    static const int64_t channels[] = {1, 2, 3, 5, 6, 16, 17, 31, 32, 33, 64, 70};
    for (int i = 0; i < 12; i++) {
        for (int how = 0; how < 6; how++) {
            fv_norm_geom g = {
                .pixels = how == 0 ? 1 : 5 + 3 * i, .c = channels[i], .epsilon = 1e-3, .frozen = how == 2};
            g.groups = how < 3 ? 0 : how == 3 ? 1 : how == 4 ? g.c : g.c % 2 ? 1 : 2;
            if (how % 2) g.epilogue = (fv_epilogue){how == 1 ? FV_U_RELU : FV_U_TANH, 1, 1};
            g.add = i % 2, g.relu = i % 3 == 1;
            check_norm(&g, how == 1 ? 17 : 3, how != 5);
            g.x_pixel = g.c + 3, g.y_pixel = g.c + i % 5, g.dx_pixel = i % 2 ? 0 : g.c + 1;
            check_norm(&g, how == 1 ? 17 : 3, how != 5);
        }
    }
    check_norm(&(fv_norm_geom){.pixels = 3001, .c = 7, .epsilon = 1e-5}, 5, true);
    check_norm(&(fv_norm_geom){.pixels = 784, .c = 32, .epsilon = 1e-5, .relu = true}, 9, true);
    check_norm(&(fv_norm_geom){.pixels = 1, .c = 1025, .epsilon = 1e-5, .x_pixel = 2000, .add = true}, 33, true);
    check_norm(&(fv_norm_geom){.pixels = 211, .c = 48, .groups = 4, .epsilon = 1e-5, .relu = true}, 9, true);
}

/* The same numbers in a wider value: the same bits, whatever is summed. */
static void a_slice_is_normalised_to_the_same_bits(void **state) {
    (void)state;
    enum { N = 9, PIXELS = 13, C = 20, WIDE = 37, COUNT = N * PIXELS };
    static float x[COUNT * C], wide[COUNT * WIDE];
    for (int i = 0; i < COUNT * C; i++) {
        x[i] = (float)fv_normal(&case_stream);
        wide[i / C * WIDE + i % C] = x[i];
    }
    for (const fv_table *const *table = fv_all_tables(); *table; table++) {
        if ((*table)->real != FV_F32) continue;
        float mean[2][C], variance[2][C];
        for (int sliced = 0; sliced < 2; sliced++) {
            fv_geom geom = {.n = N, .batched = true};
            geom.norm = (fv_norm_geom){.pixels = PIXELS, .c = C, .x_pixel = sliced ? WIDE : 0};
            float scratch[2 * FV_SLOTS * C];
            fv_call call = {.geom = &geom, .n = N, .arg = {mean[sliced], variance[sliced], sliced ? wide : x}};
            call.scratch = scratch;
            fv_choose_kernel(*table, FV_R_NORM_STATS, &geom)->run(&call);
        }
        assert_memory_equal(mean[0], mean[1], sizeof mean[0]);
        assert_memory_equal(variance[0], variance[1], sizeof variance[0]);
    }
}

/* ---- weights and states ----------------------------------------------------------------------------------------- */

static void running_averages(void **state) {
    (void)state;
    for (int i = 0; i < 8; i++) {
        kernel_case k;
        int64_t each = i < 4 ? 1 + 16 * i : 33 * i;
        case_begin(&k, FV_R_BLEND, 1 + i % 3, 1e-6, "each %lld unbiased %d", (long long)each, i % 2);
        k.geom.blend = (fv_blend_geom){.each = each, .count = 1 + i / 2, .keep = 0.9, .unbiased = i % 2};
        case_state(&k, 0, each, NORMAL);
        case_input(&k, 1, each, NORMAL);
        check_case(&k);
    }
}

static void dropout(void **state) {
    (void)state;
    static const int64_t sizes[] = {1, 3, 4, 15, 64, 65, 257, 5003};
    static const double rates[] = {0, 0.25, 0.3, 0.5, 0.9, 1};
    for (int i = 0; i < 48; i++) {
        kernel_case k;
        int64_t each = sizes[i % 8], n = i % 8 == 7 ? 17 : 3;
        case_begin(&k, FV_R_DROPOUT, n, 1e-6, "each %lld rate %g", (long long)each, rates[i / 8]);
        k.geom.dropout = (fv_dropout_geom){.each = each, .rate = rates[i / 8], .key = UINT64_C(0xfeedbeef12345678)};
        case_result(&k, 0, n * each);
        case_input(&k, 1, n * each, POSITIVE);
        check_case(&k);
    }
}

static void radial_basis_units(void **state) {
    (void)state;
    static const int64_t sizes[][2] = {{84, 10}, {1, 1}, {17, 33}, {5, 16}, {257, 3}};
    for (int i = 0; i < 5; i++) {
        kernel_case k;
        int64_t in = sizes[i][0], out = sizes[i][1], n = 3 + 4 * i;
        fv_rbf_geom g = {in, out};
        case_begin(&k, FV_R_RBF, n, 0, "%lldx%lld n=%lld", (long long)in, (long long)out, (long long)n);
        k.geom.rbf = g;
        case_result(&k, 0, n * out);
        case_input(&k, 1, n * in, WHOLE);
        case_input(&k, 2, in * out, WHOLE);
        check_case(&k);
        for (int which = 0; which < 2; which++) {
            case_begin(&k, which ? FV_R_RBF_WEIGHTS : FV_R_RBF_DATA, n, 0, "%lldx%lld n=%lld", (long long)in,
                       (long long)out, (long long)n);
            k.geom.rbf = g;
            case_result(&k, 0, which ? in * out : n * in);
            case_input(&k, 1, n * out, WHOLE);
            case_input(&k, 2, n * in, WHOLE);
            case_input(&k, 3, in * out, WHOLE);
            check_case(&k);
        }
    }
}

static void index_tables(void **state) {
    (void)state;
    static int32_t table[97];
    for (int i = 0; i < 12; i++) {
        kernel_case k;
        int64_t x_cols = 1 + 7 * i, y_cols = i % 2 ? 97 : 13, n = 1 + i % 4;
        for (int j = 0; j < 97; j++) table[j] = (int32_t)draw(-1, x_cols - 1);
        fv_index_geom g = {.rows = 1 + i % 3, .x_cols = x_cols, .y_cols = y_cols, .index = table};
        case_begin(&k, FV_R_INDEX, n, 0, "%lld to %lld columns", (long long)x_cols, (long long)y_cols);
        k.geom.index = g;
        case_result(&k, 0, n * g.rows * y_cols);
        case_input(&k, 1, n * g.rows * x_cols, WHOLE);
        check_case(&k);
        case_begin(&k, FV_R_INDEX_BACK, n, 0, "%lld from %lld columns", (long long)x_cols, (long long)y_cols);
        k.geom.index = g;
        case_result(&k, 0, n * g.rows * x_cols);
        case_input(&k, 1, n * g.rows * y_cols, WHOLE);
        check_case(&k);
    }
}

static void optimizer_steps(void **state) {
    (void)state;
    static const struct {
        fv_update kind;
        double h[8];
    } steps[] = {{FV_UPDATE_SGD, {0.1}},
                 {FV_UPDATE_SGD, {0.1, 0.9, 1e-2}},
                 {FV_UPDATE_SGD, {0.1, 0.9, 1e-2, 1}},
                 {FV_UPDATE_RMSPROP, {0.01, 0.9, 1e-3, 1e-7}},
                 {FV_UPDATE_ADAGRAD, {0.01, 0, 1e-3, 1e-7}},
                 {FV_UPDATE_ADAM, {0.001, 0.9, 0, 1e-8, 0.999, 0.271, 0.002997001}},
                 {FV_UPDATE_ADAM, {0.001, 0.9, 0.01, 1e-8, 0.999, 0.271, 0.002997001}},
                 {FV_UPDATE_ADAM, {0.001, 0.9, 0.01, 1e-8, 0.999, 0.271, 0.002997001, 1}}};
    static const int64_t sizes[] = {1, 7, 16, 33, 1009, 60013};
    for (int i = 0; i < 48; i++) {
        kernel_case k;
        int64_t each = sizes[i % 6];
        case_begin(&k, FV_R_UPDATE, 1, 3e-6, "step %d each %lld", i / 6, (long long)each);
        k.geom.batched = false;
        k.geom.n = 1;
        k.geom.update = (fv_update_geom){.kind = steps[i / 6].kind, .each = each};
        memcpy(k.geom.update.h, steps[i / 6].h, sizeof steps[0].h);
        case_state(&k, 0, each, NORMAL);
        case_input(&k, 1, each, NORMAL);
        if (i / 6 > 0) case_state(&k, 2, each, POSITIVE);
        if (i / 6 > 4) case_state(&k, 3, each, POSITIVE);
        check_case(&k);
    }
}

static void twice(const fv_call *call, const void *self) {
    for (int64_t i = 0; i < call->n; i++) {
        if (call->arg[2])
            ((double *)call->arg[0])[i] = *(const double *)self * ((double *)call->arg[1])[i];
        else
            ((float *)call->arg[0])[i] = (float)*(const double *)self * ((float *)call->arg[1])[i];
    }
}

static void an_operator_of_the_user(void **state) {
    (void)state;
    double two = 2;
    float x[3] = {1, 2, 3}, y[3];
    fv_geom geom = {.n = 3, .batched = true, .custom = {.run = twice, .self = &two}};
    for (const fv_table *const *table = fv_all_tables(); *table; table++) {
        const fv_kernel *kernel = fv_choose_kernel(*table, FV_R_CUSTOM, &geom);
        y[1] = 0;
        assert_int_equal(kernel->run(&(fv_call){.geom = &geom, .n = 3, .arg = {y, x}}), FV_OK);
        check_near((*table)->name, y[1], 4, 0);
    }
}

/* ---- the tables ------------------------------------------------------------------------------------------------- */

static void tables_are_whole(void **state) {
    (void)state;
    assert_ptr_equal(fv_all_tables()[0], fv_reference_f32());
    for (const fv_table *const *table = fv_all_tables(); *table; table++) {
        for (int r = 0; r < FV_R_COUNT; r++) {
            int count = 0;
            while (count < FV_MAX_VARIANTS && (*table)->kernels[r][count]) count++;
            if (count == 0 || count >= FV_MAX_VARIANTS || (*table)->kernels[r][count - 1]->can)
                fail_msg("%s %s: expected 1 to %d variants, the last for all geometries; got %d", (*table)->name,
                         fv_routine_name((fv_routine)r), FV_MAX_VARIANTS - 1, count);
            assert_string_not_equal(fv_routine_name((fv_routine)r), "?");
        }
        void *memory = (*table)->alloc(100);
        assert_int_equal((uintptr_t)memory % 64, 0);
        assert_int_equal((*table)->copy(memory, "abc", 4), FV_OK);
        assert_string_equal(memory, "abc");
        assert_int_equal((*table)->synchronise(), FV_OK);
        (*table)->free(memory);
    }
}

static void an_instruction_set_can_be_pinned(void **state) {
    (void)state;
    fv_error error;
    const char *best = fv_isa();
    assert_int_equal(fv_set_isa("reference", &error), FV_OK);
    assert_ptr_equal(fv_kernels(), fv_reference_f32());
    assert_int_equal(fv_set_isa("generic", &error), FV_OK);
    assert_string_equal(fv_isa(), "generic");
    assert_int_equal(fv_set_isa("z80", &error), FV_E_UNSUPPORTED);
    assert_non_null(strstr(error.message, "'z80'"));
    assert_string_equal(fv_isa(), "generic");
    assert_int_equal(fv_set_isa(best, &error), FV_OK);
}

static void no_variant_went_untested(void **state) {
    (void)state;
    check_all_seen(FV_R_POOL, FV_R_UPDATE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_whole),
        cmocka_unit_test(an_instruction_set_can_be_pinned),
        cmocka_unit_test(pooling_of_usual_windows),
        cmocka_unit_test(pooling_of_whole_pictures),
        cmocka_unit_test(pooling_of_anything),
        cmocka_unit_test(element_functions),
        cmocka_unit_test(element_functions_of_slices),
        cmocka_unit_test(element_functions_in_place),
        cmocka_unit_test(transcendental_functions_are_accurate),
        cmocka_unit_test(no_numbers_stay_so),
        cmocka_unit_test(binary_functions),
        cmocka_unit_test(reductions),
        cmocka_unit_test(copies),
        cmocka_unit_test(fills),
        cmocka_unit_test(softmax_rows),
        cmocka_unit_test(cross_entropy),
        cmocka_unit_test(cross_entropy_of_many_places),
        cmocka_unit_test(pair_losses),
        cmocka_unit_test(normalisation),
        cmocka_unit_test(a_slice_is_normalised_to_the_same_bits),
        cmocka_unit_test(running_averages),
        cmocka_unit_test(dropout),
        cmocka_unit_test(radial_basis_units),
        cmocka_unit_test(index_tables),
        cmocka_unit_test(optimizer_steps),
        cmocka_unit_test(an_operator_of_the_user),
        cmocka_unit_test(no_variant_went_untested),
    };
    return cmocka_run_group_tests_name("kernels", tests, open_pools, close_pools);
}
