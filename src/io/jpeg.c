/* jpeg.c - JPEG through libjpeg-turbo, with limits on pixels, scans and memory set before anything is believed. Without the
 * library such a file is known for what it is and refused with the word what to install. */
#include "picture.h"

#include <stdio.h>
#include <string.h>

static bool recognises(const unsigned char *bytes, size_t size) {
    return size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

#ifdef FOVEA_JPEG

#include "memory.h"
#include "orient.h"

#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>

/* A decoder walks over every pixel in every scan, so what is bounded is their product, too: 1000 scans of 4 Mpixel, 16 of the
 * largest picture. A photograph in progressive form has about ten. */
enum { MAX_SCANS = 1000, MAX_PIXELS = 1 << 28, MAX_EXIF = 65535 };
#define MAX_WORK (INT64_C(1) << 32)
/* A flat grey in progressive form has about 340 pixels for a byte of the file. */
enum { MAX_PIXELS_A_BYTE = 4096 };

/* Everything that must survive libjpeg's longjmp lies here, in memory that setjmp's function does not keep in registers. */
typedef struct context {
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf out;
    const char *name;
    fv_error *error;
    char problem[JMSG_LENGTH_MAX];
    fv_status status; /* of what fv_picture_new and others said; FV_OK: `problem` tells */
    fv_tensor picture;
    unsigned char *ink; /* one row of cyan, magenta, yellow, black */
    int orientation;
} context;

static context *context_of(j_common_ptr common) { return (context *)(void *)common->err; }

static void on_error(j_common_ptr common) {
    context *c = context_of(common);
    common->err->format_message(common, c->problem);
    longjmp(c->out, 1);
}

static void refuse(j_common_ptr common, const char *problem) {
    context *c = context_of(common);
    snprintf(c->problem, sizeof c->problem, "%s", problem);
    longjmp(c->out, 1);
}

/* libjpeg would fill what is missing with grey. Superfluous bytes between the parts harm nothing. */
static void on_message(j_common_ptr common, int level) {
    if (level >= 0) return;
    int code = common->err->msg_code;
    if (code == JWRN_JPEG_EOF) refuse(common, "truncated: the file ends in the middle");
    if (code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_MUST_RESYNC ||
        code == JWRN_ARITH_BAD_CODE)
        on_error(common);
}

static void on_progress(j_common_ptr common) {
    j_decompress_ptr jpeg = (j_decompress_ptr)common;
    int64_t pixels = (int64_t)jpeg->image_width * jpeg->image_height, scans = jpeg->input_scan_number;
    if (scans > MAX_SCANS) refuse(common, "more than 1000 scans");
    if (scans * pixels > MAX_WORK) refuse(common, "too many scans for so many pixels");
}

static void check_claim(j_decompress_ptr jpeg, size_t size) {
    int64_t pixels = (int64_t)jpeg->image_width * jpeg->image_height;
    if (pixels > MAX_PIXELS) refuse((j_common_ptr)jpeg, "more than 2^28 pixels");
    if (pixels / MAX_PIXELS_A_BYTE > (int64_t)size)
        refuse((j_common_ptr)jpeg, "the header claims more pixels than the file can hold");
}

/* Inks absorb: what is left of white is (255 - ink) * (255 - black) / 255. Adobe's files, known by their marker, hold
 * 255 - ink already. */
static void from_ink(const unsigned char *ink, int64_t width, bool inverted, unsigned char *out) {
    for (int64_t x = 0; x < width; x++, ink += 4)
        for (int k = 0; k < 3; k++) {
            unsigned light = inverted ? ink[k] : 255u - ink[k], black = inverted ? ink[3] : 255u - ink[3];
            *out++ = (unsigned char)((light * black + 127u) / 255u);
        }
}

/* What of the file's colours is asked for; writes the channels of the picture. */
static void choose_colours(j_decompress_ptr jpeg, int *channels) {
    *channels = 3;
    switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE:
        jpeg->out_color_space = JCS_GRAYSCALE;
        *channels = 1;
        break;
    case JCS_YCbCr:
    case JCS_RGB: jpeg->out_color_space = JCS_RGB; break;
    case JCS_CMYK:
    case JCS_YCCK: jpeg->out_color_space = JCS_CMYK; break;
    default: refuse((j_common_ptr)jpeg, "unknown colours (grey, RGB, YCbCr, CMYK and YCCK are known)");
    }
}

static void decode(j_decompress_ptr jpeg, context *c, const unsigned char *bytes, size_t size) {
    int channels;
    jpeg->progress = &c->progress;
    jpeg_mem_src(jpeg, (unsigned char *)bytes, (unsigned long)size);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, MAX_EXIF);
    jpeg_read_header(jpeg, TRUE);
    check_claim(jpeg, size);
    for (jpeg_saved_marker_ptr m = jpeg->marker_list; m && c->orientation <= 1; m = m->next)
        c->orientation = fv_exif_orientation(m->data, m->data_length);
    choose_colours(jpeg, &channels);
    jpeg_start_decompress(jpeg);
    c->status = fv_picture_new(jpeg->output_height, jpeg->output_width, channels, c->name, &c->picture, c->error);
    if (c->status) longjmp(c->out, 1);
    bool ink = jpeg->out_color_space == JCS_CMYK;
    size_t row = (size_t)jpeg->output_width * (size_t)channels;
    if (ink && !(c->ink = fv_alloc_array(jpeg->output_width, 4))) {
        c->status = fv_fail_memory(c->error, c->name, row);
        longjmp(c->out, 1);
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        unsigned char *to = (unsigned char *)c->picture.data + jpeg->output_scanline * row;
        JSAMPROW line = ink ? c->ink : to;
        if (jpeg_read_scanlines(jpeg, &line, 1) != 1) refuse((j_common_ptr)jpeg, "truncated");
        if (ink) from_ink(c->ink, jpeg->output_width, jpeg->saw_Adobe_marker, to);
    }
    jpeg_finish_decompress(jpeg);
}

static bool run_decoder(j_decompress_ptr jpeg, context *c, const unsigned char *bytes, size_t size) {
    if (setjmp(c->out)) return false;
    jpeg_create_decompress(jpeg);
    decode(jpeg, c, bytes, size);
    return true;
}

static fv_status read_jpeg(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out, fv_error *error) {
    struct jpeg_decompress_struct jpeg = {0};
    context c = {.name = name, .error = error};
    jpeg.err = jpeg_std_error(&c.errors);
    c.errors.error_exit = on_error;
    c.errors.emit_message = on_message;
    c.progress.progress_monitor = on_progress;
    bool good = run_decoder(&jpeg, &c, bytes, size);
    jpeg_destroy_decompress(&jpeg);
    fv_free(c.ink);
    fv_status status = c.status;
    if (!good && !status) status = fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "damaged JPEG: %s", c.problem);
    if (!status) status = fv_picture_turn(&c.picture, c.orientation, name, error);
    if (status)
        fv_free(c.picture.data);
    else
        *out = c.picture;
    return status;
}

#else

static fv_status read_jpeg(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out, fv_error *error) {
    (void)bytes, (void)size, (void)out;
    return fv_fail_at(error, FV_E_UNSUPPORTED, name, 0, 0,
                      "is a JPEG file, which this build cannot read: install libjpeg-turbo (libjpeg62-turbo-dev, "
                      "libjpeg-turbo-devel, jpeg-turbo) and build Fovea anew");
}

#endif

const fv_picture_format fv_picture_format_jpeg = {
    .name = "jpeg", .help = "JPEG", .recognises = recognises, .read = read_jpeg};
