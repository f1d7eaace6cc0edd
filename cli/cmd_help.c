/* cmd_help.c - fovea help: the program, a command or an operator. */
#include <string.h>

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

static int help_augment(const cli_call *call) {
    const char *name = call->count > 1 ? call->operands[1] : NULL, *names[256];
    int count = fv_augment_count() < 256 ? fv_augment_count() : 256;
    for (int i = 0; i < count; i++) names[i] = fv_augment_name(i);
    char *text = name ? fv_augment_help(name) : NULL;
    if (text) {
        fputs(text, stdout);
        fv_free(text);
        return CLI_GOOD;
    }
    if (name) {
        const char *near = cli_nearest(name, names, count);
        return cli_fail_text(call, "there is no augmentation '%s'%s%s%s", name, near ? "; did you mean '" : "",
                             near ? near : "", near ? "'?" : "");
    }
    printf("Samples changed at random while a net trains: fovea train --augment \"hflip shift(2)\", .augment in C, or a\n"
           "line of a net: augment hflip shift(2). Look at it: fovea data DATA --augment LIST -o sheet.png\n\n");
    for (int i = 0; i < count; i++) printf("  %-12s %s\n", names[i], fv_augment_summary(names[i]));
    printf("\nfovea help augment NAME tells more about one.\n");
    return CLI_GOOD;
}

static int run(const cli_call *call) {
    if (!call->count) {
        cli_print_overview(stdout);
        return CLI_GOOD;
    }
    const char *name = call->operands[0];
    if (strcmp(name, "augment") == 0) return help_augment(call);
    if (call->count > 1) return cli_usage_error(call->command, "expected one name");
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
    .summary = "about a command, an operator or an augmentation",
    .usage = "[COMMAND|OPERATOR|augment [NAME]]",
    .examples =
        "fovea help train           a command\n"
        "fovea help conv            an operator: arguments, shapes, formula, examples\n"
        "fovea help augment shift   a way to change samples at random; without a name all of them\n",
    .most = 2,
    .run = run};
