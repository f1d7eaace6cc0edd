/* source_npy.c - NumPy arrays: NAME.npy with NAME_labels.npy or labels.npy beside it, or a folder with x.npy and y.npy,
 * or with x_train.npy, y_train.npy, x_test.npy, y_test.npy. */
#include "source.h"
#include "bytes.h"
#include "folder.h"
#include "memory.h"
#include "store.h"
#include "text.h"

#include <string.h>

static const char *const parts[] = {"train", "test", NULL};

/* FOLDER/x.npy, FOLDER/y_train.npy ... into *out, NULL when there is no such file. Free with fv_free. */
static fv_status file_in(const char *folder, const char *variable, const char *part, char **out, fv_error *error) {
    fv_text text = {0};
    fv_text_printf(&text, "%s/%s%s%s.npy", folder, variable, part[0] ? "_" : "", part);
    return fv_path_existing(fv_text_take(&text), out, error);
}

static bool has_file(const char *folder, const char *variable, const char *part) {
    char *path = NULL;
    bool found = file_in(folder, variable, part, &path, NULL) == FV_OK && path;
    fv_free(path);
    return found;
}

/* NAME_labels.npy or labels.npy beside NAME.npy, or NULL. Free with fv_free. */
static fv_status labels_beside(const char *path, char **out, fv_error *error) {
    size_t length = strlen(path);
    fv_text text = {0};
    fv_text_add_n(&text, path, length > 4 && strcmp(path + length - 4, ".npy") == 0 ? length - 4 : length);
    fv_text_add(&text, "_labels.npy");
    fv_status status = fv_path_existing(fv_text_take(&text), out, error);
    if (status != FV_OK || *out || strcmp(fv_path_base(path), "labels.npy") == 0) return status;
    char *folder = fv_path_folder(path);
    status = fv_path_existing(folder ? fv_path_join(folder, "labels.npy") : NULL, out, error);
    fv_free(folder);
    return status;
}

static bool recognises(const char *path) {
    static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    unsigned char start[6];
    if (fv_is_folder(path))
        return has_file(path, "x", "") || has_file(path, "x", "train") || has_file(path, "x", "test");
    int64_t got = fv_read_start(path, start, sizeof start);
    return (got == (int64_t)sizeof start && memcmp(start, magic, sizeof magic) == 0) ||
           strcmp(fv_extension(path), "npy") == 0;
}

/* Opens the arrays; `targets` may be NULL. */
static fv_status open_files(const char *inputs, const char *targets, const bool has_parts[2], fv_data *out,
                            fv_error *error) {
    fv_arrays a = {.name = inputs, .owned = true, .other_parts = {has_parts[0], has_parts[1]}};
    fv_status status = fv_npy_read(inputs, &a.inputs, error);
    if (status == FV_OK && targets) status = fv_npy_read(targets, &a.targets, error);
    char *folder = status == FV_OK ? fv_path_folder(inputs) : NULL;
    if (status == FV_OK)
        status = folder ? fv_class_names_read(folder, &a.class_names, &a.class_name_count, error)
                        : fv_fail_memory(error, inputs, strlen(inputs));
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
    bool has[2] = {has_file(path, "x", parts[0]), has_file(path, "x", parts[1])};
    const char *present[3] = {NULL, NULL, NULL}, *suffix = "";
    int count = 0, chosen = 0;
    for (int i = 0; i < 2; i++)
        if (has[i]) present[count++] = parts[i];
    if (part[0] || (count > 0 && !has_file(path, "x", ""))) {
        fv_status status = fv_data_choose_part(path, part, present, &chosen, error);
        if (status != FV_OK) return status;
        suffix = present[chosen];
    }
    char *inputs = NULL, *targets = NULL;
    fv_status status = file_in(path, "x", suffix, &inputs, error);
    if (status == FV_OK) status = file_in(path, "y", suffix, &targets, error);
    if (status == FV_OK && inputs)
        status = open_files(inputs, targets, has, out, error);
    else if (status == FV_OK)
        status = fv_fail_at(error, FV_E_FILE, path, 0, 0, "x.npy cannot be found any more");
    fv_free(inputs);
    fv_free(targets);
    return status;
}

static fv_status open_npy(const char *path, const char *part, const fv_data_options *options, fv_data *out,
                          fv_error *error) {
    (void)options;
    if (fv_is_folder(path)) return open_folder(path, part, out, error);
    static const char *const no_parts[] = {NULL};
    int chosen = 0;
    fv_status status = part[0] ? fv_data_choose_part(path, part, no_parts, &chosen, error) : FV_OK;
    if (status != FV_OK) return status;
    char *labels = NULL;
    status = labels_beside(path, &labels, error);
    if (status == FV_OK) status = open_files(path, labels, (const bool[2]){false, false}, out, error);
    fv_free(labels);
    return status;
}

const fv_source fv_source_npy = {
    .name = "npy",
    .help = "NumPy arrays (x.npy and y.npy)",
    .recognises = recognises,
    .open = open_npy,
};
