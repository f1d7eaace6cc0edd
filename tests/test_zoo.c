/* The zoo: what each network costs, layer by layer, as papers and lectures say. */
#include "net.h"
#include "train.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct expected_layer {
    const char *name, *output;                 /* output NULL: any */
    int64_t parameters, macs, receptive_field; /* the field 0: any */
} expected_layer;

typedef struct expected_net {
    const char *name;
    int64_t parameters, trainable, macs;
    expected_layer layers[12];
} expected_net;

static const expected_net zoo[] = {
    {"mnist_cnn",
     93322,
     93322,
     2794240,
     {{"conv1", "Nx26x26x32", 320, 194688, 3},
      {"maxpool1", "Nx13x13x32", 0, 0, 4},
      {"conv2", "Nx11x11x64", 18496, 2230272, 8},
      {"maxpool2", "Nx5x5x64", 0, 0, 10},
      {"conv3", "Nx3x3x64", 36928, 331776, 18},
      {"dense1", "Nx64", 36928, 36864, 0},
      {"dense2", "Nx10", 650, 640, 0}}},
    {"lenet5",
     60840,
     60000,
     0,
     {{"C1", "Nx28x28x6", 156, 117600, 5},
      {"S2", "Nx14x14x6", 12, 0, 6},
      {"C3", "Nx10x10x16", 1516, 150000, 14},
      {"S4", "Nx5x5x16", 32, 0, 16},
      {"C5", "Nx1x1x120", 48120, 48000, 32},
      {"F6", "Nx84", 10164, 10080, 0},
      {"rbf1", "Nx10", 840, 0, 0}}},
    {"lenet_relu",
     62006,
     62006,
     0,
     {{"conv1", "Nx28x28x6", 456, 0, 5},
      {"conv2", "Nx10x10x16", 2416, 0, 14},
      {"dense1", "Nx120", 48120, 48000, 0},
      {"dense2", "Nx84", 10164, 10080, 0},
      {"dense3", "Nx10", 850, 840, 0}}},
    {"lenet_mnist",
     44426,
     44426,
     281640,
     {{"conv1", "Nx24x24x6", 156, 86400, 5},
      {"conv2", "Nx8x8x16", 2416, 153600, 14},
      {"dense1", "Nx120", 30840, 30720, 0},
      {"dense2", "Nx84", 10164, 10080, 0},
      {"dense3", "Nx10", 850, 840, 0}}},
    {"mlp", 636010, 636010, 635200, {{"dense1", "Nx800", 628000, 627200, 0}, {"dense2", "Nx10", 8010, 8000, 0}}},
    {"logistic", 7850, 7850, 7840, {{"dense1", "Nx10", 7850, 7840, 0}}},
};
enum { COUNT = sizeof zoo / sizeof *zoo };

/* What is published of an architecture: its parameters, and where given its multiply-adds, shapes, and what cells see. */
typedef struct published_layer {
    const char *name, *output;
    int64_t receptive_field; /* 0: any */
} published_layer;

typedef struct published_net {
    const char *name, *settings; /* "aux=yes" or NULL */
    int64_t parameters, macs;    /* macs 0: any */
    published_layer layers[6];
} published_net;

