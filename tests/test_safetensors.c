/* test_safetensors.c - named tensors in memory and in files: against a file of the reference implementation, back again, and
 * every lie a header can tell. */
#include "store.h"
#include "bytes.h"
#include "memory.h"
#include "files.h"

#include <math.h>

static const char *golden(const char *name) {
    static char path[512];
    const char *source = getenv("FOVEA_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/%s", source ? source : ".", name);
    return path;
}

static fv_tensor tensor_of(const fv_store *store, const char *name, fv_dtype dtype, int rank) {
    int index = fv_store_find(store, name);
    if (index < 0) fail_msg("no tensor \"%s\"", name);
    fv_tensor t = fv_store_tensor(store, index);
    if (t.dtype != dtype || t.shape.rank != rank)
        fail_msg("\"%s\": got %s of rank %d", name, fv_dtype_name(t.dtype), t.shape.rank);
    return t;
}

static void reads_the_reference_implementations_file(void **state) {
    (void)state;
    fv_store *store = fv_safetensors_read(golden("mixed.safetensors"), &problem);
    if (!store) fail_msg("%s", problem.message);
    assert_int_equal(fv_store_count(store), 12);
    for (int k = 0; k < 6; k++) {
        assert_true(((float *)tensor_of(store, "weight", FV_F32, 2).data)[k] == (float)k);
        assert_int_equal(((int32_t *)tensor_of(store, "int", FV_I32, 2).data)[k], k);
        assert_true(((int64_t *)tensor_of(store, "long", FV_I64, 2).data)[k] == (int64_t)k << 40);
        assert_int_equal(((unsigned char *)tensor_of(store, "byte", FV_U8, 2).data)[k], k);
    }
    const float halves[] = {0, -0.0f, 1, -2, 65504, 0x1p-14f, 0x1p-24f, 0x3p-24f, INFINITY, -INFINITY, 0x1.554p-2f};
    assert_memory_equal(tensor_of(store, "half", FV_F32, 1).data, halves, sizeof halves);
    assert_memory_equal(tensor_of(store, "brain", FV_F32, 1).data, ((float[]){1, -2.5f, 3.140625f}), 12);
    assert_true(*(double *)tensor_of(store, "double", FV_F64, 1).data == 0.1);
    assert_memory_equal(tensor_of(store, "flag", FV_BOOL, 1).data, ((bool[]){true, false}), 2);
    assert_memory_equal(tensor_of(store, "small", FV_I32, 1).data, ((int32_t[]){-1, 5}), 8);
    assert_true(*(int64_t *)tensor_of(store, "wide", FV_I64, 1).data == 4294967295);
    assert_true(tensor_of(store, "empty", FV_F32, 2).shape.dim[1] == 4);
    assert_int_equal(*(int32_t *)tensor_of(store, "scalar", FV_I32, 0).data, 7);
    assert_string_equal(fv_store_note(store, "made by"), "numpy");
    assert_string_equal(fv_store_note(store, "unicode"), "κόσμος");
    assert_int_equal(fv_store_find(store, "absent"), -1);
    assert_null(fv_store_note(store, "absent"));
    fv_store_free(store);
}

