/* history.c - one row of metrics per epoch. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "train.h"

fv_history *fv_history_new(int metrics, int64_t epochs, fv_error *error) {
    fv_history *history = fv_alloc(sizeof *history);
    size_t cells;
    if (history && epochs > 0 && epochs < INT32_MAX && fv_mul_size((size_t)epochs, (size_t)metrics, &cells)) {
        history->metrics = metrics;
        history->capacity = (int)epochs;
        history->names = fv_alloc_array((size_t)metrics, sizeof *history->names);
        history->values = fv_alloc_array(cells, sizeof *history->values);
    }
    if (history && history->names && history->values) return history;
    fv_history_free(history);
    fv_fail_memory(error, "the history", (size_t)epochs * (size_t)metrics * sizeof(double));
    return NULL;
}

fv_status fv_history_name(fv_history *history, int index, const char *prefix, const char *name, fv_error *error) {
    fv_text text = {0};
    fv_text_add(&text, prefix);
    fv_text_add(&text, name);
    history->names[index] = fv_text_take(&text);
    return history->names[index] ? FV_OK : fv_fail_memory(error, "the history", 0);
}

void fv_history_add(fv_history *history, const double *values) {
    if (history->epochs == history->capacity) return;
    memcpy(&history->values[(size_t)history->epochs++ * (size_t)history->metrics], values,
           (size_t)history->metrics * sizeof *values);
}

fv_status fv_history_restore(fv_history *history, const double *values, int64_t epochs, fv_error *error) {
    if (epochs > history->capacity)
        return fv_fail(error, FV_E_ARGUMENT, "epochs: the run has %" PRId64 " already, got %d", epochs,
                       history->capacity);
    history->epochs = 0;
    for (int64_t e = 0; e < epochs; e++) fv_history_add(history, values + e * history->metrics);
    return FV_OK;
}

void fv_history_free(fv_history *history) {
    if (!history) return;
    for (int i = 0; history->names && i < history->metrics; i++) fv_free(history->names[i]);
    fv_free(history->names);
    fv_free(history->values);
    fv_free(history);
}

int fv_history_epochs(const fv_history *history) { return history->epochs; }
int fv_history_metric_count(const fv_history *history) { return history->metrics; }

const char *fv_history_metric_name(const fv_history *history, int index) {
    return index >= 0 && index < history->metrics ? history->names[index] : NULL;
}

double fv_history_get(const fv_history *history, const char *metric, int epoch) {
    for (int i = 0; i < history->metrics && epoch >= 0 && epoch < history->epochs; i++)
        if (!strcmp(history->names[i], metric))
            return history->values[(size_t)epoch * (size_t)history->metrics + (size_t)i];
    return NAN;
}
