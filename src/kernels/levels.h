/* levels.h - what the instruction set levels hand to the dispatcher (kernels.c). */
#ifndef FV_LEVELS_H
#define FV_LEVELS_H

#include "kernels.h"

/* One line of cpu/variants.def; kernel NULL ends the list. */
typedef struct fv_listed {
    fv_routine routine;
    const fv_kernel *kernel;
} fv_listed;

/* The kernels compiled for a level, in the order of variants.def. */
extern const fv_listed fv_generic_listed[];
#if defined(__x86_64__)
extern const fv_listed fv_avx2_listed[], fv_avx512_listed[];
#endif

/* The levels' loops for fv_table.peak (cpu/peak.c). */
int64_t fv_generic_peak(int64_t rounds);
#if defined(__x86_64__)
int64_t fv_avx2_peak(int64_t rounds);
int64_t fv_avx512_peak(int64_t rounds);
#endif

/* The plain loops, one for each routine. */
extern const fv_kernel *const fv_reference_f32_kernels[FV_R_COUNT];
extern const fv_kernel *const fv_reference_f64_kernels[FV_R_COUNT];

#endif
