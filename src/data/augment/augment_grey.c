#include "augment_arguments.h"

static void change(const fv_augment_call *call) {
    const fv_shot *shot = &call->shot;
    for (int64_t i = 0; i < shot->height * shot->width; i++) {
        float grey = fv_grey_of(shot, i), *x = shot->x + 3 * i;
        x[0] = x[1] = x[2] = grey;
    }
}

const fv_augment fv_augment_grey = {.name = "grey",
                                    .help = "without colour: 0.299 red + 0.587 green + 0.114 blue",
                                    .chance = 0.1,
                                    .takes = FV_TAKES_PICTURES,
                                    .lit = true,
                                    .colour = true,
                                    .change = change};
