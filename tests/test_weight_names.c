/* Rules for names, PyTorch's layouts, and what an import says when something does not fit. */
#include "files.h"

#include "check.h"
#include "memory.h"
#include "model.h"
#include "weight_import.h"
#include "weight_layout.h"
#include "weight_names.h"

/* ---- rules ------------------------------------------------------------------------------------------------------ */

static const char rules[] = "# a comment\n"
                            "preprocess scale=1/255 mean=0.5\n"
                            "\n"
                            "first            -> conv0\n"
                            "stage{s}.conv{c} -> features.{2#+s-3}\n"
                            "stage{s}         -> layer{s}\n"
                            ".block{b}        -> .{b-1}\n"
                            "  .conv1         -> .conv3\n"
                            "  .inner         -> .x\n"
                            "    .conv1       -> .deep\n"
                            "mixed{n}         -> Mixed_{n: 5b 5c}\n"
                            ".conv{c}         -> .c{c}\n"
                            ".gone            ->\n"
                            "special          =  mixed2\n";

static void check_name(fv_weight_names *names, const char *ours, const char *expected) {
    fv_text got = {0};
    bool known = fv_weight_names_translate(names, ours, &got);
    if (!known && expected) fail_msg("%s: expected %s, got no name", ours, expected);
    if (known && !expected) fail_msg("%s: expected no name, got %s", ours, got.data);
    if (known && strcmp(got.data, expected)) fail_msg("%s: expected %s, got %s", ours, expected, got.data);
    fv_text_free(&got);
}

static void a_name_is_translated_part_by_part(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"first.weight", "conv0.weight"},
        {"first.bias", "conv0.bias"},
        {"first.scale", "conv0.weight"},
        {"first.mean", "conv0.running_mean"},
        {"first.variance", "conv0.running_var"},
        {"stage12.block3.conv2.weight", "layer12.2.c2.weight"},
        {"stage1.block1.conv1.weight", "layer1.0.conv3.weight"},        /* the inner rule comes first */
        {"stage1.block1.inner.conv1.weight", "layer1.0.x.deep.weight"}, /* and the innermost before it */
        {"stage1.block1.inner.conv2.weight", "layer1.0.x.c2.weight"},   /* outer rules hold inside, too */
        {"mixed1.conv1.weight", "Mixed_5b.c1.weight"},                  /* inner rules do not hold elsewhere */
        {"mixed2.gone.conv1.weight", "Mixed_5c.c1.weight"},
        {"special.conv1.weight", "Mixed_5c.c1.weight"},
        {"mixed3.conv1.weight", NULL}, /* not in the list */
        {"first2.weight", NULL},       /* whole parts only */
        {"first.weight2", NULL},
        {"conv1.weight", NULL},               /* .conv{c} does not stand at the start */
        {"stage1.block0.conv2.weight", NULL}, /* no name has a negative number */
        {"stage1234567890.conv1.weight", NULL},
        {"unknown.weight", NULL},
    };
    fv_weight_names *names = fv_weight_names_parse(rules, "rules", &problem);
    assert_non_null(names);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) check_name(names, cases[i][0], cases[i][1]);
    assert_string_equal(fv_weight_names_preprocess(names), "scale=1/255 mean=0.5");
    fv_weight_names_free(names);
}

static void layers_are_counted_in_the_order_of_the_net(void **state) {
    (void)state;
    fv_weight_names *names = fv_weight_names_parse(rules, "rules", &problem);
    for (int again = 0; again < 2; again++) {
        fv_weight_names_restart(names);
        check_name(names, "stage1.conv1.weight", "features.0.weight");
        check_name(names, "stage1.conv1.bias", "features.0.bias");
        check_name(names, "stage1.conv2.weight", "features.2.weight");
        check_name(names, "stage2.conv1.weight", "features.5.weight");
    }
    fv_weight_names_free(names);
}

