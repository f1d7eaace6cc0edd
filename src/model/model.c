/* model.c - a net with its weights, preprocessing, class names and notes. */
#include "model.h"

#include <string.h>

#include "hash.h"
#include "initializers.h"

static bool is_weight(const fv_value_info *value) {
    return value->kind == FV_KIND_WEIGHT || value->kind == FV_KIND_STATE;
}

/* ---- making and freeing -------------------------------------------------------------------------------------------
 */

fv_model *fv_model_around(fv_net *net, fv_error *error) {
    fv_model *model = fv_alloc(sizeof *model);
    if (!model) return fv_fail_memory(error, "a model", sizeof *model), NULL;
    model->net = fv_net_keep(net);
    if (fv_preprocess_from_net(net, &model->preprocess, error)) return fv_model_free(model), NULL;
    return model;
}

fv_model *fv_model_new(fv_net *net, uint64_t seed, fv_error *error) {
    if (!net) return fv_fail(error, FV_E_ARGUMENT, "fv_model_new: no net was given"), NULL;
    if (fv_net_check(net, error)) return NULL;
    fv_model *model = fv_model_around(net, error);
    if (!model) return NULL;
    model->seed = seed;
    if (fv_model_sync(model, error)) return fv_model_free(model), NULL;
    return model;
}

void fv_model_free(fv_model *model) {
    if (!model) return;
    for (int i = 0; i < model->weight_count; i++) fv_free_aligned(model->weights.of[model->weight_values[i]].data);
    fv_free(model->weights.of);
    fv_free(model->weight_values);
    for (int i = 0; i < model->class_count; i++) fv_free(model->class_names[i]);
    fv_free(model->class_names);
    for (int i = 0; i < model->note_count; i++) fv_free(model->notes[i].key), fv_free(model->notes[i].value);
    fv_free(model->notes);
    fv_net_free(model->net);
    fv_free(model);
}

/* ---- weights -------------------------------------------------------------------------------------------------------
 */

/* Room for every value of the net; what is there stays. */
static fv_status grow(fv_model *model, int values, int weights, fv_error *error) {
    fv_tensor *of = fv_alloc_array((size_t)values + 1, sizeof *of);
    int *list = fv_alloc_array((size_t)weights + 1, sizeof *list);
    if (!of || !list) {
        fv_free(of), fv_free(list);
        return fv_fail_memory(error, "a model's list of weights", (size_t)values * sizeof *of);
    }
    for (int i = 0; i < model->weight_count; i++) {
        int value = model->weight_values[i];
        list[i] = value;
        of[value] = model->weights.of[value];
    }
    fv_free(model->weights.of), fv_free(model->weight_values);
    model->weights.of = of;
    model->weight_values = list;
    return FV_OK;
}

static fv_status weight_bytes(const fv_value_info *value, size_t *bytes, fv_error *error) {
    const fv_shape *shape = &value->type.shape;
    char text[128];
    *bytes = sizeof(float);
    for (int d = 0; d < shape->rank; d++)
        if (shape->dim[d] < 1 || !fv_mul_size(*bytes, (size_t)shape->dim[d], bytes))
            return fv_fail(error, FV_E_SHAPE, "%s: a weight needs a fixed shape that fits in memory, got %s",
                           value->name, fv_shape_text(shape, text, sizeof text));
    return FV_OK;
}

/* Memory for one weight, behind those that the model has; its numbers are to be written. */
static fv_status add_weight(fv_model *model, int index, fv_error *error) {
    const fv_value_info *value = &model->net->values[index];
    size_t bytes;
    fv_status status = weight_bytes(value, &bytes, error);
    if (status) return status;
    fv_tensor weight = {FV_F32, value->type.shape, fv_alloc_aligned(bytes)};
    if (!weight.data) return fv_fail_memory(error, value->name, bytes);
    model->weights.of[index] = weight;
    model->weight_values[model->weight_count++] = index;
    return FV_OK;
}

static fv_status draw(fv_model *model, int index, fv_error *error) {
    const fv_value_info *value = &model->net->values[index];
    fv_status status = add_weight(model, index, error);
    if (status) return status;
    const char *initializer = value->parameter.initializer ? value->parameter.initializer : "zeros";
    fv_tensor *weight = &model->weights.of[index];
    fv_error reason = {0};
    status = fv_initialize(initializer, weight->data, &weight->shape, value->parameter.axes, model->seed, value->name,
                           &reason);
    if (!status) return FV_OK;
    fv_free_aligned(weight->data);
    weight->data = NULL;
    model->weight_count--;
    return fv_fail(error, status, "%s: %s", value->name, reason.message);
}

static int count_weights(const fv_net *net) {
    int weights = 0;
    for (int v = 0; v < net->value_count; v++) weights += is_weight(&net->values[v]);
    return weights;
}

fv_status fv_model_allocate(fv_model *model, fv_error *error) {
    const fv_net *net = model->net;
    fv_status status = grow(model, net->value_count, count_weights(net), error);
    for (int v = 0; v < net->value_count && !status; v++)
        if (is_weight(&net->values[v])) status = add_weight(model, v, error);
    return status;
}

