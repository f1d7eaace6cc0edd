/* fit.c - training: epochs of steps; a step is a batch forward and backward, then the optimizer.
 *
 * Where training stands (seed, epoch, position) decides every random draw, and sums over samples have a fixed order, so
 * the weights after an epoch are the same bits at any number of threads. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fit.h"
#include "philox.h"

/* ---- telling ---------------------------------------------------------------------------------------------------- */

/* Tells the callback where training stands; the first `metrics` values are known. */
static void tell(fv_training *t, fv_event_kind kind, int64_t epoch, int64_t step, int64_t samples, int metrics,
                 bool best) {
    if (!t->options->on_event) return;
    fv_event event = {.kind = kind,
                      .epoch = epoch,
                      .epochs = t->settings.epochs,
                      .step = step,
                      .steps = t->steps,
                      .samples = samples,
                      .seconds = t->before + fv_seconds_since(&t->started),
                      .learning_rate = t->rate,
                      .metric_count = metrics,
                      .metric_names = (const char *const *)t->history->names,
                      .metric_values = t->values,
                      .best = best,
                      .part_samples = {t->sample_count, t->held_count},
                      .class_count = t->class_samples[0] ? t->data->class_count : 0,
                      .class_samples = {t->class_samples[0], t->class_samples[1]},
                      .class_weights = t->class_weight,
                      .shared = t->shared,
                      .epoch_seconds = t->epoch_seconds,
                      .memory_needed = t->memory_needed,
                      .memory_there = t->memory_there};
    if (t->options->on_event(t->options->user, &event)) t->stopped = true;
}

/* ---- steps and epochs ------------------------------------------------------------------------------------------- */

/* One batch forward and backward; its share of the step's gradient. */
static fv_status go(fv_training *t, int64_t epoch, int64_t index, int64_t first, int64_t n, double share, bool begins) {
    fv_moment moment = {.seed = t->settings.seed, .epoch = epoch, .position = first};
    fv_run_set_moment(t->run, &moment);
    fv_status status = t->prefetch ? fv_prefetch_take(t->prefetch, first / t->settings.batch_size, t->error)
                                   : fv_feed_batch(&t->feed, t->order, first, n, t->error);
    if (status) return status;
    fv_fit_weigh(t, t->run, first, n);
    status = fv_teacher_answer(&t->teacher, t->run, t->order, first, n, t->error);
    if (status) return status;
    status = fv_run_go(t->run, n, t->error);
    if (status) return status;
    if (!isfinite(fv_run_loss(t->run))) return fv_fit_explain(t, fv_run_loss(t->run), epoch, index, first, n);
    fv_gradients_add(&t->gradients, share, begins);
    if (fv_gradients_bad(&t->gradients) >= 0) return fv_fit_explain(t, fv_run_loss(t->run), epoch, index, first, n);
    fv_meter_add(&t->meter, t->run, n);
    return FV_OK;
}

static fv_status step(fv_training *t, int64_t epoch, int64_t index) {
    int64_t each = fv_fit_samples_in_step(t), begin = index * each, batch = t->settings.batch_size;
    int64_t end = begin + each < t->sample_count ? begin + each : t->sample_count;
    fv_status status = fv_fit_rest(t, epoch * t->steps + index);
    for (int64_t first = begin; first < end && !status; first += batch) {
        int64_t n = end - first < batch ? end - first : batch;
        status = go(t, epoch, index, first, n, (double)n / (double)(end - begin), first == begin);
    }
    if (status) return status;
    fv_gradients_clip(&t->gradients);
    fv_groups_set_rates(&t->descent.groups, &t->rates, t->base_rate, epoch * t->steps + index, t->steps,
                        t->settings.epochs);
    t->rate = t->descent.groups.group[0].rate;
    status = fv_descent_step(&t->descent, t->error);
    t->model->weights.version++;
    if (status) return status;
    fv_average_step(&t->average, t->descent.step);
    for (int m = 0; m < t->meter.count; m++) t->values[m] = fv_meter_value(&t->meter, m);
    if (index + 1 < t->steps && fv_fit_save_is_due(t)) status = fv_fit_save(t, epoch, index + 1);
    if (status) return status;
    tell(t, FV_EVENT_STEP, epoch + 1, index + 1, end, t->meter.count, false);
    return FV_OK;
}

static int64_t batches_in_step(const fv_training *t) { return fv_fit_samples_in_step(t) / t->settings.batch_size; }

static void order_epoch(fv_training *t, int64_t epoch, int64_t first_step) {
    memcpy(t->order, t->samples, (size_t)t->sample_count * sizeof *t->order);
    fv_stream stream = fv_stream_new(t->settings.seed, FV_FOR_SHUFFLE, (uint64_t)epoch, 0);
    if (!t->options->no_shuffle) fv_shuffle(&stream, t->order, t->sample_count);
    t->augmenting.epoch = t->teacher.augmenting.epoch = epoch;
    if (t->prefetch) fv_prefetch_start(t->prefetch, t->order, t->sample_count, first_step * batches_in_step(t));
}

static void keep_best(fv_training *t) {
    for (int i = 0; t->best_weights && i < t->model->weight_count; i++) {
        fv_tensor weight = fv_model_weight(t->model, i);
        memcpy(t->best_weights[i], weight.data, (size_t)fv_shape_count(&weight.shape) * sizeof(float));
    }
}

