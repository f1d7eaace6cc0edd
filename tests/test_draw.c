/* test_draw.c - a net as DOT text: well formed whatever the names, every layer there, blocks and repetitions as they are. */
#include "check.h"

#include "draw.h"

static fv_net *parse(const char *text) {
    fv_error error = {0};
    fv_net *net = fv_net_parse(text, "test", NULL, 0, &error);
    if (!net) fail_msg("%d: %s", error.line, error.message);
    return net;
}

static char *dot_of(fv_net *net, const fv_dot_options *options) {
    fv_error error = {0};
    char *dot = fv_net_dot_with(net, &error, options);
    if (!dot) fail_msg("drawing: %s", error.message);
    return dot;
}

/* Quotes closed, braces and angle brackets balanced outside of them, one graph. */
static void check_well_formed(const char *dot) {
    int braces = 0, angles = 0;
    bool quoted = false;
    for (const char *s = dot; *s; s++) {
        if (*s == '\\' && quoted && s[1]) {
            s++;
            continue;
        }
        if (*s == '"') quoted = !quoted;
        if (quoted) continue;
        if (*s == '-' && s[1] == '>' && !angles) {
            s++;
            continue;
        }
        braces += (*s == '{') - (*s == '}');
        angles += (*s == '<') - (*s == '>');
        if (braces < 0 || angles < 0 || angles > 2) fail_msg("unbalanced at: %.40s", s);
    }
    if (quoted || braces || angles) fail_msg("quotes %d, braces %d, angles %d left open", quoted, braces, angles);
    assert_int_equal(strncmp(dot, "digraph net {", 13), 0);
}

static int occurrences(const char *text, const char *word) {
    int count = 0;
    for (const char *s = text; (s = strstr(s, word)); s++) count++;
    return count;
}

static void check_has(const char *dot, const char *word) {
    if (!strstr(dot, word)) fail_msg("expected \"%s\" in\n%s", word, dot);
}

static void check_lacks(const char *dot, const char *word) {
    if (strstr(dot, word)) fail_msg("\"%s\" should not be in\n%s", word, dot);
}

/* ---- the parts -------------------------------------------------------------------------------------------------- */

static void a_chain(void **state) {
    (void)state;
    fv_net *net =
        parse("input 28x28x1\nconv 6 5x5 stride=2 bias=no activation=relu\nC2 = conv 16 3x3\nflatten\ndense 10\n");
    char *dot = dot_of(net, NULL);
    check_well_formed(dot);
    check_has(dot, "<B>conv 6 5\xc3\x97"
                   "5</B>");
    check_has(dot, "stride=2");
    check_lacks(dot, "bias");
    check_has(dot, "<B>relu</B>");
    check_lacks(dot, "activation=");
    check_has(dot, ">C2</FONT>");
    check_has(dot, "28\xc3\x97"
                   "28\xc3\x97"
                   "1");
    check_has(dot, "conv1: 150 parameters, 21600 multiply-adds");
    check_has(dot, "<B>output</B>");
    assert_int_equal(occurrences(dot, " -> "), 5); /* the activation stands below its convolution */
    fv_free(dot);
    fv_net_free(net);
}

static void every_layer_is_there(void **state) {
    (void)state;
    for (int i = 0; i < fv_zoo_count(); i++) {
        fv_error error = {0};
        fv_net *net = fv_net_load(fv_zoo_name(i), NULL, 0, &error);
        if (!net) fail_msg("%s: %s", fv_zoo_name(i), error.message);
        char *dot = dot_of(net, FV_OPTIONS(fv_dot_options, .unfolded = true));
        check_well_formed(dot);
        for (int n = 0; n < net->node_count; n++)
            if (!fv_net_for_training(net, n)) check_has(dot, net->nodes[n].name);
        fv_free(dot);
        dot = dot_of(net, NULL);
        check_well_formed(dot);
        fv_free(dot);
        dot = dot_of(net, FV_OPTIONS(fv_dot_options, .blocks = true, .across = true));
        check_well_formed(dot);
        check_has(dot, "rankdir=LR");
        fv_free(dot);
        fv_net_free(net);
    }
}

static void losses_and_targets_are_left_out(void **state) {
    (void)state;
    fv_net *net = parse("input 8x8x1\nflatten\ndense 3\nloss crossentropy\n");
    char *dot = dot_of(net, NULL);
    check_lacks(dot, "crossentropy");
    check_lacks(dot, "class");
    fv_free(dot);
    fv_net_free(net);
}

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

static const char repeated[] = "block unit(n)\n"
                               "  conv n 3x3 padding=same\n"
                               "  relu\n"
                               "  conv n 3x3 padding=same\n"
                               "  add <- it, in\n"
                               "input 8x8x4\n"
                               "repeat 5\n"
                               "  unit 4\n"
                               "conv 2 1x1\n";

