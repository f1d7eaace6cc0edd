/* Training, from data to history: that it learns, that it is the same bits at any number of threads, what it leaves
 * behind, what it refuses. */
#include "check.h"

#include <jansson.h>
#include <unistd.h>

#include "picture.h"
#include "train.h"

/* ---- a small problem: pictures of 8x8 with an upright or a lying bar, and noise --------------------------------- */

enum { SAMPLES = 203, SIDE = 8 };
static unsigned char pictures[SAMPLES][SIDE][SIDE];
static int32_t classes[SAMPLES];

static void make_pictures(void) {
    uint32_t noise = 1;
    for (int i = 0; i < SAMPLES; i++) {
        classes[i] = i * 7 % 3 == 0;
        int at = 1 + i % (SIDE - 2);
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                noise = noise * 1664525 + 1013904223;
                bool bar = (classes[i] ? y : x) == at;
                pictures[i][y][x] = (unsigned char)((bar ? 150 : 0) + (noise >> 24) % 100);
            }
    }
}

static fv_data *data_of(int64_t count) {
    fv_error error = {0};
    fv_tensor inputs = {FV_U8, {4, {count, SIDE, SIDE, 1}}, pictures}, targets = {FV_I32, {1, {count}}, classes};
    fv_data *data = fv_data_from_arrays(inputs, targets, &error);
    if (!data) fail_msg("%s", error.message);
    return data;
}

static const char *const small_net = "input 8x8x1\n"
                                     "conv 4 3x3 activation=relu\n"
                                     "maxpool 2x2\n"
                                     "batchnorm\n"
                                     "flatten\n"
                                     "dropout 0.1\n"
                                     "dense 2\n";

static fv_net *parse(const char *text) {
    fv_error error = {0};
    char line[1024];
    fv_net *net = fv_net_parse(text, "test.net", NULL, 0, &error);
    if (!net) fail_msg("%s", fv_error_text(&error, line, sizeof line));
    return net;
}

static fv_model *model_of(const char *text) {
    fv_error error = {0};
    fv_net *net = parse(text);
    fv_model *model = fv_model_new(net, 5, &error);
    if (!model) fail_msg("%s", error.message);
    fv_net_free(net);
    return model;
}

static fv_history *fit_with(fv_model *model, fv_data *data, const fv_fit_options *options) {
    fv_error error = {0};
    fv_history *history = fv_fit_with(model, data, &error, options);
    if (!history) fail_msg("fit: %s", error.message);
    return history;
}
#define fit(model, data, ...) fit_with(model, data, FV_OPTIONS(fv_fit_options, __VA_ARGS__))

static double last(const fv_history *history, const char *metric) {
    return fv_history_get(history, metric, fv_history_epochs(history) - 1);
}

/* ---- learning --------------------------------------------------------------------------------------------------- */

static void it_learns(void **state) {
    (void)state;
    fv_data *data = data_of(SAMPLES);
    fv_model *model = model_of(small_net);
    fv_history *history =
        fit(model, data, .epochs = 8, .batch_size = 16, .optimizer = "adam(rate=0.01)", .validation_split = 0.2);
    static const char *const names[] = {"loss", "accuracy", "val_loss", "val_accuracy"};
    assert_int_equal(fv_history_metric_count(history), 4);
    for (int i = 0; i < 4; i++) assert_string_equal(fv_history_metric_name(history, i), names[i]);
    assert_int_equal(fv_history_epochs(history), 8);
    if (!(last(history, "val_accuracy") >= 0.97))
        fail_msg("expected val_accuracy of 0.97 at least, got %g", last(history, "val_accuracy"));
    if (!(last(history, "loss") < 0.5 * fv_history_get(history, "loss", 0))) fail_msg("expected the loss to halve");
    assert_true(isnan(fv_history_get(history, "speed", 0)) && isnan(fv_history_get(history, "loss", 8)));

    fv_error error = {0};
    fv_history *again = fv_evaluate(model, data, &error, .metrics = "accuracy top2");
    if (!again) fail_msg("evaluate: %s", error.message);
    assert_int_equal(fv_history_epochs(again), 1);
    assert_true(fv_history_get(again, "accuracy", 0) >= 0.97);
    check_near("two of two", fv_history_get(again, "top2", 0), 1, 0);

    fv_tensor p;
    if (fv_predict(model, data, 3, 100, &p, &error)) fail_msg("predict: %s", error.message);
    assert_int_equal(p.shape.dim[0], 100);
    int right = 0;
    for (int i = 0; i < 100; i++) {
        const float *row = (const float *)p.data + 2 * i;
        check_near("probabilities add up to 1", row[0] + row[1], 1, 1e-6);
        right += (row[1] > row[0]) == (classes[3 + i] == 1);
    }
    assert_true(right >= 95);
    fv_free(p.data);
    check_near("the data's scale is the model's", fv_model_preprocess(model).scale, 1.0 / 255, 1e-9);
    assert_int_equal(fv_model_class_count(model), 2);
    assert_string_equal(fv_model_note(model, "train.optimizer"), "adam(rate=0.01)");
    assert_string_equal(fv_model_note(model, "train.epoch"), "8");
    fv_history_free(again), fv_history_free(history), fv_model_free(model), fv_data_free(data);
}

