#include "augmented.h"

#include <string.h>

#include "augment.h"
#include "memory.h"
#include "sample_picture.h"

/* All that is needed while pictures are made. */
typedef struct studio {
    const fv_data *data;
    const fv_data_field *field;
    fv_augmenting augmenting;
    fv_tensor into[FV_MAX_FIELDS]; /* the samples of one epoch, as light */
    int64_t rows, columns, each;
    int64_t *order;
    fv_tensor sheet; /* bytes where the samples are, else f32: [rows * columns] pictures */
} studio;

static fv_status begin(studio *s, const char *list, uint64_t seed, const fv_preprocess *plain, fv_error *error) {
    int at = fv_picture_field(s->data);
    if (at < 0) return fv_fail(error, FV_E_SHAPE, "augment: the samples hold no picture of 1 or 3 channels");
    s->field = &s->data->fields[at];
    s->each = fv_shape_count(&s->field->shape);
    fv_shape shape = {1 + s->field->shape.rank, {s->rows}};
    for (int d = 0; d < s->field->shape.rank; d++) shape.dim[d + 1] = s->field->shape.dim[d];
    s->into[at] = fv_tensor_new(FV_F32, &shape);
    shape.dim[0] = s->rows * s->columns;
    s->sheet = fv_tensor_new(s->field->dtype == FV_U8 ? FV_U8 : FV_F32, &shape);
    s->order = fv_alloc_array((size_t)s->rows, sizeof *s->order);
    if (!s->into[at].data || !s->sheet.data || !s->order)
        return fv_fail_memory(error, "augmented pictures", (size_t)fv_shape_count(&shape) * sizeof(float));
    for (int64_t r = 0; r < s->rows; r++) s->order[r] = r * s->data->count / s->rows;
    fv_augment_plan plan;
    fv_status status = fv_augment_read(list, &plan, error);
    return status ? status : fv_augment_begin(&s->augmenting, &plan, s->data, plain, s->into, seed, error);
}

/* The pictures as they are now into a column of the sheet. */
static void put(studio *s, int64_t column) {
    const float *x = s->into[s->field - s->data->fields].data;
    for (int64_t r = 0; r < s->rows; r++)
        for (int64_t i = 0; i < s->each; i++) {
            int64_t to = (r * s->columns + column) * s->each + i;
            float y = x[r * s->each + i];
            if (s->sheet.dtype == FV_F32)
                ((float *)s->sheet.data)[to] = y;
            else
                ((unsigned char *)s->sheet.data)[to] = (unsigned char)(255 * (y > 0 ? y < 1 ? y : 1 : 0) + 0.5f);
        }
}

static fv_status make(studio *s, const fv_preprocess *plain, fv_error *error) {
    fv_status status = FV_OK;
    for (int64_t column = 0; column < s->columns && !status; column++) {
        status = fv_data_batch(s->data, s->order, 0, s->rows, plain, s->into, error);
        s->augmenting.epoch = column - 1;
        if (!status && column) status = fv_augment_batch(&s->augmenting, s->order, 0, s->rows, s->into, error);
        if (!status && column) status = fv_augment_mix(&s->augmenting, s->order, 0, s->rows, s->into, NULL, error);
        if (!status) put(s, column);
    }
    return status;
}

fv_data *fv_augmented_set(const fv_data *data, const char *list, int64_t rows, int64_t columns, uint64_t seed,
                          void **pixels, fv_error *error) {
    const fv_preprocess plain = {.scale = data->scale != 0 ? data->scale : 1};
    studio s = {.data = data, .rows = rows < data->count ? rows : data->count, .columns = columns};
    if (s.rows < 1) return fv_fail(error, FV_E_ARGUMENT, "augment: the data has no samples"), NULL;
    fv_status status = begin(&s, list, seed, &plain, error);
    if (!status) status = make(&s, &plain, error);
    fv_data *set = status ? NULL : fv_data_from_arrays(s.sheet, (fv_tensor){0}, error);
    fv_augment_end(&s.augmenting);
    for (int i = 0; i < FV_MAX_FIELDS; i++) fv_free(s.into[i].data);
    fv_free(s.order);
    if (!set) fv_free(s.sheet.data), s.sheet.data = NULL;
    *pixels = s.sheet.data;
    return set;
}
