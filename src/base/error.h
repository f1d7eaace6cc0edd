/* error.h - errors are values with a sentence: what, where, expected, got. */
#ifndef FV_BASE_ERROR_H
#define FV_BASE_ERROR_H

#include "fovea.h"

/* Fills *error (which may be NULL) and returns `status`, so that a function can end in `return fv_fail(...)`. */
fv_status fv_fail(fv_error *error, fv_status status, const char *format, ...) FV_PRINTF(3, 4);

/* The same, with the place in a text or file. */
fv_status fv_fail_at(fv_error *error, fv_status status, const char *file, int line, int column, const char *format, ...)
    FV_PRINTF(6, 7);

/* "not enough memory for WHAT (N bytes)" */
fv_status fv_fail_memory(fv_error *error, const char *what, size_t bytes);

#endif
