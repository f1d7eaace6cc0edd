/* spatial.c - windows that slide over one, two or three spatial dimensions: what convolution and pooling share. */
#include "spatial.h"

#include <stdio.h>
#include <string.h>

fv_status fv_infer_size_count(fv_infer *infer, const char *name, const int64_t sizes[3], int rank) {
    int given = sizes[2] != FV_UNSET ? 3 : sizes[1] != FV_UNSET ? 2 : 1;
    if (given == 1 || given == rank) return FV_OK;
    return fv_infer_fail(infer, "%s has %d numbers, but the input has %d spatial dimension%s", name, given, rank,
                         rank == 1 ? "" : "s");
}

fv_status fv_infer_window_counts(fv_infer *infer, const fv_window *w, int rank) {
    fv_status status = fv_infer_size_count(infer, w->noun, w->size, rank);
    if (!status) status = fv_infer_size_count(infer, "stride", w->stride, rank);
    if (!status) status = fv_infer_size_count(infer, "padding", w->padding, rank);
    if (!status) status = fv_infer_size_count(infer, "padding_end", w->padding_end, rank);
    if (!status && w->dilation) status = fv_infer_size_count(infer, "dilation", w->dilation, rank);
    return status;
}

fv_status fv_infer_picture(fv_infer *infer, int i) {
    char shape[128];
    int rank = fv_sample_rank(&infer->in[i]) - 1;
    if (rank >= 1 && rank <= 3) return FV_OK;
    return fv_infer_fail(infer,
                         "expects one to three spatial dimensions and channels (sequence LxC, picture HxWxC, "
                         "volume DxHxWxC), got %s",
                         fv_shape_text(&infer->in[i].shape, shape, sizeof shape));
}

/* Cells from the first to the last that a window sees. */
static int64_t span(const fv_spatial *s, int d) { return (s->kernel[d] - 1) * s->dilation[d] + 1; }

/* Output size of `same`: every stride-th cell has its window (TensorFlow). */
static int64_t same_total(const fv_spatial *s, int d) {
    int64_t out = (s->in[d] + s->stride[d] - 1) / s->stride[d];
    int64_t total = (out - 1) * s->stride[d] + span(s, d) - s->in[d];
    return total > 0 ? total : 0;
}

/* Numbers of padding before and behind dimension d, from words or numbers. */
static void resolve_padding(const fv_spatial *s, int d, int64_t padding, int64_t padding_end, int64_t *before,
                            int64_t *behind) {
    int64_t total;
    switch (padding) {
    case FV_PAD_SAME:
        total = same_total(s, d);
        *before = total / 2;
        *behind = total - total / 2;
        break;
    case FV_PAD_SAME_LOWER:
        total = same_total(s, d);
        *before = total - total / 2;
        *behind = total / 2;
        break;
    case FV_PAD_FULL: *before = *behind = span(s, d) - 1; break;
    default: *before = padding, *behind = padding_end == FV_UNSET ? padding : padding_end;
    }
}

static fv_status too_large(fv_infer *infer, const fv_window *w, const fv_spatial *s, int d, int64_t before,
                           int64_t behind) {
    char kernel[80], input[80], padding[64];
    int first = 3 - s->rank;
    int64_t padded[3];
    for (int i = first; i < 3; i++) {
        int64_t a = 0, b = 0;
        resolve_padding(s, i, fv_size_at(w->padding, i - first), fv_size_at(w->padding_end, i - first), &a, &b);
        padded[i] = s->in[i] == FV_OPEN ? FV_OPEN : s->in[i] + a + b;
    }
    if (before == behind)
        snprintf(padding, sizeof padding, "2*%lld", (long long)before);
    else
        snprintf(padding, sizeof padding, "%lld + %lld", (long long)before, (long long)behind);
    return fv_infer_fail(infer, "%s %s%s is larger than the padded input %s: (%lld + %s - %lld)/%lld + 1 < 1", w->noun,
                         fv_dims_text(s->kernel + first, s->rank, kernel, sizeof kernel),
                         s->dilation[d] > 1 ? " with its dilation" : "",
                         fv_dims_text(padded + first, s->rank, input, sizeof input), (long long)s->in[d], padding,
                         (long long)span(s, d), (long long)s->stride[d]);
}

/* Output size and padding of dimension d. */
static fv_status resolve_dimension(fv_infer *infer, const fv_window *w, fv_spatial *s, int d) {
    int i = d - (3 - s->rank);
    int64_t padding = fv_size_at(w->padding, i), padding_end = fv_size_at(w->padding_end, i), before = 0, behind = 0;
    s->kernel[d] = fv_size_at(w->size, i);
    s->stride[d] = fv_size_at(w->stride, i) == FV_UNSET ? s->kernel[d] : fv_size_at(w->stride, i);
    s->dilation[d] = w->dilation ? fv_size_at(w->dilation, i) : 1;
    if (s->kernel[d] < 1 || s->stride[d] < 1 || s->dilation[d] < 1)
        return fv_infer_fail(infer, "%s, stride and dilation must be at least 1, got %lld, %lld and %lld", w->noun,
                             (long long)s->kernel[d], (long long)s->stride[d], (long long)s->dilation[d]);
    if (padding < 0 && padding_end != FV_UNSET)
        return fv_infer_fail(infer, "padding_end goes with a number as padding, not with a word");
    if (s->in[d] == FV_OPEN) {
        s->out[d] = FV_OPEN;
        return FV_OK;
    }
    resolve_padding(s, d, padding, padding_end, &before, &behind);
    if (w->inside &&
        (before >= span(s, d) || behind >= span(s, d) || (s->dilation[d] > s->in[d] && before + behind > 0)))
        return fv_infer_fail(infer, "padding %lld and %lld leaves a %s of %lld without any cell of the input",
                             (long long)before, (long long)behind, w->noun, (long long)span(s, d));
    int64_t room = s->in[d] + before + behind - span(s, d);
    if (room < 0) return too_large(infer, w, s, d, before, behind);
    s->pad[d] = before;
    s->out[d] = (w->ceil ? room + s->stride[d] - 1 : room) / s->stride[d] + 1;
    if (w->ceil && (s->out[d] - 1) * s->stride[d] >= s->in[d] + before) s->out[d]--;
    return FV_OK;
}

