/* npy.c - NumPy's array file: magic, version, a Python dictionary as text, the numbers.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#include "store.h"
#include "bytes.h"
#include "elements.h"
#include "memory.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* `code` as in '<f4' without the byte order; `written`: what we use for our own type. */
static const struct {
    const char *code;
    fv_element element;
    fv_dtype written;
} types[] = {
    {"f4", FV_EL_F32, FV_F32},      {"f8", FV_EL_F64, FV_F64},      {"i4", FV_EL_I32, FV_I32},
    {"i8", FV_EL_I64, FV_I64},      {"u1", FV_EL_U8, FV_U8},        {"b1", FV_EL_BOOL, FV_BOOL},
    {"f2", FV_EL_F16, FV_NO_DTYPE}, {"i1", FV_EL_I8, FV_NO_DTYPE},  {"i2", FV_EL_I16, FV_NO_DTYPE},
    {"u2", FV_EL_U16, FV_NO_DTYPE}, {"u4", FV_EL_U32, FV_NO_DTYPE}, {"u8", FV_EL_U64, FV_NO_DTYPE},
};
enum { TYPES = sizeof types / sizeof types[0] };

/* ---- the header's dictionary --------------------------------------------------------------------------------------
 */

typedef struct header {
    char descr[16];
    bool fortran, has_descr, has_order, has_shape;
    fv_shape shape;
} header;

/* A place in the text, which ends at `end`. */
typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_space(cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r')) c->at++;
}

static bool take(cursor *c, char sign) {
    skip_space(c);
    if (c->at == c->end || *c->at != sign) return false;
    c->at++;
    return true;
}

static bool take_word(cursor *c, const char *word) {
    size_t length = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0) return false;
    c->at += length;
    return true;
}

/* 'text' or "text" without escapes, shorter than `size` */
static bool take_text(cursor *c, char *out, size_t size) {
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return false;
    char quote = *c->at++;
    size_t length = 0;
    while (c->at < c->end && *c->at != quote) {
        if (length + 1 >= size || *c->at == '\\') return false;
        out[length++] = *c->at++;
    }
    out[length] = 0;
    return c->at++ < c->end;
}

static bool take_number(cursor *c, int64_t *out) {
    skip_space(c);
    const char *start = c->at;
    for (*out = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
        if (!fv_mul_i64(*out, 10, out) || !fv_add_i64(*out, *c->at - '0', out)) return false;
    return c->at > start;
}

/* (), (3,) or (3, 4) */
static bool take_shape(cursor *c, fv_shape *shape) {
    if (!take(c, '(')) return false;
    while (!take(c, ')')) {
        if (shape->rank == FV_MAX_RANK || !take_number(c, &shape->dim[shape->rank])) return false;
        shape->rank++;
        if (!take(c, ',')) return take(c, ')') && shape->rank > 1;
    }
    return true;
}

static bool take_entry(cursor *c, header *h) {
    char key[16];
    if (!take_text(c, key, sizeof key) || !take(c, ':')) return false;
    if (strcmp(key, "descr") == 0 && !h->has_descr) return h->has_descr = take_text(c, h->descr, sizeof h->descr);
    if (strcmp(key, "shape") == 0 && !h->has_shape) return h->has_shape = take_shape(c, &h->shape);
    if (strcmp(key, "fortran_order") != 0 || h->has_order) return false;
    h->fortran = take_word(c, "True");
    return h->has_order = h->fortran || take_word(c, "False");
}

static bool parse_header(const char *text, size_t length, header *h) {
    cursor c = {text, text + length};
    if (!take(&c, '{')) return false;
    while (!take(&c, '}')) {
        if (!take_entry(&c, h)) return false;
        if (!take(&c, ',')) {
            if (!take(&c, '}')) return false;
            break;
        }
    }
    skip_space(&c);
    return c.at == c.end && h->has_descr && h->has_order && h->has_shape;
}

/* '<f4', '>i2', '|u1'; false when it is no such type */
static bool parse_descr(const char *descr, fv_element *element, bool *big_endian) {
    if (!descr[0] || !strchr("<>|=", descr[0])) return false;
    *big_endian = descr[0] == '>';
    for (int i = 0; i < TYPES; i++)
        if (strcmp(types[i].code, descr + 1) == 0) {
            *element = types[i].element;
            return descr[0] != '|' || fv_element_size(*element) == 1;
        }
    return false;
}

/* ---- the numbers --------------------------------------------------------------------------------------------------
 */

/* From column-major to row-major: walks the output in order and keeps the input's place. */
static void from_fortran(const fv_shape *shape, size_t each, const char *in, char *out, size_t count) {
    size_t stride[FV_MAX_RANK], place = 0, step = 1;
    int64_t at[FV_MAX_RANK] = {0};
    for (int d = 0; d < shape->rank; d++) {
        stride[d] = step;
        step *= (size_t)shape->dim[d];
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(out + i * each, in + place * each, each);
        for (int d = shape->rank - 1; d >= 0; d--) {
            place += stride[d];
            if (++at[d] < shape->dim[d]) break;
            place -= stride[d] * (size_t)shape->dim[d];
            at[d] = 0;
        }
    }
}

static fv_status read_numbers(const header *h, fv_element element, bool big_endian, const unsigned char *in,
                              size_t count, const char *name, fv_tensor *out, fv_error *error) {
    fv_tensor tensor = {.dtype = fv_element_dtype(element), .shape = h->shape};
    size_t each = fv_dtype_size(tensor.dtype), bytes;
    if (!fv_mul_size(count, each, &bytes)) return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "the array is too large");
    tensor.data = fv_alloc(bytes ? bytes : 1);
    if (!tensor.data) return fv_fail_memory(error, name, bytes);
    if (!fv_elements_convert(element, big_endian, in, count, tensor.data)) {
        fv_free(tensor.data);
        return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "the array ('%s') holds a value out of range", h->descr);
    }
    if (h->fortran && h->shape.rank > 1 && count > 1) {
        char *rows = fv_alloc(bytes);
        if (!rows) {
            fv_free(tensor.data);
            return fv_fail_memory(error, name, bytes);
        }
        from_fortran(&h->shape, each, tensor.data, rows, count);
        fv_free(tensor.data);
        tensor.data = rows;
    }
    *out = tensor;
    return FV_OK;
}

