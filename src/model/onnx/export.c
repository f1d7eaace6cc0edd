/* export.c - a model as an .onnx file: values in ONNX's order, one rule for each operator, the file around them. */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "export_state.h"
#include "onnx_file.h"

/* ---- the list of rules ------------------------------------------------------------------------------------------ */

static const struct {
    const char *op;
    fv_export_rule rule;
} rules[] = {
#define EXPORT(op, function) {#op, function},
#include "exports.def"
#undef EXPORT
};

static fv_export_rule find_rule(const char *op) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!strcmp(rules[i].op, op)) return rules[i].rule;
    return NULL;
}

/* ---- values in an order ----------------------------------------------------------------------------------------- */

const fv_net *fv_export_net(const fv_export *ex) { return ex->net; }
const fv_type *fv_export_type(const fv_export *ex, int value) { return &ex->types[value]; }
const fv_type *fv_export_out_type(const fv_export *ex, const fv_node *node) { return &ex->types[node->value_out[0]]; }

/* Has it channels that may stand in front? */
static bool has_order(const fv_type *type) { return fv_type_batched(type) && type->shape.rank >= 3; }

static const char *transpose(fv_export *ex, const fv_node *node, const char *from, int rank, bool to_first) {
    int64_t perm[FV_MAX_RANK] = {0};
    for (int d = 1; d < rank; d++) perm[d] = to_first ? (d == 1 ? rank - 1 : d - 1) : (d == rank - 1 ? 1 : d + 1);
    const char *to = fv_export_between(ex, node);
    fv_export_begin(ex, node, "Transpose");
    fv_export_input(ex, from);
    fv_export_output(ex, to);
    fv_export_ints(ex, "perm", perm, rank);
    fv_export_end(ex);
    return to;
}

static const char *reshape(fv_export *ex, const fv_node *node, const char *from, const int64_t *sizes, int count) {
    return fv_export_call(ex, node, "Reshape", NULL, from, fv_export_wholes(ex, node, sizes, count), NULL);
}

/* From numbered channel by channel to numbered cell by cell. */
static const char *unflatten(fv_export *ex, const fv_node *node, const fv_exported *x) {
    const fv_shape *picture = &x->picture;
    int64_t sizes[FV_MAX_RANK] = {0, picture->dim[picture->rank - 1]}, flat[2] = {0, -1};
    for (int d = 1; d < picture->rank - 1; d++) sizes[d + 1] = picture->dim[d];
    const char *name = reshape(ex, node, x->name, sizes, picture->rank);
    return reshape(ex, node, transpose(ex, node, name, picture->rank, false), flat, 2);
}

fv_exported fv_export_reorder(fv_export *ex, const fv_node *node, const fv_exported *x, fv_export_order order) {
    fv_exported y = *x;
    if (!x->name || order == FV_EXPORT_ANY) return y;
    bool first = order == FV_EXPORT_FIRST && has_order(&x->type);
    if (x->picture.rank && order == FV_EXPORT_OURS) {
        y.name = unflatten(ex, node, x);
        y.picture = (fv_shape){.rank = 0};
    } else if (first != x->first) {
        y.name = transpose(ex, node, x->name, x->type.shape.rank, first);
        y.first = first;
    }
    return y;
}

/* A weight or constant that is read as a value. */
static const char *read_weight(fv_export *ex, const fv_node *node, int value) {
    const fv_value_info *info = &ex->net->values[value];
    const void *data = info->kind == FV_KIND_CONSTANT ? info->constant : ex->model->weights.of[value].data;
    if (!data) return fv_export_refuse(ex, node, "%s cannot be read", info->name), NULL;
    const char *name = ex->weights[value] ? fv_export_between(ex, node) : info->name;
    ex->weights[value] = name;
    return fv_export_initializer(ex, name, info->type.dtype, &info->type.shape, data);
}

fv_exported fv_export_in(fv_export *ex, const fv_node *node, int i, fv_export_order order) {
    int value = node->value_in[i];
    fv_exported *made = &ex->values[value], *turned = &ex->turned[value];
    if (ex->status) return (fv_exported){.type = ex->types[value]};
    if (!made->name) *made = (fv_exported){.name = read_weight(ex, node, value), .type = ex->types[value]};
    fv_exported x = fv_export_reorder(ex, node, made, FV_EXPORT_ANY);
    bool same = order == FV_EXPORT_ANY || (order == FV_EXPORT_OURS ? !made->first && !made->picture.rank
                                                                   : made->first || !has_order(&made->type));
    if (same || !made->name) return x;
    if (!turned->name) *turned = fv_export_reorder(ex, node, made, order);
    return *turned;
}

