/* rules.h - rules that every variant of a routine must share to the bit: which elements dropout drops, and how much of
 * a new value a running average takes. */
#ifndef FV_RULES_H
#define FV_RULES_H

#include "hash.h"
#include "kernels.h"
#include "philox.h"

/* Element k of sample i of the call is dropped if word k of this stream (block k/4, word k%4) is below
 * fv_dropout_bound. */
static inline fv_stream fv_dropout_stream(const fv_dropout_geom *g, const fv_moment *now, int64_t i) {
    int64_t position = now->position + i;
    return fv_stream_new(now->seed, FV_FOR_DROPOUT, (uint64_t)now->epoch, fv_hash(g->key, &position, sizeof position));
}

static inline uint64_t fv_dropout_bound(const fv_dropout_geom *g) {
    double bound = g->rate * 4294967296.0;
    return bound <= 0 ? 0 : bound >= 4294967296.0 ? UINT64_C(1) << 32 : (uint64_t)bound;
}

/* (1-keep) * correction of fv_blend_geom. A single value has no unbiased variance: it is taken as it is. */
static inline double fv_blend_part(const fv_blend_geom *g, int64_t n) {
    double m = (double)n * (double)g->count;
    return (1 - g->keep) * (g->unbiased && m > 1 ? m / (m - 1) : 1);
}

#endif
