/* A training that was stopped, or whose disk or memory failed, goes on to the bits of one that never was. What it refuses,
 * what it leaves behind, and that batches made ahead of time change nothing. */
#include "check.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/mount.h>
#endif

#include "bytes.h"
#include "train.h"

static const char *const net_text = "input 28x28x1\n"
                                    "maxpool 2x2\n"
                                    "conv 3 3x3 activation=relu\n"
                                    "maxpool 2x2\n"
                                    "batchnorm\n"
                                    "flatten\n"
                                    "dropout 0.2\n"
                                    "dense 10\n";
enum { SAMPLES = 100, STEPS = 5, EPOCHS = 2 }; /* 80 to train on in batches of 16 */

static fv_data *open_digits(int64_t count) {
    fv_data *data = fv_data_open("digits", &problem, .limit = count);
    if (!data) fail_msg("digits: %s", problem.message);
    return data;
}

static fv_model *new_model(const char *text, uint64_t seed) {
    fv_net *net = fv_net_parse(text, "test.net", NULL, 0, &problem);
    fv_model *model = net ? fv_model_new(net, seed, &problem) : NULL;
    if (!model) fail_msg("model: %s", problem.message);
    fv_net_free(net);
    return model;
}

/* What a training is told here; what is left zero is filled in below. */
#define OPTIONS(...) FV_OPTIONS(fv_fit_options, __VA_ARGS__)
#define RESUME(...) FV_OPTIONS(fv_fit_options, .resume = true, __VA_ARGS__)
static const char nowhere[] = "no folder";

static fv_fit_options filled(const fv_fit_options *given) {
    fv_fit_options o = *given;
    if (!o.folder) o.folder = temp_folder;
    if (o.folder == nowhere) o.folder = NULL;
    if (o.save_seconds == 0) o.save_seconds = FV_ZERO;
    if (!o.threads) o.threads = 1;
    if (o.resume) return o;
    if (!o.epochs) o.epochs = EPOCHS;
    if (!o.batch_size) o.batch_size = 16;
    if (!o.seed) o.seed = 3;
    o.validation_split = 0.2;
    return o;
}

/* What came out of a training. */
typedef struct outcome {
    uint64_t hash;
    int epochs;
    double values[8][4];
} outcome;

/* Trains a model that was drawn from `seed`; false where the training failed. */
static bool train(const char *net, uint64_t seed, const fv_fit_options *options, outcome *out) {
    fv_fit_options all = filled(options);
    memset(out, 0, sizeof *out);
    problem = (fv_error){0};
    fv_data *data = open_digits(SAMPLES);
    fv_model *model = new_model(net, seed);
    fv_history *history = fv_fit_with(model, data, &problem, &all);
    out->hash = fv_model_hash(model);
    for (int e = 0; history && e < fv_history_epochs(history) && e < 8; e++)
        for (int m = 0; m < 4; m++) out->values[e][m] = fv_history_get(history, fv_history_metric_name(history, m), e);
    if (history) out->epochs = fv_history_epochs(history);
    fv_history_free(history), fv_model_free(model), fv_data_free(data);
    return history != NULL;
}

static outcome must_train(const char *net, uint64_t seed, const fv_fit_options *options) {
    outcome out;
    if (!train(net, seed, options, &out)) fail_msg("fit: %s: %s", problem.file, problem.message);
    return out;
}

static void check_same(const char *name, const outcome *got, const outcome *expected) {
    if (got->hash != expected->hash)
        fail_msg("%s: expected weights %016llx, got %016llx", name, (unsigned long long)expected->hash,
                 (unsigned long long)got->hash);
    if (got->epochs != expected->epochs || memcmp(got->values, expected->values, sizeof got->values) != 0)
        fail_msg("%s: expected the history of the uninterrupted run", name);
}

