/* test_net.c - building networks: values, names, shared weights, sugar, the first error, and memory that runs short. */
#include "check.h"

#include "graph.h"

/* ---- operators that show every feature of an application -------------------------------------------------------- */

#define FIELDS(F)                                                                                                      \
    F(fake, INT, units, .positional = true, .required = true, .min = 1, .help = "number of outputs")                   \
    F(fake, BOOL, bias, .standard = 1, .help = "add a number")                                                         \
    F(fake, TEXT, kernel_regularizer, .help = "penalty on the weight")                                                 \
    F(fake, TEXT, bias_regularizer, .help = "penalty on the bias")                                                     \
    F(fake, TEXT, activity_regularizer, .help = "penalty on the result")                                               \
    FV_ACTIVATION_FIELD(F, fake)
FV_DEFINE_FIELDS(fake, FIELDS)

static fv_status fake_infer(fv_infer *infer) {
    const struct fake *f = infer->fields;
    const fv_shape *in = &infer->in[0].shape;
    if (in->rank < 2) return fv_infer_fail(infer, "expected channels, got a rank of %d", in->rank);
    int64_t channels = in->dim[in->rank - 1];
    infer->out[0] = infer->in[0];
    infer->out[0].shape.dim[in->rank - 1] = f->units;
    infer->parameter[0] = (fv_parameter){
        .shape = {2, {channels, f->units}}, .initializer = "zeros", .axes = "io", .regularizer = f->kernel_regularizer};
    infer->parameter[1] = (fv_parameter){.absent = !f->bias,
                                         .shape = {1, {f->units}},
                                         .initializer = "zeros",
                                         .axes = "o",
                                         .regularizer = f->bias_regularizer};
    infer->parameter[2] = (fv_parameter){.shape = {1, {f->units}}, .initializer = "zeros", .axes = "o"};
    return FV_OK;
}
static fv_op fake_op = {.name = "fake",
                        .infer = fake_infer,
                        FV_FIELDS(fake),
                        .ports = {{.name = "x", .role = FV_INPUT},
                                  {.name = "weight", .role = FV_WEIGHT},
                                  {.name = "bias", .role = FV_WEIGHT},
                                  {.name = "mean", .role = FV_STATE}}};

static fv_status halves_infer(fv_infer *infer) {
    infer->outputs = 2;
    infer->out[0] = infer->out[1] = infer->in[0];
    return FV_OK;
}
static fv_op halves_op = {
    .name = "halves", .infer = halves_infer, .ports = {{.name = "x", .role = FV_INPUT}}, .outputs = {"left", "right"}};

static fv_status same_infer(fv_infer *infer) {
    infer->out[0] = infer->in[0];
    for (int i = 1; i < infer->inputs; i++)
        if (!fv_shape_equal(&infer->in[0].shape, &infer->in[i].shape)) return fv_infer_fail(infer, "inputs differ");
    return FV_OK;
}
static fv_op join_op = {
    .name = "join", .infer = same_infer, .ports = {{.name = "x", .role = FV_INPUT}}, .variadic = true};
static fv_op pair_op = {.name = "pair",
                        .infer = same_infer,
                        .ports = {{.name = "a", .role = FV_INPUT},
                                  {.name = "b", .role = FV_INPUT},
                                  {.name = "c", .role = FV_INPUT, .optional = true}}};

/* Answers that no honest operator gives. */
static fv_shape wrong_shape;
static fv_status liar_infer(fv_infer *infer) {
    infer->out[0] = (fv_type){FV_F32, wrong_shape};
    return FV_OK;
}
static fv_op liar_op = {.name = "liar", .infer = liar_infer, .ports = {{.name = "x", .role = FV_INPUT}}};
static fv_status mute_infer(fv_infer *infer) {
    (void)infer;
    return FV_E_SHAPE;
}
static fv_op mute_op = {.name = "mute", .infer = mute_infer, .ports = {{.name = "x", .role = FV_INPUT}}};

static fv_status score_infer(fv_infer *infer) {
    infer->out[0] = (fv_type){FV_F32, {1, {FV_BATCH}}};
    return FV_OK;
}
static fv_op score_op = {.name = "score",
                         .infer = score_infer,
                         .ports = {{.name = "p", .role = FV_INPUT}, {.name = "t", .role = FV_INPUT}},
                         .traits = FV_T_LOSS};

static bool add_fakes(fv_net *net) {
    fv_op *const ops[] = {&fake_op, &halves_op, &join_op, &pair_op, &liar_op, &mute_op, &score_op};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (!fv_grow(&net->custom, &net->custom_capacity, net->custom_count, sizeof *net->custom)) return false;
        net->custom[net->custom_count++] = ops[i];
    }
    return true;
}

