/* kernel_case.h - one call of a routine, held to the double reference on every table and for every variant.
 *
 * Around every buffer lie guard bytes, arguments are aligned no better than their elements; scratch is exactly what
 * need() asks for, filled with NaN; results begin as a pattern, so that what a kernel must leave alone is seen to be
 * left alone; results must have the same bits in pools of 1, 2, 3 and 5 threads. */
#ifndef FV_TESTS_KERNEL_CASE_H
#define FV_TESTS_KERNEL_CASE_H

#include "check.h"
#include "kernels.h"
#include "philox.h"

enum { GUARD = 64, MAX_KERNELS = 512, CASE_ARGS = 10 };

typedef enum kernel_data {
    WHOLE,   /* small whole numbers: exact in any order of summation */
    NORMAL,  /* normally distributed */
    POSITIVE /* uniform in [1/16, 4) */
} kernel_data;

typedef struct kernel_arg {
    unsigned char *memory; /* reals as float, others as they are; NULL: not given */
    int64_t count;
    int element; /* bytes; 0: reals */
    bool result;
} kernel_arg;

typedef struct kernel_case {
    char name[200];
    fv_routine routine;
    fv_geom geom;
    int64_t n;
    fv_moment now;
    kernel_arg arg[CASE_ARGS];
    double tolerance; /* 0: equal; else relative L2 distance */
    /* Tolerance of a variant, where they differ; NULL: the one above for all. Not asked where that is 0. */
    double (*tolerance_of)(const fv_kernel *kernel);
} kernel_case;

static fv_pool *kernel_pools[4];
static const fv_kernel *kernels_seen[MAX_KERNELS];
static int kernels_seen_count;

/* ---- making a case ---------------------------------------------------------------------------------------------- */

static fv_stream case_stream;

/* A whole number in first .. last. */
static inline int64_t draw(int64_t first, int64_t last) {
    return first + (int64_t)fv_below(&case_stream, (uint64_t)(last - first + 1));
}

static inline double draw_real(kernel_data data) {
    if (data == WHOLE) return (double)draw(-3, 3);
    return data == NORMAL ? fv_normal(&case_stream) : 0.0625 + 3.9375 * fv_uniform(&case_stream);
}

static inline void case_begin(kernel_case *k, fv_routine routine, int64_t n, double tolerance, const char *format,
                              ...) {
    memset(k, 0, sizeof *k);
    va_list list;
    va_start(list, format);
    vsnprintf(k->name, sizeof k->name, format, list);
    va_end(list);
    k->routine = routine;
    k->n = n;
    k->geom.n = n + 2; /* calls may bring fewer than planned */
    k->geom.batched = true;
    k->tolerance = tolerance;
    k->now = (fv_moment){.seed = 7, .epoch = 3, .position = 128};
}

static inline void *case_memory(kernel_case *k, int index, int64_t count, int element, bool result) {
    size_t bytes = (size_t)count * (size_t)(element ? element : 4);
    k->arg[index] =
        (kernel_arg){.memory = malloc(bytes ? bytes : 1), .count = count, .element = element, .result = result};
    assert_non_null(k->arg[index].memory);
    return k->arg[index].memory;
}

static inline float *case_input(kernel_case *k, int index, int64_t count, kernel_data data) {
    float *v = case_memory(k, index, count, 0, false);
    for (int64_t i = 0; i < count; i++) v[i] = (float)draw_real(data);
    return v;
}

/* What is there before the call: -77, so that what must be left alone, or is read though it must not be, shows. */
static inline void case_result(kernel_case *k, int index, int64_t count) {
    float *v = case_memory(k, index, count, 0, true);
    for (int64_t i = 0; i < count; i++) v[i] = -77;
}

/* Read and written. */
static inline void case_state(kernel_case *k, int index, int64_t count, kernel_data data) {
    case_input(k, index, count, data);
    k->arg[index].result = true;
}

/* ---- one run ---------------------------------------------------------------------------------------------------- */

typedef struct guarded {
    unsigned char *memory;
    size_t bytes, offset;
} guarded;

/* `offset` makes the address less aligned than 64 bytes. */
static inline guarded guarded_new(size_t bytes, size_t offset, int fill) {
    guarded g = {aligned_alloc(64, (bytes + offset + 3 * GUARD) / 64 * 64), bytes, offset + GUARD};
    assert_non_null(g.memory);
    memset(g.memory, 0xa5, g.offset);
    memset(g.memory + g.offset, fill, bytes);
    memset(g.memory + g.offset + bytes, 0xa5, GUARD);
    return g;
}
static inline void *guarded_data(guarded g) { return g.memory ? g.memory + g.offset : NULL; }

