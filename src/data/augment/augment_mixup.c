/* Zhang et al. 2018: a sample and another one of the batch, overlaid; so are their labels. */
#include "augment_arguments.h"
#include "augment_math.h"

static void mix(const fv_augment_call *call, fv_mixing *mixing) {
    *mixing = (fv_mixing){.own = fv_draw_beta(call->stream, call->a[0])};
}

const fv_augment fv_augment_mixup = {
    .name = "mixup",
    .help = "overlaid with another sample of the batch, labels too (Zhang et al. 2018)",
    .arguments = {{.name = "alpha",
                   .help = "shares by the beta distribution of this: small ones mix little",
                   .standard = 0.2,
                   .least = 0.01,
                   .most = 100}},
    .takes = FV_TAKES_PICTURES | FV_TAKES_SOUND,
    .mix = mix};
