/* cmd_help.c - fovea help: the program, a command or an operator. */
#include "common.h"
#include "options.h"

static int unknown(const cli_call *call, const char *name) {
    const char *names[512];
    int count = 0;
    for (int i = 0; cli_commands[i]; i++) names[count++] = cli_commands[i]->name;
    for (int i = 0; i < fv_op_count() && count < 512; i++) names[count++] = fv_op_name(i);
    const char *near = cli_nearest(name, names, count);
    return cli_fail_text(call, "there is no command or operator '%s'%s%s%s", name, near ? "; did you mean '" : "",
                         near ? near : "", near ? "'?" : "");
}

static int run(const cli_call *call) {
    if (!call->count) {
        cli_print_overview(stdout);
        return CLI_GOOD;
    }
    const char *name = call->operands[0];
    const cli_command *command = cli_find_command(name);
    if (command) {
        cli_print_help(stdout, command);
        return CLI_GOOD;
    }
    char *text = fv_op_help(name);
    if (!text) return unknown(call, name);
    fputs(text, stdout);
    fv_free(text);
    return CLI_GOOD;
}

const cli_command command_help = {
    .name = "help",
    .summary = "about a command or an operator",
    .usage = "[COMMAND|OPERATOR]",
    .examples =
        "fovea help train      a command\nfovea help conv       an operator: arguments, shapes, formula, examples\n",
    .most = 1,
    .run = run};
