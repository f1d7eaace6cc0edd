/* test_onnx_round.c - out and in again: an exported network that is imported gives the same numbers, with no more calls, and its class
 * names and preprocessing are there. */
#include "files.h"
#include "onnx_nets.h"

#define temp_test(f) cmocka_unit_test_setup_teardown(f, make_temp, remove_temp)

enum { SAMPLES = 2, MOST_PARAMETERS = 1500000 };

typedef struct results {
    int calls;
    fv_tensor y; /* owned */
} results;

static results run_model(const char *name, fv_model *model, const fv_shape *shape) {
    fv_run *run = fv_run_new(model, &problem, .batch = SAMPLES, .input = *shape);
    if (!run) fail_msg("%s: %s", name, problem.message);
    fv_tensor in = fv_run_input(run, NULL);
    state = 7;
    for (int64_t i = 0; i < fv_shape_count(&in.shape); i++) ((float *)in.data)[i] = draw();
    if (fv_run_go(run, SAMPLES, &problem)) fail_msg("%s: %s", name, problem.message);
    fv_tensor y = fv_run_output(run, NULL);
    results r = {fv_run_plan(run)->call_count - fv_run_plan(run)->steady_calls, fv_tensor_new(y.dtype, &y.shape)};
    memcpy(r.y.data, y.data, (size_t)fv_shape_count(&y.shape) * sizeof(float));
    fv_run_free(run);
    return r;
}

static void check_same(const char *name, const results *a, const results *b) {
    char expected[96], got[96];
    if (!fv_shape_equal(&a->y.shape, &b->y.shape))
        fail_msg("%s: expected a result of %s, got %s", name, fv_shape_text(&a->y.shape, expected, sizeof expected),
                 fv_shape_text(&b->y.shape, got, sizeof got));
    double largest = 1e-6, apart = 0;
    const float *x = a->y.data, *y = b->y.data;
    for (int64_t i = 0; i < fv_shape_count(&a->y.shape); i++) {
        double size = x[i] < 0 ? -x[i] : x[i], d = (double)x[i] - (double)y[i];
        if (size > largest) largest = size;
        if (d < 0) d = -d;
        if (!(d <= apart)) apart = d;
    }
    if (!(apart <= 1e-5 * largest)) fail_msg("%s: results are %g apart, the largest is %g", name, apart, largest);
    if (b->calls > a->calls) fail_msg("%s: expected at most %d calls, got %d", name, a->calls, b->calls);
}

/* Takes over the net. */
static void check_round(const char *name, fv_net *net) {
    if (!net) fail_msg("%s: %s", name, problem.message);
    fv_model *model = fv_model_new(net, 1, &problem);
    if (!model) fail_msg("%s: %s", name, problem.message);
    draw_weights(model);
    fv_shape shape = sample_shape(net);
    const char *path = temp_path("round.onnx");
    if (fv_onnx_export(model, path, &problem, .input = shape)) fail_msg("%s: %s", name, problem.message);
    fv_model *again = fv_model_load(path, &problem);
    if (!again) fail_msg("%s: %s", name, problem.message);
    results first = run_model(name, model, &shape), second = run_model(name, again, &shape);
    check_same(name, &first, &second);
    fv_free(first.y.data);
    fv_free(second.y.data);
    fv_model_free(again);
    fv_model_free(model);
    fv_net_free(net);
}

static void small_networks_come_back(void **state_) {
    (void)state_;
    for (size_t i = 0; i < sizeof small_nets / sizeof *small_nets; i++)
        check_round(small_nets[i].name, fv_net_parse(small_nets[i].value, small_nets[i].name, NULL, 0, &problem));
}

static void networks_of_the_zoo_come_back(void **state_) {
    (void)state_;
    for (int i = 0; i < fv_zoo_count(); i++) {
        fv_net *net = fv_net_load(fv_zoo_name(i), NULL, 0, &problem);
        if (!net) fail_msg("%s: %s", fv_zoo_name(i), problem.message);
        fv_summary *summary = fv_summarize(net, NULL, &problem);
        int64_t parameters = summary ? fv_summary_total(summary).parameters : INT64_MAX;
        fv_summary_free(summary);
        if (parameters <= MOST_PARAMETERS)
            check_round(fv_zoo_name(i), net);
        else
            fv_net_free(net);
    }
}

static void class_names_and_preprocessing_come_back(void **state_) {
    (void)state_;
    static const char *const names[] = {"cat", "a \"dog\"", "caf\xc3\xa9"};
    fv_net *net = fv_net_parse("input 4x4x3\nconv 2 3x3\nflatten\ndense 3\n", "net", NULL, 0, &problem);
    fv_model *model = net ? fv_model_new(net, 1, &problem) : NULL;
    if (!model) fail_msg("%s", problem.message);
    fv_preprocess wanted = {
        .scale = 1 / 255.0, .channels = 3, .mean = {0.1, 0.2, 0.3}, .deviation = {0.5, 0.6, 0.7}, .bgr = true};
    fv_model_set_preprocess(model, &wanted);
    check_ok(fv_model_set_classes(model, names, 3, &problem));
    check_ok(fv_onnx_export(model, temp_path("named.onnx"), &problem, .channels_last = true));
    fv_model *again = fv_model_load(temp_path("named.onnx"), &problem);
    if (!again) fail_msg("%s", problem.message);
    if (fv_model_class_count(again) != 3) fail_msg("expected 3 class names, got %d", fv_model_class_count(again));
    for (int i = 0; i < 3; i++) assert_string_equal(fv_model_class_name(again, i), names[i]);
    fv_preprocess got = fv_model_preprocess(again);
    if (got.scale != wanted.scale || got.channels != 3 || got.mean[2] != 0.3 || got.deviation[1] != 0.6 || !got.bgr)
        fail_msg("expected the preprocessing that was written, got scale %g, %d channels", got.scale, got.channels);
    fv_model_free(again);
    fv_model_free(model);
    fv_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        temp_test(small_networks_come_back),
        temp_test(networks_of_the_zoo_come_back),
        temp_test(class_names_and_preprocessing_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
