/* conv_shape.c - jobs, bands and bordered copies. See conv_shape.h. */
#include "conv_shape.h"
#include "pairs.h"

/* A band's copy and the panel it meets should share the second-level cache; 128 to 640 KiB made no difference. */
enum { BAND_FLOATS = 64 * 1024 };

/* ---- shape ---------------------------------------------------------------------------------------------------------
 */

/* With fewer result channels than lanes, neighbouring results are made together: g of them are g*F channels of a
 * convolution whose kernel is (g-1)*stride wider. 1->6 channels 5x5: four times as fast with g = 2 on AVX-512. */
static int64_t pixels_together(const conv_shape *s, const fv_conv_geom *g) {
    const int64_t stride = s->backward ? 1 : g->stride[2], kernel = g->kernel[2], f = s->to_c;
    if (g->groups != 1 || g->dilation[2] != 1 || g->flipped || s->to_pixel != f || f >= FV_LANES) return 1;
    if (s->backward && g->stride[2] != 1) return 1;
    int64_t best = 1;
    double best_use = 0;
    for (int64_t p = 1; p * f <= TILE_COLUMNS && p <= s->to[2]; p++) {
        if (s->to[2] % p) continue;
        double use = (double)(p * f * kernel) / (double)(conv_vectors(p * f) * FV_LANES * (kernel + (p - 1) * stride));
        if (use > best_use * 1.1) best = p, best_use = use;
    }
    return best;
}

conv_shape conv_shape_of(const fv_conv_geom *g, bool backward) {
    conv_shape s = {.backward = backward, .groups = g->groups, .phases = 1};
    for (int d = 0; d < 3; d++) {
        s.from[d] = backward ? g->out[d] : g->in[d];
        s.to[d] = backward ? g->in[d] : g->out[d];
        if (backward) s.phases *= g->stride[d];
    }
    s.from_c = backward ? g->f : g->c;
    s.to_c = backward ? g->c : g->f;
    s.from_pixel = backward ? g->y_pixel : g->x_pixel;
    s.to_pixel = backward ? g->x_pixel : g->y_pixel;
    s.numbers = s.from_c;
    s.from_each = s.from_c / s.groups;
    s.to_each = s.to_c / s.groups;
    s.pixels = pixels_together(&s, g);
    s.columns = s.to_each * s.pixels;
    s.padded_columns = conv_vectors(s.columns) * FV_LANES;
    s.panel = TILE_COLUMNS;
    s.panels = conv_ceil(s.columns, s.panel);
    return s;
}

conv_shape conv_shape_in_pairs(const fv_conv_geom *g, bool backward) {
    conv_shape s = conv_shape_of(g, backward);
    s.cells = CONV_CHANNEL_PAIRS;
    s.from_c = s.from_each = pairs_of(s.numbers);
    return s;
}

/* ---- jobs ----------------------------------------------------------------------------------------------------------
 */

static conv_axis forward_axis(const fv_conv_geom *g, int d) {
    conv_axis a = {.size = g->in[d], .count = g->out[d], .stride = g->stride[d], .pad = g->pad[d]};
    a.dilation = g->dilation[d];
    a.taps = g->kernel[d];
    a.step = 1;
    a.tap_step = 1;
    return a;
}

/* dx at position i takes part in y[o] with tap k where o*stride = i + pad - k*dilation. For the positions with
 * (i + pad) % stride == phase these are the taps with k*dilation % stride == phase: every `every`-th from the first
 * one. With q = (i + pad - phase)/stride and tap number t, o = q - (k*dilation - phase)/stride, which falls by
 * `dilation` of this job from tap to tap; so the taps are taken last first. */
static conv_axis backward_axis(const fv_conv_geom *g, int d, int64_t phase) {
    const int64_t stride = g->stride[d], dilation = g->dilation[d], kernel = g->kernel[d];
    conv_axis a = {.size = g->out[d], .stride = 1, .step = stride, .dilation = 1, .tap_step = 1};
    a.start = ((phase - g->pad[d]) % stride + stride) % stride;
    a.count = a.start < g->in[d] ? conv_ceil(g->in[d] - a.start, stride) : 0;
    int64_t first = 0, every = 1;
    while (first < kernel && first * dilation % stride != phase) first++;
    while (every * dilation % stride != 0) every++;
    if (first >= kernel) return a;
    a.taps = conv_ceil(kernel - first, every);
    a.dilation = every * dilation / stride;
    const int64_t last = first + (a.taps - 1) * every;
    a.pad = (last * dilation - phase) / stride - (a.start + g->pad[d] - phase) / stride;
    a.first_tap = last;
    a.tap_step = -every;
    return a;
}

