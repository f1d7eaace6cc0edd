/* conv_shape.h - a convolution, forward or backward to its input, as one kind of job.
 *
 * A job makes results at regularly spaced places of a destination; result o reads the source at o*stride - pad +
 * u*dilation for taps u. Forward is one job. Backward to the input is one job for each remainder of the destination's
 * position by the stride: a stride-1 convolution of dy with those taps that meet that remainder, so that nothing is
 * multiplied by inserted zeros.
 *
 * A job runs over bands of its results. What a band reads is copied with a border of zeros where there is padding; then
 * every result sees whole runs of memory and a small number of channels is nothing special.
 */
#ifndef FV_CPU_CONV_SHAPE_H
#define FV_CPU_CONV_SHAPE_H

#include "pieces.h"
#include "tile.h"

typedef struct conv_axis {
    int64_t size;  /* source positions */
    int64_t count; /* results */
    int64_t stride, pad, dilation, taps;
    int64_t start, step;         /* result o is at start + o*step of the destination */
    int64_t first_tap, tap_step; /* tap u is weight number first_tap + u*tap_step */
} conv_axis;

/* What lies in the place of one number of a copy: the number, two channels of a pixel, or one channel of two images. */
typedef enum conv_cells { CONV_NUMBERS, CONV_CHANNEL_PAIRS, CONV_IMAGE_PAIRS } conv_cells;

typedef struct conv_shape {
    bool backward;
    conv_cells cells;
    int64_t numbers;        /* channels of a pixel that is read; from_c counts cells */
    int64_t from[3], to[3]; /* sizes of source and destination */
    int64_t from_c, to_c, from_pixel, to_pixel;
    int64_t groups;
    int64_t from_each, to_each;      /* channels of a group */
    int64_t pixels;                  /* neighbouring results made as one, with pixels * to_c channels */
    int64_t columns, padded_columns; /* of a group; padded to whole vectors */
    int64_t panel, panels;           /* columns of a panel; panels of a group */
    int64_t phases;                  /* jobs */
} conv_shape;

typedef struct conv_job {
    conv_axis axis[3];
    int64_t taps; /* all of them; 0: this phase meets no tap */
} conv_job;

/* How much is done at a time: the job's results are cut into bands, a band's columns into parts. */
typedef struct conv_band {
    int64_t count[3]; /* images, planes, rows of a band */
    int64_t bands[3]; /* how many of them */
    int64_t parts;
    bool copies;
} conv_band;

/* One band: its first image, plane and row, and how many. */
typedef struct conv_place {
    int64_t first[3], count[3];
} conv_place;

/* Where the positions that a band reads lie: base is what tap 0 of its first result reads. Strides in floats. */
typedef struct conv_view {
    const float *base;
    int64_t image, plane, row, pixel;
} conv_view;

#define conv_shape_of FV_SYMBOL(conv_shape_of)
#define conv_shape_in_pairs FV_SYMBOL(conv_shape_in_pairs)
#define conv_job_of FV_SYMBOL(conv_job_of)
#define conv_band_of FV_SYMBOL(conv_band_of)
#define conv_band_floats FV_SYMBOL(conv_band_floats)
#define conv_strides FV_SYMBOL(conv_strides)
#define conv_look FV_SYMBOL(conv_look)
#define conv_copy_image FV_SYMBOL(conv_copy_image)
#define conv_packed_floats FV_SYMBOL(conv_packed_floats)
#define conv_pack FV_SYMBOL(conv_pack)
#define conv_transpose FV_SYMBOL(conv_transpose)
#define conv_transpose_pairs FV_SYMBOL(conv_transpose_pairs)
#define conv_zip_rows FV_SYMBOL(conv_zip_rows)
#define conv_bias FV_SYMBOL(conv_bias)

conv_shape conv_shape_of(const fv_conv_geom *g, bool backward);
/* The same with pairs of channels (pairs.h), which only one group can be of. */
conv_shape conv_shape_in_pairs(const fv_conv_geom *g, bool backward);
conv_job conv_job_of(const conv_shape *shape, const fv_conv_geom *g, int64_t phase);

/* Bands for n images of at most `pixels` results. At least `pieces` of bands*parts if that is possible at all.
 * A smaller n never makes a bigger band. */