/* With sizes of 1 behind the batch (or in front) until it has `rank` of them, then in the order. */
static fv_exported raise_rank(fv_export *ex, const fv_node *node, const fv_exported *x, int rank, bool first) {
    int lead = fv_type_batched(&x->type), own = x->type.shape.rank - lead;
    int64_t sizes[FV_MAX_RANK];
    if (!first && !lead) return *x;
    fv_exported y = *x;
    if (x->type.shape.rank < rank) {
        int count = 0;
        sizes[count++] = lead ? 0 : 1;
        while (count < rank - own) sizes[count++] = 1;
        for (int d = 0; d < own; d++) sizes[count++] = x->type.shape.dim[lead + d];
        y.name = reshape(ex, node, x->name, sizes, rank);
    }
    if (first) y.name = transpose(ex, node, y.name, rank, true);
    return y;
}

static bool same_shape(const fv_shape *a, const fv_shape *b) { return fv_shape_equal(a, b); }

void fv_export_together(fv_export *ex, const fv_node *node, fv_exported *into) {
    int rank = fv_export_out_type(ex, node)->shape.rank;
    bool first = false, pictures = true;
    for (int i = 0; i < node->inputs; i++) {
        into[i] = fv_export_in(ex, node, i, FV_EXPORT_ANY);
        first |= into[i].first;
        pictures &= into[i].picture.rank > 0 && same_shape(&into[i].picture, &into[0].picture);
    }
    for (int i = 0; i < node->inputs && !ex->status; i++) {
        bool full = has_order(&into[i].type) && into[i].type.shape.rank == rank;
        if (pictures) continue;
        into[i] = fv_export_in(ex, node, i, full && first ? FV_EXPORT_FIRST : FV_EXPORT_OURS);
        if (!full && rank > 1) into[i] = raise_rank(ex, node, &into[i], rank, first);
        into[i].first = first;
    }
}

/* ---- results ---------------------------------------------------------------------------------------------------- */

static const char *bind(fv_export *ex, const fv_node *node, bool first, const fv_shape *picture) {
    int value = node->value_out[0];
    ex->values[value] = (fv_exported){.name = ex->net->values[value].name, .type = ex->types[value], .first = first};
    if (picture) ex->values[value].picture = *picture;
    return ex->values[value].name;
}

const char *fv_export_bind(fv_export *ex, const fv_node *node, const fv_exported *like) {
    return bind(ex, node, like->first, &like->picture);
}

const char *fv_export_bind_order(fv_export *ex, const fv_node *node, bool first) { return bind(ex, node, first, NULL); }

void fv_export_bind_same(fv_export *ex, const fv_node *node, const fv_exported *x) {
    bind(ex, node, x->first, &x->picture);
    ex->values[node->value_out[0]].name = x->name;
}

void fv_export_simple(fv_export *ex, const fv_node *node, const char *op, const fv_exported *x) {
    fv_export_call(ex, node, op, fv_export_bind(ex, node, x), x->name, NULL, NULL);
}

/* ---- the graph -------------------------------------------------------------------------------------------------- */

/* What the outputs are computed from. */
static void mark_needed(const fv_export *ex, bool *needed) {
    const fv_net *net = ex->net;
    for (int i = 0; i < net->output_count; i++) needed[net->outputs[i].value] = true;
    if (!net->output_count) needed[fv_net_output_value(net)] = true;
    for (int n = net->node_count - 1; n >= 0; n--) {
        const fv_node *node = &net->nodes[n];
        bool any = false;
        for (int k = 0; k < node->outputs; k++) any |= needed[node->value_out[k]];
        for (int k = 0; k < node->inputs && any; k++)
            if (node->value_in[k] >= 0) needed[node->value_in[k]] = true;
    }
}

