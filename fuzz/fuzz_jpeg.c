/* fuzz_jpeg.c - any bytes behind the start of a JPEG file: a picture whose every pixel can be read, or an error. */
#include "memory.h"
#include "orient.h"
#include "picture.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static volatile unsigned kept;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fv_error error;
    fv_tensor picture = {0};
    unsigned sum = (unsigned)fv_exif_orientation(bytes, size);
    unsigned char *file = fv_alloc(size + 2);
    if (!file) return 0;
    memcpy(file, "\xff\xd8", 2);
    memcpy(file + 2, bytes, size);
    if (fv_picture_parse(file, size + 2, "input", &picture, &error) == FV_OK) {
        for (int64_t i = 0; i < fv_shape_count(&picture.shape); i++) sum += ((const unsigned char *)picture.data)[i];
        fv_free(picture.data);
    }
    fv_free(file);
    kept = sum; /* so that the reading is not optimised away */
    return 0;
}
