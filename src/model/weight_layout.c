/* weight_layout.c - from PyTorch's order of numbers to ours, and back.
 *
 * PyTorch puts channels before pixels, and of two kinds of channels our last one first:
 *     convolution             [out][in/groups][kh][kw]   ours [kh][kw][in/groups][out]
 *     transposed convolution  [in][out/groups][kh][kw]   ours [kh][kw][out/groups][in]
 *     dense                   [out][in]                  ours [in][out]
 * Everything else has one dimension and stays as it is. The letters that an operator gives the axes of its weights say
 * which is which, so a new operator needs nothing here.
 *
 * Behind a flatten the inputs of a dense layer are numbered channel by channel there ([C][H][W]) and cell by cell here
 * ([H][W][C]); so is the one dimension of a batch norm there. */
#include "weight_layout.h"

#include <string.h>

/* Positions of our axes in PyTorch's order. */
static void order_axes(const char *axes, int rank, int *order) {
    int count = 0;
    bool named = axes && (int)strlen(axes) == rank && strchr(axes, 'i') && strchr(axes, 'o') && !strchr(axes, 'n');
    for (int d = 0; d < rank; d++) order[d] = d;
    if (!named) return;
    for (int d = rank - 1; d >= 0; d--)
        if (axes[d] != 'k') order[d] = count++;
    for (int d = 0; d < rank; d++)
        if (axes[d] == 'k') order[d] = count++;
}

/* ---- behind a flatten ------------------------------------------------------------------------------------------- */

/* Keeps the places of the numbers in a vector. */
static bool keeps_places(const fv_op *op) {
    return (op->traits & (FV_T_ELEMENTWISE | FV_T_AFFINE)) ||
           ((op->traits & FV_T_RANDOM) && !strcmp(op->name, "dropout"));
}

/* The shape that was flattened on the way to what a layer reads, or NULL. */
static const fv_shape *flattened(const fv_net *net, int value) {
    while (value >= 0 && net->values[value].kind == FV_KIND_RESULT) {
        const fv_node *node = &net->nodes[net->values[value].node];
        if (node->inputs < 1) return NULL;
        value = node->value_in[0];
        if (!strcmp(node->op->name, "flatten")) return &net->values[value].type.shape;
        if (!keeps_places(node->op)) return NULL;
    }
    return NULL;
}

/* Channels of the flattened picture that an axis of so many counts; false if it counts none. */
static bool counts_picture(const char *axes, int axis, int64_t all, const fv_shape *picture, int64_t *channels) {
    if (!axes || (axes[axis] != 'i' && axes[axis] != 'c') || !picture || picture->rank < 1) return false;
    *channels = picture->dim[picture->rank - 1];
    int64_t each = fv_shape_count(picture);
    return each == all && *channels > 0 && all > *channels;
}

/* ---- the layout ------------------------------------------------------------------------------------------------- */

void fv_weight_layout_for(const char *axes, const fv_shape *ours, const fv_shape *picture, fv_weight_layout *layout) {
    int order[FV_MAX_RANK];
    int64_t strides[FV_MAX_RANK], stride = 1;
    order_axes(axes, ours->rank, order);
    *layout = (fv_weight_layout){.shape.rank = ours->rank};
    for (int d = 0; d < ours->rank; d++) layout->shape.dim[order[d]] = ours->dim[d];
    for (int d = ours->rank - 1; d >= 0; d--) strides[d] = stride, stride *= layout->shape.dim[d];
    for (int d = 0; d < ours->rank; d++) {
        int64_t channels, step = strides[order[d]], size = ours->dim[d];
        if (counts_picture(axes, d, size, picture, &channels)) {
            layout->size[layout->rank] = size / channels;
            layout->stride[layout->rank++] = step;
            step *= size / channels;
            size = channels;
        }
        layout->size[layout->rank] = size;
        layout->stride[layout->rank++] = step;
    }
}

void fv_weight_layout_of(const fv_net *net, int value, fv_weight_layout *layout) {
    const fv_value_info *info = &net->values[value];
    const fv_node *node = &net->nodes[info->node];
    const fv_shape *picture = node->inputs > 0 ? flattened(net, node->value_in[0]) : NULL;
    fv_weight_layout_for(info->parameter.axes, &info->type.shape, picture, layout);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static const float *write_from(const fv_weight_layout *l, int d, float *out, const float *in) {
    if (d == l->rank) {
        *out = *in;
        return in + 1;
    }
    for (int64_t i = 0; i < l->size[d]; i++) in = write_from(l, d + 1, out + i * l->stride[d], in);
    return in;
}

void fv_weight_layout_write(const fv_weight_layout *layout, float *out, const float *in) {
    write_from(layout, 0, out, in);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* out[r*step + c] = in[r + c*stride]: a transposition, in tiles that stay in the cache. */
static void read_plane(float *out, int64_t step, const float *in, int64_t stride, int64_t rows, int64_t columns) {
    enum { TILE = 32 };
    for (int64_t r0 = 0; r0 < rows; r0 += TILE)
        for (int64_t c0 = 0; c0 < columns; c0 += TILE)
            for (int64_t r = r0; r < smaller(r0 + TILE, rows); r++)
                for (int64_t c = c0; c < smaller(c0 + TILE, columns); c++) out[r * step + c] = in[r + c * stride];
}

/* The dimension besides the last whose cells are neighbours in PyTorch's tensor, or -1. */
static int find_neighbours(const fv_weight_layout *layout) {
    for (int d = layout->rank - 2; d >= 0; d--)
        if (layout->stride[d] == 1 && layout->size[d] > 1) return d;
    return -1;
}

/* All cells of the dimensions from `d` on, except `rows` and the last, which read_plane takes together. */
static void read_from(const fv_weight_layout *l, int d, int rows, int64_t step, float *out, const float *in) {
    if (d == rows) d++;
    if (d >= l->rank - 1) {
        int64_t count = rows < 0 ? 1 : l->size[rows];
        read_plane(out, step, in, l->stride[l->rank - 1], count, l->size[l->rank - 1]);
        return;
    }
    int64_t each = 1;
    for (int i = d + 1; i < l->rank; i++) each *= l->size[i];
    for (int64_t i = 0; i < l->size[d]; i++) read_from(l, d + 1, rows, step, out + i * each, in + i * l->stride[d]);
}

void fv_weight_layout_read(const fv_weight_layout *layout, float *out, const float *in) {
    if (!layout->rank) {
        *out = *in;
        return;
    }
    int rows = find_neighbours(layout);
    int64_t step = 1;
    for (int d = layout->rank - 1; d > rows && rows >= 0; d--) step *= layout->size[d];
    read_from(layout, 0, rows, step, out, in);
}
