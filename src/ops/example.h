/* example.h - the tensors of worked examples, which records hold as text (see fv_example in op.h). */
#ifndef FV_OPS_EXAMPLE_H
#define FV_OPS_EXAMPLE_H

#include "op.h"

typedef struct fv_example_tensor {
    fv_type type;        /* with FV_BATCH in front when it has a batch */
    int64_t batch;       /* size of the first dimension then, else 0 */
    int64_t count;       /* elements of the whole tensor */
    const char *numbers; /* NULL: only the shape was given */
} fv_example_tensor;

/* Reads dtype and shape. `batched`: the first dimension is the batch unless the text says "fixed". */
fv_status fv_example_read(const char *text, bool batched, fv_example_tensor *out, fv_error *error);
/* The numbers; fixed small ones, which depend on `key`, where the text has none. `out` has room for count. */
fv_status fv_example_numbers(const fv_example_tensor *tensor, uint64_t key, double *out, fv_error *error);

#endif
