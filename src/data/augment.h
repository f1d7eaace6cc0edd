/* augment.h - samples changed at random while a net trains: one record for each way, one line each in
 * augment/augmentations.def, chosen by text ("hflip shift(2) cutout(8)", see spec.h).
 *
 * What happens to a sample is a pure function of (seed, epoch, number of the sample, place in the list): the same at any
 * number of threads, ahead of time or not, and when a training goes on. Augmentation works on what the net sees, behind
 * preprocessing. */
#ifndef FV_DATA_AUGMENT_H
#define FV_DATA_AUGMENT_H

#include "philox.h"
#include "room.h"
#include "source.h"
#include "spec.h"
#include "warp.h"

enum { FV_MAX_AUGMENTS = 16, FV_MAX_CHANNELS = 16 };

/* ---- records ---------------------------------------------------------------------------------------------------- */

typedef enum fv_augment_takes { FV_TAKES_PICTURES = 1, FV_TAKES_SOUND = 2 } fv_augment_takes;

typedef struct fv_augment_argument {
    const char *name, *help;
    double standard, least, most; /* of a number */
    bool border;                  /* also black, edge, reflect: see fv_border */
    bool whole;
} fv_augment_argument;

/* How the numbers of a channel stand for light between 0 and 1: light = gain * x + base. */
typedef struct fv_light {
    float gain[FV_MAX_CHANNELS], base[FV_MAX_CHANNELS];
    bool bounded; /* there is nothing below 0 and above 1 */
    bool bgr;     /* the first of three colours is blue */
} fv_light;

/* Of a field as the net sees it. */
fv_light fv_light_of(const fv_data_field *field, const fv_preprocess *preprocess);

/* One picture, (height, width, channels) of f32. */
typedef struct fv_shot {
    float *x;
    int64_t height, width;
    int channels;
    const fv_light *light;
} fv_shot;

/* What a record works with. */
typedef struct fv_augment_call {
    const double *a;   /* arguments in the record's order */
    fv_stream *stream; /* its draws */
    int64_t epoch;
    fv_shot shot; /* of records that move pixels: without x */
    float *room;  /* what the record's `room` asked for */
} fv_augment_call;

/* Two pictures become one: inside of the rectangle the other one, everywhere else `own` of this and the rest of the other. */
typedef struct fv_mixing {
    double own;
    int64_t top, left, height, width; /* of the rectangle */
} fv_mixing;

/* A picture with the weight that it has in a mean. */
typedef struct fv_view {
    fv_warp warp;
    double weight;
} fv_view;
enum { FV_MAX_VIEWS = 16 };

enum { FV_AUGMENT_ARGUMENTS = FV_SPEC_ARGUMENTS - 1 };

/* One way to change samples. All have a last argument `chance`: how often it happens. */
typedef struct fv_augment {
    const char *name, *help;
    fv_augment_argument arguments[FV_AUGMENT_ARGUMENTS]; /* up to one without a name */
    double chance;                                       /* standard; 0 counts as 1 */
    unsigned takes;                                      /* fv_augment_takes, or'ed */
    bool mirrors;                                        /* makes other signs of letters and digits */
    bool steady;                                         /* draws of a sample are those of epoch 0 in every epoch */
    bool lit;                                            /* `change` works on light, not on what the net sees */
    bool colour;                                         /* does nothing to grey pictures */
    /* One of these three. */
    fv_warp (*move)(const fv_augment_call *call); /* pixels to other places: masks and boxes go along */
    void (*change)(const fv_augment_call *call);
    /* Mixes a sample with another one of its batch: how, see fv_mixing. */
    void (*mix)(const fv_augment_call *call, fv_mixing *mixing);
    /* Floats of memory that it needs while it works, NULL: none. */
    size_t (*room)(const double *a, int64_t height, int64_t width, int channels);
    /* For test-time augmentation: the views that stand for all that it may do; their weights sum up to 1. NULL: none. */
    int (*views)(const double *a, int64_t height, int64_t width, fv_view out[FV_MAX_VIEWS]);
} fv_augment;

int fv_augment_total(void); /* of records */
const fv_augment *fv_augment_at(int index);

