/* Training that can be trusted: what counts how much, which epoch is best, what a step is made of, what is told before, during
 * and after trouble; and that a training with all of this goes on to the bits of one that never stopped. */
#include "check.h"
#include "files.h"

#include "fit.h"

static const char *const small = "input 28x28x1\n"
                                 "maxpool 4x4\n"
                                 "conv 4 3x3\n"
                                 "relu\n"
                                 "flatten\n"
                                 "dense 10\n";
static const char *const moody =
    "input 28x28x1\nmaxpool 4x4\nconv 3 3x3 activation=relu\nbatchnorm\nflatten\ndropout 0.2\ndense 10\n";

static fv_data *digits(int64_t count) {
    fv_data *data = fv_data_open("digits", &problem, .limit = count);
    if (!data) fail_msg("digits: %s", problem.message);
    return data;
}

static fv_model *model_of(const char *text) {
    fv_net *net = fv_net_parse(text, "test.net", NULL, 0, &problem);
    fv_model *model = net ? fv_model_new(net, 5, &problem) : NULL;
    if (!model) fail_msg("model: %s", problem.message);
    fv_net_free(net);
    return model;
}

static fv_history *fit_with(fv_model *model, fv_data *data, const fv_fit_options *options) {
    fv_history *history = fv_fit_with(model, data, &problem, options);
    if (!history) fail_msg("fit: %s", problem.message);
    return history;
}
#define fit(model, data, ...) fit_with(model, data, FV_OPTIONS(fv_fit_options, __VA_ARGS__))

/* The model after a training on so many digits. */
static fv_model *trained(const char *net, int64_t count, const fv_fit_options *options) {
    fv_data *data = digits(count);
    fv_model *model = model_of(net);
    fv_history_free(fit_with(model, data, options));
    fv_data_free(data);
    return model;
}
#define train(net, count, ...) trained(net, count, FV_OPTIONS(fv_fit_options, __VA_ARGS__))

static double farthest(const fv_model *a, const fv_model *b) {
    double most = 0;
    for (int i = 0; i < fv_model_weight_count(a); i++) {
        fv_tensor x = fv_model_weight(a, i), y = fv_model_weight(b, i);
        for (int64_t k = 0; k < fv_shape_count(&x.shape); k++)
            most = fmax(most, fabs((double)((float *)x.data)[k] - (double)((float *)y.data)[k]));
    }
    return most;
}

static double length_between(const fv_model *a, const fv_model *b) {
    double sum = 0;
    for (int i = 0; i < fv_model_weight_count(a); i++) {
        fv_tensor x = fv_model_weight(a, i), y = fv_model_weight(b, i);
        for (int64_t k = 0; k < fv_shape_count(&x.shape); k++) {
            double d = (double)((float *)x.data)[k] - (double)((float *)y.data)[k];
            sum += d * d;
        }
    }
    return sqrt(sum);
}

/* What a training said. */
typedef struct notes {
    char text[8192];
    fv_event begin;
    int64_t classes[2][10];
    int64_t stop_after; /* steps; 0: never */
} notes;

static int listen(void *user, const fv_event *event) {
    notes *n = user;
    size_t length = strlen(n->text);
    if (event->kind == FV_EVENT_NOTE) snprintf(n->text + length, sizeof n->text - length, "%s\n", event->text);
    if (event->kind == FV_EVENT_BEGIN) {
        n->begin = *event;
        for (int part = 0; part < 2; part++)
            for (int c = 0; event->class_samples[part] && c < event->class_count && c < 10; c++)
                n->classes[part][c] = event->class_samples[part][c];
    }
    return event->kind == FV_EVENT_STEP && n->stop_after && --n->stop_after == 0;
}

static void expect(const char *name, const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("%s: expected \"%s\" in \"%s\"", name, part, text);
}

/* ---- what counts how much --------------------------------------------------------------------------------------- */

