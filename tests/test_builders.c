/* test_builders.c - the builders of fovea_ops.h against the operators' records. */
#include "check.h"

#include "net.h"

/* ---- the structs of the header lie as the records say ----------------------------------------------------------- */

static size_t behind(size_t offset, size_t size, size_t align) { return (offset + align - 1) / align * align + size; }

/* Bytes of an operator's options struct: size, inputs, name, fields. */
static size_t size_by_record(const fv_op *op) {
    size_t offset = sizeof(size_t);
    if (op->variadic) offset += sizeof(fv_value *) + sizeof(int64_t);
    for (int i = 0; !op->variadic && i < FV_MAX_PORTS && op->ports[i].name; i++)
        if (op->ports[i].role == FV_INPUT) offset += sizeof(fv_value);
    if (op->ports[0].role != FV_INPUT) offset += sizeof(fv_net *); /* without inputs: the net */
    offset += sizeof(char *);
    for (int i = 0; i < op->field_count; i++) {
        switch (op->fields[i].kind) {
        case FV_FIELD_INT: offset = behind(offset, sizeof(int64_t), _Alignof(int64_t)); break;
        case FV_FIELD_FLOAT: offset = behind(offset, sizeof(double), _Alignof(double)); break;
        case FV_FIELD_BOOL: offset = behind(offset, sizeof(bool), _Alignof(bool)); break;
        case FV_FIELD_CHOICE: offset = behind(offset, sizeof(int), _Alignof(int)); break;
        case FV_FIELD_SIZES: offset = behind(offset, 3 * sizeof(int64_t), _Alignof(int64_t)); break;
        case FV_FIELD_LIST: offset = behind(offset, 8 * sizeof(int64_t), _Alignof(int64_t)); break;
        case FV_FIELD_TEXT: offset = behind(offset, sizeof(char *), _Alignof(char *)); break;
        }
    }
    return behind(offset, 0, _Alignof(fv_value));
}

static void structs_have_the_size_of_their_records(void **state) {
    (void)state;
    static const struct {
        const char *op;
        size_t size;
    } cases[] = {
#define FV_OP(name) {#name, sizeof(fv_##name##_options)},
#include "ops.def"
#undef FV_OP
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(fv_ops[i]->name, cases[i].op);
        size_t expected = size_by_record(fv_ops[i]);
        if (cases[i].size != expected)
            fail_msg("fv_%s_options: expected %zu bytes, got %zu (is fovea_ops.h stale?)", cases[i].op, expected,
                     cases[i].size);
    }
}

/* ---- using them ------------------------------------------------------------------------------------------------- */

static void check_layer(const fv_summary *s, int i, const char *name, const char *detail, const char *output) {
    const fv_layer *l = fv_summary_layer(s, i);
    char shape[64];
    assert_non_null(l);
    assert_string_equal(l->name, name);
    assert_string_equal(l->detail, detail);
    assert_string_equal(fv_shape_text(&l->output, shape, sizeof shape), output);
}

static fv_summary *summarize(fv_net *net) {
    fv_error error = {0};
    fv_summary *s = fv_summarize(net, NULL, &error);
    if (!s) fail_msg("summary: %s", error.message);
    return s;
}

static void the_lectures_network_in_c(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 28, .width = 28, .channels = 1);
    x = fv_conv(x, .filters = 32, .kernel = {3, 3}, .activation = FV_RELU);
    x = fv_maxpool(x, .window = {2, 2});
    x = fv_conv(x, .filters = 64, .kernel = {3, 3}, .activation = FV_RELU);
    x = fv_maxpool(x, .window = {2, 2});
    x = fv_conv(x, .filters = 64, .kernel = {3, 3}, .activation = FV_RELU);
    x = fv_flatten(x);
    x = fv_dense(x, .units = 64, .activation = FV_RELU);
    x = fv_dense(x, .units = 10, .activation = FV_SOFTMAX);
    fv_summary *s = summarize(net);
    assert_int_equal(fv_summary_count(s), 8);
    check_layer(s, 0, "conv1", "32 3x3 activation=relu", "Nx26x26x32");
    check_layer(s, 3, "maxpool2", "2x2", "Nx5x5x64");
    check_layer(s, 7, "dense2", "10 activation=softmax", "Nx10");
    assert_int_equal(fv_summary_total(s).parameters, 93322);
    fv_summary_free(s);
    fv_net_free(net);
}

static void words_zeros_names_and_lists(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 9, .width = 9, .channels = 4);
    fv_value a = fv_conv(x, .name = "stem", .filters = 8, .kernel = {3}, .stride = {2, 2}, .padding = {FV_SAME},
                         .groups = 2, .no_bias = true, .kernel_initializer = "he_normal");
    fv_value b = fv_conv(x, .filters = 8, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1});
    fv_value sum = fv_add((const fv_value[]){a, b}, 2);
    fv_value both = fv_concat((const fv_value[]){sum, a, b}, 3);
    fv_dropout(both, .rate = FV_ZERO);
    fv_summary *s = summarize(net);
    check_layer(s, 0, "stem", "8 3 stride=2x2 padding=same groups=2 bias=no kernel_initializer=he_normal", "Nx5x5x8");
    check_layer(s, 1, "conv2", "8 3x3 stride=2x2 padding=1x1", "Nx5x5x8");
    check_layer(s, 2, "add1", "", "Nx5x5x8");
    check_layer(s, 3, "concat1", "", "Nx5x5x24");
    assert_string_equal(fv_summary_layer(s, 0)->working, "3x3x2x8");
    fv_summary_free(s);
    fv_net_free(net);
}

static void mistakes_in_c_are_reported_like_those_in_text(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_error error = {0};
    fv_value x = fv_input(net, .height = 9, .width = 9, .channels = 4);
    x = fv_relu(fv_conv(x, .kernel = {3, 3}));
    assert_int_equal(x.id, -1);
    assert_int_equal(fv_net_check(net, &error), FV_E_ARGUMENT);
    assert_string_equal(error.message, "conv1 (conv): filters is missing (number of output channels)");
    fv_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structs_have_the_size_of_their_records),
        cmocka_unit_test(the_lectures_network_in_c),
        cmocka_unit_test(words_zeros_names_and_lists),
        cmocka_unit_test(mistakes_in_c_are_reported_like_those_in_text),
    };
    return cmocka_run_group_tests_name("builders", tests, NULL, NULL);
}
