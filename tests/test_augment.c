/* Augmentations by small pictures: what each does, that pixels which move take masks and boxes along, that every draw is a
 * function of seed, epoch, sample and place in the list, and what is refused. */
#include <time.h>

#include "augment_math.h"
#include "changed.h"

/* ---- pixels that move ------------------------------------------------------------------------------------------- */

static void mirror_images(void **state) {
    (void)state;
    check_once("hflip(1)", nine, three, (const float[]){3, 2, 1, 6, 5, 4, 9, 8, 7}, 0);
    check_once("vflip(1)", nine, three, (const float[]){7, 8, 9, 4, 5, 6, 1, 2, 3}, 0);
    check_once("hflip(1) vflip(1)", nine, three, (const float[]){9, 8, 7, 6, 5, 4, 3, 2, 1}, 0);
    check_once("hflip(1) hflip(1)", nine, three, nine, 0);
    const float colours[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    check_once("hflip(1)", colours, (fv_shape){3, {2, 2, 3}}, (const float[]){4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9},
               0);
    check_once("hflip(0)", nine, three, nine, 0);
}

static void a_flip_happens_to_half_of_the_samples(void **state) {
    (void)state;
    changed c = change_copies("hflip", nine, three, MOST, 0, NULL);
    int flipped = 0;
    for (int i = 0; i < MOST; i++) flipped += c.x[i][0] == 3;
    assert_in_range(flipped, MOST / 4, 3 * MOST / 4);
}

/* Jordan 2024: what was not mirrored in one epoch is mirrored in the next. */
static void alternating_flip_takes_turns(void **state) {
    (void)state;
    int mirrored = 0;
    changed epochs[3];
    for (int e = 0; e < 3; e++) epochs[e] = change_copies("altflip", nine, three, MOST, e, NULL);
    for (int i = 0; i < MOST; i++) {
        bool first = epochs[0].x[i][0] == 3;
        mirrored += first;
        check_near("the epoch after", epochs[1].x[i][0], first ? 1 : 3, 0);
        check_near("two epochs later", epochs[2].x[i][0], first ? 3 : 1, 0);
    }
    assert_in_range(mirrored, MOST / 4, 3 * MOST / 4);
}

/* A 3x3 picture moved by (dx, dy); `outside` says what lies at (x, y) outside of it. */
static float moved(int x, int y, int dx, int dy, const char *border) {
    int u = x + dx, v = y + dy;
    if (strcmp(border, "edge") == 0) u = u < 0 ? 0 : u > 2 ? 2 : u, v = v < 0 ? 0 : v > 2 ? 2 : v;
    if (strcmp(border, "reflect") == 0) u = u < 0 ? -u : u > 2 ? 4 - u : u, v = v < 0 ? -v : v > 2 ? 4 - v : v;
    if (u < 0 || v < 0 || u > 2 || v > 2) return strcmp(border, "black") == 0 ? 0 : 0.5f;
    return nine[v * 3 + u];
}

static void shifts_by_whole_pixels(void **state) {
    (void)state;
    static const char *const borders[] = {"edge", "reflect", "black", "0.5"}, *const names[] = {"shift", "crop"};
    for (int b = 0; b < 8; b++) {
        char list[64];
        int seen[5][5] = {{0}}, kinds = 0;
        snprintf(list, sizeof list, "%s(2, border=%s)", names[b / 4], borders[b % 4]);
        changed c = change_copies(list, nine, three, MOST, 1, NULL);
        for (int i = 0; i < MOST; i++) {
            bool found = false;
            for (int k = 0; k < 25 && !found; k++) {
                bool same = true;
                for (int p = 0; p < 9; p++)
                    same &= c.x[i][p] == moved(p % 3, p / 3, k % 5 - 2, k / 5 - 2, borders[b % 4]);
                if (same) found = true, kinds += !seen[k / 5][k % 5]++;
            }
            if (!found) fail_msg("%s: sample %d is no shifted picture", list, i);
        }
        assert_in_range(kinds, 12, 25);
    }
}

static void warp_nine(const fv_warp *warp, float out[9]) {
    float *room = calloc(fv_warp_room(3, 3, 1), sizeof *room), black = 0;
    memcpy(out, nine, sizeof nine);
    fv_warp_picture(warp, out, 3, 3, 1, &black, room);
    free(room);
}

static void warps_by_hand(void **state) {
    (void)state;
    float got[9];
    /* a quarter turn: what was in the right column comes to the top row */
    fv_warp turn = fv_warp_affine((const double[4]){0, -1, 1, 0}, 0, 0, 3, 3, FV_BORDER_BLACK);
    warp_nine(&turn, got);
    check_picture("a quarter turn", got, (const float[]){3, 6, 9, 2, 5, 8, 1, 4, 7}, 9, 1e-6);
    /* twice as large: neighbours are half a pixel apart */
    fv_warp large = fv_warp_affine((const double[4]){0.5, 0, 0, 0.5}, 0, 0, 3, 3, FV_BORDER_BLACK);
    warp_nine(&large, got);
    check_picture("twice as large", got, (const float[]){3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7}, 9, 1e-6);
    /* half a pixel to the side: the border counts half */
    fv_warp half = fv_warp_affine((const double[4]){1, 0, 0, 1}, 0.5, 0, 3, 3, 0);
    warp_nine(&half, got);
    check_picture("half a pixel", got, (const float[]){1.5, 2.5, 1.5, 4.5, 5.5, 3, 7.5, 8.5, 4.5}, 9, 1e-6);
    half.border = FV_BORDER_EDGE;
    warp_nine(&half, got);
    check_picture("half a pixel, edge", got, (const float[]){1.5, 2.5, 3, 4.5, 5.5, 6, 7.5, 8.5, 9}, 9, 1e-6);
    half.border = FV_BORDER_REFLECT;
    warp_nine(&half, got);
    check_picture("half a pixel, reflected", got, (const float[]){1.5, 2.5, 2.5, 4.5, 5.5, 5.5, 7.5, 8.5, 8.5}, 9,
                  1e-6);
    const float one[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, none[9] = {0};
    fv_warp bent = fv_warp_none();
    bent.bend = (fv_bend){one, none}, bent.moves = bent.bordered = true, bent.border = FV_BORDER_EDGE;
    warp_nine(&bent, got);
    check_picture("bent by a pixel", got, (const float[]){2, 3, 3, 5, 6, 6, 8, 9, 9}, 9, 1e-6);
}

/* Several moves are one resampling: two half pixels are a whole one, a turn and its opposite nothing. */
static void neighbours_in_the_list_become_one_warp(void **state) {
    (void)state;
    float got[9];
    fv_warp half = fv_warp_affine((const double[4]){1, 0, 0, 1}, 0.5, 0, 3, 3, FV_BORDER_EDGE), both = half;
    assert_true(fv_warp_then(&both, &half));
    warp_nine(&both, got);
    check_picture("two half pixels", got, (const float[]){2, 3, 3, 5, 6, 6, 8, 9, 9}, 9, 0);
    fv_warp mirror = fv_warp_mirror(true, false, 3, 3),
            step = fv_warp_affine((const double[4]){1, 0, 0, 1}, 1, 0, 3, 3, 0);
    assert_true(fv_warp_then(&mirror, &step)); /* mirrored, then moved: 3 2 1 becomes 2 1 and the border */
    warp_nine(&mirror, got);
    check_picture("mirrored, then moved", got, (const float[]){2, 1, 0, 5, 4, 0, 8, 7, 0}, 9, 0);
    fv_warp other = fv_warp_affine((const double[4]){1, 0, 0, 1}, 1, 0, 3, 3, FV_BORDER_EDGE);
    assert_false(fv_warp_then(&mirror, &other)); /* two kinds of border are two warps */
}

/* Each is the warp that its draw says: drawn here again, and undone by its inverse where the middle pixel tells. */
static void random_warps_stay_within_their_range(void **state) {
    (void)state;
    static const char *const still[] = {"rotate(0)",      "zoom(0)",    "shear(0)",
                                        "perspective(0)", "elastic(0)", "resized_crop(1, 1, 1)"};
    float big[64];
    for (int i = 0; i < 64; i++) big[i] = (float)(i * 37 % 64);
    for (size_t i = 0; i < sizeof still / sizeof *still; i++)
        check_once(still[i], big, (fv_shape){3, {8, 8, 1}}, big, 1e-4);
    static const char *const around[] = {"rotate(30)", "zoom(0.3)", "shear(20)"};
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        changed c = change_copies(around[i], nine, three, MOST, 0, NULL);
        int other = 0;
        for (int k = 0; k < MOST; k++) {
            check_near(around[i], c.x[k][4], 5, 1e-4); /* the middle stays */
            for (int p = 0; p < 9; p++) {              /* the picture is a slope: linear where nothing is outside */
                assert_true(c.x[k][p] >= 1 - 1e-4f && c.x[k][p] <= 9 + 1e-4f);
                check_near(around[i], c.x[k][p] + c.x[k][8 - p], 10, 1e-4);
            }
            other += fabsf(c.x[k][0] - 1) > 1e-3f || fabsf(c.x[k][2] - 3) > 1e-3f;
        }
        assert_in_range(other, MOST / 2, MOST);
    }
}

/* Smoothed uniform noise of -1 to 1 has the deviation alpha * sqrt(1/3) / (2 sigma sqrt(pi)), on the coarse grid as well; bilinear
 * interpolation between its points takes a little of it. */
static void elastic_displacements_have_the_strength_of_the_paper(void **state) {
    (void)state;
    enum { SIDE = 28, ROUNDS = 40 };
    static const double pairs[][2] = {{34, 4}, {10, 1.5}, {40, 6}};
    const fv_augment *elastic = NULL;
    for (int i = 0; i < fv_augment_total(); i++)
        if (!strcmp(fv_augment_at(i)->name, "elastic")) elastic = fv_augment_at(i);
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
        const double a[4] = {pairs[k][0], pairs[k][1], FV_BORDER_EDGE};
        float *room = calloc(elastic->room(a, SIDE, SIDE, 1), sizeof *room);
        double squares = 0, sum = 0, steps = 0;
        for (int r = 0; r < ROUNDS; r++) {
            fv_stream stream = fv_stream_new(1, FV_FOR_TEST, 0, (uint64_t)r);
            fv_augment_call call = {.a = a, .stream = &stream, .shot = {.height = SIDE, .width = SIDE}, .room = room};
            fv_warp warp = elastic->move(&call);
            for (int p = 0; p < SIDE * SIDE; p++) {
                sum += (double)(warp.bend.dx[p] + warp.bend.dy[p]);
                squares += (double)(warp.bend.dx[p] * warp.bend.dx[p] + warp.bend.dy[p] * warp.bend.dy[p]);
                if (p % SIDE) steps += pow((double)(warp.bend.dx[p] - warp.bend.dx[p - 1]), 2);
            }
        }
        double count = 2.0 * ROUNDS * SIDE * SIDE, expected = a[0] * sqrt(1.0 / 3) / (2 * a[1] * sqrt(M_PI));
        check_near("deviation of the displacements", sqrt(squares / count), expected, 0.15 * expected);
        check_near("mean of the displacements", sum / count, 0, 0.15 * expected);
        /* the slope of noise smoothed by a Gaussian: deviation / (sqrt(2) sigma) */
        check_near("slope", sqrt(steps / (count / 2 * (SIDE - 1) / SIDE)), expected / (sqrt(2) * a[1]),
                   0.15 * expected / a[1]);
        free(room);
    }
}

