/* The network language: what texts mean, what they print as, and what is said about mistakes. */
#include "lang.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- tools ------------------------------------------------------------------------------------------------------ */

static fv_net *parse_with(const char *text, const fv_setting *settings, int count) {
    fv_error error = {0};
    char message[900];
    fv_net *net = fv_net_parse(text, "t.net", settings, count, &error);
    if (!net) fail_msg("%s\nof the text\n%s", fv_error_text(&error, message, sizeof message), text);
    return net;
}

static fv_net *parse(const char *text) { return parse_with(text, NULL, 0); }

/* The flat text that `text` means. */
static void means(const char *text, const char *expected) {
    fv_net *net = parse(text);
    char *flat = fv_net_text(net);
    assert_non_null(flat);
    if (strcmp(flat, expected) != 0) fail_msg("the text\n%s\nexpected\n%s\ngot\n%s", text, expected, flat);
    fv_free(flat);
    fv_net_free(net);
}

static void fails_with(const char *text, const fv_setting *settings, int count, const char *expected) {
    fv_error error = {0};
    char message[900];
    fv_net *net = fv_net_parse(text, "t.net", settings, count, &error);
    if (net) fail_msg("expected the mistake\n%s\nbut this was read\n%s", expected, text);
    fv_error_text(&error, message, sizeof message);
    if (strcmp(message, expected) != 0) fail_msg("the text\n%s\nexpected\n%s\ngot\n%s", text, expected, message);
}

static void fails(const char *text, const char *expected) { fails_with(text, NULL, 0, expected); }

static int64_t parameters(fv_net *net) {
    int64_t sum = 0;
    for (int i = 0; i < net->value_count; i++)
        if (net->values[i].kind == FV_KIND_WEIGHT) sum += fv_shape_count(&net->values[i].type.shape);
    return sum;
}

static int find_value(const fv_net *net, const char *name) {
    for (int i = 0; i < net->value_count; i++)
        if (strcmp(net->values[i].name, name) == 0) return i;
    return -1;
}

/* Two nets are the same: applications, names, values, outputs, losses, settings. */
static void assert_same(const fv_net *a, const fv_net *b) {
    assert_int_equal(a->node_count, b->node_count);
    assert_int_equal(a->value_count, b->value_count);
    for (int i = 0; i < a->node_count; i++) {
        const fv_node *m = &a->nodes[i], *n = &b->nodes[i];
        assert_string_equal(m->name, n->name);
        assert_ptr_equal(m->op, n->op);
        assert_int_equal(m->sugar_of, n->sugar_of);
        assert_int_equal(m->inputs, n->inputs);
        assert_int_equal(m->parameters, n->parameters);
        for (int k = 0; k < m->inputs + m->parameters; k++) assert_int_equal(m->value_in[k], n->value_in[k]);
        fv_text s = {0}, t = {0};
        fv_fields_to_text(m->op, m->fields, &s);
        fv_fields_to_text(n->op, n->fields, &t);
        if (s.length || t.length) assert_string_equal(s.data, t.data);
        fv_text_free(&s);
        fv_text_free(&t);
    }
    for (int i = 0; i < a->value_count; i++) {
        const fv_value_info *v = &a->values[i], *w = &b->values[i];
        assert_string_equal(v->name, w->name);
        assert_int_equal(v->kind, w->kind);
        assert_int_equal(v->target, w->target);
        assert_int_equal(v->type.dtype, w->type.dtype);
        assert_true(fv_shape_equal(&v->type.shape, &w->type.shape));
    }
    assert_int_equal(a->output_count, b->output_count);
    for (int i = 0; i < a->output_count; i++) {
        assert_int_equal(a->outputs[i].value, b->outputs[i].value);
        assert_string_equal(a->outputs[i].name, b->outputs[i].name);
    }
    assert_int_equal(a->loss_count, b->loss_count);
    for (int i = 0; i < a->loss_count; i++) {
        assert_int_equal(a->losses[i].value, b->losses[i].value);
        assert_true(a->losses[i].weight == b->losses[i].weight);
    }
    assert_int_equal(a->setting_count, b->setting_count);
    for (int i = 0; i < a->setting_count; i++) {
        assert_string_equal(a->settings[i].section, b->settings[i].section);
        assert_string_equal(a->settings[i].key, b->settings[i].key);
        assert_string_equal(a->settings[i].value, b->settings[i].value);
    }
    if (a->comment || b->comment) assert_string_equal(a->comment, b->comment);
}

