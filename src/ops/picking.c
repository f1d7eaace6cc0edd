/* picking.c - picks by index, from a large value or into it: what gathering, scattering and choosing cells share. */
#include "picking.h"

#include <string.h>

const fv_choices fv_scatter_choices = {"fv_reduction_kind", "FV_SCATTER_BY_", {"none", "add", "mul", "max", "min"}};

/* ---- shapes ----------------------------------------------------------------------------------------------------- */

fv_status fv_infer_index(fv_infer *infer, int i) {
    fv_dtype dtype = infer->in[i].dtype;
    if (dtype == FV_I32 || dtype == FV_I64) return FV_OK;
    return fv_infer_fail(infer, "%s must hold whole numbers (i32 or i64), got %s", infer->op->ports[i].name,
                         fv_dtype_name(dtype));
}

static fv_status push(fv_infer *infer, fv_type *t, int64_t dim) {
    if (t->shape.rank == FV_MAX_RANK)
        return fv_infer_fail(infer, "the result would have more than %d dimensions", FV_MAX_RANK);
    t->shape.dim[t->shape.rank++] = dim;
    return FV_OK;
}

static fv_status mixes(fv_infer *infer, int x, int index) {
    char a[128], b[128];
    return fv_infer_fail(infer, "%s picked by %s would mix samples", fv_shape_text(&infer->in[x].shape, a, sizeof a),
                         fv_shape_text(&infer->in[index].shape, b, sizeof b));
}

fv_status fv_infer_pick_along(fv_infer *infer, int x, int index, int axis, fv_type *out) {
    const fv_shape *s = &infer->in[x].shape, *i = &infer->in[index].shape;
    fv_status status = fv_infer_index(infer, index);
    *out = (fv_type){infer->in[x].dtype, {0, {0}}};
    if (!status && fv_type_batched(&infer->in[index]) && axis > 0) status = mixes(infer, x, index);
    for (int d = 0; d < axis && !status; d++) status = push(infer, out, s->dim[d]);
    for (int d = 0; d < i->rank && !status; d++) status = push(infer, out, i->dim[d]);
    for (int d = axis + 1; d < s->rank && !status; d++) status = push(infer, out, s->dim[d]);
    return status;
}

fv_status fv_infer_pick_elements(fv_infer *infer, int x, int index, int axis) {
    const fv_shape *s = &infer->in[x].shape, *i = &infer->in[index].shape;
    char a[128], b[128];
    fv_status status = fv_infer_index(infer, index);
    if (status) return status;
    if (fv_type_batched(&infer->in[x]) != fv_type_batched(&infer->in[index])) return mixes(infer, x, index);
    bool fits = s->rank == i->rank;
    for (int d = 0; fits && d < s->rank; d++) fits = d == axis || i->dim[d] <= s->dim[d];
    if (fits) return FV_OK;
    return fv_infer_fail(infer, "an index of %s does not fit %s: it must be no larger, but along axis %d",
                         fv_shape_text(i, b, sizeof b), fv_shape_text(s, a, sizeof a), axis);
}

fv_status fv_infer_pick_tuples(fv_infer *infer, int x, int index, int64_t lead, fv_type *out) {
    const fv_shape *s = &infer->in[x].shape, *i = &infer->in[index].shape;
    char a[128], b[128];
    fv_status status = fv_infer_index(infer, index);
    if (status) return status;
    int64_t tuple = i->rank > 0 ? i->dim[i->rank - 1] : 0;
    bool fits = tuple >= 1 && lead < i->rank && lead + tuple <= s->rank;
    for (int64_t d = 0; fits && d < lead; d++) fits = s->dim[d] == i->dim[d];
    if (!fits)
        return fv_infer_fail(infer,
                             "an index of %s does not fit %s: its first %lld sizes must agree, its last one says "
                             "how many axes it counts along",
                             fv_shape_text(i, b, sizeof b), fv_shape_text(s, a, sizeof a), (long long)lead);
    if (fv_type_batched(&infer->in[x]) && lead < 1) return mixes(infer, x, index);
    *out = (fv_type){infer->in[x].dtype, {0, {0}}};
    for (int d = 0; d < i->rank - 1 && !status; d++) status = push(infer, out, i->dim[d]);
    for (int64_t d = lead + tuple; d < s->rank && !status; d++) status = push(infer, out, s->dim[d]);
    return status;
}

/* ---- geometries ------------------------------------------------------------------------------------------------- */

static fv_geom pick_geom(const fv_emit *e, const fv_type *x, const fv_type *index) {
    bool batched = fv_type_batched(x) || fv_type_batched(index);
    fv_geom geom = fv_geom_for(e, fv_type_batched(index) ? index : x);
    geom.pick.tuple = 1;
    geom.pick.inner = 1;
    geom.pick.dtype = x->dtype;
    geom.pick.wide = index->dtype == FV_I64;
    /* samples that pick from one value put their gradients into one value */
    if (batched && !fv_type_batched(x)) geom.pick.shared = fv_type_each(x);
    return geom;
}

/* Picks lie one behind the other, in the order of the walk's dimensions. */
static void dense_picks(fv_pick_geom *g) {
    int64_t stride = g->inner;
    for (int d = g->walk.rank - 1; d >= 0; d--) {
        g->walk.y[d] = stride;
        stride *= g->walk.dim[d];
    }
}

