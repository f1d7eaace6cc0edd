/* import_values.c - operands: what they are, as values of the net in the order that is asked for, as known numbers. */
#include "import_state.h"

#include <stdio.h>
#include <string.h>

#include "graph.h"

const int64_t fv_probe_batch[FV_PROBES] = {840, 1680, 2520};

/* ---- describing --------------------------------------------------------------------------------------------------- */

bool fv_import_exact(const fv_import *im) { return im->exact; }
bool fv_import_batched(const fv_import *im) { return im->batched; }
int64_t fv_import_declared(const fv_import *im) { return im->declared; }
bool fv_import_has(const fv_onnx_node *node, int i) { return i >= 0 && i < node->input_count && *node->inputs[i]; }

static fv_status slot_of(fv_import *im, const fv_onnx_node *node, int i, fv_imported **out) {
    if (!fv_import_has(node, i)) return fv_import_wrong(im, node, "operand %d is missing", i);
    *out = fv_import_lookup(im, node->inputs[i]);
    if (*out) return FV_OK;
    char shown[100];
    fv_escape(node->inputs[i], shown, sizeof shown);
    return fv_import_wrong(im, node, "operand %d is \"%s\", which no earlier node makes", i, shown);
}

fv_status fv_import_operand(fv_import *im, const fv_onnx_node *node, int i, fv_imported *out) {
    fv_imported *slot;
    fv_status status = slot_of(im, node, i, &slot);
    if (!status) *out = *slot;
    return status;
}

fv_type fv_import_type(fv_value value) { return value.net->values[value.id].type; }

const char *fv_import_list(const int64_t *numbers, int count, char *out, size_t size) {
    size_t length = 0;
    if (size) *out = 0;
    for (int i = 0; i < count && length < size; i++)
        length += (size_t)snprintf(out + length, size - length, "%s%lld", i ? "," : "", (long long)numbers[i]);
    return out;
}

/* ---- axes ----------------------------------------------------------------------------------------------------------- */

