/* export_spatial.c - convolutions, pooling and what changes the size of pictures. */
#include <math.h>
#include <string.h>

#include "connections.h"
#include "export.h"
#include "weight_layout.h"

/* ---- windows ---------------------------------------------------------------------------------------------------- */

/* A sliding window in ONNX's words: per spatial dimension, cells before and behind. */
typedef struct window {
    fv_spatial s;
    int rank;
    bool open;          /* sizes are not known */
    int64_t pads[6];    /* all before, then all behind */
    int64_t further[3]; /* of a transposed one: cells that no window reaches */
} window;

static const int64_t *sizes_of(const fv_node *node, const char *name) { return fv_export_field(node, name); }

/* What the fields of the node say of a window over `in` (NULL where an operator lacks a field). */
static bool resolve(fv_export *ex, const fv_node *node, const fv_type *in, const char *size, window *w) {
    static const int64_t none[3] = {0, FV_UNSET, FV_UNSET}, unset[3] = {FV_UNSET, FV_UNSET, FV_UNSET};
    const fv_op *op = node->op;
    fv_window fields = {.noun = size,
                        .size = sizes_of(node, size),
                        .stride = sizes_of(node, "stride"),
                        .padding = fv_find_field(op, "padding") ? sizes_of(node, "padding") : none,
                        .padding_end = fv_find_field(op, "padding_end") ? sizes_of(node, "padding_end") : unset,
                        .dilation = fv_find_field(op, "dilation") ? sizes_of(node, "dilation") : NULL,
                        .ceil = fv_find_field(op, "ceil") && fv_export_flag(node, "ceil"),
                        .inside = !strcmp(size, "window")};
    *w = (window){.rank = 0};
    if (fv_spatial_resolve(NULL, in, &fields, &w->s)) {
        fv_export_refuse(ex, node, "its window does not fit its input");
        return false;
    }
    w->rank = w->s.rank;
    for (int i = 0; i < w->rank; i++) {
        int d = 3 - w->rank + i;
        int64_t span = (w->s.kernel[d] - 1) * w->s.dilation[d] + 1;
        int64_t behind = (w->s.out[d] - 1) * w->s.stride[d] + span - w->s.in[d] - w->s.pad[d];
        w->open |= w->s.in[d] < 0 || w->s.out[d] < 0;
        w->pads[i] = w->s.pad[d];
        w->pads[w->rank + i] = behind > 0 ? behind : 0;
        w->further[i] = behind < 0 ? -behind : 0;
    }
    return true;
}

/* The attributes that convolutions and pools have in common. Where sizes are open, padding stays a word or a number for each side. */
static void write_window(fv_export *ex, const fv_node *node, const window *w) {
    int at = 3 - w->rank;
    fv_export_ints(ex, "kernel_shape", w->s.kernel + at, w->rank);
    fv_export_ints(ex, "strides", w->s.stride + at, w->rank);
    bool dilated = false;
    for (int d = at; d < 3; d++) dilated |= w->s.dilation[d] != 1;
    if (dilated) fv_export_ints(ex, "dilations", w->s.dilation + at, w->rank);
    if (!w->open) {
        fv_export_ints(ex, "pads", w->pads, 2 * w->rank);
        return;
    }
    const int64_t *padding = sizes_of(node, "padding"), *end = sizes_of(node, "padding_end");
    int64_t pads[6] = {0};
    for (int i = 0; i < w->rank; i++) {
        int64_t before = fv_size_at(padding, i), behind = end[0] == FV_UNSET ? before : fv_size_at(end, i);
        if (before == FV_PAD_SAME || before == FV_PAD_SAME_LOWER) {
            fv_export_text(ex, "auto_pad", before == FV_PAD_SAME ? "SAME_UPPER" : "SAME_LOWER");
            return;
        }
        int d = at + i;
        int64_t full = (w->s.kernel[d] - 1) * w->s.dilation[d];
        pads[i] = before == FV_PAD_FULL ? full : before;
        pads[w->rank + i] = behind == FV_PAD_FULL ? full : behind;
    }
    fv_export_ints(ex, "pads", pads, 2 * w->rank);
}

/* ---- convolution ------------------------------------------------------------------------------------------------ */

