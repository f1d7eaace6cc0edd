/* folder.c - what a training leaves on disk, and that only one training at a time does so.
 *
 * The lock is flock's on the file `lock`: the system takes it back when its process dies, however it dies, so a lock
 * file that a killed run left behind is known to be stale by being free. The file says whose it is. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "train.h"

static const char *const files[] = {"best.safetensors", "last.safetensors", "checkpoint.safetensors",
                                    "checkpoint.previous.safetensors", "history.jsonl"};
enum { FILES = sizeof files / sizeof files[0] };

static fv_status file_error(const char *what, const char *path, fv_error *error) {
    return fv_fail_at(error, FV_E_FILE, path, 0, 0, "%s: %s", what, strerror(errno));
}

char *fv_folder_file(const char *folder, const char *name, fv_error *error) {
    fv_text text = {0};
    fv_text_printf(&text, "%s/%s", folder, name);
    char *path = fv_text_take(&text);
    if (!path) fv_fail_memory(error, "a file name", strlen(folder));
    return path;
}

/* ---- the lock --------------------------------------------------------------------------------------------------- */

/* "process 123 since 2026-01-31 12:00:00" */
static void write_holder(int fd) {
    char line[96], since[32];
    time_t now = time(NULL);
    struct tm parts;
    strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &parts));
    int length = snprintf(line, sizeof line, "process %ld since %s\n", (long)getpid(), since);
    /* only for people to read: the lock holds without it */
    if (ftruncate(fd, 0) || pwrite(fd, line, (size_t)length, 0) != length) return;
}

static fv_status refuse(int fd, const char *path, fv_error *error) {
    char holder[96];
    ssize_t length = pread(fd, holder, sizeof holder - 1, 0);
    if (length < 0) length = 0;
    holder[length] = 0;
    holder[strcspn(holder, "\n")] = 0;
    return fv_fail_at(error, FV_E_FILE, path, 0, 0, "another training is at work in this folder (%s)",
                      *holder ? holder : "its process is not known");
}

/* Locks the file that has the name now: its last owner may take the name away between opening and locking. */
static fv_status take_lock(fv_folder *folder, const char *name, fv_error *error) {
    for (;;) {
        int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0) return file_error("cannot be written", name, error);
        int failed;
        while ((failed = flock(fd, LOCK_EX | LOCK_NB)) && errno == EINTR) continue;
        struct stat ours, named;
        fv_status status = FV_OK;
        if (failed && errno == EWOULDBLOCK)
            status = refuse(fd, folder->path, error);
        else if (failed && errno != ENOLCK && errno != ENOTSUP) /* a file system without locks: one trusts the user */
            status = file_error("cannot be locked", name, error);
        else if (fstat(fd, &ours) || stat(name, &named) || ours.st_ino != named.st_ino || ours.st_dev != named.st_dev) {
            close(fd);
            continue;
        }
        if (status) return close(fd), status;
        write_holder(fd);
        folder->lock = fd + 1;
        return FV_OK;
    }
}

/* "last.safetensors.123-0.tmp": what a killed process was writing. */
static bool is_left_over(const char *name) {
    for (int i = 0; i < FILES; i++) {
        size_t length = strlen(files[i]);
        if (strncmp(name, files[i], length) || name[length] != '.') continue;
        const char *number = name + length + 1, *rest = number + strspn(number, "0123456789-");
        return rest > number && !strcmp(rest, ".tmp");
    }
    return false;
}

static fv_status remove_left_overs(const fv_folder *folder, fv_error *error) {
    DIR *list = opendir(folder->path);
    fv_status status = FV_OK;
    for (struct dirent *entry; list && !status && (entry = readdir(list));) {
        if (!is_left_over(entry->d_name)) continue;
        char *path = fv_folder_file(folder->path, entry->d_name, error);
        status = !path ? FV_E_MEMORY : unlink(path) ? file_error("cannot be removed", path, error) : FV_OK;
        fv_free(path);
    }
    if (list) closedir(list);
    return status;
}

