/* picture.c - pictures from files, told apart by content; other channels, other sizes. */
#include "picture.h"
#include "bytes.h"
#include "memory.h"
#include "text.h"

#include <string.h>

enum { MAX_PIXELS = 1 << 28, MAX_FILE = 1 << 30 };

#define FV_PICTURE_FORMAT(name) extern const fv_picture_format fv_picture_format_##name;
#include "pictures.def"
#undef FV_PICTURE_FORMAT

static const fv_picture_format *const formats[] = {
#define FV_PICTURE_FORMAT(name) &fv_picture_format_##name,
#include "pictures.def"
#undef FV_PICTURE_FORMAT
};
enum { FORMATS = sizeof formats / sizeof formats[0] };

static const fv_picture_format *find_format(const unsigned char *bytes, size_t size) {
    for (int i = 0; i < FORMATS; i++)
        if (formats[i]->recognises(bytes, size)) return formats[i];
    return NULL;
}

bool fv_picture_is(const unsigned char *bytes, size_t size) { return find_format(bytes, size) != NULL; }

fv_status fv_picture_parse(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out, fv_error *error) {
    const fv_picture_format *format = find_format(bytes, size);
    if (format) return format->read(bytes, size, name, out, error);
    fv_text known = {0};
    for (int i = 0; i < FORMATS; i++) fv_text_printf(&known, "%s%s", i ? ", " : "", formats[i]->help);
    fv_status status = size == 0 ? fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "the file is empty")
                                 : fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "is no picture that can be read (%s)",
                                              known.data ? known.data : "");
    fv_text_free(&known);
    return status;
}

fv_status fv_picture_read(const char *path, fv_tensor *out, fv_error *error) {
    unsigned char *bytes;
    size_t size;
    fv_status status = fv_read_raw_bytes(path, MAX_FILE, &bytes, &size, error);
    if (status != FV_OK) return status;
    status = fv_picture_parse(bytes, size, path, out, error);
    fv_free(bytes);
    return status;
}

fv_status fv_picture_new(int64_t height, int64_t width, int channels, const char *name, fv_tensor *out,
                         fv_error *error) {
    if (height < 1 || width < 1 || height > MAX_PIXELS / width)
        return fv_fail_at(error, FV_E_FORMAT, name, 0, 0,
                          "a picture of %lld x %lld pixels; expected at least 1 x 1, at most %d in all",
                          (long long)width, (long long)height, MAX_PIXELS);
    fv_tensor picture = {.dtype = FV_U8, .shape = {.rank = 3, .dim = {height, width, channels}}};
    size_t bytes = (size_t)height * (size_t)width * (size_t)channels;
    picture.data = fv_alloc(bytes);
    if (!picture.data) return fv_fail_memory(error, name, bytes);
    *out = picture;
    return FV_OK;
}

/* What the two functions below are given. */
static fv_status check_picture(const fv_tensor *picture, fv_error *error) {
    char shape[96];
    const fv_shape *s = &picture->shape;
    if (picture->dtype == FV_U8 && s->rank == 3 && s->dim[0] > 0 && s->dim[1] > 0 && s->dim[2] > 0 && s->dim[2] <= 4 &&
        picture->data)
        return FV_OK;
    return fv_fail(error, FV_E_SHAPE, "expected a picture of bytes (height, width, channels), got %s %s",
                   fv_dtype_name(picture->dtype), fv_shape_text(s, shape, sizeof shape));
}

fv_status fv_picture_channels(const fv_tensor *picture, int channels, fv_tensor *out, fv_error *error) {
    fv_status status = check_picture(picture, error);
    if (status != FV_OK) return status;
    int64_t from = picture->shape.dim[2];
    if ((channels != 1 && channels != 3) || (from != 1 && from != 3))
        return fv_fail(error, FV_E_SHAPE, "a picture of %lld channels does not become one of %d (1 and 3 are known)",
                       (long long)from, channels);
    fv_tensor result;
    status = fv_picture_new(picture->shape.dim[0], picture->shape.dim[1], channels, "picture", &result, error);
    if (status != FV_OK) return status;
    size_t pixels = (size_t)(picture->shape.dim[0] * picture->shape.dim[1]);
    const unsigned char *in = picture->data;
    unsigned char *to = result.data;
    if (from == channels)
        memcpy(to, in, pixels * (size_t)channels);
    else if (channels == 1) /* ITU-R BT.601 luma */
        for (size_t i = 0; i < pixels; i++)
            to[i] = (unsigned char)((299u * in[3 * i] + 587u * in[3 * i + 1] + 114u * in[3 * i + 2] + 500u) / 1000u);
    else
        for (size_t i = 0; i < pixels; i++) to[3 * i] = to[3 * i + 1] = to[3 * i + 2] = in[i];
    *out = result;
    return FV_OK;
}

/* ---- resizing ------------------------------------------------------------------------------------------------------
 */