static void mistakes_in_rules_are_named_with_their_line(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"a -> b\na{n -> b", "rules:2: expected parts of a name joined by points, got 'a{n'"},
        {"a{1} -> b", "rules:1: expected a name such as {n} instead of '{1}'"},
        {"a -> b{n}", "rules:1: expected numbers of the left side, as {n-1} or {n: a b c}, got '{n}'"},
        {"a{n} -> b{n-}", "rules:1: expected numbers of the left side, as {n-1} or {n: a b c}, got '{n-}'"},
        {"a{n} -> b{2n3}", "rules:1: expected numbers of the left side, as {n-1} or {n: a b c}, got '{2n3}'"},
        {"a{n} -> b{}", "rules:1: expected numbers of the left side, as {n-1} or {n: a b c}, got '{}'"},
        {"a -> b c", "rules:1: blanks and braces cannot be part of a name: 'b c'"},
        {"-> b", "rules:1: expected a name before '->' in ''"},
        {"a b -> c", "rules:1: expected parts of a name joined by points, got 'a b'"},
        {"a.b = c", "rules:1: expected one part of a name before '=', got 'a.b'"},
        {"preprocess a=1\npreprocess b=1", "rules:2: a second line 'preprocess b=1'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[800];
        fv_error error = {0};
        fv_weight_names *names = fv_weight_names_parse(cases[i][0], "rules", &error);
        if (names) fail_msg("%s: expected %s, got no error", cases[i][0], cases[i][1]);
        assert_string_equal(fv_error_text(&error, text, sizeof text), cases[i][1]);
    }
}

static void rules_of_the_library_are_in_order(void **state) {
    (void)state;
    assert_true(fv_names_count() >= 8);
    for (int i = 0; i < fv_names_count(); i++) {
        fv_error error = {0};
        fv_preprocess p;
        const char *text = fv_names_text(fv_names_name(i));
        fv_weight_names *names = fv_weight_names_parse(text, fv_names_name(i), &error);
        if (!names) fail_msg("%s: %s", fv_names_name(i), error.message);
        const char *preprocess = fv_weight_names_preprocess(names);
        if (!preprocess || fv_preprocess_from_text(preprocess, &p, &error))
            fail_msg("%s: expected a preprocess line that can be read", fv_names_name(i));
        fv_weight_names_free(names);
    }
    assert_null(fv_names_name(fv_names_count()));
    assert_null(fv_names_text("nothing"));
}

/* ---- layouts ---------------------------------------------------------------------------------------------------- */

static fv_net *net_of(const char *text) {
    fv_net *net = fv_net_parse(text, "test.net", NULL, 0, &problem);
    if (!net) fail_msg("%s", problem.message);
    check_ok(fv_net_check(net, &problem));
    return net;
}

static int value_called(const fv_net *net, const char *name) {
    for (int v = 0; v < net->value_count; v++)
        if (!strcmp(net->values[v].name, name)) return v;
    fail_msg("there is no value %s", name);
    return -1;
}

/* Reads 0 1 2 ... laid out as PyTorch does: shape, and what comes out. */
static void check_layout(const char *text, const char *weight, const char *shape, const char *expected) {
    fv_net *net = net_of(text);
    fv_weight_layout layout;
    float in[256], out[256];
    char got[128], *at = (char *)(uintptr_t)expected;
    fv_weight_layout_of(net, value_called(net, weight), &layout);
    assert_string_equal(fv_shape_text(&layout.shape, got, sizeof got), shape);
    int64_t count = fv_shape_count(&layout.shape);
    for (int i = 0; i < 256; i++) in[i] = (float)i;
    fv_weight_layout_read(&layout, out, in);
    for (int64_t i = 0; i < count; i++) {
        snprintf(got, sizeof got, "%s: number %lld", weight, (long long)i);
        check_near(got, out[i], strtod(at, &at), 0);
    }
    fv_net_free(net);
}

