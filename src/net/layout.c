/* layout.c - one arena by liveness: operands that are alive at the same time never overlap.
 *
 * An operand lives from the first call that touches it to the last; what is read from outside after a run lives to the
 * end, what is written from outside all the time. What steady calls make for others to read lives on, unless these only
 * want it packed: then it may go once it is. Views keep their root alive. The result of an elementwise call may
 * take over the memory of an input of the same size that dies there; such a chain is one block. Blocks are placed
 * largest first, each at the lowest offset that is free while it lives. */
#include "emit.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

typedef struct fv_block {
    int head; /* its first operand */
    size_t bytes, offset;
    int first, last; /* calls */
} fv_block;

static bool align(size_t bytes, size_t *out) {
    if (!fv_add_size(bytes, ALIGN - 1, out)) return false;
    *out -= *out % ALIGN;
    return true;
}

/* ---- liveness ------------------------------------------------------------------------------------------------------
 */

/* Does the call read the argument only in packed form, made ahead? */
static bool packed_ahead(const fv_plan *plan, const fv_planned_call *call, int arg) {
    return call->packed && arg == call->packed_arg && !plan->changing;
}

static void live(fv_plan *plan) {
    for (int o = 0; o < plan->operand_count; ++o) plan->operands[o].first = INT_MAX, plan->operands[o].last = -1;
    for (int i = 0; i < plan->call_count; ++i)
        for (int k = 0; k < plan->calls[i].args; ++k) {
            fv_operand root = fv_operand_root(plan, plan->calls[i].arg[k]);
            if (root < 0) continue;
            fv_operand_info *operand = &plan->operands[root];
            if (operand->first > i) operand->first = i;
            if (i >= plan->steady_calls && operand->first < plan->steady_calls) {
                if (!packed_ahead(plan, &plan->calls[i], k)) operand->last = INT_MAX;
            } else {
                operand->last = i;
            }
        }
    for (int o = 0; o < plan->operand_count; ++o) {
        fv_operand_info *operand = &plan->operands[o];
        if (operand->given) operand->first = -1;
        if (operand->pinned && operand->first != INT_MAX) operand->last = INT_MAX;
    }
}

static bool placed(const fv_operand_info *operand) {
    return operand->home == FV_HOME_ARENA && operand->first != INT_MAX && operand->bytes > 0;
}

/* ---- results in the place of dying inputs ----------------------------------------------------------------------- */

/* May argument `arg` of the call be overwritten by argument 0 while the call runs? Cell for cell the same walk. */
static bool same_cells(const fv_planned_call *call, int arg) {
    switch (call->routine) {
    case FV_R_UNARY:
    case FV_R_UNARY_BACK:
    case FV_R_DROPOUT: return arg == 1;
    case FV_R_BINARY: {
        const fv_walk *walk = &call->geom.binary.walk;
        const int64_t *strides = arg == 1 ? walk->a : walk->b;
        int64_t offset = arg == 1 ? walk->a_offset : walk->b_offset;
        for (int i = 0; i < walk->rank; ++i)
            if (walk->dim[i] != 1 && strides[i] != walk->y[i]) return false;
        return offset == walk->y_offset;
    }
    case FV_R_ELEMENTS: {
        const fv_elements_geom *g = &call->geom.elements;
        const int64_t *strides = arg == 1 ? g->walk.a : g->walk.b;
        for (int i = 0; i < g->walk.rank; ++i)
            if (g->walk.dim[i] != 1 && strides[i] != g->walk.y[i]) return false;
        return g->dtype == g->result && (arg == 1 ? g->walk.a_offset : g->walk.b_offset) == g->walk.y_offset;
    }
    default: return false;
    }
}

/* Is the operand still to be packed when its last steady call is done? */
static bool packed_ahead_by_any(const fv_plan *plan, fv_operand root) {
    for (int i = plan->steady_calls; i < plan->call_count; ++i)
        if (plan->calls[i].packed && fv_operand_root(plan, plan->calls[i].arg[plan->calls[i].packed_arg]) == root)
            return true;
    return false;
}

