/* torchvision.h - for tests: golden/torchvision.txt, and the weights that it speaks of, made by the formula of
 * golden/make_torchvision.py. */
#ifndef FV_TESTS_TORCHVISION_H
#define FV_TESTS_TORCHVISION_H

#include "check.h"

#include <inttypes.h>

#include "store.h"
#include "text.h"

enum { GOLDEN_TENSORS = 1200, GOLDEN_LOGITS = 40, GOLDEN_STEP = 25 };

/* One architecture of the file. */
typedef struct golden {
    int64_t height, width;
    int count, logit_count;
    char names[GOLDEN_TENSORS][80];
    fv_shape shapes[GOLDEN_TENSORS];
    double logits[GOLDEN_LOGITS];
} golden;

static inline fv_shape shape_from_text(const char *text) {
    fv_shape shape = {0};
    char *end;
    while (*text >= '0' && *text <= '9' && shape.rank < FV_MAX_RANK) {
        shape.dim[shape.rank++] = strtoll(text, &end, 10);
        text = end + (*end == 'x');
    }
    return shape;
}

static inline void golden_line(golden *g, char *line) {
    char name[80], shape[80];
    if (sscanf(line, "input %" SCNd64 "x%" SCNd64, &g->height, &g->width) == 2) return;
    if (sscanf(line, "tensor %79s %79s", name, shape) == 2 && g->count < GOLDEN_TENSORS) {
        memcpy(g->names[g->count], name, sizeof name);
        g->shapes[g->count++] = shape_from_text(shape);
    } else if (!strncmp(line, "logits", 6)) {
        char *at = line + 6, *end;
        for (; g->logit_count < GOLDEN_LOGITS; at = end) {
            g->logits[g->logit_count] = strtod(at, &end);
            if (end == at) break;
            g->logit_count++;
        }
    }
}

/* The section of an architecture; free with free. */
static inline golden *golden_of(const char *net) {
    const char *source = getenv("FOVEA_SOURCE");
    char path[1024], line[4096], word[80];
    snprintf(path, sizeof path, "%s/tests/golden/torchvision.txt", source ? source : ".");
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("%s cannot be opened", path);
    golden *g = calloc(1, sizeof *g);
    bool here = false;
    while (g && fgets(line, sizeof line, file)) {
        if (sscanf(line, "net %79s", word) == 1)
            here = !strcmp(word, net);
        else if (here)
            golden_line(g, line);
    }
    fclose(file);
    if (!g || g->logit_count != GOLDEN_LOGITS) fail_msg("%s: no %d logits of %s", path, GOLDEN_LOGITS, net);
    return g;
}

/* ---- numbers from names ----------------------------------------------------------------------------------------- */

/* From 0 to below 1: splitmix64 of the name's FNV-1a hash and the index, upper 24 bits. */
static inline uint64_t golden_start(const char *name) {
    uint64_t start = UINT64_C(0xcbf29ce484222325);
    for (; *name; name++) start = (start ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return start;
}

static inline double golden_uniform(uint64_t start, int64_t index) {
    uint64_t z = start + (uint64_t)(index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 40) / 16777216.0;
}

static inline bool ends_in(const char *name, const char *end) {
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && !strcmp(name + length - tail, end);
}

static inline void golden_fill(const char *name, fv_tensor tensor) {
    int64_t count = fv_shape_count(&tensor.shape);
    double from = -0.25, range = 0.5;
    if (tensor.shape.rank > 1) {
        double bound = sqrt(6.0 / (double)(count / tensor.shape.dim[0]));
        from = -bound, range = 2 * bound;
    } else if (ends_in(name, "running_var"))
        from = 0.5, range = 1;
    else if (ends_in(name, "weight"))
        from = 0.75;
    uint64_t start = golden_start(name);
    float *out = tensor.data;
    for (int64_t i = 0; i < count; i++) out[i] = (float)(from + range * golden_uniform(start, i));
}

/* A store of all tensors as PyTorch would have them. */
static inline fv_store *golden_store(const golden *g) {
    fv_store *store = fv_store_new();
    fv_error error = {0};
    for (int i = 0; i < g->count; i++) {
        bool counter = ends_in(g->names[i], "num_batches_tracked");
        fv_tensor tensor = fv_tensor_new(counter ? FV_I64 : FV_F32, &g->shapes[i]);
        if (!counter) golden_fill(g->names[i], tensor);
        if (fv_store_keep(store, tensor.data, &error) || fv_store_add(store, g->names[i], tensor, &error))
            fail_msg("%s: %s", g->names[i], error.message);
    }
    return store;
}

/* ---- nets ------------------------------------------------------------------------------------------------------- */

/* A net of the zoo with another size of its input. */
static inline fv_net *golden_net(const char *name, int64_t height, int64_t width, const char *setting,
                                 const char *value) {
    const char *text = fv_zoo_text(name);
    if (!text) fail_msg("%s is not in the zoo", name);
    const char *input = strstr(text, "\ninput ");
    if (!input) fail_msg("%s has no input line", name);
    fv_text with = {0};
    fv_text_add_n(&with, text, (size_t)(input - text));
    fv_text_printf(&with, "\ninput %lldx%lldx3", (long long)height, (long long)width);
    fv_text_add(&with, input + 1 + strcspn(input + 1, "\n"));
    fv_error error = {0};
    fv_setting set = {setting, value};
    fv_net *net = fv_net_parse(with.data, name, &set, setting ? 1 : 0, &error);
    fv_text_free(&with);
    if (!net) fail_msg("%s: %s", name, error.message);
    return net;
}

#endif
