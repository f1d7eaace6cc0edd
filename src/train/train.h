/* train.h - how a model learns: losses, optimizers, schedules, metrics, constraints, feeding batches, history.
 *
 * Optimizers, schedules, metrics and constraints are records, one line each in a .def list, chosen by text
 * ("adam(rate=0.01)", see spec.h). Numbers come from the run's kernel table and from plain sums in a fixed order, so
 * that a training is the same bits at any number of threads. */
#ifndef FV_TRAIN_H
#define FV_TRAIN_H

#include "augment.h"
#include <string.h>

#include "model.h"
#include "source.h"
#include "spec.h"
#include "tally.h"

/* ---- losses (losses.c) ----------------------------------------------------------------------------------------------
 */

/* The application whose result is the net's main loss (not a penalty of a regularizer), or -1. */
int fv_main_loss(const fv_net *net);
/* "crossentropy", or NULL where there is no main loss. */
const char *fv_main_loss_name(const fv_net *net);
/* Gives the net the loss `text` ("crossentropy(smoothing=0.1)", also Keras's names) of its output and a target input.
 * NULL keeps the net's own losses or, when it has none, takes the usual one for its end and for `target`, the data's
 * target field (NULL if not known). A loss that is there already is not added again; another one is replaced. */
fv_status fv_set_loss(fv_net *net, const char *text, const fv_data_field *target, fv_error *error);
/* A loss of class numbers becomes one of distributions over the classes, for labels that are mixed. */
fv_status fv_loss_takes_shares(fv_net *net, fv_error *error);

/* How the net's answer is to be read. */
typedef enum fv_answer {
    FV_ANSWER_NUMBERS,   /* as they are */
    FV_ANSWER_LOGITS,    /* the largest wins; softmax makes probabilities */
    FV_ANSWER_DISTANCES, /* the smallest wins; softmax of the negative */
    FV_ANSWER_BINARY     /* each number a logit of its own; sigmoid makes probabilities */
} fv_answer;
typedef struct fv_reading {
    fv_answer answer;
    int scores;    /* the value that the answer is in: logits, distances, numbers */
    int output;    /* the value that prediction ends in; the same unless the net ends in softmax or sigmoid */
    double middle; /* BINARY and one number: where yes begins */
} fv_reading;
fv_reading fv_net_reading(const fv_net *net);
/* Of the reading's output, in place: logits and distances become probabilities; what a softmax or sigmoid of the net made
 * already stays as it is. */
fv_status fv_to_probabilities(const fv_reading *reading, fv_tensor *out, fv_pool *pool, fv_error *error);

/* ---- schedules (schedules.c, schedules.def) -------------------------------------------------------------------------
 */

/* One part of a schedule: the factor of the learning rate, `epoch` epochs into its `epochs`. Fractions count. */
typedef struct fv_schedule {
    const char *name, *help, *arguments; /* the last argument is `epochs`: how long it lasts, 0 to the end */
    double (*factor)(const double *arguments, double epoch, double epochs);
} fv_schedule;
extern const fv_schedule fv_schedules[];
int fv_schedule_count(void);

enum { FV_MAX_SCHEDULE_PARTS = 8 };
/* "warmup(epochs=1)+cosine": parts one after the other; all but the last say how long they last. */
typedef struct fv_rate_plan {
    int count;
    const fv_schedule *part[FV_MAX_SCHEDULE_PARTS];
    double arguments[FV_MAX_SCHEDULE_PARTS][FV_SPEC_ARGUMENTS];
    double epochs[FV_MAX_SCHEDULE_PARTS]; /* 0: to the end */
} fv_rate_plan;
fv_status fv_rate_plan_read(const char *text, fv_rate_plan *out, fv_error *error);
/* The factor at a step (from 0) of a training of `epochs` epochs of `steps` steps: a pure function. */
double fv_rate_factor(const fv_rate_plan *plan, int64_t step, int64_t steps, int64_t epochs);

