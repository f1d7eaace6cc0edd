/* run.c - a plan with memory: everything is resolved to pointers when the run is built, and going is walking down a
 * list. */
#include "emit.h"
#include "solo.h"

#include <string.h>
#include <time.h>

typedef struct fv_ready {
    fv_status (*run)(const fv_call *call);
    bool pack_first; /* its weights are computed by this very run */
    fv_call call;
} fv_ready;

struct fv_run {
    fv_plan *plan;
    const fv_weights *weights;
    uint64_t version; /* of the weights that packed forms and steady values were made of */
    bool fresh;       /* they are there, of that version */
    fv_ready *ready;
    unsigned char *memory; /* values, then scratch, then packed weights */
    void **widened;        /* by value: a double run's own copy of the weight */
    fv_pool *own_pool;     /* NULL: the default pool */
    fv_solo solo;          /* is it better off without the pool? */
    fv_moment moment;
    int64_t n; /* samples of the last go */
    double loss;
    bool *idle;      /* by call: left out; NULL: none */
    double *seconds; /* by call; NULL: nobody asks */
};

/* ---- memory --------------------------------------------------------------------------------------------------------
 */

static unsigned char *operand_data(const fv_run *run, fv_operand operand) {
    if (operand < 0) return NULL;
    const fv_operand_info *root = &run->plan->operands[fv_operand_root(run->plan, operand)];
    size_t offset = fv_operand_offset(run->plan, operand);
    switch (root->home) {
    case FV_HOME_ARENA: return run->memory + root->offset + offset;
    case FV_HOME_WEIGHT:
        if (run->widened) return (unsigned char *)run->widened[root->value] + offset;
        return (unsigned char *)run->weights->of[root->value].data + offset;
    case FV_HOME_CONSTANT: return (unsigned char *)(uintptr_t)root->constant + offset; /* nothing writes constants */
    default: return NULL;
    }
}

/* Says what a run needs and, so that one knows what to ask for instead, the largest power-of-two batch at half of that.
 */
static fv_status too_large(const fv_plan *plan, const fv_plan_options *options, fv_error *error) {
    size_t bytes = fv_plan_bytes(plan);
    int64_t batch = 1;
    char all[32], part[32];
    while (batch * 2 < plan->batch) batch *= 2;
    for (; batch >= 1 && batch < plan->batch; batch /= 2) {
        fv_plan_options smaller = *options;
        smaller.batch = batch;
        fv_plan *other = fv_plan_new(plan->net, &smaller, NULL);
        size_t needs = other ? fv_plan_bytes(other) : SIZE_MAX;
        fv_plan_free(other);
        if (needs <= bytes / 2)
            return fv_fail(error, FV_E_MEMORY, "not enough memory: a run needs %s at batch %lld; %s at batch %lld",
                           fv_bytes_text(bytes, all), (long long)plan->batch, fv_bytes_text(needs, part),
                           (long long)batch);
        if (batch == 1) break;
    }
    return fv_fail(error, FV_E_MEMORY, "not enough memory: a run needs %s at batch %lld", fv_bytes_text(bytes, all),
                   (long long)plan->batch);
}

static fv_status allocate(fv_run *run, const fv_plan_options *options, fv_error *error) {
    const fv_plan *plan = run->plan;
    size_t bytes = fv_plan_bytes(plan);
    run->ready = fv_alloc_array((size_t)plan->call_count + 1, sizeof *run->ready);
    if (!run->ready) return fv_fail_memory(error, "a run", sizeof *run->ready * (size_t)plan->call_count);
    run->memory = fv_alloc_aligned(bytes ? bytes : 1);
    if (!run->memory) return too_large(plan, options, error);
    for (int o = 0; o < plan->operand_count; ++o) /* an input that nobody fills is zero */
        if (plan->operands[o].given) memset(run->memory + plan->operands[o].offset, 0, plan->operands[o].bytes);
    return FV_OK;
}

static fv_status check_weights(const fv_run *run, fv_error *error) {
    const fv_plan *plan = run->plan;
    for (int o = 0; o < plan->operand_count; ++o) {
        if (plan->operands[o].home != FV_HOME_WEIGHT) continue;
        int value = plan->operands[o].value;
        const fv_tensor *tensor = run->weights && run->weights->of ? &run->weights->of[value] : NULL;
        if (!tensor || !tensor->data || tensor->dtype != FV_F32 ||
            !fv_shape_equal(&tensor->shape, &plan->types[value].shape)) {
            char expected[128], got[128];
            return fv_fail(error, FV_E_SHAPE, "weight %s: expected f32 %s, got %s", plan->net->values[value].name,
                           fv_shape_text(&plan->types[value].shape, expected, sizeof expected),
                           tensor && tensor->data ? fv_shape_text(&tensor->shape, got, sizeof got) : "nothing");
        }
    }
    return FV_OK;
}

