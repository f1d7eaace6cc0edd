/* cmd_convert.c - fovea convert: a model from weights that have other names and layouts. */
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "options.h"

typedef struct options {
    const char *net, *out, *names, *preprocess, *classes, *input;
    bool verbose, channels_last;
    cli_settings set;
} options;

static const cli_option list[] = {
    {"net", 'n', CLI_TEXT, offsetof(options, net), "NET", "the network that the weights belong to", 0, 0},
    {"out", 'o', CLI_TEXT, offsetof(options, out), "FILE", "where the model goes; .onnx: as ONNX, else as safetensors",
     0, 0},
    CLI_SETTINGS(options),
    {"names", 0, CLI_TEXT, offsetof(options, names), "NAMES",
     "rules for names: densenet, vgg, ... or a file; default those that fit the net", 0, 0},
    {"preprocess", 0, CLI_TEXT, offsetof(options, preprocess), "TEXT",
     "\"scale=1/255 mean=0.485,0.456,0.406 deviation=0.229,0.224,0.225\"", 0, 0},
    {"classes", 0, CLI_TEXT, offsetof(options, classes), "FILE", "names of the classes, one a line", 0, 0},
    {"input", 0, CLI_TEXT, offsetof(options, input), "SHAPE",
     "of ONNX: size of a sample where the net leaves it open, 224x224x3", 0, 0},
    {"channels-last", 0, CLI_FLAG, offsetof(options, channels_last), NULL,
     "of ONNX: inputs and outputs stay (N, H, W, C); else (N, C, H, W)", 0, 0},
    {"verbose", 'v', CLI_FLAG, offsetof(options, verbose), NULL, "every weight with the name it comes from", 0, 0}};

/* ---- names of classes ------------------------------------------------------------------------------------------- */

typedef struct lines {
    char **of;
    int count, capacity;
} lines;

static void free_lines(lines *l) {
    for (int i = 0; i < l->count; i++) free(l->of[i]);
    free(l->of);
}

static bool add_line(lines *l, char *line) {
    if (l->count == l->capacity) {
        int capacity = l->capacity ? 2 * l->capacity : 64;
        char **more = realloc(l->of, (size_t)capacity * sizeof *more);
        if (!more) return free(line), false;
        l->of = more;
        l->capacity = capacity;
    }
    l->of[l->count++] = line;
    return true;
}

/* CLI_GOOD, or CLI_FAILED after saying why. */
static int read_lines(const cli_call *call, const char *path, lines *out) {
    enum { MOST = 1000000 };
    FILE *file = fopen(path, "r");
    if (!file) return cli_fail_text(call, "%s cannot be opened", path);
    bool good = true;
    for (size_t size = 0; good;) {
        char *line = NULL;
        if (getline(&line, &size, file) < 0) {
            free(line);
            break;
        }
        size = 0;
        line[strcspn(line, "\r\n")] = 0;
        good = out->count < MOST && add_line(out, line);
    }
    bool failed = ferror(file) || !good;
    fclose(file);
    return failed ? cli_fail_text(call, "%s cannot be read as names, one a line", path) : CLI_GOOD;
}

/* ---- telling ---------------------------------------------------------------------------------------------------- */

typedef struct report {
    bool verbose;
    int weights, problems, unused;
    lines unused_names;
} report;

static void on_line(void *user, const fv_import_line *line) {
    report *r = user;
    if (!line->weight) {
        r->unused++;
        char *copy = strdup(line->source);
        if (copy) add_line(&r->unused_names, copy);
        return;
    }
    r->weights++;
    if (line->problem) {
        r->problems++;
        fprintf(stderr, "  %s (%s): %s\n", line->source ? line->source : "?", line->weight, line->problem);
    } else if (r->verbose)
        printf("  %-44s <- %s\n", line->weight, line->source);
}

