/* pool.c - pooling, vectors along the channels. Away from the border every window has the same cells, so their offsets
 * are listed once; windows that meet the border list their own. */
#include "pieces.h"

enum { MAX_CELLS = 1024, AHEAD = 9 };

typedef struct job {
    const fv_call *call;
    const fv_pool_geom *g;
    int64_t first[3], last[3];  /* outputs whose windows lie inside, by dimension */
    int64_t all[MAX_CELLS];     /* offsets of the cells of such a window, in floats */
    int64_t all_dx[MAX_CELLS];  /* the same in the gradient, where its pixels lie differently, */
    int64_t all_add[MAX_CELLS]; /* and in what is added to it */
    int64_t cells;              /* of a window */
    int64_t dx_pixel, dy_pixel, add_pixel;
    int64_t rows, size; /* output rows (or samples) of the call, and of a piece */
} job;

/* The cells of one window that lie in the picture: offsets from the sample's first float, in row order. */
static int64_t list_cells(const fv_pool_geom *g, const int64_t o[3], int64_t pixel, int64_t offset[MAX_CELLS]) {
    int64_t count = 0, i[3], k[3];
    for (k[0] = 0; k[0] < g->window[0]; k[0]++) {
        i[0] = o[0] * g->stride[0] - g->pad[0] + k[0] * g->dilation[0];
        for (k[1] = 0; k[1] < g->window[1]; k[1]++) {
            i[1] = o[1] * g->stride[1] - g->pad[1] + k[1] * g->dilation[1];
            for (k[2] = 0; k[2] < g->window[2]; k[2]++) {
                i[2] = o[2] * g->stride[2] - g->pad[2] + k[2] * g->dilation[2];
                if (i[0] < 0 || i[0] >= g->in[0] || i[1] < 0 || i[1] >= g->in[1] || i[2] < 0 || i[2] >= g->in[2])
                    continue;
                offset[count++] = ((i[0] * g->in[1] + i[1]) * g->in[2] + i[2]) * pixel;
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
    j.dx_pixel = fv_pixel(g->dx_pixel, g->x_pixel), j.dy_pixel = fv_pixel(g->dy_pixel, g->y_pixel);
    j.add_pixel = fv_pixel(g->add_pixel, j.dx_pixel);
    if (any) {
        int64_t base =
            ((origin[0] * g->stride[0] - g->pad[0]) * g->in[1] + origin[1] * g->stride[1] - g->pad[1]) * g->in[2] +
            origin[2] * g->stride[2] - g->pad[2];
        list_cells(g, origin, g->x_pixel, j.all);
        list_cells(g, origin, j.dx_pixel, j.all_dx);
        if (g->add) list_cells(g, origin, j.add_pixel, j.all_add);
        for (int64_t k = 0; k < j.cells; k++) j.all[k] -= base * g->x_pixel, j.all_dx[k] -= base * j.dx_pixel;
        for (int64_t k = 0; k < j.cells && g->add; k++) j.all_add[k] -= base * j.add_pixel;
    }
    return j;
}

/* Where the window of output o begins (a pixel) and what its cells are: returns how many, *offset says where from that
 * pixel's place. *run windows from here on along the row have the same cells, a stride further each. */
FV_INLINE int64_t windows_at(const job *j, const int64_t o[3], int64_t own[MAX_CELLS], const int64_t **offset,
                             int64_t *base, int64_t *run) {
    const fv_pool_geom *g = j->g;
    bool inside = o[0] >= j->first[0] && o[0] < j->last[0] && o[1] >= j->first[1] && o[1] < j->last[1] &&
                  o[2] >= j->first[2] && o[2] < j->last[2];
    if (inside) {
        *offset = j->all;
        *base = ((o[0] * g->stride[0] - g->pad[0]) * g->in[1] + o[1] * g->stride[1] - g->pad[1]) * g->in[2] +
                o[2] * g->stride[2] - g->pad[2];
        *run = j->last[2] - o[2];
        return j->cells;
    }
    *offset = own;
    *base = 0;
    *run = 1;
    return list_cells(g, o, g->x_pixel, own);
}

static float divisor(const fv_pool_geom *g, int64_t inside, int64_t cells) {
    if (g->kind == FV_POOL_MEAN) return (float)inside;
    return g->kind == FV_POOL_MEAN_PADDED ? (float)cells : 1.0f;
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

/* Channels c .. c+lanes-1 of one window; count >= 1. */
FV_INLINE void lanes_forward(bool max, float *y, const float *x, const int64_t *offset, int64_t count, int64_t c,
                             int64_t lanes, float by) {
    vf sum = vf_load_lanes(x + offset[0] + c, lanes);
    for (int64_t k = 1; k < count; k++) {
        vf v = vf_load_lanes(x + offset[k] + c, lanes);
        sum = max ? vf_max(v, sum) : sum + v;
    }
    vf_store_lanes(y + c, max ? sum : sum / by, lanes);
}

/* `outputs` windows of the same shape side by side. Few channels are one vector for each, whose lanes are settled outside
 * the loop. */
FV_INLINE void windows_forward(const fv_pool_geom *g, bool max, float *y, const float *x, const int64_t *offset,
                               int64_t count, int64_t outputs, float by) {
    int64_t step = g->stride[2] * g->x_pixel, lanes = g->c;
    if (lanes < FV_LANES)
        for (int64_t o = 0; o < outputs; o++, x += step, y += g->y_pixel)
            lanes_forward(max, y, x, offset, count, 0, lanes, by);
    else
        for (int64_t o = 0; o < outputs; o++, x += step, y += g->y_pixel)
            FV_EACH_VECTOR(g->c, c, here, lanes_forward(max, y, x, offset, count, c, here, by););
}

static void forward(const job *j, float *y, const float *x, const int64_t *offset, int64_t count, int64_t outputs) {
    const fv_pool_geom *g = j->g;
    if (count == 0)
        memset(y, 0, (size_t)g->c * sizeof *y); /* only ever one window */
    else if (g->kind != FV_POOL_MAX)
        windows_forward(g, false, y, x, offset, count, outputs, divisor(g, count, j->cells));
    else if (count == 4)
        windows_forward(g, true, y, x, offset, 4, outputs, 1);
    else if (count == 9)
        windows_forward(g, true, y, x, offset, 9, outputs, 1);
    else
        windows_forward(g, true, y, x, offset, count, outputs, 1);
}

/* Rows of outputs: row r is row r % out[1] of plane r / out[1] % out[0] of a sample. */
static void forward_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_pool_geom *g = j->g;
    int64_t end = (piece + 1) * j->size < j->rows ? (piece + 1) * j->size : j->rows, own[MAX_CELLS], base, run;
    int64_t sample = g->in[0] * g->in[1] * g->in[2] * g->x_pixel;
    for (int64_t r = piece * j->size; r < end; r++) {
        const float *x = (const float *)j->call->arg[1] + r / g->out[1] / g->out[0] * sample;
        float *y = (float *)j->call->arg[0] + r * g->out[2] * g->y_pixel;
        for (int64_t o = 0; o < g->out[2]; o += run, y += run * g->y_pixel) {
            const int64_t at[3] = {r / g->out[1] % g->out[0], r % g->out[1], o}, *offset;
            int64_t count = windows_at(j, at, own, &offset, &base, &run);
            forward(j, y, x + base * g->x_pixel, offset, count, run);
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

/* ---- backward --------------------------------------------------------------------------------------------------- */

/* Every cell is in exactly one window: each can be written once and nothing need be cleared. */
static bool tiles(const fv_pool_geom *g) {
    for (int d = 0; d < 3; d++)
        if (g->window[d] != g->stride[d] || g->dilation[d] != 1 || g->pad[d] != 0 ||
            g->in[d] != g->out[d] * g->stride[d])
            return false;
    return true;
}

/* What is added comes after all that windows give a cell, which is known at once only where each is in one. */
static bool can_pool_back(const fv_geom *geom) {
    return can_pool(geom) && (!geom->pool.add || (geom->pool.kind == FV_POOL_MAX && tiles(&geom->pool)));
}

/* Some windows side by side: where the first one's gradients, inputs and outputs begin, and its cells in both. */
typedef struct back_at {
    float *dx;
    const float *dy, *x, *y, *add;
    const int64_t *dx_offset, *x_offset, *add_offset;
    int64_t count; /* cells */
} back_at;

/* dy to the first cell that holds the maximum, 0 to (or nothing added to) the others. Channels c .. c+lanes-1. Behind a
 * ReLU a maximum of 0 passes nothing on; where another gradient is added, no cell of 0 does. */
FV_INLINE void lanes_back_max(bool tiled, bool relu, bool adds, const back_at *p, int64_t count, int64_t c,
                              int64_t lanes) {
    vf highest = vf_load_lanes(p->y + c, lanes),
       left = vf_load_lanes(p->dy + c, lanes); /* left: 0 once it is given away */
    if (relu && !adds) left = vf_passed(left, highest);
    /* Parts of vectors overlap in memory: all are read before one is written, as each would wait for the one before. */
    const bool ahead = !tiled && count == AHEAD && lanes < FV_LANES;
    vf before[AHEAD];
    for (int64_t k = 0; k < AHEAD && ahead; k++) before[k] = vf_load_lanes(p->dx + p->dx_offset[k] + c, lanes);
    for (int64_t k = 0; k < count; k++) {
        const vf x = vf_load_lanes(p->x + p->x_offset[k] + c, lanes);
        vi here = x == highest;
        vf given = (vf)((vi)left & here);
        left = (vf)((vi)left & ~here);
        float *dx = p->dx + p->dx_offset[k] + c;
        if (!tiled) given += ahead ? before[k] : vf_load_lanes(dx, lanes);
        if (adds) given += vf_load_lanes(p->add + p->add_offset[k] + c, lanes);
        if (adds && relu) given = vf_passed(given, x);
        vf_store_lanes(dx, given, lanes);
    }
}

FV_INLINE void windows_back_max(const job *j, bool tiled, bool relu, bool adds, back_at p, int64_t count,
                                int64_t outputs) {
    const fv_pool_geom *g = j->g;
    int64_t lanes = g->c;
    for (int64_t o = 0; o < outputs; o++) {
        if (lanes < FV_LANES)
            lanes_back_max(tiled, relu, adds, &p, count, 0, lanes);
        else
            FV_EACH_VECTOR(g->c, c, here, lanes_back_max(tiled, relu, adds, &p, count, c, here););
        p.dx += g->stride[2] * j->dx_pixel, p.x += g->stride[2] * g->x_pixel, p.dy += j->dy_pixel, p.y += g->y_pixel;
        if (adds) p.add += g->stride[2] * j->add_pixel;
    }
}

FV_INLINE void lanes_back_sum(bool tiled, const back_at *p, int64_t count, int64_t c, int64_t lanes, float by) {
    vf part = vf_load_lanes(p->dy + c, lanes) / by;
    for (int64_t k = 0; k < count; k++) {
        float *dx = p->dx + p->dx_offset[k] + c;
        vf_store_lanes(dx, tiled ? part : vf_load_lanes(dx, lanes) + part, lanes);
    }
}

FV_INLINE void windows_back_sum(const job *j, bool tiled, back_at p, int64_t count, int64_t outputs) {
    const float by = divisor(j->g, count, j->cells);
    const int64_t lanes = j->g->c;
    for (int64_t o = 0; o < outputs; o++, p.dx += j->g->stride[2] * j->dx_pixel, p.dy += j->dy_pixel)
        if (lanes < FV_LANES)
            lanes_back_sum(tiled, &p, count, 0, lanes, by);
        else
            FV_EACH_VECTOR(j->g->c, c, here, lanes_back_sum(tiled, &p, count, c, here, by););
}

static void back(const job *j, bool tiled, back_at p, int64_t outputs) {
    const fv_pool_geom *g = j->g;
    if (g->kind == FV_POOL_MAX) {
        if (g->add && p.count == 4)
            windows_back_max(j, true, g->relu, true, p, 4, outputs);
        else if (g->add)
            windows_back_max(j, true, g->relu, true, p, p.count, outputs);
        else if (tiled && p.count == 4 && g->relu)
            windows_back_max(j, true, true, false, p, 4, outputs);
        else if (tiled && p.count == 4)
            windows_back_max(j, true, false, false, p, 4, outputs);
        else if (tiled)
            windows_back_max(j, true, g->relu, false, p, p.count, outputs);
        else if (p.count == 9)
            windows_back_max(j, false, g->relu, false, p, 9, outputs);
        else
            windows_back_max(j, false, g->relu, false, p, p.count, outputs);
        return;
    }
    if (tiled && p.count == 4)
        windows_back_sum(j, true, p, 4, outputs);
    else if (p.count == 9)
        windows_back_sum(j, tiled, p, 9, outputs);
    else
        windows_back_sum(j, tiled, p, p.count, outputs);
}

static void clear(const job *j, float *dx, int64_t pixels) {
    int64_t c = j->g->c;
    if (j->dx_pixel == c)
        memset(dx, 0, (size_t)(pixels * c) * sizeof *dx);
    else
        for (int64_t p = 0; p < pixels; p++) memset(dx + p * j->dx_pixel, 0, (size_t)c * sizeof *dx);
}

static void back_sample(const job *j, int64_t s) {
    const fv_pool_geom *g = j->g;
    void *const *arg = j->call->arg;
    bool max = g->kind == FV_POOL_MAX, tiled = tiles(g);
    int64_t pixels = g->in[0] * g->in[1] * g->in[2], own[MAX_CELLS], own_dx[MAX_CELLS], at[3], base, run;
    int64_t in = s * pixels, out = s * g->out[0] * g->out[1] * g->out[2];
    if (!tiled) clear(j, (float *)arg[0] + in * j->dx_pixel, pixels);
    for (at[0] = 0; at[0] < g->out[0]; at[0]++) {
        for (at[1] = 0; at[1] < g->out[1]; at[1]++) {
            for (at[2] = 0; at[2] < g->out[2]; at[2] += run, out += run) {
                back_at p = {.dx_offset = j->all_dx, .add_offset = j->all_add};
                p.count = windows_at(j, at, own, &p.x_offset, &base, &run);
                if (p.x_offset == own) p.dx_offset = own;
                if (p.x_offset == own && j->dx_pixel != g->x_pixel)
                    list_cells(g, at, j->dx_pixel, own_dx), p.dx_offset = own_dx;
                p.dx = (float *)arg[0] + (in + base) * j->dx_pixel;
                p.dy = (const float *)arg[1] + out * j->dy_pixel;
                if (max) p.x = (const float *)arg[2] + (in + base) * g->x_pixel;
                if (max) p.y = (const float *)arg[3] + out * g->y_pixel;
                if (g->add) p.add = (const float *)arg[4] + (in + base) * j->add_pixel;
                back(j, tiled, p, run);
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

/* ---- what lies where the maximum is ----------------------------------------------------------------------------- */

static void window_pick(float *y, const float *from, const float *x, const float *max, const int64_t *offset,
                        int64_t count, int64_t channels) {
    FV_EACH_VECTOR(channels, c, lanes, {
        vf highest = vf_load_lanes(max + c, lanes);
        vf picked = vf_zero();
        for (int64_t k = count - 1; k >= 0; k--) /* the first cell has the last word */
            picked = vf_select(vf_load_lanes(x + offset[k] + c, lanes) == highest,
                               vf_load_lanes(from + offset[k] + c, lanes), picked);
        vf_store_lanes(y + c, picked, lanes);
    });
}

static void pick_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_pool_geom *g = j->g;
    void *const *arg = j->call->arg;
    int64_t end = (piece + 1) * j->size < j->rows ? (piece + 1) * j->size : j->rows, own[MAX_CELLS], base, run;
    int64_t sample = g->in[0] * g->in[1] * g->in[2] * g->x_pixel;
    for (int64_t r = piece * j->size; r < end; r++) {
        int64_t x = r / g->out[1] / g->out[0] * sample, y = r * g->out[2] * g->y_pixel, first;
        for (int64_t o = 0; o < g->out[2]; o++, y += g->y_pixel) {
            const int64_t at[3] = {r / g->out[1] % g->out[0], r % g->out[1], o}, *offset;
            int64_t count = windows_at(j, at, own, &offset, &base, &run);
            first = x + base * g->x_pixel;
            window_pick((float *)arg[0] + y, (const float *)arg[1] + first, (const float *)arg[2] + first,
                        (const float *)arg[3] + y, offset, count, g->c);
        }
    }
}

static fv_status run_pool_pick(const fv_call *call) {
    job j = job_new(call);
    j.rows = call->n * j.g->out[0] * j.g->out[1];
    int64_t pieces = fv_cut(j.rows, j.g->out[2] * j.g->c * j.cells, &j.size);
    fv_pool_run(call->pool, pieces, pick_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_pool) = {.name = "pool.channels", .can = can_pool, .run = run_pool};
const fv_kernel FV_SYMBOL(kernel_pool_back) = {
    .name = "pool_back.channels", .can = can_pool_back, .run = run_pool_back};
const fv_kernel FV_SYMBOL(kernel_pool_pick) = {.name = "pool_pick.channels", .can = can_pool, .run = run_pool_pick};
