/* glyphs.h - small letters of 5x7 dots, for labels in pictures. */
#ifndef FV_LOOK_GLYPHS_H
#define FV_LOOK_GLYPHS_H

#include "fovea.h"

enum { FV_GLYPH_WIDTH = 6, FV_GLYPH_HEIGHT = 7 }; /* with the gap behind it */

/* Draws text into (height, width, 3) bytes with its upper left corner at (y, x), `size` pixels a dot; what lies outside is
 * not drawn. Letters are capitals, unknown characters a frame. */
void fv_draw_label(const fv_tensor *picture, int64_t y, int64_t x, int size, const char *text,
                   const unsigned char colour[3]);
/* Pixels across. */
int64_t fv_label_width(const char *text, int size);

#endif
