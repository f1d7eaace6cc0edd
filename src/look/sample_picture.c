/* sample_picture.c - a sample of a set of data as a picture. */
#include "sample_picture.h"

#include <math.h>
#include <string.h>

#include "memory.h"
#include "picture.h"
#include "twins.h"

int fv_picture_field(const fv_data *data) {
    for (int i = 0; i < data->field_count; i++) {
        const fv_data_field *f = &data->fields[i];
        int64_t last = f->shape.rank > 0 ? f->shape.dim[f->shape.rank - 1] : 0;
        if (!f->target && (f->shape.rank == 2 || (f->shape.rank == 3 && (last == 1 || last == 3)))) return i;
    }
    return -1;
}

static double number_at(const fv_data_field *field, const void *numbers, int64_t i) {
    switch (field->dtype) {
    case FV_F32: return ((const float *)numbers)[i];
    case FV_F64: return ((const double *)numbers)[i];
    case FV_I32: return ((const int32_t *)numbers)[i];
    case FV_I64: return (double)((const int64_t *)numbers)[i];
    case FV_BOOL: return 255.0 * ((const unsigned char *)numbers)[i];
    default: return ((const unsigned char *)numbers)[i];
    }
}

/* Bytes of grey or colour from numbers of any kind. */
static void to_bytes(const fv_data_field *field, const void *numbers, unsigned char *out, int64_t count) {
    double least = 0, most = 255;
    if (field->dtype != FV_U8 && field->dtype != FV_BOOL) {
        least = INFINITY, most = -INFINITY;
        for (int64_t i = 0; i < count; i++) {
            double x = number_at(field, numbers, i);
            if (isfinite(x) && x < least) least = x;
            if (isfinite(x) && x > most) most = x;
        }
    }
    for (int64_t i = 0; i < count; i++) {
        double x = number_at(field, numbers, i);
        double level = most > least && isfinite(x) ? (x - least) / (most - least) * 255 : 0;
        out[i] = (unsigned char)(level + 0.5);
    }
}

fv_status fv_sample_picture(const fv_data *data, int64_t sample, fv_tensor *out, fv_error *error) {
    memset(out, 0, sizeof *out);
    int at = fv_picture_field(data);
    if (at < 0)
        return fv_fail(error, FV_E_SHAPE, "the samples hold no picture (height x width, or with 1 or 3 channels)");
    const fv_data_field *field = &data->fields[at];
    fv_shape shape = {3, {field->shape.dim[0], field->shape.dim[1], field->shape.rank == 3 ? field->shape.dim[2] : 1}};
    void *fields[FV_MAX_FIELDS];
    char *buffer = fv_alloc(data->sample_bytes);
    fv_tensor plain = fv_tensor_new(FV_U8, &shape);
    fv_status status = buffer && plain.data ? FV_OK : fv_fail_memory(error, "a picture", data->sample_bytes);
    if (!status) {
        fv_sample_fields(data, buffer, fields);
        status = data->read(data, sample, fields, error);
    }
    if (!status) to_bytes(field, fields[at], plain.data, fv_shape_count(&shape));
    fv_free(buffer);
    if (!status && shape.dim[2] == 1)
        status = fv_picture_channels(&plain, 3, out, error);
    else if (!status)
        *out = plain, plain.data = NULL;
    fv_free(plain.data);
    return status;
}

/* Every pixel `times` x `times`. */
static fv_status enlarge(fv_tensor *picture, int64_t times, fv_error *error) {
    int64_t height = picture->shape.dim[0], width = picture->shape.dim[1];
    fv_tensor large = fv_tensor_new(FV_U8, &(fv_shape){3, {height * times, width * times, 3}});
    if (!large.data) return fv_fail_memory(error, "a picture", (size_t)(height * width * times * times * 3));
    for (int64_t y = 0; y < height * times; y++)
        for (int64_t x = 0; x < width * times; x++)
            memcpy((unsigned char *)large.data + (y * width * times + x) * 3,
                   (unsigned char *)picture->data + (y / times * width + x / times) * 3, 3);
    fv_free(picture->data);
    *picture = large;
    return FV_OK;
}

fv_status fv_sample_tile(const fv_data *data, int64_t sample, int64_t side, fv_tensor *out, fv_error *error) {
    fv_status status = fv_sample_picture(data, sample, out, error);
    if (status) return status;
    int64_t height = out->shape.dim[0], width = out->shape.dim[1], longer = height > width ? height : width;
    if (longer <= side) {
        if (side / longer > 1) status = enlarge(out, side / longer, error);
    } else {
        int64_t h = height * side / longer, w = width * side / longer;
        fv_tensor small;
        status = fv_picture_resize(out, h ? h : 1, w ? w : 1, &small, error);
        if (!status) {
            fv_free(out->data);
            *out = small;
        }
    }
    if (status) fv_free(out->data), out->data = NULL;
    return status;
}
