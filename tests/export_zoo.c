/* export_zoo.c - for onnx_export.sh: networks of the zoo with numbers drawn for every weight, as .onnx files, each beside an input and
 * what comes out of it here (NAME.onnx, NAME.in.npy, NAME.out.npy; channels first).
 *
 *     export_zoo FOLDER MOST_PARAMETERS [NET ...]
 *
 * Besides the zoo's, small networks with what no network there has. */
#include "onnx_nets.h"
#include "philox.h"

#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES = 2 };

/* (N, ..., C) to (N, C, ...); what has no pixels stays. */
static fv_tensor channels_first(fv_tensor t) {
    fv_tensor out = fv_tensor_new(t.dtype, &t.shape);
    int rank = t.shape.rank;
    if (!out.data) return out;
    int64_t channels = rank > 2 ? t.shape.dim[rank - 1] : 1, pixels = 1;
    for (int d = 1; d < rank - (rank > 2); d++) pixels *= t.shape.dim[d];
    for (int64_t n = 0; n < t.shape.dim[0]; n++)
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t c = 0; c < channels; c++)
                ((float *)out.data)[(n * channels + c) * pixels + p] =
                    ((const float *)t.data)[(n * pixels + p) * channels + c];
    for (int d = 2; d < rank; d++) out.shape.dim[d] = t.shape.dim[d - 1];
    if (rank > 2) out.shape.dim[1] = channels;
    return out;
}

static fv_status keep(const char *folder, const char *net, const char *what, fv_tensor t, fv_error *error) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.%s.npy", folder, net, what);
    fv_tensor turned = channels_first(t);
    fv_status status = turned.data ? fv_npy_write(path, &turned, error) : FV_E_MEMORY;
    fv_free(turned.data);
    return status;
}

static fv_status export_one(const char *folder, const char *name, fv_model *model, fv_error *error) {
    char path[1024];
    fv_shape open = sample_shape(fv_model_net(model));
    snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
    fv_status status = fv_onnx_export(model, path, error, .input = open);
    fv_run *run = status ? NULL : fv_run_new(model, error, .batch = SAMPLES, .input = open, .exact = true);
    if (!run) return status ? status : FV_E_ARGUMENT;
    fv_tensor in = fv_run_input(run, NULL);
    for (int64_t i = 0; i < fv_shape_count(&in.shape); i++) ((float *)in.data)[i] = draw();
    status = keep(folder, name, "in", in, error);
    if (!status) status = fv_run_go(run, SAMPLES, error);
    if (!status) status = keep(folder, name, "out", fv_run_output(run, NULL), error);
    fv_run_free(run);
    return status;
}

static int64_t parameters(fv_net *net, fv_error *error) {
    fv_summary *summary = fv_summarize(net, NULL, error);
    int64_t count = summary ? fv_summary_total(summary).parameters : INT64_MAX;
    fv_summary_free(summary);
    return count;
}

static bool asked(const char *name, int count, char **words) {
    bool any = count <= 3;
    for (int i = 3; i < count; i++) any |= !strcmp(words[i], name);
    return any;
}

/* 1 if it failed; takes over the net. */
static int take(const char *folder, const char *name, fv_net *net, fv_error *error) {
    fv_model *model = net ? fv_model_new(net, 1, error) : NULL;
    if (model) draw_weights(model);
    bool good = model && !export_one(folder, name, model, error);
    if (good)
        printf("%s\n", name);
    else
        printf("FAILED: %s: %s\n", name, error->message);
    fv_model_free(model);
    fv_net_free(net);
    return !good;
}

int main(int count, char **words) {
    int failed = 0;
    if (count < 3) return fprintf(stderr, "usage: %s FOLDER MOST_PARAMETERS [NET ...]\n", words[0]), 2;
    for (int i = 0; i < fv_zoo_count(); i++) {
        const char *name = fv_zoo_name(i);
        fv_error error = {0};
        if (!asked(name, count, words)) continue;
        fv_net *net = fv_net_load(name, NULL, 0, &error);
        if (net && parameters(net, &error) > atoll(words[2]))
            fv_net_free(net);
        else
            failed += take(words[1], name, net, &error);
    }
    for (size_t i = 0; i < sizeof small_nets / sizeof *small_nets; i++) {
        fv_error error = {0};
        if (asked(small_nets[i].name, count, words))
            failed += take(words[1], small_nets[i].name,
                           fv_net_parse(small_nets[i].value, small_nets[i].name, NULL, 0, &error), &error);
    }
    return failed > 0;
}
