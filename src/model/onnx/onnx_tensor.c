/* onnx_tensor.c - TensorProto: elements as raw bytes, in typed lists, or in another file. */
#include "onnx_parse.h"

#include <string.h>

#include "elements.h"
#include "hash.h"

/* ---- types -------------------------------------------------------------------------------------------------------- */

static const struct {
    int64_t number; /* TensorProto.DataType */
    fv_element element;
    const char *name;
    int list, width; /* the typed field for it, and how wide its numbers are there (0: varint) */
} types[] = {
    {1, FV_EL_F32, "float", 4, 4},      {2, FV_EL_U8, "uint8", 5, 0},     {3, FV_EL_I8, "int8", 5, 0},
    {4, FV_EL_U16, "uint16", 5, 0},     {5, FV_EL_I16, "int16", 5, 0},    {6, FV_EL_I32, "int32", 5, 0},
    {7, FV_EL_I64, "int64", 7, 0},      {9, FV_EL_BOOL, "bool", 5, 0},    {10, FV_EL_F16, "float16", 5, 0},
    {11, FV_EL_F64, "double", 10, 8},   {12, FV_EL_U32, "uint32", 11, 0}, {13, FV_EL_U64, "uint64", 11, 0},
    {16, FV_EL_BF16, "bfloat16", 5, 0},
};
enum { TYPES = sizeof types / sizeof types[0], RAW = 9 };

static int find_type(int64_t number) {
    int i = 0;
    while (i < TYPES && types[i].number != number) i++;
    return i;
}

const char *fv_onnx_type_name(int64_t type) {
    int i = find_type(type);
    return i < TYPES ? types[i].name : "a type that this program lacks";
}

fv_dtype fv_onnx_dtype(int64_t type) {
    int i = find_type(type);
    fv_dtype dtype = i < TYPES ? fv_element_dtype(types[i].element) : FV_NO_DTYPE;
    return dtype == FV_F64 ? FV_F32 : dtype;
}

/* ---- numbers -------------------------------------------------------------------------------------------------------- */

/* Counts (out NULL) or reads what one field holds. */
static bool take_numbers(const fv_wire_field *field, int width, size_t *count, uint64_t *out) {
    fv_wire_kind alone = width == 0 ? FV_WIRE_VARINT : width == 4 ? FV_WIRE_FIXED32 : FV_WIRE_FIXED64;
    if (field->kind == alone) {
        if (out) out[*count] = field->value;
        ++*count;
        return true;
    }
    if (field->kind != FV_WIRE_BYTES) return false;
    const unsigned char *at = field->data, *end = at + field->size;
    if (width && field->size % (size_t)width) return false;
    while (at < end) {
        uint64_t value = 0;
        if (width)
            memcpy(&value, at, (size_t)width), at += width; /* little-endian, as we are (elements.c) */
        else
            for (int shift = 0;; shift += 7) {
                if (at == end || shift > 63 || (shift == 63 && *at > 1)) return false;
                value |= (uint64_t)(*at & 127) << shift;
                if (*at++ < 128) break;
            }
        if (out) out[*count] = value;
        ++*count;
    }
    return true;
}

bool fv_onnx_count_numbers(fv_onnx_message m, int number, int width, size_t *count) {
    fv_wire_field field;
    *count = 0;
    while (fv_wire_next(&m.at, &m.left, &field))
        if (field.number == number && !take_numbers(&field, width, count, NULL)) return false;
    return m.left == 0;
}

void fv_onnx_read_numbers(fv_onnx_message m, int number, int width, uint64_t *out) {
    fv_wire_field field;
    size_t count = 0;
    while (fv_wire_next(&m.at, &m.left, &field))
        if (field.number == number) take_numbers(&field, width, &count, out);
}

/* ---- external data -------------------------------------------------------------------------------------------------- */

static fv_status map_external(fv_onnx_reader *r, const char *name, const fv_mapping **out) {
    fv_onnx_file *f = r->file;
    fv_error reason = {0};
    for (int i = 0; f && i < f->external_count; i++)
        if (!strcmp(f->externals[i].name, name)) return *out = &f->externals[i].map, FV_OK;
    if (!f || !f->folder) return fv_onnx_bad(r, "its data lie in another file, which cannot be had here");
    if (!fv_grow((void **)&f->externals, &f->external_capacity, f->external_count, sizeof *f->externals))
        return fv_onnx_short(r, sizeof *f->externals);
    fv_onnx_external *external = &f->externals[f->external_count];
    *external = (fv_onnx_external){.name = name};
    char shown[200];
    fv_escape(name, shown, sizeof shown);
    if (fv_map_below(f->folder, name, &external->map, &reason))
        return fv_onnx_bad(r, "external data: %s", reason.message);
    f->external_count++;
    *out = &external->map;
    return FV_OK;
}

