/* test_ops.c - every operator against its own record: worked examples, gradients, fast against reference, round trips.
 * What the record does not have is refused here. */
#include "check.h"

#include "gradcheck.h"
#include "graph.h"
#include "initializers.h"
#include "support.h"

/* ---- going through the records ---------------------------------------------------------------------------------- */

typedef fv_status (*check_example)(const fv_op *op, const fv_example *example, fv_error *error);

/* Does it for every example of every operator; all failures are told before the test fails. */
static void for_every_example(const char *what, check_example check) {
    int failures = 0;
    for (int o = 0; fv_ops[o]; o++)
        for (int i = 0; i < FV_MAX_EXAMPLES && fv_ops[o]->examples[i].fields; i++) {
            const fv_example *example = &fv_ops[o]->examples[i];
            fv_error error = {0};
            if (!check(fv_ops[o], example, &error)) continue;
            failures++;
            print_error("%s: %s %s, example %d (%s): %s\n", what, fv_ops[o]->name, example->fields, i + 1,
                        example->title ? example->title : "untitled", error.message);
        }
    if (failures) fail_msg("%s: %d examples failed", what, failures);
}

static void every_record_is_complete(void **state) {
    (void)state;
    for (int o = 0; fv_ops[o]; o++) {
        const fv_op *op = fv_ops[o];
        int worked = 0, differentiated = 0;
        for (int i = 0; i < FV_MAX_EXAMPLES && op->examples[i].fields; i++) {
            const fv_example *x = &op->examples[i];
            worked += x->title && x->out[0] && strchr(x->out[0], ':');
            differentiated += !x->no_gradient && !x->figures;
        }
        if (!op->summary || !op->details || !op->infer || !op->forward)
            fail_msg("%s: the record is not complete", op->name);
        if (!worked) fail_msg("%s has no worked example", op->name);
        if (op->traits & FV_T_WHOLE ? op->backward != NULL : !op->backward || !differentiated)
            fail_msg("%s has no gradient check", op->name);
        if (!op->ports[0].name) fail_msg("%s reads nothing", op->name);
        for (int i = 0; i < op->field_count; i++) {
            const fv_field *f = &op->fields[i];
            bool taken = !strcmp(f->name, "size") || !strcmp(f->name, "name"); /* every options struct has these */
            for (int k = 0; k < FV_MAX_PORTS && op->ports[k].name; k++)
                taken = taken || (op->ports[k].role == FV_INPUT && !strcmp(f->name, op->ports[k].name));
            if (taken) fail_msg("%s: field %s has the name of another member of the C options", op->name, f->name);
            if (!f->help) fail_msg("%s: field %s has no help", op->name, f->name);
            if (f->kind == FV_FIELD_CHOICE && !f->choices) fail_msg("%s: field %s has no words", op->name, f->name);
        }
    }
}

static fv_status on_every_table(const fv_op *op, const fv_example *example, fv_error *error) {
    fv_trial trial;
    fv_status status = fv_trial_new(op, example, &trial, error);
    if (status) return status;
    const fv_table *const *tables = fv_all_tables();
    status = fv_trial_check(&trial, fv_reference_f64(), NULL, error);
    for (int i = 0; tables[i] && !status; i++) status = fv_trial_check(&trial, tables[i], NULL, error);
    fv_trial_free(&trial);
    return status;
}

static void worked_examples_give_their_numbers(void **state) {
    (void)state;
    for_every_example("worked example", on_every_table);
}

static fv_status gradients(const fv_op *op, const fv_example *example, fv_error *error) {
    return example->no_gradient || example->figures || !op->backward ? FV_OK : gradcheck(op, example, 7, error);
}

static void gradients_are_those_of_differences(void **state) {
    (void)state;
    for_every_example("gradient", gradients);
}

static fv_status tables_agree(const fv_op *op, const fv_example *example, fv_error *error) {
    if (example->figures) return FV_OK;
    return compare_tables(op, example, fv_reference_f32(), fv_kernels(), 11, error);
}

static void fast_kernels_agree_with_the_reference(void **state) {
    (void)state;
    for_every_example("fast against reference", tables_agree);
}

/* ---- round trips ------------------------------------------------------------------------------------------------ */

