/* rules_resize.c - Resize and Upsample: axis by axis, by `resample`; whole pictures by `resize` where that is the same. */
#include "rules_moves.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What is wanted of one logical axis; scale 0: out by in. */
typedef struct want {
    int64_t size;
    double scale;
} want;

typedef struct plan {
    const char *mode, *places, *rounding; /* words of resample */
    double sharpness, outside;
    bool inside, smooth;
    double from[FV_MAX_RANK], to[FV_MAX_RANK];
    want axis[FV_MAX_RANK];
} plan;

/* ---- words ------------------------------------------------------------------------------------------------------------ */

typedef struct word {
    const char *theirs, *ours;
} word;

static const char *translate(const word *words, const char *theirs) {
    for (; words->theirs; words++)
        if (!strcmp(words->theirs, theirs)) return words->ours;
    return NULL;
}

static const word modes[] = {
    {"nearest", "nearest"}, {"linear", "linear"}, {"bilinear", "linear"}, {"cubic", "cubic"}, {0}};
static const word places[] = {{"half_pixel", "half_pixel"},
                              {"half_pixel_symmetric", "half_pixel_centred"},
                              {"pytorch_half_pixel", "half_pixel_or_first"},
                              {"align_corners", "corners"},
                              {"asymmetric", "asymmetric"},
                              {"tf_half_pixel_for_nn", "half_pixel_shifted"},
                              {"tf_crop_and_resize", "crop"},
                              {0}};
static const word roundings[] = {
    {"round_prefer_floor", "half_down"}, {"round_prefer_ceil", "half_up"}, {"floor", "down"}, {"ceil", "up"}, {0}};

/* Before opset 11 cells lie at o/scale, and the nearest is the one before. */
static fv_status read_words(fv_import *im, const fv_onnx_node *node, plan *p) {
    bool old = node->version < 11;
    const char *mode = fv_onnx_text(node, "mode", "nearest");
    const char *where = old ? "asymmetric" : fv_onnx_text(node, "coordinate_transformation_mode", "half_pixel");
    const char *rounding = old ? "floor" : fv_onnx_text(node, "nearest_mode", "round_prefer_floor");
    p->mode = translate(modes, mode);
    p->places = translate(places, where);
    p->rounding = translate(roundings, rounding);
    if (!p->mode) return fv_import_refuse(im, node, "mode \"%.20s\"", mode);
    if (!p->places) return fv_import_refuse(im, node, "coordinate_transformation_mode \"%.30s\"", where);
    if (!p->rounding) return fv_import_refuse(im, node, "nearest_mode \"%.20s\"", rounding);
    p->sharpness = fv_onnx_float(node, "cubic_coeff_a", -0.75);
    p->outside = fv_onnx_float(node, "extrapolation_value", 0);
    p->inside = fv_onnx_int(node, "exclude_outside", 0) != 0;
    p->smooth = fv_onnx_int(node, "antialias", 0) != 0;
    return FV_OK;
}

/* ---- sizes ------------------------------------------------------------------------------------------------------------ */

/* Scales or sizes for `count` axes; keep-aspect policies make one scale of all (opset 18). */
static fv_status keep_aspect(fv_import *im, const fv_onnx_node *node, const fv_imported *x, const int *axes, int count,
                             plan *p) {
    const char *policy = fv_onnx_text(node, "keep_aspect_ratio_policy", "stretch");
    bool larger = !strcmp(policy, "not_smaller");
    double scale = 0;
    if (!strcmp(policy, "stretch")) return FV_OK;
    if (!larger && strcmp(policy, "not_larger"))
        return fv_import_refuse(im, node, "keep_aspect_ratio_policy \"%.20s\"", policy);
    for (int i = 0; i < count; i++) {
        double own = (double)p->axis[axes[i]].size / (double)x->shape.dim[axes[i]];
        scale = i == 0 || (larger ? own > scale : own < scale) ? own : scale;
    }
    for (int i = 0; i < count; i++) {
        want *w = &p->axis[axes[i]];
        w->size = (int64_t)floor(scale * (double)x->shape.dim[axes[i]] + 0.5);
        w->scale = scale;
    }
    return FV_OK;
}

