/* source_csv.c - a list of picture files and what is to be said of each: `path,label`. Labels are names or whole numbers
 * (classes), several names (any of the classes may hold), or numbers (to be predicted as such). */
#include "bytes.h"
#include "csv.h"
#include "folder.h"
#include "memory.h"
#include "pictures.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_LIST = 1 << 30, START = 4096 };

/* ---- the rows --------------------------------------------------------------------------------------------------- */

typedef struct row {
    int first, count, line; /* its labels among all labels */
} row;

typedef struct list {
    const char *path;
    char *folder, *text;
    fv_pictures pictures;
    row *rows;
    int row_capacity;
    char **labels;
    int label_count, label_capacity;
    bool numbers_wanted; /* the header calls the column a target */
    bool skip_missing;
} list;

static void list_free(list *l) {
    fv_free(l->folder);
    fv_free(l->text);
    fv_free(l->rows);
    fv_free(l->labels);
    fv_pictures_free(&l->pictures);
}

static bool is_word(const char *text, const char *const *words) {
    for (; *words; words++)
        if (strcasecmp(text, *words) == 0) return true;
    return false;
}

/* A first row of names: its first field says that paths follow, and no such file is there. */
static bool is_header(const list *l, const fv_csv *csv) {
    static const char *const words[] = {"path",    "paths", "file", "files",      "filename", "file_name", "image",
                                        "picture", "img",   "name", "image_path", "filepath", NULL};
    char *path = fv_path_join(l->folder, csv->fields[0]);
    bool header = path && !fv_is_file(path) && is_word(csv->fields[0], words);
    fv_free(path);
    return header;
}

static fv_status add_row(list *l, const fv_csv *csv, fv_error *error) {
    char name[200],
        *path = csv->fields[0][0] == '/' ? fv_copy_text(csv->fields[0]) : fv_path_join(l->folder, csv->fields[0]);
    if (!path) return fv_fail_memory(error, l->path, strlen(csv->fields[0]));
    fv_status status = FV_OK;
    if (!l->skip_missing && !fv_is_file(path)) {
        fv_escape(csv->fields[0], name, sizeof name);
        status = fv_fail_at(error, FV_E_FILE, l->path, csv->line, 0, "no such picture file: \"%s\"", name);
    }
    int at = l->pictures.count;
    if (status == FV_OK) status = fv_pictures_add(&l->pictures, path, error);
    fv_free(path);
    if (status == FV_OK && !fv_grow((void **)&l->rows, &l->row_capacity, at, sizeof *l->rows))
        status = fv_fail_memory(error, l->path, (size_t)at * sizeof *l->rows);
    if (status != FV_OK) return status;
    l->rows[at] = (row){l->label_count, 0, csv->line};
    for (int i = 1; i < csv->count; i++) {
        if (csv->fields[i][0] == 0) continue; /* rows of one length may have different numbers of labels */
        if (!fv_grow((void **)&l->labels, &l->label_capacity, l->label_count, sizeof *l->labels))
            return fv_fail_memory(error, l->path, (size_t)l->label_count * sizeof *l->labels);
        l->labels[l->label_count++] = csv->fields[i];
        l->rows[at].count++;
    }
    return FV_OK;
}

static fv_status read_rows(list *l, size_t size, fv_error *error) {
    static const char *const targets[] = {"target", "targets", "value", "values", "number", "numbers", NULL};
    fv_csv csv;
    bool more = true, first = true;
    fv_status status = fv_csv_begin(&csv, l->text, size, l->path, error);
    while (status == FV_OK && more) {
        status = fv_csv_row(&csv, &more, error);
        if (status != FV_OK || !more) break;
        if (first && is_header(l, &csv))
            l->numbers_wanted = csv.count > 1 && is_word(csv.fields[1], targets);
        else
            status = add_row(l, &csv, error);
        first = false;
    }
    fv_csv_end(&csv);
    if (status == FV_OK && l->pictures.count == 0)
        status = fv_fail_at(error, FV_E_FORMAT, l->path, 0, 0, "the list names no pictures");
    return status;
}

/* ---- what the labels are ---------------------------------------------------------------------------------------- */