/* The hash of the uninterrupted run, and nothing left of it. */
static outcome uninterrupted(const fv_fit_options *options) {
    outcome out = must_train(net_text, 1, options);
    clean_temp(NULL);
    return out;
}

/* Stops when so many steps were taken; 0: before the first. */
static int stop_after(void *user, const fv_event *event) {
    int64_t *left = user;
    if (event->kind == FV_EVENT_BEGIN) return *left == 0;
    return event->kind == FV_EVENT_STEP && --*left == 0;
}

static int left_overs(void) {
    int count = 0;
    DIR *list = opendir(temp_folder);
    for (struct dirent *entry; list && (entry = readdir(list));)
        count += strstr(entry->d_name, ".tmp") != NULL || !strcmp(entry->d_name, "lock");
    if (list) closedir(list);
    return count;
}

/* ---- stopped and gone on with ----------------------------------------------------------------------------------- */

static void a_run_goes_on_from_any_step(void **state) {
    (void)state;
    outcome whole = uninterrupted(OPTIONS(.epochs = EPOCHS));
    for (int64_t step = 0; step <= STEPS * EPOCHS; step++) {
        char name[64];
        snprintf(name, sizeof name, "stopped after step %d", (int)step);
        int64_t left = step;
        must_train(net_text, 1, OPTIONS(.on_event = stop_after, .user = &left));
        /* the model's own weights do not matter: they come from the checkpoint; nor does the number of threads */
        outcome resumed = must_train(net_text, 77, RESUME(.threads = 1 + (int)step % 3));
        check_same(name, &resumed, &whole);
        resumed = must_train(net_text, 78, RESUME(.epochs = EPOCHS));
        check_same("a finished run stays what it is", &resumed, &whole);
        assert_int_equal(left_overs(), 0);
        clean_temp(NULL);
    }
}

static void a_run_may_stop_at_every_step(void **state) {
    (void)state;
    outcome whole = uninterrupted(OPTIONS(.epochs = EPOCHS)), last = {0};
    int64_t left = 1;
    must_train(net_text, 1, OPTIONS(.on_event = stop_after, .user = &left));
    for (int i = 1; i < STEPS * EPOCHS; i++) {
        left = 1;
        last = must_train(net_text, 1, RESUME(.on_event = stop_after, .user = &left));
    }
    check_same("a step at a time", &last, &whole);
}

static void every_optimizer_goes_on(void **state) {
    (void)state;
    for (int i = 0; i < fv_optimizer_count(); i++) {
        const char *name = fv_optimizers[i].name;
        char momentum[40];
        if (!strcmp(name, "sgd")) name = strcpy(momentum, "sgd(rate=0.01, momentum=0.9)");
        outcome whole = uninterrupted(OPTIONS(.optimizer = name, .schedule = "warmup(epochs=1)+cosine"));
        int64_t left = 7;
        must_train(
            net_text, 1,
            OPTIONS(.optimizer = name, .schedule = "warmup(epochs=1)+cosine", .on_event = stop_after, .user = &left));
        outcome resumed = must_train(net_text, 1, RESUME(.threads = 2));
        check_same(name, &resumed, &whole);
        clean_temp(NULL);
    }
}

static void saving_changes_no_number(void **state) {
    (void)state;
    outcome whole = must_train(net_text, 1, OPTIONS(.folder = nowhere));
    outcome saved = must_train(net_text, 1, OPTIONS(.save_steps = 1));
    check_same("a checkpoint every step", &saved, &whole);
    saved = must_train(net_text, 1, OPTIONS(.save_seconds = 1e-9));
    check_same("a checkpoint every nanosecond", &saved, &whole);
}

static void more_epochs_extend_a_run(void **state) {
    (void)state;
    outcome whole = uninterrupted(OPTIONS(.epochs = 4));
    must_train(net_text, 1, OPTIONS(.epochs = 2));
    outcome longer = must_train(net_text, 1, RESUME(.epochs = 4));
    check_same("2 epochs and then 2 more", &longer, &whole);
    outcome out;
    assert_false(train(net_text, 1, RESUME(.epochs = 3), &out));
    if (!strstr(problem.message, "4 already")) fail_msg("fewer epochs than taken: got \"%s\"", problem.message);
}

