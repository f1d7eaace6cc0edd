/* import_make.c - what rules make: applications, weights from the file's tensors, constants, results. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "import_state.h"

/* ---- refusing ----------------------------------------------------------------------------------------------------- */

static void describe(const fv_onnx_node *node, char *out, size_t size) {
    char name[80], op[60], cut[64];
    snprintf(cut, sizeof cut, "%.60s", node->op);
    fv_escape(cut, op, sizeof op);
    snprintf(cut, sizeof cut, "%.60s", node->name);
    fv_escape(cut, name, sizeof name);
    if (*name)
        snprintf(out, size, "node %d \"%s\" (%s)", node->index, name, op);
    else
        snprintf(out, size, "node %d (%s)", node->index, op);
}

static fv_status refuse(fv_import *im, const fv_onnx_node *node, fv_status status, const char *before,
                        const char *format, va_list values) {
    char message[300], where[160];
    vsnprintf(message, sizeof message, format, values);
    describe(node, where, sizeof where);
    return fv_fail(im->error, status, "%s: %s%s", where, before, message);
}

fv_status fv_import_refuse(fv_import *im, const fv_onnx_node *node, const char *format, ...) {
    va_list values;
    va_start(values, format);
    fv_status status = refuse(im, node, FV_E_UNSUPPORTED, "not supported: ", format, values);
    va_end(values);
    return status;
}

fv_status fv_import_wrong(fv_import *im, const fv_onnx_node *node, const char *format, ...) {
    va_list values;
    va_start(values, format);
    fv_status status = refuse(im, node, FV_E_FORMAT, "", format, values);
    va_end(values);
    return status;
}

fv_status fv_import_mixes(fv_import *im, const fv_onnx_node *node, const char *format, ...) {
    va_list values;
    va_start(values, format);
    fv_status status = refuse(im, node, FV_E_UNSUPPORTED, "it mixes samples: ", format, values);
    va_end(values);
    im->mixes = true;
    return status;
}

void *fv_import_memory(fv_import *im, size_t bytes) { return fv_arena_take(im->arena, bytes ? bytes : 1); }

/* ---- known tensors ------------------------------------------------------------------------------------------------- */

fv_known *fv_import_new_known(fv_import *im, fv_dtype dtype, const fv_shape *shape, const void *data) {
    size_t bytes = (size_t)fv_shape_count(shape) * fv_dtype_size(dtype);
    fv_known *known = fv_import_memory(im, sizeof *known);
    void *copy = fv_import_memory(im, bytes);
    if (!known || !copy) return NULL;
    if (bytes) memcpy(copy, data, bytes);
    *known = (fv_known){.name = "", .dtype = dtype, .shape = *shape, .data = copy};
    return known;
}

fv_status fv_known_data(fv_import *im, fv_known *known, int probe, const void **out) {
    if (probe > 0 && known->at[probe - 1]) return *out = known->at[probe - 1], FV_OK;
    if (!known->data && known->file) {
        void *data = fv_import_memory(im, known->file->count * fv_dtype_size(known->dtype));
        if (!data) return fv_fail_memory(im->error, known->name, known->file->count);
        fv_status status = fv_onnx_tensor_read(known->file, data, im->error);
        if (status) return status;
        known->data = data;
    }
    *out = known->data;
    return FV_OK;
}

fv_import_weight fv_import_permuted(fv_known *known, const int *perm) {
    fv_import_weight w = {.known = known, .rank = known->shape.rank};
    int64_t stride[FV_MAX_RANK], step = 1;
    for (int d = w.rank - 1; d >= 0; d--) stride[d] = step, step *= known->shape.dim[d];
    for (int d = 0; d < w.rank; d++) {
        int from = perm ? perm[d] : d;
        w.dim[d] = known->shape.dim[from];
        w.stride[d] = stride[from];
    }
    return w;
}

