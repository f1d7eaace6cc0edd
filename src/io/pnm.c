/* pnm.c - PGM and PPM, as text (P2, P3) and as bytes (P5, P6). https://netpbm.sourceforge.net/doc/pgm.html */
#include "picture.h"

typedef struct cursor {
    const unsigned char *at, *end;
} cursor;

static bool is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The next whole number, at most 2^28; comments run from # to the end of the line. */
static bool take_number(cursor *c, int64_t *out) {
    while (c->at < c->end && (is_space(*c->at) || *c->at == '#')) {
        if (*c->at == '#')
            while (c->at < c->end && *c->at != '\n' && *c->at != '\r') c->at++;
        else
            c->at++;
    }
    const unsigned char *start = c->at;
    for (*out = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        *out = *out * 10 + (*c->at - '0');
        if (*out > 1 << 28) return false;
    }
    return c->at > start && (c->at == c->end || is_space(*c->at) || *c->at == '#');
}

static unsigned char scaled(int64_t value, int64_t largest) {
    return (unsigned char)((value * 255 + largest / 2) / largest);
}

static fv_status read_text(cursor *c, int64_t largest, const char *name, fv_tensor *out, fv_error *error) {
    unsigned char *to = out->data;
    int64_t count = fv_shape_count(&out->shape);
    for (int64_t i = 0; i < count; i++) {
        int64_t value;
        if (!take_number(c, &value) || value > largest)
            return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "number %lld of %lld is missing or not within 0 to %lld",
                              (long long)i + 1, (long long)count, (long long)largest);
        to[i] = scaled(value, largest);
    }
    return FV_OK;
}

static fv_status read_bytes(const unsigned char *in, int64_t largest, const char *name, fv_tensor *out,
                            fv_error *error) {
    unsigned char *to = out->data;
    int64_t count = fv_shape_count(&out->shape), each = largest > 255 ? 2 : 1;
    for (int64_t i = 0; i < count; i++) {
        int64_t value = each == 2 ? in[2 * i] << 8 | in[2 * i + 1] : in[i];
        if (value > largest)
            return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "number %lld is %lld, the header's maximum is %lld",
                              (long long)i + 1, (long long)value, (long long)largest);
        to[i] = scaled(value, largest);
    }
    return FV_OK;
}

static bool recognises(const unsigned char *bytes, size_t size) {
    return size >= 3 && bytes[0] == 'P' && (bytes[1] == '2' || bytes[1] == '3' || bytes[1] == '5' || bytes[1] == '6') &&
           (is_space(bytes[2]) || bytes[2] == '#');
}

static fv_status read_pnm(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out, fv_error *error) {
    cursor c = {bytes + 2, bytes + size};
    int64_t width, height, largest;
    if (!take_number(&c, &width) || !take_number(&c, &height) || !take_number(&c, &largest) || largest < 1 ||
        largest > 65535 || width < 1 || height < 1)
        return fv_fail_at(error, FV_E_FORMAT, name, 0, 0,
                          "damaged header: expected width, height and a maximum from 1 to 65535");
    int channels = bytes[1] == '3' || bytes[1] == '6' ? 3 : 1;
    bool text = bytes[1] <= '3';
    if (!text && c.at < c.end) c.at++; /* one white space ends the header */
    /* A number takes at least two bytes of text (the last one may lack its space). Both factors are at most 2^28. */
    int64_t pixels = width * height, left = c.end - c.at,
            needed = pixels * channels * (text || largest > 255 ? 2 : 1) - (text ? 1 : 0);
    if (left < needed || (!text && left > needed))
        return fv_fail_at(error, FV_E_FORMAT, name, 0, 0,
                          "the header claims %lld x %lld pixels (%lld bytes%s), the file has %lld bytes behind it",
                          (long long)width, (long long)height, (long long)needed, text ? " at least" : "",
                          (long long)left);
    fv_tensor picture;
    fv_status status = fv_picture_new(height, width, channels, name, &picture, error);
    if (status != FV_OK) return status;
    status = text ? read_text(&c, largest, name, &picture, error) : read_bytes(c.at, largest, name, &picture, error);
    while (status == FV_OK && text && c.at < c.end)
        if (!is_space(*c.at++)) status = fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "something follows the last pixel");
    if (status == FV_OK)
        *out = picture;
    else
        fv_free(picture.data);
    return status;
}

const fv_picture_format fv_picture_format_pnm = {
    .name = "pnm", .help = "PGM/PPM", .recognises = recognises, .read = read_pnm};
