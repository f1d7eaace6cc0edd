/* history_file.c - a history from the history.jsonl of a run's folder. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "bytes.h"
#include "train.h"

enum { LARGEST = 256 << 20 };

static bool is_metric(const char *key) { return strcmp(key, "epoch") != 0; }

static fv_history *history_like(const json_t *row, int64_t epochs, fv_error *error) {
    int metrics = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)row, key, value) metrics += is_metric(key);
    fv_history *history = fv_history_new(metrics ? metrics : 1, epochs, error);
    if (history) history->metrics = metrics;
    int m = 0;
    json_object_foreach((json_t *)row, key, value) {
        if (!history || !is_metric(key)) continue;
        if (fv_history_name(history, m++, "", key, error)) fv_history_free(history), history = NULL;
    }
    return history;
}

/* What is null is no number; "best" is 1 or 0. */
static void add_row(fv_history *history, const json_t *row, double *values) {
    for (int m = 0; m < history->metrics; m++) {
        const json_t *value = json_object_get(row, history->names[m]);
        values[m] = json_is_number(value)    ? json_number_value(value)
                    : json_is_boolean(value) ? (double)json_is_true(value)
                                             : NAN;
    }
    fv_history_add(history, values);
}

static int64_t count_lines(const char *text) {
    int64_t lines = 0;
    for (; *text; text++) lines += *text == '\n' || !text[1];
    return lines;
}

static fv_history *read_lines(char *text, const char *path, fv_error *error) {
    fv_history *history = NULL;
    double *values = NULL;
    int64_t lines = count_lines(text);
    int line = 0;
    fv_status status = FV_OK;
    for (char *at = text, *next; *at && !status; at = next) {
        next = at + strcspn(at, "\n");
        if (*next) *next++ = 0;
        line++;
        json_t *row = json_loads(at, 0, NULL);
        if (json_integer_value(json_object_get(row, "epoch")) != line)
            status = fv_fail_at(error, FV_E_FORMAT, path, line, 0, "expected a JSON object with \"epoch\": %d", line);
        else if (!history) {
            history = history_like(row, lines, error);
            values = history ? fv_alloc_array((size_t)history->metrics + 1, sizeof *values) : NULL;
            if (!values) status = fv_fail_memory(error, "the history", 0);
        }
        if (!status) add_row(history, row, values);
        json_decref(row);
    }
    fv_free(values);
    if (!status && !history) fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "holds no epoch");
    if (!status) return history;
    fv_history_free(history);
    return NULL;
}

fv_history *fv_history_load(const char *folder, fv_error *error) {
    unsigned char *bytes = NULL;
    size_t size;
    char *path = fv_folder_file(folder, "history.jsonl", error);
    fv_history *history = NULL;
    if (path && !fv_read_bytes(path, LARGEST, &bytes, &size, error)) history = read_lines((char *)bytes, path, error);
    fv_free(bytes);
    fv_free(path);
    return history;
}
