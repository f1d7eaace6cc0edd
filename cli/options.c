/* options.c - one table of options per command gives parsing and help. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LETTERLESS = 1000 }; /* what getopt returns for option i: LETTERLESS + i */

int cli_usage_error(const cli_command *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "fovea %s: ", command->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "; see fovea %s --help\n", command->name);
    va_end(arguments);
    return CLI_USAGE;
}

/* ---- nearest words ---------------------------------------------------------------------------------------------- */

/* Edit distance with one row. */
static int distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    int n = (int)strlen(a), m = (int)strlen(b), row[LONGEST + 1];
    if (n > LONGEST || m > LONGEST) return LONGEST;
    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

const char *cli_nearest(const char *word, const char *const *words, int count) {
    const char *nearest = NULL;
    int best = (int)strlen(word) / 3 + 2;
    for (int i = 0; i < count; i++) {
        int d = distance(word, words[i]);
        size_t shorter = strlen(word) < strlen(words[i]) ? strlen(word) : strlen(words[i]);
        if (shorter >= 3 && strncmp(word, words[i], shorter) == 0 && d > 1) d = 1;
        if (d < best) {
            best = d;
            nearest = words[i];
        }
    }
    return nearest;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static bool in_range(const cli_option *o, double value) {
    return (o->min == 0 && o->max == 0) || (value >= o->min && value <= o->max);
}

static int read_whole(const cli_command *command, const cli_option *o, const char *text, int64_t *out) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno)
        return cli_usage_error(command, "--%s: expected a whole number, got '%s'", o->name, text);
    if (!in_range(o, (double)value)) {
        if (o->max >= 1e15)
            return cli_usage_error(command, "--%s: expected %.0f or more, got %s", o->name, o->min, text);
        return cli_usage_error(command, "--%s: expected %.0f to %.0f, got %s", o->name, o->min, o->max, text);
    }
    *out = value ? value : FV_ZERO;
    return CLI_GOOD;
}

static int read_real(const cli_command *command, const cli_option *o, const char *text, double *out) {
    char *end;
    double value = strtod(text, &end);
    if (end != text && *end == '/') {
        const char *below = end + 1;
        value /= strtod(below, &end);
        if (end == below) end = (char *)text;
    }
    if (end == text || *end || !isfinite(value))
        return cli_usage_error(command, "--%s: expected a number, got '%s'", o->name, text);
    if (!in_range(o, value))
        return cli_usage_error(command, "--%s: expected %g to %g, got %s", o->name, o->min, o->max, text);
    *out = value != 0 ? value : FV_ZERO;
    return CLI_GOOD;
}

/* name=value; the text is cut in place. */
static int read_setting(const cli_command *command, const cli_option *o, char *text, cli_settings *settings) {
    char *equal = strchr(text, '=');
    if (!equal || equal == text) return cli_usage_error(command, "--%s: expected name=value, got '%s'", o->name, text);
    if (settings->count == CLI_MAX_SETTINGS) return cli_usage_error(command, "--%s: given too often", o->name);
    char *name = strndup(text, (size_t)(equal - text)); /* argv itself stays whole: train repeats it at the end */
    if (!name) return CLI_FAILED;
    settings->of[settings->count++] = (fv_setting){name, equal + 1};
    return CLI_GOOD;
}

static int read_option(cli_call *call, const cli_option *o, char *text) {
    char *target = (char *)call->options + o->offset;
    switch (o->kind) {
    case CLI_FLAG: *(bool *)target = true; return CLI_GOOD;
    case CLI_TEXT: *(const char **)target = text; return CLI_GOOD;
    case CLI_WHOLE: return read_whole(call->command, o, text, (int64_t *)target);
    case CLI_REAL: return read_real(call->command, o, text, (double *)target);
    case CLI_SET: return read_setting(call->command, o, text, (cli_settings *)target);
    }
    return CLI_USAGE;
}

/* ---- the command line ------------------------------------------------------------------------------------------- */

static int unknown_option(const cli_command *command, const char *given, int letter) {
    const char *names[CLI_MAX_OPTIONS + 1];
    char word[64];
    int count = 0;
    if (letter && strncmp(given, "--", 2) != 0) return cli_usage_error(command, "there is no option -%c", letter);
    snprintf(word, sizeof word, "%.*s", (int)strcspn(given + 2, "="), given + 2);
    for (int i = 0; i < command->option_count; i++) names[count++] = command->options[i].name;
    names[count++] = "help";
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], word) == 0) return cli_usage_error(command, "--%s takes no value", word);
    const char *near = cli_nearest(word, names, count);
    if (near) return cli_usage_error(command, "there is no option --%s; did you mean --%s?", word, near);
    return cli_usage_error(command, "there is no option --%s", word);
}

