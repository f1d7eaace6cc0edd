/* fit_look.c - a training is looked at: what it will be before its first step, its layers after every epoch, and the step that
 * went wrong. Looking never changes a bit of it. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fit.h"
#include "twins.h"

int64_t fv_fit_samples_in_step(const fv_training *t) {
    int64_t batches = t->options->accumulate > 1 ? t->options->accumulate : 1, each;
    int64_t most = (t->sample_count + t->settings.batch_size - 1) / t->settings.batch_size;
    if (batches > most) batches = most;
    return fv_mul_i64(batches, t->settings.batch_size, &each) ? each : t->sample_count;
}

int fv_fit_weighted_loss(const fv_training *t) {
    const fv_net *net = t->model->net;
    int node = t->sample_weight ? fv_main_loss(net) : -1;
    for (int i = 0; node >= 0 && i < net->loss_count; i++) {
        const fv_value_info *value = &net->values[net->losses[i].value];
        if (value->kind == FV_KIND_RESULT && value->node == node && fv_type_batched(&value->type)) return i + 1;
    }
    return 0;
}

void fv_fit_weigh(fv_training *t, fv_run *run, int64_t first, int64_t n) {
    if (!t->sample_weight) return;
    float *weights = fv_run_operand(run, fv_run_plan(run)->sample_weights).data;
    for (int64_t i = 0; i < n; i++) weights[i] = t->sample_weight[t->order[first + i]];
}

void fv_fit_say(fv_training *t, const char *format, ...) {
    char text[512];
    va_list arguments;
    if (!t->options->on_event) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fv_event event = {.kind = FV_EVENT_NOTE, .epochs = t->settings.epochs, .steps = t->steps, .text = text};
    if (t->options->on_event(t->options->user, &event)) t->stopped = true;
}

/* ---- before the first step -------------------------------------------------------------------------------------- */

static fv_status count_parts(fv_training *t) {
    const fv_data *other = t->options->validation_data ? t->options->validation_data : t->data;
    int classes = t->data->class_count;
    if (classes < 1) return FV_OK;
    for (int part = 0; part < 1 + t->validates; part++) {
        t->class_samples[part] = fv_alloc_array((size_t)classes, sizeof(int64_t));
        if (!t->class_samples[part]) return fv_fail_memory(t->error, "counts of classes", (size_t)classes * 8);
    }
    fv_count_classes(t->data, t->samples, t->sample_count, t->class_samples[0]);
    if (t->validates && other->class_count <= classes)
        fv_count_classes(other, t->held, t->held_count, t->class_samples[1]);
    return FV_OK;
}

static bool same_fields(const fv_data *a, const fv_data *b) {
    if (a->field_count != b->field_count) return false;
    for (int i = 0; i < a->field_count; i++)
        if (a->fields[i].dtype != b->fields[i].dtype || !fv_shape_equal(&a->fields[i].shape, &b->fields[i].shape))
            return false;
    return true;
}

/* The same input in both parts: validation would know what it was trained on. */
static fv_status count_shared(fv_training *t) {
    const fv_data *other = t->options->validation_data ? t->options->validation_data : t->data;
    if (!t->validates || !same_fields(t->data, other)) return FV_OK;
    fv_sample_list lists[2] = {{t->data, t->samples, t->sample_count}, {other, t->held, t->held_count}};
    fv_twins *twins = fv_alloc(sizeof *twins);
    fv_status status = twins ? fv_find_twins(lists, 2, twins, t->error)
                             : fv_fail_memory(t->error, "samples that are there twice", sizeof *twins);
    if (!status) t->shared = twins->count[0][1];
    fv_free(twins);
    return status;
}

/* Running statistics, saved to `kept` or put back. */
static void copy_states(fv_training *t, float **kept, bool back) {
    for (int i = 0; i < t->model->weight_count; i++) {
        if (!kept[i]) continue;
        fv_tensor state = fv_model_weight(t->model, i);
        size_t bytes = (size_t)fv_shape_count(&state.shape) * sizeof(float);
        memcpy(back ? state.data : kept[i], back ? kept[i] : state.data, bytes);
    }
}

