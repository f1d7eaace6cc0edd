/* picture_fit.c - pictures of any size into the one that a net reads: stretched, cropped or letterboxed. */
#include "picture.h"
#include "memory.h"

#include <math.h>
#include <string.h>

/* What letterbox leaves empty: the middle between black and white, near zero after the usual preprocessing. */
enum { EMPTY = 127 };

static int64_t at_least(int64_t value, int64_t least) { return value < least ? least : value; }

/* Half of an even or odd rest; .5 goes to the even number, as torchvision's centre crop rounds. */
static int64_t half(int64_t rest) { return rest / 2 + (rest % 2 && rest / 2 % 2); }

/* The shorter side (by the aspect wanted) becomes `to` / crop, the other one follows, rounded down. */
static fv_placement cropped(int64_t height, int64_t width, int64_t to_height, int64_t to_width, double crop) {
    fv_window w = {.height = to_height, .width = to_width};
    double tall = (double)to_height / crop, wide = (double)to_width / crop;
    if (tall / (double)height >= wide / (double)width) {
        w.all_height = at_least(llround(tall), to_height);
        w.all_width = at_least((int64_t)((double)w.all_height * (double)width / (double)height), to_width);
    } else {
        w.all_width = at_least(llround(wide), to_width);
        w.all_height = at_least((int64_t)((double)w.all_width * (double)height / (double)width), to_height);
    }
    w.top = half(w.all_height - to_height);
    w.left = half(w.all_width - to_width);
    return (fv_placement){.window = w};
}

static fv_placement letterboxed(int64_t height, int64_t width, int64_t to_height, int64_t to_width) {
    double tall = (double)to_height / (double)height, wide = (double)to_width / (double)width;
    int64_t h = to_height, w = to_width;
    if (tall < wide)
        w = at_least(llround((double)width * tall), 1);
    else
        h = at_least(llround((double)height * wide), 1);
    return (fv_placement){.window = {.all_height = h, .all_width = w, .height = h, .width = w},
                          .top = half(to_height - h),
                          .left = half(to_width - w)};
}

fv_placement fv_picture_place(int64_t height, int64_t width, int64_t to_height, int64_t to_width, fv_fitting fit,
                              double crop) {
    if (fit == FV_FIT_CROP) return cropped(height, width, to_height, to_width, crop > 0 && crop < 1 ? crop : 1);
    if (fit == FV_FIT_LETTERBOX) return letterboxed(height, width, to_height, to_width);
    return (fv_placement){
        .window = {.all_height = to_height, .all_width = to_width, .height = to_height, .width = to_width}};
}

/* Copies where the size is right already, so that pictures of the net's own size keep their bytes. */
static fv_status place(const fv_tensor *picture, const fv_placement *p, const fv_tensor *out, fv_error *error) {
    int64_t channels = picture->shape.dim[2], row = out->shape.dim[1] * channels;
    const fv_window *w = &p->window;
    unsigned char *to = (unsigned char *)out->data + p->top * row + p->left * channels;
    if (w->height < out->shape.dim[0] || w->width < out->shape.dim[1])
        memset(out->data, EMPTY, (size_t)(out->shape.dim[0] * row));
    if (w->all_height != picture->shape.dim[0] || w->all_width != picture->shape.dim[1])
        return fv_picture_resize_window(picture, w, to, row, error);
    const unsigned char *from =
        (const unsigned char *)picture->data + (w->top * picture->shape.dim[1] + w->left) * channels;
    for (int64_t y = 0; y < w->height; y++)
        memcpy(to + y * row, from + y * picture->shape.dim[1] * channels, (size_t)(w->width * channels));
    return FV_OK;
}

fv_status fv_picture_fit(const fv_tensor *picture, fv_fitting fit, double crop, const fv_tensor *out, fv_error *error) {
    fv_tensor converted = {0};
    fv_status status = FV_OK;
    if (picture->shape.dim[2] != out->shape.dim[2]) {
        status = fv_picture_channels(picture, (int)out->shape.dim[2], &converted, error);
        if (status != FV_OK) return status;
        picture = &converted;
    }
    fv_placement p =
        fv_picture_place(picture->shape.dim[0], picture->shape.dim[1], out->shape.dim[0], out->shape.dim[1], fit, crop);
    status = place(picture, &p, out, error);
    fv_free(converted.data);
    return status;
}
