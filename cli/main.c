/* main.c - the program `fovea`: finds the command, parses its options, runs it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define COMMAND(name) extern const cli_command command_##name;
#include "commands.def"
#undef COMMAND

const cli_command *const cli_commands[] = {
#define COMMAND(name) &command_##name,
#include "commands.def"
#undef COMMAND
    NULL};

const cli_command *cli_find_command(const char *name) {
    for (int i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, name) == 0) return cli_commands[i];
    return NULL;
}

static int unknown_command(const char *name) {
    const char *names[64];
    int count = 0;
    while (count < 64 && cli_commands[count]) names[count] = cli_commands[count]->name, count++;
    const char *near = cli_nearest(name, names, count);
    fprintf(stderr, "fovea: there is no command '%s'%s%s%s; see fovea help\n", name, near ? "; did you mean '" : "",
            near ? near : "", near ? "'?" : "");
    return CLI_USAGE;
}

static int run_command(const cli_command *command, int argc, char **argv) {
    cli_call call = {.command = command, .argc = argc, .argv = argv};
    char **arguments = malloc((size_t)argc * sizeof *arguments); /* getopt moves operands behind options */
    call.options = calloc(1, command->options_size ? command->options_size : 1);
    int status = CLI_FAILED;
    if (arguments && call.options) {
        memcpy(arguments, argv + 1, (size_t)(argc - 1) * sizeof *arguments);
        arguments[argc - 1] = NULL;
        status = cli_parse(&call, argc - 1, arguments);
        if (status < 0) {
            cli_print_help(stdout, command);
            status = CLI_GOOD;
        } else if (status == CLI_GOOD) {
            status = command->run(&call);
        }
    }
    for (int i = 0; call.options && i < command->option_count; i++)
        if (command->options[i].kind == CLI_SET) {
            cli_settings *s = (cli_settings *)((char *)call.options + command->options[i].offset);
            for (int k = 0; k < s->count; k++) free((char *)(uintptr_t)s->of[k].name);
        }
    free(arguments);
    free(call.options);
    return status;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); /* fovea ... | head: the write fails, and that is told below */
    int status;
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        cli_print_overview(stdout);
        status = CLI_GOOD;
    } else {
        const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
        const cli_command *command = cli_find_command(name);
        status = command ? run_command(command, argc, argv) : unknown_command(name);
    }
    if (fflush(stdout) != 0 && status == CLI_GOOD) status = CLI_FAILED;
    return status;
}
