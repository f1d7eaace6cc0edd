/* test_csv.c - lists of picture files: rows and fields, and what the labels are. */
#include "picture_sets.h"

#include "csv.h"
#include "source.h"

/* The rows as "a|b;c" */
static void check_rows(const char *text, const char *expected) {
    char copy[256], got[256] = "";
    fv_csv csv;
    bool more = true;
    snprintf(copy, sizeof copy, "%s", text);
    check_ok(fv_csv_begin(&csv, copy, strlen(copy), "list", &problem));
    for (;;) {
        check_ok(fv_csv_row(&csv, &more, &problem));
        if (!more) break;
        if (got[0]) strcat(got, ";");
        for (int i = 0; i < csv.count; i++) strcat(strcat(got, i ? "|" : ""), csv.fields[i]);
    }
    fv_csv_end(&csv);
    if (strcmp(got, expected) != 0) fail_msg("\"%s\": expected %s, got %s", text, expected, got);
}

static void takes_rows_apart(void **state) {
    (void)state;
    check_rows("a,b\nc,d\n", "a|b;c|d");
    check_rows("a,b\r\nc,d", "a|b;c|d");
    check_rows("a,b\rc,d", "a|b;c|d");
    check_rows("\n\na, b ,c\n\n", "a|b|c");
    check_rows("\xef\xbb\xbf"
               "a,b",
               "a|b");
    check_rows("a;b,c\nd;e", "a|b,c;d|e");
    check_rows("a b\tc", "a b|c");
    check_rows("\"a,1\",\"say \"\"no\"\"\"\n\"two\nlines\" ,x", "a,1|say \"no\";two\nlines|x");
    check_rows("a,,\n,b", "a||;|b");
    check_rows("", "");
    check_rows("\"\",\"\"", "|");
}

static fv_status rows_of(char *text, size_t size) {
    fv_csv csv;
    bool more = true;
    fv_status status = fv_csv_begin(&csv, text, size, "list", &problem);
    while (status == FV_OK && more) status = fv_csv_row(&csv, &more, &problem);
    fv_csv_end(&csv);
    return status;
}

static void refuses_broken_quotes(void **state) {
    (void)state;
    char open[] = "a,b\nc,\"d\n\n", behind[] = "\"a\"b,c", zero[] = "a,\0b";
    check_fails(rows_of(open, strlen(open)), FV_E_FORMAT, "do not close");
    assert_int_equal(problem.line, 2);
    check_fails(rows_of(behind, strlen(behind)), FV_E_FORMAT, "expected a separator");
    check_fails(rows_of(zero, 4), FV_E_FORMAT, "is no text");
}

static void make_pictures(void) {
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "pictures/%c.pgm", 'a' + i);
        write_grey(name, 2, 2, 10 * i);
    }
}

static void names_become_classes(void **state) {
    (void)state;
    make_pictures();
    fv_data *data = open_set(
        write_text("list.csv", "path,label\npictures/a.pgm,dog\n\"pictures/b.pgm\",\"a, cat\"\npictures/d.pgm,dog\n"),
        NULL);
    const int expected[3][2] = {{0, 1}, {10, 0}, {30, 1}};
    assert_int_equal(fv_data_count(data), 3);
    assert_string_equal(fv_data_class_name(data, 0), "a, cat");
    for (int i = 0; i < 3; i++) {
        int class_number;
        assert_int_equal(first_byte(data, i, &class_number), expected[i][0]);
        assert_int_equal(class_number, expected[i][1]);
    }
    fv_data_free(data);
}

static void whole_numbers_are_classes(void **state) {
    (void)state;
    make_pictures();
    fv_data *data = open_set(write_text("list.csv", "pictures/a.pgm,2\npictures/b.pgm,0\n"), NULL);
    int class_number;
    first_byte(data, 0, &class_number);
    assert_int_equal(class_number, 2);
    assert_int_equal(fv_data_class_count(data), 3);
    fv_data_free(data);
    write_text("classes.txt", "zero\none\n");
    check_refused(temp_path("list.csv"), NULL, "label out of range");
}

