/* augmented.h - samples beside what augmentation makes of them. */
#ifndef FV_LOOK_AUGMENTED_H
#define FV_LOOK_AUGMENTED_H

#include "source.h"

/* A set of pictures for a sheet: for each of `rows` samples, evenly spread over the data, the picture itself and then what the list
 * makes of it in the epochs 0 .. columns - 2. Mixed samples are mixed with each other. The caller frees *pixels behind the set. */
fv_data *fv_augmented_set(const fv_data *data, const char *list, int64_t rows, int64_t columns, uint64_t seed,
                          void **pixels, fv_error *error);

#endif
