/* grid_sample.c - pictures read at places that another value says. */
#include "axes.h"

static const fv_choices modes = {"fv_grid_sample_mode", "FV_GRID_SAMPLE_", {"linear", "nearest", "cubic"}};
static const fv_choices beyonds = {"fv_grid_sample_beyond", "FV_GRID_SAMPLE_BEYOND_", {"zero", "edge", "reflect"}};

#define FIELDS(F)                                                                                                      \
    F(grid_sample, CHOICE, mode, .choices = &modes, .help = "how a number between cells is read")                      \
    F(grid_sample, CHOICE, beyond, .choices = &beyonds, .help = "what lies beyond the picture")                        \
    F(grid_sample, BOOL, align_corners, .help = "-1 and 1 are the centres of the outermost cells, instead of the edges")
FV_DEFINE_FIELDS(grid_sample, FIELDS)

enum { X, GRID };

/* The first axis is that of the samples, whether it is the batch or not. */
static fv_status infer(fv_infer *infer) {
    const fv_type *x = &infer->in[X], *grid = &infer->in[GRID];
    int rank = x->shape.rank, dims = rank - 2;
    char a[128], b[128];
    fv_status status = fv_infer_real(infer, X);
    if (!status) status = fv_infer_real(infer, GRID);
    if (status) return status;
    if (dims < 2 || dims > 3 || grid->shape.rank != rank || grid->shape.dim[rank - 1] != dims ||
        grid->shape.dim[0] != x->shape.dim[0])
        return fv_infer_fail(infer,
                             "expects pictures or volumes with channels last and a grid of as many samples with 2 or 3 "
                             "numbers a place, got %s and %s",
                             fv_shape_text(&x->shape, a, sizeof a), fv_shape_text(&grid->shape, b, sizeof b));
    infer->out[0] = *grid;
    infer->out[0].shape.dim[rank - 1] = x->shape.dim[rank - 1];
    return FV_OK;
}

static fv_geom grid_geom(const fv_emit *e) {
    const struct grid_sample *f = fv_emit_fields(e);
    const fv_type *x = fv_in_type(e, X);
    int rank = x->shape.rank;
    fv_geom geom = fv_geom_for(e, x);
    geom.grid = (fv_grid_geom){.samples = geom.batched ? 1 : x->shape.dim[0],
                               .in = {1, 1, 1},
                               .out = 1,
                               .c = x->shape.dim[rank - 1],
                               .dims = rank - 2,
                               .between = (fv_between)f->mode,
                               .beyond = (fv_beyond)f->beyond,
                               .aligned = f->align_corners};
    for (int d = 1; d < rank - 1; d++) {
        geom.grid.in[3 - (rank - 1) + d] = x->shape.dim[d];
        geom.grid.out *= fv_in_type(e, GRID)->shape.dim[d];
    }
    return geom;
}

static void forward(fv_emit *e) {
    fv_geom geom = grid_geom(e);
    FV_CALL(e, FV_R_GRID, &geom, fv_out(e, 0), fv_in(e, X), fv_in(e, GRID));
}

static void backward(fv_emit *e) {
    fv_geom geom = grid_geom(e);
    if (fv_wants_d_in(e, X)) FV_CALL(e, FV_R_GRID_BACK, &geom, fv_d_in(e, X), fv_d_out(e, 0), fv_in(e, GRID));
}

const fv_op fv_op_grid_sample = {
    .name = "grid_sample",
    .summary = "pictures read at places that another value says",
    .details =
        "The grid has a place (x, y), or (x, y, z), for every cell of the result: -1 is the left or upper edge of the picture, "
        "1 the right or lower one. mode=linear mixes the cells around, nearest takes one (half-way the even one), cubic mixes four "
        "in each dimension (Keys 1981, a = -3/4). Beyond the picture lie zeros, cells like those at the edge, or its reflection. "
        "The first axis is that of the samples. No gradient goes to the grid. From spatial transformers (Jaderberg et al. 2015).",
    FV_FIELDS(grid_sample),
    .ports = {{"x", FV_INPUT, "pictures or volumes", false}, {"grid", FV_INPUT, "places", false}},
    .onnx = "GridSample",
    .guides = 1u << GRID,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "the middle of four, and a corner's edge",
             .fields = "",
             .in = {"1x2x2x1: 0 2 ; 4 6", "1x1x2x2: 0 0 -1 -1"},
             .out = {"1x1x2x1: 3 0"}},
            {.title = "corners on corners",
             .fields = "align_corners=yes",
             .in = {"1x2x2x1: 0 2 ; 4 6", "1x1x2x2: -1 -1 1 0"},
             .out = {"1x1x2x1: 0 4"}},
            {.fields = "beyond=reflect", .in = {"2x3x4x3", "2x2x3x2"}},
            {.fields = "mode=cubic beyond=edge", .in = {"2x4x4x2", "2x3x2x2"}},
            {.fields = "mode=nearest", .in = {"fixed 2x3x3x2x2", "fixed 2x2x2x1x3"}},
        },
};
