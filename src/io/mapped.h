/* mapped.h - files as they lie on the disk, mapped into memory for reading. */
#ifndef FV_IO_MAPPED_H
#define FV_IO_MAPPED_H

#include "error.h"

typedef struct fv_mapping {
    const unsigned char *bytes; /* NULL for an empty file */
    size_t size;
} fv_mapping;

/* A plain file (a link to one will do). */
fv_status fv_map_file(const char *path, fv_mapping *out, fv_error *error);
/* The plain file `name` below `folder`, where the name comes from outside: only relative names without "..", and nothing on the way is
 * a link. */
fv_status fv_map_below(const char *folder, const char *name, fv_mapping *out, fv_error *error);
void fv_unmap(fv_mapping *mapping);

#endif