static void layouts_become_ours(void **state) {
    (void)state;
    /* [out][in][kh][kw] = 2x3x1x2 to [kh][kw][in][out] */
    check_layout("input 4x4x3\nconv 2 1x2\n", "conv1.weight", "2x3x1x2", "0 6 2 8 4 10 1 7 3 9 5 11");
    check_layout("input 4x4x3\nconv 2 1x2\n", "conv1.bias", "2", "0 1");
    /* groups: [out][in/groups][k], here depthwise */
    check_layout("input 4x3\nconv 3 2 groups=3\n", "conv1.weight", "3x1x2", "0 2 4 1 3 5");
    /* transposed: [in][out][kh][kw] = 3x2x1x2 to [kh][kw][out][in] */
    check_layout("input 2x2x3\nconv_transpose 2 1x2\n", "conv_transpose1.weight", "3x2x1x2",
                 "0 4 8 2 6 10 1 5 9 3 7 11");
    check_layout("input 2\ndense 3\n", "dense1.weight", "3x2", "0 2 4 1 3 5");
    check_layout("input 4x2\nbatchnorm\n", "batchnorm1.variance", "2", "0 1");
}

static void inputs_behind_a_flatten_are_put_in_our_order(void **state) {
    (void)state;
    /* 1x2x3: PyTorch numbers c*2 + x, we x*3 + c */
    static const char *const order = "0 2 4 1 3 5";
    check_layout("input 1x2x3\nflatten\ndense 1\n", "dense1.weight", "1x6", order);
    check_layout("input 1x2x3\nflatten\ndropout 0.5\nrelu\ndense 1\n", "dense1.weight", "1x6", order);
    check_layout("input 1x2x3\nflatten\nbatchnorm\ndense 1\n", "batchnorm1.scale", "6", order);
    check_layout("input 1x2x3\nflatten\nbatchnorm\ndense 1\n", "dense1.weight", "1x6", order);
    check_layout("input 1x2x3\nflatten\ndense 6\ndense 1\n", "dense2.weight", "1x6", "0 1 2 3 4 5");
    check_layout("input 1x1x6\nflatten\ndense 1\n", "dense1.weight", "1x6", "0 1 2 3 4 5");
    check_layout("input 6\nflatten\ndense 1\n", "dense1.weight", "1x6", "0 1 2 3 4 5");
}

/* ---- imports ---------------------------------------------------------------------------------------------------- */

static const char small_net[] = "input 4x4x3\nconv 2 3x3\nbatchnorm\nflatten\ndense 5\n";
static const char small_rules[] = "preprocess scale=1/255 mean=0.1,0.2,0.3 deviation=0.5\n"
                                  "conv1      -> features.0\n"
                                  "batchnorm1 -> features.1\n"
                                  "dense1     -> fc\n";

typedef struct tensor_of {
    const char *name, *shape;
    fv_dtype dtype;
} tensor_of;

static const tensor_of fitting[] = {
    {"features.0.weight", "2x3x3x3", FV_F32},
    {"features.0.bias", "2", FV_F32},
    {"features.1.weight", "2", FV_F32},
    {"features.1.bias", "2", FV_F32},
    {"features.1.running_mean", "2", FV_F32},
    {"features.1.running_var", "2", FV_F32},
    {"features.1.num_batches_tracked", "1", FV_I64},
    {"fc.weight", "5x8", FV_F32},
    {"fc.bias", "5", FV_F32},
    {"aux.fc.weight", "5x7", FV_F32},
};
enum { FITTING = sizeof fitting / sizeof fitting[0] };

static fv_store *store_of(const tensor_of *list, int count) {
    fv_store *store = fv_store_new();
    for (int i = 0; i < count; i++) {
        if (!list[i].name) continue;
        fv_shape shape = {0};
        for (const char *s = list[i].shape; *s; s += *s == 'x') shape.dim[shape.rank++] = strtoll(s, (char **)&s, 10);
        fv_tensor tensor = fv_tensor_new(list[i].dtype, &shape);
        if (list[i].dtype == FV_F32)
            for (int64_t k = 0; k < fv_shape_count(&shape); k++) ((float *)tensor.data)[k] = (float)(100 * i + k);
        check_ok(fv_store_keep(store, tensor.data, &problem));
        check_ok(fv_store_add(store, list[i].name, tensor, &problem));
    }
    return store;
}

