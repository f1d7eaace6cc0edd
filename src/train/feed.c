/* feed.c - from samples to the inputs of a run: which field goes where, and whether it fits. */
#include <string.h>

#include "train.h"

/* ---- what the model takes from the data ------------------------------------------------------------------------- */

const fv_data_field *fv_target_field(const fv_data *data) {
    for (int i = 0; i < data->field_count; i++)
        if (data->fields[i].target) return &data->fields[i];
    return NULL;
}

/* The scale that the data suggests becomes the model's own, so that prediction does what training did. */
fv_status fv_feed_prepare(fv_model *model, const fv_data *data, fv_error *error) {
    fv_preprocess *p = &model->preprocess;
    if (p->scale == 0) p->scale = p->channels == 0 && data->scale != 0 ? data->scale : 1;
    if (model->class_count || !data->class_count || !data->class_names) return FV_OK;
    return fv_model_set_classes(model, data->class_names, data->class_count, error);
}

static int first_input(const fv_net *net) {
    for (int v = 0; v < net->value_count; v++)
        if (net->values[v].kind == FV_KIND_INPUT && !net->values[v].target) return v;
    return -1;
}

/* ---- which field goes where ------------------------------------------------------------------------------------- */

static bool is_whole(fv_dtype dtype) {
    return dtype == FV_I32 || dtype == FV_I64 || dtype == FV_U8 || dtype == FV_BOOL;
}

/* The field of the input's name, else the only one of its kind that is left. */
static int match(const fv_feed *feed, const fv_value_info *input) {
    int only = -1, kind = 0;
    for (int i = 0; i < feed->data->field_count; i++) {
        const fv_data_field *field = &feed->data->fields[i];
        if (feed->taken[i] || field->target != input->target) continue;
        if (!strcmp(field->name, input->name)) return i;
        only = i, kind++;
    }
    return kind == 1 ? only : -1;
}

const fv_shape *fv_feed_shape(const fv_net *net, const fv_data *data, fv_shape *out) {
    int value = first_input(net);
    if (value < 0) return NULL;
    const fv_type *type = &net->values[value].type;
    bool open = false;
    for (int d = 0; d < type->shape.rank; d++) open |= type->shape.dim[d] == FV_OPEN;
    fv_feed feed = {.data = data};
    int field = open ? match(&feed, &net->values[value]) : -1;
    if (field < 0) return NULL;
    *out = data->fields[field].shape;
    return out;
}

/* Equal but for dimensions of 1: a grey picture may come without its channel. */
static bool same_sample(const fv_shape *sample, const fv_type *type) {
    int a = 0, b = fv_type_batched(type) ? 1 : 0;
    for (;;) {
        while (a < sample->rank && sample->dim[a] == 1) a++;
        while (b < type->shape.rank && type->shape.dim[b] == 1) b++;
        if (a == sample->rank || b == type->shape.rank) return a == sample->rank && b == type->shape.rank;
        if (sample->dim[a++] != type->shape.dim[b++]) return false;
    }
}

static fv_status misfit(const fv_data_field *field, const fv_value_info *input, const fv_type *type, fv_error *error) {
    char has[128], wants[128];
    fv_shape sample = {.rank = 0};
    for (int d = fv_type_batched(type); d < type->shape.rank; d++) sample.dim[sample.rank++] = type->shape.dim[d];
    fv_shape_text(&field->shape, has, sizeof has);
    fv_shape_text(&sample, wants, sizeof wants);
    return fv_fail(error, FV_E_SHAPE, "the data's '%s' is %s %s, but the net's %s '%s' is %s %s", field->name,
                   fv_dtype_name(field->dtype), has, input->target ? "target" : "input", input->name,
                   fv_dtype_name(type->dtype), wants);
}