/* ---- optimizers (optimizers.c, optimizers.def) ----------------------------------------------------------------------
 */

enum { FV_MAX_OPTIMIZER_STATES = 2 };

typedef struct fv_constraint fv_constraint;
typedef struct fv_descent fv_descent;

/* One weight in training: all of it, with the roles of its axes. */
typedef struct fv_trained {
    int value;        /* in the net */
    int group;        /* in the descent */
    const char *axes; /* one letter each, see fv_parameter */
    int64_t each;     /* elements */
    fv_tensor weight, gradient;
    float *state[FV_MAX_OPTIMIZER_STATES];
    fv_update_geom update;
    const fv_kernel *kernel;
    const fv_constraint *constraint; /* NULL: none */
    double constraint_arguments[FV_SPEC_ARGUMENTS];
    bool resting; /* stays as it is: it has no gradient any more */
} fv_trained;

/* A step that needs a weight as a whole, not number by number. */
typedef struct fv_whole_step {
    bool (*takes)(const fv_shape *shape, const char *axes); /* other weights go number by number */
    size_t (*scratch)(const fv_table *table, int threads, const fv_shape *shape, const char *axes); /* bytes */
    fv_status (*step)(fv_descent *descent, fv_trained *weight, const double *arguments, double rate);
} fv_whole_step;
extern const fv_whole_step fv_muon_step; /* muon.c */

typedef struct fv_optimizer {
    const char *name, *help, *arguments; /* the first argument is `rate` */
    fv_update update;
    /* The numbers of FV_R_UPDATE for step `step`, counted from 1. */
    void (*numbers)(const double *arguments, double rate, int64_t step, double h[8]);
    int (*states)(const double *arguments);     /* how many the update needs */
    double (*initial)(const double *arguments); /* what they start from; NULL: 0 */
    const fv_whole_step *whole;                 /* NULL: number by number */
} fv_optimizer;
extern const fv_optimizer fv_optimizers[];
int fv_optimizer_count(void);
const fv_optimizer *fv_find_optimizer(const char *text, double arguments[FV_SPEC_ARGUMENTS], fv_error *error);
/* Bytes of scratch memory that a step of one weight takes. */
size_t fv_step_scratch(const fv_optimizer *optimizer, const fv_table *table, int threads, const fv_shape *shape,
                       const char *axes);

/* ---- groups of weights (groups.c) ------------------------------------------------------------------------------- */

typedef struct fv_weight_group {
    char names[192]; /* patterns */
    const fv_optimizer *optimizer;
    double arguments[FV_SPEC_ARGUMENTS];
    bool own_rate, own_plan; /* else those of the training */
    double rate_factor, decay_factor;
    fv_rate_plan plan;
    double rate; /* of the next step */
    int64_t over; /* the step from which on the rate is 0 */
} fv_weight_group;

enum { FV_MAX_GROUPS = 16 };
typedef struct fv_weight_groups {
    int count; /* the first is of all weights that no other one names */
    fv_weight_group group[FV_MAX_GROUPS];
} fv_weight_groups;
/* `text` NULL or "none": one group. */
fv_status fv_groups_read(const char *optimizer, const char *text, fv_weight_groups *out, fv_error *error);
int fv_group_of(const fv_weight_groups *groups, const fv_net *net, int value);
/* Of step `step` (from 0) of a training of `epochs` epochs of `steps`, whose own rate and plan are given. */
void fv_groups_set_rates(fv_weight_groups *groups, const fv_rate_plan *plan, double rate, int64_t step, int64_t steps,
                         int64_t epochs);
/* Finds where each group's rate falls to 0 for the rest of such a training. */
void fv_groups_find_ends(fv_weight_groups *groups, const fv_rate_plan *plan, double rate, int64_t steps, int64_t epochs);
/* "conv*, block1.*" */
bool fv_name_matches(const char *patterns, const char *name);