/* A table of doubles reads copies of the weights. */
static fv_status make_widened(fv_run *run, fv_error *error) {
    const fv_plan *plan = run->plan;
    if (plan->table->real == FV_F32) return FV_OK;
    run->widened = fv_alloc_array((size_t)plan->value_count + 1, sizeof *run->widened);
    if (!run->widened) return fv_fail_memory(error, "a run", sizeof *run->widened * (size_t)plan->value_count);
    for (int o = 0; o < plan->operand_count; ++o) {
        const fv_operand_info *info = &plan->operands[o];
        if (info->home != FV_HOME_WEIGHT || !info->bytes) continue;
        run->widened[info->value] = fv_alloc(info->bytes);
        if (!run->widened[info->value]) return fv_fail_memory(error, "a run", info->bytes);
    }
    return FV_OK;
}

static void widen(fv_run *run) {
    for (int v = 0; run->widened && v < run->plan->value_count; ++v) {
        double *to = run->widened[v];
        const float *from = to ? run->weights->of[v].data : NULL;
        int64_t count = to ? fv_shape_count(&run->weights->of[v].shape) : 0;
        for (int64_t i = 0; i < count; ++i) to[i] = from[i];
    }
}

/* ---- building ------------------------------------------------------------------------------------------------------
 */

static void resolve(fv_run *run) {
    const fv_plan *plan = run->plan;
    unsigned char *scratch = run->memory + plan->arena_bytes, *packed = scratch + plan->scratch_bytes;
    for (int i = 0; i < plan->call_count; ++i) {
        const fv_planned_call *planned = &plan->calls[i];
        fv_ready *ready = &run->ready[i];
        ready->run = planned->kernel->run;
        ready->call = (fv_call){.geom = &planned->geom, .n = planned->geom.n, .now = &run->moment};
        for (int k = 0; k < planned->args; ++k) ready->call.arg[k] = operand_data(run, planned->arg[k]);
        if (planned->scratch) ready->call.scratch = scratch;
        if (!planned->packed) continue;
        ready->call.packed = packed + planned->packed_offset;
        ready->pack_first = planned->pack_now;
    }
}

fv_run *fv_run_build(fv_net *net, const fv_weights *weights, const fv_plan_options *options, fv_error *error) {
    fv_plan *plan = fv_plan_new(net, options, error);
    if (!plan) return NULL;
    fv_run *run = fv_alloc(sizeof *run);
    if (!run) {
        fv_fail_memory(error, "a run", sizeof *run);
        fv_plan_free(plan);
        return NULL;
    }
    run->plan = plan;
    run->weights = weights;
    fv_status status = check_weights(run, error);
    if (!status) status = allocate(run, options, error);
    if (!status) status = make_widened(run, error);
    if (!status && options->threads > 0) {
        run->own_pool = fv_pool_new(options->threads);
        if (!run->own_pool) status = fv_fail(error, FV_E_MEMORY, "cannot start %d threads", options->threads);
    }
    if (status) {
        fv_run_free(run);
        return NULL;
    }
    if (!run->own_pool) fv_default_pool(); /* made now, so that the first go allocates nothing */
    resolve(run);
    return run;
}

void fv_run_free(fv_run *run) {
    if (!run) return;
    fv_pool_free(run->own_pool);
    for (int v = 0; run->widened && v < run->plan->value_count; ++v) fv_free(run->widened[v]);
    fv_free(run->widened);
    fv_free_aligned(run->memory);
    fv_free(run->ready);
    fv_free(run->idle);
    fv_plan_free(run->plan);
    fv_free(run);
}

/* ---- going ---------------------------------------------------------------------------------------------------------
 */

/* What numbers that a routine reads may be wrong about; NULL: nothing. */
static const char *complaint(fv_routine routine) {
    switch (routine) {
    case FV_R_GATHER:
    case FV_R_SCATTER: return "an index lies outside the axis that it counts along";
    case FV_R_REGION:
    case FV_R_REGION_BACK: return "a region names a sample that is not there";
    default: return NULL;
    }
}

static fv_status failed(const fv_run *run, int i, fv_status status, fv_error *error) {
    const fv_planned_call *call = &run->plan->calls[i];
    const char *why = status == FV_E_ARGUMENT ? complaint(call->routine) : NULL;
    if (why)
        return fv_fail(error, status, "%s: %s", call->node >= 0 ? run->plan->net->nodes[call->node].name : "plan", why);
    return fv_fail(error, status, "%s: %s (%s) failed: %s",
                   call->node >= 0 ? run->plan->net->nodes[call->node].name : "plan", fv_routine_name(call->routine),
                   call->kernel->name, fv_status_name(status));
}

