/* picture_sets.h - for tests: folders of small pictures, and reading what comes out. */
#ifndef FV_TEST_PICTURE_SETS_H
#define FV_TEST_PICTURE_SETS_H

#include "files.h"

/* Makes the folders on the way to a file in the temporary folder. */
static inline void make_folders(const char *name) {
    char path[512];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(path, sizeof path, "%.200s/%.*s", temp_folder, (int)(slash - name), name);
        mkdir(path, 0777);
    }
}

/* A grey picture (PGM) of one value. */
static inline const char *write_grey(const char *name, int height, int width, int value) {
    char bytes[8192];
    int start = snprintf(bytes, sizeof bytes, "P5 %d %d 255\n", width, height);
    memset(bytes + start, value, (size_t)(height * width));
    make_folders(name);
    return write_temp(name, bytes, (size_t)(start + height * width));
}

static inline const char *write_text(const char *name, const char *text) {
    make_folders(name);
    return write_temp(name, text, strlen(text));
}

static inline fv_data *open_set(const char *spec, const fv_data_options *options) {
    problem = (fv_error){0};
    fv_data *data = fv_data_open_with(spec, &problem, options);
    if (!data) fail_msg("%s: %s: %s", spec, problem.file, problem.message);
    return data;
}

#define check_refused(spec, options, words)                                                                            \
    do {                                                                                                               \
        problem = (fv_error){0};                                                                                       \
        fv_data *refused = fv_data_open_with(spec, &problem, options);                                                 \
        if (refused)                                                                                                   \
            fail_msg("%s: expected \"%s\", but it opens with %lld samples", spec, words,                               \
                     (long long)fv_data_count(refused));                                                               \
        char refused_text[800];                                                                                        \
        fv_error_text(&problem, refused_text, sizeof refused_text);                                                    \
        if (!strstr(refused_text, words)) fail_msg("%s: expected \"%s\", got \"%s\"", spec, words, refused_text);      \
    } while (0)

/* The first byte of the picture, and the class (-1: none). */
static inline int first_byte(fv_data *data, int64_t index, int *class_number) {
    static unsigned char picture[1 << 16];
    int32_t target[64] = {-1};
    void *out[] = {picture, target};
    check_ok(fv_data_read(data, index, out, &problem));
    if (class_number) *class_number = target[0];
    return picture[0];
}

#endif
