/* test_fields.c - an operator's fields: from text, from options structs, back to text, and every mistake in one
 * sentence. */
#include "check.h"

#include "graph.h"

/* ---- an operator with one field of every kind ------------------------------------------------------------------- */

static const fv_choices modes = {"fv_mode", "FV_", {"plain", "fancy", "strange"}};
static const fv_choices paddings = {"fv_pads", "FV_", {"valid", "same", "full"}};

#define FIELDS(F)                                                                                                      \
    F(sample, INT, filters, .positional = true, .required = true, .min = 1, .help = "how many")                        \
    F(sample, SIZES, kernel, .positional = true, .min = 1, .standard = 3, .help = "window")                            \
    F(sample, FLOAT, rate, .positional = true, .max = 1, .standard = 0.5, .help = "part")                              \
    F(sample, SIZES, padding, .choices = &paddings, .help = "zeros around")                                            \
    F(sample, BOOL, bias, .standard = 1, .help = "add a number")                                                       \
    F(sample, BOOL, flipped, .help = "turned")                                                                         \
    F(sample, CHOICE, mode, .choices = &modes, .help = "how")                                                          \
    F(sample, LIST, shape, .min = -1, .help = "sizes")                                                                 \
    F(sample, TEXT, initializer, .standard_text = "he_normal", .help = "start")                                        \
    F(sample, TEXT, note, .help = "any text")
FV_DEFINE_FIELDS(sample, FIELDS)
static const fv_op sample_op = {.name = "sample", .ports = {{.name = "x"}}, FV_FIELDS(sample)};

static fv_arena *arena;
static int make_arena(void **state) {
    (void)state;
    arena = fv_arena_new();
    return arena == NULL;
}
static int free_arena(void **state) {
    (void)state;
    fv_arena_free(arena);
    return 0;
}

static fv_status read_fields(const char *text, struct sample *out, fv_error *error) {
    fv_argument *arguments;
    int count;
    memset(error, 0, sizeof *error);
    fv_status status = fv_fields_split(text, arena, &arguments, &count, error);
    return status ? status : fv_fields_from_arguments(&sample_op, arguments, count, arena, out, error);
}

static struct sample good(const char *text) {
    struct sample out;
    fv_error error;
    if (read_fields(text, &out, &error)) fail_msg("\"%s\": %s", text, error.message);
    return out;
}

/* ---- from text -------------------------------------------------------------------------------------------------- */

static void defaults_are_filled_in(void **state) {
    (void)state;
    struct sample s = good("8");
    assert_int_equal(s.filters, 8);
    for (int i = 0; i < 3; i++) assert_int_equal(fv_size_at(s.kernel, i), 3);
    assert_int_equal(s.padding[0], 0);
    assert_true(s.bias);
    assert_false(s.flipped);
    assert_int_equal(s.mode, 0);
    check_near("rate", s.rate, 0.5, 0);
    assert_int_equal(s.shape[0], FV_UNSET);
    assert_string_equal(s.initializer, "he_normal");
    assert_null(s.note);
}

static void every_kind_is_read(void **state) {
    (void)state;
    struct sample s = good("64 3x5 rate=1/4 bias=no flipped=yes mode=fancy padding=same shape=2,-1,7 initializer=zeros "
                           "note=\"two words\"");
    assert_int_equal(s.filters, 64);
    assert_int_equal(s.kernel[0], 3);
    assert_int_equal(s.kernel[1], 5);
    assert_int_equal(s.kernel[2], FV_UNSET);
    check_near("rate", s.rate, 0.25, 0);
    assert_false(s.bias);
    assert_true(s.flipped);
    assert_int_equal(s.mode, 1);
    assert_int_equal(s.padding[0], -1); /* word 1 */
    assert_int_equal(s.shape[1], -1);
    assert_int_equal(s.shape[2], 7);
    assert_int_equal(s.shape[3], FV_UNSET);
    assert_string_equal(s.initializer, "zeros");
    assert_string_equal(s.note, "two words");
}

static void blanks_inside_parentheses_belong_to_the_value(void **state) {
    (void)state;
    assert_string_equal(good("8 note=l1_l2(0.01, 0.02)  bias=no").note, "l1_l2(0.01, 0.02)");
    assert_int_equal(good(" \t8\n").filters, 8);
}

