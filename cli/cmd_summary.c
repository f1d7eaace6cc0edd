/* cmd_summary.c - fovea summary: what a network costs, layer by layer, before any run. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "foretell.h"
#include "options.h"
#include "quiz.h"

typedef struct options {
    bool json, text, quiz, answers, plan, training, exact, bf16;
    int64_t batch;
    const char *input;
    cli_settings set;
} options;

static const cli_option list[] = {
    {"input", 0, CLI_TEXT, offsetof(options, input), "SHAPE", "sample shape where the net leaves it open, 224x224x3", 0,
     0},
    CLI_SETTINGS(options),
    {"text", 0, CLI_FLAG, offsetof(options, text), NULL, "the network as flat text instead", 0, 0},
    {"quiz", 'q', CLI_FLAG, offsetof(options, quiz), NULL, "asks about it: shapes, what a cell sees, what costs most",
     0, 0},
    {"answers", 0, CLI_FLAG, offsetof(options, answers), NULL, "the quiz with its answers and the working in numbers",
     0, 0},
    {"plan", 0, CLI_FLAG, offsetof(options, plan), NULL, "how a run goes instead: each call, its kernel and its bytes",
     0, 0},
    {"batch", 'b', CLI_WHOLE, offsetof(options, batch), "N",
     "samples in a run; default 1, for the line on training the net's", 1, 1e9},
    {"training", 0, CLI_FLAG, offsetof(options, training), NULL, "plan a step of training, not inference", 0, 0},
    CLI_EXACT(options),
    CLI_BF16(options),
    CLI_JSON(options)};

/* ---- the table -------------------------------------------------------------------------------------------------- */

enum { NAME, OPERATOR, OUTPUT, PARAMETERS, WORKING, MACS, FIELD, JUMP, MEMORY, COLUMNS };
static const char *const heads[COLUMNS] = {"layer",         "operator", "output", "parameters", "",
                                           "multiply-adds", "sees",     "jump",   "memory"};
static const bool right[COLUMNS] = {[PARAMETERS] = true, [MACS] = true, [FIELD] = true, [JUMP] = true, [MEMORY] = true};

enum { CELL = 160 };
typedef struct row {
    char cell[COLUMNS][CELL];
} row;

/* Cells that would be wide are cut. */
static void fit(char *cell, size_t width) {
    if (strlen(cell) > width) snprintf(cell + width - 3, 4, "...");
}

static void number_or_dash(char *cell, int64_t n) {
    if (n)
        cli_grouped(n, cell);
    else
        snprintf(cell, CELL, "-");
}

static void fill(row *r, const fv_layer *layer) {
    char shape[128];
    snprintf(r->cell[NAME], CELL, "%s", layer->name);
    snprintf(r->cell[OPERATOR], CELL, "%s%s%s", layer->op, layer->detail && *layer->detail ? " " : "",
             layer->detail ? layer->detail : "");
    const char *output = fv_shape_text(&layer->output, shape, sizeof shape);
    snprintf(r->cell[OUTPUT], CELL, "%s", strncmp(output, "Nx", 2) == 0 ? output + 2 : output);
    number_or_dash(r->cell[PARAMETERS], layer->parameters);
    if (layer->parameters && layer->working && *layer->working)
        snprintf(r->cell[WORKING], CELL, "= %s", layer->working);
    number_or_dash(r->cell[MACS], layer->macs);
    number_or_dash(r->cell[FIELD], layer->receptive_field);
    number_or_dash(r->cell[JUMP], layer->jump);
    cli_bytes(layer->bytes, r->cell[MEMORY]);
    fit(r->cell[NAME], 36);
    fit(r->cell[OPERATOR], 40);
    fit(r->cell[WORKING], 36);
}

static void print_row(const row *r, const int *widths) {
    char line[COLUMNS * (CELL + 2) + 1];
    int at = 0;
    for (int c = 0; c < COLUMNS; c++) {
        if (!widths[c]) continue;
        at += snprintf(line + at, sizeof line - (size_t)at, right[c] ? "%s%*s" : "%s%-*s", at ? "  " : "", widths[c],
                       r->cell[c]);
    }
    while (at && line[at - 1] == ' ') at--;
    printf("%.*s\n", at, line);
}

