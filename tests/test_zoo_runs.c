/* Every network of the zoo runs forward and backward at small size: as the double reference does, and with gradients that
 * are those of differences. */
#include "run_fixture.h"

#include "memory.h"
#include "model.h"
#include "text.h"

typedef struct small_net {
    const char *name;
    const char *settings; /* "width=4 classes=7" */
    const char *input;    /* instead of the shape in the file; NULL: as it is */
    int64_t batch;
    bool used; /* not in training mode: running statistics instead of a batch too small to have some */
} small_net;

static const small_net nets[] = {
    {"alexnet", "hidden=32 classes=7", "67x67x3", 1, false},
    {"alexnet_one", "hidden=32 classes=7", "63x63x3", 1, false},
    {"allconv", "", "16x16x3", 1, false},
    {"autoencoder", "", NULL, 2, false},
    {"c3d", "width=4 classes=7", "16x32x32x3", 1, false},
    {"cifar_cnn", "width=4", "8x8x3", 2, false},
    {"cifar_speed", "width=8", NULL, 2, false},
    {"densenet121", "growth=4 classes=7", "64x64x3", 2, false},
    {"densenet_bc_100_12", "growth=4", "16x16x3", 2, false},
    {"fcn", "width=4", "64x40x3", 1, false},
    {"googlenet", "classes=7", "48x48x3", 1, false},
    {"googlenet_bn", "classes=7", "32x32x3", 1, true},
    {"inception_v3", "classes=7", "75x75x3", 1, true},
    {"lenet5", "", NULL, 2, false},
    {"lenet_mnist", "", NULL, 2, false},
    {"lenet_relu", "", NULL, 2, false},
    {"logistic", "", NULL, 2, false},
    {"mlp", "hidden=80", NULL, 2, false},
    {"mnist_cnn", "", NULL, 2, false},
    {"mobilenet_v2", "classes=7", "32x32x3", 1, true},
    {"nin", "", "16x16x3", 1, false},
    {"plain20_cifar", "", "16x16x3", 2, false},
    {"plain34", "width=8 classes=7", "64x64x3", 2, false},
    {"resnet18", "width=8 classes=7", "64x64x3", 2, false},
    {"resnet20_cifar", "", "16x16x3", 2, false},
    {"resnet20_cifar", "shortcut=B", "16x16x3", 2, false},
    {"resnet34", "width=8 classes=7", "64x64x3", 2, false},
    {"resnet50", "width=4 classes=7", "64x64x3", 2, false},
    {"squeezenet1_1", "classes=7", "32x32x3", 1, false},
    {"srcnn", "", "9x7x1", 2, false},
    {"unet", "width=2", "188x188x1", 1, false},
    {"unet_small", "width=4 size=32", NULL, 2, false},
    {"vgg11", "width=4 classes=7", "32x32x3", 2, false},
    {"vgg13", "width=4 classes=7", "32x32x3", 2, false},
    {"vgg16", "width=4 classes=7", "32x32x3", 2, false},
    {"vgg19", "width=4 classes=7", "32x32x3", 2, false},
    {"wrn_16_4", "width=1", "16x16x3", 2, false},
    {"wrn_28_10", "width=1", "16x16x3", 2, false},
};
enum { NETS = sizeof nets / sizeof *nets, WEIGHTS = 3 };

/* So small that hardly a ReLU of a deep net changes sides on the way. */
static const double step = 1e-8;

/* ---- small nets from the zoo's texts ---------------------------------------------------------------------------- */

static char *text_with_input(const small_net *c) {
    const char *text = fv_zoo_text(c->name), *input = strstr(text, "input ");
    fv_text with = {0};
    while (input && input[-1] != '\n' && input[-2] != '=') input = strstr(input + 1, "input ");
    if (!input) fail_msg("%s has no input line", c->name);
    input += strlen("input ");
    fv_text_add_n(&with, text, (size_t)(input - text));
    if (c->input) {
        fv_text_add(&with, c->input);
        input += strcspn(input, " \n");
    }
    fv_text_add(&with, input);
    return fv_text_take(&with);
}

static fv_net *small_net_new(const small_net *c) {
    char words[4][2][20];
    fv_setting settings[4];
    int count = 0;
    fv_error error = {0};
    for (const char *s = c->settings; sscanf(s, " %19[^=]=%19s", words[count][0], words[count][1]) == 2; count++) {
        settings[count] = (fv_setting){words[count][0], words[count][1]};
        s += strspn(s, " ");
        s += strcspn(s, " ");
    }
    char *text = text_with_input(c);
    fv_net *net = fv_net_parse(text, c->name, settings, count, &error);
    fv_free(text);
    if (!net) fail_msg("%s: %s", c->name, error.message);
    return net;
}

/* ---- runs ------------------------------------------------------------------------------------------------------- */

typedef struct subject {
    const small_net *spec;
    fv_model *model;
    fv_value y;
    int weights[WEIGHTS]; /* values: the first, one in the middle, the last */
} subject;