/* The operand whose memory the result of call i takes over, or -1. `heir` says who took over whose memory already. */
static int donor(const fv_plan *plan, int i, const int *heir) {
    const fv_planned_call *call = &plan->calls[i];
    fv_operand y = fv_operand_root(plan, call->arg[0]);
    if (y < 0 || !placed(&plan->operands[y]) || plan->operands[y].first != i) return -1;
    if (plan->operands[call->arg[0]].pixel) return -1; /* other slices of that memory are written later */
    for (int k = 1; k < call->args; ++k) {
        fv_operand x = fv_operand_root(plan, call->arg[k]);
        if (x < 0 || x == y || plan->operands[call->arg[k]].pixel || !same_cells(call, k) ||
            !placed(&plan->operands[x]) || heir[x] >= 0)
            continue;
        const fv_operand_info *in = &plan->operands[x];
        bool packed_later = i < plan->steady_calls && packed_ahead_by_any(plan, x);
        if (in->last != i || packed_later || in->pinned || in->given || in->bytes != plan->operands[y].bytes) continue;
        bool clean = true; /* every reading of that memory in this call is cell for cell */
        for (int j = 1; j < call->args; ++j)
            if (fv_operand_root(plan, call->arg[j]) == x && !same_cells(call, j)) clean = false;
        if (clean) return x;
    }
    return -1;
}

/* ---- placing -------------------------------------------------------------------------------------------------------
 */

static int larger_first(const void *a, const void *b) {
    const fv_block *p = a, *q = b;
    if (p->bytes != q->bytes) return p->bytes < q->bytes ? 1 : -1;
    return p->head < q->head ? -1 : p->head > q->head;
}

/* Places the block among the `count` before it, which are sorted by offset in `order`. */
static bool place(fv_block *blocks, int *order, int count, int b) {
    fv_block *block = &blocks[b];
    size_t offset = 0;
    for (int i = 0; i < count; ++i) {
        const fv_block *other = &blocks[order[i]];
        if (other->last < block->first || block->last < other->first) continue;
        if (other->offset >= offset && other->offset - offset >= block->bytes) break;
        size_t end = other->offset + other->bytes;
        if (end > offset) offset = end;
    }
    block->offset = offset;
    size_t end;
    if (!fv_add_size(offset, block->bytes, &end) || end > PTRDIFF_MAX) return false;
    int at = count;
    for (; at > 0 && blocks[order[at - 1]].offset > offset; --at) order[at] = order[at - 1];
    order[at] = b;
    return true;
}

/* Chains of heirs become blocks; returns how many. `heir` and `block_of` by operand. */
static int make_blocks(fv_plan *plan, int *heir, bool *inherits, fv_block *blocks) {
    for (int o = 0; o < plan->operand_count; ++o) heir[o] = -1;
    for (int i = 0; i < plan->call_count; ++i) {
        int from = donor(plan, i, heir);
        if (from < 0) continue;
        fv_operand y = fv_operand_root(plan, plan->calls[i].arg[0]);
        heir[from] = y;
        inherits[y] = true;
    }
    int count = 0;
    for (int o = 0; o < plan->operand_count; ++o) {
        const fv_operand_info *operand = &plan->operands[o];
        if (!placed(operand) || inherits[o]) continue;
        fv_block block = {.head = o, .bytes = operand->bytes, .first = operand->first, .last = operand->last};
        for (int h = heir[o]; h >= 0; h = heir[h]) block.last = plan->operands[h].last;
        blocks[count++] = block;
    }
    return count;
}

static fv_status lay_out_arena(fv_plan *plan, int *heir, bool *inherits, int *order, fv_block *blocks,
                               fv_error *error) {
    live(plan);
    int count = make_blocks(plan, heir, inherits, blocks);
    for (int b = 0; b < count; ++b)
        if (!align(blocks[b].bytes, &blocks[b].bytes)) return fv_fail_memory(error, "a run", blocks[b].bytes);
    qsort(blocks, (size_t)count, sizeof *blocks, larger_first);
    plan->arena_bytes = 0;
    for (int b = 0; b < count; ++b) {
        if (!place(blocks, order, b, b)) return fv_fail_memory(error, "a run", SIZE_MAX);
        size_t end = blocks[b].offset + blocks[b].bytes;
        if (end > plan->arena_bytes) plan->arena_bytes = end;
        for (int o = blocks[b].head; o >= 0; o = heir[o]) plan->operands[o].offset = blocks[b].offset;
    }
    return FV_OK;
}

/* ---- scratch and packed weights --------------------------------------------------------------------------------- */