/* ---- values that change ----------------------------------------------------------------------------------------- */

static void cutout_blots_out_a_square(void **state) {
    (void)state;
    changed c = change_copies("cutout(2, fill=-1)", nine, three, MOST, 0, NULL);
    int whole = 0;
    for (int i = 0; i < MOST; i++) {
        int gone = 0;
        for (int p = 0; p < 9; p++) gone += c.x[i][p] == -1, assert_true(c.x[i][p] == -1 || c.x[i][p] == nine[p]);
        assert_in_range(gone, 1, 4); /* at the border a part of the square is outside */
        whole += gone == 4;
    }
    assert_in_range(whole, 10, MOST);
}

/* Four pixels of three colours, as light. */
static const float colours[12] = {0.2f, 0.4f, 0.6f, 0.5f, 0.5f, 0.5f, 0.7f, 0.3f, 0.3f, 0.4f, 0.6f, 0.2f};
static const fv_shape two = {3, {2, 2, 3}};
static double grey_of(const float *x) { return 0.299 * x[0] + 0.587 * x[1] + 0.114 * x[2]; }

static void light_changes_by_factors(void **state) {
    (void)state;
    changed bright = change_copies("brightness(0.3)", colours, two, MOST, 0, NULL);
    changed contrast = change_copies("contrast(0.3)", colours, two, MOST, 0, NULL);
    changed colourful = change_copies("saturation(0.3)", colours, two, MOST, 0, NULL);
    changed hue = change_copies("hue(0.2)", colours, two, MOST, 0, NULL);
    double mean = 0;
    for (int p = 0; p < 4; p++) mean += grey_of(colours + 3 * p) / 4;
    for (int i = 0; i < MOST; i++) {
        double b = (double)(bright.x[i][0] / colours[0]),
               c = ((double)contrast.x[i][2] - mean) / ((double)colours[2] - mean);
        double s = ((double)colourful.x[i][0] - grey_of(colours)) / ((double)colours[0] - grey_of(colours));
        assert_true(b > 0.7 - 1e-5 && b < 1.3 + 1e-5 && c > 0.7 - 1e-4 && c < 1.3 + 1e-4 && s > 0.7 - 1e-4 &&
                    s < 1.3 + 1e-4);
        for (int p = 0; p < 12; p++) {
            double grey = grey_of(colours + p / 3 * 3);
            check_near("brightness", bright.x[i][p], b * (double)colours[p], 1e-5);
            check_near("contrast", contrast.x[i][p], mean + c * ((double)colours[p] - mean), 1e-5);
            check_near("saturation", colourful.x[i][p], grey + s * ((double)colours[p] - grey), 1e-5);
        }
        for (int p = 0; p < 4; p++)
            check_near("hue keeps grey", grey_of(hue.x[i] + 3 * p), grey_of(colours + 3 * p), 1e-3);
    }
    check_once("hue(0)", colours, two, colours, 1e-3); /* the constants of YIQ have three digits */
    float grey[12];
    for (int p = 0; p < 12; p++) grey[p] = (float)grey_of(colours + p / 3 * 3);
    check_once("grey(1)", colours, two, grey, 1e-6);
    check_once("grey(1)", nine, three, nine, 0); /* is grey */
}

