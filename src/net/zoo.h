/* zoo.h - the texts of zoo/ inside the library; cmake/embed_zoo.cmake writes them. */
#ifndef FV_ZOO_H
#define FV_ZOO_H

typedef struct fv_zoo_entry {
    const char *name, *text; /* "lenet5" */
} fv_zoo_entry;

extern const fv_zoo_entry fv_zoo_entries[]; /* by name, behind the last one NULL */

#endif
