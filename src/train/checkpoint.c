/* checkpoint.c - a training in a file: a model file that also holds all that the next step depends on.
 *
 *   fovea.checkpoint        {"format": 1, "epoch": finished epochs, "step": finished steps of the next, "updates": steps
 *                            of the optimizer, "samples": seen in the unfinished epoch, "epochs": to come to}
 *   fovea.checkpoint.sum    hash over everything else in the file
 *   fovea.checkpoint.log    history.jsonl so far
 *   fovea.run.KEY           what must be the same to go on: batch_size, seed, data, ...
 *   training/numbers        f64: best loss, last rate, seconds of the unfinished epoch
 *   training/sums           f64 [metrics]: over the unfinished epoch
 *   training/tally          f64: counts by class over the unfinished epoch, where a metric needs them
 *   training/history        f64 [epochs][metrics]
 *   training/average/NAME   f32: the averaged weight NAME, where weights are averaged
 *   training/stateK/NAME    f32: the optimizer's state K of the weight NAME */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "train.h"

#define NEWEST "checkpoint.safetensors"
#define PREVIOUS "checkpoint.previous.safetensors"
#define STANDS "fovea.checkpoint"
#define SUM "fovea.checkpoint.sum"
#define LOG "fovea.checkpoint.log"
#define FACT "fovea.run."
enum { FORMAT = 1, NUMBERS = 3 };

/* ---- facts ------------------------------------------------------------------------------------------------------ */

fv_status fv_facts_add(fv_facts *facts, const char *key, const char *value, fv_error *error) {
    if (!value) return FV_OK;
    char *copy = fv_copy_text(value);
    if (!copy) return fv_fail_memory(error, key, strlen(value));
    facts->key[facts->count] = key;
    facts->value[facts->count++] = copy;
    return FV_OK;
}

