/* Numbers moved, picked and read between cells: every variant of every table against the double reference. */
#include "kernel_case.h"

/* ---- turned copies ---------------------------------------------------------------------------------------------- */

/* A copy of four-byte cells with the dimensions in another order; `dim` are those of y. */
static void check_turn(int64_t n, const int64_t dim[4], const int order[4], bool swapped) {
    kernel_case k;
    fv_walk w = {.rank = 4};
    int64_t count = 1;
    case_begin(&k, FV_R_COPY, n, 0, "turned %lldx%lldx%lldx%lld %d%d%d%d", (long long)n, (long long)dim[1],
               (long long)dim[2], (long long)dim[3], order[0], order[1], order[2], order[3]);
    for (int i = 3; i >= 0; i--) {
        w.dim[i] = i == 0 ? n : dim[i];
        w.y[i] = count;
        count *= w.dim[i];
    }
    for (int i = 3, stride = 1; i >= 0; stride *= (int)w.dim[order[i]], i--) w.a[order[i]] = stride;
    if (swapped)
        for (int d = 0; d < 4; d++) {
            int64_t y = w.y[d];
            w.y[d] = w.a[d], w.a[d] = y;
        }
    w.dim[0] = k.geom.n;
    k.geom.copy = (fv_copy_geom){w, 4, false};
    case_result(&k, 0, count);
    case_input(&k, 1, count, WHOLE);
    check_case(&k);
}

static void copies_turn_dimensions_over(void **state) {
    (void)state;
    static const int orders[][4] = {{0, 3, 1, 2}, {0, 2, 3, 1}, {0, 1, 3, 2}, {0, 3, 2, 1}, {0, 2, 1, 3}};
    for (int i = 0; i < 60; i++) {
        const int64_t dim[4] = {0, draw(1, 9), draw(1, 40), draw(1, 70)};
        check_turn(1 + i % 3, dim, orders[i % 5], i % 2);
    }
    check_turn(2, (const int64_t[]){0, 33, 65, 3}, orders[0], false);
    check_turn(1, (const int64_t[]){0, 3, 64, 64}, orders[1], true);
}

/* ---- picks ------------------------------------------------------------------------------------------------------ */

typedef struct pick_size {
    int64_t lead, axis, behind, picks, inner;
} pick_size;

/* Random numbers of `dtype` as argument `index`. */
static void numbers(kernel_case *k, int index, int64_t count, fv_dtype dtype, bool result) {
    if (dtype == FV_F32) {
        if (result)
            case_state(k, index, count, WHOLE);
        else
            case_input(k, index, count, WHOLE);
        return;
    }
    unsigned char *bytes = case_memory(k, index, count, (int)fv_dtype_size(dtype), result);
    for (int64_t i = 0; i < count * (int64_t)fv_dtype_size(dtype); i++) bytes[i] = (unsigned char)draw(0, 255);
}

static void indices(kernel_case *k, int index, int64_t count, int64_t size, bool wide, bool loose) {
    void *to = case_memory(k, index, count, wide ? 8 : 4, false);
    for (int64_t i = 0; i < count; i++) {
        int64_t number = draw(-size - (loose ? 2 : 0), size - 1 + (loose ? 2 : 0));
        if (wide)
            ((int64_t *)to)[i] = number;
        else
            ((int32_t *)to)[i] = (int32_t)number;
    }
}

/* [samples][lead] picks of [axis][inner], `picks` each. */
static fv_pick_geom pick_geom(const pick_size *s, fv_dtype dtype, bool wide, bool loose) {
    int64_t large = s->axis * s->inner, small = s->picks * s->inner;
    return (fv_pick_geom){.walk = {.rank = 3,
                                   .dim = {0, s->lead, s->picks},
                                   .y = {s->lead * small, small, s->inner},
                                   .a = {s->lead * large, large, 0},
                                   .b = {s->lead * s->picks, s->picks, 1}},
                          .inner = s->inner,
                          .tuple = 1,
                          .size = {s->axis},
                          .step = {s->inner},
                          .dtype = dtype,
                          .wide = wide,
                          .loose = loose,
                          .apart = 2};
}

