/* Grouped and depthwise convolution: the layers of MobileNet, ResNeXt and the like, and every width of a group, all variants
 * against the double reference. */
#include "kernel_case.h"

typedef struct layer {
    int64_t h, w, c, f, groups, kernel, stride, dilation, pad, n;
} layer;

static int64_t product(const int64_t v[3]) { return v[0] * v[1] * v[2]; }

static fv_conv_geom geometry(const layer *l) {
    fv_conv_geom g = {.in = {1, l->h, l->w},
                      .kernel = {1, l->kernel, l->kernel},
                      .stride = {1, l->stride, l->stride},
                      .dilation = {1, l->dilation, l->dilation},
                      .pad = {0, l->pad, l->pad},
                      .c = l->c,
                      .f = l->f,
                      .groups = l->groups,
                      .x_pixel = l->c,
                      .y_pixel = l->f};
    for (int d = 0; d < 3; d++)
        g.out[d] = (g.in[d] + 2 * g.pad[d] - (g.kernel[d] - 1) * g.dilation[d] - 1) / g.stride[d] + 1;
    return g;
}

static double tolerance_of(const fv_kernel *kernel) {
    return strstr(kernel->name, "conv_weights") ? 1e-5 : 2e-6; /* weight gradients are long sums */
}

static void begin(kernel_case *k, fv_routine routine, const fv_conv_geom *g, int64_t n, bool exact) {
    case_begin(k, routine, n, exact ? 0 : 1e-5,
               "n=%lld in %lldx%lldx%lldx%lld filters %lld groups %lld kernel %lldx%lldx%lld stride %lld dilation %lld "
               "pad %lld pixels %lld,%lld flipped %d",
               (long long)n, (long long)g->in[0], (long long)g->in[1], (long long)g->in[2], (long long)g->c,
               (long long)g->f, (long long)g->groups, (long long)g->kernel[0], (long long)g->kernel[1],
               (long long)g->kernel[2], (long long)g->stride[2], (long long)g->dilation[2], (long long)g->pad[2],
               (long long)g->x_pixel, (long long)g->y_pixel, g->flipped);
    k->tolerance_of = tolerance_of;
    k->geom.conv = *g;
    k->geom.exact = exact;
    k->geom.training = n % 2 == 0;
}

static void check_passes(const fv_conv_geom *g, int64_t n, bool exact, fv_unary act) {
    const int64_t x = n * product(g->in) * g->x_pixel, y = n * product(g->out) * g->y_pixel;
    const int64_t w = product(g->kernel) * (g->c / g->groups) * g->f;
    const kernel_data data = exact ? WHOLE : NORMAL;
    const bool bias = n % 2 == 1, add = n % 3 == 0;
    kernel_case k;
    fv_conv_geom with = *g;
    with.epilogue = (fv_epilogue){act, 0, 6};

    with.add = add;
    begin(&k, FV_R_CONV, &with, n, exact);
    case_result(&k, 0, y);
    case_input(&k, 1, x, data);
    case_input(&k, 2, w, data);
    if (bias) case_input(&k, 3, g->f, data);
    if (add) case_input(&k, 4, y, data);
    check_case(&k);

    with.add = false;
    begin(&k, FV_R_CONV_DATA, bias ? &with : g, n, exact);
    case_result(&k, 0, x);
    case_input(&k, 1, y, data);
    case_input(&k, 2, w, data);
    if (bias) case_input(&k, 3, g->c, data);
    check_case(&k);

    begin(&k, FV_R_CONV_WEIGHTS, g, n, exact);
    case_result(&k, 0, w);
    if (bias) case_result(&k, 1, g->f);
    case_input(&k, 2, x, data);
    case_input(&k, 3, y, data);
    check_case(&k);
}

static void check_layer(const layer *l) {
    const fv_conv_geom g = geometry(l);
    check_passes(&g, l->n, true, FV_U_RELU);
    check_passes(&g, l->n, false, FV_U_CLIP);
}

static void depthwise_layers_of_mobilenet(void **state) {
    (void)state;
    static const layer layers[] = {
        {28, 28, 32, 32, 32, 3, 1, 1, 1, 1},     {28, 26, 64, 64, 64, 3, 2, 1, 1, 2},
        {14, 14, 96, 96, 96, 3, 1, 1, 1, 3},     {15, 15, 144, 144, 144, 3, 2, 1, 1, 1},
        {7, 7, 240, 240, 240, 5, 1, 1, 2, 2},    {8, 8, 72, 72, 72, 5, 2, 1, 2, 3},
        {7, 7, 1024, 1024, 1024, 3, 1, 1, 1, 1}, {7, 7, 512, 512, 512, 3, 2, 1, 1, 9},
    };
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) check_layer(&layers[i]);
}

