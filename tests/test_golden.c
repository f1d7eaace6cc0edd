/* The bits of a short training, by instruction set: golden/hashes.txt holds them, scripts/update_hashes.sh writes them
 * anew. And that they are the same at any number of threads, with batches ahead of time or not, twice. */
#include "check.h"

#include "train.h"

typedef struct recipe {
    const char *net, *optimizer, *schedule;
} recipe;
static const recipe recipes[] = {{"mnist_cnn", "adam", "constant"},
                                 {"lenet5", "sgd(rate=0.01, momentum=0.9)", "cosine"},
                                 {"mlp", "rmsprop", "step(every=1, factor=0.5)"}};
static const char *const levels[] = {"avx512", "avx2", "generic"};
enum { RECIPES = sizeof recipes / sizeof recipes[0], LEVELS = sizeof levels / sizeof levels[0], SAMPLES = 220 };

static fv_data *digits;

/* Read one by one, so that batches are made ahead of time. */
static int read_digit(void *user, int64_t index, void *const *out) { return fv_data_read(user, index, out, NULL); }

static uint64_t trained(const recipe *r, int threads, bool read, bool no_prefetch) {
    fv_error error = {0};
    fv_net *net = fv_net_load(r->net, NULL, 0, &error);
    fv_model *model = net ? fv_model_new(net, 11, &error) : NULL;
    const fv_data_field fields[] = {*fv_data_field_at(digits, 0), *fv_data_field_at(digits, 1)};
    fv_data *data = read ? fv_data_from_callback(SAMPLES, fields, 2, read_digit, digits, &error) : digits;
    fv_history *history =
        !model || !data
            ? NULL
            : fv_fit(model, data, &error, .epochs = 2, .batch_size = 32, .optimizer = r->optimizer,
                     .schedule = r->schedule, .validation_split = 0.1, .threads = threads, .no_prefetch = no_prefetch);
    if (!history) fail_msg("%s: %s", r->net, error.message);
    uint64_t hash = fv_model_hash(model);
    fv_history_free(history), fv_model_free(model), fv_net_free(net);
    if (read) fv_data_free(data);
    return hash;
}

static void hash_text(const recipe *r, int threads, bool read, bool no_prefetch, char out[20]) {
    snprintf(out, 20, "%016llx", (unsigned long long)trained(r, threads, read, no_prefetch));
}

/* "avx2 mnist_cnn HASH" lines */
static bool golden(FILE *file, const char *level, const char *net, char out[20]) {
    char line[128], of_level[32], of_net[32];
    rewind(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%31s %31s %19s", of_level, of_net, out) == 3 && !strcmp(of_level, level) &&
            !strcmp(of_net, net))
            return true;
    return false;
}

static const char *golden_path(void) {
    static char path[1024];
    const char *source = getenv("FOVEA_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/hashes.txt", source ? source : ".");
    return path;
}

static void the_bits_are_the_golden_ones(void **state) {
    (void)state;
    FILE *file = fopen(golden_path(), "r");
    if (!file) fail_msg("%s cannot be read", golden_path());
    int wrong = 0;
    for (int l = 0; l < LEVELS; l++) {
        if (fv_set_isa(levels[l], NULL)) continue; /* this machine lacks it */
        for (int i = 0; i < RECIPES; i++) {
            char expected[20] = "none", got[20];
            golden(file, levels[l], recipes[i].net, expected);
            hash_text(&recipes[i], 2, false, false, got);
            if (!strcmp(got, expected)) continue;
            print_error("%s %s: expected %s, got %s\n", levels[l], recipes[i].net, expected, got);
            wrong++;
        }
    }
    fclose(file);
    if (wrong) fail_msg("%d hashes differ; where that is meant: scripts/update_hashes.sh", wrong);
}

static void the_bits_depend_on_nothing_else(void **state) {
    (void)state;
    static const int threads[] = {1, 2, 3, 5, 7};
    for (int l = 0; l < LEVELS; l++) {
        if (fv_set_isa(levels[l], NULL)) continue;
        const recipe *r = &recipes[l % RECIPES];
        char expected[20], got[20];
        hash_text(r, 1, false, true, expected);
        for (int i = 0; i < 10; i++) {
            bool read = i / 5 == 0;
            hash_text(r, threads[i % 5], read, i % 2, got);
            if (strcmp(got, expected))
                fail_msg("%s %s, %d threads, %s: expected %s, got %s", levels[l], r->net, threads[i % 5],
                         read && i % 2 == 0 ? "batches ahead of time" : "batches in their step", expected, got);
        }
    }
}

/* The lines of levels that this machine lacks stay. */
static int write_hashes(void) {
    FILE *file = fopen(golden_path(), "r");
    char lines[LEVELS * RECIPES][64] = {{0}};
    for (int l = 0; l < LEVELS; l++)
        for (int i = 0; i < RECIPES; i++) {
            char hash[20] = "";
            if (!fv_set_isa(levels[l], NULL))
                hash_text(&recipes[i], 2, false, false, hash);
            else if (!file || !golden(file, levels[l], recipes[i].net, hash))
                continue;
            snprintf(lines[l * RECIPES + i], 64, "%s %s %s", levels[l], recipes[i].net, hash);
        }
    if (file) fclose(file);
    file = fopen(golden_path(), "w");
    for (int i = 0; file && i < LEVELS * RECIPES; i++)
        if (lines[i][0]) fprintf(file, "%s\n", lines[i]);
    return file && !fclose(file) ? 0 : 1;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_bits_are_the_golden_ones),
                                       cmocka_unit_test(the_bits_depend_on_nothing_else)};
    digits = fv_data_open("digits", NULL, .limit = SAMPLES);
    if (!digits) return 1;
    int status = argc > 1 && !strcmp(argv[1], "--update") ? write_hashes()
                                                          : cmocka_run_group_tests_name("golden", tests, NULL, NULL);
    fv_data_free(digits);
    return status;
}
