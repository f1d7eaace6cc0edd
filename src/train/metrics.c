/* metrics.c - how good the answers are, for people; the loss is what training minimises. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train.h"

/* ---- one sample ------------------------------------------------------------------------------------------------- */

/* Larger is better, whatever the net answers with. */
static double sign_of(const fv_metric_view *view) { return view->answer == FV_ANSWER_DISTANCES ? -1 : 1; }

/* The right class of a row: its number, or the largest entry of a distribution. */
static int64_t class_of_row(const fv_metric_view *view, int64_t row) {
    if (view->classes) return view->classes[row];
    const float *t = view->numbers + row * view->columns;
    int64_t best = 0;
    for (int64_t j = 1; j < view->columns; j++)
        if (t[j] > t[best]) best = j;
    return best;
}

/* How many classes come before the right one; of equal scores the first wins. No answer (NaN) is behind any number. */
static int64_t rank_of(const fv_metric_view *view, int64_t row) {
    const float *s = view->scores + row * view->columns;
    int64_t right = class_of_row(view, row), before = 0;
    if (right < 0 || right >= view->columns || isnan(s[right])) return INT64_MAX;
    double sign = sign_of(view), own = sign * s[right];
    for (int64_t j = 0; j < view->columns; j++) before += sign * s[j] > own || (s[j] == s[right] && j < right);
    return before;
}

static double part_within(const fv_metric_view *view, int64_t sample, double k) {
    int64_t hits = 0;
    for (int64_t r = 0; r < view->rows; r++) hits += (double)rank_of(view, sample * view->rows + r) < k;
    return (double)hits / (double)view->rows;
}

/* Yes and no, one for every number. */
static double binary(const fv_metric_view *view, int64_t sample) {
    int64_t each = view->rows * view->columns, hits = 0;
    const float *s = view->scores + sample * each;
    for (int64_t i = 0; i < each; i++) {
        bool yes = view->classes ? view->classes[sample * each + i] > 0 : view->numbers[sample * each + i] > 0.5f;
        hits += !isnan(s[i]) && (s[i] > view->middle) == yes;
    }
    return (double)hits / (double)each;
}

static double accuracy(const double *arguments, const fv_metric_view *view, int64_t sample) {
    (void)arguments;
    bool yes_and_no = view->columns == 1 || (view->answer == FV_ANSWER_BINARY && view->numbers);
    return yes_and_no ? binary(view, sample) : part_within(view, sample, 1);
}

static double top(const double *arguments, const fv_metric_view *view, int64_t sample) {
    return part_within(view, sample, arguments[0]);
}

static double error_of(const fv_metric_view *view, int64_t sample, bool squared) {
    int64_t each = view->rows * view->columns;
    double sum = 0;
    for (int64_t i = sample * each; i < (sample + 1) * each; i++) {
        double t = view->numbers        ? view->numbers[i]
                   : view->columns == 1 ? view->classes[i]
                                        : view->classes[i / view->columns] == i % view->columns;
        double e = view->output[i] - t;
        sum += squared ? e * e : fabs(e);
    }
    return sum / (double)each;
}

static double mae(const double *arguments, const fv_metric_view *view, int64_t sample) {
    return (void)arguments, error_of(view, sample, false);
}
static double mse(const double *arguments, const fv_metric_view *view, int64_t sample) {
    return (void)arguments, error_of(view, sample, true);
}

/* ---- all samples together --------------------------------------------------------------------------------------- */

#define FV_MEAN(name, of, weighted)                                                                                    \
    static double name(const fv_tally *tally) { return fv_tally_mean(tally, of, weighted); }
FV_MEAN(precision, fv_tally_precision, false)
FV_MEAN(recall, fv_tally_recall, false)
FV_MEAN(f1, fv_tally_f1, false)
FV_MEAN(weighted_precision, fv_tally_precision, true)
FV_MEAN(weighted_recall, fv_tally_recall, true)
FV_MEAN(weighted_f1, fv_tally_f1, true)
static double auc(const fv_tally *tally) { return fv_tally_auc(tally); }

/* Is each number an answer for itself, yes or no? */
static bool is_single(const fv_metric_view *view) { return view->columns == 1; }

int64_t fv_view_truth(const fv_metric_view *view, int64_t row) {
    if (!is_single(view)) return class_of_row(view, row);
    return view->classes ? view->classes[row] > 0 : view->numbers[row] > 0.5f;
}

int64_t fv_view_answer(const fv_metric_view *view, int64_t row) {
    const float *s = view->scores + row * view->columns;
    if (is_single(view)) return isnan(s[0]) ? -1 : s[0] > view->middle;
    double sign = sign_of(view);
    int64_t best = 0;
    for (int64_t j = 0; j < view->columns; j++) {
        if (isnan(s[j])) return -1;
        if (sign * s[j] > sign * s[best]) best = j;
    }
    return best;
}

