/* cmd_conformance.c - fovea conformance: a suite of ONNX tests, and what passes of it by suite, tier and operator. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common.h"
#include "conformance.h"
#include "options.h"

typedef struct options {
    const char *suite, *test, *operator_name;
    bool json, quiet, markdown;
    double rtol, atol;
    int64_t seconds, memory, threads;
    const char *isa;
} options;

static const cli_option list[] = {
    {"suite", 's', CLI_TEXT, offsetof(options, suite), "NAME", "this suite alone: a folder of DIR", 0, 0},
    {"test", 't', CLI_TEXT, offsetof(options, test), "NAME", "tests with NAME in theirs", 0, 0},
    {"operator", 'o', CLI_TEXT, offsetof(options, operator_name), "NAME", "tests in which this operator occurs", 0, 0},
    {"quiet", 'q', CLI_FLAG, offsetof(options, quiet), NULL, "the tables alone, no list of what has not passed", 0, 0},
    {"markdown", 0, CLI_FLAG, offsetof(options, markdown), NULL, "the tables for docs/onnx.md", 0, 0},
    {"rtol", 0, CLI_REAL, offsetof(options, rtol), "R", "relative tolerance; default 1e-3", 0, 1},
    {"atol", 0, CLI_REAL, offsetof(options, atol), "A", "absolute tolerance; default 1e-7, in the suite nets 1e-5", 0,
     1},
    {"seconds", 0, CLI_WHOLE, offsetof(options, seconds), "N", "a test may take so long; default 60", 1, 3600},
    {"memory", 0, CLI_WHOLE, offsetof(options, memory), "MIB", "a test may have so much memory; default 8192", 64, 1e6},
    CLI_THREADS(options),
    CLI_ISA(options),
    CLI_JSON(options)};

/* ---- tests and counts ----------------------------------------------------------------------------------------------- */

typedef struct test {
    char *suite, *name, *tier;
    cli_outcome outcome;
} test;

typedef struct tests {
    test *of;
    int count, capacity;
} tests;

static bool add_test(tests *t, const char *suite, const char *name, const char *tier) {
    if (t->count == t->capacity) {
        int capacity = t->capacity ? 2 * t->capacity : 256;
        test *more = realloc(t->of, (size_t)capacity * sizeof *more);
        if (!more) return false;
        t->of = more;
        t->capacity = capacity;
    }
    test *new = &t->of[t->count];
    *new = (test){strdup(suite), strdup(name), strdup(tier), {0}};
    t->count++;
    return new->suite &&new->name &&new->tier;
}

static void free_tests(tests *t) {
    for (int i = 0; i < t->count; i++) free(t->of[i].suite), free(t->of[i].name), free(t->of[i].tier);
    free(t->of);
}

/* How many ended how, under one heading. */
typedef struct tally {
    char *name;
    int by[CLI_VERDICTS];
} tally;

typedef struct tallies {
    tally *of;
    int count;
} tallies;

static bool count_as(tallies *t, const char *name, size_t length, cli_verdict verdict) {
    int i = 0;
    while (i < t->count && (strncmp(t->of[i].name, name, length) || t->of[i].name[length])) i++;
    if (i == t->count) {
        tally *more = realloc(t->of, ((size_t)t->count + 1) * sizeof *more);
        if (!more) return false;
        t->of = more;
        t->of[i] = (tally){.name = strndup(name, length)};
        if (!t->of[i].name) return false;
        t->count++;
    }
    t->of[i].by[verdict]++;
    return true;
}

static void free_tallies(tallies *t) {
    for (int i = 0; i < t->count; i++) free(t->of[i].name);
    free(t->of);
}

static int by_name(const void *a, const void *b) { return strcmp(((const tally *)a)->name, ((const tally *)b)->name); }

static bool count_operators(tallies *t, const cli_outcome *o) {
    bool good = true;
    for (const char *at = o->operators; *at && good;) {
        size_t length = strcspn(at, ",");
        good = count_as(t, at, length, o->verdict);
        at += length + (at[length] == ',');
    }
    return good;
}

/* ---- finding the tests ------------------------------------------------------------------------------------------------ */

static bool has_model(const char *folder) {
    char path[4200];
    struct stat info;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    return !stat(path, &info);
}

static int names_in_order(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}
static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* Every folder with a model.onnx below `folder`; its suite is the folder that it is in. */
static bool walk(const char *folder, const char *suite, int depth, tests *out) {
    struct dirent **entries;
    int count = depth < 8 ? scandir(folder, &entries, visible, names_in_order) : -1;
    bool good = true;
    if (count < 0) return depth > 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        struct stat info;
        const char *name = entries[i]->d_name;
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (good && !stat(path, &info) && S_ISDIR(info.st_mode))
            good = has_model(path) ? add_test(out, suite, name, "") : walk(path, name, depth + 1, out);
        free(entries[i]);
    }
    free(entries);
    return good;
}

