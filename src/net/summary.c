/* summary.c - what a net will cost: one row for every layer, from shapes alone. No weight is allocated. */
#include "graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct fv_summary {
    fv_arena *arena; /* every text of the rows, so that the summary outlives the net */
    fv_layer *layers;
    int count;
    fv_layer total;
};

/* How a value sees the input: `extent` rows, neighbours `jump` rows apart (below 1 after upsampling). 0: no notion. */
typedef struct view {
    double extent, jump;
} view;

/* The net while its rows are made. */
typedef struct survey {
    const fv_net *net;
    fv_type *types;
    view *views;
    int *row_of;    /* of each node, -1: none */
    double picture; /* rows of the first data input, 0 if open or not a picture */
    fv_summary *summary;
    fv_error *error;
} survey;

static int64_t add(int64_t a, int64_t b) {
    int64_t sum;
    return fv_add_i64(a, b, &sum) ? sum : INT64_MAX;
}

/* With a batch in front: at least one spatial dimension besides the channels. */
static bool has_rows(const fv_type *t) { return t->shape.rank - fv_type_batched(t) >= 2; }

static bool is_open(const fv_type *t) {
    for (int d = 0; d < t->shape.rank; d++)
        if (t->shape.dim[d] == FV_OPEN) return true;
    return false;
}

/* ---- along the graph -------------------------------------------------------------------------------------------- */

static void start_views(survey *s) {
    bool first = true;
    for (int i = 0; i < s->net->value_count; i++) {
        const fv_value_info *v = &s->net->values[i];
        if (v->kind != FV_KIND_INPUT || v->target) continue;
        if (has_rows(&s->types[i])) {
            s->views[i] = (view){1, 1};
            int64_t rows = s->types[i].shape.dim[fv_type_batched(&s->types[i])];
            if (first && rows > 0) s->picture = (double)rows;
        }
        first = false;
    }
}

/* Does input i only guide, by its shape or by where its maxima are? */
static bool guides(const fv_node *node, int i) { return i < FV_MAX_PORTS && node->op->guides >> i & 1; }

/* The widest view among the node's data inputs that more than guide. */
static view inputs_view(const survey *s, const fv_node *node) {
    view widest = {0, 0};
    for (int i = 0; i < node->inputs; i++) {
        view v = s->views[node->value_in[i]];
        if (guides(node, i)) continue;
        if (v.extent > widest.extent) widest.extent = v.extent;
        if (v.jump > widest.jump) widest.jump = v.jump;
    }
    return widest;
}

static view grow_view(const survey *s, view in, const fv_cost *cost) {
    if (in.extent <= 0 || cost->extent == 0) return (view){0, 0};
    if (cost->extent < 0) return (view){s->picture, 0}; /* one cell that sees all */
    double stride = (double)(cost->stride > 0 ? cost->stride : 1);
    return (view){in.extent + (double)(cost->extent - 1) * in.jump,
                  cost->upsamples ? in.jump / stride : in.jump * stride};
}

fv_status fv_net_cost(const fv_net *net, const fv_type *types, int n, fv_cost *cost, fv_error *error) {
    const fv_node *node = &net->nodes[n];
    *cost = (fv_cost){.extent = 1, .stride = 1};
    if (!node->op->cost) return FV_OK;
    fv_type out[FV_MAX_OUTPUTS];
    fv_parameter parameter[FV_MAX_PORTS] = {{0}};
    bool open = false;
    fv_type *in = fv_alloc_array((size_t)(node->inputs ? node->inputs : 1), sizeof *in);
    if (!in) return fv_fail_memory(error, "the cost of a layer", (size_t)node->inputs * sizeof *in);
    for (int i = 0; i < node->inputs; i++) {
        in[i] = types[node->value_in[i]];
        open = open || is_open(&in[i]);
    }
    for (int i = 0; i < node->outputs; i++) {
        out[i] = types[node->value_out[i]];
        open = open || is_open(&out[i]);
    }
    for (int k = 0; k < node->parameters; k++) {
        int value = node->value_in[node->inputs + k];
        parameter[k].absent = value < 0;
        if (value < 0) continue;
        parameter[k] = net->values[value].parameter;
        parameter[k].shape = types[value].shape;
    }
    fv_site site = {node->op, node->fields, node->inputs, node->outputs, node->parameters, in, out, parameter};
    node->op->cost(&site, cost);
    if (open) cost->macs = 0; /* unknown until the sizes are fixed */
    fv_free(in);
    return FV_OK;
}

