/* tile_edges.h - what both register tiles do: vectors of which some lanes do not exist, and one product. */
#ifndef FV_CPU_TILE_EDGES_H
#define FV_CPU_TILE_EDGES_H

#include "tile.h"

/* sum + x w, where a float of both may be a pair. */
FV_INLINE vf tile_product(const bool pairs, const float *x, vf w, vf sum) {
    return pairs ? pairs_product(pairs_all(x), w, sum) : vf_all(*x) * w + sum;
}

/* Whole vectors are loaded as such: with masked loads throughout, weight gradients took 10% longer even on AVX-512. */
FV_INLINE vf tile_load(const float *p, int64_t lanes) {
    return lanes == FV_LANES ? vf_load(p) : vf_load_part(p, lanes);
}

/* Partial stores in AVX2 go through halves: its masked store is slow on many processors. */
FV_INLINE void tile_store(float *p, vf v, int64_t lanes) {
#if FV_LANES == 8
    if (lanes == FV_LANES) {
        vf_store(p, v);
        return;
    }
    __m128 part = _mm256_castps256_ps128((__m256)v);
    if (lanes & 4) {
        _mm_storeu_ps(p, part);
        part = _mm256_extractf128_ps((__m256)v, 1);
        p += 4;
    }
    if (lanes & 2) {
        _mm_storel_pi((__m64 *)(void *)p, part);
        part = _mm_movehl_ps(part, part);
        p += 2;
    }
    if (lanes & 1) _mm_store_ss(p, part);
#else
    if (lanes == FV_LANES)
        vf_store(p, v);
    else
        vf_store_part(p, v, lanes);
#endif
}

#endif