void fv_facts_free(fv_facts *facts) {
    for (int i = 0; i < facts->count; i++) fv_free(facts->value[i]);
    facts->count = 0;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static fv_status set_fact(fv_store *store, const char *key, const char *value, fv_error *error) {
    char name[64];
    snprintf(name, sizeof name, FACT "%s", key);
    return fv_store_set_note(store, name, value, error);
}

static fv_status describe(fv_store *store, const fv_folder *folder, const fv_standing *s, const fv_facts *facts,
                          fv_error *error) {
    char text[256];
    snprintf(text, sizeof text,
             "{\"format\":%d,\"epoch\":%" PRId64 ",\"step\":%" PRId64 ",\"updates\":%" PRId64 ",\"samples\":%" PRId64
             ",\"epochs\":%" PRId64 "}",
             FORMAT, s->epoch, s->step, s->descent->step, s->meter->samples, s->epochs);
    fv_status status = fv_store_set_note(store, STANDS, text, error);
    if (!status) status = fv_store_set_note(store, LOG, folder->log.data ? folder->log.data : "", error);
    for (int i = 0; i < facts->count && !status; i++) status = set_fact(store, facts->key[i], facts->value[i], error);
    return status;
}

/* "training/state0/conv1.weight"; free with fv_free. */
static char *state_name(const fv_model *model, const fv_trained *weight, int state, fv_error *error) {
    fv_text text = {0};
    fv_text_printf(&text, FV_NOT_A_WEIGHT "state%d/%s", state, model->net->values[weight->value].name);
    char *name = fv_text_take(&text);
    if (!name) fv_fail_memory(error, "a tensor's name", 0);
    return name;
}

static fv_status add_states(fv_store *store, const fv_model *model, const fv_descent *descent, fv_error *error) {
    fv_status status = FV_OK;
    for (int i = 0; i < descent->count; i++)
        for (int k = 0; k < FV_MAX_OPTIMIZER_STATES && !status; k++) {
            const fv_trained *weight = &descent->weights[i];
            if (!weight->state[k]) continue;
            char *name = state_name(model, weight, k, error);
            fv_tensor tensor = {FV_F32, weight->weight.shape, weight->state[k]};
            status = name ? fv_store_add(store, name, tensor, error) : FV_E_MEMORY;
            fv_free(name);
        }
    return status;
}

/* "training/average/conv1.weight"; free with fv_free. */
static char *average_name(const fv_average *average, int index, fv_error *error) {
    fv_text text = {0};
    fv_text_printf(&text, FV_NOT_A_WEIGHT "average/%s", fv_model_weight_name(average->model, index));
    char *name = fv_text_take(&text);
    if (!name) fv_fail_memory(error, "a tensor's name", 0);
    return name;
}

static fv_status add_averages(fv_store *store, const fv_average *average, fv_error *error) {
    fv_status status = FV_OK;
    for (int i = 0; average->of && i < average->model->weight_count && !status; i++) {
        if (!average->of[i]) continue;
        char *name = average_name(average, i, error);
        fv_tensor tensor = {FV_F32, fv_model_weight(average->model, i).shape, average->of[i]};
        status = name ? fv_store_add(store, name, tensor, error) : FV_E_MEMORY;
        fv_free(name);
    }
    return status;
}

static fv_status add_numbers(fv_store *store, const fv_standing *s, double numbers[NUMBERS], fv_error *error) {
    const fv_history *history = s->history;
    fv_tensor list = {FV_F64, {1, {NUMBERS}}, numbers}, sums = {FV_F64, {1, {s->meter->count}}, s->meter->sum},
              rows = {FV_F64, {2, {history->epochs, history->metrics}}, history->values};
    fv_status status = fv_store_add(store, FV_NOT_A_WEIGHT "numbers", list, error);
    if (!status) status = fv_store_add(store, FV_NOT_A_WEIGHT "sums", sums, error);
    if (!status) status = fv_tally_save(&s->meter->tally, store, FV_NOT_A_WEIGHT "tally", error);
    return status ? status : fv_store_add(store, FV_NOT_A_WEIGHT "history", rows, error);
}

static fv_status write_store(fv_store *store, const char *folder, fv_error *error) {
    char sum[24], *path = fv_folder_file(folder, NEWEST, error), *previous = fv_folder_file(folder, PREVIOUS, error);
    fv_status status = path && previous ? FV_OK : FV_E_MEMORY;
    snprintf(sum, sizeof sum, "%016" PRIx64, fv_store_hash(store, SUM));
    if (!status) status = fv_store_set_note(store, SUM, sum, error);
    if (!status) status = fv_safetensors_replace(store, path, previous, error);
    fv_free(path);
    fv_free(previous);
    return status;
}

fv_status fv_checkpoint_write(const fv_folder *folder, const fv_model *model, const fv_standing *s,
                              const fv_facts *facts, fv_error *error) {
    double numbers[NUMBERS] = {s->best, s->rate, s->seconds};
    fv_store *store = fv_store_new();
    if (!store) return fv_fail_memory(error, "a checkpoint", 0);
    fv_status status = fv_model_to_store(model, store, error);
    if (!status) status = describe(store, folder, s, facts, error);
    if (!status) status = add_numbers(store, s, numbers, error);
    if (!status) status = add_states(store, model, s->descent, error);
    if (!status) status = add_averages(store, s->average, error);
    if (!status) status = write_store(store, folder->path, error);
    fv_store_free(store);
    return status;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static fv_status damaged(const char *path, const char *what, fv_error *error) {
    return fv_fail_at(error, FV_E_FORMAT, path, 0, 0, "is no whole checkpoint: %s", what);
}

static fv_status open_one(fv_checkpoint *checkpoint, const char *folder, const char *name, fv_error *error) {
    checkpoint->path = fv_folder_file(folder, name, error);
    if (!checkpoint->path) return FV_E_MEMORY;
    checkpoint->store = fv_safetensors_read(checkpoint->path, error);
    if (!checkpoint->store) return fv_failed(error);
    const char *sum = fv_store_note(checkpoint->store, SUM);
    char expected[24];
    snprintf(expected, sizeof expected, "%016" PRIx64, fv_store_hash(checkpoint->store, SUM));
    if (!sum || !fv_store_note(checkpoint->store, STANDS))
        return damaged(checkpoint->path, "it says no " STANDS, error);
    if (!strcmp(sum, expected)) return FV_OK;
    return fv_fail_at(error, FV_E_FORMAT, checkpoint->path, 0, 0,
                      "is no whole checkpoint: expected the checksum %.20s, got %s", sum, expected);
}

fv_status fv_checkpoint_open(fv_checkpoint *checkpoint, const char *folder, fv_error *error) {
    fv_error first = {0}, second = {0};
    memset(checkpoint, 0, sizeof *checkpoint);
    if (!open_one(checkpoint, folder, NEWEST, &first)) return FV_OK;
    fv_checkpoint_close(checkpoint);
    if (first.status == FV_E_MEMORY) { /* the newest may well be whole */
        if (error) *error = first;
        return first.status;
    }
    if (!open_one(checkpoint, folder, PREVIOUS, &second)) return FV_OK;
    fv_checkpoint_close(checkpoint);
    if (error) *error = first;
    return first.status;
}

void fv_checkpoint_close(fv_checkpoint *checkpoint) {
    fv_store_free(checkpoint->store);
    fv_free(checkpoint->path);
    memset(checkpoint, 0, sizeof *checkpoint);
}

fv_model *fv_checkpoint_load(const char *folder, fv_error *error) {
    fv_checkpoint checkpoint;
    if (!folder) return fv_fail(error, FV_E_ARGUMENT, "fv_checkpoint_load: no folder was given"), NULL;
    if (fv_checkpoint_open(&checkpoint, folder, error)) return NULL;
    fv_model *model = fv_model_from_store(checkpoint.store, checkpoint.path, error);
    fv_checkpoint_close(&checkpoint);
    return model;
}

const char *fv_checkpoint_fact(const fv_checkpoint *checkpoint, const char *key) {
    char name[64];
    snprintf(name, sizeof name, FACT "%s", key);
    return fv_store_note(checkpoint->store, name);
}

const char *fv_checkpoint_log(const fv_checkpoint *checkpoint) {
    const char *log = fv_store_note(checkpoint->store, LOG);
    return log ? log : "";
}

/* The whole numbers of STANDS; false where one is missing or below 0. */
static bool read_standing(const fv_checkpoint *checkpoint, int64_t *const out[], const char *const keys[], int count) {
    json_t *json = json_loads(fv_store_note(checkpoint->store, STANDS), 0, NULL);
    bool good = json_integer_value(json_object_get(json, "format")) == FORMAT;
    for (int i = 0; i < count; i++) {
        const json_t *number = json_object_get(json, keys[i]);
        good = good && json_is_integer(number) && json_integer_value(number) >= 0;
        *out[i] = json_integer_value(number);
    }
    json_decref(json);
    return good;
}

int64_t fv_checkpoint_epochs(const fv_checkpoint *checkpoint) {
    int64_t epochs = 0;
    return read_standing(checkpoint, (int64_t *[]){&epochs}, (const char *[]){"epochs"}, 1) ? epochs : 0;
}

/* Text as it fits into a line of error. */
static void shorten(const char *text, char out[100]) {
    size_t length = strlen(text);
    snprintf(out, 100, "%.90s%s", text, length > 90 ? "..." : "");
}

fv_status fv_checkpoint_compare(const fv_checkpoint *checkpoint, const fv_facts *facts, fv_error *error) {
    char was[100], is[100];
    for (int i = 0; i < facts->count; i++) {
        const char *old = fv_checkpoint_fact(checkpoint, facts->key[i]);
        if (!strcmp(old ? old : "none", facts->value[i]) || facts->free[i]) continue;
        if (!strcmp(facts->key[i], "net"))
            return fv_fail_at(error, FV_E_ARGUMENT, checkpoint->path, 0, 0,
                              "cannot go on with another net than the run began with");
        shorten(old ? old : "none", was);
        shorten(facts->value[i], is);
        return fv_fail_at(error, FV_E_ARGUMENT, checkpoint->path, 0, 0,
                          "cannot go on with another %s: it was %s, now %s", facts->key[i], was, is);
    }
    return FV_OK;
}

/* ---- restoring -------------------------------------------------------------------------------------------------- */

static fv_status find(const fv_checkpoint *checkpoint, const char *name, fv_dtype dtype, const fv_shape *shape,
                      fv_tensor *out, fv_error *error) {
    int at = fv_store_find(checkpoint->store, name);
    if (at >= 0) *out = fv_store_tensor(checkpoint->store, at);
    if (at >= 0 && out->dtype == dtype && fv_shape_equal(&out->shape, shape)) return FV_OK;
    char text[128];
    return fv_fail_at(error, FV_E_FORMAT, checkpoint->path, 0, 0, "expected the tensor '%s' %s %s, got %s", name,
                      fv_dtype_name(dtype), fv_shape_text(shape, text, sizeof text), at < 0 ? "none" : "another one");
}

static fv_status restore_states(const fv_checkpoint *checkpoint, const fv_model *model, fv_descent *descent,
                                fv_error *error) {
    fv_status status = FV_OK;
    for (int i = 0; i < descent->count; i++)
        for (int k = 0; k < FV_MAX_OPTIMIZER_STATES && !status; k++) {
            fv_trained *weight = &descent->weights[i];
            fv_tensor saved;
            if (!weight->state[k]) continue;
            char *name = state_name(model, weight, k, error);
            status = name ? find(checkpoint, name, FV_F32, &weight->weight.shape, &saved, error) : FV_E_MEMORY;
            if (!status) memcpy(weight->state[k], saved.data, (size_t)weight->each * sizeof(float));
            fv_free(name);
        }
    return status;
}

static fv_status restore_averages(const fv_checkpoint *checkpoint, fv_average *average, fv_error *error) {
    fv_status status = FV_OK;
    for (int i = 0; average->of && i < average->model->weight_count && !status; i++) {
        if (!average->of[i]) continue;
        fv_shape shape = fv_model_weight(average->model, i).shape;
        fv_tensor saved;
        char *name = average_name(average, i, error);
        status = name ? find(checkpoint, name, FV_F32, &shape, &saved, error) : FV_E_MEMORY;
        if (!status) memcpy(average->of[i], saved.data, (size_t)fv_shape_count(&shape) * sizeof(float));
        fv_free(name);
    }
    return status;
}

/* The two nets are the same text, so they have the same weights in the same order. */
static fv_status restore_model(const fv_checkpoint *checkpoint, fv_model *model, fv_error *error) {
    fv_model *saved = fv_model_from_store(checkpoint->store, checkpoint->path, error);
    if (!saved) return fv_failed(error);
    fv_status status = FV_OK;
    for (int i = 0; i < model->weight_count && !status; i++) {
        fv_tensor to = fv_model_weight(model, i);
        int at = fv_model_find_weight(saved, fv_model_weight_name(model, i));
        fv_tensor from = at < 0 ? (fv_tensor){0} : fv_model_weight(saved, at);
        if (at < 0 || !fv_shape_equal(&to.shape, &from.shape))
            status = damaged(checkpoint->path, "a weight of the net is missing", error);
        else
            memcpy(to.data, from.data, (size_t)fv_shape_count(&to.shape) * sizeof(float));
    }
    fv_model_touch(model);
    if (!status) model->preprocess = saved->preprocess;
    if (!status) model->seed = saved->seed;
    for (int i = 0; i < saved->note_count && !status; i++)
        if (!fv_model_note(model, saved->notes[i].key))
            status = fv_model_set_note(model, saved->notes[i].key, saved->notes[i].value, error);
    fv_model_free(saved);
    return status;
}

fv_status fv_checkpoint_restore(const fv_checkpoint *checkpoint, fv_model *model, fv_standing *s, fv_error *error) {
    static const char *const keys[] = {"epoch", "step", "updates", "samples"};
    int64_t *const wholes[] = {&s->epoch, &s->step, &s->descent->step, &s->meter->samples};
    if (!read_standing(checkpoint, wholes, keys, 4) || s->epoch > INT32_MAX - 1)
        return damaged(checkpoint->path, "its position cannot be read", error);
    fv_tensor numbers, sums, rows;
    fv_shape one = {1, {NUMBERS}}, each = {1, {s->meter->count}}, all = {2, {s->epoch, s->history->metrics}};
    fv_status status = find(checkpoint, FV_NOT_A_WEIGHT "numbers", FV_F64, &one, &numbers, error);
    if (!status) status = find(checkpoint, FV_NOT_A_WEIGHT "sums", FV_F64, &each, &sums, error);
    if (!status) status = find(checkpoint, FV_NOT_A_WEIGHT "history", FV_F64, &all, &rows, error);
    if (!status) status = fv_history_restore(s->history, rows.data, s->epoch, error);
    if (!status) status = fv_tally_restore(&s->meter->tally, checkpoint->store, FV_NOT_A_WEIGHT "tally", error);
    if (!status) status = restore_states(checkpoint, model, s->descent, error);
    if (!status) status = restore_averages(checkpoint, s->average, error);
    if (!status) status = restore_model(checkpoint, model, error);
    if (status) return status;
    const double *n = numbers.data;
    s->best = n[0], s->rate = n[1], s->seconds = n[2];
    memcpy(s->meter->sum, sums.data, (size_t)s->meter->count * sizeof(double));
    return FV_OK;
}
