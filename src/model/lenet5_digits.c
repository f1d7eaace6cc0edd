/* lenet5_digits.c - the fixed weights of LeNet-5's output layer: stylised digits of 7 by 12 pixels, so that similar
 * characters have similar codes (LeCun et al. 1998, "Gradient-based learning applied to document recognition", section
 * II.B, fig. 3). */
#include "initializers.h"

enum { WIDTH = 7, HEIGHT = 12, DIGITS = 10 };

/* One row of pixels for all ten digits, 0 on the left. */
static const char *const rows[HEIGHT] = {
    "....... ....... ....... ....... ....... ....... ....... ....... ....... .......",
    "..###.. ...##.. .#####. .#####. .....#. .###### ..####. .###### ..###.. ..###..",
    ".#...#. ..###.. #.....# #.....# ....##. .#..... .#..... ......# .#...#. .#...#.",
    "#.....# ...##.. ......# ......# ...###. .#..... #...... .....#. #.....# #.....#",
    "#.....# ...##.. ......# ......# ..#.##. .#..... #...... .....#. .#...#. #.....#",
    "#.....# ...##.. .....#. ...###. .#..##. .#####. #.###.. ....#.. ..###.. .#...##",
    "#.....# ...##.. ....#.. ......# #...##. ......# ##...#. ....#.. .#...#. ..###.#",
    "#.....# ...##.. ...#... ......# ####### ......# #.....# ...#... #.....# ......#",
    "#.....# ...##.. ..#.... ......# ....##. ......# #.....# ...#... #.....# ......#",
    ".#...#. ...##.. .#..... #.....# ....##. #.....# .#...#. ..#.... .#...#. .....#.",
    "..###.. ..####. ####### .#####. ....##. .#####. ..###.. ..#.... ..###.. .####..",
    "....... ....... ....... ....... ....... ....... ....... ....... ....... ......."};

fv_status fv_fill_lenet5_digits(float *out, const fv_shape *shape, const char *axes, const double *numbers,
                                uint64_t seed, uint64_t key, fv_error *error) {
    (void)axes, (void)numbers, (void)seed, (void)key;
    if (shape->rank != 2 || shape->dim[0] != WIDTH * HEIGHT || shape->dim[1] != DIGITS) {
        char text[128];
        return fv_fail(error, FV_E_SHAPE, "lenet5_digits: expected a weight of 84x10 (pixels, digits), got %s",
                       fv_shape_text(shape, text, sizeof text));
    }
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int digit = 0; digit < DIGITS; digit++)
                out[(y * WIDTH + x) * DIGITS + digit] = rows[y][digit * (WIDTH + 1) + x] == '#' ? 1.0f : -1.0f;
    return FV_OK;
}
