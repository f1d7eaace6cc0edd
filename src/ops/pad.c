/* pad.c - cells, or whole feature maps, around what is there. */
#include "box.h"
#include "sampling.h"
#include "spatial.h"

static const fv_choices modes = {"fv_pad_mode", "FV_PAD_", {"constant", "reflect", "edge"}};
enum { CONSTANT, REFLECT, EDGE };

#define FIELDS(F)                                                                                                      \
    F(pad, SIZES, padding, .positional = true, .max = FV_MANY,                                                         \
      .help = "cells before and behind the input in each dimension")                                                   \
    F(pad, SIZES, padding_end, .max = FV_MANY, .standard = (double)FV_UNSET, .standard_text = "as padding",            \
      .help = "cells behind the input where they differ from those before it")                                         \
    F(pad, INT, channels, .max = FV_MANY, .help = "feature maps before and behind those of the input")                 \
    F(pad, INT, channels_end, .max = FV_MANY, .standard = (double)FV_UNSET, .standard_text = "as channels",            \
      .help = "feature maps behind where they differ from those before")                                               \
    F(pad, CHOICE, mode, .choices = &modes, .help = "what the new cells hold")                                         \
    F(pad, FLOAT, value, .help = "the number of mode=constant")
FV_DEFINE_FIELDS(pad, FIELDS)

/* Cells before and behind dimension i of a sample of this rank, the channels being the last. */
static void padding_at(const struct pad *f, int rank, int i, int64_t *before, int64_t *behind) {
    if (i == rank - 1) {
        *before = f->channels;
        *behind = f->channels_end == FV_UNSET ? f->channels : f->channels_end;
    } else {
        *before = fv_size_at(f->padding, i);
        *behind = fv_size_at(f->padding_end, i) == FV_UNSET ? *before : fv_size_at(f->padding_end, i);
    }
}

/* The input's place in the result; false if a size overflows. */
static bool box_of(const struct pad *f, const fv_type *in, fv_box *box) {
    *box = (fv_box){.rank = fv_sample_rank(in)};
    for (int i = 0; i < box->rank; i++) {
        int64_t behind;
        padding_at(f, box->rank, i, &box->at[i], &behind);
        box->small[i] = box->large[i] = fv_sample_dims(in)[i];
        if (box->small[i] < 0) continue;
        if (!fv_add_i64(box->small[i] + box->at[i], behind, &box->large[i])) return false;
    }
    return true;
}

/* Mirrored cells must be there. */
static fv_status check_mode(fv_infer *infer, const struct pad *f, const fv_box *box) {
    if (f->mode == CONSTANT) return FV_OK;
    if (f->channels || (f->channels_end != FV_UNSET && f->channels_end))
        return fv_infer_fail(infer, "feature maps are added with mode=constant only");
    for (int i = 0; i < box->rank - 1; i++) {
        int64_t size = box->small[i], behind = box->large[i] - size - box->at[i];
        if (f->mode == REFLECT && size >= 0 && (box->at[i] >= size || behind >= size))
            return fv_infer_fail(infer, "%lld cells have no reflection of %lld", (long long)size,
                                 (long long)(box->at[i] > behind ? box->at[i] : behind));
    }
    return FV_OK;
}

static fv_status infer(fv_infer *infer) {
    const struct pad *f = infer->fields;
    const fv_type *in = &infer->in[0];
    int64_t channels;
    fv_box box;
    fv_status status = fv_infer_real(infer, 0);
    if (!status) status = fv_infer_picture(infer, 0);
    if (!status) status = fv_infer_last(infer, 0, &channels);
    if (!status) status = fv_infer_size_count(infer, "padding", f->padding, fv_sample_rank(in) - 1);
    if (!status) status = fv_infer_size_count(infer, "padding_end", f->padding_end, fv_sample_rank(in) - 1);
    if (status) return status;
    if (!box_of(f, in, &box)) return fv_infer_fail(infer, "the result is too large");
    infer->out[0] = fv_type_make(FV_F32, fv_type_batched(in), box.rank, box.large);
    return check_mode(infer, f, &box);
}

/* The cell that cell `at` shows, `size` cells being there: 2 1 0 1 2 1 0, or 0 0 0 1 2 2 2. */
static int64_t shown(int64_t at, int64_t size, int mode) {
    if (mode == REFLECT) return at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;
    return at < 0 ? 0 : at >= size ? size - 1 : at;
}

