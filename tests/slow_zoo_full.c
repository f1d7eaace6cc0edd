/* slow_zoo_full.c - the zoo's large networks forward at full size: the answer has the right shape and is finite, and the memory at
 * the peak is what was foretold, within a tenth. Each net has a process to itself, so that the peak is its own:
 *   slow_zoo_full           all of them, a row of the table in docs/results.md each
 *   slow_zoo_full NET ...   these */
#include "check.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fovea.h"

#if defined(__SANITIZE_ADDRESS__)
enum { WATCHED = 1 }; /* shadow memory is in the peak */
#else
enum { WATCHED = 0 };
#endif

typedef struct full {
    const char *net;
    fv_shape input;     /* where the net leaves it open */
    const char *output; /* of one sample */
} full;

static const full nets[] = {{"alexnet", {0}, "1x1000"},
                            {"alexnet_one", {0}, "1x1000"},
                            {"vgg11", {0}, "1x1000"},
                            {"vgg13", {0}, "1x1000"},
                            {"vgg16", {0}, "1x1000"},
                            {"vgg19", {0}, "1x1000"},
                            {"googlenet", {0}, "1x1000"},
                            {"googlenet_bn", {0}, "1x1000"},
                            {"inception_v3", {0}, "1x1000"},
                            {"plain34", {0}, "1x1000"},
                            {"resnet18", {0}, "1x1000"},
                            {"resnet34", {0}, "1x1000"},
                            {"resnet50", {0}, "1x1000"},
                            {"densenet121", {0}, "1x1000"},
                            {"squeezenet1_1", {0}, "1x1000"},
                            {"mobilenet_v2", {0}, "1x1000"},
                            {"unet", {0}, "1x388x388x2"},
                            {"fcn", {3, {500, 500, 3}}, "1x500x500x21"},
                            {"c3d", {0}, "1x101"}};
enum { NETS = sizeof nets / sizeof nets[0] };

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double peak_bytes(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    return (double)usage.ru_maxrss;
#else
    return 1024.0 * (double)usage.ru_maxrss;
#endif
}

/* ---- the process of one net ------------------------------------------------------------------------------------- */

/* What it hands back through the pipe. */
typedef struct measured {
    double parameters, foretold, used, first, again; /* bytes; seconds: with packing, and the best of those after it */
    bool finite;
    char shape[64], problem[512];
} measured;

static void fill_input(fv_tensor input) {
    for (int64_t i = 0; i < fv_shape_count(&input.shape); i++)
        ((float *)input.data)[i] = (float)((i * 2654435761u >> 8) % 2001) / 1000 - 1;
}

static void go_several_times(fv_run *run, measured *m, fv_error *error) {
    for (int i = 0; i < 6 && !error->status; i++) {
        double start = seconds_now();
        fv_run_go(run, 1, error);
        double took = seconds_now() - start;
        if (i == 0) m->first = took;
        if (i == 1 || (i > 1 && took < m->again)) m->again = took;
    }
}

static void look_at_output(const fv_run *run, measured *m) {
    fv_tensor output = fv_run_output(run, NULL);
    fv_shape_text(&output.shape, m->shape, sizeof m->shape);
    m->finite = output.data != NULL;
    for (int64_t i = 0; m->finite && i < fv_shape_count(&output.shape); i++)
        m->finite = isfinite(((float *)output.data)[i]);
}

