/* pictures.h - samples from picture files of any kind and size: what folders of classes and lists of files share. */
#ifndef FV_DATA_PICTURES_H
#define FV_DATA_PICTURES_H

#include "source.h"

enum { FV_PARTS = 3 };
extern const char *const fv_picture_parts[FV_PARTS + 1]; /* "train", "validation", "test", NULL */

/* Files and what is known of each. A source fills it in; zero-initialise. */
typedef struct fv_pictures {
    char *names; /* the paths, each with its 0, one behind the other */
    size_t name_bytes, name_capacity;
    size_t *at; /* where path i begins */
    int count, capacity;
    int32_t *classes; /* by file, or NULL */
    float *targets;   /* [count][target_size], or NULL */
    int64_t target_size;
    char **class_names; /* one block, fv_free */
    int class_count;
    bool has_parts[FV_PARTS];
    bool split; /* the parts were made here, the set comes without */
    char description[512];
} fv_pictures;

fv_status fv_pictures_add(fv_pictures *pictures, const char *path, fv_error *error);
const char *fv_pictures_path(const fv_pictures *pictures, int64_t index);
void fv_pictures_free(fv_pictures *pictures);
/* Makes a set of them: it owns them then, also when this fails. */
fv_status fv_data_open_pictures(fv_pictures *pictures, const fv_data_options *options, fv_data *out, fv_error *error);

/* Class names from folders and lists as they may be kept: valid UTF-8, without control characters. One block, fv_free. */
fv_status fv_pictures_set_classes(fv_pictures *pictures, const char *const *names, int count, fv_error *error);

/* Is it meant as a picture? By the ending of the name (also of formats that cannot be read: such a file is then refused, not
 * passed over), else by its first bytes. */
bool fv_names_picture(const char *path);

#endif
