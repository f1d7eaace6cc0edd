/* cmd_train.c - fovea train: fits a network to data and writes what it learned. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "options.h"
#include "progress.h"
#include "trained.h"
#include "training.h"

typedef cli_training_options options;
typedef cli_training training;

static const cli_option list[] = {
    {"output", 'o', CLI_TEXT, offsetof(options, folder), "DIR", "folder for the models and the history of this run", 0,
     0},
    {"force", 'f', CLI_FLAG, offsetof(options, force), NULL, "write over the run that DIR holds", 0, 0},
    {"resume", 0, CLI_TEXT, offsetof(options, resume), "DIR", "go on with the run in DIR; more --epochs extend it", 0,
     0},
    {"save-every", 0, CLI_TEXT, offsetof(options, save_every), "N",
     "a checkpoint every N steps or, as 30s, seconds; default 300s, 0: at ends of epochs", 0, 0},
    {"epochs", 'e', CLI_WHOLE, offsetof(options, epochs), "N", "passes over the data; default the net's, else 5", 1,
     1e9},
    {"batch", 'b', CLI_WHOLE, offsetof(options, batch), "N", "samples in a step; default the net's, else 64", 1, 1e9},
    {"optimizer", 0, CLI_TEXT, offsetof(options, optimizer), "NAME", "adam, \"sgd(rate=0.01, momentum=0.9)\", ...", 0,
     0},
    {"rate", 'r', CLI_REAL, offsetof(options, rate), "R", "learning rate; default the optimizer's", 0, 1e6},
    {"schedule", 0, CLI_TEXT, offsetof(options, schedule), "NAME",
     "cosine, onecycle, \"step(every=10, factor=0.1)\", ...", 0, 0},
    {"loss", 0, CLI_TEXT, offsetof(options, loss), "NAME",
     "crossentropy, mse, ...; default the net's, else by the data", 0, 0},
    {"metrics", 0, CLI_TEXT, offsetof(options, metrics), "LIST", "\"accuracy top3\"", 0, 0},
    {"validation-split", 0, CLI_REAL, offsetof(options, validation_split), "P",
     "part held back; default the net's, else 0.1; 0: none", 0, 0.99},
    {"validation-tail", 0, CLI_FLAG, offsetof(options, validation_tail), NULL,
     "hold back the last part instead of a mixed one", 0, 0},
    {"validation", 0, CLI_TEXT, offsetof(options, validation), "DATA", "other data to validate on", 0, 0},
    {"folds", 0, CLI_WHOLE, offsetof(options, folds), "K",
     "train K times, each time with another K-th held back; mean and spread", 2, 1000},
    {"augment", 0, CLI_TEXT, offsetof(options, augment), "LIST",
     "change samples at random: \"hflip shift(2) cutout(8)\" (fovea help augment), or none", 0, 0},
    {"tta", 0, CLI_TEXT, offsetof(options, tta), "LIST",
     "validate, and later answer, by the mean over views: \"hflip shift(1)\"", 0, 0},
    {"class-weights", 0, CLI_TEXT, offsetof(options, class_weights), "W",
     "balanced, or a number for each class: 1,2,0.5; what a sample counts in training", 0, 0},
    {"early-stop", 0, CLI_TEXT, offsetof(options, early_stop), "WHEN",
     "\"val_loss(patience=5, min_change=0.001)\", any metric; it also says which epoch is best", 0, 0},
    {"clip-value", 0, CLI_REAL, offsetof(options, clip_value), "X", "bring every number of a gradient into -X .. X", 0,
     1e30},
    {"clip-norm", 0, CLI_REAL, offsetof(options, clip_norm), "X",
     "shorten the gradient of a step to this length (Euclidean, over all weights)", 0, 1e30},
    {"accumulate", 0, CLI_WHOLE, offsetof(options, accumulate), "K",
     "K batches to a step: the gradient of a batch K times as large", 1, 1e6},
    {"ema", 0, CLI_REAL, offsetof(options, ema), "K", "validate and save weights averaged over the steps, as 0.999", 0,
     0.9999999},
    {"from", 0, CLI_TEXT, offsetof(options, from), "MODEL",
     "start from the weights of MODEL; a head of another size starts anew", 0, 0},
    {"freeze", 0, CLI_TEXT, offsetof(options, freeze), "NAMES",
     "layers or weights that stay as they are: \"conv*, block1.*\"", 0, 0},
    {"groups", 0, CLI_TEXT, offsetof(options, groups), "TEXT",
     "weights that are trained otherwise: \"conv*.weight: muon(rate=0.2); *.bias: decay=0\"; none: not the net's", 0,
     0},
    {"whiten", 0, CLI_TEXT, offsetof(options, whiten), "LAYER",
     "the layer that reads the pictures whitens their patches, and stays so; none: not the net's", 0, 0},
    {"teacher", 0, CLI_TEXT, offsetof(options, teacher), "MODEL", "learn from what MODEL answers, too (soft targets)",
     0, 0},
    {"temperature", 0, CLI_REAL, offsetof(options, temperature), "T", "of the soft targets; default 4", 0.01, 1000},
    {"teacher-weight", 0, CLI_REAL, offsetof(options, teacher_weight), "P",
     "part of the loss that the soft targets make; default 0.9", 0.001, 1},
    {"watch", 0, CLI_FLAG, offsetof(options, watch), NULL,
     "note the size of every layer's activations and gradients; warn of vanishing, exploding, dead", 0, 0},
    {"memory", 0, CLI_WHOLE, offsetof(options, memory), "MIB", "what it may need; default what the machine has", 1,
     1e9},
    {"no-shuffle", 0, CLI_FLAG, offsetof(options, no_shuffle), NULL, "take the samples in their order", 0, 0},
    CLI_SETTINGS(options),
    {"seed", 's', CLI_WHOLE, offsetof(options, seed), "S", "of weights, order and dropout; default 0", 0, 1e15},
    CLI_DATA_SEED(options),
    CLI_LIMIT(options),
    {"tensorboard", 0, CLI_FLAG, offsetof(options, tensorboard), NULL, "event files in DIR/tensorboard", 0, 0},
    CLI_THREADS(options),
    CLI_SKIP_BAD(options),
    {"no-prefetch", 0, CLI_FLAG, offsetof(options, no_prefetch), NULL, "make each batch when its step comes", 0, 0},
    CLI_EXACT(options),
    CLI_BF16(options),
    CLI_ISA(options),
    {"progress", 0, CLI_TEXT, offsetof(options, progress), "HOW",
     "auto (bar on a terminal), bar, plain (a line an epoch), none", 0, 0},
    {"quiet", 'q', CLI_FLAG, offsetof(options, quiet), NULL, "only the last line", 0, 0},
    CLI_JSON(options)};

/* ---- Ctrl-C ----------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted; /* by which signal; 0: by none */

