/* initializers.h - the functions behind initializers.def, and the fans they share. */
#ifndef FV_MODEL_INITIALIZERS_H
#define FV_MODEL_INITIALIZERS_H

#include "model.h"

extern const fv_initializer fv_initializers[];
int fv_initializer_count(void);

/* Looks an initializer text up without drawing anything. */
const fv_initializer *fv_find_initializer(const char *text, double arguments[8], fv_error *error);

typedef struct fv_fans {
    double in, out;
} fv_fans;
/* Inputs and outputs that one weight tensor connects, as Keras defines it: prod(k)*i and prod(k)*o; a tensor with only
 * one kind of channel has it on both sides. Never below 1. */
fv_fans fv_fans_of(const fv_shape *shape, const char *axes);

#define FV_INITIALIZER(name, arguments, function, help)                                                                \
    fv_status function(float *out, const fv_shape *shape, const char *axes, const double *numbers, uint64_t seed,      \
                       uint64_t key, fv_error *error);
#include "initializers.def"
#undef FV_INITIALIZER

#endif
