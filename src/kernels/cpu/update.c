/* update.c - one step of an optimizer in one pass over weights, gradients and states; running averages. */
#include "pieces.h"
#include "rules.h"
#include "vmath.h"

typedef struct job {
    const fv_call *call;
    int64_t count, size;
} job;

/* The part of every argument that a piece works on. */
typedef struct part {
    float *w, *s, *t;
    const float *g;
    int64_t count;
} part;

FV_INLINE void sgd(const double *h, part p, bool momentum, bool nesterov) {
    float rate = (float)h[0], keep = (float)h[1], decay = (float)h[2];
    FV_EACH_VECTOR(p.count, i, lanes, {
        vf w = vf_load_lanes(p.w + i, lanes);
        vf d = vf_load_lanes(p.g + i, lanes) + decay * w;
        if (momentum) {
            vf s = keep * vf_load_lanes(p.s + i, lanes) + d;
            vf_store_lanes(p.s + i, s, lanes);
            d = nesterov ? d + keep * s : s;
        }
        vf_store_lanes(p.w + i, w - rate * d, lanes);
    });
}

/* RMSprop and Adagrad: they differ in what becomes of the sum of squares. */
static void scaled(const double *h, part p, float keep, float take) {
    float rate = (float)h[0], decay = (float)h[2], epsilon = (float)h[3];
    FV_EACH_VECTOR(p.count, i, lanes, {
        vf w = vf_load_lanes(p.w + i, lanes);
        vf d = vf_load_lanes(p.g + i, lanes) + decay * w;
        vf s = keep * vf_load_lanes(p.s + i, lanes) + take * d * d;
        vf_store_lanes(p.s + i, s, lanes);
        vf_store_lanes(p.w + i, w - rate * d / (vf_sqrt(s) + epsilon), lanes);
    });
}

static void adam(const double *h, part p) {
    float rate = (float)h[0], epsilon = (float)h[3], keep_s = (float)h[1], keep_t = (float)h[4];
    float take_s = (float)(1 - h[1]), take_t = (float)(1 - h[4]), fix_s = (float)h[5], fix_t = (float)h[6];
    float decay = h[7] != 0 ? 0 : (float)h[2], shrink = h[7] != 0 ? (float)(h[0] * h[2]) : 0;
    FV_EACH_VECTOR(p.count, i, lanes, {
        vf w = vf_load_lanes(p.w + i, lanes);
        vf d = vf_load_lanes(p.g + i, lanes) + decay * w;
        vf s = keep_s * vf_load_lanes(p.s + i, lanes) + take_s * d;
        vf t = keep_t * vf_load_lanes(p.t + i, lanes) + take_t * d * d;
        vf_store_lanes(p.s + i, s, lanes);
        vf_store_lanes(p.t + i, t, lanes);
        w -= shrink * w;
        vf_store_lanes(p.w + i, w - rate * (s / fix_s) / (vf_sqrt(t / fix_t) + epsilon), lanes);
    });
}

static void update_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_update_geom *g = &j->call->geom->update;
    void *const *arg = j->call->arg;
    int64_t at = piece * j->size;
    part p = {.w = (float *)arg[0] + at,
              .g = (const float *)arg[1] + at,
              .s = arg[2] ? (float *)arg[2] + at : NULL,
              .t = arg[3] ? (float *)arg[3] + at : NULL,
              .count = j->count - at < j->size ? j->count - at : j->size};
    switch (g->kind) {
    case FV_UPDATE_SGD:
        if (g->h[1] == 0)
            sgd(g->h, p, false, false);
        else if (g->h[3] == 0)
            sgd(g->h, p, true, false);
        else
            sgd(g->h, p, true, true);
        break;
    case FV_UPDATE_RMSPROP: scaled(g->h, p, (float)g->h[1], (float)(1 - g->h[1])); break;
    case FV_UPDATE_ADAGRAD: scaled(g->h, p, 1, 1); break;
    case FV_UPDATE_ADAM: adam(g->h, p); break;
    }
}

static fv_status run_update(const fv_call *call) {
    job j = {call, call->geom->update.each, 0};
    int64_t pieces = fv_cut(j.count, 1, &j.size);
    fv_pool_run(call->pool, pieces, update_piece, &j);
    return FV_OK;
}

static fv_status run_blend(const fv_call *call) {
    const fv_blend_geom *g = &call->geom->blend;
    float *state = call->arg[0], keep = (float)g->keep, take = (float)fv_blend_part(g, call->n);
    const float *value = call->arg[1];
    FV_EACH_VECTOR(g->each, i, lanes, {
        vf_store_lanes(state + i, keep * vf_load_lanes(state + i, lanes) + take * vf_load_lanes(value + i, lanes),
                       lanes);
    });
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_update) = {.name = "update.vector", .run = run_update};
const fv_kernel FV_SYMBOL(kernel_blend) = {.name = "blend.vector", .run = run_blend};
