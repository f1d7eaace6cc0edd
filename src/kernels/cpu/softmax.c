/* softmax.c - softmax, log-softmax and cross-entropy of rows of logits. */
#include "rows.h"

typedef struct job {
    const fv_call *call;
    int64_t rows, size;
} job;

/* Pieces of whole rows; an exp costs about as much as reading 8 floats. */
static fv_status run_rows(const fv_call *call, int64_t rows, int64_t cols, fv_piece piece) {
    job j = {call, rows, 0};
    int64_t pieces = fv_cut(rows, cols * 8, &j.size);
    fv_pool_run(call->pool, pieces, piece, &j);
    return FV_OK;
}

FV_INLINE int64_t rows_end(const job *j, int64_t piece) {
    return (piece + 1) * j->size < j->rows ? (piece + 1) * j->size : j->rows;
}

/* ---- softmax ---------------------------------------------------------------------------------------------------- */

static void softmax_row(const float *x, float *y, int64_t cols, bool log) {
    float highest = row_highest(x, cols, 1);
    vf sum = vf_zero();
    FV_EACH_VECTOR(cols, i, lanes, {
        vf e = vf_exp(vf_load_lanes(x + i, lanes) - highest);
        sum += vf_keep(e, lanes, 0);
        if (!log) vf_store_lanes(y + i, e, lanes);
    });
    float total = vf_sum(sum);
    if (log) {
        float rest = one_log(total);
        FV_EACH_VECTOR(cols, i, lanes, vf_store_lanes(y + i, vf_load_lanes(x + i, lanes) - highest - rest, lanes););
    } else {
        FV_EACH_VECTOR(cols, i, lanes, vf_store_lanes(y + i, vf_load_lanes(y + i, lanes) / total, lanes););
    }
}

static void softmax_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_rows_geom *g = &j->call->geom->rows;
    for (int64_t r = piece * j->size; r < rows_end(j, piece); r++)
        softmax_row((const float *)j->call->arg[1] + r * g->cols, (float *)j->call->arg[0] + r * g->cols, g->cols,
                    g->log);
}

static void softmax_back_row(const float *dy, const float *y, float *dx, int64_t cols, bool log) {
    vf sum = vf_zero();
    FV_EACH_VECTOR(cols, i, lanes, {
        vf d = vf_load_lanes(dy + i, lanes);
        sum += log ? d : d * vf_load_lanes(y + i, lanes); /* lanes beyond the row hold 0 */
    });
    float total = vf_sum(sum);
    FV_EACH_VECTOR(cols, i, lanes, {
        vf d = vf_load_lanes(dy + i, lanes);
        vf p = vf_load_lanes(y + i, lanes);
        vf_store_lanes(dx + i, log ? d - vf_exp(p) * total : p * (d - total), lanes);
    });
}

static void softmax_back_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_rows_geom *g = &j->call->geom->rows;
    for (int64_t r = piece * j->size; r < rows_end(j, piece); r++)
        softmax_back_row((const float *)j->call->arg[1] + r * g->cols, (const float *)j->call->arg[2] + r * g->cols,
                         (float *)j->call->arg[0] + r * g->cols, g->cols, g->log);
}

static fv_status run_softmax(const fv_call *call) {
    const fv_rows_geom *g = &call->geom->rows;
    return run_rows(call, call->n * g->rows, g->cols, softmax_piece);
}

static fv_status run_softmax_back(const fv_call *call) {
    const fv_rows_geom *g = &call->geom->rows;
    return run_rows(call, call->n * g->rows, g->cols, softmax_back_piece);
}

/* ---- cross-entropy ---------------------------------------------------------------------------------------------- */

/* A row's logits and target. Target of class k: keep * (distribution or one-hot) + spread. */
typedef struct xent_row {
    const float *x, *distribution; /* distribution NULL: one-hot at target */
    int32_t target;
    float keep, spread, log_sum;
} xent_row;

