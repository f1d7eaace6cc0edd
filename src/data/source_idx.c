/* source_idx.c - MNIST and its relatives: a folder with NAME-images-idx3-ubyte and NAME-labels-idx1-ubyte, plain or
 * gzip, where NAME tells the part (train, t10k); or a single IDX file. */
#include "source.h"
#include "bytes.h"
#include "folder.h"
#include "idx.h"
#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

enum { MAX_PARTS = 16, PART_SIZE = 48 };

/* The parts of a folder: their names and the files of their pictures. */
typedef struct parts {
    char names[MAX_PARTS][PART_SIZE];
    const char *list[MAX_PARTS + 1]; /* the same, up to a NULL */
    int files[MAX_PARTS];            /* index into the folder's names */
    int count;
} parts;

/* Where in `name` the word "images" begins when the name is like train-images-idx3-ubyte, train-images.idx3-ubyte.gz.
 */
static const char *images_in(const char *name) {
    const char *found = NULL, *images = name;
    while ((images = strstr(images, "images"))) found = images++;
    if (!found || (found[6] != '-' && found[6] != '.') || strncmp(found + 7, "idx", 3) != 0) return NULL;
    const char *end = strchr(found + 7, '-');
    return end && (strcmp(end, "-ubyte") == 0 || strcmp(end, "-ubyte.gz") == 0) ? found : NULL;
}

/* "train-", "emnist-letters-train-", "t10k-" */
static void name_part(const char *file, const char *images, char out[PART_SIZE]) {
    size_t length = (size_t)(images - file);
    while (length > 0 && strchr("-_.", file[length - 1])) length--;
    snprintf(out, PART_SIZE, "%.*s", (int)(length < PART_SIZE ? length : PART_SIZE - 1), file);
    if (strstr(out, "train"))
        snprintf(out, PART_SIZE, "train");
    else if (strstr(out, "t10k") || strstr(out, "test"))
        snprintf(out, PART_SIZE, "test");
}

static fv_status find_parts(const char *path, const fv_folder *folder, parts *p, fv_error *error) {
    for (int i = 0; i < folder->count; i++) {
        const char *images = images_in(folder->names[i]);
        if (!images) continue;
        char name[PART_SIZE];
        name_part(folder->names[i], images, name);
        for (int k = 0; k < p->count; k++)
            if (strcmp(p->names[k], name) == 0)
                return fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "two files for the part \"%s\": %.100s and %.100s",
                                  name, folder->names[p->files[k]], folder->names[i]);
        if (p->count == MAX_PARTS)
            return fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "more than %d files of pictures", MAX_PARTS);
        memcpy(p->names[p->count], name, sizeof name);
        p->list[p->count] = p->names[p->count];
        p->files[p->count++] = i;
    }
    return FV_OK;
}

/* The labels' file that goes with a pictures' file (plain or gzip); NULL when there is none. Free with fv_free. */
static fv_status labels_beside(const char *file, char **out, fv_error *error) {
    const char *images = images_in(fv_path_base(file));
    fv_status status = FV_OK;
    for (int i = 0; images && !*out && status == FV_OK && i < 4; i++) {
        fv_text text = {0};
        fv_text_add_n(&text, file, (size_t)(images - file));
        fv_text_printf(&text, "labels%cidx1-ubyte%s",
                       i < 2              ? images[6]
                       : images[6] == '-' ? '.'
                                          : '-',
                       i % 2 ? ".gz" : "");
        status = fv_path_existing(fv_text_take(&text), out, error);
    }
    return status;
}

static bool recognises(const char *path) {
    unsigned char start[8];
    if (!fv_is_folder(path)) {
        int64_t got = fv_read_start(path, start, sizeof start);
        return images_in(fv_path_base(path)) || (got > 0 && fv_idx_is(start, (size_t)got));
    }
    fv_folder folder;
    bool found = false;
    if (fv_folder_read(path, &folder, NULL) != FV_OK) return false;
    for (int i = 0; i < folder.count && !found; i++) found = images_in(folder.names[i]) != NULL;
    fv_folder_free(&folder);
    return found;
}