static void check_gather(const pick_size *s, int64_t n, fv_dtype dtype, bool wide, bool loose) {
    kernel_case k;
    case_begin(&k, FV_R_GATHER, n, 0, "%s %lld of %lldx%lldx%lld n=%lld", fv_dtype_name(dtype), (long long)s->picks,
               (long long)s->lead, (long long)s->axis, (long long)s->inner, (long long)n);
    k.geom.pick = pick_geom(s, dtype, wide, loose);
    k.geom.pick.walk.dim[0] = k.geom.n;
    numbers(&k, 0, n * s->lead * s->picks * s->inner, dtype, true);
    numbers(&k, 1, n * s->lead * s->axis * s->inner, dtype, false);
    indices(&k, 2, n * s->lead * s->picks, s->axis, wide, loose);
    check_case(&k);
}

static void check_scatter(const pick_size *s, int64_t n, fv_dtype dtype, fv_scatter kind, bool shared) {
    kernel_case k;
    case_begin(&k, FV_R_SCATTER, n, 0, "%s %lld of %lldx%lldx%lld kind %d shared %d n=%lld", fv_dtype_name(dtype),
               (long long)s->picks, (long long)s->lead, (long long)s->axis, (long long)s->inner, kind, shared,
               (long long)n);
    k.geom.pick = pick_geom(s, dtype, false, true);
    k.geom.pick.walk.dim[0] = k.geom.n;
    k.geom.pick.kind = kind;
    int64_t large = s->lead * s->axis * s->inner;
    if (shared) k.geom.pick.shared = large, k.geom.pick.walk.a[0] = 0, k.geom.pick.apart = 0;
    numbers(&k, 0, shared ? large : n * large, dtype, true);
    numbers(&k, 1, n * s->lead * s->picks * s->inner, dtype, false);
    if (kind == FV_SCATTER_MUL && dtype == FV_F32) /* so few factors that products stay exact */
        for (int64_t i = 0; i < k.arg[1].count; i++) ((float *)k.arg[1].memory)[i] = i % 2 ? -1.0f : 2.0f;
    indices(&k, 2, n * s->lead * s->picks, s->axis, false, true);
    check_case(&k);
}

static pick_size draw_size(void) {
    return (pick_size){
        .lead = draw(1, 4), .axis = draw(1, 9), .picks = draw(1, 12), .inner = draw(0, 2) ? draw(1, 40) : 1};
}

static void picks_follow_their_index(void **state) {
    (void)state;
    static const fv_dtype dtypes[] = {FV_F32, FV_I32, FV_I64, FV_U8};
    for (int i = 0; i < 64; i++) {
        pick_size s = draw_size();
        check_gather(&s, 1 + i % 5, dtypes[i % 4], i & 4, i & 8);
        check_scatter(&s, 1 + i % 5, dtypes[i % 4], (fv_scatter)(i / 4 % 5), false);
        check_scatter(&s, 1 + i % 17, FV_F32, FV_SCATTER_ADD, true);
    }
    check_gather(&(pick_size){.lead = 1, .axis = 500, .picks = 3000, .inner = 33}, 2, FV_F32, false, false);
    check_scatter(&(pick_size){.lead = 300, .axis = 50, .picks = 70, .inner = 5}, 2, FV_F32, FV_SCATTER_ADD, false);
}

static void an_index_outside_is_an_error(void **state) {
    (void)state;
    float x[3] = {1, 2, 3}, y[2] = {0, 0};
    const int32_t index[2] = {0, 3};
    fv_geom geom = {.n = 1,
                    .pick = {.walk = {.rank = 1, .dim = {2}, .y = {1}, .b = {1}},
                             .inner = 1,
                             .tuple = 1,
                             .size = {3},
                             .step = {1},
                             .dtype = FV_F32}};
    for (const fv_table *const *table = fv_all_tables(); *table; table++) {
        if ((*table)->real != FV_F32) continue;
        fv_call gather = {.geom = &geom, .n = 1, .arg = {y, x, (void *)index}};
        assert_int_equal((*table)->kernels[FV_R_GATHER][0]->run(&gather), FV_E_ARGUMENT);
        fv_call scatter = {.geom = &geom, .n = 1, .arg = {x, y, (void *)index}};
        assert_int_equal((*table)->kernels[FV_R_SCATTER][0]->run(&scatter), FV_E_ARGUMENT);
    }
}

