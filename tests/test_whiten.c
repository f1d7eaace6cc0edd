/* A first layer that whitens: eigenvectors, the filters of PyTorch's linalg.eigh, unit covariance of what it answers, and when it
 * leaves the layer as it is. */
#include "check.h"

#include "train.h"

static void eigenvectors_are_those(void **state) {
    (void)state;
    double a[] = {2, 1, 0, 1, 2, 0, 0, 0, 5}, values[3], vectors[9];
    const double half = sqrt(0.5), expected[] = {half, -half, 0, half, half, 0, 0, 0, 1};
    fv_eigenvectors(a, 3, values, vectors);
    for (int i = 0; i < 3; i++) check_near("eigenvalue", values[i], 1 + 2 * i, 1e-14);
    for (int i = 0; i < 9; i++) check_near("eigenvector", vectors[i], expected[i], 1e-14);
}

static void eigenvectors_of_a_larger_matrix(void **state) {
    (void)state;
    enum { N = 27 };
    static double a[N * N], copy[N * N], values[N], vectors[N * N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++) a[i * N + j] = a[j * N + i] = sin(i * 7 + j * j);
    memcpy(copy, a, sizeof a);
    fv_eigenvectors(a, N, values, vectors);
    for (int v = 0; v < N; v++) {
        if (v && values[v] < values[v - 1]) fail_msg("values: expected ascending order");
        for (int i = 0; i < N; i++) {
            double sum = 0;
            for (int j = 0; j < N; j++) sum += copy[i * N + j] * vectors[v * N + j];
            check_near("A v = value v", sum, values[v] * vectors[v * N + i], 1e-12);
        }
    }
}

/* ---- in a training ---------------------------------------------------------------------------------------------- */

static float pictures[3 * 4 * 4 * 2];
static const int32_t classes[3] = {0, 1, 0};

/* The pictures of the golden numbers, in PyTorch: n, k*3 % 13 and so on. */
static fv_data *make_data(void) {
    for (int k = 0; k < 96; k++) pictures[k] = (float)((double)(k * 3 % 13 - 6) / 10 + k % 5 * 0.1 + k * k % 7 * 0.2);
    fv_error error = {0};
    fv_tensor fields[] = {{FV_F32, {4, {3, 4, 4, 2}}, pictures}, {FV_I32, {1, {3}}, (void *)(uintptr_t)classes}};
    fv_data *data = fv_data_from_arrays(fields[0], fields[1], &error);
    if (!data) fail_msg("%s", error.message);
    return data;
}

static fv_model *make_model(const char *text) {
    fv_error error = {0};
    fv_net *net = fv_net_parse(text, "test.net", NULL, 0, &error);
    fv_model *model = net ? fv_model_new(net, 1, &error) : NULL;
    if (!model) fail_msg("%s", error.message);
    fv_net_free(net);
    return model;
}

static const char *const net_text = "input 4x4x2\nfirst = conv 16 2x2\nflatten\ndense 2\n"
                                    "train epochs=1 batch_size=2 whiten=first\n";

static const float *first_weight(fv_model *model) {
    return fv_model_weight(model, fv_model_find_weight(model, "first.weight")).data;
}

static void filters_are_those_of_pytorch(void **state) {
    (void)state;
    static const float least[] = {-0.1058219f, -1.4216876f, -0.3187426f, -1.8540882f,
                                  1.2034862f,  0.0743892f,  1.8571526f,  0.6448512f},
                       largest[] = {0.2132379f, 0.2213795f, 0.2036652f, 0.1952347f,
                                    0.1999362f, 0.2182291f, 0.2072384f, 0.1899185f};
    fv_data *data = make_data();
    fv_model *model = make_model(net_text);
    fv_error error = {0};
    fv_history *history = fv_fit(model, data, &error, .no_shuffle = true);
    if (!history) fail_msg("%s", error.message);
    const float *w = first_weight(model);
    for (int t = 0; t < 8; t++) {
        check_near("filter of the least eigenvalue", w[t * 16], least[t], 1e-4);
        check_near("filter of the largest", w[t * 16 + 7], largest[t], 1e-4);
        for (int f = 0; f < 8; f++) check_near("the other half", w[t * 16 + 8 + f], -w[t * 16 + f], 0);
    }
    fv_history_free(history), fv_model_free(model), fv_data_free(data);
}

