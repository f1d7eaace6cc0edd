/* places.h - the geometries of routines that move or pick numbers, and of those that look between cells. Part of
 * kernels.h, which includes it. */
#ifndef FV_PLACES_H
#define FV_PLACES_H

#include "fovea.h"

/* An n-dimensional walk; strides in elements, 0 broadcasts. dim[0] is the samples when the call is batched (it is then
 * replaced by the call's n). `offset` is where the walk starts. */
typedef struct fv_walk {
    int rank;
    int64_t dim[FV_MAX_RANK];
    int64_t y[FV_MAX_RANK], a[FV_MAX_RANK], b[FV_MAX_RANK];
    int64_t y_offset, a_offset, b_offset;
} fv_walk;

typedef enum fv_scatter { FV_SCATTER_SET, FV_SCATTER_ADD, FV_SCATTER_MUL, FV_SCATTER_MAX, FV_SCATTER_MIN } fv_scatter;

/* Picks: `inner` elements each, from a large array by an index (GATHER) or into it (SCATTER, in the order of the walk).
 * The walk goes over picks: y is where a pick lies among the picked, a where it starts in the large array, b its index.
 * An index is `tuple` numbers, one behind the other; number k counts along a dimension of size[k] that are step[k]
 * apart in the large array; negative ones count from its end. */
typedef struct fv_pick_geom {
    fv_walk walk;
    int64_t inner;
    int tuple;
    int64_t size[FV_MAX_RANK], step[FV_MAX_RANK];
    fv_dtype dtype; /* of the elements; FV_F32: reals */
    bool wide;      /* the index is i64, else i32 */
    bool loose;     /* what lies outside is 0 (GATHER) or goes nowhere (SCATTER); else it is FV_E_ARGUMENT */
    fv_scatter kind;
    int apart;      /* SCATTER: picks that differ in the first so many dimensions of the walk never meet */
    int64_t shared; /* SCATTER, ADD of reals by samples that share the large array: its elements, else 0 */
} fv_pick_geom;

/* Along one axis: y[o] = sum over k in start[o] .. start[o+1]-1 of weight[k] * x[cell[k]]; `value` where there are none.
 * x is [outer][in][inner], y [outer][out][inner]. The tables are owned by the plan. */
typedef struct fv_mix_geom {
    int64_t outer, in, out, inner; /* outer: of one sample */
    const int32_t *start, *cell;
    const double *weight;
    double value;
} fv_mix_geom;

/* Of `size` elements along an axis the first k in order, the greatest first (or the least), of equals the earlier one
 * first; what is no number is greater than any. x is [outer][size][inner]. */
typedef struct fv_top_geom {
    int64_t outer, size, inner, k; /* outer: of one sample */
    fv_dtype dtype;                /* FV_F32: reals */
    bool least;
} fv_top_geom;

/* Boxes are chosen class by class, the best score first, unless one chosen before covers them: rows of (sample, class,
 * box), at most `most` a class, in all rows; what is left of the result is -1. */
typedef struct fv_nms_geom {
    int64_t samples, classes, boxes, most, rows;
    double overlap, score; /* intersection over union above which a box is covered; least score (-INFINITY: any) */
    bool centred;          /* boxes are (x, y, width, height) around the centre, else two corners (y, x, y, x) */
} fv_nms_geom;

typedef enum fv_between { FV_BETWEEN_LINEAR, FV_BETWEEN_NEAREST, FV_BETWEEN_CUBIC } fv_between;
typedef enum fv_beyond { FV_BEYOND_ZERO, FV_BEYOND_EDGE, FV_BEYOND_REFLECT } fv_beyond;

/* Pictures read at given places: x [samples][in][c], grid [samples][out][dims] with the last dimension's coordinate
 * first, each -1 .. 1 from edge to edge (or, aligned, from the first centre to the last), y [samples][out][c]. */
typedef struct fv_grid_geom {
    int64_t samples; /* in one sample of the call: 1 when batched */
    int64_t in[3], out, c;
    int dims; /* 2 or 3: the last of `in` */
    fv_between between;
    fv_beyond beyond;
    bool aligned;
} fv_grid_geom;

/* Regions of pictures as grids of one size: x [samples][in][c], region (x1, y1, x2, y2) of the sample that `of` names,
 * y [regions][out][c]. Each cell is the mean (or maximum) of `points` x `points` places in it; 0: as many as it has
 * pixels, rounded up. */
typedef struct fv_region_geom {
    int64_t samples, regions, in[2], out[2], c, points;
    double scale; /* from the regions' coordinates to pixels */
    bool half;    /* coordinates are those of edges: pixel centres lie half a pixel on */
    bool maximum;
    bool wide; /* `of` is i64, else i32 */
} fv_region_geom;

/* Convolution's columns from displaced places: y [samples][out][group][kernel][c/groups]; the cell of kernel position k is
 * x at o*stride - pad + k*dilation + offset, times mask, read linearly, 0 outside.
 * offset [samples][out][parts][kernel][2] (rows first), mask [samples][out][parts][kernel]; part p of the channels. */
typedef struct fv_displaced_geom {
    int64_t samples; /* in one sample of the call: 1 when batched */
    int64_t in[2], out[2], kernel[2], stride[2], pad[2], dilation[2], c, groups, parts;
} fv_displaced_geom;

#endif
