#include "augment_arguments.h"

static void change(const fv_augment_call *call) {
    const fv_shot *shot = &call->shot;
    float factor = (float)fv_uniform_between(call->stream, 1 - call->a[0], 1 + call->a[0]);
    for (int64_t i = 0; i < shot->height * shot->width; i++) {
        float grey = fv_grey_of(shot, i), *x = shot->x + 3 * i;
        for (int c = 0; c < 3; c++) x[c] = grey + factor * (x[c] - grey);
    }
}

const fv_augment fv_augment_saturation = {.name = "saturation",
                                          .help = "colours nearer to or farther from grey",
                                          .arguments = {FV_AUGMENT_PART(0.2, 1, "times 1 - part to 1 + part")},
                                          .takes = FV_TAKES_PICTURES,
                                          .lit = true,
                                          .colour = true,
                                          .change = change};