/* Hash of the weights after a training. */
static uint64_t trained(const char *net, int threads, const fv_fit_options *base) {
    fv_data *data = data_of(SAMPLES);
    fv_model *model = model_of(net);
    fv_fit_options options = *base;
    options.threads = threads;
    fv_history_free(fit_with(model, data, &options));
    uint64_t hash = fv_model_hash(model);
    fv_model_free(model), fv_data_free(data);
    return hash;
}

static void the_bits_do_not_depend_on_threads(void **state) {
    (void)state;
    const fv_fit_options *options = FV_OPTIONS(fv_fit_options, .epochs = 2, .batch_size = 32, .validation_split = 0.1);
    uint64_t one = trained(small_net, 1, options);
    static const int threads[] = {1, 2, 3, 5};
    for (int i = 0; i < 4; i++) {
        uint64_t got = trained(small_net, threads[i], options);
        if (got != one)
            fail_msg("%d threads: expected %016llx, got %016llx", threads[i], (unsigned long long)one,
                     (unsigned long long)got);
    }
    assert_true(
        trained(small_net, 1,
                FV_OPTIONS(fv_fit_options, .epochs = 2, .batch_size = 32, .validation_split = 0.1, .seed = 9)) != one);
    assert_true(trained(small_net, 1,
                        FV_OPTIONS(fv_fit_options, .epochs = 2, .batch_size = 32, .validation_split = 0.1,
                                   .no_shuffle = true)) != one);
}

typedef struct watch {
    int steps, epochs, begins, ends, stop_at;
    uint64_t allocations; /* after the second step of an epoch */
    int64_t last_samples;
    bool allocated;
    double first_rate, last_rate;
} watch;

static int on_event(void *user, const fv_event *event) {
    watch *w = user;
    w->begins += event->kind == FV_EVENT_BEGIN;
    w->ends += event->kind == FV_EVENT_END;
    w->epochs += event->kind == FV_EVENT_EPOCH;
    if (event->kind != FV_EVENT_STEP) return 0;
    if (w->steps++ == 0) w->first_rate = event->learning_rate;
    w->last_rate = event->learning_rate;
    if (event->step > 2 && fv_alloc_count() != w->allocations) w->allocated = true;
    w->allocations = fv_alloc_count();
    w->last_samples = event->samples;
    assert_int_equal(event->metric_count, 2);
    assert_string_equal(event->metric_names[1], "accuracy");
    return w->steps == w->stop_at;
}

static void a_step_allocates_nothing(void **state) {
    (void)state;
    fv_data *data = data_of(SAMPLES);
    fv_model *model = model_of(small_net);
    watch w = {0};
    fv_history_free(fit(model, data, .epochs = 2, .batch_size = 16, .on_event = on_event, .user = &w));
    if (w.allocated) fail_msg("expected no allocation in a step");
    assert_int_equal(w.steps, 26);
    assert_int_equal(w.epochs, 2);
    assert_int_equal(w.begins, 1);
    assert_int_equal(w.ends, 1);
    assert_int_equal(w.last_samples, SAMPLES);
    fv_model_free(model), fv_data_free(data);
}

