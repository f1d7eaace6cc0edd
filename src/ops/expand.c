/* expand.c - a value repeated along axes where it has one cell. */
#include "axes.h"

#define FIELDS(F)                                                                                                      \
    F(expand, LIST, shape, .positional = true, .max = FV_MANY, .standard_text = "that of the second input",            \
      .help = "sizes of one sample, without the batch, aligned at the last; 1: as they are")
FV_DEFINE_FIELDS(expand, FIELDS)

enum { X, LIKE };

/* Size of axis d, counted from the end, of what is wanted; 1 where nothing is. */
static int64_t wanted(const struct expand *f, const fv_type *like, int d) {
    if (like) return d < like->shape.rank ? like->shape.dim[like->shape.rank - 1 - d] : 1;
    int count = fv_list_count(f->shape);
    return d < count ? f->shape[count - 1 - d] : 1;
}

static fv_status infer(fv_infer *infer) {
    const struct expand *f = infer->fields;
    const fv_type *x = &infer->in[X], *like = infer->inputs > LIKE ? &infer->in[LIKE] : NULL;
    int count = fv_list_count(f->shape), batched = fv_type_batched(x), own = fv_sample_rank(x), rank;
    char shape[128], to[128];
    if ((count > 0) == (like != NULL) && (like || own > 0))
        return fv_infer_fail(infer, "expects either shape, or a second input of the shape wanted");
    batched = batched || (like && fv_type_batched(like));
    rank = like ? fv_sample_rank(like) : count;
    if (own > rank) rank = own;
    if (rank + batched > FV_MAX_RANK) return fv_infer_fail(infer, "at most %d dimensions with the batch", FV_MAX_RANK);
    infer->out[0] = (fv_type){x->dtype, {rank + batched, {FV_BATCH}}};
    for (int d = 0; d < rank; d++) {
        int64_t size = d < own ? x->shape.dim[x->shape.rank - 1 - d] : 1, want = wanted(f, like, d);
        if (size != want && size != 1 && want != 1)
            return fv_infer_fail(infer, "%s cannot become %s: sizes must be equal or 1, aligned at the last",
                                 fv_shape_text(&x->shape, shape, sizeof shape),
                                 like ? fv_shape_text(&like->shape, to, sizeof to)
                                      : fv_dims_text(f->shape, count, to, sizeof to));
        infer->out[0].shape.dim[rank + batched - 1 - d] = size == 1 ? want : size;
    }
    return FV_OK;
}

static void forward(fv_emit *e) {
    fv_geom geom = fv_copy_over(e, fv_out_type(e, 0));
    fv_walk_strides(fv_out_type(e, 0), fv_in_type(e, X), geom.copy.walk.a);
    FV_CALL(e, FV_R_COPY, &geom, fv_out(e, 0), fv_in(e, X));
}

static void backward(fv_emit *e) {
    if (fv_wants_d_in(e, X)) fv_emit_unbroadcast(e, fv_in_type(e, X), fv_d_in(e, X), fv_out_type(e, 0), fv_d_out(e, 0));
}

const fv_op fv_op_expand = {
    .name = "expand",
    .summary = "a value repeated along axes where it has one cell",
    .details =
        "expand 4,4,3 makes pictures of one pixel pictures of 4x4; expand <- x, like: the shape of the second input, its "
        "batch too. Sizes must be equal or 1, aligned at the last. Numbers of any type.",
    FV_FIELDS(expand),
    .ports = {{"x", FV_INPUT, "any value", false}, {"like", FV_INPUT, "what has the shape that is wanted", true}},
    .traits = FV_T_EMPTY,
    .onnx = "Expand",
    .guides = 1u << LIKE,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "a row three times", .fields = "3,2", .in = {"1x1x2: 1 2"}, .out = {"1x3x2: 1 2 ; 1 2 ; 1 2"}},
            {.title = "one value for every sample",
             .fields = "",
             .in = {"fixed 2: 5 6", "3x2"},
             .out = {"3x2: 5 6 ; 5 6 ; 5 6"}},
            {.fields = "3,4,1", .in = {"2x4x1"}},
            {.fields = "5,2,3", .in = {"fixed 2x1"}},
        },
};