typedef struct nature {
    bool numbers, whole; /* every label is one; whole and not below 0 */
    int least, most;     /* labels in a row */
} nature;

static nature look_at(const list *l) {
    nature n = {true, true, l->rows[0].count, l->rows[0].count};
    for (int i = 0; i < l->pictures.count; i++) {
        if (l->rows[i].count < n.least) n.least = l->rows[i].count;
        if (l->rows[i].count > n.most) n.most = l->rows[i].count;
    }
    for (int i = 0; i < l->label_count; i++) {
        double value;
        int64_t number;
        n.numbers = n.numbers && fv_parse_double(l->labels[i], &value) && isfinite(value);
        n.whole = n.whole && fv_parse_i64(l->labels[i], &number) && number >= 0;
    }
    return n;
}

static fv_status uneven(const list *l, const char *what, fv_error *error) {
    for (int i = 0; i < l->pictures.count; i++)
        if (l->rows[i].count != l->rows[0].count)
            return fv_fail_at(error, FV_E_FORMAT, l->path, l->rows[i].line, 0, "expected %d %s as in line %d, got %d",
                              l->rows[0].count, what, l->rows[0].line, l->rows[i].count);
    return FV_OK;
}

static fv_status read_numbers(list *l, fv_error *error) {
    fv_pictures *p = &l->pictures;
    fv_status status = uneven(l, "numbers", error);
    if (status != FV_OK) return status;
    p->target_size = l->rows[0].count;
    p->targets = fv_alloc_array((size_t)l->label_count, sizeof *p->targets);
    if (!p->targets) return fv_fail_memory(error, l->path, (size_t)l->label_count * sizeof *p->targets);
    for (int i = 0; i < l->label_count; i++) {
        double value = 0;
        fv_parse_double(l->labels[i], &value);
        p->targets[i] = (float)value;
    }
    return FV_OK;
}

/* Class numbers as they stand; classes.txt beside the list may name them. */
static fv_status read_class_numbers(list *l, fv_error *error) {
    fv_pictures *p = &l->pictures;
    p->classes = fv_alloc_array((size_t)p->count, sizeof *p->classes);
    if (!p->classes) return fv_fail_memory(error, l->path, (size_t)p->count * sizeof *p->classes);
    for (int i = 0; i < p->count; i++) {
        int64_t number = 0;
        fv_parse_i64(l->labels[l->rows[i].first], &number);
        p->classes[i] = number > INT32_MAX ? INT32_MAX : (int32_t)number;
    }
    char **names = NULL;
    int count = 0;
    fv_status status = fv_class_names_read(l->folder, &names, &count, error);
    if (status == FV_OK) status = fv_data_count_classes(p->classes, p->count, count, l->path, &p->class_count, error);
    if (status == FV_OK && names) status = fv_pictures_set_classes(p, (const char *const *)names, count, error);
    fv_free(names);
    return status;
}

/* The different labels, sorted by bytes. Free the list (not the texts) with fv_free. */
static char **sorted_labels(const list *l, int *count) {
    char **names = fv_alloc_array((size_t)l->label_count, sizeof *names);
    if (!names) return NULL;
    memcpy(names, l->labels, (size_t)l->label_count * sizeof *names);
    qsort(names, (size_t)l->label_count, sizeof *names, fv_folder_compare);
    *count = 0;
    for (int i = 0; i < l->label_count; i++)
        if (i == 0 || strcmp(names[i], names[*count - 1]) != 0) names[(*count)++] = names[i];
    return names;
}