static void balanced_weights_make_classes_count_the_same(void **state) {
    (void)state;
    double out[3];
    int64_t counts[3] = {30, 10, 0};
    assert_int_equal(fv_class_weights("balanced", counts, 3, out, &problem), FV_OK);
    check_near("many", out[0], 40.0 / 60, 1e-12);
    check_near("few", out[1], 2, 1e-12);
    check_near("none", out[2], 0, 0);
    assert_int_equal(fv_class_weights("1,2,1/2", counts, 3, out, &problem), FV_OK);
    check_near("as given", out[2], 0.5, 0);
    static const char *const bad[] = {"", "1,2", "1,2,3,4", "1,,3", "1,2,-1", "1,2,x", "balance"};
    for (int i = 0; i < 7; i++)
        if (!fv_class_weights(bad[i], counts, 3, out, &problem)) fail_msg("'%s': expected to be refused", bad[i]);
}

/* A weight of 2 for half of the classes and 0 for the others is a training on that half alone. */
static void a_class_weight_is_how_often_a_sample_counts(void **state) {
    (void)state;
    enum { N = 40 };
    static float pictures[N][4];
    static int32_t classes[N];
    for (int i = 0; i < N; i++) {
        classes[i] = i % 2;
        for (int k = 0; k < 4; k++) pictures[i][k] = (float)((i * 7 + k * 5) % 11) / 11;
    }
    fv_tensor x = {FV_F32, {2, {N, 4}}, pictures}, y = {FV_I32, {1, {N}}, classes};
    fv_data *data = fv_data_from_arrays(x, y, &problem);
    int64_t even[N / 2];
    for (int i = 0; i < N / 2; i++) even[i] = 2 * i;
    fv_data *half = fv_data_subset(data, even, N / 2, &problem);
    assert_non_null(half);
    fv_model *a = model_of("input 4\ndense 2\n"), *b = model_of("input 4\ndense 2\n");
    fv_history *weighted =
        fit(a, data, .epochs = 3, .batch_size = N, .optimizer = "sgd(rate=1)", .class_weights = "2,0");
    fv_history *alone = fit(b, half, .epochs = 3, .batch_size = N, .optimizer = "sgd(rate=1)");
    check_near("weights", farthest(a, b), 0, 1e-6);
    check_near("loss", fv_history_get(weighted, "loss", 2), fv_history_get(alone, "loss", 2), 1e-6);
    fv_history_free(weighted), fv_history_free(alone);
    fv_model_free(a), fv_model_free(b), fv_data_free(half), fv_data_free(data);
}

static void folds_cover_everything_and_never_overlap(void **state) {
    (void)state;
    enum { N = 103, K = 5 };
    fv_data *data = digits(N);
    int seen[N] = {0};
    for (int fold = 1; fold <= K; fold++) {
        int64_t *train, *held, trains, helds, counts[10] = {0};
        assert_int_equal(fv_data_fold(data, fold, K, 7, &train, &trains, &held, &helds, &problem), FV_OK);
        assert_int_equal(trains + helds, N);
        int in[N] = {0};
        for (int64_t i = 0; i < helds; i++) seen[held[i]]++, in[held[i]]++;
        for (int64_t i = 0; i < trains; i++) in[train[i]]++;
        for (int i = 0; i < N; i++)
            if (in[i] != 1) fail_msg("fold %d: sample %d: expected once, got %d times", fold, i, in[i]);
        fv_count_classes(data, held, helds, counts);
        for (int c = 0; c < 10; c++)
            if (counts[c] < 1 || counts[c] > 3) fail_msg("fold %d, class %d: %d samples", fold, c, (int)counts[c]);
        fv_free(train), fv_free(held);
    }
    for (int i = 0; i < N; i++) assert_int_equal(seen[i], 1);
    fv_data_free(data);
}

/* ---- which epoch ------------------------------------------------------------------------------------------------ */

static void stopping_is_as_patient_as_it_says(void **state) {
    (void)state;
    static const double loss[] = {3, 2, 1.9995, 2.5, 1.9996, 1, 5};
    fv_history *h = fv_history_new(2, 10, &problem);
    fv_history_name(h, 0, "", "loss", &problem), fv_history_name(h, 1, "val_", "accuracy", &problem);
    fv_stopping by_loss, by_accuracy;
    assert_int_equal(fv_stopping_read(&by_loss, "loss(patience=3, min_change=0.001)", h, &problem), FV_OK);
    assert_int_equal(fv_stopping_read(&by_accuracy, "val_accuracy(1)", h, &problem), FV_OK);
    for (int e = 0; e < 7; e++) {
        fv_history_add(h, (double[]){loss[e], -loss[e]});
        bool due = fv_stopping_due(&by_loss, h); /* 1.9995 is no change worth the name: 3 epochs after the second */
        if (due != (e == 4)) fail_msg("epoch %d: expected %d, got %d", e + 1, e == 4, due);
    }
    assert_int_equal(fv_stopping_best(&by_loss, h), 5);
    assert_int_equal(fv_stopping_best(&by_accuracy, h), 5);
    assert_true(fv_stopping_due(&by_accuracy, h));
    assert_int_not_equal(fv_stopping_read(&by_loss, "val_loss", h, &problem), FV_OK);
    expect("unknown", problem.message, "it has loss, val_accuracy");
    fv_history_free(h);
}

