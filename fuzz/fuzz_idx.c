/* fuzz_idx.c - any bytes as an IDX file: a tensor whose every element can be read, or an error. */
#include "idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static volatile unsigned kept;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fv_error error;
    fv_tensor tensor = {0};
    unsigned sum = 0;
    if (fv_idx_parse(bytes, size, "input", &tensor, &error) != FV_OK) return 0;
    size_t length = (size_t)fv_shape_count(&tensor.shape) * fv_dtype_size(tensor.dtype);
    for (size_t k = 0; k < length; k++) sum += ((const unsigned char *)tensor.data)[k];
    fv_free(tensor.data);
    kept = sum; /* so that the reading is not optimised away */
    return 0;
}
