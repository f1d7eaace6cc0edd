/* twins.h - samples that are exactly the same, inside one set and across sets. */
#ifndef FV_DATA_TWINS_H
#define FV_DATA_TWINS_H

#include "source.h"

/* Some samples of a set of data: all of them where `samples` is NULL. */
typedef struct fv_sample_list {
    const fv_data *data;
    const int64_t *samples;
    int64_t count;
} fv_sample_list;

enum { FV_MAX_LISTS = FV_MAX_PARTS, FV_MAX_TWINS = 20 };

typedef struct fv_twins {
    /* [a][b] for a < b: so many samples of list b are also in list a; [a][a]: so many of a repeat an earlier one of a. */
    int64_t count[FV_MAX_LISTS][FV_MAX_LISTS];
    int64_t conflicts; /* of all of them: so many are of another class than their twin */
    int shown;         /* the first ones: across lists before those inside */
    fv_twin twin[FV_MAX_TWINS];
} fv_twins;

/* Compares what the net would see (all fields that are no targets), bit by bit. What cannot be read is passed over. */
fv_status fv_find_twins(const fv_sample_list *lists, int count, fv_twins *out, fv_error *error);

/* A buffer for one sample, out[i] for field i. */
void fv_sample_fields(const fv_data *data, char *buffer, void *out[FV_MAX_FIELDS]);
size_t fv_field_bytes(const fv_data_field *field);
/* The class in a sample that was read; -1 where there is none. */
int64_t fv_sample_class(const fv_data *data, void *const *fields);

#endif
