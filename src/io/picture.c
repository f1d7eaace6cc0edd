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

bool fv_picture_size_good(int64_t height, int64_t width) {
    return height >= 1 && width >= 1 && height <= MAX_PIXELS / width;
}

fv_status fv_picture_new(int64_t height, int64_t width, int channels, const char *name, fv_tensor *out,
                         fv_error *error) {
    if (!fv_picture_size_good(height, width))
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
 * normalised. Planned are `count` outputs from number `from` on, of the `all` that `in` inputs become. */
static bool axis_plan(int64_t in, int64_t all, int64_t from, int64_t count, axis *a) {
    double scale = (double)in / (double)all, reach = scale > 1 ? scale : 1;
    size_t weights;
    a->stride = (int64_t)(2 * reach) + 3;
    a->first = fv_alloc_array((size_t)count, sizeof *a->first);
    a->count = fv_alloc_array((size_t)count, sizeof *a->count);
    a->weights =
        fv_mul_size((size_t)count, (size_t)a->stride, &weights) ? fv_alloc_array(weights, sizeof *a->weights) : NULL;
    if (!a->first || !a->count || !a->weights) return false;
    for (int64_t i = 0; i < count; i++) {
        double centre = ((double)(from + i) + 0.5) * scale, sum = 0;
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

/* Output row y in the width of the input: its columns `begin` to `end` (numbers, not pixels) into sums. */
static void sum_rows(const fv_tensor *picture, const axis *down, int64_t y, int64_t begin, int64_t end, float *sums) {
    int64_t row = picture->shape.dim[1] * picture->shape.dim[2];
    const unsigned char *in = (const unsigned char *)picture->data + down->first[y] * row;
    memset(sums + begin, 0, (size_t)(end - begin) * sizeof *sums);
    for (int64_t k = 0; k < down->count[y]; k++, in += row) {
        float weight = down->weights[y * down->stride + k];
        for (int64_t i = begin; i < end; i++) sums[i] += weight * in[i];
    }
}

/* A row of sums to one row of output pixels. */
static void resize_row(const float *sums, const axis *across, int64_t width, int64_t channels, unsigned char *to) {
    for (int64_t x = 0; x < width; x++) {
        const float *w = across->weights + x * across->stride;
        for (int64_t c = 0; c < channels; c++) {
            const float *from = sums + across->first[x] * channels + c;
            float sum = 0;
            for (int64_t k = 0; k < across->count[x]; k++) sum += w[k] * from[k * channels];
            *to++ = sum >= 254.5f ? 255 : (unsigned char)(sum + 0.5f);
        }
    }
}

/* Down first, then across: one row of sums is all the memory, whatever the shape of the picture. */
fv_status fv_picture_resize_window(const fv_tensor *picture, const fv_window *window, unsigned char *out, int64_t row,
                                   fv_error *error) {
    fv_status status = check_picture(picture, error);
    if (status != FV_OK) return status;
    int64_t channels = picture->shape.dim[2], last = window->width - 1;
    axis down = {0}, across = {0};
    bool planned = axis_plan(picture->shape.dim[0], window->all_height, window->top, window->height, &down) &&
                   axis_plan(picture->shape.dim[1], window->all_width, window->left, window->width, &across);
    size_t numbers = (size_t)(picture->shape.dim[1] * channels);
    float *sums = planned ? fv_alloc_array(numbers, sizeof *sums) : NULL;
    for (int64_t y = 0; sums && y < window->height; y++) {
        sum_rows(picture, &down, y, across.first[0] * channels, (across.first[last] + across.count[last]) * channels,
                 sums);
        resize_row(sums, &across, window->width, channels, out + y * row);
    }
    if (!sums) status = fv_fail_memory(error, "resizing a picture", numbers * sizeof *sums);
    fv_free(sums);
    axis_free(&down);
    axis_free(&across);
    return status;
}

fv_status fv_picture_resize(const fv_tensor *picture, int64_t height, int64_t width, fv_tensor *out, fv_error *error) {
    fv_tensor result = {0};
    fv_status status = check_picture(picture, error);
    if (status == FV_OK) status = fv_picture_new(height, width, (int)picture->shape.dim[2], "picture", &result, error);
    if (status != FV_OK) return status;
    fv_window whole = {.all_height = height, .all_width = width, .height = height, .width = width};
    status = fv_picture_resize_window(picture, &whole, result.data, width * picture->shape.dim[2], error);
    if (status == FV_OK)
        *out = result;
    else
        fv_free(result.data);
    return status;
}
