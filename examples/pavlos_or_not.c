/* pavlos_or_not.c - the lectures' exercise: is this Pavlos or not? Two pictures are all there is to learn from; the rest is
 * augmentation. A dense network against a convolutional one: parameters, and how many pictures they know that were shifted, also
 * further than in training.
 *
 *     example_pavlos_or_not [PAVLOS.png NOT.png [EPOCHS]]
 *
 * The pictures that come with it are NASA's portrait of Eileen Collins (public domain) and Stefan van der Walt's cat Chelsea (CC0),
 * in examples/pavlos_or_not. It prints (20 epochs of 256 augmented pictures, AVX-512):
 *
 *     network        parameters   known when moved by up to      0      6     12     20     28 pixels
 *     dense              788642                            100.0% 100.0%  98.6%  91.1%  84.2%
 *     convolutional        6098                            100.0% 100.0% 100.0% 100.0%  98.6%
 *
 * Training moves the pictures by up to 6 pixels. What a convolution has learned at one place it knows everywhere. */
#include <fovea.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURES = 2, COPIES = 128 };

static int stop(const fv_error *error) {
    char line[1024];
    fprintf(stderr, "%s\n", fv_error_text(error, line, sizeof line));
    return 1;
}

/* ---- samples: the two pictures, in turn ------------------------------------------------------------------------- */

typedef struct gallery {
    fv_tensor picture[PICTURES];
    int reach; /* moved by up to so many pixels each way; what comes in at the border repeats it */
} gallery;

static int64_t within(int64_t at, int64_t size) { return at < 0 ? 0 : at >= size ? size - 1 : at; }

/* Sample `index` of a gallery with a reach r is moved by one of the (2r + 1)^2 shifts, each as often as any other. */
static int read_sample(void *user, int64_t index, void *const *out) {
    const gallery *g = user;
    const fv_tensor *picture = &g->picture[index % PICTURES];
    int64_t height = picture->shape.dim[0], width = picture->shape.dim[1], channels = picture->shape.dim[2];
    int64_t shift = index / PICTURES, span = 2 * g->reach + 1;
    int64_t down = shift / span % span - g->reach, right = shift % span - g->reach;
    const unsigned char *from = picture->data;
    unsigned char *to = out[0];
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            memcpy(to + (y * width + x) * channels,
                   from + (within(y - down, height) * width + within(x - right, width)) * channels, (size_t)channels);
    *(int32_t *)out[1] = (int32_t)(index % PICTURES);
    return 0;
}

static fv_data *open_gallery(gallery *g, int64_t count, fv_error *error) {
    fv_data_field fields[] = {{"picture", FV_U8, g->picture[0].shape, false}, {"class", FV_I32, {0, {0}}, true}};
    return fv_data_from_callback(count, fields, 2, read_sample, g, error);
}

/* ---- the two networks ------------------------------------------------------------------------------------------- */

static fv_value dense_network(fv_value x) {
    x = fv_dense(fv_flatten(x), .units = 64, .activation = FV_RELU);
    x = fv_dense(x, .units = 32, .activation = FV_RELU);
    return fv_dense(x, .units = PICTURES);
}

static fv_value convolutional_network(fv_value x) {
    for (int64_t filters = 8; filters <= 32; filters *= 2) {
        x = fv_conv(x, .filters = filters, .kernel = {3, 3}, .padding = {FV_SAME}, .activation = FV_RELU);
        x = fv_maxpool(x, .window = {2, 2});
    }
    return fv_dense(fv_globalavgpool(x), .units = PICTURES);
}

static fv_model *train(fv_value (*network)(fv_value), gallery *g, int epochs, fv_error *error) {
    const fv_shape *shape = &g->picture[0].shape;
    fv_net *net = fv_net_new();
    network(fv_input(net, .height = shape->dim[0], .width = shape->dim[1], .channels = shape->dim[2]));
    fv_model *model = fv_compile(net, error, .optimizer = "adam", .seed = 1);
    fv_net_free(net);
    if (!model) return NULL;
    fv_data *data = open_gallery(g, PICTURES * COPIES, error);
    fv_history *history =
        !data ? NULL
              : fv_fit(model, data, error, .epochs = epochs, .batch_size = 32, .augment = "hflip shift(6) cutout(16)");
    fv_data_free(data);
    fv_history_free(history);
    if (history) return model;
    fv_model_free(model);
    return NULL;
}

/* Accuracy on all shifts up to `reach`; below 0 and *error if it cannot be had. */
static double accuracy(fv_model *model, gallery g, int reach, fv_error *error) {
    g.reach = reach;
    fv_data *data = open_gallery(&g, PICTURES * (int64_t)(2 * reach + 1) * (2 * reach + 1), error);
    fv_history *result = data ? fv_evaluate(model, data, error, .metrics = "accuracy") : NULL;
    double value = result ? fv_history_get(result, "accuracy", 0) : -1;
    fv_history_free(result);
    fv_data_free(data);
    return value;
}

int main(int count, char **words) {
    static const int reaches[] = {0, 6, 12, 20, 28};
    const struct {
        const char *name;
        fv_value (*network)(fv_value);
    } networks[] = {{"dense", dense_network}, {"convolutional", convolutional_network}};
    const char *paths[PICTURES] = {count > 2 ? words[1] : "examples/pavlos_or_not/pavlos.png",
                                   count > 2 ? words[2] : "examples/pavlos_or_not/not.png"};
    int epochs = count > 3 ? atoi(words[3]) : 20, status = 0;
    fv_error error = {0};
    gallery g = {0};
    for (int p = 0; p < PICTURES; p++)
        if (fv_picture_read(paths[p], &g.picture[p], &error)) return stop(&error);
    if (!fv_shape_equal(&g.picture[0].shape, &g.picture[1].shape)) {
        fprintf(stderr, "%s and %s must be of one size\n", paths[0], paths[1]);
        return 1;
    }

    printf("network        parameters   known when moved by up to");
    for (size_t r = 0; r < sizeof reaches / sizeof *reaches; r++) printf("%7d", reaches[r]);
    printf(" pixels\n");
    for (int n = 0; n < 2 && !status; n++) {
        fv_model *model = train(networks[n].network, &g, epochs, &error);
        if (!model) return stop(&error);
        fv_summary *summary = fv_summarize(fv_model_net(model), NULL, &error);
        printf("%-13s %11lld %26s", networks[n].name, (long long)(summary ? fv_summary_total(summary).parameters : 0),
               "");
        for (size_t r = 0; r < sizeof reaches / sizeof *reaches && !status; r++) {
            double part = accuracy(model, g, reaches[r], &error);
            if (part < 0)
                status = stop(&error);
            else
                printf("%6.1f%%", 100 * part);
        }
        printf("\n");
        fv_summary_free(summary);
        fv_model_free(model);
    }
    for (int p = 0; p < PICTURES; p++) fv_free(g.picture[p].data);
    return status;
}