/* ---- one row ---------------------------------------------------------------------------------------------------- */

static void count_parameters(const survey *s, int n, fv_layer *layer, fv_text *working) {
    const fv_node *node = &s->net->nodes[n];
    for (int k = 0; k < node->parameters; k++) {
        int value = node->value_in[node->inputs + k];
        const fv_value_info *v = value < 0 ? NULL : &s->net->values[value];
        /* Shared weights are counted where they were made. */
        if (!v || v->kind != FV_KIND_WEIGHT || v->node != n) continue;
        int64_t count = fv_shape_count(&v->type.shape);
        char shape[96];
        layer->parameters = add(layer->parameters, count);
        if (!v->parameter.fixed) layer->trainable = add(layer->trainable, count);
        fv_text_printf(working, "%s%s", working->length ? " + " : "",
                       v->type.shape.rank ? fv_shape_text(&v->type.shape, shape, sizeof shape) : "1");
    }
}

/* What the layer reads, of several inputs the one with the widest view, and the row that made it. */
static void set_source(const survey *s, const fv_node *node, fv_layer *layer) {
    int widest = -1;
    for (int i = 0; i < node->inputs; i++) {
        if (guides(node, i)) continue;
        if (widest < 0 || s->views[node->value_in[i]].extent > s->views[widest].extent) widest = node->value_in[i];
    }
    layer->from = -1;
    if (widest < 0) return;
    const fv_value_info *v = &s->net->values[widest];
    layer->input = s->types[widest].shape;
    if (v->kind != FV_KIND_RESULT) return;
    int made = s->net->nodes[v->node].sugar_of < 0 ? v->node : s->net->nodes[v->node].sugar_of;
    layer->from = s->row_of[made];
}

/* Output, its bytes and its view: those of a node, or of the activation merged into its row. */
static void set_result(const survey *s, const fv_node *node, fv_layer *layer) {
    const fv_type *first = &s->types[node->value_out[0]];
    view v = s->views[node->value_out[0]];
    layer->output = first->shape;
    layer->bytes = 0;
    for (int i = 0; i < node->outputs; i++) {
        const fv_type *t = &s->types[node->value_out[i]];
        int64_t bytes;
        if (is_open(t)) continue;
        layer->bytes = add(layer->bytes,
                           fv_mul_i64(fv_type_each(t), (int64_t)fv_dtype_size(t->dtype), &bytes) ? bytes : INT64_MAX);
    }
    layer->receptive_field = (int64_t)ceil(v.extent);
    layer->jump = (int64_t)ceil(v.jump);
}

/* Hands a finished text to the summary's arena. */
static const char *keep(const survey *s, fv_text *text) {
    const char *kept =
        text->failed ? NULL : fv_arena_text(s->summary->arena, text->data ? text->data : "", text->length);
    fv_text_free(text);
    return kept;
}

static fv_status add_row(survey *s, int n, const fv_cost *cost) {
    const fv_node *node = &s->net->nodes[n];
    fv_layer *layer = &s->summary->layers[s->summary->count];
    fv_text detail = {0}, working = {0};
    *layer = (fv_layer){.macs = cost->macs};
    fv_fields_to_text(node->op, node->fields, &detail);
    count_parameters(s, n, layer, &working);
    layer->detail = keep(s, &detail);
    layer->working = keep(s, &working);
    layer->name = fv_arena_printf(s->summary->arena, "%s", node->name);
    layer->op = fv_arena_printf(s->summary->arena, "%s", node->op->name);
    if (!layer->detail || !layer->working || !layer->name || !layer->op)
        return fv_fail_memory(s->error, "a summary", sizeof *layer);
    set_source(s, node, layer);
    set_result(s, node, layer);
    s->row_of[n] = s->summary->count++;
    return FV_OK;
}