static inline bool guards_hold(guarded g) {
    for (size_t i = 0; g.memory && i < g.offset; i++)
        if (g.memory[i] != 0xa5) return false;
    for (size_t i = 0; g.memory && i < GUARD; i++)
        if (g.memory[g.offset + g.bytes + i] != 0xa5) return false;
    return true;
}

typedef struct kernel_run {
    guarded arg[CASE_ARGS];
} kernel_run;

static inline size_t case_bytes(const kernel_arg *a, bool wide) {
    return (size_t)a->count * (size_t)(a->element ? a->element : wide ? 8 : 4);
}

static inline void run_open(kernel_run *run, const kernel_case *k, bool wide) {
    memset(run, 0, sizeof *run);
    for (int i = 0; i < CASE_ARGS; i++) {
        const kernel_arg *a = &k->arg[i];
        if (!a->memory) continue;
        run->arg[i] = guarded_new(case_bytes(a, wide), wide ? 8 : 4, 0);
        if (!wide || a->element) memcpy(guarded_data(run->arg[i]), a->memory, case_bytes(a, false));
        for (int64_t j = 0; wide && !a->element && j < a->count; j++)
            ((double *)guarded_data(run->arg[i]))[j] = (double)((const float *)a->memory)[j];
    }
}

static inline void run_close(kernel_run *run) {
    for (int i = 0; i < CASE_ARGS; i++) free(run->arg[i].memory);
}

/* Calls the kernel and checks that it kept to its memory. */
static inline void run_kernel(kernel_run *run, const kernel_case *k, const fv_kernel *kernel, const char *table,
                              bool wide, fv_pool *pool) {
    fv_geom geom = k->geom;
    if (wide && k->routine == FV_R_COPY && !k->arg[1].element) geom.copy.element = 8;
    if (wide && k->routine == FV_R_SELECT && !k->arg[2].element) geom.select.element = 8;
    fv_call call = {.geom = &geom, .n = k->n, .pool = pool, .now = &k->now};
    fv_need need = {0};
    guarded scratch = {0}, packed = {0};
    for (int i = 0; i < CASE_ARGS; i++) call.arg[i] = guarded_data(run->arg[i]);
    if (kernel->need) kernel->need(&geom, fv_pool_threads(pool), &need);
    if (need.scratch) scratch = guarded_new(need.scratch, 0, 0xff);
    if (need.packed) {
        packed = guarded_new(need.packed, 0, 0xff);
        assert_int_equal(kernel->pack(&geom, call.arg[need.packed_arg], guarded_data(packed), pool), FV_OK);
    }
    call.scratch = guarded_data(scratch);
    call.packed = guarded_data(packed);
    fv_status status = kernel->run(&call);
    if (status != FV_OK) fail_msg("%s %s, %s: status %s", table, kernel->name, k->name, fv_status_name(status));
    if (!guards_hold(scratch)) fail_msg("%s %s, %s: wrote beyond its scratch", table, kernel->name, k->name);
    if (!guards_hold(packed)) fail_msg("%s %s, %s: wrote beyond its packed weights", table, kernel->name, k->name);
    for (int i = 0; i < CASE_ARGS; i++) {
        if (!guards_hold(run->arg[i])) fail_msg("%s %s, %s: wrote beyond argument %d", table, kernel->name, k->name, i);
        if (!wide && k->arg[i].memory && !k->arg[i].result &&
            memcmp(guarded_data(run->arg[i]), k->arg[i].memory, run->arg[i].bytes) != 0)
            fail_msg("%s %s, %s: changed argument %d", table, kernel->name, k->name, i);
    }
    free(scratch.memory);
    free(packed.memory);
}

/* ---- holding it to the reference -------------------------------------------------------------------------------- */

