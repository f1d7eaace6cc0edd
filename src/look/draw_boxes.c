/* draw_boxes.c - layers into stacks, stacks into the groups that their names tell of. */
#include "draw.h"

#include <limits.h>
#include <string.h>

static fv_status no_memory(fv_error *error) { return fv_fail(error, FV_E_MEMORY, "not enough memory for the drawing"); }

int fv_draw_read(const fv_net *net, int n, int i) {
    const fv_node *node = &net->nodes[n];
    int value = node->value_in[i];
    if (value < 0 || i < node->inputs) return value;
    const fv_value_info *v = &net->values[value];
    bool own = (v->kind == FV_KIND_WEIGHT || v->kind == FV_KIND_STATE) && v->node == n;
    return own ? -1 : value;
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

static void link_item(fv_drawing *d, int group, int item) {
    int *first = group < 0 ? &d->first : &d->groups[group].first, *end = group < 0 ? &d->end : &d->groups[group].end;
    if (*end < 0)
        *first = item;
    else if (fv_item_is_group(*end))
        d->groups[*end / 2].next = item;
    else
        d->boxes[*end / 2].next = item;
    *end = item;
}

/* The group `name` (`length` bytes, its last part from `local`) in `parent`: found, or made. -1 when memory is short. */
static int group_in(fv_drawing *d, int parent, const char *name, size_t local, size_t length) {
    for (int item = parent < 0 ? d->first : d->groups[parent].first; item >= 0; item = fv_item_next(d, item)) {
        if (!fv_item_is_group(item)) continue;
        const char *known = d->groups[item / 2].name;
        if (strlen(known) == length && !memcmp(known, name, length)) return item / 2;
    }
    if (!fv_grow(&d->groups, &d->group_capacity, d->group_count, sizeof *d->groups)) return -1;
    fv_group *g = &d->groups[d->group_count];
    *g = (fv_group){.name = fv_arena_text(d->arena, name, length),
                    .local = local,
                    .parent = parent,
                    .repeats = 1,
                    .last = d->group_count,
                    .read = -1,
                    .made = -1,
                    .first = -1,
                    .end = -1,
                    .next = -1};
    if (!g->name) return -1;
    link_item(d, parent, fv_group_item(d->group_count));
    return d->group_count++;
}

/* The group of a layer: all but the last part of its name. -2 when memory is short. */
static int group_of(fv_drawing *d, const char *name) {
    int group = -1;
    size_t local = 0;
    for (int depth = 0; depth < FV_DRAW_DEPTH; depth++) {
        size_t end = local + strcspn(name + local, ".");
        if (!name[end]) break;
        group = group_in(d, group, name, local, end);
        if (group < 0) return -2;
        local = end + 1;
    }
    return group;
}

/* ---- boxes ------------------------------------------------------------------------------------------------------ */

static fv_status add_box(fv_drawing *d, const fv_box *box, fv_error *error) {
    if (!fv_grow(&d->boxes, &d->box_capacity, d->box_count, sizeof *d->boxes)) return no_memory(error);
    fv_box *b = &d->boxes[d->box_count];
    *b = *box;
    b->same = d->box_count;
    b->next = -1;
    link_item(d, b->group, fv_box_item(d->box_count++));
    return FV_OK;
}

/* Does the layer keep shape and place of every number, so that it can stand in the box of the layer before? */
static bool stackable(const fv_drawing *d, int n, int group) {
    const fv_node *node = &d->net->nodes[n];
    const fv_cost *cost = &d->costs[n];
    if (node->inputs != 1 || node->outputs != 1 || cost->macs || cost->extent != 1 || cost->stride != 1) return false;
    for (int i = 1; i < node->inputs + node->parameters; i++)
        if (fv_draw_read(d->net, n, i) >= 0) return false;
    int in = node->value_in[0], box = d->box_of[in];
    if (box < 0 || d->boxes[box].head < 0 || d->boxes[box].value != in || d->boxes[box].group != group) return false;
    return d->readers[in] == 1 && d->last_place[in] != INT_MAX &&
           fv_shape_equal(&d->types[in].shape, &d->types[node->value_out[0]].shape);
}

static void stack(fv_drawing *d, int n, int box) {
    int row = d->boxes[box].head;
    while (d->row_next[row] >= 0) row = d->row_next[row];
    d->row_next[row] = n;
    d->boxes[box].value = d->net->nodes[n].value_out[0];
}

static bool climbs(const fv_drawing *d, int n) {
    const fv_node *node = &d->net->nodes[n];
    bool any = d->costs[n].upsamples;
    for (int i = 0; i < node->inputs; i++) {
        int box = d->box_of[node->value_in[i]];
        any = any || (box >= 0 && d->boxes[box].climbs);
    }
    return any;
}

/* A box for the value if it is read and nothing computes it. */
static fv_status add_source(fv_drawing *d, int value, fv_error *error) {
    const fv_value_info *v = &d->net->values[value];
    if (d->box_of[value] >= 0 || (v->kind != FV_KIND_INPUT && v->kind != FV_KIND_CONSTANT)) return FV_OK;
    d->box_of[value] = d->box_count;
    return add_box(d, &(fv_box){.head = -1, .value = value, .group = -1}, error);
}

static fv_status add_node(fv_drawing *d, int n, fv_error *error) {
    const fv_node *node = &d->net->nodes[n];
    for (int i = 0; i < node->inputs + node->parameters; i++) {
        int value = fv_draw_read(d->net, n, i);
        fv_status status = value < 0 ? FV_OK : add_source(d, value, error);
        if (status) return status;
    }
    int owner = node->sugar_of < 0 ? n : node->sugar_of, group = group_of(d, d->net->nodes[owner].name);
    if (group == -2) return no_memory(error);
    int box = d->box_count;
    if (stackable(d, n, group)) {
        box = d->box_of[node->value_in[0]];
        stack(d, n, box);
    } else {
        fv_box made = {.head = n, .value = node->value_out[0], .group = group, .climbs = climbs(d, n)};
        fv_status status = add_box(d, &made, error);
        if (status) return status;
    }
    for (int i = 0; i < node->outputs; i++) d->box_of[node->value_out[i]] = box;
    for (int k = node->inputs; k < node->inputs + node->parameters; k++)
        if (node->value_in[k] >= 0 && fv_draw_read(d->net, n, k) < 0) d->box_of[node->value_in[k]] = box;
    return FV_OK;
}

/* ---- order ------------------------------------------------------------------------------------------------------ */

static int number_places(fv_drawing *d, int item, int place) {
    for (; item >= 0; item = fv_item_next(d, item)) {
        if (fv_item_is_group(item)) {
            d->groups[item / 2].from = place;
            place = number_places(d, d->groups[item / 2].first, place);
            d->groups[item / 2].to = place;
        } else {
            d->order[place] = item / 2;
            d->boxes[item / 2].place = place;
            place++;
        }
    }
    return place;
}

static void find_last_places(fv_drawing *d) {
    for (int n = 0; n < d->net->node_count; n++) {
        const fv_node *node = &d->net->nodes[n];
        int reader = node->outputs > 0 ? d->box_of[node->value_out[0]] : -1;
        for (int i = 0; reader >= 0 && i < node->inputs + node->parameters; i++) {
            int value = fv_draw_read(d->net, n, i), place = d->boxes[reader].place;
            if (value >= 0 && place > d->last_place[value]) d->last_place[value] = place;
        }
    }
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static void count_readers(fv_drawing *d) {
    const fv_net *net = d->net;
    for (int v = 0; v < net->value_count; v++) d->box_of[v] = d->last_place[v] = -1;
    for (int n = 0; n < net->node_count; n++) {
        const fv_node *node = &net->nodes[n];
        d->row_next[n] = -1;
        if (fv_net_for_training(net, n)) continue;
        for (int i = 0; i < node->inputs + node->parameters; i++) {
            int value = fv_draw_read(net, n, i);
            if (value >= 0) d->readers[value]++;
        }
    }
    for (int i = 0; i < net->output_count; i++) d->last_place[net->outputs[i].value] = INT_MAX;
    int output = fv_net_output_value(net);
    if (output >= 0) d->last_place[output] = INT_MAX;
}

static bool take_memory(fv_drawing *d) {
    size_t values = (size_t)d->net->value_count, nodes = (size_t)d->net->node_count + 1;
    d->arena = fv_arena_new();
    d->types = fv_alloc_array(values + 1, sizeof *d->types);
    d->costs = fv_alloc_array(nodes, sizeof *d->costs);
    d->box_of = fv_alloc_array(values + 1, sizeof *d->box_of);
    d->row_next = fv_alloc_array(nodes, sizeof *d->row_next);
    d->readers = fv_alloc_array(values + 1, sizeof *d->readers);
    d->last_place = fv_alloc_array(values + 1, sizeof *d->last_place);
    return d->arena && d->types && d->costs && d->box_of && d->row_next && d->readers && d->last_place;
}

fv_status fv_drawing_make(fv_drawing *d, fv_net *net, const fv_shape *input, fv_error *error) {
    *d = (fv_drawing){.net = net, .first = -1, .end = -1};
    if (!take_memory(d)) return no_memory(error);
    fv_status status = fv_net_infer(net, input, d->types, error);
    count_readers(d);
    for (int n = 0; !status && n < net->node_count; n++) {
        if (fv_net_for_training(net, n)) continue;
        status = fv_net_cost(net, d->types, n, &d->costs[n], error);
        if (!status) status = add_node(d, n, error);
    }
    int output = fv_net_output_value(net);
    if (!status && output >= 0) status = add_source(d, output, error); /* a net that hands its input on */
    if (status) return status;
    d->order = fv_alloc_array((size_t)d->box_count + 1, sizeof *d->order);
    if (!d->order) return no_memory(error);
    number_places(d, d->first, 0);
    find_last_places(d);
    return FV_OK;
}

void fv_drawing_free(fv_drawing *d) {
    for (int g = 0; g < d->group_count; g++) {
        fv_free(d->groups[g].signature);
        fv_free(d->groups[g].outer);
    }
    fv_free(d->types);
    fv_free(d->costs);
    fv_free(d->box_of);
    fv_free(d->row_next);
    fv_free(d->readers);
    fv_free(d->last_place);
    fv_free(d->boxes);
    fv_free(d->groups);
    fv_free(d->order);
    fv_arena_free(d->arena);
}
