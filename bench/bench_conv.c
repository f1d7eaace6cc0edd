/* bench_conv.c - how fast the convolution family is: GFLOP/s and percent of the peak measured in the same run, for each
 * layer and pass, and what a LeNet on MNIST costs per image.
 *
 *     bench_conv [--json | --markdown] [threads] [part of a layer's name, or lenet]
 *
 * One thread is timed by its CPU clock, several by the wall clock. The kernel that is chosen, the best one without Winograd
 * and, where it is installed, oneDNN's direct and Winograd ones take turns with the peak loop; medians count, and the best is
 * beside them. Floating-point operations are those of direct convolution. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels.h"
#ifdef FOVEA_ONEDNN
#include "onednn.h"
#endif

enum { MAX_THREADS = 256 };
static fv_pool *pool;
static int threads = 1;

static double now(void) {
    struct timespec t;
    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the peak ------------------------------------------------------------------------------------------------------
 */

enum { PEAK_ROUNDS = 70000 }; /* about a fifth of a millisecond */

static void peak_piece(void *done, int64_t piece, int thread) {
    (void)thread;
    ((int64_t *)done)[piece] = fv_kernels()->peak(PEAK_ROUNDS);
}

/* FLOP/s of all threads, this moment. */
static double peak_now(void) {
    int64_t done[MAX_THREADS], sum = 0;
    const double start = now();
    fv_pool_run(pool, threads, peak_piece, done);
    const double seconds = now() - start;
    for (int i = 0; i < threads; i++) sum += done[i];
    return 2 * (double)sum / seconds;
}

/* ---- one call ------------------------------------------------------------------------------------------------------
 */

static void *take(int64_t floats) {
    size_t bytes = ((size_t)floats * sizeof(float) + 127) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    if (!memory) {
        fprintf(stderr, "bench_conv: not enough memory (%zu bytes)\n", bytes);
        exit(1);
    }
    return memory;
}

static const fv_kernel *choose(fv_routine routine, const fv_geom *geom, bool direct) {
    const fv_kernel *const *kernel = fv_kernels()->kernels[routine];
    while (((*kernel)->can && !(*kernel)->can(geom)) || (direct && strstr((*kernel)->name, "winograd"))) kernel++;
    return *kernel;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_size);
    return count ? values[count / 2] : 0;
}

enum { MOST_REPEATS = 200, LEAST_REPEATS = 5, PACKINGS = 5, MOST_RIVALS = 4 };
static const double BLOCK_SECONDS = 1e-3, PASS_SECONDS = 0.2;

/* One way to do the work. */
typedef struct rival {
    const char *name, *kernel;
    void (*run)(void *self);
    void *self;
    int calls; /* in a block */
    double seconds[MOST_REPEATS];
} rival;

/* What came out: medians in seconds and FLOP/s, and the best time. */
typedef struct timing {
    const char *name, *kernel; /* NULL: this one cannot do it */
    double seconds, best, packing, peak;
} timing;

static double time_block(const rival *r) {
    const double start = now();
    for (int i = 0; i < r->calls; i++) r->run(r->self);
    return now() - start;
}

/* Blocks of calls in turn with one another and with the peak loop: the clock of a core moves by a fifth within seconds, and
 * the peak that was measured a moment earlier is not the one that a kernel could have reached. */
static void take_turns(rival *rivals, int count, timing *out) {
    double peaks[MOST_REPEATS], total = 0;
    int repeats = 0;
    for (int i = 0; i < count; i++) {
        rivals[i].calls = 1;
        time_block(&rivals[i]);
        while (time_block(&rivals[i]) < BLOCK_SECONDS / 2 && rivals[i].calls < 100000) rivals[i].calls *= 2;
    }
    for (; repeats < LEAST_REPEATS || (repeats < MOST_REPEATS && total < PASS_SECONDS * count); repeats++) {
        for (int i = 0; i < count; i++) {
            const double block = time_block(&rivals[i]);
            total += block;
            rivals[i].seconds[repeats] = block / rivals[i].calls;
        }
        peaks[repeats] = peak_now();
    }
    const double peak = median(peaks, repeats);
    for (int i = 0; i < count; i++) {
        const double middle = median(rivals[i].seconds, repeats);
        out[i].name = rivals[i].name, out[i].kernel = rivals[i].kernel;
        out[i].seconds = middle, out[i].best = rivals[i].seconds[0], out[i].peak = peak;
    }
}