/* One axis: output i is the weighted sum of `count[i]` inputs from `first[i]`; weights in rows of `stride`. */
typedef struct axis {
    int64_t *first, *count;
    float *weights;
    int64_t stride;
} axis;

static void axis_free(axis *a) {
    fv_free(a->first);
    fv_free(a->count);
    fv_free(a->weights);
}

/* The triangle filter around the output's centre, as wide as the scale when shrinking; cut off at the border and
 * normalised. */
static bool axis_plan(int64_t in, int64_t out, axis *a) {
    double scale = (double)in / (double)out, reach = scale > 1 ? scale : 1;
    size_t weights;
    a->stride = (int64_t)(2 * reach) + 3;
    a->first = fv_alloc_array((size_t)out, sizeof *a->first);
    a->count = fv_alloc_array((size_t)out, sizeof *a->count);
    a->weights =
        fv_mul_size((size_t)out, (size_t)a->stride, &weights) ? fv_alloc_array(weights, sizeof *a->weights) : NULL;
    if (!a->first || !a->count || !a->weights) return false;
    for (int64_t i = 0; i < out; i++) {
        double centre = ((double)i + 0.5) * scale, sum = 0;
        int64_t first = (int64_t)(centre - reach + 0.5), end = (int64_t)(centre + reach + 0.5);
        if (centre - reach + 0.5 < 0) first = 0;
        if (end > in) end = in;
        if (end - first > a->stride) end = first + a->stride;
        float *w = a->weights + i * a->stride;
        for (int64_t k = first; k < end; k++) {
            double distance = ((double)k - centre + 0.5) / reach, weight = 1 - (distance < 0 ? -distance : distance);
            w[k - first] = (float)(weight > 0 ? weight : 0);
            sum += w[k - first];
        }
        for (int64_t k = 0; k < end - first; k++) w[k] = (float)(w[k] / sum);
        a->first[i] = first;
        a->count[i] = end - first;
    }
    return true;
}

/* One row of input pixels to one row of floats in the new width. */
static void resize_row(const unsigned char *in, const axis *a, int64_t width, int64_t channels, float *out) {
    for (int64_t x = 0; x < width; x++)
        for (int64_t c = 0; c < channels; c++) {
            float sum = 0;
            const float *w = a->weights + x * a->stride;
            const unsigned char *from = in + a->first[x] * channels + c;
            for (int64_t k = 0; k < a->count[x]; k++) sum += w[k] * from[k * channels];
            *out++ = sum;
        }
}

/* Keeps a ring of resized rows, so that memory does not grow with the picture. */
static void resize_rows(const fv_tensor *picture, const axis *down, const axis *across, float *ring, int64_t ring_rows,
                        float *sums, fv_tensor *out) {
    int64_t channels = picture->shape.dim[2], width = out->shape.dim[1], numbers = width * channels, ready = 0;
    const unsigned char *in = picture->data;
    unsigned char *to = out->data;
    for (int64_t y = 0; y < out->shape.dim[0]; y++) {
        if (ready < down->first[y]) ready = down->first[y];
        for (; ready < down->first[y] + down->count[y]; ready++)
            resize_row(in + ready * picture->shape.dim[1] * channels, across, width, channels,
                       ring + ready % ring_rows * numbers);
        memset(sums, 0, (size_t)numbers * sizeof *sums);
        for (int64_t k = 0; k < down->count[y]; k++) {
            float weight = down->weights[y * down->stride + k];
            const float *row = ring + (down->first[y] + k) % ring_rows * numbers;
            for (int64_t i = 0; i < numbers; i++) sums[i] += weight * row[i];
        }
        for (int64_t i = 0; i < numbers; i++) *to++ = sums[i] >= 254.5f ? 255 : (unsigned char)(sums[i] + 0.5f);
    }
}

fv_status fv_picture_resize(const fv_tensor *picture, int64_t height, int64_t width, fv_tensor *out, fv_error *error) {
    fv_tensor result = {0};
    fv_status status = check_picture(picture, error);
    if (status == FV_OK) status = fv_picture_new(height, width, (int)picture->shape.dim[2], "picture", &result, error);
    if (status != FV_OK) return status;
    axis down = {0}, across = {0};
    bool planned = axis_plan(picture->shape.dim[0], height, &down) && axis_plan(picture->shape.dim[1], width, &across);
    size_t row = (size_t)(width * picture->shape.dim[2]);
    float *ring = planned ? fv_alloc_array(row * (size_t)down.stride, sizeof *ring) : NULL,
          *sums = fv_alloc_array(row, sizeof *sums);
    if (ring && sums) {
        resize_rows(picture, &down, &across, ring, down.stride, sums, &result);
        *out = result;
    } else {
        fv_free(result.data);
        status = fv_fail_memory(error, "resizing a picture", row * sizeof *ring);
    }
    fv_free(ring);
    fv_free(sums);
    axis_free(&down);
    axis_free(&across);
    return status;
}
