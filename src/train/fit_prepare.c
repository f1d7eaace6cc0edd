/* fit_prepare.c - a training gets ready: samples, runs, what it must share with the run that it goes on with, checkpoints. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fit.h"

double fv_seconds_since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

/* ---- getting ready ---------------------------------------------------------------------------------------------- */

static fv_status choose_samples(fv_training *t) {
    const fv_fit_options *o = t->options;
    double part = o->validation_data || o->folds ? 0 : t->settings.validation_split;
    if (o->folds && o->validation_data)
        return fv_fail(t->error, FV_E_ARGUMENT, "fit: folds and validation data exclude each other");
    fv_status status = o->folds ? fv_data_fold(t->data, o->fold, o->folds, t->settings.seed, &t->samples,
                                               &t->sample_count, &t->held, &t->held_count, t->error)
                                : fv_data_split(t->data, part, o->validation_tail, t->settings.seed, &t->samples,
                                                &t->sample_count, &t->held, &t->held_count, t->error);
    if (status) return status;
    if (t->sample_count < 1) return fv_fail(t->error, FV_E_ARGUMENT, "fit: no samples are left to train on");
    if (part > 0 && t->held_count < 1)
        return fv_fail(t->error, FV_E_ARGUMENT,
                       "fit: validation_split=%g of %" PRId64 " samples leaves none for validation", part,
                       t->data->count);
    if (o->validation_data) {
        fv_free(t->held);
        t->held_count = o->validation_data->count;
        t->held = fv_alloc_array((size_t)t->held_count, sizeof *t->held);
        if (t->held_count < 1) return fv_fail(t->error, FV_E_ARGUMENT, "fit: the validation data has no samples");
        for (int64_t i = 0; t->held && i < t->held_count; i++) t->held[i] = i;
    }
    t->validates = t->held_count > 0;
    t->order = fv_alloc_array((size_t)t->sample_count, sizeof *t->order);
    if (!t->order || (t->validates && !t->held))
        return fv_fail_memory(t->error, "a list of samples", (size_t)t->data->count * 8);
    return FV_OK;
}

/* What each class counts, and so each sample. */
static fv_status weigh_classes(fv_training *t) {
    const char *text = fv_asked(t->options->class_weights);
    int classes = t->data->class_count;
    if (!text) return FV_OK;
    int64_t *counts = fv_alloc_array((size_t)classes + 1, sizeof *counts);
    t->class_weight = fv_alloc_array((size_t)classes + 1, sizeof *t->class_weight);
    t->sample_weight = fv_alloc_array((size_t)t->data->count, sizeof *t->sample_weight);
    fv_status status = counts && t->class_weight && t->sample_weight
                           ? FV_OK
                           : fv_fail_memory(t->error, "class weights", (size_t)t->data->count * sizeof(float));
    if (!status) fv_count_classes(t->data, t->samples, t->sample_count, counts);
    if (!status) status = fv_class_weights(text, counts, classes, t->class_weight, t->error);
    for (int64_t i = 0; i < t->data->count && !status; i++) {
        int64_t number = fv_data_class_of(t->data, i, NULL);
        t->sample_weight[i] = number >= 0 && number < classes ? (float)t->class_weight[number] : 1;
    }
    fv_free(counts);
    if (!status && !fv_fit_weighted_loss(t))
        return fv_fail(t->error, FV_E_ARGUMENT, "class weights: the net has no loss that counts by sample");
    return status;
}

static fv_status check_number(fv_training *t, const char *name, double value, double below) {
    if (value >= 0 && value < below) return FV_OK;
    return fv_fail(t->error, FV_E_ARGUMENT, "%s: expected 0 or more and below %g, got %g", name, below, value);
}

static fv_status begin_gradients(fv_training *t) {
    const fv_fit_options *o = t->options;
    fv_status status = check_number(t, "clip_value", o->clip_value, INFINITY);
    if (!status) status = check_number(t, "clip_norm", o->clip_norm, INFINITY);
    if (!status) status = check_number(t, "ema", o->ema, 1);
    if (!status)
        status =
            fv_gradients_begin(&t->gradients, &t->descent, o->accumulate > 1, o->clip_value, o->clip_norm, t->error);
    return status ? status : fv_average_begin(&t->average, t->model, o->ema, t->error);
}

