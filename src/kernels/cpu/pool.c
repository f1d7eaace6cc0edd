/* pool.c - pooling, vectors along the channels. Away from the border every window has the same cells, so their offsets
 * are listed once; windows that meet the border list their own. */
#include "pieces.h"

enum { MAX_CELLS = 1024 };

typedef struct job {
    const fv_call *call;
    const fv_pool_geom *g;
    int64_t first[3], last[3]; /* outputs whose windows lie inside, by dimension */
    int64_t all[MAX_CELLS];    /* offsets of the cells of such a window, in floats */
    int64_t cells;             /* of a window */
    int64_t rows, size;        /* output rows (or samples) of the call, and of a piece */
} job;

/* The cells of one window that lie in the picture: offsets from the sample's first float, in row order. */
static int64_t list_cells(const fv_pool_geom *g, const int64_t o[3], int64_t offset[MAX_CELLS]) {
    int64_t count = 0, i[3], k[3];
    for (k[0] = 0; k[0] < g->window[0]; k[0]++) {
        i[0] = o[0] * g->stride[0] - g->pad[0] + k[0] * g->dilation[0];
        for (k[1] = 0; k[1] < g->window[1]; k[1]++) {
            i[1] = o[1] * g->stride[1] - g->pad[1] + k[1] * g->dilation[1];
            for (k[2] = 0; k[2] < g->window[2]; k[2]++) {
                i[2] = o[2] * g->stride[2] - g->pad[2] + k[2] * g->dilation[2];
                if (i[0] < 0 || i[0] >= g->in[0] || i[1] < 0 || i[1] >= g->in[1] || i[2] < 0 || i[2] >= g->in[2])
                    continue;
                offset[count++] = ((i[0] * g->in[1] + i[1]) * g->in[2] + i[2]) * g->x_pixel;
            }
        }
    }
    return count;
}

static bool can_pool(const fv_geom *geom) {
    const fv_pool_geom *g = &geom->pool;
    return g->window[0] <= MAX_CELLS && g->window[1] <= MAX_CELLS && g->window[2] <= MAX_CELLS &&
           g->window[0] * g->window[1] * g->window[2] <= MAX_CELLS;
}

static job job_new(const fv_call *call) {
    job j = {.call = call, .g = &call->geom->pool};
    const fv_pool_geom *g = j.g;
    int64_t origin[3];
    bool any = true;
    for (int d = 0; d < 3; d++) {
        int64_t reach = g->in[d] + g->pad[d] - (g->window[d] - 1) * g->dilation[d] - 1;
        j.first[d] = (g->pad[d] + g->stride[d] - 1) / g->stride[d];
        j.last[d] = reach < 0 ? 0 : reach / g->stride[d] + 1;
        if (j.last[d] > g->out[d]) j.last[d] = g->out[d];
        origin[d] = j.first[d];
        any = any && j.first[d] < j.last[d];
    }
    j.cells = g->window[0] * g->window[1] * g->window[2];
    if (any) {
        int64_t base =
            ((origin[0] * g->stride[0] - g->pad[0]) * g->in[1] + origin[1] * g->stride[1] - g->pad[1]) * g->in[2] +
            origin[2] * g->stride[2] - g->pad[2];
        list_cells(g, origin, j.all);
        for (int64_t k = 0; k < j.cells; k++) j.all[k] -= base * g->x_pixel;
    }
    return j;
}

/* Where the window of output o begins and what its cells are. Returns how many; *offset and *base say where. */
FV_INLINE int64_t window_at(const job *j, const int64_t o[3], int64_t own[MAX_CELLS], const int64_t **offset,
                            int64_t *base) {
    const fv_pool_geom *g = j->g;
    bool inside = o[0] >= j->first[0] && o[0] < j->last[0] && o[1] >= j->first[1] && o[1] < j->last[1] &&
                  o[2] >= j->first[2] && o[2] < j->last[2];
    if (inside) {
        *offset = j->all;
        *base = (((o[0] * g->stride[0] - g->pad[0]) * g->in[1] + o[1] * g->stride[1] - g->pad[1]) * g->in[2] +
                 o[2] * g->stride[2] - g->pad[2]) *
                g->x_pixel;
        return j->cells;
    }
    *offset = own;
    *base = 0;
    return list_cells(g, o, own);
}

