/* sampling.c - the tables of FV_R_SAMPLE: which cells of the input every cell of the result is mixed of. */
#include "sampling.h"

bool fv_sampling_start(fv_emit *e, const fv_type *from, const fv_type *to, fv_geom *geom) {
    int rank = fv_sample_rank(from);
    *geom = fv_geom_for(e, from);
    geom->sample.c = fv_sample_dims(from)[rank - 1];
    for (int d = 0; d < 3; d++) {
        int i = d - (4 - rank);
        int64_t out = i < 0 ? 1 : fv_sample_dims(to)[i];
        int32_t *near = fv_emit_memory(e, (size_t)out * sizeof *near),
                *far = fv_emit_memory(e, (size_t)out * sizeof *far);
        double *part = fv_emit_memory(e, (size_t)out * sizeof *part);
        if (!near || !far || !part) return false;
        for (int64_t o = 0; o < out; o++) near[o] = far[o] = 0, part[o] = 0;
        geom->sample.in[d] = i < 0 ? 1 : fv_sample_dims(from)[i];
        geom->sample.out[d] = out;
        geom->sample.near[d] = near;
        geom->sample.far[d] = far;
        geom->sample.part[d] = part;
    }
    return true;
}

/* The tables were made above and are constant for the kernels only. */
void fv_sampling_set(fv_geom *geom, int rank, int i, int64_t o, int64_t near, double part) {
    int d = i + 4 - rank;
    int64_t last = geom->sample.in[d] - 1;
    ((int32_t *)geom->sample.near[d])[o] = (int32_t)near;
    ((int32_t *)geom->sample.far[d])[o] = (int32_t)(near < last ? near + 1 : last);
    ((double *)geom->sample.part[d])[o] = part;
}
