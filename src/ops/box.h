/* box.h - a box of cells within a larger one: what padding and cropping share. */
#ifndef FV_OPS_BOX_H
#define FV_OPS_BOX_H

#include "support.h"

/* Sizes of a sample, channels included, and where the small one begins in the large one. */
typedef struct fv_box {
    int rank;
    int64_t large[4], small[4], at[4];
} fv_box;

/* small = its part of large; `type` is that of either, for the batch. */
void fv_emit_box_cut(fv_emit *e, const fv_type *type, const fv_box *box, fv_operand small, fv_operand large);
/* Its part of large = small; the rest of large stays. */
void fv_emit_box_paste(fv_emit *e, const fv_type *type, const fv_box *box, fv_operand large, fv_operand small);

#endif
