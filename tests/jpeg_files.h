/* jpeg_files.h - for tests: JPEG files of many kinds, made with libjpeg. */
#ifndef FV_TEST_JPEG_FILES_H
#define FV_TEST_JPEG_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

typedef struct jpeg_kind {
    int channels;    /* 1, 3, or 4: inks */
    int orientation; /* 0: no EXIF */
    bool progressive, big_endian;
    bool plain_ink; /* inks without Adobe's marker, not inverted */
} jpeg_kind;

typedef struct jpeg_file {
    unsigned char *bytes; /* free */
    unsigned long size;
} jpeg_file;

static inline void write_exif(struct jpeg_compress_struct *jpeg, const jpeg_kind *kind) {
    unsigned char little[] = {'E',  'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0,
                              0x12, 1,   3,   0,   1, 0, 0,   0,   0,  0, 0, 0, 0, 0, 0, 0};
    unsigned char big[] = {'E', 'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
                           1,   0x12, 0,   3,   0, 0, 0,   1,   0, 0,  0, 0, 0, 0, 0, 0};
    little[24] = big[25] = (unsigned char)kind->orientation;
    jpeg_write_marker(jpeg, JPEG_APP0 + 1, kind->big_endian ? big : little, sizeof little);
}

/* Pixels (height, width, channels) in the best quality, colours not thinned out. */
static inline jpeg_file make_jpeg(const unsigned char *pixels, int height, int width, jpeg_kind kind) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg_file file = {NULL, 0};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &file.bytes, &file.size);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = kind.channels;
    jpeg.in_color_space = kind.channels == 1 ? JCS_GRAYSCALE : kind.channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    for (int i = 0; i < jpeg.num_components; i++) jpeg.comp_info[i].h_samp_factor = jpeg.comp_info[i].v_samp_factor = 1;
    if (kind.progressive) jpeg_simple_progression(&jpeg);
    if (kind.plain_ink) jpeg.write_Adobe_marker = FALSE;
    jpeg_start_compress(&jpeg, TRUE);
    if (kind.orientation) write_exif(&jpeg, &kind);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)pixels + (size_t)jpeg.next_scanline * (size_t)(width * kind.channels);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return file;
}

/* One colour all over. */
static inline jpeg_file make_flat_jpeg(int height, int width, int red, int green, int blue) {
    unsigned char *pixels = malloc((size_t)height * (size_t)width * 3);
    for (int i = 0; i < height * width; i++)
        pixels[3 * i] = (unsigned char)red, pixels[3 * i + 1] = (unsigned char)green,
                   pixels[3 * i + 2] = (unsigned char)blue;
    jpeg_file file = make_jpeg(pixels, height, width, (jpeg_kind){.channels = 3});
    free(pixels);
    return file;
}

#endif
