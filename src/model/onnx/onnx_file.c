/* onnx_file.c - ModelProto into plain structs: opsets, the graph's nodes, attributes, ports. Field numbers are those of
 * onnx.proto (github.com/onnx/onnx). */
#include "onnx_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- what the parts of the reader share ------------------------------------------------------------------------- */

fv_status fv_onnx_bad(fv_onnx_reader *r, const char *format, ...) {
    char message[400];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    return fv_fail_at(r->error, FV_E_FORMAT, r->name, 0, 0, "%s%s%s", r->where, *r->where ? ": " : "", message);
}

fv_status fv_onnx_short(fv_onnx_reader *r, size_t bytes) { return fv_fail_memory(r->error, "an ONNX file", bytes); }

fv_status fv_onnx_damaged(fv_onnx_reader *r, const char *what) { return fv_onnx_bad(r, "%s is damaged", what); }

void *fv_onnx_take(fv_onnx_reader *r, size_t count, size_t each) {
    size_t bytes;
    return fv_mul_size(count, each, &bytes) ? fv_arena_take(r->arena, bytes ? bytes : 1) : NULL;
}

const char *fv_onnx_copy(fv_onnx_reader *r, const fv_wire_field *field) {
    return field->kind == FV_WIRE_BYTES ? fv_arena_text(r->arena, (const char *)field->data, field->size) : NULL;
}

void fv_onnx_here(fv_onnx_reader *r, const char *format, const char *name) {
    char shown[80], cut[64];
    snprintf(cut, sizeof cut, "%.60s", name ? name : "");
    fv_escape(cut, shown, sizeof shown);
    snprintf(r->where, sizeof r->where, format, shown);
}

/* ---- names -------------------------------------------------------------------------------------------------------- */

static bool is(const fv_wire_field *field, int number, fv_wire_kind kind) {
    return field->number == number && field->kind == kind;
}

int fv_onnx_count(fv_onnx_message m, int number) {
    fv_wire_field field;
    int count = 0;
    while (fv_wire_next(&m.at, &m.left, &field) && count < INT32_MAX) count += is(&field, number, FV_WIRE_BYTES);
    return count;
}

static const char *domain_of(const char *domain) { return domain && strcmp(domain, "ai.onnx") ? domain : ""; }

/* ---- opsets ------------------------------------------------------------------------------------------------------- */

static fv_status read_opset(fv_onnx_reader *r, fv_onnx_message m) {
    fv_wire_field field;
    fv_onnx_opset *opset = &r->file->opsets[r->file->opset_count];
    *opset = (fv_onnx_opset){"", 1};
    while (fv_wire_next(&m.at, &m.left, &field)) {
        if (is(&field, 1, FV_WIRE_BYTES)) opset->domain = domain_of(fv_onnx_copy(r, &field));
        if (is(&field, 2, FV_WIRE_VARINT)) opset->version = field.value < 1000 ? (int)field.value : 1000;
    }
    if (m.left) return fv_onnx_damaged(r, "an opset import");
    if (!opset->domain) return fv_onnx_short(r, 1);
    r->file->opset_count++;
    return FV_OK;
}

static int version_of(const fv_onnx_file *file, const char *domain) {
    for (int i = 0; i < file->opset_count; i++)
        if (!strcmp(file->opsets[i].domain, domain)) return file->opsets[i].version;
    return 1;
}

/* ---- attributes --------------------------------------------------------------------------------------------------- */

/* The number that was meant: the file's float 1e-5 becomes the double 1e-5, not 9.99999975e-6. */
static double meant(const fv_wire_field *field) {
    float value = fv_wire_as_float(field);
    char text[40];
    double number = (double)value;
    for (int digits = 1; digits <= 9 && value - value == 0; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, (double)value);
        if (fv_parse_double(text, &number) && (float)number == value) return number;
    }
    return (double)value;
}

