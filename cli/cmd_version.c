/* cmd_version.c - fovea version. */
#include "common.h"

typedef struct options {
    bool verbose, json;
} options;

static const cli_option list[] = {
    {"verbose", 'v', CLI_FLAG, offsetof(options, verbose), NULL, "also what it was built with and runs on", 0, 0},
    CLI_JSON(options)};

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

static int run(const cli_call *call) {
    const options *o = call->options;
    if (o->json)
        return cli_print_json(call, json_pack("{s:s, s:s, s:s, s:b, s:i, s:i, s:i}", "version", fv_version(),
                                              "compiler", COMPILER, "isa", fv_isa(), "bf16", fv_has_bf16(), "threads",
                                              fv_threads(), "operators", fv_op_count(), "zoo", fv_zoo_count()));
    printf("fovea %s\n", fv_version());
    if (!o->verbose) return CLI_GOOD;
    printf("compiler         %s\n", COMPILER);
    printf("instruction set  %s\n", fv_isa());
    printf("bf16 products    %s\n", fv_has_bf16() ? "yes" : "no");
    printf("threads          %d\n", fv_threads());
    printf("operators        %d\n", fv_op_count());
    printf("zoo              %d networks\n", fv_zoo_count());
    printf("JSON             jansson %s\n", JANSSON_VERSION);
    return CLI_GOOD;
}

const cli_command command_version = {.name = "version",
                                     .summary = "version, and with --verbose what it runs on",
                                     .usage = "[--verbose]",
                                     .examples = "fovea version --verbose\n",
                                     CLI_OPTIONS(list, options),
                                     .run = run};