static int keep_rate(void *user, const fv_event *event) {
    *(double *)user = event->learning_rate;
    return 0;
}

static void a_schedule_spans_all_epochs(void **state) {
    (void)state;
    double rate = -1;
    must_train(net_text, 1, OPTIONS(.epochs = 1, .schedule = "cosine", .learning_rate = 0.5));
    must_train(net_text, 1, RESUME(.epochs = 2, .on_event = keep_rate, .user = &rate));
    fv_rate_plan plan;
    check_ok(fv_rate_plan_read("cosine", &plan, &problem));
    check_near("the last step's rate", rate, 0.5 * fv_rate_factor(&plan, 2 * STEPS - 1, STEPS, 2), 0);
}

static void the_checkpoint_is_a_model(void **state) {
    (void)state;
    outcome whole = must_train(net_text, 1, OPTIONS(.epochs = 1));
    fv_model *folder = fv_checkpoint_load(temp_folder, &problem);
    fv_model *file = fv_model_load(temp_path("checkpoint.safetensors"), &problem);
    if (!folder || !file) fail_msg("load: %s", problem.message);
    assert_true(fv_model_hash(folder) == whole.hash && fv_model_hash(file) == whole.hash);
    assert_string_equal(fv_model_note(folder, "train.batch_size"), "16");
    fv_model_free(folder), fv_model_free(file);
}

/* ---- refused ---------------------------------------------------------------------------------------------------- */

static void refuses(const char *words, const char *net, const fv_fit_options *options) {
    outcome out;
    if (train(net, 1, options, &out)) fail_msg("expected \"%s\", got a training", words);
    if (!strstr(problem.message, words)) fail_msg("expected \"%s\", got \"%s\"", words, problem.message);
    assert_int_equal(left_overs(), 0);
}

static void what_differs_is_refused(void **state) {
    (void)state;
    int64_t left = 3;
    refuses("resume needs a folder", net_text, RESUME(.folder = nowhere));
    refuses("No such file", net_text, RESUME(.epochs = 0));
    must_train(net_text, 1, OPTIONS(.on_event = stop_after, .user = &left));
    refuses("another batch size: it was 16, now 8", net_text, RESUME(.batch_size = 8));
    refuses("another seed: it was 3, now 0", net_text, RESUME(.seed = (uint64_t)FV_ZERO));
    refuses("another optimizer: it was adam, now sgd", net_text, RESUME(.optimizer = "sgd"));
    refuses("another learning rate: it was 0.001, now 0.5", net_text, RESUME(.learning_rate = 0.5));
    refuses("another schedule: it was constant, now cosine", net_text, RESUME(.schedule = "cosine"));
    refuses("another loss: it was crossentropy, now mse", net_text, RESUME(.loss = "mse"));
    refuses("another order: it was shuffled, now as it is", net_text, RESUME(.no_shuffle = true));
    refuses("another kind of split", net_text, RESUME(.validation_tail = true));
    refuses("another net", "input 28x28x1\nflatten\ndense 10\n", RESUME(.epochs = 0));
    fv_data *fewer = open_digits(SAMPLES - 1);
    fv_model *model = new_model(net_text, 1);
    fv_fit_options options = filled(RESUME(.epochs = 0));
    assert_null(fv_fit_with(model, fewer, &problem, &options));
    if (!strstr(problem.message, "another data: it was 100 samples")) fail_msg("got \"%s\"", problem.message);
    fv_model_free(model), fv_data_free(fewer);
}

