/* Protocol Buffers' wire format: the bytes of its own documentation, there and back. */
#include "check.h"

#include "memory.h"
#include "wire.h"

static void check_bytes(const char *name, const fv_wire *wire, const char *expected, size_t size) {
    if (wire->size != size || memcmp(wire->data, expected, size) != 0)
        fail_msg("%s: expected %zu bytes, got %zu or other ones", name, size, wire->size);
}

static void fields_are_written_as_documented(void **state) {
    (void)state;
    fv_wire w = {0};
    fv_wire_varint(&w, 1, 150);
    check_bytes("a varint", &w, "\x08\x96\x01", 3);
    fv_wire_free(&w);
    fv_wire_text(&w, 2, "testing");
    check_bytes("a text", &w, "\x12\x07testing", 9);
    fv_wire_free(&w);
    size_t inside = fv_wire_begin(&w, 3);
    fv_wire_varint(&w, 1, 150);
    fv_wire_end(&w, inside);
    check_bytes("a message inside", &w, "\x1a\x03\x08\x96\x01", 5);
    fv_wire_free(&w);
    fv_wire_varint(&w, 1, (uint64_t)-1);
    check_bytes("a negative number", &w, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
    fv_wire_free(&w);
    fv_wire_float(&w, 5, 1.0f);
    fv_wire_double(&w, 16, -2.0);
    check_bytes("fixed numbers", &w, "\x2d\x00\x00\x80\x3f\x81\x01\x00\x00\x00\x00\x00\x00\x00\xc0", 15);
    fv_wire_free(&w);
}

static void long_messages_move_behind_their_length(void **state) {
    (void)state;
    fv_wire w = {0};
    char text[301];
    memset(text, 'x', 300);
    text[300] = 0;
    size_t outer = fv_wire_begin(&w, 1), inner = fv_wire_begin(&w, 2);
    fv_wire_text(&w, 3, text);
    fv_wire_end(&w, inner);
    fv_wire_end(&w, outer);
    assert_int_equal(w.size, 3 + 3 + 3 + 300);
    const unsigned char *at = w.data;
    size_t left = w.size;
    fv_wire_field field;
    for (int depth = 1; depth <= 3; depth++) {
        assert_true(fv_wire_next(&at, &left, &field));
        assert_int_equal(field.number, depth);
        assert_int_equal(left, 0);
        at = field.data, left = field.size;
    }
    assert_int_equal(field.size, 300);
    assert_memory_equal(field.data, text, 300);
    fv_wire_free(&w);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT64_C(1) << 63, UINT64_MAX};
    fv_wire w = {0};
    for (int i = 0; i < 8; i++) fv_wire_varint(&w, i + 1, values[i]), fv_wire_fixed64(&w, 100 + i, values[i]);
    fv_wire_float(&w, 500, -0.1f);
    fv_wire_double(&w, 536870911, 1e300);
    const unsigned char *at = w.data;
    size_t left = w.size;
    fv_wire_field field;
    for (int i = 0; i < 8; i++) {
        assert_true(fv_wire_next(&at, &left, &field) && field.number == i + 1 && field.kind == FV_WIRE_VARINT);
        assert_true(field.value == values[i]);
        assert_true(fv_wire_next(&at, &left, &field) && field.number == 100 + i && field.kind == FV_WIRE_FIXED64);
        assert_true(field.value == values[i]);
    }
    assert_true(fv_wire_next(&at, &left, &field) && fv_wire_as_float(&field) == -0.1f);
    assert_true(fv_wire_next(&at, &left, &field) && field.number == 536870911 && fv_wire_as_double(&field) == 1e300);
    assert_false(fv_wire_next(&at, &left, &field));
    assert_int_equal(left, 0);
    fv_wire_free(&w);
}

static void damage_is_refused(void **state) {
    (void)state;
    const struct {
        const char *name, *bytes;
        size_t size;
    } cases[] = {{"a varint without an end", "\x08\x96", 2},
                 {"a varint of more than 64 bits", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11},
                 {"bytes beyond the message", "\x12\x07test", 6},
                 {"a fixed number cut off", "\x0d\x01\x02\x03", 4},
                 {"field 0", "\x00\x01", 2},
                 {"a group", "\x0b\x0c", 2},
                 {"a length near the largest number", "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const unsigned char *at = (const unsigned char *)cases[i].bytes;
        size_t left = cases[i].size;
        fv_wire_field field;
        if (fv_wire_next(&at, &left, &field) || left != cases[i].size)
            fail_msg("%s: expected a refusal, got field %d", cases[i].name, field.number);
    }
}

static void short_memory_is_remembered(void **state) {
    (void)state;
    fv_wire w = {0};
    fv_alloc_fail_after(0);
    fv_wire_text(&w, 1, "lost");
    fv_alloc_fail_after(-1);
    fv_wire_text(&w, 1, "not written any more");
    assert_true(w.failed);
    assert_int_equal(w.size, 0);
    fv_wire_free(&w);
}

static void records_have_sums(void **state) {
    (void)state;
    assert_int_equal(fv_crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(fv_crc32c("", 0), 0);
    uint32_t crc = 0xe3069283;
    assert_int_equal(fv_crc32c_masked("123456789", 9), (uint32_t)((crc >> 15 | crc << 17) + 0xa282ead8));
    fv_wire w = {0};
    fv_wire_record(&w, "abc", 3);
    assert_int_equal(w.size, 8 + 4 + 3 + 4);
    assert_memory_equal(w.data, "\3\0\0\0\0\0\0\0", 8);
    assert_memory_equal(w.data + 12, "abc", 3);
    fv_wire_free(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_written_as_documented), cmocka_unit_test(long_messages_move_behind_their_length),
        cmocka_unit_test(what_is_written_is_read),          cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(short_memory_is_remembered),       cmocka_unit_test(records_have_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
