/* conformance.c - one test of a suite of ONNX tests, in a process of its own with limits. */
#include "conformance.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tolerance.h"

const char *const cli_verdict_names[CLI_VERDICTS] = {"passed", "unsupported", "failed"};

enum { MOST_PORTS = 128, MOST_PATH = 4096 };

static bool exists(const char *path) {
    struct stat info;
    return !stat(path, &info);
}

static void judge(cli_outcome *out, cli_verdict verdict, const char *message) {
    out->verdict = verdict;
    snprintf(out->message, sizeof out->message, "%s", message);
}

/* ---- numbers of one data set -------------------------------------------------------------------------------------- */

/* Reads WORD_0.pb, WORD_1.pb, ... as far as there are; -1 after saying what is wrong. */
static int read_tensors(const char *set, const char *word, fv_tensor *tensors, cli_outcome *out) {
    char path[MOST_PATH], text[700];
    int count = 0;
    for (; count < MOST_PORTS; count++) {
        fv_error error = {0};
        snprintf(path, sizeof path, "%s/%s_%d.pb", set, word, count);
        if (!exists(path)) break;
        if (!fv_onnx_tensor_load(path, &tensors[count], &error)) continue;
        judge(out, error.status == FV_E_UNSUPPORTED ? CLI_UNSUPPORTED : CLI_WRONG,
              fv_error_text(&error, text, sizeof text));
        return -1;
    }
    return count;
}

static void free_tensors(fv_tensor *tensors, int count) {
    for (int i = 0; i < count; i++) fv_free(tensors[i].data);
}

static void compare(const fv_tensor *got, const fv_tensor *want, int count, const cli_trial *trial, cli_outcome *out) {
    char problem[400], message[500];
    for (int i = 0; i < count; i++)
        if (!cli_same_numbers(&got[i], &want[i], trial->rtol, trial->atol, problem, sizeof problem)) {
            snprintf(message, sizeof message, "output %d: %s", i, problem);
            judge(out, CLI_WRONG, message);
            return;
        }
}

static void run_set(const char *model, const char *set, const cli_trial *trial, cli_outcome *out) {
    fv_tensor inputs[MOST_PORTS] = {{0}}, want[MOST_PORTS] = {{0}}, got[MOST_PORTS] = {{0}};
    fv_error error = {0};
    char text[700];
    int given = read_tensors(set, "input", inputs, out), made = 0;
    int expected = given < 0 ? -1 : read_tensors(set, "output", want, out);
    if (expected >= 0) {
        if (fv_onnx_compute(model, inputs, given, got, MOST_PORTS, &made, &error))
            judge(out, error.status == FV_E_UNSUPPORTED ? CLI_UNSUPPORTED : CLI_WRONG,
                  fv_error_text(&error, text, sizeof text));
        else if (made < expected)
            judge(out, CLI_WRONG, "there are fewer outputs than expected");
        else
            compare(got, want, expected, trial, out);
    }
    free_tensors(inputs, given);
    free_tensors(want, expected);
    free_tensors(got, made);
}

static void run_here(const char *folder, const cli_trial *trial, cli_outcome *out) {
    char model[MOST_PATH], set[MOST_PATH];
    fv_error error = {0};
    snprintf(model, sizeof model, "%s/model.onnx", folder);
    char *operators = fv_onnx_operators(model, &error);
    snprintf(out->operators, sizeof out->operators, "%s", operators ? operators : "");
    fv_free(operators);
    int sets = 0;
    for (; out->verdict == CLI_PASSED; sets++) {
        snprintf(set, sizeof set, "%s/test_data_set_%d", folder, sets);
        if (!exists(set)) break;
        run_set(model, set, trial, out);
    }
    if (sets == 0) judge(out, CLI_WRONG, "the test has no data");
}

/* ---- a process of its own ------------------------------------------------------------------------------------------- */

/* What goes over the pipe: the outcome as it lies in memory. */
static void child(const char *folder, const cli_trial *trial, int pipe_end) {
    cli_outcome out = {.verdict = CLI_PASSED};
    struct rlimit memory = {(rlim_t)trial->bytes, (rlim_t)trial->bytes}, none = {0, 0};
    setrlimit(RLIMIT_AS, &memory); /* where it cannot be set the test runs without */
    setrlimit(RLIMIT_CORE, &none);
    alarm((unsigned)trial->seconds);
    run_here(folder, trial, &out);
    const char *at = (const char *)&out;
    for (size_t left = sizeof out; left > 0;) {
        ssize_t written = write(pipe_end, at, left);
        if (written <= 0) break;
        at += written, left -= (size_t)written;
    }
    _exit(0);
}

static bool receive(int pipe_end, cli_outcome *out) {
    char *at = (char *)out;
    size_t left = sizeof *out;
    while (left > 0) {
        ssize_t got = read(pipe_end, at, left);
        if (got <= 0) return false;
        at += got, left -= (size_t)got;
    }
    return true;
}

void cli_run_trial(const char *folder, const cli_trial *trial, cli_outcome *out) {
    int ends[2], status = 0;
    char message[120];
    fflush(NULL);
    *out = (cli_outcome){.verdict = CLI_WRONG};
    if (pipe(ends)) {
        judge(out, CLI_WRONG, "no pipe to a process of its own");
        return;
    }
    pid_t process = fork();
    if (process == 0) {
        close(ends[0]);
        child(folder, trial, ends[1]);
    }
    close(ends[1]);
    bool told = process > 0 && receive(ends[0], out);
    close(ends[0]);
    if (process > 0) waitpid(process, &status, 0);
    if (told) return;
    if (process > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(message, sizeof message, "stopped after %d seconds", trial->seconds);
    else if (process > 0 && WIFSIGNALED(status))
        snprintf(message, sizeof message, "crashed by signal %d", WTERMSIG(status));
    else
        snprintf(message, sizeof message, "its process ended without a word");
    *out = (cli_outcome){.verdict = CLI_WRONG};
    judge(out, CLI_WRONG, message);
}
