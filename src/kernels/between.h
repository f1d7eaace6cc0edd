/* between.h - rules of place that every variant shares: where an index points, which of two numbers comes first, and
 * which cells a place between cells is mixed of. */
#ifndef FV_BETWEEN_H
#define FV_BETWEEN_H

#include <math.h>

#include "kernels.h"

/* ---- picks ------------------------------------------------------------------------------------------------------ */

static inline int64_t fv_index_at(const void *index, bool wide, int64_t at) {
    return wide ? ((const int64_t *)index)[at] : ((const int32_t *)index)[at];
}

/* Where the index at element `at` of `index` points, in elements; -1: outside. */
static inline int64_t fv_pick_offset(const fv_pick_geom *g, const void *index, int64_t at) {
    int64_t offset = 0;
    for (int k = 0; k < g->tuple; k++) {
        int64_t i = fv_index_at(index, g->wide, at + k);
        if (i < 0) i += g->size[k];
        if (i < 0 || i >= g->size[k]) return -1;
        offset += i * g->step[k];
    }
    return offset;
}

static inline size_t fv_element_bytes(fv_dtype dtype, size_t real) {
    return dtype == FV_F32 ? real : fv_dtype_size(dtype);
}

/* ---- order ------------------------------------------------------------------------------------------------------ */

#define FV_PRECEDES(a, b, least) ((least) ? (a) < (b) : (a) > (b))

/* Does the element at i come before the one at j (elements are `step` apart)? Equals keep their order. */
static inline bool fv_precedes(const fv_top_geom *g, size_t real, const void *x, int64_t step, int64_t i, int64_t j) {
    if (g->dtype == FV_F32) {
        double a = real == 8 ? ((const double *)x)[i * step] : (double)((const float *)x)[i * step];
        double b = real == 8 ? ((const double *)x)[j * step] : (double)((const float *)x)[j * step];
        if (isnan(a) || isnan(b)) return isnan(a) == isnan(b) ? i < j : isnan(a) != g->least;
        return a == b ? i < j : FV_PRECEDES(a, b, g->least);
    }
    int64_t a, b;
    switch (g->dtype) {
    case FV_I64: a = ((const int64_t *)x)[i * step], b = ((const int64_t *)x)[j * step]; break;
    case FV_I32: a = ((const int32_t *)x)[i * step], b = ((const int32_t *)x)[j * step]; break;
    default: a = ((const uint8_t *)x)[i * step], b = ((const uint8_t *)x)[j * step]; break;
    }
    return a == b ? i < j : FV_PRECEDES(a, b, g->least);
}

/* ---- between cells ---------------------------------------------------------------------------------------------- */

/* The cells along one dimension that a place is mixed of; cell -1: nothing is there. `slope` is how a weight grows with
 * the place (linear only). */
typedef struct fv_taps {
    int count;
    int64_t cell[4];
    double weight[4], slope[4];
} fv_taps;

/* Keys' cubic (Keys 1981, eq. 4) for the four cells around; `part` lies behind the second. */
static inline void fv_cubic(double part, double a, double weight[4]) {
    double d[4] = {part + 1, part, 1 - part, 2 - part};
    for (int k = 0; k < 4; k++)
        weight[k] = k == 1 || k == 2 ? ((a + 2) * d[k] - (a + 3)) * d[k] * d[k] + 1
                                     : ((a * d[k] - 5 * a) * d[k] + 8 * a) * d[k] - 4 * a;
}

/* The cell that stands for cell `at` of `size`. Reflection turns at the outermost centres (`aligned`), else at the edges. */
static inline int64_t fv_stand_in(fv_beyond beyond, bool aligned, int64_t size, int64_t at) {
    if (at >= 0 && at < size) return at;
    if (beyond == FV_BEYOND_ZERO) return -1;
    if (beyond == FV_BEYOND_EDGE) return at < 0 ? 0 : size - 1;
    int64_t period = aligned ? 2 * (size - 1) : 2 * size;
    if (period == 0) return 0;
    at = (at % period + period) % period;
    return at < size ? at : period - at - !aligned;
}

/* Bounds what comes from data: a place far outside, or one that is no number, has its taps outside, too. */
static inline double fv_sane_place(fv_beyond beyond, int64_t size, double at) {
    if (isnan(at)) return -8;
    if (beyond == FV_BEYOND_REFLECT) return fabs(at) < 1e15 ? at : 0;
    return at < -8 ? -8 : at > (double)size + 8 ? (double)size + 8 : at;
}

