/* The picture as it is seen at an angle: its corners come from places near the old corners. The matrix from a unit square to four
 * points is Heckbert's (1989, "Fundamentals of texture mapping and image warping", section 2.2.3). */
#include "augment_arguments.h"

enum { PART, BORDER };

/* Corners in the order (0,0), (1,0), (1,1), (0,1). */
static void from_square(const double x[4], const double y[4], double m[9]) {
    double ax = x[1] - x[2], bx = x[3] - x[2], sx = x[0] - x[1] + x[2] - x[3];
    double ay = y[1] - y[2], by = y[3] - y[2], sy = y[0] - y[1] + y[2] - y[3];
    double determinant = ax * by - bx * ay; /* of corners that stay in their quarters it is not 0 */
    double g = (sx * by - bx * sy) / determinant, h = (ax * sy - sx * ay) / determinant;
    const double out[9] = {x[1] - x[0] + g * x[1],
                           x[3] - x[0] + h * x[3],
                           x[0],
                           y[1] - y[0] + g * y[1],
                           y[3] - y[0] + h * y[3],
                           y[0],
                           g,
                           h,
                           1};
    for (int i = 0; i < 9; i++) m[i] = out[i];
}

static fv_warp move(const fv_augment_call *call) {
    double right = (double)(call->shot.width - 1), bottom = (double)(call->shot.height - 1), m[9];
    double x[4] = {0, right, right, 0}, y[4] = {0, 0, bottom, bottom}, part = call->a[PART];
    for (int i = 0; i < 4; i++) {
        x[i] += 0.5 * right * fv_uniform_between(call->stream, -part, part);
        y[i] += 0.5 * bottom * fv_uniform_between(call->stream, -part, part);
    }
    if (right < 1 || bottom < 1) return fv_warp_none();
    from_square(x, y, m);
    for (int i = 0; i < 9; i += 3) m[i] /= right, m[i + 1] /= bottom; /* pixels to the unit square */
    return fv_warp_matrix(m, call->a[BORDER]);
}

const fv_augment fv_augment_perspective = {
    .name = "perspective",
    .help = "seen at an angle",
    .arguments = {{.name = "part", .help = "how far corners move, of half a side", .standard = 0.2, .most = 0.6},
                  FV_AUGMENT_BORDER},
    .takes = FV_TAKES_PICTURES,
    .move = move};
