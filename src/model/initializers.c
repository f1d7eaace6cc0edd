/* initializers.c - how weights are drawn before training. Every draw is a function of (seed, name of the weight,
 * index), so a weight starts the same wherever it stands in the net. */
#include "initializers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "philox.h"
#include "spec.h"

const fv_initializer fv_initializers[] = {
#define FV_INITIALIZER(name, arguments, function, help) {#name, help, arguments, function},
#include "initializers.def"
#undef FV_INITIALIZER
};

int fv_initializer_count(void) { return (int)(sizeof fv_initializers / sizeof fv_initializers[0]); }

/* An argument `rest` is another initializer, as the number of its record. */
static fv_status name_rest(fv_spec *spec, const char *arguments, fv_error *error) {
    int position = fv_spec_argument(arguments, "rest");
    for (int i = 0; position >= 0 && i < spec->count; i++) {
        if (spec->key[i][0] ? strcmp(spec->key[i], "rest") != 0 : i != position) continue;
        fv_spec rest;
        fv_status status = fv_spec_parse(spec->value[i], "initializer", &rest, error);
        if (status) return status;
        int at = fv_spec_find(&rest, "initializer", fv_initializers, sizeof fv_initializers[0], fv_initializer_count(),
                              error);
        if (at < 0) return FV_E_ARGUMENT;
        if (fv_spec_argument(fv_initializers[at].arguments, "rest") >= 0)
            return fv_fail(error, FV_E_ARGUMENT, "initializer '%s': the rest cannot be %s again", spec->text,
                           rest.name);
        snprintf(spec->value[i], sizeof spec->value[i], "%d", at);
    }
    return FV_OK;
}

const fv_initializer *fv_find_initializer(const char *text, double arguments[8], fv_error *error) {
    fv_spec spec;
    if (fv_spec_parse(text, "initializer", &spec, error)) return NULL;
    int at =
        fv_spec_find(&spec, "initializer", fv_initializers, sizeof fv_initializers[0], fv_initializer_count(), error);
    if (at < 0 || name_rest(&spec, fv_initializers[at].arguments, error)) return NULL;
    if (fv_spec_numbers(&spec, "initializer", fv_initializers[at].arguments, arguments, error)) return NULL;
    return &fv_initializers[at];
}

fv_status fv_initialize(const char *text, float *out, const fv_shape *shape, const char *axes, uint64_t seed,
                        const char *name, fv_error *error) {
    double arguments[FV_SPEC_ARGUMENTS];
    const fv_initializer *initializer = fv_find_initializer(text, arguments, error);
    if (!initializer) return FV_E_ARGUMENT;
    return initializer->fill(out, shape, axes, arguments, seed, fv_hash_text(name), error);
}

fv_fans fv_fans_of(const fv_shape *shape, const char *axes) {
    double k = 1, i = 0, o = 0, c = 0, connections = 0; /* a connection of a table is a channel of its own */
    for (int d = 0; d < shape->rank; d++) {
        double size = (double)shape->dim[d];
        /* without letters: Keras's order, kernel sizes first, then in and out */
        char letter = axes && axes[d] ? axes[d] : d == shape->rank - 1 ? 'o' : d == shape->rank - 2 ? 'i' : 'k';
        double *kind = letter == 'i' ? &i : letter == 'o' ? &o : letter == 'c' ? &c : letter == 'n' ? &connections : &k;
        *kind = *kind > 0 ? *kind * size : size;
        if (!axes || !axes[d]) axes = NULL;
    }
    if (connections > 0) i = o = 1;
    if (i == 0) i = c > 0 ? c : o;
    if (o == 0) o = c > 0 ? c : i;
    fv_fans fans = {fmax(1, k * i), fmax(1, k * o)};
    return fans;
}

#define FILL(name)                                                                                                     \
    fv_status name(float *out, const fv_shape *shape, const char *axes, const double *numbers, uint64_t seed,          \
                   uint64_t key, fv_error *error)
#define UNUSED_BUT(...) (void)axes, (void)numbers, (void)seed, (void)key, (void)error

