/* png.c - PNG through libpng's classic interface, with limits set before anything is believed. */
#include "picture.h"
#include "bytes.h"
#include "memory.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SIDE = 1 << 24, MAX_CHUNK = 8 << 20, MAX_CHUNKS = 1000 };

/* Everything that must survive libpng's longjmp lies here, in memory that setjmp's function does not keep in registers.
 */
typedef struct context {
    const unsigned char *bytes; /* reading: what is left of the file */
    size_t left;
    unsigned char *written; /* writing: what was made so far */
    size_t size, capacity;
    char problem[200];
    bool memory_short;
    png_bytep *rows;
    unsigned char *pixels; /* as decoded: grey, grey + alpha, colour, colour + alpha */
    int64_t width, height;
    int channels;
} context;

static void on_error(png_structp png, png_const_charp message) {
    context *c = png_get_error_ptr(png);
    if (!c->problem[0]) snprintf(c->problem, sizeof c->problem, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message; /* the library never prints; what matters comes as an error */
}

static png_voidp on_alloc(png_structp png, png_alloc_size_t size) {
    (void)png;
    return fv_alloc(size);
}

static void on_free(png_structp png, png_voidp memory) {
    (void)png;
    fv_free(memory);
}

static void on_read(png_structp png, png_bytep out, size_t size) {
    context *c = png_get_io_ptr(png);
    if (size > c->left) png_error(png, "truncated: the file ends in the middle");
    memcpy(out, c->bytes, size);
    c->bytes += size;
    c->left -= size;
}

static bool recognises(const unsigned char *bytes, size_t size) { return size >= 8 && png_sig_cmp(bytes, 0, 8) == 0; }

/* Deflate makes at most 1032 bytes of one: a header that claims more than the file can hold is lying. */
static void check_claim(png_structp png, png_infop info, size_t file_size) {
    uint64_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    uint64_t bits = width * (uint64_t)(png_get_bit_depth(png, info) * png_get_channels(png, info));
    if (width * height > 1u << 28) png_error(png, "more than 2^28 pixels");
    if ((bits + 7) / 8 * height / 1032 > file_size)
        png_error(png, "the header claims more pixels than the file can hold");
}

static void decode(png_structp png, png_infop info, context *c) {
    size_t file_size = c->left;
    png_set_user_limits(png, MAX_SIDE, MAX_SIDE);
    png_set_chunk_malloc_max(png, MAX_CHUNK);
    png_set_chunk_cache_max(png, MAX_CHUNKS);
    png_set_read_fn(png, c, on_read);
    png_read_info(png, info);
    check_claim(png, info, file_size);
    png_set_expand(png);   /* palettes to colour, 1, 2, 4 bits to 8, tRNS to alpha */
    png_set_scale_16(png); /* 16 bits to 8, rounded */
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    c->width = png_get_image_width(png, info);
    c->height = png_get_image_height(png, info);
    c->channels = png_get_channels(png, info);
    size_t row = png_get_rowbytes(png, info);
    if (row != (size_t)c->width * (size_t)c->channels) png_error(png, "unexpected pixel format");
    c->pixels = fv_alloc_array((size_t)c->height, row);
    c->rows = fv_alloc_array((size_t)c->height, sizeof *c->rows);
    if (!c->pixels || !c->rows) {
        c->memory_short = true;
        png_error(png, "not enough memory");
    }
    for (int64_t y = 0; y < c->height; y++) c->rows[y] = c->pixels + (size_t)y * row;
    png_read_image(png, c->rows);
    png_read_end(png, NULL);
}

static bool run_decoder(png_structp png, png_infop info, context *c) {
    if (setjmp(png_jmpbuf(png))) return false;
    decode(png, info, c);
    return true;
}

/* Lays alpha over white. */
static fv_status flatten(const context *c, const char *name, fv_tensor *out, fv_error *error) {
    int colours = c->channels >= 3 ? 3 : 1;
    fv_status status = fv_picture_new(c->height, c->width, colours, name, out, error);
    if (status != FV_OK) return status;
    const unsigned char *in = c->pixels;
    unsigned char *to = out->data;
    for (int64_t i = 0; i < c->width * c->height; i++, in += c->channels) {
        unsigned alpha = in[c->channels - 1];
        for (int k = 0; k < colours; k++)
            *to++ = (unsigned char)((in[k] * alpha + 255u * (255u - alpha) + 127u) / 255u);
    }
    return FV_OK;
}

static fv_status read_png(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out, fv_error *error) {
    context c = {.bytes = bytes, .left = size};
    png_structp png =
        png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &c, on_error, on_warning, NULL, on_alloc, on_free);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool good = info && run_decoder(png, info, &c);
    fv_status status = FV_OK;
    if (!info || c.memory_short)
        status = fv_fail_memory(error, name, (size_t)c.width * (size_t)c.height * (size_t)c.channels);
    else if (!good)
        status = fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "damaged PNG: %s", c.problem);
    png_destroy_read_struct(&png, &info, NULL);
    fv_free(c.rows);
    if (status == FV_OK && c.channels % 2 == 0)
        status = flatten(&c, name, out, error);
    else if (status == FV_OK) {
        *out =
            (fv_tensor){.dtype = FV_U8, .shape = {.rank = 3, .dim = {c.height, c.width, c.channels}}, .data = c.pixels};
        return FV_OK;
    }
    fv_free(c.pixels);
    return status;
}