fv_status fv_spatial_resolve(fv_infer *infer, const fv_type *in, const fv_window *w, fv_spatial *s) {
    char shape[128];
    int rank = fv_sample_rank(in) - 1;
    const int64_t *dims = fv_sample_dims(in);
    *s = (fv_spatial){.rank = rank,
                      .in = {1, 1, 1},
                      .out = {1, 1, 1},
                      .kernel = {1, 1, 1},
                      .stride = {1, 1, 1},
                      .dilation = {1, 1, 1}};
    if (rank < 1 || rank > 3)
        return fv_infer_fail(infer,
                             "expects one to three spatial dimensions and channels (sequence LxC, picture HxWxC, "
                             "volume DxHxWxC), got %s",
                             fv_shape_text(&in->shape, shape, sizeof shape));
    s->channels = w->channels_first ? dims[0] : dims[rank];
    if (s->channels < 0)
        return fv_infer_fail(infer, "the number of channels must be known, got %s",
                             fv_shape_text(&in->shape, shape, sizeof shape));
    fv_status status = fv_infer_window_counts(infer, w, rank);
    for (int i = 0; i < rank; i++) s->in[3 - rank + i] = dims[i + w->channels_first];
    /* all windows before the first size, for the message of one that is too large */
    for (int i = 0; i < rank; i++) {
        s->kernel[3 - rank + i] = fv_size_at(w->size, i);
        if (w->dilation) s->dilation[3 - rank + i] = fv_size_at(w->dilation, i);
        if (fv_size_at(w->stride, i) > 0) s->stride[3 - rank + i] = fv_size_at(w->stride, i);
    }
    for (int d = 3 - rank; d < 3 && !status; d++) status = resolve_dimension(infer, w, s, d);
    return status;
}

fv_type fv_spatial_type(const fv_spatial *s, const fv_type *in, int64_t channels, bool channels_first) {
    int64_t dims[4];
    memcpy(dims + channels_first, s->out + 3 - s->rank, (size_t)s->rank * sizeof dims[0]);
    dims[channels_first ? 0 : s->rank] = channels;
    return fv_type_make(FV_F32, fv_type_batched(in), s->rank + 1, dims);
}

int64_t fv_spatial_cells(const int64_t sizes[3]) {
    int64_t cells = 1;
    for (int d = 0; d < 3; d++)
        if (sizes[d] > 0) cells = fv_mul_saturated(cells, sizes[d]);
    return cells;
}

void fv_spatial_growth(const fv_spatial *s, fv_cost *cost) {
    int rows = 3 - s->rank;
    cost->extent = span(s, rows);
    cost->stride = s->stride[rows];
}

void fv_spatial_growth_back(const fv_spatial *s, fv_cost *cost) {
    int rows = 3 - s->rank;
    cost->stride = s->stride[rows];
    cost->extent = (span(s, rows) - 1) / cost->stride + 1;
    cost->upsamples = true;
}

fv_geom fv_spatial_pool(const fv_emit *e, const fv_spatial *s, fv_pooling kind) {
    fv_geom geom = fv_geom_for(e, fv_in_type(e, 0));
    geom.pool = (fv_pool_geom){.c = s->channels, .x_pixel = s->channels, .y_pixel = s->channels, .kind = kind};
    memcpy(geom.pool.in, s->in, sizeof s->in);
    memcpy(geom.pool.out, s->out, sizeof s->out);
    memcpy(geom.pool.window, s->kernel, sizeof s->kernel);
    memcpy(geom.pool.stride, s->stride, sizeof s->stride);
    memcpy(geom.pool.pad, s->pad, sizeof s->pad);
    memcpy(geom.pool.dilation, s->dilation, sizeof s->dilation);
    return geom;
}

void fv_emit_pool(fv_emit *e, const fv_spatial *s, fv_pooling kind) {
    fv_geom geom = fv_spatial_pool(e, s, kind);
    FV_CALL(e, FV_R_POOL, &geom, fv_out(e, 0), fv_in(e, 0));
}

void fv_emit_pool_back(fv_emit *e, const fv_spatial *s, fv_pooling kind) {
    if (!fv_wants_d_in(e, 0)) return;
    fv_geom geom = fv_spatial_pool(e, s, kind);
    bool max = kind == FV_POOL_MAX;
    FV_CALL(e, FV_R_POOL_BACK, &geom, fv_d_in(e, 0), fv_d_out(e, 0), max ? fv_in(e, 0) : FV_NO_OPERAND,
            max ? fv_out(e, 0) : FV_NO_OPERAND);
}
