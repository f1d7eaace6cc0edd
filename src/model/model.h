/* model.h - a net with its weights, preprocessing and class names. */
#ifndef FV_MODEL_H
#define FV_MODEL_H

#include "plan.h"

typedef struct fv_note { char *key, *value; } fv_note;

struct fv_model {
    fv_net *net;                 /* one reference */
    fv_weights weights;          /* by value id */
    int *weight_values;          /* the values that are weights or states, in order */
    int weight_count;
    fv_preprocess preprocess;
    char **class_names; int class_count;
    fv_note *notes; int note_count, note_capacity;
    uint64_t seed;
};

/* Draws the initial value of one weight: one record per initializer, one line each in initializers.def. */
typedef struct fv_initializer {
    const char *name, *help;     /* "he_normal" */
    const char *arguments;       /* "mean=0 deviation=0.05", or "" */
    fv_status (*fill)(float *out, const fv_shape *shape, const char *axes, const double *arguments, uint64_t seed,
                      uint64_t key, fv_error *error);
} fv_initializer;
fv_status fv_initialize(const char *text, float *out, const fv_shape *shape, const char *axes, uint64_t seed, const char *name,
                        fv_error *error);

#endif