static char *fields_text(const fv_op *op, const char *from, fv_arena *arena, fv_error *error) {
    fv_argument *arguments;
    fv_text text = {0};
    int count;
    void *fields = fv_arena_take(arena, op->fields_size + 1);
    if (fv_fields_split(from, arena, &arguments, &count, error)) return NULL;
    if (fv_fields_from_arguments(op, arguments, count, arena, fields, error)) return NULL;
    fv_fields_to_text(op, fields, &text);
    fv_text_add(&text, "");
    return fv_text_take(&text);
}

static fv_status fields_round_trip(const fv_op *op, const fv_example *example, fv_error *error) {
    fv_arena *arena = fv_arena_new();
    char *once = fields_text(op, example->fields, arena, error),
         *twice = once ? fields_text(op, once, arena, error) : NULL;
    fv_status status = FV_OK;
    if (!twice || strcmp(once, twice))
        status = fv_fail(error, FV_E_NUMBER, "\"%s\" became \"%s\"", once ? once : "?", twice ? twice : error->message);
    fv_free(once);
    fv_free(twice);
    fv_arena_free(arena);
    return status;
}

static void fields_survive_being_written_and_read(void **state) {
    (void)state;
    for_every_example("fields", fields_round_trip);
}

static fv_status net_round_trip(const fv_op *op, const fv_example *example, fv_error *error) {
    fv_trial trial;
    fv_status status = fv_trial_new(op, example, &trial, error);
    if (status) return status;
    char *once = fv_net_text(trial.net);
    fv_net *parsed = fv_net_parse(once ? once : "", "once", NULL, 0, error);
    char *twice = parsed ? fv_net_text(parsed) : NULL;
    if (!twice)
        status = fv_fail(error, FV_E_NUMBER, "%.200s\n---\n%s", parsed ? "no text" : error->message,
                         once ? once : "no text");
    else if (strcmp(once, twice))
        status = fv_fail(error, FV_E_NUMBER, "\n%.200s\nbecame\n%.200s", once, twice);
    fv_free(once);
    fv_free(twice);
    fv_net_free(parsed);
    fv_trial_free(&trial);
    return status;
}

static void nets_survive_being_written_and_read(void **state) {
    (void)state;
    for_every_example("net text", net_round_trip);
}

/* ---- the checker finds planted bugs ----------------------------------------------------------------------------- */

static double planted_factor;

/* multiply's gradient times a factor. */
static void backward_scaled(fv_emit *e) {
    for (int i = 0; i < 2; i++) {
        const fv_type *type = fv_out_type(e, 0);
        fv_operand product = fv_temp(e, type);
        fv_emit_binary(e, FV_B_MUL, type, product, type, fv_d_out(e, 0), fv_in_type(e, 1 - i), fv_in(e, 1 - i));
        fv_emit_scale(e, type, fv_d_in(e, i), product, planted_factor, 0);
    }
}

/* multiply's gradient by the wrong factor. */
static void backward_swapped(fv_emit *e) {
    const fv_type *type = fv_out_type(e, 0);
    for (int i = 0; i < 2; i++)
        fv_emit_binary(e, FV_B_MUL, type, fv_d_in(e, i), type, fv_d_out(e, 0), fv_in_type(e, i), fv_in(e, i));
}

/* softmax's gradient without the term of the sum. */
static void backward_incomplete(fv_emit *e) {
    const fv_type *type = fv_out_type(e, 0);
    fv_emit_binary(e, FV_B_MUL, type, fv_d_in(e, 0), type, fv_d_out(e, 0), type, fv_out(e, 0));
}

/* multiply's second gradient is forgotten: all zeros. */
static void backward_forgetful(fv_emit *e) {
    const fv_type *type = fv_out_type(e, 0);
    fv_emit_binary(e, FV_B_MUL, type, fv_d_in(e, 0), type, fv_d_out(e, 0), fv_in_type(e, 1), fv_in(e, 1));
    fv_emit_fill(e, type, fv_d_in(e, 1), 0);
}

