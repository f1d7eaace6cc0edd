/* fit.c - training: epochs of steps; a step is a batch forward and backward, then the optimizer.
 *
 * Where training stands (seed, epoch, position) decides every random draw, and sums over samples have a fixed order, so
 * the weights after an epoch are the same bits at any number of threads. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "philox.h"
#include "train.h"

typedef struct training {
    fv_model *model;
    const fv_data *data;
    fv_fit_options *options;
    fv_error *error;
    fv_settings settings;
    fv_rate_plan rates;
    double base_rate, rate;

    int64_t *samples, *held, *order; /* to train on, held back, in the order of this epoch */
    int64_t sample_count, held_count, steps;
    fv_run *run;
    fv_feed feed;
    fv_prefetch *prefetch;
    fv_meter meter;
    fv_descent descent;

    bool validates;
    fv_pass validation;
    fv_history *history;
    fv_folder folder;
    double values[2 * (FV_MAX_METRICS + 1)]; /* of the metrics so far, then of validation */
    double best;
    struct timespec started; /* the epoch, in this process */
    double before;           /* seconds of the epoch in earlier processes */
    bool stopped;

    fv_checkpoint from; /* where the training goes on */
    fv_facts facts;
    int64_t first_epoch, first_step;
    struct timespec saved; /* when the last checkpoint was */
} training;

static double seconds_since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

/* ---- getting ready
 * -------------------------------------------------------------------------------------------------------- */

