/* tally.h - right and wrong answers counted class by class, for what no mean over samples can say: precision, recall, F1,
 * the confusion matrix, the area under the ROC curve. */
#ifndef FV_TALLY_H
#define FV_TALLY_H

#include "store.h"

/* One answer to a question with two classes: how much it is for the second, and whether that is right. */
typedef struct fv_lean {
    double score;
    bool second;
} fv_lean;

enum { FV_MATRIX_CLASSES = 1024 }; /* more classes have no matrix: 8 MiB are enough */

typedef struct fv_tally {
    int64_t classes;                    /* 0: nothing is counted */
    int64_t *samples, *answers, *right; /* [classes]: samples of it, answers with it, both; one block */
    int64_t *matrix;                    /* [true class][answer], behind them in the block; NULL: too many classes */
    size_t cells;                       /* of the block */
    fv_lean *leans;                     /* two classes: in rising order */
    int64_t lean_count, lean_capacity;
    bool failed; /* memory ran short for the leans */
} fv_tally;

fv_status fv_tally_begin(fv_tally *tally, int64_t classes, fv_error *error);
void fv_tally_reset(fv_tally *tally);
void fv_tally_end(fv_tally *tally);

/* One answer; -1 where there was none. */
void fv_tally_answer(fv_tally *tally, int64_t truth, int64_t answer);
/* Adds leans, in any order (they are sorted in place). */
void fv_tally_leans(fv_tally *tally, fv_lean *leans, int64_t count);

/* Of one class, 0 where it is 0/0. */
double fv_tally_precision(const fv_tally *tally, int64_t class_number);
double fv_tally_recall(const fv_tally *tally, int64_t class_number);
double fv_tally_f1(const fv_tally *tally, int64_t class_number);
/* The mean of one of these over the classes that have samples or answers: each counts the same, or by its samples. */
double fv_tally_mean(const fv_tally *tally, double (*of)(const fv_tally *, int64_t), bool weighted);
double fv_tally_accuracy(const fv_tally *tally);
/* The chance that of a sample of each class the answer leans more to the second for the one that is of it; half for a tie
 * (Mann and Whitney's U). NaN without samples of both, and where an answer is no number. */
double fv_tally_auc(const fv_tally *tally);

/* What a training that goes on needs of it; the store borrows nothing. */
fv_status fv_tally_save(const fv_tally *tally, fv_store *store, const char *name, fv_error *error);
fv_status fv_tally_restore(fv_tally *tally, const fv_store *store, const char *name, fv_error *error);

#endif
