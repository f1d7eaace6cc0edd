/* sample_picture.h - a sample of a set of data as a picture. */
#ifndef FV_LOOK_SAMPLE_PICTURE_H
#define FV_LOOK_SAMPLE_PICTURE_H

#include "source.h"

/* The field that can be shown: the first input of (height, width) or (height, width, 1 or 3) numbers; -1: none. */
int fv_picture_field(const fv_data *data);
/* The picture in a sample as (height, width, 3) bytes: bytes as they are, other numbers from their least (black) to their
 * most (white). Free its data with fv_free. */
fv_status fv_sample_picture(const fv_data *data, int64_t sample, fv_tensor *out, fv_error *error);
/* The same, enlarged by a whole number or made smaller so that it fits into side x side pixels. */
fv_status fv_sample_tile(const fv_data *data, int64_t sample, int64_t side, fv_tensor *out, fv_error *error);

#endif
