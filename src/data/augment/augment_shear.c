#include "augment_arguments.h"
#include "augment_math.h"

enum { DEGREES, BORDER };

static fv_warp move(const fv_augment_call *call) {
    double s, c;
    fv_sine_cosine(fv_uniform_between(call->stream, -call->a[DEGREES], call->a[DEGREES]), &s, &c);
    return fv_warp_affine((const double[4]){1, s / c, 0, 1}, 0, 0, call->shot.height, call->shot.width,
                          call->a[BORDER]);
}

const fv_augment fv_augment_shear = {
    .name = "shear",
    .help = "leaned to a side: what was upright stands at an angle",
    .arguments = {{.name = "degrees", .help = "at most so far", .standard = 10, .most = 60}, FV_AUGMENT_BORDER},
    .takes = FV_TAKES_PICTURES,
    .move = move};