/* The optimizers at work on a training run. */
struct fv_descent {
    fv_weight_groups groups;
    fv_trained *weights;
    int count;
    int64_t step; /* taken so far */
    void *scratch;
    const fv_table *table;
    fv_pool *pool;
};
/* A group that no trained weight is of is a mistake. */
fv_status fv_descent_begin(fv_descent *descent, fv_model *model, fv_run *run, const char *optimizer, const char *groups,
                           fv_error *error);
/* One step down the gradients of the run's last go, by the groups' rates, then the constraints. */
fv_status fv_descent_step(fv_descent *descent, fv_error *error);
void fv_descent_end(fv_descent *descent);

/* ---- constraints (constraints.c, constraints.def) -------------------------------------------------------------------
 */

/* A weight seen as [before][outputs][behind]. */
typedef struct fv_weight_view {
    int64_t before, outputs, behind;
} fv_weight_view;
fv_weight_view fv_view_weight(const fv_shape *shape, const char *axes);

struct fv_constraint {
    const char *name, *help, *arguments;
    void (*apply)(float *weight, const fv_shape *shape, const char *axes, const double *arguments);
};
extern const fv_constraint fv_constraints[];
int fv_constraint_count(void);
const fv_constraint *fv_find_constraint(const char *text, double arguments[FV_SPEC_ARGUMENTS], fv_error *error);

/* ---- metrics (metrics.c, metrics.def) --------------------------------------------------------------------------- */

/* What a metric sees of one batch. */
typedef struct fv_metric_view {
    fv_answer answer;
    double middle;
    const float *scores, *output; /* [n][rows][columns] */
    const int32_t *classes;       /* [n][rows], or NULL */
    const float *numbers;         /* [n][rows][columns], or NULL */
    int64_t rows, columns;        /* of one sample */
} fv_metric_view;

typedef struct fv_metric {
    const char *name, *help, *arguments;
    bool classes; /* reads class numbers, or distributions over classes */
    double (*sample)(const double *arguments, const fv_metric_view *view, int64_t sample); /* of one sample; or */
    double (*whole)(const fv_tally *tally);                                                /* of all that was counted */
} fv_metric;
extern const fv_metric fv_metrics[];
int fv_metric_count(void);

enum { FV_MAX_METRICS = 8 };
/* The metrics of a run, summed over samples: by slot in a batch, then over the batches. The loss is the first. */
typedef struct fv_meter {
    int count; /* with the loss */
    const fv_metric *metric[FV_MAX_METRICS + 1];
    double arguments[FV_MAX_METRICS + 1][FV_SPEC_ARGUMENTS];
    char name[FV_MAX_METRICS + 1][FV_SPEC_WORD];
    double sum[FV_MAX_METRICS + 1];
    int64_t samples;
    fv_reading reading;
    int target;     /* value */
    fv_tally tally; /* by class, where a metric needs it */
} fv_meter;
/* `text` "accuracy top3", "none", or NULL for the usual ones. The net has its loss. */
fv_status fv_meter_read(fv_meter *meter, const fv_net *net, const char *text, fv_error *error);
/* Are these names of metrics? For options that come before there is a loss. */
fv_status fv_metrics_check(const char *text, fv_error *error);
void fv_meter_reset(fv_meter *meter);
/* Adds the batch that a run has just seen. */
void fv_meter_add(fv_meter *meter, fv_run *run, int64_t n);
double fv_meter_value(const fv_meter *meter, int index);
void fv_meter_end(fv_meter *meter);

/* Counts by class from now on, also when no metric needs it; does nothing where the net does not choose between classes. */
fv_status fv_meter_count_classes(fv_meter *meter, const fv_net *net, fv_error *error);
/* What the metrics see of the batch that a run has just seen; false: there is nothing to compare the answers with. */
bool fv_meter_view(const fv_meter *meter, fv_run *run, fv_metric_view *view);
void fv_meter_add_view(fv_meter *meter, const fv_metric_view *view, double loss, int64_t n);
/* The right class of a row and the one that was answered, -1 where there is no answer. */
int64_t fv_view_truth(const fv_metric_view *view, int64_t row);
int64_t fv_view_answer(const fv_metric_view *view, int64_t row);
void fv_tally_view(fv_tally *tally, const fv_metric_view *view, int64_t n);

