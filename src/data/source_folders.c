/* source_folders.c - a folder of pictures for each class: ROOT/CLASS/ANYTHING, or ROOT/train/CLASS/... with validation (or val) and test beside
 * it. Without such parts every fifth picture of a class is the test part. Folders in a class folder belong to the class;
 * links to folders are followed only for the class folders themselves, so that there are no loops. */
#include "folder.h"
#include "hash.h"
#include "memory.h"
#include "pictures.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 32, TEST_SHARE = 5 };

/* ---- what lies in a folder -------------------------------------------------------------------------------------- */

typedef enum kind { KIND_OTHER, KIND_FILE, KIND_FOLDER, KIND_LINKED_FOLDER } kind;

/* A link that leads nowhere counts as a file: when it is read it is named. */
static kind kind_of(const char *path) {
    struct stat info, target;
    if (lstat(path, &info) != 0) return KIND_OTHER;
    if (S_ISDIR(info.st_mode)) return KIND_FOLDER;
    if (!S_ISLNK(info.st_mode)) return S_ISREG(info.st_mode) ? KIND_FILE : KIND_OTHER;
    if (stat(path, &target) != 0) return KIND_FILE;
    return S_ISDIR(target.st_mode) ? KIND_LINKED_FOLDER : S_ISREG(target.st_mode) ? KIND_FILE : KIND_OTHER;
}

static bool is_any_folder(const char *path) {
    kind k = kind_of(path);
    return k == KIND_FOLDER || k == KIND_LINKED_FOLDER;
}

/* Keeps the folders (or, for `folders` false, the pictures) among the names. */
static fv_status keep_only(const char *path, fv_folder *names, bool folders, fv_error *error) {
    int kept = 0;
    fv_status status = FV_OK;
    for (int i = 0; i < names->count; i++) {
        char *full = status == FV_OK ? fv_path_join(path, names->names[i]) : NULL;
        bool keep = full && (folders ? is_any_folder(full) : kind_of(full) == KIND_FILE && fv_names_picture(full));
        if (!full && status == FV_OK) status = fv_fail_memory(error, path, strlen(path));
        fv_free(full);
        if (keep)
            names->names[kept++] = names->names[i];
        else
            fv_free(names->names[i]);
    }
    names->count = kept;
    return status;
}

static fv_status list(const char *path, bool folders, fv_folder *out, fv_error *error) {
    fv_status status = fv_folder_read(path, out, error);
    if (status == FV_OK) status = keep_only(path, out, folders, error);
    if (status != FV_OK) fv_folder_free(out);
    return status;
}

static bool holds_folders(const char *path) {
    fv_folder names = {0};
    bool found = list(path, true, &names, NULL) == FV_OK && names.count > 0;
    fv_folder_free(&names);
    return found;
}

/* ---- parts ------------------------------------------------------------------------------------------------------ */

/* The folder of part `part` below the root, NULL if there is none. Free with fv_free. */
static char *part_folder(const char *root, int part) {
    static const char *const names[FV_PARTS][3] = {
        {"train", "training", NULL}, {"val", "valid", "validation"}, {"test", "testing", NULL}};
    for (int i = 0; i < 3 && names[part][i]; i++) {
        char *path = fv_path_join(root, names[part][i]);
        if (path && is_any_folder(path) && holds_folders(path)) return path;
        fv_free(path);
    }
    return NULL;
}

static bool recognises(const char *path) {
    fv_folder names = {0};
    if (!fv_is_folder(path)) return false;
    if (holds_folders(path)) return true;
    bool found = list(path, false, &names, NULL) == FV_OK && names.count > 0;
    fv_folder_free(&names);
    return found;
}

/* ---- walking ---------------------------------------------------------------------------------------------------- */