/* Reflection and edge choose cells; false when memory is short, which the plan knows. */
static bool sample_geom(fv_emit *e, const fv_box *box, fv_geom *geom) {
    const struct pad *f = fv_emit_fields(e);
    if (!fv_sampling_start(e, fv_in_type(e, 0), fv_out_type(e, 0), geom)) return false;
    for (int i = 0; i < box->rank - 1; i++)
        for (int64_t o = 0; o < box->large[i]; o++)
            fv_sampling_set(geom, box->rank, i, o, shown(o - box->at[i], box->small[i], f->mode), 0);
    return true;
}

static void forward(fv_emit *e) {
    const struct pad *f = fv_emit_fields(e);
    fv_box box;
    fv_geom geom;
    if (!box_of(f, fv_in_type(e, 0), &box)) return;
    if (f->mode != CONSTANT) {
        if (sample_geom(e, &box, &geom)) FV_CALL(e, FV_R_SAMPLE, &geom, fv_out(e, 0), fv_in(e, 0));
        return;
    }
    fv_emit_fill(e, fv_out_type(e, 0), fv_out(e, 0), f->value);
    fv_emit_box_paste(e, fv_in_type(e, 0), &box, fv_out(e, 0), fv_in(e, 0));
}

static void backward(fv_emit *e) {
    const struct pad *f = fv_emit_fields(e);
    fv_box box;
    fv_geom geom;
    if (!fv_wants_d_in(e, 0) || !box_of(f, fv_in_type(e, 0), &box)) return;
    if (f->mode == CONSTANT)
        fv_emit_box_cut(e, fv_in_type(e, 0), &box, fv_d_in(e, 0), fv_d_out(e, 0));
    else if (sample_geom(e, &box, &geom))
        FV_CALL(e, FV_R_SAMPLE_BACK, &geom, fv_d_in(e, 0), fv_d_out(e, 0));
}

const fv_op fv_op_pad = {
    .name = "pad",
    .summary = "cells, or whole feature maps, around what is there",
    .details = "pad 1 adds one cell on every side, pad 1x2 one row above and below and two columns left and right, "
               "pad channels=8 eight feature maps before and eight behind: with a 1x1 pooling of stride 2 the shortcut "
               "of type A of He et al. 2015.\n\n"
               "mode=constant fills with value; reflect mirrors at the outermost cells, which are not repeated "
               "(3 2 | 1 2 3 | 2 1); edge repeats them (1 1 | 1 2 3 | 3 3).",
    FV_FIELDS(pad),
    .ports = {{"x", FV_INPUT, "sequence, picture or volume", false}},
    .onnx = "Pad",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "a border of zeros",
             .fields = "1",
             .in = {"1x2x2x1: 1 2 ; 3 4"},
             .out = {"1x4x4x1: 0 0 0 0 ; 0 1 2 0 ; 0 3 4 0 ; 0 0 0 0"}},
            {.title = "one row above, one column on the right, of minus one",
             .fields = "1x0 padding_end=0x1 value=-1",
             .in = {"1x2x2x1: 1 2 ; 3 4"},
             .out = {"1x3x3x1: -1 -1 -1 ; 1 2 -1 ; 3 4 -1"}},
            {.title = "one new map before, one behind",
             .fields = "channels=1",
             .in = {"1x1x2x2: 1 2 ; 3 4"},
             .out = {"1x1x2x4: 0 1 2 0 ; 0 3 4 0"}},
            {.title = "reflected", .fields = "2 mode=reflect", .in = {"1x3x1: 1 2 3"}, .out = {"1x7x1: 3 2 1 2 3 2 1"}},
            {.title = "the edge repeated",
             .fields = "2 mode=edge",
             .in = {"1x3x1: 1 2 3"},
             .out = {"1x7x1: 1 1 1 2 3 3 3"}},
            {.fields = "1x2 padding_end=0x3 channels=1 channels_end=2", .in = {"2x4x3x5"}},
            {.fields = "2x1 padding_end=1x3 mode=reflect", .in = {"2x4x5x3"}},
            {.fields = "1x0x2 mode=edge", .in = {"2x2x3x2x4"}},
            {.fields = "channels=2", .in = {"3x5x4"}},
        },
};
