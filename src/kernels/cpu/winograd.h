/* winograd.h - 3x3 convolution of stride 1 by Winograd's minimal filtering (Lavin and Gray 2015): m x m results of a
 * tile from (m+2) x (m+2) products for each pair of channels, instead of 9 m^2.
 *
 *     y = A' [ (G g G') . (B' d B) ] A        dg = G' [ sum over tiles of (B' d B) . (A dy A') ] G
 *
 * where . are products at each of the (m+2)^2 positions, summed over channels: matrix products for the register tiles.
 * F(2x2) is as accurate as direct sums, F(4x4) about five times worse. The transforms here are of one dimension, over
 * vectors of channels; `m` is always a constant.
 */
#ifndef FV_CPU_WINOGRAD_H
#define FV_CPU_WINOGRAD_H

#include "conv_shape.h"
#include "pairs.h"

enum { WINOGRAD_SIDE = 6, WINOGRAD_POSITIONS = WINOGRAD_SIDE * WINOGRAD_SIDE };
/* Products of channels from which on the matrices of all positions no longer fit into the caches. */
enum { WINOGRAD_WIDE = 256 * 256 };

/* A picture cut into tiles of m x m results, and the positions that they read. */
typedef struct winograd {
    int m, side, positions;
    bool pairs;     /* products of bf16: transformed numbers become pairs (pairs.h) */
    int64_t planes; /* of a sample: its depth */
    int64_t from[2], to[2], pad[2];
    int64_t from_c, to_c, from_pixel, to_pixel;
    int64_t across, tiles; /* tiles in a row, in a plane */
    bool turned;           /* weights taken last first */
} winograd;

#define winograd_of FV_SYMBOL(winograd_of)
#define winograd_can FV_SYMBOL(winograd_can)
winograd winograd_of(const fv_conv_geom *g, int m, bool backward, bool pairs);
/* Whether F(m x m) can do the geometry, and with fewer products than what follows it in the list. */
bool winograd_can(const fv_geom *geom, int m, bool backward);
/* Whether pairs are wanted and can be multiplied. */
static inline bool winograd_pairs_can(const fv_geom *geom, bool pairs) {
    return !pairs || (geom->bf16 && pairs_are_fast());
}

/* Tile number `tile` of a batch: its plane, counted over all samples, and its first result. */
typedef struct winograd_place {
    int64_t plane, y, x;
} winograd_place;
FV_INLINE winograd_place winograd_place_of(const winograd *w, int64_t tile) {
    const int64_t in_plane = tile % w->tiles;
    return (winograd_place){tile / w->tiles, in_plane / w->across * w->m, in_plane % w->across * w->m};
}

/* ---- one dimension -------------------------------------------------------------------------------------------------
 */

/* B' d: m+2 -> m+2 */
FV_INLINE void winograd_source(const int m, const vf *d, vf *to) {
    if (m == 2) {
        to[0] = d[0] - d[2];
        to[1] = d[1] + d[2];
        to[2] = d[2] - d[1];
        to[3] = d[1] - d[3];
        return;
    }
    const vf two = vf_all(2), four = vf_all(4), five = vf_all(5);
    const vf even = d[4] - four * d[2], odd = d[3] - four * d[1];
    const vf near = d[4] - d[2], far = two * (d[3] - d[1]);
    to[0] = four * d[0] - five * d[2] + d[4];
    to[1] = even + odd;
    to[2] = even - odd;
    to[3] = near + far;
    to[4] = near - far;
    to[5] = four * d[1] - five * d[3] + d[5];
}

/* A' p: m+2 -> m */
FV_INLINE void winograd_result(const int m, const vf *p, vf *to) {
    if (m == 2) {
        to[0] = p[0] + p[1] + p[2];
        to[1] = p[1] - p[2] - p[3];
        return;
    }
    const vf sum_1 = p[1] + p[2], sum_2 = p[3] + p[4], gap_1 = p[1] - p[2], gap_2 = p[3] - p[4];
    to[0] = p[0] + sum_1 + sum_2;
    to[1] = gap_1 + vf_all(2) * gap_2;
    to[2] = sum_1 + vf_all(4) * sum_2;
    to[3] = gap_1 + vf_all(8) * gap_2 + p[5];
}

