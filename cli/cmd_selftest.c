/* cmd_selftest.c - fovea selftest: worked answers of lectures, computed by this program on this machine. */
#include <inttypes.h>
#include <string.h>

#include "common.h"

typedef struct options {
    bool json, quiet;
    const char *isa;
    int64_t threads;
} options;

static const cli_option list[] = {
    {"quiet", 'q', CLI_FLAG, offsetof(options, quiet), NULL, "only what failed, and the count", 0, 0},
    CLI_THREADS(options),
    CLI_ISA(options),
    CLI_JSON(options)};

typedef struct tally {
    const options *options;
    json_t *all;
    int count, failed;
} tally;

static void note(tally *t, const char *subject, const char *title, const char *result, const char *problem) {
    t->count++;
    t->failed += problem != NULL;
    if (t->all)
        json_array_append_new(t->all,
                              json_pack("{s:s, s:s, s:s, s:b, s:s}", "subject", subject, "title", title, "result",
                                        result, "passed", problem == NULL, "problem", problem ? problem : ""));
    else if (problem)
        printf("FAILED  %s: %s\n        %s\n", subject, title, problem);
    else if (!t->options->quiet)
        printf("ok      %s: %s\n        %s\n", subject, title, result);
}

/* ---- worked examples of the operators --------------------------------------------------------------------------- */

static void on_example(void *user, const char *op, const char *title, const char *result, const char *problem) {
    note(user, op, title, result, problem);
}

/* ---- whole networks: counts and what a cell sees ---------------------------------------------------------------- */

typedef struct cost_check {
    const char *title, *text;                  /* a name of the zoo, or a text */
    const char *layer;                         /* NULL: the total */
    const char *output;                        /* NULL: any */
    int64_t parameters, macs, receptive_field; /* -1: any */
} cost_check;

static const cost_check costs[] = {
    {"1 convolution of 3x3 sees 3 rows", "input 100x100x1\nconv 1 3x3 padding=same\n", "conv1", NULL, -1, -1, 3},
    {"3 stacked ones see 7", "input 100x100x1\nrepeat 3\n  conv 1 3x3 padding=same\n", "conv3", NULL, -1, -1, 7},
    {"50 stacked ones see 101", "input 200x200x1\nrepeat 50\n  conv 1 3x3 padding=same\n", "conv50", NULL, -1, -1, 101},
    {"the whole network", "mnist_cnn", NULL, NULL, 93322, 2794240, -1},
    {"the second convolution sees 8 rows", "mnist_cnn", "conv2", "Nx11x11x64", -1, -1, 8},
    {"the third one sees 18", "mnist_cnn", "conv3", "Nx3x3x64", -1, -1, 18},
    {"the whole network", "lenet5", NULL, NULL, 60840, -1, -1},
    {"C5 sees 32 rows", "lenet5", "C5", "Nx1x1x120", 48120, -1, 32},
    {"the whole network", "lenet_relu", NULL, NULL, 62006, -1, -1},
    {"the whole network", "lenet_mnist", NULL, NULL, 44426, 281640, -1},
};

static fv_layer find_layer(const fv_summary *summary, const char *name) {
    for (int i = 0; name && i < fv_summary_count(summary); i++)
        if (strcmp(fv_summary_layer(summary, i)->name, name) == 0) return *fv_summary_layer(summary, i);
    return fv_summary_total(summary);
}

/* Adds "WHAT N" to the result, and to the problem if N is not what was expected. */
static void compare(char *result, char *problem, size_t size, const char *what, int64_t expected, int64_t got) {
    char number[32];
    size_t length = strlen(result);
    if (expected < 0) return;
    snprintf(result + length, size - length, "%s%s %s", length ? ", " : "", cli_grouped(got, number), what);
    if (expected != got) snprintf(problem, size, "%s: expected %" PRId64 ", got %" PRId64, what, expected, got);
}

static void check_cost(tally *t, const cost_check *c) {
    fv_error error = {0};
    char result[300] = "", problem[300] = "", shape[128];
    const char *text = fv_zoo_text(c->text);
    fv_net *net = fv_net_parse(text ? text : c->text, c->text, NULL, 0, &error);
    fv_summary *summary = net ? fv_summarize(net, NULL, &error) : NULL;
    if (!summary)
        fv_error_text(&error, problem, sizeof problem);
    else {
        fv_layer layer = find_layer(summary, c->layer);
        if (c->output) {
            fv_shape_text(&layer.output, shape, sizeof shape);
            snprintf(result, sizeof result, "%s", shape);
            if (strcmp(shape, c->output) != 0)
                snprintf(problem, sizeof problem, "output: expected %s, got %s", c->output, shape);
        }
        compare(result, problem, sizeof result, "parameters", c->parameters, layer.parameters);
        compare(result, problem, sizeof result, "multiply-adds", c->macs, layer.macs);
        compare(result, problem, sizeof result, "rows seen", c->receptive_field, layer.receptive_field);
    }
    note(t, text ? c->text : "stack", c->title, result, *problem ? problem : NULL);
    fv_summary_free(summary);
    fv_net_free(net);
}

static int run(const cli_call *call) {
    const options *o = call->options;
    if (cli_set_machine(call, o->isa, o->threads)) return CLI_FAILED;
    tally t = {.options = o, .all = o->json ? json_array() : NULL};
    fv_selftest(on_example, &t);
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) check_cost(&t, &costs[i]);
    if (t.all) {
        cli_print_json(call, t.all);
    } else if (t.failed) {
        printf("%d of %d worked answers differ (%s, %d threads).\n", t.failed, t.count, fv_isa(), fv_threads());
    } else {
        printf("All %d worked answers are right (%s, %d threads).\n", t.count, fv_isa(), fv_threads());
    }
    return t.failed ? CLI_FAILED : CLI_GOOD;
}

const cli_command command_selftest = {.name = "selftest",
                                      .summary = "worked answers of lectures, computed here",
                                      .usage = "[--quiet]",
                                      .examples = "fovea selftest                    all, with their results\n"
                                                  "fovea selftest --isa reference    on the plain loops\n",
                                      CLI_OPTIONS(list, options),
                                      .run = run};
