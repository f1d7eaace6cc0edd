/* bench_conv.c - how fast the convolution family is: GFLOP/s and percent of the peak measured in the same run, for each
 * layer and pass, and what a LeNet on MNIST costs per image.
 *
 *     bench_conv [threads] [part of a layer's name]
 *
 * One thread is timed by its CPU clock, several by the wall clock. Calls and the peak loop take turns, and the medians
 * count. Floating-point operations are those of direct convolution. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels.h"

enum { MAX_THREADS = 256 };
static fv_pool *pool;
static int threads = 1;

static double now(void) {
    struct timespec t;
    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the peak: as many independent multiply-adds as hide their latency ---------------------------------------------
 * No sum begins at 1, where 0.999 x + 0.001 stands still: a compiler sees that and leaves the sum out.
 */

#define PEAK(name, lanes, target)                                                                                      \
    target static double name(long rounds) {                                                                           \
        typedef float v __attribute__((vector_size(4 * lanes)));                                                       \
        v a[10], b = (v){0} + 0.999f, c = (v){0} + 0.001f;                                                             \
        for (int i = 0; i < 10; i++) a[i] = (v){0} + (float)(i + 2);                                                   \
        for (long r = 0; r < rounds; r++) {                                                                            \
            _Pragma("GCC unroll 10") for (int i = 0; i < 10; i++) a[i] = a[i] * b + c;                                 \
            __asm__ volatile("" : "+r"(rounds));                                                                       \
        }                                                                                                              \
        for (int i = 1; i < 10; i++) a[0] += a[i];                                                                     \
        volatile float keep = a[0][0];                                                                                 \
        (void)keep;                                                                                                    \
        return 2.0 * lanes * 10;                                                                                       \
    }

PEAK(peak_generic, 4, )
#if defined(__x86_64__)
PEAK(peak_avx2, 8, __attribute__((target("avx2,fma"))))
PEAK(peak_avx512, 16, __attribute__((target("avx512f,fma"))))
#endif

static double (*peak_loop)(long) = peak_generic;

static void choose_peak(const char *level) {
#if defined(__x86_64__)
    if (strcmp(level, "avx2") == 0) peak_loop = peak_avx2;
    if (strcmp(level, "avx512") == 0) peak_loop = peak_avx512;
#else
    (void)level;
#endif
}

enum { PEAK_ROUNDS = 200000 }; /* about a fifth of a millisecond */

static void peak_piece(void *flops, int64_t piece, int thread) {
    (void)thread;
    ((double *)flops)[piece] = peak_loop(PEAK_ROUNDS) * PEAK_ROUNDS;
}

/* FLOP/s of all threads, this moment. */
static double peak_now(void) {
    double flops[MAX_THREADS], sum = 0;
    const double start = now();
    fv_pool_run(pool, threads, peak_piece, flops);
    const double seconds = now() - start;
    for (int i = 0; i < threads; i++) sum += flops[i];
    return sum / seconds;
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

static bool direct; /* leave Winograd's variants out */

static const fv_kernel *choose(fv_routine routine, const fv_geom *geom) {
    const fv_kernel *const *kernel = fv_kernels()->kernels[routine];
    while (((*kernel)->can && !(*kernel)->can(geom)) || (direct && strstr((*kernel)->name, "winograd"))) kernel++;
    return *kernel;
}

/* Medians of one run, of one packing, and of the peak in between. */
typedef struct timing {
    double seconds, packing, peak; /* s, s, FLOP/s */
} timing;

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_size);
    return count ? values[count / 2] : 0;
}

enum { MOST_REPEATS = 200, LEAST_REPEATS = 5, PACKINGS = 5 };
static const double BLOCK_SECONDS = 1e-3, PASS_SECONDS = 0.2;

/* Blocks of calls in turn with the peak loop: the clock of a core moves by a fifth within seconds, and the peak that was
 * measured a moment earlier is not the one that a kernel could have reached. */
static timing time_call(const fv_kernel *kernel, const fv_call *call, timing t) {
    double seconds[MOST_REPEATS], peaks[MOST_REPEATS], total = 0;
    int repeats = 0, calls = 1;
    while (repeats < LEAST_REPEATS || (repeats < MOST_REPEATS && total < PASS_SECONDS)) {
        const double start = now();
        for (int i = 0; i < calls; i++) kernel->run(call);
        const double block = now() - start;
        if (total == 0 && block < BLOCK_SECONDS / 2 && calls < 100000) { /* the first ones find the block's size */
            calls *= 2;
            continue;
        }
        total += block;
        peaks[repeats] = peak_now();
        seconds[repeats++] = block / calls;
    }
    t.seconds = median(seconds, repeats);
    t.peak = median(peaks, repeats);
    return t;
}