/* The first one asks the training to stop after its step, the second one ends the program. */
static void on_interrupt(int signal_number) {
    interrupted = signal_number;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

/* A shell that started the program in the background may have told it to ignore Ctrl-C. */
static void catch_signals(void) {
    struct sigaction old, action = {.sa_handler = on_interrupt};
    static const int signals[] = {SIGINT, SIGTERM};
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    for (int i = 0; i < 2; i++)
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL);
}

static void release_signals(void) {
    struct sigaction old;
    static const int signals[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++)
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == on_interrupt) signal(signals[i], SIG_DFL);
}

/* ---- the run folder --------------------------------------------------------------------------------------------- */

static const char *const run_files[] = {"best.safetensors", "last.safetensors", "checkpoint.safetensors",
                                        "checkpoint.previous.safetensors", "history.jsonl"};

/* Does the folder hold a run already? Then only --force writes over it. */
static int check_folder(const training *t) {
    const char *folder = t->folder;
    char path[4096];
    struct stat about;
    if (!folder || t->options->resume) return CLI_GOOD;
    if (stat(folder, &about) == 0 && !S_ISDIR(about.st_mode))
        return cli_fail_text(t->call, "%s is there and is no folder", folder);
    for (size_t i = 0; i < sizeof run_files / sizeof *run_files && !t->options->force; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, run_files[i]);
        if (stat(path, &about) == 0 && about.st_size > 0) /* empty: killed before its first step */
            return cli_fail_text(t->call,
                                 "%s holds a run already (%s); --resume %s goes on with it, --force writes over it",
                                 folder, run_files[i], folder);
    }
    return CLI_GOOD;
}

