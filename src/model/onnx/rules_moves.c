/* rules_moves.c - values turned, cut, repeated and padded. */
#include "rules_moves.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool fv_onnx_batched(const fv_imported *x) { return x->shape.rank > 0 && x->shape.dim[0] == FV_BATCH; }

/* ---- the axes that an operator speaks of ---------------------------------------------------------------------------- */

fv_status fv_onnx_axes(fv_import *im, const fv_onnx_node *node, const int64_t *given, int count, const fv_imported *x,
                       int out[FV_MAX_RANK]) {
    bool named[FV_MAX_RANK] = {false};
    if (count > x->shape.rank) return fv_import_wrong(im, node, "%d axes of a value of rank %d", count, x->shape.rank);
    for (int i = 0; i < count; i++) {
        fv_status status = fv_import_axis(im, node, given ? given[i] : i, x->shape.rank, &out[i]);
        if (status) return status;
        if (named[out[i]]) return fv_import_wrong(im, node, "axis %d is named twice", out[i]);
        named[out[i]] = true;
    }
    return FV_OK;
}

/* ---- turned ----------------------------------------------------------------------------------------------------------- */

/* Memory axes of x in the order that result axes perm need, the result's channels `last` or not. */
static bool turn_list(const fv_imported *x, const int *perm, bool last, int64_t axes[FV_MAX_RANK]) {
    int rank = x->shape.rank;
    bool same = true;
    for (int d = 0; d < rank; d++) {
        int logical = !last || d == 0 ? d : d == rank - 1 ? 1 : d + 1;
        axes[d] = fv_import_axis_in(x, perm[logical]);
        same = same && axes[d] == d;
    }
    return same;
}

/* Often the order in memory is already one of the two that the result may have. */
fv_status fv_rule_transpose(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    int count, perm[FV_MAX_RANK];
    int64_t axes[FV_MAX_RANK];
    char list[64];
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    const int64_t *given = fv_onnx_ints(node, "perm", &count);
    if (status) return status;
    if (given && count != x.shape.rank)
        return fv_import_wrong(im, node, "perm: expected %d numbers, got %d", x.shape.rank, count);
    for (int d = 0; d < x.shape.rank && !given; d++) perm[d] = x.shape.rank - 1 - d;
    if (given) status = fv_onnx_axes(im, node, given, count, &x, perm);
    if (status) return status;
    if (fv_onnx_batched(&x) && perm[0] != 0) return fv_import_mixes(im, node, "axis 0 goes to another place");
    if (x.shape.rank >= 3 && turn_list(&x, perm, true, axes)) return fv_import_bind(im, node, 0, x.value, true);
    if (turn_list(&x, perm, false, axes)) return fv_import_bind(im, node, 0, x.value, false);
    status = fv_import_apply(im, node, &y, "transpose", &x.value, 1, "axes=%s",
                             fv_import_list(axes, x.shape.rank, list, sizeof list));
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

fv_status fv_onnx_turn(fv_import *im, const fv_onnx_node *node, fv_value *x, const int64_t *axes, int count) {
    char list[64];
    return fv_import_apply(im, node, x, "transpose", x, 1, "axes=%s", fv_import_list(axes, count, list, sizeof list));
}

fv_status fv_onnx_reshape(fv_import *im, const fv_onnx_node *node, fv_value *x, const int64_t *sizes, int count) {
    char list[160];
    int batched = count > 0 && sizes[0] == FV_BATCH;
    return fv_import_apply(im, node, x, "reshape", x, 1, "%s%s", count > batched ? "shape=" : " ",
                           fv_import_list(sizes + batched, count - batched, list, sizeof list));
}

/* Pictures with their channels last, every size but the batch known. */
static fv_status known_pictures(fv_import *im, const fv_onnx_node *node, fv_imported *x) {
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_LAST, x);
    if (status) return status;
    if (x->shape.rank != 4) return fv_import_wrong(im, node, "expected rank 4, got %d", x->shape.rank);
    for (int d = 1; d < 4; d++)
        if (x->shape.dim[d] < 0) return fv_import_refuse(im, node, "open sizes");
    return FV_OK;
}