/* Printed and parsed again, the net is the same. Frees it. */
static void comes_back(fv_net *net) {
    char *text = fv_net_text(net);
    assert_non_null(text);
    fv_net *again = parse(text);
    assert_same(net, again);
    fv_free(text);
    fv_net_free(again);
    fv_net_free(net);
}

/* ---- the language ----------------------------------------------------------------------------------------------- */

static void test_lines_read_the_line_above(void **state) {
    (void)state;
    means("input 8x8x1\nconv 4 3x3\nflatten\ndense 10\n", "input = input 8x8x1\nconv1 = conv 4 3x3 <- input\nflatten1 "
                                                          "= flatten <- conv1\ndense1 = dense 10 <- flatten1\n");
}

static void test_comments_and_blank_lines(void **state) {
    (void)state;
    means("# Title\n#\n# more \"text\n\n# not leading\ninput 4 # four numbers\n\n   # indented comment\ndense 2\n",
          "# Title\n#\n# more \"text\ninput = input 4\ndense1 = dense 2 <- input\n");
    means("input 4\r\ndense 2\r\n", "input = input 4\ndense1 = dense 2 <- input\n");
}

static void test_names_and_several_inputs(void **state) {
    (void)state;
    means("input 4\na = dense 3\nb = dense 3 <- input\nadd <- a, b\nrelu <- it\n",
          "input = input 4\na = dense 3 <- input\nb = dense 3 <- input\nadd1 = add <- a, b\nrelu1 = relu <- add1\n");
    means("left = input 4\nright = input 4\nconcat <- left, right\n",
          "left = input 4\nright = input 4\nconcat1 = concat <- left, right\n");
}

static void test_inputs(void **state) {
    (void)state;
    means("input ?x?x3\nconv 2 3x3\n", "input = input ?x?x3\nconv1 = conv 2 3x3 <- input\n");
    means("picture = input 4x4x1\nmask = input 4x4 dtype=i32 target=yes\nnoise = input 3 batch=no\nconv 1 3x3 <- "
          "picture\n",
          "picture = input 4x4x1\nmask = input 4x4 dtype=i32 target=yes\nnoise = input 3 batch=no\nconv1 = conv 1 3x3 "
          "<- picture\n");
    means("input 4\nclass = input scalar dtype=i32 target=yes\ndense 2\n",
          "input = input 4\nclass = input scalar dtype=i32 target=yes\ndense1 = dense 2 <- input\n");
}

static void test_parameters_of_the_file(void **state) {
    (void)state;
    const char *text = "param width=8 deep=no\ninput 4\ndense width\nwhen deep\n  dense width*2\n";
    means(text, "input = input 4\ndense1 = dense 8 <- input\n");
    fv_net *net = parse_with(text, (fv_setting[]){{"width", "2"}, {"deep", "yes"}}, 2);
    char *flat = fv_net_text(net);
    assert_string_equal(flat, "input = input 4\ndense1 = dense 2 <- input\ndense2 = dense 4 <- dense1\n");
    fv_free(flat);
    fv_net_free(net);
}

static void test_arithmetic(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int units;
    } cases[] = {{"2+3*4", 14}, {"(2+3)*4", 20}, {"20-3-2", 15},          {"20/2/5", 2},
                 {"17%5", 2},   {"-3+5", 2},     {"( 1 + 2 )", 3},        {"--4", 4},
                 {"w", 6},      {"w*w-1", 35},   {"input.channels*2", 8}, {"it.size", 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "param w=6\ninput 4\nd = dense %s\n", cases[i].text);
        fv_net *net = parse(text);
        int64_t got = net->values[find_value(net, "d")].type.shape.dim[1];
        if (got != cases[i].units) fail_msg("%s: expected %d, got %lld", cases[i].text, cases[i].units, (long long)got);
        fv_net_free(net);
    }
}

static void test_conditions(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool yes;
    } cases[] = {{"yes", true},
                 {"no", false},
                 {"w > 5", true},
                 {"w >= 6", true},
                 {"w < 6", false},
                 {"w <= 5", false},
                 {"w == 6", true},
                 {"w != 6", false},
                 {"mode == small", true},
                 {"mode != small", false},
                 {"not w == 6", false},
                 {"w == 6 and mode == big", false},
                 {"w == 6 or mode == big", true},
                 {"not (w == 1 or w == 2)", true},
                 {"no and 1/0 == 1", false},
                 {"yes or 1/0 == 1", true},
                 {"size == 3x3", true},
                 {"w", true},
                 {"w - 6", false},
                 {"w+1 == 7 and w*2 == 12", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "param w=6 mode=small size=3x3\ninput 4\nwhen %s\n  relu\n", cases[i].text);
        fv_net *net = parse(text);
        if ((net->node_count == 1) != cases[i].yes)
            fail_msg("%s: expected %s", cases[i].text, cases[i].yes ? "yes" : "no");
        fv_net_free(net);
    }
}

