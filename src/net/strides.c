/* strides.c - calls over slices: which arguments may have their pixels further apart than they are long, and telling the
 * call so. */
#include "emit.h"

#include <string.h>

/* An argument as pixels of so many channels, and the field that says how far apart they are. */
typedef struct pixels {
    int64_t *apart;
    int64_t channels, count; /* of one sample */
} pixels;

static int64_t product(const int64_t sizes[3]) { return sizes[0] * sizes[1] * sizes[2]; }

static pixels conv_pixels(fv_conv_geom *g, bool y) {
    return y ? (pixels){&g->y_pixel, g->f, product(g->out)} : (pixels){&g->x_pixel, g->c, product(g->in)};
}

static pixels pool_pixels(fv_pool_geom *g, fv_routine routine, int arg) {
    bool y = routine == FV_R_POOL ? arg == 0 : arg % 2 == 1; /* POOL_BACK: dx, dy, x, y, add */
    int64_t *apart = y ? &g->y_pixel : &g->x_pixel;
    if (routine == FV_R_POOL_BACK && arg < 2) apart = y ? &g->dy_pixel : &g->dx_pixel;
    if (arg == 4) apart = &g->add_pixel;
    return (pixels){apart, g->c, product(y ? g->out : g->in)};
}

/* Fields that say 0 for "as the others" or "dense" say so in numbers from now on. */
static void spell_out(fv_geom *geom, fv_routine routine) {
    if (routine == FV_R_POOL_BACK) {
        geom->pool.dx_pixel = fv_pixel(geom->pool.dx_pixel, geom->pool.x_pixel);
        geom->pool.dy_pixel = fv_pixel(geom->pool.dy_pixel, geom->pool.y_pixel);
        geom->pool.add_pixel = fv_pixel(geom->pool.add_pixel, geom->pool.dx_pixel);
    } else if (routine == FV_R_NORM || routine == FV_R_NORM_STATS || routine == FV_R_NORM_SUMS ||
               routine == FV_R_NORM_BACK) {
        fv_norm_geom *g = &geom->norm;
        g->x_pixel = fv_pixel(g->x_pixel, g->c);
        g->y_pixel = fv_pixel(g->y_pixel, g->c);
        g->dx_pixel = fv_pixel(g->dx_pixel, g->c);
    }
}

/* Argument `arg` of a call that has such a field for it; apart NULL: it has none. */
static pixels pixels_of(fv_geom *geom, fv_routine routine, int arg) {
    static const struct {
        fv_routine routine;
        int x, y, add; /* which argument */
    } convs[] = {{FV_R_CONV, 1, 0, 4}, {FV_R_CONV_DATA, 0, 1, -1}, {FV_R_CONV_WEIGHTS, 2, 3, -1}};
    for (size_t i = 0; i < sizeof convs / sizeof *convs; ++i)
        if (convs[i].routine == routine && (arg == convs[i].x || arg == convs[i].y || arg == convs[i].add))
            return conv_pixels(&geom->conv, arg != convs[i].x);
    fv_norm_geom *norm = &geom->norm;
    pixels x = {&norm->x_pixel, norm->c, norm->pixels}, y = {&norm->y_pixel, norm->c, norm->pixels};
    pixels dx = {&norm->dx_pixel, norm->c, norm->pixels}, none = {NULL, 0, 0};
    switch (routine) {
    case FV_R_POOL: return arg < 2 ? pool_pixels(&geom->pool, routine, arg) : none;
    case FV_R_POOL_BACK: return arg < 5 ? pool_pixels(&geom->pool, routine, arg) : none;
    case FV_R_NORM_STATS: return arg == 2 ? x : none;
    case FV_R_NORM: return arg == 0 || arg == 6 ? y : arg == 1 ? x : none;
    case FV_R_NORM_SUMS: return arg == 2 ? y : arg == 3 ? x : none;
    case FV_R_NORM_BACK: return arg == 0 ? dx : arg == 1 ? y : arg == 2 ? x : none;
    default: return none;
    }
}

/* ---- element functions ------------------------------------------------------------------------------------------ */

static bool unary_apart(fv_unary_geom *g, int arg, int64_t channels, int64_t from, int64_t to) {
    if (g->row ? g->row != channels : g->each % channels != 0 || from != channels) return false;
    if (g->row && fv_pixel(g->pixel[arg], g->row) != from) return false;
    g->row = channels;
    g->pixel[arg] = to;
    return true;
}

/* ---- walks ------------------------------------------------------------------------------------------------------ */

static int64_t *walk_strides(fv_walk *walk, int arg) { return arg == 0 ? walk->y : arg == 1 ? walk->a : walk->b; }

/* Dimension d becomes two, the inner one of `inner` cells. */
static bool split(fv_walk *walk, int d, int64_t inner) {
    if (walk->rank == FV_MAX_RANK) return false;
    for (int i = walk->rank; i > d; --i) {
        walk->dim[i] = walk->dim[i - 1];
        for (int k = 0; k < 3; ++k) walk_strides(walk, k)[i] = walk_strides(walk, k)[i - 1];
    }
    walk->rank++;
    walk->dim[d] /= inner;
    walk->dim[d + 1] = inner;
    for (int k = 0; k < 3; ++k) walk_strides(walk, k)[d] *= inner;
    return true;
}

/* Every step leads along the channels of a pixel or from pixel to pixel; the latter get longer. */
static bool walk_apart(fv_walk *walk, int arg, bool batched, int64_t from, int64_t to) {
    int64_t *stride = walk_strides(walk, arg), reach = 0;
    int64_t *offset = arg == 0 ? &walk->y_offset : arg == 1 ? &walk->a_offset : &walk->b_offset;
    for (int d = 0; d < walk->rank; ++d) {
        if (stride[d] == 0) continue;
        if (stride[d] % from == 0) {
            stride[d] = stride[d] / from * to;
        } else if (stride[d] == 1 && walk->dim[d] > from && walk->dim[d] % from == 0 && !(batched && d == 0)) {
            if (!split(walk, d, from)) return false;
            stride[d] = to; /* and the inner one, dimension d + 1, comes next */
        } else {
            if (stride[d] < 0) return false;
            reach += (walk->dim[d] - 1) * stride[d];
        }
    }
    if (*offset < 0 || *offset % from + reach >= from) return false;
    *offset = *offset / from * to + *offset % from;
    return true;
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

bool fv_call_apart(fv_geom *geom, fv_routine routine, int arg, int64_t channels, int64_t count, int64_t from,
                   int64_t to) {
    switch (routine) {
    case FV_R_UNARY:
    case FV_R_UNARY_BACK: return unary_apart(&geom->unary, arg, channels, from, to);
    case FV_R_BINARY: return walk_apart(&geom->binary.walk, arg, geom->batched, from, to);
    case FV_R_COPY: return arg < 2 && walk_apart(&geom->copy.walk, arg, geom->batched, from, to);
    case FV_R_REDUCE: return arg < 2 && walk_apart(&geom->reduce.walk, arg, geom->batched, from, to);
    default: break;
    }
    spell_out(geom, routine);
    pixels p = pixels_of(geom, routine, arg);
    if (!p.apart || p.channels != channels || p.count != count || *p.apart != from) return false;
    *p.apart = to;
    return true;
}

bool fv_call_same_apart(const fv_planned_call *call, int arg, int other) {
    fv_geom geom = call->geom;
    const int64_t *a = pixels_of(&geom, call->routine, arg).apart, *b = pixels_of(&geom, call->routine, other).apart;
    return a && a == b;
}
