/* Simard, Steinkraus and Platt 2003: every pixel is displaced by uniform noise of -1 to 1, smoothed by a Gaussian of deviation
 * sigma, times alpha. The noise is drawn and smoothed on a grid with points every sigma/2 pixels, where it is as strong as
 * smoothing at every pixel would leave it; it is bilinear between them. */
#include <math.h>
#include <string.h>

#include "augment_arguments.h"
#include "augment_math.h"

enum { ALPHA, SIGMA, BORDER };

typedef struct grid {
    int64_t step, radius;          /* pixels between points; points that the Gaussian reaches */
    int64_t rows, columns;         /* of points for the picture */
    int64_t all_rows, all_columns; /* with those around it */
} grid;

static grid plan_grid(double sigma, int64_t height, int64_t width) {
    grid g = {.step = sigma >= 2 ? (int64_t)(sigma / 2) : 1};
    g.radius = (int64_t)ceil(3 * sigma / (double)g.step);
    g.rows = (height - 1) / g.step + 2;
    g.columns = (width - 1) / g.step + 2;
    g.all_rows = g.rows + 2 * g.radius;
    g.all_columns = g.columns + 2 * g.radius;
    return g;
}

static size_t room(const double *a, int64_t height, int64_t width, int channels) {
    (void)channels;
    grid g = plan_grid(a[SIGMA], height, width);
    return (size_t)(2 * g.radius + 1 + 4 + 3 * g.all_rows * g.all_columns + g.rows * g.columns + g.rows * width +
                    2 * height * width);
}

/* Smooths along a row, or across rows that lie `pitch` apart: out[i] = sum of weight[k] * in[i + k*pitch]. */
static void smooth(const float *restrict in, float *restrict out, int64_t count, int64_t pitch, const float *weight,
                   int64_t taps) {
    memset(out, 0, (size_t)count * sizeof *out);
    for (int64_t k = 0; k < taps; k++) {
        const float *from = in + k * pitch;
        float w = weight[k];
        for (int64_t i = 0; i < count; i++) out[i] += w * from[i];
    }
}

/* Points to pixels along a row. */
static void widen(const float *in, float *out, int64_t width, int64_t step) {
    float part = 1 / (float)step;
    for (int64_t x = 0, j = 0; x < width; x += step, j++) {
        float a = in[j], slope = (in[j + 1] - a) * part;
        for (int64_t q = 0; q < step && x + q < width; q++) out[x + q] = a + slope * (float)q;
    }
}

/* One component of the displacement from noise to pixels. `rest` is memory for what comes in between. */
static void make_component(const grid *g, const float *noise, const float *weight, float *rest, float *out,
                           int64_t height, int64_t width) {
    int64_t taps = 2 * g->radius + 1;
    float *along = rest, *points = along + g->all_rows * g->columns, *wide = points + g->rows * g->columns;
    for (int64_t r = 0; r < g->all_rows; r++)
        smooth(noise + r * g->all_columns, along + r * g->columns, g->columns, 1, weight, taps);
    for (int64_t r = 0; r < g->rows; r++) {
        smooth(along + r * g->columns, points + r * g->columns, g->columns, g->columns, weight, taps);
        widen(points + r * g->columns, wide + r * width, width, g->step);
    }
    for (int64_t y = 0; y < height; y++) {
        const float *above = wide + y / g->step * width, *below = above + width;
        float part = (float)(y % g->step) / (float)g->step;
        for (int64_t x = 0; x < width; x++) out[y * width + x] = above[x] + part * (below[x] - above[x]);
    }
}

static fv_warp move(const fv_augment_call *call) {
    int64_t height = call->shot.height, width = call->shot.width;
    grid g = plan_grid(call->a[SIGMA], height, width);
    int64_t count = g.all_rows * g.all_columns;
    float *dx = call->room, *dy = dx + height * width, *noise_x = dy + height * width, *noise_y = noise_x + count;
    float *weight = noise_y + count + 4, *rest = weight + 2 * g.radius + 1;
    float scale = (float)(call->a[ALPHA] / (32768.0 * (double)g.step));
    uint32_t words[256];
    fv_gaussian(call->a[SIGMA] / (double)g.step, (int)g.radius, weight);
    for (int64_t at = 0; at < count; at += 256) { /* 16 bits a number */
        int64_t n = count - at < 256 ? count - at : 256;
        fv_draw_words(call->stream, words, n);
        for (int64_t i = 0; i < n; i++) {
            noise_x[at + i] = scale * ((float)(int32_t)(words[i] >> 16) - 32767.5f);
            noise_y[at + i] = scale * ((float)(int32_t)(words[i] & 0xffff) - 32767.5f);
        }
    }
    make_component(&g, noise_x, weight, rest, dx, height, width);
    make_component(&g, noise_y, weight, rest, dy, height, width);
    fv_warp warp = fv_warp_none();
    warp.bend = (fv_bend){dx, dy};
    warp.moves = warp.bordered = true;
    warp.border = call->a[BORDER];
    return warp;
}

const fv_augment fv_augment_elastic = {
    .name = "elastic",
    .help = "bent as if drawn on rubber (Simard et al. 2003)",
    .arguments = {{.name = "alpha", .help = "how strongly", .standard = 34, .most = 10000},
                  {.name = "sigma", .help = "how smoothly, in pixels", .standard = 4, .least = 0.5, .most = 100},
                  FV_AUGMENT_BORDER},
    .takes = FV_TAKES_PICTURES,
    .move = move,
    .room = room};
