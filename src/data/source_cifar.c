/* source_cifar.c - CIFAR-10 and CIFAR-100 as they come: the folder with data_batch_1.bin ... test_batch.bin, or with train.bin
 * and test.bin, or one such file; plain or gzip. */
#include "bytes.h"
#include "cifar.h"
#include "folder.h"
#include "memory.h"
#include "source.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

enum { MAX_FILE = 1 << 30 };

static const fv_cifar *const kinds[] = {&fv_cifar_10, &fv_cifar_100};
enum { KINDS = sizeof kinds / sizeof kinds[0] };
static const char *const parts[] = {"train", "test", NULL};

/* The files of a part: the list up to a NULL. */
static const char *const *files_of(const fv_cifar *kind, int part) {
    const char *const *files = kind->files;
    for (; part > 0; part--) {
        while (*files) files++;
        files++;
    }
    return files;
}

/* FOLDER/NAME or FOLDER/NAME.gz into *out, NULL when neither is there. Free with fv_free. */
static fv_status find_file(const char *folder, const char *name, char **out, fv_error *error) {
    fv_status status = fv_path_existing(fv_path_join(folder, name), out, error);
    if (status != FV_OK || *out) return status;
    fv_text text = {0};
    fv_text_printf(&text, "%s/%s.gz", folder, name);
    return fv_path_existing(fv_text_take(&text), out, error);
}

static bool has_file(const char *folder, const char *name) {
    char *path = NULL;
    bool found = find_file(folder, name, &path, NULL) == FV_OK && path;
    fv_free(path);
    return found;
}

static bool has_part(const fv_cifar *kind, const char *folder, int part) {
    for (const char *const *files = files_of(kind, part); *files; files++)
        if (has_file(folder, *files)) return true;
    return false;
}

static const fv_cifar *kind_of_folder(const char *folder) {
    for (int i = 0; i < KINDS; i++)
        if (has_part(kinds[i], folder, 0) || has_part(kinds[i], folder, 1)) return kinds[i];
    return NULL;
}

static const fv_cifar *kind_of_file(const char *path) {
    const char *name = fv_path_base(path);
    for (int i = 0; i < KINDS; i++)
        for (int part = 0; part < 2; part++)
            for (const char *const *files = files_of(kinds[i], part); *files; files++)
                if (strncmp(name, *files, strlen(*files)) == 0 &&
                    (!name[strlen(*files)] || strcmp(name + strlen(*files), ".gz") == 0))
                    return kinds[i];
    return NULL;
}

static bool recognises(const char *path) {
    return fv_is_folder(path) ? kind_of_folder(path) != NULL : kind_of_file(path) != NULL;
}

/* ---- class names ------------------------------------------------------------------------------------------------ */

/* The file beside the data, one name a line; the built-in names where there is none. One block, fv_free. */
static fv_status read_names(const fv_cifar *kind, const char *folder, char ***names, fv_error *error) {
    char *path = fv_path_join(folder, kind->names_file);
    int count = 0;
    if (!path) return fv_fail_memory(error, folder, strlen(folder));
    fv_status status = fv_names_read(path, names, &count, error);
    if (status == FV_OK && *names && count != kind->classes)
        status = fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "expected %d class names, got %d", kind->classes, count);
    fv_free(path);
    if (status != FV_OK || *names) return status;
    *names = fv_alloc_array((size_t)kind->classes, sizeof **names);
    if (!*names) return fv_fail_memory(error, "class names", (size_t)kind->classes * sizeof **names);
    for (int i = 0; i < kind->classes; i++) (*names)[i] = (char *)(size_t)kind->names[i];
    return FV_OK;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* The content of one file behind what is there already. */
