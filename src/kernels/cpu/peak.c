/* peak.c - the most multiply-adds that a core can do: as many sums side by side as a register tile has, nothing read and nothing
 * written. What every other kernel is measured against. */
#include "levels.h"
#include "tile.h"

enum { SUMS = TILE_ROWS * TILE_VECTORS };

int64_t FV_SYMBOL(peak)(int64_t rounds) {
    vf sum[SUMS], factor = vf_all(0.999f), part = vf_all(0.001f);
    FV_UNROLL /* none at 1, where 0.999 x + 0.001 stands still: a compiler would leave that sum out */
        for (int i = 0; i < SUMS; i++) sum[i] = vf_all((float)(i + 2));
    for (int64_t r = 0; r < rounds; r++) {
        FV_UNROLL
        for (int i = 0; i < SUMS; i++) sum[i] = sum[i] * factor + part;
        __asm__ volatile("" : "+r"(rounds)); /* every round is one that the compiler has to do */
    }
    FV_UNROLL
    for (int i = 1; i < SUMS; i++) sum[0] += sum[i];
    volatile float keep = vf_sum(sum[0]);
    (void)keep;
    return rounds * SUMS * FV_LANES;
}