static fv_status choose_samples(training *t) {
    const fv_fit_options *o = t->options;
    double part = o->validation_data ? 0 : t->settings.validation_split;
    fv_status status = fv_data_split(t->data, part, o->validation_tail, t->settings.seed, &t->samples, &t->sample_count,
                                     &t->held, &t->held_count, t->error);
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

static fv_status build_run(training *t) {
    fv_status status = fv_meter_read(&t->meter, t->model->net, t->settings.metrics, t->error);
    if (status) return status;
    if (t->settings.batch_size > t->sample_count) t->settings.batch_size = t->sample_count;
    t->steps = (t->sample_count + t->settings.batch_size - 1) / t->settings.batch_size;
    fv_shape shape;
    int wanted[2] = {t->meter.reading.scores, t->meter.reading.output};
    fv_plan_options options = {.batch = t->settings.batch_size,
                               .input = fv_feed_shape(t->model->net, t->data, &shape),
                               .training = true,
                               .losses = true,
                               .gradients = true,
                               .wanted = wanted,
                               .wanted_count = 2,
                               .threads = t->options->threads,
                               .exact = t->options->exact};
    t->run = fv_run_build(t->model->net, &t->model->weights, &options, t->error);
    if (!t->run) return fv_failed(t->error);
    status = fv_feed_begin(&t->feed, t->model, t->data, t->run, true, t->error);
    if (!status) status = fv_descent_begin(&t->descent, t->model, t->run, t->settings.optimizer, t->error);
    /* Samples that lie in memory are there at once; making them in a thread would take more than it gives. */
    if (status || t->options->no_prefetch || t->data->direct) return status;
    t->prefetch = fv_prefetch_new(&t->feed, t->settings.batch_size, t->error);
    return t->prefetch ? FV_OK : FV_E_MEMORY;
}

static fv_status build_validation(training *t) {
    const fv_data *data = t->options->validation_data ? t->options->validation_data : t->data;
    int64_t batch = t->settings.batch_size < t->held_count ? t->settings.batch_size : t->held_count;
    return fv_pass_begin(&t->validation, t->model, data, batch, t->options->threads, t->settings.metrics, t->error);
}

static fv_status build_history(training *t) {
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

static fv_status set(training *t, const char *key, const char *format, ...) FV_PRINTF(3, 4);
static fv_status set(training *t, const char *key, const char *format, ...) {
    char value[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    return fv_model_set_note(t->model, key, value, t->error);
}

/* What was done is kept with the model. */
static fv_status note_settings(training *t) {
    const fv_settings *s = &t->settings;
    char rate[32];
    fv_print_double(t->base_rate, rate);
    fv_status status = set(t, "train.optimizer", "%s", s->optimizer);
    if (!status) status = set(t, "train.learning_rate", "%s", rate);
    if (!status) status = set(t, "train.schedule", "%s", s->schedule);
    if (!status) status = set(t, "train.loss", "%s", fv_main_loss_name(t->model->net));
    if (!status) status = fv_model_set_note(t->model, "train.metrics", s->metrics, t->error);
    if (!status && t->options->resume)
        status = set(t, "train.epochs_before", "%" PRId64, fv_checkpoint_epochs(&t->from));
    if (!status) status = set(t, "train.epochs", "%" PRId64, s->epochs);
    if (!status) status = set(t, "train.batch_size", "%" PRId64, s->batch_size);
    if (!status) status = set(t, "train.seed", "%" PRIu64, s->seed);
    if (!status) status = set(t, "train.samples", "%" PRId64, t->sample_count);
    if (!status && t->data->description) status = set(t, "train.data", "%s", t->data->description);
    return status;
}

/* ---- checkpoints
 * ----------------------------------------------------------------------------------------------------------- */

static fv_status fact(training *t, const char *key, const char *format, ...) FV_PRINTF(3, 4);
static fv_status fact(training *t, const char *key, const char *format, ...) {
    char value[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    return fv_facts_add(&t->facts, key, value, t->error);
}

/* A text that was made for this (NULL: the error is written), and is freed. */
static fv_status made_fact(training *t, const char *key, char *value) {
    if (!value) return t->error->status ? t->error->status : fv_fail_memory(t->error, key, 0);
    fv_status status = fv_facts_add(&t->facts, key, value, t->error);
    fv_free(value);
    return status;
}

/* What a training that goes on must share with the one that began. The data first: it changes most easily. */
static fv_status collect_facts(training *t) {
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
    if (!status) status = fact(t, "order", "%s", o->no_shuffle ? "as it is" : "shuffled");
    if (!status) status = fact(t, "validation split", "%s", split);
    if (!status) status = fact(t, "kind of split", "%s", o->validation_tail ? "tail" : "mixed");
    if (status || !o->validation_data) return status ? status : fact(t, "validation data", "none");
    return made_fact(t, "validation data", fv_data_fingerprint(o->validation_data, t->error));
}

static fv_standing standing(training *t, int64_t epoch, int64_t done) {
    return (fv_standing){.epoch = epoch,
                         .step = done,
                         .epochs = t->settings.epochs,
                         .best = t->best,
                         .rate = t->rate,
                         .seconds = done ? t->before + seconds_since(&t->started) : 0,
                         .meter = &t->meter,
                         .descent = &t->descent,
                         .history = t->history};
}

/* `epoch` epochs and `done` steps of the next are finished. */
static fv_status save_checkpoint(training *t, int64_t epoch, int64_t done) {
    if (!t->folder.path) return FV_OK;
    fv_standing s = standing(t, epoch, done);
    clock_gettime(CLOCK_MONOTONIC, &t->saved);
    return fv_checkpoint_write(&t->folder, t->model, &s, &t->facts, t->error);
}

static bool is_due(const training *t) {
    const fv_fit_options *o = t->options;
    double seconds = o->save_seconds == FV_ZERO ? INFINITY : o->save_seconds > 0 ? o->save_seconds : 300;
    if (!t->folder.path) return false;
    return (o->save_steps > 0 && t->descent.step % o->save_steps == 0) || seconds_since(&t->saved) >= seconds;
}

/* The folder's checkpoint gives what the options leave open. */
static fv_status open_checkpoint(training *t) {
    if (!t->options->folder) return fv_fail(t->error, FV_E_ARGUMENT, "fit: resume needs a folder");
    struct stat about; /* a folder that is not there is not made to look into */
    if (stat(t->options->folder, &about))
        return fv_fail_at(t->error, FV_E_FILE, t->options->folder, 0, 0, "holds no run to resume: %s", strerror(errno));
    fv_status status = fv_folder_begin(&t->folder, t->options->folder, t->error);
    if (!status) status = fv_checkpoint_open(&t->from, t->options->folder, t->error);
    if (!status) fv_settings_resume(t->model, &t->from, t->options);
    return status;
}

static fv_status go_on(training *t) {
    fv_status status = fv_checkpoint_compare(&t->from, &t->facts, t->error);
    fv_standing s = standing(t, 0, 0);
    if (!status) status = fv_checkpoint_restore(&t->from, t->model, &s, t->error);
    if (!status) status = fv_folder_restore(&t->folder, fv_checkpoint_log(&t->from), t->error);
    if (status) return status;
    if (s.step >= t->steps || s.epoch > t->settings.epochs)
        return fv_fail_at(t->error, FV_E_FORMAT, t->from.path, 0, 0, "stands at step %" PRId64 " of %" PRId64, s.step,
                          t->steps);
    t->first_epoch = s.epoch, t->first_step = s.step;
    t->best = s.best, t->rate = s.rate, t->before = s.seconds;
    for (int m = 0; m < t->meter.count; m++) t->values[m] = fv_meter_value(&t->meter, m);
    return FV_OK;
}

static fv_status begin_folder(training *t) {
    fv_status status = FV_OK;
    if (t->options->folder) status = collect_facts(t);
    if (status || t->options->resume) return status ? status : go_on(t);
    status = fv_folder_begin(&t->folder, t->options->folder, t->error);
    if (!status) status = fv_folder_clear(&t->folder, t->error);
    return status;
}

static fv_status prepare(training *t) {
    fv_status status = t->options->resume ? open_checkpoint(t) : FV_OK;
    if (!status) status = fv_settings_read(t->model, t->options, &t->settings, t->error);
    if (!status) status = fv_rate_plan_read(t->settings.schedule, &t->rates, t->error);
    if (!status) status = fv_set_loss(t->model->net, t->settings.loss, fv_target_field(t->data), t->error);
    if (!status) status = fv_model_sync(t->model, t->error);
    if (!status) status = fv_feed_prepare(t->model, t->data, t->error);
    if (!status) status = choose_samples(t);
    if (!status) status = build_run(t);
    if (!status && t->validates) status = build_validation(t);
    if (!status) status = build_history(t);
    if (status) return status;
    t->base_rate = isnan(t->settings.learning_rate) ? t->descent.arguments[0] : t->settings.learning_rate;
    t->best = INFINITY;
    status = begin_folder(t);
    return status ? status : note_settings(t);
}

/* ---- telling
 * ----------------------------------------------------------------------------------------------------------------- */

/* Tells the callback where training stands; the first `metrics` values are known. */
static void tell(training *t, fv_event_kind kind, int64_t epoch, int64_t step, int64_t samples, int metrics,
                 bool best) {
    if (!t->options->on_event) return;
    fv_event event = {.kind = kind,
                      .epoch = epoch,
                      .epochs = t->settings.epochs,
                      .step = step,
                      .steps = t->steps,
                      .samples = samples,
                      .seconds = t->before + seconds_since(&t->started),
                      .learning_rate = t->rate,
                      .metric_count = metrics,
                      .metric_names = (const char *const *)t->history->names,
                      .metric_values = t->values,
                      .best = best};
    if (t->options->on_event(t->options->user, &event)) t->stopped = true;
}

/* ---- steps and epochs
 * ---------------------------------------------------------------------------------------------------------- */

static fv_status step(training *t, int64_t epoch, int64_t index) {
    int64_t first = index * t->settings.batch_size, n = t->sample_count - first;
    if (n > t->settings.batch_size) n = t->settings.batch_size;
    fv_moment moment = {.seed = t->settings.seed, .epoch = epoch, .position = first};
    fv_run_set_moment(t->run, &moment);
    fv_status status = t->prefetch ? fv_prefetch_take(t->prefetch, index, t->error)
                                   : fv_feed_batch(&t->feed, t->order, first, n, t->error);
    if (!status) status = fv_run_go(t->run, n, t->error);
    if (status) return status;
    double loss = fv_run_loss(t->run);
    if (!isfinite(loss))
        return fv_fail(t->error, FV_E_NUMBER,
                       "the loss is not finite (%g) in epoch %" PRId64 ", step %" PRId64 " of %" PRId64
                       "; a lower learning rate than %g may help",
                       loss, epoch + 1, index + 1, t->steps, t->rate);
    fv_meter_add(&t->meter, t->run, n);
    t->rate = t->base_rate * fv_rate_factor(&t->rates, epoch * t->steps + index, t->steps, t->settings.epochs);
    status = fv_descent_step(&t->descent, t->rate, t->error);
    t->model->weights.version++;
    if (status) return status;
    for (int m = 0; m < t->meter.count; m++) t->values[m] = fv_meter_value(&t->meter, m);
    if (index + 1 < t->steps && is_due(t)) status = save_checkpoint(t, epoch, index + 1);
    if (status) return status;
    tell(t, FV_EVENT_STEP, epoch + 1, index + 1, first + n, t->meter.count, false);
    return FV_OK;
}

static void order_epoch(training *t, int64_t epoch, int64_t first_step) {
    memcpy(t->order, t->samples, (size_t)t->sample_count * sizeof *t->order);
    fv_stream stream = fv_stream_new(t->settings.seed, FV_FOR_SHUFFLE, (uint64_t)epoch, 0);
    if (!t->options->no_shuffle) fv_shuffle(&stream, t->order, t->sample_count);
    if (t->prefetch) fv_prefetch_start(t->prefetch, t->order, t->sample_count, first_step);
}

static fv_status finish_epoch(training *t, int64_t epoch) {
    int count = t->meter.count;
    if (t->validates) {
        fv_status status = fv_pass_run(&t->validation, t->held, t->held_count, t->error);
        if (status) return status;
        for (int m = 0; m < count; m++) t->values[count + m] = fv_meter_value(&t->validation.meter, m);
    }
    double loss = t->values[t->validates ? count : 0];
    bool best = loss < t->best;
    if (best) t->best = loss;
    fv_history_add(t->history, t->values);
    fv_status status = set(t, "train.epoch", "%" PRId64, epoch + 1);
    if (!status) status = set(t, "train.hash", "%016" PRIx64, fv_model_hash(t->model));
    double seconds = t->before + seconds_since(&t->started);
    if (!status) status = fv_folder_epoch(&t->folder, t->model, t->history, t->rate, seconds, best, t->error);
    if (!status) status = save_checkpoint(t, epoch + 1, 0);
    if (!status) tell(t, FV_EVENT_EPOCH, epoch + 1, t->steps, t->sample_count, t->history->metrics, best);
    return status;
}

/* The steps of an epoch from `first` on. One that is stopped in its middle leaves a checkpoint there. */
static fv_status train_epoch(training *t, int64_t epoch, int64_t first) {
    order_epoch(t, epoch, first);
    fv_status status = FV_OK;
    int64_t i = first;
    for (; i < t->steps && !status && !t->stopped; i++) status = step(t, epoch, i);
    if (status) return status;
    return i == t->steps ? finish_epoch(t, epoch) : save_checkpoint(t, epoch, i);
}

static fv_status train(training *t) {
    int64_t epoch = t->first_epoch, first = t->first_step;
    clock_gettime(CLOCK_MONOTONIC, &t->started);
    tell(t, FV_EVENT_BEGIN, epoch + 1, first, t->meter.samples, 0, false);
    fv_status status = t->options->resume ? FV_OK : save_checkpoint(t, 0, 0);
    clock_gettime(CLOCK_MONOTONIC, &t->saved);
    for (; epoch < t->settings.epochs && !status && !t->stopped; epoch++) {
        clock_gettime(CLOCK_MONOTONIC, &t->started);
        if (!first) fv_meter_reset(&t->meter), t->before = 0;
        status = train_epoch(t, epoch, first);
        first = 0;
    }
    if (!status) tell(t, FV_EVENT_END, epoch ? epoch : 1, t->steps, t->meter.samples, 0, false);
    return status;
}

fv_history *fv_fit_with(fv_model *model, fv_data *data, fv_error *error, const fv_fit_options *given) {
    fv_fit_options options;
    fv_copy_options(&options, sizeof options, given, given ? given->size : 0);
    if (!model || !data)
        return fv_fail(error, FV_E_ARGUMENT, "fv_fit: no %s was given", model ? "data" : "model"), NULL;
    fv_error own = {0};
    training t = {.model = model, .data = data, .options = &options, .error = error ? error : &own};
    fv_status status = prepare(&t);
    if (!status) status = train(&t);
    if (status) fv_history_free(t.history), t.history = NULL;
    fv_prefetch_free(t.prefetch);
    fv_folder_end(&t.folder);
    fv_facts_free(&t.facts);
    fv_checkpoint_close(&t.from);
    fv_pass_end(&t.validation);
    fv_descent_end(&t.descent);
    fv_meter_end(&t.meter);
    fv_feed_end(&t.feed);
    fv_run_free(t.run);
    fv_free(t.samples), fv_free(t.held), fv_free(t.order);
    return t.history;
}