fv_status fv_npy_parse(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out, fv_error *error) {
    if (size < 10 || memcmp(bytes, magic, sizeof magic) != 0)
        return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "is no NPY file");
    int version = bytes[6];
    if (version < 1 || version > 3 || bytes[7] != 0)
        return fv_fail_at(error, FV_E_UNSUPPORTED, name, 0, 0, "NPY version %d.%d, expected 1.0, 2.0 or 3.0", version,
                          bytes[7]);
    size_t start = version == 1 ? 10 : 12, length = 0;
    for (size_t i = 8; i < start && i < size; i++) length |= (size_t)bytes[i] << 8 * (i - 8);
    if (size < start || length > size - start)
        return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "truncated: the header is longer than the file");
    header h = {0};
    if (!parse_header((const char *)bytes + start, length, &h))
        return fv_fail_at(error, FV_E_FORMAT, name, 0, 0,
                          "damaged header: expected descr, fortran_order and shape (rank up to %d)", FV_MAX_RANK);
    fv_element element;
    bool big_endian;
    if (!parse_descr(h.descr, &element, &big_endian))
        return fv_fail_at(error, FV_E_UNSUPPORTED, name, 0, 0,
                          "arrays of '%s' are not supported (numbers and bool are)", h.descr);
    size_t count, expected, got = size - start - length;
    bool fits = fv_elements_claimed(element, &h.shape, &count, &expected);
    if (!fits || expected != got)
        return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "the header claims %zu bytes of numbers, the file has %zu",
                          fits ? expected : SIZE_MAX, got);
    return read_numbers(&h, element, big_endian, bytes + start + length, count, name, out, error);
}

fv_status fv_npy_read(const char *path, fv_tensor *out, fv_error *error) {
    unsigned char *bytes;
    size_t size;
    fv_status status = fv_read_bytes(path, SIZE_MAX / 4, &bytes, &size, error);
    if (status != FV_OK) return status;
    status = fv_npy_parse(bytes, size, path, out, error);
    fv_free(bytes);
    return status;
}

/* Version 1.0; the header ends in a newline and is padded so that the numbers begin at a multiple of 64. */
fv_status fv_npy_write(const char *path, const fv_tensor *tensor, fv_error *error) {
    const char *code = NULL;
    for (int i = 0; i < TYPES; i++)
        if (types[i].written == tensor->dtype && tensor->dtype != FV_NO_DTYPE) code = types[i].code;
    size_t bytes = fv_dtype_size(tensor->dtype);
    bool good = code && tensor->shape.rank >= 0 && tensor->shape.rank <= FV_MAX_RANK;
    for (int d = 0; good && d < tensor->shape.rank; d++)
        good = tensor->shape.dim[d] >= 0 && fv_mul_size(bytes, (size_t)tensor->shape.dim[d], &bytes);
    if (!good)
        return fv_fail_at(error, FV_E_ARGUMENT, path, 0, 0,
                          "cannot write a tensor without a dtype or with a bad shape");
    fv_text text = {0};
    fv_text_printf(&text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                   fv_dtype_size(tensor->dtype) == 1 ? '|' : '<', code);
    for (int d = 0; d < tensor->shape.rank; d++)
        fv_text_printf(&text, "%s%lld", d ? ", " : "", (long long)tensor->shape.dim[d]);
    if (tensor->shape.rank == 1) fv_text_add(&text, ",");
    fv_text_add(&text, "), }");
    while (!text.failed && (10 + text.length + 1) % 64 != 0) fv_text_add(&text, " ");
    fv_text_add(&text, "\n");
    unsigned char start[10] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(text.length & 255), (unsigned char)(text.length >> 8)};
    fv_part parts[] = {{start, sizeof start}, {text.data, text.length}, {tensor->data, bytes}};
    fv_status status = text.failed ? fv_fail_memory(error, path, 256) : fv_write_bytes(path, parts, 3, error);
    fv_text_free(&text);
    return status;
}
