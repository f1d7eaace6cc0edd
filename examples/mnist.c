/* mnist.c - handwritten digits with a convolutional network: the example of many courses, line for line.
 *
 *     model = Sequential()
 *     model.add(Conv2D(32, (3, 3), activation='relu', input_shape=(28, 28, 1)))
 *     model.add(MaxPooling2D((2, 2)))
 *     model.add(Conv2D(64, (3, 3), activation='relu'))
 *     model.add(MaxPooling2D((2, 2)))
 *     model.add(Conv2D(64, (3, 3), activation='relu'))
 *     model.add(Flatten())
 *     model.add(Dense(64, activation='relu'))
 *     model.add(Dense(10, activation='softmax'))
 *     model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
 *     history = model.fit(train, epochs=5, batch_size=64, validation_split=0.1, shuffle=True)
 *     model.evaluate(test)
 *
 * Data: "digits", which is built in, or a folder with MNIST's files. Fewer epochs and samples make it quick:
 *
 *     example_mnist [DATA [EPOCHS [SAMPLES]]]
 */
#include <fovea.h>

#include <stdio.h>
#include <stdlib.h>

static int stop(const fv_error *error) {
    char line[1024];
    fprintf(stderr, "%s\n", fv_error_text(error, line, sizeof line));
    return 1;
}

int main(int count, char **words) {
    const char *path = count > 1 ? words[1] : "digits";
    int epochs = count > 2 ? atoi(words[2]) : 5, samples = count > 3 ? atoi(words[3]) : 0;
    char test_path[4096];
    snprintf(test_path, sizeof test_path, "%s:test", path);

    fv_error error = {0};
    fv_data *train = fv_data_open(path, &error, .limit = samples);
    if (!train) return stop(&error);
    fv_data *test = fv_data_open(test_path, &error, .limit = samples);
    if (!test) return stop(&error);

    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 28, .width = 28, .channels = 1);
    x = fv_conv(x, .filters = 32, .kernel = {3, 3}, .activation = FV_RELU);
    x = fv_maxpool(x, .window = {2, 2});
    x = fv_conv(x, .filters = 64, .kernel = {3, 3}, .activation = FV_RELU);
    x = fv_maxpool(x, .window = {2, 2});
    x = fv_conv(x, .filters = 64, .kernel = {3, 3}, .activation = FV_RELU);
    x = fv_flatten(x);
    x = fv_dense(x, .units = 64, .activation = FV_RELU);
    x = fv_dense(x, .units = 10, .activation = FV_SOFTMAX);

    fv_model *model = fv_compile(net, &error, .optimizer = "adam", .loss = "crossentropy", .metrics = "accuracy");
    if (!model) return stop(&error);
    fv_history *history = fv_fit(model, train, &error, .epochs = epochs, .batch_size = 64, .validation_split = 0.1);
    if (!history) return stop(&error);
    fv_history *result = fv_evaluate(model, test, &error, .batch_size = 64);
    if (!result) return stop(&error);

    for (int epoch = 0; epoch < fv_history_epochs(history); epoch++)
        printf("epoch %d: loss %.4f, accuracy %.4f, val_loss %.4f, val_accuracy %.4f\n", epoch + 1,
               fv_history_get(history, "loss", epoch), fv_history_get(history, "accuracy", epoch),
               fv_history_get(history, "val_loss", epoch), fv_history_get(history, "val_accuracy", epoch));
    printf("test: loss %.4f, accuracy %.4f; weights %016llx\n", fv_history_get(result, "loss", 0),
           fv_history_get(result, "accuracy", 0), (unsigned long long)fv_model_hash(model));

    fv_history_free(result);
    fv_history_free(history);
    fv_model_free(model);
    fv_net_free(net);
    fv_data_free(test);
    fv_data_free(train);
    return 0;
}
