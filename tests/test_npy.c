/* test_npy.c - NumPy's array files: against files that NumPy wrote, back again, and damaged. */
#include "store.h"
#include "bytes.h"
#include "files.h"

static const char *golden(const char *name) {
    static char path[512];
    const char *source = getenv("FOVEA_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/%s", source ? source : ".", name);
    return path;
}

static double number_at(const fv_tensor *t, int i) {
    switch (t->dtype) {
    case FV_F32: return ((float *)t->data)[i];
    case FV_F64: return ((double *)t->data)[i];
    case FV_I32: return ((int32_t *)t->data)[i];
    case FV_I64: return (double)((int64_t *)t->data)[i];
    default: return ((unsigned char *)t->data)[i];
    }
}

static void reads_what_numpy_wrote(void **state) {
    (void)state;
    const struct {
        const char *name;
        fv_dtype dtype;
        int add;
    } cases[] = {{"f2", FV_F32, 0},       {"f4", FV_F32, 0},       {"f8", FV_F64, 0},      {"i1", FV_I32, 0},
                 {"i2", FV_I32, 0},       {"i4", FV_I32, 0},       {"i8", FV_I64, 0},      {"u1", FV_U8, 0},
                 {"u2", FV_I32, 0},       {"u4", FV_I64, 0},       {"u8", FV_I64, 0},      {"big_f4", FV_F32, 0},
                 {"big_u2", FV_I32, 256}, {"version2", FV_F32, 0}, {"version3", FV_F32, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[40];
        fv_tensor t;
        snprintf(name, sizeof name, "npy_%s.npy", cases[i].name);
        check_ok(fv_npy_read(golden(name), &t, &problem));
        if (t.dtype != cases[i].dtype || !fv_shape_equal(&t.shape, &(fv_shape){2, {2, 3}}))
            fail_msg("%s: got %s of rank %d", name, fv_dtype_name(t.dtype), t.shape.rank);
        for (int k = 0; k < 6; k++)
            if (number_at(&t, k) != k + cases[i].add)
                fail_msg("%s[%d]: expected %d, got %g", name, k, k + cases[i].add, number_at(&t, k));
        fv_free(t.data);
    }
}

static void reads_special_shapes(void **state) {
    (void)state;
    fv_tensor t;
    check_ok(fv_npy_read(golden("npy_fortran.npy"), &t, &problem));
    assert_true(fv_shape_equal(&t.shape, &(fv_shape){3, {2, 3, 4}}));
    for (int k = 0; k < 24; k++) assert_int_equal(((int32_t *)t.data)[k], k);
    fv_free(t.data);
    check_ok(fv_npy_read(golden("npy_scalar.npy"), &t, &problem));
    assert_true(t.shape.rank == 0 && *(double *)t.data == 2.5);
    fv_free(t.data);
    check_ok(fv_npy_read(golden("npy_empty.npy"), &t, &problem));
    assert_true(fv_shape_equal(&t.shape, &(fv_shape){2, {0, 3}}));
    fv_free(t.data);
    check_ok(fv_npy_read(golden("npy_b1.npy"), &t, &problem));
    assert_true(t.dtype == FV_BOOL && ((bool *)t.data)[0] && !((bool *)t.data)[1]);
    fv_free(t.data);
    check_fails(fv_npy_read(golden("npy_text.npy"), &t, &problem), FV_E_UNSUPPORTED,
                "arrays of '<U3' are not supported");
}

static void writes_the_bytes_that_numpy_writes(void **state) {
    (void)state;
    const char *names[] = {"npy_f4.npy", "npy_f8.npy", "npy_i4.npy",     "npy_i8.npy",
                           "npy_u1.npy", "npy_b1.npy", "npy_scalar.npy", "npy_empty.npy"};
    for (int i = 0; i < 8; i++) {
        fv_tensor t;
        unsigned char *a, *b;
        size_t n, m;
        check_ok(fv_npy_read(golden(names[i]), &t, &problem));
        check_ok(fv_npy_write(temp_path("a.npy"), &t, &problem));
        check_ok(fv_read_bytes(golden(names[i]), 10000, &a, &n, &problem));
        check_ok(fv_read_bytes(temp_path("a.npy"), 10000, &b, &m, &problem));
        if (n != m || memcmp(a, b, n) != 0) fail_msg("%s: written with %zu other bytes (of %zu)", names[i], m, n);
        fv_free(t.data);
        fv_free(a);
        fv_free(b);
    }
}

/* An NPY 1.0 file around a header and `size` bytes of zeros. */
static fv_status parse_with(const char *header, size_t size, fv_tensor *t) {
    unsigned char bytes[600] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    size_t length = strlen(header);
    bytes[8] = (unsigned char)length;
    bytes[9] = (unsigned char)(length >> 8);
    memcpy(bytes + 10, header, length);
    return fv_npy_parse(bytes, 10 + length + size, "test", t, &problem);
}

static void accepts_any_spelling_of_the_header(void **state) {
    (void)state;
    const char *headers[] = {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n",
                             "{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"<f4\"}",
                             "{ 'fortran_order' : True , 'shape' : ( 2 , 3 , ) , 'descr' : '=f4' , }"};
    for (int i = 0; i < 3; i++) {
        fv_tensor t;
        check_ok(parse_with(headers[i], 24, &t));
        assert_true(fv_shape_equal(&t.shape, &(fv_shape){2, {2, 3}}));
        fv_free(t.data);
    }
}

static void refuses_damaged_headers(void **state) {
    (void)state;
    fv_tensor t;
    const char *damaged[] = {"",
                             "{",
                             "{}",
                             "x",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x",
                             "{'descr': '<f4', 'fortran_order': False}",
                             "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}",
                             "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'more': 1}",
                             "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,6)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"};
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++)
        check_fails(parse_with(damaged[i], 24, &t), FV_E_FORMAT, "damaged header");
    check_fails(parse_with("{'descr': '<c8', 'fortran_order': False, 'shape': (3,)}", 24, &t), FV_E_UNSUPPORTED,
                "arrays of '<c8'");
    check_fails(parse_with("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", 24, &t), FV_E_UNSUPPORTED,
                "arrays of '|O'");
    check_fails(parse_with("{'descr': '|f4', 'fortran_order': False, 'shape': (6,)}", 24, &t), FV_E_UNSUPPORTED,
                "arrays of '|f4'");
    check_fails(parse_with("{'descr': '<f4', 'fortran_order': False, 'shape': (7,)}", 24, &t), FV_E_FORMAT,
                "claims 28 bytes of numbers, the file has 24");
    check_fails(parse_with("{'descr': '<f4', 'fortran_order': False, 'shape': (5,)}", 24, &t), FV_E_FORMAT,
                "claims 20 bytes");
    check_fails(
        parse_with("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}", 24, &t),
        FV_E_FORMAT, "claims");
    check_fails(parse_with("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967295, 4294967295, 0)}", 0, &t),
                FV_E_FORMAT, "claims");
    check_fails(parse_with("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807,)}", 24, &t),
                FV_E_FORMAT, "claims");
}