/* ---- our kernels ---------------------------------------------------------------------------------------------------
 */

typedef struct ours {
    const fv_kernel *kernel;
    fv_call call;
    fv_moment moment;
    double packing; /* seconds, the median */
} ours;

static void run_ours(void *self) {
    const ours *o = self;
    o->kernel->run(&o->call);
}

static void begin_ours(ours *o, fv_routine routine, const fv_geom *geom, bool direct, const int64_t *floats, int args) {
    fv_need need = {0};
    *o = (ours){.kernel = choose(routine, geom, direct), .moment = {.seed = 1}};
    if (o->kernel->need) o->kernel->need(geom, threads, &need);
    o->call = (fv_call){.geom = geom, .n = geom->n, .pool = pool, .now = &o->moment};
    for (int i = 0; i < args; i++) {
        if (floats[i] == 0) continue;
        float *v = o->call.arg[i] = take(floats[i]);
        for (int64_t j = 0; j < floats[i]; j++) v[j] = (float)((j * 7919 + i) % 17 - 8) * 0.125f;
    }
    o->call.scratch = take((int64_t)need.scratch / 4);
    o->call.packed = need.packed ? take((int64_t)need.packed / 4) : NULL;
    double packings[PACKINGS];
    for (int i = 0; i < PACKINGS && need.packed; i++) {
        const double start = now();
        o->kernel->pack(geom, o->call.arg[need.packed_arg], o->call.packed, pool);
        packings[i] = now() - start;
    }
    if (need.packed) o->packing = median(packings, PACKINGS);
}

static void end_ours(ours *o) {
    for (int i = 0; i < FV_MAX_ARGS; i++) free(o->call.arg[i]);
    free(o->call.scratch);
    free(o->call.packed);
}

/* The kernel that is chosen, alone. */
static timing measure(fv_routine routine, const fv_geom *geom, const int64_t *floats, int args) {
    ours o;
    timing t;
    begin_ours(&o, routine, geom, false, floats, args);
    rival r = {.name = "Fovea", .kernel = o.kernel->name, .run = run_ours, .self = &o};
    take_turns(&r, 1, &t);
    t.packing = o.packing;
    end_ours(&o);
    return t;
}

/* ---- layers --------------------------------------------------------------------------------------------------------
 */

typedef struct layer {
    const char *name;
    int64_t n, size, c, f, kernel, stride, pad, groups;
} layer;

static bool bf16; /* --bf16: products of bf16, where there are any */

static fv_geom geometry(const layer *l) {
    fv_geom geom = {.n = l->n, .batched = true, .bf16 = bf16, .training = true};
    const int64_t out = (l->size + 2 * l->pad - l->kernel) / l->stride + 1, groups = l->groups ? l->groups : 1;
    geom.conv = (fv_conv_geom){.in = {1, l->size, l->size},
                               .out = {1, out, out},
                               .kernel = {1, l->kernel, l->kernel},
                               .stride = {1, l->stride, l->stride},
                               .dilation = {1, 1, 1},
                               .pad = {0, l->pad, l->pad},
                               .c = l->c,
                               .f = l->f,
                               .groups = groups,
                               .x_pixel = l->c,
                               .y_pixel = l->f};
    return geom;
}

typedef struct sizes {
    int64_t x, y, w, f, c;
    double flops;
} sizes;

