/* import.c - the driver: values by name, the graph's inputs, node by node by its rule, the results. */
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "hash.h"
#include "import_state.h"
#include "initializers.h"
#include "onnx_model.h"

/* ---- the list of rules ------------------------------------------------------------------------------------------ */

static const struct {
    const char *domain, *op;
    fv_onnx_rule rule;
    fv_rule_kind kind;
} rules[] = {
#define RULE(op, function) {"", #op, function, FV_RULE_PLAIN},
#define RULE_SAMPLES(op, function) {"", #op, function, FV_RULE_SAMPLES},
#define RULE_SPATIAL(op, function) {"", #op, function, FV_RULE_SPATIAL},
#define RULE_IN(domain, op, function) {domain, #op, function, FV_RULE_PLAIN},
#include "rules.def"
#undef RULE
#undef RULE_SAMPLES
#undef RULE_SPATIAL
#undef RULE_IN
};

static int find_rule(const char *domain, const char *op) {
    for (int i = 0; i < (int)(sizeof rules / sizeof rules[0]); i++)
        if (!strcmp(rules[i].op, op) && !strcmp(rules[i].domain, domain)) return i;
    return -1;
}

fv_onnx_rule fv_onnx_find_rule(const char *domain, const char *op) {
    int i = find_rule(domain, op);
    return i < 0 ? NULL : rules[i].rule;
}

bool fv_onnx_rule_kind(const char *domain, const char *op, fv_rule_kind *kind) {
    int i = find_rule(domain, op);
    if (i >= 0) *kind = rules[i].kind;
    return i >= 0;
}

/* ---- values by name ----------------------------------------------------------------------------------------------- */

static fv_named_value *entry_of(const fv_import *im, const char *name) {
    size_t i = (size_t)fv_hash_text(name) & (im->slots - 1);
    while (im->table[i].name && strcmp(im->table[i].name, name)) i = (i + 1) & (im->slots - 1);
    return &im->table[i];
}

fv_imported *fv_import_lookup(const fv_import *im, const char *name) { return entry_of(im, name)->what; }

static bool grow_table(fv_import *im) {
    if (im->used * 2 < im->slots) return true;
    fv_import larger = *im;
    larger.slots = im->slots * 2;
    larger.table = fv_alloc_array(larger.slots, sizeof *larger.table);
    if (!larger.table) return false;
    for (size_t i = 0; i < im->slots; i++)
        if (im->table[i].name) *entry_of(&larger, im->table[i].name) = im->table[i];
    fv_free(im->table);
    *im = larger;
    return true;
}

fv_status fv_import_define(fv_import *im, const fv_onnx_node *node, const char *name, const fv_imported *what) {
    fv_imported *copy = fv_import_memory(im, sizeof *copy);
    char shown[100];
    if (!copy || !grow_table(im)) return fv_fail_memory(im->error, "an import", sizeof *copy);
    fv_named_value *entry = entry_of(im, name);
    fv_escape(name, shown, sizeof shown);
    if (entry->name && node) return fv_import_wrong(im, node, "\"%s\" is made a second time", shown);
    if (entry->name) return fv_fail(im->error, FV_E_FORMAT, "\"%s\" is there twice", shown);
    *copy = *what;
    *entry = (fv_named_value){name, copy};
    im->used++;
    return FV_OK;
}

/* ---- life --------------------------------------------------------------------------------------------------------- */

bool fv_import_start(fv_import *im, fv_error *error) {
    *im = (fv_import){.error = error, .slots = 64};
    im->arena = fv_arena_new();
    im->net = fv_net_new();
    im->table = fv_alloc_array(im->slots, sizeof *im->table);
    if (im->arena && im->net && im->table) return true;
    return fv_fail_memory(error, "an import", sizeof *im), false;
}

void fv_import_end(fv_import *im) {
    fv_net_free(im->net);
    fv_free(im->table);
    fv_free(im->fills);
    fv_free(im->fill_of);
    fv_arena_free(im->arena);
    *im = (fv_import){0};
}

/* ---- names ---------------------------------------------------------------------------------------------------------- */

const char *fv_import_free_name(fv_import *im, const char *name, const char *otherwise) {
    char good[140] = "", *to = good;
    for (const char *s = name; *s && to < good + 120; s++) {
        bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_', digit = *s >= '0' && *s <= '9';
        if (digit && to == good) *to++ = '_';
        *to++ = letter || digit ? *s : '_';
    }
    *to = 0;
    if (!*good) snprintf(good, sizeof good, "%s", otherwise ? otherwise : "value");
    const char *free_one = fv_arena_printf(im->net->arena, "%s", good);
    for (int i = 2; free_one && fv_names_used(im->net, free_one); i++)
        free_one = fv_arena_printf(im->net->arena, "%s_%d", good, i);
    return free_one;
}

