/* bytes.c - whole files in and out, bounded. */
#include "bytes.h"
#include "memory.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* A buffer that doubles up to `limit` bytes; one more byte is always kept for the closing zero. */
typedef struct buffer {
    unsigned char *data;
    size_t size, capacity, limit;
} buffer;

/* More room, or false when memory is short. The caller has seen that size < limit. */
static bool buffer_grow(buffer *b) {
    size_t capacity = b->capacity < b->limit / 2 ? b->capacity * 2 : b->limit;
    if (capacity == SIZE_MAX) return false;
    unsigned char *data = fv_realloc(b->data, capacity + 1);
    if (!data) return false;
    b->data = data;
    b->capacity = capacity;
    return true;
}

static fv_status buffer_start(buffer *b, size_t capacity, size_t limit, const char *name, fv_error *error) {
    if (capacity == 0) capacity = 1;
    *b = (buffer){.capacity = capacity, .limit = limit > capacity ? limit : capacity};
    b->data = capacity < SIZE_MAX ? fv_alloc(capacity + 1) : NULL;
    return b->data ? FV_OK : fv_fail_memory(error, name, capacity);
}

static fv_status too_large(const char *path, size_t limit, fv_error *error) {
    return fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "holds more than the %zu bytes allowed here", limit);
}

static fv_status read_descriptor(int fd, const char *path, size_t limit, buffer *b, fv_error *error) {
    struct stat info;
    if (fstat(fd, &info) != 0) return fv_fail_at(error, FV_E_FILE, path, 0, 0, "cannot be read: %s", strerror(errno));
    if (S_ISDIR(info.st_mode)) return fv_fail_at(error, FV_E_FILE, path, 0, 0, "is a folder, expected a file");
    size_t expected = 65536;
    if (S_ISREG(info.st_mode)) {
        if ((uint64_t)info.st_size > limit) return too_large(path, limit, error);
        expected = (size_t)info.st_size + 1; /* one more, so that the end is seen without growing */
    }
    fv_status status = buffer_start(b, expected, limit < SIZE_MAX - 1 ? limit + 1 : limit, path, error);
    while (status == FV_OK) {
        if (b->size == b->capacity && !buffer_grow(b)) return fv_fail_memory(error, path, b->capacity);
        ssize_t got = read(fd, b->data + b->size, b->capacity - b->size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fv_fail_at(error, FV_E_FILE, path, 0, 0, "cannot be read: %s", strerror(errno));
        if (got == 0) break;
        b->size += (size_t)got;
        if (b->size > limit) return too_large(path, limit, error);
    }
    return status;
}

fv_status fv_read_raw_bytes(const char *path, size_t limit, unsigned char **out, size_t *size, fv_error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fv_fail_at(error, FV_E_FILE, path, 0, 0, "cannot be opened: %s", strerror(errno));
    buffer b = {0};
    fv_status status = read_descriptor(fd, path, limit, &b, error);
    close(fd);
    if (status != FV_OK) {
        fv_free(b.data);
        return status;
    }
    b.data[b.size] = 0;
    *out = b.data;
    *size = b.size;
    return FV_OK;
}

/* ---- gzip ------------------------------------------------------------------------------------------------------- */

bool fv_is_gzip(const unsigned char *bytes, size_t size) { return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b; }

static void *zlib_alloc(void *unused, unsigned count, unsigned each) {
    (void)unused;
    return fv_alloc_array(count, each);
}

static void zlib_free(void *unused, void *memory) {
    (void)unused;
    fv_free(memory);
}

/* zlib counts in 32 bits: at most this much is handed over at once. */
static unsigned chunk(size_t bytes) { return bytes < 1u << 30 ? (unsigned)bytes : 1u << 30; }

static fv_status inflate_all(z_stream *z, const unsigned char *in, size_t in_size, const char *name, size_t limit,
                             buffer *b, fv_error *error) {
    size_t used = 0;
    for (;;) {
        if (b->size == b->capacity && !buffer_grow(b)) return fv_fail_memory(error, name, b->capacity);
        unsigned give = chunk(in_size - used), room = chunk(b->capacity - b->size);
        z->next_in = (unsigned char *)in + used; /* zlib's pointer is not const, but it only reads */
        z->avail_in = give;
        z->next_out = b->data + b->size;
        z->avail_out = room;
        int result = inflate(z, Z_NO_FLUSH);
        unsigned took = give - z->avail_in, made = room - z->avail_out;
        used += took;
        b->size += made;
        if (b->size > limit) return too_large(name, limit, error);
        if (result == Z_STREAM_END) {
            if (used == in_size) return FV_OK;
            if (!fv_is_gzip(in + used, in_size - used))
                return fv_fail_at(error, FV_E_FORMAT, name, 0, 0,
                                  "has %zu bytes of something else behind its gzip data", in_size - used);
            inflateReset(z); /* RFC 1952: members follow one another */
        } else if (result == Z_MEM_ERROR) {
            return fv_fail_memory(error, name, 65536);
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "damaged gzip data: %s",
                              z->msg ? z->msg : "unexpected content");
        } else if (used == in_size && z->avail_out > 0) {
            return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "truncated gzip data: the file ends after %zu bytes",
                              in_size);
        } else if (took == 0 && made == 0 && b->size < b->capacity) {
            return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "damaged gzip data");
        }
    }
}