static const cli_option *option_of(const cli_command *command, int result) {
    for (int i = 0; i < command->option_count; i++)
        if (result == LETTERLESS + i || (command->options[i].letter && result == command->options[i].letter))
            return &command->options[i];
    return NULL;
}

static void make_tables(const cli_command *command, struct option *table, char *letters) {
    int n = 0;
    letters[n++] = ':';
    letters[n++] = 'h';
    for (int i = 0; i < command->option_count; i++) {
        const cli_option *o = &command->options[i];
        table[i] =
            (struct option){o->name, o->kind == CLI_FLAG ? no_argument : required_argument, NULL, LETTERLESS + i};
        if (o->letter) letters[n++] = o->letter;
        if (o->letter && o->kind != CLI_FLAG) letters[n++] = ':';
    }
    letters[n] = 0;
    table[command->option_count] = (struct option){"help", no_argument, NULL, 'h'};
    table[command->option_count + 1] = (struct option){NULL, 0, NULL, 0};
}

static int check_operands(const cli_call *call) {
    const cli_command *command = call->command;
    if (call->count < command->least) return cli_usage_error(command, "expected %s", command->usage);
    if (command->most >= 0 && call->count > command->most)
        return cli_usage_error(command, "unexpected argument '%s'", call->operands[command->most]);
    return CLI_GOOD;
}

int cli_parse(cli_call *call, int argc, char **argv) {
    const cli_command *command = call->command;
    struct option table[CLI_MAX_OPTIONS + 2];
    char letters[3 * CLI_MAX_OPTIONS];
    make_tables(command, table, letters);
    opterr = 0;
    optind = 1;
    for (int result; (result = getopt_long(argc, argv, letters, table, NULL)) != -1;) {
        if (result == 'h') return -1;
        const char *given = argv[optind - 1];
        if (result == '?') return unknown_option(command, given, optopt);
        if (result == ':') return cli_usage_error(command, "%s needs a value", given);
        int status = read_option(call, option_of(command, result), optarg);
        if (status) return status;
    }
    call->count = argc - optind;
    call->operands = argv + optind;
    return check_operands(call);
}

/* ---- help ------------------------------------------------------------------------------------------------------- */

static void print_indented(FILE *out, const char *text) {
    for (const char *line = text; line && *line;) {
        size_t n = strcspn(line, "\n");
        fprintf(out, "  %.*s\n", (int)n, line);
        line += n + (line[n] != 0);
    }
}

static void print_option(FILE *out, const cli_option *o) {
    char left[64], letter[8] = "    ";
    if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->argument ? " " : "", o->argument ? o->argument : "");
    fprintf(out, "  %-30s %s\n", left, o->help);
}

void cli_print_help(FILE *out, const cli_command *command) {
    fprintf(out, "fovea %s: %s\n\nExamples:\n", command->name, command->summary);
    print_indented(out, command->examples);
    fprintf(out, "\nUsage: fovea %s %s\n", command->name, command->usage);
    if (command->details) fprintf(out, "\n%s\n", command->details);
    fprintf(out, "\nOptions:\n");
    for (int i = 0; i < command->option_count; i++) print_option(out, &command->options[i]);
    print_option(out, &(cli_option){"help", 'h', CLI_FLAG, 0, NULL, "this page", 0, 0});
}

void cli_print_overview(FILE *out) {
    fprintf(out, "fovea %s: convolutional networks, from a few lines of text\n\nExamples:\n", fv_version());
    print_indented(out, "fovea train mnist_cnn digits -o run   train a network of the zoo on built-in digits\n"
                        "fovea evaluate run digits             test it on digits that it has not seen\n"
                        "fovea predict run picture.png         ask it\n"
                        "fovea summary lenet5                  what a network costs, layer by layer\n");
    fprintf(out, "\nUsage: fovea COMMAND ...\n\nCommands:\n");
    for (int i = 0; cli_commands[i]; i++) fprintf(out, "  %-11s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    fprintf(out, "\nfovea COMMAND --help tells more.\n");
}
