/* scores.c - how good a model, or a committee of models, is: metrics, classes one by one, the surest mistakes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train.h"

struct fv_scores {
    fv_history *metrics;
    int64_t samples;
    fv_tally tally;
    char **names; /* [classes] */
    fv_mistake *mistakes;
    int mistake_count, most_mistakes;
};

/* All members at work on one batch after the other. */
typedef struct jury {
    fv_model *const *models;
    fv_data *data;
    fv_score_options options;
    fv_error *error;
    int count;
    int64_t batch;
    fv_pass *members;     /* [count] */
    fv_meter committee;   /* of several */
    float *answer, *mean; /* [batch][rows][columns]: of one member; of all */
    int64_t rows, columns;
    int64_t *order;
    fv_scores *result;
} jury;

/* ---- getting ready ---------------------------------------------------------------------------------------------- */

static fv_status begin_member(jury *j, int m, const char *metrics) {
    fv_model *model = j->models[m];
    fv_status status = fv_set_loss(model->net, NULL, fv_target_field(j->data), j->error);
    if (!status) status = fv_model_sync(model, j->error);
    if (!status) status = fv_feed_prepare(model, j->data, j->error);
    if (!status)
        status = fv_pass_begin(&j->members[m], model, j->data,
                               &(fv_pass_options){.batch = j->batch,
                                                  .threads = j->options.threads,
                                                  .exact = j->options.exact,
                                                  .bf16 = j->options.bf16,
                                                  .metrics = metrics},
                               j->error);
    if (!status) status = fv_pass_views(&j->members[m], fv_model_views(model, j->options.tta), j->error);
    fv_meter *meter = &j->members[m].meter;
    /* Numbers for numbers are no choice, unless the data says that they stand for classes. */
    bool classes = meter->reading.answer != FV_ANSWER_NUMBERS || j->data->class_count > 0;
    return status || !classes ? status : fv_meter_count_classes(meter, model->net, j->error);
}

/* The members must answer the same question, class by class. */
static fv_status check_member(const jury *j, int m) {
    const fv_model *first = j->models[0], *other = j->models[m];
    fv_shape a = fv_run_operand(j->members[0].run,
                                fv_run_plan(j->members[0].run)->of_value[j->members[0].meter.reading.output])
                     .shape,
             b = fv_run_operand(j->members[m].run,
                                fv_run_plan(j->members[m].run)->of_value[j->members[m].meter.reading.output])
                     .shape;
    char has[128], wants[128];
    if (!fv_shape_equal(&a, &b))
        return fv_fail(j->error, FV_E_SHAPE, "committee: member 1 answers with %s, member %d with %s",
                       fv_shape_text(&a, wants, sizeof wants), m + 1, fv_shape_text(&b, has, sizeof has));
    for (int c = 0; c < first->class_count && c < other->class_count; c++)
        if (strcmp(first->class_names[c], other->class_names[c]) != 0)
            return fv_fail(j->error, FV_E_ARGUMENT, "committee: class %d is '%s' for member 1, but '%s' for member %d",
                           c, first->class_names[c], other->class_names[c], m + 1);
    return FV_OK;
}

/* The committee's meter reads the mean of the members' probabilities as if it were logits: the largest wins. */
static fv_status begin_committee(jury *j) {
    const fv_meter *first = &j->members[0].meter;
    j->committee = *first;
    memset(&j->committee.tally, 0, sizeof j->committee.tally);
    fv_meter_reset(&j->committee);
    fv_reading *reading = &j->committee.reading;
    if (reading->answer == FV_ANSWER_DISTANCES) reading->answer = FV_ANSWER_LOGITS;
    if (reading->answer == FV_ANSWER_BINARY) reading->middle = 0.5;
    return fv_tally_begin(&j->committee.tally, first->tally.classes, j->error);
}

