/* tally.c - right and wrong answers counted class by class. */
#include "tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text.h"

fv_status fv_tally_begin(fv_tally *tally, int64_t classes, fv_error *error) {
    memset(tally, 0, sizeof *tally);
    if (classes < 1) return FV_OK;
    size_t n = (size_t)classes, cells = 0;
    bool matrix = classes <= FV_MATRIX_CLASSES;
    int64_t *block = fv_mul_size(n, matrix ? n + 3 : 3, &cells) ? fv_alloc_array(cells, sizeof *block) : NULL;
    if (!block) return fv_fail_memory(error, "counts by class", cells * sizeof *block);
    tally->classes = classes;
    tally->cells = cells;
    tally->samples = block;
    tally->answers = block + n;
    tally->right = block + 2 * n;
    tally->matrix = matrix ? block + 3 * n : NULL;
    return FV_OK;
}

void fv_tally_reset(fv_tally *tally) {
    if (tally->classes) memset(tally->samples, 0, tally->cells * sizeof *tally->samples);
    tally->lean_count = 0;
    tally->failed = false;
}

void fv_tally_end(fv_tally *tally) {
    fv_free(tally->samples);
    fv_free(tally->leans);
    memset(tally, 0, sizeof *tally);
}

/* ---- counting --------------------------------------------------------------------------------------------------- */

void fv_tally_answer(fv_tally *tally, int64_t truth, int64_t answer) {
    if (truth < 0 || truth >= tally->classes) return;
    tally->samples[truth]++;
    if (answer < 0 || answer >= tally->classes) return;
    tally->answers[answer]++;
    tally->right[truth] += truth == answer;
    if (tally->matrix) tally->matrix[truth * tally->classes + answer]++;
}

static int by_score(const void *a, const void *b) {
    double x = ((const fv_lean *)a)->score, y = ((const fv_lean *)b)->score;
    return isnan(x) || isnan(y) ? !!isnan(x) - !!isnan(y) : (x > y) - (x < y); /* what is no number comes last */
}

static bool make_room(fv_tally *tally, int64_t count) {
    int64_t capacity = tally->lean_capacity ? tally->lean_capacity : 1024;
    size_t bytes;
    while (capacity < tally->lean_count + count) capacity *= 2;
    if (capacity == tally->lean_capacity) return true;
    fv_lean *more = fv_mul_size((size_t)capacity, sizeof *more, &bytes) ? fv_realloc(tally->leans, bytes) : NULL;
    if (!more) return tally->failed = true, false;
    tally->leans = more;
    tally->lean_capacity = capacity;
    return true;
}

/* The new ones are merged from behind, so that the list is in order after every batch. */
void fv_tally_leans(fv_tally *tally, fv_lean *leans, int64_t count) {
    if (tally->classes != 2 || count < 1 || !make_room(tally, count)) return;
    qsort(leans, (size_t)count, sizeof *leans, by_score);
    int64_t old = tally->lean_count - 1, new = count - 1;
    tally->lean_count += count;
    for (int64_t at = tally->lean_count - 1; new >= 0; at--)
        tally->leans[at] =
            old >= 0 && by_score(&tally->leans[old], &leans[new]) > 0 ? tally->leans[old--] : leans[new --];
}

/* ---- what the counts say ---------------------------------------------------------------------------------------- */

static double ratio(int64_t a, int64_t b) { return b ? (double)a / (double)b : 0; }

double fv_tally_precision(const fv_tally *t, int64_t c) { return ratio(t->right[c], t->answers[c]); }
double fv_tally_recall(const fv_tally *t, int64_t c) { return ratio(t->right[c], t->samples[c]); }
double fv_tally_f1(const fv_tally *t, int64_t c) { return ratio(2 * t->right[c], t->samples[c] + t->answers[c]); }