/* Packs the same weights in the same way as call i: one packed form serves both. */
static bool packs_alike(const fv_plan *plan, const fv_planned_call *a, const fv_planned_call *b, int arg_a, int arg_b) {
    fv_operand weights = fv_operand_root(plan, a->arg[arg_a]);
    return a->packed && a->kernel == b->kernel && plan->operands[weights].home != FV_HOME_ARENA &&
           a->arg[arg_a] == b->arg[arg_b] && memcmp(&a->geom, &b->geom, sizeof a->geom) == 0;
}

/* Is the operand written by calls that every run makes? */
static bool computed(const fv_plan *plan, fv_operand operand) {
    fv_operand root = fv_operand_root(plan, operand);
    return root >= 0 && plan->operands[root].home == FV_HOME_ARENA && plan->operands[root].first >= plan->steady_calls;
}

static fv_status ask_kernels(fv_plan *plan, fv_error *error) {
    for (int i = 0; i < plan->call_count; ++i) {
        fv_planned_call *call = &plan->calls[i];
        fv_need need = {0, 0, 0};
        if (call->kernel->need) call->kernel->need(&call->geom, plan->threads, &need);
        if (!align(need.scratch, &call->scratch) || !align(need.packed, &call->packed))
            return fv_fail_memory(error, "a run", SIZE_MAX);
        call->packed_arg = need.packed_arg;
    }
    return FV_OK;
}

/* Weights that are the same in the next run are packed ahead, each to a place of its own, behind what those need that are
 * packed call by call. */
static fv_status lay_out_kernels(fv_plan *plan, fv_error *error) {
    plan->scratch_bytes = plan->packed_bytes = 0;
    size_t shared = 0;
    for (int i = 0; i < plan->call_count; ++i) {
        fv_planned_call *call = &plan->calls[i];
        if (call->scratch > plan->scratch_bytes) plan->scratch_bytes = call->scratch;
        if (!call->packed) continue;
        call->packs = true;
        call->pack_now = plan->changing || i < plan->steady_calls || computed(plan, call->arg[call->packed_arg]);
        if (call->pack_now) {
            if (call->packed > shared) shared = call->packed;
            continue;
        }
        call->packed_offset = plan->packed_bytes;
        for (int j = 0; j < i && call->packs; ++j)
            if (!plan->calls[j].pack_now &&
                packs_alike(plan, &plan->calls[j], call, plan->calls[j].packed_arg, call->packed_arg)) {
                call->packs = false;
                call->packed_offset = plan->calls[j].packed_offset;
            }
        if (call->packs && !fv_add_size(plan->packed_bytes, call->packed, &plan->packed_bytes))
            return fv_fail_memory(error, "a run", SIZE_MAX);
    }
    for (int i = 0; i < plan->call_count; ++i) /* the shared place is the first one */
        if (plan->calls[i].packed && !plan->calls[i].pack_now) plan->calls[i].packed_offset += shared;
    size_t total;
    if (!fv_add_size(plan->packed_bytes, shared, &plan->packed_bytes) ||
        !fv_add_size(plan->arena_bytes, plan->scratch_bytes, &total) ||
        !fv_add_size(total, plan->packed_bytes, &total) || total > PTRDIFF_MAX)
        return fv_fail_memory(error, "a run", SIZE_MAX);
    return FV_OK;
}

size_t fv_plan_bytes(const fv_plan *plan) { return plan->arena_bytes + plan->scratch_bytes + plan->packed_bytes; }

fv_status fv_plan_lay_out(fv_plan *plan, fv_error *error) {
    size_t count = (size_t)plan->operand_count + 1;
    int *heir = fv_alloc_array(count, sizeof *heir), *order = fv_alloc_array(count, sizeof *order);
    bool *inherits = fv_alloc_array(count, sizeof *inherits);
    fv_block *blocks = fv_alloc_array(count, sizeof *blocks);
    fv_status status = heir && order && inherits && blocks ? ask_kernels(plan, error)
                                                           : fv_fail_memory(error, "a plan", count * sizeof *blocks);
    if (!status) status = lay_out_arena(plan, heir, inherits, order, blocks, error);
    fv_free(heir);
    fv_free(order);
    fv_free(inherits);
    fv_free(blocks);
    return status ? status : lay_out_kernels(plan, error);
}