/* Two batches without an update; the second one is timed. */
static double time_batch(fv_training *t) {
    int64_t n = t->settings.batch_size < t->sample_count ? t->settings.batch_size : t->sample_count;
    fv_moment moment = {.seed = t->settings.seed};
    struct timespec start;
    fv_error ignored = {0}; /* the step itself will say it */
    for (int i = 0; i < 2; i++) {
        clock_gettime(CLOCK_MONOTONIC, &start);
        fv_run_set_moment(t->run, &moment);
        if (fv_feed_batch(&t->feed, t->order, 0, n, &ignored)) return 0;
        fv_fit_weigh(t, t->run, 0, n);
        if (fv_teacher_answer(&t->teacher, t->run, t->order, 0, n, &ignored)) return 0;
        if (fv_run_go(t->run, n, &ignored)) return 0;
    }
    return fv_seconds_since(&start);
}

/* Forward takes about a third of a step. */
static fv_status try_step(fv_training *t) {
    fv_model *model = t->model;
    float **kept = fv_alloc_array((size_t)model->weight_count + 1, sizeof *kept);
    fv_status status = kept ? FV_OK : fv_fail_memory(t->error, "running statistics", 0);
    for (int i = 0; i < model->weight_count && !status; i++) {
        if (model->net->values[model->weight_values[i]].kind != FV_KIND_STATE) continue;
        fv_tensor state = fv_model_weight(model, i);
        kept[i] = fv_alloc((size_t)fv_shape_count(&state.shape) * sizeof(float));
        if (!kept[i]) status = fv_fail_memory(t->error, "running statistics", 0);
    }
    if (!status) {
        copy_states(t, kept, false);
        memcpy(t->order, t->samples, (size_t)t->sample_count * sizeof *t->order);
        double batches = (double)(t->sample_count + t->held_count / 3) / (double)t->settings.batch_size;
        t->epoch_seconds = time_batch(t) * (batches > 1 ? batches : 1);
        copy_states(t, kept, true);
        fv_model_touch(model);
    }
    for (int i = 0; kept && i < model->weight_count; i++) fv_free(kept[i]);
    fv_free(kept);
    return status;
}