static void repetitions_are_folded(void **state) {
    (void)state;
    fv_net *net = parse(repeated);
    char *dot = dot_of(net, NULL);
    check_well_formed(dot);
    assert_int_equal(occurrences(dot, "subgraph"), 1);
    check_has(dot, "unit \xc3\x97"
                   "5");
    check_lacks(dot, "unit2");
    fv_free(dot);
    dot = dot_of(net, FV_OPTIONS(fv_dot_options, .unfolded = true));
    assert_int_equal(occurrences(dot, "subgraph"), 5);
    check_has(dot, "unit5.add1");
    fv_free(dot);
    dot = dot_of(net, FV_OPTIONS(fv_dot_options, .blocks = true));
    check_lacks(dot, "subgraph");
    check_has(dot, "20 layers");
    assert_int_equal(occurrences(dot, " -> "), 3);
    fv_free(dot);
    fv_net_free(net);
}

/* Blocks side by side, a block that is read later than by the next one, and blocks that differ are no repetition. */
static void only_chains_are_folded(void **state) {
    (void)state;
    static const char *const cases[] = {
        "block u(n)\n  conv n 3x3 padding=same\n  conv n 3x3 padding=same\nx = input 8x8x4\na = u 4 <- x\nb = u 4 <- "
        "x\nadd <- a, b\n",
        "block u(n)\n  conv n 3x3 padding=same\n  conv n 3x3 padding=same\ninput 8x8x4\na = u 4\nu 4\nb = u 4\nadd <- "
        "a, b\n",
        "block u(n)\n  conv n 3x3 padding=same\n  conv 4 3x3 padding=same\ninput 8x8x4\nu 4\nu 5\nu 6\n"};
    static const int frames[] = {2, 2, 3};
    for (int i = 0; i < 3; i++) {
        fv_net *net = parse(cases[i]);
        char *dot = dot_of(net, NULL);
        if (occurrences(dot, "subgraph") != frames[i])
            fail_msg("case %d: expected %d frames, got\n%s", i, frames[i], dot);
        fv_free(dot);
        fv_net_free(net);
    }
}

/* Every step adds channels: folded, and the caption says from what to what. */
static void growing_chains_are_folded(void **state) {
    (void)state;
    fv_net *net = parse("block layer(n)\n  batchnorm\n  conv n 3x3 padding=same\n  concat <- in, it\n"
                        "input 8x8x4\nrepeat 6\n  layer 2\nglobalavgpool\n");
    char *dot = dot_of(net, NULL);
    check_has(dot, "layer \xc3\x97"
                   "6");
    check_has(dot, "4 \xe2\x86\x92 16");
    check_has(dot, "8\xc3\x97"
                   "8\xc3\x97"
                   "16");
    fv_free(dot);
    fv_net_free(net);
}

/* ---- from outside ----------------------------------------------------------------------------------------------- */

static void hostile_names(void **state) {
    (void)state;
    static const char *const names[] = {"\"]; x -> y [label=\"", "<B>",          "a&b;",        "back\\",
                                        "line\nbreak\x01",       "\xff\xc0\xaf", "\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fv_net *net = fv_net_new();
        fv_value x = fv_input(net, .height = 4, .width = 4, .channels = 1);
        fv_output(fv_apply(net, "relu", &x, 1, "", NULL), names[i]);
        fv_error error = {0};
        char *dot = fv_net_dot_with(net, &error, NULL);
        if (dot) { /* a name may also be refused */
            check_well_formed(dot);
            check_lacks(dot, "x -> y [label=\"");
            check_lacks(dot, "\x01");
            check_lacks(dot, "\xff");
            check_lacks(dot, "\xed\xa0");
        }
        fv_free(dot);
        fv_net_free(net);
    }
}

static void deep_names_and_empty_nets(void **state) {
    (void)state;
    char name[1001];
    for (int i = 0; i < 1000; i++) name[i] = i % 2 ? '.' : 'a';
    name[999] = 0;
    fv_net *net = fv_net_new();
    fv_error error = {0};
    assert_null(fv_net_dot_with(NULL, &error, NULL));
    char *dot = fv_net_dot_with(net, &error, NULL);
    fv_free(dot);
    fv_value x = fv_input(net, .height = 4, .width = 4, .channels = 1);
    dot = dot_of(net, NULL);
    check_well_formed(dot);
    fv_free(dot);
    fv_name(fv_apply(net, "relu", &x, 1, "", NULL), name);
    dot = dot_of(net, NULL);
    check_well_formed(dot);
    fv_free(dot);
    fv_net_free(net);
}

static void memory_may_run_out(void **state) {
    (void)state;
    fv_net *net = parse(repeated);
    fv_error error = {0};
    int failures = 0;
    for (int64_t n = 0; n < 10000; n++) {
        fv_alloc_fail_after(n);
        char *dot = fv_net_dot_with(net, &error, NULL);
        fv_alloc_fail_after(-1);
        fv_free(dot);
        if (dot) break;
        assert_int_equal(error.status, FV_E_MEMORY);
        failures++;
    }
    assert_in_range(failures, 10, 9999);
    fv_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain),
        cmocka_unit_test(every_layer_is_there),
        cmocka_unit_test(losses_and_targets_are_left_out),
        cmocka_unit_test(repetitions_are_folded),
        cmocka_unit_test(only_chains_are_folded),
        cmocka_unit_test(growing_chains_are_folded),
        cmocka_unit_test(hostile_names),
        cmocka_unit_test(deep_names_and_empty_nets),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
