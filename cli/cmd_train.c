/* cmd_train.c - fovea train: fits a network to data and writes what it learned. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "options.h"
#include "progress.h"

typedef struct options {
    const char *folder, *optimizer, *schedule, *loss, *metrics, *validation, *isa;
    int64_t epochs, batch, seed, data_seed, limit, threads;
    double rate, validation_split;
    bool validation_tail, no_shuffle, force, quiet, json;
    cli_settings set;
} options;

static const cli_option list[] = {
    {"output", 'o', CLI_TEXT, offsetof(options, folder), "DIR", "folder for the models and the history of this run", 0,
     0},
    {"force", 'f', CLI_FLAG, offsetof(options, force), NULL, "write over the run that DIR holds", 0, 0},
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
    {"no-shuffle", 0, CLI_FLAG, offsetof(options, no_shuffle), NULL, "take the samples in their order", 0, 0},
    CLI_SETTINGS(options),
    {"seed", 's', CLI_WHOLE, offsetof(options, seed), "S", "of weights, order and dropout; default 0", 0, 1e15},
    CLI_DATA_SEED(options),
    CLI_LIMIT(options),
    CLI_THREADS(options),
    CLI_ISA(options),
    {"quiet", 'q', CLI_FLAG, offsetof(options, quiet), NULL, "only the last line", 0, 0},
    CLI_JSON(options)};

/* A training with all that belongs to it. */
typedef struct training {
    const cli_call *call;
    const options *options;
    fv_net *net;
    fv_data *data, *validation;
    fv_model *model;
    double split;
    fv_history *history;
    FILE *out; /* for what is told on the way */
    cli_progress progress;
    size_t made; /* the first folder above the run folder that was made: so much of its path; 0: none */
} training;

/* ---- Ctrl-C ----------------------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
    interrupted = 1;
    signal(signal_number, SIG_DFL); /* the second one ends the program */
}

/* ---- the run folder ----------------------------------------------------------------------------------------------------------- */

static const char *const run_files[] = {"best.safetensors", "last.safetensors", "history.jsonl"};

/* Does the folder hold a run already? Then only --force writes over it. */
static int check_folder(const training *t) {
    const char *folder = t->options->folder;
    char path[4096];
    struct stat about;
    if (!folder) return CLI_GOOD;
    if (stat(folder, &about) == 0 && !S_ISDIR(about.st_mode))
        return cli_fail_text(t->call, "%s is there and is no folder", folder);
    for (size_t i = 0; i < sizeof run_files / sizeof *run_files && !t->options->force; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, run_files[i]);
        if (stat(path, &about) == 0)
            return cli_fail_text(t->call, "%s holds a run already (%s); --force writes over it", folder, run_files[i]);
    }
    return CLI_GOOD;
}

/* Makes the folders above the run folder; the library makes that itself. */
static int make_parents(training *t) {
    char path[4096];
    const char *folder = t->options->folder;
    if (!folder) return CLI_GOOD;
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
    snprintf(path, sizeof path, "%s", t->options->folder);
    for (char *slash; (slash = strrchr(path, '/')) && (size_t)(slash - path) >= t->made;) {
        *slash = 0;
        if (rmdir(path)) return; /* something is in it */
    }
}

/* ---- getting ready -------------------------------------------------------------------------------------------------------------- */

static bool open_all(training *t, fv_error *error) {
    const options *o = t->options;
    t->net = fv_net_load(t->call->operands[0], o->set.of, o->set.count, error);
    t->data = t->net ? cli_open_data(t->call->operands[1], false, o->data_seed, o->limit, error) : NULL;
    if (t->data && o->validation) {
        t->validation = cli_open_data(o->validation, true, o->data_seed, 0, error);
        if (!t->validation) return false;
    }
    if (!t->data) return false;
    t->model = fv_compile(t->net, error, .optimizer = o->optimizer, .loss = o->loss, .metrics = o->metrics,
                          .seed = (uint64_t)cli_number(o->seed));
    return t->model != NULL;
}

/* The part held back: the option, else the net's (asked for by 0), else a tenth. */
static double choose_split(const training *t) {
    const options *o = t->options;
    if (o->validation) return FV_ZERO;
    if (o->validation_split != 0) return o->validation_split;
    return fv_net_get(t->net, "train", "validation_split") ? 0 : 0.1;
}

static void print_head(const training *t) {
    FILE *out = t->out;
    fv_summary *summary = fv_summarize(t->net, NULL, NULL);
    char a[32], b[32];
    if (summary) {
        fv_layer total = fv_summary_total(summary);
        fprintf(out, "%s: %s parameters, %s multiply-adds a sample\n", t->call->operands[0],
                cli_grouped(total.parameters, a), cli_short(total.macs, b));
    }
    fv_summary_free(summary);
    fprintf(out, "%s: %s samples", t->call->operands[1], cli_grouped(fv_data_count(t->data), a));
    if (fv_data_class_count(t->data)) fprintf(out, " of %d classes", fv_data_class_count(t->data));
    if (t->validation) {
        fprintf(out, "; validation on %s, %s samples", t->options->validation,
                cli_grouped(fv_data_count(t->validation), a));
    } else if (t->split != FV_ZERO) {
        const char *of_net = fv_net_get(t->net, "train", "validation_split");
        double part = t->split != 0 ? t->split : of_net ? strtod(of_net, NULL) : 0;
        fprintf(out, "; %g%% held back for validation, %s", 100 * part,
                t->options->validation_tail ? "the last ones" : "mixed, the same share of each class");
    }
    fputc('\n', out);
    if (!t->options->folder) fprintf(out, "nothing will be saved: -o DIR keeps the model\n");
    fflush(out);
}