static measured measure(const full *f) {
    measured m = {0};
    fv_error error = {0};
    double empty = peak_bytes();
    fv_net *net = fv_net_load(f->net, NULL, 0, &error);
    fv_foretold told = {0};
    if (net && !fv_foretell(net, &told, &error, .input = f->input)) {
        fv_summary *summary = fv_summarize(net, f->input.rank ? &f->input : NULL, &error);
        m.parameters = (double)fv_summary_total(summary).parameters;
        fv_summary_free(summary);
    }
    m.foretold = (double)told.total;
    fv_model *model = error.status ? NULL : fv_model_new(net, 1, &error);
    fv_run *run = model ? fv_run_new(model, &error, .input = f->input) : NULL;
    if (run) {
        fill_input(fv_run_input(run, NULL));
        go_several_times(run, &m, &error);
        look_at_output(run, &m);
    }
    m.used = peak_bytes() - empty;
    if (error.status) fv_error_text(&error, m.problem, sizeof m.problem);
    fv_run_free(run);
    fv_model_free(model);
    fv_net_free(net);
    return m;
}

/* ---- the process that judges ------------------------------------------------------------------------------------ */

static const char *program;

/* A child that runs this program anew, so that nothing of the parent is in its memory. */
static measured in_a_process_of_its_own(const full *f) {
    int ends[2];
    char out[16];
    measured m = {0};
    assert_int_equal(pipe(ends), 0);
    snprintf(out, sizeof out, "%d", ends[1]);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        execl(program, program, "--measure", f->net, out, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t have = 0;
    for (ssize_t n; have < sizeof m && (n = read(ends[0], (char *)&m + have, sizeof m - have)) > 0;) have += (size_t)n;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (have != sizeof m) fail_msg("%s: its process ended with status %d and said nothing", f->net, status);
    return m;
}

/* 60965224 -> "60,965,224" */
static const char *grouped(int64_t n, char *out, size_t size) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)n), at = 0;
    for (int i = 0; i < length && (size_t)at + 2 < size; i++) {
        if (i && (length - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

static void print_head(void) {
    printf("| network | parameters | foretold | used | first forward | forward |\n|---|---:|---:|---:|---:|---:|\n");
}

static void runs_as_foretold(void **state) {
    const full *f = *state;
    measured m = in_a_process_of_its_own(f);
    const double mib = 1 << 20;
    char parameters[48];
    printf("| `%s` | %s | %.1f MiB | %.1f MiB | %.3f s | %.3f s |\n", f->net,
           grouped((int64_t)m.parameters, parameters, sizeof parameters), m.foretold / mib, m.used / mib, m.first,
           m.again);
    fflush(stdout);
    if (m.problem[0]) fail_msg("%s: %s", f->net, m.problem);
    if (strcmp(m.shape, f->output)) fail_msg("%s: expected an output of %s, got %s", f->net, f->output, m.shape);
    if (!m.finite) fail_msg("%s: its output is not finite", f->net);
    /* The program itself takes a few MiB. */
    if (!WATCHED && fabs(m.foretold - m.used) > fmax(0.1 * m.used, 5 * mib))
        fail_msg("%s: foretold %.1f MiB, used %.1f MiB: expected less than a tenth between them, or 5 MiB", f->net,
                 m.foretold / mib, m.used / mib);
}

static const full *find(const char *name) {
    for (int i = 0; i < NETS; i++)
        if (!strcmp(nets[i].net, name)) return &nets[i];
    return NULL;
}

int main(int argc, char **argv) {
    struct CMUnitTest tests[NETS];
    int count = 0;
    if (argc == 4 && !strcmp(argv[1], "--measure")) {
        const full *f = find(argv[2]);
        measured m = {0};
        if (f) m = measure(f);
        return f && write(atoi(argv[3]), &m, sizeof m) == sizeof m ? 0 : 1;
    }
    program = argv[0];
    for (int i = 0; i < NETS; i++) {
        bool chosen = argc == 1;
        for (int k = 1; k < argc; k++) chosen |= !strcmp(argv[k], nets[i].net);
        if (!chosen) continue;
        tests[count++] = (struct CMUnitTest){
            .name = nets[i].net, .test_func = runs_as_foretold, .initial_state = (void *)(uintptr_t)&nets[i]};
    }
    print_head();
    return _cmocka_run_group_tests("the zoo at full size", tests, (size_t)count, NULL, NULL);
}
