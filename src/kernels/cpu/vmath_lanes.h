/* vmath_lanes.h - functions that networks rarely spend time in: computed lane by lane in double and rounded once, so that
 * no result depends on a C library. Series are cut where a float no longer sees the next term. */
#ifndef FV_CPU_VMATH_LANES_H
#define FV_CPU_VMATH_LANES_H

#include "isa.h"

#include <math.h>

FV_INLINE double lane_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* c[0] + c[1] x + ... */
FV_INLINE double lane_series(const double *c, int terms, double x) {
    double sum = c[terms - 1];
    for (int i = terms - 2; i >= 0; i--) sum = sum * x + c[i];
    return sum;
}

/* exp(x): 2^n e^r with |r| <= ln 2 / 2. Beyond the clamps a float is 0 or infinite. */
static inline double lane_exp(double x) {
    static const double c[] = {
        1,          1,           1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,      1.0 / 720,
        1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600};
    if (x != x) return x;
    if (x > 700) return INFINITY;
    if (x < -700) return 0;
    double n = __builtin_rint(x * 0x1.71547652b82fep+0);
    double r = x - n * 0x1.62e42fefa3800p-1 - n * 0x1.ef35793c76730p-45; /* ln 2 in two parts */
    return lane_series(c, 13, r) * lane_bits((uint64_t)((int64_t)n + 1023) << 52);
}

/* log(x): e ln 2 + 2 artanh((m - 1)/(m + 1)) with m in [sqrt 1/2, sqrt 2). */
static inline double lane_log(double x) {
    static const double c[] = {2,        2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9, 2.0 / 11,
                               2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21};
    if (!(x > 0)) return x == 0 ? -INFINITY : NAN;
    if (x > 0x1.fffffffffffffp1023) return x;
    int e = 0;
    double m = __builtin_frexp(x, &e);
    if (m < 0.70710678118654752440) m *= 2, e--;
    double s = (m - 1) / (m + 1);
    return lane_series(c, 11, s * s) * s + e * 0x1.62e42fefa39efp-1;
}

/* log(1 + x), corrected for the rounding of 1 + x. */
static inline double lane_log1p(double x) {
    double u = 1 + x;
    if (!(u > 0) || u == INFINITY) return lane_log(u);
    return lane_log(u) + (x - (u - 1)) / u;
}

/* ---- angles ------------------------------------------------------------------------------------------------------- */

/* A large x (a float) by quarter turns: x * 2/pi mod 4 from the bits of 2/pi that count (Payne and Hanek 1983). */
static inline double lane_reduce_large(double x, int *quarter) {
    /* 2/pi behind the point, with 32 zero bits in front */
    static const uint32_t two_over_pi[] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0,
                                           0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561};
    int e = 0;
    uint64_t m = (uint64_t)(__builtin_frexp(x < 0 ? -x : x, &e) * 16777216);
    int first = e - 24 - 2 + 32; /* bits before this one make whole turns */
    const uint32_t *w = two_over_pi + first / 32;
    int shift = first % 32;
    uint64_t high = (uint64_t)w[0] << 32 | w[1], low = (uint64_t)w[2] << 32 | w[3];
    if (shift) high = high << shift | low >> (64 - shift), low <<= shift;
    uint64_t turns = m * high + (uint64_t)((m * (low >> 32)) >> 32); /* 4 is 2^64 */
    uint64_t nearest = (turns + (UINT64_C(1) << 61)) >> 62;
    double r = (double)(int64_t)(turns - (nearest << 62)) * 0x1p-62 * 1.57079632679489661923;
    *quarter = (int)(x < 0 ? (4 - nearest) & 3 : nearest & 3);
    return x < 0 ? -r : r;
}

/* x = quarter * pi/2 + r with |r| <= pi/4, quarter mod 4. */
static inline double lane_reduce(double x, int *quarter) {
    if (!(x - x == 0)) return *quarter = 0, (double)NAN;
    if (x > 0x1p20 || x < -0x1p20) return lane_reduce_large(x, quarter);
    double k = __builtin_rint(x * 0.63661977236758134308);
    *quarter = (int)((int64_t)k & 3);
    return (x - k * 0x1.921fb544p+0) - k * 0x1.0b4611a626331p-34; /* pi/2 in two parts: the first product is exact */
}

FV_INLINE double lane_sin_near(double r) {
    static const double c[] = {1, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800};
    return lane_series(c, 6, r * r) * r;
}
FV_INLINE double lane_cos_near(double r) {
    static const double c[] = {1, -1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800};
    return lane_series(c, 6, r * r);
}