static int start_another(void *user, const fv_event *event) {
    if (event->kind != FV_EVENT_BEGIN) return 0;
    fv_data *data = open_digits(SAMPLES);
    fv_model *model = new_model(net_text, 1);
    fv_error error = {0};
    fv_fit_options options = filled(OPTIONS(.epochs = 1));
    *(bool *)user = !fv_fit_with(model, data, &error, &options) &&
                    strstr(error.message, "another training is at work in this folder (process ");
    fv_model_free(model), fv_data_free(data);
    return 0;
}

static void a_folder_is_for_one_run(void **state) {
    (void)state;
    bool refused = false;
    must_train(net_text, 1, OPTIONS(.on_event = start_another, .user = &refused));
    assert_true(refused);
    write_temp("lock", "process 1 since long ago\n", 25); /* nobody holds it: stale */
    write_temp("last.safetensors.123-0.tmp", "half", 4);  /* a killed process was writing it */
    must_train(net_text, 1, RESUME(.epochs = EPOCHS));
    assert_int_equal(left_overs(), 0);
}

static void spoil(const char *name) {
    FILE *file = fopen(temp_path(name), "r+b");
    assert_non_null(file);
    fseek(file, -9, SEEK_END);
    int byte = fgetc(file);
    fseek(file, -9, SEEK_END);
    fputc(byte ^ 4, file);
    fclose(file);
}

static void a_damaged_checkpoint_is_seen(void **state) {
    (void)state;
    outcome whole = uninterrupted(OPTIONS(.epochs = EPOCHS));
    int64_t left = 4;
    must_train(net_text, 1, OPTIONS(.save_steps = 1, .on_event = stop_after, .user = &left));
    spoil("checkpoint.safetensors");
    outcome resumed = must_train(net_text, 1, RESUME(.epochs = EPOCHS));
    check_same("from the previous one", &resumed, &whole);
    spoil("checkpoint.safetensors");
    spoil("checkpoint.previous.safetensors");
    refuses("is no whole checkpoint: expected the checksum", net_text, RESUME(.epochs = EPOCHS));
}

/* ---- disk and memory -------------------------------------------------------------------------------------------- */

/* After a failure: one sentence, nothing half written, every file whole, and the run goes on if it had begun. */
static void check_after_failure(const char *name, const char *words, const outcome *whole) {
    static const char *const models[] = {"best.safetensors", "last.safetensors"};
    if (!strstr(problem.message, words) || strchr(problem.message, '\n'))
        fail_msg("%s: expected one line with \"%s\", got \"%s\"", name, words, problem.message);
    if (left_overs()) fail_msg("%s: expected no temporary file", name);
    for (int i = 0; i < 2; i++)
        if (access(temp_path(models[i]), F_OK) == 0) {
            fv_model *model = fv_model_load(temp_path(models[i]), &problem);
            if (!model) fail_msg("%s: %s is torn: %s", name, models[i], problem.message);
            fv_model_free(model);
        }
    bool begun = !access(temp_path("checkpoint.safetensors"), F_OK) ||
                 !access(temp_path("checkpoint.previous.safetensors"), F_OK);
    if (!begun) return;
    outcome resumed = must_train(net_text, 1, RESUME(.epochs = EPOCHS));
    check_same(name, &resumed, whole);
}

static void every_write_that_fails_leaves_whole_files(void **state) {
    (void)state;
    outcome whole = uninterrupted(OPTIONS(.epochs = EPOCHS)), out;
    int failures = 0;
    for (;; failures++) {
        char name[64];
        snprintf(name, sizeof name, "failing step %d of writing", failures);
        fv_write_fail_after(failures, ENOSPC);
        bool good = train(net_text, 1, OPTIONS(.save_steps = 3), &out);
        fv_write_fail_after(-1, 0);
        if (good) break;
        check_after_failure(name, strerror(ENOSPC), &whole);
        clean_temp(NULL);
    }
    if (failures < 100) fail_msg("expected a hundred steps of writing, got %d", failures);
    check_same("the disk has room again", &out, &whole);
}