/* Every picture in a folder and the folders in it, in the order of the bytes of their names. */
static fv_status walk(fv_pictures *p, const char *folder, int depth, fv_error *error) {
    fv_folder names;
    if (depth > MAX_DEPTH)
        return fv_fail_at(error, FV_E_FORMAT, folder, 0, 0, "more than %d folders in each other", MAX_DEPTH);
    fv_status status = fv_folder_read(folder, &names, error);
    for (int i = 0; status == FV_OK && i < names.count; i++) {
        char *path = fv_path_join(folder, names.names[i]);
        kind k = path ? kind_of(path) : KIND_OTHER;
        if (!path)
            status = fv_fail_memory(error, folder, strlen(folder));
        else if (k == KIND_FOLDER)
            status = walk(p, path, depth + 1, error);
        else if (k == KIND_FILE && fv_names_picture(path))
            status = fv_pictures_add(p, path, error);
        fv_free(path);
    }
    fv_folder_free(&names);
    return status;
}

/* A class folder that is a link to a folder around it would make everything a class of its own. */
static fv_status check_link(const char *root, const char *folder, fv_error *error) {
    if (kind_of(folder) != KIND_LINKED_FOLDER) return FV_OK;
    char *outer = realpath(folder, NULL), *inner = realpath(root, NULL);
    size_t length = outer ? strlen(outer) : 0;
    bool around = outer && inner && strncmp(inner, outer, length) == 0 &&
                  (length <= 1 || inner[length] == 0 || inner[length] == '/');
    free(outer);
    free(inner);
    return around ? fv_fail_at(error, FV_E_FORMAT, folder, 0, 0, "is a link to a folder that contains it") : FV_OK;
}

/* Which of `count` pictures of a class are the test part: those whose names have the smallest hashes. So it stays when others
 * come or go. */
typedef struct ticket {
    uint64_t hash;
    int file;
} ticket;

static int by_hash(const void *a, const void *b) {
    const ticket *x = a, *y = b;
    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : (x->file > y->file) - (x->file < y->file);
}

static fv_status mark_test(const fv_pictures *p, size_t root, int first, uint64_t seed, bool *is_test,
                           fv_error *error) {
    int count = p->count - first, tests = count < 2 ? 0 : (count + TEST_SHARE / 2) / TEST_SHARE;
    ticket *tickets = fv_alloc_array((size_t)count, sizeof *tickets);
    if (!tickets) return fv_fail_memory(error, "a split", (size_t)count * sizeof *tickets);
    if (count >= 2 && tests == 0) tests = 1;
    for (int i = 0; i < count; i++) {
        const char *name =
            fv_pictures_path(p, first + i) + root; /* below the root: where the set lies does not matter */
        while (*name == '/') name++;
        uint64_t start = fv_hash(FV_HASH_START, &seed, sizeof seed);
        tickets[i] = (ticket){fv_hash(start, name, strlen(name)), first + i};
    }
    qsort(tickets, (size_t)count, sizeof *tickets, by_hash);
    for (int i = 0; i < tests; i++) is_test[tickets[i].file] = true;
    fv_free(tickets);
    return FV_OK;
}

/* ---- classes ---------------------------------------------------------------------------------------------------- */

typedef enum share { SHARE_ALL, SHARE_TRAIN, SHARE_TEST } share;

/* What is being opened. */
typedef struct opening {
    const char *path, *root; /* the set, and the folder that holds the class folders */
    const fv_folder *classes;
    share share;
    uint64_t seed;
    fv_pictures *pictures;
    int *class_of; /* by file, as they are found */
    int capacity;
    bool *is_test;
} opening;

static fv_status note_class(opening *o, int class_number, int first, fv_error *error) {
    for (int i = first; i < o->pictures->count; i++) {
        if (!fv_grow((void **)&o->class_of, &o->capacity, i, sizeof *o->class_of))
            return fv_fail_memory(error, "class numbers", (size_t)i * sizeof *o->class_of);
        o->class_of[i] = class_number;
    }
    return FV_OK;
}

static fv_status no_pictures(const char *folder, fv_error *error) {
    return fv_fail_at(error, FV_E_FORMAT, folder, 0, 0, "the class folder holds no pictures");
}