static void best_is_best_also_when_training_goes_on(void **state) {
    (void)state;
    for (int how = 0; how < 4; how++) {
        fv_data *data = digits(120);
        fv_model *model = model_of(moody);
        fv_history *h = fit(model, data, .epochs = 6, .batch_size = 16, .validation_split = 0.25, .learning_rate = 0.02,
                            .folder = temp_folder, .keep_best = true, .ema = how & 1 ? 0.9 : 0,
                            .early_stop = how & 2 ? "val_accuracy(100)" : NULL);
        const char *metric = how & 2 ? "val_accuracy" : "val_loss";
        int best = 0;
        for (int e = 0; e < 6; e++) {
            double now = fv_history_get(h, metric, e), then = fv_history_get(h, metric, best);
            if (how & 2 ? now > then : now < then) best = e;
        }
        fv_model *saved = fv_model_load(temp_folder, &problem);
        assert_int_equal(atoi(fv_model_note(saved, "train.epoch")), best + 1);
        assert_true(fv_model_hash(saved) == fv_model_hash(model));
        fv_data *again = digits(120);
        fv_model_free(saved), fv_model_free(model), fv_history_free(h), fv_data_free(data), fv_data_free(again);
        clean_temp(NULL);
    }
}

/* ---- what a step is made of ------------------------------------------------------------------------------------- */

static void accumulated_batches_are_one_large_batch(void **state) {
    (void)state;
    fv_model *many = train(small, 90, .epochs = 2, .batch_size = 8, .accumulate = 4, .optimizer = "sgd(rate=0.1)"),
             *large = train(small, 90, .epochs = 2, .batch_size = 32, .optimizer = "sgd(rate=0.1)"),
             *start = model_of(small);
    check_near("weights", farthest(many, large), 0, 1e-6);
    if (!(farthest(many, start) > 1e-3)) fail_msg("expected weights that moved");
    fv_model_free(many), fv_model_free(large), fv_model_free(start);
}

static void gradients_are_clipped(void **state) {
    (void)state;
    fv_model *start = model_of(small);
    fv_model *by_value =
        train(small, 32, .epochs = 1, .batch_size = 32, .optimizer = "sgd(rate=1)", .clip_value = 1e-3);
    fv_model *by_norm = train(small, 32, .epochs = 1, .batch_size = 32, .optimizer = "sgd(rate=1)", .clip_norm = 0.01);
    fv_model *wide = train(small, 32, .epochs = 1, .batch_size = 32, .optimizer = "sgd(rate=1)", .clip_norm = 1e6);
    fv_model *free_step = train(small, 32, .epochs = 1, .batch_size = 32, .optimizer = "sgd(rate=1)");
    check_near("the largest number", farthest(start, by_value), 1e-3, 1e-6);
    check_near("the length", length_between(start, by_norm), 0.01, 1e-6);
    assert_true(fv_model_hash(wide) == fv_model_hash(free_step));
    fv_model_free(start), fv_model_free(by_value), fv_model_free(by_norm), fv_model_free(wide),
        fv_model_free(free_step);
}

/* ---- trouble ---------------------------------------------------------------------------------------------------- */

