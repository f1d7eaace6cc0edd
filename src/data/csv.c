/* csv.c - rows of fields separated by commas, quoted where needed. */
#include "csv.h"
#include "memory.h"

#include <string.h>

enum { MAX_FIELDS = 65536 };

/* The first separator outside quotes in the first line; a comma where there is none. */
static char find_separator(const char *at, const char *end) {
    bool quoted = false;
    for (; at < end && (quoted || (*at != '\n' && *at != '\r')); at++) {
        if (*at == '"') quoted = !quoted;
        if (!quoted && (*at == ',' || *at == ';' || *at == '\t')) return *at;
    }
    return ',';
}

fv_status fv_csv_begin(fv_csv *csv, char *text, size_t size, const char *name, fv_error *error) {
    *csv = (fv_csv){.at = text, .end = text + size, .next_line = 1, .name = name};
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) csv->at += 3; /* byte order mark */
    if (memchr(text, 0, size)) return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "is no text: it holds bytes of 0");
    csv->separator = find_separator(csv->at, csv->end);
    return FV_OK;
}

void fv_csv_end(fv_csv *csv) { fv_free(csv->fields); }

/* Behind `"`: moves the content to the front, "" becomes ". Stops behind the closing quote; writes the end of the content. */
static fv_status take_quoted(fv_csv *csv, char **content_end, fv_error *error) {
    char *to = csv->at;
    int line = csv->next_line;
    for (; csv->at < csv->end; csv->at++) {
        if (*csv->at == '\n') csv->next_line++;
        if (*csv->at == '"') {
            if (csv->at + 1 == csv->end || csv->at[1] != '"') {
                csv->at++;
                *content_end = to;
                return FV_OK;
            }
            csv->at++;
        }
        *to++ = *csv->at;
    }
    return fv_fail_at(error, FV_E_FORMAT, csv->name, line, 0, "the quotes that open here do not close");
}

/* One field and what ends it: the separator, the end of the line or of the text (0). */
static fv_status take_field(fv_csv *csv, char **field, char *ended_by, fv_error *error) {
    while (csv->at < csv->end && *csv->at == ' ') csv->at++;
    char *end = csv->at;
    if (csv->at < csv->end && *csv->at == '"') {
        *field = ++csv->at;
        fv_status status = take_quoted(csv, &end, error);
        if (status != FV_OK) return status;
        while (csv->at < csv->end && *csv->at == ' ') csv->at++;
        if (csv->at < csv->end && *csv->at != csv->separator && *csv->at != '\n' && *csv->at != '\r')
            return fv_fail_at(error, FV_E_FORMAT, csv->name, csv->next_line, 0,
                              "expected a separator behind the closing quotes");
    } else {
        *field = csv->at;
        while (csv->at < csv->end && *csv->at != csv->separator && *csv->at != '\n' && *csv->at != '\r') csv->at++;
        for (end = csv->at; end > *field && end[-1] == ' ';) end--;
    }
    *ended_by = csv->at < csv->end ? *csv->at : 0;
    if (csv->at < csv->end) csv->at++;
    if (*ended_by == '\r') {
        *ended_by = '\n';
        if (csv->at < csv->end && *csv->at == '\n') csv->at++;
    }
    if (*ended_by == '\n') csv->next_line++;
    *end = 0;
    return FV_OK;
}

fv_status fv_csv_row(fv_csv *csv, bool *more, fv_error *error) {
    do {
        char ended_by = csv->separator;
        csv->count = 0;
        csv->line = csv->next_line;
        *more = csv->at < csv->end;
        while (*more && ended_by == csv->separator) {
            char *field;
            fv_status status = take_field(csv, &field, &ended_by, error);
            if (status != FV_OK) return status;
            if (csv->count == MAX_FIELDS)
                return fv_fail_at(error, FV_E_FORMAT, csv->name, csv->line, 0, "more than %d fields", MAX_FIELDS);
            if (!fv_grow((void **)&csv->fields, &csv->capacity, csv->count, sizeof *csv->fields))
                return fv_fail_memory(error, csv->name, (size_t)csv->count * sizeof *csv->fields);
            csv->fields[csv->count++] = field;
        }
    } while (*more && csv->count == 1 && csv->fields[0][0] == 0);
    return FV_OK;
}