static fv_status begin(jury *j) {
    const char *metrics = j->options.metrics ? j->options.metrics : fv_model_metrics(j->models[0]);
    j->members = fv_alloc_array((size_t)j->count, sizeof *j->members);
    if (!j->members) return fv_fail_memory(j->error, "a committee", (size_t)j->count * sizeof *j->members);
    fv_status status = FV_OK;
    for (int m = 0; m < j->count && !status; m++) {
        status = begin_member(j, m, metrics);
        if (!status && m) status = check_member(j, m);
    }
    if (status) return status;
    const fv_pass *first = &j->members[0];
    fv_tensor output = fv_run_operand(first->run, fv_run_plan(first->run)->of_value[first->meter.reading.output]);
    int64_t count = fv_shape_count(&output.shape), last = output.shape.dim[output.shape.rank - 1];
    j->columns = output.shape.rank > 1 ? last : 1;
    j->rows = count / j->batch / j->columns;
    j->answer = fv_alloc_array((size_t)count, sizeof *j->answer);
    j->mean = fv_alloc_array((size_t)count, sizeof *j->mean);
    j->order = fv_all_samples(j->data->count, j->error);
    if (!j->answer || !j->mean) return fv_fail_memory(j->error, "answers", (size_t)count * sizeof *j->mean);
    if (output.dtype != FV_F32) return fv_fail(j->error, FV_E_UNSUPPORTED, "scores: the net's answer is not f32");
    return j->order ? begin_committee(j) : FV_E_MEMORY;
}

/* ---- going through the samples ---------------------------------------------------------------------------------- */

/* One member's answers to n samples, as probabilities, added to those of the others. */
static fv_status ask(jury *j, int m, int64_t first, int64_t n) {
    fv_pass *member = &j->members[m];
    fv_status status = fv_views_go(&member->views, &member->feed, member->run, j->order, first, n, j->error);
    if (status) return status;
    fv_meter_add(&member->meter, member->run, n);
    const fv_reading *reading = &member->meter.reading;
    fv_tensor output = fv_run_operand(member->run, fv_run_plan(member->run)->of_value[reading->output]);
    fv_tensor copy = {FV_F32, output.shape, j->answer};
    copy.shape.dim[0] = n;
    int64_t count = fv_shape_count(&copy.shape);
    memcpy(j->answer, output.data, (size_t)count * sizeof *j->answer);
    status = fv_to_probabilities(reading, &copy, fv_run_pool(member->run), j->error);
    for (int64_t i = 0; i < count; i++) j->mean[i] = (m ? j->mean[i] : 0) + j->answer[i] / (float)j->count;
    return status;
}

/* Keeps the surest; of equally sure ones the first. */
static void keep_mistake(fv_scores *result, fv_mistake mistake) {
    int at = result->mistake_count;
    while (at > 0 && mistake.probability > result->mistakes[at - 1].probability) at--;
    if (at == result->most_mistakes) return;
    if (result->mistake_count < result->most_mistakes) result->mistake_count++;
    memmove(&result->mistakes[at + 1], &result->mistakes[at],
            (size_t)(result->mistake_count - 1 - at) * sizeof *result->mistakes);
    result->mistakes[at] = mistake;
}

/* How probable a class is by a view whose scores are probabilities. */
static double probability_of(const fv_metric_view *view, int64_t row, int64_t class_number) {
    if (view->columns > 1) return view->scores[row * view->columns + class_number];
    return class_number ? view->scores[row] : 1 - view->scores[row];
}

static void look_for_mistakes(jury *j, const fv_metric_view *view, int64_t first, int64_t n) {
    if (!j->committee.tally.classes || view->rows != 1 || !j->result->most_mistakes) return;
    for (int64_t i = 0; i < n; i++) {
        int64_t truth = fv_view_truth(view, i), answer = fv_view_answer(view, i);
        if (answer < 0 || answer == truth) continue;
        keep_mistake(j->result, (fv_mistake){.sample = j->order[first + i],
                                             .truth = (int)truth,
                                             .answer = (int)answer,
                                             .probability = probability_of(view, i, answer),
                                             .right_one = probability_of(view, i, truth)});
    }
}