fv_status fv_rule_depth_to_space(fv_import *im, const fv_onnx_node *node) {
    static const int64_t columns_first[] = {0, 1, 3, 2, 4, 5}, depth_first[] = {0, 1, 4, 2, 5, 3};
    fv_imported x;
    int64_t b = fv_onnx_int(node, "blocksize", 0);
    const char *mode = fv_onnx_text(node, "mode", "DCR");
    bool crd = !strcmp(mode, "CRD");
    fv_status status = known_pictures(im, node, &x);
    if (status) return status;
    int64_t n = x.shape.dim[0], c = x.shape.dim[1], h = x.shape.dim[2], w = x.shape.dim[3];
    if (!crd && strcmp(mode, "DCR")) return fv_import_wrong(im, node, "mode \"%.20s\"", mode);
    if (b < 1 || b > 65535 || c % (b * b))
        return fv_import_wrong(im, node, "blocksize %lld for %lld channels", (long long)b, (long long)c);
    int64_t each = c / (b * b), as_dcr[] = {n, h, w, b, b, each}, as_crd[] = {n, h, w, each, b, b};
    status = fv_onnx_reshape(im, node, &x.value, crd ? as_crd : as_dcr, 6);
    if (!status) status = fv_onnx_turn(im, node, &x.value, crd ? depth_first : columns_first, 6);
    if (!status) status = fv_onnx_reshape(im, node, &x.value, (int64_t[]){n, h * b, w * b, each}, 4);
    return status ? status : fv_import_bind(im, node, 0, x.value, true);
}

fv_status fv_rule_space_to_depth(fv_import *im, const fv_onnx_node *node) {
    static const int64_t blocks_behind[] = {0, 1, 3, 2, 4, 5};
    fv_imported x;
    int64_t b = fv_onnx_int(node, "blocksize", 0);
    fv_status status = known_pictures(im, node, &x);
    if (status) return status;
    int64_t n = x.shape.dim[0], c = x.shape.dim[1], h = x.shape.dim[2], w = x.shape.dim[3];
    if (b < 1 || b > 65535 || h % b || w % b)
        return fv_import_wrong(im, node, "blocksize %lld for pictures of %lldx%lld", (long long)b, (long long)h,
                               (long long)w);
    status = fv_onnx_reshape(im, node, &x.value, (int64_t[]){n, h / b, b, w / b, b, c}, 6);
    if (!status) status = fv_onnx_turn(im, node, &x.value, blocks_behind, 6);
    if (!status) status = fv_onnx_reshape(im, node, &x.value, (int64_t[]){n, h / b, w / b, b * b * c}, 4);
    return status ? status : fv_import_bind(im, node, 0, x.value, true);
}

/* ---- cut -------------------------------------------------------------------------------------------------------------- */

enum { FAR = 1000000000 }; /* what the fields of slice take */

static int64_t clamp(int64_t at) { return at < -FAR ? -FAR : at > FAR ? FAR : at; }

/* One axis: from, to, step. */
typedef struct cut {
    int count, axis[FV_MAX_RANK];
    int64_t start[FV_MAX_RANK], end[FV_MAX_RANK], step[FV_MAX_RANK];
} cut;

/* What the attributes (to opset 9) or inputs say; an end may be the batch. */
static fv_status read_cut(fv_import *im, const fv_onnx_node *node, const fv_imported *x, cut *c) {
    int64_t axes[FV_MAX_RANK];
    fv_import_dim ends[FV_MAX_RANK] = {{0, 0}};
    int starts = 0, axis_count = 0, steps = 0;
    const int64_t *list;
    fv_status status = FV_OK;
    if (node->version < 10) {
        int count;
        for (int i = 0; i < 3 && !status; i++) {
            static const char *const names[] = {"starts", "ends", "axes"};
            list = fv_onnx_ints(node, names[i], &count);
            if (count > FV_MAX_RANK || (i < 2 && !list))
                return fv_import_wrong(im, node, "%s: %d numbers", names[i], count);
            for (int k = 0; k < count; k++) {
                if (i == 0) c->start[k] = list[k];
                if (i == 1) ends[k].plus = list[k];
                if (i == 2) axes[k] = list[k];
            }
            *(i == 0 ? &starts : i == 1 ? &c->count : &axis_count) = count;
        }
    } else {
        status = fv_import_ints(im, node, 1, "starts", c->start, FV_MAX_RANK, &starts);
        if (!status) status = fv_import_dims(im, node, 2, "ends", ends, FV_MAX_RANK, &c->count);
        if (!status && fv_import_has(node, 3))
            status = fv_import_ints(im, node, 3, "axes", axes, FV_MAX_RANK, &axis_count);
        if (!status && fv_import_has(node, 4))
            status = fv_import_ints(im, node, 4, "steps", c->step, FV_MAX_RANK, &steps);
    }
    if (status) return status;
    if (starts != c->count || (axis_count && axis_count != c->count) || (steps && steps != c->count))
        return fv_import_wrong(im, node, "%d starts, %d ends, %d axes and %d steps", starts, c->count, axis_count,
                               steps);
    status = fv_onnx_axes(im, node, axis_count ? axes : NULL, c->count, x, c->axis);
    for (int i = 0; i < c->count && !status; i++) {
        if (!steps) c->step[i] = 1;
        if (c->step[i] == 0) return fv_import_wrong(im, node, "a step of 0");
        c->end[i] = ends[i].times ? FAR : ends[i].plus;
        if (ends[i].times && (c->axis[i] != 0 || ends[i].times != 1 || ends[i].plus != 0))
            return fv_import_mixes(im, node, "an end depends on the batch");
    }
    return status;
}

