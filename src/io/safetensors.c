/* safetensors.c - the safetensors format: 8 bytes header length, a JSON header, then the numbers without gaps.
 * https://github.com/huggingface/safetensors#format */
#include "store.h"
#include "bytes.h"
#include "elements.h"
#include "memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_LIMIT = 100000000 }; /* the format's own bound */
static const char metadata_key[] = "__metadata__";

/* `written`: the name that we use for our own type. */
static const struct {
    const char *name;
    fv_element element;
    fv_dtype written;
} types[] = {
    {"F32", FV_EL_F32, FV_F32},      {"F64", FV_EL_F64, FV_F64},        {"I32", FV_EL_I32, FV_I32},
    {"I64", FV_EL_I64, FV_I64},      {"U8", FV_EL_U8, FV_U8},           {"BOOL", FV_EL_BOOL, FV_BOOL},
    {"F16", FV_EL_F16, FV_NO_DTYPE}, {"BF16", FV_EL_BF16, FV_NO_DTYPE}, {"I8", FV_EL_I8, FV_NO_DTYPE},
    {"I16", FV_EL_I16, FV_NO_DTYPE}, {"U16", FV_EL_U16, FV_NO_DTYPE},   {"U32", FV_EL_U32, FV_NO_DTYPE},
    {"U64", FV_EL_U64, FV_NO_DTYPE},
};
enum { TYPES = sizeof types / sizeof types[0] };

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

/* One tensor as the header claims it. */
typedef struct claim {
    const char *name; /* in the JSON */
    fv_element element;
    fv_shape shape;
    size_t count, bytes, begin, end;
} claim;

static fv_status bad(fv_error *error, const char *file, const char *tensor, const char *what) {
    return fv_fail_at(error, FV_E_FORMAT, file, 0, 0, "tensor \"%.200s\": %s", tensor, what);
}

static fv_status read_shape(const json_t *shape, const char *file, claim *c, fv_error *error) {
    if (!json_is_array(shape)) return bad(error, file, c->name, "\"shape\" is missing or no list");
    size_t rank = json_array_size(shape);
    if (rank > FV_MAX_RANK)
        return fv_fail_at(error, FV_E_UNSUPPORTED, file, 0, 0, "tensor \"%.200s\": rank %zu, at most %d is supported",
                          c->name, rank, FV_MAX_RANK);
    c->shape.rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return bad(error, file, c->name, "\"shape\" holds something other than whole numbers from 0");
        c->shape.dim[i] = json_integer_value(dim);
    }
    if (!fv_elements_claimed(c->element, &c->shape, &c->count, &c->bytes))
        return bad(error, file, c->name, "\"shape\" has too many elements");
    return FV_OK;
}

static fv_status read_claim(const char *name, const json_t *entry, const char *file, size_t data_size, claim *c,
                            fv_error *error) {
    c->name = name;
    if (!json_is_object(entry)) return bad(error, file, name, "expected an object with dtype, shape and data_offsets");
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    if (!dtype) return bad(error, file, name, "\"dtype\" is missing or no text");
    for (int i = 0; i < TYPES; i++)
        if (strcmp(types[i].name, dtype) == 0) c->element = types[i].element;
    if (c->element == FV_EL_NONE)
        return fv_fail_at(error, FV_E_UNSUPPORTED, file, 0, 0, "tensor \"%.200s\": dtype \"%.20s\" is not supported",
                          name, dtype);
    fv_status status = read_shape(json_object_get(entry, "shape"), file, c, error);
    if (status != FV_OK) return status;
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return bad(error, file, name, "\"data_offsets\" is missing or not two whole numbers");
    json_int_t from = json_integer_value(begin), to = json_integer_value(end);
    if (from < 0 || to < from || (uint64_t)to > data_size)
        return fv_fail_at(error, FV_E_FORMAT, file, 0, 0,
                          "tensor \"%.200s\": data from %lld to %lld, the file has 0 to %zu", name, (long long)from,
                          (long long)to, data_size);
    c->begin = (size_t)from;
    c->end = (size_t)to;
    if (c->bytes != c->end - c->begin)
        return fv_fail_at(error, FV_E_FORMAT, file, 0, 0,
                          "tensor \"%.200s\": %zu elements of %s do not fill its %zu bytes", name, c->count, dtype,
                          c->end - c->begin);
    if (json_object_size(entry) != 3) return bad(error, file, name, "has keys besides dtype, shape and data_offsets");
    return FV_OK;
}

