/* cmd_evaluate.c - fovea evaluate: loss and metrics of a model over data. */
#include <inttypes.h>

#include "common.h"

typedef struct options {
    bool json;
    const char *metrics, *isa;
    int64_t batch, limit, data_seed, threads;
} options;

static const cli_option list[] = {
    {"metrics", 0, CLI_TEXT, offsetof(options, metrics), "LIST", "\"accuracy top3\"; default those of the training", 0,
     0},
    {"batch", 'b', CLI_WHOLE, offsetof(options, batch), "N", "samples at a time; default 64", 1, 1e15},
    CLI_LIMIT(options),
    CLI_DATA_SEED(options),
    CLI_THREADS(options),
    CLI_ISA(options),
    CLI_JSON(options)};

static int print(const cli_call *call, const options *o, const fv_history *history, int64_t samples) {
    char text[48], count[32];
    if (o->json) {
        json_t *metrics = json_object();
        for (int i = 0; i < fv_history_metric_count(history); i++) {
            const char *name = fv_history_metric_name(history, i);
            json_object_set_new(metrics, name, cli_json_number(fv_history_get(history, name, 0)));
        }
        return cli_print_json(call, json_pack("{s:s, s:s, s:I, s:o}", "model", call->operands[0], "data",
                                              call->operands[1], "samples", (json_int_t)samples, "metrics", metrics));
    }
    for (int i = 0; i < fv_history_metric_count(history); i++) {
        const char *name = fv_history_metric_name(history, i);
        printf("%s%s", i ? "  " : "", cli_metric(name, fv_history_get(history, name, 0), text));
    }
    printf("  (%s samples)\n", cli_grouped(samples, count));
    return CLI_GOOD;
}

static int run(const cli_call *call) {
    const options *o = call->options;
    fv_error error = {0};
    if (cli_set_machine(call, o->isa, o->threads)) return CLI_FAILED;
    fv_model *model = fv_model_load(call->operands[0], &error);
    fv_data *data = model ? cli_open_data(call->operands[1], true, o->data_seed, o->limit, &error) : NULL;
    fv_history *history = NULL;
    if (data)
        history =
            fv_evaluate(model, data, &error, .batch_size = o->batch, .metrics = o->metrics, .threads = (int)o->threads);
    int status = history ? print(call, o, history, fv_data_count(data)) : cli_fail(call, &error);
    fv_history_free(history);
    fv_data_free(data);
    fv_model_free(model);
    return status;
}

const cli_command command_evaluate = {
    .name = "evaluate",
    .summary = "loss and metrics of a model over data",
    .usage = "MODEL DATA",
    .examples = "fovea evaluate run digits                      on the test part\n"
                "fovea evaluate run/last.safetensors DIR:train  on another part\n"
                "fovea evaluate run digits --metrics \"accuracy top3\" --json\n",
    .details = "MODEL is a file or the folder of a run (then the best model in it). DATA is a folder or file, or a "
               "built-in name, with\n"
               "an optional part: DATA:test. Without one the test part is taken if there is one, else all.",
    CLI_OPTIONS(list, options),
    .least = 2,
    .most = 2,
    .run = run};
