/* warp.h - pixels that move: where each pixel of a new picture comes from in the old one. */
#ifndef FV_DATA_WARP_H
#define FV_DATA_WARP_H

#include "error.h"

/* What lies outside of a picture: a number as the net sees it, or one of these. */
typedef enum fv_border {
    FV_BORDER_BLACK = 1000000, /* a stored 0 */
    FV_BORDER_EDGE,            /* the nearest pixel */
    FV_BORDER_REFLECT          /* mirrored at the outermost pixels, which are not repeated */
} fv_border;
enum { FV_BORDERS = 3 };
extern const char *const fv_border_names[FV_BORDERS];

/* Displacements, one for each pixel of the picture. */
typedef struct fv_bend {
    const float *dx, *dy; /* [height][width]; NULL: none */
} fv_bend;

/* A pixel p of the new picture comes from q + bend(q), q = after * p, taken on by `matrix` into the old picture. Matrices are
 * homogeneous, row by row: x' = (m[0]x + m[1]y + m[2]) / (m[6]x + m[7]y + m[8]). Pixel centres stand at whole numbers. */
typedef struct fv_warp {
    double matrix[9], after[9];
    fv_bend bend;
    bool moves;    /* is not the identity */
    bool bordered; /* the border matters */
    double border; /* fv_border or a number */
} fv_warp;

fv_warp fv_warp_none(void);
/* Around the middle of the picture: x' = cx + a(x - cx) + b(y - cy) + dx, y' = cy + c(x - cx) + d(y - cy) + dy. */
fv_warp fv_warp_affine(const double abcd[4], double dx, double dy, int64_t height, int64_t width, double border);
/* Left and right, top and bottom change places. */
fv_warp fv_warp_mirror(bool across, bool down, int64_t height, int64_t width);
fv_warp fv_warp_matrix(const double m[9], double border);
/* The picture that `warp` makes is moved once more. False when that cannot be said as one warp. */
bool fv_warp_then(fv_warp *warp, const fv_warp *step);

/* Floats of memory that moving a picture needs. */
size_t fv_warp_room(int64_t height, int64_t width, int channels);
/* In place. `black` has a number for each channel. Whole steps and mirror images are exact, the rest is bilinear. */
void fv_warp_picture(const fv_warp *warp, float *x, int64_t height, int64_t width, int channels, const float *black,
                     float *room);
/* Class masks: the nearest pixel; outside of the picture, unless the border repeats it, 0. `element` bytes a pixel. Room as for a
 * picture with a channel for every 4 bytes. */
void fv_warp_mask(const fv_warp *warp, void *x, int64_t height, int64_t width, size_t element, float *room);
/* Boxes as rows of `columns` numbers: left, top, right, bottom in pixels (pixel i lies between i and i+1); further ones stay. What
 * is left of a box inside of the picture: four zeros where nothing is. Rows of no area stay as they are. */
void fv_warp_boxes(const fv_warp *warp, float *boxes, int64_t rows, int64_t columns, int64_t height, int64_t width);

#endif