static fv_status go(jury *j) {
    for (int64_t first = 0; first < j->data->count; first += j->batch) {
        int64_t n = j->data->count - first < j->batch ? j->data->count - first : j->batch;
        fv_status status = FV_OK;
        for (int m = 0; m < j->count && !status; m++) status = ask(j, m, first, n);
        if (status) return status;
        fv_metric_view view;
        if (!fv_meter_view(&j->members[0].meter, j->members[0].run, &view)) continue;
        view.scores = view.output = j->mean;
        view.answer = j->committee.reading.answer;
        view.middle = j->committee.reading.middle;
        view.rows = j->rows, view.columns = j->columns;
        if (j->count > 1) fv_meter_add_view(&j->committee, &view, NAN, n);
        look_for_mistakes(j, &view, first, n);
    }
    return FV_OK;
}

/* ---- what comes out --------------------------------------------------------------------------------------------- */

static fv_status name_classes(fv_scores *scores, const fv_model *model, fv_error *error) {
    int64_t count = scores->tally.classes;
    char number[24];
    scores->names = fv_alloc_array((size_t)count + 1, sizeof *scores->names);
    bool good = scores->names != NULL;
    for (int64_t c = 0; c < count && good; c++) {
        snprintf(number, sizeof number, "%lld", (long long)c);
        good = (scores->names[c] = fv_copy_text(c < model->class_count ? model->class_names[c] : number)) != NULL;
    }
    return good ? FV_OK : fv_fail_memory(error, "class names", (size_t)count * sizeof *scores->names);
}

/* The values without the loss, which a committee has not. */
static fv_history *metrics_alone(const fv_meter *meter, fv_error *error) {
    fv_history *history = fv_history_new(meter->count - 1 ? meter->count - 1 : 1, 1, error);
    double values[FV_MAX_METRICS + 1];
    if (history) history->metrics = meter->count - 1;
    for (int m = 1; history && m < meter->count; m++) {
        values[m - 1] = fv_meter_value(meter, m);
        if (fv_history_name(history, m - 1, "", meter->name[m], error)) fv_history_free(history), history = NULL;
    }
    if (history) fv_history_add(history, values);
    return history;
}

/* Fills in what a meter has seen; takes its tally. */
static fv_status fill(fv_scores *scores, fv_meter *meter, bool loss, const fv_model *model, fv_error *error) {
    scores->samples = meter->samples;
    scores->metrics = loss ? fv_meter_history(meter, error) : metrics_alone(meter, error);
    scores->tally = meter->tally;
    memset(&meter->tally, 0, sizeof meter->tally);
    if (scores->tally.failed) return fv_fail_memory(error, "answers", (size_t)scores->samples * sizeof(fv_lean));
    return scores->metrics ? name_classes(scores, model, error) : FV_E_MEMORY;
}

static fv_status report(jury *j) {
    if (j->count == 1) return fill(j->result, &j->members[0].meter, true, j->models[0], j->error);
    fv_status status = fill(j->result, &j->committee, false, j->models[0], j->error);
    for (int m = 0; j->options.members && m < j->count && !status; m++) {
        fv_scores *scores = j->options.members[m] = fv_alloc(sizeof *scores);
        status = scores ? fill(scores, &j->members[m].meter, true, j->models[m], j->error)
                        : fv_fail_memory(j->error, "scores", sizeof *scores);
    }
    return status;
}

static void end(jury *j) {
    for (int m = 0; j->members && m < j->count; m++) fv_pass_end(&j->members[m]);
    fv_meter_end(&j->committee);
    fv_free(j->members);
    fv_free(j->answer);
    fv_free(j->mean);
    fv_free(j->order);
}

static fv_status check(const jury *j) {
    if (j->count < 1) return fv_fail(j->error, FV_E_ARGUMENT, "scores: no model was given");
    for (int m = 0; m < j->count; m++)
        if (!j->models[m]) return fv_fail(j->error, FV_E_ARGUMENT, "scores: model %d is NULL", m + 1);
    if (j->options.batch_size < 0)
        return fv_fail(j->error, FV_E_ARGUMENT, "batch_size: expected 1 or more, got %lld",
                       (long long)j->options.batch_size);
    if (j->options.mistakes < 0)
        return fv_fail(j->error, FV_E_ARGUMENT, "mistakes: expected 0 or more, got %d", j->options.mistakes);
    if (!j->data || j->data->count < 1) return fv_fail(j->error, FV_E_ARGUMENT, "scores: the data has no samples");
    return FV_OK;
}