static void a_callback_can_stop(void **state) {
    (void)state;
    fv_data *data = data_of(SAMPLES);
    fv_model *model = model_of(small_net);
    watch w = {.stop_at = 16};
    fv_history *history = fit(model, data, .epochs = 5, .batch_size = 16, .on_event = on_event, .user = &w);
    assert_int_equal(fv_history_epochs(history), 1); /* 13 steps each: the second epoch was not finished */
    assert_int_equal(w.steps, 16);
    assert_int_equal(w.ends, 1);
    fv_history_free(history), fv_model_free(model), fv_data_free(data);
}

static void the_schedule_sets_the_rate(void **state) {
    (void)state;
    fv_data *data = data_of(SAMPLES);
    fv_model *model = model_of(small_net);
    watch w = {0};
    fv_history_free(fit(model, data, .epochs = 2, .batch_size = 16, .learning_rate = 0.5, .optimizer = "sgd(rate=3)",
                        .schedule = "step(every=1, factor=0.1)", .on_event = on_event, .user = &w));
    check_near("first", w.first_rate, 0.5, 1e-12);
    check_near("last", w.last_rate, 0.05, 1e-12);
    fv_model_free(model), fv_data_free(data);
}

/* ---- losses
 * ----------------------------------------------------------------------------------------------------------------------
 */

static void a_loss_is_added_once(void **state) {
    (void)state;
    fv_data *data = data_of(32);
    fv_model *model = model_of("input 8x8x1\nflatten\ndense 2 kernel_regularizer=l2(0.01)\n");
    fv_net *net = fv_model_net(model);
    assert_int_equal(net->loss_count, 1); /* the penalty */
    fv_history_free(fit(model, data, .epochs = 1));
    assert_int_equal(net->loss_count, 2);
    assert_string_equal(fv_main_loss_name(net), "crossentropy");
    int values = net->value_count;
    fv_history_free(fit(model, data, .epochs = 1));
    fv_history_free(fit(model, data, .epochs = 1, .loss = "crossentropy"));
    fv_history_free(fit(model, data, .epochs = 1, .loss = "sparse_categorical_crossentropy(smoothing=0)"));
    assert_int_equal(net->loss_count, 2);
    assert_int_equal(net->value_count, values);
    fv_history_free(fit(model, data, .epochs = 1, .loss = "crossentropy(smoothing=0.1)"));
    assert_int_equal(net->loss_count, 2);
    fv_history_free(fit(model, data, .epochs = 1, .loss = "mse", .metrics = "accuracy mae"));
    assert_int_equal(net->loss_count, 2);
    assert_string_equal(fv_main_loss_name(net), "mse");

    fv_error error = {0};
    assert_int_equal(fv_model_save(model, "fovea_train.safetensors", &error), FV_OK);
    fv_model *back = fv_model_load("fovea_train.safetensors", &error);
    if (!back) fail_msg("load: %s", error.message);
    assert_int_equal(fv_model_net(back)->loss_count, 2);
    assert_string_equal(fv_main_loss_name(fv_model_net(back)), "mse");
    fv_history *a = fv_evaluate(model, data, &error, .batch_size = 10),
               *b = fv_evaluate(back, data, &error, .batch_size = 10);
    check_near("the same loss after loading", fv_history_get(a, "loss", 0), fv_history_get(b, "loss", 0), 0);
    remove("fovea_train.safetensors");
    fv_history_free(a), fv_history_free(b), fv_model_free(back), fv_model_free(model), fv_data_free(data);
}