static xent_row xent_row_at(const fv_xent_geom *g, const float *x, const void *target, int64_t r) {
    xent_row row = {.x = x + r * g->classes,
                    .keep = (float)(1 - g->smoothing),
                    .spread = (float)(g->smoothing / (double)g->classes)};
    if (g->distribution)
        row.distribution = (const float *)target + r * g->classes;
    else
        row.target = ((const int32_t *)target)[r];
    float sign = (float)g->sign, extra = (float)-g->extra, highest = row_highest(row.x, g->classes, sign);
    highest = extra > highest ? extra : highest;
    vf sum = vf_zero();
    FV_EACH_VECTOR(g->classes, i, lanes,
                   { sum += vf_keep(vf_exp(sign * vf_load_lanes(row.x + i, lanes) - highest), lanes, 0); });
    float total = vf_sum(sum);
    if (isfinite(g->extra)) total += one_exp(extra - highest);
    row.log_sum = highest + one_log(total);
    return row;
}

/* Targets of classes i .. i+lanes-1. */
FV_INLINE vf xent_targets(const xent_row *row, int64_t i, int64_t lanes) {
    if (row->distribution) return row->keep * vf_load_lanes(row->distribution + i, lanes) + row->spread;
    vi hit = vi_lanes() == vi_all((int32_t)(row->target - i));
    return vf_select(hit, vf_all(row->keep + row->spread), vf_all(row->spread));
}

/* The sum over classes of t (log_sum - z). A target of 0 takes nothing, even from a logit of -infinity. */
static float xent_row_loss(const fv_xent_geom *g, const xent_row *row) {
    float sign = (float)g->sign;
    if (!row->distribution && row->spread == 0) {
        bool valid = row->target >= 0 && row->target < g->classes;
        return valid ? row->keep * (row->log_sum - sign * row->x[row->target]) : 0;
    }
    vf sum = vf_zero();
    FV_EACH_VECTOR(g->classes, i, lanes, {
        vf t = xent_targets(row, i, lanes);
        vf part = t * (row->log_sum - sign * vf_load_lanes(row->x + i, lanes));
        sum += vf_keep(vf_select(t == 0.0f, vf_zero(), part), lanes, 0);
    });
    return vf_sum(sum);
}

static void xent_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_xent_geom *g = &j->call->geom->xent;
    for (int64_t i = piece * j->size; i < rows_end(j, piece); i++) {
        float sum = 0;
        for (int64_t r = i * g->rows; r < (i + 1) * g->rows; r++) {
            xent_row row = xent_row_at(g, j->call->arg[1], j->call->arg[2], r);
            sum += xent_row_loss(g, &row);
        }
        ((float *)j->call->arg[0])[i] = sum / (float)g->rows;
    }
}

static void xent_back_row(const fv_xent_geom *g, const xent_row *row, float weight, float *dx) {
    float sign = (float)g->sign, total;
    vf sum = vf_zero();
    FV_EACH_VECTOR(g->classes, i, lanes, sum += vf_keep(xent_targets(row, i, lanes), lanes, 0););
    total = vf_sum(sum);
    FV_EACH_VECTOR(g->classes, i, lanes, {
        vf p = vf_exp(sign * vf_load_lanes(row->x + i, lanes) - row->log_sum);
        vf_store_lanes(dx + i, weight * sign * (total * p - xent_targets(row, i, lanes)), lanes);
    });
}

static void xent_back_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_xent_geom *g = &j->call->geom->xent;
    for (int64_t r = piece * j->size; r < rows_end(j, piece); r++) {
        xent_row row = xent_row_at(g, j->call->arg[2], j->call->arg[3], r);
        float weight = ((const float *)j->call->arg[1])[r / g->rows] / (float)g->rows;
        xent_back_row(g, &row, weight, (float *)j->call->arg[0] + r * g->classes);
    }
}

static fv_status run_xent(const fv_call *call) {
    const fv_xent_geom *g = &call->geom->xent;
    return run_rows(call, call->n, g->rows * g->classes, xent_piece);
}

static fv_status run_xent_back(const fv_call *call) {
    const fv_xent_geom *g = &call->geom->xent;
    return run_rows(call, call->n * g->rows, g->classes, xent_back_piece);
}

const fv_kernel FV_SYMBOL(kernel_softmax) = {.name = "softmax.rows", .run = run_softmax};
const fv_kernel FV_SYMBOL(kernel_softmax_back) = {.name = "softmax_back.rows", .run = run_softmax_back};
const fv_kernel FV_SYMBOL(kernel_xent) = {.name = "xent.rows", .run = run_xent};
const fv_kernel FV_SYMBOL(kernel_xent_back) = {.name = "xent_back.rows", .run = run_xent_back};
