/* onnx_model.c - .onnx files as models, and computed once as they are. */
#include "onnx_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_state.h"
#include "mapped.h"

/* ---- models --------------------------------------------------------------------------------------------------------- */

static bool is_ours(const char *key) { return !strncmp(key, "fovea.", strlen("fovea.")); }

/* Metadata that other programs show go with the model as notes; what this one wrote means what it means in a model file. */
static fv_status copy_notes(const fv_onnx_file *file, fv_model *model, fv_error *error) {
    fv_store *ours = fv_store_new();
    fv_status status = ours ? FV_OK : fv_fail_memory(error, "notes", 0);
    for (int i = 0; i < fv_onnx_metadata_count(file) && !status; i++) {
        char key[120], shown[100], cut[100];
        fv_onnx_pair pair = fv_onnx_metadata(file, i);
        snprintf(cut, sizeof cut, "%.90s", pair.key);
        fv_escape(cut, shown, sizeof shown);
        snprintf(key, sizeof key, "onnx.%s", shown);
        status = is_ours(pair.key) ? fv_store_set_note(ours, pair.key, pair.value, error)
                                   : fv_model_set_note(model, key, pair.value, error);
    }
    if (!status) status = fv_model_describe_from(model, ours, fv_onnx_file_name(file), error);
    fv_store_free(ours);
    return status;
}

fv_model *fv_onnx_to_model(const fv_onnx_file *file, const fv_onnx_options *options, fv_error *error) {
    fv_import im;
    fv_model *model = NULL;
    if (!fv_onnx_import(&im, file, options, false, error)) {
        im.error = error;
        if (im.net->node_count == 0)
            fv_fail_at(error, FV_E_UNSUPPORTED, fv_onnx_file_name(file), 0, 0,
                       "the graph computes nothing from its inputs");
        else
            model = fv_import_model(&im);
        if (model && copy_notes(file, model, error)) fv_model_free(model), model = NULL;
    }
    fv_import_end(&im);
    return model;
}

fv_model *fv_onnx_load_with(const char *path, fv_error *error, const fv_onnx_options *given) {
    fv_onnx_options options = {0};
    memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    fv_onnx_file *file = fv_onnx_file_open(path, error);
    fv_model *model = file ? fv_onnx_to_model(file, &options, error) : NULL;
    fv_onnx_file_close(file);
    return model;
}

/* ---- one computation ------------------------------------------------------------------------------------------------- */

/* A tensor with its channels last (or back) as its own. */
static fv_status turned(fv_import *im, const fv_tensor *from, bool to_last, fv_tensor *out) {
    fv_known known = {.dtype = from->dtype, .shape = from->shape, .data = from->data};
    int perm[FV_MAX_RANK] = {0}, rank = from->shape.rank;
    for (int d = 0; d < rank; d++)
        perm[d] = d == 0 ? 0 : to_last ? (d == rank - 1 ? 1 : d + 1) : d == 1 ? rank - 1 : d - 1;
    fv_import_weight w = fv_import_permuted(&known, perm);
    *out = (fv_tensor){from->dtype, {rank, {0}}, out->data};
    for (int d = 0; d < rank; d++) out->shape.dim[d] = w.dim[d];
    return fv_fill_copy(im, &w, 0, out->data);
}

static fv_status copied(fv_import *im, const fv_tensor *from, bool last, fv_tensor *out) {
    size_t bytes = (size_t)fv_shape_count(&from->shape) * fv_dtype_size(from->dtype);
    *out = *from;
    out->data = fv_alloc(bytes ? bytes : 1);
    if (!out->data) return fv_fail_memory(im->error, "an output", bytes);
    if (last) return turned(im, from, false, out);
    if (bytes) memcpy(out->data, from->data, bytes);
    return FV_OK;
}

static fv_status feed(fv_import *im, fv_run *run, const fv_tensor *inputs, int i, int64_t n) {
    int value = im->input_value[i];
    if (value < 0) return FV_OK;
    fv_tensor to = fv_run_input(run, im->net->values[value].name);
    const fv_imported *x = fv_import_lookup(im, fv_onnx_input(im->file, i)->name);
    if (!to.data) return FV_OK;
    bool batched = fv_type_batched(&im->net->values[value].type);
    if (inputs[i].dtype != to.dtype || (batched && inputs[i].shape.dim[0] != n) ||
        fv_shape_count(&inputs[i].shape) != fv_shape_count(&to.shape))
        return fv_fail(im->error, FV_E_SHAPE, "input %d does not fit the graph", i);
    if (x->last) return turned(im, &inputs[i], true, &to);
    size_t bytes = (size_t)fv_shape_count(&to.shape) * fv_dtype_size(to.dtype);
    if (bytes) memcpy(to.data, inputs[i].data, bytes);
    return FV_OK;
}

static fv_status take_outputs(fv_import *im, fv_run *run, fv_tensor *outputs, int *count) {
    fv_status status = FV_OK;
    for (int i = 0; i < fv_onnx_output_count(im->file) && !status; i++) {
        const fv_imported *x = fv_import_lookup(im, fv_onnx_output(im->file, i)->name);
        fv_tensor got;
        if (x->known) {
            const void *data;
            if (x->known->at[0]) return fv_fail(im->error, FV_E_UNSUPPORTED, "an output depends on the batch alone");
            if ((status = fv_known_data(im, x->known, 0, &data))) return status;
            got = (fv_tensor){x->known->dtype, x->known->shape, (void *)(uintptr_t)data};
        } else
            got = fv_run_value(run, x->value);
        if (!got.dtype) return fv_fail(im->error, FV_E_UNSUPPORTED, "output %d cannot be read", i);
        status = copied(im, &got, !x->known && x->last, &outputs[*count]);
        *count += outputs[*count].data != NULL;
    }
    return status;
}

