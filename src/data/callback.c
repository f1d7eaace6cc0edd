/* callback.c - samples from a function of the caller's. */
#include "source.h"
#include "memory.h"

#include <string.h>

typedef struct callback {
    fv_read_sample read;
    void *user;
    char *names[FV_MAX_FIELDS];
} callback;

static fv_status read_sample(const fv_data *data, int64_t index, void *const *out, fv_error *error) {
    const callback *self = data->self;
    int code = self->read(self->user, index, out);
    return code == 0 ? FV_OK
                     : fv_fail(error, FV_E_CANCELLED, "the data callback refused sample %lld with code %d",
                               (long long)index, code);
}

static void close_callback(fv_data *data) {
    callback *self = data->self;
    for (int i = 0; i < FV_MAX_FIELDS; i++) fv_free(self->names[i]);
    fv_free(self);
}

fv_data *fv_data_from_callback(int64_t count, const fv_data_field *fields, int field_count, fv_read_sample read,
                               void *user, fv_error *error) {
    if (!read || !fields || field_count < 1 || field_count > FV_MAX_FIELDS) {
        fv_fail(error, FV_E_ARGUMENT, "a data callback needs a function and 1 to %d fields, got %d", FV_MAX_FIELDS,
                field_count);
        return NULL;
    }
    callback *self = fv_alloc(sizeof *self);
    if (!self) {
        fv_fail_memory(error, "a data set", sizeof *self);
        return NULL;
    }
    *self = (callback){.read = read, .user = user};
    fv_data filled = {.count = count,
                      .field_count = field_count,
                      .description = "samples from a callback",
                      .read = read_sample,
                      .close = close_callback,
                      .self = self};
    for (int i = 0; i < field_count; i++) {
        filled.fields[i] = fields[i];
        filled.fields[i].name = self->names[i] = fv_copy_text(fields[i].name);
        if (fields[i].name && !self->names[i]) {
            close_callback(&filled);
            fv_fail_memory(error, "a data set", strlen(fields[i].name));
            return NULL;
        }
        if (fields[i].dtype == FV_U8 && !fields[i].target) filled.scale = 1.0 / 255;
    }
    return fv_data_finish(&filled, error);
}