static const published_net published[] = {
    {"alexnet",
     NULL,
     60965224,
     724406816,
     {{"conv1", "Nx55x55x96", 11},
      {"maxpool1", "Nx27x27x96", 19},
      {"maxpool2", "Nx13x13x256", 67},
      {"conv5", "Nx13x13x256", 163},
      {"maxpool3", "Nx6x6x256", 195}}},
    {"alexnet_one", NULL, 61100840, 714188480, {{"maxpool3", "Nx6x6x256", 195}}},
    {"vgg11", NULL, 132863336, 7609090048, {{"stage5.maxpool1", "Nx7x7x512", 150}}},
    {"vgg13", NULL, 133047848, 11308466176, {{"stage5.maxpool1", "Nx7x7x512", 156}}},
    {"vgg16", NULL, 138357544, 15470264320, {{"stage5.maxpool1", "Nx7x7x512", 212}}},
    {"vgg19", NULL, 143667240, 19632062464, {{"stage5.maxpool1", "Nx7x7x512", 268}}},
    {"googlenet",
     NULL,
     6998552,
     1582671872,
     {{"inception2", "Nx28x28x480", 0},
      {"d4", "Nx14x14x528", 0},
      {"inception9", "Nx7x7x1024", 0},
      {"globalavgpool1", "Nx1024", 224}}},
    {"googlenet", "lrn=no", 6998552, 1582671872, {{"inception9", "Nx7x7x1024", 0}}},
    {"googlenet", "aux=yes", 13378280, 0, {{"head1.avgpool1", "Nx4x4x512", 0}, {"head2.avgpool1", "Nx4x4x528", 0}}},
    {"googlenet_bn", NULL, 6624904, 1498376192, {{"inception9", "Nx7x7x1024", 0}}},
    {"googlenet_bn", "aux=yes", 13004888, 0, {{"head1.dense2", "Nx1000", 0}}},
    {"inception_v3",
     NULL,
     23834568,
     5713216096,
     {{"shrink_b1", "Nx17x17x768", 0}, {"middle", "Nx17x17x768", 0}, {"inception_e2", "Nx8x8x2048", 0}}},
    {"inception_v3", "aux=yes", 27161264, 0, {{"cbr7.conv1", "Nx1x1x768", 0}}},
    {"plain34", NULL, 21623848, 3644493824, {{"stage3", "Nx7x7x512", 0}}},
    {"resnet18", NULL, 11689512, 1814073344, {{"basic5", "Nx7x7x512", 435}}},
    {"resnet34", NULL, 21797672, 3663761408, {{"maxpool1", "Nx56x56x64", 11}, {"basic13", "Nx7x7x512", 899}}},
    {"resnet50", NULL, 25557032, 4089184256, {{"stage4", "Nx7x7x2048", 427}}},
    {"densenet121", NULL, 7978856, 2834161664, {{"dense_block1", "Nx56x56x256", 0}, {"dense_block4", "Nx7x7x1024", 0}}},
    {"densenet_bc_100_12", NULL, 769162, 287929692, {{"dense_block3", "Nx8x8x342", 0}}},
    {"resnet20_cifar", NULL, 269722, 40551040, {{"basic7", "Nx8x8x64", 0}}},
    {"resnet20_cifar", "shortcut=B", 272474, 0, {{"basic7", "Nx8x8x64", 0}}},
    {"plain20_cifar", NULL, 269722, 40551040, {{.name = NULL}}},
    {"wrn_16_4", NULL, 2748890, 0, {{"group3", "Nx8x8x256", 0}}},
    {"wrn_28_10", NULL, 36479194, 0, {{"group3", "Nx8x8x640", 0}}},
    {"cifar_cnn", NULL, 288746, 38634752, {{"step6", "Nx8x8x128", 0}}},
    {"cifar_speed", NULL, 1972792, 0, {{"group1", "Nx15x15x64", 0}, {"maxpool1", "Nx1x1x256", 0}}},
    {"squeezenet1_1", NULL, 1235496, 349151936, {{"fire8", "Nx13x13x512", 0}}},
    {"mobilenet_v2", NULL, 3504872, 300774272, {{"stage6", "Nx7x7x320", 0}}},
    {"unet",
     NULL,
     31030658,
     0,
     {{"d", "Nx64x64x512", 0},
      {"double5", "Nx28x28x1024", 0},
      {"up4.crop1", "Nx392x392x64", 0},
      {"conv1", "Nx388x388x2", 0}}},
    {"unet_small", NULL, 1925058, 0, {{"conv1", "Nx256x256x2", 0}}},
    {"unet_small", "size=64", 1925058, 0, {{"conv1", "Nx64x64x2", 0}}},
    {"fcn", NULL, 134346581, 0, {{"conv3", "Nx?x?x21", 404}, {"resize1", "Nx?x?x21", 0}}},
    {"srcnn", NULL, 5248 + 2080 + 801, 0, {{"conv3", "Nx?x?x1", 0}}},
    {"autoencoder", NULL, 108881, 0, {{"conv_transpose2", "Nx28x28x1", 0}}},
    {"c3d",
     NULL,
     78409573,
     38547378176,
     {{"maxpool1", "Nx16x56x56x64", 0}, {"maxpool4", "Nx2x7x7x512", 0}, {"maxpool5", "Nx1x4x4x512", 0}}},
    {"nin", NULL, 966986, 222486528, {{"mlpconv3", "Nx8x8x10", 0}}},
    {"allconv", NULL, 1369738, 0, {{"conv7", "Nx6x6x192", 0}, {"globalavgpool1", "Nx10", 0}}},
};
enum { PUBLISHED = sizeof published / sizeof *published };

