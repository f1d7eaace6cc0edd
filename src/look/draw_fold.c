/* draw_fold.c - repetitions of a block that each read the one before become one group. */
#include "draw.h"

#include <string.h>

static fv_status no_memory(fv_error *error) { return fv_fail(error, FV_E_MEMORY, "not enough memory for the drawing"); }

static bool inside(const fv_drawing *d, const fv_group *g, int value) {
    int box = d->box_of[value];
    return box >= 0 && d->boxes[box].place >= g->from && d->boxes[box].place < g->to;
}

/* ---- what a group holds ----------------------------------------------------------------------------------------- */

/* Where a value is made, counted from the group's start: box, layer of its stack, output. */
static void add_origin(const fv_drawing *d, const fv_group *g, int value, fv_text *out) {
    const fv_value_info *v = &d->net->values[value];
    const fv_box *box = &d->boxes[d->box_of[value]];
    int row = 0;
    bool made = v->kind != FV_KIND_INPUT && v->kind != FV_KIND_CONSTANT;
    for (int n = box->head; made && n >= 0 && n != v->node; n = d->row_next[n]) row++;
    fv_text_printf(out, " i%d.%d.%d.%d", box->place - g->from, row, (int)v->kind, v->index);
}

static int outer_number(fv_group *g, int value, bool *failed) {
    for (int i = 0; i < g->outer_count; i++)
        if (g->outer[i] == value) return i;
    if (!fv_grow(&g->outer, &g->outer_capacity, g->outer_count, sizeof *g->outer)) {
        *failed = true;
        return 0;
    }
    g->outer[g->outer_count] = value;
    return g->outer_count++;
}

static void add_layer(const fv_drawing *d, fv_group *g, int n, fv_text *out) {
    const fv_node *node = &d->net->nodes[n];
    fv_text_printf(out, "; %s ", node->op->name);
    fv_fields_to_text(node->op, node->fields, out);
    for (int i = 0; i < node->inputs + node->parameters; i++) {
        int value = fv_draw_read(d->net, n, i);
        if (value < 0)
            fv_text_add(out, " -");
        else if (inside(d, g, value))
            add_origin(d, g, value, out);
        else
            fv_text_printf(out, " o%d", outer_number(g, value, &out->failed));
    }
}

static fv_status sign(const fv_drawing *d, fv_group *g, fv_error *error) {
    fv_text text = {0};
    size_t prefix = strlen(g->name);
    for (int place = g->from; place < g->to; place++) {
        const fv_box *box = &d->boxes[d->order[place]];
        fv_text_printf(&text, "\n%s", d->groups[box->group].name + prefix);
        for (int n = box->head; n >= 0; n = d->row_next[n]) add_layer(d, g, n, &text);
    }
    g->signature = fv_text_take(&text);
    return g->signature ? FV_OK : no_memory(error);
}

/* ---- runs ------------------------------------------------------------------------------------------------------- */

/* Is anything that g makes, results or weights, read at `place` or later? */
static bool seen_behind(const fv_drawing *d, const fv_group *g, int place) {
    for (int i = g->from; i < g->to; i++) {
        for (int n = d->boxes[d->order[i]].head; n >= 0; n = d->row_next[n]) {
            const fv_node *node = &d->net->nodes[n];
            for (int k = 0; k < node->outputs; k++)
                if (d->last_place[node->value_out[k]] >= place) return true;
            for (int k = node->inputs; k < node->inputs + node->parameters; k++)
                if (node->value_in[k] >= 0 && fv_draw_read(d->net, n, k) < 0 &&
                    d->last_place[node->value_in[k]] >= place)
                    return true;
        }
    }
    return false;
}

/* Does b repeat a, reading what a made? What b reads goes to `relation`. */
static bool repeats(const fv_drawing *d, const fv_group *a, const fv_group *b, fv_text *relation) {
    bool chained = false;
    if (strcmp(a->signature, b->signature) || a->outer_count != b->outer_count) return false;
    for (int i = 0; i < b->outer_count; i++) {
        if (inside(d, a, b->outer[i])) {
            chained = true;
            add_origin(d, a, b->outer[i], relation);
        } else if (a->outer[i] == b->outer[i]) {
            fv_text_add(relation, " o");
        } else {
            return false;
        }
    }
    return chained && !seen_behind(d, a, b->to) && !relation->failed;
}

/* What moves along the chain: read by the first repetition, handed on by the last. */
static void find_ends(const fv_drawing *d, fv_group *first, const fv_group *second, const fv_group *last) {
    for (int i = 0; i < second->outer_count; i++) {
        if (!inside(d, first, second->outer[i])) continue;
        int place = d->boxes[d->box_of[second->outer[i]]].place - first->from;
        first->read = first->outer[i];
        first->made = d->boxes[d->order[last->from + place]].value;
        return;
    }
}

static void hide(fv_drawing *d, const fv_group *first, fv_group *other) {
    other->repeats = 0;
    for (int i = 0; i < other->to - other->from; i++)
        d->boxes[d->order[other->from + i]].same = d->order[first->from + i];
}

/* Folds the repetitions of group g that follow it among its siblings; returns the item behind them. */
static int fold_run(fv_drawing *d, int g) {
    fv_group *first = &d->groups[g], *end = first, *second = NULL;
    fv_text rule = {0};
    for (int item = first->next; item >= 0 && fv_item_is_group(item); item = end->next) {
        fv_group *next = &d->groups[item / 2];
        fv_text relation = {0};
        bool same = repeats(d, end, next, &relation) && (!second || !strcmp(rule.data, relation.data));
        if (same && !second) {
            second = next;
            rule = relation;
        } else {
            fv_text_free(&relation);
        }
        if (!same) break;
        end = next;
        first->repeats++;
        first->last = item / 2;
    }
    fv_text_free(&rule);
    if (second) find_ends(d, first, second, end);
    for (fv_group *other = second; other; other = other == end ? NULL : &d->groups[other->next / 2])
        hide(d, first, other);
    return end->next;
}

fv_status fv_drawing_fold(fv_drawing *d, fv_error *error) {
    for (int g = 0; g < d->group_count; g++) {
        fv_status status = sign(d, &d->groups[g], error);
        if (status) return status;
    }
    for (int g = -1; g < d->group_count; g++) {
        int item = g < 0 ? d->first : d->groups[g].first;
        while (item >= 0) item = fv_item_is_group(item) ? fold_run(d, item / 2) : fv_item_next(d, item);
    }
    return FV_OK;
}

int fv_draw_shown(const fv_drawing *d, int box) {
    while (d->boxes[box].same != box) box = d->boxes[box].same;
    return box;
}