static fv_net *new_net(void) {
    fv_net *net = fv_net_new();
    assert_non_null(net);
    assert_true(add_fakes(net));
    return net;
}

static fv_value picture(fv_net *net) { return fv_input(net, .height = 8, .width = 8, .channels = 3); }
static fv_value apply1(const char *op, fv_value x, const char *fields) {
    return fv_apply(x.net, op, &x, 1, fields, NULL);
}
static const char *name_of(fv_value v) {
    assert_in_range(v.id, 0, v.net->value_count - 1);
    return v.net->values[v.id].name;
}

static void check_ok(fv_net *net) {
    fv_error error = {0};
    if (fv_net_check(net, &error)) fail_msg("expected a sound net, got: %s", error.message);
}
static void check_error(fv_net *net, fv_status status, const char *message) {
    fv_error error = {0};
    fv_status got = fv_net_check(net, &error);
    if (got != status || strcmp(error.message, message))
        fail_msg("expected %s: %s\ngot %s: %s", fv_status_name(status), message, fv_status_name(got), error.message);
    fv_net_free(net);
}

/* ---- inputs ----------------------------------------------------------------------------------------------------- */

static void inputs_have_a_batch_and_names(void **state) {
    (void)state;
    fv_net *net = new_net();
    char shape[64];
    fv_value v[] = {
        picture(net),
        fv_input(net, .height = FV_OPEN, .width = FV_OPEN, .channels = 3),
        fv_input(net, .length = 40, .dtype = FV_I32, .name = "words"),
        fv_input(net, .depth = 4, .height = 5, .width = 6, .channels = 1),
        fv_input(net, .channels = 10),
        fv_input(net, .shape = {2, {3, 4}}, .no_batch = true),
        fv_input(net, .dtype = FV_I32, .target = true),
    };
    static const char *const expected[][2] = {{"input", "Nx8x8x3"},    {"input2", "Nx?x?x3"}, {"words", "Nx40"},
                                              {"input3", "Nx4x5x6x1"}, {"input4", "Nx10"},    {"input5", "3x4"},
                                              {"target", "N"}};
    for (int i = 0; i < 7; i++) {
        assert_string_equal(name_of(v[i]), expected[i][0]);
        assert_string_equal(fv_shape_text(&net->values[v[i].id].type.shape, shape, sizeof shape), expected[i][1]);
    }
    check_ok(net);
    fv_net_free(net);
}

