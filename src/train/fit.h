/* fit.h - a training in progress, for the files that carry it out: fit.c (steps and epochs), fit_prepare.c (getting ready, going on),
 * fit_freeze.c (weights that stay as they are) and fit_look.c (what is told before, what is watched, and what went wrong). */
#ifndef FV_TRAIN_FIT_H
#define FV_TRAIN_FIT_H

#include <time.h>

#include "train.h"

typedef struct fv_training {
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
    fv_augmenting augmenting; /* of the feed */
    fv_meter meter;
    fv_descent descent;

    /* What each sample counts in the loss, by sample of the data; NULL: 1. What the classes count; samples of each class in the
     * part to train on and in the one held back, where a survey was asked for. */
    float *sample_weight;
    double *class_weight;
    int64_t *class_samples[2];
    fv_gradients gradients;
    fv_average average;
    fv_teacher teacher;
    fv_stopping stopping;
    fv_probe probe;       /* where layers are watched */
    bool *thawed;         /* by value: was frozen for this training */
    fv_whitening whitening; /* where settings.whiten asks for it */
    float **best_weights; /* by index of fv_model_weight, where the model is to end as the best epoch */

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
    int64_t saved_epoch, saved_step;
    int64_t shared; /* samples of the part held back that the other has, too */
    double epoch_seconds;
    uint64_t memory_needed, memory_there;
} fv_training;

/* ---- fit_prepare.c ---------------------------------------------------------------------------------------------- */

fv_status fv_fit_prepare(fv_training *t);
/* `epoch` epochs and `done` steps of the next are finished. Weights that are no numbers are not saved. */
fv_status fv_fit_save(fv_training *t, int64_t epoch, int64_t done);
bool fv_fit_save_is_due(const fv_training *t);
/* Sets a note of the model. */
fv_status fv_fit_note(fv_training *t, const char *key, const char *format, ...) FV_PRINTF(3, 4);
double fv_seconds_since(const struct timespec *start);

/* ---- fit_freeze.c ----------------------------------------------------------------------------------------------- */

/* Before the run is planned: frozen weights get no gradient. */
fv_status fv_fit_freeze(fv_training *t);
/* Once there is a run. A layer that was trained or loaded stays as it is. */
fv_status fv_fit_whiten(fv_training *t);
/* Before step `step`, counted from 0 over all epochs: weights whose rate is 0 from here to the end get no gradient any more. */
fv_status fv_fit_rest(fv_training *t, int64_t step);

/* ---- fit_augment.c ---------------------------------------------------------------------------------------------- */

/* The feed's samples are changed as the settings say; behind fv_feed_begin. */
fv_status fv_fit_augment(fv_training *t);
/* Where samples are mixed, the loss takes distributions over the classes; behind fv_set_loss. */
fv_status fv_fit_share_labels(fv_training *t);

/* ---- fit_look.c ------------------------------------------------------------------------------------------------- */

/* Counts classes and shared samples, tries a step. */
fv_status fv_fit_survey(fv_training *t);
/* Is there memory for all this? Else an error that names the largest batch there is memory for. */
fv_status fv_fit_check_memory(fv_training *t);
/* The error of a step that ended in something that is not finite: where, what first, and which checkpoint is good. */
fv_status fv_fit_explain(fv_training *t, double loss, int64_t epoch, int64_t index, int64_t first, int64_t n);
/* Looks at the layers after an epoch: `layers` gets JSON for the history. */
fv_status fv_fit_watch(fv_training *t, int64_t epoch, fv_text *layers);
void fv_fit_say(fv_training *t, const char *format, ...) FV_PRINTF(2, 3);
/* Fills the weights of the samples that are in the run now. */
void fv_fit_weigh(fv_training *t, fv_run *run, int64_t first, int64_t n);
int64_t fv_fit_samples_in_step(const fv_training *t);
/* The main loss's number in the net's list + 1 where samples count differently, else 0. */
int fv_fit_weighted_loss(const fv_training *t);

#endif
