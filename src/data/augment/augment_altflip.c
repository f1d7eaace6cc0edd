/* Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU", section 3.6: in the first epoch the mirror image of a random
 * half, then each epoch of the ones that were not mirrored in the epoch before. Two epochs see both sides of every picture. */
#include "augment.h"

static fv_warp move(const fv_augment_call *call) {
    bool mirrored = (fv_next(call->stream) + (uint64_t)call->epoch) & 1;
    return mirrored ? fv_warp_mirror(true, false, call->shot.height, call->shot.width) : fv_warp_none();
}

const fv_augment fv_augment_altflip = {.name = "altflip",
                                       .help = "every second epoch the mirror image, each half of the samples in turn",
                                       .takes = FV_TAKES_PICTURES,
                                       .mirrors = true,
                                       .steady = true,
                                       .move = move};