typedef struct external_place {
    const char *location;
    int64_t offset, length; /* -1: all that follows */
} external_place;

static fv_status read_external_pair(fv_onnx_reader *r, fv_onnx_message m, external_place *place) {
    const char *key = "", *value = "";
    fv_wire_field field;
    while (fv_wire_next(&m.at, &m.left, &field)) {
        if (field.number == 1) key = fv_onnx_copy(r, &field);
        if (field.number == 2) value = fv_onnx_copy(r, &field);
    }
    if (!key || !value || m.left) return fv_onnx_damaged(r, "external data");
    if (!strcmp(key, "location")) place->location = value;
    bool good = true;
    if (!strcmp(key, "offset")) good = fv_parse_i64(value, &place->offset) && place->offset >= 0;
    if (!strcmp(key, "length")) good = fv_parse_i64(value, &place->length) && place->length >= 0;
    return good ? FV_OK : fv_onnx_bad(r, "external data: %s \"%.40s\" is no size", key, value);
}

static fv_status read_external(fv_onnx_reader *r, fv_onnx_message m, size_t bytes, fv_onnx_tensor *t) {
    external_place place = {NULL, 0, -1};
    fv_wire_field field;
    fv_status status = FV_OK;
    const fv_mapping *map = NULL;
    while (!status && fv_wire_next(&m.at, &m.left, &field))
        if (field.number == 13 && field.kind == FV_WIRE_BYTES)
            status = read_external_pair(r, (fv_onnx_message){field.data, field.size}, &place);
    if (status) return status;
    if (!place.location) return fv_onnx_bad(r, "external data: no location");
    if ((status = map_external(r, place.location, &map))) return status;
    if (place.length >= 0 && (size_t)place.length != bytes)
        return fv_onnx_bad(r, "external data: it needs %zu bytes, the length is %lld", bytes, (long long)place.length);
    if ((uint64_t)place.offset > map->size || map->size - (size_t)place.offset < bytes)
        return fv_onnx_bad(r, "external data: %zu bytes from %lld on do not lie within the file's %zu", bytes,
                           (long long)place.offset, map->size);
    t->bytes = map->bytes + place.offset;
    return FV_OK;
}

/* ---- tensors ---------------------------------------------------------------------------------------------------------- */

typedef struct tensor_parts {
    int64_t type;
    bool external, segmented, has_raw;
    fv_onnx_message raw;
} tensor_parts;

static fv_status read_head(fv_onnx_reader *r, fv_onnx_message m, fv_onnx_tensor *t, tensor_parts *parts) {
    fv_wire_field field;
    fv_onnx_message all = m;
    *t = (fv_onnx_tensor){.name = ""};
    while (fv_wire_next(&m.at, &m.left, &field)) {
        if (field.number == 2 && field.kind == FV_WIRE_VARINT) parts->type = (int64_t)field.value;
        if (field.number == 3) parts->segmented = true;
        if (field.number == 8 && field.kind == FV_WIRE_BYTES) t->name = fv_onnx_copy(r, &field);
        if (field.number == RAW && field.kind == FV_WIRE_BYTES)
            parts->raw = (fv_onnx_message){field.data, field.size}, parts->has_raw = true;
        if (field.number == 14 && field.kind == FV_WIRE_VARINT) parts->external = field.value == 1;
    }
    if (!t->name) return fv_onnx_short(r, 1);
    if (!*r->where) fv_onnx_here(r, "tensor \"%s\"", t->name);
    if (m.left) return fv_onnx_damaged(r, "a tensor");
    if (parts->segmented) return fv_onnx_bad(r, "a tensor in segments");
    size_t rank;
    uint64_t dims[FV_MAX_RANK];
    if (!fv_onnx_count_numbers(all, 1, 0, &rank)) return fv_onnx_damaged(r, "a tensor's shape");
    if (rank > FV_MAX_RANK) return fv_onnx_bad(r, "%zu dimensions, at most %d are taken", rank, FV_MAX_RANK);
    fv_onnx_read_numbers(all, 1, 0, dims);
    t->shape.rank = (int)rank;
    for (int d = 0; d < t->shape.rank; d++) t->shape.dim[d] = (int64_t)dims[d];
    return FV_OK;
}

