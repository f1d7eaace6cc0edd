/* muon.c - Muon (Jordan 2024, "Muon: An optimizer for hidden layers in neural networks"): the momentum of a weight matrix, brought
 * near the orthogonal matrix closest to it by a few Newton-Schulz iterations, is the step.
 *
 * A weight counts as the matrix (all that leads to an output) x (outputs), as kernels [kh][kw][in][out] lie in memory; a wide one
 * is turned, so that the Gram matrix is the smaller of the two. With X of norm 1, A = X'X and B = bA + cA^2 an iteration is
 * X <- aX + XB, here one product with aI + B. The coefficients are those of the paper: steep at 0, within 0.7 .. 1.2 of 1 soon.
 *
 * Products are CONV and CONV_WEIGHTS of the kernel table, of pictures of one pixel, so they are fast and the same bits at any
 * number of threads. */
#include <math.h>
#include <string.h>

#include "train.h"

enum { RATE, MOMENTUM, NESTEROV, STEPS, DECAY, NORMALIZE };
static const double newton_a = 3.4445, newton_b = -4.7750, newton_c = 2.0315;

/* ---- where everything lies in the scratch memory ---------------------------------------------------------------- */

typedef struct layout {
    fv_weight_view view;
    bool turned;                             /* the matrix is not what lies in memory */
    int64_t rows, columns;                   /* rows >= columns */
    fv_geom tall, square;                    /* rows x columns times columns x columns; columns x columns squared */
    const fv_kernel *gram, *power, *product; /* X'X, AA, XB */
    size_t matrix, gram_at, power_at, packed_at, work_at,
        bytes; /* the second matrix; X'X, AA; packed factor; kernels' own */
} layout;

static fv_geom product_geom(int64_t rows, int64_t columns) {
    return (fv_geom){.n = rows,
                     .batched = true,
                     .training = true,
                     .conv = {.in = {1, 1, 1},
                              .out = {1, 1, 1},
                              .kernel = {1, 1, 1},
                              .stride = {1, 1, 1},
                              .dilation = {1, 1, 1},
                              .c = columns,
                              .f = columns,
                              .groups = 1,
                              .x_pixel = columns,
                              .y_pixel = columns}};
}

static size_t lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

static const fv_kernel *choose(const fv_table *table, fv_routine routine, const fv_geom *geom, int threads,
                               size_t *packed, size_t *work) {
    const fv_kernel *kernel = fv_choose_kernel(table, routine, geom);
    fv_need need = {0};
    if (kernel->need) kernel->need(geom, threads, &need);
    if (need.packed > *packed) *packed = need.packed;
    if (need.scratch > *work) *work = need.scratch;
    return kernel;
}

static layout lay_out(const fv_table *table, int threads, const fv_shape *shape, const char *axes) {
    layout l = {.view = fv_view_weight(shape, axes)};
    int64_t others = l.view.before * l.view.behind, outputs = l.view.outputs;
    l.turned = l.view.behind > 1 || others < outputs;
    l.rows = others < outputs ? outputs : others;
    l.columns = others < outputs ? others : outputs;
    l.tall = product_geom(l.rows, l.columns);
    l.square = product_geom(l.columns, l.columns);
    size_t packed = 0, work = 0, matrix = lines((size_t)(l.rows * l.columns) * sizeof(float)),
           square = lines((size_t)(l.columns * l.columns) * sizeof(float));
    l.gram = choose(table, FV_R_CONV_WEIGHTS, &l.tall, threads, &packed, &work);
    l.power = choose(table, FV_R_CONV, &l.square, threads, &packed, &work);
    l.product = choose(table, FV_R_CONV, &l.tall, threads, &packed, &work);
    l.matrix = matrix;
    l.gram_at = 2 * matrix;
    l.power_at = l.gram_at + square;
    l.packed_at = l.power_at + square;
    l.work_at = l.packed_at + lines(packed);
    l.bytes = l.work_at + lines(work);
    return l;
}

static bool takes(const fv_shape *shape, const char *axes) {
    fv_weight_view view = fv_view_weight(shape, axes);
    return shape->rank >= 2 && view.outputs > 1 && view.before * view.behind > 1;
}

static size_t scratch(const fv_table *table, int threads, const fv_shape *shape, const char *axes) {
    return lay_out(table, threads, shape, axes).bytes;
}

/* ---- sums and moves --------------------------------------------------------------------------------------------- */

/* y = p*a + q*b, in pieces of one size. */
typedef struct mix {
    float *y;
    const float *a, *b;
    float p, q;
    int64_t count;
} mix;
enum { PIECE = 16384 };

