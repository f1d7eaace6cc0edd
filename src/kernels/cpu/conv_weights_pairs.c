/* conv_weights_pairs.c - what the gradient of convolution weights reads where its products are of bf16: pairs of images, the first
 * with the second of a slot, the third with the fourth ..., whatever tap, stride or border they have in common. Bands, pieces and
 * slots then count such pairs.
 */
#include "conv_weights.h"

/* The first image of pair number `pair`; the other is the next one, if that is of the same slot. */
static int64_t image_of(const gradient *d, int64_t pair, bool *alone) {
    int slot = 0;
    while (pair >= d->first[slot + 1]) slot++;
    const int64_t image = fv_slot(d->n, slot) + 2 * (pair - d->first[slot]);
    *alone = image + 1 == fv_slot(d->n, slot + 1);
    return image;
}

void gradient_copy_pairs(const gradient *d, const gradient_piece *p, const conv_place *place, const conv_view *v,
                         float *copy) {
    const conv_shape *s = d->shape;
    const int64_t each = s->from[0] * s->from[1] * s->from[2] * s->from_pixel;
    for (int64_t i = 0; i < place->count[0]; i++) {
        bool alone;
        const float *x = d->x + image_of(d, place->first[0] + i, &alone) * each + p->channel;
        conv_copy_image(s, d->job, place, v, x, alone ? NULL : x + each, p->channels, copy + i * v->image);
    }
}

void gradient_gather_pairs(const gradient *d, const conv_place *place, int64_t column, int64_t columns, int64_t pixels,
                           float *to) {
    const conv_shape *s = d->shape;
    const int64_t each = s->to[0] * s->to[1] * s->to[2] * s->to_pixel, of_image = pixels / place->count[0];
    const int64_t first = (place->first[1] * s->to[1] + place->first[2]) * s->to[2] * s->to_pixel + column;
    for (int64_t i = 0, m = 0; i < place->count[0]; i++) {
        bool alone;
        const float *dy = d->dy + image_of(d, place->first[0] + i, &alone) * each + first;
        for (int64_t k = 0; k < of_image; k++, m++, dy += s->to_pixel)
            for (int64_t c = 0; c < columns; c += s->panel) {
                const int64_t count = conv_min(s->panel, columns - c);
                float *row = to + c / s->panel * gradient_panel_step(pixels) + m * conv_vectors(count) * FV_LANES;
                pairs_zip_rows(row, dy + c, alone ? NULL : dy + each + c, count);
            }
    }
}
