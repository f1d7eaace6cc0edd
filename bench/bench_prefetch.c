/* bench_prefetch.c - what batches ahead of time gain: seconds of an epoch with and without, for samples that take some
 * time to read.
 *   bench_prefetch [NET]    default mnist_cnn */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fovea.h"

enum { SAMPLES = 2048, SIDE = 28, TURNS = 4 };
static unsigned char pictures[SAMPLES][SIDE * SIDE];
static int32_t classes[SAMPLES];

/* As long as a decoder works on a picture: so many rounds over its bytes. */
static int read_sample(void *user, int64_t index, void *const *out) {
    const int *rounds = user;
    unsigned char *to = out[0], carry = 0;
    memcpy(to, pictures[index], sizeof pictures[0]);
    for (int r = 0; r < 2 * *rounds; r++) /* there and back */
        for (int i = 0; i < SIDE * SIDE; i++) carry = (unsigned char)(to[i] ^ carry * 7), to[i] ^= (unsigned char)r / 2;
    *(volatile unsigned char *)&carry;
    memcpy(to, pictures[index], sizeof pictures[0]);
    memcpy(out[1], &classes[index], sizeof classes[0]);
    return 0;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of the fastest of five epochs. */
typedef struct timing {
    double began, best;
} timing;
static int on_event(void *user, const fv_event *event) {
    timing *t = user;
    if (event->kind == FV_EVENT_EPOCH && now() - t->began < t->best) t->best = now() - t->began;
    if (event->kind != FV_EVENT_STEP) t->began = now();
    return 0;
}

static double epoch(const char *net_name, int rounds, bool no_prefetch) {
    static const fv_data_field fields[] = {{"picture", FV_U8, {3, {SIDE, SIDE, 1}}, false},
                                           {"class", FV_I32, {0, {0}}, true}};
    fv_error error = {0};
    fv_net *net = fv_net_load(net_name, NULL, 0, &error);
    fv_model *model = net ? fv_model_new(net, 0, &error) : NULL;
    fv_data *data = fv_data_from_callback(SAMPLES, fields, 2, read_sample, &rounds, &error);
    timing t = {.best = 1e9};
    fv_history *history = model && data ? fv_fit(model, data, &error, .epochs = 5, .batch_size = 64,
                                                 .no_prefetch = no_prefetch, .on_event = on_event, .user = &t)
                                        : NULL;
    if (!history) fprintf(stderr, "%s\n", error.message);
    fv_history_free(history), fv_model_free(model), fv_data_free(data), fv_net_free(net);
    return t.best;
}

int main(int argc, char **argv) {
    const char *net = argc > 1 ? argv[1] : "mnist_cnn";
    static const int rounds[] = {0, 5, 20, 80};
    fv_data *digits = fv_data_open("digits", NULL, .limit = SAMPLES);
    for (int i = 0; digits && i < SAMPLES; i++) fv_data_read(digits, i, (void *[]){pictures[i], &classes[i]}, NULL);
    fv_data_free(digits);
    printf("%s, %d samples, %d threads; seconds of an epoch, the best of twenty\n", net, SAMPLES, fv_threads());
    printf("us a sample   in the step   ahead   gain\n");
    for (int i = 0; i < 4; i++) {
        unsigned char sample[SIDE * SIDE];
        int32_t class;
        double began = now();
        for (int k = 0; k < SAMPLES; k++) read_sample((void *)&rounds[i], k, (void *[]){sample, &class});
        double each = (now() - began) / SAMPLES, within = 1e9, ahead = 1e9;
        for (int k = 0; k < 2 * TURNS; k++) { /* in turns, so that what else the machine does strikes both */
            double seconds = epoch(net, rounds[i], k % 2), *best = k % 2 ? &within : &ahead;
            if (seconds < *best) *best = seconds;
        }
        printf("%11.1f %13.3f %7.3f %5.1f%%\n", 1e6 * each, within, ahead, 100 * (within / ahead - 1));
    }
    return 0;
}
