/* kernels.c - the tables of this machine: made once from the levels' lists, the best one chosen at start. */
#include "kernels.h"

#include "error.h"
#include "levels.h"
#include "memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- the memory of this device -------------------------------------------------------------------------------------
 */

static fv_status copy_bytes(void *to, const void *from, size_t bytes) {
    if (bytes > 0) memmove(to, from, bytes);
    return FV_OK;
}

static fv_status nothing_to_wait_for(void) { return FV_OK; }

/* ---- levels ----------------------------------------------------------------------------------------------------- */

static bool always(void) { return true; }

#if defined(__x86_64__)
static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}
static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

static const struct level {
    const char *name;
    bool (*supported)(void);
    const fv_listed *listed;
    int64_t (*peak)(int64_t rounds);
} levels[] = {
#if defined(__x86_64__)
    {"avx512", has_avx512, fv_avx512_listed, fv_avx512_peak},
    {"avx2", has_avx2, fv_avx2_listed, fv_avx2_peak},
#endif
    {"generic", always, fv_generic_listed, fv_generic_peak},
};

enum { LEVELS = sizeof levels / sizeof levels[0] };

/* ---- tables ----------------------------------------------------------------------------------------------------- */

static fv_table reference_f32, reference_f64, level_tables[LEVELS];
static const fv_table *all_tables[LEVELS + 3];
static _Atomic(const fv_table *) current;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The listed kernels (or none), then the reference. A list too long would hide kernels: a test counts them. */
static void make_table(fv_table *table, const char *name, fv_dtype real, const fv_listed *listed,
                       const fv_kernel *const *reference) {
    int count[FV_R_COUNT] = {0};
    *table = (fv_table){.name = name,
                        .real = real,
                        .alloc = fv_alloc_aligned,
                        .free = fv_free_aligned,
                        .copy = copy_bytes,
                        .synchronise = nothing_to_wait_for,
                        .peak = fv_generic_peak};
    for (; listed && listed->kernel; listed++) {
        int *k = &count[listed->routine];
        if (*k < FV_MAX_VARIANTS - 1) table->kernels[listed->routine][(*k)++] = listed->kernel;
    }
    for (int r = 0; r < FV_R_COUNT; r++) table->kernels[r][count[r]] = reference[r];
}

static const fv_table *table_named(const char *name) {
    if (strcmp(name, "reference") == 0) return &reference_f32;
    for (int i = 0; i < LEVELS; i++)
        if (strcmp(name, levels[i].name) == 0 && levels[i].supported()) return &level_tables[i];
    return NULL;
}

static void start(void) {
    int count = 0;
    make_table(&reference_f32, "reference", FV_F32, NULL, fv_reference_f32_kernels);
    make_table(&reference_f64, "reference_f64", FV_F64, NULL, fv_reference_f64_kernels);
    all_tables[count++] = &reference_f32;
    all_tables[count++] = &reference_f64;
    for (int i = 0; i < LEVELS; i++) {
        if (!levels[i].supported()) continue;
        make_table(&level_tables[i], levels[i].name, FV_F32, levels[i].listed, fv_reference_f32_kernels);
        level_tables[i].peak = levels[i].peak;
        all_tables[count++] = &level_tables[i];
    }
    /* Best first, so the first one after the references. A wish that cannot be met is ignored; fv_isa tells. */
    const char *wish = getenv("FOVEA_ISA");
    const fv_table *wished = wish ? table_named(wish) : NULL;
    atomic_store(&current, wished ? wished : all_tables[2]);
}

const fv_table *fv_kernels(void) {
    pthread_once(&once, start);
    return atomic_load(&current);
}

const fv_table *fv_reference_f32(void) {
    pthread_once(&once, start);
    return &reference_f32;
}

const fv_table *fv_reference_f64(void) {
    pthread_once(&once, start);
    return &reference_f64;
}

const fv_table *const *fv_all_tables(void) {
    pthread_once(&once, start);
    return all_tables;
}

const char *fv_isa(void) { return fv_kernels()->name; }

fv_status fv_set_isa(const char *name, fv_error *error) {
    pthread_once(&once, start);
    const fv_table *table = name ? table_named(name) : NULL;
    if (!table)
        return fv_fail(
            error, FV_E_UNSUPPORTED,
            "instruction set: this machine has no '%s' (expected avx512, avx2, generic or reference, as far as "
            "it has them; best here: %s)",
            name ? name : "", all_tables[2]->name);
    atomic_store(&current, table);
    return FV_OK;
}

