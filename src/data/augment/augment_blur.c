#include <math.h>
#include <string.h>

#include "augment_arguments.h"
#include "augment_math.h"

enum { LEAST_TENTHS = 1, REACH = 3 }; /* sigma from 0.1 on; weights up to 3 sigma */

static int radius_of(double sigma) { return (int)ceil(REACH * sigma); }

static size_t room(const double *a, int64_t height, int64_t width, int channels) {
    int radius = radius_of(a[0]);
    return (size_t)(2 * radius + 1 + (height + 2 * radius) * width * channels + (width + 2 * radius) * channels);
}

static int64_t clamp(int64_t i, int64_t count) { return i < 0 ? 0 : i < count ? i : count - 1; }

static void add_row(float *restrict out, const float *restrict in, float weight, int64_t count) {
    for (int64_t i = 0; i < count; i++) out[i] += weight * in[i];
}

/* Along the rows into the room, then across them back into the picture; outside lies the nearest pixel. */
static void change(const fv_augment_call *call) {
    const fv_shot *shot = &call->shot;
    double sigma = fv_uniform_between(call->stream, 0.1 * LEAST_TENTHS, call->a[0]);
    int radius = radius_of(sigma);
    int64_t c = shot->channels, row = shot->width * c;
    float *weight = call->room, *rows = weight + 2 * radius + 1, *line = rows + shot->height * row;
    fv_gaussian(sigma, radius, weight);
    memset(rows, 0, (size_t)(shot->height * row) * sizeof *rows);
    for (int64_t y = 0; y < shot->height; y++) {
        for (int64_t x = -radius; x < shot->width + radius; x++)
            memcpy(line + (x + radius) * c, shot->x + y * row + clamp(x, shot->width) * c, (size_t)c * sizeof *line);
        for (int k = 0; k <= 2 * radius; k++) add_row(rows + y * row, line + k * c, weight[k], row);
    }
    memset(shot->x, 0, (size_t)(shot->height * row) * sizeof *shot->x);
    for (int64_t y = 0; y < shot->height; y++)
        for (int k = 0; k <= 2 * radius; k++)
            add_row(shot->x + y * row, rows + clamp(y + k - radius, shot->height) * row, weight[k], row);
}

const fv_augment fv_augment_blur = {.name = "blur",
                                    .help = "out of focus: a Gaussian blur",
                                    .arguments = {{.name = "sigma",
                                                   .help = "its deviation in pixels, drawn from 0.1 up to this",
                                                   .standard = 1,
                                                   .least = 0.1,
                                                   .most = 20}},
                                    .takes = FV_TAKES_PICTURES,
                                    .lit = true,
                                    .change = change,
                                    .room = room};
