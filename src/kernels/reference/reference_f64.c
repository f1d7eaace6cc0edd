/* reference_f64.c - the plain loops in double, for checks of gradients and of everything else. */
#define REAL double
#define MATH(function) function
#define KERNELS fv_reference_f64_kernels
#include "reference.inc"