static fv_status fill_value(float *out, const fv_shape *shape, double value) {
    int64_t count = fv_shape_count(shape);
    for (int64_t i = 0; i < count; i++) out[i] = (float)value;
    return FV_OK;
}

static fv_status fill_uniform(float *out, const fv_shape *shape, double low, double high, uint64_t seed, uint64_t key) {
    fv_stream stream = fv_stream_new(seed, FV_FOR_WEIGHTS, 0, key);
    int64_t count = fv_shape_count(shape);
    for (int64_t i = 0; i < count; i++) out[i] = (float)(low + (high - low) * fv_uniform(&stream));
    return FV_OK;
}

static fv_status fill_normal(float *out, const fv_shape *shape, double mean, double deviation, double bound,
                             uint64_t seed, uint64_t key) {
    fv_stream stream = fv_stream_new(seed, FV_FOR_WEIGHTS, 0, key);
    int64_t count = fv_shape_count(shape);
    for (int64_t i = 0; i < count; i++) {
        double draw;
        do draw = fv_normal(&stream);
        while (fabs(draw) > bound);
        out[i] = (float)(mean + deviation * draw);
    }
    return FV_OK;
}

FILL(fv_fill_zeros) { return UNUSED_BUT(), fill_value(out, shape, 0); }
FILL(fv_fill_ones) { return UNUSED_BUT(), fill_value(out, shape, 1); }
FILL(fv_fill_constant) { return UNUSED_BUT(), fill_value(out, shape, numbers[0]); }

FILL(fv_fill_normal) {
    UNUSED_BUT();
    if (numbers[1] < 0) return fv_fail(error, FV_E_ARGUMENT, "normal: expected deviation >= 0, got %g", numbers[1]);
    return fill_normal(out, shape, numbers[0], numbers[1], INFINITY, seed, key);
}

FILL(fv_fill_truncated_normal) {
    UNUSED_BUT();
    if (numbers[1] < 0)
        return fv_fail(error, FV_E_ARGUMENT, "truncated_normal: expected deviation >= 0, got %g", numbers[1]);
    return fill_normal(out, shape, numbers[0], numbers[1], 2, seed, key);
}

FILL(fv_fill_uniform) {
    UNUSED_BUT();
    if (numbers[0] > numbers[1])
        return fv_fail(error, FV_E_ARGUMENT, "uniform: expected low <= high, got %g and %g", numbers[0], numbers[1]);
    return fill_uniform(out, shape, numbers[0], numbers[1], seed, key);
}

/* Keras draws the scaled normals truncated at two deviations, which leaves 0.8796 of the deviation; it divides by that.
 */
static const double truncated_deviation = 0.87962566103423978;

static fv_status scaled_uniform(float *out, const fv_shape *shape, double variance, uint64_t seed, uint64_t key) {
    double limit = sqrt(3 * variance);
    return fill_uniform(out, shape, -limit, limit, seed, key);
}

static fv_status scaled_normal(float *out, const fv_shape *shape, double variance, uint64_t seed, uint64_t key) {
    return fill_normal(out, shape, 0, sqrt(variance) / truncated_deviation, 2, seed, key);
}

static double glorot(const fv_shape *shape, const char *axes) {
    fv_fans fans = fv_fans_of(shape, axes);
    return 2 / (fans.in + fans.out);
}

FILL(fv_fill_glorot_uniform) { return UNUSED_BUT(), scaled_uniform(out, shape, glorot(shape, axes), seed, key); }
FILL(fv_fill_glorot_normal) { return UNUSED_BUT(), scaled_normal(out, shape, glorot(shape, axes), seed, key); }
FILL(fv_fill_he_uniform) { return UNUSED_BUT(), scaled_uniform(out, shape, 2 / fv_fans_of(shape, axes).in, seed, key); }
FILL(fv_fill_he_normal) { return UNUSED_BUT(), scaled_normal(out, shape, 2 / fv_fans_of(shape, axes).in, seed, key); }
FILL(fv_fill_lecun_uniform) {
    return UNUSED_BUT(), scaled_uniform(out, shape, 1 / fv_fans_of(shape, axes).in, seed, key);
}
FILL(fv_fill_lecun_normal) {
    return UNUSED_BUT(), scaled_normal(out, shape, 1 / fv_fans_of(shape, axes).in, seed, key);
}
/* gain sqrt(2 / (1 + 5)) times sqrt(3 / fan_in) */
FILL(fv_fill_pytorch_uniform) {
    return UNUSED_BUT(), scaled_uniform(out, shape, 1 / (3 * fv_fans_of(shape, axes).in), seed, key);
}