static void test_blocks(void **state) {
    (void)state;
    means("block unit(filters, size=3x3, act=yes)\n"
          "  conv filters size padding=same\n"
          "  when act\n"
          "    relu\n"
          "\n"
          "block pair(filters, half=filters/2)\n"
          "  unit half\n"
          "  main = unit filters act=no\n"
          "  conv filters 1x1 <- in\n"
          "  add <- main, it\n"
          "\n"
          "input 8x8x3\n"
          "pair 8\n"
          "last = unit 2 1x1\n",
          "input = input 8x8x3\n"
          "pair1.unit1.conv1 = conv 4 3x3 padding=same <- input\n"
          "pair1.unit1.relu1 = relu <- pair1.unit1.conv1\n"
          "pair1.main.conv1 = conv 8 3x3 padding=same <- pair1.unit1.relu1\n"
          "pair1.conv1 = conv 8 1x1 <- input\n"
          "pair1.add1 = add <- pair1.main.conv1, pair1.conv1\n"
          "last.conv1 = conv 2 1x1 padding=same <- pair1.add1\n"
          "last.relu1 = relu <- last.conv1\n");
}

static void test_blocks_of_several_inputs_and_outputs(void **state) {
    (void)state;
    means("block cross\n"
          "  a = dense in.channels <- in1\n"
          "  b = dense in2.channels*2 <- in2\n"
          "  output a, b\n"
          "x = input 3\n"
          "y = input 4\n"
          "p, q = cross <- x, y\n"
          "concat <- q, p\n",
          "x = input 3\ny = input 4\np.a = dense 3 <- x\np.b = dense 8 <- y\nconcat1 = concat <- p.b, p.a\n");
}

static void test_names_are_local_to_blocks(void **state) {
    (void)state;
    means("block b\n  x = relu\n  add <- x, in\nx = input 4\nb\nb\nadd <- x, it\n",
          "x = input 4\nb1.x = relu <- x\nb1.add1 = add <- b1.x, x\nb2.x = relu <- b1.add1\nb2.add1 = add <- b2.x, "
          "b1.add1\n"
          "add1 = add <- x, b2.add1\n");
}

static void test_a_block_may_be_named_like_an_operator(void **state) {
    (void)state;
    means("block dense(units)\n  dense units\n  relu\ninput 4\ndense 3\n",
          "input = input 4\ndense1.dense1 = dense 3 <- input\ndense1.relu1 = relu <- dense1.dense1\n");
}

static void test_repeat(void **state) {
    (void)state;
    means("param n=2\ninput 4\nrepeat n+1\n  x = dense 4\n  repeat 2\n    relu\nadd <- x, it\n",
          "input = input 4\n"
          "x1 = dense 4 <- input\nrelu1 = relu <- x1\nrelu2 = relu <- relu1\n"
          "x2 = dense 4 <- relu2\nrelu3 = relu <- x2\nrelu4 = relu <- relu3\n"
          "x3 = dense 4 <- relu4\nrelu5 = relu <- x3\nrelu6 = relu <- relu5\n"
          "add1 = add <- x3, relu6\n");
    means("input 4\nrepeat 0\n  relu\ndense 1\n", "input = input 4\ndense1 = dense 1 <- input\n");
}

static void test_a_value_may_be_carried_through_a_repeat(void **state) {
    (void)state;
    means("input 4\nx = dense 2\nrepeat 2\n  dense 2 <- x\n  x = concat <- x, it\n",
          "input = input 4\nx = dense 2 <- input\ndense2 = dense 2 <- x\nx1 = concat <- x, dense2\n"
          "dense3 = dense 2 <- x1\nx2 = concat <- x1, dense3\n");
}

static void test_losses(void **state) {
    (void)state;
    means("input 4\ndense 3\nloss crossentropy smoothing=0.1 weight=0.5\n",
          "input = input 4\ndense1 = dense 3 <- input\nclass = input scalar dtype=i32 target=yes\n"
          "crossentropy1 = crossentropy smoothing=0.1 <- dense1, class\nloss weight=0.5 <- crossentropy1\n");
    means("input 4\ndense 3\nloss mse\n", "input = input 4\ndense1 = dense 3 <- input\ntarget = input 3 "
                                          "target=yes\nmse1 = mse <- dense1, target\nloss <- mse1\n");
    means(
        "y = input 3 target=yes\ninput 4\ndense 3\nloss mse <- it, y\n",
        "y = input 3 target=yes\ninput = input 4\ndense1 = dense 3 <- input\nmse1 = mse <- dense1, y\nloss <- mse1\n");
}