fv_status fv_import_axis(fv_import *im, const fv_onnx_node *node, int64_t axis, int rank, int *out) {
    if (axis < -rank || axis >= rank)
        return fv_import_wrong(im, node, "axis %lld of a value of rank %d", (long long)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return FV_OK;
}

int fv_import_axis_in(const fv_imported *x, int axis) {
    if (!x->last || axis == 0) return axis;
    return axis == 1 ? x->shape.rank - 1 : axis - 1;
}

/* The axes of a value in the other order: channels to the end, or back. */
static void turn(int rank, bool to_last, int perm[FV_MAX_RANK]) {
    perm[0] = 0;
    for (int d = 1; d < rank; d++) perm[d] = to_last ? (d == rank - 1 ? 1 : d + 1) : (d == 1 ? rank - 1 : d - 1);
}

/* Where all but one of the axes that are turned have size 1, the elements lie the same way in either order. */
static bool lies_alike(const fv_imported *x) {
    int64_t cells = 1;
    for (int d = 2; d < x->shape.rank; d++) cells = x->shape.dim[d] == 1 ? cells : 0;
    return cells == 1 || x->shape.dim[1] == 1;
}

fv_status fv_import_reorder(fv_import *im, const fv_onnx_node *node, fv_imported *x, fv_order order) {
    int perm[FV_MAX_RANK], rank = x->shape.rank, from = rank > 0 && x->shape.dim[0] == FV_BATCH;
    int64_t axes[FV_MAX_RANK], sizes[FV_MAX_RANK];
    char list[160];
    bool open = false;
    if (order == FV_ORDER_LAST && rank < 3)
        return fv_import_refuse(im, node, "expected channels and at least one further dimension, got rank %d", rank);
    if (order == FV_ORDER_ANY || x->last == (order == FV_ORDER_LAST)) return FV_OK;
    turn(rank, order == FV_ORDER_LAST, perm);
    for (int d = 0; d < rank; d++) {
        axes[d] = perm[d];
        sizes[d] = x->shape.dim[order == FV_ORDER_LAST ? perm[d] : d];
        open = open || (d > 0 && sizes[d] < 0);
    }
    fv_value y;
    fv_status status = lies_alike(x) && !open
                           ? fv_import_apply(im, node, &y, "reshape", &x->value, 1, "%s",
                                             fv_import_list(sizes + from, rank - from, list, sizeof list))
                           : fv_import_apply(im, node, &y, "transpose", &x->value, 1, "axes=%s",
                                             fv_import_list(axes, rank, list, sizeof list));
    if (status) return status;
    x->value = y;
    x->last = order == FV_ORDER_LAST;
    return FV_OK;
}

/* ---- values --------------------------------------------------------------------------------------------------------- */

/* The flattened picture as ONNX orders it. */
static fv_status unfold(fv_import *im, const fv_onnx_node *node, fv_imported *x) {
    char list[160];
    fv_imported picture = *x;
    picture.shape = x->picture;
    picture.flat = false;
    fv_status status = fv_import_reorder(im, node, &picture, FV_ORDER_ONNX);
    int from = x->shape.dim[0] == FV_BATCH;
    if (!status)
        status = fv_import_apply(im, node, &x->value, "reshape", &picture.value, 1, "%s",
                                 fv_import_list(x->shape.dim + from, 2 - from, list, sizeof list));
    x->flat = x->last = false;
    return status;
}

fv_status fv_import_settle(fv_import *im, const fv_onnx_node *node, fv_imported *x) {
    return x->flat && !x->known ? unfold(im, node, x) : FV_OK;
}

static fv_status reordered(fv_import *im, const fv_onnx_node *node, const fv_imported *slot, fv_order order,
                           fv_imported *out) {
    *out = *slot;
    fv_status status = slot->flat ? unfold(im, node, out) : FV_OK;
    return status ? status : fv_import_reorder(im, node, out, order);
}

/* The other form of a value is made once, whoever asks. */
static fv_status as_ordered(fv_import *im, const fv_onnx_node *node, fv_imported *slot, fv_order order,
                            fv_imported *out) {
    char key[64];
    *out = *slot;
    if (!slot->flat && (order == FV_ORDER_ANY || slot->last == (order == FV_ORDER_LAST))) return FV_OK;
    if (order == FV_ORDER_LAST && slot->shape.rank < 3) return fv_import_reorder(im, node, out, order);
    /* no name of a value: those with control characters are not taken */
    snprintf(key, sizeof key, "\001%s %d", slot->flat ? "unfolded" : "turned", slot->value.id);
    fv_imported *made = fv_import_lookup(im, key);
    if (made) return *out = *made, FV_OK;
    fv_status status = reordered(im, node, slot, order, out);
    const char *kept = status ? NULL : fv_arena_printf(im->arena, "%s", key);
    if (status) return status;
    return kept ? fv_import_define(im, node, kept, out) : fv_fail_memory(im->error, "an import", sizeof key);
}

/* The operand's slot, a value of the net behind it unless it is known. */
static fv_status made_slot(fv_import *im, const fv_onnx_node *node, int i, fv_imported **slot) {
    fv_status status = slot_of(im, node, i, slot);
    if (!status && !(*slot)->known && (*slot)->value.id < 0) status = fv_import_make_input(im, node, *slot);
    return status;
}

fv_status fv_import_value(fv_import *im, const fv_onnx_node *node, int i, fv_order order, fv_imported *out) {
    fv_imported *slot;
    fv_status status = made_slot(im, node, i, &slot);
    if (status) return status;
    if (!slot->known) return as_ordered(im, node, slot, order, out);
    int perm[FV_MAX_RANK];
    bool last = order == FV_ORDER_LAST;
    *out = *slot;
    if (last && slot->shape.rank < 3) return fv_import_reorder(im, node, out, order);
    turn(slot->shape.rank, true, perm);
    out->last = last;
    return fv_import_constant(im, node, slot->known, last ? perm : NULL, &out->value);
}

fv_status fv_import_any(fv_import *im, const fv_onnx_node *node, int i, fv_imported *out) {
    fv_imported *slot;
    fv_status status = made_slot(im, node, i, &slot);
    if (status || slot->known) return status ? status : fv_import_value(im, node, i, FV_ORDER_ANY, out);
    *out = *slot;
    return FV_OK;
}

/* ---- operands that are broadcast ------------------------------------------------------------------------------------- */

/* A value under other sizes, in ONNX's order. */
static fv_status reshaped(fv_import *im, const fv_onnx_node *node, fv_imported *x, const fv_shape *shape) {
    char list[128];
    for (int d = 0; d < shape->rank; d++)
        if (shape->dim[d] < 0) return fv_import_refuse(im, node, "broadcasting a value of an open size");
    x->shape = *shape;
    return fv_import_apply(im, node, &x->value, "reshape", &x->value, 1, "%s",
                           fv_import_list(shape->dim, shape->rank, list, sizeof list));
}

/* Sizes of 1 in front up to `rank`. */
static fv_status raise_rank(fv_import *im, const fv_onnx_node *node, fv_imported *x, int rank) {
    int more = rank - x->shape.rank;
    if (more <= 0) return FV_OK;
    if (x->shape.rank > 0 && x->shape.dim[0] == FV_BATCH)
        return fv_import_mixes(im, node, "the samples of one operand are broadcast along another axis");
    fv_shape shape = {.rank = rank};
    for (int d = 0; d < rank; d++) shape.dim[d] = d < more ? 1 : x->shape.dim[d - more];
    fv_status status = fv_import_reorder(im, node, x, FV_ORDER_ONNX);
    return status ? status : reshaped(im, node, x, &shape);
}

/* A whole value beside one with samples: it is broadcast from the last axis on, the batch in front of all, so axis 0 goes. */
static fv_status drop_batch_axis(fv_import *im, const fv_onnx_node *node, fv_imported *x) {
    fv_type type = fv_import_type(x->value);
    if (type.shape.dim[0] != 1) return fv_import_mixes(im, node, "an operand has a number for each sample");
    type.shape.rank--;
    memmove(type.shape.dim, type.shape.dim + 1, (size_t)type.shape.rank * sizeof type.shape.dim[0]);
    fv_shape shape = x->shape;
    fv_status status = reshaped(im, node, x, &type.shape);
    x->shape = shape;
    return status;
}

/* A known operand in the common rank and order; beside samples without axis 0. */
static fv_status known_together(fv_import *im, const fv_onnx_node *node, int rank, bool samples, bool last,
                                fv_imported *x) {
    int more = rank - x->shape.rank, perm[FV_MAX_RANK];
    fv_known *known = fv_import_memory(im, sizeof *known);
    if (!known) return fv_fail_memory(im->error, "an import", sizeof *known);
    *known = *x->known;
    known->last_fill = 0;
    known->shape.rank = rank;
    for (int d = 0; d < rank; d++) known->shape.dim[d] = d < more ? 1 : x->shape.dim[d - more];
    x->shape = known->shape;
    x->last = last;
    if (samples && known->shape.dim[0] != 1)
        return fv_import_mixes(im, node, "a constant operand has a number for each sample");
    turn(rank, true, perm);
    if (samples) { /* axis 0 stays in front and is left out */
        known->shape.rank--;
        memmove(known->shape.dim, known->shape.dim + 1, (size_t)known->shape.rank * sizeof known->shape.dim[0]);
        for (int d = 1; d < rank; d++) perm[d - 1] = perm[d] - 1;
    }
    return fv_import_constant(im, node, known, last ? perm : NULL, &x->value);
}

static fv_status value_together(fv_import *im, const fv_onnx_node *node, int rank, bool samples, bool last,
                                fv_imported *x) {
    bool whole = x->shape.rank == 0 || x->shape.dim[0] != FV_BATCH;
    fv_status status = raise_rank(im, node, x, rank);
    if (!status && rank > 2) status = fv_import_reorder(im, node, x, last ? FV_ORDER_LAST : FV_ORDER_ONNX);
    return !status && samples && whole ? drop_batch_axis(im, node, x) : status;
}

fv_status fv_import_together(fv_import *im, const fv_onnx_node *node, int first, int count, fv_imported *out,
                             bool *last) {
    int rank = 0;
    bool samples = false;
    *last = false;
    fv_status status = FV_OK;
    for (int i = 0; i < count && !status; i++) {
        fv_imported *slot;
        if ((status = made_slot(im, node, first + i, &slot))) return status;
        if (slot->shape.rank > rank) rank = slot->shape.rank;
        *last = *last || (!slot->known && slot->last);
        samples = samples || (!slot->known && slot->shape.rank > 0 && slot->shape.dim[0] == FV_BATCH);
        out[i] = *slot;
        if (slot->flat) status = as_ordered(im, node, slot, FV_ORDER_ONNX, &out[i]);
    }
    if (rank < 3) *last = false;
    for (int i = 0; i < count && !status; i++)
        status = out[i].known ? known_together(im, node, rank, samples, *last, &out[i])
                              : value_together(im, node, rank, samples, *last, &out[i]);
    return status;
}

/* ---- known numbers ---------------------------------------------------------------------------------------------------- */

fv_status fv_import_known(fv_import *im, const fv_onnx_node *node, int i, const char *what, fv_known **out) {
    fv_imported *slot;
    *out = NULL;
    fv_status status = slot_of(im, node, i, &slot);
    if (status) return status;
    if (!slot->known) {
        fv_imported found = *slot;
        status = fv_import_evaluate(im, node, &found);
        if (status == FV_E_UNSUPPORTED)
            return fv_import_refuse(im, node, "its %s is computed when the net runs; it must be known before", what);
        if (status) return status;
        *out = found.known;
        return FV_OK;
    }
    *out = slot->known;
    return FV_OK;
}

fv_status fv_import_tensor(fv_import *im, const fv_onnx_node *node, int i, const char *what, fv_tensor *out) {
    fv_known *known = NULL;
    const void *data = NULL;
    fv_status status = fv_import_known(im, node, i, what, &known);
    if (status) return status;
    if (known->at[0]) return fv_import_mixes(im, node, "its %s depends on the batch", what);
    status = fv_known_data(im, known, 0, &data);
    *out = (fv_tensor){known->dtype, known->shape, (void *)(uintptr_t)data};
    return status;
}

static bool whole_at(fv_dtype dtype, const void *data, int64_t i, int64_t *out) {
    switch (dtype) {
    case FV_I64: *out = ((const int64_t *)data)[i]; return true;
    case FV_I32: *out = ((const int32_t *)data)[i]; return true;
    case FV_U8:
    case FV_BOOL: *out = ((const uint8_t *)data)[i]; return true;
    default: return false;
    }
}

fv_status fv_import_dims(fv_import *im, const fv_onnx_node *node, int i, const char *what, fv_import_dim *out, int room,
                         int *count) {
    fv_known *known = NULL;
    const void *data[FV_PROBES];
    fv_status status = fv_import_known(im, node, i, what, &known);
    *count = 0;
    if (status) return status;
    int64_t elements = fv_shape_count(&known->shape);
    if (elements > room || known->shape.rank > 1)
        return fv_import_wrong(im, node, "its %s: expected at most %d numbers, got %lld", what, room,
                               (long long)elements);
    for (int p = 0; p < FV_PROBES && !status; p++) status = fv_known_data(im, known, known->at[0] ? p : 0, &data[p]);
    for (int k = 0; k < elements && !status; k++) {
        int64_t v[FV_PROBES];
        for (int p = 0; p < FV_PROBES; p++)
            if (!whole_at(known->dtype, data[p], k, &v[p]))
                return fv_import_wrong(im, node, "its %s: expected whole numbers, got %s", what,
                                       fv_dtype_name(known->dtype));
        int64_t step = fv_probe_batch[1] - fv_probe_batch[0], times = (v[1] - v[0]) / step;
        out[k] = (fv_import_dim){times, v[0] - times * fv_probe_batch[0]};
        if ((v[1] - v[0]) % step || v[2] - v[1] != v[1] - v[0])
            status = fv_import_mixes(im, node, "its %s depends on the batch in another way than by a factor", what);
    }
    *count = (int)elements;
    return status;
}

fv_status fv_import_ints(fv_import *im, const fv_onnx_node *node, int i, const char *what, int64_t *out, int room,
                         int *count) {
    fv_import_dim *dims = fv_alloc_array((size_t)(room > 0 ? room : 1), sizeof *dims);
    if (!dims) return fv_fail_memory(im->error, "an import", sizeof *dims);
    fv_status status = fv_import_dims(im, node, i, what, dims, room, count);
    for (int k = 0; !status && k < *count; k++) {
        if (dims[k].times) status = fv_import_mixes(im, node, "its %s depends on the batch", what);
        out[k] = dims[k].plus;
    }
    fv_free(dims);
    return status;
}

fv_status fv_import_number(fv_import *im, const fv_onnx_node *node, int i, const char *what, double *out) {
    fv_tensor tensor;
    int64_t whole;
    fv_status status = fv_import_tensor(im, node, i, what, &tensor);
    if (status) return status;
    if (fv_shape_count(&tensor.shape) != 1) return fv_import_wrong(im, node, "its %s must be one number", what);
    if (tensor.dtype == FV_F32)
        *out = (double)*(const float *)tensor.data;
    else if (whole_at(tensor.dtype, tensor.data, 0, &whole))
        *out = (double)whole;
    return FV_OK;
}
