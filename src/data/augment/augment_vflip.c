#include "augment.h"

static fv_warp move(const fv_augment_call *call) {
    return fv_warp_mirror(false, true, call->shot.height, call->shot.width);
}

static int views(const double *a, int64_t height, int64_t width, fv_view out[FV_MAX_VIEWS]) {
    (void)a;
    out[0] = (fv_view){fv_warp_none(), 0.5};
    out[1] = (fv_view){fv_warp_mirror(false, true, height, width), 0.5};
    return 2;
}

const fv_augment fv_augment_vflip = {.name = "vflip",
                                     .help = "top and bottom change places",
                                     .chance = 0.5,
                                     .takes = FV_TAKES_PICTURES,
                                     .mirrors = true,
                                     .move = move,
                                     .views = views};
