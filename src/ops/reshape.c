/* reshape.c - the same elements under another shape. */
#include "support.h"

#define FIELDS(F)                                                                                                      \
    F(reshape, LIST, shape, .positional = true, .standard_text = "one number alone", .min = -1, .max = FV_MANY,        \
      .help = "sizes of one sample, without the batch; one may be -1: what is left")
FV_DEFINE_FIELDS(reshape, FIELDS)

static fv_status infer(fv_infer *infer) {
    const struct reshape *f = infer->fields;
    const fv_type *in = &infer->in[0];
    int64_t dims[8], each, known = 1;
    int rank = 0, unknown = -1;
    char shape[128];
    for (; rank < 8 && f->shape[rank] != FV_UNSET; rank++) {
        dims[rank] = f->shape[rank];
        if (dims[rank] < -1)
            return fv_infer_fail(infer, "sizes must be at least 0, or -1 once, got %lld", (long long)dims[rank]);
        if (dims[rank] == -1 && unknown >= 0) return fv_infer_fail(infer, "only one size may be -1");
        if (dims[rank] == -1)
            unknown = rank;
        else if (!fv_mul_i64(known, dims[rank], &known))
            return fv_infer_fail(infer, "the shape has too many elements");
    }
    if (rank + fv_type_batched(in) > FV_MAX_RANK)
        return fv_infer_fail(infer, "at most %d dimensions with the batch", FV_MAX_RANK);
    if (!fv_dims_product(fv_sample_dims(in), fv_sample_rank(in), &each))
        return fv_infer_fail(infer, "the input has too many elements");
    if (unknown >= 0 && known == 0) return fv_infer_fail(infer, "beside a size of 0 none can follow from the rest");
    if (unknown >= 0) dims[unknown] = each == FV_OPEN ? FV_OPEN : each / known;
    if (each != FV_OPEN && (unknown >= 0 ? each % known != 0 : each != known))
        return fv_infer_fail(infer, "%lld elements of %s do not fill a shape of %lld%s", (long long)each,
                             fv_shape_text(&in->shape, shape, sizeof shape), (long long)known,
                             unknown >= 0 ? " times something" : "");
    infer->out[0] = fv_type_make(in->dtype, fv_type_batched(in), rank, dims);
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

const fv_op fv_op_reshape = {
    .name = "reshape",
    .summary = "the same elements under another shape",
    .details = "Row-major order stays as it is, the batch stays in front; nothing is copied. reshape 7,7,16 makes "
               "pictures of vectors, "
               "reshape -1,3 lets the first size follow from the rest.",
    FV_FIELDS(reshape),
    .ports = {{"x", FV_INPUT, "any shape", false}},
    .traits = FV_T_VIEW | FV_T_EMPTY,
    .onnx = "Reshape",
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "a vector of 6 as a picture",
             .fields = "3,2,1",
             .in = {"1x6: 1 2 3 4 5 6"},
             .out = {"1x3x2x1: 1 2 ; 3 4 ; 5 6"}},
            {.title = "-1 is what is left",
             .fields = "-1,2",
             .in = {"1x6: 1 2 3 4 5 6"},
             .out = {"1x3x2: 1 2 ; 3 4 ; 5 6"}},
            {.fields = "5,-1", .in = {"3x2x5x2"}},
            {.fields = "4", .in = {"fixed 2x2"}},
            {.fields = "", .in = {"3x1"}},
        },
};