static int by_begin(const void *a, const void *b) {
    const claim *x = *(claim *const *)a, *y = *(claim *const *)b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* The format has no holes and no overlaps: sorted by offset, each tensor begins where the last one ended. */
static fv_status check_layout(claim *claims, int count, size_t data_size, const char *file, fv_error *error) {
    claim **sorted = fv_alloc_array((size_t)count + 1, sizeof(claim *));
    if (!sorted) return fv_fail_memory(error, file, (size_t)count * sizeof(claim *));
    for (int i = 0; i < count; i++) sorted[i] = &claims[i];
    qsort(sorted, (size_t)count, sizeof *sorted, by_begin);
    size_t at = 0;
    fv_status status = FV_OK;
    for (int i = 0; i < count && status == FV_OK; i++) {
        if (sorted[i]->begin != at)
            status =
                fv_fail_at(error, FV_E_FORMAT, file, 0, 0, "tensor \"%.200s\" begins at %zu %s %zu", sorted[i]->name,
                           sorted[i]->begin,
                           sorted[i]->begin > at ? "and leaves a hole after" : "and overlaps the one that ends at", at);
        at = sorted[i]->end;
    }
    if (status == FV_OK && at != data_size)
        status =
            fv_fail_at(error, FV_E_FORMAT, file, 0, 0, "the tensors end at %zu, the file's data at %zu", at, data_size);
    fv_free(sorted);
    return status;
}

static fv_status read_metadata(fv_store *store, json_t *metadata, const char *file, fv_error *error) {
    if (!json_is_object(metadata))
        return fv_fail_at(error, FV_E_FORMAT, file, 0, 0, "\"%s\" is no object", metadata_key);
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return fv_fail_at(error, FV_E_FORMAT, file, 0, 0, "\"%s\": \"%.200s\" is no text", metadata_key, key);
        fv_status status = fv_store_set_note(store, key, json_string_value(value), error);
        if (status != FV_OK) return status;
    }
    return FV_OK;
}

/* Our types are used where they lie if they lie evenly; others are converted into memory of the store. */
static fv_status add_tensor(fv_store *store, const claim *c, const unsigned char *data, const char *file,
                            fv_error *error) {
    fv_tensor tensor = {.dtype = fv_element_dtype(c->element), .shape = c->shape};
    size_t size = fv_dtype_size(tensor.dtype), bytes;
    const unsigned char *in = data + c->begin;
    bool ours = fv_element_size(c->element) == size && c->element != FV_EL_BOOL && c->element != FV_EL_U64;
    if (ours && (uintptr_t)in % size == 0) {
        tensor.data = (void *)in; /* memory of the store (or lent to it): written to only by its owner */
        return fv_store_add(store, c->name, tensor, error);
    }
    if (!fv_mul_size(c->count, size, &bytes)) return bad(error, file, c->name, "too large");
    tensor.data = fv_alloc(bytes ? bytes : 1);
    if (!tensor.data) return fv_fail_memory(error, c->name, bytes);
    fv_status status = fv_store_keep(store, tensor.data, error);
    if (status != FV_OK) {
        fv_free(tensor.data);
        return status;
    }
    if (!fv_elements_convert(c->element, false, in, c->count, tensor.data))
        return bad(error, file, c->name, "a value is out of range");
    return fv_store_add(store, c->name, tensor, error);
}

static fv_status read_header(fv_store *store, json_t *header, const unsigned char *data, size_t data_size,
                             const char *file, fv_error *error) {
    size_t entries = json_object_size(header);
    claim *claims = fv_alloc_array(entries + 1, sizeof *claims);
    if (!claims) return fv_fail_memory(error, file, entries * sizeof *claims);
    int count = 0;
    fv_status status = FV_OK;
    const char *name;
    json_t *entry;
    json_object_foreach(header, name, entry) {
        if (strcmp(name, metadata_key) == 0)
            status = read_metadata(store, entry, file, error);
        else
            status = read_claim(name, entry, file, data_size, &claims[count++], error);
        if (status != FV_OK) break;
    }
    if (status == FV_OK) status = check_layout(claims, count, data_size, file, error);
    for (int i = 0; i < count && status == FV_OK; i++) status = add_tensor(store, &claims[i], data, file, error);
    fv_free(claims);
    return status;
}

fv_store *fv_safetensors_parse(const unsigned char *bytes, size_t size, const char *name, fv_error *error) {
    uint64_t length = 0;
    for (size_t i = 0; i < 8 && i < size; i++) length |= (uint64_t)bytes[i] << 8 * i;
    if (size < 8 || length > size - 8 || length > HEADER_LIMIT || length < 2 || bytes[8] != '{') {
        fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "is no safetensors file: %s (%zu bytes)",
                   size < 8            ? "too short"
                   : length > size - 8 ? "its header would be longer than the file"
                                       : "its header is not JSON",
                   size);
        return NULL;
    }
    json_error_t where;
    json_t *header = json_loadb((const char *)bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, &where);
    if (!header) {
        fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "header is not proper JSON: %s (byte %d)", where.text,
                   where.position);
        return NULL;
    }
    fv_store *store = fv_store_new();
    fv_status status = store ? FV_OK : fv_fail_memory(error, name, sizeof *header);
    if (status == FV_OK)
        status = read_header(store, header, bytes + 8 + length, size - 8 - (size_t)length, name, error);
    json_decref(header);
    if (status == FV_OK) return store;
    fv_store_free(store);
    return NULL;
}

