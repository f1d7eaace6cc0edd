/* cmd_bench.c - fovea bench: how fast a network is on this machine. Every case is measured in a process of its own, so that one
 * does not find what another left in caches, pools and memory. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_peers.h"
#include "common.h"
#include "options.h"

typedef struct options {
    bool json, training, inference, exact, bf16;
    const char *batch, *input, *isa, *against;
    int64_t threads;
    double seconds;
    cli_settings set;
} options;

static const cli_option list[] = {
    {"batch", 'b', CLI_TEXT, offsetof(options, batch), "LIST",
     "samples in a step, 1,16; default 1 and 16, of training the net's", 0, 0},
    {"training", 0, CLI_FLAG, offsetof(options, training), NULL, "only steps of training", 0, 0},
    {"inference", 0, CLI_FLAG, offsetof(options, inference), NULL, "only prediction", 0, 0},
    {"seconds", 0, CLI_REAL, offsetof(options, seconds), "S", "to measure each case; default 1", 0.001, 3600},
    CLI_EXACT(options),
    CLI_BF16(options),
    {"input", 0, CLI_TEXT, offsetof(options, input), "SHAPE", "sample shape where the net leaves it open, 224x224x3", 0,
     0},
    {"against", 0, CLI_TEXT, offsetof(options, against), "PYTHON",
     "in turns with PyTorch and ONNX Runtime, as this Python has them", 0, 0},
    CLI_SETTINGS(options),
    CLI_THREADS(options),
    CLI_ISA(options),
    CLI_JSON(options)};

enum { MAX_BATCHES = 32 };
typedef struct batches {
    int64_t of[MAX_BATCHES];
    int count;
} batches;

/* ---- the machine ------------------------------------------------------------------------------------------------ */

/* The value behind "KEY:" in a file of /proc, or `out` as it was. */
static void proc_value(const char *path, const char *key, char *out, size_t size) {
    char line[512];
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || !colon) continue;
        colon += 1 + strspn(colon + 1, " \t");
        snprintf(out, size, "%.*s", (int)strcspn(colon, "\n"), colon);
        break;
    }
    if (file) fclose(file);
}

/* The most memory that this process ever held. Where /proc tells, its number begins with this program; that of getrusage may be
 * inherited from whoever started it. */
static int64_t peak_bytes(void) {
    char kilobytes[64] = "";
    struct rusage usage = {0};
    proc_value("/proc/self/status", "VmHWM", kilobytes, sizeof kilobytes);
    if (*kilobytes) return 1024 * strtoll(kilobytes, NULL, 10);
    getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    return usage.ru_maxrss;
#else
    return 1024 * (int64_t)usage.ru_maxrss;
#endif
}

static json_t *machine(int cpus) {
    char cpu[256] = "unknown CPU";
    double load = -1;
    proc_value("/proc/cpuinfo", "model name", cpu, sizeof cpu);
    if (getloadavg(&load, 1) != 1) load = -1;
    return json_pack("{s:s, s:i, s:s, s:f, s:s}", "cpu", cpu, "cpus", cpus, "isa", fv_isa(), "load", load, "version",
                     fv_version());
}

/* ---- one case ---------------------------------------------------------------------------------------------------- */

static json_t *measure(const options *o, fv_net *net, const fv_shape *input, int64_t batch, fv_error *error) {
    fv_timing t;
    fv_bench_options options = {.size = sizeof options,
                                .batch = batch,
                                .training = o->training,
                                .exact = o->exact,
                                .bf16 = o->bf16,
                                .seconds = o->seconds};
    if (input) options.input = *input;
    if (fv_bench_with(net, &t, error, &options)) return NULL;
    double flops = 2 * t.macs / t.median;
    return json_pack("{s:s, s:I, s:i, s:b, s:b, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I}", "mode",
                     o->training ? "training" : "inference", "batch", (json_int_t)t.batch, "threads", t.threads,
                     "exact", o->exact, "bf16", o->bf16 && fv_has_bf16(), "steps", (json_int_t)t.steps, "median",
                     t.median, "least", t.least, "lower", t.lower, "upper", t.upper, "most", t.most,
                     "images_per_second", (double)t.batch / t.median, "gflops", 1e-9 * flops, "peak_gflops",
                     1e-9 * t.peak, "of_peak", flops / t.peak, "peak_bytes", (json_int_t)peak_bytes());
}

