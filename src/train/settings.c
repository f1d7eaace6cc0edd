/* settings.c - what a training is told: options of the call, else what compile was told, else the net's `train` line,
 * else the defaults. */
#include <math.h>
#include <string.h>

#include "train.h"

void fv_copy_options(void *out, size_t size, const void *options, size_t given) {
    memset(out, 0, size);
    if (options) memcpy(out, options, given < size ? given : size);
}

static const char *const keys[] = {"epochs",   "batch_size", "optimizer",        "learning_rate",
                                   "schedule", "metrics",    "validation_split", "seed",
                                   "groups",   "whiten",     "freeze",           "tta"};
enum { KEYS = sizeof keys / sizeof keys[0] };

static fv_status check_keys(const fv_net *net, fv_error *error) {
    for (int i = 0; i < net->setting_count; i++) {
        const fv_net_setting *setting = &net->settings[i];
        if (strcmp(setting->section, "train")) continue;
        bool known = false;
        for (int k = 0; k < KEYS; k++) known |= !strcmp(setting->key, keys[k]);
        if (known) continue;
        const char *near = fv_nearest(setting->key, keys, sizeof keys[0], KEYS);
        return fv_fail(error, FV_E_SYNTAX, "the net's train line: unknown '%s'%s%s%s", setting->key,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return FV_OK;
}

static const char *of_net(const fv_model *model, const char *key) {
    return fv_net_find_setting(model->net, "train", key);
}

/* option, else the train line, else the default */
static fv_status whole(const fv_model *model, const char *key, int64_t option, int64_t standard, int64_t *out,
                       fv_error *error) {
    const char *text = of_net(model, key);
    *out = option ? option : standard;
    if (!option && text && !fv_parse_i64(text, out))
        return fv_fail(error, FV_E_SYNTAX, "the net's train line: %s: expected a whole number, got '%s'", key, text);
    if (*out < 1 || *out > INT32_MAX - 1)
        return fv_fail(error, FV_E_ARGUMENT, "%s: expected 1 or more, got %lld", key,
                       *out == FV_ZERO ? 0LL : (long long)*out);
    return FV_OK;
}

static fv_status number(const fv_model *model, const char *key, double option, double standard, double *out,
                        fv_error *error) {
    const char *text = of_net(model, key);
    *out = option == FV_ZERO ? 0 : option != 0 ? option : standard;
    if (option == 0 && text && !fv_parse_double(text, out))
        return fv_fail(error, FV_E_SYNTAX, "the net's train line: %s: expected a number, got '%s'", key, text);
    return FV_OK;
}

static const char *first_of(const char *a, const char *b, const char *c, const char *d) {
    return a ? a : b ? b : c ? c : d;
}

static fv_status read_seed(const fv_model *model, uint64_t option, uint64_t *out, fv_error *error) {
    const char *text = of_net(model, "seed");
    int64_t value;
    *out = option == (uint64_t)FV_ZERO ? 0 : option ? option : model->seed;
    if (option || model->seed || !text) return FV_OK;
    if (!fv_parse_i64(text, &value) || value < 0)
        return fv_fail(error, FV_E_SYNTAX, "the net's train line: seed: expected a whole number, got '%s'", text);
    *out = (uint64_t)value;
    return FV_OK;
}

const char *fv_model_metrics(const fv_model *model) {
    return first_of(fv_model_note(model, "train.metrics"), fv_model_note(model, "compile.metrics"),
                    of_net(model, "metrics"), NULL);
}

fv_status fv_settings_read(const fv_model *model, const fv_fit_options *options, fv_settings *out, fv_error *error) {
    memset(out, 0, sizeof *out);
    fv_status status = check_keys(model->net, error);
    if (!status) status = whole(model, "epochs", options->epochs, 5, &out->epochs, error);
    if (!status) status = whole(model, "batch_size", options->batch_size, 64, &out->batch_size, error);
    if (!status) status = number(model, "learning_rate", options->learning_rate, NAN, &out->learning_rate, error);
    if (!status)
        status = number(model, "validation_split", options->validation_split, 0, &out->validation_split, error);
    if (!status) status = read_seed(model, options->seed, &out->seed, error);
    if (status) return status;
    if (out->learning_rate < 0 || isinf(out->learning_rate))
        return fv_fail(error, FV_E_ARGUMENT, "learning_rate: expected 0 or more, got %g", out->learning_rate);
    if (!(out->validation_split >= 0 && out->validation_split < 1))
        return fv_fail(error, FV_E_ARGUMENT, "validation_split: expected 0 or more and below 1, got %g",
                       out->validation_split);
    out->optimizer =
        first_of(options->optimizer, fv_model_note(model, "compile.optimizer"), of_net(model, "optimizer"), "adam");
    out->schedule = first_of(options->schedule, of_net(model, "schedule"), NULL, "constant");
    out->metrics = first_of(options->metrics, fv_model_note(model, "compile.metrics"), of_net(model, "metrics"), NULL);
    out->groups = first_of(options->groups, of_net(model, "groups"), NULL, "none");
    out->whiten = first_of(options->whiten, of_net(model, "whiten"), NULL, "none");
    out->freeze = first_of(options->freeze, of_net(model, "freeze"), NULL, "none");
    out->loss = options->loss;
    out->tta = first_of(options->tta, of_net(model, "tta"), NULL, NULL);
    out->augment = first_of(options->augment, fv_net_find_setting(model->net, "augment", "list"), NULL, NULL);
    return FV_OK;
}

/* ---- going on --------------------------------------------------------------------------------------------------- */

static int64_t whole_fact(const fv_checkpoint *checkpoint, const char *key) {
    const char *text = fv_checkpoint_fact(checkpoint, key);
    int64_t value = 0;
    return text && fv_parse_i64(text, &value) && value ? value : FV_ZERO;
}

static double number_fact(const fv_checkpoint *checkpoint, const char *key) {
    const char *text = fv_checkpoint_fact(checkpoint, key);
    double value = 0;
    return text && fv_parse_double(text, &value) && value != 0 ? value : FV_ZERO;
}

/* A fact that is only there when it was asked for. */
static double given_number(const fv_checkpoint *checkpoint, const char *key) {
    const char *text = fv_checkpoint_fact(checkpoint, key);
    double value = 0;
    return text && fv_parse_double(text, &value) && value >= 0 && value < 1e15 ? value : 0;
}

static bool says(const fv_checkpoint *checkpoint, const char *key, const char *value) {
    const char *text = fv_checkpoint_fact(checkpoint, key);
    return text && !strcmp(text, value);
}

void fv_settings_resume(const fv_model *model, const fv_checkpoint *checkpoint, fv_fit_options *options) {
    if (!options->epochs) options->epochs = fv_checkpoint_epochs(checkpoint);
    if (!options->batch_size) options->batch_size = whole_fact(checkpoint, "batch size");
    if (!options->seed) options->seed = (uint64_t)whole_fact(checkpoint, "seed");
    if (options->learning_rate == 0) options->learning_rate = number_fact(checkpoint, "learning rate");
    if (!options->schedule) options->schedule = fv_checkpoint_fact(checkpoint, "schedule");
    if (!options->validation_data && options->validation_split == 0)
        options->validation_split = number_fact(checkpoint, "validation split");
    options->validation_tail = options->validation_tail || says(checkpoint, "kind of split", "tail");
    options->exact = options->exact || says(checkpoint, "sums", "exact");
    options->bf16 = options->bf16 || says(checkpoint, "products", "bf16");
    options->no_shuffle = options->no_shuffle || says(checkpoint, "order", "as it is");
    /* what compile was told is as if it were given here */
    if (!options->optimizer && !fv_model_note(model, "compile.optimizer"))
        options->optimizer = fv_checkpoint_fact(checkpoint, "optimizer");
    if (!options->metrics && !fv_model_note(model, "compile.metrics") && !says(checkpoint, "metrics", FV_USUAL_METRICS))
        options->metrics = fv_checkpoint_fact(checkpoint, "metrics");
    if (!options->class_weights) options->class_weights = fv_checkpoint_fact(checkpoint, "class weights");
    if (!options->early_stop) options->early_stop = fv_checkpoint_fact(checkpoint, "early stopping");
    if (!options->freeze) options->freeze = fv_checkpoint_fact(checkpoint, "frozen weights");
    if (!options->groups) options->groups = fv_checkpoint_fact(checkpoint, "groups of weights");
    if (!options->whiten) options->whiten = fv_checkpoint_fact(checkpoint, "whitening");
    if (!options->folds) options->folds = (int)given_number(checkpoint, "number of folds");
    if (!options->fold) options->fold = (int)given_number(checkpoint, "fold");
    if (!options->accumulate) options->accumulate = (int64_t)given_number(checkpoint, "number of batches in a step");
    if (options->clip_value == 0) options->clip_value = given_number(checkpoint, "bound of gradients");
    if (options->clip_norm == 0) options->clip_norm = given_number(checkpoint, "bound of the gradients' norm");
    if (!options->tta) options->tta = fv_checkpoint_fact(checkpoint, "test-time augmentation");
    if (!options->augment) options->augment = fv_checkpoint_fact(checkpoint, "augmentation");
    if (options->ema == 0) options->ema = given_number(checkpoint, "averaging of weights");
}