static void memory_that_runs_short_leaves_whole_files(void **state) {
    (void)state;
    outcome whole = uninterrupted(OPTIONS(.epochs = EPOCHS)), out;
    int64_t left = 7;
    must_train(net_text, 1, OPTIONS(.on_event = stop_after, .user = &left));
    fv_data *data = open_digits(SAMPLES);
    int failures = 0;
    for (bool good = false; !good; failures++) {
        fv_model *model = new_model(net_text, 1);
        problem = (fv_error){0};
        fv_fit_options options = filled(RESUME(.threads = 1));
        fv_alloc_fail_after(failures);
        fv_history *history = fv_fit_with(model, data, &problem, &options);
        fv_alloc_fail_after(-1);
        good = history != NULL;
        if (!good && !problem.message[0]) fail_msg("allocation %d: expected a sentence", failures);
        if (!good && left_overs() > (access(temp_path("lock"), F_OK) == 0))
            fail_msg("allocation %d: expected no temporary file", failures);
        fv_history_free(history), fv_model_free(model);
    }
    fv_data_free(data);
    if (failures < 100) fail_msg("expected hundreds of allocations, got %d", failures);
    out = must_train(net_text, 1, RESUME(.epochs = EPOCHS));
    check_same("memory is there again", &out, &whole);
}

static void a_file_that_may_not_grow_is_an_error(void **state) {
    (void)state;
    outcome whole = uninterrupted(OPTIONS(.epochs = EPOCHS)), out;
    int64_t left = 3;
    must_train(net_text, 1, OPTIONS(.on_event = stop_after, .user = &left));
    struct rlimit old, small = {6000, 6000};
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    bool good = train(net_text, 1, RESUME(.epochs = EPOCHS), &out);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    assert_false(good);
    check_after_failure("files of 6000 bytes at most", strerror(EFBIG), &whole);
}

#ifdef __linux__
/* A small disk of our own in place of the folder; only the administrator may make one. */
static bool mount_disk(const char *size) { return !mount("tmpfs", temp_folder, "tmpfs", 0, size); }

static void a_full_disk_and_a_read_only_one(void **state) {
    (void)state;
    outcome whole = uninterrupted(OPTIONS(.epochs = EPOCHS)), out;
    if (!mount_disk("size=160k")) skip();
    int64_t left = 3;
    must_train(net_text, 1, OPTIONS(.on_event = stop_after, .user = &left));
    int fd = open(temp_path("ballast"), O_WRONLY | O_CREAT, 0600);
    char page[4096] = {0};
    while (write(fd, page, sizeof page) > 0) continue;
    close(fd);
    bool good = train(net_text, 1, RESUME(.epochs = EPOCHS), &out);
    char message[512];
    snprintf(message, sizeof message, "%s", problem.message);
    int over = left_overs();
    unlink(temp_path("ballast"));
    bool again = train(net_text, 1, RESUME(.epochs = EPOCHS), &out);
    mount("tmpfs", temp_folder, "tmpfs", MS_REMOUNT | MS_RDONLY, "");
    outcome locked;
    bool wrote = train(net_text, 1, RESUME(.epochs = EPOCHS), &locked);
    bool named = strstr(problem.message, strerror(EROFS)) != NULL;
    umount(temp_folder);
    if (good || over || !strstr(message, strerror(ENOSPC))) fail_msg("full: got \"%s\", %d left over", message, over);
    assert_true(again);
    check_same("with room again", &out, &whole);
    assert_true(!wrote && named);
}
#endif

/* ---- batches ahead of time -------------------------------------------------------------------------------------- */

static unsigned char samples[SAMPLES][28 * 28];
static int32_t answers[SAMPLES];
static int64_t broken = -1; /* the sample that cannot be read */

static int read_sample(void *user, int64_t index, void *const *out) {
    (void)user;
    memcpy(out[0], samples[index], sizeof samples[0]);
    memcpy(out[1], &answers[index], sizeof answers[0]);
    return index == broken;
}

