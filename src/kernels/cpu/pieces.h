/* pieces.h - how elementwise work is cut: into pieces fixed by its size, so that threads never change a result. Small
 * work is one piece, which costs no parallel region. */
#ifndef FV_CPU_PIECES_H
#define FV_CPU_PIECES_H

#include "isa.h"

/* 64 KiB of floats: a few microseconds from memory, against 0.2-0.4 for handing out work. */
enum { FV_PIECE = 16384 };

/* Pieces of about FV_PIECE elements for `count` things of `each` elements; *size things a piece. */
FV_INLINE int64_t fv_cut(int64_t count, int64_t each, int64_t *size) {
    *size = each >= FV_PIECE ? 1 : FV_PIECE / (each > 0 ? each : 1);
    if (count < 2 * *size) *size = count > 0 ? count : 1;
    return (count + *size - 1) / *size;
}

/* FV_EACH_VECTOR(count, i, lanes, statements): for whole vectors at offset i, then for the part that is left. */
#define FV_EACH_VECTOR(count, i, lanes, ...)                                                                           \
    do {                                                                                                               \
        int64_t i = 0;                                                                                                 \
        for (; i + FV_LANES <= (count); i += FV_LANES) {                                                               \
            const int64_t lanes = FV_LANES;                                                                            \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
        if (i < (count)) {                                                                                             \
            const int64_t lanes = (count)-i;                                                                           \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    } while (0)

FV_INLINE vf vf_load_lanes(const float *p, int64_t lanes) {
    return lanes == FV_LANES ? vf_load(p) : vf_load_part(p, lanes);
}
FV_INLINE void vf_store_lanes(float *p, vf v, int64_t lanes) {
    if (lanes == FV_LANES)
        vf_store(p, v);
    else
        vf_store_part(p, v, lanes);
}

#endif