/* Light is what a byte stands for: 2 * 100/255 there is 2 * 100/255 here, whatever preprocessing makes of it; white is the end. */
static void light_is_seen_through_preprocessing(void **state) {
    (void)state;
    unsigned char bytes[4] = {100, 200, 0, 50};
    float x[4];
    fv_data *data = fv_data_from_arrays((fv_tensor){FV_U8, {4, {1, 2, 2, 1}}, bytes}, (fv_tensor){0}, &problem);
    fv_preprocess p = {.scale = 1.0 / 255, .channels = 1, .mean = {0.25}, .deviation = {0.5}};
    fv_tensor into = {FV_F32, {4, {1, 2, 2, 1}}, x};
    int64_t order = 0;
    fv_augment_plan plan;
    fv_augmenting g;
    check_ok(fv_augment_read("brightness(0.9)", &plan, &problem));
    check_ok(fv_augment_begin(&g, &plan, data, &p, &into, 0, &problem));
    fv_stream stream;
    for (g.epoch = 0;; g.epoch++) { /* one that brightens by more than a quarter */
        assert_true(fv_augment_happens(&g, &g.plan.entry[0], 0, &stream));
        if (0.1 + 1.8 * fv_uniform(&stream) > 1.3) break;
    }
    fv_augment_happens(&g, &g.plan.entry[0], 0, &stream);
    double factor = 0.1 + 1.8 * fv_uniform(&stream);
    check_ok(fv_data_batch(data, &order, 0, 1, &p, &into, &problem));
    check_ok(fv_augment_batch(&g, &order, 0, 1, &into, &problem));
    for (int i = 0; i < 4; i++) check_near("brighter", x[i], (fmin(1, bytes[i] / 255.0 * factor) - 0.25) / 0.5, 1e-5);
    fv_augment_end(&g);
    fv_data_free(data);
}