static sizes sizes_of(const fv_geom *geom) {
    const fv_conv_geom *g = &geom->conv;
    const int64_t in = g->in[0] * g->in[1] * g->in[2], out = g->out[0] * g->out[1] * g->out[2];
    sizes s = {.x = geom->n * in * g->c, .y = geom->n * out * g->f, .f = g->f, .c = g->c};
    s.w = g->kernel[0] * g->kernel[1] * g->kernel[2] * (g->c / g->groups) * g->f;
    s.flops = 2.0 * (double)(geom->n * out) * (double)s.w;
    return s;
}

/* A pass of a layer: which routine, and how long its arguments are. */
typedef struct pass {
    fv_routine routine;
    fv_geom geom;
    int64_t floats[5];
    int args;
} pass;

/* Forward (0), backward to the input (1), to the weights (2). */
static pass pass_of(int number, fv_geom geom) {
    const sizes s = sizes_of(&geom);
    if (number == 0) return (pass){FV_R_CONV, geom, {s.y, s.x, s.w, s.f, 0}, 5};
    geom.conv.epilogue.act = FV_U_COPY;
    if (number == 1) return (pass){FV_R_CONV_DATA, geom, {s.x, s.y, s.w, 0}, 4};
    return (pass){FV_R_CONV_WEIGHTS, geom, {s.w, s.f, s.x, s.y}, 4};
}

static timing measure_pass(int number, fv_geom geom) {
    const pass p = pass_of(number, geom);
    return measure(p.routine, &p.geom, p.floats, p.args);
}

/* Every way there is to do a pass; where one cannot, its kernel is NULL. */
enum { CHOSEN, DIRECT, ONEDNN_DIRECT, ONEDNN_WINOGRAD };
static const char *const rival_names[MOST_RIVALS] = {"Fovea", "Fovea, no Winograd", "oneDNN", "oneDNN, Winograd"};

static void measure_rivals(const layer *l, int number, timing out[MOST_RIVALS]) {
    const pass p = pass_of(number, geometry(l));
    rival rivals[MOST_RIVALS];
    int of[MOST_RIVALS], count = 0;
    ours own[2] = {{0}, {0}};
    memset(out, 0, MOST_RIVALS * sizeof *out);
    for (int direct = 0; direct < 2; direct++) {
        if (direct && choose(p.routine, &p.geom, true) == own[0].kernel) continue;
        begin_ours(&own[direct], p.routine, &p.geom, direct, p.floats, p.args);
        of[count] = direct;
        rivals[count++] = (rival){
            .name = rival_names[direct], .kernel = own[direct].kernel->name, .run = run_ours, .self = &own[direct]};
    }
#ifdef FOVEA_ONEDNN
    const int64_t groups = l->groups ? l->groups : 1;
    const onednn_layer theirs = {l->n, l->size, p.geom.conv.out[1], l->c, l->f, l->kernel, l->stride, l->pad, groups};
    onednn *others[MOST_RIVALS] = {0};
    for (int i = ONEDNN_DIRECT; i <= ONEDNN_WINOGRAD && l->size > 1; i++) { /* its dense layers are no convolutions */
        others[i] = onednn_new((onednn_pass)number, &theirs, i == ONEDNN_WINOGRAD, threads);
        if (!others[i]) continue;
        of[count] = i;
        rivals[count++] = (rival){.name = rival_names[i], .kernel = "onednn", .run = onednn_run, .self = others[i]};
    }
#endif
    timing times[MOST_RIVALS] = {{0}};
    take_turns(rivals, count, times);
    for (int i = 0; i < count; i++) out[of[i]] = times[i];
    for (int i = 0; i < 2; i++) out[i].packing = own[i].packing, end_ours(&own[i]);
#ifdef FOVEA_ONEDNN
    for (int i = 0; i < MOST_RIVALS; i++) onednn_free(others[i]);
#endif
}