static void print_rule(const int *widths) {
    int total = -2;
    for (int c = 0; c < COLUMNS; c++) total += widths[c] ? widths[c] + 2 : 0;
    for (int i = 0; i < total; i++) fputs(cli_unicode() ? "\u2500" : "-", stdout);
    putchar('\n');
}

static void print_table(const row *rows, int count) {
    row head = {0};
    int widths[COLUMNS] = {0};
    for (int c = 0; c < COLUMNS; c++) {
        for (int i = 0; i < count; i++)
            if ((int)strlen(rows[i].cell[c]) > widths[c]) widths[c] = (int)strlen(rows[i].cell[c]);
        snprintf(head.cell[c], CELL, "%s", heads[c]);
        if (widths[c] && (int)strlen(heads[c]) > widths[c]) widths[c] = (int)strlen(heads[c]);
    }
    print_row(&head, widths);
    print_rule(widths);
    for (int i = 0; i < count - 1; i++) print_row(&rows[i], widths);
    print_rule(widths);
    print_row(&rows[count - 1], widths);
}

/* ---- below the table -------------------------------------------------------------------------------------------- */

static void print_most(const fv_summary *summary, const fv_layer *total) {
    const fv_layer *costly = NULL, *heavy = NULL;
    char a[32], b[32];
    for (int i = 0; i < fv_summary_count(summary); i++) {
        const fv_layer *layer = fv_summary_layer(summary, i);
        if (layer->macs && (!costly || layer->macs > costly->macs)) costly = layer;
        if (layer->parameters && (!heavy || layer->parameters > heavy->parameters)) heavy = layer;
    }
    if (total->trainable != total->parameters)
        printf("%s of the parameters are trainable, %s are fixed.\n", cli_grouped(total->trainable, a),
               cli_grouped(total->parameters - total->trainable, b));
    if (costly)
        printf("Most expensive:   %s, %.0f%% of the multiply-adds.\n", costly->name,
               100.0 * (double)costly->macs / (double)total->macs);
    if (heavy)
        printf("Most parameters:  %s, %.0f%% of them.\n", heavy->name,
               100.0 * (double)heavy->parameters / (double)total->parameters);
    printf("Memory is that of the outputs for one sample; the weights take %s.\n", cli_bytes(4 * total->parameters, a));
}

static int print_summary(const cli_call *call, fv_net *net, const fv_shape *input, const fv_summary *summary) {
    int count = fv_summary_count(summary);
    fv_layer total = fv_summary_total(summary);
    row *rows = calloc((size_t)count + 1, sizeof *rows);
    if (!rows) return cli_fail_text(call, "not enough memory for the table");
    for (int i = 0; i < count; i++) fill(&rows[i], fv_summary_layer(summary, i));
    row *last = &rows[count];
    snprintf(last->cell[NAME], CELL, "total");
    cli_grouped(total.parameters, last->cell[PARAMETERS]);
    cli_grouped(total.macs, last->cell[MACS]);
    cli_bytes(total.bytes, last->cell[MEMORY]);
    print_table(rows, count + 1);
    print_most(summary, &total);
    cli_print_memory(net, input, ((const options *)call->options)->batch);
    free(rows);
    return CLI_GOOD;
}

/* [26, 26, 32]: the sizes of one sample's output, null where one is open. */
static json_t *json_sizes(const fv_shape *shape) {
    json_t *sizes = json_array();
    for (int d = 0; d < shape->rank; d++) {
        if (d == 0 && shape->dim[d] == FV_BATCH) continue;
        json_array_append_new(sizes, shape->dim[d] == FV_OPEN ? json_null() : json_integer(shape->dim[d]));
    }
    return sizes;
}

static json_t *json_layer(const fv_layer *layer) {
    return json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:I}", "name", layer->name, "op", layer->op, "output",
                     json_sizes(&layer->output), "parameters", (json_int_t)layer->parameters, "macs",
                     (json_int_t)layer->macs, "receptive_field", (json_int_t)layer->receptive_field, "jump",
                     (json_int_t)layer->jump);
}