static void wrong_inputs_are_refused(void **state) {
    (void)state;
    static const struct {
        fv_input_options options;
        const char *message;
    } cases[] = {
        {{.height = 8, .width = 8}, "input: channels are missing (1 for grey pictures, 3 for colour)"},
        {{.height = 8, .channels = 3}, "input: height and width belong together; width is missing"},
        {{.length = 8, .width = 3}, "input: length is for sequences, height and width are for pictures; not both"},
        {{.depth = 8, .channels = 3}, "input: depth needs height and width, too"},
        {{.channels = -5}, "input: a size must be at least 1, got -5"},
        {{.channels = FV_OPEN}, "input: the last size (channels) must be known; only spatial sizes may be open"},
        {{.height = INT64_MAX, .width = 2, .channels = 1}, "input: the sizes are too large"},
        {{.shape = {9, {1}}}, "input: the rank must be between 0 and 8, got 9"},
        {{.shape = {8, {1, 1, 1, 1, 1, 1, 1, 1}}}, "input: at most 8 dimensions, the batch included"},
        {{.shape = {1, {4}}, .channels = 3}, "input: give the shape or the sizes by name, not both"},
        {{.shape = {2, {FV_BATCH, 4}}}, "input: the shape is that of one sample; a size must be at least 1, got -1"},
        {{.channels = 1, .dtype = FV_F64}, "input: the type must be f32, i32, i64, u8 or bool"},
        {{.channels = 1, .name = "two words"},
         "input: \"two words\" cannot be a name: letters, digits and _ are allowed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_net *net = new_net();
        fv_input_options o = cases[i].options;
        o.size = sizeof o;
        assert_int_equal(fv_input_with(net, &o).id, -1);
        check_error(net, FV_E_ARGUMENT, cases[i].message);
    }
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static void layers_are_counted_in_their_scope(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net);
    fv_value a = apply1("fake", x, "4"), b = apply1("fake", a, "4");
    fv_enter(net, "block");
    fv_value c = apply1("fake", b, "4");
    fv_enter(net, "part");
    fv_value d = apply1("fake", c, "4");
    fv_leave(net);
    fv_value e = apply1("fake", d, "4");
    fv_leave(net);
    fv_enter(net, "block");
    fv_value f = apply1("fake", e, "4");
    fv_leave(net);
    fv_net_enter_named(net, "block", "left");
    fv_value g = apply1("fake", f, "4");
    fv_leave(net);
    fv_enter(net, "block");
    fv_value h = apply1("fake", g, "4");
    fv_leave(net);
    fv_value i = apply1("fake", h, "4");
    assert_string_equal(name_of(a), "fake1");
    assert_string_equal(name_of(b), "fake2");
    assert_string_equal(name_of(c), "block1.fake1");
    assert_string_equal(name_of(d), "block1.part1.fake1");
    assert_string_equal(name_of(e), "block1.fake2");
    assert_string_equal(name_of(f), "block2.fake1");
    assert_string_equal(name_of(g), "left.fake1");
    assert_string_equal(name_of(h), "block4.fake1"); /* the third block was called left */
    assert_string_equal(name_of(i), "fake3");
    assert_string_equal(name_of(fv_parameter_of(d, 0)), "block1.part1.fake1.weight");
    check_ok(net);
    fv_net_free(net);
}

static void a_given_name_renames_all_that_belongs_to_the_layer(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net);
    fv_enter(net, "block");
    fv_value y = fv_name(apply1("fake", x, "4 activation=relu"), "stem");
    fv_leave(net);
    assert_string_equal(name_of(y), "block1.stem.activation");
    assert_string_equal(name_of(fv_parameter_of(y, 0)), "block1.stem.weight");
    assert_string_equal(name_of(fv_parameter_of(y, 1)), "block1.stem.bias");
    assert_string_equal(name_of(fv_parameter_of(y, 2)), "block1.stem.mean");
    assert_string_equal(net->nodes[0].name, "block1.stem");
    assert_string_equal(net->nodes[1].name, "block1.stem.activation");
    assert_string_equal(name_of(fv_name(x, "pixels")), "pixels");
    assert_int_equal(fv_name(y, "stem").id, y.id); /* again */
    check_ok(net);
    /* The old names are free, and an application that was named still counts. */
    assert_string_equal(name_of(fv_name(apply1("fake", x, "4"), "fake7")), "fake7");
    assert_string_equal(name_of(apply1("fake", x, "4")), "fake2");
    fv_net_free(net);
}

static void ordinals_step_over_names_in_use(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net);
    fv_value a = fv_name(apply1("fake", x, "4"), "fake2");
    assert_string_equal(name_of(a), "fake2");
    assert_string_equal(name_of(apply1("fake", x, "4")), "fake3");
    check_ok(net);
    fv_net_free(net);
}

static void full_names_count_in_the_scope_they_spell(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net);
    const fv_argument units = {.value = "4"};
    fv_value a = fv_net_apply(net, &fake_op, "block1.fake1", &x, 1, &units, 1, NULL);
    fv_value b = fv_net_apply(net, &fake_op, NULL, &a, 1, &units, 1, NULL);
    assert_string_equal(name_of(a), "block1.fake1");
    assert_string_equal(name_of(b), "fake1");
    check_ok(net);
    fv_net_free(net);
}

static void names_are_unique_and_plain(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net), a = apply1("fake", x, "4"), b = apply1("fake", a, "4");
    (void)b;
    assert_int_equal(fv_name(b, "fake1").id, -1);
    check_error(net, FV_E_ARGUMENT, "the name \"fake1\" is used twice");

    net = new_net();
    x = picture(net);
    fv_name(apply1("fake", x, "4"), "3rd");
    check_error(net, FV_E_ARGUMENT, "fake1: \"3rd\" cannot be a name: letters, digits and _ are allowed");

    net = new_net();
    x = picture(net);
    fv_name(fv_parameter_of(apply1("fake", x, "4"), 0), "w");
    check_error(net, FV_E_ARGUMENT, "fake1.weight: a parameter is named after its layer; name that");

    net = new_net();
    picture(net);
    fv_leave(net);
    check_error(net, FV_E_ARGUMENT, "fv_leave without fv_enter");

    net = new_net();
    fv_enter(net, "a b");
    fv_leave(net);
    check_error(net, FV_E_ARGUMENT, "fv_enter: \"a b\" cannot be a name: letters, digits and _ are allowed");

    net = new_net();
    for (int i = 0; i < 2; i++) {
        fv_net_enter_named(net, "block", "left");
        fv_leave(net);
    }
    check_error(net, FV_E_ARGUMENT, "the name \"left\" is used twice");
}