static void write_port(fv_wire *w, int field, const char *name, const fv_type *type, bool first) {
    size_t port = fv_wire_begin(w, field);
    fv_wire_text(w, FV_PORT_NAME, name);
    size_t kind = fv_wire_begin(w, FV_PORT_TYPE), tensor = fv_wire_begin(w, FV_TYPE_TENSOR);
    fv_wire_varint(w, FV_TYPE_ELEMENT, (uint64_t)fv_export_element(type->dtype));
    size_t shape = fv_wire_begin(w, FV_TYPE_SHAPE);
    int rank = type->shape.rank;
    for (int d = 0; d < rank; d++) {
        int from = !first || d == 0 ? d : d == 1 ? rank - 1 : d - 1;
        size_t dim = fv_wire_begin(w, FV_SHAPE_DIM);
        if (type->shape.dim[from] == FV_BATCH)
            fv_wire_text(w, FV_DIM_NAME, "N");
        else if (type->shape.dim[from] >= 0)
            fv_wire_varint(w, FV_DIM_VALUE, (uint64_t)type->shape.dim[from]);
        fv_wire_end(w, dim);
    }
    fv_wire_end(w, shape);
    fv_wire_end(w, tensor);
    fv_wire_end(w, kind);
    fv_wire_end(w, port);
}

static void write_inputs(fv_export *ex, const bool *needed, fv_wire *ports) {
    for (int v = 0; v < ex->net->value_count; v++) {
        const fv_value_info *info = &ex->net->values[v];
        if (info->kind != FV_KIND_INPUT || info->target || !needed[v]) continue;
        bool first = !ex->channels_last && has_order(&ex->types[v]);
        ex->values[v] = (fv_exported){.name = info->name, .type = ex->types[v], .first = first};
        write_port(ports, FV_GRAPH_INPUT, info->name, &ex->types[v], first);
    }
}

static void write_output(fv_export *ex, int value, const char *name, fv_wire *ports) {
    const fv_exported *made = &ex->values[value];
    if (ex->status) return;
    if (!made->name || ex->net->values[value].kind != FV_KIND_RESULT) {
        ex->status = fv_fail_at(ex->error, FV_E_UNSUPPORTED, ex->path, 0, 0,
                                "the net's output %s is computed by no layer", ex->net->values[value].name);
        return;
    }
    const fv_node *node = &ex->net->nodes[ex->net->values[value].node];
    fv_export_order order = made->picture.rank || ex->channels_last ? FV_EXPORT_OURS : FV_EXPORT_FIRST;
    fv_exported y = fv_export_reorder(ex, node, made, order);
    if (!name) name = y.name;
    if (y.name && strcmp(name, y.name) != 0) fv_export_call(ex, node, "Identity", name, y.name, NULL, NULL);
    write_port(ports, FV_GRAPH_OUTPUT, name, &y.type, y.first);
}

