/* xent_few.c - cross-entropy of few classes for each of many places (segmentation): lanes are places, where vectors along
 * the classes would be nearly empty. */
#include "rows.h"

enum { MOST_CLASSES = 8 };

typedef struct job {
    const fv_call *call;
    int64_t pieces, size; /* pieces of a sample, places of a piece */
} job;

/* Logits, targets and their sums of up to FV_LANES places. Target of a class: keep * (distribution or one-hot) + spread. */
typedef struct places {
    vf z[MOST_CLASSES], t[MOST_CLASSES];
    vf log_sum;
} places;

/* The cells of `lanes` places, class by class; lanes that do not exist get 0. */
FV_INLINE void turn(const float *from, int64_t classes, int64_t lanes, vf *to) {
    float FV_ALIGNED square[MOST_CLASSES][FV_LANES] = {{0}};
    for (int64_t i = 0; i < lanes; i++)
        for (int64_t c = 0; c < classes; c++) square[c][i] = from[i * classes + c];
    for (int64_t c = 0; c < classes; c++) to[c] = vf_load(square[c]);
}

FV_INLINE void turn_back(const vf *from, int64_t classes, int64_t lanes, float *to) {
    float FV_ALIGNED square[MOST_CLASSES][FV_LANES];
    for (int64_t c = 0; c < classes; c++) vf_store(square[c], from[c]);
    for (int64_t i = 0; i < lanes; i++)
        for (int64_t c = 0; c < classes; c++) to[i * classes + c] = square[c][i];
}

FV_INLINE void look(const fv_xent_geom *g, const int64_t classes, const float *x, const void *target, int64_t first,
                    int64_t lanes, places *p) {
    const vf keep = vf_all((float)(1 - g->smoothing)), spread = vf_all((float)(g->smoothing / (double)g->classes));
    const float sign = (float)g->sign;
    turn(x + first * classes, classes, lanes, p->z);
    vf highest = vf_all((float)-g->extra), sum = vf_zero();
    for (int64_t c = 0; c < classes; c++) highest = vf_max(p->z[c] = sign * p->z[c], highest);
    for (int64_t c = 0; c < classes; c++) sum += vf_exp(p->z[c] - highest);
    if (isfinite(g->extra)) sum += vf_exp(vf_all((float)-g->extra) - highest);
    p->log_sum = highest + vf_log(sum);
    if (g->distribution) {
        turn((const float *)target + first * classes, classes, lanes, p->t);
        for (int64_t c = 0; c < classes; c++) p->t[c] = keep * p->t[c] + spread;
        return;
    }
    int32_t FV_ALIGNED index[FV_LANES] = {0};
    memcpy(index, (const int32_t *)target + first, (size_t)lanes * sizeof *index);
    for (int64_t c = 0; c < classes; c++)
        p->t[c] = vf_select(vi_load(index) == vi_all((int32_t)c), keep + spread, spread);
}

/* The sum over the places of the sum over classes of t (log_sum - z). A target of 0 takes nothing, even from a logit of
 * -infinity. */
FV_INLINE float loss_of(const fv_xent_geom *g, const int64_t classes, const float *x, const void *target, int64_t first,
                        int64_t end) {
    vf sum = vf_zero();
    for (; first < end; first += FV_LANES) {
        const int64_t lanes = end - first < FV_LANES ? end - first : FV_LANES;
        places p;
        look(g, classes, x, target, first, lanes, &p);
        vf part = vf_zero();
        for (int64_t c = 0; c < classes; c++)
            part += vf_select(p.t[c] == 0.0f, vf_zero(), p.t[c] * (p.log_sum - p.z[c]));
        sum += vf_keep(part, lanes, 0);
    }
    return vf_sum(sum);
}

FV_INLINE void gradient_of(const fv_xent_geom *g, const int64_t classes, const float *x, const void *target,
                           float weight, int64_t first, int64_t end, float *dx) {
    weight *= (float)g->sign;
    for (; first < end; first += FV_LANES) {
        const int64_t lanes = end - first < FV_LANES ? end - first : FV_LANES;
        places p;
        look(g, classes, x, target, first, lanes, &p);
        vf total = vf_zero();
        for (int64_t c = 0; c < classes; c++) total += p.t[c];
        for (int64_t c = 0; c < classes; c++) p.z[c] = weight * (total * vf_exp(p.z[c] - p.log_sum) - p.t[c]);
        turn_back(p.z, classes, lanes, dx + first * classes);
    }
}

/* One sample. Two classes are common and worth loops of known length. */
static void loss_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const fv_call *call = ((const job *)context)->call;
    const fv_xent_geom *g = &call->geom->xent;
    const float *x = call->arg[1];
    const int64_t first = piece * g->rows, end = first + g->rows;
    const float sum = g->classes == 2 ? loss_of(g, 2, x, call->arg[2], first, end)
                                      : loss_of(g, g->classes, x, call->arg[2], first, end);
    ((float *)call->arg[0])[piece] = sum / (float)g->rows;
}

static void gradient_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_call *call = j->call;
    const fv_xent_geom *g = &call->geom->xent;
    const int64_t sample = piece / j->pieces, begin = sample * g->rows, first = begin + piece % j->pieces * j->size;
    const int64_t end = first + j->size < begin + g->rows ? first + j->size : begin + g->rows;
    const float *x = call->arg[2], weight = ((const float *)call->arg[1])[sample] / (float)g->rows;
    float *dx = call->arg[0];
    if (g->classes == 2)
        gradient_of(g, 2, x, call->arg[3], weight, first, end, dx);
    else
        gradient_of(g, g->classes, x, call->arg[3], weight, first, end, dx);
}

static bool can(const fv_geom *geom) { return geom->xent.classes <= MOST_CLASSES && geom->xent.rows >= 2 * FV_LANES; }

static fv_status run_loss(const fv_call *call) {
    job j = {call, 1, 0};
    fv_pool_run(call->pool, call->n, loss_piece, &j);
    return FV_OK;
}

static fv_status run_gradient(const fv_call *call) {
    const fv_xent_geom *g = &call->geom->xent;
    job j = {call, 1, 0};
    j.pieces = fv_cut(g->rows, g->classes * 8, &j.size); /* an exp takes about as long as reading 8 floats */
    fv_pool_run(call->pool, call->n * j.pieces, gradient_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_xent_few) = {.name = "xent.few", .can = can, .run = run_loss};
const fv_kernel FV_SYMBOL(kernel_xent_back_few) = {.name = "xent_back.few", .can = can, .run = run_gradient};
