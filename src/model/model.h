/* model.h - a net with its weights, preprocessing and class names. */
#ifndef FV_MODEL_H
#define FV_MODEL_H

#include "plan.h"
#include "store.h"

typedef struct fv_note {
    char *key, *value;
} fv_note;

struct fv_model {
    fv_net *net;        /* one reference */
    fv_weights weights; /* by value id */
    int *weight_values; /* the values that are weights or states, in order */
    int weight_count;
    fv_preprocess preprocess;
    char **class_names;
    int class_count;
    fv_note *notes;
    int note_count, note_capacity;
    uint64_t seed;
};

/* Weights for values that were added to the net since the model was made (a loss, a layer): call it before planning a
 * run. */
fv_status fv_model_sync(fv_model *model, fv_error *error);
/* The net's `preprocess` lines: scale=1/255 mean=0.1307 deviation=0.3081, comma lists by channel; fit=crop crop=0.875
 * order=bgr. Zeros if there are none. */
fv_status fv_preprocess_from_net(const fv_net *net, fv_preprocess *out, fv_error *error);
const char *fv_fitting_name(fv_fitting fit); /* "crop" */
bool fv_fitting_parse(const char *text, fv_fitting *out);
/* The same from a text: "scale=1/255 mean=0.485,0.456,0.406". */
fv_status fv_preprocess_from_text(const char *text, fv_preprocess *out, fv_error *error);
/* Builds an empty model around one more reference of the net: no weights yet. For readers of model files. */
fv_model *fv_model_around(fv_net *net, fv_error *error);
/* Gives such a model memory for all its weights; the numbers are to be written. */
fv_status fv_model_allocate(fv_model *model, fv_error *error);

/* What fv_model_save writes: weights and all that describes them. The store borrows the weights. */
fv_status fv_model_to_store(const fv_model *model, fv_store *store, fv_error *error);
/* The model that a store holds; `name` is used in messages. Tensors in front of whose names stands FV_NOT_A_WEIGHT are
 * not looked at. */
fv_model *fv_model_from_store(const fv_store *store, const char *name, fv_error *error);
/* Class names and preprocessing alone, from the notes that fv_model_save keeps them in. */
fv_status fv_model_describe_from(fv_model *model, const fv_store *store, const char *name, fv_error *error);
#define FV_NOT_A_WEIGHT "training/"

/* Draws the initial value of one weight: one record per initializer, one line each in initializers.def. */
typedef struct fv_initializer {
    const char *name, *help; /* "he_normal" */
    const char *arguments;   /* "mean=0 deviation=0.05", or "" */
    fv_status (*fill)(float *out, const fv_shape *shape, const char *axes, const double *arguments, uint64_t seed,
                      uint64_t key, fv_error *error);
} fv_initializer;
fv_status fv_initialize(const char *text, float *out, const fv_shape *shape, const char *axes, uint64_t seed,
                        const char *name, fv_error *error);

#endif