static void mix_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const mix *m = context;
    int64_t begin = piece * PIECE, end = begin + PIECE < m->count ? begin + PIECE : m->count;
    for (int64_t i = begin; i < end; i++) m->y[i] = m->p * m->a[i] + m->q * m->b[i];
}

static void run_mix(fv_pool *pool, float *y, double p, const float *a, double q, const float *b, int64_t count) {
    mix m = {y, a, b, (float)p, (float)q, count};
    fv_pool_run(pool, (count + PIECE - 1) / PIECE, mix_piece, &m);
}

/* In one order, four sums at a time. */
static double norm_of(const float *x, int64_t count) {
    double sum[4] = {0};
    for (int64_t i = 0; i < count; i++) sum[i & 3] += (double)x[i] * (double)x[i];
    return sqrt(sum[0] + sum[1] + (sum[2] + sum[3]));
}

/* Between the weight's order and the matrix. */
static void turn(const layout *l, const float *from, float *to, bool back) {
    const fv_weight_view *v = &l->view;
    bool outputs_first = v->before * v->behind < v->outputs;
    for (int64_t i = 0; i < v->before; i++)
        for (int64_t o = 0; o < v->outputs; o++)
            for (int64_t j = 0; j < v->behind; j++) {
                int64_t other = i * v->behind + j, here = (i * v->outputs + o) * v->behind + j,
                        there = outputs_first ? o * l->columns + other : other * l->columns + o;
                to[back ? here : there] = from[back ? there : here];
            }
}

/* ---- a step ----------------------------------------------------------------------------------------------------- */

static fv_status multiply(fv_descent *d, const layout *l, const fv_geom *geom, const fv_kernel *kernel, const float *x,
                          float *factor, float *y) {
    char *memory = d->scratch;
    fv_call call = {.geom = geom,
                    .n = geom->n,
                    .scratch = memory + l->work_at,
                    .packed = memory + l->packed_at,
                    .pool = d->pool,
                    .arg = {y, (float *)(uintptr_t)x, factor}};
    fv_status status = kernel->pack ? kernel->pack(geom, factor, call.packed, d->pool) : FV_OK;
    return status ? status : kernel->run(&call);
}

/* Where the result is: in x or in the other matrix. */
static fv_status orthogonalize(fv_descent *d, const layout *l, int steps, float **x, float **other) {
    char *memory = d->scratch;
    float *gram = (float *)(memory + l->gram_at), *power = (float *)(memory + l->power_at);
    int64_t columns = l->columns;
    double norm = norm_of(*x, l->rows * columns) + 1e-7;
    run_mix(d->pool, *x, 1 / norm, *x, 0, *x, l->rows * columns);
    fv_status status = FV_OK;
    for (int k = 0; k < steps && !status; k++) {
        fv_call call = {.geom = &l->tall,
                        .n = l->rows,
                        .scratch = memory + l->work_at,
                        .pool = d->pool,
                        .arg = {gram, NULL, *x, *x}};
        status = l->gram->run(&call);
        if (!status) status = multiply(d, l, &l->square, l->power, gram, gram, power);
        if (status) return status;
        run_mix(d->pool, power, newton_b, gram, newton_c, power, columns * columns);
        for (int64_t i = 0; i < columns; i++) power[i * columns + i] += (float)newton_a;
        status = multiply(d, l, &l->tall, l->product, *x, power, *other);
        float *swap = *x;
        *x = *other, *other = swap;
    }
    return status;
}

static fv_status step(fv_descent *d, fv_trained *weight, const double *a, double rate) {
    layout l = lay_out(d->table, fv_pool_threads(d->pool), &weight->weight.shape, weight->axes);
    float *x = d->scratch, *other = (float *)((char *)d->scratch + l.matrix), *w = weight->weight.data, *swap;
    const float *gradient = weight->gradient.data;
    run_mix(d->pool, weight->state[0], a[MOMENTUM], weight->state[0], 1, gradient, weight->each);
    bool nesterov = a[NESTEROV] != 0;
    run_mix(d->pool, x, nesterov ? a[MOMENTUM] : 1, weight->state[0], nesterov ? 1 : 0, gradient, weight->each);
    if (l.turned) turn(&l, x, other, false), swap = x, x = other, other = swap;
    fv_status status = orthogonalize(d, &l, (int)a[STEPS], &x, &other);
    if (status) return status;
    if (l.turned) turn(&l, x, other, true), swap = x, x = other, other = swap;
    double keep = 1, norm = a[NORMALIZE] != 0 ? norm_of(w, weight->each) : 0;
    if (norm > 0) keep = sqrt((double)l.view.outputs) / norm;
    run_mix(d->pool, w, keep * (1 - rate * a[DECAY]), w, -rate, x, weight->each);
    return FV_OK;
}

const fv_whole_step fv_muon_step = {takes, scratch, step};