static timing measure(fv_routine routine, const fv_geom *geom, const int64_t *floats, int args) {
    const fv_kernel *kernel = choose(routine, geom);
    fv_need need = {0};
    if (kernel->need) kernel->need(geom, threads, &need);
    const fv_moment moment = {.seed = 1};
    fv_call call = {.geom = geom, .n = geom->n, .pool = pool, .now = &moment};
    for (int i = 0; i < args; i++) {
        if (floats[i] == 0) continue;
        float *v = call.arg[i] = take(floats[i]);
        for (int64_t j = 0; j < floats[i]; j++) v[j] = (float)((j * 7919 + i) % 17 - 8) * 0.125f;
    }
    call.scratch = take((int64_t)need.scratch / 4);
    call.packed = need.packed ? take((int64_t)need.packed / 4) : NULL;
    double packings[PACKINGS];
    for (int i = 0; i < PACKINGS && need.packed; i++) {
        const double start = now();
        kernel->pack(geom, call.arg[need.packed_arg], call.packed, pool);
        packings[i] = now() - start;
    }
    timing t = {.packing = need.packed ? median(packings, PACKINGS) : 0};
    t = time_call(kernel, &call, t);
    for (int i = 0; i < args; i++) free(call.arg[i]);
    free(call.scratch);
    free(call.packed);
    return t;
}

/* ---- layers --------------------------------------------------------------------------------------------------------
 */

typedef struct layer {
    const char *name;
    int64_t n, size, c, f, kernel, stride, pad, groups;
} layer;

static fv_geom geometry(const layer *l) {
    fv_geom geom = {.n = l->n, .batched = true, .training = true};
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

/* Forward (0), backward to the input (1), to the weights (2). */
static timing measure_pass(int pass, fv_geom geom) {
    const sizes s = sizes_of(&geom);
    if (pass == 0) return measure(FV_R_CONV, &geom, (int64_t[]){s.y, s.x, s.w, s.f, 0}, 5);
    geom.conv.epilogue.act = FV_U_COPY;
    if (pass == 1) return measure(FV_R_CONV_DATA, &geom, (int64_t[]){s.x, s.y, s.w, 0}, 4);
    return measure(FV_R_CONV_WEIGHTS, &geom, (int64_t[]){s.w, s.f, s.x, s.y}, 4);
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
    {"128 groups 32 3x3 56 b16", 16, 56, 128, 128, 3, 1, 1, 32},
};

/* One row: all passes of a layer as they are chosen, or only direct ones. */
static void bench_layer(const layer *l) {
    const fv_geom geom = geometry(l);
    const double flops = sizes_of(&geom).flops;
    double all = 0, packings = 0;
    printf("%-26s", direct ? "  without Winograd" : l->name);
    for (int p = 0; p < 3; p++) {
        const timing t = measure_pass(p, geom);
        all += t.seconds;
        packings += t.packing;
        printf("%10.1f (%3.0f%%)", flops / t.seconds * 1e-9, 100 * flops / t.seconds / t.peak);
        fflush(stdout);
    }
    printf("%10.1f\n", 100 * packings / all);
}

static void bench_layers(const char *part) {
    static const char *const passes[] = {"forward", "data", "weights"};
    printf("%-26s", "GFLOP/s (% of peak)");
    for (int p = 0; p < 3; p++) printf("%17s", passes[p]);
    printf("   packing, %% of the passes\n");
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        if (part && !strstr(layers[i].name, part)) continue;
        const fv_geom geom = geometry(&layers[i]);
        direct = false;
        bench_layer(&layers[i]);
        direct = true;
        bool any = false;
        for (fv_routine r = FV_R_CONV; r <= FV_R_CONV_WEIGHTS; r++)
            any = any || choose(r, &geom) != fv_choose_kernel(fv_kernels(), r, &geom);
        if (any) bench_layer(&layers[i]);
        direct = false;
    }
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
    printf("\nLeNet on MNIST, batch %d, microseconds an image\n%-18s%9s%9s%9s%9s\n", LENET_BATCH, "", "forward", "data",
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
    threads = argc > 1 ? atoi(argv[1]) : 1;
    if (threads < 1 || threads > MAX_THREADS) {
        fprintf(stderr, "usage: bench_conv [threads] [part of a layer's name]\n");
        return 2;
    }
    pool = threads > 1 ? fv_pool_new(threads) : NULL;
    const char *level = fv_kernels()->name;
    choose_peak(level);
    double peaks[MOST_REPEATS];
    for (int i = 0; i < MOST_REPEATS; i++) peaks[i] = peak_now();
    printf("%s, %d thread%s, peak %.0f GFLOP/s\n", level, threads, threads > 1 ? "s" : "",
           median(peaks, MOST_REPEATS) * 1e-9);
    bench_layers(argc > 2 ? argv[2] : NULL);
    if (argc <= 2) bench_lenet();
    fv_pool_free(pool);
    return 0;
}
