/* options.h - a command's table of options over getopt_long, and its help page. */
#ifndef FV_CLI_OPTIONS_H
#define FV_CLI_OPTIONS_H

#include <stdio.h>

#include "command.h"

/* Parses argv (argv[0] is the command's name) into call->options (options_size bytes, zeroed) and operands. Returns CLI_GOOD;
 * CLI_USAGE after saying what is wrong; -1 when help was asked for. */
int cli_parse(cli_call *call, int argc, char **argv);

/* The command's page: examples first. */
void cli_print_help(FILE *out, const cli_command *command);
/* The program's page: all commands. */
void cli_print_overview(FILE *out);

/* "fovea train: MESSAGE" and a hint to --help on stderr; returns CLI_USAGE. */
int cli_usage_error(const cli_command *command, const char *format, ...) FV_PRINTF(2, 3);

/* The nearest of `count` words, or NULL. */
const char *cli_nearest(const char *word, const char *const *words, int count);

#endif
