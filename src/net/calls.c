/* calls.c - operands and calls of a plan as data: sizes, views, who writes and who reads. */
#include "emit.h"

#include <string.h>

size_t fv_plan_element(const fv_plan *plan, fv_dtype dtype) {
    return fv_dtype_size(dtype == FV_F32 ? plan->table->real : dtype);
}

bool fv_plan_type_bytes(const fv_plan *plan, const fv_type *type, size_t *bytes) {
    *bytes = fv_plan_element(plan, type->dtype);
    for (int i = 0; i < type->shape.rank; ++i) {
        int64_t dim = type->shape.dim[i] == FV_BATCH ? plan->batch : type->shape.dim[i];
        if (dim < 0 || (uint64_t)dim > SIZE_MAX || !fv_mul_size(*bytes, (size_t)dim, bytes)) return false;
    }
    return *bytes <= PTRDIFF_MAX;
}

static const char *speaker(const fv_emit *e) { return e->node >= 0 ? e->plan->net->nodes[e->node].name : "plan"; }

fv_operand fv_plan_operand(fv_emit *e, const fv_operand_info *info) {
    fv_plan *plan = e->plan;
    if (e->status) return FV_NO_OPERAND;
    size_t bytes;
    if (!fv_plan_type_bytes(plan, &info->type, &bytes)) {
        char shape[128];
        e->status = fv_fail(e->error, FV_E_MEMORY, "%s: a value of shape %s is too large at batch %lld", speaker(e),
                            fv_shape_text(&info->type.shape, shape, sizeof shape), (long long)plan->batch);
        return FV_NO_OPERAND;
    }
    if (!fv_grow((void **)&plan->operands, &plan->operand_capacity, plan->operand_count, sizeof *plan->operands)) {
        e->status = fv_fail_memory(e->error, "a plan", sizeof *plan->operands * (size_t)plan->operand_count);
        return FV_NO_OPERAND;
    }
    fv_operand_info *operand = &plan->operands[plan->operand_count];
    *operand = *info;
    operand->bytes = bytes;
    operand->first = operand->last = -1;
    return plan->operand_count++;
}

fv_operand fv_plan_view(fv_emit *e, fv_operand of, const fv_type *type) {
    if (e->status || of < 0) return FV_NO_OPERAND;
    const fv_operand_info *source = &e->plan->operands[of];
    if (source->type.dtype == type->dtype && fv_shape_equal(&source->type.shape, &type->shape)) return of;
    fv_operand_info view = {.home = FV_HOME_VIEW, .type = *type, .value = -1, .of = of, .offset = 0};
    if (source->home == FV_HOME_VIEW) view.of = source->of, view.offset = source->offset;
    size_t bytes = source->bytes;
    fv_operand made = fv_plan_operand(e, &view);
    if (made >= 0 && e->plan->operands[made].bytes != bytes) {
        e->status = fv_fail(e->error, FV_E_SHAPE, "%s: a view must keep the size: %zu bytes became %zu", speaker(e),
                            bytes, e->plan->operands[made].bytes);
        return FV_NO_OPERAND;
    }
    return made;
}

fv_operand fv_operand_root(const fv_plan *plan, fv_operand operand) {
    while (operand >= 0 && plan->operands[operand].home == FV_HOME_VIEW) operand = plan->operands[operand].of;
    return operand;
}

size_t fv_operand_offset(const fv_plan *plan, fv_operand operand) {
    size_t offset = 0;
    for (; plan->operands[operand].home == FV_HOME_VIEW; operand = plan->operands[operand].of)
        offset += plan->operands[operand].offset;
    return offset;
}

int fv_call_results(const fv_planned_call *call) {
    switch (call->routine) {
    case FV_R_CONV_WEIGHTS:
    case FV_R_NORM_STATS:
    case FV_R_NORM_SUMS:
    case FV_R_TOP:
    case FV_R_NMS: return 2;
    case FV_R_DISPLACED_BACK: return 3;
    case FV_R_CUSTOM: return call->geom.custom.results;
    default: return 1;
    }
}

bool fv_call_reads(const fv_planned_call *call, int arg) {
    if (arg >= fv_call_results(call)) return true;
    switch (call->routine) {
    case FV_R_SCATTER:
    case FV_R_BLEND: return true;
    case FV_R_COPY: return call->geom.copy.accumulate;
    default: return false;
    }
}

void fv_plan_compact(fv_plan *plan) {
    int kept = 0;
    plan->forward_calls = 0;
    for (int i = 0; i < plan->call_count; ++i) {
        if (plan->calls[i].routine == FV_R_COUNT) continue;
        plan->forward_calls += !plan->calls[i].backward;
        if (kept != i) plan->calls[kept] = plan->calls[i];
        kept++;
    }
    plan->call_count = kept;
}

fv_use *fv_plan_uses(const fv_plan *plan) {
    fv_use *uses = fv_alloc_array((size_t)plan->operand_count + 1, sizeof *uses);
    if (!uses) return NULL;
    for (int o = 0; o < plan->operand_count; ++o) uses[o].writer = uses[o].reader = -1;
    for (int i = 0; i < plan->call_count; ++i) {
        const fv_planned_call *call = &plan->calls[i];
        int results = fv_call_results(call);
        for (int k = 0; k < call->args; ++k) {
            fv_operand root = fv_operand_root(plan, call->arg[k]);
            if (root < 0) continue;
            if (k < results) uses[root].writes++, uses[root].writer = i;
            if (fv_call_reads(call, k)) uses[root].reads++, uses[root].reader = i;
        }
    }
    return uses;
}

bool fv_call_dense_sum(const fv_planned_call *call, int64_t elements) {
    if (call->routine != FV_R_BINARY || call->geom.binary.kind != FV_B_ADD) return false;
    const fv_walk *walk = &call->geom.binary.walk;
    for (int d = 0; d < walk->rank; ++d) {
        if (walk->dim[d] == 0 || elements % walk->dim[d]) return false;
        elements /= walk->dim[d];
    }
    return elements == 1 && fv_walk_dense(walk, walk->y) && fv_walk_dense(walk, walk->a) &&
           fv_walk_dense(walk, walk->b) && !walk->y_offset && !walk->a_offset && !walk->b_offset;
}

bool fv_walk_dense(const fv_walk *walk, const int64_t *strides) {
    int64_t expected = 1;
    for (int i = walk->rank - 1; i >= 0; --i) {
        if (walk->dim[i] != 1 && strides[i] != expected) return false;
        expected *= walk->dim[i];
    }
    return true;
}
