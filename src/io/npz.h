/* npz.h - several NumPy arrays in one file: a zip archive of NPY files, through libarchive. */
#ifndef FV_IO_NPZ_H
#define FV_IO_NPZ_H

#include "error.h"

enum { FV_NPZ_NAME = 64, FV_NPZ_MOST = 64 };

/* True when the bytes begin like a zip archive. */
bool fv_npz_is(const unsigned char *bytes, size_t size);
/* The names of the arrays in it, without ".npy", in order, names[0 .. count-1]; more than FV_NPZ_MOST are an error. */
fv_status fv_npz_names(const char *path, char names[][FV_NPZ_NAME], int *count, fv_error *error);
/* One array; free its data with fv_free. At most `limit` bytes are unpacked, and never more than deflate can make of a file of
 * this size. */
fv_status fv_npz_read(const char *path, const char *name, size_t limit, fv_tensor *out, fv_error *error);

#endif
