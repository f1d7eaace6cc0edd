/* files.h - for tests of files: a folder of its own that vanishes, gzip, and checks that show the message. */
#ifndef FV_TEST_FILES_H
#define FV_TEST_FILES_H

#include "fovea.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

static char temp_folder[160];
static fv_error problem;

static inline int make_temp(void **state) {
    (void)state;
    const char *place = getenv("TMPDIR");
    snprintf(temp_folder, sizeof temp_folder, "%s/fovea-test-XXXXXX", place ? place : P_tmpdir);
    return mkdtemp(temp_folder) ? 0 : -1;
}

static inline void empty_folder(const char *folder, int *count, int keep) {
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[1024];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(path, sizeof path, "%.500s/%.255s", folder, entry->d_name);
        (*count)++;
        if (!keep && unlink(path) != 0) {
            empty_folder(path, count, keep);
            rmdir(path);
        }
    }
    closedir(dir);
}

static inline int files_in_temp(void) {
    int count = 0;
    empty_folder(temp_folder, &count, 1);
    return count;
}

static inline int clean_temp(void **state) {
    (void)state;
    int count = 0;
    empty_folder(temp_folder, &count, 0);
    return 0;
}

static inline int remove_temp(void **state) {
    clean_temp(state);
    return rmdir(temp_folder);
}

/* Valid until the fourth call after this one. */
static inline const char *temp_path(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", temp_folder, name);
    return path;
}

static inline const char *write_temp(const char *name, const void *bytes, size_t size) {
    const char *path = temp_path(name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) fail_msg("%s cannot be written", path);
    return path;
}

/* Free with free. */
static inline unsigned char *gzip(const void *bytes, size_t size, size_t *packed_size) {
    z_stream z = {0};
    unsigned char *out = malloc(size + size / 100 + 200);
    deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (unsigned char *)bytes;
    z.avail_in = (unsigned)size;
    z.next_out = out;
    z.avail_out = (unsigned)(size + size / 100 + 200);
    deflate(&z, Z_FINISH);
    *packed_size = z.total_out;
    deflateEnd(&z);
    return out;
}

#define check_ok(call)                                                                                                 \
    do {                                                                                                               \
        if ((call) != FV_OK) fail_msg("%s: %s: %s", #call, problem.file, problem.message);                             \
    } while (0)

#define check_fails(call, expected, words)                                                                             \
    do {                                                                                                               \
        problem = (fv_error){0};                                                                                       \
        fv_status check_status = (call);                                                                               \
        if (check_status != (expected) || !strstr(problem.message, words))                                             \
            fail_msg("%s: expected %s with \"%s\", got %s \"%s\"", #call, fv_status_name(expected), words,             \
                     fv_status_name(check_status), problem.message);                                                   \
    } while (0)

#endif
