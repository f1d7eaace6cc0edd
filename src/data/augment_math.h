/* augment_math.h - functions of numbers and draws that augmentations share. They use no function that a C library may round
 * differently, so that the same draws are the same pictures everywhere. */
#ifndef FV_DATA_AUGMENT_MATH_H
#define FV_DATA_AUGMENT_MATH_H

#include <stdint.h>

#include "philox.h"

double fv_exp_of(double x);
double fv_log_of(double x); /* x > 0 */
void fv_sine_cosine(double degrees, double *sine, double *cosine);

/* The next words of a stream, all of its blocks anew. */
void fv_draw_words(fv_stream *stream, uint32_t *out, int64_t count);
/* Numbers with mean 0 and deviation 1. */
void fv_draw_normals(fv_stream *stream, float *out, int64_t count);
/* 0 to 1 by the beta distribution with both parameters alpha. */
double fv_draw_beta(fv_stream *stream, double alpha);

/* Weights exp(-(i/sigma)^2 / 2) for i = -radius .. radius that sum up to 1. */
void fv_gaussian(double sigma, int radius, float *out);

#endif