fv_status fv_onnx_slice(fv_import *im, const fv_onnx_node *node, fv_value *y, const int *axes, const int64_t *starts,
                        const int64_t *ends, const int64_t *steps, int count) {
    char a[64], s[200], e[200], t[200];
    int64_t wide[FV_MAX_RANK], from[FV_MAX_RANK], to[FV_MAX_RANK], by[FV_MAX_RANK];
    if (count == 0) return FV_OK;
    for (int i = 0; i < count; i++)
        wide[i] = axes[i], from[i] = clamp(starts[i]), to[i] = clamp(ends[i]), by[i] = steps ? clamp(steps[i]) : 1;
    return fv_import_apply(im, node, y, "slice", y, 1, "starts=%s ends=%s axes=%s steps=%s",
                           fv_import_list(from, count, s, sizeof s), fv_import_list(to, count, e, sizeof e),
                           fv_import_list(wide, count, a, sizeof a), fv_import_list(by, count, t, sizeof t));
}

fv_status fv_rule_slice(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    cut c = {0};
    int kept = 0;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (!status) status = read_cut(im, node, &x, &c);
    for (int i = 0; i < c.count && !status; i++) {
        bool whole = c.start[i] == 0 && c.end[i] >= FAR && c.step[i] == 1;
        if (c.axis[i] == 0 && fv_onnx_batched(&x) && !whole) return fv_import_mixes(im, node, "axis 0 is cut");
        if (whole) continue;
        c.axis[kept] = fv_import_axis_in(&x, c.axis[i]);
        c.start[kept] = c.start[i], c.end[kept] = c.end[i], c.step[kept++] = c.step[i];
    }
    if (!status) status = fv_onnx_slice(im, node, &x.value, c.axis, c.start, c.end, c.step, kept);
    return status ? status : fv_import_bind(im, node, 0, x.value, x.last);
}

/* Sizes of the parts along an axis of `size`. */
static fv_status read_parts(fv_import *im, const fv_onnx_node *node, int64_t size, int64_t *sizes) {
    int count = 0, wanted = node->output_count;
    const int64_t *list = fv_onnx_ints(node, "split", &count);
    int64_t total = 0;
    fv_status status = FV_OK;
    if (list && count == wanted) memcpy(sizes, list, (size_t)count * sizeof *sizes);
    if (fv_import_has(node, 1)) status = fv_import_ints(im, node, 1, "split", sizes, wanted, &count);
    if (status) return status;
    if (count && count != wanted) return fv_import_wrong(im, node, "%d sizes for %d parts", count, wanted);
    if (size < 0) return fv_import_refuse(im, node, "an axis of open size");
    if (!count && node->version < 18 && size % wanted)
        return fv_import_wrong(im, node, "%lld cells in %d equal parts", (long long)size, wanted);
    for (int i = 0; i < wanted; i++) {
        int64_t each = (size + wanted - 1) / wanted, left = size - total;
        if (!count) sizes[i] = each < left ? each : left;
        if (sizes[i] < 0 || sizes[i] > size) return fv_import_wrong(im, node, "a part of %lld", (long long)sizes[i]);
        total += sizes[i];
    }
    return total == size ? FV_OK
                         : fv_import_wrong(im, node, "parts of %lld cells in all, but there are %lld", (long long)total,
                                           (long long)size);
}