/* ---- mixing, order ---------------------------------------------------------------------------------------------- */

static void axes_are_mixed_as_the_tables_say(void **state) {
    (void)state;
    enum { MOST = 12 };
    for (int i = 0; i < 60; i++) {
        kernel_case k;
        int32_t start[MOST + 1] = {0}, cell[4 * MOST];
        double weight[4 * MOST];
        fv_mix_geom g = {.outer = draw(1, 4), .in = draw(1, 9), .out = draw(1, MOST), .inner = draw(1, 80), .value = 9};
        if (i == 0) g.inner = 9001;
        for (int64_t o = 0; o < g.out; o++) {
            start[o + 1] = start[o] + (int32_t)draw(0, 4);
            for (int32_t t = start[o]; t < start[o + 1]; t++)
                cell[t] = (int32_t)draw(0, g.in - 1), weight[t] = (double)draw(-4, 4) / 4;
        }
        g.start = start, g.cell = cell, g.weight = weight;
        int64_t n = 1 + i % 4;
        case_begin(&k, FV_R_MIX, n, 0, "mix %lldx%lldx%lld to %lld n=%lld", (long long)g.outer, (long long)g.in,
                   (long long)g.inner, (long long)g.out, (long long)n);
        k.geom.mix = g;
        case_result(&k, 0, n * g.outer * g.out * g.inner);
        case_input(&k, 1, n * g.outer * g.in * g.inner, WHOLE);
        check_case(&k);
    }
}

static void the_first_of_an_order(void **state) {
    (void)state;
    static const fv_dtype dtypes[] = {FV_F32, FV_I32, FV_I64, FV_U8};
    for (int i = 0; i < 80; i++) {
        kernel_case k;
        fv_top_geom g = {
            .outer = draw(1, 3), .size = draw(1, 60), .inner = draw(1, 4), .least = i & 1, .dtype = dtypes[i / 2 % 4]};
        g.k = i % 7 == 0 ? g.size : draw(1, g.size);
        int64_t n = 1 + i % 3, lines = n * g.outer * g.inner;
        case_begin(&k, FV_R_TOP, n, 0, "top %lld of %lld %s least %d", (long long)g.k, (long long)g.size,
                   fv_dtype_name(g.dtype), g.least);
        k.geom.top = g;
        numbers(&k, 0, lines * g.k, g.dtype, true);
        memset(case_memory(&k, 1, lines * g.k, 8, true), 0, (size_t)(lines * g.k) * 8);
        numbers(&k, 2, lines * g.size, g.dtype, false);
        check_case(&k);
    }
}

static void boxes_that_others_cover_are_left_out(void **state) {
    (void)state;
    const float boxes[] = {0, 0, 1, 1, 0, 0.1f, 1, 1.1f, 0, -0.1f, 1, 0.9f, 0, 10, 1, 11},
                scores[] = {0.9f, 0.75f, 0.6f, 0.95f};
    int64_t chosen[9], count, expected[9] = {0, 0, 3, 0, 0, 0, -1, -1, -1};
    char scratch[4];
    fv_geom geom = {.n = 1,
                    .nms = {.samples = 1, .classes = 1, .boxes = 4, .most = 3, .rows = 3, .overlap = 0.5, .score = 0}};
    fv_call call = {.geom = &geom, .n = 1, .arg = {chosen, &count, (void *)boxes, (void *)scores}, .scratch = scratch};
    assert_int_equal(fv_reference_f32()->kernels[FV_R_NMS][0]->run(&call), FV_OK);
    assert_int_equal(count, 2);
    assert_memory_equal(chosen, expected, sizeof expected);
}

/* ---- between cells ---------------------------------------------------------------------------------------------- */