static void expect_found(const char *bug, const char *op_name, void (*backward)(fv_emit *), double factor, bool found) {
    static const fv_example pair = {.fields = "", .in = {"3x2x5", "3x2x5"}}, single = {.fields = "", .in = {"3x5"}};
    fv_op op = *fv_find_op(op_name);
    fv_error error = {0};
    op.backward = backward;
    planted_factor = factor;
    fv_status status = gradcheck(&op, op.variadic ? &pair : &single, 3, &error);
    if (found && status != FV_E_NUMBER) fail_msg("%s: not found (%s)", bug, status ? error.message : "passed");
    if (!found && status) fail_msg("%s: %s", bug, error.message);
}

static void the_gradient_check_finds_planted_bugs(void **state) {
    (void)state;
    expect_found("no bug", "multiply", backward_scaled, 1, false);
    expect_found("wrong sign", "multiply", backward_scaled, -1, true);
    expect_found("wrong scale", "multiply", backward_scaled, 1.0001, true);
    expect_found("scale 0", "multiply", backward_scaled, 0, true);
    expect_found("wrong operand", "multiply", backward_swapped, 1, true);
    expect_found("forgotten operand", "multiply", backward_forgetful, 1, true);
    expect_found("missing term", "softmax", backward_incomplete, 1, true);
}

/* ---- shapes, costs, messages ------------------------------------------------------------------------------------ */

static fv_value apply_one(fv_net *net, fv_value x, const char *op, const char *fields) {
    fv_error error = {0};
    fv_value y = fv_apply(net, op, &x, 1, fields, &error);
    if (y.id < 0) fail_msg("%s %s: %s", op, fields, error.message);
    return y;
}

typedef struct layer_case {
    const char *title, *op, *fields, *input, *output;
    int64_t parameters, macs;
} layer_case;

/* Conventions of sizes; the lectures' counts are examples of the operators themselves. */
static const layer_case layers[] = {
    {"depthwise", "conv", "8 3x3 groups=8 padding=same", "10x10x8", "10x10x8", 80, 7200},
    {"same with stride 2", "conv", "1 3 stride=2 padding=same bias=no", "6x7x1", "3x4x1", 9, 108},
    {"ceil mode", "maxpool", "3 stride=2 ceil=yes", "6x8x1", "3x4x1", 0, 0},
    {"ceil mode drops what starts behind", "maxpool", "2 stride=3 ceil=yes", "6x7x1", "2x3x1", 0, 0},
};

static fv_shape shape_of(const char *text) {
    fv_example_tensor tensor;
    assert_int_equal(fv_example_read(text, false, &tensor, NULL), FV_OK);
    return tensor.type.shape;
}

static void sizes_follow_the_conventions(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        const layer_case *c = &layers[i];
        char got[96], expected[96];
        fv_error error = {0};
        fv_net *net = fv_net_new();
        fv_value x = fv_input(net, .shape = shape_of(c->input));
        apply_one(net, x, c->op, c->fields);
        fv_summary *summary = fv_summarize(net, NULL, &error);
        if (!summary) fail_msg("%s: %s", c->title, error.message);
        fv_layer total = fv_summary_total(summary);
        snprintf(expected, sizeof expected, "Nx%s", c->output);
        fv_shape_text(&fv_summary_layer(summary, 0)->output, got, sizeof got);
        if (strcmp(got, expected)) fail_msg("%s: expected %s, got %s", c->title, expected, got);
        if (total.parameters != c->parameters)
            fail_msg("%s: expected %lld parameters, got %lld", c->title, (long long)c->parameters,
                     (long long)total.parameters);
        if (total.macs != c->macs)
            fail_msg("%s: expected %lld multiply-adds, got %lld", c->title, (long long)c->macs, (long long)total.macs);
        fv_summary_free(summary);
        fv_net_free(net);
    }
}

static void stacked_3x3_convolutions_see_two_pixels_more_each(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 120, .width = 120, .channels = 1);
    for (int n = 1; n <= 50; n++) x = apply_one(net, x, "conv", "1 3x3");
    fv_summary *summary = fv_summarize(net, NULL, NULL);
    for (int n = 1; n <= 50; n++) assert_int_equal(fv_summary_layer(summary, n - 1)->receptive_field, 2 * n + 1);
    fv_summary_free(summary);
    fv_net_free(net);
}

typedef struct mistake_case {
    const char *op, *fields, *input, *says;
} mistake_case;

