/* wire.c - Protocol Buffers' wire format, written and read. */
#include "wire.h"

#include <string.h>

#include "memory.h"

enum { LAST_FIELD = 536870911 }; /* 2^29 - 1 */

void fv_wire_free(fv_wire *wire) {
    fv_free(wire->data);
    memset(wire, 0, sizeof *wire);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* Makes room for so many more bytes; NULL when memory ran short. */
static unsigned char *room(fv_wire *wire, size_t size) {
    size_t needed;
    if (wire->failed || !fv_add_size(wire->size, size, &needed)) return wire->failed = true, NULL;
    if (needed > wire->capacity) {
        size_t capacity = wire->capacity ? wire->capacity : 256;
        while (capacity < needed)
            if (!fv_mul_size(capacity, 2, &capacity)) return wire->failed = true, NULL;
        unsigned char *more = fv_realloc(wire->data, capacity);
        if (!more) return wire->failed = true, NULL;
        wire->data = more;
        wire->capacity = capacity;
    }
    unsigned char *at = wire->data + wire->size;
    wire->size = needed;
    return at;
}

static void add(fv_wire *wire, const void *data, size_t size) {
    unsigned char *at = size ? room(wire, size) : NULL;
    if (at) memcpy(at, data, size);
}

/* Seven bits a byte, the lowest first; the top bit says that more follow. */
static size_t encode_varint(uint64_t value, unsigned char out[10]) {
    size_t n = 0;
    for (; value > 127; value >>= 7) out[n++] = (unsigned char)(value | 128);
    out[n++] = (unsigned char)value;
    return n;
}

static void add_varint(fv_wire *wire, uint64_t value) {
    unsigned char bytes[10];
    add(wire, bytes, encode_varint(value, bytes));
}

static void add_key(fv_wire *wire, int field, fv_wire_kind kind) {
    add_varint(wire, (uint64_t)field << 3 | (uint64_t)kind);
}

static void put_little(uint64_t value, unsigned char *out, int bytes) {
    for (int i = 0; i < bytes; i++) out[i] = (unsigned char)(value >> 8 * i);
}

static void add_little(fv_wire *wire, uint64_t value, int bytes) {
    unsigned char out[8];
    put_little(value, out, bytes);
    add(wire, out, (size_t)bytes);
}

void fv_wire_varint(fv_wire *wire, int field, uint64_t value) {
    add_key(wire, field, FV_WIRE_VARINT);
    add_varint(wire, value);
}

void fv_wire_fixed32(fv_wire *wire, int field, uint32_t value) {
    add_key(wire, field, FV_WIRE_FIXED32);
    add_little(wire, value, 4);
}

void fv_wire_fixed64(fv_wire *wire, int field, uint64_t value) {
    add_key(wire, field, FV_WIRE_FIXED64);
    add_little(wire, value, 8);
}

void fv_wire_float(fv_wire *wire, int field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    fv_wire_fixed32(wire, field, bits);
}

void fv_wire_double(fv_wire *wire, int field, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    fv_wire_fixed64(wire, field, bits);
}

void fv_wire_head(fv_wire *wire, int field, size_t size) {
    add_key(wire, field, FV_WIRE_BYTES);
    add_varint(wire, size);
}

void fv_wire_bytes(fv_wire *wire, int field, const void *data, size_t size) {
    fv_wire_head(wire, field, size);
    add(wire, data, size);
}

void fv_wire_text(fv_wire *wire, int field, const char *text) { fv_wire_bytes(wire, field, text, strlen(text)); }

size_t fv_wire_begin(fv_wire *wire, int field) {
    add_key(wire, field, FV_WIRE_BYTES);
    return wire->size;
}

/* The length goes in front of what was written meanwhile. */
void fv_wire_end(fv_wire *wire, size_t begun) {
    unsigned char length[10];
    if (wire->failed) return;
    size_t inside = wire->size - begun, n = encode_varint(inside, length);
    if (!room(wire, n)) return;
    memmove(wire->data + begun + n, wire->data + begun, inside);
    memcpy(wire->data + begun, length, n);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static bool take_varint(const unsigned char **at, size_t *left, uint64_t *out) {
    *out = 0;
    for (int shift = 0; shift < 64 && *left > 0; shift += 7) {
        unsigned char byte = **at;
        ++*at, --*left;
        if (shift == 63 && byte > 1) return false; /* more than 64 bits */
        *out |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return true;
    }
    return false;
}

static bool take_little(const unsigned char **at, size_t *left, size_t bytes, uint64_t *out) {
    *out = 0;
    if (*left < bytes) return false;
    for (size_t i = 0; i < bytes; i++) *out |= (uint64_t)(*at)[i] << 8 * i;
    *at += bytes, *left -= bytes;
    return true;
}

static bool take_field(const unsigned char **at, size_t *left, fv_wire_field *out) {
    uint64_t key;
    if (!take_varint(at, left, &key) || key >> 3 < 1 || key >> 3 > LAST_FIELD) return false;
    *out = (fv_wire_field){.number = (int)(key >> 3), .kind = (fv_wire_kind)(key & 7)};
    switch (key & 7) {
    case FV_WIRE_VARINT: return take_varint(at, left, &out->value);
    case FV_WIRE_FIXED64: return take_little(at, left, 8, &out->value);
    case FV_WIRE_FIXED32: return take_little(at, left, 4, &out->value);
    case FV_WIRE_BYTES:
        if (!take_varint(at, left, &out->value) || out->value > *left) return false;
        out->data = *at;
        out->size = (size_t)out->value;
        *at += out->size, *left -= out->size;
        return true;
    default: return false; /* groups went out of use before all that we read */
    }
}

bool fv_wire_next(const unsigned char **at, size_t *left, fv_wire_field *out) {
    const unsigned char *field = *at;
    size_t rest = *left;
    if (!rest || !take_field(&field, &rest, out)) return false;
    *at = field, *left = rest;
    return true;
}

float fv_wire_as_float(const fv_wire_field *field) {
    uint32_t bits = (uint32_t)field->value;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double fv_wire_as_double(const fv_wire_field *field) {
    double value;
    memcpy(&value, &field->value, sizeof value);
    return value;
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

/* Bit by bit: event files are small. */
uint32_t fv_crc32c(const void *data, size_t size) {
    const unsigned char *bytes = data;
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

uint32_t fv_crc32c_masked(const void *data, size_t size) {
    uint32_t crc = fv_crc32c(data, size);
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

void fv_wire_record(fv_wire *out, const void *data, size_t size) {
    unsigned char length[8];
    put_little(size, length, 8);
    add(out, length, 8);
    add_little(out, fv_crc32c_masked(length, 8), 4);
    add(out, data, size);
    add_little(out, fv_crc32c_masked(data, size), 4);
}