bool fv_has_bf16(void) {
#if defined(__x86_64__)
    return strcmp(fv_isa(), "avx512") == 0 && __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

const fv_kernel *fv_choose_kernel(const fv_table *table, fv_routine routine, const fv_geom *geom) {
    const fv_kernel *const *kernel = table->kernels[routine];
    while ((*kernel)->can && !(*kernel)->can(geom)) kernel++;
    return *kernel;
}

/* ---- names and facts -------------------------------------------------------------------------------------------- */

const char *fv_routine_name(fv_routine routine) {
    static const char *const names[FV_R_COUNT] = {
        [FV_R_CONV] = "conv",
        [FV_R_CONV_DATA] = "conv_data",
        [FV_R_CONV_WEIGHTS] = "conv_weights",
        [FV_R_POOL] = "pool",
        [FV_R_POOL_BACK] = "pool_back",
        [FV_R_UNARY] = "unary",
        [FV_R_UNARY_BACK] = "unary_back",
        [FV_R_BINARY] = "binary",
        [FV_R_REDUCE] = "reduce",
        [FV_R_COPY] = "copy",
        [FV_R_FILL] = "fill",
        [FV_R_SOFTMAX] = "softmax",
        [FV_R_SOFTMAX_BACK] = "softmax_back",
        [FV_R_NORM_STATS] = "norm_stats",
        [FV_R_NORM] = "norm",
        [FV_R_NORM_SUMS] = "norm_sums",
        [FV_R_NORM_BACK] = "norm_back",
        [FV_R_BLEND] = "blend",
        [FV_R_DROPOUT] = "dropout",
        [FV_R_XENT] = "xent",
        [FV_R_XENT_BACK] = "xent_back",
        [FV_R_LOSS] = "loss",
        [FV_R_LOSS_BACK] = "loss_back",
        [FV_R_RBF] = "rbf",
        [FV_R_RBF_DATA] = "rbf_data",
        [FV_R_RBF_WEIGHTS] = "rbf_weights",
        [FV_R_INDEX] = "index",
        [FV_R_INDEX_BACK] = "index_back",
        [FV_R_UPDATE] = "update",
        [FV_R_CUSTOM] = "custom",
        [FV_R_POOL_PICK] = "pool_pick",
        [FV_R_SAMPLE] = "sample",
        [FV_R_SAMPLE_BACK] = "sample_back",
        [FV_R_LRN] = "lrn",
        [FV_R_LRN_BACK] = "lrn_back",
        [FV_R_GATHER] = "gather",
        [FV_R_SCATTER] = "scatter",
        [FV_R_MIX] = "mix",
        [FV_R_TOP] = "top",
        [FV_R_NMS] = "nms",
        [FV_R_GRID] = "grid",
        [FV_R_GRID_BACK] = "grid_back",
        [FV_R_REGION] = "region",
        [FV_R_REGION_BACK] = "region_back",
        [FV_R_DISPLACED] = "displaced",
        [FV_R_DISPLACED_BACK] = "displaced_back",
        [FV_R_ELEMENTS] = "elements",
        [FV_R_SELECT] = "select",
        [FV_R_FOLD] = "fold",
        [FV_R_SCAN] = "scan",
        [FV_R_MATMUL] = "matmul",
    };
    return routine >= 0 && routine < FV_R_COUNT ? names[routine] : "?";
}

unsigned fv_unary_reads(fv_unary kind) {
    switch (kind) {
    case FV_U_RELU:
    case FV_U_SIGMOID:
    case FV_U_TANH:
    case FV_U_EXP:
    case FV_U_SQRT:
    case FV_U_RECIPROCAL:
    case FV_U_TAN:
    case FV_U_HARD_SIGMOID:
    case FV_U_CLIP: return FV_READS_Y;
    case FV_U_LEAKY_RELU: /* not from y: its slope may be negative */
    case FV_U_ELU:
    case FV_U_GELU:
    case FV_U_GELU_TANH:
    case FV_U_SOFTPLUS:
    case FV_U_SWISH:
    case FV_U_LOG:
    case FV_U_ABS:
    case FV_U_SIN:
    case FV_U_COS:
    case FV_U_ASIN:
    case FV_U_ACOS:
    case FV_U_ATAN:
    case FV_U_SINH:
    case FV_U_COSH:
    case FV_U_ASINH:
    case FV_U_ACOSH:
    case FV_U_ATANH:
    case FV_U_ERF:
    case FV_U_HARD_SWISH:
    case FV_U_MISH:
    case FV_U_SELU:
    case FV_U_CELU:
    case FV_U_SOFTSIGN:
    case FV_U_THRESHOLDED_RELU:
    case FV_U_SHRINK:
    case FV_U_SQUARE: return FV_READS_X;
    case FV_U_FLOOR:
    case FV_U_CEIL:
    case FV_U_ROUND:
    case FV_U_COPY:
    case FV_U_NEG:
    case FV_U_SIGN:
    case FV_U_SCALE:
    case FV_U_COUNT: break;
    }
    return 0;
}