static const mistake_case mistakes[] = {
    {"conv", "8 5x5", "3x3x1", "conv1 (conv): kernel 5x5 is larger than the padded input 3x3: (3 + 2*0 - 5)/1 + 1 < 1"},
    {"conv", "8 5x5 padding=1x0 padding_end=0", "3x7x1",
     "kernel 5x5 is larger than the padded input 4x7: (3 + 1 + 0 - 5)/1 + 1 < 1"},
    {"conv", "8 3x3 stride=0", "9x9x1", "stride must be at least 1, got 0"},
    {"conv", "0 3x3", "9x9x1", "filters must be at least 1, got 0"},
    {"conv", "8", "9x9x1", "kernel is missing"},
    {"conv", "8 3x3 groups=3", "9x9x6", "groups=3 must divide the input's 6 channels and the 8 filters"},
    {"conv", "8 3x3x3", "9x9x6", "kernel has 3 numbers, but the input has 2 spatial dimensions"},
    {"conv", "8 3x3", "9", "expects one to three spatial dimensions"},
    {"conv", "8 3x3 padding=sam", "9x9x1", "did you mean \"same\"?"},
    {"conv", "8 3x3 padding=same padding_end=1", "9x9x1", "padding_end goes with a number"},
    {"conv", "2 1x1 connections=\"01\"", "9x9x2", "one word for each of the 2 filters, got 1"},
    {"conv", "2 1x1 connections=\"01 12\"", "9x9x2", "word 2 (12) names an input map that does not exist"},
    {"conv", "2 1x1 connections=\"01 10\"", "9x9x2", "ascending order"},
    {"conv", "2 1x1 connections=\"01 x\"", "9x9x2", "is not a list of input maps"},
    {"conv", "1000000000 1000000000x1000000000 padding=full", "9x9x2", "too many elements"},
    {"maxpool", "2 padding=2", "9x9x1", "without any cell of the input"},
    {"maxpool", "12", "9x9x1", "window 12x12 is larger than the padded input 9x9"},
    {"dense", "10", "fixed", "at least one dimension"},
    {"reshape", "5,-1", "12", "12 elements of Nx12 do not fill a shape of 5 times something"},
    {"reshape", "-1,-1", "12", "only one size may be -1"},
    {"concat", "", "12", "at least two inputs"},
    {"concat", "axis=0", "12", "at least two inputs"},
    {"dropout", "1", "12", "rate must be below 1"},
    {"rbf", "10", "5x5x3", "flatten it first"},
    {"globalavgpool", "", "12", "spatial dimensions"},
};

static void mistakes_are_told_in_one_line(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        const mistake_case *c = &mistakes[i];
        fv_error error = {0};
        fv_net *net = fv_net_new();
        bool scalar = !strcmp(c->input, "fixed");
        fv_value x = scalar ? fv_input(net, .no_batch = true) : fv_input(net, .shape = shape_of(c->input));
        fv_value y = fv_apply(net, c->op, &x, 1, c->fields, &error);
        if (y.id >= 0) fail_msg("%s %s on %s: accepted", c->op, c->fields, c->input);
        if (!strstr(error.message, c->says))
            fail_msg("%s %s on %s: expected \"%s\", got \"%s\"", c->op, c->fields, c->input, c->says, error.message);
        assert_null(strchr(error.message, '\n'));
        fv_net_free(net);
    }
}

static void open_sizes_stay_open(void **state) {
    (void)state;
    char text[96];
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = FV_OPEN, .width = FV_OPEN, .channels = 3);
    x = apply_one(net, x, "conv", "8 3x3 padding=same");
    x = apply_one(net, x, "maxpool", "2x2");
    assert_string_equal(fv_shape_text(&net->values[x.id].type.shape, text, sizeof text), "Nx?x?x8");
    x = apply_one(net, x, "globalavgpool", "");
    assert_string_equal(fv_shape_text(&net->values[x.id].type.shape, text, sizeof text), "Nx8");
    fv_net_free(net);
}

/* ---- batch norm's running statistics ---------------------------------------------------------------------------- */