/* G g: 3 -> m+2 */
FV_INLINE void winograd_weights(const int m, const vf *g, vf *to) {
    const vf ends = g[0] + g[2];
    if (m == 2) {
        to[0] = g[0];
        to[1] = vf_all(0.5f) * (ends + g[1]);
        to[2] = vf_all(0.5f) * (ends - g[1]);
        to[3] = g[2];
        return;
    }
    const vf sixth = vf_all(1.0f / 6), far = g[0] * vf_all(1.0f / 24) + g[2] * sixth, middle = g[1] * vf_all(1.0f / 12);
    to[0] = vf_all(0.25f) * g[0];
    to[1] = -sixth * (ends + g[1]);
    to[2] = -sixth * (ends - g[1]);
    to[3] = far + middle;
    to[4] = far - middle;
    to[5] = g[2];
}

/* A dy: m -> m+2. Position (1, 1) of a tile is the sum of its dy. */
FV_INLINE void winograd_result_back(const int m, const vf *d, vf *to) {
    to[0] = d[0];
    if (m == 2) {
        to[1] = d[0] + d[1];
        to[2] = d[0] - d[1];
        to[3] = -d[1];
        return;
    }
    const vf even = d[0] + d[2], odd = d[1] + d[3];
    const vf even_far = d[0] + vf_all(4) * d[2], odd_far = vf_all(2) * d[1] + vf_all(8) * d[3];
    to[1] = even + odd;
    to[2] = even - odd;
    to[3] = even_far + odd_far;
    to[4] = even_far - odd_far;
    to[5] = d[3];
}

/* G' s: m+2 -> 3 */
FV_INLINE void winograd_weights_back(const int m, const vf *s, vf *to) {
    const vf sum_1 = s[1] + s[2], gap_1 = s[1] - s[2];
    if (m == 2) {
        to[0] = s[0] + vf_all(0.5f) * sum_1;
        to[1] = vf_all(0.5f) * gap_1;
        to[2] = s[3] + vf_all(0.5f) * sum_1;
        return;
    }
    const vf sixth = vf_all(1.0f / 6), sum_2 = s[3] + s[4], gap_2 = s[3] - s[4];
    to[0] = vf_all(0.25f) * s[0] - sixth * sum_1 + vf_all(1.0f / 24) * sum_2;
    to[1] = vf_all(1.0f / 12) * gap_2 - sixth * gap_1;
    to[2] = s[5] + sixth * (sum_2 - sum_1);
}

/* ---- two dimensions ------------------------------------------------------------------------------------------------
 */

typedef void (*winograd_line)(const int m, const vf *from, vf *to);

/* to[i][j] = the transform of from[i][j] along both dimensions, rows x rows -> count x count. */
FV_INLINE void winograd_both(winograd_line line, const int m, const int rows, const int count,
                             vf from[WINOGRAD_SIDE][WINOGRAD_SIDE], vf to[WINOGRAD_SIDE][WINOGRAD_SIDE]) {
    vf half[WINOGRAD_SIDE][WINOGRAD_SIDE];
    FV_UNROLL
    for (int j = 0; j < rows; j++) {
        vf column[WINOGRAD_SIDE], made[WINOGRAD_SIDE];
        FV_UNROLL
        for (int i = 0; i < rows; i++) column[i] = from[i][j];
        line(m, column, made);
        FV_UNROLL
        for (int i = 0; i < count; i++) half[i][j] = made[i];
    }
    FV_UNROLL
    for (int i = 0; i < count; i++) line(m, half[i], to[i]);
}