/* index.tsv: suite, test and tier stand in its first three columns. */
static bool read_index(FILE *file, tests *out) {
    char *line = NULL;
    size_t size = 0;
    bool good = getline(&line, &size, file) > 0; /* the heading */
    while (good && getline(&line, &size, file) > 0) {
        char *rest = line, *suite = strtok_r(rest, "\t\r\n", &rest), *name = strtok_r(NULL, "\t\r\n", &rest),
             *tier = strtok_r(NULL, "\t\r\n", &rest);
        good = suite && name && tier && add_test(out, suite, name, tier);
    }
    free(line);
    return good;
}

static bool find_tests(const char *folder, tests *out) {
    char path[4096];
    snprintf(path, sizeof path, "%s/index.tsv", folder);
    FILE *index = fopen(path, "r");
    if (!index) return walk(folder, "", 0, out) && out->count > 0;
    bool good = read_index(index, out) && out->count > 0;
    fclose(index);
    return good;
}

/* ---- running ------------------------------------------------------------------------------------------------------------ */

/* The tolerances that the suites state for themselves: small whole networks are compared with another implementation's rounding,
 * DenseNet-121 is deep. */
static cli_trial trial_for(const options *o, const test *t) {
    cli_trial trial = {.rtol = o->rtol                          ? o->rtol
                               : strstr(t->name, "densenet121") ? 2e-3
                                                                : 1e-3,
                       .atol = o->atol                    ? o->atol
                               : strcmp(t->suite, "nets") ? 1e-7
                                                          : 1e-5,
                       .seconds = o->seconds ? (int)o->seconds : 60,
                       .bytes = (o->memory ? o->memory : 8192) << 20};
    return trial;
}

static bool lists(const char *operators, const char *name) {
    size_t length = strlen(name);
    for (const char *at = operators; *at;) {
        size_t one = strcspn(at, ",");
        if (one == length && !strncmp(at, name, length)) return true;
        at += one + (at[one] == ',');
    }
    return false;
}

/* Runs those that are asked for and keeps them alone. */
static void run_tests(const char *folder, const options *o, tests *t) {
    int kept = 0;
    for (int i = 0; i < t->count; i++) {
        test *one = &t->of[i];
        char path[4096];
        bool asked = (!o->suite || !strcmp(one->suite, o->suite)) && (!o->test || strstr(one->name, o->test));
        snprintf(path, sizeof path, "%s%s%s/%s", folder, *one->suite ? "/" : "", one->suite, one->name);
        if (asked) {
            cli_trial trial = trial_for(o, one);
            cli_run_trial(path, &trial, &one->outcome);
            asked = !o->operator_name || lists(one->outcome.operators, o->operator_name);
        }
        test swapped = t->of[kept];
        t->of[kept] = *one;
        *one = swapped;
        kept += asked;
    }
    for (int i = kept; i < t->count; i++) free(t->of[i].suite), free(t->of[i].name), free(t->of[i].tier);
    t->count = kept;
}

/* ---- telling -------------------------------------------------------------------------------------------------------------- */

typedef struct summary {
    tallies all, suites, tiers, operators;
} summary;

static bool sum_up(const tests *t, summary *s) {
    bool good = true;
    for (int i = 0; i < t->count && good; i++) {
        const test *one = &t->of[i];
        cli_verdict v = one->outcome.verdict;
        good = count_as(&s->all, "all", 3, v) && count_as(&s->suites, one->suite, strlen(one->suite), v) &&
               (!*one->tier || count_as(&s->tiers, one->tier, strlen(one->tier), v)) &&
               count_operators(&s->operators, &one->outcome);
    }
    if (s->operators.count) qsort(s->operators.of, (size_t)s->operators.count, sizeof *s->operators.of, by_name);
    return good;
}

static void free_summary(summary *s) {
    free_tallies(&s->all), free_tallies(&s->suites), free_tallies(&s->tiers), free_tallies(&s->operators);
}

static void print_tallies(const char *heading, const tallies *t) {
    if (t->count == 0) return;
    printf("%-24s %8s %8s %12s\n", heading, "passed", "failed", "unsupported");
    for (int i = 0; i < t->count; i++)
        printf("  %-22s %8d %8d %12d\n", *t->of[i].name ? t->of[i].name : ".", t->of[i].by[CLI_PASSED],
               t->of[i].by[CLI_WRONG], t->of[i].by[CLI_UNSUPPORTED]);
}