static void the_first_layer_that_went_wrong_is_named(void **state) {
    (void)state;
    fv_data *data = digits(40);
    fv_model *model = model_of("input 28x28x1\nmaxpool 4x4\nfirst = conv 4 3x3 activation=relu\n"
                               "second = conv 4 3x3 activation=relu\nflatten\ndense 10\n");
    float *w = fv_model_weight(model, fv_model_find_weight(model, "second.weight")).data;
    for (int i = 0; i < 36 * 4; i++) w[i] = 3e38f;
    assert_null(fv_fit(model, data, &problem, .epochs = 1, .batch_size = 16, .folder = temp_folder));
    expect("an output", problem.message, "the first that is not finite is the output of second");
    expect("an output", problem.message, "epoch 1, step 1 of 3");
    expect("an output", problem.message, "last good checkpoint is the one before the first step");
    fv_model_free(model), fv_data_free(data);
    clean_temp(NULL);

    static float numbers[6][3];
    static int32_t classes[6] = {0, 1, 0, 1, 0, 1};
    numbers[4][1] = NAN;
    fv_tensor x = {FV_F32, {2, {6, 3}}, numbers}, y = {FV_I32, {1, {6}}, classes};
    data = fv_data_from_arrays(x, y, &problem);
    model = model_of("input 3\ndense 2\n");
    assert_null(fv_fit(model, data, &problem, .epochs = 1));
    expect("the data", problem.message, "of sample 4");
    fv_model_free(model), fv_data_free(data);
}

/* A stack of layers, with what makes depth trainable or without. */
static char *deep(bool helped, int layers) {
    fv_text text = {0};
    fv_text_add(&text, helped ? "block layer\n  conv 4 3x3 padding=1 bias=no\n  batchnorm\n  relu\n  add <- it, in\n"
                              : "block layer\n  conv 4 3x3 padding=1\n  relu\n");
    fv_text_printf(
        &text, "input 28x28x1\nmaxpool 4x4\nconv 4 3x3 padding=1\nrelu\nrepeat %d\n  layer\nglobalavgpool\ndense 10\n",
        layers);
    return fv_text_take(&text);
}

static void watching_finds_vanishing_gradients(void **state) {
    (void)state;
    for (int helped = 0; helped < 2; helped++) {
        char *text = deep(helped, 40);
        fv_data *data = digits(40);
        fv_model *model = model_of(text);
        notes said;
        memset(&said, 0, sizeof said);
        fv_history_free(
            fit(model, data, .epochs = 1, .batch_size = 20, .watch = true, .on_event = listen, .user = &said));
        if (!helped) expect("plain", said.text, "vanishing: conv1 .. ");
        if (helped && strstr(said.text, "vanishing"))
            fail_msg("with shortcuts: expected no warning, got %s", said.text);
        fv_model_free(model), fv_data_free(data), fv_free(text);
    }
}

static void watching_finds_dead_units_and_changes_nothing(void **state) {
    (void)state;
    fv_model *plain = train(moody, 60, .epochs = 2, .batch_size = 16, .validation_split = 0.2);
    notes said;
    memset(&said, 0, sizeof said);
    fv_model *watched = train(moody, 60, .epochs = 2, .batch_size = 16, .validation_split = 0.2, .watch = true,
                              .survey = true, .on_event = listen, .user = &said, .folder = temp_folder);
    assert_true(fv_model_hash(plain) == fv_model_hash(watched));
    assert_int_equal(said.begin.class_count, 10);
    assert_int_equal(said.begin.part_samples[0] + said.begin.part_samples[1], 60);
    int64_t sum = 0;
    for (int c = 0; c < 10; c++) sum += said.classes[0][c] + said.classes[1][c];
    assert_int_equal(sum, 60);
    assert_true(said.begin.epoch_seconds > 0 && said.begin.memory_needed > 0);
    fv_model_free(plain), fv_model_free(watched);
    clean_temp(NULL);

    fv_data *data = digits(40);
    fv_model *model = model_of(small);
    float *bias = fv_model_weight(model, fv_model_find_weight(model, "conv1.bias")).data;
    bias[2] = -1000;
    memset(&said, 0, sizeof said);
    fv_history_free(fit(model, data, .epochs = 1, .watch = true, .on_event = listen, .user = &said));
    expect("dead", said.text, "dead: 1 of 4 units of relu1");
    fv_model_free(model), fv_data_free(data);
}

static void samples_in_both_parts_are_told(void **state) {
    (void)state;
    fv_data *data = digits(50), *other = digits(20);
    fv_model *model = model_of(small);
    notes said;
    memset(&said, 0, sizeof said);
    fv_history_free(
        fit(model, data, .epochs = 1, .validation_data = other, .survey = true, .on_event = listen, .user = &said));
    assert_int_equal(said.begin.shared, 20);
    fv_model_free(model), fv_data_free(data), fv_data_free(other);
}