static void noise_is_normal(void **state) {
    (void)state;
    enum { COUNT = 40000 };
    static float x[COUNT];
    double sum = 0, squares = 0, fourth = 0;
    int beyond = 0;
    fv_stream stream = fv_stream_new(3, FV_FOR_TEST, 0, 0);
    fv_draw_normals(&stream, x, COUNT);
    for (int i = 0; i < COUNT; i++) {
        double n = (double)x[i];
        sum += n, squares += n * n, fourth += n * n * n * n;
        beyond += fabs(n) > 1.959964;
    }
    check_near("mean", sum / COUNT, 0, 0.02);
    check_near("variance", squares / COUNT, 1, 0.03);
    check_near("kurtosis", fourth / COUNT, 3, 0.15);
    check_near("part beyond 1.96", (double)beyond / COUNT, 0.05, 0.004);
    changed c = change_copies("noise(0.5)", nine, three, MOST, 0, NULL);
    squares = 0;
    for (int i = 0; i < MOST * 9; i++) squares += pow((double)(c.x[i / 9][i % 9] - nine[i % 9]), 2);
    check_near("noise", sqrt(squares / (MOST * 9)), 0.5, 0.05);
}

static void blur_spreads_a_point(void **state) {
    (void)state;
    float point[121] = {0}, flat[9] = {2, 2, 2, 2, 2, 2, 2, 2, 2};
    point[60] = 1;
    changed c = change_copies("blur(1)", point, (fv_shape){3, {11, 11, 1}}, MOST, 0, NULL);
    for (int i = 0; i < MOST; i++) {
        const float *x = c.x[i];
        double sum = 0;
        for (int p = 0; p < 121; p++) sum += (double)x[p];
        check_near("light is kept", sum, 1, 1e-5);
        check_near("left and right", x[59], x[61], 1e-7);
        check_near("across and along", x[49], x[59], 1e-7);
        check_near("separable", x[48] * x[60], x[49] * x[59], 1e-6);
    }
    check_once("blur(2)", flat, three, flat, 1e-5);
}

