/* tolerance.c - are two tensors the same, up to rounding? */
#include "tolerance.h"

#include <math.h>
#include <stdio.h>

static double number_at(const fv_tensor *t, int64_t i) {
    switch (t->dtype) {
    case FV_F32: return (double)((const float *)t->data)[i];
    case FV_F64: return ((const double *)t->data)[i];
    case FV_I32: return (double)((const int32_t *)t->data)[i];
    case FV_I64: return (double)((const int64_t *)t->data)[i];
    default: return (double)((const uint8_t *)t->data)[i];
    }
}

static bool close_enough(const fv_tensor *got, const fv_tensor *want, int64_t i, double rtol, double atol) {
    if (want->dtype == FV_I64) return ((const int64_t *)got->data)[i] == ((const int64_t *)want->data)[i];
    double a = number_at(got, i), b = number_at(want, i);
    if (want->dtype != FV_F32 && want->dtype != FV_F64) return a == b;
    if (isnan(b) || isnan(a)) return isnan(a) && isnan(b);
    if (isinf(b) || isinf(a)) return a == b;
    return fabs(a - b) <= atol + rtol * fabs(b);
}

bool cli_same_numbers(const fv_tensor *got, const fv_tensor *want, double rtol, double atol, char *problem,
                      size_t size) {
    char a[160], b[160];
    if (got->dtype != want->dtype || !fv_shape_equal(&got->shape, &want->shape)) {
        snprintf(problem, size, "expected %s %s, got %s %s", fv_dtype_name(want->dtype),
                 fv_shape_text(&want->shape, a, sizeof a), fv_dtype_name(got->dtype),
                 fv_shape_text(&got->shape, b, sizeof b));
        return false;
    }
    int64_t count = fv_shape_count(&want->shape), wrong = 0, first = -1;
    for (int64_t i = 0; i < count; i++)
        if (!close_enough(got, want, i, rtol, atol)) {
            if (first < 0) first = i;
            wrong++;
        }
    if (!wrong) return true;
    snprintf(problem, size, "%lld of %lld elements differ, the first is %lld: expected %.9g, got %.9g",
             (long long)wrong, (long long)count, (long long)first, number_at(want, first), number_at(got, first));
    return false;
}
