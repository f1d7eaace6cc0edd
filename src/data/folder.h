/* folder.h - the names in a folder, sorted, and what sources of files in folders share. */
#ifndef FV_DATA_FOLDER_H
#define FV_DATA_FOLDER_H

#include "error.h"

typedef struct fv_folder {
    char **names;
    int count, capacity;
} fv_folder;

/* Sorted by bytes, so that the order is the same everywhere; without names that begin with a point. */
fv_status fv_folder_read(const char *path, fv_folder *out, fv_error *error);
/* For qsort and bsearch: two names (char *const *) by bytes. */
int fv_folder_compare(const void *a, const void *b);
void fv_folder_free(fv_folder *folder);

bool fv_is_folder(const char *path);
bool fv_is_file(const char *path);
/* FOLDER/NAME; free with fv_free. NULL when memory is short. */
char *fv_path_join(const char *folder, const char *name);
/* Takes over a path just made (NULL: memory was short): *out is the path when a file is there, else NULL and it is
 * freed. */
fv_status fv_path_existing(char *path, char **out, fv_error *error);
/* The folder of a file: "." where the path has none. Free with fv_free. */
char *fv_path_folder(const char *path);
const char *fv_path_base(const char *path);

/* A file with one class name a line. *names is NULL when there is no such file; else one block (pointers, then texts) to be
 * freed with fv_free. */
fv_status fv_names_read(const char *path, char ***names, int *count, fv_error *error);
/* The same for "classes.txt" in a folder. */
fv_status fv_class_names_read(const char *folder, char ***names, int *count, fv_error *error);

#endif