static subject subject_new(const small_net *c) {
    fv_error error = {0};
    fv_net *net = small_net_new(c);
    subject s = {.spec = c, .model = fv_model_new(net, 1, &error), .y = {net, fv_net_output_value(net)}};
    if (!s.model) fail_msg("%s: %s", c->name, error.message);
    int trainable[2000], count = 0;
    for (int v = 0; v < net->value_count && count < 2000; v++)
        if (net->values[v].kind == FV_KIND_WEIGHT && !net->values[v].parameter.fixed) trainable[count++] = v;
    for (int k = 0; k < WEIGHTS; k++) s.weights[k] = trainable[k * (count - 1) / (WEIGHTS - 1)];
    return s;
}

/* Gone once, over drawn inputs and a drawn seed. */
static fv_run *run_on(const subject *s, const fv_table *table) {
    fv_run *run = build_run(s->y.net, &s->model->weights,
                            &(fv_plan_options){.batch = s->spec->batch,
                                               .training = !s->spec->used,
                                               .gradients = true,
                                               .wanted = &s->y.id,
                                               .wanted_count = 1,
                                               .seeds = &s->y.id,
                                               .seed_count = 1,
                                               .table = table});
    draw_inputs(run, 3);
    go(run, s->spec->batch);
    return run;
}

static double distance(fv_tensor a, fv_tensor b) {
    double apart = 0, size = 1e-30;
    if (!a.data || !b.data) return INFINITY;
    for (int64_t i = 0; i < fv_shape_count(&a.shape); i++) {
        double d = number(a, i) - number(b, i);
        apart += d * d;
        size += number(b, i) * number(b, i);
    }
    return sqrt(apart / size);
}

static void check_distance(const subject *s, const char *what, fv_tensor got, fv_tensor expected) {
    double d = distance(got, expected);
    if (!(d <= 1e-3)) fail_msg("%s: %s: relative distance %g from the double reference", s->spec->name, what, d);
}

/* ---- differences ------------------------------------------------------------------------------------------------ */

static double weighted_sum(const subject *s, fv_run *run) {
    char name[200];
    double sum = 0;
    go(run, s->spec->batch);
    snprintf(name, sizeof name, "d:%s", s->y.net->values[s->y.id].name);
    fv_tensor y = fv_run_value(run, s->y), seed = fv_run_input(run, name);
    for (int64_t i = 0; i < fv_shape_count(&y.shape); i++) sum += number(seed, i) * number(y, i);
    return sum;
}

/* The element with the largest slope of one weight. */
static void check_slope(const subject *s, fv_run *run, int weight) {
    fv_tensor gradient = fv_run_gradient(run, (fv_value){s->y.net, weight});
    fv_tensor w = fv_run_operand(run, fv_run_plan(run)->of_value[weight]);
    int64_t at = 0;
    for (int64_t i = 0; i < fv_shape_count(&gradient.shape); i++)
        if (fabs(number(gradient, i)) > fabs(number(gradient, at))) at = i;
    double expected = number(gradient, at), *x = (double *)w.data + at, before = *x;
    if (expected == 0) fail_msg("%s: no gradient reaches %s", s->spec->name, s->y.net->values[weight].name);
    *x = before + step;
    double up = weighted_sum(s, run);
    *x = before - step;
    double slope = (up - weighted_sum(s, run)) / (2 * step);
    *x = before;
    if (!(fabs(slope - expected) <= 1e-4 * fabs(expected)))
        fail_msg("%s: d %s[%lld]: the difference is %.9g, the gradient says %.9g", s->spec->name,
                 s->y.net->values[weight].name, (long long)at, slope, expected);
}

static void it_runs_and_its_gradients_are_right(void **state) {
    subject s = subject_new(*state);
    fv_run *exact = run_on(&s, fv_reference_f64()), *fast = run_on(&s, NULL);
    check_distance(&s, "the result", fv_run_value(fast, s.y), fv_run_value(exact, s.y));
    for (int k = 0; k < WEIGHTS; k++) {
        fv_value weight = {s.y.net, s.weights[k]};
        check_distance(&s, s.y.net->values[weight.id].name, fv_run_gradient(fast, weight),
                       fv_run_gradient(exact, weight));
    }
    fv_run_free(fast);
    for (int k = 0; k < WEIGHTS; k++) check_slope(&s, exact, s.weights[k]);
    fv_run_free(exact);
    fv_model_free(s.model);
    fv_net_free(s.y.net);
}

static void no_net_is_left_out(void **state) {
    (void)state;
    for (int i = 0; i < fv_zoo_count(); i++) {
        int k = 0;
        while (k < NETS && strcmp(nets[k].name, fv_zoo_name(i)) != 0) k++;
        if (k == NETS) fail_msg("%s has no small size here", fv_zoo_name(i));
    }
}

int main(int argc, char **argv) {
    struct CMUnitTest tests[NETS + 1] = {cmocka_unit_test(no_net_is_left_out)};
    size_t count = 1;
    fv_set_threads(1); /* the double loops use no more */
    for (int i = 0; i < NETS; i++)
        if (argc < 2 || !strcmp(argv[1], nets[i].name))
            tests[count++] = (struct CMUnitTest){nets[i].name, it_runs_and_its_gradients_are_right, NULL, NULL,
                                                 (void *)(uintptr_t)&nets[i]};
    return _cmocka_run_group_tests("zoo_runs", tests, count, NULL, NULL);
}
