/* rows.h - what functions of whole rows share: partly filled vectors, the highest of a row, one number through exp or log. */
#ifndef FV_CPU_ROWS_H
#define FV_CPU_ROWS_H

#include "pieces.h"
#include "vmath.h"

/* -1 in the first n lanes. */
FV_INLINE vi vi_first(int64_t n) { return vi_lanes() < vi_all((int32_t)n); }

/* The first lanes of v, `rest` in the others. */
FV_INLINE vf vf_keep(vf v, int64_t lanes, float rest) {
    return lanes == FV_LANES ? v : vf_select(vi_first(lanes), v, vf_all(rest));
}

/* sign * x over a row: the highest. */
FV_INLINE float row_highest(const float *x, int64_t count, float sign) {
    vf highest = vf_all(-INFINITY);
    FV_EACH_VECTOR(count, i, lanes,
                   highest = vf_max(vf_keep(sign * vf_load_lanes(x + i, lanes), lanes, -INFINITY), highest););
    return vf_highest(highest);
}

/* One number through a vector function. */
FV_INLINE float one_exp(float x) { return vf_exp(vf_all(x))[0]; }
FV_INLINE float one_log(float x) { return vf_log(vf_all(x))[0]; }

#endif