static void check_grid(const fv_grid_geom *g, int64_t n) {
    kernel_case k, back;
    int64_t in = n * g->samples * g->in[0] * g->in[1] * g->in[2] * g->c, cells = n * g->samples * g->out;
    case_begin(&k, FV_R_GRID, n, 2e-6, "grid between %d beyond %d aligned %d %lldx%lldx%lldx%lld", g->between,
               g->beyond, g->aligned, (long long)g->in[0], (long long)g->in[1], (long long)g->in[2], (long long)g->c);
    k.geom.grid = *g;
    back = k;
    back.routine = FV_R_GRID_BACK;
    case_result(&k, 0, cells * g->c);
    case_input(&k, 1, in, NORMAL);
    float *grid = case_input(&k, 2, cells * g->dims, NORMAL);
    case_result(&back, 0, in);
    case_input(&back, 1, cells * g->c, NORMAL);
    memcpy(case_input(&back, 2, cells * g->dims, NORMAL), grid, (size_t)(cells * g->dims) * 4);
    check_case(&k);
    check_case(&back);
}

static void grids_are_read_between_cells(void **state) {
    (void)state;
    for (int i = 0; i < 72; i++) {
        fv_grid_geom g = {.samples = 1 + i % 2,
                          .in = {1, draw(1, 6), draw(1, 7)},
                          .out = draw(1, 20),
                          .c = draw(1, 20),
                          .dims = 2 + i / 36,
                          .between = (fv_between)(i % 3),
                          .beyond = (fv_beyond)(i / 3 % 3),
                          .aligned = i / 9 % 2};
        if (g.dims == 3) g.in[0] = draw(1, 4);
        check_grid(&g, 1 + i % 3);
    }
}

static void grids_may_say_anything(void **state) {
    (void)state;
    static const float odd[] = {NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 3e9f, -3e9f, 1e-40f};
    for (int i = 0; i < 18; i++) {
        kernel_case k;
        fv_grid_geom g = {.samples = 1, .in = {1, 3, 4}, .out = 64, .c = 2, .dims = 2, .between = (fv_between)(i % 3)};
        g.beyond = (fv_beyond)(i / 3 % 3), g.aligned = i / 9;
        case_begin(&k, FV_R_GRID, 1, 2e-6, "odd grid %d", i);
        k.geom.grid = g;
        case_result(&k, 0, 128);
        case_input(&k, 1, 24, WHOLE);
        float *grid = case_input(&k, 2, 128, NORMAL);
        for (int j = 0; j < 64; j++) grid[2 * j] = odd[j / 8], grid[2 * j + 1] = odd[j % 8];
        check_case(&k);
    }
}

static void check_region(const fv_region_geom *g) {
    kernel_case k, back;
    int64_t in = g->samples * g->in[0] * g->in[1] * g->c, out = g->regions * g->out[0] * g->out[1] * g->c;
    case_begin(&k, FV_R_REGION, 1, 3e-6, "regions points %lld maximum %d half %d", (long long)g->points, g->maximum,
               g->half);
    k.geom.batched = false;
    k.geom.n = 1;
    k.geom.region = *g;
    back = k;
    back.routine = FV_R_REGION_BACK;
    case_result(&k, 0, out);
    float *x = case_input(&k, 1, in, NORMAL), *at = case_input(&k, 2, 4 * g->regions, POSITIVE);
    for (int64_t r = 0; r < g->regions; r++) at[4 * r + 2] += at[4 * r], at[4 * r + 3] += at[4 * r + 1];
    indices(&k, 3, g->regions, 1, g->wide, false);
    memset(k.arg[3].memory, 0, (size_t)k.arg[3].count * (size_t)k.arg[3].element);
    case_result(&back, 0, in);
    case_input(&back, 1, out, NORMAL);
    memcpy(case_input(&back, 2, in, NORMAL), x, (size_t)in * 4);
    memcpy(case_input(&back, 3, 4 * g->regions, NORMAL), at, (size_t)g->regions * 16);
    indices(&back, 4, g->regions, 1, g->wide, false);
    memcpy(back.arg[4].memory, k.arg[3].memory, (size_t)k.arg[3].count * (size_t)k.arg[3].element);
    check_case(&k);
    check_case(&back);
}

