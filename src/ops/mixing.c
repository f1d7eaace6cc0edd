/* mixing.c - the tables of FV_R_MIX: which cells along an axis every cell of the result is mixed of. */
#include "mixing.h"

bool fv_mixing_start(fv_emit *e, int64_t in, int64_t out, int64_t taps, fv_mixing *m) {
    *m = (fv_mixing){.in = in, .out = out, .room = taps};
    m->start = fv_emit_memory(e, (size_t)(out + 1) * sizeof *m->start);
    m->from = fv_emit_memory(e, (size_t)taps * sizeof *m->from + 1);
    m->weight = fv_emit_memory(e, (size_t)taps * sizeof *m->weight + 1);
    return m->start && m->from && m->weight;
}

/* start[cell + 1] counts while the cell is filled. */
void fv_mixing_tap(fv_mixing *m, int64_t from, double weight) {
    int32_t at = m->start[m->cell] + m->start[m->cell + 1];
    if (weight == 0 || at >= m->room) return;
    m->from[at] = (int32_t)from;
    m->weight[at] = weight;
    m->start[m->cell + 1]++;
}

void fv_mixing_next(fv_mixing *m) {
    m->start[m->cell + 1] += m->start[m->cell];
    m->cell++;
}

bool fv_mixing_turn(fv_emit *e, const fv_mixing *m, fv_mixing *turned) {
    int32_t taps = m->start[m->out];
    if (!fv_mixing_start(e, m->out, m->in, taps, turned)) return false;
    int32_t *at = fv_emit_memory(e, (size_t)m->in * sizeof *at + 1);
    if (!at) return false;
    for (int32_t k = 0; k < taps; k++) turned->start[m->from[k] + 1]++;
    for (int64_t i = 0; i < m->in; i++) turned->start[i + 1] += turned->start[i], at[i] = turned->start[i];
    for (int64_t o = 0; o < m->out; o++)
        for (int32_t k = m->start[o]; k < m->start[o + 1]; k++) {
            int32_t to = at[m->from[k]]++;
            turned->from[to] = (int32_t)o;
            turned->weight[to] = m->weight[k];
        }
    turned->cell = m->in;
    return true;
}

void fv_emit_mix(fv_emit *e, const fv_type *x, int axis, const fv_mixing *m, double value, fv_operand y,
                 fv_operand from) {
    fv_geom geom = fv_geom_for(e, x);
    geom.mix = (fv_mix_geom){.outer = fv_outer(x, axis),
                             .in = m->in,
                             .out = m->out,
                             .inner = fv_inner(x, axis),
                             .start = m->start,
                             .cell = m->from,
                             .weight = m->weight,
                             .value = value};
    FV_CALL(e, FV_R_MIX, &geom, y, from);
}