static void comes_back_as_it_was(void **state) {
    (void)state;
    fv_store *store = fv_store_new();
    unsigned char odd[3] = {1, 2, 3};
    float numbers[4] = {1, -2, 3, NAN};
    double wide[2] = {0.1, 1e300};
    check_ok(fv_store_add(store, "odd \"name\" \\ / ü", (fv_tensor){FV_U8, {1, {3}}, odd},
                          &problem)); /* would misalign what follows */
    check_ok(fv_store_add(store, "numbers", (fv_tensor){FV_F32, {2, {2, 2}}, numbers}, &problem));
    check_ok(fv_store_add(store, "wide", (fv_tensor){FV_F64, {1, {2}}, wide}, &problem));
    check_ok(fv_store_set_note(store, "net", "input 28x28x1\nconv 3 5x5\n", &problem));
    check_ok(fv_store_set_note(store, "net", "input 28x28x1\nconv 4 5x5\n", &problem)); /* replaced */
    check_ok(fv_safetensors_write(store, temp_path("a.safetensors"), &problem));
    fv_store *back = fv_safetensors_read(temp_path("a.safetensors"), &problem);
    if (!back) fail_msg("%s", problem.message);
    assert_int_equal(fv_store_count(back), 3);
    assert_memory_equal(tensor_of(back, "odd \"name\" \\ / ü", FV_U8, 1).data, odd, sizeof odd);
    assert_memory_equal(tensor_of(back, "numbers", FV_F32, 2).data, numbers, sizeof numbers);
    assert_memory_equal(tensor_of(back, "wide", FV_F64, 1).data, wide, sizeof wide);
    for (int i = 0; i < 3; i++)
        assert_int_equal((uintptr_t)fv_store_tensor(back, i).data % fv_dtype_size(fv_store_tensor(back, i).dtype), 0);
    assert_int_equal(fv_store_note_count(back), 1);
    assert_string_equal(fv_store_note_key(back, 0), "net");
    assert_string_equal(fv_store_note(back, "net"), "input 28x28x1\nconv 4 5x5\n");
    check_ok(fv_safetensors_write(back, temp_path("b.safetensors"), &problem));
    fv_store *again =
        fv_safetensors_read(temp_path("b.safetensors"), &problem); /* header order may differ, content may not */
    assert_int_equal(fv_store_count(again), 3);
    fv_store_free(again);
    fv_store_free(back);
    fv_store_free(store);
}

static void an_empty_store_is_a_file_too(void **state) {
    (void)state;
    fv_store *store = fv_store_new();
    check_ok(fv_safetensors_write(store, temp_path("empty.safetensors"), &problem));
    fv_store_free(store);
    store = fv_safetensors_read(temp_path("empty.safetensors"), &problem);
    if (!store) fail_msg("%s", problem.message);
    assert_int_equal(fv_store_count(store), 0);
    fv_store_free(store);
}

static void names_are_unique_and_found_among_many(void **state) {
    (void)state;
    fv_store *store = fv_store_new();
    static int32_t values[5000];
    char name[64];
    for (int i = 0; i < 5000; i++) {
        values[i] = i;
        snprintf(name, sizeof name, "block%d.conv%d.weight", i / 7, i);
        check_ok(fv_store_add(store, name, (fv_tensor){FV_I32, {0, {0}}, &values[i]}, &problem));
        check_ok(fv_store_set_note(store, name, name + 5, &problem));
    }
    for (int i = 0; i < 5000; i += 13) {
        snprintf(name, sizeof name, "block%d.conv%d.weight", i / 7, i);
        assert_int_equal(fv_store_find(store, name), i);
        assert_string_equal(fv_store_note(store, name), name + 5);
    }
    check_fails(fv_store_add(store, name, (fv_tensor){FV_I32, {0, {0}}, values}, &problem), FV_E_ARGUMENT,
                "two tensors are called");
    fv_store_free(store);
}

static void refuses_to_write_what_cannot_be_read(void **state) {
    (void)state;
    float x = 0;
    const struct {
        const char *name;
        fv_tensor tensor;
    } cases[] = {{"__metadata__", {FV_F32, {0, {0}}, &x}},
                 {"x", {FV_NO_DTYPE, {0, {0}}, &x}},
                 {"\xff\xfe", {FV_F32, {0, {0}}, &x}}};
    for (int i = 0; i < 3; i++) {
        fv_store *store = fv_store_new();
        check_ok(fv_store_add(store, cases[i].name, cases[i].tensor, &problem));
        check_fails(fv_safetensors_write(store, temp_path("bad.safetensors"), &problem), FV_E_ARGUMENT, "tensor");
        fv_store_free(store);
        assert_int_not_equal(access(temp_path("bad.safetensors"), F_OK), 0);
    }
}