static void losses_follow_the_end_of_the_net(void **state) {
    (void)state;
    static const struct {
        const char *net, *loss;
        fv_answer answer;
    } cases[] = {{"input 8x8x1\nflatten\ndense 2\n", "crossentropy", FV_ANSWER_LOGITS},
                 {"input 8x8x1\nflatten\ndense 2 activation=softmax\n", "crossentropy", FV_ANSWER_LOGITS},
                 {"input 8x8x1\nflatten\ndense 1 activation=sigmoid\n", "binary_crossentropy", FV_ANSWER_BINARY},
                 {"input 8x8x1\nflatten\ndense 2\nrbf 2\n", "rbf_loss", FV_ANSWER_DISTANCES}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_data *data = data_of(SAMPLES);
        fv_model *model = model_of(cases[i].net);
        fv_history *history = fit(model, data, .epochs = 12, .batch_size = 16, .optimizer = "adam(rate=0.02)");
        assert_string_equal(fv_main_loss_name(fv_model_net(model)), cases[i].loss);
        assert_int_equal(fv_net_reading(fv_model_net(model)).answer, cases[i].answer);
        if (!(last(history, "accuracy") > 0.9))
            fail_msg("%s: expected accuracy above 0.9, got %g", cases[i].loss, last(history, "accuracy"));
        fv_tensor p;
        fv_error error = {0};
        if (fv_predict(model, data, 0, 1, &p, &error)) fail_msg("%s: %s", cases[i].loss, error.message);
        double sum = 0;
        for (int64_t k = 0; k < fv_shape_count(&p.shape); k++) sum += ((float *)p.data)[k];
        if (cases[i].answer != FV_ANSWER_BINARY) check_near(cases[i].loss, sum, 1, 1e-6);
        fv_free(p.data), fv_history_free(history), fv_model_free(model), fv_data_free(data);
    }
}

static void numbers_are_learned_with_mse(void **state) {
    (void)state;
    float x[60][2], y[60][1];
    for (int i = 0; i < 60; i++) {
        x[i][0] = (float)(i % 7) / 7, x[i][1] = (float)(i % 5) / 5;
        y[i][0] = 2 * x[i][0] - x[i][1] + 0.5f;
    }
    fv_error error = {0};
    fv_data *data =
        fv_data_from_arrays((fv_tensor){FV_F32, {2, {60, 2}}, x}, (fv_tensor){FV_F32, {2, {60, 1}}, y}, &error);
    if (!data) fail_msg("%s", error.message);
    fv_model *model = model_of("input 2\ndense 1\n");
    fv_history *history = fit(model, data, .epochs = 60, .batch_size = 10, .optimizer = "adam(rate=0.05)");
    assert_string_equal(fv_main_loss_name(fv_model_net(model)), "mse");
    assert_string_equal(fv_history_metric_name(history, 1), "mae");
    const float *w = fv_model_weight(model, 0).data;
    check_near("first weight", w[0], 2, 0.02);
    check_near("second weight", w[1], -1, 0.02);
    check_near("bias", *(float *)fv_model_weight(model, 1).data, 0.5, 0.02);
    fv_history_free(history), fv_model_free(model), fv_data_free(data);
}

static void regularizers_and_constraints_act(void **state) {
    (void)state;
    fv_data *data = data_of(64);
    static const char *const nets[] = {"input 8x8x1\nflatten\ndense 2\n",
                                       "input 8x8x1\nflatten\ndense 2 kernel_regularizer=l2(0.5)\n",
                                       "input 8x8x1\nflatten\ndense 2 kernel_constraint=max_norm(0.1)\n"};
    double norms[3], losses[3];
    for (int i = 0; i < 3; i++) {
        fv_model *model = model_of(nets[i]);
        fv_history *history = fit(model, data, .epochs = 10, .optimizer = "sgd(rate=0.1)");
        const float *w = fv_model_weight(model, 0).data;
        norms[i] = 0;
        for (int k = 0; k < 64; k++) norms[i] += w[2 * k] * w[2 * k];
        norms[i] = sqrt(norms[i]);
        losses[i] = fv_history_get(history, "loss", 0);
        fv_history_free(history), fv_model_free(model);
    }
    if (!(norms[1] < 0.5 * norms[0])) fail_msg("l2: expected weights below half of %g, got %g", norms[0], norms[1]);
    if (!(norms[2] <= 0.1 * (1 + 1e-6))) fail_msg("max_norm: expected at most 0.1, got %g", norms[2]);
    if (!(losses[1] > losses[0] + 0.5))
        fail_msg("the loss includes the penalty: expected well above %g, got %g", losses[0], losses[1]);
    fv_data_free(data);
}

