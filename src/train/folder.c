/* folder.c - what a training leaves on disk. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "train.h"

static fv_status file_error(const char *what, const char *path, fv_error *error) {
    return fv_fail_at(error, FV_E_FILE, path, 0, 0, "%s: %s", what, strerror(errno));
}

fv_status fv_folder_begin(fv_folder *folder, const char *path, fv_error *error) {
    memset(folder, 0, sizeof *folder);
    if (!path) return FV_OK;
    if (mkdir(path, 0777) && errno != EEXIST) return file_error("cannot make the folder", path, error);
    fv_text name = {0};
    fv_text_printf(&name, "%s/history.jsonl", path);
    folder->path = path;
    folder->log = name.failed ? NULL : fopen(name.data, "w");
    fv_status status = folder->log ? FV_OK : file_error("cannot be written", name.data ? name.data : path, error);
    fv_text_free(&name);
    return status;
}

/* JSON knows no infinities: what is not finite is null. */
static void add_number(fv_text *line, const char *key, double value) {
    char number[32];
    fv_print_double(value, number);
    fv_text_printf(line, ",\"%s\":%s", key, isfinite(value) ? number : "null");
}

/* Metric names are as the user wrote them, "top(k=3)"; they hold nothing that JSON would mind. */
static fv_status log_epoch(fv_folder *folder, const fv_history *history, double rate, double seconds, bool best,
                           fv_error *error) {
    fv_text line = {0};
    fv_text_printf(&line, "{\"epoch\":%d", history->epochs);
    for (int m = 0; m < history->metrics; m++)
        add_number(&line, history->names[m], fv_history_get(history, history->names[m], history->epochs - 1));
    add_number(&line, "learning_rate", rate);
    add_number(&line, "seconds", seconds);
    fv_text_printf(&line, ",\"best\":%s}\n", best ? "true" : "false");
    bool good = !line.failed && fputs(line.data, folder->log) >= 0 && fflush(folder->log) == 0;
    fv_text_free(&line);
    return good ? FV_OK : file_error("history.jsonl cannot be written", folder->path, error);
}

static fv_status save(const fv_folder *folder, const fv_model *model, const char *name, fv_error *error) {
    fv_text path = {0};
    fv_text_printf(&path, "%s/%s", folder->path, name);
    fv_status status = path.failed ? fv_fail_memory(error, "a file name", 0) : fv_model_save(model, path.data, error);
    fv_text_free(&path);
    return status;
}

fv_status fv_folder_epoch(fv_folder *folder, const fv_model *model, const fv_history *history, double rate,
                          double seconds, bool best, fv_error *error) {
    if (!folder->path) return FV_OK;
    fv_status status = save(folder, model, "last.safetensors", error);
    if (!status && best) status = save(folder, model, "best.safetensors", error);
    return status ? status : log_epoch(folder, history, rate, seconds, best, error);
}

void fv_folder_end(fv_folder *folder) {
    if (folder->log) fclose(folder->log);
    memset(folder, 0, sizeof *folder);
}
