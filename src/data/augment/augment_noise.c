#include "augment_arguments.h"
#include "augment_math.h"

static void change(const fv_augment_call *call) {
    enum { PIECE = 256 };
    const fv_shot *shot = &call->shot;
    float numbers[PIECE], deviation = (float)call->a[0];
    int64_t count = shot->height * shot->width * shot->channels;
    for (int64_t at = 0; at < count; at += PIECE) {
        int64_t n = count - at < PIECE ? count - at : PIECE;
        fv_draw_normals(call->stream, numbers, n);
        for (int64_t i = 0; i < n; i++) shot->x[at + i] += deviation * numbers[i];
    }
}

const fv_augment fv_augment_noise = {.name = "noise",
                                     .help = "Gaussian noise on every number",
                                     .arguments = {{.name = "deviation",
                                                    .help = "of the noise; black is 0 and white is 1",
                                                    .standard = 0.05,
                                                    .most = 10}},
                                     .takes = FV_TAKES_PICTURES,
                                     .lit = true,
                                     .change = change};