fv_status fv_gunzip_bytes(const unsigned char *in, size_t in_size, size_t limit, const char *name, unsigned char **out,
                          size_t *size, fv_error *error) {
    buffer b = {0};
    size_t above = limit < SIZE_MAX - 1 ? limit + 1 : limit;
    size_t guess = in_size < above / 4 ? in_size * 4 : above;
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (inflateInit2(&z, 15 + 16) != Z_OK) return fv_fail_memory(error, name, 65536); /* 16: gzip only */
    fv_status status = buffer_start(&b, guess, above, name, error);
    if (status == FV_OK) status = inflate_all(&z, in, in_size, name, limit, &b, error);
    inflateEnd(&z);
    if (status != FV_OK) {
        fv_free(b.data);
        return status;
    }
    b.data[b.size] = 0;
    *out = b.data;
    *size = b.size;
    return FV_OK;
}

fv_status fv_read_bytes(const char *path, size_t limit, unsigned char **out, size_t *size, fv_error *error) {
    /* Deflate adds at most 5 bytes per 16 KiB to what it cannot compress. */
    size_t raw_limit = limit < SIZE_MAX / 2 ? limit + limit / 1024 + 1024 : limit;
    unsigned char *raw;
    size_t raw_size;
    fv_status status = fv_read_raw_bytes(path, raw_limit, &raw, &raw_size, error);
    if (status != FV_OK) return status;
    if (!fv_is_gzip(raw, raw_size)) {
        if (raw_size > limit) {
            fv_free(raw);
            return too_large(path, limit, error);
        }
        *out = raw;
        *size = raw_size;
        return FV_OK;
    }
    status = fv_gunzip_bytes(raw, raw_size, limit, path, out, size, error);
    fv_free(raw);
    return status;
}

