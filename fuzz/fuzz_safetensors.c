/* fuzz_safetensors.c - any bytes as a safetensors file: a store whose every element can be read, or an error. */
#include "store.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static volatile unsigned kept;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fv_error error;
    fv_store *store = fv_safetensors_parse(bytes, size, "input", &error);
    unsigned sum = 0;
    for (int i = 0; store && i < fv_store_count(store); i++) {
        fv_tensor tensor = fv_store_tensor(store, i);
        size_t length = (size_t)fv_shape_count(&tensor.shape) * fv_dtype_size(tensor.dtype);
        for (size_t k = 0; k < length; k++) sum += ((const unsigned char *)tensor.data)[k];
        if (fv_store_find(store, fv_store_name(store, i)) != i) __builtin_trap();
    }
    fv_store_free(store);
    kept = sum; /* so that the reading is not optimised away */
    return 0;
}