/* The addresses of the cells of a square of a plane whose first one is (y, x); `zero` for those outside it. */
FV_INLINE void winograd_cells(const int side, const float *plane, const int64_t size[2], int64_t pixel, int64_t y,
                              int64_t x, const float *zero, const float **cell) {
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++, cell++) {
            const bool inside = y + i >= 0 && y + i < size[0] && x + j >= 0 && x + j < size[1];
            *cell = inside ? plane + ((y + i) * size[1] + x + j) * pixel : zero;
        }
}

/* How transformed numbers are kept: as they are, as pairs of channels, or as pairs of tiles, the second of which is 0. */
typedef enum winograd_keep { WINOGRAD_NUMBERS, WINOGRAD_CHANNEL_PAIRS, WINOGRAD_ALONE_IN_PAIR } winograd_keep;

FV_INLINE void winograd_store(const winograd_keep keep, float *to, int64_t c, vf v) {
    if (keep == WINOGRAD_NUMBERS) vf_store(to + c, v);
    if (keep == WINOGRAD_CHANNEL_PAIRS) pairs_store(to + c / 2, v);
    if (keep == WINOGRAD_ALONE_IN_PAIR) vf_store(to + c, pairs_zip(v, vf_zero()));
}

/* Transforms a square of cells for a vector of channels. `ahead` floats from here are the cells of a tile that comes soon: the
 * processor does not guess so many short runs, and transforms of few channels took most of their time waiting for them. */
FV_INLINE void winograd_vector(winograd_line line, const int m, const int rows, const float *const *cell, int64_t c,
                               int64_t ahead, int64_t lanes, vf made[WINOGRAD_SIDE][WINOGRAD_SIDE]) {
    vf d[WINOGRAD_SIDE][WINOGRAD_SIDE];
    FV_UNROLL
    for (int i = 0; i < rows; i++) FV_UNROLL
    for (int j = rows - m; j < rows; j++) __builtin_prefetch(cell[i * rows + j] + c + ahead);
    FV_UNROLL
    for (int i = 0; i < rows; i++) FV_UNROLL
    for (int j = 0; j < rows; j++) d[i][j] = vf_load_lanes(cell[i * rows + j] + c, lanes);
    winograd_both(line, m, rows, m + 2, d, made);
}

/* The same for all channels: position p goes to to[p*step]. */
FV_INLINE void winograd_transform(winograd_line line, const int m, const int rows, const winograd_keep keep,
                                  const float *const *cell, int64_t ahead, int64_t channels, float *to, int64_t step) {
    const int side = m + 2;
    FV_EACH_VECTOR(channels, c, lanes, {
        vf made[WINOGRAD_SIDE][WINOGRAD_SIDE];
        winograd_vector(line, m, rows, cell, c, ahead, lanes, made);
        FV_UNROLL
        for (int i = 0; i < side; i++) FV_UNROLL
        for (int j = 0; j < side; j++) winograd_store(keep, to + (i * side + j) * step, c, made[i][j]);
    });
}

/* The same for two squares, kept as pairs of their numbers. */
FV_INLINE void winograd_transform_two(winograd_line line, const int m, const int rows, const float *const *one,
                                      const float *const *two, int64_t ahead, int64_t channels, float *to,
                                      int64_t step) {
    const int side = m + 2;
    FV_EACH_VECTOR(channels, c, lanes, {
        vf first[WINOGRAD_SIDE][WINOGRAD_SIDE], second[WINOGRAD_SIDE][WINOGRAD_SIDE];
        winograd_vector(line, m, rows, one, c, ahead, lanes, first);
        winograd_vector(line, m, rows, two, c, ahead, lanes, second);
        FV_UNROLL
        for (int i = 0; i < side; i++) FV_UNROLL
        for (int j = 0; j < side; j++) vf_store(to + (i * side + j) * step + c, pairs_zip(first[i][j], second[i][j]));
    });
}

#endif
