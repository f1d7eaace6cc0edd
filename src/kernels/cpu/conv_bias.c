/* conv_bias.c - the gradient of a bias for weight gradients that read pairs, of which no exact sum of dy can be made. */
#include "conv_shape.h"

typedef struct bias_run {
    const fv_conv_geom *geom;
    int64_t n;
    const float *dy;
    float *sums; /* [FV_SLOTS][f] */
} bias_run;

static void sum_slot(void *context, int64_t slot, int thread) {
    (void)thread;
    const bias_run *r = context;
    const fv_conv_geom *g = r->geom;
    const int64_t each = g->out[0] * g->out[1] * g->out[2], first = fv_slot(r->n, (int)slot);
    tile_columns t = {.dy = r->dy + first * each * g->y_pixel, .dy_step = g->y_pixel, .to = r->sums + slot * g->f};
    t.pixels = (fv_slot(r->n, (int)slot + 1) - first) * each;
    tile_pixel_sums(&t, g->f);
}

void conv_bias(const fv_call *call, const float *dy, float *sums, float *dbias) {
    const fv_conv_geom *g = &call->geom->conv;
    bias_run r = {g, call->n, dy, sums};
    const int64_t results = call->n * g->out[0] * g->out[1] * g->out[2];
    fv_pool_run(conv_pool(call->pool, results * g->f), FV_SLOTS, sum_slot, &r);
    memset(dbias, 0, (size_t)g->f * sizeof(float));
    for (int slot = 0; slot < FV_SLOTS; slot++)
        for (int64_t i = 0; i < g->f; i++) dbias[i] += sums[slot * g->f + i];
}