static float divisor(const fv_pool_geom *g, int64_t inside, int64_t cells) {
    if (g->kind == FV_POOL_MEAN) return (float)inside;
    return g->kind == FV_POOL_MEAN_PADDED ? (float)cells : 1.0f;
}

/* ---- forward
 * --------------------------------------------------------------------------------------------------------- */

/* count >= 1; a constant where it is usual. */
FV_INLINE void cells_forward(bool max, float *y, const float *x, const int64_t *offset, int64_t count, int64_t channels,
                             float by) {
    FV_EACH_VECTOR(channels, c, lanes, {
        vf sum = vf_load_lanes(x + offset[0] + c, lanes);
        for (int64_t k = 1; k < count; k++) {
            vf v = vf_load_lanes(x + offset[k] + c, lanes);
            sum = max ? vf_max(v, sum) : sum + v;
        }
        vf_store_lanes(y + c, max ? sum : sum / by, lanes);
    });
}

static void window_forward(const fv_pool_geom *g, float *y, const float *x, const int64_t *offset, int64_t count,
                           int64_t cells) {
    if (count == 0)
        memset(y, 0, (size_t)g->c * sizeof *y);
    else if (g->kind != FV_POOL_MAX)
        cells_forward(false, y, x, offset, count, g->c, divisor(g, count, cells));
    else if (count == 4)
        cells_forward(true, y, x, offset, 4, g->c, 1);
    else if (count == 9)
        cells_forward(true, y, x, offset, 9, g->c, 1);
    else
        cells_forward(true, y, x, offset, count, g->c, 1);
}

/* Rows of outputs: row r is row r % out[1] of plane r / out[1] % out[0] of a sample. */
static void forward_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_pool_geom *g = j->g;
    int64_t end = (piece + 1) * j->size < j->rows ? (piece + 1) * j->size : j->rows, own[MAX_CELLS], base;
    int64_t sample = g->in[0] * g->in[1] * g->in[2] * g->x_pixel;
    for (int64_t r = piece * j->size; r < end; r++) {
        const float *x = (const float *)j->call->arg[1] + r / g->out[1] / g->out[0] * sample;
        float *y = (float *)j->call->arg[0] + r * g->out[2] * g->y_pixel;
        for (int64_t o = 0; o < g->out[2]; o++, y += g->y_pixel) {
            const int64_t at[3] = {r / g->out[1] % g->out[0], r % g->out[1], o}, *offset;
            int64_t count = window_at(j, at, own, &offset, &base);
            window_forward(g, y, x + base, offset, count, j->cells);
        }
    }
}

static fv_status run_pool(const fv_call *call) {
    job j = job_new(call);
    j.rows = call->n * j.g->out[0] * j.g->out[1];
    int64_t pieces = fv_cut(j.rows, j.g->out[2] * j.g->c * j.cells, &j.size);
    fv_pool_run(call->pool, pieces, forward_piece, &j);
    return FV_OK;
}

/* ---- backward
 * -------------------------------------------------------------------------------------------------------- */

/* Every cell is in exactly one window: each can be written once and nothing need be cleared. */
static bool tiles(const fv_pool_geom *g) {
    for (int d = 0; d < 3; d++)
        if (g->window[d] != g->stride[d] || g->dilation[d] != 1 || g->pad[d] != 0 ||
            g->in[d] != g->out[d] * g->stride[d])
            return false;
    return true;
}