static inline double lane_sin(double x) {
    int quarter;
    double r = lane_reduce(x, &quarter), y = quarter & 1 ? lane_cos_near(r) : lane_sin_near(r);
    return quarter & 2 ? -y : y;
}
static inline double lane_cos(double x) {
    int quarter;
    double r = lane_reduce(x, &quarter), y = quarter & 1 ? lane_sin_near(r) : lane_cos_near(r);
    return (quarter + 1) & 2 ? -y : y;
}
static inline double lane_tan(double x) {
    int quarter;
    double r = lane_reduce(x, &quarter), s = lane_sin_near(r), c = lane_cos_near(r);
    return quarter & 1 ? -c / s : s / c;
}

/* atan(x): from (pi/8 either side of) 0, pi/4 or pi/2. */
static inline double lane_atan(double x) {
    static const double c[] = {1,        -1.0 / 3,  1.0 / 5,  -1.0 / 7,  1.0 / 9,  -1.0 / 11,
                               1.0 / 13, -1.0 / 15, 1.0 / 17, -1.0 / 19, 1.0 / 21, -1.0 / 23};
    double m = x < 0 ? -x : x, from = 0;
    if (m > 2.41421356237309504880)
        from = 1.57079632679489661923, m = -1 / m;
    else if (m > 0.41421356237309504880)
        from = 0.78539816339744830962, m = (m - 1) / (m + 1);
    double y = from + lane_series(c, 12, m * m) * m;
    return x < 0 ? -y : y;
}
static inline double lane_asin(double x) { return lane_atan(x / __builtin_sqrt((1 - x) * (1 + x))); }
static inline double lane_acos(double x) { return 2 * lane_atan(__builtin_sqrt((1 - x) / (1 + x))); }

/* ---- hyperbolic --------------------------------------------------------------------------------------------------- */

static inline double lane_sinh(double x) {
    static const double c[] = {1, 1.0 / 6, 1.0 / 120, 1.0 / 5040, 1.0 / 362880, 1.0 / 39916800};
    if (x < 1 && x > -1) return lane_series(c, 6, x * x) * x;
    return (lane_exp(x) - lane_exp(-x)) / 2;
}
static inline double lane_cosh(double x) { return (lane_exp(x) + lane_exp(-x)) / 2; }
static inline double lane_asinh(double x) {
    double m = x < 0 ? -x : x, y = lane_log1p(m + m * m / (1 + __builtin_sqrt(m * m + 1)));
    if (m == INFINITY) return x;
    return x < 0 ? -y : y;
}
static inline double lane_acosh(double x) {
    return x < 1 ? NAN : lane_log1p(x - 1 + __builtin_sqrt((x - 1) * (x + 1)));
}
static inline double lane_atanh(double x) {
    double m = x < 0 ? -x : x, y = m < 1 ? lane_log1p(2 * m / (1 - m)) / 2 : m == 1 ? INFINITY : NAN;
    return x < 0 ? -y : y;
}

/* ---- powers: as C's pow ------------------------------------------------------------------------------------------- */

static inline double lane_pow(double a, double b) {
    if (b == 0 || a == 1) return 1;
    if (a != a || b != b) return NAN;
    double m = __builtin_fabs(a), magnitude;
    bool negative = __builtin_signbit(a), endless = b == INFINITY || b == -INFINITY;
    bool whole = endless || b == __builtin_floor(b), odd = whole && !endless && b / 2 != __builtin_floor(b / 2);
    if (negative && m > 0 && m < INFINITY && !whole) return NAN;
    if (m == 1)
        magnitude = 1;
    else if (m == 0 || m == INFINITY || endless)
        magnitude = (m > 1) == (b > 0) ? INFINITY : 0;
    else
        magnitude = lane_exp(b * lane_log(m));
    return negative && odd ? -magnitude : magnitude;
}

/* ---- as vectors --------------------------------------------------------------------------------------------------- */

FV_INLINE vf vf_each_lane(double (*function)(double), vf x) {
    for (int i = 0; i < FV_LANES; i++) x[i] = (float)function((double)x[i]);
    return x;
}

FV_INLINE vf vf_floor(vf x) {
    for (int i = 0; i < FV_LANES; i++) x[i] = __builtin_floorf(x[i]);
    return x;
}
FV_INLINE vf vf_round(vf x) {
    for (int i = 0; i < FV_LANES; i++) x[i] = __builtin_rintf(x[i]);
    return x;
}

#endif
