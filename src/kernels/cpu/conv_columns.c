/* conv_columns.c - convolution backward to an input of few channels.
 *
 * As a convolution of dy its results would fill few lanes, and its border is mostly zeros. Instead every pixel of dy
 * times all weights gives what it contributes, kernel*c columns; then every pixel of dx sums the columns that meet it.
 * 16 filters 5x5 to 6 channels, 12x12 pixels: a third of the time on AVX-512.
 */
#include "conv_shape.h"
#include "vmath.h"

enum {
    FEW_CHANNELS = 12,
    COLUMN_FLOATS = 128 * 1024,
    PIECES = 8,
    MAX_VECTORS = (FEW_CHANNELS + FV_LANES - 1) / FV_LANES
};

typedef struct columns_run {
    const fv_conv_geom *geom;
    conv_shape product;  /* dy pixels x weights, as a 1x1 convolution */
    int64_t columns;     /* kernel * c */
    int64_t rows, bands; /* rows of dx in a piece; pieces of an image */
    int64_t dy_rows;     /* that such a piece reads at most */
    const float *packed, *dy;
    const float *bias; /* padded with zeros */
    float *dx;
    const int64_t *taps; /* for each x of dx: how many columns meet it in a row, and where they are */
    char *areas;
    size_t area;
} columns_run;

typedef struct columns_area {
    const float **x;
    int64_t *y;
    float *columns;
} columns_area;

static size_t aligned(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* Cycles for one image, as two multiply-adds a cycle and one addition of a column a cycle, against two multiply-adds a
 * cycle on the lanes that results fill. One or two channels and few filters are better off as a convolution. */
static bool wins(const fv_conv_geom *g) {
    const double taps = (double)(g->kernel[1] * g->kernel[2]), f = (double)g->f;
    const double dy = (double)(g->out[1] * g->out[2]), dx = (double)(g->in[1] * g->in[2]);
    const double columns = dy * (f * (double)conv_vectors(g->kernel[1] * g->kernel[2] * g->c) / 2 + taps);
    const conv_shape s = conv_shape_of(g, true);
    const double wider = (double)(g->kernel[2] + s.pixels - 1) / (double)(g->kernel[2] * s.pixels);
    const double phases = dx * f * taps * wider * (double)conv_vectors(s.columns) / 2 / (double)s.phases;
    return columns < phases;
}

static bool can(const fv_geom *geom) {
    const fv_conv_geom *g = &geom->conv;
    return g->groups == 1 && g->c < FEW_CHANNELS && g->in[0] == 1 && g->kernel[0] == 1 && g->pad[0] == 0 && wins(g);
}

/* The weights as one matrix: a 1x1 convolution whose input has kernel*c channels. */
static fv_conv_geom product_geom(const fv_conv_geom *g) {
    fv_conv_geom p = {.kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}, .groups = 1, .f = g->f};
    for (int d = 0; d < 3; d++) p.in[d] = p.out[d] = g->out[d];
    p.c = p.x_pixel = g->kernel[1] * g->kernel[2] * g->c;
    p.y_pixel = g->y_pixel;
    return p;
}

/* Rows of dy that `rows` rows of dx meet at most. */
static int64_t dy_rows_for(const fv_conv_geom *g, int64_t rows) {
    return conv_min(g->out[1], (rows - 1 + (g->kernel[1] - 1) * g->dilation[1]) / g->stride[1] + 1);
}

static columns_run run_of(const fv_conv_geom *g, int64_t n) {
    const fv_conv_geom p = product_geom(g);
    columns_run r = {.geom = g, .product = conv_shape_of(&p, true), .columns = p.c, .rows = g->in[1]};
    const int64_t row = g->out[2] * r.columns;
    while (r.rows > 1 && dy_rows_for(g, r.rows) * row > COLUMN_FLOATS) r.rows = (r.rows + 1) / 2;
    while (n * conv_ceil(g->in[1], r.rows) < PIECES && r.rows > 2 * g->kernel[1]) r.rows = (r.rows + 1) / 2;
    r.bands = conv_ceil(g->in[1], r.rows);
    r.dy_rows = dy_rows_for(g, r.rows);
    return r;
}