static void check(const char *net, const char *what, int64_t expected, int64_t got) {
    if (expected != got) fail_msg("%s: %s: expected %" PRId64 ", got %" PRId64, net, what, expected, got);
}

static const fv_layer *find_layer(const fv_summary *summary, const char *name) {
    for (int i = 0; i < fv_summary_count(summary); i++)
        if (strcmp(fv_summary_layer(summary, i)->name, name) == 0) return fv_summary_layer(summary, i);
    fail_msg("there is no layer %s", name);
    return NULL;
}

static fv_net *load(const char *name) {
    fv_error error = {0};
    char message[900];
    fv_net *net = fv_net_load(name, NULL, 0, &error);
    if (!net) fail_msg("%s: %s", name, fv_error_text(&error, message, sizeof message));
    return net;
}

static void test_costs(void **state) {
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        fv_net *net = load(zoo[i].name);
        fv_summary *summary = fv_summarize(net, NULL, NULL);
        assert_non_null(summary);
        fv_layer total = fv_summary_total(summary);
        check(zoo[i].name, "parameters", zoo[i].parameters, total.parameters);
        check(zoo[i].name, "trainable", zoo[i].trainable, total.trainable);
        if (zoo[i].macs) check(zoo[i].name, "multiply-adds", zoo[i].macs, total.macs);
        for (const expected_layer *e = zoo[i].layers; e->name; e++) {
            char shape[128], what[200];
            const fv_layer *layer = find_layer(summary, e->name);
            snprintf(what, sizeof what, "%s %s", zoo[i].name, e->name);
            check(what, "parameters", e->parameters, layer->parameters);
            if (e->macs) check(what, "multiply-adds", e->macs, layer->macs);
            if (e->receptive_field) check(what, "receptive field", e->receptive_field, layer->receptive_field);
            assert_string_equal(fv_shape_text(&layer->output, shape, sizeof shape), e->output);
        }
        fv_summary_free(summary);
        fv_net_free(net);
    }
}

/* A block is known by its last layer. */
static const fv_layer *find_block(const fv_summary *summary, const char *name) {
    const fv_layer *last = NULL;
    size_t length = strlen(name);
    for (int i = 0; i < fv_summary_count(summary); i++) {
        const fv_layer *layer = fv_summary_layer(summary, i);
        if (strncmp(layer->name, name, length) == 0 && (layer->name[length] == 0 || layer->name[length] == '.'))
            last = layer;
    }
    if (!last) fail_msg("there is no layer or block %s", name);
    return last;
}

static void check_published(const published_net *e) {
    fv_error error = {0};
    char message[900], key[40] = "", shape[128], what[200];
    if (e->settings) snprintf(key, sizeof key, "%.*s", (int)strcspn(e->settings, "="), e->settings);
    fv_setting setting = {key, e->settings ? strchr(e->settings, '=') + 1 : ""};
    fv_net *net = fv_net_load(e->name, &setting, e->settings != NULL, &error);
    if (!net) fail_msg("%s: %s", e->name, fv_error_text(&error, message, sizeof message));
    fv_summary *summary = fv_summarize(net, NULL, &error);
    if (!summary) fail_msg("%s: %s", e->name, error.message);
    snprintf(what, sizeof what, "%s %s", e->name, e->settings ? e->settings : "");
    check(what, "parameters", e->parameters, fv_summary_total(summary).parameters);
    if (e->macs) check(what, "multiply-adds", e->macs, fv_summary_total(summary).macs);
    for (const published_layer *l = e->layers; l < e->layers + 6 && l->name; l++) {
        const fv_layer *layer = find_block(summary, l->name);
        snprintf(what, sizeof what, "%s %s", e->name, l->name);
        if (l->receptive_field) check(what, "receptive field", l->receptive_field, layer->receptive_field);
        if (strcmp(fv_shape_text(&layer->output, shape, sizeof shape), l->output) != 0)
            fail_msg("%s: expected %s, got %s", what, l->output, shape);
    }
    fv_summary_free(summary);
    fv_net_free(net);
}

