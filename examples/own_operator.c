/* own_operator.c - an operator of your own: y = x * sin(frequency * x), one trainable frequency for each channel.
 *
 * The record says how shapes follow from each other and what runs forward and backward; the network does the rest: it
 * makes the parameter, trains it and counts it.
 */
#include <fovea.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static int stop(const fv_error *error) {
    char line[1024];
    fprintf(stderr, "%s\n", fv_error_text(error, line, sizeof line));
    return 1;
}

static fv_status shape(void *user, const fv_shape *inputs, fv_shape *output, fv_shape *parameters, fv_error *error) {
    (void)user, (void)error;
    *output = inputs[0];
    parameters[0] = (fv_shape){1, {inputs[0].dim[inputs[0].rank - 1]}};
    return FV_OK;
}

static void forward(const fv_custom_call *call) {
    const float *x = call->inputs[0].data, *frequency = call->inputs[1].data;
    float *y = call->output->data;
    int64_t channels = call->inputs[1].shape.dim[0], count = fv_shape_count(&call->output->shape);
    for (int64_t i = 0; i < count; i++) y[i] = x[i] * sinf((1 + frequency[i % channels]) * x[i]);
}

static void backward(const fv_custom_call *call) {
    const float *x = call->inputs[0].data, *frequency = call->inputs[1].data, *dy = call->d_output->data;
    float *dx = call->d_inputs[0].data, *df = call->d_inputs[1].data; /* NULL where nobody wants it */
    int64_t channels = call->inputs[1].shape.dim[0], count = fv_shape_count(&call->output->shape);
    if (df) memset(df, 0, (size_t)channels * sizeof *df);
    for (int64_t i = 0; i < count; i++) {
        float f = 1 + frequency[i % channels], s = sinf(f * x[i]), c = cosf(f * x[i]);
        if (dx) dx[i] = dy[i] * (s + x[i] * f * c);
        if (df) df[i % channels] += dy[i] * x[i] * x[i] * c;
    }
}

/* What the network is to find out: x * sin(1.7 x). */
static int read_sample(void *user, int64_t index, void *const *out) {
    (void)user;
    float x = (float)(index % 200) / 50 - 2;
    *(float *)out[0] = x;
    *(float *)out[1] = x * sinf(1.7f * x);
    return 0;
}

int main(void) {
    fv_error error = {0};
    fv_net *net = fv_net_new();
    const fv_custom_op op = {.size = sizeof op,
                             .name = "wave",
                             .summary = "x * sin((1 + f) x)",
                             .inputs = 1,
                             .parameters = 1,
                             .parameter_names = {"frequency"},
                             .shape = shape,
                             .forward = forward,
                             .backward = backward};
    if (fv_net_register(net, &op, &error)) return stop(&error);

    fv_value x = fv_input(net, .channels = 1);
    fv_apply(net, "wave", &x, 1, "", &error);

    const fv_data_field fields[] = {{"x", FV_F32, {1, {1}}, false}, {"y", FV_F32, {1, {1}}, true}};
    fv_data *data = fv_data_from_callback(200, fields, 2, read_sample, NULL, &error);
    if (!data) return stop(&error);

    fv_model *model = fv_compile(net, &error, .loss = "mse", .optimizer = "adam(rate=0.02)");
    if (!model) return stop(&error);
    fv_history *history = fv_fit(model, data, &error, .epochs = 40, .batch_size = 20);
    if (!history) return stop(&error);

    float frequency = 1 + *(float *)fv_model_weight(model, fv_model_find_weight(model, "wave1.frequency")).data;
    printf("found frequency %.3f (1.7 was meant), loss %.6f\n", frequency, fv_history_get(history, "loss", 39));

    fv_history_free(history);
    fv_model_free(model);
    fv_net_free(net);
    fv_data_free(data);
    return fabsf(frequency - 1.7f) < 0.01f ? 0 : 1;
}