static void groups_of_few_channels(void **state) {
    (void)state;
    static const layer layers[] = {
        {14, 14, 128, 128, 32, 3, 1, 1, 1, 2}, {15, 14, 128, 128, 32, 3, 2, 1, 1, 3},
        {7, 7, 256, 256, 32, 3, 1, 1, 1, 1},   {9, 7, 64, 64, 32, 3, 2, 1, 1, 9},
        {7, 7, 512, 512, 32, 3, 1, 1, 1, 1},   {14, 13, 240, 240, 3, 1, 1, 1, 0, 2},
        {11, 9, 24, 24, 8, 1, 1, 1, 0, 3},     {6, 6, 60, 60, 12, 3, 1, 1, 1, 1},
        {17, 40, 16, 32, 8, 3, 1, 1, 1, 2},    {9, 31, 32, 16, 8, 5, 2, 1, 2, 1},
        {8, 8, 21, 49, 7, 3, 1, 1, 1, 4},
    };
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) check_layer(&layers[i]);
}

/* All that lies at or beside a border: kernels wider than the picture, rows without a whole result, taps a stride skips. */
static void borders_strides_and_dilations(void **state) {
    (void)state;
    static const layer layers[] = {
        {1, 1, 33, 33, 33, 3, 1, 1, 1, 1}, {2, 1, 6, 6, 3, 5, 1, 1, 2, 2},   {3, 2, 17, 17, 17, 7, 1, 1, 3, 3},
        {9, 9, 8, 8, 8, 3, 3, 1, 0, 1},    {9, 9, 8, 16, 4, 1, 3, 1, 0, 2},  {11, 12, 20, 20, 20, 3, 2, 2, 2, 3},
        {10, 9, 12, 12, 6, 3, 3, 2, 3, 1}, {5, 23, 3, 3, 3, 3, 1, 1, 4, 11}, {5, 6, 40, 40, 40, 2, 2, 1, 0, 5},
    };
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) check_layer(&layers[i]);
}

/* Volumes, sequences, slices of a concat, turned kernels. */
static void geometries_drawn_at_random(void **state) {
    (void)state;
    for (int i = 0; i < 60; i++) {
        fv_conv_geom g = {.groups = draw(2, 19), .flipped = draw(0, 2) == 0};
        const int64_t dims = draw(1, 3), n = draw(1, 10);
        g.c = g.groups * (draw(0, 1) ? 1 : draw(1, 5));
        g.f = g.groups * (g.c == g.groups && draw(0, 3) ? 1 : draw(1, 5));
        for (int d = 0; d < 3; d++) {
            const bool flat = d < 3 - dims;
            g.kernel[d] = flat ? 1 : draw(1, 4);
            g.stride[d] = flat ? 1 : draw(1, 3);
            g.dilation[d] = flat || draw(0, 2) ? 1 : draw(2, 3);
            g.pad[d] = flat ? 0 : draw(0, 3);
            const int64_t extent = (g.kernel[d] - 1) * g.dilation[d] + 1, behind = flat ? 0 : draw(0, 3);
            g.in[d] = flat ? 1 : draw(1, dims == 3 ? 5 : 14);
            if (g.in[d] + g.pad[d] + behind < extent) g.in[d] = extent;
            g.out[d] = (g.in[d] + g.pad[d] + behind - extent) / g.stride[d] + 1;
        }
        g.x_pixel = g.c + (draw(0, 2) == 0 ? draw(1, 7) : 0);
        g.y_pixel = g.f + (draw(0, 2) == 0 ? draw(1, 7) : 0);
        check_passes(&g, n, true, FV_U_CLIP);
        check_passes(&g, n, false, i % 2 ? FV_U_TANH : FV_U_RELU);
    }
}

static bool is_for_groups(const char *name) { return strstr(name, "groups") || strstr(name, "depthwise"); }

static void every_level_was_tested(void **state) {
    (void)state;
    for (const fv_table *const *table = fv_all_tables(); *table; table++)
        for (int r = FV_R_CONV; r <= FV_R_CONV_WEIGHTS; r++)
            for (int v = 0; v < FV_MAX_VARIANTS && (*table)->kernels[r][v]; v++) {
                const fv_kernel *kernel = (*table)->kernels[r][v];
                int i = 0;
                while (i < kernels_seen_count && kernels_seen[i] != kernel) i++;
                if (is_for_groups(kernel->name) && i == kernels_seen_count)
                    fail_msg("%s %s: no case reached it", (*table)->name, kernel->name);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depthwise_layers_of_mobilenet), cmocka_unit_test(groups_of_few_channels),
        cmocka_unit_test(borders_strides_and_dilations), cmocka_unit_test(geometries_drawn_at_random),
        cmocka_unit_test(every_level_was_tested),
    };
    return cmocka_run_group_tests_name("grouped convolution kernels", tests, open_pools, close_pools);
}
