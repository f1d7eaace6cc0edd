/* whiten.c - a first convolution that whitens: its filters are the eigenvectors of the covariance of patches of training pictures,
 * each divided by sqrt(eigenvalue + epsilon), then their negatives (after Page 2018, "How to train your ResNet", and Jordan 2024,
 * "94% on CIFAR-10 in 3.29 seconds on a single GPU"). Their answers are then uncorrelated and of equal size. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train.h"

/* ---- eigenvectors ----------------------------------------------------------------------------------------------- */

/* Turns rows and columns p and q by the angle that makes a[p][q] zero. */
static void rotate(double *a, double *vectors, int n, int p, int q) {
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < n; k++) {
        double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y, a[k * n + q] = s * x + c * y;
    }
    for (int k = 0; k < n; k++) {
        double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = c * x - s * y, a[q * n + k] = s * x + c * y;
        x = vectors[p * n + k], y = vectors[q * n + k];
        vectors[p * n + k] = c * x - s * y, vectors[q * n + k] = s * x + c * y;
    }
}

static double off_diagonal(const double *a, int n) {
    double sum = 0;
    for (int p = 0; p < n; p++)
        for (int q = 0; q < n; q++) sum += p == q ? 0 : a[p * n + q] * a[p * n + q];
    return sum;
}

/* Ascending by value; of each vector the largest component (the first of equals) is positive. */
static void put_in_order(double *values, double *vectors, int n) {
    for (int i = 0; i < n; i++) {
        int least = i, largest = 0;
        for (int j = i + 1; j < n; j++) least = values[j] < values[least] ? j : least;
        double value = values[i];
        values[i] = values[least], values[least] = value;
        for (int k = 0; k < n; k++) {
            double swap = vectors[i * n + k];
            vectors[i * n + k] = vectors[least * n + k], vectors[least * n + k] = swap;
        }
        for (int k = 1; k < n; k++)
            if (fabs(vectors[i * n + k]) > fabs(vectors[i * n + largest])) largest = k;
        for (int k = 0; k < n && vectors[i * n + largest] < 0; k++) {
            if (k == largest) continue;
            vectors[i * n + k] = -vectors[i * n + k];
        }
        vectors[i * n + largest] = fabs(vectors[i * n + largest]);
    }
}

void fv_eigenvectors(double *a, int n, double *values, double *vectors) {
    enum { SWEEPS = 60 };
    for (int i = 0; i < n * n; i++) vectors[i] = i % (n + 1) == 0;
    double whole = off_diagonal(a, n);
    for (int i = 0; i < n; i++) whole += a[i * n + i] * a[i * n + i];
    for (int sweep = 0; sweep < SWEEPS && off_diagonal(a, n) > 1e-28 * whole; sweep++)
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++)
                if (a[p * n + q] != 0) rotate(a, vectors, n, p, q);
    for (int i = 0; i < n; i++) values[i] = a[i * n + i];
    put_in_order(values, vectors, n);
}

/* ---- which layer ------------------------------------------------------------------------------------------------ */

enum { SAMPLES, EPSILON, MOST_TAPS = 512 };
static const char arguments_of[] = "samples=5000 epsilon=5e-4";

static fv_status check_layer(const fv_net *net, int index, const char *name, fv_error *error) {
    const fv_node *node = &net->nodes[index];
    const fv_value_info *read = &net->values[node->value_in[0]];
    if (strcmp(node->op->name, "conv"))
        return fv_fail(error, FV_E_ARGUMENT, "whiten: expected a convolution, %s is %s", name, node->op->name);
    if (read->kind != FV_KIND_INPUT || read->target)
        return fv_fail(error, FV_E_ARGUMENT, "whiten: expected a layer that reads the data, %s reads %s", name,
                       read->name);
    const fv_value_info *weight = &net->values[node->value_in[node->inputs]];
    const fv_shape *shape = &weight->type.shape, *in = &read->type.shape;
    if (weight->kind != FV_KIND_WEIGHT || shape->rank != in->rank ||
        shape->dim[shape->rank - 2] != in->dim[in->rank - 1])
        return fv_fail(error, FV_E_ARGUMENT, "whiten: expected %s to have filters of its own over all channels", name);
    for (int i = 0; i < 2; i++) { /* its window is that of neighbouring cells in their order */
        const fv_field *field = fv_find_field(node->op, i ? "flipped" : "data_format");
        const char *at = (const char *)node->fields + field->offset;
        if (i ? *(const bool *)at : *(const int *)at)
            return fv_fail(error, FV_E_ARGUMENT, "whiten: %s must not have %s=", name, field->name);
    }
    int64_t filters = shape->dim[shape->rank - 1], taps = fv_shape_count(shape) / filters;
    if (taps <= MOST_TAPS && (filters == taps || filters == 2 * taps)) return FV_OK;
    return fv_fail(error, FV_E_ARGUMENT,
                   "whiten: %s has windows of %lld numbers: expected %lld or %lld filters, got %lld", name,
                   (long long)taps, (long long)taps, (long long)(2 * taps), (long long)filters);
}