/* ---- feeding (feed.c) ------------------------------------------------------------------------------------------- */

/* Which field of the data goes into which input of a run. */
typedef struct fv_feed {
    const fv_data *data;
    const fv_preprocess *preprocess;
    fv_tensor into[FV_MAX_FIELDS]; /* by field, what fv_data_batch fills: an input of the run, or class numbers below */
    int64_t classes[FV_MAX_FIELDS]; /* class numbers must lie below it; 0: the field holds no class numbers */
    float *one_hot[FV_MAX_FIELDS];  /* the run's input where class numbers are spread into rows of 0 and 1 */
    double no;                      /* what such a row holds for the other classes: 0, or -1 where the loss is hinge */
    bool taken[FV_MAX_FIELDS];
    fv_augmenting *augmenting; /* borrowed; NULL: samples come as they are */
    bool invert;               /* light and dark of pictures change places */
} fv_feed;
/* Checks the data against the model's net, and takes class names and scale from it where the model has none. */
fv_status fv_feed_prepare(fv_model *model, const fv_data *data, fv_error *error);
/* With `targets` false only the data inputs are filled (prediction). */
fv_status fv_feed_begin(fv_feed *feed, const fv_model *model, const fv_data *data, fv_run *run, bool targets,
                        fv_error *error);
fv_status fv_feed_batch(fv_feed *feed, const int64_t *order, int64_t first, int64_t count, fv_error *error);
void fv_feed_end(fv_feed *feed);
/* The data's field for what is to be predicted, or NULL. */
const fv_data_field *fv_target_field(const fv_data *data);
/* The sample shape for the net's first data input, when the net leaves sizes open. */
const fv_shape *fv_feed_shape(const fv_net *net, const fv_data *data, fv_shape *out);

/* ---- what inputs look like (inputs.c) --------------------------------------------------------------------------- */

/* The field of the data that is fed as a picture of 1 or 3 channels, -1: none. */
int fv_feed_picture(const fv_feed *feed);
/* Turns light and dark of `count` pictures around. */
void fv_feed_invert(const fv_feed *feed, int64_t count);
/* Keeps in the model's notes how the pictures of a training look: mean and deviation by channel, and how pictures differ. */
fv_status fv_note_inputs(fv_model *model, const fv_feed *feed, const int64_t *samples, int64_t count, fv_error *error);
/* How the picture that was fed first is unlike those, in words; NULL where it is not. Free with fv_free. */
char *fv_feed_doubt(const fv_model *model, const fv_feed *feed);
/* The picture that was fed first as a PNG file. */
fv_status fv_feed_show(const fv_feed *feed, const char *path, fv_error *error);

/* ---- a first layer that whitens (whiten.c) ---------------------------------------------------------------------- */

typedef struct fv_whitening {
    int node, input, weight; /* the convolution; values */
    int64_t samples;         /* at most */
    double epsilon;
} fv_whitening;
/* "conv1(samples=5000, epsilon=5e-4)": a convolution that reads a data input and has as many filters as its window has numbers, or
 * twice as many. */
fv_status fv_whitening_read(const char *text, const fv_net *net, fv_whitening *out, fv_error *error);
/* Sets the filters from the first of `order`, fed through the run's input without augmentation. */
fv_status fv_whiten(const fv_whitening *whitening, fv_model *model, const fv_data *data, fv_run *run, const int64_t *order,
                    int64_t samples, fv_error *error);
/* Eigenvalues ascending, eigenvectors as rows of unit length, of the symmetric a[n][n], which is lost (Jacobi's rotations). */
void fv_eigenvectors(double *a, int n, double *values, double *vectors);

/* ---- test-time augmentation (views.c) --------------------------------------------------------------------------- */

