/* crop.c - a part of a picture, cut out. */
#include "box.h"
#include "spatial.h"

#include <string.h>

#define FIELDS(F)                                                                                                      \
    F(crop, SIZES, shape, .positional = true, .min = 1, .max = FV_MANY, .standard = (double)FV_UNSET,                  \
      .standard_text = "that of the second input", .help = "spatial size of the result")                               \
    F(crop, SIZES, at, .max = FV_MANY, .standard = (double)FV_UNSET, .standard_text = "the centre",                    \
      .help = "first cell that stays, in each dimension")
FV_DEFINE_FIELDS(crop, FIELDS)

enum { X, LIKE };

/* Size wanted in spatial dimension i. */
static int64_t wanted(const struct crop *f, const fv_type *like, int i) {
    return like ? fv_sample_dims(like)[i] : fv_size_at(f->shape, i);
}

static void box_of(const struct crop *f, const fv_type *x, const fv_type *like, fv_box *box) {
    const int64_t *dims = fv_sample_dims(x);
    *box = (fv_box){.rank = fv_sample_rank(x)};
    for (int i = 0; i < box->rank; i++) {
        bool channels = i == box->rank - 1;
        int64_t at = channels ? 0 : fv_size_at(f->at, i);
        box->large[i] = dims[i];
        box->small[i] = channels ? dims[i] : wanted(f, like, i);
        box->at[i] = at == FV_UNSET ? (box->large[i] - box->small[i]) / 2 : at;
    }
}

static fv_status check(fv_infer *infer, const fv_box *box) {
    for (int i = 0; i < box->rank - 1; i++) {
        if (box->small[i] == FV_UNSET) return fv_infer_fail(infer, "shape is missing, or a second input that has it");
        if (box->large[i] < 0 || box->small[i] < 0) continue;
        if (box->at[i] < 0 || box->at[i] > box->large[i] - box->small[i])
            return fv_infer_fail(infer, "%lld cells from cell %lld on do not lie in %lld", (long long)box->small[i],
                                 (long long)(box->at[i] < 0 ? 0 : box->at[i]), (long long)box->large[i]);
    }
    return FV_OK;
}

static fv_status infer(fv_infer *infer) {
    const struct crop *f = infer->fields;
    const fv_type *x = &infer->in[X], *like = infer->inputs > LIKE ? &infer->in[LIKE] : NULL;
    int rank = fv_sample_rank(x);
    fv_box box;
    fv_status status = fv_infer_real(infer, X);
    if (!status) status = fv_infer_picture(infer, X);
    if (!status && like) status = fv_infer_picture(infer, LIKE);
    if (!status) status = fv_infer_size_count(infer, "shape", f->shape, rank - 1);
    if (!status) status = fv_infer_size_count(infer, "at", f->at, rank - 1);
    if (status) return status;
    if (like && f->shape[0] != FV_UNSET) return fv_infer_fail(infer, "shape and a second input exclude each other");
    if (like && fv_sample_rank(like) != rank)
        return fv_infer_fail(infer, "the second input has %d spatial dimensions, the first %d",
                             fv_sample_rank(like) - 1, rank - 1);
    box_of(f, x, like, &box);
    infer->out[0] = fv_type_make(FV_F32, fv_type_batched(x), rank, box.small);
    return check(infer, &box);
}

/* The box; false if it is the whole picture. */
static bool emit_box(const fv_emit *e, fv_box *box) {
    box_of(fv_emit_fields(e), fv_in_type(e, X), fv_emit_inputs(e) > LIKE ? fv_in_type(e, LIKE) : NULL, box);
    return memcmp(box->large, box->small, sizeof box->large) != 0;
}

static void forward(fv_emit *e) {
    fv_box box;
    if (emit_box(e, &box))
        fv_emit_box_cut(e, fv_in_type(e, X), &box, fv_out(e, 0), fv_in(e, X));
    else
        fv_out_is(e, 0, fv_in(e, X));
}

static void backward(fv_emit *e) {
    fv_box box;
    if (!fv_wants_d_in(e, X)) return;
    if (!emit_box(e, &box)) {
        fv_d_in_is(e, X, fv_d_out(e, 0));
        return;
    }
    fv_emit_fill(e, fv_in_type(e, X), fv_d_in(e, X), 0);
    fv_emit_box_paste(e, fv_in_type(e, X), &box, fv_d_in(e, X), fv_d_out(e, 0));
}

const fv_op fv_op_crop = {
    .name = "crop",
    .summary = "a part of a picture, cut out",
    .details = "crop 24x24 keeps the middle 24x24 cells of all channels, at=0x4 those from row 0 and column 4 on. "
               "crop <- x, like takes the spatial size of the second input, U-Net's way of joining maps of valid "
               "convolutions. Where an odd number of cells is cut off, one more goes from the end.",
    FV_FIELDS(crop),
    .ports = {{"x", FV_INPUT, "sequence, picture or volume", false},
              {"like", FV_INPUT, "what has the size that is wanted", true}},
    .onnx = "Slice",
    .guides = 1u << LIKE,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "the middle of 4x4",
             .fields = "2x2",
             .in = {"1x4x4x1: 1 2 3 4 ; 5 6 7 8 ; 9 10 11 12 ; 13 14 15 16"},
             .out = {"1x2x2x1: 6 7 ; 10 11"}},
            {.title = "a corner",
             .fields = "1x2 at=2x0",
             .in = {"1x3x3x1: 1 2 3 ; 4 5 6 ; 7 8 9"},
             .out = {"1x1x2x1: 7 8"}},
            {.title = "as large as another map: one cell before, two behind",
             .fields = "",
             .in = {"1x5x1: 1 2 3 4 5", "1x2x3"},
             .out = {"1x2x1: 2 3"}},
            {.fields = "3x2", .in = {"2x5x7x3"}},
            {.fields = "", .in = {"2x5x4x3x2", "2x2x3x1x4"}},
            {.fields = "4 at=3", .in = {"3x9x2"}},
            {.fields = "5", .in = {"3x5x2"}},
        },
};
