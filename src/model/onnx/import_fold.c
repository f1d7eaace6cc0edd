/* import_fold.c - what is known before the net runs: a node whose operands are known is run on a small net of its own, by the same rule and
 * the same operators; and what is known for given inputs, by running the net as it stands. */
#include <string.h>

#include "import_state.h"

/* ---- running a net once ------------------------------------------------------------------------------------------- */

static fv_status fill_inputs(fv_import *im, fv_run *run, int probe) {
    fv_status status = FV_OK;
    for (int i = 0; i < im->fill_count && !status; i++) {
        const fv_value_info *v = &im->net->values[im->fills[i].value];
        if (v->kind != FV_KIND_INPUT) continue;
        fv_tensor input = fv_run_input(run, v->name); /* no data where nothing reads it */
        if (input.data) status = fv_fill_copy(im, &im->fills[i].from, probe, input.data);
    }
    return status;
}

/* The value that the net computes, as ONNX lays it out. */
static fv_status read_back(fv_import *im, const fv_imported *x, fv_tensor got, fv_known **out) {
    fv_tensor ordered = got;
    int perm[FV_MAX_RANK], rank = got.shape.rank;
    fv_known *raw = fv_import_new_known(im, got.dtype, &got.shape, got.data);
    *out = raw;
    if (!raw) return fv_fail_memory(im->error, "a constant", (size_t)fv_shape_count(&got.shape));
    if (!x->last) return FV_OK;
    for (int d = 0; d < rank; d++) perm[d] = d == 0 ? 0 : d == 1 ? rank - 1 : d - 1;
    fv_import_weight w = fv_import_permuted(raw, perm);
    for (int d = 0; d < rank; d++) ordered.shape.dim[d] = w.dim[d];
    void *data = fv_import_memory(im, (size_t)fv_shape_count(&got.shape) * fv_dtype_size(got.dtype));
    if (!data) return fv_fail_memory(im->error, "a constant", (size_t)fv_shape_count(&got.shape));
    fv_status status = fv_fill_copy(im, &w, 0, data);
    raw->shape = ordered.shape;
    raw->data = data;
    return status;
}

/* Runs for the given inputs and reads `count` values; NULL in `values` for what is known without. */
static fv_status run_once(fv_import *im, int64_t batch, int probe, const fv_imported *values, int count,
                          fv_known **out) {
    enum { MOST = 64 };
    fv_value wanted[MOST];
    int wanted_count = 0;
    if (count > MOST) return fv_fail(im->error, FV_E_UNSUPPORTED, "more than %d results", MOST);
    for (int i = 0; i < count; i++)
        if (!values[i].known && values[i].value.id >= 0) wanted[wanted_count++] = values[i].value;
    fv_model *model = fv_import_model(im);
    fv_run *run = model ? fv_run_new(model, im->error, .batch = batch, .wanted = wanted, .wanted_count = wanted_count,
                                     .threads = 1)
                        : NULL;
    fv_status status = run ? fill_inputs(im, run, probe) : FV_E_UNSUPPORTED;
    if (!status) status = fv_run_go(run, batch, im->error);
    for (int i = 0; i < count && !status; i++) {
        out[i] = values[i].known;
        if (!values[i].known && values[i].value.id >= 0)
            status = read_back(im, &values[i], fv_run_value(run, values[i].value), &out[i]);
    }
    fv_run_free(run);
    fv_model_free(model);
    return status;
}

/* ---- folding -------------------------------------------------------------------------------------------------------- */

/* The operands as the child sees them at a probe: whole and known. */
static fv_status give_operands(fv_import *im, fv_import *child, const fv_onnx_node *node, int probe) {
    fv_status status = FV_OK;
    for (int i = 0; i < node->input_count && !status; i++) {
        if (!fv_import_has(node, i) || fv_import_lookup(child, node->inputs[i])) continue;
        fv_imported *x = fv_import_lookup(im, node->inputs[i]);
        fv_known *known = fv_import_memory(child, sizeof *known);
        if (!known) return fv_fail_memory(im->error, "an import", sizeof *known);
        *known = *x->known;
        known->last_fill = 0;
        if (known->at[0] && probe > 0) known->data = known->at[probe - 1], known->file = NULL;
        known->at[0] = known->at[1] = NULL;
        fv_imported copy = *x;
        copy.known = known;
        copy.value = (fv_value){child->net, -1};
        status = fv_import_define(child, node, node->inputs[i], &copy);
    }
    return status;
}

/* Runs the rule on a net of its own; results (NULL where nobody names them) belong to the child. */
static fv_status fold_at(fv_import *im, fv_import *child, const fv_onnx_node *node, int probe, fv_known **results) {
    fv_onnx_rule rule = fv_onnx_find_rule(node->domain, node->op);
    child->file = im->file;
    child->folding = true;
    child->exact = im->exact;
    fv_status status = give_operands(im, child, node, probe);
    if (!status) status = rule(child, node);
    fv_imported *values = status ? NULL : fv_import_memory(child, (size_t)node->output_count * sizeof *values);
    if (status || !values) return status ? status : fv_fail_memory(im->error, "an import", sizeof *values);
    bool computed = false;
    for (int k = 0; k < node->output_count; k++) {
        fv_imported *x = *node->outputs[k] ? fv_import_lookup(child, node->outputs[k]) : NULL;
        if (x && (status = fv_import_settle(child, node, x))) return status;
        values[k] = x ? *x : (fv_imported){.value = {child->net, -1}};
        computed = computed || (x && !x->known);
        results[k] = x ? x->known : NULL;
    }
    return computed ? run_once(child, 1, 0, values, node->output_count, results) : FV_OK;
}

