/* model_file.c - models on disk: safetensors with everything needed to use them in the metadata.
 *
 *   fovea.format      "1"
 *   fovea.version     the version of the library that wrote it
 *   fovea.net         the architecture in .net language
 *   fovea.classes     class names, a JSON array of strings
 *   fovea.preprocess  {"scale": s, "mean": [..], "deviation": [..]}, and for pictures, where they differ from what a file
 *                     without them means: "fit": "crop" or "letterbox", "crop": share, "order": "bgr"
 *   fovea.seed        what the weights were drawn from
 *   fovea.note.KEY    free-form facts
 *
 * Tensors carry the weights' names. A file is hostile until checked: a weight gets memory only after the file was seen
 * to hold it in the right shape. */
#include <jansson.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "model.h"
#include "onnx_file.h"
#include "store.h"

#define FORMAT "1"
#define NOTE "fovea.note."

/* ---- writing -------------------------------------------------------------------------------------------------------
 */

/* Takes over `json` and stores its text. */
static fv_status set_json(fv_store *store, const char *key, json_t *json, fv_error *error) {
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    fv_status status = text ? fv_store_set_note(store, key, text, error) : fv_fail_memory(error, key, 0);
    free(text);
    json_decref(json);
    return status;
}

static json_t *classes_json(const fv_model *model) {
    json_t *names = json_array();
    for (int i = 0; names && i < model->class_count; i++)
        if (json_array_append_new(names, json_string(model->class_names[i]))) json_decref(names), names = NULL;
    return names;
}

static json_t *numbers_json(const double *numbers, int count) {
    json_t *list = json_array();
    for (int i = 0; list && i < count; i++)
        if (json_array_append_new(list, json_real(numbers[i]))) json_decref(list), list = NULL;
    return list;
}

static json_t *preprocess_json(const fv_preprocess *p) {
    json_t *json = json_pack("{s:f, s:o, s:o}", "scale", p->scale, "mean", numbers_json(p->mean, p->channels),
                             "deviation", numbers_json(p->deviation, p->channels));
    int failed = json == NULL;
    if (p->fit != FV_FIT_STRETCH) failed |= json_object_set_new(json, "fit", json_string(fv_fitting_name(p->fit)));
    if (p->crop > 0 && p->crop < 1) failed |= json_object_set_new(json, "crop", json_real(p->crop));
    if (p->bgr) failed |= json_object_set_new(json, "order", json_string("bgr"));
    if (!failed) return json;
    json_decref(json);
    return NULL;
}

static fv_status describe(const fv_model *model, fv_store *store, fv_error *error) {
    char *net = fv_net_text(model->net), seed[32];
    if (!net) return fv_fail_memory(error, "the text of a net", 0);
    snprintf(seed, sizeof seed, "%" PRIu64, model->seed);
    fv_status status = fv_store_set_note(store, "fovea.net", net, error);
    fv_free(net);
    if (!status) status = fv_store_set_note(store, "fovea.format", FORMAT, error);
    if (!status) status = fv_store_set_note(store, "fovea.version", fv_version(), error);
    if (!status) status = fv_store_set_note(store, "fovea.seed", seed, error);
    if (!status) status = set_json(store, "fovea.classes", classes_json(model), error);
    if (!status) status = set_json(store, "fovea.preprocess", preprocess_json(&model->preprocess), error);
    for (int i = 0; i < model->note_count && !status; i++) {
        fv_text key = {0};
        fv_text_printf(&key, NOTE "%s", model->notes[i].key);
        status = key.failed ? fv_fail_memory(error, "a note", 0)
                            : fv_store_set_note(store, key.data, model->notes[i].value, error);
        fv_text_free(&key);
    }
    return status;
}

fv_status fv_model_to_store(const fv_model *model, fv_store *store, fv_error *error) {
    fv_status status = describe(model, store, error);
    for (int i = 0; i < model->weight_count && !status; i++)
        status = fv_store_add(store, fv_model_weight_name(model, i), fv_model_weight(model, i), error);
    return status;
}

fv_status fv_model_save(const fv_model *model, const char *path, fv_error *error) {
    fv_store *store = fv_store_new();
    if (!store) return fv_fail_memory(error, "a model file", 0);
    fv_status status = fv_model_to_store(model, store, error);
    if (!status) status = fv_safetensors_write(store, path, error);
    fv_store_free(store);
    return status;
}

/* ---- reading -------------------------------------------------------------------------------------------------------
 */

typedef struct reader {
    const char *path;
    const fv_store *store;
    fv_model *model;
    fv_error *error;
} reader;