static int on_event(void *user, const fv_event *event) {
    training *t = user;
    if (!t->options->quiet && event->kind == FV_EVENT_BEGIN)
        print_head(t);
    else if (!t->options->quiet)
        cli_progress_event(&t->progress, event);
    return interrupted != 0;
}

static bool fit(training *t, fv_error *error) {
    const options *o = t->options;
    t->history = fv_fit(t->model, t->data, error, .epochs = o->epochs, .batch_size = o->batch, .learning_rate = o->rate,
                        .schedule = o->schedule, .no_shuffle = o->no_shuffle, .validation_split = t->split,
                        .validation_data = t->validation, .validation_tail = o->validation_tail,
                        .seed = (uint64_t)cli_number(o->seed), .threads = (int)o->threads, .folder = o->folder,
                        .on_event = on_event, .user = t);
    return t->history != NULL;
}

/* ---- the end -------------------------------------------------------------------------------------------------------------------------- */

static bool plain_word(const char *s) {
    return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+%") == strlen(s);
}

/* The command that gives the same weights: what was given, and what was chosen. */
static void reproduce(const training *t, char *out, size_t size) {
    const cli_call *call = t->call;
    size_t at = (size_t)snprintf(out, size, "fovea");
    for (int i = 1; i < call->argc && at < size; i++) {
        const char *given = call->argv[i];
        if (strcmp(given, "--force") == 0 || strcmp(given, "-f") == 0) continue;
        bool plain = plain_word(given);
        at += (size_t)snprintf(out + at, size - at, plain ? " %s" : " '%s'", given);
    }
    if (!t->options->seed && at < size) at += (size_t)snprintf(out + at, size - at, " --seed 0");
    if (!t->options->isa && at < size) snprintf(out + at, size - at, " --isa %s", fv_isa());
}

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
    char hash[17], command[4096];
    snprintf(hash, sizeof hash, "%016" PRIx64, fv_model_hash(t->model));
    reproduce(t, command, sizeof command);
    if (t->options->json)
        return cli_print_json(t->call,
                              json_pack("{s:s, s:s, s:s?, s:s, s:s, s:b, s:o}", "net", t->call->operands[0], "data",
                                        t->call->operands[1], "folder", t->options->folder, "weights", hash, "command",
                                        command, "interrupted", interrupted != 0, "epochs", json_epochs(t->history)));
    if (t->options->folder && fv_history_epochs(t->history)) printf("saved in %s; ", t->options->folder);
    printf("weights %s; again: %s\n", hash, command);
    return CLI_GOOD;
}

static int train(training *t) {
    const options *o = t->options;
    fv_error error = {0};
    t->out = o->json ? stderr : stdout;
    if (!open_all(t, &error)) return cli_fail(t->call, &error);
    t->split = choose_split(t);
    if (check_folder(t) || make_parents(t)) return CLI_FAILED;
    t->progress = cli_progress_begin(t->out);
    signal(SIGINT, on_interrupt);
    bool good = fit(t, &error);
    signal(SIGINT, SIG_DFL);
    cli_progress_end(&t->progress);
    if (!good) {
        remove_parents(t);
        return cli_fail(t->call, &error);
    }
    int status = print_end(t);
    if (interrupted) return cli_fail_text(t->call, "stopped after %d epochs", fv_history_epochs(t->history));
    return status;
}

static int run(const cli_call *call) {
    const options *o = call->options;
    training t = {.call = call, .options = o};
    if (o->validation && (o->validation_split != 0 || o->validation_tail))
        return cli_usage_error(call->command, "--validation and %s exclude each other",
                               o->validation_tail ? "--validation-tail" : "--validation-split");
    if (cli_set_machine(call, o->isa, o->threads)) return CLI_FAILED;
    int status = train(&t);
    fv_history_free(t.history);
    fv_model_free(t.model);
    fv_data_free(t.validation);
    fv_data_free(t.data);
    fv_net_free(t.net);
    return status;
}

const cli_command command_train = {
    .name = "train",
    .summary = "fit a network to data",
    .usage = "NET DATA [-o DIR]",
    .examples = "fovea train mnist_cnn digits -o run             a network of the zoo on built-in digits\n"
                "fovea train my.net mnist/ -o run -e 20          a file of yours on a folder of IDX files\n"
                "fovea train mlp digits --set hidden=100 -q      a param of the net, only the last line\n"
                "fovea train lenet5 mnist/ -o run --schedule cosine --optimizer \"sgd(rate=0.05, momentum=0.9)\"\n",
    .details = "NET is a file in the network language or a name of the zoo (fovea zoo). DATA is a folder or file, or a "
               "built-in name;\n"
               "its training part is taken unless another is named (DATA:part). DIR gets best.safetensors, "
               "last.safetensors and\n"
               "history.jsonl; commands that take a model take DIR. The same command gives the same weights, with any "
               "number of threads.",
    CLI_OPTIONS(list, options),
    .least = 2,
    .most = 2,
    .run = run};