/* Makes the folders above the run folder; the library makes that itself. */
static int make_parents(training *t) {
    char path[4096];
    const char *folder = t->folder;
    if (!folder || t->options->resume) return CLI_GOOD;
    if (strlen(folder) >= sizeof path) return cli_fail_text(t->call, "%.40s...: the name is too long", folder);
    for (const char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - folder);
        snprintf(path, sizeof path, "%.*s", (int)length, folder);
        if (mkdir(path, 0777) == 0) {
            if (!t->made) t->made = length;
        } else if (errno != EEXIST) {
            return cli_fail_text(t->call, "%s: cannot make the folder: %s", path, strerror(errno));
        }
    }
    return CLI_GOOD;
}

/* A training that did not begin leaves nothing behind. */
static void remove_parents(const training *t) {
    char path[4096];
    if (!t->made) return;
    snprintf(path, sizeof path, "%s", t->folder);
    for (char *slash; (slash = strrchr(path, '/')) && (size_t)(slash - path) >= t->made;) {
        *slash = 0;
        if (rmdir(path)) return; /* something is in it */
    }
}

/* ---- one training ----------------------------------------------------------------------------------------------- */

/* The part held back: the option, else the net's (asked for by 0), else a tenth. */
static double choose_split(const training *t) {
    const options *o = t->options;
    if (t->validation || o->folds) return FV_ZERO;
    if (o->validation_split != 0 || o->resume) return o->validation_split;
    return fv_net_get(fv_model_net(t->model), "train", "validation_split") ? 0 : 0.1;
}

static int on_event(void *user, const fv_event *event) {
    training *t = user;
    if (event->kind == FV_EVENT_NOTE) {
        if (!t->options->quiet) cli_progress_note(&t->progress, event->text);
        return interrupted != 0;
    }
    t->epoch = event->epoch, t->epochs = event->epochs;
    t->step = event->step, t->steps = event->steps;
    if (t->options->tensorboard) cli_board_event(t->call, &t->board, t->folder, t->options->resume, event);
    if (!t->options->quiet && event->kind == FV_EVENT_BEGIN && t->fold > 1)
        fprintf(t->out, "fold %d of %d\n", t->fold, (int)t->options->folds);
    else if (!t->options->quiet && event->kind == FV_EVENT_BEGIN)
        cli_train_head(t, event);
    else if (!t->options->quiet)
        cli_progress_event(&t->progress, event);
    return interrupted != 0;
}

