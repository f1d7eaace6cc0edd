/* normalise.h - what group, layer and instance normalisation share: statistics of each sample by itself. */
#ifndef FV_OPS_NORMALISE_H
#define FV_OPS_NORMALISE_H

#include "support.h"

#define FV_NORMALISE_FIELDS(F, op)                                                                                     \
    F(op, FLOAT, epsilon, .standard = 1e-5, .max = 1, .help = "added to the variance")                                 \
    F(op, BOOL, scale, .standard = 1, .help = "multiply by a trainable number for each channel")                       \
    F(op, BOOL, bias, .standard = 1, .help = "add a trainable number for each channel")                                \
    F(op, TEXT, scale_initializer, .standard_text = "ones", .help = "how the scale starts")                            \
    F(op, TEXT, bias_initializer, .standard_text = "zeros", .help = "how the bias starts")                             \
    FV_ACTIVATION_FIELD(F, op)

/* Ports: x, scale [C], bias [C]. */
enum { FV_NORMALISE_SCALE, FV_NORMALISE_BIAS };

/* Output like the input; parameters 0 (scale) and 1 (bias) from the fields above. */
#define FV_INFER_SCALE_AND_BIAS(infer, f, channels)                                                                    \
    do {                                                                                                               \
        (infer)->parameter[FV_NORMALISE_SCALE] = (fv_parameter){                                                       \
            .absent = !(f)->scale, .shape = {1, {(channels)}}, .initializer = (f)->scale_initializer, .axes = "c"};    \
        (infer)->parameter[FV_NORMALISE_BIAS] = (fv_parameter){                                                        \
            .absent = !(f)->bias, .shape = {1, {(channels)}}, .initializer = (f)->bias_initializer, .axes = "c"};      \
    } while (0)

/* The output and *channels; fails without channels. */
fv_status fv_infer_normalise(fv_infer *infer, int64_t *channels);

/* y = scale * (x - mean)/sqrt(variance + epsilon) + bias by groups of neighbouring channels over all pixels. */
void fv_emit_group_norm(fv_emit *e, int64_t groups, double epsilon);
void fv_emit_group_norm_back(fv_emit *e, int64_t groups, double epsilon);

#endif
