/* He et al. 2015, section 4.2: 4 pixels are padded on each side, and a piece of the old size is cut out anywhere. */
#include "augment.h"

enum { PADDING, BORDER };

static fv_warp move(const fv_augment_call *call) {
    static const double upright[4] = {1, 0, 0, 1};
    double dx = fv_whole_around(call->stream, call->a[PADDING]), dy = fv_whole_around(call->stream, call->a[PADDING]);
    return fv_warp_affine(upright, dx, dy, call->shot.height, call->shot.width, call->a[BORDER]);
}

const fv_augment fv_augment_crop = {
    .name = "crop",
    .help = "a frame around the picture, then a piece of its size from anywhere (He et al. 2015)",
    .arguments =
        {{.name = "padding", .help = "pixels of the frame on each side", .standard = 4, .most = 1000, .whole = true},
         {.name = "border",
          .help = "what the frame holds",
          .standard = 0,
          .least = -1000,
          .most = 1000,
          .border = true}},
    .takes = FV_TAKES_PICTURES,
    .move = move};
