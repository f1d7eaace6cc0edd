/* roi_align.c - regions of pictures as small pictures of one size. */
#include "picking.h"

static const fv_choices modes = {"fv_roi_align_mode", "FV_ROI_ALIGN_", {"mean", "max"}};

#define FIELDS(F)                                                                                                      \
    F(roi_align, INT, height, .positional = true, .standard = 1, .min = 1, .max = 65535, .help = "rows of the result") \
    F(roi_align, INT, width, .positional = true, .standard = 1, .min = 1, .max = 65535, .help = "its columns")         \
    F(roi_align, INT, points, .max = 1024, .standard_text = "one for each pixel that the cell covers",                 \
      .help = "places in every cell, in each dimension")                                                               \
    F(roi_align, FLOAT, scale, .standard = 1, .min = 1e-6, .max = 1e6,                                                 \
      .help = "from the regions' coordinates to pixels")                                                               \
    F(roi_align, CHOICE, mode, .choices = &modes, .help = "what a cell shows of its places")                           \
    F(roi_align, BOOL, half_pixel, .help = "coordinates are of edges: pixel centres lie half a pixel on")
FV_DEFINE_FIELDS(roi_align, FIELDS)

enum { X, REGIONS, OF };

static fv_status infer(fv_infer *infer) {
    const struct roi_align *f = infer->fields;
    const fv_shape *x = &infer->in[X].shape, *regions = &infer->in[REGIONS].shape, *of = &infer->in[OF].shape;
    char a[128], b[128], c[128];
    fv_status status = fv_infer_real(infer, X);
    if (!status) status = fv_infer_real(infer, REGIONS);
    if (!status) status = fv_infer_index(infer, OF);
    if (status) return status;
    bool fits =
        x->rank == 4 && regions->rank == 2 && regions->dim[1] == 4 && of->rank == 1 && of->dim[0] == regions->dim[0];
    for (int i = 0; i < 3; i++) fits = fits && !fv_type_batched(&infer->in[i]);
    if (!fits)
        return fv_infer_fail(
            infer,
            "expects pictures, regions of four numbers and the sample of each, all without a batch, got %s, %s "
            "and %s",
            fv_shape_text(x, a, sizeof a), fv_shape_text(regions, b, sizeof b), fv_shape_text(of, c, sizeof c));
    infer->out[0] = (fv_type){FV_F32, {4, {regions->dim[0], f->height, f->width, x->dim[3]}}};
    return FV_OK;
}

static fv_geom region_geom(const fv_emit *e) {
    const struct roi_align *f = fv_emit_fields(e);
    const fv_shape *x = &fv_in_type(e, X)->shape;
    fv_geom geom = fv_geom_for(e, fv_in_type(e, X));
    geom.region = (fv_region_geom){.samples = x->dim[0],
                                   .regions = fv_in_type(e, REGIONS)->shape.dim[0],
                                   .in = {x->dim[1], x->dim[2]},
                                   .out = {f->height, f->width},
                                   .c = x->dim[3],
                                   .points = f->points,
                                   .scale = f->scale,
                                   .half = f->half_pixel,
                                   .maximum = f->mode == 1,
                                   .wide = fv_in_type(e, OF)->dtype == FV_I64};
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = region_geom(e);
    FV_CALL(e, FV_R_REGION, &geom, fv_out(e, 0), fv_in(e, X), fv_in(e, REGIONS), fv_in(e, OF));
}

static void backward(fv_emit *e) {
    fv_geom geom = region_geom(e);
    if (fv_wants_d_in(e, X))
        FV_CALL(e, FV_R_REGION_BACK, &geom, fv_d_in(e, X), fv_d_out(e, 0), fv_in(e, X), fv_in(e, REGIONS),
                fv_in(e, OF));
}

const fv_op fv_op_roi_align = {
    .name = "roi_align",
    .summary = "regions of pictures as small pictures of one size",
    .details =
        "RoIAlign (He et al. 2017): a region (x1, y1, x2, y2) of the sample that the third input names is cut into height x width "
        "cells; each shows the mean of `points` x `points` places in it, read linearly between pixels. mode=max takes the greatest "
        "weighted pixel, as ONNX does. No gradient goes to the regions. Values have no batch: there are as many results as regions.",
    FV_FIELDS(roi_align),
    .ports = {{"x", FV_INPUT, "pictures, samples x H x W x C", false},
              {"regions", FV_INPUT, "regions x 4", false},
              {"of", FV_INPUT, "the sample of each region (i32 or i64)", false}},
    .onnx = "RoiAlign",
    .guides = 1u << REGIONS,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "the mean of four pixels",
             .fields = "1 1 points=2 half_pixel=yes",
             .in = {"fixed 1x2x2x1: 0 2 ; 4 6", "fixed 1x4: 0 0 2 2", "i32 fixed 1: 0"},
             .out = {"fixed 1x1x1x1: 3"}},
            {.fields = "2 3 points=2",
             .in = {"fixed 2x5x6x3", "fixed 2x4: 0.4 0.3 3.9 4.1 1.2 1.1 5.3 3.7", "i32 fixed 2: 1 0"}},
            {.fields = "2 2 mode=max half_pixel=yes",
             .in = {"fixed 1x5x6x2", "fixed 1x4: 0.4 0.3 3.9 4.1", "i32 fixed 1: 0"}},
        },
};