/* Class numbers where the net wants a row of numbers for every one of them: the row gets a 1 at the class. */
static fv_status spread(fv_feed *feed, int i, const fv_type *type, fv_tensor input, fv_error *error) {
    const fv_data_field *field = &feed->data->fields[i];
    size_t count = (size_t)input.shape.dim[0] * (size_t)fv_shape_count(&field->shape);
    feed->one_hot[i] = input.data;
    feed->classes[i] = type->shape.dim[type->shape.rank - 1];
    feed->into[i] = (fv_tensor){.dtype = FV_I32, .shape = {.rank = 1, .dim = {input.shape.dim[0]}}};
    for (int d = 0; d < field->shape.rank; d++)
        feed->into[i].shape.dim[feed->into[i].shape.rank++] = field->shape.dim[d];
    feed->into[i].data = fv_alloc_array(count, sizeof(int32_t));
    return feed->into[i].data ? FV_OK : fv_fail_memory(error, "class numbers", count * sizeof(int32_t));
}

static fv_status connect(fv_feed *feed, int i, const fv_value_info *info, const fv_type *type, fv_tensor input,
                         int64_t classes, fv_error *error) {
    const fv_data_field *field = &feed->data->fields[i];
    int64_t each = fv_shape_count(&field->shape), wanted = fv_type_each(type);
    bool whole = is_whole(field->dtype), numbers = type->dtype == FV_F32;
    feed->taken[i] = true;
    if (same_sample(&field->shape, type) && (numbers || (whole && is_whole(type->dtype)))) {
        feed->into[i] = input;
        if (info->target && type->dtype == FV_I32) feed->classes[i] = classes;
        return FV_OK;
    }
    int64_t columns = type->shape.rank > 1 ? type->shape.dim[type->shape.rank - 1] : 1;
    if (info->target && numbers && whole && columns > 1 && each * columns == wanted)
        return spread(feed, i, type, input, error);
    return misfit(field, info, type, error);
}

static fv_status no_field(const fv_data *data, const fv_value_info *input, fv_error *error) {
    fv_text fields = {0};
    char shape[128];
    for (int i = 0; i < data->field_count; i++)
        fv_text_printf(&fields, "%s%s (%s %s%s)", i ? ", " : "", data->fields[i].name,
                       fv_dtype_name(data->fields[i].dtype), fv_shape_text(&data->fields[i].shape, shape, sizeof shape),
                       data->fields[i].target ? ", target" : "");
    fv_status status =
        fv_fail(error, FV_E_SHAPE, "the net's %s '%s' finds no field of its own in the data, which has: %s",
                input->target ? "target" : "input", input->name, fields.data ? fields.data : "none");
    fv_text_free(&fields);
    return status;
}

/* Means for 3 channels want 3 channels; fv_data_batch would say so, but only later. */
static fv_status check_preprocess(const fv_feed *feed, const fv_type *type, fv_error *error) {
    int64_t last = type->shape.dim[type->shape.rank - 1];
    if (type->dtype != FV_F32 || feed->preprocess->channels <= 1 || feed->preprocess->channels == last) return FV_OK;
    return fv_fail(error, FV_E_SHAPE, "preprocessing has means for %d channels, the net's input has %lld",
                   feed->preprocess->channels, (long long)last);
}

fv_status fv_feed_begin(fv_feed *feed, const fv_model *model, const fv_data *data, fv_run *run, bool targets,
                        fv_error *error) {
    memset(feed, 0, sizeof *feed);
    feed->data = data;
    feed->preprocess = &model->preprocess;
    const fv_net *net = model->net;
    const fv_plan *plan = fv_run_plan(run);
    const char *loss = fv_main_loss_name(net);
    feed->no = loss && !strcmp(loss, "hinge") ? -1 : 0;
    fv_reading reading = fv_net_reading(net);
    const fv_shape *answers = &plan->types[reading.scores].shape;
    int64_t classes = answers->rank > 1 ? answers->dim[answers->rank - 1] : 1;
    if (targets && reading.answer != FV_ANSWER_NUMBERS && classes > 1 && data->class_count > classes)
        return fv_fail(error, FV_E_SHAPE, "the data has %d classes, but the net answers with %lld", data->class_count,
                       (long long)classes);
    for (int v = 0; v < net->value_count; v++) {
        const fv_value_info *info = &net->values[v];
        if (info->kind != FV_KIND_INPUT || plan->of_value[v] == FV_NO_OPERAND || (info->target && !targets)) continue;
        int field = match(feed, info);
        if (field < 0) return no_field(data, info, error);
        fv_status status = info->target ? FV_OK : check_preprocess(feed, &plan->types[v], error);
        if (!status)
            status =
                connect(feed, field, info, &plan->types[v], fv_run_operand(run, plan->of_value[v]), classes, error);
        if (status) return status;
    }
    return FV_OK;
}