static fv_status read_labels(const char *file, const fv_tensor *pictures, fv_tensor *out, fv_error *error) {
    char *path = NULL;
    fv_status status = labels_beside(file, &path, error);
    if (status != FV_OK || !path) return status;
    status = fv_idx_read(path, out, error);
    if (status == FV_OK && out->shape.rank != 1)
        status = fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "expected labels (rank 1, magic 0x00000801), got rank %d",
                            out->shape.rank);
    else if (status == FV_OK && out->shape.dim[0] != pictures->shape.dim[0])
        status = fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "%lld labels for %lld pictures in %.100s",
                            (long long)out->shape.dim[0], (long long)pictures->shape.dim[0], fv_path_base(file));
    fv_free(path);
    return status;
}

/* Opens the pictures in `file` and what lies beside them. */
static fv_status open_file(const char *file, const bool has_parts[2], bool labels_expected, fv_data *out,
                           fv_error *error) {
    fv_arrays a = {.name = file, .owned = true, .other_parts = {has_parts[0], has_parts[1]}};
    fv_status status = fv_idx_read(file, &a.inputs, error);
    if (status == FV_OK && a.inputs.shape.rank < 2)
        status = fv_fail_at(error, FV_E_FORMAT, file, 0, 0,
                            "holds single numbers (labels?), expected pictures (rank 3, magic 0x00000803)");
    if (status == FV_OK) status = read_labels(file, &a.inputs, &a.targets, error);
    if (status == FV_OK && labels_expected && !a.targets.data)
        status =
            fv_fail_at(error, FV_E_FILE, file, 0, 0, "the labels that belong to it (...labels-idx1-ubyte) are missing");
    char *folder = status == FV_OK ? fv_path_folder(file) : NULL;
    if (status == FV_OK)
        status = folder ? fv_class_names_read(folder, &a.class_names, &a.class_name_count, error)
                        : fv_fail_memory(error, file, strlen(file));
    fv_free(folder);
    if (status == FV_OK) status = fv_data_open_arrays(&a, out, error);
    if (status != FV_OK) {
        fv_free(a.inputs.data);
        fv_free(a.targets.data);
        fv_free(a.class_names);
    }
    return status;
}

static fv_status open_folder(const char *path, const char *part, fv_data *out, fv_error *error) {
    parts p = {0};
    fv_folder folder;
    int chosen = 0;
    fv_status status = fv_folder_read(path, &folder, error);
    if (status == FV_OK) status = find_parts(path, &folder, &p, error);
    if (status == FV_OK) status = fv_data_choose_part(path, part, p.list, &chosen, error);
    if (status == FV_OK) {
        char *file = fv_path_join(path, folder.names[p.files[chosen]]);
        bool has[2] = {false, false};
        for (int i = 0; i < p.count; i++) {
            if (strcmp(p.names[i], "train") == 0) has[0] = true;
            if (strcmp(p.names[i], "test") == 0) has[1] = true;
        }
        status = file ? open_file(file, has, true, out, error) : fv_fail_memory(error, path, strlen(path));
        fv_free(file);
    }
    fv_folder_free(&folder);
    return status;
}

static fv_status open_idx(const char *path, const char *part, const fv_data_options *options, fv_data *out,
                          fv_error *error) {
    (void)options;
    if (fv_is_folder(path)) return open_folder(path, part, out, error);
    static const char *const no_parts[] = {NULL};
    int chosen = 0;
    fv_status status = part[0] ? fv_data_choose_part(path, part, no_parts, &chosen, error) : FV_OK;
    return status == FV_OK ? open_file(path, (const bool[2]){false, false}, false, out, error) : status;
}

const fv_source fv_source_idx = {
    .name = "idx",
    .help = "IDX files as of MNIST (plain or .gz)",
    .recognises = recognises,
    .open = open_idx,
};
