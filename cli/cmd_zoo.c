/* cmd_zoo.c - fovea zoo: the networks that the program carries. */
#include <string.h>

#include "common.h"
#include "options.h"
#include "zoo_page.h"

typedef struct options {
    bool json, markdown;
} options;

static const cli_option list[] = {
    {"markdown", 0, CLI_FLAG, offsetof(options, markdown), NULL, "all of them as a page", 0, 0}, CLI_JSON(options)};

static int print_list(void) {
    const char *line;
    int width = 0;
    for (int i = 0; i < fv_zoo_count(); i++)
        if ((int)strlen(fv_zoo_name(i)) > width) width = (int)strlen(fv_zoo_name(i));
    for (int i = 0; i < fv_zoo_count(); i++) {
        const char *name = fv_zoo_name(i), *text = fv_zoo_text(name);
        for (int k = 0, n; (n = cli_comment_line(text, k, &line)) > 0; k++)
            printf("%-*s  %.*s\n", width, k ? "" : name, n, line);
    }
    printf("\nfovea zoo NAME prints a network, fovea summary NAME what it costs.\n");
    return CLI_GOOD;
}

static int print_json(const cli_call *call) {
    json_t *all = json_array();
    for (int i = 0; i < fv_zoo_count(); i++)
        json_array_append_new(all,
                              json_pack("{s:s, s:s}", "name", fv_zoo_name(i), "text", fv_zoo_text(fv_zoo_name(i))));
    return cli_print_json(call, all);
}

static int run(const cli_call *call) {
    const options *o = call->options;
    if (o->markdown && (o->json || call->count))
        return cli_usage_error(call->command, "--markdown is about all of them, and alone");
    if (o->markdown) return cli_zoo_page(call);
    if (!call->count) return o->json ? print_json(call) : print_list();
    const char *name = call->operands[0], *text = fv_zoo_text(name);
    if (!text) {
        fv_error error = {0};
        fv_net_free(fv_net_load(name, NULL, 0, &error)); /* says what is near */
        return error.status ? cli_fail(call, &error) : cli_fail_text(call, "'%s' is not in the zoo", name);
    }
    if (o->json) return cli_print_json(call, json_pack("{s:s, s:s}", "name", name, "text", text));
    fputs(text, stdout);
    return CLI_GOOD;
}

const cli_command command_zoo = {
    .name = "zoo",
    .summary = "networks that the program carries",
    .usage = "[NAME]",
    .examples = "fovea zoo             all of them\nfovea zoo lenet5      the text of one, to start from\n",
    CLI_OPTIONS(list, options),
    .most = 1,
    .run = run};
