/* data.c - sets of samples: opened by name, read one by one. */
#include "source.h"
#include "folder.h"
#include "memory.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the kinds of sources -----------------------------------------------------------------------------------------
 */

#define FV_SOURCE(name) extern const fv_source fv_source_##name;
#include "sources.def"
#undef FV_SOURCE

static const fv_source *const sources[] = {
#define FV_SOURCE(name) &fv_source_##name,
#include "sources.def"
#undef FV_SOURCE
};

int fv_source_count(void) { return (int)(sizeof sources / sizeof sources[0]); }

const fv_source *fv_source_at(int index) { return index >= 0 && index < fv_source_count() ? sources[index] : NULL; }

static const fv_source *find_builtin(const char *name) {
    for (int i = 0; i < fv_source_count(); i++)
        if (sources[i]->builtin && strcmp(sources[i]->name, name) == 0) return sources[i];
    return NULL;
}

/* "digits, letters", for messages */
static void list_sources(bool builtin, fv_text *text) {
    for (int i = 0; i < fv_source_count(); i++)
        if (sources[i]->builtin == builtin)
            fv_text_printf(text, "%s%s", text->length ? ", " : "", builtin ? sources[i]->name : sources[i]->help);
}

/* ---- "PATH:part:7" -------------------------------------------------------------------------------------------------
 */

static bool exists(const char *path) {
    struct stat info;
    return find_builtin(path) || stat(path, &info) == 0;
}

/* The part and the sample behind the path; `rest` starts at a colon. */
static fv_status parse_rest(const char *spec, const char *rest, fv_data_spec *out, fv_error *error) {
    out->sample = -1;
    out->part[0] = 0;
    if (*rest == 0) return FV_OK;
    const char *first = rest + 1, *second = strchr(first, ':');
    size_t length = second ? (size_t)(second - first) : strlen(first);
    if (second && strchr(second + 1, ':'))
        return fv_fail(error, FV_E_ARGUMENT, "\"%s\": expected PATH, PATH:part or PATH:part:sample, got more colons",
                       spec);
    if (length >= sizeof out->part)
        return fv_fail(error, FV_E_ARGUMENT, "\"%s\": the name of the part is too long", spec);
    memcpy(out->part, first, length);
    out->part[length] = 0;
    const char *number = second ? second + 1 : NULL;
    if (!second && first[0] && first[strspn(first, "0123456789")] == 0) { /* PATH:7 */
        number = first;
        out->part[0] = 0;
    }
    if (number && (!fv_parse_i64(number, &out->sample) || out->sample < 0))
        return fv_fail(error, FV_E_ARGUMENT, "\"%s\": expected the number of a sample after the last colon, got \"%s\"",
                       spec, number);
    return FV_OK;
}

fv_status fv_data_parse_spec(const char *spec, fv_data_spec *out, fv_error *error) {
    size_t length = spec ? strlen(spec) : 0;
    if (length == 0) return fv_fail(error, FV_E_ARGUMENT, "no data set given: expected a path or a built-in name");
    if (length >= sizeof out->path)
        return fv_fail(error, FV_E_ARGUMENT, "the name of the data set is longer than %zu bytes", sizeof out->path - 1);
    memcpy(out->path, spec, length + 1);
    /* The longest beginning that exists is the path; where none does, the text before the first colon. */
    for (int cuts = 0; cuts <= 2; cuts++) {
        if (exists(out->path)) return parse_rest(spec, spec + strlen(out->path), out, error);
        char *colon = strrchr(out->path, ':');
        if (!colon || colon == out->path) break;
        *colon = 0;
    }
    size_t path = strcspn(spec, ":");
    if (path == 0) return fv_fail(error, FV_E_ARGUMENT, "\"%s\": no path before the colon", spec);
    memcpy(out->path, spec, path);
    out->path[path] = 0;
    return parse_rest(spec, spec + path, out, error);
}

/* ---- opening -------------------------------------------------------------------------------------------------------
 */

static fv_status no_such(const char *path, fv_error *error) {
    const char *near = NULL;
    for (int i = 0; i < fv_source_count() && !near; i++)
        if (sources[i]->builtin) near = fv_nearest(path, &sources[i]->name, sizeof sources[i]->name, 1);
    fv_text names = {0};
    list_sources(true, &names);
    fv_status status =
        near ? fv_fail_at(error, FV_E_FILE, path, 0, 0,
                          "no such file, folder or built-in data set; did you mean \"%s\"?", near)
             : fv_fail_at(error, FV_E_FILE, path, 0, 0, "no such file, folder or built-in data set (built in: %s)",
                          names.data ? names.data : "");
    fv_text_free(&names);
    return status;
}