/* Elements that stand in a list of their own become what raw bytes would be; those that are so already stay where they are. */
static fv_status read_list(fv_onnx_reader *r, fv_onnx_message m, int type, fv_onnx_tensor *t) {
    size_t size = fv_element_size(types[type].element), count;
    fv_onnx_message all = m;
    fv_wire_field field;
    if (types[type].width && (size_t)types[type].width == size)
        while (fv_wire_next(&m.at, &m.left, &field))
            if (field.number == types[type].list && field.kind == FV_WIRE_BYTES && field.size == t->count * size)
                return t->bytes = field.data, FV_OK;
    if (!fv_onnx_count_numbers(all, types[type].list, types[type].width, &count))
        return fv_onnx_damaged(r, "a tensor's list of elements");
    if (count != t->count) return fv_onnx_bad(r, "it needs %zu elements, there are %zu", t->count, count);
    uint64_t *numbers = fv_alloc_array(count ? count : 1, sizeof *numbers);
    unsigned char *bytes = fv_onnx_take(r, count, size);
    if (numbers && bytes) {
        fv_onnx_read_numbers(all, types[type].list, types[type].width, numbers);
        for (size_t i = 0; i < count; i++) memcpy(bytes + i * size, &numbers[i], size);
    }
    t->bytes = bytes;
    fv_free(numbers);
    return numbers && bytes ? FV_OK : fv_onnx_short(r, count * sizeof *numbers);
}

static fv_status read_elements(fv_onnx_reader *r, fv_onnx_message m, const tensor_parts *parts, fv_onnx_tensor *t) {
    size_t bytes;
    char shape[128];
    int type = find_type(parts->type);
    if (!fv_elements_claimed(type < TYPES ? types[type].element : FV_EL_U8, &t->shape, &t->count, &bytes))
        return fv_onnx_bad(r, "a tensor cannot be %s", fv_shape_text(&t->shape, shape, sizeof shape));
    if (type == TYPES) return FV_OK; /* refused where somebody needs it */
    if (parts->external) return read_external(r, m, bytes, t);
    if (!parts->has_raw) return read_list(r, m, type, t);
    if (parts->raw.left != bytes)
        return fv_onnx_bad(r, "%s %s needs %zu bytes, there are %zu", types[type].name,
                           fv_shape_text(&t->shape, shape, sizeof shape), bytes, parts->raw.left);
    t->bytes = parts->raw.at;
    return FV_OK;
}

fv_status fv_onnx_read_tensor(fv_onnx_reader *r, fv_onnx_message m, fv_onnx_tensor *out) {
    tensor_parts parts = {0};
    bool named = *r->where;
    fv_status status = read_head(r, m, out, &parts);
    out->type = parts.type >= 0 && parts.type < 100 ? (int)parts.type : 100;
    out->dtype = fv_onnx_dtype(parts.type);
    if (!status) status = read_elements(r, m, &parts, out);
    if (!named) r->where[0] = 0;
    return status;
}

static fv_status check_readable(const fv_onnx_tensor *t, fv_error *error) {
    if (t->dtype != FV_NO_DTYPE && (t->bytes || !t->count)) return FV_OK;
    return fv_fail(error, FV_E_UNSUPPORTED, "tensor \"%.80s\" is of a type that this program lacks", t->name);
}

fv_status fv_onnx_tensor_read(const fv_onnx_tensor *t, void *out, fv_error *error) {
    fv_status status = check_readable(t, error);
    if (status) return status;
    fv_element element = types[find_type(t->type)].element;
    if (element == FV_EL_F64) {
        for (size_t i = 0; i < t->count; i++) {
            double value;
            memcpy(&value, t->bytes + i * sizeof value, sizeof value);
            ((float *)out)[i] = (float)value;
        }
        return FV_OK;
    }
    if (fv_elements_convert(element, false, t->bytes, t->count, out)) return FV_OK;
    return fv_fail(error, FV_E_FORMAT, "tensor \"%.80s\": an element is out of its type's range", t->name);
}