double fv_tally_mean(const fv_tally *tally, double (*of)(const fv_tally *, int64_t), bool weighted) {
    double sum = 0, weights = 0;
    for (int64_t c = 0; c < tally->classes; c++) {
        double weight = weighted ? (double)tally->samples[c] : tally->samples[c] + tally->answers[c] > 0;
        sum += weight * of(tally, c);
        weights += weight;
    }
    return weights > 0 ? sum / weights : NAN;
}

double fv_tally_accuracy(const fv_tally *tally) {
    int64_t right = 0, samples = 0;
    for (int64_t c = 0; c < tally->classes; c++) right += tally->right[c], samples += tally->samples[c];
    return samples ? (double)right / (double)samples : NAN;
}

double fv_tally_auc(const fv_tally *tally) {
    const fv_lean *leans = tally->leans;
    int64_t n = tally->lean_count;
    double below = 0, second = 0, u = 0; /* of the first class, of the second, pairs in the right order */
    if (tally->failed || !n || isnan(leans[n - 1].score)) return NAN;
    for (int64_t i = 0; i < n;) {
        double firsts = 0, seconds = 0; /* of equal score */
        double score = leans[i].score;
        for (; i < n && leans[i].score == score; i++) *(leans[i].second ? &seconds : &firsts) += 1;
        u += seconds * (below + firsts / 2);
        below += firsts;
        second += seconds;
    }
    return below > 0 && second > 0 ? u / (below * second) : NAN;
}

/* ---- in a checkpoint -------------------------------------------------------------------------------------------- */

/* The counts, then score and class of every lean, as numbers: all are exact. */
static size_t saved_numbers(const fv_tally *tally) { return tally->cells + 2 * (size_t)tally->lean_count; }

fv_status fv_tally_save(const fv_tally *tally, fv_store *store, const char *name, fv_error *error) {
    size_t count = saved_numbers(tally);
    if (!tally->classes) return FV_OK;
    double *numbers = fv_alloc_array(count, sizeof *numbers);
    if (!numbers) return fv_fail_memory(error, "counts by class", count * sizeof *numbers);
    for (size_t i = 0; i < tally->cells; i++) numbers[i] = (double)tally->samples[i];
    for (int64_t i = 0; i < tally->lean_count; i++) {
        numbers[tally->cells + 2 * (size_t)i] = tally->leans[i].score;
        numbers[tally->cells + 2 * (size_t)i + 1] = tally->leans[i].second;
    }
    fv_status status = fv_store_keep(store, numbers, error);
    if (status) return fv_free(numbers), status;
    return fv_store_add(store, name, (fv_tensor){FV_F64, {1, {(int64_t)count}}, numbers}, error);
}

fv_status fv_tally_restore(fv_tally *tally, const fv_store *store, const char *name, fv_error *error) {
    if (!tally->classes) return FV_OK;
    int at = fv_store_find(store, name);
    fv_tensor saved = at >= 0 ? fv_store_tensor(store, at) : (fv_tensor){0};
    int64_t leans = saved.shape.dim[0] - (int64_t)tally->cells;
    if (at < 0 || saved.dtype != FV_F64 || saved.shape.rank != 1 || leans < 0 || leans % 2)
        return fv_fail(error, FV_E_FORMAT, "expected the tensor '%s', f64 with %zu numbers or more, got %s", name,
                       tally->cells, at < 0 ? "none" : "another one");
    const double *numbers = saved.data;
    fv_tally_reset(tally);
    if (leans && !make_room(tally, leans / 2)) return fv_fail_memory(error, "answers", (size_t)leans * sizeof(fv_lean));
    for (size_t i = 0; i < tally->cells; i++)
        tally->samples[i] = numbers[i] >= 0 && numbers[i] < 9e15 ? (int64_t)numbers[i] : 0;
    for (int64_t i = 0; i < leans / 2; i++)
        tally->leans[i] =
            (fv_lean){numbers[tally->cells + 2 * (size_t)i], numbers[tally->cells + 2 * (size_t)i + 1] != 0};
    tally->lean_count = leans / 2;
    if (leans) qsort(tally->leans, (size_t)tally->lean_count, sizeof *tally->leans, by_score);
    return FV_OK;
}
