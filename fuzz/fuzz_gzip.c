/* fuzz_gzip.c - any bytes as gzip data: content within the limit, or an error. */
#include "bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    enum { LIMIT = 1 << 18 };
    fv_error error;
    unsigned char *out;
    size_t out_size;
    if (fv_gunzip_bytes(bytes, size, LIMIT, "input", &out, &out_size, &error) != FV_OK) return 0;
    if (out_size > LIMIT || out[out_size] != 0) __builtin_trap();
    fv_free(out);
    return 0;
}