static fv_status read_sizes(fv_import *im, const fv_onnx_node *node, int operand, const fv_imported *x, const int *axes,
                            int count, plan *p) {
    fv_import_dim sizes[FV_MAX_RANK];
    int given;
    fv_status status = fv_import_dims(im, node, operand, "sizes", sizes, FV_MAX_RANK, &given);
    if (status) return status;
    if (given != count) return fv_import_wrong(im, node, "sizes: expected %d numbers, got %d", count, given);
    for (int i = 0; i < count; i++) {
        bool batch = x->shape.dim[axes[i]] == FV_BATCH;
        if (sizes[i].times && !(batch && sizes[i].times == 1 && sizes[i].plus == 0))
            return fv_import_mixes(im, node, "a size depends on the batch");
        if (batch && !sizes[i].times && sizes[i].plus != fv_import_declared(im))
            return fv_import_mixes(im, node, "axis 0 gets another size");
        p->axis[axes[i]].size = batch ? FV_BATCH : sizes[i].plus;
    }
    return keep_aspect(im, node, x, axes, count, p);
}

static fv_status set_scale(fv_import *im, const fv_onnx_node *node, const fv_imported *x, int axis, double scale,
                           plan *p) {
    int64_t size = x->shape.dim[axis];
    if (!(scale > 0 && scale <= 1e6)) return fv_import_wrong(im, node, "a scale of %g", scale);
    if (size == FV_BATCH && scale != 1) return fv_import_mixes(im, node, "axis 0 is resized");
    if (scale == 1) return FV_OK;
    if (size < 0) return fv_import_refuse(im, node, "an axis of open size");
    double larger = floor((double)size * (double)(float)scale);
    if (larger > 1e9) return fv_import_wrong(im, node, "%lld cells times %g", (long long)size, scale);
    p->axis[axis] = (want){(int64_t)larger, scale};
    return FV_OK;
}

/* The scales of an operand, or of Upsample 7's attribute. */
static fv_status read_scales(fv_import *im, const fv_onnx_node *node, int operand, const fv_imported *x,
                             const int *axes, int count, plan *p) {
    fv_tensor t = {0};
    int given = 0;
    const double *list = operand < 0 ? fv_onnx_floats(node, "scales", &given) : NULL;
    fv_status status = operand < 0 ? FV_OK : fv_import_tensor(im, node, operand, "scales", &t);
    if (status) return status;
    if (operand >= 0 && t.dtype != FV_F32) return fv_import_wrong(im, node, "scales must be reals");
    if (operand >= 0) given = (int)fv_shape_count(&t.shape);
    if (given != count) return fv_import_wrong(im, node, "scales: expected %d numbers, got %d", count, given);
    for (int i = 0; i < count && !status; i++)
        status = set_scale(im, node, x, axes[i], list ? list[i] : (double)((const float *)t.data)[i], p);
    return status;
}

/* The crop of tf_crop_and_resize: starts, then ends. */
static fv_status read_crop(fv_import *im, const fv_onnx_node *node, const int *axes, int count, plan *p) {
    fv_tensor t;
    fv_status status = fv_import_tensor(im, node, 1, "roi", &t);
    if (status) return status;
    if (t.dtype != FV_F32 || fv_shape_count(&t.shape) != 2 * count)
        return fv_import_wrong(im, node, "roi: expected %d reals", 2 * count);
    for (int i = 0; i < count; i++) {
        p->from[axes[i]] = (double)((const float *)t.data)[i];
        p->to[axes[i]] = (double)((const float *)t.data)[count + i];
    }
    return FV_OK;
}

/* Is operand i there and not empty? */
static bool filled(fv_import *im, const fv_onnx_node *node, int i) {
    fv_imported x;
    if (!fv_import_has(node, i) || fv_import_operand(im, node, i, &x)) return false;
    return !(x.shape.rank == 1 && x.shape.dim[0] == 0);
}

static fv_status read_plan(fv_import *im, const fv_onnx_node *node, const fv_imported *x, plan *p) {
    int count, axes[FV_MAX_RANK], scales = node->version < 11 ? 1 : 2;
    const int64_t *list = fv_onnx_ints(node, "axes", &count);
    if (!list) count = x->shape.rank;
    bool upsample = !strcmp(node->op, "Upsample");
    for (int d = 0; d < x->shape.rank; d++) p->axis[d] = (want){x->shape.dim[d], 0}, p->to[d] = 1;
    fv_status status = read_words(im, node, p);
    if (!status) status = fv_onnx_axes(im, node, list, count, x, axes);
    if (!status && !strcmp(p->places, "crop")) status = read_crop(im, node, axes, count, p);
    if (status) return status;
    if (upsample && node->version < 9) return read_scales(im, node, -1, x, axes, count, p);
    if (filled(im, node, scales)) return read_scales(im, node, scales, x, axes, count, p);
    if (filled(im, node, 3)) return read_sizes(im, node, 3, x, axes, count, p);
    return fv_import_wrong(im, node, "neither scales nor sizes");
}

/* ---- operators -------------------------------------------------------------------------------------------------------- */