/* Gram-Schmidt, twice for accuracy, on `count` normal vectors of `length`: directions spread evenly over all bases. */
static void orthonormalize(double *vectors, int64_t count, int64_t length, fv_stream *stream) {
    for (int64_t v = 0; v < count; v++) {
        double *x = vectors + v * length, norm = 0;
        while (norm < 1e-6) { /* a draw that lies in the span of the others, which practically never happens */
            for (int64_t i = 0; i < length; i++) x[i] = fv_normal(stream);
            for (int64_t pass = 0; pass < 2 * v; pass++) {
                const double *y = vectors + pass % v * length;
                double dot = 0;
                for (int64_t i = 0; i < length; i++) dot += x[i] * y[i];
                for (int64_t i = 0; i < length; i++) x[i] -= dot * y[i];
            }
            norm = 0;
            for (int64_t i = 0; i < length; i++) norm += x[i] * x[i];
            norm = sqrt(norm);
        }
        for (int64_t i = 0; i < length; i++) x[i] /= norm;
    }
}

FILL(fv_fill_orthogonal) {
    UNUSED_BUT();
    if (shape->rank < 2)
        return fv_fail(error, FV_E_ARGUMENT, "orthogonal: expected two or more axes, got %d", shape->rank);
    int64_t cols = shape->dim[shape->rank - 1], rows = fv_shape_count(shape) / cols;
    bool tall = rows >= cols;
    int64_t vectors = tall ? cols : rows, length = tall ? rows : cols;
    double *basis = fv_alloc_array((size_t)(rows * cols), sizeof *basis);
    if (!basis) return fv_fail_memory(error, "an orthogonal matrix", (size_t)(rows * cols) * sizeof *basis);
    fv_stream stream = fv_stream_new(seed, FV_FOR_WEIGHTS, 0, key);
    orthonormalize(basis, vectors, length, &stream);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++)
            out[r * cols + c] = (float)(numbers[0] * (tall ? basis[c * length + r] : basis[r * length + c]));
    fv_free(basis);
    return FV_OK;
}

/* Output o < inputs copies input o: 1 in the middle of its window (behind it where the size is even), 0 elsewhere. */
FILL(fv_fill_identity) {
    const fv_initializer *rest = &fv_initializers[(int)numbers[0]];
    double standard[FV_SPEC_ARGUMENTS];
    int in = -1, to = -1;
    for (int d = 0; axes && d < shape->rank; d++) in = axes[d] == 'i' ? d : in, to = axes[d] == 'o' ? d : to;
    if (in < 0 || to < 0)
        return fv_fail(error, FV_E_ARGUMENT,
                       "identity: expected a weight from inputs to outputs, as conv and dense have");
    fv_find_initializer(rest->name, standard, NULL); /* its defaults */
    fv_status status = rest->fill(out, shape, axes, standard, seed, key, error);
    int64_t count = fv_shape_count(shape), inputs = shape->dim[in];
    for (int64_t k = 0; k < count && !status; k++) {
        int64_t at[FV_MAX_RANK] = {0}, left = k;
        bool middle = true;
        for (int d = shape->rank - 1; d >= 0; d--) at[d] = left % shape->dim[d], left /= shape->dim[d];
        for (int d = 0; d < shape->rank; d++) middle = middle && (d == in || d == to || at[d] == shape->dim[d] / 2);
        if (at[to] < inputs) out[k] = middle && at[in] == at[to] ? 1 : 0;
    }
    return status;
}
