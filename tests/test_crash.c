/* The program, killed at random moments: whatever was under way, --resume goes on to the weights of the run that nobody
 * killed. Then signals, and two runs in one folder.
 *   test_crash [KILLS]    how many times it is killed; default 20 */
#include "check.h"
#include "files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "philox.h"
#include "train.h"

static int kills = 20;

static const char *program(void) {
    const char *path = getenv("FOVEA");
    if (!path) fail_msg("FOVEA names the program to test");
    return path;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void wait_for(double seconds) {
    struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
    nanosleep(&t, NULL);
}

/* Starts the program; both of its outputs go to the file `output`. */
static pid_t start(const char *const *arguments) {
    const char *argv[32] = {program()};
    for (int i = 0; arguments[i]; i++) argv[i + 1] = arguments[i];
    pid_t child = fork();
    if (child) return child;
    int out = open(temp_path("output"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(out, 1), dup2(out, 2);
    signal(SIGINT, SIG_DFL), signal(SIGTERM, SIG_DFL);
    execv(argv[0], (char *const *)argv);
    _exit(127);
}
#define START(...) start((const char *const[]){__VA_ARGS__, NULL})

static int status_of(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

static const char *output(void) {
    static char text[4096];
    FILE *file = fopen(temp_path("output"), "r");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file) fclose(file);
    text[length] = 0;
    return text;
}

static void must_end(pid_t child, const char *name) {
    int status = status_of(child);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        fail_msg("%s: status %x, said: %s", name, (unsigned)status, output());
}

static void weights(char hash[17]) {
    const char *at = strstr(output(), "weights ");
    if (!at) fail_msg("no weights in: %s", output());
    snprintf(hash, 17, "%.16s", at + strlen("weights "));
}

static bool there(const char *name) { return access(temp_path(name), F_OK) == 0; }

static int half_written(void) {
    int count = 0;
    DIR *list = opendir(temp_path("run"));
    for (struct dirent *entry; list && (entry = readdir(list));) count += strstr(entry->d_name, ".tmp") != NULL;
    if (list) closedir(list);
    return count;
}

static pid_t start_small(const char *folder) {
    return START("train", "mlp", "digits", "--set", "hidden=200", "--limit", "400", "-e", "3", "--optimizer", "adam",
                 "--save-every", "1", "-q", "-o", folder);
}

static void killed_at_any_moment_it_goes_on(void **state) {
    (void)state;
    char folder[512], expected[17], got[17], name[64];
    snprintf(folder, sizeof folder, "%s", temp_path("run"));
    double before = now();
    must_end(start_small(folder), "the run that nobody kills");
    double whole = now() - before;
    weights(expected);
    clean_temp(NULL);
    int in_time = 0, begun = 0, inside = 0;
    fv_stream draws = fv_stream_new((uint64_t)getpid(), FV_FOR_TEST, 0, 0);
    for (int i = 0; i < kills; i++) {
        pid_t child = start_small(folder);
        wait_for(whole * fv_uniform(&draws));
        kill(child, SIGKILL);
        in_time += WIFSIGNALED(status_of(child));
        snprintf(name, sizeof name, "kill %d of %d", i + 1, kills);
        inside += half_written() > 0;
        bool has_begun = there("run/checkpoint.safetensors") || there("run/checkpoint.previous.safetensors");
        begun += has_begun;
        must_end(has_begun ? START("train", "--resume", folder, "-q") : start_small(folder), name);
        weights(got);
        if (strcmp(got, expected)) fail_msg("%s: expected weights %s, got %s", name, expected, got);
        if (half_written() || there("run/lock")) fail_msg("%s: expected nothing half written", name);
        clean_temp(NULL);
    }
    print_message("%d kills: %d before the end, %d of runs that had begun, %d inside a save\n", kills, in_time, begun,
                  inside);
}

/* Waits until the run has its first checkpoint. */
static void wait_for_checkpoint(void) {
    for (int i = 0; i < 2000 && !there("run/checkpoint.safetensors"); i++) wait_for(0.01);
    if (!there("run/checkpoint.safetensors")) fail_msg("no checkpoint: %s", output());
}

static pid_t start_long(const char *folder, const char *batch) {
    return START("train", "mnist_cnn", "digits", "--limit", "3000", "-e", "1000", "-b", batch, "-q", "-o", folder);
}

static void a_signal_saves_and_says_how_to_go_on(void **state) {
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM};
    char folder[512], expected[600];
    snprintf(folder, sizeof folder, "%s", temp_path("run"));
    snprintf(expected, sizeof expected, "go on with: fovea train --resume %s\n", folder);
    for (int i = 0; i < 2; i++) {
        pid_t child = start_long(folder, "8");
        wait_for_checkpoint();
        wait_for(0.1);
        kill(child, signals[i]);
        int status = status_of(child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 128 + signals[i])
            fail_msg("signal %d: expected exit code %d, got status %x", signals[i], 128 + signals[i], (unsigned)status);
        if (!strstr(output(), expected)) fail_msg("expected \"%s\", got \"%s\"", expected, output());
        assert_false(half_written() || there("run/lock"));
        clean_temp(NULL);
    }
}

static void two_signals_end_at_once(void **state) {
    (void)state;
    char folder[512];
    snprintf(folder, sizeof folder, "%s", temp_path("run"));
    pid_t child = start_long(folder, "2700"); /* one long step */
    wait_for_checkpoint();
    wait_for(0.02);
    kill(child, SIGINT);
    wait_for(0.02);
    kill(child, SIGTERM);
    int status = status_of(child);
    /* a step that ended between the two signals was saved */
    if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) && !(WIFEXITED(status) && WEXITSTATUS(status) == 130))
        fail_msg("expected an end by the second signal, got status %x: %s", (unsigned)status, output());
    fv_model *model = fv_checkpoint_load(folder, &problem);
    if (!model) fail_msg("the checkpoint: %s", problem.message);
    fv_model_free(model);
}

static void the_second_run_in_a_folder_is_refused(void **state) {
    (void)state;
    char folder[512];
    snprintf(folder, sizeof folder, "%s", temp_path("run"));
    pid_t first = start_long(folder, "8");
    wait_for_checkpoint();
    const char *const resume[] = {"train", "--resume", folder, "-q", NULL};
    const char *const force[] = {"train", "logistic", "digits", "--limit", "50", "-o", folder, "--force", NULL};
    for (int i = 0; i < 2; i++) {
        int status = status_of(start(i ? force : resume));
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 1 ||
            !strstr(output(), "another training is at work in this folder"))
            fail_msg("%s: status %x, said: %s", i ? "--force" : "--resume", (unsigned)status, output());
    }
    kill(first, SIGKILL); /* leaves a lock that nobody holds */
    status_of(first);
    assert_true(there("run/lock"));
    must_end(START("train", "logistic", "digits", "--limit", "50", "-q", "-o", folder, "--force"), "a stale lock");
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(killed_at_any_moment_it_goes_on, clean_temp),
        cmocka_unit_test_teardown(a_signal_saves_and_says_how_to_go_on, clean_temp),
        cmocka_unit_test_teardown(two_signals_end_at_once, clean_temp),
        cmocka_unit_test_teardown(the_second_run_in_a_folder_is_refused, clean_temp),
    };
    if (argc > 1) kills = atoi(argv[1]);
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0); /* a killed process needs no disk to be killed */
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
