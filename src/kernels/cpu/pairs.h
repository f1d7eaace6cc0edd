/* pairs.h - two bf16 numbers in the place of one float: what products of less precision read.
 *
 * A bf16 is the upper half of a float, rounded to the nearest, ties to even. The first number of a pair lies in the lower half.
 * Where a sum of products runs over pairs, everything else about it stays as it is: a convolution of c channels reads (c+1)/2
 * pairs of channels, and a gradient that is summed over pixels is summed over pairs of them.
 *
 * AVX512_BF16 multiplies pairs with pairs and adds both products to a float in one instruction, twice as many multiply-adds as
 * with floats. Other levels have no kernels of pairs; what is spelt for them here is what their templates name.
 */
#ifndef FV_CPU_PAIRS_H
#define FV_CPU_PAIRS_H

#include "isa.h"

/* Kernels of pairs are compiled where they can be fast. */
#if defined(__AVX512BF16__)
#define FV_PAIRS 1
#else
#define FV_PAIRS 0
#endif

/* Are products of pairs faster than those of floats on this machine? */
static inline bool pairs_are_fast(void) {
#if FV_PAIRS
    return __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

static inline int64_t pairs_of(int64_t numbers) { return (numbers + 1) / 2; }

typedef int32_t pair_mem __attribute__((may_alias));

/* One pair in every lane. */
FV_INLINE vf pairs_all(const float *pair) { return (vf)vi_all(*(const pair_mem *)pair); }

#if FV_PAIRS

/* sum + both products of x and w */
FV_INLINE vf pairs_product(vf x, vf w, vf sum) { return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)w); }

/* Numbers that follow each other, first those of a, then those of b. */
FV_INLINE vf pairs_join(vf a, vf b) { return (vf)_mm512_cvtne2ps_pbh((__m512)b, (__m512)a); }

/* Pair i is (a[i], b[i]). */
FV_INLINE vf pairs_zip(vf a, vf b) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return (vf)_mm512_permutexvar_epi16(order, (__m512i)pairs_join(a, b));
}

/* A vector of numbers, as half as many pairs. */
FV_INLINE void pairs_store(float *to, vf v) {
    _mm256_storeu_si256((__m256i *)(void *)to, (__m256i)_mm512_cvtneps_pbh((__m512)v));
}

#else

FV_INLINE vf pairs_product(vf x, vf w, vf sum) {
    const vi upper = vi_all(-65536);
    sum = (vf)((vu)x << 16) * (vf)((vu)w << 16) + sum;
    return (vf)((vi)x & upper) * (vf)((vi)w & upper) + sum;
}

/* The rounded number in the upper half, something in the lower; what is no number stays none. */
FV_INLINE vu pairs_rounded(vf v) {
    const vu bits = (vu)v;
    return (vu)vi_select(v == v, (vi)(bits + 0x7fff + (bits >> 16 & 1)), (vi)(bits | 0x400000));
}

FV_INLINE vf pairs_zip(vf a, vf b) { return (vf)(pairs_rounded(a) >> 16 | (pairs_rounded(b) & 0xffff0000)); }

FV_INLINE vf pairs_join(vf a, vf b) {
    vf first, second;
    FV_UNROLL
    for (int i = 0; i < FV_LANES; i++) {
        first[i] = 2 * i < FV_LANES ? a[2 * i % FV_LANES] : b[2 * i % FV_LANES];
        second[i] = 2 * i < FV_LANES ? a[2 * i % FV_LANES + 1] : b[2 * i % FV_LANES + 1];
    }
    return pairs_zip(first, second);
}

FV_INLINE void pairs_store(float *to, vf v) { vf_store_part(to, pairs_join(v, vf_zero()), FV_LANES / 2); }

#endif

/* A row of numbers as pairs; an odd one is paired with 0. */
FV_INLINE void pairs_copy(float *to, const float *from, int64_t numbers) {
    int64_t i = 0;
    for (; i + 2 * FV_LANES <= numbers; i += 2 * FV_LANES)
        vf_store(to + i / 2, pairs_join(vf_load(from + i), vf_load(from + i + FV_LANES)));
    const int64_t left = numbers - i;
    if (left > FV_LANES)
        vf_store_part(to + i / 2, pairs_join(vf_load(from + i), vf_load_part(from + i + FV_LANES, left - FV_LANES)),
                      pairs_of(left));
    else if (left > 0)
        vf_store_part(to + i / 2, pairs_join(vf_load_part(from + i, left), vf_zero()), pairs_of(left));
}

/* Pairs of the numbers of two rows; NULL: of 0. */
FV_INLINE void pairs_zip_rows(float *to, const float *a, const float *b, int64_t count) {
    int64_t i = 0;
    for (; i + FV_LANES <= count; i += FV_LANES)
        vf_store(to + i, pairs_zip(vf_load(a + i), b ? vf_load(b + i) : vf_zero()));
    if (i < count)
        vf_store_part(to + i, pairs_zip(vf_load_part(a + i, count - i), b ? vf_load_part(b + i, count - i) : vf_zero()),
                      count - i);
}

#endif
