/* normalise.c - what group, layer and instance normalisation share: statistics of each sample by itself. */
#include "normalise.h"

enum { SAVED_MEAN, SAVED_VARIANCE };

fv_status fv_infer_normalise(fv_infer *infer, int64_t *channels) {
    fv_status status = fv_infer_last(infer, 0, channels);
    if (!status) status = fv_infer_like_input(infer);
    if (!status && *channels < 1) status = fv_infer_fail(infer, "the input has no channels");
    return status;
}

static fv_geom norm_geom(const fv_emit *e, int64_t groups, double epsilon) {
    const fv_type *in = fv_in_type(e, 0);
    int64_t c = in->shape.dim[in->shape.rank - 1];
    fv_geom geom = fv_geom_for(e, in);
    geom.norm = (fv_norm_geom){.pixels = fv_type_each(in) / c, .c = c, .groups = groups, .epsilon = epsilon};
    return geom;
}

void fv_emit_group_norm(fv_emit *e, int64_t groups, double epsilon) {
    fv_geom geom = norm_geom(e, groups, epsilon);
    fv_type statistics = fv_type_make(FV_F32, fv_type_batched(fv_in_type(e, 0)), 1, &groups);
    fv_operand mean = fv_temp(e, &statistics), variance = fv_temp(e, &statistics);
    fv_save(e, SAVED_MEAN, mean);
    fv_save(e, SAVED_VARIANCE, variance);
    FV_CALL(e, FV_R_NORM_STATS, &geom, mean, variance, fv_in(e, 0));
    FV_CALL(e, FV_R_NORM, &geom, fv_out(e, 0), fv_in(e, 0), mean, variance, fv_weight(e, FV_NORMALISE_SCALE),
            fv_weight(e, FV_NORMALISE_BIAS));
}

void fv_emit_group_norm_back(fv_emit *e, int64_t groups, double epsilon) {
    fv_geom geom = norm_geom(e, groups, epsilon);
    fv_operand mean = fv_saved(e, SAVED_MEAN), variance = fv_saved(e, SAVED_VARIANCE);
    bool scale = fv_wants_d_weight(e, FV_NORMALISE_SCALE), bias = fv_wants_d_weight(e, FV_NORMALISE_BIAS);
    if (scale || bias) {
        fv_type channels = {FV_F32, {1, {geom.norm.c}}};
        FV_CALL(e, FV_R_NORM_SUMS, &geom, scale ? fv_d_weight(e, FV_NORMALISE_SCALE) : fv_temp(e, &channels),
                bias ? fv_d_weight(e, FV_NORMALISE_BIAS) : fv_temp(e, &channels), fv_d_out(e, 0), fv_in(e, 0), mean,
                variance);
    }
    if (fv_wants_d_in(e, 0))
        FV_CALL(e, FV_R_NORM_BACK, &geom, fv_d_in(e, 0), fv_d_out(e, 0), fv_in(e, 0), mean, variance,
                fv_weight(e, FV_NORMALISE_SCALE), FV_NO_OPERAND, FV_NO_OPERAND);
}