static void print_text(const options *o, const tests *t, const summary *s) {
    for (int i = 0; i < t->count && !o->quiet; i++) {
        const test *one = &t->of[i];
        if (one->outcome.verdict != CLI_PASSED)
            printf("%-11s %s/%s\n            %s\n", cli_verdict_names[one->outcome.verdict], one->suite, one->name,
                   one->outcome.message);
    }
    print_tallies("suite", &s->suites);
    print_tallies("tier", &s->tiers);
    print_tallies("operator (in tests)", &s->operators);
    print_tallies("", &s->all);
}

/* By operator only the count of what passes, four to a line: there are many. */
static void print_markdown(const summary *s) {
    printf("| suite | passed | failed | unsupported |\n| --- | --: | --: | --: |\n");
    for (int i = 0; i < s->suites.count + s->tiers.count + 1; i++) {
        const tally *t = i < s->suites.count                    ? &s->suites.of[i]
                         : i < s->suites.count + s->tiers.count ? &s->tiers.of[i - s->suites.count]
                                                                : &s->all.of[0];
        printf("| %s | %d | %d | %d |\n", t->name, t->by[CLI_PASSED], t->by[CLI_WRONG], t->by[CLI_UNSUPPORTED]);
    }
    printf("\n`operator passed/tests in which it occurs`:\n\n");
    for (int i = 0; i < s->operators.count; i++) {
        const tally *t = &s->operators.of[i];
        printf("%s%s %d/%d", i ? " \302\267 " : "", t->name, t->by[CLI_PASSED],
               t->by[CLI_PASSED] + t->by[CLI_WRONG] + t->by[CLI_UNSUPPORTED]);
    }
    printf("\n");
}

static json_t *tally_json(const tally *t) {
    json_t *json = json_object();
    for (int v = 0; v < CLI_VERDICTS; v++) json_object_set_new(json, cli_verdict_names[v], json_integer(t->by[v]));
    return json;
}

static json_t *tallies_json(const tallies *t) {
    json_t *json = json_object();
    for (int i = 0; i < t->count; i++) json_object_set_new(json, t->of[i].name, tally_json(&t->of[i]));
    return json;
}

static int print_json(const cli_call *call, const tests *t, const summary *s) {
    json_t *results = json_array(), *json = tally_json(&s->all.of[0]);
    for (int i = 0; i < t->count; i++) {
        const test *one = &t->of[i];
        json_array_append_new(results, json_pack("{s:s, s:s, s:s, s:s, s:s}", "suite", one->suite, "test", one->name,
                                                 "result", cli_verdict_names[one->outcome.verdict], "message",
                                                 one->outcome.message, "operators", one->outcome.operators));
    }
    json_object_set_new(json, "suites", tallies_json(&s->suites));
    json_object_set_new(json, "tiers", tallies_json(&s->tiers));
    json_object_set_new(json, "operators", tallies_json(&s->operators));
    json_object_set_new(json, "results", results);
    return cli_print_json(call, json);
}

static int run(const cli_call *call) {
    const options *o = call->options;
    tests found = {0};
    summary s = {0};
    if (cli_set_machine(call, o->isa, o->threads ? o->threads : 1)) return CLI_FAILED; /* tests are small */
    int status = CLI_GOOD;
    if (!find_tests(call->operands[0], &found))
        status = cli_fail_text(call, "%s holds no tests: folders with a model.onnx", call->operands[0]);
    if (!status) run_tests(call->operands[0], o, &found);
    if (!status && found.count == 0) status = cli_fail_text(call, "no test is called like that");
    if (!status && !sum_up(&found, &s)) status = cli_fail_text(call, "not enough memory");
    if (!status && o->json) status = print_json(call, &found, &s);
    if (!status && o->markdown && !o->json) print_markdown(&s);
    if (!status && !o->json && !o->markdown) print_text(o, &found, &s);
    if (!status && s.all.of[0].by[CLI_WRONG]) status = CLI_FAILED;
    free_summary(&s);
    free_tests(&found);
    return status;
}

const cli_command command_conformance = {
    .name = "conformance",
    .summary = "a suite of ONNX tests: what passes, fails, is not supported",
    .usage = "DIR [--suite NAME] [--test NAME]",
    .examples = "fovea conformance suite                        all of it\n"
                "fovea conformance suite --operator Conv        tests in which Conv occurs\n"
                "fovea conformance suite --json > result.json\n",
    .details =
        "A test is a folder with model.onnx and test_data_set_0, ... with input_0.pb, ... and output_0.pb, ... An\n"
        "index.tsv in DIR lists them (suite, test, tier); without it all folders below DIR are looked at. Each runs in a\n"
        "process of its own. Same type, same shape, and |got - want| <= atol + rtol * |want| is a pass. An operator that\n"
        "is not there makes a test unsupported. Ends in 1 where one failed.",
    CLI_OPTIONS(list, options),
    .least = 1,
    .most = 1,
    .run = run};