static void too_much_memory_is_refused_with_what_fits(void **state) {
    (void)state;
    fv_data *data = digits(300);
    fv_model *model = model_of(moody);
    assert_null(fv_fit(model, data, &problem, .epochs = 1, .batch_size = 256, .memory = 3 << 19));
    expect("too much", problem.message, "the largest batch that fits is ");
    int64_t fits = atoi(strstr(problem.message, "that fits is ") + 13);
    fv_history_free(fit(model, data, .epochs = 1, .batch_size = fits, .memory = 3 << 19));
    if (fv_fit(model, data, NULL, .epochs = 1, .batch_size = fits + fits / 4 + 8, .memory = 3 << 19))
        fail_msg("expected %d to be about the largest", (int)fits);
    fv_model_free(model), fv_data_free(data);
}

/* ---- going on --------------------------------------------------------------------------------------------------- */

static void everything_goes_on_to_the_same_bits(void **state) {
    (void)state;
#define ALL                                                                                                            \
    .epochs = 3, .batch_size = 8, .validation_split = 0.2, .class_weights = "balanced", .clip_value = 0.05,            \
    .clip_norm = 0.1, .accumulate = 2, .ema = 0.95, .watch = true, .folder = temp_folder, .save_seconds = FV_ZERO
    fv_model *whole = train(moody, 80, ALL, .threads = 1);
    uint64_t hash = fv_model_hash(whole);
    fv_model_free(whole);
    clean_temp(NULL);
    for (int step = 1; step <= 12; step++) {
        notes said;
        memset(&said, 0, sizeof said);
        said.stop_after = step;
        fv_model_free(train(moody, 80, ALL, .on_event = listen, .user = &said));
        fv_model *resumed =
            train(moody, 80, .resume = true, .folder = temp_folder, .watch = true, .threads = 1 + step % 3);
        if (fv_model_hash(resumed) != hash) fail_msg("stopped after step %d: expected the same bits", step);
        fv_model *best = fv_model_load(temp_folder, &problem);
        assert_non_null(best);
        fv_model_free(best), fv_model_free(resumed);
        clean_temp(NULL);
    }
    notes said;
    memset(&said, 0, sizeof said);
    said.stop_after = 2;
    fv_model_free(train(moody, 80, ALL, .on_event = listen, .user = &said));
    fv_data *data = digits(80);
    fv_model *model = model_of(moody);
    assert_null(fv_fit(model, data, &problem, .resume = true, .folder = temp_folder, .accumulate = 4));
    expect("refused", problem.message, "another number of batches in a step: it was 2, now 4");
    assert_null(fv_fit(model, data, &problem, .resume = true, .folder = temp_folder, .ema = 0.5));
    assert_null(fv_fit(model, data, &problem, .resume = true, .folder = temp_folder, .class_weights = "none"));
    fv_model_free(model), fv_data_free(data);
}

/* ---- levers ----------------------------------------------------------------------------------------------------- */

static void averages_follow_their_definition(void **state) {
    (void)state;
    fv_model *start = model_of(small), *after[3], *mean;
    static const int64_t steps[] = {1, 2, 3};
    for (int i = 0; i < 3; i++)
        after[i] = train(small, 16, .epochs = steps[i], .batch_size = 16, .optimizer = "sgd(rate=0.5)");
    mean = train(small, 16, .epochs = 3, .batch_size = 16, .optimizer = "sgd(rate=0.5)", .ema = 0.2);
    const float *w0 = fv_model_weight(start, 0).data, *got = fv_model_weight(mean, 0).data;
    for (int k = 0; k < 36; k++) {
        double expected = w0[k];
        for (int i = 0; i < 3; i++) {
            double keep = fmin(0.2, (1.0 + steps[i]) / (10 + steps[i]));
            expected = keep * expected + (1 - keep) * ((float *)fv_model_weight(after[i], 0).data)[k];
        }
        check_near("average", got[k], expected, 1e-6);
    }
    for (int i = 0; i < 3; i++) fv_model_free(after[i]);
    fv_model_free(start), fv_model_free(mean);
}