static fv_status bad(const reader *r, const char *what) {
    return fv_fail_at(r->error, FV_E_FORMAT, r->path, 0, 0, "%s", what);
}

static fv_status check_weight(const reader *r, const fv_value_info *value) {
    char expected[128], got[128];
    fv_shape_text(&value->type.shape, expected, sizeof expected);
    int at = fv_store_find(r->store, value->name);
    if (at < 0)
        return fv_fail_at(r->error, FV_E_FORMAT, r->path, 0, 0, "the weight '%s' is missing; expected f32 %s",
                          value->name, expected);
    fv_tensor tensor = fv_store_tensor(r->store, at);
    if (tensor.dtype == FV_F32 && fv_shape_equal(&tensor.shape, &value->type.shape)) return FV_OK;
    return fv_fail_at(r->error, FV_E_FORMAT, r->path, 0, 0, "the weight '%s': expected f32 %s, got %s %s", value->name,
                      expected, fv_dtype_name(tensor.dtype), fv_shape_text(&tensor.shape, got, sizeof got));
}

static bool is_other(const char *name) { return !strncmp(name, FV_NOT_A_WEIGHT, strlen(FV_NOT_A_WEIGHT)); }

static int weights_in(const fv_store *store) {
    int count = 0;
    for (int i = 0; i < fv_store_count(store); i++) count += !is_other(fv_store_name(store, i));
    return count;
}

static fv_status check_no_others(const reader *r) {
    const fv_net *net = r->model->net;
    for (int i = 0; i < fv_store_count(r->store); i++) {
        const char *name = fv_store_name(r->store, i);
        bool known = is_other(name);
        for (int v = 0; v < net->value_count && !known; v++)
            known = (net->values[v].kind == FV_KIND_WEIGHT || net->values[v].kind == FV_KIND_STATE) &&
                    !strcmp(net->values[v].name, name);
        if (!known) return fv_fail_at(r->error, FV_E_FORMAT, r->path, 0, 0, "the net has no weight '%s'", name);
    }
    return FV_OK;
}

static fv_status read_weights(const reader *r) {
    fv_model *model = r->model;
    const fv_net *net = model->net;
    int count = 0;
    for (int v = 0; v < net->value_count; v++) {
        if (net->values[v].kind != FV_KIND_WEIGHT && net->values[v].kind != FV_KIND_STATE) continue;
        fv_status status = check_weight(r, &net->values[v]);
        if (status) return status;
        count++;
    }
    fv_status status = count == weights_in(r->store) ? FV_OK : check_no_others(r);
    if (status) return status;
    status = fv_model_allocate(model, r->error);
    for (int i = 0; i < model->weight_count && !status; i++) {
        fv_tensor to = fv_model_weight(model, i);
        fv_tensor from = fv_store_tensor(r->store, fv_store_find(r->store, fv_model_weight_name(model, i)));
        memcpy(to.data, from.data, (size_t)fv_shape_count(&to.shape) * sizeof(float));
    }
    return status;
}

static fv_status read_classes(const reader *r) {
    const char *text = fv_store_note(r->store, "fovea.classes");
    if (!text) return FV_OK;
    json_t *list = json_loads(text, 0, NULL);
    size_t count = json_array_size(list);
    bool good = json_is_array(list) && count <= 1000000;
    const char **names = fv_alloc_array(count + 1, sizeof *names);
    for (size_t i = 0; names && good && i < count; i++)
        good = (names[i] = json_string_value(json_array_get(list, i))) != NULL;
    fv_status status = !names ? fv_fail_memory(r->error, "class names", 0)
                       : good ? fv_model_set_classes(r->model, names, (int)count, r->error)
                              : bad(r, "fovea.classes: expected a JSON array of class names");
    fv_free(names);
    json_decref(list);
    return status;
}

static bool read_numbers(const json_t *list, double out[16], int *count) {
    if (!json_is_array(list) || json_array_size(list) > 16) return false;
    *count = (int)json_array_size(list);
    for (int i = 0; i < *count; i++) {
        const json_t *number = json_array_get(list, (size_t)i);
        if (!json_is_number(number)) return false;
        out[i] = json_number_value(number);
    }
    return true;
}

/* What a file need not have. */
static bool read_picture_rules(const json_t *json, fv_preprocess *p) {
    const json_t *fit = json_object_get(json, "fit"), *crop = json_object_get(json, "crop"),
                 *order = json_object_get(json, "order");
    if (fit && !(json_is_string(fit) && fv_fitting_parse(json_string_value(fit), &p->fit))) return false;
    if (order && !(json_is_string(order) && (!strcmp(json_string_value(order), "bgr") || !strcmp(json_string_value(order), "rgb"))))
        return false;
    p->bgr = order && json_string_value(order)[0] == 'b';
    p->crop = json_number_value(crop);
    return !crop || (json_is_number(crop) && p->crop > 0 && p->crop <= 1);
}