static void test_a_loss_takes_the_logits(void **state) {
    (void)state;
    means("input 4\ndense 3\nsoftmax\nloss crossentropy\n",
          "input = input 4\ndense1 = dense 3 <- input\nsoftmax1 = softmax <- dense1\nclass = input scalar dtype=i32 "
          "target=yes\n"
          "crossentropy1 = crossentropy <- dense1, class\nloss <- crossentropy1\n");
    fv_net *net = parse("input 4\ndense 3 activation=softmax\nloss crossentropy\n");
    assert_string_equal(net->values[fv_net_output_value(net)].name, "dense1.activation");
    assert_string_equal(net->values[fv_net_logits_value(net)].name, "dense1");
    comes_back(net);
}

static void test_the_line_above_a_loss_stays_the_prediction(void **state) {
    (void)state;
    means("input 4\ndense 3\nloss mse\nrelu\n",
          "input = input 4\ndense1 = dense 3 <- input\ntarget = input 3 target=yes\nmse1 = mse <- dense1, target\n"
          "relu1 = relu <- dense1\nloss <- mse1\n");
}

static void test_settings(void **state) {
    (void)state;
    const char *text =
        "param e=7\ninput 4\ntrain epochs=e optimizer=sgd(rate=0.1, momentum=0.9) schedule=warmup(epochs=1)+cosine\n"
        "train metrics=\"accuracy top3\"\npreprocess scale=1/255 mean=0.1,0.2\naugment flip=yes\ndense 2\n";
    fv_net *net = parse(text);
    assert_string_equal(fv_net_find_setting(net, "train", "epochs"), "7");
    assert_string_equal(fv_net_find_setting(net, "train", "optimizer"), "sgd(rate=0.1,momentum=0.9)");
    assert_string_equal(fv_net_find_setting(net, "train", "schedule"), "warmup(epochs=1)+cosine");
    assert_string_equal(fv_net_find_setting(net, "train", "metrics"), "accuracy top3");
    assert_string_equal(fv_net_find_setting(net, "preprocess", "scale"), "1/255");
    assert_string_equal(fv_net_find_setting(net, "preprocess", "mean"), "0.1,0.2");
    assert_string_equal(fv_net_find_setting(net, "augment", "flip"), "yes");
    comes_back(net);
}

static void test_outputs(void **state) {
    (void)state;
    means("input 4\na = dense 3\nb = dense 2 <- input\noutput a, score = b\n",
          "input = input 4\na = dense 3 <- input\nb = dense 2 <- input\noutput a, score = b\n");
    fv_net *net = parse("input 4\na = dense 3 activation=relu\ndense 2\noutput it, a\n");
    assert_int_equal(net->output_count, 2);
    assert_string_equal(net->outputs[1].name, "a");
    assert_string_equal(net->values[net->outputs[1].value].name, "a.activation");
    comes_back(net);
}

static void test_shared_weights(void **state) {
    (void)state;
    means("a = input 4\nb = input 4\nd = dense 3 <- a\ndense 3 <- b, d.weight, d.bias\n",
          "a = input 4\nb = input 4\nd = dense 3 <- a\ndense2 = dense 3 <- b, d.weight, d.bias\n");
    fv_net *net = parse("a = input 4\nd = dense 3\ndense 3 <- a, _, d.bias\n");
    assert_int_equal(parameters(net), 12 + 3 + 12);
    comes_back(net);
}

/* ---- the contract of the architecture page ---------------------------------------------------------------------- */

static const char *const resnet34 =
    "# ResNet-34 (He et al. 2015): shortcuts make depth trainable. 21,797,672 parameters, 3.66 G multiply-adds.\n"
    "block cbr(filters, size, stride=1, padding=1)\n"
    "  conv filters size stride=stride padding=padding bias=no\n"
    "  batchnorm\n"
    "  relu\n"
    "\n"
    "block basic(filters)\n"
    "  cbr filters 3x3\n"
    "  conv filters 3x3 padding=1 bias=no\n"
    "  batchnorm\n"
    "  add <- it, in\n"
    "  relu\n"
    "\n"
    "block shrink(filters)\n"
    "  cbr filters 3x3 stride=2\n"
    "  conv filters 3x3 padding=1 bias=no\n"
    "  main = batchnorm\n"
    "  conv filters 1x1 stride=2 bias=no <- in\n"
    "  batchnorm\n"
    "  add <- it, main\n"
    "  relu\n"
    "\n"
    "input 224x224x3\n"
    "cbr 64 7x7 stride=2 padding=3\n"
    "maxpool 3x3 stride=2 padding=1\n"
    "repeat 3\n"
    "  basic 64\n"
    "shrink 128\n"
    "repeat 3\n"
    "  basic 128\n"
    "shrink 256\n"
    "repeat 5\n"
    "  basic 256\n"
    "shrink 512\n"
    "repeat 2\n"
    "  basic 512\n"
    "globalavgpool\n"
    "dense 1000\n";