static fv_status build_run(fv_training *t) {
    fv_status status = fv_meter_read(&t->meter, t->model->net, t->settings.metrics, t->error);
    if (status) return status;
    if (t->settings.batch_size > t->sample_count) t->settings.batch_size = t->sample_count;
    int64_t each = fv_fit_samples_in_step(t);
    t->steps = (t->sample_count + each - 1) / each;
    fv_shape shape;
    int wanted[2] = {t->meter.reading.scores, t->meter.reading.output};
    fv_plan_options options = {.batch = t->settings.batch_size,
                               .input = fv_feed_shape(t->model->net, t->data, &shape),
                               .training = true,
                               .losses = true,
                               .gradients = true,
                               .weighted_loss = fv_fit_weighted_loss(t),
                               .wanted = wanted,
                               .wanted_count = 2,
                               .threads = t->options->threads,
                               .exact = t->options->exact,
                               .bf16 = t->options->bf16};
    double share = t->options->teacher_weight != 0 ? t->options->teacher_weight : 0.9;
    double temperature = t->options->temperature != 0 ? t->options->temperature : 4;
    fv_model *teacher = t->options->teacher;
    if (teacher && (status = fv_teacher_begin(&t->teacher, t->model, temperature, share, t->error))) return status;
    t->run = fv_run_build(t->model->net, &t->model->weights, &options, t->error);
    fv_teacher_leave_net(&t->teacher, t->model->net);
    if (!t->run) return fv_failed(t->error);
    if (teacher)
        status = fv_teacher_connect(&t->teacher, teacher, t->data, t->run, t->settings.batch_size, t->options->threads,
                                    t->error);
    if (status) return status;
    status = fv_feed_begin(&t->feed, t->model, t->data, t->run, true, t->error);
    if (!status) status = fv_fit_whiten(t);
    if (!status) status = fv_fit_augment(t);
    if (!status)
        status = fv_descent_begin(&t->descent, t->model, t->run, t->settings.optimizer, t->settings.groups, t->error);
    if (!status) status = begin_gradients(t);
    /* Samples that lie in memory are there at once; making them in a thread would take more than it gives. */
    if (status || t->options->no_prefetch || t->data->direct) return status;
    t->prefetch = fv_prefetch_new(&t->feed, t->settings.batch_size, t->error);
    return t->prefetch ? FV_OK : FV_E_MEMORY;
}

static fv_status build_validation(fv_training *t) {
    const fv_data *data = t->options->validation_data ? t->options->validation_data : t->data;
    int64_t batch = t->settings.batch_size < t->held_count ? t->settings.batch_size : t->held_count;
    fv_average_swap(&t->average); /* it reads where the averages are, whatever the model says later */
    fv_status status = fv_pass_begin(&t->validation, t->model, data,
                                     &(fv_pass_options){.batch = batch,
                                                        .threads = t->options->threads,
                                                        .exact = t->options->exact,
                                                        .bf16 = t->options->bf16,
                                                        .metrics = t->settings.metrics},
                                     t->error);
    if (!status) status = fv_pass_views(&t->validation, fv_asked(t->settings.tta), t->error);
    fv_average_swap(&t->average);
    return status;
}

static fv_status build_history(fv_training *t) {
    int count = t->meter.count;
    t->history = fv_history_new(count * (1 + t->validates), t->settings.epochs, t->error);
    fv_status status = t->history ? FV_OK : FV_E_MEMORY;
    for (int m = 0; m < count && !status; m++) {
        status = fv_history_name(t->history, m, "", t->meter.name[m], t->error);
        if (!status && t->validates)
            status = fv_history_name(t->history, count + m, "val_", t->meter.name[m], t->error);
    }
    return status;
}

