/* warp.c - moves pixels, see warp.h. Loops over a row that a compiler turns into vector code; arithmetic in float, positions from
 * matrices in double. */
#include "warp.h"

#include <math.h>
#include <string.h>

const char *const fv_border_names[FV_BORDERS] = {"black", "edge", "reflect"};

/* ---- matrices --------------------------------------------------------------------------------------------------- */

static const double identity[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};

static void multiply(const double a[9], const double b[9], double out[9]) {
    double c[9];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) c[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
    memcpy(out, c, sizeof c);
}

static bool invert(const double m[9], double out[9]) {
    double c[9] = {m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
                   m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
                   m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
    double determinant = m[0] * c[0] + m[1] * c[3] + m[2] * c[6];
    if (!(fabs(determinant) > 1e-12)) return false;
    for (int i = 0; i < 9; i++) out[i] = c[i] / determinant;
    return true;
}

static bool is_identity(const double m[9]) { return memcmp(m, identity, sizeof identity) == 0; }

fv_warp fv_warp_none(void) {
    fv_warp warp = {.moves = false};
    memcpy(warp.matrix, identity, sizeof identity);
    memcpy(warp.after, identity, sizeof identity);
    return warp;
}

fv_warp fv_warp_matrix(const double m[9], double border) {
    fv_warp warp = fv_warp_none();
    for (int i = 0; i < 9; i++) warp.matrix[i] = m[i] + 0.0; /* no -0: the identity is known by its bits */
    warp.moves = warp.bordered = !is_identity(warp.matrix);
    warp.border = border;
    return warp;
}

fv_warp fv_warp_affine(const double k[4], double dx, double dy, int64_t height, int64_t width, double border) {
    double cx = 0.5 * (double)(width - 1), cy = 0.5 * (double)(height - 1);
    double m[9] = {k[0], k[1], cx - k[0] * cx - k[1] * cy + dx, k[2], k[3], cy - k[2] * cx - k[3] * cy + dy, 0, 0, 1};
    return fv_warp_matrix(m, border);
}

fv_warp fv_warp_mirror(bool across, bool down, int64_t height, int64_t width) {
    fv_warp warp = fv_warp_affine((const double[4]){across ? -1 : 1, 0, 0, down ? -1 : 1}, 0, 0, height, width, 0);
    warp.bordered = false;
    return warp;
}

bool fv_warp_then(fv_warp *warp, const fv_warp *step) {
    if (!step->moves) return true;
    if (!warp->moves) return *warp = *step, true;
    if (warp->bordered && step->bordered && warp->border != step->border) return false;
    if (warp->bend.dx && step->bend.dx) return false;
    if (warp->bend.dx)
        multiply(warp->after, step->matrix, warp->after);
    else {
        multiply(warp->matrix, step->matrix, warp->matrix);
        memcpy(warp->after, step->after, sizeof warp->after);
        warp->bend = step->bend;
    }
    if (step->bordered) warp->bordered = true, warp->border = step->border;
    return true;
}

/* ---- where pixels come from ------------------------------------------------------------------------------------- */

/* What a row of new pixels needs while it is made, one behind the other in the room. */
typedef struct line {
    float *x, *y; /* positions in the old picture, then the shares of the farther pixels */
    int32_t *at;  /* the nearer pixel */
    float *from;  /* the old picture with a frame of one pixel */
} line;

static line lay_out(float *room, int64_t width) {
    size_t each = ((size_t)width + 15) / 16 * 16;
    return (line){room, room + each, (int32_t *)(void *)(room + 2 * each), room + 3 * each};
}

size_t fv_warp_room(int64_t height, int64_t width, int channels) {
    size_t each = ((size_t)width + 15) / 16 * 16;
    return 3 * each + ((size_t)(height + 2) * (size_t)(width + 2) * (size_t)channels + 15) / 16 * 16;
}

/* The points (x[i], y[i]) of a row, taken on by a matrix. */
static void take_on(const double m[9], float *x, float *y, int64_t width) {
    float a = (float)m[0], b = (float)m[1], c = (float)m[2], d = (float)m[3], e = (float)m[4], f = (float)m[5];
    float g = (float)m[6], h = (float)m[7], k = (float)m[8];
    bool flat = m[6] == 0 && m[7] == 0 && m[8] == 1;
    for (int64_t i = 0; i < width && flat; i++) {
        float u = x[i], v = y[i];
        x[i] = a * u + (b * v + c);
        y[i] = d * u + (e * v + f);
    }
    for (int64_t i = 0; i < width && !flat; i++) {
        float u = x[i], v = y[i], w = g * u + h * v + k;
        w = w > 1e-3f ? w : 1e-3f; /* behind the eye there is nothing to see */
        x[i] = (a * u + b * v + c) / w;
        y[i] = (d * u + e * v + f) / w;
    }
}

/* A displacement between pixels; beyond the picture that of its edge. */
static float bend_at(const float *d, float x, float y, int64_t height, int64_t width) {
    float right = (float)(width - 1), bottom = (float)(height - 1);
    x = x > 0 ? x < right ? x : right : 0;
    y = y > 0 ? y < bottom ? y : bottom : 0;
    int64_t i = (int64_t)x, j = (int64_t)y, next = i + 1 < width, below = j + 1 < height ? width : 0;
    float p = x - (float)i, q = y - (float)j;
    d += j * width + i;
    return (1 - q) * ((1 - p) * d[0] + p * d[next]) + q * ((1 - p) * d[below] + p * d[below + next]);
}

static void bend_row(const fv_warp *warp, float *x, float *y, int64_t row, int64_t height, int64_t width) {
    if (is_identity(warp->after)) {
        const float *dx = warp->bend.dx + row * width, *dy = warp->bend.dy + row * width;
        for (int64_t i = 0; i < width; i++) x[i] += dx[i], y[i] += dy[i];
        return;
    }
    take_on(warp->after, x, y, width);
    for (int64_t i = 0; i < width; i++) {
        float dx = bend_at(warp->bend.dx, x[i], y[i], height, width);
        y[i] += bend_at(warp->bend.dy, x[i], y[i], height, width);
        x[i] += dx;
    }
}

/* Into the old picture, or at most one pixel outside. */
static void keep_inside(float *x, int64_t width, int64_t count, double border) {
    float last = (float)(count - 1), period = count > 1 ? 2 * last : 1;
    if (border == FV_BORDER_REFLECT)
        for (int64_t i = 0; i < width; i++) {
            float t = fabsf(x[i]);
            t -= period * (float)(int32_t)(t / period < 1e6f ? t / period : 1e6f);
            t = t < last ? t : period - t;
            x[i] = t > 0 ? t < last ? t : last : 0;
        }
    else {
        float least = border == FV_BORDER_EDGE ? 0 : -1, most = border == FV_BORDER_EDGE ? last : last + 1;
        for (int64_t i = 0; i < width; i++) x[i] = x[i] > least ? x[i] < most ? x[i] : most : least;
    }
}

static void find_row(const fv_warp *warp, const line *l, int64_t row, int64_t height, int64_t width) {
    for (int64_t i = 0; i < width; i++) l->x[i] = (float)i, l->y[i] = (float)row;
    if (warp->bend.dx) bend_row(warp, l->x, l->y, row, height, width);
    if (!is_identity(warp->matrix)) take_on(warp->matrix, l->x, l->y, width);
    keep_inside(l->x, width, width, warp->border);
    keep_inside(l->y, width, height, warp->border);
}

/* ---- whole steps and mirror images ------------------------------------------------------------------------------ */

static bool is_whole(const fv_warp *warp) {
    const double *m = warp->matrix;
    return !warp->bend.dx && fabs(m[0]) == 1 && m[1] == 0 && m[3] == 0 && fabs(m[4]) == 1 && m[6] == 0 && m[7] == 0 &&
           m[8] == 1 && m[2] == floor(m[2]) && m[5] == floor(m[5]) && fabs(m[2]) < 1e9 && fabs(m[5]) < 1e9;
}

/* The old row or column behind a new one, -1: outside. */
static int64_t source_of(double scale, double offset, int64_t at, int64_t count, double border) {
    int64_t from = (int64_t)(scale * (double)at + offset), period = count > 1 ? 2 * (count - 1) : 1;
    if (from >= 0 && from < count) return from;
    if (border == FV_BORDER_EDGE) return from < 0 ? 0 : count - 1;
    if (border != FV_BORDER_REFLECT) return -1;
    from = (from < 0 ? -from : from) % period;
    return from < count ? from : period - from;
}

static void fill(float *out, int64_t pixels, int channels, const float *outside) {
    for (int64_t i = 0; i < pixels; i++)
        for (int c = 0; c < channels; c++) out[i * channels + c] = outside[c];
}

static void gather_row(const float *from, float *out, const int32_t *at, int64_t width, int channels,
                       const float *outside) {
    for (int64_t i = 0; i < width; i++) {
        const float *pixel = at[i] < 0 ? outside : from + (int64_t)at[i] * channels;
        for (int c = 0; c < channels; c++) out[i * channels + c] = pixel[c];
    }
}

static void move_whole(const fv_warp *warp, float *x, int64_t height, int64_t width, int channels, const float *outside,
                       float *room) {
    line l = lay_out(room, width);
    float *old = l.from;
    int64_t row = width * channels;
    const double *m = warp->matrix;
    memcpy(old, x, (size_t)(height * row) * sizeof *x);
    for (int64_t i = 0; i < width; i++) l.at[i] = (int32_t)source_of(m[0], m[2], i, width, warp->border);
    for (int64_t y = 0; y < height; y++) {
        int64_t from = source_of(m[4], m[5], y, height, warp->border);
        if (from < 0)
            fill(x + y * row, width, channels, outside);
        else
            gather_row(old + from * row, x + y * row, l.at, width, channels, outside);
    }
}

/* ---- bilinear --------------------------------------------------------------------------------------------------- */

/* Positions become the nearer pixel in the framed picture and the share of the farther one. */
static void split_row(const line *l, int64_t height, int64_t width, int channels) {
    float *x = l->x, *y = l->y;
    int32_t *at = l->at;
    int32_t pitch = (int32_t)(width + 2), right = (int32_t)width, bottom = (int32_t)height;
    for (int64_t i = 0; i < width; i++) {
        float u = x[i] + 1, v = y[i] + 1;
        int32_t a = (int32_t)u, b = (int32_t)v;
        a = a < right ? a : right;
        b = b < bottom ? b : bottom;
        x[i] = u - (float)a;
        y[i] = v - (float)b;
        at[i] = (b * pitch + a) * channels;
    }
}

static void mix_row(const line *l, float *restrict out, int64_t width, int channels) {
    int64_t pitch = (width + 2) * channels;
    if (channels == 1) {
        for (int64_t i = 0; i < width; i++) {
            const float *p = l->from + l->at[i];
            float u = l->x[i], v = l->y[i];
            float above = p[0] + u * (p[1] - p[0]), below = p[pitch] + u * (p[pitch + 1] - p[pitch]);
            out[i] = above + v * (below - above);
        }
        return;
    }
    for (int64_t i = 0; i < width; i++) {
        const float *p = l->from + l->at[i];
        float u = l->x[i], v = l->y[i];
        for (int c = 0; c < channels; c++) {
            float above = p[c] + u * (p[channels + c] - p[c]);
            float below = p[pitch + c] + u * (p[pitch + channels + c] - p[pitch + c]);
            out[i * channels + c] = above + v * (below - above);
        }
    }
}

/* The old picture with a frame of one pixel, so that no neighbour is missing. */
static void frame(const float *x, float *out, int64_t height, int64_t width, int channels, const float *outside) {
    int64_t row = width * channels, pitch = (width + 2) * channels;
    fill(out, width + 2, channels, outside);
    for (int64_t y = 0; y < height; y++) {
        float *to = out + (y + 1) * pitch;
        fill(to, 1, channels, outside);
        memcpy(to + channels, x + y * row, (size_t)row * sizeof *x);
        fill(to + channels + row, 1, channels, outside);
    }
    fill(out + (height + 1) * pitch, width + 2, channels, outside);
}

void fv_warp_picture(const fv_warp *warp, float *x, int64_t height, int64_t width, int channels, const float *black,
                     float *room) {
    enum { MOST = 16 };
    float number[MOST];
    const float *outside = black;
    for (int c = 0; c < channels && c < MOST; c++) number[c] = (float)warp->border;
    if (warp->border < FV_BORDER_BLACK) outside = number;
    if (!warp->moves) return;
    if (is_whole(warp)) {
        move_whole(warp, x, height, width, channels, outside, room);
        return;
    }
    line l = lay_out(room, width);
    frame(x, l.from, height, width, channels, outside);
    for (int64_t y = 0; y < height; y++) {
        find_row(warp, &l, y, height, width);
        split_row(&l, height, width, channels);
        mix_row(&l, x + y * width * channels, width, channels);
    }
}

/* ---- masks and boxes -------------------------------------------------------------------------------------------- */

void fv_warp_mask(const fv_warp *warp, void *x, int64_t height, int64_t width, size_t element, float *room) {
    if (!warp->moves) return;
    line l = lay_out(room, width);
    char *old = (char *)l.from, *out = x;
    memcpy(old, x, (size_t)(height * width) * element);
    for (int64_t row = 0; row < height; row++) {
        find_row(warp, &l, row, height, width);
        for (int64_t i = 0; i < width; i++, out += element) {
            int64_t from_x = (int64_t)floorf(l.x[i] + 0.5f), from_y = (int64_t)floorf(l.y[i] + 0.5f);
            if (from_x < 0 || from_y < 0 || from_x >= width || from_y >= height)
                memset(out, 0, element);
            else
                memcpy(out, old + (size_t)(from_y * width + from_x) * element, element);
        }
    }
}

static void through(const double m[9], double *x, double *y) {
    double u = *x, v = *y, w = m[6] * u + m[7] * v + m[8];
    w = w > 1e-3 ? w : 1e-3;
    *x = (m[0] * u + m[1] * v + m[2]) / w;
    *y = (m[3] * u + m[4] * v + m[5]) / w;
}

/* Where a point of the old picture comes to lie. A bend is undone by going back against it a few times. */
static void forward(const fv_warp *warp, const double back[9], const double back_after[9], int64_t height,
                    int64_t width, double *x, double *y) {
    enum { ROUNDS = 8 };
    through(back, x, y);
    if (!warp->bend.dx) return;
    double u = *x, v = *y;
    for (int i = 0; i < ROUNDS; i++) {
        float dx = bend_at(warp->bend.dx, (float)u, (float)v, height, width);
        float dy = bend_at(warp->bend.dy, (float)u, (float)v, height, width);
        u = *x - (double)dx, v = *y - (double)dy;
    }
    through(back_after, &u, &v);
    *x = u, *y = v;
}

static double within(double x, double most) { return x > 0 ? x < most ? x : most : 0; }

void fv_warp_boxes(const fv_warp *warp, float *boxes, int64_t rows, int64_t columns, int64_t height, int64_t width) {
    double back[9], back_after[9];
    if (!warp->moves || !invert(warp->matrix, back) || !invert(warp->after, back_after)) return;
    for (int64_t r = 0; r < rows; r++) {
        float *b = boxes + r * columns;
        if (!(b[2] > b[0] && b[3] > b[1])) continue;
        double box[4] = {INFINITY, INFINITY, -INFINITY, -INFINITY};
        for (int k = 0; k < 9; k++) { /* corners and the middles between them */
            double x = (double)b[0] + 0.5 * (double)(b[2] - b[0]) * (k % 3) - 0.5;
            double y = (double)b[1] + 0.5 * (double)(b[3] - b[1]) * (k / 3) - 0.5;
            forward(warp, back, back_after, height, width, &x, &y);
            box[0] = fmin(box[0], x + 0.5), box[1] = fmin(box[1], y + 0.5);
            box[2] = fmax(box[2], x + 0.5), box[3] = fmax(box[3], y + 0.5);
        }
        for (int i = 0; i < 4; i++) box[i] = within(box[i], (double)(i % 2 ? height : width));
        bool any = box[2] > box[0] && box[3] > box[1];
        for (int i = 0; i < 4; i++) b[i] = any ? (float)box[i] : 0;
    }
}