/* ---- a batch ---------------------------------------------------------------------------------------------------- */

/* A class number beyond the net's answers would read memory that is not there. */
static fv_status check_classes(const fv_feed *feed, int i, const int64_t *order, int64_t count, fv_error *error) {
    int64_t each = fv_shape_count(&feed->data->fields[i].shape), limit = feed->classes[i] > 1 ? feed->classes[i] : 2;
    const int32_t *numbers = feed->into[i].data;
    for (int64_t k = 0; k < count * each; k++)
        if (numbers[k] < 0 || numbers[k] >= limit)
            return fv_fail(error, FV_E_NUMBER, "sample %lld of the data: expected '%s' in 0..%lld, got %d",
                           (long long)order[k / each], feed->data->fields[i].name, (long long)limit - 1,
                           (int)numbers[k]);
    return FV_OK;
}

static void spread_classes(const fv_feed *feed, int i, int64_t count) {
    int64_t rows = count * fv_shape_count(&feed->data->fields[i].shape), columns = feed->classes[i];
    const int32_t *numbers = feed->into[i].data;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < columns; j++)
            feed->one_hot[i][r * columns + j] = numbers[r] == j ? 1.0f : (float)feed->no;
}

/* Labels are mixed as the samples are. */
static fv_status mix(const fv_feed *feed, const int64_t *order, int64_t first, int64_t count, fv_error *error) {
    fv_tensor labels[FV_MAX_FIELDS] = {{0}};
    for (int i = 0; i < feed->data->field_count; i++) {
        fv_tensor *label = &labels[i];
        if (!feed->data->fields[i].target || !feed->into[i].data) continue;
        if (feed->into[i].dtype == FV_F32) *label = feed->into[i];
        if (!feed->one_hot[i]) continue;
        int64_t each = fv_shape_count(&feed->data->fields[i].shape) * feed->classes[i];
        *label = (fv_tensor){FV_F32, {2, {feed->into[i].shape.dim[0], each}}, feed->one_hot[i]};
    }
    return fv_augment_mix(feed->augmenting, order, first, count, feed->into, labels, error);
}

fv_status fv_feed_batch(fv_feed *feed, const int64_t *order, int64_t first, int64_t count, fv_error *error) {
    fv_status status = fv_data_batch(feed->data, order, first, count, feed->preprocess, feed->into, error);
    if (!status && feed->invert) fv_feed_invert(feed, count);
    if (!status && feed->augmenting)
        status = fv_augment_batch(feed->augmenting, order, first, count, feed->into, error);
    for (int i = 0; i < feed->data->field_count && !status; i++) {
        if (!feed->classes[i]) continue;
        status = check_classes(feed, i, order + first, count, error);
        if (!status && feed->one_hot[i]) spread_classes(feed, i, count);
    }
    if (!status && feed->augmenting) status = mix(feed, order, first, count, error);
    return status;
}

void fv_feed_end(fv_feed *feed) {
    for (int i = 0; i < FV_MAX_FIELDS; i++)
        if (feed->one_hot[i]) fv_free(feed->into[i].data);
    memset(feed, 0, sizeof *feed);
}
