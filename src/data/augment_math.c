#include "augment_math.h"

#include <math.h>
#include <string.h>

/* ---- functions -------------------------------------------------------------------------------------------------- */

static const double ln2 = 0.69314718055994530942, pi = 3.14159265358979323846;

/* exp(x) = 2^k * exp(r), |r| <= ln(2)/2, by Taylor's series. */
double fv_exp_of(double x) {
    if (x < -700) return 0;
    if (x > 700) x = 700;
    double k = floor(x / ln2 + 0.5), r = x - k * ln2, term = 1, sum = 1;
    for (int i = 1; i <= 14; i++) {
        term *= r / i;
        sum += term;
    }
    return ldexp(sum, (int)k);
}

/* log(m * 2^k) = k ln 2 + 2 artanh((m-1)/(m+1)). */
double fv_log_of(double x) {
    int k;
    double m = frexp(x, &k);
    if (m < 0.70710678118654752440) m *= 2, k--;
    double z = (m - 1) / (m + 1), power = z, sum = 0;
    for (int i = 1; i <= 23; i += 2) {
        sum += power / i;
        power *= z * z;
    }
    return k * ln2 + 2 * sum;
}

/* Within +-45 degrees by Taylor's series, the rest by turning right angles. */
void fv_sine_cosine(double degrees, double *sine, double *cosine) {
    double turns = floor(degrees / 90 + 0.5), x = (degrees - 90 * turns) * (pi / 180);
    double s = x, c = 1, odd = x, even = 1;
    for (int i = 2; i <= 18; i += 2) {
        even *= -x * x / ((i - 1) * i);
        odd *= -x * x / (i * (i + 1));
        c += even;
        s += odd;
    }
    int quarter = (int)((int64_t)turns & 3);
    *sine = quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
    *cosine = quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
}

void fv_gaussian(double sigma, int radius, float *out) {
    double sum = 0;
    for (int i = -radius; i <= radius; i++) sum += fv_exp_of(-0.5 * (i / sigma) * (i / sigma));
    for (int i = -radius; i <= radius; i++)
        out[i + radius] = (float)(fv_exp_of(-0.5 * (i / sigma) * (i / sigma)) / sum);
}

/* ---- draws ------------------------------------------------------------------------------------------------------ */

void fv_draw_words(fv_stream *stream, uint32_t *out, int64_t count) {
    uint32_t words[4];
    stream->left = 0;
    for (int64_t i = 0; i < count; i += 4, stream->counter[0]++) {
        fv_philox(stream->key, stream->counter, words);
        memcpy(out + i, words, (size_t)(count - i < 4 ? count - i : 4) * sizeof *words);
    }
}

/* log of u in 0 .. 1 to about 1e-6: the exponent, and artanh's series for the rest. */
static inline float log_of_share(float u) {
    union {
        float number;
        uint32_t bits;
    } x = {u};
    int32_t shifted = (int32_t)x.bits - 0x3f3504f3; /* sqrt(1/2) becomes the least mantissa */
    float k = (float)(shifted >> 23);
    x.bits = ((uint32_t)shifted & 0x7fffffu) + 0x3f3504f3u;
    float z = (x.number - 1) / (x.number + 1), zz = z * z;
    return k * 0.69314718f + 2 * z * (1 + zz * (0.33333333f + zz * (0.2f + zz * (0.14285714f + zz * 0.11111111f))));
}

/* Box and Muller 1958. Sine and cosine of a turn from those of half of it, which Taylor's series give to about 1e-7. */
static void normals_of(const uint32_t *restrict words, float *restrict out, int pairs) {
    for (int i = 0; i < pairs; i++) {
        float u = ((float)(int32_t)(words[i] >> 8) + 0.5f) * 0x1p-24f;
        float t = ((float)(int32_t)(words[pairs + i] >> 8) - 0x1p23f) * (0x1p-24f * 3.14159265f), tt = t * t;
        float s =
            t * (1 + tt * (-1.6666667e-1f +
                           tt * (8.3333333e-3f + tt * (-1.9841270e-4f + tt * (2.7557319e-6f + tt * -2.5052108e-8f)))));
        float c = 1 + tt * (-0.5f +
                            tt * (4.1666667e-2f + tt * (-1.3888889e-3f + tt * (2.4801587e-5f + tt * -2.7557319e-7f))));
        float radius = sqrtf(-2 * log_of_share(u));
        out[i] = radius * (1 - 2 * s * s);
        out[pairs + i] = radius * (2 * s * c);
    }
}

void fv_draw_normals(fv_stream *stream, float *out, int64_t count) {
    enum { PAIRS = 64 };
    uint32_t words[2 * PAIRS];
    float numbers[2 * PAIRS];
    for (int64_t at = 0; at < count; at += 2 * PAIRS) {
        int64_t left = count - at < 2 * PAIRS ? count - at : 2 * PAIRS;
        fv_draw_words(stream, words, 2 * PAIRS);
        normals_of(words, numbers, PAIRS);
        memcpy(out + at, numbers, (size_t)left * sizeof *out);
    }
}

/* Marsaglia and Tsang 2000; below 1 by the gamma of alpha + 1 and a power of a uniform draw. */
static double draw_gamma(fv_stream *stream, double alpha) {
    double d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3, c = 1 / sqrt(9 * d), v;
    for (;;) {
        float x[2];
        fv_draw_normals(stream, x, 1);
        double u = 1 - fv_uniform(stream), normal = (double)x[0];
        v = 1 + c * normal;
        if (v <= 0) continue;
        v = v * v * v;
        if (fv_log_of(u) < 0.5 * normal * normal + d - d * v + d * fv_log_of(v)) break;
    }
    return alpha < 1 ? d * v * fv_exp_of(fv_log_of(1 - fv_uniform(stream)) / alpha) : d * v;
}

double fv_draw_beta(fv_stream *stream, double alpha) {
    double a = draw_gamma(stream, alpha), b = draw_gamma(stream, alpha);
    return a + b > 0             ? a / (a + b)
           : fv_next(stream) & 1 ? 1
                                 : 0; /* of tiny alphas both may be too small for a number */
}