/* ---- applications ----------------------------------------------------------------------------------------------- */

static void parameters_are_made_as_the_operator_says(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value y = apply1("fake", picture(net), "4");
    const fv_value_info *w = &net->values[fv_parameter_of(y, 0).id], *m = &net->values[fv_parameter_of(y, 2).id];
    assert_int_equal(w->kind, FV_KIND_WEIGHT);
    assert_int_equal(w->type.shape.dim[0], 3);
    assert_int_equal(w->type.shape.dim[1], 4);
    assert_int_equal(m->kind, FV_KIND_STATE);
    fv_value z = apply1("fake", y, "5 bias=no");
    assert_int_equal(fv_parameter_of(z, 1).id, -1);
    assert_int_equal(net->nodes[1].value_in[2], -1);
    assert_string_equal(name_of(fv_parameter_of(z, 2)), "fake2.mean");
    assert_int_equal(fv_parameter_of(z, 3).id, -1);
    check_ok(net); /* asking for what is not there is no mistake */
    fv_net_free(net);
}

static void further_inputs_are_the_parameters(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net), a = apply1("fake", x, "4");
    fv_value given[] = {x, fv_parameter_of(a, 0), {NULL, 0}, fv_parameter_of(a, 2)};
    int before = net->value_count;
    fv_value b = fv_apply(net, "fake", given, 4, "4", NULL);
    assert_int_equal(net->value_count, before + 2); /* a bias of its own, and the result */
    assert_int_equal(fv_parameter_of(b, 0).id, fv_parameter_of(a, 0).id);
    assert_string_equal(name_of(fv_parameter_of(b, 1)), "fake2.bias");
    assert_int_equal(fv_parameter_of(b, 2).id, fv_parameter_of(a, 2).id);
    /* What the fields leave out is stepped over. */
    fv_value without_bias[] = {x, fv_parameter_of(a, 0), fv_parameter_of(a, 2)};
    fv_value c = fv_apply(net, "fake", without_bias, 3, "4 bias=no", NULL);
    assert_int_equal(fv_parameter_of(c, 2).id, fv_parameter_of(a, 2).id);
    check_ok(net);
    fv_net_free(net);
}

static void several_outputs_and_inputs(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net), left = apply1("halves", x, NULL), right = fv_output_of(left, 1);
    assert_string_equal(name_of(left), "halves1.left");
    assert_string_equal(name_of(right), "halves1.right");
    assert_int_equal(fv_output_of(right, 0).id, left.id);
    assert_int_equal(fv_output_of(left, 2).id, -1);
    assert_int_equal(fv_output_of(x, 0).id, -1);
    fv_name(right, "h");
    assert_string_equal(name_of(left), "h.left");
    assert_string_equal(net->nodes[0].name, "h");
    const fv_value three[] = {left, right, x};
    assert_string_equal(name_of(fv_apply(net, "join", three, 3, "", NULL)), "join1");
    assert_string_equal(name_of(fv_apply(net, "pair", three, 2, "", NULL)), "pair1");
    assert_string_equal(name_of(fv_apply(net, "pair", three, 3, "", NULL)), "pair2");
    check_ok(net);
    fv_net_free(net);
}

static void wrong_applications_say_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *op, *fields;
        int inputs;
        fv_status status;
        const char *message;
    } cases[] = {
        {"fakee", "4", 1, FV_E_ARGUMENT, "there is no operator \"fakee\"; did you mean \"fake\"?"},
        {"cnov", "4", 1, FV_E_ARGUMENT, "there is no operator \"cnov\"; did you mean \"conv\"?"},
        {"zzzzzzzzzzzzz", "4", 1, FV_E_ARGUMENT, "there is no operator \"zzzzzzzzzzzzz\""},
        {"fake", "", 1, FV_E_ARGUMENT, "fake1 (fake): units is missing (number of outputs)"},
        {"fake", "4", 0, FV_E_ARGUMENT, "fake1 (fake): expected 1 input, got 0"},
        {"join", "", 0, FV_E_ARGUMENT, "join1 (join): expected at least 1 input, got 0"},
        {"pair", "", 1, FV_E_ARGUMENT, "pair1 (pair): expected at least 2 inputs, got 1"},
        {"halves", "4", 1, FV_E_ARGUMENT, "halves1 (halves): it takes no values without a name, got \"4\""},
        {"halves", "a=4", 1, FV_E_ARGUMENT, "halves1 (halves): it takes no fields, got \"a\""},
        {"halves", "", 2, FV_E_ARGUMENT, "halves1 (halves): 2 values were given, but it takes no more than 1"},
        {"fake", "4", 2, FV_E_SHAPE, "fake1 (fake): expected f32 3x4 as weight, got f32 Nx8x8x3 (input)"},
        {"mute", "", 1, FV_E_SHAPE, "mute1 (mute): its inputs do not fit together"},
        {"fake", "4 kernel_regularizer=l3(1)", 1, FV_E_ARGUMENT,
         "fake1 (fake): a regularizer is l1(0.01), l2(0.01) or l1_l2(0.01, 0.02) with numbers of at least 0, got "
         "\"l3(1)\" "
         "for weight"},
        {"fake", "4 activity_regularizer=l2(-1)", 1, FV_E_ARGUMENT,
         "fake1 (fake): a regularizer is l1(0.01), l2(0.01) or l1_l2(0.01, 0.02) with numbers of at least 0, got "
         "\"l2(-1)\" "
         "for activity"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_net *net = new_net();
        fv_value x = picture(net), inputs[] = {x, x};
        fv_error error = {0};
        assert_int_equal(fv_apply(net, cases[i].op, inputs, cases[i].inputs, cases[i].fields, &error).id, -1);
        assert_string_equal(error.message, cases[i].message);
        check_error(net, cases[i].status, cases[i].message);
    }
}