static fv_status add_file(const fv_cifar *kind, const char *path, fv_arrays *a, fv_error *error) {
    unsigned char *bytes;
    size_t size, pixels_size, labels_size;
    fv_status status = fv_read_bytes(path, MAX_FILE, &bytes, &size, error);
    if (status != FV_OK) return status;
    int64_t records = fv_cifar_records(kind, size, path, error), before = a->inputs.data ? a->inputs.shape.dim[0] : 0;
    if (records == 0) {
        fv_free(bytes);
        return FV_E_FORMAT;
    }
    bool fits = fv_mul_size((size_t)(before + records), FV_CIFAR_PIXELS, &pixels_size) &&
                fv_mul_size((size_t)(before + records), sizeof(int32_t), &labels_size);
    void *pixels = fits ? fv_realloc(a->inputs.data, pixels_size) : NULL;
    if (pixels) a->inputs.data = pixels;
    void *labels = pixels ? fv_realloc(a->targets.data, labels_size) : NULL;
    if (labels) a->targets.data = labels;
    if (labels) {
        a->inputs.dtype = FV_U8, a->targets.dtype = FV_I32;
        a->inputs.shape = (fv_shape){4, {before + records, FV_CIFAR_SIDE, FV_CIFAR_SIDE, 3}};
        a->targets.shape = (fv_shape){1, {before + records}};
        status = fv_cifar_unpack(kind, bytes, size, path, (unsigned char *)pixels + (size_t)before * FV_CIFAR_PIXELS,
                                 (int32_t *)labels + before, error);
    } else
        status = fv_fail_memory(error, path, fits ? pixels_size : SIZE_MAX);
    fv_free(bytes);
    return status;
}

static fv_status finish(const fv_cifar *kind, fv_status status, const char *folder, fv_arrays *a, fv_data *out,
                        fv_error *error) {
    if (status == FV_OK) status = read_names(kind, folder, &a->class_names, error);
    a->class_name_count = kind->classes;
    if (status == FV_OK) status = fv_data_open_arrays(a, out, error);
    if (status != FV_OK) {
        fv_free(a->inputs.data);
        fv_free(a->targets.data);
        fv_free(a->class_names);
    }
    return status;
}

/* All files of the part: one that is missing would shrink the set unseen. */
static fv_status read_part(const fv_cifar *kind, const char *folder, int part, fv_arrays *a, fv_error *error) {
    fv_status status = FV_OK;
    for (const char *const *files = files_of(kind, part); *files && status == FV_OK; files++) {
        char *path = NULL;
        status = find_file(folder, *files, &path, error);
        if (status == FV_OK && !path)
            status = fv_fail_at(error, FV_E_FILE, folder, 0, 0, "%s is missing in the %s part of %s", *files,
                                parts[part], kind->name);
        if (status == FV_OK) status = add_file(kind, path, a, error);
        fv_free(path);
    }
    return status;
}

static fv_status open_cifar(const char *path, const char *part, const fv_data_options *options, fv_data *out,
                            fv_error *error) {
    static const char *const no_parts[] = {NULL};
    (void)options;
    char description[300];
    fv_arrays a = {.owned = true, .name = description};
    int chosen = 0;
    if (!fv_is_folder(path)) {
        const fv_cifar *kind = kind_of_file(path);
        fv_status status = part[0] ? fv_data_choose_part(path, part, no_parts, &chosen, error) : FV_OK;
        char *folder = status == FV_OK ? fv_path_folder(path) : NULL;
        if (status == FV_OK && !folder) status = fv_fail_memory(error, path, strlen(path));
        if (status == FV_OK) status = add_file(kind, path, &a, error);
        snprintf(description, sizeof description, "%.200s", path);
        status = finish(kind, status, folder, &a, out, error);
        fv_free(folder);
        return status;
    }
    const fv_cifar *kind = kind_of_folder(path);
    const char *present[3] = {NULL};
    int numbers[2], count = 0;
    for (int i = 0; i < 2; i++)
        if ((a.other_parts[i] = has_part(kind, path, i))) numbers[count] = i, present[count++] = parts[i];
    fv_status status = fv_data_choose_part(path, part, present, &chosen, error);
    if (status != FV_OK) return status;
    snprintf(description, sizeof description, "%s, %s part", kind->name, present[chosen]);
    return finish(kind, read_part(kind, path, numbers[chosen], &a, error), path, &a, out, error);
}

const fv_source fv_source_cifar = {
    .name = "cifar",
    .help = "CIFAR-10 or CIFAR-100 in binary form",
    .recognises = recognises,
    .open = open_cifar,
};