static void running_statistics_follow_the_batch(void **state) {
    (void)state;
    static const struct {
        const char *fields;
        double mean, variance;
    } cases[] = {{"momentum=0.75", 0.5, 0.75 + 0.25 * 2},
                 {"momentum=0.75 unbiased=no", 0.5, 0.75 + 0.25 * 1},
                 {"frozen=yes", 0, 1}};
    for (int i = 0; i < 3; i++) {
        fv_example example = {.fields = cases[i].fields, .in = {"2x1: 1 3"}, .training = true};
        fv_error error = {0};
        fv_trial trial;
        if (fv_trial_new(fv_find_op("batchnorm"), &example, &trial, &error))
            fail_msg("%s: %s", cases[i].fields, error.message);
        assert_int_equal(fv_trial_check(&trial, fv_kernels(), NULL, &error), FV_OK);
        for (int k = 0; k < trial.operands; k++) {
            const fv_trial_operand *o = &trial.operand[k];
            double got = o->role == FV_STATE ? ((float *)trial.weights.of[o->value].data)[0] : 0;
            if (!strcmp(o->name, "mean")) check_near(cases[i].fields, got, cases[i].mean, 1e-6);
            if (!strcmp(o->name, "variance")) check_near(cases[i].fields, got, cases[i].variance, 1e-6);
        }
        fv_trial_free(&trial);
    }
}

static void count_example(void *user, const char *op, const char *title, const char *result, const char *problem) {
    if (problem || !*result) fail_msg("selftest: %s, %s: %s", op, title, problem ? problem : "nothing came out");
    ++*(int *)user;
}

static void selftest_tells_of_every_titled_example(void **state) {
    (void)state;
    int told = 0, titled = 0;
    assert_int_equal(fv_selftest(count_example, &told), 0);
    for (int o = 0; fv_ops[o]; o++)
        for (int i = 0; i < FV_MAX_EXAMPLES; i++) titled += fv_ops[o]->examples[i].title != NULL;
    assert_int_equal(told, titled);
}

static void a_connection_is_an_input_map_of_its_own(void **state) {
    (void)state;
    const fv_shape c3 = {3, {5, 5, 60}};
    fv_fans fans = fv_fans_of(&c3, "kkn");
    check_near("fan in", fans.in, 25, 0);
    check_near("fan out", fans.out, 25, 0);
}

/* ---- names and help --------------------------------------------------------------------------------------------- */

static void names_and_help_come_from_the_records(void **state) {
    (void)state;
    assert_int_equal(fv_op_count(), fv_ops_count());
    assert_null(fv_op_name(-1));
    assert_null(fv_op_name(fv_op_count()));
    assert_null(fv_op_help("cnov"));
    assert_string_equal(fv_op_nearest("cnov"), "conv");
    assert_string_equal(fv_op_nearest("max_pool"), "maxpool");
    assert_null(fv_op_nearest("completely_different"));
    for (int o = 0; fv_ops[o]; o++) {
        const fv_op *op = fv_ops[o];
        char *help = fv_op_help(op->name);
        assert_non_null(help);
        if (!strstr(help, op->summary)) fail_msg("help %s: no summary", op->name);
        for (int i = 0; i < op->field_count; i++)
            if (!strstr(help, op->fields[i].name)) fail_msg("help %s: no field %s", op->name, op->fields[i].name);
        for (int i = 0; i < FV_MAX_EXAMPLES && op->examples[i].fields; i++)
            if (op->examples[i].title && !strstr(help, op->examples[i].title))
                fail_msg("help %s: no example \"%s\"", op->name, op->examples[i].title);
        fv_free(help);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_is_complete),
        cmocka_unit_test(worked_examples_give_their_numbers),
        cmocka_unit_test(gradients_are_those_of_differences),
        cmocka_unit_test(fast_kernels_agree_with_the_reference),
        cmocka_unit_test(fields_survive_being_written_and_read),
        cmocka_unit_test(nets_survive_being_written_and_read),
        cmocka_unit_test(the_gradient_check_finds_planted_bugs),
        cmocka_unit_test(sizes_follow_the_conventions),
        cmocka_unit_test(stacked_3x3_convolutions_see_two_pixels_more_each),
        cmocka_unit_test(mistakes_are_told_in_one_line),
        cmocka_unit_test(open_sizes_stay_open),
        cmocka_unit_test(running_statistics_follow_the_batch),
        cmocka_unit_test(selftest_tells_of_every_titled_example),
        cmocka_unit_test(a_connection_is_an_input_map_of_its_own),
        cmocka_unit_test(names_and_help_come_from_the_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
