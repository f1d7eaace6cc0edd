/* training.h - fovea train: what it was asked for and what belongs to one training; shared by the command and what it tells. */
#ifndef FOVEA_CLI_TRAINING_H
#define FOVEA_CLI_TRAINING_H

#include "common.h"
#include "progress.h"

typedef struct cli_training_options {
    const char *folder, *resume, *save_every, *optimizer, *schedule, *loss, *metrics, *validation, *isa, *class_weights,
        *early_stop, *freeze, *groups, *whiten, *from, *teacher, *progress, *augment, *tta;
    int64_t epochs, batch, seed, data_seed, limit, threads, folds, accumulate, memory;
    double rate, validation_split, clip_value, clip_norm, ema, temperature, teacher_weight;
    bool watch, validation_tail, no_shuffle, no_prefetch, exact, bf16, force, quiet, json;
    cli_settings set;
    bool skip_bad, tensorboard;
} cli_training_options;

/* A training with all that belongs to it. */
typedef struct cli_training {
    const cli_call *call;
    const cli_training_options *options;
    const char *net_name, *data_name, *validation_name, *folder;
    int64_t data_seed, limit;
    bool skip_bad;
    int64_t save_steps;
    double save_seconds;
    fv_net *net; /* NULL: the one of the checkpoint */
    fv_data *data, *validation;
    fv_model *model, *kept, *teacher;
    double split;
    fv_history *history;
    int64_t epoch, epochs, step, steps; /* where it was last seen */
    FILE *out;                          /* for what is told on the way */
    cli_progress progress;
    double temperature, teacher_weight;
    cli_style style;
    int fold;    /* of --folds, from 1 */
    size_t made; /* the first folder above the run folder that was made: so much of its path; 0: none */
    fv_tensorboard *board;
} cli_training;

/* Net, data and model, as the command says. */
bool cli_train_begin(cli_training *t, fv_error *error);
/* The net, the data and the options of the checkpoint, but for those that are given. */
bool cli_train_go_on(cli_training *t, fv_error *error);

/* What will be trained, on what, for how long and in how much memory; told when a training begins. */
void cli_train_head(const cli_training *t, const fv_event *event);
void cli_train_survey(const cli_training *t, const fv_event *event);
/* What the library does not know of a run is kept in notes of the model, so that --resume finds it. NULL, 0: nothing kept. */
const char *cli_train_kept(const cli_training *t, const char *key);
int64_t cli_train_kept_number(const cli_training *t, const char *key);
/* The command that gives the same weights: what was given, and what was chosen. */
void cli_train_command(const cli_training *t, char *out, size_t size);

#endif