static bool fit(training *t, fv_error *error) {
    const options *o = t->options;
    bool resumes = o->resume != NULL;
    t->history =
        fv_fit(t->model, t->data, error, .epochs = o->epochs, .batch_size = o->batch, .learning_rate = o->rate,
               .optimizer = resumes ? o->optimizer : NULL, .loss = resumes ? o->loss : NULL,
               .metrics = resumes ? o->metrics : NULL, .schedule = o->schedule, .no_shuffle = o->no_shuffle,
               .validation_split = t->split, .validation_data = t->validation, .validation_tail = o->validation_tail,
               .seed = (uint64_t)(resumes ? o->seed : cli_number(o->seed)), .threads = (int)o->threads,
               .folder = t->folder, .resume = resumes, .save_steps = t->save_steps, .save_seconds = t->save_seconds,
               .class_weights = o->class_weights, .early_stop = o->early_stop, .clip_value = o->clip_value,
               .clip_norm = o->clip_norm, .accumulate = o->accumulate, .ema = o->ema, .freeze = o->freeze,
               .groups = o->groups, .whiten = o->whiten, .augment = o->augment, .tta = o->tta, .teacher = t->teacher,
               .temperature = t->teacher ? t->temperature : 0, .teacher_weight = t->teacher ? t->teacher_weight : 0,
               .watch = o->watch, .folds = (int)o->folds, .fold = t->fold, .memory = (uint64_t)o->memory << 20,
               .survey = !o->quiet && !resumes && t->fold < 2, .no_prefetch = o->no_prefetch, .exact = o->exact,
               .bf16 = o->bf16, .on_event = on_event, .user = t);
    return t->history != NULL;
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static json_t *json_epochs(const fv_history *history) {
    json_t *rows = json_array();
    for (int e = 0; e < fv_history_epochs(history); e++) {
        json_t *row = json_object();
        json_object_set_new(row, "epoch", json_integer(e + 1));
        for (int m = 0; m < fv_history_metric_count(history); m++) {
            const char *name = fv_history_metric_name(history, m);
            json_object_set_new(row, name, cli_json_number(fv_history_get(history, name, e)));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

static int print_end(const training *t) {
    if (!interrupted)
        cli_trained(t->call, t->options->quiet ? NULL : t->out, t->folder, t->history, t->data, t->validation);
    char hash[17];
    const char *command = cli_train_kept(t, "command");
    snprintf(hash, sizeof hash, "%016" PRIx64, fv_model_hash(t->model));
    if (t->options->json)
        return cli_print_json(t->call, json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:b, s:o}", "net", t->net_name, "data",
                                                 t->data_name, "folder", t->folder, "weights", hash, "command", command,
                                                 "interrupted", interrupted != 0, "epochs", json_epochs(t->history)));
    if (t->folder && fv_history_epochs(t->history)) printf("saved in %s; ", t->folder);
    printf("weights %s; again: %s\n", hash, command ? command : "not known");
    return CLI_GOOD;
}

/* Says how to go on; the exit code is the one of a program that the signal ended. */
static int print_stopped(const training *t) {
    if (t->folder)
        cli_fail_text(t->call,
                      "stopped in epoch %" PRId64 "/%" PRId64 " after step %" PRId64 " of %" PRId64
                      "; go on with: fovea train --resume %s",
                      t->epoch, t->epochs, t->step, t->steps, t->folder);
    else
        cli_fail_text(t->call, "stopped after %d epochs; nothing was saved: -o DIR keeps a run",
                      fv_history_epochs(t->history));
    return 128 + interrupted;
}

/* One training, told but for its last lines. */
static int train_once(training *t) {
    const options *o = t->options;
    fv_error error = {0};
    if (check_folder(t)) return CLI_FAILED;
    if (!(o->resume ? cli_train_go_on(t, &error) : cli_train_begin(t, &error))) return cli_fail(t->call, &error);
    t->split = choose_split(t);
    if (make_parents(t)) return CLI_FAILED;
    t->progress = cli_progress_begin(t->out, t->style);
    catch_signals();
    bool good = fit(t, &error);
    release_signals();
    cli_progress_end(&t->progress);
    if (good) return CLI_GOOD;
    remove_parents(t);
    return cli_fail(t->call, &error);
}

static int train(training *t) {
    if (train_once(t)) return CLI_FAILED;
    if (!interrupted) return print_end(t);
    if (t->options->json) print_end(t);
    return print_stopped(t);
}

static void release(training *t) {
    fv_tensorboard_close(t->board), t->board = NULL;
    fv_history_free(t->history);
    fv_model_free(t->model);
    fv_model_free(t->kept);
    fv_model_free(t->teacher);
    fv_data_free(t->validation);
    fv_data_free(t->data);
    fv_net_free(t->net);
    t->history = NULL, t->model = t->kept = t->teacher = NULL, t->validation = t->data = NULL, t->net = NULL;
}

/* ---- folds ------------------------------------------------------------------------------------------------------ */

/* The last epochs of all folds. */
typedef struct folds {
    int count, metrics;
    char names[32][64];
    double sum[32], squares[32]; /* around the first fold's value */
    double first[32];
} folds;

static void add_fold(folds *f, const fv_history *history) {
    int last = fv_history_epochs(history) - 1;
    f->metrics = fv_history_metric_count(history) < 32 ? fv_history_metric_count(history) : 32;
    for (int m = 0; m < f->metrics; m++) {
        const char *name = fv_history_metric_name(history, m);
        double value = fv_history_get(history, name, last);
        snprintf(f->names[m], sizeof f->names[m], "%s", name);
        if (!f->count) f->first[m] = value;
        f->sum[m] += value - f->first[m];
        f->squares[m] += (value - f->first[m]) * (value - f->first[m]);
    }
    f->count++;
}

static double fold_mean(const folds *f, int m) { return f->first[m] + f->sum[m] / f->count; }

/* Standard deviation of the folds, n - 1 in the denominator. */
static double fold_spread(const folds *f, int m) {
    double variance = (f->squares[m] - f->sum[m] * f->sum[m] / f->count) / (f->count - 1);
    return variance > 0 ? sqrt(variance) : 0;
}

static int print_folds(const training *t, const folds *f) {
    char mean[48], spread[48];
    if (t->options->json) {
        json_t *metrics = json_object();
        for (int m = 0; m < f->metrics; m++)
            json_object_set_new(metrics, f->names[m],
                                json_pack("{s:o, s:o}", "mean", cli_json_number(fold_mean(f, m)), "spread",
                                          cli_json_number(fold_spread(f, m))));
        return cli_print_json(t->call, json_pack("{s:s, s:s, s:i, s:o}", "net", t->net_name, "data", t->data_name,
                                                 "folds", f->count, "metrics", metrics));
    }
    printf("%d folds, last epochs, mean and standard deviation:\n", f->count);
    for (int m = 0; m < f->metrics; m++)
        printf("  %s +- %s\n", cli_metric(f->names[m], fold_mean(f, m), mean),
               cli_metric(f->names[m], fold_spread(f, m), spread) + strlen(f->names[m]) + 1);
    return CLI_GOOD;
}

/* Every fold is a training of its own, in DIR/fold1, DIR/fold2, ... */
static int train_folds(training *t) {
    const char *folder = t->folder;
    char path[4096];
    folds f = {0};
    int count = (int)t->options->folds;
    if (folder && strlen(folder) > sizeof path - 16)
        return cli_fail_text(t->call, "%.40s...: the name is too long", folder);
    for (t->fold = 1; t->fold <= count; t->fold++) {
        if (folder) snprintf(path, sizeof path, "%s/fold%d", folder, t->fold), t->folder = path;
        t->made = 0;
        if (t->fold > 1) release(t);
        if (train_once(t)) return CLI_FAILED;
        if (interrupted) return print_stopped(t);
        add_fold(&f, t->history);
    }
    return print_folds(t, &f);
}

/* "100": steps; "30s": seconds; "0": only at ends of epochs. */
static bool read_save_every(training *t) {
    const char *text = t->options->save_every;
    char *end;
    if (!text) return true;
    double value = strtod(text, &end);
    if (end == text || !(value >= 0 && value < 1e15)) return false;
    t->save_seconds = FV_ZERO;
    if (strcmp(end, "s") == 0) {
        if (value > 0) t->save_seconds = value;
        return true;
    }
    t->save_steps = (int64_t)value;
    return !*end && (double)t->save_steps == value;
}

static int run(const cli_call *call) {
    const options *o = call->options;
    training t = {.call = call,
                  .options = o,
                  .net_name = call->count ? call->operands[0] : NULL,
                  .data_name = call->count > 1 ? call->operands[1] : NULL,
                  .validation_name = o->validation,
                  .folder = o->resume ? o->resume : o->folder,
                  .data_seed = o->data_seed,
                  .skip_bad = o->skip_bad,
                  .limit = o->limit};
    if (call->count == 1 || (call->count == 0 && !o->resume))
        return cli_usage_error(call->command, "expected %s", call->command->usage);
    if (o->resume && (o->folder || o->force))
        return cli_usage_error(call->command, "--resume and %s exclude each other", o->folder ? "--output" : "--force");
    if (o->validation && (o->validation_split != 0 || o->validation_tail))
        return cli_usage_error(call->command, "--validation and %s exclude each other",
                               o->validation_tail ? "--validation-tail" : "--validation-split");
    if (o->folds && (o->resume || o->validation || o->validation_split != 0 || o->validation_tail))
        return cli_usage_error(call->command, "--folds and %s exclude each other",
                               o->resume       ? "--resume"
                               : o->validation ? "--validation"
                                               : "--validation-split");
    if (o->from && o->resume) return cli_usage_error(call->command, "--from and --resume exclude each other");
    if (!cli_read_style(o->progress, &t.style))
        return cli_usage_error(call->command, "--progress: expected auto, bar, plain or none, got '%s'", o->progress);
    if (o->tensorboard && !t.folder) return cli_usage_error(call->command, "--tensorboard needs a folder: -o DIR");
    if (!read_save_every(&t))
        return cli_usage_error(call->command, "--save-every: expected steps (100) or seconds (30s), got '%s'",
                               o->save_every);
    if (cli_set_machine(call, o->isa, o->threads)) return CLI_FAILED;
    if (cli_check_products(call, o->exact, o->bf16)) return CLI_USAGE;
    t.out = o->json ? stderr : stdout;
    int status = o->folds ? train_folds(&t) : train(&t);
    release(&t);
    return status;
}

const cli_command command_train = {
    .name = "train",
    .summary = "fit a network to data",
    .usage = "NET DATA [-o DIR] | --resume DIR",
    .examples = "fovea train mnist_cnn digits -o run             a network of the zoo on built-in digits\n"
                "fovea train my.net mnist/ -o run -e 20          a file of yours on a folder of IDX files\n"
                "fovea train mlp digits --set hidden=100 -q      a param of the net, only the last line\n"
                "fovea train lenet5 mnist/ -o run --schedule cosine --optimizer \"sgd(rate=0.05, momentum=0.9)\"\n"
                "fovea train --resume run                        goes on with a run that was stopped or killed\n"
                "fovea train --resume run --epochs 40            extends a finished one\n",
    .details =
        "NET is a file in the network language or a name of the zoo (fovea zoo). DATA is a folder or file, or a "
        "built-in name;\n"
        "its training part is taken unless another is named (DATA:part). DIR gets best.safetensors, "
        "last.safetensors and\n"
        "history.jsonl, at the end report.html; commands that take a model take DIR. The same command gives the same "
        "weights,\n"
        "with any number of threads, and also when the run was stopped or killed in between: --resume goes on from the checkpoint in DIR with "
        "what that says;\n"
        "NET, DATA or options given with it must be what they were, but for --epochs. Ctrl-C (or SIGTERM) finishes "
        "the step and saves;\n"
        "twice ends at once. A schedule spans all epochs: where more are asked for, steps already taken stay as "
        "they are.",
    CLI_OPTIONS(list, options),
    .least = 0,
    .most = 2,
    .run = run};