/* ---- what the net says, what compile says ----------------------------------------------------------------------- */

static void the_train_line_gives_defaults(void **state) {
    (void)state;
    fv_data *data = data_of(32);
    fv_model *model = model_of("input 8x8x1\nflatten\ndense 2\npreprocess scale=1/100\n"
                               "train epochs=3 batch_size=8 optimizer=sgd(rate=0.5, momentum=0.5) schedule=cosine\n");
    watch w = {0};
    fv_history *history = fit(model, data, .on_event = on_event, .user = &w);
    assert_int_equal(fv_history_epochs(history), 3);
    assert_int_equal(w.steps, 12);
    check_near("rate", w.first_rate, 0.5, 1e-12);
    check_near("scale", fv_model_preprocess(model).scale, 0.01, 1e-12);
    fv_history_free(history);
    history = fit(model, data, .epochs = 1, .optimizer = "adam");
    assert_int_equal(fv_history_epochs(history), 1);
    fv_history_free(history), fv_model_free(model), fv_data_free(data);
}

static void compile_is_remembered(void **state) {
    (void)state;
    fv_error error = {0};
    fv_data *data = data_of(32);
    fv_net *net = parse("input 8x8x1\nflatten\ndense 2\n");
    fv_model *model = fv_compile(net, &error, .optimizer = "sgd(rate=0.25)", .loss = "categorical_crossentropy",
                                 .metrics = "accuracy top2", .seed = 3);
    if (!model) fail_msg("compile: %s", error.message);
    fv_net_free(net);
    assert_string_equal(fv_main_loss_name(fv_model_net(model)), "crossentropy");
    fv_history *history = fit(model, data, .epochs = 1);
    assert_string_equal(fv_history_metric_name(history, 2), "top2");
    fv_history *result = fv_evaluate(model, data, &error, .batch_size = 10);
    assert_string_equal(fv_history_metric_name(result, 2), "top2");
    fv_history_free(result);
    assert_string_equal(fv_model_note(model, "train.optimizer"), "sgd(rate=0.25)");
    fv_history_free(history), fv_model_free(model), fv_data_free(data);
}

/* ---- the folder
 * ----------------------------------------------------------------------------------------------------------------------
 */

static void a_folder_keeps_best_last_and_history(void **state) {
    (void)state;
    char folder[] = "fovea_train_XXXXXX", path[80];
    assert_non_null(mkdtemp(folder));
    fv_data *data = data_of(64);
    fv_model *model = model_of(small_net);
    fv_history *history = fit(model, data, .epochs = 3, .validation_split = 0.25, .folder = folder);
    snprintf(path, sizeof path, "%s/last.safetensors", folder);
    fv_error error = {0};
    fv_model *end = fv_model_load(path, &error), *best = fv_model_load(folder, &error);
    if (!end || !best) fail_msg("load: %s", error.message);
    assert_true(fv_model_hash(end) == fv_model_hash(model));
    assert_string_equal(fv_model_note(end, "train.epoch"), "3");
    remove(path);
    snprintf(path, sizeof path, "%s/history.jsonl", folder);
    FILE *file = fopen(path, "r");
    char line[1000];
    for (int e = 0; e < 3; e++) {
        assert_non_null(fgets(line, sizeof line, file));
        json_t *row = json_loads(line, 0, NULL);
        if (!row) fail_msg("not JSON: %s", line);
        assert_int_equal(json_integer_value(json_object_get(row, "epoch")), e + 1);
        check_near("val_loss with all its digits", json_real_value(json_object_get(row, "val_loss")),
                   fv_history_get(history, "val_loss", e), 0);
        json_decref(row);
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
    remove(path);
    static const char *const others[] = {"best.safetensors", "checkpoint.safetensors",
                                         "checkpoint.previous.safetensors"};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, others[i]);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(folder), 0); /* nothing else is left */
    fv_model_free(end), fv_model_free(best), fv_history_free(history), fv_model_free(model), fv_data_free(data);
}

/* ---- picture files ------------------------------------------------------------------------------------------------------
 */