/* What the attribute's fields hold says its kind; files before IR version 2 state none. */
static fv_status read_attribute_field(fv_onnx_reader *r, fv_onnx_attribute *a, const fv_wire_field *field) {
    switch (field->number) {
    case 1: a->name = fv_onnx_copy(r, field); return a->name ? FV_OK : fv_onnx_short(r, field->size);
    case 2: a->kind = FV_ONNX_FLOAT, a->number = meant(field); return FV_OK;
    case 3: a->kind = FV_ONNX_INT, a->whole = (int64_t)field->value; return FV_OK;
    case 4:
        a->kind = FV_ONNX_TEXT, a->text = fv_onnx_copy(r, field);
        return a->text ? FV_OK : fv_onnx_short(r, field->size);
    case 5: {
        fv_onnx_tensor *tensor = fv_onnx_take(r, 1, sizeof *tensor);
        if (!tensor) return fv_onnx_short(r, sizeof *tensor);
        a->kind = FV_ONNX_TENSOR, a->tensor = tensor;
        return fv_onnx_read_tensor(r, (fv_onnx_message){field->data, field->size}, tensor);
    }
    case 6:
    case 9:
    case 10:
    case 11:
    case 14:
    case 15:
    case 22:
    case 23: a->kind = FV_ONNX_OTHER; return FV_OK;
    default: return FV_OK;
    }
}

static bool attribute_kinds_fit(const fv_wire_field *field) {
    static const signed char kinds[] = {
        [1] = FV_WIRE_BYTES, [2] = FV_WIRE_FIXED32, [3] = FV_WIRE_VARINT, [4] = FV_WIRE_BYTES, [5] = FV_WIRE_BYTES};
    return field->number > 5 || (int)field->kind == kinds[field->number];
}

/* Lists may be packed or one by one, even mixed. */
static fv_status read_attribute_lists(fv_onnx_reader *r, fv_onnx_message m, fv_onnx_attribute *a) {
    size_t floats, wholes;
    if (!fv_onnx_count_numbers(m, 7, 4, &floats) || !fv_onnx_count_numbers(m, 8, 0, &wholes) ||
        floats + wholes > INT32_MAX)
        return fv_onnx_damaged(r, "a list of numbers");
    if (!floats && !wholes) return FV_OK;
    uint64_t *bits = fv_onnx_take(r, floats + wholes, sizeof *bits);
    if (!bits) return fv_onnx_short(r, (floats + wholes) * sizeof *bits);
    a->count = (int)(floats ? floats : wholes);
    a->kind = floats ? FV_ONNX_FLOATS : FV_ONNX_INTS;
    if (!floats) {
        fv_onnx_read_numbers(m, 8, 0, bits);
        a->wholes = (const int64_t *)bits;
        return FV_OK;
    }
    double *numbers = fv_onnx_take(r, floats, sizeof *numbers);
    if (!numbers) return fv_onnx_short(r, floats * sizeof *numbers);
    fv_onnx_read_numbers(m, 7, 4, bits);
    for (size_t i = 0; i < floats; i++) numbers[i] = meant(&(fv_wire_field){.value = bits[i]});
    a->numbers = numbers;
    return FV_OK;
}

enum { TYPE_FLOATS = 6, TYPE_INTS = 7 }; /* AttributeProto.AttributeType */

static fv_status read_attribute(fv_onnx_reader *r, fv_onnx_message m, fv_onnx_attribute *a) {
    fv_onnx_message all = m;
    fv_wire_field field;
    fv_status status = FV_OK;
    uint64_t type = 0;
    *a = (fv_onnx_attribute){.name = ""};
    while (!status && fv_wire_next(&m.at, &m.left, &field)) {
        if (is(&field, 20, FV_WIRE_VARINT)) type = field.value;
        if (is(&field, 21, FV_WIRE_BYTES)) a->kind = FV_ONNX_OTHER; /* a reference out of a function */
        status = attribute_kinds_fit(&field) ? read_attribute_field(r, a, &field) : fv_onnx_damaged(r, "an attribute");
    }
    if (!status && m.left) status = fv_onnx_damaged(r, "an attribute");
    if (!status) status = read_attribute_lists(r, all, a);
    if (!status && a->kind == FV_ONNX_NONE) /* a list without elements leaves no field */
        a->kind = type == TYPE_FLOATS ? FV_ONNX_FLOATS : type == TYPE_INTS ? FV_ONNX_INTS : FV_ONNX_NONE;
    return status;
}

