/* arrays.c - samples from tensors in memory: the caller's, or read from files. */
#include "source.h"
#include "memory.h"

#include <stdio.h>
#include <string.h>

typedef struct arrays {
    fv_tensor inputs, targets;
    int32_t *classes; /* the targets where they are class numbers */
    char **class_names;
    bool owned, has_parts[2];
    char description[256];
} arrays;

static const arrays *arrays_of(const fv_data *data) { return data->self; }

static const void *direct(const fv_data *data, int64_t index, int field) {
    const arrays *self = arrays_of(data);
    if (field == 1 && self->classes) return self->classes + index;
    const fv_data_field *f = &data->fields[field];
    size_t bytes = (size_t)fv_shape_count(&f->shape) * fv_dtype_size(f->dtype);
    return (const char *)(field == 0 ? self->inputs.data : self->targets.data) + (size_t)index * bytes;
}

static fv_status read_sample(const fv_data *data, int64_t index, void *const *out, fv_error *error) {
    (void)error;
    for (int i = 0; i < data->field_count; i++) {
        const fv_data_field *f = &data->fields[i];
        memcpy(out[i], direct(data, index, i), (size_t)fv_shape_count(&f->shape) * fv_dtype_size(f->dtype));
    }
    return FV_OK;
}

static int64_t class_of(const fv_data *data, int64_t index) { return arrays_of(data)->classes[index]; }

static bool has_part(const fv_data *data, const char *part) {
    return (strcmp(part, "train") == 0 && arrays_of(data)->has_parts[0]) ||
           (strcmp(part, "test") == 0 && arrays_of(data)->has_parts[1]);
}

static void close_arrays(fv_data *data) {
    arrays *self = data->self;
    if (self->owned) {
        fv_free(self->inputs.data);
        fv_free(self->targets.data);
        fv_free(self->class_names);
    }
    fv_free(self->classes);
    fv_free(self);
}

static fv_shape without_count(const fv_shape *shape) {
    fv_shape sample = {.rank = shape->rank - 1};
    for (int d = 1; d < shape->rank; d++) sample.dim[d - 1] = shape->dim[d];
    return sample;
}

/* Bytes of rank 3 are grey pictures: they get their one channel. */
static fv_data_field input_field(const fv_tensor *inputs) {
    fv_data_field field = {.dtype = inputs->dtype, .shape = without_count(&inputs->shape)};
    if (field.dtype == FV_U8 && field.shape.rank == 2) field.shape.dim[field.shape.rank++] = 1;
    field.name = field.shape.rank == 3 ? "picture" : "input";
    return field;
}

/* (count) or (count, 1) whole numbers */
static bool are_classes(const fv_tensor *targets) {
    bool whole =
        targets->dtype == FV_U8 || targets->dtype == FV_I32 || targets->dtype == FV_I64 || targets->dtype == FV_BOOL;
    return whole && (targets->shape.rank == 1 || (targets->shape.rank == 2 && targets->shape.dim[1] == 1));
}

static fv_status copy_classes(arrays *self, const fv_arrays *given, int *class_count, fv_error *error) {
    int64_t count = self->targets.shape.dim[0];
    self->classes = fv_alloc_array((size_t)count, sizeof *self->classes);
    if (!self->classes) return fv_fail_memory(error, "class numbers", (size_t)count * sizeof *self->classes);
    for (int64_t i = 0; i < count; i++) {
        int64_t value;
        switch (self->targets.dtype) {
        case FV_I32: value = ((const int32_t *)self->targets.data)[i]; break;
        case FV_I64: value = ((const int64_t *)self->targets.data)[i]; break;
        default: value = ((const unsigned char *)self->targets.data)[i]; break;
        }
        self->classes[i] = value < 0 ? -1 : value > INT32_MAX ? INT32_MAX : (int32_t)value;
    }
    return fv_data_count_classes(self->classes, count, given->class_name_count, given->name, class_count, error);
}

static fv_status check(const fv_tensor *inputs, const fv_tensor *targets, const char *name, fv_error *error) {
    const fv_tensor *both[] = {inputs, targets};
    if (!inputs->data) return fv_fail_at(error, FV_E_ARGUMENT, name, 0, 0, "no inputs given");
    for (int i = 0; i < 2; i++) {
        const char *what = i ? "targets" : "inputs";
        if (!both[i]->data) continue;
        if (both[i]->shape.rank < 1 || both[i]->shape.rank > FV_MAX_RANK - 1 || fv_dtype_size(both[i]->dtype) == 0)
            return fv_fail_at(error, FV_E_SHAPE, name, 0, 0,
                              "%s: expected a dtype and rank 1 to %d (samples first), got %s of rank %d", what,
                              FV_MAX_RANK - 1, fv_dtype_name(both[i]->dtype), both[i]->shape.rank);
        if (both[i]->shape.dim[0] != inputs->shape.dim[0])
            return fv_fail_at(error, FV_E_SHAPE, name, 0, 0, "%lld samples but %lld targets",
                              (long long)inputs->shape.dim[0], (long long)both[i]->shape.dim[0]);
    }
    if (inputs->shape.dim[0] < 1) return fv_fail_at(error, FV_E_FORMAT, name, 0, 0, "holds no samples");
    return FV_OK;
}

static fv_status add_targets(arrays *self, const fv_arrays *given, fv_data *filled, fv_error *error) {
    fv_data_field *field = &filled->fields[filled->field_count++];
    if (!are_classes(&given->targets)) {
        *field = (fv_data_field){"target", given->targets.dtype, without_count(&given->targets.shape), true};
        return FV_OK;
    }
    *field = (fv_data_field){.name = "class", .dtype = FV_I32, .target = true};
    filled->class_of = class_of;
    filled->class_names = (const char *const *)given->class_names;
    return copy_classes(self, given, &filled->class_count, error);
}

fv_status fv_data_open_arrays(const fv_arrays *given, fv_data *out, fv_error *error) {
    fv_status status = check(&given->inputs, &given->targets, given->name, error);
    if (status != FV_OK) return status;
    arrays *self = fv_alloc(sizeof *self);
    if (!self) return fv_fail_memory(error, "a data set", sizeof *self);
    *self = (arrays){.inputs = given->inputs,
                     .targets = given->targets,
                     .class_names = given->class_names,
                     .has_parts = {given->other_parts[0], given->other_parts[1]}};
    snprintf(self->description, sizeof self->description, "%s", given->name);
    fv_data filled = {.count = given->inputs.shape.dim[0],
                      .field_count = 1,
                      .description = self->description,
                      .read = read_sample,
                      .direct = direct,
                      .has_part = has_part,
                      .close = close_arrays,
                      .self = self};
    filled.fields[0] = input_field(&given->inputs);
    filled.scale = given->inputs.dtype == FV_U8 ? 1.0 / 255 : 0;
    if (given->targets.data) status = add_targets(self, given, &filled, error);
    if (status != FV_OK) {
        close_arrays(&filled); /* owns nothing of the caller's yet */
        return status;
    }
    self->owned = given->owned;
    memcpy(out, &filled, sizeof *out);
    return FV_OK;
}

fv_data *fv_data_from_arrays(fv_tensor inputs, fv_tensor targets, fv_error *error) {
    fv_data filled = {0};
    fv_arrays given = {.inputs = inputs, .targets = targets, .name = "arrays"};
    return fv_data_open_arrays(&given, &filled, error) == FV_OK ? fv_data_finish(&filled, error) : NULL;
}
