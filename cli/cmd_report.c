/* cmd_report.c - fovea report: a page about a training. */
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "options.h"

typedef struct options {
    const char *output, *validation;
    int64_t threads;
} options;

static const cli_option list[] = {
    {"output", 'o', CLI_TEXT, offsetof(options, output), "FILE", "where it goes; default report.html in RUN", 0, 0},
    {"validation", 0, CLI_TEXT, offsetof(options, validation), "DATA", "what was validated on, if it has moved", 0, 0},
    CLI_THREADS(options)};

static int64_t number_of(const fv_model *model, const char *key) {
    const char *note = fv_model_note(model, key);
    return note ? strtoll(note, NULL, 10) : 0;
}

/* The data of the training, opened as it was, unless other data is named. */
static int report(const cli_call *call, const fv_model *model) {
    const options *o = call->options;
    const char *folder = call->operands[0], *spec = call->count > 1 ? call->operands[1] : NULL, *other = o->validation;
    if (!spec) spec = fv_model_note(model, "command.data");
    if (!other) other = fv_model_note(model, "command.validation");
    if (!spec) return cli_fail_text(call, "%s does not say what it was trained on; name DATA", folder);
    fv_error error = {0};
    fv_data_options options = {.size = sizeof options,
                               .seed = (uint64_t)number_of(model, "command.data_seed"),
                               .limit = number_of(model, "command.limit"),
                               .skip_bad = number_of(model, "command.skip_bad") != 0};
    fv_data_options_for_model(&options, model);
    fv_data *data = cli_open_data(call, spec, false, &options, &error), *validation = NULL;
    options.limit = 0;
    if (data && other) validation = cli_open_data(call, other, true, &options, &error);
    bool good = data && (validation || !other) &&
                fv_report(folder, data, &error, .validation = validation, .path = o->output,
                          .threads = (int)o->threads) == FV_OK;
    fv_data_free(validation);
    fv_data_free(data);
    if (!good) return cli_fail(call, &error);
    if (o->output)
        printf("%s\n", o->output);
    else
        printf("%s/report.html\n", folder);
    return CLI_GOOD;
}

static int run(const cli_call *call) {
    const options *o = call->options;
    fv_error error = {0};
    if (cli_set_machine(call, NULL, o->threads)) return CLI_FAILED;
    fv_model *model = fv_model_load(call->operands[0], &error);
    int status = model ? report(call, model) : cli_fail(call, &error);
    fv_model_free(model);
    return status;
}

const cli_command command_report = {
    .name = "report",
    .summary = "a page about a training",
    .usage = "RUN [DATA] [-o FILE]",
    .examples = "fovea report run                 writes run/report.html anew, also of a run that was stopped\n"
                "fovea report run -o page.html    somewhere else\n"
                "fovea report run mnist/          the data has moved\n",
    .details =
        "fovea train -o RUN writes the page at its end. It is one file that needs no other and no network: curves, "
        "what the best\n"
        "model takes for what on the samples that were held back, its surest mistakes as pictures, the network "
        "and the options.",
    CLI_OPTIONS(list, options),
    .least = 1,
    .most = 2,
    .run = run};
