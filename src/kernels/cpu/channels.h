/* channels.h - work on rows of c channels (pixels), where every channel has numbers of its own.
 *
 * With few channels vectors would be mostly empty; so several pixels are taken as one run, long enough to fill vectors,
 * and the channels' numbers are laid out as often: a pattern. With many channels a run is one pixel, or a block of one. */
#ifndef FV_CPU_CHANNELS_H
#define FV_CPU_CHANNELS_H

#include "pieces.h"

enum { FV_PATTERN = 1024 }; /* most floats of a run */

/* Channels c0 .. c0+width-1 of rows that are c floats apart; a run is `pixels` rows (1 unless width is c). */
typedef struct channel_block {
    int64_t c, c0, width, pixels;
} channel_block;

/* How many blocks c channels are cut into, and block number b of them. */
FV_INLINE int64_t channel_blocks(int64_t c) { return (c + FV_PATTERN - 1) / FV_PATTERN; }

FV_INLINE channel_block channel_block_at(int64_t c, int64_t b) {
    channel_block k = {.c = c, .c0 = b * FV_PATTERN, .width = c, .pixels = 1};
    if (c > FV_PATTERN)
        k.width = c - k.c0 < FV_PATTERN ? c - k.c0 : FV_PATTERN;
    else if (c < 128) {
        int64_t filled = FV_LANES; /* pixels that fill whole vectors */
        while (filled > 1 && c * (filled / 2) % FV_LANES == 0) filled /= 2;
        k.pixels = filled;
        while (c * k.pixels < 128) k.pixels += filled;
        if (c * k.pixels > FV_PATTERN) k.pixels = FV_PATTERN / c;
    }
    return k;
}

/* The channels' numbers (or one number for all: values NULL), as often as the run has pixels. */
FV_INLINE void channel_pattern(const channel_block *k, const float *values, float all, float pattern[FV_PATTERN]) {
    for (int64_t p = 0; p < k->pixels; p++)
        for (int64_t j = 0; j < k->width; j++) pattern[p * k->width + j] = values ? values[k->c0 + j] : all;
}

/* Floats of a run with `rows` rows left. */
FV_INLINE int64_t channel_run(const channel_block *k, int64_t rows) {
    return (rows < k->pixels ? rows : k->pixels) * k->width;
}

/* A run's sums, folded to one for each channel. */
FV_INLINE void channel_fold(const channel_block *k, const float sums[FV_PATTERN], float *out) {
    for (int64_t j = 0; j < k->width; j++) {
        float sum = sums[j];
        for (int64_t p = 1; p < k->pixels; p++) sum += sums[p * k->width + j];
        out[j] = sum;
    }
}

#endif