fv_store *fv_safetensors_read(const char *path, fv_error *error) {
    unsigned char *bytes;
    size_t size;
    if (fv_read_raw_bytes(path, SIZE_MAX / 4, &bytes, &size, error) != FV_OK) return NULL;
    fv_store *store = fv_safetensors_parse(bytes, size, path, error);
    if (store && fv_store_keep(store, bytes, error) == FV_OK) return store;
    fv_store_free(store);
    fv_free(bytes);
    return NULL;
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

static const char *written_name(fv_dtype dtype) {
    for (int i = 0; i < TYPES; i++)
        if (types[i].written == dtype && dtype != FV_NO_DTYPE) return types[i].name;
    return NULL;
}

static json_t *describe(const fv_tensor *tensor, size_t begin, size_t end) {
    json_t *shape = json_array();
    for (int d = 0; d < tensor->shape.rank; d++)
        json_array_append_new(shape, json_integer((json_int_t)tensor->shape.dim[d]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", written_name(tensor->dtype), "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)end);
}

/* Wide types first, so that every tensor lies at a multiple of its element's size. Fills the header and the parts. */
static fv_status lay_out(const fv_store *store, json_t *header, fv_part *parts, int *part_count, fv_error *error) {
    size_t at = 0;
    for (size_t width = 8; width > 0; width /= 2) {
        for (int i = 0; i < fv_store_count(store); i++) {
            fv_tensor tensor = fv_store_tensor(store, i);
            size_t bytes = fv_dtype_size(tensor.dtype);
            const char *name = fv_store_name(store, i);
            if (!written_name(tensor.dtype) || strcmp(name, metadata_key) == 0)
                return fv_fail(error, FV_E_ARGUMENT,
                               "tensor \"%.200s\" cannot be written: no name or dtype for a safetensors file", name);
            if (bytes != width) continue;
            for (int d = 0; d < tensor.shape.rank; d++)
                if (tensor.shape.dim[d] < 0 || !fv_mul_size(bytes, (size_t)tensor.shape.dim[d], &bytes))
                    return fv_fail(error, FV_E_SHAPE, "tensor \"%.200s\" has a bad shape", name);
            parts[(*part_count)++] = (fv_part){tensor.data, bytes};
            if (json_object_set_new(header, name, describe(&tensor, at, at + bytes)) != 0)
                return fv_fail(error, FV_E_ARGUMENT, "tensor \"%.200s\": the name is not UTF-8, or memory is short",
                               name);
            at += bytes;
        }
    }
    return FV_OK;
}

static fv_status describe_notes(const fv_store *store, json_t *header, fv_error *error) {
    if (fv_store_note_count(store) == 0) return FV_OK;
    json_t *notes = json_object();
    for (int i = 0; i < fv_store_note_count(store); i++) {
        const char *key = fv_store_note_key(store, i);
        if (json_object_set_new(notes, key, json_string(fv_store_note(store, key))) != 0) {
            json_decref(notes);
            return fv_fail(error, FV_E_ARGUMENT, "note \"%.200s\" is not UTF-8, or memory is short", key);
        }
    }
    return json_object_set_new(header, metadata_key, notes) == 0 ? FV_OK : fv_fail_memory(error, "the notes", 0);
}

/* Header length, header padded with spaces to a multiple of 8, then the tensors. */
static fv_status write_parts(const char *path, const char *previous, json_t *header, fv_part *parts, int count,
                             fv_error *error) {
    char *text = json_dumps(header, JSON_COMPACT);
    if (!text) return fv_fail_memory(error, "the header of a safetensors file", 0);
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    unsigned char size_bytes[8];
    for (size_t i = 0; i < 8; i++) size_bytes[i] = (unsigned char)((uint64_t)padded >> 8 * i);
    parts[0] = (fv_part){size_bytes, 8};
    parts[1] = (fv_part){text, length};
    parts[2] = (fv_part){"        ", padded - length};
    fv_status status = padded > HEADER_LIMIT ? fv_fail_at(error, FV_E_UNSUPPORTED, path, 0, 0,
                                                          "names and notes exceed the format's 100 MB")
                                             : fv_replace_bytes(path, previous, parts, count, error);
    free(text); /* jansson's */
    return status;
}

fv_status fv_safetensors_write(const fv_store *store, const char *path, fv_error *error) {
    return fv_safetensors_replace(store, path, NULL, error);
}

fv_status fv_safetensors_replace(const fv_store *store, const char *path, const char *previous, fv_error *error) {
    fv_part *parts = fv_alloc_array((size_t)fv_store_count(store) + 3, sizeof *parts);
    json_t *header = json_object();
    int count = 3;
    fv_status status = parts && header ? FV_OK : fv_fail_memory(error, "the header of a safetensors file", 0);
    if (status == FV_OK) status = describe_notes(store, header, error);
    if (status == FV_OK) status = lay_out(store, header, parts, &count, error);
    if (status == FV_OK) status = write_parts(path, previous, header, parts, count, error);
    json_decref(header);
    fv_free(parts);
    return status;
}