/* ---- other processes --------------------------------------------------------------------------------------------- */

static const char *own_path(const cli_call *call, char *room, size_t size) {
    ssize_t length = readlink("/proc/self/exe", room, size - 1);
    if (length <= 0) return call->argv[0];
    room[length] = 0;
    return room;
}

/* Runs a program to its end; `out`: gets what it writes as JSON, NULL: it writes where this one does. Its exit code. */
static int run_program(const char *path, char *const *arguments, json_t **out) {
    int ends[2] = {-1, -1}, status = -1;
    if (out && pipe(ends)) return CLI_FAILED;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (out) dup2(ends[1], STDOUT_FILENO), close(ends[0]), close(ends[1]);
        execvp(path, arguments);
        fprintf(stderr, "fovea bench: cannot start '%s'\n", path);
        _exit(CLI_FAILED);
    }
    if (out) {
        close(ends[1]);
        *out = child > 0 ? json_loadfd(ends[0], 0, NULL) : NULL;
        close(ends[0]);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return CLI_FAILED;
    return WEXITSTATUS(status);
}

enum { MAX_ARGUMENTS = 32 + 2 * CLI_MAX_SETTINGS, NUMBER = 32 };
typedef struct arguments {
    char *of[MAX_ARGUMENTS];
    int count;
    char seconds[NUMBER], batch[NUMBER], threads[NUMBER];
} arguments;

static void add(arguments *a, const char *word) { a->of[a->count++] = (char *)(uintptr_t)word; }

static void add_option(arguments *a, const char *name, const char *value) {
    if (value) add(a, name), add(a, value);
}

/* What both our own cases and the script for the others are told. */
static void add_shared(arguments *a, const options *o, char settings[CLI_MAX_SETTINGS][256]) {
    if (o->seconds > 0) snprintf(a->seconds, NUMBER, "%.17g", o->seconds), add_option(a, "--seconds", a->seconds);
    if (o->threads) snprintf(a->threads, NUMBER, "%" PRId64, o->threads), add_option(a, "--threads", a->threads);
    for (int i = 0; i < o->set.count; i++) {
        snprintf(settings[i], 256, "%s=%s", o->set.of[i].name, o->set.of[i].value);
        add_option(a, "--set", settings[i]);
    }
}

/* The same program once more, for one case; `batch` 0: the net's own. */
static int measure_apart(const cli_call *call, int64_t batch, bool training, json_t **out) {
    const options *o = call->options;
    char path[4096], settings[CLI_MAX_SETTINGS][256];
    arguments a = {0};
    const char *self = own_path(call, path, sizeof path);
    add(&a, self), add(&a, "bench");
    add_shared(&a, o, settings);
    if (batch) snprintf(a.batch, NUMBER, "%" PRId64, batch), add_option(&a, "--batch", a.batch);
    add(&a, training ? "--training" : "--inference");
    if (o->exact) add(&a, "--exact");
    if (o->bf16 && fv_has_bf16()) add(&a, "--bf16"); /* what there is to say where not has been said */
    add_option(&a, "--input", o->input);
    add_option(&a, "--isa", o->isa);
    add(&a, "--json"), add(&a, "--"), add(&a, call->operands[0]);
    return run_program(self, a.of, out);
}

