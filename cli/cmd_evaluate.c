/* cmd_evaluate.c - fovea evaluate: loss, metrics and classes of a model, or of a committee, over data. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "options.h"
#include "scores.h"

typedef struct options {
    bool json, quiet, per_class, confusion, skip_bad, exact, bf16;
    const char *metrics, *isa, *tta;
    int64_t batch, limit, data_seed, threads;
    double min_accuracy;
} options;

static const cli_option list[] = {
    {"metrics", 0, CLI_TEXT, offsetof(options, metrics), "LIST",
     "\"accuracy top3 f1\" (a wrong one lists them); default those of the training", 0, 0},
    {"per-class", 'c', CLI_FLAG, offsetof(options, per_class), NULL,
     "precision, recall and F1 also of more than 20 classes", 0, 0},
    {"confusion", 0, CLI_FLAG, offsetof(options, confusion), NULL, "what was taken for what", 0, 0},
    {"min-accuracy", 0, CLI_REAL, offsetof(options, min_accuracy), "X", "exit with 3 below it; 0.97", 0, 1},
    {"batch", 'b', CLI_WHOLE, offsetof(options, batch), "N", "samples at a time; default 64", 1, 1e15},
    CLI_LIMIT(options),
    CLI_DATA_SEED(options),
    CLI_SKIP_BAD(options),
    CLI_TTA(options),
    CLI_THREADS(options),
    CLI_ISA(options),
    CLI_EXACT(options),
    CLI_BF16(options),
    {"quiet", 'q', CLI_FLAG, offsetof(options, quiet), NULL, "only the line of metrics", 0, 0},
    CLI_JSON(options)};

enum { FEW_CLASSES = 20 };

/* Models and what they are judged on. */
typedef struct trial {
    const cli_call *call;
    int count; /* of models */
    fv_model **models;
    fv_scores **members, *scores;
    fv_data *data;
} trial;

static json_t *json_members(const trial *t) {
    json_t *members = json_array();
    for (int m = 0; m < t->count; m++) {
        json_t *member = json_pack("{s:s, s:o}", "model", t->call->operands[m], "metrics",
                                   cli_json_metrics(fv_scores_metrics(t->members[m])));
        cli_add_scores(member, t->members[m]);
        json_array_append_new(members, member);
    }
    return members;
}

static int print_json(const trial *t) {
    json_t *json = json_object();
    if (t->count == 1) json_object_set_new(json, "model", json_string(t->call->operands[0]));
    json_object_set_new(json, "data", json_string(t->call->operands[t->count]));
    json_object_set_new(json, "samples", json_integer(fv_scores_samples(t->scores)));
    json_object_set_new(json, "metrics", cli_json_metrics(fv_scores_metrics(t->scores)));
    cli_add_scores(json, t->scores);
    if (t->count > 1) json_object_set_new(json, "members", json_members(t));
    return cli_print_json(t->call, json);
}

/* The members one by one, and then all together. */
static void print_members(const trial *t) {
    int width = (int)strlen("committee");
    for (int m = 0; m < t->count; m++) {
        int length = (int)strlen(t->call->operands[m]);
        if (length > width) width = length;
    }
    for (int m = 0; m < t->count; m++) {
        printf("%-*s  ", width, t->call->operands[m]);
        cli_print_metrics(fv_scores_metrics(t->members[m]));
        putchar('\n');
    }
    printf("%-*s  ", width, "committee");
}

static int print(const trial *t) {
    const options *o = t->call->options;
    char count[32];
    if (o->json) return print_json(t);
    if (t->count > 1) print_members(t);
    cli_print_metrics(fv_scores_metrics(t->scores));
    bool any = fv_history_metric_count(fv_scores_metrics(t->scores)) > 0;
    printf("%s(%s samples)\n", any ? "  " : "", cli_grouped(fv_scores_samples(t->scores), count));
    int classes = fv_scores_class_count(t->scores);
    if ((o->per_class || o->confusion) && !classes)
        return cli_fail_text(t->call, "there are no classes: the model does not choose between any");
    if (classes && (o->per_class || (classes <= FEW_CLASSES && !o->quiet))) cli_print_classes(t->scores);
    if (o->confusion && fv_scores_confusion(t->scores, 0, 0) < 0)
        return cli_fail_text(t->call, "%d classes are too many for --confusion", classes);
    if (o->confusion) cli_print_confusion(t->scores);
    return CLI_GOOD;
}