static void test_resnet34(void **state) {
    (void)state;
    fv_net *net = parse(resnet34);
    assert_int_equal(parameters(net), 21797672);
    static const char *const names[] = {
        "cbr1.conv1.weight",  "basic3.cbr1.conv1.weight", "basic13.conv1.weight", "shrink2.cbr1.conv1.weight",
        "shrink3.main.scale", "shrink3.conv2.weight",     "dense1.weight"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (find_value(net, names[i]) < 0) fail_msg("there is no %s", names[i]);
    fv_summary *summary = fv_summarize(net, NULL, NULL);
    assert_int_equal(fv_summary_total(summary).macs / 10000000, 366);
    fv_summary_free(summary);
    comes_back(net);
}

/* ---- round trips ------------------------------------------------------------------------------------------------ */

static void test_zoo_comes_back(void **state) {
    (void)state;
    for (int i = 0; i < fv_zoo_count(); i++) comes_back(parse(fv_zoo_text(fv_zoo_name(i))));
}

static void test_penalties_come_back(void **state) {
    (void)state;
    comes_back(parse("input 4\ndense 3 kernel_regularizer=l2(0.01) activation=relu\na = dense 3\nloss mse weight=2\n"
                     "dense 2 kernel_regularizer=l1(0.1) activity_regularizer=l2(.5)\nloss mse\n"));
}

/* `activation=relu` gives the layer's name to what comes out of the activation; NAME.y is what goes in. */
static void test_what_lies_before_an_activation(void **state) {
    (void)state;
    means("input 4\ndense 4 activation=relu\na = dense 4 activation=relu activity_regularizer=l2(0.5)\nadd <- a.y, a, "
          "dense1.y\n",
          "input = input 4\ndense1 = dense 4 activation=relu <- input\n"
          "a = dense 4 activity_regularizer=l2(0.5) activation=relu <- dense1\nadd1 = add <- a.y, a, dense1.y\n");
    comes_back(parse("input 4\na = dense 4 activation=relu\nadd <- a.y, a\noutput it, raw = a.y, a\n"));
}

static void test_names_that_mean_something_come_back(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 4, .name = "it");
    fv_value a = fv_name(fv_apply(net, "dense", &x, 1, "units=4", NULL), "in2");
    fv_value b = fv_name(fv_apply(net, "dense", (fv_value[]){a, fv_parameter_of(a, 0)}, 2, "units=4", NULL), "input");
    fv_apply(net, "add", (fv_value[]){a, b}, 2, "", NULL);
    assert_int_equal(net->error.status, FV_OK);
    comes_back(net);
}

static void test_a_settings_text_may_hold_anything(void **state) {
    (void)state;
    fv_net *net =
        parse("input 4\ndense 2\ntrain metrics=\"a # b\" optimizer=\"\\\"x\\\\\" epochs=\"\" schedule=\"1, 2\"\n");
    assert_string_equal(fv_net_find_setting(net, "train", "metrics"), "a # b");
    assert_string_equal(fv_net_find_setting(net, "train", "optimizer"), "\"x\\");
    comes_back(net);
}

/* ---- mistakes --------------------------------------------------------------------------------------------------- */

static void test_unknown_words(void **state) {
    (void)state;
    fails("input 4\ndens 3\n", "t.net:2:1: there is no operator or block 'dens'; did you mean 'dense'?");
    fails("block cell(n)\n  dense n\ninput 4\ncll 3\n",
          "t.net:4:1: there is no operator or block 'cll'; did you mean 'cell'?");
    fails("inptu 4\n", "t.net:1:1: there is no operator or block 'inptu'; did you mean 'input'?");
    fails("input 4\nloss crossentropie\n", "t.net:2:6: there is no loss 'crossentropie'; did you mean 'crossentropy'?");
    fails("input 4\nmain = dense 4\nadd <- it, mian\n",
          "t.net:3:12: there is no value 'mian' here; did you mean 'main'?");
    fails("input 4x4x1\ndense it.chanels\n", "t.net:2:7: 'it' of shape Nx4x4x1 has no chanels; did you mean channels?");
    fails("block b(filters)\n  relu\ninput 4\nb filter=3\n",
          "t.net:4:3: the block 'b' has no parameter 'filter'; did you mean 'filters'?");
    fails("input 4 dtyp=i32\n", "t.net:1:9: input has no 'dtyp'; did you mean 'dtype'?");
    fails("input 4 dtype=i33\n", "t.net:1:9: there is no dtype 'i33'; did you mean 'i32'?");
    fails("when yes\n  dense 2\n",
          "t.net:2:3: 'dense' reads the line above, but there is none; start with a line such as: input 28x28x1");
}