static bool changes(const plan *p, const fv_imported *x, int d) {
    if (x->shape.dim[d] == FV_BATCH) return false;
    return p->axis[d].size != x->shape.dim[d] || (p->axis[d].scale != 0 && p->axis[d].scale != 1) ||
           (!strcmp(p->places, "crop") && (p->from[d] != 0 || p->to[d] != 1));
}

static int64_t common_divisor(int64_t a, int64_t b) { return b ? common_divisor(b, a % b) : a; }

/* Is the scale that of the sizes? One that had to be rounded to be written is, where no cell lies half-way between two, so that
 * rounding could not tell them apart. */
static bool scale_fits(double scale, int64_t in, int64_t out, bool nearest) {
    double apart = scale * (double)in - (double)out;
    bool tie = nearest && in / common_divisor(in, out) % 2 == 0;
    return scale == 0 || apart == 0 || (!tie && apart < 1e-6 * (double)out && apart > -1e-6 * (double)out);
}

/* Does `resize` do it, whole pictures at once: by corners, or from edge to edge, with scales that come out even. */
static bool whole_pictures(const plan *p, const fv_imported *x) {
    bool nearest = !strcmp(p->mode, "nearest"), whole = true;
    if (x->dtype != FV_F32 || x->shape.rank < 3 || x->shape.rank > 5 || !fv_onnx_batched(x)) return false;
    if (changes(p, x, 1) || (!nearest && strcmp(p->mode, "linear")) || p->smooth || p->inside) return false;
    for (int d = 2; d < x->shape.rank; d++) {
        int64_t in = x->shape.dim[d], out = p->axis[d].size;
        double scale = p->axis[d].scale;
        if (in < 1 || out < 1) return false;
        if (!scale_fits(scale, in, out, nearest)) return false;
        whole = whole && out % in == 0;
        if (!strcmp(p->places, "half_pixel_or_first") && out == 1) return false;
    }
    bool edges = !strncmp(p->places, "half_pixel", 10) && strcmp(p->places, "half_pixel_shifted");
    if (!nearest) return edges || !strcmp(p->places, "corners");
    if (whole && !strcmp(p->places, "asymmetric") && !strcmp(p->rounding, "down")) return true;
    return edges && (!strcmp(p->rounding, "half_up") || (whole && !strcmp(p->rounding, "half_down")));
}

static fv_status by_resize(fv_import *im, const fv_onnx_node *node, const plan *p) {
    fv_imported x;
    fv_value y;
    char shape[100];
    size_t used = 0;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_LAST, &x);
    if (status) return status;
    for (int d = 2; d < x.shape.rank; d++)
        used +=
            (size_t)snprintf(shape + used, sizeof shape - used, "%s%lld", d > 2 ? "x" : "", (long long)p->axis[d].size);
    status =
        fv_import_apply(im, node, &y, "resize", &x.value, 1, "shape=%s mode=%s align_corners=%s", shape,
                        strcmp(p->mode, "linear") ? p->mode : "bilinear", strcmp(p->places, "corners") ? "no" : "yes");
    return status ? status : fv_import_bind(im, node, 0, y, true);
}

static fv_status by_axes(fv_import *im, const fv_onnx_node *node, const plan *p, fv_imported *x) {
    fv_status status = FV_OK;
    char scale[60] = "";
    for (int d = 0; d < x->shape.rank && !status; d++) {
        if (!changes(p, x, d)) continue;
        if (p->axis[d].scale != 0) snprintf(scale, sizeof scale, "scale=%.17g", p->axis[d].scale);
        if (x->shape.dim[d] < 0) return fv_import_refuse(im, node, "an axis of open size");
        if (p->axis[d].size < 1)
            return fv_import_wrong(im, node, "axis %d would have %lld cells", d, (long long)p->axis[d].size);
        status = fv_import_apply(im, node, &x->value, "resample", &x->value, 1,
                                 "length=%lld axis=%d %s mode=%s places=%s rounding=%s sharpness=%.9g inside=%s "
                                 "smooth=%s from=%.9g to=%.9g outside=%.9g",
                                 (long long)p->axis[d].size, fv_import_axis_in(x, d), scale, p->mode, p->places,
                                 p->rounding, p->sharpness, p->inside ? "yes" : "no", p->smooth ? "yes" : "no",
                                 p->from[d], p->to[d], p->outside);
    }
    return status ? status : fv_import_bind(im, node, 0, x->value, x->last);
}

fv_status fv_rule_resize(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    plan p = {0};
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (!status) status = read_plan(im, node, &x, &p);
    if (status) return status;
    return whole_pictures(&p, &x) ? by_resize(im, node, &p) : by_axes(im, node, &p, &x);
}
