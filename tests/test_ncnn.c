/* test_ncnn.c - ncnn's weights: a small file by hand, and what is wrong with others. */
#include "ncnn.h"
#include "files.h"

#define HEAD "7767517\n3 3\nInput data 0 1 data 0=4 1=4 2=2\n"
#define CONV "Convolution conv1 1 1 data a 0=1 1=1 5=1 6=2 9=1\n"
#define DENSE "InnerProduct fc 1 1 a b 0=2 1=0 2=2\n"

/* Two half floats 1 and -2, a bias of 0.5; then two plain floats 3 and 4. */
static const unsigned char numbers[] = {0x47, 0x6B, 0x30, 0x01, 0x00, 0x3C, 0x00, 0xC0, 0, 0, 0,    0x3F,
                                        0,    0,    0,    0,    0,    0,    0x40, 0x40, 0, 0, 0x80, 0x40};

static void check_tensor(const fv_store *store, const char *name, int rank, const float *expected, int count) {
    int at = fv_store_find(store, name);
    if (at < 0) fail_msg("%s: expected it in the store", name);
    fv_tensor t = fv_store_tensor(store, at);
    if (t.dtype != FV_F32 || t.shape.rank != rank || fv_shape_count(&t.shape) != count)
        fail_msg("%s: expected %d floats of rank %d, got %d of rank %d", name, count, rank,
                 (int)fv_shape_count(&t.shape), t.shape.rank);
    for (int i = 0; i < count; i++)
        if (((float *)t.data)[i] != expected[i])
            fail_msg("%s[%d]: expected %g, got %g", name, i, expected[i], ((float *)t.data)[i]);
}

static void halves_and_floats_are_read_in_order(void **state) {
    (void)state;
    fv_store *store = fv_ncnn_parse(HEAD CONV DENSE, numbers, sizeof numbers, "small.param", &problem);
    if (!store) fail_msg("%s", problem.message);
    check_tensor(store, "conv1.weight", 4, (const float[]){1, -2}, 2);
    check_tensor(store, "conv1.bias", 1, (const float[]){0.5F}, 1);
    check_tensor(store, "fc.weight", 2, (const float[]){3, 4}, 2);
    fv_store_free(store);
}

static void what_is_wrong_is_said_with_its_line(void **state) {
    (void)state;
    const struct {
        const char *text;
        size_t size;
        const char *expected;
        int line;
    } cases[] = {
        {"hello\n", 0, "expected 7767517", 1},
        {HEAD CONV, 3, "conv1: expected 4 bytes of numbers, 3 are left", 4},
        {HEAD CONV, 10, "conv1: expected 4 bytes of numbers, 2 are left", 4},
        {HEAD CONV, sizeof numbers, "12 bytes of numbers are left", 0},
        {HEAD "Convolution c 1 1 a b 0=2 1=3 5=1 6=17\n", 24, "17 weights are no whole number of inputs", 4},
        {HEAD "Convolution c 1 1 a b 0=-2 1=3 5=1 6=18\n", 24, "no whole number of inputs to -2 outputs", 4},
        {HEAD "Convolution c 1 1 a b 0=1 1=2147483647 6=1\n", 24, "no whole number of inputs", 4},
        {HEAD "Convolution c 1 1 a b 0=1 1=1 6=2147483647\n", 24, "expected 4294967294 bytes", 4},
        {HEAD "Convolution c 999999 1 a b\n", 0, "how many inputs and outputs", 4},
        {HEAD "Convolution c 1\n", 0, "how many inputs and outputs", 4},
        {HEAD "Convolution c 1 1 a b what\n", 0, "expected key=value, got 'what'", 4},
        {HEAD "Quantize q 1 1 a b\n", 0, "layer q is a Quantize, which is not known", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_store *store = fv_ncnn_parse(cases[i].text, numbers, cases[i].size, "x.param", &problem);
        if (store) fail_msg("case %zu: expected '%s', got a store", i, cases[i].expected);
        if (!strstr(problem.message, cases[i].expected) || problem.line != cases[i].line)
            fail_msg("case %zu: expected line %d '%s', got line %d '%s'", i, cases[i].line, cases[i].expected,
                     problem.line, problem.message);
    }
}

static void numbers_kept_in_an_unknown_way_are_refused(void **state) {
    (void)state;
    const unsigned char strange[] = {1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0};
    fv_store *store = fv_ncnn_parse(HEAD CONV, strange, sizeof strange, "x.param", &problem);
    assert_null(store);
    if (!strstr(problem.message, "0x04030201")) fail_msg("expected the number, got '%s'", problem.message);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_and_floats_are_read_in_order),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(numbers_kept_in_an_unknown_way_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
