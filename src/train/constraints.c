/* constraints.c - what weights must obey after every step. Norms are taken over all that leads to one output: over
 * every axis but the output's (Keras leaves the axes to the user and takes the first by default, which is wrong for
 * convolutions). */
#include <math.h>
#include <string.h>

#include "train.h"

typedef fv_weight_view view;

fv_weight_view fv_view_weight(const fv_shape *shape, const char *axes) {
    const char *at = axes ? strchr(axes, 'o') : NULL;
    if (axes && !at) at = strchr(axes, 'c');
    int axis = at ? (int)(at - axes) : shape->rank - 1;
    view v = {1, 1, 1};
    for (int d = 0; d < shape->rank; d++) *(d < axis ? &v.before : d == axis ? &v.outputs : &v.behind) *= shape->dim[d];
    return v;
}

static double norm_of(const float *w, view v, int64_t output) {
    double sum = 0;
    for (int64_t i = 0; i < v.before; i++)
        for (int64_t j = 0; j < v.behind; j++) {
            double x = w[(i * v.outputs + output) * v.behind + j];
            sum += x * x;
        }
    return sqrt(sum);
}

static void scale(float *w, view v, int64_t output, double factor) {
    for (int64_t i = 0; i < v.before; i++)
        for (int64_t j = 0; j < v.behind; j++) {
            float *x = &w[(i * v.outputs + output) * v.behind + j];
            *x = (float)(*x * factor);
        }
}

static void max_norm(float *w, const fv_shape *shape, const char *axes, const double *arguments) {
    view v = fv_view_weight(shape, axes);
    for (int64_t o = 0; o < v.outputs; o++) {
        double norm = norm_of(w, v, o);
        if (norm > arguments[0]) scale(w, v, o, arguments[0] / norm);
    }
}

static void unit_norm(float *w, const fv_shape *shape, const char *axes, const double *arguments) {
    (void)arguments;
    view v = fv_view_weight(shape, axes);
    for (int64_t o = 0; o < v.outputs; o++) {
        double norm = norm_of(w, v, o);
        if (norm > 0) scale(w, v, o, 1 / norm);
    }
}

static void non_negative(float *w, const fv_shape *shape, const char *axes, const double *arguments) {
    (void)axes, (void)arguments;
    int64_t count = fv_shape_count(shape);
    for (int64_t i = 0; i < count; i++)
        if (w[i] < 0) w[i] = 0;
}

const fv_constraint fv_constraints[] = {
#define FV_CONSTRAINT(name, arguments, function, help) {#name, help, arguments, function},
#include "constraints.def"
#undef FV_CONSTRAINT
};
int fv_constraint_count(void) { return (int)(sizeof fv_constraints / sizeof fv_constraints[0]); }

const fv_constraint *fv_find_constraint(const char *text, double arguments[FV_SPEC_ARGUMENTS], fv_error *error) {
    fv_spec spec;
    if (fv_spec_parse(text, "constraint", &spec, error)) return NULL;
    int at = fv_spec_find(&spec, "constraint", fv_constraints, sizeof fv_constraints[0], fv_constraint_count(), error);
    if (at < 0 || fv_spec_numbers(&spec, "constraint", fv_constraints[at].arguments, arguments, error)) return NULL;
    if (fv_constraints[at].arguments[0] && !(arguments[0] > 0)) {
        fv_fail(error, FV_E_ARGUMENT, "constraint '%s': expected a bound above 0, got %g", spec.text, arguments[0]);
        return NULL;
    }
    return &fv_constraints[at];
}