static void frozen_weights_and_statistics_stay(void **state) {
    (void)state;
    fv_model *start = model_of(moody);
    fv_model *model = train(moody, 40, .epochs = 2, .batch_size = 16, .freeze = "conv1*, batchnorm1");
    for (int i = 0; i < fv_model_weight_count(model); i++) {
        const char *name = fv_model_weight_name(model, i);
        fv_tensor a = fv_model_weight(start, i), b = fv_model_weight(model, i);
        bool same = !memcmp(a.data, b.data, (size_t)fv_shape_count(&a.shape) * sizeof(float));
        bool frozen = strncmp(name, "dense", 5) != 0;
        if (same != frozen) fail_msg("%s: expected %s", name, frozen ? "to stay" : "to move");
    }
    fv_data *data = digits(20);
    assert_null(fv_fit(start, data, &problem, .epochs = 1, .freeze = "nothing*"));
    expect("a pattern", problem.message, "no weight or layer is called");
    assert_null(fv_fit(start, data, &problem, .epochs = 1, .freeze = "*"));
    fv_model_free(start), fv_model_free(model), fv_data_free(data);
}

static void a_model_starts_from_another_with_a_new_head(void **state) {
    (void)state;
    fv_model *from = train(small, 40, .epochs = 1);
    fv_model *model = model_of("input 28x28x1\nmaxpool 4x4\nconv 4 3x3\nrelu\nflatten\ndense 3\n"),
             *fresh = model_of("input 28x28x1\nmaxpool 4x4\nconv 4 3x3\nrelu\nflatten\ndense 3\n");
    assert_int_equal(fv_model_start_from(model, from, NULL, NULL, &problem), FV_OK);
    assert_memory_equal(fv_model_weight(model, 0).data, fv_model_weight(from, 0).data, 36 * sizeof(float));
    assert_memory_equal(fv_model_weight(model, 2).data, fv_model_weight(fresh, 2).data, 3 * sizeof(float));
    fv_model *other = model_of("input 3\nodd = dense 2\n");
    assert_int_not_equal(fv_model_start_from(other, from, NULL, NULL, &problem), FV_OK);
    fv_model_free(from), fv_model_free(model), fv_model_free(fresh), fv_model_free(other);
}

/* Soft thresholds need steps small against the bound: the rate falls to nothing. */
static void l1_empties_an_overgrown_net(void **state) {
    (void)state;
    fv_model *model = train("input 28x28x1\nmaxpool 4x4\nflatten\n"
                            "wide = dense 64 kernel_regularizer=l1(0.03) activation=relu\ndense 10\n",
                            100, .epochs = 200, .batch_size = 50, .optimizer = "sgd(rate=0.05)", .schedule = "cosine");
    fv_tensor w = fv_model_weight(model, fv_model_find_weight(model, "wide.weight"));
    int64_t count = fv_shape_count(&w.shape), near = 0;
    for (int64_t k = 0; k < count; k++) near += fabsf(((float *)w.data)[k]) < 1e-4f;
    if (2 * near <= count) fail_msg("expected more than half of %d below 1e-4, got %d", (int)count, (int)near);
    fv_model_free(model);
}

/* The step of a net of one layer by its definition: z = x w; d = (1-a) (p - t) + a T (p_T - q_T), w -= rate mean(x d). */
static void soft_targets_follow_their_definition(void **state) {
    (void)state;
    static float x[1][2] = {{1, -2}};
    static int32_t y[1] = {1};
    const double T = 3, a = 0.75, rate = 0.5;
    fv_tensor inputs = {FV_F32, {2, {1, 2}}, x}, targets = {FV_I32, {1, {1}}, y};
    fv_data *data = fv_data_from_arrays(inputs, targets, &problem);
    fv_model *student = model_of("input 2\ndense 2 bias=no\n"), *teacher = model_of("input 2\ndense 2 bias=no\n");
    float *w = fv_model_weight(student, 0).data, *v = fv_model_weight(teacher, 0).data, before[4];
    for (int i = 0; i < 4; i++) before[i] = w[i] = 0.3f * (float)i - 0.4f, v[i] = 0.9f - 0.5f * (float)i;
    double z[2], u[2], d[2];
    for (int k = 0; k < 2; k++) z[k] = x[0][0] * w[k] + x[0][1] * w[2 + k], u[k] = x[0][0] * v[k] + x[0][1] * v[2 + k];
    for (int k = 0; k < 2; k++) {
        double p = 1 / (1 + exp(z[1 - k] - z[k])), soft = 1 / (1 + exp((z[1 - k] - z[k]) / T));
        double q = 1 / (1 + exp((u[1 - k] - u[k]) / T));
        d[k] = (1 - a) * (p - (k == 1)) + a * T * (soft - q);
    }
    fv_history *h = fit(student, data, .epochs = 1, .optimizer = "sgd(rate=0.5)", .teacher = teacher, .temperature = T,
                        .teacher_weight = a, .validation_data = data);
    for (int i = 0; i < 4; i++) check_near("weight", w[i], before[i] - rate * x[0][i / 2] * d[i % 2], 1e-6);
    for (int k = 0; k < 2; k++) z[k] = x[0][0] * w[k] + x[0][1] * w[2 + k];
    check_near("validation sees hard labels alone", fv_history_get(h, "val_loss", 0), log(1 + exp(z[0] - z[1])), 1e-5);
    char *text = fv_net_text(fv_model_net(student));
    if (strstr(text, "teacher")) fail_msg("expected no teacher in the trained net:\n%s", text);
    fv_free(text);
    fv_history_free(h), fv_model_free(student), fv_model_free(teacher), fv_data_free(data);
}