static void functions_of_numbers(void **state) {
    (void)state;
    char name[64];
    for (double x = -20; x < 20; x += 0.37) {
        double s, c, degrees = x * 33;
        snprintf(name, sizeof name, "at %g", x);
        check_near(name, fv_exp_of(x) / exp(x), 1, 1e-14);
        check_near(name, fv_log_of(exp(x)), x, 1e-13);
        fv_sine_cosine(degrees, &s, &c);
        check_near(name, s, sin(degrees * M_PI / 180), 1e-13);
        check_near(name, c, cos(degrees * M_PI / 180), 1e-13);
    }
    double s, c;
    fv_sine_cosine(90, &s, &c);
    assert_true(s == 1 && c == 0);
    for (int k = 0; k < 3; k++) { /* mean 1/2, variance 1 / (4 (2 alpha + 1)) */
        double alpha = k == 0 ? 0.2 : k == 1 ? 1 : 5, sum = 0, squares = 0;
        for (int i = 0; i < 4000; i++) {
            fv_stream stream = fv_stream_new(1, FV_FOR_TEST, 0, (uint64_t)i);
            double x = fv_draw_beta(&stream, alpha);
            assert_true(x >= 0 && x <= 1);
            sum += x, squares += (x - 0.5) * (x - 0.5);
        }
        check_near("mean of beta", sum / 4000, 0.5, 0.03);
        check_near("variance of beta", squares / 4000, 1 / (4 * (2 * alpha + 1)), 0.01);
    }
}

/* ---- samples that are mixed ------------------------------------------------------------------------------------- */