static void refuses_values_that_do_not_fit(void **state) {
    (void)state;
    fv_tensor t;
    unsigned char *bytes;
    size_t size;
    check_ok(fv_read_bytes(golden("npy_u8.npy"), 1000, &bytes, &size, &problem));
    bytes[size - 1] = 0x80;
    check_fails(fv_npy_parse(bytes, size, "u8", &t, &problem), FV_E_FORMAT, "a value out of range");
    fv_free(bytes);
    check_ok(fv_read_bytes(golden("npy_b1.npy"), 1000, &bytes, &size, &problem));
    bytes[size - 1] = 2;
    check_fails(fv_npy_parse(bytes, size, "b1", &t, &problem), FV_E_FORMAT, "a value out of range");
    fv_free(bytes);
}

static void refuses_every_truncation_and_wrong_magic(void **state) {
    (void)state;
    fv_tensor t;
    unsigned char *bytes;
    size_t size;
    check_ok(fv_read_bytes(golden("npy_f4.npy"), 1000, &bytes, &size, &problem));
    for (size_t n = 0; n < size; n++) check_fails(fv_npy_parse(bytes, n, "cut", &t, &problem), FV_E_FORMAT, "");
    for (int i = 0; i < 6; i++) {
        bytes[i] ^= 1;
        check_fails(fv_npy_parse(bytes, size, "magic", &t, &problem), FV_E_FORMAT, "is no NPY file");
        bytes[i] ^= 1;
    }
    bytes[6] = 4;
    check_fails(fv_npy_parse(bytes, size, "version", &t, &problem), FV_E_UNSUPPORTED, "NPY version 4.0");
    fv_free(bytes);
}

static void refuses_to_write_nonsense(void **state) {
    (void)state;
    float x = 1;
    fv_tensor t = {FV_NO_DTYPE, {0, {0}}, &x};
    check_fails(fv_npy_write(temp_path("b.npy"), &t, &problem), FV_E_ARGUMENT, "without a dtype");
    t = (fv_tensor){FV_F32, {1, {-1}}, &x};
    check_fails(fv_npy_write(temp_path("b.npy"), &t, &problem), FV_E_ARGUMENT, "bad shape");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_numpy_wrote),
        cmocka_unit_test(reads_special_shapes),
        cmocka_unit_test(writes_the_bytes_that_numpy_writes),
        cmocka_unit_test(accepts_any_spelling_of_the_header),
        cmocka_unit_test(refuses_damaged_headers),
        cmocka_unit_test(refuses_values_that_do_not_fit),
        cmocka_unit_test(refuses_every_truncation_and_wrong_magic),
        cmocka_unit_test(refuses_to_write_nonsense),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
