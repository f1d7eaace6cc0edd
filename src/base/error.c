#include "error.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    fv_status status;
    const char *name;
} statuses[] = {
    {FV_OK, "no error"},
    {FV_E_ARGUMENT, "bad argument"},
    {FV_E_SYNTAX, "syntax error"},
    {FV_E_SHAPE, "shape error"},
    {FV_E_FILE, "file error"},
    {FV_E_FORMAT, "format error"},
    {FV_E_MEMORY, "out of memory"},
    {FV_E_UNSUPPORTED, "unsupported"},
    {FV_E_CANCELLED, "cancelled"},
    {FV_E_NUMBER, "not a finite number"},
};

const char *fv_status_name(fv_status status) {
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (statuses[i].status == status) return statuses[i].name;
    return "unknown status";
}

static fv_status fill(fv_error *error, fv_status status, const char *file, int line, int column, const char *format,
                      va_list arguments) {
    if (!error) return status;
    error->status = status;
    error->line = line;
    error->column = column;
    fv_escape(file ? file : "", error->file, sizeof error->file); /* a file's name may hold anything */
    vsnprintf(error->message, sizeof error->message, format, arguments);
    return status;
}

fv_status fv_fail(fv_error *error, fv_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fill(error, status, NULL, 0, 0, format, arguments);
    va_end(arguments);
    return status;
}

fv_status fv_fail_at(fv_error *error, fv_status status, const char *file, int line, int column, const char *format,
                     ...) {
    va_list arguments;
    va_start(arguments, format);
    fill(error, status, file, line, column, format, arguments);
    va_end(arguments);
    return status;
}

fv_status fv_fail_memory(fv_error *error, const char *what, size_t bytes) {
    return fv_fail(error, FV_E_MEMORY, "not enough memory for %s (%zu bytes)", what, bytes);
}

const char *fv_error_text(const fv_error *error, char *out, size_t size) {
    if (size == 0) return out;
    char place[300] = "";
    if (error->line > 0 && error->column > 0)
        snprintf(place, sizeof place, "%s:%d:%d: ", error->file[0] ? error->file : "text", error->line, error->column);
    else if (error->line > 0)
        snprintf(place, sizeof place, "%s:%d: ", error->file[0] ? error->file : "text", error->line);
    else if (error->file[0])
        snprintf(place, sizeof place, "%s: ", error->file);
    snprintf(out, size, "%s%s", place, error->message);
    return out;
}
