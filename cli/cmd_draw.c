/* cmd_draw.c - fovea draw: a network as a picture. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "layout.h"
#include "options.h"

typedef struct options {
    const char *output, *input;
    bool blocks, unfolded, across;
    cli_settings set;
} options;

static const cli_option list[] = {{"output", 'o', CLI_TEXT, offsetof(options, output), "FILE",
                                   "picture (.svg, .png, .pdf) or DOT text (.dot); default: DOT to standard output", 0,
                                   0},
                                  {"blocks", 'b', CLI_FLAG, offsetof(options, blocks), NULL,
                                   "every block as one box: the plan of a deep network", 0, 0},
                                  {"all", 'a', CLI_FLAG, offsetof(options, unfolded), NULL,
                                   "every repetition of a block, not one with their number", 0, 0},
                                  {"across", 0, CLI_FLAG, offsetof(options, across), NULL, "from left to right", 0, 0},
                                  {"input", 0, CLI_TEXT, offsetof(options, input), "SHAPE",
                                   "sample shape where the net leaves it open, 224x224x3", 0, 0},
                                  CLI_SETTINGS(options)};

static int write_text(const cli_call *call, const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    bool good = file && fputs(text, file) >= 0;
    int reason = errno;
    if (file && fclose(file)) good = false, reason = errno;
    return good ? CLI_GOOD : cli_fail_text(call, "%s: %s", path, strerror(reason));
}

/* Where it ends in ".dot" or ".gv" the text itself is asked for. */
static bool is_text(const char *ending) { return strcmp(ending, "dot") == 0 || strcmp(ending, "gv") == 0; }

/* No picture: the text goes beside where it would have been. NULL when even that fails, after saying so. */
static const char *write_beside(const cli_call *call, const char *path, const char *ending, const char *text,
                                char beside[4096]) {
    int stem = (int)(ending - path);
    if (stem > 4000) {
        cli_fail_text(call, "%.40s...: the name is too long", path);
        return NULL;
    }
    snprintf(beside, 4096, "%.*sdot", stem, path);
    return write_text(call, beside, text) ? NULL : beside;
}

static int write_picture(const cli_call *call, const char *path, const char *text) {
    char problem[CLI_PROBLEM], beside[4096];
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    if (!dot || !dot[1] || (slash && dot < slash))
        return cli_usage_error(call->command, "-o: expected a name ending in .svg, .png, .pdf or .dot, got '%s'", path);
    const char *ending = dot + 1;
    if (is_text(ending)) return write_text(call, path, text);
    if (cli_layout(text, ending, path, problem)) return CLI_GOOD;
    if (!write_beside(call, path, ending, text, beside)) return CLI_FAILED;
    if (cli_can_layout()) return cli_fail_text(call, "%s: Graphviz says: %s; wrote %s instead", path, problem, beside);
    return cli_fail_text(
        call,
        "this program was built without Graphviz (libgraphviz-dev); wrote %s instead: 'dot -T%s %s -o %s' "
        "draws it",
        beside, ending, beside, path);
}

static int draw(const cli_call *call, fv_net *net) {
    const options *o = call->options;
    fv_error error = {0};
    fv_shape shape = {0};
    if (o->input && !cli_read_shape(o->input, &shape))
        return cli_usage_error(call->command, "--input: expected a shape such as 224x224x3, got '%s'", o->input);
    char *text =
        fv_net_dot(net, &error, .input = shape, .blocks = o->blocks, .unfolded = o->unfolded, .across = o->across);
    if (!text) return cli_fail(call, &error);
    int status = CLI_GOOD;
    if (o->output)
        status = write_picture(call, o->output, text);
    else
        fputs(text, stdout);
    fv_free(text);
    return status;
}

static int run(const cli_call *call) {
    const options *o = call->options;
    return cli_with_net(call, &o->set, draw);
}

const cli_command command_draw = {
    .name = "draw",
    .summary = "a network as a picture",
    .usage = "NET|MODEL [-o FILE]",
    .examples = "fovea draw lenet5 -o lenet5.svg    a network of the zoo as a picture\n"
                "fovea draw my.net --blocks -o my.png   every block as one box\n"
                "fovea draw lenet5 | dot -Tx11      the DOT text, for Graphviz's own tools\n",
    .details = "Blocks are framed, repetitions of a block that read one another are drawn once with their number, "
               "layers that keep the\n"
               "shape (batch norm, activations, dropout) stand below the layer that they follow. Arrows say the shape "
               "of one sample.\n"
               "Pictures need Graphviz; without it the DOT text is written beside, to FILE with the ending .dot.",
    CLI_OPTIONS(list, options),
    .least = 1,
    .most = 1,
    .run = run};