/* Sample i is the number i everywhere, its label row has a 1 at i. */
static void mix(const char *list, float *x, float *labels, int count) {
    float all[16 * 16];
    int64_t order[16];
    for (int i = 0; i < count; i++)
        for (int p = 0; p < 16; p++) all[i * 16 + p] = (float)i;
    fv_data *data = fv_data_from_arrays((fv_tensor){FV_F32, {4, {count, 4, 4, 1}}, all},
                                        (fv_tensor){FV_F32, {2, {count, 16}}, labels}, &problem);
    const fv_tensor into[2] = {{FV_F32, {4, {count, 4, 4, 1}}, x}, {FV_F32, {2, {count, 16}}, labels}};
    memset(labels, 0, (size_t)count * 16 * sizeof *labels);
    for (int i = 0; i < count; i++) labels[i * 16 + i] = 1, order[i] = i, memcpy(x + i * 16, all + i * 16, 64);
    fv_augment_plan plan;
    fv_augmenting g;
    check_ok(fv_augment_read(list, &plan, &problem));
    check_ok(fv_augment_begin(&g, &plan, data, NULL, into, 5, &problem));
    const fv_tensor mixed[2] = {{0}, into[1]};
    check_ok(fv_augment_mix(&g, order, 0, count, into, mixed, &problem));
    fv_augment_end(&g);
    fv_data_free(data);
}

static void mixup_overlays_two_samples_and_their_labels(void **state) {
    (void)state;
    float x[256], labels[256];
    mix("mixup(1)", x, labels, 16);
    for (int i = 0; i < 16; i++) {
        double sum = 0, mean = 0;
        int classes = 0;
        for (int c = 0; c < 16; c++) {
            sum += (double)labels[i * 16 + c], mean += c * (double)labels[i * 16 + c];
            classes += labels[i * 16 + c] > 0;
        }
        assert_in_range(classes, 1, 2);
        check_near("labels sum up to 1", sum, 1, 1e-6);
        for (int p = 0; p < 16; p++) check_near("the picture is what its label says", x[i * 16 + p], mean, 1e-4);
    }
}

static void cutmix_counts_labels_by_area(void **state) {
    (void)state;
    float x[256], labels[256];
    mix("cutmix", x, labels, 16);
    int both = 0;
    for (int i = 0; i < 16; i++) {
        int own = 0;
        for (int p = 0; p < 16; p++) own += x[i * 16 + p] == (float)i;
        both += own < 16 && own > 0;
        check_near("area of its own", labels[i * 16 + i], own / 16.0, 1e-6);
    }
    assert_in_range(both, 4, 16);
    mix("cutmix(chance=0)", x, labels, 16);
    for (int i = 0; i < 16; i++) check_near("not mixed", labels[i * 16 + i], 1, 0);
    mix("mixup", x, labels, 1); /* alone in its batch */
    check_near("alone", labels[0], 1, 0);
}

/* ---- masks and boxes -------------------------------------------------------------------------------------------- */

static int give_record(void *user, int64_t index, void *const *out) {
    (void)user, (void)index;
    static const float boxes[8] = {0, 1, 1, 3, 0, 0, 0, 0};
    memcpy(out[0], nine, sizeof nine);
    for (int i = 0; i < 9; i++) ((unsigned char *)out[1])[i] = (unsigned char)(10 + i);
    memcpy(out[2], boxes, sizeof boxes);
    return 0;
}

static void masks_and_boxes_go_along(void **state) {
    (void)state;
    const fv_data_field fields[] = {{"picture", FV_F32, {3, {3, 3, 1}}, false},
                                    {"mask", FV_U8, {2, {3, 3}}, true},
                                    {"boxes", FV_F32, {2, {2, 4}}, true}};
    fv_data *data = fv_data_from_callback(1, fields, 3, give_record, NULL, &problem);
    float x[9], boxes[8];
    int32_t mask[9];
    const fv_tensor into[] = {
        {FV_F32, {4, {1, 3, 3, 1}}, x}, {FV_I32, {3, {1, 3, 3}}, mask}, {FV_F32, {3, {1, 2, 4}}, boxes}};
    int64_t order = 0;
    fv_augment_plan plan;
    fv_augmenting g;
    check_ok(fv_augment_read("hflip(1) cutout(1)", &plan, &problem));
    check_ok(fv_augment_begin(&g, &plan, data, NULL, into, 1, &problem));
    check_ok(fv_data_batch(data, &order, 0, 1, NULL, into, &problem));
    check_ok(fv_augment_batch(&g, &order, 0, 1, into, &problem));
    for (int i = 0; i < 9; i++) assert_int_equal(mask[i], 10 + i / 3 * 3 + 2 - i % 3);
    check_picture("boxes", boxes, (const float[]){2, 1, 3, 3, 0, 0, 0, 0}, 8, 1e-6);
    fv_augment_end(&g);
    fv_data_free(data);
}