fv_status fv_fit_note(fv_training *t, const char *key, const char *format, ...) {
    char value[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    return fv_model_set_note(t->model, key, value, t->error);
}

/* What was done is kept with the model. */
static fv_status note_settings(fv_training *t) {
    const fv_settings *s = &t->settings;
    char rate[32];
    fv_print_double(t->base_rate, rate);
    fv_status status = fv_fit_note(t, "train.optimizer", "%s", s->optimizer);
    if (!status) status = fv_fit_note(t, "train.learning_rate", "%s", rate);
    if (!status) status = fv_fit_note(t, "train.schedule", "%s", s->schedule);
    if (!status) status = fv_fit_note(t, "train.loss", "%s", fv_main_loss_name(t->model->net));
    if (!status) status = fv_model_set_note(t->model, "train.metrics", s->metrics, t->error);
    if (!status && t->options->resume)
        status = fv_fit_note(t, "train.epochs_before", "%" PRId64, fv_checkpoint_epochs(&t->from));
    if (!status) status = fv_fit_note(t, "train.epochs", "%" PRId64, s->epochs);
    if (!status) status = fv_fit_note(t, "train.batch_size", "%" PRId64, s->batch_size);
    if (!status) status = fv_fit_note(t, "train.seed", "%" PRIu64, s->seed);
    if (!status) status = fv_fit_note(t, "train.samples", "%" PRId64, t->sample_count);
    if (!status && t->options->accumulate > 1)
        status = fv_fit_note(t, "train.accumulate", "%" PRId64, t->options->accumulate);
    if (!status && t->options->ema > 0) status = fv_fit_note(t, "train.ema", "%g", t->options->ema);
    if (!status) status = fv_model_set_note(t->model, "train.tta", s->tta, t->error);
    if (!status) status = fv_note_inputs(t->model, &t->feed, t->samples, t->sample_count, t->error);
    if (!status) status = fv_model_set_note(t->model, "train.augment", fv_asked(s->augment), t->error);
    if (!status && t->data->description) status = fv_fit_note(t, "train.data", "%s", t->data->description);
    return status;
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------ */

static fv_status fact(fv_training *t, const char *key, const char *format, ...) FV_PRINTF(3, 4);
static fv_status fact(fv_training *t, const char *key, const char *format, ...) {
    char value[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    return fv_facts_add(&t->facts, key, value, t->error);
}

/* A text that was made for this (NULL: the error is written), and is freed. */
static fv_status made_fact(fv_training *t, const char *key, char *value) {
    if (!value) return t->error->status ? t->error->status : fv_fail_memory(t->error, key, 0);
    fv_status status = fv_facts_add(&t->facts, key, value, t->error);
    fv_free(value);
    return status;
}

static fv_status number_fact(fv_training *t, const char *key, double value) {
    char text[32];
    fv_print_double(value, text);
    return fact(t, key, "%s", value > 0 ? text : "none");
}

/* What has to be asked for. */
static fv_status collect_extra_facts(fv_training *t) {
    const fv_fit_options *o = t->options;
    fv_status status = fact(t, "class weights", "%s", fv_asked(o->class_weights) ? o->class_weights : "none");
    if (!status) status = fv_facts_add(&t->facts, "frozen weights", t->settings.freeze, t->error);
    if (!status) status = fv_facts_add(&t->facts, "groups of weights", t->settings.groups, t->error);
    if (!status) status = fv_facts_add(&t->facts, "whitening", t->settings.whiten, t->error);
    if (!status) status = number_fact(t, "number of folds", o->folds);
    if (!status) status = number_fact(t, "fold", o->fold);
    if (!status) status = number_fact(t, "number of batches in a step", o->accumulate > 1 ? (double)o->accumulate : 0);
    if (!status) status = number_fact(t, "bound of gradients", o->clip_value);
    if (!status) status = number_fact(t, "bound of the gradients' norm", o->clip_norm);
    if (!status) status = number_fact(t, "averaging of weights", o->ema);
    if (!status && !o->teacher) status = fact(t, "teacher", "none");
    if (!status && o->teacher)
        status = fact(t, "teacher", "%016" PRIx64 " temperature %g weight %g", fv_model_hash(o->teacher),
                      t->teacher.temperature, o->teacher_weight);
    if (!status) status = fact(t, "measure of the best epoch", "%s", t->history->names[t->stopping.column]);
    if (status) return status;
    t->facts.free[t->facts.count] = true;
    return fact(t, "early stopping", "%s", fv_asked(o->early_stop) ? o->early_stop : "none");
}

/* What a training that goes on must share with the one that began. The data first: it changes most easily. */
static fv_status collect_facts(fv_training *t) {
    const fv_settings *s = &t->settings;
    const fv_fit_options *o = t->options;
    const char *loss = fv_main_loss_name(t->model->net);
    char rate[32], split[32];
    fv_print_double(t->base_rate, rate);
    fv_print_double(o->validation_data ? 0 : s->validation_split, split);
    fv_status status = made_fact(t, "data", fv_data_fingerprint(t->data, t->error));
    if (!status) status = fact(t, "loss", "%s", loss ? loss : "none");
    if (!status) status = made_fact(t, "net", fv_net_text(t->model->net));
    if (!status) status = fact(t, "batch size", "%" PRId64, s->batch_size);
    if (!status) status = fact(t, "seed", "%" PRIu64, s->seed);
    if (!status) status = fact(t, "optimizer", "%s", s->optimizer);
    if (!status) status = fact(t, "learning rate", "%s", rate);
    if (!status) status = fact(t, "schedule", "%s", s->schedule);
    if (!status) status = fact(t, "metrics", "%s", s->metrics ? s->metrics : FV_USUAL_METRICS);
    if (!status && o->exact) status = fact(t, "sums", "exact");
    if (!status && o->bf16 && fv_has_bf16()) status = fact(t, "products", "bf16"); /* as it was, not as it was wished */
    if (!status) status = fact(t, "test-time augmentation", "%s", fv_asked(s->tta) ? s->tta : "none");
    if (!status) status = fact(t, "augmentation", "%s", fv_asked(s->augment) ? s->augment : "none");
    if (!status) status = fact(t, "order", "%s", o->no_shuffle ? "as it is" : "shuffled");
    if (!status) status = fact(t, "validation split", "%s", split);
    if (!status) status = fact(t, "kind of split", "%s", o->validation_tail ? "tail" : "mixed");
    if (!status) status = collect_extra_facts(t);
    if (status || !o->validation_data) return status ? status : fact(t, "validation data", "none");
    return made_fact(t, "validation data", fv_data_fingerprint(o->validation_data, t->error));
}

static fv_standing standing(fv_training *t, int64_t epoch, int64_t done) {
    return (fv_standing){.epoch = epoch,
                         .step = done,
                         .epochs = t->settings.epochs,
                         .best = t->best,
                         .rate = t->rate,
                         .seconds = done ? t->before + fv_seconds_since(&t->started) : 0,
                         .meter = &t->meter,
                         .descent = &t->descent,
                         .history = t->history,
                         .average = &t->average};
}

/* `epoch` epochs and `done` steps of the next are finished. */
fv_status fv_fit_save(fv_training *t, int64_t epoch, int64_t done) {
    if (!t->folder.path) return FV_OK;
    for (int i = 0; i < t->model->weight_count; i++) {
        fv_tensor weight = fv_model_weight(t->model, i);
        if (fv_all_finite(weight.data, fv_shape_count(&weight.shape))) continue;
        return fv_fail(t->error, FV_E_NUMBER,
                       "%s is not finite after step %" PRId64 " of epoch %" PRId64
                       "; the last good checkpoint stands after step %" PRId64 " of epoch %" PRId64,
                       fv_model_weight_name(t->model, i), done ? done : t->steps, done ? epoch + 1 : epoch,
                       t->saved_step    ? t->saved_step
                       : t->saved_epoch ? t->steps
                                        : 0,
                       t->saved_step ? t->saved_epoch + 1 : t->saved_epoch);
    }
    fv_standing s = standing(t, epoch, done);
    clock_gettime(CLOCK_MONOTONIC, &t->saved);
    fv_status status = fv_checkpoint_write(&t->folder, t->model, &s, &t->facts, t->error);
    if (!status) t->saved_epoch = epoch, t->saved_step = done;
    return status;
}

bool fv_fit_save_is_due(const fv_training *t) {
    const fv_fit_options *o = t->options;
    double seconds = o->save_seconds == FV_ZERO ? INFINITY : o->save_seconds > 0 ? o->save_seconds : 300;
    if (!t->folder.path) return false;
    return (o->save_steps > 0 && t->descent.step % o->save_steps == 0) || fv_seconds_since(&t->saved) >= seconds;
}

/* The folder's checkpoint gives what the options leave open. */
static fv_status open_checkpoint(fv_training *t) {
    if (!t->options->folder) return fv_fail(t->error, FV_E_ARGUMENT, "fit: resume needs a folder");
    struct stat about; /* a folder that is not there is not made to look into */
    if (stat(t->options->folder, &about))
        return fv_fail_at(t->error, FV_E_FILE, t->options->folder, 0, 0, "holds no run to resume: %s", strerror(errno));
    fv_status status = fv_folder_begin(&t->folder, t->options->folder, t->error);
    if (!status) status = fv_checkpoint_open(&t->from, t->options->folder, t->error);
    if (!status) fv_settings_resume(t->model, &t->from, t->options);
    return status;
}

/* The best epoch was in an earlier process: its weights are in the folder. */
static fv_status restore_best(fv_training *t) {
    char *path = fv_folder_file(t->folder.path, "best.safetensors", t->error);
    fv_model *best = path ? fv_model_load(path, t->error) : NULL;
    fv_free(path);
    if (!best) return fv_failed(t->error);
    for (int i = 0; i < t->model->weight_count; i++) {
        fv_tensor to = fv_model_weight(t->model, i);
        int at = fv_model_find_weight(best, fv_model_weight_name(t->model, i));
        fv_tensor from = at < 0 ? (fv_tensor){0} : fv_model_weight(best, at);
        if (at >= 0 && fv_shape_equal(&to.shape, &from.shape))
            memcpy(t->best_weights[i], from.data, (size_t)fv_shape_count(&to.shape) * sizeof(float));
    }
    fv_model_free(best);
    return FV_OK;
}

static fv_status keep_room_for_best(fv_training *t) {
    if (!t->options->keep_best) return FV_OK;
    t->best_weights = fv_alloc_array((size_t)t->model->weight_count + 1, sizeof *t->best_weights);
    if (!t->best_weights) return fv_fail_memory(t->error, "the best weights", 0);
    for (int i = 0; i < t->model->weight_count; i++) {
        fv_tensor weight = fv_model_weight(t->model, i);
        size_t bytes = (size_t)fv_shape_count(&weight.shape) * sizeof(float);
        t->best_weights[i] = fv_alloc(bytes);
        if (!t->best_weights[i]) return fv_fail_memory(t->error, "the best weights", bytes);
        memcpy(t->best_weights[i], weight.data, bytes);
    }
    return FV_OK;
}

static fv_status go_on(fv_training *t) {
    fv_status status = fv_checkpoint_compare(&t->from, &t->facts, t->error);
    fv_standing s = standing(t, 0, 0);
    if (!status) status = fv_checkpoint_restore(&t->from, t->model, &s, t->error);
    if (!status) status = fv_folder_restore(&t->folder, fv_checkpoint_log(&t->from), t->error);
    if (status) return status;
    if (s.step >= t->steps || s.epoch > t->settings.epochs)
        return fv_fail_at(t->error, FV_E_FORMAT, t->from.path, 0, 0, "stands at step %" PRId64 " of %" PRId64, s.step,
                          t->steps);
    t->first_epoch = s.epoch, t->first_step = s.step;
    t->saved_epoch = s.epoch, t->saved_step = s.step;
    if (t->best_weights && t->history->epochs && (status = restore_best(t))) return status;
    t->best = s.best, t->rate = s.rate, t->before = s.seconds;
    for (int m = 0; m < t->meter.count; m++) t->values[m] = fv_meter_value(&t->meter, m);
    return FV_OK;
}

static fv_status begin_folder(fv_training *t) {
    fv_status status = FV_OK;
    if (t->options->folder) status = collect_facts(t);
    if (status || t->options->resume) return status ? status : go_on(t);
    status = fv_folder_begin(&t->folder, t->options->folder, t->error);
    if (!status) status = fv_folder_clear(&t->folder, t->error);
    return status;
}

fv_status fv_fit_prepare(fv_training *t) {
    t->memory_there = fv_memory_there();
    fv_status status = t->options->resume ? open_checkpoint(t) : FV_OK;
    if (!status) status = fv_settings_read(t->model, t->options, &t->settings, t->error);
    if (!status) status = fv_rate_plan_read(t->settings.schedule, &t->rates, t->error);
    if (!status) status = fv_set_loss(t->model->net, t->settings.loss, fv_target_field(t->data), t->error);
    if (!status) status = fv_fit_share_labels(t);
    if (!status) status = fv_model_sync(t->model, t->error);
    if (!status) status = fv_feed_prepare(t->model, t->data, t->error);
    if (!status) status = fv_fit_freeze(t);
    if (!status) status = choose_samples(t);
    if (!status) status = weigh_classes(t);
    if (!status) status = build_run(t);
    if (!status && t->validates) status = build_validation(t);
    if (!status) status = build_history(t);
    if (!status) status = fv_stopping_read(&t->stopping, fv_asked(t->options->early_stop), t->history, t->error);
    if (!status) status = keep_room_for_best(t);
    if (!status && t->options->watch)
        status = fv_probe_begin(&t->probe, t->model, t->data, t->settings.batch_size, t->options->threads, t->error);
    if (!status) status = fv_fit_check_memory(t);
    if (status) return status;
    t->base_rate =
        isnan(t->settings.learning_rate) ? t->descent.groups.group[0].arguments[0] : t->settings.learning_rate;
    fv_groups_find_ends(&t->descent.groups, &t->rates, t->base_rate, t->steps, t->settings.epochs);
    t->best = t->stopping.lower ? INFINITY : -INFINITY;
    status = begin_folder(t);
    if (!status && t->options->survey) status = fv_fit_survey(t);
    return status ? status : note_settings(t);
}