/* One step of a net of one weight w = 0.5 and x = 2 without a loss of its own worth mention. */
static double step_of(const char *net, double target) {
    static float x[1][1] = {{2}};
    static float y[1][1];
    y[0][0] = (float)target;
    fv_tensor inputs = {FV_F32, {2, {1, 1}}, x}, targets = {FV_F32, {2, {1, 1}}, y};
    fv_data *data = fv_data_from_arrays(inputs, targets, &problem);
    fv_model *model = model_of(net);
    float *w = fv_model_weight(model, 0).data;
    *w = 0.5f;
    fv_history_free(fit(model, data, .epochs = 1, .optimizer = "sgd(rate=0.1)", .loss = "mse"));
    double after = *w;
    fv_model_free(model), fv_data_free(data);
    return after;
}

static void penalties_pull_as_they_say(void **state) {
    (void)state;
    check_near("none: the answer is right", step_of("input 1\ndense 1 bias=no\n", 1), 0.5, 1e-7);
    check_near("l2: w - rate * 2 * l2 * w", step_of("input 1\ndense 1 bias=no kernel_regularizer=l2(0.25)\n", 1), 0.475,
               1e-6);
    check_near("l1: w - rate * l1", step_of("input 1\ndense 1 bias=no kernel_regularizer=l1(0.25)\n", 1), 0.475, 1e-6);
    check_near("activity l2: w - rate * 2 * l2 * y * x",
               step_of("input 1\ndense 1 bias=no activity_regularizer=l2(0.25)\n", 1), 0.4, 1e-6);
    check_near("max_norm", step_of("input 1\ndense 1 bias=no kernel_constraint=max_norm(0.125)\n", 1), 0.125, 1e-7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(balanced_weights_make_classes_count_the_same),
        cmocka_unit_test(a_class_weight_is_how_often_a_sample_counts),
        cmocka_unit_test(folds_cover_everything_and_never_overlap),
        cmocka_unit_test(stopping_is_as_patient_as_it_says),
        cmocka_unit_test_setup_teardown(best_is_best_also_when_training_goes_on, make_temp, clean_temp),
        cmocka_unit_test(accumulated_batches_are_one_large_batch),
        cmocka_unit_test(gradients_are_clipped),
        cmocka_unit_test_setup_teardown(the_first_layer_that_went_wrong_is_named, make_temp, clean_temp),
        cmocka_unit_test(watching_finds_vanishing_gradients),
        cmocka_unit_test_setup_teardown(watching_finds_dead_units_and_changes_nothing, make_temp, clean_temp),
        cmocka_unit_test(samples_in_both_parts_are_told),
        cmocka_unit_test(too_much_memory_is_refused_with_what_fits),
        cmocka_unit_test_setup_teardown(everything_goes_on_to_the_same_bits, make_temp, clean_temp),
        cmocka_unit_test(averages_follow_their_definition),
        cmocka_unit_test(frozen_weights_and_statistics_stay),
        cmocka_unit_test(a_model_starts_from_another_with_a_new_head),
        cmocka_unit_test(soft_targets_follow_their_definition),
        cmocka_unit_test(penalties_pull_as_they_say),
        cmocka_unit_test(l1_empties_an_overgrown_net)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
