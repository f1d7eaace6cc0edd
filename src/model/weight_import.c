/* weight_import.c - models from tensors that have PyTorch's names and layouts.
 *
 * Every weight of the net is given the name that it has there (weight_names.h) and the shape (weight_layout.h). So the net alone
 * says what is expected, and what is missing or misfits has a name. Nothing is allocated for the model before all fits. */
#include "weight_import.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "model.h"
#include "ncnn.h"
#include "weight_layout.h"
#include "weight_names.h"
#include "zoo.h"

extern const fv_zoo_entry fv_torchvision_entries[]; /* zoo/torchvision/ */

/* ---- the rules of the library ----------------------------------------------------------------------------------- */

int fv_names_count(void) {
    int count = 0;
    while (fv_torchvision_entries[count].name) count++;
    return count;
}

const char *fv_names_name(int index) {
    return index >= 0 && index < fv_names_count() ? fv_torchvision_entries[index].name : NULL;
}

const char *fv_names_text(const char *name) {
    for (const fv_zoo_entry *e = fv_torchvision_entries; e->name; e++)
        if (!strcmp(e->name, name)) return e->text;
    return NULL;
}

/* ---- one import ------------------------------------------------------------------------------------------------- */

typedef struct import {
    const fv_net *net;
    const fv_store *store;
    const char *path;
    const fv_import_options *options;
    fv_error *error;
    char *text; /* of a file of rules */
    fv_weight_names *names;
    int *source; /* by value: the tensor that it is read from */
    bool *used;  /* by tensor */
    int weights, problems;
    fv_text list; /* the problems, for the message */
    bool cut;     /* not all of them fit into it */
} import;

static bool is_weight(const fv_value_info *value) {
    return value->kind == FV_KIND_WEIGHT || value->kind == FV_KIND_STATE;
}

/* How well rules suit: how many of the net's weights they name, and how many of those names the file has. */
typedef struct score {
    int named, found;
} score;

static fv_status rate_names(const import *m, fv_weight_names *names, score *out) {
    *out = (score){0};
    fv_weight_names_restart(names);
    for (int v = 0; v < m->net->value_count; v++) {
        fv_text name = {0};
        if (!is_weight(&m->net->values[v])) continue;
        bool named = fv_weight_names_translate(names, m->net->values[v].name, &name);
        bool failed = name.failed;
        out->named += named;
        out->found += named && !failed && fv_store_find(m->store, name.data) >= 0;
        fv_text_free(&name);
        if (failed) return fv_fail_memory(m->error, "names of weights", 0);
    }
    return FV_OK;
}

/* The rules of the library that name most of the net's weights; of several those that find most of them. */
static fv_status choose_names(import *m) {
    score best = {0}, s;
    for (const fv_zoo_entry *e = fv_torchvision_entries; e->name; e++) {
        fv_weight_names *names = fv_weight_names_parse(e->text, e->name, m->error);
        fv_status status = names ? rate_names(m, names, &s) : FV_E_MEMORY;
        if (!status && (s.named > best.named || (s.named == best.named && s.found > best.found))) {
            fv_weight_names_free(m->names);
            m->names = names;
            best = s;
        } else
            fv_weight_names_free(names);
        if (status) return status;
    }
    if (best.found) return FV_OK;
    return fv_fail_at(m->error, FV_E_FORMAT, m->path, 0, 0,
                      "none of the net's weights is there by any of the names that are known; expected names of "
                      "torchvision (or rules for others)");
}

static fv_status fail_unknown(const import *m, const char *name) {
    fv_text known = {0};
    for (int i = 0; i < fv_names_count(); i++) fv_text_printf(&known, "%s%s", i ? ", " : "", fv_names_name(i));
    fv_status status = fv_fail(m->error, FV_E_ARGUMENT, "names '%.200s' are neither a file nor one of: %s", name,
                               known.data ? known.data : "");
    fv_text_free(&known);
    return status;
}