static void test_operator_errors_say_where(void **state) {
    (void)state;
    fv_error error = {0};
    assert_null(fv_net_parse("input 4x4x1\n\nconv 3 3x3 strid=2\n", "t.net", NULL, 0, &error));
    assert_int_equal(error.line, 3);
    assert_int_equal(error.column, 12);
    assert_string_equal(error.file, "t.net");
    assert_non_null(strstr(error.message, "stride"));
    assert_null(fv_net_parse("input 4x4x1\n  \nconv 3 9x9\n", "t.net", NULL, 0, &error));
    assert_int_equal(error.status, FV_E_SHAPE);
    assert_int_equal(error.line, 3);
    assert_int_equal(error.column, 1);
}

static void test_mistakes_in_blocks_say_where_the_block_is_used(void **state) {
    (void)state;
    fails("block a(n)\n  dense n*w\nblock b\n  a 3\ninput 4\nb\n",
          "t.net:2:11: expected a whole number, got 'w' (in block 'a' of line 4) (in block 'b' of line 6)");
}

static void test_layout_of_lines(void **state) {
    (void)state;
    fails("input 4\n  dense 3\n", "t.net:2:3: unexpected indentation: expected 0 blanks, got 2");
    fails("input 4\nrepeat 2\n    relu\n  relu\n", "t.net:4:3: unexpected indentation: expected 0 blanks, got 2");
    fails("input 4\nrepeat 2\nrelu\n", "t.net:2:1: expected indented lines below 'repeat'");
    fails("block b\n", "t.net:1:1: expected indented lines below 'block'");
    fails("input 4\n\tdense 3\n", "t.net:2:1: a tab; blanks are expected");
    fails("input 4\ndense 3)\n", "t.net:2:8: expected a blank behind the argument, got ')'");
    fails("input 4\ndense (3\n", "t.net:2:9: expected ')', got the end of the line");
    fails("input 4\ndense <-\n", "t.net:2:9: expected the name of a value, got the end of the line");
    fails("input 4\nadd <- it it\n", "t.net:2:11: expected the end of the line, got 'it'");
    fails("input 4\ntrain epochs\n", "t.net:2:7: expected key=value");
    fails("input 4\ntrain\n", "t.net:2:6: expected key=value behind 'train'");
    fails("input 4\npreprocess scale=1/255 list=0.485\n",
          "t.net:2:1: preprocess: list is no key; entries of a list stand without one");
    fails("input 4\ntrain optimizer=\"adam\n", "t.net:2:17: the text in quotes has no end");
    fails("input 4x\n", "t.net:1:8: expected a blank behind the argument, got 'x'");
    fails("input 0x4\n", "t.net:1:1: input: a size must be at least 1, got 0");
    fails("input\n", "t.net:1:1: expected a shape behind 'input', such as 28x28x1, or scalar");
    fails("", "t.net: there is no network in the text");
    fails("# only words\n", "t.net: there is no network in the text");
}

static void test_numbers_that_cannot_be(void **state) {
    (void)state;
    fails("input 4\ndense 1/0\n", "t.net:2:8: division by 0");
    fails("input 4\ndense 7%0\n", "t.net:2:8: division by 0");
    fails("input 4\ndense 99999999999999999999\n", "t.net:2:7: the number 99999999999999999999 is too large");
    fails("input 4\ndense 9223372036854775807+1\n", "t.net:2:26: the result is too large");
    fails("input 4\nrepeat 0-1\n  relu\n", "t.net:2:9: repeat: expected a count, got -1");
    fails("input 4\nrepeat same\n  relu\n", "t.net:2:8: repeat: expected a whole number, got 'same'");
    fails("input 4\nwhen same\n  relu\n", "t.net:2:6: expected yes, no, a number or a comparison, got 'same'");
    fails("input ?x?x1\nconv 1 3x3\ndense it.height\n",
          "t.net:3:7: it.height is open here: the size is known only when pictures come");
}

