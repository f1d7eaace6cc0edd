#include "philox.h"

#include <math.h>

/* Constants of Salmon et al. 2011, table 2 and section 4.3. */
#define MULTIPLIER_0 UINT64_C(0xD2511F53)
#define MULTIPLIER_1 UINT64_C(0xCD9E8D57)
#define WEYL_0 0x9E3779B9u
#define WEYL_1 0xBB67AE85u

void fv_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]) {
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = MULTIPLIER_0 * c0, p1 = MULTIPLIER_1 * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* The key is the seed; the counter is [draw, purpose and epoch, item low, item high], the draw counting blocks of four.
 */
fv_stream fv_stream_new(uint64_t seed, fv_purpose purpose, uint64_t epoch, uint64_t item) {
    fv_stream s = {.key = {(uint32_t)seed, (uint32_t)(seed >> 32)}};
    s.counter[1] = (uint32_t)epoch ^ (uint32_t)purpose << 26;
    s.counter[2] = (uint32_t)item;
    s.counter[3] = (uint32_t)(item >> 32);
    return s;
}

uint32_t fv_next(fv_stream *stream) {
    if (stream->left == 0) {
        fv_philox(stream->key, stream->counter, stream->words);
        stream->counter[0]++;
        stream->left = 4;
    }
    return stream->words[4 - stream->left--];
}

double fv_uniform(fv_stream *stream) {
    uint64_t high = fv_next(stream) >> 5, low = fv_next(stream) >> 6;
    return (double)(high << 26 | low) * 0x1p-53;
}

/* Box and Muller 1958: two uniform draws, one of the two normal numbers (the other is not kept: no state). */
double fv_normal(fv_stream *stream) {
    double u = 1 - fv_uniform(stream), v = fv_uniform(stream);
    return sqrt(-2 * log(u)) * cos(6.283185307179586476925 * v);
}

/* Lemire 2019 without the shortcut: reject the draws that would favour small numbers. */
uint64_t fv_below(fv_stream *stream, uint64_t n) {
    if (n <= 1) return 0;
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, word;
    do {
        uint64_t high = fv_next(stream);
        word = high << 32 | fv_next(stream);
    } while (word >= limit);
    return word % n;
}

void fv_shuffle(fv_stream *stream, int64_t *items, int64_t n) {
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)fv_below(stream, (uint64_t)i + 1);
        int64_t kept = items[i];
        items[i] = items[j];
        items[j] = kept;
    }
}
