/* source.h - where samples come from: one record per kind of source, one line each in sources.def. */
#ifndef FV_DATA_SOURCE_H
#define FV_DATA_SOURCE_H

#include "error.h"

enum { FV_MAX_FIELDS = 8, FV_MAX_CLASSES = 1000000 };

/* The inside of fv_data. A source fills it in; reading is thread-safe and a pure function of the index. All but count,
 * fields and read may be left zero; where class_count is known without names, the classes are named by their numbers. */
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
    /* Where field `field` of a sample lies in memory for good (never NULL): saves a copy on the training path. The function
     * may be missing; where it is there, it serves every field and does not fail. */
    const void *(*direct)(const struct fv_data *data, int64_t index, int field);
    void (*close)(struct fv_data *data);
    bool (*has_part)(const struct fv_data *data, const char *part);
    bool threads; /* reading is worth several threads (decoding a picture) */
    bool by_class; /* the samples lie class by class: a part of them is taken from everywhere */
    int64_t skipped_count;
    const char *const *skipped;
    void *self;
    /* Kept by data.c and batch.c, not by sources. */
    char *number_names;        /* what class_names points into when they are numbers */
    size_t sample_bytes;       /* of a buffer for all fields, each at a multiple of 16 */
    _Atomic(void *) scratch;   /* such buffers, taken and put back by batches */
};

/* One kind of source, asked in the order of sources.def. */
typedef struct fv_source {
    const char *name, *help;   /* "idx", "a folder with MNIST-style IDX files, plain or gzip" */
    bool builtin;              /* opened by its name, needs no path */
    /* Does `path` (without part) look like mine? Decided by content. */
    bool (*recognises)(const char *path);
    /* Opens one part ("train", "test", "" for the whole, or for the training part where there are parts). */
    fv_status (*open)(const char *path, const char *part, const fv_data_options *options, fv_data *out, fv_error *error);
} fv_source;

/* All kinds of sources, in order. */
int fv_source_count(void);
const fv_source *fv_source_at(int index);

/* For sources: the part to open where a set has parts. "" is the training part if there is one; an unknown part is an error
 * that lists the known ones (up to a NULL) and the nearest. Writes the index of the part. */
fv_status fv_data_choose_part(const char *path, const char *part, const char *const *parts, int *chosen, fv_error *error);
/* For sources: the largest class number + 1, or an error that names the first one below 0 or not below `limit` (0: the most
 * that any set may have). */
fv_status fv_data_count_classes(const int32_t *classes, int64_t count, int64_t limit, const char *name, int *class_count, fv_error *error);
/* For sources whose samples lie in memory: `inputs` and `targets` (count first; targets may have no data). On success the memory
 * of both and of class_names (which may be NULL; one block, fv_free) belongs to the set if `owned`. */
typedef struct fv_arrays {
    fv_tensor inputs, targets;
    const char *name;              /* for messages and the description */
    char **class_names;
    int class_name_count;
    bool owned;
    bool other_parts[2];           /* there are also a training part, a test part */
} fv_arrays;
fv_status fv_data_open_arrays(const fv_arrays *arrays, fv_data *out, fv_error *error);

/* Makes a set of what a source filled in: checks the fields, names classes by their numbers, closes it on failure. */
fv_data *fv_data_finish(const fv_data *filled, fv_error *error);

/* "PATH:part:7" -> path, part ("" if none), sample (-1 if none). A ':' in an existing path is left alone. */
typedef struct fv_data_spec { char path[4096], part[64]; int64_t sample; } fv_data_spec;
fv_status fv_data_parse_spec(const char *spec, fv_data_spec *out, fv_error *error);

/* A part of another set by a list of sample numbers (copied); the base stays the caller's and must outlive it. */
fv_data *fv_data_subset(fv_data *base, const int64_t *indices, int64_t count, fv_error *error);
/* The same, but the base is freed with the subset (when making it succeeds). */
fv_data *fv_data_subset_owning(fv_data *base, const int64_t *indices, int64_t count, fv_error *error);
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