static void a_state_cannot_be_any_value(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net), a = apply1("fake", x, "4");
    fv_value given[] = {x, fv_parameter_of(a, 0), fv_parameter_of(a, 1), fv_parameter_of(a, 1)};
    fv_apply(net, "fake", given, 4, "4", NULL);
    check_error(
        net, FV_E_ARGUMENT,
        "fake2 (fake): mean is written in training, so it must be the running statistic of a layer, not fake1.bias");
}

static void values_of_other_nets_are_refused(void **state) {
    (void)state;
    fv_net *net = new_net(), *other = new_net();
    fv_value mixed[] = {picture(net), picture(other)};
    fv_apply(net, "pair", mixed, 2, "", NULL);
    fv_net_free(other);
    check_error(net, FV_E_ARGUMENT, "pair1 (pair): input 2 belongs to another net");
}

static void what_operators_say_is_checked(void **state) {
    (void)state;
    static const struct {
        fv_shape shape;
        const char *text;
    } cases[] = {
        {{1, {0}}, "0"},
        {{2, {3, FV_BATCH}}, "3xN"},
        {{2, {INT64_MAX, 8}}, "9223372036854775807x8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_net *net = new_net();
        char message[200];
        wrong_shape = cases[i].shape;
        apply1("liar", picture(net), "");
        snprintf(
            message, sizeof message,
            "liar1 (liar): output 1 cannot be %s: every size must be at least 1, and the whole must fit into memory",
            cases[i].text);
        check_error(net, FV_E_SHAPE, message);
    }
}

/* ---- errors ----------------------------------------------------------------------------------------------------- */

static void the_first_error_stays_and_bad_values_pass_through(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net), bad = apply1("fake", x, "0"), next = apply1("fake", bad, "nonsense");
    fv_error error = {0};
    assert_int_equal(bad.id, -1);
    assert_ptr_equal(next.net, net);
    assert_int_equal(fv_apply(net, "halves", &next, 1, "", &error).id, -1);
    assert_string_equal(error.message, "fake1 (fake): units must be at least 1, got 0");
    assert_int_equal(fv_name(next, "stem").id, -1);
    assert_int_equal(fv_output_of(next, 0).id, -1);
    fv_output(next, "y");
    fv_add_loss(next, 1);
    apply1("fake", x, "also wrong");
    assert_int_equal(net->output_count + net->loss_count, 0);
    check_error(net, FV_E_ARGUMENT, "fake1 (fake): units must be at least 1, got 0");
}

static void a_value_that_never_was_is_an_error(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net);
    apply1("halves", fv_parameter_of(x, 0), "");
    check_error(net, FV_E_ARGUMENT, "halves was given a value that does not exist");
    net = new_net();
    apply1("halves", (fv_value){net, 99}, "");
    check_error(net, FV_E_ARGUMENT, "halves1 (halves): input 1 does not exist");
    assert_int_equal(fv_name((fv_value){NULL, 0}, "x").id, 0);
    assert_int_equal(fv_net_apply_options(&fake_op, NULL).id, -1);
    check_error(fv_net_new(), FV_E_ARGUMENT, "the net is empty: it needs an input and a layer");
}

/* ---- options structs -------------------------------------------------------------------------------------------- */