static void count_along(fv_geom *geom, int k, const fv_type *x, const int64_t strides[FV_MAX_RANK], int axis) {
    geom->pick.size[k] = fv_extent(geom, x, axis);
    geom->pick.step[k] = strides[axis];
}

fv_geom fv_pick_along(const fv_emit *e, const fv_type *x, const fv_type *index, int axis) {
    fv_geom geom = pick_geom(e, x, index);
    fv_walk *w = &geom.pick.walk;
    int64_t in_x[FV_MAX_RANK] = {0}, in_index[FV_MAX_RANK] = {0};
    fv_strides(x, in_x);
    fv_strides(index, in_index);
    for (int d = 0; d < axis; d++, w->rank++) w->dim[w->rank] = fv_extent(&geom, x, d), w->a[w->rank] = in_x[d];
    for (int d = 0; d < index->shape.rank; d++, w->rank++)
        w->dim[w->rank] = fv_extent(&geom, index, d), w->b[w->rank] = in_index[d];
    geom.pick.inner = fv_inner(x, axis);
    geom.pick.apart = axis;
    count_along(&geom, 0, x, in_x, axis);
    dense_picks(&geom.pick);
    return geom;
}

/* The axis is walked last: all other places never meet. */
fv_geom fv_pick_elements(const fv_emit *e, const fv_type *x, const fv_type *index, int axis) {
    fv_geom geom = pick_geom(e, x, index);
    fv_walk *w = &geom.pick.walk;
    int64_t in_x[FV_MAX_RANK] = {0}, in_index[FV_MAX_RANK] = {0};
    fv_strides(x, in_x);
    fv_strides(index, in_index);
    w->rank = x->shape.rank;
    for (int d = 0, at = 0; d < w->rank; d++) {
        int to = d == axis ? w->rank - 1 : at++;
        w->dim[to] = fv_extent(&geom, index, d);
        w->a[to] = d == axis ? 0 : in_x[d];
        w->y[to] = w->b[to] = in_index[d];
    }
    geom.pick.apart = w->rank - 1;
    count_along(&geom, 0, x, in_x, axis);
    return geom;
}

fv_geom fv_pick_tuples(const fv_emit *e, const fv_type *x, const fv_type *index, int lead) {
    fv_geom geom = pick_geom(e, x, index);
    fv_walk *w = &geom.pick.walk;
    int64_t in_x[FV_MAX_RANK] = {0}, in_index[FV_MAX_RANK] = {0};
    fv_strides(x, in_x);
    fv_strides(index, in_index);
    w->rank = index->shape.rank - 1;
    for (int d = 0; d < w->rank; d++)
        w->dim[d] = fv_extent(&geom, index, d), w->a[d] = d < lead ? in_x[d] : 0, w->b[d] = in_index[d];
    geom.pick.tuple = (int)index->shape.dim[w->rank];
    for (int k = 0; k < geom.pick.tuple; k++) count_along(&geom, k, x, in_x, lead + k);
    geom.pick.inner = fv_inner(x, lead + geom.pick.tuple - 1);
    geom.pick.apart = lead;
    dense_picks(&geom.pick);
    return geom;
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

void fv_emit_gather(fv_emit *e, const fv_geom *picks, fv_operand y, fv_operand x, fv_operand index) {
    FV_CALL(e, FV_R_GATHER, picks, y, x, index);
}

void fv_emit_scatter(fv_emit *e, const fv_geom *picks, fv_scatter kind, fv_operand y, fv_operand picked,
                     fv_operand index) {
    fv_geom geom = *picks;
    geom.pick.kind = kind;
    FV_CALL(e, FV_R_SCATTER, &geom, y, picked, index);
}

void fv_emit_gather_back(fv_emit *e, const fv_geom *picks, const fv_type *x, fv_operand dx, fv_operand dy,
                         fv_operand index) {
    fv_emit_zeros(e, x, dx);
    fv_emit_scatter(e, picks, FV_SCATTER_ADD, dx, dy, index);
}

/* A table of -1 would count from the end: what is nowhere becomes an index behind the last cell. */
static fv_geom choose_geom(fv_emit *e, const fv_type *x, int axis, const int32_t *cells, int64_t count,
                           fv_operand *index) {
    const fv_type type = {FV_I32, {1, {count}}};
    int32_t *table = fv_emit_memory(e, (size_t)count * sizeof *table + 1);
    *index = FV_NO_OPERAND;
    if (!table) return fv_geom_for(e, x);
    for (int64_t i = 0; i < count; i++) table[i] = cells[i] < 0 ? INT32_MAX : cells[i];
    *index = fv_constant(e, &type, table);
    fv_geom geom = fv_pick_along(e, x, &type, axis);
    geom.pick.loose = true;
    return geom;
}

void fv_emit_choose(fv_emit *e, const fv_type *x, int axis, const int32_t *cells, int64_t count, fv_operand y,
                    fv_operand from) {
    fv_operand index;
    fv_geom geom = choose_geom(e, x, axis, cells, count, &index);
    if (index >= 0) fv_emit_gather(e, &geom, y, from, index);
}

void fv_emit_choose_back(fv_emit *e, const fv_type *x, int axis, const int32_t *cells, int64_t count, fv_operand dx,
                         fv_operand dy) {
    fv_operand index;
    fv_geom geom = choose_geom(e, x, axis, cells, count, &index);
    if (index >= 0) fv_emit_gather_back(e, &geom, x, dx, dy, index);
}