/* The run goes once for every view of a batch; what is read of it then are weighted means: of logits (distances, numbers), from
 * which probabilities follow. The loss is the mean of the views' losses. */
typedef struct fv_views {
    int count; /* below 2: samples are seen as they are */
    fv_view view[FV_MAX_VIEWS];
    fv_augmenting augmenting;
    fv_reading reading;
    float *base[FV_MAX_FIELDS]; /* the batch as it is */
    fv_tensor of[2];            /* of the run: scores; output, where that is another value */
    float *mean[2];
} fv_views;
/* The list that was asked for, else that of the training, else of the net's train line; NULL: none ("none" is none). */
const char *fv_model_views(const fv_model *model, const char *asked);
/* `text` NULL: none. The run keeps the reading's scores and output readable. */
fv_status fv_views_begin(fv_views *views, const char *text, const fv_feed *feed, fv_run *run, const fv_reading *reading,
                         fv_error *error);
/* Feeds a batch and lets the run go. */
fv_status fv_views_go(fv_views *views, fv_feed *feed, fv_run *run, const int64_t *order, int64_t first, int64_t n,
                      fv_error *error);
void fv_views_end(fv_views *views);

/* ---- passes over data (passes.c) -------------------------------------------------------------------------------- */

/* A run without training over a list of samples. */
typedef struct fv_pass {
    fv_run *run;
    fv_feed feed;
    fv_meter meter;
    fv_views views;
    int64_t batch;
} fv_pass;
typedef struct fv_pass_options {
    int64_t batch;
    int threads;
    bool exact, bf16;
    const char *metrics;
} fv_pass_options;
fv_status fv_pass_begin(fv_pass *pass, fv_model *model, const fv_data *data, const fv_pass_options *options,
                        fv_error *error);
/* Samples are seen in several views from now on; `tta` as fv_model_views says. */
fv_status fv_pass_views(fv_pass *pass, const char *tta, fv_error *error);
fv_status fv_pass_run(fv_pass *pass, const int64_t *order, int64_t count, fv_error *error);
void fv_pass_end(fv_pass *pass);
/* 0, 1, 2, ... below `count`; free with fv_free. NULL and *error when memory is short. */
int64_t *fv_all_samples(int64_t count, fv_error *error);

/* ---- history (history.c) ---------------------------------------------------------------------------------------- */

struct fv_history {
    int epochs, capacity, metrics;
    char **names;
    double *values; /* [epochs][metrics] */
};
fv_history *fv_history_new(int metrics, int64_t epochs, fv_error *error);
fv_status fv_history_name(fv_history *history, int index, const char *prefix, const char *name, fv_error *error);
/* What a meter says, as one epoch. */
fv_history *fv_meter_history(const fv_meter *meter, fv_error *error);
void fv_history_add(fv_history *history, const double *values);

/* Adds rows that were had before: [epochs][metrics]. */
fv_status fv_history_restore(fv_history *history, const double *values, int64_t epochs, fv_error *error);

/* ---- classes and parts (balance.c) ------------------------------------------------------------------------------ */

/* counts[class] of the samples; what is of no class is not counted. */
void fv_count_classes(const fv_data *data, const int64_t *samples, int64_t count, int64_t *counts);
/* "balanced" (samples / (classes * samples of the class), so that every class counts the same and the mean over the samples is
 * 1) or "1,2,0.5", one number for each class. Writes out[classes]. */
fv_status fv_class_weights(const char *text, const int64_t *counts, int classes, double *out, fv_error *error);
/* Sample numbers of part `fold` (from 1) of `folds`, and of the others, in ascending order: every class is dealt out over the
 * parts in an order drawn from the seed. Parts never overlap and cover the data; free both with fv_free. */
fv_status fv_data_fold(const fv_data *data, int fold, int folds, uint64_t seed, int64_t **train, int64_t *train_count,
                       int64_t **held, int64_t *held_count, fv_error *error);

