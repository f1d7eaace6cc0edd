/* command.h - what a command of the program is: one constant record. From it come parsing, --help and the list of commands. */
#ifndef FV_CLI_COMMAND_H
#define FV_CLI_COMMAND_H

#include "fovea.h"

typedef enum cli_kind {
    CLI_FLAG,  /* bool */
    CLI_TEXT,  /* const char * */
    CLI_WHOLE, /* int64_t; 0 is kept as FV_ZERO */
    CLI_REAL,  /* double, also as a fraction; 0 is kept as FV_ZERO */
    CLI_SET    /* cli_settings: name=value, may be given several times */
} cli_kind;

typedef struct cli_option {
    const char *name; /* "epochs" */
    char letter;      /* 'o' for -o, or 0 */
    cli_kind kind;
    size_t offset;        /* in the command's options struct */
    const char *argument; /* "N", for help; NULL for flags */
    const char *help;
    double min, max; /* of numbers; both 0: any */
} cli_option;

enum { CLI_MAX_SETTINGS = 64, CLI_MAX_OPTIONS = 64 };
typedef struct cli_settings {
    fv_setting of[CLI_MAX_SETTINGS];
    int count;
} cli_settings;

/* A command in progress: its options, then its operands. */
typedef struct cli_call {
    const struct cli_command *command;
    void *options;
    int count;
    char **operands;
    int argc; /* everything as it was given, the program's name first */
    char **argv;
} cli_call;

typedef struct cli_command {
    const char *name, *summary;
    const char *usage;    /* "NET DATA [-o DIR]" */
    const char *examples; /* lines of "command    what it does" */
    const char *details;  /* paragraphs, or NULL */
    const cli_option *options;
    int option_count;
    size_t options_size;
    int least, most; /* operands; most -1: any number */
    int (*run)(const cli_call *call);
} cli_command;

#define CLI_OPTIONS(list, type)                                                                                        \
    .options = list, .option_count = (int)(sizeof list / sizeof list[0]), .options_size = sizeof(type)

/* Options that several commands have; `type` is the command's options struct. */
#define CLI_JSON(type)                                                                                                 \
    { "json", 0, CLI_FLAG, offsetof(type, json), NULL, "result as JSON", 0, 0 }
#define CLI_THREADS(type)                                                                                              \
    { "threads", 0, CLI_WHOLE, offsetof(type, threads), "N", "threads to use; default all that it may", 1, 1024 }
#define CLI_ISA(type)                                                                                                  \
    { "isa", 0, CLI_TEXT, offsetof(type, isa), "NAME", "instruction set: avx512, avx2, generic, reference", 0, 0 }
#define CLI_EXACT(type)                                                                                                \
    { "exact", 0, CLI_FLAG, offsetof(type, exact), NULL, "no faster sums that round worse than direct ones", 0, 0 }
#define CLI_BF16(type)                                                                                                 \
    {                                                                                                                  \
        "bf16", 0, CLI_FLAG, offsetof(type, bf16), NULL,                                                               \
            "products of bf16 numbers, summed in f32, where this machine has them: faster, rounds more; other bits",   \
            0, 0                                                                                                       \
    }
#define CLI_LIMIT(type)                                                                                                \
    { "limit", 0, CLI_WHOLE, offsetof(type, limit), "N", "use at most N samples of DATA", 1, 1e15 }
#define CLI_DATA_SEED(type)                                                                                            \
    { "data-seed", 0, CLI_WHOLE, offsetof(type, data_seed), "S", "seed of synthetic data", 0, 1e15 }
#define CLI_SKIP_BAD(type)                                                                                             \
    { "skip-bad", 0, CLI_FLAG, offsetof(type, skip_bad), NULL, "leave out picture files that cannot be read, and list them", 0, 0 }
#define CLI_TTA(type)                                                                                                  \
    { "tta", 0, CLI_TEXT, offsetof(type, tta), "LIST", "mean over views: \"hflip shift(1)\", or none; default as validated in training", 0, 0 }
#define CLI_SETTINGS(type)                                                                                             \
    { "set", 0, CLI_SET, offsetof(type, set), "NAME=VALUE", "value for a param of the net; may be repeated", 0, 0 }

extern const cli_command *const cli_commands[]; /* NULL behind the last */
const cli_command *cli_find_command(const char *name);

/* Exit codes; CLI_BELOW: a result is not as good as was asked for. */
enum { CLI_GOOD = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_BELOW = 3 };

#endif
