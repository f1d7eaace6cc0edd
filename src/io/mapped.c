/* mapped.c - files as they lie on the disk, mapped into memory for reading. */
#include "mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Takes over `file`. */
static fv_status map(int file, const char *name, fv_mapping *out, fv_error *error) {
    struct stat info;
    fv_status status = FV_OK;
    *out = (fv_mapping){NULL, 0};
    if (fstat(file, &info))
        status = fv_fail_at(error, FV_E_FILE, name, 0, 0, "cannot be read: %s", strerror(errno));
    else if (!S_ISREG(info.st_mode))
        status = fv_fail_at(error, FV_E_FILE, name, 0, 0, "is no plain file");
    else if (info.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (bytes == MAP_FAILED)
            status = fv_fail_at(error, FV_E_FILE, name, 0, 0, "cannot be mapped: %s", strerror(errno));
        else
            *out = (fv_mapping){bytes, (size_t)info.st_size};
    }
    close(file);
    return status;
}

fv_status fv_map_file(const char *path, fv_mapping *out, fv_error *error) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused, not waited for */
    if (file < 0) return fv_fail_at(error, FV_E_FILE, path, 0, 0, "cannot be opened: %s", strerror(errno));
    return map(file, path, out, error);
}

/* The next part of the name into `part`; false when it is not one that may be followed. */
static bool next_part(const char **name, char *part, size_t size) {
    size_t length = strcspn(*name, "/");
    if (length == 0 || length >= size || !strncmp(*name, "..", length > 2 ? length : 2)) return false;
    memcpy(part, *name, length);
    part[length] = 0;
    *name += length + ((*name)[length] == '/');
    return true;
}

fv_status fv_map_below(const char *folder, const char *name, fv_mapping *out, fv_error *error) {
    char part[256];
    const char *rest = name;
    *out = (fv_mapping){NULL, 0};
    int at = open(folder && *folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return fv_fail(error, FV_E_FILE, "the folder of \"%.120s\" cannot be opened: %s", name, strerror(errno));
    do {
        bool good = next_part(&rest, part, sizeof part);
        int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (*rest ? O_DIRECTORY : 0);
        int next = good ? openat(at, part, flags) : -1;
        int why = errno;
        close(at);
        if (!good)
            return fv_fail(error, FV_E_FORMAT, "\"%.120s\" is no relative name of a file below the model's folder",
                           name);
        if (next < 0)
            return fv_fail(error, FV_E_FILE, "\"%.120s\" below the model's folder cannot be opened: %s", name,
                           why == ELOOP || why == EMLINK ? "it is a link" : strerror(why));
        at = next;
    } while (*rest);
    return map(at, name, out, error);
}

void fv_unmap(fv_mapping *mapping) {
    if (mapping->bytes) munmap((void *)(uintptr_t)mapping->bytes, mapping->size);
    *mapping = (fv_mapping){NULL, 0};
}
