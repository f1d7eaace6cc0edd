/* tolerance.h - are two tensors the same, up to rounding? */
#ifndef FV_CLI_TOLERANCE_H
#define FV_CLI_TOLERANCE_H

#include "fovea.h"

/* Same type, same shape, and |got - want| <= atol + rtol * |want| everywhere; NaN equals NaN, infinities must be equal, and so
 * must whole numbers and booleans. Else what the first difference is, in `problem`. */
bool cli_same_numbers(const fv_tensor *got, const fv_tensor *want, double rtol, double atol, char *problem,
                      size_t size);

#endif