static fv_status finish_epoch(fv_training *t, int64_t epoch) {
    int count = t->meter.count;
    if (t->validates) {
        fv_status status = fv_pass_run(&t->validation, t->held, t->held_count, t->error);
        if (status) return status;
        for (int m = 0; m < count; m++) t->values[count + m] = fv_meter_value(&t->validation.meter, m);
    }
    fv_history_add(t->history, t->values);
    bool best = fv_stopping_best(&t->stopping, t->history) == t->history->epochs - 1;
    if (best) t->best = t->values[t->stopping.column];
    fv_text layers = {0};
    fv_status status = fv_fit_watch(t, epoch, &layers);
    fv_average_swap(&t->average);
    if (!status) status = fv_fit_note(t, "train.epoch", "%" PRId64, epoch + 1);
    if (!status) status = fv_fit_note(t, "train.hash", "%016" PRIx64, fv_model_hash(t->model));
    double seconds = t->before + fv_seconds_since(&t->started);
    if (!status && best) keep_best(t);
    if (!status)
        status = fv_folder_epoch(&t->folder, t->model, t->history, t->rate, seconds, best, layers.data, t->error);
    fv_average_swap(&t->average);
    fv_text_free(&layers);
    if (!status) status = fv_fit_save(t, epoch + 1, 0);
    if (!status) tell(t, FV_EVENT_EPOCH, epoch + 1, t->steps, t->sample_count, t->history->metrics, best);
    return status;
}

/* The steps of an epoch from `first` on. One that is stopped in its middle leaves a checkpoint there. */
static fv_status train_epoch(fv_training *t, int64_t epoch, int64_t first) {
    order_epoch(t, epoch, first);
    fv_status status = FV_OK;
    int64_t i = first;
    for (; i < t->steps && !status && !t->stopped; i++) status = step(t, epoch, i);
    if (status) return status;
    return i == t->steps ? finish_epoch(t, epoch) : fv_fit_save(t, epoch, i);
}

/* What the model ends as, and why here. */
static fv_status hand_back(fv_training *t, int64_t epoch) {
    int best = fv_stopping_best(&t->stopping, t->history);
    const char *name = t->history->names[t->stopping.column];
    if (!t->stopped && epoch < t->settings.epochs && best >= 0)
        fv_fit_say(t, "stopped early: %s was best in epoch %d and got no better in %d more", name, best + 1,
                   t->history->epochs - 1 - best);
    else if (t->folder.path && !t->stopped && best >= 0)
        fv_fit_say(t, "best.safetensors holds epoch %d of %d: %s %.4g", best + 1, t->history->epochs, name, t->best);
    fv_average_take(&t->average);
    if (!t->best_weights || best < 0) return FV_OK;
    for (int i = 0; i < t->model->weight_count; i++) {
        fv_tensor weight = fv_model_weight(t->model, i);
        memcpy(weight.data, t->best_weights[i], (size_t)fv_shape_count(&weight.shape) * sizeof(float));
    }
    fv_model_touch(t->model);
    fv_status status = fv_fit_note(t, "train.epoch", "%d", best + 1);
    return status ? status : fv_fit_note(t, "train.hash", "%016" PRIx64, fv_model_hash(t->model));
}

static void clean(fv_training *t) {
    fv_prefetch_free(t->prefetch);
    fv_folder_end(&t->folder);
    fv_facts_free(&t->facts);
    fv_checkpoint_close(&t->from);
    fv_pass_end(&t->validation);
    fv_probe_end(&t->probe);
    fv_teacher_end(&t->teacher, t->model->net);
    fv_average_end(&t->average);
    fv_gradients_end(&t->gradients);
    fv_descent_end(&t->descent);
    fv_meter_end(&t->meter);
    fv_feed_end(&t->feed);
    fv_augment_end(&t->augmenting);
    fv_run_free(t->run);
    for (int i = 0; t->best_weights && i < t->model->weight_count; i++) fv_free(t->best_weights[i]);
    for (int v = 0; t->thawed && v < t->model->net->value_count; v++)
        if (t->thawed[v]) t->model->net->values[v].parameter.fixed = false;
    fv_free(t->best_weights), fv_free(t->thawed);
    fv_free(t->sample_weight), fv_free(t->class_weight), fv_free(t->class_samples[0]), fv_free(t->class_samples[1]);
    fv_free(t->samples), fv_free(t->held), fv_free(t->order);
}

static fv_status train(fv_training *t) {
    int64_t epoch = t->first_epoch, first = t->first_step;
    clock_gettime(CLOCK_MONOTONIC, &t->started);
    tell(t, FV_EVENT_BEGIN, epoch + 1, first, t->meter.samples, 0, false);
    fv_status status = t->options->resume ? FV_OK : fv_fit_save(t, 0, 0);
    clock_gettime(CLOCK_MONOTONIC, &t->saved);
    for (; epoch < t->settings.epochs && !status && !t->stopped; epoch++) {
        if (!first && fv_stopping_due(&t->stopping, t->history)) break;
        clock_gettime(CLOCK_MONOTONIC, &t->started);
        if (!first) fv_meter_reset(&t->meter), t->before = 0;
        status = train_epoch(t, epoch, first);
        first = 0;
    }
    if (!status) status = hand_back(t, epoch);
    if (!status) tell(t, FV_EVENT_END, epoch ? epoch : 1, t->steps, t->meter.samples, 0, false);
    return status;
}

fv_history *fv_fit_with(fv_model *model, fv_data *data, fv_error *error, const fv_fit_options *given) {
    fv_fit_options options;
    fv_copy_options(&options, sizeof options, given, given ? given->size : 0);
    if (!model || !data)
        return fv_fail(error, FV_E_ARGUMENT, "fv_fit: no %s was given", model ? "data" : "model"), NULL;
    fv_error own = {0};
    fv_training t = {.model = model, .data = data, .options = &options, .error = error ? error : &own};
    fv_status status = fv_fit_prepare(&t);
    if (!status) status = train(&t);
    if (status) fv_history_free(t.history), t.history = NULL;
    clean(&t);
    return t.history;
}
