/* flatten.c - a picture as one long vector. */
#include "support.h"

static fv_status infer(fv_infer *infer) {
    const fv_type *in = &infer->in[0];
    int64_t each;
    if (!fv_dims_product(fv_sample_dims(in), fv_sample_rank(in), &each))
        return fv_infer_fail(infer, "the input has too many elements");
    infer->out[0] = fv_type_make(in->dtype, fv_type_batched(in), 1, &each);
    return FV_OK;
}

static void cost(const fv_site *site, fv_cost *cost) {
    (void)site;
    cost->extent = cost->stride = 0;
}

static void forward(fv_emit *e) { fv_out_is(e, 0, fv_in(e, 0)); }

static void backward(fv_emit *e) {
    if (fv_wants_d_in(e, 0)) fv_d_in_is(e, 0, fv_d_out(e, 0));
}

const fv_op fv_op_flatten = {
    .name = "flatten",
    .summary = "a picture as one long vector",
    .details = "(N, H, W, C) becomes (N, H*W*C), row by row, all channels of a cell together. Nothing is copied. "
               "Networks that were "
               "trained with channels first have another order here; the ONNX importer turns the weights behind it.",
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_VIEW,
    .onnx = "Flatten",
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "2x2x2 to 8",
             .fields = "",
             .in = {"1x2x2x2: 1 2 ; 3 4 ; 5 6 ; 7 8"},
             .out = {"1x8: 1 2 3 4 5 6 7 8"}},
            {.fields = "", .in = {"3x5x4x2"}},
            {.fields = "", .in = {"fixed 2x3"}},
        },
};
