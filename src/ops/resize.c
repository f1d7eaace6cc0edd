/* resize.c - pictures made larger or smaller: the nearest cell, or a mix of the four around. */
#include "sampling.h"
#include "spatial.h"

#include <math.h>

static const fv_choices modes = {"fv_resize_mode", "FV_RESIZE_", {"nearest", "bilinear"}};
enum { NEAREST, BILINEAR };

#define FIELDS(F)                                                                                                      \
    F(resize, SIZES, shape, .positional = true, .min = 1, .max = FV_MANY, .standard = (double)FV_UNSET,                \
      .standard_text = "by scale, or that of the second input", .help = "spatial size of the result")                  \
    F(resize, FLOAT, scale, .min = 1e-6, .max = 1e6, .standard_text = "by shape",                                      \
      .help = "how many times as large every dimension becomes, rounded down")                                         \
    F(resize, CHOICE, mode, .choices = &modes, .help = "what a new cell shows")                                        \
    F(resize, BOOL, align_corners, .help = "the outermost cells lie on each other, instead of the outer edges")
FV_DEFINE_FIELDS(resize, FIELDS)

enum { X, LIKE };

/* New size of spatial dimension i: FV_OPEN while it is open, 0 where nothing says it. */
static int64_t new_size(const struct resize *f, const fv_type *x, const fv_type *like, int i) {
    int64_t size = fv_sample_dims(x)[i];
    if (like) return fv_sample_dims(like)[i];
    if (f->shape[0] != FV_UNSET) return fv_size_at(f->shape, i);
    if (size == FV_OPEN) return FV_OPEN;
    double scaled = floor((double)size * f->scale);
    return scaled < FV_MANY ? (int64_t)scaled : INT64_MAX;
}

static fv_status infer(fv_infer *infer) {
    const struct resize *f = infer->fields;
    const fv_type *x = &infer->in[X], *like = infer->inputs > LIKE ? &infer->in[LIKE] : NULL;
    int rank = fv_sample_rank(x);
    int64_t dims[4], channels;
    fv_status status = fv_infer_real(infer, X);
    if (!status) status = fv_infer_picture(infer, X);
    if (!status && like) status = fv_infer_picture(infer, LIKE);
    if (!status) status = fv_infer_last(infer, X, &channels);
    if (!status) status = fv_infer_size_count(infer, "shape", f->shape, rank - 1);
    if (status) return status;
    if ((f->shape[0] != FV_UNSET) + (f->scale > 0) + (like != NULL) != 1)
        return fv_infer_fail(infer, "expects either shape, or scale, or a second input of the size wanted");
    if (like && fv_sample_rank(like) != rank)
        return fv_infer_fail(infer, "the second input has %d spatial dimensions, the first %d",
                             fv_sample_rank(like) - 1, rank - 1);
    for (int i = 0; i < rank - 1; i++) {
        dims[i] = new_size(f, x, like, i);
        if (dims[i] == 0 || dims[i] > (int64_t)FV_MANY || fv_sample_dims(x)[i] > (int64_t)FV_MANY)
            return fv_infer_fail(infer, "%lld cells cannot become %s", (long long)fv_sample_dims(x)[i],
                                 dims[i] ? "so many" : "0");
    }
    dims[rank - 1] = channels;
    infer->out[0] = fv_type_make(FV_F32, fv_type_batched(x), rank, dims);
    return FV_OK;
}

static void cost(const fv_site *site, fv_cost *cost) {
    const struct resize *f = site->fields;
    int64_t in = fv_sample_dims(&site->in[X])[0], out = fv_sample_dims(&site->out[0])[0];
    double scale = in > 0 && out > 0 ? (double)out / (double)in : f->scale; /* 0: nobody knows yet */
    cost->extent = f->mode == BILINEAR ? 2 : 1;
    cost->upsamples = scale > 1;
    if (scale > 0) cost->stride = (int64_t)(scale > 1 ? scale : 1 / scale);
}

/* Where cell o of `out` lies among `in`: numerator/denominator, in cells from the centre of the first; it may lie
 * before it. Whole numbers, so that every machine agrees on the nearest. */
static int64_t place(const struct resize *f, int64_t in, int64_t out, int64_t o, int64_t *denominator) {
    if (f->align_corners) {
        *denominator = out > 1 ? out - 1 : 1;
        return o * (in - 1);
    }
    *denominator = 2 * out;
    return (2 * o + 1) * in - out;
}