fv_import_weight fv_import_plain(fv_known *known) { return fv_import_permuted(known, NULL); }

/* ---- copying: tiles of two axes, so that neither side jumps through memory element by element ----------------------- */

enum { TILE = 32 };

typedef struct copier {
    const unsigned char *from;
    unsigned char *to;
    size_t element;
    const fv_import_weight *w;
    int64_t step[FV_MAX_RANK]; /* elements of the result */
    int across;                /* the axis along which the source is densest, tiled with the last one */
} copier;

static void copy_tile(const copier *c, int64_t from, int64_t to, int64_t rows, int64_t columns) {
    int last = c->w->rank - 1;
    int64_t fr = c->w->stride[c->across], fc = c->w->stride[last], tr = c->step[c->across];
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            memcpy(c->to + (size_t)(to + i * tr + j) * c->element,
                   c->from + (size_t)(from + i * fr + j * fc) * c->element, c->element);
}

static void copy_tiles(const copier *c, int64_t from, int64_t to) {
    int last = c->w->rank - 1;
    int64_t rows = c->across == last ? 1 : c->w->dim[c->across], columns = c->w->dim[last];
    for (int64_t i = 0; i < rows; i += TILE)
        for (int64_t j = 0; j < columns; j += TILE)
            copy_tile(c, from + i * c->w->stride[c->across] + j * c->w->stride[last], to + i * c->step[c->across] + j,
                      rows - i < TILE ? rows - i : TILE, columns - j < TILE ? columns - j : TILE);
}

static void copy_axes(const copier *c, int axis, int64_t from, int64_t to) {
    if (axis == c->w->rank - 1) {
        copy_tiles(c, from, to);
        return;
    }
    if (axis == c->across) {
        copy_axes(c, axis + 1, from, to);
        return;
    }
    for (int64_t i = 0; i < c->w->dim[axis]; i++)
        copy_axes(c, axis + 1, from + i * c->w->stride[axis], to + i * c->step[axis]);
}

static void copy_strided(const fv_import_weight *w, size_t element, const unsigned char *from, unsigned char *to) {
    copier c = {.from = from, .to = to, .element = element, .w = w, .across = w->rank - 1};
    int64_t step = 1;
    if (w->rank == 0) {
        memcpy(to, from, element);
        return;
    }
    for (int d = w->rank - 1; d >= 0; d--) {
        if (w->dim[d] == 0) return;
        c.step[d] = step, step *= w->dim[d];
    }
    for (int d = 0; d < w->rank - 1; d++)
        if (w->dim[d] > 1 && w->stride[d] < w->stride[c.across]) c.across = d;
    copy_axes(&c, 0, 0, 0);
}

fv_status fv_fill_copy(fv_import *im, const fv_import_weight *w, int probe, void *out) {
    fv_known *known = w->known;
    const fv_onnx_tensor *file = known->file;
    const void *from;
    bool straight = !known->data && file && fv_onnx_plain_floats(file) && known->dtype == FV_F32;
    fv_status status = straight ? FV_OK : fv_known_data(im, known, probe, &from);
    if (status) return status;
    copy_strided(w, fv_dtype_size(known->dtype), straight ? file->bytes : from, out);
    if (w->scale != 0 && w->scale != 1 && known->dtype == FV_F32) {
        int64_t count = 1;
        for (int d = 0; d < w->rank; d++) count *= w->dim[d];
        for (int64_t i = 0; i < count; i++) ((float *)out)[i] = (float)(w->scale * (double)((float *)out)[i]);
    }
    return FV_OK;
}