static const char *rules_file(const char *text) { return write_temp("my.names", text, strlen(text)); }

typedef struct lines {
    char text[2000];
} lines;

static void collect(void *user, const fv_import_line *line) {
    lines *l = user;
    size_t used = strlen(l->text);
    if (line->problem || !line->weight)
        snprintf(l->text + used, sizeof l->text - used, "%s|%s|%s\n", line->weight ? line->weight : "-",
                 line->source ? line->source : "-", line->problem ? line->problem : "-");
}

/* Imports `list` into the small net; what was told in `out`. */
static fv_model *import_list(const tensor_of *list, int count, fv_import_options options, lines *out) {
    fv_net *net = net_of(small_net);
    fv_store *store = store_of(list, count);
    char names[512];
    snprintf(names, sizeof names, "%s", rules_file(small_rules));
    options.size = sizeof options;
    if (!options.names) options.names = names;
    options.on_line = collect, options.user = out;
    *out = (lines){{0}};
    fv_model *model = fv_model_import_store(net, store, "w.safetensors", &problem, &options);
    fv_store_free(store);
    fv_net_free(net);
    return model;
}

static void what_fits_becomes_a_model(void **state) {
    (void)state;
    lines told;
    fv_model *model = import_list(fitting, FITTING, (fv_import_options){0}, &told);
    if (!model) fail_msg("%s", problem.message);
    assert_string_equal(told.text, "-|aux.fc.weight|-\n");
    const float *bias = fv_model_weight(model, fv_model_find_weight(model, "dense1.bias")).data;
    const float *mean = fv_model_weight(model, fv_model_find_weight(model, "batchnorm1.mean")).data;
    const float *conv = fv_model_weight(model, fv_model_find_weight(model, "conv1.weight")).data;
    check_near("dense1.bias", bias[4], 804, 0);
    check_near("batchnorm1.mean", mean[1], 401, 0);
    check_near("conv1.weight: second kernel", conv[1], 27, 0);
    fv_preprocess p = fv_model_preprocess(model);
    check_near("scale", p.scale, 1 / 255.0, 1e-12);
    check_near("mean of blue", p.mean[2], 0.3, 1e-12);
    check_near("deviation", p.deviation[1], 0.5, 1e-12);
    fv_model_free(model);
}

static void everything_that_does_not_fit_is_listed(void **state) {
    (void)state;
    tensor_of list[FITTING];
    lines told;
    memcpy(list, fitting, sizeof list);
    list[0].shape = "2x3x5x3";
    list[1].name = NULL;
    list[4].dtype = FV_I64;
    fv_model *model = import_list(list, FITTING, (fv_import_options){0}, &told);
    assert_null(model);
    assert_string_equal(told.text, "conv1.weight|features.0.weight|expected f32 2x3x3x3, got f32 2x3x5x3\n"
                                   "conv1.bias|features.0.bias|it is missing; expected f32 2\n"
                                   "batchnorm1.mean|features.1.running_mean|expected f32 2, got i64 2\n"
                                   "-|aux.fc.weight|-\n");
    char text[800];
    assert_string_equal(
        fv_error_text(&problem, text, sizeof text),
        "w.safetensors: 3 of the net's 8 weights do not fit: features.0.weight: expected f32 2x3x3x3, got f32 "
        "2x3x5x3; features.0.bias: it is missing; expected f32 2; features.1.running_mean: expected f32 2, "
        "got i64 2");
}

static void rules_must_name_every_weight_once(void **state) {
    (void)state;
    lines told;
    char path[512];
    snprintf(path, sizeof path, "%s", write_temp("few.names", "conv1 -> features.0\n", 20));
    assert_null(import_list(fitting, FITTING, (fv_import_options){.names = path}, &told));
    assert_non_null(strstr(told.text, "dense1.bias|-|no rule names it\n"));
    const char *twice = "conv1 -> features.0\nbatchnorm1 -> features.1\ndense1 -> features.0\n";
    snprintf(path, sizeof path, "%s", write_temp("twice.names", twice, strlen(twice)));
    assert_null(import_list(fitting, FITTING, (fv_import_options){.names = path}, &told));
    assert_non_null(strstr(told.text, "dense1.bias|features.0.bias|two weights of the net have this name\n"));
}

