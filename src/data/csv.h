/* csv.h - rows of fields separated by commas (or semicolons, or tabs: what the first line has), quoted where needed (RFC 4180). */
#ifndef FV_DATA_CSV_H
#define FV_DATA_CSV_H

#include "error.h"

/* The text is taken apart where it lies: fields are pieces of it, each with its 0. */
typedef struct fv_csv {
    char *at, *end;
    char separator;
    int next_line; /* of the text, from 1 */
    const char *name;
    char **fields; /* of the last row */
    int count, capacity;
    int line; /* where the last row begins */
} fv_csv;

/* `text` is writable and has one byte behind it. Bytes of 0 within it are an error. */
fv_status fv_csv_begin(fv_csv *csv, char *text, size_t size, const char *name, fv_error *error);
/* The next row that is not empty; *more is false behind the last one. */
fv_status fv_csv_row(fv_csv *csv, bool *more, fv_error *error);
void fv_csv_end(fv_csv *csv);

#endif