fv_status fv_import_add_fill(fv_import *im, int value, const fv_import_weight *from) {
    if (!fv_grow((void **)&im->fills, &im->fill_capacity, im->fill_count, sizeof *im->fills))
        return fv_fail_memory(im->error, "an import", sizeof *im->fills);
    if (value >= im->fill_of_count) {
        int count = 2 * value + 64;
        int *more = fv_realloc(im->fill_of, (size_t)count * sizeof *more);
        if (!more) return fv_fail_memory(im->error, "an import", (size_t)count * sizeof *more);
        memset(more + im->fill_of_count, 0, (size_t)(count - im->fill_of_count) * sizeof *more);
        im->fill_of = more;
        im->fill_of_count = count;
    }
    im->fills[im->fill_count++] = (fv_import_fill){value, from->known->last_fill, *from};
    im->fill_of[value] = from->known->last_fill = im->fill_count;
    return FV_OK;
}

/* ---- applying -------------------------------------------------------------------------------------------------------- */

static fv_status apply(fv_import *im, const fv_onnx_node *node, fv_value *out, const char *op, const fv_value *inputs,
                       int count, const char *format, va_list values) {
    fv_text fields = {0};
    char chunk[2048];
    fv_error reason = {0};
    int length = vsnprintf(chunk, sizeof chunk, format, values);
    if (length < 0 || (size_t)length >= sizeof chunk) return fv_import_refuse(im, node, "its fields are too long");
    fv_text_add(&fields, chunk);
    *out = fields.failed ? (fv_value){im->net, -1}
                         : fv_apply(im->net, op, inputs, count, fields.data ? fields.data : "", &reason);
    fv_text_free(&fields);
    if (out->id >= 0) return FV_OK;
    char where[160];
    describe(node, where, sizeof where);
    return fv_fail(im->error, reason.status ? reason.status : FV_E_MEMORY, "%s: %s", where, reason.message);
}

fv_status fv_import_apply(fv_import *im, const fv_onnx_node *node, fv_value *out, const char *op,
                          const fv_value *inputs, int count, const char *format, ...) {
    va_list values;
    va_start(values, format);
    fv_status status = apply(im, node, out, op, inputs, count, format, values);
    va_end(values);
    return status;
}

/* Is it the same tensor laid out alike? Then both applications share one weight, as in the file. */
static bool same_weight(const fv_import_weight *a, const fv_import_weight *b) {
    if (a->known != b->known || a->rank != b->rank || a->scale != b->scale) return false;
    for (int d = 0; d < a->rank; d++)
        if (a->dim[d] != b->dim[d] || a->stride[d] != b->stride[d]) return false;
    return true;
}

static fv_value shared_weight(const fv_import *im, const fv_import_weight *w) {
    if (!w->known || !w->known->initializer) return (fv_value){0};
    for (int i = w->known->last_fill - 1; i >= 0; i = im->fills[i].next - 1)
        if (same_weight(&im->fills[i].from, w) && im->net->values[im->fills[i].value].kind == FV_KIND_WEIGHT)
            return (fv_value){im->net, im->fills[i].value};
    return (fv_value){0};
}

/* "layer1.0.conv1.weight" names the layer "layer1_0_conv1"... as far as the net takes such a name. */
static void name_layer(fv_import *im, fv_value value, const fv_import_weight *weights, int count) {
    for (int k = 0; k < count; k++) {
        const char *name = weights[k].known && weights[k].known->initializer ? weights[k].known->name : "";
        const char *point = strrchr(name, '.');
        if (!point || point == name || point - name > 120) continue;
        char layer[128];
        snprintf(layer, sizeof layer, "%.*s", (int)(point - name), name);
        const char *good = fv_import_free_name(im, layer, NULL);
        if (good) fv_name(value, good);
        return;
    }
}