static size_t area_of(const columns_run *r, char *memory, columns_area *area) {
    const int64_t pixels = r->dy_rows * r->geom->out[2];
    const size_t x = aligned((size_t)pixels * sizeof(float *)), y = aligned((size_t)pixels * sizeof(int64_t));
    /* whole vectors are read, also of the last column */
    const size_t columns = aligned((size_t)(pixels * r->columns + FEW_CHANNELS + FV_LANES) * sizeof(float));
    if (area) *area = (columns_area){(void *)memory, (void *)(memory + x), (void *)(memory + x + y)};
    return x + y + columns;
}

static int64_t taps_each(const fv_conv_geom *g) { return 1 + g->kernel[2]; }
static size_t taps_bytes(const fv_conv_geom *g) { return aligned((size_t)(g->in[2] * taps_each(g)) * sizeof(int64_t)); }
enum { BIAS_FLOATS = FEW_CHANNELS + FV_LANES };

/* The position of dy that position i of dx meets with tap k along axis d, or -1. */
static int64_t met(const fv_conv_geom *g, int d, int64_t i, int64_t k) {
    const int64_t at = i + g->pad[d] - k * g->dilation[d];
    return at < 0 || at % g->stride[d] || at / g->stride[d] >= g->out[d] ? -1 : at / g->stride[d];
}

/* Where tap k along axis d has its weights. */
static int64_t weight_of(const fv_conv_geom *g, int d, int64_t k) { return g->flipped ? g->kernel[d] - 1 - k : k; }

static void list_taps(const fv_conv_geom *g, int64_t columns, int64_t *taps) {
    for (int64_t x = 0; x < g->in[2]; x++, taps += taps_each(g)) {
        taps[0] = 0;
        for (int64_t k = 0; k < g->kernel[2]; k++) {
            const int64_t o = met(g, 2, x, k);
            if (o >= 0) taps[++taps[0]] = o * columns + weight_of(g, 2, k) * g->c;
        }
    }
}

/* Columns of rows first ... first+rows-1 of image i of dy. */
static void make_columns(const columns_run *r, const columns_area *area, int64_t i, int64_t first, int64_t rows) {
    const fv_conv_geom *g = r->geom;
    const int64_t pixels = rows * g->out[2], no_offset = 0;
    const float *dy = r->dy + (i * g->out[1] + first) * g->out[2] * g->y_pixel;
    static const float zeros[TILE_COLUMNS];
    for (int64_t m = 0; m < pixels; m++) {
        area->x[m] = dy + m * g->y_pixel;
        area->y[m] = m * r->columns;
    }
    for (int64_t panel = 0; panel < r->product.panels; panel++) {
        const int64_t column = panel * r->product.panel, columns = conv_panel_columns(&r->product, panel);
        const tile_rows t = {.runs = &no_offset,
                             .run_count = 1,
                             .run_length = g->f,
                             .panel = r->packed + g->f * column,
                             .bias = zeros,
                             .y = area->columns + column,
                             .last = conv_last_lanes(columns)};
        const tile_rows_fn *tile = tile_rows_dense[false][conv_vectors(columns) - 1];
        for (int64_t m = 0, left = tile_count(pixels), height; m < pixels; m += height) {
            height = tile_height(pixels - m, &left);
            tile[height - 1](&t, area->x + m, area->y + m);
        }
    }
}

/* One row of dx from `count` rows of columns that begin at row[]. */
FV_INLINE void sum_row(const columns_run *r, const int vectors, const float *const *row, int64_t count, float *dx) {
    const fv_conv_geom *g = r->geom;
    const int64_t last = conv_last_lanes(g->c), *taps = r->taps;
    for (int64_t x = 0; x < g->in[2]; x++, taps += taps_each(g), dx += g->x_pixel) {
        vf acc[MAX_VECTORS];
        FV_UNROLL
        for (int v = 0; v < vectors; v++) acc[v] = vf_load(r->bias + v * FV_LANES);
        for (int64_t k = 0; k < count; k++)
            for (int64_t j = 1; j <= taps[0]; j++) FV_UNROLL
        for (int v = 0; v < vectors; v++) acc[v] += vf_load(row[k] + taps[j] + v * FV_LANES);
        FV_UNROLL
        for (int v = 0; v < vectors - 1; v++) vf_store(dx + v * FV_LANES, acc[v]);
        vf_store_part(dx + (vectors - 1) * FV_LANES, acc[vectors - 1], last);
    }
}

