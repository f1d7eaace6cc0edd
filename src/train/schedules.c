/* schedules.c - how the learning rate changes: a pure function of where training stands, so that a resumed training
 * goes on as if nothing had happened. */
#include <math.h>
#include <string.h>

#include "train.h"

/* cos(pi*x) for x in 0..1 by Taylor's series of the sine about 1/2: the same bits everywhere, which cos does not
 * promise. */
static double cosine_of(double x) {
    double y = 3.14159265358979323846 * (0.5 - x), term = y, sum = y;
    for (int k = 2; k <= 22; k += 2) {
        term *= -y * y / (k * (k + 1));
        sum += term;
    }
    return sum;
}

/* From a to b along half a cosine while x goes from 0 to 1. */
static double glide(double a, double b, double x) {
    x = x < 0 ? 0 : x > 1 ? 1 : x;
    return b + (a - b) * 0.5 * (1 + cosine_of(x));
}

static double constant(const double *a, double epoch, double epochs) { return (void)epoch, (void)epochs, a[0]; }

static double step(const double *a, double epoch, double epochs) {
    (void)epochs;
    double factor = 1;
    for (double at = a[0]; at <= epoch && factor != 0; at += a[0]) factor *= a[1];
    return factor;
}

static double cosine(const double *a, double epoch, double epochs) { return glide(1, a[0], epoch / epochs); }

static double linear(const double *a, double epoch, double epochs) { return 1 + (a[0] - 1) * (epoch / epochs); }

static double onecycle(const double *a, double epoch, double epochs) {
    double x = epoch / epochs;
    return x < a[0] ? glide(a[1], 1, x / a[0]) : glide(1, a[2], (x - a[0]) / (1 - a[0]));
}

static double warmup(const double *a, double epoch, double epochs) {
    return (void)a, epoch < epochs ? epoch / epochs : 1;
}

const fv_schedule fv_schedules[] = {
#define FV_SCHEDULE(name, arguments, function, help) {#name, help, arguments, function},
#include "schedules.def"
#undef FV_SCHEDULE
};
int fv_schedule_count(void) { return (int)(sizeof fv_schedules / sizeof fv_schedules[0]); }

static fv_status check_part(const fv_schedule *part, const double *a, fv_error *error) {
    for (int i = 0; i < FV_SPEC_ARGUMENTS; i++)
        if (a[i] < 0)
            return fv_fail(error, FV_E_ARGUMENT, "schedule %s: expected no number below 0, got %g", part->name, a[i]);
    int every = fv_spec_argument(part->arguments, "every"), rise = fv_spec_argument(part->arguments, "rise");
    if (every >= 0 && !(a[every] >= 1e-3))
        return fv_fail(error, FV_E_ARGUMENT, "schedule %s: expected every > 0, got %g", part->name, a[every]);
    if (rise >= 0 && !(a[rise] < 1))
        return fv_fail(error, FV_E_ARGUMENT, "schedule %s: expected rise below 1, got %g", part->name, a[rise]);
    return FV_OK;
}

fv_status fv_rate_plan_read(const char *text, fv_rate_plan *out, fv_error *error) {
    memset(out, 0, sizeof *out);
    fv_spec spec;
    fv_status status;
    while (fv_spec_next(&text, "+", "schedule", &spec, &status, error)) {
        if (out->count == FV_MAX_SCHEDULE_PARTS)
            return fv_fail(error, FV_E_ARGUMENT, "schedule: at most %d parts", FV_MAX_SCHEDULE_PARTS);
        if (out->count && out->epochs[out->count - 1] == 0)
            return fv_fail(error, FV_E_ARGUMENT,
                           "schedule: %s before '+' needs epochs=", out->part[out->count - 1]->name);
        int at = fv_spec_find(&spec, "schedule", fv_schedules, sizeof fv_schedules[0], fv_schedule_count(), error);
        if (at < 0) return FV_E_ARGUMENT;
        double *arguments = out->arguments[out->count];
        status = fv_spec_numbers(&spec, "schedule", fv_schedules[at].arguments, arguments, error);
        if (!status) status = check_part(&fv_schedules[at], arguments, error);
        if (status) return status;
        out->part[out->count] = &fv_schedules[at];
        out->epochs[out->count++] = arguments[fv_spec_argument(fv_schedules[at].arguments, "epochs")];
    }
    if (!status && !out->count) return fv_fail(error, FV_E_ARGUMENT, "schedule: expected a name, got nothing");
    return status;
}

double fv_rate_factor(const fv_rate_plan *plan, int64_t step_number, int64_t steps, int64_t epochs) {
    double begin = 0; /* of the part, in epochs */
    for (int i = 0; i < plan->count; i++) {
        bool last = i == plan->count - 1;
        double length = plan->epochs[i] > 0 ? plan->epochs[i] : (double)epochs - begin;
        /* a warm-up counts the step that is being taken, so that it does not begin with a step of nothing */
        double done = (double)(step_number + (plan->part[i]->factor == warmup)) / (double)steps - begin;
        if (!last && (double)step_number / (double)steps - begin >= length) {
            begin += length;
            continue;
        }
        if (!(length > 0)) length = 1.0 / (double)steps;
        if (done > length) done = length;
        return plan->part[i]->factor(plan->arguments[i], done, length);
    }
    return 1;
}
