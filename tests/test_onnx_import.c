/* test_onnx_import.c - .onnx files become models: saved, loaded, trained, planned like nets that were written here. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "onnx_model.h"
#include "plan.h"

/* The shared suite lies beside the checkout; NULL after a word when it does not. */
static const char *suite(void) {
    static char path[1024];
    struct stat info;
    const char *source = getenv("FOVEA_SOURCE");
    snprintf(path, sizeof path, "%s/../shared/conformance/onnx", source ? source : "..");
    return stat(path, &info) ? NULL : path;
}

static fv_model *open_model(const char *test) {
    char path[1200];
    fv_error error = {0};
    snprintf(path, sizeof path, "%s/%s/model.onnx", suite(), test);
    fv_model *model = fv_model_load(path, &error);
    if (!model) fail_msg("%s: %s", test, error.message);
    return model;
}

/* Runs over a ramp at batch 2; the sum of the first output's cells, each times its place. */
static double answer(fv_model *model) {
    fv_error error = {0};
    fv_run *run = fv_run_new(model, &error, .batch = 2, .threads = 1);
    if (!run) fail_msg("%s", error.message);
    fv_tensor x = fv_run_input(run, NULL);
    for (int64_t i = 0; i < fv_shape_count(&x.shape); i++) ((float *)x.data)[i] = (float)(i % 97) / 97;
    if (fv_run_go(run, 2, &error)) fail_msg("%s", error.message);
    fv_tensor y = fv_run_output(run, NULL);
    double sum = 0;
    for (int64_t i = 0; i < fv_shape_count(&y.shape); i++) sum += (double)((float *)y.data)[i] * (1 + (double)(i % 13));
    fv_run_free(run);
    return sum;
}

static const char *const nets[] = {"nets/net_alexnet_mini", "nets/net_fpn_seg_mini", "nets/net_resnet_mini",
                                   "pytorch-converted/test_Conv2d", "pytorch-converted/test_BatchNorm2d_eval"};
enum { NETS = sizeof nets / sizeof nets[0] };

static void saved_and_loaded_they_say_the_same(void **state) {
    (void)state;
    char path[] = "fovea-onnx-XXXXXX";
    fv_error error = {0};
    if (!suite()) skip();
    close(mkstemp(path));
    for (int i = 0; i < NETS; i++) {
        fv_model *model = open_model(nets[i]);
        double before = answer(model);
        if (fv_model_save(model, path, &error)) fail_msg("%s: %s", nets[i], error.message);
        fv_model *again = fv_model_load(path, &error);
        if (!again) fail_msg("%s: %s", nets[i], error.message);
        check_near(nets[i], answer(again), before, 0);
        assert_true(fv_model_hash(model) == fv_model_hash(again));
        fv_model_free(model);
        fv_model_free(again);
    }
    unlink(path);
}

/* Transposes are gone: the plan has none. */
static void plans_have_no_transposes(void **state) {
    (void)state;
    if (!suite()) skip();
    for (int i = 0; i < NETS; i++) {
        fv_model *model = open_model(nets[i]);
        const fv_net *net = fv_model_net(model);
        for (int n = 0; n < net->node_count; n++)
            if (!strcmp(net->nodes[n].op->name, "transpose"))
                fail_msg("%s: %s is a transpose", nets[i], net->nodes[n].name);
        fv_model_free(model);
    }
}

/* Batch norm moves its running statistics and every weight gets a gradient. */
static void they_can_be_trained_on(void **state) {
    (void)state;
    fv_error error = {0};
    if (!suite()) skip();
    fv_model *model = open_model("nets/net_resnet_mini");
    fv_net *net = fv_model_net(model);
    fv_value y = {net, fv_net_logits_value(net)};
    fv_add_loss(fv_crossentropy(y, fv_input(net, .name = "class", .dtype = FV_I32, .target = true)), 1);
    fv_run *run = fv_run_new(model, &error, .batch = 2, .training = true, .gradients = true, .threads = 1);
    if (!run) fail_msg("%s", error.message);
    fv_tensor x = fv_run_input(run, NULL);
    for (int64_t i = 0; i < fv_shape_count(&x.shape); i++) ((float *)x.data)[i] = (float)(i % 89) / 89;
    uint64_t before = fv_model_hash(model);
    if (fv_run_go(run, 2, &error)) fail_msg("%s", error.message);
    assert_true(isfinite(fv_run_loss(run)) && fv_run_loss(run) > 0);
    assert_true(fv_model_hash(model) != before);
    for (int v = 0; v < net->value_count; v++) {
        if (net->values[v].kind != FV_KIND_WEIGHT || net->values[v].parameter.fixed) continue;
        if (!fv_run_gradient(run, (fv_value){net, v}).data) fail_msg("%s has no gradient", net->values[v].name);
    }
    fv_run_free(run);
    fv_model_free(model);
}

/* No more memory than the weights once, beside the mapped file; and no allocation for each number. */
static void weights_go_straight_into_the_model(void **state) {
    (void)state;
    char path[1200];
    fv_error error = {0};
    if (!suite()) skip();
    snprintf(path, sizeof path, "%s/nets/net_resnet_mini/model.onnx", suite());
    uint64_t before = fv_alloc_bytes(), weights = 0;
    fv_model *model = fv_onnx_load(path, &error, .given_count = 0);
    uint64_t spent = fv_alloc_bytes() - before;
    assert_non_null(model);
    for (int i = 0; i < fv_model_weight_count(model); i++) {
        fv_tensor w = fv_model_weight(model, i);
        weights += (uint64_t)fv_shape_count(&w.shape) * sizeof(float);
    }
    if (spent > weights + (1 << 20))
        fail_msg("%llu bytes for weights of %llu", (unsigned long long)spent, (unsigned long long)weights);
    fv_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_and_loaded_they_say_the_same),
        cmocka_unit_test(plans_have_no_transposes),
        cmocka_unit_test(they_can_be_trained_on),
        cmocka_unit_test(weights_go_straight_into_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