/* ---- nodes ---------------------------------------------------------------------------------------------------------- */

typedef struct node_lists {
    int inputs, outputs, attributes;
} node_lists;

static fv_status read_node_field(fv_onnx_reader *r, fv_onnx_node *n, const fv_wire_field *field, node_lists *at) {
    const char *text = field->number == 5 ? "" : fv_onnx_copy(r, field);
    if (!text) return fv_onnx_short(r, field->size);
    switch (field->number) {
    case 1: n->inputs[at->inputs++] = text; return FV_OK;
    case 2: n->outputs[at->outputs++] = text; return FV_OK;
    case 3: n->name = text; return FV_OK;
    case 4: n->op = text; return FV_OK;
    case 7: n->domain = domain_of(text); return FV_OK;
    default: return FV_OK;
    }
}

/* Attributes come last: their messages name the node. */
static fv_status read_node_attributes(fv_onnx_reader *r, fv_onnx_message m, fv_onnx_node *n) {
    fv_onnx_attribute *attributes = (fv_onnx_attribute *)(uintptr_t)n->attributes;
    fv_wire_field field;
    int count = 0;
    fv_status status = FV_OK;
    char shown[80];
    fv_escape(n->op, shown, sizeof shown);
    snprintf(r->where, sizeof r->where, "node %d (%.60s)", n->index, shown);
    while (!status && fv_wire_next(&m.at, &m.left, &field))
        if (is(&field, 5, FV_WIRE_BYTES))
            status = read_attribute(r, (fv_onnx_message){field.data, field.size}, &attributes[count++]);
    return status;
}

static fv_status read_node(fv_onnx_reader *r, fv_onnx_message m, fv_onnx_node *n) {
    fv_onnx_message all = m;
    fv_wire_field field;
    node_lists at = {0};
    fv_status status = FV_OK;
    *n = (fv_onnx_node){.index = n->index, .name = "", .op = "", .domain = ""};
    snprintf(r->where, sizeof r->where, "node %d", n->index);
    n->input_count = fv_onnx_count(m, 1);
    n->output_count = fv_onnx_count(m, 2);
    n->attribute_count = fv_onnx_count(m, 5);
    n->inputs = fv_onnx_take(r, (size_t)n->input_count, sizeof *n->inputs);
    n->outputs = fv_onnx_take(r, (size_t)n->output_count, sizeof *n->outputs);
    n->attributes = fv_onnx_take(r, (size_t)n->attribute_count, sizeof *n->attributes);
    if (!n->inputs || !n->outputs || !n->attributes) return fv_onnx_short(r, sizeof *n);
    while (!status && fv_wire_next(&m.at, &m.left, &field))
        if (field.kind == FV_WIRE_BYTES) status = read_node_field(r, n, &field, &at);
    if (!status && m.left) return fv_onnx_damaged(r, "a node");
    if (!status && !*n->op) return fv_onnx_bad(r, "it names no operator");
    if (!status && n->output_count == 0) return fv_onnx_bad(r, "%.60s: it has no output", n->op);
    n->version = version_of(r->file, n->domain);
    if (!status) status = read_node_attributes(r, all, n);
    r->where[0] = 0;
    return status;
}

/* ---- ports: ValueInfoProto ------------------------------------------------------------------------------------------ */

static bool inside(fv_onnx_message m, int number, fv_onnx_message *out) {
    fv_wire_field field;
    *out = (fv_onnx_message){NULL, 0};
    bool found = false;
    while (fv_wire_next(&m.at, &m.left, &field))
        if (is(&field, number, FV_WIRE_BYTES)) *out = (fv_onnx_message){field.data, field.size}, found = true;
    return found;
}

