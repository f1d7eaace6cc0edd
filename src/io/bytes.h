/* bytes.h - whole files in and out, bounded. */
#ifndef FV_IO_BYTES_H
#define FV_IO_BYTES_H

#include "error.h"

/* Reads a whole file of at most `limit` bytes, undoing gzip when it starts with gzip's magic (the limit then bounds
 * what comes out). One zero byte follows the content. Free with fv_free. */
fv_status fv_read_bytes(const char *path, size_t limit, unsigned char **out, size_t *size, fv_error *error);
/* The same for a file as it lies on the disk: gzip is not undone. */
fv_status fv_read_raw_bytes(const char *path, size_t limit, unsigned char **out, size_t *size, fv_error *error);
/* The first `size` bytes of a file's content (gzip undone) into `out`; how many there were, -1 if it cannot be read. */
int64_t fv_read_start(const char *path, unsigned char *out, size_t size);

/* Undoes gzip: one or more whole members and nothing behind them. `name` is used in messages. Free with fv_free. */
bool fv_is_gzip(const unsigned char *bytes, size_t size);
fv_status fv_gunzip_bytes(const unsigned char *in, size_t in_size, size_t limit, const char *name, unsigned char **out,
                          size_t *size, fv_error *error);

/* Writes a file so that either the old or the whole new content is there: temporary file beside it, fsync, read again and
 * compared, rename, fsync of the folder. `parts` are written one after the other. */
typedef struct fv_part {
    const void *data;
    size_t size;
} fv_part;
fv_status fv_write_bytes(const char *path, const fv_part *parts, int count, fv_error *error);
/* The same; the old file, if there is one, stays under the name `previous` (NULL: it goes). At every moment `path` or
 * `previous` is whole. */
fv_status fv_replace_bytes(const char *path, const char *previous, const fv_part *parts, int count, fv_error *error);
/* Adds to the end of a file, which is made if it is not there; on failure it is as long as before. */
fv_status fv_append_bytes(const char *path, const void *data, size_t size, fv_error *error);

/* For tests: how many steps of writing (create, write, sync, rename, ...) so far; the one after `countdown` more fails
 * with errno `why` (negative: none does). */
uint64_t fv_write_count(void);
void fv_write_fail_after(int64_t countdown, int why);

/* "needs pictures.gz" -> lower-case extension without the point, "" if none. The result is valid until the thread's
 * next call. */
const char *fv_extension(const char *path);

#endif