/* Result k as one that is known here: the same at all probes, or with its elements at each. */
static fv_status keep_result(fv_import *im, const fv_onnx_node *node, int k, fv_import *children,
                             fv_known *const *results, int probes) {
    int outputs = node->output_count;
    const fv_known *first = results[k];
    const void *data[FV_PROBES];
    if (!first) return FV_OK;
    size_t bytes = (size_t)fv_shape_count(&first->shape) * fv_dtype_size(first->dtype);
    bool same = true;
    for (int p = 0; p < probes; p++) {
        fv_known *result = results[p * outputs + k];
        if (!result || !fv_shape_equal(&result->shape, &first->shape))
            return fv_import_mixes(im, node, "the shape of its result depends on the batch");
        fv_status status = fv_known_data(&children[p], result, 0, &data[p]);
        if (status) return status;
        same = same && (bytes == 0 || !memcmp(data[p], data[0], bytes));
    }
    fv_status status = fv_import_bind_known(im, node, k, first->dtype, &first->shape, data[0]);
    fv_known *known = status ? NULL : fv_import_lookup(im, node->outputs[k])->known;
    for (int p = 1; p < probes && !status && !same; p++) {
        void *copy = fv_import_memory(im, bytes);
        if (!copy) return fv_fail_memory(im->error, "an import", bytes);
        known->at[p - 1] = memcpy(copy, data[p], bytes);
    }
    return status;
}

fv_status fv_import_fold(fv_import *im, const fv_onnx_node *node) {
    fv_import children[FV_PROBES];
    int probes = 1, started = 0;
    for (int i = 0; i < node->input_count; i++)
        if (fv_import_has(node, i) && fv_import_lookup(im, node->inputs[i])->known->at[0]) probes = FV_PROBES;
    fv_known **results = fv_alloc_array((size_t)probes * (size_t)node->output_count, sizeof *results);
    fv_status status = results ? FV_OK : fv_fail_memory(im->error, "an import", sizeof *results);
    for (int p = 0; p < probes && !status; p++) {
        started = p + 1;
        status = fv_import_start(&children[p], im->error)
                     ? fold_at(im, &children[p], node, p, results + p * node->output_count)
                     : FV_E_MEMORY;
    }
    for (int k = 0; k < node->output_count && !status; k++)
        status = keep_result(im, node, k, children, results, probes);
    for (int p = 0; p < started; p++) fv_import_end(&children[p]);
    fv_free(results);
    return status;
}

/* ---- what given inputs decide -------------------------------------------------------------------------------------------- */

static const fv_tensor *given_for(const fv_import *im, int input) {
    const char *name = fv_onnx_input(im->file, input)->name;
    for (int i = 0; i < im->given_count; i++)
        if (!strcmp(im->given[i].name, name)) return &im->given[i].tensor;
    return NULL;
}

/* A graph input with a value is known as soon as somebody needs to know it. */
static fv_status given_input(fv_import *im, fv_imported *x) {
    const fv_tensor *given = given_for(im, x->input - 1);
    if (!given) return FV_E_UNSUPPORTED;
    x->known = fv_import_new_known(im, given->dtype, &given->shape, given->data);
    return x->known ? FV_OK : fv_fail_memory(im->error, "a given input", 1);
}

/* Every input that the net has so far must be given: fills for them, behind those that are there. */
static fv_status fill_given(fv_import *im) {
    fv_status status = FV_OK;
    for (int i = 0; i < fv_onnx_input_count(im->file) && !status; i++) {
        if (im->input_value[i] < 0) continue;
        fv_imported input = {.input = i + 1};
        status = given_input(im, &input);
        if (status) break;
        const fv_imported *slot = fv_import_lookup(im, fv_onnx_input(im->file, i)->name);
        int perm[FV_MAX_RANK], rank = slot->shape.rank;
        for (int d = 0; d < rank; d++) perm[d] = d == 0 ? 0 : d == rank - 1 ? 1 : d + 1;
        fv_import_weight w = fv_import_permuted(input.known, slot->last ? perm : NULL);
        status = fv_import_add_fill(im, im->input_value[i], &w);
    }
    return status;
}

fv_status fv_import_feed(fv_import *im, fv_run *run) {
    int first = im->fill_count;
    fv_status status = fill_given(im);
    if (!status) status = fill_inputs(im, run, 0);
    im->fill_count = first;
    return status == FV_E_UNSUPPORTED ? fv_fail(im->error, status, "the graph's inputs must be given for that")
                                      : status;
}

fv_status fv_import_evaluate(fv_import *im, const fv_onnx_node *node, fv_imported *x) {
    fv_status settled = fv_import_settle(im, node, x);
    if (settled) return settled;
    if (im->folding) {
        fv_known *result = NULL;
        fv_status status = run_once(im, 1, 0, x, 1, &result);
        if (!status) x->known = result;
        return status;
    }
    if (x->input) return given_input(im, x);
    if (x->shape.rank > 0 && x->shape.dim[0] == FV_BATCH)
        return fv_import_mixes(im, node, "a shape follows from the data");
    int first = im->fill_count;
    fv_status status = fill_given(im);
    fv_known *result = NULL;
    if (!status) status = run_once(im, im->declared > 0 ? im->declared : 1, 0, x, 1, &result);
    im->fill_count = first;
    if (!status) x->known = result;
    return status;
}
