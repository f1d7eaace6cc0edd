/* idx.c - the IDX format of MNIST (http://yann.lecun.com/exdb/mnist, "the IDX file format"). */
#include "idx.h"
#include "bytes.h"
#include "elements.h"
#include "memory.h"

static fv_element element_of(unsigned char type) {
    switch (type) {
    case 0x08: return FV_EL_U8;
    case 0x09: return FV_EL_I8;
    case 0x0b: return FV_EL_I16;
    case 0x0c: return FV_EL_I32;
    case 0x0d: return FV_EL_F32;
    case 0x0e: return FV_EL_F64;
    default: return FV_EL_NONE;
    }
}

bool fv_idx_is(const unsigned char *bytes, size_t size) {
    return size >= 8 && bytes[0] == 0 && bytes[1] == 0 && element_of(bytes[2]) != FV_EL_NONE && bytes[3] >= 1 &&
           bytes[3] <= FV_MAX_RANK;
}

fv_status fv_idx_parse(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out, fv_error *error) {
    if (!fv_idx_is(bytes, size)) {
        if (size < 8) return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "is no IDX file: only %zu bytes", size);
        return fv_fail_at(error, FV_E_FORMAT, name, 0, 0,
                          "is no IDX file: wrong magic number 0x%02x%02x%02x%02x (expected 0x00000803 for pictures, "
                          "0x00000801 for labels)",
                          bytes[0], bytes[1], bytes[2], bytes[3]);
    }
    fv_element element = element_of(bytes[2]);
    fv_tensor tensor = {.dtype = fv_element_dtype(element), .shape = {.rank = bytes[3]}};
    size_t header = 4 + 4 * (size_t)bytes[3], count, expected;
    if (size < header)
        return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "truncated: the header has %zu bytes, the file %zu", header,
                          size);
    for (int d = 0; d < tensor.shape.rank; d++) {
        const unsigned char *b = bytes + 4 + 4 * d;
        tensor.shape.dim[d] = (int64_t)((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]);
    }
    bool fits = fv_elements_claimed(element, &tensor.shape, &count, &expected);
    if (!fits || expected != size - header) {
        char shape[96];
        return fv_fail_at(error, FV_E_FORMAT, name, 0, 0,
                          "the header claims %s elements (%s%zu bytes), the file has %zu bytes behind it",
                          fv_shape_text(&tensor.shape, shape, sizeof shape), fits ? "" : "more than ",
                          fits ? expected : SIZE_MAX, size - header);
    }
    size_t memory;
    if (!fv_mul_size(count, fv_dtype_size(tensor.dtype), &memory)) return fv_fail_memory(error, name, SIZE_MAX);
    tensor.data = fv_alloc(memory ? memory : 1);
    if (!tensor.data) return fv_fail_memory(error, name, memory);
    fv_elements_convert(element, true, bytes + header, count, tensor.data);
    *out = tensor;
    return FV_OK;
}

fv_status fv_idx_read(const char *path, fv_tensor *out, fv_error *error) {
    unsigned char *bytes;
    size_t size;
    fv_status status = fv_read_bytes(path, SIZE_MAX / 4, &bytes, &size, error);
    if (status != FV_OK) return status;
    status = fv_idx_parse(bytes, size, path, out, error);
    fv_free(bytes);
    return status;
}