/* ---- draws ------------------------------------------------------------------------------------------------------ */

static void draws_depend_on_seed_epoch_sample_and_place_alone(void **state) {
    (void)state;
    const char *list = "hflip shift(1) cutout(1)";
    changed a = change_copies(list, nine, three, MOST, 4, NULL), b = change_copies(list, nine, three, MOST, 4, NULL);
    changed few = change_copies(list, nine, three, 5, 4, NULL), later = change_copies(list, nine, three, MOST, 5, NULL);
    assert_memory_equal(a.x, b.x, sizeof a.x);
    for (int i = 0; i < 5; i++) assert_memory_equal(few.x[i], a.x[i], sizeof nine);
    assert_memory_not_equal(a.x, later.x, sizeof a.x);
    int other = 0;
    for (int i = 1; i < MOST; i++) other += memcmp(a.x[i], a.x[0], sizeof nine) != 0;
    assert_in_range(other, MOST / 2, MOST);
}

/* Samples are cut out over the pool, mirrored and bent; whoever does it. */
static void threads_change_nothing(void **state) {
    (void)state;
    const char *list = "hflip rotate elastic(10, 1) zoom shear perspective brightness contrast noise blur cutout(1)";
    fv_set_threads(1);
    changed one = change_copies(list, nine, three, MOST, 3, NULL);
    for (int threads = 2; threads <= 5; threads++) {
        fv_set_threads(threads);
        changed several = change_copies(list, nine, three, MOST, 3, NULL);
        assert_memory_equal(several.x, one.x, sizeof one.x);
    }
    fv_set_threads(0);
}

/* ---- what is refused -------------------------------------------------------------------------------------------- */