/* ---- which epoch is best, and when to stop (stopping.c) --------------------------------------------------------- */

typedef struct fv_stopping {
    int column; /* of the history */
    bool lower; /* is better */
    bool stops;
    double patience, min_change;
} fv_stopping;
/* "val_loss(patience=5, min_change=0.001)", any metric of the history; NULL or "none": never, and the validation loss
 * (without validation: the loss) says which epoch is best. */
fv_status fv_stopping_read(fv_stopping *stopping, const char *text, const fv_history *history, fv_error *error);
/* Of the epochs so far: the best one (from 0; the first of equals; -1: none is a number) and whether it is time to stop. A pure
 * function of the history. */
int fv_stopping_best(const fv_stopping *stopping, const fv_history *history);
bool fv_stopping_due(const fv_stopping *stopping, const fv_history *history);

/* ---- gradients between backward and optimizer (gradients.c) ----------------------------------------------------- */

typedef struct fv_gradients {
    fv_descent *descent;
    float **run;                  /* by weight: where the run writes; NULL: the optimizer reads them there */
    double clip_value, clip_norm; /* 0: not clipped */
} fv_gradients;
/* With `accumulates` the optimizer reads sums of its own from now on. */
fv_status fv_gradients_begin(fv_gradients *gradients, fv_descent *descent, bool accumulates, double clip_value,
                             double clip_norm, fv_error *error);
/* Adds `share` of the gradients of the run's last go; the first of a step begins anew. Nothing to do without sums. */
void fv_gradients_add(fv_gradients *gradients, double share, bool first);
/* The first weight (index in the descent) whose gradient is not finite, or -1. */
int fv_gradients_bad(const fv_gradients *gradients);
/* Every number into -value .. value, then all together to a Euclidean norm of at most `norm`. */
void fv_gradients_clip(fv_gradients *gradients);
void fv_gradients_end(fv_gradients *gradients);
bool fv_all_finite(const float *numbers, int64_t count);

/* ---- a look at every value of a step (probe.c) ------------------------------------------------------------------ */

/* A run of its own in which every value and gradient stays readable. It reads the model's weights but has copies of the running
 * statistics, so that looking changes nothing. */
typedef struct fv_probe {
    fv_model *model;
    fv_weights weights;
    fv_run *run;
    fv_feed feed;
    double *sums;          /* by value: squares of the numbers, squares of the gradients */
    unsigned char **alive; /* by value that units may be dead in: did channel c ever answer? */
    int64_t samples;
} fv_probe;
fv_status fv_probe_begin(fv_probe *probe, fv_model *model, const fv_data *data, int64_t batch, int threads,
                         fv_error *error);
fv_status fv_probe_go(fv_probe *probe, const int64_t *order, int64_t first, int64_t n, const fv_moment *moment,
                      fv_error *error);
/* After a go: "the output of conv3 (conv)", the first thing that is not finite, in the order of forward and then backward. */
bool fv_probe_trouble(const fv_probe *probe, const int64_t *order, int64_t first, char *text, size_t size);
/* Sizes of activations and gradients over several goes. */
void fv_probe_reset(fv_probe *probe);
void fv_probe_add(fv_probe *probe);
/* The layers as a JSON array; and what is wrong with them, a line each ("" where nothing is). */
void fv_probe_report(const fv_probe *probe, fv_text *json, fv_text *warnings);
void fv_probe_end(fv_probe *probe);

/* ---- averaged weights (average.c) ------------------------------------------------------------------------------- */

/* w' = k*w' + (1-k)*w after every step, k = min(keep, (1 + step) / (10 + step)): the start is forgotten soon. */
typedef struct fv_average {
    fv_model *model;
    float **of; /* by index of fv_model_weight; NULL: a running statistic */
    double keep;
} fv_average;
fv_status fv_average_begin(fv_average *average, fv_model *model, double keep, fv_error *error);
void fv_average_step(fv_average *average, int64_t step);
/* The model's trained weights are the averages until the next call; running statistics are the model's all the time. */
void fv_average_swap(fv_average *average);
/* The model gets the averages for good. */
void fv_average_take(fv_average *average);
void fv_average_end(fv_average *average);

