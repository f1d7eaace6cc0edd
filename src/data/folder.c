/* folder.c - the names in a folder, sorted, and what sources of files in folders share. */
#include "folder.h"
#include "bytes.h"
#include "memory.h"
#include "source.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int fv_folder_compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

fv_status fv_folder_read(const char *path, fv_folder *out, fv_error *error) {
    *out = (fv_folder){0};
    DIR *dir = opendir(path);
    if (!dir) return fv_fail_at(error, FV_E_FILE, path, 0, 0, "cannot be opened: %s", strerror(errno));
    fv_status status = FV_OK;
    for (const struct dirent *entry; status == FV_OK && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        char *name = fv_copy_text(entry->d_name);
        if (name && fv_grow((void **)&out->names, &out->capacity, out->count, sizeof *out->names))
            out->names[out->count++] = name;
        else {
            fv_free(name);
            status = fv_fail_memory(error, path, strlen(entry->d_name));
        }
    }
    closedir(dir);
    if (status != FV_OK)
        fv_folder_free(out);
    else if (out->count > 0)
        qsort(out->names, (size_t)out->count, sizeof *out->names, fv_folder_compare);
    return status;
}

void fv_folder_free(fv_folder *folder) {
    for (int i = 0; i < folder->count; i++) fv_free(folder->names[i]);
    fv_free(folder->names);
    *folder = (fv_folder){0};
}

bool fv_is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool fv_is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

char *fv_path_join(const char *folder, const char *name) {
    size_t length = strlen(folder);
    fv_text text = {0};
    fv_text_printf(&text, "%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/", name);
    return fv_text_take(&text);
}

fv_status fv_path_existing(char *path, char **out, fv_error *error) {
    *out = NULL;
    if (!path) return fv_fail_memory(error, "a path", 256);
    if (fv_is_file(path))
        *out = path;
    else
        fv_free(path);
    return FV_OK;
}

const char *fv_path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *fv_path_folder(const char *path) {
    size_t length = (size_t)(fv_path_base(path) - path);
    fv_text text = {0};
    if (length == 0)
        fv_text_add(&text, ".");
    else
        fv_text_add_n(&text, path, length);
    return fv_text_take(&text);
}

/* Cuts the text into lines; counts them when `names` is NULL. Empty lines at the end do not count. */
static int cut_lines(char *text, size_t size, char **names) {
    while (size > 0 && strchr("\r\n ", text[size - 1])) size--;
    int count = 0;
    for (size_t at = 0; at < size;) {
        char *end = memchr(text + at, '\n', size - at);
        size_t next = end ? (size_t)(end - text) : size;
        if (names) {
            size_t stop = next > at && text[next - 1] == '\r' ? next - 1 : next;
            text[stop] = 0;
            names[count] = text + at;
        }
        count++;
        at = next + 1;
    }
    return count;
}

fv_status fv_names_read(const char *path, char ***names, int *count, fv_error *error) {
    *names = NULL;
    *count = 0;
    unsigned char *bytes = NULL;
    size_t size = 0;
    fv_status status = fv_is_file(path) ? fv_read_bytes(path, 1 << 24, &bytes, &size, error) : FV_OK;
    if (status == FV_OK && bytes) {
        int lines = memchr(bytes, 0, size) ? 0 : cut_lines((char *)bytes, size, NULL);
        char **list = lines > 0 && lines <= FV_MAX_CLASSES ? fv_alloc((size_t)lines * sizeof *list + size + 1) : NULL;
        if (list) {
            memcpy(list + lines, bytes, size + 1);
            cut_lines((char *)(list + lines), size, list);
            *names = list;
            *count = lines;
        } else if (lines > 0 && lines <= FV_MAX_CLASSES)
            status = fv_fail_memory(error, path, size);
        else
            status = fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "expected one class name on each line");
    }
    fv_free(bytes);
    return status;
}

fv_status fv_class_names_read(const char *folder, char ***names, int *count, fv_error *error) {
    char *path = fv_path_join(folder, "classes.txt");
    if (!path) return fv_fail_memory(error, folder, strlen(folder));
    fv_status status = fv_names_read(path, names, count, error);
    fv_free(path);
    return status;
}
