/* cifar.h - the binary files of CIFAR-10 and CIFAR-100: records of label bytes and 32x32 pixels, a plane for each colour. */
#ifndef FV_DATA_CIFAR_H
#define FV_DATA_CIFAR_H

#include "error.h"

enum { FV_CIFAR_SIDE = 32, FV_CIFAR_PIXELS = 3 * 32 * 32 };

/* CIFAR-10: a label; CIFAR-100: the label among 20, then the one among 100, which counts here. */
typedef struct fv_cifar {
    const char *name;         /* "CIFAR-10" */
    int labels, classes;      /* label bytes of a record; classes by the last of them */
    const char *names_file;   /* beside the data */
    const char *const *names; /* built in */
    const char *const *files; /* of the training part, NULL; then of the test part, NULL */
} fv_cifar;
extern const fv_cifar fv_cifar_10, fv_cifar_100;

/* The records of a file as pixels (record, height, width, 3) and labels, for which there is room. */
fv_status fv_cifar_unpack(const fv_cifar *kind, const unsigned char *bytes, size_t size, const char *name,
                          unsigned char *pixels, int32_t *labels, fv_error *error);
/* How many records `size` bytes are; 0 and a message when they are no whole number of them. */
int64_t fv_cifar_records(const fv_cifar *kind, uint64_t size, const char *name, fv_error *error);

#endif
