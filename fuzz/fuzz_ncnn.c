/* fuzz_ncnn.c - a text of layers and, behind its first zero byte, their numbers: a store whose every number can be read, or an error. */
#include "memory.h"
#include "ncnn.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static volatile float kept;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fv_error error;
    size_t length = 0;
    while (length < size && bytes[length]) length++;
    char *text = fv_alloc(length + 1);
    if (!text) return 0;
    memcpy(text, bytes, length);
    size_t start = length < size ? length + 1 : size;
    fv_store *store = fv_ncnn_parse(text, bytes + start, size - start, "input", &error);
    float sum = 0;
    for (int i = 0; store && i < fv_store_count(store); i++) {
        fv_tensor t = fv_store_tensor(store, i);
        for (int64_t k = 0; k < fv_shape_count(&t.shape); k++) sum += ((float *)t.data)[k];
    }
    kept = sum; /* so that the reading is not optimised away */
    fv_store_free(store);
    fv_free(text);
    return 0;
}