typedef struct fake_options {
    size_t size;
    fv_value x;
    const char *name;
    int64_t units;
    bool no_bias;
    const char *kernel_regularizer, *bias_regularizer, *activity_regularizer;
    int activation;
} fake_options;
typedef struct join_options {
    size_t size;
    const fv_value *values;
    int64_t count;
    const char *name;
} join_options;
typedef struct pair_options {
    size_t size;
    fv_value a, b, c;
    const char *name;
} pair_options;

static void builders_read_their_options(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net);
    fv_value y =
        fv_net_apply_options(&fake_op, FV_OPTIONS(fake_options, .x = x, .units = 7, .no_bias = true, .activation = 1));
    assert_string_equal(name_of(y), "fake1.activation");
    assert_int_equal(net->values[y.id].type.shape.dim[3], 7);
    assert_int_equal(fv_parameter_of(y, 1).id, -1);
    assert_int_equal(net->nodes[1].sugar_of, 0);
    assert_string_equal(net->nodes[1].op->name, "relu");
    fv_value z = fv_net_apply_options(&fake_op, FV_OPTIONS(fake_options, .x = x, .units = 7, .name = "stem"));
    assert_string_equal(name_of(z), "stem");
    fv_value both[] = {y, z};
    assert_string_equal(name_of(fv_net_apply_options(&join_op, FV_OPTIONS(join_options, .values = both, .count = 2))),
                        "join1");
    fv_value p = fv_net_apply_options(&pair_op, FV_OPTIONS(pair_options, .a = y, .b = z));
    assert_int_equal(net->nodes[net->values[p.id].node].inputs, 2);
    check_ok(net);
    fv_net_apply_options(&pair_op, FV_OPTIONS(pair_options, .b = z));
    check_error(net, FV_E_ARGUMENT, "pair2 (pair): input 1 is missing");
}

static void bad_values_pass_through_builders(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net), bad = fv_net_apply_options(&fake_op, FV_OPTIONS(fake_options, .x = x, .units = -3));
    fv_value y = fv_net_apply_options(&fake_op, FV_OPTIONS(fake_options, .x = bad, .units = 1));
    assert_int_equal(y.id, -1);
    assert_ptr_equal(y.net, net);
    check_error(net, FV_E_ARGUMENT, "fake1 (fake): units must be at least 1, got -3");
}

/* ---- sugar, losses, outputs ------------------------------------------------------------------------------------- */

static void activation_is_an_operator_of_its_own_behind(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value y = apply1("fake", picture(net), "4 activation=relu");
    assert_int_equal(net->node_count, 2);
    assert_string_equal(net->nodes[1].name, "fake1.activation");
    assert_int_equal(net->nodes[1].sugar_of, 0);
    assert_int_equal(net->nodes[0].sugar_of, -1);
    assert_int_equal(fv_output_of(y, 0).id, y.id);
    assert_string_equal(name_of(apply1("relu", y, "")), "relu1"); /* sugar does not count */
    check_ok(net);
    fv_net_free(net);
}

static void regularizers_are_penalties_in_the_loss(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value y = apply1(
        "fake", picture(net),
        "4 kernel_regularizer=l2(0.25) bias_regularizer=l1 activity_regularizer=l1_l2(0.5, 1/4) activation=relu");
    check_ok(net);
    assert_int_equal(net->loss_count, 3);
    static const char *const names[] = {"fake1.weight_penalty", "fake1.bias_penalty", "fake1.activity_penalty"};
    static const double l1[] = {0, 0.01, 0.5}, l2[] = {0.25, 0, 0.25};
    const int reads[] = {fv_parameter_of(y, 0).id, fv_parameter_of(y, 1).id, y.id};
    for (int i = 0; i < 3; i++) {
        const fv_value_info *v = &net->values[net->losses[i].value];
        const fv_node *node = &net->nodes[v->node];
        check_near("weight of the loss", net->losses[i].weight, 1, 0);
        assert_string_equal(node->name, names[i]);
        assert_string_equal(node->op->name, "penalty");
        assert_int_equal(node->sugar_of, 0);
        assert_int_equal(node->value_in[0], reads[i]);
        check_near(names[i], *(const double *)((const char *)node->fields + fv_find_field(node->op, "l1")->offset),
                   l1[i], 0);
        check_near(names[i], *(const double *)((const char *)node->fields + fv_find_field(node->op, "l2")->offset),
                   l2[i], 0);
    }
    assert_int_equal(fv_net_output_value(net), y.id); /* a penalty is no result */
    fv_net_free(net);
}

