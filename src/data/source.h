/* source.h - where samples come from: one record per kind of source, one line each in sources.def. */
#ifndef FV_DATA_SOURCE_H
#define FV_DATA_SOURCE_H

#include "error.h"

enum { FV_MAX_FIELDS = 8 };

/* The inside of fv_data. A source fills it in; reading is thread-safe and a pure function of the index. */
struct fv_data {
    int64_t count;
    int field_count;
    fv_data_field fields[FV_MAX_FIELDS];
    int class_count;
    const char *const *class_names;
    const char *description;   /* "digits (synthetic, seed 0), test part" */
    double scale;              /* suggested preprocessing: 1/255 for bytes, 0: none */
    /* The class of a sample without reading all of it, for stratified splits; -1 if there is none. NULL: read the sample. */
    int64_t (*class_of)(const struct fv_data *data, int64_t index);
    fv_status (*read)(const struct fv_data *data, int64_t index, void *const *out, fv_error *error);
    void (*close)(struct fv_data *data);
    bool (*has_part)(const struct fv_data *data, const char *part);
    void *self;
};

/* One kind of source, asked in the order of sources.def. */
typedef struct fv_source {
    const char *name, *help;   /* "idx", "a folder with MNIST-style IDX files, plain or gzip" */
    /* Does `path` (without part) look like mine? Decided by content. */
    bool (*recognises)(const char *path);
    /* Opens one part ("train", "test", "" for the whole, or for the training part where there are parts). */
    fv_status (*open)(const char *path, const char *part, const fv_data_options *options, fv_data *out, fv_error *error);
} fv_source;

/* "PATH:part:7" -> path, part ("" if none), sample (-1 if none). A ':' in an existing path is left alone. */
typedef struct fv_data_spec { char path[4096], part[64]; int64_t sample; } fv_data_spec;
fv_status fv_data_parse_spec(const char *spec, fv_data_spec *out, fv_error *error);

/* A part of another set by a list of sample numbers (copied); the base stays the caller's and must outlive it. */
fv_data *fv_data_subset(fv_data *base, const int64_t *indices, int64_t count, fv_error *error);
int64_t fv_data_class_of(const fv_data *data, int64_t index, fv_error *error); /* -1: none or failed */

/* Splits off `part` (0..1) of the samples for validation. Stratified by class and shuffled by the seed, or the tail.
 * Writes both lists of sample numbers in ascending order; free them with fv_free. */
fv_status fv_data_split(const fv_data *data, double part, bool tail, uint64_t seed, int64_t **train, int64_t *train_count,
                        int64_t **held, int64_t *held_count, fv_error *error);

/* Fills one batch: sample order[first + i] into row i of each buffer, pictures converted to float by preprocessing, class
 * numbers to int32. `into[i]` is the tensor for field i (batch in front), data NULL to skip it. */
fv_status fv_data_batch(const fv_data *data, const int64_t *order, int64_t first, int64_t count, const fv_preprocess *preprocess,
                        const fv_tensor *into, fv_error *error);

#endif
