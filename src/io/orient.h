/* orient.h - which way up a photograph is: the Orientation entry of EXIF. */
#ifndef FV_IO_ORIENT_H
#define FV_IO_ORIENT_H

#include "error.h"

/* The orientation 1 to 8 that an EXIF block ("Exif", 0, 0, a TIFF directory) states; 1 (as it lies) where it states none or
 * cannot be understood. Looks at one directory and never beyond the block. */
int fv_exif_orientation(const unsigned char *bytes, size_t size);
/* Turns and mirrors the picture so that orientation 1 holds: 2 mirrored, 3 upside down, 4 mirrored upside down, 5 to 8 the
 * same lying on the side. Takes over the picture's data and gives new data in its place. */
fv_status fv_picture_turn(fv_tensor *picture, int orientation, const char *name, fv_error *error);

#endif
