/* fuzz_cifar.c - any bytes as a CIFAR file: as many labels and pixels as its length says, or an error. */
#include "cifar.h"
#include "memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    const fv_cifar *const kinds[] = {&fv_cifar_10, &fv_cifar_100};
    fv_error error;
    for (int k = 0; k < 2; k++) {
        int64_t records = fv_cifar_records(kinds[k], size, "input", &error);
        if (records == 0) continue;
        unsigned char *pixels = fv_alloc((size_t)records * FV_CIFAR_PIXELS);
        int32_t *labels = fv_alloc_array((size_t)records, sizeof *labels);
        if (pixels && labels && fv_cifar_unpack(kinds[k], bytes, size, "input", pixels, labels, &error) == FV_OK)
            for (int64_t i = 0; i < records; i++)
                if (labels[i] < 0 || labels[i] >= kinds[k]->classes) __builtin_trap();
        fv_free(pixels);
        fv_free(labels);
    }
    return 0;
}