static void regions_become_grids_of_one_size(void **state) {
    (void)state;
    for (int i = 0; i < 24; i++)
        check_region(&(fv_region_geom){.samples = 2,
                                       .regions = draw(1, 5),
                                       .in = {draw(2, 8), draw(2, 8)},
                                       .out = {draw(1, 4), draw(1, 4)},
                                       .c = draw(1, 19),
                                       .points = i % 3,
                                       .scale = i % 2 ? 1 : 0.75,
                                       .half = i / 2 % 2,
                                       .maximum = i / 4 % 2,
                                       .wide = i / 8 % 2});
}

static void check_displaced(const fv_displaced_geom *g, int64_t n, bool masked) {
    kernel_case k, back;
    int64_t kernel = g->kernel[0] * g->kernel[1], cells = n * g->samples * g->out[0] * g->out[1];
    int64_t in = n * g->samples * g->in[0] * g->in[1] * g->c, places = cells * g->parts * kernel;
    case_begin(&k, FV_R_DISPLACED, n, 3e-6, "displaced c %lld groups %lld parts %lld", (long long)g->c,
               (long long)g->groups, (long long)g->parts);
    k.geom.displaced = *g;
    back = k;
    back.routine = FV_R_DISPLACED_BACK;
    case_result(&k, 0, cells * kernel * g->c);
    float *x = case_input(&k, 1, in, NORMAL), *offset = case_input(&k, 2, 2 * places, NORMAL),
          *mask = masked ? case_input(&k, 3, places, NORMAL) : NULL;
    case_result(&back, 0, in);
    case_result(&back, 1, 2 * places);
    if (masked) case_result(&back, 2, places);
    case_input(&back, 3, cells * kernel * g->c, NORMAL);
    memcpy(case_input(&back, 4, in, NORMAL), x, (size_t)in * 4);
    memcpy(case_input(&back, 5, 2 * places, NORMAL), offset, (size_t)places * 8);
    if (masked) memcpy(case_input(&back, 6, places, NORMAL), mask, (size_t)places * 4);
    check_case(&k);
    check_case(&back);
}

static void columns_come_from_displaced_places(void **state) {
    (void)state;
    for (int i = 0; i < 24; i++) {
        int64_t each = draw(1, 5);
        fv_displaced_geom g = {.samples = 1 + i % 2,
                               .in = {draw(3, 7), draw(3, 7)},
                               .kernel = {draw(1, 3), draw(1, 3)},
                               .stride = {draw(1, 2), draw(1, 2)},
                               .pad = {draw(0, 1), draw(0, 1)},
                               .dilation = {1, 1 + i % 2},
                               .out = {draw(1, 3), draw(1, 3)},
                               .groups = 1 + i / 2 % 2,
                               .parts = 1 + i / 4 % 3};
        g.c = 6 * each;
        check_displaced(&g, 1 + i % 3, i % 2);
    }
}

static void every_variant_was_reached(void **state) {
    (void)state;
    check_all_seen(FV_R_GATHER, FV_R_TOP);
    check_all_seen(FV_R_GRID, FV_R_DISPLACED_BACK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_turn_dimensions_over),
        cmocka_unit_test(picks_follow_their_index),
        cmocka_unit_test(an_index_outside_is_an_error),
        cmocka_unit_test(axes_are_mixed_as_the_tables_say),
        cmocka_unit_test(the_first_of_an_order),
        cmocka_unit_test(boxes_that_others_cover_are_left_out),
        cmocka_unit_test(grids_are_read_between_cells),
        cmocka_unit_test(grids_may_say_anything),
        cmocka_unit_test(regions_become_grids_of_one_size),
        cmocka_unit_test(columns_come_from_displaced_places),
        cmocka_unit_test(every_variant_was_reached),
    };
    return cmocka_run_group_tests(tests, open_pools, close_pools);
}
