/* globalmaxpool.c - the largest value of each channel over the whole picture. */
#include "global.h"

#define FIELDS(F) F(globalmaxpool, BOOL, keep_dims, .help = "keep the spatial dimensions, each of size 1")
FV_DEFINE_FIELDS(globalmaxpool, FIELDS)

static fv_status infer(fv_infer *infer) {
    return fv_infer_global(infer, ((const struct globalmaxpool *)infer->fields)->keep_dims);
}

static void cost(const fv_site *site, fv_cost *cost) {
    (void)site;
    cost->extent = -1;
    cost->stride = 1;
}

static void forward(fv_emit *e) { fv_emit_global(e, FV_POOL_MAX); }
static void backward(fv_emit *e) { fv_emit_global_back(e, FV_POOL_MAX); }

const fv_op fv_op_globalmaxpool = {
    .name = "globalmaxpool",
    .summary = "the largest value of each channel over the whole picture",
    .details =
        "Takes (N, H, W, C), or a sequence or volume, of any size and gives (N, C); keep_dims=yes gives (N, 1, 1, C).",
    FV_FIELDS(globalmaxpool),
    .ports = {{"x", FV_INPUT, "sequence, picture or volume", false}},
    .onnx = "GlobalMaxPool",
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "two channels of two cells", .fields = "", .in = {"1x1x2x2: 1 5 ; 3 -2"}, .out = {"1x2: 3 5"}},
            {.fields = "", .in = {"3x5x4x7"}},
            {.fields = "keep_dims=yes", .in = {"2x3x4x2x3"}},
            {.fields = "", .in = {"2x9x1"}},
        },
};