static fv_status read_names(import *m, const char *name) {
    enum { LIMIT = 1 << 20 };
    unsigned char *bytes;
    size_t size;
    const char *text = fv_names_text(name);
    fv_error reason = {0};
    if (!fv_read_bytes(name, LIMIT, &bytes, &size, &reason))
        text = m->text = (char *)bytes;
    else if (!text)
        return fail_unknown(m, name);
    m->names = fv_weight_names_parse(text, name, m->error);
    return m->names ? FV_OK : FV_E_SYNTAX;
}

/* ---- checking --------------------------------------------------------------------------------------------------- */

static void tell(const import *m, const char *weight, const char *source, const char *problem) {
    fv_import_line line = {weight, source, problem};
    if (m->options->on_line) m->options->on_line(m->options->user, &line);
}

/* Keeps what fits into a message, and counts. */
static void add_problem(import *m, const char *name, const char *problem) {
    enum { ENOUGH = 330 };
    size_t length = strlen(name) + strlen(problem) + 4;
    if (m->problems++ == 0 || m->list.length + length < ENOUGH)
        fv_text_printf(&m->list, "%s%s: %s", m->problems > 1 ? "; " : "", name, problem);
    else if (!m->cut) {
        m->cut = true;
        fv_text_add(&m->list, "; ...");
    }
}

/* What is wrong with tensor `at` (-1: there is none) for a value, in `out`; false if nothing is. */
static bool misfits(const import *m, int value, int at, char *out, size_t size) {
    char expected[128], got[128];
    fv_weight_layout layout;
    fv_weight_layout_of(m->net, value, &layout);
    fv_shape_text(&layout.shape, expected, sizeof expected);
    if (at < 0) return snprintf(out, size, "it is missing; expected f32 %s", expected), true;
    fv_tensor tensor = fv_store_tensor(m->store, at);
    if (m->used[at]) return snprintf(out, size, "two weights of the net have this name"), true;
    if (tensor.dtype == FV_F32 && fv_shape_equal(&tensor.shape, &layout.shape)) return false;
    fv_shape_text(&tensor.shape, got, sizeof got);
    return snprintf(out, size, "expected f32 %s, got %s %s", expected, fv_dtype_name(tensor.dtype), got), true;
}

static fv_status check_weight(import *m, int value) {
    const char *weight = m->net->values[value].name;
    char problem[320];
    fv_text name = {0};
    bool known = fv_weight_names_translate(m->names, weight, &name);
    if (name.failed) return fv_text_free(&name), fv_fail_memory(m->error, "names of weights", 0);
    m->weights++;
    if (!known) {
        tell(m, weight, NULL, "no rule names it");
        add_problem(m, weight, "no rule names it");
    } else {
        int at = m->source[value] = fv_store_find(m->store, name.data);
        bool wrong = misfits(m, value, at, problem, sizeof problem);
        if (at >= 0) m->used[at] = true;
        tell(m, weight, name.data, wrong ? problem : NULL);
        if (wrong) add_problem(m, name.data, problem);
    }
    fv_text_free(&name);
    return FV_OK;
}

/* PyTorch's batch norms count their steps; nothing here needs it. */
static bool is_step_count(const char *name) {
    static const char word[] = "num_batches_tracked";
    size_t length = strlen(name), tail = sizeof word - 1;
    return length >= tail && !strcmp(name + length - tail, word);
}

static fv_status check_all(import *m) {
    m->source = fv_alloc_array((size_t)m->net->value_count + 1, sizeof *m->source);
    m->used = fv_alloc_array((size_t)fv_store_count(m->store) + 1, sizeof *m->used);
    if (!m->source || !m->used) return fv_fail_memory(m->error, "names of weights", 0);
    fv_weight_names_restart(m->names);
    fv_status status = FV_OK;
    for (int v = 0; v < m->net->value_count && !status; v++)
        if (is_weight(&m->net->values[v])) status = check_weight(m, v);
    if (status) return status;
    for (int i = 0; i < fv_store_count(m->store); i++)
        if (!m->used[i] && !is_step_count(fv_store_name(m->store, i))) tell(m, NULL, fv_store_name(m->store, i), NULL);
    if (!m->problems) return FV_OK;
    return fv_fail_at(m->error, FV_E_FORMAT, m->path, 0, 0, "%d of the net's %d weights %s not fit: %s", m->problems,
                      m->weights, m->problems == 1 ? "does" : "do", m->list.data ? m->list.data : "");
}

