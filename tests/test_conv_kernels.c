/* Convolution, its adjoint and its weight gradient: every variant against the double reference. */
#include "kernel_case.h"

static int64_t product(const int64_t v[3]) { return v[0] * v[1] * v[2]; }

typedef struct combination {
    bool bias, add;
    fv_unary act;
} combination;

static const combination combinations[] = {{false, false, FV_U_COPY},
                                           {true, false, FV_U_RELU},
                                           {true, true, FV_U_COPY},
                                           {false, true, FV_U_LEAKY_RELU},
                                           {true, false, FV_U_TANH}};

/* Direct sums and F(2x2) round alike, F(4x4) multiplies by up to 8 and 1/24; weight gradients are long sums. Products of
 * bf16 are of numbers rounded to 8 bits, those of Winograd after their transforms. */
static double tolerance_of(const fv_kernel *kernel) {
    if (strstr(kernel->name, "bf16")) return 2e-2;
    const bool weights = strstr(kernel->name, "conv_weights") != NULL;
#ifdef __aarch64__ /* gcc fuses other multiply-adds of the transforms there: 1.01e-5 for 4x5 results of 65 channels, 6.8e-6 with AVX2 */
    if (strstr(kernel->name, "winograd4")) return weights ? 5e-5 : 1.1e-5;
#endif
    if (strstr(kernel->name, "winograd4")) return weights ? 5e-5 : 1e-5;
    return weights ? 1e-5 : 2e-6;
}

static void begin(kernel_case *k, fv_routine routine, const fv_conv_geom *g, int64_t n, bool exact, const char *how) {
    case_begin(
        k, routine, n, exact ? 0 : 1e-5,
        "%s n=%lld in %lldx%lldx%lldx%lld kernel %lldx%lldx%lld filters %lld out %lldx%lldx%lld stride %lld,%lld,%lld "
        "dilation %lld,%lld,%lld pad %lld,%lld,%lld groups %lld pixels %lld,%lld flipped %d",
        how, (long long)n, (long long)g->in[0], (long long)g->in[1], (long long)g->in[2], (long long)g->c,
        (long long)g->kernel[0], (long long)g->kernel[1], (long long)g->kernel[2], (long long)g->f,
        (long long)g->out[0], (long long)g->out[1], (long long)g->out[2], (long long)g->stride[0],
        (long long)g->stride[1], (long long)g->stride[2], (long long)g->dilation[0], (long long)g->dilation[1],
        (long long)g->dilation[2], (long long)g->pad[0], (long long)g->pad[1], (long long)g->pad[2],
        (long long)g->groups, (long long)g->x_pixel, (long long)g->y_pixel, g->flipped);
    k->tolerance_of = tolerance_of;
    k->geom.conv = *g;
    k->geom.exact = exact;
    k->geom.bf16 = true; /* allows more variants, forbids none */
    k->geom.training = n % 2 == 0;
}

/* The same geometry forward, backward to the input and to the weights. */
static void check_geometry(const fv_conv_geom *g, int64_t n, bool exact, const combination *how) {
    int64_t x = n * product(g->in) * g->x_pixel, y = n * product(g->out) * g->y_pixel;
    int64_t w = product(g->kernel) * (g->c / g->groups) * g->f;
    kernel_data data = exact ? WHOLE : NORMAL;
    kernel_case k;
    fv_conv_geom plain = *g, with = *g;
    with.add = how->add;
    with.epilogue = (fv_epilogue){exact && how->act == FV_U_TANH ? FV_U_RELU : how->act, 0.5, 2};

    begin(&k, FV_R_CONV, &with, n, exact, "forward");
    case_result(&k, 0, y);
    case_input(&k, 1, x, data);
    case_input(&k, 2, w, data);
    if (how->bias) case_input(&k, 3, g->f, data);
    if (how->add) case_input(&k, 4, y, data);
    check_case(&k);

    with.add = false;
    begin(&k, FV_R_CONV_DATA, how->bias ? &with : &plain, n, exact, "backward to data");
    case_result(&k, 0, x);
    case_input(&k, 1, y, data);
    case_input(&k, 2, w, data);
    if (how->bias) case_input(&k, 3, g->c, data);
    check_case(&k);

    begin(&k, FV_R_CONV_WEIGHTS, &plain, n, exact, "backward to weights");
    case_result(&k, 0, w);
    if (how->bias) case_result(&k, 1, g->f);
    case_input(&k, 2, x, data);
    case_input(&k, 3, y, data);
    check_case(&k);
}

