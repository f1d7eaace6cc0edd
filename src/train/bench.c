/* bench.c - how fast: a step of inference or training on drawn numbers, and the machine's multiply-adds to compare it with. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hash.h"
#include "philox.h"
#include "train.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- numbers in order ------------------------------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* `part` 0 the least, 0.5 the median, 1 the most. */
static double part_of(const double *sorted, int64_t count, double part) {
    double at = part * (double)(count - 1);
    int64_t below = (int64_t)at;
    return below + 1 < count ? sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below])
                             : sorted[count - 1];
}

/* ---- the peak --------------------------------------------------------------------------------------------------- */

enum { PEAK_ROUNDS = 50000, PEAK_REPEATS = 100 }; /* a repeat is about a fifth of a millisecond */

typedef struct peak {
    const fv_table *table;
    int64_t done; /* in a piece */
} peak;

static void peak_piece(void *context, int64_t piece, int thread) {
    peak *p = context;
    int64_t done = p->table->peak(PEAK_ROUNDS);
    (void)thread;
    if (piece == 0) p->done = done;
}

/* Operations in a second of all the pool's threads, this moment. */
static double peak_now(fv_pool *pool) {
    peak p = {.table = fv_kernels()};
    int threads = fv_pool_threads(pool);
    double start = now();
    fv_pool_run(pool, threads, peak_piece, &p);
    return 2 * (double)p.done * threads / (now() - start);
}

/* What the machine can do when nothing else wants it. */
double fv_peak_flops(int threads) {
    fv_pool *own = threads > 0 ? fv_pool_new(threads) : NULL, *pool = own ? own : fv_default_pool();
    double best = 0;
    for (int i = 0; i < PEAK_REPEATS; i++) {
        double rate = peak_now(pool);
        if (rate > best) best = rate;
    }
    fv_pool_free(own);
    return best;
}

/* ---- a net at work ---------------------------------------------------------------------------------------------- */

typedef struct work {
    fv_bench_options options;
    fv_settings settings;
    fv_net *net; /* with a loss, where it is trained */
    fv_model *model;
    fv_run *run;
    fv_descent descent;
    fv_gradients gradients;
} work;

/* Real numbers from 0 to 1, as pictures are; class numbers below 2, which every net has. */
static void draw_inputs(work *w) {
    const fv_plan *plan = fv_run_plan(w->run);
    for (int v = 0; v < plan->value_count; v++) {
        const fv_value_info *info = &plan->net->values[v];
        if (info->kind != FV_KIND_INPUT || plan->of_value[v] == FV_NO_OPERAND) continue;
        fv_tensor tensor = fv_run_operand(w->run, plan->of_value[v]);
        fv_stream stream = fv_stream_new(0, FV_FOR_TEST, 0, fv_hash_text(info->name));
        int64_t count = fv_shape_count(&tensor.shape);
        for (int64_t i = 0; i < count; i++) {
            uint32_t bits = fv_next(&stream) >> 8;
            switch (tensor.dtype) {
            case FV_F32: ((float *)tensor.data)[i] = (float)bits / 16777216; break;
            case FV_I32: ((int32_t *)tensor.data)[i] = (int32_t)(bits & 1); break;
            case FV_I64: ((int64_t *)tensor.data)[i] = bits & 1; break;
            case FV_U8:
            case FV_BOOL: ((uint8_t *)tensor.data)[i] = bits & 1; break;
            default: break;
            }
        }
    }
}

/* Small enough for any net to stay finite over many steps on the same samples. */
static fv_status begin_training(work *w, fv_error *error) {
    fv_status status =
        fv_descent_begin(&w->descent, w->model, w->run, w->settings.optimizer, w->settings.groups, error);
    if (!status) status = fv_gradients_begin(&w->gradients, &w->descent, false, 0, 0, error);
    for (int g = 0; g < w->descent.groups.count; g++) w->descent.groups.group[g].rate = 1e-6;
    return status;
}

static fv_status begin(work *w, fv_net *net, fv_error *error) {
    const fv_bench_options *o = &w->options;
    w->net = o->training ? fv_net_with_loss(net, o->loss, error) : fv_net_keep(net);
    w->model = w->net ? fv_model_new(w->net, 1, error) : NULL;
    if (!w->model) return fv_failed(error);
    fv_fit_options fit = {.size = sizeof fit, .batch_size = o->batch, .optimizer = o->optimizer};
    fv_status status = fv_settings_read(w->model, &fit, &w->settings, error);
    if (status) return status;
    w->run = fv_run_new(w->model, error,
                        .batch = o->training ? w->settings.batch_size
                                 : o->batch  ? o->batch
                                             : 1,
                        .input = o->input, .training = o->training, .gradients = o->training, .threads = o->threads,
                        .exact = o->exact, .bf16 = o->bf16);
    if (!w->run) return fv_failed(error);
    draw_inputs(w);
    return o->training ? begin_training(w, error) : FV_OK;
}

