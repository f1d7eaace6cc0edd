/* Szegedy et al. 2015, section 6: a piece of any size and nearly any shape, resized to the whole. */
#include <math.h>

#include "augment_arguments.h"

enum { LEAST, MOST, RATIO };

static fv_warp move(const fv_augment_call *call) {
    fv_stream *stream = call->stream;
    double least = call->a[LEAST] < call->a[MOST] ? call->a[LEAST] : call->a[MOST];
    double area = fv_uniform_between(stream, least, call->a[MOST]);
    double ratio = fv_uniform_between(stream, 1, call->a[RATIO]);
    if (fv_next(stream) & 1) ratio = 1 / ratio;
    double width = sqrt(area * ratio), height = sqrt(area / ratio);
    width = width < 1 ? width : 1;
    height = height < 1 ? height : 1;
    double w = (double)call->shot.width, h = (double)call->shot.height;
    double dx = 0.5 * (1 - width) * w * fv_uniform_between(stream, -1, 1);
    double dy = 0.5 * (1 - height) * h * fv_uniform_between(stream, -1, 1);
    return fv_warp_affine((const double[4]){width, 0, 0, height}, dx, dy, call->shot.height, call->shot.width,
                          FV_BORDER_EDGE);
}

const fv_augment fv_augment_resized_crop = {
    .name = "resized_crop",
    .help = "a piece from anywhere, resized to the whole (Szegedy et al. 2015)",
    .arguments = {{.name = "least", .help = "least part of the area", .standard = 0.08, .least = 0.001, .most = 1},
                  {.name = "most", .help = "largest part of the area", .standard = 1, .least = 0.001, .most = 1},
                  {.name = "ratio", .help = "of the sides, at most", .standard = 4.0 / 3, .least = 1, .most = 10}},
    .takes = FV_TAKES_PICTURES,
    .move = move};
