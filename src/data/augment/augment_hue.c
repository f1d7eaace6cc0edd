/* Colours are turned around the grey axis in the YIQ space of colour television (NTSC 1953), which keeps their grey. */
#include "augment_arguments.h"
#include "augment_math.h"

/* Chroma (I, Q) from red, green, blue, and back. */
static const double chroma[2][3] = {{0.596, -0.274, -0.322}, {0.211, -0.523, 0.312}};
static const double back[3][2] = {{0.956, 0.621}, {-0.272, -0.647}, {-1.106, 1.703}};

static void change(const fv_augment_call *call) {
    const fv_shot *shot = &call->shot;
    double s, c;
    int red = shot->light->bgr ? 2 : 0, blue = 2 - red;
    fv_sine_cosine(360 * fv_uniform_between(call->stream, -call->a[0], call->a[0]), &s, &c);
    for (int64_t i = 0; i < shot->height * shot->width; i++) {
        float *x = shot->x + 3 * i, grey = fv_grey_of(shot, i);
        double r = (double)x[red], g = (double)x[1], b = (double)x[blue];
        double p = chroma[0][0] * r + chroma[0][1] * g + chroma[0][2] * b;
        double q = chroma[1][0] * r + chroma[1][1] * g + chroma[1][2] * b;
        double u = c * p - s * q, v = s * p + c * q;
        x[red] = grey + (float)(back[0][0] * u + back[0][1] * v);
        x[1] = grey + (float)(back[1][0] * u + back[1][1] * v);
        x[blue] = grey + (float)(back[2][0] * u + back[2][1] * v);
    }
}

const fv_augment fv_augment_hue = {
    .name = "hue",
    .help = "colours turned around the circle of colours",
    .arguments = {{.name = "turn", .help = "at most so much of a turn, either way", .standard = 0.05, .most = 0.5}},
    .takes = FV_TAKES_PICTURES,
    .lit = true,
    .colour = true,
    .change = change};
