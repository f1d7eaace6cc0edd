/* conv_planes.c - convolution forward from few channels to few filters: LeNet-5's first layer, an edge filter.
 *
 * Elsewhere a vector holds the filters of a pixel, or of a few; so few filters leave most of it empty, and every pixel's numbers are
 * loaded one by one. Here a vector holds pixels that lie side by side, of a copy with its border in which each channel is a plane of
 * its own; a row's end is followed by the next row, so a few positions between them are made in vain. Every result is the same chain
 * of multiply-adds over (row, column, channel) as anywhere else.
 */
#include "conv_shape.h"
#include "vmath.h"

enum {
    MOST_CHANNELS = 4,
    MOST_FILTERS = 8,
    LEAST_POSITIONS = 4 * FV_LANES,
    COPY_FLOATS = 8 * 1024, /* of a piece: they stay in the first-level cache, */
    COPY_MOST = 64 * 1024,  /* or in the second-level one, where a row of results takes so many */
    PIECES = 4,
    LEAST_ROWS = 12, /* of a piece */
    MOST_VECTORS = 4,
    BEHIND = MOST_VECTORS * FV_LANES /* the last tile reads on behind the last row */
};

typedef struct planes_run {
    const fv_conv_geom *geom;
    const float *x, *weights, *bias; /* weights: [row][column][channel][filter] */
    float *y;
    int64_t rows, bands;  /* rows of results in a piece, pieces of a picture */
    int64_t width, plane; /* of the copy: columns, numbers of a channel */
    char *areas;
    size_t area;
} planes_run;

/* Vectors of a tile: as many as there are registers for the sums of each filter. */
#define VECTORS(filters)                                                                                               \
    (TILE_ROWS * TILE_VECTORS / (filters) < MOST_VECTORS ? TILE_ROWS * TILE_VECTORS / (filters) : MOST_VECTORS)

static planes_run run_of(const fv_conv_geom *g, int64_t n) {
    planes_run r = {.geom = g, .rows = g->out[1], .width = g->out[2] + (g->kernel[2] - 1) * g->dilation[2]};
    const int64_t more = (g->kernel[1] - 1) * g->dilation[1];
    while (r.rows > 1 && g->c * (r.rows + more) * r.width > COPY_FLOATS) r.rows = (r.rows + 1) / 2;
    while (n * conv_ceil(g->out[1], r.rows) < PIECES && r.rows >= 2 * LEAST_ROWS) r.rows = (r.rows + 1) / 2;
    r.bands = conv_ceil(g->out[1], r.rows);
    r.plane = (r.rows + more) * r.width;
    r.area = (size_t)(g->c * r.plane + BEHIND) * sizeof(float);
    r.area = (r.area + 63) / 64 * 64;
    return r;
}

/* A row of one channel, `row` counted in the picture, where it may not exist. */
static void copy_row(const planes_run *r, const float *picture, int64_t channel, int64_t row, float *to) {
    const fv_conv_geom *g = r->geom;
    const int64_t left = g->pad[2], end = conv_min(r->width, g->in[2] + left);
    const float *from = picture + row * g->in[2] * g->x_pixel + channel;
    if (row < 0 || row >= g->in[1] || left > 0 || end < r->width) memset(to, 0, (size_t)r->width * sizeof(float));
    if (row < 0 || row >= g->in[1]) return;
    if (g->x_pixel == 1 && end > left)
        conv_copy(to + left, from, end - left);
    else
        for (int64_t i = left; i < end; i++) to[i] = from[(i - left) * g->x_pixel];
}

/* Vector k of what FV_LANES positions have for all filters, those of a position side by side. */
FV_INLINE vf mix(const int filters, const int v, const int k, vf sum[MOST_FILTERS][MOST_VECTORS]) {
    const vi number = vi_lanes() + vi_all(k * FV_LANES), position = number / vi_all(filters);
    const vi filter = number - position * vi_all(filters);
    vi mixed = (vi)vf_pick(sum[0][v], position) & (filter == vi_all(0));
    FV_UNROLL
    for (int f = 1; f < filters; f++) mixed |= (vi)vf_pick(sum[f][v], position) & (filter == vi_all(f));
    return (vf)mixed;
}

/* Positions `from` ... of the copy: to made[position][filter]. */
FV_INLINE void make(const int filters, const int vectors, const planes_run *r, const float *from, float *made) {
    const fv_conv_geom *g = r->geom;
    const float *weights = r->weights;
    vf sum[MOST_FILTERS][MOST_VECTORS];
    FV_UNROLL
    for (int f = 0; f < filters; f++) FV_UNROLL
    for (int v = 0; v < vectors; v++) sum[f][v] = vf_all(r->bias[f]);
    for (int64_t i = 0; i < g->kernel[1]; i++)
        for (int64_t j = 0; j < g->kernel[2]; j++) {
            const float *x = from + i * g->dilation[1] * r->width + j * g->dilation[2];
            for (int64_t c = 0; c < g->c; c++, x += r->plane, weights += filters) {
                vf pixels[MOST_VECTORS];
                FV_UNROLL
                for (int v = 0; v < vectors; v++) pixels[v] = vf_load(x + v * FV_LANES);
                FV_UNROLL
                for (int f = 0; f < filters; f++) FV_UNROLL
                for (int v = 0; v < vectors; v++) sum[f][v] = pixels[v] * vf_all(weights[f]) + sum[f][v];
            }
        }
    if (g->epilogue.act == FV_U_RELU) FV_UNROLL
    for (int f = 0; f < filters; f++) FV_UNROLL
    for (int v = 0; v < vectors; v++) sum[f][v] = vf_max(vf_zero(), sum[f][v]); /* not a number stays so */
    FV_UNROLL
    for (int v = 0; v < vectors; v++) FV_UNROLL
    for (int k = 0; k < filters; k++) vf_store(made + (v * filters + k) * FV_LANES, mix(filters, v, k, sum));
}

