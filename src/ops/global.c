/* global.c - pooling over the whole picture: a window of its size. */
#include "global.h"

fv_status fv_infer_global(fv_infer *infer, bool keep_dims) {
    char shape[128];
    int64_t channels, dims[FV_MAX_RANK];
    const fv_type *in = &infer->in[0];
    int rank = fv_sample_rank(in);
    fv_status status = fv_infer_real(infer, 0);
    if (!status) status = fv_infer_last(infer, 0, &channels);
    if (status) return status;
    if (rank < 2 || rank > 4)
        return fv_infer_fail(infer, "expects one to three spatial dimensions and channels, got %s",
                             fv_shape_text(&in->shape, shape, sizeof shape));
    for (int d = 0; d < rank; d++) {
        if (fv_sample_dims(in)[d] == 0) return fv_infer_fail(infer, "the input is empty");
        dims[d] = 1;
    }
    dims[keep_dims ? rank - 1 : 0] = channels;
    infer->out[0] = fv_type_make(FV_F32, fv_type_batched(in), keep_dims ? rank : 1, dims);
    return FV_OK;
}

static void resolve(const fv_emit *e, fv_spatial *s) {
    const fv_type *in = fv_in_type(e, 0);
    int rank = fv_sample_rank(in) - 1;
    *s = (fv_spatial){.rank = rank,
                      .in = {1, 1, 1},
                      .out = {1, 1, 1},
                      .kernel = {1, 1, 1},
                      .stride = {1, 1, 1},
                      .dilation = {1, 1, 1}};
    for (int i = 0; i < rank; i++) s->in[3 - rank + i] = s->kernel[3 - rank + i] = fv_sample_dims(in)[i];
    s->channels = fv_sample_dims(in)[rank];
}

void fv_emit_global(fv_emit *e, fv_pooling kind) {
    fv_spatial s;
    resolve(e, &s);
    fv_emit_pool(e, &s, kind);
}

void fv_emit_global_back(fv_emit *e, fv_pooling kind) {
    fv_spatial s;
    resolve(e, &s);
    fv_emit_pool_back(e, &s, kind);
}