static void a_picture_file_is_made_to_fit(void **state) {
    (void)state;
    unsigned char colours[16][16][3];
    for (int i = 0; i < 16 * 16 * 3; i++) (&colours[0][0][0])[i] = (unsigned char)(i * 37 % 251);
    fv_tensor picture = {FV_U8, {3, {16, 16, 3}}, colours}, grey, small, from_file, from_memory;
    fv_error error = {0};
    assert_int_equal(fv_png_write("fovea_train.png", &picture, &error), FV_OK);
    fv_model *model = model_of("input 8x8x1\nflatten\ndense 2\npreprocess scale=1/255 mean=0.5\n");
    if (fv_predict_file(model, "fovea_train.png", &from_file, &error)) fail_msg("%s", error.message);
    assert_int_equal(fv_picture_channels(&picture, 1, &grey, &error), FV_OK);
    assert_int_equal(fv_picture_resize(&grey, 8, 8, &small, &error), FV_OK);
    int32_t none = 0;
    small.shape = (fv_shape){4, {1, 8, 8, 1}};
    fv_data *data = fv_data_from_arrays(small, (fv_tensor){FV_I32, {1, {1}}, &none}, &error);
    if (!data || fv_predict(model, data, 0, 1, &from_memory, &error)) fail_msg("%s", error.message);
    assert_memory_equal(from_file.data, from_memory.data, 2 * sizeof(float));
    check_near("probabilities", ((float *)from_file.data)[0] + ((float *)from_file.data)[1], 1, 1e-6);
    fv_free(from_memory.data);
    remove("fovea_train.png");
    assert_int_equal(fv_predict_file(model, "no_such.png", &from_memory, &error), FV_E_FILE);
    fv_free(from_file.data), fv_free(grey.data), fv_free(small.data);
    fv_data_free(data), fv_model_free(model);
}

/* ---- what it refuses -------------------------------------------------------------------------------------------- */

static void refuses(const char *name, const char *net, fv_data *data, const char *message,
                    const fv_fit_options *options) {
    fv_error error = {0};
    fv_model *model = model_of(net);
    if (fv_fit_with(model, data, &error, options)) fail_msg("%s: expected an error", name);
    if (strcmp(error.message, message)) fail_msg("%s: expected \"%s\", got \"%s\"", name, message, error.message);
    fv_model_free(model);
}
#define REFUSE(name, net, data, message, ...) refuses(name, net, data, message, FV_OPTIONS(fv_fit_options, __VA_ARGS__))

static void mistakes_are_named(void **state) {
    (void)state;
    fv_data *data = data_of(64);
    static const char *const plain = "input 8x8x1\nflatten\ndense 2\n";
    REFUSE("size", "input 32x32x3\nflatten\ndense 2\n", data,
           "the data's 'picture' is u8 8x8x1, but the net's input 'input' is f32 32x32x3", .epochs = 1);
    REFUSE("epochs", plain, data, "epochs: expected 1 or more, got -1", .epochs = -1);
    REFUSE("no epochs", plain, data, "epochs: expected 1 or more, got 0", .epochs = FV_ZERO);
    REFUSE("optimizer", plain, data, "unknown optimizer 'adan'; did you mean 'adam'?", .optimizer = "adan");
    REFUSE("loss", plain, data, "unknown loss 'crossentrpy'; did you mean 'crossentropy'?", .loss = "crossentrpy");
    REFUSE("an operator that is no loss", plain, data,
           "unknown loss 'relu'; there are crossentropy, binary_crossentropy, mse, mae, hinge, rbf_loss",
           .loss = "relu");
    REFUSE("metrics", plain, data, "unknown metric 'accurcy'; did you mean 'accuracy'?", .metrics = "accurcy");
    REFUSE("schedule", plain, data, "unknown schedule 'cosin'; did you mean 'cosine'?", .schedule = "cosin");
    REFUSE("split", plain, data, "validation_split: expected 0 or more and below 1, got 1", .validation_split = 1);
    REFUSE("tiny split", plain, data, "fit: validation_split=0.001 of 64 samples leaves none for validation",
           .validation_split = 0.001);
    REFUSE("train line", "input 8x8x1\nflatten\ndense 2\ntrain epoch=3\n", data,
           "the net's train line: unknown 'epoch'; did you mean 'epochs'?", .epochs = 1);
    REFUSE("means", "input 8x8x1\nflatten\ndense 2\npreprocess mean=1,2,3\n", data,
           "preprocessing has means for 3 channels, the net's input has 1", .epochs = 1);
    REFUSE("folder", plain, data, "cannot make the folder: No such file or directory", .folder = "no/such/place");
    fv_data_free(data);
}