/* `rows` rows of results from the copy on. */
FV_INLINE void make_rows(const int filters, const planes_run *r, const float *copy, int64_t rows, float *to) {
    const fv_conv_geom *g = r->geom;
    const int vectors = VECTORS(filters), step = vectors * FV_LANES;
    float FV_ALIGNED made[TILE_ROWS * TILE_COLUMNS];
    const int64_t end = (rows - 1) * r->width + g->out[2];
    for (int64_t first = 0; first < end; first += step) {
        make(filters, vectors, r, copy + first, made);
        const int64_t last = conv_min(end, first + step);
        for (int64_t at = first, row = first / r->width; at < last; at = ++row * r->width) {
            const int64_t count = conv_min(last, row * r->width + g->out[2]) - at;
            const float *from = made + (at - first) * filters;
            float *y = to + (row * g->out[2] + at - row * r->width) * g->y_pixel;
            if (g->y_pixel == filters && count > 0)
                conv_copy(y, from, count * filters);
            else
                for (int64_t i = 0; i < count; i++) FV_UNROLL
            for (int f = 0; f < filters; f++) y[i * g->y_pixel + f] = from[i * filters + f];
        }
    }
}

#define ROWS(filters)                                                                                                  \
    static void rows_##filters(const planes_run *r, const float *copy, int64_t rows, float *to) {                      \
        make_rows(filters, r, copy, rows, to);                                                                         \
    }
#define ROWS_NAME(filters) rows_##filters,
#define EACH_COUNT(f) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8)
EACH_COUNT(ROWS)
static void (*const make_rows_of[MOST_FILTERS])(const planes_run *r, const float *copy, int64_t rows,
                                                float *to) = {EACH_COUNT(ROWS_NAME)};

static void run_piece(void *context, int64_t piece, int thread) {
    const planes_run *r = context;
    const fv_conv_geom *g = r->geom;
    const int64_t image = piece / r->bands, first = piece % r->bands * r->rows,
                  rows = conv_min(r->rows, g->out[1] - first);
    const int64_t copied = rows + (g->kernel[1] - 1) * g->dilation[1];
    const float *picture = r->x + image * g->in[1] * g->in[2] * g->x_pixel;
    float *copy = (void *)(r->areas + (size_t)thread * r->area);
    for (int64_t c = 0; c < g->c; c++)
        for (int64_t i = 0; i < copied; i++)
            copy_row(r, picture, c, first + i - g->pad[1], copy + c * r->plane + i * r->width);
    memset(copy + g->c * r->plane, 0, BEHIND * sizeof(float));
    float *to = r->y + (image * g->out[1] + first) * g->out[2] * g->y_pixel;
    make_rows_of[g->f - 1](r, copy, rows, to);
    if (g->epilogue.act != FV_U_COPY && g->epilogue.act != FV_U_RELU)
        unary_in_place(&g->epilogue, to, rows * g->out[2], g->f, g->y_pixel);
}

/* ---- the kernel ----------------------------------------------------------------------------------------------------
 */

static bool can(const fv_geom *geom) {
    const fv_conv_geom *g = &geom->conv;
    if (g->groups != 1 || g->c > MOST_CHANNELS || g->f > MOST_FILTERS || g->flipped || g->add) return false;
    if (g->in[0] != 1 || g->out[0] != 1 || g->kernel[0] != 1 || g->stride[1] != 1 || g->stride[2] != 1) return false;
    if (g->kernel[1] * g->kernel[2] == 1 || g->out[1] * g->out[2] < LEAST_POSITIONS) return false;
    const planes_run r = run_of(g, 1);
    return 3 * g->out[2] >= 2 * r.width && g->c * r.plane <= COPY_MOST;
}

static void need(const fv_geom *geom, int threads, fv_need *need) {
    const planes_run r = run_of(&geom->conv, 1), all = run_of(&geom->conv, geom->n);
    *need = (fv_need){.scratch =
                          MOST_FILTERS * sizeof(float) * 2 + (r.area > all.area ? r.area : all.area) * (size_t)threads};
}

static fv_status run(const fv_call *call) {
    const fv_conv_geom *g = &call->geom->conv;
    planes_run r = run_of(g, call->n);
    float *bias = call->scratch;
    memset(bias, 0, MOST_FILTERS * sizeof(float) * 2);
    if (call->arg[3]) memcpy(bias, call->arg[3], (size_t)g->f * sizeof(float));
    r.y = call->arg[0];
    r.x = call->arg[1];
    r.weights = call->arg[2];
    r.bias = bias;
    r.areas = (char *)(bias + 2 * MOST_FILTERS);
    const int64_t adds = call->n * g->out[1] * g->out[2] * g->kernel[1] * g->kernel[2] * g->c * g->f;
    fv_pool_run(conv_pool(call->pool, adds), call->n * r.bands, run_piece, &r);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_conv_planes) = {"conv.planes", can, need, NULL, run};
