/* pass_slice.c - parts of a whole without copies. What only goes side by side with others into a wider value (concat) is
 * written there by the call that makes it, and its readers read it there; what is a part of a wider value (the gradient
 * of a concat's input) is read where it is. Only where every call that touches the part can have its pixels further apart
 * (strides.c), by the same kernel. Bits stay: kernels sum in an order that does not depend on where a pixel lies. */
#include "emit.h"

#include <string.h>

typedef struct slice {
    fv_operand part, whole;  /* the part is a root that is to become a view of the whole */
    int64_t channels, count; /* the part: so many pixels of a sample, of so many channels */
    int64_t pixel, offset;   /* in the whole: from pixel to pixel, and where the first one begins; in elements */
} slice;

/* ---- copies between a part and a whole -------------------------------------------------------------------------- */

/* A walk over samples, pixels and channels, dense on one side: how the other side lies. */
static bool read_walk(const fv_walk *w, const int64_t *dense, const int64_t *apart, slice *s) {
    if (w->rank != 3 || dense[2] != 1 || dense[1] != w->dim[2] || dense[0] != w->dim[1] * w->dim[2]) return false;
    s->count = w->dim[1], s->channels = w->dim[2], s->pixel = apart[1];
    return apart[2] == 1 && apart[0] == s->count * s->pixel && s->pixel > s->channels;
}

static bool movable(const fv_plan *plan, fv_operand root) {
    return root >= 0 && plan->operands[root].home == FV_HOME_ARENA && !plan->operands[root].given;
}

/* Call i as a slice: its result becomes part of what it copies from (`back`), or what it copies part of its result. */
static bool read_copy(const fv_plan *plan, int i, bool back, slice *s) {
    const fv_planned_call *call = &plan->calls[i];
    const fv_walk *w = &call->geom.copy.walk;
    if (call->routine != FV_R_COPY || call->geom.copy.accumulate) return false;
    if (!read_walk(w, back ? w->y : w->a, back ? w->a : w->y, s) || (back ? w->y_offset : w->a_offset)) return false;
    s->offset = back ? w->a_offset : w->y_offset;
    fv_operand part = call->arg[back ? 0 : 1];
    s->whole = call->arg[back ? 1 : 0];
    s->part = fv_operand_root(plan, part);
    if (!movable(plan, s->part) || !movable(plan, fv_operand_root(plan, s->whole)) || plan->operands[s->part].pinned)
        return false;
    const fv_operand_info *info = &plan->operands[s->part];
    bool all = fv_operand_offset(plan, part) == 0; /* the copy takes the part from its beginning ... */
    all = all && fv_type_each(&info->type) == s->channels * s->count; /* ... to its end */
    return all && s->part != fv_operand_root(plan, s->whole) && fv_type_batched(&info->type) == call->geom.batched;
}

/* May the part be written into the whole long before the copy? Only where whatever writes to it writes slices. And may it
 * be read long after? Only where it stays as it is. */
static bool whole_allows(const fv_plan *plan, const slice *s, int i, bool back) {
    fv_operand whole = fv_operand_root(plan, s->whole);
    for (int j = 0; j < plan->call_count; ++j) {
        const fv_planned_call *call = &plan->calls[j];
        if (call->routine == FV_R_COUNT) continue;
        for (int k = 0; k < fv_call_results(call) && k < call->args; ++k) {
            if (fv_operand_root(plan, call->arg[k]) != whole) continue;
            const fv_walk *w = &call->geom.copy.walk;
            bool into_slice = plan->operands[call->arg[k]].pixel > 0 ||
                              (call->routine == FV_R_COPY && !call->geom.copy.accumulate && !fv_walk_dense(w, w->y));
            if (back ? j >= i : !into_slice) return false;
        }
    }
    return true;
}

/* ---- the calls that touch the part ------------------------------------------------------------------------------ */

/* The call's geometry with the part's pixels apart; false if it cannot be. */
static bool spread(const fv_plan *plan, const fv_planned_call *call, const slice *s, fv_geom *geom) {
    *geom = call->geom;
    for (int k = 0; k < call->args; ++k) {
        if (fv_operand_root(plan, call->arg[k]) != s->part) continue;
        const fv_type *type = &plan->operands[call->arg[k]].type;
        int64_t channels = type->shape.rank ? type->shape.dim[type->shape.rank - 1] : 1;
        bool shared = false; /* one field may say it for two arguments: then it is said once */
        for (int j = 0; j < call->args; ++j) {
            if (j == k || call->arg[j] < 0 || !fv_call_same_apart(call, k, j)) continue;
            if (fv_operand_root(plan, call->arg[j]) != s->part) return false;
            shared = shared || j < k;
        }
        if (!shared && !fv_call_apart(geom, call->routine, k, channels, s->count, s->channels, s->pixel)) return false;
    }
    return fv_choose_kernel(plan->table, call->routine, geom) ==
           fv_choose_kernel(plan->table, call->routine, &call->geom);
}

static bool touches(const fv_plan *plan, const fv_planned_call *call, fv_operand root) {
    for (int k = 0; k < call->args; ++k)
        if (fv_operand_root(plan, call->arg[k]) == root) return call->routine != FV_R_COUNT;
    return false;
}

/* All calls but the copy i, or none. */
static bool spread_all(fv_plan *plan, const slice *s, int i) {
    fv_geom geom;
    for (int j = 0; j < plan->call_count; ++j)
        if (j != i && touches(plan, &plan->calls[j], s->part) && !spread(plan, &plan->calls[j], s, &geom)) return false;
    for (int j = 0; j < plan->call_count; ++j)
        if (j != i && touches(plan, &plan->calls[j], s->part) && spread(plan, &plan->calls[j], s, &geom))
            plan->calls[j].geom = geom;
    return true;
}

static void make_view(fv_plan *plan, const slice *s) {
    for (int o = 0; o < plan->operand_count; ++o)
        if (fv_operand_root(plan, o) == s->part) plan->operands[o].pixel = s->pixel;
    fv_operand_info *part = &plan->operands[s->part];
    part->home = FV_HOME_VIEW;
    part->of = s->whole;
    part->offset = (size_t)s->offset * fv_plan_element(plan, part->type.dtype);
}

fv_status fv_pass_slice(fv_plan *plan, fv_error *error) {
    (void)error;
    for (int i = 0; i < plan->call_count; ++i)
        for (int back = 0; back < 2; ++back) {
            slice s;
            if (!read_copy(plan, i, back, &s) || !whole_allows(plan, &s, i, back) || !spread_all(plan, &s, i)) continue;
            make_view(plan, &s);
            plan->calls[i].routine = FV_R_COUNT;
            break;
        }
    fv_plan_compact(plan);
    return FV_OK;
}
