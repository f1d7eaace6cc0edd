/* Resampling, local response normalisation and unpooling: every variant of every table against the double reference. */
#include "kernel_case.h"

static int64_t product(const int64_t v[3]) { return v[0] * v[1] * v[2]; }

/* ---- cells that are mixes of cells ------------------------------------------------------------------------------ */

enum { MOST = 16 };

/* Any cells; if mixed, parts of 0, 1/4 or 1/2, so that sums are exact. */
static void check_sample(int64_t c, int64_t n, bool mixed) {
    int32_t near[3][MOST], far[3][MOST];
    double part[3][MOST];
    fv_sample_geom g = {.c = c};
    kernel_case k, back;
    for (int d = 0; d < 3; d++) {
        g.in[d] = draw(1, 6);
        g.out[d] = draw(1, 7);
        for (int64_t o = 0; o < g.out[d]; o++) {
            near[d][o] = (int32_t)draw(0, g.in[d] - 1);
            far[d][o] = (int32_t)draw(0, g.in[d] - 1);
            part[d][o] = mixed ? (double)draw(0, 2) / 4 : 0;
        }
        g.near[d] = near[d], g.far[d] = far[d], g.part[d] = part[d];
    }
    case_begin(&k, FV_R_SAMPLE, n, 0, "%lldx%lldx%lldx%lld to %lldx%lldx%lld n=%lld", (long long)g.in[0],
               (long long)g.in[1], (long long)g.in[2], (long long)c, (long long)g.out[0], (long long)g.out[1],
               (long long)g.out[2], (long long)n);
    k.geom.sample = g;
    back = k;
    back.routine = FV_R_SAMPLE_BACK;
    case_result(&k, 0, n * product(g.out) * c);
    case_input(&k, 1, n * product(g.in) * c, WHOLE);
    case_result(&back, 0, n * product(g.in) * c);
    case_input(&back, 1, n * product(g.out) * c, WHOLE);
    check_case(&k);
    check_case(&back);
}

static void cells_are_mixed_as_the_tables_say(void **state) {
    (void)state;
    static const int64_t channels[] = {1, 2, 3, 7, 8, 15, 16, 17, 33, 64};
    for (int i = 0; i < 60; i++) check_sample(channels[i % 10], 1 + i % 4, i % 3 > 0);
    check_sample(700, 40, true);
}

/* ---- local response normalisation ------------------------------------------------------------------------------- */

static void check_lrn(int64_t pixels, int64_t c, int64_t window, int64_t n) {
    kernel_case k, back;
    case_begin(&k, FV_R_LRN, n, 2e-6, "%lld pixels of %lld, window %lld n=%lld", (long long)pixels, (long long)c,
               (long long)window, (long long)n);
    k.geom.lrn = (fv_lrn_geom){.pixels = pixels, .c = c, .window = window, .k = 1.5, .alpha = 0.4, .beta = 0.75};
    back = k;
    back.routine = FV_R_LRN_BACK;
    case_result(&k, 0, n * pixels * c);
    case_input(&k, 1, n * pixels * c, NORMAL);
    case_result(&back, 0, n * pixels * c);
    case_input(&back, 1, n * pixels * c, NORMAL);
    case_input(&back, 2, n * pixels * c, NORMAL);
    check_case(&k);
    check_case(&back);
}

static void neighbouring_channels_normalise(void **state) {
    (void)state;
    static const int64_t channels[] = {1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 64, 96};
    for (int c = 0; c < 12; c++)
        for (int64_t window = 1; window <= 9; window += 2) check_lrn(1 + c % 4, channels[c], window, 1 + c % 3);
    check_lrn(729, 96, 5, 3);
}

/* ---- what lies where the maximum is ----------------------------------------------------------------------------- */

static void check_pick(const fv_pool_geom *g, int64_t n) {
    int64_t x = n * product(g->in) * g->x_pixel, y = n * product(g->out) * g->y_pixel;
    kernel_case k;
    case_begin(&k, FV_R_POOL_PICK, n, 0, "out %lldx%lldx%lldx%lld window %lldx%lld n=%lld", (long long)g->out[0],
               (long long)g->out[1], (long long)g->out[2], (long long)g->c, (long long)g->window[1],
               (long long)g->window[2], (long long)n);
    k.geom.pool = *g;
    case_result(&k, 0, y);
    case_input(&k, 1, x, NORMAL);
    fv_call pool = {.geom = &k.geom, .n = n};
    pool.arg[1] = case_input(&k, 2, x, WHOLE); /* ties */
    pool.arg[0] = case_input(&k, 3, y, WHOLE);
    assert_int_equal(fv_reference_f32()->kernels[FV_R_POOL][0]->run(&pool), FV_OK);
    check_case(&k);
}

static void maxima_are_found_again(void **state) {
    (void)state;
    for (int i = 0; i < 60; i++) {
        fv_pool_geom g = {.c = draw(1, 40), .kind = FV_POOL_MAX};
        for (int d = 0; d < 3; d++) {
            g.window[d] = draw(1, 3);
            g.stride[d] = draw(1, 3);
            g.dilation[d] = draw(1, 2);
            g.pad[d] = draw(0, g.window[d] - 1);
            g.in[d] = (g.window[d] - 1) * g.dilation[d] + draw(1, 5);
            g.out[d] = (g.in[d] + g.pad[d] - (g.window[d] - 1) * g.dilation[d] - 1) / g.stride[d] + 1;
        }
        g.x_pixel = g.c + (i % 3 ? 0 : 3);
        g.y_pixel = g.c + (i % 4 ? 0 : 2);
        check_pick(&g, 1 + i % 4);
    }
}

static void no_variant_went_untested(void **state) {
    (void)state;
    check_all_seen(FV_R_POOL_PICK, FV_R_LRN_BACK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_mixed_as_the_tables_say),
        cmocka_unit_test(neighbouring_channels_normalise),
        cmocka_unit_test(maxima_are_found_again),
        cmocka_unit_test(no_variant_went_untested),
    };
    return cmocka_run_group_tests(tests, open_pools, close_pools);
}