fv_status fv_import_apply_weights(fv_import *im, const fv_onnx_node *node, fv_value *out, const char *op,
                                  const fv_value *inputs, int count, const fv_import_weight *weights, int weight_count,
                                  const char *format, ...) {
    fv_value all[FV_MAX_PORTS + FV_MAX_RANK] = {{0}};
    int given = count;
    if (count + weight_count > FV_MAX_PORTS) return fv_import_refuse(im, node, "too many operands");
    for (int i = 0; i < count; i++) all[i] = inputs[i];
    for (int k = 0; k < weight_count; k++)
        if ((all[count + k] = shared_weight(im, &weights[k])).net) given = count + k + 1;
    va_list values;
    va_start(values, format);
    fv_status status = apply(im, node, out, op, all, given, format, values);
    va_end(values);
    if (status) return status;
    name_layer(im, *out, weights, weight_count);
    for (int k = 0; k < weight_count && !status; k++) {
        fv_value parameter = fv_parameter_of(*out, k);
        if (!weights[k].known || all[count + k].net || parameter.id < 0) continue;
        int64_t elements = 1;
        for (int d = 0; d < weights[k].rank; d++) elements *= weights[k].dim[d];
        fv_type type = fv_import_type(parameter);
        if (elements != fv_shape_count(&type.shape) || weights[k].known->dtype != FV_F32)
            return fv_import_wrong(im, node, "\"%.80s\" has %lld elements of %s, expected %lld of f32",
                                   weights[k].known->name, (long long)elements, fv_dtype_name(weights[k].known->dtype),
                                   (long long)fv_shape_count(&type.shape));
        status = fv_import_add_fill(im, parameter.id, &weights[k]);
    }
    return status;
}

/* ---- constants as values ----------------------------------------------------------------------------------------------- */

/* Numbers as text, for what is no weight: shapes, indices, masks. */
static char *values_text(fv_dtype dtype, const void *data, int64_t count) {
    fv_text text = {0};
    char number[32];
    for (int64_t i = 0; i < count; i++) {
        if (i) fv_text_add(&text, " ");
        switch (dtype) {
        case FV_F32: fv_print_double((double)((const float *)data)[i], number); break;
        case FV_I64: snprintf(number, sizeof number, "%lld", (long long)((const int64_t *)data)[i]); break;
        case FV_I32: snprintf(number, sizeof number, "%d", (int)((const int32_t *)data)[i]); break;
        default: snprintf(number, sizeof number, "%d", (int)((const uint8_t *)data)[i]);
        }
        fv_text_add(&text, number);
    }
    return fv_text_take(&text);
}

/* An input that is filled before the net runs. */
static fv_status folded_input(fv_import *im, fv_known *known, const fv_import_weight *w, fv_value *out) {
    fv_input_options o = {.size = sizeof o, .dtype = known->dtype, .no_batch = true};
    o.shape.rank = w->rank;
    memcpy(o.shape.dim, w->dim, sizeof o.shape.dim);
    *out = fv_input_with(im->net, &o);
    if (out->id >= 0) return fv_import_add_fill(im, out->id, w);
    if (im->error) *im->error = im->net->error;
    return im->net->error.status;
}

/* A weight that is shared: the value that its own `numbers` makes of it; false when something else owns it. */
static bool constant_of(const fv_import *im, fv_value *weight) {
    const fv_node *owner = &im->net->nodes[im->net->values[weight->id].node];
    if (strcmp(owner->op->name, "numbers")) return false;
    weight->id = owner->value_out[0];
    return true;
}