static const layer layers[] = {
    {"64->64 3x3 56 b1", 1, 56, 64, 64, 3, 1, 1, 0},
    {"64->64 3x3 56 b16", 16, 56, 64, 64, 3, 1, 1, 0},
    {"128->128 3x3 28 b1", 1, 28, 128, 128, 3, 1, 1, 0},
    {"128->128 3x3 28 b16", 16, 28, 128, 128, 3, 1, 1, 0},
    {"256->256 3x3 14 b1", 1, 14, 256, 256, 3, 1, 1, 0},
    {"256->256 3x3 14 b16", 16, 14, 256, 256, 3, 1, 1, 0},
    {"512->512 3x3 7 b1", 1, 7, 512, 512, 3, 1, 1, 0},
    {"512->512 3x3 7 b16", 16, 7, 512, 512, 3, 1, 1, 0},
    {"64->64 3x3 224 b1", 1, 224, 64, 64, 3, 1, 1, 0},
    {"128->128 3x3 s2 56 b16", 16, 56, 128, 128, 3, 2, 1, 0},
    {"256->512 1x1 s2 28 b16", 16, 28, 256, 512, 1, 2, 0, 0},
    {"1024->256 1x1 14 b16", 16, 14, 1024, 256, 1, 1, 0, 0},
    {"64->256 1x1 56 b16", 16, 56, 64, 256, 1, 1, 0, 0},
    {"3->64 7x7 s2 224 b1", 1, 224, 3, 64, 7, 2, 3, 0},
    {"3->64 7x7 s2 224 b16", 16, 224, 3, 64, 7, 2, 3, 0},
    {"3->64 11x11 s4 227 b16", 16, 227, 3, 64, 11, 4, 0, 0},
    {"32->64 3x3 28 b64", 64, 28, 32, 64, 3, 1, 1, 0},
    {"3->32 3x3 32 b64", 64, 32, 3, 32, 3, 1, 1, 0},
    {"1->32 3x3 28 b64", 64, 28, 1, 32, 3, 1, 1, 0},
    {"6->16 5x5 14 b64", 64, 14, 6, 16, 5, 1, 0, 0},
    {"1->6 5x5 28 b64", 64, 28, 1, 6, 5, 1, 0, 0},
    {"dense 4096->4096 b64", 64, 1, 4096, 4096, 1, 1, 0, 0},
    {"dense 4096->4096 b1", 1, 1, 4096, 4096, 1, 1, 0, 0},
    {"dense 784->800 b64", 64, 1, 784, 800, 1, 1, 0, 0},
    {"512 depthwise 3x3 14 b16", 16, 14, 512, 512, 3, 1, 1, 512},
    {"32 depthwise 3x3 112 b16", 16, 112, 32, 32, 3, 1, 1, 32},
    {"96 depthwise 3x3 s2 56 b16", 16, 56, 96, 96, 3, 2, 1, 96},
    {"128 groups 32 3x3 56 b16", 16, 56, 128, 128, 3, 1, 1, 32},
    {"256 groups 32 3x3 28 b16", 16, 28, 256, 256, 3, 1, 1, 32},
};

/* ---- telling -------------------------------------------------------------------------------------------------------
 */

enum { PASSES = 3 };
static const char *const pass_names[PASSES] = {"forward", "data", "weights"};
typedef enum form { TEXT, MARKDOWN, JSON } form;

/* "709.1 (94%, best 97%)", or a dash. */
static const char *cell(const timing *t, double flops, char out[64]) {
    if (!t->kernel) return "-";
    snprintf(out, 64, "%.1f (%.0f%%, best %.0f%%)", 1e-9 * flops / t->seconds, 100 * flops / t->seconds / t->peak,
             100 * flops / t->best / t->peak);
    return out;
}

static void print_head(form how) {
    if (how == JSON) printf("[");
    if (how == MARKDOWN)
        printf(
            "| layer | | forward | to the input | to the weights | packing |\n| --- | --- | --- | --- | --- | --- |\n");
    if (how == TEXT)
        printf("%-26s%-20s%26s%26s%26s   packing\n", "GFLOP/s (% of peak)", "", pass_names[0], pass_names[1],
               pass_names[2]);
}

