/* balance.c - how many samples of each class a part has, what each class counts, and parts for k-fold validation. */
#include <math.h>
#include <string.h>

#include "philox.h"
#include "train.h"

void fv_count_classes(const fv_data *data, const int64_t *samples, int64_t count, int64_t *counts) {
    for (int64_t i = 0; i < count; i++) {
        int64_t class_number = fv_data_class_of(data, samples[i], NULL);
        if (class_number >= 0 && class_number < data->class_count) counts[class_number]++;
    }
}

static void balance(const int64_t *counts, int classes, double *out) {
    int64_t all = 0, present = 0;
    for (int c = 0; c < classes; c++) all += counts[c], present += counts[c] > 0;
    for (int c = 0; c < classes; c++) out[c] = counts[c] ? (double)all / ((double)present * (double)counts[c]) : 0;
}

static fv_status read_list(const char *text, int classes, double *out, fv_error *error) {
    char word[64];
    int count = 0;
    for (const char *from = text;; from++) {
        size_t length = strcspn(from, ",");
        if (length >= sizeof word || length == 0) break;
        memcpy(word, from, length);
        word[length] = 0;
        double value;
        if (count == classes || !fv_parse_double(word, &value) || !(value >= 0) || isinf(value)) break;
        out[count++] = value;
        from += length;
        if (!*from && count == classes) return FV_OK;
        if (!*from) break;
    }
    return fv_fail(error, FV_E_ARGUMENT,
                   "class weights: expected 'balanced' or %d numbers of 0 or more with commas between, got '%.80s'",
                   classes, text);
}

fv_status fv_class_weights(const char *text, const int64_t *counts, int classes, double *out, fv_error *error) {
    if (classes < 1) return fv_fail(error, FV_E_ARGUMENT, "class weights: the data has no classes");
    if (strcmp(text, "balanced")) return read_list(text, classes, out, error);
    balance(counts, classes, out);
    return FV_OK;
}

/* ---- k parts ---------------------------------------------------------------------------------------------------- */

/* Deals the samples of one class (-1: those of none) to the parts; goes on where the class before ended, so that parts are of
 * the same size. */
static void deal(const int32_t *classes, int64_t count, int32_t class_number, fv_stream *stream, int folds,
                 int64_t *list, int32_t *part, int64_t *dealt) {
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++)
        if (classes[i] == class_number) list[n++] = i;
    fv_shuffle(stream, list, n);
    for (int64_t i = 0; i < n; i++) part[list[i]] = (int32_t)((*dealt)++ % folds) + 1;
}

static fv_status take(const int32_t *part, int64_t count, int fold, bool same, int64_t **out, int64_t *taken,
                      fv_error *error) {
    *taken = 0;
    for (int64_t i = 0; i < count; i++) *taken += (part[i] == fold) == same;
    *out = fv_alloc_array((size_t)*taken + 1, sizeof **out);
    if (!*out) return fv_fail_memory(error, "a list of samples", (size_t)*taken * sizeof **out);
    int64_t at = 0;
    for (int64_t i = 0; i < count; i++)
        if ((part[i] == fold) == same) (*out)[at++] = i;
    return FV_OK;
}

fv_status fv_data_fold(const fv_data *data, int fold, int folds, uint64_t seed, int64_t **train, int64_t *train_count,
                       int64_t **held, int64_t *held_count, fv_error *error) {
    if (folds < 2 || folds > data->count)
        return fv_fail(error, FV_E_ARGUMENT, "folds: expected 2 .. %lld (samples), got %d", (long long)data->count,
                       folds);
    if (fold < 1 || fold > folds) return fv_fail(error, FV_E_ARGUMENT, "fold: expected 1 .. %d, got %d", folds, fold);
    size_t count = (size_t)data->count;
    int32_t *classes = fv_alloc_array(count, sizeof *classes), *part = fv_alloc_array(count, sizeof *part);
    int64_t *list = fv_alloc_array(count, sizeof *list), dealt = 0;
    fv_status status = classes && part && list ? FV_OK : fv_fail_memory(error, "parts of the data", count * 16);
    for (int64_t i = 0; i < data->count && !status; i++) {
        int64_t class_number = fv_data_class_of(data, i, NULL);
        classes[i] = class_number >= 0 && class_number < data->class_count ? (int32_t)class_number : -1;
    }
    for (int c = -1; c < data->class_count && !status; c++) {
        fv_stream stream = fv_stream_new(seed, FV_FOR_SPLIT, 1, (uint64_t)(c + 1));
        deal(classes, data->count, c, &stream, folds, list, part, &dealt);
    }
    if (!status) status = take(part, data->count, fold, false, train, train_count, error);
    if (!status) status = take(part, data->count, fold, true, held, held_count, error);
    fv_free(classes), fv_free(part), fv_free(list);
    return status;
}
