/* picture.h - pictures from files and to files, as (height, width, channels) bytes. */
#ifndef FV_IO_PICTURE_H
#define FV_IO_PICTURE_H

#include "error.h"

/* PNG, PGM/PPM (P2, P3, P5, P6), told apart by content. Channels: 1 grey, 3 colour; alpha is laid over white; 16 bit
 * becomes 8; palettes become colour. At most 2^28 pixels, checked before anything is allocated. Free data with fv_free.
 */
fv_status fv_picture_read(const char *path, fv_tensor *out, fv_error *error);
/* PNG from (height, width, 1 or 3) u8. */
fv_status fv_png_write(const char *path, const fv_tensor *picture, fv_error *error);

/* To another number of channels: colour to grey by 0.299 R + 0.587 G + 0.114 B, grey to colour by repeating. */
fv_status fv_picture_channels(const fv_tensor *picture, int channels, fv_tensor *out, fv_error *error);
/* To another size, antialiased bilinear (the triangle filter widened by the scale when shrinking, as Pillow does). */
fv_status fv_picture_resize(const fv_tensor *picture, int64_t height, int64_t width, fv_tensor *out, fv_error *error);

#endif
