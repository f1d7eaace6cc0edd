/* test_onnx_hostile.c - .onnx files that want to do harm: one line of error, little memory, little time. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "memory.h"
#include "onnx_model.h"
#include "wire.h"

/* ---- files in code -------------------------------------------------------------------------------------------------- */

enum { NODE = 1, INITIALIZER = 5, INPUT = 11, OUTPUT = 12, GRAPH = 7, OPSET = 8 };

typedef struct maker {
    fv_wire wire;
    size_t graph;
} maker;

static void begin(maker *m) {
    *m = (maker){0};
    fv_wire_varint(&m->wire, 1, 8);
    size_t opset = fv_wire_begin(&m->wire, OPSET);
    fv_wire_varint(&m->wire, 2, 17);
    fv_wire_end(&m->wire, opset);
    m->graph = fv_wire_begin(&m->wire, GRAPH);
}

static void port(maker *m, int field, const char *name, int rank, const int64_t *sizes) {
    size_t info = fv_wire_begin(&m->wire, field);
    fv_wire_text(&m->wire, 1, name);
    size_t type = fv_wire_begin(&m->wire, 2), tensor = fv_wire_begin(&m->wire, 1);
    fv_wire_varint(&m->wire, 1, 1);
    size_t shape = fv_wire_begin(&m->wire, 2);
    for (int d = 0; d < rank; d++) {
        size_t dim = fv_wire_begin(&m->wire, 1);
        fv_wire_varint(&m->wire, 1, (uint64_t)sizes[d]);
        fv_wire_end(&m->wire, dim);
    }
    fv_wire_end(&m->wire, shape);
    fv_wire_end(&m->wire, tensor);
    fv_wire_end(&m->wire, type);
    fv_wire_end(&m->wire, info);
}

static size_t node(maker *m, const char *op, const char *in, const char *weight, const char *out) {
    size_t at = fv_wire_begin(&m->wire, NODE);
    fv_wire_text(&m->wire, 1, in);
    if (weight) fv_wire_text(&m->wire, 1, weight);
    fv_wire_text(&m->wire, 2, out);
    fv_wire_text(&m->wire, 4, op);
    return at;
}

static void ints(maker *m, const char *name, int count, const int64_t *numbers) {
    size_t at = fv_wire_begin(&m->wire, 5);
    fv_wire_text(&m->wire, 1, name);
    for (int i = 0; i < count; i++) fv_wire_varint(&m->wire, 8, (uint64_t)numbers[i]);
    fv_wire_end(&m->wire, at);
}

static void whole(maker *m, const char *name, int64_t number) {
    size_t at = fv_wire_begin(&m->wire, 5);
    fv_wire_text(&m->wire, 1, name);
    fv_wire_varint(&m->wire, 3, (uint64_t)number);
    fv_wire_end(&m->wire, at);
}

/* A tensor of zeros; `bytes` as many as are there. */
static void tensor(maker *m, const char *name, int rank, const int64_t *sizes, size_t bytes) {
    size_t at = fv_wire_begin(&m->wire, INITIALIZER);
    unsigned char *zeros = calloc(bytes ? bytes : 1, 1);
    for (int d = 0; d < rank; d++) fv_wire_varint(&m->wire, 1, (uint64_t)sizes[d]);
    fv_wire_varint(&m->wire, 2, 1);
    fv_wire_text(&m->wire, 8, name);
    fv_wire_bytes(&m->wire, 9, zeros, bytes);
    fv_wire_end(&m->wire, at);
    free(zeros);
}

static void end(maker *m) { fv_wire_end(&m->wire, m->graph); }

/* ---- what must come of them ------------------------------------------------------------------------------------------ */

/* The error's line holds `word`; memory and time stay within bounds. Frees the file. */
static void refused_in(maker *m, const char *folder, const char *word, const char *what) {
    fv_error error = {0};
    char text[900];
    uint64_t before = fv_alloc_bytes();
    clock_t start = clock();
    fv_onnx_file *file = fv_onnx_file_parse(m->wire.data, m->wire.size, "hostile.onnx", folder, &error);
    fv_model *model = file ? fv_onnx_to_model(file, &(fv_onnx_options){0}, &error) : NULL;
    fv_error_text(&error, text, sizeof text);
    if (model) fail_msg("%s: it was taken", what);
    if (!strstr(text, word)) fail_msg("%s: expected \"%s\" in the message, got: %s", what, word, text);
    if (strchr(text, '\n')) fail_msg("%s: more than one line", what);
    uint64_t spent = fv_alloc_bytes() - before;
    if (spent > (32u << 20) + 64 * m->wire.size) fail_msg("%s: asked for %llu bytes", what, (unsigned long long)spent);
    if ((double)(clock() - start) / CLOCKS_PER_SEC > 5) fail_msg("%s: took too long", what);
    fv_onnx_file_close(file);
    fv_wire_free(&m->wire);
}