static void other_numbers_are_targets(void **state) {
    (void)state;
    make_pictures();
    const char *const lists[] = {"pictures/a.pgm,2\npictures/b.pgm,0.5\n",
                                 "file,target\npictures/a.pgm,2\npictures/b.pgm,1\n",
                                 "pictures/a.pgm,2,3\npictures/b.pgm,-1,1e3\n"};
    const float expected[3][4] = {{2, 0.5f}, {2, 1}, {2, 3, -1, 1000}};
    for (int i = 0; i < 3; i++) {
        fv_data *data = open_set(write_text("list.csv", lists[i]), NULL);
        const fv_data_field *f = fv_data_field_at(data, 1);
        int64_t size = i == 2 ? 2 : 1;
        assert_string_equal(f->name, "target");
        assert_int_equal(f->dtype, FV_F32);
        assert_true(fv_shape_equal(&f->shape, &(fv_shape){1, {size}}));
        unsigned char picture[4];
        float numbers[4];
        for (int64_t k = 0; k < 2; k++)
            check_ok(fv_data_read(data, k, (void *[]){picture, numbers + k * size}, &problem));
        assert_memory_equal(numbers, expected[i], 2 * (size_t)size * sizeof(float));
        assert_int_equal(fv_data_class_count(data), 0);
        fv_data_free(data);
    }
}

static void several_names_may_all_hold(void **state) {
    (void)state;
    make_pictures();
    fv_data *data =
        open_set(write_text("list.csv", "pictures/a.pgm,sky,sea\npictures/b.pgm,tree\npictures/c.pgm,,\n"), NULL);
    const float expected[3][3] = {{1, 1, 0}, {0, 0, 1}, {0, 0, 0}};
    unsigned char picture[4];
    float marks[3];
    assert_int_equal(fv_data_class_count(data), 3);
    assert_string_equal(fv_data_class_name(data, 2), "tree");
    for (int64_t i = 0; i < 3; i++) {
        check_ok(fv_data_read(data, i, (void *[]){picture, marks}, &problem));
        assert_memory_equal(marks, expected[i], sizeof marks);
    }
    fv_data_free(data);
}

static void says_what_is_wrong_with_a_list(void **state) {
    (void)state;
    make_pictures();
    const struct {
        const char *text, *words;
    } cases[] = {
        {"", "names no pictures"},
        {"path,label\n", "names no pictures"},
        {"pictures/a.pgm,x\npictures/nowhere.pgm,y\n", "list.csv:2: no such picture file: \"pictures/nowhere.pgm\""},
        {"pictures/a.pgm,1.5,2\npictures/b.pgm,1\n", "list.csv:2: expected 2 numbers as in line 1, got 1"},
        {"pictures/a.pgm,x\npictures/b.pgm\n", "list.csv:2: expected 1 labels as in line 1, got 0"},
        {"pictures/a.pgm,x\npictures/b.pgm,x\n", "only one class"},
        {"pictures/a.pgm,\"x\n", "do not close"},
        {"pictures/a.pgm,99999999999\n", "label out of range"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_refused(write_text("list.csv", cases[i].text), NULL, cases[i].words);
    fv_data_options options = {.size = sizeof options, .skip_bad = true};
    fv_data *data = open_set(write_text("list.csv", "pictures/a.pgm,x\npictures/no\x01.pgm,y\n"), &options);
    assert_int_equal(fv_data_count(data), 1);
    assert_non_null(strstr(fv_data_skipped(data, 0), "no\\x01.pgm"));
    fv_data_free(data);
}

static void a_list_is_known_by_its_content(void **state) {
    (void)state;
    make_pictures();
    fv_data *data = open_set(write_text("names", "pictures/a.pgm;x\npictures/b.pgm;y\n"), NULL);
    assert_int_equal(fv_data_count(data), 2);
    fv_data_free(data);
    check_refused(write_text("letter", "Dear reader,\nthis is no list.\n"), NULL, "is no data file that is known");
    assert_int_equal(mkfifo(temp_path("pictures/pipe.pgm"), 0600), 0);
    fv_data_options options = {.size = sizeof options, .skip_bad = true};
    data = open_set(write_text("list.csv", "pictures/a.pgm,x\npictures/pipe.pgm,y\n"), &options);
    assert_non_null(strstr(fv_data_skipped(data, 0), "is neither a file"));
    fv_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define temp_test(name) cmocka_unit_test_setup_teardown(name, NULL, clean_temp)
        cmocka_unit_test(takes_rows_apart),        cmocka_unit_test(refuses_broken_quotes),
        temp_test(names_become_classes),           temp_test(whole_numbers_are_classes),
        temp_test(other_numbers_are_targets),      temp_test(several_names_may_all_hold),
        temp_test(says_what_is_wrong_with_a_list), temp_test(a_list_is_known_by_its_content),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
