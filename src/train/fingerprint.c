/* fingerprint.c - which data a training has seen, cheaply: shapes, counts and the bytes of a few samples. */
#include <inttypes.h>
#include <string.h>

#include "hash.h"
#include "memory.h"
#include "text.h"
#include "train.h"

enum { LOOKED_AT = 64 };

static size_t field_bytes(const fv_data_field *field) {
    return (size_t)fv_shape_count(&field->shape) * fv_dtype_size(field->dtype);
}

/* Every field of the sample in one buffer of its own. */
static fv_status hash_samples(const fv_data *data, char *buffer, uint64_t *hash, fv_error *error) {
    void *fields[FV_MAX_FIELDS];
    int64_t looked_at = data->count < LOOKED_AT ? data->count : LOOKED_AT;
    for (int i = 0; i < data->field_count; i++) {
        fields[i] = buffer;
        buffer += (field_bytes(&data->fields[i]) + 15) / 16 * 16;
    }
    for (int64_t k = 0; k < looked_at; k++) {
        /* without a product that could overflow */
        int64_t last = data->count - 1, steps = looked_at - 1;
        int64_t index = steps ? last / steps * k + last % steps * k / steps : 0;
        fv_status status = data->read(data, index, fields, error);
        if (status) return status;
        for (int i = 0; i < data->field_count; i++) *hash = fv_hash(*hash, fields[i], field_bytes(&data->fields[i]));
    }
    return FV_OK;
}

char *fv_data_fingerprint(const fv_data *data, fv_error *error) {
    fv_text text = {0};
    char shape[128];
    size_t bytes = 16;
    uint64_t hash = FV_HASH_START;
    fv_text_printf(&text, "%" PRId64 " samples", data->count);
    for (int i = 0; i < data->field_count; i++) {
        const fv_data_field *field = &data->fields[i];
        bytes += (field_bytes(field) + 15) / 16 * 16;
        fv_text_printf(&text, ", %s %s %s%s", field->name, fv_dtype_name(field->dtype),
                       fv_shape_text(&field->shape, shape, sizeof shape), field->target ? " (target)" : "");
    }
    for (int i = 0; i < data->class_count && data->class_names; i++)
        hash = fv_hash(hash, data->class_names[i], strlen(data->class_names[i]));
    char *buffer = fv_alloc(bytes);
    fv_status status = buffer ? hash_samples(data, buffer, &hash, error) : fv_fail_memory(error, "a sample", bytes);
    fv_free(buffer);
    fv_text_printf(&text, ", %d classes, %016" PRIx64, data->class_count, hash);
    if (!status && text.failed) status = fv_fail_memory(error, "the data's fingerprint", 0);
    if (!status) return fv_text_take(&text);
    fv_text_free(&text);
    return NULL;
}