static void options_come_first(void **state) {
    (void)state;
    lines told;
    const char *const names[] = {"a", "b", "c", "d", "e"};
    fv_import_options options = {.preprocess = "mean=0.5", .classes = names, .class_count = 5};
    fv_model *model = import_list(fitting, FITTING, options, &told);
    if (!model) fail_msg("%s", problem.message);
    check_near("mean", fv_model_preprocess(model).mean[0], 0.5, 0);
    check_near("scale", fv_model_preprocess(model).scale, 0, 0);
    assert_string_equal(fv_model_class_name(model, 4), "e");
    fv_model_free(model);
    options.class_count = 4;
    assert_null(import_list(fitting, FITTING, options, &told));
    assert_string_equal(problem.message, "class names: expected 5, one for each output of the net, got 4");
    options = (fv_import_options){.preprocess = "mean=0.5,0.5"};
    assert_null(import_list(fitting, FITTING, options, &told));
    assert_string_equal(problem.message, "preprocess: expected numbers for 3 channels, got 2");
    options = (fv_import_options){.names = "resnett"};
    assert_null(import_list(fitting, FITTING, options, &told));
    assert_non_null(strstr(problem.message, "names 'resnett' are neither a file nor one of: "));
    assert_non_null(strstr(problem.message, "resnet"));
}

static void a_file_with_other_names_is_refused(void **state) {
    (void)state;
    fv_net *net = net_of(small_net);
    fv_store *store = store_of(&(tensor_of){"w", "2", FV_F32}, 1);
    char path[512];
    snprintf(path, sizeof path, "%s", temp_path("w.safetensors"));
    check_ok(fv_safetensors_write(store, path, &problem));
    assert_null(fv_model_import(net, path, &problem, .preprocess = NULL));
    assert_non_null(strstr(problem.message, "none of the net's weights is there by any of the names that are known"));
    assert_null(fv_model_import(net, temp_path("nothing"), &problem, .preprocess = NULL));
    fv_store_free(store);
    fv_net_free(net);
}

static void short_memory_is_an_error_and_nothing_leaks(void **state) {
    (void)state;
    fv_net *net = net_of(small_net);
    fv_store *store = store_of(fitting, FITTING);
    char names[512];
    snprintf(names, sizeof names, "%s", rules_file(small_rules));
    fv_import_options options = {.size = sizeof options, .names = names};
    fv_model *model = NULL;
    for (int64_t n = 0; !model && n < 2000; n++) {
        fv_error error = {0};
        fv_alloc_fail_after(n);
        model = fv_model_import_store(net, store, "w", &error, &options);
        fv_alloc_fail_after(-1);
        if (!model && !error.status) fail_msg("allocation %lld fails: expected an error", (long long)n);
    }
    assert_non_null(model);
    fv_model_free(model);
    fv_store_free(store);
    fv_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_translated_part_by_part),
        cmocka_unit_test(layers_are_counted_in_the_order_of_the_net),
        cmocka_unit_test(mistakes_in_rules_are_named_with_their_line),
        cmocka_unit_test(rules_of_the_library_are_in_order),
        cmocka_unit_test(layouts_become_ours),
        cmocka_unit_test(inputs_behind_a_flatten_are_put_in_our_order),
        cmocka_unit_test(what_fits_becomes_a_model),
        cmocka_unit_test(everything_that_does_not_fit_is_listed),
        cmocka_unit_test(rules_must_name_every_weight_once),
        cmocka_unit_test(options_come_first),
        cmocka_unit_test(a_file_with_other_names_is_refused),
        cmocka_unit_test(short_memory_is_an_error_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