static void run_piece(void *context, int64_t piece, int thread) {
    const columns_run *r = context;
    const fv_conv_geom *g = r->geom;
    columns_area area;
    area_of(r, r->areas + (size_t)thread * r->area, &area);
    const int64_t image = piece / r->bands, begin = piece % r->bands * r->rows,
                  end = conv_min(g->in[1], begin + r->rows);
    const int64_t reach = (g->kernel[1] - 1) * g->dilation[1], stride = g->stride[1];
    const int64_t first = conv_ceil(conv_max(0, begin + g->pad[1] - reach), stride);
    const int64_t last = conv_min(g->out[1] - 1, (end - 1 + g->pad[1]) / stride);
    if (first <= last) make_columns(r, &area, image, first, last - first + 1);
    const float **row = area.x; /* the products are made: the list is free */
    for (int64_t y = begin; y < end; y++) {
        int64_t count = 0;
        for (int64_t k = 0; k < g->kernel[1]; k++) {
            const int64_t o = met(g, 1, y, k);
            if (o < 0) continue;
            row[count++] =
                area.columns + (o - first) * g->out[2] * r->columns + weight_of(g, 1, k) * g->kernel[2] * g->c;
        }
        float *dx = r->dx + (image * g->in[1] + y) * g->in[2] * g->x_pixel;
        if (conv_vectors(g->c) == 1)
            sum_row(r, 1, row, count, dx);
        else if (conv_vectors(g->c) == 2)
            sum_row(r, MAX_VECTORS > 1 ? 2 : 1, row, count, dx);
        else
            sum_row(r, MAX_VECTORS, row, count, dx);
        if (g->epilogue.act != FV_U_COPY) unary_in_place(&g->epilogue, dx, g->in[2], g->c, g->x_pixel);
    }
}

static fv_status run(const fv_call *call) {
    const fv_conv_geom *g = &call->geom->conv;
    columns_run r = run_of(g, call->n);
    float *bias = call->scratch;
    int64_t *taps = (void *)((char *)call->scratch + aligned(BIAS_FLOATS * sizeof(float)));
    memset(bias, 0, BIAS_FLOATS * sizeof(float));
    if (call->arg[3]) memcpy(bias, call->arg[3], (size_t)g->c * sizeof(float));
    list_taps(g, r.columns, taps);
    r.bias = bias;
    r.taps = taps;
    r.areas = (char *)taps + taps_bytes(g);
    r.area = area_of(&r, NULL, NULL);
    r.packed = call->packed;
    r.dx = call->arg[0];
    r.dy = call->arg[1];
    fv_pool_run(call->pool, call->n * r.bands, run_piece, &r);
    return FV_OK;
}

static void need(const fv_geom *geom, int threads, fv_need *need) {
    const columns_run largest = run_of(&geom->conv, PIECES); /* few images make smaller pieces */
    const fv_conv_geom p = product_geom(&geom->conv);
    const conv_job job = conv_job_of(&largest.product, &p, 0);
    need->scratch = aligned(BIAS_FLOATS * sizeof(float)) + taps_bytes(&geom->conv) +
                    area_of(&largest, NULL, NULL) * (size_t)threads;
    need->packed = (size_t)conv_packed_floats(&largest.product, &job) * sizeof(float);
    need->packed_arg = 2;
}

static fv_status pack(const fv_geom *geom, const void *weights, void *packed, fv_pool *pool) {
    const fv_conv_geom p = product_geom(&geom->conv);
    const conv_shape s = conv_shape_of(&p, true);
    conv_pack(&s, &p, weights, packed, pool);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_conv_data_columns) = {"conv_data.columns", can, need, pack, run};