static double lean_of(const fv_metric_view *view, int64_t row) {
    const float *s = view->scores + row * view->columns;
    return is_single(view) ? s[0] : sign_of(view) * ((double)s[1] - (double)s[0]);
}

void fv_tally_view(fv_tally *tally, const fv_metric_view *view, int64_t n) {
    enum { AT_A_TIME = 256 };
    fv_lean leans[AT_A_TIME];
    int64_t rows = n * view->rows, waiting = 0;
    for (int64_t row = 0; row < rows; row++) {
        int64_t truth = fv_view_truth(view, row);
        fv_tally_answer(tally, truth, fv_view_answer(view, row));
        if (tally->classes != 2) continue;
        leans[waiting++] = (fv_lean){lean_of(view, row), truth == 1};
        if (waiting == AT_A_TIME || row == rows - 1) fv_tally_leans(tally, leans, waiting), waiting = 0;
    }
}

const fv_metric fv_metrics[] = {
#define FV_METRIC(name, arguments, classes, function, help) {#name, help, arguments, classes, function, NULL},
#define FV_TALLY_METRIC(name, function, help) {#name, help, "", true, NULL, function},
#include "metrics.def"
#undef FV_METRIC
#undef FV_TALLY_METRIC
};
int fv_metric_count(void) { return (int)(sizeof fv_metrics / sizeof fv_metrics[0]); }

/* ---- a run's metrics -------------------------------------------------------------------------------------------- */

static fv_status add_metric(fv_meter *meter, fv_spec *spec, fv_error *error) {
    if (meter->count > FV_MAX_METRICS) return fv_fail(error, FV_E_ARGUMENT, "metrics: at most %d", FV_MAX_METRICS);
    if (strlen(spec->text) >= FV_SPEC_WORD)
        return fv_fail(error, FV_E_ARGUMENT, "metric '%s': the text is too long", spec->text);
    int m = meter->count, at = fv_spec_find(spec, "metric", fv_metrics, sizeof fv_metrics[0], fv_metric_count(), error);
    if (at < 0) return FV_E_ARGUMENT;
    for (int i = 0; i < m; i++)
        if (!strcmp(meter->name[i], spec->text)) return FV_OK;
    memcpy(meter->name[m], spec->text, strlen(spec->text) + 1);
    meter->metric[m] = &fv_metrics[at];
    meter->count++;
    return fv_spec_numbers(spec, "metric", fv_metrics[at].arguments, meter->arguments[m], error);
}

static fv_status add_metrics(fv_meter *meter, const char *text, fv_error *error) {
    meter->count = 1;
    strcpy(meter->name[0], "loss");
    if (!strcmp(text, "none")) return FV_OK;
    fv_spec spec;
    fv_status status;
    while (fv_spec_next(&text, ", \t", "metric", &spec, &status, error))
        if ((status = add_metric(meter, &spec, error))) return status;
    return status;
}

fv_status fv_metrics_check(const char *text, fv_error *error) {
    fv_meter meter = {0};
    return add_metrics(&meter, text, error);
}

/* Can this target be compared with these scores: one class number for every row, or a number for every score? */
static bool comparable(const fv_net *net, int target, int scores) {
    const fv_type *t = &net->values[target].type, *s = &net->values[scores].type;
    int64_t columns = s->shape.rank > 1 ? s->shape.dim[s->shape.rank - 1] : 1, each = fv_type_each(s);
    if (columns < 1 || !fv_type_batched(t) || !fv_type_batched(s) || s->dtype != FV_F32) return false;
    return fv_type_each(t) == (t->dtype == FV_F32 ? each : each / columns) &&
           (t->dtype == FV_F32 || t->dtype == FV_I32);
}

/* Between how many classes do the answers choose? 0: it is not about classes. */
static int64_t answer_classes(const fv_net *net, const fv_meter *meter) {
    const fv_type *t = &net->values[meter->target].type, *s = &net->values[meter->reading.scores].type;
    int64_t columns = s->shape.rank > 1 ? s->shape.dim[s->shape.rank - 1] : 1;
    bool binary = meter->reading.answer == FV_ANSWER_BINARY;
    if (columns == 1) return binary || t->dtype == FV_I32 ? 2 : 0;
    return binary && t->dtype == FV_F32 ? 0 : columns;
}