static void mistakes_are_named(void **state) {
    (void)state;
    fv_augment_plan plan;
    static const char *const wrong[][2] = {
        {"hflap", "did you mean 'hflip'"},
        {"shift(2, bordr=edge)", "no argument 'bordr'; it takes: pixels=2 border=edge"},
        {"shift(2.5)", "expected pixels to be a whole number from 0 to 1000, got 2.5"},
        {"shift(1, border=edgy)", "edge, reflect, black or a number, got 'edgy'"},
        {"hflip(chance=1.5)", "expected chance to be 0 to 1, got 1.5"},
        {"hflip(", "expected NAME"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_fails(fv_augment_read(wrong[i][0], &plan, &problem), FV_E_ARGUMENT, wrong[i][1]);
    check_ok(fv_augment_read(" hflip , shift(1)  cutout", &plan, &problem));
    assert_int_equal(plan.count, 3);
    check_ok(fv_augment_read("none", &plan, &problem));
    assert_int_equal(plan.count, 0);
}

static void only_pictures_are_taken(void **state) {
    (void)state;
    float numbers[5] = {0};
    fv_tensor all = {FV_F32, {2, {1, 5}}, numbers};
    fv_data *data = fv_data_from_arrays(all, (fv_tensor){0}, &problem);
    fv_augment_plan plan;
    fv_augmenting g;
    check_ok(fv_augment_read("hflip", &plan, &problem));
    check_fails(fv_augment_begin(&g, &plan, data, NULL, &all, 0, &problem), FV_E_UNSUPPORTED, "hflip takes pictures");
    fv_data_free(data);
}

static void a_mirrored_digit_is_doubtful(void **state) {
    (void)state;
    fv_augment_plan plan;
    fv_data *data = fv_data_open("digits", &problem, .limit = 10);
    check_ok(fv_augment_read("shift(2) hflip", &plan, &problem));
    assert_string_equal(fv_augment_doubtful(&plan, data), "hflip");
    check_ok(fv_augment_read("shift(2)", &plan, &problem));
    assert_null(fv_augment_doubtful(&plan, data));
    fv_data_free(data);
}

/* ---- speed ------------------------------------------------------------------------------------------------------ */

/* On one thread: the pool is left out. */
static double microseconds(const char *list, int64_t side, int64_t channels) {
    enum { COUNT = 64, ROUNDS = 9 };
    fv_shape shape = {4, {COUNT, side, side, channels}};
    fv_tensor all = fv_tensor_new(FV_F32, &shape), into = fv_tensor_new(FV_F32, &shape);
    int64_t order[COUNT];
    for (int64_t i = 0; i < fv_shape_count(&shape); i++) ((float *)all.data)[i] = (float)(i % 7) / 7;
    for (int i = 0; i < COUNT; i++) order[i] = i;
    memcpy(into.data, all.data, (size_t)fv_shape_count(&shape) * sizeof(float));
    fv_data *data = fv_data_from_arrays(all, (fv_tensor){0}, &problem);
    fv_augment_plan plan;
    fv_augmenting g;
    double best = 1e9;
    check_ok(fv_augment_read(list, &plan, &problem));
    check_ok(fv_augment_begin(&g, &plan, data, NULL, &into, 0, &problem));
    for (g.epoch = 0; g.epoch < ROUNDS; g.epoch++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (int i = 0; i < COUNT; i++) check_ok(fv_augment_batch(&g, order, i, 1, &into, &problem));
        clock_gettime(CLOCK_MONOTONIC, &b);
        double each = ((double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3) / COUNT;
        if (each < best) best = each;
    }
    fv_augment_end(&g);
    fv_data_free(data);
    fv_free(all.data), fv_free(into.data);
    return best;
}

static void is_quick(void **state) {
    (void)state;
    static const struct {
        const char *list;
        int64_t side, channels;
        double most; /* far above what an optimised build takes */
    } cases[] = {{"altflip shift(2, border=reflect)", 32, 3, 100},  {"elastic", 28, 1, 300}, {"rotate", 28, 1, 150},
                 {"elastic shift(2) rotate(10)", 28, 1, 300},       {"blur", 32, 3, 600},    {"noise", 32, 3, 600},
                 {"brightness contrast saturation hue", 32, 3, 800}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double each = microseconds(cases[i].list, cases[i].side, cases[i].channels);
        print_message("%5.1f us: %s, %dx%dx%d\n", each, cases[i].list, (int)cases[i].side, (int)cases[i].side,
                      (int)cases[i].channels);
        if (each > cases[i].most * 10) fail_msg("%s: %.1f us a picture", cases[i].list, each);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mirror_images),
        cmocka_unit_test(a_flip_happens_to_half_of_the_samples),
        cmocka_unit_test(alternating_flip_takes_turns),
        cmocka_unit_test(shifts_by_whole_pixels),
        cmocka_unit_test(warps_by_hand),
        cmocka_unit_test(neighbours_in_the_list_become_one_warp),
        cmocka_unit_test(random_warps_stay_within_their_range),
        cmocka_unit_test(elastic_displacements_have_the_strength_of_the_paper),
        cmocka_unit_test(cutout_blots_out_a_square),
        cmocka_unit_test(light_changes_by_factors),
        cmocka_unit_test(light_is_seen_through_preprocessing),
        cmocka_unit_test(noise_is_normal),
        cmocka_unit_test(blur_spreads_a_point),
        cmocka_unit_test(functions_of_numbers),
        cmocka_unit_test(mixup_overlays_two_samples_and_their_labels),
        cmocka_unit_test(cutmix_counts_labels_by_area),
        cmocka_unit_test(masks_and_boxes_go_along),
        cmocka_unit_test(draws_depend_on_seed_epoch_sample_and_place_alone),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(only_pictures_are_taken),
        cmocka_unit_test(a_mirrored_digit_is_doubtful),
        cmocka_unit_test(is_quick),
    };
    return cmocka_run_group_tests_name("augment", tests, NULL, NULL);
}