fv_status fv_fit_survey(fv_training *t) {
    fv_status status = count_parts(t);
    if (!status) status = count_shared(t);
    return status ? status : try_step(t);
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

/* Optimizer, sums, averages, best weights: they do not depend on the batch. */
static uint64_t fixed_bytes(const fv_training *t) {
    uint64_t numbers = 0;
    for (int i = 0; i < t->descent.count; i++) {
        int copies = 0;
        for (int s = 0; s < FV_MAX_OPTIMIZER_STATES; s++) copies += t->descent.weights[i].state[s] != NULL;
        copies += (t->gradients.run != NULL) + (t->average.of != NULL) + (t->best_weights != NULL);
        numbers += (uint64_t)copies * (uint64_t)t->descent.weights[i].each;
    }
    return numbers * sizeof(float);
}

static uint64_t run_bytes(const fv_run *run) { return run ? (uint64_t)fv_run_bytes(run) : 0; }

/* Of a smaller batch; plans say it before anything is allocated. */
static uint64_t bytes_at(const fv_training *t, int64_t batch) {
    fv_shape shape;
    const fv_plan *now = fv_run_plan(t->run);
    fv_plan_options options = {.batch = batch,
                               .input = fv_feed_shape(t->model->net, t->data, &shape),
                               .training = true,
                               .losses = true,
                               .gradients = true,
                               .weighted_loss = now->weighted_loss,
                               .threads = t->options->threads,
                               .exact = t->options->exact,
                               .bf16 = t->options->bf16};
    fv_plan *plan = fv_plan_new(t->model->net, &options, NULL);
    if (!plan) return UINT64_MAX;
    double rest = (double)(run_bytes(t->validation.run) + run_bytes(t->probe.run)) * (double)batch / (double)now->batch;
    uint64_t bytes = fv_plan_bytes(plan) + (uint64_t)rest;
    fv_plan_free(plan);
    return bytes;
}

fv_status fv_fit_check_memory(fv_training *t) {
    uint64_t there = t->options->memory ? t->options->memory : t->memory_there, fixed = fixed_bytes(t);
    t->memory_needed = fixed + run_bytes(t->run) + run_bytes(t->validation.run) + run_bytes(t->probe.run) +
                       run_bytes(t->teacher.run);
    if (t->options->memory) t->memory_there = there;
    if (!there || t->memory_needed <= there) return FV_OK;
    int64_t fits = 0, above = t->settings.batch_size;
    while (above - fits > 1) {
        int64_t middle = fits + (above - fits) / 2;
        if (fixed + bytes_at(t, middle) <= there)
            fits = middle;
        else
            above = middle;
    }
    double mib = 1024.0 * 1024.0;
    if (!fits)
        return fv_fail(t->error, FV_E_MEMORY,
                       "not enough memory: the training needs %.1f MiB at batch %" PRId64
                       ", there are %.1f MiB, and no batch is small enough",
                       (double)t->memory_needed / mib, t->settings.batch_size, (double)there / mib);
    return fv_fail(t->error, FV_E_MEMORY,
                   "not enough memory: the training needs %.1f MiB at batch %" PRId64
                   ", there are %.1f MiB; the largest batch that fits is %" PRId64
                   ", and accumulating batches gives the same step",
                   (double)t->memory_needed / mib, t->settings.batch_size, (double)there / mib, fits);
}

/* ---- layers ----------------------------------------------------------------------------------------------------- */

static void say_lines(fv_training *t, int64_t epoch, char *lines) {
    enum { MOST = 4 };
    int said = 0;
    for (char *line = lines, *end; line && *line; line = end ? end + 1 : NULL) {
        end = strchr(line, '\n');
        if (end) *end = 0;
        if (said++ < MOST) fv_fit_say(t, "epoch %" PRId64 ": %s", epoch + 1, line);
    }
    if (said > MOST) fv_fit_say(t, "epoch %" PRId64 ": and %d more of this kind", epoch + 1, said - MOST);
}

fv_status fv_fit_watch(fv_training *t, int64_t epoch, fv_text *layers) {
    enum { ENOUGH = 256 };
    if (!t->options->watch) return FV_OK;
    fv_text warnings = {0};
    fv_status status = FV_OK;
    fv_probe_reset(&t->probe);
    t->probe.feed.augmenting = t->feed.augmenting;
    for (int64_t first = 0; first < t->sample_count && first < ENOUGH && !status; first += t->settings.batch_size) {
        int64_t n = t->sample_count - first;
        if (n > t->settings.batch_size) n = t->settings.batch_size;
        fv_moment moment = {.seed = t->settings.seed, .epoch = epoch, .position = first};
        status = fv_probe_go(&t->probe, t->order, first, n, &moment, t->error);
        if (!status) fv_probe_add(&t->probe);
    }
    if (!status) fv_probe_report(&t->probe, layers, &warnings);
    if (!status && (layers->failed || warnings.failed)) status = fv_fail_memory(t->error, "a look at the layers", 0);
    if (!status && warnings.data) say_lines(t, epoch, warnings.data);
    fv_text_free(&warnings);
    return status;
}

/* ---- what went wrong -------------------------------------------------------------------------------------------- */

/* "; the last good checkpoint stands ...", or nothing without a folder. */
static void good_checkpoint(const fv_training *t, char *out, size_t size) {
    *out = 0;
    if (!t->folder.path) return;
    if (t->saved_step)
        snprintf(out, size, "; the last good checkpoint stands after step %" PRId64 " of epoch %" PRId64, t->saved_step,
                 t->saved_epoch + 1);
    else if (t->saved_epoch)
        snprintf(out, size, "; the last good checkpoint stands after epoch %" PRId64, t->saved_epoch);
    else
        snprintf(out, size, "; the last good checkpoint is the one before the first step");
}

fv_status fv_fit_explain(fv_training *t, double loss, int64_t epoch, int64_t index, int64_t first, int64_t n) {
    char what[160], culprit[160] = "", checkpoint[128];
    fv_probe probe;
    fv_moment moment = {.seed = t->settings.seed, .epoch = epoch, .position = first};
    fv_status found = fv_probe_begin(&probe, t->model, t->data, t->settings.batch_size, t->options->threads, NULL);
    probe.feed.augmenting = t->feed.augmenting;
    if (!found) found = fv_probe_go(&probe, t->order, first, n, &moment, NULL);
    bool known = !found && fv_probe_trouble(&probe, t->order, first, culprit, sizeof culprit);
    fv_probe_end(&probe);
    if (isfinite(loss))
        snprintf(what, sizeof what, "a gradient is not finite (the loss is %g)", loss);
    else
        snprintf(what, sizeof what, "the loss is not finite (%g)", loss);
    good_checkpoint(t, checkpoint, sizeof checkpoint);
    return fv_fail(t->error, FV_E_NUMBER,
                   "%s in epoch %" PRId64 ", step %" PRId64 " of %" PRId64
                   "%s%s; a lower learning rate than %g may help%s",
                   what, epoch + 1, index + 1, t->steps, known ? "; the first that is not finite is " : "", culprit,
                   t->rate ? t->rate : t->base_rate, checkpoint);
}
