/* idx.h - the IDX format of MNIST: 0, 0, type, rank, the dimensions and the numbers, all big-endian. */
#ifndef FV_DATA_IDX_H
#define FV_DATA_IDX_H

#include "error.h"

/* True when the bytes begin like an IDX file. */
bool fv_idx_is(const unsigned char *bytes, size_t size);
/* One tensor; free its data with fv_free. i8 and i16 become i32. The header is checked against the number of bytes. */
fv_status fv_idx_parse(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out, fv_error *error);
fv_status fv_idx_read(const char *path, fv_tensor *out, fv_error *error); /* plain or gzip */

#endif