/* ---- soft targets (teacher.c) ----------------------------------------------------------------------------------- */

typedef struct fv_teacher {
    fv_run *run;
    fv_feed feed;
    fv_operand logits, target; /* of the teacher's run; of the student's */
    double temperature, main_weight;
    int value, main, nodes, values, losses; /* the target's value; the main loss; the student's net as it was */
    bool grown;
    fv_augmenting augmenting; /* of the feed, as the student's */
} fv_teacher;
/* Adds the loss to the student's net: before its run is planned. */
fv_status fv_teacher_begin(fv_teacher *teacher, fv_model *student, double temperature, double share, fv_error *error);
/* Takes it away again: behind the planning, before anything else is. */
void fv_teacher_leave_net(fv_teacher *teacher, fv_net *net);
fv_status fv_teacher_connect(fv_teacher *teacher, fv_model *model, const fv_data *data, fv_run *student, int64_t batch,
                             int threads, fv_error *error);
/* The teacher's answers to a batch go into the student's run. */
fv_status fv_teacher_answer(fv_teacher *teacher, fv_run *student, const int64_t *order, int64_t first, int64_t n,
                            fv_error *error);
void fv_teacher_end(fv_teacher *teacher, fv_net *net);

/* ---- what the machine has (machine.c) --------------------------------------------------------------------------- */

/* Bytes that this process may still allocate: of the machine, and of its control group where that has a limit; 0: not known. */
size_t fv_memory_there(void);

/* ---- a training's folder (folder.c) ----------------------------------------------------------------------------- */

/* best.safetensors, last.safetensors, history.jsonl and checkpoints. Without a folder every call does nothing. */
typedef struct fv_folder {
    const char *path;
    fv_text log; /* what history.jsonl holds */
    int lock;    /* descriptor + 1; 0: none */
} fv_folder;
/* Makes the folder and locks it; another run in it is an error. What a killed run left half written goes. */
fv_status fv_folder_begin(fv_folder *folder, const char *path, fv_error *error);
/* A run begins: the files of an older one go. */
fv_status fv_folder_clear(fv_folder *folder, fv_error *error);
/* A run goes on: history.jsonl becomes what it was at the checkpoint. */
fv_status fv_folder_restore(fv_folder *folder, const char *log, fv_error *error);
/* Logs the last epoch of the history (with what was seen of the layers, JSON or NULL) and saves the model. */
fv_status fv_folder_epoch(fv_folder *folder, const fv_model *model, const fv_history *history, double rate,
                          double seconds, bool best, const char *layers, fv_error *error);
void fv_folder_end(fv_folder *folder);
/* The path of a file in a folder; free with fv_free. */
char *fv_folder_file(const char *folder, const char *name, fv_error *error);

/* ---- checkpoints (checkpoint.c) --------------------------------------------------------------------------------- */

/* What must be the same when a training goes on: "batch_size" -> "64". */
enum { FV_MAX_FACTS = 48 };
typedef struct fv_facts {
    int count;
    const char *key[FV_MAX_FACTS];
    char *value[FV_MAX_FACTS];
    bool free[FV_MAX_FACTS]; /* may be another one */
} fv_facts;
fv_status fv_facts_add(fv_facts *facts, const char *key, const char *value, fv_error *error);
void fv_facts_free(fv_facts *facts);

/* Where a training stands, and what it carries along. */
typedef struct fv_standing {
    int64_t epoch, step, epochs; /* finished epochs; finished steps of the next one; epochs to come to */
    double best, rate, seconds;  /* best loss; last rate; time spent in the unfinished epoch */
    fv_meter *meter;             /* sums over the unfinished epoch */
    fv_descent *descent;
    fv_history *history;
    fv_average *average;
} fv_standing;
fv_status fv_checkpoint_write(const fv_folder *folder, const fv_model *model, const fv_standing *standing,
                              const fv_facts *facts, fv_error *error);