fv_status fv_whitening_read(const char *text, const fv_net *net, fv_whitening *out, fv_error *error) {
    char name[128], rest[160];
    size_t length = strcspn(text, "(");
    *out = (fv_whitening){.node = -1};
    while (length > 0 && text[length - 1] == ' ') length--;
    if (length >= sizeof name || strlen(text) >= sizeof rest)
        return fv_fail(error, FV_E_ARGUMENT, "whiten: a text of %zu characters is too long", strlen(text));
    memcpy(name, text, length);
    name[length] = 0;
    snprintf(rest, sizeof rest, "whiten%s", strchr(text, '(') ? strchr(text, '(') : "");
    fv_spec spec;
    double numbers[FV_SPEC_ARGUMENTS];
    fv_status status = fv_spec_parse(rest, "whiten", &spec, error);
    if (!status) status = fv_spec_numbers(&spec, "whiten", arguments_of, numbers, error);
    if (status) return status;
    if (!(numbers[SAMPLES] >= 1 && numbers[SAMPLES] <= 1e9) || !(numbers[EPSILON] >= 0))
        return fv_fail(error, FV_E_ARGUMENT, "whiten: expected samples of 1 or more and an epsilon of 0 or more");
    out->samples = (int64_t)numbers[SAMPLES], out->epsilon = numbers[EPSILON];
    for (int k = 0; k < net->node_count; k++)
        if (!strcmp(net->nodes[k].name, name)) out->node = k;
    if (out->node < 0) return fv_fail(error, FV_E_ARGUMENT, "whiten: no layer is called '%s'", name);
    out->input = net->nodes[out->node].value_in[0];
    out->weight = net->nodes[out->node].value_in[net->nodes[out->node].inputs];
    return check_layer(net, out->node, name, error);
}

/* ---- patches ---------------------------------------------------------------------------------------------------- */

/* Pictures [n][size][channels] (leading sizes 1) and windows [window][channels] in them. */
typedef struct patches {
    const float *pictures;
    int64_t n, size[3], window[3], channels;
    int taps;
    double *sums;  /* [FV_SLOTS][taps][taps] of products, upper halves */
    double *patch; /* [FV_SLOTS][taps] */
} patches;

static void add_patch(const patches *p, const float *corner, double *patch, double *sums) {
    double *to = patch;
    int64_t run = p->window[2] * p->channels, row = p->size[2] * p->channels;
    for (int64_t d = 0; d < p->window[0]; d++)
        for (int64_t h = 0; h < p->window[1]; h++) {
            const float *from = corner + (d * p->size[1] + h) * row;
            for (int64_t k = 0; k < run; k++) *to++ = from[k];
        }
    for (int i = 0; i < p->taps; i++)
        for (int j = i; j < p->taps; j++) sums[i * p->taps + j] += patch[i] * patch[j];
}

static void add_slot(void *context, int64_t slot, int thread) {
    (void)thread;
    const patches *p = context;
    double *sums = p->sums + slot * p->taps * p->taps, *patch = p->patch + slot * p->taps;
    int64_t row = p->size[2] * p->channels, each = p->size[0] * p->size[1] * row;
    for (int64_t i = fv_slot(p->n, (int)slot); i < fv_slot(p->n, (int)slot + 1); i++)
        for (int64_t d = 0; d + p->window[0] <= p->size[0]; d++)
            for (int64_t h = 0; h + p->window[1] <= p->size[1]; h++)
                for (int64_t w = 0; w + p->window[2] <= p->size[2]; w++)
                    add_patch(p, p->pictures + i * each + (d * p->size[1] + h) * row + w * p->channels, patch, sums);
}

