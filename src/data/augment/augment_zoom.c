#include "augment_arguments.h"

enum { PART, BORDER };

static fv_warp move(const fv_augment_call *call) {
    double k = 1 / fv_uniform_between(call->stream, 1 - call->a[PART], 1 + call->a[PART]);
    return fv_warp_affine((const double[4]){k, 0, 0, k}, 0, 0, call->shot.height, call->shot.width, call->a[BORDER]);
}

const fv_augment fv_augment_zoom = {
    .name = "zoom",
    .help = "larger or smaller around the middle",
    .arguments = {FV_AUGMENT_PART(0.1, 0.9, "times 1 - part to 1 + part"), FV_AUGMENT_BORDER},
    .takes = FV_TAKES_PICTURES,
    .move = move};