/* ---- inputs --------------------------------------------------------------------------------------------------------- */

static const fv_tensor *given_for(const fv_import *im, const char *name) {
    for (int i = 0; i < im->given_count; i++)
        if (!strcmp(im->given[i].name, name)) return &im->given[i].tensor;
    return NULL;
}

static fv_status bad_input(fv_import *im, const char *name, const char *problem) {
    char shown[100];
    fv_escape(name, shown, sizeof shown);
    return fv_fail(im->error, FV_E_UNSUPPORTED, "input \"%s\": %s", shown, problem);
}

/* What the graph's input i is: its shape as the file and a given value say, with the batch where it has one. */
static fv_status define_input(fv_import *im, int i) {
    const fv_onnx_port *port = fv_onnx_input(im->file, i);
    const fv_tensor *given = given_for(im, port->name);
    fv_imported x = {.dtype = port->dtype, .shape = port->shape, .value = {im->net, -1}, .input = i + 1};
    if (x.dtype == FV_NO_DTYPE && given) x.dtype = given->dtype;
    if (x.dtype == FV_NO_DTYPE) return bad_input(im, port->name, "a type that this program lacks");
    if (!port->known_rank && !given) return bad_input(im, port->name, "the file does not say its shape");
    if (given && port->known_rank && given->shape.rank != port->shape.rank)
        return bad_input(im, port->name, "the given value has another rank");
    if (given) x.shape = given->shape;
    bool symbolic = port->known_rank && port->shape.rank > 0 && port->shape.dim[0] == FV_OPEN;
    if (im->batched && x.shape.rank > 0 && (symbolic || x.shape.dim[0] == im->declared)) x.shape.dim[0] = FV_BATCH;
    for (int d = 0; d < x.shape.rank; d++)
        if (x.shape.dim[d] == FV_OPEN && (!im->batched || d == 0 || (d == 1 && x.shape.rank > 2)))
            return bad_input(im, port->name, "its sizes must be known; only the batch and spatial sizes may be open");
    return fv_import_define(im, NULL, port->name, &x);
}

fv_status fv_import_make_input(fv_import *im, const fv_onnx_node *node, fv_imported *x) {
    const fv_onnx_port *port = fv_onnx_input(im->file, x->input - 1);
    bool batched = x->shape.rank > 0 && x->shape.dim[0] == FV_BATCH;
    fv_input_options o = {.size = sizeof o, .dtype = x->dtype, .no_batch = !batched};
    x->last = batched && im->spatial && x->dtype == FV_F32 && x->shape.rank >= 3;
    for (int d = batched; d < x->shape.rank; d++) {
        int axis = !x->last ? d : d == x->shape.rank - 1 ? 1 : d + 1;
        o.shape.dim[o.shape.rank++] = x->shape.dim[axis];
    }
    o.name = fv_import_free_name(im, port->name, "input");
    x->value = fv_input_with(im->net, &o);
    if (x->value.id >= 0) return im->input_value[x->input - 1] = x->value.id, FV_OK;
    return fv_import_refuse(im, node, "input \"%.60s\": %.200s", port->name, im->net->error.message);
}

static fv_status define_initializers(fv_import *im) {
    fv_status status = FV_OK;
    for (int i = 0; i < fv_onnx_initializer_count(im->file) && !status; i++) {
        const fv_onnx_tensor *tensor = fv_onnx_initializer(im->file, i);
        fv_known *known = fv_import_memory(im, sizeof *known);
        if (!known) return fv_fail_memory(im->error, "an import", sizeof *known);
        *known = (fv_known){
            .name = tensor->name, .dtype = tensor->dtype, .shape = tensor->shape, .file = tensor, .initializer = true};
        if (known->dtype == FV_NO_DTYPE) return bad_input(im, tensor->name, "a type that this program lacks");
        status = fv_import_define(
            im, NULL, tensor->name,
            &(fv_imported){.dtype = known->dtype, .shape = tensor->shape, .known = known, .value = {im->net, -1}});
    }
    return status;
}

/* ---- node by node ------------------------------------------------------------------------------------------------------ */