/* Too many whole numbers for a line of the net's text become a weight that is never trained, and are made whole again. */
static fv_status long_constant(fv_import *im, const fv_onnx_node *node, const fv_known *known, const void *data,
                               const fv_import_weight *as, fv_value *out) {
    enum { EXACT = 1 << 24 }; /* whole numbers that floats hold */
    fv_shape shape = {.rank = as->rank};
    memcpy(shape.dim, as->dim, sizeof shape.dim);
    int64_t count = fv_shape_count(&shape);
    float *reals = fv_import_memory(im, (size_t)count * sizeof *reals);
    if (!reals) return fv_fail_memory(im->error, known->name, (size_t)count * sizeof *reals);
    for (int64_t i = 0; i < count; i++) {
        int64_t value = known->dtype == FV_I64   ? ((const int64_t *)data)[i]
                        : known->dtype == FV_I32 ? ((const int32_t *)data)[i]
                                                 : ((const uint8_t *)data)[i];
        if (value > EXACT || value < -EXACT)
            return fv_import_refuse(im, node, "constant \"%.60s\": many numbers beyond 2^24", known->name);
        reals[i] = (float)value;
    }
    fv_known *real = fv_import_new_known(im, FV_F32, &shape, reals);
    if (!real) return fv_fail_memory(im->error, known->name, (size_t)count * sizeof *reals);
    fv_import_weight w = fv_import_plain(real);
    char list[160];
    fv_import_list(shape.dim, shape.rank, list, sizeof list);
    fv_status status = fv_import_apply_weights(im, node, out, "numbers", NULL, 0, &w, 1, "shape=%s", list);
    return status ? status : fv_import_apply(im, node, out, "cast", out, 1, "%s", fv_dtype_name(known->dtype));
}

fv_status fv_import_constant(fv_import *im, const fv_onnx_node *node, fv_known *known, const int *perm, fv_value *out) {
    fv_import_weight w = fv_import_permuted(known, perm);
    int64_t count = fv_shape_count(&known->shape);
    char list[160];
    if (known->at[0]) return fv_import_mixes(im, node, "\"%.80s\" depends on the batch", known->name);
    if (im->folding) return folded_input(im, known, &w, out);
    fv_import_list(w.dim, w.rank, list, sizeof list);
    if (known->dtype == FV_F32 && known->initializer && w.rank > 0) {
        *out = shared_weight(im, &w);
        if (out->net && constant_of(im, out)) return FV_OK;
        return fv_import_apply_weights(im, node, out, "numbers", NULL, 0, &w, 1, "shape=%s trainable=yes", list);
    }
    if (known->dtype == FV_F32 && count > 8)
        return fv_import_apply_weights(im, node, out, "numbers", NULL, 0, &w, 1, "shape=%s", list);
    size_t bytes = (size_t)count * fv_dtype_size(known->dtype);
    void *data = fv_alloc(bytes ? bytes : 1);
    fv_status status = data ? fv_fill_copy(im, &w, 0, data) : fv_fail_memory(im->error, known->name, bytes);
    enum { MOST_WRITTEN = 2000 }; /* elements: a line of the language has its limits */
    if (!status && count > MOST_WRITTEN) {
        status = long_constant(im, node, known, data, &w, out);
        fv_free(data);
        return status;
    }
    char *text = status ? NULL : values_text(known->dtype, data, count);
    fv_free(data);
    if (status) return status;
    if (!text) return fv_fail_memory(im->error, known->name, bytes);
    fv_argument arguments[3] = {
        {"shape", list, 0, 0}, {"dtype", fv_dtype_name(known->dtype), 0, 0}, {"values", text, 0, 0}};
    int first = w.rank == 0; /* a scalar has no list */
    fv_error reason = {0};
    *out =
        fv_net_apply(im->net, fv_net_find_op(im->net, "numbers"), NULL, NULL, 0, arguments + first, 3 - first, &reason);
    fv_free(text);
    if (out->id >= 0) return FV_OK;
    return fv_import_refuse(im, node, "constant \"%.60s\": %.200s", known->name, reason.message);
}

/* ---- results --------------------------------------------------------------------------------------------------------------- */

static bool wanted(const fv_onnx_node *node, int k) { return k < node->output_count && *node->outputs[k]; }

fv_status fv_import_bind(fv_import *im, const fv_onnx_node *node, int k, fv_value value, bool last) {
    if (!wanted(node, k)) return FV_OK;
    fv_type type = fv_import_type(value);
    fv_imported x = {.dtype = type.dtype, .shape = type.shape, .value = value, .last = last && type.shape.rank >= 3};
    if (x.last) {
        int rank = type.shape.rank;
        x.shape.dim[1] = type.shape.dim[rank - 1];
        for (int d = 2; d < rank; d++) x.shape.dim[d] = type.shape.dim[d - 1];
    }
    return fv_import_define(im, node, node->outputs[k], &x);
}