/* The script goes to a file of its own while it runs: it starts itself for each of the others. */
static int compare(const cli_call *call) {
    const options *o = call->options;
    char script[4096], path[4096], settings[CLI_MAX_SETTINGS][256];
    const char *text = cli_bench_peers(), *place = getenv("TMPDIR");
    size_t length = strlen(text);
    if (!place || !*place) place = "/tmp";
    snprintf(script, sizeof script, "%.4000s/fovea_peers_XXXXXX", place);
    int file = mkstemp(script), status = CLI_FAILED;
    bool written = file >= 0 && write(file, text, length) == (ssize_t)length;
    if (file >= 0) close(file);
    if (written) {
        arguments a = {0};
        add(&a, o->against), add(&a, script), add(&a, "--fovea"), add(&a, own_path(call, path, sizeof path));
        add_shared(&a, o, settings);
        add_option(&a, "--batch", o->batch);
        if (o->training) add(&a, "--training");
        if (o->inference) add(&a, "--inference");
        if (o->json) add_option(&a, "--json", "-");
        add(&a, call->operands[0]);
        status = run_program(o->against, a.of, NULL);
    } else {
        cli_fail_text(call, "cannot write a file in %s ($TMPDIR)", place);
    }
    if (file >= 0) unlink(script);
    return status;
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

static double real_of(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }

static int64_t whole_of(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

static const char *milliseconds(double seconds, char out[32]) {
    double ms = 1000 * seconds;
    snprintf(out, 32, "%.*f", ms < 0.1 ? 4 : ms < 10 ? 3 : ms < 100 ? 2 : 1, ms);
    return out;
}

static void print_case(const json_t *c) {
    char median[32], least[32], lower[32], upper[32], images[32], memory[32];
    double rate = real_of(c, "images_per_second");
    snprintf(images, sizeof images, "%.1f", rate);
    printf("%-10s%6" PRId64 "%11s  %9s %9s %9s%12s%9.1f%8.1f%%%12s\n", json_string_value(json_object_get(c, "mode")),
           whole_of(c, "batch"), milliseconds(real_of(c, "median"), median), milliseconds(real_of(c, "least"), least),
           milliseconds(real_of(c, "lower"), lower), milliseconds(real_of(c, "upper"), upper),
           rate < 1000 ? images : cli_grouped((int64_t)(rate + 0.5), images), real_of(c, "gflops"),
           100 * real_of(c, "of_peak"), cli_bytes(whole_of(c, "peak_bytes"), memory));
}

static void print_table(const json_t *result) {
    const json_t *m = json_object_get(result, "machine"), *cases = json_object_get(result, "cases"),
                 *first = json_array_get(cases, 0);
    char parameters[32];
    printf("%s: %s parameters%s%s\n", json_string_value(json_object_get(result, "net")),
           cli_grouped(whole_of(result, "parameters"), parameters),
           json_is_true(json_object_get(first, "exact")) ? "; direct sums or such that round no worse" : "",
           json_is_true(json_object_get(first, "bf16")) ? "; products of bf16 numbers, summed in f32" : "");
    printf("%s, %" PRId64 " CPU%s allowed, %s, %" PRId64 " thread%s, load %.2f; peak %.0f GFLOP/s\n\n",
           json_string_value(json_object_get(m, "cpu")), whole_of(m, "cpus"), whole_of(m, "cpus") == 1 ? "" : "s",
           json_string_value(json_object_get(m, "isa")), whole_of(first, "threads"),
           whole_of(first, "threads") == 1 ? "" : "s", real_of(m, "load"), real_of(first, "peak_gflops"));
    printf("step       batch  median ms      least       quartiles        images/s  GFLOP/s  of peak      memory\n");
    for (size_t i = 0; i < json_array_size(cases); i++) print_case(json_array_get(cases, i));
}

static int tell(const cli_call *call, json_t *result) {
    const options *o = call->options;
    if (o->json) return cli_print_json(call, result);
    print_table(result);
    json_decref(result);
    return CLI_GOOD;
}

/* ---- all cases ---------------------------------------------------------------------------------------------------- */

static bool read_batches(const char *text, batches *b) {
    *b = (batches){0};
    for (const char *s = text; s;) {
        char *end;
        long long n = strtoll(s, &end, 10);
        if (end == s || n < 1 || n > INT32_MAX - 1 || b->count == MAX_BATCHES) return false;
        b->of[b->count++] = n;
        if (!*end) break;
        if (*end != ',') return false;
        s = end + 1;
    }
    return true;
}

static json_t *result_of(const cli_call *call, fv_net *net, const fv_shape *input, int cpus, fv_error *error) {
    fv_summary *summary = fv_summarize(net, input, error);
    if (!summary) return NULL;
    const char *optimizer = fv_net_get(net, "train", "optimizer");
    json_t *result = json_pack("{s:s, s:I, s:s?, s:o, s:[]}", "net", call->operands[0], "parameters",
                               (json_int_t)fv_summary_total(summary).parameters, "optimizer", optimizer, "machine",
                               machine(cpus), "cases");
    fv_summary_free(summary);
    return result;
}

static int measure_all(const cli_call *call, const batches *asked, json_t *cases) {
    const options *o = call->options;
    static const batches usual[2] = {{.of = {1, 16}, .count = 2}, {.of = {0}, .count = 1}};
    for (int training = 0; training < 2; training++) {
        if ((training ? o->inference : o->training) && o->inference != o->training) continue;
        const batches *b = asked->count ? asked : &usual[training];
        for (int i = 0; i < b->count; i++) {
            json_t *one = NULL;
            int status = measure_apart(call, b->of[i], training, &one);
            if (status == CLI_GOOD) json_array_append(cases, json_array_get(json_object_get(one, "cases"), 0));
            json_decref(one);
            if (status != CLI_GOOD) return status;
        }
    }
    return CLI_GOOD;
}

static int bench(const cli_call *call, fv_net *net) {
    const options *o = call->options;
    fv_error error = {0};
    fv_shape shape;
    batches b;
    int cpus = fv_threads();
    if (!read_batches(o->batch, &b))
        return cli_usage_error(call->command, "--batch: expected sizes such as 1,16, got '%s'", o->batch);
    if (o->input && !cli_read_shape(o->input, &shape))
        return cli_usage_error(call->command, "--input: expected a shape such as 224x224x3, got '%s'", o->input);
    if (o->against && (o->input || o->isa || o->exact || o->bf16))
        return cli_usage_error(call->command, "--against: the others know no --input, --isa, --exact and --bf16");
    if (o->against) return compare(call);
    if (cli_set_machine(call, o->isa, o->threads)) return CLI_FAILED;
    if (cli_check_products(call, o->exact, o->bf16)) return CLI_USAGE;
    json_t *result = result_of(call, net, o->input ? &shape : NULL, cpus, &error);
    if (!result) return cli_fail(call, &error);
    json_t *cases = json_object_get(result, "cases"), *one = NULL;
    int status = CLI_GOOD;
    if (o->training != o->inference && (b.count == 1 || (o->training && !b.count))) {
        one = measure(o, net, o->input ? &shape : NULL, b.count ? b.of[0] : 0, &error);
        status = one ? CLI_GOOD : cli_fail(call, &error);
        if (one) json_array_append_new(cases, one);
    } else {
        status = measure_all(call, &b, cases);
    }
    if (status == CLI_GOOD) return tell(call, result);
    json_decref(result);
    return status;
}

static int run(const cli_call *call) {
    const options *o = call->options;
    return cli_with_net(call, &o->set, bench);
}

const cli_command command_bench = {
    .name = "bench",
    .summary = "how fast a network is here: prediction and training, time and memory",
    .usage = "NET|MODEL [--batch LIST] [--training|--inference]",
    .examples = "fovea bench lenet_mnist                 prediction of 1 and of 16 pictures, a step of training\n"
                "fovea bench resnet34 --batch 1,8,64     at these batches\n"
                "fovea bench vgg16 --inference --exact   without Winograd's F(4x4)\n"
                "fovea bench mnist_cnn --against python3 in turns with PyTorch and ONNX Runtime\n"
                "fovea bench mnist_cnn --json            the same for programs\n",
    .details =
        "Times steps on one batch of drawn numbers: prediction, or forward, backward and the optimizer's update. Each\n"
        "case runs in a process of its own; its memory is the most that this process ever held. GFLOP/s count the\n"
        "multiply-adds of convolutions and products as direct sums, so Winograd's algorithm and products of bf16 numbers may\n"
        "pass the peak, which is measured between the steps with f32.",
    CLI_OPTIONS(list, options),
    .least = 1,
    .most = 1,
    .run = run};