bool fv_import_is_read(const fv_import *im, const fv_onnx_node *node, int k) {
    if (k >= node->output_count || !*node->outputs[k]) return false;
    for (int n = node->index + 1; n < fv_onnx_node_count(im->file); n++) {
        const fv_onnx_node *other = fv_onnx_node_at(im->file, n);
        for (int i = 0; i < other->input_count; i++)
            if (!strcmp(other->inputs[i], node->outputs[k])) return true;
    }
    for (int i = 0; i < fv_onnx_output_count(im->file); i++)
        if (!strcmp(fv_onnx_output(im->file, i)->name, node->outputs[k])) return true;
    return false;
}

/* All operands there; is every one known? A node without operands makes something known or is refused by its rule. */
static fv_status look_at_operands(fv_import *im, const fv_onnx_node *node, bool *known) {
    int given = 0;
    *known = true;
    for (int i = 0; i < node->input_count; i++) {
        fv_imported x;
        if (!fv_import_has(node, i)) continue;
        fv_status status = fv_import_operand(im, node, i, &x);
        if (status) return status;
        *known = *known && x.known;
        given++;
    }
    *known = *known && given > 0;
    return FV_OK;
}

static fv_status import_node(fv_import *im, const fv_onnx_node *node) {
    bool known;
    fv_onnx_rule rule = fv_onnx_find_rule(node->domain, node->op);
    fv_status status = look_at_operands(im, node, &known);
    if (status) return status;
    /* what already binds known results by itself need not run; a shape of known operands neither */
    for (int k = 0; k < node->output_count; k++)
        if (node->outputs[k][0] == 1)
            return fv_import_wrong(im, node, "its output %d has a name that nothing may have", k);
    status = known ? fv_import_fold(im, node) : rule(im, node);
    for (int k = 0; k < node->output_count && !status; k++)
        if (!fv_import_lookup(im, node->outputs[k]) && fv_import_is_read(im, node, k))
            status = fv_import_refuse(im, node, "its output %d", k);
    return status;
}

/* Before anything else: operators without a rule, each named once. */
static fv_status check_operators(const fv_onnx_file *file, fv_error *error) {
    char list[300] = "", one[100], shown[80];
    int missing = 0;
    for (int n = 0; n < fv_onnx_node_count(file); n++) {
        const fv_onnx_node *node = fv_onnx_node_at(file, n);
        fv_rule_kind kind;
        if (fv_onnx_rule_kind(node->domain, node->op, &kind)) continue;
        snprintf(one, sizeof one, "%.30s%s%.50s", node->domain, *node->domain ? "." : "", node->op);
        fv_escape(one, shown, sizeof shown);
        snprintf(one, sizeof one, " %s,", shown);
        if (strstr(list, one)) continue;
        missing++;
        if (strlen(list) + strlen(one) + 1 < sizeof list) strcat(list, one);
        if (missing == 1) continue;
    }
    if (!missing) return FV_OK;
    list[strlen(list) - 1] = 0;
    return fv_fail_at(error, FV_E_UNSUPPORTED, fv_onnx_file_name(file), 0, 0, "operator%s not supported:%s",
                      missing > 1 ? "s" : "", list);
}

/* ---- results -------------------------------------------------------------------------------------------------------------- */

static fv_status make_outputs(fv_import *im) {
    for (int i = 0; i < fv_onnx_output_count(im->file); i++) {
        const char *name = fv_onnx_output(im->file, i)->name;
        fv_imported *x = fv_import_lookup(im, name);
        char shown[100];
        fv_escape(name, shown, sizeof shown);
        if (!x) return fv_fail(im->error, FV_E_FORMAT, "output \"%s\": no node makes it", shown);
        if (x->known) continue;
        const fv_onnx_node nobody = {.name = "", .op = "the graph's output"};
        fv_status status = x->value.id < 0 ? fv_import_make_input(im, &nobody, x) : fv_import_settle(im, &nobody, x);
        if (status) return status;
        /* an output's name is not one of the net's values, but two of them must differ */
        char good[40];
        snprintf(good, sizeof good, "output%d", i + 1);
        fv_output(x->value, fv_onnx_output_count(im->file) == 1 ? NULL : good);
    }
    return im->net->output_count ? fv_net_check(im->net, im->error) : FV_OK; /* all results are known */
}

static fv_status fill(fv_import *im, fv_model *model, int value) {
    float *to = model->weights.of[value].data;
    const fv_value_info *v = &im->net->values[value];
    int i = value < im->fill_of_count ? im->fill_of[value] - 1 : -1;
    if (i >= 0) return fv_fill_copy(im, &im->fills[i].from, 0, to);
    return fv_initialize(v->parameter.initializer ? v->parameter.initializer : "zeros", to, &v->type.shape,
                         v->parameter.axes, 0, v->name, im->error);
}