static fv_status read_preprocess(const reader *r) {
    const char *text = fv_store_note(r->store, "fovea.preprocess");
    if (!text) return FV_OK;
    json_t *json = json_loads(text, 0, NULL);
    fv_preprocess p = {0};
    int means = 0, deviations = 0;
    const json_t *scale = json_object_get(json, "scale");
    bool good = json_is_number(scale) && read_numbers(json_object_get(json, "mean"), p.mean, &means) &&
                read_numbers(json_object_get(json, "deviation"), p.deviation, &deviations) && means == deviations &&
                read_picture_rules(json, &p);
    p.scale = json_number_value(scale);
    p.channels = means;
    for (int c = 0; c < means; c++) good = good && p.deviation[c] > 0;
    json_decref(json);
    if (!good) return bad(r, "fovea.preprocess: expected {\"scale\": s, \"mean\": [..], \"deviation\": [..]}");
    r->model->preprocess = p;
    return FV_OK;
}

static fv_status read_notes(const reader *r) {
    const char *seed = fv_store_note(r->store, "fovea.seed");
    if (seed && sscanf(seed, "%" SCNu64, &r->model->seed) != 1) return bad(r, "fovea.seed: expected a whole number");
    fv_status status = FV_OK;
    for (int i = 0; i < fv_store_note_count(r->store) && !status; i++) {
        const char *key = fv_store_note_key(r->store, i);
        if (strncmp(key, NOTE, strlen(NOTE))) continue;
        status = fv_model_set_note(r->model, key + strlen(NOTE), fv_store_note(r->store, key), r->error);
    }
    return status;
}

static fv_status read_net(reader *r) {
    const char *format = fv_store_note(r->store, "fovea.format"), *text = fv_store_note(r->store, "fovea.net");
    if (!format || !text) return bad(r, "not a Fovea model: the metadata has no fovea.format and fovea.net");
    if (strcmp(format, FORMAT))
        return fv_fail_at(r->error, FV_E_UNSUPPORTED, r->path, 0, 0,
                          "file format '%.20s'; this version reads '" FORMAT "'", format);
    fv_net *net = fv_net_parse(text, r->path, NULL, 0, r->error);
    if (!net) return FV_E_FORMAT;
    fv_status status = fv_net_check(net, r->error);
    if (!status) {
        r->model = fv_model_around(net, r->error);
        status = r->model ? FV_OK : FV_E_FORMAT;
    }
    fv_net_free(net);
    return status;
}

fv_status fv_model_describe_from(fv_model *model, const fv_store *store, const char *name, fv_error *error) {
    reader r = {.path = name, .error = error, .store = store, .model = model};
    fv_status status = read_classes(&r);
    return status ? status : read_preprocess(&r);
}

fv_model *fv_model_from_store(const fv_store *store, const char *name, fv_error *error) {
    reader r = {.path = name, .error = error, .store = store};
    bool good = !read_net(&r) && !read_weights(&r) && !fv_model_describe_from(r.model, store, name, error) &&
                !read_notes(&r);
    if (!good) fv_model_free(r.model), r.model = NULL;
    return r.model;
}

/* By the content; a file that is damaged so early that it says nothing, by the name. */
static bool is_onnx(const char *path) {
    unsigned char start[64];
    const int64_t size = fv_read_start(path, start, sizeof start);
    if (size > 0 && fv_onnx_is(start, (size_t)size)) return true;
    const char *ending = strrchr(path, '.');
    const bool is_safetensors = size > 8 && start[8] == '{'; /* behind the length of this header */
    return size >= 0 && !is_safetensors && ending && !strcmp(ending, ".onnx");
}

fv_model *fv_model_load(const char *path, fv_error *error) {
    struct stat info;
    fv_text file = {0};
    fv_text_add(&file, path);
    if (!stat(path, &info) && S_ISDIR(info.st_mode)) fv_text_add(&file, "/best.safetensors");
    if (file.failed) return fv_fail_memory(error, "a file name", 0), NULL;
    if (is_onnx(file.data)) {
        fv_text_free(&file);
        return fv_onnx_load(path, error, .given = NULL);
    }
    fv_store *store = fv_safetensors_read(file.data, error);
    fv_model *model = store ? fv_model_from_store(store, file.data, error) : NULL;
    fv_store_free(store);
    fv_text_free(&file);
    return model;
}
