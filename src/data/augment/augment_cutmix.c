/* Yun et al. 2019: a rectangle comes from another sample of the batch; labels count by area. */
#include <math.h>

#include "augment_arguments.h"
#include "augment_math.h"

/* A part of `count` around a middle anywhere. */
static void place(fv_stream *stream, int64_t count, double part, int64_t *from, int64_t *length) {
    int64_t cut = (int64_t)((double)count * part), middle = (int64_t)fv_below(stream, (uint64_t)count);
    int64_t end = middle - cut / 2 + cut;
    *from = middle - cut / 2 > 0 ? middle - cut / 2 : 0;
    *length = (end < count ? end : count) - *from;
}

static void mix(const fv_augment_call *call, fv_mixing *mixing) {
    double part = sqrt(1 - fv_draw_beta(call->stream, call->a[0]));
    *mixing = (fv_mixing){.own = 1};
    place(call->stream, call->shot.height, part, &mixing->top, &mixing->height);
    place(call->stream, call->shot.width, part, &mixing->left, &mixing->width);
}

const fv_augment fv_augment_cutmix = {
    .name = "cutmix",
    .help = "a rectangle from another sample of the batch, labels by area (Yun et al. 2019)",
    .arguments = {{.name = "alpha",
                   .help = "areas by the beta distribution of this: 1 is uniform",
                   .standard = 1,
                   .least = 0.01,
                   .most = 100}},
    .takes = FV_TAKES_PICTURES,
    .mix = mix};