/* Outputs that depend on the batch alone (a shape) are numbers once the batch is. */
static fv_status settle_outputs(fv_import *im, int64_t n) {
    for (int i = 0; i < fv_onnx_output_count(im->file); i++) {
        fv_imported *x = fv_import_lookup(im, fv_onnx_output(im->file, i)->name);
        const void *data[FV_PROBES];
        if (!x->known || !x->known->at[0]) continue;
        if (x->known->dtype != FV_I64)
            return fv_fail(im->error, FV_E_UNSUPPORTED, "an output depends on the batch alone");
        for (int p = 0; p < FV_PROBES; p++) fv_known_data(im, x->known, p, &data[p]);
        fv_known *settled = fv_import_new_known(im, FV_I64, &x->known->shape, data[0]);
        if (!settled) return fv_fail_memory(im->error, "an output", 1);
        for (int64_t k = 0; k < fv_shape_count(&settled->shape); k++) {
            int64_t a = ((const int64_t *)data[0])[k], b = ((const int64_t *)data[1])[k];
            int64_t times = (b - a) / (fv_probe_batch[1] - fv_probe_batch[0]);
            ((int64_t *)(uintptr_t)settled->data)[k] = a + times * (n - fv_probe_batch[0]);
        }
        x->known = settled;
    }
    return FV_OK;
}

static fv_status compute(fv_import *im, const fv_tensor *inputs, fv_tensor *outputs, int *count) {
    bool runs = false;
    int64_t n = im->batched && im->declared > 0 ? im->declared : 1;
    for (int i = 0; i < fv_onnx_output_count(im->file); i++)
        runs = runs || !fv_import_lookup(im, fv_onnx_output(im->file, i)->name)->known;
    fv_model *model = runs ? fv_import_model(im) : NULL;
    fv_run *run = model ? fv_run_new(model, im->error, .batch = n) : NULL;
    fv_status status = !runs || run ? FV_OK : im->error && im->error->status ? im->error->status : FV_E_MEMORY;
    for (int i = 0; i < fv_onnx_input_count(im->file) && run && !status; i++) status = feed(im, run, inputs, i, n);
    if (run && !status) status = fv_run_go(run, n, im->error);
    if (!status) status = settle_outputs(im, n);
    if (!status) status = take_outputs(im, run, outputs, count);
    fv_run_free(run);
    fv_model_free(model);
    return status;
}

/* The inputs in the types that the graph reads them in. */
static fv_status name_inputs(const fv_onnx_file *file, const fv_tensor *inputs, int count, fv_onnx_given *given,
                             fv_error *error) {
    if (count != fv_onnx_input_count(file))
        return fv_fail(error, FV_E_ARGUMENT, "expected %d inputs, got %d", fv_onnx_input_count(file), count);
    for (int i = 0; i < count; i++) given[i] = (fv_onnx_given){fv_onnx_input(file, i)->name, inputs[i]};
    return FV_OK;
}

fv_status fv_onnx_compute(const char *path, const fv_tensor *inputs, int input_count, fv_tensor *outputs, int room,
                          int *output_count, fv_error *error) {
    fv_error reason = {0};
    fv_import im = {0};
    *output_count = 0;
    fv_onnx_file *file = fv_onnx_file_open(path, &reason);
    fv_onnx_given *given = fv_alloc_array((size_t)(input_count > 0 ? input_count : 0) + 1, sizeof *given);
    fv_status status = !file ? reason.status : given ? FV_OK : fv_fail_memory(&reason, "inputs", sizeof *given);
    if (!status) status = name_inputs(file, inputs, input_count, given, &reason);
    if (!status && fv_onnx_output_count(file) > room)
        status = fv_fail(&reason, FV_E_ARGUMENT, "%d outputs, room for %d", fv_onnx_output_count(file), room);
    fv_onnx_options options = {.given = given, .given_count = input_count};
    if (!status) status = fv_onnx_import(&im, file, &options, true, &reason);
    if (!status) {
        im.error = &reason;
        status = compute(&im, inputs, outputs, output_count);
    }
    for (int i = 0; status && i < *output_count; i++) fv_free(outputs[i].data);
    if (status && !reason.file[0]) snprintf(reason.file, sizeof reason.file, "%s", path);
    if (status && error) *error = reason;
    fv_import_end(&im);
    fv_free(given);
    fv_onnx_file_close(file);
    return status;
}

static int in_order(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

char *fv_onnx_operators(const char *path, fv_error *error) {
    fv_onnx_file *file = fv_onnx_file_open(path, error);
    if (!file) return NULL;
    int count = fv_onnx_node_count(file);
    const char **names = fv_alloc_array((size_t)count + 1, sizeof *names);
    fv_text text = {0};
    fv_text_add(&text, "");
    for (int i = 0; names && i < count; i++) names[i] = fv_onnx_node_at(file, i)->op;
    if (names) qsort(names, (size_t)count, sizeof *names, in_order);
    for (int i = 0; names && i < count; i++)
        if (i == 0 || strcmp(names[i], names[i - 1])) fv_text_printf(&text, "%s%s", i ? "," : "", names[i]);
    text.failed = text.failed || !names;
    fv_free(names);
    fv_onnx_file_close(file);
    char *list = fv_text_take(&text);
    if (!list) fv_fail_memory(error, "a list of operators", (size_t)count);
    return list;
}

fv_status fv_onnx_tensor_load(const char *path, fv_tensor *out, fv_error *error) {
    fv_mapping map;
    fv_status status = fv_map_file(path, &map, error);
    if (status) return status;
    status = fv_onnx_tensor_parse(map.bytes, map.size, path, out, error);
    fv_unmap(&map);
    return status;
}
