/* gradcheck.h - gradients of an operator's worked example against signed central differences, in double. */
#ifndef FV_TESTS_GRADCHECK_H
#define FV_TESTS_GRADCHECK_H

#include "trial.h"

/* Replaces the trial's real numbers by drawn ones that are away from kinks: at least 0.1 from 0, no two the same, of
 * both signs. What a loss compares with, class numbers and running statistics stay. */
void draw_trial(fv_trial *trial, uint64_t seed);

/* Checks d sum(seed*y) / d every real input and parameter (a sample of elements of each). FV_E_NUMBER and the operand,
 * the element and both values in *error where they differ by more than 1e-6 of the operand's largest slope. */
fv_status gradcheck(const fv_op *op, const fv_example *example, uint64_t seed, fv_error *error);

/* Forward and gradients of two tables on the same numbers: FV_E_NUMBER if the relative L2 distance of any is above
 * 1e-5. */
fv_status compare_tables(const fv_op *op, const fv_example *example, const fv_table *a, const fv_table *b,
                         uint64_t seed, fv_error *error);

#endif
