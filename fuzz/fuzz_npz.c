/* fuzz_npz.c - any bytes as a zip archive of arrays: every array that it names can be read, or an error; never more memory than asked. */
#include "npz.h"

#include <stdio.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static volatile unsigned kept;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    enum { LIMIT = 1 << 22 };
    static char path[64], names[FV_NPZ_MOST][FV_NPZ_NAME];
    fv_error error;
    int count = 0;
    unsigned sum = 0;
    snprintf(path, sizeof path, "/tmp/fuzz_npz.%ld", (long)getpid());
    FILE *file = fopen(path, "wb");
    if (!file) return 0;
    if (size) fwrite(bytes, 1, size, file);
    fclose(file);
    if (fv_npz_names(path, names, &count, &error) != FV_OK) count = 0;
    for (int i = 0; i < count; i++) {
        fv_tensor tensor = {0};
        if (fv_npz_read(path, names[i], LIMIT, &tensor, &error) != FV_OK) continue;
        size_t length = (size_t)fv_shape_count(&tensor.shape) * fv_dtype_size(tensor.dtype);
        if (length > LIMIT) __builtin_trap();
        for (size_t k = 0; k < length; k++) sum += ((const unsigned char *)tensor.data)[k];
        fv_free(tensor.data);
    }
    unlink(path);
    kept = sum; /* so that the reading is not optimised away */
    return 0;
}