static void refused(maker *m, const char *word, const char *what) { refused_in(m, NULL, word, what); }

static const int64_t picture[] = {1, 2, 8, 8}, kernel[] = {4, 2, 3, 3};

static void begin_conv(maker *m) {
    begin(m);
    port(m, INPUT, "x", 4, picture);
    port(m, OUTPUT, "y", 4, picture);
    tensor(m, "w", 4, kernel, 4 * 2 * 9 * sizeof(float));
}

/* A graph in an attribute in a node in a graph ..., so many times. */
static void nested_graphs(void **state) {
    (void)state;
    maker m;
    size_t node_at[5000], attribute[5000], graph[5000];
    begin(&m);
    for (int i = 0; i < 5000; i++) {
        node_at[i] = fv_wire_begin(&m.wire, NODE);
        fv_wire_text(&m.wire, 4, "If");
        fv_wire_text(&m.wire, 2, "o");
        attribute[i] = fv_wire_begin(&m.wire, 5);
        graph[i] = fv_wire_begin(&m.wire, 6);
    }
    for (int i = 4999; i >= 0; i--) {
        fv_wire_end(&m.wire, graph[i]);
        fv_wire_end(&m.wire, attribute[i]);
        fv_wire_end(&m.wire, node_at[i]);
    }
    end(&m);
    refused(&m, "If", "5,000 graphs in each other");
}

static void empty_nodes(void **state) {
    (void)state;
    maker m;
    begin(&m);
    for (int i = 0; i < 5 << 20; i++) fv_wire_bytes(&m.wire, NODE, "", 0);
    end(&m);
    refused(&m, "nodes", "10 MB of empty nodes");
    begin(&m);
    for (int i = 0; i < 1000; i++) fv_wire_bytes(&m.wire, NODE, "", 0);
    end(&m);
    refused(&m, "operator", "a thousand empty nodes");
}

static void long_varints(void **state) {
    (void)state;
    const unsigned char eleven[] = {8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1};
    fv_error error = {0};
    assert_null(fv_onnx_file_parse(eleven, sizeof eleven, "hostile.onnx", NULL, &error));
    assert_non_null(strstr(error.message, "no ONNX file"));
}

static void cycles(void **state) {
    (void)state;
    maker m;
    begin(&m);
    port(&m, INPUT, "x", 4, picture);
    port(&m, OUTPUT, "a", 4, picture);
    fv_wire_end(&m.wire, node(&m, "Relu", "b", NULL, "a"));
    fv_wire_end(&m.wire, node(&m, "Relu", "a", NULL, "b"));
    end(&m);
    refused(&m, "no earlier node makes", "two nodes that read each other");
    begin(&m);
    port(&m, INPUT, "x", 4, picture);
    fv_wire_end(&m.wire, node(&m, "Relu", "x", NULL, "x"));
    end(&m);
    refused(&m, "second time", "a node that makes its own input");
}

static void sizes(void **state) {
    (void)state;
    const int64_t negative[] = {1, -5, 8, 8}, huge[] = {1 << 30, 1 << 30, 1 << 30, 8};
    maker m;
    begin(&m);
    port(&m, INPUT, "x", 4, negative);
    end(&m);
    refused(&m, "\"x\"", "a negative size");
    begin(&m);
    tensor(&m, "w", 4, huge, 16);
    end(&m);
    refused(&m, "\"w\"", "a tensor of 2^93 elements");
    begin(&m);
    tensor(&m, "w", 1, (int64_t[]){1 << 28}, 16);
    end(&m);
    refused(&m, "there are 16", "a gigabyte in 16 bytes");
    begin(&m);
    tensor(&m, "w", 9, (int64_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1}, 4);
    end(&m);
    refused(&m, "dimensions", "nine dimensions");
}

