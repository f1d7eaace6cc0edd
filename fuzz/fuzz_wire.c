/* fuzz_wire.c - any bytes as a Protocol Buffers message: fields that lie inside it, or the place where they end. */
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static volatile unsigned kept;

/* Fields of bytes are tried as messages, too. */
static unsigned read_message(const unsigned char *at, size_t left, int depth) {
    fv_wire_field field;
    unsigned sum = 0;
    while (fv_wire_next(&at, &left, &field)) {
        sum += (unsigned)field.value;
        for (size_t k = 0; k < field.size; k++) sum += field.data[k];
        if (field.kind == FV_WIRE_BYTES && depth < 8) sum += read_message(field.data, field.size, depth + 1);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    kept = read_message(bytes, size, 0);
    return 0;
}
