/* stopping.c - which epoch is the best one, and when no better one is to be hoped for. Both follow from the history alone, so
 * that a training that goes on needs to remember nothing else. */
#include <math.h>
#include <string.h>

#include "train.h"

/* Errors and losses; of every other metric more is better. */
static bool lower_is_better(const char *name) {
    static const char *const lower[] = {"loss", "mae", "mse"};
    if (!strncmp(name, "val_", 4)) name += 4;
    for (int i = 0; i < 3; i++)
        if (!strcmp(name, lower[i])) return true;
    return false;
}

static int find_column(const fv_history *history, const char *name) {
    for (int m = 0; m < history->metrics; m++)
        if (!strcmp(history->names[m], name)) return m;
    return -1;
}

static fv_status unknown(const fv_history *history, const char *name, fv_error *error) {
    fv_text names = {0};
    for (int m = 0; m < history->metrics; m++) fv_text_printf(&names, "%s%s", m ? ", " : "", history->names[m]);
    fv_status status = fv_fail(error, FV_E_ARGUMENT, "early stopping: this training has no metric '%s'; it has %s",
                               name, names.data ? names.data : "none");
    fv_text_free(&names);
    return status;
}

fv_status fv_stopping_read(fv_stopping *s, const char *text, const fv_history *history, fv_error *error) {
    memset(s, 0, sizeof *s);
    s->lower = true;
    s->column = find_column(history, "val_loss");
    if (s->column < 0) s->column = 0;
    if (!text || !strcmp(text, "none")) return FV_OK;
    fv_spec spec;
    double numbers[FV_SPEC_ARGUMENTS];
    fv_status status = fv_spec_parse(text, "early stopping", &spec, error);
    if (!status) status = fv_spec_numbers(&spec, "early stopping", "patience=5 min_change=0", numbers, error);
    if (status) return status;
    s->column = find_column(history, spec.name);
    if (s->column < 0) return unknown(history, spec.name, error);
    if (!(numbers[0] >= 1) || !(numbers[1] >= 0))
        return fv_fail(error, FV_E_ARGUMENT,
                       "early stopping: expected patience >= 1 and min_change >= 0, got %g and %g", numbers[0],
                       numbers[1]);
    s->lower = lower_is_better(spec.name);
    s->stops = true;
    s->patience = numbers[0], s->min_change = numbers[1];
    return FV_OK;
}

/* How much better than `than` an epoch is; epochs that are no number are never better. */
static double gain(const fv_stopping *s, const fv_history *history, int epoch, double than) {
    double value = history->values[(size_t)epoch * (size_t)history->metrics + (size_t)s->column];
    return isnan(value) ? -INFINITY : s->lower ? than - value : value - than;
}

static double value_of(const fv_stopping *s, const fv_history *history, int epoch) {
    return history->values[(size_t)epoch * (size_t)history->metrics + (size_t)s->column];
}

int fv_stopping_best(const fv_stopping *s, const fv_history *history) {
    int best = -1;
    for (int e = 0; e < history->epochs; e++)
        if (!isnan(value_of(s, history, e)) && (best < 0 || gain(s, history, e, value_of(s, history, best)) > 0))
            best = e;
    return best;
}

bool fv_stopping_due(const fv_stopping *s, const fv_history *history) {
    if (!s->stops || !history->epochs) return false;
    double reference = s->lower ? INFINITY : -INFINITY;
    int since = -1;
    for (int e = 0; e < history->epochs; e++)
        if (gain(s, history, e, reference) > s->min_change) reference = value_of(s, history, e), since = e;
    return (double)(history->epochs - 1 - since) >= s->patience;
}
