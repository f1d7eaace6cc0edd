/* wire.h - Protocol Buffers' wire format, written and read: numbered fields of varints, fixed numbers and bytes. */
#ifndef FV_IO_WIRE_H
#define FV_IO_WIRE_H

#include "error.h"

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* A growing message; once memory ran short `failed` stays set and further calls do nothing. Zero-initialise. */
typedef struct fv_wire {
    unsigned char *data;
    size_t size, capacity;
    bool failed;
} fv_wire;
void fv_wire_free(fv_wire *wire);

void fv_wire_varint(fv_wire *wire, int field,
                    uint64_t value); /* int32, int64, uint64, bool, enum; negatives as they are */
void fv_wire_fixed32(fv_wire *wire, int field, uint32_t value);
void fv_wire_fixed64(fv_wire *wire, int field, uint64_t value);
void fv_wire_float(fv_wire *wire, int field, float value);
void fv_wire_double(fv_wire *wire, int field, double value);
void fv_wire_bytes(fv_wire *wire, int field, const void *data, size_t size);
void fv_wire_text(fv_wire *wire, int field, const char *text);
/* A message inside: what is written between the two calls. */
size_t fv_wire_begin(fv_wire *wire, int field);
void fv_wire_end(fv_wire *wire, size_t begun);
/* The head of a message whose `size` bytes are written elsewhere. */
void fv_wire_head(fv_wire *wire, int field, size_t size);

/* ---- reading ---------------------------------------------------------------------------------------------------- */

typedef enum fv_wire_kind {
    FV_WIRE_VARINT = 0,
    FV_WIRE_FIXED64 = 1,
    FV_WIRE_BYTES = 2,
    FV_WIRE_FIXED32 = 5
} fv_wire_kind;

typedef struct fv_wire_field {
    int number;
    fv_wire_kind kind;
    uint64_t value;            /* of varints and fixed numbers */
    const unsigned char *data; /* of bytes: into the message */
    size_t size;
} fv_wire_field;

/* Takes the next field of the message at *at: moves *at and *left behind it. False at the end, and where the bytes are no
 * field (then *left is not 0). */
bool fv_wire_next(const unsigned char **at, size_t *left, fv_wire_field *out);
float fv_wire_as_float(const fv_wire_field *field);   /* of a FIXED32 */
double fv_wire_as_double(const fv_wire_field *field); /* of a FIXED64 */

/* ---- records ---------------------------------------------------------------------------------------------------- */

/* CRC-32C (Castagnoli), and as TFRecord files mask it. */
uint32_t fv_crc32c(const void *data, size_t size);
uint32_t fv_crc32c_masked(const void *data, size_t size);
/* Adds a TFRecord: length, its sum, the bytes, their sum. */
void fv_wire_record(fv_wire *out, const void *data, size_t size);

#endif