static fv_status read_port_shape(fv_onnx_reader *r, fv_onnx_message m, fv_onnx_port *port) {
    fv_wire_field field;
    port->known_rank = true;
    while (fv_wire_next(&m.at, &m.left, &field)) {
        if (!is(&field, 1, FV_WIRE_BYTES)) continue;
        if (port->shape.rank == FV_MAX_RANK) return fv_onnx_bad(r, "more than %d dimensions", FV_MAX_RANK);
        fv_onnx_message size = {field.data, field.size};
        int64_t value = FV_OPEN;
        while (fv_wire_next(&size.at, &size.left, &field))
            if (is(&field, 1, FV_WIRE_VARINT)) value = (int64_t)field.value;
        if (value < 0 && value != FV_OPEN && value != -1) return fv_onnx_bad(r, "a size of %lld", (long long)value);
        port->shape.dim[port->shape.rank++] = value < 0 ? FV_OPEN : value;
    }
    return m.left ? fv_onnx_damaged(r, "a shape") : FV_OK;
}

static fv_status read_port(fv_onnx_reader *r, fv_onnx_message m, fv_onnx_port *port) {
    fv_onnx_message type, tensor, shape;
    fv_wire_field field;
    *port = (fv_onnx_port){.name = ""};
    fv_onnx_message all = m;
    while (fv_wire_next(&m.at, &m.left, &field))
        if (is(&field, 1, FV_WIRE_BYTES)) port->name = fv_onnx_copy(r, &field);
    if (!port->name) return fv_onnx_short(r, 1);
    if (m.left) return fv_onnx_damaged(r, "an input or output of the graph");
    fv_onnx_here(r, "\"%s\"", port->name);
    fv_status status = FV_OK;
    if (inside(all, 2, &type) && inside(type, 1, &tensor)) {
        bool shaped = inside(tensor, 2, &shape);
        while (fv_wire_next(&tensor.at, &tensor.left, &field))
            if (is(&field, 1, FV_WIRE_VARINT))
                port->dtype = fv_onnx_dtype(port->type = field.value < 100 ? (int)field.value : 100);
        if (shaped) status = read_port_shape(r, shape, port);
    }
    r->where[0] = 0;
    return status;
}

/* ---- the graph -------------------------------------------------------------------------------------------------------- */

static fv_status read_tensor_list(fv_onnx_reader *r, fv_onnx_message m, fv_onnx_file *f) {
    fv_wire_field field;
    fv_status status = FV_OK;
    size_t count = (size_t)fv_onnx_count(m, 5);
    f->initializers = fv_onnx_take(r, count, sizeof *f->initializers);
    if (!f->initializers) return fv_onnx_short(r, count * sizeof *f->initializers);
    while (!status && fv_wire_next(&m.at, &m.left, &field))
        if (is(&field, 5, FV_WIRE_BYTES))
            status = fv_onnx_read_tensor(r, (fv_onnx_message){field.data, field.size},
                                         &f->initializers[f->initializer_count++]);
    return status;
}

static fv_status read_ports(fv_onnx_reader *r, fv_onnx_message m, int number, fv_onnx_port **ports, int *count) {
    fv_wire_field field;
    fv_status status = FV_OK;
    size_t room = (size_t)fv_onnx_count(m, number);
    *ports = fv_onnx_take(r, room, sizeof **ports);
    if (!*ports) return fv_onnx_short(r, room * sizeof **ports);
    while (!status && fv_wire_next(&m.at, &m.left, &field))
        if (is(&field, number, FV_WIRE_BYTES))
            status = read_port(r, (fv_onnx_message){field.data, field.size}, &(*ports)[(*count)++]);
    return status;
}

static fv_status read_nodes(fv_onnx_reader *r, fv_onnx_message m, fv_onnx_file *f) {
    fv_wire_field field;
    fv_status status = FV_OK;
    size_t count = (size_t)fv_onnx_count(m, 1);
    if (count > FV_ONNX_MOST_NODES)
        return fv_onnx_bad(r, "the graph has %zu nodes, at most %d are taken", count, FV_ONNX_MOST_NODES);
    f->nodes = fv_onnx_take(r, count, sizeof *f->nodes);
    if (!f->nodes) return fv_onnx_short(r, count * sizeof *f->nodes);
    while (!status && fv_wire_next(&m.at, &m.left, &field)) {
        if (!is(&field, 1, FV_WIRE_BYTES)) continue;
        f->nodes[f->node_count].index = f->node_count;
        status = read_node(r, (fv_onnx_message){field.data, field.size}, &f->nodes[f->node_count++]);
    }
    return status;
}