static fv_status read_names(list *l, bool several, fv_error *error) {
    fv_pictures *p = &l->pictures;
    int count = 0;
    char **names = sorted_labels(l, &count);
    size_t numbers = 0;
    bool fits = names && fv_mul_size((size_t)p->count, (size_t)(several ? count : 1), &numbers);
    fv_status status = names ? FV_OK : fv_fail_memory(error, l->path, (size_t)l->label_count * sizeof *names);
    if (status == FV_OK && count < 2 && !several)
        status = fv_fail_at(error, FV_E_FORMAT, l->path, 0, 0,
                            "only one class in the whole list; expected at least two to tell apart");
    if (status == FV_OK && count > FV_MAX_CLASSES)
        status = fv_fail_at(error, FV_E_FORMAT, l->path, 0, 0, "more than %d classes", FV_MAX_CLASSES);
    if (status == FV_OK) status = fv_pictures_set_classes(p, (const char *const *)names, count, error);
    if (status == FV_OK) {
        if (several)
            p->targets = fits ? fv_alloc_array(numbers, sizeof *p->targets) : NULL;
        else
            p->classes = fv_alloc_array(numbers, sizeof *p->classes);
        p->target_size = several ? count : 0;
        if (!p->targets && !p->classes) status = fv_fail_memory(error, l->path, numbers * sizeof *p->targets);
    }
    for (int i = 0; status == FV_OK && i < p->count; i++)
        for (int k = 0; k < l->rows[i].count; k++) {
            char **found =
                bsearch(&l->labels[l->rows[i].first + k], names, (size_t)count, sizeof *names, fv_folder_compare);
            if (several)
                p->targets[(size_t)i * (size_t)count + (size_t)(found - names)] = 1;
            else
                p->classes[i] = (int32_t)(found - names);
        }
    fv_free(names);
    return status;
}

static fv_status read_labels(list *l, fv_error *error) {
    nature n = look_at(l);
    if (n.most == 0) return FV_OK;
    bool one = n.least == 1 && n.most == 1;
    if (one && n.whole && !l->numbers_wanted) return read_class_numbers(l, error);
    if (n.numbers) return read_numbers(l, error);
    if (n.most == 1 && !one) return uneven(l, "labels", error);
    return read_names(l, !one, error);
}

static void describe(list *l) {
    fv_pictures *p = &l->pictures;
    if (p->targets && !p->class_count)
        snprintf(p->description, sizeof p->description, "a list of pictures, %lld number%s each",
                 (long long)p->target_size, p->target_size == 1 ? "" : "s");
    else
        snprintf(p->description, sizeof p->description, "a list of pictures%s",
                 p->classes   ? ", a class each"
                 : p->targets ? ", any number of classes each"
                              : " without classes");
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* By the ending, else by the content: text whose first or second row begins with the name of a file. */
static bool recognises(const char *path) {
    if (fv_is_folder(path)) return false;
    const char *extension = fv_extension(path);
    if (strcmp(extension, "csv") == 0 || strcmp(extension, "tsv") == 0) return true;
    char start[START + 1];
    int64_t got = fv_read_start(path, (unsigned char *)start, START);
    fv_csv csv;
    bool more = true, found = false;
    char *folder = fv_path_folder(path);
    if (folder && got > 0 && fv_csv_begin(&csv, start, (size_t)got, path, NULL) == FV_OK) {
        for (int i = 0; i < 2 && !found && fv_csv_row(&csv, &more, NULL) == FV_OK && more; i++) {
            char *file = csv.fields[0][0] == '/' ? fv_copy_text(csv.fields[0]) : fv_path_join(folder, csv.fields[0]);
            found = file && fv_is_file(file);
            fv_free(file);
        }
        fv_csv_end(&csv);
    }
    fv_free(folder);
    return found;
}

static fv_status open_csv(const char *path, const char *part, const fv_data_options *options, fv_data *out,
                          fv_error *error) {
    static const char *const no_parts[] = {NULL};
    int chosen;
    list l = {.path = path, .skip_missing = options->skip_bad};
    size_t size = 0;
    fv_status status = part[0] ? fv_data_choose_part(path, part, no_parts, &chosen, error) : FV_OK;
    if (status == FV_OK && !(l.folder = fv_path_folder(path))) status = fv_fail_memory(error, path, strlen(path));
    if (status == FV_OK) status = fv_read_bytes(path, MAX_LIST, (unsigned char **)&l.text, &size, error);
    if (status == FV_OK) status = read_rows(&l, size, error);
    if (status == FV_OK) status = read_labels(&l, error);
    if (status == FV_OK) {
        describe(&l);
        status = fv_data_open_pictures(&l.pictures, options, out, error);
    }
    list_free(&l);
    return status;
}

const fv_source fv_source_csv = {
    .name = "csv",
    .help = "a list of pictures (.csv: path,label)",
    .recognises = recognises,
    .open = open_csv,
};
