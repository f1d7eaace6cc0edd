/* subset.c - some samples of another set, by a list of their numbers. */
#include "source.h"
#include "memory.h"

#include <string.h>

typedef struct subset {
    fv_data *base;
    bool owns;
    int64_t indices[];
} subset;

static const subset *subset_of(const fv_data *data) { return data->self; }

static fv_status read_sample(const fv_data *data, int64_t index, void *const *out, fv_error *error) {
    const subset *self = subset_of(data);
    return self->base->read(self->base, self->indices[index], out, error);
}

static int64_t class_of(const fv_data *data, int64_t index) {
    const subset *self = subset_of(data);
    return fv_data_class_of(self->base, self->indices[index], NULL);
}

static const void *direct(const fv_data *data, int64_t index, int field) {
    const subset *self = subset_of(data);
    return self->base->direct(self->base, self->indices[index], field);
}

static bool has_part(const fv_data *data, const char *part) { return fv_data_has_part(subset_of(data)->base, part); }

static void close_subset(fv_data *data) {
    subset *self = data->self;
    if (self->owns) fv_data_free(self->base);
    fv_free(self);
}

static fv_data *make(fv_data *base, bool owns, const int64_t *indices, int64_t count, fv_error *error) {
    for (int64_t i = 0; i < count; i++)
        if (indices[i] < 0 || indices[i] >= base->count) {
            fv_fail(error, FV_E_ARGUMENT, "no sample %lld: there are %lld, counted from 0", (long long)indices[i],
                    (long long)base->count);
            return NULL;
        }
    size_t bytes;
    bool fits =
        count >= 0 && fv_mul_size((size_t)count, sizeof *indices, &bytes) && fv_add_size(bytes, sizeof(subset), &bytes);
    subset *self = fits ? fv_alloc(bytes) : NULL;
    if (!self) {
        fv_fail_memory(error, "a list of samples", fits ? bytes : SIZE_MAX);
        return NULL;
    }
    self->base = base;
    memcpy(self->indices, indices, (size_t)count * sizeof *indices);
    fv_data filled = {.count = count,
                      .field_count = base->field_count,
                      .class_count = base->class_count,
                      .class_names = base->class_names,
                      .description = base->description,
                      .scale = base->scale,
                      .class_of = class_of,
                      .read = read_sample,
                      .direct = base->direct ? direct : NULL,
                      .close = close_subset,
                      .has_part = has_part,
                      .threads = base->threads,
                      .skipped_count = base->skipped_count,
                      .skipped = base->skipped,
                      .self = self};
    memcpy(filled.fields, base->fields, sizeof filled.fields);
    fv_data *data = fv_data_finish(&filled, error); /* on failure self is freed, the base is not: it is not owned yet */
    if (data) self->owns = owns;
    return data;
}

fv_data *fv_data_subset(fv_data *base, const int64_t *indices, int64_t count, fv_error *error) {
    return make(base, false, indices, count, error);
}

fv_data *fv_data_subset_owning(fv_data *base, const int64_t *indices, int64_t count, fv_error *error) {
    return make(base, true, indices, count, error);
}