/* LeNet's table spread out: zeros where nothing is connected. */
static float *spread(fv_export *ex, const fv_node *node, const float *from, int64_t cells, int64_t channels,
                     int64_t filters) {
    int32_t *index = fv_export_memory(ex, (size_t)(channels * filters) * sizeof *index);
    float *to = fv_export_memory(ex, (size_t)(cells * channels * filters) * sizeof *to);
    char problem[200];
    int64_t count = 0;
    if (!index || !to ||
        !fv_connections_read(fv_export_words(node, "connections"), channels, filters, index, &count, problem))
        return NULL;
    for (int64_t k = 0; k < cells; k++)
        for (int64_t i = 0; i < channels * filters; i++)
            to[k * channels * filters + i] = index[i] < 0 ? 0 : from[k * count + index[i]];
    return to;
}

/* True convolution is cross-correlation with the kernel turned by half a turn. */
static float *turn(fv_export *ex, const float *from, int64_t cells, int64_t each) {
    float *to = fv_export_memory(ex, (size_t)(cells * each) * sizeof *to);
    for (int64_t k = 0; to && k < cells; k++)
        memcpy(to + k * each, from + (cells - 1 - k) * each, (size_t)each * sizeof *to);
    return to;
}

/* The kernel as [filters][channels/groups][k...], whatever the fields make of it. */
static const char *kernel(fv_export *ex, const fv_node *node, const window *w, bool transposed) {
    const char *table = transposed ? NULL : fv_export_words(node, "connections");
    bool flipped = fv_export_flag(node, "flipped");
    if (!table && !flipped) return fv_export_weight(ex, node, 0, NULL);
    const float *numbers = fv_export_numbers(ex, node, 0);
    int64_t groups = fv_export_whole(node, "groups"), filters = fv_export_whole(node, "filters");
    int64_t channels = w->s.channels, cells = fv_spatial_cells(w->s.kernel);
    fv_shape shape = {.rank = w->rank + 2};
    const char *axes = &"kkkio"[3 - w->rank];
    memcpy(shape.dim, w->s.kernel + 3 - w->rank, (size_t)w->rank * sizeof shape.dim[0]);
    shape.dim[w->rank] = transposed ? filters / groups : channels / groups;
    shape.dim[w->rank + 1] = transposed ? channels : filters;
    if (numbers && table) numbers = spread(ex, node, numbers, cells, channels, filters);
    if (numbers && flipped) numbers = turn(ex, numbers, cells, shape.dim[w->rank] * shape.dim[w->rank + 1]);
    fv_weight_layout layout;
    fv_weight_layout_for(axes, &shape, NULL, &layout);
    float *turned = fv_export_memory(ex, (size_t)fv_shape_count(&shape) * sizeof *turned);
    if (!numbers || !turned) return NULL;
    fv_weight_layout_write(&layout, turned, numbers);
    return fv_export_floats(ex, node, 0, &layout.shape, turned);
}

fv_status fv_export_conv(fv_export *ex, const fv_node *node) {
    window w;
    if (fv_export_choice(node, "data_format") != 0)
        return fv_export_refuse(ex, node, "data_format=channels_first is not exported");
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_FIRST);
    if (!resolve(ex, node, &x.type, "kernel", &w)) return fv_export_status(ex);
    const char *weight = kernel(ex, node, &w, false), *bias = fv_export_weight(ex, node, 1, NULL);
    fv_export_begin(ex, node, "Conv");
    fv_export_input(ex, x.name);
    fv_export_input(ex, weight);
    if (bias && *bias) fv_export_input(ex, bias);
    fv_export_output(ex, fv_export_bind_order(ex, node, true));
    write_window(ex, node, &w);
    fv_export_int(ex, "group", fv_export_whole(node, "groups"));
    fv_export_end(ex);
    return fv_export_status(ex);
}

/* It is the way back of a convolution over its result. */
fv_status fv_export_conv_transpose(fv_export *ex, const fv_node *node) {
    window w;
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_FIRST);
    if (!resolve(ex, node, fv_export_out_type(ex, node), "kernel", &w)) return fv_export_status(ex);
    if (w.open) return fv_export_refuse(ex, node, "the size of its input must be known; give one");
    w.s.channels = x.type.shape.dim[x.type.shape.rank - 1];
    const char *weight = kernel(ex, node, &w, true), *bias = fv_export_weight(ex, node, 1, NULL);
    fv_export_begin(ex, node, "ConvTranspose");
    fv_export_input(ex, x.name);
    fv_export_input(ex, weight);
    if (bias && *bias) fv_export_input(ex, bias);
    fv_export_output(ex, fv_export_bind_order(ex, node, true));
    write_window(ex, node, &w);
    fv_export_ints(ex, "output_padding", w.further, w.rank);
    fv_export_int(ex, "group", fv_export_whole(node, "groups"));
    fv_export_end(ex);
    return fv_export_status(ex);
}

