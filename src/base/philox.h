/* philox.h - Philox4x32-10, the counter-based generator behind every random draw (Salmon et al. 2011, "Parallel random
 * numbers: as easy as 1, 2, 3"). A draw is a pure function of its key and counter: no state, no order, no threads. */
#ifndef FV_BASE_PHILOX_H
#define FV_BASE_PHILOX_H

#include <stdint.h>

/* Four random words for (key, counter). */
void fv_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

/* What a draw is for: draws of different purposes never meet. Append only: the order is part of every result. */
typedef enum fv_purpose {
    FV_FOR_WEIGHTS = 1,
    FV_FOR_SHUFFLE,
    FV_FOR_SPLIT,
    FV_FOR_DROPOUT,
    FV_FOR_DIGITS,
    FV_FOR_AUGMENT,
    FV_FOR_TEST
} fv_purpose;

/* A stream of draws named by (seed, purpose, epoch, item): the i-th draw is found in constant time. */
typedef struct fv_stream {
    uint32_t key[2], counter[4];
    uint32_t words[4];
    int left;
} fv_stream;
/* `item` is a position in an epoch or the hash of a name; epochs up to 2^26, draws up to 2^34 per stream. */
fv_stream fv_stream_new(uint64_t seed, fv_purpose purpose, uint64_t epoch, uint64_t item);
uint32_t fv_next(fv_stream *stream);
double fv_uniform(fv_stream *stream);             /* [0, 1), 53 bits */
double fv_normal(fv_stream *stream);              /* mean 0, deviation 1 */
uint64_t fv_below(fv_stream *stream, uint64_t n); /* 0 .. n-1, unbiased */

/* A permutation of 0..n-1 (Fisher-Yates over a stream). */
void fv_shuffle(fv_stream *stream, int64_t *items, int64_t n);

#endif