static void print_json(const layer *l, timing all[PASSES][MOST_RIVALS], double flops, bool first) {
    for (int p = 0; p < PASSES; p++)
        for (int i = 0; i < MOST_RIVALS; i++) {
            const timing *t = &all[p][i];
            if (!t->kernel) continue;
            printf("%s\n  {\"layer\": \"%s\", \"batch\": %lld, \"pass\": \"%s\", \"by\": \"%s\", \"kernel\": \"%s\", "
                   "\"seconds\": %.9g, \"best\": %.9g, \"packing\": %.9g, \"gflops\": %.6g, \"of_peak\": %.4f}",
                   first ? "" : ",", l->name, (long long)l->n, pass_names[p], t->name, t->kernel, t->seconds, t->best,
                   t->packing, 1e-9 * flops / t->seconds, flops / t->seconds / t->peak);
            first = false;
        }
}

/* A line for each of those that can do a pass; packing as part of its passes. */
static void print_lines(form how, const layer *l, timing all[PASSES][MOST_RIVALS], double flops) {
    for (int i = 0; i < MOST_RIVALS; i++) {
        double seconds = 0, packing = 0;
        char cells[PASSES][64], pack[32] = "-";
        const char *text[PASSES];
        for (int p = 0; p < PASSES; p++) {
            seconds += all[p][i].seconds, packing += all[p][i].packing;
            text[p] = cell(&all[p][i], flops, cells[p]);
        }
        if (seconds == 0) continue;
        if (packing > 0) snprintf(pack, sizeof pack, "%.1f%%", 100 * packing / seconds);
        printf(how == MARKDOWN ? "| %s | %s | %s | %s | %s | %s |\n" : "%-26s%-20s%26s%26s%26s%10s\n",
               i == CHOSEN || how == MARKDOWN ? l->name : "", rival_names[i], text[0], text[1], text[2], pack);
    }
    fflush(stdout);
}

static void bench_layers(form how, const char *part) {
    bool first = true;
    print_head(how);
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        if (part && !strstr(layers[i].name, part)) continue;
        const fv_geom geom = geometry(&layers[i]);
        const double flops = sizes_of(&geom).flops;
        timing all[PASSES][MOST_RIVALS];
        for (int p = 0; p < PASSES; p++) measure_rivals(&layers[i], p, all[p]);
        if (how == JSON)
            print_json(&layers[i], all, flops, first);
        else
            print_lines(how, &layers[i], all, flops);
        first = false;
    }
    if (how == JSON) printf("\n]\n");
}

/* ---- LeNet on MNIST -------------------------------------------------------------------------------------------------
 */

enum { LENET_BATCH = 64 };

static double pool_microseconds(int64_t size, int64_t c, bool back) {
    fv_geom geom = {.n = LENET_BATCH, .batched = true, .training = true};
    geom.pool = (fv_pool_geom){.in = {1, size, size},
                               .out = {1, size / 2, size / 2},
                               .window = {1, 2, 2},
                               .stride = {1, 2, 2},
                               .dilation = {1, 1, 1},
                               .c = c,
                               .x_pixel = c,
                               .y_pixel = c,
                               .kind = FV_POOL_MAX};
    const int64_t x = LENET_BATCH * size * size * c, y = x / 4;
    const timing t = back ? measure(FV_R_POOL_BACK, &geom, (int64_t[]){x, y, x, y}, 4)
                          : measure(FV_R_POOL, &geom, (int64_t[]){y, x}, 2);
    return t.seconds * 1e6 / LENET_BATCH;
}

static double relu_back_microseconds(int64_t each) {
    fv_geom geom = {.n = LENET_BATCH, .batched = true, .training = true, .unary = {.kind = FV_U_RELU, .each = each}};
    const int64_t all = LENET_BATCH * each;
    return measure(FV_R_UNARY_BACK, &geom, (int64_t[]){all, all, 0, all}, 4).seconds * 1e6 / LENET_BATCH;
}

