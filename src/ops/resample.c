/* resample.c - one axis made longer or shorter, by every rule of reading between cells that ONNX's Resize knows. */
#include "mixing.h"
#include "picking.h"

#include <math.h>

static const fv_choices modes = {"fv_resample_mode", "FV_RESAMPLE_", {"nearest", "linear", "cubic"}};
enum { NEAREST, LINEAR, CUBIC };
static const fv_choices places = {
    "fv_resample_places",
    "FV_RESAMPLE_PLACES_",
    {"half_pixel", "half_pixel_or_first", "half_pixel_centred", "corners", "asymmetric", "half_pixel_shifted", "crop"}};
enum { HALF_PIXEL, HALF_PIXEL_OR_FIRST, HALF_PIXEL_CENTRED, CORNERS, ASYMMETRIC, HALF_PIXEL_SHIFTED, CROP };
static const fv_choices roundings = {
    "fv_resample_rounding", "FV_RESAMPLE_ROUND_", {"half_down", "half_up", "down", "up"}};
enum { HALF_DOWN, HALF_UP, DOWN, UP };

#define FIELDS(F)                                                                                                      \
    F(resample, INT, length, .positional = true, .required = true, .min = 1, .max = FV_MANY,                           \
      .help = "cells of the result")                                                                                   \
    F(resample, INT, axis, .standard = -2, .min = -8, .max = 7,                                                        \
      .help = "the axis, the batch being 0; negative: from the end")                                                   \
    F(resample, FLOAT, scale, .min = 1e-6, .max = 1e6, .standard_text = "length by cells of the input",                \
      .help = "cells of the result for one of the input, where rounding made it another number")                       \
    F(resample, CHOICE, mode, .choices = &modes, .help = "what a new cell shows")                                      \
    F(resample, CHOICE, places, .choices = &places, .help = "where the new cells lie")                                 \
    F(resample, CHOICE, rounding, .choices = &roundings, .help = "which cell is nearest")                              \
    F(resample, FLOAT, sharpness, .standard = -0.75, .min = -10, .max = 10, .help = "a of the cubic")                  \
    F(resample, BOOL, inside, .help = "cells outside weigh nothing, instead of being like the outermost")              \
    F(resample, BOOL, smooth, .help = "making shorter averages over what a new cell covers")                           \
    F(resample, FLOAT, from, .min = -1e9, .max = 1e9, .help = "start of the crop as part of the axis")                 \
    F(resample, FLOAT, to, .standard = 1, .min = -1e9, .max = 1e9, .help = "its end")                                  \
    F(resample, FLOAT, outside, .help = "the number of cells that a crop has beyond the input")
FV_DEFINE_FIELDS(resample, FIELDS)

static fv_status infer(fv_infer *infer) {
    const struct resample *f = infer->fields;
    int axis;
    fv_status status = fv_infer_own_axis(infer, 0, f->axis, &axis);
    if (status) return status;
    infer->out[0] = infer->in[0];
    if (f->mode != NEAREST || f->places == CROP) status = fv_infer_real(infer, 0);
    if (!status && infer->in[0].shape.dim[axis] == 0) status = fv_infer_fail(infer, "0 cells cannot become more");
    infer->out[0].shape.dim[axis] = f->length;
    return status;
}

/* ---- where a cell lies ------------------------------------------------------------------------------------------ */

typedef struct axis_geom {
    const struct resample *f;
    int64_t in, out;
    double scale;
} axis_geom;

/* Where cell o of the result lies among the input's, from the centre of the first. In float, step by step: half-way the
 * nearest cell depends on the rounding, and floats are what everybody else computes it with. */
static double place_of(const axis_geom *g, int64_t o) {
    float at = (float)o, in = (float)g->in, out = (float)g->out, scale = (float)g->scale;
    float from = (float)g->f->from, to = (float)g->f->to, offset = 0;
    switch (g->f->places) {
    case CORNERS: return g->out > 1 ? at * (in - 1) / (out - 1) : 0;
    case ASYMMETRIC: return at / scale;
    case HALF_PIXEL_SHIFTED: return (at + 0.5f) / scale;
    case CROP:
        return g->out > 1 ? from * (in - 1) + at * (to - from) * (in - 1) / (out - 1) : 0.5f * (from + to) * (in - 1);
    case HALF_PIXEL_CENTRED: offset = in / 2 * (1 - out / (scale * in)); break;
    case HALF_PIXEL_OR_FIRST:
        if (g->out == 1) return 0;
        break;
    default: break;
    }
    return offset + (at + 0.5f) / scale - 0.5f;
}