static void nothing_known(const char *path, bool is_folder, fv_error *error) {
    fv_text kinds = {0};
    fv_folder folder = {0};
    list_sources(false, &kinds);
    if (!is_folder || fv_folder_read(path, &folder, error) == FV_OK)
        fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "%s; expected %s",
                   !is_folder          ? "is no data file that is known"
                   : folder.count == 0 ? "the folder is empty"
                                       : "no known data in this folder",
                   kinds.data ? kinds.data : "");
    fv_folder_free(&folder);
    fv_text_free(&kinds);
}

/* The source for a path that exists; NULL and a message when there is none. */
static const fv_source *find_source(const char *path, fv_error *error) {
    struct stat info;
    if (stat(path, &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            no_such(path, error);
        else
            fv_fail_at(error, FV_E_FILE, path, 0, 0, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    if (access(path, S_ISDIR(info.st_mode) ? R_OK | X_OK : R_OK) != 0) {
        fv_fail_at(error, FV_E_FILE, path, 0, 0, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    for (int i = 0; i < fv_source_count(); i++)
        if (!sources[i]->builtin && sources[i]->recognises(path)) return sources[i];
    nothing_known(path, S_ISDIR(info.st_mode), error);
    return NULL;
}

/* The view of the one sample that a spec names; takes the set over. */
static fv_data *one_sample(fv_data *data, const fv_data_spec *spec, fv_error *error) {
    fv_data *one = NULL;
    if (spec->sample >= data->count)
        fv_fail_at(error, FV_E_ARGUMENT, spec->path, 0, 0, "no sample %lld: there are %lld, counted from 0",
                   (long long)spec->sample, (long long)data->count);
    else
        one = fv_data_subset_owning(data, &spec->sample, 1, error);
    if (!one) fv_data_free(data);
    return one;
}

/* The first `limit` samples; of a set that lies class by class as many spread evenly, which leaves the classes their shares. */
static fv_data *limited(fv_data *data, int64_t limit, fv_error *error) {
    if (limit >= data->count) return data;
    if (!data->by_class) return data->count = limit, data;
    int64_t *chosen = fv_alloc_array((size_t)limit, sizeof *chosen);
    fv_data *part = NULL;
    if (chosen) {
        int64_t step = data->count / limit, rest = data->count % limit; /* i * count / limit without overflow */
        for (int64_t i = 0; i < limit; i++) chosen[i] = i * step + (int64_t)((double)i * (double)rest / (double)limit);
        part = fv_data_subset_owning(data, chosen, limit, error);
    } else
        fv_fail_memory(error, "a list of samples", (size_t)limit * sizeof *chosen);
    fv_free(chosen);
    if (!part) fv_data_free(data);
    return part;
}

static fv_status check_options(const fv_data_options *o, fv_error *error) {
    if (o->limit < 0) return fv_fail(error, FV_E_ARGUMENT, "limit: expected at least 1, got %lld", (long long)o->limit);
    if (o->height < 0 || o->width < 0)
        return fv_fail(error, FV_E_ARGUMENT, "size of the pictures: expected at least 1x1, got %lldx%lld",
                       (long long)o->height, (long long)o->width);
    if (o->channels != 0 && o->channels != 1 && o->channels != 3)
        return fv_fail(error, FV_E_ARGUMENT, "channels of the pictures: expected 1 or 3, got %d", o->channels);
    if (!(o->crop >= 0 && o->crop <= 1)) return fv_fail(error, FV_E_ARGUMENT, "crop: expected 0 to 1, got %g", o->crop);
    return FV_OK;
}

fv_data *fv_data_open_with(const char *spec, fv_error *error, const fv_data_options *options) {
    fv_data_options defaults = {.size = sizeof defaults};
    if (!options) options = &defaults;
    if (check_options(options, error) != FV_OK) return NULL;
    fv_data_spec *parsed = fv_alloc(sizeof *parsed);
    if (!parsed) {
        fv_fail_memory(error, "a data set", sizeof *parsed);
        return NULL;
    }
    fv_data filled = {0}, *data = NULL;
    if (fv_data_parse_spec(spec, parsed, error) == FV_OK) {
        const fv_source *source = find_builtin(parsed->path);
        if (!source) source = find_source(parsed->path, error);
        if (source && source->open(parsed->path, parsed->part, options, &filled, error) == FV_OK)
            data = fv_data_finish(&filled, error);
    }
    if (data && parsed->sample >= 0)
        data = one_sample(data, parsed, error);
    else if (data && options->limit > 0)
        data = limited(data, options->limit, error);
    fv_free(parsed);
    return data;
}

/* ---- what sources share --------------------------------------------------------------------------------------------
 */

fv_status fv_data_choose_part(const char *path, const char *part, const char *const *parts, int *chosen,
                              fv_error *error) {
    int count = 0, train = -1, nearest = -1;
    const char *whole = strcmp(part, "val") == 0 || strcmp(part, "valid") == 0 ? "validation" : part;
    fv_text known = {0};
    for (; parts[count]; count++) {
        if (strcmp(parts[count], "train") == 0) train = count;
        if (part[0] && fv_nearest(part, &parts[count], sizeof *parts, 1)) nearest = count;
        fv_text_printf(&known, "%s%s", count ? ", " : "", parts[count]);
    }
    *chosen = part[0] == 0 ? (train >= 0 || count == 0 ? train : 0) : -1;
    for (int i = 0; i < count && part[0] && *chosen < 0; i++)
        if (strcmp(parts[i], part) == 0 || strcmp(parts[i], whole) == 0) *chosen = i;
    fv_status status = FV_OK;
    if (*chosen < 0 && nearest >= 0)
        status =
            fv_fail_at(error, FV_E_ARGUMENT, path, 0, 0, "no part \"%s\"; did you mean \"%s\"?", part, parts[nearest]);
    else if (*chosen < 0)
        status = fv_fail_at(error, FV_E_ARGUMENT, path, 0, 0, "no part \"%s\" (there is: %s)", part,
                            known.data ? known.data : "only the whole");
    fv_text_free(&known);
    return status;
}

fv_status fv_data_count_classes(const int32_t *classes, int64_t count, int64_t limit, const char *name,
                                int *class_count, fv_error *error) {
    int64_t below = limit > 0 ? limit : FV_MAX_CLASSES;
    int32_t largest = -1;
    for (int64_t i = 0; i < count; i++) {
        if (classes[i] < 0 || classes[i] >= below)
            return fv_fail_at(error, FV_E_FORMAT, name, 0, 0,
                              "label out of range: sample %lld has class %d, expected 0 to %lld", (long long)i,
                              classes[i], (long long)(below - 1));
        if (classes[i] > largest) largest = classes[i];
    }
    *class_count = limit > 0 ? (int)limit : largest + 1;
    return FV_OK;
}

/* "0", "1", ... in one block: the pointers, then the texts. */
static bool name_by_numbers(fv_data *data) {
    size_t count = (size_t)data->class_count;
    data->number_names = fv_alloc(count * (sizeof(char *) + 8));
    if (!data->number_names) return false;
    char **names = (char **)(void *)data->number_names, *text = (char *)(names + count);
    for (size_t i = 0; i < count; i++, text += 8) {
        snprintf(text, 8, "%u", (unsigned)i % FV_MAX_CLASSES);
        names[i] = text;
    }
    data->class_names = (const char *const *)names;
    return true;
}

static fv_status check_fields(const fv_data *data, size_t *bytes, fv_error *error) {
    if (data->field_count < 1 || data->field_count > FV_MAX_FIELDS)
        return fv_fail(error, FV_E_ARGUMENT, "a sample needs 1 to %d fields, got %d", FV_MAX_FIELDS, data->field_count);
    if (data->count < 1) return fv_fail(error, FV_E_FORMAT, "the data set is empty");
    *bytes = 0;
    for (int i = 0; i < data->field_count; i++) {
        const fv_data_field *field = &data->fields[i];
        size_t size = fv_dtype_size(field->dtype);
        if (!field->name || size == 0 || field->shape.rank < 0 || field->shape.rank > FV_MAX_RANK - 1)
            return fv_fail(error, FV_E_ARGUMENT, "field %d (\"%s\"): needs a name, a dtype and a rank from 0 to %d", i,
                           field->name ? field->name : "", FV_MAX_RANK - 1);
        for (int d = 0; d < field->shape.rank; d++)
            if (field->shape.dim[d] < 1 || !fv_mul_size(size, (size_t)field->shape.dim[d], &size) ||
                size > INT64_MAX / 2)
                return fv_fail(error, FV_E_SHAPE,
                               "field \"%s\": dimension %d is %lld, expected at least 1 and not too many elements",
                               field->name, d, (long long)field->shape.dim[d]);
        if (!fv_add_size(*bytes, (size + 15) / 16 * 16, bytes))
            return fv_fail(error, FV_E_SHAPE, "a sample is too large");
    }
    return FV_OK;
}

fv_data *fv_data_finish(const fv_data *filled, fv_error *error) {
    fv_data *data = fv_alloc(sizeof *data);
    size_t bytes = 0;
    fv_status status = data ? check_fields(filled, &bytes, error) : fv_fail_memory(error, "a data set", sizeof *data);
    if (status == FV_OK) {
        memcpy(data, filled, sizeof *data);
        data->sample_bytes = bytes;
        if (data->class_count > 0 && !data->class_names && !name_by_numbers(data))
            status = fv_fail_memory(error, "class names", (size_t)data->class_count * 16);
    }
    if (status == FV_OK) return data;
    fv_free(data);
    fv_data copy;
    memcpy(&copy, filled, sizeof copy);
    if (copy.close) copy.close(&copy);
    return NULL;
}

/* ---- the public face -----------------------------------------------------------------------------------------------
 */

void fv_data_free(fv_data *data) {
    if (!data) return;
    if (data->close) data->close(data);
    fv_free(data->scratch);
    fv_free(data->number_names);
    fv_free(data);
}

int64_t fv_data_count(const fv_data *data) { return data->count; }

int fv_data_field_count(const fv_data *data) { return data->field_count; }

const fv_data_field *fv_data_field_at(const fv_data *data, int index) {
    return index >= 0 && index < data->field_count ? &data->fields[index] : NULL;
}

int fv_data_class_count(const fv_data *data) { return data->class_count; }

const char *fv_data_class_name(const fv_data *data, int index) {
    return index >= 0 && index < data->class_count ? data->class_names[index] : NULL;
}

bool fv_data_has_part(const fv_data *data, const char *part) {
    return part && data->has_part && data->has_part(data, part);
}

const char *fv_data_description(const fv_data *data) { return data->description ? data->description : ""; }

int64_t fv_data_skipped_count(const fv_data *data) { return data->skipped_count; }

const char *fv_data_skipped(const fv_data *data, int64_t index) {
    return index >= 0 && index < data->skipped_count ? data->skipped[index] : NULL;
}

fv_status fv_data_read(fv_data *data, int64_t index, void *const *out, fv_error *error) {
    if (index < 0 || index >= data->count)
        return fv_fail(error, FV_E_ARGUMENT, "no sample %lld: there are %lld, counted from 0", (long long)index,
                       (long long)data->count);
    return data->read(data, index, out, error);
}

int64_t fv_data_class_of(const fv_data *data, int64_t index, fv_error *error) {
    if (index < 0 || index >= data->count) return -1;
    if (data->class_of) return data->class_of(data, index);
    int64_t found = -1;
    char *sample = fv_alloc(data->sample_bytes);
    void *out[FV_MAX_FIELDS];
    size_t at = 0;
    int field = -1;
    for (int i = 0; sample && i < data->field_count; i++) {
        const fv_data_field *f = &data->fields[i];
        out[i] = sample + at;
        at += ((size_t)fv_shape_count(&f->shape) * fv_dtype_size(f->dtype) + 15) / 16 * 16;
        if (field < 0 && f->target && f->shape.rank == 0 && strcmp(f->name, "class") == 0) field = i;
    }
    if (!sample)
        fv_fail_memory(error, "a sample", data->sample_bytes);
    else if (field >= 0 && data->read(data, index, out, error) == FV_OK) {
        switch (data->fields[field].dtype) {
        case FV_I32: found = *(const int32_t *)out[field]; break;
        case FV_I64: found = *(const int64_t *)out[field]; break;
        case FV_U8:
        case FV_BOOL: found = *(const unsigned char *)out[field]; break;
        default: break;
        }
    }
    fv_free(sample);
    return found;
}