static void bench_lenet(void) {
    static const layer net[] = {{"conv1 1->6 5x5", LENET_BATCH, 28, 1, 6, 5, 1, 0, 0},
                                {"conv2 6->16 5x5", LENET_BATCH, 12, 6, 16, 5, 1, 0, 0},
                                {"dense 256-120", LENET_BATCH, 1, 256, 120, 1, 1, 0, 0},
                                {"dense 120-84", LENET_BATCH, 1, 120, 84, 1, 1, 0, 0},
                                {"dense 84-10", LENET_BATCH, 1, 84, 10, 1, 1, 0, 0}};
    double total = 0, forward = 0;
    printf("LeNet on MNIST, batch %d, microseconds an image\n%-18s%9s%9s%9s%9s\n", LENET_BATCH, "", "forward", "data",
           "weights", "packing");
    for (int i = 0; i < 5; i++) {
        fv_geom geom = geometry(&net[i]);
        geom.conv.epilogue.act = FV_U_RELU;
        double part[4] = {0};
        for (int p = 0; p < 3; p++) {
            if (p == 1 && i == 0) continue; /* nobody wants the gradient of the picture */
            const timing t = measure_pass(p, geom);
            part[p] = t.seconds * 1e6 / LENET_BATCH;
            part[3] += t.packing * 1e6 / LENET_BATCH;
        }
        printf("%-18s%9.2f%9.2f%9.2f%9.2f\n", net[i].name, part[0], part[1], part[2], part[3]);
        forward += part[0];
        total += part[0] + part[1] + part[2] + part[3];
    }
    const double pools[] = {pool_microseconds(24, 6, false), pool_microseconds(24, 6, true),
                            pool_microseconds(8, 16, false), pool_microseconds(8, 16, true)};
    double relu = 0;
    static const int64_t relus[] = {24 * 24 * 6, 8 * 8 * 16, 120, 84};
    for (int i = 0; i < 4; i++) relu += relu_back_microseconds(relus[i]);
    printf("%-18s%9.2f%9.2f\n%-18s%9.2f%9.2f\n%-18s%9s%9.2f\n", "pool1", pools[0], pools[1], "pool2", pools[2],
           pools[3], "relu", "", relu);
    for (int i = 0; i < 4; i++) total += pools[i];
    forward += pools[0] + pools[2];
    total += relu;
    printf("sum %.2f: %.0f images/s; forward %.2f: %.0f images/s\n", total, 1e6 / total, forward, 1e6 / forward);
}

int main(int argc, char **argv) {
    form how = TEXT;
    if (argc > 1 && strcmp(argv[1], "--json") == 0) how = JSON, argc--, argv++;
    if (argc > 1 && strcmp(argv[1], "--markdown") == 0) how = MARKDOWN, argc--, argv++;
    if (argc > 1 && strcmp(argv[1], "--bf16") == 0) bf16 = true, argc--, argv++;
    threads = argc > 1 ? atoi(argv[1]) : 1;
    if (threads < 1 || threads > MAX_THREADS) {
        fprintf(stderr, "usage: bench_conv [--json | --markdown] [--bf16] [threads] [part of a layer's name, or lenet]\n");
        return 2;
    }
    pool = threads > 1 ? fv_pool_new(threads) : NULL;
    double peak = 0;
    for (int i = 0; i < 50; i++) {
        const double rate = peak_now();
        if (rate > peak) peak = rate;
    }
    if (how != JSON)
        printf("%s, %d thread%s, peak %.0f GFLOP/s\n%s", fv_kernels()->name, threads, threads > 1 ? "s" : "",
               peak * 1e-9, how == MARKDOWN ? "\n" : "");
    const bool lenet = argc > 2 && strcmp(argv[2], "lenet") == 0;
    if (!lenet) bench_layers(how, argc > 2 ? argv[2] : NULL);
    if (how == TEXT && argc <= 2) printf("\n");
    if (how == TEXT && (lenet || argc <= 2)) bench_lenet();
    fv_pool_free(pool);
    return 0;
}