static void write_nodes(fv_export *ex, const bool *needed) {
    for (int n = 0; n < ex->net->node_count && !ex->status; n++) {
        const fv_node *node = &ex->net->nodes[n];
        bool any = false;
        for (int k = 0; k < node->outputs; k++) any |= needed[node->value_out[k]];
        if (!any) continue;
        fv_export_rule rule = find_rule(node->op->name);
        if (!rule)
            fv_export_refuse(ex, node, "there is no way to say this operator in ONNX's opset %d yet", FV_ONNX_OPSET);
        else
            rule(ex, node);
    }
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static void write_entry(fv_wire *w, const char *key, const char *value) {
    size_t entry = fv_wire_begin(w, FV_MODEL_METADATA);
    fv_wire_text(w, FV_ENTRY_KEY, key);
    fv_wire_text(w, FV_ENTRY_VALUE, value);
    fv_wire_end(w, entry);
}

/* Class names and preprocessing under the keys that model files have. */
static fv_status write_metadata(fv_export *ex, fv_wire *w) {
    static const char *const kept[] = {"fovea.classes", "fovea.preprocess", "fovea.version"};
    fv_store *store = fv_store_new();
    fv_status status = store ? fv_model_to_store(ex->model, store, ex->error) : fv_fail_memory(ex->error, ex->path, 0);
    for (size_t i = 0; i < sizeof kept / sizeof *kept && !status; i++) {
        const char *text = fv_store_note(store, kept[i]);
        if (text) write_entry(w, kept[i], text);
    }
    write_entry(w, FV_ONNX_ORDER, ex->channels_last ? "channels_last" : "channels_first");
    fv_store_free(store);
    return status;
}

static fv_status write_file(fv_export *ex, const fv_wire *ports) {
    fv_wire head = {0}, tail = {0};
    size_t graph;
    fv_wire_varint(&head, FV_MODEL_IR, FV_ONNX_IR);
    fv_wire_text(&head, FV_MODEL_PRODUCER, "fovea");
    fv_wire_text(&head, FV_MODEL_PRODUCER_VERSION, fv_version());
    size_t opset = fv_wire_begin(&head, FV_MODEL_OPSET);
    fv_wire_varint(&head, FV_OPSET_VERSION, FV_ONNX_OPSET);
    fv_wire_end(&head, opset);
    bool fits = fv_add_size(ex->nodes.size, ports->size, &graph) && fv_add_size(graph, ex->initializers.size, &graph);
    fv_wire_head(&head, FV_MODEL_GRAPH, graph);
    fv_status status = write_metadata(ex, &tail);
    bool failed = head.failed || tail.failed || ports->failed || ex->nodes.failed || ex->initializers.failed;
    if (!status && failed) status = fv_fail_memory(ex->error, ex->path, graph);
    if (!status && (!fits || graph > INT32_MAX))
        status = fv_fail_at(ex->error, FV_E_UNSUPPORTED, ex->path, 0, 0,
                            "the file would have %zu bytes; one .onnx file holds less than 2 GiB", graph);
    fv_part parts[] = {{head.data, head.size},
                       {ex->nodes.data, ex->nodes.size},
                       {ports->data, ports->size},
                       {ex->initializers.data, ex->initializers.size},
                       {tail.data, tail.size}};
    if (!status) status = fv_write_bytes(ex->path, parts, sizeof parts / sizeof *parts, ex->error);
    fv_wire_free(&head);
    fv_wire_free(&tail);
    return status;
}

static fv_status write_graph(fv_export *ex, const bool *needed) {
    fv_wire ports = {0};
    const fv_net *net = ex->net;
    fv_wire_text(&ports, FV_GRAPH_NAME, "fovea");
    write_inputs(ex, needed, &ports);
    write_nodes(ex, needed);
    for (int i = 0; i < net->output_count; i++) write_output(ex, net->outputs[i].value, net->outputs[i].name, &ports);
    if (!net->output_count) write_output(ex, fv_net_output_value(net), NULL, &ports);
    fv_status status = ex->status ? ex->status : write_file(ex, &ports);
    fv_wire_free(&ports);
    return status;
}

static fv_status begin(fv_export *ex, const fv_shape *input) {
    size_t values = (size_t)ex->net->value_count + 1, bytes = 4096;
    ex->arena = fv_arena_new();
    if (!ex->arena) return fv_fail_memory(ex->error, ex->path, 0);
    ex->types = fv_export_memory(ex, values * sizeof *ex->types);
    ex->values = fv_export_memory(ex, values * sizeof *ex->values);
    ex->turned = fv_export_memory(ex, values * sizeof *ex->turned);
    ex->weights = fv_export_memory(ex, values * sizeof *ex->weights);
    for (int i = 0; i < ex->model->weight_count; i++) {
        fv_tensor weight = fv_model_weight(ex->model, i);
        bytes += (size_t)fv_shape_count(&weight.shape) * fv_dtype_size(weight.dtype) + 256;
    }
    ex->initializers.data = fv_alloc(bytes); /* once, instead of doubling */
    ex->initializers.capacity = ex->initializers.data ? bytes : 0;
    return ex->status ? ex->status : fv_net_infer(ex->net, input, ex->types, ex->error);
}

fv_status fv_onnx_export_with(const fv_model *model, const char *path, fv_error *error,
                              const fv_onnx_export_options *given) {
    fv_onnx_export_options options = {0};
    memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    if (!model || !path) return fv_fail(error, FV_E_ARGUMENT, "fv_onnx_export: a model or a path is missing");
    fv_export ex = {
        .model = model, .net = model->net, .path = path, .error = error, .channels_last = options.channels_last};
    fv_status status = begin(&ex, options.input.rank ? &options.input : NULL);
    if (!status && fv_net_output_value(ex.net) < 0)
        status = fv_fail_at(error, FV_E_ARGUMENT, path, 0, 0, "the net has no output");
    bool *needed = status ? NULL : fv_export_memory(&ex, (size_t)ex.net->value_count);
    if (!status && !needed) status = ex.status;
    if (!status) {
        mark_needed(&ex, needed);
        status = write_graph(&ex, needed);
    }
    fv_wire_free(&ex.nodes);
    fv_wire_free(&ex.initializers);
    fv_arena_free(ex.arena);
    return status;
}
