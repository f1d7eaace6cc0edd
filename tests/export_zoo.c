/* export_zoo.c - for onnx_export.sh: networks of the zoo with numbers drawn for every weight, as .onnx files, each beside an input and
 * what comes out of it here (NAME.onnx, NAME.in.npy, NAME.out.npy; channels first).
 *
 *     export_zoo FOLDER MOST_PARAMETERS [NET ...]
 *
 * Besides the zoo's, small networks with what no network there has. */
#include "model.h"
#include "philox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 2 };

static const fv_setting small[] = {
    {"conv_flipped", "input 7x6x3\nconv 4 3x2 flipped=yes padding=same\n"},
    {"conv_groups", "input 9x8x6\nconv 8 3x3 groups=2 dilation=2 padding=2x1 padding_end=1x3\n"},
    {"conv_same_stride",
     "input 9x8x3\nconv 5 3x3 stride=2 padding=same\nconv 4 2x2 padding=same_lower\nconv 3 3x3 padding=full\n"},
    {"conv_table", "input 8x8x3\nconv 4 3x3 connections=\"01 12 02 012\" flipped=yes\n"},
    {"sequence",
     "input 20x5\nconv 8 5 padding=2 activation=gelu\nmaxpool 2\nconv_transpose 6 4 stride=2 padding=1\nglobalmaxpool\ndense 3\n"},
    {"volume",
     "input 6x7x8x2\nconv 4 3x3x3 padding=1 activation=swish\navgpool 2x2x2 ceil=yes\nconv_transpose 3 2x2x2 stride=2\nflatten\ndense 3\n"},
    {"transposed",
     "input 5x6x4\nconv_transpose 6 3x3 stride=2 padding=1 output_padding=1 groups=2\nconv_transpose 2 4x4 stride=2 padding=same flipped=yes\n"},
    {"pools",
     "input 11x10x4\nmaxpool 3x3 stride=2 ceil=yes\navgpool 3x3 stride=2 padding=1 count_padding=yes\nmaxpool 2x2 stride=1 dilation=2 padding=same\n"},
    {"norms",
     "input 6x6x8\ngroupnorm 4 activation=relu\nlayernorm activation=elu\ninstancenorm activation=leaky_relu\nlrn 3 k=1 alpha=0.5\n"
     "batchnorm scale=no\nbatchnorm bias=no\n"},
    {"norms_of_vectors", "input 12\ndense 8\nbatchnorm\nlayernorm\nprelu\nmaxout 2\nsoftmax\n"},
    {"flat_norms", "input 4x4x3\nconv 6 3x3 padding=1\nflatten\nbatchnorm\nrelu\ndropout 0.3\ndense 5\n"},
    {"flat_end", "input 4x5x3\nconv 2 3x3\nflatten\nscaled_tanh\n"},
    {"activations",
     "input 5x4x6\nprelu\nprelu shared=yes\ngelu approximate=tanh\nsoftplus\nswish beta=1.5\nrelu6\nmaxout 3\nsigmoid\ntanh\n"},
    {"sizes",
     "input 7x6x3\npad 1x2 mode=reflect\npad 1 mode=edge\npad 0 padding_end=2 channels=1 value=0.5\nresize 13x17 mode=bilinear\n"
     "resize scale=0.5\nresize 9x9 mode=bilinear align_corners=yes\ncrop 5x6\ncrop 3x3 at=1x2\n"},
    {"excite",
     "input 6x6x8\nx = conv 8 3x3 padding=1\nglobalavgpool\ndense 4 activation=relu\ndense 8 activation=sigmoid\nmultiply <- x, it\nadd <- it, x\n"},
    {"excite_kept",
     "input 6x6x8\nx = conv 8 3x3 padding=1\nglobalavgpool keep_dims=yes\nconv 8 1x1 activation=sigmoid\nmultiply <- x, it\nsoftmax\n"},
    {"joins",
     "input 6x6x4\na = conv 3 3x3 padding=1\nb = conv 3 1x1 <- input\nconcat <- a, b\nc = conv 3 1x1\nconcat axis=1 <- a, c\ndense 5\nreshape 18,2,10\nconv 2 3x1\n"},
    {"codes", "input 3x4x2\nflatten\ndense 6 activation=tanh\nrbf 4\n"},
    {"lenet_pools", "input 8x8x3\nsubsample 2x2 activation=tanh\nsubsample 2x2 mode=mean\nflatten\ndense 2\n"},
};

static uint64_t state = 1;

/* -1 to 1 */
static float draw(void) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (float)((double)(state >> 40) / (1 << 23) - 1);
}

/* Running statistics and biases that say nothing (0, 1) would hide what is exchanged. */
static void draw_weights(fv_model *model) {
    for (int i = 0; i < fv_model_weight_count(model); i++) {
        const char *name = fv_model_weight_name(model, i), *last = strrchr(name, '.');
        fv_tensor weight = fv_model_weight(model, i);
        bool one = last && (!strcmp(last, ".scale") || !strcmp(last, ".variance"));
        bool zero = last && (!strcmp(last, ".bias") || !strcmp(last, ".mean"));
        for (int64_t k = 0; (one || zero) && k < fv_shape_count(&weight.shape); k++)
            ((float *)weight.data)[k] = one ? 1 + 0.3F * draw() : 0.1F * draw();
    }
    fv_model_touch(model);
}

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
    fv_net *net = fv_model_net(model);
    fv_shape open = {0};
    for (int v = 0; v < net->value_count; v++) { /* open sizes */
        const fv_value_info *info = &net->values[v];
        if (info->kind != FV_KIND_INPUT || info->target || open.rank) continue;
        open.rank = info->type.shape.rank - 1;
        for (int d = 0; d < open.rank; d++)
            open.dim[d] = info->type.shape.dim[d + 1] < 0 ? 64 : info->type.shape.dim[d + 1];
    }
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
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        fv_error error = {0};
        if (asked(small[i].name, count, words))
            failed +=
                take(words[1], small[i].name, fv_net_parse(small[i].value, small[i].name, NULL, 0, &error), &error);
    }
    return failed > 0;
}
