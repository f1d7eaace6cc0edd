/* export_write.c - what rules say, as the messages of an .onnx file: operators, attributes, initializers. */
#include "export_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "weight_layout.h"

enum { ATTRIBUTE_REAL = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_TEXT = 3, ATTRIBUTE_INTS = 7 };

fv_status fv_export_status(const fv_export *ex) { return ex->status; }

fv_status fv_export_refuse(fv_export *ex, const fv_node *node, const char *format, ...) {
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (!ex->status)
        ex->status = fv_fail_at(ex->error, FV_E_UNSUPPORTED, ex->path, 0, 0, "layer %s (%s): %s", node->name,
                                node->op->name, message);
    return ex->status;
}

void *fv_export_memory(fv_export *ex, size_t bytes) {
    void *memory = ex->status ? NULL : fv_arena_take(ex->arena, bytes ? bytes : 1);
    if (!memory && !ex->status) ex->status = fv_fail_memory(ex->error, ex->path, bytes);
    return memory;
}

const void *fv_export_field(const fv_node *node, const char *name) {
    const fv_field *field = fv_find_field(node->op, name);
    return (const char *)node->fields + field->offset;
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

/* No name of a net has a colon. */
const char *fv_export_new_name(fv_export *ex, const char *stem) {
    const char *name = ex->status ? NULL : fv_arena_printf(ex->arena, "%s:%d", stem, ++ex->made);
    if (!name && !ex->status) ex->status = fv_fail_memory(ex->error, ex->path, strlen(stem));
    return name;
}

const char *fv_export_between(fv_export *ex, const fv_node *node) { return fv_export_new_name(ex, node->name); }

/* ---- operators -------------------------------------------------------------------------------------------------- */

void fv_export_begin(fv_export *ex, const fv_node *node, const char *op) {
    const char *name = fv_export_new_name(ex, node->name);
    ex->node_begun = fv_wire_begin(&ex->nodes, FV_GRAPH_NODE);
    fv_wire_text(&ex->nodes, FV_NODE_OP, op);
    if (name) fv_wire_text(&ex->nodes, FV_NODE_NAME, name);
}

void fv_export_end(fv_export *ex) { fv_wire_end(&ex->nodes, ex->node_begun); }

void fv_export_input(fv_export *ex, const char *name) {
    if (name) fv_wire_text(&ex->nodes, FV_NODE_INPUT, name);
}

void fv_export_output(fv_export *ex, const char *name) {
    if (name) fv_wire_text(&ex->nodes, FV_NODE_OUTPUT, name);
}

static size_t attribute(fv_export *ex, const char *key, int type) {
    size_t begun = fv_wire_begin(&ex->nodes, FV_NODE_ATTRIBUTE);
    fv_wire_text(&ex->nodes, FV_ATTRIBUTE_NAME, key);
    fv_wire_varint(&ex->nodes, FV_ATTRIBUTE_TYPE, (uint64_t)type);
    return begun;
}

void fv_export_ints(fv_export *ex, const char *key, const int64_t *numbers, int count) {
    size_t begun = attribute(ex, key, ATTRIBUTE_INTS);
    for (int i = 0; i < count; i++) fv_wire_varint(&ex->nodes, FV_ATTRIBUTE_INTS, (uint64_t)numbers[i]);
    fv_wire_end(&ex->nodes, begun);
}

void fv_export_int(fv_export *ex, const char *key, int64_t number) {
    size_t begun = attribute(ex, key, ATTRIBUTE_INT);
    fv_wire_varint(&ex->nodes, FV_ATTRIBUTE_INT, (uint64_t)number);
    fv_wire_end(&ex->nodes, begun);
}

void fv_export_real_attribute(fv_export *ex, const char *key, double number) {
    size_t begun = attribute(ex, key, ATTRIBUTE_REAL);
    fv_wire_float(&ex->nodes, FV_ATTRIBUTE_REAL, (float)number);
    fv_wire_end(&ex->nodes, begun);
}

void fv_export_text(fv_export *ex, const char *key, const char *text) {
    size_t begun = attribute(ex, key, ATTRIBUTE_TEXT);
    fv_wire_text(&ex->nodes, FV_ATTRIBUTE_TEXT, text);
    fv_wire_end(&ex->nodes, begun);
}

const char *fv_export_call(fv_export *ex, const fv_node *node, const char *op, const char *to, const char *a,
                           const char *b, const char *c) {
    if (!to) to = fv_export_between(ex, node);
    fv_export_begin(ex, node, op);
    fv_export_input(ex, a);
    fv_export_input(ex, b);
    fv_export_input(ex, c);
    fv_export_output(ex, to);
    fv_export_end(ex);
    return to;
}

/* ---- initializers ----------------------------------------------------------------------------------------------- */

int fv_export_element(fv_dtype dtype) {
    switch (dtype) {
    case FV_F32: return 1;
    case FV_U8: return 2;
    case FV_I32: return 6;
    case FV_I64: return 7;
    case FV_BOOL: return 9;
    case FV_F64: return 11;
    default: return 0;
    }
}

/* Numbers lie in the file with their lowest byte first, as in the memory of the machines that this runs on. */
const char *fv_export_initializer(fv_export *ex, const char *name, fv_dtype dtype, const fv_shape *shape,
                                  const void *data) {
    if (ex->status || !name) return NULL;
    fv_wire *w = &ex->initializers;
    size_t begun = fv_wire_begin(w, FV_GRAPH_INITIALIZER);
    for (int d = 0; d < shape->rank; d++) fv_wire_varint(w, FV_TENSOR_DIMS, (uint64_t)shape->dim[d]);
    fv_wire_varint(w, FV_TENSOR_TYPE, (uint64_t)fv_export_element(dtype));
    fv_wire_text(w, FV_TENSOR_NAME, name);
    fv_wire_bytes(w, FV_TENSOR_RAW, data, (size_t)fv_shape_count(shape) * fv_dtype_size(dtype));
    fv_wire_end(w, begun);
    return name;
}

static int parameter_value(const fv_node *node, int k) {
    return k >= 0 && k < node->parameters ? node->value_in[node->inputs + k] : -1;
}

const float *fv_export_numbers(fv_export *ex, const fv_node *node, int k) {
    int value = parameter_value(node, k);
    if (ex->status || value < 0) return NULL;
    const fv_tensor *weight = &ex->model->weights.of[value];
    if (!weight->data)
        fv_export_refuse(ex, node, "its %s is computed, not kept", node->op->ports[node->inputs + k].name);
    return weight->data;
}

const char *fv_export_floats(fv_export *ex, const fv_node *node, int k, const fv_shape *shape, const float *numbers) {
    int value = parameter_value(node, k);
    const char *name = value >= 0 && !ex->weights[value] ? ex->net->values[value].name : fv_export_between(ex, node);
    if (value >= 0) ex->weights[value] = name;
    return numbers ? fv_export_initializer(ex, name, FV_F32, shape, numbers) : NULL;
}

const char *fv_export_weight(fv_export *ex, const fv_node *node, int k, const fv_exported *input) {
    int value = parameter_value(node, k);
    if (value < 0) return "";
    const float *numbers = fv_export_numbers(ex, node, k);
    const fv_value_info *info = &ex->net->values[value];
    fv_weight_layout layout;
    fv_weight_layout_for(info->parameter.axes, &info->type.shape, input && input->picture.rank ? &input->picture : NULL,
                         &layout);
    float *turned = fv_alloc_array((size_t)fv_shape_count(&layout.shape), sizeof *turned);
    const char *name = NULL;
    if (!turned && !ex->status) ex->status = fv_fail_memory(ex->error, ex->path, 0);
    if (turned && numbers) {
        fv_weight_layout_write(&layout, turned, numbers);
        name = fv_export_floats(ex, node, k, &layout.shape, turned);
    }
    fv_free(turned);
    return name;
}

const char *fv_export_float(fv_export *ex, const fv_node *node, double number) {
    float value = (float)number;
    return fv_export_initializer(ex, fv_export_between(ex, node), FV_F32, &(fv_shape){.rank = 0}, &value);
}

const char *fv_export_wholes(fv_export *ex, const fv_node *node, const int64_t *numbers, int count) {
    return fv_export_initializer(ex, fv_export_between(ex, node), FV_I64, &(fv_shape){1, {count}}, numbers);
}

const char *fv_export_channels(fv_export *ex, const fv_node *node, int k, const fv_exported *beside, double otherwise) {
    const fv_shape *like = &beside->type.shape;
    int64_t channels = like->rank ? like->dim[like->rank - 1] : 1;
    fv_shape shape = {1, {channels}};
    for (int d = 2; beside->first && d < like->rank; d++) shape.dim[shape.rank++] = 1;
    const float *numbers = fv_export_numbers(ex, node, k);
    if (numbers) return fv_export_floats(ex, node, k, &shape, numbers);
    float *same = fv_export_memory(ex, (size_t)channels * sizeof *same);
    for (int64_t c = 0; same && c < channels; c++) same[c] = (float)otherwise;
    return fv_export_floats(ex, node, -1, &shape, same);
}