static void test_published_counts(void **state) {
    (void)state;
    for (int i = 0; i < PUBLISHED; i++) check_published(&published[i]);
}

/* Every file is held to what is known of it. */
static void test_no_net_is_left_out(void **state) {
    (void)state;
    for (int i = 0; i < fv_zoo_count(); i++) {
        bool found = false;
        for (int k = 0; k < COUNT; k++) found = found || strcmp(zoo[k].name, fv_zoo_name(i)) == 0;
        for (int k = 0; k < PUBLISHED; k++) found = found || strcmp(published[k].name, fv_zoo_name(i)) == 0;
        if (!found) fail_msg("%s: nothing is expected of it", fv_zoo_name(i));
    }
}

/* A reader takes a file in at a glance. */
static void test_files_fit_a_screen(void **state) {
    (void)state;
    for (int i = 0; i < fv_zoo_count(); i++) {
        int lines = 0;
        for (const char *s = fv_zoo_text(fv_zoo_name(i)); *s; s++) lines += *s == '\n';
        int most = strcmp(fv_zoo_name(i), "inception_v3") == 0 ? 120 : 60;
        if (lines > most) fail_msg("%s: expected at most %d lines, got %d", fv_zoo_name(i), most, lines);
    }
}

/* 1234567 -> 1,234,567 */
static void grouped(int64_t n, char out[32]) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%" PRId64, n), at = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
}

/* What the first lines of a file say is true. */
static void test_comments_tell_the_costs(void **state) {
    (void)state;
    for (int i = 0; i < fv_zoo_count(); i++) {
        const char *name = fv_zoo_name(i);
        fv_net *net = load(name);
        fv_summary *summary = fv_summarize(net, NULL, NULL);
        fv_layer total = fv_summary_total(summary);
        char macs[32], parameters[32], fixed[32];
        grouped(total.macs, macs);
        grouped(total.trainable, parameters);
        grouped(total.parameters - total.trainable, fixed);
        if (!net->comment) fail_msg("%s has no comment", name);
        int lines = 1;
        for (const char *s = net->comment; *s; s++) lines += *s == '\n';
        if (lines < 2 || lines > 4) fail_msg("%s: expected a comment of 2 to 4 lines, got %d", name, lines);
        /* where the pictures decide the sizes there is no number to tell */
        if (total.macs && !strstr(net->comment, macs))
            fail_msg("%s: the comment does not say %s multiply-adds", name, macs);
        if (!strstr(net->comment, parameters)) fail_msg("%s: the comment does not say %s parameters", name, parameters);
        if (total.parameters != total.trainable && !strstr(net->comment, fixed))
            fail_msg("%s: the comment does not say %s fixed", name, fixed);
        fv_summary_free(summary);
        fv_net_free(net);
    }
}

static void test_every_net_says_how_it_is_trained(void **state) {
    (void)state;
    for (int i = 0; i < fv_zoo_count(); i++) {
        fv_net *net = load(fv_zoo_name(i));
        if (!fv_net_find_setting(net, "preprocess", "scale")) fail_msg("%s has no preprocess line", fv_zoo_name(i));
        if (!fv_net_find_setting(net, "train", "epochs")) fail_msg("%s has no train line", fv_zoo_name(i));
        const char *optimizer = fv_net_find_setting(net, "train", "optimizer"),
                   *schedule = fv_net_find_setting(net, "train", "schedule");
        double arguments[FV_SPEC_ARGUMENTS];
        fv_rate_plan plan;
        fv_error error = {0};
        if (!optimizer || !fv_find_optimizer(optimizer, arguments, &error))
            fail_msg("%s: optimizer %s: %s", fv_zoo_name(i), optimizer, error.message);
        if (schedule && fv_rate_plan_read(schedule, &plan, &error))
            fail_msg("%s: schedule %s: %s", fv_zoo_name(i), schedule, error.message);
        fv_net_free(net);
    }
}

