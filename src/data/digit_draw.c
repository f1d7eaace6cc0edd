/* digit_draw.c - one handwritten digit: a style's strokes are disturbed like a hand does, then drawn like a pen does.
 */
#include "digits.h"
#include "philox.h"

#include <math.h>
#include <stdbool.h>

enum { SIDE = FV_DIGIT_SIDE, STEPS = 5, MAX_LINE = FV_DIGIT_POINTS * STEPS + 1, GRID = 4 };

/* How far the hand wanders: chosen so that linear classifiers fail where convolutions do not. Trained on the 60,000,
 * logistic regression gets 93.1% of the test part right (12 epochs), the lectures' network of three convolutions 99.4%
 * (3 epochs). Lengths in pixels, control points in hundredths of the digit's box. */
#define POINT_JITTER 3.7f
#define SLANT 0.22f
#define ROTATION 0.10f
#define HEIGHT 19.0f
#define HEIGHT_SPREAD 1.5f
#define SHIFT 1.1f
#define ELASTIC 0.75f

typedef struct pen_point {
    float x, y, radius;
} pen_point;

/* Uniform in [low, high). */
static float between(fv_stream *s, float low, float high) {
    return low + (high - low) * (float)(fv_next(s) >> 8) * 0x1p-24f;
}

/* Nearly normal with deviation 1, never beyond 3.5: the sum of the four bytes of one word, which needs no logarithm. */
static float wobble(fv_stream *s) {
    uint32_t w = fv_next(s);
    int sum = (int)((w & 255u) + (w >> 8 & 255u) + (w >> 16 & 255u) + (w >> 24));
    return (float)(sum - 510) * (1.0f / 147.8f);
}

