/* pair_loss.c - losses of a prediction and a target, element by element. */
#include "rows.h"

typedef struct job {
    const fv_call *call;
    int64_t count, size;
} job;

FV_INLINE vf pair_loss(fv_pairloss kind, float a, float b, vf p, vf t) {
    switch (kind) {
    case FV_L_SQUARED: return (p - t) * (p - t);
    case FV_L_ABSOLUTE: return vf_abs(p - t);
    case FV_L_BINARY: return vf_softplus(p) - p * t;
    case FV_L_HINGE: return vf_max(1.0f - t * p, vf_zero());
    case FV_L_PENALTY: return a * vf_abs(p) + b * (p * p);
    }
    return vf_zero();
}

FV_INLINE vf pair_slope(fv_pairloss kind, float a, float b, vf p, vf t) {
    switch (kind) {
    case FV_L_SQUARED: return 2.0f * (p - t);
    case FV_L_ABSOLUTE: return vf_sign(p - t);
    case FV_L_BINARY: return vf_sigmoid(p) - t;
    case FV_L_HINGE: return vf_select(1.0f - t * p > 0.0f, -t, vf_zero());
    case FV_L_PENALTY: return a * vf_sign(p) + 2.0f * b * p;
    }
    return vf_zero();
}

static float divisor(const fv_loss_geom *g) { return g->kind == FV_L_PENALTY ? 1.0f : (float)g->each; }

static float sample_loss(const fv_loss_geom *g, const float *p, const float *t) {
    vf sum = vf_zero();
    FV_EACH_VECTOR(g->each, i, lanes, {
        vf target = t ? vf_load_lanes(t + i, lanes) : vf_zero();
        sum += vf_keep(pair_loss(g->kind, (float)g->a, (float)g->b, vf_load_lanes(p + i, lanes), target), lanes, 0);
    });
    return vf_sum(sum) / divisor(g);
}

static void loss_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_loss_geom *g = &j->call->geom->loss;
    const float *p = j->call->arg[1], *t = j->call->arg[2];
    int64_t end = (piece + 1) * j->size < j->count ? (piece + 1) * j->size : j->count;
    for (int64_t s = piece * j->size; s < end; s++)
        ((float *)j->call->arg[0])[s] = sample_loss(g, p + s * g->each, t ? t + s * g->each : NULL);
}

static fv_status run_loss(const fv_call *call) {
    job j = {call, call->n, 0};
    int64_t pieces = fv_cut(j.count, call->geom->loss.each, &j.size);
    fv_pool_run(call->pool, pieces, loss_piece, &j);
    return FV_OK;
}

/* Part of one sample. */
static void slope_run(const fv_loss_geom *g, float weight, const float *p, const float *t, float *dp, int64_t count) {
    FV_EACH_VECTOR(count, i, lanes, {
        vf target = t ? vf_load_lanes(t + i, lanes) : vf_zero();
        vf slope = pair_slope(g->kind, (float)g->a, (float)g->b, vf_load_lanes(p + i, lanes), target);
        vf_store_lanes(dp + i, weight * slope, lanes);
    });
}

static void loss_back_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_loss_geom *g = &j->call->geom->loss;
    const float *dloss = j->call->arg[1], *p = j->call->arg[2], *t = j->call->arg[3];
    int64_t at = piece * j->size, end = at + j->size < j->count ? at + j->size : j->count, next;
    for (; at < end; at = next) {
        next = (at / g->each + 1) * g->each;
        if (next > end) next = end;
        slope_run(g, dloss[at / g->each] / divisor(g), p + at, t ? t + at : NULL, (float *)j->call->arg[0] + at,
                  next - at);
    }
}

static fv_status run_loss_back(const fv_call *call) {
    job j = {call, call->n * call->geom->loss.each, 0};
    int64_t pieces = fv_cut(j.count, 1, &j.size);
    fv_pool_run(call->pool, pieces, loss_back_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_loss) = {.name = "loss.vector", .run = run_loss};
const fv_kernel FV_SYMBOL(kernel_loss_back) = {.name = "loss_back.vector", .run = run_loss_back};