fv_status fv_rule_split(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    int axis, count = node->output_count;
    char list[200];
    int64_t *sizes = fv_import_memory(im, (size_t)count * sizeof *sizes + 1);
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (!sizes) return fv_import_refuse(im, node, "so many parts do not fit into memory");
    if (!status) status = fv_import_axis(im, node, fv_onnx_int(node, "axis", 0), x.shape.rank, &axis);
    if (!status && axis == 0 && fv_onnx_batched(&x)) return fv_import_mixes(im, node, "axis 0 is cut");
    if (!status) status = read_parts(im, node, x.shape.dim[axis], sizes);
    if (status) return status;
    int64_t from = 0;
    int inside = fv_import_axis_in(&x, axis);
    fv_value parts, part;
    if (count <= FV_MAX_OUTPUTS)
        status = fv_import_apply(im, node, &parts, "split", &x.value, 1, "sizes=%s axis=%d",
                                 fv_import_list(sizes, count, list, sizeof list), inside);
    for (int i = 0; i < count && !status; from += sizes[i++]) {
        part = x.value;
        if (count <= FV_MAX_OUTPUTS)
            part = fv_output_of(parts, i);
        else
            status = fv_onnx_slice(im, node, &part, &inside, &from, &(int64_t){from + sizes[i]}, NULL, 1);
        if (!status) status = fv_import_bind(im, node, i, part, x.last);
    }
    return status;
}

/* ---- repeated ----------------------------------------------------------------------------------------------------------- */