int fv_digit_class(uint64_t seed, int part, int64_t index) {
    fv_stream s = fv_stream_new(seed, FV_FOR_DIGITS, 2u + (unsigned)part, (uint64_t)(index / 10));
    unsigned char order[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (unsigned i = 9; i > 0; i--) {
        unsigned j = (unsigned)((uint64_t)fv_next(&s) * (i + 1) >> 32);
        unsigned char kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    return order[index % 10];
}

static const fv_digit_style *choose_style(fv_stream *s, int digit) {
    int total = 0, first = 0;
    while (fv_digit_styles[first].digit != digit) first++;
    for (int i = first; i < fv_digit_style_count && fv_digit_styles[i].digit == digit; i++)
        total += fv_digit_styles[i].weight;
    int pick = (int)((uint64_t)fv_next(s) * (uint64_t)total >> 32);
    for (; pick >= fv_digit_styles[first].weight; first++) pick -= fv_digit_styles[first].weight;
    return &fv_digit_styles[first];
}

/* The hand: size, proportions, slant, rotation and place of the whole digit; every control point a little off. */
static void place_points(fv_stream *s, const fv_digit_style *style, pen_point *out) {
    float height = HEIGHT + HEIGHT_SPREAD * wobble(s), width = height * between(s, 0.66f, 1.02f);
    float slant = 0.08f + SLANT * wobble(s);
    float t = 0.5f * ROTATION * wobble(s); /* tan of half the angle: sine and cosine without libm */
    float cosine = (1 - t * t) / (1 + t * t), sine = 2 * t / (1 + t * t);
    float radius = between(s, 0.55f, 1.55f), pressure = between(s, 0, 0.28f);
    float x0 = SIDE / 2.0f - 0.5f + SHIFT * wobble(s), y0 = SIDE / 2.0f - 0.5f + SHIFT * wobble(s);
    for (int i = 0; i < style->count; i++) {
        float u = ((float)style->points[i].x - 50 + POINT_JITTER * wobble(s)) * 0.01f * width;
        float v = ((float)style->points[i].y - 50 + POINT_JITTER * wobble(s)) * 0.01f * height;
        u -= slant * v;
        float r = radius * (1 + pressure * wobble(s));
        out[i] = (pen_point){x0 + cosine * u - sine * v, y0 + sine * u + cosine * v, r < 0.4f ? 0.4f : r};
    }
}

/* A smooth random displacement of the paper: random vectors on a grid, blended smoothly in between. */
typedef struct field {
    float dx[GRID][GRID], dy[GRID][GRID];
} field;

static void draw_field(fv_stream *s, field *f) {
    float amount = ELASTIC * between(s, 0.3f, 1.7f);
    for (int i = 0; i < GRID; i++)
        for (int j = 0; j < GRID; j++) {
            f->dx[i][j] = amount * wobble(s);
            f->dy[i][j] = amount * wobble(s);
        }
}

static void displace(const field *f, pen_point *p) {
    float gx = p->x * ((GRID - 1.0f) / SIDE), gy = p->y * ((GRID - 1.0f) / SIDE);
    int j = gx < 0 ? 0 : gx >= GRID - 1 ? GRID - 2 : (int)gx, i = gy < 0 ? 0 : gy >= GRID - 1 ? GRID - 2 : (int)gy;
    float a = gx - (float)j, b = gy - (float)i;
    a = a < 0 ? 0 : a > 1 ? 1 : a * a * (3 - 2 * a);
    b = b < 0 ? 0 : b > 1 ? 1 : b * b * (3 - 2 * b);
    float w00 = (1 - a) * (1 - b), w01 = a * (1 - b), w10 = (1 - a) * b, w11 = a * b;
    p->x += w00 * f->dx[i][j] + w01 * f->dx[i][j + 1] + w10 * f->dx[i + 1][j] + w11 * f->dx[i + 1][j + 1];
    p->y += w00 * f->dy[i][j] + w01 * f->dy[i][j + 1] + w10 * f->dy[i + 1][j] + w11 * f->dy[i + 1][j + 1];
}

/* Catmull-Rom between b and c with neighbours a and d. */
static pen_point spline(pen_point a, pen_point b, pen_point c, pen_point d, float t) {
    float t2 = t * t, t3 = t2 * t;
    float wa = 0.5f * (-t3 + 2 * t2 - t), wb = 0.5f * (3 * t3 - 5 * t2 + 2);
    float wc = 0.5f * (-3 * t3 + 4 * t2 + t), wd = 0.5f * (t3 - t2);
    return (pen_point){wa * a.x + wb * b.x + wc * c.x + wd * d.x, wa * a.y + wb * b.y + wc * c.y + wd * d.y,
                       b.radius + t * (c.radius - b.radius)};
}

/* One straight piece of a stroke: ink is what lies within the radius, with one pixel of soft edge. */
static void draw_piece(float *ink, pen_point a, pen_point b) {
    float dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy, inverse = length2 > 1e-12f ? 1 / length2 : 0;
    float reach = (a.radius > b.radius ? a.radius : b.radius) + 0.5f, thicker = b.radius - a.radius;
    float left = (a.x < b.x ? a.x : b.x) - reach, right = (a.x > b.x ? a.x : b.x) + reach;
    float top = (a.y < b.y ? a.y : b.y) - reach, bottom = (a.y > b.y ? a.y : b.y) + reach;
    if (right < 0 || bottom < 0 || left > SIDE - 1 || top > SIDE - 1) return;
    int x0 = left > 0 ? (int)left : 0, x1 = right < SIDE - 1 ? (int)right + 1 : SIDE - 1;
    int y0 = top > 0 ? (int)top : 0, y1 = bottom < SIDE - 1 ? (int)bottom + 1 : SIDE - 1;
    for (int y = y0; y <= y1; y++) {
        float py = (float)y - a.y, *row = ink + y * SIDE;
        for (int x = x0; x <= x1; x++) {
            float px = (float)x - a.x, t = (px * dx + py * dy) * inverse;
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            float ex = px - t * dx, ey = py - t * dy;
            float cover = a.radius + t * thicker + 0.5f - sqrtf(ex * ex + ey * ey);
            cover = cover > 1 ? 1 : cover;
            row[x] = cover > row[x] ? cover : row[x];
        }
    }
}

/* The strokes as short straight pieces: line[k] to line[k + 1], except where the pen is lifted behind line[k]. */
typedef struct trace {
    pen_point line[MAX_LINE];
    bool lifted[MAX_LINE];
    int count;
} trace;

static void add_point(const field *f, pen_point p, trace *t) {
    displace(f, &p);
    t->line[t->count] = p;
    t->lifted[t->count++] = false;
}

static void trace_strokes(const fv_digit_style *style, const pen_point *points, const field *f, trace *t) {
    t->count = 0;
    for (int i = 0; i < style->count; i++) {
        bool starts = i == 0 || style->points[i - 1].turn == FV_LIFT;
        if (starts) add_point(f, points[i], t);
        if (style->points[i].turn == FV_LIFT) {
            t->lifted[t->count - 1] = true;
            continue;
        }
        bool sharp_start = starts || style->points[i].turn == FV_CORNER,
             sharp_end = style->points[i + 1].turn != FV_SMOOTH;
        pen_point before = points[sharp_start ? i : i - 1], after = points[sharp_end ? i + 1 : i + 2];
        for (int k = 1; k <= STEPS; k++)
            add_point(f, spline(before, points[i], points[i + 1], after, (float)k / STEPS), t);
    }
}

/* How far to move [low, high] so that it lies within the picture; to its middle when it is too long for that. */
static float move_inside(float low, float high) {
    const float first = 0.5f, last = SIDE - 1.5f;
    if (high - low > last - first) return 0.5f * (first + last - low - high);
    return low < first ? first - low : high > last ? last - high : 0;
}

/* Nobody writes beyond the edge of the paper. */
static void keep_inside(trace *t) {
    pen_point low = {SIDE, SIDE, 0}, high = {0, 0, 0};
    for (int k = 0; k < t->count; k++) {
        const pen_point *p = &t->line[k];
        low.x = p->x - p->radius < low.x ? p->x - p->radius : low.x;
        low.y = p->y - p->radius < low.y ? p->y - p->radius : low.y;
        high.x = p->x + p->radius > high.x ? p->x + p->radius : high.x;
        high.y = p->y + p->radius > high.y ? p->y + p->radius : high.y;
    }
    float dx = move_inside(low.x, high.x), dy = move_inside(low.y, high.y);
    for (int k = 0; k < t->count; k++) {
        t->line[k].x += dx;
        t->line[k].y += dy;
    }
}

/* A light blur (1-2b in the middle, b beside it, both ways) as a scanner has it. */
static void blur(float *ink, float b) {
    float rows[FV_DIGIT_PIXELS];
    for (int y = 0; y < SIDE; y++) {
        const float *in = ink + y * SIDE;
        float *out = rows + y * SIDE;
        out[0] = (1 - 2 * b) * in[0] + b * in[1];
        out[SIDE - 1] = (1 - 2 * b) * in[SIDE - 1] + b * in[SIDE - 2];
        for (int x = 1; x < SIDE - 1; x++) out[x] = (1 - 2 * b) * in[x] + b * (in[x - 1] + in[x + 1]);
    }
    for (int y = 0; y < SIDE; y++) {
        const float *here = rows + y * SIDE, *above = y > 0 ? here - SIDE : here,
                    *below = y < SIDE - 1 ? here + SIDE : here;
        for (int x = 0; x < SIDE; x++) ink[y * SIDE + x] = (1 - 2 * b) * here[x] + b * (above[x] + below[x]);
    }
}

/* Bytes with uneven ink and a grain that grows with it: the paper stays clean. */
static void develop(fv_stream *s, const float *ink, unsigned char *out) {
    float strength = between(s, 0.80f, 1.15f) * 255, grain = between(s, 0, 0.16f);
    uint32_t word = 0;
    for (int i = 0; i < FV_DIGIT_PIXELS; i++) {
        if (ink[i] <= 0) {
            out[i] = 0;
            continue;
        }
        if (word == 0) word = fv_next(s);
        float value = ink[i] * strength * (1 + grain * ((float)(word & 255u) * (1.0f / 127.5f) - 1)) + 0.5f;
        word >>= 8;
        out[i] = value >= 255 ? 255 : (unsigned char)value;
    }
}

void fv_digit_draw(uint64_t seed, int part, int64_t index, int digit, unsigned char *out) {
    fv_stream s = fv_stream_new(seed, FV_FOR_DIGITS, (unsigned)part, (uint64_t)index);
    pen_point points[FV_DIGIT_POINTS];
    field f;
    trace t;
    float ink[FV_DIGIT_PIXELS] = {0};
    const fv_digit_style *style = choose_style(&s, digit);
    place_points(&s, style, points);
    draw_field(&s, &f);
    trace_strokes(style, points, &f, &t);
    keep_inside(&t);
    for (int k = 0; k + 1 < t.count; k++)
        if (!t.lifted[k]) draw_piece(ink, t.line[k], t.line[k + 1]);
    blur(ink, between(&s, 0.02f, 0.14f));
    develop(&s, ink, out);
}