static int print_json(const cli_call *call, fv_net *net, const fv_shape *input, const fv_summary *summary) {
    int64_t batch = ((const options *)call->options)->batch;
    fv_layer total = fv_summary_total(summary);
    json_t *layers = json_array();
    for (int i = 0; i < fv_summary_count(summary); i++)
        json_array_append_new(layers, json_layer(fv_summary_layer(summary, i)));
    return cli_print_json(call, json_pack("{s:I, s:I, s:I, s:o, s:o}", "parameters", (json_int_t)total.parameters,
                                          "trainable", (json_int_t)total.trainable, "macs", (json_int_t)total.macs,
                                          "memory", cli_json_memory(net, input, batch), "layers", layers));
}

/* ---- the plan --------------------------------------------------------------------------------------------------- */

static int print_plan(const cli_call *call, const options *o, fv_net *net, const fv_shape *shape) {
    fv_error error = {0};
    fv_run_options options = {.size = sizeof options, .batch = o->batch, .exact = o->exact, .bf16 = o->bf16};
    options.training = options.gradients = o->training;
    if (shape) options.input = *shape;
    fv_net *trained = o->training ? fv_net_with_loss(net, NULL, &error) : NULL;
    if (o->training && !trained) return cli_fail(call, &error);
    char *text = fv_net_plan_text_with(trained ? trained : net, &error, &options);
    fv_net_free(trained);
    if (!text) return cli_fail(call, &error);
    fputs(text, stdout);
    fv_free(text);
    return CLI_GOOD;
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static int print(const cli_call *call, fv_net *net) {
    const options *o = call->options;
    fv_error error = {0};
    fv_shape shape;
    if ((o->quiz || o->answers) + o->json + o->text + o->plan > 1)
        return cli_usage_error(call->command, "--quiz, --json, --text and --plan exclude one another");
    if (!o->plan && (o->training || o->exact || o->bf16))
        return cli_usage_error(call->command, "--training, --exact and --bf16 are for --plan");
    if (cli_check_products(call, o->exact, o->bf16)) return CLI_USAGE;
    if (o->batch && (o->quiz || o->answers || o->text))
        return cli_usage_error(call->command, "--batch is for the table, --json and --plan");
    if (o->input && !cli_read_shape(o->input, &shape))
        return cli_usage_error(call->command, "--input: expected a shape such as 224x224x3, got '%s'", o->input);
    if (o->text) {
        char *text = fv_net_text(net);
        if (!text) return cli_fail_text(call, "not enough memory for the text");
        fputs(text, stdout);
        fv_free(text);
        return CLI_GOOD;
    }
    if (o->plan) return print_plan(call, o, net, o->input ? &shape : NULL);
    fv_summary *summary = fv_summarize(net, o->input ? &shape : NULL, &error);
    if (!summary) return cli_fail(call, &error);
    int status;
    if (o->quiz || o->answers)
        status = cli_quiz(call, summary, o->answers);
    else
        status = (o->json ? print_json : print_summary)(call, net, o->input ? &shape : NULL, summary);
    fv_summary_free(summary);
    return status;
}

static int run(const cli_call *call) {
    const options *o = call->options;
    return cli_with_net(call, &o->set, print);
}

const cli_command command_summary = {
    .name = "summary",
    .summary = "what a network costs, layer by layer, before any run",
    .usage = "NET|MODEL [--json]",
    .examples = "fovea summary lenet5               a network of the zoo\n"
                "fovea summary my.net --set width=8 a file, with one of its params set\n"
                "fovea summary run                  a trained model\n"
                "fovea summary lenet5 --quiz        the lectures' questions about it\n"
                "fovea summary lenet5 --plan        the calls of a run: kernels, expected times, memory\n"
                "fovea summary lenet5 --json        the same for programs\n",
    .details =
        "For each layer: the shape of its output for one sample, its parameters (with the formula in numbers), the\n"
        "multiply-adds of convolutions and products, how many rows of the input one cell of the output sees and how\n"
        "many lie between neighbours, and the memory of its output. Below it: what a run needs in memory, and a step of\n"
        "training, by the plan that would be carried out. No weights are allocated.",
    CLI_OPTIONS(list, options),
    .least = 1,
    .most = 1,
    .run = run};