static void windows(void **state) {
    (void)state;
    static const struct {
        const char *attribute;
        int count;
        int64_t numbers[4];
        const char *word;
    } cases[] = {{"strides", 2, {0, 1}, "strides"},         {"strides", 3, {1, 1, 1}, "strides"},
                 {"dilations", 2, {0, 1}, "dilations"},     {"pads", 4, {-1, 0, 0, 0}, "pads"},
                 {"pads", 4, {1, 1, INT64_MAX, 1}, "pads"}, {"kernel_shape", 2, {5, 5}, "kernel_shape"}};
    maker m;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin_conv(&m);
        size_t at = node(&m, "Conv", "x", "w", "y");
        ints(&m, cases[i].attribute, cases[i].count, cases[i].numbers);
        fv_wire_end(&m.wire, at);
        end(&m);
        refused(&m, cases[i].word, cases[i].attribute);
    }
    for (int64_t group = -1; group <= 0; group++) {
        begin_conv(&m);
        size_t at = node(&m, "Conv", "x", "w", "y");
        whole(&m, "group", group);
        fv_wire_end(&m.wire, at);
        end(&m);
        refused(&m, "group", "group 0 and less");
    }
}

/* ---- external data ------------------------------------------------------------------------------------------------------ */

static void external(maker *m, const char *location) {
    size_t at = fv_wire_begin(&m->wire, INITIALIZER);
    fv_wire_varint(&m->wire, 1, 4);
    fv_wire_varint(&m->wire, 2, 1);
    fv_wire_text(&m->wire, 8, "w");
    size_t pair = fv_wire_begin(&m->wire, 13);
    fv_wire_text(&m->wire, 1, "location");
    fv_wire_text(&m->wire, 2, location);
    fv_wire_end(&m->wire, pair);
    fv_wire_varint(&m->wire, 14, 1);
    fv_wire_end(&m->wire, at);
}

static void external_data_stay_below_the_folder(void **state) {
    (void)state;
    static const struct {
        const char *location, *word;
    } cases[] = {{"/etc/hostname", "relative"},
                 {"../secret", "relative"},
                 {"a/../../secret", "relative"},
                 {"link", "link"},
                 {"", "relative"},
                 {"here/w", "cannot be opened"},
                 {"short", "do not lie within"}};
    char folder[] = "fovea-hostile-XXXXXX", path[200];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/link", folder);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    snprintf(path, sizeof path, "%s/a", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/short", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("four", file);
    fclose(file);
    maker m;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(&m);
        external(&m, cases[i].location);
        end(&m);
        refused_in(&m, folder, cases[i].word, cases[i].location);
    }
    unlink(path);
    snprintf(path, sizeof path, "%s/link", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/a", folder);
    rmdir(path);
    rmdir(folder);
}

/* Cut off anywhere, and with any byte changed, a file is an error or a model, never a crash. */
static void damaged_files(void **state) {
    (void)state;
    maker m;
    fv_error error;
    begin_conv(&m);
    size_t at = node(&m, "Conv", "x", "w", "y");
    ints(&m, "pads", 4, (int64_t[]){1, 1, 1, 1});
    fv_wire_end(&m.wire, at);
    end(&m);
    for (size_t i = 0; i < 2 * m.wire.size; i++) {
        unsigned char *copy = malloc(m.wire.size);
        size_t size = i < m.wire.size ? i : m.wire.size;
        memcpy(copy, m.wire.data, m.wire.size);
        if (i >= m.wire.size) copy[i - m.wire.size] ^= 0x55;
        fv_onnx_file *file = fv_onnx_file_parse(copy, size, "damaged.onnx", NULL, &error);
        fv_model_free(file ? fv_onnx_to_model(file, &(fv_onnx_options){0}, &error) : NULL);
        fv_onnx_file_close(file);
        free(copy);
    }
    fv_wire_free(&m.wire);
}

/* Six bytes: a tensor of 24,573,478,708 elements of no type, and none of them there. */
static void claims_without_elements(void **state) {
    (void)state;
    const unsigned char bytes[] = {0x08, 0xb4, 0xce, 0xce, 0xce, 0x5b};
    fv_error error = {0};
    fv_tensor tensor;
    uint64_t before = fv_alloc_bytes();
    if (!fv_onnx_tensor_parse(bytes, sizeof bytes, "claims.pb", &tensor, &error)) fail_msg("expected an error");
    if (fv_alloc_bytes() - before > 1 << 20)
        fail_msg("expected less than a MiB of memory, it took %llu bytes", (unsigned long long)(fv_alloc_bytes() - before));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_without_elements),
        cmocka_unit_test(nested_graphs),
        cmocka_unit_test(empty_nodes),
        cmocka_unit_test(long_varints),
        cmocka_unit_test(cycles),
        cmocka_unit_test(sizes),
        cmocka_unit_test(windows),
        cmocka_unit_test(external_data_stay_below_the_folder),
        cmocka_unit_test(damaged_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