/* Between two numbers. */
static inline double fv_uniform_between(fv_stream *stream, double least, double most) {
    return least + (most - least) * fv_uniform(stream);
}
/* What the eye sees of a pixel without its colour. */
static inline float fv_grey_of(const fv_shot *shot, int64_t pixel) {
    const float *x = shot->x + pixel * shot->channels;
    if (shot->channels != 3) return x[0];
    return shot->light->bgr ? 0.299f * x[2] + 0.587f * x[1] + 0.114f * x[0]
                            : 0.299f * x[0] + 0.587f * x[1] + 0.114f * x[2];
}
/* -most .. most, whole numbers. */
static inline double fv_whole_around(fv_stream *stream, double most) {
    return (double)fv_below(stream, (uint64_t)(2 * most) + 1) - most;
}

/* ---- lists of them ---------------------------------------------------------------------------------------------- */

typedef struct fv_augment_entry {
    const fv_augment *record;
    double a[FV_SPEC_ARGUMENTS], chance;
} fv_augment_entry;

typedef struct fv_augment_plan {
    int count;
    fv_augment_entry entry[FV_MAX_AUGMENTS];
} fv_augment_plan;

/* "hflip shift(2, border=reflect)"; NULL, "" and "none" are an empty list. Entries that mix samples stand last. */
fv_status fv_augment_read(const char *text, fv_augment_plan *out, fv_error *error);
/* Do labels become distributions? */
bool fv_augment_mixes(const fv_augment_plan *plan);
/* The first entry that mirrors, where the classes are digits; else NULL. */
const char *fv_augment_doubtful(const fv_augment_plan *plan, const fv_data *data);

/* ---- at work ---------------------------------------------------------------------------------------------------- */

/* How a field of the data is changed when pixels move. */
typedef enum fv_follows { FV_STAYS = 0, FV_PICTURE, FV_MASK, FV_BOXES } fv_follows;

/* A list at work on batches of a set. */
typedef struct fv_augmenting {
    fv_augment_plan plan;
    const fv_data *data;
    uint64_t seed;
    int64_t epoch;
    int64_t height, width; /* of the pictures */
    fv_follows follows[FV_MAX_FIELDS];
    fv_light light[FV_MAX_FIELDS];
    float black[FV_MAX_FIELDS][FV_MAX_CHANNELS]; /* what the net sees of a stored 0 */
    _Atomic(void *) room, mixed;                 /* of threads; of a batch */
    size_t room_floats, warp_floats;             /* of a thread; the first of them for warps */
} fv_augmenting;

/* Finds out what is to be changed: `into` as for fv_data_batch. An error where the samples are no pictures, or where an entry
 * does not take them. */
fv_status fv_augment_begin(fv_augmenting *augmenting, const fv_augment_plan *plan, const fv_data *data,
                           const fv_preprocess *preprocess, const fv_tensor *into, uint64_t seed, fv_error *error);
/* The draws of a sample for an entry of the list, and whether it happens to it. */
bool fv_augment_happens(const fv_augmenting *augmenting, const fv_augment_entry *entry, int64_t sample,
                        fv_stream *stream);
/* Changes the batch that fv_data_batch has made. All but what mixes samples. */
fv_status fv_augment_batch(fv_augmenting *augmenting, const int64_t *order, int64_t first, int64_t count,
                           const fv_tensor *into, fv_error *error);
/* Mixes the samples of the batch (augment_mix.c). `labels` by field: rows of f32 that are mixed as the pictures are; without data:
 * none. */
fv_status fv_augment_mix(fv_augmenting *augmenting, const int64_t *order, int64_t first, int64_t count,
                         const fv_tensor *into, const fv_tensor *labels, fv_error *error);
void fv_augment_end(fv_augmenting *augmenting);

/* Test-time augmentation (augment_views.c): the views that stand for the list, the sample itself among them; weights sum up to 1. */
fv_status fv_augment_views(const fv_augmenting *augmenting, fv_view out[FV_MAX_VIEWS], int *count, fv_error *error);
/* The pictures of a batch become their view; targets stay. */
fv_status fv_augment_look(fv_augmenting *augmenting, const fv_view *view, const fv_tensor *into, int64_t count,
                          fv_error *error);

#endif
