/* conv_groups.h - convolution in groups that are narrower than a vector.
 *
 * The lanes of a vector are the results of several groups side by side (a panel), and every lane multiplies channels of
 * its own group: source channel j of each lane's group is picked out of one vector that holds the channels of all of
 * them.
 *
 * A band of source rows is copied first, panel by panel: the channels of a panel's groups fill one vector a pixel, with a
 * border of zeros, and pixels a stride apart lie side by side. So every tap of neighbouring results is a run of whole
 * vectors, whatever the channels, the stride or the padding.
 */
#ifndef FV_CPU_CONV_GROUPS_H
#define FV_CPU_CONV_GROUPS_H

#include "conv_shape.h"

/* How lanes and channels go together. */
typedef struct group_lanes {
    int64_t from_each, to_each;   /* channels of a group */
    int64_t from_width, to_width; /* channels of a panel */
    int64_t panels;
} group_lanes;

/* How source positions are laid out: sizes of a band's copy of one panel, in positions. */
typedef struct group_copy {
    int64_t depth, height, width;
    int64_t stride, phase; /* a row holds `stride` phases of `phase` positions: x is at x % stride, x / stride */
    int64_t floats;        /* from panel to panel */
} group_copy;

/* One source of copies: a tensor's sizes, and how many of its channels a panel takes. */
typedef struct group_source {
    const float *from;
    int64_t size[3], pixel, channels, each;
} group_source;

#define depthwise_can FV_SYMBOL(depthwise_can)
#define group_can FV_SYMBOL(group_can)
#define group_lanes_of FV_SYMBOL(group_lanes_of)
#define group_copy_of FV_SYMBOL(group_copy_of)
#define group_take FV_SYMBOL(group_take)

/* One channel in, one out, in every group (conv_depthwise.c). */
bool depthwise_can(const fv_geom *geom);
/* At least two groups fill a vector. */
bool group_can(const fv_geom *geom);
group_lanes group_lanes_of(const conv_shape *s, const fv_conv_geom *g);
/* For `rows` results of one plane along y. */
group_copy group_copy_of(const conv_job *job, int64_t rows);
static inline int64_t group_position(const group_copy *c, int64_t z, int64_t y, int64_t x) {
    return ((z * c->height + y) * c->stride + x % c->stride) * c->phase + x / c->stride;
}

/* Channels of panels `panel` ... panel+panels-1 from position (z, y, x) of an image on. */
void group_take(const group_source *from, const group_copy *c, int64_t image, const int64_t at[3], int64_t panel,
                int64_t panels, float *to);

/* Where in a pixel's vector each result lane finds source channel 0 of its group. */
FV_INLINE vi group_index(const group_lanes *l) {
    vi index = {0};
    for (int i = 0; i < FV_LANES && i < l->to_width; i++) index[i] = (int32_t)(i / l->to_each * l->from_each);
    return index;
}

static inline size_t group_aligned(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

#endif