/* Old files list their weights as inputs, too. `initializers` sorted by name would pay for thousands of each; a small hash does. */
static void drop_initialized_inputs(fv_onnx_file *f) {
    int kept = 0;
    for (int i = 0; i < f->input_count; i++)
        if (fv_onnx_named(f, f->inputs[i].name) < 0) f->inputs[kept++] = f->inputs[i];
    f->input_count = kept;
}

static fv_status read_graph(fv_onnx_reader *r, fv_onnx_message m) {
    fv_onnx_file *f = r->file;
    fv_wire_field field;
    for (fv_onnx_message all = m; all.left;)
        if (!fv_wire_next(&all.at, &all.left, &field))
            return fv_onnx_damaged(r, "the graph");
        else if (is(&field, 15, FV_WIRE_BYTES))
            return fv_onnx_bad(r, "sparse weights are not supported");
    fv_status status = read_nodes(r, m, f);
    if (!status) status = read_tensor_list(r, m, f);
    if (!status) status = fv_onnx_index_names(r);
    if (!status) status = read_ports(r, m, 11, &f->inputs, &f->input_count);
    if (!status) status = read_ports(r, m, 12, &f->outputs, &f->output_count);
    if (!status) drop_initialized_inputs(f);
    return status;
}

static fv_status read_pair(fv_onnx_reader *r, fv_onnx_message m) {
    fv_onnx_pair *pair = &r->file->metadata[r->file->metadata_count++];
    *pair = (fv_onnx_pair){"", ""};
    fv_wire_field field;
    while (fv_wire_next(&m.at, &m.left, &field)) {
        if (is(&field, 1, FV_WIRE_BYTES)) pair->key = fv_onnx_copy(r, &field);
        if (is(&field, 2, FV_WIRE_BYTES)) pair->value = fv_onnx_copy(r, &field);
    }
    return pair->key && pair->value ? FV_OK : fv_onnx_short(r, 1);
}

static fv_status read_model(fv_onnx_reader *r, fv_onnx_message m) {
    fv_onnx_file *f = r->file;
    fv_onnx_message graph = {NULL, 0}, all = m;
    fv_wire_field field;
    fv_status status = FV_OK;
    size_t opsets = (size_t)fv_onnx_count(m, 8), pairs = (size_t)fv_onnx_count(m, 14);
    f->opsets = fv_onnx_take(r, opsets, sizeof *f->opsets);
    f->metadata = fv_onnx_take(r, pairs, sizeof *f->metadata);
    if (!f->opsets || !f->metadata) return fv_onnx_short(r, opsets * sizeof *f->opsets);
    while (!status && fv_wire_next(&m.at, &m.left, &field)) {
        fv_onnx_message part = {field.data, field.size};
        if (is(&field, 7, FV_WIRE_BYTES)) {
            if (graph.at) return fv_onnx_bad(r, "it has two graphs");
            graph = part;
        } else if (is(&field, 8, FV_WIRE_BYTES))
            status = read_opset(r, part);
        else if (is(&field, 14, FV_WIRE_BYTES))
            status = read_pair(r, part);
    }
    if (!status && m.left)
        return fv_onnx_bad(r, "damaged at byte %zu of %zu: no ONNX file", all.left - m.left, all.left);
    if (!status && !graph.at) return fv_onnx_bad(r, "no graph in it: no ONNX file");
    return status ? status : read_graph(r, graph);
}

/* ---- opening ------------------------------------------------------------------------------------------------------------ */

