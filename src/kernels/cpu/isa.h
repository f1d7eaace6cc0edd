/* isa.h - what a kernel file may know of its instruction set: how wide a vector is, and what its symbols are called.
 *
 * Every .c file in this folder is compiled once per level (cmake/kernels.cmake) with FV_ISA the level's name. Whatever
 * is not static is therefore named through FV_SYMBOL. Kernels are `const fv_kernel FV_SYMBOL(kernel_NAME) = {...}` and
 * listed in variants.def.
 *
 * Vectors are gcc/clang vector extensions; + - * / < & and the like work on them, comparisons give a vi of 0 or -1.
 * A fused multiply-add is written a * b + c: kernel files are compiled with -ffp-contract=fast. Never pass vectors
 * between functions that are not inlined.
 */
#ifndef FV_CPU_ISA_H
#define FV_CPU_ISA_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"

#ifndef FV_ISA
#error "FV_ISA names the instruction set level"
#endif
#define FV_JOIN_2(isa, name) fv_##isa##_##name
#define FV_JOIN(isa, name) FV_JOIN_2(isa, name)
#define FV_SYMBOL(name) FV_JOIN(FV_ISA, name) /* fv_avx512_NAME */
#define FV_TEXT_2(x) #x
#define FV_TEXT(x) FV_TEXT_2(x)
#define FV_ISA_NAME FV_TEXT(FV_ISA) /* "avx512" */

#if defined(__AVX512F__)
#define FV_LANES 16
#include <immintrin.h>
#elif defined(__AVX2__)
#define FV_LANES 8
#include <immintrin.h>
#else
#define FV_LANES 4
#endif

#define FV_ALIGNED __attribute__((aligned(64))) /* arrays that vectors are read from */
#define FV_INLINE static inline __attribute__((always_inline, unused))
#if defined(__clang__)
#define FV_UNROLL _Pragma("clang loop unroll(full)")
#else
#define FV_UNROLL _Pragma("GCC unroll 64")
#endif

/* Values. */
typedef float vf __attribute__((vector_size(FV_LANES * 4)));
typedef int32_t vi __attribute__((vector_size(FV_LANES * 4)));
typedef uint32_t vu __attribute__((vector_size(FV_LANES * 4)));
/* The same in memory: at any float's address, and whatever type that memory has. */
typedef float vf_mem __attribute__((vector_size(FV_LANES * 4), aligned(4), may_alias));
typedef int32_t vi_mem __attribute__((vector_size(FV_LANES * 4), aligned(4), may_alias));

FV_INLINE vf vf_load(const float *p) { return *(const vf_mem *)p; }
FV_INLINE void vf_store(float *p, vf v) { *(vf_mem *)p = v; }
FV_INLINE vi vi_load(const int32_t *p) { return *(const vi_mem *)p; }
FV_INLINE void vi_store(int32_t *p, vi v) { *(vi_mem *)p = v; }
FV_INLINE vf vf_all(float x) { return x - (vf){0}; }
FV_INLINE vi vi_all(int32_t x) { return x - (vi){0}; }
FV_INLINE vf vf_zero(void) { return (vf){0}; }

/* The same number, of which the compiler knows nothing: it would merge a mask into the product behind it, and then round
 * that product before it is added to something. */
FV_INLINE vf vf_opaque(vf v) {
#if defined(__aarch64__)
    __asm__("" : "+w"(v));
#elif defined(__AVX512F__)
    __asm__("" : "+v"(v));
#elif defined(__x86_64__)
    __asm__("" : "+x"(v));
#endif
    return v;
}

/* Lane i holds i. */
FV_INLINE vi vi_lanes(void) {
#if FV_LANES == 16
    return (vi){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif FV_LANES == 8
    return (vi){0, 1, 2, 3, 4, 5, 6, 7};
#else
    return (vi){0, 1, 2, 3};
#endif
}

/* The first n lanes, 0 <= n <= FV_LANES; the others load as 0 and are not stored. */
FV_INLINE vf vf_load_part(const float *p, int64_t n) {
#if FV_LANES == 16
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif FV_LANES == 8
    return (vf)_mm256_maskload_ps(p, (__m256i)(vi_lanes() < vi_all((int32_t)n)));
#else
    vf v = {0};
    for (int64_t i = 0; i < n; i++) v[i] = p[i];
    return v;
#endif
}

FV_INLINE void vf_store_part(float *p, vf v, int64_t n) {
#if FV_LANES == 16
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif FV_LANES == 8
    _mm256_maskstore_ps(p, (__m256i)(vi_lanes() < vi_all((int32_t)n)), (__m256)v);
#else
    for (int64_t i = 0; i < n; i++) p[i] = v[i];
#endif
}

/* mask is 0 or -1 in every lane: mask ? a : b. */
FV_INLINE vf vf_select(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
FV_INLINE vi vi_select(vi mask, vi a, vi b) { return (mask & a) | (~mask & b); }
/* What a ReLU whose result is y passes on of v; what it does not is 0, whatever it was. */
FV_INLINE vf vf_passed(vf v, vf y) { return (vf)((vi)v & (y > vf_zero())); }

/* Lane i of the result is lane index[i] of v. */
FV_INLINE vf vf_pick(vf v, vi index) {
#if FV_LANES == 16
    return (vf)_mm512_permutexvar_ps((__m512i)index, (__m512)v);
#elif FV_LANES == 8
    return (vf)_mm256_permutevar8x32_ps((__m256)v, (__m256i)index);
#elif defined(__clang__)
    return (vf){v[index[0]], v[index[1]], v[index[2]], v[index[3]]};
#else
    return __builtin_shuffle(v, index);
#endif
}

/* a > b ? a : b, so b where either is not a number or both are 0. */
FV_INLINE vf vf_max(vf a, vf b) {
#if FV_LANES == 16
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif FV_LANES == 8
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return vf_select(a > b, a, b);
#endif
}

/* a < b ? a : b */
FV_INLINE vf vf_min(vf a, vf b) {
#if FV_LANES == 16
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif FV_LANES == 8
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return vf_select(a < b, a, b);
#endif
}

FV_INLINE vf vf_abs(vf x) { return (vf)((vi)x & vi_all(0x7fffffff)); }

/* Lanes to whole numbers (towards zero) and back. */
FV_INLINE vi vi_from_vf(vf x) { return __builtin_convertvector(x, vi); }
FV_INLINE vf vf_from_vi(vi x) { return __builtin_convertvector(x, vf); }

/* Sum and maximum over the lanes, halves first: a fixed order. */
#if FV_LANES == 16
FV_INLINE __m256 vf_low_half(vf v) { return _mm512_castps512_ps256((__m512)v); }
FV_INLINE __m256 vf_high_half(vf v) { return _mm512_extractf32x8_ps((__m512)v, 1); }
#endif
#if FV_LANES > 4
FV_INLINE float vf_sum(vf v) {
#if FV_LANES == 16
    __m256 h = _mm256_add_ps(vf_low_half(v), vf_high_half(v));
#else
    __m256 h = (__m256)v;
#endif
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
}
FV_INLINE float vf_highest(vf v) {
#if FV_LANES == 16
    __m256 h = _mm256_max_ps(vf_low_half(v), vf_high_half(v));
#else
    __m256 h = (__m256)v;
#endif
    __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
}
#else
FV_INLINE float vf_sum(vf v) { return (v[0] + v[2]) + (v[1] + v[3]); }
FV_INLINE float vf_highest(vf v) {
    float a = v[0] > v[2] ? v[0] : v[2], b = v[1] > v[3] ? v[1] : v[3];
    return a > b ? a : b;
}
#endif

#endif
