/* drawing.h - pictures as text. */
#ifndef FV_CLI_DRAWING_H
#define FV_CLI_DRAWING_H

#include <stdio.h>

#include "fovea.h"

/* Draws a (height, width, channels) or (height, width) picture of u8 or f32 with two rows of cells in a line, at most `columns` wide. Nothing
 * is drawn for other tensors. */
void cli_draw(FILE *out, const fv_tensor *picture, int columns);

#endif