fv_status fv_meter_count_classes(fv_meter *meter, const fv_net *net, fv_error *error) {
    bool possible = meter->target >= 0 && comparable(net, meter->target, meter->reading.scores);
    if (meter->tally.classes || !possible) return FV_OK;
    return fv_tally_begin(&meter->tally, answer_classes(net, meter), error);
}

/* Some of the metrics need counts by class. */
static fv_status begin_tally(fv_meter *meter, const fv_net *net, fv_error *error) {
    const char *needs = NULL;
    bool two = false;
    for (int m = 1; m < meter->count; m++)
        if (meter->metric[m]->whole) needs = meter->name[m], two |= meter->metric[m]->whole == auc;
    if (!needs) return FV_OK;
    fv_status status = fv_meter_count_classes(meter, net, error);
    if (!status && !meter->tally.classes)
        status = fv_fail(error, FV_E_ARGUMENT, "metric '%s': the net does not choose between classes", needs);
    else if (!status && two && meter->tally.classes != 2)
        status = fv_fail(error, FV_E_ARGUMENT, "metric 'auc': expected 2 classes, the net has %lld",
                         (long long)meter->tally.classes);
    if (status) fv_meter_end(meter);
    return status;
}

void fv_meter_end(fv_meter *meter) { fv_tally_end(&meter->tally); }

fv_status fv_meter_read(fv_meter *meter, const fv_net *net, const char *text, fv_error *error) {
    memset(meter, 0, sizeof *meter);
    meter->reading = fv_net_reading(net);
    meter->target = -1;
    int loss = fv_main_loss(net);
    for (int i = 0; loss >= 0 && i < net->nodes[loss].inputs; i++) {
        int value = net->nodes[loss].value_in[i];
        if (net->values[value].kind == FV_KIND_INPUT && net->values[value].target) meter->target = value;
    }
    bool possible = meter->target >= 0 && comparable(net, meter->target, meter->reading.scores);
    if (!text) text = !possible ? "none" : meter->reading.answer == FV_ANSWER_NUMBERS ? "mae" : "accuracy";
    fv_status status = add_metrics(meter, text, error);
    if (!status && meter->count > 1 && !possible)
        return fv_fail(error, FV_E_ARGUMENT, "metrics '%s': the net's loss has no target to compare its output with",
                       text);
    return status ? status : begin_tally(meter, net, error);
}

void fv_meter_reset(fv_meter *meter) {
    memset(meter->sum, 0, sizeof meter->sum);
    meter->samples = 0;
    fv_tally_reset(&meter->tally);
}

static const void *data_of(fv_run *run, int value) {
    fv_operand operand = fv_run_plan(run)->of_value[value];
    return operand == FV_NO_OPERAND ? NULL : fv_run_operand(run, operand).data;
}

bool fv_meter_view(const fv_meter *meter, fv_run *run, fv_metric_view *view) {
    memset(view, 0, sizeof *view);
    if (meter->target < 0) return false;
    const fv_type *types = fv_run_plan(run)->types, *type = &types[meter->reading.scores],
                  *target = &types[meter->target];
    view->answer = meter->reading.answer;
    view->middle = meter->reading.middle;
    view->scores = data_of(run, meter->reading.scores);
    view->output = data_of(run, meter->reading.output);
    view->columns = type->shape.rank > 1 ? type->shape.dim[type->shape.rank - 1] : 1;
    view->rows = fv_type_each(type) / view->columns;
    if (target->dtype == FV_F32)
        view->numbers = data_of(run, meter->target);
    else
        view->classes = data_of(run, meter->target);
    return true;
}

void fv_meter_add_view(fv_meter *meter, const fv_metric_view *view, double loss, int64_t n) {
    meter->sum[0] += loss * (double)n;
    meter->samples += n;
    if (meter->tally.classes) fv_tally_view(&meter->tally, view, n);
    for (int m = 1; m < meter->count; m++) {
        double batch = 0;
        for (int s = 0; s < FV_SLOTS && meter->metric[m]->sample; s++) {
            double slot = 0;
            for (int64_t i = fv_slot(n, s); i < fv_slot(n, s + 1); i++)
                slot += meter->metric[m]->sample(meter->arguments[m], view, i);
            batch += slot;
        }
        meter->sum[m] += batch;
    }
}

void fv_meter_add(fv_meter *meter, fv_run *run, int64_t n) {
    fv_metric_view view;
    fv_meter_view(meter, run, &view);
    fv_meter_add_view(meter, &view, fv_run_loss(run), n);
}

double fv_meter_value(const fv_meter *meter, int index) {
    if (!meter->samples) return NAN;
    if (index && meter->metric[index]->whole) return meter->metric[index]->whole(&meter->tally);
    return meter->sum[index] / (double)meter->samples;
}