static bool cropped(const axis_geom *g, double at) {
    return g->f->places == CROP && (at < 0 || at > (double)(g->in - 1));
}

static int64_t within(const axis_geom *g, double at) {
    return at <= 0 ? 0 : at >= (double)(g->in - 1) ? g->in - 1 : (int64_t)at;
}

static int64_t nearest(const axis_geom *g, double at) {
    switch (g->f->rounding) {
    case HALF_UP: return within(g, floor(at + 0.5));
    case DOWN: return within(g, floor(at));
    case UP: return within(g, ceil(at));
    default: return within(g, ceil(at - 0.5));
    }
}

/* ---- what it is mixed of ---------------------------------------------------------------------------------------- */

/* Weight of a cell at distance d, in cells: a triangle, or Keys' cubic (Keys 1981, eq. 4). */
static double weight_at(const struct resample *f, double d) {
    double a = f->sharpness;
    d = fabs(d);
    if (f->mode == LINEAR) return d < 1 ? 1 - d : 0;
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* By how much the weights' shape is widened: a smooth one covers what a new cell does. */
static double width(const axis_geom *g) { return g->f->smooth && g->scale < 1 ? 1 / g->scale : 1; }
static int64_t reach(const axis_geom *g) { return (int64_t)ceil((g->f->mode == CUBIC ? 2 : 1) * width(g)); }

static void mix_cell(const axis_geom *g, fv_mixing *m, double at) {
    int64_t low = (int64_t)floor(at), most = reach(g);
    double wide = width(g), sum = 0;
    for (int64_t i = low - most + 1; i <= low + most; i++)
        if (!g->f->inside || (i >= 0 && i < g->in)) sum += weight_at(g->f, (at - (double)i) / wide);
    for (int64_t i = low - most + 1; i <= low + most && sum != 0; i++)
        if (!g->f->inside || (i >= 0 && i < g->in))
            fv_mixing_tap(m, within(g, (double)i), weight_at(g->f, (at - (double)i) / wide) / sum);
}

static bool mixing_of(fv_emit *e, const axis_geom *g, fv_mixing *m) {
    int64_t each = g->f->mode == NEAREST ? 1 : 2 * reach(g), taps;
    if (!fv_mul_i64(each, g->out, &taps) || taps > INT32_MAX) {
        fv_emit_refuse(e, "the axis is too long to be resampled");
        return false;
    }
    if (!fv_mixing_start(e, g->in, g->out, taps, m)) return false;
    for (int64_t o = 0; o < g->out; o++) {
        double at = place_of(g, o);
        if (cropped(g, at)) /* no taps: a number of its own */
            ;
        else if (g->f->mode == NEAREST)
            fv_mixing_tap(m, nearest(g, at), 1);
        else
            mix_cell(g, m, at);
        fv_mixing_next(m);
    }
    return true;
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

static axis_geom geom_of(const fv_emit *e, int *axis) {
    const struct resample *f = fv_emit_fields(e);
    const fv_type *x = fv_in_type(e, 0);
    *axis = fv_axis_of(f->axis, x->shape.rank);
    axis_geom g = {.f = f, .in = x->shape.dim[*axis], .out = f->length};
    g.scale = f->scale > 0 ? f->scale : (double)g.out / (double)g.in;
    return g;
}

/* Whole cells, of any type, are picked. */
static bool picks(const axis_geom *g) { return g->f->mode == NEAREST && g->f->places != CROP; }

static void pick(fv_emit *e, const axis_geom *g, int axis, bool back) {
    const fv_type *x = fv_in_type(e, 0);
    int32_t *cells = fv_emit_memory(e, (size_t)g->out * sizeof *cells);
    for (int64_t o = 0; cells && o < g->out; o++) cells[o] = (int32_t)nearest(g, place_of(g, o));
    if (cells && back) fv_emit_choose_back(e, x, axis, cells, g->out, fv_d_in(e, 0), fv_d_out(e, 0));
    if (cells && !back) fv_emit_choose(e, x, axis, cells, g->out, fv_out(e, 0), fv_in(e, 0));
}

static void forward(fv_emit *e) {
    int axis;
    fv_mixing m;
    axis_geom g = geom_of(e, &axis);
    if (picks(&g))
        pick(e, &g, axis, false);
    else if (mixing_of(e, &g, &m))
        fv_emit_mix(e, fv_in_type(e, 0), axis, &m, g.f->outside, fv_out(e, 0), fv_in(e, 0));
}

static void backward(fv_emit *e) {
    int axis;
    fv_mixing m, turned;
    axis_geom g = geom_of(e, &axis);
    if (!fv_wants_d_in(e, 0)) return;
    if (picks(&g))
        pick(e, &g, axis, true);
    else if (mixing_of(e, &g, &m) && fv_mixing_turn(e, &m, &turned))
        fv_emit_mix(e, fv_out_type(e, 0), axis, &turned, 0, fv_d_in(e, 0), fv_d_out(e, 0));
}

const fv_op fv_op_resample = {
    .name = "resample",
    .summary = "one axis made longer or shorter, by any rule of reading between cells",
    .details =
        "resample 64 axis=1 mode=cubic makes 64 rows; resize does whole pictures at once by the two rules that networks mostly "
        "use. Cell o of the result lies at (o + 1/2)/scale - 1/2 (half_pixel; half_pixel_or_first: at 0 where there is one "
        "cell; half_pixel_centred: moved so that rounded lengths stay centred; half_pixel_shifted: without the last 1/2), at "
        "o*(in - 1)/(length - 1) (corners), at o/scale (asymmetric), or at that between from and to (crop), where cells beyond "
        "the input are `outside`.\n\n"
        "mode=nearest shows the nearest cell, half-way by rounding; linear mixes the two around, cubic the four (Keys 1981). "
        "smooth=yes widens their weights when making shorter. These are the rules of ONNX's Resize; nearest takes numbers of any "
        "type.",
    FV_FIELDS(resample),
    .ports = {{"x", FV_INPUT, "any value", false}},
    .traits = FV_T_EMPTY,
    .onnx = "Resize",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "twice as long, linear: at -1/4, 1/4, 3/4, 5/4",
             .fields = "4 mode=linear",
             .in = {"1x2x1: 0 4"},
             .out = {"1x4x1: 0 1 3 4"}},
            {.title = "corners on corners",
             .fields = "4 axis=1 mode=linear places=corners",
             .in = {"1x2: 0 6"},
             .out = {"1x4: 0 2 4 6"}},
            {.title = "the nearest, half-way the earlier",
             .fields = "2 axis=1",
             .in = {"1x4: 1 2 3 4"},
             .out = {"1x2: 1 3"}},
            {.title = "shorter and smooth: means over what a new cell covers",
             .fields = "1 axis=1 mode=linear smooth=yes",
             .in = {"1x2: 1 3"},
             .out = {"1x1: 2"}},
            {.title = "a crop that reaches beyond",
             .fields = "3 axis=1 mode=linear places=crop from=0.5 to=1.5 outside=9",
             .in = {"1x3: 1 2 3"},
             .out = {"1x3: 2 3 9"}},
            {.fields = "7 mode=cubic", .in = {"2x4x3"}},
            {.fields = "3 mode=cubic smooth=yes inside=yes", .in = {"2x8x3"}},
            {.fields = "5 axis=-1 mode=cubic places=asymmetric sharpness=-0.5", .in = {"2x3x4"}},
            {.fields = "6 axis=0 rounding=up places=corners", .in = {"fixed 4x5"}},
            {.fields = "3 axis=1 scale=0.6 mode=linear places=half_pixel_centred", .in = {"2x5x2"}},
        },
};