static void forms_of_regularizers(void **state) {
    (void)state;
    static const char *const good[] = {"l1", "l2", "l1_l2", "l2(0)", "l2( 0.5 )", "l1_l2(1,2)", "l1_l2( 1 , 2 )"};
    static const char *const bad[] = {"l2(",   "l2()", "l2(1", "l2(1,2)", "l1_l2(1)",   "l1_l2(1,2,3)", "l2(1)x",
                                      "l2(x)", "l",    "l2 1", "l2(inf)", "l1_l2(1 2)", "(1)"};
    for (int i = 0; i < 7 + 13; i++) {
        const char *text = i < 7 ? good[i] : bad[i - 7];
        fv_net *net = new_net();
        fv_value x = picture(net);
        fv_value y =
            fv_net_apply_options(&fake_op, FV_OPTIONS(fake_options, .x = x, .units = 1, .kernel_regularizer = text));
        if ((y.id >= 0) != (i < 7)) fail_msg("regularizer \"%s\": %s", text, y.id >= 0 ? "taken" : net->error.message);
        fv_net_free(net);
    }
}

static void losses_are_one_number_a_sample(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net), t = fv_input(net, .dtype = FV_I32, .target = true), y = apply1("fake", x, "4");
    fv_value pair[] = {y, t}, loss = fv_apply(net, "score", pair, 2, "", NULL);
    fv_add_loss(loss, 0.5);
    check_ok(net);
    assert_int_equal(net->loss_count, 1);
    assert_true(net->values[loss.id].of_target);
    assert_int_equal(fv_net_output_value(net), y.id);
    fv_add_loss(y, 1);
    check_error(net, FV_E_SHAPE, "loss fake1: expected one real number a sample, got f32 Nx8x8x4");
    net = new_net();
    x = picture(net);
    fv_output(x, "y");
    fv_output(x, "y");
    check_error(net, FV_E_ARGUMENT, "output: the name \"y\" is used twice");
}

static void outputs_are_the_last_value_or_what_was_marked(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = picture(net);
    assert_int_equal(fv_net_output_value(net), x.id);
    fv_value a = apply1("fake", x, "4"), b = apply1("fake", a, "4");
    assert_int_equal(fv_net_output_value(net), b.id);
    fv_output(a, NULL);
    assert_int_equal(fv_net_output_value(net), a.id);
    assert_string_equal(net->outputs[0].name, "fake1");
    check_ok(net);
    fv_net_free(net);
}

static void logits_stand_before_softmax(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = fv_input(net, .channels = 6), y = apply1("fake", x, "4");
    assert_int_equal(fv_net_logits_value(net), y.id);
    fv_value p = apply1("softmax", y, "");
    assert_int_equal(fv_net_output_value(net), p.id);
    assert_int_equal(fv_net_logits_value(net), y.id);
    fv_value q = apply1("fake", x, "4 activation=softmax");
    assert_int_equal(fv_net_output_value(net), q.id);
    assert_int_equal(fv_net_logits_value(net), net->nodes[net->node_count - 2].value_out[0]);
    check_ok(net);
    fv_net_free(net);
}

static void a_target_is_made_once(void **state) {
    (void)state;
    fv_net *net = new_net();
    picture(net);
    const fv_type numbers = {FV_I32, {1, {FV_BATCH}}}, reals = {FV_F32, {2, {FV_BATCH, 10}}};
    int a = fv_net_target(net, "class", &numbers), b = fv_net_target(net, "class", &reals);
    assert_int_equal(fv_net_target(net, "other", &numbers), a);
    assert_string_equal(net->values[a].name, "class");
    assert_string_equal(net->values[b].name, "class2");
    assert_true(net->values[a].target);
    assert_true(fv_shape_equal(&net->values[b].type.shape, &reals.shape));
    check_ok(net);
    fv_net_free(net);
}

/* ---- shapes of the whole graph ---------------------------------------------------------------------------------- */