static void set_cell(const struct resize *f, fv_geom *geom, int rank, int i, int64_t o) {
    int d = i + 4 - rank;
    int64_t in = geom->sample.in[d], denominator, at = place(f, in, geom->sample.out[d], o, &denominator);
    if (f->mode == NEAREST) at += denominator / 2; /* round: a half goes up */
    if (at < 0) at = 0;
    int64_t near = at / denominator;
    double part = f->mode == NEAREST ? 0 : (double)(at % denominator) / (double)denominator;
    if (near >= in - 1) near = in - 1, part = 0;
    fv_sampling_set(geom, rank, i, o, near, part);
}

static bool sample_geom(fv_emit *e, fv_geom *geom) {
    const fv_type *out = fv_out_type(e, 0);
    int rank = fv_sample_rank(out);
    if (!fv_sampling_start(e, fv_in_type(e, X), out, geom)) return false;
    for (int i = 0; i < rank - 1; i++)
        for (int64_t o = 0; o < fv_sample_dims(out)[i]; o++) set_cell(fv_emit_fields(e), geom, rank, i, o);
    return true;
}

static void forward(fv_emit *e) {
    fv_geom geom;
    if (sample_geom(e, &geom)) FV_CALL(e, FV_R_SAMPLE, &geom, fv_out(e, 0), fv_in(e, X));
}

static void backward(fv_emit *e) {
    fv_geom geom;
    if (fv_wants_d_in(e, X) && sample_geom(e, &geom))
        FV_CALL(e, FV_R_SAMPLE_BACK, &geom, fv_d_in(e, X), fv_d_out(e, 0));
}

const fv_op fv_op_resize = {
    .name = "resize",
    .summary = "pictures made larger or smaller",
    .details =
        "resize 64x64, resize scale=2 (sizes rounded down), or resize <- x, like: to the spatial size of the second "
        "input. mode=nearest shows the nearest cell, bilinear mixes the two around in each dimension, cells beyond the "
        "border being like those at it; both work on sequences, pictures and volumes.\n\n"
        "Cells are squares whose outer edges lie on each other: cell o is at (o + 1/2) * in/out - 1/2, as in OpenCV, "
        "TensorFlow 2 and PyTorch (align_corners=False; its nearest-exact). align_corners=yes lays the centres of the "
        "outermost cells on each other: o * (in - 1)/(out - 1). Half-way the nearest is the later cell. Making smaller "
        "does not smooth; pool before.",
    FV_FIELDS(resize),
    .ports = {{"x", FV_INPUT, "sequence, picture or volume", false},
              {"like", FV_INPUT, "what has the size that is wanted", true}},
    .onnx = "Resize",
    .guides = 1u << LIKE,
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "twice as large, nearest",
             .fields = "scale=2",
             .in = {"1x2x2x1: 1 2 ; 3 4"},
             .out = {"1x4x4x1: 1 1 2 2 ; 1 1 2 2 ; 3 3 4 4 ; 3 3 4 4"}},
            {.title = "twice as long, linear: at -1/4, 1/4, 3/4, 5/4",
             .fields = "4 mode=bilinear",
             .in = {"1x2x1: 0 4"},
             .out = {"1x4x1: 0 1 3 4"}},
            {.title = "corners on corners: at 0, 1/3, 2/3, 1",
             .fields = "4 mode=bilinear align_corners=yes",
             .in = {"1x2x1: 0 6"},
             .out = {"1x4x1: 0 2 4 6"}},
            {.title = "the middle of four",
             .fields = "3x3 mode=bilinear",
             .in = {"1x2x2x1: 0 2 ; 4 6"},
             .out = {"1x3x3x1: 0 1 2 ; 2 3 4 ; 4 5 6"}},
            {.title = "half as large: the later of two in the middle",
             .fields = "scale=0.5",
             .in = {"1x4x1: 1 2 3 4"},
             .out = {"1x2x1: 2 4"}},
            {.title = "to the size of another", .fields = "", .in = {"1x2x1: 5 7", "1x3x2"}, .out = {"1x3x1: 5 7 7"}},
            {.fields = "7x3 mode=bilinear", .in = {"2x4x5x3"}},
            {.fields = "5x8 mode=bilinear align_corners=yes", .in = {"2x3x4x5"}},
            {.fields = "scale=1.6", .in = {"2x5x4x3"}},
            {.fields = "3x5x4 mode=bilinear", .in = {"1x2x3x3x2"}},
        },
};