/* ---- pooling ---------------------------------------------------------------------------------------------------- */

static fv_status pool(fv_export *ex, const fv_node *node, const char *op, bool count_padding, const char *to) {
    window w;
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_FIRST);
    if (!resolve(ex, node, &x.type, "window", &w)) return fv_export_status(ex);
    bool ceil = fv_find_field(node->op, "ceil") && fv_export_flag(node, "ceil");
    fv_export_begin(ex, node, op);
    fv_export_input(ex, x.name);
    fv_export_output(ex, to ? to : fv_export_bind_order(ex, node, true));
    write_window(ex, node, &w);
    if (w.open && ceil) fv_export_int(ex, "ceil_mode", 1);
    if (count_padding) fv_export_int(ex, "count_include_pad", 1);
    fv_export_end(ex);
    return fv_export_status(ex);
}

fv_status fv_export_maxpool(fv_export *ex, const fv_node *node) { return pool(ex, node, "MaxPool", false, NULL); }

fv_status fv_export_avgpool(fv_export *ex, const fv_node *node) {
    return pool(ex, node, "AveragePool", fv_export_flag(node, "count_padding"), NULL);
}

/* Means of windows, times the coefficient (and the window where sums are meant), plus the bias. */
fv_status fv_export_subsample(fv_export *ex, const fv_node *node) {
    window w;
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_FIRST);
    if (!resolve(ex, node, &x.type, "window", &w)) return fv_export_status(ex);
    const float *numbers = fv_export_numbers(ex, node, 0);
    float cells = fv_export_choice(node, "mode") == 1 ? 1 : (float)fv_spatial_cells(w.s.kernel);
    fv_exported y = {.type = *fv_export_out_type(ex, node), .first = true};
    fv_shape shape = {1, {w.s.channels}};
    for (int d = 0; d < w.rank; d++) shape.dim[shape.rank++] = 1;
    float *factors = fv_export_memory(ex, (size_t)w.s.channels * sizeof *factors);
    for (int64_t c = 0; numbers && factors && c < w.s.channels; c++) factors[c] = numbers[c] * cells;
    const char *pooled = fv_export_between(ex, node);
    pool(ex, node, "AveragePool", false, pooled);
    const char *scaled =
        fv_export_call(ex, node, "Mul", NULL, pooled, fv_export_floats(ex, node, 0, &shape, factors), NULL);
    fv_export_call(ex, node, "Add", fv_export_bind_order(ex, node, true), scaled,
                   fv_export_channels(ex, node, 1, &y, 0), NULL);
    return fv_export_status(ex);
}

static fv_status pool_all(fv_export *ex, const fv_node *node, const char *op) {
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_FIRST);
    if (fv_export_flag(node, "keep_dims")) {
        fv_export_call(ex, node, op, fv_export_bind_order(ex, node, true), x.name, NULL, NULL);
        return fv_export_status(ex);
    }
    const char *kept = fv_export_call(ex, node, op, NULL, x.name, NULL, NULL);
    fv_export_call(ex, node, "Flatten", fv_export_bind_order(ex, node, false), kept, NULL, NULL);
    return fv_export_status(ex);
}

fv_status fv_export_globalavgpool(fv_export *ex, const fv_node *node) {
    return pool_all(ex, node, "GlobalAveragePool");
}
fv_status fv_export_globalmaxpool(fv_export *ex, const fv_node *node) { return pool_all(ex, node, "GlobalMaxPool"); }

/* ---- sizes of pictures ------------------------------------------------------------------------------------------ */

/* Spatial sizes of the result: where an operator takes them from another value they are known all the same. */
static bool known_sizes(fv_export *ex, const fv_node *node, const fv_exported *x, const int64_t **in,
                        const int64_t **out, int *rank) {
    const fv_type *to = fv_export_out_type(ex, node);
    *in = fv_sample_dims(&x->type);
    *out = fv_sample_dims(to);
    *rank = fv_sample_rank(to) - 1;
    for (int d = 0; d < *rank; d++)
        if ((*in)[d] < 0 || (*out)[d] < 0) {
            fv_export_refuse(ex, node, "the size of its input must be known; give one");
            return false;
        }
    return true;
}