static void print_unused(const report *r) {
    if (!r->unused) return;
    int shown = r->verbose ? r->unused_names.count : r->unused_names.count < 8 ? r->unused_names.count : 8;
    printf("Not used by the net: %d", r->unused);
    for (int i = 0; i < shown; i++) printf("%s %s", i ? "," : ":", r->unused_names.of[i]);
    printf("%s\n", shown < r->unused ? ", ..." : "");
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

/* The model from weights of other names; NULL and *status after saying why. */
static fv_model *import(const cli_call *call, fv_net *net, const lines *classes, report *r, int *status) {
    const options *o = call->options;
    fv_error error = {0};
    fv_model *model = fv_model_import(net, call->operands[0], &error, .names = o->names, .preprocess = o->preprocess,
                                      .classes = o->classes ? (const char *const *)classes->of : NULL,
                                      .class_count = classes->count, .on_line = on_line, .user = r);
    if (!model && r->problems)
        *status = cli_fail_text(call, "%s: %d of the net's %d weights %s not fit", call->operands[0], r->problems,
                                r->weights, r->problems == 1 ? "does" : "do");
    else if (!model)
        *status = cli_fail(call, &error);
    return model;
}

static fv_status save(const options *o, const fv_model *model, fv_error *error) {
    const char *end = strrchr(o->out, '.');
    fv_onnx_export_options as = {.size = sizeof as, .channels_last = o->channels_last};
    if (!end || strcmp(end, ".onnx") != 0) return fv_model_save(model, o->out, error);
    if (o->input) cli_read_shape(o->input, &as.input);
    return fv_onnx_export_with(model, o->out, error, &as);
}

/* A model of ours, or one that is imported. */
static fv_model *open_model(const cli_call *call, const lines *classes, report *r, int *status) {
    const options *o = call->options;
    fv_error error = {0};
    if (!o->net) {
        fv_model *model = fv_model_load(call->operands[0], &error);
        if (!model) *status = cli_fail(call, &error);
        return model;
    }
    fv_net *net = fv_net_load(o->net, o->set.of, o->set.count, &error);
    if (!net) return *status = cli_fail(call, &error), NULL;
    fv_model *model = import(call, net, classes, r, status);
    fv_net_free(net);
    return model;
}

static int convert(const cli_call *call, const lines *classes, report *r) {
    const options *o = call->options;
    fv_error error = {0};
    int status = CLI_GOOD;
    fv_model *model = open_model(call, classes, r, &status);
    if (!model) return status;
    if (save(o, model, &error))
        status = cli_fail(call, &error);
    else {
        print_unused(r);
        printf("%s: %d weights for %s\n", o->out, fv_model_weight_count(model), o->net ? o->net : call->operands[0]);
    }
    fv_model_free(model);
    return status;
}

static int run(const cli_call *call) {
    const options *o = call->options;
    lines classes = {0};
    fv_shape shape;
    if (!o->out) return cli_usage_error(call->command, "where to? -o FILE");
    if (!o->net && (o->names || o->preprocess || o->classes || o->set.count))
        return cli_usage_error(call->command, "which network do the weights belong to? --net NET");
    if (o->input && !cli_read_shape(o->input, &shape))
        return cli_usage_error(call->command, "--input: expected a shape such as 224x224x3, got '%s'", o->input);
    if (o->classes && read_lines(call, o->classes, &classes)) return free_lines(&classes), CLI_FAILED;
    report r = {.verbose = o->verbose};
    int status = convert(call, &classes, &r);
    free_lines(&classes);
    free_lines(&r.unused_names);
    return status;
}

const cli_command command_convert = {
    .name = "convert",
    .summary = "models to and from other programs",
    .usage = "MODEL -o MODEL.onnx | WEIGHTS --net NET -o MODEL",
    .examples = "fovea convert run -o model.onnx                    for every program that reads ONNX\n"
                "fovea convert resnet34.safetensors --net resnet34 -o model.safetensors\n"
                "fovea convert w.safetensors --net resnet34 --set classes=10 --classes names.txt -o model.safetensors\n"
                "fovea convert w.safetensors --net my.net --names my.names -o model.safetensors\n",
    .details =
        "MODEL is a file or the folder of a run. As ONNX (opset 17) it has its class names and preprocessing in the metadata.\n"
        "With --net every weight of the net is looked up by the name that torchvision gives it and brought into the layout "
        "of this\n"
        "program; what is missing or has another shape is listed, and then nothing is written. What the net has "
        "no use\n"
        "for (auxiliary heads) is left out. PyTorch writes such a file by\n"
        "    safetensors.torch.save_file(model.state_dict(), \"weights.safetensors\")\n"
        "The model wants pictures as such weights do, unless --preprocess says otherwise.\n"
        "A .param file is read as ncnn's, with the .bin beside it.\n"
        "Rules for other names are lines OURS -> THEIRS that translate a name from left to right, such as\n"
        "    stage{s} -> layer{s}\n"
        "    .basic{b} -> .{b-1}",
    CLI_OPTIONS(list, options),
    .least = 1,
    .most = 1,
    .run = run};
