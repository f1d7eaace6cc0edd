/* npz.c - NumPy's NPZ: a zip archive of NPY files. What unpacks is bounded while it unpacks: by the caller's limit, and by what
 * deflate can make of the file, so that archives whose parts overlap are no way around it. */
#include "npz.h"

#include <string.h>

bool fv_npz_is(const unsigned char *bytes, size_t size) { return size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0; }

#ifdef FOVEA_ARCHIVE

#include "memory.h"
#include "store.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { BLOCK = 65536, MAX_ENTRIES = 4096, DEFLATE_RATIO = 1032 };

static fv_status damaged(struct archive *zip, const char *path, fv_error *error) {
    const char *why = archive_error_string(zip);
    if (archive_errno(zip) == ENOMEM) return fv_fail_memory(error, path, 0);
    return fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "damaged NPZ: %s", why ? why : "cannot be unpacked");
}

/* Zip and nothing else: no other format or filter of libarchive is let in. */
static struct archive *open_zip(const char *path, size_t *file_size, fv_error *error) {
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
        fv_fail_at(error, FV_E_FILE, path, 0, 0, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    *file_size = (size_t)info.st_size;
    struct archive *zip = archive_read_new();
    if (!zip) {
        fv_fail_memory(error, path, 0);
        return NULL;
    }
    if (archive_read_support_format_zip_seekable(zip) < ARCHIVE_WARN ||
        archive_read_open_filename(zip, path, BLOCK) != ARCHIVE_OK) {
        damaged(zip, path, error);
        archive_read_free(zip);
        return NULL;
    }
    return zip;
}

/* The next array's name; an empty one behind the last. Entries that are no NPY are passed over, encrypted ones refused. */
static fv_status next_array(struct archive *zip, const char *path, int *entries, char name[FV_NPZ_NAME],
                            fv_error *error) {
    struct archive_entry *entry;
    for (name[0] = 0; (*entries)++ < MAX_ENTRIES;) {
        int code = archive_read_next_header(zip, &entry);
        if (code == ARCHIVE_EOF) return FV_OK;
        if (code < ARCHIVE_WARN) return damaged(zip, path, error);
        const char *full = archive_entry_pathname(entry);
        size_t length = full ? strlen(full) : 0;
        if (length < 5 || strcmp(full + length - 4, ".npy") != 0 || length - 4 >= FV_NPZ_NAME) continue;
        if (archive_entry_is_encrypted(entry)) return fv_fail_at(error, FV_E_UNSUPPORTED, path, 0, 0, "is encrypted");
        memcpy(name, full, length - 4);
        name[length - 4] = 0;
        return FV_OK;
    }
    return fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "more than %d files in the archive", MAX_ENTRIES);
}

fv_status fv_npz_names(const char *path, char names[][FV_NPZ_NAME], int *count, fv_error *error) {
    size_t file_size;
    int entries = 0;
    *count = 0;
    struct archive *zip = open_zip(path, &file_size, error);
    if (!zip) return FV_E_FORMAT;
    fv_status status = FV_OK;
    while (status == FV_OK) {
        char name[FV_NPZ_NAME];
        status = next_array(zip, path, &entries, name, error);
        if (status != FV_OK || !name[0]) break;
        if (*count == FV_NPZ_MOST)
            status = fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "more than %d arrays", FV_NPZ_MOST);
        else
            memcpy(names[(*count)++], name, sizeof name);
    }
    archive_read_free(zip);
    return status;
}

static fv_status unpack(struct archive *zip, const char *name, size_t limit, unsigned char **out, size_t *size,
                        fv_error *error) {
    size_t capacity = BLOCK;
    *size = 0;
    *out = fv_alloc(capacity);
    while (*out) {
        la_ssize_t got = archive_read_data(zip, *out + *size, capacity - *size);
        if (got < 0) return damaged(zip, name, error);
        if (got == 0) return FV_OK;
        *size += (size_t)got;
        if (*size > limit)
            return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "unpacks to more than the %zu bytes allowed here", limit);
        if (*size < capacity) continue;
        capacity = capacity < limit / 2 ? capacity * 2 : limit + 1;
        unsigned char *grown = fv_realloc(*out, capacity);
        if (!grown) break;
        *out = grown;
    }
    return fv_fail_memory(error, name, capacity);
}

fv_status fv_npz_read(const char *path, const char *name, size_t limit, fv_tensor *out, fv_error *error) {
    size_t file_size, size = 0;
    int entries = 0;
    unsigned char *bytes = NULL;
    char found[FV_NPZ_NAME], title[512];
    struct archive *zip = open_zip(path, &file_size, error);
    if (!zip) return FV_E_FORMAT;
    if (limit > SIZE_MAX / 4) limit = SIZE_MAX / 4;
    if (file_size < limit / DEFLATE_RATIO) limit = file_size * DEFLATE_RATIO;
    fv_status status;
    do {
        status = next_array(zip, path, &entries, found, error);
    } while (status == FV_OK && found[0] && strcmp(found, name) != 0);
    snprintf(title, sizeof title, "%.400s: %s.npy", path, name);
    if (status == FV_OK && !found[0])
        status = fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "no array \"%s\" in it", name);
    if (status == FV_OK) status = unpack(zip, title, limit, &bytes, &size, error);
    archive_read_free(zip);
    if (status == FV_OK) status = fv_npy_parse(bytes, size, title, out, error);
    fv_free(bytes);
    return status;
}

#else

static fv_status missing(const char *path, fv_error *error) {
    return fv_fail_at(
        error, FV_E_UNSUPPORTED, path, 0, 0,
        "is an NPZ file, which this build cannot read: install libarchive (libarchive-dev, libarchive-devel, "
        "libarchive) and build Fovea anew, or save the arrays as .npy");
}

fv_status fv_npz_names(const char *path, char names[][FV_NPZ_NAME], int *count, fv_error *error) {
    (void)names, (void)count;
    return missing(path, error);
}

fv_status fv_npz_read(const char *path, const char *name, size_t limit, fv_tensor *out, fv_error *error) {
    (void)name, (void)limit, (void)out;
    return missing(path, error);
}

#endif
