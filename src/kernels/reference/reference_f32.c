/* reference_f32.c - the plain loops in float. */
#define REAL float
#define MATH(function) function##f
#define KERNELS fv_reference_f32_kernels
#include "reference.inc"