/* Uncorrelated and of size value / (value + epsilon). */
static void answers_are_white(void **state) {
    (void)state;
    fv_data *data = make_data();
    fv_model *model = make_model(net_text);
    fv_history *history = fv_fit(model, data, NULL, .whiten = "first(epsilon=0)", .threads = 2);
    assert_non_null(history);
    const float *w = first_weight(model);
    double sums[64] = {0};
    for (int p = 0; p < 27; p++) {
        const float *corner = pictures + p / 9 * 32 + p / 3 % 3 * 8 + p % 3 * 2;
        double answer[8] = {0};
        for (int t = 0; t < 8; t++)
            for (int f = 0; f < 8; f++) answer[f] += (double)corner[t / 4 * 8 + t % 4] * (double)w[t * 16 + f];
        for (int i = 0; i < 64; i++) sums[i] += answer[i / 8] * answer[i % 8] / 27;
    }
    for (int i = 0; i < 64; i++) check_near("second moment of the answers", sums[i], i % 9 == 0, 1e-4);
    fv_history_free(history), fv_model_free(model), fv_data_free(data);
}

/* What was trained before, or loaded, is not thrown away. */
static void a_layer_that_is_not_fresh_stays(void **state) {
    (void)state;
    fv_data *data = make_data();
    fv_model *model = make_model(net_text);
    float *w = fv_model_weight(model, 0).data;
    w[3] += 1;
    float before[16 * 8];
    memcpy(before, w, sizeof before);
    fv_history *history = fv_fit(model, data, NULL, .epochs = 2);
    assert_non_null(history);
    if (memcmp(before, w, sizeof before)) fail_msg("a layer with other weights than those drawn: expected no change");
    fv_history_free(history), fv_model_free(model), fv_data_free(data);
}

static void mistakes_are_named(void **state) {
    (void)state;
    static const struct {
        const char *whiten, *message;
    } cases[] = {
        {"second", "whiten: no layer is called 'second'"},
        {"dense1", "whiten: expected a convolution, dense1 is dense"},
        {"deep", "whiten: expected a layer that reads the data, deep reads first"},
        {"few", "whiten: few has windows of 8 numbers: expected 8 or 16 filters, got 4"},
        {"first(samples=0)", "whiten: expected samples of 1 or more and an epsilon of 0 or more"},
        {"first(x=1)", "whiten 'whiten(x=1)': whiten has no argument 'x'; it takes: samples=5000 epsilon=5e-4"}};
    fv_data *data = make_data();
    fv_model *model = make_model("x = input 4x4x2\nfew = conv 4 2x2 <- x\nfirst = conv 16 2x2 <- x\ndeep = conv 4 1x1\n"
                                 "add <- it, few\nflatten\ndense 2\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_error error = {0};
        if (fv_fit(model, data, &error, .whiten = cases[i].whiten)) fail_msg("%s: expected an error", cases[i].whiten);
        if (strcmp(error.message, cases[i].message))
            fail_msg("%s: expected \"%s\", got \"%s\"", cases[i].whiten, cases[i].message, error.message);
    }
    fv_model_free(model), fv_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eigenvectors_are_those),          cmocka_unit_test(eigenvectors_of_a_larger_matrix),
        cmocka_unit_test(filters_are_those_of_pytorch),    cmocka_unit_test(answers_are_white),
        cmocka_unit_test(a_layer_that_is_not_fresh_stays), cmocka_unit_test(mistakes_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