static inline fv_taps fv_taps_at(fv_between between, fv_beyond beyond, bool aligned, int64_t size, double at) {
    fv_taps t = {.count = 1, .weight = {1}};
    at = fv_sane_place(beyond, size, at);
    double low = between == FV_BETWEEN_NEAREST ? rint(at) : floor(at), part = at - low;
    int64_t first = (int64_t)low;
    if (between == FV_BETWEEN_LINEAR) {
        t.count = 2;
        t.weight[0] = 1 - part, t.weight[1] = part;
        t.slope[0] = -1, t.slope[1] = 1;
    } else if (between == FV_BETWEEN_CUBIC) {
        t.count = 4;
        first--;
        fv_cubic(part, -0.75, t.weight); /* as PyTorch and ONNX have it */
    }
    for (int k = 0; k < t.count; k++) t.cell[k] = fv_stand_in(beyond, aligned, size, first + k);
    return t;
}

/* The cells of a picture that a place is mixed of: pixels and their weights. `dims` (2 or 3) of `in`, the last first in
 * `t`. Returns how many. */
enum { FV_MOST_TAPS = 64 };
static inline int fv_mix_taps(const fv_taps t[3], int dims, const int64_t in[3], int64_t pixel[FV_MOST_TAPS],
                              double weight[FV_MOST_TAPS]) {
    int count = 1;
    pixel[0] = 0, weight[0] = 1;
    for (int d = 0; d < dims; d++) {
        const fv_taps *along = &t[dims - 1 - d]; /* rows before columns, as they lie */
        int64_t from[FV_MOST_TAPS];
        double part[FV_MOST_TAPS];
        int before = count;
        for (int k = 0; k < before; k++) from[k] = pixel[k], part[k] = weight[k];
        count = 0;
        for (int k = 0; k < before; k++)
            for (int j = 0; j < along->count; j++) {
                if (along->cell[j] < 0 || along->weight[j] == 0) continue;
                pixel[count] = from[k] * in[3 - dims + d] + along->cell[j];
                weight[count++] = part[k] * along->weight[j];
            }
    }
    return count;
}

/* A number of the grid, -1 .. 1, as a place among `size` cells. */
static inline double fv_grid_place(double at, int64_t size, bool aligned) {
    return aligned ? (at + 1) / 2 * (double)(size - 1) : ((at + 1) * (double)size - 1) / 2;
}

/* ---- regions ---------------------------------------------------------------------------------------------------- */

/* One region along one dimension (0 rows, 1 columns): where it starts, how large a cell is, and places in a cell. */
typedef struct fv_region_axis {
    double start, cell;
    int64_t points;
} fv_region_axis;

/* region: x1 y1 x2 y2 (He et al. 2017, RoIAlign; without `half` a region is at least one pixel large). At most a place
 * for each pixel of the picture's side: more adds nothing, and the numbers come from data. */
static inline fv_region_axis fv_region_along(const fv_region_geom *g, const double region[4], int d) {
    double shift = g->half ? 0.5 : 0, from = region[1 - d] * g->scale - shift,
           size = region[3 - d] * g->scale - shift - from;
    if (!g->half && !(size > 1)) size = 1;
    fv_region_axis a = {.start = from, .cell = size / (double)g->out[d], .points = g->points};
    if (a.points == 0) {
        double wanted = ceil(a.cell);
        a.points = wanted >= 1 && wanted <= (double)g->in[d] ? (int64_t)wanted : wanted > 1 ? g->in[d] : wanted >= 1;
    }
    return a;
}

/* Taps of place i of a cell; none more than a pixel outside. */
static inline fv_taps fv_region_taps(const fv_region_geom *g, const fv_region_axis *a, int d, int64_t cell, int64_t i) {
    double at = a->start + (double)cell * a->cell + ((double)i + 0.5) * a->cell / (double)a->points;
    double last = (double)(g->in[d] - 1);
    if (!(at >= -1 && at <= (double)g->in[d])) return (fv_taps){.count = 0};
    return fv_taps_at(FV_BETWEEN_LINEAR, FV_BEYOND_EDGE, false, g->in[d], at < 0 ? 0 : at > last ? last : at);
}

#endif