static void test_blocks_are_called_right(void **state) {
    (void)state;
#define B "block b(n, m=2)\n  dense n*m\ninput 4\n"
    fails(B "b\n", "t.net:4:1: the block 'b' needs 'n'");
    fails(B "b 1 2 3\n", "t.net:4:7: the block 'b' takes 2 arguments, got more");
    fails(B "b 1 n=2\n", "t.net:4:5: 'n' is given twice: also by position");
    fails(B "b m=1 m=2\n", "t.net:4:7: 'm' is given twice");
    fails(B "b 1 <- it, it\n", "t.net:4:1: the block 'b' has 1 input, got 2");
    fails(B "x, y = b 1\n", "t.net:4:4: the block 'b' has 1 output, but there are more names");
    fails("input 4\nx, y = relu\n", "t.net:2:4: 'relu' has 1 output, but there are more names");
    fails("block b\n  add <- in, in2\ninput 4\nb\n", "t.net:4:1: the block 'b' has 2 inputs, got 1");
    fails("block b\n  relu\nblock b\n  relu\n", "t.net:3:7: there is a block 'b' already, in line 1");
    fails("block b(n, n)\n  relu\n", "t.net:1:13: the parameter 'n' is there twice");
    fails("block b\n  b\ninput 4\nb\n", "t.net:2:3: there is no operator or block 'b'");
    fails("block b\n  input 4\n", "t.net:2:3: 'input' cannot stand in a block");
    fails("block repeat\n  relu\n", "t.net:1:7: a block cannot be named 'repeat'");
    fails("when yes\n  block b\n    relu\n", "t.net:2:3: 'block' cannot stand below other lines");
}

static void test_names_are_given_once(void **state) {
    (void)state;
    fails("input 4\nx = relu\nx = relu\n", "t.net:3:1: there is a value 'x' already, in line 2");
    fails("input 4\nit = relu\n", "t.net:2:1: 'it' cannot be given as a name");
    fails("input 4\nin2 = relu\n", "t.net:2:1: 'in2' cannot be given as a name");
    fails("input 4\nrelu <- in\n", "t.net:2:9: 'in' is the input of a block; outside of blocks values have names");
    fails("param a=1\nparam a=2\n", "t.net:2:7: there is a param 'a' already");
}

static void test_settings_from_outside(void **state) {
    (void)state;
#define P "param width=64 deep=no kind=plain\ninput 4\ndense width\n"
    fails_with(P, (fv_setting[]){{"widht", "3"}}, 1, "t.net has no param 'widht'; did you mean 'width'?");
    fails_with(P, (fv_setting[]){{"width", "wide"}}, 1,
               "width of t.net: expected a whole number such as 64, got 'wide'");
    fails_with(P, (fv_setting[]){{"deep", "2"}}, 1, "deep of t.net: expected yes or no, got '2'");
    fails_with("input 4\n", (fv_setting[]){{"width", "3"}}, 1, "t.net has no param 'width'; it has none");
    fails_with(P, (fv_setting[]){{"width", "0"}}, 1, "t.net:3:7: dense1 (dense): units must be at least 1, got 0");
}

/* ---- hostile texts ---------------------------------------------------------------------------------------------- */

static char *repeated(const char *start, const char *part, int count, const char *end) {
    fv_text text = {0};
    fv_text_add(&text, start);
    for (int i = 0; i < count; i++) fv_text_add(&text, part);
    fv_text_add(&text, end);
    return fv_text_take(&text);
}

static void fails_somehow(char *text, const char *part) {
    fv_error error = {0};
    fv_net *net = fv_net_parse(text, "t.net", NULL, 0, &error);
    assert_null(net);
    if (!strstr(error.message, part)) fail_msg("expected '%s', got '%s'", part, error.message);
    fv_free(text);
}

