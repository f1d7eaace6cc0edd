/* bytes.h - whole files in and out, bounded. */
#ifndef FV_IO_BYTES_H
#define FV_IO_BYTES_H

#include "error.h"

/* Reads a whole file of at most `limit` bytes, undoing gzip when it starts with gzip's magic (the limit then bounds
 * what comes out). One zero byte follows the content. Free with fv_free. */
fv_status fv_read_bytes(const char *path, size_t limit, unsigned char **out, size_t *size, fv_error *error);

/* Writes a file so that either the old or the whole new content is there: temporary file beside it, fsync, rename,
 * fsync of the folder. `parts` are written one after the other. */
typedef struct fv_part {
    const void *data;
    size_t size;
} fv_part;
fv_status fv_write_bytes(const char *path, const fv_part *parts, int count, fv_error *error);

/* "needs pictures.gz" -> lower-case extension without the point, "" if none */
const char *fv_extension(const char *path);

#endif