/* The class numbers are those of the training part: every folder here must be one of its. */
static fv_status read_classes(opening *o, bool all_needed, fv_error *error) {
    fv_folder here;
    fv_status status = list(o->root, true, &here, error);
    for (int i = 0; status == FV_OK && i < here.count; i++) {
        char **found =
            bsearch(&here.names[i], o->classes->names, (size_t)o->classes->count, sizeof(char *), fv_folder_compare);
        char *folder = fv_path_join(o->root, here.names[i]);
        int first = o->pictures->count;
        if (!folder)
            status = fv_fail_memory(error, o->root, strlen(o->root));
        else if (!found)
            status = fv_fail_at(error, FV_E_FORMAT, folder, 0, 0, "no class folder of this name in the training part");
        else
            status = check_link(o->root, folder, error);
        if (status == FV_OK) status = walk(o->pictures, folder, 1, error);
        if (status == FV_OK && o->pictures->count == first && all_needed) status = no_pictures(folder, error);
        if (status == FV_OK) status = note_class(o, (int)(found - o->classes->names), first, error);
        fv_free(folder);
    }
    fv_folder_free(&here);
    return status;
}

/* Where the set has no parts of its own: marks them. */
static fv_status split(opening *o, fv_error *error) {
    fv_pictures *p = o->pictures;
    fv_status status = FV_OK;
    int kept = 0;
    o->is_test = fv_alloc_array((size_t)p->count, sizeof *o->is_test);
    if (!o->is_test) return fv_fail_memory(error, "a split", (size_t)p->count);
    fv_pictures one = *p; /* a view that ends with the class */
    for (int first = 0, end; status == FV_OK && first < p->count; first = end) {
        for (end = first; end < p->count && o->class_of[end] == o->class_of[first];) end++;
        one.count = end;
        status = mark_test(&one, strlen(o->root), first, o->seed, o->is_test, error);
    }
    for (int i = 0; i < p->count; i++) p->has_parts[2] = p->has_parts[2] || o->is_test[i];
    p->has_parts[0] = p->split = true;
    for (int i = 0; i < p->count && o->share != SHARE_ALL; i++) {
        if (o->is_test[i] != (o->share == SHARE_TEST)) continue;
        p->at[kept] = p->at[i];
        o->class_of[kept++] = o->class_of[i];
    }
    if (o->share != SHARE_ALL) p->count = kept;
    if (status == FV_OK && p->count == 0)
        status = fv_fail_at(error, FV_E_FORMAT, o->path, 0, 0, "no class has enough pictures for a test part");
    return status;
}

static fv_status finish(opening *o, fv_error *error) {
    fv_pictures *p = o->pictures;
    p->classes = fv_alloc_array((size_t)p->count, sizeof *p->classes);
    if (!p->classes) return fv_fail_memory(error, "class numbers", (size_t)p->count * sizeof *p->classes);
    for (int i = 0; i < p->count; i++) p->classes[i] = o->class_of[i];
    return fv_pictures_set_classes(p, (const char *const *)o->classes->names, o->classes->count, error);
}

