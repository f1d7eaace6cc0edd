/* arrays.c - your own data: samples that lie in memory, samples that a callback makes; and progress while training.
 *
 * The task is made up: does a spiral turn left or right? Points of two spirals, told apart by a small dense network.
 */
#include <fovea.h>

#include <math.h>
#include <stdio.h>

enum { POINTS = 600 };

static int stop(const fv_error *error) {
    char line[1024];
    fprintf(stderr, "%s\n", fv_error_text(error, line, sizeof line));
    return 1;
}

/* Point `i` of the two spirals. */
static void spiral(int64_t i, float point[2], int32_t *arm) {
    double along = (double)(i / 2) / (POINTS / 2), angle = 5 * along;
    *arm = (int32_t)(i % 2);
    point[0] = (float)((0.1 + along) * cos(angle + 3.14159265 * *arm));
    point[1] = (float)((0.1 + along) * sin(angle + 3.14159265 * *arm));
}

/* A sample on demand: one buffer for each field. Nothing has to be in memory before it is asked for. */
static int read_sample(void *user, int64_t index, void *const *out) {
    (void)user;
    spiral(index, out[0], out[1]);
    return 0;
}

/* Called at every step; anything but 0 would stop the training. */
static int show(void *user, const fv_event *event) {
    int *shown = user;
    if (event->kind == FV_EVENT_EPOCH && event->epoch % 20 == 0) {
        printf("epoch %3lld: %s %.4f, %s %.4f\n", (long long)event->epoch, event->metric_names[0],
               event->metric_values[0], event->metric_names[1], event->metric_values[1]);
        ++*shown;
    }
    return 0;
}

int main(void) {
    static float points[POINTS][2];
    static int32_t arms[POINTS];
    for (int64_t i = 0; i < POINTS; i++) spiral(i, points[i], &arms[i]);

    fv_error error = {0};
    fv_tensor inputs = {FV_F32, {2, {POINTS, 2}}, points}, targets = {FV_I32, {1, {POINTS}}, arms};
    fv_data *from_memory = fv_data_from_arrays(inputs, targets, &error);
    if (!from_memory) return stop(&error);

    const fv_data_field fields[] = {{"point", FV_F32, {1, {2}}, false}, {"class", FV_I32, {0, {0}}, true}};
    fv_data *from_callback = fv_data_from_callback(POINTS, fields, 2, read_sample, NULL, &error);
    if (!from_callback) return stop(&error);

    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 2);
    x = fv_dense(x, .units = 32, .activation = FV_TANH);
    x = fv_dense(x, .units = 32, .activation = FV_TANH);
    x = fv_dense(x, .units = 2);

    fv_model *model = fv_compile(net, &error, .optimizer = "adam(rate=0.01)", .seed = 1);
    if (!model) return stop(&error);
    int shown = 0;
    fv_history *history =
        fv_fit(model, from_memory, &error, .epochs = 60, .batch_size = 50, .on_event = show, .user = &shown);
    if (!history) return stop(&error);
    fv_history *same = fv_evaluate(model, from_callback, &error, .batch_size = 100);
    if (!same) return stop(&error);
    double accuracy = fv_history_get(same, "accuracy", 0);
    printf("accuracy on the same points from the callback: %.4f\n", accuracy);

    fv_history_free(same);
    fv_history_free(history);
    fv_model_free(model);
    fv_net_free(net);
    fv_data_free(from_callback);
    fv_data_free(from_memory);
    return accuracy > 0.9 && shown == 3 ? 0 : 1;
}
