/* bench_calls.c - where the time of a run goes, call by call: processor time of one thread, so that other work on the
 * machine hardly counts, or with `threads=2` the time that passes. Bytes are those of the arguments, multiply-adds those of direct sums.
 *   bench_calls NET [batch] [train|infer] [rounds] [all] [bf16] [threads=1]
 * Sums by routine and kernel, then the slowest calls; `all` lists every call; `bf16` takes such products. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "train.h"

enum { SLOWEST = 12, MOST_KINDS = 128 };

typedef struct kind {
    const char *kernel;
    bool backward;
    int calls;
    double seconds, bytes, macs;
} kind;

static double bytes_of(const fv_plan *plan, const fv_planned_call *call) {
    double bytes = 0;
    for (int k = 0; k < call->args; k++)
        if (call->arg[k] >= 0) bytes += (double)plan->operands[call->arg[k]].bytes;
    return bytes;
}

static double macs_of(const fv_planned_call *call) {
    if (call->routine != FV_R_CONV && call->routine != FV_R_CONV_DATA && call->routine != FV_R_CONV_WEIGHTS) return 0;
    const fv_conv_geom *g = &call->geom.conv;
    double macs = (double)call->geom.n * (double)g->f * (double)(g->c / g->groups);
    for (int d = 0; d < 3; d++) macs *= (double)g->out[d] * (double)g->kernel[d];
    return macs;
}

static int by_time(const void *a, const void *b) {
    const kind *p = a, *q = b;
    return p->seconds < q->seconds ? 1 : p->seconds > q->seconds ? -1 : 0;
}

static void print_line(const kind *k, double total, const char *name, int rounds) {
    double each = k->seconds / rounds;
    printf("%5.1f%% %9.3f ms %7.1f GB/s %7.1f GMAC/s %4d  %s %-26s %s\n", 100 * k->seconds / total, 1e3 * each,
           k->bytes / each * 1e-9, k->macs / each * 1e-9, k->calls, k->backward ? "<" : ">", k->kernel, name);
}

static void print_kinds(const fv_plan *plan, const double *seconds, double total, int rounds) {
    kind kinds[MOST_KINDS];
    int count = 0;
    for (int i = 0; i < plan->call_count; i++) {
        const fv_planned_call *call = &plan->calls[i];
        int at = 0;
        while (at < count && (kinds[at].kernel != call->kernel->name || kinds[at].backward != call->backward)) at++;
        if (at == MOST_KINDS) continue;
        if (at == count) kinds[count++] = (kind){.kernel = call->kernel->name, .backward = call->backward};
        kinds[at].calls++;
        kinds[at].seconds += seconds[i];
        kinds[at].bytes += bytes_of(plan, call);
        kinds[at].macs += macs_of(call);
    }
    qsort(kinds, (size_t)count, sizeof *kinds, by_time);
    for (int i = 0; i < count; i++) print_line(&kinds[i], total, "", rounds);
}

static void print_slowest(const fv_plan *plan, double *seconds, double total, int rounds, bool all) {
    printf("\n");
    for (int turn = 0; turn < (all ? plan->call_count : SLOWEST); turn++) {
        int worst = all ? turn : 0;
        for (int i = 0; !all && i < plan->call_count; i++)
            if (seconds[i] > seconds[worst]) worst = i;
        if (worst >= plan->call_count) return;
        const fv_planned_call *call = &plan->calls[worst];
        kind one = {call->kernel->name, call->backward, 1, seconds[worst], bytes_of(plan, call), macs_of(call)};
        print_line(&one, total, call->node >= 0 ? plan->net->nodes[call->node].name : "(plan)", rounds);
        if (!all) seconds[worst] = 0;
    }
}

static void fill(fv_tensor t) {
    for (int64_t i = 0; i < fv_shape_count(&t.shape); i++) {
        if (t.dtype == FV_F32) ((float *)t.data)[i] = (float)((i * 7919 + 13) % 1000) / 500 - 1;
        if (t.dtype == FV_I32) ((int32_t *)t.data)[i] = (int32_t)(i % 2);
    }
}

static int measure(fv_model *model, const fv_plan_options *options, int rounds, bool all, fv_error *error) {
    fv_run *run = fv_run_build(model->net, &model->weights, options, error);
    if (!run) return 1;
    const fv_plan *plan = fv_run_plan(run);
    for (int o = 0; o < plan->operand_count; o++)
        if (plan->operands[o].given) fill(fv_run_operand(run, o));
    double *seconds = calloc((size_t)plan->call_count + 1, sizeof *seconds), total = 0;
    int failed = !seconds || fv_run_go(run, options->batch, error); /* the first one warms up */
    fv_run_time_calls(run, seconds);
    for (int i = 0; i < rounds && !failed; i++) {
        model->weights.version += options->training;
        failed = fv_run_go(run, options->batch, error) != FV_OK;
    }
    for (int i = 0; i < plan->call_count && !failed; i++) total += seconds[i];
    if (!failed) {
        printf("%.3f ms; arena %.1f MB, scratch %.1f MB, packed %.1f MB, %d calls\n", 1e3 * total / rounds,
               (double)plan->arena_bytes * 1e-6, (double)plan->scratch_bytes * 1e-6, (double)plan->packed_bytes * 1e-6,
               plan->call_count);
        print_kinds(plan, seconds, total, rounds);
        print_slowest(plan, seconds, total, rounds, all);
    }
    free(seconds);
    fv_run_free(run);
    return failed;
}

int main(int argc, char **argv) {
    fv_error error = {0};
    int64_t batch = argc > 2 ? atoll(argv[2]) : 1;
    bool training = argc > 3 && !strcmp(argv[3], "train"), all = false, bf16 = false;
    int threads = 1;
    for (int i = 5; i < argc; i++) {
        all = all || !strcmp(argv[i], "all");
        bf16 = bf16 || !strcmp(argv[i], "bf16");
        if (!strncmp(argv[i], "threads=", 8)) threads = atoi(argv[i] + 8);
    }
    int rounds = argc > 4 ? atoi(argv[4]) : 5;
    fv_net *net = fv_net_load(argc > 1 ? argv[1] : "lenet_mnist", NULL, 0, &error);
    int failed = !net || rounds < 1 || (training && fv_set_loss(net, NULL, NULL, &error));
    fv_model *model = failed ? NULL : fv_model_new(net, 1, &error);
    fv_plan_options options = {.batch = batch,
                               .training = training,
                               .losses = training,
                               .gradients = training,
                               .bf16 = bf16,
                               .threads = threads};
    if (model) failed = measure(model, &options, rounds, all, &error);
    if (failed || !model) fprintf(stderr, "bench_calls: %s\n", error.message);
    fv_model_free(model);
    fv_net_free(net);
    return failed || !model;
}