fv_status fv_rule_expand(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_import_dim dims[FV_MAX_RANK];
    int64_t sizes[FV_MAX_RANK];
    int count, from;
    char list[160];
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (!status) status = fv_import_dims(im, node, 1, "shape", dims, FV_MAX_RANK, &count);
    if (status) return status;
    from = fv_onnx_batched(&x) && count >= x.shape.rank;
    if (fv_onnx_batched(&x) && count > x.shape.rank) return fv_import_mixes(im, node, "axes in front of the batch");
    for (int d = 0; d < count; d++) {
        bool batch =
            d == 0 && from && (dims[d].times == 1 ? dims[d].plus == 0 : dims[d].times == 0 && dims[d].plus == 1);
        sizes[d] = dims[d].plus;
        if (!batch && (dims[d].times || (d == 0 && from)))
            return fv_import_mixes(im, node, "a size depends on the batch");
        if (!batch && (sizes[d] < 0 || sizes[d] > FAR))
            return fv_import_wrong(im, node, "a size of %lld", (long long)sizes[d]);
    }
    if (count == from) return fv_import_bind(im, node, 0, x.value, false);
    status = fv_import_apply(im, node, &y, "expand", &x.value, 1, "shape=%s",
                             fv_import_list(sizes + from, count - from, list, sizeof list));
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

/* Repeats along each logical axis. */
static fv_status read_repeats(fv_import *im, const fv_onnx_node *node, const fv_imported *x, int64_t *repeats) {
    int64_t given[FV_MAX_RANK] = {0}, axis;
    int count, at;
    fv_status status = fv_import_ints(im, node, 1, "repeats", given, FV_MAX_RANK, &count);
    if (status) return status;
    for (int d = 0; d < x->shape.rank; d++) repeats[d] = node->version < 6 ? 1 : given[d];
    if (node->version < 6) { /* one axis alone */
        status = fv_import_ints(im, node, 2, "axis", &axis, 1, &count);
        if (!status) status = fv_import_axis(im, node, axis, x->shape.rank, &at);
        if (!status) repeats[at] = given[0];
        return status;
    }
    if (count == x->shape.rank) return FV_OK;
    return fv_import_wrong(im, node, "repeats: expected %d numbers, got %d", x->shape.rank, count);
}

fv_status fv_rule_tile(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    int64_t repeats[FV_MAX_RANK], inside[FV_MAX_RANK];
    char list[160];
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (!status) status = read_repeats(im, node, &x, repeats);
    if (status) return status;
    for (int d = 0; d < x.shape.rank; d++) {
        if (repeats[d] < 0 || repeats[d] > FAR) return fv_import_wrong(im, node, "%lld repeats", (long long)repeats[d]);
        inside[fv_import_axis_in(&x, d)] = repeats[d];
    }
    if (x.shape.rank == 0) return fv_import_bind(im, node, 0, x.value, false);
    if (fv_onnx_batched(&x) && repeats[0] != 1) return fv_import_mixes(im, node, "axis 0 is repeated");
    status = fv_import_apply(im, node, &y, "tile", &x.value, 1, "repeats=%s",
                             fv_import_list(inside, x.shape.rank, list, sizeof list));
    return status ? status : fv_import_bind(im, node, 0, y, x.last);
}

/* ---- padded ----------------------------------------------------------------------------------------------------------- */

/* Cells before and behind each axis in memory; negative ones are cut. */
typedef struct pads {
    int64_t before[FV_MAX_RANK], behind[FV_MAX_RANK];
} pads;

static fv_status read_pads(fv_import *im, const fv_onnx_node *node, const fv_imported *x, pads *p) {
    int64_t given[2 * FV_MAX_RANK], named[FV_MAX_RANK];
    int count = 0, axis_count = x->shape.rank, axes[FV_MAX_RANK];
    bool some = fv_import_has(node, 3);
    fv_status status = FV_OK;
    if (node->version < 11) {
        const int64_t *list = fv_onnx_ints(node, node->version < 2 ? "paddings" : "pads", &count);
        if (list && count <= 2 * FV_MAX_RANK) memcpy(given, list, (size_t)count * sizeof *given);
    } else
        status = fv_import_ints(im, node, 1, "pads", given, 2 * FV_MAX_RANK, &count);
    if (!status && some) status = fv_import_ints(im, node, 3, "axes", named, FV_MAX_RANK, &axis_count);
    if (!status) status = fv_onnx_axes(im, node, some ? named : NULL, axis_count, x, axes);
    if (status) return status;
    if (count != 2 * axis_count)
        return fv_import_wrong(im, node, "pads: expected %d numbers, got %d", 2 * axis_count, count);
    for (int i = 0; i < axis_count; i++) {
        int d = fv_import_axis_in(x, axes[i]);
        p->before[d] = given[i], p->behind[d] = given[axis_count + i];
        if (clamp(given[i]) != given[i] || clamp(given[axis_count + i]) != given[axis_count + i])
            return fv_import_wrong(im, node, "padding of %lld and %lld", (long long)given[i],
                                   (long long)given[axis_count + i]);
        if (axes[i] == 0 && fv_onnx_batched(x) && (given[i] || given[axis_count + i]))
            return fv_import_mixes(im, node, "axis 0 is padded");
    }
    return FV_OK;
}

fv_status fv_onnx_pad(fv_import *im, const fv_onnx_node *node, fv_value *x, int rank, const int64_t *before,
                      const int64_t *behind, const char *mode, const fv_value *fill, double number) {
    fv_value inputs[2] = {*x, fill ? *fill : *x};
    int64_t starts[FV_MAX_RANK], ends[FV_MAX_RANK], low[FV_MAX_RANK], high[FV_MAX_RANK];
    int axes[FV_MAX_RANK] = {0}, cuts = 0;
    bool any = false;
    char a[160], b[160];
    for (int d = 0; d < rank; d++) {
        low[d] = before[d] > 0 ? before[d] : 0, high[d] = behind[d] > 0 ? behind[d] : 0;
        any = any || low[d] || high[d];
        if (before[d] >= 0 && behind[d] >= 0) continue;
        axes[cuts] = d;
        starts[cuts] = before[d] < 0 ? -before[d] : 0;
        ends[cuts++] = behind[d] < 0 ? behind[d] : FAR;
    }
    fv_status status = fv_onnx_slice(im, node, inputs, axes, starts, ends, NULL, cuts);
    *x = inputs[0];
    if (status || !any) return status;
    return fv_import_apply(im, node, x, "pad_axes", inputs, 1 + (fill != NULL),
                           "before=%s behind=%s mode=%s value=%.9g", fv_import_list(low, rank, a, sizeof a),
                           fv_import_list(high, rank, b, sizeof b), mode, number);
}

/* Does `pad` do it: pictures with their channels last, larger on each side, in a mode that it has? */
static bool pads_pictures(const fv_imported *x, const pads *p, const char *mode) {
    int rank = x->shape.rank;
    bool whole = !strcmp(mode, "wrap") || (strcmp(mode, "constant") && (p->before[rank - 1] || p->behind[rank - 1]));
    if (!x->last || x->dtype != FV_F32 || rank < 3 || rank > 5 || whole) return false;
    for (int d = 0; d < rank; d++)
        if (p->before[d] < 0 || p->behind[d] < 0) return false;
    return true;
}

/* "1x2" for a SIZES field. */
static const char *sizes_text(const int64_t *sizes, int count, char *out, size_t size) {
    size_t used = 0;
    for (int i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%lld", i ? "x" : "", (long long)sizes[i]);
    return out;
}

static fv_status pad_pictures(fv_import *im, const fv_onnx_node *node, fv_imported *x, const pads *p, const char *mode,
                              double number) {
    int rank = x->shape.rank;
    char a[100], b[100];
    return fv_import_apply(im, node, &x->value, "pad", &x->value, 1,
                           "padding=%s padding_end=%s channels=%lld channels_end=%lld mode=%s value=%.9g",
                           sizes_text(p->before + 1, rank - 2, a, sizeof a),
                           sizes_text(p->behind + 1, rank - 2, b, sizeof b), (long long)p->before[rank - 1],
                           (long long)p->behind[rank - 1], mode, number);
}

fv_status fv_rule_pad(fv_import *im, const fv_onnx_node *node) {
    fv_imported x, fill = {0};
    pads p = {{0}, {0}};
    double number = fv_onnx_float(node, "value", 0);
    const char *mode = fv_onnx_text(node, "mode", "constant");
    bool constant = !strcmp(mode, "constant"), given = constant && node->version >= 11 && fv_import_has(node, 2);
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (!status) status = read_pads(im, node, &x, &p);
    if (!status && given) status = fv_import_operand(im, node, 2, &fill);
    if (status) return status;
    if (!constant && strcmp(mode, "reflect") && strcmp(mode, "edge") && strcmp(mode, "wrap"))
        return fv_import_wrong(im, node, "mode \"%.20s\"", mode);
    if (given && fill.known && x.dtype == FV_F32) {
        status = fv_import_number(im, node, 2, "constant_value", &number);
        given = !isfinite(number);
    }
    if (!status && given) status = fv_import_value(im, node, 2, FV_ORDER_ANY, &fill);
    if (!status && !given && isfinite(number) && pads_pictures(&x, &p, mode))
        status = pad_pictures(im, node, &x, &p, mode, number);
    else if (!status)
        status = fv_onnx_pad(im, node, &x.value, x.shape.rank, p.before, p.behind, mode, given ? &fill.value : NULL,
                             isfinite(number) ? number : 0);
    return status ? status : fv_import_bind(im, node, 0, x.value, x.last);
}

fv_status fv_rule_center_crop_pad(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    int64_t wanted[FV_MAX_RANK], before[FV_MAX_RANK] = {0}, behind[FV_MAX_RANK] = {0};
    int count, named, axes[FV_MAX_RANK];
    const int64_t *list = fv_onnx_ints(node, "axes", &named);
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (!status) status = fv_import_ints(im, node, 1, "shape", wanted, FV_MAX_RANK, &count);
    if (status) return status;
    if (count != (list ? named : x.shape.rank)) return fv_import_wrong(im, node, "shape: %d numbers", count);
    if ((status = fv_onnx_axes(im, node, list, count, &x, axes))) return status;
    for (int i = 0; i < count; i++) {
        int64_t size = x.shape.dim[axes[i]], more = wanted[i] - size;
        int d = fv_import_axis_in(&x, axes[i]);
        if (wanted[i] < 0 || wanted[i] > FAR) return fv_import_wrong(im, node, "a size of %lld", (long long)wanted[i]);
        if (axes[i] == 0 && fv_onnx_batched(&x)) return fv_import_mixes(im, node, "axis 0 is cut");
        if (size < 0) return fv_import_refuse(im, node, "an axis of open size");
        before[d] = more / 2, behind[d] = more - more / 2;
    }
    status = fv_onnx_pad(im, node, &x.value, x.shape.rank, before, behind, "constant", NULL, 0);
    return status ? status : fv_import_bind(im, node, 0, x.value, x.last);
}

fv_status fv_rule_trilu(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    int64_t diagonal = 0;
    int count;
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (!status && fv_import_has(node, 1)) status = fv_import_ints(im, node, 1, "k", &diagonal, 1, &count);
    if (status) return status;
    if (fv_onnx_batched(&x) && x.shape.rank < 3) return fv_import_mixes(im, node, "the samples are rows of a matrix");
    status = fv_import_apply(im, node, &y, "trilu", &x.value, 1, "diagonal=%lld lower=%s", (long long)clamp(diagonal),
                             fv_onnx_int(node, "upper", 1) ? "no" : "yes");
    return status ? status : fv_import_bind(im, node, 0, y, false);
}