conv_band conv_band_of(const conv_shape *shape, const conv_job *job, int64_t n, int64_t pixels, int64_t pieces);
/* Floats that a band's copy of `channels` channels takes; 0 when it is not copied. */
int64_t conv_band_floats(const conv_job *job, const conv_band *band, int64_t channels);
/* Band number `index`, counted with rows fastest, of the images first_image ... last_image-1. */
static inline conv_place conv_place_of(const conv_job *job, const conv_band *band, int64_t first_image,
                                       int64_t last_image, int64_t index) {
    const int64_t end[3] = {last_image, job->axis[0].count, job->axis[1].count};
    conv_place p = {.first[0] = first_image};
    for (int d = 2; d >= 0; d--) {
        p.first[d] += index % band->bands[d] * band->count[d];
        index /= band->bands[d];
        p.count[d] = end[d] - p.first[d] < band->count[d] ? end[d] - p.first[d] : band->count[d];
    }
    return p;
}
static inline int64_t conv_bands(const conv_band *b) { return b->bands[0] * b->bands[1] * b->bands[2]; }

/* Strides of the views of a band's places; base is not set. */
conv_view conv_strides(const conv_shape *shape, const conv_job *job, const conv_band *band, int64_t channels);
/* The view of channels first .. first+channels-1, copied to `copy` if the band is copied, as all are that become
 * pairs of channels. */
conv_view conv_look(const conv_shape *shape, const conv_job *job, const conv_band *band, const conv_place *place,
                    const float *from, int64_t first, int64_t channels, float *copy);

/* Copies what a band reads of one image, which begins at its first channel to be copied, as `v` says; IMAGE_PAIRS: pairs of
 * this image and the other, or 0 if it is NULL. */
void conv_copy_image(const conv_shape *shape, const conv_job *job, const conv_place *place, const conv_view *v,
                     const float *image, const float *other, int64_t channels, float *to);

/* Weights as panels: for each phase, group and panel [taps][from_each][columns of the panel, in whole vectors]; of pairs,
 * where channels are read in pairs. */
int64_t conv_packed_floats(const conv_shape *shape, const conv_job *job);
void conv_pack(const conv_shape *shape, const fv_conv_geom *g, const float *weights, float *packed, fv_pool *pool);

/* to[column*width + row] = from[row*stride + column] */
void conv_transpose(const float *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t width);
/* The same with the numbers of a row made pairs first: to[pair*width + row]. */
void conv_transpose_pairs(const float *from, int64_t stride, int64_t rows, int64_t numbers, float *to, int64_t width);
/* Pairs of rows: to[r/2*width + column] = (from[r*stride + column], from[(r+1)*stride + column]), an odd last row with 0, up to
 * whole vectors of columns. */
void conv_zip_rows(const float *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t width);

/* dbias = the sums of dy, a left fold over the slots; sums: working memory for FV_SLOTS * f floats. */
void conv_bias(const fv_call *call, const float *dy, float *sums, float *dbias);
static inline size_t conv_bias_bytes(const fv_conv_geom *g) {
    return ((size_t)(FV_SLOTS * g->f) * sizeof(float) + 63) & ~(size_t)63;
}

/* to[0..count) = from[0..count): calling memcpy for a few vectors takes longer than copying them. */
FV_INLINE void conv_copy(float *to, const float *from, int64_t count) {
    int64_t i = 0;
    for (; i + FV_LANES <= count; i += FV_LANES) vf_store(to + i, vf_load(from + i));
    for (; i < count; i++) to[i] = from[i];
}

/* The pool for so many multiply-adds: none where waking it would take longer than the work. */
static inline fv_pool *conv_pool(fv_pool *pool, int64_t multiply_adds) { return multiply_adds < 65536 ? NULL : pool; }

static inline int64_t conv_ceil(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t conv_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t conv_max(int64_t a, int64_t b) { return a > b ? a : b; }
/* Floats from row to row of a matrix in working memory: not a power of two, whose lines would share few sets of the
 * caches. */
static inline int64_t conv_row(int64_t floats) { return (floats + 15) / 16 * 16 + 16; }
static inline int64_t conv_panel_columns(const conv_shape *s, int64_t panel) {
    return conv_min(s->panel, s->columns - panel * s->panel);
}
static inline int64_t conv_vectors(int64_t columns) { return conv_ceil(columns, FV_LANES); }
static inline int64_t conv_last_lanes(int64_t columns) { return columns - (conv_vectors(columns) - 1) * FV_LANES; }

#endif
