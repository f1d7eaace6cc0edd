/* conv_weights.h - the gradient of convolution weights, as conv_weights.c cuts it and conv_weights_pairs.c reads it. */
#ifndef FV_CPU_CONV_WEIGHTS_H
#define FV_CPU_CONV_WEIGHTS_H

#include "conv_shape.h"
#include "pairs.h"

typedef struct gradient {
    const fv_conv_geom *geom;
    const conv_shape *shape;
    const conv_job *job;
    conv_band band;
    bool by_slot;
    bool folded;              /* a band takes whole slots, each tile one after the other, */
    bool few;                 /* which have few pixels */
    bool gathers;             /* 1x1: x is brought together pixel by pixel */
    bool panelled;            /* dy is brought into panels */
    int64_t rows, columns;    /* of dw as computed: with pixels made together it is folded afterwards */
    int64_t together;         /* so many taps of a piece lie one after the other in x */
    int64_t channels, blocks; /* source channels of a piece; pieces along them, in one group */
    int64_t panels, parts;    /* panels of a piece; pieces along them, in one group */
    int64_t n;
    int64_t first[FV_SLOTS + 1]; /* image, or pair of images, of each slot */
    const float *x, *dy;
    float *dw, *dbias; /* dbias NULL: not wanted here */
    float *sums;       /* by slot: FV_SLOTS sums of (rows + 1) * columns; else sums of a slot under way, or NULL */
    char *areas;
    size_t area;
} gradient;

/* A piece: its channels and columns. */
typedef struct gradient_piece {
    int64_t group, channel, channels, panel, panels, rows;
} gradient_piece;

/* Do its copies and panels hold pairs of images? */
static inline bool gradient_in_pairs(const gradient *d) { return d->shape->cells == CONV_IMAGE_PAIRS; }

/* Floats from panel to panel of dy, which a pixel is spread over: not a power of two. */
static inline int64_t gradient_panel_step(int64_t pixels) { return conv_row(pixels * TILE_COLUMNS); }

#define gradient_copy_pairs FV_SYMBOL(gradient_copy_pairs)
#define gradient_gather_pairs FV_SYMBOL(gradient_gather_pairs)
/* What a piece reads of a band of x, laid out as `v` says. */
void gradient_copy_pairs(const gradient *d, const gradient_piece *p, const conv_place *place, const conv_view *v,
                         float *copy);
/* A band's dy from column number `column` on, as panels gradient_panel_step apart: in each, `pixels` times its columns in whole
 * vectors. */
void gradient_gather_pairs(const gradient *d, const conv_place *place, int64_t column, int64_t columns, int64_t pixels,
                           float *to);

#endif
