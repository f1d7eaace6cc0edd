/* sample.c - cells that are mixes of cells, vectors along the channels: resizing, reflection. */
#include "pieces.h"

/* The cells that a pixel is mixed of: offsets from the sample's first float, and their parts. */
typedef struct mix {
    int64_t offset[8];
    float weight[8];
    int count;
} mix;

/* One after the other the dimensions double what is there; a part of 0 adds nothing. */
static mix mix_at(const fv_sample_geom *g, const int64_t o[3]) {
    mix m = {.count = 1};
    m.weight[0] = 1;
    for (int d = 0; d < 3; d++) {
        float part = (float)g->part[d][o[d]];
        int before = m.count;
        for (int k = 0; k < before; k++) {
            int64_t at = m.offset[k] * g->in[d];
            if (part != 0) {
                m.offset[m.count] = at + g->far[d][o[d]];
                m.weight[m.count++] = m.weight[k] * part;
            }
            m.offset[k] = at + g->near[d][o[d]];
            m.weight[k] *= 1 - part;
        }
    }
    for (int k = 0; k < m.count; k++) m.offset[k] *= g->c;
    return m;
}

typedef struct job {
    const fv_call *call;
    int64_t count, size;
} job;

/* Rows of outputs, as in pooling: row r is row r % out[1] of plane r / out[1] % out[0] of a sample. */
static void forward_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_sample_geom *g = &j->call->geom->sample;
    int64_t end = (piece + 1) * j->size < j->count ? (piece + 1) * j->size : j->count;
    for (int64_t r = piece * j->size; r < end; r++) {
        const float *x =
            (const float *)j->call->arg[1] + r / g->out[1] / g->out[0] * g->in[0] * g->in[1] * g->in[2] * g->c;
        float *y = (float *)j->call->arg[0] + r * g->out[2] * g->c;
        for (int64_t o = 0; o < g->out[2]; o++, y += g->c) {
            const mix m = mix_at(g, (const int64_t[]){r / g->out[1] % g->out[0], r % g->out[1], o});
            FV_EACH_VECTOR(g->c, c, lanes, {
                vf sum = m.weight[0] * vf_load_lanes(x + m.offset[0] + c, lanes);
                for (int k = 1; k < m.count; k++) sum += m.weight[k] * vf_load_lanes(x + m.offset[k] + c, lanes);
                vf_store_lanes(y + c, sum, lanes);
            });
        }
    }
}

static void back_sample(const fv_sample_geom *g, float *dx, const float *dy) {
    int64_t o[3];
    memset(dx, 0, (size_t)(g->in[0] * g->in[1] * g->in[2] * g->c) * sizeof *dx);
    for (o[0] = 0; o[0] < g->out[0]; o[0]++)
        for (o[1] = 0; o[1] < g->out[1]; o[1]++)
            for (o[2] = 0; o[2] < g->out[2]; o[2]++, dy += g->c) {
                const mix m = mix_at(g, o);
                for (int k = 0; k < m.count; k++) {
                    float *to = dx + m.offset[k];
                    FV_EACH_VECTOR(
                        g->c, c, lanes,
                        vf_store_lanes(
                            to + c, vf_load_lanes(to + c, lanes) + m.weight[k] * vf_load_lanes(dy + c, lanes), lanes););
                }
            }
}

static void back_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_sample_geom *g = &j->call->geom->sample;
    int64_t in = g->in[0] * g->in[1] * g->in[2] * g->c, out = g->out[0] * g->out[1] * g->out[2] * g->c;
    int64_t end = (piece + 1) * j->size < j->count ? (piece + 1) * j->size : j->count;
    for (int64_t s = piece * j->size; s < end; s++)
        back_sample(g, (float *)j->call->arg[0] + s * in, (const float *)j->call->arg[1] + s * out);
}

static fv_status run_sample(const fv_call *call) {
    const fv_sample_geom *g = &call->geom->sample;
    job j = {call, call->n * g->out[0] * g->out[1], 0};
    int64_t pieces = fv_cut(j.count, g->out[2] * g->c * 4, &j.size);
    fv_pool_run(call->pool, pieces, forward_piece, &j);
    return FV_OK;
}

static fv_status run_sample_back(const fv_call *call) {
    const fv_sample_geom *g = &call->geom->sample;
    job j = {call, call->n, 0};
    int64_t pieces = fv_cut(j.count, g->out[0] * g->out[1] * g->out[2] * g->c * 4, &j.size);
    fv_pool_run(call->pool, pieces, back_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_sample) = {.name = "sample.channels", .run = run_sample};
const fv_kernel FV_SYMBOL(kernel_sample_back) = {.name = "sample_back.channels", .run = run_sample_back};
