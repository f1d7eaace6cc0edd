/* cmd_knn.c - fovea knn: the k nearest samples as a classifier, the baseline of every course. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common.h"
#include "options.h"

typedef struct options {
    const char *counts, *distance, *isa;
    int64_t limit, test_limit, data_seed, threads;
    bool json;
} options;

static const cli_option list[] = {
    {"count", 'k', CLI_TEXT, offsetof(options, counts), "LIST", "how many neighbours vote; default 1,3,5", 0, 0},
    {"distance", 'd', CLI_TEXT, offsetof(options, distance), "NAME",
     "l1, the sum of differences (default), or l2, that of their squares", 0, 0},
    CLI_LIMIT(options),
    {"test-limit", 0, CLI_WHOLE, offsetof(options, test_limit), "N", "judge at most N samples of the test part", 1,
     1e9},
    CLI_DATA_SEED(options),
    CLI_THREADS(options),
    CLI_JSON(options)};

enum { MOST_COUNTS = 16, MOST = 1000 };

typedef struct trial {
    const cli_call *call;
    fv_data *known, *asked;
    int counts[MOST_COUNTS], count; /* how many neighbours vote, one line each */
    int most;
    int32_t *nearest, *known_class, *asked_class;
    int64_t right[MOST_COUNTS];
    double seconds;
} trial;

static bool read_counts(const char *text, trial *t) {
    for (char *end; *text; text = *end ? end + 1 : end) {
        long k = strtol(text, &end, 10);
        if (end == text || (*end && *end != ',') || k < 1 || k > MOST || t->count == MOST_COUNTS) return false;
        t->counts[t->count++] = (int)k;
        if (k > t->most) t->most = (int)k;
    }
    return t->count > 0;
}

/* Where the class number is among a sample's fields, -1: nowhere. */
static int class_field(const fv_data *data) {
    for (int f = 0; f < fv_data_field_count(data); f++) {
        const fv_data_field *field = fv_data_field_at(data, f);
        if (field->target && field->dtype == FV_I32 && field->shape.rank == 0) return f;
    }
    return -1;
}

/* The class of every sample, or NULL. */
static int32_t *classes_of(fv_data *data, fv_error *error) {
    enum { MOST_FIELDS = 16 };
    void *into[MOST_FIELDS] = {NULL};
    int at = class_field(data), fields = fv_data_field_count(data);
    int64_t count = fv_data_count(data);
    int32_t *out = calloc((size_t)count, sizeof *out);
    bool good = out && at >= 0 && fields <= MOST_FIELDS;
    for (int f = 0; f < fields && good; f++) {
        const fv_data_field *field = fv_data_field_at(data, f);
        good = (into[f] = malloc((size_t)fv_shape_count(&field->shape) * fv_dtype_size(field->dtype) + 1)) != NULL;
    }
    for (int64_t i = 0; i < count && good; i++) {
        good = !fv_data_read(data, i, into, error);
        if (good) memcpy(&out[i], into[at], sizeof *out);
    }
    for (int f = 0; f < fields && f < MOST_FIELDS; f++) free(into[f]);
    if (good) return out;
    free(out);
    return NULL;
}

/* Most votes; of several with as many, the class that has the nearest neighbour. */
static int32_t vote(const trial *t, const int32_t *nearest, int count, int *votes) {
    int32_t best = -1;
    for (int n = 0; n < count; n++) votes[t->known_class[nearest[n]]]++;
    for (int n = 0; n < count; n++) {
        int32_t c = t->known_class[nearest[n]];
        if (best < 0 || votes[c] > votes[best]) best = c;
    }
    for (int n = 0; n < count; n++) votes[t->known_class[nearest[n]]] = 0;
    return best;
}