static fv_status pack(const fv_run *run, int i, fv_pool *pool) {
    const fv_planned_call *call = &run->plan->calls[i];
    const fv_call *ready = &run->ready[i].call;
    return call->kernel->pack(&call->geom, ready->arg[call->packed_arg], ready->packed, pool);
}

static double seconds_by(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One thread: its processor time, so that what else runs on the machine does not count. Several: the time that passes. */
static double seconds_of(const fv_pool *pool) {
    return seconds_by(fv_pool_threads(pool) > 1 ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID);
}

static fv_status run_call(fv_run *run, int i, int64_t n, fv_pool *pool, fv_error *error) {
    fv_ready *ready = &run->ready[i];
    ready->call.n = ready->call.geom->batched ? n : ready->call.geom->n;
    ready->call.pool = pool;
    double began = run->seconds ? seconds_of(pool) : 0;
    fv_status status = ready->pack_first ? pack(run, i, pool) : FV_OK;
    if (!status) status = ready->run(&ready->call);
    if (run->seconds) run->seconds[i] += seconds_of(pool) - began;
    return status ? failed(run, i, status, error) : FV_OK;
}

/* The steady call after which the weights of call i are packed: what it makes of them may then be gone. Or none: -1. */
static int pack_after(const fv_plan *plan, int i) {
    const fv_planned_call *call = &plan->calls[i];
    if (!call->packs || call->pack_now) return -1;
    const fv_operand_info *info = &plan->operands[fv_operand_root(plan, call->arg[call->packed_arg])];
    return info->home == FV_HOME_ARENA && info->last < plan->steady_calls ? info->last : plan->call_count;
}

static fv_status pack_all(fv_run *run, int after, fv_pool *pool, fv_error *error) {
    for (int i = run->plan->steady_calls; i < run->plan->call_count; ++i) {
        if (pack_after(run->plan, i) != after) continue;
        double began = run->seconds ? seconds_of(pool) : 0;
        fv_status status = pack(run, i, pool);
        if (status) return failed(run, i, status, error);
        if (run->seconds) run->seconds[i] += seconds_of(pool) - began;
    }
    return FV_OK;
}

/* What follows from the weights alone: a double run's copies, steady calls, packed forms. */
static fv_status refresh(fv_run *run, fv_pool *pool, fv_error *error) {
    const fv_plan *plan = run->plan;
    uint64_t version = run->weights ? run->weights->version : 0;
    if (run->fresh && run->version == version) return FV_OK;
    run->fresh = false;
    widen(run);
    fv_status status = FV_OK;
    for (int i = 0; i < plan->steady_calls && !status; ++i) {
        status = run_call(run, i, 1, pool, error);
        if (!status) status = pack_all(run, i, pool, error);
    }
    if (!status) status = pack_all(run, plan->call_count, pool, error);
    run->fresh = !status;
    run->version = version;
    return status;
}

/* The sum of a loss over the samples: a left fold over slots of consecutive samples, each summed from its first. */
static double loss_sum(const fv_tensor *loss, int64_t n, int64_t each, const float *weights) {
    double total = 0;
    for (int s = 0; s < FV_SLOTS; ++s) {
        double slot = 0;
        for (int64_t i = fv_slot(n, s) * each; i < fv_slot(n, s + 1) * each; ++i)
            slot += (loss->dtype == FV_F64 ? ((const double *)loss->data)[i] : ((const float *)loss->data)[i]) *
                    (weights ? (double)weights[i / each] : 1);
        total += slot;
    }
    return total;
}

static double total_loss(const fv_run *run) {
    const fv_plan *plan = run->plan;
    double total = 0;
    for (int i = 0; i < plan->loss_count; ++i) {
        if (plan->losses[i] < 0) continue;
        const fv_type *type = &plan->types[plan->terms[i].value];
        fv_tensor loss = fv_run_operand(run, plan->losses[i]);
        int64_t n = fv_type_batched(type) ? run->n : 1;
        bool weighted = plan->weighted_loss == i + 1 && fv_type_batched(type) && plan->table->real == FV_F32;
        const float *weights = weighted ? fv_run_operand(run, plan->sample_weights).data : NULL;
        total += plan->terms[i].weight * loss_sum(&loss, n, fv_type_each(type), weights) / (double)n;
    }
    return total;
}

fv_status fv_run_go(fv_run *run, int64_t n, fv_error *error) {
    const fv_plan *plan = run->plan;
    if (n < 1 || n > plan->batch)
        return fv_fail(error, FV_E_ARGUMENT, "samples of a run: expected 1 .. %lld, got %lld", (long long)plan->batch,
                       (long long)n);
    fv_pool *pool = run->own_pool ? run->own_pool : fv_default_pool();
    if (fv_pool_threads(pool) > plan->threads)
        return fv_fail(error, FV_E_ARGUMENT, "the run was built for %d threads, now there are %d: build it anew",
                       plan->threads, fv_pool_threads(pool));
    fv_status status = refresh(run, pool, error);
    if (status) return status;
    const bool alone = fv_solo_alone(&run->solo, n), timed = fv_solo_timed(&run->solo);
    const double began = timed ? seconds_by(CLOCK_MONOTONIC) : 0;
    for (int i = plan->steady_calls; i < plan->call_count; ++i)
        if (!(run->idle && run->idle[i]) && (status = run_call(run, i, n, alone ? NULL : pool, error))) return status;
    fv_solo_gone(&run->solo, timed ? seconds_by(CLOCK_MONOTONIC) - began : 0);
    run->n = n;
    run->loss = total_loss(run);
    return FV_OK;
}

fv_status fv_run_leave_out(fv_run *run, const bool *unasked, fv_error *error) {
    if (!run->idle) run->idle = fv_alloc_array((size_t)run->plan->call_count + 1, sizeof *run->idle);
    if (!run->idle) return fv_fail_memory(error, "a run", (size_t)run->plan->call_count);
    return fv_plan_idle_calls(run->plan, unasked, run->idle, error);
}

/* ---- looking -------------------------------------------------------------------------------------------------------
 */

const fv_plan *fv_run_plan(const fv_run *run) { return run->plan; }
void fv_run_set_moment(fv_run *run, const fv_moment *moment) { run->moment = *moment; }
fv_pool *fv_run_pool(const fv_run *run) { return run->own_pool ? run->own_pool : fv_default_pool(); }
void fv_run_time_calls(fv_run *run, double *seconds) { run->seconds = seconds; }
double fv_run_loss(const fv_run *run) { return run->loss; }
void fv_run_set_loss(fv_run *run, double loss) { run->loss = loss; }
size_t fv_run_bytes(const fv_run *run) { return fv_plan_bytes(run->plan); }

fv_tensor fv_run_operand(const fv_run *run, fv_operand operand) {
    const fv_plan *plan = run->plan;
    fv_tensor none = {FV_NO_DTYPE, {0, {0}}, NULL};
    if (operand < 0 || operand >= plan->operand_count) return none;
    const fv_operand_info *info = &plan->operands[operand];
    const fv_operand_info *root = &plan->operands[fv_operand_root(plan, operand)];
    if (root->home == FV_HOME_ARENA && !root->pinned) return none; /* another value may be there by now */
    if (info->pixel) return none;                                  /* no tensor: others lie between its pixels */
    fv_tensor tensor = {info->type.dtype == FV_F32 ? plan->table->real : info->type.dtype, info->type.shape,
                        operand_data(run, operand)};
    if (fv_type_batched(&info->type)) tensor.shape.dim[0] = info->given || !run->n ? plan->batch : run->n;
    return tensor;
}

static int input_value(const fv_plan *plan, const char *name) {
    for (int v = 0; v < plan->value_count; ++v) {
        const fv_value_info *value = &plan->net->values[v];
        if (value->kind == FV_KIND_INPUT && (name ? !strcmp(value->name, name) : !value->target)) return v;
    }
    return -1;
}

fv_tensor fv_run_input(fv_run *run, const char *name) {
    const fv_plan *plan = run->plan;
    int value = input_value(plan, name);
    if (value >= 0) return fv_run_operand(run, plan->of_value[value]);
    for (int i = 0; name && i < plan->seed_count; ++i)
        if (!strncmp(name, "d:", 2) && !strcmp(name + 2, plan->net->values[plan->seed_values[i]].name))
            return fv_run_operand(run, plan->seeds[i]);
    return fv_run_operand(run, FV_NO_OPERAND);
}

fv_tensor fv_run_output(const fv_run *run, const char *name) {
    const fv_plan *plan = run->plan;
    int value = name ? -1 : plan->output_value;
    for (int i = 0; name && i < plan->net->output_count; ++i)
        if (!strcmp(plan->net->outputs[i].name, name)) value = plan->net->outputs[i].value;
    return fv_run_operand(run, value < 0 || value >= plan->value_count ? FV_NO_OPERAND : plan->of_value[value]);
}

static fv_operand find_operand(const fv_run *run, const fv_operand *by_value, fv_value value) {
    bool mine = value.net == run->plan->net && value.id >= 0 && value.id < run->plan->value_count;
    return mine ? by_value[value.id] : FV_NO_OPERAND;
}

fv_tensor fv_run_value(const fv_run *run, fv_value value) {
    return fv_run_operand(run, find_operand(run, run->plan->of_value, value));
}

fv_tensor fv_run_gradient(const fv_run *run, fv_value value) {
    return fv_run_operand(run, find_operand(run, run->plan->gradient_of, value));
}