static void check_both(const fv_conv_geom *g, int64_t n, int which) {
    const combination *how = &combinations[which % 5];
    check_geometry(g, n, true, how);
    check_geometry(g, n, false, how);
}

/* Sizes behind follow from what lies behind: `behind` cells of border. */
static void finish(fv_conv_geom *g, int64_t behind) {
    for (int d = 0; d < 3; d++) {
        int64_t room = g->in[d] + g->pad[d] + (g->in[d] == 1 && g->kernel[d] == 1 ? 0 : behind);
        int64_t extent = (g->kernel[d] - 1) * g->dilation[d] + 1;
        if (room < extent) g->in[d] += extent - room, room = extent;
        g->out[d] = (room - extent) / g->stride[d] + 1;
    }
    if (g->x_pixel == 0) g->x_pixel = g->c;
    if (g->y_pixel == 0) g->y_pixel = g->f;
}

static fv_conv_geom plane(int64_t h, int64_t w, int64_t c, int64_t f, int64_t kernel, int64_t stride, int64_t pad) {
    fv_conv_geom g = {.in = {1, h, w},
                      .kernel = {1, kernel, kernel},
                      .stride = {1, stride, stride},
                      .dilation = {1, 1, 1},
                      .pad = {0, pad, pad},
                      .c = c,
                      .f = f,
                      .groups = 1};
    finish(&g, pad);
    return g;
}

static void layers_of_the_textbook_networks(void **state) {
    (void)state;
    static const struct {
        int64_t h, w, c, f, kernel, stride, pad, n;
    } layers[] = {{28, 28, 1, 6, 5, 1, 2, 3},   {14, 14, 6, 16, 5, 1, 0, 9},  {28, 28, 1, 32, 3, 1, 0, 2},
                  {13, 13, 32, 64, 3, 1, 0, 2}, {5, 5, 16, 120, 5, 1, 0, 5},  {1, 1, 120, 84, 1, 1, 0, 9},
                  {1, 1, 84, 10, 1, 1, 0, 17},  {1, 1, 577, 65, 1, 1, 0, 2},  {27, 23, 3, 17, 7, 2, 3, 2},
                  {15, 17, 64, 32, 1, 1, 0, 2}, {14, 15, 33, 31, 1, 2, 0, 2}, {14, 13, 33, 65, 3, 2, 1, 2},
                  {12, 14, 48, 40, 3, 1, 1, 2}, {35, 31, 3, 16, 11, 4, 2, 1}, {1, 1, 257, 1, 1, 1, 0, 1},
                  {9, 7, 65, 97, 3, 1, 1, 1},   {40, 41, 65, 33, 3, 1, 1, 2}};
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        fv_conv_geom g = plane(layers[i].h, layers[i].w, layers[i].c, layers[i].f, layers[i].kernel, layers[i].stride,
                               layers[i].pad);
        check_both(&g, layers[i].n, (int)i);
    }
}

/* Few samples meet weights in place, many meet panels; also in inference (odd numbers here) where weights are many. */
static void dense_layers_of_every_number_of_samples(void **state) {
    (void)state;
    for (int64_t n = 2; n <= 36; n += 2) {
        fv_conv_geom g = plane(1, 1, 70, 150, 1, 1, 0);
        check_both(&g, n, (int)n);
    }
    for (int64_t n = 1; n <= 35; n += 17) {
        fv_conv_geom g = plane(1, 1, 611, 431, 1, 1, 0);
        check_both(&g, n, (int)n);
    }
}

static void single_pixels_and_single_channels(void **state) {
    (void)state;
    static const int64_t channels[] = {1, 2, 3, 5, 6, 16, 17, 31, 33, 64};
    for (int i = 0; i < 10; i++) {
        fv_conv_geom a = plane(1, 1, channels[i], channels[9 - i], 1, 1, 0),
                     b = plane(1, 1, channels[9 - i], channels[i], 3, 1, 1);
        fv_conv_geom c = plane(5, 3, channels[i], channels[(i + 3) % 10], 3, 1, 1);
        check_both(&a, 1 + i, i);
        check_both(&b, 11 - i, i + 1);
        check_both(&c, 2, i + 2);
    }
}

static void borders_larger_than_needed(void **state) {
    (void)state;
    for (int64_t pad = 0; pad < 6; pad++) {
        fv_conv_geom g = plane(7, 5, 3, 5, 3, 1 + pad % 3, pad);
        g.pad[1] = 5 - pad;
        finish(&g, pad + 3);
        check_both(&g, 2, (int)pad);
    }
}