conv_job conv_job_of(const conv_shape *shape, const fv_conv_geom *g, int64_t phase) {
    conv_job job = {.taps = 1};
    for (int d = 2; d >= 0; d--) {
        conv_axis *a = &job.axis[d];
        *a = shape->backward ? backward_axis(g, d, phase % g->stride[d]) : forward_axis(g, d);
        phase /= shape->backward ? g->stride[d] : 1;
        if (g->flipped) {
            a->first_tap = g->kernel[d] - 1 - a->first_tap;
            a->tap_step = -a->tap_step;
        }
        job.taps *= a->taps;
    }
    conv_axis *x = &job.axis[2];
    if (shape->pixels > 1 && job.taps) {
        job.taps = job.taps / x->taps * (x->taps + (shape->pixels - 1) * x->stride);
        x->taps += (shape->pixels - 1) * x->stride;
    }
    x->count /= shape->pixels;
    x->step *= shape->pixels;
    x->stride *= shape->pixels;
    for (int d = 0; d < 3 && job.taps == 0; d++) /* nothing is read: all results are the bias */
        job.axis[d].taps = job.axis[d].stride = job.axis[d].pad = 0;
    return job;
}

/* ---- bands ---------------------------------------------------------------------------------------------------------
 */

/* Source positions that `count` results read. */
static int64_t extent(const conv_axis *a, int64_t count) {
    return a->taps ? (count - 1) * a->stride + (a->taps - 1) * a->dilation + 1 : 0;
}

static bool leaves_source(const conv_axis *a) { return a->pad > 0 || extent(a, a->count) - a->pad > a->size; }

static int64_t source_floats(const conv_shape *s, const conv_job *job, const int64_t count[3]) {
    return count[0] * extent(&job->axis[0], count[1]) * extent(&job->axis[1], count[2]) *
           extent(&job->axis[2], job->axis[2].count) * s->from_c;
}

/* Grows count[d] as far as budget and pixels allow. */
static void grow(const conv_shape *s, const conv_job *job, int64_t count[3], int d, int64_t size, int64_t pixels) {
    const int64_t each = job->axis[2].count * count[0] * count[1] * count[2];
    int64_t most = conv_max(1, conv_min(size, pixels / each)), low = 1;
    while (low < most) { /* the largest count whose source fits */
        count[d] = (low + most + 1) / 2;
        if (source_floats(s, job, count) <= BAND_FLOATS)
            low = count[d];
        else
            most = count[d] - 1;
    }
    /* Planes and rows evened out; images not, so that fewer images never make a bigger band. */
    count[d] = d == 0 ? low : conv_ceil(size, conv_ceil(size, low));
}

conv_band conv_band_of(const conv_shape *s, const conv_job *job, int64_t n, int64_t pixels, int64_t pieces) {
    const int64_t size[3] = {n, job->axis[0].count, job->axis[1].count};
    conv_band b = {.count = {1, 1, 1}, .parts = 1, .copies = s->cells != CONV_NUMBERS};
    for (int d = 0; d < 3; d++) b.copies |= leaves_source(&job->axis[d]);
    grow(s, job, b.count, 2, size[2], pixels);
    if (b.count[2] == size[2]) grow(s, job, b.count, 1, size[1], pixels);
    const bool whole = b.count[2] == size[2] && b.count[1] == size[1];
    if (whole) grow(s, job, b.count, 0, n, conv_min(pixels, 512));
    /* Weights are read once a band: where nothing is copied let several tiles share them. */
    const int64_t each = size[1] * size[2] * job->axis[2].count;
    if (whole && !b.copies && b.count[0] * each < 8 * TILE_ROWS)
        b.count[0] = conv_max(b.count[0], conv_min(n, 16 * TILE_ROWS / each));
    for (int d = 0; d < 3; d++) b.bands[d] = conv_ceil(size[d], b.count[d]);
    const int64_t panels = s->groups * s->panels;
    if (conv_bands(&b) < pieces) b.parts = conv_min(panels, conv_ceil(pieces, conv_bands(&b)));
    for (int d = 0; d < 3; d += 2) /* too few panels: smaller bands of images or rows, as long as tiles stay full */
        while (conv_bands(&b) * b.parts < pieces && b.count[d] > 1 &&
               b.count[0] * b.count[1] * b.count[2] * job->axis[2].count >= 4 * TILE_ROWS) {
            b.count[d] = (b.count[d] + 1) / 2;
            b.bands[d] = conv_ceil(size[d], b.count[d]);
        }
    return b;
}

int64_t conv_band_floats(const conv_job *job, const conv_band *band, int64_t channels) {
    if (!band->copies) return 0;
    return band->count[0] * extent(&job->axis[0], band->count[1]) * extent(&job->axis[1], band->count[2]) *
           extent(&job->axis[2], job->axis[2].count) * channels;
}

/* ---- bordered copies -----------------------------------------------------------------------------------------------
 */