static void test_hostile_texts_end_soon(void **state) {
    (void)state;
    fails_somehow(repeated("input 4\ndense ", "(", 100000 / 2, "1\n"), "nested too deeply");
    fails_somehow(repeated("input 4\ndense ", "-", 60000, "1\n"), "nested too deeply");
    fails_somehow(repeated("input 4\nwhen ", "not ", 10000, "yes\n  relu\n"), "nested too deeply");
    fails_somehow(repeated("input 4\ndense 1", "+1", 30000, "\n"), "the expression is too long");
    fails_somehow(repeated("input 4\ndense 1", ",1", 30000, "\n"), "too many numbers");
    fails_somehow(repeated("input 4\nadd <- it", ",it", 20000, "\n"), "too many names");
    fails_somehow(repeated("input 4\nrelu", " 1", 20000, "\n"), "too many arguments");
    fails_somehow(repeated("input 4\nrelu <- ", "x", 70000, "\n"), "longer than 65536 bytes");
    fails_somehow(repeated("input 4\nrepeat 1000000000\n  when no\n    relu\n", "", 0, ""), "expands to too much");
    fails_somehow(repeated("input 4\nrepeat 1000000000\n  relu\n", "", 0, ""), "more than 100000 applications");
    fv_text text = {0};
    fv_text_add(&text, "block b0\n  relu\n");
    for (int i = 1; i < 40; i++) fv_text_printf(&text, "block b%d\n  b%d\n  b%d\n", i, i - 1, i - 1);
    fv_text_add(&text, "input 4\nb39\n");
    fails_somehow(fv_text_take(&text), "more than 100000 applications");
    fv_text_add(&text, "block b0\n  relu\n");
    for (int i = 1; i < 1000; i++) fv_text_printf(&text, "block b%d\n  b%d\n", i, i - 1);
    fv_text_add(&text, "input 4\nb999\n");
    fails_somehow(fv_text_take(&text), "nested too deeply");
    fv_text_add(&text, "input 4\n");
    for (int i = 0; i < 1000; i++) fv_text_printf(&text, "%*srepeat 1\n", i, "");
    fails_somehow(fv_text_take(&text), "nested too deeply");
}

/* Whatever allocation fails, the parse fails with "not enough memory" or works. */
static void test_short_memory(void **state) {
    (void)state;
    static const char *const text =
        "# c\nparam w=3\nblock b(n)\n  x = dense n*w activation=relu\n  output x\ninput 4\nrepeat 2\n"
        "  b 2\nloss crossentropy\ntrain epochs=3\n";
    for (int64_t n = 0; n < 2000; n++) {
        fv_error error = {0};
        fv_alloc_fail_after(n);
        fv_net *net = fv_net_parse(text, "t.net", NULL, 0, &error);
        char *printed = net ? fv_net_text(net) : NULL;
        fv_alloc_fail_after(-1);
        fv_net_free(net);
        fv_free(printed);
        if (!net && error.status == FV_OK) fail_msg("allocation %lld failed without an error", (long long)n);
        if (printed) return;
    }
    fail_msg("the parse never worked");
}

static void test_load(void **state) {
    (void)state;
    fv_error error = {0};
    fv_net *net = fv_net_load("lenet5", NULL, 0, &error);
    assert_non_null(net);
    fv_net_free(net);
    net = fv_net_load("lenet5.net", NULL, 0, &error);
    assert_non_null(net);
    fv_net_free(net);
    assert_null(fv_net_load("lenet6", NULL, 0, &error));
    assert_string_equal(error.message, "'lenet6' is neither a file nor a network of the zoo; did you mean 'lenet5'?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_read_the_line_above),
        cmocka_unit_test(test_comments_and_blank_lines),
        cmocka_unit_test(test_names_and_several_inputs),
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_parameters_of_the_file),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_blocks_of_several_inputs_and_outputs),
        cmocka_unit_test(test_names_are_local_to_blocks),
        cmocka_unit_test(test_a_block_may_be_named_like_an_operator),
        cmocka_unit_test(test_repeat),
        cmocka_unit_test(test_a_value_may_be_carried_through_a_repeat),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_a_loss_takes_the_logits),
        cmocka_unit_test(test_the_line_above_a_loss_stays_the_prediction),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_shared_weights),
        cmocka_unit_test(test_resnet34),
        cmocka_unit_test(test_zoo_comes_back),
        cmocka_unit_test(test_penalties_come_back),
        cmocka_unit_test(test_what_lies_before_an_activation),
        cmocka_unit_test(test_names_that_mean_something_come_back),
        cmocka_unit_test(test_a_settings_text_may_hold_anything),
        cmocka_unit_test(test_unknown_words),
        cmocka_unit_test(test_operator_errors_say_where),
        cmocka_unit_test(test_mistakes_in_blocks_say_where_the_block_is_used),
        cmocka_unit_test(test_layout_of_lines),
        cmocka_unit_test(test_numbers_that_cannot_be),
        cmocka_unit_test(test_blocks_are_called_right),
        cmocka_unit_test(test_names_are_given_once),
        cmocka_unit_test(test_settings_from_outside),
        cmocka_unit_test(test_hostile_texts_end_soon),
        cmocka_unit_test(test_short_memory),
        cmocka_unit_test(test_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
