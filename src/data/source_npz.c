/* source_npz.c - NumPy arrays in one NPZ file: x and y, or x_train, y_train, x_test, y_test, or other usual names for them. */
#include "bytes.h"
#include "folder.h"
#include "memory.h"
#include "npz.h"
#include "source.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How people call the arrays; %s is the part, or nothing together with one underscore. */
static const struct {
    const char *inputs, *targets;
} pairs[] = {{"x_%s", "y_%s"},
             {"X_%s", "y_%s"},
             {"X_%s", "Y_%s"},
             {"%s_images", "%s_labels"},
             {"%s_x", "%s_y"},
             {"%s_data", "%s_labels"},
             {"x", "y"},
             {"X", "y"},
             {"X", "Y"},
             {"images", "labels"},
             {"data", "labels"},
             {"inputs", "targets"},
             {"features", "labels"},
             {"arr_0", "arr_1"}};
enum { PAIRS = sizeof pairs / sizeof pairs[0], PARTS = 3 };
static const char *const parts[PARTS + 1] = {"train", "validation", "test", NULL};

typedef struct names {
    char list[FV_NPZ_MOST][FV_NPZ_NAME];
    int count;
} names;

static bool has(const names *n, const char *name) {
    for (int i = 0; i < n->count; i++)
        if (strcmp(n->list[i], name) == 0) return true;
    return false;
}

/* "x_%s" with "train" */
static void fill_name(const char *pattern, const char *part, char out[FV_NPZ_NAME]) {
    const char *gap = strstr(pattern, "%s");
    int before = gap ? (int)(gap - pattern) : (int)strlen(pattern);
    if (strcmp(part, "validation") == 0) part = "val";
    snprintf(out, FV_NPZ_NAME, "%.*s%s%s", before, pattern, gap ? part : "", gap ? gap + 2 : "");
}

/* The pair of a part ("" for the whole), -1 if there is none. */
static int find_pair(const names *n, const char *part) {
    char name[FV_NPZ_NAME];
    for (int i = 0; i < PAIRS; i++) {
        if ((strstr(pairs[i].inputs, "%s") != NULL) != (part[0] != 0)) continue;
        fill_name(pairs[i].inputs, part, name);
        if (has(n, name)) return i;
    }
    return -1;
}

static bool recognises(const char *path) {
    unsigned char start[4];
    if (fv_is_folder(path)) return false;
    int64_t got = fv_read_start(path, start, sizeof start);
    return (got > 0 && fv_npz_is(start, (size_t)got)) || strcmp(fv_extension(path), "npz") == 0;
}

/* Half of the machine's memory: what is unpacked stays there. */
static size_t memory_limit(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (size_t)pages / 2 * (size_t)page : (size_t)1 << 31;
}

static fv_status no_arrays(const char *path, const names *n, fv_error *error) {
    fv_text text = {0};
    char name[4 * FV_NPZ_NAME];
    for (int i = 0; i < n->count && i < 8; i++) {
        fv_escape(n->list[i], name, sizeof name);
        fv_text_printf(&text, "%s%s", i ? ", " : "", name);
    }
    fv_status status =
        fv_fail_at(error, FV_E_FORMAT, path, 0, 0,
                   "expected arrays called x and y, x_train and y_train, or images and labels; it has %s",
                   text.length ? text.data : "none");
    fv_text_free(&text);
    return status;
}

static fv_status open_pair(const char *path, const names *n, int pair, const char *part, fv_arrays *a, fv_data *out,
                           fv_error *error) {
    char inputs[FV_NPZ_NAME], targets[FV_NPZ_NAME];
    fill_name(pairs[pair].inputs, part, inputs);
    fill_name(pairs[pair].targets, part, targets);
    fv_status status = fv_npz_read(path, inputs, memory_limit(), &a->inputs, error);
    if (status == FV_OK && has(n, targets)) status = fv_npz_read(path, targets, memory_limit(), &a->targets, error);
    char *folder = status == FV_OK ? fv_path_folder(path) : NULL;
    if (status == FV_OK)
        status = folder ? fv_class_names_read(folder, &a->class_names, &a->class_name_count, error)
                        : fv_fail_memory(error, path, strlen(path));
    fv_free(folder);
    if (status == FV_OK) status = fv_data_open_arrays(a, out, error);
    if (status != FV_OK) {
        fv_free(a->inputs.data);
        fv_free(a->targets.data);
        fv_free(a->class_names);
    }
    return status;
}

static fv_status open_npz(const char *path, const char *part, const fv_data_options *options, fv_data *out,
                          fv_error *error) {
    (void)options;
    fv_arrays a = {.name = path, .owned = true};
    const char *present[PARTS + 1] = {NULL};
    int count = 0, chosen = 0;
    names *n = fv_alloc(sizeof *n);
    if (!n) return fv_fail_memory(error, path, sizeof *n);
    fv_status status = fv_npz_names(path, n->list, &n->count, error);
    for (int i = 0; status == FV_OK && i < PARTS; i++)
        if (find_pair(n, parts[i]) >= 0) present[count++] = parts[i];
    if (status == FV_OK && count == 0 && find_pair(n, "") < 0) status = no_arrays(path, n, error);
    if (status == FV_OK && (part[0] || count > 0)) status = fv_data_choose_part(path, part, present, &chosen, error);
    if (status == FV_OK) {
        for (int i = 0; i < count; i++) {
            a.other_parts[0] |= strcmp(present[i], "train") == 0;
            a.other_parts[1] |= strcmp(present[i], "test") == 0;
        }
        const char *name = count > 0 ? present[chosen] : "";
        status = open_pair(path, n, find_pair(n, name), name, &a, out, error);
    }
    fv_free(n);
    return status;
}

const fv_source fv_source_npz = {
    .name = "npz",
    .help = "NumPy arrays in one .npz",
    .recognises = recognises,
    .open = open_npz,
};
