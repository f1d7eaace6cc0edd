/* source_digits.c - "digits": 60,000 + 10,000 handwritten digits that need no file. Every sample is a pure function of
 * (seed, part, index); it is drawn when it is first asked for and then kept. */
#include "source.h"
#include "digits.h"
#include "memory.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const char *const parts[] = {"train", "test", NULL};
static const int64_t counts[] = {60000, 10000};

enum { BLANK, BEING_DRAWN, DRAWN };

typedef struct digits {
    uint64_t seed;
    int part;
    atomic_uchar *states;
    unsigned char *pictures;
    int32_t *classes;
    char description[80];
} digits;

/* Several threads may want the same sample: one draws it, the others wait these few microseconds. */
static const unsigned char *picture(const digits *self, int64_t index) {
    unsigned char *out = self->pictures + index * FV_DIGIT_PIXELS;
    atomic_uchar *state = &self->states[index];
    if (atomic_load_explicit(state, memory_order_acquire) == DRAWN) return out;
    unsigned char expected = BLANK;
    if (atomic_compare_exchange_strong(state, &expected, BEING_DRAWN)) {
        fv_digit_draw(self->seed, self->part, index, self->classes[index], out);
        atomic_store_explicit(state, DRAWN, memory_order_release);
    }
    while (atomic_load_explicit(state, memory_order_acquire) != DRAWN) sched_yield();
    return out;
}

static const void *direct(const fv_data *data, int64_t index, int field) {
    const digits *self = data->self;
    return field == 0 ? (const void *)picture(self, index) : &self->classes[index];
}

static fv_status read_sample(const fv_data *data, int64_t index, void *const *out, fv_error *error) {
    (void)error;
    memcpy(out[0], direct(data, index, 0), FV_DIGIT_PIXELS);
    memcpy(out[1], direct(data, index, 1), sizeof(int32_t));
    return FV_OK;
}

static int64_t class_of(const fv_data *data, int64_t index) { return ((const digits *)data->self)->classes[index]; }

static bool has_part(const fv_data *data, const char *part) {
    (void)data;
    return strcmp(part, parts[0]) == 0 || strcmp(part, parts[1]) == 0;
}

static void free_digits(digits *self) {
    if (!self) return;
    fv_free((void *)self->states);
    fv_free(self->pictures);
    fv_free(self->classes);
    fv_free(self);
}

static void close_digits(fv_data *data) { free_digits(data->self); }

static digits *make(uint64_t seed, int part, int64_t count) {
    digits *self = fv_alloc(sizeof *self);
    if (!self) return NULL;
    self->seed = seed;
    self->part = part;
    self->states = fv_alloc_array((size_t)count, sizeof *self->states); /* zeroed: BLANK */
    self->pictures = fv_alloc_array((size_t)count, FV_DIGIT_PIXELS);
    self->classes = fv_alloc_array((size_t)count, sizeof *self->classes);
    if (!self->states || !self->pictures || !self->classes) {
        free_digits(self);
        return NULL;
    }
    for (int64_t i = 0; i < count; i++) self->classes[i] = fv_digit_class(seed, part, i);
    snprintf(self->description, sizeof self->description, "digits (synthetic, seed %llu), %s part",
             (unsigned long long)seed, parts[part]);
    return self;
}

static bool recognises(const char *path) { return strcmp(path, "digits") == 0; }

static fv_status open_digits(const char *path, const char *part, const fv_data_options *options, fv_data *out,
                             fv_error *error) {
    int chosen;
    fv_status status = fv_data_choose_part(path, part, parts, &chosen, error);
    if (status != FV_OK) return status;
    int64_t count = counts[chosen];
    digits *self = make(options->seed, chosen, count);
    if (!self) return fv_fail_memory(error, "digits", (size_t)count * FV_DIGIT_PIXELS);
    *out = (fv_data){.count = count,
                     .field_count = 2,
                     .class_count = 10,
                     .description = self->description,
                     .scale = 1.0 / 255,
                     .class_of = class_of,
                     .read = read_sample,
                     .direct = direct,
                     .close = close_digits,
                     .has_part = has_part,
                     .self = self};
    out->fields[0] = (fv_data_field){
        .name = "picture", .dtype = FV_U8, .shape = {.rank = 3, .dim = {FV_DIGIT_SIDE, FV_DIGIT_SIDE, 1}}};
    out->fields[1] = (fv_data_field){.name = "class", .dtype = FV_I32, .target = true};
    return FV_OK;
}

const fv_source fv_source_digits = {
    .name = "digits",
    .help = "built-in synthetic handwritten digits, 28x28 grey, 60,000 to train and 10,000 to test",
    .builtin = true,
    .recognises = recognises,
    .open = open_digits,
};