fv_status fv_onnx_tensor_parse(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out,
                               fv_error *error) {
    fv_onnx_reader r = {.arena = fv_arena_new(), .name = name, .error = error};
    fv_onnx_tensor t;
    if (!r.arena) return fv_fail_memory(error, "a tensor", 1);
    *out = (fv_tensor){0};
    fv_status status = fv_onnx_read_tensor(&r, (fv_onnx_message){bytes, size}, &t);
    if (!status) status = check_readable(&t, error); /* before memory for what it claims */
    if (!status) {
        out->dtype = t.dtype;
        out->shape = t.shape;
        size_t room = t.count * fv_dtype_size(out->dtype);
        out->data = fv_alloc(room ? room : 1);
        status = out->data ? fv_onnx_tensor_read(&t, out->data, error) : fv_fail_memory(error, "a tensor", room);
        if (status) fv_free(out->data), out->data = NULL;
    }
    fv_arena_free(r.arena);
    return status;
}

/* ---- initializers by name --------------------------------------------------------------------------------------------- */

static int *slot_of(const fv_onnx_file *f, const char *name) {
    size_t i = (size_t)fv_hash_text(name) & (f->slot_count - 1);
    while (f->slots[i] && strcmp(f->initializers[f->slots[i] - 1].name, name)) i = (i + 1) & (f->slot_count - 1);
    return &f->slots[i];
}

fv_status fv_onnx_index_names(fv_onnx_reader *r) {
    fv_onnx_file *f = r->file;
    f->slot_count = 8;
    while (f->slot_count < 2 * (size_t)f->initializer_count + 1) f->slot_count *= 2;
    f->slots = fv_onnx_take(r, f->slot_count, sizeof *f->slots);
    if (!f->slots) return fv_onnx_short(r, f->slot_count * sizeof *f->slots);
    for (int i = 0; i < f->initializer_count; i++) {
        int *slot = slot_of(f, f->initializers[i].name);
        if (*slot) return fv_onnx_bad(r, "two initializers are called \"%.80s\"", f->initializers[i].name);
        *slot = i + 1;
    }
    return FV_OK;
}

int fv_onnx_named(const fv_onnx_file *f, const char *name) { return f->slots ? *slot_of(f, name) - 1 : -1; }

/* ---- attributes of a node --------------------------------------------------------------------------------------------- */

const fv_onnx_attribute *fv_onnx_find(const fv_onnx_node *node, const char *name) {
    for (int i = 0; i < node->attribute_count; i++)
        if (!strcmp(node->attributes[i].name, name)) return &node->attributes[i];
    return NULL;
}

static const fv_onnx_attribute *of_kind(const fv_onnx_node *node, const char *name, fv_onnx_kind kind) {
    const fv_onnx_attribute *a = fv_onnx_find(node, name);
    return a && a->kind == kind ? a : NULL;
}

int64_t fv_onnx_int(const fv_onnx_node *node, const char *name, int64_t standard) {
    const fv_onnx_attribute *a = of_kind(node, name, FV_ONNX_INT);
    return a ? a->whole : standard;
}

double fv_onnx_float(const fv_onnx_node *node, const char *name, double standard) {
    const fv_onnx_attribute *a = of_kind(node, name, FV_ONNX_FLOAT);
    return a ? a->number : standard;
}

const char *fv_onnx_text(const fv_onnx_node *node, const char *name, const char *standard) {
    const fv_onnx_attribute *a = of_kind(node, name, FV_ONNX_TEXT);
    return a ? a->text : standard;
}

const fv_onnx_tensor *fv_onnx_tensor_of(const fv_onnx_node *node, const char *name) {
    const fv_onnx_attribute *a = of_kind(node, name, FV_ONNX_TENSOR);
    return a ? a->tensor : NULL;
}

const int64_t *fv_onnx_ints(const fv_onnx_node *node, const char *name, int *count) {
    const fv_onnx_attribute *a = of_kind(node, name, FV_ONNX_INTS);
    *count = a ? a->count : 0;
    return a ? a->wholes : NULL;
}

const double *fv_onnx_floats(const fv_onnx_node *node, const char *name, int *count) {
    const fv_onnx_attribute *a = of_kind(node, name, FV_ONNX_FLOATS);
    *count = a ? a->count : 0;
    return a ? a->numbers : NULL;
}