static void test_the_list(void **state) {
    (void)state;
    assert_true(fv_zoo_count() >= COUNT);
    for (int i = 0; i < COUNT; i++) assert_non_null(fv_zoo_text(zoo[i].name));
    for (int i = 1; i < fv_zoo_count(); i++) assert_true(strcmp(fv_zoo_name(i - 1), fv_zoo_name(i)) < 0);
    assert_null(fv_zoo_text("lenet"));
    assert_null(fv_zoo_name(fv_zoo_count()));
    assert_null(fv_zoo_name(-1));
    assert_ptr_equal(fv_zoo_text("mlp.net"), fv_zoo_text("mlp"));
}

static void test_settings_from_outside(void **state) {
    (void)state;
    fv_net *net = fv_net_load("mlp", &(fv_setting){"hidden", "10"}, 1, NULL);
    fv_summary *summary = fv_summarize(net, NULL, NULL);
    assert_int_equal(fv_summary_total(summary).parameters, 784 * 10 + 10 + 10 * 10 + 10);
    fv_summary_free(summary);
    fv_net_free(net);
}

/* n convolutions of 3x3 on top of each other see 2n+1 pixels: 50 of them for 100. */
static void test_stacked_convolutions(void **state) {
    (void)state;
    static const int counts[] = {1, 2, 3, 50};
    for (int i = 0; i < 4; i++) {
        char text[200];
        snprintf(text, sizeof text, "input 200x200x1\nrepeat %d\n  conv 1 3x3 padding=same\n", counts[i]);
        fv_net *net = fv_net_parse(text, "stack", NULL, 0, NULL);
        fv_summary *summary = fv_summarize(net, NULL, NULL);
        const fv_layer *last = fv_summary_layer(summary, fv_summary_count(summary) - 1);
        assert_int_equal(last->receptive_field, 2 * counts[i] + 1);
        fv_summary_free(summary);
        fv_net_free(net);
    }
}

/* 3x100x100 through 100 filters of 5x5, then pooling of 3x4. */
static void test_lecture_costs(void **state) {
    (void)state;
    fv_net *net = fv_net_parse("input 100x100x3\nconv 100 5x5\nmaxpool 3x4\n", "lecture", NULL, 0, NULL);
    fv_summary *summary = fv_summarize(net, NULL, NULL);
    const fv_layer *conv = find_layer(summary, "conv1"), *pool = find_layer(summary, "maxpool1");
    char shape[128];
    assert_int_equal(conv->parameters, 7600);
    assert_int_equal(conv->macs, 69120000);
    assert_string_equal(fv_shape_text(&conv->output, shape, sizeof shape), "Nx96x96x100");
    assert_string_equal(fv_shape_text(&pool->output, shape, sizeof shape), "Nx32x24x100");
    fv_summary_free(summary);
    fv_net_free(net);
}

static void test_one_neuron(void **state) {
    (void)state;
    static const struct {
        const char *shape;
        int64_t weights;
    } cases[] = {{"28x28x1", 785}, {"32x32x3", 3073}, {"224x224x3", 150529}};
    for (int i = 0; i < 3; i++) {
        char text[100];
        snprintf(text, sizeof text, "input %s\nflatten\ndense 1\n", cases[i].shape);
        fv_net *net = fv_net_parse(text, "neuron", NULL, 0, NULL);
        fv_summary *summary = fv_summarize(net, NULL, NULL);
        assert_int_equal(fv_summary_total(summary).parameters, cases[i].weights);
        fv_summary_free(summary);
        fv_net_free(net);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_costs),
        cmocka_unit_test(test_published_counts),
        cmocka_unit_test(test_no_net_is_left_out),
        cmocka_unit_test(test_files_fit_a_screen),
        cmocka_unit_test(test_comments_tell_the_costs),
        cmocka_unit_test(test_every_net_says_how_it_is_trained),
        cmocka_unit_test(test_the_list),
        cmocka_unit_test(test_settings_from_outside),
        cmocka_unit_test(test_stacked_convolutions),
        cmocka_unit_test(test_lecture_costs),
        cmocka_unit_test(test_one_neuron),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