static void mistakes_are_one_clear_sentence(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
        int column;
    } cases[] = {
        {"", "sample: filters is missing (how many)", 0},
        {"8 kernal=3", "sample: it has no field \"kernal\"; did you mean \"kernel\"?", 3},
        {"0", "sample: filters must be at least 1, got 0", 1},
        {"eight", "sample: filters must be a whole number, got \"eight\"", 1},
        {"99999999999999999999", "sample: filters must be a whole number, got \"99999999999999999999\"", 1},
        {"8 3x0", "sample: kernel must be at least 1, got 0", 3},
        {"8 3x", "sample: kernel must be whole numbers such as 3 or 3x3, got \"3x\"", 3},
        {"8 1x2x3x4", "sample: kernel takes at most 3 numbers, got \"1x2x3x4\"", 3},
        {"8 rate=2", "sample: rate must be between 0 and 1, got 2", 3},
        {"8 rate=much", "sample: rate must be a number, got \"much\"", 3},
        {"8 bias=perhaps", "sample: bias must be yes or no, got \"perhaps\"", 3},
        {"8 mode=fancie", "sample: mode cannot be \"fancie\"; did you mean \"fancy\"?", 3},
        {"8 mode=xyzzyxyzzy", "sample: mode must be one of plain, fancy, strange, got \"xyzzyxyzzy\"", 3},
        {"8 padding=sme", "sample: padding cannot be \"sme\"; did you mean \"same\"?", 3},
        {"8 padding=-1", "sample: padding must be at least 0, got \"-1\"", 3},
        {"8 shape=1,-2", "sample: shape must be at least -1, got -2", 3},
        {"8 filters=9", "sample: filters is given twice", 3},
        {"8 3 0.5 7", "sample: it takes at most 3 values without a name, \"7\" is one more", 9},
        {"8 note=(", "fields: a quote or parenthesis is not closed in \"note=(\"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sample out;
        fv_error error;
        if (!read_fields(cases[i].text, &out, &error)) fail_msg("\"%s\": expected a mistake, got none", cases[i].text);
        if (strcmp(error.message, cases[i].message) || error.column != cases[i].column)
            fail_msg("\"%s\": expected column %d %s, got column %d %s", cases[i].text, cases[i].column,
                     cases[i].message, error.column, error.message);
    }
}

static void the_layer_and_the_place_are_named(void **state) {
    (void)state;
    const fv_argument a[] = {{"filters", "8", 7, 5}, {"rat", "1", 7, 15}};
    struct sample out;
    fv_error error = {0};
    assert_int_equal(fv_fields_read(&sample_op, "sample3", a, 2, arena, &out, &error), FV_E_ARGUMENT);
    assert_string_equal(error.message, "sample3 (sample): it has no field \"rat\"; did you mean \"rate\"?");
    assert_int_equal(error.line, 7);
    assert_int_equal(error.column, 15);
}

/* ---- to text ---------------------------------------------------------------------------------------------------- */

static void only_what_differs_is_written_and_reads_back(void **state) {
    (void)state;
    static const struct {
        const char *given, *expected;
    } cases[] = {
        {"8", "8"},
        {"filters=8 kernel=3x3", "8"}, /* 3x3 is what 3 means */
        {"8 5", "8 5"},
        {"8 3x5 bias=yes", "8 3x5"},
        {"8 rate=0.1", "8 rate=0.1"}, /* not positional: kernel before it is left out */
        {"8 5 0.1", "8 5 0.1"},
        {"8 padding=1x2 bias=no flipped=on mode=strange", "8 padding=1x2 bias=no flipped=yes mode=strange"},
        {"8 padding=full", "8 padding=full"},
        {"8 padding=valid", "8"},
        {"8 shape=3,-1", "8 shape=3,-1"},
        {"8 note=l2(0.01) initializer=he_normal", "8 note=l2(0.01)"},
        {"8 note=\"0 1 12\"", "8 note=\"0 1 12\""},
        {"8 note=in.channels", "8 note=\"in.channels\""}, /* a property of a value, unless quoted */
        {"8 note=012", "8 note=\"012\""},                 /* a number to the language, unless quoted */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sample s = good(cases[i].given);
        fv_text text = {0};
        fv_fields_to_text(&sample_op, &s, &text);
        if (!text.data || strcmp(text.data, cases[i].expected))
            fail_msg("\"%s\": expected %s, got %s", cases[i].given, cases[i].expected,
                     text.data ? text.data : "nothing");
        struct sample again = good(text.data);
        fv_text twice = {0};
        fv_fields_to_text(&sample_op, &again, &twice);
        assert_string_equal(twice.data, text.data);
        fv_text_free(&text);
        fv_text_free(&twice);
    }
}

/* ---- from options structs --------------------------------------------------------------------------------------- */