bool fv_net_for_training(const fv_net *net, int n) {
    int value = net->nodes[n].value_out[0];
    return net->values[value].of_target || fv_net_is_loss(net, value);
}

static fv_status survey_node(survey *s, int n) {
    const fv_node *node = &s->net->nodes[n];
    fv_cost cost;
    s->row_of[n] = -1;
    if (fv_net_for_training(s->net, n)) return FV_OK;
    fv_status status = fv_net_cost(s->net, s->types, n, &cost, s->error);
    if (status) return status;
    view v = grow_view(s, inputs_view(s, node), &cost);
    for (int i = 0; i < node->outputs; i++) s->views[node->value_out[i]] = v;
    int row = node->sugar_of < 0 ? -1 : s->row_of[node->sugar_of];
    if (row < 0) return add_row(s, n, &cost);
    fv_layer *layer = &s->summary->layers[row];
    layer->macs = add(layer->macs, cost.macs);
    set_result(s, node, layer);
    return FV_OK;
}

static void add_up(const survey *s) {
    fv_layer *total = &s->summary->total;
    int output = fv_net_output_value(s->net);
    *total = (fv_layer){.name = "total", .op = "", .detail = "", .working = "", .from = -1};
    for (int i = 0; i < s->summary->count; i++) {
        const fv_layer *l = &s->summary->layers[i];
        total->parameters = add(total->parameters, l->parameters);
        total->trainable = add(total->trainable, l->trainable);
        total->macs = add(total->macs, l->macs);
        total->bytes = add(total->bytes, l->bytes);
    }
    if (output < 0) return;
    total->output = s->types[output].shape;
    total->receptive_field = (int64_t)ceil(s->views[output].extent);
    total->jump = (int64_t)ceil(s->views[output].jump);
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static fv_status survey_net(survey *s, const fv_shape *input) {
    const fv_net *net = s->net;
    size_t values = (size_t)net->value_count, nodes = (size_t)(net->node_count ? net->node_count : 1);
    s->summary->arena = fv_arena_new();
    s->types = fv_alloc_array(values, sizeof *s->types);
    s->views = fv_alloc_array(values, sizeof *s->views);
    s->row_of = fv_alloc_array(nodes, sizeof *s->row_of);
    s->summary->layers = fv_alloc_array(nodes, sizeof *s->summary->layers);
    if (!s->summary->arena || !s->types || !s->views || !s->row_of || !s->summary->layers)
        return fv_fail_memory(s->error, "a summary", nodes * sizeof *s->summary->layers);
    fv_status status = fv_net_infer(net, input, s->types, s->error);
    if (status) return status;
    start_views(s);
    for (int n = 0; !status && n < net->node_count; n++) status = survey_node(s, n);
    if (!status) add_up(s);
    return status;
}

fv_summary *fv_summarize(fv_net *net, const fv_shape *input, fv_error *error) {
    if (fv_net_check(net, error)) return NULL;
    fv_summary *summary = fv_alloc(sizeof *summary);
    if (!summary) {
        fv_fail_memory(error, "a summary", sizeof *summary);
        return NULL;
    }
    survey s = {.net = net, .summary = summary, .error = error};
    fv_status status = survey_net(&s, input);
    fv_free(s.types);
    fv_free(s.views);
    fv_free(s.row_of);
    if (!status) return summary;
    fv_summary_free(summary);
    return NULL;
}

void fv_summary_free(fv_summary *summary) {
    if (!summary) return;
    fv_arena_free(summary->arena);
    fv_free(summary->layers);
    fv_free(summary);
}

int fv_summary_count(const fv_summary *summary) { return summary ? summary->count : 0; }

const fv_layer *fv_summary_layer(const fv_summary *summary, int index) {
    return summary && index >= 0 && index < summary->count ? &summary->layers[index] : NULL;
}

fv_layer fv_summary_total(const fv_summary *summary) {
    return summary ? summary->total : (fv_layer){.name = "total", .op = "", .detail = "", .working = "", .from = -1};
}
