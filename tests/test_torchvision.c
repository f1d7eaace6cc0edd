/* Weights by torchvision's names: tensors in PyTorch's names and layouts become a model that answers as PyTorch does.
 * Without argument: all but the largest, at sizes that keep them quick. With "slow": the larger VGGs. */
#include "torchvision.h"

#include "weight_import.h"

typedef struct architecture {
    const char *torchvision, *zoo, *names; /* as each calls it, and the rules for it */
    int unused;                            /* tensors of auxiliary heads */
    int64_t size; /* the input for which our net with aux=yes has these heads; 0: there are none */
} architecture;

static const architecture small[] = {
    {"resnet18", "resnet18", "resnet18", 0, 0},
    {"resnet34", "resnet34", "resnet34", 0, 0},
    {"resnet50", "resnet50", "resnet50", 0, 0},
    {"googlenet", "googlenet_bn", "googlenet", 18, 224},
    {"inception_v3", "inception_v3", "inception_v3", 12, 299},
    {"densenet121", "densenet121", "densenet", 0, 0},
    {"squeezenet1_1", "squeezenet1_1", "squeezenet", 0, 0},
    {"mobilenet_v2", "mobilenet_v2", "mobilenet_v2", 0, 0},
    {"alexnet", "alexnet_one", "alexnet", 0, 0},
    {"vgg11", "vgg11", "vgg", 0, 0},
};
static const architecture large[] = {
    {"vgg13", "vgg13", "vgg", 0, 0},
    {"vgg16", "vgg16", "vgg", 0, 0},
    {"vgg19", "vgg19", "vgg", 0, 0},
};

typedef struct report {
    int weights, problems, unused;
    char first[400];
} report;

static void on_line(void *user, const fv_import_line *line) {
    report *r = user;
    r->weights += line->weight != NULL;
    r->unused += line->weight == NULL;
    if (line->problem && r->problems++ == 0)
        snprintf(r->first, sizeof r->first, "%s <- %s: %s", line->weight, line->source ? line->source : "?",
                 line->problem);
}

/* The picture that PyTorch saw as [3][height][width], as [height][width][3]. */
static void fill_picture(fv_tensor input, int64_t height, int64_t width) {
    uint64_t start = golden_start("input");
    float *x = input.data;
    for (int64_t pixel = 0; pixel < height * width; pixel++)
        for (int64_t c = 0; c < 3; c++)
            x[pixel * 3 + c] = (float)(4 * golden_uniform(start, c * height * width + pixel) - 2);
}

static void check_logits(const char *name, fv_model *model, const golden *g) {
    fv_error error = {0};
    fv_run *run = fv_run_new(model, &error, .batch = 1);
    if (!run) fail_msg("%s: %s", name, error.message);
    fill_picture(fv_run_input(run, NULL), g->height, g->width);
    if (fv_run_go(run, 1, &error)) fail_msg("%s: %s", name, error.message);
    fv_tensor out = fv_run_output(run, NULL);
    const float *y = out.data;
    if (fv_shape_count(&out.shape) != 1000)
        fail_msg("%s: expected 1000 logits, got %lld", name, (long long)fv_shape_count(&out.shape));
    double largest = 0;
    for (int i = 0; i < g->logit_count; i++) largest = fmax(largest, fabs(g->logits[i]));
    for (int i = 0; i < g->logit_count; i++) {
        char what[80];
        snprintf(what, sizeof what, "%s: logit %d", name, i * GOLDEN_STEP);
        check_near(what, y[i * GOLDEN_STEP], g->logits[i], 1e-4 * largest);
    }
    fv_run_free(run);
}

/* Our net with auxiliary heads finds all of them in the file. */
static void check_heads(const architecture *a, const fv_store *store) {
    fv_error error = {0};
    fv_net *net = golden_net(a->zoo, a->size, a->size, "aux", "yes");
    report seen = {0};
    fv_import_options options = {.size = sizeof options, .names = a->names, .on_line = on_line, .user = &seen};
    fv_model *model = fv_model_import_store(net, store, a->torchvision, &error, &options);
    if (!model) fail_msg("%s with heads: %s", a->torchvision, error.message);
    if (seen.unused)
        fail_msg("%s with heads: expected every tensor to be used, %d are not", a->torchvision, seen.unused);
    fv_model_free(model);
    fv_net_free(net);
}

static void check_architecture(void **state) {
    const architecture *a = *state;
    fv_error error = {0};
    golden *g = golden_of(a->torchvision);
    fv_store *store = golden_store(g);
    fv_net *net = golden_net(a->zoo, g->height, g->width, NULL, NULL);
    report seen = {0};
    fv_import_options options = {.size = sizeof options, .on_line = on_line, .user = &seen};
    fv_model *model = fv_model_import_store(net, store, a->torchvision, &error, &options);
    if (!model) fail_msg("%s: %s (first of %d: %s)", a->torchvision, error.message, seen.problems, seen.first);
    if (seen.unused != a->unused)
        fail_msg("%s: expected %d unused tensors, got %d", a->torchvision, a->unused, seen.unused);
    if (a->size) check_heads(a, store);
    fv_store_free(store);
    check_logits(a->torchvision, model, g);
    fv_model_free(model);
    fv_net_free(net);
    free(g);
}

int main(int argc, char **argv) {
    bool slow = argc > 1 && !strcmp(argv[1], "slow");
    const architecture *list = slow ? large : small;
    enum { SMALL = sizeof small / sizeof small[0], LARGE = sizeof large / sizeof large[0] };
    struct CMUnitTest tests[SMALL > LARGE ? SMALL : LARGE];
    size_t count = slow ? LARGE : SMALL;
    for (size_t i = 0; i < count; i++)
        tests[i] =
            (struct CMUnitTest){list[i].torchvision, check_architecture, NULL, NULL, (void *)(uintptr_t)&list[i]};
    return _cmocka_run_group_tests("torchvision", tests, count, NULL, NULL);
}