fv_status fv_model_sync(fv_model *model, fv_error *error) {
    const fv_net *net = model->net;
    int known = 0;
    fv_status status = grow(model, net->value_count, count_weights(net), error);
    for (int v = 0; v < net->value_count && !status; v++) {
        if (!is_weight(&net->values[v])) continue;
        if (known < model->weight_count && model->weight_values[known] == v)
            known++;
        else {
            status = draw(model, v, error);
            known++;
            model->weights.version++;
        }
    }
    return status;
}

fv_net *fv_model_net(const fv_model *model) { return model->net; }
int fv_model_weight_count(const fv_model *model) { return model->weight_count; }

static int value_of(const fv_model *model, int index) {
    return index >= 0 && index < model->weight_count ? model->weight_values[index] : -1;
}

const char *fv_model_weight_name(const fv_model *model, int index) {
    int value = value_of(model, index);
    return value < 0 ? NULL : model->net->values[value].name;
}

fv_tensor fv_model_weight(const fv_model *model, int index) {
    int value = value_of(model, index);
    return value < 0 ? (fv_tensor){0} : model->weights.of[value];
}

int fv_model_find_weight(const fv_model *model, const char *name) {
    for (int i = 0; i < model->weight_count; i++)
        if (!strcmp(fv_model_weight_name(model, i), name)) return i;
    return -1;
}

void fv_model_touch(fv_model *model) { model->weights.version++; }

uint64_t fv_model_hash(const fv_model *model) {
    uint64_t hash = FV_HASH_START;
    for (int i = 0; i < model->weight_count; i++) {
        fv_tensor weight = fv_model_weight(model, i);
        const char *name = fv_model_weight_name(model, i);
        hash = fv_hash(hash, name, strlen(name) + 1);
        hash = fv_hash(hash, weight.data, (size_t)fv_shape_count(&weight.shape) * sizeof(float));
    }
    return hash;
}

/* ---- classes -------------------------------------------------------------------------------------------------------
 */

int fv_model_class_count(const fv_model *model) { return model->class_count; }

const char *fv_model_class_name(const fv_model *model, int index) {
    return index >= 0 && index < model->class_count ? model->class_names[index] : NULL;
}

fv_status fv_model_set_classes(fv_model *model, const char *const *names, int count, fv_error *error) {
    if (count < 0 || (count > 0 && !names))
        return fv_fail(error, FV_E_ARGUMENT, "fv_model_set_classes: no names were given");
    char **copy = fv_alloc_array((size_t)count + 1, sizeof *copy);
    bool good = copy != NULL;
    for (int i = 0; i < count && good; i++) good = (copy[i] = fv_copy_text(names[i])) != NULL;
    char **old = good ? model->class_names : copy;
    int old_count = good ? model->class_count : count;
    if (good) model->class_names = copy, model->class_count = count;
    for (int i = 0; old && i < old_count; i++) fv_free(old[i]);
    fv_free(old);
    return good ? FV_OK : fv_fail_memory(error, "class names", (size_t)count * sizeof *copy);
}

/* ---- preprocessing -------------------------------------------------------------------------------------------------
 */

fv_preprocess fv_model_preprocess(const fv_model *model) { return model->preprocess; }
void fv_model_set_preprocess(fv_model *model, const fv_preprocess *preprocess) { model->preprocess = *preprocess; }

/* "0.485,0.456,0.406" into out[16]; returns how many, 0 if it cannot be read. */
static int read_list(const char *text, double out[16]) {
    int count = 0;
    for (const char *s = text; count < 16; s++) {
        char word[48];
        size_t length = strcspn(s, ",");
        if (length >= sizeof word) return 0;
        memcpy(word, s, length);
        word[length] = 0;
        if (!fv_parse_double(word, &out[count++])) return 0;
        s += length;
        if (!*s) return count;
    }
    return 0;
}

static const char *const fits[] = {[FV_FIT_STRETCH] = "stretch", [FV_FIT_CROP] = "crop", [FV_FIT_LETTERBOX] = "letterbox"};
enum { FITS = sizeof fits / sizeof fits[0] };

const char *fv_fitting_name(fv_fitting fit) { return fits[fit]; }

bool fv_fitting_parse(const char *text, fv_fitting *out) {
    for (int i = 0; i < FITS; i++)
        if (!strcmp(text, fits[i])) return *out = (fv_fitting)i, true;
    return false;
}

/* fit=, crop= and order=; *known is false for other keys. */
static fv_status read_picture_key(const char *key, const char *value, fv_preprocess *p, bool *known, fv_error *error) {
    *known = true;
    if (!strcmp(key, "fit")) {
        if (fv_fitting_parse(value, &p->fit)) return FV_OK;
        return fv_fail(error, FV_E_SYNTAX, "preprocess fit: expected stretch, crop or letterbox, got '%s'", value);
    }
    if (!strcmp(key, "crop")) {
        if (fv_parse_double(value, &p->crop) && p->crop > 0 && p->crop <= 1) return FV_OK;
        return fv_fail(error, FV_E_SYNTAX, "preprocess crop: expected more than 0, at most 1, got '%s'", value);
    }
    if (!strcmp(key, "order")) {
        p->bgr = !strcmp(value, "bgr");
        if (p->bgr || !strcmp(value, "rgb")) return FV_OK;
        return fv_fail(error, FV_E_SYNTAX, "preprocess order: expected rgb or bgr, got '%s'", value);
    }
    *known = false;
    return FV_OK;
}