/* The scale as a float from which the size follows again, rounded down. */
static float scale_of(int64_t in, int64_t out) {
    float scale = (float)out / (float)in;
    while ((int64_t)floorf(scale * (float)in) < out) scale = nextafterf(scale, INFINITY);
    return scale;
}

fv_status fv_export_resize(fv_export *ex, const fv_node *node) {
    const int64_t *in, *out;
    int rank;
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_FIRST);
    if (!known_sizes(ex, node, &x, &in, &out, &rank)) return fv_export_status(ex);
    float scales[5] = {1, 1};
    for (int d = 0; d < rank; d++) scales[d + 2] = scale_of(in[d], out[d]);
    const char *factors = fv_export_floats(ex, node, -1, &(fv_shape){1, {rank + 2}}, scales);
    bool linear = fv_export_choice(node, "mode") == 1;
    fv_export_begin(ex, node, "Resize");
    fv_export_input(ex, x.name);
    fv_export_input(ex, "");
    fv_export_input(ex, factors);
    fv_export_output(ex, fv_export_bind_order(ex, node, true));
    fv_export_text(ex, "mode", linear ? "linear" : "nearest");
    fv_export_text(ex, "coordinate_transformation_mode",
                   fv_export_flag(node, "align_corners") ? "align_corners" : "half_pixel");
    if (!linear) fv_export_text(ex, "nearest_mode", "round_prefer_ceil");
    fv_export_end(ex);
    return fv_export_status(ex);
}

fv_status fv_export_pad(fv_export *ex, const fv_node *node) {
    static const char *const modes[] = {"constant", "reflect", "edge"};
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_FIRST);
    int rank = x.type.shape.rank, mode = fv_export_choice(node, "mode");
    const int64_t *padding = sizes_of(node, "padding"), *end = sizes_of(node, "padding_end");
    int64_t pads[2 * FV_MAX_RANK] = {0}, channels = fv_export_whole(node, "channels");
    int64_t channels_end = fv_export_whole(node, "channels_end");
    pads[1] = channels;
    pads[rank + 1] = channels_end == FV_UNSET ? channels : channels_end;
    for (int d = 2; d < rank; d++) {
        pads[d] = fv_size_at(padding, d - 2);
        pads[rank + d] = end[0] == FV_UNSET ? pads[d] : fv_size_at(end, d - 2);
    }
    const char *list = fv_export_wholes(ex, node, pads, 2 * rank);
    const char *value = mode == 0 ? fv_export_float(ex, node, fv_export_real(node, "value")) : NULL;
    fv_export_begin(ex, node, "Pad");
    fv_export_input(ex, x.name);
    fv_export_input(ex, list);
    fv_export_input(ex, value);
    fv_export_output(ex, fv_export_bind_order(ex, node, true));
    fv_export_text(ex, "mode", modes[mode]);
    fv_export_end(ex);
    return fv_export_status(ex);
}

fv_status fv_export_crop(fv_export *ex, const fv_node *node) {
    const int64_t *in, *out, *at = sizes_of(node, "at");
    int64_t starts[3], ends[3], axes[3];
    int rank;
    fv_exported x = fv_export_in(ex, node, 0, FV_EXPORT_FIRST);
    if (!known_sizes(ex, node, &x, &in, &out, &rank)) return fv_export_status(ex);
    for (int d = 0; d < rank; d++) {
        starts[d] = at[0] == FV_UNSET ? (in[d] - out[d]) / 2 : fv_size_at(at, d);
        ends[d] = starts[d] + out[d];
        axes[d] = d + 2;
    }
    const char *from = fv_export_wholes(ex, node, starts, rank), *to = fv_export_wholes(ex, node, ends, rank);
    const char *which = fv_export_wholes(ex, node, axes, rank);
    fv_export_begin(ex, node, "Slice");
    fv_export_input(ex, x.name);
    fv_export_input(ex, from);
    fv_export_input(ex, to);
    fv_export_input(ex, which);
    fv_export_output(ex, fv_export_bind_order(ex, node, true));
    fv_export_end(ex);
    return fv_export_status(ex);
}