static int read_wrong_class(void *user, int64_t index, void *const *out) {
    (void)user;
    memset(out[0], 0, 64);
    *(int32_t *)out[1] = index == 5 ? 7 : 1;
    return 0;
}

static void classes_beyond_the_answers_are_refused(void **state) {
    (void)state;
    const fv_data_field fields[] = {{"picture", FV_U8, {3, {8, 8, 1}}, false}, {"class", FV_I32, {0, {0}}, true}};
    fv_error error = {0};
    fv_data *data = fv_data_from_callback(10, fields, 2, read_wrong_class, NULL, &error);
    if (!data) fail_msg("%s", error.message);
    fv_model *model = model_of("input 8x8x1\nflatten\ndense 2\n");
    assert_null(fv_fit(model, data, &error, .epochs = 1));
    if (!strstr(error.message, "7")) fail_msg("expected a sentence about class 7, got \"%s\"", error.message);
    fv_model_free(model), fv_data_free(data);
}

static void a_loss_that_is_no_number_stops(void **state) {
    (void)state;
    fv_data *data = data_of(64);
    fv_model *model = model_of("input 8x8x1\nflatten\ndense 8\ndense 2\n");
    fv_error error = {0};
    assert_null(fv_fit(model, data, &error, .epochs = 50, .loss = "mse", .learning_rate = 1e20, .optimizer = "sgd"));
    assert_int_equal(error.status, FV_E_NUMBER);
    if (!strstr(error.message, "the loss is not finite") || !strstr(error.message, "epoch"))
        fail_msg("expected epoch and step, got \"%s\"", error.message);
    fv_model_free(model), fv_data_free(data);
}

static void no_memory_is_an_error_and_leaks_nothing(void **state) {
    (void)state;
    fv_data *data = data_of(32);
    int failures = 0;
    for (int n = 0; n < 5000; n++, failures++) {
        fv_error error = {0};
        fv_model *model = model_of("input 8x8x1\nflatten\ndense 2\n");
        fv_alloc_fail_after(n);
        fv_history *history = fv_fit(model, data, &error, .epochs = 1, .validation_split = 0.25, .threads = 1);
        fv_alloc_fail_after(-1);
        if (!history && !error.message[0]) fail_msg("allocation %d: expected a sentence", n);
        fv_model_free(model);
        fv_history_free(history);
        if (history) break;
    }
    if (failures < 20 || failures == 5000) fail_msg("expected a failure for each of the allocations, got %d", failures);
    fv_data_free(data);
}

static int make(void **state) {
    (void)state;
    make_pictures();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_learns),
                                       cmocka_unit_test(the_bits_do_not_depend_on_threads),
                                       cmocka_unit_test(a_step_allocates_nothing),
                                       cmocka_unit_test(a_callback_can_stop),
                                       cmocka_unit_test(the_schedule_sets_the_rate),
                                       cmocka_unit_test(a_loss_is_added_once),
                                       cmocka_unit_test(losses_follow_the_end_of_the_net),
                                       cmocka_unit_test(numbers_are_learned_with_mse),
                                       cmocka_unit_test(regularizers_and_constraints_act),
                                       cmocka_unit_test(the_train_line_gives_defaults),
                                       cmocka_unit_test(compile_is_remembered),
                                       cmocka_unit_test(a_folder_keeps_best_last_and_history),
                                       cmocka_unit_test(a_picture_file_is_made_to_fit),
                                       cmocka_unit_test(no_memory_is_an_error_and_leaks_nothing),
                                       cmocka_unit_test(mistakes_are_named),
                                       cmocka_unit_test(classes_beyond_the_answers_are_refused),
                                       cmocka_unit_test(a_loss_that_is_no_number_stops)};
    return cmocka_run_group_tests(tests, make, NULL);
}