static void open_sizes_are_fixed_by_a_sample(void **state) {
    (void)state;
    fv_net *net = new_net();
    fv_value x = fv_input(net, .height = FV_OPEN, .width = 8, .channels = 3),
             y = apply1("fake", x, "4 activation=relu");
    char shape[64];
    fv_type types[16];
    fv_error error = {0};
    assert_string_equal(fv_shape_text(&net->values[y.id].type.shape, shape, sizeof shape), "Nx?x8x4");
    assert_int_equal(fv_net_infer(net, NULL, types, &error), FV_OK);
    assert_string_equal(fv_shape_text(&types[y.id].shape, shape, sizeof shape), "Nx?x8x4");
    assert_int_equal(fv_net_infer(net, &(fv_shape){3, {5, 8, 3}}, types, &error), FV_OK);
    assert_string_equal(fv_shape_text(&types[y.id].shape, shape, sizeof shape), "Nx5x8x4");
    static const fv_shape wrong[] = {{3, {5, 9, 3}}, {3, {0, 8, 3}}, {2, {5, 8}}, {3, {INT64_MAX, 8, 3}}};
    for (int i = 0; i < 4; i++) {
        if (!fv_net_infer(net, &wrong[i], types, &error)) fail_msg("sample %d: expected to be refused", i);
        assert_non_null(strstr(error.message, "input \"input\": expected samples of ?x8x3, got "));
    }
    fv_net_free(net);
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

/* A net with everything in it; false if memory ran short on the way, which must then have been reported. */
static bool build_and_summarize(void) {
    fv_error error = {0};
    fv_net *net = fv_net_new();
    bool whole = net && add_fakes(net);
    if (!whole) {
        fv_net_free(net);
        return false;
    }
    fv_value x = picture(net), t = fv_input(net, .dtype = FV_I32, .target = true);
    fv_enter(net, "block");
    x = fv_name(apply1("fake", x, "4 kernel_regularizer=l2(0.5) activation=relu"), "stem");
    for (int i = 0; i < 40; i++) x = apply1("fake", x, "4 activation=relu"); /* tables and lists must grow */
    fv_leave(net);
    fv_value halves[] = {apply1("halves", x, ""), {net, -1}};
    halves[1] = fv_output_of(halves[0], 1);
    fv_value y = fv_net_apply_options(&join_op, FV_OPTIONS(join_options, .values = halves, .count = 2, .name = "end"));
    fv_output(y, "result");
    fv_value pair[] = {y, t};
    fv_add_loss(fv_apply(net, "score", pair, 2, "", NULL), 1);
    fv_summary *summary = fv_summarize(net, NULL, &error);
    whole = summary != NULL;
    if (!whole) assert_int_equal(error.status, FV_E_MEMORY);
    fv_summary_free(summary);
    fv_net_free(net);
    return whole;
}

static void memory_may_run_short_anywhere(void **state) {
    (void)state;
    int n = 0;
    for (bool whole = false; !whole; n++) {
        if (n > 2000) fail_msg("building never succeeds");
        fv_alloc_fail_after(n);
        whole = build_and_summarize();
    }
    fv_alloc_fail_after(-1);
    assert_true(n > 20);
}

static void a_net_lives_as_long_as_its_last_keeper(void **state) {
    (void)state;
    fv_net *net = new_net();
    picture(net);
    assert_ptr_equal(fv_net_keep(net), net);
    fv_net_free(net);
    check_ok(net);
    fv_net_free(net);
    fv_net_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_have_a_batch_and_names),
        cmocka_unit_test(wrong_inputs_are_refused),
        cmocka_unit_test(layers_are_counted_in_their_scope),
        cmocka_unit_test(a_given_name_renames_all_that_belongs_to_the_layer),
        cmocka_unit_test(ordinals_step_over_names_in_use),
        cmocka_unit_test(full_names_count_in_the_scope_they_spell),
        cmocka_unit_test(names_are_unique_and_plain),
        cmocka_unit_test(parameters_are_made_as_the_operator_says),
        cmocka_unit_test(further_inputs_are_the_parameters),
        cmocka_unit_test(several_outputs_and_inputs),
        cmocka_unit_test(wrong_applications_say_what_is_wrong),
        cmocka_unit_test(a_state_cannot_be_any_value),
        cmocka_unit_test(values_of_other_nets_are_refused),
        cmocka_unit_test(what_operators_say_is_checked),
        cmocka_unit_test(the_first_error_stays_and_bad_values_pass_through),
        cmocka_unit_test(a_value_that_never_was_is_an_error),
        cmocka_unit_test(builders_read_their_options),
        cmocka_unit_test(bad_values_pass_through_builders),
        cmocka_unit_test(activation_is_an_operator_of_its_own_behind),
        cmocka_unit_test(regularizers_are_penalties_in_the_loss),
        cmocka_unit_test(forms_of_regularizers),
        cmocka_unit_test(losses_are_one_number_a_sample),
        cmocka_unit_test(outputs_are_the_last_value_or_what_was_marked),
        cmocka_unit_test(logits_stand_before_softmax),
        cmocka_unit_test(a_target_is_made_once),
        cmocka_unit_test(open_sizes_are_fixed_by_a_sample),
        cmocka_unit_test(memory_may_run_short_anywhere),
        cmocka_unit_test(a_net_lives_as_long_as_its_last_keeper),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
