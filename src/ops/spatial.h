/* spatial.h - windows that slide over one, two or three spatial dimensions: what convolution and pooling share. */
#ifndef FV_OPS_SPATIAL_H
#define FV_OPS_SPATIAL_H

#include "support.h"

/* Words of padding, as numbers in a SIZES field. */
enum { FV_PAD_VALID = 0, FV_PAD_SAME = -1, FV_PAD_FULL = -2, FV_PAD_SAME_LOWER = -3 };

/* The fields of a sliding window, as the operator's struct holds them. */
typedef struct fv_window {
    const char *noun;           /* "kernel" or "window", for messages */
    const int64_t *size;        /* SIZES each */
    const int64_t *stride;      /* FV_UNSET: the size */
    const int64_t *padding;     /* numbers, or words as negative numbers */
    const int64_t *padding_end; /* FV_UNSET: like padding */
    const int64_t *dilation;    /* NULL: 1 */
    bool ceil;                  /* round the output up; a window that would start behind the picture is dropped */
    bool inside;                /* every window must touch the picture (pooling) */
    bool channels_first;
} fv_window;

/* The window over an input: always three dimensions, (depth, height, width); those that the input lacks are 1. */
typedef struct fv_spatial {
    int rank;                                                         /* spatial dimensions of the input */
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3]; /* in, out: FV_OPEN where open */
    int64_t channels;
} fv_spatial;

/* Fails unless input i is a sequence, a picture or a volume. */
fv_status fv_infer_picture(fv_infer *infer, int i);
/* Fails unless a SIZES field names one number for all of `rank` dimensions or one for each. */
fv_status fv_infer_size_count(fv_infer *infer, const char *name, const int64_t sizes[3], int rank);
/* That for all sizes of a window. */
fv_status fv_infer_window_counts(fv_infer *infer, const fv_window *window, int rank);
/* Fails with a message in infer's name when the window does not fit. */
fv_status fv_spatial_resolve(fv_infer *infer, const fv_type *in, const fv_window *window, fv_spatial *out);
/* The type of a result with that many channels. */
fv_type fv_spatial_type(const fv_spatial *s, const fv_type *in, int64_t channels, bool channels_first);
/* Cells of the output, of the window; saturated. */
int64_t fv_spatial_cells(const int64_t sizes[3]);
/* How the rows that a cell sees grow. */
void fv_spatial_growth(const fv_spatial *s, fv_cost *cost);
/* The same for the way back, from out to in. */
void fv_spatial_growth_back(const fv_spatial *s, fv_cost *cost);
/* The geometry of pooling with these windows. */
fv_geom fv_spatial_pool(const fv_emit *e, const fv_spatial *s, fv_pooling kind);
/* y = pool(x), dx: the whole of a pooling operator. */
void fv_emit_pool(fv_emit *e, const fv_spatial *s, fv_pooling kind);
void fv_emit_pool_back(fv_emit *e, const fv_spatial *s, fv_pooling kind);

/* The fields of pooling. */
#define FV_POOL_FIELDS(F, op)                                                                                          \
    F(op, SIZES, window, .positional = true, .required = true, .min = 1, .max = FV_MANY, .help = "size of the window") \
    F(op, SIZES, stride, .min = 1, .max = FV_MANY, .standard = (double)FV_UNSET, .standard_text = "the window",        \
      .help = "cells between neighbouring windows; smaller than the window: they overlap")                             \
    F(op, SIZES, padding, .max = FV_MANY, .choices = &fv_padding_choices, .standard_text = "valid",                    \
      .help = "cells around the input, on each side, or a word; they never win and add nothing")                       \
    F(op, SIZES, padding_end, .max = FV_MANY, .standard = (double)FV_UNSET, .standard_text = "as padding",             \
      .help = "cells behind the input where they differ from those before it")                                         \
    F(op, BOOL, ceil, .help = "also windows that reach over the end")

#endif
