/* nms.c - non-maximum suppression: of boxes that cover each other the one with the best score. */
#include "support.h"

#include <math.h>

#define FIELDS(F)                                                                                                      \
    F(nms, INT, most, .positional = true, .required = true, .max = FV_MANY,                                            \
      .help = "boxes of one class and sample at most")                                                                 \
    F(nms, FLOAT, overlap, .positional = true, .max = 1,                                                               \
      .help = "a box goes whose intersection with a chosen one is more than this part of their union")                 \
    F(nms, FLOAT, score, .min = -1e30, .max = 1e30, .standard = -1e30, .standard_text = "any",                         \
      .help = "only boxes whose score is greater")                                                                     \
    F(nms, BOOL, centred,                                                                                              \
      .help = "boxes are (x, y, width, height) around their centre, instead of two corners (y, x, y, x)")
FV_DEFINE_FIELDS(nms, FIELDS)

enum { BOXES, SCORES };
enum { CHOSEN, COUNT };

static fv_status infer(fv_infer *infer) {
    const struct nms *f = infer->fields;
    const fv_shape *boxes = &infer->in[BOXES].shape, *scores = &infer->in[SCORES].shape;
    char a[128], b[128];
    fv_status status = fv_infer_real(infer, BOXES);
    if (!status) status = fv_infer_real(infer, SCORES);
    if (status) return status;
    if (boxes->rank != 3 || scores->rank != 3 || boxes->dim[2] != 4 || boxes->dim[0] != scores->dim[0] ||
        boxes->dim[1] != scores->dim[2] || boxes->dim[0] < 0)
        return fv_infer_fail(
            infer,
            "expects boxes of samples x boxes x 4 and scores of samples x classes x boxes without a batch, "
            "got %s and %s",
            fv_shape_text(boxes, a, sizeof a), fv_shape_text(scores, b, sizeof b));
    int64_t most = f->most < boxes->dim[1] ? f->most : boxes->dim[1], rows;
    if (!fv_mul_i64(most, scores->dim[0] * scores->dim[1], &rows))
        return fv_infer_fail(infer, "the result is too large");
    infer->outputs = 2;
    infer->out[CHOSEN] = (fv_type){FV_I64, {2, {rows, 3}}};
    infer->out[COUNT] = (fv_type){FV_I64, {1, {1}}};
    return FV_OK;
}

static void forward(fv_emit *e) {
    const struct nms *f = fv_emit_fields(e);
    const fv_shape *scores = &fv_in_type(e, SCORES)->shape;
    fv_geom geom = fv_geom_for(e, fv_in_type(e, BOXES));
    geom.nms = (fv_nms_geom){.samples = scores->dim[0],
                             .classes = scores->dim[1],
                             .boxes = scores->dim[2],
                             .most = f->most,
                             .rows = fv_out_type(e, CHOSEN)->shape.dim[0],
                             .overlap = f->overlap,
                             .score = f->score <= -1e30 ? -INFINITY : f->score,
                             .centred = f->centred};
    FV_CALL(e, FV_R_NMS, &geom, fv_out(e, CHOSEN), fv_out(e, COUNT), fv_in(e, BOXES), fv_in(e, SCORES));
}

const fv_op fv_op_nms = {
    .name = "nms",
    .summary = "of boxes that cover each other the one with the best score",
    .details =
        "Class by class the box with the best score is chosen, those that it covers go, and so on. The first output has a row "
        "(sample, class, box) for each choice, as many as there could be; rows of -1 behind the last. The second is the number "
        "of choices.",
    FV_FIELDS(nms),
    .traits = FV_T_WHOLE | FV_T_EMPTY,
    .ports = {{"boxes", FV_INPUT, "samples x boxes x 4", false},
              {"scores", FV_INPUT, "samples x classes x boxes", false}},
    .outputs = {"chosen", "count"},
    .onnx = "NonMaxSuppression",
    .infer = infer,
    .forward = forward,
    .examples =
        {
            {.title = "the second covers the first",
             .fields = "3 0.5",
             .in = {"fixed 1x3x4: 0 0 1 1 ; 0 0 1 0.9 ; 0 5 1 6", "fixed 1x1x3: 0.7 0.9 0.8"},
             .out = {"i64 fixed 3x3: 0 0 1 ; 0 0 2 ; -1 -1 -1", "i64 fixed 1: 2"}},
        },
};