/* For scripts: is the model good enough? */
static int check_accuracy(const trial *t) {
    const options *o = t->call->options;
    if (o->min_accuracy == 0) return CLI_GOOD;
    double least = o->min_accuracy == FV_ZERO ? 0 : o->min_accuracy, accuracy = fv_scores_accuracy(t->scores);
    if (!fv_scores_class_count(t->scores))
        return cli_fail_text(t->call, "--min-accuracy: the model does not choose between classes");
    if (accuracy >= least) return CLI_GOOD;
    fflush(stdout);
    cli_fail_text(t->call, "accuracy %.2f%% is below %g%%", 100 * accuracy, 100 * least);
    return CLI_BELOW;
}

static bool open_all(trial *t, fv_error *error) {
    const options *o = t->call->options;
    t->models = calloc((size_t)t->count, sizeof *t->models);
    t->members = calloc((size_t)t->count, sizeof *t->members);
    if (!t->models || !t->members) return false;
    for (int m = 0; m < t->count; m++)
        if (!(t->models[m] = fv_model_load(t->call->operands[m], error))) return false;
    fv_data_options options = {.size = sizeof options,
                               .seed = (uint64_t)cli_number(o->data_seed),
                               .limit = o->limit,
                               .skip_bad = o->skip_bad};
    fv_data_options_for_model(&options, t->models[0]);
    t->data = cli_open_data(t->call, t->call->operands[t->count], true, &options, error);
    return t->data != NULL;
}

static int run(const cli_call *call) {
    const options *o = call->options;
    fv_error error = {0};
    trial t = {.call = call, .count = call->count - 1};
    if (cli_set_machine(call, o->isa, o->threads)) return CLI_FAILED;
    if (cli_check_products(call, o->exact, o->bf16)) return CLI_USAGE;
    if (open_all(&t, &error))
        t.scores = fv_score(t.models, t.count, t.data, &error, .batch_size = o->batch, .metrics = o->metrics,
                            .threads = (int)o->threads, .exact = o->exact, .bf16 = o->bf16, .tta = o->tta,
                            .members = t.count > 1 ? t.members : NULL);
    int status = t.scores ? print(&t) : cli_fail(call, &error);
    if (!status) status = check_accuracy(&t);
    fv_scores_free(t.scores);
    for (int m = 0; m < t.count; m++) {
        if (t.members) fv_scores_free(t.members[m]);
        if (t.models) fv_model_free(t.models[m]);
    }
    free(t.members);
    free(t.models);
    fv_data_free(t.data);
    return status;
}

const cli_command command_evaluate = {
    .name = "evaluate",
    .summary = "loss and metrics of a model over data",
    .usage = "MODEL [MODEL ...] DATA",
    .examples = "fovea evaluate run digits                      on the test part\n"
                "fovea evaluate run digits --confusion          also what is taken for what\n"
                "fovea evaluate run1 run2 run3 digits           a committee: the mean of their probabilities\n"
                "fovea evaluate run/last.safetensors DIR:train  on another part\n"
                "fovea evaluate run digits --metrics \"accuracy top3 f1\" --json\n"
                "fovea evaluate run digits -q --min-accuracy 0.97 && echo good enough\n",
    .details = "MODEL is a file or the folder of a run (then the best model in it). DATA is a folder or file, or a "
               "built-in name, with\n"
               "an optional part: DATA:test. Without one the test part is taken if there is one, else all.\n"
               "Precision is the part of the answers with a class that are right, recall the part of the samples of a "
               "class that are\n"
               "found, F1 their harmonic mean; 0/0 counts as 0, and means are over the classes that occur.\n"
               "Members of a committee read the samples each with its own preprocessing; it has no loss.",
    CLI_OPTIONS(list, options),
    .least = 2,
    .most = -1,
    .run = run};
