/* DeVries and Taylor 2017: the middle of the square lies anywhere in the picture, so that it may stick out. */
#include "augment.h"

enum { SIDE, FILL };

static void change(const fv_augment_call *call) {
    const fv_shot *shot = &call->shot;
    int64_t side = (int64_t)call->a[SIDE];
    int64_t top = (int64_t)fv_below(call->stream, (uint64_t)shot->height) - side / 2;
    int64_t left = (int64_t)fv_below(call->stream, (uint64_t)shot->width) - side / 2;
    int64_t bottom = top + side < shot->height ? top + side : shot->height;
    int64_t right = left + side < shot->width ? left + side : shot->width;
    if (left < 0) left = 0;
    for (int64_t y = top > 0 ? top : 0; y < bottom; y++)
        for (int64_t i = (y * shot->width + left) * shot->channels; i < (y * shot->width + right) * shot->channels; i++)
            shot->x[i] = (float)call->a[FILL];
}

const fv_augment fv_augment_cutout = {
    .name = "cutout",
    .help = "a square somewhere is blotted out (DeVries and Taylor 2017)",
    .arguments =
        {{.name = "side", .help = "of the square, in pixels", .standard = 8, .least = 1, .most = 10000, .whole = true},
         {.name = "fill", .help = "what it holds, as the net sees it", .least = -1000, .most = 1000}},
    .takes = FV_TAKES_PICTURES,
    .change = change};
