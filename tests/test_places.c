/* Operators that move and pick numbers, beyond what their records show: other types, nothing at all, indices outside. */
#include "check.h"
#include "graph.h"
#include "plan.h"

/* A net of one operator over constants of these bytes; the result's run, gone once. */
typedef struct places_case {
    fv_net *net;
    fv_run *run;
    fv_value y;
    fv_error error;
    fv_status status;
} places_case;

static places_case go(const char *op, const char *fields, const fv_tensor *in, int count) {
    static const char *const names[] = {"a", "b", "c"};
    places_case c = {.net = fv_net_new()};
    fv_value x[3];
    for (int i = 0; i < count; i++)
        x[i] = fv_input(c.net, .name = names[i], .dtype = in[i].dtype, .shape = in[i].shape, .no_batch = true);
    c.y = fv_apply(c.net, op, x, count, fields, &c.error);
    if (c.y.id < 0) fail_msg("%s %s: %s", op, fields, c.error.message);
    const fv_plan_options options = {.batch = 1, .wanted = &c.y.id, .wanted_count = 1, .threads = 1};
    c.run = fv_run_build(c.net, NULL, &options, &c.error);
    if (!c.run) fail_msg("%s %s: %s", op, fields, c.error.message);
    for (int i = 0; i < count; i++) {
        size_t bytes = (size_t)fv_shape_count(&in[i].shape) * fv_dtype_size(in[i].dtype);
        if (bytes) memcpy(fv_run_value(c.run, x[i]).data, in[i].data, bytes);
    }
    c.status = fv_run_go(c.run, 1, &c.error);
    return c;
}

static void end(places_case *c) {
    fv_run_free(c->run);
    fv_net_free(c->net);
}

static void expect(const char *op, const char *fields, const fv_tensor *in, int count, const void *bytes, size_t size) {
    places_case c = go(op, fields, in, count);
    fv_tensor y = fv_run_value(c.run, c.y);
    if (c.status) fail_msg("%s %s: %s", op, fields, c.error.message);
    if ((size_t)fv_shape_count(&y.shape) * fv_dtype_size(y.dtype) != size || (size && memcmp(y.data, bytes, size)))
        fail_msg("%s %s of %s: other numbers than expected", op, fields, fv_dtype_name(in[0].dtype));
    end(&c);
}

static void numbers_of_every_type_move(void **state) {
    (void)state;
    int64_t wide[4] = {INT64_MAX, 2, INT64_MIN, 4}, turned[4] = {INT64_MAX, INT64_MIN, 2, 4}, last[2] = {2, 4};
    bool truth[4] = {true, false, false, true}, back[2] = {true, false};
    uint8_t small[4] = {1, 2, 3, 255}, around[6] = {9, 1, 2, 3, 255, 9};
    int32_t words[4] = {7, -8, 9, 10}, twice[8] = {7, -8, 9, 10, 7, -8, 9, 10}, index[2] = {-1, 0}, picked[2] = {10, 7};
    const fv_shape square = {2, {2, 2}}, line = {1, {4}}, pair = {1, {2}};
    expect("transpose", "1,0", &(fv_tensor){FV_I64, square, wide}, 1, turned, sizeof turned);
    expect("slice", "1 2 axes=1", &(fv_tensor){FV_I64, square, wide}, 1, last, sizeof last);
    expect("slice", "0 1", &(fv_tensor){FV_BOOL, square, truth}, 1, back, sizeof back);
    expect("pad_axes", "1 value=9", &(fv_tensor){FV_U8, line, small}, 1, around, sizeof around);
    expect("tile", "2", &(fv_tensor){FV_I32, line, words}, 1, twice, sizeof twice);
    const fv_tensor table[2] = {{FV_I32, line, words}, {FV_I32, pair, index}};
    expect("gather", "", table, 2, picked, sizeof picked);
}

static void what_scatter_does_to_what_is_there(void **state) {
    (void)state;
    static const struct {
        const char *fields;
        int64_t expected[3];
    } cases[] = {{"reduction=none", {1, 5, 4}},
                 {"reduction=add", {1, 7, 9}},
                 {"reduction=mul", {1, 10, 12}},
                 {"reduction=max", {1, 5, 4}},
                 {"reduction=min", {1, 2, 1}}};
    int64_t x[3] = {1, 2, 3}, index[4] = {1, 2, 2, 2}, updates[4] = {5, 1, 1, 4};
    for (int i = 0; i < 5; i++) {
        int64_t expected[3];
        memcpy(expected, cases[i].expected, sizeof expected);
        const fv_tensor in[3] = {{FV_I64, {1, {3}}, x}, {FV_I64, {1, {4}}, index}, {FV_I64, {1, {4}}, updates}};
        expect("scatter_elements", cases[i].fields, in, 3, expected, sizeof expected);
    }
}

static void sizes_of_0_are_walked_by_nothing(void **state) {
    (void)state;
    float x[4] = {1, 2, 3, 4}, zeros[2] = {0, 0};
    const fv_tensor square = {FV_F32, {2, {2, 2}}, x}, none[2] = {square, {FV_I64, {1, {0}}, NULL}};
    expect("slice", "2 2", &square, 1, NULL, 0);
    expect("split", "sizes=0,2", &square, 1, NULL, 0);
    expect("gather", "", none, 2, NULL, 0);
    expect("pad_axes", "0,1", &(fv_tensor){FV_F32, {2, {1, 0}}, NULL}, 1, zeros, sizeof zeros);
}

static void an_index_outside_ends_the_run_in_one_sentence(void **state) {
    (void)state;
    float x[4] = {1, 2, 3, 4};
    int32_t index[2] = {0, 2};
    const fv_tensor in[2] = {{FV_F32, {2, {2, 2}}, x}, {FV_I32, {1, {2}}, index}};
    places_case c = go("gather", "", in, 2);
    assert_int_equal(c.status, FV_E_ARGUMENT);
    assert_string_equal(c.error.message, "gather1: an index lies outside the axis that it counts along");
    end(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_every_type_move),
        cmocka_unit_test(what_scatter_does_to_what_is_there),
        cmocka_unit_test(sizes_of_0_are_walked_by_nothing),
        cmocka_unit_test(an_index_outside_ends_the_run_in_one_sentence),
    };
    return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