static inline bool same_number(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static inline void compare_reals(const kernel_case *k, const fv_kernel *kernel, const char *table, int index,
                                 const float *got, const double *expected) {
    double distance = 0, length = 0, worst = -1;
    int64_t at = 0;
    for (int64_t j = 0; j < k->arg[index].count; j++) {
        double d = (double)got[j] - expected[j];
        if (isfinite(expected[j]) && isfinite(got[j]))
            distance += d * d, length += expected[j] * expected[j];
        else if (!same_number(got[j], (float)expected[j]))
            d = INFINITY, distance = INFINITY;
        if (fabs(d) > worst) worst = fabs(d), at = j;
    }
    double tolerance = k->tolerance > 0 && k->tolerance_of ? k->tolerance_of(kernel) : k->tolerance;
    double allowed = tolerance * sqrt(length) + (tolerance > 0 ? 1e-30 : 0);
    if (!(sqrt(distance) <= allowed))
        fail_msg(
            "%s %s, %s: argument %d at %lld of %lld: expected %.9g, got %.9g (relative distance %.3g, allowed %.3g)",
            table, kernel->name, k->name, index, (long long)at, (long long)k->arg[index].count, expected[at],
            (double)got[at], sqrt(distance) / (length > 0 ? sqrt(length) : 1), tolerance);
}

static inline void compare_run(const kernel_case *k, const fv_kernel *kernel, const char *table, const kernel_run *run,
                               const kernel_run *expected) {
    for (int i = 0; i < CASE_ARGS; i++) {
        if (!k->arg[i].memory || !k->arg[i].result) continue;
        if (!k->arg[i].element)
            compare_reals(k, kernel, table, i, guarded_data(run->arg[i]), guarded_data(expected->arg[i]));
        else if (memcmp(guarded_data(run->arg[i]), guarded_data(expected->arg[i]), run->arg[i].bytes) != 0)
            fail_msg("%s %s, %s: argument %d: other bytes than expected", table, kernel->name, k->name, i);
    }
}

static inline void check_threads(const kernel_case *k, const fv_kernel *kernel, const char *table,
                                 const kernel_run *one) {
    for (int p = 1; p < 4; p++) {
        kernel_run run;
        run_open(&run, k, false);
        run_kernel(&run, k, kernel, table, false, kernel_pools[p]);
        for (int i = 0; i < CASE_ARGS; i++)
            if (k->arg[i].result && memcmp(guarded_data(run.arg[i]), guarded_data(one->arg[i]), run.arg[i].bytes) != 0)
                fail_msg("%s %s, %s: argument %d: other bits with %d threads than with one", table, kernel->name,
                         k->name, i, fv_pool_threads(kernel_pools[p]));
        run_close(&run);
    }
}

static inline void check_kernel(const kernel_case *k, const fv_kernel *kernel, const char *table,
                                const kernel_run *expected) {
    kernel_run run;
    run_open(&run, k, false);
    run_kernel(&run, k, kernel, table, false, kernel_pools[0]);
    compare_run(k, kernel, table, &run, expected);
    if (strcmp(table, "reference") != 0) check_threads(k, kernel, table, &run);
    run_close(&run);
    int i = 0;
    while (i < kernels_seen_count && kernels_seen[i] != kernel) i++;
    if (i == kernels_seen_count && i < MAX_KERNELS) kernels_seen[kernels_seen_count++] = kernel;
}

/* Every variant of every table that can do the case; frees the case. */
static inline void check_case(kernel_case *k) {
    kernel_run expected;
    run_open(&expected, k, true);
    run_kernel(&expected, k, fv_reference_f64()->kernels[k->routine][0], "reference_f64", true, NULL);
    for (const fv_table *const *table = fv_all_tables(); *table; table++) {
        if ((*table)->real != FV_F32) continue;
        const fv_kernel *const *list = (*table)->kernels[k->routine];
        for (int v = 0; v < FV_MAX_VARIANTS && list[v]; v++) {
            bool again = *table != fv_reference_f32() && list[v] == fv_reference_f32()->kernels[k->routine][0];
            if (again || (list[v]->can && !list[v]->can(&k->geom))) continue;
            check_kernel(k, list[v], (*table)->name, &expected);
        }
    }
    run_close(&expected);
    for (int i = 0; i < CASE_ARGS; i++) free(k->arg[i].memory);
}

/* No variant of these routines may have gone untested; those of bf16 want a processor that has them. */
static inline void check_all_seen(fv_routine first, fv_routine last) {
    for (const fv_table *const *table = fv_all_tables(); *table; table++) {
        for (int r = first; r <= (int)last; r++) {
            for (int v = 0; v < FV_MAX_VARIANTS && (*table)->kernels[r][v]; v++) {
                int i = 0;
                while (i < kernels_seen_count && kernels_seen[i] != (*table)->kernels[r][v]) i++;
                if ((*table)->real == FV_F32 && i == kernels_seen_count &&
                    (fv_has_bf16() || !strstr((*table)->kernels[r][v]->name, "bf16")))
                    fail_msg("%s %s: no case reached it", (*table)->name, (*table)->kernels[r][v]->name);
            }
        }
    }
}

static inline int open_pools(void **state) {
    (void)state;
    static const int threads[4] = {1, 2, 3, 5};
    for (int i = 0; i < 4; i++) kernel_pools[i] = fv_pool_new(threads[i]);
    case_stream = fv_stream_new(1, FV_FOR_TEST, 0, 0);
    return 0;
}

static inline int close_pools(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) fv_pool_free(kernel_pools[i]);
    return 0;
}

#endif
