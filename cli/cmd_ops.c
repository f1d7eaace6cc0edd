/* cmd_ops.c - fovea ops: the operators. */
#include "common.h"

typedef struct options {
    bool json;
} options;

static const cli_option list[] = {CLI_JSON(options)};

static int run(const cli_call *call) {
    const options *o = call->options;
    json_t *all = o->json ? json_array() : NULL;
    for (int i = 0; i < fv_op_count(); i++) {
        const char *name = fv_op_name(i), *summary = fv_op_summary(name);
        if (all)
            json_array_append_new(all, json_pack("{s:s, s:s}", "name", name, "summary", summary));
        else
            printf("%-20s%s\n", name, summary);
    }
    if (all) return cli_print_json(call, all);
    printf("\nfovea help NAME tells all about one.\n");
    return CLI_GOOD;
}

const cli_command command_ops = {.name = "ops",
                                 .summary = "operators that networks are made of",
                                 .usage = "",
                                 .examples = "fovea ops             all of them\nfovea help conv       one of them\n",
                                 CLI_OPTIONS(list, options),
                                 .run = run};
