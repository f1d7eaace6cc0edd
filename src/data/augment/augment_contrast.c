#include "augment_arguments.h"

static void change(const fv_augment_call *call) {
    const fv_shot *shot = &call->shot;
    float factor = (float)fv_uniform_between(call->stream, 1 - call->a[0], 1 + call->a[0]);
    int64_t pixels = shot->height * shot->width;
    double sum = 0;
    for (int64_t i = 0; i < pixels; i++) sum += (double)fv_grey_of(shot, i);
    float mean = (float)(sum / (double)pixels);
    for (int64_t i = 0; i < pixels * shot->channels; i++) shot->x[i] = mean + factor * (shot->x[i] - mean);
}

const fv_augment fv_augment_contrast = {.name = "contrast",
                                        .help = "nearer to or farther from the mean grey of the picture",
                                        .arguments = {FV_AUGMENT_PART(0.2, 1, "times 1 - part to 1 + part")},
                                        .takes = FV_TAKES_PICTURES,
                                        .lit = true,
                                        .change = change};