static void pair_pixels(const float *from, int64_t step, int64_t numbers, int64_t count, float *to) {
    if (step == numbers && numbers % 2 == 0) {
        pairs_copy(to, from, count * numbers);
        return;
    }
    for (int64_t i = 0; i < count; i++, from += step, to += pairs_of(numbers)) pairs_copy(to, from, numbers);
}

static void copy_pixels(const float *from, int64_t step, int64_t channels, int64_t count, float *to) {
    if (step == channels) {
        memcpy(to, from, (size_t)(count * channels) * sizeof(float));
        return;
    }
    for (int64_t i = 0; i < count; i++, from += step, to += channels) conv_copy(to, from, channels);
}

static void zip_pixels(const float *from, const float *other, int64_t step, int64_t channels, int64_t count,
                       float *to) {
    for (int64_t i = 0; i < count; i++, from += step, to += channels) {
        pairs_zip_rows(to, from, other, channels);
        if (other) other += step;
    }
}

/* A whole row with what pads it left and right. */
static void copy_row(const conv_shape *s, const conv_axis *a, const float *row, const float *other, int64_t channels,
                     int64_t width, float *to) {
    const int64_t left = conv_min(conv_max(a->pad, 0), width), skip = conv_max(-a->pad, 0) * s->from_pixel;
    const int64_t inside = conv_max(0, conv_min(a->size - conv_max(-a->pad, 0), width - left));
    float *first = to + left * channels;
    memset(to, 0, (size_t)(left * channels) * sizeof(float));
    if (s->cells == CONV_CHANNEL_PAIRS)
        pair_pixels(row + skip, s->from_pixel, s->numbers, inside, first);
    else if (s->cells == CONV_IMAGE_PAIRS)
        zip_pixels(row + skip, other ? other + skip : NULL, s->from_pixel, channels, inside, first);
    else
        copy_pixels(row + skip, s->from_pixel, channels, inside, first);
    memset(first + inside * channels, 0, (size_t)((width - left - inside) * channels) * sizeof(float));
}

conv_view conv_strides(const conv_shape *s, const conv_job *job, const conv_band *band, int64_t channels) {
    if (job->taps == 0) return (conv_view){0};
    conv_view v = {.pixel = band->copies ? channels : s->from_pixel};
    v.row = v.pixel * (band->copies ? extent(&job->axis[2], job->axis[2].count) : s->from[2]);
    v.plane = v.row * (band->copies ? extent(&job->axis[1], band->count[2]) : s->from[1]);
    v.image = v.plane * (band->copies ? extent(&job->axis[0], band->count[1]) : s->from[0]);
    return v;
}

void conv_copy_image(const conv_shape *s, const conv_job *job, const conv_place *place, const conv_view *v,
                     const float *image, const float *other, int64_t channels, float *to) {
    const conv_axis *z = &job->axis[0], *y = &job->axis[1], *x = &job->axis[2];
    const int64_t row = s->from[2] * s->from_pixel, plane = s->from[1] * row;
    const int64_t z0 = place->first[1] * z->stride - z->pad, y0 = place->first[2] * y->stride - y->pad;
    const int64_t width = extent(x, x->count), height = extent(y, place->count[2]), depth = extent(z, place->count[1]);
    for (int64_t k = 0; k < depth; k++)
        for (int64_t j = 0; j < height; j++) {
            const int64_t from = (z0 + k) * plane + (y0 + j) * row;
            const bool inside = z0 + k >= 0 && z0 + k < z->size && y0 + j >= 0 && y0 + j < y->size;
            if (inside)
                copy_row(s, x, image + from, other ? other + from : NULL, channels, width,
                         to + k * v->plane + j * v->row);
            else
                memset(to + k * v->plane + j * v->row, 0, (size_t)v->row * sizeof(float));
        }
}

conv_view conv_look(const conv_shape *s, const conv_job *job, const conv_band *band, const conv_place *place,
                    const float *from, int64_t first, int64_t channels, float *copy) {
    const conv_axis *z = &job->axis[0], *y = &job->axis[1], *x = &job->axis[2];
    const int64_t row = s->from[2] * s->from_pixel, plane = s->from[1] * row, image = s->from[0] * plane;
    conv_view v = conv_strides(s, job, band, channels);
    v.base = copy;
    from += place->first[0] * image + first;
    if (!band->copies) {
        const int64_t z0 = place->first[1] * z->stride - z->pad, y0 = place->first[2] * y->stride - y->pad;
        v.base = job->taps ? from + z0 * plane + y0 * row - x->pad * s->from_pixel : from;
        return v;
    }
    for (int64_t i = 0; i < place->count[0]; i++)
        conv_copy_image(s, job, place, &v, from + i * image, NULL, channels, copy + i * v.image);
    return v;
}