const fv_picture_format fv_picture_format_png = {
    .name = "png", .help = "PNG", .recognises = recognises, .read = read_png};

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void on_write(png_structp png, png_bytep data, size_t size) {
    context *c = png_get_io_ptr(png);
    if (size > c->capacity - c->size) {
        size_t capacity = (c->size + size) * 2;
        unsigned char *grown = fv_realloc(c->written, capacity);
        if (!grown) png_error(png, "not enough memory");
        c->written = grown;
        c->capacity = capacity;
    }
    memcpy(c->written + c->size, data, size);
    c->size += size;
}

static void on_flush(png_structp png) { (void)png; }

static bool run_encoder(png_structp png, png_infop info, const fv_tensor *picture, context *c) {
    size_t row = (size_t)(picture->shape.dim[1] * picture->shape.dim[2]);
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, c, on_write, on_flush);
    png_set_IHDR(png, info, (png_uint_32)picture->shape.dim[1], (png_uint_32)picture->shape.dim[0], 8,
                 picture->shape.dim[2] == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int64_t y = 0; y < picture->shape.dim[0]; y++)
        png_write_row(png, (png_const_bytep)picture->data + (size_t)y * row);
    png_write_end(png, info);
    return true;
}

fv_status fv_png_encode(const fv_tensor *picture, const char *name, unsigned char **out, size_t *size,
                        fv_error *error) {
    char shape[96];
    const fv_shape *s = &picture->shape;
    *out = NULL;
    *size = 0;
    if (picture->dtype != FV_U8 || s->rank != 3 || s->dim[0] < 1 || s->dim[1] < 1 || s->dim[0] > 1 << 30 ||
        s->dim[1] > 1 << 28 || (s->dim[2] != 1 && s->dim[2] != 3))
        return fv_fail_at(error, FV_E_SHAPE, name, 0, 0, "expected bytes of (height, width, 1 or 3), got %s %s",
                          fv_dtype_name(picture->dtype), fv_shape_text(s, shape, sizeof shape));
    context c = {0};
    png_structp png =
        png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &c, on_error, on_warning, NULL, on_alloc, on_free);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool begun = info != NULL, good = begun && run_encoder(png, info, picture, &c);
    png_destroy_write_struct(&png, &info);
    if (good) {
        *out = c.written;
        *size = c.size;
        return FV_OK;
    }
    fv_free(c.written);
    return begun || c.problem[0] ? fv_fail_at(error, FV_E_ARGUMENT, name, 0, 0, "cannot be written: %s", c.problem)
                                 : fv_fail_memory(error, name, 0);
}

fv_status fv_png_write(const char *path, const fv_tensor *picture, fv_error *error) {
    unsigned char *bytes;
    size_t size;
    fv_status status = fv_png_encode(picture, path, &bytes, &size, error);
    if (status) return status;
    fv_part part = {bytes, size};
    status = fv_write_bytes(path, &part, 1, error);
    fv_free(bytes);
    return status;
}