static fv_status check_class_count(const char *path, const fv_folder *classes, fv_error *error) {
    char name[128];
    if (classes->count >= 2) return FV_OK;
    if (classes->count == 0)
        return fv_fail_at(error, FV_E_FORMAT, path, 0, 0,
                          "holds no class folders; expected one folder of pictures for each class");
    fv_escape(classes->names[0], name, sizeof name);
    return fv_fail_at(error, FV_E_FORMAT, path, 0, 0,
                      "only one class folder (\"%s\"); expected at least two to tell apart", name);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* ROOT/train/CLASS/... */
static fv_status open_parts(opening *o, char *const folders[FV_PARTS], const char *part, fv_error *error) {
    const char *present[FV_PARTS + 1] = {NULL}, *name;
    int count = 0, chosen = 0, first = folders[0] ? 0 : folders[2] ? 2 : 1;
    for (int i = 0; i < FV_PARTS; i++)
        if (folders[i]) present[count++] = fv_picture_parts[i], o->pictures->has_parts[i] = true;
    fv_status status = fv_data_choose_part(o->path, part, present, &chosen, error);
    if (status != FV_OK) return status;
    name = present[chosen];
    int index = 0;
    while (strcmp(fv_picture_parts[index], name) != 0) index++;
    fv_folder classes;
    status = list(folders[first], true, &classes, error);
    if (status != FV_OK) return status;
    o->classes = &classes;
    o->root = folders[index];
    status = check_class_count(folders[first], &classes, error);
    if (status == FV_OK) status = read_classes(o, index == first, error);
    if (status == FV_OK && o->pictures->count == 0)
        status = fv_fail_at(error, FV_E_FORMAT, o->root, 0, 0, "holds no pictures");
    if (status == FV_OK) status = finish(o, error);
    snprintf(o->pictures->description, sizeof o->pictures->description, "pictures in class folders, %s part", name);
    fv_folder_free(&classes);
    return status;
}

/* ROOT/CLASS/... */
static fv_status open_classes(opening *o, const fv_folder *classes, const char *part, fv_error *error) {
    static const char *const parts[] = {"train", "test", "all", NULL};
    static const char *const texts[] = {
        "pictures in class folders: all but the test part, every fifth picture of a class",
        "pictures in class folders: the test part, every fifth picture of a class", "all pictures in class folders"};
    static const share shares[] = {SHARE_TRAIN, SHARE_TEST, SHARE_ALL};
    int chosen = 0;
    fv_status status = fv_data_choose_part(o->path, part, parts, &chosen, error);
    if (status == FV_OK) status = check_class_count(o->path, classes, error);
    if (status != FV_OK) return status;
    o->root = o->path;
    o->classes = classes;
    o->share = shares[chosen];
    status = read_classes(o, true, error);
    if (status == FV_OK) status = split(o, error);
    if (status == FV_OK) status = finish(o, error);
    snprintf(o->pictures->description, sizeof o->pictures->description, "%s", texts[chosen]);
    return status;
}

/* Pictures without classes. */
static fv_status open_flat(opening *o, const char *part, fv_error *error) {
    static const char *const no_parts[] = {NULL};
    int chosen;
    fv_status status = part[0] ? fv_data_choose_part(o->path, part, no_parts, &chosen, error) : FV_OK;
    if (status == FV_OK) status = walk(o->pictures, o->path, 1, error);
    if (status == FV_OK && o->pictures->count == 0)
        status = fv_fail_at(error, FV_E_FORMAT, o->path, 0, 0, "holds no pictures");
    snprintf(o->pictures->description, sizeof o->pictures->description, "pictures without classes");
    return status;
}

static fv_status find_and_open(opening *o, const char *part, fv_error *error) {
    char *folders[FV_PARTS];
    fv_status status = FV_OK;
    for (int i = 0; i < FV_PARTS; i++) folders[i] = part_folder(o->path, i);
    if (folders[0] || folders[2])
        status = open_parts(o, folders, part, error);
    else {
        fv_folder classes;
        status = list(o->path, true, &classes, error);
        if (status == FV_OK) {
            status = classes.count ? open_classes(o, &classes, part, error) : open_flat(o, part, error);
            fv_folder_free(&classes);
        }
    }
    for (int i = 0; i < FV_PARTS; i++) fv_free(folders[i]);
    return status;
}

static fv_status open_folders(const char *path, const char *part, const fv_data_options *options, fv_data *out,
                              fv_error *error) {
    fv_pictures pictures = {0};
    opening o = {.path = path, .pictures = &pictures, .seed = options->seed};
    fv_status status = find_and_open(&o, part, error);
    fv_free(o.class_of);
    fv_free(o.is_test);
    if (status != FV_OK) {
        fv_pictures_free(&pictures);
        return status;
    }
    status = fv_data_open_pictures(&pictures, options, out, error);
    if (status == FV_OK) out->by_class = true;
    return status;
}

const fv_source fv_source_folders = {
    .name = "folders",
    .help = "a folder of pictures for each class",
    .recognises = recognises,
    .open = open_folders,
};
