#include "augment.h"

enum { PIXELS, BORDER };
static const double upright[4] = {1, 0, 0, 1};

static fv_warp move(const fv_augment_call *call) {
    double dx = fv_whole_around(call->stream, call->a[PIXELS]), dy = fv_whole_around(call->stream, call->a[PIXELS]);
    return fv_warp_affine(upright, dx, dy, call->shot.height, call->shot.width, call->a[BORDER]);
}

/* As in Jordan 2024: the picture itself counts half, its copies up left and down right a quarter each. */
static int views(const double *a, int64_t height, int64_t width, fv_view out[FV_MAX_VIEWS]) {
    double p = a[PIXELS];
    out[0] = (fv_view){fv_warp_none(), 0.5};
    out[1] = (fv_view){fv_warp_affine(upright, p, p, height, width, a[BORDER]), 0.25};
    out[2] = (fv_view){fv_warp_affine(upright, -p, -p, height, width, a[BORDER]), 0.25};
    return 3;
}

const fv_augment fv_augment_shift = {
    .name = "shift",
    .help = "whole pixels up or down and to a side",
    .arguments = {{.name = "pixels", .help = "at most so far", .standard = 2, .most = 1000, .whole = true},
                  {.name = "border",
                   .help = "what comes in from outside",
                   .standard = FV_BORDER_EDGE,
                   .least = -1000,
                   .most = 1000,
                   .border = true}},
    .takes = FV_TAKES_PICTURES,
    .move = move,
    .views = views};