static void every_channel_on_its_own(void **state) {
    (void)state;
    static const int64_t channels[] = {1, 3, 8, 16, 17, 33, 64};
    for (int i = 0; i < 7; i++) {
        for (int64_t many = 1; many <= 2; many++) {
            fv_conv_geom g = plane(9, 11, channels[i], channels[i] * many, i % 2 ? 5 : 3, 1 + i % 2, 1);
            g.groups = channels[i];
            check_both(&g, 2, i);
        }
    }
}

/* Anything that the geometry allows, drawn from a fixed stream. */
static void geometries_drawn_at_random(void **state) {
    (void)state;
    static const int64_t channels[] = {1, 1, 2, 3, 3, 5, 6, 16, 17, 31, 33};
    for (int i = 0; i < 90; i++) {
        fv_conv_geom g = {.groups = draw(0, 3) ? 1 : draw(2, 4)};
        g.flipped = draw(0, 4) == 0;
        int dims = (int)draw(1, 3);
        g.c = channels[draw(0, 10)] * (g.groups > 1 ? g.groups : 1);
        g.f = channels[draw(0, 10)] * g.groups;
        for (int d = 0; d < 3; d++) {
            bool flat = d < 3 - dims;
            g.in[d] = flat ? 1 : draw(1, dims == 3 ? 6 : 13);
            g.kernel[d] = flat ? 1 : draw(1, 4);
            g.stride[d] = flat ? 1 : draw(1, 3);
            g.dilation[d] = flat || draw(0, 2) ? 1 : draw(2, 3);
            g.pad[d] = flat ? 0 : draw(0, 3);
        }
        if (draw(0, 2) == 0) g.x_pixel = g.c + draw(1, 7);
        if (draw(0, 2) == 0) g.y_pixel = g.f + draw(1, 7);
        finish(&g, draw(0, 3));
        check_both(&g, draw(1, 11), i);
    }
}

/* What Winograd's algorithms take: every remainder of a tile, borders, slices, several rounds of tiles a slot. */
static void three_by_three_with_many_channels(void **state) {
    (void)state;
    static const struct {
        int64_t d, h, w, c, f, pad, behind, n;
        int64_t x_more, y_more;
        bool flipped;
    } layers[] = {{1, 12, 12, 32, 32, 1, 1, 2, 0, 0, false},  {1, 13, 15, 33, 47, 0, 0, 3, 5, 0, false},
                  {1, 14, 17, 64, 40, 2, 1, 1, 0, 7, true},   {1, 7, 7, 80, 96, 1, 1, 9, 0, 0, false},
                  {3, 4, 5, 35, 65, 1, 1, 2, 0, 0, true},     {1, 16, 18, 32, 70, 3, 2, 17, 0, 0, false},
                  {1, 100, 94, 32, 33, 1, 1, 1, 0, 0, false}, {1, 12, 12, 272, 48, 1, 1, 1, 0, 0, false},
                  {1, 5, 6, 260, 257, 1, 1, 1, 0, 0, false},  {1, 10, 11, 48, 36, 1, 1, 4, 0, 0, false},
                  {1, 10, 10, 520, 509, 1, 1, 1, 0, 0, false}};
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        fv_conv_geom g = plane(layers[i].h, layers[i].w, layers[i].c, layers[i].f, 3, 1, layers[i].pad);
        g.in[0] = layers[i].d;
        g.flipped = layers[i].flipped;
        g.x_pixel += layers[i].x_more;
        g.y_pixel += layers[i].y_more;
        finish(&g, layers[i].behind);
        g.out[0] = g.in[0];
        check_both(&g, layers[i].n, (int)i);
    }
}

static void one_row_of_many_columns(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        fv_conv_geom g = plane(1, 1, 65 - 16 * i, 301 + 67 * i, 1, 1, 0);
        check_both(&g, 1, i);
    }
}

static void no_variant_went_untested(void **state) {
    (void)state;
    check_all_seen(FV_R_CONV, FV_R_CONV_WEIGHTS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_pixels_and_single_channels),
        cmocka_unit_test(borders_larger_than_needed),
        cmocka_unit_test(every_channel_on_its_own),
        cmocka_unit_test(layers_of_the_textbook_networks),
        cmocka_unit_test(dense_layers_of_every_number_of_samples),
        cmocka_unit_test(geometries_drawn_at_random),
        cmocka_unit_test(three_by_three_with_many_channels),
        cmocka_unit_test(one_row_of_many_columns),
        cmocka_unit_test(no_variant_went_untested),
    };
    return cmocka_run_group_tests_name("conv kernels", tests, open_pools, close_pools);
}