int64_t fv_read_start(const char *path, unsigned char *out, size_t size) {
    struct stat info; /* a pipe would lose its beginning, a device might block */
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return -1;
    gzFile file = gzopen(path, "rb"); /* reads plain files too */
    if (!file) return -1;
    int got = gzread(file, out, chunk(size));
    gzclose(file);
    return got;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static atomic_uint_fast64_t writings;
static atomic_int_fast64_t fail_after = -1;
static atomic_int fail_why;

uint64_t fv_write_count(void) { return atomic_load(&writings); }

void fv_write_fail_after(int64_t countdown, int why) {
    atomic_store(&fail_why, why);
    atomic_store(&fail_after, countdown);
}

/* Counts a step of writing; false, with errno set, when a test wants this one to fail. */
static bool allowed(void) {
    atomic_fetch_add_explicit(&writings, 1, memory_order_relaxed);
    if (atomic_load_explicit(&fail_after, memory_order_relaxed) < 0) return true;
    if (atomic_fetch_sub(&fail_after, 1) != 0) return true;
    errno = atomic_load(&fail_why);
    return false;
}

static fv_status cannot_write(const char *path, int why, fv_error *error) {
    return fv_fail_at(error, FV_E_FILE, path, 0, 0, "cannot be written: %s", strerror(why));
}

/* A new file beside `path`; its name into *name (free with fv_free). */
static int create_beside(const char *path, char **name, fv_error *error) {
    for (int i = 0; i < 1000; i++) {
        fv_text text = {0};
        fv_text_printf(&text, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        *name = fv_text_take(&text);
        if (!*name) {
            fv_fail_memory(error, path, strlen(path));
            return -1;
        }
        int fd = allowed() ? open(*name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666) : -1;
        if (fd >= 0) return fd;
        fv_free(*name);
        *name = NULL;
        if (errno != EEXIST) break;
    }
    cannot_write(path, errno, error);
    return -1;
}

static bool write_all(int fd, const unsigned char *data, size_t size) {
    while (size > 0) {
        ssize_t wrote = allowed() ? write(fd, data, size < 1u << 30 ? size : 1u << 30) : -1;
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote == 0) errno = EIO;
        if (wrote <= 0) return false;
        data += wrote;
        size -= (size_t)wrote;
    }
    return true;
}

/* Does the file hold these bytes from `at` on? */
static bool same_bytes(int fd, off_t at, const unsigned char *data, size_t size) {
    unsigned char piece[16384];
    while (size > 0) {
        ssize_t got = pread(fd, piece, size < sizeof piece ? size : sizeof piece, at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        if (got == 0 || memcmp(piece, data, (size_t)got) != 0) return errno = EIO, false;
        data += got;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

/* What was written is read again: some file systems only notice then. */
static bool holds(int fd, const fv_part *parts, int count) {
    off_t at = 0;
    if (!allowed()) return false;
    for (int i = 0; i < count; i++) {
        if (!same_bytes(fd, at, parts[i].data, parts[i].size)) return false;
        at += (off_t)parts[i].size;
    }
    return true;
}

/* So that the rename itself survives a power cut. Where a file system cannot, the file's content is safe either way. */
static bool sync_folder(const char *folder) {
    int fd = allowed() ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0) return errno == EACCES; /* a folder may be written to without being readable */
    bool good = allowed() && (fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP);
    int why = errno;
    close(fd);
    errno = why;
    return good;
}

/* The folder that `path` lies in; free with fv_free. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    char *folder = fv_alloc(length + 2);
    if (!folder) return NULL;
    memcpy(folder, path, length);
    if (length == 0) folder[0] = slash ? '/' : '.';
    return folder;
}

/* The file at `path` gets a second name, or, where there are no second names, that name alone. */
static bool keep_as(const char *path, const char *previous) {
    if (!allowed()) return false;
    if (unlink(previous) != 0 && errno != ENOENT) return false;
    if (!allowed()) return false;
    return link(path, previous) == 0 || rename(path, previous) == 0;
}

fv_status fv_replace_bytes(const char *path, const char *previous, const fv_part *parts, int count, fv_error *error) {
    struct stat old;
    bool replaces = stat(path, &old) == 0;
    if (replaces && !S_ISREG(old.st_mode))
        return fv_fail_at(error, FV_E_FILE, path, 0, 0, "cannot be written: is not a regular file");
    char *name = NULL, *folder = folder_of(path);
    if (!folder) return fv_fail_memory(error, path, strlen(path));
    int fd = create_beside(path, &name, error);
    if (fd < 0) {
        fv_free(folder);
        return error ? error->status : FV_E_FILE;
    }
    bool good = !replaces || fchmod(fd, old.st_mode & 07777) == 0;
    for (int i = 0; good && i < count; i++) good = write_all(fd, parts[i].data, parts[i].size);
    good = good && allowed() && fsync(fd) == 0 && holds(fd, parts, count);
    int why = errno;
    if ((close(fd) != 0 || (good && !allowed())) && good) good = false, why = errno;
    if (good && replaces && previous && !keep_as(path, previous)) good = false, why = errno;
    if (good && (!allowed() || rename(name, path) != 0)) good = false, why = errno;
    if (!good)
        unlink(name);
    else if (!sync_folder(folder))
        good = false, why = errno;
    fv_free(folder);
    fv_free(name);
    return good ? FV_OK : cannot_write(path, why, error);
}

fv_status fv_write_bytes(const char *path, const fv_part *parts, int count, fv_error *error) {
    return fv_replace_bytes(path, NULL, parts, count, error);
}

fv_status fv_append_bytes(const char *path, const void *data, size_t size, fv_error *error) {
    struct stat old;
    int fd = allowed() ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (fd < 0) return cannot_write(path, errno, error);
    bool good = fstat(fd, &old) == 0 && write_all(fd, data, size);
    int why = errno;
    if (!good && ftruncate(fd, old.st_size) != 0) why = errno; /* no half of a line stays behind */
    if (close(fd) != 0 && good) good = false, why = errno;
    return good ? FV_OK : cannot_write(path, why, error);
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

const char *fv_extension(const char *path) {
    static _Thread_local char extension[16];
    const char *slash = strrchr(path, '/'), *point = strrchr(slash ? slash + 1 : path, '.');
    size_t length = 0;
    if (point && point != path && point[-1] != '/')
        while (point[length + 1] && length < sizeof extension - 1) {
            extension[length] = (char)tolower((unsigned char)point[length + 1]);
            length++;
        }
    extension[length] = 0;
    return extension;
}