fv_status fv_import_bind_like(fv_import *im, const fv_onnx_node *node, int k, fv_value value, const fv_imported *x) {
    if (!wanted(node, k)) return FV_OK;
    fv_imported like = *x;
    like.value = value;
    like.dtype = fv_import_type(value).dtype;
    like.known = NULL;
    like.input = 0;
    return fv_import_define(im, node, node->outputs[k], &like);
}

fv_status fv_import_bind_flat(fv_import *im, const fv_onnx_node *node, int k, const fv_imported *x) {
    fv_imported flat = *x;
    int64_t columns = 1;
    if (!wanted(node, k)) return FV_OK;
    for (int d = 1; d < x->shape.rank; d++)
        if (x->shape.dim[d] < 0 || !fv_mul_i64(columns, x->shape.dim[d], &columns))
            return fv_import_refuse(im, node, "flattening open sizes");
    flat.picture = x->shape;
    flat.shape = (fv_shape){2, {x->shape.dim[0], columns}};
    flat.flat = x->last;
    flat.known = NULL;
    flat.input = 0;
    return fv_import_define(im, node, node->outputs[k], &flat);
}

fv_status fv_import_bind_known(fv_import *im, const fv_onnx_node *node, int k, fv_dtype dtype, const fv_shape *shape,
                               const void *data) {
    if (!wanted(node, k)) return FV_OK;
    fv_known *known = fv_import_new_known(im, dtype, shape, data);
    if (!known) return fv_fail_memory(im->error, "a constant", (size_t)fv_shape_count(shape));
    known->name = node->outputs[k];
    return fv_import_define(im, node, node->outputs[k],
                            &(fv_imported){.dtype = dtype, .shape = *shape, .known = known, .value = {im->net, -1}});
}

fv_status fv_import_bind_dims(fv_import *im, const fv_onnx_node *node, int k, const fv_shape *shape,
                              const fv_import_dim *dims) {
    int64_t count = fv_shape_count(shape), *at[FV_PROBES];
    bool depends = false;
    if (!wanted(node, k)) return FV_OK;
    for (int p = 0; p < FV_PROBES; p++) {
        at[p] = fv_import_memory(im, (size_t)count * sizeof(int64_t));
        if (!at[p]) return fv_fail_memory(im->error, "a shape", (size_t)count);
        for (int64_t i = 0; i < count; i++) {
            int64_t part = 0;
            depends = depends || dims[i].times;
            if (!fv_mul_i64(dims[i].times, fv_probe_batch[p], &part) || !fv_add_i64(part, dims[i].plus, &at[p][i]))
                return fv_import_wrong(im, node, "a size that is too large");
        }
    }
    fv_status status = fv_import_bind_known(im, node, k, FV_I64, shape, at[0]);
    fv_known *known = status ? NULL : fv_import_lookup(im, node->outputs[k])->known;
    for (int p = 1; p < FV_PROBES && depends && known; p++) known->at[p - 1] = at[p];
    return status;
}

fv_status fv_import_bind_same(fv_import *im, const fv_onnx_node *node, int k, int i) {
    fv_imported *x = fv_import_has(node, i) ? fv_import_lookup(im, node->inputs[i]) : NULL;
    if (!wanted(node, k)) return FV_OK;
    if (!x) return fv_import_wrong(im, node, "operand %d is missing", i);
    if (!x->known && x->value.id < 0) { /* both names must then mean the one input of the net */
        fv_status status = fv_import_make_input(im, node, x);
        if (status) return status;
    }
    fv_imported copy = *x;
    return fv_import_define(im, node, node->outputs[k], &copy);
}
