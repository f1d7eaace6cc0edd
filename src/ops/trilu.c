/* trilu.c - the upper or lower triangle of matrices, zeros elsewhere. */
#include "picking.h"

#define FIELDS(F)                                                                                                      \
    F(trilu, INT, diagonal, .positional = true, .min = -FV_MANY, .max = FV_MANY,                                       \
      .help = "the outermost diagonal that stays: 0 the main one, positive ones to the right")                         \
    F(trilu, BOOL, lower, .help = "the lower triangle, instead of the upper")
FV_DEFINE_FIELDS(trilu, FIELDS)

static fv_status infer(fv_infer *infer) {
    const fv_type *x = &infer->in[0];
    char shape[128];
    if (fv_sample_rank(x) < 2)
        return fv_infer_fail(infer, "expects matrices, got %s", fv_shape_text(&x->shape, shape, sizeof shape));
    infer->out[0] = *x;
    return FV_OK;
}

/* The cells of a matrix, numbered row by row; -1 where zeros are to be. */
static int32_t *cells_of(fv_emit *e, int64_t rows, int64_t cols) {
    const struct trilu *f = fv_emit_fields(e);
    int32_t *cells = fv_emit_memory(e, (size_t)(rows * cols) * sizeof *cells + 1);
    for (int64_t i = 0; cells && i < rows * cols; i++) {
        int64_t right = i % cols - i / cols; /* of the main diagonal */
        cells[i] = (f->lower ? right <= f->diagonal : right >= f->diagonal) ? (int32_t)i : -1;
    }
    return cells;
}

/* Matrices as one axis. */
static fv_type flat(const fv_type *x) {
    fv_type t = *x;
    t.shape.rank--;
    t.shape.dim[t.shape.rank - 1] *= x->shape.dim[t.shape.rank];
    return t;
}

static void choose(fv_emit *e, fv_operand to, fv_operand from, bool back) {
    const fv_type *x = fv_in_type(e, 0);
    fv_type t = flat(x);
    int64_t cols = x->shape.dim[x->shape.rank - 1], count = t.shape.dim[t.shape.rank - 1];
    int32_t *cells = cells_of(e, cols > 0 ? count / cols : 0, cols);
    if (cells) (back ? fv_emit_choose_back : fv_emit_choose)(e, &t, t.shape.rank - 1, cells, count, to, from);
}

static void forward(fv_emit *e) { choose(e, fv_out(e, 0), fv_in(e, 0), false); }

static void backward(fv_emit *e) {
    if (fv_wants_d_in(e, 0)) choose(e, fv_d_in(e, 0), fv_d_out(e, 0), true);
}

const fv_op fv_op_trilu = {
    .name = "trilu",
    .summary = "the upper or lower triangle of matrices, zeros elsewhere",
    .details = "The last two axes are the matrices. Numbers of any type.",
    FV_FIELDS(trilu),
    .ports = {{"x", FV_INPUT, "matrices", false}},
    .traits = FV_T_EMPTY,
    .onnx = "Trilu",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "the upper triangle",
             .fields = "",
             .in = {"1x2x3: 1 2 3 ; 4 5 6"},
             .out = {"1x2x3: 1 2 3 ; 0 5 6"}},
            {.title = "below the main diagonal",
             .fields = "-1 lower=yes",
             .in = {"fixed 2x2: 1 2 ; 3 4"},
             .out = {"fixed 2x2: 0 0 ; 3 0"}},
            {.fields = "1 lower=yes", .in = {"2x3x4x5"}},
        },
};