/* As a step of fv_fit whose batch is there. */
static fv_status step(work *w, int64_t index, fv_error *error) {
    int64_t batch = fv_run_plan(w->run)->batch;
    fv_moment moment = {.position = index * batch};
    fv_run_set_moment(w->run, &moment);
    fv_status status = fv_run_go(w->run, batch, error);
    if (status || !w->options.training) return status;
    if (!isfinite(fv_run_loss(w->run)) || fv_gradients_bad(&w->gradients) >= 0)
        return fv_fail(error, FV_E_NUMBER, "fv_bench: step %lld: the loss or a gradient is not finite",
                       (long long)index + 1);
    status = fv_descent_step(&w->descent, error);
    w->model->weights.version++;
    return status;
}

static void end(work *w) {
    fv_gradients_end(&w->gradients);
    fv_descent_end(&w->descent);
    fv_run_free(w->run);
    fv_model_free(w->model);
    fv_net_free(w->net);
}

/* ---- timing ----------------------------------------------------------------------------------------------------- */

enum { MOST_STEPS = 1 << 20, MOST_PEAKS = 1024 };

/* Between the steps the peak is measured again and again: the clock of a core moves by a fifth within seconds. */
static const double PEAK_EVERY = 0.02;

typedef struct times {
    double *steps, peaks[MOST_PEAKS];
    int64_t count, room;
    int peak_count;
    double last_peak;
} times;

static fv_status add_time(times *t, double seconds, fv_error *error) {
    if (t->count == t->room) {
        int64_t room = t->room ? 2 * t->room : 256;
        double *steps = fv_realloc(t->steps, (size_t)room * sizeof *steps);
        if (!steps) return fv_fail_memory(error, "times of steps", (size_t)room * sizeof *steps);
        t->steps = steps;
        t->room = room;
    }
    t->steps[t->count++] = seconds;
    return FV_OK;
}

static void look_at_peak(times *t, fv_pool *pool) {
    if (t->peak_count == MOST_PEAKS || now() - t->last_peak < PEAK_EVERY) return;
    t->peaks[t->peak_count++] = peak_now(pool);
    t->last_peak = now();
}

static void sum_up(work *w, times *t, fv_timing *out) {
    const fv_plan *plan = fv_run_plan(w->run);
    qsort(t->steps, (size_t)t->count, sizeof *t->steps, compare_numbers);
    qsort(t->peaks, (size_t)t->peak_count, sizeof *t->peaks, compare_numbers);
    *out = (fv_timing){.batch = plan->batch,
                       .steps = t->count,
                       .median = part_of(t->steps, t->count, 0.5),
                       .least = t->steps[0],
                       .lower = part_of(t->steps, t->count, 0.25),
                       .upper = part_of(t->steps, t->count, 0.75),
                       .most = t->steps[t->count - 1],
                       .peak = part_of(t->peaks, t->peak_count, 0.5),
                       .threads = fv_pool_threads(fv_run_pool(w->run))};
    for (int i = plan->steady_calls; i < plan->call_count; i++) out->macs += fv_call_macs(&plan->calls[i]);
}

/* First some steps that nobody times: they touch memory, wake threads and bring the clock up. */
static fv_status measure(work *w, times *t, fv_error *error) {
    double seconds = w->options.seconds > 0 ? w->options.seconds : 1, start = now();
    int64_t least = w->options.least_steps ? w->options.least_steps : 5, index = 0;
    fv_pool *pool = fv_run_pool(w->run);
    fv_status status = FV_OK;
    do status = step(w, index++, error);
    while (!status && (index < 2 || (now() - start < 0.1 * seconds && index < MOST_STEPS)));
    start = now();
    while (!status && t->count < MOST_STEPS && (t->count < least || now() - start < seconds)) {
        look_at_peak(t, pool);
        double began = now();
        status = step(w, index++, error);
        double took = now() - began;
        if (!status) status = add_time(t, took, error);
    }
    return status;
}

static fv_status begin_and_measure(work *w, fv_net *net, fv_timing *out, fv_error *error) {
    times *t = fv_alloc(sizeof *t);
    if (!t) return fv_fail_memory(error, "times of steps", sizeof *t);
    fv_status status = begin(w, net, error);
    if (!status) status = measure(w, t, error);
    if (!status) sum_up(w, t, out);
    fv_free(t->steps);
    fv_free(t);
    return status;
}

fv_status fv_bench_with(fv_net *net, fv_timing *out, fv_error *error, const fv_bench_options *given) {
    work w = {0};
    fv_error own = {0}, *reason = error ? error : &own;
    fv_copy_options(&w.options, sizeof w.options, given, given ? given->size : 0);
    memset(out, 0, sizeof *out);
    fv_status status =
        !net ? fv_fail(reason, FV_E_ARGUMENT, "fv_bench: no net was given")
        : w.options.batch < 0 || w.options.threads < 0 || w.options.least_steps < 0 || !(w.options.seconds >= 0)
            ? fv_fail(reason, FV_E_ARGUMENT, "fv_bench: batch, threads, seconds and steps: expected 0 or more")
            : fv_net_check(net, reason);
    if (!status) status = begin_and_measure(&w, net, out, reason);
    end(&w);
    return status;
}
