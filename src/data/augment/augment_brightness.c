#include "augment_arguments.h"

static void change(const fv_augment_call *call) {
    const fv_shot *shot = &call->shot;
    float factor = (float)fv_uniform_between(call->stream, 1 - call->a[0], 1 + call->a[0]);
    for (int64_t i = 0; i < shot->height * shot->width * shot->channels; i++) shot->x[i] *= factor;
}

const fv_augment fv_augment_brightness = {.name = "brightness",
                                          .help = "all light times a factor",
                                          .arguments = {FV_AUGMENT_PART(0.2, 1, "times 1 - part to 1 + part")},
                                          .takes = FV_TAKES_PICTURES,
                                          .lit = true,
                                          .change = change};