/* ---- the model -------------------------------------------------------------------------------------------------- */

static int64_t input_channels(const fv_net *net) {
    for (int v = 0; v < net->value_count; v++) {
        const fv_value_info *value = &net->values[v];
        if (value->kind == FV_KIND_INPUT && !value->target && value->type.shape.rank > 0)
            return value->type.shape.dim[value->type.shape.rank - 1];
    }
    return 0;
}

/* The preprocessing that was asked for; else what the rules say that such weights want, where it is about as many channels; else the
 * net's own, which is for weights that it is trained to. */
static fv_status set_preprocess(const import *m, fv_model *model) {
    const char *asked = m->options->preprocess, *usual = fv_weight_names_preprocess(m->names);
    int64_t channels = input_channels(m->net);
    fv_preprocess p;
    if (!asked && !usual) return FV_OK;
    fv_status status = fv_preprocess_from_text(asked ? asked : usual, &p, m->error);
    if (status) return status;
    bool fits = p.channels <= 1 || p.channels == channels;
    if (!fits && asked)
        return fv_fail(m->error, FV_E_ARGUMENT, "preprocess: expected numbers for %lld channels, got %d",
                       (long long)channels, p.channels);
    if (fits) model->preprocess = p;
    return FV_OK;
}

static fv_status set_classes(const import *m, fv_model *model) {
    int count = m->options->class_count, output = fv_net_output_value(m->net);
    if (!m->options->classes) return FV_OK;
    const fv_shape *shape = output < 0 ? NULL : &m->net->values[output].type.shape;
    int64_t expected = shape && shape->rank ? shape->dim[shape->rank - 1] : 0;
    if (expected != count)
        return fv_fail(m->error, FV_E_ARGUMENT, "class names: expected %lld, one for each output of the net, got %d",
                       (long long)expected, count);
    return fv_model_set_classes(model, m->options->classes, count, m->error);
}

static fv_status fill_model(const import *m, fv_model *model) {
    fv_status status = set_preprocess(m, model);
    if (!status) status = set_classes(m, model);
    if (!status) status = fv_model_allocate(model, m->error);
    for (int i = 0; i < model->weight_count && !status; i++) {
        int value = model->weight_values[i];
        fv_weight_layout layout;
        fv_weight_layout_of(m->net, value, &layout);
        fv_weight_layout_read(&layout, fv_model_weight(model, i).data,
                              fv_store_tensor(m->store, m->source[value]).data);
    }
    return status;
}

fv_model *fv_model_import_store(fv_net *net, const fv_store *store, const char *path, fv_error *error,
                                const fv_import_options *options) {
    if (!net) return fv_fail(error, FV_E_ARGUMENT, "fv_model_import: no net was given"), NULL;
import m = {.net = net, .store = store, .path = path, .options = options, .error = error };
    fv_model *model = NULL;
    fv_status status = fv_net_check(net, error);
    if (!status) status = options->names ? read_names(&m, options->names) : choose_names(&m);
    if (!status) status = check_all(&m);
    if (!status) model = fv_model_around(net, error);
    if (model && fill_model(&m, model)) fv_model_free(model), model = NULL;
    fv_weight_names_free(m.names);
    fv_free(m.text), fv_free(m.source), fv_free(m.used);
    fv_text_free(&m.list);
    return model;
}

fv_model *fv_model_import_with(fv_net *net, const char *path, fv_error *error, const fv_import_options *options) {
    bool ncnn = strcmp(fv_extension(path), "param") == 0;
    fv_store *store = ncnn ? fv_ncnn_read(path, error) : fv_safetensors_read(path, error);
    fv_model *model = store ? fv_model_import_store(net, store, path, error, options) : NULL;
    fv_store_free(store);
    return model;
}
