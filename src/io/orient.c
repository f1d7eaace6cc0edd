/* orient.c - which way up a photograph is: the Orientation entry of EXIF, and turning by it. EXIF 2.3, section 4.6. */
#include "orient.h"
#include "memory.h"
#include "picture.h"

#include <string.h>

enum { TIFF_AT = 6, ORIENTATION = 0x0112, SHORT = 3, ENTRY = 12 };

/* A TIFF block in either byte order; reading behind its end gives 0. */
typedef struct tiff {
    const unsigned char *bytes;
    size_t size;
    bool big_endian;
} tiff;

static uint32_t number(const tiff *t, size_t at, int length) {
    uint32_t value = 0;
    if (at > t->size || t->size - at < (size_t)length) return 0;
    for (int i = 0; i < length; i++) value = value << 8 | t->bytes[at + (size_t)(t->big_endian ? i : length - 1 - i)];
    return value;
}

int fv_exif_orientation(const unsigned char *bytes, size_t size) {
    if (size < TIFF_AT + 8 || memcmp(bytes, "Exif\0\0", TIFF_AT) != 0) return 1;
    tiff t = {bytes + TIFF_AT, size - TIFF_AT, bytes[TIFF_AT] == 'M'};
    if (t.bytes[0] != t.bytes[1] || (t.bytes[0] != 'M' && t.bytes[0] != 'I') || number(&t, 2, 2) != 42) return 1;
    size_t directory = number(&t, 4, 4);
    uint32_t entries = number(&t, directory, 2);
    for (uint32_t i = 0; i < entries; i++) {
        size_t at = directory + 2 + (size_t)i * ENTRY;
        if (at > t.size || t.size - at < ENTRY) return 1;
        if (number(&t, at, 2) != ORIENTATION || number(&t, at + 2, 2) != SHORT || number(&t, at + 4, 4) != 1) continue;
        uint32_t value = number(&t, at + 8, 2);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

fv_status fv_picture_turn(fv_tensor *picture, int orientation, const char *name, fv_error *error) {
    if (orientation <= 1 || orientation > 8) return FV_OK;
    int64_t height = picture->shape.dim[0], width = picture->shape.dim[1], channels = picture->shape.dim[2];
    bool swaps = orientation >= 5;
    fv_tensor turned;
    fv_status status =
        fv_picture_new(swaps ? width : height, swaps ? height : width, (int)channels, name, &turned, error);
    if (status != FV_OK) return status;
    /* Where pixel (y, x) of the turned picture lies: from (0, 0) on, steps along x and y. */
    bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    int64_t step_x = from_right ? -channels : channels, step_y = (from_below ? -width : width) * channels;
    const unsigned char *start = (const unsigned char *)picture->data +
                                 ((from_below ? height - 1 : 0) * width + (from_right ? width - 1 : 0)) * channels;
    unsigned char *to = turned.data;
    for (int64_t y = 0; y < turned.shape.dim[0]; y++)
        for (int64_t x = 0; x < turned.shape.dim[1]; x++, to += channels)
            memcpy(to, start + (swaps ? x * step_y + y * step_x : x * step_x + y * step_y), (size_t)channels);
    fv_free(picture->data);
    *picture = turned;
    return FV_OK;
}