/* The first fields of a ModelProto: ir_version, then texts and numbers up to its graph or opsets. */
bool fv_onnx_is(const unsigned char *bytes, size_t size) {
    fv_onnx_message m = {bytes, size};
    fv_wire_field field;
    for (int i = 0; i < 32 && fv_wire_next(&m.at, &m.left, &field); i++) {
        if (is(&field, 7, FV_WIRE_BYTES) || is(&field, 8, FV_WIRE_BYTES)) return true;
        if (field.number > 26 || (i == 0 && field.number == 1 && field.kind != FV_WIRE_VARINT)) return false;
        if (is(&field, 1, FV_WIRE_VARINT) && (field.value < 1 || field.value > 1000)) return false;
    }
    /* cut off within its graph, it is still meant to be one; a safetensors header has '{' at byte 8 */
    return size > 2 && bytes[0] == 8 && bytes[1] >= 1 && bytes[1] < 100 && !(size > 8 && bytes[8] == '{');
}

static fv_status parse(fv_onnx_file *file, const unsigned char *bytes, size_t size, fv_error *error) {
    fv_onnx_reader r = {.file = file, .arena = file->arena, .name = file->name, .error = error};
    return read_model(&r, (fv_onnx_message){bytes, size});
}

static fv_onnx_file *new_file(const char *name, fv_error *error) {
    fv_onnx_file *file = fv_alloc(sizeof *file);
    if (file && (file->arena = fv_arena_new()) && (file->name = fv_arena_printf(file->arena, "%s", name))) return file;
    fv_onnx_file_close(file);
    return fv_fail_memory(error, "an ONNX file", sizeof *file), NULL;
}

fv_onnx_file *fv_onnx_file_parse(const unsigned char *bytes, size_t size, const char *name, const char *folder,
                                 fv_error *error) {
    fv_onnx_file *file = new_file(name, error);
    if (!file) return NULL;
    file->folder = folder ? fv_arena_printf(file->arena, "%s", folder) : NULL;
    if (!parse(file, bytes, size, error)) return file;
    return fv_onnx_file_close(file), NULL;
}

fv_onnx_file *fv_onnx_file_open(const char *path, fv_error *error) {
    fv_onnx_file *file = new_file(path, error);
    const char *slash = strrchr(path, '/');
    if (!file) return NULL;
    file->folder = slash ? fv_arena_text(file->arena, path, (size_t)(slash - path) + 1) : ".";
    if (file->folder && !fv_map_file(path, &file->map, error) && !parse(file, file->map.bytes, file->map.size, error))
        return file;
    return fv_onnx_file_close(file), NULL;
}

void fv_onnx_file_close(fv_onnx_file *file) {
    if (!file) return;
    for (int i = 0; i < file->external_count; i++) fv_unmap(&file->externals[i].map);
    fv_free(file->externals);
    fv_unmap(&file->map);
    fv_arena_free(file->arena);
    fv_free(file);
}

/* ---- looking ------------------------------------------------------------------------------------------------------------ */

const char *fv_onnx_file_name(const fv_onnx_file *f) { return f->name; }
int fv_onnx_node_count(const fv_onnx_file *f) { return f->node_count; }
const fv_onnx_node *fv_onnx_node_at(const fv_onnx_file *f, int i) { return &f->nodes[i]; }
int fv_onnx_initializer_count(const fv_onnx_file *f) { return f->initializer_count; }
const fv_onnx_tensor *fv_onnx_initializer(const fv_onnx_file *f, int i) { return &f->initializers[i]; }
int fv_onnx_input_count(const fv_onnx_file *f) { return f->input_count; }
const fv_onnx_port *fv_onnx_input(const fv_onnx_file *f, int i) { return &f->inputs[i]; }
int fv_onnx_output_count(const fv_onnx_file *f) { return f->output_count; }
const fv_onnx_port *fv_onnx_output(const fv_onnx_file *f, int i) { return &f->outputs[i]; }
int fv_onnx_metadata_count(const fv_onnx_file *f) { return f->metadata_count; }
fv_onnx_pair fv_onnx_metadata(const fv_onnx_file *f, int i) { return f->metadata[i]; }
