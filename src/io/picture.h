/* picture.h - pictures from files and to files, as (height, width, channels) bytes. */
#ifndef FV_IO_PICTURE_H
#define FV_IO_PICTURE_H

#include "error.h"

/* PNG, PGM/PPM (P2, P3, P5, P6) and JPEG, told apart by content. Channels: 1 grey, 3 colour; alpha is laid over white; 16 bit
 * becomes 8; palettes become colour, inks (CMYK) too; photographs stand upright (EXIF). At most 2^28 pixels, checked before anything is allocated. Free data with fv_free.
 */
fv_status fv_picture_read(const char *path, fv_tensor *out, fv_error *error);
/* The same from memory; `name` is used in messages. */
fv_status fv_picture_parse(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out, fv_error *error);
/* True when the bytes begin like a picture in a known format. */
bool fv_picture_is(const unsigned char *bytes, size_t size);
/* PNG from (height, width, 1 or 3) u8. */
fv_status fv_png_write(const char *path, const fv_tensor *picture, fv_error *error);
/* The same into memory; `name` is used in messages. Free with fv_free. */
fv_status fv_png_encode(const fv_tensor *picture, const char *name, unsigned char **out, size_t *size, fv_error *error);

/* To another number of channels: colour to grey by 0.299 R + 0.587 G + 0.114 B, grey to colour by repeating. */
fv_status fv_picture_channels(const fv_tensor *picture, int channels, fv_tensor *out, fv_error *error);
/* To another size, antialiased bilinear (the triangle filter widened by the scale when shrinking, as Pillow does). */
fv_status fv_picture_resize(const fv_tensor *picture, int64_t height, int64_t width, fv_tensor *out, fv_error *error);

/* A part of the picture as it would be after resizing: what is computed of it. */
typedef struct fv_window {
    int64_t all_height, all_width;    /* the size that the whole picture would get */
    int64_t top, left, height, width; /* the part within it */
} fv_window;
/* Writes the part; its rows lie `row` bytes apart. */
fv_status fv_picture_resize_window(const fv_tensor *picture, const fv_window *window, unsigned char *out, int64_t row,
                                   fv_error *error);

/* ---- fitting (picture_fit.c): pictures of any size to the one that a net reads ---------------------------------- */

/* What is computed of the picture, and where it goes in the fitted one. */
typedef struct fv_placement {
    fv_window window;
    int64_t top, left;
} fv_placement;
/* How a picture of `height` x `width` comes into `to_height` x `to_width`. `crop` as in fv_preprocess. */
fv_placement fv_picture_place(int64_t height, int64_t width, int64_t to_height, int64_t to_width, fv_fitting fit,
                              double crop);
/* Fills `out`, bytes of (height, width, 1 or 3) that the caller provides, by channels first, then by size. */
fv_status fv_picture_fit(const fv_tensor *picture, fv_fitting fit, double crop, const fv_tensor *out, fv_error *error);

/* ---- formats: one file and one line in pictures.def each -------------------------------------------------------- */

typedef struct fv_picture_format {
    const char *name, *help;
    bool (*recognises)(const unsigned char *bytes, size_t size);
    fv_status (*read)(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out, fv_error *error);
} fv_picture_format;

/* May a picture have this size? At least 1 x 1, at most 2^28 pixels. */
bool fv_picture_size_good(int64_t height, int64_t width);
/* For formats: memory for a picture of a claimed size, after checking the size. */
fv_status fv_picture_new(int64_t height, int64_t width, int channels, const char *name, fv_tensor *out,
                         fv_error *error);

#endif