/* A file with this header and `size` zero bytes of data, parsed. */
static fv_status parse_with(const char *header, size_t size) {
    size_t length = strlen(header);
    unsigned char *bytes = calloc(8 + length + size, 1);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(length >> 8 * i);
    memcpy(bytes + 8, header, length);
    fv_store *store = fv_safetensors_parse(bytes, 8 + length + size, "test", &problem);
    fv_store_free(store);
    free(bytes);
    return store ? FV_OK : problem.status;
}

static void accepts_what_the_format_allows(void **state) {
    (void)state;
    check_ok(parse_with("{}", 0));
    check_ok(parse_with("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}   ", 8));
    check_ok(parse_with("{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[8,9]},\"a\":{\"dtype\":\"F32\","
                        "\"shape\":[2],\"data_offsets\":[0,8]}}",
                        9));
    check_ok(parse_with("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"F32\","
                        "\"shape\":[2],\"data_offsets\":[1,9]}}",
                        9));
    check_ok(parse_with("{\"e\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[0,0]},\"f\":{\"dtype\":\"F32\","
                        "\"shape\":[0],\"data_offsets\":[0,0]}}",
                        0));
}

static void refuses_headers_that_lie(void **state) {
    (void)state;
#define ONE(dtype, shape, offsets) "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
    const struct {
        const char *header, *words;
        fv_status status;
    } cases[] = {
        {ONE("\"F32\"", "[2]", "[0,12]"), "data from 0 to 12", FV_E_FORMAT},
        {ONE("\"F32\"", "[2]", "[8,0]"), "data from 8 to 0", FV_E_FORMAT},
        {ONE("\"F32\"", "[2]", "[-8,0]"), "data from -8", FV_E_FORMAT},
        {ONE("\"F32\"", "[2]", "[0,9223372036854775807]"), "data from 0 to 9223372036854775807", FV_E_FORMAT},
        {ONE("\"F32\"", "[2]", "[0,8.0]"), "not two whole numbers", FV_E_FORMAT},
        {ONE("\"F32\"", "[2]", "[0]"), "not two whole numbers", FV_E_FORMAT},
        {ONE("\"F32\"", "[2]", "{}"), "not two whole numbers", FV_E_FORMAT},
        {ONE("\"F32\"", "[3]", "[0,8]"), "3 elements of F32 do not fill its 8 bytes", FV_E_FORMAT},
        {ONE("\"F32\"", "[1]", "[0,8]"), "do not fill", FV_E_FORMAT},
        {ONE("\"F32\"", "[4294967296,4294967296]", "[0,8]"), "too many elements", FV_E_FORMAT},
        {ONE("\"F32\"", "[4294967295,4294967295,0]", "[0,0]"), "too many elements", FV_E_FORMAT},
        {ONE("\"F64\"", "[2305843009213693953]", "[0,8]"), "too many elements", FV_E_FORMAT},
        {ONE("\"F32\"", "[-2]", "[0,8]"), "whole numbers from 0", FV_E_FORMAT},
        {ONE("\"F32\"", "[2.0]", "[0,8]"), "whole numbers from 0", FV_E_FORMAT},
        {ONE("\"F32\"", "2", "[0,8]"), "no list", FV_E_FORMAT},
        {ONE("\"F32\"", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), "rank 9", FV_E_UNSUPPORTED},
        {ONE("\"C64\"", "[1]", "[0,8]"), "dtype \"C64\" is not supported", FV_E_UNSUPPORTED},
        {ONE("7", "[2]", "[0,8]"), "\"dtype\" is missing", FV_E_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "\"data_offsets\" is missing", FV_E_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", "keys besides", FV_E_FORMAT},
        {"{\"a\":[]}", "expected an object", FV_E_FORMAT},
        {"{}", "the tensors end at 0, the file's data at 8", FV_E_FORMAT},
        {ONE("\"F32\"", "[1]", "[0,4]"), "the tensors end at 4", FV_E_FORMAT},
        {ONE("\"F32\"", "[1]", "[4,8]"), "leaves a hole", FV_E_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],"
         "\"data_offsets\":[4,8]}}",
         "overlaps", FV_E_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[2],"
         "\"data_offsets\":[0,8]}}",
         "duplicate", FV_E_FORMAT},
        {"{\"__metadata__\":{\"a\":1}}", "\"a\" is no text", FV_E_FORMAT},
        {"{\"__metadata__\":[]}", "is no object", FV_E_FORMAT},
        {"{\"__metadata__\":{\"a\":\"\\u0000\"}}", "not proper JSON", FV_E_FORMAT},
        {"{\"a\":", "not proper JSON", FV_E_FORMAT},
        {"[]", "its header is not JSON", FV_E_FORMAT},
        {"{} x", "not proper JSON", FV_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_status status = parse_with(cases[i].header, 8);
        if (status != cases[i].status || !strstr(problem.message, cases[i].words))
            fail_msg("%s: expected \"%s\", got %d \"%s\"", cases[i].header, cases[i].words, status, problem.message);
    }
    unsigned char bytes[16] = {2, 0, 0, 0, 0, 0, 0, 0x80, '{', '}'};
    assert_null(fv_safetensors_parse(bytes, 10, "test", &problem));
    assert_non_null(strstr(problem.message, "longer than the file"));
}

static void refuses_bools_that_are_neither(void **state) {
    (void)state;
    const char *header = ONE("\"BOOL\"", "[1]", "[0,1]");
    unsigned char bytes[100] = {0};
    bytes[0] = (unsigned char)strlen(header);
    memcpy(bytes + 8, header, strlen(header));
    bytes[8 + strlen(header)] = 2;
    assert_null(fv_safetensors_parse(bytes, 9 + strlen(header), "test", &problem));
    assert_non_null(strstr(problem.message, "out of range"));
}

static void refuses_every_truncation(void **state) {
    (void)state;
    unsigned char *bytes;
    size_t size;
    check_ok(fv_read_bytes(golden("mixed.safetensors"), 10000, &bytes, &size, &problem));
    for (size_t n = 0; n < size; n++) {
        unsigned char *cut = malloc(n ? n : 1); /* of its own, so that reading beyond is seen */
        memcpy(cut, bytes, n);
        if (fv_safetensors_parse(cut, n, "cut", &problem))
            fail_msg("accepted when cut after %zu of %zu bytes", n, size);
        free(cut);
    }
    fv_free(bytes);
    assert_null(fv_safetensors_read(temp_path("absent"), &problem));
    assert_int_equal(problem.status, FV_E_FILE);
}

static void running_out_of_memory_leaks_nothing(void **state) {
    (void)state;
    for (int64_t n = 0;; n++) {
        uint64_t before = fv_alloc_count();
        fv_alloc_fail_after(n);
        fv_store *store = fv_safetensors_read(golden("mixed.safetensors"), &problem);
        bool written = store && fv_safetensors_write(store, temp_path("m.safetensors"), &problem) == FV_OK;
        if (!written) assert_int_equal(problem.status, FV_E_MEMORY);
        fv_alloc_fail_after(-1);
        fv_store_free(store);
        if (fv_alloc_count() - before <= (uint64_t)n) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_reference_implementations_file),
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(an_empty_store_is_a_file_too),
        cmocka_unit_test(names_are_unique_and_found_among_many),
        cmocka_unit_test(refuses_to_write_what_cannot_be_read),
        cmocka_unit_test(accepts_what_the_format_allows),
        cmocka_unit_test(refuses_headers_that_lie),
        cmocka_unit_test(refuses_bools_that_are_neither),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(running_out_of_memory_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