/* A checkpoint that was read and found whole. */
typedef struct fv_checkpoint {
    char *path;
    fv_store *store;
} fv_checkpoint;
/* The newest whole one in the folder. */
fv_status fv_checkpoint_open(fv_checkpoint *checkpoint, const char *folder, fv_error *error);
/* What it says of a fact; NULL: nothing. */
const char *fv_checkpoint_fact(const fv_checkpoint *checkpoint, const char *key);
const char *fv_checkpoint_log(const fv_checkpoint *checkpoint);
int64_t fv_checkpoint_epochs(const fv_checkpoint *checkpoint);
/* An error that says which fact is another one now. */
fv_status fv_checkpoint_compare(const fv_checkpoint *checkpoint, const fv_facts *facts, fv_error *error);
/* Weights, notes and all that the standing points to become what they were. */
fv_status fv_checkpoint_restore(const fv_checkpoint *checkpoint, fv_model *model, fv_standing *standing,
                                fv_error *error);
void fv_checkpoint_close(fv_checkpoint *checkpoint);

/* ---- which data it was (fingerprint.c) -------------------------------------------------------------------------- */

/* "60000 samples, picture u8 28x28x1, class u8 scalar (target), 10 classes, 0123456789abcdef": the hash is of up to 64
 * samples, evenly spread with the first and the last among them. Free with fv_free. */
char *fv_data_fingerprint(const fv_data *data, fv_error *error);

/* ---- batches ahead of time (prefetch.c) ------------------------------------------------------------------------- */

/* A thread that makes the next batches in slots of its own; batch k comes from slot k, whenever it was made. */
typedef struct fv_prefetch fv_prefetch;
fv_prefetch *fv_prefetch_new(fv_feed *feed, int64_t batch, fv_error *error);
/* Batches first .. of `order` will be asked for in turn. Not while batches of the last start are outstanding. */
void fv_prefetch_start(fv_prefetch *prefetch, const int64_t *order, int64_t samples, int64_t first);
/* Puts batch `index` into the inputs of the run. */
fv_status fv_prefetch_take(fv_prefetch *prefetch, int64_t index, fv_error *error);
void fv_prefetch_free(fv_prefetch *prefetch);

/* ---- options (settings.c) --------------------------------------------------------------------------------------- */

/* Everything that a training needs to know, after options, compile's choices and the net's `train` line, in that order.
 */
typedef struct fv_settings {
    int64_t epochs, batch_size;
    const char *optimizer, *schedule, *metrics, *loss; /* loss NULL: the net's own */
    const char *groups, *whiten, *freeze;              /* "none": none */
    double learning_rate;                              /* NaN: the optimizer's */
    double validation_split;
    uint64_t seed;
    const char *augment; /* NULL: nothing */
    const char *tta;     /* NULL or "none": none */
} fv_settings;
fv_status fv_settings_read(const fv_model *model, const fv_fit_options *options, fv_settings *out, fv_error *error);
/* How a checkpoint spells that no metrics were asked for. */
#define FV_USUAL_METRICS "the usual ones"
/* What was not given becomes what the checkpoint says (and points into it). */
void fv_settings_resume(const fv_model *model, const fv_checkpoint *checkpoint, fv_fit_options *options);
/* The metrics of the last training, else compile's, else the net's; NULL if none says any. */
const char *fv_model_metrics(const fv_model *model);

/* The status behind a NULL that came with this error. */
static inline fv_status fv_failed(const fv_error *error) {
    return error && error->status ? error->status : FV_E_ARGUMENT;
}

/* NULL where a text is "none", too. */
static inline const char *fv_asked(const char *text) { return text && strcmp(text, "none") ? text : NULL; }

/* A copy of an options struct of a caller who may have been compiled against an older, shorter one. */
void fv_copy_options(void *out, size_t size, const void *options, size_t given);

#endif