fv_status fv_folder_begin(fv_folder *folder, const char *path, fv_error *error) {
    memset(folder, 0, sizeof *folder);
    if (!path) return FV_OK;
    bool made = mkdir(path, 0777) == 0;
    if (!made && errno != EEXIST) return file_error("cannot make the folder", path, error);
    folder->path = path;
    char *name = fv_folder_file(path, "lock", error);
    fv_status status = name ? take_lock(folder, name, error) : FV_E_MEMORY;
    fv_free(name);
    if (!status) status = remove_left_overs(folder, error);
    if (!status) return FV_OK;
    fv_folder_end(folder);
    if (made) rmdir(path);
    return status;
}

void fv_folder_end(fv_folder *folder) {
    char *name = folder->lock ? fv_folder_file(folder->path, "lock", NULL) : NULL;
    if (name) unlink(name); /* while it is ours */
    fv_free(name);
    if (folder->lock) close(folder->lock - 1);
    fv_text_free(&folder->log);
    memset(folder, 0, sizeof *folder);
}

/* ---- history.jsonl ---------------------------------------------------------------------------------------------- */

static fv_status write_log(fv_folder *folder, fv_error *error) {
    char *path = fv_folder_file(folder->path, "history.jsonl", error);
    fv_part part = {folder->log.data, folder->log.length};
    fv_status status = path ? fv_write_bytes(path, &part, 1, error) : FV_E_MEMORY;
    fv_free(path);
    return status;
}

fv_status fv_folder_clear(fv_folder *folder, fv_error *error) {
    fv_status status = FV_OK;
    for (int i = 0; i < FILES && folder->path && !status; i++) {
        char *path = fv_folder_file(folder->path, files[i], error);
        status = !path                             ? FV_E_MEMORY
                 : unlink(path) && errno != ENOENT ? file_error("cannot be removed", path, error)
                                                   : FV_OK;
        fv_free(path);
    }
    return status || !folder->path ? status : write_log(folder, error);
}

fv_status fv_folder_restore(fv_folder *folder, const char *log, fv_error *error) {
    fv_text_add(&folder->log, log);
    return folder->log.failed ? fv_fail_memory(error, "the history", strlen(log)) : write_log(folder, error);
}

/* JSON knows no infinities: what is not finite is null. */
static void add_number(fv_text *line, const char *key, double value) {
    char number[32];
    fv_print_double(value, number);
    fv_text_printf(line, ",\"%s\":%s", key, isfinite(value) ? number : "null");
}

/* Metric names are as the user wrote them, "top(k=3)"; they hold nothing that JSON would mind. */
static fv_status log_epoch(fv_folder *folder, const fv_history *history, double rate, double seconds, bool best,
                           const char *layers, fv_error *error) {
    fv_text *log = &folder->log;
    size_t start = log->length;
    fv_text_printf(log, "{\"epoch\":%d", history->epochs);
    for (int m = 0; m < history->metrics; m++)
        add_number(log, history->names[m], fv_history_get(history, history->names[m], history->epochs - 1));
    add_number(log, "learning_rate", rate);
    add_number(log, "seconds", seconds);
    fv_text_printf(log, ",\"best\":%s", best ? "true" : "false");
    if (layers) fv_text_add(log, ",\"layers\":"), fv_text_add(log, layers);
    fv_text_add(log, "}\n");
    if (log->failed) return fv_fail_memory(error, "the history", start);
    char *path = fv_folder_file(folder->path, "history.jsonl", error);
    fv_status status = path ? fv_append_bytes(path, log->data + start, log->length - start, error) : FV_E_MEMORY;
    fv_free(path);
    return status;
}

/* ---- models ----------------------------------------------------------------------------------------------------- */

static fv_status save(const fv_folder *folder, const fv_model *model, const char *name, fv_error *error) {
    char *path = fv_folder_file(folder->path, name, error);
    fv_status status = path ? fv_model_save(model, path, error) : FV_E_MEMORY;
    fv_free(path);
    return status;
}

fv_status fv_folder_epoch(fv_folder *folder, const fv_model *model, const fv_history *history, double rate,
                          double seconds, bool best, const char *layers, fv_error *error) {
    if (!folder->path) return FV_OK;
    fv_status status = save(folder, model, "last.safetensors", error);
    if (!status && best) status = save(folder, model, "best.safetensors", error);
    return status ? status : log_epoch(folder, history, rate, seconds, best, layers, error);
}