static bool train_callback(const char *loss, int threads, bool no_prefetch, uint64_t *hash) {
    static const fv_data_field fields[] = {{"picture", FV_U8, {3, {28, 28, 1}}, false},
                                           {"class", FV_I32, {0, {0}}, true}};
    problem = (fv_error){0};
    fv_data *data = fv_data_from_callback(SAMPLES, fields, 2, read_sample, NULL, &problem);
    if (!data) fail_msg("data: %s", problem.message);
    fv_model *model = new_model(net_text, 1);
    fv_fit_options options =
        filled(OPTIONS(.loss = loss, .folder = nowhere, .threads = threads, .no_prefetch = no_prefetch));
    fv_history *history = fv_fit_with(model, data, &problem, &options);
    *hash = fv_model_hash(model);
    fv_history_free(history), fv_model_free(model), fv_data_free(data);
    return history != NULL;
}

static void batches_ahead_of_time_are_the_same(void **state) {
    (void)state;
    static const int threads[] = {1, 2, 3, 5, 7};
    fv_data *digits = open_digits(SAMPLES);
    for (int i = 0; i < SAMPLES; i++) check_ok(fv_data_read(digits, i, (void *[]){samples[i], &answers[i]}, &problem));
    fv_data_free(digits);
    for (int kind = 0; kind < 2; kind++) { /* class numbers, and rows of 0 and 1 made of them */
        const char *loss = kind ? "mse" : "crossentropy";
        uint64_t expected, got;
        if (!train_callback(loss, 1, true, &expected)) fail_msg("fit: %s", problem.message);
        for (int i = 0; i < 20; i++) { /* both ways, twice */
            if (!train_callback(loss, threads[i / 4], i % 2, &got)) fail_msg("fit: %s", problem.message);
            if (got != expected)
                fail_msg("%s, %d threads, %s: expected %016llx, got %016llx", loss, threads[i / 4],
                         i % 2 ? "in the step" : "ahead", (unsigned long long)expected, (unsigned long long)got);
        }
    }
    char message[512];
    uint64_t hash;
    broken = 37;
    assert_false(train_callback(NULL, 1, true, &hash));
    snprintf(message, sizeof message, "%s", problem.message);
    assert_false(train_callback(NULL, 2, false, &hash));
    broken = -1;
    assert_string_equal(problem.message, message);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_run_goes_on_from_any_step, clean_temp),
        cmocka_unit_test_teardown(a_run_may_stop_at_every_step, clean_temp),
        cmocka_unit_test_teardown(every_optimizer_goes_on, clean_temp),
        cmocka_unit_test_teardown(saving_changes_no_number, clean_temp),
        cmocka_unit_test_teardown(more_epochs_extend_a_run, clean_temp),
        cmocka_unit_test_teardown(a_schedule_spans_all_epochs, clean_temp),
        cmocka_unit_test_teardown(the_checkpoint_is_a_model, clean_temp),
        cmocka_unit_test_teardown(what_differs_is_refused, clean_temp),
        cmocka_unit_test_teardown(a_folder_is_for_one_run, clean_temp),
        cmocka_unit_test_teardown(a_damaged_checkpoint_is_seen, clean_temp),
        cmocka_unit_test_teardown(every_write_that_fails_leaves_whole_files, clean_temp),
        cmocka_unit_test_teardown(memory_that_runs_short_leaves_whole_files, clean_temp),
        cmocka_unit_test_teardown(a_file_that_may_not_grow_is_an_error, clean_temp),
#ifdef __linux__
        cmocka_unit_test_teardown(a_full_disk_and_a_read_only_one, clean_temp),
#endif
        cmocka_unit_test_teardown(batches_ahead_of_time_are_the_same, clean_temp),
    };
    /* hundreds of runs: where a file system in memory is at hand, they need not wait for a disk */
    if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 0);
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