static fv_status make_result(jury *j) {
    int most = j->options.mistakes;
    j->result = fv_alloc(sizeof *j->result);
    if (j->result && most) j->result->mistakes = fv_alloc_array((size_t)most + 1, sizeof(fv_mistake));
    if (!j->result || (most && !j->result->mistakes))
        return fv_fail_memory(j->error, "scores", sizeof *j->result + (size_t)most * sizeof(fv_mistake));
    j->result->most_mistakes = most;
    return FV_OK;
}

fv_scores *fv_score_with(fv_model *const *models, int count, fv_data *data, fv_error *error,
                         const fv_score_options *given) {
    jury j = {.models = models, .count = count, .data = data, .error = error};
    fv_copy_options(&j.options, sizeof j.options, given, given ? given->size : 0);
    if (check(&j)) return NULL;
    if (j.options.members) memset(j.options.members, 0, (size_t)count * sizeof *j.options.members);
    j.batch = j.options.batch_size ? j.options.batch_size : 64;
    if (j.batch > data->count) j.batch = data->count;
    fv_status status = make_result(&j);
    if (!status) status = begin(&j);
    if (!status) status = go(&j);
    if (!status) status = report(&j);
    end(&j);
    if (!status) return j.result;
    fv_scores_free(j.result);
    for (int m = 0; j.options.members && m < count; m++) {
        fv_scores_free(j.options.members[m]);
        j.options.members[m] = NULL;
    }
    return NULL;
}

void fv_scores_free(fv_scores *scores) {
    if (!scores) return;
    for (int64_t c = 0; scores->names && c < scores->tally.classes; c++) fv_free(scores->names[c]);
    fv_free(scores->names);
    fv_history_free(scores->metrics);
    fv_tally_end(&scores->tally);
    fv_free(scores->mistakes);
    fv_free(scores);
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

const fv_history *fv_scores_metrics(const fv_scores *scores) { return scores->metrics; }
int64_t fv_scores_samples(const fv_scores *scores) { return scores->samples; }
int fv_scores_class_count(const fv_scores *scores) { return (int)scores->tally.classes; }

fv_class_score fv_scores_class(const fv_scores *scores, int index) {
    const fv_tally *t = &scores->tally;
    if (index < 0 || index >= t->classes) return (fv_class_score){0};
    return (fv_class_score){.name = scores->names[index],
                            .samples = t->samples[index],
                            .answers = t->answers[index],
                            .right = t->right[index],
                            .precision = fv_tally_precision(t, index),
                            .recall = fv_tally_recall(t, index),
                            .f1 = fv_tally_f1(t, index)};
}

fv_class_score fv_scores_mean(const fv_scores *scores, bool weighted) {
    const fv_tally *t = &scores->tally;
    fv_class_score mean = {.precision = fv_tally_mean(t, fv_tally_precision, weighted),
                           .recall = fv_tally_mean(t, fv_tally_recall, weighted),
                           .f1 = fv_tally_mean(t, fv_tally_f1, weighted)};
    for (int64_t c = 0; c < t->classes; c++) {
        mean.samples += t->samples[c];
        mean.answers += t->answers[c];
        mean.right += t->right[c];
    }
    return mean;
}

double fv_scores_accuracy(const fv_scores *scores) { return fv_tally_accuracy(&scores->tally); }
double fv_scores_auc(const fv_scores *scores) {
    return scores->tally.classes == 2 ? fv_tally_auc(&scores->tally) : NAN;
}

int64_t fv_scores_confusion(const fv_scores *scores, int truth, int answer) {
    const fv_tally *t = &scores->tally;
    if (!t->matrix || truth < 0 || answer < 0 || truth >= t->classes || answer >= t->classes) return -1;
    return t->matrix[truth * t->classes + answer];
}

int fv_scores_mistake_count(const fv_scores *scores) { return scores->mistake_count; }

fv_mistake fv_scores_mistake(const fv_scores *scores, int index) {
    return index >= 0 && index < scores->mistake_count ? scores->mistakes[index] : (fv_mistake){.sample = -1};
}