static fv_status read_preprocess(const fv_net_setting *settings, int count, fv_preprocess *out, fv_error *error) {
    static const char *const keys[] = {"scale", "mean", "deviation"};
    fv_preprocess p = {0};
    int counts[3] = {0};
    double lists[3][16];
    for (int i = 0; i < count; i++) {
        const fv_net_setting *setting = &settings[i];
        if (strcmp(setting->section, "preprocess")) continue;
        bool known;
        fv_status status = read_picture_key(setting->key, setting->value, &p, &known, error);
        if (status) return status;
        if (known) continue;
        int k = 0;
        while (k < 3 && strcmp(setting->key, keys[k])) k++;
        if (k == 3)
            return fv_fail(error, FV_E_SYNTAX, "preprocess: unknown '%s'; there are scale, mean, deviation, fit, crop and order",
                           setting->key);
        counts[k] = read_list(setting->value, lists[k]);
        if (!counts[k])
            return fv_fail(error, FV_E_SYNTAX, "preprocess %s: expected up to 16 numbers separated by commas, got '%s'",
                           keys[k], setting->value);
    }
    if (counts[0] > 1) return fv_fail(error, FV_E_SYNTAX, "preprocess scale: expected one number, got %d", counts[0]);
    if (counts[1] > 1 && counts[2] > 1 && counts[1] != counts[2])
        return fv_fail(error, FV_E_SYNTAX, "preprocess: %d means but %d deviations", counts[1], counts[2]);
    if (counts[0]) p.scale = lists[0][0];
    p.channels = counts[1] > counts[2] ? counts[1] : counts[2];
    for (int c = 0; c < p.channels && c < 16; c++) {
        p.mean[c] = counts[1] == 0 ? 0 : lists[1][counts[1] == 1 ? 0 : c];
        p.deviation[c] = counts[2] == 0 ? 1 : lists[2][counts[2] == 1 ? 0 : c];
        if (!(p.deviation[c] > 0))
            return fv_fail(error, FV_E_SYNTAX, "preprocess deviation: expected more than 0, got %g", p.deviation[c]);
    }
    *out = p;
    return FV_OK;
}

fv_status fv_preprocess_from_net(const fv_net *net, fv_preprocess *out, fv_error *error) {
    return read_preprocess(net->settings, net->setting_count, out, error);
}

fv_status fv_preprocess_from_text(const char *text, fv_preprocess *out, fv_error *error) {
    enum { MOST = 8 };
    fv_net_setting settings[MOST];
    int count = 0;
    char *copy = fv_copy_text(text);
    if (!copy) return fv_fail_memory(error, "preprocess", strlen(text));
    fv_status status = FV_OK;
    for (char *rest = copy, *word; (word = strtok_r(rest, " \t\r\n", &rest)) && !status;) {
        char *equals = strchr(word, '=');
        if (!equals || count == MOST)
            status = fv_fail(error, FV_E_SYNTAX, "preprocess: expected scale=, mean=, deviation=, fit=, crop= or order=, got '%s'", word);
        else {
            *equals = 0;
            settings[count++] = (fv_net_setting){"preprocess", word, equals + 1};
        }
    }
    if (!status) status = read_preprocess(settings, count, out, error);
    fv_free(copy);
    return status;
}

/* ---- notes ---------------------------------------------------------------------------------------------------------
 */

const char *fv_model_note(const fv_model *model, const char *key) {
    for (int i = 0; i < model->note_count; i++)
        if (!strcmp(model->notes[i].key, key)) return model->notes[i].value;
    return NULL;
}

static void remove_note(fv_model *model, int at) {
    fv_free(model->notes[at].key), fv_free(model->notes[at].value);
    memmove(&model->notes[at], &model->notes[at + 1], (size_t)(--model->note_count - at) * sizeof model->notes[0]);
}

/* A NULL value removes the note. */
fv_status fv_model_set_note(fv_model *model, const char *key, const char *value, fv_error *error) {
    int at = 0;
    while (at < model->note_count && strcmp(model->notes[at].key, key)) at++;
    if (!value) {
        if (at < model->note_count) remove_note(model, at);
        return FV_OK;
    }
    fv_note note = {.value = fv_copy_text(value)};
    if (!note.value) return fv_fail_memory(error, "a note", strlen(value));
    if (at < model->note_count) {
        fv_free(model->notes[at].value);
        model->notes[at].value = note.value;
        return FV_OK;
    }
    note.key = fv_copy_text(key);
    if (!note.key || !fv_grow((void **)&model->notes, &model->note_capacity, model->note_count, sizeof note)) {
        fv_free(note.key), fv_free(note.value);
        return fv_fail_memory(error, "a note", strlen(key));
    }
    model->notes[model->note_count++] = note;
    return FV_OK;
}