static patches patches_of(const fv_shape *pictures, const fv_shape *weight, double *sums, double *patch) {
    patches p = {.size = {1, 1, 1}, .window = {1, 1, 1}, .sums = sums, .patch = patch};
    int spatial = pictures->rank - 2;
    for (int d = 0; d < spatial; d++) {
        p.size[3 - spatial + d] = pictures->dim[1 + d];
        p.window[3 - spatial + d] = weight->dim[d];
    }
    p.channels = pictures->dim[pictures->rank - 1];
    p.taps = (int)(p.window[0] * p.window[1] * p.window[2] * p.channels);
    return p;
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static int64_t windows_in(const patches *p) {
    int64_t count = 1;
    for (int d = 0; d < 3; d++) count *= p->size[d] - p->window[d] + 1;
    return count;
}

/* Sums over the first samples, batch by batch, into the first slot. */
static fv_status add_pictures(patches *p, fv_feed *feed, fv_tensor input, const int64_t *order, int64_t samples,
                              int64_t batch, fv_pool *pool, fv_error *error) {
    p->pictures = input.data;
    for (int64_t first = 0; first < samples; first += batch) {
        p->n = samples - first < batch ? samples - first : batch;
        fv_status status = fv_feed_batch(feed, order, first, p->n, error);
        if (status) return status;
        fv_pool_run(pool, FV_SLOTS, add_slot, p);
    }
    for (int i = 0; i < p->taps * p->taps; i++)
        for (int s = 1; s < FV_SLOTS; s++) p->sums[i] += p->sums[(int64_t)s * p->taps * p->taps + i];
    return FV_OK;
}

/* Filters [taps][filters] from the covariance, which is lost. */
static void write_filters(double *covariance, double *vectors, double *values, int taps, double epsilon,
                          fv_tensor weight) {
    float *out = weight.data;
    int64_t filters = fv_shape_count(&weight.shape) / taps;
    fv_eigenvectors(covariance, taps, values, vectors);
    for (int64_t f = 0; f < filters; f++) {
        int64_t which = f % taps;
        double size = sqrt(fmax(values[which], 0) + epsilon), sign = f < taps ? 1 : -1;
        for (int t = 0; t < taps; t++)
            out[t * filters + f] = size > 0 ? (float)(sign * vectors[which * taps + t] / size) : 0;
    }
}

fv_status fv_whiten(const fv_whitening *whitening, fv_model *model, const fv_data *data, fv_run *run,
                    const int64_t *order, int64_t samples, fv_error *error) {
    const fv_plan *plan = fv_run_plan(run);
    fv_tensor weight = model->weights.of[whitening->weight];
    fv_tensor input = fv_run_operand(run, plan->of_value[whitening->input]);
    if (samples > whitening->samples) samples = whitening->samples;
    patches p = patches_of(&input.shape, &weight.shape, NULL, NULL);
    for (int d = 0; d < 3; d++)
        if (p.window[d] > p.size[d])
            return fv_fail(error, FV_E_SHAPE, "whiten: the pictures are smaller than the layer's window");
    size_t square = (size_t)p.taps * (size_t)p.taps;
    double *memory = fv_alloc_array((FV_SLOTS + 1) * square + (FV_SLOTS + 1) * (size_t)p.taps, sizeof *memory);
    if (!memory) return fv_fail_memory(error, "patches", FV_SLOTS * square * sizeof *memory);
    double *vectors = memory + FV_SLOTS * square, *values = vectors + square;
    p.sums = memory, p.patch = values + p.taps;
    fv_feed feed;
    fv_status status = fv_feed_begin(&feed, model, data, run, false, error);
    if (!status) status = add_pictures(&p, &feed, input, order, samples, plan->batch, fv_run_pool(run), error);
    fv_feed_end(&feed);
    double count = (double)samples * (double)windows_in(&p);
    for (int i = 0; i < p.taps && !status; i++)
        for (int j = i; j < p.taps; j++)
            memory[i * p.taps + j] = memory[j * p.taps + i] = memory[i * p.taps + j] / count;
    if (!status) write_filters(memory, vectors, values, p.taps, whitening->epsilon, weight);
    if (!status) fv_model_touch(model);
    fv_free(memory);
    return status;
}