static bool judge(trial *t, fv_error *error) {
    int64_t asked = fv_data_count(t->asked);
    struct timespec from, to;
    int classes = fv_data_class_count(t->known);
    int *votes = calloc((size_t)(classes > 0 ? classes : 1), sizeof *votes);
    t->nearest = calloc((size_t)asked * (size_t)t->most, sizeof *t->nearest);
    clock_gettime(CLOCK_MONOTONIC, &from);
    bool good = votes && t->nearest && (t->known_class = classes_of(t->known, error)) &&
                (t->asked_class = classes_of(t->asked, error));
    const options *o = t->call->options;
    if (good)
        good = !fv_neighbours(t->known, t->asked, t->nearest, error, .count = t->most,
                              .squares = o->distance && !strcmp(o->distance, "l2"));
    clock_gettime(CLOCK_MONOTONIC, &to);
    t->seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
    for (int64_t i = 0; i < asked && good; i++)
        for (int c = 0; c < t->count; c++)
            t->right[c] += vote(t, t->nearest + i * t->most, t->counts[c], votes) == t->asked_class[i];
    free(votes);
    return good;
}

static int print(const trial *t) {
    const options *o = t->call->options;
    int64_t asked = fv_data_count(t->asked);
    const char *distance = o->distance ? o->distance : "l1";
    char known[32], count[32];
    if (o->json) {
        json_t *rows = json_array();
        for (int c = 0; c < t->count; c++)
            json_array_append_new(rows,
                                  json_pack("{s:i, s:I, s:f}", "k", t->counts[c], "right", (json_int_t)t->right[c],
                                            "accuracy", (double)t->right[c] / (double)asked));
        return cli_print_json(t->call, json_pack("{s:s, s:I, s:I, s:f, s:o}", "distance", distance, "known",
                                                 (json_int_t)fv_data_count(t->known), "samples", (json_int_t)asked,
                                                 "seconds", t->seconds, "neighbours", rows));
    }
    printf("%s samples against %s known ones, distance %s\n", cli_grouped(asked, count),
           cli_grouped(fv_data_count(t->known), known), distance);
    for (int c = 0; c < t->count; c++)
        printf("%4d neighbour%s  accuracy %.2f%%  error %.2f%%\n", t->counts[c], t->counts[c] == 1 ? " " : "s",
               100.0 * (double)t->right[c] / (double)asked, 100.0 * (double)(asked - t->right[c]) / (double)asked);
    return CLI_GOOD;
}

static int run(const cli_call *call) {
    const options *o = call->options;
    fv_error error = {0};
    trial t = {.call = call};
    if (o->distance && strcmp(o->distance, "l1") != 0 && strcmp(o->distance, "l2") != 0)
        return cli_usage_error(call->command, "--distance: expected l1 or l2, got '%s'", o->distance);
    if (!read_counts(o->counts ? o->counts : "1,3,5", &t))
        return cli_usage_error(call->command, "--count: expected up to %d numbers from 1 to %d, got '%s'", MOST_COUNTS,
                               MOST, o->counts);
    if (cli_set_machine(call, o->isa, o->threads)) return CLI_FAILED;
    fv_data_options known = {.size = sizeof known, .seed = (uint64_t)cli_number(o->data_seed), .limit = o->limit};
    fv_data_options asked = known;
    asked.limit = o->test_limit;
    if ((t.known = cli_open_data(call, call->operands[0], false, &known, &error)))
        t.asked = cli_open_data(call, call->operands[call->count - 1], true, &asked, &error);
    int status = CLI_FAILED;
    if (t.asked && (class_field(t.known) < 0 || class_field(t.asked) < 0))
        cli_fail_text(call, "the samples have no classes to vote for");
    else
        status = t.asked && judge(&t, &error) ? print(&t) : cli_fail(call, &error);
    fv_data_free(t.known);
    fv_data_free(t.asked);
    free(t.nearest);
    free(t.known_class);
    free(t.asked_class);
    return status;
}

const cli_command command_knn = {
    .name = "knn",
    .summary = "the k nearest samples as a classifier: a baseline",
    .usage = "DATA [TEST]",
    .examples = "fovea knn mnist                      the test part, by the training part\n"
                "fovea knn cifar10 -k 1,7 -d l2       seven neighbours, Euclidean distance\n",
    .details = "Every sample of the test part (or of TEST) gets the class that most of its nearest samples in the "
               "training part have,\n"
               "by the distance of the stored numbers; nothing is learned. What a network has to beat.",
    CLI_OPTIONS(list, options),
    .least = 1,
    .most = 2,
    .run = run};