/* What fovea_ops.h would declare. */
typedef struct options {
    size_t size;
    fv_value x;
    const char *name;
    int64_t filters;
    int64_t kernel[3];
    double rate;
    int64_t padding[3];
    bool no_bias;
    bool flipped;
    int mode;
    int64_t shape[8];
    const char *initializer;
    const char *note;
} options;

static fv_status convert(const options *o, struct sample *out, fv_error *error) {
    memset(error, 0, sizeof *error);
    return fv_fields_convert(&sample_op, "s1", o, o->size, offsetof(options, filters), arena, out, error);
}

static void zero_is_the_default_and_fv_zero_is_zero(void **state) {
    (void)state;
    struct sample s;
    fv_error error;
    options o = {.size = sizeof o, .filters = 4};
    assert_int_equal(convert(&o, &s, &error), FV_OK);
    assert_int_equal(s.kernel[0], 3);
    assert_true(s.bias);
    check_near("rate", s.rate, 0.5, 0);
    assert_string_equal(s.initializer, "he_normal");

    o = (options){.size = sizeof o,
                  .filters = 4,
                  .kernel = {3, 5},
                  .rate = FV_ZERO,
                  .padding = {-1},
                  .no_bias = true,
                  .flipped = true,
                  .mode = 2,
                  .shape = {FV_ZERO, 7},
                  .initializer = "ones",
                  .note = "a b"};
    assert_int_equal(convert(&o, &s, &error), FV_OK);
    check_near("rate", s.rate, 0, 0);
    assert_int_equal(s.kernel[1], 5);
    assert_int_equal(s.kernel[2], FV_UNSET);
    assert_int_equal(s.padding[0], -1);
    assert_false(s.bias);
    assert_true(s.flipped);
    assert_int_equal(s.mode, 2);
    assert_int_equal(s.shape[0], 0);
    assert_int_equal(s.shape[1], 7);
    assert_int_equal(s.shape[2], FV_UNSET);
    assert_string_equal(s.initializer, "ones");
    assert_string_equal(s.note, "a b");
}

static void what_an_older_struct_lacks_is_the_default(void **state) {
    (void)state;
    struct sample s;
    fv_error error;
    options o = {.size = offsetof(options, mode), .filters = 4, .no_bias = true, .mode = 77, .note = "not read"};
    assert_int_equal(convert(&o, &s, &error), FV_OK);
    assert_false(s.bias);
    assert_int_equal(s.mode, 0);
    assert_null(s.note);
}

static void options_are_checked(void **state) {
    (void)state;
    static const struct {
        options o;
        const char *message;
    } cases[] = {
        {{.kernel = {3}}, "s1 (sample): filters is missing (how many)"},
        {{.filters = FV_ZERO}, "s1 (sample): filters must be at least 1, got 0"},
        {{.filters = 1, .kernel = {3, -2}}, "s1 (sample): kernel must be at least 1, got -2"},
        {{.filters = 1, .rate = 1.5}, "s1 (sample): rate must be between 0 and 1, got 1.5"},
        {{.filters = 1, .rate = NAN}, "s1 (sample): rate must be finite, got nan"},
        {{.filters = 1, .mode = 3}, "s1 (sample): mode must be one of fv_mode, got 3"},
        {{.filters = 1, .padding = {-3}}, "s1 (sample): padding must be at least 0 or one word of fv_pads, got -3"},
        {{.filters = 1, .padding = {1, -1}}, "s1 (sample): padding must be at least 0 or one word of fv_pads, got -1"},
        {{.filters = 1, .shape = {1, 0, 2}}, "s1 (sample): shape: number 2 is 0; say FV_ZERO where 0 is meant"},
        {{.filters = 1, .note = "a\"b"}, "s1 (sample): note cannot hold quotes or line breaks"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sample s;
        fv_error error;
        options o = cases[i].o;
        o.size = sizeof o;
        if (!convert(&o, &s, &error)) fail_msg("expected \"%s\", got no mistake", cases[i].message);
        assert_string_equal(error.message, cases[i].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(every_kind_is_read),
        cmocka_unit_test(blanks_inside_parentheses_belong_to_the_value),
        cmocka_unit_test(mistakes_are_one_clear_sentence),
        cmocka_unit_test(the_layer_and_the_place_are_named),
        cmocka_unit_test(only_what_differs_is_written_and_reads_back),
        cmocka_unit_test(zero_is_the_default_and_fv_zero_is_zero),
        cmocka_unit_test(what_an_older_struct_lacks_is_the_default),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests_name("fields", tests, make_arena, free_arena);
}
