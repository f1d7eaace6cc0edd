/* elements.h - the number types that files hold, and how they become ours. */
#ifndef FV_IO_ELEMENTS_H
#define FV_IO_ELEMENTS_H

#include "error.h"

typedef enum fv_element {
    FV_EL_NONE = 0,
    FV_EL_BOOL,
    FV_EL_U8,
    FV_EL_I8,
    FV_EL_U16,
    FV_EL_I16,
    FV_EL_U32,
    FV_EL_I32,
    FV_EL_U64,
    FV_EL_I64,
    FV_EL_F16,
    FV_EL_BF16,
    FV_EL_F32,
    FV_EL_F64
} fv_element;

size_t fv_element_size(fv_element element);
/* How many elements a shape from a file claims, and how many bytes they take there; false when that cannot be (a negative
 * dimension, or a product too large for int64, even where a dimension of 0 follows: fv_shape_count says the same). */
bool fv_elements_claimed(fv_element element, const fv_shape *shape, size_t *count, size_t *bytes);
/* What it becomes: the same type where we have it, else the next wider one (f16 -> f32, u16 -> i32, u32 -> i64). */
fv_dtype fv_element_dtype(fv_element element);
/* Converts `count` elements from `in` (any alignment) into `out` of the type above. False when a value has no
 * counterpart: a bool that is neither 0 nor 1, a u64 beyond the range of i64. */
bool fv_elements_convert(fv_element element, bool big_endian, const unsigned char *in, size_t count, void *out);

#endif