/* dy to the first cell that holds the maximum, 0 to (or nothing added to) the others. */
FV_INLINE void cells_back_max(bool tiled, float *dx, const float *dy, const float *x, const float *y,
                              const int64_t *offset, int64_t count, int64_t channels) {
    FV_EACH_VECTOR(channels, c, lanes, {
        vf highest = vf_load_lanes(y + c, lanes);
        vf left = vf_load_lanes(dy + c, lanes); /* 0 once it is given away */
        for (int64_t k = 0; k < count; k++) {
            vi here = vf_load_lanes(x + offset[k] + c, lanes) == highest;
            vf given = (vf)((vi)left & here);
            left = (vf)((vi)left & ~here);
            if (!tiled) given += vf_load_lanes(dx + offset[k] + c, lanes);
            vf_store_lanes(dx + offset[k] + c, given, lanes);
        }
    });
}

FV_INLINE void cells_back_sum(float *dx, const float *dy, const int64_t *offset, int64_t count, int64_t channels,
                              float by) {
    FV_EACH_VECTOR(channels, c, lanes, {
        vf part = vf_load_lanes(dy + c, lanes) / by;
        for (int64_t k = 0; k < count; k++)
            vf_store_lanes(dx + offset[k] + c, vf_load_lanes(dx + offset[k] + c, lanes) + part, lanes);
    });
}

static void window_back(const job *j, bool tiled, float *dx, const float *dy, const float *x, const float *y,
                        const int64_t *offset, int64_t count) {
    const fv_pool_geom *g = j->g;
    if (g->kind != FV_POOL_MAX)
        cells_back_sum(dx, dy, offset, count, g->c, divisor(g, count, j->cells));
    else if (tiled && count == 4)
        cells_back_max(true, dx, dy, x, y, offset, 4, g->c);
    else if (tiled)
        cells_back_max(true, dx, dy, x, y, offset, count, g->c);
    else
        cells_back_max(false, dx, dy, x, y, offset, count, g->c);
}

static void clear(const fv_pool_geom *g, float *dx, int64_t pixels) {
    if (g->x_pixel == g->c)
        memset(dx, 0, (size_t)(pixels * g->c) * sizeof *dx);
    else
        for (int64_t p = 0; p < pixels; p++) memset(dx + p * g->x_pixel, 0, (size_t)g->c * sizeof *dx);
}

static void back_sample(const job *j, int64_t s) {
    const fv_pool_geom *g = j->g;
    void *const *arg = j->call->arg;
    bool max = g->kind == FV_POOL_MAX, tiled = max && tiles(g);
    int64_t pixels = g->in[0] * g->in[1] * g->in[2], own[MAX_CELLS], at[3], base;
    int64_t out = s * g->out[0] * g->out[1] * g->out[2] * g->y_pixel;
    float *dx = (float *)arg[0] + s * pixels * g->x_pixel;
    const float *x = max ? (const float *)arg[2] + s * pixels * g->x_pixel : NULL;
    if (!tiled) clear(g, dx, pixels);
    for (at[0] = 0; at[0] < g->out[0]; at[0]++) {
        for (at[1] = 0; at[1] < g->out[1]; at[1]++) {
            for (at[2] = 0; at[2] < g->out[2]; at[2]++, out += g->y_pixel) {
                const int64_t *offset;
                int64_t count = window_at(j, at, own, &offset, &base);
                window_back(j, tiled, dx + base, (const float *)arg[1] + out, max ? x + base : NULL,
                            max ? (const float *)arg[3] + out : NULL, offset, count);
            }
        }
    }
}

static void back_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    int64_t end = (piece + 1) * j->size < j->rows ? (piece + 1) * j->size : j->rows;
    for (int64_t s = piece * j->size; s < end; s++) back_sample(j, s);
}

static fv_status run_pool_back(const fv_call *call) {
    job j = job_new(call);
    j.rows = call->n;
    int64_t pieces = fv_cut(j.rows, j.g->out[0] * j.g->out[1] * j.g->out[2] * j.g->c * j.cells, &j.size);
    fv_pool_run(call->pool, pieces, back_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_pool) = {.name = "pool.channels", .can = can_pool, .run = run_pool};
const fv_kernel FV_SYMBOL(kernel_pool_back) = {.name = "pool_back.channels", .can = can_pool, .run = run_pool_back};
