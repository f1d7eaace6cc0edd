#include "augment_arguments.h"
#include "augment_math.h"

enum { DEGREES, BORDER };

static fv_warp move(const fv_augment_call *call) {
    double s, c;
    fv_sine_cosine(fv_uniform_between(call->stream, -call->a[DEGREES], call->a[DEGREES]), &s, &c);
    return fv_warp_affine((const double[4]){c, s, -s, c}, 0, 0, call->shot.height, call->shot.width, call->a[BORDER]);
}

const fv_augment fv_augment_rotate = {
    .name = "rotate",
    .help = "turned around the middle, either way",
    .arguments = {{.name = "degrees", .help = "at most so far", .standard = 15, .most = 180}, FV_AUGMENT_BORDER},
    .takes = FV_TAKES_PICTURES,
    .move = move};