fv_model *fv_import_model(fv_import *im) {
    fv_model *model = fv_model_around(im->net, im->error);
    if (!model) return NULL;
    fv_status status = fv_model_allocate(model, im->error);
    for (int i = 0; i < model->weight_count && !status; i++) status = fill(im, model, model->weight_values[i]);
    if (!status) return model;
    return fv_model_free(model), NULL;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------------ */

static bool has_kind(const fv_onnx_file *file, fv_rule_kind least) {
    for (int n = 0; n < fv_onnx_node_count(file); n++) {
        fv_rule_kind kind;
        const fv_onnx_node *node = fv_onnx_node_at(file, n);
        if (fv_onnx_rule_kind(node->domain, node->op, &kind) && kind >= least) return true;
    }
    return false;
}

/* Do pictures come with their channels first? Files of ours say whether they do; others have an operator that wants them so. */
static bool pictures_first(const fv_onnx_file *file) {
    for (int i = 0; i < fv_onnx_metadata_count(file); i++)
        if (!strcmp(fv_onnx_metadata(file, i).key, FV_ONNX_ORDER))
            return !strcmp(fv_onnx_metadata(file, i).value, "channels_first");
    return has_kind(file, FV_RULE_SPATIAL);
}

/* The batch that the first input names: 0 where it is symbolic, -1 where there is none. */
static int64_t declared_batch(const fv_import *im) {
    if (fv_onnx_input_count(im->file) == 0) return -1;
    const fv_onnx_port *port = fv_onnx_input(im->file, 0);
    const fv_tensor *given = given_for(im, port->name);
    const fv_shape *shape = given ? &given->shape : &port->shape;
    return shape->rank == 0 ? -1 : shape->dim[0] == FV_OPEN ? 0 : shape->dim[0];
}

static fv_status attempt(fv_import *im) {
    im->declared = declared_batch(im);
    im->spatial = im->batched && pictures_first(im->file);
    im->input_value = fv_import_memory(im, ((size_t)fv_onnx_input_count(im->file) + 1) * sizeof *im->input_value);
    if (!im->input_value) return fv_fail_memory(im->error, "an import", sizeof *im->input_value);
    fv_status status = define_initializers(im);
    for (int i = 0; i < fv_onnx_input_count(im->file) && !status; i++) {
        im->input_value[i] = -1;
        status = define_input(im, i);
    }
    if (!status) status = fv_import_find_patterns(im);
    for (int n = 0; n < fv_onnx_node_count(im->file) && !status; n++)
        if (!im->passed_over[n])
            status = import_node(im, im->instead[n] ? im->instead[n] : fv_onnx_node_at(im->file, n));
    return status ? status : make_outputs(im);
}

/* The graph in one of its two readings; *mixes tells whether samples were mixed. */
static fv_status try_reading(fv_import *im, const fv_onnx_file *file, bool batched, bool exact,
                             const fv_onnx_options *options, fv_error *error) {
    if (!fv_import_start(im, error)) return FV_E_MEMORY;
    im->file = file;
    im->batched = batched;
    im->exact = exact;
    im->given = options->given;
    im->given_count = options->given_count;
    return attempt(im);
}

fv_status fv_onnx_import(fv_import *im, const fv_onnx_file *file, const fv_onnx_options *options, bool exact,
                         fv_error *error) {
    fv_error first = {0}, second = {0};
    *im = (fv_import){0};
    fv_status status = check_operators(file, error);
    if (status) return status;
    fv_import head = {.file = file, .given = options->given, .given_count = options->given_count};
    bool symbolic = fv_onnx_input_count(file) > 0 && fv_onnx_input(file, 0)->known_rank &&
                    fv_onnx_input(file, 0)->shape.rank > 0 && fv_onnx_input(file, 0)->shape.dim[0] == FV_OPEN;
    bool batched = declared_batch(&head) >= 0 && (symbolic || has_kind(file, FV_RULE_SAMPLES));
    if (!try_reading(im, file, batched, exact, options, &first)) return FV_OK;
    bool mixes = im->mixes;
    fv_import_end(im);
    if (!try_reading(im, file, !batched, exact, options, &second)) return FV_OK;
    fv_import_end(im);
    if (mixes) /* the other reading's problem alone would puzzle */
        fv_fail_at(error, first.status, first.file, 0, 0, "%.230s; with axis 0 as an axis like the others: %.230s",
                   first.message, second.message);
    else if (error)
        *error = first;
    if (error && !error->file[0]) snprintf(error->file, sizeof error->file, "%s", fv_onnx_file_name(file));
    return first.status;
}
